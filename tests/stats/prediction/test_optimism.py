"""The optimism bootstrap: on R's very draws, and against the loop written out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from resistance.stats.prediction.c_index import harrell_c
from resistance.stats.prediction.learners import ElasticNet, Plain
from resistance.stats.prediction.optimism import bootstrap_optimism, gini_mean_difference
from resistance.stats.prediction.outcomes import binary, ordinal, survival
from resistance.stats.prediction.steps import Filter


def draws_of_r(seed: int, samples: int, n: int) -> np.ndarray:
    """What R's set.seed(seed) and repeated sample(n, replace = TRUE) draw (0-based; n up to 256)."""
    state, words = seed, []
    for turn in range(50 + 625):
        state = (69069 * state + 1) % 2**32
        if turn >= 50:
            words.append(state)
    twister = np.random.MT19937()
    whole = twister.state
    whole["state"] = {"key": np.array(words[1:], dtype=np.uint32), "pos": 624}
    twister.state = whole
    uniform = twister.random_raw(2 * samples * n) * 2.3283064365386963e-10
    bits = np.floor(uniform * 65536).astype(np.int64) & 255  # R >= 3.6 rejects what is too large
    return bits[bits < n][: samples * n].reshape(samples, n)


def birth_weight(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    b = pd.read_csv(shared / "truth/stats/data/birthwt_pred.csv")
    x = np.column_stack([b["age"], b["lwt"], b["race"] == 2, b["race"] == 3, b["smoke"], b["ptl"], b["ht"], b["ui"]]).astype(
        float
    )
    return b["low"].to_numpy(), x


def test_the_generator_is_r_s() -> None:
    # runif(3) after set.seed(42) is .9148060 .9370754 .2861395 in R; sampling takes the low byte of the first 16 bits
    low_bytes = [int(np.floor(u * 65536)) & 255 for u in (0.9148060435, 0.9370754133, 0.2861395348)]
    assert draws_of_r(42, 1, 256)[0, :3].tolist() == low_bytes


@pytest.mark.shared
def test_every_index_of_rms_s_validate_on_r_s_own_draws(shared: Path) -> None:
    expected = json.loads((shared / "truth/stats/06_prediction_power_mi.json").read_text())["bootstrap_optimism_lrm"]
    y, x = birth_weight(shared)
    found = bootstrap_optimism(x, binary(y), seed=1, samples=draws_of_r(1, expected["B"], 189))
    for name, row in zip(expected["rows"], expected["table"], strict=True):
        at = found.index.index(name)
        ours = [found.apparent[at], found.training[at], found.test[at], found.optimism[at], found.corrected[at]]
        # five samples are separated: rms keeps the fit at which it stopped, here they are left out and counted
        assert ours == pytest.approx(row[:5], abs=1.5e-3)
        assert ours[0] == pytest.approx(row[0], rel=1e-6, abs=1e-9)
    assert found.of("C") == pytest.approx(expected["c_corrected"], abs=1e-4)
    assert found.apparent[found.index.index("C")] == pytest.approx(expected["c_apparent"], rel=1e-12)
    assert (found.n_bootstraps, found.n_failed) == (1995, 5)
    assert found.note.startswith("5 of 2000 bootstrap samples left out")


@pytest.mark.shared
def test_other_draws_agree_within_their_error(shared: Path) -> None:
    expected = json.loads((shared / "truth/stats/06_prediction_power_mi.json").read_text())["bootstrap_optimism_lrm"]
    y, x = birth_weight(shared)
    found = bootstrap_optimism(x, binary(y), seed=3, n_bootstraps=200)
    row = dict(zip(expected["rows"], expected["table"], strict=True))
    assert found.of("C") == pytest.approx(expected["c_corrected"], abs=0.01)
    assert found.of("B") == pytest.approx(row["B"][4], abs=0.003)
    assert found.of("Slope") == pytest.approx(row["Slope"][4], abs=0.045)  # 4 standard errors of 200 samples
    again = bootstrap_optimism(x, binary(y), seed=3, n_bootstraps=200)
    np.testing.assert_array_equal(again.corrected, found.corrected)


def test_it_is_the_loop_of_the_paper() -> None:
    draw = np.random.default_rng(4)
    x = draw.normal(size=(80, 3))
    y = x[:, 0] + draw.logistic(size=80) > 0
    samples = draw.integers(80, size=(4, 80))
    found = bootstrap_optimism(x, binary(y), seed=0, samples=samples)

    def area(coef: np.ndarray, rows: np.ndarray) -> float:
        s = x[rows] @ coef
        return float(np.mean([(a > b) + 0.5 * (a == b) for a in s[y[rows]] for b in s[~y[rows]]]))

    from resistance.stats.logistic import logistic

    everybody = np.arange(80)
    optimism = []
    for rows in samples:
        coef = logistic(y[rows], x[rows], tested=()).coef
        optimism.append(area(coef, rows) - area(coef, everybody))
    apparent = area(logistic(y, x, tested=()).coef, everybody)
    assert found.of("C") == pytest.approx(apparent - np.mean(optimism), rel=1e-9)


def test_time_to_event_and_ordinal_outcomes_have_their_indexes() -> None:
    draw = np.random.default_rng(5)
    x = draw.normal(size=(90, 4))
    time = draw.exponential(size=90) * np.exp(-x[:, 0])
    event = draw.random(90) < 0.8
    found = bootstrap_optimism(x, survival(time, event), seed=1, n_bootstraps=40, time=0.5)
    assert found.index == ("Dxy", "C", "Slope", "D", "U", "Q", "g", "B")
    from resistance.stats.cox import cox

    fit = cox(time, event, x, ties="breslow", tested=())
    assert found.apparent[1] == pytest.approx(harrell_c(time, event, x @ fit.coef).c)
    assert found.of("C") < found.apparent[1]
    assert found.of("Slope") < 1.0
    assert found.of("B") > found.apparent[-1]
    assert bootstrap_optimism(x, survival(time, event), seed=1, n_bootstraps=2).index[-1] == "g"
    steps = bootstrap_optimism(x, ordinal(np.digitize(time, [0.3, 1])), seed=1, n_bootstraps=20)
    assert steps.of("C") < steps.apparent[1]


def test_selection_on_noise_is_found_out() -> None:
    draw = np.random.default_rng(6)
    x, y = draw.normal(size=(80, 300)), binary(np.arange(80) % 2)
    ridge = ElasticNet(alpha=0.0, n_lambdas=10, inner_folds=3)
    found = bootstrap_optimism(x, y, seed=1, learner=ridge, steps=(Filter(10),), n_bootstraps=15)
    c = found.index.index("C")
    assert found.apparent[c] > 0.75
    assert found.corrected[c] < found.apparent[c] - 0.1


def test_patients_are_drawn_not_rows() -> None:
    draw = np.random.default_rng(7)
    x = draw.normal(size=(50, 2))
    y = x[:, 0] + draw.logistic(size=50) > 0
    twice = np.repeat(np.arange(50), 2)
    samples = draw.integers(50, size=(5, 50))
    one = bootstrap_optimism(x, binary(y), seed=1, samples=samples)
    two = bootstrap_optimism(x[twice], binary(y[twice]), seed=1, samples=samples, groups=twice)
    assert two.of("C") == pytest.approx(one.of("C"), abs=1e-6)


def test_what_cannot_be_fitted_is_said() -> None:
    x = np.arange(20.0).reshape(-1, 1)
    flat = bootstrap_optimism(x, binary(np.ones(20)), seed=1, learner=Plain())
    assert (flat.converged, flat.reason) == (False, "constant outcome")
    apart = bootstrap_optimism(x, binary(np.arange(20) > 9), seed=1)
    assert (apart.converged, apart.reason) == (False, "not fitted")
    assert np.isnan(apart.corrected).all()
    with pytest.raises(ValueError, match="samples"):
        bootstrap_optimism(x, binary(np.arange(20) % 2), seed=1, samples=[[0, 1]])
    with pytest.raises(ValueError, match="n_bootstraps"):
        bootstrap_optimism(x, binary(np.arange(20) % 2), seed=1, n_bootstraps=0)


def test_gini_s_mean_difference_is_the_mean_over_pairs() -> None:
    values = np.random.default_rng(0).normal(size=20)
    pairs = np.abs(values[:, None] - values)
    assert gini_mean_difference(values) == pytest.approx(pairs.sum() / (20 * 19))
    assert np.isnan(gini_mean_difference([1.0]))
