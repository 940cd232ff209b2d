"""The marker matrix as AnnData: patients at a time point x markers, with the clinic beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.errors import InputError
from resistance.export.wide import units, wide
from resistance.tables import replacing

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped
    from resistance.export.results import Results

#: words of the matrix -> the layer ``state``
CODES = {"not_assessed": -1, "absent": 0, "present": 1}
RESEARCH_USE = "Research use only: not for diagnosis or for the choice of a treatment."


def write(results: Results, folder: Path, _dropped: Dropped) -> list[Path]:
    """Write ``markers.h5ad``.

    Raises
    ------
    InputError
        The package anndata is not installed.
    """
    path = folder / "markers.h5ad"
    data = markers(results)
    with replacing(path) as temporary:
        data.write_h5ad(temporary, compression="gzip")
    return [path]


def markers(results: Results) -> Any:
    """Return the matrix as AnnData.

    Returns
    -------
    anndata.AnnData
        ``X`` float32: 1 present, 0 absent, NaN not assessed.  Layers: ``state`` int8 (1, 0, -1) and
        ``value`` float64 (VAF, ratio, level ..., NaN where there is none).  ``obs``: one row per
        patient and time point; what is known of the patient (covariates, endpoints, subtypes) stands
        in each of its rows.  ``var``: the statements.
    """
    keys = units(results)
    # by hand, for replace() of words by numbers would warn of a changed dtype
    state = wide(results, "state").apply(lambda column: column.map(CODES)).to_numpy(dtype=np.int8).reshape(len(keys), -1)
    value = wide(results, "value").to_numpy(dtype=np.float64).reshape(state.shape)
    return library("anndata").AnnData(
        X=np.where(state < 0, np.nan, state).astype(np.float32),
        obs=observations(results),
        var=statements(results),
        layers={"state": state, "value": value},
        uns=about(results),
    )


def library(name: str) -> Any:
    """Import an optional package, or say how to get it."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            f"this format needs the Python package {name}, which is not installed ({error})",
            remedy="Install it with  pip install 'resistance[anndata]'.",
        ) from error


def about(results: Results) -> dict[str, Any]:
    """Return what holds for the whole file."""
    from resistance import __version__

    facts = results.facts
    found = {
        "name": facts["name"],
        "title": facts["title"],
        "build": facts["build"],
        "disease": facts.get("disease"),
        "citation": facts.get("citation"),
        "simulated": bool(facts.get("simulated")),
        "simulation_note": facts.get("simulation_note"),
        "resistance_version": __version__,
        "research_use_only": RESEARCH_USE,
        "states": "X: 1 present, 0 absent, NaN not assessed; layer state: 1, 0, -1",
    }
    return {key: value for key, value in found.items() if value is not None}


def observations(results: Results) -> pd.DataFrame:
    """Return one row per unit, named ``<patient>|<time point>``: covariates, endpoints and subtypes of the patient."""
    import pandas as pd

    keys = units(results)
    patient = keys["patient_id"].astype("object")
    columns: dict[str, pd.Series] = {"patient_id": keys["patient_id"], "timepoint": keys["timepoint"]}

    def add(name: str, of_patient: pd.Series) -> None:
        # '/' parts groups in HDF5
        columns[name.replace("/", "_")] = patient.map(of_patient)

    for name in results.patients.columns:
        if name != "patient_id":
            add(str(name), results.patients.set_index(results.patients["patient_id"].astype("object"))[name])
    for (endpoint, kind), rows in results.endpoints.groupby(["endpoint", "kind"], sort=False):
        of = rows.set_index(rows["patient_id"].astype("object"))
        parts = ("time_days", "event") if kind == "time_to_event" else ("value", "label")
        for part in (*parts, "excluded"):
            add(f"endpoint:{endpoint}:{part}", of[part])
    for method, rows in results.subtypes.groupby("method", sort=False):
        add(f"subtype:{method}", rows.set_index(rows["patient_id"].astype("object"))["subtype"])
    frame = pd.DataFrame({name: plain(values) for name, values in columns.items()})
    frame.index = pd.Index((keys["patient_id"] + "|" + keys["timepoint"]).astype("object"), dtype="object")
    return frame


def statements(results: Results) -> pd.DataFrame:
    """Return the markers table by marker_id."""
    import pandas as pd

    table = results.markers
    frame = pd.DataFrame({str(name): plain(table[name]) for name in table.columns if name != "marker_id"})
    frame.index = pd.Index(table["marker_id"].astype("object"), dtype="object", name=None)
    return frame


def plain(values: pd.Series) -> pd.Series:
    """Return a column in a type that every reader of h5ad knows, unknown values kept.

    Numbers are float64 with NaN, true and false the words 'true' and 'false', all text categories
    (categories have a code for unknown; plain HDF5 strings do not).
    """
    import pandas as pd

    if pd.api.types.is_bool_dtype(values) or set(values.dropna().map(type)) == {bool}:
        values = values.map({True: "true", False: "false"}, na_action="ignore")
    elif pd.api.types.is_numeric_dtype(values):
        return pd.Series(values.to_numpy(dtype=np.float64, na_value=np.nan))
    text = values.astype("object").where(values.notna(), None).map(str, na_action="ignore")
    known = sorted(set(text.dropna()))
    return pd.Series(pd.Categorical(text, categories=pd.Index(known, dtype="object"))).reset_index(drop=True)
