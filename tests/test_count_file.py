"""`resistance count`: one alignment file and a file of variants, without a cohort."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from tiny_bam import CONTIG, read, write_bam, write_fasta

from resistance import cli
from resistance.contigs import contig_lengths
from resistance.errors import InputError
from resistance.read.alignments.variants_file import read_variants

REFERENCE = "ACGTTGCAAACCCCCCTGATCGATTACAGGCATGCAACGTCCATGGTACAGATTACCAGTACGT" * 4
ALT = REFERENCE[:20] + "T" + REFERENCE[21:60]


@pytest.fixture
def bam(tmp_path: Path) -> Path:
    reads = [read(f"r{i}", 0, "60M", REFERENCE[:60]) for i in range(8)] + [read(f"a{i}", 0, "60M", ALT) for i in range(2)]
    reads += [read("poor", 0, "60M", ALT, mapping=3)]
    return write_bam(tmp_path / "a.bam", reads, length=len(REFERENCE))


def run(*arguments: object) -> None:
    cli.cli.main([str(argument) for argument in arguments], standalone_mode=False)


def test_a_table_of_variants_gives_counts_and_what_was_dropped(tmp_path, bam, capsys) -> None:
    variants = tmp_path / "v.tsv"
    variants.write_text(f"chrom\tpos\tref\talt\n{CONTIG}\t21\tC\tT\n{CONTIG}\t11\tCC\tC\n{CONTIG}\t21\tC\tT\n")
    fasta = write_fasta(tmp_path / "ref.fa", REFERENCE)
    out = tmp_path / "new" / "counts.tsv"
    run("count", bam, "--variants", variants, "--build", "hg38", "--reference", fasta, "--out", out)
    table = pd.read_csv(out, sep="\t")
    assert table[["sample_id", "build", "pos", "ref", "alt", "depth", "alt_count", "unit"]].to_numpy().tolist() == [
        ["S1", "GRCh38", 21, "C", "T", 10, 2, "fragments"],
        ["S1", "GRCh38", 11, "C", "-", 10, 0, "fragments"],
    ]
    filters = pd.read_csv(tmp_path / "new" / "counts.filters.tsv", sep="\t").set_index(["unit", "reason"])["n"]
    assert filters["reads", "seen"] == 11
    assert filters["reads", "mapping quality"] == 1
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        f"wrote {out}: 2 variants, 2 of them read, 1 seen",
        f"wrote {tmp_path}/new/counts.filters.tsv",
    ]
    assert said.err.splitlines() == [
        f"warning: left out: 1 x the variant stands in an earlier row too (such as {CONTIG}:21 C>T)",
        "dropped: 1 reads: mapping quality",
    ]


def test_a_vcf_of_variants_is_read_and_what_is_no_small_variant_is_counted(tmp_path, bam, capsys) -> None:
    variants = tmp_path / "v.vcf"
    variants.write_text(
        f"##fileformat=VCFv4.2\n##contig=<ID={CONTIG}>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        f"{CONTIG}\t21\t.\tC\tT,G\t.\t.\t.\n{CONTIG}\t30\t.\tG\t<DEL>\t.\t.\t.\n"
    )
    out = tmp_path / "counts.tsv"
    run("count", bam, "--variants", variants, "--build", "GRCh38", "--out", out, "--count", "reads")
    table = pd.read_csv(out, sep="\t")
    assert table[["alt", "depth", "alt_count", "unit"]].to_numpy().tolist() == [["T", 10, 2, "reads"], ["G", 10, 0, "reads"]]
    assert "left out: 1 x symbolic allele <DEL> (such as panel:30 G><DEL>)" in capsys.readouterr().err


def test_variants_outside_the_panel_are_named(tmp_path, bam, capsys) -> None:
    variants, targets = tmp_path / "v.tsv", tmp_path / "t.bed"
    variants.write_text(f"chrom\tpos\tref\talt\n{CONTIG}\t21\tC\tT\n{CONTIG}\t200\tC\tT\n")
    targets.write_text("chr1\t100\t200\n")
    out = tmp_path / "counts.tsv"
    run("count", bam, "--variants", variants, "--build", "GRCh38", "--targets", targets, "--out", out)
    notes = pd.read_csv(out, sep="\t")["note"].tolist()
    assert notes == ["outside the target regions", "outside the target regions; no read lies over it"]
    assert f"warning: all 2 variants lie outside the regions of {targets}: was another panel meant?" in capsys.readouterr().err


def test_the_same_input_gives_the_same_bytes(tmp_path, bam) -> None:
    variants = tmp_path / "v.tsv"
    variants.write_text(f"chrom\tpos\tref\talt\tevent\n{CONTIG}\t21\tC\tT\tx\n{CONTIG}\t25\tT\tC\tx\n")
    for name in ("a", "b"):
        run("count", bam, "--variants", variants, "--build", "38", "--out", tmp_path / f"{name}.tsv")
    for end in ("tsv", "filters.tsv"):
        assert (tmp_path / f"a.{end}").read_bytes() == (tmp_path / f"b.{end}").read_bytes()


def test_the_build_is_told_by_the_contigs_or_asked_for(tmp_path, bam) -> None:
    variants = tmp_path / "v.tsv"
    variants.write_text(f"chrom\tpos\tref\talt\n{CONTIG}\t21\tC\tT\n")
    with pytest.raises(InputError, match=r"the build cannot be told from the contigs. Give --build GRCh37 or GRCh38."):
        run("count", bam, "--variants", variants, "--out", tmp_path / "c.tsv")
    header = {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": "chr3", "LN": contig_lengths("GRCh37")["3"]}],
        "RG": [{"ID": "1", "SM": "P7"}],
    }
    other = write_bam(tmp_path / "b.bam", [read("r", 1000, "60M", REFERENCE[:60])], header=header)
    variants.write_text("Chromosome\tStart_Position\tReference_Allele\tTumor_Seq_Allele2\n3\t1021\tC\tT\n")
    run("count", other, "--variants", variants, "--out", tmp_path / "c.tsv")
    assert pd.read_csv(tmp_path / "c.tsv", sep="\t")[["sample_id", "build", "depth"]].to_numpy().tolist() == [["P7", "GRCh37", 1]]


def test_no_input_is_written_over(tmp_path, bam) -> None:
    variants = tmp_path / "v.tsv"
    variants.write_text(f"chrom\tpos\tref\talt\n{CONTIG}\t21\tC\tT\n")
    with pytest.raises(InputError, match=r"v.tsv: is read by this command. Give another path for the table."):
        run("count", bam, "--variants", variants, "--build", "38", "--out", variants)


def test_a_table_that_is_wrong_is_refused_with_its_row(tmp_path) -> None:
    path = tmp_path / "v.tsv"

    def said(text: str) -> str:
        path.write_text(text)
        with pytest.raises(InputError) as error:
            read_variants(path, "GRCh37")
        return str(error.value).replace(str(path), "v.tsv")

    assert said("chrom\tposs\tref\talt\n1\t5\tA\tC\n") == ("v.tsv, row 1: has no column pos. Name it so (is it poss?).")
    assert said("chrom\tpos\tref\talt\n1\t5\tA\tC\n1\t5.5\tA\tC\n1\t5\tA\tA\n") == (
        "v.tsv, row 3, value '1 5.5 A C': the position is no whole number from 1.\n"
        "v.tsv, row 4, value '1 5 A A': the alternative allele is the reference allele."
    )
    assert "row 2, value '1:249250622': lies beyond the end of the chromosome on GRCh37" in said(
        "chrom\tpos\tref\talt\n1\t249250622\tA\tC\n"
    )
    assert said("chrom\tpos\tref\talt\n") == "v.tsv: the sheet has a header and no rows."
