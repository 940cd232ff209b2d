"""A marker rule as text (``truncating``, ``residue:W386|residue:H378``) -> a checked :class:`Rule`.

The vocabulary is closed: what is not listed in :data:`VOCABULARY` is refused.  A rule is one or more
alternatives joined by ``|``; within an alternative every term joined by ``&`` must hold for the same
call.  The grammar's specification is the table ``tests/cases/rules.tsv``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from resistance.consequences import PROTEIN_CHANGING
from resistance.errors import InputError
from resistance.variant import refusal, trim

#: the twenty amino acids, one letter each
AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_EVENT = re.compile(r"[A-Za-z0-9(][A-Za-z0-9().;,+-]*")
_CHANGE = re.compile(rf"[{AMINO_ACIDS}][1-9]\d*(?:[{AMINO_ACIDS}*]|fs(?:\*\d*)?|del|dup)")
_ALLELE = re.compile(r"GRCh3[78]:(?:[1-9]|1\d|2[0-2]|X|Y|MT):([1-9]\d*):([ACGT]+|-)>([ACGT]+|-)")


@dataclass(frozen=True)
class _Entry:
    """How one word of the vocabulary is written and which kinds of evidence it speaks about."""

    kinds: tuple[str, ...]
    form: str
    argument: str = "none"
    alone: bool = False


#: word -> how it is written, and the kinds of evidence it can match
VOCABULARY: Mapping[str, _Entry] = MappingProxyType(
    {
        "any": _Entry(("mutation", "fusion"), "any", alone=True),
        "nonsilent": _Entry(("mutation",), "nonsilent"),
        **{name: _Entry(("mutation",), name) for name in PROTEIN_CHANGING if name != "splice"},
        "residue": _Entry(("mutation",), "residue:W386", "residue"),
        "residue_range": _Entry(("mutation",), "residue_range:130-449", "range"),
        "change": _Entry(("mutation",), "change:L265P", "change"),
        "allele": _Entry(("mutation",), "allele:GRCh37:3:38182641:T>C", "allele"),
        "domain": _Entry(("mutation",), "domain:thalidomide_binding", "word"),
        "multi_hit": _Entry(("mutation",), "multi_hit", alone=True),
        "mono_allelic": _Entry(("mutation",), "mono_allelic", alone=True),
        "splice": _Entry(("mutation", "splice"), "splice (mutation) or splice:exon10:0.4 (transcript)", "exon"),
        "loss": _Entry(("copy_number",), "loss"),
        "deep_loss": _Entry(("copy_number",), "deep_loss"),
        "gain": _Entry(("copy_number",), "gain"),
        "amplification": _Entry(("copy_number",), "amplification"),
        "cnloh": _Entry(("copy_number",), "cnloh"),
        "fusion": _Entry(("fusion",), "fusion or fusion:IGH", "partner"),
        "above": _Entry(("expression", "ihc", "serum"), "above:quantile:0.75 or above:absolute:30", "threshold", alone=True),
        "below": _Entry(("expression", "ihc", "serum"), "below:quantile:0.25 or below:absolute:30", "threshold", alone=True),
        "score": _Entry(("score",), "score:nk_signature:above:quantile:0.5", "score", alone=True),
        "positive": _Entry(("ihc",), "positive", alone=True),
        "negative": _Entry(("ihc",), "negative", alone=True),
        "subtype": _Entry(("subtype",), "subtype:non-GCB", "word"),
        "event": _Entry(("cytogenetics",), "event:del(17p)", "event"),
        "prior": _Entry(("exposure",), "prior:lenalidomide", "drug", alone=True),
        "since": _Entry(("exposure",), "since:lenalidomide:18 (months)", "interval", alone=True),
        "ctdna": _Entry(("ctdna",), "ctdna:detected, undetected, cleared, molecular_response or emergent", "ctdna", alone=True),
    }
)

#: what a rule can ask of ctDNA
CTDNA_WORDS = ("detected", "undetected", "cleared", "molecular_response", "emergent")

#: terms that put a call into a class; a call has one class
_CLASSES = frozenset(PROTEIN_CHANGING)


@dataclass(frozen=True)
class Term:
    """One word of a rule with its argument.

    Parameters
    ----------
    name : str
        A key of :data:`VOCABULARY`.
    word : str, optional
        residue: the amino acid; change: the protein change; allele: the variant on its build
        (``GRCh37:3:38182641:T>C``, 1-based, trimmed, '-' for nothing); domain, subtype, event, fusion, score:
        the name; prior, since: the drug; ctdna: one of :data:`CTDNA_WORDS`.
    first, last : int, optional
        residue and residue_range: residues, 1-based, both included; splice: the exon (first).
    number : float, optional
        above, below, score: the quantile (0..1, both excluded) or the value; splice: the least
        fraction of the gene's transcript (0..1); since: months.
    side, basis : str, optional
        above, below, score: ``above`` or ``below`` (the limit belongs to that side), and
        ``quantile`` or ``absolute``.
    """

    name: str
    word: str | None = None
    first: int | None = None
    last: int | None = None
    number: float | None = None
    side: str | None = None
    basis: str | None = None

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of evidence the term can match."""
        if self.name == "splice":
            return frozenset({"mutation"} if self.first is None else {"splice"})
        return frozenset(VOCABULARY[self.name].kinds)


