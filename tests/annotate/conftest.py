"""The bundle of real bases that several tests of own annotation share."""

from __future__ import annotations

from pathlib import Path

import pytest

from resistance.annotate.reference import Reference, build_reference, open_reference


@pytest.fixture(scope="session")
def bundle(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """All coding bases of seven genes on GRCh37 (see docs/annotation_truth.md)."""
    out = tmp_path_factory.mktemp("reference")
    build_reference(shared / "truth" / "annotation" / "real37.fa.gz", "GRCh37", out)
    return open_reference(out / "reference.json", "GRCh37")
