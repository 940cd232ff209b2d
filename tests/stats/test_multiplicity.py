"""Benjamini-Hochberg against R, by hand and by its properties."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resistance.stats.multiplicity import benjamini_hochberg

P = st.lists(st.floats(0, 1) | st.just(float("nan")), max_size=40)


@pytest.mark.shared
def test_agrees_with_r(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/05_omics_multiplicity.json").read_text())["p_adjust"]
    assert benjamini_hochberg(truth["p"]) == pytest.approx(truth["BH"], rel=1e-12)


def test_three_by_hand() -> None:
    assert benjamini_hochberg([0.04, 0.01, 0.03]).tolist() == pytest.approx([0.04, 0.03, 0.04])


@given(P)
def test_q_is_at_least_p_and_keeps_its_order(p: list[float]) -> None:
    p_values = np.array(p, dtype=float)
    q = benjamini_hochberg(p_values)
    known = ~np.isnan(p_values)
    assert (np.isnan(q) == ~known).all()
    assert (q[known] >= p_values[known]).all()
    assert (q[known] <= 1).all()
    order = np.argsort(p_values[known])
    assert (np.diff(q[known][order]) >= 0).all()


@given(P)
def test_unanswered_questions_do_not_count_and_order_does_not_matter(p: list[float]) -> None:
    p_values = np.array(p, dtype=float)
    q = benjamini_hochberg(p_values)
    known = ~np.isnan(p_values)
    assert benjamini_hochberg(p_values[known]).tolist() == q[known].tolist()
    assert benjamini_hochberg(p_values[::-1])[::-1].tolist() == pytest.approx(q.tolist(), nan_ok=True)


def test_a_p_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"outside 0\.\.1"):
        benjamini_hochberg([0.1, 1.2])
