"""Published tables are read as their files lie there: headers of two rows, fractions beside events, samples in rows, R's short header."""

from __future__ import annotations

import importlib

import numpy as np
import pandas as pd
import pytest
from command import refused, run

from resistance.errors import InputError
from resistance.subtype import (
    chapuy,
    dlbcl90_coo,
    event_model,
    hans,
    lps_wright210,
    lymphgen,
    mixture,
    rnaseq_coo21,
    rnaseq_dzsig28,
)
from resistance.subtype.apply_model import apply_model
from resistance.subtype.events import check_events, read_events, table_events
from resistance.subtype.expression import from_frame
from resistance.subtype.label_table import read_labels
from resistance.subtype.lymphgen_inputs import entrez_ids
from resistance.subtype.nanostring_table import counts_of_table
from resistance.subtype.signature import load_signatures
from resistance.subtype.text_table import read_table
from resistance.subtype.train_model import train_model

# ---- NanoString


@pytest.mark.shared
def test_a_header_of_two_rows_gives_the_published_calls_however_pandas_read_it(shared):
    folder = shared / "truth" / "coo" / "dlbcl90"
    expected = pd.read_csv(folder / "expected_example2_calls.tsv", sep="\t")
    for given in (
        pd.read_csv(folder / "DLBCL90example2.csv"),
        pd.read_csv(folder / "DLBCL90example2.csv", header=[0, 1], index_col=0),
        pd.read_csv(folder / "DLBCL90example2.csv", dtype=str),
    ):
        found = dlbcl90_coo.classify_table(given)
        assert found["sample_id"].tolist() == expected["longName"].tolist()
        np.testing.assert_allclose(found["score"], expected["DLBCLval"], atol=1e-9, rtol=0)
        assert found["subtype"].replace("UNCLASSIFIED", "UNCLASS").tolist() == expected["DLBCLcall"].tolist()


def counts(samples=("S1", "S2")):
    genes = {gene for name in load_signatures() for gene in load_signatures()[name].genes}
    return pd.DataFrame(500, index=sorted(genes), columns=list(samples))


def test_numbers_that_were_read_as_text_are_numbers():
    pd.testing.assert_frame_equal(counts_of_table(counts().astype(str)), counts().astype("float64"), check_names=False)


def test_a_sample_that_stands_twice_is_named_whatever_the_table_looks_like():
    for table in (counts(("S1", "S1")), counts(("S1", "S1")).rename_axis("gene").reset_index(), counts(("S1", "S1")).astype(str)):
        with pytest.raises(InputError, match=r"column 'S1': two columns have this name\. Rename one of the samples"):
            counts_of_table(table)


def test_a_table_with_samples_in_rows_is_refused_and_read_by_the_option_that_the_message_names(tmp_path, capsys):
    of = counts().T.rename_axis("sample")
    of.to_csv(tmp_path / "t.csv")
    arguments = ("subtype", "call", "lymph2cx", tmp_path / "t.csv", "--out", tmp_path / "c.tsv")
    assert "--samples-in-rows" in refused(capsys, *arguments)
    run(capsys, *arguments, "--samples-in-rows")
    assert pd.read_csv(tmp_path / "c.tsv", sep="\t")["sample_id"].tolist() == ["S1", "S2"]


def test_a_table_of_scores_leads_to_the_option_for_scores_and_that_to_the_column_of_samples(tmp_path, capsys):
    path = tmp_path / "scores.tsv"
    path.write_text("patient_id\tbiopsy_id\tcall\tscore\nP1\tB1\tABC\t3000\nP1\tB2\tGCB\t500\n")
    arguments = ("subtype", "call", "dlbcl90_coo", path, "--out", tmp_path / "c.tsv")
    assert "this is no table of counts" in (said := refused(capsys, *arguments))
    assert "--from-score COLUMN (and --sample COLUMN)" in said
    said = refused(capsys, *arguments, "--from-score", "score")
    assert "Say with --sample which column names the samples; the table has: patient_id, biopsy_id, call, score." in said
    run(capsys, *arguments, "--from-score", "score", "--sample", "biopsy_id")
    assert pd.read_csv(tmp_path / "c.tsv", sep="\t")["subtype"].tolist() == ["ABC", "GCB"]


# ---- antibodies


