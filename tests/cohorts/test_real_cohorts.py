"""Six real cohorts from files that nobody here wrote: every stage, and the numbers that must come out.

The reference numbers are those of ``../shared/cohorts/README.md``: hazard ratios of R's coxph on the
same tables, and counts of the tables themselves.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from resistance import schemas, stages
from resistance.associate import answer, make_plan
from resistance.batching import batch_names
from resistance.cohort import Cohort
from resistance.config import load
from resistance.layout import read_stage

pytestmark = [pytest.mark.shared, pytest.mark.long]


def run(name: str, checkout: Path, results: Path) -> Path:
    """Run every stage but the report, in this process."""
    cohort_file = checkout / "config" / "cohorts" / f"{name}.yaml"
    for batch in batch_names(load(cohort_file), cohort_file.parent):
        stages.read(cohort_file, results, batch)
    for stage in (stages.gather, stages.annotate, stages.ctdna, stages.classify, stages.matrix, stages.associate):
        stage(cohort_file, results)
    return results


@pytest.fixture(scope="module")
def mds(shared, checkout, tmp_path_factory):
    return run("mds_lenalidomide", checkout, tmp_path_factory.mktemp("mds"))


@pytest.fixture(scope="module")
def reddy(shared, checkout, tmp_path_factory):
    return run("reddy_duke_2017", checkout, tmp_path_factory.mktemp("reddy"))


@pytest.fixture(scope="module")
def gdsc(shared, checkout, tmp_path_factory):
    return run("gdsc_lenalidomide", checkout, tmp_path_factory.mktemp("gdsc"))


@pytest.fixture(scope="module")
def hilton(shared, checkout, tmp_path_factory):
    return run("hilton_lcr_2023", checkout, tmp_path_factory.mktemp("hilton"))


@pytest.fixture(scope="module")
def janke(shared, checkout, tmp_path_factory):
    return run("hnc_ctdna_janke2024", checkout, tmp_path_factory.mktemp("janke"))


@pytest.fixture(scope="module")
def tcga(shared, checkout, tmp_path_factory):
    return run("tcga_dlbc", checkout, tmp_path_factory.mktemp("tcga"))


def results_of(folder: Path, **where: str) -> pd.DataFrame:
    table = read_stage(folder, "associate", schemas.RESULTS)
    for column, value in where.items():
        table = table[table[column] == value]
    return table


def ratio(row: pd.Series) -> tuple[float, float, float]:
    """Estimate and interval as published: two decimals."""
    return tuple(round(math.exp(row[name]), 2) for name in ("effect", "ci_low", "ci_high"))


def joint(folder: Path, endpoint: str, population: str = "all") -> pd.DataFrame:
    return results_of(folder, endpoint=endpoint, model="joint", population=population).set_index("marker_id")


def asked_again(name: str, folder: Path, checkout: Path, **analysis: object) -> pd.DataFrame:
    """Results with other choices of the analysis, from the same tables."""
    config = load(checkout / "config" / "cohorts" / f"{name}.yaml")
    config = config.model_copy(update={"analysis": config.analysis.model_copy(update=analysis)})
    markers, matrix = read_stage(folder, "matrix", schemas.MARKERS), read_stage(folder, "matrix", schemas.MATRIX)
    tables = config, Cohort.read(folder / "cohort"), markers, matrix, read_stage(folder, "subtype", schemas.SUBTYPES)
    return answer(make_plan(*tables), *tables)


def test_mds_tp53_from_the_start_of_treatment(mds):
    """Multi-hit is bad, mono-allelic is not: 11 and 14 carriers, so Firth's estimate and p by permutation."""
    table = joint(mds, "os_from_treatment")
    assert set(table["n"]) == {173}
    assert set(table["events"]) == {97}
    assert table["method"].str.contains("Firth Cox").all()
    multi, mono = table.loc["tp53_multi_hit"], table.loc["tp53_mono_allelic"]
    assert (multi["carriers"], mono["carriers"]) == (11, 14)
    # as docs/cohort_file.md prints them; between the estimate by maximum likelihood and 1 lies no more than its interval
    assert ratio(multi) == (7.07, 3.22, 14.08)
    assert ratio(mono) == (1.24, 0.56, 2.38)
    assert multi["p_value"] < 0.01
    assert mono["p_value"] > 0.5


