"""A variant is new only where the baseline could have shown it."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from scipy.stats import fisher_exact

from resistance.config import Ctdna
from resistance.ctdna.emergence import find_emergence
from resistance.schemas import EFFECTS
from resistance.tables import conform, empty

#: libraries that differ by the drawing of reads alone: the test is Fisher's
BINOMIAL = Ctdna(emergence_overdispersion=0)
PLASMA = [("A", "P1", "plasma", "baseline", 0), ("B", "P1", "plasma", "relapse", 200)]


def effect(pos, gene="CRBN", hgvsp="W386*", effect_class="truncating"):
    return {
        "build": "GRCh38", "chrom": "1", "pos": pos, "ref": "C", "alt": "T", "gene": gene, "effect_class": effect_class,
        "hgvsp": hgvsp, "source": "file:CSQ",
    }  # fmt: skip


def find(make_cohort, samples, calls, effects=(), settings=BINOMIAL, **more):
    frame = conform(pd.DataFrame(list(effects)), EFFECTS) if effects else empty(EFFECTS)
    return find_emergence(make_cohort(samples, calls, **more), frame, settings)


def test_a_variant_read_deeply_and_not_seen_before_is_emergent(make_cohort):
    row = find(make_cohort, PLASMA, [("A", 100, 2000, 0), ("B", 100, 2000, 60)], [effect(100)]).iloc[0]
    assert row["change"] == "emergent"
    assert (row["gene"], row["hgvsp"]) == ("CRBN", "W386*")
    assert row["p_value"] == pytest.approx(fisher_exact([[0, 60], [2000, 1940]]).pvalue, rel=1e-9)
    assert row["q_value"] == row["p_value"]
    assert (row["baseline_depth"], row["later_vaf"], row["timepoint"]) == (2000, 0.03, "relapse")


def test_a_variant_not_seen_at_low_depth_is_not_new(make_cohort):
    # 60 reads miss a VAF of 3 % with probability .97 ** 60 = .16
    row = find(make_cohort, PLASMA, [("A", 100, 60, 0), ("B", 100, 2000, 60)]).iloc[0]
    assert row["change"] == "not_assessable"
    assert row["note"] == "60 baseline reads miss a VAF of 0.03 with probability 0.16"


@pytest.mark.parametrize("written", ["PASS", "not_called"])
def test_reads_that_errors_explain_do_not_make_a_variant_old(make_cohort, written):
    # at an error rate of 1e-4, one error or more in 4,248 reads has probability .35
    row = find(make_cohort, PLASMA, [("A", 100, 4248, 1, None, written), ("B", 100, 1525, 309)]).iloc[0]
    assert row["change"] == "emergent"
    assert row["note"] == "1 of 4248 reads at baseline, no more than sequencing errors"


def test_more_reads_than_errors_explain_are_a_variant_known_before(make_cohort):
    few = find(make_cohort, PLASMA, [("A", 100, 4248, 4), ("B", 100, 1525, 309)])  # p = .0009
    shallow = find(make_cohort, PLASMA, [("A", 100, 100, 1), ("B", 100, 1525, 309)])  # p = .01
    assert few["change"].tolist() == shallow["change"].tolist() == ["expanding"]


def test_an_error_in_another_baseline_sample_does_not_make_a_variant_old(make_cohort):
    samples = [("T", "P1", "tumour", "baseline", -3), *PLASMA]
    calls = [("T", 100, 4000, 1), ("A", 100, 2000, 0), ("B", 100, 2000, 60)]
    assert find(make_cohort, samples, calls)["change"].tolist() == ["emergent"]


def test_no_row_at_baseline_and_no_coverage_is_not_assessable(make_cohort):
    row = find(make_cohort, PLASMA, [("A", 900, 2000, 100), ("B", 100, 2000, 60)], [effect(100)]).set_index("pos").loc[100]
    assert row["change"] == "not_assessable"
    assert "depth of the baseline sample is not known" in row["note"]
    assert math.isnan(row["p_value"])


def test_no_row_at_baseline_where_the_gene_was_assayed_deeply_is_emergent(make_cohort):
    calls = [("A", 900, 2000, 100), ("A", 901, 1600, 100), ("B", 100, 2000, 60)]
    table = find(make_cohort, PLASMA, calls, [effect(100)], coverage=[("A", "CRBN")])
    row = table.set_index("pos").loc[100]
    assert row["change"] == "emergent"
    assert row["baseline_depth"] is pd.NA
    assert "taken as 0 of 1700 reads" in row["note"]  # lower quartile of 2000 and 1600


def test_an_assay_of_another_gene_says_nothing(make_cohort):
    calls = [("A", 900, 2000, 100), ("B", 100, 2000, 60)]
    row = find(make_cohort, PLASMA, calls, [effect(100)], coverage=[("A", "TP53")]).set_index("pos").loc[100]
    assert row["change"] == "not_assessable"


def test_a_whole_exome_covers_every_gene_but_a_shallow_one_does_not_prove_absence(make_cohort):
    calls = [("A", 900, 40, 20), ("B", 100, 2000, 60)]
    row = find(make_cohort, PLASMA, calls, [effect(100)], coverage=[("A", "*")]).set_index("pos").loc[100]
    assert row["change"] == "not_assessable"
    assert "40 baseline reads miss" in row["note"]


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ((20, 2000), (200, 2000), "expanding"),
        ((200, 2000), (20, 2000), "shrinking"),
        ((200, 2000), (0, 2000), "cleared"),
        ((100, 2000), (101, 2000), "stable"),
        ((200, 2000), (0, 10), "not_assessable"),
        ((0, 2000), (5, 2000), "stable"),  # p = .06
        # at 1e-4 a read of 2,000 may be an error, two stand out: a VAF of .002 would be missed with probability .09
        ((0, 2000), (4, 2000), "not_assessable"),
    ],
)
def test_classes(make_cohort, before, after, change):
    calls = [("A", 100, before[1], before[0]), ("B", 100, after[1], after[0])]
    assert find(make_cohort, PLASMA, calls)["change"].tolist() == [change]


def test_a_small_later_vaf_is_not_called_emergent(make_cohort):
    row = find(make_cohort, PLASMA, [("A", 100, 50000, 0), ("B", 100, 50000, 100)]).iloc[0]
    assert row["change"] == "stable"
    assert "below the least later VAF" in row["note"]


def test_a_variant_of_the_baseline_tumour_is_not_new_in_plasma(make_cohort):
    samples = [("T", "P1", "tumour", "baseline", -3), *PLASMA]
    row = find(make_cohort, samples, [("T", 100, 100, 30), ("A", 100, 2000, 0), ("B", 100, 2000, 60)]).iloc[0]
    assert row["change"] == "expanding"
    assert "not new: seen in the tumour before treatment" in row["note"]


def test_a_variant_of_white_cells_is_not_new(make_cohort):
    samples = [("G", "P1", "germline", "baseline", 0), *PLASMA]
    row = find(make_cohort, samples, [("G", 100, 1000, 20), ("A", 100, 2000, 0), ("B", 100, 2000, 60)]).iloc[0]
    assert row["change"] == "expanding"
    assert "germline" in row["note"]


def test_tumour_is_compared_with_tumour_where_there_is_no_plasma(make_cohort):
    samples = [
        ("T", "P1", "tumour", "baseline", -3),
        ("R", "P1", "tumour", "relapse", 200),
        ("G", "P1", "germline", "baseline", 0),
    ]
    table = find(make_cohort, samples, [("T", 100, 300, 0), ("R", 100, 300, 78)])
    assert table[["baseline_sample_id", "sample_id", "change"]].to_numpy().tolist() == [["T", "R", "emergent"]]


def test_plasma_is_not_compared_with_tumour(make_cohort):
    samples = [("T", "P1", "tumour", "baseline", -3), ("B", "P1", "plasma", "relapse", 200)]
    assert find(make_cohort, samples, [("T", 100, 300, 0), ("B", 100, 300, 78)]).empty


def test_false_discovery_rate_is_within_the_patient(make_cohort):
    samples = [*PLASMA, ("C", "P2", "plasma", "baseline", 0), ("D", "P2", "plasma", "relapse", 100)]
    calls = []
    for i in range(10):  # P1: ten variants, one of them changed; P2: one changed variant
        calls += [("A", 100 + i, 1000, 100), ("B", 100 + i, 1000, 130 if i == 0 else 100)]
    calls += [("C", 100, 1000, 100), ("D", 100, 1000, 130)]
    table = find(make_cohort, samples, calls)
    p = fisher_exact([[100, 130], [900, 870]]).pvalue
    one = table[table["patient_id"] == "P1"].set_index("pos").loc[100]
    two = table[table["patient_id"] == "P2"].iloc[0]
    assert one["p_value"] == two["p_value"] == pytest.approx(p)
    assert one["q_value"] == pytest.approx(10 * p)
    assert two["q_value"] == pytest.approx(p)
    assert (one["change"], two["change"]) == ("stable", "expanding")
    assert (table["q_value"] >= table["p_value"]).all()


def test_order_of_the_rows_does_not_matter(make_cohort):
    samples = [*PLASMA, ("C", "P1", "plasma", "on_treatment", 28)]
    calls = [("A", 100, 2000, 0), ("B", 100, 2000, 60), ("C", 100, 2000, 10), ("A", 50, 2000, 90), ("C", 50, 2000, 9)]
    forwards = find(make_cohort, samples, calls)
    backwards = find(make_cohort, samples[::-1], calls[::-1])
    pd.testing.assert_frame_equal(forwards, backwards)
    assert forwards["sample_id"].tolist() == ["C", "C", "B", "B"]


def test_a_gene_whose_protein_changes_is_named_before_one_with_a_silent_effect(make_cohort):
    effects = [effect(100, "AAA", None, "noncoding"), effect(100, "CRBN")]
    assert find(make_cohort, PLASMA, [("A", 100, 2000, 0), ("B", 100, 2000, 60)], effects)["gene"].tolist() == ["CRBN"]


def test_call_without_counts_is_not_assessable(make_cohort):
    row = find(make_cohort, PLASMA, [("A", 100, 2000, 0), ("B", 100, None, None)]).iloc[0]
    assert row["change"] == "not_assessable"
    assert "a call without depth" in row["note"]
