"""Meta-analysis against the published numbers of the BCG trials, statsmodels, and likelihoods and quadratic forms written out."""

from __future__ import annotations

import math
from itertools import product
from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.meta import INTERVALS, METHODS, egger, leave_one_out, meta_analysis, meta_regression, subgroup_difference
from resistance.stats.meta_counts import effects_of_counts

# vaccinated with and without, not vaccinated with and without tuberculosis; latitude: Colditz 1994, doi:10.1001/jama.1994.03510330076038
BCG = [
    (4, 119, 11, 128, 44), (6, 300, 29, 274, 55), (3, 228, 11, 209, 42), (62, 13536, 248, 12619, 52), (33, 5036, 47, 5761, 13),
    (180, 1361, 372, 1079, 44), (8, 2537, 10, 619, 19), (505, 87886, 499, 87892, 13), (29, 7470, 45, 7232, 27),
    (17, 1699, 65, 1600, 42), (186, 50448, 141, 27197, 18), (5, 2493, 3, 2338, 33), (27, 16886, 29, 17825, 33),
]  # fmt: skip
TABLES = np.array(BCG)[:, :4]
LATITUDE = np.array(BCG)[:, 4]
TRIALS = effects_of_counts(TABLES, measure="risk_ratio")

STUDIES = st.lists(st.tuples(st.floats(-2, 2), st.floats(0.05, 1.5)), min_size=3, max_size=9)


