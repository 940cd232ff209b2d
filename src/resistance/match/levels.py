"""Expression, immunohistochemistry and subtype labels -> states of a marker; the continuous value is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resistance.match.states import ABSENT, NOT_ASSESSED, PRESENT, Question, States, Tables

if TYPE_CHECKING:
    from resistance.match.units import Units

#: fewest baseline values from which a quantile of the cohort is taken
MIN_FOR_QUANTILE = 20
#: label -> classes it does not rule out: Hans' non-GCB holds ABC and unclassified lymphoma, and
#: what expression leaves unclassified may stain either way
LEAVES_OPEN = {"non-GCB": ("ABC", "UNCLASSIFIED"), "UNCLASSIFIED": ("non-GCB",)}


def _threshold(question: Question, units: Units, out: States, what: str) -> States:
    """Set states from ``out.value`` and the rule's threshold; quantiles are taken over baselines."""
    term = question.rule.terms[0]
    has = ~np.isnan(out.value)
    if term.word == "quantile":
        base = out.value[has & units.baseline]
        if len(base) < MIN_FOR_QUANTILE or base.min() == base.max():
            why = (
                "does not vary"
                if len(base) >= MIN_FOR_QUANTILE
                else f"is known in {len(base)} baselines, fewer than {MIN_FOR_QUANTILE}"
            )
            out.set(has, NOT_ASSESSED, f"{what} {why}: no cohort quantile")
            return out
        limit = float(np.quantile(base, float(term.number or 0)))
        name = f"cohort quantile {term.number:g} of {len(base)} baselines"
    else:
        limit, name = float(term.number or 0), "threshold"
    met = has & ((out.value <= limit) if term.name == "below" else (out.value >= limit))
    out.code[has] = ABSENT
    out.code[met] = PRESENT
    side = "at or below" if term.name == "below" else "at or above"
    out.evidence[has] = [
        f"{what} {value:.4g}, {'' if yes else 'not '}{side} the {name} ({limit:.4g})"
        for value, yes in zip(out.value[has], met[has], strict=True)
    ]
    return out


def match_expression(question: Question, tables: Tables) -> States:
    """Match the log2 expression of one gene against a threshold."""
    units, gene = tables.units, question.genes[0]
    out = States.unknown(units, f"no expression of {gene}")
    if gene in tables.expression.index:
        values = tables.expression.loc[gene]
        levels = values.reindex(units.of_sample.index).to_numpy(dtype=np.float64)[::-1]
        unit = units.of_sample.to_numpy(dtype=np.intp)[::-1]
        # backwards, so that the preferred sample of a unit is the one that stays
        out.value[unit[~np.isnan(levels)]] = levels[~np.isnan(levels)]
    return _threshold(question, units, out, f"{gene} log2 expression")


def match_ihc(question: Question, tables: Tables) -> States:
    """Match the percentage of one antibody, or the pathologist's call of it."""
    units, gene = tables.units, question.genes[0]
    out = States.unknown(units, f"no immunohistochemistry of {gene}")
    table = tables.ihc.get(gene.casefold())
    if table is None:
        return out
    unit = table["_unit"].to_numpy(dtype=np.intp)[::-1]
    percent = table["percent_positive"].to_numpy(dtype=np.float64)[::-1]
    out.value[unit[~np.isnan(percent)]] = percent[~np.isnan(percent)]
    if question.rule.is_single("above", "below"):
        return _threshold(question, units, out, f"{gene} positive cells in percent")
    called = table["positive"].notna().to_numpy(dtype=bool)[::-1]
    out.set(units.mask(unit), NOT_ASSESSED, f"{gene} has no call: positive or negative")
    yes = table["positive"].fillna(False).to_numpy(dtype=bool)[::-1]
    wanted = yes if question.rule.is_single("positive") else ~yes
    out.code[unit[called]] = np.where(wanted[called], PRESENT, ABSENT)
    out.evidence[unit[called]] = np.where(yes[called], f"{gene} called positive", f"{gene} called negative")
    return out


def match_subtype(question: Question, tables: Tables) -> States:
    """Match the label of the chosen subtype method; a label that leaves the class open is not assessed."""
    units, table = tables.units, tables.subtypes
    out = States.unknown(units, "no subtype of the chosen method")
    if table is None:
        out.set(np.ones(units.n, dtype=bool), NOT_ASSESSED, "no subtype method is chosen (subtype.use)")
        return out
    wanted = [str(term.word) for term in question.rule.terms]
    unit, label = table["_unit"].to_numpy(dtype=np.intp), table["subtype"].to_numpy(dtype=object)
    found = np.isin(label, wanted)
    unclear = ~found & np.isin(label, [name for name, classes in LEAVES_OPEN.items() if set(classes) & set(wanted)])
    out.code[unit] = np.select([found, unclear], [PRESENT, NOT_ASSESSED], ABSENT)
    out.evidence[unit] = [
        f"{name} by {method}" + (f", which does not tell {' or '.join(wanted)}" if open_ else "")
        for name, method, open_ in zip(label, table["method"], unclear, strict=True)
    ]
    return out


def match_splice(question: Question, tables: Tables) -> States:
    """Say that transcripts were not read: no table of a cohort holds them."""
    return States.unknown(tables.units, "transcripts were not read")
