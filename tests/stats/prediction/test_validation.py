"""Honest validation: nothing leaks, folds are fair, gains are measured on common patients."""

from __future__ import annotations

import numpy as np
import pytest

from resistance.stats.prediction.auc import auc
from resistance.stats.prediction.c_index import harrell_c
from resistance.stats.prediction.folds import bootstrap_weights, permuted, stratified_folds
from resistance.stats.prediction.learners import (
    Boosting,
    ConstantScorer,
    ElasticNet,
    Plain,
    baseline,
    fit_path,
    held_out_deviance,
)
from resistance.stats.prediction.outcomes import Outcome, binary, ordinal, survival
from resistance.stats.prediction.steps import Filter, Impute, QuantileCut, Scale, fit_steps, score_statistics
from resistance.stats.prediction.validation import Candidate, cross_validate


def signal(n: int = 90, k: int = 8, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(n, k))
    return x, 1.5 * x[:, 0] - x[:, 1] + draw.logistic(size=n)


def outcomes(latent: np.ndarray) -> list[Outcome]:
    draw = np.random.default_rng(0)
    time = np.ceil(20 * np.exp(-latent))
    return [binary(latent > 0), ordinal(np.digitize(latent, [-1, 0, 1.5])), survival(time, draw.random(latent.size) < 0.7)]


def test_selection_outside_the_folds_makes_noise_look_perfect_and_inside_it_does_not() -> None:
    draw = np.random.default_rng(5)
    x, y = draw.normal(size=(60, 3000)), binary(np.arange(60) % 2)
    chosen = Filter(20).fit(x, y).kept
    ridge = ElasticNet(alpha=0.0, n_lambdas=10, inner_folds=3)
    outside = cross_validate([Candidate("leak", x[:, chosen], ridge)], y, seed=1, n_repeats=2, n_bootstraps=0)
    inside = cross_validate([Candidate("honest", x, ridge, (Filter(20),))], y, seed=1, n_repeats=2, n_bootstraps=0)
    assert outside.performance[0].discrimination > 0.97  # the facts: .997
    assert 0.35 < inside.performance[0].discrimination < 0.65  # the facts: .491


def test_the_permuted_control_is_about_one_half_and_counts_itself() -> None:
    x, latent = signal(60, 20)
    found = cross_validate(
        [Candidate("net", x, ElasticNet(n_lambdas=10, inner_folds=3), (Filter(5),))],
        binary(latent > 0),
        seed=2,
        n_repeats=2,
        n_permutations=19,
        n_bootstraps=0,
    ).performance[0]
    assert abs(found.permuted.mean() - 0.5) < 0.08
    assert found.discrimination > found.permuted.max()
    assert found.p_value == pytest.approx(1 / 20)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_signal_is_found_and_the_numbers_are_those_of_the_predictions(which: int) -> None:
    x, latent = signal()
    outcome = outcomes(latent)[which]
    found = cross_validate(
        [Candidate("plain", x[:, :3], Plain())],
        outcome,
        seed=4,
        n_repeats=2,
        n_folds=3,
        times=[10, 20] if which == 2 else (),
        n_bootstraps=50,
    )
    one = found.performance[0]
    assert one.converged
    assert 0.55 < one.ci_low < one.discrimination < one.ci_high
    good = total = 0.0  # pairs of the same fold, pair by pair
    for fold, score in zip(found.folds, one.scores, strict=True):
        for k in range(3):
            rows = np.flatnonzero(fold == k)
            pairs = outcome.take(rows).pairs()
            s = score[rows]
            good += (pairs & (s[:, None] > s)).sum() + 0.5 * (pairs & (s[:, None] == s)).sum()
            total += pairs.sum()
    assert one.discrimination == pytest.approx(good / total, rel=1e-12)
    assert 0.5 < one.slope < 1.6
    assert one.brier < one.brier_null
    assert ((one.predicted >= 0) & (one.predicted <= 1)).all()
    if which == 0:
        assert one.brier == pytest.approx(((one.predicted[:, :, 0] - outcome.values) ** 2).mean())


def test_pairs_of_an_outcome_give_its_auc_and_c() -> None:
    x, latent = signal()
    for outcome, expected in ((outcomes(latent)[0], auc), (outcomes(latent)[2], harrell_c)):
        pairs, s = outcome.pairs(), x[:, 0]
        value = (pairs & (s[:, None] > s)).sum() / pairs.sum()
        if outcome.kind == "binary":
            assert value == pytest.approx(expected(outcome.values, s).auc)
        else:
            assert value == pytest.approx(expected(outcome.values, outcome.event, s).c)