def split(rows: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(rows).T[0], np.array(rows).T[1]


def restricted(tau2: float, y: np.ndarray, s: np.ndarray) -> float:
    w = 1 / (s**2 + tau2)
    mean = (w * y).sum() / w.sum()
    return float(np.log(w).sum() - log(w.sum()) - (w * (y - mean) ** 2).sum()) / 2


def test_the_bcg_trials_have_their_published_numbers() -> None:
    # Viechtbauer 2010, doi:10.18637/jss.v036.i03, and the documentation of his package: four digits
    found = meta_analysis(TRIALS.effect, TRIALS.se, interval="normal")
    assert [found.effect, found.se, found.ci_low, found.ci_high] == pytest.approx([-0.7145, 0.1798, -1.0669, -0.3622], abs=5e-5)
    assert [found.tau2, found.tau2_low, found.tau2_high] == pytest.approx([0.3132, 0.1197, 1.1115], abs=5e-5)
    assert [found.q, found.i2, found.h2] == pytest.approx([152.2330, 0.9222, 12.86], abs=5e-3)
    assert meta_analysis(TRIALS.effect, TRIALS.se, method="dersimonian_laird").tau2 == pytest.approx(0.3088, abs=5e-5)
    fixed = meta_analysis(TRIALS.effect, TRIALS.se, method="fixed")
    assert [fixed.effect, fixed.se] == pytest.approx([-0.4303, 0.0405], abs=5e-5)
    latitude = meta_regression(TRIALS.effect, TRIALS.se, LATITUDE, interval="normal")
    assert latitude.coef == pytest.approx([0.2515, -0.0291], abs=5e-5)
    assert latitude.se == pytest.approx([0.2491, 0.0072], abs=5e-5)
    assert latitude.tau2 == pytest.approx(0.0764, abs=6e-5)
    assert latitude.r_squared == pytest.approx(0.7562, abs=5e-4)


@pytest.mark.parametrize(("ours", "theirs"), [("dersimonian_laird", "chi2"), ("paule_mandel", "iterated")])
def test_agrees_with_statsmodels(ours: str, theirs: str) -> None:
    from statsmodels.stats.meta_analysis import combine_effects

    expected = combine_effects(TRIALS.effect, TRIALS.se**2, method_re=theirs, atol=1e-12)
    found = meta_analysis(TRIALS.effect, TRIALS.se, method=ours, interval="hartung_knapp")
    assert found.tau2 == pytest.approx(expected.tau2, rel=1e-6)
    assert found.effect == pytest.approx(expected.mean_effect_re, rel=1e-6)
    assert found.se == pytest.approx(sqrt(expected.var_hksj_re), rel=1e-6)
    assert found.q == pytest.approx(expected.q, rel=1e-9)
    fixed = meta_analysis(TRIALS.effect, TRIALS.se, method="fixed")
    assert [fixed.effect, fixed.se] == pytest.approx([expected.mean_effect_fe, expected.sd_eff_w_fe], rel=1e-9)
    frame = expected.summary_frame()
    assert fixed.weights == pytest.approx(frame["w_fe"].to_numpy()[: len(BCG)], rel=1e-9)
    assert found.weights == pytest.approx(frame["w_re"].to_numpy()[: len(BCG)], rel=1e-6)


@settings(max_examples=40)
@given(STUDIES)
def test_reml_is_the_highest_point_of_the_restricted_likelihood(rows: list[tuple[float, float]]) -> None:
    y, s = split(rows)
    found = meta_analysis(y, s)
    top = restricted(found.tau2, y, s)
    grid = np.concatenate([[0.0], np.geomspace(1e-6, 1e3, 400)])
    assert top >= max(restricted(value, y, s) for value in grid) - 1e-9
    for nearby in (found.tau2 * 1.001, found.tau2 * 0.999):
        assert restricted(nearby, y, s) <= top + 1e-12


@settings(max_examples=40)
@given(STUDIES)
def test_the_profile_of_q_gives_paule_mandel_and_the_interval(rows: list[tuple[float, float]]) -> None:
    from scipy.stats import chi2

    y, s = split(rows)

    def q(tau2: float) -> float:
        w = 1 / (s**2 + tau2)
        return float((w * (y - (w * y).sum() / w.sum()) ** 2).sum())

    found = meta_analysis(y, s, method="paule_mandel")
    k = y.size
    for value, level in (
        (found.tau2, k - 1),
        (found.tau2_low, chi2.isf(0.025, k - 1)),
        (found.tau2_high, chi2.ppf(0.025, k - 1)),
    ):
        assert q(value) == pytest.approx(level, rel=1e-6) if value > 0 else q(0.0) <= level
    assert found.q == pytest.approx(q(0.0), rel=1e-9)
    assert found.q_p == pytest.approx(chi2.sf(found.q, k - 1))


@settings(max_examples=25)
@given(STUDIES, st.sampled_from(METHODS), st.sampled_from(INTERVALS), st.floats(0.01, 1000))
def test_order_sign_and_unit_do_not_matter(rows: list[tuple[float, float]], method: str, interval: str, unit: float) -> None:
    y, s = split(rows)
    found = meta_analysis(y, s, method=method, interval=interval)
    back = meta_analysis(y[::-1], s[::-1], method=method, interval=interval)
    flipped = meta_analysis(-y, s, method=method, interval=interval)
    scaled = meta_analysis(unit * y, unit * s, method=method, interval=interval)
    spread = max(1.0, abs(y).max())
    for other, sign, factor in ((back, 1, 1), (flipped, -1, 1), (scaled, 1, unit)):
        assert other.effect / factor == pytest.approx(sign * found.effect, abs=1e-7 * spread)
        assert other.se / factor == pytest.approx(found.se, rel=1e-6)
        assert other.tau2 / factor**2 == pytest.approx(found.tau2, rel=1e-5, abs=1e-8)
        assert other.i2 == pytest.approx(found.i2, abs=1e-5)
    assert found.ci_low <= found.effect <= found.ci_high
    assert found.weights.sum() == pytest.approx(1)
    assert (found.tau2_low == 0) or (found.tau2_low <= found.tau2_high)
    excludes = not found.ci_low <= 0 <= found.ci_high
    assert excludes == (found.p_value < 0.05) or abs(found.p_value - 0.05) < 1e-6


@pytest.mark.parametrize("effects", [[0.5, 0.5, 0.5], [0.0, 0.0, 0.0], [0.7, 0.9, 1.1]])
def test_small_studies_that_lie_on_one_line_have_no_p_of_rounding_errors(effects: list[float]) -> None:
    se = np.array([0.2, 0.3, 0.4])  # effect = 0.3 + 2 se is a line too: its intercept is 2 without any error
    found = egger(effects, se)
    assert (found.converged, found.reason) == (False, "exact fit")
    assert math.isnan(found.p_value)
    assert found.note == "the studies lie on one line: there is no error to test against"


def test_studies_of_one_effect_have_no_error_by_the_plain_rule_and_the_note_says_so() -> None:
    # metafor 3.8-1: rma(yi = c(1, 1, 1), vi = c(1, 1, 1), test = "knha"): se 0, p 0, interval 1 to 1
    found = meta_analysis([1, 1, 1], [1, 1, 1], interval="hartung_knapp")
    assert (found.se, found.p_value, found.ci_low, found.ci_high) == (0.0, 0.0, 1.0, 1.0)
    assert (
        found.note == "the studies have one effect: Hartung and Knapp's error is 0 and says nothing, take 'hartung_knapp_wider'"
    )
    assert math.isnan(meta_analysis([0, 0, 0], [1, 1, 1], interval="hartung_knapp").p_value)
    assert meta_analysis([1, 1, 1], [1, 1, 1]).se == pytest.approx(1 / math.sqrt(3))


def test_the_wider_rule_never_narrows() -> None:
    agreeing = [0.50, 0.51, 0.49, 0.505], [0.2, 0.2, 0.25, 0.3]
    narrow, wide = (meta_analysis(*agreeing, interval=i) for i in ("hartung_knapp", "hartung_knapp_wider"))
    normal = meta_analysis(*agreeing, interval="normal")
    assert narrow.ci_high - narrow.ci_low < normal.ci_high - normal.ci_low < wide.ci_high - wide.ci_low
    assert wide.se == normal.se
    spread = [0.1, 1.2, -0.4, 0.6], [0.2, 0.2, 0.25, 0.3]
    assert meta_analysis(*spread, interval="hartung_knapp_wider").se == pytest.approx(
        meta_analysis(*spread, interval="hartung_knapp").se, rel=0.05
    )


def test_the_prediction_interval_by_hand() -> None:
    from scipy.stats import t

    found = meta_analysis(TRIALS.effect, TRIALS.se, interval="normal")
    reach = t.ppf(0.975, 11) * sqrt(found.tau2 + found.se**2)
    assert [found.prediction_low, found.prediction_high] == pytest.approx([found.effect - reach, found.effect + reach])


def test_the_hartung_knapp_interval_covers_where_the_normal_one_does_not() -> None:
    draw = np.random.default_rng(8)
    hits = dict.fromkeys(INTERVALS, 0)
    for _ in range(300):
        s = draw.uniform(0.1, 0.5, 5)
        y = draw.normal(0.4, np.sqrt(s**2 + 0.1))
        for interval in INTERVALS:
            found = meta_analysis(y, s, method="dersimonian_laird", interval=interval)
            hits[interval] += found.ci_low <= 0.4 <= found.ci_high
    assert hits["hartung_knapp_wider"] / 300 > 0.93
    assert hits["normal"] < hits["hartung_knapp"] <= hits["hartung_knapp_wider"]


def test_regression_on_nothing_is_the_meta_analysis_and_on_a_group_the_difference() -> None:
    nothing = meta_regression(TRIALS.effect, TRIALS.se, np.zeros((13, 0)))
    pooled = meta_analysis(TRIALS.effect, TRIALS.se)
    assert nothing.coef[0] == pytest.approx(pooled.effect, rel=1e-9)
    assert [nothing.se[0], nothing.p_value[0], nothing.tau2] == pytest.approx([pooled.se, pooled.p_value, pooled.tau2], rel=1e-7)
    far = LATITUDE > 33
    for unit, shift in product((1.0, 1e4), (0.0, 1e3)):
        found = meta_regression(TRIALS.effect, TRIALS.se, far * unit + shift, method="fixed")
        groups = subgroup_difference(TRIALS.effect, TRIALS.se, far, method="fixed")
        assert found.coef[1] * unit == pytest.approx(groups.difference, rel=1e-8)
        assert found.se[1] * unit == pytest.approx(groups.se, rel=1e-8)
        assert found.q_columns == pytest.approx(groups.q, rel=1e-7)
        assert found.p_value[1] == pytest.approx(groups.p_value, rel=1e-7)


def test_one_column_with_hartung_knapp_has_one_p() -> None:
    found = meta_regression(TRIALS.effect, TRIALS.se, LATITUDE)
    assert found.q_columns_p == pytest.approx(found.p_value[1], rel=1e-9)
    assert found.q_columns == pytest.approx((found.coef[1] / found.se[1]) ** 2, rel=1e-9)


def test_the_ratio_of_ratios_of_one_trial_by_hand() -> None:
    # hazard ratios .85 (.63 to 1.14) and .40 (.20 to .80)
    se = [(log(1.14) - log(0.63)) / (2 * 1.959964), (log(0.80) - log(0.20)) / (2 * 1.959964)]
    found = subgroup_difference([log(0.85), log(0.40)], se, ["GCB", "non-GCB"])
    assert exp(found.difference) == pytest.approx(0.40 / 0.85)
    assert found.se == pytest.approx(sqrt(se[0] ** 2 + se[1] ** 2))
    assert found.q == pytest.approx((found.difference / found.se) ** 2)
    assert found.names == ("GCB", "non-GCB")
    assert found.df == 1
    alone = subgroup_difference([0.1], [0.2], ["GCB"])
    assert (alone.converged, alone.reason) == (False, "one group")
    assert not subgroup_difference([], [], []).converged
    three = subgroup_difference([0.1, 0.3, 0.2, 0.6], [0.2] * 4, ["a", "b", "c", "c"])
    assert np.isnan(three.difference)
    assert three.df == 2
    assert 0 < three.p_value < 1


def test_each_study_is_left_out_once() -> None:
    found = leave_one_out(TRIALS.effect, TRIALS.se)
    assert len(found) == 13
    keep = np.arange(13) != 4
    assert found[4].effect == meta_analysis(TRIALS.effect[keep], TRIALS.se[keep]).effect


def test_eggers_regression_is_least_squares() -> None:
    import statsmodels.api as sm

    found = egger(TRIALS.effect, TRIALS.se)
    theirs = sm.OLS(TRIALS.effect / TRIALS.se, sm.add_constant(1 / TRIALS.se)).fit()
    assert [found.intercept, found.se, found.p_value] == pytest.approx(
        [theirs.params[0], theirs.bse[0], theirs.pvalues[0]], rel=1e-8
    )
    assert egger([0.1, 0.2], [0.1, 0.2]).reason == "too few studies"
    assert egger([0.1, 0.2, 0.3], [0.2, 0.2, 0.2]).reason == "equal precision"


def test_studies_that_agree_exactly_have_no_p_made_of_rounding() -> None:
    effects, se = np.full(5, 0.3), np.array([0.11, 0.23, 0.31, 0.47, 0.6])
    assert np.isnan(egger(effects, se).p_value)
    found = meta_regression(effects, se, np.array([[3.1], [0.4], [7.7], [2.2], [1.9]]), interval="hartung_knapp")
    assert found.coef == pytest.approx([0.3, 0], abs=1e-12)
    assert found.se.tolist() == [0, 0]
    assert np.isnan([*found.p_value, found.q_columns_p]).all()
    assert meta_regression(effects, se, np.arange(5.0)).p_value[1] == pytest.approx(1, abs=1e-9)
    pooled = meta_analysis([0.3, 0.1 + 0.2, 0.3], [0.1, 0.2, 0.3], interval="hartung_knapp")
    assert pooled.se == 0
    assert "says nothing" in pooled.note


def test_what_cannot_be_pooled_has_no_number() -> None:
    nothing = meta_analysis([], [])
    assert (nothing.converged, nothing.reason, nothing.k) == (False, "no studies", 0)
    one = meta_analysis([0.4], [0.2])
    assert (one.converged, one.reason) == (False, "one study")
    assert np.isnan(one.p_value)
    own = meta_analysis([0.4], [0.2], method="fixed")
    assert [own.effect, own.se, own.tau2] == pytest.approx([0.4, 0.2, 0.0])
    assert np.isnan(own.q_p)
    same = meta_analysis([0.4, 0.4, 0.4], [0.2, 0.3, 0.4], interval="hartung_knapp")
    assert same.tau2 == 0
    assert same.se == pytest.approx(0, abs=1e-12)
    assert same.i2 == 0
    two = meta_analysis([0.1, 0.9], [0.2, 0.2])
    assert two.converged
    assert np.isnan(two.prediction_low)
    few = meta_regression([0.1, 0.2], [0.1, 0.1], [1.0, 2.0])
    assert (few.converged, few.reason) == (False, "too few studies")
    constant = meta_regression([0.1, 0.2, 0.5, 0.3], [0.1] * 4, np.column_stack([[1, 2, 3, 5], [7, 7, 7, 7]]))
    assert (constant.reason, constant.columns) == ("collinear", (1,))
    twice = meta_regression([0.1, 0.2, 0.5, 0.3, 0.2], [0.1] * 5, np.column_stack([[1, 2, 3, 5, 9], [2, 4, 6, 10, 18]]))
    assert (twice.reason, twice.columns) == ("collinear", (0, 1))


def test_extreme_precision_and_spread_are_met() -> None:
    found = meta_analysis([0.1, 5.0, -8.0], [1e-6, 1e-6, 1e-6])
    assert found.tau2 == pytest.approx(np.var([0.1, 5.0, -8.0], ddof=1), rel=1e-6)
    assert found.i2 > 0.999
    mixed = meta_analysis([0.1, 0.2, 3.0], [1e-4, 2.0, 50.0])
    assert np.isfinite([mixed.effect, mixed.se, mixed.tau2]).all()


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="effects: 1 value"):
        meta_analysis([0.1, np.nan], [0.1, 0.2])
    with pytest.raises(ValueError, match="se: must be positive"):
        meta_analysis([0.1, 0.3], [0.1, 0.0])
    with pytest.raises(ValueError, match="se: 1 values for 2"):
        meta_analysis([0.1, 0.3], [0.1])
    with pytest.raises(ValueError, match="none of reml"):
        meta_analysis([0.1, 0.3], [0.1, 0.2], method="ml")
    with pytest.raises(ValueError, match="none of hartung"):
        meta_analysis([0.1, 0.3], [0.1, 0.2], interval="t")
    with pytest.raises(ValueError, match="confidence"):
        meta_analysis([0.1, 0.3], [0.1, 0.2], confidence=95)
    with pytest.raises(ValueError, match="columns"):
        meta_regression([0.1, 0.3], [0.1, 0.2], [1.0, 2.0, 3.0])
