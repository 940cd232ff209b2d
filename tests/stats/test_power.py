"""Power against R's exact enumeration and Schoenfeld's formula."""

from __future__ import annotations

import json
from math import inf, isnan
from pathlib import Path

import numpy as np
import pytest

from resistance.stats.exact import fisher_table
from resistance.stats.power import detectable_hazard_ratio, detectable_odds_ratio, power_fisher, power_log_rank


@pytest.mark.shared
def test_power_agrees_with_r(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/06_prediction_power_mi.json").read_text())
    for row in truth["power_two_proportions"]:
        assert power_fisher(row["p1"], row["p2"], row["n1"], row["n2"]) == pytest.approx(row["fisher"], rel=1e-8)
    for row in truth["power_logrank_schoenfeld"]:
        found = power_log_rank(row["hr"], row["prevalence"], row["events"])
        assert found == pytest.approx(row["power_two_sided_05"], rel=1e-8)
        found = detectable_hazard_ratio(row["prevalence"], row["events"])
        assert found == pytest.approx(row["min_detectable_hr_80"], rel=1e-8)


def test_the_detectable_hazard_ratio_has_the_power_asked_for() -> None:
    for power in (0.5, 0.8, 0.95):
        ratio = detectable_hazard_ratio(0.15, 97, power=power)
        assert power_log_rank(ratio, 0.15, 97) == pytest.approx(power)
        assert power_log_rank(1 / ratio, 0.15, 97) == pytest.approx(power)
    assert isnan(detectable_hazard_ratio(0.0, 97))
    assert isnan(detectable_hazard_ratio(0.2, 0))


def test_the_detectable_odds_ratio_has_the_power_asked_for_by_counting_tables() -> None:
    carriers, others, responders = 20, 60, 40
    below, above = detectable_odds_ratio(carriers, others, responders)
    assert 0 < below < 1 < above
    from math import comb

    for ratio in (below, above):
        weight = np.array([comb(carriers, x) * comb(others, responders - x) * ratio**x for x in range(carriers + 1)])
        rejected = [
            fisher_table(x, carriers - x, responders - x, others - responders + x).p_value <= 0.05 for x in range(carriers + 1)
        ]
        assert weight[rejected].sum() / weight.sum() == pytest.approx(0.8, abs=1e-6)


def test_more_carriers_detect_smaller_effects() -> None:
    ratios = [detectable_odds_ratio(n, 200 - n, 100)[1] for n in (10, 20, 50, 100)]
    assert ratios == sorted(ratios, reverse=True)


def test_margins_that_can_never_be_significant_detect_nothing() -> None:
    assert detectable_odds_ratio(1, 30, 15) == (0.0, inf)
    assert detectable_odds_ratio(0, 30, 15) == (0.0, inf)


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="prevalence"):
        detectable_hazard_ratio(1.2, 10)
    with pytest.raises(ValueError, match="events"):
        power_log_rank(2, 0.2, -1)
