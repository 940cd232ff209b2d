"""How a sample's values are brought to the scale of the training set; the numbers for it come from the training set alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from resistance.stats._arrays import FloatArray
from resistance.stats.quantile_scaling import mean_quantiles, row_moments, shift_to, to_quantiles

#: none: as they are; standardise: each gene by its mean and spread in training; reference_sample: each sample shifted so
#: that steady genes lie where they lay in training; quantile: each sample's values replaced by the training quantiles
KINDS = ("none", "standardise", "reference_sample", "quantile")
#: steady genes kept for the two that look at a sample as a whole
STEADY_GENES = 500
#: share of the training samples that must have a steady gene, and fewest such genes
MIN_KNOWN, MIN_STEADY_GENES = 0.9, 20
#: least share of these that a sample must have
MIN_STEADY = 0.5


@dataclass(frozen=True, eq=False)
class Scaling:
    """Scaling fitted on a training set.

    Parameters
    ----------
    kind : str
        One of :data:`KINDS`.
    genes : tuple of str
        Genes that it looks at; those of the score first.
    reference : array
        standardise: means; reference_sample: means; quantile: ascending quantiles; none: empty.
    spread : array
        standardise: standard deviations; else empty.
    """

    kind: str
    genes: tuple[str, ...] = ()
    reference: FloatArray = field(default_factory=lambda: np.empty(0))
    spread: FloatArray = field(default_factory=lambda: np.empty(0))

    def apply(self, values: FloatArray, score_genes: int) -> tuple[FloatArray, FloatArray]:
        """Return the scaled values of the score's genes, and the share of the scaling's other genes that each sample has.

        Parameters
        ----------
        values : array, shape (len(genes), n)
            Rows in the order of ``genes``; for 'none' those of the score.  NaN where missing.
        score_genes : int
            How many of the first rows are the score's.
        """
        n = values.shape[1]
        everything = np.ones(n)
        if self.kind == "none":
            return values[:score_genes], everything
        if self.kind == "standardise":
            return (values - self.reference[:, None]) / self.spread[:, None], everything
        steady = values[score_genes:]
        share = (~np.isnan(steady)).mean(axis=0) if len(steady) else everything
        if self.kind == "quantile":
            return to_quantiles(values, self.reference)[:score_genes], share
        return values[:score_genes] - shift_to(steady, self.reference[score_genes:])[None, :], share


def fit_scaling(kind: str, score_genes: Sequence[str], steady_genes: Sequence[str], values: FloatArray) -> Scaling:
    """Fit a scaling.

    Parameters
    ----------
    kind : str
    score_genes, steady_genes : sequence of str
        Rows of `values`, in this order.
    values : array, shape (score_genes + steady_genes, n)
        Training samples, log2.
    """
    if kind == "none":
        return Scaling("none")
    mean, sd = row_moments(values)
    k = len(score_genes)
    if kind == "standardise":
        return Scaling(kind, tuple(score_genes), mean[:k], sd[:k])
    genes = (*score_genes, *steady_genes)
    return Scaling(kind, genes, mean if kind == "reference_sample" else mean_quantiles(values))


def steady(mean: FloatArray, sd: FloatArray, q_value: FloatArray, known: FloatArray, taken: Sequence[int]) -> list[int]:
    """Return the rows of steady genes: expressed above the middle, known in most samples, alike in both classes, least spread.

    Parameters
    ----------
    mean, sd, q_value : array, shape (m,)
        Of each gene over the training samples, and of its difference between the classes.
    known : array, shape (m,)
        Share of the training samples that have the gene.
    taken : sequence of int
        Rows of the score.
    """
    apart = np.zeros(mean.size, dtype=bool)
    apart[list(taken)] = True
    fit = (known >= MIN_KNOWN) & ~apart & (sd > 0) & ~(q_value < 0.05)
    if not fit.any():
        return []
    fit &= mean >= np.median(mean[fit])
    rows = np.flatnonzero(fit)
    return sorted(int(i) for i in rows[np.argsort(sd[rows], kind="stable")][:STEADY_GENES])
