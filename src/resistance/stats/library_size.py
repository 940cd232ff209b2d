"""Counts of many features -> effective library sizes (TMM), features with enough counts, log counts per million."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import BoolArray, FloatArray, codes, matrix, numbers
from resistance.stats._threads import one_thread


@dataclass(frozen=True)
class TmmResult:
    """Normalisation factors.

    Parameters
    ----------
    factors : array, shape (n,)
        Their geometric mean is 1; a library's effective size is its size times its factor.
    reference : int
        0-based sample that the others were compared with.
    converged : bool
    reason : {'', 'empty library'}
    columns : tuple of int
        0-based samples without counts; they have NaN, and the others are scaled without them.
    note : str
    """

    factors: FloatArray
    reference: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str


def tmm_factors(
    counts: ArrayLike,
    library_sizes: ArrayLike | None = None,
    *,
    reference: int | None = None,
    trim_ratio: float = 0.3,
    trim_level: float = 0.05,
) -> TmmResult:
    """Return trimmed-mean-of-M-values factors.

    Parameters
    ----------
    counts : array, shape (m, n)
        Features in rows, samples in columns; not negative.
    library_sizes : array, shape (n,), optional
        Default: the sums of the columns.
    reference : int, optional
        0-based sample to compare with (default: the one whose upper quartile is nearest to the mean one).
    trim_ratio, trim_level : float
        Fractions of the features left out at each end of the log ratios and of the mean levels.

    Notes
    -----
    Robinson and Oshlack 2010, doi:10.1186/gb-2010-11-3-r25; as edgeR's ``calcNormFactors``.

    Examples
    --------
    >>> tmm_factors([[100, 200], [300, 600], [50, 100], [80, 160]]).factors.tolist()
    [1.0, 1.0]
    """
    x = _checked_counts(counts)
    sizes = x.sum(axis=0) if library_sizes is None else numbers(library_sizes, "library_sizes", x.shape[1])
    if (sizes < 0).any():
        raise ValueError("library_sizes: negative")
    if not 0 <= trim_ratio < 0.5 or not 0 <= trim_level < 0.5:
        raise ValueError("trim_ratio and trim_level: outside 0..0.5")
    n = x.shape[1]
    if reference is not None and not 0 <= reference < n:
        raise ValueError(f"reference: {reference} is no sample of {n}")
    empty = (sizes == 0) | (x.sum(axis=0) == 0)
    factors = np.full(n, np.nan)
    kept = np.flatnonzero(~empty)
    lost = tuple(int(i) for i in np.flatnonzero(empty))
    note = f"sample(s) {', '.join(map(str, lost))}: no counts" if lost else "" if n else "no samples"
    if kept.size == 0 or (reference is not None and empty[reference]):
        return TmmResult(factors, -1 if reference is None else reference, False, "empty library", lost, note)
    x, sizes = x[:, kept], sizes[kept]
    x = x[(x > 0).any(axis=1)]
    if reference is None:
        quartile = np.quantile(x, 0.75, axis=0) / sizes
        if np.median(quartile) < 1e-20:  # sparse: most features have no counts
            against = int(np.argmax(np.sqrt(x).sum(axis=0)))
        else:
            against = int(np.argmin(np.abs(quartile - quartile.mean())))
    else:
        against = int(np.flatnonzero(kept == reference)[0])
    raw = np.array(
        [_one_factor(x[:, j], x[:, against], sizes[j], sizes[against], trim_ratio, trim_level) for j in range(kept.size)]
    )
    factors[kept] = raw / np.exp(np.log(raw).mean())
    return TmmResult(factors, int(kept[against]), not lost, "empty library" if lost else "", lost, note)


def _one_factor(
    own: FloatArray, other: FloatArray, own_size: float, other_size: float, trim_ratio: float, trim_level: float
) -> float:
    from scipy.stats import rankdata

    both = (own > 0) & (other > 0)
    a, b = own[both], other[both]
    ratio = np.log2((a / own_size) / (b / other_size))
    level = (np.log2(a / own_size) + np.log2(b / other_size)) / 2
    variance = (own_size - a) / own_size / a + (other_size - b) / other_size / b
    if ratio.size == 0 or np.abs(ratio).max() < 1e-6:
        return 1.0
    n = ratio.size
    low_ratio, low_level = np.floor(n * trim_ratio) + 1, np.floor(n * trim_level) + 1
    r, s = rankdata(ratio), rankdata(level)
    keep = (r >= low_ratio) & (r <= n + 1 - low_ratio) & (s >= low_level) & (s <= n + 1 - low_level) & (variance > 0)
    if not keep.any():
        return 1.0
    return float(2 ** ((ratio[keep] / variance[keep]).sum() / (1 / variance[keep]).sum()))


@one_thread
def enough_counts(
    counts: ArrayLike,
    library_sizes: ArrayLike | None = None,
    *,
    group: ArrayLike | None = None,
    design: ArrayLike | None = None,
    min_count: float = 10,
    min_total_count: float = 15,
    large_n: int = 10,
    min_proportion: float = 0.7,
) -> BoolArray:
    """Say which features have enough counts in enough samples to be tested.

    Parameters
    ----------
    counts : array, shape (m, n)
        Features in rows, samples in columns.
    library_sizes : array, shape (n,), optional
        Effective sizes (default: the sums of the columns).
    group : array, shape (n,), optional
        Group of each sample: the smallest one says how many samples are enough.
    design : array, shape (n, p), optional
        In place of `group`: the inverse of the largest leverage says it.  Without both, all samples are one group.
    min_count : float
        Counts needed in a library of median size.
    min_total_count : float
        Counts needed in all samples together.
    large_n, min_proportion : int, float
        Of a group larger than `large_n` only this proportion of the rest must have the counts.

    Returns
    -------
    array of bool, shape (m,)

    Notes
    -----
    Chen, Lun and Smyth 2016, doi:10.12688/f1000research.8987.2; as edgeR's ``filterByExpr``.  It looks at
    margins only, never at the comparison that is tested.

    Examples
    --------
    >>> enough_counts([[0, 1, 0, 0], [200, 150, 180, 90]], group=["a", "a", "b", "b"]).tolist()
    [False, True]
    """
    x = _checked_counts(counts)
    n = x.shape[1]
    sizes = x.sum(axis=0) if library_sizes is None else numbers(library_sizes, "library_sizes", n)
    if group is not None and design is not None:
        raise ValueError("group and design: give one of them")
    if n == 0:
        return np.zeros(x.shape[0], dtype=np.bool_)
    if design is not None:
        left, values, _ = np.linalg.svd(matrix(design, "design", n), full_matrices=False)
        leverage = (left[:, values > 1e-10 * max(float(values.max(initial=0.0)), 1e-300)] ** 2).sum(axis=1)
        enough = 1 / float(leverage.max()) if leverage.max() > 0 else float(n)
    else:
        enough = float(n) if group is None else float(np.bincount(codes(group, "group", n)).min())
    if enough > large_n:
        enough = large_n + (enough - large_n) * min_proportion
    middle = float(np.median(sizes))
    if middle <= 0:
        return np.zeros(x.shape[0], dtype=np.bool_)
    with np.errstate(invalid="ignore", divide="ignore"):
        per_million = x / sizes * 1e6
    # leverages come from a decomposition: the last bits must not decide
    seen = (per_million >= min_count / middle * 1e6).sum(axis=1) >= enough - 1e-14
    return np.asarray(seen & (x.sum(axis=1) >= min_total_count - 1e-14))


def log_cpm(counts: ArrayLike, library_sizes: ArrayLike | None = None, *, prior_count: float = 2.0) -> FloatArray:
    """Return log2 counts per million, moderated by a prior count in proportion to the library size.

    Parameters
    ----------
    counts : array, shape (m, n)
        Features in rows, samples in columns.
    library_sizes : array, shape (n,), optional
        Effective sizes: sums times TMM factors (default: the sums of the columns).
    prior_count : float
        Average count added: keeps the logarithm of 0 finite and low counts from large ratios.

    Raises
    ------
    ValueError
        A library of size 0: leave it out and count it.

    Notes
    -----
    As edgeR's ``cpm(log=TRUE)``.

    Examples
    --------
    >>> log_cpm([[0, 10], [1000, 990]], prior_count=2.0).round(2).tolist()
    [[10.96, 13.54], [19.93, 19.91]]
    """
    x = _checked_counts(counts)
    sizes = positive_sizes(x, library_sizes)
    if not prior_count > 0:
        raise ValueError(f"prior_count: {prior_count} is not above 0")
    if sizes.size == 0:
        return np.zeros(x.shape)
    prior = prior_count * sizes / sizes.mean()
    return np.asarray(np.log2((x + prior) / (sizes + 2 * prior) * 1e6))


def positive_sizes(counts: FloatArray, library_sizes: ArrayLike | None) -> FloatArray:
    """Return the library sizes (default: sums of the columns), all above 0."""
    sizes = counts.sum(axis=0) if library_sizes is None else numbers(library_sizes, "library_sizes", counts.shape[1])
    if (sizes <= 0).any():
        raise ValueError(f"library_sizes: {int((sizes <= 0).sum())} sample(s) without counts")
    return sizes


def _checked_counts(counts: ArrayLike) -> FloatArray:
    x = np.asarray(counts, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"counts: two dimensions are needed (features in rows, samples in columns), not {x.ndim}")
    if not np.isfinite(x).all():
        raise ValueError(f"counts: {int((~np.isfinite(x)).sum())} value(s) are missing or infinite")
    if (x < 0).any():
        raise ValueError("counts: negative")
    return x
