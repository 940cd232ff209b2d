"""2x2 tables of several strata -> Cochran-Mantel-Haenszel, its exact conditional version, and whether the odds ratio is the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, codes, flags
from resistance.stats.noncentral import convolved, hypergeometric


@dataclass(frozen=True)
class MantelHaenszelResult:
    """Cochran-Mantel-Haenszel test; numbers are NaN where `reason` says why.

    Parameters
    ----------
    odds_ratio : float
        Common odds ratio of Mantel and Haenszel (0 or infinite where a diagonal is empty in every stratum).
    log_se : float
        Standard error of its logarithm (Robins, Breslow and Greenland); NaN where the odds ratio is 0 or infinite.
    ci_low, ci_high : float
        Interval of the odds ratio from it.
    statistic, p_value : float
        Chi-square with one degree of freedom, without continuity correction.
    statistic_corrected, p_value_corrected : float
        With it.
    strata, strata_used : int
        Strata given, and those in which both groups and both outcomes occur: the others say nothing.
    n, n_used : int
        Patients in all strata and in those used.
    converged : bool
    reason : {'', 'no stratum'}
    note : str
    """

    odds_ratio: float
    log_se: float
    ci_low: float
    ci_high: float
    statistic: float
    p_value: float
    statistic_corrected: float
    p_value_corrected: float
    strata: int
    strata_used: int
    n: int
    n_used: int
    converged: bool
    reason: str
    note: str


@dataclass(frozen=True)
class ExactStratifiedResult:
    """Exact conditional test of a common odds ratio, all margins of all strata given.

    Parameters
    ----------
    odds_ratio : float
        Conditional maximum likelihood estimate; 0 or infinite at the ends of what the margins allow.
    ci_low, ci_high : float
        Exact interval.
    p_value : float
        Two-sided: the sums of the exposed with the outcome that are at most as likely.
    p_mid : float
        The same, sums as likely as the one observed counted by half.
    p_greater, p_less : float
        One-sided.
    p_value_minimum : float
        Smallest two-sided p that these margins can give.
    strata, strata_used, n, n_used, converged, reason, note
        As in :class:`MantelHaenszelResult`.
    """

    odds_ratio: float
    ci_low: float
    ci_high: float
    p_value: float
    p_mid: float
    p_greater: float
    p_less: float
    p_value_minimum: float
    strata: int
    strata_used: int
    n: int
    n_used: int
    converged: bool
    reason: str
    note: str


@dataclass(frozen=True)
class HomogeneityResult:
    """Tests of the odds ratio being the same in every stratum; numbers are NaN where `reason` says why.

    Parameters
    ----------
    woolf, woolf_p : float
        Woolf's chi-square; one half is added to every cell where some cell is empty.
    breslow_day, breslow_day_p : float
        Breslow and Day's, about the odds ratio of Mantel and Haenszel; NaN where that is 0 or infinite.
    tarone, tarone_p : float
        The same with Tarone's correction, which has the distribution claimed.
    df : int
        Strata used less one.
    strata, strata_used, n, n_used : int
        As in :class:`MantelHaenszelResult`.
    converged : bool
    reason : {'', 'no stratum', 'one stratum', 'empty cell'}
        'empty cell': no finite common odds ratio, only Woolf's test is given.
    note : str
    """

    woolf: float
    woolf_p: float
    breslow_day: float
    breslow_day_p: float
    tarone: float
    tarone_p: float
    df: int
    strata: int
    strata_used: int
    n: int
    n_used: int
    converged: bool
    reason: str
    note: str


def stratified_tables(exposed: ArrayLike, outcome: ArrayLike, strata: Any) -> FloatArray:
    """Return the 2x2 table of each stratum.

    Parameters
    ----------
    exposed, outcome : array of bool, shape (n,)
    strata : array, shape (n,)
        Strata by name or number; the tables come in their order.

    Returns
    -------
    array, shape (strata, 2, 2)
        exposed with, exposed without; unexposed with, unexposed without the outcome.

    Examples
    --------
    >>> stratified_tables([1, 1, 0, 0], [1, 0, 0, 0], ["GCB", "GCB", "GCB", "ABC"]).tolist()
    [[[0.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [0.0, 1.0]]]
    """
    x = flags(exposed, "exposed")
    y = flags(outcome, "outcome", x.size)
    stratum = codes(strata, "strata", x.size)
    tables = np.zeros((int(stratum.max()) + 1 if stratum.size else 0, 2, 2))
    np.add.at(tables, (stratum, 1 - x.astype(int), 1 - y.astype(int)), 1)
    return tables


def mantel_haenszel(tables: ArrayLike, *, confidence: float = 0.95) -> MantelHaenszelResult:
    """Test whether an outcome goes with an exposure within strata.

    Parameters
    ----------
    tables : array of int, shape (strata, 2, 2)
        See :func:`stratified_tables`.
    confidence : float

    Raises
    ------
    ValueError
        Another shape; counts that are negative or not whole.

    Notes
    -----
    Cochran 1954, doi:10.2307/3001616; Mantel and Haenszel 1959, doi:10.1093/jnci/22.4.719; standard error of
    Robins, Breslow and Greenland 1986, doi:10.2307/2531052.  The continuity correction is one half, and
    none where the difference is smaller (as in R).

    Examples
    --------
    >>> round(mantel_haenszel([[[10, 4], [3, 9]], [[6, 2], [4, 5]]]).odds_ratio, 2)
    5.61
    """
    from scipy.stats import chi2, norm

    used, counted = _informative(tables)
    if not len(used):
        return MantelHaenszelResult(
            **_nan("odds_ratio log_se ci_low ci_high statistic p_value statistic_corrected p_value_corrected"),
            **counted,
            converged=False,
            reason="no stratum",
            note=NO_STRATUM,
        )
    a, b, c, d, total = _cells(used)
    with_outcome, exposed = a + c, a + b
    away = abs(float((a - exposed * with_outcome / total).sum()))
    variance = float((exposed * (c + d) * with_outcome * (b + d) / (total**2 * (total - 1))).sum())
    statistic = away**2 / variance
    corrected = (away - (0.5 if away >= 0.5 else 0.0)) ** 2 / variance
    along, across = a * d / total, b * c / total
    for_, against = float(along.sum()), float(across.sum())
    ratio = _quotient(for_, against)
    log_se = low = high = float("nan")
    if 0 < ratio < np.inf:
        agree, disagree = (a + d) / total, (b + c) / total
        log_se = float(
            np.sqrt(
                (agree * along).sum() / (2 * for_**2)
                + (agree * across + disagree * along).sum() / (2 * for_ * against)
                + (disagree * across).sum() / (2 * against**2)
            )
        )
        z = float(norm.ppf(0.5 + confidence / 2))
        low, high = ratio * float(np.exp(-z * log_se)), ratio * float(np.exp(z * log_se))
    return MantelHaenszelResult(
        odds_ratio=ratio,
        log_se=log_se,
        ci_low=low,
        ci_high=high,
        statistic=statistic,
        p_value=float(chi2.sf(statistic, 1)),
        statistic_corrected=corrected,
        p_value_corrected=float(chi2.sf(corrected, 1)),
        **counted,
        converged=True,
        reason="",
        note=_left_out(counted),
    )


def exact_stratified(tables: ArrayLike, *, confidence: float = 0.95) -> ExactStratifiedResult:
    """Test whether an outcome goes with an exposure within strata, exactly: with few patients or empty cells.

    Parameters
    ----------
    tables : array of int, shape (strata, 2, 2)
        See :func:`stratified_tables`.
    confidence : float

    Raises
    ------
    ValueError
        Another shape; counts that are negative or not whole.

    Notes
    -----
    The exposed with the outcome, summed over strata, have as distribution the convolution of the
    strata's hypergeometric ones.  Gart 1970, doi:10.1093/biomet/57.3.471; Mehta, Patel and Gray 1985.  One stratum: Fisher's test.

    Examples
    --------
    >>> round(exact_stratified([[[3, 0], [0, 3]], [[2, 1], [0, 3]]]).p_value, 3)
    0.02
    """
    used, counted = _informative(tables)
    if not len(used):
        return ExactStratifiedResult(
            **_nan("odds_ratio ci_low ci_high p_value p_mid p_greater p_less p_value_minimum"),
            **counted,
            converged=False,
            reason="no stratum",
            note=NO_STRATUM,
        )
    cells = used.reshape(-1, 4).astype(int).tolist()
    count = convolved([hypergeometric(a + b, c + d, a + c) for a, b, c, d in cells])
    observed = sum(row[0] for row in cells)
    low, high = count.interval(observed, confidence)
    return ExactStratifiedResult(
        odds_ratio=count.estimate(observed),
        ci_low=low,
        ci_high=high,
        p_value=count.two_sided(observed),
        p_mid=count.two_sided(observed, mid=True),
        p_greater=count.tail(observed, upper=True),
        p_less=count.tail(observed, upper=False),
        p_value_minimum=count.two_sided(count.low + int(np.argmin(count.log_weight))),
        **counted,
        converged=True,
        reason="",
        note=_left_out(counted),
    )


def homogeneity(tables: ArrayLike) -> HomogeneityResult:
    """Test whether the odds ratio differs between strata.

    Parameters
    ----------
    tables : array of int, shape (strata, 2, 2)
        See :func:`stratified_tables`.

    Raises
    ------
    ValueError
        Another shape; counts that are negative or not whole.

    Notes
    -----
    Woolf 1955, doi:10.1111/j.1469-1809.1955.tb01348.x; Breslow and Day 1980, Statistical Methods in Cancer
    Research I, 4.4; Tarone 1985, doi:10.1093/biomet/72.1.91.  With few patients per stratum these tests
    see little: a large p is no proof that strata may be taken together.

    Examples
    --------
    >>> round(homogeneity([[[10, 4], [3, 9]], [[6, 2], [4, 5]]]).tarone_p, 2)
    0.62
    """
    from scipy.stats import chi2

    used, counted = _informative(tables)
    df = max(0, len(used) - 1)
    if df == 0:
        reason, note = (
            ("one stratum", "only one stratum has both groups and both outcomes") if len(used) else ("no stratum", NO_STRATUM)
        )
        return HomogeneityResult(
            **_nan("woolf woolf_p breslow_day breslow_day_p tarone tarone_p"),
            df=df,
            **counted,
            converged=False,
            reason=reason,
            note=note,
        )
    log_ratio, weight = _log_ratios(used + (0.5 if (used == 0).any() else 0.0))
    woolf = float((weight * (log_ratio - weight @ log_ratio / weight.sum()) ** 2).sum())
    a, b, c, d, total = _cells(used)
    ratio = _quotient(float((a * d / total).sum()), float((b * c / total).sum()))
    if not 0 < ratio < np.inf:
        note = "no finite common odds ratio (an empty diagonal in every stratum): only Woolf's test"
        return HomogeneityResult(
            woolf=woolf,
            woolf_p=float(chi2.sf(woolf, df)),
            **_nan("breslow_day breslow_day_p tarone tarone_p"),
            df=df,
            **counted,
            converged=False,
            reason="empty cell",
            note=note,
        )
    expected = _expected(a + b, c + d, a + c, ratio)
    precision = 1 / expected + 1 / (a + b - expected) + 1 / (a + c - expected) + 1 / (d - a + expected)
    breslow_day = float(((a - expected) ** 2 * precision).sum())
    tarone = breslow_day - float((a - expected).sum() ** 2 / (1 / precision).sum())
    return HomogeneityResult(
        woolf=woolf,
        woolf_p=float(chi2.sf(woolf, df)),
        breslow_day=breslow_day,
        breslow_day_p=float(chi2.sf(breslow_day, df)),
        tarone=tarone,
        tarone_p=float(chi2.sf(tarone, df)),
        df=df,
        **counted,
        converged=True,
        reason="",
        note=_left_out(counted),
    )


NO_STRATUM = "no stratum has both groups and both outcomes"


def _informative(tables: ArrayLike) -> tuple[FloatArray, dict[str, Any]]:
    """Return the tables without an empty margin, and how many strata and patients there are and are used."""
    given = np.asarray(tables, dtype=np.float64)
    if given.ndim != 3 or given.shape[1:] != (2, 2):
        raise ValueError(f"tables: shape {given.shape} is not (strata, 2, 2)")
    if not np.isfinite(given).all() or (given != np.round(given)).any():
        raise ValueError("tables: counts must be whole numbers")
    if (given < 0).any():
        raise ValueError("tables: counts cannot be negative")
    used = given[(given.sum(axis=1) > 0).all(axis=1) & (given.sum(axis=2) > 0).all(axis=1)]
    return used, {"strata": len(given), "strata_used": len(used), "n": int(given.sum()), "n_used": int(used.sum())}


def _nan(names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), float("nan"))


def _left_out(counted: dict[str, Any]) -> str:
    strata, patients = counted["strata"] - counted["strata_used"], counted["n"] - counted["n_used"]
    return f"{strata} of {counted['strata']} strata ({patients} patients) say nothing: an empty margin" if strata else ""


def _cells(tables: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    a, b, c, d = tables.reshape(-1, 4).T
    return a, b, c, d, a + b + c + d


def _log_ratios(tables: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the log odds ratio of each table and the inverse of its variance."""
    a, b, c, d, _ = _cells(tables)
    return np.log(a * d / (b * c)), 1 / (1 / a + 1 / b + 1 / c + 1 / d)


def _quotient(above: float, below: float) -> float:
    if below > 0:
        return above / below
    return float("inf") if above > 0 else float("nan")


def _expected(exposed: FloatArray, unexposed: FloatArray, with_outcome: FloatArray, ratio: float) -> FloatArray:
    """Return the exposed with the outcome at which each table has this odds ratio, margins kept."""
    # x (unexposed - with_outcome + x) = ratio (exposed - x) (with_outcome - x)
    square = 1 - ratio
    linear = unexposed - with_outcome + ratio * (exposed + with_outcome)
    constant = -ratio * exposed * with_outcome
    root = np.sqrt(linear**2 - 4 * square * constant)
    # the root within the margins, in the form that does not take a difference of equal numbers: the first
    # survives a ratio of 1; a negative linear term means a ratio below 1, so that there is a square term
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(linear >= 0, -2 * constant / (linear + root), (root - linear) / (2 * square)))
