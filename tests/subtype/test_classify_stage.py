"""The stage ``classify`` and the check: from a cohort to four tables, the same bytes each time; what cannot be called is told before a run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml

from resistance import check, schemas, stages
from resistance.cohort import Cohort
from resistance.config import load
from resistance.errors import Collected, InputError
from resistance.init import write_templates
from resistance.inputs import config_files, input_files
from resistance.layout import read_stage, write_stage
from resistance.provenance import record, sha256
from resistance.subtype import prps_st_wright210
from resistance.subtype.expression import from_frame
from resistance.subtype.genes import signature_aliases
from resistance.subtype.published import load_published
from resistance.subtype.signature import load_signatures
from resistance.tables import empty
from resistance.workflow import plan_work

GENES = load_signatures()["dlbcl90_coo"].genes


@pytest.fixture
def cohort_file(tmp_path):
    """Return a function that writes the templates' cohort file with a subtype section, stains and counts."""
    write_templates(tmp_path / "study")
    path = tmp_path / "study" / "cohort.yaml"

    def write(subtype, **sources):
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        raw["subtype"] = subtype
        raw |= sources
        path.write_text(yaml.safe_dump(raw), encoding="utf-8")
        return path

    return write


@pytest.fixture
def results(tmp_path):
    """Return results up to the annotation: three patients, stains of two, counts of two, a label of all."""
    samples = [(f"S{i}", f"P{i}") for i in (1, 2, 3)]
    counts = pd.DataFrame({"gene": list(GENES), "code_class": None, "S1": 1000.0, "S2": 1000.0})
    counts.loc[counts["gene"].isin(["IRF4", "PIM2"]), "S2"] = 60000.0
    stains = [("S1", "CD10", 80.0), ("S2", "CD10", 32.0), ("S2", "MYC", 50.0), ("S2", "BCL2", 90.0)]
    cohort = Cohort(
        facts={"build": "GRCh38", "name": "x"},
        patients=pd.DataFrame({"patient_id": ["P1", "P2", "P3"], "label:array": ["GCB", "GCB", "ABC"]}),
        samples=pd.DataFrame(samples, columns=["sample_id", "patient_id"]).assign(material="tumour", timepoint="baseline"),
        ihc=pd.DataFrame(stains, columns=["sample_id", "antibody", "percent_positive"]).assign(source="ihc.tsv"),
        nanostring=counts,
    )
    cohort.write(tmp_path / "results" / "cohort")
    write_stage(empty(schemas.EFFECTS), tmp_path / "results", "annotate", schemas.EFFECTS)
    return tmp_path / "results"


SUBTYPE = {"labels": [{"name": "array", "value": "COO"}], "methods": ["hans", "double_expressor", "dlbcl90_coo"], "use": "hans"}


def test_the_stage_writes_calls_scores_concordance_and_disagreements(cohort_file, results):
    path = cohort_file(SUBTYPE)
    stages.STAGES["classify"](path, results)
    calls = read_stage(results, "subtype", schemas.SUBTYPES)
    shown = {m: rows["subtype"].fillna("-").tolist() for m, rows in calls.groupby("method", sort=False)}
    assert shown == {
        "label:array": ["GCB", "GCB", "ABC"],
        "hans": ["GCB", "GCB", "-"],
        "double_expressor": ["-", "double_expressor", "-"],
        "dlbcl90_coo": ["GCB", "UNCLASSIFIED", "-"],
    }
    scores = read_stage(results, "subtype", schemas.SCORES)
    assert scores.groupby("name").size().to_dict() == {"dlbcl90_coo": 2, "nanostring_housekeeping": 2}
    pairs = read_stage(results, "subtype", schemas.CONCORDANCE)
    assert pairs[["method_1", "method_2", "n", "agree"]].to_numpy().tolist() == [
        ["label:array", "hans", 2, 2], ["label:array", "dlbcl90_coo", 1, 1], ["hans", "dlbcl90_coo", 1, 1],
    ]  # fmt: skip
    differ = read_stage(results, "subtype", schemas.DISAGREEMENTS)
    assert differ["patient_id"].tolist() == ["P2", "P2"]
    assert differ["why"].tolist() == [
        "dlbcl90_coo: between the classes",
        "hans: borderline; dlbcl90_coo: between the classes",
    ]


