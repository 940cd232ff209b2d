"""``resources/signatures/expression_*`` -> published weights of expression, and gene-set scores."""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from resistance.errors import KnowledgeError
from resistance.resources import resource_path

SIGNATURES, WEIGHTS = "signatures/expression_signatures.tsv", "signatures/expression_weights.tsv"
SCORE_TABLE, SCORE_GENES = "signatures/expression_scores.tsv", "signatures/expression_score_genes.tsv"
#: library size of the reference sample (gneSeqCOO 1.1.0)
REFERENCE_LIBRARY = 28576224.09963768
#: cohort_z: each gene standardised within the cohort; ln_cpm_reference: natural log of (count + 1) per million, against the reference
SCALES = ("cohort_z", "ln_cpm_reference")
SCORE_SCALES = ("z", "mean_log2")
_INTERCEPT = "(Intercept)"


@dataclass(frozen=True)
class Published:
    """A published linear score of expression.

    Parameters
    ----------
    name : str
    weights : mapping of str to float
        Current symbol -> weight.
    constant : float
    classes : tuple of str
        The class of high scores, and of low scores.
    scale : str
        One of :data:`SCALES`: what is weighted.
    above, up_to : float or None
        Called high above the first, low up to the second; None where no cut-offs are published.
    source, licence, note : str
    verified : bool
    """

    name: str
    weights: Mapping[str, float]
    constant: float
    classes: tuple[str, str]
    scale: str
    above: float | None
    up_to: float | None
    source: str
    licence: str
    verified: bool
    note: str


@dataclass(frozen=True)
class GeneScore:
    """A score of expression that is no class.

    Parameters
    ----------
    name, title, mechanism : str
    weights : mapping of str to float
        Symbol -> weight (1 in a plain list).
    scale : {'z', 'mean_log2'}
        Combined z-score within the cohort, or the mean log2 expression of the genes.
    source, licence, note : str
    verified : bool
        The list was read in its source.
    """

    name: str
    title: str
    mechanism: str
    weights: Mapping[str, float]
    scale: str
    source: str
    licence: str
    verified: bool
    note: str


@functools.cache
def load_published() -> Mapping[str, Published]:
    """Load the published linear scores: name -> :class:`Published`.

    Raises
    ------
    KnowledgeError
        A gene that stands twice, an unknown scale, a score without genes.
    """
    weights = _weights(WEIGHTS, "signature")
    out = {}
    for line, row in _rows(SIGNATURES):
        name = row["signature"]
        if name not in weights or row["scale"] not in SCALES:
            raise KnowledgeError(f"{SIGNATURES}: row {line}: {name} needs weights and a scale of {', '.join(SCALES)}")
        of = dict(weights[name])
        constant = of.pop(_INTERCEPT, 0.0)
        out[name] = Published(
            name, MappingProxyType(of), constant, (row["class_high"], row["class_low"]), row["scale"], _number(row["above"]),
            _number(row["up_to"]), row["source"], row["licence"], row["verified"] == "true", row["note"],
        )  # fmt: skip
    return MappingProxyType(out)


@functools.cache
def load_scores() -> Mapping[str, GeneScore]:
    """Load the gene-set scores: name -> :class:`GeneScore` (see :func:`load_published`)."""
    weights = _weights(SCORE_GENES, "score")
    out = {}
    for line, row in _rows(SCORE_TABLE):
        name = row["score"]
        if name not in weights or row["scale"] not in SCORE_SCALES:
            raise KnowledgeError(f"{SCORE_TABLE}: row {line}: {name} needs genes and a scale of {', '.join(SCORE_SCALES)}")
        out[name] = GeneScore(
            name, row["title"], row["mechanism"], MappingProxyType(weights[name]), row["scale"], row["source"], row["licence"],
            row["verified"] == "true", "" if row["note"] == "NA" else row["note"],
        )  # fmt: skip
    return MappingProxyType(out)


def _weights(table: str, key: str) -> dict[str, dict[str, float]]:
    out: dict[str, dict[str, float]] = {}
    for line, row in _rows(table):
        of = out.setdefault(row[key], {})
        if row["gene"] in of:
            raise KnowledgeError(f"{table}: row {line}: {row['gene']} stands twice in {row[key]}")
        of[row["gene"]] = float(row["weight"])
    return out


def _number(text: str) -> float | None:
    return None if text in ("", "NA") else float(text)


def _rows(table: str) -> Iterator[tuple[int, dict[str, str]]]:
    with resource_path(table).open(encoding="utf-8", newline="") as lines:
        yield from enumerate(csv.DictReader(lines, delimiter="\t"), start=2)
