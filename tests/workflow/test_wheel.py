"""What is built is what is run: the wheel carries the workflow, its profiles and the knowledge tables."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from workflow_support import call, environment, result_files

pytestmark = [pytest.mark.workflow, pytest.mark.long]


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built without network by what is installed here."""
    pytest.importorskip("hatchling", reason="building the wheel needs hatchling (it is in the lock)")
    folder = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=checkout, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment that has the wheel, and everything but the package from this one."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, env=environment())
    binary = folder / "bin" / "python"
    (site,) = folder.glob("lib/python*/site-packages")
    # a .pth file here does not process the .pth files there: the editable checkout stays invisible
    here = next(path for path in map(Path, sys.path) if path.name == "site-packages")
    (site / "dependencies.pth").write_text(f"{here}\n")
    words = ["pip", "--python", str(binary), "install", "--quiet", "--no-deps", "--no-index", "--ignore-installed", str(wheel)]
    done = call(folder, *words, PYTHONPATH="")
    assert done.returncode == 0, done.stdout
    return binary


def test_the_wheel_carries_the_workflow_and_the_tables(wheel: Path, checkout: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("workflow", "resources"):
        for path in (checkout / folder).rglob("*"):
            if path.is_file() and not path.name.startswith(".") and "__pycache__" not in path.parts:
                assert f"resistance/_packaged/{path.relative_to(checkout).as_posix()}" in names
    assert "resistance/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "config/", "resistance/_packaged/workflow/.snakemake"))]


def test_the_wheel_runs_a_cohort_far_from_any_checkout(python: Path, tmp_path: Path) -> None:
    where = call(tmp_path, "resistance.cli", "init", "study", python=str(python), PYTHONPATH="")
    assert where.returncode == 0, where.stdout
    code = "import resistance, resistance.run as run; print(resistance.__file__); print(run.workflow_folder())"
    places = subprocess.run(
        [str(python), "-c", code], cwd=tmp_path, env=environment(PYTHONPATH=""), capture_output=True, text=True, check=True
    ).stdout.splitlines()
    home = python.parent.parent
    assert all(Path(place).is_relative_to(home) for place in places), places
    done = subprocess.run(
        [str(python.parent / "resistance"), "run", "study/cohort.yaml"],
        cwd=tmp_path,
        env=environment(PYTHONPATH=""),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "report: results/my_cohort/report/report.html"
    assert str(home / "lib") in done.stderr  # the packaged Snakefile
    assert "report/report.html" in result_files(tmp_path / "results" / "my_cohort")
