"""Cox models of many markers: against R, firthmodels, the single fit, a recomputation by hand; and what must not matter."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from resistance.stats.cox import cox
from resistance.stats.scan import cox_markers as module
from resistance.stats.scan import cox_score as score_module
from resistance.stats.scan.cox import CoxScan, cox_scan, firth_cox_scan
from resistance.stats.scan.cox_score import CoxScoreScan, cox_score_scan
from resistance.stats.scan.risk_sets import CoxTable, risk_sets

FIRTH = {
    "firth_breast": ("breast_coxphf", "TIME", "CENS", ["T", "N", "G", "CD"]),
    "firth_lung": ("lung", "time", "event", ["sex", "age", "ph.ecog"]),
    "firth_monotone_adj": ("monotone_cox", "time", "event", ["mut", "abc"]),
}


@pytest.fixture(params=["compiled", "small"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of computing: the kernel, and numpy as for small data."""
    monkeypatch.setattr(module, "SMALL", -1 if request.param == "compiled" else 10**9)
    return request.param


def cohort(n: int = 90, m: int = 19, k: int = 2, seed: int = 0, ties: int | None = 15):
    draw = np.random.default_rng(seed)
    covariates = draw.normal(size=(n, k)) * [1.0, 30.0, 5.0][:k] + [0.0, 60.0, 1.0][:k]
    markers = (draw.random((n, m)) < draw.uniform(0.03, 0.4, m)).astype(float)
    markers[:, 0] = draw.normal(100, 20, n)
    time = draw.exponential(np.exp(-0.5 * covariates[:, 0] + 0.5 * markers[:, 1]))
    censor = draw.exponential(1.5, n)
    event, time = time <= censor, np.minimum(time, censor)
    if ties is not None:
        time = np.ceil(time * ties)
    return time, event, markers, covariates, draw.integers(0, 3, n), time * draw.uniform(0, 0.8, n) * (draw.random(n) < 0.5)


def same(a: CoxScan | CoxScoreScan, b: CoxScan | CoxScoreScan, which=slice(None)) -> None:
    for name, value in vars(a).items():
        if isinstance(value, np.ndarray):
            assert np.array_equal(value[which], getattr(b, name), equal_nan=value.dtype.kind == "f"), name


def close(a: CoxScan, b: CoxScan, rel: float = 1e-7, sign: float = 1.0, unit: float = 1.0) -> None:
    np.testing.assert_array_equal(a.reason, b.reason)
    np.testing.assert_allclose(a.coef, sign * b.coef / unit, rtol=rel, atol=1e-9)
    np.testing.assert_allclose(a.se, b.se / unit, rtol=rel)
    np.testing.assert_allclose(a.p_value, b.p_value, rtol=max(rel, 1e-6), atol=1e-12)


# ------------------------------------------------------------------------------------------------------------- R


@pytest.mark.shared
@pytest.mark.parametrize("name", FIRTH)
def test_firth_agrees_with_coxphf(shared: Path, name: str, path: str) -> None:
    file, time, event, columns = FIRTH[name]
    truth = json.loads((shared / "truth/stats/02_cox.json").read_text())[name]
    d = pd.read_csv(shared / f"truth/stats/data/{file}.csv").dropna(subset=columns)
    scale = d[columns].std()  # coxphf's log-likelihoods are those of columns of unit standard deviation
    for column in columns:
        rest = [c for c in columns if c != column]
        found = firth_cox_scan(d[time], d[event], d[[column]], d[rest], ties="breslow", profile=True)
        assert found.converged.all()
        assert found.coef[0] == pytest.approx(truth["coef"][column], rel=1e-6)
        assert found.se[0] == pytest.approx(truth["se"][column], rel=1e-6)
        assert found.p_value[0] == pytest.approx(truth["p_penalised_lrt"][column], rel=1e-8)
        assert np.exp(found.ci_low[0]) == pytest.approx(truth["hr_ci_pl_lower"][column], rel=1e-6)
        assert np.exp(found.ci_high[0]) == pytest.approx(truth["hr_ci_pl_upper"][column], rel=1e-6)
        assert found.loglike[0] - np.log(scale).sum() == pytest.approx(truth["loglik"][1], rel=1e-9)
        # Wald's p and interval follow from coefficient and standard error
        z = found.coef[0] / found.se[0]
        assert chi2.sf(z**2, 1) == pytest.approx(truth["p_wald"][column], rel=1e-5)
        bound = 1.959963984540054 * found.se[0]
        assert np.exp(found.coef[0] - bound) == pytest.approx(truth["hr_ci_wald_lower"][column], rel=1e-5)
        assert np.exp(found.coef[0] + bound) == pytest.approx(truth["hr_ci_wald_upper"][column], rel=1e-5)
    unit = (d[columns] / scale).to_numpy()
    sets = risk_sets(d[time].to_numpy(float), d[event].to_numpy() == 1, None, None, "breslow")
    assert CoxTable(sets, unit, firth=True).loglike(np.zeros(len(columns))) == pytest.approx(truth["loglik"][0], rel=1e-10)


