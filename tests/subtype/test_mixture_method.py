"""The mixture as a method: planted clusters, the saved file, panels, and what it says of itself."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from resistance.cli import cli
from resistance.cohort import Cohort
from resistance.config import Subtype
from resistance.errors import InputError
from resistance.subtype import mixture
from resistance.subtype.events import check_events
from resistance.subtype.saved import method_of_file


def planted(n=200, seed=0):
    rng = np.random.default_rng(seed)
    z = np.where(np.arange(n) < 0.6 * n, 0, 1)
    p = np.full((2, 10), 0.05)
    p[0, :5], p[1, 5:] = 0.8, 0.8
    x = (rng.random((n, 10)) < p[z]) * 2
    rare = np.zeros((1, n), dtype=int)
    rare[0, 0] = 1
    return pd.DataFrame(
        np.vstack([x.T, rare]), index=[*(f"GENE{i}" for i in range(10)), "RARE"], columns=[f"S{i}" for i in range(n)]
    ), z


@pytest.fixture(scope="module")
def fitted():
    table, z = planted()
    return mixture.fit_mixture(check_events(table)), table, z


def test_clusters_are_numbered_by_size_and_the_rare_event_is_left_out(fitted):
    model, table, z = fitted
    assert model.classes == ("G1", "G2")
    assert "RARE" not in model.events
    assert model.training == {"n": 200, "events_left_out": 1, "seed": 1}
    assert sorted(model.tried) == list(range(2, 9))
    rows = mixture.call(model, check_events(table))
    found = np.array([row["subtype"] == "G2" for row in rows])
    assert (found == (z == 1)).mean() > 0.98
    assert all(row["reason"].startswith(row["subtype"]) for row in rows)


def test_any_code_above_zero_is_present_and_na_is_not_seen():
    events = check_events(pd.DataFrame({"S": {"TP53": 1, "B2M": 3, "EZH2": 0, "FAS": "NA"}}))
    np.testing.assert_array_equal(mixture.present(events, ["TP53", "B2M", "EZH2", "FAS", "PIM1"])[0], [1, 1, 0, np.nan, np.nan])


def test_a_saved_mixture_assigns_alike_and_its_posterior_is_wider_on_a_panel(fitted, tmp_path):
    model, table, _ = fitted
    path = tmp_path / "x.json"
    path.write_text(mixture.to_json(model))
    back = mixture.read_mixture(path)
    assert mixture.to_json(back) == mixture.to_json(model)
    assert mixture.call(back, check_events(table)) == mixture.call(model, check_events(table))
    panel = mixture.call(back, check_events(table.loc[["GENE0", "GENE1", "GENE5", "GENE6"]]), max_weight_missing=0.9)
    full = mixture.call(back, check_events(table))
    assert np.mean([row["probability"] for row in panel]) < np.mean([row["probability"] for row in full])
    assert panel[0]["features_missing"].split(";") == [f"GENE{i}" for i in (2, 3, 4, 7, 8, 9)]
    assert mixture.call(back, check_events(table.loc[["GENE0", "GENE1"]]))[0]["reason"].startswith("not called: 8 of 10")
    method = method_of_file(path, "model:x")
    calls = method.classify_table(table)
    assert calls["subtype"].tolist() == [row["subtype"] for row in full]
    assert set(calls["method"]) == {"model:x"}


def test_the_information_of_an_event_is_the_mutual_information_written_out(fitted):
    model, _, _ = fitted
    w, p = model.fit.weights, model.fit.probabilities
    for j in range(3):
        overall = sum(w[c] * p[c, j] for c in range(2))
        expected = sum(
            w[c] * (p[c, j] * np.log(p[c, j] / overall) + (1 - p[c, j]) * np.log((1 - p[c, j]) / (1 - overall))) for c in range(2)
        )
        assert mixture.information(model)[j] == pytest.approx(expected)


def test_an_altered_file_and_impossible_fits_are_refused(fitted, tmp_path):
    model, table, _ = fitted
    path = tmp_path / "x.json"
    path.write_text(mixture.to_json(model).replace("GENE0", "GENE99", 1))
    with pytest.raises(InputError, match="altered"):
        mixture.read_mixture(path)
    body = json.loads(mixture.to_json(model))
    with pytest.raises(ValueError, match="do not fit together"):
        mixture.from_body(body | {"events": body["events"][:-1]})
    with pytest.raises(InputError, match="no event is found in 95% of the samples"):
        mixture.fit_mixture(check_events(table), min_frequency=0.95)
    with pytest.raises(InputError, match="3 samples with an event that could be seen cannot be 5 classes"):
        mixture.fit_mixture(check_events(table.iloc[:, :3]), classes=[5])


def test_train_mixture_from_the_command_line(tmp_path, fitted):
    fitted[1].rename_axis("gene").to_csv(tmp_path / "m.tsv", sep="\t")
    run = CliRunner()
    told = run.invoke(cli, ["subtype", "train", "mixture", "--matrix", f"{tmp_path}/m.tsv", "--classes", "1-3", "--out", f"{tmp_path}/x.json"], catch_exceptions=False)  # fmt: skip
    assert told.exit_code == 0
    assert "2 clusters (G1 " in told.output
    assert told.output.count("icl with ") == 3
    wrong = run.invoke(cli, ["subtype", "train", "mixture", "--matrix", f"{tmp_path}/m.tsv", "--classes", "8-2", "--out", f"{tmp_path}/x.json"])  # fmt: skip
    assert wrong.exit_code == 2
    assert "the lower number first" in wrong.output.replace("\n", " ").replace("│", "").replace("  ", " ")


def test_a_patient_with_many_samples_counts_once_in_the_fit(tmp_path):
    table, _ = planted(80)
    later = pd.DataFrame({f"S0_{i}": table["S70"] for i in range(40)})  # P0 at forty relapses, of the other cluster
    found = {}
    for name, matrix in (("one", table), ("many", pd.concat([table, later], axis=1))):
        matrix.to_csv(tmp_path / f"{name}.tsv", sep="\t")
        samples = [(s, f"P{s[1:].partition('_')[0]}", "tumour", "relapse" if "_" in s else "baseline", 0.0) for s in matrix]
        cohort = Cohort(
            facts={"build": "GRCh38"},
            patients=pd.DataFrame({"patient_id": [f"P{i}" for i in range(80)]}),
            samples=pd.DataFrame(samples, columns=["sample_id", "patient_id", "material", "timepoint", "day"]),
        )
        settings = Subtype.model_validate(
            {"methods": ["mixture"], "genetic": {"events": {"file": str(tmp_path / f"{name}.tsv")}}}
        )
        found[name] = mixture.classify(cohort, settings).subtypes
    assert found["one"]["subtype"].nunique() == 2
    pd.testing.assert_series_equal(found["one"]["probability"], found["many"]["probability"], check_exact=True)
    assert found["many"]["reason"].iloc[0].endswith("40 other sample(s) of the patient not shown here")


def test_the_reason_does_not_depend_on_the_order_of_the_events(fitted):
    _, table, _ = fitted
    older = table.rename(index={"GENE0": "HIST1H1E", "GENE1": "MLL2"})
    reasons = [mixture.classify_table(part)["reason"].iloc[0] for part in (older, older.iloc[::-1])]
    assert reasons[0] == reasons[1]
    assert "HIST1H1E = H1-4, MLL2 = KMT2D" in reasons[0]
