"""PRPS-ST frozen as a model: the scores of its own cohort, single new samples recomputed by hand, Rosenwald, the command, a cohort."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from resistance import cli
from resistance.cohort import Cohort
from resistance.config import Subtype
from resistance.errors import InputError
from resistance.subtype import prps_st_wright210
from resistance.subtype.apply_model import apply_model
from resistance.subtype.classify import classify_all
from resistance.subtype.expression import Expression, from_frame
from resistance.subtype.model import read_model
from resistance.subtype.published import load_published
from resistance.subtype.self_trained import train_unlabelled

WRIGHT = load_published()["lps_wright210"].weights


def expression(n=60, seed=1, genes=None):
    """Log2 values of Wright's genes: the first half of the samples is ABC, the others GCB; every tenth is neither."""
    rng = np.random.default_rng(seed)
    genes = list(WRIGHT) if genes is None else genes
    sign = np.sign([WRIGHT[gene] for gene in genes])
    part = np.where(np.arange(n) < n / 2, 1.0, -1.0)
    part[9::10] = 0.0
    x = rng.normal(8, 1, (len(genes), n)) + sign[:, None] * part[None, :]
    return pd.DataFrame(x, index=genes, columns=[f"S{j}" for j in range(n)])


def by_hand(facts, values):
    """PRPS of one sample from the numbers of the file, gene by gene, and P(class 1)."""
    score = 0.0
    columns, n = facts["columns"], facts["n"]
    for i, gene in enumerate(facts["genes"]):
        x = values.get(gene, math.nan)
        if math.isnan(x) or columns["sd_1"][i] < 1e-4 or columns["sd_0"][i] < 1e-4:
            continue
        p = [
            2 * stats.t.sf(abs((x - columns[f"mean_{k}"][i] + 0.01) / (columns[f"sd_{k}"][i] + 0.01)), df)
            for k, df in (("1", n[0] - 1), ("0", n[1] - 1))
        ]
        score += abs(columns["weight"][i]) * (math.log10(p[0] + 1e-8) - math.log10(p[1] + 1e-8))
    one = stats.norm.pdf(score, facts["score"]["mean_1"], facts["score"]["sd_1"])
    zero = stats.norm.pdf(score, facts["score"]["mean_0"], facts["score"]["sd_0"])
    return score, (one / (one + zero) if one + zero > 0 else math.nan)


def test_a_model_gives_its_own_cohort_the_scores_and_classes_of_the_method():
    table = from_frame(expression(), "log2", platform="rnaseq")
    model = prps_st_wright210.train(table)
    frozen, direct = apply_model(model, table), prps_st_wright210.call_expression(table)
    np.testing.assert_allclose(frozen["score"], direct["score"], rtol=1e-12)
    np.testing.assert_allclose(frozen["probability"], direct["probability"], rtol=1e-9)
    assert frozen["subtype"].tolist() == direct["subtype"].tolist()
    assert {"ABC", "GCB"} <= set(frozen["subtype"])
    assert frozen["features_used"].tolist() == direct["features_used"].tolist()
    assert frozen["flags"].str.contains("unvalidated on RNA-seq;class means from an unlabelled cohort").all()


def test_new_samples_alone_have_the_score_that_is_recomputed_from_the_file_by_hand(tmp_path):
    prps_st_wright210.train(from_frame(expression(), "log2", platform="rnaseq")).write(tmp_path / "m.json")
    facts, model = json.loads((tmp_path / "m.json").read_text()), read_model(tmp_path / "m.json")
    new = expression(12, seed=2)
    new.iloc[3, 4] = np.nan
    together = apply_model(model, from_frame(new, "log2", platform="rnaseq")).set_index("sample_id")
    for sample in new.columns:
        alone = apply_model(model, from_frame(new[[sample]], "log2", platform="rnaseq")).iloc[0]
        score, p = by_hand(facts, new[sample].to_dict())
        assert alone["score"] == pytest.approx(score, rel=1e-9)
        assert together.loc[sample, "score"] == pytest.approx(score, rel=1e-9)
        shown = dict(part.split("=") for part in alone["probabilities"].split(";"))
        assert float(shown["ABC"]) == pytest.approx(p, rel=1e-4, abs=1e-12)
        assert alone["subtype"] == ("ABC" if p >= 0.9 else "GCB" if p <= 0.1 else "UNCLASSIFIED")