@dataclass(frozen=True)
class Rule:
    """A parsed rule.

    Parameters
    ----------
    text : str
        The rule without spaces.
    alternatives : tuple of tuple of Term
        The rule matches where every term of at least one alternative holds.
    kinds : frozenset of str
        Kinds of evidence the whole rule can match (never empty).
    """

    text: str
    alternatives: tuple[tuple[Term, ...], ...]
    kinds: frozenset[str]

    @property
    def terms(self) -> tuple[Term, ...]:
        """All terms, in the order they are written."""
        return tuple(term for alternative in self.alternatives for term in alternative)

    def is_single(self, *names: str) -> bool:
        """Return whether the rule is one term with one of these names."""
        return len(self.terms) == 1 and self.terms[0].name in names


def parse_rule(text: str) -> Rule:
    """Parse one rule of the closed vocabulary.

    Parameters
    ----------
    text : str
        For instance ``"residue:Q146|residue:Q147"``; spaces around the parts do not matter.

    Returns
    -------
    Rule

    Raises
    ------
    InputError
        An unknown word, a missing or impossible argument, or terms that can never hold together;
        the message names the part and how it is written.

    Examples
    --------
    >>> parse_rule("below:quantile:0.25").terms[0].number
    0.25
    """
    parts = [[part.strip() for part in alternative.split("&")] for alternative in text.split("|")]
    if any(not part for alternative in parts for part in alternative):
        raise InputError(
            "the rule is empty" if not text.strip() else "a part of the rule is empty",
            value=text,
            remedy="Join words with one '|' (either) or '&' (both).",
        )
    alternatives = tuple(tuple(_term(part) for part in alternative) for alternative in parts)
    terms = [term for alternative in alternatives for term in alternative]
    _refuse_nonsense(text, alternatives)
    kinds = frozenset.intersection(*(term.kinds for term in terms))
    if not kinds:
        raise InputError(
            f"the rule mixes kinds of evidence ({', '.join(sorted({k for term in terms for k in term.kinds}))})",
            value=text,
            remedy="Write one row per kind of evidence.",
        )
    return Rule("|".join("&".join(alternative) for alternative in parts), alternatives, kinds)


def _refuse_nonsense(text: str, alternatives: tuple[tuple[Term, ...], ...]) -> None:
    terms = [term for alternative in alternatives for term in alternative]
    for term in terms:
        if VOCABULARY[term.name].alone and len(terms) > 1:
            raise InputError(f"'{term.name}' stands alone in a rule", value=text, remedy="Write a row of its own for it.")
    if len(set(terms)) < len(terms) and len(alternatives) == len(terms):
        raise InputError("the rule names the same term twice", value=text)
    for alternative in alternatives:
        classes = {term.name for term in alternative} & _CLASSES
        if len(classes) > 1:
            raise InputError(
                f"no call is {' and '.join(sorted(classes))} at once", value=text, remedy="Use '|' if either is meant."
            )


