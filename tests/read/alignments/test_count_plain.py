"""Counts of random reads against the slow, obvious way to count them, written in tiny_bam."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tiny_bam import CONTIG, Plain, random_reads, random_reference, random_variants, write_bam, write_fasta

from resistance import config
from resistance.read.alignments.count import count_sample

COUNTS = (
    *("reads", "reads_ref", "reads_alt", "fragments", "fragments_ref", "fragments_alt", "fragments_discordant"),
    *("families", "families_alt", "families_alt_singleton", "duplexes", "duplexes_alt", "alt_forward", "alt_reverse"),
)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("form", ["bam", "cram"])
def test_random_reads_are_counted_as_read_by_read(tmp_path, seed: int, form: str) -> None:
    rng = np.random.default_rng(seed)
    reference = random_reference(rng, 400)
    fasta = write_fasta(tmp_path / "ref.fa", reference)
    variants = random_variants(rng, reference, (150, 250), 25)
    reads = random_reads(rng, reference, (160, 240), 250, variants)
    path = write_bam(tmp_path / f"reads.{form}", reads, fasta=fasta, length=400)
    table = pd.DataFrame(variants, columns=["pos", "ref", "alt"]).assign(chrom=CONTIG)
    settings = config.Alignments(fasta=str(fasta), umi=config.Umi())
    got = count_sample(path, table, settings, sample_id="S1", build="GRCh38")["pileup"]
    plain = Plain(path, reference) if form == "bam" else Plain(write_bam(tmp_path / "same.bam", reads, length=400), reference)
    for row, variant in zip(got.to_dict("records"), variants, strict=True):
        slow = plain.count(*variant)
        assert {name: row[name] for name in COUNTS} == {name: slow[name] for name in COUNTS}, variant
    assert got["fragments_alt"].sum() > 50
    assert got["fragments_discordant"].sum() > 0
    assert got["duplexes_alt"].sum() > 5


def test_small_blocks_and_full_buffers_change_no_count(tmp_path, monkeypatch) -> None:
    rng = np.random.default_rng(11)
    reference = random_reference(rng, 400)
    variants = random_variants(rng, reference, (150, 250), 25)
    path = write_bam(tmp_path / "reads.bam", random_reads(rng, reference, (160, 240), 300, variants), length=400)
    fasta = write_fasta(tmp_path / "ref.fa", reference)
    table = pd.DataFrame(variants, columns=["pos", "ref", "alt"]).assign(chrom=CONTIG, event="one")
    settings = config.Alignments(fasta=str(fasta), umi=config.Umi())

    def counted() -> dict[str, pd.DataFrame]:
        return count_sample(path, table, settings, sample_id="S1", build="GRCh38")

    whole = counted()
    # records are cut by the ends of blocks, and observations have to be put away long before the file is read
    monkeypatch.setattr("resistance.read.alignments.stream.BLOCK", 700)
    monkeypatch.setattr("resistance.read.alignments.engine.ROWS", 40)
    pieces = counted()
    # no more may be held: the sites are taken in turns, down to one alone
    monkeypatch.setattr("resistance.read.alignments.engine.MOST_ROWS", 160)
    turns = counted()
    for name in ("pileup", "read_counts"):
        pd.testing.assert_frame_equal(whole[name], pieces[name])
        pd.testing.assert_frame_equal(whole[name], turns[name])


def test_the_order_of_the_variants_changes_no_count(tmp_path) -> None:
    rng = np.random.default_rng(12)
    reference = random_reference(rng, 400)
    variants = random_variants(rng, reference, (150, 250), 20)
    path = write_bam(tmp_path / "reads.bam", random_reads(rng, reference, (160, 240), 200, variants), length=400)
    table = pd.DataFrame(variants, columns=["pos", "ref", "alt"]).assign(chrom=CONTIG)
    backwards = table.iloc[::-1]
    one, other = (
        count_sample(path, rows, config.Alignments(), sample_id=None, build="GRCh38")["pileup"] for rows in (table, backwards)
    )
    pd.testing.assert_frame_equal(one, other.iloc[::-1].reset_index(drop=True))


def test_every_read_over_a_site_is_kept_or_dropped_for_one_reason(tmp_path) -> None:
    rng = np.random.default_rng(13)
    reference = random_reference(rng, 400)
    variants = random_variants(rng, reference, (150, 250), 20)
    path = write_bam(tmp_path / "reads.bam", random_reads(rng, reference, (160, 240), 400, variants), length=400)
    table = pd.DataFrame(variants, columns=["pos", "ref", "alt"]).assign(chrom=CONTIG)
    counts = count_sample(path, table, config.Alignments(), sample_id="S1", build="GRCh38")["read_counts"]
    n = counts.set_index(["unit", "reason"])["n"]
    for unit in ("reads", "bases", "fragments"):
        others = n[unit].drop(["seen", "kept"])
        others = others[~others.index.str.contains("kept as a read")]
        assert n[unit, "seen"] == n[unit, "kept"] + others.sum(), unit
    assert n["reads"].drop("no sequence").min() > 0
