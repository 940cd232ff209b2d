"""Quality of cell-free DNA: fragment lengths of the reference, and rates of small files counted by hand."""

from __future__ import annotations

import csv
from collections import Counter

import numpy as np
import pandas as pd
import pysam
import pytest

from resistance.errors import InputError
from resistance.read.alignments.library import QualityRule, Reads, count_reads
from resistance.read.alignments.quality import fragment_lengths, quality_of, region_coverage
from resistance.read.alignments.targets import Target, read_targets

_HEADER = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr7", "LN": 5000}, {"SN": "chr8", "LN": 500}]}


@pytest.mark.shared
def test_fragment_lengths_of_t1_are_those_of_ctdnatools(shared):
    truth = shared / "truth" / "ctdna" / "ctdnatools"
    with (truth / "expected" / "T1_fragments.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == 1226
    assert all(int(row["end"]) - int(row["start"]) + 1 == int(row["size"]) for row in rows)
    targets = read_targets(truth / "targets.tsv")
    # the reference leaves out trimmed reads, and lengths of 400 bases and more
    reads = count_reads(truth / "T1.bam", targets, rule=QualityRule(read_length=101))
    ours = {length: n for length, n in reads.lengths.items() if length < 400}
    assert ours == Counter(int(row["size"]) for row in rows)
    table = fragment_lengths("T1", reads.lengths)
    assert dict(zip(table["length"], table["n"], strict=True)) == reads.lengths
    # with trimmed reads the fragments that are shorter than a read are there as well
    every = count_reads(truth / "T1.bam", targets).lengths
    assert {length for length in every if length < 101} == {79, 87, 94, 99}


def _segment(name, start, flag, *, tlen=0, mapq=60, cigar="50M", contig=0):
    read = pysam.AlignedSegment(pysam.AlignmentHeader.from_dict(_HEADER))
    read.query_name, read.flag, read.reference_id, read.reference_start = name, flag, contig, start
    read.mapping_quality, read.cigarstring, read.template_length = mapq, cigar, tlen
    n = read.infer_query_length() or 50
    read.query_sequence, read.query_qualities = "A" * n, pysam.qualitystring_to_array("I" * n)
    return read


def _pair(name, start, length, *, extra=(0, 0), mapq=(60, 60)):
    return [
        _segment(name, start, 99 | extra[0], tlen=length, mapq=mapq[0]),
        _segment(name, start + length - 50, 147 | extra[1], tlen=-length, mapq=mapq[1]),
    ]


def _bam(path, reads):
    with pysam.AlignmentFile(str(path), "wb", header=_HEADER) as file:
        for read in sorted(reads, key=lambda r: (r.reference_id, r.reference_start)):
            file.write(read)
    pysam.index(str(path))
    return path


def _values(frame):
    return dict(zip(frame["metric"], frame["value"], strict=True))


def test_a_fragment_has_a_length_when_both_mates_can_be_trusted(tmp_path):
    reads = [
        *_pair("a", 1000, 167),
        *_pair("b", 1100, 140),
        *_pair("duplicate", 1000, 167, extra=(0x400, 0x400)),
        *_pair("low", 1200, 150, mapq=(60, 3)),
        _segment("alone", 1300, 99, tlen=180),
        _segment("improper", 1300, 97, tlen=900),
        _segment("secondary", 1300, 99 | 0x100, tlen=180),
        _segment("failed", 1300, 99 | 0x200, tlen=180),
    ]
    found = count_reads(_bam(tmp_path / "a.bam", reads))
    assert found.lengths == {167: 1, 140: 1}
    values = _values(quality_of("s", found))
    assert values["mapped_reads"] == 10
    assert values["duplicate_rate"] == 2 / 10
    assert values["low_mapping_quality_rate"] == 1 / 8
    assert (values["secondary_reads"], values["failed_quality_control_reads"], values["reads_without_mate"]) == (1, 1, 1)
    assert np.isnan(values["on_target_rate"])


def test_reads_and_bases_on_target_and_near_it(tmp_path):
    reads = [
        _segment("in", 1000, 0),
        _segment("edge", 1080, 0),  # 20 of 50 bases
        _segment("near", 1150, 0),
        _segment("gap", 960, 0, cigar="25M200N25M"),  # aligned beside the target on both sides
        _segment("far", 3000, 0),
        _segment("elsewhere", 100, 0, contig=1),
    ]
    found = count_reads(_bam(tmp_path / "a.bam", reads), [Target("7", 1000, 1060, "x"), Target("7", 1050, 1100, "y")])
    values = _values(quality_of("s", found))
    assert values["on_target_rate"] == pytest.approx(3 / 6)
    assert values["near_target_rate"] == pytest.approx(4 / 6)
    assert values["on_target_base_rate"] == pytest.approx((50 + 20) / 300)


def test_bases_on_target_are_those_counted_one_by_one(tmp_path):
    rng = np.random.default_rng(3)
    reads = [
        _segment(f"r{k}", int(rng.integers(0, 900)), 0, cigar=str(rng.choice(["50M", "20M5D30M", "10S40M"]))) for k in range(150)
    ]
    targets = [
        Target("7", int(a), int(a + w), f"t{a}") for a, w in zip(rng.integers(0, 900, 9), rng.integers(5, 90, 9), strict=True)
    ]
    path = _bam(tmp_path / "a.bam", reads)
    held = {p for t in targets for p in range(t.start, t.end)}
    with pysam.AlignmentFile(str(path)) as file:
        bases = [set(read.get_reference_positions()) for read in file]
    found = count_reads(path, targets).counts
    assert found["bases"] == sum(len(b) for b in bases)
    assert found["bases_on_target"] == sum(len(b & held) for b in bases)


def test_lengths_are_summed_up_by_hand():
    reads = Reads(Counter({100: 2, 150: 1, 151: 3, 220: 1, 221: 5, 5000: 4}))
    values = _values(quality_of("s", reads))
    assert values["fragments"] == 16
    every = [100] * 2 + [150] + [151] * 3 + [220] + [221] * 5
    assert values["fragment_length_mean"] == pytest.approx(np.mean(every))
    assert values["fragment_length_median"] == np.median(every)
    assert values["fragment_length_mode"] == 221
    assert values["short_fragment_ratio"] == 3 / 4
    assert values["short_fragment_rate"] == pytest.approx(3 / 12)
    other = _values(quality_of("s", reads, rule=QualityRule(short=(100, 100), long=(221, 300))))
    assert other["short_fragment_ratio"] == 2 / 5
    table = fragment_lengths("s", reads.lengths)
    assert table[["length", "n"]].to_numpy().tolist()[-1] == [1001, 4]


@pytest.mark.parametrize("lengths", [{160: 4}, {160: 3, 170: 3}, {150: 1, 160: 1, 170: 1}, {1: 1, 2: 2, 9: 1}])
def test_the_median_length_is_that_of_the_written_out_list(lengths):
    every = [length for length, n in lengths.items() for _ in range(n)]
    assert _values(quality_of("s", Reads(Counter(lengths))))["fragment_length_median"] == np.median(every)


def test_depth_by_region_and_how_even_it_is():
    depths = pd.DataFrame(
        {"chrom": ["7"] * 6 + ["8"] * 2, "pos": [11, 12, 13, 14, 21, 22, 1, 2], "depth": [10, 10, 10, 1, 0, 8, 5, 7]}
    )
    targets = [Target("7", 10, 14, "a"), Target("7", 20, 22, "b"), Target("8", 0, 2, "c"), Target("9", 0, 5, "none")]
    found = region_coverage("s", targets, depths).set_index("region")
    assert found.loc["a", ["mean_depth", "median_depth", "min_depth", "share_above_fifth"]].tolist() == [7.75, 10, 1, 0.75]
    assert found.loc["b", ["mean_depth", "median_depth", "min_depth", "share_above_fifth"]].tolist() == [4, 4, 0, 0.5]
    assert found.loc["none", "mean_depth"] == 0
    assert pd.isna(found.loc["none", "share_above_fifth"])
    d = depths["depth"].to_numpy()
    values = _values(quality_of("s", Reads(), d, QualityRule(depths=(5, 10))))
    assert (values["depth_mean"], values["depth_median"]) == (d.mean(), np.median(d))
    assert (values["share_above_5"], values["share_above_10"]) == (6 / 8, 3 / 8)
    assert values["share_above_fifth_of_mean"] == 6 / 8
    assert values["fold_80"] == pytest.approx(d.mean() / np.percentile(d, 20))


def test_nothing_to_divide_by_is_na_and_says_why():
    found = quality_of("s", Reads()).set_index("metric")
    assert found.loc["fragments", "value"] == 0
    for metric, why in {
        "duplicate_rate": "no mapped read",
        "on_target_rate": "no usable read",
        "short_fragment_ratio": "no fragment: single-end reads, or no proper pair with both mates in the file",
        "depth_mean": "no targets were given",
    }.items():
        assert pd.isna(found.loc[metric, "value"])
        assert found.loc[metric, "note"] == why


def test_unmarked_duplicates_are_pointed_out():
    reads = Reads(counts=Counter({"mapped": 10}))
    found = quality_of("s", reads).set_index("metric").loc["duplicate_rate"]
    assert (found["value"], found["note"]) == (0, "no read is marked as a duplicate: were duplicates marked, or removed?")


def test_mates_that_wait_in_vain_are_given_up_and_counted(tmp_path, monkeypatch):
    from resistance.read.alignments import library

    reads = []
    for k in range(40):
        pair = _pair(f"p{k}", 100 + 40 * k, 167)
        for one, other in (pair, pair[::-1]):
            one.next_reference_id, one.next_reference_start = 0, other.reference_start
        # of every second pair the second mate failed
        reads += pair if k % 2 else pair[:1]
    path = _bam(tmp_path / "a.bam", reads)
    whole = count_reads(path)
    monkeypatch.setattr(library, "_WAITING", 4)
    small = count_reads(path)
    assert small == whole
    assert whole.lengths == {167: 20}
    assert whole.counts["mates_not_in_file"] == 20


def _read_by_read(path, targets, rule):
    """The same numbers with pysam, one read after the other, whole file in memory."""
    counts, lengths, first = Counter(), Counter(), {}
    held = {(t.chrom, p) for t in targets for p in range(t.start, t.end)}
    near = {(t.chrom, p) for t in targets for p in range(max(0, t.start - rule.padding), t.end + rule.padding)}
    with pysam.AlignmentFile(str(path)) as file:
        for read in file.fetch(until_eof=True):
            if read.is_secondary or read.is_supplementary:
                counts["secondary" if read.is_secondary else "supplementary"] += 1
                continue
            counts["reads"] += 1
            if read.is_qcfail or read.is_unmapped:
                counts["failed_quality_control" if read.is_qcfail else "unmapped"] += 1
                continue
            counts["mapped"] += 1
            if read.is_duplicate:
                counts["duplicates"] += 1
                continue
            usable = read.mapping_quality >= rule.min_mapping_quality
            counts["low_mapping_quality"] += not usable
            usable = usable and rule.read_length in (None, read.query_length)
            if read.is_paired and read.is_proper_pair:
                if read.query_name not in first:
                    first[read.query_name] = usable
                elif first.pop(read.query_name) and usable and read.template_length:
                    lengths[abs(read.template_length)] += 1
            if targets:
                chrom = read.reference_name.removeprefix("chr")
                at = [(chrom, p) for p in read.get_reference_positions()]
                # the span of a read counts, with what it deletes or skips
                span = [(chrom, p) for p in range(at[0][1], at[-1][1] + 1)] if at else []
                counts["considered"] += 1
                counts["near_target"] += any(p in near for p in span)
                counts["on_target"] += any(p in held for p in span)
                counts["bases"] += len(at)
                counts["bases_on_target"] += sum(p in held for p in at)
    counts["mates_not_in_file"] = len(first)
    return Reads(lengths, counts)


_CIGARS = ("50M", "20M5D30M", "10S40M", "30M4I16M", "20M300N30M", "25=1X24=", "48M2H", "5H45M5S", "30M3P20M")


def _any_reads(rng, n):
    """Pairs and single reads with every flag that matters, some without their mate, on two contigs."""
    reads = []
    for k in range(n):
        contig, start = int(rng.integers(0, 2)), int(rng.integers(0, 330))
        # lengths beyond those that have a place of their own
        length = int(rng.choice([0, 60, 120, 167, 400, 70_000, 70_001]))
        extra = int(rng.choice([0, 0, 0, 0x400, 0x200, 0x100, 0x800, 0x100 | 0x800, 0x4]))
        proper = 0x2 if rng.random() < 0.8 else 0
        later = start + int(rng.integers(0, 80))
        both = [(start, 0x61 | proper, length), (later, 0x91 | proper, -length)]
        for pos, flag, tlen in both[: 1 + (rng.random() < 0.8)]:
            read = _segment(
                f"read{k}",
                pos,
                flag | extra,
                tlen=tlen,
                mapq=int(rng.integers(20, 40)),
                cigar=str(rng.choice(_CIGARS)),
                contig=contig,
            )
            read.next_reference_id, read.next_reference_start = contig, later if pos == start else start
            reads.append(read)
    return reads


@pytest.mark.parametrize("seed", range(8))
def test_the_pass_counts_what_reading_one_by_one_counts(tmp_path, seed, monkeypatch):
    from resistance.read.alignments import library, stream

    rng = np.random.default_rng(seed)
    # small blocks and tables: records lie over the edge of a block, the table of mates grows
    monkeypatch.setattr(stream, "BLOCK", int(rng.choice([700, 5000, 4 << 20])))
    monkeypatch.setattr(library, "_WAITING", int(rng.choice([4, 1 << 10])))
    monkeypatch.setattr(library, "_LONG", 3)
    path = _bam(tmp_path / "a.bam", _any_reads(rng, 200))
    starts = rng.integers(0, 400, 7)
    chosen = [Target("78"[k % 2], int(a), int(a + rng.integers(1, 60)), f"t{k}") for k, a in enumerate(starts)]
    for targets in (chosen, chosen[::2], []):
        rule = QualityRule(padding=int(rng.integers(0, 30)), read_length=None if seed % 2 else 50)
        assert count_reads(path, targets, rule=rule) == _read_by_read(path, targets, rule)


def test_a_cram_gives_the_numbers_of_the_bam(tmp_path):
    rng = np.random.default_rng(5)
    fasta = tmp_path / "r.fa"
    fasta.write_text("".join(f">{c['SN']}\n{''.join(rng.choice(list('ACGT'), c['LN']))}\n" for c in _HEADER["SQ"]))
    pysam.faidx(str(fasta))
    bam = _bam(tmp_path / "a.bam", _any_reads(rng, 100))
    cram = tmp_path / "a.cram"
    pysam.view("-C", "-T", str(fasta), "-o", str(cram), str(bam), catch_stdout=False)
    targets = [Target("7", 100, 160, "x")]
    rule = QualityRule(read_length=50)
    assert count_reads(cram, targets, rule=rule, fasta=fasta) == count_reads(bam, targets, rule=rule)


def test_a_record_whose_lengths_contradict_each_other_is_an_input_error(tmp_path):
    path = _bam(tmp_path / "a.bam", _pair("a", 100, 160))
    with pysam.AlignmentFile(str(path)) as file:
        offset = file.tell()
    with pysam.BGZFile(str(path)) as file:
        data = bytearray(file.read())
    with pysam.BGZFile(str(path)) as file:
        file.seek(offset)
        at = data.index(file.read(64))
    data[at + 20 : at + 24] = (10**6).to_bytes(4, "little")  # bases of the first read
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(bytes(data))
    with pytest.raises(InputError, match="a record is damaged: its lengths contradict each other") as caught:
        count_reads(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_cut_off_is_an_input_error(tmp_path):
    path = _bam(tmp_path / "a.bam", [r for k in range(3000) for r in _pair(f"p{k}", 100 + k, 160)])
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(InputError, match="cannot be read to its end"):
        count_reads(path)
