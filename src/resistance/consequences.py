"""Anybody's word for what a variant does -> Sequence Ontology terms, the class marker rules use, severity.

The words stand in ``resources/consequences.tsv``, one row per word and dialect.
"""

from __future__ import annotations

import csv
import difflib
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from resistance.errors import KnowledgeError
from resistance.resources import resource_path

#: effect classes from most to least severe: which of two transcripts' effects is shown
SEVERITY = (
    "truncating",
    "splice",
    "start_lost",
    "stop_lost",
    "inframe_indel",
    "missense",
    "synonymous",
    "noncoding",
    "other",
)
#: classes that change the protein; silent, non-coding and unclassified ones are not among them
PROTEIN_CHANGING = ("truncating", "splice", "missense", "inframe_indel", "start_lost", "stop_lost")
IMPACTS = ("HIGH", "MODERATE", "LOW", "MODIFIER")
TABLE = "consequences.tsv"


@dataclass(frozen=True)
class Word:
    """One word of one dialect.

    Parameters
    ----------
    term : str
        The word as files write it.
    so_term : str
        Sequence Ontology term it stands for.
    effect_class : str
        One of :data:`SEVERITY`.
    impact : str
        One of :data:`IMPACTS`.
    rank : int
        Severity of the term, 1 = most severe.
    event_kind : str or None
        'ITD', 'PTD' or 'fusion' where the word names a structural event.
    """

    term: str
    so_term: str
    effect_class: str
    impact: str
    rank: int
    event_kind: str | None


@dataclass(frozen=True)
class Meaning:
    """What a cell of one or several words means.

    Parameters
    ----------
    consequence : str
        Sequence Ontology terms, most severe first, joined by '&'.
    effect_class, impact, rank
        Of the most severe term that is coding, else of the most severe term.
    event_kind : str or None
        As in :class:`Word`.
    unknown : tuple of str
        Words that the table does not have; the rest is then not to be used.
    """

    consequence: str
    effect_class: str
    impact: str
    rank: int
    event_kind: str | None
    unknown: tuple[str, ...] = ()


@functools.cache
def words() -> Mapping[str, Word]:
    """Return every known word by its lower-case spelling.

    Raises
    ------
    KnowledgeError
        The table has a word twice, or a class or impact that does not exist.
    """
    found: dict[str, Word] = {}
    with resource_path(TABLE).open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE), start=2):
            key = row["term"].lower()
            if key in found:
                raise KnowledgeError(f"resources/{TABLE}, row {line}: the word '{row['term']}' stands twice.")
            if row["effect_class"] not in SEVERITY or row["impact"] not in IMPACTS:
                raise KnowledgeError(f"resources/{TABLE}, row {line}: unknown class or impact of '{row['term']}'.")
            found[key] = Word(
                row["term"], row["so_term"], row["effect_class"], row["impact"], int(row["rank"]), row["event_kind"] or None
            )
    return MappingProxyType(found)


@functools.lru_cache(maxsize=65536)
def meaning(text: str) -> Meaning:
    """Return what a consequence or classification cell means.

    Parameters
    ----------
    text : str
        One word, or several joined by '&', ',' or ';' (case does not matter).

    Returns
    -------
    Meaning

    Examples
    --------
    >>> meaning("Frame_Shift_Del").effect_class
    'truncating'
    >>> meaning("synonymous_variant,splice_region_variant").effect_class
    'synonymous'
    """
    table = words()
    whole = table.get(text.strip().lower())
    parts = [text] if whole else [part for part in re.split(r"[&,;]", text) if part.strip()]
    known = [table.get(part.strip().lower()) for part in parts]
    unknown = tuple(part.strip() for part, word in zip(parts, known, strict=True) if word is None)
    found = sorted((word for word in known if word is not None), key=lambda word: (word.rank, word.so_term))
    if unknown or not found:
        return Meaning("", "other", "MODIFIER", len(table), None, unknown or (text,))
    # a splice-region change in an exon is what its coding term says; alone it is in an intron
    first = next((word for word in found if word.effect_class not in ("noncoding", "other")), found[0])
    terms = list(dict.fromkeys(word.so_term for word in found))
    event = next((word.event_kind for word in found if word.event_kind), None)
    return Meaning("&".join(terms), first.effect_class, first.impact, first.rank, event)


def nearest(word: str) -> str | None:
    """Return the known word that looks most like `word`, if any does."""
    close = difflib.get_close_matches(word.lower(), list(words()), 1, 0.6)
    return words()[close[0]].term if close else None
