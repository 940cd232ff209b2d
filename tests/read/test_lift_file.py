"""`resistance liftover`: the rows of a table come out on the other build, the others with their reason."""

from __future__ import annotations

import csv
import gzip
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pysam.bcftools
import pytest

from resistance import cli
from resistance.errors import InputError
from resistance.read.lift_file import lift_file
from resistance.variant import trim

# 1000..1019 -> 5000..5019, and 2000..2019 -> 6019..6000 on the other strand
SAME = ("3", 1000, "3", "+", 5000, [(20, 0, 0)])
TURNED = ("3", 2000, "3", "-", 6000, [(20, 0, 0)])
MITO = ("MT", 1, "MT", "+", 1, [(16569, 0, 0)])


@pytest.fixture
def lift(tmp_path: Path, write_chain):
    """Write a file, lift it, return the rows that came out, those that did not, and the summary."""

    def run(text: str | bytes, name: str = "in.tsv", out: str = "out.tsv", source="GRCh37", **columns: str):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        chain = write_chain(SAME, TURNED, MITO)
        summary = lift_file(path, chain, source, "GRCh38", tmp_path / out, tmp_path / "failed.tsv", columns)
        data = (tmp_path / out).read_bytes()
        lines = (gzip.decompress(data) if out.endswith(".gz") else data).decode().splitlines()
        failed = [line.split("\t") for line in (tmp_path / "failed.tsv").read_text().splitlines()]
        return [line.split("\t") for line in lines], failed[1:], summary

    return run


def test_a_plain_table_keeps_its_columns_and_gets_the_old_place_beside_the_new(lift):
    rows, failed, summary = lift(
        "note\tchrom\tpos\tref\talt\n"
        "a\tchr3\t1005\tA\tG\n"
        "b\tChr3\t1,005\tCAG\tCG\n"
        "c\t3\t2005\tA\tG\n"
        "d\tchrM\t3243\tA\tG\n"
        "e\t3\t2006.0\t-\tAAC\n"
        "f\tchr3\t1019\tAC\t-\n"
        "g\tchr9\t50\tA\tG\n"
    )
    assert rows == [
        ["note", "chrom", "pos", "ref", "alt", "GRCh37_chrom", "GRCh37_pos", "GRCh37_ref", "GRCh37_alt", "GRCh38_strand"],
        ["a", "chr3", "5005", "A", "G", "chr3", "1005", "A", "G", "+"],
        # the A between C and G is deleted
        ["b", "Chr3", "5006", "A", "-", "Chr3", "1,005", "CAG", "CG", "+"],
        ["c", "3", "6014", "T", "C", "3", "2005", "A", "G", "-"],
        ["d", "chrM", "3243", "A", "G", "chrM", "3243", "A", "G", "+"],
        # between 2006 and 2007, so between 6012 and 6013
        ["e", "3", "6012", "-", "GTT", "3", "2006.0", "-", "AAC", "-"],
    ]
    assert failed == [
        ["7", "chr3", "1019", "AC", "-", "a part of its bases has no place on GRCh38"],
        ["8", "chr9", "50", "A", "G", "the chain has no such contig of GRCh37"],
    ]
    assert summary.lines() == [
        "lifted 5 of 7 variants from GRCh37 to GRCh38 (2 on the other strand, alleles complemented)",
        "not lifted: 1: a part of its bases has no place on GRCh38 (first: row 7: chr3:1019 AC>-)",
        "not lifted: 1: the chain has no such contig of GRCh37 (first: row 8: chr9:50 A>G)",
    ]


MAF = (
    "#version 2.4\n"
    "Hugo_Symbol\tNCBI_Build\tChromosome\tStart_Position\tEnd_Position\tReference_Allele\tTumor_Seq_Allele1\tTumor_Seq_Allele2"
    "\tMatch_Norm_Seq_Allele1\tHGVSp_Short\tHGVSg\n"
)


def test_a_maf_gets_end_build_and_all_alleles_of_the_new_place(lift):
    rows, failed, summary = lift(
        MAF
        + "A\thg19\t3\t1005\t1005\tA\tA\tG\tA\tp.V1M\tg.3:1005A>G\n"
        + "B\t37\t3\t2005\t2007\tAAC\tAAC\t-\tAAC\tp.V1del\tx\n"
        + "C\tGRCh37\t3\t2005\t2006\t-\t-\tAAC\t-\tp.V1ins\tx\n"
        # an old MAF: the change stands in the first allele
        + "D\t37\t3\t2005\t2005\tA\tG\tA\tA\tp.V1M\tx\n"
        # a third allele
        + "E\t37\t3\t2005\t2005\tA\tC\tG\tA\tp.V1M\tx\n"
    )
    assert [row[1:9] for row in rows[1:]] == [
        ["GRCh38", "3", "5005", "5005", "A", "A", "G", "A"],
        ["GRCh38", "3", "6012", "6014", "GTT", "GTT", "-", "GTT"],
        ["GRCh38", "3", "6013", "6014", "-", "-", "GTT", "-"],
        ["GRCh38", "3", "6014", "6014", "T", "C", "T", "T"],
        ["GRCh38", "3", "6014", "6014", "T", "G", "C", "T"],
    ]
    assert [row[9] for row in rows[1:]] == ["p.V1M", "p.V1del", "p.V1ins", "p.V1M", "p.V1M"]
    assert [row[-2] for row in rows[1:]] == ["G", "-", "AAC", "G", "G"]
    assert not failed
    assert summary.lines()[-1] == "columns left as they are, on GRCh37: HGVSg"


