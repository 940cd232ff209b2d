"""Effects of studies with their standard errors -> do small studies have other effects than large ones?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats.meta.between_studies import checked_studies, without_rounding


@dataclass(frozen=True)
class EggerResult:
    """Egger's regression for small-study effects; numbers are NaN unless `converged`.

    Parameters
    ----------
    intercept, se, p_value : float
        Intercept of effect / se on 1 / se, and its t-test on k - 2 degrees of freedom.
    k : int
    converged : bool
    reason : {'', 'too few studies', 'equal precision', 'exact fit'}
    columns : tuple of int
    note : str
    """

    intercept: float
    se: float
    p_value: float
    k: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def egger(effects: ArrayLike, se: ArrayLike) -> EggerResult:
    """Ask whether small studies have other effects than large ones.

    Notes
    -----
    Egger 1997, doi:10.1136/bmj.315.7109.629.  With fewer than 10 studies it has hardly any power; of log odds ratios
    it finds asymmetry where there is none, since effect and error are related.

    Examples
    --------
    >>> found = egger([0.1, 0.3, 0.2, 0.6], [0.1, 0.2, 0.15, 0.3])
    >>> found.k, round(found.p_value, 3)
    (4, 0.007)
    """
    from scipy.stats import t

    y, s = checked_studies(effects, se)
    k, nan = y.size, float("nan")
    if k < 3:
        return EggerResult(nan, nan, nan, k, False, "too few studies", (), f"{k} studies: at least 3 are needed")
    if np.ptp(s) <= 1e-12 * s.max():
        return EggerResult(nan, nan, nan, k, False, "equal precision", (), "all studies have one standard error")
    x = np.column_stack([np.ones(k), s.min() / s])
    inverse = np.linalg.inv(x.T @ x)
    coef = inverse @ x.T @ (y / s)
    left = without_rounding(y / s - x @ coef, y / s)
    if not left.any():
        return EggerResult(
            nan, nan, nan, k, False, "exact fit", (), "the studies lie on one line: there is no error to test against"
        )
    error = float(np.sqrt(left @ left / (k - 2) * inverse[0, 0]))
    p = float(2 * t.sf(abs(coef[0]) / error, k - 2))
    return EggerResult(float(coef[0]), error, p, k, True, "", (), "")
