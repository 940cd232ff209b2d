"""AUC, concordance and Brier scores: against R, against loops over pairs, and their standard errors against weights moved by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.prediction.auc import auc, delong_test
from resistance.stats.prediction.brier import brier_score, ipcw_auc, ipcw_brier
from resistance.stats.prediction.c_index import harrell_c, uno_c
from resistance.stats.prediction.censoring import censoring_curve


def censored(n: int = 40, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    risk = np.round(draw.normal(size=n), 1)  # equal scores
    death, lost = draw.exponential(size=n) * np.exp(-risk), draw.exponential(1.5, n)
    return np.ceil(6 * np.minimum(death, lost)), death <= lost, risk  # equal times, of events and of censorings


# --- slow and obvious, with a weight per patient ---------------------------------------------------------------


def slow_g(time: np.ndarray, event: np.ndarray, w: np.ndarray, at: float, included: bool) -> float:
    """Kaplan-Meier of the censoring times; events at a time leave before the censored ones."""
    g = 1.0
    for s in np.unique(time[~event]):
        if s < at or (included and s == at):
            lost = w[(time == s) & ~event].sum()
            g *= 1 - lost / (w[time > s].sum() + lost)
    return g


def slow_c(time: np.ndarray, event: np.ndarray, risk: np.ndarray, w: np.ndarray, uno: bool = False, tau: float = np.inf) -> float:
    good = total = 0.0
    for i in np.flatnonzero(event):
        if uno and time[i] >= tau:
            continue
        weight = slow_g(time, event, w, time[i], False) ** -2 if uno else 1.0
        for j in range(len(time)):
            if time[j] > time[i] or (time[j] == time[i] and not event[j]):
                total += w[i] * w[j] * weight
                good += w[i] * w[j] * weight * ((risk[i] > risk[j]) + 0.5 * (risk[i] == risk[j]))
    return good / total


def slow_brier(time: np.ndarray, event: np.ndarray, survival: np.ndarray, w: np.ndarray, at: float) -> float:
    total = 0.0
    for i in range(len(time)):
        if time[i] > at:
            total += w[i] * (1 - survival[i]) ** 2 / slow_g(time, event, w, at, True)
        elif event[i]:
            total += w[i] * survival[i] ** 2 / slow_g(time, event, w, time[i], False)
    return total / w.sum()


def slow_time_auc(time: np.ndarray, event: np.ndarray, risk: np.ndarray, w: np.ndarray, at: float) -> float:
    good = total = 0.0
    for i in np.flatnonzero(event & (time <= at)):
        weight = w[i] / slow_g(time, event, w, time[i], False)
        for j in np.flatnonzero(time > at):
            total += weight * w[j]
            good += weight * w[j] * ((risk[i] > risk[j]) + 0.5 * (risk[i] == risk[j]))
    return good / total


def slow_auc(y: np.ndarray, score: np.ndarray, w: np.ndarray) -> float:
    pair = np.outer(w[y], w[~y])
    return float((pair * ((score[y][:, None] > score[~y]) + 0.5 * (score[y][:, None] == score[~y]))).sum() / pair.sum())


def jackknife(statistic: Callable[[np.ndarray], float], n: int) -> float:
    """Root of the sum of squared derivatives in the patients' weights."""
    step = 1e-5
    slopes = [(statistic(np.ones(n) + step * e) - statistic(np.ones(n) - step * e)) / (2 * step) for e in np.eye(n)]
    return float(np.sqrt(np.square(slopes).sum()))


# --- AUC -----------------------------------------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.parametrize(("entry", "column"), [("calibration_apparent", "pred"), ("calibration_miscalibrated", "pred_mis")])
def test_auc_and_its_delong_interval_agree_with_r(shared: Path, entry: str, column: str) -> None:
    expected = json.loads((shared / "truth/stats/06_prediction_power_mi.json").read_text())[entry]
    b = pd.read_csv(shared / "truth/stats/data/birthwt_pred.csv")
    found = auc(b["low"], b[column])
    assert found.auc == pytest.approx(expected["auc"], rel=1e-12)
    assert [found.ci_low, found.auc, found.ci_high] == pytest.approx(expected["auc_ci_delong"], rel=1e-12)


