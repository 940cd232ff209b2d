"""Prediction models: a planted signal is found, noise is not, and what cannot be trained is refused in words."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from predict_study import asked

from resistance.errors import InputError
from resistance.predict.apply import apply_model, columns_from_cohort, columns_from_table, read_model
from resistance.predict.performance import gain_words
from resistance.predict.tasks import describe, make_tasks
from resistance.predict.train import Trained, train


@pytest.fixture(scope="module")
def trained(study: Any) -> Trained:
    """The signal, and ipi, predict response."""
    return train(make_tasks(study.source(asked(features=["markers", "measures"]))), 7)


def number(found: Trained, model: str, metric: str, judged: str = "cross_validated", what: str = "estimate") -> float:
    rows = found.tables["performance"].query("model == @model and metric == @metric and judged == @judged")
    assert len(rows) == 1
    return float(rows.iloc[0][what])


def refusal(study: Any, **changes: Any) -> str:
    (task,) = make_tasks(study.source(asked(**changes)))
    found = train([task], 7)
    row = found.tables["performance"].iloc[0]
    assert (row["judged"], row["note"]) == ("refused", task.refused)
    assert pd.isna(row["estimate"])
    assert not found.models
    return task.refused


def test_a_planted_signal_is_found_beyond_the_clinic(trained: Trained) -> None:
    assert number(trained, "both", "auc") > 0.65
    assert number(trained, "both", "gain_auc", what="ci_low") > 0
    assert abs(number(trained, "both", "auc", "permuted_labels") - 0.5) < 0.1
    full = trained.tables["selection"].query("model == 'both'").set_index("feature")["coefficient"]
    assert full.abs().idxmax() == "SIGNAL"


def test_the_slope_has_an_interval_and_the_bootstrap_a_632_plus(study: Any, trained: Trained) -> None:
    from resistance.predict.train import STEPS, learner_of
    from resistance.stats.prediction.plus632 import plus_632

    slope, low, high = (number(trained, "both", "calibration_slope", what=x) for x in ("estimate", "ci_low", "ci_high"))
    assert low < slope < high
    assert low < 1
    assert number(trained, "both", "calibration_intercept", what="ci_low") < 0 < high
    (task,) = make_tasks(study.source(asked(features=["markers", "measures"])))
    table = np.column_stack([c.value for c in task.columns_of("clinical")])
    alone = plus_632(
        table, task.outcome, seed=7, learner=learner_of(task, "clinical"), steps=STEPS, n_bootstraps=task.asked.bootstraps
    )
    for metric, index in (("auc", "C"), ("brier", "B"), ("misclassified", "error")):
        assert number(trained, "clinical", metric, "plus_632") == pytest.approx(alone.of(index), rel=1e-9)
    apparent = number(trained, "both", "auc", "apparent")
    assert 0.5 < number(trained, "both", "auc", "plus_632") < apparent
    note = trained.tables["performance"].query("model == 'both' and judged == 'plus_632' and metric == 'auc'")["note"].iloc[0]
    assert note.startswith("relative overfitting 0.")


def test_pure_noise_has_an_auc_about_one_half_and_no_gain(study: Any) -> None:
    found = train(make_tasks(study.source(asked(features=["NOISE", "HALF", "measures"], bootstraps=0))), 7)
    assert abs(number(found, "molecular", "auc") - 0.5) < 0.12
    low, high = (number(found, "both", "gain_auc", what=x) for x in ("ci_low", "ci_high"))
    assert low <= 0 <= high
    rows = found.tables["performance"].query("model == 'both' and metric == 'gain_auc'")
    assert rows.iloc[0]["note"] == "the interval holds 0: no gain over the clinical baseline is shown"


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(study: Any) -> None:
    source = study.source(asked(bootstraps=2, permutations=1, repeats=1))
    one, two, other = (train(make_tasks(source), seed) for seed in (7, 7, 8))
    assert one.models == two.models
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, two.tables[name], check_exact=True)
    assert not one.tables["predictions"]["risk"].equals(other.tables["predictions"]["risk"])


def test_a_saved_model_gives_the_stored_predictions_of_its_own_patients(study: Any, trained: Trained, tmp_path: Any) -> None:
    assert sorted(trained.models) == ["response.clinical.json", "response.json", "response.molecular.json"]
    for file, name in (("response.json", "both"), ("response.clinical.json", "clinical")):
        path = tmp_path / file
        path.write_text(trained.models[file], encoding="utf-8")
        model = read_model(path)
        source = study.source(asked(features=["markers", "measures"]))
        found, _ = apply_model(model, *columns_from_cohort(model, source)[:2])
        rows = trained.tables["predictions"]
        stored = rows[rows["model"] == name].set_index("patient_id")["fitted"]
        mine = found.set_index("patient_id")["risk"].reindex(stored.index)
        np.testing.assert_allclose(mine, stored, rtol=1e-9)
        frame = table_of(model, source)
        again, _ = apply_model(model, *columns_from_table(model, frame, tmp_path / "t.tsv")[:2])
        np.testing.assert_allclose(again["risk"], found["risk"], rtol=1e-12)


def table_of(model: Any, source: Any) -> pd.DataFrame:
    """The model's features as somebody would write them: classes by name, states as words."""
    patients, columns, _ = columns_from_cohort(model, source)
    out = {"patient_id": patients}
    for name, column in columns.items():
        base = name.partition("=")[0]
        if base == "subtype":
            given = source.subtypes.set_index("patient_id")["subtype"].reindex(patients)
            out[base] = given.fillna("NA").astype(str).tolist()
        elif column.coding == "1 present, 0 absent":
            words = {1.0: "present", 0.0: "absent"}
            out[name] = [words.get(x, "not_assessed") for x in column.value]
        else:
            out[name] = ["NA" if np.isnan(x) else repr(float(x)) for x in column.value]
    return pd.DataFrame(out)


