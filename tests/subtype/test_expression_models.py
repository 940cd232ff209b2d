"""Trained models: what is stored, how other samples are brought to the scale, and what is refused, with the words."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from resistance.errors import InputError
from resistance.subtype.apply_model import Options, apply_model
from resistance.subtype.expression import Expression, from_frame
from resistance.subtype.model import read_model
from resistance.subtype.train_model import train_model

N_GENES, N = 80, 40
#: genes that are higher in ABC, and higher in GCB
HIGH, LOW = range(0, 10), range(10, 20)


def frame(seed=1, n=N, *, base=8.0, gain=1.0, missing=0.0):
    """Log2 values of N_GENES genes; the first half of the samples is ABC."""
    rng = np.random.default_rng(seed)
    means = np.random.default_rng(99).normal(base, 2, N_GENES)
    x = means[:, None] + rng.normal(0, 1, (N_GENES, n))
    abc = np.arange(n) < n // 2
    x[np.ix_(HIGH, abc)] += 2.5
    x[np.ix_(LOW, ~abc)] += 2.5
    x = x * gain
    x[rng.random(x.shape) < missing] = np.nan
    return pd.DataFrame(x, index=[f"GENE{i}" for i in range(N_GENES)], columns=[f"S{seed}_{j}" for j in range(n)])


def labels(table):
    return {name: "ABC" if j < table.shape[1] // 2 else "GCB" for j, name in enumerate(table.columns)}


def table(*args, platform="unspecified", **named):
    return from_frame(frame(*args, **named), "log2", platform=platform)


@pytest.fixture(scope="module")
def models():
    of = frame()
    return {
        (rule, scaling): train_model(from_frame(of, "log2"), labels(of), rule, n_genes=20, scaling=scaling, folds=0)
        for rule in ("lps", "prps")
        for scaling in ("none", "standardise", "reference_sample", "quantile")
    } | {("ps", "standardise"): train_model(from_frame(of, "log2"), labels(of), "ps", n_genes=20, folds=0)}


def agree(calls, of):
    return (calls.set_index("sample_id")["subtype"] == pd.Series(labels(of))).mean()


def test_the_genes_that_differ_are_found_and_their_sign_says_where_they_are_high(models):
    model = models["lps", "none"]
    sign = {gene: np.sign(w) for gene, w in zip(model.genes, model.trained.weight, strict=True)}
    assert sign == {f"GENE{i}": 1.0 for i in HIGH} | {f"GENE{i}": -1.0 for i in LOW}


def test_other_samples_are_called_by_every_rule_and_scaling(models):
    of = frame(2)
    for (rule, _), model in models.items():
        assert (
            agree(apply_model(model, from_frame(of, "log2"), Options(densities="training") if rule == "ps" else None), of) >= 0.9
        )


@pytest.mark.parametrize("scaling", ["reference_sample", "quantile"])
def test_a_platform_with_another_base_line_is_bridged_one_sample_at_a_time(models, scaling):
    shifted = frame(2) + 3.0
    model = models["lps", scaling]
    assert agree(apply_model(model, from_frame(shifted, "log2")), shifted) >= 0.95
    alone = from_frame(shifted.iloc[:, [0]], "log2")
    together = apply_model(model, from_frame(shifted, "log2"))
    assert apply_model(model, alone)["score"][0] == pytest.approx(together["score"][0], rel=1e-12)


def test_without_a_bridge_the_shifted_samples_are_off_the_scale_and_get_no_call(models):
    calls = apply_model(models["lps", "none"], from_frame(frame(2) * 1.5 + 6, "log2"))
    assert calls["subtype"].isna().all()
    assert calls["reason"].str.contains("off the model's scale").all()


@pytest.mark.parametrize("rule", ["lps", "prps"])
def test_standardising_the_new_cohort_bridges_shift_and_stretch_of_every_gene(models, rule):
    other = frame(2) * np.random.default_rng(3).uniform(0.5, 2, (N_GENES, 1)) + np.random.default_rng(4).normal(
        0, 5, (N_GENES, 1)
    )
    calls = apply_model(models[rule, "none"], from_frame(other, "log2"), Options(scaling="own"))
    assert agree(calls, other) >= 0.95
    assert calls["flags"].str.contains("standardised within these samples").all()


def test_scaling_numbers_come_from_the_training_samples_alone():
    of, other = frame(), frame(5) + 4
    both = pd.concat([of, other], axis=1)
    for scaling in ("none", "standardise", "reference_sample", "quantile"):
        alone = train_model(from_frame(of, "log2"), labels(of), n_genes=20, scaling=scaling, folds=0)
        among = train_model(from_frame(both, "log2"), labels(of), n_genes=20, scaling=scaling, folds=0)
        assert among.genes == alone.genes
        np.testing.assert_array_equal(among.scaling.reference, alone.scaling.reference)
        np.testing.assert_array_equal(among.trained.weight, alone.trained.weight)
        assert among.training["left_out"]["no label"] == N


def test_the_order_of_genes_and_samples_does_not_matter_beyond_ties():
    of = frame()
    mixed = of.sample(frac=1, axis=0, random_state=1).sample(frac=1, axis=1, random_state=2)
    one, two = (train_model(from_frame(x, "log2"), labels(of), n_genes=20, folds=0) for x in (of, mixed))
    assert set(one.genes) == set(two.genes)
    first = apply_model(one, table(2)).set_index("sample_id")["score"]
    np.testing.assert_allclose(apply_model(two, table(2)).set_index("sample_id")["score"], first, rtol=1e-9)


def test_turning_the_classes_round_turns_the_scores_round():
    of = frame()
    one = train_model(from_frame(of, "log2"), labels(of), n_genes=20, folds=0)
    two = train_model(from_frame(of, "log2"), labels(of), n_genes=20, classes=("GCB", "ABC"), folds=0)
    a, b = (apply_model(model, table(2)) for model in (one, two))
    np.testing.assert_allclose(a["score"], -b["score"], rtol=1e-9)
    assert a["subtype"].tolist() == b["subtype"].tolist()


def test_the_same_input_gives_the_same_bytes(tmp_path):
    of = frame()
    text = [train_model(from_frame(of, "log2"), labels(of), n_genes=20, folds=4, seed=3).to_json() for _ in range(2)]
    assert text[0] == text[1]
    assert (
        train_model(from_frame(of, "log2"), labels(of), n_genes=20, folds=4, seed=4).training["digest"]
        == json.loads(text[0])["training"]["digest"]
    )


def test_the_digest_follows_values_labels_and_names():
    of = frame()
    changed = of.copy()
    changed.iloc[70, 0] += 1e-9
    other = labels(of) | {of.columns[0]: "GCB"}
    digests = {
        train_model(from_frame(x, "log2"), y, n_genes=5, folds=0).training["digest"]
        for x, y in ((of, labels(of)), (changed, labels(of)), (of, other), (of.rename(index={"GENE70": "X"}), labels(of)))
    }
    assert len(digests) == 4


def test_samples_left_out_in_turn_show_no_skill_where_there_is_none():
    rng = np.random.default_rng(0)
    of = pd.DataFrame(rng.normal(8, 1, (400, 60)), index=[f"G{i}" for i in range(400)], columns=[f"S{j}" for j in range(60)])
    found = train_model(from_frame(of, "log2"), labels(of), folds=5).training
    assert found["apparent"]["right"] >= 55  # chance, fitted
    crossed = found["cross_validated"]
    assert abs(crossed["right"] - crossed["wrong"]) <= 20


def test_counts_become_log2_per_million_whatever_the_depth():
    rng = np.random.default_rng(8)
    mean = 2 ** frame() * rng.uniform(0.2, 5, (1, N))
    counts = pd.DataFrame(rng.poisson(mean), index=mean.index, columns=mean.columns).astype(float)
    model = train_model(from_frame(counts, "counts", platform="rnaseq"), labels(counts), n_genes=20, folds=0)
    assert set(model.genes) == {f"GENE{i}" for i in (*HIGH, *LOW)}
    deeper = from_frame(counts * 7, "counts", platform="rnaseq")
    np.testing.assert_allclose(
        apply_model(model, deeper)["score"],
        apply_model(model, from_frame(counts, "counts", platform="rnaseq"))["score"],
        rtol=1e-9,
    )


# --- what is missing -------------------------------------------------------------------------------------------------


def test_missing_genes_are_named_with_the_share_of_the_weight_and_the_call_stays_below_the_limit(models):
    model = models["lps", "standardise"]
    lost = model.genes[:2]
    share = np.abs(model.trained.weight[:2]).sum() / np.abs(model.trained.weight).sum()
    calls = apply_model(model, from_frame(frame(2).drop(index=list(lost)), "log2"))
    assert calls["features_missing"].tolist() == [";".join(lost)] * N
    np.testing.assert_allclose(calls["weight_missing"], share)
    assert calls["subtype"].notna().all()
    assert calls["reason"].str.contains(f"{share:.1%} of the weight is missing .2 genes.", regex=True).all()
    assert set(calls["features_used"]) == {18}


def test_above_the_limit_there_is_no_call_and_the_genes_are_named(models):
    model = models["lps", "standardise"]
    lost = list(model.genes[:8])
    calls = apply_model(model, from_frame(frame(2).drop(index=lost), "log2"))
    assert calls["subtype"].isna().all()
    assert calls["probability"].isna().all()
    assert calls["reason"].str.match(r"no call: 8 genes with 4\d\.\d% of the score's weight are missing, 20% are allowed").all()
    assert all(gene in calls["reason"][0] for gene in lost)
    allowed = apply_model(model, from_frame(frame(2).drop(index=lost), "log2"), Options(max_weight_missing=0.5))
    assert allowed["subtype"].notna().all()


def test_a_missing_value_counts_as_the_middle_of_the_classes_where_values_lie_far_from_0(models):
    """Left out of the sum it would count as 0; where a gene's mean is 8, that is a shift by weight times 8."""
    model = models["lps", "none"]
    gene, weight = model.genes[0], model.trained.weight[0]
    middle = (model.trained.mean_1[0] + model.trained.mean_0[0]) / 2
    of = frame(2)
    whole = apply_model(model, from_frame(of, "log2"))["score"]
    without = apply_model(model, from_frame(of.drop(index=gene), "log2"))
    np.testing.assert_allclose(without["score"], whole - weight * (of.loc[gene].to_numpy() - middle), rtol=1e-9)
    assert agree(without, of) >= 0.9


