"""Reads inferred from fractions that are written with all their digits."""

from __future__ import annotations

import pandas as pd
import pytest

from resistance.config import Ctdna
from resistance.ctdna.emergence import compare
from resistance.ctdna.named import count_named, inferred_reads
from resistance.schemas import PAIRED_VARIANTS
from resistance.tables import conform


def table(*rows, infer=True):
    """Rows: sample, timepoint, variant, vaf[, depth]."""
    frame = pd.DataFrame(
        [
            {
                "patient_id": "P1", "sample_id": r[0], "material": "tumour", "timepoint": r[1], "variant": r[2], "gene": r[2],
                "vaf": r[3], "depth": r[4] if len(r) > 4 else None, "infer_depth": infer, "source": "x.tsv",
            }
            for r in rows
        ]
    )  # fmt: skip
    return conform(frame, PAIRED_VARIANTS)


def test_the_usual_depth_is_the_lower_quartile_of_the_denominators_and_each_fraction_reaches_it():
    frame = table(*[("A", "baseline", f"V{i}", vaf) for i, vaf in enumerate([11 / 42, 7 / 50, 13 / 60, 1 / 3, 0.0, 1.0])])
    # denominators 42, 50, 60 and 3: the lower quartile is 32.25; 1/3 is 11/33 or more
    assert inferred_reads(frame).tolist() == [42, 50, 60, 33, 32, 32]


def test_fewer_than_three_fractions_give_no_usual_depth():
    frame = table(("A", "baseline", "V1", 11 / 42), ("A", "baseline", "V2", 0.0))
    assert inferred_reads(frame).isna().tolist() == [True, True]


def test_given_depths_are_kept():
    counted = count_named(table(("A", "baseline", "V1", 0.25, 400), ("A", "baseline", "V2", 11 / 42)), Ctdna())
    assert counted.counts["reads"].iloc[0] == 400
    assert counted.counts["mutant"].iloc[0] == 100
    assert not counted.counts["inferred"].any()


def test_without_depth_nothing_is_new():
    frame = table(("A", "baseline", "V1", 0.0), ("B", "relapse", "V1", 0.4), infer=False)
    row = compare(count_named(frame, Ctdna()), Ctdna()).iloc[0]
    assert row["change"] == "not_assessable"
    assert "depth of the baseline sample is not known" in row["note"]


def test_a_variant_without_a_row_in_the_other_sample_was_not_looked_for():
    frame = table(("A", "baseline", "V1", 0.5, 100), ("B", "relapse", "V1", 0.5, 100), ("B", "relapse", "V2", 0.4, 100))
    rows = compare(count_named(frame, Ctdna()), Ctdna()).set_index("gene")
    assert rows.loc["V2", "change"] == "not_assessable"
    assert rows.loc["V1", "change"] == "stable"


@pytest.mark.parametrize(("reads", "change"), [(400, "emergent"), (12, "not_assessable")])
def test_a_new_variant_needs_reads_at_both_times(reads, change):
    frame = table(("A", "baseline", "V1", 0.0, reads), ("B", "relapse", "V1", 0.2, 400))
    assert compare(count_named(frame, Ctdna()), Ctdna())["change"].tolist() == [change]
