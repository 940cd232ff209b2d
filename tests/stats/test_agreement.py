"""Cohen's kappa against the papers' own examples, scikit-learn and a slow recomputation; agreement with its exact interval."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta
from sklearn.metrics import cohen_kappa_score

from resistance.stats.agreement import agreement


def slow_interval(first, second):
    """Kappa and its standard error by the sums of Fleiss, Cohen & Everitt 1969 (their formula 13)."""
    n, classes = len(first), sorted(set(first) | set(second))
    p = {(i, j): sum(a == i and b == j for a, b in zip(first, second, strict=True)) / n for i in classes for j in classes}
    row = {i: sum(p[i, j] for j in classes) for i in classes}
    column = {j: sum(p[i, j] for i in classes) for j in classes}
    observed, chance = sum(p[i, i] for i in classes), sum(row[i] * column[i] for i in classes)
    kappa = (observed - chance) / (1 - chance)
    a = sum(p[i, i] * (1 - (row[i] + column[i]) * (1 - kappa)) ** 2 for i in classes)
    b = (1 - kappa) ** 2 * sum(p[i, j] * (column[i] + row[j]) ** 2 for i in classes for j in classes if i != j)
    c = (kappa - chance * (1 - kappa)) ** 2
    return kappa, math.sqrt(max(0.0, a + b - c) / (n * (1 - chance) ** 2))


def pairs(counts):
    first, second = [], []
    for (a, b), n in counts.items():
        first += [a] * n
        second += [b] * n
    return first, second


def test_the_example_of_fleiss_cohen_and_everitt():
    # Psychol Bull 1969; 72:323, table 1: 200 cases, three diagnoses; kappa .429, its standard error .053 (formula 13)
    share = {(1, 1): 53, (1, 2): 5, (1, 3): 2, (2, 1): 11, (2, 2): 14, (2, 3): 5, (3, 1): 1, (3, 2): 6, (3, 3): 3}
    first, second = pairs({(f"c{i}", f"c{j}"): 2 * n for (i, j), n in share.items()})
    found = agreement(first, second)
    assert found.n == 200
    assert found.kappa == pytest.approx(0.429, abs=5e-4)
    assert (found.kappa_ci_high - found.kappa_ci_low) / 2 / 1.959964 == pytest.approx(0.053, abs=1.5e-3)


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from("ABC")), min_size=2, max_size=60))
def test_kappa_is_that_of_scikit_learn_and_its_interval_that_of_the_formula(items):
    first, second = [a for a, _ in items], [b for _, b in items]
    found = agreement(first, second)
    assert found.agree == sum(a == b for a, b in items)
    if len(set(first) | set(second)) == 1:
        assert found.kappa is None
        return
    assert found.kappa == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)
    kappa, se = slow_interval(first, second)
    if se < 1e-7:
        return
    assert found.kappa_ci_low == pytest.approx(max(-1, kappa - 1.959963984540054 * se), abs=1e-7)
    assert found.kappa_ci_high == pytest.approx(min(1, kappa + 1.959963984540054 * se), abs=1e-7)


def test_the_interval_of_agreement_is_exact():
    found = agreement(["A"] * 345 + ["B"] * 94, ["A"] * 439)
    assert found.ci_low == pytest.approx(beta.ppf(0.025, 345, 95))
    assert found.ci_high == pytest.approx(beta.ppf(0.975, 346, 94))


def test_without_items_nothing_is_known():
    found = agreement([], [])
    assert (found.n, found.agree, found.kappa, found.ci_low) == (0, 0, None, None)


def test_perfect_agreement_has_no_interval_of_kappa():
    found = agreement(list("ABAB"), list("ABAB"))
    assert (found.kappa, found.kappa_ci_low, found.kappa_ci_high) == (1, None, None)


def test_raters_of_different_items_are_refused():
    with pytest.raises(ValueError, match="2 and 1 classes"):
        agreement(["A", "B"], ["A"])
