"""``resources/signatures`` -> the published NanoString signatures: coefficients, class means, cut-offs, each with its source."""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from resistance.errors import KnowledgeError
from resistance.resources import resource_path

COEFFICIENTS, CLASSES = "signatures/nanostring_coefficients.tsv", "signatures/nanostring_classes.tsv"
#: what a score is a weighted sum of
SCALES = ("log2_count", "log2_per_1000_housekeeping")


@dataclass(frozen=True)
class Signature:
    """A published linear score of two classes.

    Parameters
    ----------
    name : str
    coefficients : mapping of str to float
        Current symbol -> coefficient, the housekeeping genes of the score among them.
    housekeeping : tuple of str
        Genes of the score that normalise it; their coefficients make all add up to 0, so that a
        sample with twice the counts has the same score.
    classes : tuple of str
        The class with the higher scores first.
    means, sds : tuple of float
        Of the score, by class.
    call_at : float
        Probability from which a class is called.
    constant : float
        Added to the weighted sum.
    scale : {'log2_count', 'log2_per_1000_housekeeping'}
        What is weighted: log2 of the count, or of the count per geometric mean of 1,000 of the 13
        housekeeping genes.
    source, licence : str
        Where the numbers are from.
    """

    name: str
    coefficients: Mapping[str, float]
    housekeeping: tuple[str, ...]
    classes: tuple[str, str]
    means: tuple[float, float]
    sds: tuple[float, float]
    call_at: float
    constant: float
    scale: str
    source: str
    licence: str

    @property
    def genes(self) -> tuple[str, ...]:
        """All genes of the score, those that tell the classes apart first."""
        return tuple(self.coefficients)


@functools.cache
def load_signatures() -> Mapping[str, Signature]:
    """Load the packaged NanoString signatures: name -> :class:`Signature`.

    Raises
    ------
    KnowledgeError
        A gene that stands twice, other than two classes, an unknown scale.
    """
    coefficients: dict[str, dict[str, float]] = {}
    housekeeping: dict[str, list[str]] = {}
    for line, row in _rows(COEFFICIENTS):
        of = coefficients.setdefault(row["signature"], {})
        if row["gene"] in of:
            raise KnowledgeError(f"{COEFFICIENTS}: row {line}: {row['gene']} stands twice in {row['signature']}")
        of[row["gene"]] = float(row["coefficient"])
        if row["role"] == "housekeeping":
            housekeeping.setdefault(row["signature"], []).append(row["gene"])
    classes: dict[str, list[dict[str, str]]] = {}
    for _, row in _rows(CLASSES):
        classes.setdefault(row["signature"], []).append(row)
    out = {}
    for name, rows in classes.items():
        if len(rows) != 2 or name not in coefficients or rows[0]["scale"] not in SCALES:
            raise KnowledgeError(f"{CLASSES}: {name} needs two classes, coefficients, and a scale of {', '.join(SCALES)}")
        first, second = rows
        if float(first["mean"]) <= float(second["mean"]):
            raise KnowledgeError(f"{CLASSES}: {name}: the class with the higher mean stands first")
        out[name] = Signature(
            name, MappingProxyType(coefficients[name]), tuple(housekeeping.get(name, ())),
            (first["class"], second["class"]), (float(first["mean"]), float(second["mean"])),
            (float(first["sd"]), float(second["sd"])), float(first["call_at"]), float(first["constant"]), first["scale"],
            first["source"], first["licence"],
        )  # fmt: skip
    return MappingProxyType(out)


@functools.cache
def housekeeping_genes() -> tuple[str, ...]:
    """Return the 13 housekeeping genes of the code set, by which its quality is judged."""
    return load_signatures()["dlbcl90_pmbl"].housekeeping


def _rows(table: str) -> Iterator[tuple[int, dict[str, str]]]:
    with resource_path(table).open(encoding="utf-8", newline="") as lines:
        yield from enumerate(csv.DictReader(lines, delimiter="\t"), start=2)
