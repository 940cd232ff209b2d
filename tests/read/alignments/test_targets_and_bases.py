"""Regions of a panel and the bases of its positions, in the forms that people have, and what is wrong with others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pysam
import pytest

from resistance.errors import InputError
from resistance.read.alignments.bases import known_bases
from resistance.read.alignments.targets import Target, contigs_of, merged, read_targets


def test_a_bed_and_a_table_with_a_header_name_the_same_regions(tmp_path):
    (tmp_path / "a.bed").write_text("chr14\t9\t20\tMYD88\nchr2\t5\t6\n")
    (tmp_path / "a.tsv").write_text("chr\tstart\tend\nchr14\t10\t20\nchr2\t6\t6\n")
    bed, table = read_targets(tmp_path / "a.bed"), read_targets(tmp_path / "a.tsv")
    assert [(t.chrom, t.start, t.end) for t in bed] == [(t.chrom, t.start, t.end) for t in table] == [("2", 5, 6), ("14", 9, 20)]
    assert [t.name for t in bed] == ["2:6-6", "MYD88"]


def test_touching_and_overlapping_regions_become_one_and_padding_stops_at_the_start():
    regions = [Target("1", 5, 10, "a"), Target("1", 10, 12, "b"), Target("1", 11, 15, "c"), Target("2", 1, 3, "d")]
    assert [(t.chrom, t.start, t.end) for t in merged(regions)] == [("1", 5, 15), ("2", 1, 3)]
    assert [(t.chrom, t.start, t.end) for t in merged(regions, padding=10)] == [("1", 0, 25), ("2", 0, 13)]


def test_a_row_that_is_no_region_is_named(tmp_path):
    (tmp_path / "a.tsv").write_text("chrom\tstart\tend\nchr1\t7\t3\n")
    with pytest.raises(InputError, match=r"row 2, value '7-3': is no region: this table counts from 1"):
        read_targets(tmp_path / "a.tsv")
    with pytest.raises(InputError, match="the file is missing"):
        read_targets(tmp_path / "none.bed")


def test_targets_of_another_genome_are_refused(tmp_path):
    with pytest.raises(InputError, match="has no contig of the targets"):
        contigs_of(["chr1"], ["weird"], tmp_path / "x.bam")
    assert contigs_of(["chr1", "chrM"], ["1", "MT", "7"], tmp_path / "x.bam") == {"1": "chr1", "MT": "chrM"}


def _counts(text, chrom="7", first=101, depth=100):
    frame = pd.DataFrame([[depth * (letter == base) for base in "ACGT"] for letter in text], columns=list("ACGT"))
    frame.insert(0, "pos", np.arange(first, first + len(text)))
    frame.insert(0, "chrom", chrom)
    return frame


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("part", [True, False])
def test_bases_come_from_a_genome_or_a_part_of_it_indexed_or_not(tmp_path, indexed, part):
    bases = "ACGTTGCAGGTACCA"
    path = tmp_path / "g.fa"
    # position 100 is the first base of the part
    path.write_text(f">chr7:100-114\n{bases}\n" if part else f">7\n{'N' * 99}{bases}\n")
    if indexed:
        pysam.faidx(str(path))
    found = known_bases(_counts(bases[1:-1]), path)
    assert "".join("ACGT"[c] for c in found.reference) == bases[1:-1]
    assert "".join("ACGT"[c] for c in found.before) == bases[:-2]
    assert "".join("ACGT"[c] for c in found.after) == bases[2:]
    # one base further there is no neighbour
    assert known_bases(_counts(bases, first=100), path).before[0] == -1
    assert known_bases(_counts(bases, first=100), path).after[-1] == -1


def test_without_a_genome_a_heterozygous_position_and_its_neighbours_context_are_unknown():
    counts = _counts("ACGT")
    counts.loc[1, ["C", "T"]] = [50, 50]
    found = known_bases(counts)
    assert found.reference.tolist() == [0, -1, 2, 3]
    assert found.before.tolist() == [-1, 0, -1, 2]
    assert found.after.tolist() == [-1, 2, 3, -1]


def test_a_gap_between_regions_is_no_neighbour():
    counts = pd.concat([_counts("AC"), _counts("GT", first=200), _counts("A", chrom="8", first=202)], ignore_index=True)
    assert known_bases(counts).before.tolist() == [-1, 0, -1, 2, -1]


def test_another_genome_is_refused_with_the_first_disagreement(tmp_path):
    path = tmp_path / "g.fa"
    path.write_text(f">7\n{'N' * 100}{'A' * 40}\n")
    with pytest.raises(InputError, match=r"disagrees with the reads at 40 of 40 positions \(the first: 7:101\)"):
        known_bases(_counts("C" * 40), path)


def test_a_fasta_that_cannot_be_used_says_why(tmp_path):
    counts = _counts("ACGT")
    with pytest.raises(InputError, match="the FASTA is missing"):
        known_bases(counts, tmp_path / "none.fa")
    (tmp_path / "text.fa").write_text("hello\n")
    with pytest.raises(InputError, match="is no FASTA"):
        known_bases(counts, tmp_path / "text.fa")
    (tmp_path / "other.fa").write_text(">chr9\nACGT\n")
    with pytest.raises(InputError, match="has none of the contigs that were counted"):
        known_bases(counts, tmp_path / "other.fa")
