"""Structural variants: cBioPortal, tables and VCF give the same kind of row."""

from __future__ import annotations

import pandas as pd
import pytest

from resistance import config
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.fusions import read_fusions
from resistance.read.sv_vcf import breakend

HEADER = """##fileformat=VCFv4.2
{extra}##contig=<ID=chr14>
##contig=<ID=chr18>
##contig=<ID=chr3>
##FILTER=<ID=LowQual,Description="low">
##INFO=<ID=SVTYPE,Number=1,Type=String,Description="type">
##INFO=<ID=END,Number=1,Type=Integer,Description="end">
##INFO=<ID=CHR2,Number=1,Type=String,Description="mate">
##INFO=<ID=POS2,Number=1,Type=Integer,Description="mate">
##INFO=<ID=MATEID,Number=.,Type=String,Description="mate">
##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. Format: Allele|Consequence|SYMBOL|Gene">
##FORMAT=<ID=GT,Number=1,Type=String,Description="genotype">
##FORMAT=<ID=PR,Number=.,Type=Integer,Description="pairs">
##FORMAT=<ID=SR,Number=.,Type=Integer,Description="split reads">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{samples}
"""
PAIR = (
    "chr14\t106329449\tb1\tG\tG[chr18:60774579[\t.\tPASS\tSVTYPE=BND;MATEID=b2;CSQ=x|y|IGHJ6|E\tPR:SR\t10,0:5,0\t10,7:5,3\n"
    "chr18\t60774579\tb2\tA\t]chr14:106329449]A\t.\tPASS\tSVTYPE=BND;MATEID=b1;CSQ=x|y|BCL2|E\tPR:SR\t10,0:5,0\t10,7:5,3\n"
)


def _counts(dropped):
    frame = dropped.frame()
    return dict(zip(frame["reason"], frame["n"], strict=True))


def _vcf(folder, body, samples="NORMAL\tTUMOR", ours=("T1",), extra="", dropped=None, **named):
    (folder / "sv.vcf").write_text(HEADER.format(samples=samples, extra=extra) + body)
    source = config.Fusions.model_validate(
        {"format": "vcf"} | {k: named.pop(k) for k in list(named) if k in config.Fusions.model_fields}
    )
    return read_fusions(source, folder / "sv.vcf", samples=list(ours), dropped=dropped or Dropped("test"), **named)


def _rows(table):
    names = ["sample_id", "kind", "gene_1", "gene_2", "chrom_1", "pos_1", "chrom_2", "pos_2", "support"]
    return [tuple(None if pd.isna(x) else x for x in row) for row in table[names].itertuples(index=False)]


def test_mated_breakends_are_one_translocation(tmp_path):
    assert _rows(_vcf(tmp_path, PAIR)) == [("T1", "translocation", "IGHJ6", "BCL2", "14", 106329449, "18", 60774579, 10)]


def test_breakends_without_mate_ids_are_joined_by_place(tmp_path):
    body = PAIR.replace("MATEID=b2;", "").replace("MATEID=b1;", "")
    assert len(_vcf(tmp_path, body)) == 1


def test_an_event_without_support_in_the_tumour_is_not_there(tmp_path):
    assert len(_vcf(tmp_path, PAIR.replace("10,7:5,3", "10,0:5,0"))) == 0


def test_genotypes_decide_in_a_file_of_several_samples(tmp_path):
    body = "chr3\t1000\t.\tA\t<DEL>\t.\tPASS\tSVTYPE=DEL;END=5000;CSQ=x|y|CRBN|E\tGT\t0/1\t0/0\n"
    table = _vcf(tmp_path, body, samples="A\tB", ours=("A", "B"), file="sv.vcf")
    assert _rows(table) == [("A", "deletion", "CRBN", "CRBN", "3", 1000, "3", 5000, None)]


def test_other_filters_and_small_variants_are_counted(tmp_path):
    body = PAIR.replace("PASS", "LowQual") + "chr3\t7\t.\tA\tT\t.\tPASS\tCSQ=x|y|CRBN|E\tPR\t1,0\t1,1\n"
    dropped = Dropped("test")
    assert len(_vcf(tmp_path, body, dropped=dropped)) == 0
    assert _counts(dropped) == {"FILTER is not among those kept": 2, "the record is no structural variant": 1}
    assert len(_vcf(tmp_path, PAIR.replace("PASS", "LowQual"), keep_filters=["PASS", "LowQual"])) == 1