def test_rows_that_are_no_variant_are_listed_not_lost(lift):
    rows, failed, summary = lift(
        "chrom\tpos\tref\talt\n3\t1005\tA\tN\nNA\t1005\tA\tG\n3\t\tA\tG\n3\t1005\tA\tA\n3\t0\tA\tG\n\n# late\n3\t1005\tA\tNA\n"
    )
    assert len(rows) == 1
    assert [(row[0], row[-1]) for row in failed] == [
        ("2", "an allele holds letters other than A, C, G and T"),
        ("3", "no chromosome or position"),
        ("4", "no chromosome or position"),
        ("5", "the alternative allele is the reference allele"),
        ("6", "the position is not 1 or more"),
        ("9", "an allele is empty"),
    ]
    assert summary.variants == 6
    assert failed[1][1:3] == ["NA", "1005"]


def test_commas_quotes_and_gzip_go_in_and_out(lift, tmp_path):
    rows, _, _ = lift('"note","chrom","pos","ref","alt"\n"one, two",3,1005,A,G\n', name="in.csv")
    assert next(csv.reader(["\t".join(rows[1])])) == ["one, two", "3", "5005", "A", "G", "3", "1005", "A", "G", "+"]
    text = "\ufeffchrom,pos,ref,alt\r\n3,1005,A,G\r\n"
    rows, _, _ = lift(gzip.compress(text.encode()), name="in.csv.gz", out="out.csv.gz")
    assert rows[1] == ["3,5005,A,G,3,1005,A,G,+"]
    first = (tmp_path / "out.csv.gz").read_bytes()
    lift(gzip.compress(text.encode()), name="in.csv.gz", out="out.csv.gz")
    assert (tmp_path / "out.csv.gz").read_bytes() == first


VCF = """##fileformat=VCFv4.2
##contig=<ID=chr3,length=198022430>
##FILTER=<ID=q10,Description="low">
##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM	POS	ID	REF	ALT	QUAL	FILTER	INFO	FORMAT	S1
chr3	1004	rs1	C	CT,G	50	PASS	DP=9	GT	1/2
chr3	2004	.	CAAG	C	.	q10	DP=8	GT	0/1
chr3	2010	.	C	<DEL>,*	.	PASS	DP=8	GT	0/1
chr3	2012	.	C	.	.	PASS	DP=8	GT	0/0
"""