def test_around_0_a_missing_value_is_left_out_as_published(models):
    model = models["lps", "standardise"]
    gene, weight = model.genes[0], model.trained.weight[0]
    of = frame(2)
    z = (of.loc[gene] - model.scaling.reference[0]) / model.scaling.spread[0]
    whole = apply_model(model, from_frame(of, "log2"))["score"]
    np.testing.assert_allclose(
        apply_model(model, from_frame(of.drop(index=gene), "log2"))["score"], whole - weight * z.to_numpy(), rtol=1e-9
    )


def test_missing_values_here_and_there_do_not_cost_the_calls(models):
    of = frame(2, missing=0.1)
    for key, model in models.items():
        calls = apply_model(model, from_frame(of, "log2"), Options(densities="training"))
        assert agree(calls, of) >= 0.85, key


def test_one_samples_missing_values_concern_that_sample_alone(models):
    model = models["lps", "standardise"]
    of = frame(2)
    of.loc[list(model.genes[:6]), of.columns[0]] = np.nan
    of.loc[list(model.genes[:14]), of.columns[1]] = np.nan
    calls = apply_model(model, from_frame(of, "log2"))
    assert "% of the weight not measured" in calls["flags"][0]
    assert calls["subtype"][0] == "ABC"
    assert pd.isna(calls["subtype"][1])
    assert "is not measured in this sample, 50% are allowed" in calls["reason"][1]
    assert calls["subtype"][2:].notna().all()


