"""Exact power of 2x2 tests against R, and against every table written out."""

from __future__ import annotations

import json
from math import comb, isnan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.exact import fisher_table
from resistance.stats.power import power_fisher
from resistance.stats.power_proportions import (
    EXACT_METHODS,
    detectable_probabilities,
    firth_p,
    fisher_p,
    normal_power_two_proportions,
    patients_two_proportions,
    power_two_proportions,
    rejection_region,
)


@pytest.mark.shared
def test_power_agrees_with_r(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/06_prediction_power_mi.json").read_text())["power_two_proportions"]
    for row in truth:
        plan = (row["p1"], row["p2"], row["n1"], row["n2"])
        for method in ("fisher", "boschloo", "z_pooled"):
            assert power_two_proportions(*plan, method=method).power == pytest.approx(row[method], rel=1e-8)
        assert normal_power_two_proportions(*plan) == pytest.approx(row["hmisc_bpower"], rel=1e-8)


def slow_p(n1: int, n2: int, method: str) -> dict[tuple[int, int], float]:
    """Return the unconditional p of every table: the largest probability, on a fine grid, of those at least as extreme."""
    tables = [(x, y) for x in range(n1 + 1) for y in range(n2 + 1)]

    def statistic(x: int, y: int) -> float:
        if method == "boschloo":
            return fisher_table(x, n1 - x, y, n2 - y).p_value
        common = (x + y) / (n1 + n2)
        return 0.0 if common in (0, 1) else -abs(x / n1 - y / n2) / np.sqrt(common * (1 - common) * (1 / n1 + 1 / n2))

    value = {t: statistic(*t) for t in tables}
    grid = np.linspace(0, 1, 4001)
    chance = {(x, y): comb(n1, x) * comb(n2, y) * grid ** (x + y) * (1 - grid) ** (n1 + n2 - x - y) for x, y in tables}
    return {t: float(sum(chance[s] for s in tables if value[s] <= value[t] + 1e-9).max()) for t in tables}


@pytest.mark.parametrize("method", ["boschloo", "z_pooled"])
@pytest.mark.parametrize("n", [(4, 7), (6, 6), (3, 10)])
def test_the_region_is_the_tables_whose_unconditional_p_is_small(method: str, n: tuple[int, int]) -> None:
    p = slow_p(*n, method)
    for alpha in (0.012, 0.05, 0.2):
        region = rejection_region(*n, method, alpha)
        assert {(x, y): bool(region[x, y]) for x, y in p} == {t: value <= alpha for t, value in p.items()}


def test_fishers_p_of_all_tables_is_that_of_each() -> None:
    p = fisher_p(6, 9)
    for x in range(7):
        for y in range(10):
            assert p[x, y] == pytest.approx(fisher_table(x, 6 - x, y, 9 - y).p_value, rel=1e-9)
    assert power_two_proportions(0.1, 0.4, 17, 31, method="fisher").power == pytest.approx(
        power_fisher(0.1, 0.4, 17, 31), rel=1e-10
    )


def test_firths_p_of_a_table_is_that_of_a_penalised_fit() -> None:
    from scipy.optimize import minimize
    from scipy.stats import chi2

    n1, n2, x, y = 7, 12, 0, 5  # an empty cell

    def penalised(beta: np.ndarray) -> float:
        eta = np.array([beta[0] + beta[1], beta[0]])
        p = 1 / (1 + np.exp(-eta))
        w = np.array([n1, n2]) * p * (1 - p)
        information = np.array([[w.sum(), w[0]], [w[0], w[0]]])
        k, n = np.array([x, y]), np.array([n1, n2])
        return -float((k * np.log(p) + (n - k) * np.log(1 - p)).sum() + np.linalg.slogdet(information)[1] / 2)

    options = {"xatol": 1e-10, "fatol": 1e-14, "maxiter": 5000}
    free = minimize(penalised, [0.0, 0.0], method="Nelder-Mead", options=options).fun
    held = minimize(lambda b: penalised(np.array([b[0], 0.0])), [0.0], method="Nelder-Mead", options=options).fun
    assert firth_p(n1, n2)[x, y] == pytest.approx(chi2.sf(2 * (held - free), 1), rel=1e-6)


@settings(max_examples=20)
@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from(EXACT_METHODS), st.floats(0, 1), st.floats(0, 1))
def test_names_of_groups_and_of_the_outcome_do_not_matter(n1: int, n2: int, method: str, p1: float, p2: float) -> None:
    power = power_two_proportions(p1, p2, n1, n2, method=method).power
    assert power_two_proportions(p2, p1, n2, n1, method=method).power == pytest.approx(power, abs=1e-9)
    assert power_two_proportions(1 - p1, 1 - p2, n1, n2, method=method).power == pytest.approx(power, abs=1e-9)
    assert 0 <= power <= 1


