"""Published weights and gene sets: every number and name, what comes out on TCGA, when there is a class and when only a score."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from resistance.cohort import Cohort
from resistance.config import Subtype
from resistance.errors import InputError
from resistance.subtype import lps_dhitsig104, lps_wright210, prps_st_wright210
from resistance.subtype.classify import classify_all
from resistance.subtype.expression import from_frame
from resistance.subtype.expression_scores import score_expression, score_names
from resistance.subtype.genes import current_symbol, signature_aliases
from resistance.subtype.published import load_published, load_scores

WRIGHT = load_published()["lps_wright210"]


def cohort_frame(n=60, share=0.5, distance=2.0, seed=1):
    """Log2 expression of Wright's genes: the first part of the samples is ABC, the others GCB."""
    rng = np.random.default_rng(seed)
    genes = list(WRIGHT.weights)
    x = rng.normal(8, 1, (len(genes), n))
    abc = np.arange(n) < share * n
    sign = np.sign(list(WRIGHT.weights.values()))
    x += distance * (sign[:, None] * np.where(abc, 0.5, -0.5)[None, :])
    return pd.DataFrame(x, index=genes, columns=[f"S{j}" for j in range(n)]), abc


def as_cohort(frame, unit="log2", platform="rnaseq"):
    names = list(frame.columns)
    return Cohort(
        facts={"build": "GRCh38", "expression_unit": unit, "expression_platform": platform},
        patients=pd.DataFrame({"patient_id": [*(f"P{name}" for name in names), "PX"]}),
        samples=pd.DataFrame(
            [(name, f"P{name}", "tumour", "baseline", 0.0) for name in names],
            columns=["sample_id", "patient_id", "material", "timepoint", "day"],
        ),
        expression=frame.rename_axis("gene").reset_index(),
    )


# --- the tables ------------------------------------------------------------------------------------------------------


@pytest.mark.shared
def test_every_weight_of_wright_is_the_published_one(shared):
    expected = pd.read_csv(shared / "truth/coo/lps_rosenwald/WrightGenesWithWeights.txt", sep="\t")
    assert len(expected) == len(WRIGHT.weights) == 210
    by_id = {current_symbol(row.EnsemblGeneID): row.Weight_tValue for row in expected.itertuples()}
    assert by_id == dict(WRIGHT.weights)
    assert {current_symbol(row.GeneName): row.Weight_tValue for row in expected.itertuples()} == dict(WRIGHT.weights)


@pytest.mark.shared
def test_every_gene_of_the_shorter_list_is_known_too(shared):
    listed = pd.read_csv(shared / "truth/coo/lps_rosenwald/WrightCOO.tsv", sep="\t")
    outside = [row.Gene for row in listed.itertuples() if current_symbol(row.id) not in WRIGHT.weights]
    assert outside == [
        "RBFOX2",
        "FAM53B",
        "ASAP3",
    ]  # other Ensembl ids than in the list of weights, and one gene without a weight


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "name", "weight"),
    [
        ("DHITsigGenesWithWeights.txt", "GeneName", "ImportanceScore"),
        ("DHITsigGenesWithWeights.txt", "ensembl_gene_id", "ImportanceScore"),
        ("DHITsig.tsv", "name", "value"),
        ("DHITsigENSG.tsv", "name", "value"),
    ],
)
def test_every_weight_of_dhitsig_is_the_published_one_under_each_of_its_names(shared, file, name, weight):
    expected = pd.read_csv(shared / f"truth/coo/lps_rosenwald/{file}", sep="\t")
    found = load_published()["lps_dhitsig104"].weights
    assert len(expected) == len(found) == 104
    for gene, value in zip(expected[name], expected[weight], strict=True):
        assert found[current_symbol(gene)] == pytest.approx(value, abs=5e-10)


def test_no_name_leads_to_two_genes_and_none_is_somebody_elses_current_symbol():
    aliases = signature_aliases()  # raises where a name leads to two
    symbols = {gene for of in load_published().values() for gene in of.weights}
    assert not [name for name in aliases if name in symbols and aliases[name] != name]


def test_every_score_names_its_source_and_what_was_not_read_is_not_verified():
    scores = load_scores()
    assert set(scores) >= {"nfkb", "irf4", "wnt", "proliferation", "nk_cell", "t_cell", "dark_zone"}
    for of in scores.values():
        assert of.source
        assert of.licence
        assert of.verified or "not read in its source" in of.note
    assert [name for name, of in scores.items() if not of.verified] == ["nfkb_myeloma"]
    sizes = {name: len(of.weights) for name, of in scores.items()}
    # as MSigDB 7.0 and MCP-counter count them (of MCP-counter's 16 T-cell genes one has no symbol)
    assert sizes["nfkb"] == 200
    assert sizes["wnt"] == 42
    assert sizes["irf4"] == 36
    assert (sizes["nk_cell"], sizes["t_cell"], sizes["dark_zone"]) == (9, 15, 28)
    assert {"IRF4", "MYC", "PRDM1", "SLAMF7"} <= set(scores["irf4"].weights)