def test_the_paper_s_formula_gives_the_same_standard_errors() -> None:
    draw = np.random.default_rng(3)
    y = draw.random(60) < 0.4
    a, b = np.round(draw.normal(size=60) + y, 1), np.round(draw.normal(size=60) + 0.5 * y, 1)

    def psi(s: np.ndarray) -> np.ndarray:
        return (s[y][:, None] > s[~y]) + 0.5 * (s[y][:, None] == s[~y])

    v10, v01 = np.array([psi(a).mean(axis=1), psi(b).mean(axis=1)]), np.array([psi(a).mean(axis=0), psi(b).mean(axis=0)])
    cover = np.cov(v10) / y.sum() + np.cov(v01) / (~y).sum()
    found = delong_test(y, a, b)
    assert [found.first.auc, found.second.auc] == pytest.approx([psi(a).mean(), psi(b).mean()], rel=1e-12)
    assert [found.first.se, found.second.se] == pytest.approx(np.sqrt(np.diag(cover)), rel=1e-10)
    assert found.se == pytest.approx(np.sqrt(cover[0, 0] + cover[1, 1] - 2 * cover[0, 1]), rel=1e-10)
    assert (found.p_value < 0.05) == (not found.ci_low < 0 < found.ci_high)
    back = delong_test(y, b, a)
    assert (back.difference, back.p_value) == (pytest.approx(-found.difference), pytest.approx(found.p_value))


@settings(max_examples=25)
@given(st.integers(0, 1000))
def test_auc_depends_on_the_order_of_scores_only(seed: int) -> None:
    draw = np.random.default_rng(seed)
    y, s = np.arange(30) % 3 == 0, np.round(draw.normal(size=30), 1)
    one = auc(y, s)
    assert one.auc == pytest.approx(slow_auc(y, s, np.ones(30)), rel=1e-12)
    order = draw.permutation(30)
    assert (auc(y[order], s[order]).auc, auc(y[order], s[order]).se) == (pytest.approx(one.auc), pytest.approx(one.se))
    assert auc(y, np.exp(s) * 1e6).se == pytest.approx(one.se)
    assert auc(y, -s).auc == pytest.approx(1 - one.auc)
    assert auc(~y, s).auc == pytest.approx(1 - one.auc)
    assert auc(~y, s).se == pytest.approx(one.se)


def test_areas_that_have_no_interval_say_why() -> None:
    assert auc([1, 1], [0.1, 0.2]).reason == "constant outcome"
    assert np.isnan(auc([1, 1], [0.1, 0.2]).auc)
    single = auc([1, 0, 0], [0.5, 0.1, 0.7])
    assert (single.auc, single.reason, single.converged) == (0.5, "one patient", False)
    assert np.isnan(single.se)
    apart = auc([1, 1, 0, 0], [3, 4, 1, 2])
    assert (apart.auc, apart.se, apart.reason) == (1.0, 0.0, "no overlap")
    assert np.isnan(apart.ci_low)
    same = delong_test([1, 0, 1, 0], [4, 3, 2, 1], [40, 30, 20, 10])
    assert (same.difference, same.reason, np.isnan(same.p_value)) == (0.0, "same order", True)
    assert auc([1, 0, 1], [1, 1, 1]).auc == 0.5
    with pytest.raises(ValueError, match="score"):
        auc([0, 1], [np.nan, 1])


