"""Contamination: simulated shares come back, intervals hold them, and the likelihood is the sum written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from resistance.stats.contamination import BAD_SITE, _Likelihood, contaminant_support, estimate_contamination


def _sites(rng, share, n=300, depth=800, error=5e-4):
    """Return counts of the other allele at homozygous sites, frequency of that allele, and the contaminant's copies of it."""
    q = rng.uniform(0.1, 0.9, n)
    copies = rng.binomial(2, q)
    depths = rng.poisson(depth, n)
    fraction = error + (1 - error) * share * copies / 2
    return rng.binomial(depths, fraction), depths, q, copies


@pytest.mark.parametrize("share", [0.002, 0.01, 0.05, 0.2])
def test_a_share_comes_back(share):
    rng = np.random.default_rng(int(share * 1000))
    found = estimate_contamination(*_sites(rng, share)[:3])
    assert found.share == pytest.approx(share, rel=0.15)
    assert found.low < found.share < found.high
    assert abs(found.share - share) < 2 * (found.high - found.low)
    assert found.p_value < 1e-6
    assert found.error == pytest.approx(5e-4, rel=0.3)


@pytest.mark.parametrize("share", [0.005, 0.05])
def test_intervals_hold_the_share_as_often_as_they_say(share):
    rng = np.random.default_rng(0)
    held = []
    for _ in range(40):
        found = estimate_contamination(*_sites(rng, share, n=60, depth=400)[:3])
        held.append(found.low <= share <= found.high)
    # binomial: fewer than 34 of 40 would be seen once in 1,000 times at 95 %
    assert sum(held) >= 34


def test_clean_samples_are_rarely_called_contaminated():
    rng = np.random.default_rng(1)
    found = [estimate_contamination(*_sites(rng, 0.0, n=60, depth=400)[:3]) for _ in range(40)]
    assert sum(f.p_value < 0.05 for f in found) <= 6
    assert all(f.low < 1e-3 for f in found)
    assert max(f.high for f in found) < 0.01


def test_the_likelihood_is_the_sum_over_the_contaminants_genotypes():
    rng = np.random.default_rng(2)
    k, n, q, _ = _sites(rng, 0.03, n=10)
    slow = 0.0
    for ki, ni, qi in zip(k, n, q, strict=True):
        total = 0.0
        for copies, prior in enumerate(((1 - qi) ** 2, 2 * qi * (1 - qi), qi * qi)):
            f = 1e-3 + (1 - 1e-3) * 0.02 * copies / 2
            total += prior * ((1 - BAD_SITE) * binom.pmf(ki, ni, f) + BAD_SITE / (ni + 1))
        slow += math.log(total)
    assert _Likelihood(k.astype(float), n.astype(float), q).value(0.02, 1e-3) == pytest.approx(slow, abs=1e-7)


def test_a_few_badly_mapped_sites_are_no_contamination():
    rng = np.random.default_rng(3)
    k, n, q, _ = _sites(rng, 0.0, n=100)
    k[:2] = n[:2] // 5
    found = estimate_contamination(k, n, q)
    assert found.low < 0.002


def test_the_person_who_contaminates_is_told_from_others():
    rng = np.random.default_rng(4)
    k, n, q, copies = _sites(rng, 0.02)
    found = estimate_contamination(k, n, q)
    assert contaminant_support(k, n, q, copies, found.share, found.error) > 20
    assert contaminant_support(k, n, q, rng.binomial(2, q), found.share, found.error) < -20
    assert contaminant_support(k, n, q, np.full(copies.shape, -1), found.share, found.error) == 0


def test_without_a_site_there_is_no_estimate():
    found = estimate_contamination([0], [0], [0.5])
    assert (found.n_sites, math.isnan(found.share)) == (0, True)
    with pytest.raises(ValueError, match="counts from 0 to the depth"):
        estimate_contamination([3], [2], [0.5])
