"""What the matchers share: the tables they read, the question, and the states they return (arrays over units)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from resistance.match.words import joined
from resistance.rules import Rule

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.match.calls import Hits
    from resistance.match.units import Coverage, Units

NOT_ASSESSED, ABSENT, PRESENT = 0, 1, 2

NO_SAMPLE = "no sample at this time point"


@dataclass(frozen=True)
class Tables:
    """What the matchers read; the frames carry the unit of each row in ``_unit``."""

    units: Units
    hits: Hits
    coverage: Coverage
    copy_number: Mapping[str, pd.DataFrame]
    fusions: pd.DataFrame
    expression: pd.DataFrame
    ihc: Mapping[str, pd.DataFrame]
    subtypes: pd.DataFrame | None
    #: (kind, name) -> rows of the measurements table
    measurements: Mapping[tuple[str, str], pd.DataFrame] = field(default_factory=dict)
    #: treatments with the unit of the patient's baseline
    treatments: pd.DataFrame | None = None
    #: table of the ctDNA stage by name, with units
    ctdna: Mapping[str, pd.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One thing that makes a marker present, other than a call."""

    unit: int
    text: str
    sample: str | None = None
    gene: str | None = None


@dataclass(frozen=True)
class States:
    """States of one marker: arrays over units.

    ``calls`` (rows of the hits) and ``findings`` are what made units present; where both are empty
    the text of the unit says it.
    """

    code: NDArray[np.int8]
    value: NDArray[np.float64]
    evidence: NDArray[np.object_]
    calls: list[NDArray[np.intp]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def unknown(cls, units: Units, reason: str) -> States:
        """Return states that are all not assessed, for `reason` or because there is no sample."""
        evidence = np.where(units.sampled, reason, NO_SAMPLE).astype(object)
        return cls(np.zeros(units.n, dtype=np.int8), np.full(units.n, np.nan), evidence)

    def set(self, rows: NDArray[np.bool_], code: int, evidence: str) -> None:
        """Give the units in `rows` a state and its reason."""
        self.code[rows] = code
        self.evidence[rows] = evidence


@dataclass(frozen=True)
class Question:
    """A marker as the matchers see it."""

    kind: str
    genes: tuple[str, ...]
    rule: Rule


def covered(question: Question, tables: Tables, absent: str) -> States:
    """Return absent where every gene is covered for this kind of evidence, else not assessed and why."""
    units = tables.units
    out = States.unknown(units, "")
    missing = np.column_stack([~tables.coverage.of(question.kind, gene) for gene in question.genes])
    out.set(units.sampled & ~missing.any(axis=1), ABSENT, absent)
    words = question.kind.replace("_", " ")
    open_units = np.flatnonzero(units.sampled & missing.any(axis=1))
    if len(open_units):
        patterns, which = np.unique(missing[open_units], axis=0, return_inverse=True)
        reasons = [f"no {words} assay covers {_some(question.genes, pattern)}" for pattern in patterns]
        out.evidence[open_units] = np.asarray(reasons, dtype=object)[which.ravel()]
    return out


def _some(genes: Sequence[str], missing: NDArray[np.bool_]) -> str:
    names = [gene for gene, gone in zip(genes, missing, strict=True) if gone]
    if len(names) == len(genes) > 1:
        return f"any of {', '.join(names)}"
    return ", ".join(names)


def set_present(out: States, findings: Iterable[Finding]) -> None:
    """Make the units of the findings present, with their texts as evidence."""
    texts: dict[int, list[str]] = {}
    for finding in findings:
        out.findings.append(finding)
        texts.setdefault(finding.unit, []).append(finding.text)
    for unit, parts in texts.items():
        out.code[unit] = PRESENT
        out.evidence[unit] = joined(list(dict.fromkeys(parts)))
