"""Fractions written with all digits are ratios of whole numbers."""

from __future__ import annotations

from math import gcd

import numpy as np

from resistance.stats.whole_ratio import smallest_ratio


def test_every_ratio_of_reads_is_found_in_lowest_terms():
    for n in (*range(1, 120), 4999, 19999):
        for a in range(0, n + 1, max(1, n // 37)):
            found_a, found_n = smallest_ratio([float(f"{a / n:.15g}")])
            assert (int(found_a[0]), int(found_n[0])) == (a // gcd(a, n), n // gcd(a, n))


def test_a_rounded_fraction_and_nothing_give_nothing():
    a, n = smallest_ratio([0.12345678912, np.nan])
    assert a.tolist() == [-1, -1]
    assert n.tolist() == [-1, -1]
