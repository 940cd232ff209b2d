"""Marker x arm by Firth's Cox model: near the plain model where that has an answer, and an answer where it has none."""

from __future__ import annotations

import numpy as np
import pytest

from resistance.stats.firth_cox import firth_cox
from resistance.stats.interaction import cox_interaction
from resistance.stats.interaction_cox import firth_cox_interaction


def trial(n: int = 400, seed: int = 8) -> tuple[np.ndarray, ...]:
    draw = np.random.default_rng(seed)
    marker, arm = draw.random(n) < 0.35, draw.random(n) < 0.5
    time = draw.exponential(300 / np.exp(1.2 * (marker & arm) - 0.5 * arm))
    censor = draw.uniform(100, 900, n)
    return np.minimum(time, censor), time <= censor, marker, arm


def test_with_many_events_it_is_near_the_plain_model() -> None:
    plain, found = cox_interaction(*trial()), firth_cox_interaction(*trial())
    assert found.effect == pytest.approx(plain.effect, rel=0.02)
    assert found.p_value == pytest.approx(plain.p_value, rel=0.1)
    assert found.cells == plain.cells
    assert found.ci_low < found.effect < found.ci_high


def test_it_is_the_product_of_firths_model() -> None:
    time, event, marker, arm = trial(120)
    age, site = np.random.default_rng(0).normal(65, 8, 120), np.arange(120) % 2
    found = firth_cox_interaction(time, event, marker, arm, age, strata=site)
    model = firth_cox(time, event, np.column_stack([marker & arm, marker, arm, age]), strata=site)
    assert (found.effect, found.ci_low, found.p_value) == (model.coef[0], model.ci_low[0], model.p_value[0])
    assert found.marker_in_arm == model.coef[0] + model.coef[1]


def test_a_group_without_events_has_an_answer_and_a_note() -> None:
    time, event, marker, arm = trial()
    event = event & ~(marker & arm)
    assert not cox_interaction(time, event, marker, arm).converged
    found = firth_cox_interaction(time, event, marker, arm)
    assert found.converged
    assert "without the penalty no finite hazard ratio" in found.note
    assert found.ci_low < found.effect < found.ci_high < 0


def test_swapping_the_arms_turns_the_sign_and_keeps_the_p() -> None:
    time, event, marker, arm = trial(150)
    found, turned = firth_cox_interaction(time, event, marker, arm), firth_cox_interaction(time, event, marker, ~arm)
    assert turned.effect == pytest.approx(-found.effect, rel=1e-6)
    assert turned.p_value == pytest.approx(found.p_value, rel=1e-6)
    assert turned.ci_low == pytest.approx(-found.ci_high, rel=1e-6)


def test_a_group_without_patients_cannot_be_asked() -> None:
    time, event, marker, arm = trial()
    found = firth_cox_interaction(time, event, marker & arm, arm)
    assert (found.converged, found.reason) == (False, "empty cell")
    assert np.isnan([found.effect, found.p_value, found.ci_low]).all()
