"""Patients, endpoints, subtypes and samples -> the two clinical files of a cBioPortal study."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from resistance.export.cbioportal_study import Study
from resistance.export.files import one_line, write_plain

if TYPE_CHECKING:
    import pandas as pd

#: as in the readers: a month is a twelfth of a Julian year
DAYS_PER_MONTH = 365.25 / 12
#: how the name of an endpoint begins -> cBioPortal's words for event and none
STATUS = {
    "OS": ("DECEASED", "LIVING"),
    "DSS": ("DECEASED", "LIVING"),
    "PFS": ("PROGRESSED", "CENSORED"),
    "TTP": ("PROGRESSED", "CENSORED"),
    "DFS": ("Recurred/Progressed", "DiseaseFree"),
    "RFS": ("Recurred/Progressed", "DiseaseFree"),
}
#: cBioPortal fills these itself
BANNED = ("MUTATION_COUNT", "FRACTION_GENOME_ALTERED")
COMPETING = "kept, as no event: cBioPortal knows no competing event"


@dataclass(frozen=True)
class Attribute:
    """A column of a clinical file with its four header lines."""

    name: str
    display: str
    description: str
    values: pd.Series

    @property
    def datatype(self) -> str:
        """NUMBER, BOOLEAN or STRING."""
        import pandas as pd

        if pd.api.types.is_bool_dtype(self.values):
            return "BOOLEAN"
        return "NUMBER" if pd.api.types.is_numeric_dtype(self.values) else "STRING"


def write(study: Study) -> None:
    """Write data_clinical_patient.txt, data_clinical_sample.txt and their meta files."""
    patients, samples = _patients(study), _samples(study)
    for name, datatype, attributes in (("patient", "PATIENT", patients), ("sample", "SAMPLE", samples)):
        study.profile(f"clinical_{name}", genetic_alteration_type="CLINICAL", datatype=f"{datatype}_ATTRIBUTES")
        study.add(_table(attributes, study, f"data_clinical_{name}.txt"))


def _table(attributes: list[Attribute], study: Study, file: str) -> Path:
    import pandas as pd

    columns: dict[str, pd.Series] = {}
    header: list[list[str]] = [[], [], [], []]
    for attribute in attributes:
        name, number = attribute.name, 1
        while name in columns:
            number += 1
            name = f"{attribute.name}_{number}"
        columns[name] = _cells(attribute.values)
        key = name in ("PATIENT_ID", "SAMPLE_ID")
        lines = (attribute.display, attribute.description, "STRING" if key else attribute.datatype, "1")
        for line, cell in zip(header, lines, strict=True):
            line.append(" ".join(cell.split()))
    return write_plain(pd.DataFrame(columns), study.folder / file, above=["#" + "\t".join(line) for line in header], na="NA")


def _cells(values: pd.Series) -> pd.Series:
    """Return the values as they are written: whole numbers without a point, flags as TRUE and FALSE."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(values):
        return values.map({True: "TRUE", False: "FALSE"}, na_action="ignore")
    if pd.api.types.is_numeric_dtype(values):
        numbers = pd.Series(values.to_numpy(dtype=np.float64, na_value=np.nan), index=values.index)
        return numbers.astype("Int64") if (numbers.dropna() % 1 == 0).all() else numbers
    return one_line(values.astype("object").map(str, na_action="ignore").astype(pd.StringDtype(na_value=np.nan)))


def attribute_name(text: str) -> str:
    """Return the name of an attribute: upper case letters, digits and '_', not one of cBioPortal's own."""
    name = re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_")
    return f"{name}_GIVEN" if name in BANNED else name


