"""What stands beside the effect of very many markers: the same numbers as one marker at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from resistance.stats.firth_logistic import firth_logistic
from resistance.stats.proportional_hazards import proportional_hazards
from resistance.stats.rmst import compare_rmst
from resistance.stats.scan.overlap import overlap_scan
from resistance.stats.scan.proportional import proportional_hazards_scan
from resistance.stats.scan.restricted_mean import compare_rmst_scan
from resistance.stats.separation import separation

N, M = 110, 24


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    """Times with ties, three strata, delayed entry, rare flags with and without gaps, and numbers."""
    draw = np.random.default_rng(3)
    time = np.ceil(draw.exponential(40, N)) + 1
    x = (draw.random((N, M)) < draw.beta(1, 6, M)).astype(float)
    x[:, 8:][draw.random((N, M - 8)) < 0.05] = np.nan
    x[:, -4:] = draw.normal(size=(N, 4))
    return {
        "time": time,
        "event": draw.random(N) < 0.6,
        "markers": x,
        "covariates": np.column_stack([draw.normal(65, 8, N), draw.random(N) < 0.5]),
        "strata": draw.integers(0, 3, N),
        "start": np.where(draw.random(N) < 0.3, np.minimum(time - 1, draw.integers(0, 20, N)), 0.0),
        "outcome": draw.random(N) < 0.4,
    }


@pytest.mark.parametrize(("entry", "stratified"), [(False, False), (False, True), (True, True)])
def test_proportional_hazards_of_all_markers_are_those_of_each(data: dict[str, Any], entry: bool, stratified: bool) -> None:
    start, strata = data["start"] if entry else None, data["strata"] if stratified else None
    x, z = data["markers"], data["covariates"]
    found = proportional_hazards_scan(data["time"], data["event"], x, z, start=start, strata=strata)
    answered = 0
    for j in range(M):
        here = ~np.isnan(x[:, j])
        one = proportional_hazards(
            data["time"][here], data["event"][here], np.column_stack([x[here, j], z[here]]),
            start=None if start is None else start[here], strata=None if strata is None else strata[here],
        )  # fmt: skip
        if np.isfinite(found[j]):
            assert found[j] == pytest.approx(one.p_value[0], rel=1e-6)
            answered += 1
        else:
            assert not one.converged or np.isnan(one.p_value[0])
    assert answered > M / 2


def test_without_covariates_a_marker_alone_is_tested(data: dict[str, Any]) -> None:
    x = data["markers"][:, -4:]
    found = proportional_hazards_scan(data["time"], data["event"], x, np.zeros((N, 0)))
    expected = [proportional_hazards(data["time"], data["event"], x[:, [j]]).p_value[0] for j in range(4)]
    assert found == pytest.approx(expected, rel=1e-6)


def test_proportional_hazards_do_not_depend_on_units_coding_or_the_order_of_patients(data: dict[str, Any]) -> None:
    x, z, t, e = data["markers"], data["covariates"], data["time"], data["event"]
    found = proportional_hazards_scan(t, e, x, z, strata=data["strata"])
    assert proportional_hazards_scan(t / 365.25, e, 3 - 7 * x, z * 100, strata=data["strata"]) == pytest.approx(
        found, rel=1e-6, nan_ok=True
    )
    turn = np.random.default_rng(1).permutation(N)
    turned = proportional_hazards_scan(t[turn], e[turn], x[turn], z[turn], strata=data["strata"][turn])
    assert turned == pytest.approx(found, rel=1e-6, nan_ok=True)


def test_restricted_means_of_all_flags_are_those_of_each(data: dict[str, Any]) -> None:
    x = data["markers"][:, :-4]
    found = compare_rmst_scan(data["time"], data["event"], x)
    for j in range(x.shape[1]):
        here = ~np.isnan(x[:, j])
        one = compare_rmst(data["time"][here], data["event"][here], x[here, j].astype(int))
        numbers = found.tau[j], found.difference[j], found.ci_low[j], found.ci_high[j]
        if one.converged:
            d = one.difference
            assert numbers == pytest.approx((one.tau, d.estimate, d.ci_low, d.ci_high), rel=1e-9, nan_ok=True)
        else:
            assert np.isnan(numbers).all()


@pytest.mark.parametrize("events", [np.zeros(6), np.ones(6), [1, 1, 1, 0, 1, 1], [0, 0, 1, 1, 1, 1]])
def test_restricted_means_of_tiny_groups_end_where_the_curves_do(events: Any) -> None:
    """All dead, nobody dead, one carrier, curves that come down to 0; by the one-marker function."""
    time = np.array([5.0, 5.0, 3.0, 8.0, 8.0, 1.0])
    x = np.array([[1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 0], [1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1]]).T.astype(
        float
    )
    found = compare_rmst_scan(time, events, x)
    for j in range(x.shape[1]):
        one = compare_rmst(time, events, x[:, j].astype(int))
        expected = (one.difference.estimate, one.difference.ci_low) if one.converged else (np.nan, np.nan)
        assert (found.difference[j], found.ci_low[j]) == pytest.approx(expected, rel=1e-9, nan_ok=True)


def test_overlap_says_what_the_linear_programme_says(data: dict[str, Any]) -> None:
    x, z, y = data["markers"].copy(), data["covariates"], data["outcome"]
    x[:, 0], x[:, 1] = y, 1 - y  # complete separation
    x[:, 2] = y & (np.arange(N) < 60)
    found = overlap_scan(y, x, z)
    assert found[0] == found[1] == "unknown"
    assert found[2] == "marker"
    for j in range(2, M):
        here = ~np.isnan(x[:, j])
        design = np.column_stack([x[here, j], z[here]])
        if np.ptp(x[here, j]) == 0:
            continue
        said = separation(y[here], design)
        assert found[j] == ("finite" if not said.kind else "marker" if said.columns == (0,) else "unknown")
        assert firth_logistic(y[here], design, tested=[]).separated == (found[j] != "finite")


def test_a_covariate_that_separates_is_left_to_the_careful_way() -> None:
    y = np.r_[np.ones(20), np.zeros(30)]
    z = np.column_stack([np.r_[np.ones(5), np.zeros(45)], np.arange(50) % 7])
    x = (np.arange(50) % 3 == 0).astype(float)
    assert overlap_scan(y, x[:, None], z).tolist() == ["unknown"]
    assert separation(y, np.column_stack([x, z])).columns == (1,)


def test_shapes_that_do_not_fit_are_refused() -> None:
    for call in (
        lambda: overlap_scan([0, 1], np.zeros((3, 1)), np.zeros((2, 0))),
        lambda: proportional_hazards_scan([1, 2], [0, 1], np.zeros((3, 1)), np.zeros((2, 0))),
        lambda: compare_rmst_scan([1, 2], [0, 1], np.zeros((3, 1))),
    ):
        with pytest.raises(ValueError, match="markers: shape"):
            call()
