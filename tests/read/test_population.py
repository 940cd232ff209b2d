"""Population frequencies of every dialect come to the right allele; the file's own frequency is none."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from resistance.config import Variants
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read import population
from resistance.read.maf import read_maf
from resistance.read.population import population_fields, population_names
from resistance.read.vcf import read_vcf
from resistance.resources import resource_path
from resistance.variant import trim

MAF = ["Hugo_Symbol", "Chromosome", "Start_Position", "Variant_Classification", "Reference_Allele", "Tumor_Seq_Allele2"]
MAF += ["Tumor_Sample_Barcode"]


def vcf_frequencies(
    tmp_path: Path, info: str, *, alt: str = "C", ref: str = "A", dropped: Dropped | None = None, more: str = "", **settings
) -> list[float | None]:
    """The frequencies of a record's alleles, in the order of ALT, None where none is known."""
    fields = {part.split("=")[0] for part in info.split(";")} - {"ALLELE_END", "CSQ"}
    declared = "".join(
        f"##INFO=<ID={name},Number={'A' if name in ('POPAF', 'gnomAD_AF', 'gnomADe_AF', 'AF_popmax', 'AF') else '.'},"
        f'Type={"String" if name.startswith(("1000g", "esp")) else "Float"},Description="x">\n'
        for name in sorted(fields)
    )
    if "ALLELE_END" in info:
        declared += '##INFO=<ID=ALLELE_END,Number=0,Type=Flag,Description="x">\n'
    cell = "0/1:9," + ",".join("5" for _ in alt.split(","))
    cell = cell.replace("0/1", "/".join(str(i) for i in range(len(alt.split(",")) + 1)))
    path = tmp_path / "calls.vcf"
    path.write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=249250621>\n" + declared + more
        + '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n##FORMAT=<ID=AD,Number=R,Type=Integer,Description="a">\n'
        + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n"
        + f"chr1\t100\t.\t{ref}\t{alt}\t.\tPASS\t{info}\tGT:AD\t{cell}\n"
    )  # fmt: skip
    source = Variants(format="vcf", **settings)
    calls, _ = read_vcf(source, path, build="GRCh37", samples=["S1"], dropped=dropped or Dropped("read"))
    by_alt = dict(zip(calls["alt"], calls["population_af"], strict=True))
    return [None if (x := by_alt[trim(100, ref, one)[2]]) != x else x for one in alt.split(",")]


@pytest.mark.parametrize(
    ("info", "alt", "expected"),
    [
        ("gnomAD_AF=0.02", "C", [0.02]),
        ("gnomADe_AF=0.001,0.2", "C,G", [0.001, 0.2]),
        ("gnomAD_AF=.,0.2", "C,G", [None, 0.2]),
        ("gnomAD_AF=.", "C", [None]),
        ("gnomAD_AF=-1", "C", [None]),
        ("AF_popmax=0.03;gnomAD_AF=0.01", "C", [0.03]),
        ("AF_popmax=0.003;gnomAD_AF=0.01", "C", [0.01]),
        ("AF=0.5", "C", [None]),
        ("gnomAD_AF=0", "C", [0.0]),
        # Mutect2: -log10, and what it writes for alleles that its resource does not have
        ("POPAF=3.00,1.00", "C,G", [0.001, 0.1]),
        ("POPAF=6.00,7.30", "C,G", [None, None]),
        # ANNOVAR
        ("ExAC_ALL=0.0004;1000g2015aug_all=0.02;esp6500siv2_all=.", "C", [0.02]),
        (
            "ExAC_ALL=.;gnomAD_genome_ALL=0.3;ALLELE_END;ExAC_ALL=0.04;gnomAD_genome_ALL=.;ALLELE_END",
            "C,G",
            [0.3, 0.04],
        ),
    ],
)
def test_info_fields_reach_their_allele(tmp_path, info, alt, expected) -> None:
    assert vcf_frequencies(tmp_path, info, alt=alt) == expected


def csq(*entries: str, parts: str) -> tuple[str, str]:
    header = f'##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. Format: {parts}">\n'
    return "CSQ=" + ",".join(entries), header


