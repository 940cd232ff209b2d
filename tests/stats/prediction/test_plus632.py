"""The .632+ estimator against the paper's formulae in loops, its worked example's limits, and on noise."""

from __future__ import annotations

import numpy as np
import pytest

from resistance.stats.logistic import logistic
from resistance.stats.prediction.brier import ipcw_brier
from resistance.stats.prediction.learners import ElasticNet
from resistance.stats.prediction.outcomes import binary, ordinal, survival
from resistance.stats.prediction.plus632 import plus_632
from resistance.stats.prediction.steps import Filter


def made(n: int = 60, k: int = 4, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(n, k))
    return x, x[:, 0] + draw.logistic(size=n) > 0


def slow_area(score: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean([(a > b) + 0.5 * (a == b) for a in score[y] for b in score[~y]]))


def test_every_number_is_that_of_loops_over_patients_and_samples() -> None:
    x, y = made()
    n = y.size
    samples = np.random.default_rng(1).integers(n, size=(12, n))
    found = plus_632(x, binary(y), seed=0, samples=samples)

    def model(rows: np.ndarray) -> np.ndarray:
        fit = logistic(y[rows], x[rows], tested=())
        return fit.intercept + x @ fit.coef

    whole = model(np.arange(n))
    p_whole = 1 / (1 + np.exp(-whole))
    losses = {"B": lambda p, o: (p - o) ** 2, "error": lambda p, o: float((p > 0.5) != bool(o))}
    of_patient: dict[str, list[list[float]]] = {name: [[] for _ in range(n)] for name in losses}
    areas = []
    for rows in samples:
        score = model(rows)
        out = [i for i in range(n) if i not in set(rows)]
        areas.append(slow_area(score[out], y[out]))
        for i in out:
            for name, loss in losses.items():
                of_patient[name][i].append(loss(1 / (1 + np.exp(-score[i])), y[i]))
    for name in ("C", "B", "error"):
        at = found.index.index(name)
        if name == "C":
            err, one, gamma = 1 - slow_area(whole, y), 1 - np.mean(areas), 0.5
        else:
            loss = losses[name]
            err = np.mean([loss(p_whole[i], y[i]) for i in range(n)])
            one = np.mean([np.mean(of_patient[name][i]) for i in range(n) if of_patient[name][i]])
            gamma = np.mean([loss(p_whole[j], y[i]) for i in range(n) for j in range(n)])
        # Efron and Tibshirani 1997, equations 24 to 32
        plain = 0.368 * err + 0.632 * one
        bounded = min(one, gamma)
        overfit = (one - err) / (gamma - err) if one > err and gamma > err else 0.0
        overfit = min(overfit, 1.0)
        plus = plain + (bounded - err) * 0.368 * 0.632 * overfit / (1 - 0.368 * overfit)
        plus = plus - 0.632 * (one - bounded)  # where left_out is beyond no information it counts as that
        turned = 1.0 if name == "C" else 0.0
        sign = -1.0 if name == "C" else 1.0
        assert found.apparent[at] == pytest.approx(turned + sign * err, rel=1e-7)
        assert found.left_out[at] == pytest.approx(turned + sign * one, rel=1e-7)
        assert found.no_information[at] == pytest.approx(turned + sign * gamma, rel=1e-7)
        assert found.overfit[at] == pytest.approx(overfit, rel=1e-6)
        assert found.plain[at] == pytest.approx(turned + sign * plain, rel=1e-7)
        assert found.plus[at] == pytest.approx(turned + sign * plus, rel=1e-7)
        assert found.of(name) == found.plus[at]
    assert (found.n_bootstraps, found.converged) == (12, True)
    assert found.n_never == sum(all(i in set(rows) for rows in samples) for i in range(n))


