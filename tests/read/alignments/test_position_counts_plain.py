"""The plain counter against one base of one read at a time, on random reads with indels, clips and overlapping mates."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pysam
import pytest

from resistance.errors import InputError
from resistance.read.alignments.position_counts_plain import COUNTS, position_counts_plain
from resistance.read.alignments.targets import Target

_HEADER = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr7", "LN": 2000}, {"SN": "chr8", "LN": 500}]}


def _bam(path, reads):
    reads = sorted(reads, key=lambda r: r.reference_start)
    with pysam.AlignmentFile(str(path), "wb", header=_HEADER) as file:
        for read in reads:
            file.write(read)
    pysam.index(str(path))
    return path


def _read(name, start, cigar, sequence, qualities, flag=0, mapq=60):
    read = pysam.AlignedSegment(pysam.AlignmentHeader.from_dict(_HEADER))
    read.query_name, read.flag, read.reference_id, read.reference_start = name, flag, 0, start
    read.mapping_quality, read.cigartuples = mapq, cigar
    read.query_sequence = sequence
    read.query_qualities = pysam.qualitystring_to_array("".join(chr(q + 33) for q in qualities))
    return read


def _random_reads(rng, n=80):
    out = []
    for number in range(n):
        for mate in range(int(rng.integers(1, 3))):
            steps = [
                [(4, 3), (0, 30)],
                [(0, 40)],
                [(0, 12), (1, 3), (0, 20)],
                [(0, 15), (2, 4), (0, 15)],
                [(7, 10), (3, 20), (8, 9)],
            ][int(rng.integers(5))]
            length = sum(n for kind, n in steps if kind in (0, 1, 4, 7, 8))
            sequence = "".join(rng.choice(list("ACGTN"), length, p=[0.3, 0.3, 0.2, 0.19, 0.01]))
            flag = (0x1 | (0x40 if mate == 0 else 0x80)) | int(rng.choice([0, 0, 0, 0, 0x400, 0x100, 0x800, 0x200]))
            start = 100 + 7 * (number % 20) + int(rng.integers(0, 10))
            out.append(
                _read(f"f{number}", start, steps, sequence, rng.integers(5, 40, length), flag, int(rng.choice([0, 29, 30, 60])))
            )
    return out


def _slowly(path, target, count, bq, mq):
    shown = defaultdict(lambda: defaultdict(list))
    with pysam.AlignmentFile(str(path)) as file:
        for number, read in enumerate(file.fetch("chr7")):
            if read.flag & 0xF04 or read.mapping_quality < mq:
                continue
            name = read.query_name if count == "fragments" else number
            pairs = read.get_aligned_pairs()
            for i, (at, place) in enumerate(pairs):
                if place is None:
                    continue
                if at is None:
                    # a skip (N) is no deletion
                    skipped = any(kind == 3 and begin <= place < begin + n for kind, n, begin in _spans(read))
                    if not skipped:
                        shown[place][name].append(("deletion", False))
                    continue
                if read.query_qualities[at] < bq:
                    continue
                after = pairs[i + 1] if i + 1 < len(pairs) else (None, 0)
                inserted = after[1] is None and after[0] is not None and any(p[1] is not None for p in pairs[i + 1 :])
                shown[place][name].append((read.query_sequence[at], inserted))
    rows = []
    for place in range(target.start, target.end):
        row = dict.fromkeys([*COUNTS, "discordant"], 0)
        for seen in shown[place].values():
            if len(set(seen)) > 1:
                row["discordant"] += 1
            else:
                row[seen[0][0]] += 1
                row["insertion"] += seen[0][1]
        rows.append(row)
    return rows


def _spans(read):
    place = read.reference_start
    for kind, n in read.cigartuples:
        if kind in (0, 2, 3, 7, 8):
            yield kind, n, place
            place += n


@pytest.mark.parametrize("count", ["fragments", "reads"])
@pytest.mark.parametrize("seed", range(3))
def test_random_reads_are_counted_as_base_by_base(tmp_path, count, seed):
    path = _bam(tmp_path / "a.bam", _random_reads(np.random.default_rng(seed)))
    target = Target("7", 90, 300, "x")
    found = position_counts_plain(path, [target], count=count, min_base_quality=20, min_mapping_quality=30)
    assert found[[*COUNTS, "discordant"]].to_dict("records") == _slowly(path, target, count, 20, 30)
    assert found["pos"].tolist() == list(range(91, 301))


def test_a_deleted_base_is_no_base_and_an_inserted_one_stands_at_the_base_before(tmp_path):
    reads = [
        _read("a", 100, [(0, 5), (2, 2), (0, 5)], "A" * 10, [40] * 10),
        _read("b", 100, [(0, 5), (1, 2), (0, 5)], "C" * 12, [40] * 12),
    ]
    found = position_counts_plain(_bam(tmp_path / "a.bam", reads), [Target("7", 100, 112, "x")]).set_index("pos")
    assert found["deletion"].tolist() == [0] * 5 + [1, 1] + [0] * 5
    assert found["insertion"].tolist() == [0, 0, 0, 0, 1] + [0] * 7
    assert found["C"].sum() == 10


def test_regions_without_reads_beyond_the_end_or_on_another_contig_are_zeros(tmp_path):
    path = _bam(tmp_path / "a.bam", [_read("a", 100, [(0, 10)], "A" * 10, [40] * 10)])
    found = position_counts_plain(path, [Target("7", 1995, 2005, "x"), Target("8", 1, 3, "y"), Target("7", 108, 112, "z")])
    assert len(found) == 10 + 2 + 4
    assert found["A"].sum() == 2
    with pytest.raises(InputError, match="has no contig of the targets"):
        position_counts_plain(path, [Target("19", 1, 3, "y")])
