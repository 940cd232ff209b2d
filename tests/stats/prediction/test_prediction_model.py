"""A model on disk: the same bytes, the same predictions, and words when something does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from resistance.stats.prediction.learners import ElasticNet, Plain
from resistance.stats.prediction.model import Model, baseline_survival, from_json, model_from, predict, to_json
from resistance.stats.prediction.outcomes import binary, ordinal, survival
from resistance.stats.prediction.steps import Filter, Impute, QuantileCut, Scale

NAMES = ["age", "IPI", "CRBN", "IKZF1", "TP53", "hGE/mL"]


def trained(kind: str = "binary") -> tuple[Model, np.ndarray, object]:
    draw = np.random.default_rng(1)
    x = draw.normal(size=(80, 6))
    latent = 2 * x[:, 0] - 3 * x[:, 2] + draw.logistic(size=80)
    x[::9, 2] = np.nan
    outcome = {
        "binary": binary(latent > 0),
        "ordinal": ordinal(np.digitize(latent, [-1, 1])),
        "survival": survival(10 * np.exp(-latent), draw.random(80) < 0.7),
    }[kind]
    steps = (Impute(), Filter(4), QuantileCut((0.5,), columns=(0,)), Scale())
    scorer = ElasticNet(n_lambdas=20, inner_folds=3).fit(steps, x, outcome, None, np.random.default_rng(0))
    model = model_from(scorer, x, outcome, NAMES, codings=["years"] + ["score"] * 5, time_unit="months", method="lasso")
    return model, x, scorer


def named(x: np.ndarray) -> dict[str, np.ndarray]:
    return {name: x[:, j] for j, name in enumerate(NAMES)}


@pytest.mark.parametrize("kind", ["binary", "ordinal", "survival"])
def test_a_saved_model_predicts_as_the_fitted_one(kind: str) -> None:
    model, x, scorer = trained(kind)
    back = from_json(to_json(model))
    assert back == model
    at = [2.0, 5.0] if kind == "survival" else []
    found = predict(back, named(x), times=at)
    np.testing.assert_allclose(found.linear_predictor, scorer.score(x), rtol=1e-10, atol=1e-12)
    expected = scorer.probability(x, np.array(at))
    np.testing.assert_allclose(found.risk_at if kind == "survival" else found.probability, expected, rtol=1e-9)
    if kind == "survival":
        np.testing.assert_allclose(found.risk, np.exp(found.linear_predictor))
        np.testing.assert_allclose(1 - found.risk_at, baseline_survival(back, at) ** found.risk[:, None], rtol=1e-9)
    elif kind == "binary":
        np.testing.assert_array_equal(found.risk, found.probability[:, 0])


def test_the_bytes_are_the_same_each_time_and_hold_no_nan() -> None:
    model, _, _ = trained("survival")
    text = to_json(model)
    assert text == to_json(from_json(text)) == to_json(trained("survival")[0])
    assert "NaN" not in text
    assert "Infinity" not in text
    found = json.loads(text)
    assert list(found) == sorted(found)
    assert found["n"] == 80
    assert found["digest"].startswith("sha256:")
    assert {f["name"]: f["coding"] for f in found["features"]}["CRBN"] == "score"


def test_missing_and_out_of_range_values_are_filled_and_counted() -> None:
    model, x, _ = trained()
    names = [feature.name for feature in model.features]
    assert "CRBN" in names
    new = {name: np.array([0.0, 0.1, 0.2]) for name in NAMES}
    new["CRBN"] = np.array([np.nan, 99.0, 0.2])
    found = predict(model, new)
    j = names.index("CRBN")
    assert (found.n_missing[j], found.n_out_of_range[j]) == (1, 1)
    assert found.patient_missing.tolist() == [1, 0, 0]
    assert found.patient_out_of_range[1] >= 1
    assert any(note.startswith("CRBN: missing in 1 of 3") for note in found.notes)
    filled = {**new, "CRBN": np.array([np.nanmedian(x[:, 2]), 99.0, 0.2])}
    assert predict(model, filled).linear_predictor == pytest.approx(found.linear_predictor)


def test_order_and_further_columns_do_not_matter() -> None:
    model, x, _ = trained()
    one = predict(model, named(x)).risk
    other = predict(model, dict(reversed([*named(x).items(), ("other", np.full(80, np.nan))]))).risk
    np.testing.assert_array_equal(one, other)
    assert predict(model, {name: [] for name in NAMES}).risk.size == 0


def test_a_feature_that_is_not_there_is_named() -> None:
    model, x, _ = trained()
    columns = named(x)
    del columns["CRBN"]
    with pytest.raises(ValueError, match=r"the model needs CRBN \(1 of \d features are not there\)"):
        predict(model, columns)


def test_wrong_columns_are_refused_in_words() -> None:
    model, x, _ = trained()
    with pytest.raises(ValueError, match="CRBN has 3 values"):
        predict(model, {**named(x), "CRBN": np.zeros(3)})
    with pytest.raises(ValueError, match="infinite"):
        predict(model, {**named(x), "CRBN": np.full(80, np.inf)})
    with pytest.raises(ValueError, match="does not hold numbers"):
        predict(model, {**named(x), "CRBN": np.array(["wt"] * 80)})
    with pytest.raises(ValueError, match="knows no time"):
        predict(model, named(x), times=[1.0])
    bare = replace(model, features=tuple(replace(f, impute=None) for f in model.features))
    with pytest.raises(ValueError, match="none to fill in"):
        predict(bare, named(x))


def test_risk_beyond_the_training_follow_up_is_not_given() -> None:
    model, x, _ = trained("survival")
    found = predict(model, named(x), times=[0.0, model.max_time, model.max_time + 1])
    assert (found.risk_at[:, 0] == 0).all()
    assert np.isfinite(found.risk_at[:, 1]).all()
    assert np.isnan(found.risk_at[:, 2]).all()
    assert found.notes[-1].endswith("months, the longest follow-up in training")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(version=2), "version 2; this program reads version 1"),
        (lambda d: d["features"][0].update(coef=9.0), "altered after it was saved"),
        (lambda d: d.pop("digest"), "altered after it was saved"),
        (lambda d: d.update(format="x"), "not a resistance prediction model"),
    ],
)
def test_an_altered_file_is_refused(change: object, words: str) -> None:
    found = json.loads(to_json(trained()[0]))
    change(found)
    with pytest.raises(ValueError, match=words):
        from_json(json.dumps(found))


def test_reindenting_a_file_is_not_altering_it() -> None:
    model, _, _ = trained()
    assert from_json(json.dumps(json.loads(to_json(model)))) == model


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"format": 1}'])
def test_what_is_no_model_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="model: not"):
        from_json(text)


def signed(change: dict) -> str:
    from resistance.stats.prediction.model import _digest

    body = json.loads(to_json(trained()[0]))
    body.pop("digest")
    for key, value in change.items():
        if value is None:
            body.pop(key)
        else:
            body[key] = value
    return json.dumps({**body, "digest": _digest(body)})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"thresholds": None}, "the field 'thresholds' is missing"),
        ({"thresholds": ["a"]}, "wrong kind"),
        ({"thresholds": [0.0, 1.0]}, "2 thresholds, 1 are needed"),
        ({"kind": "count"}, "the kind 'count'"),
        ({"features": [3]}, "wrong kind"),
        ({"baseline_times": [1.0]}, "differ in number"),
    ],
)
def test_a_model_that_contradicts_itself_is_refused_even_with_its_digest(change: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        from_json(signed(change))


def test_names_and_steps_must_fit() -> None:
    draw = np.random.default_rng(2)
    x, y = draw.normal(size=(30, 2)), binary(np.arange(30) % 2)
    scorer = Plain().fit((), x, y, None, draw)
    with pytest.raises(ValueError, match="2 different names"):
        model_from(scorer, x, y, ["a", "a"])
    twice = Plain().fit((Scale(), Scale()), x, y, None, draw)
    with pytest.raises(ValueError, match="impute, then cut, then scale"):
        model_from(twice, x, y, ["a", "b"])
    bare = model_from(scorer, x, y, ["a", "b"])
    with pytest.raises(ValueError, match="none to fill in"):
        predict(bare, {"a": [np.nan], "b": [1.0]})


def test_an_intercept_alone_is_a_model(tmp_path: Path) -> None:
    draw = np.random.default_rng(2)
    x, y = draw.normal(size=(40, 3)), binary(np.arange(40) % 4 == 0)
    scorer = Plain().fit((Filter(0),), x, y, None, draw)
    model = model_from(scorer, x, y, ["a", "b", "c"])
    (tmp_path / "model.json").write_text(to_json(model), encoding="utf-8")
    found = predict(from_json((tmp_path / "model.json").read_text(encoding="utf-8")), {"a": [1.0, 2.0]})
    assert not model.features
    np.testing.assert_allclose(found.risk, [0.25, 0.25], rtol=1e-6)
