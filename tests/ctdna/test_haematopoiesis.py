"""Whether a variant is the tumour's, inherited, or of a clone of blood cells: rules with intervals, nothing removed silently."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from scipy.stats import binomtest

from resistance.config import Ctdna, Haematopoiesis
from resistance.ctdna.followed import follow
from resistance.ctdna.haematopoiesis import clonal_haematopoiesis
from resistance.ctdna.quantity import quantify
from resistance.schemas import EFFECTS
from resistance.tables import conform

TUMOUR = ("T", "P1", "tumour", "baseline", -3)
WHITE = ("G", "P1", "germline", "baseline", 0)
PLASMA = ("A", "P1", "plasma", "baseline", 0, 4.0, 10.0)
LATER = ("B", "P1", "plasma", "on_treatment", 28, 4.0, 10.0)


def effects(*rows):
    """Return effects from (pos, gene, flags)."""
    return conform(
        pd.DataFrame(
            [
                {
                    "build": "GRCh38", "chrom": "1", "pos": pos, "ref": "C", "alt": "T", "gene": gene, "effect_class": "missense",
                    "hgvsp": "R882H", "flags": flags, "source": "file:CSQ",
                }
                for pos, gene, flags in rows
            ]
        ),
        EFFECTS,
    )  # fmt: skip


DNMT3A = (100, "DNMT3A", "clonal_haematopoiesis")


def judge(make_cohort, samples, calls, *named, **settings):
    cohort, config = make_cohort(samples, calls), Ctdna(**settings)
    followed = follow(cohort, config, effects=effects(*named) if named else None)
    return clonal_haematopoiesis(followed).set_index("pos"), quantify(cohort, config, followed=followed).set_index("sample_id")


def test_as_much_in_white_cells_as_in_plasma_is_haematopoietic_and_left_out_with_a_note(make_cohort):
    calls = [("A", 100, 2000, 60), ("G", 100, 1500, 40), ("A", 200, 2000, 100), ("G", 200, 1500, 0)]
    table, quantity = judge(make_cohort, [WHITE, PLASMA], calls, DNMT3A)
    row = table.loc[100]
    assert (row["origin"], row["evidence"], row["followed"]) == ("haematopoietic", "white cells", False)
    assert row["vaf_ratio"] == pytest.approx(0.03 / (40 / 1500))
    assert (row["gene"], row["hgvsp"], row["listed_gene"]) == ("DNMT3A", "R882H", True)
    low, high = binomtest(40, 1500).proportion_ci(0.95, "exact")
    assert (row["white_cell_vaf_ci_low"], row["white_cell_vaf_ci_high"]) == pytest.approx((low, high))
    assert quantity.loc["A", "n_haematopoietic"] == 1
    assert quantity.loc["A", "mean_vaf"] == pytest.approx(0.05)
    assert "1 variant(s) of blood cells left out" in quantity.loc["A", "note"]


def test_the_ratio_has_the_interval_that_is_exact_given_the_sum(make_cohort):
    table, _ = judge(make_cohort, [WHITE, PLASMA], [("A", 100, 2000, 60), ("G", 100, 1500, 40)])
    share = binomtest(60, 100).proportion_ci(0.95, "exact")
    bounds = [1500 / 2000 * p / (1 - p) for p in (share.low, share.high)]
    assert [table.loc[100, "vaf_ratio_ci_low"], table.loc[100, "vaf_ratio_ci_high"]] == pytest.approx(bounds)


def test_haematopoietic_variants_are_followed_where_the_study_wants_it_and_the_note_says_so(make_cohort):
    calls = [("A", 100, 2000, 60), ("G", 100, 1500, 40), ("A", 200, 2000, 100), ("G", 200, 1500, 0)]
    table, quantity = judge(make_cohort, [WHITE, PLASMA], calls, DNMT3A, haematopoiesis=Haematopoiesis(haematopoietic="follow"))
    assert table.loc[100, "followed"]
    assert quantity.loc["A", "n_tracked"] == 2
    assert "1 followed variant(s) are of blood cells" in quantity.loc["A", "note"]


def test_far_more_in_plasma_than_in_white_cells_is_the_tumours_though_white_cells_hold_it(make_cohort):
    """Lymphoma cells in the blood: 10 % in plasma, 0.5 % in white cells."""
    table, quantity = judge(make_cohort, [WHITE, PLASMA], [("A", 100, 2000, 200), ("G", 100, 2000, 10)])
    assert (table.loc[100, "origin"], table.loc[100, "followed"]) == ("tumour", True)
    assert "tumour cells in the blood" in table.loc[100, "note"]
    assert quantity.loc["A", "n_tracked"] == 1


def test_far_more_in_the_tumour_than_in_white_cells_is_the_tumours_though_plasma_has_little(make_cohort):
    calls = [("T", 100, 500, 200), ("A", 100, 500, 6), ("G", 100, 2000, 20)]
    table, _ = judge(make_cohort, [TUMOUR, WHITE, PLASMA], calls)
    assert (table.loc[100, "origin"], table.loc[100, "tumour_vaf"]) == ("tumour", 0.4)


@pytest.mark.parametrize(
    ("reads", "origin", "followed"),
    [
        ((500, 1000), "germline", False),
        ((990, 1000), "germline", False),
        ((310, 1000), "germline", False),
        ((250, 1000), "undetermined", False),  # between .2 and .3: inherited and a large clone look alike
        ((3, 8), "undetermined", False),  # 3 of 8 may be 9 %
        ((15, 30), "germline", False),
    ],
)
def test_inherited_variants_are_told_by_the_interval_in_white_cells(make_cohort, reads, origin, followed):
    calls = [("A", 100, 2000, 900), ("G", 100, reads[1], reads[0])]
    table, quantity = judge(make_cohort, [WHITE, PLASMA], calls, DNMT3A)
    assert (table.loc[100, "origin"], bool(table.loc[100, "followed"])) == (origin, followed)
    assert quantity.loc["A", "n_tracked"] == 0


def test_inherited_variants_of_other_genes_are_not_listed(make_cohort):
    table, _ = judge(make_cohort, [WHITE, PLASMA], [("A", 100, 2000, 1000), ("G", 100, 1000, 500)], (100, "XYZ", None))
    assert table.empty


def test_white_cells_read_too_shallowly_leave_it_open_and_the_variant_followed(make_cohort):
    # 0 of 40 in white cells against 4 of 1,000 in plasma: the ratio's lower bound is .008
    table, quantity = judge(make_cohort, [WHITE, PLASMA], [("A", 100, 1000, 4), ("G", 100, 40, 0)])
    assert (table.loc[100, "origin"], table.loc[100, "followed"]) == ("undetermined", True)
    assert table.loc[100, "note"] == "white cells were not read deeply enough to tell"
    assert quantity.loc["A", "n_tracked"] == 1


def test_a_single_error_in_white_cells_proves_no_clone(make_cohort):
    table, _ = judge(make_cohort, [WHITE, PLASMA], [("A", 100, 2000, 4), ("G", 100, 2000, 1, None, "not_called")])
    assert table.loc[100, "origin"] == "undetermined"
    assert table.loc[100, "followed"]


def test_a_call_in_white_cells_without_counts_is_not_followed_and_says_why(make_cohort):
    calls = [("A", 100, 2000, 4), ("G", 100, None, None)]
    table, quantity = judge(make_cohort, [WHITE, PLASMA], calls)
    assert (table.loc[100, "origin"], table.loc[100, "followed"]) == ("undetermined", False)
    assert "called in white cells without counts" in table.loc[100, "note"]
    assert "1 variant(s) left out that white cells show as well" in quantity.loc["A", "note"]


def test_several_white_cell_samples_are_read_together(make_cohort):
    samples = [WHITE, ("H", "P1", "germline", "follow_up", 90), PLASMA]
    calls = [("A", 100, 2000, 60), ("G", 100, 800, 20), ("H", 100, 700, 20)]
    table, _ = judge(make_cohort, samples, calls)
    assert table.loc[100, ["white_cell_alt_count", "white_cell_depth"]].tolist() == [40, 1500]


def test_without_white_cells_a_listed_gene_that_the_tumour_does_not_show_is_suspected_and_stays_followed(make_cohort):
    table, quantity = judge(make_cohort, [PLASMA], [("A", 100, 2000, 60), ("A", 200, 2000, 60)], DNMT3A)
    assert (table.loc[100, "origin"], table.loc[100, "evidence"], table.loc[100, "followed"]) == ("suspected", "gene", True)
    assert "only matched white cells can tell" in table.loc[100, "note"]
    assert table.loc[200, "origin"] == "undetermined"
    assert "1 followed variant(s) are suspected to be of blood cells" in quantity.loc["A", "note"]


def test_suspected_variants_are_left_out_where_the_study_wants_it(make_cohort):
    calls = [("A", 100, 2000, 60), ("A", 200, 2000, 60)]
    settings = {"haematopoiesis": Haematopoiesis(suspected="leave_out")}
    table, quantity = judge(make_cohort, [PLASMA], calls, DNMT3A, **settings)
    assert not table.loc[100, "followed"]
    assert (quantity.loc["A", "n_tracked"], quantity.loc["A", "n_haematopoietic"]) == (1, 1)


def test_a_listed_gene_that_the_tumour_shows_is_the_tumours(make_cohort):
    table, _ = judge(make_cohort, [TUMOUR, PLASMA], [("T", 100, 200, 80), ("A", 100, 2000, 60)], DNMT3A)
    assert (table.loc[100, "origin"], table.loc[100, "evidence"]) == ("tumour", "tumour tissue")


def test_a_listed_gene_seen_in_plasma_later_is_shown_though_it_is_not_followed(make_cohort):
    calls = [("T", 200, 200, 80), ("A", 200, 2000, 60), ("B", 100, 2000, 30)]
    table, _ = judge(make_cohort, [TUMOUR, PLASMA, LATER], calls, DNMT3A)
    assert (table.loc[100, "origin"], table.loc[100, "followed"]) == ("suspected", False)


def test_a_variant_that_stays_while_the_others_fall_is_suspected_whatever_its_gene(make_cohort):
    calls = [("A", 100, 2000, 60), ("B", 100, 2000, 58)]
    calls += [c for pos in (200, 300, 400) for c in (("A", pos, 2000, 100), ("B", pos, 2000, 2))]
    table, _ = judge(make_cohort, [PLASMA, LATER], calls)
    assert table["behaviour"].to_dict() == {100: "stays", 200: "falls", 300: "falls", 400: "falls"}
    assert (table.loc[100, "origin"], table.loc[100, "evidence"]) == ("suspected", "behaviour")
    assert table.loc[200, "origin"] == "undetermined"


def test_a_listed_gene_that_falls_with_the_others_is_not_suspected(make_cohort):
    calls = [c for pos in (100, 200, 300) for c in (("A", pos, 2000, 100), ("B", pos, 2000, 2))]
    table, _ = judge(make_cohort, [PLASMA, LATER], calls, DNMT3A)
    assert (table.loc[100, "origin"], table.loc[100, "behaviour"]) == ("undetermined", "falls")


def test_where_nothing_falls_behaviour_says_nothing(make_cohort):
    calls = [c for pos in (100, 200, 300) for c in (("A", pos, 2000, 100), ("B", pos, 2000, 95))]
    table, _ = judge(make_cohort, [PLASMA, LATER], calls)
    assert set(table["behaviour"]) == {"not_assessable"}


def test_a_shallow_later_sample_does_not_make_a_variant_stay(make_cohort):
    """1 of 30 and 2 of 2,000 are no proof that it did not fall as the others did."""
    calls = [("A", 100, 2000, 60), ("B", 100, 30, 1)]
    calls += [c for pos in (200, 300) for c in (("A", pos, 2000, 100), ("B", pos, 2000, 2))]
    table, _ = judge(make_cohort, [PLASMA, LATER], calls)
    assert table.loc[100, "behaviour"] == "not_assessable"


def test_white_cells_overrule_gene_and_behaviour(make_cohort):
    calls = [("A", 100, 2000, 60), ("B", 100, 2000, 58), ("G", 100, 5000, 0)]
    calls += [c for pos in (200, 300) for c in (("A", pos, 2000, 100), ("B", pos, 2000, 2))]
    table, _ = judge(make_cohort, [WHITE, PLASMA, LATER], calls, DNMT3A)
    assert (table.loc[100, "origin"], table.loc[100, "evidence"]) == ("tumour", "white cells")
    assert math.isnan(table.loc[100, "vaf_ratio"])
    assert table.loc[100, "vaf_ratio_ci_low"] > 2


def test_no_plasma_and_no_tumour_give_an_empty_table(make_cohort):
    table, _ = judge(make_cohort, [WHITE], [("G", 100, 1000, 30)])
    assert table.empty


def test_thresholds_out_of_order_are_refused():
    with pytest.raises(ValueError, match="unclear_vaf must not be greater than germline_vaf"):
        Haematopoiesis(unclear_vaf=0.4)


def test_an_inherited_variant_that_shallow_white_cells_cannot_prove_is_not_the_tumours(make_cohort):
    calls = [("T", 100, 100, 50), ("A", 100, 2000, 1000), ("G", 100, 8, 3)]
    table, quantity = judge(make_cohort, [TUMOUR, WHITE, PLASMA], calls)
    assert (table.loc[100, "origin"], table.loc[100, "followed"]) == ("undetermined", False)
    assert quantity.loc["A", "n_tracked"] == 0


def test_a_snp_of_tumour_only_calls_is_left_out_where_it_stays_at_one_half(make_cohort):
    calls = [("T", 100, 200, 100), ("A", 100, 2000, 1010), ("B", 100, 2000, 990)]
    calls += [c for pos in (200, 300) for c in (("T", pos, 200, 60), ("A", pos, 2000, 100), ("B", pos, 2000, 2))]
    table, quantity = judge(make_cohort, [TUMOUR, PLASMA, LATER], calls)
    assert (table.loc[100, "origin"], table.loc[100, "evidence"], table.loc[100, "followed"]) == ("germline", "behaviour", False)
    assert quantity["n_tracked"].tolist() == [2, 2]
    assert quantity.loc["A", "mean_vaf"] == pytest.approx(0.05)
    assert "1 variant(s) left out as inherited" in quantity.loc["A", "note"]


def test_a_tumour_variant_of_one_half_that_falls_with_the_others_is_followed(make_cohort):
    calls = [("T", 100, 200, 100), ("A", 100, 2000, 1010), ("B", 100, 2000, 20)]
    calls += [c for pos in (200, 300) for c in (("T", pos, 200, 60), ("A", pos, 2000, 100), ("B", pos, 2000, 2))]
    table, _ = judge(make_cohort, [TUMOUR, PLASMA, LATER], calls)
    assert (table.loc[100, "origin"], table.loc[100, "followed"]) == ("tumour", True)


def test_many_inherited_variants_do_not_hide_each_other(make_cohort):
    calls = [c for pos in range(100, 110) for c in (("T", pos, 200, 100), ("A", pos, 2000, 1000 + pos), ("B", pos, 2000, 1000))]
    calls += [c for pos in (200, 300) for c in (("T", pos, 200, 60), ("A", pos, 2000, 100), ("B", pos, 2000, 2))]
    table, quantity = judge(make_cohort, [TUMOUR, PLASMA, LATER], calls)
    assert table["origin"].value_counts().to_dict() == {"germline": 10, "tumour": 2}
    assert quantity["n_tracked"].tolist() == [2, 2]


def test_a_patient_whose_variants_are_all_of_one_half_is_compared_among_them(make_cohort):
    calls = [c for pos in (100, 200, 300) for c in (("A", pos, 2000, 1000), ("B", pos, 2000, 10))]
    table, _ = judge(make_cohort, [PLASMA, LATER], calls)
    assert set(table["behaviour"]) == {"falls"}
