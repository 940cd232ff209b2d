"""One row of the results -> what a reader must know beside it: effect in words, what could have been seen, what to beware of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from resistance.report.words import DIFFERENCES, SCALES, SCALES_SHORT, bounds, effect, p_value, signed

if TYPE_CHECKING:
    from resistance.config import CohortFile

#: level of the plan: an interval of 95 % that holds no effect, a p that cannot come below
LEVEL = 0.05
#: scales whose detectable effects lie as far on one side as on the other; those of odds do not (their margins are not symmetric)
_SYMMETRIC = ("log_hazard_ratio", *DIFFERENCES)


def is_ratio(scale: str | None) -> bool:
    """Say whether effects on this scale are logarithms of ratios."""
    return scale is not None and scale not in DIFFERENCES


def on_scale(value: float | None, scale: str | None) -> float | None:
    """Return a number of the results as it is read: exponential of a logarithm, a difference as it is."""
    if value is None or not is_ratio(scale):
        return value
    return None if value > 700 else math.exp(value)


def outcome_word(config: CohortFile, endpoint: str) -> str | None:
    """Return what is counted of an endpoint: events, responders, patients with it; None for ordered and continuous ones."""
    declared = config.endpoints.get(endpoint)
    if declared is None or declared.kind == "time_to_event":
        return "events"
    if declared.kind != "binary":
        return None
    return "with event" if declared.adverse_event is not None else "responders"


def direction(config: CohortFile, endpoint: str, scale: str | None, who: str = "with the marker") -> str:
    """Return how an effect of this endpoint is read, as a sentence; `who` says in whom it is more."""
    declared = config.endpoints.get(endpoint)
    above = f"Above {1 if is_ratio(scale) else 0}:"
    if scale is not None and scale.startswith(("log_ratio_of", "difference_of")):
        return f"{above} the marker's effect is greater with an IMiD than without."
    if not is_ratio(scale):
        return f"{above} higher outcome {who}, in units of the endpoint."
    if declared is None or declared.kind == "time_to_event":
        return f"{above} more events {who}."
    if declared.kind == "ordinal":
        levels = [str(level) for level in declared.levels]
        return f"{above} better categories {who} (from {levels[0]} to {levels[-1]})."
    what = "the event more often" if declared.adverse_event is not None else "more responders"
    return f"{above} {what} {who}."


def described(row: dict[str, Any]) -> dict[str, Any]:
    """Return what is shown of a row beside its numbers.

    Parameters
    ----------
    row : dict
        A row of the results table, None for what is not known.

    Returns
    -------
    dict
        ``is_ratio``; ``value``, ``value_low``, ``value_high`` on the scale that is read (0 or infinity, where a cell is empty, is
        ``open``: 'zero' or 'infinite'); ``effect_words``, ``interval_words``; ``negative`` (the interval holds no effect),
        ``detectable`` (numbers on the scale that is read), ``detectable_words``; ``flags`` (list of words).
    """
    scale = row["scale"]
    ratios = is_ratio(scale)
    usable = row["converged"]
    value, low, high = (on_scale(row[k], scale) if usable else None for k in ("effect", "ci_low", "ci_high"))
    # an empty cell gives an odds ratio of 0 or infinity, which has no logarithm: its interval is open on that side
    open_ = None
    if usable and value is None and ratios and (low is None) != (high is None):
        open_ = "zero" if low is None else "infinite"
    negative = None
    if value is not None or open_ is not None:
        none = 1.0 if ratios else 0.0
        negative = (low is None or low <= none) and (high is None or high >= none)
    words = {None: effect(value, is_ratio=ratios), "zero": "0", "infinite": "∞"}[open_] if negative is not None else None
    detectable = _detectable(row, scale) if negative else []
    return {
        "is_ratio": ratios,
        "value": value,
        "value_low": low,
        "value_high": high,
        "open": open_,
        "scale_short": SCALES_SHORT.get(str(scale)),
        "scale_label": SCALES.get(str(scale)),
        "effect_words": words,
        "interval_words": bounds(low, high, is_ratio=ratios) if words is not None else None,
        "negative": negative,
        "detectable": detectable,
        "detectable_words": _could_have_seen(detectable, scale),
    }


def _detectable(row: dict[str, Any], scale: str | None) -> list[float]:
    """Return the nearest effects that these numbers find with 80 % power: both sides where they are alike, else the nearer."""
    nearest = row.get("detectable_effect")
    if nearest is None or nearest == 0:
        return []
    sides = [abs(nearest), -abs(nearest)] if scale in _SYMMETRIC else [nearest]
    return [v for v in (on_scale(side, scale) for side in sides) if v is not None]


def _could_have_seen(values: list[float], scale: str | None) -> str | None:
    """Return 'could have seen HR >= 2.90 or <= 0.34'."""
    if not values:
        return None
    ratios = is_ratio(scale)
    none = 1.0 if ratios else 0.0
    parts = [f"{'≥' if v > none else '≤'} {effect(v, is_ratio=ratios)}" for v in values]
    return f"could have seen {SCALES_SHORT[str(scale)]} {' or '.join(parts)}"


def flags(row: dict[str, Any], crude: dict[str, Any] | None) -> list[str]:
    """Return what to beware of in a row, shortest words first needed.

    Parameters
    ----------
    row : dict
        As above.
    crude : dict, optional
        The crude row of the same question, whose restricted mean difference helps where hazards are not proportional.
    """
    out = []
    p = row["assumption_p"]
    if p is not None and p < LEVEL:
        if row["assumption"] == "proportional hazards":
            out.append(f"hazards not proportional, p {p_value(p)}: {_restricted_mean(row, crude)}")
        else:
            out.append(f"{str(row['assumption']).replace('proportional odds', 'odds')} not proportional, p {p_value(p)}")
    if row["separated"]:
        out.append("empty cell: without a penalty the estimate is 0 or infinite")
    least = row["p_value_minimum"]
    if row["p_value"] is not None and least is not None and least > LEVEL:
        out.append(f"cannot reach 5 %: least p {p_value(least)}")
    if row["gate_open"] is not None and not row["gate_open"]:
        out.append("not confirmatory: an endpoint before it in the plan's order has no finding")
    return out


def _restricted_mean(row: dict[str, Any], crude: dict[str, Any] | None) -> str:
    for source, said in ((row, ""), (crude, "crude ")):
        if source is not None and source["rmst_days"] is not None:
            days = signed(source["rmst_days"])
            inside = bounds(source["rmst_ci_low_days"], source["rmst_ci_high_days"], is_ratio=False)
            return f"{said}restricted mean difference {days} days ({inside}) up to day {source['rmst_tau_days']:,.0f}"
    return "the ratio is an average over follow-up"