def test_not_assessed_is_filled_with_the_mean_and_counted_never_absent(trained: Trained) -> None:
    row = trained.tables["selection"].query("model == 'molecular' and feature == 'HALF'").iloc[0]
    assert (row["known"], row["imputed"]) == (98, 49)
    per_patient = trained.tables["predictions"].query("model == 'molecular'").set_index("patient_id")["imputed"]
    assert per_patient["P003"] == 1
    assert per_patient["P004"] == 0


def test_columns_are_left_out_without_a_look_at_the_outcome_and_named(study: Any) -> None:
    (task,) = make_tasks(study.source(asked()))
    assert dict(task.left_out) == {"NOBODY": "the same in everybody (0)", "BLIND": "not known of 133 of 147 patients"}
    assert task.excluded == {"not evaluable": 3}


def test_ordinal_and_survival_endpoints_have_their_targets(study: Any) -> None:
    quick = {"repeats": 1, "permutations": 1, "bootstraps": 0}
    found = train(
        make_tasks(study.source(asked(endpoint="depth", **quick), asked("os", endpoint="os", horizon_days=365, **quick))), 7
    )
    targets = found.tables["predictions"].groupby("prediction")["target"].unique()
    assert list(targets["response"]) == ["above PD", "above SD", "above PR"]
    assert list(targets["os"]) == ["event by day 365"]
    assert found.tables["predictions"]["risk"].between(0, 1).all()
    curve = found.tables["calibration"].query("prediction == 'os' and model == 'both'")
    assert curve["n"].sum() == 150
    assert number(found_of(found, "os"), "molecular", "c") > 0.5
    # calibration by the horizon, of the predictions as they are stored
    from resistance.stats.prediction.survival_calibration import survival_calibration

    (task,) = make_tasks(study.source(asked("os", endpoint="os", horizon_days=365, **quick)))
    risk = found.tables["predictions"].query("prediction == 'os' and model == 'molecular'")["risk"]
    direct = survival_calibration(task.outcome.values, task.outcome.event, risk, 365)
    mine = found_of(found, "os")
    assert number(mine, "molecular", "observed_expected") == pytest.approx(direct.ratio, rel=1e-8)
    assert number(mine, "molecular", "observed_expected", what="ci_low") == pytest.approx(direct.ratio_ci_low, rel=1e-8)
    assert number(mine, "molecular", "horizon_slope") == pytest.approx(direct.slope, rel=1e-6)
    assert number(mine, "molecular", "horizon_intercept", what="ci_high") == pytest.approx(direct.intercept_ci_high, abs=1e-6)


