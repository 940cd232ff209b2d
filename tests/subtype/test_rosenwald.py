"""LPS, PS and PRPS trained on 40 patients of Rosenwald 2002 and applied to 20: every value of the reference, sample by sample."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from resistance.stats.welch_t import first_by_fdr, welch_t
from resistance.subtype.apply_model import Options, apply_model
from resistance.subtype.expression import from_frame
from resistance.subtype.model import read_model
from resistance.subtype.rules import rule_of
from resistance.subtype.train_model import train_model

pytestmark = pytest.mark.shared

#: means and standard deviations of ABC and GCB, as the facts give them (digits as there)
DISTRIBUTIONS = {
    "lps": ((372.6879169, 119.7825202, -321.0159226, 156.9680251), 1e-7),
    "prps": ((365.5507, 125.9377, -503.7345, 178.3519), 1e-4),
    "ps": ((0.8126, 0.1693, -0.7523, 0.2277), 1e-4),
}


@pytest.fixture(scope="module")
def rosenwald(shared):
    folder = shared / "cohorts/rosenwald_2002"
    table = pd.read_csv(folder / "rosenwald.expr.tsv", sep="\t", index_col=0)
    clinic = pd.read_csv(folder / "rosenwald.cli.tsv", sep="\t", index_col=0)
    training = clinic.index[clinic["set"] == "Training"]
    validation = clinic.index[clinic["set"] == "Validation"]
    assert (len(training), len(validation), table.shape) == (40, 20, (7399, 60))
    return (
        from_frame(table[training], "log2", platform="lymphochip"),
        from_frame(table[validation], "log2", platform="lymphochip"),
        clinic["group"],
    )


@pytest.fixture(scope="module")
def models(rosenwald):
    training, _, group = rosenwald
    return {rule: train_model(training, group.to_dict(), rule, folds=0) for rule in DISTRIBUTIONS}


@pytest.fixture(scope="module")
def truth(shared):
    folder = shared / "truth/coo/lps_rosenwald"
    return lambda name: pd.read_csv(folder / name, sep="\t", index_col=0)


def test_the_hundred_genes_their_t_p_and_fdr_are_those_of_the_reference(rosenwald, truth):
    training, _, group = rosenwald
    expected = truth("LPS_top100_weights.tsv")
    found = welch_t(training.values, [group[sample] == "ABC" for sample in training.samples])
    first = first_by_fdr(found, 100)
    assert [int(training.genes[i]) for i in first] == list(expected.index)
    np.testing.assert_allclose(found.t[first], expected["tValue"], rtol=1e-12)
    np.testing.assert_allclose(found.p_value[first], expected["pValue"], rtol=1e-11)
    np.testing.assert_allclose(found.q_value[first], expected["FDR"], rtol=1e-11)


@pytest.mark.parametrize("rule", DISTRIBUTIONS)
def test_genes_and_weights_of_the_model_are_those_of_the_reference(models, truth, rule):
    expected = truth("LPS_top100_weights.tsv")
    assert [int(gene) for gene in models[rule].genes] == list(expected.index)
    np.testing.assert_allclose(models[rule].trained.weight, expected["tValue"], rtol=1e-12)
    np.testing.assert_allclose(models[rule].p_value, expected["pValue"], rtol=1e-11)
    np.testing.assert_allclose(models[rule].q_value, expected["FDR"], rtol=1e-11)


@pytest.mark.parametrize("rule", DISTRIBUTIONS)
def test_distributions_of_the_training_scores(models, rule):
    expected, within = DISTRIBUTIONS[rule]
    normals = models[rule].normals
    np.testing.assert_allclose((normals.mean_1, normals.sd_1, normals.mean_0, normals.sd_0), expected, atol=within / 2 * 1.001)


@pytest.mark.parametrize("part", ["training40", "validation20"])
@pytest.mark.parametrize("rule", DISTRIBUTIONS)
def test_every_score_probability_and_class_is_that_of_the_reference(rosenwald, models, truth, rule, part):
    """As published: LPS and PRPS with the training set's numbers; PS standardises each cohort, and the training set has labels."""
    training, validation, _ = rosenwald
    expected = truth(f"expected_{rule.upper()}_{part}.tsv")
    table = training if part == "training40" else validation
    options = Options(densities="training") if part == "training40" else Options()
    calls = apply_model(models[rule], table, options).set_index("sample_id").loc[expected.index]
    upper = rule.upper()
    np.testing.assert_allclose(calls["score"], expected[f"{upper}_score"], rtol=0, atol=1e-9)
    called = expected[f"{upper}_class"].replace("UNCLASS", "UNCLASSIFIED")
    assert list(calls["subtype"]) == list(called)
    p_1, p_0 = expected[f"{upper}_prob_test"], expected[f"{upper}_prob_ref"]
    of_call = np.where(called == "ABC", p_1, np.where(called == "GCB", p_0, np.maximum(p_1, p_0)))
    np.testing.assert_allclose(calls["probability"], of_call, rtol=0, atol=1e-9)
    shown = calls["probabilities"].str.extract(r"ABC=(?P<ABC>[^;]+);GCB=(?P<GCB>.+)").astype(float)
    np.testing.assert_allclose(shown["ABC"], p_1, rtol=0, atol=5.1e-5)  # the column has four digits
    np.testing.assert_allclose(shown["GCB"], p_0, rtol=0, atol=5.1e-5)
    if part == "training40":
        normals = models[rule].normals
        np.testing.assert_allclose(normals.probability(calls["score"]), p_1, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(normals.probability_0(calls["score"]), p_0, rtol=1e-8, atol=1e-12)
    if f"{upper}_class0" in expected:  # the natural border
        assert list(np.where(calls["score"] > 0, "ABC", "GCB")) == list(expected[f"{upper}_class0"])
    truth_column = "truth" if "truth" in expected else "true_class"
    assert set(expected[truth_column]) == {"ABC", "GCB"}


def test_the_small_probabilities_are_right_to_the_last_digits_too(rosenwald, models, truth):
    _, validation, _ = rosenwald
    for rule in ("lps", "prps"):
        expected = truth(f"expected_{rule.upper()}_validation20.tsv")
        score = apply_model(models[rule], validation).set_index("sample_id").loc[expected.index, "score"]
        normals = models[rule].normals
        np.testing.assert_allclose(normals.probability(score), expected[f"{rule.upper()}_prob_test"], rtol=1e-8, atol=0)
        np.testing.assert_allclose(normals.probability_0(score), expected[f"{rule.upper()}_prob_ref"], rtol=1e-8, atol=0)


def test_validation_gives_six_abc_thirteen_gcb_and_one_unclassified_none_of_them_wrong(rosenwald, models):
    _, validation, group = rosenwald
    calls = apply_model(models["lps"], validation).set_index("sample_id")["subtype"]
    assert calls.value_counts().to_dict() == {"GCB": 13, "ABC": 6, "UNCLASSIFIED": 1}
    definite = calls[calls != "UNCLASSIFIED"]
    assert (definite == group[definite.index]).all()


def test_the_training_table_says_22_gcb_16_abc_and_one_open_of_each(models):
    apparent = models["lps"].training["apparent"]["table"]
    assert apparent == {"ABC": {"ABC": 16, "GCB": 0, "UNCLASSIFIED": 1}, "GCB": {"ABC": 0, "GCB": 22, "UNCLASSIFIED": 1}}


def test_a_model_that_was_written_and_read_gives_the_same_calls(rosenwald, models, tmp_path):
    _, validation, _ = rosenwald
    for rule, model in models.items():
        path = tmp_path / f"{rule}.json"
        model.write(path)
        again = read_model(path)
        assert again.to_json() == model.to_json()
        pd.testing.assert_frame_equal(apply_model(again, validation), apply_model(model, validation), check_exact=True)
        assert path.stat().st_size < 60_000


@pytest.mark.parametrize("rule", ["lps", "prps"])
def test_one_sample_alone_has_the_score_it_has_in_company(rosenwald, models, rule):
    _, validation, _ = rosenwald
    together = apply_model(models[rule], validation).set_index("sample_id")
    for sample in validation.samples[:4]:
        alone = apply_model(models[rule], validation.select([sample]))
        assert alone["score"][0] == pytest.approx(together["score"][sample], abs=1e-9)
        assert alone["subtype"][0] == together["subtype"][sample]


def test_left_out_samples_are_called_about_as_well_as_the_validation_set(rosenwald):
    training, _, group = rosenwald
    found = train_model(training, group.to_dict(), "lps", folds=5, seed=1).training["cross_validated"]
    assert found["right"] + found["wrong"] + found["unclassified"] == 40
    assert found["wrong"] <= 2
    assert found["right"] >= 34


@pytest.mark.parametrize("scaling", ["standardise", "reference_sample", "quantile"])
def test_each_scaling_calls_at_most_one_of_the_validation_set_wrong(rosenwald, scaling):
    training, validation, group = rosenwald
    model = train_model(training, group.to_dict(), "lps", scaling=scaling, folds=0)
    calls = apply_model(model, validation).set_index("sample_id")["subtype"]
    definite = calls[calls.isin(["ABC", "GCB"])]
    assert len(definite) >= 17
    assert (definite != group[definite.index]).sum() <= 1  # LYM079, which all three rules as published leave open


def test_rules_say_how_they_were_published():
    assert (rule_of("ps").apply_scaling, rule_of("ps").densities) == ("own", "sign")
    assert (rule_of("lps").apply_scaling, rule_of("lps").densities) == ("model", "training")