def test_a_long_deletion_names_each_of_its_genes(tmp_path):
    csq = ",".join(f"x|y|{gene}|E" for gene in ("CRBN", "TRNT1", "IL5RA"))
    body = f"chr3\t1000\t.\tA\t<DEL>\t.\tPASS\tSVTYPE=DEL;END=5000;CSQ={csq}\tPR\t10,0\t10,4\n"
    dropped = Dropped("test")
    table = _vcf(tmp_path, body, genes={"CRBN"}, dropped=dropped)
    assert table[["gene_1", "kind"]].to_numpy().tolist() == [["CRBN", "deletion"]]
    assert _counts(dropped) == {"no partner is a gene of the knowledge base": 2}


def test_the_mate_of_older_callers_stands_in_info(tmp_path):
    body = "chr14\t100\t.\tG\t<TRA>\t.\tPASS\tSVTYPE=TRA;CHR2=chr18;POS2=200;CSQ=x|y|BCL2|E\tPR\t1,0\t1,2\n"
    assert _rows(_vcf(tmp_path, body)) == [("T1", "translocation", "BCL2", None, "14", 100, "18", 200, 2)]


def test_genes_come_from_coordinates_where_the_file_names_none(tmp_path):
    places = pd.DataFrame({"gene": ["CRBN"], "build": ["GRCh37"], "chrom": ["3"], "start": [900], "end": [1100]})
    body = "chr3\t1000\t.\tA\t<DUP:TANDEM>\t.\tPASS\tSVTYPE=DUP;END=5000\tPR\t10,0\t10,4\n"
    table = _vcf(tmp_path, body, gene_positions=places, build="GRCh37")
    assert _rows(table) == [("T1", "duplication", "CRBN", None, "3", 1000, "3", 5000, 4)]


def test_a_file_without_gene_names_is_refused(tmp_path):
    (tmp_path / "sv.vcf").write_text(
        "".join(x for x in (HEADER.format(samples="T1", extra="")).splitlines(True) if "ID=CSQ" not in x)
    )
    with pytest.raises(InputError, match=r"the file names no genes \(neither CSQ nor ANN in its header\). Annotate it"):
        read_fusions(config.Fusions(format="vcf"), tmp_path / "sv.vcf", samples=["T1"], dropped=Dropped("t"))


def test_another_build_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"value 'file:///x/GRCh38.fa': the cohort is on GRCh37, the file on GRCh38"):
        _vcf(tmp_path, PAIR, extra="##reference=file:///x/GRCh38.fa\n", build="GRCh37")


def test_an_unclear_column_is_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"value 'T1': it is not clear which column of the file is this sample. The file has: X, Y"
    ):
        _vcf(tmp_path, PAIR, samples="X\tY")


def test_a_file_that_is_no_vcf_is_refused(tmp_path):
    (tmp_path / "sv.vcf").write_text("gene\tsample\n")
    with pytest.raises(InputError, match=r"sv.vcf: cannot be read as VCF"):
        read_fusions(config.Fusions(format="vcf"), tmp_path / "sv.vcf", samples=["T1"], dropped=Dropped("t"))
    with pytest.raises(InputError, match=r"none.vcf: the file is missing"):
        read_fusions(config.Fusions(format="vcf"), tmp_path / "none.vcf", samples=["T1"], dropped=Dropped("t"))


@pytest.mark.parametrize(
    ("alt", "expected"),
    [
        ("A[1:900[", ("deletion", "1", 900)),  # after the base comes what lies right of 900
        ("A[1:50[", ("duplication", "1", 50)),
        ("]1:50]A", ("deletion", "1", 50)),
        ("]1:900]A", ("duplication", "1", 900)),
        ("A]1:900]", ("inversion", "1", 900)),
        ("[1:900[A", ("inversion", "1", 900)),
        ("A[chr2:7[", ("translocation", "2", 7)),
        ("A.", ("other", None, None)),
        ("AT", None),
    ],
)
def test_brackets_tell_the_kind_of_event(alt, expected):
    assert breakend(alt, "chr1", 100) == expected


SV = "Sample_Id\tSV_Status\tSite1_Hugo_Symbol\tSite1_Chromosome\tSite1_Position\tSite2_Hugo_Symbol\tSite2_Chromosome\tSite2_Position\tClass\tTumor_Split_Read_Count\tTumor_Paired_End_Read_Count\tNCBI_Build\tEvent_Info\n"


