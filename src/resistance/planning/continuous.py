"""A continuous endpoint, or a continuous marker."""

from __future__ import annotations

from typing import Literal

from resistance.errors import InputError
from resistance.planning.given import named, patients, positive, something, within
from resistance.planning.plan import Level, Plan, Row, finite
from resistance.planning.survival import plan_survival


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
    something(n is not None or effect is not None, "--n, an effect, or both")
    alpha, rows = level.each, []
    if n is not None:
        patients(n, "--n")
    shown: dict[str, float | str | None] = {"patients": n}
    with named():
        if endpoint == "number":
            if prevalence is None:
                raise InputError("the share of carriers is needed", path="--prevalence")
            within(prevalence, "--prevalence", open_ends=True)
            shown |= {"carriers": prevalence, "shift in standard deviations": effect}
            question, method = "Binary marker, continuous endpoint", "t-test"
            if n is not None:
                carriers = round(prevalence * n)
                shown["of them carriers"] = carriers
                if effect is not None:
                    rows.append(Row("power", method, finite(models.power_two_means(effect, carriers, n - carriers, alpha=alpha))))
                shift = models.detectable_shift(carriers, n - carriers, power=level.power, alpha=alpha)
                rows.append(Row("detectable shift", method, finite(shift), "standard deviations"))
            if effect is not None:
                needed = models.patients_two_means(effect, prevalence, power=level.power, alpha=alpha)
                rows.append(Row("patients needed", method, needed, "" if needed else "no effect, no number"))
        else:
            if rate is None:
                raise InputError("the probability of the outcome is needed", path="--rate")
            within(rate, "--rate", open_ends=True)
            if effect is not None:
                positive(effect, "--effect")
            shown |= {"rate at the marker's mean": rate, "odds ratio per standard deviation": effect}
            shown["variance explained by covariates"] = r_squared or None
            question, method = "Continuous marker, binary outcome", "logistic"
            if n is not None:
                if effect is not None:
                    power = models.power_logistic_continuous(effect, rate, n, r_squared=r_squared, alpha=alpha)
                    rows.append(Row("power", method, power))
                ratio = models.detectable_logistic_continuous(rate, n, r_squared=r_squared, power=level.power, alpha=alpha)
                rows.append(Row("detectable odds ratio above 1", method, finite(ratio), "per standard deviation"))
                rows.append(Row("detectable odds ratio below 1", method, finite(1 / ratio), "per standard deviation"))
            if effect is not None:
                needed = models.patients_logistic_continuous(effect, rate, r_squared=r_squared, power=level.power, alpha=alpha)
                rows.append(Row("patients needed", method, needed, "" if needed else "no effect, no number"))
    return Plan(question, shown | level.assumptions(), tuple(rows), ())
