"""The stage tables -> what every question needs: outcomes, marker states, populations, arms and variables, one entry per patient."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resistance.associate.course import Course, make_course
from resistance.associate.dated import Dated, dated
from resistance.associate.measures import Measured, counted, expressed, measured
from resistance.associate.methods import METHODS, unknown_methods
from resistance.associate.states import NOT_ASSESSED, Mask, States, states_of
from resistance.associate.variables import Coding, coding_of, columns_of, equals, value_of
from resistance.errors import InputError, Problem
from resistance.knowledge import load_genes, same_event

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import CohortFile, Landmark, TimeDependent

#: patients that two classes of a stratum need, and the share of patients that may be unknown, for the usual strata
_STRATUM, _UNKNOWN = 10, 0.5
#: distance from a whole number below which a count is one (a table read as text)
WHOLE = 1e-6


@dataclass(frozen=True)
class Outcome:
    """One endpoint, per patient.

    Parameters
    ----------
    kind : str
    usable : array of bool
        The patient has a value.
    value : array of float
        Binary endpoints: 1 yes, 0 no; ordinal: the rank from 0 (worst); continuous: the number.
    time, entry : array of float
        Days of the end and the start of follow-up; NaN for other kinds.
    event : array of bool
        Time to event: the event as the cohort file counts it; binary: yes.
    code : array of int
        Time to event: 0 censored, 1 the event, 2.. competing events.
    levels : tuple of str
        Of an ordinal endpoint, from worst to best.
    competing : bool
        Competing events are declared.
    excluded : dict
        Reason -> patients without a value.
    """

    kind: str
    usable: Mask
    value: NDArray[np.float64]
    time: NDArray[np.float64]
    entry: NDArray[np.float64]
    event: Mask
    code: NDArray[np.int64]
    levels: tuple[str, ...]
    competing: bool
    excluded: dict[str, int]


@dataclass(frozen=True)
class Setting:
    """Everything that questions are asked of.  Arrays follow the order of `patients`.

    Parameters
    ----------
    patients : tuple of str
    populations : dict
        Name -> (label, members).
    outcomes : dict
        Endpoint -> :class:`Outcome`.
    states : dict
        marker_id -> 1 present, 0 absent, -1 not assessed, at the time point of the analysis.
    labels : dict
        marker_id -> short name.
    markers, features, genes : tuple of str
        Statements of the knowledge base; the study's own features; genes of a scan.
    same_event : dict
        marker_id -> the marker that is asked in its place, because both speak about one event.
    measures : dict
        marker_id (``measure:NAME``, ``expression:GENE``) -> :class:`resistance.associate.measures.Measured`.
    course : :class:`resistance.associate.course.Course`
        States at later time points, with the day they were known.
    other_timepoints : dict
        Time point -> markers that have a state there (asked at a landmark or as time-dependent only).
    stratified_by : tuple of str
        Strata of the adjusted models: those of the cohort file, or the usual ones.
    variables : dict
        Covariates, strata and contrasted variables by name.
    codings : dict
    imid : array of float
        1 with an IMiD, 0 without, NaN unknown.
    counts : (genes, array of genes x patients), optional
        Expression as counts, where a method that takes them was asked for.
    dated : dict
        marker_id (``dated:NAME``) -> :class:`resistance.associate.dated.Dated`: numbers of the ctDNA with their days.
    """

    patients: tuple[str, ...]
    populations: dict[str, tuple[str, Mask]]
    outcomes: dict[str, Outcome]
    states: States
    labels: dict[str, str]
    markers: tuple[str, ...]
    features: tuple[str, ...]
    genes: tuple[str, ...]
    same_event: dict[str, str]
    measures: dict[str, Measured]
    course: Course
    other_timepoints: dict[str, int]
    stratified_by: tuple[str, ...]
    variables: dict[str, pd.Series]
    codings: dict[str, Coding]
    imid: NDArray[np.float64]
    counts: tuple[tuple[str, ...], NDArray[np.float64]] | None = None
    dated: dict[str, Dated] = field(default_factory=dict)
    _known: dict[str, Mask] = field(default_factory=dict, repr=False, compare=False)
    _columns: dict[str, dict[str, NDArray[np.float64]]] = field(default_factory=dict, repr=False, compare=False)

    def state(self, marker_id: str) -> NDArray[np.int8]:
        """Return a marker's states; not assessed where nothing is known of it."""
        return self.states.get(marker_id, np.full(len(self.patients), NOT_ASSESSED, dtype=np.int8))

    def is_number(self, marker_id: str) -> bool:
        """Say whether what is asked about is a number, not a flag."""
        return marker_id in self.measures or marker_id in self.dated

    def arms(self, members: Mask) -> tuple[int, int, int]:
        """Return how many of these patients had an IMiD, had none, or are unknown."""
        mine = self.imid[members]
        return int((mine == 1).sum()), int((mine == 0).sum()), int(np.isnan(mine).sum())

    def known(self, names: Iterable[str]) -> Mask:
        """Return the patients of whom all these variables are known."""
        mask = np.ones(len(self.patients), dtype=bool)
        for name in names:
            if name not in self._known:
                self._known[name] = self.variables[name].notna().to_numpy(dtype=bool)
            mask &= self._known[name]
        return mask

    def level(self, name: str, level: Any) -> Mask:
        """Return the patients whose variable has this value."""
        return np.asarray(equals(self.variables[name], level), dtype=np.bool_)

    def columns(self, names: Iterable[str]) -> dict[str, NDArray[np.float64]]:
        """Return the model's columns of these variables, by name."""
        out: dict[str, NDArray[np.float64]] = {}
        for name in names:
            if name not in self._columns:
                made = columns_of(self.variables[name], self.codings[name])
                self._columns[name] = {column: values.to_numpy(dtype=np.float64) for column, values in made.items()}
            out |= self._columns[name]
        return out

    def strata(self, names: Iterable[str]) -> NDArray[np.str_]:
        """Return one label per patient for the combination of these variables (read where all are known)."""
        parts = [self.variables[name].astype("object").map(str).to_numpy(dtype=str) for name in names]
        return np.array([" / ".join(row) for row in zip(*parts, strict=True)])


