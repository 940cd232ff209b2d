"""Log-rank tests against R, the Cox score test and by hand."""

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

from resistance.stats.log_rank import log_rank, log_rank_trend

FOLLOWED = st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.integers(0, 2)), min_size=2, max_size=50)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["lung_sex", "lung_sex_peto", "lung_sex_strat_ecog", "veteran_celltype", "myeloma_group"])
def test_every_number_of_a_log_rank_test_agrees_with_r(shared: Path, name: str) -> None:
    truth = json.loads((shared / "truth/stats/03_km_logrank_rmst_cuminc.json").read_text())["logrank"][name]
    lung = pd.read_csv(shared / "truth/stats/data/lung.csv")
    known = lung.dropna(subset=["ph.ecog"])
    veteran = pd.read_csv(shared / "truth/stats/data/veteran.csv")
    order = ["adeno", "large", "smallcell", "squamous"]
    myeloma = pd.read_csv(shared / "truth/stats/data/myeloma_survminer.csv")
    time, event, group, strata = {
        "lung_sex": (lung["time"], lung["event"], lung["sex"], None),
        "lung_sex_peto": (lung["time"], lung["event"], lung["sex"], None),
        "lung_sex_strat_ecog": (known["time"], known["event"], known["sex"], known["ph.ecog"]),
        "veteran_celltype": (veteran["time"], veteran["status"], veteran["celltype"].map(order.index), None),
        "myeloma_group": (myeloma["time"], myeloma["event"], myeloma["molecular_group"].to_numpy(dtype=str), None),
    }[name]
    test = log_rank(time, event, group, strata=strata, rho=truth["rho"])
    assert test.n.tolist() == truth["n"]
    assert test.observed == pytest.approx(truth["obs"], rel=1e-10)
    assert test.expected == pytest.approx(truth["exp"], rel=1e-10)
    assert (test.chi2, test.df) == (pytest.approx(truth["chisq"], rel=1e-10), truth["df"])
    assert test.p_value == pytest.approx(truth["p"], rel=1e-9)


def sample(n: int = 50, g: int = 3, seed: int = 4) -> tuple[np.ndarray, ...]:
    """Tied times, events, groups, strata and entries."""
    draw = np.random.default_rng(seed)
    time = draw.integers(1, 15, n).astype(float)
    return time, draw.random(n) < 0.7, draw.integers(0, g, n), draw.integers(0, 2, n), np.floor(time * draw.random(n))


