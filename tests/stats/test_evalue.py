"""E-values against the paper's examples and the bias they are defined by."""

from __future__ import annotations

from math import inf, isnan, nan, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resistance.stats.evalue import e_value

ratios = st.floats(0.01, 100)


def test_examples_of_the_paper_are_met() -> None:
    """VanderWeele and Ding 2017: formula feeding and respiratory death, and leukaemia; smoking and lung cancer."""
    feeding = e_value(3.9, 1.8, 8.7)
    assert (round(feeding.e_value, 2), round(feeding.e_value_limit, 1)) == (7.26, 3.0)
    smoking = e_value(10.73, 8.02, 14.36)
    assert (round(smoking.e_value, 1), round(smoking.e_value_limit, 1)) == (20.9, 15.5)
    leukaemia = e_value(0.80, 0.71, 0.91)
    assert (round(leukaemia.e_value, 2), round(leukaemia.e_value_limit, 2)) == (1.81, 1.43)


@given(ratios)
def test_confounding_of_that_strength_just_explains_the_ratio_away(ratio: float) -> None:
    """Ding and VanderWeele's bound: factors B = RR_EU RR_UD / (RR_EU + RR_UD - 1)."""
    e = e_value(ratio, ratio, ratio).e_value
    assert e * e / (2 * e - 1) == pytest.approx(max(ratio, 1 / ratio), rel=1e-9)


@given(ratios, st.sampled_from(["risk_ratio", "odds_ratio", "hazard_ratio"]), st.booleans())
def test_turning_the_groups_round_changes_nothing(ratio: float, scale: str, common: bool) -> None:
    found = e_value(ratio, ratio / 1.5, ratio * 1.5, scale=scale, common=common)
    other = e_value(1 / ratio, 1 / ratio / 1.5, 1 / ratio * 1.5, scale=scale, common=common)
    assert other.e_value == pytest.approx(found.e_value, rel=1e-7)
    assert other.e_value_limit == pytest.approx(found.e_value_limit, rel=1e-7)
    assert 1 <= found.e_value_limit <= found.e_value


def test_ratios_of_common_outcomes_are_brought_to_the_risk_scale() -> None:
    odds = e_value(4, 1.44, 9, scale="odds_ratio")
    assert (odds.risk_ratio, odds.ci_low, odds.ci_high) == (2, pytest.approx(1.2), 3)
    assert odds.e_value == pytest.approx(2 + sqrt(2))
    hazard = e_value(0.56, 0.46, 0.69, scale="hazard_ratio")
    assert hazard.risk_ratio == pytest.approx((1 - 0.5 ** sqrt(0.56)) / (1 - 0.5 ** sqrt(1 / 0.56)), rel=1e-12)
    assert e_value(0.56, 0.46, 0.69, scale="hazard_ratio", common=False) == e_value(0.56, 0.46, 0.69)
    assert e_value(1.0, 0.5, 2.0, scale="hazard_ratio").risk_ratio == 1


def test_an_interval_that_holds_one_needs_no_confounder() -> None:
    assert e_value(1.5, 0.9, 2.5).e_value_limit == 1
    assert e_value(0.7, 0.4, 1.2).e_value_limit == 1
    assert e_value(1, 1, 1).e_value == 1


def test_ends_of_the_scale_are_carried() -> None:
    for scale in ("risk_ratio", "odds_ratio", "hazard_ratio"):
        assert e_value(inf, 2, inf, scale=scale).e_value == inf
        assert e_value(0, 0, 0.5, scale=scale).e_value == inf
        assert 1 < e_value(0, 0, 0.5, scale=scale).e_value_limit < inf
        found = e_value(nan, nan, nan, scale=scale)
        assert isnan(found.e_value)
        assert isnan(found.e_value_limit)
    assert isnan(e_value(2, nan, nan).e_value_limit)
    assert e_value(1e200, 1e199, 1e201).e_value == pytest.approx(2e200)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"estimate: a ratio cannot be negative \(is -0.5 a logarithm\?\)"):
        e_value(-0.5, -1, 0)
    with pytest.raises(ValueError, match="does not hold the estimate"):
        e_value(2, 3, 4)
    with pytest.raises(ValueError, match="scale: 'beta'"):
        e_value(2, 1, 4, scale="beta")  # type: ignore[arg-type]
