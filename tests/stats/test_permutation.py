"""Permutation within strata against enumeration written out, exact tests, and R's multtest; and what must not matter."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact, hypergeom

from resistance.stats import relabelling as module
from resistance.stats.null_residuals import logistic_residuals, martingale_residuals
from resistance.stats.permutation import (
    PermutationScan,
    logistic_permutation,
    logistic_permutation_scan,
    martingale_permutation,
    permutation_scan,
)
from resistance.stats.scan.cox_score import cox_score_scan
from resistance.stats.welch_permutation import welch_permutation
from resistance.stats.westfall_young import max_t, min_p


def cohort(n: int = 80, m: int = 30, seed: int = 0):
    draw = np.random.default_rng(seed)
    strata = draw.integers(0, 3, n)
    covariates = draw.normal(size=(n, 2))
    markers = (draw.random((n, m)) < draw.uniform(0.02, 0.4, m)).astype(float)
    time, censor = draw.exponential(1, n), draw.exponential(1.5, n)
    return np.minimum(time, censor), time <= censor, markers, covariates, strata


def same(a: PermutationScan, b: PermutationScan) -> None:
    for name, value in vars(a).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(b, name), err_msg=name)


# -------------------------------------------------------------------------------------------------- residuals


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_carriers_residuals_sum_to_the_score_of_the_cox_model(ties: str) -> None:
    time, event, markers, covariates, strata = cohort()
    time, start = np.ceil(time * 8), np.zeros(time.size)
    start[:10] = 0.5
    for groups in (None, strata):
        found = martingale_residuals(time, event, covariates, start=start, strata=groups, ties=ties)
        score = cox_score_scan(time, event, markers, covariates, start=start, strata=groups, ties=ties)
        np.testing.assert_allclose(found.values @ markers, score.score, atol=1e-9)
        np.testing.assert_allclose(found.values @ covariates, 0, atol=1e-6)


def test_martingale_residuals_without_covariates_are_events_less_nelson_aalen() -> None:
    found = martingale_residuals([1, 2, 3, 4], [1, 0, 1, 1])
    assert found.values == pytest.approx([1 - 1 / 4, -1 / 4, 1 - 1 / 4 - 1 / 2, 1 - 1 / 4 - 1 / 2 - 1])


def test_logistic_residuals_are_those_of_statsmodels_with_an_intercept_for_each_stratum() -> None:
    from statsmodels.discrete.discrete_model import Logit

    _, event, _, covariates, strata = cohort()
    found = logistic_residuals(event, covariates, strata=strata)
    peer = Logit(event.astype(float), np.column_stack([strata == s for s in range(3)] + [covariates]).astype(float)).fit(disp=0)
    np.testing.assert_allclose(found.values, peer.resid_response, atol=1e-7)
    for s in range(3):
        assert found.values[strata == s].sum() == pytest.approx(0, abs=1e-7)


def test_a_stratum_where_all_or_none_have_the_outcome_tells_nothing() -> None:
    _, event, markers, covariates, strata = cohort()
    more = np.append(event, [True] * 5), np.vstack([markers, markers[:5]]), np.vstack([covariates, covariates[:5]])
    found = logistic_permutation_scan(
        more[0], more[1], covariates=more[2], strata=np.append(strata, [7] * 5), permutations=99, seed=1
    )
    plain = logistic_permutation_scan(event, markers, covariates=covariates, strata=strata, permutations=99, seed=1)
    np.testing.assert_array_equal(found.p_value, plain.p_value)
    np.testing.assert_array_equal(found.relabellings, plain.relabellings)


# ---------------------------------------------------------------------------------------- enumeration by hand


def by_hand(residual: np.ndarray, marker: np.ndarray, strata: np.ndarray, alternative: str) -> tuple[float, float, int]:
    """Look at every permutation of all patients that stays within strata."""
    centred = residual - np.array([residual[strata == s].mean() for s in strata])
    parts = [np.flatnonzero(strata == s) for s in np.unique(strata)]
    seen = {}
    for orders in itertools.product(*(itertools.permutations(p) for p in parts)):
        moved = np.empty(marker.size)
        for part, order in zip(parts, orders, strict=True):
            moved[part] = marker[list(order)]
        seen[tuple(moved)] = float(moved @ centred)
    side = {"two-sided": np.abs, "greater": np.asarray, "less": np.negative}[alternative]
    sums, observed = side(np.array(list(seen.values()))), side(float(marker @ centred))
    return float((sums >= observed - 1e-9).mean()), float((sums >= sums.max() - 1e-9).mean()), len(seen)


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("kind", ["binary", "ordinal", "continuous"])
def test_few_relabellings_are_all_looked_at(alternative: str, kind: str) -> None:
    draw = np.random.default_rng(4)
    for _ in range(3):
        time, event = draw.integers(1, 6, 9).astype(float), draw.random(9) < 0.8
        strata = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1])
        covariate = draw.normal(size=9)
        marker = {
            "binary": (draw.random(9) < 0.4).astype(float), "ordinal": draw.integers(0, 3, 9), "continuous": draw.normal(size=9)
        }[kind]  # fmt: skip
        found = martingale_permutation(
            time, event, marker, covariates=covariate, strata=strata, seed=1, permutations=99, alternative=alternative
        )
        residual = martingale_residuals(time, event, covariate, strata=strata).values
        p, least, ways = by_hand(residual, np.asarray(marker, dtype=float), strata, alternative)
        assert found.exact
        assert found.permutations == 0
        assert (found.p_value, found.p_value_minimum, found.relabellings) == pytest.approx((p, least, ways))


def test_one_stratum_and_no_covariates_is_the_hypergeometric_distribution() -> None:
    outcome = np.arange(40) < 12
    for carriers, hit in ((4, 4), (4, 0), (5, 3), (20, 9)):
        marker = np.zeros(40)
        marker[:hit] = 1
        marker[12 : 12 + carriers - hit] = 1
        law = hypergeom(40, 12, carriers)
        counts = np.arange(carriers + 1)
        far = np.abs(counts - law.mean()) >= abs(hit - law.mean()) - 1e-9
        found = logistic_permutation(outcome, marker, seed=1)
        if found.exact:
            assert found.p_value == pytest.approx(law.pmf(counts)[far].sum(), rel=1e-9)
            one = logistic_permutation(outcome, marker, seed=1, alternative="greater")
            table = [[hit, 12 - hit], [carriers - hit, 28 - carriers + hit]]
            assert one.p_value == pytest.approx(fisher_exact(table, alternative="greater").pvalue, rel=1e-9)
        else:
            expected = law.pmf(counts)[far].sum()
            assert found.p_value == pytest.approx(expected, abs=4 * math.sqrt(expected / 9999))


def test_random_permutations_come_near_the_exact_p(monkeypatch: pytest.MonkeyPatch) -> None:
    time, event, markers, covariates, strata = cohort(n=24, m=12)
    arguments = {"covariates": covariates[:, :1], "strata": strata, "seed": 3, "permutations": 4000}
    exact = permutation_scan(time, event, markers, **arguments)
    monkeypatch.setattr(module, "EXACT_UP_TO", 0)
    for sparse in (1, 10**9):
        monkeypatch.setattr(module, "SPARSE", sparse)
        found = permutation_scan(time, event, markers, **arguments)
        assert not found.exact.any()
        assert found.converged.tolist() == exact.converged.tolist()
        here = exact.exact
        assert here.sum() > 5
        error = 4.5 * np.sqrt(exact.p_value[here] * (1 - exact.p_value[here]) / 4000) + 1 / 4000
        assert (np.abs(found.p_value[here] - exact.p_value[here]) < error).all()


def test_a_seed_and_its_permutations_written_out() -> None:
    # the same numbers drawn again: residuals sorted within strata, 512 rows at a time
    time, event, markers, covariates, strata = cohort(m=8)
    found = permutation_scan(time, event, markers, covariates=covariates, strata=strata, permutations=700, seed=11)
    residual = martingale_residuals(time, event, covariates, strata=strata).values
    residual = residual - np.array([residual[strata == s].mean() for s in strata])
    order = np.lexsort((residual, strata))
    draw = np.random.default_rng(11)
    rows = []
    for _ in range(2):
        parts = []
        for s in range(3):
            tile = np.tile(residual[order][strata[order] == s], (512, 1))
            parts.append(draw.permuted(tile, axis=1))
        rows.append(np.hstack(parts))
    permuted = np.abs(np.vstack(rows)[:700] @ markers[order])
    observed = np.abs(residual @ markers)
    expected = ((permuted >= observed - 1e-3).sum(axis=0) + 1) / 701
    low = ((permuted >= observed + 1e-3).sum(axis=0) + 1) / 701
    here = found.converged & ~found.exact
    assert here.sum() >= 5
    assert ((found.p_value <= expected + 1e-12) & (found.p_value >= low - 1e-12))[here].all()


# -------------------------------------------------------------------------------------------- what must not matter


def test_threads_blocks_and_the_way_of_summing_do_not_change_a_p(monkeypatch: pytest.MonkeyPatch) -> None:
    time, event, markers, covariates, strata = cohort(m=40)
    markers[:, -1] = covariates[:, 0] + 0.1  # one that is not binary
    arguments = {"covariates": covariates, "strata": strata, "seed": 5, "permutations": 1300}
    one = permutation_scan(time, event, markers, threads=1, **arguments)
    drawn = "resistance.stats.permuted_values"
    for where, name, value in (
        (module, "MARKERS_AT_ONCE", 7),
        (module, "SPARSE", 1),
        (module, "SPARSE", 10**9),
        (drawn, "RESIDUALS_AT_ONCE", 1),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(f"{where}.{name}" if isinstance(where, str) else f"{where.__name__}.{name}", value)
            same(one, permutation_scan(time, event, markers, threads=2, **arguments))
    for adjust in ("max_t", "min_p"):
        first = permutation_scan(time, event, markers, threads=1, adjust=adjust, **arguments)
        with monkeypatch.context() as patch:
            patch.setattr(module, "MARKERS_AT_ONCE", 7)
            patch.setattr("resistance.stats.westfall_young.AT_ONCE", 5000)
            same(first, permutation_scan(time, event, markers, threads=2, adjust=adjust, **arguments))


def test_a_marker_alone_has_the_p_that_it_has_in_the_scan() -> None:
    time, event, markers, covariates, strata = cohort(m=10)
    scan = permutation_scan(time, event, markers, covariates=covariates, strata=strata, seed=5, permutations=600)
    for j in range(10):
        one = martingale_permutation(time, event, markers[:, j], covariates=covariates, strata=strata, seed=5, permutations=600)
        for name in ("statistic", "z", "p_value", "p_value_minimum", "relabellings", "exact", "n", "carriers", "reason"):
            np.testing.assert_array_equal(getattr(one, name), getattr(scan, name)[j], err_msg=name)


def test_order_of_patients_and_coding_do_not_matter() -> None:
    time, event, markers, covariates, strata = cohort()
    arguments = {"seed": 5, "permutations": 600}
    one = permutation_scan(time, event, markers, covariates=covariates, strata=strata, **arguments)
    order = np.random.default_rng(1).permutation(time.size)
    other = permutation_scan(
        time[order], event[order], markers[order], covariates=covariates[order], strata=strata[order], **arguments
    )
    np.testing.assert_array_equal(one.p_value, other.p_value)
    for changed, sign in ((1 - markers, -1), (markers * 1000 + 5, 1000)):
        turned = permutation_scan(time / 365.25, event, changed, covariates=covariates * 9 + 1, strata=strata, **arguments)
        np.testing.assert_allclose(one.statistic * sign, turned.statistic, atol=1e-6)
        np.testing.assert_allclose(one.z * np.sign(sign), turned.z, atol=1e-7)
        np.testing.assert_array_equal(one.relabellings, turned.relabellings)
        assert np.nanmax(np.abs(one.p_value - turned.p_value)) <= 2 / 601


def test_missing_patients_are_left_out_of_that_marker() -> None:
    time, event, markers, covariates, strata = cohort(m=6)
    lacking = np.random.default_rng(2).random(markers.shape) < 0.1
    lacking[:, 0] = False
    arguments = {"seed": 5, "permutations": 300}
    found = permutation_scan(time, event, np.where(lacking, np.nan, markers), covariates=covariates, strata=strata, **arguments)
    whole = permutation_scan(
        time, event, np.where(lacking, -1, markers).astype(np.int8), covariates=covariates, strata=strata, **arguments
    )
    same(found, whole)
    for j in range(6):
        here = ~lacking[:, j]
        alone = martingale_permutation(
            time[here], event[here], markers[here, j], covariates=covariates[here], strata=strata[here], **arguments
        )
        assert (found.n[j], found.events[j], found.carriers[j]) == (alone.n, alone.events, alone.carriers)
        assert found.p_value[j] == alone.p_value


# -------------------------------------------------------------------------------------------------- Westfall-Young


@pytest.mark.shared
def test_westfall_young_with_all_70_relabellings_agrees_with_multtest(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/05_omics_multiplicity.json").read_text())["westfall_young_exact"]
    values = pd.read_csv(shared / "truth/stats/data/golub_expr.csv", index_col=0).loc[truth["genes"], truth["samples"]].T
    group = pd.read_csv(shared / "truth/stats/data/golub_class.csv", index_col=0)["aml"][truth["samples"]]
    found = welch_permutation(values, group, seed=1)
    assert (found.exact, found.relabellings, found.p_value_minimum) == (True, 70, 1 / 70)
    np.testing.assert_allclose(found.statistic, truth["maxT"]["teststat"], rtol=1e-8)
    np.testing.assert_allclose(found.p_value, truth["maxT"]["rawp"], rtol=1e-8)
    np.testing.assert_allclose(found.p_max_t, truth["maxT"]["adjp"], rtol=1e-8)
    np.testing.assert_allclose(found.p_value, truth["minP"]["rawp"], rtol=1e-8)
    np.testing.assert_allclose(found.p_min_p, truth["minP"]["adjp"], rtol=1e-8)


@pytest.mark.shared
def test_westfall_young_by_random_relabellings_comes_near_multtest(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/05_omics_multiplicity.json").read_text())["westfall_young_golub"]
    values = pd.read_csv(shared / "truth/stats/data/golub_expr.csv", index_col=0).T
    group = pd.read_csv(shared / "truth/stats/data/golub_class.csv", index_col=0)["aml"]
    found = welch_permutation(values, group, permutations=999, seed=1)
    np.testing.assert_allclose(found.statistic, truth["teststat"], rtol=1e-8, atol=1e-12)
    # differences of two Monte-Carlo estimates: 4.5 standard errors of the smaller sample
    for ours, theirs in ((found.p_value, truth["rawp"]), (found.p_max_t, truth["adjp"])):
        p = np.array(theirs)
        assert (np.abs(ours - p) < 4.5 * np.sqrt(p * (1 - p) / 999) + 0.004).all()
    assert abs(int((found.p_max_t <= 0.05).sum()) - truth["n_fwer_0.05"]) <= 8


def slow_step_down(observed: np.ndarray, permuted: np.ndarray, by_p: bool) -> np.ndarray:
    """Algorithms 2.8 and 4.1 of Westfall and Young, loop by loop; rows are all relabellings."""
    if by_p:
        own = np.array([[(permuted[:, j] >= v - 1e-9).mean() for j, v in enumerate(row)] for row in permuted])
        raw = np.array([(permuted[:, j] >= v - 1e-9).mean() for j, v in enumerate(observed)])
        order = np.lexsort((-observed, raw))
        counts = [sum(min(row[k] for k in order[i:]) <= raw[j] + 1e-12 for row in own) for i, j in enumerate(order)]
    else:
        order = np.argsort(-observed)
        counts = [sum(max(row[k] for k in order[i:]) >= observed[j] - 1e-9 for row in permuted) for i, j in enumerate(order)]
    adjusted = np.empty(observed.size)
    adjusted[order] = np.maximum.accumulate(np.array(counts) / len(permuted))
    return adjusted


def test_step_down_is_the_algorithm_of_the_book() -> None:
    draw = np.random.default_rng(0)
    permuted = np.abs(draw.normal(size=(50, 7)).round(1))
    permuted[0] += 1.5
    np.testing.assert_allclose(max_t(permuted[0], permuted, exact=True).p_adjusted, slow_step_down(permuted[0], permuted, False))
    np.testing.assert_allclose(min_p(permuted[0], permuted, exact=True).p_adjusted, slow_step_down(permuted[0], permuted, True))
    # a random sample counts the observed labels as one more: the same as all of them with that row
    for method in (max_t, min_p):
        np.testing.assert_allclose(
            method(permuted[0], permuted[1:]).p_adjusted, method(permuted[0], permuted, exact=True).p_adjusted
        )


def test_adjusted_p_of_a_scan_is_the_step_down_of_its_z(monkeypatch: pytest.MonkeyPatch) -> None:
    time, event, markers, covariates, strata = cohort(m=12)
    arguments = {"covariates": covariates, "strata": strata, "permutations": 400, "seed": 2}
    monkeypatch.setattr(module, "EXACT_UP_TO", 0)
    raw = permutation_scan(time, event, markers, **arguments)
    for adjust in ("max_t", "min_p"):
        found = permutation_scan(time, event, markers, adjust=adjust, **arguments)
        np.testing.assert_array_equal(found.p_value, raw.p_value)
        assert (found.p_adjusted >= found.p_value).all()
        assert (found.p_adjusted <= 1).all()
        order = np.argsort(found.p_value if adjust == "min_p" else -np.abs(found.z), kind="stable")
        assert (np.diff(found.p_adjusted[order]) >= 0).all() or adjust == "min_p"
    # one marker alone needs no adjustment; the same one twice neither
    for table in (markers[:, :1], markers[:, [0, 0]]):
        found = permutation_scan(time, event, table, adjust="max_t", **arguments)
        np.testing.assert_array_equal(found.p_adjusted, found.p_value)


def test_nan_marks_a_test_that_is_not_counted() -> None:
    found = max_t([3.0, np.nan, 1.0], [[3.0, 0.0, 1.0], [0.5, 9.0, 2.0]], exact=True)
    assert found.p_adjusted.tolist()[::2] == [0.5, 1.0]
    assert np.isnan(found.p_adjusted[1])


# -------------------------------------------------------------------------------------------------- no answer


def test_questions_without_answer_say_why() -> None:
    time, event, markers, covariates, strata = cohort()
    table = np.column_stack([np.ones(80), np.full(80, np.nan), strata == 1, markers[:, 0]])
    found = permutation_scan(time, event, table, covariates=covariates, strata=strata, permutations=99, seed=1)
    assert found.reason.tolist() == ["constant", "all missing", "constant", ""]
    assert np.isnan(found.p_value[:3]).all()
    assert found.converged.tolist() == [False, False, False, True]
    none = martingale_permutation(time, np.zeros(80), markers[:, 0], seed=1)
    assert (none.converged, none.reason, none.note, math.isnan(none.p_value)) == (False, "no events", "no events", True)
    same_outcome = logistic_permutation(np.ones(80), markers[:, 0], seed=1)
    assert same_outcome.reason == "constant outcome"
    twice = martingale_permutation(time, event, markers[:, 0], covariates=np.column_stack([covariates, covariates[:, 1]]), seed=1)
    assert (twice.reason, twice.columns) == ("collinear", (1, 2))
    assert twice.note == "covariates 1, 2: constant or collinear (within strata)"
    separated = logistic_permutation(event, markers[:, 0], covariates=event.astype(float), seed=1)
    assert (separated.reason, separated.columns) == ("monotone", (0,))
    assert martingale_permutation([1], [1], [1], seed=1).reason == "constant"


def test_one_carrier_has_as_many_relabellings_as_patients() -> None:
    found = martingale_permutation(np.arange(1, 31), np.ones(30), np.arange(30) == 0, seed=1)
    assert (found.exact, found.relabellings, found.carriers, found.carrier_events) == (True, 30, 1, 1)
    assert found.p_value >= found.p_value_minimum == pytest.approx(1 / 30)


def test_bad_input_is_named() -> None:
    time, event, markers, _, _ = cohort()
    for arguments, more, words in [
        ((-time, event, markers), {}, "time: negative"),
        ((time, event, markers[:-1]), {}, "markers: shape"),
        ((time, event, markers / 0.0 if False else markers + np.inf), {}, "markers: .* infinite"),
        ((time, event, markers), {"permutations": 0}, "permutations: at least 1"),
        ((time, event, markers), {"alternative": "both"}, "alternative: .* not 'both'"),
        ((time, event, markers), {"adjust": "fdr"}, "adjust: 'max_t' or 'min_p', not 'fdr'"),
        ((time, event, markers), {"strata": [1]}, "strata: shape"),
        ((time, event, markers), {"threads": 0}, "threads: at least 1"),
    ]:
        with pytest.raises(ValueError, match=words):
            permutation_scan(*arguments, seed=1, **more)
    with pytest.raises(ValueError, match="marker: one dimension"):
        martingale_permutation(time, event, markers, seed=1)
    with pytest.raises(ValueError, match="values: 1 value"):
        welch_permutation([[1.0], [np.nan]], [0, 1], seed=1)
    with pytest.raises(ValueError, match="permuted: shape"):
        max_t([1.0], [[1.0, 2.0]])


def test_welch_within_strata_by_hand_and_without_variation() -> None:
    values = np.array([[1.0, 5, 0], [2, 5, 0], [3, 5, 0], [9, 5, 1], [4, 5, 0], [8, 5, 1], [11, 5, 1], [12, 5, 1]])
    group = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    strata = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    found = welch_permutation(values, group, strata=strata, seed=1)

    def welch(labels: np.ndarray) -> float:
        a, b = values[labels == 1, 0], values[labels == 0, 0]
        return (a.mean() - b.mean()) / math.sqrt(a.var(ddof=1) / a.size + b.var(ddof=1) / b.size)

    every = [
        welch(np.isin(np.arange(8), one + two).astype(int))
        for one in itertools.combinations(range(4), 2) for two in itertools.combinations(range(4, 8), 2)
    ]  # fmt: skip
    assert found.statistic[0] == pytest.approx(welch(group), rel=1e-12)
    assert found.p_value[0] == pytest.approx(np.mean(np.abs(every) >= abs(welch(group)) - 1e-9))
    assert (found.reason[1], found.relabellings) == ("constant", 36)
    assert np.isnan(found.p_max_t[1])
    assert welch_permutation(values[:3], [0, 0, 1], seed=1).reason.tolist() == ["group too small"] * 3


def test_a_marker_that_goes_with_a_covariate_has_the_spread_that_the_score_test_gives_it() -> None:
    """Two exclusive groups against a third: what one says of the other must not widen the permutation distribution."""
    rng = np.random.default_rng(5)
    group = rng.integers(0, 3, 300)
    first, second = (group == 0).astype(float), (group == 1).astype(float)
    time = rng.exponential(1.0, 300).round(3) + 0.001
    event = rng.random(300) < 0.7
    naive, projected = (
        martingale_permutation(time, event, first, covariates=second, seed=1, permutations=4999, project=project)
        for project in (False, True)
    )
    from resistance.stats.cox import cox

    fit = cox(time, event, np.column_stack([first, second]), tested=[0])
    assert projected.statistic == pytest.approx(naive.statistic, rel=1e-6)  # the score itself is the same
    assert abs(projected.z - fit.coef[0] / fit.se[0]) < 0.1
    assert abs(naive.z) < 0.9 * abs(projected.z)
    assert (naive.carriers, projected.carriers) == (int(first.sum()),) * 2
