"""What a negative test could have missed: power, limits and calibrated p against sums over every outcome and published numbers."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom, binom

from resistance.stats.mrd.exact import exact_test
from resistance.stats.mrd.limits import calibrated_p, genomes_needed, limits, make_grid, probability_to_detect
from resistance.stats.mrd.monte_carlo import draw_counts, monte_carlo_test
from resistance.stats.mrd.sites import make_sites


class Enumerated:
    """Every outcome of a few shallow sites: p of the test in each, and its probability."""

    def __init__(self, depths, rates) -> None:
        self.depths, self.rates = depths, rates
        self.outcomes = np.array(list(product(*(range(d + 1) for d in depths))))
        sums = [sum(Fraction(int(x), d) for x, d in zip(o, depths, strict=True)) for o in self.outcomes]
        rank = {value: i for i, value in enumerate(sorted(set(sums)))}
        self.sums = np.array([rank[s] for s in sums])
        self.vafs = np.array([float(s) / len(depths) for s in sums])
        self.positive = (self.outcomes > 0).sum(axis=1)
        self.null = self.chance(np.zeros(len(depths)))
        self.p = np.array(
            [self.null[(self.sums >= s) & (self.positive >= n)].sum() for s, n in zip(self.sums, self.positive, strict=True)]
        )

    def chance(self, vaf):
        rate = vaf * (1 - self.rates) + (1 - vaf) * self.rates
        parts = [binom.pmf(self.outcomes[:, i], d, rate[i]) for i, d in enumerate(self.depths)]
        return np.prod(parts, axis=0)

    def region(self, alpha, rule):
        if rule == "p_value":
            return self.p <= alpha * (1 + 1e-9)
        best = np.zeros(len(self.p), dtype=bool)
        for cut in sorted(set(np.round(self.p, 13))):
            inside = self.p <= cut * (1 + 1e-9) + 1e-13
            if self.null[inside].sum() > alpha * (1 + 1e-9):
                break
            best = inside
        return best


few = st.lists(st.tuples(st.integers(2, 7), st.floats(0.005, 0.15)), min_size=1, max_size=4)


@settings(max_examples=40)
@given(few, st.sampled_from([0.05, 0.01, 0.2]), st.sampled_from(["p_value", "calibrated"]))
def test_size_power_and_limit_are_those_of_all_outcomes(sites, alpha, rule) -> None:
    depths, rates = [d for d, _ in sites], np.array([r for _, r in sites])
    slow = Enumerated(depths, rates)
    region = slow.region(alpha, rule)
    found = limits(make_sites(depths, rates), alpha=alpha, vafs=[0.0, 0.05, 0.3], rule=rule)
    assert found.exact
    assert found.size == pytest.approx(slow.null[region].sum(), abs=1e-12)
    assert found.size == pytest.approx(found.detect[0], abs=1e-12)
    for vaf, power in zip((0.05, 0.3), found.detect[1:], strict=True):
        assert power == pytest.approx(slow.chance(np.full(len(depths), vaf))[region].sum(), abs=1e-12)
    if rule == "calibrated":
        assert found.size <= alpha * (1 + 1e-9)
    if isnan(found.lod_vaf):
        assert slow.chance(np.ones(len(depths)))[region].sum() < 0.95
    else:
        assert slow.chance(np.full(len(depths), found.lod_vaf))[region].sum() == pytest.approx(0.95, abs=1e-7)
    # 95 of 100 samples without tumour are at or below the limit of blank, and fewer below any smaller value
    assert slow.null[slow.vafs <= found.lob_vaf + 1e-12].sum() >= 0.95 - 1e-9
    assert slow.null[slow.vafs < found.lob_vaf - 1e-12].sum() < 0.95 + 1e-9


@settings(max_examples=40)
@given(few, st.data())
def test_calibrated_p_is_the_probability_of_as_small_a_p(sites, data) -> None:
    depths, rates = [d for d, _ in sites], np.array([r for _, r in sites])
    alt = np.array([data.draw(st.integers(0, min(d, 2))) for d in depths])
    slow = Enumerated(depths, rates)
    mine = slow.p[(slow.outcomes == alt).all(axis=1)][0]
    below, at_most = slow.null[slow.p < mine * (1 - 1e-9)].sum(), slow.null[slow.p <= mine * (1 + 1e-9)].sum()
    found = calibrated_p(exact_test(alt, depths, rates), alt, make_sites(depths, rates))
    if found.bound:
        assert at_most <= found.p_value * (1 + 1e-9)
    else:
        assert found.p_value == pytest.approx(at_most, abs=1e-10)
        assert found.mid_p == pytest.approx((below + at_most) / 2, abs=1e-10)


def test_the_reference_p_falls_below_alpha_more_often_than_alpha() -> None:
    # depths equal: (sum of counts, positive sites) convolved site by site, with nothing of ours
    n, depth, rate = 50, 20_000, 1e-4 / 3
    chance = binom.pmf(np.arange(121), depth, rate)
    joint = np.zeros((121, n + 1))
    joint[0, 0] = 1
    for _ in range(n):
        new = joint * chance[0]
        for x in range(1, 30):
            new[x:, 1:] += joint[: 121 - x, :-1] * chance[x]
        joint = new
    p = joint[::-1, ::-1].cumsum(0).cumsum(1)[::-1, ::-1]
    sites = make_sites([depth] * n, rate)
    for alpha in (0.05, 0.001):
        size = limits(sites, alpha=alpha).size
        assert size == pytest.approx(joint[p <= alpha].sum(), rel=1e-6)
        assert size > 1.5 * alpha
        assert limits(sites, alpha=alpha, rule="calibrated").size <= alpha


def test_unequal_depths_are_rounded_by_little() -> None:
    draw = np.random.default_rng(8)
    sites = make_sites(draw.integers(800, 6000, 12), 1e-4 / 3)
    found = limits(sites, vafs=[5e-5, 1e-4])
    assert not found.exact
    # by simulation: p of each simulated sample from the exact test, at background and at two VAFs
    for vaf, power in ((0.0, found.size), (5e-5, found.detect[0]), (1e-4, found.detect[1])):
        counts = draw_counts(np.random.default_rng(1), sites, 60, np.full(12, vaf))
        hits = sum(exact_test(c, sites.depths, sites.rates).p_value <= 0.05 for c in counts)
        assert min(binom.cdf(hits, 60, power), binom.sf(hits - 1, 60, power)) > 1e-3


def test_over_dispersed_background_raises_the_limits() -> None:
    plain, spread = (limits(make_sites([16_000], 2e-4, k), rule="calibrated") for k in (np.inf, 2000.0))
    assert spread.lob_vaf > 1.5 * plain.lob_vaf
    assert spread.lod_vaf > 1.5 * plain.lod_vaf
    one = limits(make_sites([40], 0.05, 6.0), vafs=[0.2])
    noise, signal = betabinom.pmf(np.arange(41), 40, 0.3, 5.7), binom.pmf(np.arange(41), 40, 0.2 * 0.95)
    tail = np.cumsum(noise[::-1])[::-1]
    first = int(np.argmax(tail <= 0.05))
    assert one.detect[0] == pytest.approx(1 - np.convolve(noise, signal)[:first].sum(), abs=1e-9)


def test_variants_of_small_tumour_vaf_are_expected_less() -> None:
    sites = make_sites([3000] * 4, 0.0)
    found = limits(sites, vafs=[2e-4], tumour_vafs=[0.4, 0.3, 0.2, 0.1])
    # no background: any read is proof; site VAFs 2e-4 * AF / mean(AF)
    expected = 1 - np.prod((1 - 2e-4 * np.array([0.4, 0.3, 0.2, 0.1]) / 0.25) ** 3000)
    assert found.detect[0] == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match="tumour_vafs: one for each site"):
        limits(sites, tumour_vafs=[0.5])


def test_probability_to_detect_is_that_of_counting() -> None:
    assert float(probability_to_detect(1e-4, 3000, 10)) == pytest.approx(0.95022, abs=5e-6)
    assert float(probability_to_detect(1e-4, 29_957)) >= 0.95 > float(probability_to_detect(1e-4, 29_955))
    assert genomes_needed(1e-4) == 29_956
    assert genomes_needed(1e-4, 10) * 10 >= 29_956 > (genomes_needed(1e-4, 10) - 1) * 10
    assert probability_to_detect([0, 1, 0.5], [10, 1, 0]).tolist() == [0.0, 1.0, 0.0]
    assert (genomes_needed(1.0), genomes_needed(0.5, 1, 0.75)) == (1, 2)
    with pytest.raises(ValueError, match="vaf lies between 0 and 1"):
        probability_to_detect(1.5, 10)
    with pytest.raises(ValueError, match="at least one mutation"):
        genomes_needed(0.1, 0)


def test_where_no_vaf_is_found_there_is_no_limit_of_detection() -> None:
    found = limits(make_sites([2], 0.3), alpha=0.05)  # even 2 of 2 reads has p = .09
    assert isnan(found.lod_vaf)
    assert found.detect == (0.0, 0.0, 0.0)


def test_power_grows_with_vaf_depth_and_alpha() -> None:
    vafs = np.geomspace(1e-5, 1e-2, 12)
    shallow, deep = (limits(make_sites([d] * 10, 3e-5), vafs=vafs) for d in (1000, 8000))
    assert (np.diff(shallow.detect) >= -1e-12).all()
    assert shallow.lod_vaf > deep.lod_vaf
    assert limits(make_sites([1000] * 10, 3e-5), alpha=0.001).lod_vaf > shallow.lod_vaf


def test_a_simulated_and_an_exact_test_have_the_same_power() -> None:
    sites = make_sites([1500, 900, 2200], 1e-4)
    wanted = limits(sites, vafs=[1e-3]).detect[0]
    counts = draw_counts(np.random.default_rng(4), sites, 400, np.full(3, 1e-3))
    hits = sum(monte_carlo_test(c, sites.depths, sites.rates, draws=2000, seed=3).p_value <= 0.05 for c in counts)
    assert min(binom.cdf(hits, 400, wanted), binom.sf(hits - 1, 400, wanted)) > 1e-3


def test_grid_holds_all_probability() -> None:
    grid = make_grid(make_sites([700, 650, 1200], 2e-4, 900.0), 0.05)
    assert grid.alive.sum() + grid.reached.sum() == pytest.approx(1, abs=1e-10)
    assert grid.p[0, 0] == 1


@pytest.mark.parametrize(("name", "value", "words"), [
    ("alpha", 0.0, "alpha and power must lie between 0 and 1"), ("power", 0.01, "power above alpha"), ("vafs", [2.0], "vafs: from 0 to 1"),
])  # fmt: skip
def test_levels_that_cannot_be_are_named(name, value, words) -> None:
    with pytest.raises(ValueError, match=words):
        limits(make_sites([10], 0.1), **{name: value})


def test_many_expected_errors_are_taken_for_normal_with_the_same_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    # equal depths: the sum of counts is one binomial, every site is positive
    sites, n, rate = make_sites([500_000] * 8, 3e-4), 4_000_000, 3e-4
    found = limits(sites, vafs=[2e-5, 5e-5])
    critical = int(binom.isf(0.05, n, rate)) + 1
    for vaf, power in zip((2e-5, 5e-5), found.detect, strict=True):
        assert power == pytest.approx(binom.sf(critical - 1, n, rate + vaf * (1 - rate)), abs=0.02)
    assert found.lob_vaf == pytest.approx(binom.ppf(0.95, n, rate) / n, rel=0.005)
    some = make_sites(np.linspace(150_000, 400_000, 8).astype(int), 3e-4)
    normal = limits(some, vafs=[5e-5])
    monkeypatch.setattr("resistance.stats.mrd.limits._MANY_ERRORS", np.inf)
    grid = limits(some, vafs=[5e-5])
    assert normal.detect[0] == pytest.approx(grid.detect[0], abs=0.03)
    assert normal.lod_vaf == pytest.approx(grid.lod_vaf, rel=0.03)
    assert normal.lob_vaf == pytest.approx(grid.lob_vaf, rel=0.01)
