"""Counts in ordered groups -> tests of a trend: Cochran-Armitage for two outcomes, linear-by-linear for ordered outcomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, numbers
from resistance.stats.chi_square import counts_table


@dataclass(frozen=True)
class TrendResult:
    """A test of a trend.

    Parameters
    ----------
    z : float
        Positive where the outcome rises with the score; NaN where there is no answer.
    statistic : float
        Chi-square with one degree of freedom, z squared.
    p_value : float
        Two-sided, asymptotic.
    n : int
    reason : {'', 'constant outcome', 'constant score'}
    note : str
    """

    z: float
    statistic: float
    p_value: float
    n: int
    reason: str
    note: str


def cochran_armitage(events: ArrayLike, patients: ArrayLike, scores: ArrayLike | None = None) -> TrendResult:
    """Test whether the share of patients with an outcome rises or falls over ordered groups.

    Parameters
    ----------
    events, patients : array of int, shape (groups,)
        Patients with the outcome, and all patients, per group.
    scores : array, shape (groups,), optional
        Positions of the groups (default 1, 2, 3 ...); only their relative distances matter.

    Raises
    ------
    ValueError
        Counts that are negative or not whole, more events than patients, missing scores.

    Notes
    -----
    Cochran 1954, doi:10.2307/3001616; Armitage 1955, doi:10.2307/3001775.  The variance is that of
    independent groups (as in R's prop.trend.test): n / (n - 1) times z squared of :func:`linear_by_linear`.

    Examples
    --------
    >>> round(cochran_armitage([15, 10, 5, 2], [20, 20, 20, 20]).statistic, 4)
    20.1667
    """
    with_outcome, everybody = numbers(events, "events"), numbers(patients, "patients")
    if with_outcome.size != everybody.size:
        raise ValueError(f"patients: {everybody.size} values for {with_outcome.size} groups")
    table = counts_table(np.column_stack([everybody - with_outcome, with_outcome]))
    found = linear_by_linear(table, scores, [0, 1])
    if found.reason:
        return found
    return _result(found.z * float(np.sqrt(found.n / (found.n - 1))), found.n)


def linear_by_linear(
    table: ArrayLike, row_scores: ArrayLike | None = None, column_scores: ArrayLike | None = None
) -> TrendResult:
    """Test whether two ordered categories rise together.

    Parameters
    ----------
    table : array of int, shape (rows, columns)
    row_scores, column_scores : array, optional
        Positions (default 1, 2, 3 ...).

    Raises
    ------
    ValueError
        Counts that are negative or not whole; scores that are missing or of another length.

    Notes
    -----
    Mantel 1963, doi:10.1080/01621459.1963.10500879: the correlation of the scores times the root of n - 1.

    Examples
    --------
    >>> round(linear_by_linear([[6, 3, 1], [2, 4, 7]]).p_value, 4)
    0.0137
    """
    given = counts_table(table)
    rows, columns = given.sum(axis=1), given.sum(axis=0)
    u, v = _scores(row_scores, "row_scores", rows), _scores(column_scores, "column_scores", columns)
    n, nan = int(given.sum()), float("nan")
    if n == 0 or np.ptp(v[columns > 0]) == 0:
        return TrendResult(nan, nan, nan, n, "constant outcome", "the outcome does not vary")
    if np.ptp(u[rows > 0]) == 0:
        return TrendResult(nan, nan, nan, n, "constant score", "the patients are in groups of one score")
    u, v = u - rows @ u / n, v - columns @ v / n
    together = float(u @ given @ v)
    alone = float((rows @ u**2) * (columns @ v**2))
    return _result(together / float(np.sqrt(alone)) * float(np.sqrt(n - 1)), n)


def _scores(scores: ArrayLike | None, name: str, margin: FloatArray) -> FloatArray:
    given = np.arange(margin.size, dtype=np.float64) if scores is None else numbers(scores, name)
    if given.size != margin.size:
        raise ValueError(f"{name}: {given.size} values for {margin.size} groups")
    spread = float(np.ptp(given)) if given.size else 0.0
    return (given - given.min()) / spread if spread > 0 else np.zeros(given.size)


def _result(z: float, n: int) -> TrendResult:
    from scipy.stats import chi2

    return TrendResult(z, z**2, float(chi2.sf(z**2, 1)), n, "", "")