def _patients(study: Study) -> list[Attribute]:
    results = study.results
    kept = dict(zip(study.samples["patient_id"], study.samples["patient"], strict=True))
    table = results.patients[results.patients["patient_id"].isin(list(kept))].reset_index(drop=True)
    key = table["patient_id"].astype("object")
    out = [Attribute("PATIENT_ID", "Patient", "Patient", key.map(kept))]
    if table["sex"].notna().any():
        out.append(Attribute("SEX", "Sex", "Sex", table["sex"].map({"female": "Female", "male": "Male"})))
    if table["age_years"].notna().any():
        out.append(Attribute("AGE", "Age", "Age at the start of observation, years", table["age_years"]))
    # before the covariates: of two columns of one name the second is renamed, and survival must keep its pair of names
    for endpoint, rows in results.endpoints.groupby("endpoint", sort=False):
        out += _endpoint(study, str(endpoint), rows.set_index(rows["patient_id"].astype("object")), key)
    for method, rows in results.subtypes.groupby("method", sort=False):
        called = key.map(rows.set_index(rows["patient_id"].astype("object"))["subtype"])
        out.append(Attribute(attribute_name(f"subtype_{method}"), f"Subtype, {method}", f"Subtype by {method}", called))
    # a label that the subtype stage took over stands there
    elsewhere = {"patient_id", "sex", "age_years", *results.subtypes["method"]}
    return out + [
        Attribute(attribute_name(str(name)), str(name), f"{name} of the cohort file", _typed(table[name]))
        for name in table.columns
        if name not in elsewhere and table[name].notna().any()
    ]


def _typed(values: pd.Series) -> pd.Series:
    """Return a column of objects as flags where it holds nothing but true and false."""
    import pandas as pd

    if pd.api.types.is_object_dtype(values) and set(values.dropna().map(type)) == {bool}:
        return values.astype("boolean")
    return values


def _endpoint(study: Study, name: str, rows: pd.DataFrame, key: pd.Series) -> list[Attribute]:
    upper = attribute_name(name)
    if rows["kind"].iloc[0] != "time_to_event":
        known = rows["label"].notna().any()
        value = rows["value"].where(rows["excluded"].isna())
        out = [Attribute(f"{upper}_VALUE", f"{name}, value", f"{name}: 0/1, rank from 0 (worst) or number", key.map(value))]
        if known:
            out.insert(0, Attribute(upper, name, f"{name} as reported", key.map(rows["label"])))
        return out
    happened, not_happened = STATUS.get(upper.split("_")[0], ("EVENT", "CENSORED"))
    counted = rows[rows["excluded"].isna() & rows["time_days"].notna() & rows["event"].notna()]
    competing = counted[counted["event"] > 1]
    if len(competing):
        study.dropped.add("data_clinical_patient.txt", name, COMPETING, len(competing), competing["patient_id"].iloc[0])
    status = counted["event"].eq(1).map({True: f"1:{happened}", False: f"0:{not_happened}"})
    return [
        Attribute(f"{upper}_STATUS", f"{name}, status", f"{name}: 1 event, 0 none", key.map(status)),
        Attribute(
            f"{upper}_MONTHS", f"{name}, months", f"{name} in months of {DAYS_PER_MONTH:g} days",
            key.map(counted["time_days"] / DAYS_PER_MONTH),
        ),
    ]  # fmt: skip


def _samples(study: Study) -> list[Attribute]:
    samples = study.samples
    disease = study.results.patients.set_index(study.results.patients["patient_id"].astype("object"))["disease"]
    out = [
        Attribute("PATIENT_ID", "Patient", "Patient", samples["patient"]),
        Attribute("SAMPLE_ID", "Sample", "Sample", samples["id"]),
        Attribute(
            "ONCOTREE_CODE", "OncoTree code", "Disease of the patient", samples["patient_id"].astype("object").map(disease)
        ),
    ]
    words = {
        "material": "What was sampled",
        "timepoint": "When it was sampled",
        "day": "Day of the sample, from the start of treatment",
        "plasma_ml": "Plasma used, mL",
        "cfdna_ng_per_ml": "Cell-free DNA, ng per mL plasma",
        "purity": "Fraction of tumour cells",
    }
    return out + [
        Attribute(attribute_name(name), name, text, samples[name])
        for name, text in words.items()
        if name in samples and samples[name].notna().any()
    ]
