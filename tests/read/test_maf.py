"""MAFs of many dialects, and three real ones against a plain reading."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from resistance.config import Variants
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.maf import read_maf

NAMES = ["Hugo_Symbol", "NCBI_Build", "Chromosome", "Start_Position", "End_Position", "Variant_Classification"]
NAMES += ["Reference_Allele", "Tumor_Seq_Allele1", "Tumor_Seq_Allele2", "Tumor_Sample_Barcode", "HGVSp_Short"]
ROW = ["MYD88", "GRCh37", "3", "38182641", "38182641", "Missense_Mutation", "T", "T", "C", "S1", "p.L265P"]
SILENT = ("synonymous", "noncoding", "other")


def row(**changes: str) -> list[str]:
    return [changes.get(name, cell) for name, cell in zip(NAMES, ROW, strict=True)]


@pytest.fixture
def maf(tmp_path: Path):
    def write(*rows: list[str], names: list[str] = NAMES, before: str = "") -> Path:
        path = tmp_path / "some.maf"
        path.write_text(before + "".join("\t".join(cells) + "\n" for cells in [names, *rows]))
        return path

    return write


def read(path: Path, *samples: str, build: str = "GRCh37", dropped: Dropped | None = None, **settings):
    source = Variants(format="maf", file="some.maf", **settings)
    return read_maf(source, path, build=build, samples=samples or ("S1",), dropped=dropped or Dropped("read"))


def reasons(dropped: Dropped) -> dict[str, int]:
    frame = dropped.frame()
    return dict(zip(frame["reason"], frame["n"], strict=True))


def test_a_row_of_the_gdc_becomes_a_call_and_an_effect(maf):
    names = [*NAMES, "t_depth", "t_ref_count", "t_alt_count", "Transcript_ID", "HGVSc", "Exon_Number", "FILTER"]
    cells = [
        *row(NCBI_Build="GRCh38", Chromosome="chr3"),
        "40",
        "29",
        "11",
        "ENST00000396334",
        "ENST00000396334.3:c.794T>C",
        "5/5",
        "PASS",
    ]
    calls, effects, fusions = read(maf(cells, names=names, before="#version gdc-1.0.0\n"), build="GRCh38")
    assert calls.iloc[0].dropna().to_dict() == {
        "sample_id": "S1", "build": "GRCh38", "chrom": "3", "pos": 38182641, "ref": "T", "alt": "C",
        "depth": 40, "alt_count": 11, "vaf": 0.275, "filter": "PASS", "source": "some.maf",
    }  # fmt: skip
    effect = effects.iloc[0].dropna().to_dict()
    assert effect == {
        "build": "GRCh38", "chrom": "3", "pos": 38182641, "ref": "T", "alt": "C", "gene": "MYD88", "consequence": "missense_variant",
        "effect_class": "missense", "hgvsc": "ENST00000396334.3:c.794T>C", "hgvsp": "L265P", "residue": 265, "exon": 5,
        "transcript": "ENST00000396334.3", "impact": "MODERATE", "source": "file:MAF",
    }  # fmt: skip
    assert fusions.empty


def test_a_byte_order_mark_comments_blank_lines_windows_ends_and_gzip_change_nothing(maf, tmp_path):
    plain = maf(row(), row(Start_Position="38182642"))
    expected = read(plain)[0]
    text = plain.read_text().splitlines()
    odd = "\r\n".join(
        ["\ufeff#version 2.4", "", text[0].replace("End_Position", "End_position"), text[1], "", "# late", text[2], ""]
    )
    packed = tmp_path / "some.maf.gz"
    packed.write_bytes(gzip.compress(odd.encode()))
    assert read(packed)[0].drop(columns="source").equals(expected.drop(columns="source"))


def test_counts_with_thousands_separators_and_empty_columns_are_numbers(maf):
    names = [*NAMES, "t_ref_count", "t_alt_count", "t_depth"]
    calls, _, _ = read(maf([*row(), "1,234", "66", ""], [*row(Start_Position="5"), "", "", ""], names=names))
    assert calls.set_index("pos").loc[38182641, ["depth", "alt_count"]].tolist() == [1300, 66]
    assert calls.set_index("pos").loc[5, ["depth", "alt_count", "vaf"]].isna().all()


def test_depth_and_fraction_alone_do_not_invent_a_count(maf):
    calls, _, _ = read(maf([*row(), "100", "0.31"], names=[*NAMES, "DEPTH", "tumor_f"]))
    assert calls["alt_count"].isna().all()
    assert calls[["depth", "vaf"]].iloc[0].tolist() == [100, 0.31]


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("t_depth", "many", r"row 2, column 't_depth', value 'many': is not a whole number, 0 or more"),
        ("t_alt_count", "-3", r"row 2, column 't_alt_count', value '-3': is not a whole number"),
        (
            "t_vaf",
            "31",
            r"row 2, column 't_vaf', value '31': is not a fraction between 0 and 1\. If it is a percentage, set variants",
        ),
        ("t_vaf", "0,31", r"value '0,31': is not a fraction"),
    ],
)
def test_a_number_that_is_none_is_refused_with_its_cell(maf, column, cell, message):
    with pytest.raises(InputError, match=message):
        read(maf([*row(), cell], names=[*NAMES, column]))


def test_percentages_are_read_where_they_say_so(maf):
    path = maf([*row(), "31%"], names=[*NAMES, "VAF"])
    assert read(path)[0]["vaf"].tolist() == [0.31]
    path = maf([*row(), "31"], names=[*NAMES, "VAF"])
    assert read(path, columns={"vaf": {"column": "VAF", "unit": "percent"}})[0]["vaf"].round(9).tolist() == [0.31]


def test_more_mutant_reads_than_reads_are_refused(maf):
    with pytest.raises(InputError, match=r"row 2, .*value '9 of 5': more reads with the alternative allele than reads"):
        read(maf([*row(), "5", "9"], names=[*NAMES, "t_depth", "t_alt_count"]))


@pytest.mark.parametrize("name", ["37", "GRCh37", "hg19", "b37", ""])
def test_names_of_the_build_are_one(maf, name):
    assert read(maf(row(NCBI_Build=name)))[0]["build"].tolist() == ["GRCh37"]


def test_another_build_is_refused_with_its_first_row(maf):
    message = r"some\.maf, row 3, column 'NCBI_Build', value '38': 2 row\(s\) are on GRCh38, the cohort is declared GRCh37"
    with pytest.raises(InputError, match=message):
        read(maf(row(), row(NCBI_Build="38"), row(NCBI_Build="38", Start_Position="7")))
    with pytest.raises(InputError, match=r"value 'hg18': not a genome build this package knows"):
        read(maf(row(NCBI_Build="hg18")))


def test_a_position_beyond_the_chromosome_is_refused(maf):
    with pytest.raises(
        InputError, match=r"row 2, value '3:198022431': lies beyond the end .* at 198022430.*Is the file on GRCh38"
    ):
        read(maf(row(Start_Position="198022431")))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"Reference_Allele": "-", "Tumor_Seq_Allele1": "-", "Tumor_Seq_Allele2": "AG"}, (38182641, "-", "AG")),
        ({"Reference_Allele": "TCA", "Tumor_Seq_Allele2": "-"}, (38182641, "TCA", "-")),
        ({"Reference_Allele": "T", "Tumor_Seq_Allele2": "TAG"}, (38182641, "-", "AG")),
        ({"Reference_Allele": "TCA", "Tumor_Seq_Allele2": "T"}, (38182642, "CA", "-")),
        ({"Reference_Allele": "TC", "Tumor_Seq_Allele2": "AA"}, (38182641, "TC", "AA")),
        # older files: the change stands in the first allele
        ({"Tumor_Seq_Allele1": "G", "Tumor_Seq_Allele2": "T"}, (38182641, "T", "G")),
        ({"Tumor_Seq_Allele1": "G", "Tumor_Seq_Allele2": ""}, (38182641, "T", "G")),
    ],
)
def test_alleles_come_to_one_form(maf, cells, expected):
    calls, effects, _ = read(maf(row(**cells)))
    for table in (calls, effects):
        assert tuple(table[["pos", "ref", "alt"]].iloc[0]) == expected


def test_rows_that_are_no_small_variant_are_counted_by_reason(maf):
    dropped = Dropped("read")
    rows = [
        row(),
        row(Chromosome="NA"),
        row(Tumor_Seq_Allele2="R", Tumor_Seq_Allele1=""),
        row(Tumor_Seq_Allele2="T"),
        row(Tumor_Seq_Allele2="", Tumor_Seq_Allele1=""),
    ]
    calls, _, _ = read(maf(*rows), dropped=dropped)
    assert len(calls) == 1
    assert reasons(dropped) == {
        "no chromosome or position": 1,
        "an allele holds letters other than A, C, G and T": 1,
        "the alternative allele is the reference allele": 1,
        "an allele is empty": 1,
    }
    assert "row 3: S1 MYD88 38182641 T C" in dropped.frame()["example"].tolist()


def test_tandem_duplications_without_alleles_are_structural_events(maf):
    none = {"Chromosome": "NA", "Start_Position": "", "Reference_Allele": "", "Tumor_Seq_Allele1": "", "Tumor_Seq_Allele2": ""}
    rows = [
        row(Hugo_Symbol="FLT3", Variant_Classification="ITD", **none),
        row(Hugo_Symbol="KMT2A", Variant_Classification="PTD", **none),
        row(Hugo_Symbol="FLT3", Variant_Classification="ITD", Reference_Allele="-", Tumor_Seq_Allele2="ACGACG", Chromosome="13"),
    ]
    dropped = Dropped("read")
    calls, effects, fusions = read(maf(*rows), dropped=dropped)
    assert fusions[["sample_id", "kind", "gene_1"]].values.tolist() == [["S1", "ITD", "FLT3"], ["S1", "PTD", "KMT2A"]]
    assert (calls["alt"].tolist(), effects["effect_class"].tolist()) == (["ACGACG"], ["inframe_indel"])
    assert dropped.frame().empty


def test_the_class_comes_from_the_classification_and_the_terms_from_the_consequence(maf):
    names = [*NAMES, "Consequence"]
    rows = [
        [*row(Variant_Classification="Splice_Site"), "splice_donor_variant,intron_variant"],
        [*row(Variant_Classification="Targeted_Region", Start_Position="6"), "stop_gained"],
        [*row(Variant_Classification="", Start_Position="7"), "inframe_deletion"],
    ]
    _, effects, _ = read(maf(*rows, names=names))
    found = effects.sort_values("pos")
    assert found["effect_class"].tolist() == ["truncating", "inframe_indel", "splice"]
    assert found["consequence"].tolist() == ["stop_gained", "inframe_deletion", "splice_donor_variant&intron_variant"]


def test_a_classification_nobody_knows_is_refused_with_the_nearest(maf):
    message = (
        r"row 3, column 'Variant_Classification', value 'Misense_Mutation': is no consequence .*Did you mean Missense_Mutation\?"
    )
    with pytest.raises(InputError, match=message):
        read(maf(row(), row(Variant_Classification="Misense_Mutation")))


def test_own_words_are_mapped_in_the_cohort_file(maf):
    columns = {"classification": {"column": "Variant_Classification", "values": {"ms": "Missense_Mutation"}}}
    _, effects, _ = read(maf(row(Variant_Classification="ms")), columns=columns)
    assert effects["effect_class"].tolist() == ["missense"]


def test_rows_without_gene_or_classification_are_calls_without_effect_and_counted(maf):
    dropped = Dropped("read")
    calls, effects, _ = read(maf(row(Hugo_Symbol="Unknown"), row(Variant_Classification="", Start_Position="7")), dropped=dropped)
    assert (len(calls), len(effects)) == (2, 0)
    assert reasons(dropped) == {"the row names no gene": 1, "the row names no classification or consequence": 1}


def test_columns_that_are_missing_are_named_all_at_once(maf):
    names = ["Sample", "Chromosome", "Start", "Reference_Allele", "Variant"]
    with pytest.raises(InputError) as error:
        read(maf(["S1", "3", "5", "A", "C"], names=names))
    assert [(p.column, p.row) for p in error.value.problems] == [("Tumor_Sample_Barcode", 1), ("Tumor_Seq_Allele2", 1)]
    assert "Name it under variants.sample_id" in str(error.value)


def test_a_table_that_is_not_quite_a_maf_is_read_through_its_columns(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("patient,contig,where,from,to,symbol,what\n12,chr3,38182640,CT,CC,MYD88,missense_variant\n")
    columns = {"chrom": "contig", "pos": "where", "ref": "from", "alt": "to", "gene": "symbol", "classification": "what"}
    calls, effects, _ = read(path, "P-12", columns=columns, sample_id={"column": "patient", "template": "P-{}"})
    assert calls[["sample_id", "chrom", "pos", "ref", "alt"]].values.tolist() == [["P-12", "3", 38182641, "T", "C"]]
    assert effects["gene"].tolist() == ["MYD88"]


def test_an_unknown_name_under_columns_is_refused(maf):
    with pytest.raises(InputError, match=r"column 'symbol': variants\.columns has no such name"):
        read(maf(row()), columns={"symbol": "Hugo_Symbol"})


def test_two_columns_of_one_name_are_joined_and_a_contradiction_is_said(maf):
    names = [*NAMES, "t_depth", "t_depth"]
    dropped = Dropped("read")
    calls, _, _ = read(maf([*row(), "", "50"], [*row(Start_Position="7"), "40", "50"], names=names), dropped=dropped)
    assert sorted(calls["depth"]) == [40, 50]
    assert reasons(dropped) == {"second column 't_depth' says something else; the first is used": 1}
    with pytest.raises(InputError, match=r"row 2, column 'Chromosome', value '3 / 4': two columns have this name and differ"):
        read(maf([*row(), "4"], names=[*NAMES, "Chromosome"]))


def test_a_row_that_is_too_short_is_refused(maf):
    with pytest.raises(InputError, match=r"some\.maf, row 3: has 4 cells where the header has 11\. The file may be cut off"):
        read(maf(row(), row()[:4]))


def test_files_that_are_no_maf_are_refused(tmp_path):
    path = tmp_path / "some.maf"
    with pytest.raises(InputError, match=r"some\.maf: the file is missing"):
        read(path)
    path.write_text("#version 2.4\n")
    with pytest.raises(InputError, match="the file is empty or has comments only"):
        read(path)
    path.write_bytes(gzip.compress("\n".join("\t".join(x) for x in [NAMES, *[row()] * 9000]).encode())[:-40])
    with pytest.raises(InputError, match="cannot be unpacked: the file is cut off or damaged"):
        read(path)


def test_a_header_alone_is_an_empty_table(maf):
    assert [table.empty for table in read(maf())] == [True, True, True]


def test_a_sample_nobody_knows_is_an_error_or_counted(maf):
    path = maf(row(), row(Tumor_Sample_Barcode="S9"), row(Tumor_Sample_Barcode="S9", Start_Position="7"))
    with pytest.raises(
        InputError, match=r"row 3, value 'S9': 2 row\(s\) are of a sample that the samples sheet does not have.*Add it to"
    ):
        read(path)
    dropped = Dropped("read")
    assert read(path, unknown_samples="drop", dropped=dropped)[0]["sample_id"].tolist() == ["S1"]
    assert reasons(dropped) == {"the sample is not in the samples sheet": 2}


def test_duplicates_keep_the_row_with_most_reads(maf):
    dropped = Dropped("read")
    rows = [[*row(), "40"], [*row(Reference_Allele="TC", Tumor_Seq_Allele2="CC"), "90"]]
    calls, effects, _ = read(maf(*rows, names=[*NAMES, "t_depth"]), dropped=dropped)
    assert (calls["depth"].tolist(), len(effects)) == ([90], 1)
    assert reasons(dropped) == {"the same sample and variant stands in another row with at least this depth": 1}


def test_filters_and_status_are_applied_and_counted(maf):
    names = [*NAMES, "FILTER", "Mutation_Status", "t_depth", "t_vaf"]
    rows = [
        [*row(), "PASS", "Somatic", "100", "0.2"],
        [*row(Start_Position="2"), "common_variant", "Somatic", "100", "0.2"],
        [*row(Start_Position="3"), "", "Somatic", "9", "0.2"],
        [*row(Start_Position="4"), ".", "", "100", "0.001"],
        [*row(Start_Position="5"), "PASS", "Wildtype", "100", "0.2"],
    ]
    dropped = Dropped("read")
    calls, _, _ = read(maf(*rows, names=names), dropped=dropped, min_depth=10, min_vaf=0.01)
    assert calls["pos"].tolist() == [38182641]
    assert reasons(dropped) == {
        "FILTER common_variant is not kept": 1,
        "depth below 10": 1,
        "VAF below 0.01": 1,
        "Mutation_Status is one of wildtype, redacted, loh": 1,
    }


def plain(path: Path, **settings) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, **settings)


def carriers(calls: pd.DataFrame, effects: pd.DataFrame, gene: str, silent: bool = True) -> int:
    both = calls.merge(effects[effects["gene"] == gene], on=["build", "chrom", "pos", "ref", "alt"])
    return both.loc[silent | ~both["effect_class"].isin(SILENT), "sample_id"].nunique()


@pytest.mark.shared
def test_the_mds_cohort_gives_every_variant_and_every_tandem_duplication(shared):
    path = shared / "cohorts" / "mds_lenalidomide" / "ipssm_maf.tsv"
    table, dropped = plain(path), Dropped("read")
    calls, effects, fusions = read(path, *table["ID"].unique(), sample_id="ID", dropped=dropped)
    assert len(table) == 9254 == len(calls) + len(fusions)
    assert dropped.frame().empty
    assert fusions["kind"].value_counts().to_dict() == {"PTD": 73, "ITD": 12}
    assert carriers(calls, effects, "CSNK1A1") == 40
    for gene in ("TP53", "SF3B1", "DNMT3A"):
        assert carriers(calls, effects, gene) == table.loc[table["GENE"] == gene, "ID"].nunique()
    # every VCF-style row is trimmed: no allele keeps its anchor
    assert not ((calls["ref"].str[0] == calls["alt"].str[0]) & (calls["ref"] != "-")).any()
    assert calls["depth"].sum() == pd.to_numeric(table["DEPTH"], errors="coerce").sum()


@pytest.mark.shared
def test_the_reddy_study_gives_its_patients_and_carriers(shared):
    path = shared / "cohorts" / "reddy_duke_2017" / "data_mutations.txt"
    table = plain(path)
    calls, effects, _ = read(path, *table["Tumor_Sample_Barcode"].unique())
    assert (len(calls), calls["sample_id"].nunique()) == (7105, 972)
    assert (carriers(calls, effects, "IKZF3", silent=False), carriers(calls, effects, "IRF4", silent=False)) == (26, 38)
    quiet = ["Silent", "Intron", "3'UTR", "5'UTR", "3'Flank", "5'Flank", "IGR", "RNA", "Splice_Region"]
    loud = table[~table["Variant_Classification"].isin(quiet)]
    for gene in ("MYD88", "TP53", "CREBBP", "KMT2D"):
        assert (
            carriers(calls, effects, gene, silent=False)
            == loud.loc[loud["Hugo_Symbol"] == gene, "Tumor_Sample_Barcode"].nunique()
        )
    hotspot = effects[(effects["gene"] == "MYD88") & (effects["pos"] == 38182641)]
    assert hotspot["hgvsp"].tolist() == ["L265P"]


@pytest.mark.shared
def test_the_file_with_fractions_of_the_same_study_joins_it_by_pattern_and_template(shared):
    path = shared / "cohorts" / "reddy_duke_2017" / "reddy_original_variants_with_VAF.maf.gz"
    samples = plain(path)["Tumor_Sample_Barcode"].str.replace(r"Reddy_(\d+)T", r"DLBCL_DUKE_\1", regex=True).unique()
    names = {"column": "Tumor_Sample_Barcode", "pattern": r"Reddy_(\d+)T", "template": "DLBCL_DUKE_{}"}
    calls, _, _ = read(path, *samples, sample_id=names)
    assert calls["sample_id"].nunique() == 969
    known = calls.dropna(subset=["alt_count", "depth"])
    assert ((known["alt_count"] / known["depth"]).astype(float) - known["vaf"]).abs().max() < 1e-9


@pytest.mark.shared
def test_the_tcga_exomes_have_48_patients_and_named_sex_chromosomes(shared):
    path = shared / "cohorts" / "tcga_dlbc" / "tcga_dlbc_Firehose.maf"
    table, dropped = plain(path), Dropped("read")
    calls, effects, _ = read(path, *table["Tumor_Sample_Barcode"].unique(), dropped=dropped)
    assert len(calls) + int(dropped.frame()["n"].sum()) == len(table) == 16049
    assert calls["sample_id"].nunique() == 48
    assert calls["chrom"].value_counts()["X"] == (table["Chromosome"] == "23").sum()
    assert carriers(calls, effects, "CREBBP") == table.loc[table["Hugo_Symbol"] == "CREBBP", "Tumor_Sample_Barcode"].nunique()