def test_a_gene_that_a_stable_sample_lacks_takes_no_part_in_either(tmp_path):
    frame = expression()
    frame.iloc[5, :] = np.where(np.arange(60) % 2 == 0, np.nan, frame.iloc[5, :])
    table = from_frame(frame, "log2", platform="rnaseq")
    model = prps_st_wright210.train(table)
    np.testing.assert_allclose(apply_model(model, table)["score"], prps_st_wright210.call_expression(table)["score"], rtol=1e-12)
    assert model.trained.sd_1[5] == 0
    # and one that is there in a new sample does not count either
    new = expression(3, seed=4)
    changed = new.copy()
    changed.iloc[5, :] += 3
    a, b = (apply_model(model, from_frame(x, "log2", platform="rnaseq"))["score"] for x in (new, changed))
    assert a.tolist() == b.tolist()


def test_a_model_comes_back_from_its_file_and_says_what_it_learned_from(tmp_path):
    frame = expression(genes=list(WRIGHT)[:-2])
    model = prps_st_wright210.train(from_frame(frame.assign(EMPTY=0.0), "log2", platform="rnaseq"), name="ours")
    model.write(tmp_path / "a.json")
    again = read_model(tmp_path / "a.json")
    again.write(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert again.self_trained
    assert again.training["genes_missing"] == list(WRIGHT)[-2:]
    assert again.training["left_out"] == {"not stable": 60 - sum(again.training["samples"].values()), "no usable values": 1}
    other = prps_st_wright210.train(from_frame(frame + 1e-9, "log2", platform="rnaseq"))
    assert other.training["digest"] != again.training["digest"]
    text = (tmp_path / "a.json").read_text().replace('"cut": 0.9', '"cut": 0.8')
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=r"a\.json: the model was changed after it was written"):
        read_model(tmp_path / "a.json")


def test_what_teaches_nothing_is_refused_with_the_reason():
    with pytest.raises(
        InputError, match=r"19 samples cannot teach themselves, 20 are needed. Train a model on a labelled cohort"
    ):
        prps_st_wright210.train(from_frame(expression(19), "log2"))
    with pytest.raises(InputError, match=r"genes with .* of the score's weight are missing, 20% are allowed"):
        prps_st_wright210.train(from_frame(expression(genes=list(WRIGHT)[60:]), "log2"))
    flat = pd.DataFrame(
        np.random.default_rng(3).normal(8, 1, (len(WRIGHT), 30)), index=list(WRIGHT), columns=[f"S{j}" for j in range(30)]
    )
    one = flat.copy()
    one.iloc[:, :] = flat.iloc[:, [0]].to_numpy()  # thirty times one sample
    with pytest.raises(InputError, match=r"the cohort teaches no classes: 0 and 0 samples stay in one class"):
        prps_st_wright210.train(from_frame(one, "log2"))


def test_samples_of_another_platform_or_scale_are_not_called():
    model = prps_st_wright210.train(from_frame(expression(), "log2", platform="rnaseq"))
    with pytest.raises(
        InputError, match="the model was trained on platform rnaseq, these are affymetrix, and nothing bridges the two"
    ):
        apply_model(model, from_frame(expression(3, seed=2), "log2", platform="affymetrix"))
    off = apply_model(model, from_frame(expression(3, seed=2) + 20, "log2", platform="rnaseq"))
    assert off["subtype"].isna().all()
    assert off["reason"].str.contains("no call: off the model's scale").all()


