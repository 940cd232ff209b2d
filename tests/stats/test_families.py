"""Families of tests: the two-level selection written out, gates and fixed order by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.families import families, fixed_sequence, gatekeeping
from resistance.stats.multiplicity import adjust, benjamini_hochberg

ROWS = st.lists(
    st.tuples(st.sampled_from([0.0005, 0.002, 0.01, 0.02, 0.03, 0.2, 0.6, 1.0, float("nan")]), st.sampled_from("abcd")),
    min_size=1,
    max_size=14,
)


def called_slowly(p: np.ndarray, family: np.ndarray, level: float) -> np.ndarray:
    """Select families by Benjamini-Hochberg on Simes' p, then call within them at the level times the share selected."""
    known = ~np.isnan(p)
    names = [name for name in np.unique(family) if known[family == name].any()]
    simes = []
    for name in names:
        mine = np.sort(p[known & (family == name)])
        simes.append(min(mine.size * value / rank for rank, value in enumerate(mine, start=1)))
    called = np.zeros(p.size, dtype=bool)
    ranked = sorted(simes)
    count = max([rank for rank, value in enumerate(ranked, start=1) if value <= rank * level / len(names)], default=0)
    for name, value in zip(names, simes, strict=True):
        if count and value <= count * level / len(names):
            mine = np.flatnonzero(known & (family == name))
            ordered = mine[np.argsort(p[mine], kind="stable")]
            last = [r for r, i in enumerate(ordered, 1) if p[i] <= r * level * count / len(names) / mine.size]
            called[ordered[: max(last, default=0)]] = True
    return called


@settings(max_examples=60)
@given(ROWS, st.sampled_from([0.0071, 0.0213, 0.0507, 0.103, 0.317]))
def test_a_test_is_called_where_the_two_steps_written_out_call_it(rows: list[tuple[float, str]], level: float) -> None:
    p, family = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    found = families(p, family, alpha=level)
    assert found.rejected.tolist() == called_slowly(p, family, level).tolist()
    assert (found.rejected == (found.q <= level)).all()
    assert found.names == tuple(sorted(set(family)))


@given(ROWS)
def test_q_is_at_least_p_and_order_of_rows_does_not_matter(rows: list[tuple[float, str]]) -> None:
    p, family = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    found = families(p, family)
    known = ~np.isnan(p)
    assert (np.isnan(found.q) == ~known).all()
    assert (found.q[known] >= p[known]).all()
    assert families(p[::-1], family[::-1]).q[::-1] == pytest.approx(found.q, nan_ok=True)


@given(ROWS)
def test_one_family_or_one_test_each_is_benjamini_hochberg(rows: list[tuple[float, str]]) -> None:
    p = np.array([row[0] for row in rows])
    assert families(p, ["x"] * p.size).q == pytest.approx(benjamini_hochberg(p), nan_ok=True)
    assert families(p, np.arange(p.size)).q == pytest.approx(benjamini_hochberg(p), nan_ok=True)


def test_a_family_without_any_p_does_not_count() -> None:
    found = families([0.02, np.nan, np.nan], ["ORR", "PFS", "PFS"])
    assert found.family_n == (1, 0)
    assert found.q[0] == 0.02
    assert found.selected.tolist() == [True, False]
    nothing = families([np.nan], ["ORR"])
    assert np.isnan(nothing.q).all()
    assert not nothing.rejected.any()


def test_a_sequence_ends_at_the_first_failure() -> None:
    assert fixed_sequence([0.01, 0.02, 0.3, 0.001]).tolist() == [0.01, 0.02, 0.3, 0.3]
    assert fixed_sequence([0.01, np.nan, 0.001]).tolist() == pytest.approx([0.01, np.nan, 1.0], nan_ok=True)


def test_a_gate_opens_when_all_before_it_succeeded() -> None:
    p, family = [0.03, 0.001, 0.02, 0.004], ["primary", "secondary", "primary", "secondary"]
    assert gatekeeping(p, family, ["primary", "secondary"]).tolist() == pytest.approx([0.04, 0.04, 0.04, 0.04])
    assert gatekeeping(p, family, ["secondary", "primary"]).tolist() == pytest.approx([0.04, 0.002, 0.04, 0.004])
    assert gatekeeping([0.01, np.nan, 0.001], ["a", "a", "b"], "ab").tolist() == pytest.approx([0.02, np.nan, 1.0], nan_ok=True)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_gates_of_one_test_each_are_the_fixed_sequence_and_one_gate_is_holm(p: list[float]) -> None:
    order = list(range(len(p)))
    assert gatekeeping(p, order, order).tolist() == fixed_sequence(p).tolist()
    assert gatekeeping(p, ["x"] * len(p), ["x"]).tolist() == adjust(p, "holm").tolist()


def test_two_levels_keep_the_error_among_the_selected_families() -> None:
    draw = np.random.default_rng(7)
    family = np.repeat(np.arange(10), 20)
    shares = []
    for _ in range(300):
        p = draw.random(200)
        p[:15] *= 1e-4  # effects in the first family alone
        found = families(p, family, alpha=0.1)
        wrong = [found.rejected[(family == f)] & (np.arange(200)[family == f] >= 15) for f in range(10)]
        within = [w.sum() / max(1, found.rejected[family == f].sum()) for f, w in enumerate(wrong)]
        shares.append(np.sum(within) / max(1, found.selected.sum()))
    assert np.mean(shares) <= 0.1 + 3 * np.std(shares) / np.sqrt(300)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="family: shape"):
        families([0.1, 0.2], ["a"])
    with pytest.raises(ValueError, match="missing name"):
        families([0.1, 0.2], np.array(["a", None], dtype=object))
    with pytest.raises(ValueError, match="alpha"):
        families([0.1], ["a"], alpha=1.5)
    with pytest.raises(ValueError, match="each of a, b is needed once"):
        gatekeeping([0.1, 0.2], ["a", "b"], ["a"])
    with pytest.raises(ValueError, match=r"outside 0\.\.1"):
        fixed_sequence([-0.1])
