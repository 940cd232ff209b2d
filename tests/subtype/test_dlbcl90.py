"""DLBCL90: every published score and call, to the digit; what is refused, what is not called, what is flagged."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from resistance.cohort import Cohort
from resistance.config import Subtype
from resistance.errors import InputError
from resistance.subtype import dlbcl90, dlbcl90_coo, dlbcl90_dhitsig, dlbcl90_pmbl
from resistance.subtype.nanostring_scores import classify_scores
from resistance.subtype.nanostring_table import counts_of_table
from resistance.subtype.signature import housekeeping_genes, load_signatures

PARTS = [
    (dlbcl90_coo, "DLBCLval", "DLBCLp", "ABC", "DLBCLcall", {"UNCLASS": "UNCLASSIFIED"}),
    (dlbcl90_pmbl, "PMBLval", "PMBLp", "PMBL", "PMBLcall", {"Unclear": "UNCLASSIFIED"}),
    (dlbcl90_dhitsig, "DHITsig_score", "DHITsig_prob_POS", "DHITsig+", "DHITsig_class", {"POS": "DHITsig+", "NEG": "DHITsig-"}),
]


def code_set(**counts):
    """A code set on which every gene has 1,000 counts, but those named."""
    genes = dict.fromkeys(g for s in load_signatures().values() for g in s.genes)
    return pd.DataFrame({"gene": list(genes), "S1": [float(counts.get(gene, 1000)) for gene in genes]})


def cohort_of(nanostring=None, expression=None, samples=(("S1", "P1", "baseline", 0.0),), facts=None):
    tables = {name: table for name, table in (("nanostring", nanostring), ("expression", expression)) if table is not None}
    return Cohort(
        facts={"build": "GRCh38"} | (facts or {}),
        patients=pd.DataFrame({"patient_id": ["P1", "P2"]}),
        samples=pd.DataFrame(samples, columns=["sample_id", "patient_id", "timepoint", "day"]).assign(material="tumour"),
        **tables,
    )


def probability_of(row, name, first):
    """P(first class) from the exact probability of the call's class."""
    second = next(c for c in load_signatures()[name].classes if c != first)
    shown = {part.split("=")[0]: float(part.split("=")[1]) for part in row["probabilities"].split(";")}
    return row["probability"] if shown[first] >= shown[second] else 1 - row["probability"]


@pytest.mark.shared
@pytest.mark.parametrize("example", [1, 2])
def test_every_number_and_call_of_the_published_program(shared, example):
    folder = shared / "truth" / "coo" / "dlbcl90"
    table = pd.read_csv(folder / f"DLBCL90example{example}.csv")
    if example == 2:
        table = table.iloc[1:].set_index(table.columns[0]).astype(float).reset_index()  # second row: short names
    expected = pd.read_csv(folder / f"expected_example{example}_calls.tsv", sep="\t")
    expected = expected.set_index(expected.columns[0])
    for module, score, p, first, call, words in PARTS:
        rows = module.classify_table(table).set_index("sample_id")
        assert rows.index.tolist() == expected.index.tolist()
        np.testing.assert_allclose(rows["score"], expected[score], rtol=0, atol=1e-9)
        found = [probability_of(row, module.METHOD.name, first) for _, row in rows.iterrows()]
        np.testing.assert_allclose(found, expected[p], rtol=0, atol=1e-12)
        assert rows["subtype"].tolist() == expected[call].replace(words).tolist()
        assert rows["features_missing"].isna().all()
    scored = dlbcl90_coo.METHOD.classify(
        cohort_of(
            table.rename(columns={table.columns[0]: "gene"}).assign(code_class="Endogenous"),
            samples=[(s, "P1", "baseline", 0.0) for s in expected.index],
        ),
        Subtype(),
    ).scores
    mean = scored[scored["name"] == "nanostring_housekeeping"].set_index("sample_id")["value"]
    np.testing.assert_allclose(mean[expected.index], expected["normval"], rtol=0, atol=1e-12)
    total = dlbcl90.classify_table(table)["subtype"]
    assert total.tolist() == expected["Totalcall"].replace({"UNCLASS": "UNCLASSIFIED"}).tolist()
    if example == 1:
        np.testing.assert_allclose(1 - expected["DHITsig_prob_POS"], expected["DHITsig_prob_NEG"], atol=1e-12)  # two classes


