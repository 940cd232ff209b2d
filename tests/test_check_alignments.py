"""`resistance check` opens the alignments that a run would count: what is wrong is told before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny_bam import read, write_bam

from resistance.check import check
from resistance.contigs import contig_lengths
from resistance.errors import InputError
from resistance.init import write_templates

READS = [read(f"r{i}", 1000, "50M", "ACGTA" * 10) for i in range(3)]


def header(build: str = "GRCh38", sample: str | None = "S1_plasma") -> dict[str, Any]:
    groups = {} if sample is None else {"RG": [{"ID": "1", "SM": sample}]}
    return {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr21", "LN": contig_lengths(build)["21"]}], **groups}


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes the templates' cohort with plasma samples that have alignments."""
    write_templates(tmp_path)
    path = tmp_path / "cohort.yaml"

    def write(*bams: str, **alignments: Any) -> Path:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        patients = (tmp_path / raw["patients"]["file"]).read_text(encoding="utf-8").splitlines()
        patient = patients[1].split("\t")[0]
        rows = [f"S{i}_plasma\t{patient}\tplasma\tbaseline\t{bam}" for i, bam in enumerate(bams, start=1)]
        sheet = ["sample\tpatient\tmaterial\ttimepoint\tbam", *rows]
        (tmp_path / "own_samples.tsv").write_text("\n".join(sheet) + "\n", encoding="utf-8")
        raw["samples"] = {
            "file": "own_samples.tsv",
            "columns": {
                "sample_id": "sample",
                "patient_id": "patient",
                "material": "material",
                "timepoint": "timepoint",
                "bam": "bam",
            },
        }
        for name in (
            "variants",
            "assays",
            "copy_number",
            "fusions",
            "expression",
            "nanostring",
            "ihc",
            "measurements",
            "subtype",
        ):
            raw.pop(name, None)
        raw["ctdna"] = {"alignments": alignments}
        path.write_text(yaml.safe_dump(raw), encoding="utf-8")
        return path

    return write


def test_alignments_that_can_be_counted_are_counted(study, tmp_path: Path) -> None:
    write_bam(tmp_path / "a.bam", READS, header=header())
    lines = check(study("a.bam"))
    assert "alignments: 1 files, headers and indices; their reads (UMI tags among them) are looked at in the run" in lines


def test_all_that_is_wrong_with_alignments_and_panel_is_told_at_once(study, tmp_path: Path) -> None:
    write_bam(tmp_path / "a.bam", READS, header=header(), index=False)
    write_bam(tmp_path / "b.bam", READS, header=header("GRCh37", "S2_plasma"))
    write_bam(tmp_path / "c.bam", READS, header=header(sample="S9_plasma"))
    write_bam(tmp_path / "d.bam", READS, header=header(sample=None))
    (tmp_path / "panel.bed").write_text("chr21\t48000000\t48000100\n", encoding="utf-8")
    with pytest.raises(InputError) as raised:
        check(study("a.bam", "b.bam", "c.bam", "d.bam", targets="panel.bed"))
    said = [str(problem) for problem in raised.value.problems]
    expected = (
        "panel.bed, row 1, value '21:48000100': lies beyond the end of the chromosome on GRCh38",
        "a.bam: has no index beside it",
        "b.bam, value 'chr21 of 48129895 bases': the header says GRCh37, the cohort is declared GRCh38",
        "c.bam, value 'S9_plasma': is of another sample: its read groups say S9_plasma, the samples sheet S3_plasma",
        "d.bam: has no read groups with a sample",
    )
    assert len(said) == len(expected)
    for words, one in zip(expected, said, strict=True):
        assert words in one
