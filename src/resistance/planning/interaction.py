"""Marker x treatment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import nan
from typing import Literal

from resistance.errors import InputError
from resistance.planning.binary import moved, ratio_of_odds
from resistance.planning.given import named, patients, positive, something, within
from resistance.planning.plan import FEW, Level, Plan, Row, finite


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

    within(prevalence, "--prevalence", open_ends=True)
    within(arm, "--arm", open_ends=True)
    if ratio is not None:
        positive(ratio, "--ratio")
    alpha, rows = level.each, []
    notes = ["the interaction is a treatment effect only between randomised arms."]
    shown: dict[str, float | str | None] = {"carriers": prevalence, "in the treatment arm": arm}
    with named():
        if endpoint == "survival":
            something(events is not None or ratio is not None, "--events, a ratio, or both")
            shown |= {"ratio of hazard ratios": ratio, "events": events}
            if events is not None:
                if events < 0:
                    raise InputError("cannot be negative", path="--events", value=events)
                if ratio is not None:
                    rows.append(
                        Row("power", "Cox", models.power_interaction_survival(ratio, prevalence, arm, events, alpha=alpha))
                    )
                found = finite(models.detectable_interaction_survival(prevalence, arm, events, power=level.power, alpha=alpha))
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
                within(value, "--rates", open_ends=True)
            if n is None:
                raise InputError("the number of patients is needed", path="--n")
            patients(n, "--n")
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
                treated = moved(moved(rates[2], ratio_of_odds(rates[1], rates[0]) or nan), theta)
                return models.power_interaction_binary([*rates, treated], cells, alpha=alpha)

            if ratio is not None:
                rows.append(Row("power", "logistic, Wald", finite(power_at(ratio))))
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
