"""Copy number, structural events and cytogenetics -> states of a marker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from resistance.match.states import ABSENT, Finding, Question, States, Tables, covered, set_present

if TYPE_CHECKING:
    import pandas as pd

#: structural events that bring two genes together
JOINING = ("fusion", "translocation", "inversion")


_CHANGES: dict[str, tuple[str, Callable[[pd.DataFrame], pd.Series]]] = {
    "loss": ("state", lambda t: t["state"] <= -1),
    "deep_loss": ("state", lambda t: t["state"] <= -2),
    "gain": ("state", lambda t: t["state"] >= 1),
    "amplification": ("state", lambda t: t["state"] >= 2),
    "cnloh": ("loh", lambda t: t["loh"]),
}
_STATE_WORDS = {-2: "deep deletion", -1: "loss", 0: "two copies", 1: "gain", 2: "amplification"}


def match_copy_number(question: Question, tables: Tables) -> States:
    """Match gene-level copy number; a state of NA, or no row, is not assessed."""
    units = tables.units
    known = np.ones(units.n, dtype=bool)
    out = States.unknown(units, f"no copy number of {', '.join(question.genes)}")
    found: list[Finding] = []
    for gene in question.genes:
        table = tables.copy_number.get(gene)
        if table is None:
            known[:] = False
            continue
        unit = table["_unit"].to_numpy(dtype=np.intp)
        for term in question.rule.terms:
            column, test = _CHANGES[term.name]
            hit = test(table).fillna(False).to_numpy(dtype=bool)
            known &= units.mask(unit[table[column].notna().to_numpy(dtype=bool)])
            found += _describe(table[hit], gene)
        if len(question.genes) == 1:
            out.value[unit[::-1]] = table["log2_ratio"].to_numpy(dtype=np.float64)[::-1]
    out.set(known & units.sampled, ABSENT, "copy number known, no such change")
    set_present(out, found)
    return out


def _describe(rows: pd.DataFrame, gene: str) -> Iterator[Finding]:
    for unit, sample, state, ratio, loh in zip(
        rows["_unit"], rows["sample_id"], rows["state"].astype("object"), rows["log2_ratio"], rows["loh"].astype("object"), strict=True
    ):  # fmt: skip
        word = "copy-neutral LOH" if loh is True and state == 0 else _STATE_WORDS.get(state, "change")
        text = f"{gene} {word} in {sample}" + ("" if np.isnan(ratio) else f", log2 ratio {ratio:.3g}")
        yield Finding(int(unit), text, str(sample), gene)


def match_fusion(question: Question, tables: Tables) -> States:
    """Match structural events that touch a gene, or join it to a partner."""
    table = tables.fusions
    out = covered(question, tables, "covered, no matching structural event")
    first, second = table["gene_1"].isin(question.genes), table["gene_2"].isin(question.genes)
    chosen = np.zeros(len(table), dtype=bool)
    for term in question.rule.terms:
        if term.name == "any":
            mask = first | second
        elif term.word is None:
            mask = (first | second) & table["kind"].isin(JOINING)
        else:
            joined = (first & (table["gene_2"] == term.word)) | (second & (table["gene_1"] == term.word))
            mask = joined & table["kind"].isin(JOINING)
        chosen |= mask.fillna(False).to_numpy(dtype=bool)
    found = []
    rows = table[chosen]
    for unit, sample, kind, one, two, support in zip(
        *(rows[c].astype("object") for c in ("_unit", "sample_id", "kind", "gene_1", "gene_2", "support")), strict=True
    ):  # fmt: skip
        pair = "::".join(name for name in (one, two) if isinstance(name, str))
        reads = f", {int(support)} supporting reads" if isinstance(support, int | np.integer) else ""
        gene = one if one in question.genes else two
        found.append(Finding(int(unit), f"{kind} {pair} in {sample}{reads}", str(sample), str(gene)))
    set_present(out, found)
    return out


def match_cytogenetics(question: Question, tables: Tables) -> States:
    """Match named events: rows of the copy-number table under that name, or a cytogenetic assay that covers it."""
    units = tables.units
    out = States.unknown(units, "no cytogenetic result")
    found = []
    known = np.ones(units.n, dtype=bool)
    for term in question.rule.terms:
        event = str(term.word)
        table = tables.copy_number.get(event)
        seen = tables.coverage.of("cytogenetics", event)
        if table is not None:
            unit, state = table["_unit"].to_numpy(dtype=np.intp), table["state"]
            if event.startswith(("del", "-")):
                hit = state < 0
            elif event.startswith(("gain", "amp", "dup", "+")):
                hit = state > 0
            else:
                hit = state != 0
            hit_rows = hit.fillna(False).to_numpy(dtype=bool)
            # a row without a result says that the test failed, whatever the assay covers
            seen = (seen & ~units.mask(unit)) | units.mask(unit[state.notna().to_numpy(dtype=bool)])
            for one, sample in zip(unit[hit_rows], table["sample_id"][hit_rows], strict=True):
                found.append(Finding(int(one), f"{event} in {sample}", str(sample)))
        known &= seen
    out.set(known & units.sampled, ABSENT, "tested, not found")
    set_present(out, found)
    return out