@pytest.mark.parametrize(
    "names",
    [
        ("CD10 (%)", "BCL-6 [%]", "IRF4/MUM1"),
        ("CD10_pct", "BCL6_percent", "MUM1_IHC"),
        ("IHC_CD10", "ihc.bcl6", "IHC MUM1 % positive cells"),
        ("% CD10", "BCL6.positive", "MUM-1 percentage"),
    ],
)
def test_the_unit_in_a_header_does_not_hide_the_antibody(names):
    table = pd.DataFrame([["P9", 5, 80, 60]], columns=["Patient", *names])
    row = hans.classify_table(table).iloc[0]
    assert (row["sample_id"], row["subtype"], row["features_used"]) == ("P9", "non-GCB", 3)


# ---- expression


def test_a_sample_of_zeros_on_a_log_scale_gets_no_score_and_moves_no_other():
    rng = np.random.default_rng(5)
    genes = list(lps_wright210.METHOD.features)
    table = pd.DataFrame(rng.normal(8, 1, (len(genes), 25)), index=genes, columns=[f"S{i}" for i in range(25)])
    alone = lps_wright210.classify_table(table.drop(columns="S3")).set_index("sample_id")["score"]
    found = lps_wright210.classify_table(table.assign(S3=0.0)).set_index("sample_id")
    assert found.loc["S3", "reason"] == "no call: all values are 0 (log2)"
    assert np.isnan(found.loc["S3", "score"])
    np.testing.assert_allclose(found["score"].drop("S3"), alone, atol=1e-9, rtol=0)


def test_a_sample_with_much_of_the_weight_missing_is_flagged_with_the_share():
    rng = np.random.default_rng(6)
    genes = list(lps_wright210.METHOD.features)
    table = pd.DataFrame(rng.normal(8, 1, (len(genes), 25)), index=genes, columns=[f"S{i}" for i in range(25)])
    table.iloc[: int(0.35 * len(genes)), 0] = np.nan
    found = lps_wright210.classify_table(table)
    share = found.loc[0, "weight_missing"]
    assert 0.2 < share < 0.5
    assert f"{share:.0%} of the weight not measured" in found.loc[0, "flags"]
    assert not found.loc[1:, "flags"].str.contains("not measured").any()


@pytest.mark.shared
def test_the_normalised_246_are_scored_by_one_call(shared, tmp_path, capsys):
    path = shared / "cohorts" / "rnaseq_coo" / "dzsig_gambl_246_ensembl.tsv"
    out = tmp_path / "c.tsv"
    run(capsys, "subtype", "call", "rnaseq_dzsig28", path, "--unit", "normalised", "--samples-in-rows", "--out", out)
    found = pd.read_csv(out, sep="\t").set_index("sample_id")
    given = pd.read_csv(path, sep="\t", index_col=0)
    coef = pd.read_csv(path.parent / "gambl_dzsig_28gene_coef.tsv", sep="\t").set_index("ensembl")["coef"]
    by_hand = coef["(Intercept)"] + (given[coef.index[1:]] * coef.iloc[1:]).sum(axis=1)
    np.testing.assert_allclose(found["score"], by_hand.loc[found.index], atol=1e-10, rtol=0)
    assert np.corrcoef(found["score"], given["training_labels"].loc[found.index])[0, 1] == pytest.approx(0.961, abs=5e-4)
    # least squares with a constant: the residuals of those it was fitted on add up to nothing
    assert float((found["score"] - given["training_labels"].loc[found.index]).mean()) == pytest.approx(0, abs=1e-10)
    assert set(found["flags"]) == {"normalised elsewhere"}
    for name, (low, high) in {"DZsig-NEG": (-np.inf, -15.6), "UNCLASSIFIED": (-15.6, -6.3), "DZsig-POS": (-6.3, np.inf)}.items():
        assert found.loc[found["subtype"] == name, "score"].between(low, high).all()


def test_what_is_normalised_needs_every_gene_and_counts_are_not_taken_for_it():
    genes = list(rnaseq_coo21.METHOD.features)
    table = pd.DataFrame(3.0 + np.arange(len(genes))[:, None] / 10, index=genes, columns=["S1"])
    assert rnaseq_coo21.classify_table(table, unit="normalised")["score"].notna().all()
    with pytest.raises(InputError, match=f"1 of {len(genes)} genes are missing, and the score has no value without them"):
        rnaseq_coo21.classify_table(table.iloc[1:], unit="normalised")
    with pytest.raises(InputError, match="is above 50"):
        rnaseq_coo21.classify_table(table * 100, unit="normalised")
    with pytest.raises(InputError, match="genes stand in columns here"):
        rnaseq_dzsig28.classify_table(
            pd.DataFrame(1.0, index=["S1"], columns=list(rnaseq_dzsig28.METHOD.features)), unit="normalised"
        )


# ---- events


