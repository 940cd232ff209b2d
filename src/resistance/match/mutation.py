"""Calls -> states of a mutation marker; a call needs a class, a residue, a change or a domain, or two hits in one gene."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from resistance.consequences import PROTEIN_CHANGING
from resistance.match.states import ABSENT, NOT_ASSESSED, PRESENT, Question, States, Tables, covered
from resistance.rules import Term

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resistance.match.calls import Hits


def match_mutation(question: Question, tables: Tables) -> States:
    """Match calls; absent where every gene is covered and no call matches."""
    hits = tables.hits
    rows = hits.rows(question.genes)
    if question.rule.is_single("multi_hit", "mono_allelic"):
        return _allelic(question, tables, rows)
    chosen = np.zeros(len(rows), dtype=bool)
    for alternative in question.rule.alternatives:
        chosen |= np.logical_and.reduce([_call_mask(term, hits, rows) for term in alternative])
    out = covered(question, tables, "covered, no matching call")
    _report_calls(out, hits, rows[chosen])
    return out


def _call_mask(term: Term, hits: Hits, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    classes = hits.effect_class[rows]
    if term.name == "any":
        return np.ones(len(rows), dtype=bool)
    if term.name == "nonsilent":
        return np.isin(classes, PROTEIN_CHANGING)
    if term.name == "allele":
        table = hits.table.iloc[rows]
        words = (
            table["build"].str.cat([table["chrom"], table["pos"].astype(str)], sep=":") + ":" + table["ref"] + ">" + table["alt"]
        )
        return np.asarray(words == term.word, dtype=bool)
    if term.name == "domain":
        return hits.domains.having(rows, lambda word: word == term.word)
    if term.name == "change":
        return np.asarray((hits.hgvsp[rows] == term.word) | _alias(hits, rows, str(term.word)), dtype=bool)
    if term.name in ("residue", "residue_range"):
        residue = hits.residue[rows]
        inside = (residue >= (term.first or 0)) & (residue <= (term.last or 0))
        if term.name == "residue_range":
            return np.asarray(inside, dtype=bool)
        # another transcript numbers differently: the amino acid must fit where the file gives it
        letter = hits.letter[rows]
        named = inside & ((letter == term.word) | (letter == ""))
        return np.asarray(named | _alias(hits, rows, f"{term.word}{term.first}", residue=True), dtype=bool)
    return np.asarray(classes == term.name, dtype=bool)


def _alias(hits: Hits, rows: NDArray[np.intp], wanted: str, *, residue: bool = False) -> NDArray[np.bool_]:
    """Return which calls have this change, or this amino acid and residue, on another transcript."""
    ends = re.compile(rf"{re.escape(wanted)}(?!\d)") if residue else re.compile(rf"{re.escape(wanted)}(?=@)")
    return hits.aliases.having(rows, lambda alias: ends.match(alias) is not None)


def _report_calls(out: States, hits: Hits, rows: NDArray[np.intp]) -> None:
    """Make the units of these calls present, with the calls as evidence and the highest VAF as value."""
    if not len(rows):
        return
    rows = rows[np.argsort(hits.unit[rows], kind="stable")]
    unit = hits.unit[rows]
    starts = np.flatnonzero(np.r_[True, unit[1:] != unit[:-1]])
    out.code[unit] = PRESENT
    out.value[unit[starts]] = np.fmax.reduceat(hits.vaf[rows], starts)
    out.evidence[unit[starts]] = hits.words(rows, starts)
    out.calls.append(rows)


def _allelic(question: Question, tables: Tables, rows: NDArray[np.intp]) -> States:
    """Return the allelic state of one gene: two variants, or one with loss or copy-neutral LOH, are multi-hit.

    Exactly one variant without any copy-number data cannot be told and is not assessed.  Variants that
    the caller phased onto one copy hit one copy.
    """
    units, hits, gene = tables.units, tables.hits, question.genes[0]
    multi = question.rule.is_single("multi_hit")
    out = covered(question, tables, "covered, no variant")
    distinct = np.unique(np.column_stack([hits.unit[rows], hits.variant[rows]]), axis=0)
    n = np.bincount(distinct[:, 0], minlength=units.n) if len(distinct) else np.zeros(units.n, dtype=np.intp)
    lost, known = np.zeros(units.n, dtype=bool), np.zeros(units.n, dtype=bool)
    loh_known = np.zeros(units.n, dtype=bool)
    table = tables.copy_number.get(gene)
    if table is not None:
        unit = table["_unit"].to_numpy(dtype=np.intp)
        loss = (table["state"] <= -1).fillna(False).to_numpy(dtype=bool)
        loh = table["loh"].fillna(False).to_numpy(dtype=bool)
        lost = units.mask(unit[loss | loh])
        known = units.mask(unit[(table["state"].notna() | table["loh"].notna()).to_numpy(dtype=bool)])
        loh_known = units.mask(unit[table["loh"].notna().to_numpy(dtype=bool)])
    _report_calls(out, hits, rows)
    calls = out.evidence.copy()
    one_copy = _on_one_copy(hits, rows, n)
    one, several = (n == 1) | one_copy, (n >= 2) & ~one_copy
    two_hits = several | (one & lost)
    single = one & known & ~lost
    out.code[two_hits] = PRESENT if multi else ABSENT
    out.code[single] = ABSENT if multi else PRESENT
    out.code[one & ~known] = NOT_ASSESSED
    endings: tuple[tuple[NDArray[np.bool_], Callable[[str], str]], ...] = (
        (several, lambda c: f"two or more variants: {c}"),
        (one & lost, lambda c: f"one variant and loss or copy-neutral LOH: {c}"),
        (single & loh_known, lambda c: f"one variant, no loss or copy-neutral LOH: {c}"),
        (single & ~loh_known, lambda c: f"one variant, no loss (copy-neutral LOH not looked for): {c}"),
        (one & ~known, lambda c: f"one variant, but no copy number of {gene}: allelic state not known"),
    )
    for where, words in endings:
        out.evidence[where] = [words(c) for c in calls[where]]
    for at in np.flatnonzero(one_copy):
        out.evidence[at] = str(out.evidence[at]).replace("one variant", "variants on one copy", 1)
    out.value[:] = np.where(out.code == NOT_ASSESSED, np.nan, n)
    out.calls[:] = [part[out.code[hits.unit[part]] == PRESENT] for part in out.calls]
    return out


def _on_one_copy(hits: Hits, rows: NDArray[np.intp], n: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return the units whose variants, two or more, all lie on the same copy by their phase."""
    out = np.zeros(len(n), dtype=bool)
    phase = hits.table["phase"].iloc[rows]
    unit = hits.unit[rows]
    for at in np.unique(unit[n[unit] >= 2]):
        words = phase[unit == at]
        # 'both' is no copy; the number of a copy means the same only within one phase set
        out[at] = bool(words.notna().all()) and words.nunique() == 1 and "|" in str(words.iloc[0])
    return out
