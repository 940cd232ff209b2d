"""Binary marker, ordinal outcome."""

from __future__ import annotations

from collections.abc import Sequence

from resistance.planning.given import named, patients, positive, something, within
from resistance.planning.plan import FEW, Level, Plan, Row


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

    within(prevalence, "--prevalence", open_ends=True)
    if odds_ratio is not None:
        positive(odds_ratio, "--odds-ratio")
    something(n is not None or odds_ratio is not None, "--n, an odds ratio, or both")
    alpha, rows, method = level.each, [], "Wilcoxon, proportional odds"
    shown: dict[str, float | str | None] = {
        "carriers": prevalence, "shares in the others": ", ".join(f"{s:g}" for s in shares), "odds ratio": odds_ratio, "patients": n
    }  # fmt: skip
    with named():
        mixed = models.mixed_proportions(shares, odds_ratio or 1.0, prevalence)
        if n is not None:
            patients(n, "--n")
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
