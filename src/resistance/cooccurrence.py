"""Calls of a cohort -> pairs of mutated genes that occur together, or apart, more than each patient's burden explains."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from resistance.consequences import PROTEIN_CHANGING
from resistance.dropped import Dropped
from resistance.match.calls import find_hits
from resistance.match.units import Coverage, make_units
from resistance.schemas import COOCCURRENCE
from resistance.stats.cooccurrence import background, pair_tests
from resistance.stats.multiplicity import benjamini_hochberg
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort

#: fewest genes from which the burden of a patient is taken
LEAST_GENES = 10


def cooccurrence(
    cohort: Cohort, effects: pd.DataFrame, genes: Collection[str], *, min_carriers: int, phased: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Ask of every pair of mutated genes whether they go together or exclude each other.

    Patients with many mutations carry any two genes more often than the frequencies alone say, so
    that Fisher's test finds co-occurrence everywhere.  Here each patient has, for each gene, a
    probability that keeps both the patient's burden and the gene's frequency; the number of patients
    with both is compared with the sum of independent draws with those probabilities.

    Parameters
    ----------
    cohort : Cohort
    effects : DataFrame
        Schema ``effects``, one row per variant and gene.
    genes : collection of str
        Genes whose pairs are asked; every gene with enough carriers shapes the burden.
    min_carriers : int
        Genes with fewer carriers at baseline are not asked, and do not shape the burden.
    phased : DataFrame, optional
        Schema ``phased_effects``: what variants of one copy do together, in place of `effects`.

    Returns
    -------
    DataFrame
        Schema ``cooccurrence``, by p-value; no rows where fewer than :data:`LEAST_GENES` genes have
        enough carriers, since a patient's burden cannot be told from a handful of genes.

    Notes
    -----
    Baseline, changes of the protein, patients assessed for both genes.  The idea is DISCOVER's
    (Canisius 2016, doi:10.1186/s13059-016-1114-x).
    """
    import pandas as pd

    units = make_units(cohort)
    hits = find_hits(cohort, effects, units, None, Dropped("matrix"), phased)
    changing = np.isin(hits.effect_class, PROTEIN_CHANGING)
    coverage = Coverage(cohort, units)
    names, altered, assessed = [], [], []
    for gene, rows in sorted(hits.of_gene.items()):
        carriers = units.mask(hits.unit[rows][changing[rows]])[units.baseline]
        if carriers.sum() >= min_carriers:
            names.append(gene)
            altered.append(carriers)
            # a call says that the gene was looked at, whatever is declared
            assessed.append(carriers | (coverage.of("mutation", gene) & units.sampled)[units.baseline])
    asked = [i for i, gene in enumerate(names) if gene in genes]
    pairs = np.array(list(combinations(asked, 2)), dtype=np.intp).reshape(-1, 2)
    if not len(pairs) or len(names) < LEAST_GENES:
        return empty(COOCCURRENCE)
    there, looked = np.column_stack(altered), np.column_stack(assessed)
    found = pair_tests(there, looked, background(there, looked), pairs)
    first, second = pairs[:, 0], pairs[:, 1]
    both_known = looked.T.astype(np.float32)
    counts = (there & looked).T.astype(np.float32)
    table = pd.DataFrame(
        {
            "gene_1": np.asarray(names, dtype=object)[first],
            "gene_2": np.asarray(names, dtype=object)[second],
            "n": found.n,
            "n_1": (counts @ both_known.T)[first, second].astype(np.int64),
            "n_2": (counts @ both_known.T)[second, first].astype(np.int64),
            "both": found.both,
            "expected": found.expected,
            "log2_ratio": np.log2((found.both + 0.5) / (found.expected + 0.5)),
            "p_value": found.p_two_sided,
            "q_value": benjamini_hochberg(found.p_two_sided),
            "tendency": np.where(found.both >= found.expected, "together", "apart"),
        }
    )
    return conform(table.sort_values(["p_value", "gene_1", "gene_2"], kind="stable"), COOCCURRENCE)
