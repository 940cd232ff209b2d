"""Residuals: what they add up to, by hand, and at any coefficients."""

from __future__ import annotations

import numpy as np
import pytest

from resistance.stats.baseline_hazard import baseline_hazard, predicted_survival
from resistance.stats.cox import cox
from resistance.stats.partial_likelihood import PartialLikelihood
from resistance.stats.residuals import cox_residuals
from resistance.stats.survival import kaplan_meier


def sample(n: int = 100, seed: int = 2) -> tuple[np.ndarray, ...]:
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.random(n) < 0.4, draw.normal(1950, 9, n)]).astype(float)  # a year of birth
    return draw.integers(0, 9, n).astype(float), draw.random(n) < 0.6, x, draw.integers(0, 3, n)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_they_add_up(ties: str) -> None:
    time, event, x, site = sample()
    found = cox(time, event, x, strata=site, ties=ties)
    residuals = cox_residuals(time, event, x, found.coef, strata=site, ties=ties)
    assert residuals.martingale.sum() == pytest.approx(0, abs=1e-9)
    assert [residuals.martingale[site == s].sum() for s in range(3)] == pytest.approx([0, 0, 0], abs=1e-9)
    assert residuals.score.sum(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert residuals.schoenfeld.sum(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert residuals.martingale.max() <= 1
    assert np.sign(residuals.deviance).tolist() == np.sign(residuals.martingale).tolist()
    assert residuals.scaled_schoenfeld.mean(axis=0) == pytest.approx(found.coef, rel=1e-6)


def test_score_residuals_add_up_to_the_gradient_anywhere() -> None:
    time, event, x, site = sample()
    weights = np.random.default_rng(0).uniform(0.3, 2, len(time))
    start = np.where(time > 2, 1.0, 0.0)
    time = time + 1
    beta = np.array([0.7, -0.01])
    residuals = cox_residuals(time, event, x, beta, strata=site, start=start, weights=weights)
    gradient = PartialLikelihood(time, event, x - x.mean(axis=0), site, "efron", start=start, weights=weights).score(beta)
    assert weights @ residuals.score == pytest.approx(gradient, rel=1e-9)


def test_null_model_residuals_are_events_less_nelson_aalen() -> None:
    time, event, _, _ = sample()
    found = cox_residuals(time, event, np.zeros((100, 0)), [], ties="breslow")
    distinct = np.unique(time)
    steps = [(event & (time == t)).sum() / (time >= t).sum() for t in distinct]
    assert found.martingale == pytest.approx(event - np.cumsum(steps)[np.searchsorted(distinct, time)])
    assert found.score.shape == (100, 0)


def test_events_are_listed_by_stratum_time_and_row() -> None:
    found = cox_residuals([3, 1, 2, 2, 5], [1, 1, 1, 1, 0], [0.0, 1.0, 0.0, 1.0, 1.0], [0.0], strata=[0, 1, 0, 0, 1])
    assert found.event_row.tolist() == [2, 3, 0, 1]
    assert found.event_time.tolist() == [2, 2, 3, 1]


def test_without_information_there_is_no_dfbeta() -> None:
    found = cox_residuals([1, 2, 3], [1, 1, 0], np.ones((3, 1)), [0.0])
    assert np.isnan(found.dfbeta).all()
    assert np.isnan(found.scaled_schoenfeld).all()
    assert np.isfinite(found.martingale).all()


def test_no_event_leaves_nothing_to_explain() -> None:
    found = cox_residuals([1, 2, 3], [0, 0, 0], [0.0, 1.0, 0.0], [0.5])
    assert found.martingale.tolist() == [0, 0, 0]
    assert found.schoenfeld.shape == (0, 1)


def test_predicted_survival_of_a_null_model_is_nearly_kaplan_meier() -> None:
    draw = np.random.default_rng(0)
    time, event = draw.exponential(10, 2000), draw.random(2000) < 0.7
    baseline = baseline_hazard(time, event, np.zeros((2000, 0)), [])
    curve = kaplan_meier(time, event)
    at = np.array([1.0, 5.0, 10.0])
    expected = curve.survival[np.searchsorted(curve.time, at, side="right") - 1]
    assert predicted_survival(baseline, np.zeros((1, 0)), at)[0] == pytest.approx(expected, abs=1e-3)


def test_predictions_by_hand_and_not_beyond_follow_up() -> None:
    # Breslow steps at coefficient 0: 1/3 at 1, 1/2 at 2; followed to 4
    baseline = baseline_hazard([1, 2, 4], [1, 1, 0], [0.0, 1.0, 0.0], [0.0], ties="breslow")
    found = predicted_survival(baseline, [[0.0], [1.0]], [0.5, 1, 2, 4, 4.1])
    for row in found:
        assert row[:4] == pytest.approx([1, np.exp(-1 / 3), np.exp(-5 / 6), np.exp(-5 / 6)])
        assert np.isnan(row[4])
    assert predicted_survival(baseline, [0.0, 1.0], [1]).shape == (2, 1)


def test_strata_have_their_own_curves_and_must_be_known() -> None:
    baseline = baseline_hazard([1, 2, 3, 4], [1, 0, 1, 0], [0.0, 1.0, 0.0, 1.0], [0.0], strata=["ABC", "ABC", "GCB", "GCB"])
    found = predicted_survival(baseline, [[0.0], [0.0]], [1.5], strata=["GCB", "ABC"])
    assert found[:, 0] == pytest.approx([1.0, np.exp(-0.5)])
    with pytest.raises(ValueError, match="strata: the model has 2"):
        predicted_survival(baseline, [[0.0]], [1])
    with pytest.raises(ValueError, match="strata: PMBL is not a stratum of the model"):
        predicted_survival(baseline, [[0.0]], [1], strata=["PMBL"])
    with pytest.raises(ValueError, match="columns: 2 for a model of 1"):
        predicted_survival(baseline, [[0.0, 1.0]], [1], strata=["ABC"])


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="coef: 1 values for 2"):
        cox_residuals([1, 2], [1, 1], [[0, 1], [1, 0]], [0.1])
    with pytest.raises(ValueError, match="coef: 1 value"):
        cox_residuals([1, 2], [1, 1], [0, 1], [np.nan])
