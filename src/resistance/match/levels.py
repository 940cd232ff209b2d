"""Expression, immunohistochemistry, serum, scores, transcripts and subtype labels -> states of a marker; the continuous value is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resistance.match.states import ABSENT, NOT_ASSESSED, PRESENT, Question, States, Tables
from resistance.match.threshold import limit_of, meets

if TYPE_CHECKING:
    from resistance.match.units import Units

#: label -> classes it does not rule out: Hans' non-GCB holds ABC and unclassified lymphoma, and
#: what expression leaves unclassified may stain either way
LEAVES_OPEN = {"non-GCB": ("ABC", "UNCLASSIFIED"), "UNCLASSIFIED": ("non-GCB",)}


def _threshold(question: Question, units: Units, out: States, what: str) -> States:
    """Set states from ``out.value`` and the rule's threshold; quantiles are taken over baselines."""
    term = question.rule.terms[0]
    has = ~np.isnan(out.value)
    limit, name = limit_of(term, out.value[units.baseline])
    if limit is None:
        out.set(has, NOT_ASSESSED, f"{what} {name}: no cohort quantile")
        return out
    met = meets(term, out.value, limit)
    out.code[has] = ABSENT
    out.code[met] = PRESENT
    out.evidence[has] = [
        f"{what} {value:.4g}, {'' if yes else 'not '}at or {term.side} the {name} ({limit:.4g})"
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


def _measured(kind: str, name: str, tables: Tables, out: States) -> str:
    """Fill the values of a measured number in, and return its unit as it is written after a number."""
    table = tables.measurements.get((kind, name))
    if table is None:
        return ""
    # backwards, so that the preferred sample of a unit is the one that stays
    out.value[table["_unit"].to_numpy(dtype=np.intp)[::-1]] = table["value"].to_numpy(dtype=np.float64)[::-1]
    unit = table["unit"].iloc[0]
    return f" ({unit})" if isinstance(unit, str) else ""


def match_serum(question: Question, tables: Tables) -> States:
    """Match the serum level of one protein against a threshold."""
    gene = question.genes[0]
    out = States.unknown(tables.units, f"no serum level of {gene}")
    return _threshold(question, tables.units, out, f"serum {gene}{_measured('serum', gene, tables, out)}")


def match_score(question: Question, tables: Tables) -> States:
    """Match a score that the study gives against a threshold."""
    name = str(question.rule.terms[0].word)
    out = States.unknown(tables.units, f"no score '{name}'")
    return _threshold(question, tables.units, out, f"score {name}{_measured('score', name, tables, out)}")


def match_splice(question: Question, tables: Tables) -> States:
    """Match the share of a gene's transcript that lacks an exon."""
    units, gene = tables.units, question.genes[0]
    terms = question.rule.terms
    exons = " or ".join(f"exon {term.first}" for term in terms)
    out = States.unknown(units, f"no transcripts of {gene} were measured for {exons}")
    known = np.ones(units.n, dtype=bool)
    for term in terms:
        part = States.unknown(units, "")
        _measured("splice", f"{gene}:exon{term.first}", tables, part)
        has = ~np.isnan(part.value)
        met = has & (part.value >= float(term.number or 0))
        known &= has
        out.value[:] = np.fmax(out.value, part.value)
        out.code[met] = PRESENT
        for unit in np.flatnonzero(met):
            out.evidence[unit] = (
                f"{part.value[unit]:.0%} of the {gene} transcript lacks exon {term.first} (at least {term.number:g})"
            )
    least = min(float(term.number or 0) for term in terms)
    for unit in np.flatnonzero(known & (out.code != PRESENT)):
        out.set(
            np.arange(units.n) == unit, ABSENT, f"{out.value[unit]:.0%} of the {gene} transcript lacks {exons}, below {least:g}"
        )
    return out


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
