"""The hand-made results folder and what the formats make of it, once for all tests of this room."""

from __future__ import annotations

from pathlib import Path

import export_fixture
import pytest

from resistance.export import export


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished results folder."""
    return export_fixture.build(tmp_path_factory.mktemp("small") / "results")


@pytest.fixture(scope="session")
def exported(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its export in the formats that need no further package."""
    out = tmp_path_factory.mktemp("exported")
    export(results, out, ["tsv", "parquet", "maf", "cbioportal"])
    return out
