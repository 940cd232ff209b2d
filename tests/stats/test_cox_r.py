"""Delayed entry, start-stop rows, ties, weights, strata and clusters: every number of R's survival (r_survival/README.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from resistance.stats.baseline_hazard import baseline_hazard, predicted_survival
from resistance.stats.concordance import concordance
from resistance.stats.cox import cox
from resistance.stats.proportional_hazards import proportional_hazards
from resistance.stats.residuals import cox_residuals

FOLDER = Path(__file__).parent / "r_survival"
ROWS = pd.read_csv(FOLDER / "start_stop.csv")
VALUES = {
    key: np.array(values.split(","), dtype=float)
    for key, values in (line.split("\t") for line in (FOLDER / "values.tsv").read_text().splitlines())
}
ENTERED = {"start": ROWS["start"], "columns": ROWS[["carrier", "age", "cleared"]]}
MODELS = {
    "entered_efron": ENTERED,
    "entered_breslow": ENTERED | {"ties": "breslow"},
    "entered_exact": ENTERED | {"ties": "exact"},
    "clustered": ENTERED | {"cluster": ROWS["patient"]},
    "by_site": ENTERED | {"strata": ROWS["site"]},
    "weighted": ENTERED | {"strata": ROWS["site"], "cluster": ROWS["patient"], "weights": ROWS["weight"]},
    "weighted_breslow": {
        "columns": ROWS[["carrier", "age"]],
        "weights": ROWS["weight"],
        "robust": True,
        "ties": "breslow",
    },
    "exact_by_site": {"columns": ROWS[["carrier", "age"]], "strata": ROWS["site"], "ties": "exact"},
}
SMOOTH = [name for name in MODELS if "exact" not in name]


def fit(name: str):
    return cox(ROWS["stop"], ROWS["event"], **MODELS[name])


def without_variance(name: str) -> dict:
    return {key: value for key, value in MODELS[name].items() if key not in ("robust", "cluster")}


def close(found, key: str, rel: float = 1e-8) -> None:
    expected = VALUES[key]
    np.testing.assert_allclose(np.ravel(found), expected, rtol=rel, atol=rel * np.abs(expected).max() / 10, err_msg=key)


@pytest.mark.parametrize("name", MODELS)
def test_coefficients_variance_and_global_tests(name: str) -> None:
    found = fit(name)
    close(found.coef, f"{name}.coef", 1e-7)
    close(found.covariance, f"{name}.var", 1e-7)
    close([found.loglike_null, found.loglike], f"{name}.loglik")
    close(found.score_chi2, f"{name}.score")
    close(found.wald_chi2, f"{name}.wald")
    assert found.lrt_chi2 == pytest.approx(2 * np.diff(VALUES[f"{name}.loglik"])[0], rel=1e-8)
    assert (f"{name}.rscore" in VALUES) == (not np.isnan(found.robust_score_chi2))
    if f"{name}.rscore" in VALUES:
        close(found.robust_score_chi2, f"{name}.rscore")
        close(found.se_naive, f"{name}.naive_se")


@pytest.mark.parametrize("name", MODELS)
def test_concordance_and_its_standard_error(name: str) -> None:
    model = MODELS[name]
    given = {key: model[key] for key in ("start", "strata", "weights", "cluster") if key in model}
    risk = np.asarray(model["columns"], dtype=float) @ fit(name).coef
    found = concordance(ROWS["stop"], ROWS["event"], risk, **given)
    close([found.c, found.se], f"{name}.concordance")


@pytest.mark.parametrize("transform", ["km", "identity", "log", "rank"])
@pytest.mark.parametrize("name", SMOOTH)
def test_proportional_hazards(name: str, transform: str) -> None:
    found = proportional_hazards(ROWS["stop"], ROWS["event"], transform=transform, **without_variance(name))
    close([*found.chi2, found.chi2_global], f"{name}.zph.{transform}", 1e-6)


@pytest.mark.parametrize("name", SMOOTH)
def test_residuals(name: str) -> None:
    found = cox_residuals(ROWS["stop"], ROWS["event"], coef=fit(name).coef, **without_variance(name))
    close(found.martingale, f"{name}.martingale")
    close(found.deviance, f"{name}.deviance")
    close(found.score.T, f"{name}.score_residual")
    close(found.dfbeta.T, f"{name}.dfbeta")
    close(found.schoenfeld.T, f"{name}.schoenfeld")
    close(found.scaled_schoenfeld.T, f"{name}.scaledsch")


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_predicted_survival(ties: str) -> None:
    found = fit(f"entered_{ties}")
    baseline = baseline_hazard(ROWS["stop"], ROWS["event"], coef=found.coef, ties=ties, **ENTERED)
    survival = predicted_survival(baseline, [[0, 50, 1], [1, 70, 0]], [3, 8, 15, 24])
    close(survival, f"entered_{ties}.survival")


def test_every_value_of_the_file_is_compared() -> None:
    # bounds of profiles: test_cox_profile.py
    mine = [key.split(".") for key in VALUES if ".profile." not in key]
    names = {"coef", "var", "loglik", "score", "wald", "naive_se", "rscore", "concordance", "survival"}
    names |= {"zph", "martingale", "deviance", "score_residual", "dfbeta", "schoenfeld", "scaledsch"}
    assert {key[1] for key in mine} == names
    assert {key[0] for key in mine} == set(MODELS)
