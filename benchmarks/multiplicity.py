"""Seconds for what a family of many tests costs: learned weights, and max-T of complete and of partly assessed markers.

python benchmarks/multiplicity.py --tests 5000 20000 100000 --markers 2000 20000
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from resistance.stats.independent_weights import independent_weights
from resistance.stats.multiplicity import adjust
from resistance.stats.permutation import permutation_scan


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds of a call and what it returned."""
    start = time.perf_counter()
    found = call()
    return time.perf_counter() - start, found


def weights(tests: int) -> str:
    """Time weights of tests of which the upper 30 % of the covariate have effects more often."""
    draw = np.random.default_rng(tests)
    covariate = draw.random(tests)
    real = draw.random(tests) < 0.3 * (covariate > 0.7)
    p = np.where(real, draw.beta(0.3, 30, tests), draw.random(tests))
    seconds, found = timed(lambda: independent_weights(p, covariate, seed=1))
    plain = int((adjust(p, "bh") <= 0.05).sum())
    return f"{tests:>9,} tests {found.labels.size:>3} bins  {seconds:8.2f} s  rejected {found.rejected:,} (without weights {plain:,})"


def max_t(markers: int, missing: float, patients: int = 500, permutations: int = 9999) -> str:
    """Time max-T of binary markers of which each lacks a share of the patients."""
    draw = np.random.default_rng(1)
    states = (draw.random((patients, markers)) < 0.1).astype(np.int8)
    states[draw.random(states.shape) < missing] = -1
    strata, follow, event = draw.integers(0, 4, patients), draw.exponential(size=patients), draw.random(patients) < 0.6
    seconds, _ = timed(
        lambda: permutation_scan(follow, event, states, strata=strata, permutations=permutations, seed=1, adjust="max_t")
    )
    return f"{markers:>9,} markers, {missing:.0%} not assessed  {seconds:8.2f} s  ({patients} patients, {permutations:,} permutations)"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", type=int, nargs="*", default=[5000, 20_000, 100_000])
    parser.add_argument("--markers", type=int, nargs="*", default=[2000])
    asked = parser.parse_args()
    for tests in asked.tests:
        print(weights(tests))
    for markers in asked.markers:
        for missing in (0.0, 0.1):
            print(max_t(markers, missing))


if __name__ == "__main__":
    main()
