"""Stability selection: its bounds against R's stabs, its frequencies against what was planted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

from resistance.stats.prediction.outcomes import binary, survival
from resistance.stats.prediction.stability import pfer_bound, stability_selection, tail_bound


@pytest.mark.shared
def test_every_bound_agrees_with_stabs(shared: Path) -> None:
    rows = json.loads((shared / "truth/stats/06_prediction_power_mi.json").read_text())["stabsel_pfer"]
    assert len(rows) == 36
    for row in rows:
        for key, kind in (("MB_none", "none"), ("SS_none", "none"), ("SS_unimodal", "unimodal"), ("SS_rconcave", "r-concave")):
            found = pfer_bound(row["p"], row["q"], row["cutoff"], kind)
            assert float(f"{found:.3g}") == pytest.approx(row[key], rel=1e-9)  # three digits are printed there


@pytest.mark.parametrize("cutoff", [0.55, 0.6, 0.75, 0.8, 0.9, 1.0])
def test_assumptions_only_lower_the_bound_and_the_exact_search_is_never_below(cutoff: float) -> None:
    for p, q in ((100, 5), (1000, 20), (50, 10)):
        plain, unimodal, concave = (pfer_bound(p, q, cutoff, kind) for kind in ("none", "unimodal", "r-concave"))
        exact = pfer_bound(p, q, cutoff, "r-concave", search="exact")
        assert concave <= exact * (1 + 1e-9) <= unimodal * 1.001 <= plain * 1.002
        assert cutoff == 1.0 or exact <= concave * 1.04


def test_the_unimodal_bound_is_a_linear_programme() -> None:
    # the largest tail of a unimodal law on 0, 1/B ... 1 with a mean: mixtures of uniform laws on 0..k
    for theta, cutoff in ((0.01, 0.6), (0.02, 0.75), (0.01, 0.9)):
        pairs, tail = 50, 2 * cutoff - 1
        k = np.arange(pairs + 1)
        means = k / 2 / pairs
        tails = np.array([np.mean(np.arange(top + 1) / pairs >= tail - 1e-9) for top in k])
        best = -linprog(-tails, A_eq=[np.ones(pairs + 1), means], b_eq=[1, theta**2], bounds=(0, 1)).fun
        assert pfer_bound(100, theta * 100, cutoff, "unimodal", n_pairs=pairs) >= 100 * best * (1 - 1e-9)
        assert tail_bound(theta**2, tail, pairs, -0.5, "exact") <= best * (1 + 1e-9)


def test_laws_of_the_family_never_exceed_the_exact_bound() -> None:
    index = np.arange(51)
    for a in (0.05, 0.2, 1.0):
        law = (a + index) ** -2.0
        law /= law.sum()
        mean = (law * index).sum() / 50
        assert law[20:].sum() <= tail_bound(mean, 0.4, 50, -0.5, "exact") * (1 + 1e-9)


def test_planted_columns_are_stable_and_noise_is_not() -> None:
    draw = np.random.default_rng(1)
    x = draw.normal(size=(120, 30))
    latent = 2 * x[:, 3] - 2 * x[:, 17] + draw.logistic(size=120)
    for outcome in (binary(latent > 0), survival(np.exp(-latent), draw.random(120) < 0.8)):
        found = stability_selection(x, outcome, q=4, seed=2, n_pairs=8, cutoff=0.8)
        assert found.selected.tolist() == [3, 17]
        assert (found.n_halves, found.n_failed) == (16, 0)
        assert found.q_mean == pytest.approx(4)
        assert found.frequency.sum() == pytest.approx(4)
        assert found.pfer_none == pytest.approx(16 / (0.6 * 30))
        assert found.pfer_r_concave < found.pfer_unimodal < found.pfer_none
    again = stability_selection(x, outcome, q=4, seed=2, n_pairs=8, cutoff=0.8)
    np.testing.assert_array_equal(again.frequency, found.frequency)


def test_order_of_columns_and_units_do_not_matter() -> None:
    draw = np.random.default_rng(3)
    x = draw.normal(size=(60, 10))
    y = binary(x[:, 0] + draw.logistic(size=60) > 0)
    one = stability_selection(x, y, q=3, seed=1, n_pairs=10).frequency
    order = draw.permutation(10)
    np.testing.assert_allclose(
        stability_selection(x[:, order] * 1000, y, q=3, seed=1, n_pairs=10).frequency, one[order], atol=0.051
    )


def test_what_cannot_be_selected_is_said() -> None:
    x = np.random.default_rng(0).normal(size=(20, 5))
    flat = stability_selection(x, binary(np.zeros(20)), q=2, seed=1)
    assert (flat.converged, flat.reason) == (False, "constant outcome")
    assert np.isnan(flat.frequency).all()
    rare = stability_selection(x, binary(np.arange(20) == 4), q=2, seed=1, n_pairs=5)
    assert (rare.n_halves, rare.n_failed) == (5, 5)
    assert rare.note.startswith("5 of 10 halves left out")


@pytest.mark.parametrize(
    ("p", "q", "cutoff", "words"), [(10, 11, 0.7, "q: 11 of 10"), (10, 2, 0.5, "cutoff: 0.5"), (10, 2, 1.1, "cutoff")]
)
def test_wrong_settings_are_refused(p: int, q: int, cutoff: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        pfer_bound(p, q, cutoff)


def test_nothing_taken_is_nothing_false() -> None:
    assert pfer_bound(100, 0, 0.7, "r-concave") == 0