def test_the_gain_over_the_clinical_model_says_when_nothing_is_gained() -> None:
    x, latent = signal(120)
    outcome = binary(latent > 0)
    noise = np.random.default_rng(8).normal(size=(120, 1))
    candidates = [
        Candidate("clinical", x[:, :1], Plain()),
        Candidate("molecular", x[:, :2], Plain()),
        Candidate("useless", np.column_stack([x[:, 0], noise]), Plain()),
        Candidate("same", x[:, :1] * 3.0 + 2, Plain()),
    ]
    found = cross_validate(candidates, outcome, seed=3, baseline="clinical", n_repeats=3, n_bootstraps=300)
    molecular, useless, same = found.gains
    assert molecular.discrimination_ci_low > 0
    assert "the interval holds 0" not in molecular.message
    assert useless.discrimination_ci_low < 0
    assert ("no gain is shown" in useless.message or ": worse" in useless.message) == (useless.discrimination_ci_low <= 0)
    assert same.message.startswith("AUC: gain over clinical +0.000 (+0.000 to +0.000), the interval holds 0: no gain is shown")
    assert molecular.discrimination == pytest.approx(found.performance[1].discrimination - found.performance[0].discrimination)
    assert molecular.brier == pytest.approx(found.performance[0].brier - found.performance[1].brier)
    assert (same.discrimination, same.discrimination_ci_low, same.discrimination_ci_high) == (0, 0, 0)
    assert same.brier == pytest.approx(0, abs=1e-7)


def test_a_candidate_s_numbers_do_not_depend_on_the_others_and_come_again() -> None:
    x, latent = signal(60)
    outcome = binary(latent > 0)
    net = Candidate("net", x, ElasticNet(n_lambdas=10, inner_folds=3))
    alone = cross_validate([net], outcome, seed=6, n_repeats=2, n_bootstraps=20).performance[0]
    beside = cross_validate(
        [Candidate("age", x[:, :1], Plain()), net], outcome, seed=6, n_repeats=2, n_bootstraps=20
    ).performance[1]
    for field in ("scores", "predicted", "per_repeat"):
        np.testing.assert_array_equal(getattr(alone, field), getattr(beside, field))
    assert (alone.ci_low, alone.brier_ci_high) == (beside.ci_low, beside.brier_ci_high)
    other = cross_validate([net], outcome, seed=7, n_repeats=2, n_bootstraps=20).performance[0]
    assert (other.scores != alone.scores).any()


def test_what_is_left_out_of_a_fold_cannot_change_its_predictions() -> None:
    x, latent = signal(60)
    x[::7, 2] = np.nan
    outcome = binary(latent > 0)
    steps = (Impute(), QuantileCut(columns=(1,)), Filter(4), Scale())
    candidate = Candidate("net", x, ElasticNet(n_lambdas=10, inner_folds=3), steps)
    one = cross_validate([candidate], outcome, seed=6, n_repeats=1, n_bootstraps=0)
    out = np.flatnonzero(one.folds[0] == 2)
    spoilt = x.copy()
    spoilt[out[1:]] = 1e6  # everybody of this fold but the first
    other = cross_validate([Candidate("net", spoilt, candidate.learner, steps)], outcome, seed=6, n_repeats=1, n_bootstraps=0)
    assert one.performance[0].scores[0, out[0]] == other.performance[0].scores[0, out[0]]


def test_rows_of_a_patient_stay_together_and_each_outcome_is_dealt_evenly() -> None:
    draw = np.random.default_rng(2)
    patient = draw.integers(0, 40, 100)
    y = (np.arange(40) % 4 == 0)[patient]
    fold = stratified_folds(binary(y), 5, draw, patient)
    assert all(np.unique(fold[patient == p]).size == 1 for p in np.unique(patient))
    people, first = np.unique(patient, return_index=True)
    for label in (True, False):
        count = np.bincount(fold[first][y[first] == label], minlength=5)
        assert np.ptp(count) <= 1
    assert np.ptp(np.bincount(fold[first])) <= 1
    assert people.size == first.size
    weights = bootstrap_weights(np.unique(patient, return_inverse=True)[1], 3, draw)
    assert all(np.unique(row[patient == p]).size == 1 for row in weights for p in people)


def test_one_row_per_patient_twice_is_not_more_evidence() -> None:
    x, latent = signal(60)
    outcome = binary(latent > 0)
    twice = np.repeat(np.arange(60), 2)
    one = cross_validate([Candidate("a", x[:, :2], Plain())], outcome, seed=1, n_repeats=1, n_bootstraps=200)
    two = cross_validate(
        [Candidate("a", x[twice][:, :2], Plain())], outcome.take(twice), seed=1, n_repeats=1, n_bootstraps=200, groups=twice
    )
    assert (two.n, two.patients) == (120, 60)
    np.testing.assert_array_equal(two.folds[0][::2], one.folds[0])
    assert two.performance[0].ci_low == pytest.approx(one.performance[0].ci_low, abs=1e-9)


