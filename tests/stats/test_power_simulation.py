"""Simulated power against exact enumeration, a second implementation, and every permutation written out."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from resistance.stats.power_proportions import firth_p, power_two_proportions
from resistance.stats.power_simulation import (
    _penalised,
    martingale_residuals,
    permutation_p,
    simulate_firth,
    simulate_permutation,
)


def test_one_stratum_agrees_with_the_exact_power() -> None:
    n, prevalence, base, ratio = 60, 0.25, 0.4, 5.0
    found = simulate_firth(ratio, n=[n], prevalence=[prevalence], outcome=[base], seed=4, replicates=4000)
    from scipy.stats import binom

    odds = ratio * base / (1 - base)
    exact = sum(
        binom.pmf(k, n, prevalence) * power_two_proportions(odds / (1 + odds), base, k, n - k, method="firth").power
        for k in range(1, n)
    )
    assert found.ci_low <= exact <= found.ci_high
    assert found.power == pytest.approx(exact, abs=0.03)


def test_the_penalised_fit_of_one_stratum_is_the_closed_form() -> None:
    from scipy.stats import chi2

    n1, n2 = 5, 9
    events = np.array([[y, x] for x in range(n1 + 1) for y in range(n2 + 1)], dtype=float)
    total = np.tile([float(n2), float(n1)], (events.shape[0], 1))
    columns = np.array([[1.0, 0.0], [1.0, 1.0]])
    free, settled = _penalised(events, total, columns, held=False)
    null, settled_null = _penalised(events, total, columns, held=True)
    assert settled.all()
    assert settled_null.all()
    p = chi2.sf(np.maximum(0, 2 * (free - null)), 1).reshape(n1 + 1, n2 + 1)
    assert p == pytest.approx(firth_p(n1, n2), rel=1e-6, abs=1e-9)


def test_the_penalised_fit_with_strata_agrees_with_firthmodels() -> None:
    from firthmodels import FirthLogisticRegression

    total = np.array([[30.0, 25.0, 6.0, 4.0]])
    events = np.array([[12.0, 15.0, 0.0, 1.0]])
    columns = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 1], [0, 1, 1]], dtype=float)
    free, _ = _penalised(events, total, columns, held=False)
    null, _ = _penalised(events, total, columns, held=True)
    rows = np.repeat(columns, total[0].astype(int), axis=0)
    y = np.concatenate([np.repeat([1, 0], [int(e), int(t - e)]) for e, t in zip(events[0], total[0], strict=True)])
    theirs = FirthLogisticRegression(fit_intercept=False, backend="numpy").fit(rows, y)
    theirs.lrt(features=[2])
    from scipy.stats import chi2

    assert free[0] == pytest.approx(theirs.loglik_, rel=1e-8)
    assert chi2.sf(2 * (free[0] - null[0]), 1) == pytest.approx(theirs.lrt_pvalues_[2], rel=1e-5)


def test_a_rare_marker_has_the_type_one_error_that_was_measured() -> None:
    # about 4 carriers at n = 200: .030 at .05
    found = simulate_firth(1.0, n=[200], prevalence=[0.02], outcome=[0.4], seed=1, replicates=6000)
    assert 0.015 < found.power < 0.04
    permuted = simulate_permutation(
        1.0,
        n=[60, 60],
        prevalence=[0.05, 0.1],
        hazard=[0.05, 0.1],
        accrual=12,
        follow_up=12,
        seed=3,
        replicates=300,
        permutations=199,
    )
    assert permuted.ci_low <= 0.05 <= permuted.ci_high


def test_residuals_add_up_to_nothing_and_ties_are_one_risk_set() -> None:
    time = np.array([2.0, 2.0, 3.0, 5.0, 1.0, 4.0])
    event = np.array([True, True, False, True, True, False])
    stratum = np.array([0, 0, 0, 0, 1, 1])
    found = martingale_residuals(time, event, stratum)
    assert found == pytest.approx([0.5, 0.5, -0.5, 1 - 0.5 - 1, 0.5, -0.5])


def test_the_permutation_p_is_that_of_all_permutations() -> None:
    draw = np.random.default_rng(0)
    residual = np.concatenate([draw.normal(size=6), draw.normal(size=5)])
    stratum = np.repeat([0, 1], [6, 5])
    marker = np.array([1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0], dtype=bool)
    centred = residual - np.where(stratum == 0, residual[:6].mean(), residual[6:].mean())
    observed = abs(centred[marker].sum())
    sums = [
        abs(centred[list(a)].sum() + centred[list(b)].sum())
        for a in combinations(range(6), 2)
        for b in combinations(range(6, 11), 3)
    ]
    exact = np.mean([s >= observed - 1e-12 for s in sums])
    found = permutation_p(residual, marker, stratum, 20_000, np.random.default_rng(1))
    assert found == pytest.approx(exact, abs=0.012)
    assert permutation_p(residual, ~marker, stratum, 20_000, np.random.default_rng(1)) == pytest.approx(exact, abs=0.012)


def test_power_grows_with_the_effect_and_same_seed_same_number() -> None:
    plan = {"n": [50, 50], "prevalence": [0.1, 0.2], "outcome": [0.3, 0.6], "seed": 9, "replicates": 400}
    powers = [simulate_firth(ratio, **plan).power for ratio in (1, 3, 9)]
    assert powers == sorted(powers)
    assert simulate_firth(3, **plan) == simulate_firth(3, **plan)
    survival = {
        "n": [40, 40], "prevalence": [0.2, 0.2], "hazard": [0.1, 0.1], "accrual": 5, "follow_up": 20, "seed": 2,
        "replicates": 60, "permutations": 199,
    }  # fmt: skip
    assert simulate_permutation(4, **survival).power > simulate_permutation(1, **survival).power
    assert simulate_permutation(4, **survival) == simulate_permutation(4, **survival)
    # months or years
    years = survival | {"hazard": [1.2, 1.2], "accrual": 5 / 12, "follow_up": 20 / 12}
    assert simulate_permutation(4, **years).power == simulate_permutation(4, **survival).power


def test_cohorts_without_an_answer_are_counted_and_not_rejected() -> None:
    nobody = simulate_firth(3, n=[20], prevalence=[0.0], outcome=[0.5], seed=1, replicates=50)
    assert (nobody.power, nobody.no_answer) == (0.0, 50)
    # a marker that is the stratum
    same = simulate_firth(3, n=[20, 20], prevalence=[0.0, 1.0], outcome=[0.5, 0.5], seed=1, replicates=50)
    assert same.no_answer == 50
    certain = simulate_firth(3, n=[20, 0], prevalence=[0.5, 0.5], outcome=[1.0, 0.5], seed=1, replicates=50)
    assert certain.no_answer == 50
    silent = simulate_permutation(
        3, n=[20], prevalence=[0.5], hazard=[0.0], accrual=1, follow_up=1, seed=1, replicates=20, permutations=99
    )
    assert (silent.power, silent.no_answer) == (0.0, 20)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"n": [20, 20]}, "one number for each stratum"),
        ({"n": [0]}, "whole numbers"),
        ({"n": [2.5]}, "whole numbers"),
        ({"prevalence": [1.5]}, "prevalence"),
        ({"outcome": [-0.1]}, "outcome"),
        ({"alpha": 0.0}, "alpha"),
        ({"replicates": 0}, "replicates"),
    ],
)
def test_bad_plans_are_named(change: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        simulate_firth(2, **({"n": [20], "prevalence": [0.5], "outcome": [0.5], "seed": 1} | change))
    with pytest.raises(ValueError, match="odds_ratio"):
        simulate_firth(0, n=[20], prevalence=[0.5], outcome=[0.5], seed=1)
    with pytest.raises(ValueError, match="hazard"):
        simulate_permutation(2, n=[20], prevalence=[0.5], hazard=[-1], accrual=1, follow_up=1, seed=1)
    with pytest.raises(ValueError, match="permutations"):
        simulate_permutation(2, n=[20], prevalence=[0.5], hazard=[1], accrual=1, follow_up=1, seed=1, permutations=0)