def test_mds_tp53_by_the_usual_cox_model_is_what_r_gives(mds, checkout):
    table = asked_again("mds_lenalidomide", mds, checkout, methods=["cox"], cox_interval="wald")
    table = table[(table["model"] == "joint") & (table["population"] == "all")].set_index(["endpoint", "marker_id"])
    assert ratio(table.loc[("os_from_treatment", "tp53_multi_hit")]) == (6.80, 3.23, 14.33)
    assert ratio(table.loc[("os_from_treatment", "tp53_mono_allelic")]) == (1.17, 0.57, 2.44)
    assert ratio(table.loc[("os_from_sampling", "tp53_multi_hit")]) == (7.78, 3.79, 16.00)
    assert ratio(table.loc[("os_from_sampling", "tp53_mono_allelic")])[0] == 1.17


def test_mds_tp53_from_sampling_is_biased_upwards(mds):
    table, treated = joint(mds, "os_from_sampling"), joint(mds, "os_from_treatment")
    assert ratio(table.loc["tp53_multi_hit"])[0] == 8.04
    assert table.loc["tp53_multi_hit", "effect"] > treated.loc["tp53_multi_hit", "effect"]
    assert set(table["n"]) == {181}


def test_mds_lenalidomide_alone_is_shown(mds):
    table = joint(mds, "os_from_treatment", "lenalidomide_alone")
    assert (table["n"] < 173).all()
    assert table.loc["tp53_multi_hit", "effect"] > 1


def test_mds_report_counts_other_treatments_and_shows_both_origins(mds, checkout):
    stages.report(checkout / "config" / "cohorts" / "mds_lenalidomide.yaml", mds)
    content = json.loads((mds / "report" / "report.json").read_text(encoding="utf-8"))
    levels = {
        row["variable"]: dict(zip(row["levels"], row["cells"], strict=True))
        for row in content["table_one"]["rows"]
        if "levels" in row
    }
    assert levels["HMA"]["yes"] == [{"n": 15, "of": 181}]
    assert levels["Transplant"]["yes"] == [{"n": 9, "of": 181}]
    page = (mds / "report" / "report.html").read_text(encoding="utf-8")
    assert "7.07 (3.22 to 14.08)" in page
    assert "8.04 (" in page


def test_mds_left_out_patients_are_counted(mds):
    cohort = Cohort.read(mds / "cohort")
    assert [step["n"] for step in cohort.facts["flow"]] == [2957, 2776, 181]
    ends = cohort.endpoints[cohort.endpoints["endpoint"] == "os_from_treatment"]
    assert ends["excluded"].value_counts().to_dict() == {
        "start of treatment not known": 6,
        "start of treatment lies before the origin": 1,
        "treatment does not start before the end of follow-up": 1,
    }


def test_mds_csnk1a1_is_mutated_in_nine_patients(mds):
    matrix = read_stage(mds, "matrix", schemas.MATRIX)
    carriers = matrix[(matrix["marker_id"] == "csnk1a1_mutation") & (matrix["state"] == "present")]
    assert carriers["patient_id"].nunique() == 9


def test_mds_del_5q_is_read_from_the_karyotype(mds):
    matrix = read_stage(mds, "matrix", schemas.MATRIX)
    states = matrix.loc[matrix["marker_id"] == "del_5q", "state"].value_counts().to_dict()
    # 13 karyotypes are empty; 73 hold del(5)(q..), and 8 say it otherwise: del(5)(?q..), del(5q..), del5q, 5q-
    assert states["not_assessed"] == 13
    assert states["present"] == 81


