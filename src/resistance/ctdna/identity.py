"""SNP counts of all samples -> which samples are of one person, which were swapped, and which hold another person's DNA."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resistance.config.plasma_quality import Identity
from resistance.schemas import IDENTITY
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.stats.genotypes import Comparison, Genotypes

#: share of SNPs out of balance that is worth a note
_MOVED = 0.1
_SITE = ["build", "chrom", "pos", "ref", "alt"]


@dataclass(frozen=True)
class SnpMatrix:
    """Counts as arrays.

    Parameters
    ----------
    samples : tuple of str
    patients : tuple of str
        Of each sample; a sample that belongs to no patient (a control) is a person of its own.
    ref, alt : array, shape (samples, sites)
        0 where a site was not read.
    frequency : array, shape (sites,)
        Of the alternative allele; where the population's is not known, that of the persons here.
    n_estimated : int
        Sites of which it is estimated.
    """

    samples: tuple[str, ...]
    patients: tuple[str, ...]
    ref: NDArray[np.float64]
    alt: NDArray[np.float64]
    frequency: NDArray[np.float64]
    n_estimated: int


def snp_matrix(snps: pd.DataFrame, samples: pd.DataFrame) -> SnpMatrix:
    """Return SNP_COUNTS as arrays; samples and sites sorted.

    An unknown frequency is estimated from one sample per person, (alternative alleles + 1) / (alleles + 2).
    """
    import numpy as np

    sites = snps.groupby(_SITE, sort=True)["allele_frequency"].first()
    names = sorted(snps["sample_id"].unique())
    row = {name: i for i, name in enumerate(names)}
    column = {key: i for i, key in enumerate(sites.index)}
    ref, alt = np.zeros((len(names), len(column))), np.zeros((len(names), len(column)))
    at = snps["sample_id"].map(row).to_numpy(), np.array([column[key] for key in snps[_SITE].itertuples(index=False, name=None)])
    ref[at], alt[at] = snps["ref_count"].to_numpy(dtype=float), snps["alt_count"].to_numpy(dtype=float)
    of = dict(zip(samples["sample_id"], samples["patient_id"], strict=True))
    patients = tuple(str(of.get(name, name)) for name in names)
    frequency = sites.to_numpy(dtype=float)
    unknown = np.isnan(frequency)
    if unknown.any():
        first = [patients.index(p) for p in dict.fromkeys(patients)]
        depth = ref[first] + alt[first]
        copies = np.where(depth >= 1, 2 * alt[first] / np.maximum(depth, 1), 0)
        own = (np.round(copies).sum(axis=0) + 1) / (2 * (depth >= 1).sum(axis=0) + 2)
        frequency = np.where(unknown, own, frequency)
    return SnpMatrix(tuple(names), patients, ref, alt, frequency, int(unknown.sum()))


def check_identity(snps: pd.DataFrame, samples: pd.DataFrame, settings: Identity) -> pd.DataFrame:
    """Compare the samples of each patient with each other, and with those of all other patients.

    Parameters
    ----------
    snps : DataFrame
        Schema SNP_COUNTS.
    samples : DataFrame
        Schema SAMPLES; a sample of `snps` that it does not have is a control.
    settings : config.Identity

    Returns
    -------
    DataFrame
        Schema IDENTITY, ``check`` same_person: every pair of a patient's samples, and those pairs of different patients that seem
        to be of one person.  A verdict needs ``min_sites`` SNPs of ``min_depth`` in both and a likelihood ratio of
        ``log10_ratio``; between patients a larger one by the number of pairs, since among many pairs some are alike by chance.

    Notes
    -----
    Tumour DNA that has lost an allele makes heterozygous sites look homozygous, all over the genome where most of the plasma is
    tumour.  So heterozygous against homozygous weighs little, and as little as suits a sample best; homozygous for opposite
    alleles, which no loss explains, is what tells persons apart (:mod:`resistance.stats.genotypes`).
    """
    import pandas as pd

    from resistance.stats.genotypes import Genotypes

    if snps.empty:
        return empty(IDENTITY)
    matrix = snp_matrix(snps, samples)
    genotypes = Genotypes(matrix.ref, matrix.alt, matrix.frequency, min_depth=settings.min_depth)
    n = len(matrix.samples)
    of: dict[str, list[int]] = {}
    for i, patient in enumerate(matrix.patients):
        of.setdefault(patient, []).append(i)
    own = [pair for members in of.values() for pair in itertools.combinations(members, 2)]
    between = max(1, n * (n - 1) // 2 - len(own))
    line = settings.log10_ratio + math.log10(between)
    foreign: dict[int, list[tuple[int, Comparison]]] = {}
    rows = []
    for i, j in genotypes.alike():
        if matrix.patients[i] == matrix.patients[j]:
            continue
        found = genotypes.compare(i, j)
        if found.n_sites >= settings.min_sites and found.log10_ratio >= line:
            foreign.setdefault(i, []).append((j, found))
            foreign.setdefault(j, []).append((i, found))
            rows.append(
                _row(matrix, i, j, found, "same", True, "two patients, and one person: a swap, or one person under two names")
            )
    for i, j in own:
        rows.append(_own(matrix, genotypes, i, j, foreign, settings))
    frame = pd.DataFrame(rows, columns=list(IDENTITY.names))
    return conform(frame.sort_values(["patient_id", "sample_id", "other_sample_id"], kind="stable"), IDENTITY)


def _own(
    matrix: SnpMatrix, genotypes: Genotypes, i: int, j: int, foreign: dict[int, list[tuple[int, Comparison]]], settings: Identity
) -> dict[str, Any]:
    """Return the row of two samples of one patient."""
    found = genotypes.compare(i, j)
    if found.n_sites < settings.min_sites:
        why = f"{found.n_sites} SNPs have {settings.min_depth} reads or more in both; {settings.min_sites} are needed"
        return _row(matrix, i, j, found, "not_assessed", False, why)
    if found.log10_ratio >= settings.log10_ratio:
        # those between homozygous and heterozygous have no genotype
        moved = found.n_sites - found.n_called + found.one_heterozygous
        note = f"{moved} of {found.n_sites} SNPs are out of balance in one of the two: alleles lost or gained in the tumour, or contamination"
        return _row(matrix, i, j, found, "same", False, note if moved > _MOVED * found.n_sites else None)
    if found.log10_ratio > -settings.log10_ratio:
        return _row(matrix, i, j, found, "undecided", True, "the SNPs speak neither for one person nor for two")
    looks = [
        f"{matrix.samples[x]} is like {matrix.samples[y]} of patient {matrix.patients[y]}"
        for x in (i, j)
        for y, _ in foreign.get(x, [])
    ]
    return _row(matrix, i, j, found, "different", True, "; ".join(["one of the two is another person's", *looks[:3]]))


def _row(matrix: SnpMatrix, i: int, j: int, found: Comparison, verdict: str, warning: bool, note: str | None) -> dict[str, Any]:
    if matrix.n_estimated:
        more = f"allele frequencies of {matrix.n_estimated} SNPs are those of this cohort"
        note = more if note is None else f"{note}; {more}"
    return {
        "check": "same_person",
        "patient_id": matrix.patients[i],
        "sample_id": matrix.samples[i],
        "other_patient_id": matrix.patients[j],
        "other_sample_id": matrix.samples[j],
        "n_sites": found.n_sites,
        "n_concordant": found.concordant,
        "concordance": found.concordant / found.n_called if found.n_called else None,
        "opposite_homozygous": found.opposite_homozygous,
        "one_heterozygous": found.one_heterozygous,
        "log10_ratio": found.log10_ratio,
        "verdict": verdict,
        "warning": warning,
        "note": note,
    }
