"""Depths of every position against read by read, and against the published ones."""

from __future__ import annotations

import collections

import numpy as np
import pandas as pd
import pysam
import pytest
from tiny_bam import CONTIG, NEVER, random_reads, random_reference, random_variants, write_bam, write_fasta

from resistance.read.alignments.opened import open_alignment
from resistance.read.alignments.positions import COLUMNS, Filters, position_counts, position_table


def plain(path, start: int, end: int, filters: Filters) -> np.ndarray:
    """Count read by read, each position a dictionary of what its fragments show."""
    shown: dict[int, dict[str, set[tuple[str, bool]]]] = {p: collections.defaultdict(set) for p in range(start, end)}
    with pysam.AlignmentFile(str(path)) as file:
        for number, row in enumerate(file):
            if row.flag & NEVER or row.mapping_quality < filters.min_mapping_quality or row.is_duplicate:
                continue
            name = f"{row.query_name}/{number}" if filters.count == "reads" else row.query_name
            letters = "".join("MIDNSHP=X"[op] * n for op, n in row.cigartuples if op not in (5, 6))
            ref, query = row.reference_start, 0
            for i, letter in enumerate(letters):
                if start <= ref < end and letter in "M=XD":
                    inserted = letter in "M=X" and i + 1 < len(letters) and letters[i + 1] == "I"
                    beside = (i > 0 and letters[i - 1] in "ID") or (i + 1 < len(letters) and letters[i + 1] in "ID")
                    what = "deletion" if letter == "D" else row.query_sequence[query]
                    if letter != "D" and row.query_qualities[query] < filters.min_base_quality:
                        what = ""
                    elif letter != "D" and beside and filters.drop_beside:
                        what = "+" if inserted else ""
                    if what:
                        shown[ref][name].add((what, inserted))
                ref += letter in "M=XDN"
                query += letter in "M=XIS"
    out = np.zeros((end - start, len(COLUMNS)), int)
    for pos, names in shown.items():
        for symbols in names.values():
            if len(symbols) > 1:
                out[pos - start, COLUMNS.index("discordant")] += 1
                continue
            what, inserted = next(iter(symbols))
            if what != "+":
                out[pos - start, COLUMNS.index(what)] += 1
            out[pos - start, COLUMNS.index("insertion")] += inserted
    return out


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", ["fragments", "reads"])
@pytest.mark.parametrize("beside", [None, True])
def test_random_reads_give_the_depths_of_read_by_read(tmp_path, seed: int, count: str, beside: bool | None) -> None:
    rng = np.random.default_rng(seed)
    reference = random_reference(rng, 400)
    variants = random_variants(rng, reference, (150, 250), 15)
    path = write_bam(tmp_path / "reads.bam", random_reads(rng, reference, (160, 240), 300, variants), length=400)
    filters = Filters(count, beside_indels=beside)
    got = position_counts(open_alignment(path, "GRCh38"), [(0, 140, 260)], filters)
    expected = plain(path, 140, 260, filters)
    np.testing.assert_array_equal(got.depths, expected)
    assert got.pos.tolist() == list(range(140, 260))
    assert (expected[:, COLUMNS.index("discordant")].sum() > 0) == (count == "fragments")
    assert expected[:, COLUMNS.index("insertion")].sum() > 10


def test_pieces_blocks_and_small_buffers_change_no_depth(tmp_path, monkeypatch) -> None:
    rng = np.random.default_rng(9)
    reference = random_reference(rng, 400)
    path = write_bam(tmp_path / "reads.bam", random_reads(rng, reference, (140, 250), 500), length=400)
    alignment = open_alignment(path, "GRCh38")
    whole = position_counts(alignment, [(0, 120, 300)])
    monkeypatch.setattr("resistance.read.alignments.stream.BLOCK", 700)
    monkeypatch.setattr("resistance.read.alignments.positions.PIECE", 37)
    monkeypatch.setattr("resistance.read.alignments.positions.HOLD", 3)
    pieces = position_counts(alignment, [(0, 200, 300), (0, 120, 150), (0, 130, 220)])
    np.testing.assert_array_equal(whole.depths, pieces.depths)
    np.testing.assert_array_equal(whole.pos, pieces.pos)
    np.testing.assert_array_equal(whole.reads, pieces.reads)


