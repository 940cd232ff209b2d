"""A marker and a time to an event."""

from __future__ import annotations

from math import log, sqrt

from resistance.errors import InputError
from resistance.planning.given import named, patients, positive, something, within
from resistance.planning.plan import FEW, Level, Plan, Row, finite


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
        Hazard of being lost to follow-up (patients lost per patient and unit of time).
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
        within(prevalence, "--prevalence", open_ends=True)
        width = sqrt(prevalence * (1 - prevalence))
    else:
        width = spread or 0.0
        positive(width, "--spread")
    if hazard_ratio is not None:
        positive(hazard_ratio, "--hazard-ratio")
    alpha, rows, notes = level.each, [], []
    shown: dict[str, float | str | None] = {
        "carriers": prevalence, "standard deviation of the marker": spread, "hazard ratio": hazard_ratio,
        "variance explained by covariates": r_squared or None, "patients": n,
    }  # fmt: skip
    hazard = None
    if median is not None:
        positive(median, "--median")
        hazard = log(2) / median
        if n is None or follow_up is None:
            raise InputError("events are expected from a median only with --n and --follow-up", path="--median")
        if events is not None:
            raise InputError("give the events, or the median they follow from, not both", path="--events")
        patients(n, "--n")
        shown |= {"median": median, "accrual": accrual, "follow-up": follow_up, "hazard of loss": loss or None}
        with named():
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
    something(
        events is not None or hazard_ratio is not None, "--events (or --n with --median and --follow-up), a hazard ratio, or both"
    )
    with named():
        if events is not None:
            if events < 0:
                raise InputError("cannot be negative", path="--events", value=events)
            shown["events"] = events
            if hazard_ratio is not None:
                power = models.power_cox(hazard_ratio, width, events, r_squared=r_squared, alpha=alpha)
                rows.append(Row("power", "Cox, log-rank", power))
            ratio = finite(models.detectable_cox(width, events, r_squared=r_squared, power=level.power, alpha=alpha))
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
        with named():
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