def test_permuting_keeps_the_rows_of_a_patient_together() -> None:
    patient = np.array([3, 3, 1, 2, 2, 5])
    dealt = permuted(binary([1, 1, 0, 0, 0, 1]), np.random.default_rng(1), patient).values
    assert dealt[0] == dealt[1]
    assert dealt[3] == dealt[4]
    assert sorted(dealt) == [0, 0, 0, 1, 1, 1]


def test_a_fold_without_an_event_in_training_gets_the_frequency_and_is_counted() -> None:
    x, _ = signal(20)
    found = cross_validate(
        [Candidate("a", x, Plain())], binary(np.arange(20) == 3), seed=1, n_repeats=2, n_folds=4, n_bootstraps=10
    )
    one = found.performance[0]
    assert one.n_failed == 2
    assert one.note == "no model in 2 of 8 folds"
    assert np.isfinite(one.predicted).all()


def test_an_outcome_that_does_not_vary_has_no_performance() -> None:
    x, _ = signal(20)
    for outcome in (binary(np.zeros(20)), ordinal(np.ones(20)), survival(np.arange(20), np.zeros(20))):
        one = cross_validate([Candidate("a", x, Plain())], outcome, seed=1, n_repeats=1, n_bootstraps=10).performance[0]
        assert (one.converged, one.reason, one.n_failed) == (False, "constant outcome", 5)
        assert np.isnan([one.discrimination, one.ci_low, one.slope]).all()


def test_separation_in_the_clinical_model_is_met_with_a_little_ridge() -> None:
    scorer = Plain().fit((), np.arange(30.0).reshape(-1, 1), binary(np.arange(30) > 14), None, np.random.default_rng(0))
    assert scorer.note == "ridge: no finite estimate"
    assert (np.diff(scorer.score(np.arange(30.0).reshape(-1, 1))) > 0).all()


def test_a_category_the_training_patients_lack_is_scored_all_the_same() -> None:
    x, latent = signal(40)
    y = np.where(latent > 0, 1.0, 0.0)
    y[7] = 2.0
    one = cross_validate([Candidate("a", x[:, :2], Plain())], ordinal(y), seed=1, n_repeats=1, n_bootstraps=0).performance[0]
    assert one.predicted.shape == (1, 40, 2)
    assert (one.predicted[0, :, 0] >= one.predicted[0, :, 1]).all()


@pytest.mark.parametrize("which", [0, 1, 2])
def test_boosting_finds_what_a_line_cannot(which: int) -> None:
    draw = np.random.default_rng(3)
    x = draw.normal(size=(150, 2))
    outcome = outcomes(3 * (np.abs(x[:, 0]) - 0.8) + 0.3 * draw.logistic(size=150))[which]
    options = {"seed": 1, "n_repeats": 1, "n_folds": 3, "n_bootstraps": 0, "times": [10] if which == 2 else ()}
    found = cross_validate(
        [Candidate("trees", x, Boosting(n_trees=30, rate=0.1)), Candidate("line", x, Plain())], outcome, **options
    )
    trees, line = found.performance
    assert trees.discrimination > 0.75
    assert line.discrimination < 0.65
    assert trees.brier < line.brier


def test_steps_do_what_they_say_with_training_values_only() -> None:
    train = np.array([[1.0, np.nan, 5], [3, 2, 5], [8, 4, 5]])
    outcome = binary([0, 1, 1])
    steps, table = fit_steps([Impute(), Scale()], train, outcome)
    assert table[0, 1] == 0  # the median 3 is also the mean of 3, 2, 4
    new = steps.apply(np.array([[np.nan, 2.0, 9.0]]))
    np.testing.assert_allclose(new, [[(3 - 4) / np.std([1, 3, 8]), (2 - 3) / np.std([3, 2, 4]), 4.0]])
    cut, _ = fit_steps([Impute(), QuantileCut((0.5,))], train, outcome)
    assert cut.apply(np.array([[3.0, 3.1, 5.0]])).tolist() == [[0, 1, 0]]
    kept, _ = fit_steps([Impute(), Filter(1, always=(2,))], train, outcome)
    assert kept.sources.tolist() == [0, 2]
    assert Impute().fit(np.full((2, 1), np.nan), outcome).values.tolist() == [0]