GOOD = pd.DataFrame({"S1": [2, 0, 3], "S2": [0, 1, 0]}, index=["TP53", "HIST1H1E", "SV.BCL6"])


@pytest.mark.parametrize("header", ["gene", "0", "", "Hugo", "index"])
def test_whatever_stands_above_the_names_of_events_they_are_the_events(header):
    table = GOOD.rename_axis(header).reset_index()
    found = table_events(table.rename(columns={"level_0": header}))
    pd.testing.assert_frame_equal(found.table, check_events(GOOD).table)


def test_fractions_of_cells_and_what_describes_the_sample_are_no_events_and_are_counted():
    more = pd.DataFrame({"S1": [0.99, 2.13, "GCB"], "S2": [0, 3.1, "na"]}, index=["TP53.CCF", "PLOIDY", "COO"])
    found = check_events(pd.concat([GOOD.astype(object), more]))
    assert found.passed_over == 3
    pd.testing.assert_frame_equal(found.table, check_events(GOOD).table)
    rows = chapuy.classify_table(pd.concat([GOOD.astype(object), more]))
    assert (
        rows["reason"]
        .str.endswith("names resolved: HIST1H1E = H1-4; 3 rows that are no events (such as .CCF, purity) not read")
        .all()
    )


def test_a_row_that_no_method_asks_for_may_hold_anything_and_one_that_is_asked_for_may_not():
    age = pd.DataFrame({"S1": [71], "S2": [44]}, index=["AGE"])
    assert check_events(pd.concat([GOOD, age]), known=["TP53"]).passed_over == 1
    with pytest.raises(InputError, match="column 'AGE', value '71': sample S1 has a value that is none of 0, 1, 2, 3"):
        check_events(pd.concat([GOOD, age]))
    with pytest.raises(InputError, match="column 'TP53', value '5'"):
        check_events(pd.concat([GOOD.replace({3: 0}).replace({2: 5}), age]), known=["TP53"])


@pytest.mark.shared
def test_the_full_matrix_of_dlbclass_is_called_as_it_lies(shared):
    folder = shared / "cohorts" / "dlbclass_699"
    full = pd.read_csv(folder / "DLBCL.699.fullGSM.Sep_23_2022.tsv", sep="\t")
    found = chapuy.classify_table(full).set_index("sample_id")
    assert len(found) == 699
    weights = pd.read_csv(shared / "truth" / "coo" / "chapuy2018" / "chapuy_weights.tsv", sep="\t")
    assert found["subtype"].isin(["C0", *weights.columns[1:]]).all()
    not_read = full.iloc[:, 0].astype(str).str.contains(r"\.CCF$|^PLOIDY$|^PURITY$|^COO$").sum()
    assert found["reason"].str.contains(f"{not_read} rows that are no events").all()


def test_events_and_labels_may_be_csv_xlsx_or_have_the_short_header_of_r(tmp_path):
    GOOD.rename_axis("gene").to_csv(tmp_path / "e.csv")
    GOOD.rename_axis("gene").to_excel(tmp_path / "e.xlsx")
    (tmp_path / "r.tsv").write_text("S1\tS2\nTP53\t2\t0\nHIST1H1E\t0\t1\nSV.BCL6\t3\t0\n")
    for name in ("e.csv", "e.xlsx", "r.tsv"):
        pd.testing.assert_frame_equal(read_events(tmp_path / name).table, check_events(GOOD).table, check_names=False)
    (tmp_path / "bad.xlsx").write_text("no workbook")
    with pytest.raises(InputError, match="not a readable table"):
        read_table(tmp_path / "bad.xlsx")


def test_labels_are_found_by_the_usual_names_and_whole_numbers_lose_their_point(tmp_path):
    path = tmp_path / "l.tsv"
    path.write_text("cluster\tsilhouette\nS1\t1\t0.2\nS2\t5\t0.1\n")
    assert read_labels(path).of == {"S1": "1", "S2": "5"}
    path.write_text("ID\tset\tCluster\nS1\tTrain\t1.0\nS2\tTest\t5.0\nS3\tTrain\tNA\n")
    assert read_labels(path).of == {"S1": "1", "S2": "5"}
    assert read_labels(path, where=[("set", "Train")]).of == {"S1": "1"}
    with pytest.raises(InputError, match=r"no row is left where set=Nobody\. Look at --where"):
        read_labels(path, where=[("set", "Nobody")])
    with pytest.raises(InputError, match="column 'arm': the table of labels lacks a column"):
        read_labels(path, where=[("arm", "A")])


