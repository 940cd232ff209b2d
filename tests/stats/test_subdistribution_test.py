"""Score test of groups on the subdistribution hazard: R's robust score statistic, Gray's numerators, loops, and its size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance.stats.gray import gray_test
from resistance.stats.log_rank import log_rank
from resistance.stats.subdistribution_test import subdistribution_test

FOLDER = Path(__file__).parent / "r_entry"
ROWS = pd.read_csv(FOLDER / "patients.csv")
VALUES = dict(line.split("\t") for line in (FOLDER / "values.tsv").read_text().splitlines())


def tied(seed: int, n: int = 60) -> tuple[np.ndarray, ...]:
    """Entry, end, cause and two groups in whole units."""
    draw = np.random.default_rng(seed)
    start = draw.integers(0, 4, n).astype(float)
    return start, start + draw.integers(1, 8, n), draw.choice(3, n, p=[0.3, 0.4, 0.3]), draw.integers(0, 2, n)


@pytest.mark.parametrize("name", ["entered", "tied"])
def test_with_pooled_and_known_weights_it_is_rs_robust_score_test(name: str) -> None:
    rows = ROWS if name == "entered" else ROWS.assign(start=np.floor(ROWS["start"]), stop=np.floor(ROWS["stop"]) + 1)
    found = subdistribution_test(
        rows["stop"], rows["cause"], rows["x1"] + 2 * rows["site"], start=rows["start"], pooled_censoring=True, known_weights=True
    )
    assert found.df == 3
    assert found.chi2 == pytest.approx(float(VALUES[f"{name}.rscore"]), rel=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_without_delayed_entry_the_numerators_are_those_of_gray(seed: int) -> None:
    # Geskus 2011: the weighted risk set is the one at risk times (1 - F(t-)) / S(t-), which is Gray's; as long as somebody
    # is at risk in both groups (Gray's then leaves a group out, its patients who failed otherwise keep their weight here)
    _, stop, cause, group = tied(seed)
    stop, cause = np.minimum(stop, 6), np.where(stop > 6, 0, cause)
    found, gray = subdistribution_test(stop, cause, group, tied_events="gone"), gray_test(stop, cause, group)
    assert found.observed - found.expected == pytest.approx(gray.score, rel=1e-10)
    assert found.chi2 == pytest.approx(gray.chi2, rel=0.15)


def test_without_competing_events_the_numerators_are_those_of_the_log_rank_test() -> None:
    start, stop, cause, group = tied(3)
    found = subdistribution_test(stop, np.minimum(cause, 1), group, start=start)
    plain = log_rank(stop, cause > 0, group, start=start)
    assert found.observed.tolist() == plain.observed.tolist()
    assert found.expected == pytest.approx(plain.expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_expected_events_agree_with_loops_each_group_with_its_own_weights(seed: int) -> None:
    start, stop, cause, group = tied(seed)
    expected = np.zeros(2)
    for t in stop[cause == 1]:
        total = np.zeros(2)
        for i in range(stop.size):
            weight = float(start[i] < t <= stop[i])
            if cause[i] == 2 and stop[i] < t:
                weight, mine = 1.0, group == group[i]
                for u in np.arange(stop[i], t):
                    lost = mine & (stop == u) & (cause == 0)
                    weight *= 1 - lost.sum() / max(1, (mine & (start < u) & (stop > u)).sum() + lost.sum())
                    come = mine & (start == u)
                    weight /= 1 - come.sum() / max(1, (mine & (start <= u) & (stop > u)).sum())
            total[group[i]] += weight
        expected += total / total.sum()
    assert subdistribution_test(stop, cause, group, start=start).expected == pytest.approx(expected, rel=1e-10)


def test_strata_are_added_up_and_order_and_units_do_not_matter() -> None:
    start, stop, cause, group = tied(5, 90)
    strata = np.arange(90) % 2
    both = subdistribution_test(stop, cause, group, start=start, strata=strata)
    parts = [subdistribution_test(stop[k], cause[k], group[k], start=start[k]) for k in (strata == 0, strata == 1)]
    assert both.expected == pytest.approx(sum(part.expected for part in parts), rel=1e-12)
    # two groups: chi2 = score^2 / variance, and variances add up
    scores = [float(part.observed[0] - part.expected[0]) for part in parts]
    spread = sum(score**2 / part.chi2 for score, part in zip(scores, parts, strict=True))
    assert both.chi2 == pytest.approx(sum(scores) ** 2 / spread, rel=1e-9)
    turned = subdistribution_test(
        stop[::-1] / 30.4375, cause[::-1], 1 - group[::-1], start=start[::-1] / 30.4375, strata=strata[::-1]
    )
    assert turned.chi2 == pytest.approx(both.chi2, rel=1e-10)
    assert turned.expected[::-1] == pytest.approx(both.expected, rel=1e-10)


def test_what_has_no_answer_says_why() -> None:
    _, stop, cause, group = tied(1)
    found = {
        "one group": subdistribution_test(stop, cause, np.zeros(60)),
        "no events": subdistribution_test(stop, np.where(cause == 1, 2, cause), group),
        "never compared": subdistribution_test([1, 2, 5, 6], [1, 1, 1, 0], [0, 0, 1, 1], start=[0, 0, 3, 3]),
        "no weights": subdistribution_test([1.5, 2, 5, 6], [1, 2, 1, 1], [0, 0, 0, 1], start=[0, 0, 3, 0]),
    }
    for reason, test in found.items():
        assert (test.reason, test.converged) == (reason, False)
        assert test.note
        assert np.isnan([test.chi2, test.p_value]).all()
    assert "only just entered" in found["no weights"].note


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: subdistribution_test([1, 2], [1, 0.5], [0, 1]), "cause: only 0"),
        (lambda: subdistribution_test([1, 2], [1, 0], [0, 1], of=0), "of: 0 is not a cause"),
        (lambda: subdistribution_test([1, 2], [1, 0], [0, 1], start=[1, 0]), "start: 1 value"),
        (lambda: subdistribution_test([1, 2], [1, 0], [0, 1], tied_events="x"), "tied_events: 'x' is neither"),  # type: ignore[arg-type]
        (lambda: subdistribution_test([1, 2, 3], [1, 0], [0, 1]), "cause: 2 values for 3"),
    ],
)
def test_wrong_input_is_refused_in_words(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def wrong(number: int, n: int, *, pooled: bool) -> float:
    """Share of p below 5 % where incidence is the same in both groups, and entry, censoring and the other cause are not."""
    draw = np.random.default_rng(3)
    hits = 0
    for _ in range(number):
        parts = []
        for g, (latest, longest, rate) in enumerate([(0.2, 4.0, 0.5), (1.0, 1.5, 2.0)]):
            own = draw.random(4 * n) < 0.5
            time = np.where(own, draw.exponential(1, 4 * n), draw.exponential(1 / rate, 4 * n))
            start = np.where(draw.random(4 * n) < 0.5, 0, draw.uniform(0, latest, 4 * n))
            censor = draw.uniform(0.3, longest, 4 * n)
            seen = np.flatnonzero(np.minimum(time, censor) > start)[:n]
            cause = np.where(time <= censor, np.where(own, 1, 2), 0)
            parts.append(np.column_stack([start, np.minimum(time, censor), cause, np.full(4 * n, g)])[seen])
        start, stop, cause, group = np.vstack(parts).T
        found = subdistribution_test(stop, cause, group, start=start, pooled_censoring=pooled)
        hits += found.converged and found.p_value < 0.05
    return hits / number


def test_it_is_rarely_wrong_though_entry_and_censoring_differ_between_the_groups() -> None:
    assert wrong(150, 60, pooled=False) <= 0.1


@pytest.mark.long
def test_its_size_is_what_it_says_and_that_of_pooled_weights_is_not() -> None:
    assert wrong(2000, 100, pooled=False) == pytest.approx(0.05, abs=0.015)
    assert wrong(500, 100, pooled=True) > 0.09