@pytest.mark.shared
def test_the_coefficients_are_those_of_the_published_tables(shared):
    folder = shared / "truth" / "coo" / "dlbcl90"
    older = {"RAB7L1": "RAB29", "FAM159A": "SHISAL2A", "MOBKL2C": "MOB3C", "PRR6": "CENPV"}
    table = pd.read_csv(folder / "model_genes.tsv", sep="\t")
    table.index = table["Gene.symbol"].replace(older)
    for name, column in (("dlbcl90_coo", "DLBCL.coef"), ("dlbcl90_pmbl", "pmbl.coef")):
        used = table[column].astype(float)
        assert dict(load_signatures()[name].coefficients) == used[used != 0].to_dict()
    dhit = pd.read_csv(folder / "DHITsig30_coefficients.tsv", sep="\t", float_precision="round_trip").set_index("gene")["coef"]
    assert dict(load_signatures()["dlbcl90_dhitsig"].coefficients) == dhit.to_dict()
    assert sorted(housekeeping_genes()) == sorted((folder / "housekeeping_13.txt").read_text().split())
    given = pd.read_csv(folder / "model_params.tsv", sep="\t", float_precision="round_trip").set_index("param")["value"]
    coo, pmbl = load_signatures()["dlbcl90_coo"], load_signatures()["dlbcl90_pmbl"]
    assert (*coo.means, *coo.sds) == tuple(given[["ABC.mn", "GCB.mn", "ABC.sd", "GCB.sd"]])
    assert (*pmbl.means, *pmbl.sds) == tuple(given[["PMBL.mn", "DLBCL.mn", "PMBL.sd", "DLBCL.sd"]])
    assert coo.constant == given["COO.shift"]
    params = pd.read_csv(folder / "DHITsig_params.tsv", sep="\t", float_precision="round_trip")
    dhitsig = load_signatures()["dlbcl90_dhitsig"]
    assert dhitsig.means == tuple(params["mean"])
    assert dhitsig.sds == tuple(params["sd"])


@pytest.mark.shared
def test_all_211_biopsies_of_relapsed_lymphoma_from_their_scores(shared):
    table = pd.read_csv(shared / "cohorts" / "hilton_lcr_2023" / "metadata" / "metadata_fish_nanostring.tsv", sep="\t")
    table = table[table["dlbcl_score"].notna()].set_index("biopsy_id")
    assert len(table) == 211
    coo = classify_scores(dlbcl90_coo.METHOD, table["dlbcl_score"])
    assert coo["subtype"].tolist() == table["dlbcl_call"].replace({"UNCLASS": "UNCLASSIFIED"}).tolist()
    dhit = classify_scores(dlbcl90_dhitsig.METHOD, table["dhitsig_score"])
    assert dhit["subtype"].tolist() == table["dhitsig_call"].replace({"DHITsig-IND": "UNCLASSIFIED"}).tolist()
    other = pd.read_csv(shared / "cohorts" / "hilton_lcr_2023" / "metadata" / "metadata_sequencing.tsv", sep="\t")
    other = other[other["DLBCL90_pmbl_score"].notna()]
    assert len(other) == 141
    pmbl = classify_scores(dlbcl90_pmbl.METHOD, other["DLBCL90_pmbl_score"])
    assert pmbl["subtype"].tolist() == other["DLBCL90_pmbl_call"].replace({"Unclear": "UNCLASSIFIED"}).tolist()


@pytest.mark.shared
def test_all_200_patients_of_reddy_2017_from_their_scores(shared):
    for table in (
        pd.read_excel(shared / "cohorts" / "reddy_duke_2017" / "DLBCL_Reddy.xlsx"),
        pd.read_csv(shared / "truth" / "coo" / "reddy2017" / "clinical_information_S1.tsv", sep="\t"),
    ):
        rows = table[table["Nanostring ABC GCB"].notna() & table["Nanostring LPS"].notna()].set_index("Sample  ID")
        assert len(rows) == 200
        found = classify_scores(dlbcl90_coo.METHOD, rows["Nanostring LPS"])
        assert found["subtype"].tolist() == rows["Nanostring ABC GCB"].replace({"Unclassified": "UNCLASSIFIED"}).tolist()