@pytest.mark.shared
def test_a_model_is_trained_and_judged_on_the_official_parts_with_the_files_as_they_lie(shared, tmp_path, capsys):
    folder = shared / "cohorts" / "dlbclass_699"
    given = ("--labels", folder / "tableS1_classifier_merged.tsv", "--label", "Cluster [NMF new]")
    matrix = folder / "DLBCL.699.163drivers.Sep_23_2022.tsv"
    part = ("--where", "Test/Train Set Membership=Train")
    said = run(capsys, "subtype", "train", "genetic", "--matrix", matrix, *given, *part, "--out", tmp_path / "m.json")
    assert "163 events, 550 samples (1 114, 2 127, 3 95, 4 75, 5 139)" in said.out
    part = ("--where", "Test/Train Set Membership=Test")
    said = run(capsys, "subtype", "apply", tmp_path / "m.json", matrix, *given, *part, "--out", tmp_path / "c.tsv")
    table = pd.read_csv(folder / "tableS1_classifier_merged.tsv", sep="\t").set_index("ID")
    test = table[table["Test/Train Set Membership"] == "Test"]
    calls = pd.read_csv(tmp_path / "c.tsv", sep="\t").set_index("sample_id")["subtype"]
    right = int((calls.loc[test.index] == test["Cluster [NMF new]"]).sum())
    assert f"all: {right}/149 right" in said.out


@pytest.mark.shared
def test_every_feature_of_lymphgen_has_its_id(shared):
    features = pd.read_csv(shared / "cohorts" / "hilton_lcr_2023" / "lymphgen" / "lg_features.tsv", sep="\t")
    module = importlib.import_module("resistance.subtype.event_names")
    symbols = {module.gene_symbol(str(name).rstrip("*")) for name in features["Hugo_Symbol"].dropna()}
    assert symbols <= set(entrez_ids())


@pytest.mark.shared
def test_the_result_of_lymphgen_and_events_by_sample_are_read_with_the_option_too(shared, tmp_path, capsys):
    path = shared / "cohorts" / "hilton_lcr_2023" / "lymphgen" / "lymphgen_results.tsv"
    for more in ((), ("--samples-in-rows",)):
        run(capsys, "subtype", "call", "lymphgen", path, *more, "--out", tmp_path / "c.tsv")
        assert len(pd.read_csv(tmp_path / "c.tsv", sep="\t")) == 160
    GOOD.T.rename_axis("tumour").to_csv(tmp_path / "t.csv")
    run(capsys, "subtype", "call", "chapuy", tmp_path / "t.csv", "--samples-in-rows", "--out", tmp_path / "c.tsv")
    assert pd.read_csv(tmp_path / "c.tsv", sep="\t")["sample_id"].tolist() == ["S1", "S2"]


def test_a_table_that_is_refused_is_named_by_its_file(tmp_path, capsys):
    pd.DataFrame({"S1": [0.5]}, index=["ENSG00000000003"]).rename_axis("gene").to_csv(tmp_path / "e.csv")
    said = refused(capsys, "subtype", "call", "rnaseq_coo21", tmp_path / "e.csv", "--out", tmp_path / "c.tsv")
    assert f"{tmp_path / 'e.csv'}, column 'S1', value 'ENSG00000000003 0.5': is not a whole number" in said


def a_model():
    rng = np.random.default_rng(2)
    table = pd.DataFrame(rng.normal(8, 1, (40, 20)), index=[f"PROBE{i}" for i in range(40)], columns=[f"S{i}" for i in range(20)])
    table.iloc[:10, :10] += 3
    of = {name: "ABC" if i < 10 else "GCB" for i, name in enumerate(table.columns)}
    return table, train_model(from_frame(table, "log2"), of, "lps")


def test_a_turned_table_of_genes_that_only_the_model_knows_is_told():
    table, model = a_model()
    with pytest.raises(InputError, match="40 column names are genes of the model, 0 row names are"):
        apply_model(model, from_frame(table.T, "log2"))


def test_a_sample_of_one_value_gets_neither_class_nor_score_from_a_model():
    table, model = a_model()
    row = apply_model(model, from_frame(table.assign(S3=0.0), "log2")).set_index("sample_id").loc["S3"]
    assert row[["subtype", "score", "probability", "probabilities"]].isna().all()
    assert row["reason"] == "all values are 0 (log2)"


@pytest.mark.parametrize("value", [0.0, np.nan, 2.0])
def test_events_that_are_alike_in_all_samples_teach_nothing(value):
    of = pd.DataFrame(value, index=["TP53", "SV:BCL6", "17p:DEL"], columns=[f"S{i}" for i in range(30)])
    with pytest.raises(InputError, match="no event differs between the labelled samples"):
        event_model.train(check_events(of), {f"S{i}": "AB"[i % 2] for i in range(30)})


