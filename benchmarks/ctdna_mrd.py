"""How fast the tests for minimal residual disease are: 1,000 samples of 50 sites, 10,000 draws.

python benchmarks/ctdna_mrd.py [--samples 1000] [--sites 50] [--draws 10000] [--threads 1]
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from resistance.stats.mrd.exact import exact_test
from resistance.stats.mrd.likelihood_ratio import likelihood_ratio_test
from resistance.stats.mrd.limits import limits
from resistance.stats.mrd.monte_carlo import monte_carlo_test, monte_carlo_tests
from resistance.stats.mrd.sites import make_sites


def plain_numpy(alt: np.ndarray, depths: np.ndarray, rate: float, draws: int, generator: np.random.Generator) -> float:
    """The test as one would write it: every count of every draw."""
    counts = generator.binomial(depths, rate, size=(draws, len(depths)))
    hits = ((counts / depths).mean(axis=1) >= (alt / depths).mean()) & ((counts > 0).sum(axis=1) >= (alt > 0).sum())
    return (hits.sum() + 1) / (draws + 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--sites", type=int, default=50)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=1)
    a = parser.parse_args()
    generator = np.random.default_rng(1)
    print(f"{a.samples} samples, {a.sites} sites, {a.draws} draws, {a.threads} thread(s)")
    for name, low, high, rate in (("depth 1,000-3,000", 1000, 3000, 1e-4 / 3), ("depth 5,000-20,000", 5000, 20_000, 1e-4 / 3)):
        depths = generator.integers(low, high, (a.samples, a.sites))
        alt = generator.binomial(depths, rate)
        alt[alt.sum(axis=1) == 0, 0] = 1  # a sample without any read needs no draw
        problems = [(x, d, rate) for x, d in zip(alt, depths, strict=True)]
        monte_carlo_test(*problems[0], draws=100)
        start = time.perf_counter()
        found = monte_carlo_tests(problems, draws=a.draws, seed=1, threads=a.threads)
        print(f"{name}: monte_carlo {time.perf_counter() - start:.2f} s (p from {min(f.p_value for f in found):.2g})")
        few = problems[:20]
        start = time.perf_counter()
        for problem in few:
            plain_numpy(*problem, a.draws, generator)
        print(f"  plain numpy {(time.perf_counter() - start) / len(few) * a.samples:.1f} s (from {len(few)} samples)")
        exact_test(*problems[0])
        start = time.perf_counter()
        for problem in problems[:100]:
            exact_test(*problem)
        print(f"  exact {(time.perf_counter() - start) * 10:.1f} ms a sample")
        start = time.perf_counter()
        for _, d, r in few:
            limits(make_sites(d, r))
        print(f"  limits {(time.perf_counter() - start) / len(few) * 1e3:.1f} ms a sample")
        likelihood_ratio_test(*problems[0], 0.3, draws=100, power_draws=10)
        start = time.perf_counter()
        for x, d, r in few:
            likelihood_ratio_test(x, d, r, 0.3, draws=a.draws)
        print(f"  likelihood_ratio with its limits {(time.perf_counter() - start) / len(few) * 1e3:.1f} ms a sample")
    print(f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
