"""Logistic regression against R and statsmodels' own fit; separation in every form."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.logistic import logistic, logistic_likelihood_ratio, logistic_score_test


def sample(n: int = 150, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.random(n) < 0.3, draw.normal(65, 9, n)])
    return draw.random(n) < 1 / (1 + np.exp(-(0.9 * x[:, 0] - 0.03 * (x[:, 1] - 65)))), x


@pytest.mark.shared
def test_birth_weight_agrees_with_r(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/01_firth_logistic.json").read_text())["birthwt_ml"]
    b = pd.read_csv(shared / "truth/stats/data/birthwt.csv")
    x = np.column_stack([b["age"], b["lwt"], b["race"] == 2, b["race"] == 3, b["smoke"], b["ptl"], b["ht"], b["ui"]])
    found = logistic(b["low"], x)
    assert [found.intercept, *found.coef] == pytest.approx(list(truth["coef"].values()), rel=1e-6)
    assert [found.intercept_se, *found.se] == pytest.approx(list(truth["se"].values()), rel=1e-6)
    assert [found.intercept_p_wald, *found.p_wald] == pytest.approx(list(truth["p"].values()), rel=1e-6)
    assert found.loglike == pytest.approx(truth["loglik"], rel=1e-8)
    # R's profile interval is interpolated
    assert [found.intercept_ci_low, *found.ci_low] == pytest.approx(list(truth["ci_pl_lower"].values()), abs=2e-4)
    assert [found.intercept_ci_high, *found.ci_high] == pytest.approx(list(truth["ci_pl_upper"].values()), abs=2e-4)
    by_name = dict(zip(("age", "lwt", "race2", "race3", "smoke", "ptl", "ht", "ui"), found.p_value, strict=True))
    for name in ("age", "lwt", "smoke", "ptl", "ht", "ui"):
        assert by_name[name] == pytest.approx(truth["lrt_p"][name], rel=1e-6)
    assert logistic_likelihood_ratio(b["low"], x, [2, 3]).p_value == pytest.approx(truth["lrt_p"]["race"], rel=1e-6)


@pytest.mark.shared
def test_score_test_agrees_with_r(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/01_firth_logistic.json").read_text())["birthwt_score_test_smoke_given_age_lwt"]
    b = pd.read_csv(shared / "truth/stats/data/birthwt.csv")
    found = logistic_score_test(b["low"], b[["age", "lwt", "smoke"]], [2])
    # R's glm stops at a change of 1e-8 in the deviance, a little before the coefficients are at rest
    assert (found.statistic, found.df) == (pytest.approx(truth["chi2"], rel=1e-6), 1)
    assert found.p_value == pytest.approx(truth["p"], rel=1e-6)


def test_agrees_with_statsmodels_own_fit() -> None:
    import statsmodels.api as sm

    y, x = sample()
    theirs = sm.Logit(y.astype(float), sm.add_constant(x)).fit(disp=0)
    ours = logistic(y, x)
    assert [ours.intercept, *ours.coef] == pytest.approx(theirs.params, rel=1e-6)
    assert [ours.intercept_se, *ours.se] == pytest.approx(theirs.bse, rel=1e-6)
    assert [ours.intercept_p_wald, *ours.p_wald] == pytest.approx(theirs.pvalues, rel=1e-6)
    assert (ours.loglike, ours.loglike_null) == (pytest.approx(theirs.llf, rel=1e-10), pytest.approx(theirs.llnull, rel=1e-9))
    assert ours.p_global == pytest.approx(theirs.llr_pvalue, rel=1e-7)
    assert ours.fitted == pytest.approx(theirs.predict(), rel=1e-6)


def test_one_marker_gives_the_odds_ratio_of_its_table() -> None:
    y = np.repeat([1, 0, 1, 0], [10, 20, 40, 15])
    x = np.repeat([1, 1, 0, 0], [10, 20, 40, 15])
    found = logistic(y, x)
    assert np.exp(found.coef[0]) == pytest.approx(10 * 15 / (20 * 40), rel=1e-9)
    assert found.se[0] == pytest.approx(np.sqrt(1 / 10 + 1 / 20 + 1 / 40 + 1 / 15), rel=1e-9)


@settings(max_examples=25)
@given(st.integers(0, 1000))
def test_interval_and_p_agree_and_order_does_not_matter(seed: int) -> None:
    y, x = sample(80, seed)
    found = logistic(y, x)
    if not found.converged:
        assert np.isnan(found.p_value).all()
        return
    covers = (found.ci_low < 0) & (found.ci_high > 0)
    assert (covers == (found.p_value > 0.05)).all()
    assert ((found.ci_low < found.coef) & (found.coef < found.ci_high)).all()
    order = np.random.default_rng(seed).permutation(y.size)
    assert logistic(y[order], x[order]).p_value == pytest.approx(found.p_value, rel=1e-6, abs=1e-12)
    other = logistic(~y, np.column_stack([1 - x[:, 0], x[:, 1]]))
    assert other.coef[0] == pytest.approx(found.coef[0], rel=1e-6, abs=1e-9)
    assert other.p_value == pytest.approx(found.p_value, rel=1e-5, abs=1e-10)


@pytest.mark.shared
def test_an_empty_cell_is_flagged_not_estimated(shared: Path) -> None:
    z = pd.read_csv(shared / "truth/stats/data/zero_cell_marker.csv")
    found = logistic(z["resp"], z[["mut", "abc"]])
    assert (found.converged, found.reason, found.columns) == (False, "monotone", (0,))
    assert found.note == "column 0: separation (no finite odds ratio, such as an empty cell)"
    assert np.isnan([*found.coef, *found.p_value, *found.ci_low, found.loglike]).all()


def test_perfect_separation_by_a_number_is_flagged() -> None:
    age = np.linspace(40, 80, 50)
    found = logistic(age > 60, age)
    assert (found.converged, found.reason, found.columns) == (False, "monotone", (0,))


def test_separation_by_a_combination_names_both_columns() -> None:
    draw = np.random.default_rng(1)
    x = draw.normal(size=(60, 2))
    found = logistic(x[:, 0] + x[:, 1] > 0, x)
    assert (found.converged, found.columns) == (False, (0, 1))


def test_collinear_and_constant_columns_are_named() -> None:
    y, x = sample()
    assert logistic(y, np.column_stack([x, 2 * x[:, 1] + 1])).columns == (1, 2)
    constant = logistic(y, np.column_stack([x, np.ones(y.size)]))
    assert (constant.reason, constant.columns) == ("collinear", (2,))


@pytest.mark.parametrize("outcome", [[0, 0, 0], [1, 1, 1]])
def test_an_outcome_that_does_not_vary_is_said(outcome: list[int]) -> None:
    found = logistic(outcome, [0, 1, 0])
    assert (found.converged, found.note) == (False, "the outcome does not vary")


def test_weights_are_repeated_rows_and_bad_ones_are_named() -> None:
    y, x = sample()
    weights = np.random.default_rng(0).integers(0, 4, y.size)
    found, rows = logistic(y, x, weights=weights), logistic(np.repeat(y, weights), np.repeat(x, weights, axis=0))
    assert found.coef == pytest.approx(rows.coef, rel=1e-7)
    assert found.p_value == pytest.approx(rows.p_value, rel=1e-7)
    assert (found.n, found.n_weighted, found.events_weighted) == (int((weights > 0).sum()), rows.n, rows.events)
    with pytest.raises(ValueError, match="weights: negative"):
        logistic(y, x, weights=weights - 1)


def test_score_test_of_one_marker_is_the_chi_square_of_its_table() -> None:
    from scipy.stats import chi2_contingency

    table = [[0, 12], [14, 16]]
    y, x, weights = [1, 0, 1, 0], [1, 1, 0, 0], np.ravel(table)
    found = logistic_score_test(y, x, [0], weights=weights)  # an empty cell is no obstacle
    assert found.p_value == pytest.approx(chi2_contingency(table, correction=False).pvalue, rel=1e-9)
    assert logistic_likelihood_ratio(y, x, [0], weights=weights).reason == "monotone"
    for test in (logistic_score_test, logistic_likelihood_ratio):
        assert test(y, [1, 1, 1, 1], [0]).reason == "collinear"
        assert test([1, 1, 1, 1], x, [0]).note == "the outcome does not vary"
        with pytest.raises(ValueError, match="tested"):
            test(y, x, [1])
