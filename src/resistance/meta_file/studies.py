"""A table of studies (effects with errors or intervals, or 2x2 counts) -> studies."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite, log, nan
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.errors import InputError, Problem
from resistance.meta_file.study import Scale, Settings, Study
from resistance.meta_file.tables import Cells, read_rows

if TYPE_CHECKING:
    pass


COUNTS = ("exposed_events", "exposed_n", "unexposed_events", "unexposed_n")


def read_studies(
    path: Path, settings: Settings, *, scale: Scale | None = None, confidence: float = 0.95, group: str = "", moderator: str = ""
) -> list[Study]:
    """Read one study a row.

    Parameters
    ----------
    path : Path
        Tab-separated, with ``study`` and either ``effect`` and ``se`` (always of the logarithm where the effect is a ratio),
        ``effect``, ``ci_low`` and ``ci_high``, or the counts of :data:`COUNTS`.
    settings : Settings
    scale : {'ratio', 'log', 'difference'}
        How ``effect`` and its interval are written; needed for effects.
    confidence : float
        Level of the intervals.
    group, moderator : str
        Columns with the group, and with a number that may explain the effect.

    Raises
    ------
    InputError
        Every cell that is wrong, together.
    """
    from statistics import NormalDist

    from resistance.stats.meta_counts import effects_of_counts

    if not 0 < confidence < 1:
        raise InputError("must lie between 0 and 1", path="--confidence", value=confidence)
    header, rows = read_rows(path)
    wanted = ["study", *([group] if group else []), *([moderator] if moderator else [])]
    with_counts = all(name in header for name in COUNTS)
    if not with_counts:
        wanted += ["effect"]
        if scale is None:
            raise InputError(
                "whether the effects are ratios, their logarithms or differences is not stated", path="--scale",
                remedy="Give --scale ratio, --scale log or --scale difference.",
            )  # fmt: skip
    missing = [name for name in wanted if name not in header]
    if not with_counts and "se" not in header:
        missing += [name for name in ("ci_low", "ci_high") if name not in header]
    if missing:
        remedy = f"One row per study: study, and effect with se or ci_low and ci_high, or {', '.join(COUNTS)}."
        raise InputError([Problem("missing column", str(path), 1, name, remedy=remedy) for name in missing])
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    problems: list[Problem] = []
    found: list[Study] = []
    for line, row in rows:
        cells = Cells(path, line, row, problems)
        name, part = row["study"], row[group] if group else ""
        if not name or (group and not part):
            problems.append(Problem("is empty", str(path), line, "study" if not name else group))
        value = cells.number(moderator) if moderator else nan
        if with_counts:
            a, n1, c, n0 = (cells.count(column) for column in COUNTS)
            for events, of, column in ((a, n1, COUNTS[0]), (c, n0, COUNTS[2])):
                if events > of:
                    problems.append(Problem(f"more events than patients ({of})", str(path), line, column, str(events)))
            found.append(Study(name, part, nan, nan, "", (a, max(0, n1 - a), c, max(0, n0 - c)), value))
            continue
        effect, se = cells.number("effect"), cells.number("se", empty=True) if "se" in header else nan
        low, high = (cells.number(c, empty=True) if c in header else nan for c in ("ci_low", "ci_high"))
        if scale == "ratio":
            for column, ratio in (("effect", effect), ("ci_low", low), ("ci_high", high)):
                if ratio <= 0:
                    problems.append(Problem("a ratio is above 0", str(path), line, column, f"{ratio:g}", "Is --scale log meant?"))
            effect, low, high = (log(v) if v > 0 else nan for v in (effect, low, high))
        if se <= 0:
            problems.append(Problem("a standard error is above 0", str(path), line, "se", f"{se:g}"))
        if low > effect or high < effect:
            problems.append(Problem("the interval does not hold the effect", str(path), line, "effect", row["effect"]))
        note = ""
        if not se > 0:
            se = (high - low) / (2 * z)
            # published ratios have two or three digits; more than that is a column that was mixed up
            if isfinite(se) and se > 0 and abs((high + low) / 2 - effect) > 0.2 * (high - low):
                note = (
                    "interval not symmetric about the effect on the log scale"
                    if scale != "difference"
                    else "interval not symmetric"
                )
            elif not se > 0:
                note = "no interval"
        found.append(Study(name, part, effect, se if se > 0 else nan, note, None, value))
    if problems:
        raise InputError(problems)
    if with_counts and found:
        own = effects_of_counts([s.counts or () for s in found], measure=settings.measure, correction=settings.correction)
        found = [
            replace(
                s, effect=float(own.effect[i]), se=float(own.se[i]),
                note=f"{settings.correction:g} added to its cells" if own.corrected[i]
                else "" if own.se[i] > 0 else "an empty cell or margin: no effect of its own",
            )
            for i, s in enumerate(found)
        ]  # fmt: skip
    return found
