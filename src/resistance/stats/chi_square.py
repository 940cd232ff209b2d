"""A table of counts -> Pearson's chi-square test, with and without continuity correction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray


@dataclass(frozen=True)
class ChiSquareResult:
    """Pearson's test of independence.

    Parameters
    ----------
    statistic, p_value : float
        NaN where fewer than two rows or columns hold a patient.
    statistic_corrected, p_value_corrected : float
        With Yates' continuity correction (2x2 tables, else NaN).
    df : int
        Rows and columns without patients do not count.
    expected_minimum : float
        Smallest expected count: below 5 take an exact test.
    n : int
    reason : {'', 'one row or column'}
    note : str
    """

    statistic: float
    p_value: float
    statistic_corrected: float
    p_value_corrected: float
    df: int
    expected_minimum: float
    n: int
    reason: str
    note: str


def chi_square(table: ArrayLike) -> ChiSquareResult:
    """Test whether rows and columns of a table of counts are independent.

    Parameters
    ----------
    table : array of int, shape (rows, columns)

    Raises
    ------
    ValueError
        Counts that are negative or not whole; another number of dimensions.

    Notes
    -----
    Pearson 1900; Yates 1934, doi:10.2307/2983604; the correction is never larger than the difference that
    it is taken from (as in R).

    Examples
    --------
    >>> round(chi_square([[7, 12], [0, 8]]).p_value, 4)
    0.0461
    """
    from scipy.stats import chi2

    given = counts_table(table)
    kept = given[given.sum(axis=1) > 0][:, given.sum(axis=0) > 0]
    n, nan = int(given.sum()), float("nan")
    if min(kept.shape) < 2:
        note = "fewer than two rows or columns hold a patient"
        return ChiSquareResult(nan, nan, nan, nan, 0, nan, n, "one row or column", note)
    expected = np.outer(kept.sum(axis=1), kept.sum(axis=0)) / n
    away = np.abs(kept - expected)
    df = (kept.shape[0] - 1) * (kept.shape[1] - 1)
    statistic, corrected = float((away**2 / expected).sum()), nan
    if kept.shape == (2, 2):
        corrected = float(((away - min(0.5, float(away.min()))) ** 2 / expected).sum())
    return ChiSquareResult(
        statistic=statistic,
        p_value=float(chi2.sf(statistic, df)),
        statistic_corrected=corrected,
        p_value_corrected=float(chi2.sf(corrected, df)),
        df=df,
        expected_minimum=float(expected.min()),
        n=n,
        reason="",
        note="",
    )


def counts_table(table: ArrayLike) -> FloatArray:
    """Return a table of whole numbers, or say why it is none."""
    given = np.asarray(table, dtype=np.float64)
    if given.ndim != 2:
        raise ValueError(f"table: two dimensions are needed, not {given.ndim}")
    if not np.isfinite(given).all() or (given != np.round(given)).any():
        raise ValueError("table: counts must be whole numbers")
    if (given < 0).any():
        raise ValueError("table: counts cannot be negative")
    return given