def slowly(time: Any, event: Any, group: Any, strata: Any, start: Any, rho: float, gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """Observed minus expected and its covariance, patient by patient."""
    g = int(max(group)) + 1
    difference, variance = np.zeros(g), np.zeros((g, g))
    rows = list(zip(time, event, group, strata, start, strict=True))
    for stratum in set(strata):
        survival = 1.0
        for t in sorted({t for t, e, _, s, _ in rows if e and s == stratum}):
            risk = [k for end, _, k, s, a in rows if s == stratum and a < t <= end]
            died = [k for end, e, k, s, _ in rows if s == stratum and e and end == t]
            weight = survival**rho * (1 - survival) ** gamma
            y, d = len(risk), len(died)
            share = np.array([risk.count(k) / y for k in range(g)])
            difference += weight * (np.array([died.count(k) for k in range(g)]) - d * share)
            if y > 1:
                variance += weight**2 * d * (y - d) / (y - 1) * (np.diag(share) - np.outer(share, share))
            survival *= 1 - d / y
    return difference, variance


@pytest.mark.parametrize(("rho", "gamma"), [(0, 0), (1, 0), (0, 1), (1, 1), (0.5, 0)])
def test_weights_strata_and_delayed_entry_agree_with_a_count_patient_by_patient(rho: float, gamma: float) -> None:
    time, event, group, strata, start = sample()
    difference, variance = slowly(time, event, group, strata, start, rho, gamma)
    found = log_rank(time, event, group, strata=strata, start=start, rho=rho, gamma=gamma)
    assert found.observed - found.expected == pytest.approx(difference, abs=1e-12)
    assert found.variance == pytest.approx(variance, abs=1e-12)
    assert found.chi2 == pytest.approx(difference[1:] @ np.linalg.solve(variance[1:, 1:], difference[1:]), rel=1e-10)
    scores = np.array([0.0, 1.0, 5.0])
    trend = log_rank_trend(time, event, group, scores=scores, strata=strata, start=start, rho=rho, gamma=gamma)
    assert trend.z == pytest.approx(scores @ difference / np.sqrt(scores @ variance @ scores), rel=1e-10)
    assert trend.chi2 == pytest.approx(trend.z**2)


def test_without_ties_it_is_the_score_test_of_the_cox_model_also_with_delayed_entry() -> None:
    draw = np.random.default_rng(9)
    n = 40
    time, start = draw.exponential(5, n) + 1, draw.uniform(0, 1, n)
    event, group = draw.random(n) < 0.8, draw.integers(0, 2, n)
    score = information = 0.0
    for i in np.flatnonzero(event):
        risk = group[(start < time[i]) & (time >= time[i])]
        score += group[i] - risk.mean()
        information += risk.mean() * (1 - risk.mean())
    found = log_rank(time, event, group, start=start)
    assert found.z == pytest.approx(score / np.sqrt(information), rel=1e-12)
    assert found.chi2 == pytest.approx(found.z**2)


def test_trend_of_two_groups_is_the_log_rank_test_and_the_distance_of_scores_does_not_matter() -> None:
    time, event, group, _, _ = sample(g=2)
    plain = log_rank(time, event, group)
    for scores in ([0, 1], [3, 10], [-1e6, 1e6]):
        trend = log_rank_trend(time, event, group, scores=scores)
        assert (trend.z, trend.p_value) == (pytest.approx(plain.z), pytest.approx(plain.p_value))
    assert log_rank_trend(time, event, group, scores=[1, 0]).z == pytest.approx(-plain.z)


def test_trend_sees_an_order_that_the_global_test_dilutes() -> None:
    draw = np.random.default_rng(12)
    group = np.repeat(np.arange(4), 25)
    time = draw.exponential(np.exp(-0.25 * group))
    assert log_rank_trend(time, np.ones(100), group).p_value < log_rank(time, np.ones(100), group).p_value


def test_groups_that_never_share_a_risk_set_take_no_degree_of_freedom() -> None:
    # a with b in the one stratum, c with d in the other: two comparisons, not three
    time, event = np.arange(1.0, 17), np.ones(16)
    strata = np.repeat([0, 1], 8)
    group = np.array([*"abababab", *"cdcdcdcd"])
    found = log_rank(time, event, group, strata=strata)
    parts = [log_rank(time[strata == s], event[strata == s], group[strata == s]).chi2 for s in (0, 1)]
    assert (found.df, found.chi2) == (2, pytest.approx(sum(parts)))


def test_groups_followed_one_after_the_other_are_never_compared() -> None:
    found = log_rank([1, 2, 11, 12], [1, 1, 1, 1], [0, 0, 1, 1], start=[0, 0, 10, 10])
    assert (found.converged, found.reason, found.df) == (False, "never compared", 0)
    assert isnan(found.p_value)
    assert "at risk" in found.note
    assert log_rank_trend([1, 2, 11, 12], [1, 1, 1, 1], [0, 0, 1, 1], start=[0, 0, 10, 10]).reason == "never compared"


def test_no_events_and_all_at_one_time_are_not_answered() -> None:
    none = log_rank([1, 2, 3, 4], [0, 0, 0, 0], [0, 0, 1, 1])
    assert (none.reason, none.note) == ("no events", "no events")
    at_once = log_rank([5, 5, 5, 5], [1, 1, 1, 1], [0, 0, 1, 1])
    assert (at_once.reason, at_once.converged) == ("never compared", False)
    assert log_rank([], [], []).reason == "one group"
    assert log_rank_trend([1, 2], [1, 1], [0, 1], scores=[1, 1]).reason == "one group"


def test_one_event_can_be_tested() -> None:
    found = log_rank([1, 2, 3, 4], [1, 0, 0, 0], [0, 0, 1, 1])
    assert (found.converged, found.chi2) == (True, pytest.approx(1.0))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: log_rank([1, 2], [1, 2], [0, 1]), "event: only 0 and 1"),
        (lambda: log_rank([1, -2], [1, 1], [0, 1]), "time: 1 negative"),
        (lambda: log_rank([1, 2], [1, 1], [0.0, np.nan]), "group: missing value"),
        (lambda: log_rank([1, 2], [1, 1], [0]), "group: shape"),
        (lambda: log_rank([1, 2], [1, 1], [0, 1], rho=-1), "rho, gamma: not negative"),
        (lambda: log_rank_trend([1, 2], [1, 1], [0, 1], scores=[1, 2, 3]), "scores: 3 values for 2 groups"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


@settings(deadline=None)  # the first call imports scipy
@given(FOLLOWED, st.permutations([0, 1, 2]))
def test_names_of_groups_and_order_of_patients_do_not_change_the_log_rank(
    rows: list[tuple[int, bool, int]], names: list[int]
) -> None:
    time, event, group = np.array(rows, dtype=float).T
    found = log_rank(time, event, group)
    renamed = log_rank(time[::-1], event[::-1], np.array(names)[group.astype(int)][::-1])
    assert renamed.chi2 == pytest.approx(found.chi2, rel=1e-6, abs=1e-9, nan_ok=True)
    assert found.observed.sum() == event.sum()
    assert found.expected.sum() == pytest.approx(event.sum())


def test_one_group_cannot_be_compared() -> None:
    found = log_rank([1, 2, 3], [1, 1, 1], ["a", "a", "a"])
    assert isnan(found.p_value)
    assert (found.df, found.converged, found.reason) == (0, False, "one group")


def test_strata_without_both_groups_add_nothing() -> None:
    time, event = np.arange(1.0, 13), np.ones(12)
    group, stratum = np.arange(12) % 2, np.zeros(12)
    plain = log_rank(time, event, group)
    more = log_rank([*time, 3.5, 5.5], [*event, 1, 1], [*group, 1, 1], strata=[*stratum, 1, 1])
    assert more.chi2 == pytest.approx(plain.chi2)
