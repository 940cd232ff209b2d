"""LPS, PS and PRPS on 10,000 samples x 20,000 genes: seconds of training and of applying, and peak memory; gene sets on 500 samples.

python benchmarks/subtype.py [--samples N] [--genes M] [--scaling KIND ...] [--gene-sets METHOD ...]

Log2 values in single precision, 2 % of them missing; half of the samples are of each class, and 200 genes differ.  The peer does
what a script would do: scipy's Welch test over the whole table, and one matrix product.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from resistance.subtype.apply_model import Options, apply_model
from resistance.subtype.expression import Expression
from resistance.subtype.expression_scores import score_expression
from resistance.subtype.gene_sets import score_gene_sets
from resistance.subtype.train_model import train_model

DIFFERENT, MISSING = 200, 0.02


def simulate(genes: int, samples: int) -> tuple[Expression, dict[str, str | None]]:
    """Return expression and labels."""
    draw = np.random.default_rng(1)
    values = draw.standard_normal((genes, samples), dtype=np.float32)
    values += draw.uniform(2, 12, (genes, 1)).astype(np.float32)
    values[:DIFFERENT, : samples // 2] += np.float32(0.8)
    for start in range(0, genes, 1000):
        block = values[start : start + 1000]
        block[draw.random(block.shape, dtype=np.float32) < MISSING] = np.nan
    names = tuple(f"S{j}" for j in range(samples))
    labels: dict[str, str | None] = {name: "ABC" if j < samples // 2 else "GCB" for j, name in enumerate(names)}
    return Expression(tuple(f"GENE{i}" for i in range(genes)), names, values, "log2", "simulated"), labels


def peer(table: Expression, one: Any) -> None:
    """Welch's t of every gene by scipy, in blocks that fit, the best hundred, and their weighted sum."""
    from scipy import stats

    t = np.concatenate(
        [
            stats.ttest_ind(block[:, one], block[:, ~one], axis=1, equal_var=False, nan_policy="omit").statistic
            for block in (table.values[start : start + 1000].astype(np.float64) for start in range(0, len(table.genes), 1000))
        ]
    )
    best = np.argsort(-np.abs(t))[:100]
    np.nan_to_num(table.values[best]).T @ t[best]


def timed(what: str, step: Callable[[], Any]) -> Any:
    """Run and print seconds and the peak memory so far."""
    start, busy = time.perf_counter(), time.process_time()
    out = step()
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{what:<44} {seconds:7.2f} s ({busy:.2f} s of processor)   peak {peak:5.2f} GiB", flush=True)
    return out


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--genes", type=int, default=20_000)
    parser.add_argument("--scaling", nargs="*", default=["none", "quantile"])
    parser.add_argument("--gene-sets", nargs="*", default=["gsva", "ssgsea", "plage", "zscore"], help="Methods for gene sets.")
    parser.add_argument("--gene-set-samples", type=int, default=500)
    parser.add_argument("--peer", action="store_true", help="Also scipy over the whole table (slow).")
    options = parser.parse_args()
    table, labels = timed("simulate (the table itself)", lambda: simulate(options.genes, options.samples))
    for scaling in options.scaling:
        model = timed(f"train lps, scaling {scaling}", lambda s=scaling: train_model(table, labels, scaling=s, folds=0))
        calls = timed(f"apply lps, scaling {scaling}", lambda m=model: apply_model(m, table))
        right = (calls["subtype"] == calls["sample_id"].map(labels)).mean()
        print(f"    {right:.1%} called right")
    timed("train lps with five parts left out in turn", lambda: train_model(table, labels, folds=5))
    for rule in ("ps", "prps"):
        model = timed(f"train {rule}", lambda r=rule: train_model(table, labels, r, folds=0))
        timed(f"apply {rule}", lambda m=model: apply_model(m, table, Options(densities="training")))
    named = Expression(
        (*_score_genes(), *table.genes)[: len(table.genes)], table.samples, table.values, table.unit, table.platform
    )
    timed("all gene-set scores", lambda: score_expression(named))
    few = table.select(table.samples[: options.gene_set_samples])
    whole = Expression(few.genes, few.samples, np.nan_to_num(few.values, nan=7.0), few.unit, few.platform)
    sets = {f"SET{k}": [f"GENE{i}" for i in range(k, len(few.genes), 200)] for k in range(50)}
    for method in options.gene_sets:
        what = f"{method}, {len(sets)} sets of {len(sets['SET0'])} genes, {len(few.samples)} samples"
        timed(what, lambda m=method: score_gene_sets(whole, sets, m))
    if options.peer:
        one = np.array([label == "ABC" for label in labels.values()])
        timed("peer: scipy and a product", lambda: peer(table, one))


def _score_genes() -> list[str]:
    from resistance.subtype.published import load_scores

    return list(dict.fromkeys(gene for of in load_scores().values() for gene in of.weights))


if __name__ == "__main__":
    main()
