"""Numbers -> the words and figures that stand in the report (percent, ratios and p-values are made here only)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

#: shown where a number is not known or was not asked for
NOT_KNOWN = "–"

#: stands after the name of a marker whose statement was not read in its source
UNREAD_MARK = "°"

DAYS_PER_MONTH = 365.25 / 12

#: column names of clinical tables that are read letter by letter or have a usual spelling
_SPELLED = {
    **{word: word.upper() for word in ("ipi", "ecog", "ldh", "coo", "iss", "ipss", "who", "bmi", "cns", "asct", "imid", "hma")},
    "ipssr": "IPSS-R",
    "ipssm": "IPSS-M",
    "ripi": "R-IPI",
    "riss": "R-ISS",
}

#: scale of an effect -> its name, and the short one
SCALES = {
    "log_odds_ratio": "odds ratio",
    "log_hazard_ratio": "hazard ratio",
    "log_subdistribution_hazard_ratio": "subdistribution hazard ratio",
    "difference": "difference",
    "log_ratio_of_odds_ratios": "ratio of odds ratios",
    "log_ratio_of_hazard_ratios": "ratio of hazard ratios",
    "difference_of_differences": "difference of differences",
}
SCALES_SHORT = {
    "log_odds_ratio": "OR",
    "log_hazard_ratio": "HR",
    "log_subdistribution_hazard_ratio": "sHR",
    "difference": "diff.",
    "log_ratio_of_odds_ratios": "ROR",
    "log_ratio_of_hazard_ratios": "RHR",
    "difference_of_differences": "diff. of diff.",
}
#: scales that are no logarithms: shown as they are, against 0
DIFFERENCES = ("difference", "difference_of_differences")


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: NA becomes None, floats keep six significant digits.

    Six digits are more than any reader uses and fewer than linear algebra libraries agree on, so
    that the numbers of a report compare equal between machines.
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        rounded = float(f"{value:.6g}")
        return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded
    return None


def percent(fraction: float | None, digits: int = 0) -> str:
    """Return a fraction 0..1 as percent; a share that is not 0 never reads '0 %'."""
    if fraction is None:
        return NOT_KNOWN
    # half goes up (3 of 24 is 13 %), as readers round; 1e-9 absorbs the binary fraction
    shown = f"{math.floor(100 * fraction * 10**digits + 0.5 + 1e-9) / 10**digits:.{digits}f}"
    if fraction > 0 and float(shown) == 0:
        return f"<{10**-digits:g} %"
    return f"{shown} %"


def share(part: int | None, whole: int | None) -> str:
    """Return '9 of 17 (53 %)'."""
    if part is None or not whole:
        return NOT_KNOWN
    return f"{part:,} of {whole:,} ({percent(part / whole)})"


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with so many significant digits and no needless zeros."""
    if value is None:
        return NOT_KNOWN
    if value == 0:
        return "0"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{min(places, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def ratio(value: float | None) -> str:
    """Return an odds or hazard ratio: two decimals, three below 0.1, none of either from 100."""
    if value is None:
        return NOT_KNOWN
    if value >= 1000:
        return ">1000"
    if value >= 100:
        return f"{value:.0f}"
    if value < 0.001:
        return "<0.001"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def interval(low: float | None, high: float | None) -> str:
    """Return '3.23 to 14.33' ('to', since a dash between numbers reads as minus)."""
    if low is None and high is None:
        return NOT_KNOWN
    return f"{ratio(low) if low is not None else '0'} to {ratio(high) if high is not None else '∞'}"


def signed(value: float | None) -> str:
    """Return a difference with a true minus sign, three significant digits."""
    return number(value).replace("-", "\u2212")


def effect(value: float | None, *, is_ratio: bool) -> str:
    """Return an effect on the scale on which it is read."""
    return ratio(value) if is_ratio else signed(value)


def bounds(low: float | None, high: float | None, *, is_ratio: bool) -> str:
    """Return an interval on the scale on which it is read; a side that is not known is open."""
    if is_ratio:
        return interval(low, high)
    if low is None and high is None:
        return NOT_KNOWN
    left = "\u2212∞" if low is None else signed(low)
    return f"{left} to {'∞' if high is None else signed(high)}"


def p_value(value: float | None) -> str:
    """Return a p- or q-value: two significant digits, '<0.001' below, never '0'."""
    if value is None:
        return NOT_KNOWN
    if value < 0.001:
        return "<0.001"
    if value >= 0.995:
        return "1.00"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def months(days: float | None) -> str:
    """Return days as months (of 365.25/12 days), one decimal."""
    return NOT_KNOWN if days is None else f"{days / DAYS_PER_MONTH:.1f}"


def months_reached(days: float | None) -> str:
    """Return a median in months, or that the curve (or its bound) never came down to one half."""
    return "not reached" if days is None else months(days)


def title(name: str) -> str:
    """Return a column or level name as words: ``prior_lines`` -> 'Prior lines'."""
    if name == "age_years":
        return "Age"
    words = name.removeprefix("label:").replace("_", " ").split()
    text = " ".join(_SPELLED.get(word.lower(), word) for word in words)
    return text[:1].upper() + text[1:]


def variable(name: str) -> str:
    """Return a covariate's name as it stands inside a sentence."""
    text = title(name)
    return text if text[:2].isupper() or text[1:2] == "-" else text[:1].lower() + text[1:]


def adjustment(name: str) -> str:
    """Return a covariate or stratum of the results' ``adjusted_for``: ``strata(subtype)`` -> 'subtype (as strata)'."""
    if name.startswith("strata(") and name.endswith(")"):
        return f"{enumerated(variable(part.strip()) for part in name[7:-1].split(','))} (as strata)"
    return variable(name)


def plural(n: int, one: str, many: str | None = None) -> str:
    """Return '1 patient', '1,001 patients'."""
    return f"{n:,} {one if n == 1 else (many or one + 's')}"


def enumerated(items: Iterable[str]) -> str:
    """Return 'a', 'a and b', 'a, b and c'."""
    parts = list(items)
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


FILTERS = {
    "percent": percent,
    "share": share,
    "number": number,
    "ratio": ratio,
    "interval": interval,
    "signed": signed,
    "p": p_value,
    "months": months,
    "months_reached": months_reached,
    "title_words": title,
    "variable": variable,
    "adjustment": adjustment,
    "plural": plural,
    "enumerated": enumerated,
}