@pytest.mark.shared
@pytest.mark.parametrize(("name", "ties"), [("lung_efron", "efron"), ("lung_breslow", "breslow"), ("lung_strata", "efron")])
def test_maximum_likelihood_agrees_with_coxph(shared: Path, name: str, ties: str, path: str) -> None:
    truth = json.loads((shared / "truth/stats/02_cox.json").read_text())[name]
    lung = pd.read_csv(shared / "truth/stats/data/lung.csv").dropna(subset=["ph.ecog"])
    columns = list(truth["coef"])
    strata = lung["ph.ecog"] if name == "lung_strata" else None
    for column in columns:
        rest = [c for c in columns if c != column]
        found = cox_scan(lung["time"], lung["event"], lung[[column]], lung[rest], ties=ties, strata=strata)
        assert found.coef[0] == pytest.approx(truth["coef"][column], rel=1e-6)
        assert found.se[0] == pytest.approx(truth["se"][column], rel=1e-6)
        assert found.loglike[0] == pytest.approx(truth["loglik"][1], rel=1e-10)


@pytest.mark.shared
def test_one_gene_after_the_other_agrees_with_coxph(shared: Path, path: str) -> None:
    truth = json.loads((shared / "truth/stats/02_cox.json").read_text())["myeloma_univ"]
    z = pd.read_csv(shared / "truth/stats/data/myeloma_survminer_z.csv")
    found = cox_scan(z["time"], z["event"], z[list(truth)])
    assert found.coef == pytest.approx(np.ravel([row["coef"] for row in truth.values()]), rel=1e-6)
    assert found.p_value == pytest.approx([row["lrt"]["p"] for row in truth.values()], rel=1e-6)
    assert found.se == pytest.approx([next(iter(row["se"].values())) for row in truth.values()], rel=1e-6)
    assert found.loglike_null == pytest.approx([row["loglik"][0] for row in truth.values()], rel=1e-10)
    assert found.loglike == pytest.approx([row["loglik"][1] for row in truth.values()], rel=1e-10)
    assert found.n.tolist() == [row["n"] for row in truth.values()]
    assert found.events.tolist() == [row["nevent"] for row in truth.values()]
    score = cox_score_scan(z["time"], z["event"], z[list(truth)])
    assert score.statistic == pytest.approx([row["score"]["chi2"] for row in truth.values()], rel=1e-8)
    assert score.p_value == pytest.approx([row["score"]["p"] for row in truth.values()], rel=1e-6)


# -------------------------------------------------------------------------------------------- other implementations


