"""The workflow runs one cohort: never one merged with another, and never one with files missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from resistance import init
from resistance.errors import InputError
from resistance.workflow import errors_as_text, plan_work


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the cohort that `resistance init` writes."""
    monkeypatch.chdir(tmp_path)
    init.write_templates(Path("study"))
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_paths_are_told_as_seen_from_the_working_directory(folder: Path) -> None:
    relative = plan_work([Path("study/cohort.yaml")], {})
    absolute = plan_work([folder / "study" / "cohort.yaml"], {})
    assert relative == absolute
    assert relative.cohort == "study/cohort.yaml"
    assert relative.results == "results/my_cohort"
    assert "study/samples.tsv" in relative.files
    assert relative.tables("associate") == ["results/my_cohort/associate/results.parquet"]
    assert relative.counted() == []  # the study has no alignments
    assert relative.batch_tables("{batch}")[0] == "results/my_cohort/read/{batch}/calls.parquet"


def test_the_output_folder_alone_may_be_set_beside_the_file(folder: Path) -> None:
    assert plan_work(["study/cohort.yaml"], {"output": "elsewhere"}).results == "elsewhere/my_cohort"
    with pytest.raises(InputError, match=r"column 'seed', value '3': only 'output' can be set by --config"):
        plan_work(["study/cohort.yaml"], {"seed": 3})
    with pytest.raises(InputError, match="a brace"):
        plan_work(["study/cohort.yaml"], {"output": "out{x}"})


def test_two_cohort_files_are_refused_instead_of_merged(folder: Path) -> None:
    with pytest.raises(InputError, match="a run takes one"):
        plan_work(["study/cohort.yaml", "other.yaml"], {})


def test_without_a_file_the_demonstration_is_looked_for(folder: Path) -> None:
    with pytest.raises(InputError, match=r"config/config\.yaml: the cohort file is missing"):
        plan_work([], {})


def test_a_missing_file_stops_the_plan(folder: Path) -> None:
    (folder / "study" / "variants.maf").unlink()
    with pytest.raises(InputError, match=r"variants\.0\.file.*the file is missing"):
        plan_work(["study/cohort.yaml"], {})


def test_only_what_decides_reading_makes_a_batch_read_again(folder: Path) -> None:
    cohort = folder / "study" / "cohort.yaml"
    before = plan_work([cohort], {})
    edit(cohort, "One sentence about the cohort", "Another sentence")
    edit(cohort, "Overall response", "Response")
    same = plan_work([cohort], {})
    assert (same.reading, same.members) == (before.reading, before.members)
    edit(cohort, "GRCh38", "GRCh37")
    assert plan_work([cohort], {}).reading != before.reading


def test_appended_samples_make_a_new_batch_and_leave_the_full_one(folder: Path) -> None:
    cohort, sheet = folder / "study" / "cohort.yaml", folder / "study" / "samples.tsv"
    (folder / "study" / "a.vcf").write_text("")
    header, *rows = sheet.read_text().splitlines()
    listed = [f"{header}\tvcf", *(f"{row}\ta.vcf" for row in rows)]
    sheet.write_text("\n".join(listed) + "\n")
    edit(cohort, "    # vcf: vcf ", "    vcf: vcf ")
    edit(cohort, "  - format: maf", "  - format: vcf\n  - format: maf")
    edit(cohort, "seed: 1", f"seed: 1\nbatch_size: {len(rows)}")
    before = plan_work([cohort], {})
    cells = listed[-1].split("\t")
    sheet.write_text("\n".join([*listed, "\t".join(["appended", *cells[1:]])]) + "\n")
    after = plan_work([cohort], {})
    assert before.batches == {"batch_000": ("study/a.vcf",)}
    assert list(after.members) == ["batch_000", "batch_001"]
    assert after.members["batch_000"] == before.members["batch_000"]
    assert "study/a.vcf" not in after.files


def test_a_batch_is_read_again_when_a_list_of_sites_changes(folder: Path) -> None:
    cohort, sheet = folder / "study" / "cohort.yaml", folder / "study" / "samples.tsv"
    for name in ("a.vcf", "pon.bed"):
        (folder / "study" / name).write_text("")
    header, *rows = sheet.read_text().splitlines()
    sheet.write_text("\n".join([f"{header}\tvcf", *(f"{row}\ta.vcf" for row in rows)]) + "\n")
    edit(cohort, "    # vcf: vcf ", "    vcf: vcf ")
    edit(cohort, "  - format: maf", "  - format: vcf\n    panel_of_normals: pon.bed\n  - format: maf")
    work = plan_work([cohort], {})
    assert work.batches == {"batch_000": ("study/a.vcf", "study/pon.bed")}
    assert "study/pon.bed" in work.files


def test_bad_input_leaves_with_one_line_and_exit_code_two(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder / "study" / "cohort.yaml", "study:", "studdy:")
    with pytest.raises(SystemExit) as caught, errors_as_text():
        plan_work(["study/cohort.yaml"], {})
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert "error: study/cohort.yaml, column 'studdy': unknown key. Did you mean 'study'?" in error.splitlines()