@pytest.mark.parametrize(
    ("module", "score", "expected"),
    [
        (dlbcl90_coo, 1907.7, "GCB"),
        (dlbcl90_coo, 1908.0, "UNCLASSIFIED"),
        (dlbcl90_coo, 2433.4, "UNCLASSIFIED"),
        (dlbcl90_coo, 2433.6, "ABC"),
        (dlbcl90_dhitsig, -15.63, "DHITsig-"),
        (dlbcl90_dhitsig, -15.60, "UNCLASSIFIED"),
        (dlbcl90_dhitsig, -6.34, "UNCLASSIFIED"),
        (dlbcl90_dhitsig, -6.32, "DHITsig+"),
    ],
)
def test_the_published_cut_offs_of_the_scores(module, score, expected):
    assert classify_scores(module.METHOD, pd.Series([score], index=["S"]))["subtype"].tolist() == [expected]


def test_a_score_by_hand_and_twice_the_counts_change_nothing():
    table = code_set(IRF4=4000, MME=250)
    # all at 1,000: only the two genes that differ count, beside the sum of all coefficients
    signature = load_signatures()["dlbcl90_coo"]
    by_hand = 1072.467 + math.log2(1000) * sum(signature.coefficients.values()) + 2 * 71.91688 + (-2) * -56.5531
    assert dlbcl90_coo.classify_table(table)["score"][0] == pytest.approx(by_hand, abs=1e-9)
    double = table.assign(S1=table["S1"] * 2)
    for module in (dlbcl90_coo, dlbcl90_pmbl, dlbcl90_dhitsig):
        # the coefficients of the first two add up to 3e-6 and -1.8e-6, no more
        assert module.classify_table(double)["score"][0] == pytest.approx(module.classify_table(table)["score"][0], abs=1e-5)


def test_neither_the_order_of_the_rows_nor_that_of_the_samples_matters():
    rng = np.random.default_rng(4)
    table = code_set()
    table = table.assign(**{f"S{i}": rng.integers(20, 9000, len(table)).astype(float) for i in range(1, 6)})
    turned = table.iloc[rng.permutation(len(table))][["gene", "S3", "S1", "S5", "S2", "S4"]]
    a = dlbcl90.classify_table(table).set_index("sample_id")
    b = dlbcl90.classify_table(turned).set_index("sample_id").loc[a.index]
    pd.testing.assert_frame_equal(a, b, check_exact=False)
    a, b = (dlbcl90_coo.classify_table(t).set_index("sample_id")["score"] for t in (table, turned))
    np.testing.assert_allclose(a, b[a.index], atol=1e-9)


def test_older_symbols_of_the_code_set_are_resolved_and_reported():
    table = code_set().replace({"gene": {"RAB29": "RAB7L1", "SHISAL2A": "FAM159A", "MOB3C": "MOBKL2C", "CENPV": "PRR6"}})
    assert "older names: RAB7L1 = RAB29" in dlbcl90_coo.classify_table(table)["reason"][0]
    reason = dlbcl90_pmbl.classify_table(table)["reason"][0]
    assert "older names: PRR6 = CENPV, MOBKL2C = MOB3C, FAM159A = SHISAL2A" in reason
    new = dlbcl90_pmbl.classify_table(code_set())
    assert new["score"][0] == dlbcl90_pmbl.classify_table(table)["score"][0]
    assert "older names" not in new["reason"][0]
    small = dlbcl90_coo.classify_table(table.assign(gene=table["gene"].str.lower()))
    assert small["score"][0] == dlbcl90_coo.classify_table(table)["score"][0]
    assert "; names in another case: " in small["reason"][0]
    assert "irf4 = IRF4" in small["reason"][0]


