"""A cBioPortal study folder as it was downloaded -> a commented cohort file beside which nothing of it is copied."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance.config import load
from resistance.errors import InputError
from resistance.read.cbioportal_text import OPEN, Event, Panel, Study, cohort_text, file_name
from resistance.read.sheet import read_sheet
from resistance.tables import write_text
from resistance.variant import build_name

if TYPE_CHECKING:
    import pandas as pd

#: endpoints by the prefix of their columns (X_STATUS, X_MONTHS)
ENDPOINTS = {
    "OS": "Overall survival", "PFS": "Progression-free survival", "DFS": "Disease-free survival", "RFS": "Relapse-free survival",
    "EFS": "Event-free survival", "TTP": "Time to progression", "DSS": "Disease-specific survival",
}  # fmt: skip
#: status words whose meaning leaves no doubt; '0:' and '1:' before a word are cBioPortal's own codes
HAPPENED = frozenset(
    ["deceased", "dead", "progressed", "progression", "recurred", "relapsed", "recurred/progressed", "relapse", "event"]
)
NOT_HAPPENED = frozenset(["living", "alive", "diseasefree", "censored", "progressionfree", "disease-free", "progression-free"])
RESPONDED = ("complete response", "complete remission", "partial response", "partial remission", "cr", "pr")
NOT_RESPONDED = ("no response", "stable disease", "progressive disease", "progression", "refractory", "sd", "pd", "nr")
#: longest follow-up that is taken without a word, months
LONG_FOLLOW_UP = 300
#: a matrix of more genes than this is a whole genome for the purpose of coverage
WHOLE_GENOME = 5000


@dataclass
class _Meta:
    """One meta_*.txt: its fields and the data file it names."""

    fields: dict[str, str]
    data: Path | None = field(default=None)

    def __getitem__(self, key: str) -> str:
        return self.fields.get(key, "")


def import_study(folder: Path, out: Path) -> Path:
    """Write a cohort file for a cBioPortal study.

    Parameters
    ----------
    folder : Path
        The study: meta_*.txt and the files they name; case lists and gene panels where there.
    out : Path
        Folder for ``cohort.yaml`` and for lists of the samples and genes that were assayed.

    Returns
    -------
    Path
        The cohort file.  What only the user can decide stands at its top; :func:`to_decide` reads it.
        Without a survival or response column whose codes are clear it holds no endpoint, and is
        refused until the user has added one.

    Raises
    ------
    InputError
        No study in the folder, no clinical sample file, a named file is missing, a cohort file is already there.
    """
    folder, out = folder.resolve(), out.resolve()
    target = out / "cohort.yaml"
    if target.exists():
        raise InputError("there is a cohort file already", path=target, remedy="Choose another folder, or move it away.")
    metas = _metas(folder)
    study = _study(folder, out, metas)
    for name, lines in study.lists.items():
        write_text(out / name, "\n".join(lines) + "\n")
    write_text(target, cohort_text(study))
    if study.events or study.response is not None:
        load(target)
    return target


def to_decide(cohort: Path) -> list[str]:
    """Return what the cohort file of :func:`import_study` leaves to the user, one sentence each."""
    lines = cohort.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(OPEN).strip() for line in lines if line.startswith(OPEN)]


def _metas(folder: Path) -> list[_Meta]:
    if not folder.is_dir():
        raise InputError("the study folder is missing", path=folder)
    metas = []
    for path in sorted(folder.glob("meta_*.txt")):
        pairs = [line.split(":", 1) for line in path.read_text(encoding="utf-8-sig").splitlines() if ":" in line]
        meta = _Meta({key.strip(): value.strip() for key, value in pairs})
        if meta["data_filename"]:
            meta.data = folder / meta["data_filename"]
            if not meta.data.is_file():
                raise InputError(
                    "the data file that this meta file names is missing",
                    path=path,
                    column="data_filename",
                    value=meta["data_filename"],
                    remedy="Download the study again, whole.",
                )
        metas.append(meta)
    if not metas:
        raise InputError(
            "this is no cBioPortal study: it holds no meta_*.txt", path=folder, remedy="Unpack the study and give that folder."
        )
    return metas


def _find(metas: list[_Meta], kind: str, *datatypes: str) -> list[_Meta]:
    return [
        meta
        for meta in metas
        if meta.data is not None and meta["genetic_alteration_type"] == kind and (not datatypes or meta["datatype"] in datatypes)
    ]


def _study(folder: Path, out: Path, metas: list[_Meta]) -> Study:
    about = next((meta for meta in metas if meta["name"] and meta["cancer_study_identifier"]), metas[0])
    sample_meta, patient_meta = _find(metas, "CLINICAL", "SAMPLE_ATTRIBUTES"), _find(metas, "CLINICAL", "PATIENT_ATTRIBUTES")
    if not sample_meta:
        raise InputError("the study has no clinical sample file (datatype SAMPLE_ATTRIBUTES)", path=folder)
    assert sample_meta[0].data is not None
    samples = read_sheet(sample_meta[0].data, comment="#")
    for name in ("PATIENT_ID", "SAMPLE_ID"):
        if name not in samples:
            raise InputError("the clinical sample file lacks this column", path=sample_meta[0].data, column=name)
    single = not samples["PATIENT_ID"].duplicated().any()
    if patient_meta:
        assert patient_meta[0].data is not None
        patients = read_sheet(patient_meta[0].data, comment="#")
    elif single:
        patients = samples
    else:
        raise InputError(
            "the study has no clinical patient file, and patients with several samples",
            path=folder,
            remedy="Write a patients sheet, one row per patient, and a cohort file with `resistance init`.",
        )
    study = Study(
        name=about["cancer_study_identifier"] or folder.name,
        title=about["name"] or folder.name,
        citation=", ".join(x for x in (about["citation"], f"PMID {about['pmid']}" if about["pmid"] else "") if x) or None,
        disease=_disease(samples, about),
        patients_file=_relative((patient_meta or sample_meta)[0].data, out),
        samples_file=_relative(sample_meta[0].data, out),
        join_samples=bool(patient_meta) and single,
        several_samples=not single,
        patient_columns=[str(name) for name in patients.columns if name != "_row"],
        sample_columns=[str(name) for name in samples.columns if name != "_row"],
    )
    study.sex = _words(patients, "SEX", {"f": "female", "female": "female", "m": "male", "male": "male"})
    study.age = next((name for name in ("AGE", "AGE_AT_DIAGNOSIS", "AGE_AT_SEQUENCING") if name in patients), None)
    study.ipi = next((name for name in ("IPI", "IPI_SCORE") if name in patients), None)
    _endpoints(study, patients, samples)
    _molecular(study, folder, out, metas, about)
    return study


def _relative(path: Path | None, out: Path) -> str:
    """Relative where both lie under one folder below the root, so that both can be moved together."""
    assert path is not None
    shared = os.path.commonpath([path, out])
    return os.path.relpath(path, out) if Path(shared) != Path(path.anchor) else str(path)


def _disease(samples: pd.DataFrame, about: _Meta) -> str:
    if "ONCOTREE_CODE" in samples and samples["ONCOTREE_CODE"].notna().any():
        return str(samples["ONCOTREE_CODE"].value_counts().index[0])
    return about["type_of_cancer"].upper() or "any"


def _words(sheet: pd.DataFrame, column: str, meanings: dict[str, str]) -> dict[str, str | None]:
    if column not in sheet:
        return {}
    return {str(word): meanings.get(str(word).lower()) for word in sorted(sheet[column].dropna().unique())}


def _codes(values: pd.Series) -> tuple[list[str], list[str]] | None:
    """Return the codes of event and of none, or None where one of them is not clear."""
    happened, censored = [], []
    for word in sorted(str(value) for value in values.dropna().unique()):
        number, colon, _ = word.partition(":")
        plain = "".join(word.lower().split())
        if (colon and number == "1") or plain in HAPPENED:
            happened.append(word)
        elif (colon and number == "0") or plain in NOT_HAPPENED:
            censored.append(word)
        else:
            return None
    return (happened, censored) if happened and censored else None


def _endpoints(study: Study, patients: pd.DataFrame, samples: pd.DataFrame) -> None:
    import pandas as pd

    sheets = [("", patients), *([("SAMPLE_", samples)] if study.join_samples else [])]
    for key, label in ENDPOINTS.items():
        times = [(f"{prefix}{key}_MONTHS", sheet[f"{key}_MONTHS"]) for prefix, sheet in sheets if f"{key}_MONTHS" in sheet]
        states = [(f"{prefix}{key}_STATUS", sheet[f"{key}_STATUS"]) for prefix, sheet in sheets if f"{key}_STATUS" in sheet]
        if key == "OS" and not states:  # some studies keep the vital status under another name
            vital = ({"living", "deceased"}, {"alive", "dead"}, {"0:living", "1:deceased"})
            states = [
                (f"{prefix}{name}", sheet[name])
                for prefix, sheet in sheets
                for name in sheet.columns
                if name != "_row" and set(sheet[name].dropna().str.lower().unique()) in vital
            ]
        if not times:
            continue
        column, months = times[0][0], pd.to_numeric(times[0][1], errors="coerce")
        found = next(((name, codes) for name, values in states if (codes := _codes(values)) is not None), None)
        if found is None:
            seen = "; ".join(f"{name}: {', '.join(map(str, sorted(values.dropna().unique())[:6]))}" for name, values in states)
            study.open_points.append(
                f"{label}: {column} is there, but no status column whose codes are clear ({seen or 'none'}). "
                "Add the endpoint with its event_codes and censored_codes."
            )
            continue
        name, (happened, censored) = found
        if name.removeprefix("SAMPLE_") != f"{key}_STATUS":
            study.open_points.append(f"{label}: its status is taken from {name} ({', '.join(happened)} = event). Is that right?")
        if months.max() > LONG_FOLLOW_UP:
            study.open_points.append(
                f"{label}: the longest {column} is {months.max():.0f} months ({months.max() / 12:.0f} years). "
                "Is the column really in months? Compare one patient with the paper."
            )
        study.events[key.lower()] = Event(label, column, name, happened, censored, bool((months < 0).any()))
    for prefix, sheet in sheets:
        for name in [str(name) for name in sheet.columns if "RESPONSE" in str(name).upper()]:
            words = [str(word) for word in sorted(sheet[name].dropna().unique())]
            yes = [word for word in words if word.lower() in RESPONDED]
            no = [word for word in words if word.lower() in NOT_RESPONDED]
            if study.response is None and yes and no:
                study.response = (f"{prefix}{name}", yes, no, [word for word in words if word not in yes and word not in no])


def _molecular(study: Study, folder: Path, out: Path, metas: list[_Meta], about: _Meta) -> None:
    mutations = _find(metas, "MUTATION_EXTENDED")
    study.mutations = _relative(mutations[0].data, out) if mutations else None
    study.build, study.build_from = _build(metas, about, mutations)
    if study.build_from is None:
        study.open_points.append("The files name no genome build; cBioPortal then means hg19. Check study.build.")
    calls = _find(metas, "COPY_NUMBER_ALTERATION")
    by_type = {meta["datatype"]: meta.data for meta in reversed(calls)}
    for datatype, form in (("DISCRETE", "cbioportal_discrete"), ("LOG2-VALUE", "cbioportal_log2")):
        data = by_type.get(datatype)
        if data is not None:
            study.copy_number.append((form, _relative(data, out)))
    for data in [by_type[key] for key in ("DISCRETE", "LOG2-VALUE") if by_type.get(key) is not None][:1]:
        assert data is not None
        _copy_number_coverage(study, data)
    structural = _find(metas, "STRUCTURAL_VARIANT", "SV")
    study.structural = _relative(structural[0].data, out) if structural else None
    for meta in _find(metas, "MRNA_EXPRESSION"):
        if meta["datatype"] != "Z-SCORE":
            text = f"{meta['stable_id']} {meta['profile_name']} {meta['profile_description']}".lower()
            unit = "tpm" if "tpm" in text and "log" not in text else "log2" if "log2" in text else None
            study.expression.append((_relative(meta.data, out), unit, meta["profile_description"] or meta["profile_name"]))
    _mutation_coverage(study, folder, metas)


def _build(metas: list[_Meta], about: _Meta, mutations: list[_Meta]) -> tuple[str, str | None]:
    for meta, key in [(about, "reference_genome"), *((meta, "reference_genome_id") for meta in metas)]:
        if meta[key]:
            return build_name(meta[key]), f"{key} of the study"
    for meta in mutations:
        assert meta.data is not None
        sheet = read_sheet(meta.data, comment="#")
        names = sheet["NCBI_Build"].dropna() if "NCBI_Build" in sheet else sheet.iloc[:0, 0]
        builds = Counter(build_name(str(name)) for name in names.unique())
        if len(builds) > 1:
            raise InputError("the mutations are on several genome builds", path=meta.data, column="NCBI_Build", value=", ".join(sorted(builds)), remedy="One build per cohort: lift some of them over first.")  # fmt: skip
        if builds:
            return next(iter(builds)), "NCBI_Build of the mutations"
    return "GRCh37", None


def _copy_number_coverage(study: Study, data: Path) -> None:
    from resistance.read.grid import read_grid

    grid = read_grid(data)
    genes = grid.labels["Hugo_Symbol"] if "Hugo_Symbol" in grid.labels else grid.labels.iloc[:, 0]
    study.lists["copy_number_samples.tsv"] = ["sample_id", *map(str, grid.values.columns)]
    panel = None
    if genes.nunique() <= WHOLE_GENOME:
        panel = "copy_number_genes.txt"
        study.lists[panel] = sorted(map(str, genes.dropna().unique()))
    study.panels.append(Panel("copy_number", panel, "copy_number_samples.tsv", f"the rows and columns of {data.name}"))


def _mutation_coverage(study: Study, folder: Path, metas: list[_Meta]) -> None:
    """Panels per sample where the study has them; else only the user knows what was sequenced."""
    if study.mutations is None:
        return
    matrix = [meta.data for meta in _find(metas, "GENE_PANEL_MATRIX")] or sorted(folder.glob("data_gene_panel_matrix.txt"))
    genes = _panel_files(folder)
    for path in matrix:
        assert path is not None
        sheet: Any = read_sheet(path)
        if "mutations" not in sheet:
            continue
        for panel, rows in sheet.groupby("mutations", sort=True):
            whole = str(panel).upper() in ("WES", "WXS", "WGS", "WHOLE_EXOME", "WHOLE_GENOME")
            if not whole and str(panel) not in genes:
                study.open_points.append(
                    f"Gene panel {panel} ({len(rows)} samples): its list of genes is not in the study. Add an assay with them; "
                    "until then a gene without a call is not assessed there."
                )
                continue
            stem = file_name(str(panel))
            who = f"{stem}_samples.tsv"
            study.lists[who] = ["sample_id", *rows["SAMPLE_ID"].astype(str)]
            if not whole:
                study.lists[f"{stem}_genes.txt"] = genes[str(panel)]
            study.panels.append(
                Panel("mutation", None if whole else f"{stem}_genes.txt", who, f"gene panel {panel} of {path.name}")
            )
        return
    sequenced = folder / "case_lists" / "cases_sequenced.txt"
    who_text = ""
    if sequenced.is_file():
        line = next((x for x in sequenced.read_text(encoding="utf-8-sig").splitlines() if x.startswith("case_list_ids:")), "")
        ids = line.removeprefix("case_list_ids:").split()
        study.lists["sequenced_samples.tsv"] = ["sample_id", *ids]
        study.sequenced = "sequenced_samples.tsv"
        who_text = f" The {len(ids)} sequenced samples stand in {study.sequenced}."
    study.open_points.append(
        "Mutations: the study does not say which genes were sequenced. Uncomment one of the assays below; until then every gene "
        f"without a call is not assessed.{who_text}"
    )


def _panel_files(folder: Path) -> dict[str, list[str]]:
    """Return the genes of every panel definition (stable_id:, gene_list:) in the folder."""
    out: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*panel*.txt")):
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        pairs = {key.strip(): value.strip() for key, colon, value in (line.partition(":") for line in lines) if colon}
        if "stable_id" in pairs and "gene_list" in pairs:
            out[pairs["stable_id"]] = pairs["gene_list"].split()
    return out
