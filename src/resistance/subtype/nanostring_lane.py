"""Counts of the controls and the attributes of lanes -> what is wrong with a lane, as nSolver judges it: flags of a call, no refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

#: nSolver's defaults (nCounter QC flags): least share of the fields of view that were counted
MIN_FIELDS = 0.75
#: instrument -> binding density (codes per square micron) between which codes are told apart
DENSITY = {"MAX or FLEX": (0.05, 2.25), "SPRINT": (0.1, 1.8)}
#: least R squared of log2 counts of the positive controls on their log2 concentrations
MIN_R2 = 0.95
#: POS_E lies at least so many standard deviations of the negative controls above their mean
LIMIT_SDS = 2.0
#: fM of the positive controls that take part; POS_F (0.125 fM) lies below the limit of detection
CONCENTRATIONS = {"A": 128.0, "B": 32.0, "C": 8.0, "D": 2.0, "E": 0.5}
_CONTROL = re.compile(r"(POS|NEG)_([A-H])(?:\(.*\))?", re.IGNORECASE)
#: fifth character of a scanner's serial number -> instrument
_SCANNERS = dict.fromkeys("ABCDGH", "MAX or FLEX") | {"P": "SPRINT"}


@dataclass(frozen=True)
class Lane:
    """What is known about a lane.

    Parameters
    ----------
    flags : tuple of str
        lane_fields_of_view, lane_binding_density, lane_linearity, lane_limit_of_detection: those that are failed.
    words : tuple of str
        Each with its number and the limit.
    open : tuple of str
        What could not be judged.
    """

    flags: tuple[str, ...]
    words: tuple[str, ...]
    open: tuple[str, ...]

    def in_words(self) -> str:
        """Return what a call's reason says about the lane, '' where everything was judged and is in order."""
        wrong = f"; lane: {', '.join(self.words)}" if self.words else ""
        return wrong + (f"; lane not judged: {', '.join(self.open)}" if self.open else "")


def instrument(scanner_id: str | None) -> str | None:
    """Return the instrument that a scanner's serial number names, None where it does not.

    Examples
    --------
    >>> instrument("1207C0049"), instrument("1601P0122"), instrument("lab 2")
    ('MAX or FLEX', 'SPRINT', None)
    """
    serial = "" if scanner_id is None or scanner_id != scanner_id else str(scanner_id)
    return _SCANNERS.get(serial[4].upper()) if re.match(r"\d{4}[A-Za-z]\d", serial) else None


def judge_lanes(counts: pd.DataFrame, lanes: pd.DataFrame | None = None) -> dict[str, Lane]:
    """Judge every lane.

    Parameters
    ----------
    counts : DataFrame
        Codes (index) x samples, raw counts with the controls POS_A .. and NEG_A ..; NaN: not known.
    lanes : DataFrame, optional
        Schema ``nanostring_lanes``; a sample without a row has no known attributes.

    Returns
    -------
    dict of str to Lane
        Sample -> its lane.  What is not known, or contradicts itself, is not judged: it is neither in order nor flagged.

    Notes
    -----
    Limits are nSolver's defaults ("nCounter QC flags" of the vendor's knowledge base, as in the R packages NACHO and
    NanoStringNCTools): 75 % of the fields of view; binding density 0.05 to 2.25 on MAX and FLEX, 0.1 to 1.8 on SPRINT; R squared
    .95 of log2(count + 1) on log2(fM) over POS_A to POS_E; POS_E at the mean of the negative controls and two standard deviations.
    Where the serial number does not name the instrument, a density is judged where both ranges agree.
    """
    controls: dict[tuple[str, str], str] = {}
    for code in counts.index:
        found = _CONTROL.fullmatch(str(code).strip())
        if found is not None:
            controls.setdefault((found.group(1).upper(), found.group(2).upper()), code)
    stated = {} if lanes is None or lanes.empty else {row["sample_id"]: row for row in lanes.to_dict("records")}
    positive = {letter: code for (kind, letter), code in controls.items() if kind == "POS" and letter in CONCENTRATIONS}
    negative = [code for (kind, _), code in sorted(controls.items()) if kind == "NEG"]
    values = counts.loc[[*positive.values(), *negative]].to_dict() if controls else {}
    return {
        str(sample): _judge(stated.get(str(sample), {}), values.get(sample, {}), positive, negative) for sample in counts.columns
    }


