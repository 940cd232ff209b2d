"""What every file of a cBioPortal study needs: its names, the samples it may hold, and how a meta file is written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.errors import InputError
from resistance.tables import write_text

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped
    from resistance.export.results import Results

#: letters of identifiers
ALLOWED = "A-Za-z0-9._-"
RENAMED = "kept, written with '_' for letters that cBioPortal does not allow in a name"


@dataclass
class Study:
    """A study folder that is being written.

    Parameters
    ----------
    results : Results
    folder : Path
    dropped : Dropped
    name : str
        cancer_study_identifier.
    samples : DataFrame
        Schema ``samples`` without germline, with ``id`` and ``patient`` as cBioPortal writes them.
    ids, germline : dict
        sample_id -> name in the study, of the samples and of the germline samples (named in the MAF only).
    written : list of Path
    """

    results: Results
    folder: Path
    dropped: Dropped
    name: str
    samples: pd.DataFrame
    ids: dict[str, str]
    germline: dict[str, str]
    written: list[Path] = field(default_factory=list)

    def add(self, path: Path) -> None:
        """Note a file that was written."""
        self.written.append(path)

    def meta(self, file: str, **fields: object) -> None:
        """Write a file of ``key: value`` lines; fields that are None are left out."""
        path = self.folder / file
        lines = [f"cancer_study_identifier: {self.name}"]
        for key, value in fields.items():
            if value is not None:
                # a case list parts its samples by tabs; everything else is one line of words
                text = str(value) if key == "case_list_ids" else " ".join(str(value).split())
                lines.append(f"{key}: {text}")
        write_text(path, "\n".join(lines) + "\n")
        self.add(path)

    def profile(self, name: str, **fields: object) -> None:
        """Write the meta file of ``data_<name>.txt``."""
        self.meta(f"meta_{name}.txt", **fields, data_filename=f"data_{name}.txt")


def make_study(results: Results, folder: Path, dropped: Dropped) -> Study:
    """Name the study, its patients and its samples; count who is left out."""
    samples = results.samples
    germline = (samples["material"] == "germline").to_numpy(dtype=bool)
    names = portal_names(samples["sample_id"], dropped, "data_clinical_sample.txt", "sample_id")
    patients = portal_names(results.patients["patient_id"], dropped, "data_clinical_patient.txt", "patient_id")
    out = samples[germline]
    if len(out):
        dropped.add("data_clinical_sample.txt", "samples", "germline sample", len(out), out["sample_id"].iloc[0])
    kept = samples[~germline]
    lost = results.patients[~results.patients["patient_id"].isin(kept["patient_id"])]
    if len(lost):
        dropped.add(
            "data_clinical_patient.txt", "patients", "no sample other than germline", len(lost), lost["patient_id"].iloc[0]
        )
    kept = kept.assign(id=kept["sample_id"].map(names), patient=kept["patient_id"].map(patients)).reset_index(drop=True)
    return Study(
        results,
        folder,
        dropped,
        portal_name(str(results.facts["name"])),
        kept,
        dict(zip(kept["sample_id"], kept["id"], strict=True)),
        {str(name): names[str(name)] for name in out["sample_id"]},
    )


def portal_name(text: str, allowed: str = ALLOWED) -> str:
    """Return a name with the letters that cBioPortal allows."""
    return re.sub(f"[^{allowed}]", "_", text)


def portal_names(values: pd.Series, dropped: Dropped, table: str, column: str, allowed: str = ALLOWED) -> dict[str, str]:
    """Return name -> name with the letters that cBioPortal allows.

    Raises
    ------
    InputError
        Two become one.
    """
    names = {str(value): portal_name(str(value), allowed) for value in values}
    taken: dict[str, str] = {}
    for name, written in names.items():
        other = taken.setdefault(written, name)
        if other != name:
            raise InputError(
                f"'{other}' and '{name}' would both be '{written}' in cBioPortal",
                path=table,
                column=column,
                value=name,
                remedy=f"Rename one of them: a name there has only {allowed}.",
            )
    changed = [name for name, written in names.items() if name != written]
    dropped.add(table, column, RENAMED, len(changed), changed[0] if changed else None)
    return names