def _cbioportal(folder, body, dropped=None, **named):
    (folder / "data_sv.txt").write_text(SV + body)
    source = config.Fusions(format="cbioportal_sv", file="data_sv.txt")
    return read_fusions(source, folder / "data_sv.txt", samples=["A", "B"], dropped=dropped or Dropped("test"), **named)


def test_cbioportal_events_are_read(tmp_path):
    body = (
        "A\tSOMATIC\tIGH\t14\t106\tBCL2\t18\t607\tTRANSLOCATION\t3\t4\tGRCh37\tx\n"
        "B\tSOMATIC\tMLL2\t12\t-1\tNA\tNA\tNA\tDELETION\tNA\tNA\tGRCh37\tx\n"
        "B\tSOMATIC\tFLT3\t13\t5\tFLT3\t13\t9\tDUPLICATION\t1\tNA\tGRCh37\tin-frame ITD of exon 14\n"
        "B\tSOMATIC\tMYC\tNA\tNA\tBCL6\tNA\tNA\tNA\tNA\tNA\tGRCh37\tx\n"
    )
    table = _cbioportal(tmp_path, body, aliases={"MLL2": "KMT2D"}, build="GRCh37")
    assert _rows(table) == [
        ("A", "translocation", "IGH", "BCL2", "14", 106, "18", 607, 7),
        ("B", "ITD", "FLT3", "FLT3", "13", 5, "13", 9, 1),
        ("B", "deletion", "KMT2D", None, "12", None, None, None, None),
        ("B", "fusion", "MYC", "BCL6", None, None, None, None, None),
    ]


def test_germline_nameless_and_repeated_events_are_counted(tmp_path):
    row = "A\tSOMATIC\tIGH\t14\t106\tBCL2\t18\t607\tFUSION\t3\t4\tGRCh37\tx\n"
    body = row + row + row.replace("SOMATIC", "GERMLINE") + "A\tSOMATIC\tNA\t1\t1\tNA\t1\t2\tFUSION\tNA\tNA\tGRCh37\tx\n"
    dropped = Dropped("test")
    assert len(_cbioportal(tmp_path, body, dropped)) == 1
    assert _counts(dropped) == {
        "the event is germline": 1,
        "the event names no gene": 1,
        "the same event stands twice for the sample": 1,
    }


def test_cbioportal_events_on_another_build_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"row 2, column 'NCBI_Build', value 'hg38': the cohort is on GRCh37"):
        _cbioportal(tmp_path, "A\tSOMATIC\tIGH\t14\t1\tBCL2\t18\t6\tFUSION\t3\t4\thg38\tx\n", build="GRCh37")


def test_the_older_form_is_named(tmp_path):
    (tmp_path / "data_fusions.txt").write_text("Hugo_Symbol\tTumor_Sample_Barcode\tFusion\nBCL2\tA\tBCL2-IGH\n")
    with pytest.raises(InputError, match=r"this is cBioPortal's older fusion form \(data_fusions.txt\). Set 'format: table'"):
        read_fusions(config.Fusions(format="cbioportal_sv"), tmp_path / "data_fusions.txt", samples=["A"], dropped=Dropped("t"))


def _table(folder, text, columns):
    (folder / "sv.tsv").write_text(text)
    source = config.Fusions.model_validate({"format": "table", "file": "sv.tsv", "columns": columns})
    return read_fusions(source, folder / "sv.tsv", samples=["A", "B"], dropped=Dropped("test"))


def test_a_plain_table_is_read(tmp_path):
    columns = {"sample_id": "s", "kind": "k", "gene_1": "g"}
    assert _table(tmp_path, "s\tk\tg\nA\titd\tFLT3\n", columns)["kind"].tolist() == ["ITD"]


def test_a_kind_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"row 2, column 'k', value 'broken': is no kind of event. Map it under 'values' to one of: fusion"
    ):
        _table(tmp_path, "s\tk\tg\nA\tbroken\tFLT3\n", {"sample_id": "s", "kind": "k", "gene_1": "g"})


def test_columns_of_a_plain_table_are_checked(tmp_path):
    with pytest.raises(InputError) as error:
        _table(tmp_path, "s\tk\nA\tx\n", {"sample_id": "s", "kind": "k", "gene": "g"})
    assert [(p.column, p.message) for p in error.value.problems] == [
        ("gene", "fusions.columns names something the fusions table does not have"),
        ("gene_1", "fusions.columns must say where this stands"),
    ]
