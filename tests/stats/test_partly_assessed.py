"""Max-T of markers that each lack other patients: loops over every relabelling, the complete case, and by simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from resistance.stats import partly_assessed as module
from resistance.stats.permutation import logistic_permutation_scan, permutation_scan
from resistance.stats.westfall_young import min_p


def gaps(n: int = 60, m: int = 8, seed: int = 0) -> tuple[np.ndarray, ...]:
    draw = np.random.default_rng(seed)
    strata = draw.integers(0, 2, n)
    markers = (draw.random((n, m)) < draw.uniform(0.15, 0.5, m)).astype(float)
    markers[draw.random((n, m)) < 0.2] = np.nan
    time, censor = draw.exponential(1, n), draw.exponential(2, n)
    return np.minimum(time, censor), time <= censor, markers, draw.normal(size=(n, 2)), strata


def slow_z(residual: np.ndarray, marker: np.ndarray, strata: np.ndarray) -> float:
    """Carriers and others among assessed patients, stratum by stratum, as a textbook writes the two-sample permutation test."""
    top, variance = 0.0, 0.0
    for s in np.unique(strata):
        here = (strata == s) & ~np.isnan(marker)
        x, r = marker[here], residual[here]
        if here.sum() < 2:
            continue
        top += sum((x[i] - x.mean()) * (r[i] - r.mean()) for i in range(x.size))
        variance += np.sum((x - x.mean()) ** 2) * np.sum((r - r.mean()) ** 2) / (x.size - 1)
    return top / np.sqrt(variance) if variance > 1e-14 else np.nan


def slow_max_t(residuals: list[np.ndarray], own: np.ndarray, markers: np.ndarray, strata: np.ndarray) -> tuple[np.ndarray, ...]:
    """Step-down max-T, two-sided: the maximum over all markers that are not more extreme, in each relabelling anew."""
    m = markers.shape[1]
    z = np.array([slow_z(own, markers[:, j], strata) for j in range(m)])
    table = np.array([[np.nan_to_num(slow_z(r, markers[:, j], strata)) for j in range(m)] for r in residuals])
    order = np.argsort(-np.abs(z))
    adjusted, largest = np.empty(m), 0.0
    for k, j in enumerate(order):
        among = np.abs(table[:, order[k:]]).max(axis=1)
        largest = max(largest, (1 + (among >= abs(z[j]) - 1e-8).sum()) / (len(residuals) + 1))
        adjusted[j] = largest
    alone = (1 + (np.abs(table) >= np.abs(z) - 1e-8).sum(axis=0)) / (len(residuals) + 1)
    return z, alone, adjusted


def test_every_relabelling_of_a_small_study_in_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    y = np.array([1, 1, 0, 0, 0, 1, 0, 1], dtype=bool)
    strata = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    nan = np.nan
    markers = np.array(
        [[1, 1, 0, 0, 0, 1, 0, nan], [1, nan, 0, 0, 0, 1, nan, 1], [nan, nan, 1, 0, 1, 0, 1, 0], [0, 1, 1, 0, nan, 0, 1, 1]]
    ).T
    residual = y - 0.5  # half of each stratum has the outcome
    every = [
        np.concatenate([residual[:4][list(a)], residual[4:][list(b)]])
        for a, b in itertools.product(itertools.permutations(range(4)), repeat=2)
    ]

    def all_of_them(values, bounds, permutations, seed, kind=np.float64):
        assert bounds == [(0, 4), (4, 8)]
        low, high = values[:4], values[4:]
        pairs = itertools.product(itertools.permutations(low), itertools.permutations(high))
        yield np.array([np.concatenate(pair) for pair in pairs]).T

    monkeypatch.setattr(module, "permuted_values", all_of_them)
    found = logistic_permutation_scan(y, markers, strata=strata, permutations=576, seed=1, adjust="max_t")
    z, alone, adjusted = slow_max_t(every, residual, markers, strata)
    assert found.z == pytest.approx(z, abs=1e-12)
    assert found.p_value == pytest.approx(alone, abs=1e-12)
    assert found.p_adjusted == pytest.approx(adjusted, abs=1e-12)
    # and the step-down minimum of the p of the same table
    smallest = logistic_permutation_scan(y, markers, strata=strata, permutations=576, seed=1, adjust="min_p")
    table = np.array([[np.nan_to_num(slow_z(r, markers[:, j], strata)) for j in range(4)] for r in every])
    assert smallest.p_adjusted == pytest.approx(min_p(np.abs(z), np.abs(table)).p_adjusted, abs=1e-12)
    # one side at a time
    upper = logistic_permutation_scan(y, markers, strata=strata, permutations=576, seed=1, adjust="max_t", alternative="greater")
    assert upper.p_value == pytest.approx((1 + (table >= z - 1e-8).sum(axis=0)) / 577, abs=1e-12)
    assert found.n.tolist() == [7, 6, 6, 7]
    assert found.carriers.tolist() == [3, 3, 3, 4]


@pytest.mark.parametrize("covariates", [False, True])
def test_random_relabellings_of_survival_in_loops(covariates: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    time, event, markers, z, strata = gaps(n=40, m=4)
    drawn: list[np.ndarray] = []
    original = module.permuted_values

    def kept(values, bounds, *arguments):
        for table in original(values, bounds, *arguments):
            drawn.append(table)
            yield table

    monkeypatch.setattr(module, "permuted_values", kept)
    z = z if covariates else None
    found = permutation_scan(time, event, markers, covariates=z, strata=strata, permutations=200, seed=3, adjust="max_t")
    from resistance.stats.null_residuals import martingale_residuals

    own = martingale_residuals(time, event, z, strata=strata).values
    order = np.lexsort((own, strata))
    table = np.hstack(drawn)
    assert np.allclose(np.sort(table[:, 0]), np.sort(table[:, 1]))
    slow = slow_max_t(list(table.T), own[order], markers[order], strata[order])
    # the residuals of a stratum sum to 0, so that their unit is all that differs
    for mine, theirs in zip((found.z, found.p_value, found.p_adjusted), slow, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-9)


def test_one_gap_far_away_hardly_changes_what_complete_markers_get() -> None:
    time, event, markers, covariates, strata = gaps(m=5, seed=2)
    whole = np.nan_to_num(markers)
    arguments = {"covariates": covariates, "strata": strata, "permutations": 1500, "seed": 4, "adjust": "max_t"}
    complete = permutation_scan(time, event, whole, **arguments)
    one = whole.copy()
    one[0, 4] = np.nan
    found = permutation_scan(time, event, one, **arguments)
    assert found.z[:4] == pytest.approx(complete.z[:4], abs=1e-7)
    assert found.p_value[:4] == pytest.approx(complete.p_value[:4], abs=0.03)
    assert found.p_adjusted[:4] == pytest.approx(complete.p_adjusted[:4], abs=0.04)


def test_blocks_threads_and_the_order_of_patients_and_markers_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    time, event, markers, covariates, strata = gaps(m=30)
    markers[:, 7] = np.nan  # nobody was assessed
    markers[:, 8] = np.where(np.isnan(markers[:, 8]), np.nan, 1.0)  # everybody has it
    arguments = {"permutations": 600, "seed": 4, "adjust": "max_t", "project": True}
    one = permutation_scan(time, event, markers, covariates=covariates, strata=strata, threads=1, **arguments)
    assert (one.reason[7], one.reason[8]) == ("all missing", "constant")
    assert np.isnan(one.p_adjusted[[7, 8]]).all()
    assert (one.p_adjusted >= one.p_value)[one.converged].all()
    with monkeypatch.context() as patch:
        patch.setattr("resistance.stats.westfall_young.AT_ONCE", 3000)
        patch.setattr(module, "MARKERS_AT_ONCE", 7)
        patch.setattr(module, "RESIDUALS_AT_ONCE", 1)
        patch.setattr("resistance.stats.permuted_values.RESIDUALS_AT_ONCE", 1)
        other = permutation_scan(time, event, markers, covariates=covariates, strata=strata, threads=2, **arguments)
    np.testing.assert_array_equal(one.p_adjusted, other.p_adjusted)
    draw = np.random.default_rng(1)
    rows, columns = draw.permutation(time.size), draw.permutation(30)
    mixed = permutation_scan(
        time[rows], event[rows], markers[np.ix_(rows, columns)], covariates=covariates[rows], strata=strata[rows], **arguments
    )
    np.testing.assert_array_equal(mixed.p_adjusted, one.p_adjusted[columns])
    as_codes = permutation_scan(
        time, event, np.where(np.isnan(markers), -1, markers).astype(np.int8), covariates=covariates, strata=strata, **arguments
    )
    np.testing.assert_array_equal(as_codes.p_adjusted, one.p_adjusted)


def test_without_a_model_every_marker_says_why() -> None:
    _, _, markers, _, strata = gaps(m=3)
    found = logistic_permutation_scan(np.ones(60, dtype=bool), markers, strata=strata, seed=1, adjust="max_t")
    assert set(found.reason) == {"constant outcome"}
    assert np.isnan(found.p_adjusted).all()
    assert found.note == "the outcome does not vary"


def _smallest(seed: int, informative: bool) -> float:
    """The smallest adjusted p of ten markers without effect; `informative`: assessment depends on the outcome."""
    draw = np.random.default_rng(seed)
    n = 120
    strata = draw.integers(0, 2, n)
    y = draw.random(n) < np.where(strata, 0.6, 0.3)
    markers = (draw.random((n, 10)) < 0.25).astype(float)
    lost = draw.random((n, 10)) < (np.where(y, 0.5, 0.05)[:, None] if informative else 0.2)
    markers[lost] = np.nan
    found = logistic_permutation_scan(y, markers, strata=strata, permutations=199, seed=seed, adjust="max_t")
    return float(np.nanmin(found.p_adjusted))


@pytest.mark.long
@pytest.mark.parametrize("informative", [False, True])
def test_the_family_wise_error_is_kept(informative: bool) -> None:
    found = np.array([_smallest(seed, informative) for seed in range(600)])
    # 2.6 standard errors around 5 %
    assert 0.02 <= (found <= 0.05).mean() <= 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / 600)
