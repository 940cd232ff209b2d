"""The scan of logistic models against R, firthmodels, statsmodels and its own plain path; missing values, threads, blocks, bad input."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.exact import p_value_minimum
from resistance.stats.firth_logistic import firth_logistic
from resistance.stats.scan import logistic, logistic_score
from resistance.stats.scan.logistic import firth_logistic_scan, firth_logistic_scan_blocks, logistic_scan
from resistance.stats.scan.logistic_answers import REASONS, LogisticScan, minimum_p_values
from resistance.stats.scan.logistic_score import logistic_score_scan

NUMBERS = ("coef", "se", "se_plain", "p_value", "ci_low", "ci_high", "loglike", "loglike_null")


@pytest.fixture(params=["kernel", "plain"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Send every scan down one of the two ways, whatever its size."""
    for module in (logistic, logistic_score):
        monkeypatch.setattr(module, "SMALL", -1 if request.param == "kernel" else 10**12)
    return request.param


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (logistic, logistic_score):
        monkeypatch.setattr(module, "SMALL", -1)


def cohort(n: int = 90, m: int = 40, k: int = 3, seed: int = 7) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return outcome, markers from one carrier upwards, covariates of very different units."""
    draw = np.random.default_rng(seed)
    covariates = np.column_stack([draw.normal(64, 11, n), draw.random(n) < 0.4, *draw.normal(size=(max(k - 2, 0), n))])[:, :k]
    y = draw.random(n) < 1 / (1 + np.exp(-0.04 * (covariates[:, :1].sum(axis=1) - 64)))
    markers = draw.random((n, m)) < np.linspace(0.03, 0.6, m)
    return y, markers.astype(np.int8), covariates


def same(a: LogisticScan, b: LogisticScan) -> bool:
    return all(np.array_equal(getattr(a, f.name), getattr(b, f.name), equal_nan=True) for f in fields(LogisticScan))


def r_values(entry: dict[str, Any], key: str, name: str) -> float:
    return float(entry[key][name])


# ---------------------------------------------------------------------------------------------------- R


def marker_against_r(entry: dict[str, Any], name: str, y: np.ndarray, columns: dict[str, np.ndarray]) -> LogisticScan:
    """Fit one column as the marker, the others as covariates, and compare every number of logistf and brglm2."""
    others = [np.asarray(values, dtype=float) for other, values in columns.items() if other != name]
    covariates = np.column_stack(others) if others else None
    found = firth_logistic_scan(y, np.asarray(columns[name], dtype=float)[:, None], covariates, confidence=0.95)
    assert found.converged.all()
    assert found.coef[0] == pytest.approx(r_values(entry, "coef", name), rel=1e-5)
    assert found.se[0] == pytest.approx(r_values(entry, "se_wald", name), rel=1e-5)
    assert found.p_value[0] == pytest.approx(r_values(entry, "p_penalised_lrt", name), rel=1e-5)
    assert found.ci_low[0] == pytest.approx(r_values(entry, "ci_pl_lower", name), rel=1e-4)
    assert found.ci_high[0] == pytest.approx(r_values(entry, "ci_pl_upper", name), rel=1e-4)
    assert found.loglike[0] == pytest.approx(entry["loglik_full"], rel=1e-8)
    wald = found.coef[0] + np.array([-1, 1]) * 1.959963984540054 * found.se[0]
    assert wald == pytest.approx([r_values(entry, "ci_wald_lower", name), r_values(entry, "ci_wald_upper", name)], rel=1e-4)
    if entry.get("brglm2_se"):
        assert found.coef[0] == pytest.approx(r_values(entry, "brglm2_AS_mean_coef", name), rel=1e-5)
        assert found.se_plain[0] == pytest.approx(r_values(entry, "brglm2_se", name), rel=1e-5)
    return found


@pytest.fixture
def truth(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "truth/stats/01_firth_logistic.json").read_text())


@pytest.mark.shared
@pytest.mark.parametrize("name", ["age", "oc", "vic", "vicl", "vis", "dia"])
def test_each_column_of_sex2_agrees_with_r(path: str, shared: Path, truth: dict[str, Any], name: str) -> None:
    table = pd.read_csv(shared / "truth/stats/data/sex2.csv")
    columns = {c: table[c].to_numpy() for c in ("age", "oc", "vic", "vicl", "vis", "dia")}
    marker_against_r(truth["sex2"], name, table["case"].to_numpy(), columns)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["age", "oc", "vic", "vicl", "vis", "dia"])
def test_rows_written_out_agree_with_weighted_rows_in_r(path: str, shared: Path, truth: dict[str, Any], name: str) -> None:
    table = pd.read_csv(shared / "truth/stats/data/sexagg.csv")
    table = table.loc[table.index.repeat(table["COUNT"])]
    columns = {c: table[c].to_numpy() for c in ("age", "oc", "vic", "vicl", "vis", "dia")}
    marker_against_r(truth["sexagg_weighted"], name, table["case"].to_numpy(), columns)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["age", "lwt", "race2", "race3", "smoke", "ptl", "ht", "ui"])
def test_each_column_of_birth_weight_agrees_with_r(path: str, shared: Path, truth: dict[str, Any], name: str) -> None:
    table = pd.read_csv(shared / "truth/stats/data/birthwt.csv")
    table["race2"], table["race3"] = table["race"] == 2, table["race"] == 3
    columns = {c: table[c].to_numpy() for c in ("age", "lwt", "race2", "race3", "smoke", "ptl", "ht", "ui")}
    marker_against_r(truth["birthwt"], name, table["low"].to_numpy(), columns)


@pytest.mark.shared
def test_a_marker_with_an_empty_cell_agrees_with_r(path: str, shared: Path, truth: dict[str, Any]) -> None:
    table = pd.read_csv(shared / "truth/stats/data/zero_cell_marker.csv")
    y, columns = table["resp"].to_numpy(), {"mut": table["mut"].to_numpy(), "abc": table["abc"].to_numpy()}
    marker_against_r(truth["zero_cell_adj"], "mut", y, columns)
    marker_against_r(truth["zero_cell_adj"], "abc", y, columns)
    entry = truth["zero_cell_univ"]
    alone = marker_against_r(entry, "mut", y, {"mut": columns["mut"]})
    # with one column the global test is that of the column
    assert alone.loglike_null[0] == pytest.approx(entry["loglik_null"], rel=1e-8)
    assert 2 * (alone.loglike[0] - alone.loglike_null[0]) == pytest.approx(entry["global_lrt"]["chi2"], rel=1e-6)
    assert alone.p_value[0] == pytest.approx(entry["global_lrt"]["p"], rel=1e-5)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["age", "lwt", "race2", "race3", "smoke", "ptl", "ht", "ui"])
def test_maximum_likelihood_of_each_column_of_birth_weight_agrees_with_r(
    path: str, shared: Path, truth: dict[str, Any], name: str
) -> None:
    table = pd.read_csv(shared / "truth/stats/data/birthwt.csv")
    table["race2"], table["race3"] = table["race"] == 2, table["race"] == 3
    others = [c for c in ("age", "lwt", "race2", "race3", "smoke", "ptl", "ht", "ui") if c != name]
    found = logistic_scan(table["low"], table[[name]].astype(float), table[others].astype(float), profile=True)
    entry = truth["birthwt_ml"]
    assert found.coef[0] == pytest.approx(r_values(entry, "coef", name), rel=1e-6)
    assert found.se[0] == found.se_plain[0] == pytest.approx(r_values(entry, "se", name), rel=1e-5)
    if not name.startswith("race"):  # R tests the factor as a whole
        assert found.p_value[0] == pytest.approx(r_values(entry, "lrt_p", name), rel=1e-6)
    # R reads the bounds off a spline through a few points of the profile
    near = 1e-3 * found.se[0]
    assert found.ci_low[0] == pytest.approx(r_values(entry, "ci_pl_lower", name), abs=near)
    assert found.ci_high[0] == pytest.approx(r_values(entry, "ci_pl_upper", name), abs=near)
    assert found.loglike[0] == pytest.approx(entry["loglik"], rel=1e-8)


@pytest.mark.shared
def test_the_score_test_of_smoking_agrees_with_r(path: str, shared: Path, truth: dict[str, Any]) -> None:
    table = pd.read_csv(shared / "truth/stats/data/birthwt.csv")
    found = logistic_score_scan(table["low"], table[["smoke"]], table[["age", "lwt"]])
    entry = truth["birthwt_score_test_smoke_given_age_lwt"]
    # R stops its fit without the marker (iterative) before the last digits
    assert found.z[0] ** 2 == pytest.approx(entry["chi2"], rel=1e-6)
    assert found.p_value[0] == pytest.approx(entry["p"], rel=1e-6)


# ------------------------------------------------------------------------------------- other programs


def test_random_markers_agree_with_firthmodels(path: str) -> None:
    from firthmodels import FirthLogisticRegression

    y, markers, covariates = cohort(m=8)
    markers[:, 0] = y & (np.arange(y.size) % 5 == 0)  # only carriers with the event
    markers[:, 1] = y | (np.arange(y.size) == np.flatnonzero(~y)[0])  # and only one without the event
    covariates = (covariates - covariates.mean(axis=0)) / covariates.std(axis=0)
    found = firth_logistic_scan(y, markers, covariates, profile=True)
    assert found.converged.all()
    for j in range(markers.shape[1]):
        x = np.column_stack([markers[:, j], covariates])
        theirs = FirthLogisticRegression(backend="numpy", max_iter=500, gtol=1e-7, xtol=1e-7).fit(x, y).lrt(features=[0])
        interval = theirs.conf_int(method="pl", features=[0], max_iter=500, tol=1e-9)[0]
        assert found.coef[j] == pytest.approx(theirs.coef_[0], rel=1e-6)
        assert found.se[j] == pytest.approx(theirs.bse_[0], rel=1e-6)
        assert found.p_value[j] == pytest.approx(theirs.lrt_pvalues_[0], rel=1e-6)
        assert found.loglike[j] == pytest.approx(theirs.loglik_, rel=1e-8)
        assert [found.ci_low[j], found.ci_high[j]] == pytest.approx(interval, rel=1e-6)


def test_score_tests_agree_with_statsmodels(path: str) -> None:
    import statsmodels.api as sm

    y, markers, covariates = cohort()
    found = logistic_score_scan(y, markers, covariates)
    null = sm.GLM(y.astype(float), sm.add_constant(covariates), family=sm.families.Binomial()).fit(tol=1e-14)
    for j in np.flatnonzero(found.converged):
        theirs = null.score_test(exog_extra=markers[:, j : j + 1].astype(float))
        assert found.z[j] ** 2 == pytest.approx(float(theirs.statistic[0]), rel=1e-7)
        assert found.p_value[j] == pytest.approx(float(theirs.pvalue[0]), rel=1e-7)


@pytest.mark.parametrize("k", [0, 1, 2, 3, 7, 12])
def test_kernel_and_plain_path_give_the_same_numbers(monkeypatch: pytest.MonkeyPatch, k: int) -> None:
    y, markers, covariates = cohort(n=151, m=30, k=k, seed=k)
    given = np.column_stack([markers, np.random.default_rng(k).lognormal(3, 2, (y.size, 4))])
    given[::9, ::3] = np.nan
    found = []
    for small in (-1, 10**12):
        monkeypatch.setattr(logistic, "SMALL", small)
        found.append(firth_logistic_scan(y, given, covariates if k else None, confidence=0.9))
    for name in NUMBERS:
        # the tiniest coefficients are differences: their error is small beside their standard error
        floor = 1e-9 * np.nan_to_num(found[1].se) if name == "coef" else 0.0
        kernel, plain = getattr(found[0], name), getattr(found[1], name)
        assert (np.isnan(kernel) == np.isnan(plain)).all()
        assert np.isnan(plain).sum() <= 1
        assert (np.nan_to_num(np.abs(kernel - plain)) <= 1e-9 * np.nan_to_num(np.abs(plain)) + floor).all(), name
    for name in ("n", "events", "carriers", "carrier_events", "p_value_minimum"):
        assert getattr(found[0], name) == pytest.approx(getattr(found[1], name), nan_ok=True)


# ----------------------------------------------------------------------- definition, written out slowly


def penalised(x: np.ndarray, y: np.ndarray, beta: np.ndarray) -> float:
    p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
    information = x.T @ np.diag(p * (1 - p)) @ x
    value = float(np.log(np.where(y, p, 1 - p)).sum() + 0.5 * np.linalg.slogdet(information)[1])
    return max(value, -1e6)  # the simplex cannot subtract infinities


def test_the_maximum_and_the_interval_are_what_the_definition_says(path: str) -> None:
    from scipy.optimize import minimize

    y, markers, covariates = cohort(n=60, m=4, k=2)
    markers[:2, 0] = 1
    covariates = (covariates - covariates.mean(axis=0)) / covariates.std(axis=0)
    found = firth_logistic_scan(y, markers, covariates, profile=True)
    for j in range(4):
        x = np.column_stack([np.ones(60), covariates, markers[:, j]])

        def best(held: float | None, x: np.ndarray = x) -> float:
            free = 4 if held is None else 3
            result = minimize(
                lambda b: -penalised(x, y, b if held is None else np.append(b, held)), np.zeros(free), method="Nelder-Mead",
                options={"xatol": 1e-7, "fatol": 1e-12, "maxfev": 10_000},
            )  # fmt: skip
            return -float(result.fun)

        assert found.loglike[j] == pytest.approx(best(None), abs=1e-8)
        assert found.loglike_null[j] == pytest.approx(best(0.0), abs=1e-8)
        for bound in (found.ci_low[j], found.ci_high[j]):
            assert 2 * (found.loglike[j] - best(bound)) == pytest.approx(3.841458820694124, abs=1e-6)


def test_minimum_p_is_that_of_fishers_test() -> None:
    margins = [(n, e, c) for n in (1, 2, 7, 12, 40) for e in range(0, n + 1, 3) for c in range(0, n + 1, 2)] + [(5000, 900, 13)]
    n, events, carriers = (np.array(column) for column in zip(*margins, strict=True))
    expected = [p_value_minimum(c, total - c, e) for total, e, c in margins]
    assert minimum_p_values(n, events, carriers) == pytest.approx(expected, rel=1e-9)
    assert np.isnan(minimum_p_values([10], [4], [np.nan])).all()


# --------------------------------------------------------------------------------------- missing values


def test_a_missing_value_leaves_the_patient_out_of_that_marker_only(path: str) -> None:
    y, markers, covariates = cohort(m=13)
    gaps = markers.copy()
    draw = np.random.default_rng(3)
    gaps[draw.random(gaps.shape) < 0.15] = -1
    gaps[:, 5] = markers[:, 5]
    found = firth_logistic_scan(y, gaps, covariates, profile=True)
    tested = logistic_score_scan(y, gaps, covariates)
    for j in range(13):
        here = gaps[:, j] >= 0
        alone = firth_logistic_scan(y[here], gaps[here, j : j + 1], covariates[here], profile=True)
        assert (found.n[j], found.events[j], found.carriers[j], found.carrier_events[j]) == (
            here.sum(), y[here].sum(), (gaps[here, j] == 1).sum(), (y[here] & (gaps[here, j] == 1)).sum(),
        )  # fmt: skip
        for name in (*NUMBERS, "p_value_minimum"):
            if not name.startswith("loglike"):  # its determinant is in units of the covariates of all patients
                assert getattr(found, name)[j] == pytest.approx(getattr(alone, name)[0], rel=1e-8, nan_ok=True), name
        assert found.loglike[j] == pytest.approx(alone.loglike[0], rel=1e-8)
        one = logistic_score_scan(y[here], gaps[here, j : j + 1], covariates[here])
        assert (tested.n[j], tested.events[j]) == (here.sum(), y[here].sum())
        assert tested.z[j] == pytest.approx(one.z[0], rel=1e-8, nan_ok=True)


def test_minus_one_is_missing_in_integers_and_a_number_in_floats(path: str) -> None:
    y, markers, covariates = cohort(m=5)
    gaps = markers.copy()
    gaps[::7, :3] = -1
    nan = np.where(gaps == -1, np.nan, gaps.astype(float))
    whole = firth_logistic_scan(y, gaps, covariates)
    for array in (nan, nan.astype(np.float32), gaps.astype(np.int64), np.asfortranarray(gaps)):
        assert same(firth_logistic_scan(y, array, covariates), whole)
    assert (firth_logistic_scan(y, gaps.astype(float), covariates).n == y.size).all()


# ------------------------------------------------------------------------------------------- invariance


def test_threads_blocks_and_neighbours_change_no_bit(kernel: None, monkeypatch: pytest.MonkeyPatch) -> None:
    y, markers, covariates = cohort(m=150)
    markers[::11, ::7] = -1
    monkeypatch.setattr(logistic, "TASK", 32)
    monkeypatch.setattr(logistic_score, "TASK", 32)
    whole = firth_logistic_scan(y, markers, covariates, profile=True, threads=1)
    for threads in (2, 3, 7):
        assert same(firth_logistic_scan(y, markers, covariates, profile=True, threads=threads), whole)
    monkeypatch.setattr(logistic, "TASK", 1024)
    assert same(firth_logistic_scan(y, markers, covariates, profile=True), whole)
    order = np.random.default_rng(5).permutation(150)
    shuffled = firth_logistic_scan(y, markers[:, order], covariates, profile=True)
    blocks = list(firth_logistic_scan_blocks(y, (markers[:, a : a + 13] for a in range(0, 150, 13)), covariates, profile=True))
    for name in NUMBERS:
        assert np.array_equal(getattr(shuffled, name), getattr(whole, name)[order], equal_nan=True), name
        assert np.array_equal(np.concatenate([getattr(b, name) for b in blocks]), getattr(whole, name), equal_nan=True), name
    score = logistic_score_scan(y, markers, covariates, threads=1)
    for threads in (2, 5):
        assert np.array_equal(logistic_score_scan(y, markers, covariates, threads=threads).z, score.z, equal_nan=True)
    assert np.array_equal(logistic_score_scan(y, markers[:, 40:47], covariates).z, score.z[40:47], equal_nan=True)


def test_blocks_of_any_size_take_the_same_way() -> None:
    y, markers, covariates = cohort(m=203)
    whole = firth_logistic_scan(y, markers, covariates)
    single = list(firth_logistic_scan_blocks(y, (markers[:, j : j + 1] for j in range(203)), covariates))
    assert np.array_equal(np.concatenate([block.coef for block in single]), whole.coef, equal_nan=True)


def test_every_layout_and_type_gives_the_same_score_test(kernel: None) -> None:
    y, markers, covariates = cohort(m=37)
    whole = logistic_score_scan(y, markers, covariates)
    for array in (
        markers.astype(bool), markers.astype(np.int32), markers.astype(np.float32), markers.astype(float),
        np.asfortranarray(markers), np.asfortranarray(markers.astype(float)), np.repeat(markers, 2, axis=1)[:, ::2],
    ):  # fmt: skip
        assert np.array_equal(logistic_score_scan(y, array, covariates).z, whole.z, equal_nan=True)


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_order_of_patients_coding_and_units_do_not_matter(seed: int) -> None:
    y, markers, covariates = cohort(n=70, m=21, seed=seed)
    draw = np.random.default_rng(seed)
    x = np.column_stack([markers, draw.normal(20, 3, (70, 3))])
    found = firth_logistic_scan(y, x, covariates, profile=True)
    order = draw.permutation(70)
    for other in (
        firth_logistic_scan(y[order], x[order], covariates[order], profile=True),
        firth_logistic_scan(y, x, covariates @ [[100, 0, 1], [3, -0.01, 1], [1, 0, 5]] + 40, profile=True),
    ):
        for name in ("coef", "se", "se_plain", "p_value", "ci_low", "ci_high"):
            assert getattr(other, name) == pytest.approx(getattr(found, name), rel=1e-7, abs=1e-10, nan_ok=True)
    scaled = firth_logistic_scan(y, x * 1e-4, covariates, profile=True)
    assert scaled.coef * 1e-4 == pytest.approx(found.coef, rel=1e-7, abs=1e-10, nan_ok=True)
    assert scaled.ci_low * 1e-4 == pytest.approx(found.ci_low, rel=1e-7, nan_ok=True)
    # the determinant of the information is in units of the marker
    assert scaled.loglike == pytest.approx(found.loglike + np.log(1e-4), rel=1e-9, nan_ok=True)
    assert scaled.p_value == pytest.approx(found.p_value, rel=1e-7, nan_ok=True)
    flipped = firth_logistic_scan(~y, 1 - x, covariates, profile=True)
    assert flipped.coef == pytest.approx(found.coef, rel=1e-7, abs=1e-10, nan_ok=True)
    assert flipped.p_value == pytest.approx(found.p_value, rel=1e-7, nan_ok=True)
    mirrored = firth_logistic_scan(~y, x, covariates, profile=True)
    assert -mirrored.ci_high == pytest.approx(found.ci_low, rel=1e-7, nan_ok=True)
    fine = found.converged
    covers = (found.ci_low < 0) & (found.ci_high > 0)
    assert (covers[fine] == (found.p_value[fine] > 0.05)).all()
    assert ((found.ci_low < found.coef) & (found.coef < found.ci_high))[fine].all()
    assert ((found.p_value >= 0) & (found.p_value <= 1))[fine].all()


def test_permuted_outcomes_keep_the_level() -> None:
    y, markers, covariates = cohort(n=200, m=400, seed=2)
    shuffled = np.random.default_rng(0).permutation(y)
    found = firth_logistic_scan(
        shuffled, markers[:, 100:], covariates * 0 + np.random.default_rng(1).normal(size=covariates.shape)
    )
    # 300 independent tests of a true null hypothesis: 5 % are 15, standard deviation 3.8
    assert 4 <= (found.p_value < 0.05).sum() <= 28


# ------------------------------------------------------------------------------------ what cannot be said


def reasons(found: Any) -> list[str]:
    return [REASONS[code] for code in found.reason]


def test_maximum_likelihood_agrees_with_statsmodels_also_where_values_are_missing(path: str) -> None:
    from statsmodels.discrete.discrete_model import Logit

    y, markers, covariates = cohort()
    x = markers.astype(float)
    x[:, 20:] += np.random.default_rng(3).normal(0, 0.2, (y.size, 20))
    x[np.random.default_rng(4).random(x.shape) < 0.05] = np.nan
    found = logistic_scan(y, x, covariates)
    assert found.converged.sum() > 30
    for j in np.flatnonzero(found.converged):
        here = ~np.isnan(x[:, j])
        base = np.column_stack([np.ones(here.sum()), covariates[here]])
        fit = Logit(y[here].astype(float), np.column_stack([base, x[here, j]])).fit(disp=0, method="newton", tol=1e-12)
        null = Logit(y[here].astype(float), base).fit(disp=0, method="newton", tol=1e-12)
        assert found.coef[j] == pytest.approx(fit.params[-1], rel=1e-6, abs=1e-9)
        assert found.se[j] == pytest.approx(fit.bse[-1], rel=1e-6)
        assert found.loglike[j] - found.loglike_null[j] == pytest.approx(fit.llf - null.llf, rel=1e-6, abs=1e-9)


def test_maximum_likelihood_has_no_answer_where_the_outcome_is_separated(path: str) -> None:
    y, markers, covariates = cohort(m=5)
    x = markers.astype(float)
    x[:, 0] = ~y & (np.arange(y.size) % 3 == 0)  # no carrier with the outcome
    x[:, 1] = np.where(y, 1.0, x[:, 1])  # all others without it
    x[:, 2] = 10.0 * y + covariates[:, 0]  # together with a covariate
    x[:, 3] = np.where(y, 2.0, np.random.default_rng(1).random(y.size))  # a number that sorts the patients
    found = logistic_scan(y, x, covariates)
    assert reasons(found) == ["separated"] * 4 + [""]
    assert np.isnan(found.p_value[:4]).all()
    assert found.note(0) == "the marker separates the outcome: without penalty its coefficient is not finite"
    assert firth_logistic_scan(y, x, covariates).converged.all()
    alone = logistic_scan(y, x[:, 4:], np.column_stack([covariates, x[:, 0]]))
    assert reasons(alone) == ["separated covariates"]


def test_maximum_likelihood_does_not_depend_on_threads_neighbours_or_kind_of_numbers(kernel: None) -> None:
    y, markers, covariates = cohort(m=60)
    whole = logistic_scan(y, markers, covariates, profile=True, threads=1)
    assert same(whole, logistic_scan(y, markers.astype(np.float32), covariates, profile=True, threads=2))
    part = logistic_scan(y, markers[:, 13:29], covariates, profile=True)
    for name in NUMBERS:
        assert np.array_equal(getattr(part, name), getattr(whole, name)[13:29], equal_nan=True)


def test_a_marker_without_answer_says_why(path: str) -> None:
    y, markers, covariates = cohort(m=9)
    x = markers.astype(float)
    x[:, 0] = np.nan
    x[:, 1] = 1
    x[:, 2] = 3 * covariates[:, 0] - 7 * covariates[:, 1] + 2
    x[:, 3] = np.where(y, x[:, 3], np.nan)
    x[:, 4] = np.where(np.arange(y.size) < 2, np.arange(y.size), np.nan)
    yes, no = np.flatnonzero(y)[0], np.flatnonzero(~y)[0]
    x[:, 5] = np.nan
    x[[yes, no], 5] = [1, 0]  # two patients, four columns
    x[:, 6] = 1e-300
    found, tested = firth_logistic_scan(y, x, covariates, profile=True), logistic_score_scan(y, x, covariates)
    for result in (found, tested):
        named = reasons(result)
        assert named[:4] == ["not assessed", "constant marker", "collinear", "constant outcome"]
        assert named[6:] == ["constant marker", "", ""]
    assert reasons(found)[5] == "collinear"
    assert reasons(tested)[5] == "collinear covariates"
    for name in NUMBERS:
        assert (np.isnan(getattr(found, name)) == ~found.converged).all(), name
    for name in ("z", "score", "variance", "p_value"):
        assert (np.isnan(getattr(tested, name)) == ~tested.converged).all(), name
    assert found.note(2) == "the marker is a combination of the covariates, or there are fewer patients than columns"
    assert found.note(8) == ""


def test_the_outcome_as_a_marker_is_answered_with_a_finite_effect(path: str) -> None:
    y, _, covariates = cohort(m=2)
    found = firth_logistic_scan(y, np.column_stack([y, ~y]), covariates, profile=True)
    assert found.converged.all()
    assert (np.isfinite(found.coef) & np.isfinite(found.ci_low) & np.isfinite(found.ci_high)).all()
    assert found.coef[0] == pytest.approx(-found.coef[1], rel=1e-8)
    assert found.p_value[0] < 1e-10


def test_an_interval_between_two_hills_of_the_likelihood_is_answered(path: str) -> None:
    # the search for the upper bound ended in SciPy's "f(a) and f(b) must have different signs"
    for x, z, y in (
        (
            [1.5, 0.4, 0.4, 0.0, 36.6, 9.9, 0.5, 4.7, 1.8, 0.3, 7.1, 0.5],
            [-0.3, -0.8, 0.5, -0.1, 0.5, -0.6, 0.1, -0.9, 0.8, 0.2, 0.3, 0.4],
            [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0],
        ),
        (
            [0.1, 0.2, 2.2, 0.4, 2.9, 5.0, 0.1, 7.6, 0.3, 65.9, 4.3, 0.3],
            [0.2, 0.2, 0.3, 1.4, 0.5, 1.7, 0.6, -0.2, -1.5, -1.6, 0.2, 0.7],
            [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1],
        ),
    ):
        found = firth_logistic_scan(y, np.array(z)[:, None], np.array(x)[:, None], profile=True)
        one = firth_logistic(y, np.column_stack([z, x]), tested=[0])
        assert found.converged.all()
        assert [found.coef[0], found.p_value[0]] == pytest.approx([one.coef[0], one.p_value[0]], rel=1e-6)
        assert found.ci_low[0] == pytest.approx(one.ci_low[0], rel=1e-6)
        assert found.ci_high[0] > found.coef[0]


def test_one_carrier_one_event_and_huge_units_are_answered(path: str) -> None:
    y = np.zeros(50, dtype=bool)
    y[3] = True
    x = np.zeros((50, 5))
    x[3, 0] = x[7, 1] = 1
    x[:, 2] = np.random.default_rng(0).normal(size=50) * 1e150
    x[:, 3] = x[:, 2] / 1e280
    x[:, 4] = 1e8 + np.arange(50)
    found = firth_logistic_scan(y, x, profile=True)
    assert found.converged.all()
    assert np.isfinite(found.p_value).all()
    assert found.p_value[2] == pytest.approx(found.p_value[3], rel=1e-8)
    tested = logistic_score_scan(y, x)
    assert tested.converged.all()
    assert tested.z[2] == pytest.approx(tested.z[3], rel=1e-8)
    assert tested.z[4] == pytest.approx(logistic_score_scan(y, np.arange(50.0)[:, None]).z[0], rel=1e-6)


@pytest.mark.parametrize("unit", [1e-200, 1e-163, 1e163, 1e200])
def test_units_whose_squares_no_computer_holds_change_no_test(path: str, unit: float) -> None:
    draw = np.random.default_rng(4)
    y, x, z = draw.random(60) < 0.4, draw.normal(size=(60, 9)), draw.normal(size=(60, 1))
    usual, scaled = firth_logistic_scan(y, x, z), firth_logistic_scan(y, x * unit, z)
    np.testing.assert_allclose(scaled.p_value, usual.p_value, rtol=1e-9)
    np.testing.assert_allclose(scaled.se * unit, usual.se, rtol=1e-9)
    np.testing.assert_allclose(scaled.se_plain * unit, usual.se_plain, rtol=1e-9)
    one, two = logistic_score_scan(y, x, z), logistic_score_scan(y, x * unit, z)
    np.testing.assert_allclose(two.z, one.z, rtol=1e-9)
    np.testing.assert_allclose(two.p_value, one.p_value, rtol=1e-9)


@pytest.mark.parametrize("outcome", [np.zeros(30), np.ones(30)])
def test_an_outcome_without_variation_is_said(path: str, outcome: np.ndarray) -> None:
    x = (np.arange(60).reshape(30, 2) % 3 == 0).astype(float)
    assert reasons(firth_logistic_scan(outcome, x)) == ["constant outcome"] * 2
    assert reasons(logistic_score_scan(outcome, x)) == ["constant outcome"] * 2


def test_collinear_and_constant_covariates_are_named(path: str) -> None:
    y, markers, covariates = cohort(m=3)
    for extra, columns in ((covariates[:, 0] * 2 + 1, (0, 3)), (np.full(y.size, 4.0), (3,))):
        for scan in (firth_logistic_scan, logistic_score_scan):
            found = scan(y, markers, np.column_stack([covariates, extra]))
            assert (reasons(found), found.columns) == (["collinear covariates"] * 3, columns)
            assert not found.converged.any()


def test_covariates_that_separate_stop_the_score_test_and_not_firths(path: str) -> None:
    y, markers, _ = cohort(m=3)
    separating = y * 2.0 + np.linspace(0, 1, y.size)
    assert reasons(logistic_score_scan(y, markers, separating)) == ["separated covariates"] * 3
    assert firth_logistic_scan(y, markers, separating).converged.all()


def test_a_marker_that_the_kernel_gives_up_goes_the_careful_way(kernel: None, monkeypatch: pytest.MonkeyPatch) -> None:
    y, markers, covariates = cohort(m=20)
    expected = firth_logistic_scan(y, markers, covariates, profile=True)

    def give_up(self: Any, block: Any, code: float, todo: np.ndarray, *others: Any) -> None:
        others[-1][todo] = 2

    monkeypatch.setattr(logistic._Models, "_kernel", give_up)
    found = firth_logistic_scan(y, markers, covariates, profile=True)
    assert found.converged.all()
    for name in NUMBERS:
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-8), name
    monkeypatch.setattr(logistic.firth_plain, "fit", lambda *given: None)
    lost = firth_logistic_scan(y, markers, covariates)
    assert reasons(lost) == ["iterations"] * 20
    assert np.isnan(lost.p_value).all()


@pytest.mark.parametrize("scan", [firth_logistic_scan, logistic_scan, logistic_score_scan])
def test_one_marker_may_have_one_dimension(scan: Any) -> None:
    y, marker = [1, 0, 1, 0, 1, 1, 0, 0], [1, 0, 1, 0, 0, 1, 1, 0]
    np.testing.assert_array_equal(scan(y, marker).p_value, scan(y, np.array(marker)[:, None]).p_value)


@pytest.mark.parametrize(
    ("outcome", "markers", "covariates", "more", "words"),
    [
        ([0, 1, 2], [[0], [1], [1]], None, {}, "outcome: only 0 and 1"),
        ([0, 1, np.nan], [[0], [1], [1]], None, {}, "outcome: 1 value"),
        ([0, 1, 1], [[0], [1]], None, {}, r"markers: shape \(2, 1\) for 3 patients"),
        ([0, 1, 1], [0, 1], None, {}, r"markers: shape \(2,\) for 3 patients"),
        ([0, 1, 1], [["a"], ["b"], ["c"]], None, {}, "markers: numbers are needed"),
        ([0, 1, 1], [[0.0], [1.0], [np.inf]], None, {}, "markers: infinite"),
        ([0, 1, 1], [[0], [1], [-2]], None, {}, "markers: an integer below -1"),
        ([0, 1, 1], [[0], [1], [1]], [1.0, np.nan, 2.0], {}, "covariates: 1 value"),
        ([0, 1, 1], [[0], [1], [1]], None, {"threads": 0}, "threads: at least 1, not 0"),
    ],
)
def test_bad_input_is_refused_in_words(path: str, outcome: Any, markers: Any, covariates: Any, more: Any, words: str) -> None:
    for scan in (firth_logistic_scan, logistic_score_scan):
        with pytest.raises(ValueError, match=words):
            scan(outcome, markers, covariates, **more)


def test_a_level_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match=r"confidence: 1\.0 is not between 0 and 1"):
        firth_logistic_scan([0, 1], [[0], [1]], confidence=1.0)


def test_no_marker_gives_no_row(path: str) -> None:
    y, markers, covariates = cohort()
    assert firth_logistic_scan(y, markers[:, :0], covariates).coef.shape == (0,)
    assert logistic_score_scan(y, markers[:, :0], covariates).z.shape == (0,)
