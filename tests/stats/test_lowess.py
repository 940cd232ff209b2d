"""Lowess against statsmodels' own and against what it must do to a line."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.nonparametric.smoothers_lowess import lowess as theirs

from resistance.stats.lowess import lowess


@pytest.mark.parametrize("iterations", [0, 1, 3])
@pytest.mark.parametrize("fraction", [0.2, 0.5, 1.0])
def test_agrees_with_statsmodels_where_every_point_is_fitted(iterations: int, fraction: float) -> None:
    draw = np.random.default_rng(1)
    x = draw.uniform(0, 10, 81)
    y = np.sin(x) + draw.standard_t(2, 81)
    expected = theirs(y, x, frac=fraction, it=iterations, delta=0.0, return_sorted=False)
    assert lowess(x, y, fraction=fraction, iterations=iterations, delta_fraction=0) == pytest.approx(expected, rel=1e-8, abs=1e-8)


def test_points_between_fitted_ones_are_interpolated() -> None:
    draw = np.random.default_rng(2)
    x = draw.uniform(0, 10, 400)
    y = np.sin(x) + draw.normal(size=400)
    exact, quick = lowess(x, y, fraction=0.3, delta_fraction=0), lowess(x, y, fraction=0.3)
    assert quick == pytest.approx(exact, abs=0.01)
    assert not np.array_equal(quick, exact)


def test_a_line_stays_a_line_in_any_order() -> None:
    x = np.random.default_rng(3).permutation(np.r_[np.arange(30.0), 5.0, 5.0, 29.0])
    assert lowess(x, 2 * x - 1) == pytest.approx(2 * x - 1, rel=1e-9)


def test_an_outlier_does_not_bend_the_curve() -> None:
    x = np.arange(50.0)
    y = x.copy()
    y[25] = 1000
    y += np.random.default_rng(4).normal(0, 0.1, 50)
    assert lowess(x, y, iterations=0)[24] > 30
    assert lowess(x, y)[24] == pytest.approx(24, abs=0.3)


def test_equal_x_have_one_value_and_nothing_breaks_where_all_are_equal() -> None:
    draw = np.random.default_rng(5)
    x, y = draw.integers(0, 6, 60).astype(float), draw.normal(size=60)
    found = lowess(x, y, fraction=0.5)
    assert all(np.ptp(found[x == value]) == 0 for value in range(6))
    assert lowess(np.ones(9), np.arange(9.0), iterations=0) == pytest.approx(np.full(9, 4.0))
    assert lowess([1.0], [3.0]).tolist() == [3.0]
    assert lowess([1.0, 2.0], [3.0, 5.0]) == pytest.approx([3.0, 5.0])


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="y: 2 values for 3"):
        lowess([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="fraction: 0 is outside"):
        lowess([1, 2, 3], [1, 2, 3], fraction=0)
    with pytest.raises(ValueError, match="x: no points"):
        lowess([], [])
    with pytest.raises(ValueError, match="x: 1 value"):
        lowess([1, np.nan], [1, 2])
