"""What the tests of the workflow share: a cohort that was run, and how to call the tools in a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ran:
    """A working directory with the cohort in ``cohort/`` and its results in ``local/``."""

    folder: Path
    output: str

    @property
    def results(self) -> Path:
        return next((self.folder / "local").iterdir())


def environment(**more: str) -> dict[str, str]:
    """Our variables without settings that the machine may have for Snakemake."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SNAKEMAKE")}
    return {**kept, **more}


def call(
    folder: Path, *words: str, timeout: float = 500, python: str = sys.executable, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m words`` in a folder and give back what it said (both streams, one after the other)."""
    done = subprocess.run(
        [python, "-m", *words], cwd=folder, env=environment(**more), capture_output=True, text=True, timeout=timeout, check=False
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout + done.stderr, done.stderr)


def resistance(folder: Path, *words: str, timeout: float = 500, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder."""
    return call(folder, "resistance.cli", *words, timeout=timeout, **more)


def result_files(folder: Path) -> dict[str, bytes]:
    """Every file of a results folder but logs and Snakemake's own marks, by its path below the folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "logs" not in path.relative_to(folder).parts and path.name != ".snakemake_timestamp"
    }
