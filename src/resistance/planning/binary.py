"""Binary marker, binary outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

from resistance.errors import InputError
from resistance.planning.given import named, patients, positive, something, within
from resistance.planning.plan import Level, Plan, Row, finite

EXACT = (("fisher", "Fisher"), ("boschloo", "Boschloo"), ("z_pooled", "pooled z, exact"), ("firth", "Firth likelihood ratio"))


def plan_binary(
    *,
    prevalence: float,
    rate: float,
    level: Level,
    n: int | None = None,
    odds_ratio: float | None = None,
    rate_carriers: float | None = None,
    method: str | None = None,
    simulate: int = 0,
    seed: int = 1,
    strata: Sequence[tuple[int, float, float]] = (),
) -> Plan:
    """Plan a binary marker and a binary outcome (response).

    Parameters
    ----------
    prevalence, rate : float
        Share of carriers; probability of the outcome in the others.
    level : Level
    n : int, optional
        Patients; without it the number needed is asked.
    odds_ratio, rate_carriers : float, optional
        The planned effect, one or the other; without it what is detectable is asked.
    method : str, optional
        One of :data:`EXACT` (default: all).
    simulate, seed : int
        Simulated cohorts of Firth's test (0: none).
    strata : sequence of (patients, prevalence, rate)
        Strata of the simulation, in place of one with the numbers above.

    Raises
    ------
    InputError
        A number out of range, or too few of them to ask anything.
    """
    from resistance.stats.exact import p_value_minimum
    from resistance.stats.power_proportions import (
        detectable_probabilities,
        normal_power_two_proportions,
        patients_two_proportions,
        power_two_proportions,
    )

    within(prevalence, "--prevalence", open_ends=True)
    within(rate, "--rate")
    if odds_ratio is not None and rate_carriers is not None:
        raise InputError("give the odds ratio or the carriers' rate, not both", path="--odds-ratio")
    if odds_ratio is not None:
        positive(odds_ratio, "--odds-ratio")
        if rate in (0.0, 1.0):
            raise InputError(
                "no odds ratio starts from a rate of 0 or 1", path="--rate", value=rate, remedy="Give --rate-carriers."
            )
        rate_carriers = moved(rate, odds_ratio)
    if rate_carriers is not None:
        within(rate_carriers, "--rate-carriers")
    something(n is not None or rate_carriers is not None, "--n, an effect, or both")
    alpha = level.each
    methods: list[tuple[Any, str]] = [m for m in EXACT if method in (None, m[0])]
    rows, notes = [], []
    shown: dict[str, float | str | None] = {
        "carriers": prevalence, "rate in the others": rate, "rate in carriers": rate_carriers,
        "odds ratio": ratio_of_odds(rate_carriers, rate) if rate_carriers is not None else None,
    }  # fmt: skip
    if n is not None:
        patients(n, "--n")
        carriers = round(prevalence * n)
        others = n - carriers
        outcome = round(rate * others + (rate if rate_carriers is None else rate_carriers) * carriers)
        shown |= {"patients": n, "of them carriers": carriers}
        least = p_value_minimum(carriers, others, outcome)
        rows.append(Row("least p", "Fisher", least, f"attainable with {carriers} carriers and {outcome} with the outcome"))
        if least > alpha:
            notes.append(
                f"no result of Fisher's test can reach p < {alpha:.3g} with these margins: the marker need not be tested."
            )
        with named():
            for key, name in methods:
                if rate_carriers is not None:
                    found = power_two_proportions(rate_carriers, rate, carriers, others, method=key, alpha=alpha)
                    rows.append(Row("power", name, found.power, f"true level {found.size:.3g}"))
                    if found.size > alpha * 1.02:
                        notes.append(
                            f"{name}: the true level is up to {found.size:.3g} where {alpha:.3g} is asked; its power is paid for with it."
                        )
                below, above = detectable_probabilities(rate, carriers, others, power=level.power, method=key, alpha=alpha)
                for side, p in (("below", below), ("above", above)):
                    ratio = ratio_of_odds(p, rate)
                    rows.append(
                        Row(
                            f"detectable odds ratio {side} 1",
                            name,
                            ratio,
                            "not at any rate" if ratio is None else f"rate in carriers {p:.3f}",
                        )
                    )
            if rate_carriers is not None:
                approximate = normal_power_two_proportions(rate_carriers, rate, carriers, others, alpha=alpha)
                rows.append(Row("power", "normal approximation", finite(approximate), "for comparison"))
    if rate_carriers is not None:
        with named():
            for key, name in methods:
                if key in ("firth", "z_pooled") and method is None:
                    continue
                needed = patients_two_proportions(rate_carriers, rate, prevalence, power=level.power, method=key, alpha=alpha)
                rows.append(Row("patients needed", name, needed, "" if needed else "more than 4,000, or no effect"))
    if simulate:
        rows += _simulated_binary(simulate, seed, alpha, n, prevalence, rate, rate_carriers, odds_ratio, strata, notes)
    return Plan("Binary marker, binary outcome", shown | level.assumptions(), tuple(rows), tuple(notes))


def _simulated_binary(
    replicates: int, seed: int, alpha: float, n: int | None, prevalence: float, rate: float, rate_carriers: float | None,
    odds_ratio: float | None, strata: Sequence[tuple[int, float, float]], notes: list[str],
) -> Iterator[Row]:  # fmt: skip
    from resistance.stats.power_simulation import simulate_firth

    ratio = odds_ratio if odds_ratio is not None else ratio_of_odds(rate_carriers, rate) if rate_carriers is not None else None
    if ratio is None or not ratio > 0 or (n is None and not strata):
        raise InputError("the simulation needs patients and an effect with a finite odds ratio", path="--simulate")
    groups = list(strata) or [(n or 0, prevalence, rate)]
    sizes, shares, rates = zip(*groups, strict=True)
    with named():
        for what, effect in (("power", ratio), ("true level", 1.0)):
            found = simulate_firth(
                effect, n=sizes, prevalence=shares, outcome=rates, seed=seed, alpha=alpha, replicates=replicates
            )
            note = f"{found.ci_low:.3f} to {found.ci_high:.3f} by {replicates:,} cohorts, seed {seed}"
            yield Row(what, "Firth, simulated", found.power, note)
            if what == "power" and found.no_answer:
                notes.append(
                    f"{found.no_answer:,} of {replicates:,} simulated cohorts had no carrier or no outcome; they count as missed."
                )


def moved(rate: float, odds_ratio: float) -> float:
    return odds_ratio * rate / (1 + (odds_ratio - 1) * rate)


def ratio_of_odds(rate: float, other: float) -> float | None:
    """Return the odds ratio of two rates; None where it is not a number or infinite."""
    if not isfinite(rate) or other in (0.0, 1.0) or rate == 1.0:
        return None
    return rate * (1 - other) / ((1 - rate) * other)
