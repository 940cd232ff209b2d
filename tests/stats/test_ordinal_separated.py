"""The finite bound of an infinite odds ratio, against R 4.2.2 with ordinal 2022.11-16.

R: ll <- function(b) logLik(clm(factor(y, ordered = TRUE) ~ z + offset(b * x))); the bound is where
2 * (ll(40) - ll(b)) is qchisq(.95, 1), by uniroot; the statistic 2 * (ll(40) - ll(0)); -40 for a ratio of 0.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from resistance.stats.ordinal_separated import separated_odds

Y = [0, 1, 2, 3, 3, 2, 1, 0, 2, 3, 1, 2, 3, 3, 3, 3]
X = np.array([0.0] * 12 + [1.0] * 4)
Z = np.array([1.2, -0.3, 0.5, 2.2, 0.1, -1.1, 0.7, 0.3, -0.6, 1.9, 0.4, -0.2, 0.8, -0.5, 1.4, 0.2])


def test_all_carriers_in_the_worst_category() -> None:
    found = separated_odds([0, 1, 1, 2, 2, 2, 0, 0, 0], np.array([[0], [0], [0], [0], [0], [0], [1], [1], [1]]))
    assert (found.direction, found.ci_low) == (-1, -math.inf)
    assert found.ci_high == pytest.approx(-1.12047881165469, rel=1e-8)
    assert (found.statistic, found.p_value) == (
        pytest.approx(6.95857387235616, rel=1e-8),
        pytest.approx(0.00834184984252, rel=1e-8),
    )


def test_with_a_covariate_and_without() -> None:
    crude, adjusted = separated_odds(Y, X[:, None]), separated_odds(Y, np.column_stack([X, Z]))
    assert (crude.ci_low, crude.p_value) == (pytest.approx(1.29471474980, rel=1e-8), pytest.approx(0.00368267086931, rel=1e-8))
    assert (adjusted.ci_low, adjusted.p_value) == (
        pytest.approx(1.25047508892, rel=1e-8),
        pytest.approx(0.0043219203136, rel=1e-8),
    )
    assert crude.ci_high == adjusted.ci_high == math.inf


def test_one_carrier_has_a_bound_on_the_other_side_of_no_effect() -> None:
    y, x = [0, 1, 2, 1, 0, 2, 1, 0, 2, 2, 1, 2], np.array([0.0] * 11 + [1.0])
    z = np.array([0.5, 1.5, -0.2, 0.9, -1.3, 0.4, 0.1, 0.6, 2.1, -0.4, 0.3, 0.2])
    found = separated_odds(y, np.column_stack([x, z]))
    assert (found.ci_low, found.p_value) == (pytest.approx(-1.220004121801, rel=1e-8), pytest.approx(0.151164863643, rel=1e-8))


def test_other_units_and_the_order_turned_round_say_the_same() -> None:
    found = separated_odds(Y, np.column_stack([X, Z]))
    scaled = separated_odds(Y, np.column_stack([Z * 1e-6 + 5, X * 1000]), tested=1)
    assert (scaled.ci_low * 1000, scaled.p_value) == (
        pytest.approx(found.ci_low, rel=1e-8),
        pytest.approx(found.p_value, rel=1e-8),
    )
    turned = separated_odds([3 - y for y in Y], np.column_stack([X, Z]))
    assert (turned.direction, turned.ci_high) == (-1, pytest.approx(-found.ci_low, rel=1e-8))


@pytest.mark.parametrize(
    ("outcome", "columns"),
    [
        (Y, np.column_stack([1 - X, Z])[:, 1:]),  # has a maximum
        ([1, 1, 1, 1], np.array([[0], [0], [1], [1]])),  # the outcome does not vary
        (Y, np.column_stack([X, X])),  # collinear
        ([0, 1], np.array([[0, 1.0], [1, 3.0]])),  # too few patients
    ],
)
def test_where_it_is_not_the_column_alone_that_runs_there_is_no_answer(outcome: list[int], columns: np.ndarray) -> None:
    found = separated_odds(outcome, columns)
    assert (found.converged, math.isnan(found.p_value), math.isnan(found.ci_low)) == (False, True, True)


def test_a_covariate_that_separates_too_leaves_no_bound() -> None:
    other = (np.array(Y) == 0).astype(float)
    assert not separated_odds(Y, np.column_stack([X, other])).converged