@pytest.mark.parametrize("which", [0, 2])
def test_the_filter_ranks_by_the_score_test(which: int) -> None:
    x, latent = signal(200, 5)
    outcome = outcomes(latent)[which]
    found = score_statistics(x, outcome)
    if which == 0:
        expected = [200 * np.corrcoef(x[:, j], outcome.values)[0, 1] ** 2 for j in range(5)]
        np.testing.assert_allclose(found, expected, rtol=1e-10)
    assert found.argmax() == 0
    np.testing.assert_allclose(score_statistics(x * 1e-5 + 3, outcome), found, rtol=1e-6)
    assert score_statistics(np.ones((200, 1)), outcome)[0] == 0


def test_ordinal_residuals_of_two_categories_are_those_of_the_binary_outcome() -> None:
    y = np.arange(30) % 3 == 0
    np.testing.assert_allclose(ordinal(y * 5.0).residuals(), y - y.mean(), atol=1e-15)
    np.testing.assert_allclose(binary(y).residuals(), y - y.mean(), atol=1e-15)
    assert outcomes(signal()[1])[2].residuals().sum() == pytest.approx(0, abs=1e-10)


def test_the_penalty_chosen_has_the_least_held_out_deviance() -> None:
    x, latent = signal(60)
    outcome = binary(latent > 0)
    path = fit_path(outcome, x, n_lambdas=5)
    out = np.arange(60) < 20
    p = 1 / (1 + np.exp(-(x[out] @ path.coef[3] - path.thresholds[3, 0])))
    expected = -2 * np.where(outcome.values[out] == 1, np.log(p), np.log(1 - p)).mean()
    assert held_out_deviance(path, x, outcome, out)[3] == pytest.approx(expected, rel=1e-10)
    for rule in ("min", "1se"):
        scorer = ElasticNet(rule=rule, n_lambdas=20).fit((), x, outcome, None, np.random.default_rng(0))
        assert scorer.penalty > 0
    loose = ElasticNet(n_lambdas=20).fit((), x, outcome, None, np.random.default_rng(0))
    tight = ElasticNet(rule="1se", n_lambdas=20).fit((), x, outcome, None, np.random.default_rng(0))
    assert tight.penalty > loose.penalty
    kept = ElasticNet(n_lambdas=20, unpenalised=(7,), rule="1se").fit((), x, outcome, None, np.random.default_rng(0))
    assert kept.coef[7] != 0


def test_the_held_out_partial_likelihood_is_the_whole_less_the_trained() -> None:
    from resistance.stats.partial_likelihood import PartialLikelihood

    x, latent = signal(60)
    outcome = outcomes(latent)[2]
    path = fit_path(outcome, x, n_lambdas=5)
    out = np.arange(60) < 20
    whole = PartialLikelihood(outcome.values, outcome.event, x, None, "breslow").loglike(path.coef[2])
    inside = outcome.take(~out)
    part = PartialLikelihood(inside.values, inside.event, x[~out], None, "breslow").loglike(path.coef[2])
    expected = -2 * (whole - part) / outcome.event[out].sum()
    assert held_out_deviance(path, x, outcome, out)[2] == pytest.approx(expected, rel=1e-9)


def test_the_baseline_hazard_without_columns_is_nelson_and_aalen_s() -> None:
    times, hazard = baseline(np.array([1.0, 2, 2, 3, 4]), np.array([True, True, True, False, True]), np.zeros(5))
    assert times.tolist() == [1, 2, 4]
    np.testing.assert_allclose(hazard, np.cumsum([1 / 5, 2 / 4, 1 / 1]))
    scorer = ConstantScorer("survival", np.zeros(0), times, -np.expm1(-hazard), "")
    np.testing.assert_allclose(scorer.probability(np.zeros((1, 1)), np.array([0.5, 2.0]))[0], [0, -np.expm1(-0.7)])


def test_wrong_questions_are_refused_in_words() -> None:
    x, latent = signal(20)
    y = binary(latent > 0)
    one = Candidate("a", x, Plain())
    with pytest.raises(ValueError, match="'b' is not among the candidates"):
        cross_validate([one], y, seed=1, baseline="b")
    with pytest.raises(ValueError, match="different names"):
        cross_validate([one, one], y, seed=1)
    with pytest.raises(ValueError, match=r"30 folds of 20 patient"):
        cross_validate([one], y, seed=1, n_folds=30)
    with pytest.raises(ValueError, match="put Impute first"):
        cross_validate([Candidate("a", np.where(x > 1, np.nan, x), Plain())], y, seed=1)
    with pytest.raises(ValueError, match="infinite"):
        cross_validate([Candidate("a", np.where(x > 1, np.inf, x), Plain())], y, seed=1)
    with pytest.raises(ValueError, match="for 20 rows"):
        cross_validate([Candidate("a", x[:5], Plain())], y, seed=1)