def by_name(cohort: Cohort) -> Cohort:
    """Return the cohort with its patients in the order of their names.

    Permutations, imputations and folds go by a patient's place: the order of rows in a file must not change them.
    """
    return replace(cohort, patients=cohort.patients.sort_values("patient_id", kind="stable", ignore_index=True))


def make_setting(
    config: CohortFile,
    cohort: Cohort,
    markers: pd.DataFrame,
    matrix: pd.DataFrame,
    subtypes: pd.DataFrame,
    gene_states: pd.DataFrame | None,
    stages: Mapping[str, pd.DataFrame] | None = None,
) -> Setting:
    """Gather what the questions need.

    Parameters
    ----------
    gene_states, stages
        As in :func:`resistance.associate.make_plan`.

    Raises
    ------
    InputError
        The analysis names a marker, variable or population that these tables do not have.
    """
    import pandas as pd

    cohort = by_name(cohort)
    index = pd.Index(cohort.patients["patient_id"].astype("object"), name="patient_id")
    plan = config.analysis
    now = matrix[matrix["timepoint"] == plan.timepoint]
    states = states_of(now, index)
    genes: tuple[str, ...] = ()
    if gene_states is not None and plan.genes == "all_mutated":
        mine = gene_states[gene_states["timepoint"] == plan.timepoint] if "timepoint" in gene_states else gene_states
        scanned = states_of(mine, index)
        states, genes = states | scanned, tuple(scanned)
    own = _features(cohort, index)
    states |= own
    labels = dict(zip(markers["marker_id"].astype("object"), markers["label"].astype("object"), strict=True))
    labels |= {name: name.partition(":")[2] for name in (*own, *genes)}
    _check_markers(config, labels)
    _check_counts(config, cohort)
    measures = {
        f"measure:{m.name}": measured(m, config, cohort, matrix, subtypes, stages or {}) for m in plan.measures
    } | _expression(config, cohort)
    of_ctdna = {f"dated:{m.name}": dated(m, index, stages or {}) for m in plan.dated_measures()}
    labels |= {name: m.label for name, m in measures.items()} | {name: d.label for name, d in of_ctdna.items()}
    stratified_by = strata_of(config, cohort, subtypes)
    wanted = list(dict.fromkeys([*plan.covariates, *stratified_by, *(c.variable for c in plan.contrasts)]))
    variables = {name: value_of(name, config, cohort, subtypes) for name in wanted}
    imid: NDArray[np.float64]
    if config.study.imid is not None:
        imid = np.full(len(index), float(config.study.imid))
    else:
        imid = cohort.patients["imid"].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    other = matrix[matrix["timepoint"] != plan.timepoint]
    twin = same_event(markers)
    return Setting(
        patients=tuple(str(x) for x in index),
        populations=_populations(config, cohort),
        outcomes={name: _outcome(name, config, cohort, index) for name in config.endpoints},
        states=states,
        labels=labels,
        markers=tuple(
            sorted(str(x) for x in markers["marker_id"] if (x not in twin if plan.markers is None else x in plan.markers))
        ),
        features=tuple(own),
        genes=genes,
        same_event={} if plan.markers is not None else twin,
        measures=measures,
        course=make_course(cohort, matrix, index),
        stratified_by=stratified_by,
        other_timepoints={str(k): int(v) for k, v in sorted(other.groupby("timepoint")["marker_id"].nunique().items())},
        variables=variables,
        codings={name: coding_of(name, values) for name, values in variables.items()},
        imid=imid,
        counts=counted(config, cohort) if {"moderated_t", "deseq2"} & set(plan.methods) else None,
        dated=of_ctdna,
    )


