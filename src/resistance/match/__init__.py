"""Matching of markers: one module per family of evidence; :data:`MATCHERS` says which function answers which kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from resistance.match.course import match_ctdna, match_exposure
from resistance.match.levels import match_expression, match_ihc, match_score, match_serum, match_splice, match_subtype
from resistance.match.mutation import match_mutation
from resistance.match.states import Question, States, Tables
from resistance.match.structure import match_copy_number, match_cytogenetics, match_fusion

#: kind of evidence -> its matcher
MATCHERS: Mapping[str, Callable[[Question, Tables], States]] = {
    "mutation": match_mutation,
    "copy_number": match_copy_number,
    "fusion": match_fusion,
    "cytogenetics": match_cytogenetics,
    "expression": match_expression,
    "ihc": match_ihc,
    "subtype": match_subtype,
    "splice": match_splice,
    "serum": match_serum,
    "score": match_score,
    "exposure": match_exposure,
    "ctdna": match_ctdna,
}


def match(question: Question, tables: Tables) -> States:
    """Return the states of one marker over all units."""
    return MATCHERS[question.kind](question, tables)
