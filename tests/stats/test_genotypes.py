"""Same person or not: simulated persons, written-out sums over genotypes, and tumours that have lost alleles."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import betabinom, binom

from resistance.stats.genotypes import (
    BAD_SITE,
    HETEROZYGOUS_RHO,
    IMBALANCE,
    LARGEST_MIXED,
    MIXED,
    Genotypes,
    called_genotypes,
    genotype_log_likelihoods,
    hardy_weinberg,
)


def _persons(rng, n, frequency):
    return rng.binomial(2, frequency, size=(n, frequency.size))


def _reads(rng, genotype, depth=300, error=0.002, lost=0.0, tumour=1.0):
    """Return reference and alternative counts; a share of heterozygous sites has lost one allele in the tumour's DNA."""
    fraction = genotype / 2.0
    gone = (genotype == 1) & (rng.random(genotype.shape) < lost)
    left = rng.integers(0, 2, genotype.shape)
    fraction = np.where(gone, (0.5 * (1 - tumour) + left * tumour) / (1 - tumour + tumour), fraction)
    fraction = fraction * (1 - error) + (1 - fraction) * error
    depths = rng.poisson(depth, genotype.shape)
    alt = rng.binomial(depths, fraction)
    return depths - alt, alt


def _slow_likelihood(r, a, g, error, imbalance, mixed=0.01):
    n = r + a
    none, both = binom.pmf(a, n, error), binom.pmf(a, n, 1 - error)
    half = 0.5 * (1 / HETEROZYGOUS_RHO - 1)
    one = (1 - imbalance) * betabinom.pmf(a, n, half, half) + imbalance * (0.5 / (n + 1) + 0.25 * none + 0.25 * both)
    strange = [quad(lambda f, x=x: binom.pmf(x, n, f), 0, LARGEST_MIXED)[0] / LARGEST_MIXED for x in (a, r)]
    none, both = ((1 - mixed) * x + mixed * y for x, y in zip((none, both), strange, strict=True))
    return (1 - BAD_SITE) * (none, one, both)[g] + BAD_SITE / (n + 1)


def test_likelihoods_are_the_written_out_mixtures_and_sum_to_one():
    for r, a, g in itertools.product((0, 3, 40), (0, 5, 60), (0, 1, 2)):
        ours = genotype_log_likelihoods(r, a, error=0.01, imbalance=0.1)[g]
        assert ours == pytest.approx(math.log(_slow_likelihood(r, a, g, 0.01, 0.1)), abs=1e-7)
    every = genotype_log_likelihoods(30 - np.arange(31), np.arange(31))
    assert np.exp(every).sum(axis=1) == pytest.approx([1, 1, 1])


def test_the_ratio_is_the_sum_over_genotypes_written_out():
    rng = np.random.default_rng(5)
    frequency = rng.uniform(0.1, 0.9, 12)
    person = _persons(rng, 2, frequency)
    ref, alt = _reads(rng, person, depth=40)
    found = Genotypes(ref, alt, frequency, error=0.005, min_depth=5).compare(0, 1)
    settings = list(itertools.product(IMBALANCE, MIXED))
    prior = [[(1 - p) ** 2, 2 * p * (1 - p), p * p] for p in frequency]
    each = {
        (s, i, z): [_slow_likelihood(ref[s, i], alt[s, i], g, 0.005, *z) for g in range(3)]
        for s in (0, 1)
        for i in range(12)
        for z in settings
    }
    slow = {}
    for x, y in itertools.product(settings, settings):
        same = apart = 0.0
        for i in range(12):
            one, two = each[0, i, x], each[1, i, y]
            same += math.log(sum(prior[i][g] * one[g] * two[g] for g in range(3)))
            apart += sum(math.log(sum(prior[i][g] * e[g] for g in range(3))) for e in (one, two))
        slow[x, y] = (same, apart)
    best = {"same": max(same for same, _ in slow.values()), "apart": max(apart for _, apart in slow.values())}
    assert found.log10_ratio == pytest.approx((best["same"] - best["apart"]) / math.log(10), abs=1e-6)
    assert found.n_sites == 12


@pytest.mark.parametrize("seed", range(5))
def test_one_person_and_two_are_told_apart_with_forty_snps(seed):
    rng = np.random.default_rng(seed)
    frequency = rng.uniform(0.2, 0.8, 40)
    people = _persons(rng, 6, frequency)
    ref, alt = _reads(rng, np.vstack([people, people]))
    both = Genotypes(ref, alt, frequency)
    for i, j in itertools.combinations(range(12), 2):
        ratio = both.compare(i, j).log10_ratio
        assert (ratio > 3) if j == i + 6 else (ratio < -3), (i, j, ratio)