def add_lanes(rows: list[dict[str, Any]], lanes: Mapping[str, Lane]) -> list[dict[str, Any]]:
    """Return rows of calls with the flags and words of their lanes; a row without a score, for want of counts, stays as it is."""
    out = []
    for row in rows:
        lane = lanes.get(str(row["sample_id"]))
        if lane is None or row.get("probabilities") is None:
            out.append(row)
            continue
        flags = [*([row["flags"]] if row.get("flags") else []), *lane.flags]
        out.append(row | {"flags": ";".join(flags) or None, "reason": row["reason"] + lane.in_words()})
    return out


def _judge(stated: Mapping[str, Any], counts: Mapping[Any, float], positive: Mapping[str, str], negative: list[str]) -> Lane:
    flags, words, unknown = [], [], []
    for flag, found in (
        ("lane_fields_of_view", _fields(stated)),
        ("lane_binding_density", _density(stated)),
        ("lane_linearity", _linearity(counts, positive)),
        ("lane_limit_of_detection", _limit(counts, positive, negative)),
    ):
        if found is None:
            unknown.append(flag.removeprefix("lane_").replace("_", " "))
        elif found:
            flags.append(flag)
            words.append(found)
    return Lane(tuple(flags), tuple(words), tuple(unknown))


def _known(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def _fields(stated: Mapping[str, Any]) -> str | None:
    """Return what is wrong, '' where nothing is, None where it cannot be told (as the following)."""
    total, counted = _known(stated.get("fov_count")), _known(stated.get("fov_counted"))
    if total is None or counted is None or total <= 0 or counted > total:
        return None
    share = counted / total
    return f"{share:.0%} of the fields of view counted, at least {MIN_FIELDS:.0%} are needed" if share < MIN_FIELDS else ""


def _density(stated: Mapping[str, Any]) -> str | None:
    density = _known(stated.get("binding_density"))
    if density is None:
        return None
    scanner = instrument(stated.get("scanner_id"))
    ranges = {name: span for name, span in DENSITY.items() if scanner in (None, name)}
    outside = [not low <= density <= high for low, high in ranges.values()]
    if any(outside) != all(outside):
        return None
    if not outside[0]:
        return ""
    wanted = " or ".join(f"{low:g} to {high:g} on {name}" for name, (low, high) in ranges.items())
    return f"binding density {density:g}, {wanted} is expected"


def _linearity(counts: Mapping[Any, float], positive: Mapping[str, str]) -> str | None:
    import numpy as np

    if len(positive) < len(CONCENTRATIONS):
        return None
    x = np.log2([CONCENTRATIONS[letter] for letter in positive])
    y = np.log2(np.array([counts[code] for code in positive.values()], dtype=float) + 1)
    if np.isnan(y).any():
        return None
    # counts that are all the same follow no concentration
    r2 = 0.0 if np.ptp(y) == 0 else float(np.corrcoef(x, y)[0, 1] ** 2)
    return f"positive controls with R squared {r2:.3f}, at least {MIN_R2:g} is needed" if r2 < MIN_R2 else ""


def _limit(counts: Mapping[Any, float], positive: Mapping[str, str], negative: list[str]) -> str | None:
    import numpy as np

    noise = np.array([counts[code] for code in negative], dtype=float)
    noise = noise[~np.isnan(noise)]
    lowest = _known(counts.get(positive.get("E", "")))
    if lowest is None or noise.size < 2:
        return None
    limit = float(noise.mean() + LIMIT_SDS * noise.std(ddof=1))
    return f"POS_E {lowest:g} below the limit of detection {limit:.3g}" if lowest < limit else ""