@pytest.mark.parametrize("n", [(5, 20), (12, 12), (8, 52)])
def test_exact_tests_keep_their_level_and_the_penalised_test_says_where_it_does_not(n: tuple[int, int]) -> None:
    sizes = {m: power_two_proportions(0.1, 0.3, *n, method=m).size for m in EXACT_METHODS}
    assert max(sizes["fisher"], sizes["boschloo"], sizes["z_pooled"]) <= 0.05
    region = rejection_region(*n, "firth", 0.05).astype(float)
    grid = np.linspace(0, 1, 2001)
    chance = [
        sum(
            region[x, y] * comb(n[0], x) * comb(n[1], y) * grid ** (x + y) * (1 - grid) ** (sum(n) - x - y)
            for x in range(n[0] + 1)
        )
        for y in range(n[1] + 1)
    ]
    assert sizes["firth"] == pytest.approx(float(np.sum(chance, axis=0).max()), rel=1e-4)
    # Boschloo's test is never less powerful than Fisher's
    for p in (0.05, 0.5, 0.9):
        plan = (p, 0.3, *n)
        assert power_two_proportions(*plan).power >= power_two_proportions(*plan, method="fisher").power - 1e-12


def test_the_detectable_probabilities_have_the_power_asked_for() -> None:
    for method in EXACT_METHODS:
        below, above = detectable_probabilities(0.4, 15, 60, method=method)
        for p in (below, above):
            assert power_two_proportions(p, 0.4, 15, 60, method=method).power == pytest.approx(0.8, abs=1e-6)
        assert below < 0.4 < above
    below, above = detectable_probabilities(0.1, 5, 40)
    assert isnan(below)
    assert above > 0.5
    assert all(isnan(p) for p in detectable_probabilities(0.4, 1, 3))


def test_the_number_of_patients_has_the_power_and_the_one_before_does_not_keep_it() -> None:
    n = patients_two_proportions(0.1, 0.6, 0.3, method="fisher")
    assert n is not None

    def power(total: int) -> float:
        carriers = round(0.3 * total)
        return power_two_proportions(0.1, 0.6, carriers, total - carriers, method="fisher").power

    assert all(power(n + k) >= 0.8 for k in range(10))
    assert not all(power(n - 1 + k) >= 0.8 for k in range(10))
    slow = next(m for m in range(4, 100) if all(power(m + k) >= 0.8 for k in range(10)))
    assert n == slow
    assert patients_two_proportions(0.3, 0.3, 0.3) is None


def test_a_group_without_patients_has_no_power() -> None:
    for method in EXACT_METHODS:
        assert power_two_proportions(0.1, 0.9, 0, 20, method=method).power == 0
        assert power_two_proportions(0.1, 0.9, 1, 1, method=method).power == 0
    assert isnan(normal_power_two_proportions(0.1, 0.9, 0, 20))
    assert normal_power_two_proportions(0.0, 1.0, 10, 20) == 1.0
    assert power_two_proportions(1e-310, 0.0, 5, 20).power == 0


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="p_exposed"):
        power_two_proportions(1.1, 0.2, 5, 5)
    with pytest.raises(ValueError, match="alpha"):
        power_two_proportions(0.1, 0.2, 5, 5, alpha=0)
    with pytest.raises(ValueError, match="none of fisher"):
        power_two_proportions(0.1, 0.2, 5, 5, method="wald")
    with pytest.raises(ValueError, match="whole numbers"):
        power_two_proportions(0.1, 0.2, -1, 5)
    with pytest.raises(ValueError, match="ends at"):
        power_two_proportions(0.1, 0.2, 3000, 3000)
    with pytest.raises(ValueError, match="prevalence"):
        patients_two_proportions(0.1, 0.2, 0.0)
    with pytest.raises(ValueError, match="power"):
        detectable_probabilities(0.1, 5, 5, power=1.0)
