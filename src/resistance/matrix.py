"""Cohort, effects, subtypes, markers -> the three-state marker matrix (present, absent, not assessed) with its evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.consequences import PROTEIN_CHANGING
from resistance.dropped import Dropped
from resistance.match import match
from resistance.match.calls import find_hits, shared
from resistance.match.states import PRESENT, Question, States, Tables
from resistance.match.units import Coverage, Units, make_units
from resistance.rules import parse_rule
from resistance.schemas import EVIDENCE, MATRIX

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort

#: state by code (see :mod:`resistance.match.states`)
_STATES = ("not_assessed", "absent", "present")


@dataclass(frozen=True)
class MarkerMatrix:
    """The markers of a cohort, matched.

    Parameters
    ----------
    matrix : DataFrame
        Schema ``matrix``.
    evidence : DataFrame
        Schema ``evidence``: what made each marker present.
    dropped : DataFrame
        Schema ``dropped``: calls that no marker could use, by reason.
    markers : DataFrame
        Schema ``markers``: the statements, in the order of `questions` and `states`.
    tables, questions, states
        What was matched: the cohort's tables by unit, the rules, and their states over units.
    """

    matrix: pd.DataFrame
    evidence: pd.DataFrame
    dropped: pd.DataFrame
    markers: pd.DataFrame
    tables: Tables
    questions: Sequence[Question]
    states: Sequence[States]


def build_matrix(
    cohort: Cohort,
    effects: pd.DataFrame,
    subtypes: pd.DataFrame,
    markers: pd.DataFrame,
    *,
    subtype_method: str | None,
    phased: pd.DataFrame | None = None,
    ctdna: Mapping[str, pd.DataFrame] | None = None,
) -> MarkerMatrix:
    """Match every marker in every patient at every time point.

    A marker is *present* at a time point where any sample of the patient (germline apart) has a
    matching call; *absent* where it has none and an assay covers every gene of the marker for that
    kind of evidence; else *not assessed*.  A call without read counts counts as reported; one with
    0 supporting reads does not.  Copy number is known only where its state is.

    Parameters
    ----------
    cohort : Cohort
    effects : DataFrame
        Schema ``effects``, one row per variant and gene, current symbols.
    subtypes : DataFrame
        Schema ``subtypes``.
    markers : DataFrame
        Schema ``markers``, as :func:`resistance.knowledge.load_markers` gives them.
    subtype_method : str or None
        The method whose calls decide subtype markers; None: they are not assessed.
    phased : DataFrame, optional
        Schema ``phased_effects``: what variants of one copy do together, in place of `effects`.
    ctdna : mapping of DataFrame, optional
        Tables of the ctDNA stage by name (quantity, molecular_response, emergence); without them
        ctDNA markers are not assessed.

    Returns
    -------
    MarkerMatrix
        Its matrix stands by patient (as in the patients table), time point and marker (as in
        `markers`).  Every patient has a baseline; later time points stand where there are samples.
        ``value`` is the highest VAF (mutation), the number of variants (allelic state), the log2
        ratio (copy number), log2 expression, percent of positive cells, a serum level, a score, a
        share of transcripts, months (interval) or log10 change (ctDNA); NA where there is none.

    Notes
    -----
    Expression is compared as log2: counts become log2(counts per million + 1), TPM log2(TPM + 1).
    Quantiles are taken over the baselines of this cohort, so they depend on who is in it.
    """
    dropped = Dropped("matrix")
    genes = sorted({gene for cell in markers["genes"].dropna() for gene in _genes(cell)})
    tables = _tables(cohort, effects, subtypes, genes, subtype_method, phased, ctdna or {}, dropped)
    questions = []
    for cell, kind, rule in zip(*(markers[name].astype("object") for name in ("genes", "evidence_kind", "rule")), strict=True):
        names = _genes(cell) if isinstance(cell, str) else ()
        questions.append(Question(str(kind), names, parse_rule(str(rule))))
    states = [match(question, tables) for question in questions]
    matrix = _long(tables.units, [str(name) for name in markers["marker_id"]], states)
    evidence = _evidence(tables, markers, states)
    return MarkerMatrix(matrix, evidence, dropped.frame(), markers, tables, questions, states)


def _evidence(tables: Tables, markers: pd.DataFrame, states: Sequence[States]) -> pd.DataFrame:
    """List what made each marker present: its calls, its other findings, or the text of the unit."""
    import pandas as pd

    from resistance.tables import conform, empty

    hits = tables.hits
    calls, call_marker = [np.zeros(0, dtype=np.intp)], [np.zeros(0, dtype=np.intp)]
    other: list[tuple[int, int, str | None, str | None, str]] = []
    for i, state in enumerate(states):
        for rows in state.calls:
            calls.append(rows)
            call_marker.append(np.full(len(rows), i, dtype=np.intp))
        told = {finding.unit for finding in state.findings}
        other += [(finding.unit, i, finding.sample, finding.gene, finding.text) for finding in state.findings]
        if not state.calls:
            other += [
                (int(u), i, None, None, str(state.evidence[u])) for u in np.flatnonzero(state.code == PRESENT) if u not in told
            ]
    rows = np.concatenate(calls)
    if not len(rows) and not other:
        return empty(EVIDENCE)
    words = {name: shared(hits.table[name])[rows] for name in ("sample_id", "gene", "chrom", "ref", "alt", "hgvsp", "flags")}
    numbers = {
        name: hits.table[name].to_numpy(dtype=np.float64, na_value=np.nan)[rows] for name in ("pos", "residue", "vaf", "depth")
    }
    words["finding"] = np.asarray([hits.text(int(row)) for row in rows], dtype=object)
    rest = (
        dict(zip(("_unit", "_marker", "sample_id", "gene", "finding"), zip(*other, strict=True), strict=False)) if other else {}
    )
    blank = np.full(len(other), None, dtype=object), np.full(len(other), np.nan)
    table = pd.DataFrame(
        {name: np.concatenate([values, np.asarray(rest.get(name, blank[0]), dtype=object)]) for name, values in words.items()}
        | {name: np.concatenate([values, blank[1]]) for name, values in numbers.items()}
        | {"_unit": np.r_[hits.unit[rows], np.asarray(rest.get("_unit", ()), dtype=np.intp)]}
        | {"_marker": np.r_[np.concatenate(call_marker), np.asarray(rest.get("_marker", ()), dtype=np.intp)]}
    )
    table = table.sort_values(["_unit", "_marker", "gene", "pos", "finding", "sample_id"], kind="stable")
    unit, marker = table["_unit"].to_numpy(dtype=np.intp), table["_marker"].to_numpy(dtype=np.intp)
    for name in ("patient_id", "timepoint"):
        table[name] = tables.units.frame[name].to_numpy(dtype=object)[unit]
    for name in ("marker_id", "rule", "direction", "evidence_grade", "verified", "source"):
        table[name] = markers[name].to_numpy()[marker]
    return conform(table[[name for name in EVIDENCE.names if name in table]], EVIDENCE)


def gene_states(
    cohort: Cohort, effects: pd.DataFrame, genes: Sequence[str] | None = None, *, phased: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return, for whole genes, whether a patient carries any change of the protein.

    Parameters
    ----------
    cohort : Cohort
    effects : DataFrame
        Schema ``effects``, one row per variant and gene.
    genes : sequence of str, optional
        Default: every gene with such a change in any patient, sorted.
    phased : DataFrame, optional
        Schema ``phased_effects``: what variants of one copy do together, in place of `effects`.

    Returns
    -------
    DataFrame
        Schema ``matrix`` with marker_id ``gene:SYMBOL``; the states as in :func:`build_matrix`.
    """
    units = make_units(cohort)
    hits = find_hits(cohort, effects, units, genes, Dropped("matrix"), phased)
    if genes is None:
        changing = np.isin(hits.effect_class, PROTEIN_CHANGING)
        genes = sorted(gene for gene, rows in hits.of_gene.items() if changing[rows].any())
    import pandas as pd

    tables = Tables(units, hits, Coverage(cohort, units), {}, pd.DataFrame(), pd.DataFrame(), {}, None)
    rule = parse_rule("nonsilent")
    states = [match(Question("mutation", (gene,), rule), tables) for gene in genes]
    return _long(units, [f"gene:{gene}" for gene in genes], states)


