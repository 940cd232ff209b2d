"""Which variants are flagged as clonal haematopoiesis or hypermutation, on both builds, and at the borders."""

from __future__ import annotations

import csv
import re

import pandas as pd
import pytest

from resistance import resources, schemas
from resistance.annotate import flags
from resistance.annotate.flags import haematopoiesis_genes, hypermutation_regions, hypermutation_spans, with_flags
from resistance.errors import KnowledgeError
from resistance.knowledge import load_genes
from resistance.tables import conform, empty


def flag(
    gene: str, chrom: str, pos: int, effect_class: str = "missense", *, build: str = "GRCh37", ref: str = "A", alt: str = "T"
):
    row = {"build": build, "chrom": chrom, "pos": pos, "ref": ref, "alt": alt, "gene": gene, "effect_class": effect_class}
    found = with_flags(conform(pd.DataFrame([row | {"source": "file:MAF"}]), schemas.EFFECTS))["flags"].iloc[0]
    return None if found != found else found


def test_a_change_of_the_protein_in_a_gene_of_clonal_haematopoiesis_is_flagged_a_silent_one_is_not() -> None:
    assert flag("DNMT3A", "2", 25457242) == "clonal_haematopoiesis"
    assert flag("TP53", "17", 7577120) == "clonal_haematopoiesis"
    assert flag("DNMT3A", "2", 25457242, "synonymous") is None
    assert flag("MYD88", "3", 38182641) is None


@pytest.mark.parametrize(
    ("build", "chrom", "first", "last"),
    [
        # PIM1 starts at 37137928 (GRCh37) and reads upwards; BCL2 starts at 60987002 and reads downwards
        ("GRCh37", "6", 37137928, 37139927),
        ("GRCh38", "6", 37170152, 37172151),
        ("GRCh37", "18", 60985003, 60987002),
        # RHOH and the heavy chain locus by their coordinates
        ("GRCh37", "4", 40198651, 40200650),
        ("GRCh38", "14", 105583731, 106875071),
    ],
)
def test_a_region_reaches_from_its_first_to_its_last_base(build: str, chrom: str, first: int, last: int) -> None:
    for pos, expected in ((first - 1, None), (first, "hypermutation"), (last, "hypermutation"), (last + 1, None)):
        assert flag("X", chrom, pos, "noncoding", build=build) == expected
    # the last base of a deletion, and an insertion behind the last base of the region
    assert flag("X", chrom, first - 2, build=build, ref="AAA", alt="-") == "hypermutation"
    assert flag("X", chrom, last, build=build, ref="-", alt="A") == "hypermutation"


def test_a_known_hypermutated_codon_is_flagged_and_drivers_elsewhere_are_not() -> None:
    assert flag("PIM1", "6", 37138804) == "hypermutation"  # exon 4, coding
    assert flag("BCL2", "18", 60795992) is None  # exon 3, 190,000 bases away
    assert flag("EZH2", "7", 148508727) is None
    assert flag("IKZF3", "17", 37947744) is None  # the degron's exon


def test_two_flags_stand_side_by_side_and_other_columns_stay() -> None:
    assert flag("TP53", "14", 106100000) == "clonal_haematopoiesis;hypermutation"
    assert with_flags(empty(schemas.EFFECTS)).empty


@pytest.mark.parametrize(("build", "n"), [("GRCh37", 40), ("GRCh38", 40)])
def test_every_region_is_there_on_both_builds(build: str, n: int) -> None:
    with resources.resource_path(flags.REGIONS).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["build"] in ("NA", build)]
    assert len(rows) == n
    assert {"BCL2", "PIM1", "BCL6", "IGH", "IGK", "IGL", "MYC", "PAX5", "RHOH", "SOCS1", "CIITA"} <= {
        row["region"] for row in rows
    }
    assert len(hypermutation_regions(build).contigs) > 15


def test_genes_are_current_and_every_row_has_a_source() -> None:
    genes = load_genes()
    assert haematopoiesis_genes() >= {"DNMT3A", "TET2", "ASXL1", "PPM1D", "TP53", "JAK2"}
    for symbol in haematopoiesis_genes():
        assert genes.current(symbol) == symbol
    for name in (flags.GENES, flags.REGIONS):
        with resources.resource_path(name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                for source in row["source"].split(";"):
                    assert re.fullmatch(r"PMID:\d+|doi:10\.\d{4,9}/\S+|\D.*\b(19|20)\d\d\b.*", source)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("NOBODY\ttss\tNA\tNA\tNA\tNA\tPMID:1\ttrue\tNA", "row 2: 'NOBODY' is no gene with a transcript"),
        ("IGH\tinterval\tGRCh37\t14\t9\t107349541\tPMID:1\ttrue\tNA", "14:9-107349541 does not lie on GRCh37"),
        ("IGH\tinterval\tGRCh37\t14\t9\t5\tPMID:1\ttrue\tNA", "does not lie on GRCh37"),
        ("IGH\tinterval\tGRCh37\t14\t9\t50\tNA\ttrue\tNA", "row 2: stands twice, or has no source"),
    ],
)
def test_a_wrong_row_of_the_table_is_refused(tmp_path, monkeypatch, row: str, message: str) -> None:
    path = tmp_path / flags.REGIONS
    path.write_text("region\tkind\tbuild\tchrom\tstart\tend\tsource\tverified\tnote\n" + row + "\n")
    monkeypatch.setattr(flags, "resource_path", lambda name: path)
    with pytest.raises(KnowledgeError, match=message):
        hypermutation_spans.__wrapped__("GRCh37")


@pytest.mark.shared
def test_the_reddy_study_has_the_flags_that_a_plain_count_gives(shared) -> None:
    from resistance.config import Variants
    from resistance.dropped import Dropped
    from resistance.read.maf import read_maf

    path = shared / "cohorts" / "reddy_duke_2017" / "data_mutations.txt"
    with path.open(encoding="utf-8") as lines:
        plain = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    samples = {row["Tumor_Sample_Barcode"] for row in plain}
    source = Variants(format="maf", file=path.name)
    _, effects, _ = read_maf(source, path, build="GRCh37", samples=samples, dropped=Dropped("read"))
    effects = with_flags(effects)
    # PIM1 of MANE Select starts at 6:37137928; every PIM1 mutation of the study but those far in the gene lies within 2,000 bases
    near = {
        (row["Start_Position"], row["Reference_Allele"], row["Tumor_Seq_Allele2"])
        for row in plain
        if row["Hugo_Symbol"] == "PIM1" and int(row["Start_Position"]) <= 37139927
    }
    every = {
        (row["Start_Position"], row["Reference_Allele"], row["Tumor_Seq_Allele2"])
        for row in plain
        if row["Hugo_Symbol"] == "PIM1"
    }
    flagged = effects[(effects["gene"] == "PIM1") & (effects["flags"] == "hypermutation")]
    assert 100 < len(near) < len(every)
    assert len(flagged) == len(near)
    quiet = ("Silent", "Intron", "3'UTR", "5'UTR", "3'Flank", "5'Flank", "IGR", "RNA", "Splice_Region")
    loud = {
        (row["Start_Position"], row["Reference_Allele"], row["Tumor_Seq_Allele2"])
        for row in plain
        if row["Hugo_Symbol"] == "TP53" and row["Variant_Classification"] not in quiet
    }
    assert ((effects["gene"] == "TP53") & (effects["flags"] == "clonal_haematopoiesis")).sum() == len(loud) > 50
