"""The proportional-odds model against R's polr and clm, statsmodels, and cut by cut; and where it has no answer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize

from resistance.stats.cumulative_logit import CumulativeLogit
from resistance.stats.logistic import logistic
from resistance.stats.ordinal import cutwise_odds, proportional_odds


@pytest.fixture(scope="module")
def truth(shared: Path) -> dict:
    return json.loads((shared / "truth/stats/04_categorical.json").read_text())


@pytest.fixture(scope="module")
def housing(shared: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    h = pd.read_csv(shared / "truth/stats/data/housing.csv")
    levels = [
        ("Infl", "Medium"),
        ("Infl", "High"),
        ("Type", "Apartment"),
        ("Type", "Atrium"),
        ("Type", "Terrace"),
        ("Cont", "High"),
    ]
    x = np.column_stack([(h[name] == level).to_numpy() for name, level in levels])
    return h["Sat"].map({"Low": 0, "Medium": 1, "High": 2}).to_numpy(), x, h["Freq"].to_numpy()


def sample(n: int = 120, c: int = 4, seed: int = 0, effect: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.random(n) < 0.3, draw.normal(65, 9, n)]).astype(float)
    latent = effect * x[:, 0] - 0.04 * (x[:, 1] - 65) + draw.logistic(size=n)
    return np.digitize(latent, np.linspace(-1, 1.5, c - 1)), x


@pytest.mark.shared
def test_housing_agrees_with_polr(truth: dict, housing: tuple) -> None:
    expected, (y, x, freq) = truth["polr_housing"], housing
    found = proportional_odds(y, x, weights=freq, tested=[], terms=[(0, 1), (2, 3, 4), (5,)], nominal=False)
    value, se = np.r_[found.coef, found.thresholds], np.r_[found.se, found.thresholds_se]
    assert value == pytest.approx(np.array(expected["value"]), rel=1e-6)
    assert se == pytest.approx(np.array(expected["se"]), rel=1e-6)
    assert value / se == pytest.approx(np.array(expected["t"]), rel=1e-6)
    assert -2 * found.loglike == pytest.approx(expected["deviance"], rel=1e-8)
    for term, row in zip(found.terms, expected["lrt"], strict=True):
        assert term.df == row["df"]
        assert term.statistic == pytest.approx(row["chi2"], rel=1e-6)
        # R takes 1 minus the distribution function: its p is right to 1e-16 only
        assert term.p_value == pytest.approx(row["p"], rel=1e-6, abs=1e-15)


@pytest.mark.shared
def test_biliary_cirrhosis_stage_agrees_with_clm(truth: dict, shared: Path) -> None:
    expected = truth["clm_pbc_stage"]
    p = pd.read_csv(shared / "truth/stats/data/pbc_stage.csv")
    found = proportional_odds(p["stage"] - 1, np.column_stack([p["hepato"], np.log(p["bili"]), p["age"]]))
    value, se = np.r_[found.thresholds, found.coef], np.r_[found.thresholds_se, found.se]
    assert value == pytest.approx(np.array(expected["value"]), rel=1e-6)
    assert se == pytest.approx(np.array(expected["se"]), rel=1e-6)
    assert 2 * stats.norm.sf(np.abs(value / se)) == pytest.approx(np.array(expected["p"]), rel=1e-6)
    assert found.p_wald == pytest.approx(np.array(expected["p"][3:]), rel=1e-6)
    assert found.loglike == pytest.approx(expected["loglik"], rel=1e-8)
    rows = expected["nominal_test"]
    for column, (df, lrt, p_value) in enumerate(zip(rows["df"][1:], rows["lrt"][1:], rows["p"][1:], strict=True)):
        if lrt is None:  # nobody with hepatomegaly is in stage 1: R has no number either
            assert found.carriers[column, 0] == 0
            assert np.isnan([found.nominal_statistic[column], found.nominal_p[column]]).all()
            assert found.note.startswith("column 0: no test of proportionality")
        else:
            assert found.nominal_df == df
            assert found.nominal_statistic[column] == pytest.approx(lrt, rel=1e-6)
            assert found.nominal_p[column] == pytest.approx(p_value, rel=1e-6)


def test_proportionality_is_tested_where_the_thresholds_cross_for_patients_of_other_categories() -> None:
    # R 4.2.2, ordinal 2022.11-16: nominal_test(clm(factor(y) ~ x)); the thresholds -.835 + .075 x and 1.170 - .206 x cross at x = 7
    y = [1, 1, 1, 0, 0, 2, 0, 2, 1, 1, 1, 1, 0, 1, 1, 1, 2, 2, 2, 2, 0, 0, 2, 0]
    found = proportional_odds(y, np.arange(-11, 13))
    assert found.nominal_statistic[0] == pytest.approx(6.6298201875723, rel=1e-8)
    assert found.nominal_p[0] == pytest.approx(0.0100285387464, rel=1e-8)
    assert found.note == ""


@pytest.mark.shared
def test_a_row_of_weight_four_is_four_patients(housing: tuple) -> None:
    y, x, freq = housing
    weighted = proportional_odds(y, x, weights=freq, tested=[0])
    long = proportional_odds(np.repeat(y, freq), np.repeat(x, freq, axis=0), tested=[0])
    for name in ("coef", "se", "thresholds", "loglike", "nominal_statistic", "counts", "carriers", "p_global"):
        assert getattr(weighted, name) == pytest.approx(getattr(long, name), rel=1e-7, nan_ok=True), name


def test_agrees_with_statsmodels() -> None:
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    y, x = sample()
    theirs = OrderedModel(y, x, distr="logit").fit(method="newton", disp=0, tol=1e-12)
    found = proportional_odds(y, x, tested=[])
    assert found.coef == pytest.approx(theirs.params[:2], rel=1e-6)
    assert found.se == pytest.approx(theirs.bse[:2], rel=1e-4)  # their second derivatives are numerical
    first, *increments = theirs.params[2:]
    assert found.thresholds == pytest.approx(np.cumsum([first, *np.exp(increments)]), rel=1e-6)
    assert found.loglike == pytest.approx(theirs.llf, rel=1e-10)


def minus_loglike(params: np.ndarray, y: np.ndarray, x: np.ndarray, c: int) -> float:
    cuts = np.r_[-np.inf, params[: c - 1], np.inf]
    below = 1 / (1 + np.exp(-(cuts[None, :] - (x @ params[c - 1 :])[:, None])))
    p = np.diff(below, axis=1)[np.arange(y.size), y]
    return -np.log(p).sum() if (p > 0).all() else 1e10


def test_p_and_interval_belong_to_the_likelihood_written_out() -> None:
    y, x = sample()
    x[:, 1] = (x[:, 1] - 65) / 9
    found = proportional_odds(y, x)
    start = np.r_[found.thresholds, found.coef]
    assert -minus_loglike(start, y, x, 4) == pytest.approx(found.loglike, rel=1e-12)

    def held(column: int, value: float) -> float:
        keep = np.arange(5) != 3 + column

        def cost(free: np.ndarray) -> float:
            params = np.empty(5)
            params[keep], params[3 + column] = free, value
            return minus_loglike(params, y, x, 4)

        return -minimize(cost, start[keep], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10, "maxiter": 4000}).fun

    assert found.p_value[0] == pytest.approx(stats.chi2.sf(2 * (found.loglike - held(0, 0.0)), 1), rel=1e-5)
    for bound in (found.ci_low[0], found.ci_high[0]):
        assert found.loglike - held(0, bound) == pytest.approx(stats.chi2.ppf(0.95, 1) / 2, rel=1e-5)


def test_score_and_second_derivatives_are_those_of_the_likelihood() -> None:
    y, x = sample(50)
    unit = (x - x.mean(axis=0)) / np.ptp(x, axis=0)
    for nominal in ([False, False], [True, False], [True, True]):
        model = CumulativeLogit(y, unit, np.linspace(0.5, 2, 50), np.array(nominal))
        size = 3 + sum(3 if flag else 1 for flag in nominal)
        at = np.r_[-1.0, 0.2, 1.3, 0.05 * np.arange(size - 3)]
        step = 1e-5 * np.eye(size)
        slope = [(model.loglike(at + h) - model.loglike(at - h)) / 2e-5 for h in step]
        bend = np.array([(model.score(at + h) - model.score(at - h)) / 2e-5 for h in step])
        assert model.score(at) == pytest.approx(np.array(slope), rel=1e-6, abs=1e-6)
        assert model.hessian(at) == pytest.approx(bend, rel=1e-6, abs=1e-6)


def test_two_categories_are_logistic_regression() -> None:
    y, x = sample(c=2)
    found, plain = proportional_odds(y, x), logistic(y, x)
    assert found.coef == pytest.approx(plain.coef, rel=1e-8)
    assert (found.ci_low, found.p_value) == (pytest.approx(plain.ci_low, rel=1e-6), pytest.approx(plain.p_value, rel=1e-6))
    assert found.thresholds[0] == pytest.approx(-plain.intercept, rel=1e-8)
    assert found.nominal_df == 0
    assert np.isnan([*found.nominal_p, found.nominal_overall_p]).all()
    assert found.note == ""


def test_one_marker_tested_for_proportionality_against_the_saturated_table() -> None:
    table = np.array([[12, 20, 9, 14], [10, 6, 12, 5]])  # others, carriers
    y, x = np.tile(np.arange(4), 2), np.repeat([0, 1], 4)
    found = proportional_odds(y, x, weights=table.reshape(-1))
    saturated = (table * np.log(table / table.sum(axis=1, keepdims=True))).sum()
    assert found.nominal_statistic[0] == pytest.approx(2 * (saturated - found.loglike), rel=1e-8)
    assert found.nominal_overall_statistic == pytest.approx(found.nominal_statistic[0], rel=1e-9)
    assert found.nominal_p[0] == pytest.approx(stats.chi2.sf(found.nominal_statistic[0], 2), rel=1e-10)
    assert found.loglike_null == pytest.approx((table.sum(axis=0) * np.log(table.sum(axis=0) / 88)).sum(), rel=1e-12)
    assert found.p_global == pytest.approx(found.p_value[0], rel=1e-7)
    assert found.carriers.tolist() == [[10, 6, 12, 5]]


def test_odds_that_are_not_proportional_are_noticed_and_shown_cut_by_cut() -> None:
    # carriers stabilise: neither progress nor respond
    table = np.array([[30, 30, 30], [5, 40, 5]])
    y, x = np.tile(np.arange(3), 2), np.repeat([0, 1], 3)
    found = proportional_odds(y, x, weights=table.reshape(-1))
    assert found.p_value[0] > 0.5
    assert found.nominal_p[0] < 1e-4
    cuts = cutwise_odds(y, x, weights=table.reshape(-1))
    assert np.exp(cuts.coef) == pytest.approx([45 / 5 / (60 / 30), 5 / 45 / (30 / 60)], rel=1e-8)
    assert cuts.se == pytest.approx(
        [np.sqrt(1 / 45 + 1 / 5 + 1 / 60 + 1 / 30), np.sqrt(1 / 5 + 1 / 45 + 1 / 30 + 1 / 60)], rel=1e-8
    )
    assert (cuts.carriers.tolist(), cuts.others.tolist()) == ([5, 40, 5], [30, 30, 30])


def test_cut_by_cut_is_one_logistic_model_per_threshold() -> None:
    y, x = sample()
    found = cutwise_odds(y, x)
    for cut in range(3):
        one = logistic(y > cut, x, tested=[0])
        for name in ("coef", "se", "ci_low", "ci_high", "p_value"):
            assert getattr(found, name)[cut] == pytest.approx(getattr(one, name)[0], rel=1e-6), name


@settings(max_examples=10)
@given(st.integers(0, 300))
def test_coding_scale_and_order_change_what_they_should(seed: int) -> None:
    y, x = sample(70, 3, seed)
    found = proportional_odds(y, x, nominal=False)
    if not found.converged:
        assert np.isnan(found.p_value).all()
        return
    flipped = proportional_odds(2 - y, np.column_stack([1 - x[:, 0], 365.25 * x[:, 1]]), nominal=False)
    # both the scale and the marker turned round: the marker's odds ratio stays, that of age turns
    assert flipped.coef == pytest.approx(found.coef * [1, -1 / 365.25], rel=1e-6, abs=1e-9)
    assert flipped.p_value == pytest.approx(found.p_value, rel=1e-5, abs=1e-10)
    assert ((found.ci_low < 0) & (found.ci_high > 0) == (found.p_value > 0.05)).all()
    order = np.random.default_rng(seed).permutation(70)
    assert proportional_odds(y[order], x[order], nominal=False).p_value == pytest.approx(found.p_value, rel=1e-6, abs=1e-10)


def test_a_category_that_nobody_is_in_has_no_width() -> None:
    y, x = sample(c=3)
    dense = proportional_odds(y, x)
    gap = proportional_odds(np.array([1, 3, 4])[y], x, categories=7)
    assert gap.coef == pytest.approx(dense.coef, rel=1e-10)
    first, second = dense.thresholds
    assert gap.thresholds == pytest.approx([-np.inf, first, first, second, np.inf, np.inf], rel=1e-10)
    assert gap.counts.tolist() == [0, dense.counts[0], 0, dense.counts[1], dense.counts[2], 0, 0]
    assert gap.nominal_df == 1
    assert gap.nominal_statistic == pytest.approx(dense.nominal_statistic, rel=1e-8)


@pytest.mark.parametrize("end", [0, 3])
def test_all_carriers_in_one_end_category_is_separation(end: int) -> None:
    y, x = sample()
    x[:, 0] = (y == end) & (np.cumsum(y == end) <= 5)
    found = proportional_odds(y, x)
    assert (found.converged, found.reason, found.columns) == (False, "monotone", (0,))
    assert found.note == "column 0: separation (no finite odds ratio, such as all carriers in one end category)"
    assert np.isnan([*found.coef, *found.p_value, *found.ci_low, *found.thresholds, *found.nominal_p, found.loglike]).all()
    assert found.carriers[0].sum() == 5
    cuts = cutwise_odds(y, x)
    assert set(cuts.reasons) == {"monotone"}
    assert np.isnan(cuts.p_value).all()


def test_carriers_all_in_the_middle_have_an_estimate_but_no_test_of_proportionality() -> None:
    y, x = sample()
    x[:, 0] = (y == 1) & (np.cumsum(y == 1) <= 5)
    found = proportional_odds(y, x)
    assert found.converged
    assert np.isfinite(found.p_value[0])
    assert np.isnan(found.nominal_p[0])
    assert found.note.startswith("column 0: no test of proportionality")


def test_no_answer_is_said() -> None:
    y, x = sample()
    tied = proportional_odds(y, np.column_stack([x, 2 * x[:, 1] + 1]))
    assert (tied.reason, tied.columns, tied.note) == ("collinear", (1, 2), "columns 1, 2: constant or collinear")
    assert proportional_odds(y, np.column_stack([x, np.ones(y.size)])).columns == (2,)
    flat = proportional_odds(np.full(10, 2), x[:10])
    assert (flat.reason, flat.note, flat.thresholds.size) == ("constant outcome", "the outcome does not vary", 2)
    few = proportional_odds([0, 1, 2], x[:3])
    assert (few.reason, few.note) == ("too few patients", "3 patients are too few for 2 columns and the thresholds")
    assert proportional_odds([], np.zeros((0, 2))).reason == "constant outcome"
    assert proportional_odds(y, x, weights=np.zeros(y.size)).reason == "constant outcome"
    cuts = cutwise_odds(np.minimum(y, 1), x, categories=3)
    assert cuts.reasons == ("", "constant outcome")
    assert cuts.note == "cut 1: everybody is on one side"


def test_the_level_holds_with_enough_carriers() -> None:
    draw = np.random.default_rng(5)
    p = []
    for _ in range(100):
        table = np.array([draw.multinomial(n, [0.4, 0.3, 0.2, 0.1]) for n in (70, 30)])
        found = proportional_odds(
            [0, 1, 2, 3] * 2, [0] * 4 + [1] * 4, weights=table.reshape(-1), nominal=False, terms=[(0,)], tested=[]
        )
        p.append(found.terms[0].p_value)
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.1


def test_bad_input_is_named() -> None:
    y, x = sample()
    with pytest.raises(ValueError, match="outcome_codes: only whole numbers"):
        proportional_odds(y + 0.5, x)
    with pytest.raises(ValueError, match="outcome_codes: only whole numbers"):
        proportional_odds(y - 1, x)
    with pytest.raises(ValueError, match="outcome_codes: code 3 with only 3 categories"):
        proportional_odds(y, x, categories=3)
    with pytest.raises(ValueError, match="weights: negative"):
        proportional_odds(y, x, weights=-np.ones(y.size))
    with pytest.raises(ValueError, match="columns: 1 value"):
        proportional_odds(y, np.where(np.arange(y.size)[:, None] + np.arange(2) == 0, np.nan, x))
    with pytest.raises(ValueError, match=r"tested and terms: a column outside 0\.\.1"):
        proportional_odds(y, x, terms=[(0, 2)])
    with pytest.raises(ValueError, match="tested: no column 2 in 2"):
        cutwise_odds(y, x, tested=2)
