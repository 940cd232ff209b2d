"""One report of the hand-made results folder, written once for all tests of this room."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import report_fixture as made


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of the fixture."""
    from resistance.report.page import write_report

    folder = tmp_path_factory.mktemp("report")
    results = made.build_results(folder / "results")
    write_report(made.config_of(), results, folder / "report", made.PROVENANCE)
    return folder / "report"


@pytest.fixture(scope="session")
def content(report: Path) -> dict[str, Any]:
    """The numbers of the fixture's report."""
    found: dict[str, Any] = json.loads((report / "report.json").read_text(encoding="utf-8"))
    return found
