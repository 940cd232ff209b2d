"""A planned study in numbers -> power, what is detectable, and how many patients or events are needed; as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite, log, nan, sqrt
from typing import Any, Literal

from resistance.errors import InputError

Adjustment = Literal["bonferroni", "fdr"]
EXACT = (("fisher", "Fisher"), ("boschloo", "Boschloo"), ("z_pooled", "pooled z, exact"), ("firth", "Firth likelihood ratio"))
#: fewer carriers, or events of theirs, than this: the normal approximation is not to be trusted
FEW = 20


@dataclass(frozen=True)
class Row:
    """One number of a plan.

    Parameters
    ----------
    what : str
        'power', 'detectable ...', 'patients needed', 'events needed', 'events expected', 'least p', 'true level'.
    method : str
    value : float or None
        None where there is no such number.
    note : str
    """

    what: str
    method: str
    value: float | None
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """Answer to a question of planning.

    Parameters
    ----------
    question : str
    assumptions : dict
        What was given or follows from it, by name.
    rows : tuple of Row
    notes : tuple of str
        What to beware of.
    """

    question: str
    assumptions: dict[str, float | str | None]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    def text(self) -> str:
        """Return the plan as lines for a terminal."""
        lines = [self.question, ""]
        lines += [f"  {name}: {_shown(value)}" for name, value in self.assumptions.items() if value is not None]
        lines.append("")
        cells = [("", "method", "", "")] + [(row.what, row.method, _shown(row.value), row.note) for row in self.rows]
        widths = [max(len(row[i]) for row in cells) for i in range(3)]
        for what, method, value, note in cells:
            lines.append(f"  {what:<{widths[0]}}  {method:<{widths[1]}}  {value:>{widths[2]}}  {note}".rstrip())
        return "\n".join(lines + [""] + [f"note: {note}" for note in self.notes]).rstrip("\n")

    def json(self) -> str:
        """Return the plan as JSON; numbers that do not exist are null."""
        rows = [{"what": r.what, "method": r.method, "value": r.value, "note": r.note} for r in self.rows]
        content = {"question": self.question, "assumptions": self.assumptions, "results": rows, "notes": list(self.notes)}
        return json.dumps(content, indent=2, ensure_ascii=False)


@dataclass(frozen=True)
class Level:
    """Level of one test of a family.

    Parameters
    ----------
    alpha : float
        Family-wise error, or false discovery rate, of the whole family.
    tests : int
        Tests of the family, those not run too.
    adjustment : {'bonferroni', 'fdr'}
    true_effects : float
        Tests expected to have the planned effect ('fdr' alone).
    power : float
        Wanted power.
    """

    alpha: float = 0.05
    tests: int = 1
    adjustment: Adjustment = "bonferroni"
    true_effects: float = 1
    power: float = 0.8

    @property
    def each(self) -> float:
        """Level of a single test."""
        from resistance.stats.power_models import level_false_discovery

        if not 0 < self.alpha < 1:
            raise InputError("the level must lie between 0 and 1", path="--alpha", value=self.alpha)
        if not 0 < self.power < 1:
            raise InputError("the power must lie between 0 and 1", path="--power", value=self.power)
        if self.tests < 1:
            raise InputError("at least one test is needed", path="--tests", value=self.tests)
        if self.adjustment == "bonferroni":
            return self.alpha / self.tests
        with _named():
            return level_false_discovery(self.tests, self.true_effects, rate=self.alpha, power=self.power)

    def assumptions(self) -> dict[str, float | str | None]:
        """Return what the level rests on, for the head of a plan."""
        family = {"bonferroni": f"Bonferroni over {self.tests:,} tests", "fdr": f"false discovery rate over {self.tests:,} tests"}
        how = "" if self.tests == 1 else f" ({family[self.adjustment]}, {self.alpha:g} in all)"
        return {"level of each test, two-sided": f"{self.each:.3g}{how}", "wanted power": self.power}


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

    _within(prevalence, "--prevalence", open_ends=True)
    _within(rate, "--rate")
    if odds_ratio is not None and rate_carriers is not None:
        raise InputError("give the odds ratio or the carriers' rate, not both", path="--odds-ratio")
    if odds_ratio is not None:
        _positive(odds_ratio, "--odds-ratio")
        if rate in (0.0, 1.0):
            raise InputError(
                "no odds ratio starts from a rate of 0 or 1", path="--rate", value=rate, remedy="Give --rate-carriers."
            )
        rate_carriers = _moved(rate, odds_ratio)
    if rate_carriers is not None:
        _within(rate_carriers, "--rate-carriers")
    _some(n is not None or rate_carriers is not None, "--n, an effect, or both")
    alpha = level.each
    methods: list[tuple[Any, str]] = [m for m in EXACT if method in (None, m[0])]
    rows, notes = [], []
    shown: dict[str, float | str | None] = {
        "carriers": prevalence, "rate in the others": rate, "rate in carriers": rate_carriers,
        "odds ratio": _odds_ratio(rate_carriers, rate) if rate_carriers is not None else None,
    }  # fmt: skip
    if n is not None:
        _count(n, "--n")
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
        with _named():
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
                    ratio = _odds_ratio(p, rate)
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
                rows.append(Row("power", "normal approximation", _number(approximate), "for comparison"))
    if rate_carriers is not None:
        with _named():
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

    ratio = odds_ratio if odds_ratio is not None else _odds_ratio(rate_carriers, rate) if rate_carriers is not None else None
    if ratio is None or not ratio > 0 or (n is None and not strata):
        raise InputError("the simulation needs patients and an effect with a finite odds ratio", path="--simulate")
    groups = list(strata) or [(n or 0, prevalence, rate)]
    sizes, shares, rates = zip(*groups, strict=True)
    with _named():
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


def plan_survival(
    *,
    level: Level,
    prevalence: float | None = None,
    spread: float | None = None,
    events: float | None = None,
    n: int | None = None,
    hazard_ratio: float | None = None,
    r_squared: float = 0.0,
    median: float | None = None,
    accrual: float = 0.0,
    follow_up: float | None = None,
    loss: float = 0.0,
    simulate: int = 0,
    permutations: int = 999,
    seed: int = 1,
) -> Plan:
    """Plan a marker and a time to an event.

    Parameters
    ----------
    level : Level
    prevalence, spread : float, optional
        Share of carriers of a binary marker; or the standard deviation of a continuous one (the hazard ratio is then
        per unit).
    events : float, optional
        Events in all patients; or they follow from `n`, `median`, `accrual`, `follow_up`.
    n : int, optional
    hazard_ratio : float, optional
        The planned effect; without it what is detectable is asked.
    r_squared : float
        Share of the marker's variance that covariates explain.
    median, accrual, follow_up : float, optional
        Median time to the event of those without the marker, duration of accrual and follow-up of the last patient, in
        one unit of time.
    loss : float
        Share of patients lost to follow-up per unit of time.
    simulate, permutations, seed : int
        Simulated cohorts of the stratified permutation test (0: none; a binary marker, and `n` and `median`).

    Raises
    ------
    InputError
    """
    from resistance.stats import power_models as models
    from resistance.stats.power_simulation import simulate_permutation

    if (prevalence is None) == (spread is None):
        raise InputError("give the share of carriers or the spread of a continuous marker", path="--prevalence")
    if prevalence is not None:
        _within(prevalence, "--prevalence", open_ends=True)
        width = sqrt(prevalence * (1 - prevalence))
    else:
        width = spread or 0.0
        _positive(width, "--spread")
    if hazard_ratio is not None:
        _positive(hazard_ratio, "--hazard-ratio")
    alpha, rows, notes = level.each, [], []
    shown: dict[str, float | str | None] = {
        "carriers": prevalence, "standard deviation of the marker": spread, "hazard ratio": hazard_ratio,
        "variance explained by covariates": r_squared or None, "patients": n,
    }  # fmt: skip
    hazard = None
    if median is not None:
        _positive(median, "--median")
        hazard = log(2) / median
        if n is None or follow_up is None:
            raise InputError("events are expected from a median only with --n and --follow-up", path="--median")
        if events is not None:
            raise InputError("give the events, or the median they follow from, not both", path="--events")
        _count(n, "--n")
        shown |= {"median": median, "accrual": accrual, "follow-up": follow_up, "hazard of loss": loss or None}
        with _named():
            in_others = models.expected_events(1, hazard, accrual=accrual, follow_up=follow_up, loss=loss)
            in_carriers = models.expected_events(
                1, hazard * (hazard_ratio or 1.0), accrual=accrual, follow_up=follow_up, loss=loss
            )
        share = prevalence or 0.0
        events = n * ((1 - share) * in_others + share * in_carriers)
        rows.append(
            Row(
                "events expected",
                "exponential times",
                events,
                f"{n * share * in_carriers:.1f} of them in carriers" if share else "",
            )
        )
    _some(
        events is not None or hazard_ratio is not None, "--events (or --n with --median and --follow-up), a hazard ratio, or both"
    )
    with _named():
        if events is not None:
            if events < 0:
                raise InputError("cannot be negative", path="--events", value=events)
            shown["events"] = events
            if hazard_ratio is not None:
                power = models.power_cox(hazard_ratio, width, events, r_squared=r_squared, alpha=alpha)
                rows.append(Row("power", "Cox, log-rank", power))
            ratio = _number(models.detectable_cox(width, events, r_squared=r_squared, power=level.power, alpha=alpha))
            rows.append(Row("detectable hazard ratio above 1", "Cox, log-rank", ratio, "per unit" if spread is not None else ""))
            rows.append(Row("detectable hazard ratio below 1", "Cox, log-rank", None if ratio is None else 1 / ratio))
            if prevalence is not None and events * prevalence < FEW:
                notes.append(
                    f"about {events * prevalence:.1f} events in carriers: every asymptotic test is too liberal there; "
                    "plan with --simulate and test by permutation within strata."
                )
        if hazard_ratio is not None:
            needed = models.events_cox(hazard_ratio, width, r_squared=r_squared, power=level.power, alpha=alpha)
            rows.append(Row("events needed", "Cox, log-rank", needed, "" if needed else "no effect, no number"))
            if needed and events and n:
                rows.append(
                    Row("patients needed", "Cox, log-rank", float(-(-needed * n // events)), "at the same accrual and follow-up")
                )
    if simulate:
        if prevalence is None or hazard is None or n is None or follow_up is None or hazard_ratio is None:
            raise InputError(
                "the simulation needs --prevalence, --hazard-ratio, --n, --median and --follow-up", path="--simulate"
            )
        with _named():
            for what, effect in (("power", hazard_ratio), ("true level", 1.0)):
                found = simulate_permutation(
                    effect, n=[n], prevalence=[prevalence], hazard=[hazard], accrual=accrual, follow_up=follow_up, loss=loss,
                    seed=seed, alpha=alpha, replicates=simulate, permutations=permutations,
                )  # fmt: skip
                note = f"{found.ci_low:.3f} to {found.ci_high:.3f} by {simulate:,} cohorts, seed {seed}"
                rows.append(Row(what, "permutation, simulated", found.power, note))
        if alpha * (permutations + 1) < 1:
            notes.append(f"{permutations:,} permutations cannot give p < {alpha:.3g}: more --permutations are needed.")
    return Plan("Marker and time to an event", shown | level.assumptions(), tuple(rows), tuple(notes))


def plan_ordinal(
    *, prevalence: float, shares: Sequence[float], level: Level, n: int | None = None, odds_ratio: float | None = None
) -> Plan:
    """Plan a binary marker and an ordinal outcome (CR > PR > SD > PD).

    Parameters
    ----------
    prevalence : float
    shares : sequence of float
        Share of each category in those without the marker, from the one a ratio above 1 makes more frequent.
    level : Level
    n : int, optional
    odds_ratio : float, optional
        Common to all cuts.

    Raises
    ------
    InputError
    """
    from resistance.stats import power_models as models

    _within(prevalence, "--prevalence", open_ends=True)
    if odds_ratio is not None:
        _positive(odds_ratio, "--odds-ratio")
    _some(n is not None or odds_ratio is not None, "--n, an odds ratio, or both")
    alpha, rows, method = level.each, [], "Wilcoxon, proportional odds"
    shown: dict[str, float | str | None] = {
        "carriers": prevalence, "shares in the others": ", ".join(f"{s:g}" for s in shares), "odds ratio": odds_ratio, "patients": n
    }  # fmt: skip
    with _named():
        mixed = models.mixed_proportions(shares, odds_ratio or 1.0, prevalence)
        if n is not None:
            _count(n, "--n")
            carriers = round(prevalence * n)
            shown["of them carriers"] = carriers
            if odds_ratio is not None:
                rows.append(Row("power", method, models.power_ordinal(odds_ratio, mixed, carriers, n - carriers, alpha=alpha)))
            for name, sign in (("above", 1.0), ("below", -1.0)):
                ratio = _detectable_ordinal(shares, prevalence, carriers, n - carriers, level.power, alpha, sign)
                rows.append(Row(f"detectable odds ratio {name} 1", method, ratio, "" if ratio else "none has the power"))
        if odds_ratio is not None:
            needed = models.patients_ordinal(odds_ratio, mixed, prevalence, power=level.power, alpha=alpha)
            rows.append(Row("patients needed", method, needed, "" if needed else "no effect, no number"))
    notes = []
    if n is not None and round(prevalence * n) < FEW:
        notes.append(f"{round(prevalence * n)} carriers: the normal approximation is rough.")
    return Plan("Binary marker, ordinal outcome", shown | level.assumptions(), tuple(rows), tuple(notes))


def _detectable_ordinal(
    shares: Sequence[float], prevalence: float, carriers: int, others: int, power: float, alpha: float, sign: float
) -> float | None:
    """Return the ratio with this power; the shares of both groups together move with it."""
    from scipy.optimize import brentq

    from resistance.stats.power_models import mixed_proportions, power_ordinal

    def excess(log_ratio: float) -> float:
        from math import exp

        ratio = exp(sign * log_ratio)
        return power_ordinal(ratio, mixed_proportions(shares, ratio, prevalence), carriers, others, alpha=alpha) - power

    # far out all patients of a group are in one category and the power falls again: the nearest ratio is looked for
    grid = [0.05 * step for step in range(1, 161)]
    first = next((at for at in grid if excess(at) >= 0), None)
    if first is None:
        return None
    from math import exp

    start = first - 0.05
    return exp(sign * float(brentq(excess, start, first, xtol=1e-12))) if excess(start) < 0 else exp(sign * start)


def plan_continuous(
    *,
    endpoint: Literal["number", "binary", "survival"],
    level: Level,
    n: int | None = None,
    events: float | None = None,
    prevalence: float | None = None,
    rate: float | None = None,
    effect: float | None = None,
    r_squared: float = 0.0,
) -> Plan:
    """Plan a continuous endpoint with a binary marker, or a continuous marker with a binary or survival endpoint.

    Parameters
    ----------
    endpoint : {'number', 'binary', 'survival'}
        number: log IC50, change of ctDNA; the marker is binary (`prevalence`) and `effect` a shift in standard deviations
        within the groups.  binary, survival: the marker is continuous (expression, score) and `effect` the odds or
        hazard ratio per standard deviation.
    level : Level
    n : int, optional
        Patients ('number', 'binary').
    events : float, optional
        Events ('survival').
    prevalence, rate : float, optional
        Share of carriers ('number'); probability of the outcome at the marker's mean ('binary').
    effect : float, optional
    r_squared : float
        Share of the marker's variance that covariates explain ('binary', 'survival').

    Raises
    ------
    InputError
    """
    from resistance.stats import power_models as models

    if endpoint == "survival":
        return plan_survival(level=level, spread=1.0, events=events, hazard_ratio=effect, r_squared=r_squared)
    _some(n is not None or effect is not None, "--n, an effect, or both")
    alpha, rows = level.each, []
    if n is not None:
        _count(n, "--n")
    shown: dict[str, float | str | None] = {"patients": n}
    with _named():
        if endpoint == "number":
            if prevalence is None:
                raise InputError("the share of carriers is needed", path="--prevalence")
            _within(prevalence, "--prevalence", open_ends=True)
            shown |= {"carriers": prevalence, "shift in standard deviations": effect}
            question, method = "Binary marker, continuous endpoint", "t-test"
            if n is not None:
                carriers = round(prevalence * n)
                shown["of them carriers"] = carriers
                if effect is not None:
                    rows.append(
                        Row("power", method, _number(models.power_two_means(effect, carriers, n - carriers, alpha=alpha)))
                    )
                shift = models.detectable_shift(carriers, n - carriers, power=level.power, alpha=alpha)
                rows.append(Row("detectable shift", method, _number(shift), "standard deviations"))
            if effect is not None:
                needed = models.patients_two_means(effect, prevalence, power=level.power, alpha=alpha)
                rows.append(Row("patients needed", method, needed, "" if needed else "no effect, no number"))
        else:
            if rate is None:
                raise InputError("the probability of the outcome is needed", path="--rate")
            _within(rate, "--rate", open_ends=True)
            if effect is not None:
                _positive(effect, "--effect")
            shown |= {"rate at the marker's mean": rate, "odds ratio per standard deviation": effect}
            shown["variance explained by covariates"] = r_squared or None
            question, method = "Continuous marker, binary outcome", "logistic"
            if n is not None:
                if effect is not None:
                    power = models.power_logistic_continuous(effect, rate, n, r_squared=r_squared, alpha=alpha)
                    rows.append(Row("power", method, power))
                ratio = models.detectable_logistic_continuous(rate, n, r_squared=r_squared, power=level.power, alpha=alpha)
                rows.append(Row("detectable odds ratio above 1", method, _number(ratio), "per standard deviation"))
                rows.append(Row("detectable odds ratio below 1", method, _number(1 / ratio), "per standard deviation"))
            if effect is not None:
                needed = models.patients_logistic_continuous(effect, rate, r_squared=r_squared, power=level.power, alpha=alpha)
                rows.append(Row("patients needed", method, needed, "" if needed else "no effect, no number"))
    return Plan(question, shown | level.assumptions(), tuple(rows), ())


def plan_interaction(
    *,
    endpoint: Literal["survival", "binary"],
    prevalence: float,
    level: Level,
    arm: float = 0.5,
    events: float | None = None,
    n: int | None = None,
    ratio: float | None = None,
    rates: Sequence[float] | None = None,
) -> Plan:
    """Plan a marker x treatment interaction: whether a marker is predictive.

    Parameters
    ----------
    endpoint : {'survival', 'binary'}
    prevalence, arm : float
        Share of carriers; share of patients with the treatment.
    level : Level
    events : float, optional
        Events in all patients ('survival').
    n : int, optional
        Patients ('binary').
    ratio : float, optional
        Ratio of hazard ratios, or of odds ratios: effect of the treatment in carriers over that in the others.
    rates : sequence of 3 floats, optional
        'binary': probability of the outcome in others in control, others with the treatment, carriers in control.

    Raises
    ------
    InputError
    """
    from resistance.stats import power_models as models

    _within(prevalence, "--prevalence", open_ends=True)
    _within(arm, "--arm", open_ends=True)
    if ratio is not None:
        _positive(ratio, "--ratio")
    alpha, rows = level.each, []
    notes = ["the interaction is a treatment effect only between randomised arms."]
    shown: dict[str, float | str | None] = {"carriers": prevalence, "in the treatment arm": arm}
    with _named():
        if endpoint == "survival":
            _some(events is not None or ratio is not None, "--events, a ratio, or both")
            shown |= {"ratio of hazard ratios": ratio, "events": events}
            if events is not None:
                if events < 0:
                    raise InputError("cannot be negative", path="--events", value=events)
                if ratio is not None:
                    rows.append(
                        Row("power", "Cox", models.power_interaction_survival(ratio, prevalence, arm, events, alpha=alpha))
                    )
                found = _number(models.detectable_interaction_survival(prevalence, arm, events, power=level.power, alpha=alpha))
                rows.append(Row("detectable ratio above 1", "Cox", found))
                rows.append(Row("detectable ratio below 1", "Cox", None if found is None else 1 / found))
            if ratio is not None:
                needed = models.events_interaction_survival(ratio, prevalence, arm, power=level.power, alpha=alpha)
                rows.append(Row("events needed", "Cox", needed, "" if needed else "no effect, no number"))
                main = models.events_log_rank(ratio, prevalence, power=level.power, alpha=alpha)
                rows.append(Row("events needed", "Cox, marker's own effect", main, "for comparison"))
        else:
            if rates is None or len(rates) != 3:
                raise InputError("three rates are needed: others in control, others treated, carriers in control", path="--rates")
            for value in rates:
                _within(value, "--rates", open_ends=True)
            if n is None:
                raise InputError("the number of patients is needed", path="--n")
            _count(n, "--n")
            shown |= {
                "rates (others in control, others treated, carriers in control)": ", ".join(f"{r:g}" for r in rates),
                "ratio of odds ratios": ratio, "patients": n,
            }  # fmt: skip
            cells = [
                (1 - prevalence) * (1 - arm) * n,
                (1 - prevalence) * arm * n,
                prevalence * (1 - arm) * n,
                prevalence * arm * n,
            ]

            def power_at(theta: float) -> float:
                treated = _moved(_moved(rates[2], _odds_ratio(rates[1], rates[0]) or nan), theta)
                return models.power_interaction_binary([*rates, treated], cells, alpha=alpha)

            if ratio is not None:
                rows.append(Row("power", "logistic, Wald", _number(power_at(ratio))))
            for name, sign in (("above", 1), ("below", -1)):
                rows.append(Row(f"detectable ratio {name} 1", "logistic, Wald", _nearest(power_at, level.power, sign)))
            if min(cells) < FEW:
                notes.append(f"about {min(cells):.1f} patients in the smallest of the four groups: the approximation is rough.")
    return Plan("Marker x treatment interaction", shown | level.assumptions(), tuple(rows), tuple(notes))


def _nearest(power_at: Callable[[float], float], power: float, sign: int) -> float | None:
    from math import exp

    from scipy.optimize import brentq

    grid = [0.05 * step for step in range(0, 161)]
    first = next((at for at in grid if power_at(exp(sign * at)) >= power), None)
    if first is None:
        return None
    if first == 0:
        return 1.0
    return exp(sign * float(brentq(lambda at: power_at(exp(sign * at)) - power, first - 0.05, first, xtol=1e-12)))


def _moved(rate: float, odds_ratio: float) -> float:
    return odds_ratio * rate / (1 + (odds_ratio - 1) * rate)


def _odds_ratio(rate: float, other: float) -> float | None:
    """Return the odds ratio of two rates; None where it is not a number or infinite."""
    if not isfinite(rate) or other in (0.0, 1.0) or rate == 1.0:
        return None
    return rate * (1 - other) / ((1 - rate) * other)


def _number(value: float) -> float | None:
    return value if isfinite(value) else None


def _shown(value: float | str | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.4g}"


@contextmanager
def _named() -> Iterator[None]:
    """Turn a refusal of the statistics ('prevalence: outside 0..1') into one of the input."""
    try:
        yield
    except ValueError as error:
        raise InputError(str(error)) from error


def _within(value: float, option: str, *, open_ends: bool = False) -> None:
    if not (0 < value < 1 if open_ends else 0 <= value <= 1):
        raise InputError("must lie between 0 and 1", path=option, value=value, remedy="Shares are fractions: 0.25, not 25.")


def _positive(value: float, option: str) -> None:
    if not (value > 0 and isfinite(value)):
        raise InputError("must be positive", path=option, value=value)


def _count(value: int, option: str) -> None:
    if value < 1:
        raise InputError("at least one patient is needed", path=option, value=value)


def _some(given: bool, what: str) -> None:
    if not given:
        raise InputError(f"nothing to compute: give {what}")