def found_of(found: Trained, name: str) -> Trained:
    return Trained({key: t[t["prediction"] == name] for key, t in found.tables.items()}, found.models)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"endpoint": "none"}, "the endpoint is the same in everybody"),
        ({"population": "few"}, "too few events"),
        ({"min_events": 100}, "and 100 are needed"),
        ({"endpoint": "os", "horizon_days": 99999}, "nobody is followed beyond day 99999"),
        ({"features": ["NOBODY", "BLIND"]}, "no molecular column can be used"),
        ({"features": ["SIGNAL", "MIRROR"]}, "MIRROR is the endpoint itself in every patient"),
    ],
)
def test_what_cannot_be_trained_is_a_row_that_says_why(study: Any, changes: dict[str, Any], words: str) -> None:
    assert words in refusal(study, **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"endpoint": "ic50"}, "needs a binary, ordinal or time_to_event endpoint"),
        ({"endpoint": "os"}, "needs 'horizon_days'"),
        ({"horizon_days": 30}, "knows no time"),
        ({"clinical": ["ipl"]}, "did you mean ipi?"),
        ({"features": ["marker"]}, "did you mean markers?"),
        ({"features": ["genes"]}, "needs 'genes: all_mutated'"),
        ({"features": ["SIGNAL", "SIGNAL"]}, "names 'SIGNAL' twice"),
        ({"name": "../up"}, "should match pattern"),
    ],
)
def test_a_wrong_cohort_file_is_refused_before_any_data(study: Any, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words.replace("?", r"\?").replace("..", r"\.\.")):
        study.config({**asked(), **changes})


def test_an_unknown_marker_is_named_with_the_nearest(study: Any) -> None:
    with pytest.raises(InputError, match=r"value 'SIGNAI': no such marker. Did you mean 'SIGNAL'\?"):
        make_tasks(study.source(asked(features=["SIGNAI"])))


def test_the_plan_holds_settings_seed_and_patients_and_its_digest_changes_with_them(study: Any) -> None:
    def plan(seed: int = 7, **changes: Any) -> dict[str, Any]:
        source = study.source(asked(**changes), seed=seed)
        return describe(make_tasks(source), source, {})

    one = plan()
    assert (one["seed"], one["predictions"][0]["settings"]["repeats"], one["predictions"][0]["patients"]) == (7, 2, 147)
    assert json.loads(json.dumps(one)) == one
    assert len({one["digest"], plan(seed=8)["digest"], plan(alpha=1.0)["digest"]}) == 3
    assert plan()["digest"] == one["digest"]


def test_no_prediction_asked_for_is_no_work(study: Any) -> None:
    found = train(make_tasks(study.source()), 7)
    assert not found.models
    assert all(len(table) == 0 for table in found.tables.values())


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        ((0.1, 0.02, 0.2), "better than the clinical baseline"),
        ((0.1, 0.0, 0.2), "the interval holds 0: no gain over the clinical baseline is shown"),
        ((-0.1, -0.2, -0.05), "worse than the clinical baseline"),
        ((0.1, float("nan"), float("nan")), "no interval: nothing can be said of a gain"),
        ((float("nan"), 0.0, 0.0), "no gain can be estimated"),
    ],
)
def test_a_gain_is_claimed_only_where_its_interval_leaves_out_0(gain: tuple[float, float, float], words: str) -> None:
    assert gain_words(*gain) == words