def _genes(cell: str) -> tuple[str, ...]:
    return tuple(gene.strip() for gene in cell.split(";"))


def _tables(
    cohort: Cohort,
    effects: pd.DataFrame,
    subtypes: pd.DataFrame,
    genes: Sequence[str],
    subtype_method: str | None,
    phased: pd.DataFrame | None,
    ctdna: Mapping[str, pd.DataFrame],
    dropped: Dropped,
) -> Tables:
    import pandas as pd

    units = make_units(cohort)
    base = units.frame[units.baseline]
    of_patient = pd.Series(base.index, index=base["patient_id"])

    def placed(table: pd.DataFrame) -> pd.DataFrame:
        """Rows of sampled units, the preferred sample of a unit first."""
        order = {name: i for i, name in enumerate(units.of_sample.index)}
        frame = table.assign(_unit=units.locate(table["sample_id"]), _order=table["sample_id"].map(order))
        return frame[frame["_unit"] >= 0].sort_values("_order", kind="stable").reset_index(drop=True)

    copy_number = placed(cohort.copy_number)
    ihc = placed(cohort.ihc)
    measured: Any = placed(cohort.measurements).groupby(["kind", "name"], sort=True)
    return Tables(
        units=units,
        hits=find_hits(cohort, effects, units, genes, dropped, phased),
        coverage=Coverage(cohort, units),
        copy_number={str(gene): rows for gene, rows in copy_number.groupby("gene", sort=True)},
        fusions=placed(cohort.fusions),
        expression=log2_expression(cohort, genes),
        ihc={str(name): rows for name, rows in ihc.groupby(ihc["antibody"].str.casefold(), sort=True)},
        subtypes=None if subtype_method is None else _subtype_units(subtypes, subtype_method, of_patient, units),
        measurements={(str(kind), str(name)): rows for (kind, name), rows in measured},
        treatments=cohort.treatments.assign(_unit=cohort.treatments["patient_id"].astype("object").map(of_patient)),
        ctdna={name: placed(table) for name, table in ctdna.items() if "sample_id" in table},
    )


