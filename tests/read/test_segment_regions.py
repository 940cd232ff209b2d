"""Arms and bands from segments: shares by hand, what is not covered, the packaged table, and the events that nobody's gene shows."""

from __future__ import annotations

import csv

import pandas as pd
import pytest

from resistance import config
from resistance.cohort import Cohort
from resistance.contigs import contig_lengths
from resistance.dropped import Dropped
from resistance.knowledge import load_positions, load_regions
from resistance.read.copy_number import read_copy_number
from resistance.read.segment_regions import region_states
from resistance.resources import resource_path
from resistance.subtype.cohort_events import events_of_cohort

SOURCE = config.CopyNumber(format="seg", file="x.seg")
ARM = pd.DataFrame([("17p", "17", 1001, 2000, 0.66)], columns=["region", "chrom", "start", "end", "share"])


def state(*segments, regions=ARM):
    """State and mean ratio of the region in sample A; segments are (start, end, log2) on chromosome 17."""
    table = pd.DataFrame([("A", "17", *segment) for segment in segments], columns=["sample_id", "chrom", "start", "end", "mean"])
    row = region_states(table, regions, SOURCE).iloc[0]
    return row["state"], row["log2_ratio"]


def by_hand(segments, share=0.66):
    """The same base by base."""
    of = {}
    for start, end, mean in segments:
        for base in range(max(start, 1001), min(end, 2000) + 1):
            of[base] = mean
    if len(of) < 500:
        return pd.NA
    level = 0
    for depth, gain, loss in ((1, 0.3, -0.3), (2, 1.0, -1.0)):
        gained = sum(mean >= gain for mean in of.values()) / len(of)
        lost = sum(mean <= loss for mean in of.values()) / len(of)
        if max(gained, lost) >= share and gained != lost:
            level = depth if gained > lost else -depth
    return level


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ([(1, 5000, -0.5)], -1),
        ([(1, 5000, -1.5)], -2),
        ([(1, 5000, 0.4)], 1),
        ([(1, 5000, 0.1)], 0),
        ([(1001, 1660, -0.5), (1661, 2000, 0.0)], -1),  # 660 of 1,000 bases
        ([(1001, 1659, -0.5), (1660, 2000, 0.0)], 0),
        ([(1001, 1400, -0.5), (1401, 1700, -1.5), (1701, 2000, 0.0)], -1),  # 700 lost, 300 of them deep
        ([(1001, 1300, -0.5), (1301, 2000, -1.5)], -2),
        ([(1001, 1500, -0.5)], -1),  # half of it covered
        ([(1001, 1499, -0.5)], None),
        ([(1001, 1500, 0.5), (1501, 2000, -0.5)], 0),
        ([(2001, 9000, -0.5)], None),
    ],
)
def test_a_region_has_the_state_that_its_share_of_bases_reaches(segments, expected):
    found, ratio = state(*segments)
    assert (None if pd.isna(found) else found) == expected
    told = by_hand(segments)
    assert (None if pd.isna(told) else told) == expected
    assert pd.isna(ratio) == (expected is None)


def test_gain_and_loss_of_the_same_share_of_a_band_cancel_and_the_ratio_is_that_of_the_bases():
    band = ARM.assign(region="17p13.1", share=0.5)
    assert state((1001, 1500, 0.5), (1501, 2000, -0.5), regions=band) == (0, 0.0)
    assert state((1001, 1501, 0.5), (1502, 2000, -0.5), regions=band)[0] == 1
    assert state((1, 1250, 1.0), (1251, 2000, 0.2))[1] == pytest.approx((250 * 1.0 + 750 * 0.2) / 1000)


def test_every_sample_has_a_row_per_region_also_one_without_segments_there():
    table = pd.DataFrame(
        [("B", "17", 1, 9000, 0.5), ("A", "18", 1, 9000, 0.5)], columns=["sample_id", "chrom", "start", "end", "mean"]
    )
    found = region_states(table, ARM, SOURCE)
    assert found[["sample_id", "gene"]].values.tolist() == [["A", "17p"], ["B", "17p"]]
    assert pd.isna(found["state"][0])
    assert found["state"][1] == 1


# --- the packaged table ---------------------------------------------------------------------------------------------


def copy_number_events():
    with resource_path("subtypes/events.tsv").open(encoding="utf-8", newline="") as lines:
        return [row for row in csv.DictReader(lines, delimiter="\t") if row["kind"] == "copy_number"]


def test_every_region_of_an_event_stands_there_on_both_builds_with_the_events_share():
    regions = load_regions().set_index(["build", "region"])
    assert regions.index.is_unique
    wanted = {row["event"].partition(":")[0]: float(row["share"]) for row in copy_number_events()}
    for build in ("GRCh37", "GRCh38"):
        of = regions.loc[build]
        assert of["share"].to_dict() == wanted
        lengths = contig_lengths(build)
        for region, row in of.iterrows():
            assert region.startswith(row["chrom"])
            assert 1 <= row["start"] < row["end"] <= lengths[row["chrom"]]
            if region.endswith("q"):
                assert row["end"] == lengths[row["chrom"]]
            if region.endswith("p"):
                assert row["start"] == 1
            arm = region.partition("p")[0] + "p" if "p" in region else region.partition("q")[0] + "q"
            if arm in of.index:  # a band lies on its arm
                assert of.loc[arm, "start"] <= row["start"]
                assert row["end"] <= of.loc[arm, "end"]


