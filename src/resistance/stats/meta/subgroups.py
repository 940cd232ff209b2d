"""Effects in groups (of patients within trials, or of trials) -> pooled effect of each group, and whether they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import codes
from resistance.stats.meta.between_studies import METHODS, Method, check_confidence, checked_studies, one_of
from resistance.stats.meta.pooled import MetaResult, meta_analysis


@dataclass(frozen=True)
class SubgroupResult:
    """Pooled effects of groups and whether they differ; the numbers of the test are NaN unless `converged`.

    Parameters
    ----------
    names : tuple
        Groups, sorted.
    groups : tuple of MetaResult
        Each pooled by itself (with its own variance between studies).
    q, df, p_value : float, int, float
        Test that all groups have one effect (chi-square).
    difference, se, ci_low, ci_high : float
        With two groups: the second minus the first; of log ratios the log of the ratio of ratios.  NaN otherwise.
    converged : bool
    reason : {'', 'one group'}
    columns : tuple of int
        Always empty.
    note : str
    """

    names: tuple[Any, ...]
    groups: tuple[MetaResult, ...]
    q: float
    df: int
    p_value: float
    difference: float
    se: float
    ci_low: float
    ci_high: float
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def subgroup_difference(
    effects: ArrayLike,
    se: ArrayLike,
    group: ArrayLike,
    *,
    method: Method = "reml",
    confidence: float = 0.95,
) -> SubgroupResult:
    """Test whether groups of effects (GCB and non-GCB, two classes of trials) have one pooled effect.

    Parameters
    ----------
    effects, se : array, shape (k,)
    group : array, shape (k,)
    method : {'reml', 'dersimonian_laird', 'paule_mandel', 'fixed'}
        A group of one study has the effect and error of that study, whatever the method.

    Notes
    -----
    Effects of one trial in two groups of its patients are independent, and their difference is the marker x treatment
    interaction: the ratio of ratios (Altman and Bland 2003, doi:10.1136/bmj.326.7382.219).  Across trials it is
    confounded with everything else in which these differ.  Normal intervals; Borenstein and Higgins 2013,
    doi:10.1007/s11121-013-0377-7.

    Examples
    --------
    >>> import math
    >>> found = subgroup_difference([math.log(0.85), math.log(0.5)], [0.15, 0.2], ["GCB", "non-GCB"])
    >>> round(math.exp(found.difference), 3), round(found.p_value, 3)
    (0.588, 0.034)
    """
    from scipy.stats import chi2, norm

    y, s = checked_studies(effects, se)
    one_of(method, METHODS, "method")
    check_confidence(confidence)
    code = codes(group, "group", y.size)
    names = tuple(np.unique(np.asarray(group)).tolist())
    pooled = []
    for i in range(len(names)):
        of = code == i
        pooled.append(
            meta_analysis(y[of], s[of], method=method if of.sum() > 1 else "fixed", interval="normal", confidence=confidence)
        )
    nan = float("nan")
    if len(names) < 2:
        note = "one group: nothing to compare" if names else "there is no study"
        return SubgroupResult(names, tuple(pooled), nan, 0, nan, nan, nan, nan, nan, False, "one group", (), note)
    mean = np.array([p.effect for p in pooled])
    weight = 1 / np.array([p.se for p in pooled]) ** 2
    q = float(weight @ (mean - weight @ mean / weight.sum()) ** 2)
    difference = error = low = high = nan
    if len(names) == 2:
        difference, error = float(mean[1] - mean[0]), float(np.sqrt((1 / weight).sum()))
        reach = float(norm.isf((1 - confidence) / 2)) * error
        low, high = difference - reach, difference + reach
    df = len(names) - 1
    return SubgroupResult(names, tuple(pooled), q, df, float(chi2.sf(q, df)), difference, error, low, high, True, "", (), "")
