"""Storey's q, pi0 and local rates against R's qvalue, by simulation and at their edges; the spline against scipy's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.multiplicity import benjamini_hochberg
from resistance.stats.smoothing_spline import smoothing_spline
from resistance.stats.storey import storey


@pytest.mark.shared
def test_hedenfalk_agrees_with_r(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/05_omics_multiplicity.json").read_text())["qvalue_hedenfalk"]
    p = pd.read_csv(shared / "truth/stats/data/hedenfalk_p.csv")["p"].to_numpy()
    found = storey(p)
    assert found.lambdas == pytest.approx(truth["lambda"], rel=1e-12)
    assert found.pi0_lambda == pytest.approx(truth["pi0_lambda"], rel=1e-12)
    assert found.pi0 == pytest.approx(truth["pi0_smoother"], rel=1e-8)
    assert found.q == pytest.approx(truth["q"], rel=1e-8)
    assert found.local_fdr == pytest.approx(truth["lfdr"], rel=1e-8)
    assert (found.q <= 0.05).sum() == truth["n_sig_0.05"]
    bootstrap = storey(p, pi0="bootstrap")
    assert bootstrap.pi0 == pytest.approx(truth["pi0_bootstrap"], rel=1e-12)
    assert bootstrap.q == pytest.approx(truth["q_bootstrap"], rel=1e-12)


def mixture(seed: int, m: int = 600, effects: int = 120) -> np.ndarray:
    draw = np.random.default_rng(seed)
    p = draw.random(m)
    p[:effects] = draw.beta(0.2, 6, effects)
    return p


@settings(max_examples=15)
@given(st.integers(0, 1000), st.sampled_from(["smoother", "bootstrap"]))
def test_q_is_pi0_times_benjamini_hochberg_and_order_does_not_matter(seed: int, method: str) -> None:
    p = mixture(seed)
    found = storey(p, pi0=method)
    assert found.converged
    assert 0 < found.pi0 <= 1
    assert found.q == pytest.approx(found.pi0 * benjamini_hochberg(p), rel=1e-12)
    order = np.random.default_rng(seed).permutation(p.size)
    again = storey(p[order], pi0=method)
    assert again.pi0 == found.pi0
    assert again.q == pytest.approx(found.q[order], rel=1e-12)
    assert again.local_fdr == pytest.approx(found.local_fdr[order], rel=1e-9)
    ranked = np.argsort(p)
    assert (np.diff(found.local_fdr[ranked]) >= 0).all()


def test_q_is_at_least_p_where_pi0_is_1() -> None:
    p = mixture(1)
    assert storey(p, pi0=1.0).q == pytest.approx(benjamini_hochberg(p), rel=1e-12)


def test_unanswered_questions_do_not_count() -> None:
    p = mixture(3)
    gaps = np.insert(p, [0, 5, 600], np.nan)
    found, whole = storey(gaps), storey(p)
    assert found.n == 600
    assert found.pi0 == whole.pi0
    assert found.q[~np.isnan(gaps)].tolist() == whole.q.tolist()
    assert np.isnan(found.q[np.isnan(gaps)]).all()


def test_pi0_and_local_rates_find_the_share_without_effect() -> None:
    estimates = [storey(mixture(seed, 2000, 500)).pi0 for seed in range(10)]
    # p of the effects above lambda make it a little too large, never systematically too small
    assert 0.70 < np.mean(estimates) < 0.80
    found = storey(mixture(4, 5000, 1250))
    called = found.local_fdr <= 0.3
    assert (np.flatnonzero(called) >= 1250).mean() == pytest.approx(found.local_fdr[called].mean(), abs=0.03)


def test_a_p_of_the_last_lambda_lies_above_it() -> None:
    # R 4.2.2, qvalue 2.30.0: qvalue(p)$pi0 and qvalue(p, pi0.method = "bootstrap")$pi0
    p = np.r_[np.round((np.arange(1, 201) / 200) ** 2.2, 2), np.full(6, 0.95)]
    assert storey(p).pi0 == pytest.approx(0.834755430732, rel=1e-8)
    assert storey(p, pi0="bootstrap").pi0 == pytest.approx(0.612397311426, rel=1e-8)


def test_a_family_without_large_p_has_no_pi0_and_says_so() -> None:
    found = storey([0.001, 0.002, 0.01, 0.02])
    assert (found.converged, found.reason) == (False, "no large p")
    assert np.isnan(found.pi0)
    assert np.isnan(found.q).all()
    assert "Benjamini-Hochberg" in found.note
    assert storey([0.001, 0.002, 0.01, 0.02], pi0=1).converged


@pytest.mark.parametrize("p", [[], [np.nan, np.nan]])
def test_no_tests_say_nothing(p: list[float]) -> None:
    for method in ("smoother", 1.0):
        found = storey(p, pi0=method)
        assert (found.converged, found.reason, found.q.size) == (False, "no tests", len(p))


@pytest.mark.parametrize("p", [[1.0] * 8, [0.0] * 8 + [1.0] * 8, [0.97] * 7 + [0.2], [0.97], [0.97] * 3 + [1 - 1e-16]])
def test_ties_and_extreme_p_are_met(p: list[float]) -> None:
    found = storey(p)
    assert found.converged
    assert 0 < found.pi0 <= 1
    assert ((found.q >= 0) & (found.q <= 1)).all()
    known = ~np.isnan(found.local_fdr)
    assert known.all() == (len(set(p)) > 1)
    assert ((found.local_fdr[known] >= 0) & (found.local_fdr[known] <= 1)).all()


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"outside 0\.\.1"):
        storey([0.1, 1.5])
    with pytest.raises(ValueError, match="lambdas"):
        storey([0.1], lambdas=[0.5, 0.4])
    with pytest.raises(ValueError, match="at least 4"):
        storey([0.1], lambdas=[0.4, 0.5])
    with pytest.raises(ValueError, match="pi0"):
        storey([0.1], pi0=0.0)
    with pytest.raises(ValueError, match="neither"):
        storey([0.1], pi0="spline")


def test_a_line_is_its_own_smooth_and_the_freedom_is_what_was_asked() -> None:
    x = np.array([0.0, 0.1, 0.15, 0.4, 0.7, 0.8, 1.3, 2.0])
    assert smoothing_spline(x, 3 - 2 * x, df=3)(x) == pytest.approx(3 - 2 * x, abs=1e-9)
    # the trace of the smoother: the fitted value of each unit vector at its own point
    trace = sum(smoothing_spline(x, np.eye(8)[i], df=4)(x)[i] for i in range(8))
    assert trace == pytest.approx(4, abs=2e-3)


def test_with_the_penalty_of_scipys_spline_the_fit_is_the_same() -> None:
    from scipy.interpolate import make_smoothing_spline
    from scipy.optimize import brentq

    draw = np.random.default_rng(0)
    x = np.sort(draw.random(30))
    y = np.sin(4 * x) + draw.normal(0, 0.1, 30)

    def trace(log_penalty: float) -> float:
        return sum(float(make_smoothing_spline(x, np.eye(30)[i], lam=np.exp(log_penalty))(x[i])) for i in range(30))

    penalty = np.exp(brentq(lambda value: trace(value) - 5, -16, 0))
    # .333 in place of 1/3 in the reference's penalty: four digits agree
    assert smoothing_spline(x, y, df=5)(x) == pytest.approx(make_smoothing_spline(x, y, lam=penalty)(x), abs=1e-3)


def test_points_that_make_no_curve_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 4"):
        smoothing_spline([1, 2, 3], [1, 2, 3])
    with pytest.raises(ValueError, match="increasing"):
        smoothing_spline([1, 2, 2, 3], [1, 2, 3, 4])
    with pytest.raises(ValueError, match="df"):
        smoothing_spline([1, 2, 3, 4], [1, 2, 3, 4], df=1)
