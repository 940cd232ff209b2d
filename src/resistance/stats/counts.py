"""Counts of many features and columns -> negative-binomial regression by pydeseq2, with every missing number explained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, matrix
from resistance.stats._design import collinear_columns, named, with_intercept

#: below this |count - whole number| a count is whole (a table read as text)
WHOLE = 1e-6


@dataclass(frozen=True)
class CountsResult:
    """Negative-binomial test of each feature.

    Parameters
    ----------
    base_mean : array, shape (m,)
        Mean of the counts over the size factors.
    effect, se : array, shape (m,)
        log2 fold change per unit of the tested column (maximum likelihood, not shrunk), and its standard error.
    ci_low, ci_high : array, shape (m,)
        Wald interval.
    statistic, p_value : array, shape (m,)
        Wald statistic and two-sided p; NaN where `reasons` says so.
    q_value : array, shape (m,)
        Benjamini-Hochberg after independent filtering; NaN for filtered features too.
    dispersion : array, shape (m,)
    size_factors : array, shape (n,)
    reasons : tuple of str, length m
        '' answered; 'no counts'; 'outlier' (a single count decides, by Cook's distance: no p); 'not
        converged' (no numbers); 'low counts' (p is given, but the feature was left out of the q-values).
    replaced : int
        Features in which outlying counts were replaced before the fit (7 or more replicates).
    converged : bool
        At least one feature was answered.
    reason : {'', 'no features', 'no counts', 'no residual degrees of freedom', 'collinear'}
    columns : tuple of int
        0-based columns that are the cause.
    note : str
        Numbers of the features without p or q, and what pydeseq2 warned of.
    """

    base_mean: FloatArray
    effect: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    q_value: FloatArray
    dispersion: FloatArray
    size_factors: FloatArray
    reasons: tuple[str, ...]
    replaced: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def negative_binomial(
    counts: ArrayLike,
    columns: ArrayLike,
    *,
    tested: int = 0,
    alpha: float = 0.05,
    cooks: bool = True,
    independent_filtering: bool = True,
    confidence: float = 0.95,
) -> CountsResult:
    """Test one column in a negative-binomial model of every feature.

    Parameters
    ----------
    counts : array, shape (m, n)
        Whole numbers; features in rows, samples in columns.
    columns : array, shape (n, k)
        Without an intercept, which is added; no missing values.
    tested : int
        Column whose effect is wanted.
    alpha : float
        False discovery rate for which the independent filter is chosen.
    cooks : bool
        Replace and flag outlying counts.
    independent_filtering : bool
        Leave features with low mean counts out of the q-values, by the margin that rejects most.
    confidence : float

    Raises
    ------
    ValueError
        Counts that are negative, missing or no whole numbers; shapes that do not fit.
    ModuleNotFoundError
        pydeseq2 is not installed: it comes with the extra ``counts``.

    Notes
    -----
    Love, Huber and Anders 2014, doi:10.1186/s13059-014-0550-8; Muzellec et al. 2023,
    doi:10.1093/bioinformatics/btad547.
    """
    from scipy.stats import norm

    x = np.asarray(counts, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"counts: two dimensions are needed (features in rows, samples in columns), not {x.ndim}")
    if not np.isfinite(x).all():
        raise ValueError(f"counts: {int((~np.isfinite(x)).sum())} value(s) are missing or infinite")
    if (x < 0).any():
        raise ValueError("counts: negative")
    if (np.abs(x - np.rint(x)) > WHOLE).any():
        raise ValueError("counts: not whole numbers; raw counts are needed, not normalised ones")
    m, n = x.shape
    z = matrix(columns, "columns", n)
    k = z.shape[1]
    if not 0 <= tested < k:
        raise ValueError(f"tested: no column {tested} in {k}")
    if not 0 < alpha < 1 or not 0 < confidence < 1:
        raise ValueError("alpha and confidence: outside 0..1")
    if m == 0:
        return _unanswered(m, n, "no features", ())
    if n <= k + 1:
        return _unanswered(m, n, "no residual degrees of freedom", ())
    tied = tuple(i - 1 for i in collinear_columns(with_intercept(z)) if i > 0)
    if tied:
        return _unanswered(m, n, "collinear", tied)
    if (x.sum(axis=0) == 0).any():
        return _unanswered(m, n, "no counts", ())
    # the optimiser is made for columns near 1: effects are found per unit of range, and a calendar year
    # is centred; a 0/1 column stays what it is
    middle, spread = z.mean(axis=0), np.ptp(z, axis=0)
    near_one = (z - np.where(np.abs(middle) > 10 * spread, middle, 0.0)) / spread
    dds, stats, said = _deseq(np.rint(x), near_one, tested, alpha, cooks, independent_filtering)
    table = stats.results_df
    effect = np.asarray(table["log2FoldChange"], dtype=np.float64) / spread[tested]
    se = np.asarray(table["lfcSE"], dtype=np.float64) / spread[tested]
    statistic, p_value, q_value = (np.array(table[name], dtype=np.float64) for name in ("stat", "pvalue", "padj"))
    reasons = _reasons(dds, x, se, p_value, q_value)
    for i, reason in enumerate(reasons):
        if reason in ("no counts", "not converged"):
            effect[i] = se[i] = statistic[i] = p_value[i] = q_value[i] = np.nan
        elif reason == "outlier":
            statistic[i] = p_value[i] = q_value[i] = np.nan
    width = float(norm.isf((1 - confidence) / 2)) * se
    counted = [f"{reasons.count(r)} feature(s): {_WORDS[r]}" for r in _WORDS if r in reasons]
    answered = any(reason in ("", "low counts") for reason in reasons)
    return CountsResult(
        base_mean=np.asarray(table["baseMean"], dtype=np.float64),
        effect=effect,
        se=se,
        ci_low=effect - width,
        ci_high=effect + width,
        statistic=statistic,
        p_value=p_value,
        q_value=q_value,
        dispersion=np.array(dds.var["dispersions"], dtype=np.float64),
        size_factors=np.asarray(dds.obs["size_factors"], dtype=np.float64),
        reasons=tuple(reasons),
        replaced=int(np.sum(np.asarray(dds.var["replaced"], dtype=bool))) if "replaced" in dds.var else 0,
        converged=answered,
        reason="" if answered else "no counts",
        columns=(),
        note="; ".join([*counted, *said]),
    )


_WORDS = {
    "no counts": "no counts, or none but outlying ones",
    "outlier": "a single outlying count decides (Cook's distance), so that no p is given",
    "not converged": "the likelihood was not maximised",
    "low counts": "mean count too low to be found (independent filtering), so that no q is given",
}


def _deseq(
    x: FloatArray, z: FloatArray, tested: int, alpha: float, cooks: bool, independent_filtering: bool
) -> tuple[Any, Any, list[str]]:
    """Run pydeseq2 on one core; return its fits, its tests and its warnings."""
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside its own dependencies
            import anndata  # type: ignore[import-untyped]
            from pydeseq2.dds import DeseqDataSet  # type: ignore[import-untyped]
            from pydeseq2.default_inference import DefaultInference  # type: ignore[import-untyped]
            from pydeseq2.ds import DeseqStats  # type: ignore[import-untyped]
    except ImportError as error:
        raise ModuleNotFoundError(
            "the negative-binomial test needs pydeseq2: pip install 'resistance[counts]'", name="pydeseq2"
        ) from error
    names = [f"x{i}" for i in range(z.shape[1])]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = anndata.AnnData(X=x.T.astype(np.int64), obs={name: z[:, i] for i, name in enumerate(names)})
        one_core = DefaultInference(n_cpus=1)
        dds = DeseqDataSet(adata=data, design="~ " + " + ".join(names), refit_cooks=cooks, inference=one_core, quiet=True)
        dds.deseq2()
        contrast = np.zeros(z.shape[1] + 1)
        contrast[1 + tested] = 1.0
        stats = DeseqStats(
            dds,
            contrast,
            alpha=alpha,
            cooks_filter=cooks,
            independent_filter=independent_filtering,
            inference=one_core,
            quiet=True,
        )
        stats.summary()
    said = [" ".join(str(w.message).split()) for w in caught if issubclass(w.category, UserWarning)]
    return dds, stats, sorted(set(said) - {"Transforming to str index."})


def _reasons(dds: Any, x: FloatArray, se: FloatArray, p_value: FloatArray, q_value: FloatArray) -> list[str]:
    """Return for each feature why p or q is missing."""
    # a pandas flag of three values: unknown for features without counts
    fitted = [str(flag) != "False" for flag in dds.var["_LFC_converged"].tolist()]
    reasons = []
    for i in range(p_value.size):
        if not x[i].any() or (np.isfinite(se[i]) and se[i] == 0):  # 0: its only counts were replaced as outliers
            reasons.append("no counts")
        elif not fitted[i]:
            reasons.append("not converged")
        elif np.isnan(p_value[i]):
            reasons.append("outlier" if np.isfinite(se[i]) else "not converged")
        else:
            reasons.append("low counts" if np.isnan(q_value[i]) else "")
    return reasons


def _unanswered(m: int, n: int, reason: str, columns: tuple[int, ...]) -> CountsResult:
    note = {
        "no features": "no features",
        "no counts": "a sample has no counts: leave it out",
        "no residual degrees of freedom": "no more samples than the model has columns",
        "collinear": f"{named(columns)}: constant or collinear",
    }[reason]
    nan = np.full(m, np.nan)
    return CountsResult(*(nan,) * 9, np.full(n, np.nan), (reason,) * m, 0, False, reason, columns, note)
