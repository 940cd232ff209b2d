"""The interval of the calibration slope: sandwich formulae of statsmodels and R's robust variance, the jackknife, and a bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from resistance.stats.cox import cox
from resistance.stats.prediction.calibration import recalibration
from resistance.stats.prediction.outcomes import Outcome, binary, ordinal, survival
from resistance.stats.prediction.slope import Slope, calibration_slope


def made(kind: str, n: int = 120, repeats: int = 3, seed: int = 1) -> tuple[Outcome, np.ndarray, np.ndarray, np.ndarray]:
    """Outcome, folds, scores of each repeat (the truth with noise of its own), probabilities."""
    draw = np.random.default_rng(seed)
    truth = draw.normal(size=n)
    scores = 0.8 * truth + 0.3 * draw.normal(size=(repeats, n))
    folds = np.array([draw.permutation(np.arange(n) % 3) for _ in range(repeats)])
    latent = truth + draw.logistic(size=n)
    if kind == "survival":
        time, censor = draw.exponential(size=n) * np.exp(-truth), draw.exponential(2, n)
        out = survival(np.minimum(time, censor), time <= censor)
    else:
        out = binary(latent > 0) if kind == "binary" else ordinal(np.digitize(latent, [-1, 0.5]))
    return out, folds, scores, (1 / (1 + np.exp(-scores)))[:, :, None]


def one(out: Outcome, folds: np.ndarray, scores: np.ndarray, p: np.ndarray, **more: object) -> Slope:
    return calibration_slope(out, folds, scores, p, more.pop("patient", np.arange(out.n)), **more)


def test_one_repeat_of_a_binary_outcome_has_the_sandwich_of_statsmodels() -> None:
    import statsmodels.api as sm

    out, folds, scores, p = made("binary", repeats=1)
    found = one(out, folds, scores, p)
    fit = sm.Logit(out.values, sm.add_constant(scores[0])).fit(disp=0, tol=1e-12, cov_type="HC0")
    assert (found.slope, found.slope_se) == (pytest.approx(fit.params[1], rel=1e-7), pytest.approx(fit.bse[1], rel=1e-6))
    fit = sm.GLM(out.values, np.ones(out.n), family=sm.families.Binomial(), offset=scores[0]).fit(cov_type="HC0", tol=1e-12)
    assert found.intercept == pytest.approx(fit.params[0], rel=1e-6)
    assert found.intercept_se == pytest.approx(fit.bse[0], rel=1e-6)
    assert found.slope_ci_high - found.slope == pytest.approx(1.959963985 * found.slope_se)


def test_one_repeat_of_survival_has_the_robust_variance_of_the_stratified_cox_model() -> None:
    out, folds, scores, p = made("survival", repeats=1)
    found = one(out, folds, scores, p)
    fit = cox(out.values, out.event, scores[0], strata=folds[0], robust=True)  # checked against R elsewhere
    assert (found.slope, found.slope_se) == (pytest.approx(fit.coef[0]), pytest.approx(fit.se[0], rel=1e-9))
    assert np.isnan([found.intercept, found.intercept_ci_low]).all()


def test_one_repeat_of_an_ordinal_outcome_has_the_spread_that_leaving_patients_out_shows() -> None:
    out, folds, scores, p = made("ordinal", repeats=1)
    found = one(out, folds, scores, p)
    less = []
    for i in range(out.n):
        rest = np.arange(out.n) != i
        less.append(one(out.take(rest), folds[:, rest], scores[:, rest], p[:, rest]).slope)
    jackknife = np.sqrt((out.n - 1) / out.n * np.square(less - np.mean(less)).sum())
    assert found.slope_se == pytest.approx(jackknife, rel=0.05)
    binary_of = one(binary(out.values > 0), folds, scores, p)
    as_ordinal = one(ordinal((out.values > 0).astype(float)), folds, scores, p)
    assert as_ordinal.slope == pytest.approx(binary_of.slope, rel=1e-6)
    assert as_ordinal.slope_se == pytest.approx(binary_of.slope_se, rel=1e-6)


@pytest.mark.parametrize("kind", ["binary", "survival"])
def test_the_mean_over_repeats_varies_as_a_bootstrap_of_patients_has_it(kind: str) -> None:
    out, folds, scores, p = made(kind, n=150)
    found = one(out, folds, scores, p)
    draw, means = np.random.default_rng(3), []
    for _ in range(300):
        rows = draw.integers(out.n, size=out.n)
        if kind == "binary":
            each = [recalibration(out.values[rows] == 1, scores[r, rows])[1] for r in range(3)]
        else:
            each = [cox(out.values[rows], out.event[rows], scores[r, rows], strata=folds[r, rows]).coef[0] for r in range(3)]
        means.append(np.mean(each))
    assert found.slope_se == pytest.approx(np.std(means), rel=0.15)
    alone = [one(out, folds[[r]], scores[[r]], p[[r]]) for r in range(3)]
    assert found.slope == pytest.approx(np.mean([a.slope for a in alone]), rel=1e-9)
    # the same patients again are not three times as many
    assert found.slope_se > 0.8 * np.mean([a.slope_se for a in alone])


def test_rows_of_one_patient_count_once() -> None:
    out, folds, scores, p = made("binary")
    twice = np.repeat(np.arange(out.n), 2)
    found = one(out.take(twice), folds[:, twice], scores[:, twice], p[:, twice], patient=twice)
    assert found.slope_se == pytest.approx(one(out, folds, scores, p).slope_se, rel=1e-6)


def test_what_cannot_be_estimated_is_nan() -> None:
    out, folds, scores, p = made("binary")
    flat = one(out, folds, np.zeros_like(scores), np.full_like(p, 0.4))
    assert np.isnan([flat.slope, flat.slope_se]).all()
    assert np.isfinite([flat.intercept, flat.intercept_se]).all()
    nobody = one(binary(np.zeros(out.n)), folds, scores, p)
    assert np.isnan(list(vars(nobody).values())).all()
