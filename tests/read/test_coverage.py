"""What the assays cover: from it follows what is absent and what was never looked at."""

from __future__ import annotations

import gzip

import pandas as pd
import pytest

from resistance import config
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.coverage import NO_FILE, read_coverage

SAMPLES = pd.DataFrame({"sample_id": ["T1", "T2", "C1"], "material": ["tumour", "tumour", "plasma"]})
GENES = frozenset(("TP53", "CRBN", "HLA-A", "KMT2D", "MYD88"))


def _read(folder, *assays, dropped=None, **named):
    models = [config.Assay.model_validate({"kind": "mutation"} | assay) for assay in assays]
    table = read_coverage(
        models, folder, samples=SAMPLES, genes=GENES, aliases={"MLL2": "KMT2D"}, dropped=dropped or Dropped("test"), **named
    )
    return [(row.sample_id, row.gene) for row in table.itertuples()]


def test_an_exome_covers_everything_in_everybody(tmp_path):
    assert _read(tmp_path, {"genes": ["*"]}) == [("C1", "*"), ("T1", "*"), ("T2", "*")]


def test_genes_are_listed_by_their_current_symbols(tmp_path):
    assert _read(tmp_path, {"genes": ["TP53", "MLL2"], "materials": ["plasma"]}) == [("C1", "KMT2D"), ("C1", "TP53")]


def test_a_gene_list_may_hold_comments_and_a_header(tmp_path):
    (tmp_path / "panel.txt").write_text("gene\n# the panel\nTP53\n\nCRBN  # added 2019\n")
    assert _read(tmp_path, {"gene_list": "panel.txt", "materials": ["plasma"]}) == [("C1", "CRBN"), ("C1", "TP53")]


def test_two_words_on_a_line_are_refused(tmp_path):
    (tmp_path / "panel.txt").write_text("TP53\nCRBN,MYD88\n")
    with pytest.raises(InputError, match=r"panel.txt, row 2, value 'CRBN,MYD88': holds more than one word"):
        _read(tmp_path, {"gene_list": "panel.txt"})


def test_a_gene_list_without_genes_is_refused(tmp_path):
    (tmp_path / "panel.txt").write_text("# nothing\n")
    with pytest.raises(InputError, match=r"panel.txt: the gene list is empty: it names no gene"):
        _read(tmp_path, {"gene_list": "panel.txt"})


def test_a_matrix_of_genes_names_them_in_its_header(tmp_path):
    (tmp_path / "mut.tsv").write_text("ID\tTP53\tCRBN\nT1\t0\t1\n")
    assert _read(tmp_path, {"gene_list": "mut.tsv", "header": True, "materials": ["plasma"]}) == [("C1", "CRBN"), ("C1", "TP53")]


def test_bed_regions_count_for_the_gene_they_are_named_after(tmp_path):
    lines = [
        "track name=x",
        "chr17\t1\t9\tTP53_exon5",
        "17\t10\t19\tTP53",
        "6\t1\t5\tHLA-A:2",
        "3\t1\t5\tref|CRBN,ens|ENST00000231948",
        "1\t1\t5\trs123",
    ]
    (tmp_path / "p.bed").write_text("\n".join(lines) + "\n")
    dropped = Dropped("test")
    assert _read(tmp_path, {"bed": "p.bed", "materials": ["plasma"]}, dropped=dropped) == [
        ("C1", "CRBN"),
        ("C1", "HLA-A"),
        ("C1", "TP53"),
    ]
    frame = dropped.frame()
    assert frame[["reason", "n", "example"]].to_numpy().tolist() == [
        ["the region is not named after a gene of the knowledge base", 1, "rs123"]
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("17\t1\t9\n", "row 1: has no fourth column"),
        ("17\t9\t1\tTP53\n", "row 1, value '9-1': is no region: the end must lie behind the start"),
        ("17\t1\t9\trs1\n", r"value 'rs1': no region is named after a known gene \(column 4\)"),
        ("# x\n", "the file has no regions"),
    ],
)
def test_a_bed_file_that_says_nothing_is_refused(tmp_path, text, message):
    (tmp_path / "p.bed").write_text(text)
    with pytest.raises(InputError, match=message):
        _read(tmp_path, {"bed": "p.bed"})


def test_missing_files_are_reported_together(tmp_path):
    with pytest.raises(InputError) as error:
        _read(tmp_path, {"bed": "a.bed"}, {"gene_list": "b.txt"})
    assert [p.message for p in error.value.problems] == ["the file is missing"] * 2


def test_depth_decides_and_the_shallow_are_counted(tmp_path):
    (tmp_path / "d.tsv").write_text("sample_id\tgene\tmean_depth\nT1\tTP53\t100\nT1\tCRBN\t99.9\nT2\tTP53\tNA\nZ\tTP53\t500\n")
    dropped = Dropped("test")
    assert _read(tmp_path, {"depth": "d.tsv"}, dropped=dropped) == [("T1", "TP53")]
    frame = dropped.frame()
    assert frame[["reason", "n"]].to_numpy().tolist() == [
        ["mean depth unknown or below 100: not assessed", 2],
        ["the sample is not in the samples sheet", 1],
    ]


