"""Bad input gives one line that names file, row, column and value and says what to do; exit code 2; nothing half-written."""

from __future__ import annotations

from pathlib import Path

import pysam
import pytest

from resistance import cli
from resistance.init import write_templates

HEADER = """##fileformat=VCFv4.2
##contig=<ID=chr3,length=198295559>
##FILTER=<ID=PASS,Description="ok">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tP1_T
"""
RECORDS = "".join(f"chr3\t{38141150 + i}\t.\tT\tC\t.\tPASS\t.\tGT:AD\t0/1:90,10\n" for i in range(2000))


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text()
    assert old in text, f"{name} does not hold {old!r}"
    path.write_text(text.replace(old, new, 1))


def with_vcf(folder: Path, text: str, name: str = "a.vcf") -> Path:
    (folder / name).write_text(text)
    edit(
        folder,
        "cohort.yaml",
        "  - format: maf                   # or vcf, with 'vcf' in the samples sheet\n    file: variants.maf",
        f"  - format: vcf\n    file: {name}",
    )
    return folder / name


def truncated_vcf(folder: Path) -> None:
    path = with_vcf(folder, HEADER + RECORDS)
    pysam.tabix_compress(str(path), str(folder / "a.vcf.gz"), force=True)
    whole = (folder / "a.vcf.gz").read_bytes()
    (folder / "a.vcf.gz").write_bytes(whole[: len(whole) // 2])
    edit(folder, "cohort.yaml", "a.vcf", "a.vcf.gz")


def unsorted_vcf(folder: Path) -> None:
    lines = RECORDS.splitlines(keepends=True)
    with_vcf(folder, HEADER + lines[5] + lines[1])


def other_build_vcf(folder: Path) -> None:
    with_vcf(folder, HEADER.replace("198295559", "198022430") + RECORDS.splitlines(keepends=True)[0])


CASES = {
    "unknown column": (
        lambda f: edit(f, "cohort.yaml", "column: age,", "column: age_at_dx,"),
        ["patients.tsv", "column 'age_at_dx'", "the file has no such column", "age"],
    ),
    "unknown key": (
        lambda f: edit(f, "cohort.yaml", "seed: 1", "sead: 1"),
        ["cohort.yaml", "column 'sead'", "unknown key", "Did you mean 'seed'?"],
    ),
    "own annotation without a reference": (
        lambda f: edit(f, "cohort.yaml", "variants:", "annotation: {mode: native}\n\nvariants:"),
        ["cohort.yaml", "annotation", "the modes 'native' and 'both' need 'reference_file', and only they"],
    ),
    "duplicate patient": (
        lambda f: edit(f, "patients.tsv", "P2\tM", "P1\tM"),
        ["patients.tsv", "row 3", "column 'patient'", "value 'P1'", "duplicate patient", "First in row 2"],
    ),
    "sample without patient": (
        lambda f: edit(f, "samples.tsv", "P2_T\tP2", "P2_T\tP9"),
        ["samples.tsv", "row 3", "value 'P9'", "a sample of a patient whom the patients sheet does not have"],
    ),
    "duplicate sample": (
        lambda f: edit(f, "samples.tsv", "P2_T\tP2", "P1_T\tP2"),
        ["samples.tsv", "row 3", "value 'P1_T'", "duplicate sample_id"],
    ),
    "negative time": (
        lambda f: edit(f, "patients.tsv", "PD\t1.2", "PD\t-1.2"),
        ["patients.tsv", "row 3", "column 'pfs_months'", "negative time", "on_negative_time: exclude"],
    ),
    "event code outside the declared": (
        lambda f: edit(f, "patients.tsv", "1.2\t1", "1.2\t2"),
        ["patients.tsv", "row 3", "column 'pfs_event'", "value '2'", "not declared", "Declared: 0, 1"],
    ),
    "word instead of a number": (
        lambda f: edit(f, "patients.tsv", "\t71\t", "\tseventy\t"),
        ["patients.tsv", "row 3", "column 'age'", "value 'seventy'", "is not a number"],
    ),
    "mixed build in a MAF": (
        lambda f: edit(f, "variants.maf", "TP53\tGRCh38", "TP53\thg19"),
        ["variants.maf", "row 3", "value 'hg19'", "GRCh38"],
    ),
    "sample of the MAF that is not in the sheet": (
        lambda f: edit(f, "variants.maf", "\tP2_T\t", "\tP7_T\t"),
        ["variants.maf", "P7_T", "unknown_samples: drop"],
    ),
    "unknown consequence": (
        lambda f: edit(f, "variants.maf", "Missense_Mutation\tC", "Missens_Mutation\tC"),
        ["variants.maf", "row 3", "Missens_Mutation"],
    ),
    "missing file": (
        lambda f: (f / "variants.maf").unlink(),
        ["variants.maf", "missing"],
    ),
    "empty sheet": (lambda f: (f / "patients.tsv").write_text(""), ["patients.tsv", "the sheet is empty"]),
    "sheet cut off in the middle of a row": (
        lambda f: (f / "patients.tsv").write_text((f / "patients.tsv").read_text()[:-20]),
        ["patients.tsv", "row 5", "cells where the header has 8", "may be cut off"],
    ),
    "truncated VCF": (truncated_vcf, ["a.vcf.gz"]),
    "unsorted VCF": (unsorted_vcf, ["a.vcf", "38141151", "sort"]),
    "VCF of the other build": (other_build_vcf, ["a.vcf", "GRCh37", "GRCh38"]),
    "unknown gene in the panel": (lambda f: (f / "panel_genes.txt").write_text(""), ["panel_genes.txt", "empty"]),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_named_and_nothing_is_written(case, tmp_path, capsys):
    break_it, expected = CASES[case]
    folder = tmp_path / "mine"
    write_templates(folder)
    break_it(folder)
    before = sorted(p.name for p in folder.iterdir())
    with pytest.raises(SystemExit) as stop:
        cli.main(["check", str(folder / "cohort.yaml")])
    assert stop.value.code == 2
    err = capsys.readouterr().err
    assert "Traceback" not in err
    for part in expected:
        assert part in err, f"{part!r} not in:\n{err}"
    assert sorted(p.name for p in folder.iterdir()) == before
    with pytest.raises(SystemExit) as stop:
        cli.main(["gather", str(folder / "cohort.yaml"), "--results", str(tmp_path / "out")])
    assert stop.value.code == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["check", "annotate"])
def test_missing_reference_is_named_by_the_check_and_by_its_stage(command, tmp_path, capsys):
    folder, results = tmp_path / "mine", tmp_path / "out"
    write_templates(folder)
    if command == "annotate":
        cli.main(["gather", str(folder / "cohort.yaml"), "--results", str(results)])
    edit(folder, "cohort.yaml", "variants:", "annotation: {mode: native, reference_file: ref.json}\n\nvariants:")
    with pytest.raises(SystemExit) as stop:
        cli.main([command, str(folder / "cohort.yaml"), *(["--results", str(results)] if command == "annotate" else [])])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "ref.json: the reference is missing. Make it with `resistance reference build --fasta GENOME --build GRCh" in said
    assert not (results / "annotate").exists()


def test_check_reports_all_problems_of_all_files_at_once(tmp_path, capsys):
    write_templates(tmp_path)
    edit(tmp_path, "patients.tsv", "PD\t1.2\t1", "PD\t-1.2\t7")
    edit(tmp_path, "patients.tsv", "\t67\t", "\told\t")
    edit(tmp_path, "samples.tsv", "P3_T\tP3\ttumour", "P3_T\tP3\tblood")
    with pytest.raises(SystemExit):
        cli.main(["check", str(tmp_path / "cohort.yaml")])
    err = capsys.readouterr().err
    for part in ("value '7'", "value 'old'", "value 'blood'"):
        assert part in err
    assert "problems; nothing was written." in err