@pytest.mark.parametrize(
    ("parts", "entries", "ref", "alt", "expected"),
    [
        ("Allele|SYMBOL|MAX_AF", ["C||0.02"], "A", "C", [0.02]),
        ("Allele|SYMBOL|AF|gnomADe_AF|gnomADe_NFE_AF|gnomADg_AF", ["C|X|0.1|.|0.2|0.05"], "A", "C", [0.2]),
        # two known variants at the place
        ("Allele|SYMBOL|gnomADe_AF", ["C|X|0.001&0.04"], "A", "C", [0.04]),
        ("Allele|SYMBOL|gnomADe_AF", ["C|X|&"], "A", "C", [None]),
        # per allele, whatever the order and the number of transcripts
        ("Allele|SYMBOL|gnomAD_AF", ["G|X|0.3", "C|X|0.1", "C|Y|0.1", "G||0.3"], "A", "C,G", [0.1, 0.3]),
        # VEP leaves the anchor of an indel out, and writes '-' for a deletion
        ("Allele|SYMBOL|gnomAD_AF", ["-|X|0.3", "ATG|X|0.1"], "AG", "A,AATG", [0.3, 0.1]),
        ("Allele|ALLELE_NUM|SYMBOL|gnomAD_AF", ["C|2|X|0.3"], "A", "G,C", [None, 0.3]),
        # before release 90
        ("Allele|SYMBOL|GMAF|ExAC_MAF", ["C|X|C:0.0012|C:0.002&G:0.4"], "A", "C", [0.002]),
        # the frequency of the other allele
        ("Allele|SYMBOL|GMAF", ["C|X|A:0.4"], "A", "C", [None]),
        ("Allele|SYMBOL|MAX_AF_POPS|CLIN_SIG", ["C|X|gnomADe_NFE|benign"], "A", "C", [None]),
    ],
)
def test_parts_of_vep_reach_their_allele(tmp_path, parts, entries, ref, alt, expected) -> None:
    info, header = csq(*entries, parts=parts)
    assert vcf_frequencies(tmp_path, info, ref=ref, alt=alt, more=header) == expected


def test_one_frequency_for_several_alleles_is_not_used_and_counted(tmp_path) -> None:
    dropped = Dropped("read")
    assert vcf_frequencies(tmp_path, "ExAC_ALL=0.3", alt="C,G", dropped=dropped) == [None, None]
    row = dropped.frame().iloc[0]
    assert (row["table"], row["n"]) == ("cells", 1)
    assert row["reason"] == "INFO/ExAC_ALL has one population frequency for several alleles: not used"


def test_a_frequency_that_is_none_is_counted_and_refused_where_a_filter_goes_by_it(tmp_path) -> None:
    dropped = Dropped("read")
    assert vcf_frequencies(tmp_path, "gnomAD_AF=20", dropped=dropped) == [None]
    assert dropped.frame()["reason"].tolist() == ["INFO/gnomAD_AF is no population frequency between 0 and 1: not used"]
    message = r"value '20': INFO/gnomAD_AF at chr1:100 A>C is no population frequency between 0 and 1"
    with pytest.raises(InputError, match=message):
        vcf_frequencies(tmp_path, "gnomAD_AF=20", max_population_af=0.01)


def test_a_frequency_equal_to_the_limit_stays_though_vcf_keeps_single_precision(tmp_path) -> None:
    assert vcf_frequencies(tmp_path, "gnomAD_AF=0.001", max_population_af=0.001) == [0.001]
    assert vcf_frequencies(tmp_path, "POPAF=3.00", max_population_af=0.001) == [0.001]


def read(tmp_path: Path, names: list[str], *rows: list[str], dropped: Dropped | None = None, **settings):
    path = tmp_path / "some.maf"
    lines = [[*MAF, *names], *rows]
    path.write_text("".join("\t".join(cells) + "\n" for cells in lines))
    source = Variants(format="maf", file="some.maf", **settings)
    return read_maf(source, path, build="GRCh38", samples=("S1", "S2"), dropped=dropped or Dropped("read"))[0]


def row(*cells: str, pos: int = 100, sample: str = "S1", ref: str = "A", alt: str = "C") -> list[str]:
    return ["TP53", "chr17", str(pos), "Missense_Mutation", ref, alt, sample, *cells]


