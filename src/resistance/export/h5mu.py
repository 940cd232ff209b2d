"""Marker matrix and expression as MuData: two modalities over the same patients at the same time points."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.errors import InputError
from resistance.export.h5ad import library, markers
from resistance.export.wide import units
from resistance.tables import replacing

if TYPE_CHECKING:
    from resistance.dropped import Dropped
    from resistance.export.results import Results

SECOND = "a further sample of the patient at the time point"
GERMLINE = "germline sample"


def write(results: Results, folder: Path, dropped: Dropped) -> list[Path]:
    """Write ``cohort.h5mu`` with the modalities ``markers`` (as in h5ad) and ``expression``.

    Raises
    ------
    InputError
        The cohort has no expression, or the package mudata is not installed.
    """
    if not len(results.expression):
        raise InputError(
            "the cohort has no expression, so there is no second modality",
            path=results.folder,
            remedy="Export h5ad, which holds the markers.",
        )
    path = folder / "cohort.h5mu"
    mudata = library("mudata")
    with mudata.set_options(pull_on_update=False):
        first = markers(results)
        data = mudata.MuData({"markers": first, "expression": _expression(results, dropped)})
        data.uns.update(first.uns)
        with replacing(path) as temporary:
            data.write(temporary, compression="gzip")
    return [path]


def _expression(results: Results, dropped: Dropped) -> Any:
    """Return expression as AnnData over units; of several samples of a unit the first (by day, then name) speaks."""
    import pandas as pd

    table = results.expression
    genes = table["gene"].astype("object")
    samples = results.samples[results.samples["sample_id"].isin(list(table.columns[1:]))]
    germline = samples["material"] == "germline"
    dropped.add("cohort.h5mu", "expression", GERMLINE, int(germline.sum()), samples.loc[germline, "sample_id"].min())
    samples = samples[~germline].sort_values(["day", "sample_id"], na_position="last", kind="stable")
    twice = samples.duplicated(["patient_id", "timepoint"])
    dropped.add("cohort.h5mu", "expression", SECOND, int(twice.sum()), samples.loc[twice, "sample_id"].min())
    chosen = units(results).merge(samples[~twice], on=["patient_id", "timepoint"], how="inner")
    name = (chosen["patient_id"] + "|" + chosen["timepoint"]).astype("object")
    return library("anndata").AnnData(
        X=table[chosen["sample_id"].tolist()].to_numpy(dtype=np.float32).T,
        obs=pd.DataFrame({"sample_id": pd.Categorical(chosen["sample_id"].astype("object"))}).set_axis(
            pd.Index(name, dtype="object")
        ),
        var=pd.DataFrame(index=pd.Index(genes, dtype="object", name=None)),
        uns={"unit": str(results.facts.get("expression_unit")), "platform": str(results.facts.get("expression_platform"))},
    )