def test_firth_agrees_with_firthmodels(path: str) -> None:
    firthmodels = pytest.importorskip("firthmodels")
    time, event, markers, covariates, _, _ = cohort(m=6)  # firthmodels has Breslow's ties
    markers = markers[:, 1:]
    found = firth_cox_scan(time, event, markers, covariates, ties="breslow")
    outcome = np.array(list(zip(event, time, strict=True)), dtype=[("event", bool), ("time", float)])
    for j in range(markers.shape[1]):
        x = np.column_stack([markers[:, j], covariates])
        x[:, 2] = (x[:, 2] - 60) / 30
        peer = firthmodels.FirthCoxPH(backend="numpy", gtol=1e-6, xtol=1e-8, max_iter=200).fit(x, outcome)
        peer.lrt(0)
        assert found.coef[j] == pytest.approx(peer.coef_[0], rel=1e-5)
        assert found.p_value[j] == pytest.approx(peer.lrt_pvalues_[0], rel=1e-5)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("stratified", [False, True])
def test_each_marker_has_the_numbers_of_its_own_fit(ties: str, stratified: bool, path: str) -> None:
    time, event, markers, covariates, strata, _ = cohort()
    groups = strata if stratified else None
    found = cox_scan(time, event, markers, covariates, strata=groups, ties=ties)
    for j in range(markers.shape[1]):
        one = cox(time, event, np.column_stack([markers[:, j], covariates]), strata=groups, ties=ties, tested=[0])
        assert found.reason[j] == one.reason
        if one.converged:
            assert found.coef[j] == pytest.approx(one.coef[0], rel=1e-7, abs=1e-7 * one.se[0])
            assert found.se[j] == pytest.approx(one.se[0], rel=1e-7)
            assert found.p_value[j] == pytest.approx(one.p_value[0], rel=1e-6)
            assert found.loglike[j] == pytest.approx(one.loglike, rel=1e-11)


def slow_penalised(beta, time, start, event, strata, x, ties, firth=True) -> float:
    """Write the penalised log-likelihood out as the sum that it is."""
    total, information = 0.0, np.zeros((x.shape[1], x.shape[1]))
    weight = np.exp(x @ beta)
    for s in np.unique(strata):
        for t in np.unique(time[event & (strata == s)]):
            dead = np.flatnonzero(event & (time == t) & (strata == s))
            at_risk = np.flatnonzero((time >= t) & (start < t) & (strata == s))
            for number, i in enumerate(dead):
                w = {int(r): weight[r] for r in at_risk}
                for r in dead:
                    w[int(r)] *= 1 - (number / len(dead) if ties == "efron" else 0)
                whole = sum(w.values())
                mean = sum(w[r] * x[r] for r in w) / whole
                information += sum(w[r] * np.outer(x[r] - mean, x[r] - mean) for r in w) / whole
                total += x[i] @ beta - np.log(whole)
    return total + (0.5 * np.linalg.slogdet(information)[1] if firth else 0.0)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_delayed_entry_strata_and_ties_give_the_maximum_of_the_likelihood_written_out(ties: str, path: str) -> None:
    time, event, markers, covariates, strata, start = cohort(n=45, m=2, k=1, ties=6)
    found = firth_cox_scan(time, event, markers, covariates, start=start, strata=strata, ties=ties, profile=True)
    for j in range(2):
        x = np.column_stack([covariates, markers[:, j]])
        arguments = (time, start, event, strata, x, ties)

        def best(value: float, arguments=arguments) -> tuple[float, float]:
            from scipy.optimize import minimize_scalar

            top = minimize_scalar(lambda b: -slow_penalised(np.array([b, value]), *arguments), bracket=(-0.5, 0.5), tol=1e-7)
            return -top.fun, top.x

        top, other = best(found.coef[j])
        assert top == pytest.approx(found.loglike[j], rel=1e-9)
        near = 1e-3 * found.se[j]
        at = [slow_penalised(np.array([other, found.coef[j] + d]), *arguments) for d in (-near, 0.0, near)]
        assert at[1] >= max(at) - 1e-9
        assert abs(at[2] - at[0]) / (2 * near) * found.se[j] < 1e-4  # the slope there is 0
        assert best(0.0)[0] == pytest.approx(found.loglike_null[j], rel=1e-9)
        for bound in (found.ci_low[j], found.ci_high[j]):
            assert 2 * (found.loglike[j] - best(bound)[0]) == pytest.approx(chi2.ppf(0.95, 1), rel=1e-6)


