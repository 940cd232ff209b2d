"""Genetic subtype at size: seconds and peak memory of the mixture (2,500 x 200), of the classifier and of the rules.

python benchmarks/subtype_genetic.py
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from resistance.stats.bernoulli_mixture import choose_bernoulli_mixture, fit_bernoulli_mixture
from resistance.subtype import chapuy, event_model, lymphplex
from resistance.subtype.events import Events

SAMPLES, FEATURES, CLASSES = 2500, 200, 6


def planted(n: int, d: int, k: int, gaps: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return a binary matrix of k classes with as many events as tumours have, and the classes."""
    draw = np.random.default_rng(1)
    rates = draw.beta(0.3, 3.0, size=(k, d))
    classes = draw.choice(k, n)
    x = (draw.random((n, d)) < rates[classes]).astype(np.float64)
    x[draw.random(x.shape) < gaps] = np.nan
    return x, classes


def timed(words: str, work: Callable[[], Any]) -> Any:
    """Run `work` and print its seconds and the memory so far."""
    start = time.perf_counter()
    out = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{words:72s} {time.perf_counter() - start:8.2f} s   {peak:6.0f} MB")
    return out


def main() -> None:
    """Print one line per task."""
    x, _ = planted(SAMPLES, FEATURES, CLASSES, 0.0)
    gappy, _ = planted(SAMPLES, FEATURES, CLASSES, 0.3)
    for words, data in (("", x), (", 30 % not seen", gappy)):
        fit = timed(
            f"mixture of 6 on {SAMPLES} x {FEATURES}{words}, 20 starts",
            lambda data=data: fit_bernoulli_mixture(data, CLASSES, rng=np.random.default_rng(1)),
        )
        print(f"    {fit.iterations} steps, converged: {fit.converged}")
    best, _ = timed(
        "the same, 2 to 8 classes, choice by ICL", lambda: choose_bernoulli_mixture(x, range(2, 9), rng=np.random.default_rng(1))
    )
    print(f"    {best.k} classes chosen, {CLASSES} planted")
    table = pd.DataFrame(2 * x, index=[f"S{i}" for i in range(SAMPLES)], columns=[f"GENE{i}" for i in range(FEATURES)])
    _, classes = planted(SAMPLES, FEATURES, CLASSES, 0.0)
    labels = {f"S{i}": f"C{c}" for i, c in enumerate(classes)}
    model = timed(
        f"classifier trained and cross-validated on {SAMPLES} x {FEATURES}", lambda: event_model.train(Events(table, {}), labels)
    )
    timed(f"classifier applied to {SAMPLES}", lambda: event_model.call(model, Events(table, {})))
    timed(f"classifier applied to {SAMPLES}, half of the events not seen", lambda: event_model.call(model, Events(table.iloc[:, ::2], {}), max_weight_missing=1))  # fmt: skip
    many = pd.DataFrame(
        np.random.default_rng(2).choice([0.0, 1.0, 2.0], size=(10_000, len(chapuy.METHOD.features)), p=(0.9, 0.05, 0.05)),
        index=[f"S{i}" for i in range(10_000)], columns=list(chapuy.METHOD.features),
    )  # fmt: skip
    timed("chapuy on 10,000", lambda: chapuy.call(Events(many, {})))
    timed(
        "lymphplex on 10,000",
        lambda: lymphplex.call(Events(many.reindex(columns=list(lymphplex.METHOD.features), fill_value=0.0), {})),
    )


if __name__ == "__main__":
    main()