def test_a_nearest_neighbour_on_noise_has_half_an_error_not_a_third() -> None:
    """The paper's own example: apparent error 0, no information .5, so that .632 says .316 and .632+ .5."""

    class Neighbour:
        def fit(self, steps, columns, outcome, groups, rng):
            class Scorer:
                def score(self, table):
                    near = np.abs(table[:, None] - columns[None]).sum(axis=2).argmin(axis=1)
                    return outcome.values[near]

                def probability(self, table, times):
                    return self.score(table)[:, None]

            return Scorer()

    draw = np.random.default_rng(2)
    x, y = draw.normal(size=(200, 3)), binary(np.arange(200) % 2)

    from resistance.stats.prediction.plus632 import LeftOut

    out = LeftOut(y)
    way = Neighbour()
    out.whole(way.fit((), x, y, None, None), x)
    for _ in range(40):
        rows = draw.integers(200, size=200)
        out.sample(way.fit((), x[rows], y.take(rows), None, None), x, rows, y.take(rows))
    found = out.result()
    at = found.index.index("error")
    assert found.apparent[at] == 0
    assert found.no_information[at] == pytest.approx(0.5)
    assert found.plain[at] == pytest.approx(0.316, abs=0.03)
    assert found.plus[at] == pytest.approx(0.5, abs=0.06)
    assert found.plus[0] == pytest.approx(0.5, abs=0.06)


def test_selection_on_noise_is_found_out_better_than_by_632() -> None:
    draw = np.random.default_rng(6)
    x, y = draw.normal(size=(80, 300)), binary(np.arange(80) % 2)
    ridge = ElasticNet(alpha=0.0, n_lambdas=10, inner_folds=3)
    found = plus_632(x, y, seed=1, learner=ridge, steps=(Filter(10),), n_bootstraps=15)
    assert found.apparent[0] > 0.75
    assert abs(found.plus[0] - 0.5) < 0.1
    assert abs(found.plus[0] - 0.5) < abs(found.plain[0] - 0.5)
    assert (found.weight >= 0.632 - 1e-12).all()
    assert (found.weight <= 1).all()


def test_survival_and_ordinal_outcomes() -> None:
    draw = np.random.default_rng(5)
    x = draw.normal(size=(90, 4))
    time, censor = draw.exponential(size=90) * np.exp(-x[:, 0]), draw.exponential(2, 90)
    out = survival(np.minimum(time, censor), time <= censor)
    found = plus_632(x, out, seed=1, n_bootstraps=25, time=0.5)
    assert found.index == ("C", "B")
    assert found.left_out[0] < found.plus[0] < found.apparent[0]
    assert found.apparent[1] < found.plus[1] < found.no_information[1]
    from resistance.stats.prediction.learners import Plain

    scorer = Plain().fit((), x, out, None, np.random.default_rng(0))
    risk = scorer.probability(x, np.array([0.5]))[:, 0]
    assert found.apparent[1] == pytest.approx(ipcw_brier(out.values, out.event, 1 - risk, 0.5).brier[0], rel=1e-9)
    every = [ipcw_brier(out.values, out.event, np.full(90, 1 - r), 0.5).brier[0] for r in risk]
    assert found.no_information[1] == pytest.approx(np.mean(every), rel=1e-9)
    assert plus_632(x, out, seed=1, n_bootstraps=2).index == ("C",)
    ranked = plus_632(x, ordinal(np.digitize(time, [0.3, 1])), seed=1, n_bootstraps=15)
    assert ranked.index == ("C", "B")
    assert 0.5 < ranked.plus[0] < ranked.apparent[0]


def test_the_same_seed_gives_the_same_numbers_and_patients_are_left_out_whole() -> None:
    x, y = made(40)
    one, two = (plus_632(x, binary(y), seed=3, n_bootstraps=10) for _ in range(2))
    np.testing.assert_array_equal(one.plus, two.plus)
    samples = np.random.default_rng(1).integers(40, size=(6, 40))
    plain = plus_632(x, binary(y), seed=3, samples=samples)
    twice = np.repeat(np.arange(40), 2)
    rows = plus_632(x[twice], binary(y[twice]), seed=3, samples=samples, groups=twice)
    assert rows.plus == pytest.approx(plain.plus, abs=1e-6)


def test_what_has_no_answer_says_why() -> None:
    x, y = made(40)
    constant = plus_632(x, binary(np.zeros(40)), seed=1, n_bootstraps=3)
    assert (constant.reason, constant.note) == ("constant outcome", "the outcome does not vary")
    separated = plus_632(y.astype(float).reshape(-1, 1), binary(y), seed=1, n_bootstraps=3)
    assert separated.reason == "not fitted"
    for found in (constant, separated):
        assert not found.converged
        assert np.isnan(found.plus).all()
        assert np.isnan(found.of("C"))
    everybody = np.tile(np.arange(40), (3, 1))
    never = plus_632(x, binary(y), seed=1, samples=everybody)
    assert never.n_never == 40
    assert np.isnan(never.plus).all()
    assert "40 patients were drawn in every sample" in never.note
