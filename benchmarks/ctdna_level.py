"""Levels of ctDNA: does the interval of the mean VAF hold at unequal depths, and how long does a cohort take?

    python benchmarks/ctdna_level.py [--patients 200]

Prints the coverage of 95 % intervals by spread of depths (ours, and Clopper and Pearson's of the pooled reads) from simulated
counts, and the seconds for level, response, course and clones of blood cells of a simulated cohort.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd

from resistance.cohort import Cohort
from resistance.config import Ctdna
from resistance.ctdna.course import ctdna_course
from resistance.ctdna.followed import follow
from resistance.ctdna.haematopoiesis import clonal_haematopoiesis
from resistance.ctdna.quantity import quantify
from resistance.ctdna.response import molecular_response
from resistance.stats.fractions import clopper_pearson, mean_fraction

SITES, DRAWS, VISITS = 10, 1000, 8


def coverage() -> pd.DataFrame:
    """Return the coverage by mean VAF and spread of depths; VAFs differ between the sites as gamma(2) variables do."""
    rng, rows = np.random.default_rng(1), []
    for vaf in (0.001, 0.01, 0.1):
        for spread in (0.0, 0.5, 1.5):
            depth = np.maximum(np.round(np.exp(rng.normal(np.log(2000), spread, SITES))), 20).astype(int)
            truth = np.minimum(vaf * rng.gamma(2, 0.5, SITES), 1.0)
            draws = rng.binomial(depth, truth, (DRAWS, SITES))
            ours = [mean_fraction(x, depth) for x in draws]
            low, high = clopper_pearson(draws.sum(axis=1), depth.sum())
            mean = truth.mean()
            rows.append(
                {
                    "vaf": vaf,
                    "sd of log depth": spread,
                    "ours": np.mean([e.low <= mean <= e.high for e in ours]),
                    "pooled": np.mean((low <= mean) & (mean <= high)),
                }
            )
    return pd.DataFrame(rows)


def cohort(patients: int) -> Cohort:
    """Return a cohort with tumour, white cells and eight plasma samples of each patient, 20 variants each."""
    rng = np.random.default_rng(2)
    samples, calls = [], []
    for p in range(patients):
        positions = np.sort(rng.choice(10**7, 2 * SITES, replace=False)) + 1
        for name, material, alt, depth in ((f"T{p}", "tumour", 100, 300), (f"G{p}", "germline", 0, 500)):
            samples.append((name, f"P{p}", material, "baseline", 0, None, None))
            calls += [(name, int(pos), depth, alt) for pos in positions]
        for visit in range(VISITS):
            name = f"A{p}_{visit}"
            samples.append((name, f"P{p}", "plasma", "on_treatment" if visit else "baseline", 28 * visit, 4.0, 10.0))
            depth = rng.integers(1000, 5000, positions.size)
            alt = rng.binomial(depth, 0.1 * 10 ** (-0.7 * min(visit, 9 - visit)))
            calls += list(zip([name] * positions.size, positions.tolist(), depth.tolist(), alt.tolist(), strict=True))
    columns = ["sample_id", "patient_id", "material", "timepoint", "day", "plasma_ml", "cfdna_ng_per_ml"]
    table = pd.DataFrame(samples, columns=columns)
    counts = pd.DataFrame(calls, columns=["sample_id", "pos", "depth", "alt_count"])
    counts = counts.assign(
        build="GRCh38", chrom="1", ref="C", alt="T", vaf=counts["alt_count"] / counts["depth"], source="simulated"
    )
    people = pd.DataFrame({"patient_id": sorted(set(table["patient_id"]))})
    return Cohort(facts={"build": "GRCh38", "name": "simulated"}, samples=table, patients=people, calls=counts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--patients", type=int, default=200)
    print(coverage().to_string(index=False, float_format="{:.3f}".format))
    data, settings = cohort(parser.parse_args().patients), Ctdna()
    marks = [time.perf_counter()]
    followed = follow(data, settings)
    marks.append(time.perf_counter())
    quantity = quantify(data, settings, followed=followed)
    marks.append(time.perf_counter())
    molecular_response(quantity, settings)
    ctdna_course(quantity, data.endpoints, settings)
    clonal_haematopoiesis(followed)
    marks.append(time.perf_counter())
    seconds = np.diff(marks)
    print(
        f"{len(quantity):,} plasma samples: followed {seconds[0]:.1f} s, level {seconds[1]:.1f} s, response and course {seconds[2]:.1f} s"
    )


if __name__ == "__main__":
    main()
