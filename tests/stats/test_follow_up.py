"""Who is at risk when: ties that rounding would lose, delayed entry, rows of one patient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from resistance.stats.aalen_johansen import cumulative_incidence, incidence_at
from resistance.stats.cutpoint import survival_cutpoint
from resistance.stats.fine_gray import fine_gray
from resistance.stats.follow_up import follow_up, same_times
from resistance.stats.gray import gray_test
from resistance.stats.kaplan_meier import kaplan_meier, survival_at
from resistance.stats.log_rank import log_rank
from resistance.stats.pseudo_values import survival_pseudo_values
from resistance.stats.rmst import compare_rmst, rmst
from resistance.stats.rmst_regression import rmst_regression


def two_ways_to_years(n: int = 80, seed: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days, and the same in years, half of them by way of months: many ties differ in the last bits."""
    days = np.random.default_rng(seed).integers(1, 400, n // 2).astype(float)
    days = np.concatenate([days, days])
    years = np.where(np.arange(n) < n // 2, days / 365.25, days / 30.4375 / 12)
    return days, years, np.random.default_rng(3).permutation(n)


def test_times_equal_but_for_rounding_are_equal() -> None:
    days, years, _ = two_ways_to_years()
    assert np.unique(years).size > np.unique(days).size
    assert np.unique(same_times(years)[0]).size == np.unique(days).size
    start, end = same_times(np.array([0.0, 0.1 + 0.2]), np.array([0.3, 1.0]))
    assert start[1] == end[0]
    assert same_times(np.array([1e-300, 2e-300]))[0].tolist() == [1e-300, 2e-300]
    assert same_times(np.array([]))[0].size == 0


def test_no_method_loses_ties_to_the_unit_of_time() -> None:
    days, years, order = two_ways_to_years()
    draw = np.random.default_rng(5)
    cause, group, x = draw.integers(0, 3, 80), draw.integers(0, 2, 80), draw.normal(size=80)
    answers = []
    for time, unit in ((days, 1.0), (years[order], 1 / 365.25)):
        by = order if unit != 1 else slice(None)
        c, g, z = cause[by], group[by], x[by]
        answers.append(
            [
                survival_at(kaplan_meier(time, c > 0), [200 * unit])[0][0],
                log_rank(time, c > 0, g).chi2,
                compare_rmst(time, c > 0, g, tau=180 * unit).difference.p_value,
                rmst_regression(time, c > 0, g, z, tau=180 * unit).p_value[1],
                incidence_at(cumulative_incidence(time, c), [200 * unit])[1][0],
                gray_test(time, c, g).chi2,
                fine_gray(time, c, z).se[0],
                survival_cutpoint(time, c > 0, z).statistic,
                survival_pseudo_values(time, c > 0, [200 * unit]).values.sum(),
            ]
        )
    assert answers[1] == pytest.approx(answers[0], rel=1e-8)


def test_a_time_asked_for_is_a_time_of_follow_up_but_for_rounding() -> None:
    time, event = [0.1, 0.1 + 0.2], [0, 1]
    assert survival_at(kaplan_meier(time, event), [0.3])[0].tolist() == [0]
    assert incidence_at(cumulative_incidence(time, event), [0.3])[0].tolist() == [1]
    assert survival_at(kaplan_meier([0.1, 0.3], [1, 0]), [0.1 + 0.2])[0].tolist() == [0.5]
    assert rmst([0.1, 0.3], [1, 0], tau=0.1 + 0.2).converged
    assert survival_pseudo_values([0.1, 0.3], [1, 0], [0.1 + 0.2]).converged


def test_a_row_that_goes_on_where_another_ended_is_no_censoring() -> None:
    rows = follow_up(np.array([0.3, 1.0, 2.0]), start=[0, 0.1 + 0.2, 1.5], patient=["a", "a", "a"])
    assert rows.last.tolist() == [False, True, True]  # between 1 and 1.5 nobody looked
    assert rows.n == 1
    assert rows.at_risk(np.array([0.3, 0.5, 1.2, 2.0])).tolist() == [1, 1, 0, 1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start": [0, 1 - 1e-12]}, "start: 1 value"),
        ({"weights": [1, -1]}, "weights"),
        ({"patient": [1]}, "patient: shape"),
        ({"patient": ["a", "a"], "start": [0, 0.5]}, "overlap"),
    ],
)
def test_wrong_rows_are_refused_in_words(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        follow_up(np.array([1.0, 1.0]), **change)