def test_mds_says_that_it_cannot_tell_prognostic_from_predictive(mds):
    plan = json.loads((mds / "associate" / "plan.json").read_text())
    assert "cannot tell" in plan["claim"]


def test_mds_only_del5q_patients_have_clinical_evidence_of_resistance(mds, checkout):
    stages.report(checkout / "config" / "cohorts" / "mds_lenalidomide.yaml", mds)
    rows = json.loads((mds / "report" / "patients.json").read_text(encoding="utf-8"))["patients"]
    states = read_stage(mds, "matrix", schemas.MATRIX)
    present = states[states["state"] == "present"]
    # the read statements of grades A to C on resistance in del(5q) disease: TP53 and CSNK1A1
    carriers = set(present.loc[present["marker_id"].isin(["tp53_mutation", "csnk1a1_mutation"]), "patient_id"])
    who = Cohort.read(mds / "cohort").patients.set_index("patient_id")["who_2016"]
    expected = {name for name in carriers if who[name] == "MDS-del5q"}
    assert {row["patient_id"] for row in rows if row["reading"]["level"] == "clinical"} == expected
    assert 0 < len(expected) < len(carriers)


def test_mds_two_hits_of_tp53_are_both_copies(mds):
    table = read_stage(mds, "matrix", schemas.ALLELIC_STATES)
    counts = table[table["gene"] == "TP53"]["state"].value_counts()
    multi = results_of(mds, endpoint="os_from_sampling", model="joint").set_index("marker_id")["carriers"]
    assert counts.to_dict() == {"bi_allelic": multi["tp53_multi_hit"], "mono_allelic": multi["tp53_mono_allelic"]}


def test_reddy_myd88_and_cd79b_go_together_beyond_the_burden(reddy):
    # MYD88 and CD79B mark the same (MCD) subtype: Schmitz 2018, doi:10.1056/NEJMoa1801445
    table = read_stage(reddy, "matrix", schemas.COOCCURRENCE)
    found = table[table["q_value"] < 0.05]
    assert set(zip(found["gene_1"], found["gene_2"], found["tendency"], strict=True)) == {("CD79B", "MYD88", "together")}
    assert (table["expected"] <= table[["n_1", "n_2"]].min(axis=1)).all()


def test_reddy_abc_v_gcb_overall_survival(reddy):
    table = results_of(reddy, endpoint="os", model="crude", marker_id="subtype:ABC")
    assert len(table) == 1
    row = table.iloc[0]
    assert ratio(row) == (1.51, 1.14, 2.01)
    assert (row["n"], row["events"]) == (625, 196)


def test_reddy_has_1001_patients_and_nobody_had_an_imid(reddy):
    cohort = Cohort.read(reddy / "cohort")
    assert len(cohort.patients) == 1001
    assert not cohort.patients["imid"].any()
    assert cohort.calls["sample_id"].nunique() == 972
    plan = json.loads((reddy / "associate" / "plan.json").read_text())
    assert "prognostic" in plan["claim"]


@pytest.mark.parametrize(
    ("endpoint", "responders", "gene", "carriers", "p_value"),
    [("complete_response", 765, "gene:BCL2", 85, 0.006), ("response", 853, "gene:CARD11", 83, 0.007)],
)
def test_reddy_no_gene_is_associated_with_response(reddy, endpoint, responders, gene, carriers, p_value):
    table = results_of(reddy, endpoint=endpoint)
    genes = table[table["marker_id"].str.startswith("gene:")]
    assert (genes["q_value"].dropna() >= 0.05).all()  # crude and adjusted
    crude = genes[genes["model"] == "crude"]
    assert crude["q_value"].notna().sum() > 130
    best = crude.sort_values("p_value").iloc[0]
    assert (best["n"], best["events"]) == (922, responders)
    assert (best["marker_id"], best["carriers"]) == (gene, carriers)
    assert round(best["p_value"], 3) == p_value


