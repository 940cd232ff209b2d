"""Tumours without a matched normal, VCF files without annotation, own annotation: from the files to the matrix, counted by hand.

The genome is drawn: TP53 is ATG, 392 x GAA (E) and TGA, so that every name can be written down without a program.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
from pathlib import Path

import pandas as pd
import pysam
import pytest

from resistance import schemas, stages
from resistance.annotate.reference import build_reference
from resistance.cohort import Cohort
from resistance.config import load
from resistance.contigs import contig_lengths
from resistance.errors import InputError
from resistance.inputs import input_files
from resistance.layout import STAGES, read_stage
from resistance.provenance import record
from resistance.resources import resource_path
from resistance.workflow import plan_work

BUILD, CHROM, OTHER = "GRCh38", "17", {"A": "T", "C": "G", "G": "C", "T": "A"}
HEAD = """##fileformat=VCFv4.2
##FILTER=<ID=PASS,Description="Passed">
##FILTER=<ID=germline,Description="Germline">
##INFO=<ID=gnomAD_AF,Number=A,Type=Float,Description="gnomAD allele frequency">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads per allele">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=PS,Number=1,Type=Integer,Description="Phase set">
##contig=<ID=chr17,length=83257441>
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t"""
COHORT = """resistance: 1
study: {name: tumour_only, title: Tumours without a matched normal., build: GRCh38, disease: DLBCLNOS, simulated: true}
patients: {file: sheet.tsv, columns: {patient_id: id, treatment: {constant: lenalidomide}}}
samples:
  file: sheet.tsv
  columns: {sample_id: id, patient_id: id, material: {constant: tumour}, timepoint: {constant: baseline}, vcf: vcf}
endpoints: {response: {label: Response, kind: binary, value: response, positive: [CR], negative: [PD]}}
variants:
  - format: vcf
    min_depth: 10
    max_population_af: 0.001
    panel_of_normals: normals.bed
    blacklist: blacklist.bed
    hotspots: hotspots.bed
    regions: panel
