"""ctDNA per plasma sample, against numbers worked out by hand and published ones."""

from __future__ import annotations

import math

import pytest

from resistance.config import Ctdna
from resistance.ctdna.quantity import detection_limit, pooled_interval, quantify

TUMOUR = ("T", "P1", "tumour", "baseline", -3)


def plasma(name="A", timepoint="baseline", day=0, ml=4.0, ng=10.0):
    return (name, "P1", "plasma", timepoint, day, ml, ng)


def only(table, sample):
    return table[table["sample_id"] == sample].iloc[0]


def test_ten_nanograms_at_ten_percent_are_303_genomes(make_cohort):
    # Devonshire 2014 (PMC4182654): 3.3 pg per haploid genome
    row = quantify(make_cohort([TUMOUR, plasma()], [("T", 100, 100, 40), ("A", 100, 1000, 100)]), Ctdna()).iloc[0]
    assert row["hge_per_ml"] == pytest.approx(303.0303, abs=1e-4)
    assert row["log10_hge_per_ml"] == pytest.approx(2.4815, abs=1e-4)
    assert row["mean_vaf"] == pytest.approx(0.1)
    assert bool(row["detected"])


def test_the_diploid_convention_halves_the_genomes(make_cohort):
    cohort = make_cohort([TUMOUR, plasma()], [("T", 100, 100, 40), ("A", 100, 1000, 100)])
    halved = quantify(cohort, Ctdna(convention_pg_per_haploid_genome=6.6))
    assert halved["hge_per_ml"].iloc[0] == pytest.approx(151.5152, abs=1e-4)


def test_mean_is_over_the_followed_variants_that_were_read_not_over_those_without_a_row(make_cohort):
    calls = [
        ("T", 100, 100, 40),
        ("T", 200, 100, 30),
        ("T", 300, 100, 30),
        ("A", 100, 1000, 20),
        ("A", 200, 500, 0),
        ("A", 900, 50, 50),
    ]
    row = quantify(make_cohort([TUMOUR, plasma()], calls), Ctdna()).iloc[0]
    assert (row["n_tracked"], row["n_assessed"], row["n_detected"]) == (3, 2, 1)
    assert row["mean_vaf"] == pytest.approx((0.02 + 0.0) / 2)
    assert row["lod_vaf"] == pytest.approx(1 - 0.05 ** (1 / 1500), rel=1e-12)
    assert "1 of 3 followed variants were not assessed here" in row["note"]


def test_a_sample_without_any_row_of_the_followed_variants_is_not_assessed_and_not_negative(make_cohort):
    row = quantify(make_cohort([TUMOUR, plasma()], [("T", 100, 100, 40)]), Ctdna()).iloc[0]
    assert row["detected"] is not False
    assert math.isnan(row["mean_vaf"])
    assert row["n_assessed"] == 0
    assert "not assessed, which is not zero" in row["note"]


def test_zero_depth_is_not_assessed(make_cohort):
    row = quantify(make_cohort([TUMOUR, plasma()], [("T", 100, 100, 40), ("A", 100, 0, 0)]), Ctdna()).iloc[0]
    assert row["n_assessed"] == 0


def test_read_and_not_seen_is_zero_with_a_limit_of_detection(make_cohort):
    row = quantify(make_cohort([TUMOUR, plasma()], [("T", 100, 100, 40), ("A", 100, 2000, 0)]), Ctdna()).iloc[0]
    assert not row["detected"]
    assert row["mean_vaf"] == 0
    assert row["hge_per_ml"] == 0
    assert math.isnan(row["log10_hge_per_ml"])
    assert row["lod_hge_per_ml"] == pytest.approx((1 - 0.05 ** (1 / 2000)) * 10 / 0.0033)


def test_without_cfdna_mass_there_are_no_genomes_and_the_note_says_why(make_cohort):
    row = quantify(make_cohort([TUMOUR, plasma(ng=None)], [("T", 100, 100, 40), ("A", 100, 1000, 100)]), Ctdna()).iloc[0]
    assert math.isnan(row["hge_per_ml"])
    assert "cfDNA mass per mL plasma is not known" in row["note"]
    assert row["mean_vaf"] == pytest.approx(0.1)


def test_variants_of_germline_material_are_never_followed(make_cohort):
    samples = [TUMOUR, ("G", "P1", "germline", "baseline", 0), plasma()]
    calls = [("T", 100, 100, 40), ("T", 200, 100, 50), ("G", 200, 100, 48), ("A", 100, 1000, 10), ("A", 200, 1000, 500)]
    row = quantify(make_cohort(samples, calls), Ctdna()).iloc[0]
    assert row["n_tracked"] == 1
    assert row["mean_vaf"] == pytest.approx(0.01)