def test_reddy_every_gene_says_what_it_could_have_detected(reddy):
    """A negative result is worth its minimal detectable effect, which depends on carriers, not on what was found."""
    table = results_of(reddy, endpoint="response")
    genes = table[table["marker_id"].str.startswith("gene:") & table["p_value"].notna()]
    assert set(genes["model"]) == {"crude", "adjusted"}
    assert genes["detectable_effect"].notna().all()
    crude = genes[genes["model"] == "crude"].sort_values("carriers")
    assert (genes["detectable_effect"].abs() > 0).all()
    rare, common = crude["detectable_effect"].abs().head(20).median(), crude["detectable_effect"].abs().tail(20).median()
    assert rare > common


TISSUES = [("myeloma", 18, 2.6e-5), ("lymphoma", 62, 1.2e-10), ("leukemia", 76, 1.2e-18)]


@pytest.mark.parametrize(("tissue", "lines", "p_value"), TISSUES)
def test_gdsc_tissues_differ_in_their_response_to_lenalidomide(gdsc, tissue, lines, p_value):
    row = results_of(gdsc, marker_id=f"tissue:{tissue}", model="crude").iloc[0]
    assert (row["n"], row["carriers"]) == (848, lines)
    assert float(f"{row['p_value']:.1e}") == p_value
    assert row["effect"] < 0  # more sensitive


@pytest.mark.parametrize("model", ["crude", "adjusted"])
def test_gdsc_nothing_survives_within_lymphoma_and_myeloma(gdsc, model):
    table = results_of(gdsc, population="lymphoma_myeloma", model=model)
    features = table[table["marker_id"].str.startswith("feature:")]
    assert len(features) == 678
    assert features["q_value"].notna().sum() > 150
    assert (features["q_value"].dropna() > 0.05).all()
    assert set(features["n"]) == {80}


def test_gdsc_the_best_gain_is_cul2_and_rests_on_the_test(gdsc, shared):
    """Three lines: p 4e-4 by a t test or a linear model with tissue, .009 by Wilcoxon's exact test."""
    from scipy import stats

    name = "gain_cnaPANCAN28_(CUL2,EPC1)"
    table = results_of(gdsc, population="lymphoma_myeloma", marker_id=f"feature:{name}").set_index("model")
    features = pd.read_csv(shared / "cohorts" / "gdsc_lenalidomide" / "genomic_features_v17.csv.gz").set_index("COSMIC_ID")
    response = pd.read_csv(shared / "cohorts" / "gdsc_lenalidomide" / "IC50_v17.csv.gz").set_index("COSMIC_ID")["Drug_1020_IC50"]
    both = features[features["TISSUE_FACTOR"].isin(["lymphoma", "myeloma"])].join(response.dropna(), how="inner")
    gained, other = (both.loc[both[name] == state, "Drug_1020_IC50"].to_numpy() for state in (1, 0))
    assert (len(gained), len(other)) == (3, 77)
    assert round(stats.ttest_ind(gained, other).pvalue, 4) == 0.0004
    exact = stats.mannwhitneyu(gained, other, method="exact").pvalue
    assert table.loc["crude", "p_value"] == pytest.approx(exact, rel=1e-8)
    assert round(table.loc["adjusted", "p_value"], 4) == 0.0004
    mine = results_of(gdsc, population="lymphoma_myeloma", model="adjusted")
    gains = mine[mine["marker_id"].str.contains("feature:gain")]
    assert gains.sort_values("p_value")["marker_id"].iloc[0] == f"feature:{name}"


