"""Trend tests against R and their definitions."""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.chi_square import chi_square
from resistance.stats.trend import cochran_armitage, linear_by_linear

groups = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=5)


@pytest.mark.shared
def test_every_number_of_r_is_met(shared: Path) -> None:
    every = json.loads((shared / "truth/stats/04_categorical.json").read_text())
    truth = every["cochran_armitage"]
    found = cochran_armitage(truth["x"], truth["n"])
    assert [found.statistic, found.p_value] == pytest.approx([truth["chisq"], truth["p"]], rel=1e-10)
    assert found.z < 0
    truth = every["rxc"]
    both = linear_by_linear(np.reshape(truth["table_rowmajor"], truth["dim"]))
    assert [both.z, both.p_value] == pytest.approx(list(truth["linear_by_linear"].values()), rel=1e-10)


@settings(max_examples=50)
@given(groups, st.integers(0, 100))
def test_it_is_the_regression_of_the_share_on_the_score_and_units_do_not_matter(rows: list[tuple[int, int]], seed: int) -> None:
    with_outcome, without = np.array(rows).T
    patients = with_outcome + without
    scores = np.random.default_rng(seed).integers(-5, 5, len(rows)).astype(float)
    found = cochran_armitage(with_outcome, patients, scores)
    if found.reason:
        assert isnan(found.p_value)
        return
    rate = with_outcome.sum() / patients.sum()
    away = scores - np.average(scores, weights=patients)
    slope = (with_outcome * away).sum()
    assert found.z == pytest.approx(slope / np.sqrt(rate * (1 - rate) * (patients * away**2).sum()), rel=1e-9, abs=1e-9)
    for other in (scores * 365.25 + 12, scores * 1e-7):
        assert cochran_armitage(with_outcome, patients, other).z == pytest.approx(found.z, rel=1e-9, abs=1e-9)
    assert cochran_armitage(without, patients, scores).z == pytest.approx(-found.z, rel=1e-9, abs=1e-9)
    assert cochran_armitage(with_outcome, patients, -scores).p_value == pytest.approx(found.p_value, rel=1e-8)
    assert found.statistic <= chi_square(np.column_stack([with_outcome, without])).statistic * (1 + 1e-9) + 1e-9


def test_two_groups_are_the_chi_square_of_their_table() -> None:
    found = cochran_armitage([3, 9], [12, 14])
    assert found.p_value == pytest.approx(chi_square([[3, 9], [9, 5]]).p_value, rel=1e-12)


@given(st.lists(st.lists(st.integers(0, 5), min_size=3, max_size=3), min_size=2, max_size=4))
def test_linear_by_linear_is_the_correlation_of_the_patients_scores(rows: list[list[int]]) -> None:
    table = np.array(rows)
    found = linear_by_linear(table, column_scores=[0, 1, 5])
    if found.reason:
        return
    u = np.repeat(np.repeat(np.arange(len(rows)), 3), table.ravel())
    v = np.repeat(np.tile([0, 1, 5], len(rows)), table.ravel())
    assert found.z == pytest.approx(np.corrcoef(u, v)[0, 1] * np.sqrt(len(u) - 1), rel=1e-9, abs=1e-9)
    turned = linear_by_linear(table.T, row_scores=[0, 1, 5])
    assert turned.z == pytest.approx(found.z, rel=1e-9, abs=1e-9)


def test_what_does_not_vary_says_so() -> None:
    for found, reason in (
        (cochran_armitage([0, 0, 0], [5, 6, 7]), "constant outcome"),
        (cochran_armitage([5, 6, 7], [5, 6, 7]), "constant outcome"),
        (cochran_armitage([0, 0], [0, 0]), "constant outcome"),
        (cochran_armitage([3, 2], [5, 6], [1, 1]), "constant score"),
        (cochran_armitage([3, 0], [5, 0]), "constant score"),
        (linear_by_linear([[0, 4], [0, 5]]), "constant outcome"),
    ):
        assert found.reason == reason
        assert found.note
        assert np.isnan([found.z, found.statistic, found.p_value]).all()


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="negative"):
        cochran_armitage([6, 1], [5, 5])
    with pytest.raises(ValueError, match="patients: 1 values for 2 groups"):
        cochran_armitage([1, 1], [5])
    with pytest.raises(ValueError, match="row_scores: 3 values for 2 groups"):
        cochran_armitage([1, 1], [5, 5], [1, 2, 3])
    with pytest.raises(ValueError, match="row_scores: 1 value"):
        cochran_armitage([1, 1], [5, 5], [1, np.nan])
    with pytest.raises(ValueError, match="whole"):
        linear_by_linear([[1.5, 2], [3, 4]])