def _term(part: str) -> Term:
    name, _, argument = part.partition(":")
    if name not in VOCABULARY:
        close = difflib.get_close_matches(name, list(VOCABULARY), 1)
        raise InputError(
            f"'{name}' is not a word of the rule vocabulary",
            value=part,
            remedy=f"Did you mean '{close[0]}'?" if close else f"Known: {', '.join(VOCABULARY)}.",
        )
    entry = VOCABULARY[name]
    if entry.argument == "none":
        if ":" in part:
            raise InputError(f"'{name}' takes no argument", value=part, remedy=f"Write {entry.form}.")
        return Term(name)
    if ":" not in part and entry.argument in ("exon", "partner"):
        return Term(name)
    term = _ARGUMENTS[entry.argument](name, argument)
    if term is None:
        raise InputError(f"'{name}' is not written like this", value=part, remedy=f"Write {entry.form}.")
    return term


def _residue(name: str, argument: str) -> Term | None:
    if not re.fullmatch(rf"[{AMINO_ACIDS}][1-9]\d*", argument):
        return None
    return Term(name, argument[0], int(argument[1:]), int(argument[1:]))


def _range(name: str, argument: str) -> Term | None:
    found = re.fullmatch(r"([1-9]\d*)-([1-9]\d*)", argument)
    if not found or int(found[1]) > int(found[2]):
        return None
    return Term(name, None, int(found[1]), int(found[2]))


def _change(name: str, argument: str) -> Term | None:
    return Term(name, argument) if _CHANGE.fullmatch(argument) else None


def _allele(name: str, argument: str) -> Term | None:
    found = _ALLELE.fullmatch(argument)
    if found is None or refusal(found[2], found[3]) is not None:
        return None
    written = int(found[1]), found[2], found[3]
    # calls are trimmed, and so must be what is compared with them
    return Term(name, argument) if "-" in written or trim(*written) == written else None


def _word(name: str, argument: str) -> Term | None:
    return Term(name, argument) if _WORD.fullmatch(argument) else None


def _event(name: str, argument: str) -> Term | None:
    return Term(name, argument) if _EVENT.fullmatch(argument) else None


def _exon(name: str, argument: str) -> Term | None:
    found = re.fullmatch(r"exon([1-9]\d*):(0?\.\d+|1|1\.0*)", argument)
    if not found or float(found[2]) == 0:
        return None
    return Term(name, None, int(found[1]), number=float(found[2]))


def _threshold(name: str, argument: str) -> Term | None:
    found = re.fullmatch(r"(quantile|absolute):(-?\d+(?:\.\d+)?)", argument)
    if not found:
        return None
    number = float(found[2])
    if found[1] == "quantile" and not 0 < number < 1:
        return None
    return Term(name, number=number, side=name, basis=found[1])


def _score(name: str, argument: str) -> Term | None:
    word, _, limit = argument.partition(":")
    side, _, rest = limit.partition(":")
    if side not in ("above", "below") or not _WORD.fullmatch(word):
        return None
    found = _threshold(side, rest)
    return None if found is None else replace(found, name=name, word=word)


def _interval(name: str, argument: str) -> Term | None:
    drug, _, months = argument.rpartition(":")
    if not _WORD.fullmatch(drug) or not re.fullmatch(r"\d+(?:\.\d+)?", months) or float(months) == 0:
        return None
    return Term(name, drug, number=float(months))


def _ctdna(name: str, argument: str) -> Term | None:
    return Term(name, argument) if argument in CTDNA_WORDS else None


_ARGUMENTS = {
    "residue": _residue,
    "range": _range,
    "change": _change,
    "allele": _allele,
    "word": _word,
    "partner": _word,
    "event": _event,
    "exon": _exon,
    "threshold": _threshold,
    "score": _score,
    "drug": _word,
    "interval": _interval,
    "ctdna": _ctdna,
}
