"""Power of regressions against R, published examples, library functions and simulation."""

from __future__ import annotations

import json
from math import exp, inf, isnan, log, sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resistance.stats import power_models as pm
from resistance.stats.power import detectable_hazard_ratio, power_log_rank


@pytest.mark.shared
def test_a_binary_marker_in_a_cox_model_is_schoenfelds_formula_of_r(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/06_prediction_power_mi.json").read_text())["power_logrank_schoenfeld"]
    for row in truth:
        spread = sqrt(row["prevalence"] * (1 - row["prevalence"]))
        assert pm.power_cox(row["hr"], spread, row["events"]) == pytest.approx(row["power_two_sided_05"], rel=1e-8)
        assert pm.detectable_cox(spread, row["events"]) == pytest.approx(row["min_detectable_hr_80"], rel=1e-8)
        events = pm.events_log_rank(row["hr"], row["prevalence"])
        assert (
            power_log_rank(row["hr"], row["prevalence"], events) >= 0.8 > power_log_rank(row["hr"], row["prevalence"], events - 1)
        )


def test_published_examples() -> None:
    # Hsieh and Lavori 2000, equations 1 and 3, with the numbers of their myeloma example, one-sided .05, normal quantiles typed in
    by_hand = (1.6448536269514722 + 0.8416212335729143) ** 2 / (0.3126**2 * 1**2) / (1 - 0.1837)
    events = pm.events_cox(exp(1), 0.3126, r_squared=0.1837, alpha=0.10)
    assert events == int(np.ceil(by_hand))
    # Whitehead 1993: odds ratio exp(.887), 1:1, shares .2 .5 .2 .1 of the control group, 90 % power: 187 patients
    mixed = pm.mixed_proportions([0.2, 0.5, 0.2, 0.1], exp(0.887), 0.5)
    assert pm.patients_ordinal(exp(0.887), mixed, 0.5, power=0.9) == pytest.approx(187, abs=1)
    # Jung 2005: m = 4000, 40 true, 24 true calls, FDR .01
    assert pm.level_false_discovery(4000, 40, rate=0.01, power=0.6) == pytest.approx(24 * 0.01 / (3960 * 0.99), rel=1e-12)


def test_the_t_test_agrees_with_statsmodels() -> None:
    from statsmodels.stats.power import TTestIndPower

    theirs = TTestIndPower()
    for shift, n1, n2, alpha in [(0.5, 64, 64, 0.05), (0.9, 8, 52, 0.001), (0.1, 20, 30, 0.05), (0.0, 5, 9, 0.2)]:
        expected = theirs.power(effect_size=shift, nobs1=n1, ratio=n2 / n1, alpha=alpha)
        assert pm.power_two_means(shift, n1, n2, alpha=alpha) == pytest.approx(expected, rel=1e-8)
    assert theirs.power(effect_size=pm.detectable_shift(20, 60), nobs1=20, ratio=3, alpha=0.05) == pytest.approx(0.8, rel=1e-9)


def test_two_categories_are_two_proportions() -> None:
    from resistance.stats.power_proportions import normal_power_two_proportions

    mixed = pm.mixed_proportions([0.4, 0.6], 2.0, 0.5)
    exposed = 2 * 0.4 / (2 * 0.4 + 0.6)
    found = pm.power_ordinal(2.0, mixed, 150, 150)
    assert found == pytest.approx(normal_power_two_proportions(exposed, 0.4, 150, 150), abs=0.005)


def test_ordinal_power_is_that_of_simulated_rank_tests() -> None:
    from scipy.stats import mannwhitneyu

    draw = np.random.default_rng(3)
    control = np.array([0.2, 0.3, 0.3, 0.2])
    below = np.cumsum(control)[:-1]
    exposed = np.diff(np.concatenate([[0], 3 * below / (1 + 2 * below), [1]]))
    hits = 0
    for _ in range(400):
        a, b = draw.choice(4, 40, p=exposed), draw.choice(4, 80, p=control)
        hits += mannwhitneyu(a, b, method="asymptotic", use_continuity=False).pvalue <= 0.05
    mixed = pm.mixed_proportions(control, 3.0, 40 / 120)
    assert mixed == pytest.approx((exposed + 2 * control) / 3)
    assert pm.power_ordinal(3.0, mixed, 40, 80) == pytest.approx(hits / 400, abs=0.06)


def test_an_interaction_costs_four_times_the_main_effect() -> None:
    for prevalence in (0.05, 0.2, 0.5):
        main = pm.power_cox(2.0, sqrt(prevalence * (1 - prevalence)), 100)
        assert pm.power_interaction_survival(2.0, prevalence, 0.5, 400) == pytest.approx(main, rel=1e-12)
    assert pm.detectable_interaction_survival(0.2, 0.5, 400) == pytest.approx(detectable_hazard_ratio(0.2, 100), rel=1e-12)


def test_binary_interaction_power_is_that_of_simulated_wald_tests() -> None:
    draw = np.random.default_rng(11)
    p, n = np.array([0.3, 0.6, 0.4, 0.3]), np.array([120, 120, 60, 60])
    counts = draw.binomial(n, p, size=(4000, 4))
    logit = np.log((counts + 0.5) / (n - counts + 0.5))
    z = (logit[:, 3] - logit[:, 2] - logit[:, 1] + logit[:, 0]) / np.sqrt(
        (1 / (counts + 0.5) + 1 / (n - counts + 0.5)).sum(axis=1)
    )
    assert pm.power_interaction_binary(p, n) == pytest.approx(float((np.abs(z) > 1.959964).mean()), abs=0.03)


def test_logistic_power_of_a_continuous_marker_is_that_of_simulated_score_tests() -> None:
    draw = np.random.default_rng(2)
    x = draw.standard_normal((1500, 150))
    y = draw.random((1500, 150)) < 1 / (1 + np.exp(-(log(0.4 / 0.6) + log(1.6) * x)))
    left = x - x.mean(axis=1, keepdims=True)
    share = y.mean(axis=1)
    z = (left * y).sum(axis=1) / np.sqrt(share * (1 - share) * (left**2).sum(axis=1))
    assert pm.power_logistic_continuous(1.6, 0.4, 150) == pytest.approx(float((np.abs(z) > 1.959964).mean()), abs=0.04)


def test_expected_events_are_those_of_simulated_patients() -> None:
    draw = np.random.default_rng(5)
    n = 200_000
    event, lost = draw.exponential(1 / 0.06, n), draw.exponential(1 / 0.01, n)
    until = np.minimum(lost, 12 + 24 * draw.random(n))
    share = (event <= until).mean()
    assert pm.expected_events(1, 0.06, accrual=24, follow_up=12, loss=0.01) == pytest.approx(share, abs=0.004)
    # an accrual at once is the limit of a short one
    at_once = pm.expected_events(100, 0.06, accrual=0, follow_up=12)
    assert at_once == pytest.approx(100 * (1 - exp(-0.72)), rel=1e-12)
    assert pm.expected_events(100, 0.06, accrual=1e-9, follow_up=12) == pytest.approx(at_once, rel=1e-9)
    # days or years
    assert pm.expected_events(80, 0.5, accrual=2, follow_up=3, loss=0.1) == pytest.approx(
        pm.expected_events(80, 0.5 / 365.25, accrual=2 * 365.25, follow_up=3 * 365.25, loss=0.1 / 365.25), rel=1e-12
    )


@given(st.floats(0.05, 0.95), st.sampled_from([0.5, 0.8, 0.95]), st.sampled_from([0.05, 1e-3, 1e-6]))
def test_what_is_detectable_has_the_power_and_numbers_are_the_smallest(share: float, power: float, alpha: float) -> None:
    level = {"power": power, "alpha": alpha}
    spread = sqrt(share * (1 - share))
    ratio = pm.detectable_cox(spread, 90, r_squared=0.2, **level)
    assert pm.power_cox(ratio, spread, 90, r_squared=0.2, alpha=alpha) == pytest.approx(power)
    assert pm.power_cox(1 / ratio, spread, 90, r_squared=0.2, alpha=alpha) == pytest.approx(power)
    ratio = pm.detectable_ordinal([0.1, 0.4, 0.5], 20, 70, **level)
    assert pm.power_ordinal(ratio, [0.1, 0.4, 0.5], 20, 70, alpha=alpha) == pytest.approx(power)
    ratio = pm.detectable_logistic_continuous(share, 150, **level)
    assert pm.power_logistic_continuous(ratio, share, 150, alpha=alpha) == pytest.approx(power)
    shift = pm.detectable_shift(9, 50, **level)
    assert pm.power_two_means(shift, 9, 50, alpha=alpha) == pytest.approx(power)
    for number, of in (
        (pm.events_cox(1.7, spread, **level), lambda n: pm.power_cox(1.7, spread, n, alpha=alpha)),
        (
            pm.patients_logistic_continuous(1.7, share, **level),
            lambda n: pm.power_logistic_continuous(1.7, share, n, alpha=alpha),
        ),
        (
            pm.events_interaction_survival(1.7, share, 0.4, **level),
            lambda n: pm.power_interaction_survival(1.7, share, 0.4, n, alpha=alpha),
        ),
    ):
        assert of(number) >= power - 1e-9
        assert of(number - 1) < power
    n = pm.patients_two_means(0.7, share, **level)
    carriers = round(share * n)
    assert pm.power_two_means(0.7, carriers, n - carriers, alpha=alpha) >= power


def test_more_tests_need_a_smaller_level() -> None:
    assert pm.level_false_discovery(1, 0) == 0.05
    assert pm.level_false_discovery(1000, 0) == 0.05 / 1000
    assert pm.level_false_discovery(1000, 1000) == 0.05
    levels = [pm.level_false_discovery(1000, k) for k in (1, 10, 100, 900)]
    assert levels == sorted(levels)


def test_impossible_plans_have_no_number() -> None:
    assert pm.events_log_rank(1.0, 0.2) is None
    assert pm.events_log_rank(2.0, 0.0) is None
    assert pm.patients_two_means(0, 0.5) is None
    assert pm.patients_two_means(1, 0.0) is None
    assert isnan(pm.detectable_cox(0.4, 0))
    assert isnan(pm.detectable_ordinal([0.5, 0.5], 0, 20))
    assert isnan(pm.power_two_means(1, 0, 20))
    assert isnan(pm.power_two_means(1, 1, 1))
    assert isnan(pm.detectable_shift(0, 20))
    assert isnan(pm.power_interaction_binary([0.0, 0.5, 0.5, 0.5], [10, 10, 10, 10]))
    assert isnan(pm.power_interaction_binary([0.5, 0.5, 0.5, 0.5], [10, 10, 0, 10]))
    assert pm.expected_events(50, 0.0, accrual=3, follow_up=3) == 0
    assert pm.power_two_means(50, 100, 100) == 1.0
    assert pm.detectable_cox(1e-5, 1) == inf


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: pm.power_cox(0, 1, 10), "hazard_ratio"),
        (lambda: pm.power_cox(2, -1, 10), "spread"),
        (lambda: pm.power_cox(2, 1, -10), "events"),
        (lambda: pm.power_cox(2, 1, 10, r_squared=1), "r_squared"),
        (lambda: pm.power_cox(2, 1, 10, alpha=1), "alpha"),
        (lambda: pm.events_log_rank(2, 1.5), "prevalence"),
        (lambda: pm.power_ordinal(2, [0.5, 0.2], 3, 4), "proportions"),
        (lambda: pm.power_ordinal(2, [0.5, 0.5], -3, 4), "n_exposed"),
        (lambda: pm.power_interaction_survival(2, 0.2, 2, 10), "arm"),
        (lambda: pm.power_interaction_binary([0.1] * 3, [1] * 3), "four groups"),
        (lambda: pm.level_false_discovery(0, 0), "tests"),
        (lambda: pm.level_false_discovery(5, 6), "true_effects"),
        (lambda: pm.expected_events(5, -1, accrual=1, follow_up=1), "hazard"),
        (lambda: pm.detectable_shift(5, 5, power=0), "power"),
        (lambda: pm.power_logistic_continuous(float("nan"), 0.5, 10), "odds_ratio"),
    ],
)
def test_numbers_out_of_range_are_refused(call: object, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        call()
