"""Random streams -> the patients as they truly are: arm, cell of origin, mutated genes, response, progression, death."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np

from resistance.simulate import effects
from resistance.simulate.genes import load_genes
from resistance.simulate.streams import allot, pick

#: days in a month, as everywhere in the package
MONTH = 365.25 / 12
#: first look at the response, days (assumed)
RESTAGING_DAY = 42.0
#: DLBCL90 score of the classes (mean, sd): published normal densities of the COO score (Scott 2014; Ennishi 2019)
COO_SCORE = {True: (3215.973, 468.9292), False: (891.9562, 595.508)}
#: scores between the cut-offs 1907.8 and 2433.5 are unclassified
BETWEEN = (2170.0, 110.0)


@dataclass(frozen=True)
class Patient:
    """One simulated patient. Times are days from the start of the studied treatment.

    ``progression_day`` and ``death_day`` are None when censored first, ``last_day`` is the end of
    follow-up; ``response`` is the true best response; ``genes`` are mutated before treatment.
    """

    name: str
    arm: str
    non_gcb: bool
    coo_score: float
    female: bool
    age: int
    ipi: int
    prior_lines: int
    refractory: bool
    genes: frozenset[str]
    response: str
    progression_day: float | None
    death_day: float | None
    last_day: float
    crbn_emerges: bool
    crbn_copy_lost: bool
    other_emerges: bool
    small_panel: bool
    tumour_failed: bool
    has_plasma: bool

    @property
    def pfs_day(self) -> float:
        """End of progression-free survival: progression, death, or end of follow-up."""
        return self.last_day if self.progression_day is None else self.progression_day

    @property
    def relapsed(self) -> bool:
        """Progressed, and lived long enough to be sampled then."""
        return self.progression_day is not None and self.progression_day + 3 < self.last_day


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + exp(-x))


def make_patients(streams: dict[str, np.random.Generator], n: int) -> list[Patient]:
    """Draw `n` patients."""
    rng = streams["patients"]
    arms = _arms(rng, n)
    non_gcb = allot(rng, arms, [effects.NON_GCB] * n)
    carried: list[set[str]] = [set() for _ in range(n)]
    strata: list[tuple[object, ...]] = [(arm, coo) for arm, coo in zip(arms, non_gcb, strict=True)]
    planted = sorted({name for effect in effects.EFFECTS for name in effect.genes})
    genes = load_genes()
    for name in [*planted, *(gene for gene in genes if gene not in planted)]:
        gene = genes[name]
        has = allot(rng, strata, [gene.non_gcb if coo else gene.gcb for coo in non_gcb])
        for i in range(n):
            if has[i]:
                carried[i].add(name)
        if name in planted:  # the planted genes are balanced against each other too
            strata = [(*stratum, state) for stratum, state in zip(strata, has, strict=True)]
    between = allot(rng, [0] * n, [effects.BETWEEN_CLASSES] * n)
    small = allot(rng, arms, [0.2] * n)
    # the arms' last patients cannot all be the failed ones: spread over the cohort
    failed = allot(rng, [0] * n, [4 / 120] * n)
    no_plasma = allot(rng, [0] * n, [5 / 120] * n)

    outcome = streams["outcome"]
    chances = _chances(outcome, arms, non_gcb, carried)
    patients: list[Patient] = []
    for i in range(n):
        ipi = pick(rng, (0.04, 0.14, 0.27, 0.31, 0.19, 0.05))
        mean, sd = BETWEEN if between[i] else COO_SCORE[non_gcb[i]]
        response, progression, death, last = _course(outcome, chances[i], arms[i], non_gcb[i], frozenset(carried[i]), ipi)
        patients.append(
            Patient(
                name=f"LR-{i + 1:03d}",
                arm=arms[i],
                non_gcb=non_gcb[i],
                coo_score=mean + sd * float(rng.standard_normal()),
                female=bool(rng.random() < 0.44),
                age=int(np.clip(round(66 + 11 * float(rng.standard_normal())), 24, 89)),
                ipi=ipi,
                prior_lines=1 + pick(rng, (0.3, 0.38, 0.2, 0.12)),
                refractory=bool(rng.random() < 0.45),
                genes=frozenset(carried[i]),
                response=response,
                progression_day=progression,
                death_day=death,
                last_day=last,
                crbn_emerges=False,
                crbn_copy_lost=False,
                other_emerges=False,
                small_panel=small[i],
                tumour_failed=failed[i],
                has_plasma=not no_plasma[i],
            )
        )
    return _with_emergence(streams["somatic"], patients)


def _arms(rng: np.random.Generator, n: int) -> list[str]:
    bounds = np.cumsum([arm.share for arm in effects.ARMS]) * n
    codes = [effects.ARMS[min(int(np.searchsorted(bounds, i + 0.5)), len(effects.ARMS) - 1)].code for i in range(n)]
    return [codes[int(i)] for i in rng.permutation(n)]


def _chances(
    rng: np.random.Generator, arms: list[str], non_gcb: list[bool], carried: list[set[str]]
) -> list[tuple[float, float, float]]:
    """Draw the three uniform numbers that decide response, progression and death of each patient.

    A Gaussian copula: the outcomes of a patient go together, and each keeps exactly its planted
    effects. Within treatment, cell of origin and the planted genes the numbers are spread evenly
    over (0, 1): a cohort of 120 then shows what was planted, with less noise than a real one has.
    """
    n = len(arms)
    normal = NormalDist()
    shared, own = sqrt(effects.CORRELATION), sqrt(1 - effects.CORRELATION)
    common, separate = rng.standard_normal(n), rng.standard_normal((3, n))
    treated = [effects.arm_of(arm).imid for arm in arms]
    lenalidomide_strata: list[tuple[bool, ...]] = [
        (treated[i], non_gcb[i], "TNFAIP3" in carried[i], "PIM1" in carried[i]) for i in range(n)
    ]
    death_strata: list[tuple[bool, ...]] = [(treated[i], "TP53" in carried[i]) for i in range(n)]
    columns: list[list[float]] = []
    for number, strata in enumerate((lenalidomide_strata, lenalidomide_strata, death_strata)):
        values = [normal.cdf(float(shared * common[i] + own * separate[number][i])) for i in range(n)]
        members: dict[tuple[bool, ...], list[int]] = {}
        for i in sorted(range(n), key=lambda i: values[i]):
            members.setdefault(strata[i], []).append(i)
        for same in members.values():
            for rank, i in enumerate(same):
                values[i] = (rank + float(rng.uniform(0.05, 0.95))) / len(same)
        columns.append(values)
    return [(columns[0][i], columns[1][i], columns[2][i]) for i in range(n)]


def _course(
    rng: np.random.Generator,
    uniform: tuple[float, float, float],
    code: str,
    non_gcb: bool,
    genes: frozenset[str],
    ipi: int,
) -> tuple[str, float | None, float | None, float]:
    """Return best response, day of progression, day of death and end of follow-up."""
    arm = effects.arm_of(code)
    planted = {
        outcome: effects.linear(outcome, code, non_gcb=non_gcb, genes=genes, ipi=ipi)
        for outcome in ("response", "progression", "death")
    }
    odds = arm.response_log_odds + planted["response"]
    response = "PD"
    for level, step in (("CR", -effects.CR_STEP), ("PR", 0.0), ("SD", effects.SD_STEP)):
        if uniform[0] < _sigmoid(odds + step):
            response = level
            break
    times = [
        -log(max(u, 1e-12)) / (rate * exp(effect)) * MONTH
        for u, rate, effect in (
            (uniform[1], arm.progression_per_month, planted["progression"]),
            (uniform[2], effects.DEATH_PER_MONTH, planted["death"]),
        )
    ]
    administrative = float(rng.uniform(14, 44)) * MONTH
    lost = float(rng.exponential(90)) * MONTH
    # a response is seen at the first restaging: nobody who responded progressed or died before it
    earliest = RESTAGING_DAY if response in ("CR", "PR") else 7.0
    progression, death, end = max(times[0], earliest), max(times[1], earliest), max(min(administrative, lost), RESTAGING_DAY)
    last = float(round(min(death, end)))
    return (
        response,
        float(round(progression)) if round(progression) <= last else None,
        last if death <= end else None,
        last,
    )


def _with_emergence(rng: np.random.Generator, patients: list[Patient]) -> list[Patient]:
    relapsed = [p.relapsed and effects.arm_of(p.arm).imid and p.has_plasma for p in patients]
    chosen = allot(rng, relapsed, [effects.CRBN_EMERGES if state else 0.0 for state in relapsed])
    others = allot(rng, [p.arm for p in patients], [effects.OTHER_EMERGES if p.relapsed else 0.0 for p in patients])
    free = [i for i, p in enumerate(patients) if relapsed[i] and not chosen[i] and not p.tumour_failed]
    lost = {free[int(k)] for k in rng.permutation(len(free))[: effects.CRBN_COPY_LOST]}
    return [
        replace(p, crbn_emerges=chosen[i], crbn_copy_lost=i in lost, other_emerges=others[i] and p.relapsed)
        for i, p in enumerate(patients)
    ]