@pytest.mark.parametrize("form", ["vcf", "vcf.gz", "bcf"])
def test_a_vcf_gives_one_row_per_alternative_allele(lift, tmp_path, form):
    plain, packed = tmp_path / "a.vcf", tmp_path / f"b.{form}"
    plain.write_text(VCF)
    if form == "vcf.gz":
        pysam.tabix_compress(str(plain), str(packed))
    elif form == "bcf":
        pysam.bcftools.view("-Ob", "-o", str(packed), str(plain), catch_stdout=False)
    data = (plain if form == "vcf" else packed).read_bytes()
    rows, failed, _ = lift(data, name=f"in.{form}")
    assert rows[0][:10] == ["chrom", "pos", "ref", "alt", "ID", "QUAL", "FILTER", "INFO", "FORMAT", "S1"]
    assert rows[1:] == [
        ["chr3", "5004", "-", "T", "rs1", "50", "PASS", "DP=9", "GT", "1/2", "chr3", "1004", "C", "CT", "+"],
        ["chr3", "5004", "C", "G", "rs1", "50", "PASS", "DP=9", "GT", "1/2", "chr3", "1004", "C", "G", "+"],
        # AAG at 2005..2007
        ["chr3", "6012", "CTT", "-", ".", ".", "q10", "DP=8", "GT", "0/1", "chr3", "2004", "CAAG", "C", "-"],
    ]
    line = {"vcf": ["9", "9", "10"], "vcf.gz": ["9", "9", "10"], "bcf": ["NA"] * 3}[form]
    assert [row[0] for row in failed] == line
    assert [row[-1] for row in failed] == ["an allele holds letters other than A, C, G and T"] * 2 + ["an allele is empty"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "chrom\tpos\tref\n3\t5\tA\n",
            r"row 1, column 'Tumor_Seq_Allele2': no column holds 'alt'\. Name it: --column alt=COLUMN",
        ),
        ("chrom\tpos\tref\talt\n3\tfive\tA\tG\n", "row 2, value 'five': the position is not a whole number"),
        ("chrom\tpos\tref\talt\n3\t5\tA\n", "row 2: has 3 cells where the header has 4"),
        (
            "chrom\tpos\tref\talt\n3\t198100000\tA\tG\n",
            "row 2, value '3:198100000': lies beyond the end of the chromosome on GRCh37",
        ),
        ("chrom\tpos\tref\talt\tNCBI_Build\n3\t5\tA\tG\thg38\n", "value 'hg38': the row is on GRCh38, --from says GRCh37"),
        ("chrom\tpos\tref\talt\tNCBI_Build\n3\t5\tA\tG\thg18\n", "value 'hg18': not a genome build this package knows"),
        ("chrom\tpos\tref\talt\tGRCh37_pos\n3\t5\tA\tG\t7\n", "column 'GRCh37_pos': the file has a column of this name"),
        (VCF.replace("198022430", "198295559"), "the header says GRCh38, --from says GRCh37. Correct --from, --to and --chain"),
        ("", "the file is empty"),
    ],
)
def test_what_is_wrong_with_the_file_is_said_and_nothing_is_written(lift, tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        lift(text)
    assert not (tmp_path / "out.tsv").exists()
    assert not (tmp_path / "failed.tsv").exists()
    assert not list(tmp_path.glob(".*"))


def test_neither_input_is_written_over(tmp_path, write_chain):
    path, chain = tmp_path / "in.tsv", write_chain(SAME)
    path.write_text("chrom\tpos\tref\talt\n")
    for out in (path, chain):
        with pytest.raises(InputError, match="would be written over"):
            lift_file(path, chain, "37", "38", out, tmp_path / "failed.tsv")
    with pytest.raises(InputError, match="two tables would have this name"):
        lift_file(path, chain, "37", "38", tmp_path / "out.tsv", tmp_path / "out.tsv")


def test_the_command_prints_the_counts_and_takes_other_column_names(tmp_path, write_chain, capsys):
    path = tmp_path / "in.tsv"
    path.write_text("Kontig\tPosition\tRef\tAlt\n3\t1005\tA\tG\n3\t7\tA\tG\n")
    options = ["--chain", str(write_chain(SAME)), "--from", "hg19", "--to", "hg38", "--out", str(tmp_path / "new.tsv.gz")]
    cli.main(["liftover", str(path), *options, "--column", "chrom=Kontig"])
    assert capsys.readouterr().out.splitlines() == [
        "lifted 1 of 2 variants from GRCh37 to GRCh38",
        "not lifted: 1: has no place on GRCh38 (first: row 3: 3:7 A>G)",
        f"wrote {tmp_path / 'new.tsv.gz'} and {tmp_path / 'new.failed.tsv'}",
    ]
    assert (tmp_path / "new.failed.tsv").read_text().splitlines()[1] == "3\t3\t7\tA\tG\thas no place on GRCh38"
    with pytest.raises(SystemExit) as stop:
        cli.main(["liftover", str(path), *options, "--column", "Kontig"])
    assert stop.value.code == 2
    assert "'Kontig' is not NAME=COLUMN" in capsys.readouterr().err


def test_the_command_line_imports_no_chain_reader_before_it_is_needed():
    code = "import sys, resistance.cli, resistance.read.lift_file; sys.exit(any(m in sys.modules for m in ('liftover', 'pandas', 'pysam')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.shared
def test_the_public_table_of_duke_goes_to_grch38_and_back(tmp_path, shared):
    """949 variants named by VEP: every one has its place, and comes back to where it was."""
    truth = shared / "truth" / "annotation"
    there, back = tmp_path / "there.tsv", tmp_path / "back.tsv"
    original = truth / "dlbcl_duke_2017_vep_grch37.tsv"
    one = lift_file(original, truth / "GRCh37_to_GRCh38.chain.gz", "37", "38", there, tmp_path / "f1.tsv")
    table = pd.read_csv(there, sep="\t", dtype=str, keep_default_na=False)
    table.rename(columns=lambda name: name.replace("GRCh37_", "old_")).to_csv(there, sep="\t", index=False)
    two = lift_file(there, truth / "GRCh38_to_GRCh37.chain.gz", "38", "37", back, tmp_path / "f2.tsv")
    assert (one.variants, one.lifted, two.variants, two.lifted) == (949, 949, 949, 949)
    came, was = (pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False) for path in (back, original))
    assert set(table["build"]) == {"GRCh38"}
    columns = ["build", "gene", "chrom", "hgvsp"]
    pd.testing.assert_frame_equal(came[columns], was[columns])
    trimmed = [trim(int(row.start), row.ref, row.alt) for row in was.itertuples()]
    assert [(int(row.start), row.ref, row.alt) for row in came.itertuples()] == trimmed
