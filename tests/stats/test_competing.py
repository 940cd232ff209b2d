"""Cause-specific Cox regression against R."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from resistance.stats.competing import cause_specific_cox
from resistance.stats.cox import cox


@pytest.mark.shared
def test_every_number_agrees_with_r(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/03_km_logrank_rmst_cuminc.json").read_text())["cause_specific_mgus2"]
    data = pd.read_csv(shared / "truth/stats/data/mgus2.csv").dropna(subset=["mspike"])
    found = cause_specific_cox(data["etime"], data["ev"], np.column_stack([data["age"], data["sex"] == "M", data["mspike"]]))
    assert found.coef == pytest.approx(list(truth["coef"].values()), rel=1e-6)
    assert found.se == pytest.approx(list(truth["se"].values()), rel=1e-6)


def test_each_cause_is_a_cox_model_with_the_others_censored() -> None:
    draw = np.random.default_rng(2)
    time, cause, x, site = draw.integers(1, 30, 80), draw.integers(0, 3, 80), draw.normal(size=(80, 2)), draw.integers(0, 2, 80)
    for of in (1, 2):
        found = cause_specific_cox(time, cause, x, of=of, strata=site, ties="breslow")
        plain = cox(time, cause == of, x, strata=site, ties="breslow")
        assert (found.coef == plain.coef).all()
        assert found.events == (cause == of).sum()


def test_a_cause_without_events_is_not_answered_and_a_wrong_one_refused() -> None:
    assert cause_specific_cox([1, 2, 3], [0, 2, 2], [0, 1, 1]).reason == "no events"
    with pytest.raises(ValueError, match="of: 0 is not a cause"):
        cause_specific_cox([1, 2, 3], [0, 2, 2], [0, 1, 1], of=0)
    with pytest.raises(ValueError, match="cause: only 0"):
        cause_specific_cox([1, 2, 3], [0, 2, 2.5], [0, 1, 1])
