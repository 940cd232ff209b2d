"""A cohort runs from its files to its report; a second run does nothing; a change repeats only what it must."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from workflow_support import Ran, call, resistance, result_files

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("small_cohort")]
NOTHING = "Nothing to be done"
RUN = ("run", "cohort/cohort.yaml", "--output", "local")


def planned(folder: Path) -> dict[str, int]:
    """The rules that a run would run now, and how often."""
    said = resistance(folder, *RUN, "--", "--dry-run")
    assert said.returncode == 0, said.stdout
    table = re.search(r"^Job stats:\njob +count\n[- ]+\n(.*?)\n\n", said.stdout, flags=re.MULTILINE | re.DOTALL)
    assert table, said.stdout
    return {name: int(n) for name, n in (line.split() for line in table[1].splitlines()) if name not in ("total", "all")}


def moments(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def copy(ran: Ran, tmp_path: Path) -> Path:
    """The run with the times of its files, copied to be changed."""
    return Path(shutil.copytree(ran.folder, tmp_path / "copy"))


def test_the_run_leaves_a_report_and_says_where(ran: Ran) -> None:
    report = ran.results / "report" / "report.html"
    assert f"report: {report.relative_to(ran.folder)}" in ran.output.splitlines()
    for name in ("report.html", "report.json", "provenance.json", "tables/results.tsv"):
        assert (ran.results / "report" / name).stat().st_size > 0
    assert len(list((ran.results / "read").iterdir())) > 1


def test_a_second_run_does_nothing_and_says_so(ran: Ran) -> None:
    before = moments(ran.folder / "local")
    again = resistance(ran.folder, *RUN)
    assert again.returncode == 0
    assert NOTHING in again.stdout
    assert moments(ran.folder / "local") == before


@pytest.mark.long
def test_a_run_from_nothing_gives_the_same_bytes(ran: Ran) -> None:
    """One process instead of two, another output folder, no file of the first run."""
    done = resistance(ran.folder, "run", "cohort/cohort.yaml", "--output", "again", "--cores", "1")
    assert done.returncode == 0, done.stdout
    first, second = result_files(ran.folder / "local"), result_files(ran.folder / "again")
    assert list(first) == list(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_the_checkouts_snakefile_plans_the_same_run(ran: Ran, checkout: Path) -> None:
    words = ["-s", str(checkout / "Snakefile"), "--configfile", "cohort/cohort.yaml", "--config", "output=local", "--cores", "1"]
    again = call(ran.folder, "snakemake", *words)
    assert again.returncode == 0, again.stdout
    assert NOTHING in again.stdout


def test_the_demonstration_never_gets_into_somebody_elses_cohort(checkout: Path, tmp_path: Path) -> None:
    from resistance.init import write_templates

    write_templates(tmp_path / "mine")
    cohort = str(tmp_path / "mine" / "cohort.yaml")
    settings = ["--configfile", cohort, "--config", f"output={tmp_path}"]
    said = call(checkout, "snakemake", *settings, "--cores", "1", "--dry-run", "--printshellcmds")
    assert said.returncode == 0, said.stdout
    assert f"resistance gather {cohort} " in said.stdout
    assert "config/demo" not in said.stdout
    assert "simulated" not in said.stdout


def test_a_changed_table_repeats_what_depends_on_it_and_no_reading(copy: Path) -> None:
    sheet = copy / "cohort" / "ihc.tsv"
    sheet.write_text(sheet.read_text() + "\n")
    jobs = planned(copy)
    assert "read" not in jobs
    assert {"gather", "annotate", "ctdna", "classify", "matrix", "associate", "train", "report"} <= set(jobs)


def test_a_changed_vcf_reads_only_its_batch_again(copy: Path) -> None:
    vcf = sorted((copy / "cohort" / "vcf" / "tumour").glob("*.vcf.gz"))[0]
    vcf.write_bytes(vcf.read_bytes() + b"\n")
    assert planned(copy)["read"] == 1


def test_an_appended_sample_reads_only_the_batch_it_comes_into(copy: Path) -> None:
    sheet = copy / "cohort" / "samples.tsv"
    lines = sheet.read_text().splitlines()
    sheet.write_text("\n".join([*lines, "\t".join(["appended", *lines[-1].split("\t")[1:]])]) + "\n")
    jobs = planned(copy)
    assert jobs["read"] == 1
    assert jobs["report"] == 1


def test_a_changed_title_reads_nothing_again(copy: Path) -> None:
    cohort = copy / "cohort" / "cohort.yaml"
    cohort.write_text(re.sub(r"(?m)^  title: .*$", "  title: Another title", cohort.read_text(), count=1))
    jobs = planned(copy)
    assert "read" not in jobs
    assert jobs["report"] == 1


def test_wrong_input_is_told_in_lines_and_nothing_is_written(copy: Path) -> None:
    sheet = copy / "cohort" / "samples.tsv"
    sheet.write_text(sheet.read_text().replace("Screening", "Screning", 1))
    done = resistance(copy, "run", "cohort/cohort.yaml", "--output", "new")
    assert done.returncode == 2, done.stdout
    assert re.search(r"^error: .*samples\.tsv, row 2, column 'visit', value 'Screning': ", done.stderr, flags=re.MULTILINE)
    assert "Traceback" not in done.stderr
    assert not (copy / "new").exists()


def test_a_damaged_vcf_stops_its_batch_with_its_name_and_leaves_no_table_of_it(copy: Path) -> None:
    vcf = copy / "cohort" / "vcf" / "tumour" / "LR-001-T1.vcf.gz"
    vcf.write_bytes(vcf.read_bytes()[: vcf.stat().st_size // 2])
    done = resistance(copy, "run", "cohort/cohort.yaml", "--output", "new")
    assert done.returncode == 1, done.stdout
    said = [line for line in done.stderr.splitlines() if ".log: error: " in line]
    assert said
    assert all("logs/read/batch_000.log" in line for line in said)
    assert vcf.name in said[0]
    assert "a stage stopped" in done.stderr.splitlines()[-1]
    assert not list((copy / "new").rglob("batch_000/*"))
    assert not list((copy / "new").rglob("*.part"))
