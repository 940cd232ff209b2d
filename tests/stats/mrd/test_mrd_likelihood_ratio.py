"""The generalised likelihood ratio: every number of the reference table, a slow maximum, and an exact null distribution."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from resistance.stats.mrd.likelihood_ratio import likelihood_ratio, likelihood_ratio_test


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.mark.shared
def test_every_number_of_invar_without_fragment_lengths_is_met(shared: Path) -> None:
    counts = rows(shared / "truth/ctdna/ctdnatools/expected/mutation_read_counts.tsv")
    table = rows(shared / "truth/ctdna/invar2/glrt_no_size_on_ctDNAtools_counts.tsv")
    assert len(table) == 15
    for row in table:
        mine = [r for r in counts if r["sample"] == row["sample"] and r["min_bq"] == "30"]
        alt, depths = [int(r["alt"]) for r in mine], [int(r["ref"]) + int(r["alt"]) for r in mine]
        assert (sum(alt), sum(depths)) == (int(row["sumM"]), int(row["sumR"]))
        found = likelihood_ratio(alt, depths, float(row["e"]), float(row["AF"]), estimate="em")
        for name, value in (
            ("LR", found.ratio), ("p_mle", found.tumour_fraction), ("null", found.null), ("alt", found.alternative), ("score", found.score),
        ):  # fmt: skip
            assert value == pytest.approx(float(row[name]), rel=1e-9, abs=1e-13), (row["sample"], row["AF"], name)
        best = likelihood_ratio(alt, depths, float(row["e"]), float(row["AF"]))
        assert best.ratio == pytest.approx(float(row["LR"]), abs=1e-6)
        assert best.tumour_fraction == pytest.approx(float(row["p_mle"]), abs=1e-9)
        assert best.ratio >= found.ratio - 1e-12


@settings(max_examples=20)
@given(
    st.lists(st.tuples(st.integers(5, 3000), st.floats(1e-5, 0.05), st.floats(0.02, 1.0)), min_size=1, max_size=8),
    st.integers(0, 2**31), st.sampled_from([0.0, 0.001, 0.05, 1.0]),
)  # fmt: skip
def test_the_estimate_is_the_highest_of_a_fine_grid(sites, seed, fraction) -> None:
    depths, e, af = (np.array(x) for x in zip(*sites, strict=True))
    g = af * (1 - e) + (1 - af) * e

    def q(p):  # as the formula stands in the paper
        return af * (1 - e) * p + (1 - af) * e * p + e * (1 - p)

    alt = np.random.default_rng(seed).binomial(depths, q(fraction))
    found = likelihood_ratio(alt, depths, e, af)
    grid = np.unique(np.concatenate([np.linspace(0, 1, 801), np.geomspace(1e-7, 1, 400)]))
    heights = binom.logpmf(alt, depths, np.minimum(q(grid[:, None]), 1 - 1e-15)).mean(axis=1)
    assert found.alternative >= heights.max() - 1e-9
    assert found.null == pytest.approx(heights[0], rel=1e-9, abs=1e-12)
    assert 0 <= found.tumour_fraction <= 1
    at = float(binom.logpmf(alt, depths, np.minimum(q(found.tumour_fraction), 1 - 1e-15)).mean())
    assert found.alternative == pytest.approx(at, rel=1e-7, abs=1e-9)
    assert g.min() > 0


def test_simulated_p_meets_the_exact_one_where_sites_are_alike() -> None:
    # equal rates and allele fractions: the ratio grows with the sum of counts, which is one binomial
    depths, rate = [4000] * 12, 5e-5
    for alt in (4, 6, 8):
        counts = [alt, *[0] * 11]
        found = likelihood_ratio_test(counts, depths, rate, 0.4, draws=20_000, seed=1)
        exact = binom.sf(alt - 1, 48_000, rate)
        successes = round(found.p_value * 20_001) - 1
        assert min(binom.cdf(successes, 20_000, exact), binom.sf(successes - 1, 20_000, exact)) > 1e-3


def test_size_power_and_limits_meet_the_exact_ones_where_sites_are_alike() -> None:
    n, rate = 48_000, 5e-5
    found = likelihood_ratio_test([0] * 12, [4000] * 12, rate, 0.4, draws=20_000, seed=1, vafs=[1e-4]).limits
    critical = next(k for k in range(100) if binom.sf(k - 1, n, rate) <= 0.05)
    assert found.size == pytest.approx(binom.sf(critical - 1, n, rate), abs=0.006)
    assert found.detect[0] == pytest.approx(binom.sf(critical - 1, n, rate + 1e-4 * (1 - rate)), abs=0.03)
    lod = next(f for f in np.geomspace(1e-5, 1e-2, 20_000) if binom.sf(critical - 1, n, rate + f * (1 - rate)) >= 0.95)
    assert found.lod_vaf == pytest.approx(lod, rel=0.06)
    blank = binom.ppf(0.95, n, rate) / n - rate
    assert found.lob_vaf == pytest.approx(blank, rel=0.02)


def test_a_read_where_the_tumour_has_more_is_better_evidence() -> None:
    depths, af = [2000, 2000, 2000], [0.6, 0.3, 0.05]
    high, low = (likelihood_ratio_test(alt, depths, 5e-5, af, draws=5000, seed=2) for alt in ([2, 0, 0], [0, 0, 2]))
    assert high.result.ratio > low.result.ratio
    assert high.p_value < low.p_value


def test_nothing_seen_is_a_ratio_of_zero_and_p_one() -> None:
    found = likelihood_ratio_test([0, 0], [500, 800], 1e-4, [0.3, 0.4], draws=500)
    assert (found.result.ratio, found.result.tumour_fraction, found.p_value, found.p_asymptotic) == (0.0, 0.0, 1.0, 1.0)


def test_more_spread_in_the_background_makes_the_same_ratio_less_rare() -> None:
    plain, spread = (
        likelihood_ratio_test([4, 0, 1], [3000] * 3, 2e-4, 0.3, k, draws=5000, seed=1, power_draws=200) for k in (None, 300.0)
    )
    assert plain.result == spread.result
    assert plain.p_value < spread.p_value


def test_p_depends_on_neither_the_order_of_sites_nor_on_the_draws_of_power() -> None:
    alt, depths, af = np.array([1, 0, 2]), np.array([900, 1000, 1500]), np.array([0.2, 0.5, 0.4])
    first = likelihood_ratio_test(alt, depths, 1e-4, af, draws=2000, seed=3, power_draws=100)
    again = likelihood_ratio_test(alt[::-1], depths[::-1], 1e-4, af[::-1], draws=2000, seed=3, power_draws=300)
    assert (first.p_value, first.limits.size, first.limits.lob_vaf) == (again.p_value, again.limits.size, again.limits.lob_vaf)


@pytest.mark.parametrize(
    ("rates", "tumour", "words"),
    [(0.0, 0.3, "rates: must be above 0"), (0.01, 0.0, "tumour_vafs: above 0"), (0.01, 1.1, "tumour_vafs: above 0"), (0.01, np.nan, "tumour_vafs: 1 value")],
)  # fmt: skip
def test_what_has_no_likelihood_is_named(rates, tumour, words) -> None:
    with pytest.raises(ValueError, match=words):
        likelihood_ratio([1], [100], rates, tumour)