# --- concordance --------------------------------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.parametrize(
    "entry", ["lung_efron", "lung_breslow", "lung_exact", "lung_strata", "veteran", "myeloma_multi", "myeloma_group"]
)
def test_harrell_s_c_and_its_error_agree_with_r(shared: Path, entry: str) -> None:
    folder = shared / "truth/stats"
    expected = json.loads((folder / "02_cox.json").read_text())[entry]
    strata, event = None, "event"
    if entry.startswith("lung"):
        d = pd.read_csv(folder / "data/lung.csv")
        d = d if entry == "lung_exact" else d.dropna(subset=["ph.ecog"])
        names = {"lung_exact": ["sex"], "lung_strata": ["sex", "age"]}.get(entry, ["sex", "age", "ph.ecog"])
        x = d[names].to_numpy(float)
        strata = d["ph.ecog"].to_numpy() if entry == "lung_strata" else None
    elif entry == "veteran":
        d, event = pd.read_csv(folder / "data/veteran.csv"), "status"
        x = np.column_stack([d["trt"], *[d["celltype"] == c for c in ("smallcell", "adeno", "large")], d["karno"]]).astype(float)
    elif entry == "myeloma_multi":
        d = pd.read_csv(folder / "data/myeloma_survminer_z.csv")
        x = d[list(expected["coef"])].to_numpy(float)
    else:
        d = pd.read_csv(folder / "data/myeloma_survminer.csv")
        x = np.column_stack([d["molecular_group"] == name.split('")')[1] for name in expected["coef"]]).astype(float)
    coef = expected["coef"]
    beta = np.array(list(coef.values()) if isinstance(coef, dict) else coef)
    found = harrell_c(d["time"], d[event], np.round(x @ beta, 10), strata=strata)
    assert found.n == expected["n"]
    assert found.c == pytest.approx(expected["concordance"], rel=1e-8)
    assert found.se == pytest.approx(expected["concordance_se"], rel=1e-8)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_concordance_agrees_with_loops_over_pairs(seed: int) -> None:
    time, event, risk = censored(seed=seed)
    harrell = harrell_c(time, event, risk)
    assert harrell.c == pytest.approx(slow_c(time, event, risk, np.ones(40)), rel=1e-12)
    assert harrell.se == pytest.approx(jackknife(lambda w: slow_c(time, event, risk, w), 40), rel=1e-5)
    for tau in (None, 5.0):
        uno = uno_c(time, event, risk, tau=tau)
        limit = np.inf if tau is None else tau
        assert uno.c == pytest.approx(slow_c(time, event, risk, np.ones(40), True, limit), rel=1e-12)
        assert uno.se == pytest.approx(jackknife(lambda w, limit=limit: slow_c(time, event, risk, w, True, limit), 40), rel=1e-5)


def test_harrell_s_c_agrees_with_lifelines() -> None:
    from lifelines.utils import concordance_index

    time, event, risk = censored(200, seed=9)
    assert harrell_c(time, event, risk).c == pytest.approx(concordance_index(time, -risk, event), rel=1e-12)


def test_without_censoring_uno_is_harrell() -> None:
    time, _, risk = censored()
    one, other = harrell_c(time, np.ones(40), risk), uno_c(time, np.ones(40), risk)
    assert (one.c, one.se) == (other.c, pytest.approx(other.se))


@settings(max_examples=25)
@given(st.integers(0, 1000))
def test_concordance_does_not_depend_on_units_order_or_the_scale_of_the_risk(seed: int) -> None:
    time, event, risk = censored(30, seed)
    order = np.random.default_rng(seed).permutation(30)
    for c in (harrell_c, uno_c):
        one = c(time, event, risk)
        assert c(time / 365.25, event, risk).c == one.c
        assert c(time[order], event[order], risk[order]).se == pytest.approx(one.se, rel=1e-9)
        assert c(time, event, np.exp(risk)).c == one.c
        assert c(time, event, -risk).c == pytest.approx(1 - one.c)
        assert c(time, event, np.zeros(30)).c == 0.5


def test_blocks_of_events_make_no_difference() -> None:
    draw = np.random.default_rng(0)
    time, risk = draw.permutation(700).astype(float), draw.normal(size=700)
    pairs = time[:, None] < time
    expected = (pairs & (risk[:, None] > risk)).sum() / pairs.sum()
    assert harrell_c(time, np.ones(700), risk).c == pytest.approx(expected, rel=1e-12)


def test_concordance_without_pairs_or_variance_says_so() -> None:
    none = harrell_c([1, 2, 3], [0, 0, 0], [1, 2, 3])
    assert (none.converged, none.reason) == (False, "no comparable pairs")
    assert np.isnan([none.c, none.se, none.ci_low]).all()
    assert harrell_c([5, 5], [1, 1], [1, 2]).reason == "no comparable pairs"
    assert uno_c([1, 2], [1, 1], [1, 2], tau=0.5).reason == "no comparable pairs"
    flat = harrell_c([1, 2, 3], [1, 1, 0], [7, 7, 7])
    assert (flat.c, flat.se, flat.reason, np.isnan(flat.ci_low)) == (0.5, 0.0, "no variance", True)
    one = harrell_c([0, 2, 3], [1, 0, 0], [3, 1, 5])
    assert (one.c, one.events) == (0.5, 1)
    with pytest.raises(ValueError, match="negative"):
        harrell_c([-1, 2], [1, 1], [0, 1])