def test_score_test_is_the_derivative_of_the_likelihood_at_zero(path: str) -> None:
    time, event, markers, covariates, strata, start = cohort(n=60, m=4, k=2)
    found = cox_score_scan(time, event, markers, covariates, start=start, strata=strata)
    for j in range(4):
        null = cox_scan(time, event, covariates[:, :1], covariates[:, 1:], start=start, strata=strata)
        other = cox_scan(time, event, covariates[:, 1:], covariates[:, :1], start=start, strata=strata)
        beta = np.array([null.coef[0], other.coef[0], 0.0])
        x = np.column_stack([covariates, markers[:, j]])
        step = 1e-5 / np.ptp(markers[:, j])
        up, down = (
            slow_penalised(beta + np.array([0.0, 0.0, d]), time, start, event, strata, x, "efron", firth=False)
            for d in (step, -step)
        )
        assert found.score[j] == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-6)
        z = found.score[j] ** 2 / found.information[j]
        assert found.p_value[j] == pytest.approx(chi2.sf(z, 1), rel=1e-10)


def test_score_test_takes_any_unit_and_any_origin_of_a_marker(path: str) -> None:
    time, event, markers, covariates, strata, start = cohort(m=6)
    plain = cox_score_scan(time, event, markers, covariates, start=start, strata=strata)
    for unit, origin in ((1e-120, 0.0), (1e100, 0.0), (1.0, 1e6), (1e-3, -5e3)):
        other = cox_score_scan(time, event, markers * unit + origin, covariates, start=start, strata=strata)
        np.testing.assert_allclose(other.statistic, plain.statistic, rtol=1e-6)
        np.testing.assert_allclose(other.score, plain.score * unit, rtol=1e-6)


