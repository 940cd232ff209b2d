"""What is planted in the simulated cohort: arms, effects on response and survival, with the source of each number.

Effects are log odds (response), log hazards (progression, death). ``assumed`` marks a number that no
paper gives: it was chosen so that a cohort of 120 can show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log


@dataclass(frozen=True)
class Arm:
    """One arm: its code in the files, share of patients, and baseline response and progression in GCB, IPI 3.

    Parameters
    ----------
    code, label : str
    share : float
        Of all patients, 0..1.
    imid : bool
    response_log_odds : float
        Log odds of CR or PR.
    progression_per_month : float
        Hazard of progression, per month.
    source : str
    """

    code: str
    label: str
    share: float
    imid: bool
    response_log_odds: float
    progression_per_month: float
    source: str


@dataclass(frozen=True)
class Effect:
    """One planted effect, or the planted absence of one."""

    name: str
    term: str
    genes: tuple[str, ...]
    outcome: str
    scale: str
    arms: tuple[str, ...]
    value: float
    source: str
    note: str


LEN, R2, CHEMO = "LEN", "R2", "IC"
_IMID = (LEN, R2)
_ALL = (LEN, R2, CHEMO)

# In GCB 2 of 23 responded and the median PFS was 1.7 months (PMID 21495023); investigator's choice: 11.8 % and 7.9 weeks
# (PMID 28381416). The arms' numbers hold for patients without TNFAIP3 mutation: with the planted harm in 22 % of patients
# the average over all is near the published one.
TNFAIP3_FREQUENCY, _TNFAIP3_RESPONSE, _TNFAIP3_PROGRESSION = 0.22, -2.0, log(4.0)
_GCB_ODDS = log(0.087 / 0.913) - TNFAIP3_FREQUENCY * _TNFAIP3_RESPONSE
_GCB_RATE = log(2) / 1.7 * exp(-TNFAIP3_FREQUENCY * _TNFAIP3_PROGRESSION)

ARMS = (
    Arm(LEN, "lenalidomide", 45 / 120, True, _GCB_ODDS, _GCB_RATE, "PMID:21495023"),
    Arm(R2, "lenalidomide + rituximab", 35 / 120, True, _GCB_ODDS + 0.4, _GCB_RATE * 0.75, "assumed: somewhat better than LEN"),
    Arm(CHEMO, "investigator's choice chemotherapy", 40 / 120, False, log(0.118 / 0.882), log(2) / 1.8, "PMID:28381416"),
)

#: median overall survival 10 months at IPI 3, in every arm (assumed); the source of COO says: no difference in OS
DEATH_PER_MONTH = log(2) / 10

EFFECTS = (
    Effect(
        "coo_response",
        "non_gcb",
        (),
        "response",
        "log_odds_ratio",
        _IMID,
        log((0.529 / 0.471) / (0.087 / 0.913)),
        "PMID:21495023",
        "Response 52.9 v 8.7 % in non-GCB v GCB under lenalidomide; none in the chemotherapy arm.",
    ),
    Effect(
        "coo_progression",
        "non_gcb",
        (),
        "progression",
        "log_hazard_ratio",
        _IMID,
        log(1.7 / 6.2),
        "PMID:21495023",
        "Median PFS 6.2 v 1.7 months in non-GCB v GCB under lenalidomide; none in the chemotherapy arm.",
    ),
    Effect(
        "tp53_death",
        "gene",
        ("TP53",),
        "death",
        "log_hazard_ratio",
        _ALL,
        log(2.5),
        "assumed",
        "Prognostic: the same in every arm, and no effect on response.",
    ),
    Effect(
        "tnfaip3_response",
        "gene",
        ("TNFAIP3",),
        "response",
        "log_odds_ratio",
        _IMID,
        _TNFAIP3_RESPONSE,
        "assumed",
        "Marker x treatment interaction: harmful under lenalidomide only.",
    ),
    Effect(
        "tnfaip3_progression",
        "gene",
        ("TNFAIP3",),
        "progression",
        "log_hazard_ratio",
        _IMID,
        _TNFAIP3_PROGRESSION,
        "assumed",
        "Marker x treatment interaction: harmful under lenalidomide only.",
    ),
    Effect(
        "pim1_null",
        "gene",
        ("PIM1",),
        "response",
        "log_odds_ratio",
        _ALL,
        0.0,
        "assumed",
        "Confounded: five times as frequent in non-GCB as in GCB, so that it goes with response under lenalidomide, without effect of its own.",
    ),
    Effect(
        "ipi_death",
        "ipi_per_point",
        (),
        "death",
        "log_hazard_ratio",
        _ALL,
        0.2,
        "assumed",
        "Per point of the IPI above 3.",
    ),
)

#: share of non-GCB patients (assumed), and of patients whose score falls between the classes (assumed)
NON_GCB = 0.5
BETWEEN_CLASSES = 0.10
#: log-odds distance between PR-or-better and CR, and between PR-or-better and SD-or-better (assumed)
CR_STEP, SD_STEP = 1.2, 1.4
#: correlation of the normal scores of response, progression and death (assumed: who responds lives longer)
CORRELATION = 0.6
#: share of progressing patients of the lenalidomide arms in whom a CRBN variant emerges; patients whose relapse
#: biopsy lost a copy of CRBN. Infrequent in myeloma (Leukemia 2021, 10.1038/s41375-021-01373-4); raised to be seen.
CRBN_EMERGES = 0.16
CRBN_COPY_LOST = 2
#: share of progressing patients of any arm in whom another, meaningless variant emerges (assumed)
OTHER_EMERGES = 0.4


def arm_of(code: str) -> Arm:
    """Return the arm with this code."""
    return next(arm for arm in ARMS if arm.code == code)


def linear(outcome: str, arm: str, *, non_gcb: bool, genes: frozenset[str], ipi: int) -> float:
    """Return the sum of the planted effects on `outcome` for one patient (log odds or log hazard, without the arm's baseline)."""
    total = 0.0
    for effect in EFFECTS:
        if effect.outcome != outcome or arm not in effect.arms:
            continue
        if effect.term == "non_gcb":
            total += effect.value * non_gcb
        elif effect.term == "gene":
            total += effect.value * any(gene in genes for gene in effect.genes)
        elif effect.term == "ipi_per_point":
            total += effect.value * (ipi - 3)
    return total