@pytest.mark.parametrize(("count", "called"), [(59, False), (61, True)])
def test_low_housekeeping_genes_leave_no_call_and_no_marker_value(count, called):
    low = code_set(**dict.fromkeys(housekeeping_genes(), count))
    for module in (dlbcl90_coo, dlbcl90_pmbl, dlbcl90_dhitsig, dlbcl90):
        row = module.classify_table(low).iloc[0]
        assert pd.notna(row["subtype"]) == called
        assert ("housekeeping_low" in str(row["flags"])) is not called
        if not called:
            assert f"geometric mean of the housekeeping genes {count:.1f}, at least 60 is needed" in row["reason"]
    scores = dlbcl90_coo.classify(cohort_of(low.assign(code_class=None)), Subtype()).scores.set_index("name")
    assert pd.notna(scores["value"]["dlbcl90_coo"]) == called
    assert scores["value"]["nanostring_housekeeping"] == pytest.approx(math.log2(count))


def test_a_count_of_zero_is_taken_as_one_and_said():
    zero, one = (dlbcl90_coo.classify_table(code_set(MME=n)).iloc[0] for n in (0, 1))
    assert zero["score"] == one["score"]
    assert zero["flags"] == "zero_count"
    assert "count 0 taken as 1: MME" in zero["reason"]


def test_a_count_that_is_not_known_leaves_no_call_and_names_the_gene():
    row = dlbcl90_coo.classify_table(code_set(IRF4=float("nan"))).iloc[0]
    assert pd.isna(row["subtype"])
    assert pd.isna(row["score"])
    assert row["features_missing"] == "IRF4"
    assert row["features_used"] == 19
    weights = load_signatures()["dlbcl90_coo"].coefficients
    assert row["weight_missing"] == pytest.approx(abs(weights["IRF4"]) / sum(abs(w) for w in weights.values()))
    assert row["reason"] == "no count of IRF4"


def test_a_sample_of_zeros_is_not_called():
    table = code_set()
    row = dlbcl90_coo.classify_table(table.assign(S2=0.0)).iloc[1]
    assert pd.isna(row["subtype"])
    assert "housekeeping_low" in row["flags"]


def test_a_score_that_no_class_explains_is_flagged():
    row = classify_scores(dlbcl90_coo.METHOD, pd.Series([3216.0], index=["S"])).iloc[0]
    assert row["flags"] == "from_score"
    class_genes = {g: w for g, w in load_signatures()["dlbcl90_coo"].coefficients.items() if g not in housekeeping_genes()}
    ruined = code_set(**{g: 60000 if w > 0 else 1 for g, w in class_genes.items()})
    found = dlbcl90_coo.classify_table(ruined)
    assert found["score"][0] > 3215.973 + 4 * 468.9292
    assert found["flags"][0] == "far_outside"
    assert classify_scores(dlbcl90_coo.METHOD, found.set_index("sample_id")["score"])["flags"][0] == "from_score;far_outside"


def test_the_total_call_is_pmbl_where_that_score_says_so_and_open_where_it_is_open():
    up = {
        g: 1000 * 2 ** (10 if w > 0 else -4)
        for g, w in load_signatures()["dlbcl90_pmbl"].coefficients.items()
        if abs(w) != 2.972772
    }
    up = {g: max(1, round(n)) for g, n in up.items()}
    row = dlbcl90.classify_table(code_set(**up)).iloc[0]
    assert row["subtype"] == "PMBL"
    assert row["probabilities"].startswith("PMBL=")
    assert pd.isna(row["score"])  # a score of PMBL and one of the cell of origin are not one scale
    assert dlbcl90_coo.classify_table(code_set(**up))["subtype"][0] in ("ABC", "GCB", "UNCLASSIFIED")


