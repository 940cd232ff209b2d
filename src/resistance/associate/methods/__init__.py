"""The methods that questions are answered with: one record each, which `answer` loops over.

A new method is a file with a record, and its place in this list: of those that fit a question, the
first is taken, unless the cohort file names another.
"""

from __future__ import annotations

from collections.abc import Sequence

from resistance.associate.methods import (
    best_cut,
    cox,
    fine_gray,
    firth_cox,
    firth_logistic,
    fisher,
    gray,
    interactions,
    linear,
    log_rank,
    mantel_haenszel,
    moderated,
    proportional_odds,
    unconditional,
    wilcoxon,
)
from resistance.associate.methods.record import Estimate, FamilySample, Method, Sample, too_few, too_few_of

__all__ = [
    "METHODS",
    "Estimate",
    "FamilySample",
    "Method",
    "Sample",
    "method_for",
    "method_named",
    "too_few",
    "too_few_of",
    "unknown_methods",
]

METHODS: tuple[Method, ...] = (
    fisher.METHOD,
    unconditional.MID_P,
    unconditional.BOSCHLOO,
    unconditional.BARNARD,
    mantel_haenszel.METHOD,
    firth_logistic.METHOD,
    proportional_odds.RARE,
    proportional_odds.METHOD,
    wilcoxon.METHOD,
    linear.METHOD,
    firth_cox.METHOD,
    firth_cox.PENALISED,
    cox.METHOD,
    cox.WALD,
    log_rank.METHOD,
    fine_gray.METHOD,
    gray.METHOD,
    best_cut.SURVIVAL,
    best_cut.BINARY,
    best_cut.CONTINUOUS,
    interactions.LOGISTIC,
    interactions.ORDINAL,
    interactions.LINEAR,
    interactions.FIRTH_COX,
    interactions.COX,
    interactions.COX_WALD,
    moderated.MODERATED_T,
    moderated.DESEQ2,
)


def method_for(
    kind: str,
    model: str,
    *,
    flag: bool = True,
    rare: bool = False,
    wanted: Sequence[str] = (),
    asked: str = "",
    wald: bool = False,
) -> Method | None:
    """Return the method for this kind of endpoint and model: the first that is wanted and fits, else the first usual one.

    Parameters
    ----------
    kind, model : str
        Of the endpoint; of the question.
    flag : bool
        The marker is present or not; else a number.
    rare : bool
        Too few carriers for an asymptotic test.
    wanted : sequence of str
        Keys of the cohort file; a method that is wanted there is taken for rare markers too.
    asked : str
        Kind of the question.
    wald : bool
        Take the record with Wald's interval where the method has one (`analysis.cox_interval`).
    """
    term = "flag" if flag else "number"
    fits = [m for m in METHODS if kind in m.kinds and model in m.models and term in m.terms and (not m.asked or asked in m.asked)]
    by_name = [m for key in wanted for m in fits if m.key == key]
    by_rule = [m for m in fits if m.usual and m.rare in (None, rare)]
    first = next(iter([*by_name, *by_rule]), None)
    return first if first is None or not wald else next((m for m in fits if m.key == f"{first.key}_wald"), first)


def unknown_methods(wanted: Sequence[str]) -> list[str]:
    """Return the keys of the cohort file that no method has."""
    return [key for key in wanted if key not in {m.key for m in METHODS}]


def method_named(name: str) -> Method:
    """Return the method of this name (as the plan has it)."""
    return next(m for m in METHODS if m.name == name)
