"""Counts on published files: ctDNAtools' reads, phase merge and fragments; UMI-tools' groups."""

from __future__ import annotations

import importlib.util

import numpy as np
import pandas as pd
import pysam
import pytest

from resistance import config
from resistance.read.alignments.count import count_sample, fragment_alleles
from resistance.read.alignments.umi import group_table, molecules_of

needs_umi_tools = pytest.mark.skipif(importlib.util.find_spec("umi_tools") is None, reason="the extra 'umi' is not installed")


def mutations(shared) -> pd.DataFrame:
    table = pd.read_csv(shared / "truth" / "ctdna" / "ctdnatools" / "mutations.tsv", sep="\t")
    return table.rename(columns=str.lower).rename(columns={"phasing": "event"})


@pytest.mark.shared
def test_reads_at_the_mutations_are_those_of_ctdnatools(shared) -> None:
    folder = shared / "truth" / "ctdna" / "ctdnatools"
    expected = pd.read_csv(folder / "expected" / "mutation_read_counts.tsv", sep="\t")
    assert len(expected) == 100
    for (sample, bq, mq), rows in expected.groupby(["sample", "min_bq", "min_mq"]):
        settings = config.Alignments(count="reads", min_base_quality=bq, min_mapping_quality=mq)
        got = count_sample(folder / f"{sample}.bam", mutations(shared), settings, sample_id=sample, build="GRCh37")["pileup"]
        assert got["pos"].tolist() == rows["POS"].tolist()
        assert got["reads_ref"].tolist() == rows["ref"].tolist()
        assert got["alt_count"].tolist() == got["reads_alt"].tolist() == rows["alt"].tolist()


@pytest.mark.shared
def test_phased_mutations_are_one_event_as_in_ctdnatools(shared) -> None:
    folder = shared / "truth" / "ctdna" / "ctdnatools"
    expected = pd.read_csv(folder / "expected" / "T1_phase_merge_bq20_mq30.tsv", sep="\t").set_index("Phasing_id")
    table = count_sample(folder / "T1.bam", mutations(shared), config.Alignments(), sample_id="T1", build="GRCh37")["pileup"]
    alone = table[table["event"].isna()]
    names = "chr" + alone["chrom"] + ":" + alone["pos"].astype(str) + "_" + alone["ref"] + "_" + alone["alt"]
    got = pd.DataFrame(
        {
            "ref": alone["fragments_ref"],
            "alt": alone["fragments_alt"],
            "n_reads_multi_mutation": 0,
            "all_reads": alone["fragments"],
            "multi_support": 0,
        }
    ).set_axis(names)
    one = table[table["event"].notna()].drop_duplicates("event").iloc[0]
    got.loc[one["event"]] = [
        one["event_fragments"] - one["event_alt"],
        one["event_alt"],
        one["event_multi"],
        one["event_fragments"],
        one["event_alt_multi"],
    ]
    pd.testing.assert_frame_equal(got.astype("int64").sort_index(), expected.sort_index(), check_names=False, check_dtype=False)


@pytest.mark.shared
@pytest.mark.parametrize("category", ["alt", "ref", "other"])
def test_each_fragment_of_t1_is_in_the_class_that_ctdnatools_gives_it(shared, tmp_path, category: str) -> None:
    folder = shared / "truth" / "ctdna" / "ctdnatools"
    expected = pd.read_csv(folder / "expected" / "T1_fragments.tsv", sep="\t")
    names = set(expected.loc[expected["category"] == category, "ID"].str.removeprefix("T1_"))
    path = tmp_path / "some.bam"
    with pysam.AlignmentFile(str(folder / "T1.bam")) as file, pysam.AlignmentFile(str(path), "wb", template=file) as out:
        for row in file:
            if row.query_name in names:
                out.write(row)
    pysam.index(str(path))
    alleles = fragment_alleles(path, mutations(shared), config.Alignments(), sample_id="T1", build="GRCh37")
    shown = alleles.groupby("fragment")["allele"].agg(lambda a: "alt" if "alt" in set(a) else "ref")
    if category == "other":  # over no mutation, or with neither base there
        assert shown.empty
    else:
        assert shown.tolist() == [category] * len(names)


@pytest.mark.shared
@needs_umi_tools
@pytest.mark.parametrize(
    ("method", "name"), [("unique", "uniq"), ("directional", "dir"), ("adjacency", "adj"), ("cluster", "cluster")]
)
def test_groups_are_those_that_umi_tools_publishes(shared, method: str, name: str) -> None:
    folder = shared / "truth" / "ctdna" / "umi_tools"
    types = dict.fromkeys(("read_id", "contig", "umi", "final_umi", "gene"), str)
    expected = pd.read_csv(folder / f"group_{name}_py3.tsv.gz", sep="\t", dtype=types)
    got = group_table(folder / "chr19.bam", method, tag=None)
    assert len(got) == 55197
    # within a group the file's order is that of a set; every value of every read is the same
    by = ["read_id", "position", "unique_id"]
    pd.testing.assert_frame_equal(got.sort_values(by, ignore_index=True), expected.sort_values(by, ignore_index=True))


@pytest.mark.shared
@needs_umi_tools
def test_each_read_is_in_the_family_that_umi_tools_names(shared) -> None:
    groups = group_table(shared / "truth" / "ctdna" / "umi_tools" / "chr19.bam", "directional", tag=None)
    names, families = molecules_of(groups)
    assert (np.diff(names.astype(float)) > 0).all()
    first = groups.drop_duplicates("read_id")
    assert len(names) == len(first)
    assert sorted(families.tolist()) == sorted(first["unique_id"])