def test_a_sample_without_any_value_gets_a_row_and_a_reason(models):
    of = frame(2)
    of.iloc[:, 3] = np.nan
    calls = apply_model(models["lps", "standardise"], from_frame(of, "log2"))
    assert len(calls) == N
    assert calls["reason"][3] == "no value at all"
    assert pd.isna(calls["subtype"][3])


def test_names_with_versions_and_older_symbols_find_their_gene():
    of = frame().rename(index={"GENE0": "IRF4", "GENE10": "RAB29", "GENE11": "MME"})
    model = train_model(from_frame(of, "log2"), labels(of), n_genes=20, folds=0)
    other = frame(2).rename(index={"GENE0": "ENSG00000137265.15", "GENE10": "RAB7L1", "GENE11": "MME"})
    calls = apply_model(model, from_frame(other, "log2"))
    assert calls["features_missing"].isna().all()
    assert calls["reason"].str.contains("names resolved: .*RAB7L1 = RAB29").all()
    same = apply_model(model, from_frame(frame(2).rename(index={"GENE0": "IRF4", "GENE10": "RAB29", "GENE11": "MME"}), "log2"))
    np.testing.assert_array_equal(calls["score"], same["score"])


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda of, y: (of, dict.fromkeys(y, "ABC")), "two classes are needed, and the labels have 1"),
        (lambda of, y: (of, y | {of.columns[0]: "PMBL"}), "two classes are needed, and the labels have 3"),
        (lambda of, y: (of, {f"X{k}": v for k, v in y.items()}), "no sample has both expression and a label"),
        (
            lambda of, y: (of, {k: v for k, v in y.items() if v == "ABC"} | {of.columns[-1]: "GCB"}),
            "1 samples of the class, at least 3",
        ),
        (lambda of, y: (of * 0 + np.arange(len(of))[:, None] / 10, y), "no gene varies between and within the classes"),
        (lambda of, y: (of.assign(**{of.columns[2]: np.nan}), y), "have nothing to learn from: S1_2 .no value at all."),
    ],
)
def test_what_cannot_be_trained_on_is_refused(change, message):
    of = frame()
    given, y = change(of, labels(of))
    with pytest.raises(InputError, match=message):
        train_model(from_frame(given, "log2"), y, n_genes=10, folds=0)