def _subtype_units(subtypes: pd.DataFrame, method: str, of_patient: pd.Series, units: Units) -> pd.DataFrame:
    """Rows of the chosen method with their unit: the sample's, or the patient's baseline for a label without sample."""
    rows = subtypes[(subtypes["method"] == method) & subtypes["subtype"].notna()]
    at_baseline = rows["patient_id"].astype("object").map(of_patient)
    at_sample = rows["sample_id"].astype("object").map(units.of_sample)
    unit = at_sample.where(rows["sample_id"].notna(), at_baseline)
    return rows.assign(_unit=unit)[unit.notna()]


def log2_expression(cohort: Cohort, genes: Sequence[str]) -> pd.DataFrame:
    """Genes x samples on a log2 scale that samples share."""
    table = cohort.expression
    values = table.drop(columns="gene")
    unit = cohort.facts.get("expression_unit")
    if unit == "counts":
        # the library is the whole table, before the genes of the markers are taken out of it
        total = values.sum(axis=0)
        values = np.log2(values.div(total.where(total > 0), axis=1) * 1e6 + 1)
    elif unit == "tpm":
        values = np.log2(values + 1)
    values.index = table["gene"].astype("object")
    return values[values.index.isin(genes)]


def _long(units: Units, names: Sequence[str], states: Sequence[States]) -> pd.DataFrame:
    """Stack the states: by unit, and within a unit by marker."""
    import pandas as pd

    from resistance.tables import empty

    n, m = units.n, len(names)
    if not n or not m:
        return empty(MATRIX)
    codes = np.stack([s.code for s in states], axis=1).ravel()
    text = pd.StringDtype(na_value=np.nan)
    evidence = np.stack([s.evidence for s in states], axis=1).ravel()
    columns = {
        "patient_id": np.repeat(units.frame["patient_id"].to_numpy(dtype=object), m),
        "marker_id": np.tile(np.asarray(names, dtype=object), n),
        "timepoint": np.repeat(units.frame["timepoint"].to_numpy(dtype=object), m),
        "state": np.asarray(_STATES, dtype=object)[codes],
        "value": np.stack([s.value for s in states], axis=1).ravel(),
        "evidence": evidence,
    }
    return pd.DataFrame({k: v if k == "value" else pd.Series(v, dtype=text) for k, v in columns.items()})
