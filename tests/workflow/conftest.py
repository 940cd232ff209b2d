"""A small simulated cohort in several batches, run once through the whole workflow on this machine."""

from __future__ import annotations

import re

import pytest
from workflow_support import Ran, resistance


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The small cohort and its results."""
    folder = tmp_path_factory.mktemp("small")
    made = resistance(folder, "simulate", "cohort", "--patients", "24", "--seed", "3")
    assert made.returncode == 0, made.stdout
    cohort = folder / "cohort" / "cohort.yaml"
    cohort.write_text(re.sub(r"(?m)^batch_size: .*$", "batch_size: 40", cohort.read_text()))
    done = resistance(folder, "run", "cohort/cohort.yaml", "--output", "local")
    assert done.returncode == 0, done.stdout
    return Ran(folder, done.stdout)
