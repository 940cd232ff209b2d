"""Marker x treatment interaction against models fitted apart, and where it cannot be asked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from resistance.stats.cox import cox
from resistance.stats.interaction import cox_interaction, logistic_interaction


def trial(n: int = 400, seed: int = 8) -> tuple[np.ndarray, ...]:
    draw = np.random.default_rng(seed)
    marker, arm = draw.random(n) < 0.35, draw.random(n) < 0.5
    hazard = np.exp(1.2 * (marker & arm) + 0.1 * marker - 0.5 * arm)
    time = np.ceil(draw.exponential(300 / hazard))
    censor = np.ceil(draw.uniform(100, 900, n))
    response = draw.random(n) < 1 / (1 + np.exp(-(0.8 * arm - 1.5 * (marker & arm))))
    return np.minimum(time, censor), time <= censor, response, marker, arm


def test_odds_ratios_of_the_arms_are_those_of_their_tables() -> None:
    _, _, y, marker, arm = trial()
    found = logistic_interaction(y, marker, arm)

    def log_odds_ratio(inside: np.ndarray) -> float:
        a, b, c, d = ((y == r) & (marker == m) & inside for m in (True, False) for r in (True, False))
        return float(np.log(a.sum() * d.sum() / (b.sum() * c.sum())))

    assert found.marker_in_control == pytest.approx(log_odds_ratio(~arm), rel=1e-6)
    assert found.marker_in_arm == pytest.approx(log_odds_ratio(arm), rel=1e-6)
    assert found.effect == pytest.approx(log_odds_ratio(arm) - log_odds_ratio(~arm), rel=1e-6)
    assert found.ci_low < found.effect < found.ci_high
    assert sum(found.cells) == found.n == 400


def test_likelihood_ratio_is_that_of_the_models_with_and_without_the_product() -> None:
    import statsmodels.api as sm
    from scipy.stats import chi2

    _, _, y, marker, arm = trial()
    x = np.column_stack([marker, arm, marker & arm]).astype(float)
    full = sm.Logit(y.astype(float), sm.add_constant(x)).fit(disp=0, tol=1e-12)
    less = sm.Logit(y.astype(float), sm.add_constant(x[:, :2])).fit(disp=0, tol=1e-12)
    assert logistic_interaction(y, marker, arm).p_value == pytest.approx(chi2.sf(2 * (full.llf - less.llf), 1), rel=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_cox_interaction_agrees_with_lifelines() -> None:
    from scipy.stats import chi2

    lifelines = pytest.importorskip("lifelines")
    time, event, _, marker, arm = trial()
    frame = pd.DataFrame({"time": time, "event": event, "m": marker, "a": arm, "x": marker & arm}).astype(float)
    full = lifelines.CoxPHFitter().fit(frame, "time", "event")
    less = lifelines.CoxPHFitter().fit(frame.drop(columns="x"), "time", "event")
    found = cox_interaction(time, event, marker, arm)
    assert found.effect == pytest.approx(full.params_["x"], rel=1e-4)
    assert found.se == pytest.approx(full.standard_errors_["x"], rel=1e-4)
    expected = chi2.sf(2 * (full.log_likelihood_ - less.log_likelihood_), 1)
    assert found.p_value == pytest.approx(expected, rel=1e-3)


def test_cox_interaction_stratified_by_arm_equals_the_arms_apart() -> None:
    time, event, _, marker, arm = trial()
    apart = [cox(time[arm == a], event[arm == a], marker[arm == a]).coef[0] for a in (False, True)]
    columns = np.column_stack([marker & arm, marker])
    together = cox(time, event, columns, strata=arm)
    assert together.coef[0] == pytest.approx(apart[1] - apart[0], rel=1e-6)


def test_swapping_the_arms_turns_the_sign_and_keeps_the_p() -> None:
    time, event, y, marker, arm = trial()
    for found, turned in (
        (logistic_interaction(y, marker, arm), logistic_interaction(y, marker, ~arm)),
        (cox_interaction(time, event, marker, arm), cox_interaction(time, event, marker, ~arm)),
    ):
        assert turned.effect == pytest.approx(-found.effect, rel=1e-5)
        assert turned.p_value == pytest.approx(found.p_value, rel=1e-5)


def test_covariates_and_strata_are_taken() -> None:
    time, event, y, marker, arm = trial()
    age, site = np.random.default_rng(0).normal(65, 8, y.size), np.arange(y.size) % 3
    assert logistic_interaction(y, marker, arm, age).converged
    assert cox_interaction(time, event, marker, arm, np.column_stack([age]), strata=site).converged


def test_a_group_without_patients_cannot_be_asked() -> None:
    time, event, y, marker, arm = trial()
    for found in (logistic_interaction(y, marker & arm, arm), cox_interaction(time, event, marker & arm, arm)):
        assert (found.converged, found.reason) == (False, "empty cell")
        assert np.isnan([found.effect, found.p_value, found.ci_low]).all()


def test_a_group_in_which_all_respond_has_no_estimate() -> None:
    _, _, y, marker, arm = trial()
    found = logistic_interaction(y | (marker & arm), marker, arm)
    assert not found.converged
    assert 0 in found.columns
    assert np.isnan(found.p_value)


def test_penalised_interaction_answers_where_all_or_none_of_a_group_respond() -> None:
    from resistance.stats.firth_logistic import firth_logistic

    _, _, y, marker, arm = trial()
    never = y & ~(marker & arm)
    found = logistic_interaction(never, marker, arm, penalised=True)
    assert found.converged
    assert 0 in found.columns
    assert "separation" in found.note
    assert found.ci_low < found.effect < found.ci_high < 0
    assert found.p_value < 1e-4
    # saturated: one half is added to each of the eight cells
    expected = [
        np.log((never & (marker == m) & (arm == a)).sum() + 0.5) - np.log((~never & (marker == m) & (arm == a)).sum() + 0.5)
        for m, a in ((1, 1), (0, 1), (1, 0), (0, 0))
    ]
    assert found.effect == pytest.approx(expected[0] - expected[1] - expected[2] + expected[3], rel=1e-8)
    columns = np.column_stack([marker & arm, marker, arm]).astype(float)
    assert found.p_value == firth_logistic(never, columns).p_value[0]
    turned = logistic_interaction(never, marker, ~arm, penalised=True)
    assert (turned.effect, turned.p_value) == (pytest.approx(-found.effect, rel=1e-7), pytest.approx(found.p_value, rel=1e-6))
    assert logistic_interaction(y, marker & arm, arm, penalised=True).reason == "empty cell"


def test_penalised_and_plain_interaction_are_near_each_other_with_many_patients() -> None:
    _, _, y, marker, arm = trial(4000)
    plain, penalised = logistic_interaction(y, marker, arm), logistic_interaction(y, marker, arm, penalised=True)
    assert penalised.effect == pytest.approx(plain.effect, rel=0.02)
    assert penalised.ci_low == pytest.approx(plain.ci_low, rel=0.02)
    assert penalised.note == ""
