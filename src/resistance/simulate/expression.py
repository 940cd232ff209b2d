"""Tumours -> RNA (log2), NanoString counts of the COO code set, and immunohistochemistry, all from one cell of origin."""

from __future__ import annotations

import csv
from math import log2

import numpy as np

from resistance.resources import resource_path
from resistance.simulate.patients import COO_SCORE, Patient
from resistance.simulate.streams import pick
from resistance.simulate.visits import Sample

#: DLBCL90 / Lymph2Cx coefficients of log2 counts (Scott 2014, 10.1182/blood-2013-11-536433; Ennishi 2019)
ABC_GENES = {
    "CCDC50": 40.54058,
    "CREB3L2": 65.78537,
    "CYB5R2": 67.71941,
    "IRF4": 71.91688,
    "LIMD1": 61.91894,
    "PIM2": 71.80143,
    "RAB7L1": 70.45266,
    "TNFRSF13B": 66.49105,
}
GCB_GENES = {
    "ASB13": -66.34738,
    "ITPKB": -67.77938,
    "MAML3": -58.58863,
    "MME": -56.55310,
    "MYBL1": -72.92141,
    "S1PR2": -78.74486,
    "SERPINA9": -61.80787,
}
HOUSEKEEPING = dict.fromkeys(("ISY1", "R3HDM1", "TRIM56", "UBXN4", "WDR55"), -10.77674)
INTERCEPT = 1072.467
#: scores up to the first are GCB, from the second on ABC
CUTS = (1907.8, 2433.5)
HOUSEKEEPING_LOG2 = 10.0

#: CD10, BCL6, MUM1 positive; how often in non-GCB and in GCB tumours. The first three patterns are non-GCB by Hans, the others
#: GCB; the classes agree with expression in about 85 % (Hans v NanoString 99/116, Reddy 2017), patterns after PMC6158052.
HANS_PATTERNS = (
    ((False, True, True), 0.66, 0.11),
    ((False, False, True), 0.17, 0.02),
    ((False, False, False), 0.03, 0.01),
    ((True, True, True), 0.07, 0.39),
    ((True, True, False), 0.02, 0.32),
    ((False, True, False), 0.05, 0.15),
)


def coo_score(counts: dict[str, int]) -> float:
    """Return the DLBCL90 COO score of NanoString counts."""
    weights = {**ABC_GENES, **GCB_GENES, **HOUSEKEEPING}
    return INTERCEPT + sum(weight * log2(counts[gene]) for gene, weight in weights.items())


def coo_label(score: float) -> str:
    """Return ABC, GCB or UNCLASS as the laboratory's report has it."""
    return "GCB" if score < CUTS[0] else "ABC" if score > CUTS[1] else "UNCLASS"


def nanostring_counts(rng: np.random.Generator, patient: Patient) -> dict[str, int]:
    """Draw counts whose score is near the patient's; the scale of the lane cancels in the score."""
    low, high = COO_SCORE[False][0], COO_SCORE[True][0]
    gcb_log2 = 9.3 - 3.0 * (patient.coo_score - low) / (high - low)
    rest = INTERCEPT + sum(GCB_GENES.values()) * gcb_log2 + sum(HOUSEKEEPING.values()) * HOUSEKEEPING_LOG2
    abc_log2 = (patient.coo_score - rest) / sum(ABC_GENES.values())
    lane = 0.4 * float(rng.standard_normal())
    levels = [
        *((gene, abc_log2, 0.35) for gene in ABC_GENES),
        *((gene, gcb_log2, 0.35) for gene in GCB_GENES),
        *((gene, HOUSEKEEPING_LOG2, 0.15) for gene in HOUSEKEEPING),
    ]
    counts = {}
    for gene, level, spread in levels:
        counts[gene] = max(2, round(float(2.0 ** min(level + lane + spread * float(rng.standard_normal()), 16.0))))
    return counts


def rna(rng: np.random.Generator, samples: list[Sample]) -> list[tuple[str, list[float]]]:
    """Return (gene, log2 values over `samples`) for the genes of ``resources/simulation/expression.tsv``.

    Relapses that lost a copy of CRBN express less of it; nothing else is planted.
    """
    middle = sum(mean for mean, _ in COO_SCORE.values()) / 2
    half = (COO_SCORE[True][0] - COO_SCORE[False][0]) / 2
    factors = {name: [float(rng.standard_normal()) for _ in samples] for name in ("proliferation", "t_cell", "nk_cell", "stroma")}
    rows = []
    with resource_path("simulation/expression.tsv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            values = []
            for i, sample in enumerate(samples):
                value = float(row["mean_log2"]) + float(row["coo_loading"]) * (sample.patient.coo_score - middle) / half
                value += 0.6 * factors[row["factor"]][i] if row["factor"] in factors else 0.0
                value += 0.55 * float(rng.standard_normal())
                if row["gene"] == "CRBN" and sample.relapse and sample.patient.crbn_copy_lost:
                    value -= 1.0
                values.append(round(max(value, 0.0), 2))
            rows.append((row["gene"], values))
    return rows


def ihc(rng: np.random.Generator, patient: Patient) -> dict[str, int | None]:
    """Draw percentages of positive cells; None where the antibody was not done.

    Cut-offs: 30 % for CD10, BCL6, MUM1 (Hans 2004), 40 % for MYC and 50 % for BCL2.
    """
    weights = [non_gcb if patient.non_gcb else gcb for _, non_gcb, gcb in HANS_PATTERNS]
    pattern = HANS_PATTERNS[pick(rng, weights)][0]
    values: dict[str, int | None] = {
        antibody: _percent(rng, 30, positive) for antibody, positive in zip(("CD10", "BCL6", "MUM1"), pattern, strict=True)
    }
    values["MYC"] = _percent(rng, 40, bool(rng.random() < 0.4))
    values["BCL2"] = _percent(rng, 50, bool(rng.random() < (0.7 if patient.non_gcb else 0.55)))
    for antibody, share in (("BCL6", 0.02), ("MYC", 0.1), ("BCL2", 0.04)):
        if rng.random() < share:
            values[antibody] = None
    return values


def _percent(rng: np.random.Generator, cut: int, positive: bool) -> int:
    """Pathologists report steps of five, more often far from the cut-off than near it."""
    if positive:
        return int(min(100, cut + 5 * round(float(rng.beta(1.6, 1.2)) * (100 - cut) / 5)))
    return int(5 * round(float(rng.beta(0.6, 2.0)) * (cut - 5) / 5))
