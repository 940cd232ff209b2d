"""A rise of all variants together is the tumour's; selection is what a variant did beyond it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from resistance.config import Ctdna
from resistance.ctdna.background_rates import background_rates
from resistance.ctdna.comparison import count_calls
from resistance.ctdna.emergence import find_emergence
from resistance.schemas import BACKGROUND, EFFECTS, PILEUP
from resistance.tables import conform, empty

PLASMA = [("A", "P1", "plasma", "baseline", 0), ("B", "P1", "plasma", "relapse", 200)]


def find(make_cohort, pairs, samples=PLASMA, settings=None, **more):
    """Pairs: mutant reads of 2,000 at baseline and later."""
    calls = [(s, 100 + i, 2000, pair[k]) for i, pair in enumerate(pairs) for k, s in enumerate(("A", "B"))]
    return find_emergence(make_cohort(samples, calls), empty(EFFECTS), settings or Ctdna(), **more)


def test_a_rise_of_all_together_is_no_selection(make_cohort):
    table = find(make_cohort, [(40, 160), (60, 240), (80, 310), (50, 205), (100, 390)])
    assert set(table["change"]) == {"expanding"}
    assert set(table["selection"]) == {"with_tumour"}
    assert table["level_log2"].to_numpy() == pytest.approx(2, abs=0.1)
    assert table["relative_change"].to_numpy() == pytest.approx(0, abs=0.15)
    assert table["level_variants"].tolist() == [4] * 5


def test_a_variant_that_stays_while_the_others_fall_is_selected(make_cohort):
    table = find(make_cohort, [(400, 40), (300, 31), (500, 52), (350, 33), (100, 100)])
    assert table["change"].tolist() == ["shrinking"] * 4 + ["stable"]
    assert table["selection"].tolist() == ["with_tumour"] * 4 + ["selected"]
    assert table["relative_change"].iloc[4] == pytest.approx(np.log2(10), abs=0.2)


def test_the_level_is_the_median_of_the_others_so_that_fewer_than_half_may_have_been_selected(make_cohort):
    table = find(make_cohort, [(200, 201)] * 6 + [(20, 400)] * 4)
    assert table["selection"].tolist() == ["with_tumour"] * 6 + ["selected"] * 4
    assert table["level_log2"].to_numpy() == pytest.approx(0, abs=0.05)


def test_too_few_others_leave_the_level_open_and_say_so(make_cohort):
    table = find(make_cohort, [(40, 160), (60, 240), (0, 90)])
    assert table["level_log2"].isna().all()
    assert table["selection"].isna().all()
    assert set(table["level_note"]) == {
        "1 other variants seen at baseline: fewer than 3, no level to compare with",
        "2 other variants seen at baseline: fewer than 3, no level to compare with",
    }


def test_what_all_others_lost_is_no_level(make_cohort):
    table = find(make_cohort, [(400, 0), (300, 0), (500, 0), (350, 0), (0, 100)])
    assert table["change"].iloc[4] == "emergent"
    assert table["level_log2"].isna().iloc[4]
    assert table["level_note"].iloc[4] == "the tumour's other variants are not seen later: no level to compare with"


def test_purity_gives_the_level_where_variants_are_few(make_cohort):
    cohort = make_cohort(
        [("A", "P1", "tumour", "baseline", 0), ("B", "P1", "tumour", "relapse", 200)], [("A", 100, 300, 60), ("B", 100, 300, 120)]
    )
    samples = cohort.samples.assign(purity=[0.4, 0.8])
    table = find_emergence(type(cohort)(**(vars(cohort) | {"samples": samples})), empty(EFFECTS), Ctdna())
    assert table["change"].tolist() == ["expanding"]
    assert table["level_log2"].tolist() == [1.0]
    assert table["level_variants"].tolist() == [0]
    assert table["selection"].tolist() == ["with_tumour"]


def test_inherited_variants_are_no_part_of_the_level_or_of_a_course(make_cohort):
    samples = [("G", "P1", "germline", "baseline", 0), *PLASMA]
    calls = [("G", 100, 500, 250)]
    pairs = [(1000, 1000), (40, 160), (60, 240), (80, 310), (50, 205)]
    calls += [(s, 100 + i, 2000, pair[k]) for i, pair in enumerate(pairs) for k, s in enumerate(("A", "B"))]
    table = find_emergence(make_cohort(samples, calls), empty(EFFECTS), Ctdna())
    assert table["level_log2"].to_numpy()[1:] == pytest.approx(2, abs=0.1)
    assert table["cluster"].isna().tolist() == [True] + [False] * 4


def test_variants_with_one_course_have_one_number(make_cohort):
    pairs = [(400, 40), (410, 38), (395, 42), (30, 300), (28, 310), (33, 290)]
    table = find(make_cohort, pairs)
    assert table["cluster"].tolist() == [1, 1, 1, 2, 2, 2]
    assert (table["cluster_probability"] > 0.99).all()


def test_a_library_of_few_genomes_spreads_by_their_number(make_cohort):
    few = [("A", "P1", "plasma", "baseline", 0, 2.0, 0.33), ("B", "P1", "plasma", "relapse", 200, 2.0, 50.0)]
    counted = count_calls(make_cohort(few, [("A", 100, 2000, 0), ("B", 100, 2000, 20)]), empty(EFFECTS), Ctdna())
    # 0.66 ng are 200 genomes; 100 ng are 30,303, fewer errors than the stated 2,000 let expect
    assert counted.samples["overdispersion"].tolist() == pytest.approx([1 / 200, 5e-4])
    pair = [(0, 20)]
    assert find(make_cohort, pair, few)["change"].tolist() == ["stable"]
    assert find(make_cohort, pair)["change"].tolist() == ["emergent"]


def background(*rows):
    """Rows: sample, substitution, depth, errors."""
    table = pd.DataFrame(
        [{"sample_id": r[0], "substitution": r[1], "context": "all", "positions": 10, "depth": r[2], "errors": r[3], "rate": r[3] / r[2]} for r in rows]
    )  # fmt: skip
    return conform(table, BACKGROUND)


def test_rates_are_those_of_the_sample_and_substitution_on_either_strand():
    table = background(("A", "C>T", 10_000, 20), ("A", "all", 100_000, 30))
    ref, alt = pd.Series(["C", "G", "A", "CT", None]), pd.Series(["T", "A", "G", "C", None])
    found = background_rates(pd.Series(["A"] * 5), ref, alt, table, 1e-4)
    # C>T; the same on the other strand; a third of all errors; an indel and nothing known: the usual rate
    assert found.tolist() == pytest.approx([0.002, 0.002, 1e-4, 1e-4, 1e-4])
    assert background_rates(pd.Series(["B"]), ref[:1], alt[:1], table, 1e-4).tolist() == [1e-4]
    assert background_rates(pd.Series(["A"]), ref[:1], alt[:1], None, 3e-4).tolist() == [3e-4]


def test_a_dirty_library_makes_no_new_variant(make_cohort):
    dirty = background(("A", "C>T", 1_000_000, 100), ("B", "C>T", 1_000_000, 5000))
    assert find(make_cohort, [(0, 15)])["change"].tolist() == ["emergent"]
    row = find(make_cohort, [(0, 15)], background=dirty).iloc[0]
    assert (row["change"], row["later_background"]) == ("stable", 0.005)
    assert "no more than background at both times" in row["note"]


def test_counts_of_the_alignments_take_the_place_of_the_callers(make_cohort):
    cohort = make_cohort(PLASMA, [("B", 100, 2000, 60)])
    rows = [
        {"sample_id": s, "build": "GRCh38", "chrom": "1", "pos": 100, "ref": "C", "alt": "T", "depth": d, "alt_count": a, "unit": "fragments"}
        for s, d, a in (("A", 1500, 0), ("B", 1400, 45))
    ]  # fmt: skip
    blind = find_emergence(cohort, empty(EFFECTS), Ctdna()).iloc[0]
    assert blind["change"] == "not_assessable"  # the caller listed nothing at baseline
    row = find_emergence(cohort, empty(EFFECTS), Ctdna(), pileup=conform(pd.DataFrame(rows), PILEUP)).iloc[0]
    assert row["change"] == "emergent"
    assert (row["baseline_depth"], row["later_alt_count"], row["unit"]) == (1500, 45, "fragments")
