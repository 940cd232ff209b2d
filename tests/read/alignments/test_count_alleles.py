"""Alleles, fragments, families and events of reads that are written out one by one."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tiny_bam import CONTIG, FIRST, SECOND, random_reads, random_reference, read, write_bam, write_fasta

from resistance import config
from resistance.read.alignments.count import count_sample, fragment_alleles
from resistance.read.alignments.events import event_counts
from resistance.read.alignments.sites import window

#:            0         1         2         3         4         5
REFERENCE = "ACGTTGCAAACCCCCCTGATCGATTACAGGCATGCAACGTCCATGGTACAGATTACCAGTACGT"
HALF = "GGATCCATTGACCGTAAGCT" * 20


def count(tmp_path, reads: list[dict[str, Any]], variants: list[tuple], *, fasta: bool = True, **settings: Any) -> pd.DataFrame:
    reference = REFERENCE + HALF
    path = write_bam(tmp_path / "a.bam", reads, length=len(reference))
    if fasta:
        settings["fasta"] = str(write_fasta(tmp_path / "ref.fa", reference))
    table = pd.DataFrame([(*v, None)[:4] for v in variants], columns=["pos", "ref", "alt", "event"]).assign(chrom=CONTIG)
    return count_sample(path, table, config.Alignments(**settings), sample_id="S1", build="GRCh38")["pileup"]


def haplotype(pos: int, ref: str, alt: str) -> str:
    """Return the reference with one change (1-based, plain bases)."""
    assert REFERENCE[pos - 1 : pos - 1 + len(ref)] == ref
    return REFERENCE[: pos - 1] + alt + REFERENCE[pos - 1 + len(ref) :]


def test_an_indel_in_a_repeat_counts_wherever_the_aligner_put_it(tmp_path) -> None:
    # CCCCCC stands at 11..16 (1-based); one C less is one event, at six places
    bases = haplotype(11, "C", "")[:50]
    reads = [read(f"r{i}", 0, f"{10 + i}M1D{40 - i}M", bases) for i in range(6)]
    got = count(tmp_path, reads, [(11, "C", "-"), (16, "C", "-"), (13, "CC", "-"), (13, "-", "C")])
    assert got["reads_alt"].tolist() == [6, 6, 0, 0]
    assert got["reads"].tolist() == [6, 6, 6, 6]
    one_more = haplotype(11, "C", "CC")[:50]
    reads = [read(f"r{i}", 0, f"{10 + i}M1I{39 - i}M", one_more) for i in range(7)]
    got = count(tmp_path, reads, [(10, "-", "C"), (16, "-", "C"), (12, "-", "CC"), (11, "C", "-")])
    assert got["reads_alt"].tolist() == [7, 7, 0, 0]


def test_without_a_reference_the_repeat_is_read_off_the_reads(tmp_path) -> None:
    bases = haplotype(11, "C", "")[:50]
    reads = [read(f"r{i}", 0, f"{10 + i}M1D{40 - i}M", bases) for i in range(6)]
    reads += [read(f"n{i}", 0, "50M", REFERENCE[:50]) for i in range(9)]
    got = count(tmp_path, reads, [(13, "C", "-")], fasta=False)
    assert got[["reads_alt", "reads_ref"]].to_numpy().tolist() == [[6, 9]]
    assert got["note"].item().startswith("no reference was given")


def test_a_read_that_ends_in_the_repeat_says_nothing_about_its_length(tmp_path) -> None:
    reads = [read("ends", 0, "14M", REFERENCE[:14]), read("begins", 12, "30M", REFERENCE[12:42])]
    reads += [read("clipped", 0, "14M10S", REFERENCE[:14] + "T" * 10), read("over", 0, "30M", REFERENCE[:30])]
    got = count(tmp_path, reads, [(11, "C", "-")])
    assert got[["reads", "reads_ref"]].to_numpy().tolist() == [[1, 1]]


def test_a_wrong_base_beside_an_indel_is_no_substitution(tmp_path) -> None:
    # the reads carry a deletion of TGA (17..19) and show another base on either side of it
    bases = REFERENCE[:15] + "G" + "C" + REFERENCE[20:50]
    got = count(tmp_path, [read("a", 0, "16M3D31M", bases)], [(16, "C", "G"), (20, "T", "C"), (17, "TGA", "-")])
    assert got["fragments"].tolist()[:2] == [0, 0]
    assert got["fragments_alt"].tolist()[:2] == [0, 0]
    # a plain pile-up counts them
    assert got["reads_alt"].tolist()[:2] == [1, 1]


def test_a_base_that_is_deleted_or_clipped_or_n_or_poor_is_not_counted(tmp_path) -> None:
    poor = [37] * 50
    poor[20] = 19
    reads = [
        read("deleted", 0, "20M2D28M", REFERENCE[:20] + REFERENCE[22:50]),
        read("clipped", 0, "18M32S", REFERENCE[:50]),
        read("n", 0, "50M", REFERENCE[:20] + "N" + REFERENCE[21:50]),
        read("poor", 0, "50M", REFERENCE[:50], quality=poor),
        read("good", 0, "50M", REFERENCE[:50]),
        read("no qualities", 0, "50M", REFERENCE[:50], quality=None),
    ]
    got = count(tmp_path, reads, [(21, "C", "T")])
    assert got[["reads", "reads_ref", "fragments"]].to_numpy().tolist() == [[2, 2, 2]]


def test_an_mnv_needs_all_its_bases_on_one_read(tmp_path) -> None:
    whole, half = haplotype(21, "CG", "TA"), haplotype(21, "C", "T")
    reads = [read("whole", 0, "50M", whole[:50]), read("half", 0, "50M", half[:50]), read("ref", 0, "50M", REFERENCE[:50])]
    reads += [read("ends within", 0, "21M", whole[:21]), read("as = and X", 0, "20=2X28=", whole[:50])]
    got = count(tmp_path, reads, [(21, "CG", "TA"), (21, "C", "T")])
    assert got["reads_alt"].tolist() == [2, 4]
    assert got["reads"].tolist() == [4, 5]


def test_a_deletion_insertion_counts_in_any_of_its_alignments(tmp_path) -> None:
    # GATCG (18..22) -> TT
    bases = haplotype(18, "GATCG", "TT")[:47]
    reads = [
        read("gap first", 0, "17M3D30M", bases),
        read("gap last", 0, "19M3D28M", bases),
        read("gap within", 0, "18M3D29M", bases),
        read("insertion and deletion", 0, "17M2I5D28M", bases),
        read("ref", 0, "50M", REFERENCE[:50]),
        read("only the gap", 0, "17M3D30M", haplotype(18, "GAT", "")[:47]),
    ]
    got = count(tmp_path, reads, [(18, "GATCG", "TT")])
    assert got[["reads", "reads_alt", "reads_ref"]].to_numpy().tolist() == [[6, 4, 1]]


def test_an_insertion_of_other_bases_is_another_allele(tmp_path) -> None:
    same, other = haplotype(30, "G", "GTAC"), haplotype(30, "G", "GTCC")
    reads = [read("same", 0, "30M3I20M", same[:53]), read("other", 0, "30M3I20M", other[:53])]
    got = count(tmp_path, reads, [(30, "-", "TAC")])
    assert got[["reads", "reads_alt", "reads_ref"]].to_numpy().tolist() == [[2, 1, 0]]


def test_mates_count_once_and_those_that_disagree_support_neither(tmp_path) -> None:
    alt = haplotype(21, "C", "T")[:50]
    pairs = {"both": (alt, alt), "one": (alt, REFERENCE[:50]), "ref": (REFERENCE[:50], REFERENCE[:50])}
    reads = [
        read(name, 0, "50M", bases, flag=flag, mate=0, length=50)
        for name, mates in pairs.items()
        for bases, flag in zip(mates, (FIRST, SECOND), strict=True)
    ]
    got = count(tmp_path, reads, [(21, "C", "T")]).iloc[0]
    assert (got["fragments"], got["fragments_alt"], got["fragments_ref"], got["fragments_discordant"]) == (2, 1, 1, 1)
    assert (got["depth"], got["alt_count"], got["unit"]) == (2, 1, "fragments")
    assert (got["reads"], got["reads_alt"], got["alt_forward"], got["alt_reverse"]) == (6, 3, 2, 1)


def test_qualities_and_lengths_are_those_of_the_alleles_own_reads(tmp_path) -> None:
    alt = haplotype(21, "C", "T")[:50]
    reads = [read(f"a{i}", 0, "50M", alt, quality=q, mapping=m, flag=FIRST, mate=100, length=n) for i, (q, m, n) in enumerate(
        [(30, 40, 140), (40, 60, 150), (38, 50, 190)]
    )]  # fmt: skip
    reads += [read(f"r{i}", 0, "50M", REFERENCE[:50], flag=FIRST, mate=100, length=n) for i, n in enumerate([160, 170])]
    got = count(tmp_path, reads, [(21, "C", "T")]).iloc[0]
    assert (got["alt_base_quality"], got["alt_mapping_quality"]) == (36, 50)
    assert (got["alt_length"], got["ref_length"]) == (150, 165)


def members(family: str, n_ref: int, n_alt: int, **more: Any) -> list[dict[str, Any]]:
    alt = haplotype(21, "C", "T")[:50]
    return [
        read(f"{family}.{i}", 0, "50M", alt if i < n_alt else REFERENCE[:50], tags=[("MI", family)], **more)
        for i in range(n_ref + n_alt)
    ]


def test_a_family_shows_what_most_of_it_shows_and_marked_duplicates_belong_to_it(tmp_path) -> None:
    reads = members("1", 0, 1) + members("2", 1, 3) + members("3", 2, 2) + members("4", 3, 1)
    duplicates = members("5", 0, 3)
    reads += [duplicates[0], *(one | {"flag": 0x400} for one in duplicates[1:])]
    got = count(tmp_path, reads, [(21, "C", "T")], count="families").iloc[0]
    assert (got["families"], got["families_alt"], got["families_alt_singleton"]) == (4, 3, 1)
    assert (got["depth"], got["alt_count"]) == (4, 3)
    assert got["reads"] == len(reads) - 2
    umi = config.Umi(min_family_size=2, min_agreement=0.8)
    got = count(tmp_path, reads, [(21, "C", "T")], count="families", umi=umi).iloc[0]
    assert (got["families"], got["families_alt"]) == (1, 1)


@pytest.mark.parametrize(
    ("min_reads", "expected"), [((1, 1, 1), (3, 2)), ((4, 1, 1), (2, 2)), ((4, 3, 1), (1, 1)), ((4, 2, 2), (1, 1))]
)
def test_a_duplex_needs_both_strands_and_its_three_least_numbers(tmp_path, min_reads, expected) -> None:
    reads = members("1/A", 0, 3) + members("1/B", 0, 1)  # 4, 3, 1: alt
    reads += members("2/A", 0, 2) + members("2/B", 0, 2)  # 4, 2, 2: alt
    reads += members("3/A", 1, 0) + members("3/B", 1, 0)  # 2, 1, 1: ref
    reads += members("4/A", 0, 5)  # one strand
    reads += members("5/A", 0, 2) + members("5/B", 2, 0)  # the strands disagree
    named = [one | {"name": f"{number}"} for number, one in enumerate(reads)]
    got = count(tmp_path, named, [(21, "C", "T")], count="duplexes", umi=config.Umi(min_reads=min_reads)).iloc[0]
    assert (got["duplexes"], got["duplexes_alt"]) == expected


def test_consensus_reads_are_families_of_their_raw_reads(tmp_path) -> None:
    alt = haplotype(21, "C", "T")[:50]

    def consensus(name: str, bases: str, total: int, a: int | None = None, b: int | None = None) -> dict[str, Any]:
        strands = [] if a is None else [("aD", a), ("bD", b)]
        return read(name, 0, "50M", bases, tags=[("MI", name), ("cD", total), ("cE", 0.0), *strands])

    reads = [consensus("1", alt, 5, 3, 2), consensus("2", alt, 1, 1, 0), consensus("3", REFERENCE[:50], 3, 2, 1)]
    reads += [consensus("4", alt, 2)]
    umi = config.Umi(min_family_size=2, min_reads=(4, 2, 2))
    got = count(tmp_path, reads, [(21, "C", "T")], count="duplexes", umi=umi).iloc[0]
    assert (got["families"], got["families_alt"], got["families_alt_singleton"]) == (3, 2, 0)
    assert (got["duplexes"], got["duplexes_alt"]) == (1, 1)
    got = count(tmp_path, reads, [(21, "C", "T")], count="families").iloc[0]
    assert (got["families"], got["families_alt_singleton"]) == (4, 1)


def test_families_may_be_numbers_or_words_between_other_tags(tmp_path) -> None:
    alt = haplotype(21, "C", "T")[:50]
    more = [("XA", 1.5), ("XB", "text"), ("NM", 70000), ("XC", [1, 2, 3])]
    reads = [read(f"n{i}", 0, "50M", alt, tags=[*more, ("MI", 300 + i // 2)]) for i in range(6)]
    got = count(tmp_path, reads, [(21, "C", "T")], count="families").iloc[0]
    assert (got["fragments"], got["families"], got["families_alt"]) == (6, 3, 3)


def test_what_was_dropped_is_counted_by_unit_and_reason(tmp_path) -> None:
    alt = haplotype(21, "C", "T")[:50]
    reads = members("1", 0, 1) + members("2", 1, 1) + [read("alone", 0, "50M", alt)]
    reads += [read("far", 0, "50M", alt, mapping=29), read("second", 0, "50M", alt, flag=0x100)]
    path = write_bam(tmp_path / "a.bam", reads)
    table = pd.DataFrame({"chrom": [CONTIG], "pos": [21], "ref": ["C"], "alt": ["T"]})
    settings = config.Alignments(count="families", umi=config.Umi(min_family_size=2))
    n = count_sample(path, table, settings, sample_id="S1", build="GRCh38")["read_counts"].set_index(["unit", "reason"])["n"]
    assert n["reads"][["seen", "kept", "mapping quality", "secondary", "no UMI (in no family)"]].tolist() == [6, 4, 1, 1, 1]
    assert n["families"][["seen", "kept", "fewer fragments than min_family_size", "no majority"]].tolist() == [2, 0, 1, 1]
    assert n["families"][["of size 1", "of size 2"]].tolist() == [1, 1]
    assert n["duplexes"][["seen", "one strand only", "kept"]].tolist() == [2, 2, 0]


def test_phased_variants_are_one_event_on_a_fragment(tmp_path) -> None:
    both = haplotype(21, "C", "T")
    both = both[:39] + "A" + both[40:]  # 40: T>A
    assert REFERENCE[39] == "T"
    one = haplotype(21, "C", "T")
    reads = [read("both", 0, "50M", both[:50]), read("mixed", 0, "50M", one[:50]), read("ref", 0, "50M", REFERENCE[:50])]
    reads += [read("first only", 0, "30M", one[:30])]
    reads += [  # the mates of one fragment are over one site each
        read("pair", 0, "30M", one[:30], flag=FIRST, mate=32, length=60),
        read("pair", 32, "30M", both[32:62], flag=SECOND, mate=0, length=-60),
    ]
    got = count(tmp_path, reads, [(21, "C", "T", "x"), (40, "T", "A", "x"), (30, "C", "G")])
    assert got["event"].tolist()[:2] == ["x", "x"]
    for row in got.to_dict("records")[:2]:
        assert (row["event_fragments"], row["event_alt"], row["event_mixed"]) == (5, 3, 1)
        assert (row["event_multi"], row["event_alt_multi"]) == (4, 2)
    assert got["event_fragments"].isna().tolist() == [False, False, True]


def test_the_alleles_of_fragments_give_the_counts(tmp_path) -> None:
    rng = np.random.default_rng(2)
    reference = random_reference(rng, 400)
    variants = [(170, reference[169], "ACGT".replace(reference[169], "")[0]), (200, reference[199:201], "-"), (210, "-", "A")]
    path = write_bam(tmp_path / "a.bam", random_reads(rng, reference, (160, 240), 300, variants), length=400)
    table = pd.DataFrame(variants, columns=["pos", "ref", "alt"], index=["x", "y", "z"]).assign(chrom=CONTIG)
    settings = config.Alignments()
    got = fragment_alleles(path, table, settings, sample_id="S1", build="GRCh38")
    pileup = count_sample(path, table, settings, sample_id="S1", build="GRCh38")["pileup"].set_axis(["x", "y", "z"])
    n = pd.crosstab(got["variant"], got["allele"])
    for allele in ("ref", "alt", "discordant"):
        assert n[allele].tolist() == pileup[f"fragments_{allele}"].tolist()
    assert not got.duplicated(["fragment", "variant"]).any()
    # each fragment by brute force
    brute = {}
    for fragment, rows in got.groupby("fragment"):
        shown = dict(zip(rows["variant"], rows["allele"], strict=True))
        brute[fragment] = (
            "alt" in shown.values() or "ref" in shown.values(),
            "alt" in shown.values() and not {"ref", "discordant"} & set(shown.values()),
        )
    counted = event_counts(got, pd.Series("e", index=table.index)).loc["e"]
    assert counted["event_fragments"] == sum(shows for shows, _ in brute.values())
    assert counted["event_alt"] == sum(carries for _, carries in brute.values())


def test_far_regions_of_one_file_are_read_through_its_index(tmp_path) -> None:
    rng = np.random.default_rng(4)
    reference = random_reference(rng, 900) * 300
    starts = [100, 50_000, 50_400, 131_072, 200_000, 269_000]
    reads = [one for start in starts for one in random_reads(rng, reference, (start, start + 60), 40)]
    fasta = write_fasta(tmp_path / "ref.fa", reference)
    path = write_bam(tmp_path / "a.bam", reads, length=len(reference))
    table = pd.DataFrame(
        [(start + 30, reference[start + 29], "ACGT".replace(reference[start + 29], "")[0]) for start in [*starts, 90_000]],
        columns=["pos", "ref", "alt"],
    ).assign(chrom=CONTIG)
    settings = config.Alignments(fasta=str(fasta))
    whole = count_sample(path, table, settings, sample_id="S1", build="GRCh38")["pileup"]
    for i in range(len(table)):
        alone = count_sample(path, table.iloc[[i]], settings, sample_id="S1", build="GRCh38")["pileup"]
        pd.testing.assert_frame_equal(alone, whole.iloc[[i]].reset_index(drop=True))
    assert (whole["reads"][:6] > 10).all()
    assert whole["note"].iloc[6] == "no read lies over it"


def test_no_variant_gives_empty_tables(tmp_path) -> None:
    path = write_bam(tmp_path / "a.bam", [read("a", 0, "50M", REFERENCE[:50])])
    none = pd.DataFrame({"chrom": [], "pos": [], "ref": [], "alt": []})
    got = count_sample(path, none, config.Alignments(), sample_id="S1", build="GRCh38")
    assert len(got["pileup"]) == 0
    assert (got["read_counts"]["n"] == 0).all()


def test_a_reference_base_that_is_not_the_variants_is_noted(tmp_path) -> None:
    got = count(tmp_path, [read("a", 0, "50M", REFERENCE[:50])], [(21, "A", "T"), (600, "A", "T")])
    assert got["note"].iloc[0] == "the reference has C here, not A"
    assert got["note"].iloc[1] == "lies beyond the end of the contig"


def test_windows_hold_every_place_of_a_change() -> None:
    # of a tandem repeat of two bases: (CA)3 at 2..7
    got = window(3, "AC", "-", "GCACACAT", 0)
    assert (got.first, got.last, got.ref, got.alt) == (0, 7, "CACACA", "CACA")
    got = window(7, "-", "CA", "GCACACAT", 0)
    assert (got.first, got.last, got.ref, got.alt) == (0, 7, "CACACA", "CACACACA")
    # bases that are not known end the search
    assert window(3, "A", "-", "NNANN", 0).ref == "A"
    assert window(3, "A", "-", "", 0).first == 1


@pytest.mark.skipif(importlib.util.find_spec("umi_tools") is None, reason="the extra 'umi' is not installed")
@pytest.mark.parametrize("paired", [False, True])
def test_reads_with_a_umi_alone_are_grouped_by_umi_tools(tmp_path, paired: bool) -> None:
    alt = haplotype(21, "C", "T")[:50]
    reads = []
    # three molecules at one place: two carry the variant (four and two reads), one does not (two reads)
    for number, (umi, bases) in enumerate([("AAAAAA", alt)] * 4 + [("CCCCCC", alt)] * 2 + [("GGGGGG", REFERENCE[:50])] * 2):
        flag = FIRST if paired else 0
        reads.append(
            read(
                f"r{number}",
                0,
                "50M",
                bases,
                flag=flag,
                mate=60 if paired else None,
                length=110 if paired else 0,
                tags=[("RX", umi)],
            )
        )
        if paired:
            second = (REFERENCE + HALF)[60:110]
            reads.append(read(f"r{number}", 60, "50M", second, flag=SECOND, mate=0, length=-110, tags=[("RX", umi)]))
    got = count(tmp_path, reads, [(21, "C", "T"), (80, (REFERENCE + HALF)[79], "N".replace("N", "A" if (REFERENCE + HALF)[79] != "A" else "C"))],
                count="families", umi=config.Umi(tag="RX", method="unique"))  # fmt: skip
    assert got["families"].tolist() == ([3, 3] if paired else [3, 0])
    assert got["families_alt"].tolist() == [2, 0]
    assert got["duplexes"].isna().all()


def test_least_reads_of_a_duplex_are_given_from_all_to_the_smaller_strand() -> None:
    with pytest.raises(ValueError, match="none exceeds the one before"):
        config.Umi(min_reads=(1, 3, 1))
