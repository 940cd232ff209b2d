"""Delayed entry, start-stop rows, weights, clusters: properties, and what cannot be asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.cox import cox
from resistance.stats.partial_likelihood import PartialLikelihood


def entered(n: int = 90, seed: int = 4) -> tuple[np.ndarray, ...]:
    draw = np.random.default_rng(seed)
    start = draw.integers(0, 5, n).astype(float)
    x = np.column_stack([draw.random(n) < 0.3, draw.normal(60, 9, n)]).astype(float)
    time = start + np.ceil(draw.exponential(12 / np.exp(0.6 * x[:, 0])))
    return start, time, draw.random(n) < 0.7, x


def test_sums_over_risk_sets_that_rows_enter_equal_sums_over_masks() -> None:
    start, time, event, x = entered()
    params = np.array([0.7, 0.02])
    model = PartialLikelihood(time, event, x, None, "breslow", start=start)
    slow = 0.0
    for i in np.flatnonzero(event):
        at_risk = (start < time[i]) & (time[i] <= time)
        slow += x[i] @ params - np.log(np.exp(x[at_risk] @ params).sum())
    assert model.loglike(params) == pytest.approx(slow, rel=1e-12)
    height = 1e-5
    for column in range(2):
        step = np.eye(2)[column] * height
        numeric = (model.loglike(params + step) - model.loglike(params - step)) / (2 * height)
        assert model.score(params)[column] == pytest.approx(numeric, rel=1e-6)
        numeric = (model.score(params + step) - model.score(params - step)) / (2 * height)
        assert model.hessian(params)[column] == pytest.approx(numeric, rel=1e-6)


def test_a_late_comer_of_huge_weight_costs_no_digits() -> None:
    # "all that have not left less those not yet entered" would have no digit left here: exp(60) against 1
    time, start = np.array([1.0, 2.0, 3.0, 9.0]), np.array([0.0, 0.0, 0.0, 5.0])
    x = np.array([[0.0], [0.0], [0.0], [60.0]])
    model = PartialLikelihood(time, np.array([True, True, True, True]), x, None, "efron", start=start)
    assert model.loglike(np.ones(1)) == pytest.approx(-np.log(6), rel=1e-12)


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_cutting_rows_changes_nothing(seed: int) -> None:
    start, time, event, x = entered(50, seed)
    whole = cox(time, event, x, start=start, robust=True, cluster=np.arange(50))
    middle = np.random.default_rng(seed).uniform(start, time)
    rows = np.concatenate([np.arange(50)] * 2)
    cut = cox(
        np.concatenate([middle, time]),
        np.concatenate([np.zeros(50, dtype=bool), event]),
        x[rows],
        start=np.concatenate([start, middle]),
        cluster=rows,
    )
    assert cut.converged == whole.converged
    if whole.converged:
        assert cut.coef == pytest.approx(whole.coef, rel=1e-7, abs=1e-10)
        assert cut.loglike == pytest.approx(whole.loglike, rel=1e-10)
        assert cut.covariance == pytest.approx(whole.covariance, rel=1e-6, abs=1e-12)
        assert cut.score_chi2 == pytest.approx(whole.score_chi2, rel=1e-8, abs=1e-10)


def test_entry_at_zero_is_no_delayed_entry() -> None:
    _, time, event, x = entered()
    plain, from_zero = cox(time, event, x), cox(time, event, x, start=np.zeros(len(time)))
    assert from_zero.coef == pytest.approx(plain.coef, rel=1e-9)
    assert from_zero.loglike == pytest.approx(plain.loglike, rel=1e-12)


def test_delayed_entry_counts_nobody_before_they_are_watched() -> None:
    # patient 2 enters after the first event: two at risk at 1, two at 5
    found = PartialLikelihood(
        np.array([1.0, 5.0, 6.0]), np.array([True, True, False]), np.zeros((3, 0)), None, "efron", start=np.array([0.0, 0.0, 3.0])
    )
    assert found.loglike(np.zeros(0)) == pytest.approx(-np.log(2) - np.log(2))


def test_whole_weights_are_copies_of_rows() -> None:
    # with Breslow's ties; by Efron's a patient of weight 2 is not tied with itself
    _, time, event, x = entered(40)
    weights = np.random.default_rng(0).integers(1, 4, 40)
    rows = np.repeat(np.arange(40), weights)
    weighted = cox(time, event, x, weights=weights, ties="breslow")
    copied = cox(time[rows], event[rows], x[rows], ties="breslow")
    assert weighted.coef == pytest.approx(copied.coef, rel=1e-8)
    assert weighted.se == pytest.approx(copied.se, rel=1e-8)
    assert weighted.p_value == pytest.approx(copied.p_value, rel=1e-7)
    assert weighted.score_chi2 == pytest.approx(copied.score_chi2, rel=1e-9)
    assert weighted.loglike - weighted.loglike_null == pytest.approx(copied.loglike - copied.loglike_null, rel=1e-9)


def test_size_of_weights_matters_to_the_model_variance_but_not_to_coefficients_or_the_robust_variance() -> None:
    _, time, event, x = entered()
    weights = np.random.default_rng(0).uniform(0.2, 3, len(time))
    found = cox(time, event, x, weights=weights, robust=True)
    for factor in (1e-9, 365.25, 1e9):
        other = cox(time, event, x, weights=weights * factor, robust=True)
        assert other.coef == pytest.approx(found.coef, rel=1e-9)
        assert other.se == pytest.approx(found.se, rel=1e-8)
        assert other.se_naive == pytest.approx(found.se_naive / np.sqrt(factor), rel=1e-8)
        assert other.lrt_chi2 == pytest.approx(found.lrt_chi2 * factor, rel=1e-7)


def test_robust_variance_is_that_of_leaving_one_out_nearly() -> None:
    _, time, event, x = entered(200)
    found = cox(time, event, x, robust=True)
    left_out = np.array([cox(np.delete(time, i), np.delete(event, i), np.delete(x, i, 0), tested=[]).coef for i in range(200)])
    jackknife = np.sqrt(((left_out - found.coef) ** 2).sum(axis=0))
    assert found.se == pytest.approx(jackknife, rel=0.05)
    assert found.p_value == pytest.approx(found.p_wald)


def test_every_patient_twice_in_one_cluster_has_the_standard_error_of_once() -> None:
    _, time, event, x = entered(80)
    time = time + np.random.default_rng(1).uniform(0, 0.1, 80)
    once = cox(time, event, x, robust=True, ties="breslow")
    rows = np.concatenate([np.arange(80)] * 2)
    twice = cox(time[rows], event[rows], x[rows], cluster=rows, ties="breslow")
    assert twice.coef == pytest.approx(once.coef, rel=1e-8)
    assert twice.se == pytest.approx(once.se, rel=1e-7)
    assert twice.se_naive == pytest.approx(once.se_naive / np.sqrt(2), rel=1e-7)


def test_one_cluster_has_no_variance_and_no_p() -> None:
    _, time, event, x = entered()
    found = cox(time, event, x, cluster=np.zeros(len(time)))
    assert np.isnan([found.wald_chi2, found.p_wald_global]).all()


@pytest.mark.parametrize("unit", [1 / 365.25, 1 / 30.4375, 7.0, 1e-6, 1e6])
def test_unit_of_time_does_not_matter_also_where_it_rounds(unit: float) -> None:
    start, time, event, x = entered(150)
    found = cox(time, event, x, start=start)
    # the unit is applied once to the difference and once to the parts, which differ in the last bit
    turned = cox(start * unit + (time - start) * unit, event, x, start=start * unit)
    assert turned.coef == pytest.approx(found.coef, rel=1e-9)
    assert turned.loglike == pytest.approx(found.loglike, rel=1e-12)


def test_times_one_rounding_error_apart_are_ties() -> None:
    assert 0.1 + 0.2 != 0.3
    exact = cox([0.3, 0.3, 0.5, 0.7], [1, 1, 1, 0], [0, 1, 1, 0])
    rounded = cox([0.3, 0.1 + 0.2, 0.5, 0.7], [1, 1, 1, 0], [0, 1, 1, 0])
    assert rounded.coef[0] == exact.coef[0]


def test_scale_of_columns_does_not_matter() -> None:
    start, time, event, x = entered()
    found = cox(time, event, x, start=start, robust=True)
    turned = cox(time, event, np.column_stack([1e6 * x[:, 0] - 3, 2020 + x[:, 1] / 1e3]), start=start, robust=True)
    assert turned.coef * [1e6, 1e-3] == pytest.approx(found.coef, rel=1e-6)
    assert turned.p_value == pytest.approx(found.p_value, rel=1e-6)
    assert turned.wald_chi2 == pytest.approx(found.wald_chi2, rel=1e-6)
    assert turned.robust_score_chi2 == pytest.approx(found.robust_score_chi2, rel=1e-6)


def test_a_single_carrier_who_is_first_to_have_the_event_is_monotone_in_its_own_column() -> None:
    draw = np.random.default_rng(0)
    n = 500
    x = np.column_stack([np.arange(n) == 0, draw.normal(size=(n, 3))])
    time = draw.exponential(size=n)
    event = draw.random(n) < 0.4
    time[0], event[0] = 1e-6, True
    found = cox(time, event, x)
    assert (found.converged, found.reason, found.columns) == (False, "monotone", (0,))


def test_a_marker_seen_only_after_the_last_event_says_nothing() -> None:
    found = cox([1, 2, 9, 9], [1, 1, 0, 0], [0, 0, 1, 0], start=[0, 0, 5, 0])
    assert (found.converged, found.reason, found.columns) == (False, "collinear", (0,))


def test_more_columns_than_patients_are_collinear() -> None:
    found = cox([1, 2, 3], [1, 1, 1], np.random.default_rng(0).normal(size=(3, 5)))
    assert (found.converged, found.reason) == (False, "collinear")
    assert found.covariance.shape == (5, 5)
    assert np.isnan(found.covariance).all()


def test_everybody_has_the_event_at_the_same_time_by_efron() -> None:
    found = cox(np.full(6, 3.0), np.ones(6), [0, 1, 0, 1, 0, 1])
    assert found.converged
    assert found.coef[0] == pytest.approx(0, abs=1e-8)


def test_a_model_without_columns_has_a_likelihood() -> None:
    found = cox([1, 2, 3], [1, 1, 1], np.zeros((3, 0)))
    assert found.converged
    assert found.loglike == pytest.approx(-np.log(6))
    assert np.isnan(found.p_global)


def test_bad_rows_are_named() -> None:
    with pytest.raises(ValueError, match=r"start: not before time in 1 row\(s\), the first is row 1"):
        cox([1, 2], [1, 1], [0, 1], start=[0, 2])
    with pytest.raises(ValueError, match="start: negative"):
        cox([1, 2], [1, 1], [0, 1], start=[-1, 0])
    with pytest.raises(ValueError, match="start: 1 values for 2"):
        cox([1, 2], [1, 1], [0, 1], start=[0])
    for weights in ([0, 1], [-1, 1]):
        with pytest.raises(ValueError, match="weights: not above 0"):
            cox([1, 2], [1, 1], [0, 1], weights=weights)
    with pytest.raises(ValueError, match="cluster: missing value"):
        cox([1, 2], [1, 1], [0, 1], cluster=[0, np.nan])
    with pytest.raises(ValueError, match="ties"):
        cox([1, 2], [1, 1], [0, 1], ties="Efron")
