"""Real cohort: relapsed lymphoma (`hilton_lcr_2023`), hazard ratios by the time of relapse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from resistance.stats.cox import cox

pytestmark = pytest.mark.shared


@pytest.mark.parametrize("metric", ["OS", "PFS"])
@pytest.mark.parametrize(("origin", "ending"), [("HSCT", "SCT"), ("Progression", "PROG")])
def test_hazard_ratios_of_early_relapse_and_refractory_disease(shared: Path, metric: str, origin: str, ending: str) -> None:
    folder = shared / "cohorts/hilton_lcr_2023/survival"
    published = pd.read_csv(folder / "cox_models.tsv", sep="\t").query("metric == @metric and `from` == @origin")
    table = pd.read_csv(folder / "surv_wide.tsv", sep="\t").dropna(subset=[f"{metric}{ending}_Y"])
    groups = np.column_stack([table["relapse_timing"] == term for term in published["term"]])
    found = cox(table[f"{metric}{ending}_Y"], table[f"{metric}{ending}_CODE"], groups)
    assert found.n == {"SCT": 118, "PROG": 221}[ending]
    assert np.exp(found.coef) == pytest.approx(published["estimate"].to_numpy(), rel=1e-8)
    assert found.se == pytest.approx(published["std.error"].to_numpy(), rel=1e-8)
    assert found.p_wald == pytest.approx(published["p.value"].to_numpy(), rel=1e-8)
    assert np.exp(found.ci_low) == pytest.approx(published["conf.low"].to_numpy(), rel=1e-8)
    assert np.exp(found.ci_high) == pytest.approx(published["conf.high"].to_numpy(), rel=1e-8)