def test_only_samples_of_the_file_were_assayed(tmp_path):
    (tmp_path / "mut.maf").write_text("#version 2.4\nTumor_Sample_Barcode\nX-T2\n")
    spec = {"column": "Tumor_Sample_Barcode", "pattern": "X-(.*)"}
    assert _read(tmp_path, {"genes": ["TP53"], "samples": "in_file", "samples_file": "mut.maf", "sample_id": spec}) == [
        ("T2", "TP53")
    ]


def test_a_file_that_names_none_of_the_samples_is_refused(tmp_path):
    (tmp_path / "mut.maf").write_text("Tumor_Sample_Barcode\nX-T2\n")
    with pytest.raises(
        InputError, match=r"value 'X-T2': the file names none of the samples that the assay may have been done on"
    ):
        _read(tmp_path, {"genes": ["*"], "samples": "in_file", "samples_file": "mut.maf", "sample_id": "Tumor_Sample_Barcode"})


def test_two_assays_that_see_the_same_gene_give_one_row(tmp_path):
    assert _read(tmp_path, {"genes": ["TP53"]}, {"genes": ["TP53", "CRBN"], "materials": ["plasma"]}) == [
        ("C1", "CRBN"), ("C1", "TP53"), ("T1", "TP53"), ("T2", "TP53"),
    ]  # fmt: skip


def test_without_assays_nothing_is_covered(tmp_path):
    assert _read(tmp_path) == []


def _named(**paths):
    return pd.DataFrame({"sample_id": ["T1", "T2", "C1"], "coverage": [paths.get(name) for name in ("T1", "T2", "C1")]})


def test_each_sample_may_have_a_panel_of_its_own(tmp_path):
    (tmp_path / "a.txt").write_text("TP53\nMLL2\n")
    (tmp_path / "b.txt").write_text("CRBN\n")
    dropped = Dropped("test")
    covered = _read(tmp_path, {"sample_file": "gene_list"}, files=_named(T1="a.txt", T2="b.txt"), dropped=dropped)
    assert covered == [("T1", "KMT2D"), ("T1", "TP53"), ("T2", "CRBN")]
    assert dropped.frame()[["reason", "n", "example"]].to_numpy().tolist() == [[NO_FILE, 1, "C1"]]


def test_regions_and_depths_may_be_a_samples_own(tmp_path):
    (tmp_path / "t.bed").write_text("17\t1\t9\tTP53\n")
    (tmp_path / "d.tsv").write_text("gene\tmean_depth\nTP53\t99\nCRBN\t100\nMYD88\tNA\n")
    assert _read(tmp_path, {"sample_file": "bed"}, files=_named(T2="t.bed")) == [("T2", "TP53")]
    dropped = Dropped("test")
    assert _read(tmp_path, {"sample_file": "depth"}, files=_named(T2="d.tsv"), dropped=dropped) == [("T2", "CRBN")]
    assert dict(zip(dropped.frame()["reason"], dropped.frame()["n"], strict=True)) == {
        "mean depth unknown or below 100: not assessed": 2,
        NO_FILE: 2,
    }


def test_mosdepths_regions_are_averaged_over_a_gene_by_their_length(tmp_path):
    # TP53: (10 x 400 + 30 x 10) / 40 = 107.5, CRBN: (10 x 100 + 10 x 99) / 20 = 99.5
    lines = ["17\t0\t10\tTP53_exon4\t400.00", "17\t20\t50\tTP53_exon5\t10.00", "3\t0\t10\tCRBN\t100", "3\t20\t30\tCRBN\t99"]
    (tmp_path / "s.regions.bed.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    assert _read(tmp_path, {"sample_file": "mosdepth"}, files=_named(C1="s.regions.bed.gz")) == [("C1", "TP53")]


def test_damaged_files_of_single_samples_are_named_together(tmp_path):
    (tmp_path / "a.bed.gz").write_bytes(gzip.compress(b"17\t1\t9\tTP53\n"))
    (tmp_path / "b.bed.gz").write_bytes(gzip.compress(b"17\t1\t9\tTP53\tdeep\n"))
    with pytest.raises(InputError) as error:
        _read(tmp_path, {"sample_file": "mosdepth"}, files=_named(T1="a.bed.gz", T2="b.bed.gz", C1="none.gz"))
    assert [(p.message, p.value) for p in error.value.problems] == [
        ("has no fifth column", None),
        ("the mean depth (column 5) is no number, or negative", "deep"),
        ("the file is missing", None),
    ]


def test_an_assay_of_sample_files_without_any_is_refused(tmp_path):
    with pytest.raises(InputError, match="no sample has a coverage file"):
        _read(tmp_path, {"sample_file": "bed"}, files=_named())
