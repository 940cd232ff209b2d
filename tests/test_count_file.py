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


def test_a_table_of_regions_with_a_header_is_the_same_panel_for_count_and_for_background(tmp_path, bam) -> None:
    """Positions of such a table count from 1, both ends belong to the region: base 21 alone is the panel."""
    variants, table, bed = tmp_path / "v.tsv", tmp_path / "targets.tsv", tmp_path / "targets.bed"
    variants.write_text(f"chrom\tpos\tref\talt\n{CONTIG}\t21\tC\tT\n{CONTIG}\t22\t{REFERENCE[21]}\tN\n".replace("N", "A"))
    table.write_text(f"chr\tstart\tend\n{CONTIG}\t21\t21\n")
    bed.write_text(f"{CONTIG}\t20\t21\n")
    notes = []
    for targets in (table, bed):
        out = tmp_path / "counts.tsv"
        run("count", bam, "--variants", variants, "--build", "GRCh38", "--targets", targets, "--out", out)
        notes.append(pd.read_csv(out, sep="\t")["note"].fillna("").tolist())
    assert notes[0] == notes[1] == ["", "outside the target regions"]


def test_a_panel_of_the_other_build_is_refused_where_it_reaches_beyond_a_chromosome(tmp_path, bam) -> None:
    """Chromosome 21 has 48,129,895 bases on GRCh37 and 46,709,983 on GRCh38."""
    variants, targets = tmp_path / "v.tsv", tmp_path / "t.bed"
    variants.write_text(f"chrom\tpos\tref\talt\n{CONTIG}\t21\tC\tT\n")
    targets.write_text("chr21\t100\t200\nchr21\t47000000\t47000100\n")
    for command in ("count", "background"):
        more = ("--variants", variants) if command == "count" else ()
        with pytest.raises(InputError, match=r"t\.bed, row 2, value '21:47000100': lies beyond .* GRCh38.*Is the file on GRCh37"):
            run(command, bam, *more, "--build", "GRCh38", "--targets", targets, "--out", tmp_path / "o.tsv")
    assert not (tmp_path / "o.tsv").exists()


@pytest.mark.parametrize("with_reference", [True, False])
def test_a_variant_whose_reference_base_is_another_is_warned_of(tmp_path, bam, capsys, with_reference) -> None:
    variants = tmp_path / "v.tsv"
    variants.write_text(f"chrom\tpos\tref\talt\n{CONTIG}\t21\tG\tA\n{CONTIG}\t21\tC\tT\n")
    reference = ("--reference", write_fasta(tmp_path / "ref.fa", REFERENCE)) if with_reference else ()
    run("count", bam, "--variants", variants, "--build", "GRCh38", *reference, "--out", tmp_path / "o.tsv")
    notes = pd.read_csv(tmp_path / "o.tsv", sep="\t")["note"].fillna("").tolist()
    said = "the reference has C here, not G" if with_reference else "most reads show neither allele"
    assert notes == [said, ""]
    warned = [line for line in capsys.readouterr().err.splitlines() if "build or strand another?" in line]
    assert len(warned) == 1
    assert warned[0].startswith("warning: 1 of 2 variants: another")
    assert f"({CONTIG}:21 G>A: {said})" in warned[0]


def test_one_deletion_written_at_two_places_of_a_repeat_is_warned_of(tmp_path, capsys) -> None:
    """AAACCCCCCTG: the deletion of one C is the same wherever it is written."""
    gone = REFERENCE[:12] + REFERENCE[13:61]
    reads = [read("ref", 0, "60M", REFERENCE[:60]), read("del", 0, "12M1D48M", gone)]
    bam = write_bam(tmp_path / "a.bam", reads, length=len(REFERENCE))
    variants = tmp_path / "v.tsv"
    variants.write_text(f"chrom\tpos\tref\talt\n{CONTIG}\t11\tC\t-\n{CONTIG}\t14\tC\t-\n")
    fasta = write_fasta(tmp_path / "ref.fa", REFERENCE)
    run("count", bam, "--variants", variants, "--build", "GRCh38", "--reference", fasta, "--out", tmp_path / "o.tsv")
    table = pd.read_csv(tmp_path / "o.tsv", sep="\t")
    assert table["alt_count"].tolist() == [1, 1]
    assert table["note"].fillna("").tolist() == [
        "",
        "the same change as 11 C>-, written at another place of the repeat: the same reads count for both",
    ]
    assert "1 of 2 variants: written twice; a sum over the table counts them twice" in capsys.readouterr().err
