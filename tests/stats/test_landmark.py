"""Landmarks and start-stop rows: who is left out, where rows are cut, and that immortal time is gone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.cox import cox
from resistance.stats.landmark import episodes, landmark, split_at

NEVER = float("nan")


def responders(n: int = 600, seed: int = 1) -> tuple[np.ndarray, ...]:
    """Response that has nothing to do with survival: only those who live long enough can reach it."""
    draw = np.random.default_rng(seed)
    time, censor, response = draw.exponential(12, n), draw.uniform(10, 40, n), draw.exponential(8, n)
    follow_up = np.minimum(time, censor)
    return follow_up, time <= censor, np.where(response < follow_up, response, np.nan)


def test_who_is_left_out_is_counted_by_reason() -> None:
    found = landmark([2, 3, 4, 6, 8, 9, 4], [1, 0, 1, 1, 0, 1, 0], [1, NEVER, 2, 3, 7, np.inf, NEVER], 4)
    assert found.kept.tolist() == [False, False, False, True, True, True, False]
    assert found.time.tolist() == [2, 4, 5]
    assert found.event.tolist() == [True, False, True]
    assert found.known.tolist() == [True, False, False]
    assert (found.n, found.n_kept) == (7, 3)
    assert (found.n_event_before, found.n_censored_before) == (2, 2)
    assert (found.n_known_before, found.n_known_later) == (2, 1)


def test_known_on_the_day_of_the_landmark_is_known_also_where_the_day_rounds() -> None:
    assert landmark([1, 1], [0, 1], [0.1 + 0.2, 0.4], 0.3).known.tolist() == [True, False]
    assert landmark([0.1 + 0.2, 1], [1, 1], [0, 0], 0.3).n_event_before == 1


def test_a_landmark_at_the_start_keeps_who_has_follow_up() -> None:
    found = landmark([0, 1], [1, 1], [0, 0], 0)
    assert (found.n_kept, found.n_event_before, found.known.tolist()) == (1, 1, [True])


def test_rows_are_cut_at_the_change() -> None:
    found = split_at([10, 8, 5, 0, 6], [1, 0, 1, 1, 1], [4, NEVER, 5, 2, 0])
    assert found.row.tolist() == [0, 0, 1, 2, 4]
    assert found.start.tolist() == [0, 4, 0, 0, 0]
    assert found.stop.tolist() == [4, 10, 8, 5, 6]
    assert found.event.tolist() == [False, True, False, True, True]
    assert found.value.tolist() == [0, 1, 0, 0, 1]
    assert (found.n_never_at_risk, found.n_changed_too_late) == (1, 2)


def test_several_changes_in_any_order() -> None:
    found = episodes([10, 6], [1, 1], [1.5, 0], [0, 1, 0, 0, 1], [7, 9, 3, -1, 2], [30, 8, 20, 10, 5])
    assert found.row.tolist() == [0, 0, 0, 1, 1]
    assert found.start.tolist() == [0, 3, 7, 0, 2]
    assert found.stop.tolist() == [3, 7, 10, 2, 6]
    assert found.value.tolist() == [10, 20, 30, 0, 5]
    assert found.event.tolist() == [False, False, True, False, True]
    assert found.n_changed_too_late == 1


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_rows_add_up_to_the_follow_up(seed: int) -> None:
    draw = np.random.default_rng(seed)
    n = int(draw.integers(1, 30))
    time, event = draw.integers(0, 9, n).astype(float), draw.random(n) < 0.5
    changes = int(draw.integers(0, 40))
    row, when = draw.integers(0, n, changes), draw.permutation(changes) / 5
    found = episodes(time, event, np.zeros(n), row, when, draw.normal(size=changes))
    assert (found.start < found.stop).all()
    assert np.bincount(found.row, found.stop - found.start, n) == pytest.approx(time)
    assert np.bincount(found.row, found.event, n).tolist() == (event & (time > 0)).tolist()
    for patient in range(n):  # the value at any moment is that of the last change before it
        mine = found.row == patient
        for start, value in zip(found.start[mine], found.value[mine], strict=True):
            before = (row == patient) & (when <= start)
            latest = 0.0 if not before.any() else None
            assert latest is None or value == latest


def test_a_response_that_does_nothing_looks_protective_only_where_its_time_is_given_away() -> None:
    time, event, response_at = responders()
    naive = cox(time, event, np.isfinite(response_at))
    assert np.exp(naive.ci_high[0]) < 0.7
    rows = split_at(time, event, response_at)
    dependent = cox(rows.stop, rows.event, rows.value, start=rows.start, cluster=rows.row)
    assert dependent.ci_low[0] < 0 < dependent.ci_high[0]
    assert abs(dependent.coef[0]) < 0.2
    at_six = landmark(time, event, response_at, 6)
    fixed = cox(at_six.time, at_six.event, at_six.known)
    assert fixed.ci_low[0] < 0 < fixed.ci_high[0]
    assert at_six.n_kept + at_six.n_event_before + at_six.n_censored_before == 600


def test_rows_of_a_marker_that_never_changes_give_the_plain_model() -> None:
    time, event, _ = responders(100)
    x = np.random.default_rng(0).normal(size=100)
    rows = split_at(time, event, np.full(100, np.nan))
    assert cox(rows.stop, rows.event, x[rows.row], start=rows.start).coef == pytest.approx(cox(time, event, x).coef, rel=1e-9)


def test_changes_a_rounding_error_before_the_end_make_no_row() -> None:
    found = split_at([0.1 + 0.2, 1.0], [1, 1], [0.3, NEVER])
    assert found.row.tolist() == [0, 1]
    assert found.n_changed_too_late == 1


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="known_at: shape"):
        landmark([1, 2], [1, 1], [1], 1)
    for at in (-1, np.nan, np.inf):
        with pytest.raises(ValueError, match=r"at: .* is not a time"):
            landmark([1, 2], [1, 1], [1, 1], at)
    with pytest.raises(ValueError, match="time: negative"):
        split_at([-1, 2], [1, 1], [1, 1])
    with pytest.raises(ValueError, match="row: not all are whole numbers"):
        episodes([1, 2], [1, 1], [0, 0], [2], [0.5], [1])
    with pytest.raises(ValueError, match=r"change_time: patient 1 has two values at time 0\.5"):
        episodes([1, 2], [1, 1], [0, 0], [1, 1], [0.5, 0.5], [1, 2])
    with pytest.raises(ValueError, match="first_value: 1 value"):
        episodes([1, 2], [1, 1], [0, np.nan], [], [], [])
