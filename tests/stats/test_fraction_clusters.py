"""Variants that move together are found together, and how many groups there are is not made up."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp
from sklearn.metrics import adjusted_rand_score

from resistance.stats.fraction_clusters import cluster_fractions

COURSES = np.array([[0.4, 0.1, 0.4], [0.2, 0.3, 0.05], [0.0, 0.0, 0.2]])


def simulated(size=60, seed=2, rho=0.0):
    rng = np.random.default_rng(seed)
    truth = np.arange(size) % 3
    fraction = COURSES[truth]
    if rho:
        fraction = np.where(
            fraction > 0, rng.beta(np.maximum(fraction, 1e-9) * (1 - rho) / rho, (1 - fraction) * (1 - rho) / rho), 0
        )
    reads = rng.integers(300, 3000, (size, 3))
    return truth, rng.binomial(reads, fraction), reads


def test_three_courses_are_found_and_numbered_from_the_largest():
    truth, mutant, reads = simulated()
    found = cluster_fractions(mutant, reads)
    assert (found.cluster - 1).tolist() == truth.tolist()
    assert found.fraction == pytest.approx(COURSES, abs=0.01)
    assert found.converged
    assert int(found.bic.argmin()) == 2


def test_the_criterion_is_that_of_the_likelihood_at_its_maximum():
    _, mutant, reads = simulated()
    found = cluster_fractions(mutant, reads)
    share = np.bincount(found.cluster)[1:] / len(mutant)
    f = np.clip(found.fraction, 1e-6, 1 - 1e-6)
    each = np.array([[(x * np.log(p) + (n - x) * np.log1p(-p)).sum() for p in f] for x, n in zip(mutant, reads, strict=True)])
    by_hand = -2 * logsumexp(each + np.log(share), axis=1).sum() + (3 * 3 + 2) * np.log(len(mutant))
    assert found.bic.min() == pytest.approx(by_hand, rel=1e-9)


def test_libraries_that_differ_make_no_clusters():
    rho, rng = 5e-4, np.random.default_rng(3)
    numbers = []
    for _ in range(10):
        reads = rng.integers(300, 3000, (40, 2))
        mutant = rng.binomial(reads, rng.beta(0.3 * (1 - rho) / rho, 0.7 * (1 - rho) / rho, (40, 2)))
        numbers.append(cluster_fractions(mutant, reads, overdispersion=rho).cluster.max())
    assert max(numbers) == 1


def test_unread_samples_say_nothing_and_unread_variants_have_no_cluster():
    truth, mutant, reads = simulated()
    mutant, reads = mutant.astype(float), reads.astype(float)
    reads[::7, 1] = np.nan
    reads[5] = 0
    found = cluster_fractions(mutant, reads)
    assert found.cluster[5] == 0
    assert np.isnan(found.probability[5])
    rest = np.arange(60) != 5
    assert adjusted_rand_score(truth[rest], found.cluster[rest]) == 1


def test_background_is_taken_off():
    rng = np.random.default_rng(4)
    reads = np.full((20, 2), 5000)
    mutant = rng.binomial(reads, [[0.002, 0.102 - 0.1 * 0.002]] * 20)
    found = cluster_fractions(mutant, reads, background=0.002)
    assert found.fraction[0] == pytest.approx([0, 0.1], abs=1e-3)


def test_order_of_the_variants_does_not_matter():
    _, mutant, reads = simulated(rho=5e-4)
    turned = cluster_fractions(mutant[::-1], reads[::-1], overdispersion=5e-4)
    assert cluster_fractions(mutant, reads, overdispersion=5e-4).cluster.tolist() == turned.cluster[::-1].tolist()


def test_few_variants_and_none():
    assert cluster_fractions([[10, 20]], [[100, 100]]).cluster.tolist() == [1]
    assert cluster_fractions(np.zeros((0, 2)), np.zeros((0, 2))).cluster.tolist() == []


def test_tables_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match=r"mutant reads of shape \(1, 2\), reads of shape \(1, 3\)"):
        cluster_fractions([[1, 2]], [[1, 2, 3]])
