"""Cohort, effects, subtypes, markers -> the three-state marker matrix (present, absent, not assessed) with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from resistance.dropped import Dropped
from resistance.match import match
from resistance.match.calls import find_hits
from resistance.match.states import Question, States, Tables
from resistance.match.units import Coverage, Units, make_units
from resistance.rules import PROTEIN_CHANGING, parse_rule
from resistance.schemas import MATRIX

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort

#: state by code (see :mod:`resistance.match.states`)
_STATES = ("not_assessed", "absent", "present")


def build_matrix(
    cohort: Cohort,
    effects: pd.DataFrame,
    subtypes: pd.DataFrame,
    markers: pd.DataFrame,
    *,
    subtype_method: str | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
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

    Returns
    -------
    matrix : DataFrame
        Schema ``matrix``, by patient (as in the patients table), time point and marker (as in
        `markers`).  Every patient has a baseline; later time points stand where there are samples.
        ``value`` is the highest VAF (mutation), the number of variants (allelic state), the log2
        ratio (copy number), log2 expression, or percent of positive cells; NA where there is none.
    dropped : DataFrame
        Schema ``dropped``: calls that no marker could use, by reason.

    Notes
    -----
    Expression is compared as log2: counts become log2(counts per million + 1), TPM log2(TPM + 1).
    Quantiles are taken over the baselines of this cohort, so they depend on who is in it.
    """
    dropped = Dropped("matrix")
    genes = sorted({gene for cell in markers["genes"].dropna() for gene in _genes(cell)})
    tables = _tables(cohort, effects, subtypes, genes, subtype_method, dropped)
    asked: list[tuple[str, Question]] = []
    columns = (markers[name].astype("object") for name in ("marker_id", "genes", "evidence_kind", "rule"))
    for marker_id, cell, kind, rule in zip(*columns, strict=True):
        names = _genes(cell) if isinstance(cell, str) else ()
        asked.append((str(marker_id), Question(str(kind), names, parse_rule(str(rule)))))
    states = [match(question, tables) for _, question in asked]
    return _long(tables.units, [name for name, _ in asked], states), dropped.frame()


def gene_states(cohort: Cohort, effects: pd.DataFrame, genes: Sequence[str] | None = None) -> pd.DataFrame:
    """Return, for whole genes, whether a patient carries any change of the protein.

    Parameters
    ----------
    cohort : Cohort
    effects : DataFrame
        Schema ``effects``, one row per variant and gene.
    genes : sequence of str, optional
        Default: every gene with such a change in any patient, sorted.

    Returns
    -------
    DataFrame
        Schema ``matrix`` with marker_id ``gene:SYMBOL``; the states as in :func:`build_matrix`.
    """
    units = make_units(cohort)
    hits = find_hits(cohort, effects, units, genes, Dropped("matrix"))
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
    dropped: Dropped,
) -> Tables:
    units = make_units(cohort)

    def placed(table: pd.DataFrame) -> pd.DataFrame:
        """Rows of sampled units, the preferred sample of a unit first."""
        order = {name: i for i, name in enumerate(units.of_sample.index)}
        frame = table.assign(_unit=units.locate(table["sample_id"]), _order=table["sample_id"].map(order))
        return frame[frame["_unit"] >= 0].sort_values("_order", kind="stable").reset_index(drop=True)

    copy_number = placed(cohort.copy_number)
    ihc = placed(cohort.ihc)
    return Tables(
        units=units,
        hits=find_hits(cohort, effects, units, genes, dropped),
        coverage=Coverage(cohort, units),
        copy_number={str(gene): rows for gene, rows in copy_number.groupby("gene", sort=True)},
        fusions=placed(cohort.fusions),
        expression=_log2_expression(cohort, genes),
        ihc={str(name): rows for name, rows in ihc.groupby(ihc["antibody"].str.casefold(), sort=True)},
        subtypes=None if subtype_method is None else _subtype_units(subtypes, subtype_method, units),
    )


def _subtype_units(subtypes: pd.DataFrame, method: str, units: Units) -> pd.DataFrame:
    """Rows of the chosen method with their unit: the sample's, or the patient's baseline for a label without sample."""
    import pandas as pd

    rows = subtypes[(subtypes["method"] == method) & subtypes["subtype"].notna()]
    base = units.frame[units.baseline]
    of_patient = pd.Series(base.index, index=base["patient_id"])
    at_baseline = rows["patient_id"].astype("object").map(of_patient)
    at_sample = rows["sample_id"].astype("object").map(units.of_sample)
    unit = at_sample.where(rows["sample_id"].notna(), at_baseline)
    return rows.assign(_unit=unit)[unit.notna()]


def _log2_expression(cohort: Cohort, genes: Sequence[str]) -> pd.DataFrame:
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
