"""resistance: markers of resistance to IMiDs in lymphoma and myeloma, from a cohort's files to a report.

The public names below load what they need when they are first used, so that ``import resistance``
and the command line stay fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Cohort": "resistance.cohort",
    "CohortFile": "resistance.config",
    "InputError": "resistance.errors",
    "ResistanceError": "resistance.errors",
    "Variant": "resistance.variant",
    "answer": "resistance.associate",
    "build_matrix": "resistance.matrix",
    "classify_all": "resistance.subtype.classify",
    "find_emergence": "resistance.ctdna.emergence",
    "load": "resistance.config",
    "load_genes": "resistance.knowledge",
    "load_markers": "resistance.knowledge",
    "make_plan": "resistance.associate",
    "molecular_response": "resistance.ctdna.response",
    "quantify": "resistance.ctdna.quantity",
    "simulate": "resistance.simulate",
}

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'resistance' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