def test_the_command_tells_a_turned_table_of_probes_and_reads_it_with_the_option(tmp_path, capsys):
    table, model = a_model()
    model.write(tmp_path / "m.json")
    table.T.rename_axis("sample").to_csv(tmp_path / "t.tsv", sep="\t")
    arguments = ("subtype", "apply", tmp_path / "m.json", tmp_path / "t.tsv", "--out", tmp_path / "c.tsv")
    assert "samples stand in rows here (40 column names are genes of the model" in refused(capsys, *arguments)
    run(capsys, *arguments, "--samples-in-rows")
    assert len(pd.read_csv(tmp_path / "c.tsv", sep="\t")) == 20


def test_a_series_is_one_sample_and_what_is_no_table_is_refused_in_words():
    of = counts(("S1", "S2"))
    pd.testing.assert_frame_equal(dlbcl90_coo.classify_table(of["S1"]), dlbcl90_coo.classify_table(of[["S1"]]))
    pd.testing.assert_frame_equal(chapuy.classify_table(GOOD["S1"]), chapuy.classify_table(GOOD[["S1"]]))
    stains = pd.Series({"CD10": 5, "BCL6": 80, "MUM1": 60}, name="P9")
    assert hans.classify_table(stains)[["sample_id", "subtype"]].iloc[0].tolist() == ["P9", "non-GCB"]
    for method in (dlbcl90_coo, chapuy, hans, lps_wright210, rnaseq_coo21, lymphgen):
        with pytest.raises(InputError, match=r"a table is needed, this is a str. Give a pandas DataFrame"):
            method.classify_table("counts.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gene\tS1\tS2\tS1\nTP53\t2\t0\t0\n", r"e\.tsv, column 'S1': two columns have this name\. Rename or remove one of them"),
        ("gene\tS1\tS2\nTP53\t2\t0\nMYD88\t1\n", r"e\.tsv, row 3: has 2 cells where the header has 3\. The file may be cut off"),
        ('gene\tS1\tS2\n"TP53\t2\t0\nMYD88\t1\t0\n', r"has 1 cells where the header has 3"),
    ],
)
def test_a_sample_named_twice_or_a_row_that_is_cut_off_is_no_new_sample_and_no_unseen_event(tmp_path, text, message):
    path = tmp_path / "e.tsv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_events(path)


def test_a_workbook_with_a_sample_twice_is_refused_too(tmp_path):
    pd.DataFrame([["gene", "S1", "S1"], ["TP53", "2", "0"]]).to_excel(tmp_path / "e.xlsx", header=False, index=False)
    with pytest.raises(InputError, match="column 'S1': two columns have this name"):
        read_events(tmp_path / "e.xlsx")


def test_a_csv_with_semicolons_is_read_and_a_folder_is_called_one(tmp_path):
    (tmp_path / "e.csv").write_text("gene;S1;S2\nTP53;2;0\n")
    assert read_events(tmp_path / "e.csv").table["TP53"].to_dict() == {"S1": 2.0, "S2": 0.0}
    with pytest.raises(InputError, match="is a folder, not a table"):
        read_events(tmp_path)


def test_events_are_found_in_any_case_and_those_of_mice_are_refused():
    # DOCK1 and NLRP8 are known to Chapuy's weights only, MYD88 to the knowledge base too
    table = pd.DataFrame({"S1": [1, 2, 0]}, index=["dock1", "nlrp8", "myd88"])
    known = ["DOCK1", "NLRP8", "MYD88", "TP53"]
    assert list(check_events(table, known=known).table.columns) == ["DOCK1", "NLRP8", "MYD88"]
    with pytest.raises(
        InputError, match=r"the genes look like mouse \(Dock1, Nlrp8, Myd88 \.\.\.\), and the events .* are human"
    ):
        check_events(table.rename(str.capitalize), known=known)


def test_the_mixture_does_not_depend_on_the_order_of_samples_and_events():
    rng = np.random.default_rng(7)
    table = pd.DataFrame(rng.integers(0, 2, (12, 60)), index=[f"E{i}" for i in range(12)], columns=[f"S{i}" for i in range(60)])
    first = mixture.classify_table(table).set_index("sample_id")
    turned = mixture.classify_table(table.iloc[::-1, ::-1]).set_index("sample_id").loc[first.index]
    pd.testing.assert_frame_equal(first, turned, check_exact=True)
