"""The methods that score gene sets, one record each: what a score is, whether it depends on other samples, what it was compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from resistance.errors import InputError
from resistance.stats.gsva import gsva
from resistance.stats.plage import plage
from resistance.stats.ssgsea import ssgsea
from resistance.stats.weighted_z import weighted_z
from resistance.subtype.gene_set_library import FloatArray, Rows, aucell, mlm, require_library, ulm

_PACKAGE = "Bioconductor GSVA 1.46.0, to the digit"


@dataclass(frozen=True)
class GeneSetMethod:
    """How gene sets are scored.

    Parameters
    ----------
    name : str
        As in the cohort file.
    title : str
        In words, with the unit.
    unit : str
        Of the scores table.
    score : callable
        Genes x samples and rows of each set -> sets x samples, NaN where a set has no score.  No value is missing but for
        ``missing`` 'mean'.
    missing : {'gene', 'sample', 'mean'}
        A gene without a value in some sample takes no part; each sample is scored by the genes that it has; a missing value counts
        as the gene's mean.
    verified : str
        What the numbers were compared with.
    reference : str
        Paper.
    across_samples : bool
        A score depends on the other samples of the run: with the prediction of outcomes it belongs into the fold.
    varying : bool
        Genes are compared over the samples: those that do not vary take no part.
    across_sets : bool
        A score depends on the other sets of the run.
    alone : bool
        A set is not compared with other genes: it may be all that the table has.
    library : bool
        Computed by decoupler (extra ``genesets``).
    """

    name: str
    title: str
    unit: str
    score: Callable[[FloatArray, Sequence[Rows]], FloatArray]
    missing: str
    verified: str
    reference: str
    across_samples: bool = False
    varying: bool = False
    across_sets: bool = False
    alone: bool = False
    library: bool = False


def _normalised(x: FloatArray, sets: Sequence[Rows]) -> FloatArray:
    return ssgsea(x, sets, normalised=True).scores


def _zscore(x: FloatArray, sets: Sequence[Rows]) -> FloatArray:
    return np.array([weighted_z(x[rows], np.ones(rows.size)).score for rows in sets])


#: what becomes of missing values: genes that lack one leave, each sample is scored by what it has, or they count as the gene's mean
GENE, SAMPLE, MEAN = "gene", "sample", "mean"
METHODS: Mapping[str, GeneSetMethod] = MappingProxyType({
    method.name: method
    for method in (
        GeneSetMethod(
            "gsva", "gene set variation analysis, about -1 to 1", "GSVA within the cohort", lambda x, sets: gsva(x, sets).scores,
            GENE, _PACKAGE, "doi:10.1186/1471-2105-14-7", across_samples=True, varying=True,
        ),
        GeneSetMethod(
            "ssgsea", "single-sample GSEA, area between two walks", "ssGSEA, not normalised", lambda x, sets: ssgsea(x, sets).scores,
            SAMPLE, _PACKAGE, "doi:10.1038/nature08460",
        ),
        GeneSetMethod(
            "ssgsea_normalised", "single-sample GSEA over the range of all scores", "ssGSEA over its range in the run", _normalised,
            GENE, _PACKAGE, "doi:10.1038/nature08460", across_samples=True, across_sets=True,
        ),
        GeneSetMethod(
            "plage", "first principal direction of the set, length 1 over the samples", "PLAGE within the cohort",
            lambda x, sets: plage(x, sets).scores, GENE, f"{_PACKAGE} but for the sign, which here rises with the genes",
            "doi:10.1186/1471-2105-6-225", across_samples=True, varying=True, alone=True,
        ),
        GeneSetMethod(
            "zscore", "combined z-score", "combined z within the cohort", _zscore, MEAN, _PACKAGE, "doi:10.1371/journal.pcbi.1000217",
            across_samples=True, varying=True, alone=True,
        ),
        GeneSetMethod(
            "ulm", "t of a linear model of expression on membership, over the genes", "t of the univariate linear model", ulm,
            SAMPLE, "one regression per set and sample, to 1e-12", "doi:10.1093/bioadv/vbac016", library=True,
        ),
        GeneSetMethod(
            "mlm", "t of one linear model with all sets together", "t of the multivariate linear model", mlm,
            SAMPLE, "least squares, to 1e-10", "doi:10.1093/bioadv/vbac016", across_sets=True, library=True,
        ),
        GeneSetMethod(
            "aucell", "area under the recovery curve of the 5 % highest genes, 0 to 1", "AUCell", aucell,
            SAMPLE, "a plain walk along the ranking, to 1e-12", "doi:10.1038/nmeth.4463", library=True,
        ),
    )
})  # fmt: skip


def method_of(name: str) -> GeneSetMethod:
    """Return the method of that name, ready to run.

    Raises
    ------
    InputError
        There is no such method, or its library is not installed.
    """
    if name not in METHODS:
        raise InputError(
            "there is no such method for gene sets",
            column="subtype.gene_sets.method",
            value=name,
            remedy=f"There are: {', '.join(METHODS)}.",
        )
    if METHODS[name].library:
        require_library(name)
    return METHODS[name]
