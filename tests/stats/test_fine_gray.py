"""Fine-Gray regression against cmprsk, by loops over patients, and where it falls together with a Cox model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance.stats.cox import cox
from resistance.stats.fine_gray import fine_gray


def sample(n: int = 60, seed: int = 3) -> tuple[np.ndarray, ...]:
    """Tied times, causes 0, 1, 2, two columns, and groups that are censored differently."""
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.random(n) < 0.4, draw.normal(60, 10, n)])
    group = draw.integers(0, 2, n)
    cause = 2 - (draw.random(n) < 0.55)
    time = np.ceil(draw.exponential(np.where(cause == 1, 10 * np.exp(-0.5 * x[:, 0]), 12)))
    censor = np.ceil(draw.uniform(2, 30, n) / (1 + group))
    return np.minimum(time, censor), np.where(time <= censor, cause, 0), x, group


@pytest.mark.shared
def test_every_number_agrees_with_cmprsk(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/03_km_logrank_rmst_cuminc.json").read_text())["finegray_mgus2"]
    data = pd.read_csv(shared / "truth/stats/data/mgus2.csv").dropna(subset=["mspike"])
    columns = np.column_stack([data["age"], data["sex"] == "M", data["mspike"]])
    found = fine_gray(data["etime"], data["ev"], columns)
    assert found.n == truth["n"]
    assert found.coef == pytest.approx(list(truth["coef"].values()), rel=1e-9)
    assert found.se == pytest.approx(list(truth["se"].values()), rel=1e-9)
    assert found.loglike == pytest.approx(truth["loglik"], rel=1e-12)


class Slow:
    """The model with loops over patients and times, as written in the paper."""

    def __init__(self, time: Any, cause: Any, x: np.ndarray, group: Any) -> None:
        self.time, self.cause, self.x, self.group = time, cause, x, group
        self.at = sorted(set(time[cause == 1]))

    def free(self, before: float, g: int) -> float:
        """Probability of not being censored before a time."""
        out = 1.0
        here = self.group == g
        for v in sorted(set(self.time[here & (self.cause == 0)])):
            if v < before:
                out *= 1 - (here & (self.cause == 0) & (self.time == v)).sum() / (here & (self.time >= v)).sum()
        return out

    def weight(self, i: int, t: float) -> float:
        if self.time[i] >= t:
            return 1.0
        if self.cause[i] != 2:
            return 0.0
        return self.free(t, self.group[i]) / self.free(self.time[i], self.group[i])

    def loglike(self, beta: np.ndarray) -> float:
        total = 0.0
        for t in self.at:
            left = sum(self.weight(i, t) * np.exp(self.x[i] @ beta) for i in range(len(self.time)))
            for i in np.flatnonzero((self.time == t) & (self.cause == 1)):
                total += self.x[i] @ beta - np.log(left)
        return total

    def standard_error(self, beta: np.ndarray) -> np.ndarray:
        n, k = self.x.shape
        weight = np.array([[self.weight(i, t) for t in self.at] for i in range(n)])
        risk = np.exp(self.x @ beta)
        left = (weight * risk[:, None]).sum(axis=0)
        mean = np.array([(weight[:, [j]] * risk[:, None] * self.x).sum(axis=0) / left[j] for j in range(len(self.at))])
        deaths = np.array([((self.time == t) & (self.cause == 1)).sum() for t in self.at])
        information = np.zeros((k, k))
        # dM of each patient at each time, times the distance from the mean and the weight
        steps = np.zeros((n, len(self.at), k))
        for j, t in enumerate(self.at):
            for i in range(n):
                own = float(self.time[i] == t and self.cause[i] == 1)
                steps[i, j] = weight[i, j] * (self.x[i] - mean[j]) * (own - risk[i] * deaths[j] / left[j])
                information += deaths[j] * weight[i, j] * risk[i] / left[j] * np.outer(self.x[i] - mean[j], self.x[i] - mean[j])
        terms = steps.sum(axis=1)
        for g in set(self.group):
            here = np.flatnonzero(self.group == g)
            for v in sorted(set(self.time[here][self.cause[here] == 0])):
                # the paper's q(v): of those who failed otherwise before v, what comes from v on
                q = sum(
                    (steps[i, j] for i in here for j, u in enumerate(self.at) if self.cause[i] == 2 and self.time[i] < v <= u),
                    np.zeros(k),
                )
                risk_set = [i for i in here if self.time[i] >= v]
                lost = [i for i in risk_set if self.time[i] == v and self.cause[i] == 0]
                for i in risk_set:
                    terms[i] -= ((i in lost) - len(lost) / len(risk_set)) * q / len(risk_set)
        bread = np.linalg.inv(information)
        return np.sqrt(np.diag(bread @ terms.T @ terms @ bread))


@pytest.mark.parametrize("by_group", [False, True])
def test_coefficients_and_standard_errors_agree_with_loops(by_group: bool) -> None:
    time, cause, x, group = sample(45)
    x[:, 1] = (x[:, 1] - 60) / 10
    group = group if by_group else np.zeros_like(group)
    slow = Slow(time, cause, x, group)
    found = fine_gray(time, cause, x, censoring_groups=group if by_group else None)
    assert found.converged
    assert found.loglike == pytest.approx(slow.loglike(found.coef), rel=1e-10)
    assert found.loglike_null == pytest.approx(slow.loglike(np.zeros(2)), rel=1e-10)
    for step in ([1e-4, 0], [0, 1e-4]):  # the top: as high on both sides
        assert slow.loglike(found.coef + step) == pytest.approx(slow.loglike(found.coef - np.array(step)), abs=1e-9)
    assert found.se == pytest.approx(slow.standard_error(found.coef), rel=1e-8)


def test_without_competing_events_it_is_a_cox_model_with_a_robust_standard_error() -> None:
    time, cause, x, _ = sample(200)
    found, plain = fine_gray(time, cause > 0, x), cox(time, cause > 0, x, ties="breslow")
    assert found.coef == pytest.approx(plain.coef, rel=1e-9)
    assert found.loglike == pytest.approx(plain.loglike, rel=1e-12)
    assert found.se == pytest.approx(plain.se, rel=0.2)


def test_without_censoring_it_is_a_cox_model_in_which_the_other_cause_never_ends() -> None:
    time, cause, x, _ = sample(200)
    cause = np.maximum(cause, 1)
    found = fine_gray(time, cause, x)
    plain = cox(np.where(cause == 1, time, 1e6), cause == 1, x, ties="breslow")
    assert found.coef == pytest.approx(plain.coef, rel=1e-9)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    # Fine and Gray's own design: incidence 1 - (1 - p (1 - exp(-t)))^exp(beta z)
    draw = np.random.default_rng(5)
    beta, p, inside = 0.7, 0.6, 0
    for _ in range(250):
        z = draw.integers(0, 2, 150)
        ratio = np.exp(beta * z)
        final = 1 - (1 - p) ** ratio
        own = draw.random(150) < final
        u = draw.random(150) * final
        first = -np.log(1 - (1 - (1 - u) ** (1 / ratio)) / p)
        time = np.where(own, first, draw.exponential(1, 150))
        censor = draw.uniform(0.3, 3, 150)
        found = fine_gray(np.minimum(time, censor), np.where(time <= censor, 2 - own, 0), z)
        inside += found.ci_low[0] <= beta <= found.ci_high[0]
    assert inside / 250 == pytest.approx(0.95, abs=0.03)


def test_order_units_and_coding_do_not_matter() -> None:
    time, cause, x, group = sample()
    found = fine_gray(time, cause, x, censoring_groups=group)
    turned = fine_gray(time[::-1] / 30.4375, cause[::-1], x[::-1] * [1, 1000], censoring_groups=group[::-1])
    assert turned.coef * [1, 1000] == pytest.approx(found.coef, rel=1e-8)
    assert turned.p_value == pytest.approx(found.p_value, rel=1e-7)
    flipped = fine_gray(time, cause, np.column_stack([1 - x[:, 0], x[:, 1]]), censoring_groups=group)
    assert flipped.coef[0] == pytest.approx(-found.coef[0], rel=1e-8)
    assert (flipped.ci_low[0], flipped.p_value[0]) == (pytest.approx(-found.ci_high[0]), pytest.approx(found.p_value[0]))
    other = fine_gray(time, np.array([0, 2, 1])[cause], x, of=2, censoring_groups=group)
    assert other.coef == pytest.approx(found.coef, rel=1e-12)


def test_one_column_has_the_same_p_alone_and_globally() -> None:
    time, cause, x, _ = sample()
    found = fine_gray(time, cause, x[:, :1])
    assert found.p_global == pytest.approx(found.p_value[0], rel=1e-9)


def unanswered(found: Any) -> bool:
    numbers = [*found.coef, *found.se, *found.p_value, *found.ci_low, *found.ci_high, found.p_global, found.loglike]
    return bool(np.isnan(numbers).all()) and not found.converged


def test_what_has_no_answer_says_why() -> None:
    time, cause, x, _ = sample()
    constant = fine_gray(time, cause, np.column_stack([x, np.ones(60)]))
    assert (constant.reason, constant.columns) == ("collinear", (2,))
    twice = fine_gray(time, cause, x[:, [0, 1, 0]])
    assert (twice.reason, twice.columns) == ("collinear", (0, 2))
    none = fine_gray(time, np.where(cause == 1, 2, cause), x)
    assert (none.reason, none.note) == ("no events", "no event of this cause")
    carriers = (cause != 1) & (x[:, 0] == 1)
    separated = fine_gray(time, cause, carriers)
    assert (separated.reason, separated.columns) == ("monotone", (0,))
    one = fine_gray([1, 2, 3, 4], [1, 0, 0, 2], [1, 0, 0, 0])
    assert one.reason == "monotone"
    wide = fine_gray(time[:5], [1, 1, 2, 0, 1], np.random.default_rng(1).normal(size=(5, 8)))
    assert wide.reason in ("collinear", "monotone")
    for found in (constant, twice, none, separated, one, wide):
        assert unanswered(found)
        assert found.note


def test_no_columns_and_nobody() -> None:
    time, cause, _, _ = sample()
    assert fine_gray(time, cause, np.zeros((60, 0))).coef.size == 0
    assert fine_gray([], [], np.zeros((0, 1))).reason == "no events"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fine_gray([1, 2], [1, 1.5], [0, 1]), "cause: only 0"),
        (lambda: fine_gray([1, -2], [1, 0], [0, 1]), "time: 1 negative"),
        (lambda: fine_gray([1, 2], [1, 0], [0, np.nan]), "columns: 1 value"),
        (lambda: fine_gray([1, 2], [1, 0], [0, 1], of=0), "of: 0 is not a cause"),
        (lambda: fine_gray([1, 2], [1, 0], [0, 1], confidence=95), "confidence"),
    ],
)
def test_wrong_input_is_refused_in_words(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
