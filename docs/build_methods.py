"""resistance.associate.methods -> docs/methods.md: what answers which question.  Run it after a change of a method."""

from __future__ import annotations

from pathlib import Path

from resistance.associate.methods import METHODS, Method
from resistance.report.words import SCALES
from resistance.tables import write_text

PAGE = Path(__file__).with_name("methods.md")
HEAD = """\
# Methods of the associations

<!-- Written by docs/build_methods.py from resistance.associate.methods; do not edit by hand. -->

Each line is one record, in one file of `src/resistance/associate/methods/`. Of those that fit a question (kind of endpoint,
kind of model, flag or number, rare or not) the first usual one is taken; `analysis.methods` takes others by their key.
How the questions themselves come about: [Associations](association.md).

| key | endpoint | models | marker | method | test behind p | effect | reference |
|---|---|---|---|---|---|---|---|
"""


def page() -> str:
    """Return the text of the page."""
    return HEAD + "\n".join(_row(method) for method in METHODS) + "\n"


def _row(method: Method) -> str:
    marker = " or ".join(method.terms)
    if method.rare is not None:
        marker += ", rare" if method.rare else ", not rare"
    key = f"`{method.key}`" if method.usual else f"`{method.key}` (on request)"
    cells = (
        key, ", ".join(method.kinds).replace("_", " "), ", ".join(method.models).replace("_", " "), marker, method.name, method.test,
        SCALES.get(method.scale, "none"), method.reference,
    )  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    write_text(PAGE, page())