def strata_of(config: CohortFile, cohort: Cohort, subtypes: pd.DataFrame) -> tuple[str, ...]:
    """Return the strata of the adjusted models: those of the cohort file, else subtype and treatment where they can be strata.

    Cell of origin and treatment confound most markers of lymphoma, so they are strata unless the
    cohort file says otherwise: where they are known, and two of their classes have ten patients.
    """
    if config.analysis.strata is not None:
        return tuple(dict.fromkeys(config.analysis.strata))
    found = []
    for name in ("subtype", "treatment"):
        if name == "subtype" and config.subtype.use is None:
            continue
        values = value_of(name, config, cohort, subtypes)
        counts = values.dropna().value_counts()
        if int((counts >= _STRATUM).sum()) >= 2 and not (values.isna().mean() > _UNKNOWN):
            found.append(name)
    return tuple(found)


def _features(cohort: Cohort, index: pd.Index) -> States:
    """Return ``feature:NAME`` -> states; a patient whom the table does not have was not assessed."""
    table = cohort.features.set_index("patient_id").reindex(index)
    values = table.to_numpy(dtype=np.float64)
    codes = np.where(np.isnan(values), NOT_ASSESSED, values).astype(np.int8)
    return {f"feature:{name}": codes[:, i] for i, name in enumerate(table.columns)}


def _expression(config: CohortFile, cohort: Cohort) -> dict[str, Measured]:
    asked = config.analysis.expression
    if asked == "none" or cohort.expression.empty:
        return {}
    genes = sorted(set(cohort.expression["gene"].astype(str)))
    if asked == "knowledge_base":
        genes = [gene for gene in genes if gene in load_genes().symbols]
    return expressed(genes, config, cohort)


def _populations(config: CohortFile, cohort: Cohort) -> dict[str, tuple[str, Mask]]:
    everyone = np.ones(len(cohort.patients), dtype=bool)
    out = {"all": ("All patients", everyone)}
    for name, population in config.analysis.populations.items():
        column = f"population:{name}"
        if column not in cohort.patients:
            raise InputError(
                "the patients table does not say who belongs to this population",
                path="patients",
                column=column,
                remedy="Run `resistance gather` again with this cohort file.",
            )
        member = cohort.patients[column].astype("boolean").fillna(False).to_numpy(dtype=bool)
        out[name] = (population.label, member)
    return out