def test_a_germline_row_with_no_mutant_read_keeps_the_variant_followed(make_cohort):
    samples = [TUMOUR, ("G", "P1", "germline", "baseline", 0), plasma()]
    row = quantify(make_cohort(samples, [("T", 100, 100, 40), ("G", 100, 90, 0), ("A", 100, 1000, 10)]), Ctdna()).iloc[0]
    assert row["n_tracked"] == 1


def test_stray_reads_that_the_caller_did_not_call_make_no_variant_to_follow(make_cohort):
    calls = [("T", 100, 100, 40), ("T", 200, 100, 1, None, "not_called"), ("A", 100, 1000, 0), ("A", 200, 1000, 3)]
    row = quantify(make_cohort([TUMOUR, plasma()], calls), Ctdna()).iloc[0]
    assert row["n_tracked"] == 1


def test_mutant_reads_of_a_followed_variant_count_though_the_caller_did_not_call_it(make_cohort):
    calls = [("T", 100, 100, 40), ("A", 100, 1000, 2, None, "not_called")]
    row = quantify(make_cohort([TUMOUR, plasma()], calls), Ctdna()).iloc[0]
    assert row["mean_vaf"] == pytest.approx(0.002)
    assert bool(row["detected"])


def test_without_tumour_the_first_plasma_gives_the_followed_variants_and_the_note_says_so(make_cohort):
    samples = [plasma("B", "relapse", 300), plasma("A", "baseline", 0)]
    table = quantify(make_cohort(samples, [("A", 100, 1000, 50), ("B", 100, 1000, 5), ("B", 200, 1000, 90)]), Ctdna())
    assert table["sample_id"].tolist() == ["A", "B"]
    assert only(table, "B")["mean_vaf"] == pytest.approx(0.005)
    assert only(table, "B")["n_tracked"] == 1
    assert "biased upwards" in only(table, "A")["note"]


def test_relapse_tumour_does_not_give_followed_variants(make_cohort):
    samples = [TUMOUR, ("R", "P1", "tumour", "relapse", 200), plasma()]
    calls = [("T", 100, 100, 40), ("R", 200, 100, 40), ("A", 100, 1000, 10), ("A", 200, 1000, 10)]
    assert quantify(make_cohort(samples, calls), Ctdna())["n_tracked"].iloc[0] == 1


def test_count_is_taken_from_vaf_and_depth_where_the_file_has_no_count(make_cohort):
    row = quantify(make_cohort([TUMOUR, plasma()], [("T", 100, None, None, 0.4), ("A", 100, 1000, None, 0.0123)]), Ctdna()).iloc[
        0
    ]
    assert row["mean_vaf"] == pytest.approx(0.012)
    assert bool(row["detected"])


def test_nothing_to_follow_is_said(make_cohort):
    row = quantify(make_cohort([plasma()], []), Ctdna()).iloc[0]
    assert row["n_tracked"] == 0
    assert "no variant to follow" in row["note"]


def test_depth_beyond_the_genomes_in_the_tube_is_said(make_cohort):
    # 1 ng/mL x 1 mL = 303 genomes
    row = quantify(make_cohort([TUMOUR, plasma(ml=1.0, ng=1.0)], [("T", 1, 100, 40), ("A", 1, 5000, 9)]), Ctdna()).iloc[0]
    assert "depth exceeds the 303 genomes" in row["note"]


def test_no_plasma_gives_an_empty_table(make_cohort):
    assert quantify(make_cohort([TUMOUR], [("T", 100, 100, 40)]), Ctdna()).empty


def test_detection_limit_matches_the_published_binomial_examples():
    # 95 % at VAF 1e-4 with one variant needs 29,957 genomes; 3,000 genomes x 10 variants give .95022
    assert detection_limit([29957]) == pytest.approx(1e-4, rel=1e-4)
    assert detection_limit([3000] * 10) < 1e-4
    assert pytest.approx(0.95022, abs=1e-5) == 1 - (1 - 1e-4) ** 30000


def test_asking_for_more_reads_raises_the_detection_limit():
    two = detection_limit([1000, 1000], 2)
    from scipy.stats import binom

    assert 1 - binom.cdf(1, 1000, two) ** 2 == pytest.approx(0.95, abs=1e-9)
    assert two > detection_limit([1000, 1000])
    assert detection_limit([1, 1], 2) == 1.0


@pytest.mark.parametrize(
    ("mutant", "depth", "low", "high"),
    [(0, 100, 0.0, 0.03621669), (5, 100, 0.01643188, 0.11283491), (10, 10, 0.69150289, 1.0)],  # binom.test in R
)
def test_interval_is_clopper_pearson(mutant, depth, low, high):
    assert pooled_interval(mutant, depth) == pytest.approx((low, high), abs=1e-7)
