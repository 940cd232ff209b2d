"""Gray's test against cmprsk, by a count patient by patient, and by its law under the hypothesis."""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.gray import gray_test
from resistance.stats.log_rank import log_rank

FOLLOWED = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=40)


def sample(n: int = 60, g: int = 3, seed: int = 2) -> tuple[np.ndarray, ...]:
    """Tied times, causes 0, 1, 2, groups and strata."""
    draw = np.random.default_rng(seed)
    return draw.integers(1, 15, n).astype(float), draw.integers(0, 3, n), draw.integers(0, g, n), draw.integers(0, 2, n)


@pytest.mark.shared
def test_every_number_agrees_with_cmprsk(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/03_km_logrank_rmst_cuminc.json").read_text())["cuminc_mgus2_sex"]["gray_tests"]
    mgus2 = pd.read_csv(shared / "truth/stats/data/mgus2.csv")
    for cause, (statistic, p_value, df) in zip(truth["rows"], truth["table"], strict=True):
        found = gray_test(mgus2["etime"], mgus2["ev"], mgus2["sex"].to_numpy(dtype=str), of=int(cause))
        assert (found.chi2, found.df) == (pytest.approx(statistic, rel=1e-10), df)
        assert found.p_value == pytest.approx(p_value, rel=1e-9)


def score_slowly(time: Any, cause: Any, group: Any, rho: float) -> np.ndarray:
    """Observed less expected events of cause 1: patients who failed otherwise stay at risk in part."""
    g = int(max(group)) + 1
    survival, incidence, score, common = np.ones(g), np.zeros(g), np.zeros(g), 0.0
    for t in sorted({t for t, c in zip(time, cause, strict=True) if c}):
        risk = np.array([((time >= t) & (group == k)).sum() for k in range(g)])
        own = np.array([((time == t) & (cause == 1) & (group == k)).sum() for k in range(g)])
        other = np.array([((time == t) & (cause == 2) & (group == k)).sum() for k in range(g)])
        scaled = np.array([risk[k] * (1 - incidence[k]) / survival[k] if risk[k] else 0.0 for k in range(g)])
        if own.sum():
            score += (1 - common) ** rho * (own - own.sum() * scaled / scaled.sum())
        common += own.sum() / sum(risk[k] / survival[k] for k in range(g) if risk[k])
        for k in np.flatnonzero(risk):
            incidence[k] += survival[k] * own[k] / risk[k]
            survival[k] *= 1 - (own[k] + other[k]) / risk[k]
    return score


@pytest.mark.parametrize("rho", [0.0, 1.0, -0.5])
def test_the_score_agrees_with_a_count_patient_by_patient(rho: float) -> None:
    time, cause, group, _ = sample()
    assert gray_test(time, cause, group, rho=rho).score == pytest.approx(score_slowly(time, cause, group, rho), abs=1e-12)


@pytest.mark.parametrize(("rho", "strata"), [(0.0, False), (1.0, False), (0.0, True)])
def test_under_the_hypothesis_the_statistic_has_its_law(rho: float, strata: bool) -> None:
    draw = np.random.default_rng(21)
    found = []
    for _ in range(400):
        n = 150
        group, stratum = draw.choice(3, n, p=[0.5, 0.3, 0.2]), draw.integers(0, 2, n)
        # cause 1 has the same incidence everywhere, the rate of the other differs between strata only
        cause = 2 - (draw.random(n) < 0.5)
        time = draw.exponential(np.where(cause == 1, 5, 5 + 10 * stratum))
        censor = draw.uniform(1, 20, n) / (1 + group)  # groups may be followed for different times
        seen = np.where(time <= censor, cause, 0)
        found.append(gray_test(np.minimum(time, censor), seen, group, rho=rho, strata=stratum if strata else None))
    chi2 = np.array([f.chi2 for f in found])
    assert chi2.mean() == pytest.approx(2, abs=0.25)
    assert np.mean([f.p_value < 0.05 for f in found]) == pytest.approx(0.05, abs=0.025)


def test_without_competing_events_the_score_is_that_of_the_log_rank_test() -> None:
    time, cause, group, strata = sample()
    event = cause > 0
    found, plain = gray_test(time, event, group, strata=strata), log_rank(time, event, group, strata=strata)
    assert found.score == pytest.approx(plain.observed - plain.expected, abs=1e-12)
    assert found.chi2 == pytest.approx(plain.chi2, rel=0.15)  # the variance for ties is another


def test_without_censoring_it_is_the_log_rank_test_of_times_at_which_the_other_cause_never_ends() -> None:
    time, cause, group, _ = sample()
    cause = np.maximum(cause, 1)
    never = np.where(cause == 1, time, 99)
    plain = log_rank(never, cause == 1, group)
    assert gray_test(time, cause, group).score == pytest.approx(plain.observed - plain.expected, abs=1e-12)


def test_two_strata_that_are_copies_double_the_statistic() -> None:
    time, cause, group, _ = sample()
    once = gray_test(time, cause, group)
    twice = gray_test(np.tile(time, 2), np.tile(cause, 2), np.tile(group, 2), strata=np.repeat([0, 1], time.size))
    assert (twice.chi2, twice.df) == (pytest.approx(2 * once.chi2), 2)


@settings(deadline=None)  # the first call imports scipy
@given(FOLLOWED, st.permutations([0, 1, 2]), st.sampled_from([1 / 30.4375, 1e6]))
def test_names_of_groups_order_of_patients_and_unit_of_time_do_not_matter(
    rows: list[tuple[int, int, int]], names: list[int], unit: float
) -> None:
    time, cause, group = np.array(rows, dtype=float).T
    found = gray_test(time, cause, group)
    turned = gray_test(time[::-1] * unit, cause[::-1], np.array(names)[group.astype(int)][::-1])
    assert turned.chi2 == pytest.approx(found.chi2, rel=1e-6, abs=1e-9, nan_ok=True)
    assert (turned.reason, turned.df) == (found.reason, found.df)
    assert found.score.sum() == pytest.approx(0, abs=1e-10)
    assert found.converged == (not isnan(found.p_value))


def test_what_cannot_be_compared_is_said() -> None:
    assert gray_test([1, 2, 3], [1, 1, 2], [0, 0, 0]).reason == "one group"
    none = gray_test([1, 2, 3, 4], [2, 0, 2, 0], [0, 0, 1, 1])
    assert (none.reason, none.note, none.converged) == ("no events", "no event of cause 1", False)
    alone = gray_test([1, 2, 3, 4], [0, 0, 1, 1], [0, 0, 1, 1])
    assert (alone.reason, alone.df) == ("never compared", 0)
    assert isnan(alone.p_value)
    assert gray_test([], [], []).reason == "one group"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: gray_test([1, 2], [1, 0.5], [0, 1]), "cause: only 0"),
        (lambda: gray_test([-1, 2], [1, 0], [0, 1]), "time: 1 negative"),
        (lambda: gray_test([1, 2], [1, 0], [0, 1], of=0), "of: 0 is not a cause"),
        (lambda: gray_test([1, 2], [1, 0], [0, 1], rho=np.nan), "rho"),
        (lambda: gray_test([1, 2], [1, 0], [0.0, np.nan]), "group: missing"),
    ],
)
def test_wrong_input_is_refused_in_words(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
