"""`resistance run` calls Snakemake with the packaged workflow and a profile, and repeats what stopped it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from resistance import init, run
from resistance.errors import InputError


@pytest.fixture
def cohort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    init.write_templates(Path("study"))
    return Path("study/cohort.yaml")


def stub(monkeypatch: pytest.MonkeyPatch, code: int, log: str = "") -> list[list[str]]:
    """Snakemake that writes a log and returns a code; gives back the calls."""
    calls: list[list[str]] = []

    def call(words: list[str], check: bool) -> subprocess.CompletedProcess[bytes]:
        calls.append(words)
        if log:
            path = Path("results/my_cohort/logs/read/batch_000.log")
            path.parent.mkdir(parents=True)
            path.write_text(log)
            old = path.with_name("batch_001.log")
            old.write_text("error: of an earlier run\n")
            os.utime(old, (0, 0))
        return subprocess.CompletedProcess(words, code)

    monkeypatch.setattr(run.subprocess, "run", call)
    return calls


def test_the_checkouts_workflow_is_found(checkout: Path) -> None:
    assert run.workflow_folder() == checkout / "workflow"


def test_the_installed_copy_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "_packaged" / "workflow"
    installed.mkdir(parents=True)
    (installed / "Snakefile").write_text("")
    monkeypatch.setattr(run, "FOLDERS", (installed, *run.FOLDERS))
    assert run.workflow_folder() == installed


def test_one_machine_is_the_default(cohort: Path) -> None:
    words = run.command(cohort, 3, None, None, ["--dry-run"])
    assert words[1:3] == ["-m", "snakemake"]
    assert words[words.index("--configfile") + 1] == str(cohort.absolute())
    assert words[words.index("--cores") + 1] == "3"
    assert Path(words[words.index("--profile") + 1]).name == "local"
    assert words[-1] == "--dry-run"
    assert "--config" not in words


def test_on_a_cluster_cores_are_those_of_the_submitting_machine(cohort: Path) -> None:
    words = run.command(cohort, 3, Path("out put"), "slurm", [])
    assert words[words.index("--local-cores") + 1] == "3"
    assert "--cores" not in words
    assert words[words.index("--config") + 1] == "output=out put"


def test_an_unknown_profile_is_answered_with_the_packaged_ones() -> None:
    with pytest.raises(InputError, match=r"value 'lsf': there is no such profile. Packaged are: local, slurm"):
        run.profile_folder("lsf")


def test_a_profile_whose_plugin_is_missing_is_answered_with_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("executor: cluster-of-nobody\n")
    with pytest.raises(InputError, match=r"'cluster-of-nobody': Snakemake's plugin for this executor is not installed") as caught:
        run.command(Path("cohort.yaml"), 1, None, str(tmp_path), [])
    assert "pip install snakemake-executor-plugin-cluster-of-nobody" in str(caught.value)


def test_an_own_profile_is_taken_as_a_folder(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("executor: slurm\n")
    assert run.profile_folder(str(tmp_path)) == tmp_path


def test_a_wrong_cohort_file_stops_before_snakemake(cohort: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = stub(monkeypatch, 0)
    cohort.write_text("resistance: [1\n")
    with pytest.raises(InputError, match="not readable as YAML"):
        run.run(cohort, 1, None, None, [])
    assert calls == []


def test_success_says_where_the_report_is_if_there_is_one(
    cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub(monkeypatch, 0)
    page = tmp_path / "out" / "my_cohort" / "report" / "report.html"
    assert run.run(cohort, 1, tmp_path / "out", None, []) == 0
    assert capsys.readouterr().out == ""  # --until matrix ends well without a report
    page.parent.mkdir(parents=True)
    page.touch()
    assert run.run(cohort, 1, tmp_path / "out", None, []) == 0
    assert capsys.readouterr().out == f"report: {page}\n"
    assert run.run(cohort, 1, None, None, ["-n"]) == 0
    assert capsys.readouterr().out == ""


def test_failure_repeats_what_the_stage_said_last(
    cohort: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub(monkeypatch, 1, "reading\nerror: a.vcf, row 7: the file is cut off.\n")
    assert run.run(cohort, 1, None, None, []) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2] == "results/my_cohort/logs/read/batch_000.log: error: a.vcf, row 7: the file is cut off."
    assert lines[-1].startswith("error: a stage stopped; its own words stand above, and under results/my_cohort/logs.")
    assert not any("earlier run" in line for line in lines)


def test_a_signal_becomes_its_usual_exit_code(cohort: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub(monkeypatch, -15)
    assert run.run(cohort, 1, None, None, []) == 143
