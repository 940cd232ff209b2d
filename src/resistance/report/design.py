"""Names of things -> the colours, dashes and shapes that every figure gives them (colour-blind safe, few)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

INK = "#1b2530"
MUTED = "#5b6774"
RULE = "#d5dbe1"
PALE = "#e6eaee"
ACCENT = "#0b4f6c"
ADJUSTED = "#c2571a"

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

#: Okabe & Ito's palette without yellow (too pale for lines on white), reordered so that the first pair differs most
SERIES = ("#0072b2", "#d55e00", "#009e73", "#882255", "#56b4e9", "#8a6d00", "#44505c", "#cc79a7")
DASHES: tuple[tuple[int, ...], ...] = ((10, 0), (6, 3), (2, 2), (8, 3, 2, 3), (10, 0), (6, 3), (2, 2), (8, 3, 2, 3))

#: words of the clinic that keep their colour in every report
FIXED = {
    "ABC": "#d55e00",
    "non-GCB": "#d55e00",
    "GCB": "#0072b2",
    "UNCLASSIFIED": "#75808c",
    "CR": "#00664b",
    "PR": "#56b08f",
    "SD": "#d9c68c",
    "PD": "#a3485b",
    "NR": "#a3485b",
    "Responder": "#00664b",
    "Non-responder": "#a3485b",
}
UNKNOWN = "#ffffff"

#: order in which response words are read, best first
RESPONSE_ORDER = ("sCR", "CR", "VGPR", "PR", "MR", "SD", "NR", "PD")


def colours(levels: Iterable[str], avoid: Iterable[str] = ()) -> dict[str, str]:
    """Give each level a colour: the clinic's fixed ones, then the series in the order of `levels`.

    Colours of `avoid` (another track's) come last, so that one colour means one thing in a figure
    as long as there are enough of them.
    """
    names, others_have = list(levels), set(avoid)
    taken = {FIXED[name] for name in names if name in FIXED}
    free = [c for c in SERIES if c not in taken and c not in others_have]
    free += [c for c in SERIES if c not in taken and c not in free]
    out: dict[str, str] = {}
    others = 0
    for name in names:
        if name in FIXED:
            out[name] = FIXED[name]
        else:
            out[name] = free[others % len(free)]
            others += 1
    return out


def series(names: Sequence[str]) -> list[str]:
    """Give each curve of a figure a colour by its place."""
    return [SERIES[i % len(SERIES)] for i in range(len(names))]


def is_dark(colour: str) -> bool:
    """Say whether white letters read better than black on `colour` (relative luminance, WCAG 2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] < 0.35