def test_score_test_knows_the_patients_who_are_never_at_risk(path: str) -> None:
    time, event, markers, covariates, *_ = cohort(m=4)
    early = np.repeat([[7.5], [0.0], [1.0]], 4, axis=1)  # censored before the first event
    early[1, 2] = np.nan
    found = cox_score_scan(
        np.append(time, [0.1] * 3),
        np.append(event, [False] * 3),
        np.vstack([markers, early]),
        np.vstack([covariates, covariates[:3]]),
    )
    plain = cox_score_scan(time, event, markers, covariates)
    assert (found.n - plain.n).tolist() == [3, 3, 2, 3]
    np.testing.assert_allclose(found.statistic, plain.statistic, rtol=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_score_test_adds_up_over_strata_of_a_few_patients(path: str, ties: Any) -> None:
    draw = np.random.default_rng(11)
    time, event, markers, _, _, start = cohort(n=90, m=3)
    strata = draw.permutation(np.repeat(np.arange(30), 3))
    for more in (None, start):
        found = cox_score_scan(time, event, markers, start=more, strata=strata, ties=ties)
        score, information = np.zeros(3), np.zeros(3)
        for stratum in range(30):
            here = strata == stratum
            if event[here].any():
                one = cox_score_scan(
                    time[here], event[here], markers[here], start=None if more is None else more[here], ties=ties
                )
                answered = one.converged
                score[answered] += one.score[answered]
                information[answered] += one.information[answered]
        np.testing.assert_allclose(found.score, score, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.information, information, rtol=1e-9)


def test_score_test_without_covariates_or_ties_is_the_log_rank_test(path: str) -> None:
    from statsmodels.duration.survfunc import survdiff

    time, event, markers, _, strata, _ = cohort(ties=None, m=5)
    found = cox_score_scan(time, event, markers[:, 1:], strata=strata)
    for j in range(4):
        peer = survdiff(time, event, markers[:, j + 1], strata=strata)
        assert found.statistic[j] == pytest.approx(peer[0], rel=1e-8)


def test_kernel_and_numpy_agree_on_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    time, event, markers, covariates, strata, start = cohort(m=6, k=3)
    markers[:4, 3] = np.nan
    for scan, more in itertools.product((firth_cox_scan, cox_scan, cox_score_scan), ({}, {"start": start, "strata": strata})):
        results = []
        for small in (-1, 10**9):
            monkeypatch.setattr(module, "SMALL", small)
            extra = {} if scan is cox_score_scan else {"profile": True}
            results.append(scan(time, event, markers, covariates, **more, **extra))
        for name, value in vars(results[0]).items():
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                np.testing.assert_allclose(value, getattr(results[1], name), rtol=2e-6, atol=1e-8, err_msg=name)
            elif isinstance(value, np.ndarray):
                np.testing.assert_array_equal(value, getattr(results[1], name))


# ---------------------------------------------------------------------------------------------- what must not matter


def test_threads_blocks_and_neighbours_do_not_change_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SMALL", -1)
    time, event, markers, covariates, strata, start = cohort(m=43)
    markers[3, 7] = markers[3, 9] = np.nan
    for scan, more in itertools.product((firth_cox_scan, cox_scan, cox_score_scan), ({}, {"start": start})):
        one = scan(time, event, markers, covariates, strata=strata, threads=1, **more)
        order = np.random.default_rng(1).permutation(43)
        same(one, scan(time, event, markers[:, order], covariates, strata=strata, **more), order)
        with monkeypatch.context() as smaller:
            smaller.setattr(module, "CHUNK", 8 * 90)
            smaller.setattr(score_module, "TASK", 16)
            smaller.setattr(score_module, "TOGETHER", 1)
            same(one, scan(time, event, markers, covariates, strata=strata, threads=2, **more))


def test_layout_and_type_of_the_markers_do_not_matter(path: str) -> None:
    time, event, markers, covariates, _, _ = cohort(m=9)
    binary = markers[:, 1:]
    for scan in (firth_cox_scan, cox_score_scan):
        one = scan(time, event, binary, covariates)
        kinds = [np.asfortranarray(binary)] + [binary.astype(kind) for kind in (np.int8, bool, np.float32, np.int64, np.uint8)]
        for table in kinds:
            same(one, scan(time, event, table, covariates))


def test_order_of_patients_coding_and_units_do_not_matter(path: str) -> None:
    time, event, markers, covariates, strata, start = cohort(n=70, m=5)
    for scan in (firth_cox_scan, cox_scan):
        one = scan(time, event, markers, covariates, start=start, strata=strata)
        order = np.random.default_rng(2).permutation(time.size)
        close(one, scan(time[order], event[order], markers[order], covariates[order], start=start[order], strata=strata[order]))
        close(one, scan(time, event, 1 - markers, covariates, start=start, strata=strata), sign=-1.0)
        close(one, scan(time, event, markers, covariates * 1e-3 + 5, start=start, strata=strata))
        close(one, scan(time / 365.25, event, markers * 1000, covariates, start=start / 365.25, strata=strata), unit=1e-3)
        # a patient censored before the first event, and an empty stratum, have no part in it
        more = scan(
            np.append(time, 0.5), np.append(event, False), np.vstack([markers, np.ones(5)]),
            np.vstack([covariates, covariates[0]]), start=np.append(start, 0.1), strata=np.append(strata, 9),
        )  # fmt: skip
        np.testing.assert_allclose(one.p_value, more.p_value, rtol=1e-5, atol=1e-12)


def test_a_missing_value_leaves_the_patient_out_of_that_marker_only(path: str) -> None:
    time, event, markers, covariates, strata, _ = cohort(n=70, m=6)
    lacking = np.random.default_rng(5).random(markers.shape) < 0.1
    table = np.where(lacking, np.nan, markers)
    integers = np.where(lacking, -1, markers)[:, 1:].astype(np.int8)
    wide = integers.astype(np.int64)
    for scan in (firth_cox_scan, cox_scan, cox_score_scan):
        found = scan(time, event, table, covariates, strata=strata)
        for j in range(markers.shape[1]):
            here = ~lacking[:, j]
            alone = scan(time[here], event[here], markers[here, j], covariates[here], strata=strata[here])
            assert (found.n[j], found.events[j]) == (here.sum(), event[here].sum()) == (alone.n[0], alone.events[0])
            assert found.reason[j] == alone.reason[0]
            np.testing.assert_allclose(found.p_value[j], alone.p_value[0], rtol=1e-6)
            if scan is not cox_score_scan:
                assert found.carriers[j] == np.count_nonzero(markers[here, j]) == alone.carriers[0]
                assert found.carrier_events[j] == alone.carrier_events[0]
                np.testing.assert_allclose(found.coef[j], alone.coef[0], rtol=1e-6, atol=1e-9)
                np.testing.assert_allclose(found.se[j], alone.se[0], rtol=1e-6)
        whole = scan(time, event, integers, covariates, strata=strata)
        np.testing.assert_allclose(whole.p_value, found.p_value[1:], rtol=1e-12)
        same(whole, scan(time, event, wide, covariates, strata=strata))


def test_minus_one_in_a_float_is_a_value() -> None:
    time, event, *_ = cohort()
    score = np.random.default_rng(0).integers(-1, 2, time.size).astype(float)
    assert firth_cox_scan(time, event, score).n[0] == time.size
    assert firth_cox_scan(time, event, score.astype(int)).n[0] == (score != -1).sum()


# ------------------------------------------------------------------------------------------------- no answer, or hard


def test_questions_without_answer_are_rows_that_say_why(path: str) -> None:
    time, event, markers, covariates, _, _ = cohort(ties=None)
    none = markers[:, 2] * ~event  # carriers, none of whom has the event
    table = np.column_stack(
        [
            np.ones(time.size),
            np.full(time.size, np.nan),
            np.where(event, np.nan, markers[:, 1]),
            none,
            covariates[:, 1],
            markers[:, 1],
        ]
    )
    firth = firth_cox_scan(time, event, table, covariates)
    assert firth.reason.tolist() == ["constant", "all missing", "no events", "", "collinear", ""]
    assert cox_scan(time, event, table, covariates).reason.tolist() == [
        "constant",
        "all missing",
        "no events",
        "monotone",
        "collinear",
        "",
    ]
    score = cox_score_scan(time, event, table, covariates)
    assert score.reason.tolist() == ["constant", "all missing", "no events", "", "collinear", ""]
    for found in (firth, score):
        assert (found.reason == "").tolist() == found.converged.tolist()
        assert np.isnan(found.p_value[~found.converged]).all()
        assert np.isfinite(found.p_value[found.converged]).all()
    assert np.isnan(firth.coef[~firth.converged]).all()
    assert firth.coef[3] < 0


def test_a_continuous_marker_that_sorts_the_events_is_monotone_for_maximum_likelihood_only(path: str) -> None:
    time = np.arange(1.0, 41)
    marker = -time
    assert cox_scan(time, np.ones(40), marker).reason[0] == "monotone"
    firth = firth_cox_scan(time, np.ones(40), marker, profile=True)
    assert firth.converged[0]
    assert np.isfinite([firth.coef[0], firth.ci_low[0], firth.ci_high[0]]).all()


def test_a_marker_that_never_differs_among_those_at_risk_is_collinear(path: str) -> None:
    time, event = np.arange(1.0, 31), np.arange(30) >= 10
    carrier = np.arange(30) < 5  # all censored before the first event
    for scan in (firth_cox_scan, cox_scan, cox_score_scan):
        assert scan(time, event, carrier).reason[0] in ("collinear", "monotone")
        assert np.isnan(scan(time, event, carrier).p_value[0])
    assert firth_cox_scan(time, event, carrier, strata=carrier).reason[0] == "collinear"


def test_covariates_that_have_no_model_are_named(path: str) -> None:
    time, event, markers, covariates, _, _ = cohort()
    twice = np.column_stack([covariates, covariates[:, 0] * 2 + 1])
    for scan in (firth_cox_scan, cox_scan, cox_score_scan):
        found = scan(time, event, markers, twice)
        assert not found.converged.any()
        assert found.columns == (0, 2)
        assert found.note == "covariates 0, 2: constant or collinear (within strata, among patients at risk)"
        assert np.isnan(found.p_value).all()
        assert (found.n == time.size).all()
    separated = np.where(event, 0.0, markers[:, 1])
    separated[~event] = np.arange((~event).sum()) % 2
    assert cox_scan(time, event, markers, separated).reason[0] == "monotone"
    assert firth_cox_scan(time, event, markers, separated).converged.all()
    assert firth_cox_scan(time, np.zeros(time.size), markers).note == "no events"


def test_one_event_one_patient_and_no_marker(path: str) -> None:
    one = firth_cox_scan([1, 2, 3, 4, 5], [0, 1, 0, 0, 0], [[0], [1], [0], [1], [0]])
    assert one.converged[0]
    assert np.isfinite(one.p_value[0])
    assert firth_cox_scan([1], [1], [[1]]).reason[0] == "constant"
    assert firth_cox_scan([1, 2], [1, 1], np.zeros((2, 0))).coef.size == 0
    assert firth_cox_scan([], [], np.zeros((0, 2))).reason.tolist() in (["no events"] * 2, ["all missing"] * 2)
    assert firth_cox_scan([0, 0, 0, 0], [1, 1, 0, 1], [1, 0, 0, 1]).n[0] == 4


def test_extreme_values_neither_overflow_nor_warn(path: str) -> None:
    time, event, markers, covariates, _, _ = cohort()
    huge = np.column_stack([markers[:, 0] * 1e12, markers[:, 0] * 1e-12, markers[:, 0] + 1e9])
    plain = firth_cox_scan(time, event, markers[:, 0], covariates)
    found = firth_cox_scan(time, event, huge, covariates)
    np.testing.assert_allclose(found.p_value, plain.p_value[0], rtol=1e-5)
    outlier = markers[:, 0].copy()
    outlier[3] = 1e8
    assert firth_cox_scan(time, event, outlier, covariates).converged.all()


@pytest.mark.parametrize("unit", [1e-200, 1e-163, 1e163, 1e200])
def test_units_whose_squares_no_computer_holds_change_no_score_test(path: str, unit: float) -> None:
    time, event, _, covariates, _, _ = cohort()
    x = np.random.default_rng(4).normal(size=(time.size, 9))
    usual, scaled = (cox_score_scan(time, event, columns, covariates) for columns in (x, x * unit))
    np.testing.assert_allclose(scaled.statistic, usual.statistic, rtol=1e-9)
    np.testing.assert_allclose(scaled.p_value, usual.p_value, rtol=1e-9)


def test_bad_input_is_named() -> None:
    time, event, markers, covariates, _, _ = cohort()
    for arguments, more, words in [
        ((-time, event, markers), {}, "time: negative"),
        ((time, event * 2, markers), {}, "event: only 0 and 1"),
        ((time, event, markers[:-1]), {}, r"markers: shape \(89, 19\) for 90 patients"),
        ((time, event, markers, covariates[:-1]), {}, "covariates: shape"),
        ((time, event, np.where(markers > 0, np.inf, 0)), {}, "markers: .* infinite"),
        ((time, event, markers, covariates * np.nan), {}, "covariates: 180 value"),
        ((time, event, markers), {"start": time}, "start: 90 patient"),
        ((time, event, markers), {"start": -time}, "start: negative"),
        ((time, event, markers), {"ties": "exact"}, "ties: 'efron' or 'breslow', not 'exact'"),
        ((time, event, markers), {"threads": 0}, "threads: at least 1"),
        ((time, event, markers), {"confidence": 95}, "confidence: between 0 and 1"),
    ]:
        with pytest.raises(ValueError, match=words):
            firth_cox_scan(*arguments, **more)


def test_importing_the_scan_does_not_import_numba() -> None:
    import subprocess
    import sys

    code = "import sys, resistance.stats.scan.cox, resistance.stats.permutation; print('numba' in sys.modules, 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False False\n"