def test_arms_of_a_chromosome_meet_and_known_borders_are_ucscs():
    of = load_regions().set_index(["build", "region"])
    for build in ("GRCh37", "GRCh38"):
        for chrom in ("3", "5", "7", "11", "12", "18"):
            assert of.loc[(build, f"{chrom}p"), "end"] + 1 == of.loc[(build, f"{chrom}q"), "start"]
    # read off the genome browser's cytoBand tables
    for build, region, start, end in (
        ("GRCh37", "17p", 1, 24000000), ("GRCh38", "17p", 1, 25100000), ("GRCh37", "18p", 1, 17200000), ("GRCh38", "18p", 1, 18500000),
        ("GRCh37", "9p21.3", 19900001, 25600000), ("GRCh38", "9p21.3", 19900001, 25600000), ("GRCh37", "1q", 125000001, 249250621),
    ):  # fmt: skip
        assert (of.loc[(build, region), "start"], of.loc[(build, region), "end"]) == (start, end)


def test_genes_that_stand_for_a_region_lie_in_it_on_both_builds():
    of, genes = load_regions().set_index(["build", "region"]), load_positions().set_index(["build", "gene"])
    outside = {
        (row["event"], gene, build)
        for row in copy_number_events()
        for gene in ([] if row["genes"] == "NA" else row["genes"].split(";"))
        for build in ("GRCh37", "GRCh38")
        if (build, gene) in genes.index and pd.notna(genes.loc[(build, gene), "start"])
        if not _overlaps(genes.loc[(build, gene)], of.loc[(build, row["event"].partition(":")[0])])
    }
    assert {(event, gene) for event, gene, build in outside if build == "GRCh37"} == set()  # the table was made on this build
    assert {gene for _, gene, build in outside if build == "GRCh38"} <= GRCH38_ELSEWHERE


#: 19p13.2 ends at 12.6 Mb on GRCh38 and at 13.9 Mb on GRCh37: HGNC has these two at 19p13.13 today
GRCH38_ELSEWHERE = {"CALR", "JUNB"}


def _overlaps(gene, region):
    return gene["chrom"] == region["chrom"] and gene["start"] <= region["end"] and gene["end"] >= region["start"]


# --- from a file to the events --------------------------------------------------------------------------------------


def cohort_from(tmp_path, text, build="GRCh37"):
    (tmp_path / "x.seg").write_text("ID\tchrom\tloc.start\tloc.end\tnum.mark\tseg.mean\n" + text)
    table = read_copy_number(
        SOURCE, tmp_path, samples=["A"], genes=["TP53", "BCL2", "KLHL14"], gene_positions=load_positions(), regions=load_regions(), build=build,
        dropped=Dropped("test"),
    )  # fmt: skip
    return Cohort(
        facts={"build": build},
        patients=pd.DataFrame({"patient_id": ["P"]}),
        samples=pd.DataFrame([("A", "P", "tumour", "baseline")], columns=["sample_id", "patient_id", "material", "timepoint"]),
        copy_number=table,
    )


def test_segments_show_the_regions_that_hold_no_gene_of_ours(tmp_path):
    without = [row["event"] for row in copy_number_events() if row["genes"] == "NA"]
    assert len(without) == 10
    sign = {row["event"]: 0.6 if row["rule"] == "gain" else -0.6 for row in copy_number_events()}
    regions = load_regions().query("build == 'GRCh37'").set_index("region")
    lines = ""
    for event in without:
        row = regions.loc[event.partition(":")[0]]
        lines += f"A\tchr{row['chrom']}\t{row['start']}\t{row['end']}\t9\t{sign[event]}\n"
    found = events_of_cohort(cohort_from(tmp_path, lines)).table.loc["A"]
    assert found[without].tolist() == [1.0] * 10
    nothing = events_of_cohort(cohort_from(tmp_path, "A\t2\t1\t1000\t9\t0\n")).table.loc["A"]
    assert nothing[without].isna().all()


def test_bases_count_before_genes_and_a_named_result_before_both(tmp_path):
    # TP53 is lost in a small segment, the arm is not: the genes alone would need two of them
    arm = "A\t17\t1\t7000000\t9\t0\nA\t17\t7000001\t8000000\t9\t-0.9\nA\t17\t8000001\t24000000\t9\t0\n"
    cohort = cohort_from(tmp_path, arm)
    assert cohort.copy_number.set_index("gene").loc["TP53", "state"] == -1
    assert events_of_cohort(cohort).table.loc["A", "17p:DEL"] == 0
    named = pd.concat(
        [cohort.copy_number, pd.DataFrame([{"sample_id": "A", "gene": "del(17p)", "state": -1, "source": "FISH"}])],
        ignore_index=True,
    )
    told = Cohort(facts=cohort.facts, patients=cohort.patients, samples=cohort.samples, copy_number=named)
    assert events_of_cohort(told).table.loc["A", "17p:DEL"] == 1


def test_the_build_decides_where_a_region_lies(tmp_path):
    # 17p ends at 24.0 Mb on GRCh37 and 25.1 Mb on GRCh38
    text = "A\t17\t1\t8160000\t9\t0\nA\t17\t8160001\t24000000\t9\t-0.9\n"
    on_37 = events_of_cohort(cohort_from(tmp_path, text)).table.loc["A", "17p:DEL"]
    on_38 = events_of_cohort(cohort_from(tmp_path, text, build="GRCh38")).table.loc["A", "17p:DEL"]
    assert (on_37, on_38) == (1.0, 1.0)  # bases that no segment covers are not counted
    whole = text + "A\t17\t24000001\t25100000\t9\t0\n"
    on_37 = events_of_cohort(cohort_from(tmp_path, whole)).table.loc["A", "17p:DEL"]
    on_38 = events_of_cohort(cohort_from(tmp_path, whole, build="GRCh38")).table.loc["A", "17p:DEL"]
    assert (on_37, on_38) == (1.0, 0.0)
