"""What is wrong with an alignment file is said with the file, the value and what to do."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest
from tiny_bam import CONTIG, random_reads, random_reference, read, write_bam, write_fasta

from resistance import config
from resistance.contigs import contig_lengths
from resistance.errors import InputError
from resistance.read.alignments.count import count_sample
from resistance.read.alignments.opened import build_of, open_alignment

READS = [read(f"r{i}", 100 + i, "50M", "ACGTA" * 10) for i in range(20)]
ONE = pd.DataFrame({"chrom": [CONTIG], "pos": [120], "ref": ["A"], "alt": ["C"]})


def said(path: Path, **named: object) -> str:
    with pytest.raises(InputError) as error:
        open_alignment(path, "GRCh38", **named)
    return str(error.value)


def counted(path: Path, variants: pd.DataFrame = ONE, **settings: object) -> dict[str, pd.DataFrame]:
    return count_sample(path, variants, config.Alignments(**settings), sample_id="S1", build="GRCh38")


def header(**changes: object) -> dict[str, object]:
    return {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": CONTIG, "LN": 2000}],
        "RG": [{"ID": "1", "SM": "S1"}],
    } | changes


def test_a_good_file_tells_its_contigs_and_its_sample(tmp_path) -> None:
    got = open_alignment(write_bam(tmp_path / "a.bam", READS), "GRCh38", sample="S1")
    assert (got.contigs, got.lengths, got.sample, got.is_cram) == ((CONTIG,), (2000,), "S1", False)
    assert got.numbers() == {CONTIG: 0}


def test_a_missing_file_and_a_folder(tmp_path) -> None:
    assert said(tmp_path / "none.bam").endswith(
        "none.bam: the file is missing. Correct the path; those of a samples sheet are relative to it."
    )
    assert said(tmp_path).endswith("is a folder, not a file.")


def test_an_empty_file_and_one_that_is_no_alignment(tmp_path) -> None:
    path = tmp_path / "a.bam"
    path.write_bytes(b"")
    assert "the file is empty" in said(path)
    path.write_bytes(b"##fileformat=VCFv4.2\n")
    assert "is no BAM or CRAM" in said(path)
    path.write_text("@HD\tVN:1.6\n")
    assert "is SAM text (or FASTQ), not BAM or CRAM. Make one: samtools sort -o SORTED.bam a.bam" in said(path)
    path.write_bytes(gzip.compress(b"@HD\tVN:1.6\n"))
    assert "is SAM text" in said(path)
    path.write_bytes(gzip.compress(b"BAM\1" + bytes(100)))
    assert "is a BAM packed with gzip, not with bgzip. Write it again with samtools view -b." in said(path)
    path.write_bytes(b"\x1f\x8b" + bytes(50))
    assert "is damaged: its first block cannot be unpacked" in said(path)


def test_a_file_that_is_cut_off(tmp_path) -> None:
    path = write_bam(tmp_path / "a.bam", READS)
    path.write_bytes(path.read_bytes()[:-40])
    assert "the file is cut off (the block that ends a BGZF file is not there). Copy or download it again." in said(path)
    fasta = write_fasta(tmp_path / "ref.fa", "ACGTA" * 400)
    cram = write_bam(tmp_path / "a.cram", READS, fasta=fasta)
    cram.write_bytes(cram.read_bytes()[:-38])
    assert "the file is cut off (the container that ends a CRAM is not there)" in said(cram, fasta=fasta)


def test_a_file_whose_header_is_damaged(tmp_path) -> None:
    path = tmp_path / "a.bam"
    with pysam.BGZFile(str(path), "wb", None) as file:
        file.write(b"BAM\1" + (10_000).to_bytes(4, "little") + b"@HD")
    assert "cannot be read: the header is damaged or the file is cut off" in said(path)


def test_no_index_and_an_index_that_is_older(tmp_path) -> None:
    path = write_bam(tmp_path / "a.bam", READS, index=False)
    assert said(path).endswith("a.bam: has no index beside it (.bai, .csi, .crai). Write it: samtools index a.bam.")
    pysam.index(str(path))
    os.utime(path, (2_000_000_000, 2_000_000_000))
    assert said(path).endswith("a.bam.bai: the index is older than its file. Write it again: samtools index a.bam.")


def test_an_index_that_is_damaged_or_of_another_file(tmp_path) -> None:
    path = write_bam(tmp_path / "a.bam", READS)
    index = tmp_path / "a.bam.bai"
    good = index.read_bytes()
    index.write_bytes(good[:20])
    assert said(path).endswith("a.bam.bai: the index is damaged or cut off. Write it again: samtools index FILE.")
    index.write_bytes(b"nothing")
    assert "is no index of a BAM file" in said(path)
    index.write_bytes(b"BAI\1" + (2).to_bytes(4, "little") + bytes(16))
    assert "the index is of another file: it has 2 contigs, the header 1" in said(path)


def test_the_index_may_be_named_either_way_and_be_csi(tmp_path) -> None:
    path = write_bam(tmp_path / "a.bam", READS)
    expected = counted(path)["pileup"]
    assert expected["depth"].item() == 20
    (tmp_path / "a.bam.bai").rename(tmp_path / "a.bai")
    pd.testing.assert_frame_equal(counted(path)["pileup"], expected)
    (tmp_path / "a.bai").unlink()
    pysam.index("-c", str(path))
    assert (tmp_path / "a.bam.csi").exists()
    pd.testing.assert_frame_equal(counted(path)["pileup"], expected)


def test_another_build_is_known_by_its_contig_lengths(tmp_path) -> None:
    path = write_bam(tmp_path / "a.bam", [], header=header(SQ=[{"SN": "chr1", "LN": contig_lengths("GRCh37")["1"]}]))
    assert said(path).endswith(
        "a.bam, value 'chr1 of 249250621 bases': the header says GRCh37, the cohort is declared GRCh38. "
        "Give alignments on GRCh38, or correct study.build."
    )
    assert build_of(path) == "GRCh37"
    mouse = write_bam(tmp_path / "m.bam", [], header=header(SQ=[{"SN": "chr1", "LN": 195_471_971}]))
    assert "the contigs have the lengths of neither GRCh38 nor GRCh37" in said(mouse)
    assert build_of(mouse) is None


def test_unaligned_and_unsorted_files(tmp_path) -> None:
    path = tmp_path / "u.bam"
    with pysam.AlignmentFile(str(path), "wb", header={"HD": {"VN": "1.6"}}):
        pass
    assert "holds unaligned reads (no contig in the header). Give the file of aligned reads." in said(path)
    path = write_bam(tmp_path / "q.bam", READS, header=header(HD={"VN": "1.6", "SO": "queryname"}), index=False)
    assert "value 'SO:queryname': is not sorted by coordinate. Sort it: samtools sort -o SORTED.bam q.bam" in said(path)


def test_records_that_are_not_sorted_are_seen_whatever_the_header_says(tmp_path) -> None:
    sorted_one = write_bam(tmp_path / "a.bam", READS)
    path = write_bam(tmp_path / "b.bam", READS[::-1], sort=False, index=False)
    (tmp_path / "b.bam.bai").write_bytes((tmp_path / "a.bam.bai").read_bytes())
    assert counted(sorted_one)["pileup"]["reads"].item() == 20
    with pytest.raises(InputError, match=r"b.bam: is not sorted by coordinate, whatever its header says"):
        counted(path)


def test_missing_read_groups_several_samples_and_another_sample(tmp_path) -> None:
    path = write_bam(tmp_path / "a.bam", [], header=header(RG=[]))
    assert said(path, sample="S1").endswith(
        "a.bam: has no read groups with a sample (@RG SM): whose reads these are cannot be checked. Add them: samtools addreplacerg "
        "-r ID:1 -r SM:S1 -o NEW.bam a.bam; or, where you are sure, set ctdna.alignments.read_groups: ignore "
        "(--read-groups ignore)."
    )
    assert open_alignment(path, "GRCh38", sample="S1", read_groups="ignore").sample is None
    path = write_bam(tmp_path / "b.bam", [], header=header(RG=[{"ID": "1", "SM": "S1"}, {"ID": "2", "SM": "S2"}]))
    assert "value 'S1, S2': holds reads of 2 samples" in said(path)
    path = write_bam(tmp_path / "c.bam", [])
    assert "value 'S1': is of another sample: its read groups say S1, the samples sheet S9. Are two files swapped?" in said(
        path, sample="S9"
    )


def test_a_cram_needs_its_reference(tmp_path) -> None:
    reference = random_reference(np.random.default_rng(1), 2000)
    fasta = write_fasta(tmp_path / "ref.fa", reference)
    cram = write_bam(tmp_path / "a.cram", random_reads(np.random.default_rng(1), reference, (900, 1000), 50), fasta=fasta)
    assert "is a CRAM, which cannot be read without its reference. Give the FASTA it was written with" in said(cram)
    assert "none.fa: the FASTA is missing" in said(cram, fasta=tmp_path / "none.fa")
    bare = tmp_path / "bare.fa"
    bare.write_text(">x\nACGT\n")
    assert "bare.fa: the FASTA has no index. Write it: samtools faidx bare.fa." in said(cram, fasta=bare)
    shorter = write_fasta(tmp_path / "shorter.fa", reference[:1900])
    assert "is not the reference of a.cram: contig panel has 1900 bases, in the CRAM 2000" in said(cram, fasta=shorter)
    strange = write_fasta(tmp_path / "strange.fa", reference, name="other")
    assert "the reference has none of the CRAM's contigs" in said(cram, fasta=strange)
    wrong = write_fasta(tmp_path / "wrong.fa", reference[::-1])
    there = ONE.assign(pos=950)
    with pytest.raises(InputError, match="the CRAM cannot be decoded: the reference is not the one it was written with"):
        counted(cram, there, fasta=str(wrong))
    with pytest.raises(InputError, match="the CRAM cannot be decoded: the reference is not the one it was written with"):
        counted(cram, there, fasta=str(wrong), count="families")


def test_a_file_that_is_damaged_within(tmp_path) -> None:
    rng = np.random.default_rng(1)
    reference = random_reference(rng, 2000)
    path = write_bam(tmp_path / "a.bam", random_reads(rng, reference, (900, 1000), 3000))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 200] = bytes(200)
    path.write_bytes(bytes(raw))
    os.utime(tmp_path / "a.bam.bai")
    with pytest.raises(InputError, match=r"a.bam: (the file is damaged: a block cannot be unpacked|a record is damaged)"):
        counted(path, ONE.assign(pos=990))


def test_records_whose_lengths_contradict_each_other_are_refused(tmp_path) -> None:
    path = write_bam(tmp_path / "a.bam", READS)
    with pysam.BGZFile(str(path), "rb", None) as file:
        plain = bytearray(file.read())

    def write() -> None:
        with pysam.BGZFile(str(path), "wb", None) as file:
            file.write(bytes(plain))

    write()  # all in one block, so that the index serves for the damaged file too
    pysam.index(str(path))
    at = plain.index(b"r0\0") - 36
    plain[at + 20 : at + 24] = (100_000).to_bytes(4, "little")  # more bases than the record has bytes
    write()
    os.utime(tmp_path / "a.bam.bai", (2_000_000_000, 2_000_000_000))
    with pytest.raises(InputError, match=r"a.bam: a record is damaged: its lengths contradict each other"):
        counted(path)


def test_variants_on_a_contig_that_the_file_lacks(tmp_path) -> None:
    path = write_bam(tmp_path / "a.bam", READS)
    with pytest.raises(InputError) as error:
        counted(path, ONE.assign(chrom="chr7"))
    assert str(error.value).endswith(
        "a.bam, value '7': has no contig of the variants. It has: panel ... Are both on the same genome?"
    )
    both = counted(path, pd.concat([ONE, ONE.assign(chrom="chr7")], ignore_index=True))["pileup"]
    assert both["depth"].tolist() == [20, 0]
    assert both["note"].tolist()[1] == "the file has no such contig"


def test_a_depth_of_0_says_why(tmp_path) -> None:
    poor = [read(f"p{i}", 100, "50M", "ACGTA" * 10, mapping=10) for i in range(3)]
    poor += [read(f"d{i}", 100, "50M", "ACGTA" * 10, flag=0x400) for i in range(2)]
    poor += [read("q", 100, "50M", "ACGTA" * 10, quality=5)]
    path = write_bam(tmp_path / "a.bam", poor)
    table = counted(path, pd.concat([ONE, ONE.assign(pos=500)], ignore_index=True))["pileup"]
    assert table["depth"].tolist() == [0, 0]
    assert table["note"].tolist() == [
        "6 reads lie over it, none counts (3 mapping quality, 2 duplicate, 1 base quality)",
        "no read lies over it",
    ]


def test_umi_tags_that_are_asked_for_must_be_there(tmp_path) -> None:
    path = write_bam(tmp_path / "a.bam", READS)
    with pytest.raises(InputError) as error:
        counted(path, count="families")
    assert str(error.value).endswith(
        "a.bam: the reads have no UMI tag MI. Group the reads first (fgbio GroupReadsByUmi), or remove ctdna.alignments.umi. "
        "Tags of the first 20 reads: RG."
    )
    raw = write_bam(tmp_path / "b.bam", [one | {"tags": (("RX", "ACGT"),)} for one in READS])
    with pytest.raises(InputError, match=r"the reads have no UMI tag MI. Set ctdna.alignments.umi.tag: RX"):
        counted(raw, count="families")
    with pytest.raises(InputError, match="duplexes cannot be counted from RX: UMI-tools does not tell the strands"):
        counted(raw, count="duplexes", umi=config.Umi(tag="RX"))


def test_umi_tools_that_is_not_installed_is_named_with_how_to_install_it(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    raw = write_bam(tmp_path / "b.bam", [one | {"tags": (("RX", "ACGT"),)} for one in READS])
    with pytest.raises(InputError) as error:
        counted(raw, count="families", umi=config.Umi(tag="RX"))
    assert str(error.value).endswith(
        "b.bam: reads have UMIs (RX) but no families (MI), and UMI-tools is not installed. Install it: pip install setuptools wheel "
        "Cython, then pip install --no-build-isolation 'resistance[umi]' (its source package is built with what is there); or group the "
        "reads yourself (fgbio GroupReadsByUmi writes MI)."
    )
