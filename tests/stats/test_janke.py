"""A published cohort: ctDNA during radiotherapy of head and neck cancer and progression-free survival (Janke 2024)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from resistance.stats.log_rank import log_rank


@pytest.mark.shared
@pytest.mark.parametrize(("column", "published"), [("Fx_5", 0.0503), ("Fx_10", 0.0503), ("end_RT", 0.0061)])
def test_published_log_rank_tests_are_found_again(shared: Path, column: str, published: float) -> None:
    patients = pd.read_excel(shared / "cohorts/hnc_ctdna_janke2024/patient_info.xlsx", sheet_name="Characteristics")
    found = log_rank(patients["PFS"], patients["PFS_event"], patients[column])
    assert found.n.sum() == 16
    assert found.p_value == pytest.approx(published, abs=5e-5)
    assert found.z > 0