def test_the_dark_zone_score_has_the_signs_of_the_fitted_coefficients():
    dark = load_scores()["dark_zone"].weights
    assert dict(dark) == dict(load_published()["rnaseq_dzsig28"].weights)


# --- weights on a cohort ---------------------------------------------------------------------------------------------


def test_two_groups_are_called_by_the_direction_of_the_weights():
    frame, abc = cohort_frame()
    calls = lps_wright210.classify_table(frame, platform="rnaseq").set_index("sample_id")
    assert (calls["subtype"] == np.where(abc, "ABC", "GCB")).mean() >= 0.95
    assert calls["flags"].str.contains("unvalidated on RNA-seq;standardised within these samples").all()
    assert calls["reason"].str.contains("classes by a mixture of this cohort's scores").all()


def test_the_score_is_the_sum_of_t_times_z():
    frame, _ = cohort_frame(30)
    z = frame.sub(frame.mean(axis=1), axis=0).div(frame.std(axis=1, ddof=1), axis=0)
    expected = z.mul(pd.Series(dict(WRIGHT.weights)), axis=0).sum()
    found = lps_wright210.classify_table(frame).set_index("sample_id")["score"]
    np.testing.assert_allclose(found[expected.index], expected, rtol=1e-10)


def test_a_cohort_of_one_class_gets_scores_and_no_class():
    frame, _ = cohort_frame(60, share=1.0)
    calls = lps_wright210.classify_table(frame)
    assert calls["subtype"].isna().all()
    assert calls["score"].notna().all()
    assert calls["reason"].str.contains("and no class: ").all()


def test_ten_samples_are_the_least():
    frame, _ = cohort_frame(9)
    with pytest.raises(
        InputError, match=r"9 samples cannot be standardised by themselves, 10 are needed.*resistance subtype train"
    ):
        lps_wright210.classify_table(frame)


def test_twelve_samples_have_a_score_and_the_reason_says_how_many_a_class_needs():
    frame, _ = cohort_frame(12)
    assert (lps_wright210.classify_table(frame)["reason"].str.endswith("12 scores, fewer than 20")).all()


def test_too_many_missing_genes_are_refused_by_name_and_share():
    frame, _ = cohort_frame(30)
    size = np.abs(list(WRIGHT.weights.values()))
    share = f"{100 * size[:60].sum() / size.sum():.1f}%"
    with pytest.raises(
        InputError, match=f"60 genes with {share} of the score's weight are missing, 20% are allowed .MME, SERPINA9"
    ):
        lps_wright210.classify_table(frame.drop(index=list(WRIGHT.weights)[:60]))
    assert (
        lps_wright210.classify_table(frame.drop(index=list(WRIGHT.weights)[:60]), max_weight_missing=0.6)["score"].notna().all()
    )


def test_a_gene_that_does_not_vary_counts_as_missing():
    frame, _ = cohort_frame(30)
    frame.loc["MME"] = 3.0
    calls = lps_wright210.classify_table(frame)
    assert (calls["features_missing"] == "MME").all()


def test_a_cohort_keeps_every_patient_and_the_scores_become_measurements():
    frame, _ = cohort_frame()
    settings = Subtype.model_validate({"methods": ["lps_wright210"], "scores": ["irf4", "nk_cell"]})
    cohort = as_cohort(frame)
    found = classify_all(cohort, settings)
    assert found.subtypes["patient_id"].tolist() == cohort.patients["patient_id"].tolist()
    last = found.subtypes.iloc[-1]
    assert pd.isna(last["subtype"])
    assert last["reason"] == "no expression of the patient"
    assert set(found.scores["name"]) == {"lps_wright210", "irf4", "nk_cell"}
    value = cohort.with_scores(found.scores).measurements
    assert set(value["name"]) == {"lps_wright210"}  # the others have too few of their genes here: no value, a note
    notes = found.scores[found.scores["name"] == "nk_cell"]["note"]
    assert notes.str.contains("9 genes with 100.0% of the score's weight are missing").all()


