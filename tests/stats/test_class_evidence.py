"""The classifier of coded events: its evidence, logits and completions written out, and planted classes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from resistance.stats.class_evidence import (
    calibrate,
    fit_class_evidence,
    fitted_blindness,
    fitted_temperature,
    missing_weight,
    predict_class_evidence,
)


def planted(n=240, d=30, k=3, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % k)
    p = np.full((k, d), 0.08)
    for c in range(k):
        p[c, c * 6 : c * 6 + 6] = 0.45
    x = np.where(rng.random((n, d)) < p[y], rng.choice([0.5, 1.0], size=(n, d)), 0.0)
    return x, y


@pytest.fixture(scope="module")
def fitted():
    x, y = planted()
    return fit_class_evidence(x, y, 3), x, y


def test_evidence_is_the_smoothed_log_odds_ratio_where_it_speaks_for_the_class(fitted):
    model, x, y = fitted
    for j in (0, 7, 29):
        for c in range(3):
            inside, outside = x[y == c, j] > 0, x[y != c, j] > 0
            own = math.log((inside.sum() + 2) / (len(inside) + 4))
            other = math.log((outside.sum() + 2) / (len(outside) + 4))
            assert model.evidence[j, c] == pytest.approx(max(own - other, 0), abs=1e-12)


def test_probabilities_are_the_softmax_of_the_logits_written_out(fitted):
    model, x, _ = fitted
    row = x[0]
    divided = row / math.sqrt((row**2).sum() + 1)
    total = [sum(divided[j] * model.evidence[j, c] for j in range(len(row))) / model.evidence_scale[c] for c in range(3)]
    logits = [
        model.intercept[c] + 3 * (divided @ model.event_coef[c]) + sum(total[e] * model.evidence_coef[c, e] for e in range(3))
        for c in range(3)
    ]
    top = [math.exp(value) for value in logits]
    np.testing.assert_allclose(predict_class_evidence(model, x[:1])[0], np.array(top) / sum(top), rtol=1e-10)
    half = [math.exp(value / 2) for value in logits]
    np.testing.assert_allclose(predict_class_evidence(calibrate(model, 2.0), x[:1])[0], np.array(half) / sum(half), rtol=1e-10)


def test_planted_classes_are_told_apart_in_new_samples(fitted):
    model, _, _ = fitted
    x, y = planted(seed=1)
    p = predict_class_evidence(model, x)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    true = np.full((3, 30), 0.08)
    for c in range(3):
        true[c, c * 6 : c * 6 + 6] = 0.45
    best = ((x > 0) @ np.log(true / (1 - true)).T + np.log1p(-true).sum(axis=1)).argmax(axis=1)
    assert (p.argmax(axis=1) == y).mean() > (best == y).mean() - 0.05


def test_a_sample_does_not_depend_on_the_others_nor_on_their_order(fitted):
    model, x, _ = fitted
    gaps = x[:20].copy()
    gaps[::2, :10] = np.nan
    together = predict_class_evidence(model, gaps)
    alone = np.vstack([predict_class_evidence(model, gaps[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(together, alone, rtol=1e-12)
    np.testing.assert_allclose(predict_class_evidence(model, gaps[::-1])[::-1], together, rtol=1e-12)


def test_what_is_hidden_makes_the_answer_less_sure_and_without_anything_it_is_near_the_shares(fitted):
    model, x, y = fitted
    model = calibrate(model, 1.0, 2.0)
    half, none = x.copy(), np.full_like(x, np.nan)
    half[:, ::2] = np.nan
    sure = [predict_class_evidence(model, part).max(axis=1).mean() for part in (x, half, none)]
    assert sure[0] > sure[1] + 0.1
    assert sure[1] > sure[2]
    np.testing.assert_allclose(predict_class_evidence(model, none[:1])[0], np.bincount(y) / len(y), atol=0.2)
    np.testing.assert_allclose(missing_weight(model, none[:1]), 1.0)
    assert missing_weight(model, x).max() == 0


def test_a_hidden_event_is_completed_not_taken_as_absent():
    """Class 1 has event 0 always, class 0 never: to know nothing of it must differ from knowing its absence."""
    y = np.arange(80) % 2
    rng = np.random.default_rng(0)
    x = np.column_stack([y.astype(float), (rng.random(80) < 0.5).astype(float)])
    model = fit_class_evidence(x, y, 2)
    absent, unknown = predict_class_evidence(model, np.array([[0.0, 0.0], [np.nan, 0.0]]))
    assert absent[0] > 0.85
    assert 0.3 < unknown[0] < 0.7


def test_blindness_divides_the_log_probabilities_by_the_hidden_weight(fitted):
    model, x, _ = fitted
    part = x[:5].copy()
    part[:, :6] = np.nan
    plain = predict_class_evidence(model, part)
    blind = predict_class_evidence(calibrate(model, 1.0, 3.0), part)
    power = plain ** (1 / (1 + 3 * missing_weight(model, part)))[:, None]
    np.testing.assert_allclose(blind, power / power.sum(axis=1, keepdims=True), rtol=1e-10)


def test_the_temperature_that_was_used_is_found_again():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3)) * 2
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = np.array([rng.choice(3, p=row) for row in p])
    sharp = np.exp(2 * logits) / np.exp(2 * logits).sum(axis=1, keepdims=True)
    assert fitted_temperature(p, y) == pytest.approx(1, abs=0.07)
    assert fitted_temperature(sharp, y) == pytest.approx(2, abs=0.14)
    assert fitted_blindness(sharp, y, np.full(4000, 0.5)) == pytest.approx(2, abs=0.3)


def test_unequal_membership_weighs_the_evidence():
    x, y = planted(n=60)
    sure = fit_class_evidence(x, y, 3)
    blurred = fit_class_evidence(x, y, 3, membership=np.full((60, 3), 1 / 3))
    np.testing.assert_allclose(blurred.evidence, blurred.evidence[:, :1] @ np.ones((1, 3)), atol=1e-12)
    assert sure.evidence.std(axis=1).max() > 0.2


def test_unseen_entries_in_training_are_left_out_of_the_counts():
    x, y = planted(n=60)
    x[:10, 3] = np.nan
    model = fit_class_evidence(x, y, 3)
    inside, outside = x[10:, 3][y[10:] == 0] > 0, x[10:, 3][y[10:] != 0] > 0
    expected = math.log((inside.sum() + 2) / (len(inside) + 4)) - math.log((outside.sum() + 2) / (len(outside) + 4))
    assert model.evidence[3, 0] == pytest.approx(max(expected, 0), abs=1e-12)
    assert model.mean[3] == pytest.approx(np.nanmean(x[:, 3]))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([[0.3], [0.0]], [0, 1], "other than 0, 0.5, 1 and NaN"),
        ([[0.0], [1.0]], [0, 0], "each of the classes 0 to 1"),
        ([[0.0], [1.0]], [0], "labels are needed for 2 samples"),
        ([0.0, 1.0], [0, 1], "two dimensions"),
    ],
)
def test_what_cannot_be_trained_is_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        fit_class_evidence(np.array(x), np.array(y), 2)


def test_other_numbers_of_events_and_temperatures_are_refused(fitted):
    with pytest.raises(ValueError, match="has 2 events, the model 30"):
        predict_class_evidence(fitted[0], np.zeros((1, 2)))
    with pytest.raises(ValueError, match="not positive"):
        calibrate(fitted[0], 0.0)
