"""Calibration and decision curves against rms and dcurves, and against what they are by definition."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from resistance.stats.prediction.calibration import calibration, calibration_curve
from resistance.stats.prediction.decision_curve import decision_curve, survival_decision_curve


def sample(n: int = 120, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    p = expit(draw.normal(size=n))
    return draw.random(n) < p, p


@pytest.mark.shared
@pytest.mark.parametrize(("entry", "column"), [("calibration_apparent", "pred"), ("calibration_miscalibrated", "pred_mis")])
def test_every_number_of_val_prob_agrees_with_rms(shared: Path, entry: str, column: str) -> None:
    expected = json.loads((shared / "truth/stats/06_prediction_power_mi.json").read_text())[entry]
    b = pd.read_csv(shared / "truth/stats/data/birthwt_pred.csv")
    found = calibration(b["low"], b[column])
    numbers = found.val_prob.named()
    assert list(numbers) == list(expected["val_prob"])
    for name, value in expected["val_prob"].items():
        if value is None:
            assert np.isnan(numbers[name])
        else:
            # rms stops its fits at 1e-8; lowess is the same algorithm in another language; numbers that are 0 are 1e-9 there
            assert numbers[name] == pytest.approx(value, rel=3e-8 if name in ("Intercept", "Slope") else 1e-10, abs=4e-9)
    assert found.intercept == pytest.approx(expected["cal_intercept_offset"], rel=1e-8, abs=1e-9)
    assert found.slope == pytest.approx(expected["cal_slope"], rel=2e-9)
    assert found.val_prob.brier == pytest.approx(expected["brier"], rel=1e-12)


@pytest.mark.shared
def test_net_benefit_agrees_with_dcurves(shared: Path) -> None:
    expected = pd.DataFrame(json.loads((shared / "truth/stats/06_prediction_power_mi.json").read_text())["decision_curve"])
    b = pd.read_csv(shared / "truth/stats/data/birthwt_pred.csv")
    by_name = dict(list(expected.groupby("variable")))
    at = by_name["all"]["threshold"].to_numpy()
    found = decision_curve(b["low"], b[["pred", "pred2"]], at)
    ours = {"all": found.treat_all, "none": found.treat_none, "pred": found.net_benefit[:, 0], "pred2": found.net_benefit[:, 1]}
    for name, part in by_name.items():
        np.testing.assert_allclose(ours[name], part["net_benefit"], rtol=1e-9, atol=1e-14)


def test_intercept_and_slope_are_those_of_the_recalibrated_model() -> None:
    from statsmodels.api import GLM, families

    y, p = sample()
    wrong = expit(0.4 + 1.7 * logit(p))
    found = calibration(y, wrong)
    offset = GLM(y.astype(float), np.ones(120), family=families.Binomial(), offset=logit(wrong)).fit(tol=1e-12)
    assert [found.intercept, found.intercept_se] == pytest.approx([offset.params[0], offset.bse[0]], rel=1e-7)
    whole = GLM(y.astype(float), np.column_stack([np.ones(120), logit(wrong)]), family=families.Binomial()).fit(tol=1e-12)
    assert [found.slope, found.slope_se] == pytest.approx([whole.params[1], whole.bse[1]], rel=1e-6)
    assert found.observed - found.expected == pytest.approx((y - wrong).sum())


def test_counting_the_other_outcome_turns_the_intercept_and_keeps_the_slope() -> None:
    y, p = sample()
    one, other = calibration(y, p), calibration(~y, 1 - p)
    assert other.intercept == pytest.approx(-one.intercept, rel=1e-8)
    assert other.slope == pytest.approx(one.slope, rel=1e-7)
    assert other.val_prob.s_z == pytest.approx(one.val_prob.s_z)
    order = np.random.default_rng(0).permutation(120)
    again = calibration(y[order], p[order]).val_prob.named()
    assert [again[k] for k in again if k != "D:p"] == pytest.approx(
        [v for k, v in one.val_prob.named().items() if k != "D:p"], rel=1e-7
    )


def test_probabilities_without_slope_say_why() -> None:
    flat = calibration([0, 1, 1, 0], [0.5] * 4)
    assert (flat.converged, flat.reason) == (False, "constant prediction")
    assert np.isnan([flat.slope, flat.val_prob.u]).all()
    assert flat.intercept == pytest.approx(0)
    apart = calibration([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9])
    assert (apart.reason, np.isnan(apart.slope)) == ("monotone", True)
    none = calibration([1, 1, 1], [0.4, 0.8, 0.9])
    assert (none.reason, np.isnan(none.intercept), none.val_prob.brier) == (
        "constant outcome",
        True,
        pytest.approx((0.36 + 0.04 + 0.01) / 3),
    )


def test_certain_predictions_are_left_out_of_the_slope_and_counted() -> None:
    y, p = sample()
    found = calibration(np.append(y, [True, False]), np.append(p, [1.0, 0.0]))
    one = calibration(y, p)
    assert (found.n_extreme, found.slope, found.intercept) == (2, one.slope, one.intercept)
    assert found.note == "2 probabilities of 0 or 1 left out of intercept and slope"
    assert found.val_prob.brier == pytest.approx(one.val_prob.brier * 120 / 122)


def test_the_curve_holds_everybody_once() -> None:
    y, p = sample(200)
    curve = calibration_curve(y, p, groups=5)
    assert curve.n.tolist() == [40] * 5
    assert (curve.observed * curve.n).sum() == pytest.approx(y.sum())
    assert (curve.predicted * curve.n).sum() == pytest.approx(p.sum())
    assert ((curve.ci_low <= curve.observed) & (curve.observed <= curve.ci_high)).all()
    assert (np.diff(curve.isotonic) >= 0).all()
    # Wilson's interval of 0 of 10, as in Newcombe 1998
    none = calibration_curve([0] * 10, [0.3] * 10)
    assert (none.ci_low[0], none.ci_high[0]) == (pytest.approx(0, abs=1e-12), pytest.approx(0.2775, abs=1e-4))


def test_net_benefit_counts_true_and_false_positives() -> None:
    y, p = sample()
    found = decision_curve(y, p, [0.0, 0.3, 0.7])
    for at, benefit, se in zip(found.thresholds, found.net_benefit[:, 0], found.se[:, 0], strict=True):
        each = np.array([(1 if out else -at / (1 - at)) if risk >= at else 0 for out, risk in zip(y, p, strict=True)])
        assert benefit == pytest.approx(each.mean())
        assert se == pytest.approx(each.std(ddof=1) / np.sqrt(120))
    assert found.net_benefit[0, 0] == pytest.approx(y.mean())
    assert (found.over_all_ci_low[0, 0], found.over_all_ci_high[0, 0]) == (0, 0)


def test_a_risk_at_the_threshold_is_treated() -> None:
    assert decision_curve([1, 0], [0.3, 0.1], [0.3]).n_positive[0, 0] == 1


def test_without_censoring_the_survival_form_is_the_binary_one() -> None:
    draw = np.random.default_rng(2)
    time, risk = draw.exponential(size=80), draw.random(80)
    one = survival_decision_curve(time, np.ones(80), risk, [0.2, 0.5], 1.0)
    other = decision_curve(time <= 1, risk, [0.2, 0.5])
    np.testing.assert_allclose(one.net_benefit, other.net_benefit, rtol=1e-12)
    np.testing.assert_allclose(one.treat_all, other.treat_all, rtol=1e-12)


def test_nobody_followed_to_the_horizon_has_no_net_benefit() -> None:
    found = survival_decision_curve([1, 2, 3], [1, 0, 0], [0.9, 0.5, 0.1], [0.2], 10)
    assert np.isnan(found.net_benefit[0, 0])


def test_wrong_input_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="thresholds"):
        decision_curve([0, 1], [0.1, 0.2], [1.0])
    with pytest.raises(ValueError, match=r"outside 0..1"):
        calibration([0, 1], [-0.1, 0.2])
    with pytest.raises(ValueError, match="groups"):
        calibration_curve([0, 1], [0.1, 0.2], groups=0)
