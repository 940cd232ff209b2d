"""A cohort of a few samples and calls, written as short tuples."""

from __future__ import annotations

import pandas as pd
import pytest

from resistance.cohort import Cohort


def _cohort(samples, calls, *, coverage=(), facts=None):
    """Return a cohort.

    samples: (sample_id, patient_id, material, timepoint, day, plasma_ml, cfdna_ng_per_ml);
    calls: (sample_id, pos, depth, alt_count[, vaf[, filter]]) of C>T on chromosome 1; coverage: (sample_id, gene).
    """
    names = ["sample_id", "patient_id", "material", "timepoint", "day", "plasma_ml", "cfdna_ng_per_ml"]
    table = pd.DataFrame([(*row, *(None,) * (7 - len(row))) for row in samples], columns=names)
    rows = [
        {
            "sample_id": c[0], "build": "GRCh38", "chrom": "1", "pos": c[1], "ref": "C", "alt": "T", "depth": c[2], "alt_count": c[3],
            "vaf": c[4] if len(c) > 4 and c[4] is not None else (c[3] / c[2] if c[2] and c[3] is not None else None), "filter": c[5] if len(c) > 5 else None, "source": "test.vcf",
        }
        for c in calls
    ]  # fmt: skip
    covered = [{"sample_id": s, "kind": "mutation", "gene": g, "source": "declared"} for s, g in coverage]
    tables = {"samples": table, "patients": pd.DataFrame({"patient_id": sorted(set(table["patient_id"]))})}
    if rows:
        tables["calls"] = pd.DataFrame(rows)
    if covered:
        tables["coverage"] = pd.DataFrame(covered)
    return Cohort(facts={"build": "GRCh38", "name": "test"} | (facts or {}), **tables)


@pytest.fixture
def make_cohort():
    return _cohort
