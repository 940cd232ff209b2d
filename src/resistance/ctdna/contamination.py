"""SNP counts of all samples -> the share of another person's DNA in each, with its interval, and whose it may be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from resistance.config.plasma_quality import Identity
from resistance.ctdna.identity import SnpMatrix, snp_matrix
from resistance.schemas import IDENTITY
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.stats.contamination import Contamination

#: largest fraction of the other allele at a site that counts as homozygous: by other samples of the patient, or by itself alone
_BY_OTHERS, _BY_ITSELF = 0.45, 0.2
#: a second sample with more opposite homozygous sites than this is another person's, and says nothing
_OTHER_PERSON = 0.05
_P = 1e-3


def check_contamination(snps: pd.DataFrame, samples: pd.DataFrame, settings: Identity) -> pd.DataFrame:
    """Estimate the contamination of every sample.

    Only sites where the person is homozygous are used: copy number cannot move them.  Which they are is taken from the
    patient's other samples (all that have a genotype there are homozygous for one allele); a patient's only sample speaks for
    itself (less than a fifth of the other allele), and then a lost allele in a plasma that is almost all tumour looks like
    contamination (noted).

    Parameters
    ----------
    snps, samples : DataFrame
        Schemas SNP_COUNTS and SAMPLES.
    settings : config.Identity

    Returns
    -------
    DataFrame
        Schema IDENTITY, ``check`` contamination, one row per sample.  contaminated: the whole interval lies above the limit of the
        settings; clean: below it; undecided: the interval holds the limit; not_assessed: fewer than ``min_sites`` sites.  The
        source is named where another patient's genotypes explain the other alleles 1,000 times better than an unknown person's
        (times the number of candidates).
    """
    import numpy as np
    import pandas as pd

    from resistance.stats.contamination import estimate_contamination
    from resistance.stats.genotypes import called_genotypes

    if snps.empty:
        return empty(IDENTITY)
    matrix = snp_matrix(snps, samples)
    called = called_genotypes(matrix.ref, matrix.alt, min_depth=settings.min_depth)
    rows = []
    for i in range(len(matrix.samples)):
        others = [j for j, patient in enumerate(matrix.patients) if patient == matrix.patients[i] and j != i]
        others = [j for j in others if not _is_other_person(called[i], called[j])]
        sites, is_alt, by_others = _homozygous(matrix, called, i, others, settings.min_depth)
        other = np.where(is_alt, matrix.ref[i], matrix.alt[i])[sites]
        depth = (matrix.ref[i] + matrix.alt[i])[sites]
        frequency = np.where(is_alt, 1 - matrix.frequency, matrix.frequency)[sites]
        found = estimate_contamination(other, depth, frequency)
        row = _row(matrix, i, found, by_others, settings)
        if row["verdict"] != "not_assessed" and found.p_value < _P and found.share >= settings.contamination:
            row |= _source(matrix, called, i, sites, is_alt, (other, depth, frequency), found)
        rows.append(row)
    return conform(pd.DataFrame(rows, columns=list(IDENTITY.names)), IDENTITY)


def _is_other_person(first: NDArray[np.int8], second: NDArray[np.int8]) -> bool:
    both = (first >= 0) & (second >= 0)
    opposite = both & (abs(first.astype(int) - second.astype(int)) == 2)
    return bool(opposite.sum() > max(1, _OTHER_PERSON * both.sum()))


def _homozygous(
    matrix: SnpMatrix, called: NDArray[np.int8], sample: int, others: list[int], min_depth: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], bool]:
    """Return the homozygous sites, whether for the alternative allele, and whether other samples of the patient say so."""
    import numpy as np

    depth = matrix.ref[sample] + matrix.alt[sample]
    fraction = np.divide(matrix.alt[sample], depth, out=np.full(depth.shape, 0.5), where=depth >= min_depth)
    is_alt = fraction > 0.5
    minor = np.minimum(fraction, 1 - fraction)
    if others:
        them = called[others]
        known = (them >= 0).any(axis=0)
        alike = np.where(is_alt, ((them == 2) | (them < 0)).all(axis=0), ((them == 0) | (them < 0)).all(axis=0))
        return (depth >= min_depth) & known & alike & (minor < _BY_OTHERS), is_alt, True
    return (depth >= min_depth) & (minor < _BY_ITSELF), is_alt, False


def _row(matrix: SnpMatrix, i: int, found: Contamination, by_others: bool, settings: Identity) -> dict[str, Any]:
    row: dict[str, Any] = {
        "check": "contamination",
        "patient_id": matrix.patients[i],
        "sample_id": matrix.samples[i],
        "n_sites": found.n_sites,
        "warning": False,
    }
    if found.n_sites < settings.min_sites:
        why = f"{found.n_sites} homozygous SNPs have {settings.min_depth} reads or more; {settings.min_sites} are needed"
        return row | {"verdict": "not_assessed", "note": why}
    row |= {
        "contamination": found.share,
        "contamination_low": found.low,
        "contamination_high": found.high,
        "p_value": found.p_value,
    }
    limit = settings.contamination
    verdict = "contaminated" if found.low >= limit else "clean" if found.high < limit else "undecided"
    notes = []
    if verdict == "undecided":
        notes.append(f"the interval holds the limit of {limit:g}: more or deeper SNPs are needed")
    if verdict != "clean" and not by_others:
        notes.append("the patient's only sample: in almost pure tumour DNA a lost allele looks alike")
    if matrix.n_estimated:
        notes.append(f"allele frequencies of {matrix.n_estimated} SNPs are those of this cohort")
    warning = verdict == "contaminated" or (verdict == "undecided" and found.share >= limit)
    return row | {"verdict": verdict, "warning": warning, "note": "; ".join(notes) or None}


def _source(
    matrix: SnpMatrix,
    called: NDArray[np.int8],
    sample: int,
    sites: NDArray[np.bool_],
    is_alt: NDArray[np.bool_],
    counts: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    found: Contamination,
) -> dict[str, Any]:
    """Return the sample of another patient whose genotypes explain the other alleles best, where one does."""
    import numpy as np

    from resistance.stats.contamination import contaminant_support

    candidates = [j for j, patient in enumerate(matrix.patients) if patient != matrix.patients[sample]]
    best, best_support = None, 3.0 + math.log10(max(1, len(candidates)))
    for j in candidates:
        theirs = called[j].astype(int)
        copies = np.where(theirs < 0, -1, np.where(is_alt, 2 - theirs, theirs))[sites]
        support = contaminant_support(*counts, copies, found.share, found.error)
        if support >= best_support:
            best, best_support = j, support
    if best is None:
        return {}
    return {
        "other_patient_id": matrix.patients[best],
        "other_sample_id": matrix.samples[best],
        "log10_ratio": best_support,
    }
