"""How many reads are a detection, and which fraction would have been detected: against the binomial itself."""

from __future__ import annotations

import pytest
from scipy.stats import binom

from resistance.stats.detected_reads import detection_limit, least_count


@pytest.mark.parametrize("depth", [1, 300, 512, 514, 1000, 4248, 30_000, 1_000_000])
@pytest.mark.parametrize("rate", [1e-6, 1e-4, 1e-3])
def test_the_least_count_is_the_first_that_errors_rarely_reach(depth, rate):
    found = next(c for c in range(1, 10_000) if binom.sf(c - 1, depth, rate) <= 0.05)
    assert least_count(depth, rate) == found


def test_without_errors_one_read_is_a_detection():
    assert least_count(10**6, 0.0) == 1


def test_the_limit_is_that_of_the_published_examples():
    # 95 % at VAF 1e-4 with one variant needs 29,957 genomes; 3,000 genomes x 10 variants find 1e-4 with .95022
    assert detection_limit([29957]) == pytest.approx(1e-4, rel=1e-4)
    assert detection_limit([3000] * 10) < 1e-4
    assert pytest.approx(0.95022, abs=1e-5) == 1 - (1 - 1e-4) ** 30000


@pytest.mark.parametrize(("depths", "rate"), [([2000], 0.0), ([1000, 1000], 1e-4), ([5000] * 20, 1e-4), ([100, 9000], 1e-3)])
def test_at_the_limit_a_sample_is_detected_with_probability_95(depths, rate):
    limit, total = detection_limit(depths, 1, rate), sum(depths)
    assert binom.sf(least_count(total, rate) - 1, total, limit) == pytest.approx(0.95, abs=1e-9)


def test_more_reads_of_one_site_raise_the_limit():
    two = detection_limit([1000, 1000], 2)
    assert 1 - binom.cdf(1, 1000, two) ** 2 == pytest.approx(0.95, abs=1e-9)
    assert two > detection_limit([1000, 1000])
    assert detection_limit([1, 1], 2) == 1.0


def test_where_both_conditions_bind_neither_is_forgotten():
    depths, rate = [2000] * 30, 1e-3
    limit = detection_limit(depths, 3, rate)
    assert limit >= detection_limit(depths, 3)
    assert limit >= detection_limit(depths, 1, rate)


def test_too_few_reads_can_detect_nothing():
    assert detection_limit([1], 1, 0.2) == 1.0


@pytest.mark.parametrize(("depths", "count"), [([0], 1), ([], 1), ([-1, 5], 1), ([5], 0)])
def test_no_reads_have_no_limit(depths, count):
    with pytest.raises(ValueError, match="a depth above 0"):
        detection_limit(depths, count)


def test_a_rate_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="error_rate"):
        least_count(10, 1.0)
