"""What every plan consists of: a level, assumptions, rows, notes; as text or JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from resistance.errors import InputError
from resistance.planning.given import named

Adjustment = Literal["bonferroni", "fdr"]


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
        with named():
            return level_false_discovery(self.tests, self.true_effects, rate=self.alpha, power=self.power)

    def assumptions(self) -> dict[str, float | str | None]:
        """Return what the level rests on, for the head of a plan."""
        family = {"bonferroni": f"Bonferroni over {self.tests:,} tests", "fdr": f"false discovery rate over {self.tests:,} tests"}
        how = "" if self.tests == 1 else f" ({family[self.adjustment]}, {self.alpha:g} in all)"
        return {"level of each test, two-sided": f"{self.each:.3g}{how}", "wanted power": self.power}


def finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _shown(value: float | str | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.4g}"
