"""Penalised logistic, ordinal and Cox regression: against glmnet, against the optimality conditions written out, against plain fits."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from resistance.stats.cox import cox
from resistance.stats.logistic import logistic
from resistance.stats.prediction.penalised_cox import penalised_cox
from resistance.stats.prediction.penalised_logistic import penalised_logistic
from resistance.stats.prediction.penalised_ordinal import penalised_ordinal


def truth(shared: Path) -> dict:
    return json.loads((shared / "truth/stats/06_prediction_power_mi.json").read_text())


def golub(shared: Path, genes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    x = pd.read_csv(shared / "truth/stats/data/golub_expr.csv").set_index("gene").loc[genes].to_numpy().T
    return pd.read_csv(shared / "truth/stats/data/golub_class.csv")["aml"].to_numpy(), x


@pytest.fixture(scope="module")
def pbc() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The Mayo PBC trial as R's survival package holds it; the values of glmnet were made from it."""
    program = shutil.which("Rscript")
    if program is None:
        pytest.skip("no Rscript here: the data of the truth value are in R's survival package")
    wanted = "write.csv(survival::pbc[c('time','status','age','edema','bili','protime','albumin')], row.names = FALSE)"
    done = subprocess.run([program, "-e", wanted], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("R has no package survival here")
    d = pd.read_csv(io.StringIO(done.stdout)).dropna()
    x = np.column_stack([d["age"], d["edema"], np.log(d["bili"]), np.log(d["protime"]), np.log(d["albumin"])])
    return d["time"].to_numpy(float), (d["status"] == 2).to_numpy(), x


def sample(n: int = 80, k: int = 6, seed: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(n, k)) * np.array([1, 30, 0.01, 1, 1, 1][:k]) + np.array([0, 65, 3, 0, 0, 0][:k])
    eta = x[:, 0] - 0.03 * (x[:, 1] - 65)
    time = np.ceil(10 * draw.exponential(size=n) * np.exp(-eta))  # ties
    return x, draw.random(n) < 1 / (1 + np.exp(-eta)), time, draw.random(n) < 0.7


def breslow(time: np.ndarray, event: np.ndarray, x: np.ndarray, coef: np.ndarray, strata: np.ndarray | None = None) -> float:
    """The log partial likelihood, one event after the other."""
    eta, total = x @ coef, 0.0
    group = np.zeros(len(time)) if strata is None else strata
    for i in np.flatnonzero(event):
        total += eta[i] - np.log(np.exp(eta[(time >= time[i]) & (group == group[i])]).sum())
    return total


def assert_optimal(gradient: np.ndarray, scaled: np.ndarray, lam: float, alpha: float) -> None:
    """`gradient` of -loglik/n in the coefficients of standardised columns, `scaled` these coefficients."""
    ridge = gradient + lam * (1 - alpha) * scaled
    inside = scaled != 0
    np.testing.assert_allclose(ridge[inside], -lam * alpha * np.sign(scaled[inside]), atol=1e-8)
    assert (np.abs(ridge[~inside]) <= lam * alpha + 1e-8).all()


@pytest.mark.shared
@pytest.mark.parametrize("alpha", ["1", "0.5", "0"])
def test_golub_agrees_with_glmnet(shared: Path, alpha: str) -> None:
    expected = truth(shared)[f"glmnet_binomial_alpha{alpha}"]
    y, x = golub(shared, expected["genes"])
    found = penalised_logistic(y, x, lambdas=expected["lambda"], alpha=float(alpha))
    assert found.converged
    assert (found.coef[0] != 0).tolist() == [value != 0 for value in expected["coef"]]
    # glmnet stops when the fit no longer improves, which leaves a few parts in ten million
    np.testing.assert_allclose(found.coef[0], expected["coef"], rtol=1e-6, atol=1e-6)
    assert found.intercept[0] == pytest.approx(expected["intercept"], abs=1e-6)
    centred = (x - x.mean(axis=0)) / x.std(axis=0)
    residual = 1 / (1 + np.exp(-(found.intercept[0] + x @ found.coef[0]))) - y
    assert residual.mean() == pytest.approx(0, abs=1e-8)
    assert_optimal(centred.T @ residual / len(y), found.coef[0] * x.std(axis=0), expected["lambda"], float(alpha))


@pytest.mark.shared
def test_pbc_agrees_with_glmnet_and_goes_further(shared: Path, pbc: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    expected = truth(shared)["glmnet_cox"]
    time, event, x = pbc
    assert (len(time), event.sum()) == (416, 160)
    found = penalised_cox(time, event, x, lambdas=expected["lambda"])
    theirs = np.array(expected["coef"]).T
    assert found.lambdas.tolist() == expected["lambda"]
    assert ((found.coef != 0) == (theirs != 0)).all()
    # glmnet's default stop (1e-7 of the null deviance) is off in the fourth digit: its objective is the higher one
    np.testing.assert_allclose(found.coef, theirs, rtol=1e-3)
    spread = x.std(axis=0)
    for lam, ours, other in zip(expected["lambda"], found.coef, theirs, strict=True):
        cost = [-breslow(time, event, x, b) / len(time) + lam * np.abs(b * spread).sum() for b in (ours, other)]
        assert 0 < cost[1] - cost[0] < 1e-7
        step = np.eye(5) * 1e-4 / spread
        gradient = [-(breslow(time, event, x, ours + s) - breslow(time, event, x, ours - s)) / 2e-4 / len(time) for s in step]
        scaled = ours * spread
        inside = scaled != 0
        np.testing.assert_allclose(np.array(gradient)[inside], -lam * np.sign(scaled[inside]), atol=1e-7)
        assert (np.abs(np.array(gradient)[~inside]) <= lam).all()


@pytest.mark.parametrize("alpha", [1.0, 0.3, 0.0])
def test_logistic_meets_the_optimality_conditions_all_along_the_path(alpha: float) -> None:
    x, y, _, _ = sample()
    found = penalised_logistic(y, x, alpha=alpha, n_lambdas=20)
    assert found.converged
    centred, spread = (x - x.mean(axis=0)) / x.std(axis=0), x.std(axis=0)
    for lam, intercept, coef in zip(found.lambdas, found.intercept, found.coef, strict=True):
        residual = 1 / (1 + np.exp(-(intercept + x @ coef))) - y
        assert residual.mean() == pytest.approx(0, abs=1e-8)
        assert_optimal(centred.T @ residual / len(y), coef * spread, lam, alpha)


def test_the_first_penalty_is_the_smallest_that_keeps_everything_out() -> None:
    x, y, time, event = sample()
    for found, again in (
        (penalised_logistic(y, x), lambda lam: penalised_logistic(y, x, lambdas=lam)),
        (penalised_cox(time, event, x), lambda lam: penalised_cox(time, event, x, lambdas=lam)),
        (
            penalised_ordinal(np.digitize(time, [3, 8]), x),
            lambda lam: penalised_ordinal(np.digitize(time, [3, 8]), x, lambdas=lam),
        ),
    ):
        assert found.n_active[0] == 0
        assert again(found.lambdas[0] * 0.999).n_active[0] == 1


def test_without_penalty_it_is_the_plain_logistic_and_cox_model() -> None:
    x, y, time, event = sample(150)
    plain = logistic(y, x, tested=())
    found = penalised_logistic(y, x, lambdas=0.0, tolerance=1e-11)
    np.testing.assert_allclose(found.coef[0], plain.coef, rtol=1e-6)
    assert found.intercept[0] == pytest.approx(plain.intercept, rel=1e-6)
    assert found.loglike[0] == pytest.approx(plain.loglike, rel=1e-10)
    strata = np.arange(150) % 3
    other = cox(time, event, x, strata=strata, ties="breslow", tested=())
    path = penalised_cox(time, event, x, strata=strata, lambdas=0.0, tolerance=1e-11)
    np.testing.assert_allclose(path.coef[0], other.coef, rtol=1e-6)
    assert path.loglike[0] == pytest.approx(other.loglike, rel=1e-10)
    assert path.deviance_ratio[0] == pytest.approx(1 - other.loglike / other.loglike_null, rel=1e-8)


@pytest.mark.shared
def test_without_penalty_the_ordinal_model_is_r_s_polr(shared: Path) -> None:
    expected = json.loads((shared / "truth/stats/04_categorical.json").read_text())["clm_pbc_stage"]
    d = pd.read_csv(shared / "truth/stats/data/pbc_stage.csv").dropna(subset=["stage", "hepato", "bili", "age"])
    x = np.column_stack([d["hepato"], np.log(d["bili"]), d["age"]])
    found = penalised_ordinal(d["stage"].astype(float), x, lambdas=0.0, tolerance=1e-11)
    np.testing.assert_allclose([*found.thresholds[0], *found.coef[0]], expected["value"], rtol=1e-6)
    assert found.loglike[0] == pytest.approx(expected["loglik"], rel=1e-9)


@pytest.mark.parametrize("alpha", [1.0, 0.0])
def test_ordinal_minimises_the_objective_written_out(alpha: float) -> None:
    x, _, time, _ = sample(60, 3, seed=8)
    y = np.digitize(time, [3, 8, 20])
    found = penalised_ordinal(y, x, lambdas=0.05, alpha=alpha)
    centred, spread = (x - x.mean(axis=0)) / x.std(axis=0), x.std(axis=0)

    def cost(parameters: np.ndarray) -> float:
        theta, b = np.cumsum([parameters[0], *np.exp(parameters[1:3])]), parameters[3:6] - parameters[6:9]
        upper = 1 / (1 + np.exp(-(np.append(theta, np.inf)[y] - centred @ b)))
        lower = 1 / (1 + np.exp(-(np.concatenate([[-np.inf], theta])[y] - centred @ b)))
        size = np.abs(parameters[3:]).sum()
        return -np.log(upper - lower).mean() + 0.05 * (alpha * size + (1 - alpha) / 2 * (b**2).sum())

    bounds = [(None, None)] * 3 + [(0, None)] * 6  # a coefficient as the difference of two that are not negative
    best = minimize(
        cost,
        np.r_[-1, 0, 0, np.full(6, 0.1)],
        bounds=bounds,
        method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000},
    )
    np.testing.assert_allclose(found.coef[0] * spread, best.x[3:6] - best.x[6:9], atol=2e-5)
    theta = found.thresholds[0] - found.coef[0] @ x.mean(axis=0)
    np.testing.assert_allclose(theta, np.cumsum([best.x[0], *np.exp(best.x[1:3])]), atol=1e-4)
    ours = np.r_[theta[0], np.log(np.diff(theta)), np.maximum(found.coef[0] * spread, 0), np.maximum(-found.coef[0] * spread, 0)]
    assert cost(ours) <= best.fun + 1e-12


def test_two_ordinal_categories_are_the_logistic_model() -> None:
    x, y, _, _ = sample()
    one, other = penalised_logistic(y, x, n_lambdas=10, alpha=0.5), penalised_ordinal(y * 7.0, x, n_lambdas=10, alpha=0.5)
    np.testing.assert_array_equal(one.coef, other.coef)
    np.testing.assert_array_equal(one.intercept, -other.thresholds[:, 0])
    assert other.levels.tolist() == [0.0, 7.0]


def test_reversing_the_categories_turns_every_sign() -> None:
    x, _, time, _ = sample()
    y = np.digitize(time, [3, 8])
    one, other = penalised_ordinal(y, x, lambdas=[0.1, 0.01]), penalised_ordinal(-y, x, lambdas=[0.1, 0.01])
    np.testing.assert_allclose(one.coef, -other.coef, atol=1e-7)
    np.testing.assert_allclose(one.thresholds, -other.thresholds[:, ::-1], rtol=1e-6)


@pytest.mark.parametrize("kind", ["logistic", "ordinal", "cox"])
def test_units_codings_and_the_order_of_patients_do_not_matter(kind: str) -> None:
    x, y, time, event = sample()

    def fit(rows: np.ndarray, columns: np.ndarray, clock: np.ndarray = time) -> np.ndarray:
        at = [0.1, 0.02]
        if kind == "cox":
            return penalised_cox(
                clock[rows], event[rows], columns[rows], lambdas=at, alpha=0.7, strata=(np.arange(80) % 2)[rows]
            ).coef
        if kind == "ordinal":
            return penalised_ordinal(np.digitize(time, [3, 8])[rows], columns[rows], lambdas=at, alpha=0.7).coef
        return penalised_logistic(y[rows], columns[rows], lambdas=at, alpha=0.7).coef

    everybody = np.arange(80)
    one = fit(everybody, x)
    scale = np.array([365.25, -1, 1e6, 1e-6, 1, 12])
    np.testing.assert_allclose(fit(everybody, x * scale + 5) * scale, one, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(fit(np.random.default_rng(1).permutation(80), x), one, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(fit(everybody, x, time * 365.25), one, rtol=1e-9)
    np.testing.assert_array_equal(fit(everybody, x), one)


def test_ridge_with_more_columns_than_patients_is_the_same_model() -> None:
    draw = np.random.default_rng(4)
    x, y = draw.normal(size=(30, 90)), draw.random(30) < 0.5
    found = penalised_logistic(y, x, lambdas=[0.5, 0.05], alpha=0.0)
    centred, spread = (x - x.mean(axis=0)) / x.std(axis=0), x.std(axis=0)
    for lam, intercept, coef in zip(found.lambdas, found.intercept, found.coef, strict=True):
        residual = 1 / (1 + np.exp(-(intercept + x @ coef))) - y
        np.testing.assert_allclose(centred.T @ residual / 30, -lam * coef * spread, atol=1e-8)
    np.testing.assert_allclose(penalised_logistic(y, x, lambdas=0.05, alpha=1e-9).coef[0], found.coef[1], rtol=1e-5, atol=1e-7)


def test_agrees_with_scikit_learn_once_scaled() -> None:
    from sklearn.linear_model import LogisticRegression

    x, y, _, _ = sample()
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    theirs = LogisticRegression(C=1 / (80 * 0.05), l1_ratio=0, tol=1e-10, max_iter=1000).fit(z, y)
    found = penalised_logistic(y, x, lambdas=0.05, alpha=0.0)
    np.testing.assert_allclose(found.coef[0] * x.std(axis=0), theirs.coef_[0], rtol=1e-5)


def test_a_column_without_penalty_stays_and_factors_are_scaled_to_a_mean_of_one() -> None:
    x, y, _, _ = sample()
    factor = [1, 0, 1, 1, 1, 1]
    found = penalised_logistic(y, x, penalty_factor=factor, n_lambdas=10)
    alone = logistic(y, x[:, 1], tested=())
    assert found.n_active[0] == 1
    assert found.coef[0, 1] == pytest.approx(alone.coef[0], rel=1e-6)
    once = penalised_logistic(y, x, penalty_factor=[7.0] * 6, lambdas=0.05)
    np.testing.assert_allclose(once.coef, penalised_logistic(y, x, lambdas=0.05).coef, rtol=1e-7)


def test_a_constant_column_gets_zero_and_is_named() -> None:
    x, y, time, event = sample()
    x[:, 3] = 0.1  # whose mean is not exactly .1
    found = penalised_logistic(y, x, lambdas=[0.01])
    assert (found.converged, found.columns, found.coef[0, 3]) == (True, (3,), 0.0)
    assert found.note == "column 3: constant, coefficient 0"
    assert penalised_cox(time, event, x, lambdas=0.01).columns == (3,)


def test_separation_has_a_penalised_fit_but_no_plain_one() -> None:
    x = np.linspace(40, 80, 30)
    found = penalised_logistic(x > 60, x, lambdas=[0.1, 0.0])
    assert (found.converged, found.reason, found.columns, found.solved.tolist()) == (False, "monotone", (0,), [True, False])
    assert np.isfinite(found.coef[0]).all()
    assert np.isnan([found.coef[1, 0], found.intercept[1], found.loglike[1], found.deviance_ratio[1]]).all()
    assert "1 of 2 penalties not solved" in found.note


def test_without_penalty_collinear_columns_and_monotone_likelihood_are_named() -> None:
    x, y, time, _ = sample()
    found = penalised_logistic(y, np.column_stack([x, 2 * x[:, 1] + 1]), lambdas=[0.1, 0.0])
    assert (found.converged, found.reason, found.columns, found.solved.tolist()) == (False, "collinear", (1, 6), [True, False])
    assert np.isnan(found.coef[1]).all()
    wide = penalised_cox(time[:5], np.ones(5), x[:5], lambdas=0.0)
    assert (wide.converged, wide.reason) == (False, "collinear")
    ordered = penalised_cox(np.arange(20) + 1, np.ones(20), -np.arange(20.0), lambdas=0.0)
    assert (ordered.converged, ordered.reason, ordered.columns) == (False, "monotone", (0,))
    assert np.isnan([ordered.coef[0, 0], ordered.loglike[0]]).all()


def test_what_has_no_model_is_said() -> None:
    x, _, time, event = sample(20, 2)
    flat = penalised_logistic(np.zeros(20), x, lambdas=0.1)
    assert (flat.converged, flat.reason, flat.note) == (False, "constant outcome", "the outcome does not vary")
    assert np.isnan([*flat.coef[0], *flat.intercept]).all()
    none = penalised_cox(time, np.zeros(20), x)
    assert (none.converged, none.reason) == (False, "no events")
    assert np.isnan(none.coef).all()
    one = penalised_ordinal(np.ones(20), x, lambdas=0.1)
    assert (one.converged, one.reason) == (False, "constant outcome")
    # everybody tied at one event time, time 0, and one event: a model as good as the data allow
    assert penalised_cox(np.zeros(20), event, x, lambdas=0.1).converged
    assert penalised_cox(time, np.arange(20) == 3, x, lambdas=0.1).converged
    last = penalised_cox(np.arange(20), np.arange(20) == 19, x, lambdas=0.1)
    assert (last.converged, last.coef.any(), last.deviance_ratio[0]) == (True, False, 0.0)


def test_no_columns_is_the_model_of_the_frequency() -> None:
    found = penalised_logistic([0, 1, 1, 1], np.zeros((4, 0)), lambdas=0.1)
    assert found.intercept[0] == pytest.approx(np.log(3))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"lambdas": [-1.0]}, "lambdas"),
        ({"lambdas": []}, "lambdas"),
        ({"alpha": 1.5}, "alpha: 1.5"),
        ({"penalty_factor": [1.0]}, "penalty_factor"),
        ({"penalty_factor": [0.0, 0.0]}, "at least one column must be penalised"),
        ({"penalty_factor": [-1.0, 1.0]}, "negative"),
        ({"n_lambdas": 1}, "n_lambdas"),
        ({"lambda_min_ratio": 2.0}, "lambda_min_ratio"),
    ],
)
def test_wrong_settings_are_refused_in_words(arguments: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        penalised_logistic([0, 1, 1], np.array([[1.0, 2], [2, 1], [3, 5]]), **arguments)


def test_wrong_arrays_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="missing"):
        penalised_logistic([0, 1], [[np.nan], [1.0]])
    with pytest.raises(ValueError, match="only 0 and 1"):
        penalised_logistic([0, 2], [[0.0], [1.0]])
    with pytest.raises(ValueError, match="negative"):
        penalised_cox([-1, 2], [1, 1], [[0.0], [1.0]])
    with pytest.raises(ValueError, match="patients"):
        penalised_ordinal([1, 2, 3], [[0.0], [1.0]])
