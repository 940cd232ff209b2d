"""``resistance subtype list`` and ``call``: from a file to a table of calls, and what is refused."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from command import refused, run

from resistance.subtype.registry import METHODS


def calls_of(path):
    return pd.read_csv(path, sep="\t", dtype={"sample_id": str}).set_index("sample_id")


def test_the_list_names_every_method_with_its_source_and_marks_the_unverified(capsys):
    said = run(capsys, "subtype", "list").out
    for method in METHODS:
        assert f"\n{method.name} {method.version}  {method.kind}" in f"\n{said}"
        assert method.citation in said
    assert said.count("NOT VERIFIED") == sum(not method.verified for method in METHODS)


def test_the_list_as_json_can_be_narrowed(capsys):
    found = json.loads(run(capsys, "subtype", "list", "--json", "--input", "nanostring", "--kind", "cell_of_origin").out)
    assert [record["name"] for record in found] == ["dlbcl90", "dlbcl90_coo"]
    assert len(found[1]["features"]) == 20
    assert "value 'colour': is none of them. There are: cell_of_origin" in refused(capsys, "subtype", "list", "--kind", "colour")


def test_a_sheet_of_stains_is_called(tmp_path, capsys):
    (tmp_path / "ihc.csv").write_text("Patient,CD10,BCL6,MUM1\n007,30%,NA,NA\n8,0,80,neg\n9,0,29,\n10,0,,\n")
    said = run(capsys, "subtype", "call", "hans", tmp_path / "ihc.csv", "--out", tmp_path / "calls.tsv")
    assert "4 samples by hans 1: GCB 2, non-GCB 1, not called 1. Research use only." in said.out
    assert "note: 2 x borderline" in said.err
    rows = calls_of(tmp_path / "calls.tsv")
    assert rows["subtype"].fillna("-").to_dict() == {"007": "GCB", "8": "GCB", "9": "non-GCB", "10": "-"}


def test_an_unverified_method_needs_to_be_allowed_and_says_so_in_every_row(tmp_path, capsys):
    (tmp_path / "ihc.tsv").write_text("sample_id\tCD10\tFOXP1\tBCL6\nS1\t0\t80\t90\n")
    arguments = ("subtype", "call", "visco_young", tmp_path / "ihc.tsv", "--out", tmp_path / "calls.tsv")
    assert "the rule of this method was not verified in its source. Give --unverified" in refused(capsys, *arguments)
    assert not (tmp_path / "calls.tsv").exists()
    assert "was not verified" in run(capsys, *arguments, "--unverified").err
    row = calls_of(tmp_path / "calls.tsv").iloc[0]
    assert not row["verified"]
    assert row["reason"].endswith("(rule not verified in its source)")


def test_fractions_are_refused_and_taken_where_they_are_declared(tmp_path, capsys):
    (tmp_path / "ihc.tsv").write_text("sample_id\tCD10\tBCL6\tMUM1\nS1\t0.3\t0\t0\nS2\t0\t0.8\t0.9\n")
    arguments = ("subtype", "call", "hans", tmp_path / "ihc.tsv", "--out", tmp_path / "calls.tsv")
    assert "--values-are fraction" in refused(capsys, *arguments)
    run(capsys, *arguments, "--values-are", "fraction")
    assert calls_of(tmp_path / "calls.tsv")["subtype"].tolist() == ["GCB", "non-GCB"]


def test_what_is_wrong_names_the_file(tmp_path, capsys):
    (tmp_path / "x.tsv").write_text("sample_id\tCD10\tBCL6\tMUM1\nS1\tweak\t0\t0\n")
    said = refused(capsys, "subtype", "call", "hans", tmp_path / "x.tsv", "--out", tmp_path / "calls.tsv")
    assert said.startswith(
        f"error: {tmp_path / 'x.tsv'}, row 2, column 'CD10', value 'weak': is neither a percentage nor a call."
    )
    assert "hans has no such option" in refused(
        capsys, "subtype", "call", "hans", tmp_path / "x.tsv", "--out", tmp_path / "c.tsv", "--platform", "rnaseq"
    )
    assert "there is no such method" in refused(
        capsys, "subtype", "call", "hand", tmp_path / "x.tsv", "--out", tmp_path / "c.tsv"
    )
    assert "the file is missing" in refused(capsys, "subtype", "call", "hans", tmp_path / "no.tsv", "--out", tmp_path / "c.tsv")


def test_scores_without_counts_are_called_by_their_cut_offs(tmp_path, capsys):
    (tmp_path / "scores.tsv").write_text("n\tbiopsy\tscore\n1\tA\t1907\n2\tB\t1909\n3\tC\t2434\n4\tD\tNA\n")
    arguments = ("subtype", "call", "lymph2cx", tmp_path / "scores.tsv", "--out", tmp_path / "calls.tsv", "--from-score", "score")
    run(capsys, *arguments, "--sample", "biopsy")
    rows = calls_of(tmp_path / "calls.tsv")
    assert rows["subtype"].fillna("-").to_dict() == {"A": "GCB", "B": "UNCLASSIFIED", "C": "ABC", "D": "-"}
    assert rows["flags"].fillna("-").tolist() == ["from_score"] * 3 + ["-"]
    assert "column 'x': the table has no such column. It has: n, biopsy, score" in refused(capsys, *arguments, "--sample", "x")
    (tmp_path / "scores.tsv").write_text("biopsy\tscore\nA\t1907\nA\t12\n")
    assert "row 3, column 'biopsy', value 'A': the sample has no name or stands twice" in refused(capsys, *arguments)
    (tmp_path / "scores.tsv").write_text("biopsy\tscore\nA\thigh\n")
    assert "row 2, column 'score', value 'high': is not a number" in refused(capsys, *arguments)
    assert "this method has no published score. These have one: dlbcl90_coo" in refused(
        capsys, "subtype", "call", "hans", tmp_path / "scores.tsv", "--out", tmp_path / "c.tsv", "--from-score", "score"
    )


@pytest.mark.shared
@pytest.mark.parametrize("example", [1, 2])
def test_the_published_example_is_called_as_it_comes(shared, tmp_path, capsys, example):
    folder = shared / "truth" / "coo" / "dlbcl90"
    said = run(capsys, "subtype", "call", "dlbcl90", folder / f"DLBCL90example{example}.csv", "--out", tmp_path / "calls.tsv")
    assert "12 samples by dlbcl90 1.1.0: ABC 5, GCB 6, UNCLASSIFIED 1" in said.out
    expected = pd.read_csv(folder / f"expected_example{example}_calls.tsv", sep="\t")
    rows = calls_of(tmp_path / "calls.tsv")
    assert rows.index.tolist() == expected.iloc[:, 0].tolist()
    assert rows["subtype"].tolist() == expected["Totalcall"].replace({"UNCLASS": "UNCLASSIFIED"}).tolist()


@pytest.mark.shared
def test_a_transcriptome_is_refused_and_lps_is_named(shared, tmp_path, capsys):
    path = shared / "cohorts" / "tcga_dlbc" / "Test_DLBC_mRNA.txt"
    said = refused(capsys, "subtype", "call", "dlbcl90_coo", path, "--out", tmp_path / "calls.tsv")
    assert "use the method lps" in said
    assert not (tmp_path / "calls.tsv").exists()


def test_numbers_with_separators_are_explained_and_not_taken_for_scores(tmp_path, capsys):
    (tmp_path / "x.tsv").write_text("gene\tS1\tS2\nIRF4\t3,270\t1,200.5\nMME\t12,5\t3\nPIM2\tND\t5\n")
    said = refused(capsys, "subtype", "call", "dlbcl90_coo", tmp_path / "x.tsv", "--out", tmp_path / "calls.tsv")
    assert "row 2, column 'S1', value '3,270': is not a number. Write numbers without thousands separators" in said
    assert "row 3, column 'S1', value '12,5': is not a number. Decimals have a point." in said
    assert "value 'ND': is not a number. Genes stand in rows, samples in columns; decimals have a point; empty or NA" in said
    assert "--from-score" not in said
    assert "is a folder, not a file" in refused(
        capsys, "subtype", "call", "lps_wright210", tmp_path, "--out", tmp_path / "calls.tsv"
    )


def test_gene_names_that_became_dates_are_restored_where_one_gene_is_meant_and_told(tmp_path, capsys):
    rows = "".join(f"G{i}\t{i + 1}\t{2 * i + 1}\n" for i in range(12))
    (tmp_path / "x.tsv").write_text(f"gene\tS1\tS2\n{rows}2-Sep\t9\t3\n1-Mar\t4\t5\n")
    (tmp_path / "s.gmt").write_text("A\tx\tSEPTIN2\t" + "\t".join(f"G{i}" for i in range(9)) + "\n")
    arguments = ("--gene-sets", tmp_path / "s.gmt", "--method", "ssgsea", "--out", tmp_path / "scores.tsv")
    said = run(capsys, "subtype", "score", tmp_path / "x.tsv", *arguments).err
    assert "1 gene names were turned into dates by a spreadsheet, restored: 2-Sep = SEPTIN2" in said
    assert "1 gene names were turned into dates by a spreadsheet, not restored: 1-Mar" in said
    assert pd.read_csv(tmp_path / "scores.tsv", sep="\t")["features_used"].tolist() == [10, 10]


def test_stains_without_a_column_of_samples_are_refused(tmp_path, capsys):
    (tmp_path / "x.csv").write_text("CD10,BCL6,MUM1\n10,80,5\n")
    said = refused(capsys, "subtype", "call", "hans", tmp_path / "x.csv", "--out", tmp_path / "calls.tsv")
    assert "x.csv, column 'CD10': no column names the samples: the first is an antibody" in said
    assert not (tmp_path / "calls.tsv").exists()


def test_probabilities_and_infinity_are_no_scores_and_a_score_has_no_platform(tmp_path, capsys):
    call = ("subtype", "call", "dlbcl90_coo", tmp_path / "s.tsv", "--from-score", "LPS", "--out", tmp_path / "calls.tsv")
    (tmp_path / "s.tsv").write_text("sample\tLPS\nA\t0.95\nB\t0.1\n")
    said = refused(capsys, *call)
    assert "s.tsv, value '0.1 to 0.95': all scores lie from 0 to 1: these look like probabilities. Give the score itself" in said
    assert "means of 892.0 and 3216.0" in said
    (tmp_path / "s.tsv").write_text("sample\tLPS\nA\t3000\nB\tinf\n")
    assert "value 'B': the score is infinite" in refused(capsys, *call)
    (tmp_path / "s.tsv").write_text("sample\tLPS\nA\t3000\n")
    with pytest.raises(SystemExit):
        run(capsys, *call, "--platform", "rnaseq")
    assert "--platform does not go with --from-score" in capsys.readouterr().err
    assert not (tmp_path / "calls.tsv").exists()
