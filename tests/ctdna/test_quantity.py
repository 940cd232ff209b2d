"""ctDNA per plasma sample, against numbers worked out by hand and published ones."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, binomtest

from resistance.config import Ctdna, Level
from resistance.ctdna.followed import follow
from resistance.ctdna.quantity import quantify
from resistance.schemas import EFFECTS, MRD
from resistance.stats.detected_reads import least_count
from resistance.tables import conform

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
    # two of 1,500 reads are more than an error of 1e-4 explains (p = .0101), one is not (p = .139)
    assert least_count(1500, 1e-4) == 2
    assert binom.sf(1, 1500, row["lod_vaf"]) == pytest.approx(0.95, abs=1e-9)
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
    cohort = make_cohort([TUMOUR, plasma()], [("T", 100, 100, 40), ("A", 100, 2000, 0)])
    row = quantify(cohort, Ctdna(detection="counts")).iloc[0]
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


def test_the_convention_stands_in_every_row(make_cohort):
    cohort = make_cohort([TUMOUR, plasma()], [("T", 100, 100, 40), ("A", 100, 1000, 100)])
    assert quantify(cohort, Ctdna())["pg_per_haploid_genome"].tolist() == [3.3]
    assert quantify(cohort, Ctdna(convention_pg_per_haploid_genome=6.6))["pg_per_haploid_genome"].tolist() == [6.6]


def test_mean_and_median_stand_beside_each_other(make_cohort):
    calls = [("T", pos, 100, 40) for pos in (1, 2, 3)] + [("A", 1, 1000, 10), ("A", 2, 1000, 20), ("A", 3, 1000, 300)]
    row = quantify(make_cohort([TUMOUR, plasma()], calls), Ctdna()).iloc[0]
    assert (row["mean_vaf"], row["median_vaf"]) == pytest.approx((0.11, 0.02))
    assert (row["alt_count"], row["depth"], row["unit"]) == (330, 3000, "reads")


def test_the_interval_of_the_mean_holds_the_mean_at_unequal_depths(make_cohort):
    calls = [("T", 1, 100, 40), ("T", 2, 100, 40), ("A", 1, 100, 50), ("A", 2, 10000, 10)]
    row = quantify(make_cohort([TUMOUR, plasma()], calls), Ctdna()).iloc[0]
    assert row["mean_vaf"] == pytest.approx(0.2505)
    assert row["mean_vaf_ci_low"] < row["mean_vaf"] < row["mean_vaf_ci_high"]
    pooled = binomtest(60, 10100).proportion_ci(0.95, "exact")
    assert row["mean_vaf_ci_low"] > pooled.high


def test_the_total_mass_is_divided_by_the_plasma_volume(make_cohort):
    sample = ("A", "P1", "plasma", "baseline", 0, 4.0, None, None, 40.0)
    row = quantify(make_cohort([TUMOUR, sample], [("T", 100, 100, 40), ("A", 100, 1000, 100)]), Ctdna()).iloc[0]
    assert row["cfdna_ng_per_ml"] == 10
    assert row["hge_per_ml"] == pytest.approx(303.0303, abs=1e-4)


@pytest.mark.parametrize(("ml", "words"), [(None, "the plasma volume (plasma_ml) is not known"), (0.0, "(plasma_ml) is 0 mL")])
def test_a_mass_without_plasma_volume_gives_no_genomes_and_the_note_says_why(make_cohort, ml, words):
    sample = ("A", "P1", "plasma", "baseline", 0, ml, None, None, 40.0)
    row = quantify(make_cohort([TUMOUR, sample], [("T", 100, 100, 40), ("A", 100, 1000, 100)]), Ctdna()).iloc[0]
    assert math.isnan(row["hge_per_ml"])
    assert words in row["note"]
    assert "40 ng of cfDNA give no genome equivalents per mL" in row["note"]


def test_concentration_and_mass_that_contradict_each_other_give_no_genomes(make_cohort):
    sample = ("A", "P1", "plasma", "baseline", 0, 4.0, 40.0, None, 40.0)
    row = quantify(make_cohort([TUMOUR, sample], [("T", 100, 100, 40), ("A", 100, 1000, 100)]), Ctdna()).iloc[0]
    assert math.isnan(row["hge_per_ml"])
    assert "cfdna_ng_per_ml is 40, but cfdna_ng / plasma_ml is 10: they contradict each other" in row["note"]


def test_concentration_and_mass_may_differ_by_rounding(make_cohort):
    sample = ("A", "P1", "plasma", "baseline", 0, 4.0, 10.0, None, 40.3)
    row = quantify(make_cohort([TUMOUR, sample], [("T", 100, 100, 40), ("A", 100, 1000, 100)]), Ctdna()).iloc[0]
    assert row["cfdna_ng_per_ml"] == 10
    assert row["note"] is None or math.isnan(row["note"])


@pytest.mark.parametrize(("total", "cv"), [(False, 0.1), (True, math.hypot(0.1, 0.05))])
def test_the_interval_of_genomes_joins_reads_mass_and_volume(make_cohort, total, cv):
    """Monte Carlo in the test: the mean VAF by its own beta distributions, mass and volume log-normal."""
    sample = ("A", "P1", "plasma", "baseline", 0, 4.0, None if total else 10.0, None, 40.0 if total else None)
    row = quantify(make_cohort([TUMOUR, sample], [("T", 100, 100, 40), ("A", 100, 1000, 100)]), Ctdna()).iloc[0]
    rng = np.random.default_rng(1)
    vaf = rng.beta(100.5, 900.5, 200_000)
    factor = np.exp(rng.normal(0, math.sqrt(math.log1p(cv**2)), 200_000))
    low, high = np.quantile(vaf * factor * 10 / 0.0033, [0.025, 0.975])
    assert row["hge_per_ml_ci_low"] == pytest.approx(low, rel=0.02)
    assert row["hge_per_ml_ci_high"] == pytest.approx(high, rel=0.02)


def test_without_stated_errors_the_interval_is_that_of_the_reads(make_cohort):
    cohort = make_cohort([TUMOUR, plasma()], [("T", 100, 100, 40), ("A", 100, 1000, 100)])
    row = quantify(cohort, Ctdna(cfdna_cv=0, plasma_volume_cv=0)).iloc[0]
    exact = binomtest(100, 1000).proportion_ci(0.95, "exact")
    assert row["hge_per_ml_ci_low"] == pytest.approx(exact.low * 10 / 0.0033)
    assert row["hge_per_ml_ci_high"] == pytest.approx(exact.high * 10 / 0.0033)


def test_reads_that_errors_explain_are_no_detection(make_cohort):
    # 20 variants of 5,000 reads: 10 errors are expected at 1e-4; 12 are no detection, 20 are (P(X >= 16) = .0487)
    def row(reads, **settings):
        calls = [("T", pos, 100, 40) for pos in range(1, 21)]
        calls += [("A", pos, 5000, reads // 20 + (pos <= reads % 20)) for pos in range(1, 21)]
        return quantify(make_cohort([TUMOUR, plasma()], calls), Ctdna(**settings)).iloc[0]

    few = row(12)
    assert not few["detected"]
    assert "12 mutant read(s) of 100000, no more than errors explain (fewer than 16)" in few["note"]
    assert few["mean_vaf"] == pytest.approx(12 / 100_000)
    assert row(20)["detected"]
    assert row(12, detection="counts")["detected"]
    assert row(12, background_error_rate=1e-5)["detected"]


def test_the_verdict_of_the_test_for_residual_disease_decides_where_asked_for(make_cohort):
    cohort = make_cohort([TUMOUR, plasma()], [("T", 100, 100, 40), ("A", 100, 1000, 3)])
    mrd = conform(
        pd.DataFrame(
            [
                {"patient_id": "P1", "sample_id": "A", "timepoint": "baseline", "method": "exact", "lod_vaf": 0.009, "verdict": "underpowered"},
                {"patient_id": "P1", "sample_id": "A", "timepoint": "baseline", "method": "monte_carlo", "lod_vaf": 0.1, "verdict": "positive"},
            ]
        ),
        MRD,
    )  # fmt: skip
    row = quantify(cohort, Ctdna(detection="mrd"), mrd=mrd).iloc[0]
    assert not row["detected"]
    assert row["lod_vaf"] == 0.009
    assert "3 mutant read(s), underpowered by the test 'exact'" in row["note"]
    without = quantify(cohort, Ctdna(detection="mrd")).iloc[0]
    assert without["detected"]
    assert "no verdict of the test for residual disease" in without["note"]
    assert quantify(cohort, Ctdna(), mrd=mrd).iloc[0]["detected"]


def test_tumour_fraction_without_copy_number_is_twice_the_vaf_and_says_so(make_cohort):
    row = quantify(make_cohort([TUMOUR, plasma()], [("T", 100, 100, 40), ("A", 100, 1000, 100)]), Ctdna()).iloc[0]
    assert row["tumour_fraction"] == pytest.approx(0.2)
    assert row["tumour_fraction_basis"] == "diploid"
    exact = binomtest(100, 1000).proportion_ci(0.95, "exact")
    assert (row["tumour_fraction_ci_low"], row["tumour_fraction_ci_high"]) == pytest.approx((2 * exact.low, 2 * exact.high))


def _effects(*pairs):
    rows = [
        {"build": "GRCh38", "chrom": "1", "pos": pos, "ref": "C", "alt": "T", "gene": gene, "effect_class": "missense", "source": "file:CSQ"}
        for pos, gene in pairs
    ]  # fmt: skip
    return conform(pd.DataFrame(rows), EFFECTS)


@pytest.mark.parametrize(
    ("state", "tumour_reads", "vaf", "fraction"),
    [
        # a tumour of purity .8: T copies, m of them changed, gives VAF .8 m / (.8 T + .4) there
        (-1, 667, 0.1, 2 * 0.1 / (1 + 0.1)),  # one copy left: .8 / 1.2
        (0, 400, 0.1, 0.2),  # two copies, one changed: .8 / 2
        (0, 800, 0.1, 0.1),  # both changed
        (1, 571, 0.1, 2 * 0.1 / (2 - 0.1)),  # three copies, two changed: 1.6 / 2.8
        (1, 286, 0.1, 2 * 0.1 / (1 - 0.1)),  # one of three
    ],
)
def test_tumour_fraction_takes_copies_and_multiplicity_of_the_tumour(make_cohort, state, tumour_reads, vaf, fraction):
    tumour = ("T", "P1", "tumour", "baseline", -3, None, None, None, None, 0.8)
    calls = [("T", 100, 1000, tumour_reads), ("A", 100, 1000, round(1000 * vaf))]
    cohort = make_cohort([tumour, plasma()], calls, copy_number=[("T", "TP53", state)])
    settings = Ctdna()
    row = quantify(cohort, settings, followed=follow(cohort, settings, effects=_effects((100, "TP53")))).iloc[0]
    assert row["tumour_fraction_basis"] == "copy_number"
    assert row["tumour_fraction"] == pytest.approx(fraction, abs=1e-9)


def test_a_subclonal_variant_does_not_pull_the_tumour_fraction_down(make_cohort):
    tumour = ("T", "P1", "tumour", "baseline", -3, None, None, None, None, 0.8)
    calls = [("T", 1, 1000, 400), ("T", 2, 1000, 60), ("A", 1, 1000, 100), ("A", 2, 1000, 15)]
    cohort = make_cohort([tumour, plasma()], calls, copy_number=[("T", "TP53", 0), ("T", "CRBN", 0)])
    settings = Ctdna()
    row = quantify(cohort, settings, followed=follow(cohort, settings, effects=_effects((1, "TP53"), (2, "CRBN")))).iloc[0]
    assert row["tumour_fraction"] == pytest.approx(0.2)


def test_a_variant_of_the_x_counts_by_sex(make_cohort):
    cohort = make_cohort([TUMOUR, plasma()], [("T", 100, 100, 40), ("A", 100, 1000, 100)], sex={"P1": "male"})
    on_x = cohort.calls.assign(chrom="X")
    man = dataclasses.replace(cohort, calls=on_x)
    assert quantify(man, Ctdna())["tumour_fraction"].iloc[0] == pytest.approx(0.1)
    woman = dataclasses.replace(man, patients=cohort.patients.assign(sex="female"))
    assert quantify(woman, Ctdna())["tumour_fraction"].iloc[0] == pytest.approx(0.2)
    unknown = dataclasses.replace(man, patients=cohort.patients.assign(sex=None))
    assert math.isnan(quantify(unknown, Ctdna())["tumour_fraction"].iloc[0])


def test_vafs_beyond_any_tumour_fraction_are_said(make_cohort):
    row = quantify(make_cohort([TUMOUR, plasma()], [("T", 100, 100, 40), ("A", 100, 1000, 700)]), Ctdna()).iloc[0]
    assert row["tumour_fraction"] == 1
    assert "copies or multiplicity are others than assumed" in row["note"]


def test_a_level_of_another_assay_decides_what_is_detected(make_cohort):
    samples = [plasma(), plasma("B", "on_treatment", 28), plasma("C", "on_treatment", 56)]
    cohort = make_cohort(samples, [], measurements=[("A", "CPA", 2.25), ("B", "CPA", 0.95)])
    settings = Ctdna(level=Level(measurement="CPA", unit="CPA score", detection_limit=1.04))
    table = quantify(cohort, settings).set_index("sample_id")
    assert table["detected"].tolist() == [True, False, pd.NA]
    assert table.loc["A", ["assay_level", "assay_limit", "assay_unit"]].tolist() == [2.25, 1.04, "CPA score"]
    assert "no CPA of this sample: not assessed" in table.loc["C", "note"]


def test_the_limit_of_another_assay_may_differ_by_sample(make_cohort):
    cohort = make_cohort(
        [plasma(), plasma("B", "on_treatment", 28)], [], measurements=[("A", "level", 5), ("A", "limit", 1), ("B", "level", 5)]
    )
    table = quantify(cohort, Ctdna(level=Level(measurement="level", unit="hGE/mL", detection_limit="limit")))
    assert table["detected"].tolist() == [True, pd.NA]
    assert "no limit of this sample" in table["note"].iloc[1]


def test_order_of_samples_and_calls_does_not_matter(make_cohort):
    samples = [TUMOUR, plasma(), plasma("B", "on_treatment", 28)]
    calls = [("T", 1, 100, 40), ("T", 2, 100, 30), ("A", 1, 1000, 100), ("A", 2, 900, 80), ("B", 1, 1000, 10), ("B", 2, 20, 3)]
    forwards, backwards = (quantify(make_cohort(s, c), Ctdna()) for s, c in ((samples, calls), (samples[::-1], calls[::-1])))
    pd.testing.assert_frame_equal(forwards, backwards)


def test_the_measured_error_rate_of_a_sample_goes_before_the_assumed_one(make_cohort):
    calls = [("T", pos, 100, 40) for pos in range(1, 21)] + [("A", pos, 5000, 1) for pos in range(1, 21)]
    cohort = make_cohort([TUMOUR, plasma()], calls)
    row = {"patient_id": "P1", "sample_id": "A", "timepoint": "baseline", "method": "exact", "background_rate": 2e-4}
    mrd = conform(pd.DataFrame([row]), MRD)
    # 20 of 100,000: p = 1e-3 at the assumed 1e-4, and .53 at the measured 2e-4
    assert quantify(cohort, Ctdna())["detected"].tolist() == [True]
    assert quantify(cohort, Ctdna(), mrd=mrd)["detected"].tolist() == [False]
