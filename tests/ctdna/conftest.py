"""A cohort of a few samples and calls, written as short tuples."""

from __future__ import annotations

import pandas as pd
import pytest

from resistance.cohort import Cohort

COLUMNS = (
    "sample_id",
    "patient_id",
    "material",
    "timepoint",
    "day",
    "plasma_ml",
    "cfdna_ng_per_ml",
    "cycle",
    "cfdna_ng",
    "purity",
)


def _cohort(samples, calls, *, coverage=(), facts=None, sex=None, measurements=(), copy_number=()):
    """Return a cohort.

    samples: as COLUMNS, the last ones may be left out; sex: patient -> sex; measurements: (sample_id, name, value);
    copy_number: (sample_id, gene, state);
    calls: (sample_id, pos, depth, alt_count[, vaf[, filter]]) of C>T on chromosome 1; coverage: (sample_id, gene).
    """
    table = pd.DataFrame([(*row, *(None,) * (len(COLUMNS) - len(row))) for row in samples], columns=COLUMNS)
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
    if sex:
        tables["patients"]["sex"] = tables["patients"]["patient_id"].map(sex)
    if measurements:
        named = [{"sample_id": s, "kind": "score", "name": n, "value": v, "source": "test.tsv"} for s, n, v in measurements]
        tables["measurements"] = pd.DataFrame(named)
    if copy_number:
        states = [{"sample_id": s, "gene": g, "state": v, "source": "test.seg"} for s, g, v in copy_number]
        tables["copy_number"] = pd.DataFrame(states)
    if covered:
        tables["coverage"] = pd.DataFrame(covered)
    return Cohort(facts={"build": "GRCh38", "name": "test"} | (facts or {}), **tables)


@pytest.fixture
def make_cohort():
    return _cohort