def test_a_gene_that_the_code_set_lacks_is_an_error_with_its_weight():
    table = code_set()
    with pytest.raises(InputError, match=r"dlbcl90_coo cannot be computed: the code set lacks MME, IRF4|lacks IRF4, MME") as stop:
        dlbcl90_coo.classify_table(table[~table["gene"].isin(["IRF4", "MME"])])
    assert "% of the weight of the score" in str(stop.value)
    lymph2cx = table[table["gene"].isin(load_signatures()["dlbcl90_coo"].genes)]
    with pytest.raises(InputError, match=r"A Lymph2Cx code set has those of dlbcl90_coo only"):
        dlbcl90_pmbl.classify_table(lymph2cx)
    assert dlbcl90_coo.classify_table(lymph2cx)["flags"].tolist() == ["housekeeping_5_of_13"]
    with pytest.raises(InputError, match=r"lacks .*DNAJB12"):  # normalises DHITsig30
        dlbcl90_dhitsig.classify_table(table[~table["gene"].isin(["DNAJB12"])])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.assign(S1=np.log2(t["S1"] + 0.5)), r"a count is not whole: raw counts.*use the method lps"),
        (lambda t: t.assign(S1=-t["S1"]), r"a count is negative: raw counts are expected"),
        (lambda t: t.assign(S1=np.round(np.log2(t["S1"]))), r"no count is above 50: these look like logarithms"),
        (lambda t: pd.concat([t, pd.DataFrame({"gene": [f"G{i}" for i in range(2000)], "S1": 5.0})]), r"rows are no code set.*RNA-seq or an array.*use the method lps"),
        (lambda t: t.set_index("gene").T.rename_axis("sample").reset_index(), r"samples stand in rows here.*Turn the table"),
        (lambda t: pd.concat([t, t[t["gene"] == "IRF4"]]), r"2 rows are the gene IRF4 \(IRF4, IRF4\)"),
        (lambda t: t.assign(note="x"), r"column 'note': the column holds no counts"),
        (lambda t: t[["gene"]], r"the table holds no counts"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_counts_is_refused_with_the_way_out(change, message):
    with pytest.raises(InputError, match=message):
        dlbcl90_coo.classify_table(change(code_set()))


def test_another_platform_is_refused_by_name_and_lps_is_named():
    with pytest.raises(InputError, match=r"one of NanoString counts, the table is rnaseq.*use the method lps"):
        dlbcl90_coo.classify_table(code_set(), platform="rnaseq")
    expression = pd.DataFrame({"gene": ["IRF4"], "S1": [7.0]})
    with pytest.raises(
        InputError, match=r"dlbcl90_coo needs NanoString counts; the cohort has expression on the platform 'affymetrix'.*lps"
    ):
        dlbcl90_coo.classify(cohort_of(expression=expression, facts={"expression_platform": "affymetrix"}), Subtype())


def test_a_patient_without_counts_has_a_row_and_a_reason():
    found = dlbcl90_coo.classify(cohort_of(code_set().assign(code_class=None)), Subtype())
    assert found.subtypes["patient_id"].tolist() == ["P1", "P2"]
    assert found.subtypes["reason"][1] == "no NanoString counts"
    assert dlbcl90_coo.classify(cohort_of(), Subtype()).subtypes["reason"].tolist() == ["no NanoString counts"] * 2


def test_the_baseline_sample_counts_and_the_others_keep_their_scores():
    table = code_set(IRF4=8000).assign(R=code_set(MME=8000)["S1"], code_class=None)
    samples = [("R", "P1", "relapse", 300.0), ("S1", "P1", "baseline", 0.0)]
    found = dlbcl90_coo.classify(cohort_of(table, samples=samples), Subtype())
    assert found.subtypes["sample_id"].tolist()[:1] == ["S1"]
    assert "1 other sample(s) of the patient not shown here" in found.subtypes["reason"][0]
    assert sorted(found.scores["sample_id"].unique()) == ["R", "S1"]
    late = dlbcl90_coo.classify(cohort_of(table.drop(columns="S1"), samples=samples[:1]), Subtype()).subtypes
    assert "no baseline NanoString counts, from a sample of time point relapse" in late["reason"][0]


def test_the_given_table_is_not_altered():
    table = code_set()
    before = table.copy(deep=True)
    counts_of_table(table)
    dlbcl90.classify_table(table)
    pd.testing.assert_frame_equal(table, before)
