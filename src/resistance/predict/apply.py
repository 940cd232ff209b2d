"""A saved model, and a cohort or a table of its columns -> one row of predictions per patient, with what was filled in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from resistance.associate.variables import is_number, value_of
from resistance.errors import InputError, Problem
from resistance.predict.columns import NUMBER, STATE, Column, Source, coded_class, measure_coding, molecular_columns
from resistance.stats.prediction.model import Feature, Model, from_json, predict

if TYPE_CHECKING:
    import pandas as pd

_STATES = {"present": 1.0, "absent": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
_UNKNOWN = frozenset(("", "na", "nan", "not_assessed", "unknown", "null", "none"))


def read_model(path: Path) -> Model:
    """Read a saved model.

    Raises
    ------
    InputError
        It is missing, of another version, altered, or no such file at all.
    """
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError(
            "the model is missing", path=path, remedy="`resistance train` writes models below train/models of the results."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8 text, so no saved model", path=path) from error
    except ValueError as error:
        raise InputError(
            str(error), path=path, remedy="Take the file as `resistance train` wrote it, with the same version of resistance."
        ) from error


def columns_from_cohort(model: Model, source: Source) -> tuple[list[str], dict[str, Column], list[str]]:
    """Return patients, the model's columns by name, and notes (classes that the model has not met).

    Raises
    ------
    InputError
        Features that this cohort does not have: all of them are named.
    """
    problems, notes = list[Problem](), list[str]()
    out: dict[str, Column] = {}
    molecular = []
    measures = {f"measure:{m.name}": m for m in source.config.analysis.measures}
    expressed = set(source.cohort.expression["gene"].astype(str)) if not source.cohort.expression.empty else set()
    for feature in model.features:
        kind, _, rest = feature.name.partition(":")
        if feature.coding == NUMBER or _is_class(feature):
            base = feature.name.partition("=")[0] if _is_class(feature) else feature.name
            column, words = _clinical(feature, base, source, problems)
            notes += words
            if column is not None:
                out[feature.name] = column
        elif kind == "measure" and feature.name not in measures:
            problems.append(_absent(feature, "Define this measure under analysis.measures, as the training cohort did."))
        elif kind == "measure" and measure_coding(measures[feature.name]) != feature.coding:
            problems.append(
                Problem(
                    f"the measure means something else in the model ({feature.coding})",
                    column=feature.name,
                    value=measure_coding(measures[feature.name]),
                    remedy="Give it the same variable and scale.",
                )
            )
        elif kind == "expression" and rest not in expressed:
            problems.append(_absent(feature, "The expression table does not have this gene."))
        elif kind not in ("measure", "expression") and feature.name not in source.setting.states:
            problems.append(_absent(feature, "No patient of this cohort has a state of it at the analysis' time point."))
        else:
            molecular.append(feature.name)
    if problems:
        raise InputError(problems)
    out |= {column.name: column for column in molecular_columns(molecular, source)}
    return list(source.setting.patients), out, notes


def columns_from_table(model: Model, frame: pd.DataFrame, path: Path) -> tuple[list[str], dict[str, Column], list[str]]:
    """Return the same from a table of text: patient_id, and a column per feature (or per covariate whose classes it codes).

    Raises
    ------
    InputError
        No patient_id, a patient twice, features that are missing (all named), values that are no numbers.
    """
    if "patient_id" not in frame:
        raise InputError("the table has no patients", path=path, column="patient_id", remedy="Its first column is patient_id.")
    patients = [str(x) for x in frame["patient_id"]]
    problems, notes = list[Problem](), list[str]()
    lines: dict[str, int] = {}
    for i, patient in enumerate(patients):
        if patient.strip().lower() in _UNKNOWN:
            problems.append(Problem("a row without a patient", str(path), i + 2, "patient_id"))
        elif patient in lines:
            problems.append(Problem(f"this patient stands in row {lines[patient]} too", str(path), i + 2, "patient_id", patient))
        lines.setdefault(patient, i + 2)
    out: dict[str, Column] = {}
    for feature in model.features:
        base = feature.name.partition("=")[0]
        if feature.name in frame:
            values = _numbers(frame[feature.name].tolist(), feature, path, problems)
        elif _is_class(feature) and base in frame:
            plain = [None if str(x).strip().lower() in _UNKNOWN else str(x).strip() for x in frame[base]]
            values, unmet = coded_class(plain, feature.coding)
            notes += _unmet(base, unmet)
        else:
            problems.append(_absent(feature, f"The model needs it ({feature.coding}); NA in it is allowed.", str(path)))
            continue
        out[feature.name] = Column(feature.name, feature.coding, values)
    if problems:
        raise InputError(problems)
    return patients, out, list(dict.fromkeys(notes))


def apply_model(
    model: Model, patients: Sequence[str], columns: dict[str, Column], *, days: Sequence[float] = ()
) -> tuple[pd.DataFrame, list[str]]:
    """Return predictions, one row per patient, and what to beware of.

    Parameters
    ----------
    model : Model
    patients : sequence of str
    columns : dict of Column
    days : sequence of float
        Time to event: days by which risk is given.

    Returns
    -------
    DataFrame
        patient_id, linear_predictor, then ``risk`` (binary), ``risk_above_LEVEL`` (ordinal) or ``relative_hazard`` and
        ``risk_by_day_D`` (time to event; NA beyond the longest follow-up in training); ``filled_in`` and
        ``out_of_range``: features per patient.
    list of str

    Raises
    ------
    InputError
        Days for an outcome without time, or negative ones.
    """
    import pandas as pd

    values = {name: column.value for name, column in columns.items()}
    if not model.features:  # only its baseline is left: everybody has the same risk
        values = {"": np.zeros(len(patients))}
    try:
        found = predict(model, values, times=list(days))
    except ValueError as error:
        raise InputError(str(error), column="--days" if "times" in str(error) else None) from error
    out: dict[str, object] = {"patient_id": list(patients), "linear_predictor": found.linear_predictor}
    if model.kind == "survival":
        out["relative_hazard"] = found.risk
        out |= {f"risk_by_day_{day:g}": found.risk_at[:, j] for j, day in enumerate(found.times)}
    elif model.kind == "binary":
        out["risk"] = found.risk
    else:
        out |= {f"risk_above_{level:g}": found.probability[:, j] for j, level in enumerate(model.levels[:-1])}
    out |= {"filled_in": found.patient_missing, "out_of_range": found.patient_out_of_range}
    notes = list(found.notes)
    if not model.features:
        notes.append("the model has no feature: everybody gets the risk of the training patients")
    outside = int((found.patient_out_of_range > 0).sum())
    if outside:
        notes.append(f"{outside} of {len(patients)} patients lie outside the training range in a feature: extrapolated")
    return pd.DataFrame(out), notes


def _is_class(feature: Feature) -> bool:
    return "=" in feature.name and feature.coding.startswith("1 ") and feature.coding != STATE


def _absent(feature: Feature, remedy: str, path: str | None = None) -> Problem:
    return Problem("a feature of the model is not there", path, column=feature.name, remedy=remedy)


def _unmet(name: str, unmet: dict[str, int]) -> list[str]:
    return [f"{name}: the class {level} of {n} patients was not met in training; read as unknown" for level, n in unmet.items()]


def _clinical(feature: Feature, base: str, source: Source, problems: list[Problem]) -> tuple[Column | None, list[str]]:
    try:
        values = value_of(base, source.config, source.cohort, source.subtypes)
    except InputError:
        problems.append(_absent(feature, f"Name the covariate '{base}' in the cohort file ({feature.coding})."))
        return None, []
    if feature.coding == NUMBER:
        if not is_number(values):
            problems.append(Problem("the model takes a number, and here it is text", column=base, remedy="Map its values."))
            return None, []
        return Column(feature.name, feature.coding, values.to_numpy(dtype=np.float64)), []
    if is_number(values):  # classes that are written as numbers: 1, not 1.0
        plain = [None if np.isnan(x) else f"{x:g}" for x in values.to_numpy(dtype=np.float64)]
    else:
        plain = [None if missing else str(x) for x, missing in zip(values, values.isna(), strict=True)]
    coded, unmet = coded_class(plain, feature.coding)
    return Column(feature.name, feature.coding, coded), _unmet(base, unmet)


def _numbers(texts: Sequence[object], feature: Feature, path: Path, problems: list[Problem]) -> np.ndarray:
    out = np.full(len(texts), np.nan)
    for i, text in enumerate(texts):
        word = "" if text is None or text != text else str(text).strip()
        if word.lower() in _UNKNOWN:
            continue
        if feature.coding == STATE and word in _STATES:
            out[i] = _STATES[word]
            continue
        try:
            number = float(word)
        except ValueError:
            number = float("nan")
        allowed = (0.0, 1.0) if feature.coding == STATE or _is_class(feature) else None
        if not np.isfinite(number) or (allowed is not None and number not in allowed):
            remedy = (
                "present, absent, not_assessed, or 1, 0, NA."
                if feature.coding == STATE
                else f"It is {feature.coding}; NA where unknown."
            )
            problems.append(Problem("no value that the model knows", str(path), i + 2, feature.name, word, remedy))
        else:
            out[i] = number
    return out