@pytest.mark.shared
def test_rosenwald_teaches_itself_and_calls_the_validation_set(shared, tmp_path):
    table = pd.read_csv(shared / "cohorts/rosenwald_2002/rosenwald.expr.tsv", sep="\t", index_col=0)
    clinic = pd.read_csv(shared / "cohorts/rosenwald_2002/rosenwald.cli.tsv", sep="\t", index_col=0)
    weights = pd.read_csv(shared / "truth/coo/lps_rosenwald/LPS_top100_weights.tsv", sep="\t", index_col=0)["tValue"]
    training, validation = (clinic.index[clinic["set"] == name] for name in ("Training", "Validation"))
    table = table.loc[weights.index].rename(index=str)  # numbers of probes
    weights = weights.rename(index=str)

    def part(names):
        return Expression(tuple(table.index), tuple(names), table[names].to_numpy(), "log2", "lymphochip")

    model = train_unlabelled(part(training), weights.to_dict(), ("ABC", "GCB"), name="rosenwald")
    model.write(tmp_path / "m.json")
    facts = json.loads((tmp_path / "m.json").read_text())
    # README of ajiangsfu/PRPS, section PRPS-ST: meansds 314.7 -438.7 64.3 68.3, dfs 13 9
    assert [n - 1 for n in facts["n"]] == [13, 9]
    found = [facts["score"][name] for name in ("mean_1", "mean_0", "sd_1", "sd_0")]
    np.testing.assert_allclose(found, (314.7, -438.7, 64.3, 68.3), atol=0.05)
    calls = apply_model(model, part(validation)).set_index("sample_id")
    assert len(calls) == 20
    for sample in validation:
        score, p = by_hand(facts, table[sample].to_dict())
        assert calls.loc[sample, "score"] == pytest.approx(score, rel=1e-9)
        expected = "ABC" if p >= 0.9 else "GCB" if p <= 0.1 else "UNCLASSIFIED"
        assert calls.loc[sample, "subtype"] == expected


def test_the_command_learns_from_a_table_and_apply_calls_others(tmp_path, capsys):
    expression().to_csv(tmp_path / "cohort.tsv", sep="\t", index_label="gene")
    expression(4, seed=9).to_csv(tmp_path / "new.tsv", sep="\t", index_label="gene")
    common = ["--platform", "rnaseq", "--unit", "log2"]
    cli.main(
        ["subtype", "train", "prps-st", "--expression", str(tmp_path / "cohort.tsv"), *common, "--out", str(tmp_path / "m.json")]
    )
    said = capsys.readouterr()
    assert "PRPS-ST of " in said.out
    assert "There are no labels, so nobody knows how many of these are right." in said.out
    assert "x not stable" in said.err
    cli.main(
        ["subtype", "apply", str(tmp_path / "m.json"), str(tmp_path / "new.tsv"), *common, "--out", str(tmp_path / "calls.tsv")]
    )
    assert "4 samples by m (prps): ABC 2, GCB 2" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.main(
            ["subtype", "train", "prps-st", "--expression", str(tmp_path / "new.tsv"), *common, "--out", str(tmp_path / "x.json")]
        )
    assert f"error: {tmp_path / 'new.tsv'}: 4 samples cannot teach themselves, 20 are needed." in capsys.readouterr().err
    assert not (tmp_path / "x.json").exists()


def test_a_cohort_is_called_by_the_model_of_another_one(tmp_path):
    prps_st_wright210.train(from_frame(expression(), "log2", platform="rnaseq")).write(tmp_path / "m.json")
    new = expression(4, seed=9)
    cohort = Cohort(
        facts={"build": "GRCh38", "expression_unit": "log2", "expression_platform": "rnaseq"},
        patients=pd.DataFrame({"patient_id": [f"P{name}" for name in new]}),
        samples=pd.DataFrame({"sample_id": list(new), "patient_id": [f"P{name}" for name in new]}).assign(material="tumour", timepoint="baseline", day=0.0),
        expression=new.rename_axis("gene").reset_index(),
    )  # fmt: skip
    settings = Subtype.model_validate({"models": [{"name": "elsewhere", "file": "m.json"}]}).below(tmp_path)
    found = classify_all(cohort, settings).subtypes
    assert found["method"].unique().tolist() == ["model:elsewhere"]
    assert found["subtype"].tolist() == ["ABC", "ABC", "GCB", "GCB"]