def test_other_classes_and_open_labels_are_left_out_and_counted():
    of = frame()
    y = labels(of) | {of.columns[0]: "PMBL", of.columns[1]: "UNCLASSIFIED", of.columns[2]: None, "ELSEWHERE": "ABC"}
    model = train_model(from_frame(of, "log2"), y, n_genes=10, classes=("ABC", "GCB"), folds=0)
    assert model.training["left_out"] == {
        "label without a class": 2, "other class": 1, "label of a sample without expression": 1,
    }  # fmt: skip
    assert model.training["samples"] == {"ABC": 17, "GCB": 20}


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"rule": "svm"}, "is no rule. There are: lps, ps, prps"),
        ({"scaling": "combat"}, "is no scaling. There are: none, standardise"),
        ({"cut": 1.5}, "a cut is a probability"),
        ({"genes": ["GENE1", "NOPE"]}, "1 of the genes to train on are not in the table: NOPE"),
        ({"classes": ("ABC",)}, "two different classes are needed"),
    ],
)
def test_options_that_mean_nothing_are_refused(named, message):
    of = frame()
    with pytest.raises(InputError, match=message):
        train_model(from_frame(of, "log2"), labels(of), folds=0, **named)


@pytest.mark.parametrize("scaling", ["reference_sample", "quantile"])
def test_without_steady_genes_a_sample_cannot_be_scaled_as_a_whole(scaling):
    of = frame().iloc[:35]
    with pytest.raises(InputError, match=r"steady genes to scale by, 20 are needed.*Train on the whole transcriptome"):
        train_model(from_frame(of, "log2"), labels(of), n_genes=20, scaling=scaling, folds=0)


@pytest.mark.parametrize("scaling", ["reference_sample", "quantile"])
def test_some_missing_values_in_every_gene_leave_steady_genes(scaling):
    of = frame(missing=0.05)
    model = train_model(from_frame(of, "log2"), labels(of), n_genes=20, scaling=scaling, folds=0)
    assert len(model.scaling.genes) > 40
    assert agree(apply_model(model, from_frame(frame(2, missing=0.05) + 2, "log2")), frame(2)) >= 0.9


def test_given_genes_are_taken_in_their_order():
    of = frame()
    assert train_model(from_frame(of, "log2"), labels(of), genes=["GENE12", "GENE3"], folds=0).genes == ("GENE12", "GENE3")