def test_a_cram_gives_the_depths_of_its_bam(tmp_path) -> None:
    rng = np.random.default_rng(5)
    reference = random_reference(rng, 400)
    fasta = write_fasta(tmp_path / "ref.fa", reference)
    reads = random_reads(rng, reference, (160, 240), 200)
    tables = [
        position_table(write_bam(tmp_path / name, reads, length=400, fasta=fasta), "GRCh38", [(CONTIG, 150, 250)], fasta=fasta)
        for name in ("a.bam", "a.cram")
    ]
    pd.testing.assert_frame_equal(*tables)
    assert tables[0]["A"].sum() > 0


def test_a_region_beyond_the_contig_or_on_an_unknown_one_has_depth_0(tmp_path) -> None:
    path = write_bam(tmp_path / "a.bam", random_reads(np.random.default_rng(1), "ACGT" * 100, (350, 390), 50)[:0], length=400)
    table = position_table(path, "GRCh38", [("chr7", 10, 12), (CONTIG, 398, 402)])
    assert table[["chrom", "pos"]].to_numpy().tolist() == [[CONTIG, p] for p in (399, 400, 401, 402)] + [["7", 11], ["7", 12]]
    assert table[list(COLUMNS)].to_numpy().sum() == 0


def test_counted_bases_need_not_all_be_read_to_tell_the_reference(tmp_path) -> None:
    rng = np.random.default_rng(3)
    reference = random_reference(rng, 400)
    path = write_bam(tmp_path / "reads.bam", random_reads(rng, reference, (140, 260), 1000), length=400)
    alignment = open_alignment(path, "GRCh38")
    few = position_counts(alignment, [(0, 150, 250)], Filters("reads", per_start=2)).depths
    every = position_counts(alignment, [(0, 150, 250)], Filters("reads")).depths
    assert few.sum() < every.sum() / 3
    assert "".join("ACGT"[i] for i in few[:, :4].argmax(axis=1)) == reference[150:250]


@pytest.mark.shared
@pytest.mark.parametrize(("min_bq", "min_mq"), [(20, 30), (30, 40)])
@pytest.mark.parametrize("sample", ["T1", "T2", "N1", "N2", "N3"])
def test_background_rates_of_the_panel_are_those_of_ctdnatools(shared, sample: str, min_bq: int, min_mq: int) -> None:
    folder = shared / "truth" / "ctdna" / "ctdnatools"
    expected = pd.read_csv(folder / "expected" / "background_rates.tsv", sep="\t")
    rate = expected[(expected["sample"] == sample) & (expected["min_bq"] == min_bq) & (expected["min_mq"] == min_mq)]["rate"]
    target = pd.read_csv(folder / "targets.tsv", sep="\t").iloc[0]
    table = position_table(
        folder / f"{sample}.bam",
        "GRCh37",
        [(target["chr"], target["start"] - 1, target["end"])],
        Filters("reads", min_bq, min_mq, every_alignment=True),
    )
    reference = (folder / "chr14_106327222_106328250_from_MD.fa").read_text().split("\n", 1)[1].replace("\n", "")
    bases = table[["A", "C", "G", "T"]].to_numpy()
    column = np.array(["ACGT".find(reference[p - 106327222]) for p in table["pos"]])
    right = np.where(column >= 0, bases[np.arange(len(bases)), column], 0)
    depth = bases.sum(axis=1)
    wrong = depth - right
    used = (column >= 0) & (wrong < 0.1 * depth)
    assert wrong[used].sum() / depth[used].sum() == pytest.approx(rate.item(), rel=1e-12, abs=1e-15)


@pytest.mark.shared
def test_depths_and_wrong_bases_of_the_controls_are_those_of_ctdnatools(shared) -> None:
    # its panel is made at base quality 10 and mapping quality 20, and does not look at flags
    folder = shared / "truth" / "ctdna" / "ctdnatools"
    expected = pd.read_csv(folder / "expected" / "background_panel_subst.tsv", sep="\t")
    place = expected["Locus"].str.split("_", expand=True)
    for sample in ("N1", "N2", "N3"):
        region = [("chr14", int(place[1].astype(int).min()) - 1, int(place[1].astype(int).max()))]
        table = position_table(
            folder / f"{sample}.bam", "GRCh37", region, Filters("reads", 10, 20, every_alignment=True)
        ).set_index("pos")
        here = table.loc[place[1].astype(int)]
        depth = here[["A", "C", "G", "T"]].sum(axis=1).to_numpy()
        alt = here[["A", "C", "G", "T"]].to_numpy()[np.arange(len(here)), place[3].map("ACGT".index).to_numpy()]
        ok = (depth == expected[f"{sample}_depth"].to_numpy()) & (alt == expected[f"{sample}_alt"].to_numpy())
        assert ok.sum() == len(expected) == 1884, expected[~ok].head()
