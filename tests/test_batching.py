"""Batches follow the order of the samples sheet, and full ones stay when samples are appended."""

from __future__ import annotations

from pathlib import Path

import pytest

from resistance import batching
from resistance.config import CohortFile, parse
from resistance.errors import InputError

ENDPOINTS = {"response": {"label": "Response", "kind": "binary", "value": "response", "positive": ["CR"], "negative": ["PD"]}}


def cohort(folder: Path, rows: list[str], header: str = "sample\tpatient\tfile", **more: object) -> CohortFile:
    """A cohort file in memory whose samples sheet holds these rows."""
    (folder / "samples.tsv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    samples = {"file": "samples.tsv", "columns": {"sample_id": "sample", "patient_id": "patient", "vcf": "file"}}
    raw = {
        "resistance": 1,
        "study": {"name": "tiny", "title": "Tiny.", "build": "GRCh38"},
        "patients": {"file": "patients.tsv", "columns": {"patient_id": "patient"}},
        "samples": samples,
        "endpoints": ENDPOINTS,
        "variants": [{"format": "vcf"}],
        **more,
    }
    return parse(raw, "cohort.yaml")


ROWS = ["S3\tP1\ta.vcf", "S1\tP1\td.vcf", "S2\tP2\tb.vcf", "S9\tP3\tc.vcf", "S4\tP3\ta.vcf"]


def test_batches_follow_the_order_of_the_sheet(tmp_path: Path) -> None:
    config = cohort(tmp_path, ROWS, batch_size=2)
    assert batching.batch_names(config, tmp_path) == ["batch_000", "batch_001", "batch_002"]
    assert batching.batch_samples(config, tmp_path, "batch_000") == ["S3", "S1"]
    assert batching.batch_samples(config, tmp_path, "batch_002") == ["S4"]


def test_an_unknown_batch_is_named_with_those_that_exist(tmp_path: Path) -> None:
    config = cohort(tmp_path, ROWS, batch_size=3)
    with pytest.raises(InputError, match=r"value 'batch_7': there is no such batch. There are: batch_000, batch_001."):
        batching.batch_samples(config, tmp_path, "batch_7")


def test_appended_samples_leave_full_batches_as_they_were(tmp_path: Path) -> None:
    before = batching.batches(cohort(tmp_path, ROWS[:4], batch_size=2), tmp_path)
    after = batching.batches(cohort(tmp_path, ROWS, batch_size=2), tmp_path)
    assert {name: batching.batch_text(rows) for name, rows in before.items()}.items() <= {
        name: batching.batch_text(rows) for name, rows in after.items()
    }.items()
    assert list(after)[len(before) :] == ["batch_002"]


def test_samples_without_a_file_of_their_own_are_in_no_batch(tmp_path: Path) -> None:
    rows = [*ROWS[:2], "S5\tP3\tNA", "S6\tP3\t", *ROWS[2:]]
    assert batching.batches(cohort(tmp_path, rows), tmp_path)["batch_000"][2].sample_id == "S2"
    whole = cohort(tmp_path, rows, variants=[{"format": "maf", "file": "all.maf"}])
    assert batching.batch_names(whole, tmp_path) == []


def test_the_text_of_a_batch_lists_samples_patients_and_files(tmp_path: Path) -> None:
    config = cohort(tmp_path, ROWS[:2], batch_size=2)
    assert batching.batch_text(batching.batches(config, tmp_path)["batch_000"]) == (
        "sample_id\tpatient_id\tvcf\tsv_vcf\trcc\tbam\tcoverage\nS3\tP1\ta.vcf\tNA\tNA\tNA\tNA\nS1\tP1\td.vcf\tNA\tNA\tNA\tNA\n"
    )


def test_samples_without_name_or_twice_are_refused_with_their_rows(tmp_path: Path) -> None:
    config = cohort(tmp_path, [*ROWS, "\tP3\tx.vcf", "S1\tP2\tx.vcf"])
    with pytest.raises(InputError) as caught:
        batching.batch_names(config, tmp_path)
    assert [(p.row, p.column, p.value) for p in caught.value.problems] == [(7, "sample", None), (8, "sample", "S1")]
    assert "stands twice" in str(caught.value)


def test_one_sample_per_patient_takes_the_patients_name(tmp_path: Path) -> None:
    (tmp_path / "patients.tsv").write_text("patient\tfile\nP2\ta.vcf\nP1\tb.vcf\n")
    samples = {"file": "patients.tsv", "one_per_patient": True, "columns": {"vcf": "file"}}
    assert batching.batch_samples(cohort(tmp_path, ROWS, samples=samples), tmp_path, "batch_000") == ["P2", "P1"]


def test_ten_thousand_samples_make_a_hundred_batches(tmp_path: Path) -> None:
    config = cohort(tmp_path, [f"S{i}\tP{i}\tS{i}.vcf" for i in range(10_000)])
    names = batching.batch_names(config, tmp_path)
    assert (len(names), names[0], names[-1]) == (100, "batch_000", "batch_099")