def test_another_platform_or_unit_is_refused_unless_something_bridges_the_two():
    of = frame()
    model = train_model(from_frame(of, "log2", platform="affymetrix"), labels(of), n_genes=20, folds=0)
    with pytest.raises(
        InputError, match=r"was trained on platform affymetrix, these are rnaseq, and nothing bridges the two.*scaling 'own'"
    ):
        apply_model(model, table(2, platform="rnaseq"))
    assert apply_model(model, table(2, platform="rnaseq"), Options(scaling="own"))["subtype"].notna().all()
    assert apply_model(model, table(2, platform="affymetrix"))["flags"].isna().all()
    assert (apply_model(model, table(2))["flags"] == "platform not stated").all()
    bridged = train_model(from_frame(of, "log2", platform="affymetrix"), labels(of), n_genes=20, scaling="quantile", folds=0)
    assert (apply_model(bridged, table(2, platform="rnaseq"))["flags"] == "trained on affymetrix").all()


@pytest.mark.parametrize(
    ("key", "options", "n", "message"),
    [
        (("lps", "none"), Options(scaling="own"), 9, "9 samples cannot be standardised by themselves, 10 are needed"),
        (("ps", "standardise"), Options(), 4, "4 samples cannot be standardised by themselves.*'training'"),
        (("lps", "quantile"), Options(scaling="own"), 20, "scales by quantile: samples cannot be standardised"),
        (("lps", "none"), Options(densities="sign"), 20, "0 is no border of LPS"),
        (("lps", "none"), Options(scaling="zscore"), 20, "scaling is 'model' or 'own'"),
    ],
)
def test_what_a_model_cannot_follow_is_refused(models, key, options, n, message):
    with pytest.raises(InputError, match=message):
        apply_model(models[key], from_frame(frame(2).iloc[:, 15 : 15 + n], "log2"), options)


def test_scores_of_one_sign_give_no_distributions(models):
    only = from_frame(frame(2).iloc[:, :15], "log2")
    with pytest.raises(InputError, match=r"15 scores are above 0 and 0 below: no distributions"):
        apply_model(models["prps", "none"], only, Options(densities="sign"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "not readable as JSON"),
        (lambda text: text[: len(text) // 2], "not readable as JSON"),
        (lambda text: "[1]", "is no expression model"),
        (lambda text: text.replace('"version": 1', '"version": 9'), "another version"),
        (lambda text: text.replace('"cut": 0.9', '"cut": 0.6'), "changed after it was written, or is cut off"),
    ],
)
def test_a_damaged_model_is_refused(models, tmp_path, change, message):
    path = tmp_path / "model.json"
    path.write_text(change(models["lps", "none"].to_json()), encoding="utf-8")
    with pytest.raises(InputError, match=message) as error:
        read_model(path)
    assert str(path) in str(error.value)


def test_a_missing_model_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match=r"the model is missing. `resistance subtype train` writes one"):
        read_model(tmp_path / "none.json")


def test_every_row_has_a_reason_and_no_number_where_there_is_no_call(models):
    of = frame(2, missing=0.4)
    calls = apply_model(models["lps", "standardise"], from_frame(of, "log2"))
    assert calls["reason"].str.len().gt(10).all()
    assert calls.loc[calls["subtype"].isna(), ["probability", "probabilities"]].isna().all(axis=None)


def test_expression_is_not_changed_by_being_used(models):
    of = from_frame(frame(2), "log2")
    before = of.values.copy()
    apply_model(models["lps", "quantile"], of)
    train_model(Expression(of.genes, of.samples, of.values, "log2"), labels(frame(2)), n_genes=5, folds=3)
    np.testing.assert_array_equal(before, of.values)


def test_one_platform_written_in_two_ways_is_one():
    trained = train_model(from_frame(frame(), "log2", platform="RNA-seq"), labels(frame()), "lps", name="coo")
    calls = apply_model(trained, from_frame(frame(2), "log2", platform="rnaseq"))
    assert calls["subtype"].notna().any()
    assert not calls["flags"].fillna("").str.contains("trained on").any()
