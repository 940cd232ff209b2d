"""Cox regression beside statsmodels' PHReg, on the same simulated patients in one run: ratios of medians.

python benchmarks/cox.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from statsmodels.duration.hazard_regression import PHReg

from resistance.stats.cox import cox


def median_seconds(run: Callable[[], object], times: int = 5) -> float:
    """Return the median of several runs after one warm-up."""
    run()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def main() -> None:
    print("| patients | columns | PHReg.fit, s | cox() with likelihood-ratio p, s | ratio |\n|---|---|---|---|---|")
    for n, k in ((120, 3), (500, 5), (1000, 5), (5000, 5)):
        draw = np.random.default_rng(1)
        follow_up, event = draw.exponential(300, n).round(), draw.random(n) < 0.6
        columns = np.column_stack([draw.random(n) < 0.1, draw.normal(size=(n, k - 1))]).astype(float)
        strata = draw.integers(0, 4, n)
        model = PHReg(follow_up, columns, status=event.astype(float), strata=strata, ties="efron")
        peer = median_seconds(model.fit)
        ours = median_seconds(partial(cox, follow_up, event, columns, strata=strata, tested=[0]))
        print(f"| {n} | {k} | {peer:.4f} | {ours:.4f} | {peer / ours:.1f} |")


if __name__ == "__main__":
    main()
