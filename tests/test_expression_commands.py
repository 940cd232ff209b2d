"""``resistance subtype train``, ``apply``, ``score`` and ``call`` on expression: from files to files, and what is refused with which words."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pandas as pd
import pytest
from command import refused, run


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(1)
    samples = [f"S{j}" for j in range(24)]
    values = rng.normal(0, 1, (40, 24))
    values[:5, :12] += 3
    values[5:10, 12:] += 3
    table = pd.DataFrame(values, index=[f"G{i}" for i in range(40)], columns=samples)
    table.to_csv(tmp_path / "expression.tsv", sep="\t", index_label="gene")
    labels = pd.DataFrame({"id": samples, "set": ["train"] * 20 + ["test"] * 4, "group": ["ABC"] * 12 + ["GCB"] * 12})
    labels.to_csv(tmp_path / "labels.tsv", sep="\t", index=False)
    return tmp_path, table, labels


def train(capsys, folder, *more, rule="lps"):
    return run(
        capsys, "subtype", "train", rule, "--expression", folder / "expression.tsv", "--labels", folder / "labels.tsv",
        "--out", folder / "model.json", "--genes", 10, *more,
    )  # fmt: skip


def test_a_model_is_trained_and_applied(files, capsys):
    folder, _, labels = files
    said = train(capsys, folder, "--where", "set=train", "--platform", "array")
    assert "lps of 10 genes, trained on 12 ABC, 8 GCB (digest " in said.out
    assert "on the training samples themselves: 20 right, 0 wrong, 0 unclassified" in said.out
    assert "left out in turn (5 parts): " in said.out
    assert "left out: 4 x no label" in said.err
    arguments = ("subtype", "apply", folder / "model.json", folder / "expression.tsv", "--out", folder / "calls.tsv")
    said = run(capsys, *arguments, "--platform", "array")
    assert "24 samples by model (lps): ABC 12, GCB 12" in said.out
    calls = pd.read_csv(folder / "calls.tsv", sep="\t").set_index("sample_id")
    assert calls["subtype"].to_dict() == labels.set_index("id")["group"].to_dict()


def test_a_packed_file_and_commas_give_the_same_calls(files, capsys):
    folder, table, _ = files
    train(capsys, folder)
    run(capsys, "subtype", "apply", folder / "model.json", folder / "expression.tsv", "--out", folder / "a.tsv")
    (folder / "e.tsv.gz").write_bytes(gzip.compress((folder / "expression.tsv").read_bytes()))
    table.to_csv(folder / "e.csv", index_label="gene")
    for name in ("e.tsv.gz", "e.csv"):
        run(capsys, "subtype", "apply", folder / "model.json", folder / name, "--out", folder / "b.tsv")
        assert (folder / "b.tsv").read_bytes() == (folder / "a.tsv").read_bytes()


def test_missing_genes_are_refused_by_name_and_nothing_is_written(files, capsys):
    folder, table, _ = files
    train(capsys, folder)
    lost = json.loads((folder / "model.json").read_text())["genes"][:4]
    table.drop(index=lost).to_csv(folder / "few.tsv", sep="\t", index_label="gene")
    arguments = ("subtype", "apply", folder / "model.json", folder / "few.tsv", "--out", folder / "calls.tsv")
    said = refused(capsys, *arguments)
    assert "few.tsv: 4 genes with " in said
    assert "of the score's weight are missing, 20% are allowed" in said
    assert all(gene in said for gene in lost)
    assert not (folder / "calls.tsv").exists()
    assert "note: 4 genes with" in run(capsys, *arguments, "--max-weight-missing", "0.6").err


def test_a_gene_in_two_rows_is_told(files, capsys):
    folder, table, _ = files
    pd.concat([table, table.iloc[[39]] - 1]).to_csv(folder / "expression.tsv", sep="\t", index_label="gene")
    said = train(capsys, folder)
    assert "note: 1 gene(s) stood in several rows (G39): the row with the highest mean was kept" in said.err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--label-column", "class"), "column 'class': the file has no such column. It has: id, set, group."),
        (("--where", "set=nowhere"), "no row is left where set=nowhere"),
        (("--classes", "ABC,PMBL"), "0 samples of the class, at least 3 are needed"),
        (("--unit", "counts"), "the table is declared as counts and looks like log2 values or centred ratios"),
        (("--scaling", "quantile", "--genes", "39"), "steady genes to scale by, 20 are needed"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_with_the_file_and_the_way_out(files, capsys, more, message):
    folder, _, _ = files
    said = refused(
        capsys, "subtype", "train", "lps", "--expression", folder / "expression.tsv", "--labels", folder / "labels.tsv",
        "--out", folder / "model.json", *more,
    )  # fmt: skip
    assert message in said
    assert not (folder / "model.json").exists()


def test_samples_in_rows_are_seen_by_the_labels(files, capsys):
    folder, table, _ = files
    table.T.to_csv(folder / "expression.tsv", sep="\t", index_label="sample")
    said = refused(
        capsys, "subtype", "train", "lps", "--expression", folder / "expression.tsv", "--labels", folder / "labels.tsv",
        "--out", folder / "model.json",
    )  # fmt: skip
    assert "samples stand in rows here (24 row names have a label, no column name has). Turn the table" in said


def test_a_cbioportal_matrix_is_read_by_its_symbols_and_rows_without_one_are_told(files, capsys):
    folder, table, _ = files
    named = table.rename_axis("Hugo_Symbol").reset_index()
    named.insert(0, "Entrez_Gene_Id", range(1, 41))
    named.loc[39, "Hugo_Symbol"] = None
    named.to_csv(folder / "expression.tsv", sep="\t", index=False)
    said = train(capsys, folder)
    assert "note: 1 rows have no gene name and were left out" in said.err
    assert "G0" in json.loads((folder / "model.json").read_text())["genes"]


def test_a_sample_with_two_classes_is_refused_with_its_line(files, capsys):
    folder, _, labels = files
    pd.concat([labels, labels.iloc[[0]].assign(group="GCB")]).to_csv(folder / "labels.tsv", sep="\t", index=False)
    said = refused(
        capsys, "subtype", "train", "lps", "--expression", folder / "expression.tsv", "--labels", folder / "labels.tsv",
        "--out", folder / "model.json",
    )  # fmt: skip
    assert "labels.tsv, row 26, column 'group', value 'S0': the sample has two classes, ABC and GCB" in said


def test_a_file_that_is_no_model_and_one_that_is_cut_off_are_refused(files, capsys):
    folder, _, _ = files
    (folder / "m.json").write_text("{}")
    arguments = ("subtype", "apply", folder / "m.json", folder / "expression.tsv", "--out", folder / "calls.tsv")
    assert "m.json" in refused(capsys, *arguments)
    (folder / "m.json").write_text("{")
    assert "m.json" in refused(capsys, *arguments)
    assert not (folder / "calls.tsv").exists()


def test_ps_says_that_these_samples_scale_themselves(files, capsys):
    folder, _, _ = files
    train(capsys, folder, rule="ps")
    said = run(capsys, "subtype", "apply", folder / "model.json", folder / "expression.tsv", "--out", folder / "calls.tsv")
    assert "note: 24 x standardised within these samples" in said.err
    assert "note: 24 x distributions of these samples' scores" in said.err
    one = folder / "one.tsv"
    pd.read_csv(folder / "expression.tsv", sep="\t").iloc[:, :2].to_csv(one, sep="\t", index=False)
    arguments = ("subtype", "apply", folder / "model.json", one, "--out", folder / "calls.tsv")
    assert "1 samples cannot be standardised by themselves, 10 are needed. Use scaling 'model'" in refused(capsys, *arguments)
    said = run(capsys, *arguments, "--scaling", "model", "--densities", "training")
    assert "1 samples by model (ps): ABC 1" in said.out


def test_the_same_training_gives_the_same_bytes(files, capsys):
    folder, _, _ = files
    train(capsys, folder)
    first = (folder / "model.json").read_bytes()
    train(capsys, folder)
    assert (folder / "model.json").read_bytes() == first


def test_scores_are_listed_with_their_sources_and_computed(tmp_path, capsys):
    from resistance.subtype.published import load_scores

    said = run(capsys, "subtype", "score").out
    for of in load_scores().values():
        assert of.source in said
    assert said.count("NOT VERIFIED") == 1
    genes = [*load_scores()["nk_cell"].weights, *load_scores()["irf4"].weights]
    table = pd.DataFrame(
        np.random.default_rng(1).normal(5, 1, (len(genes), 12)), index=genes, columns=[f"S{j}" for j in range(12)]
    )
    table.to_csv(tmp_path / "e.tsv", sep="\t", index_label="gene")
    out = tmp_path / "scores.tsv"
    run(capsys, "subtype", "score", tmp_path / "e.tsv", "--name", "nk_cell", "--name", "irf4", "--out", out)
    found = pd.read_csv(out, sep="\t")
    assert found.groupby("name").size().to_dict() == {"irf4": 12, "nk_cell": 12}
    assert "value 'nk': there is no such score" in refused(
        capsys, "subtype", "score", tmp_path / "e.tsv", "--name", "nk", "--out", out
    )


def test_published_weights_are_called_from_a_file(tmp_path, capsys):
    from resistance.subtype.published import load_published

    weights = load_published()["lps_wright210"].weights
    rng = np.random.default_rng(2)
    values = rng.normal(8, 1, (len(weights), 30)) + np.sign(list(weights.values()))[:, None] * np.repeat([1, -1], 15)
    pd.DataFrame(values, index=list(weights), columns=[f"S{j}" for j in range(30)]).to_csv(
        tmp_path / "e.tsv", sep="\t", index_label="gene"
    )
    arguments = ("subtype", "call", "lps_wright210", tmp_path / "e.tsv", "--unit", "log2", "--platform", "rnaseq")
    said = run(capsys, *arguments, "--out", tmp_path / "calls.tsv")
    assert "30 samples by lps_wright210 1: ABC 15, GCB 15" in said.out
    assert "note: 30 x unvalidated on RNA-seq" in said.err
    counted = ("subtype", "call", "rnaseq_coo21", tmp_path / "e.tsv", "--unit", "log2", "--out", tmp_path / "x.tsv")
    assert "e.tsv: raw counts are needed, the table holds log2" in refused(capsys, *counted)