def test_hilton_eight_hazard_ratios_are_those_of_the_paper(hilton, shared):
    published = pd.read_csv(shared / "cohorts" / "hilton_lcr_2023" / "survival" / "cox_models.tsv", sep="\t")
    assert len(published) == 8
    origins = {"HSCT": "transplant", "Progression": "progression"}
    for _, expected in published.iterrows():
        endpoint = f"{expected['metric'].lower()}_from_{origins[expected['from']]}"
        row = results_of(hilton, endpoint=endpoint, marker_id=f"relapse_timing:{expected['term']}", model="crude").iloc[0]
        assert math.exp(row["effect"]) == pytest.approx(expected["estimate"], abs=1e-3)
        assert math.exp(row["ci_low"]) == pytest.approx(expected["conf.low"], abs=1e-3)
        assert math.exp(row["ci_high"]) == pytest.approx(expected["conf.high"], abs=1e-3)


def test_janke_log_ranks_are_those_of_the_paper(janke):
    table = results_of(janke, model="crude").set_index("label")["p_value"]
    asked = ["ctDNA after 5 fractions", "ctDNA after 10 fractions", "ctDNA at the end of radiotherapy"]
    assert [round(table[label], 4) for label in asked] == [0.0503, 0.0503, 0.0061]
    assert len(table) == 4


def test_reddy_myd88_is_mutated_more_often_in_abc(reddy):
    cohort = Cohort.read(reddy / "cohort")
    subtypes = read_stage(reddy, "subtype", schemas.SUBTYPES)
    coo = subtypes[subtypes["method"] == "label:rnaseq"].set_index("patient_id")["subtype"]
    effects = read_stage(reddy, "annotate", schemas.EFFECTS)
    variants = effects[(effects["gene"] == "MYD88") & ~effects["effect_class"].isin(["synonymous", "noncoding", "other"])]
    hit = cohort.calls.merge(variants, on=["build", "chrom", "pos", "ref", "alt"])["sample_id"].unique()
    share = coo.index.isin(hit) & coo.notna()
    assert {k: round(100 * share[coo == k].mean()) for k in ("ABC", "GCB")} == {"ABC": 30, "GCB": 7}


@pytest.mark.parametrize(("gene", "patients"), [("IKZF3", 26), ("IRF4", 38)])
def test_reddy_mutated_patients_per_gene(reddy, gene, patients):
    cohort = Cohort.read(reddy / "cohort")
    effects = read_stage(reddy, "annotate", schemas.EFFECTS)
    found = cohort.calls.merge(effects[effects["gene"] == gene], on=["build", "chrom", "pos", "ref", "alt"])
    assert found["sample_id"].nunique() == patients


def test_reddy_labels_stand_side_by_side(reddy):
    subtypes = read_stage(reddy, "subtype", schemas.SUBTYPES)
    counts = subtypes.dropna(subset="subtype").groupby("method").size().to_dict()
    labels = {name: n for name, n in counts.items() if name.startswith("label:")}
    assert labels == {"label:hans_label": 522, "label:nanostring": 200, "label:rnaseq": 775}


def test_reddy_genetic_methods_say_what_the_panel_cannot_see(reddy, shared):
    subtypes = read_stage(reddy, "subtype", schemas.SUBTYPES).set_index("method")
    rule, weights = subtypes.loc["lymphplex"], subtypes.loc["chapuy"]
    assert len(rule) == len(weights) == 1001
    table = pd.read_csv(shared / "cohorts/reddy_duke_2017/data_mutations.txt", sep="\t", comment="#", usecols=["Hugo_Symbol"])
    genes = set(table["Hugo_Symbol"])
    for row in (rule.iloc[0], weights.iloc[0]):
        missing = row["features_missing"].split(";")
        assert {"SV:BCL2", "SV:BCL6"} <= set(missing)  # nobody looked for structural variants
        assert not {name for name in missing if ":" not in name} & genes
    assert rule["flags"].str.contains("events_not_visible").all()
    assert not (weights["subtype"] == "C0").any()  # a third of the weight is not visible: absent is not 'not seen'
    assert weights["subtype"].isna().sum() > 0