def test_the_same_cohort_gives_the_same_bytes(cohort_file, results):
    path = cohort_file(SUBTYPE)
    stages.STAGES["classify"](path, results)
    first = {file.name: file.read_bytes() for file in (results / "subtype").iterdir()}
    stages.STAGES["classify"](path, results)
    assert {file.name: file.read_bytes() for file in (results / "subtype").iterdir()} == first
    assert len(first) == 5


def test_a_low_quality_sample_is_no_marker_value(cohort_file, results):
    cohort = Cohort.read(results / "cohort")
    counts = cohort.nanostring.assign(S1=(cohort.nanostring["S1"] / 20).round())
    Cohort(facts=cohort.facts, patients=cohort.patients, samples=cohort.samples, nanostring=counts).write(results / "cohort")
    stages.STAGES["classify"](cohort_file(SUBTYPE), results)
    scores = read_stage(results, "subtype", schemas.SCORES).set_index(["sample_id", "name"])
    assert pd.isna(scores.loc[("S1", "dlbcl90_coo"), "value"])
    assert scores.loc[("S1", "dlbcl90_coo"), "note"].startswith("housekeeping genes too low for a score")
    assert scores.loc[("S2", "dlbcl90_coo"), "value"] == pytest.approx(
        1072.467 + (71.91688 + 71.80143) * 5.906890595608519, abs=1e-3
    )


def test_a_transcriptome_declared_as_nanostring_is_refused(cohort_file, results):
    cohort = Cohort.read(results / "cohort")
    more = pd.DataFrame({"gene": [f"G{i}" for i in range(3000)], "code_class": None, "S1": 5.0, "S2": 7.0})
    table = pd.concat([cohort.nanostring, more.astype({"code_class": "object"})], ignore_index=True)
    Cohort(facts=cohort.facts, patients=cohort.patients, samples=cohort.samples, nanostring=table).write(results / "cohort")
    with pytest.raises(
        InputError, match=r"3020 rows are no code set \(at most 1000\): these look like RNA-seq.*use the method lps"
    ):
        stages.STAGES["classify"](cohort_file(SUBTYPE), results)
    assert not (results / "subtype").exists()


def test_the_check_says_how_many_each_method_can_call_and_finds_what_a_run_would_refuse(cohort_file, tmp_path):
    path = cohort_file({"methods": ["hans"]})
    assert any(line.startswith("subtype hans: 0 of ") and "no IHC of CD10, BCL6 or MUM1" in line for line in check.check(path))
    names = pd.read_csv(path.parent / "samples.tsv", sep="\t").iloc[:, 0].astype(str)
    table = pd.DataFrame({"gene": [g for g in GENES if g != "MME"]}).assign(**dict.fromkeys(names, 500))
    table.to_csv(path.parent / "counts.tsv", sep="\t", index=False)
    path = cohort_file({"methods": ["dlbcl90_coo"]}, nanostring={"format": "counts", "file": "counts.tsv"})
    with pytest.raises(
        InputError, match=r"nanostring: dlbcl90_coo cannot be computed: the code set lacks MME \(5% of the weight"
    ):
        check.check(path)


def test_counts_of_rna_seq_without_the_reference_sample_stop_before_the_run(cohort_file):
    path = cohort_file({"methods": ["rnaseq_coo21", "rnaseq_dzsig28"]}, expression={"file": "counts.tsv", "unit": "counts"})
    for look in (check.check, lambda file: plan_work([file], {})):
        with pytest.raises(InputError) as found:
            look(path)
        assert str(found.value).startswith(f"{path}, column '(top level)'")
        assert "rnaseq_coo21 and rnaseq_dzsig28 need the reference sample of gneSeqCOO" in str(found.value)
        assert "name its file" in str(found.value)