# --- Brier ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ipcw_brier_and_auc_agree_with_sums_over_patients(seed: int) -> None:
    time, event, risk = censored(seed=seed)
    survival = 1 / (1 + np.exp(risk))
    times = [2.0, 4.5, 7.0]  # the first and last are times of events and of censorings
    brier, area = ipcw_brier(time, event, np.tile(survival[:, None], 3), times), ipcw_auc(time, event, risk, times)
    for j, at in enumerate(times):
        score = slow_brier(time, event, survival, np.ones(40), at)
        assert brier.brier[j] == pytest.approx(score, rel=1e-12)
        error = jackknife(lambda w, at=at: slow_brier(time, event, survival, w, at), 40) * np.sqrt(40 / 39)
        assert brier.se[j] == pytest.approx(error, rel=1e-5)
        assert area.auc[j] == pytest.approx(slow_time_auc(time, event, risk, np.ones(40), at), rel=1e-12)
        error = jackknife(lambda w, at=at: slow_time_auc(time, event, risk, w, at), 40) * np.sqrt(40 / 39)
        assert area.se[j] == pytest.approx(error, rel=1e-5)
        assert brier.n_cases[j] + brier.n_controls[j] + brier.n_lost[j] == 40
    assert brier.integrated == pytest.approx(np.trapezoid(brier.brier, times) / 5)
    assert (brier.scaled == 1 - brier.brier / brier.null).all()


def test_without_censoring_the_weighted_scores_are_the_plain_ones() -> None:
    time, _, risk = censored()
    at, survival = 5.0, 1 / (1 + np.exp(risk))
    whole = ipcw_brier(time, np.ones(40), survival, at)
    plain = brier_score(time <= at, 1 - survival)
    assert [whole.brier[0], whole.se[0], whole.null[0]] == pytest.approx([plain.brier, plain.se, plain.null], rel=1e-12)
    assert ipcw_auc(time, np.ones(40), risk, at).auc[0] == pytest.approx(auc(time <= at, risk).auc, rel=1e-12)


def test_the_censoring_curve_lets_events_go_first() -> None:
    curve = censoring_curve(np.array([1.0, 2, 2, 3]), np.array([True, True, False, False]))
    assert curve.steps.tolist() == [2, 3]
    assert curve.at_risk.tolist() == [2, 1]
    assert curve.before(np.array([2.0, 2.5, 3.0, 9.0])).tolist() == [1, 0.5, 0.5, 0]


def test_times_nobody_is_followed_to_have_no_score() -> None:
    found = ipcw_brier([1, 2, 3], [1, 0, 1], np.full((3, 2), 0.5), [1.5, 3.0])
    assert np.isfinite(found.brier[0])
    assert np.isnan([found.brier[1], found.se[1], found.integrated]).all()
    assert np.isnan(ipcw_auc([1, 2, 3], [1, 0, 1], [3, 2, 1], [0.5, 3.0]).auc).all()


def test_predicting_the_frequency_scores_as_the_null() -> None:
    y = np.arange(20) < 5
    found = brier_score(y, np.full(20, 0.25))
    assert (found.brier, found.scaled) == (pytest.approx(found.null), pytest.approx(0, abs=1e-12))
    assert np.isnan(brier_score([1, 1], [0.5, 0.5]).scaled)


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match=r"outside 0..1"):
        brier_score([0, 1], [0.2, 1.2])
    with pytest.raises(ValueError, match="survival: shape"):
        ipcw_brier([1, 2], [1, 0], [[0.1, 0.2]], [1, 2])
    with pytest.raises(ValueError, match="risk"):
        ipcw_auc([1, 2], [1, 0], [np.nan, 1], [1])