def _outcome(name: str, config: CohortFile, cohort: Cohort, index: pd.Index) -> Outcome:
    endpoint = config.endpoints[name]
    rows = cohort.endpoints[cohort.endpoints["endpoint"] == name].set_index("patient_id").reindex(index)
    value = rows["value"].to_numpy(dtype=np.float64)
    time = rows["time_days"].to_numpy(dtype=np.float64)
    entry = rows["entry_days"].to_numpy(dtype=np.float64) if "entry_days" in rows else np.full(len(index), np.nan)
    code = rows["event"].to_numpy(dtype=np.float64, na_value=np.nan)
    counts = rows["excluded"].isna().to_numpy(dtype=bool)
    if endpoint.kind == "time_to_event":
        usable = counts & ~np.isnan(time) & ~np.isnan(code)
        as_event = endpoint.survival is not None and endpoint.survival.competing_as == "event"
        event = usable & ((code == 1) | (as_event & (code >= 2)))
    else:
        usable = counts & ~np.isnan(value)
        event = usable & (value == 1) & (endpoint.kind == "binary")
    reasons = rows["excluded"].astype("object").where(rows["excluded"].notna(), "no value")[~usable]
    return Outcome(
        kind=endpoint.kind,
        usable=usable,
        value=value,
        time=time,
        entry=np.nan_to_num(entry, nan=0.0),
        event=event,
        code=np.nan_to_num(code, nan=0.0).astype(np.int64),
        levels=tuple(str(level) for level in endpoint.levels),
        competing=endpoint.survival is not None and bool(endpoint.survival.competing_codes),
        excluded={str(k): int(v) for k, v in sorted(reasons.value_counts().items())},
    )


def _check_markers(config: CohortFile, labels: dict[str, str]) -> None:
    """Refuse names of markers that do not exist, all at once."""
    asked = [("analysis.markers", name) for name in config.analysis.markers or ()]
    later: list[Landmark | TimeDependent] = [*config.analysis.landmarks, *config.analysis.time_dependent]
    asked += [(f"analysis '{item.name}'", name) for item in later for name in item.markers or ()]
    asked += [(f"analysis.joint '{joint.name}'", name) for joint in config.analysis.joint for name in joint.markers]
    problems = []
    for where, name in asked:
        if name not in labels:
            close = difflib.get_close_matches(name, list(labels), 1)
            remedy = f"Did you mean '{close[0]}'?" if close else "`resistance matrix` writes the markers there are."
            problems.append(Problem("no such marker", where, value=name, remedy=remedy))
    for key in unknown_methods(config.analysis.methods):
        close = difflib.get_close_matches(key, [m.key for m in METHODS], 1)
        remedy = f"Did you mean '{close[0]}'?" if close else f"There are: {', '.join(m.key for m in METHODS)}."
        problems.append(Problem("no such method", "analysis.methods", value=key, remedy=remedy))
    if problems:
        raise InputError(problems)


def _check_counts(config: CohortFile, cohort: Cohort) -> None:
    """Refuse tests of counts where there are none, or where what they need is not installed."""
    wanted = [key for key in ("moderated_t", "deseq2") if key in config.analysis.methods]
    if not wanted or config.analysis.expression == "none":
        return
    unit = cohort.facts.get("expression_unit")
    negative_binomial = "deseq2" in wanted
    if negative_binomial and unit != "counts":
        raise InputError(
            "deseq2 takes raw counts",
            column="analysis.methods",
            value=f"expression.unit: {unit}",
            remedy="Take moderated_t, or give the table of counts (expression.unit: counts).",
        )
    if unit == "counts":
        table = cohort.expression.set_index("gene")
        values = table.to_numpy(dtype=np.float64)
        wrong = (values < 0) | (negative_binomial & (np.abs(values - np.rint(values)) > WHOLE))
        if wrong.any():
            gene, sample = np.argwhere(wrong)[0]
            raise InputError(
                f"{int(wrong.sum())} value(s) are no counts{'' if (values < 0).any() else ': not whole numbers'}",
                path="expression",
                column=str(table.columns[sample]),
                value=f"{table.index[gene]} {values[gene, sample]:g}",
                remedy="Give raw counts, or say what the numbers are (expression.unit) and take moderated_t.",
            )
    if negative_binomial and find_spec("pydeseq2") is None:
        raise InputError(
            "deseq2 needs pydeseq2, which is not installed",
            column="analysis.methods",
            value="deseq2",
            remedy="pip install 'resistance[counts]', or take moderated_t.",
        )