def test_the_check_and_the_plan_read_the_reference_sample_and_the_classification_hangs_on_it(cohort_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = cohort_file({"methods": ["rnaseq_coo21"], "rnaseq_reference": "ref/goya.tsv"})
    file = path.parent / "ref" / "goya.tsv"
    for look in (check.check, lambda file: plan_work([file], {})):
        with pytest.raises(InputError, match=r"goya\.tsv"):
            look(path)
    file.parent.mkdir()
    own = [
        name
        for name, gene in signature_aliases().items()
        if gene in load_published()["rnaseq_coo21"].weights and name[:4] == "ENSG"
    ]
    genes = [*own, *(f"ENSG00009{i:06d}" for i in range(2000))]
    file.write_text("id\tref\n" + "".join(f"{gene}\t7\n" for gene in genes))
    assert f"reference sample of RNA-seq counts: {len(genes)} genes" in check.check(path)
    work = plan_work([path], {})
    assert work.classified == ("study/ref/goya.tsv",)
    assert "study/ref/goya.tsv" not in work.files
    config = load(path)
    inputs = record(config, path, input_files(config, path.parent))["inputs"]
    assert {"path": "ref/goya.tsv", "bytes": file.stat().st_size, "sha256": sha256(file)} in inputs
    file.write_text(file.read_text() + "ENSG00000000009\t-1\n")
    for look in (check.check, lambda file: plan_work([file], {})):
        with pytest.raises(
            InputError, match=rf"goya\.tsv, row {len(genes) + 2}, column 'ref', value '-1': the count is negative"
        ):
            look(path)


def test_the_check_opens_the_models_matrices_and_scores_that_the_run_would_need(cohort_file):
    subtype = {
        "models": [{"name": "ours", "file": "nowhere.json"}],
        "methods": ["model:ours", "chapuy", "mixture", "lymphgen"],
        "scores": ["nfkb", "nonsense"],
        "genetic": {
            "events": {"file": "events.tsv"}, "mixture": {"file": "mixture.json"}, "lymphgen": {"file": "lymphgen.tsv"},
        },
    }  # fmt: skip
    path = cohort_file(subtype)
    with pytest.raises(InputError) as found:
        check.check(path)
    told = str(found.value)
    for words in (
        "nowhere.json: the model is missing",
        "events.tsv: the table is missing",
        "mixture.json: the model is missing",
        "lymphgen.tsv",
        "column 'subtype.scores', value 'nonsense': there is no such score",
    ):
        assert words in told
    assert len(found.value.problems) == 5


def test_a_saved_model_among_the_methods_is_no_unknown_method_of_the_check(cohort_file):
    rng = np.random.default_rng(1)
    weights = load_published()["lps_wright210"].weights
    sign = np.sign(list(weights.values()))[:, None] * np.where(np.arange(40) < 20, 1, -1)[None, :]
    table = pd.DataFrame(rng.normal(8, 1, sign.shape) + sign, index=list(weights), columns=[f"X{j}" for j in range(40)])
    path = cohort_file({"models": [{"name": "ours", "file": "m.json"}], "methods": ["model:ours"], "use": "model:ours"})
    prps_st_wright210.train(from_frame(table, "log2")).write(path.parent / "m.json")
    assert any(
        line.startswith("subtype model:ours: 0 of 4 patients called; most of the others: no expression")
        for line in check.check(path)
    )


# --- gene sets of the study ------------------------------------------------------------------------------------------


@pytest.fixture
def with_expression(results, cohort_file):
    """Return a cohort file whose study has expression of 12 samples and a file of three gene sets."""
    x = pd.DataFrame(np.random.default_rng(0).normal(6, 1, (40, 12)), columns=[f"S{i}" for i in range(1, 13)])
    x.insert(0, "gene", [f"G{i}" for i in range(40)])
    ids = range(1, 13)
    cohort = Cohort(
        facts={"build": "GRCh38", "name": "x", "expression_unit": "log2"},
        patients=pd.DataFrame({"patient_id": [f"P{i}" for i in ids]}),
        samples=pd.DataFrame([(f"S{i}", f"P{i}") for i in ids], columns=["sample_id", "patient_id"]).assign(
            material="tumour", timepoint="baseline"
        ),
        expression=x,
    )
    cohort.write(results / "cohort")

    def write(*gene_sets):
        path = cohort_file({"gene_sets": list(gene_sets)})
        up = "\t".join(f"G{i}" for i in range(12))
        (path.parent / "own.gmt").write_text(f"UP\tof the lab\t{up}\tG0\nSMALL\t\tG1\tG2\nNONE\td\n", encoding="utf-8")
        return path

    return write


def test_gene_sets_of_the_study_become_scores_and_measurements_of_the_analysis(with_expression, results):
    path = with_expression({"file": "own.gmt", "method": "zscore"}, {"file": "own.gmt", "method": "ssgsea", "prefix": "s_"})
    stages.STAGES["classify"](path, results)
    scores = read_stage(results, "subtype", schemas.SCORES)
    assert scores.groupby("name").size().to_dict() == {"UP": 12, "SMALL": 12, "s_UP": 12, "s_SMALL": 12}
    x = Cohort.read(results / "cohort").expression.set_index("gene").iloc[:12]
    z = x.sub(x.mean(axis=1), axis=0).div(x.std(axis=1), axis=0).sum() / np.sqrt(12)
    found = scores[scores["name"] == "UP"].set_index("sample_id")["value"]
    np.testing.assert_allclose(found, z[found.index], rtol=1e-9)
    measured = stages._cohort(results).measurements
    assert set(measured["name"]) == {"UP", "s_UP"}


def test_what_a_file_of_gene_sets_loses_is_counted_once_however_often_it_is_named(with_expression, results):
    path = with_expression({"file": "own.gmt", "method": "zscore"}, {"file": "own.gmt", "method": "ssgsea", "prefix": "s_"})
    stages.STAGES["classify"](path, results)
    counted = read_stage(results, "subtype", schemas.DROPPED)
    assert counted[["stage", "table", "source", "reason", "n", "example"]].to_numpy().tolist() == [
        ["classify", "gene_sets", "own.gmt", "further mention of a gene in its set", 1, "UP: G0"],
        ["classify", "gene_sets", "own.gmt", "the gene set has no genes", 1, "NONE"],
    ]


def test_a_damaged_file_of_gene_sets_stops_the_stage_before_anything_is_written(with_expression, results):
    path = with_expression({"file": "own.gmt"})
    (path.parent / "own.gmt").write_text("UP TP53 MYC\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"own.gmt, row 1, value 'UP TP53 MYC': the line has no tab"):
        stages.STAGES["classify"](path, results)
    assert not (results / "subtype").exists()


def test_the_file_of_gene_sets_is_an_input_of_the_run(with_expression):
    path = with_expression({"file": "own.gmt"})
    config = load(path)
    assert path.parent / "own.gmt" in [named.path for named in config_files(config, path.parent)]


def test_the_check_says_how_many_sets_can_be_scored(with_expression, results):
    path = with_expression({"file": "own.gmt"}, {"file": "own.gmt", "method": "ssgsea", "min_genes": 1, "prefix": "s_"})
    found = Collected()
    said = check._gene_sets(Cohort.read(results / "cohort"), load(path), path.parent, found)
    found.stop()
    assert said == [
        "gene sets of own.gmt: 1 of 2 can be scored (gsva)",
        "gene sets of own.gmt: 2 of 2 can be scored (ssgsea)",
        "  1 in own.gmt: further mention of a gene in its set",
        "  1 in own.gmt: the gene set has no genes",
    ]


def test_the_check_says_that_there_is_no_expression_to_score_and_which_names_are_taken(with_expression, results):
    path = with_expression({"file": "own.gmt"})
    cohort, found = Cohort.read(results / "cohort"), Collected()
    bare = Cohort(facts=cohort.facts, patients=cohort.patients, samples=cohort.samples)
    assert (
        check._gene_sets(bare, load(path), path.parent, found)[0] == "gene sets: none can be scored, the cohort has no expression"
    )
    (path.parent / "own.gmt").write_text("nfkb\td\tG1\tG2\n", encoding="utf-8")
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    raw["subtype"]["scores"] = ["nfkb"]
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    assert check._gene_sets(cohort, load(path), path.parent, found) == []
    with pytest.raises(InputError, match=r"another score of the cohort file has the name of this gene set of own.gmt"):
        found.stop()
