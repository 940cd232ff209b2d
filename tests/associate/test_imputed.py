"""Unknown covariates, imputed: pooled as by hand, the same as without gaps where there are none, and right where complete cases are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance.associate import answer, make_plan
from resistance.config import CohortFile
from resistance.stats.cox import cox
from resistance.stats.firth_logistic import firth_logistic
from resistance.stats.imputation import impute, pool, survival_predictors

Configure = Callable[..., CohortFile]
IMPUTED = {"missing": "multiple_imputation", "imputations": 5, "few_carriers": 0, "markers": ["M1", "M2"]}


def results(study: Any) -> pd.DataFrame:
    return answer(make_plan(*study.arguments()), *study.arguments()).set_index("question_id")


def with_patients(study: Any, patients: pd.DataFrame) -> Any:
    return study.having(cohort=type(study.cohort)(**(vars(study.cohort) | {"patients": patients})))


def gaps(study: Any, config: CohortFile) -> Any:
    """Age unknown in 30 patients, site in 20."""
    patients = study.cohort.patients.copy()
    patients.loc[20:49, "age_years"] = np.nan
    patients.loc[40:59, "site"] = None
    return with_patients(study.having(config=config), patients)


def test_a_pooled_answer_is_that_of_a_loop_over_the_copies(study: Any, configure: Configure) -> None:
    mine = gaps(study, configure(analysis=IMPUTED | {"covariates": ["age_years", "site"], "strata": []}))
    found = results(mine)
    patients = mine.cohort.patients.set_index("patient_id")
    levels = sorted(patients["site"].dropna().unique())
    reference = min(levels, key=lambda level: (-int((patients["site"] == level).sum()), level))
    state = (
        mine.matrix.query("marker_id == 'M1' and timepoint == 'baseline'")
        .set_index("patient_id")["state"]
        .reindex(patients.index)
    )
    marker = state.eq("present").to_numpy(dtype=float)
    site = patients["site"].astype(object).map({level: float(i) for i, level in enumerate(levels)}).to_numpy(dtype=float)
    table = np.column_stack([patients["age_years"].to_numpy(dtype=float), site, marker])
    os = mine.cohort.endpoints.query("endpoint == 'os'").set_index("patient_id").reindex(patients.index)
    response = mine.cohort.endpoints.query("endpoint == 'response'").set_index("patient_id").reindex(patients.index)
    usable = response["excluded"].isna().to_numpy()
    time, event, yes = (x.to_numpy(dtype=float) for x in (os["time_days"], os["event"], response["value"]))

    def model(completed: Any, who: Any) -> Any:
        dummies = [completed[:, 1] == i for i, level in enumerate(levels) if level != reference]
        return np.column_stack([marker[who], completed[:, 0], *dummies]).astype(float)

    kinds = ["number", "category", "binary"]
    everyone = np.ones(len(marker), dtype=bool)
    copies = impute(table, kinds, seed=7, outcome=survival_predictors(time, event), m=5).completed
    fits = [cox(time, event, model(completed, everyone)) for completed in copies]
    hazard = pool([f.coef[0] for f in fits], [f.se[0] ** 2 for f in fits], event.sum(), 4)
    copies = impute(table[usable], kinds, seed=7, outcome=yes[usable, None], m=5).completed
    firth = [firth_logistic(yes[usable], model(completed, usable)) for completed in copies]
    odds = pool([f.coef[0] for f in firth], [f.se[0] ** 2 for f in firth], usable.sum(), 5)
    for endpoint, expected in (("os", hazard), ("response", odds)):
        row = found.loc[f"all/{endpoint}/M1/imputed/present"]
        numbers = row[["effect", "ci_low", "ci_high", "p_value"]].tolist()
        by_hand = [expected.estimate[0], expected.ci_low[0], expected.ci_high[0], expected.p_value[0]]
        assert numbers == pytest.approx(by_hand, rel=1e-7)
        assert f"fraction of missing information {expected.fmi[0]:.2f}, {expected.df[0]:.1f} degrees of freedom" in row["note"]
        assert "pooled over 5 imputed data sets" in row["method"]
        assert row["test"].startswith("t of the pooled estimate")
    assert (
        "40 patients with an imputed covariate (age_years 30, site 20), 5 data sets"
        in found.loc["all/os/M1/imputed/present", "note"]
    )
    # complete cases beside it
    adjusted = found.loc["all/os/M1/adjusted/present"]
    assert (adjusted["n"], found.loc["all/os/M1/imputed/present", "n"]) == (120, 160)


def test_without_gaps_the_pooled_effect_and_its_error_are_those_of_the_adjusted_model(study: Any, configure: Configure) -> None:
    found = results(study.having(config=configure(analysis=IMPUTED | {"covariates": ["age_years", "sex"]})))
    for endpoint in ("os", "response"):
        mine, adjusted = (found.loc[f"all/{endpoint}/M1/{model}/present"] for model in ("imputed", "adjusted"))
        assert mine["effect"] == pytest.approx(adjusted["effect"], rel=1e-9)
        assert mine["n"] == adjusted["n"]  # strata are not imputed
        assert "nothing to impute" in mine["note"]
        assert (mine["ci_low"] + mine["ci_high"]) / 2 == pytest.approx(mine["effect"], rel=1e-9)
    mine, adjusted = (found.loc[f"all/os/M1/{model}/present"] for model in ("imputed", "adjusted"))
    # Cox: the Wald interval by the normal distribution there, by t here
    assert 1 < (mine["ci_high"] - mine["ci_low"]) / (adjusted["ci_high"] - adjusted["ci_low"]) < 1.03


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([np.nan] * 160, "age_years is unknown in every patient of this model"),
        ([60.0] * 100 + [np.nan] * 60, "age_years has one known value in this model"),
    ],
)
def test_a_covariate_that_tells_nothing_is_refused_in_words(
    study: Any, configure: Configure, values: list[float], words: str
) -> None:
    patients = study.cohort.patients.assign(age_years=values)
    mine = with_patients(study.having(config=configure(analysis=IMPUTED | {"covariates": ["age_years", "sex"]})), patients)
    row = results(mine).loc["all/os/M1/imputed/present"]
    assert np.isnan(row["p_value"])
    assert not row["converged"]
    assert f"no estimate: {words}, so there is nothing to impute it from" in row["note"]


def test_the_seed_of_the_plan_decides_the_draws(study: Any, configure: Configure) -> None:
    analysis = IMPUTED | {"covariates": ["age_years", "site"], "endpoints": ["os"], "markers": ["M1"]}
    first, again, other = (results(gaps(study, configure(analysis=analysis, seed=seed))) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(first, again)
    row = "all/os/M1/imputed/present"
    assert first.loc[row, "effect"] != other.loc[row, "effect"]
    assert first.loc[row, "effect"] == pytest.approx(other.loc[row, "effect"], abs=0.1)


def test_a_known_effect_is_recovered_where_complete_cases_are_biased(study: Any, configure: Configure) -> None:
    """Age is unknown mostly in responders with the marker: missing at random given what the imputation sees."""
    n, draw = 1500, np.random.default_rng(21)
    ids = [f"P{i:04d}" for i in range(n)]
    marker = draw.random(n) < 0.4
    age = draw.normal(60, 8, n) + 6 * marker
    responds = draw.random(n) < 1 / (1 + np.exp(-(-0.5 + 1.0 * marker - 0.08 * (age - 62))))
    unknown = draw.random(n) < np.where(marker & responds, 0.65, 0.1)
    patients = pd.DataFrame({"patient_id": ids, "sex": "male", "age_years": np.where(unknown, np.nan, age), "imid": True})
    endpoints = pd.DataFrame({"patient_id": ids, "endpoint": "response", "kind": "binary", "value": responds.astype(float)})
    states = pd.DataFrame(
        {"patient_id": ids, "marker_id": "M1", "timepoint": "baseline", "state": np.where(marker, "present", "absent")}
    )
    config = configure(
        analysis=IMPUTED
        | {"covariates": ["age_years"], "strata": [], "markers": ["M1"], "endpoints": ["response"], "imputations": 10}
    )
    cohort = type(study.cohort)(facts=study.cohort.facts, patients=patients, endpoints=endpoints)
    found = results(study.having(config=config, cohort=cohort, matrix=states, subtypes=study.subtypes.iloc[:0]))
    complete, imputed = (found.loc[f"all/response/M1/{model}/present"] for model in ("adjusted", "imputed"))
    assert complete["ci_high"] < 0.6
    assert imputed["effect"] == pytest.approx(1.0, abs=0.25)
    assert imputed["ci_low"] < 1.0 < imputed["ci_high"]