@pytest.mark.parametrize("module", [lps_wright210, prps_st_wright210])
def test_a_table_in_small_letters_has_the_same_calls_and_says_what_was_resolved(module):
    frame, _ = cohort_frame()
    plain, small = module.classify_table(frame), module.classify_table(frame.rename(index=str.lower))
    compared = ["sample_id", "subtype", "score", "probability", "features_used", "features_missing", "flags"]
    pd.testing.assert_frame_equal(small[compared], plain[compared])
    first = next(iter(WRIGHT.weights))
    assert small["reason"].str.contains(f"; names resolved: {first.lower()} = {first}, ", regex=False).all()
    assert not plain["reason"].str.contains("names resolved").any()
    scores = score_expression(from_frame(frame.rename(index=str.lower), "log2"), ["irf4"], max_weight_missing=1)
    assert (
        scores["value"].tolist() == score_expression(from_frame(frame, "log2"), ["irf4"], max_weight_missing=1)["value"].tolist()
    )
    assert scores["note"].str.contains("names resolved: ").all()


def test_a_mouse_cohort_keeps_every_patient_and_score_with_the_reason_and_no_number():
    frame, _ = cohort_frame(12)
    mouse = frame.rename(index=str.capitalize)
    settings = Subtype.model_validate({"methods": ["lps_wright210"], "scores": ["nfkb", "nk_cell"]})
    found = classify_all(as_cohort(mouse), settings)
    assert found.subtypes["subtype"].isna().all()
    assert len(found.subtypes) == 13
    assert found.subtypes["reason"].str.startswith("no call: the symbols look like mouse (").all()
    assert found.scores.groupby("name").size().to_dict() == {"nfkb": 12, "nk_cell": 12}
    assert found.scores["value"].isna().all()
    assert found.scores["note"].str.startswith("the symbols look like mouse (").all()
    with pytest.raises(InputError, match="the symbols look like mouse"):
        lps_wright210.classify_table(mouse)


def test_a_cohort_without_expression_says_so():
    frame, _ = cohort_frame(12)
    cohort = as_cohort(frame)
    bare = Cohort(facts=cohort.facts, patients=cohort.patients, samples=cohort.samples)
    found = classify_all(bare, Subtype.model_validate({"methods": ["lps_wright210", "rnaseq_coo21"], "scores": ["all"]}))
    assert found.subtypes["reason"].eq("no expression table in the cohort").all()
    assert found.scores.empty


def test_a_saved_model_is_a_method_of_the_cohort(tmp_path):
    from resistance.subtype.train_model import train_model

    frame, abc = cohort_frame()
    labels = dict(zip(frame.columns, np.where(abc, "ABC", "GCB"), strict=True))
    train_model(from_frame(frame, "log2", platform="rnaseq"), labels, n_genes=30, folds=0).write(tmp_path / "m.json")
    settings = Subtype.model_validate({"models": [{"name": "own", "file": "m.json"}]})
    found = classify_all(as_cohort(frame), settings.below(tmp_path))
    assert set(found.subtypes["method"]) == {"model:own"}
    assert found.subtypes["kind"].eq("cell_of_origin").all()
    assert (found.subtypes["subtype"][:60] == list(labels.values())).mean() > 0.9
    other = classify_all(as_cohort(frame, platform="array"), settings.below(tmp_path))
    assert other.subtypes["reason"].str.startswith("no call: the model was trained on platform rnaseq, these are array").all()
    gone = Subtype.model_validate({"models": [{"name": "own", "file": "missing.json"}]})
    with pytest.raises(InputError, match=r"missing.json: the model is missing"):
        classify_all(as_cohort(frame), gone.below(tmp_path))


# --- scores ----------------------------------------------------------------------------------------------------------


@pytest.mark.shared
def test_tcga_has_a_score_for_all_28_by_both_weights_and_all_gene_sets(shared):
    frame = pd.read_csv(shared / "cohorts/tcga_dlbc/Test_DLBC_mRNA.txt", sep="\t", index_col=0)
    assert frame.shape == (17572, 28)
    for module in (lps_wright210, lps_dhitsig104):
        calls = module.classify_table(frame, platform="rnaseq")
        assert len(calls) == 28
        assert calls["score"].notna().all()
        assert (calls["weight_missing"] < 0.25).all()
        assert calls["flags"].str.contains("unvalidated on RNA-seq").all()
        # an older table: symbols of 2013 (PHF16, SEPX1, C13orf18 ...) lead to the genes all the same
        assert "JADE3" not in calls["features_missing"][0]
    scores = score_expression(from_frame(frame, "log2"))
    wide = scores.pivot_table(index="sample_id", columns="name", values="value")
    assert wide.shape == (28, len(load_scores()))
    assert (wide.notna().sum() >= 25).all()
    # what must go together in any lymphoma
    assert wide[["t_cell", "cytotoxic"]].corr().iloc[0, 1] > 0.3
    assert wide[["proliferation", "proliferation_myeloma"]].corr().iloc[0, 1] > 0.7
    irf4 = frame.loc["IRF4"]
    lps = lps_wright210.classify_table(frame).set_index("sample_id")["score"]
    assert np.corrcoef(irf4[lps.index], lps)[0, 1] > 0.5


