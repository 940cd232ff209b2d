"""``resistance subtype score --gene-sets``: from files to a file, what is told and what is refused with which words."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from command import refused, run


@pytest.fixture
def files(tmp_path):
    x = np.random.default_rng(0).normal(6, 1, (40, 12))
    table = pd.DataFrame(x, index=[f"G{i}" for i in range(40)], columns=[f"S{j}" for j in range(12)])
    table.to_csv(tmp_path / "expression.tsv", sep="\t", index_label="gene")
    up = "\t".join(f"G{i}" for i in range(12))
    (tmp_path / "own.gmt").write_text(f"UP\tof the lab\t{up}\tG0\nSMALL\t\tG1\tG2\nNONE\td\n", encoding="utf-8")
    return tmp_path


def test_the_sets_of_a_file_become_scores(files, capsys):
    out = files / "scores.tsv"
    said = run(
        capsys, "subtype", "score", files / "expression.tsv", "--gene-sets", files / "own.gmt", "--method", "zscore", "--out", out
    )
    assert f"wrote {out}: 2 scores of 12 samples. Research use only." in said.out
    assert "note: 1 in own.gmt: further mention of a gene in its set (UP: G0)" in said.err
    assert "note: 1 in own.gmt: the gene set has no genes (NONE)" in said.err
    assert "note: SMALL, 12 samples: no score: 2 of 2 genes take part, 10 are needed" in said.err
    table = pd.read_csv(out, sep="\t").set_index(["name", "sample_id"])
    x = pd.read_csv(files / "expression.tsv", sep="\t", index_col=0).iloc[:12]
    z = x.sub(x.mean(axis=1), axis=0).div(x.std(axis=1), axis=0)
    np.testing.assert_allclose(table.loc["UP", "value"], z.sum() / np.sqrt(12), rtol=1e-9)
    assert table.loc["SMALL", "value"].isna().all()


def test_one_set_and_other_bounds(files, capsys):
    arguments = ("subtype", "score", files / "expression.tsv", "--gene-sets", files / "own.gmt", "--out", files / "s.tsv")
    run(capsys, *arguments, "--set", "SMALL", "--min-genes", 2, "--method", "ssgsea")
    table = pd.read_csv(files / "s.tsv", sep="\t")
    assert table["name"].unique().tolist() == ["SMALL"]
    assert table["value"].notna().all()


def test_without_expression_the_sets_are_listed(files, capsys):
    said = run(capsys, "subtype", "score", "--gene-sets", files / "own.gmt").out
    assert said.splitlines() == ["UP: 12 genes", "SMALL: 2 genes", "2 gene sets"]


def test_the_methods_are_listed_with_what_they_depend_on_and_were_compared_with(capsys):
    said = run(capsys, "subtype", "score").out
    assert (
        "gsva  gene set variation analysis, about -1 to 1\n    depends on the other samples\n    compared with Bioconductor GSVA"
        in said
    )
    assert "ssgsea  single-sample GSEA, area between two walks\n    a sample's score is its own" in said
    assert "ulm  t of a linear model of expression on membership, over the genes; needs the extra 'genesets'" in said


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--set", "UP"), "--set is for the file that --gene-sets gives"),
        (("--method", "gsva"), "--method is for the file that --gene-sets gives"),
        (("--gene-sets", "own.gmt", "--name", "nfkb"), "--name is for the published scores, not for --gene-sets"),
        (("--gene-sets", "own.gmt", "--max-weight-missing", "0.3"), "--max-weight-missing is for the published scores"),
        (("--gene-sets", "own.gmt", "--set", "DOWN"), "value 'DOWN': there is no such gene set in the file. It has 2: UP, SMALL"),
        (("--gene-sets", "own.gmt", "--min-genes", "9", "--max-genes", "8"), "--min-genes 9 is above --max-genes 8"),
        (("--gene-sets", "no.gmt"), "no.gmt: the file of gene sets is missing"),
        (("--gene-sets", "expression.tsv"), "expression.tsv: none of the "),
    ],
)
def test_what_cannot_be_scored_is_refused_and_nothing_is_written(files, capsys, monkeypatch, more, message):
    monkeypatch.chdir(files)
    assert message in " ".join(
        refused(capsys, "subtype", "score", "expression.tsv", "--out", "s.tsv", *more).replace("│", " ").split()
    )
    assert not (files / "s.tsv").exists()


def test_the_schema_of_the_cohort_file_knows_the_key(checkout):
    schema = json.loads((checkout / "workflow/schemas/cohort.schema.json").read_text())
    assert schema["$defs"]["GeneSets"]["required"] == ["file"]
