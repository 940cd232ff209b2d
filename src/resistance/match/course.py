"""Treatment lines and the tables of the ctDNA stage -> states of exposure and ctDNA markers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resistance.knowledge_tables import drugs_of
from resistance.match.states import ABSENT, NOT_ASSESSED, Finding, Question, States, Tables, set_present

if TYPE_CHECKING:
    pass

DAYS_PER_MONTH = 365.25 / 12


def match_exposure(question: Question, tables: Tables) -> States:
    """Match earlier lines of treatment; at the baseline of each patient.

    ``prior`` is absent where earlier lines are listed and none holds the drug.  ``since`` asks for
    the interval from the end of the last earlier line with the drug to day 0: a patient who never
    had the drug has no interval, and an end that is not known is not assessed.  A line in whose
    regimen no drug of ``drugs.tsv`` is recognised leaves both open, unless another line holds the drug.
    """
    units, term = tables.units, question.rule.terms[0]
    drug = str(term.word)
    out = States.unknown(units, "no list of treatments")
    table = tables.treatments
    out.set(~units.baseline, NOT_ASSESSED, "exposure is counted up to the start of the studied treatment")
    if table is None or table.empty:
        return out
    start, end = table["start_day"].to_numpy(dtype=np.float64), table["end_day"].to_numpy(dtype=np.float64)
    earlier = (start < 0) | (np.isnan(start) & (end <= 0))
    unclear = np.isnan(start) & np.isnan(end)
    regimens = table["regimen"].astype("object").to_numpy()
    holds = np.array([drug in drugs_of(str(regimen)) for regimen in regimens], dtype=bool)
    unit = table["_unit"].to_numpy(dtype=np.intp)
    listed = units.mask(unit)
    out.set(listed, ABSENT, f"no earlier line with {drug}")
    # a regimen of which no drug is known may hold any
    unread = np.array([not drugs_of(str(regimen)) for regimen in regimens], dtype=bool) & (earlier | unclear)
    for i in np.flatnonzero(unread):
        out.set(np.arange(units.n) == unit[i], NOT_ASSESSED, f"no drug is recognised in the earlier line '{regimens[i]}'")
    out.set(units.mask(unit[holds & unclear]), NOT_ASSESSED, f"{drug} was given, but not when")
    given = np.flatnonzero(holds & earlier)
    if term.name == "prior":
        set_present(out, [Finding(int(unit[i]), f"{regimens[i]} before the studied treatment") for i in given])
        return out
    out.set(listed & (out.code == ABSENT), NOT_ASSESSED, f"never had {drug} before: no interval")
    for one in np.unique(unit[given]):
        days = -end[given[unit[given] == one]]
        here = np.arange(units.n) == one
        if (unit[unread] == one).any():
            continue  # the line that nobody can read may have held the drug later
        if np.isnan(days).any():
            out.set(here, NOT_ASSESSED, f"{drug} was given before; its end is not known")
            continue
        months = max(float(days.min()), 0.0) / DAYS_PER_MONTH
        out.value[one] = months
        text = f"{months:.1f} months since the last {drug}"
        if months >= float(term.number or 0):
            set_present(out, [Finding(int(one), text)])
        else:
            out.set(here, ABSENT, f"{text}, fewer than {term.number:g}")
    return out


#: what is asked -> table of the ctDNA stage, its column, and the value that makes the marker present
_ASKED = {
    "detected": ("quantity", "detected", True),
    "undetected": ("quantity", "detected", False),
    "cleared": ("molecular_response", "cleared", True),
    "molecular_response": ("molecular_response", "molecular_response", True),
}
_UNKNOWN_CHANGE = "no earlier sample to compare with"


def match_ctdna(question: Question, tables: Tables) -> States:
    """Match what the ctDNA stage found in the plasma samples of a time point."""
    word = str(question.rule.terms[0].word)
    return _emergent(question, tables) if word == "emergent" else _plasma(word, tables)


def _plasma(word: str, tables: Tables) -> States:
    name, column, wanted = _ASKED[word]
    units, table = tables.units, tables.ctdna.get(name)
    out = States.unknown(units, "no plasma sample with tracked variants" if name == "quantity" else _UNKNOWN_CHANGE)
    if table is None or table.empty:
        return out
    rows = table[table[column].notna()]
    unit = rows["_unit"].to_numpy(dtype=np.intp)
    met = rows[column].to_numpy(dtype=bool) == wanted
    out.set(units.mask(unit), ABSENT, f"assessed: not {word.replace('_', ' ')}")
    value = rows["mean_vaf" if name == "quantity" else "log10_change"].to_numpy(dtype=np.float64)
    out.value[unit[::-1]] = value[::-1]
    samples = rows["sample_id"].astype("object").to_numpy()
    set_present(
        out, [Finding(int(unit[i]), f"{word.replace('_', ' ')} in {samples[i]}", str(samples[i])) for i in np.flatnonzero(met)]
    )
    return out


def _emergent(question: Question, tables: Tables) -> States:
    """Match variants that were not there at baseline; absent where both time points were looked at."""
    units, table = tables.units, tables.ctdna.get("emergence")
    out = States.unknown(units, _UNKNOWN_CHANGE)
    patient = units.frame["patient_id"].to_numpy(dtype=object)
    covered = np.logical_and.reduce([tables.coverage.of("mutation", gene) for gene in question.genes])
    at_start = covered & units.baseline
    out.set(~units.baseline & covered & np.isin(patient, patient[at_start]), ABSENT, "read before and now: no new variant")
    if table is None or table.empty:
        return out
    rows = table[table["gene"].isin(question.genes)]
    unit = rows["_unit"].to_numpy(dtype=np.intp)
    change = rows["change"].to_numpy(dtype=object)
    out.set(units.mask(unit[change == "not_assessable"]), NOT_ASSESSED, "a variant whose change cannot be told")
    set_present(out, [_variant(row) for row in rows[change == "emergent"].to_dict("records")])
    return out


def _variant(row: dict[str, object]) -> Finding:
    hgvsp = row["hgvsp"]
    name = f"p.{hgvsp}" if isinstance(hgvsp, str) else f"{row['chrom']}:{row['pos']} {row['ref']}>{row['alt']}"
    text = f"{row['gene']} {name} emerged in {row['sample_id']}, VAF {row['later_vaf']:.3g}"
    return Finding(int(str(row["_unit"])), text, str(row["sample_id"]), str(row["gene"]))