@pytest.mark.parametrize(("lost", "tumour"), [(0.3, 0.5), (0.3, 0.99), (0.6, 0.9), (0.9, 0.99)])
def test_a_sample_full_of_tumour_that_lost_alleles_is_still_the_persons(lost, tumour):
    rng = np.random.default_rng(8)
    frequency = rng.uniform(0.2, 0.8, 80)
    person = _persons(rng, 1, frequency)[0]
    germline, plasma = _reads(rng, person), _reads(rng, person, lost=lost, tumour=tumour)
    stranger = _reads(rng, _persons(rng, 1, frequency)[0], lost=lost, tumour=tumour)
    ref, alt = (np.stack([germline[k], plasma[k], stranger[k]]) for k in (0, 1))
    three = Genotypes(ref, alt, frequency)
    mine = three.compare(0, 1)
    assert mine.log10_ratio > 3
    assert mine.opposite_homozygous == 0
    assert three.compare(0, 2).log10_ratio < -3


def test_siblings_are_not_one_person():
    rng = np.random.default_rng(4)
    frequency = rng.uniform(0.3, 0.7, 150)
    parents = rng.random((4, 150)) < frequency
    children = np.array(
        [[parents[rng.integers(0, 2, 150), range(150)], parents[2 + rng.integers(0, 2, 150), range(150)]] for _ in "ab"]
    )
    ref, alt = _reads(rng, children.sum(axis=1))
    assert Genotypes(ref, alt, frequency).compare(0, 1).log10_ratio < -3


def test_two_bad_sites_do_not_make_another_person():
    rng = np.random.default_rng(2)
    frequency = rng.uniform(0.2, 0.8, 60)
    person = _persons(rng, 1, frequency)[0]
    ref, alt = (np.stack(x) for x in zip(_reads(rng, person), _reads(rng, person), strict=True))
    wrong = np.flatnonzero(person != 1)[:2]
    ref[1, wrong], alt[1, wrong] = alt[1, wrong].copy(), ref[1, wrong].copy()
    found = Genotypes(ref, alt, frequency).compare(0, 1)
    assert found.opposite_homozygous == 2
    assert found.log10_ratio > 3


def test_counts_of_genotypes_are_those_of_a_loop():
    rng = np.random.default_rng(3)
    frequency = rng.uniform(0.1, 0.9, 50)
    ref, alt = _reads(rng, _persons(rng, 2, frequency), depth=25)
    found = Genotypes(ref, alt, frequency, min_depth=20).compare(0, 1)
    called = called_genotypes(ref, alt, min_depth=20)
    pairs = [(g, h) for g, h in zip(*called.tolist(), strict=True) if g >= 0 and h >= 0]
    assert found.n_sites == sum(a >= 20 and b >= 20 for a, b in zip(*(ref + alt), strict=True))
    assert found.n_called == len(pairs)
    assert found.concordant == sum(g == h for g, h in pairs)
    assert found.opposite_homozygous == sum({g, h} == {0, 2} for g, h in pairs)
    assert found.one_heterozygous == sum(abs(g - h) == 1 for g, h in pairs)


def test_the_fast_look_misses_no_person():
    rng = np.random.default_rng(6)
    frequency = rng.uniform(0.2, 0.8, 60)
    people = _persons(rng, 20, frequency)
    first, second = _reads(rng, people), _reads(rng, people, lost=0.5, tumour=0.9)
    ref, alt = (np.vstack([first[k], second[k]]) for k in (0, 1))
    near = set(Genotypes(ref, alt, frequency).alike())
    assert {(i, i + 20) for i in range(20)} <= near
    assert len(near) < 60


def test_no_common_site_is_no_answer():
    found = Genotypes([[50, 0], [0, 0]], [[0, 0], [0, 60]], [0.5, 0.5]).compare(0, 1)
    assert (found.n_sites, math.isnan(found.log10_ratio)) == (0, True)


def test_frequencies_of_zero_and_one_leave_every_genotype_possible():
    assert (hardy_weinberg([0.0, 1.0]) > 0).all()
    with pytest.raises(ValueError, match="a frequency is missing"):
        Genotypes([[1]], [[1]], [np.nan])
