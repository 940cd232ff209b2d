"""Stage tables and the name of a column -> its number per patient; one way for training and for applying a saved model.

A column is named as in the results: a marker_id, ``gene:``, ``feature:``, ``measure:`` or ``expression:``, a covariate, or
``covariate=class``.  What its numbers mean is its coding, in words that are saved with the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from resistance.associate.measures import log2_expression_of, measured
from resistance.associate.setting import Setting, by_name, make_setting
from resistance.associate.states import NOT_ASSESSED
from resistance.associate.variables import coding_of, is_number, value_of
from resistance.config.prediction import FEATURE_WORDS
from resistance.errors import InputError, Problem
from resistance.knowledge import load_genes

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import CohortFile, Measure, Prediction

FloatArray = NDArray[np.float64]

NUMBER = "number"
STATE = "1 present, 0 absent"
EXPRESSION = "log2 expression"
#: measures are saved on a scale that does not depend on who else is in the cohort
_OWN_SCALE = {"unit": "unit", "sd": "unit", "rank": "unit", "log2": "log2", "log10": "log10"}


@dataclass(frozen=True)
class Column:
    """A column of a model.

    Parameters
    ----------
    name, coding : str
    value : array, shape (patients,)
        NaN where it is not known (not assessed, not measured).
    """

    name: str
    coding: str
    value: FloatArray


@dataclass(frozen=True)
class Source:
    """The tables that columns are read from; arrays follow the order of the patients table."""

    config: CohortFile
    cohort: Cohort
    matrix: pd.DataFrame
    subtypes: pd.DataFrame
    stages: Mapping[str, pd.DataFrame]
    setting: Setting


def make_source(
    config: CohortFile,
    cohort: Cohort,
    markers: pd.DataFrame,
    matrix: pd.DataFrame,
    subtypes: pd.DataFrame,
    *,
    gene_states: pd.DataFrame | None = None,
    stages: Mapping[str, pd.DataFrame] | None = None,
) -> Source:
    """Gather the tables (arguments as in :func:`resistance.associate.make_plan`)."""
    further = dict(stages or {})
    cohort = by_name(cohort)
    setting = make_setting(config, cohort, markers, matrix, subtypes, gene_states, further)
    return Source(config, cohort, matrix, subtypes, further, setting)


def class_coding(level: str, others: Iterable[str]) -> str:
    """Return the coding of a class: ``1 ABC, 0 GCB | UNCLASSIFIED``."""
    return f"1 {level}, 0 {' | '.join(others)}"


def coded_class(values: Sequence[object], coding: str) -> tuple[FloatArray, dict[str, int]]:
    """Return 1, 0 or NaN (not known, or a class that the coding does not have), and the latter counted by class.

    Examples
    --------
    >>> coded_class(["ABC", "GCB", None, "PMBL"], "1 ABC, 0 GCB")
    (array([ 1.,  0., nan, nan]), {'PMBL': 1})
    """
    level, _, rest = coding.removeprefix("1 ").partition(", 0 ")
    known = {level: 1.0} | dict.fromkeys(rest.split(" | "), 0.0)
    out, unmet = np.full(len(values), np.nan), dict[str, int]()
    for i, value in enumerate(values):
        if value is None or value != value:
            continue
        if str(value) in known:
            out[i] = known[str(value)]
        else:
            unmet[str(value)] = unmet.get(str(value), 0) + 1
    return out, dict(sorted(unmet.items()))


def clinical_columns(name: str, source: Source, members: NDArray[np.bool_]) -> list[Column]:
    """Return the columns of a covariate; a class is compared with the most frequent one of `members`."""
    values = value_of(name, source.config, source.cohort, source.subtypes)
    coding = coding_of(name, values[members])
    if is_number(values):
        return [Column(name, NUMBER, values.to_numpy(dtype=np.float64))]
    plain = [None if missing else str(value) for value, missing in zip(values, values.isna(), strict=True)]
    out = []
    for level in coding.levels:
        if level != coding.reference:
            words = class_coding(level, [other for other in coding.levels if other != level])
            out.append(Column(f"{name}={level}", words, coded_class(plain, words)[0]))
    return out


def molecular_names(asked: Prediction, source: Source) -> list[str]:
    """Return the columns that `features` of the cohort file stands for, in its order, each once.

    Raises
    ------
    InputError
        No such marker.
    """
    import difflib

    setting, problems, names = source.setting, [], list[str]()
    for word in asked.features:
        if word in FEATURE_WORDS:
            names += {
                "markers": lambda: list(setting.markers),
                "measures": lambda: [name for name in setting.measures if name.startswith("measure:")],
                "features": lambda: list(setting.features),
                "genes": lambda: list(setting.genes),
                "expression": lambda: _genes_expressed(source),
            }[word]()
        elif word in setting.states or word in setting.labels:
            names.append(word)
        else:
            close = difflib.get_close_matches(word, [*FEATURE_WORDS, *setting.labels], 1)
            remedy = f"Did you mean '{close[0]}'?" if close else f"Besides marker_ids there are: {', '.join(FEATURE_WORDS)}."
            problems.append(Problem("no such marker", f"prediction '{asked.name}'", column="features", value=word, remedy=remedy))
    if problems:
        raise InputError(problems)
    return list(dict.fromkeys(names))


def molecular_columns(names: Sequence[str], source: Source) -> list[Column]:
    """Return these columns.

    Raises
    ------
    InputError
        A measure that the cohort file does not have, or that the tables cannot give.
    """
    genes = [name.partition(":")[2] for name in names if name.startswith("expression:")]
    expressed = dict(zip(genes, log2_expression_of(genes, source.config, source.cohort), strict=True)) if genes else {}
    out = []
    for name in names:
        kind, _, rest = name.partition(":")
        if kind == "expression":
            out.append(Column(name, EXPRESSION, expressed[rest]))
        elif kind == "measure":
            out.append(_measure(name, source))
        else:
            state = source.setting.state(name)
            out.append(Column(name, STATE, np.where(state == NOT_ASSESSED, np.nan, state.astype(np.float64))))
    return out


def _measure(name: str, source: Source) -> Column:
    measure = next(m for m in source.config.analysis.measures if f"measure:{m.name}" == name)
    own = measure.model_copy(update={"scale": _OWN_SCALE[measure.scale]})
    found = measured(own, source.config, source.cohort, source.matrix, source.subtypes, source.stages)
    return Column(name, measure_coding(measure), found.value)


def measure_coding(measure: Measure) -> str:
    """Return what a measure's numbers mean: its source, and its scale."""
    return f"{measure.variable}, {_OWN_SCALE[measure.scale]}"


def _genes_expressed(source: Source) -> list[str]:
    if source.cohort.expression.empty:
        return []
    genes = sorted(set(source.cohort.expression["gene"].astype(str)))
    if source.config.analysis.expression != "all":
        genes = [gene for gene in genes if gene in load_genes().symbols]
    return [f"expression:{gene}" for gene in genes]
