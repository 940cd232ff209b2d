"""Patients sheet (and sheets joined to it) -> patients who are analysed, their covariates, endpoints and populations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance.config import CohortFile, ColumnMap, Endpoint, Rule, TimeColumn
from resistance.errors import Collected, InputError, Problem
from resistance.read.sheet import code, codes, read_sheet, take
from resistance.schemas import ENDPOINTS, PATIENTS
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped

#: columns of the patients table with a type of their own; covariates become numbers where all values are
_INTO = {"age_years": "years"}


@dataclass(frozen=True)
class Clinic:
    """What the patients sheet says.

    ``sheet`` keeps the joined source rows of the included patients (text, with ``_row``), indexed as
    ``patients``; ``all_ids`` names every patient of the file, included or not.
    """

    patients: pd.DataFrame
    endpoints: pd.DataFrame
    sheet: pd.DataFrame
    all_ids: frozenset[str]
    flow: list[dict[str, Any]]


def read_clinic(config: CohortFile, base: Path, dropped: Dropped) -> Clinic:
    """Read the patients of a cohort.

    Parameters
    ----------
    config : CohortFile
    base : Path
        Folder of the cohort file.
    dropped : Dropped
        Takes the patients that inclusion rules leave out.

    Returns
    -------
    Clinic

    Raises
    ------
    InputError
        Everything that is wrong with the sheet: missing columns, duplicate patients, undeclared
        codes, negative times.
    """
    path = base / config.patients.file
    sheet = _joined(config, base)
    problems: list[Problem] = []
    if "patient_id" not in config.patients.columns:
        raise InputError(
            "patients.columns must say which column holds the patient_id",
            path=path,
            column="patient_id",
            remedy="patient_id: COLUMN",
        )
    ids = take(sheet, config.patients.columns["patient_id"], name="patient_id", path=path)
    for index in ids[ids.isna()].index[:20]:
        problems.append(Problem("a patient has no identifier", str(path), int(sheet["_row"][index]), "patient_id"))
    for index in ids[ids.duplicated() & ids.notna()].index[:20]:
        first = int(sheet.loc[ids == ids[index], "_row"].iloc[0])
        problems.append(
            Problem(
                "duplicate patient",
                str(path),
                int(sheet["_row"][index]),
                _shown(config.patients.columns["patient_id"]),
                ids[index],
                f"First in row {first}. Keep one row per patient; further samples belong into the samples sheet.",
            )
        )
    if problems:
        raise InputError(problems)
    flow: list[dict[str, Any]] = [{"step": f"patients in {path.name}", "n": len(ids)}]
    kept = sheet
    for rule in config.patients.include:
        passed = passes(kept, [rule], path)
        dropped.add(
            "patients", path, rule.reason, int((~passed).sum()), ids[passed[~passed].index[0]] if (~passed).any() else None
        )
        kept = kept[passed]
        flow.append({"step": f"left out: {rule.reason}", "n": int((~passed).sum())})
    if kept.empty:
        raise InputError(
            "no patient passes the inclusion rules", path=path, remedy="Look at patients.include in the cohort file."
        )
    flow.append({"step": "patients analysed", "n": len(kept)})
    collected = Collected()
    patients = collected.call(_patients, config, kept, ids, path)
    endpoints = collected.call(read_endpoints, config, kept, ids, path)
    collected.stop()
    assert patients is not None
    assert endpoints is not None
    return Clinic(patients, endpoints, kept, frozenset(ids), flow)


def _shown(spec: ColumnMap) -> str:
    return spec.column if isinstance(spec.column, str) else " / ".join(spec.column or ["(constant)"])


def _joined(config: CohortFile, base: Path) -> pd.DataFrame:
    spec = config.patients
    frame = read_sheet(base / spec.file, sheet=spec.sheet, comment=spec.comment, encoding=spec.encoding)
    if "patient_id" not in spec.columns or not spec.join:
        return frame
    ids = take(frame, spec.columns["patient_id"], name="patient_id", path=base / spec.file)
    for join in spec.join:
        path = base / join.file
        other = read_sheet(path, sheet=join.sheet, comment=join.comment, encoding=join.encoding)
        key = take(other, join.patient_id, name="patient_id", path=path)
        twice = key.duplicated() & key.notna()
        if twice.any():
            index = twice[twice].index[0]
            raise InputError(
                "duplicate patient in a joined sheet",
                path=path,
                row=int(other["_row"][index]),
                column=_shown(join.patient_id),
                value=key[index],
                remedy="A joined sheet has one row per patient.",
            )
        if not key.isin(ids).any():
            raise InputError(
                "no row of the joined sheet names a patient of the patients sheet",
                path=path,
                column=_shown(join.patient_id),
                value=key.dropna().iloc[0] if key.notna().any() else None,
                remedy=f"Patients are called like '{ids.dropna().iloc[0]}': set pattern and template of join.patient_id.",
            )
        other = other.drop(columns="_row").add_prefix(join.prefix)
        clash = [name for name in other.columns if name in frame.columns]
        other = other.drop(columns=clash)  # the first sheet's own column stands; a prefix gives access to the other
        other.index = key.to_numpy()
        other = other[other.index.notna()]
        frame = frame.join(other.reindex(ids.to_numpy()).set_axis(frame.index, axis=0))
    return frame


def passes(sheet: pd.DataFrame, rules: Sequence[Rule], path: Path) -> pd.Series:
    """Return which rows of the sheet pass all rules (an unknown value passes none but ``not_in``)."""
    import pandas as pd

    passed = pd.Series(True, index=sheet.index)
    for rule in rules:
        spec = ColumnMap.model_validate({"column": rule.column})
        if rule.in_ is not None or rule.not_in is not None:
            values = codes(take(sheet, spec, name=rule.column, path=path))
            if rule.in_ is not None:
                passed &= values.isin([code(x) for x in rule.in_])
            if rule.not_in is not None:
                passed &= ~values.isin([code(x) for x in rule.not_in])
        if rule.at_least is not None or rule.at_most is not None:
            numbers = take(sheet, spec, name=rule.column, path=path, into="number")
            passed &= numbers >= (float("-inf") if rule.at_least is None else rule.at_least)
            passed &= numbers <= (float("inf") if rule.at_most is None else rule.at_most)
    return passed.astype(bool)


def _patients(config: CohortFile, sheet: pd.DataFrame, ids: pd.Series, path: Path) -> pd.DataFrame:
    """Build the patients table: named columns, covariates, ``label:<name>`` and ``population:<name>``."""
    import pandas as pd

    unknown = sorted(set(config.patients.columns) - set(PATIENTS.names))
    if unknown:
        raise InputError(
            [
                Problem("patients.columns names something the patients table does not have", str(path), column=name,
                        remedy=f"It has: {', '.join(PATIENTS.names)}; other columns belong under 'covariates'.")
                for name in unknown
            ]
        )  # fmt: skip
    collected = Collected()
    out: dict[str, Any] = {"_row": sheet["_row"]}
    for name, spec in config.patients.columns.items():
        out[name] = collected.call(take, sheet, spec, name=name, path=path, into=_INTO.get(name, "text"))
    if config.study.imid is not None:
        out["imid"] = pd.Series(config.study.imid, index=sheet.index)
    if "disease" not in out:
        out["disease"] = pd.Series(config.study.disease, index=sheet.index)
    taken = {"patient_id", *PATIENTS.names}
    for name, spec in config.covariates.items():
        if name in taken:
            raise InputError(
                "a covariate has the name of a column of the patients table", path=path, column=name, remedy="Rename it."
            )
        values = collected.call(take, sheet, spec, name=name, path=path)
        out[name] = None if values is None else _typed(values)
    for label in config.subtype.labels:
        out[f"label:{label.name}"] = collected.call(take, sheet, label.value, name=f"subtype label {label.name}", path=path)
    for name, population in config.analysis.populations.items():
        out[f"population:{name}"] = collected.call(passes, sheet, population.include, path)
    collected.stop()
    return conform(pd.DataFrame(out), PATIENTS, path=path)


def _typed(values: pd.Series) -> pd.Series:
    """Return a covariate as numbers where every known value is one, else as text."""
    import pandas as pd

    numbers = pd.to_numeric(values, errors="coerce")
    return numbers.astype("float64") if (numbers.notna() == values.notna()).all() and values.notna().any() else values


def read_endpoints(config: CohortFile, sheet: pd.DataFrame, ids: pd.Series, path: Path) -> pd.DataFrame:
    """Build the endpoints table: one row per included patient and endpoint, with a reason where there is no value."""
    import pandas as pd

    collected = Collected()
    parts = []
    for name, endpoint in config.endpoints.items():
        if endpoint.adverse_event is not None:
            continue  # read from the table of adverse events (see adverse_endpoints)
        part = collected.call(_endpoint, name, endpoint, sheet, path)
        if part is not None:
            part = part.assign(patient_id=ids[sheet.index], endpoint=name, kind=endpoint.kind)
            parts.append(part)
    collected.stop()
    return conform(pd.concat(parts, ignore_index=True), ENDPOINTS, path=path) if parts else empty(ENDPOINTS)


def _endpoint(name: str, endpoint: Endpoint, sheet: pd.DataFrame, path: Path) -> pd.DataFrame:
    import pandas as pd

    if endpoint.survival is not None and endpoint.kind == "time_to_event":
        return _time_to_event(name, endpoint.survival, sheet, path)
    assert endpoint.value is not None  # the model requires it for the other kinds
    if endpoint.kind == "continuous":
        value = take(sheet, endpoint.value, name=f"endpoint {name}", path=path, into="number")
        return pd.DataFrame({"value": value, "excluded": _reason(value.isna(), "value not known")})
    label = codes(take(sheet, endpoint.value, name=f"endpoint {name}", path=path))
    ranks: dict[str, float] = {}
    if endpoint.kind == "binary":
        ranks = {code(x): 1.0 for x in endpoint.positive} | {code(x): 0.0 for x in endpoint.negative}
    else:
        ranks = {code(x): float(i) for i, x in enumerate(endpoint.levels)}
    neither = [code(x) for x in endpoint.not_evaluable]
    _declared(label, [*ranks, *neither], sheet, path, _shown(endpoint.value), f"endpoint '{name}'")
    value = label.map(ranks, na_action="ignore").astype("float64")
    excluded = _reason(label.isna(), "value not known").mask(label.isin(neither), "not evaluable")
    return pd.DataFrame({"label": label, "value": value, "excluded": excluded})


def _declared(label: pd.Series, known: list[str], sheet: pd.DataFrame, path: Path, column: str, what: str) -> None:
    bad = label.notna() & ~label.isin(known)
    if bad.any():
        raise InputError(
            [
                Problem(
                    f"the code is not declared for {what}", str(path), int(sheet["_row"][i]), column, str(label[i]),
                    f"Declared: {', '.join(known)}. Add it to the code lists of {what} in the cohort file, or correct the cell.",
                )
                for i in bad[bad].index[:20]
            ]
        )  # fmt: skip


def _reason(mask: pd.Series, text: str) -> pd.Series:
    import pandas as pd

    return pd.Series(None, index=mask.index, dtype="object").mask(mask, text)


def _time_to_event(name: str, spec: TimeColumn, sheet: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return time_days, event and the reason where a patient cannot be counted."""
    import pandas as pd

    time = take(sheet, spec.time, name=f"endpoint {name}: time", path=path, into="days")
    label = codes(take(sheet, spec.event, name=f"endpoint {name}: event", path=path))
    known = {code(x): 0 for x in spec.censored_codes} | {code(x): 1 for x in spec.event_codes}
    known |= {code(x): 2 + i for i, x in enumerate(spec.competing_codes)}
    _declared(label, list(known), sheet, path, _shown(spec.event), f"the event of endpoint '{name}'")
    event = label.map(known, na_action="ignore").astype("float64")
    excluded = _reason(time.isna() & label.isna(), "time and event not known")
    excluded = excluded.mask(time.isna() & label.notna(), "time not known").mask(time.notna() & label.isna(), "event not known")
    negative = time < 0
    if negative.any() and spec.on_negative_time == "error":
        raise InputError(
            [
                Problem(
                    f"negative time for endpoint '{name}'", str(path), int(sheet["_row"][i]), _shown(spec.time), f"{time[i]:g} days",
                    "Correct the date, or set on_negative_time: exclude to leave the patient out of this endpoint, counted.",
                )
                for i in negative[negative].index[:20]
            ]
        )  # fmt: skip
    excluded = excluded.mask(negative, "negative time")
    if spec.start is not None:
        start = take(sheet, spec.start, name=f"endpoint {name}: start", path=path, into="days")
        open_ = excluded.isna()
        excluded = excluded.mask(open_ & start.isna(), "start of treatment not known")
        excluded = excluded.mask(open_ & (start < 0), "start of treatment lies before the origin")
        excluded = excluded.mask(open_ & (start >= time), "treatment does not start before the end of follow-up")
        time = time - start
    out = {"label": label}
    if spec.entry is not None:
        entry = take(sheet, spec.entry, name=f"endpoint {name}: entry", path=path, into="days")
        if spec.start is not None:
            entry = entry - start
        open_ = excluded.isna()
        excluded = excluded.mask(open_ & entry.isna(), "day of entry not known")
        excluded = excluded.mask(open_ & (entry >= time), "not under observation before the end of follow-up")
        out["entry_days"] = entry.clip(lower=0).where(excluded.isna())
    counted = excluded.isna()
    return pd.DataFrame(out | {"time_days": time.where(counted), "event": event.where(counted), "excluded": excluded})
