"""Calibration of risks by a time: statsmodels' regression of leave-one-out pseudo-values, curves by group, and known truths."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from resistance.stats.aalen_johansen import cumulative_incidence, incidence_at
from resistance.stats.prediction.survival_calibration import survival_calibration
from resistance.stats.survival import kaplan_meier, survival_at


def made(n: int = 150, seed: int = 1, competing: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    score = draw.normal(size=n)
    time, censor = draw.exponential(np.exp(-score)), draw.uniform(0.3, 3, n)
    cause = np.where(time <= censor, 1 + (competing & (draw.random(n) < 0.4)), 0)
    return np.minimum(time, censor), cause.astype(int), 1 - np.exp(-0.6 * np.exp(0.7 * score))


@pytest.mark.parametrize("competing", [False, True])
def test_intercept_and_slope_are_those_of_statsmodels_on_pseudo_values_by_leaving_patients_out(competing: bool) -> None:
    import statsmodels.api as sm

    time, cause, risk = made(competing=competing)
    found = survival_calibration(time, cause, risk, 0.8)

    def incidence(rows: np.ndarray) -> float:
        return float(incidence_at(cumulative_incidence(time[rows], cause[rows], causes=2), [0.8])[0][0])

    n = time.size
    everybody = np.arange(n)
    pseudo = np.array([n * incidence(everybody) - (n - 1) * incidence(np.delete(everybody, i)) for i in range(n)])
    x = np.log(-np.log(1 - risk))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the link is not the family's usual one
        family = sm.families.Gaussian(link=sm.families.links.CLogLog(), check_link=False)
        of = {"groups": everybody, "family": family, "cov_struct": sm.cov_struct.Independence()}
        fit = {"ctol": 1e-12, "maxiter": 300}
        both = sm.GEE(pseudo, sm.add_constant(x), **of).fit(start_params=[-0.5, 0.8], **fit)
        one = sm.GEE(pseudo, np.ones(n), offset=x, **of).fit(start_params=[0.0], **fit)
    assert found.slope == pytest.approx(both.params[1], rel=1e-5)
    assert found.slope_se == pytest.approx(both.bse[1], rel=1e-4)
    assert found.intercept == pytest.approx(one.params[0], rel=1e-5, abs=1e-6)
    assert found.intercept_se == pytest.approx(one.bse[0], rel=1e-4)
    assert found.slope_ci_low == pytest.approx(found.slope - 1.959963985 * found.slope_se)


def test_groups_and_the_whole_are_read_off_their_own_curves() -> None:
    time, cause, risk = made()
    found = survival_calibration(time, cause, risk, 0.8, groups=4)
    cuts = np.quantile(risk, [0.25, 0.5, 0.75])
    for g in range(4):
        low, high = ([-1, *cuts][g], [*cuts, 2][g])
        mine = (risk > low) & (risk <= high)
        left, bottom, top = (float(v[0]) for v in survival_at(kaplan_meier(time[mine], cause[mine]), [0.8]))
        assert found.group_n[g] == mine.sum()
        assert found.group_predicted[g] == pytest.approx(risk[mine].mean())
        assert [found.group_observed[g], found.group_ci_low[g], found.group_ci_high[g]] == pytest.approx(
            [1 - left, 1 - top, 1 - bottom]
        )
    whole = survival_at(kaplan_meier(time, cause == 1), [0.8])
    assert 1 - found.observed == pytest.approx(whole[0][0])
    assert (1 - found.observed_ci_high, 1 - found.observed_ci_low) == (pytest.approx(whole[1][0]), pytest.approx(whole[2][0]))
    assert found.expected == pytest.approx(risk.mean())
    assert found.ratio == pytest.approx(found.observed / risk.mean())
    assert found.events == ((cause == 1) & (time <= 0.8)).sum()


def test_a_known_miscalibration_is_found() -> None:
    draw = np.random.default_rng(3)
    score = draw.normal(size=4000)
    time, censor = draw.exponential(np.exp(-score)), draw.uniform(0.5, 3, 4000)
    rows = np.minimum(time, censor), time <= censor
    right = survival_calibration(*rows, 1 - np.exp(-np.exp(score)), 1.0)
    assert [right.slope, right.intercept, right.ratio] == pytest.approx([1, 0, 1], abs=0.08)
    extreme = survival_calibration(*rows, 1 - np.exp(-np.exp(2 * score)), 1.0)
    assert extreme.slope == pytest.approx(0.5, abs=0.04)
    twice = survival_calibration(*rows, 1 - np.exp(-2 * np.exp(score)), 1.0)
    assert twice.intercept == pytest.approx(-np.log(2), abs=0.08)
    assert twice.ratio_ci_high < 1


def test_the_interval_of_the_slope_holds_the_truth_as_often_as_it_says() -> None:
    inside = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        score = draw.normal(size=200)
        time, censor = draw.exponential(np.exp(-score)), draw.uniform(0.5, 3, 200)
        found = survival_calibration(np.minimum(time, censor), time <= censor, 1 - np.exp(-np.exp(score)), 1.0)
        inside += found.slope_ci_low <= 1 <= found.slope_ci_high
    assert 0.9 <= inside / 200 <= 0.99


def test_order_and_unit_of_time_do_not_matter() -> None:
    time, cause, risk = made()
    one = survival_calibration(time, cause, risk, 0.8)
    two = survival_calibration(time[::-1] * 365.25, cause[::-1], risk[::-1], 0.8 * 365.25)
    for name in ("slope", "slope_se", "intercept", "ratio"):
        assert getattr(two, name) == pytest.approx(getattr(one, name), rel=1e-7)
    assert two.group_observed == pytest.approx(one.group_observed, nan_ok=True)


def test_what_cannot_be_answered_says_why() -> None:
    time, cause, risk = made(40)
    late = survival_calibration(time, cause, risk, 50.0)
    assert (late.reason, late.note) == ("too late", "nobody is followed to 50")
    assert np.isnan([late.slope, late.intercept, late.observed]).all()
    none = survival_calibration(time, np.zeros(40), risk, 0.3)
    assert (none.reason, none.observed) == ("no events", 0)
    flat = survival_calibration(time, cause, np.full(40, 0.3), 0.8)
    assert (flat.reason, flat.group_n.tolist()) == ("constant prediction", [40])
    assert np.isfinite(flat.intercept)
    edge = survival_calibration(time, cause, np.where(np.arange(40) == 0, 0.0, risk), 0.8)
    assert edge.n_extreme == 1
    assert edge.note.startswith("1 predicted risks of 0 or 1")
    assert survival_calibration([], [], [], 1.0).reason == "too few"


def test_wrong_input_is_refused_in_words() -> None:
    for words, call in {
        r"risk: 1 value\(s\) outside 0..1": lambda: survival_calibration([1, 2], [1, 0], [0.5, 1.5], 1),
        "at: 0 is not above 0": lambda: survival_calibration([1, 2], [1, 0], [0.5, 0.5], 0),
        "groups: at least 1": lambda: survival_calibration([1, 2], [1, 0], [0.5, 0.5], 1, groups=0),
        "cause: only 0": lambda: survival_calibration([1, 2], [1, 0.5], [0.5, 0.5], 1),
        r"risk: 1 value": lambda: survival_calibration([1, 2], [1, 0], [0.5, np.nan], 1),
    }.items():
        with pytest.raises(ValueError, match=words):
            call()
