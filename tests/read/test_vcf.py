"""VCF and BCF: callers' dialects, alleles, samples, and files that are not what they seem."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pysam
import pytest

from resistance.config import Variants
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.vcf import NOT_CALLED, read_vcf

FORMATS = (
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
    '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Allelic depths">\n'
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">\n'
    '##FORMAT=<ID=AF,Number=A,Type=Float,Description="Fraction">\n'
)


def header(*samples: str, length: int = 249250621, more: str = FORMATS, contigs: str = "") -> str:
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", *(["FORMAT", *samples] if samples else [])]
    contigs = contigs or f"##contig=<ID=chr1,length={length}>\n##contig=<ID=chr2,length=243199373>\n"
    return f"##fileformat=VCFv4.2\n{contigs}{more}" + "\t".join(columns) + "\n"


def record(
    pos: int, ref: str, alt: str, keys: str, *cells: str, chrom: str = "chr1", filters: str = "PASS", info: str = "."
) -> str:
    return "\t".join([chrom, str(pos), ".", ref, alt, ".", filters, info, *([keys, *cells] if cells else [])]) + "\n"


@pytest.fixture
def vcf(tmp_path: Path):
    def write(*lines: str) -> Path:
        path = tmp_path / "calls.vcf"
        path.write_text("".join(lines))
        return path

    return write


def read(
    path: Path, *samples: str, dropped: Dropped | None = None, regions=None, cohort: bool = False, build="GRCh37", **settings
):
    source = Variants(format="vcf", file="calls.vcf" if cohort else None, **settings)
    return read_vcf(source, path, build=build, samples=samples or ("S1",), dropped=dropped or Dropped("read"), regions=regions)


def counts(calls) -> list[tuple]:
    return list(zip(calls["alt_count"], calls["depth"], calls["vaf"].round(4), strict=True))


def reasons(dropped: Dropped) -> dict[str, int]:
    frame = dropped.frame()
    return dict(zip(frame["reason"], frame["n"], strict=True))


def test_a_call_of_mutect2_becomes_a_row(vcf):
    path = vcf(header("S1"), record(100, "A", "C", "GT:AD:AF:DP", "0/1:90,10:0.11:100"))
    calls, effects = read(path)
    assert calls.iloc[0].dropna().to_dict() == {
        "sample_id": "S1", "build": "GRCh37", "chrom": "1", "pos": 100, "ref": "A", "alt": "C",
        "depth": 100, "alt_count": 10, "vaf": 0.1, "filter": "PASS", "source": "calls.vcf",
    }  # fmt: skip
    assert effects.empty


@pytest.mark.parametrize(
    ("alleles", "more", "keys", "cell", "expected"),
    [
        ("A>C", '##FORMAT=<ID=VD,Number=1,Type=Integer,Description="v">\n', "GT:DP:VD", "0/1:200:8", (8, 200, 0.04)),
        (
            "A>C",
            "".join(f'##FORMAT=<ID={b}U,Number=2,Type=Integer,Description="u">\n' for b in "ACGT"),
            "DP:AU:CU:GU:TU",
            "60:40,44:10,11:0,0:0,1",
            (10, 50, 0.2),
        ),
        (
            "AC>A",
            "".join(f'##FORMAT=<ID={b},Number=2,Type=Integer,Description="u">\n' for b in ("TAR", "TIR")),
            "DP:TAR:TIR",
            "99:30,31:10,10",
            (10, 40, 0.25),
        ),
        (
            "A>C",
            '##FORMAT=<ID=AO,Number=A,Type=Integer,Description="a">\n##FORMAT=<ID=RO,Number=1,Type=Integer,Description="r">\n',
            "GT:DP:RO:AO",
            "0/1:20:15:5",
            (5, 20, 0.25),
        ),
        (
            "A>C",
            '##FORMAT=<ID=RD,Number=1,Type=Integer,Description="r">\n',
            "GT:DP:RD:AD",
            "0/1:40:30:10",
            (10, 40, 0.25),
        ),
        ("A>C", '##FORMAT=<ID=DP4,Number=4,Type=Integer,Description="4">\n', "GT:DP4", "0/1:8,8,2,2", (4, 20, 0.2)),
        (
            "A>C",
            "".join(f'##FORMAT=<ID={s}{b}Z,Number=1,Type=Integer,Description="c">\n' for s in "FR" for b in "ACGT"),
            "GT:FAZ:FCZ:FGZ:FTZ:RAZ:RCZ:RGZ:RTZ",
            "0/1:10:3:0:0:10:2:0:0",
            (5, 25, 0.2),
        ),
    ],
    ids=["VarDict", "Strelka SNV", "Strelka indel", "FreeBayes", "VarScan", "DP4", "CaVEMan"],
)
def test_reads_are_counted_in_the_dialect_of_each_caller(vcf, alleles, more, keys, cell, expected):
    ref, alt = alleles.split(">")
    calls, _ = read(vcf(header("S1", more=FORMATS + more), record(100, ref, alt, keys, cell)))
    assert counts(calls) == [expected]


def test_lofreq_speaks_through_info_as_it_has_no_samples(vcf):
    more = (
        '##INFO=<ID=DP,Number=1,Type=Integer,Description="d">\n##INFO=<ID=DP4,Number=4,Type=Integer,Description="4">\n'
        '##INFO=<ID=AF,Number=1,Type=Float,Description="f">\n'
    )
    calls, _ = read(vcf(header(more=more), record(100, "A", "C", "", info="DP=1000;AF=0.01;DP4=495,495,4,6")))
    assert counts(calls) == [(10, 1000, 0.01)]


def test_a_fraction_without_counts_leaves_the_count_unknown(vcf):
    calls, _ = read(vcf(header("S1"), record(100, "A", "C", "GT:DP:AF", "0/1:100:0.25")))
    assert calls["alt_count"].isna().all()
    assert calls["vaf"].tolist() == [0.25]
    assert calls["depth"].tolist() == [100]


def test_fields_the_header_does_not_declare_are_still_numbers(vcf):
    path = vcf(header("S1", more=""), record(100, "A", "C,G", "GT:AD", "0/1:80,15,5"))
    assert counts(read(path)[0]) == [(15, 100, 0.15), (5, 100, 0.05)]


def test_each_allele_of_a_record_gets_its_own_reads_and_position(vcf):
    calls, _ = read(vcf(header("S1"), record(100, "CAG", "CG,CAGT,TAG", "GT:AD", "1/2:70,20,6,4")))
    rows = list(calls[["pos", "ref", "alt", "alt_count", "depth"]].itertuples(index=False, name=None))
    assert rows == [(100, "C", "T", 4, 100), (101, "A", "-", 20, 100), (102, "-", "T", 6, 100)]


def test_alleles_that_are_no_small_variant_are_counted_by_reason(vcf):
    dropped = Dropped("read")
    alts = "C,*,<NON_REF>,<DEL>,A[chr2:100[,R"
    calls, _ = read(vcf(header("S1"), record(100, "A", alts, "GT:AD", "0/1:5,5,0,0,0,0,0")), dropped=dropped)
    assert len(calls) == 1
    assert reasons(dropped) == {
        "a breakend is no small variant (give the file under fusions)": 1,
        "allele '*': the base is deleted by another record": 1,
        "allele <NON_REF> stands for any other allele": 1,
        "symbolic allele <DEL>": 1,
        "an allele holds letters other than A, C, G and T": 1,
    }


def test_a_haploid_genotype_and_a_missing_reference_count_are_understood(vcf):
    calls, _ = read(vcf(header("S1"), record(100, "A", "C", "GT:AD:DP", "1:.,12:12")))
    assert counts(calls) == [(12, 12, 1.0)]


def test_a_genotype_without_any_reads_is_still_a_call(vcf):
    calls, _ = read(vcf(header("S1"), record(100, "A", "C", "GT", "0/1")))
    assert len(calls) == 1
    assert calls[["depth", "alt_count", "vaf"]].isna().all(axis=None)


def test_counts_of_the_wrong_number_are_not_used_and_said(vcf):
    dropped = Dropped("read")
    calls, _ = read(vcf(header("S1"), record(100, "A", "C", "GT:AD:DP", "0/1:50,5,1:56")), dropped=dropped)
    assert calls["alt_count"].isna().all()
    assert reasons(dropped) == {"AD has another number of values than the record has alleles": 1}


def test_a_position_read_without_the_variant_is_kept_with_no_reads(vcf):
    path = vcf(header("S1"), record(100, "A", "C", "GT:AD", "0/0:500,0"))
    assert counts(read(path)[0]) == [(0, 500, 0.0)]


def test_reads_in_a_sample_whose_genotype_says_reference_are_no_call(vcf):
    path = vcf(header("S1", "S2"), record(100, "A", "C", "GT:AD", "0/1:50,50", "0/0:99,1"))
    calls, _ = read(path, "S1", "S2", cohort=True)
    assert calls["filter"].tolist() == ["PASS", NOT_CALLED]
    assert calls["alt_count"].tolist() == [50, 1]


def test_a_sample_that_was_not_read_there_has_no_row(vcf):
    dropped = Dropped("read")
    path = vcf(header("S1", "S2", "S3"), record(100, "A", "C", "GT:AD", "0/1:50,50", "./.:.", "0/0:0,0"))
    calls, _ = read(path, "S1", "S2", "S3", cohort=True, dropped=dropped)
    assert calls["sample_id"].tolist() == ["S1"]
    assert reasons(dropped) == {"no genotype and no allele counts": 1, "no read covers the position": 1}


def test_filters_depth_and_fraction_are_applied_and_counted(vcf):
    dropped = Dropped("read")
    lines = [
        record(100, "A", "C", "GT:AD", "0/1:50,50", filters="germline;strand_bias"),
        record(101, "A", "C", "GT:AD", "0/1:5,4"),
        record(102, "A", "C", "GT:AD", "0/1:990,10"),
        record(103, "A", "C", "GT:AD", "0/0:1000,0"),
        record(104, "A", "C", "GT:AD", "0/1:50,50", filters="."),
    ]
    calls, _ = read(vcf(header("S1"), *lines), dropped=dropped, min_depth=10, min_vaf=0.02)
    assert calls["pos"].tolist() == [103, 104]
    assert reasons(dropped) == {"FILTER germline;strand_bias is not kept": 1, "VAF below 0.02": 1, "depth below 10": 1}


def test_the_same_variant_in_two_records_is_kept_once_with_most_reads(vcf):
    dropped = Dropped("read")
    path = vcf(header("S1"), record(100, "CA", "C", "GT:AD", "0/1:5,5"), record(100, "CAT", "CT", "GT:AD", "0/1:50,5"))
    calls, _ = read(path, dropped=dropped)
    assert calls["depth"].tolist() == [55]
    assert list(reasons(dropped).values()) == [1]


def test_the_tumour_is_found_by_name_by_header_or_by_the_word_tumor(vcf):
    row = record(100, "A", "C", "GT:AD", "0/0:9,0", "0/1:5,5")
    assert read(vcf(header("N1", "S1"), row))[0]["alt_count"].tolist() == [5]
    assert read(vcf(header("NORMAL", "TUMOR"), row))[0]["alt_count"].tolist() == [5]
    assert read(vcf(header("x", "y", more=FORMATS + "##tumor_sample=y\n"), row))[0]["alt_count"].tolist() == [5]
    with pytest.raises(InputError, match=r"calls\.vcf, value 'S1': the VCF has no column for this sample\. It has: x, y\."):
        read(vcf(header("x", "y"), row))


def test_a_sample_of_the_cohort_file_that_nobody_knows_is_an_error_or_counted(vcf):
    path = vcf(header("P1_T", "P9_T"), record(100, "A", "C", "GT:AD", "0/1:5,5", "0/1:5,5"))
    names = {"column": "sample", "pattern": r"(P\d+)_T"}
    with pytest.raises(InputError, match=r"value 'P9_T': the file holds a sample that the samples sheet does not have"):
        read(path, "P1", cohort=True, sample_id=names)
    dropped = Dropped("read")
    calls, _ = read(path, "P1", cohort=True, sample_id=names, unknown_samples="drop", dropped=dropped)
    assert calls["sample_id"].tolist() == ["P1"]
    assert reasons(dropped) == {"the sample is not in the samples sheet": 1}


def test_contig_lengths_of_the_other_build_are_refused_with_the_evidence(vcf):
    path = vcf(header("S1", length=248956422, contigs="##contig=<ID=chr1,length=248956422>\n"))
    with pytest.raises(
        InputError, match=r"value 'chr1 of 248956422 bases': the header says GRCh38, the cohort is declared GRCh37"
    ):
        read(path)
    assert read(path, build="GRCh38")[0].empty


def test_the_reference_line_decides_where_no_contig_has_a_length(vcf):
    path = vcf(header("S1", contigs="##contig=<ID=chr1>\n##reference=file:///data/hg38.fa\n"))
    with pytest.raises(InputError, match="the header's reference is GRCh38"):
        read(path)


def test_a_position_beyond_the_chromosome_is_refused(vcf):
    path = vcf(header("S1", contigs="##contig=<ID=22>\n"), record(51304567, "A", "C", "GT", "0/1", chrom="22"))
    with pytest.raises(
        InputError, match=r"row 8, value '22:51304567': lies beyond the end of the chromosome on GRCh37, at 51304566"
    ):
        read(path)


def test_unsorted_records_are_refused_with_their_line(vcf):
    rows = [record(p, "A", "C", "GT", "0/1") for p in (100, 90)]
    with pytest.raises(
        InputError, match=r"calls\.vcf, row 10, value 'chr1:90': the records are not sorted: record 2 goes back\. Sort it"
    ):
        read(vcf(header("S1"), *rows))
    rows = [record(100, "A", "C", "GT", "0/1", chrom=c) for c in ("chr1", "chr2", "chr1")]
    with pytest.raises(InputError, match="record 3 goes back"):
        read(vcf(header("S1"), *rows))


def test_a_vcf_that_ends_in_the_middle_of_a_line_is_refused(vcf):
    whole = record(100, "A", "C", "GT:AD", "0/1:5,5")
    with pytest.raises(InputError, match=r"row 10: record 2 cannot be read: the file is cut off"):
        read(vcf(header("S1"), whole, whole[:12]))


def test_a_bgzf_file_that_is_cut_off_is_refused(vcf, tmp_path):
    path = vcf(header("S1"), *(record(p, "A", "C", "GT:AD", f"0/1:{p % 97},5") for p in range(1, 20000)))
    packed = tmp_path / "calls.vcf.gz"
    pysam.tabix_compress(str(path), str(packed))
    assert len(read(packed)[0]) == 19999
    whole = packed.read_bytes()
    for short in (whole[:-28], whole[: len(whole) // 2]):
        packed.write_bytes(short)
        with pytest.raises(InputError, match=r"calls\.vcf\.gz: the file is cut off"):
            read(packed)


def test_gzip_that_is_not_bgzf_is_refused_with_the_command_that_helps(tmp_path):
    path = tmp_path / "calls.vcf.gz"
    path.write_bytes(gzip.compress(header("S1").encode()))
    with pytest.raises(InputError, match=r"is compressed with gzip, not with bgzip\. Compress it again: gunzip -c FILE \| bgzip"):
        read(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("Hugo_Symbol\tChromosome\n", "is no VCF: it does not start with ##fileformat=VCF"),
        ("##fileformat=VCFv4.2\n", "is no VCF or BCF that can be read"),
        (header("S1", "S1"), "is no VCF or BCF that can be read"),
    ],
)
def test_what_is_no_vcf_is_refused(vcf, content, message, capfd):
    with pytest.raises(InputError, match=message):
        read(vcf(content))
    assert capfd.readouterr().err == ""


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(InputError, match=r"none\.vcf: the file is missing"):
        read(tmp_path / "none.vcf")


def test_a_header_without_records_is_an_empty_table(vcf):
    calls, effects = read(vcf(header("S1")))
    assert calls.empty
    assert effects.empty


def indexed(path: Path, rows: list[str]) -> Path:
    path.write_text(header("S1") + "".join(rows))
    pysam.tabix_index(str(path), preset="vcf", force=True, keep_original=True)
    return path.with_name(path.name + ".gz")


def test_regions_give_the_same_records_with_and_without_an_index(tmp_path):
    rows = [record(p, "ACGTACGTAC", "A", "GT:AD", "0/1:5,5") for p in range(10, 400, 7)]
    rows += [record(p, "A", "C", "GT:AD", "0/1:5,5", chrom="chr2") for p in range(10, 400, 7)]
    packed = indexed(tmp_path / "calls.vcf", rows)
    # a deletion reaches from the first region into the second: it is given once
    regions = [("1", 20, 40), ("chr1", 41, 60), ("1", 30, 38), ("2", 99, 100), ("7", 1, 2)]
    by_index, _ = read(packed, regions=regions)
    by_walk, _ = read(tmp_path / "calls.vcf", regions=regions)
    expected = [p for p in range(10, 400, 7) if any(p - 1 < end and p + 9 > start for start, end in [(20, 40), (41, 60)])]
    assert by_index[by_index["chrom"] == "1"]["pos"].tolist() == [p + 1 for p in expected]
    assert by_index.drop(columns="source").equals(by_walk.drop(columns="source"))


def test_an_index_older_than_its_file_is_refused(tmp_path):
    packed = indexed(tmp_path / "calls.vcf", [record(10, "A", "C", "GT", "0/1")])
    os.utime(packed.with_name(packed.name + ".tbi"), (1, 1))
    with pytest.raises(InputError, match=r"calls\.vcf\.gz\.tbi: the index is older than its file"):
        read(packed, regions=[("1", 0, 100)])


def test_a_bcf_reads_as_its_vcf(vcf, tmp_path):
    path = vcf(header("S1"), record(100, "A", "C,T", "GT:AD", "1/2:5,5,6"))
    packed = tmp_path / "calls.bcf"
    with pysam.VariantFile(str(path)) as text, pysam.VariantFile(str(packed), "wb", header=text.header) as binary:
        for item in text:
            binary.write(item)
    assert read(packed)[0].drop(columns="source").equals(read(path)[0].drop(columns="source"))


def test_annotation_of_the_record_becomes_effects_of_the_kept_variants(vcf):
    csq = '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. Format: Allele|Consequence|IMPACT|SYMBOL|Feature_type|Feature|EXON|HGVSc|HGVSp|CANONICAL">\n'
    info = (
        "CSQ=C|missense_variant|MODERATE|MYD88|Transcript|ENST1|5/5|ENST1.3:c.794T>C|ENSP1.1:p.Leu265Pro|YES,"
        "C|missense_variant|MODERATE|MYD88|Transcript|ENST2|5/5|ENST2.1:c.818T>C|ENSP2.1:p.Leu273Pro|"
    )
    rows = [record(100, "T", "C", "GT:AD", "0/1:5,5", info=info), record(200, "T", "C", "GT:AD", "0/1:1,1", info=info)]
    calls, effects = read(vcf(header("S1", more=FORMATS + csq), *rows), min_depth=5)
    assert calls["pos"].tolist() == [100]
    assert effects[["pos", "gene", "hgvsp", "residue", "exon", "transcript", "picked"]].to_dict("records") == [
        {"pos": 100, "gene": "MYD88", "hgvsp": "L265P", "residue": 265, "exon": 5, "transcript": "ENST1.3", "picked": True},
        {"pos": 100, "gene": "MYD88", "hgvsp": "L273P", "residue": 273, "exon": 5, "transcript": "ENST2.1", "picked": False},
    ]
