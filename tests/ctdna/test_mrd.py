"""Tests for minimal residual disease of a cohort's plasma: which sites count, by which rate, and when a negative is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from resistance.config import Ctdna
from resistance.ctdna.mrd import find_mrd
from resistance.schemas import BACKGROUND, MRD, MRD_SITES, PILEUP
from resistance.tables import conform

SAMPLES = [("T", "P1", "tumour", "baseline", -3), ("A", "P1", "plasma", "on_treatment", 28)]
TUMOUR = [("T", pos, 100, 30) for pos in (100, 200, 300)]


def pileup(rows):
    """rows: (sample_id, pos, depth, alt_count[, event, event_fragments, event_alt, event_multi])."""
    names = ["sample_id", "pos", "depth", "alt_count", "event", "event_fragments", "event_alt", "event_multi"]
    frame = pd.DataFrame([(*r, *(None,) * (8 - len(r))) for r in rows], columns=names)
    return conform(frame.assign(build="GRCh38", chrom="1", ref="C", alt="T", unit="fragments"), PILEUP)


def background(sample="A", rate=3e-4, alpha=None, beta=None, substitution="all", errors=3):
    row = {
        "sample_id": sample,
        "substitution": substitution,
        "context": "all",
        "positions": 100,
        "depth": 10_000,
        "errors": errors,
    }
    return conform(pd.DataFrame([row | {"rate": rate, "alpha": alpha, "beta": beta}]), BACKGROUND)


def ctdna(**more):
    return Ctdna.model_validate({"mrd": more})


def test_called_counts_are_tested_by_an_assumed_rate_that_is_named(make_cohort) -> None:
    table, sites = find_mrd(make_cohort(SAMPLES, [*TUMOUR, ("A", 100, 2000, 3), ("A", 200, 2000, 0)]), Ctdna())
    row = table.iloc[0]
    assert (row["n_tracked"], row["n_sites"], row["n_sites_positive"], row["alt_count"], row["depth"]) == (3, 2, 1, 3, 4000)
    # equal depths, one site: at least 3 of 4,000 (either site positive)
    assert row["p_value"] == pytest.approx(binom.sf(2, 4000, 1e-4), rel=1e-9)
    assert row["background"] == "assumed: 0.0001 per allele, no background was measured"
    assert "1 of 3 followed variants were not assessed here and do not count" in row["note"]
    left = sites.set_index("pos").loc[300]
    assert (bool(left["used"]), left["note"]) == (False, "not counted in this sample")
    assert sites.set_index("pos").loc[100, "p_value"] == pytest.approx(binom.sf(2, 2000, 1e-4), rel=1e-9)
    assert sites.set_index("pos")["tumour_vaf"].tolist() == [0.3] * 3


def test_counts_in_the_alignments_go_before_called_ones_and_have_their_own_background(make_cohort) -> None:
    cohort = make_cohort(SAMPLES, [*TUMOUR, ("A", 100, 50, 1)])
    counted = pileup([("A", 100, 3000, 2), ("A", 200, 3000, 1), ("A", 300, 0, 0)])
    table, sites = find_mrd(cohort, Ctdna(), pileup=counted, background=background())
    row = table.iloc[0]
    assert (row["n_sites"], row["alt_count"], row["unit"]) == (2, 3, "fragments")
    assert row["background_rate"] == pytest.approx(1e-4)
    assert row["background"] == "of the sample's own background / 3 (one of three wrong bases)"
    assert sites.set_index("pos").loc[300, "note"] == "not read: depth 0"


def test_the_rate_is_divided_by_three_or_not_and_the_choice_is_named(make_cohort) -> None:
    cohort, counted = make_cohort(SAMPLES, TUMOUR), pileup([("A", 100, 3000, 2)])
    whole, _ = find_mrd(cohort, ctdna(rate_per_allele="whole"), pileup=counted, background=background())
    assert whole["background_rate"].tolist() == [3e-4]
    assert "not divided by 3" in whole["background"][0]


def test_a_background_without_an_error_is_not_taken_for_none(make_cohort) -> None:
    table, _ = find_mrd(
        make_cohort(SAMPLES, TUMOUR), Ctdna(), pileup=pileup([("A", 100, 3000, 1)]), background=background(rate=0.0)
    )
    assert table["background_rate"][0] == pytest.approx(1e-6 / 3)
    assert table["p_value"][0] == pytest.approx(binom.sf(0, 3000, 1e-6 / 3), rel=1e-9)


def test_rates_by_substitution_are_of_one_base(make_cohort) -> None:
    both = pd.concat([background(), background(substitution="C>T", errors=6, rate=6e-4)], ignore_index=True)
    table, _ = find_mrd(
        make_cohort(SAMPLES, TUMOUR), ctdna(rates="substitution"), pileup=pileup([("A", 100, 3000, 1)]), background=both
    )
    assert table["background_rate"][0] == pytest.approx(6 / 10_000)


def test_an_over_dispersed_background_is_believed_unless_told_otherwise(make_cohort) -> None:
    cohort, counted = make_cohort(SAMPLES, TUMOUR), pileup([("A", 100, 3000, 4)])
    spread = background(alpha=0.03, beta=99.97)
    wide, _ = find_mrd(cohort, Ctdna(), pileup=counted, background=spread)
    plain, _ = find_mrd(cohort, ctdna(overdispersion="none"), pileup=counted, background=spread)
    assert wide["p_value"][0] > 5 * plain["p_value"][0]
    assert "beta-binomial" in wide["background"][0]


def test_phased_variants_are_one_event(make_cohort) -> None:
    # a fragment counts once; 600 of 1,000 reach both sites, where one error is not enough
    rows = [("A", 100, 800, 1, "e1", 1000, 2, 600), ("A", 200, 800, 2, "e1", 1000, 2, 600), ("A", 300, 500, 0)]
    cohort = make_cohort(SAMPLES, TUMOUR)
    table, sites = find_mrd(cohort, Ctdna(), pileup=pileup(rows), background=background())
    row = table.iloc[0]
    assert (row["n_sites"], row["n_sites_positive"], row["alt_count"], row["depth"]) == (2, 1, 2, 1500)
    assert "2 variants lie in phased events (1), which count once each" in row["note"]
    by_pos = sites.set_index("pos")
    assert by_pos["background_rate"].tolist() == pytest.approx([0.4e-4, 0.4e-4, 1e-4])
    assert by_pos["p_value"].tolist() == pytest.approx([binom.sf(1, 1000, 0.4e-4)] * 2 + [1.0])
    # as the reference: the share of all looks that are checked lowers every rate
    _, sites = find_mrd(cohort, ctdna(phased_rate="sample"), pileup=pileup(rows), background=background())
    assert sites["background_rate"].tolist() == pytest.approx([1e-4 * (1 - 600 / 1500)] * 3)


def test_a_test_without_power_is_never_negative(make_cohort) -> None:
    cohort = make_cohort(SAMPLES, TUMOUR)
    few, _ = find_mrd(
        cohort, Ctdna(), pileup=pileup([("A", p, 500, 0) for p in (100, 200, 300)]), background=background(rate=3e-6)
    )
    many, _ = find_mrd(
        cohort, Ctdna(), pileup=pileup([("A", p, 60_000, 0) for p in (100, 200, 300)]), background=background(rate=3e-6)
    )
    assert few["verdict"].tolist() == ["underpowered"]
    assert many["verdict"].tolist() == ["negative"]
    assert few["p_detect"][0] < 0.95 <= many["p_detect"][0]
    assert few["lod_vaf"][0] > 1e-4 >= many["lod_vaf"][0]
    asked, _ = find_mrd(cohort, ctdna(vaf_of_interest=0.01), pileup=pileup([("A", p, 500, 0) for p in (100, 200, 300)]))
    assert asked["verdict"].tolist() == ["negative"]


def test_all_methods_give_a_row_and_q_is_within_the_method(make_cohort) -> None:
    samples = [*SAMPLES, ("B", "P1", "plasma", "follow_up", 90)]
    counted = pileup([("A", 100, 3000, 4), ("A", 200, 3000, 2), ("B", 100, 3000, 1), ("B", 200, 3000, 0)])
    settings = ctdna(methods=["exact", "monte_carlo", "likelihood_ratio"], draws=2000)
    table, _ = find_mrd(make_cohort(samples, TUMOUR), settings, pileup=counted, seed=3)
    assert table[["sample_id", "method"]].to_numpy().tolist() == [
        [s, m] for s in ("A", "B") for m in ("exact", "monte_carlo", "likelihood_ratio")
    ]
    for _, rows in table.groupby("method"):
        p = rows["p_calibrated"].where(rows["decided_by"] == "p_calibrated", rows["p_value"])
        first, second = sorted(p)
        assert sorted(rows["q_value"]) == pytest.approx(sorted([min(2 * first, second), second]))
    assert table.set_index(["sample_id", "method"])["verdict"]["A"].tolist() == ["positive"] * 3
    again, _ = find_mrd(make_cohort(samples[::-1], TUMOUR[::-1]), settings, pileup=counted[::-1].reset_index(drop=True), seed=3)
    pd.testing.assert_frame_equal(table, again)


def test_controls_calibrate_the_likelihood_ratio(make_cohort) -> None:
    counted = pileup(
        [("A", 100, 3000, 4), ("A", 200, 3000, 2), *[(f"N{i}", p, 2000, int(i == 0)) for i in range(4) for p in (100, 200)]]
    )
    table, _ = find_mrd(make_cohort(SAMPLES, TUMOUR), ctdna(methods=["likelihood_ratio"], draws=500), pileup=counted)
    assert (table["n_controls"][0], table["p_controls"][0]) == (4, 1 / 5)


def test_unknown_tumour_fractions_leave_the_ratio_unanswered(make_cohort) -> None:
    samples = [("A", "P1", "plasma", "baseline", 0), ("B", "P1", "plasma", "on_treatment", 20)]
    table, _ = find_mrd(make_cohort(samples, [("A", 100, 1000, 40), ("B", 100, 1000, 0)]), ctdna(methods=["likelihood_ratio"]))
    assert table["p_value"].isna().all()
    assert table["verdict"].isna().all()
    assert table["note"].str.contains("needs the tumour's allele fraction").all()
    assert table["note"].str.contains("biased upwards").all()


def test_a_sample_in_which_nothing_was_read_is_not_negative(make_cohort) -> None:
    table, sites = find_mrd(make_cohort(SAMPLES, TUMOUR), Ctdna())
    row = table.iloc[0]
    assert pd.isna(row["verdict"])
    assert row["n_sites"] == 0
    assert row["note"] == "none of the 3 followed variants has a known depth in this sample: not assessed, which is not zero"
    assert not sites["used"].any()
    nothing, none = find_mrd(make_cohort([SAMPLES[1]], []), Ctdna())
    assert nothing["note"].tolist() == ["no variant to follow: not assessed"]
    assert none.empty


def test_without_plasma_the_tables_are_empty(make_cohort) -> None:
    table, sites = find_mrd(make_cohort([SAMPLES[0]], TUMOUR), Ctdna())
    assert (len(table), tuple(table.columns), tuple(sites.columns)) == (0, MRD.names, MRD_SITES.names)


def test_simulations_too_few_for_alpha_are_refused() -> None:
    with pytest.raises(ValueError, match=r"with 100 draws no simulated p is at most alpha \(0.001\): at least 1000 draws"):
        ctdna(methods=["monte_carlo"], draws=100, alpha=0.001)


@pytest.mark.shared
def test_published_samples_through_the_cohort(make_cohort, shared: Path) -> None:
    folder = shared / "truth/ctdna/ctdnatools/expected"
    counts = pd.read_csv(folder / "mutation_read_counts.tsv", sep="\t")
    rates = pd.read_csv(folder / "background_rates.tsv", sep="\t")
    results = pd.read_csv(folder / "test_ctDNA_results.tsv", sep="\t").set_index("label")
    for label in ("vignette_test1_T1_default_n10000", "vignette_test2_T2_bq20_mq30_n10000", "vignette_batch_T2_default_n10000"):
        expected = results.loc[label]
        quality = 20 if "bq20" in label else 30
        mine = counts[(counts["sample"] == expected["sample"]) & (counts["min_bq"] == quality)]
        cohort = make_cohort(SAMPLES, [("T", int(pos), 100, 30) for pos in mine["POS"]])
        rate = rates.loc[(rates["sample"] == expected["sample"]) & (rates["min_bq"] == quality), "rate"].iloc[0]
        assert rate == pytest.approx(expected["background_rate"], rel=1e-12)
        read = pileup([("A", p, r + a, a) for p, r, a in zip(mine["POS"], mine["ref"], mine["alt"], strict=True)])
        table, _ = find_mrd(cohort, ctdna(methods=["monte_carlo"]), pileup=read, background=background(rate=rate))
        row = table.iloc[0]
        assert (row["n_sites"], row["n_sites_positive"], row["alt_count"]) == tuple(
            expected[["n_mutations", "n_nonzero_alt", "total_alt_reads"]]
        )
        assert row["p_value"] == pytest.approx(expected["pvalue"], rel=1e-11)
        assert row["verdict"] == {"positive": "positive", "negative": "underpowered"}[expected["decision"]]
        assert np.isfinite(row["lod_vaf"])
