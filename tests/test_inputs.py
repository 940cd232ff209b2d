"""Every file that a cohort names is found, once; one that is missing is named with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resistance.config import CohortFile, parse
from resistance.errors import InputError
from resistance.inputs import input_files


def cohort(**more: Any) -> CohortFile:
    raw = {
        "resistance": 1,
        "study": {"name": "tiny", "title": "Tiny.", "build": "GRCh38"},
        "patients": {
            "file": "patients.tsv",
            "columns": {"patient_id": "patient"},
            "join": [{"file": "more.tsv", "patient_id": "patient"}],
        },
        "samples": {
            "file": "samples.tsv",
            "columns": {
                "sample_id": "sample",
                "patient_id": "patient",
                "material": {"column": "what", "values": {"file": "plasma", "bed": "tumour"}},
                "vcf": "calls",
                "rcc": "counts",
            },
        },
        "endpoints": {"r": {"label": "R", "kind": "binary", "value": "r", "positive": ["CR"], "negative": ["PD"]}},
        "variants": [
            {"format": "maf", "file": "all.maf", "panel_of_normals": "pon.vcf.gz", "blacklist": "bad.bed", "hotspots": "hot.bed"},
            {"format": "vcf"},
        ],
        "assays": [{"kind": "mutation", "bed": "panel.bed", "samples": "in_file", "samples_file": "who.txt", "sample_id": "s"}],
        "expression": {"file": "tpm.tsv", "unit": "tpm"},
        "annotation": {"mode": "both", "reference_file": "reference.json"},
        "markers": {"file": "own.tsv"},
        # the level of comparison is called 'reference' too, and is no file
        "analysis": {"contrasts": [{"name": "c", "variable": "sex", "level": "male", "reference": "female", "endpoint": "r"}]},
        **more,
    }
    return parse(raw, "cohort.yaml")


FILES = (
    "patients.tsv",
    "more.tsv",
    "samples.tsv",
    "all.maf",
    "pon.vcf.gz",
    "bad.bed",
    "hot.bed",
    "panel.bed",
    "who.txt",
    "tpm.tsv",
    "reference.json",
    "own.tsv",
    "a.vcf",
    "a.rcc",
    "b.vcf",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).write_text("x\n")
    (tmp_path / "samples.tsv").write_text(
        "sample\tpatient\twhat\tcalls\tcounts\nA\tP\tfile\ta.vcf\ta.rcc\nB\tP\tbed\tb.vcf\t\nC\tP\tbed\tb.vcf\t\n"
    )
    return tmp_path


def test_all_files_are_found_once_and_in_order(folder: Path) -> None:
    assert [path.name for path in input_files(cohort(), folder)] == list(FILES)


def test_missing_files_are_named_together_with_the_place_that_names_them(folder: Path) -> None:
    (folder / "all.maf").unlink()
    (folder / "b.vcf").unlink()
    (folder / "a.rcc").unlink()
    (folder / "a.rcc").mkdir()
    with pytest.raises(InputError) as caught:
        input_files(cohort(), folder)
    texts = [str(problem) for problem in caught.value.problems]
    assert texts[0].startswith("cohort file, column 'variants.0.file', value 'all.maf': the file is missing.")
    assert texts[0].endswith("paths are relative to the cohort file.")
    assert [(p.row, p.column, p.value, p.message) for p in caught.value.problems[1:]] == [
        (2, "rcc", "a.rcc", "is a folder, not a file"),
        (3, "vcf", "b.vcf", "the file is missing"),
        (4, "vcf", "b.vcf", "the file is missing"),
    ]


def test_a_missing_samples_sheet_is_said_once(folder: Path) -> None:
    (folder / "samples.tsv").unlink()
    with pytest.raises(InputError, match=r"'samples.file', value 'samples.tsv': the file is missing"):
        input_files(cohort(), folder)