@pytest.mark.shared
def test_self_training_calls_all_28_of_tcga_and_says_how_little_that_rests_on(shared):
    frame = pd.read_csv(shared / "cohorts/tcga_dlbc/Test_DLBC_mRNA.txt", sep="\t", index_col=0)
    calls = prps_st_wright210.classify_table(frame, platform="rnaseq").set_index("sample_id")
    assert calls["subtype"].isin(["ABC", "GCB", "UNCLASSIFIED"]).all()
    assert set(calls["subtype"]) >= {"ABC", "GCB"}
    assert calls["flags"].str.startswith("unvalidated on RNA-seq;class means from this cohort").all()
    assert calls["reason"].str.contains("samples are stable").all()
    score = lps_wright210.classify_table(frame).set_index("sample_id")["score"][calls.index]
    assert score.corr(calls["score"], method="spearman") > 0.9
    assert score[calls["subtype"] == "ABC"].median() > score[calls["subtype"] == "GCB"].max()


def test_self_training_finds_two_groups_and_their_direction():
    frame, abc = cohort_frame(40)
    calls = prps_st_wright210.classify_table(frame).set_index("sample_id")
    assert (calls["subtype"] == np.where(abc, "ABC", "GCB")).mean() >= 0.95
    with pytest.raises(InputError, match=r"19 samples cannot teach themselves, 20 are needed"):
        prps_st_wright210.classify_table(frame.iloc[:, :19])


def test_a_mean_score_is_the_mean_and_a_z_score_adds_up_to_nothing():
    rng = np.random.default_rng(3)
    genes = [*load_scores()["nk_cell"].weights, *load_scores()["irf4"].weights]
    frame = pd.DataFrame(rng.normal(5, 2, (len(genes), 15)), index=genes, columns=[f"S{j}" for j in range(15)])
    scores = score_expression(from_frame(frame, "log2"), ["nk_cell", "irf4"]).pivot_table(
        index="sample_id", columns="name", values="value"
    )
    expected = frame.loc[list(load_scores()["nk_cell"].weights)].mean()
    np.testing.assert_allclose(scores["nk_cell"][expected.index], expected)
    assert scores["irf4"].sum() == pytest.approx(0, abs=1e-9)


def test_few_samples_have_no_z_score_but_a_mean():
    genes = [*load_scores()["nk_cell"].weights, *load_scores()["irf4"].weights]
    frame = pd.DataFrame(np.random.default_rng(3).normal(5, 2, (len(genes), 3)), index=genes, columns=["A", "B", "C"])
    scores = score_expression(from_frame(frame, "log2"), ["nk_cell", "irf4"]).set_index(["name", "sample_id"])
    assert scores.loc["nk_cell", "value"].notna().all()
    assert scores.loc["irf4", "value"].isna().all()
    assert (scores.loc["irf4", "note"] == "3 samples, 10 are needed to standardise by").all()


def test_a_list_that_was_not_read_in_its_source_says_so_in_every_row():
    genes = list(load_scores()["nfkb_myeloma"].weights)
    frame = pd.DataFrame(
        np.random.default_rng(3).normal(5, 2, (len(genes), 12)), index=genes, columns=[f"S{j}" for j in range(12)]
    )
    scores = score_expression(from_frame(frame, "log2"), ["nfkb_myeloma"])
    assert not scores["verified"].any()
    assert (scores["note"] == "gene list not verified").all()


def test_a_score_that_is_not_there_is_named():
    with pytest.raises(InputError, match=r"value 'nfkB': there is no such score. There are: nfkb, "):
        score_names(["nfkB"])
    assert score_names(["all"]) == tuple(load_scores())


@pytest.mark.parametrize("module", [lps_wright210, lps_dhitsig104, prps_st_wright210])
def test_a_gene_of_the_score_in_two_rows_is_told_by_every_call(module):
    frame, _ = cohort_frame()
    frame = frame.rename(index={"MME": "MYC"}) if module is lps_dhitsig104 else frame
    twice = "MME" if module is not lps_dhitsig104 else "MYC"
    table = pd.concat([frame, frame.loc[[twice]] - 3])
    more = {} if module is not lps_dhitsig104 else {"max_weight_missing": 1.0}
    flags = module.classify_table(table, **more)["flags"]
    assert flags.str.contains(f"several rows: {twice}", regex=False).all()
    assert not module.classify_table(frame, **more)["flags"].str.contains("several rows").any()


def test_where_no_gene_is_found_the_message_shows_how_the_rows_are_named():
    frame, _ = cohort_frame()
    firehose = frame.set_axis([f"{gene}|{i}" for i, gene in enumerate(frame.index)], axis=0)
    with pytest.raises(InputError, match=r"100\.0% of the score's weight.*; the table's rows are named MME\|0, SERPINA9\|1, "):
        lps_wright210.classify_table(firehose)