assays: [{kind: mutation, genes: [TP53]}]
annotation: {mode: native, reference_file: reference}
"""


def coding_positions() -> list[int]:
    """Return the positions of the coding bases of TP53 in reading order; the gene lies on the other strand."""
    with resource_path(f"transcripts.{BUILD}.tsv").open(encoding="utf-8") as file:
        row = next(r for r in csv.DictReader(file, delimiter="\t") if r["gene"] == "TP53" and r["role"] == "MANE Select")
    low, high = int(row["cds_start"]), int(row["cds_end"])
    spans = [[int(x) for x in exon.split("-")] for exon in row["exons"].split(";")]
    return sorted((pos for a, b in spans for pos in range(max(a, low), min(b, high) + 1)), reverse=True)


CODING = coding_positions()


def snv(codon: int, base: int, old: str, new: str, info: str = ".", depth: int = 80, genotype: str = "0/1") -> str:
    """Return a record that changes one base (1 to 3) of a codon, given in the direction of the protein; VAF 0.25."""
    pos = CODING[3 * codon - 4 + base]
    cells = f"{genotype.split(':')[0]}:{depth - depth // 4},{depth // 4}:{depth}:{genotype.partition(':')[2] or '.'}"
    return f"chr17\t{pos}\t.\t{OTHER[old]}\t{OTHER[new]}\t.\tPASS\t{info}\tGT:AD:DP:PS\t{cells}"


def region(codon: int) -> str:
    """Return a BED row on the three bases of a codon."""
    low = CODING[3 * codon - 1]
    return f"chr17\t{low - 1}\t{low + 2}\n"


def lost_base() -> str:
    """Return the loss of the third base of codon 300, anchored at the base before it on the genome, as VCF does."""
    low = CODING[899] - 1
    return f"chr17\t{low}\t.\t{OTHER['G']}{OTHER['A']}\t{OTHER['G']}\t.\tPASS\t.\tGT:AD:DP:PS\t0/1:60,20:80:."


SAMPLES = {
    "stop": [snv(100, 1, "G", "T")],  # GAA > TAA
    "missense": [snv(200, 1, "G", "A")],  # GAA > AAA
    "one_copy": [snv(150, 2, "A", "C", genotype="0|1:9"), snv(150, 1, "G", "A", genotype="0|1:9")],  # GAA > ACA
    "two_copies": [snv(150, 2, "A", "C", genotype="0|1:9"), snv(150, 1, "G", "A", genotype="1|0:9")],
    "silent": [snv(250, 3, "A", "G")],  # GAA > GAG
    "frameshift": [lost_base()],
    "common": [snv(210, 1, "G", "A", "gnomAD_AF=0.01")],
    "rare": [snv(210, 1, "G", "A", "gnomAD_AF=0.0001")],
    "normals": [snv(170, 1, "G", "A")],
    "blacklisted": [snv(175, 1, "G", "A")],
    "hotspot": [snv(280, 1, "G", "A", "gnomAD_AF=0.2")],
    "shallow": [snv(200, 1, "G", "A", depth=8)],
    "filtered": [snv(200, 1, "G", "A").replace("PASS", "germline")],
    "elsewhere": ["chr17\t1000000\t.\tC\tT\t.\tPASS\t.\tGT:AD:DP:PS\t0/1:60,20:80:."],
    "wild_type": [],
}
#: patient -> the names that its calls must have; phased ones apart, since there two rows have one name
NAMES = {
    "stop": ["E100*"],
    "missense": ["E200K"],
    "two_copies": ["E150A", "E150K"],
    "silent": ["E250="],
    # behind the lost base AAG (K) is read 92 times, AAT, GAT and the TAA that was put there: 95 codons from 301 to the stop
    "frameshift": ["E301Kfs*95"],
    "rare": ["E210K"],
    "hotspot": ["E280K"],
}


def write_genome(folder: Path) -> Path:
    """Write chromosome 17 with bases in TP53 only."""
    draw = random.Random(1)
    bases = bytearray(b"N" * contig_lengths(BUILD)[CHROM])
    for pos in range(7_661_000, 7_690_000):
        bases[pos] = ord(draw.choice("ACGT"))
    # what is read behind the stop where the frame is lost: T from TTAA, then TAA
    protein = "ATG" + "GAA" * 392 + "TGA"
    for pos, base in [*zip(CODING, protein, strict=True), *zip(range(CODING[-1] - 1, CODING[-1] - 5, -1), "TTAA", strict=True)]:
        bases[pos - 1] = ord(OTHER[base])
    path = folder / "genome.fa"
    with path.open("wb") as out:
        out.write(b">chr17\n")
        out.write(bytes(bases))
        out.write(b"\n")
    pysam.faidx(str(path))
    return path


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the stages from the files to the report; the cohort stands in the folder above the results."""
    folder = tmp_path_factory.mktemp("tumour_only")
    build_reference(write_genome(folder), BUILD, folder / "reference")
    (folder / "genome.fa").unlink()
    (folder / "normals.bed").write_text(region(170), encoding="utf-8")
    (folder / "blacklist.bed").write_text(region(175) + region(280), encoding="utf-8")
    (folder / "hotspots.bed").write_text(region(280), encoding="utf-8")
    rows = ["id\tresponse\tvcf"]
    for i, (name, records) in enumerate(SAMPLES.items()):
        ordered = sorted(records, key=lambda r: int(r.split("\t")[1]))
        (folder / f"{name}.vcf").write_text("\n".join([HEAD + name, *ordered]) + "\n", encoding="utf-8")
        pysam.tabix_index(str(folder / f"{name}.vcf"), preset="vcf", force=True)
        rows.append(f"{name}\t{'CR' if i % 2 else 'PD'}\t{name}.vcf.gz")
    (folder / "sheet.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    cohort, out = folder / "cohort.yaml", folder / "results"
    cohort.write_text(COHORT, encoding="utf-8")
    stages.read(cohort, out, "batch_000")
    for stage in stages.STAGES.values():
        stage(cohort, out)
    return out


def test_every_call_that_no_filter_drops_has_the_name_that_the_bases_give(results: Path) -> None:
    calls, effects = Cohort.read(results / "cohort").calls, read_stage(results, "annotate", schemas.EFFECTS)
    rows = calls.merge(effects.drop(columns=["build", "source"]), on=["chrom", "pos", "ref", "alt"])
    assert set(effects["gene"]) == {"TP53"}
    assert set(effects["transcript"]) == {"ENST00000269305.9"}
    got = {name: sorted(group["hgvsp"]) for name, group in rows.groupby("sample_id")}
    assert got.pop("one_copy") == ["E150A", "E150K"]
    assert got == NAMES


def test_variants_of_one_copy_are_one_change_and_those_of_two_copies_are_two(results: Path) -> None:
    phased = read_stage(results, "annotate", schemas.PHASED_EFFECTS)
    assert phased[["sample_id", "hgvsp"]].values.tolist() == [["one_copy", "E150T"]] * 2
    assert set(phased["hgvsc"]) == {"ENST00000269305.9:c.448_449delinsAC"}


def test_every_dropped_call_is_counted_by_reason(results: Path) -> None:
    dropped = Cohort.read(results / "cohort").dropped
    calls = dropped[dropped["table"] == "calls"]
    # a remark on every file says that only the genes' records were read
    remark = calls["reason"].str.contains("regions: panel")
    assert sorted(calls.loc[remark, "source"]) == sorted(f"{name}.vcf.gz" for name in SAMPLES)
    got = {(row.source.removesuffix(".vcf.gz"), row.reason): row.n for row in calls[~remark].itertuples()}
    assert got == {
        ("common", "population allele frequency above 0.001, in a gene of the markers"): 1,
        ("normals", "in the panel of normals normals.bed, in a gene of the markers"): 1,
        ("blacklisted", "in the blacklist blacklist.bed, in a gene of the markers"): 1,
        ("shallow", "depth below 10"): 1,
        ("filtered", "FILTER germline is not kept"): 1,
        ("hotspot", "kept: a hot spot of hotspots.bed, though in the blacklist blacklist.bed"): 1,
        ("hotspot", "kept: a hot spot of hotspots.bed, though population allele frequency above 0.001"): 1,
    }


def test_the_matrix_counts_carriers_and_hits_as_by_hand(results: Path) -> None:
    matrix = read_stage(results, "matrix", schemas.MATRIX)
    states = matrix[matrix["timepoint"] == "baseline"].set_index(["patient_id", "marker_id"])["state"].unstack()  # noqa: PD010
    carriers = {"stop", "missense", "one_copy", "two_copies", "frameshift", "rare", "hotspot"}
    assert set(states.index[states["tp53_mutation"] == "present"]) == carriers
    assert (states.loc[~states.index.isin(carriers), "tp53_mutation"] == "absent").all()
    # one changed codon of one copy is one hit
    assert set(states.index[states["tp53_multi_hit"] == "present"]) == {"two_copies"}
    assert set(states["crbn_mutation"]) == {"not_assessed"}


def test_a_tumour_is_flagged_for_clonal_haematopoiesis_and_the_report_counts_it(results: Path) -> None:
    variants = pd.read_csv(results / "report" / "tables" / "variants.tsv", sep="\t", keep_default_na=False)
    changed = variants[variants["effect_class"] != "synonymous"]
    assert set(changed["flags"]) == {"clonal_haematopoiesis"}
    assert set(variants.loc[variants["effect_class"] == "synonymous", "flags"]) == {"NA"}
    assert variants.loc[variants["sample_id"] == "one_copy", "hgvsp"].tolist() == ["E150T", "E150T"]
    assert dict(zip(variants["sample_id"], variants["population_af"], strict=True))["rare"] == "0.0001"
    flagged = pd.read_csv(results / "report" / "tables" / "flagged_markers.tsv", sep="\t").set_index("marker_id")
    assert flagged.loc["tp53_mutation", ["present", "clonal_haematopoiesis"]].tolist() == [7, 7]


def test_the_report_says_how_variants_were_filtered_and_named(results: Path) -> None:
    content = json.loads((results / "report" / "report.json").read_text(encoding="utf-8"))
    said = {p["heading"]: p["text"] for p in content["methods"]["paragraphs"]}
    for words in (
        "depth at least 10",
        "population frequency above 0.001",
        "normals.bed",
        "blacklist.bed",
        "except those of hotspots.bed",
    ):
        assert words in said["Variants and what the assays see"]
    for words in ("MANE Select v1.5", "genome.fa", "GRCh38", "bcftools csq", "1 such group in 1 sample"):
        assert words in said["Annotation"]
    # one remark on 15 files is one row of the page, and stays 15 rows of the table
    remarks = [d for d in content["dropped"] if "regions: panel" in d["reason"]]
    assert [(d["source"], d["n"]) for d in remarks] == [("15 files", 15)]
    reference = json.loads((results / "report" / "provenance.json").read_text(encoding="utf-8"))["reference"]
    facts = json.loads((results.parent / "reference" / "reference.json").read_text(encoding="utf-8"))
    assert (reference["build"], reference["sha256"], reference["genes"]) == ("GRCh38", facts["sha256"], len(facts["genes"]))


def test_folder_of_the_reference_and_its_record_are_the_same_input(results: Path) -> None:
    cohort = results.parent / "cohort.yaml"
    config = load(cohort)
    files = input_files(config, cohort.parent)
    assert cohort.parent / "reference" / "reference.json" in files
    assert record(config, cohort, files)["reference"]["source"] == "genome.fa"


def test_reference_of_the_other_build_is_refused_before_any_job(results: Path, tmp_path: Path) -> None:
    cohort = results.parent / "cohort.yaml"
    other = results.parent / "other_build.yaml"
    other.write_text(cohort.read_text(encoding="utf-8").replace("build: GRCh38", "build: GRCh37"), encoding="utf-8")
    remedy = r"--build GRCh37 --out FOLDER` and name FOLDER/reference\.json"
    with pytest.raises(InputError, match=rf"is a reference of GRCh38, and the cohort is GRCh37.*{remedy}"):
        plan_work([other], {})


def test_the_files_annotation_alone_needs_no_reference_and_names_nothing_here(results: Path, tmp_path: Path) -> None:
    file_only = results.parent / "file_only.yaml"
    text = (results.parent / "cohort.yaml").read_text(encoding="utf-8")
    file_only.write_text(text.replace("{mode: native, reference_file: reference}", "{mode: file}"), encoding="utf-8")
    shutil.copytree(results / "cohort", tmp_path / "cohort")
    stages.annotate(file_only, tmp_path)
    for schema in STAGES["annotate"][:3]:
        assert read_stage(tmp_path, "annotate", schema).empty
