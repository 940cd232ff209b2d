"""The score test of proportional hazards: a likelihood with a coefficient that changes, written out; and its size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.cox import cox
from resistance.stats.proportional_hazards import proportional_hazards


def sample(n: int = 80, seed: int = 1, change: float = 0.0) -> tuple[np.ndarray, ...]:
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.random(n) < 0.4, draw.normal(size=n)]).astype(float)
    early = draw.exponential(10 / np.exp(0.5 * x[:, 0]))
    late = 5 + draw.exponential(10 / np.exp((0.5 + change) * x[:, 0]))
    time = np.ceil(np.where(early < 5, early, late) * 3)
    censor = np.ceil(draw.uniform(5, 90, n))
    return np.minimum(time, censor), time <= censor, x


@pytest.mark.parametrize("transform", ["identity", "log"])
def test_it_is_the_score_test_of_columns_times_time(transform: str) -> None:
    # start-stop rows cut at every event time make x * g(t) an ordinary column, whose score test is taken by differences
    time, event, x = sample()
    found = proportional_hazards(time, event, x, transform=transform)
    g = np.log if transform == "log" else np.asarray
    cuts = np.concatenate([[0.0], np.unique(time[event])])
    patient, begin = np.nonzero(cuts[None, :] < time[:, None])
    start = cuts[begin]
    stop = np.minimum(time[patient], np.append(cuts[1:], np.inf)[begin])
    over = event[patient] & (stop == time[patient])
    from resistance.stats.partial_likelihood import PartialLikelihood

    wide = np.column_stack([x[patient], x[patient] * g(stop)[:, None]])
    model = PartialLikelihood(stop, over, wide, None, "efron", start=start)
    at = np.concatenate([cox(time, event, x).coef, [0, 0]])
    score, information = model.score(at), -model.hessian(at)

    def chi2(theta: list[int]) -> float:
        kept = [0, 1, *theta]
        return float(score[kept] @ np.linalg.solve(information[np.ix_(kept, kept)], score[kept]))

    assert found.chi2 == pytest.approx([chi2([2]), chi2([3])], rel=1e-5)
    assert found.chi2_global == pytest.approx(chi2([2, 3]), rel=1e-5)


def test_kaplan_meier_and_rank_are_read_off_by_hand() -> None:
    # distinct times: 1 - KM just before each event is 0, 1/4, 1/2, and the rank 1, 2, 3.5 (one censored with the third)
    time, event, x = [1, 2, 3, 3], [1, 1, 1, 0], [1.0, 0.0, 0.0, 1.0]
    km = proportional_hazards(time, event, x, transform="km")
    rank = proportional_hazards(time, event, x, transform="rank")
    same = proportional_hazards([1, 2, 3.5, 3.5], event, x, transform="identity")
    assert rank.chi2 == pytest.approx(same.chi2, rel=1e-9)
    even = proportional_hazards(time, event, x, transform="identity")  # 0, 1/4, 1/2 lie as evenly as 1, 2, 3
    assert km.chi2 == pytest.approx(even.chi2, rel=1e-9)


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_order_coding_and_units_do_not_matter(seed: int) -> None:
    time, event, x = sample(50, seed)
    order = np.random.default_rng(seed).permutation(50)
    for transform in ("km", "identity", "log", "rank"):
        found = proportional_hazards(time, event, x, transform=transform)
        turned = np.column_stack([1 - x[:, 0], x[:, 1] * 365.25 + 2000])[order]
        other = proportional_hazards(time[order] / 365.25, event[order], turned, transform=transform)
        assert other.chi2 == pytest.approx(found.chi2, rel=1e-5, abs=1e-7)
        assert other.p_global == pytest.approx(found.p_global, rel=1e-5)


def test_columns_of_one_factor_are_tested_together() -> None:
    time, event, x = sample()
    found = proportional_hazards(time, event, x, terms=[[0, 1]])
    assert found.df == (2,)
    assert found.chi2[0] == pytest.approx(found.chi2_global, rel=1e-12)
    assert found.p_value[0] == pytest.approx(found.p_global, rel=1e-12)


def test_level_is_held_and_a_change_is_seen() -> None:
    p = np.array([proportional_hazards(*sample(120, seed)).p_value[0] for seed in range(150)])
    assert 0.01 < (p < 0.05).mean() < 0.11
    changed = np.array([proportional_hazards(*sample(120, seed, change=-2)).p_value[0] for seed in range(30)])
    assert np.median(changed) < 0.02


def test_questions_without_an_answer() -> None:
    time, event, x = sample()
    separated = proportional_hazards(time, event & (x[:, 0] == 0), x)
    assert (separated.converged, separated.reason, separated.columns) == (False, "monotone", (0,))
    assert np.isnan([*separated.chi2, *separated.p_value, separated.p_global]).all()
    single = proportional_hazards([5, 5, 5, 7, 8], [1, 1, 1, 0, 0], [0, 1, 0, 1, 0])
    assert (single.reason, single.note) == ("one event time", "all events are at one time")
    zero = proportional_hazards([0, *time[1:]], [True, *event[1:]], x, transform="log")
    assert (zero.reason, zero.note) == ("time 0", "an event at time 0 has no logarithm")
    assert proportional_hazards([0, *time[1:]], [True, *event[1:]], x).converged
    assert proportional_hazards(time, np.zeros(80), x).reason == "no events"


def test_bad_input_is_named() -> None:
    time, event, x = sample()
    with pytest.raises(ValueError, match="transform: 'sqrt'"):
        proportional_hazards(time, event, x, transform="sqrt")
    for terms in ([[2]], [[]], [[0, 0]], [[-1]]):
        with pytest.raises(ValueError, match=r"terms: .* is not a choice of the 2 columns"):
            proportional_hazards(time, event, x, terms=terms)


def test_a_marker_that_only_one_risk_set_sees_cannot_change() -> None:
    # the two carriers are under observation at the event at 3 alone
    start = [0, 0, 0, 0, 2, 2, 0, 0]
    time = [1, 2, 3, 6, 3.5, 3, 5, 7]
    event = [1, 1, 1, 1, 0, 1, 1, 0]
    carrier = [0, 0, 0, 0, 1, 1, 0, 0]
    found = proportional_hazards(time, event, carrier, start=start)
    assert found.converged
    assert np.isnan([found.chi2[0], found.p_value[0]]).all()
    assert found.columns == (0,)
    assert found.note == "column 0: no change with time can be seen (they vary at one event time only)"