def test_tcga_events_are_those_of_the_published_matrix_of_the_same_tumours(tcga, shared):
    """Eight of the 48 are among the 699 of DLBclass, called from other alignments by others."""
    from dataclasses import replace

    from resistance.subtype.cohort_events import events_of_cohort
    from resistance.subtype.events import read_events

    cohort = replace(Cohort.read(tcga / "cohort"), effects=read_stage(tcga, "annotate", schemas.EFFECTS))
    ours = events_of_cohort(cohort).table
    theirs = read_events(shared / "cohorts/dlbclass_699/DLBCL.699.163drivers.Sep_23_2022.tsv").table
    theirs = theirs[theirs.index.str.startswith("DLBC_")]
    theirs.index = ["TCGA-" + "-".join(name.split("_")[1:3]) for name in theirs.index]
    genes = [name for name in theirs.columns if (":" not in name or name.startswith("MYD88")) and name in ours.columns]
    both = [name for name in theirs.index if name in ours.index]
    assert len(both) == 8
    a, b = ours.loc[both, genes] >= 2, theirs.loc[both, genes] >= 2
    assert not (a & ~b).to_numpy().any()
    assert (a & b).to_numpy().sum() >= 50
    assert (ours.loc[both, genes].to_numpy() == theirs.loc[both, genes].to_numpy()).mean() > 0.98


def test_hilton_patients_carry_lymphgens_own_class(hilton, shared):
    subtypes = read_stage(hilton, "subtype", schemas.SUBTYPES).set_index("method").loc["lymphgen"]
    table = pd.read_csv(shared / "cohorts/hilton_lcr_2023/lymphgen/lymphgen_results.tsv", sep="\t", dtype=str).set_index(
        "sample_id"
    )
    called = subtypes.dropna(subset="subtype").set_index("patient_id")["subtype"]
    patients = [name for name in Cohort.read(hilton / "cohort").patients["patient_id"] if f"{name}_tumorA" in table.index]
    assert len(patients) > 10
    assert called.to_dict() == {name: table.loc[f"{name}_tumorA", "Subtype.Prediction"] for name in patients}


def test_tcga_runs_end_to_end_to_a_report(tcga, checkout):
    stages.report(checkout / "config" / "cohorts" / "tcga_dlbc.yaml", tcga)
    page = (tcga / "report" / "report.html").read_text(encoding="utf-8")
    assert "every association is prognostic" in page
    assert "-10 days" in page


def test_tcga_tables_hold_what_the_files_hold(tcga):
    cohort = Cohort.read(tcga / "cohort")
    assert len(cohort.patients) == 48
    assert cohort.calls["sample_id"].nunique() == 48
    assert len([name for name in cohort.expression.columns if name != "gene"]) == 28
    ends = cohort.endpoints
    assert ends.loc[ends["endpoint"] == "os", "event"].sum() == 5
    assert ends["excluded"].eq("negative time").sum() == 1
    assert len(results_of(tcga)) > 0


def test_tcga_has_a_cell_of_origin_for_its_28_transcriptomes_and_scores_that_the_analysis_asks(tcga):
    calls = read_stage(tcga, "subtype", schemas.SUBTYPES).set_index("patient_id")
    trained = calls[calls["method"] == "prps_st_wright210"]
    assert len(trained) == 48
    assert trained["subtype"].notna().sum() == 28
    assert (trained.loc[trained["subtype"].isna(), "reason"] == "no expression of the patient").all()
    # 28 scores do not show two groups: a score and no class
    mixed = calls[calls["method"] == "lps_wright210"]
    assert mixed["subtype"].isna().all()
    assert mixed["score"].notna().sum() == 28
    asked = results_of(tcga, marker_id="measure:NF-kB signature", endpoint="os")
    assert set(asked["n"]) == {27}  # one of the 28 has a negative follow-up


def test_tcga_a_gene_without_a_call_is_absent_because_the_exome_covers_it(tcga):
    matrix = read_stage(tcga, "matrix", schemas.MATRIX)
    crbn = matrix[matrix["marker_id"] == "tp53_mutation"]
    assert set(crbn["state"]) == {"present", "absent"}