@pytest.mark.parametrize(
    ("names", "cells", "expected"),
    [
        # the GDC: AF is 1000 Genomes, as the populations beside it show
        (["AF", "AFR_AF", "EUR_AF"], ["0.02", "0.05", ""], 0.05),
        (["AF", "AFR_AF", "EUR_AF"], ["0.02", "", ""], 0.02),
        # alone it may be the tumour's fraction
        (["AF"], ["0.45"], None),
        (["t_AF", "i_tumor_f", "n_AF"], ["0.4", "0.4", "0.1"], None),
        (["gnomAD_AF", "gnomAD_NFE_AF"], ["0.0001", "3.2e-05"], 0.0001),
        (["gnomAD_non_cancer_AF", "gnomAD_non_cancer_MAX_AF_adj", "gnomAD_non_cancer_MAX_AF_POPS_adj"], ["0.01", "0.04", "nfe"], 0.04),
        (["1000G_AF", "1000G_EAS_AF", "ESP_AA_AF"], ["", "0.003", "0.001"], 0.003),
        (["ExAC_AF", "ExAC_AF_NFE", "ExAC_FILTER", "ExAC_AC_AN_Adj"], ["0.1", "0.2", "PASS", "3/1000"], 0.2),
        (["MAX_AF", "MAX_AF_POPS"], ["0.2", "AFR&EUR"], 0.2),
        (["GMAF", "ExAC_AF"], ["C:0.3", "."], 0.3),
        (["GMAF"], ["A:0.3"], None),
        (["ExAC_ALL", "X1000g2015aug_all", "esp6500siv2_all"], ["-1", "0.06", "NA"], 0.06),
        (["AF_popmax", "popmax"], ["0.004", "nfe"], 0.004),
        # vcf2maf writes VEP's '&' as ','
        (["gnomAD_AF"], ["0,0.004"], 0.004),
        (["gnomAD_AF"], ["1e-05,0.0004"], 0.0004),
        (["gnomAD_AF"], ["0,0"], 0.0),
        (["gnomAD_AF"], ["0,31"], None),
        (["gnomadg_af"], ["0.5"], 0.5),
        (["dbSNP_RS"], ["rs1"], None),
    ],
)  # fmt: skip
def test_columns_of_a_maf_give_the_largest_frequency(tmp_path, names, cells, expected) -> None:
    found = read(tmp_path, names, row(*cells))["population_af"].tolist()
    assert found == [expected] if expected is not None else found[0] != found[0]


def test_a_column_of_the_cohort_file_stands_for_all(tmp_path) -> None:
    columns = {"population_af": {"column": "common %", "unit": "percent"}}
    calls = read(tmp_path, ["common %", "gnomAD_AF"], row("2.5", "0.9"), row("", "0.9", pos=101), columns=columns)
    assert calls["population_af"].tolist()[0] == pytest.approx(0.025)
    assert calls["population_af"].isna().tolist() == [False, True]


def test_a_variant_has_one_frequency_in_all_samples(tmp_path) -> None:
    calls = read(tmp_path, ["gnomAD_AF"], row("0.02"), row("", sample="S2"), row("", sample="S2", pos=101))
    assert calls.sort_values(["pos", "sample_id"])["population_af"].fillna(-1).tolist() == [0.02, 0.02, -1]


def test_a_cell_that_is_no_frequency_is_counted_and_refused_where_a_filter_goes_by_it(tmp_path) -> None:
    dropped = Dropped("read")
    assert read(tmp_path, ["gnomAD_AF"], row("common"), dropped=dropped)["population_af"].isna().all()
    assert dropped.frame()["reason"].tolist() == ["'gnomAD_AF' is no population frequency between 0 and 1: not used"]
    with pytest.raises(InputError, match=r"some\.maf, row 2, column 'gnomAD_AF', value '1\.5': is no population frequency"):
        read(tmp_path, ["gnomAD_AF"], row("1.5"), max_population_af=0.01)


def test_every_row_of_the_table_has_a_source_and_matches_its_own_name() -> None:
    with resource_path(population.TABLE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(population_fields()) == len(rows) == len({(x["dialects"], x["field"]) for x in rows})
    for row, field in zip(rows, population_fields(), strict=True):
        assert len(row["source"]) > 5
        name = row["field"].replace("????", "2015").replace("*", "NFE")
        assert field.pattern.fullmatch(name)
        for dialect in field.dialects:
            assert name in population_names(dialect, [name, *([field.needs] if field.needs else [])])


@pytest.mark.parametrize("name", ["AF", "AC", "AN", "DP", "VAF", "MAF", "TUMOR_AF", "AF_tumor", "PON", "MMAF", "SAF"])
def test_frequencies_of_the_files_own_samples_are_not_taken(name: str) -> None:
    assert population_names("info", [name]) == {}


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "sample"),
    [
        ("tcga_dlbc/tcga_dlbc_Firehose.maf", "Tumor_Sample_Barcode"),
        ("reddy_duke_2017/data_mutations.txt", "Tumor_Sample_Barcode"),
        ("mds_lenalidomide/ipssm_maf.tsv", "ID"),
    ],
)
def test_real_mafs_without_population_columns_have_none_and_a_filter_says_so(shared, file, sample) -> None:
    path = shared / "cohorts" / file
    with path.open(encoding="utf-8") as lines:
        plain = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert not [name for name in plain[0] if name.upper().endswith("_AF") or "gnomad" in name.lower() or "exac" in name.lower()]
    dropped = Dropped("read")
    source = Variants(format="maf", file=file, sample_id=sample, max_population_af=0.001)
    calls, _, _ = read_maf(source, path, build="GRCh37", samples={row[sample] for row in plain}, dropped=dropped)
    assert calls["population_af"].isna().all()
    said = dropped.frame().set_index("reason")["n"]
    reason = "kept: the file has no field with a population frequency, so max_population_af 0.001 drops nothing"
    assert len(calls) <= said[reason] <= len(plain)
