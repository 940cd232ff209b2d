"""The command line answers at once, and turns errors into text and exit codes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from resistance import cli
from resistance.init import write_templates


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "resistance.cli", *arguments], capture_output=True, text=True, check=False)


def test_help_loads_none_of_the_heavy_packages():
    code = (
        "import sys\nfrom resistance import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'pandas', 'numpy', 'pysam', 'scipy', 'statsmodels', 'altair', 'pydantic', 'snakemake'} & set(sys.modules)\n"
        "print('HEAVY', sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("HEAVY []")


@pytest.mark.parametrize(
    "command",
    [
        "init",
        "check",
        "run",
        "simulate",
        "import-cbioportal",
        "read",
        "gather",
        "annotate",
        "ctdna",
        "subtype",
        "classify",
        "matrix",
        "associate",
        "train",
        "predict",
        "report",
        "schema",
        "export",
        "knowledge",
        "power",
        "meta",
        "reference",
    ],
)
def test_every_command_explains_itself(command, capsys):
    cli.main([command, "--help"])
    assert "Usage:" in capsys.readouterr().out


def test_bad_input_is_a_line_and_exit_code_two_without_a_traceback(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["check", str(tmp_path / "none.yaml")])
    assert stop.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert "the cohort file is missing" in err


def test_an_unknown_command_is_a_usage_error():
    done = run("chekc")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_defect_shows_where_it_is_and_asks_for_a_report(monkeypatch, tmp_path):
    code = f"from resistance import cli, init\ninit.write_templates = lambda folder: 1 / 0\ncli.main(['init', {str(tmp_path)!r}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "This is a defect of resistance" in done.stderr


def test_the_templates_that_init_writes_pass_the_check(tmp_path, capsys):
    cli.main(["init", str(tmp_path / "mine")])
    cli.main(["check", str(tmp_path / "mine" / "cohort.yaml")])
    out = capsys.readouterr().out
    assert "nothing is wrong" in out
    assert "endpoint response: 3 patients; 1 left out: not evaluable" in out


def test_init_overwrites_nothing(tmp_path, capsys):
    write_templates(tmp_path)
    with pytest.raises(SystemExit):
        cli.main(["init", str(tmp_path)])
    assert "init overwrites nothing" in capsys.readouterr().err
