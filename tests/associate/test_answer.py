"""Results: one row per question of the plan, right numbers, and a reason wherever there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance.associate import answer, count_tests, make_plan
from resistance.config import CohortFile
from resistance.errors import InputError
from resistance.schemas import RESULTS
from resistance.stats.cox import cox
from resistance.stats.exact import fisher
from resistance.tables import conform

Configure = Callable[..., CohortFile]
JOINT = {"name": "both", "markers": ["M1", "M2"], "endpoint": "os"}
CONTRAST = {"name": "ABC v GCB", "variable": "subtype", "level": "ABC", "reference": "GCB", "endpoint": "os"}


def results(study: Any, **named: Any) -> pd.DataFrame:
    return answer(make_plan(*study.arguments(), **named), *study.arguments(), **named)


@pytest.fixture(scope="module")
def answered(study: Any) -> pd.DataFrame:
    """The answers to the small study as it is."""
    return results(study)


def row(frame: pd.DataFrame, question_id: str) -> pd.Series:
    found = frame[frame["question_id"] == question_id]
    assert len(found) == 1
    return found.iloc[0]


def survival(study: Any) -> pd.DataFrame:
    return study.cohort.endpoints.query("endpoint == 'os'").set_index("patient_id")


def carriers(study: Any, marker: str) -> pd.Series:
    now = study.matrix.query("marker_id == @marker and timepoint == 'baseline'").set_index("patient_id")
    return now["state"]


def with_endpoints(study: Any, endpoints: pd.DataFrame) -> Any:
    return study.having(cohort=type(study.cohort)(**(vars(study.cohort) | {"endpoints": endpoints})))


def test_there_is_one_row_per_question_in_the_order_of_the_plan(study: Any) -> None:
    plan = make_plan(*study.arguments())
    found = answer(plan, *study.arguments())
    assert found["question_id"].tolist() == [q["question_id"] for q in plan["questions"]]
    pd.testing.assert_frame_equal(found, conform(found, RESULTS))


def test_crude_rows_are_fisher_and_cox_of_the_assessed_patients(study: Any, answered: pd.DataFrame) -> None:
    found = answered
    os = survival(study)
    state = carriers(study, "M2").reindex(os.index)
    known = state.ne("not_assessed").to_numpy()
    expected = cox(os["time_days"][known], os["event"][known].astype(int), state[known].eq("present"), profile=True)
    mine = row(found, "all/os/M2/crude/present")
    assert (mine["n"], mine["not_assessed"], mine["events"]) == (150, 10, expected.events)
    assert mine["effect"] == pytest.approx(expected.coef[0], rel=1e-9)
    assert [mine["ci_low"], mine["ci_high"]] == pytest.approx([expected.profile_low[0], expected.profile_high[0]], rel=1e-7)
    assert mine["p_value"] == pytest.approx(expected.p_value[0], rel=1e-8)
    assert mine["carrier_events"] == int((os["event"].astype(bool) & state.eq("present")).sum())
    response = study.cohort.endpoints.query("endpoint == 'response' and excluded.isna()").set_index("patient_id")["value"]
    table = fisher(carriers(study, "M1").reindex(response.index).eq("present"), response)
    mine = row(found, "all/response/M1/crude/present")
    assert np.exp(mine["effect"]) == pytest.approx(table.odds_ratio, rel=1e-8)
    assert mine["p_value"] == pytest.approx(table.p_value, rel=1e-8)
    assert mine["p_value_minimum"] == pytest.approx(table.p_value_minimum, rel=1e-8)
    assert (mine["scale"], mine["carriers"], mine["carrier_events"]) == ("log_odds_ratio", sum(table.table[:2]), table.table[0])


def test_adjusted_cox_is_stratified_and_takes_the_covariates(study: Any, answered: pd.DataFrame) -> None:
    os, patients = survival(study), study.cohort.patients.set_index("patient_id")
    subtype = study.subtypes.set_index("patient_id")["subtype"].reindex(os.index)
    known = subtype.notna().to_numpy()
    x = np.column_stack([carriers(study, "M1").reindex(os.index).eq("present"), patients["age_years"], patients["sex"] == "male"])
    expected = cox(os["time_days"][known], os["event"][known].astype(int), x[known], strata=subtype[known].to_numpy(dtype=str))
    mine = row(answered, "all/os/M1/adjusted/present")
    assert mine["effect"] == pytest.approx(expected.coef[0], rel=1e-8)
    assert mine["p_value"] == pytest.approx(expected.p_value[0], rel=1e-8)
    assert mine["adjusted_for"] == "age_years;sex;strata(subtype)"
    assert (mine["n"], mine["note"]) == (158, "2 patients left out for an unknown covariate")


def test_the_planted_marker_is_found_and_the_null_marker_is_not(answered: pd.DataFrame) -> None:
    found = answered
    for endpoint, sign in (("os", 1), ("response", -1)):
        for model in ("crude", "adjusted"):
            strong, null = (row(found, f"all/{endpoint}/{m}/{model}/present") for m in ("M1", "M2"))
            assert strong["q_value"] < 0.001
            assert np.sign(strong["effect"]) == sign
            assert null["q_value"] > 0.05


def test_questions_without_answer_have_a_note_and_no_numbers(answered: pd.DataFrame) -> None:
    found = answered
    numbers = ["effect", "ci_low", "ci_high", "p_value", "q_value"]
    for marker, note in (("BLIND", "not assessed in any patient"), ("NONE", "no carrier")):
        mine = row(found, f"all/os/{marker}/crude/present")
        assert mine[numbers].isna().all()
        assert (bool(mine["converged"]), mine["note"]) == (False, note)
    assert found.loc[~found["converged"].astype(bool), numbers].isna().all(axis=None)
    assert found.loc[~found["converged"].astype(bool), "note"].notna().all()


def test_a_separated_marker_has_a_finite_penalised_estimate_and_says_so(study: Any, answered: pd.DataFrame) -> None:
    """One carrier: an empty cell.  The estimate is that of a second implementation of the penalised model."""
    from firthmodels import FirthLogisticRegression

    mine = row(answered, "all/response/RARE/adjusted/present")
    response = study.cohort.endpoints.query("endpoint == 'response'").set_index("patient_id")
    patients = study.cohort.patients.set_index("patient_id")
    subtype = study.subtypes.set_index("patient_id")["subtype"].reindex(response.index)
    known = (subtype.notna() & response["excluded"].isna()).to_numpy()
    reference = min(("ABC", "GCB"), key=lambda level: (-int((subtype == level).sum()), level))
    other = "GCB" if reference == "ABC" else "ABC"
    x = np.column_stack([np.arange(160) == 5, patients["age_years"], patients["sex"] == "male", subtype == other])[known].astype(
        float
    )
    model = FirthLogisticRegression().fit(x, response["value"].to_numpy()[known].astype(int)).lrt()
    assert mine["effect"] == pytest.approx(model.coef_[0], rel=1e-5)
    assert mine["p_value"] == pytest.approx(model.lrt_pvalues_[0], rel=1e-5)
    assert (bool(mine["separated"]), bool(mine["converged"])) == (True, True)
    assert "separation: without the penalty" in mine["note"]


def test_an_empty_cell_keeps_its_exact_p_and_one_bound(answered: pd.DataFrame) -> None:
    mine = row(answered, "all/response/RARE/crude/present")
    assert np.isnan(mine["effect"])
    assert np.isnan(mine["ci_low"]) != np.isnan(mine["ci_high"])
    assert mine["p_value"] >= mine["p_value_minimum"]
    assert "an empty cell" in mine["note"]
    assert bool(mine["converged"])


def test_q_is_benjamini_hochberg_within_the_family_over_the_tests_that_ran(answered: pd.DataFrame) -> None:
    found = answered
    for _, family in found.groupby("family"):
        tested = family.dropna(subset=["p_value"]).sort_values("p_value")
        m = len(tested)
        by_hand = [min((tested["p_value"].iloc[k:] * m / np.arange(k + 1, m + 1)).min(), 1) for k in range(m)]
        assert tested["q_value"].tolist() == pytest.approx(by_hand)
        assert (tested["q_value"] >= tested["p_value"]).all()
    counts = count_tests(found).set_index("family")
    assert counts.loc["all/os/crude/markers", ["questions", "tested", "not_run"]].tolist() == [5, 3, 2]
    assert counts["questions"].sum() == len(found)


def test_every_negative_carries_what_it_could_have_detected(answered: pd.DataFrame) -> None:
    mine = row(answered, "all/os/M2/crude/present")
    prevalence, events = mine["carriers"] / mine["n"], mine["events"]
    assert mine["detectable_effect"] == pytest.approx(
        (1.959964 + 0.841621) / np.sqrt(events * prevalence * (1 - prevalence)), rel=1e-5
    )


def test_joint_markers_stand_in_one_model_against_patients_with_none(study: Any, configure: Configure) -> None:
    matrix = study.matrix.copy()
    second_hit = set(carriers(study, "M1").loc[lambda s: s.eq("present")].index)
    both = matrix["marker_id"].eq("M2") & matrix["patient_id"].isin(second_hit)
    matrix.loc[both & matrix["state"].eq("present"), "state"] = "absent"  # no patient has M1 and M2
    mine = study.having(config=configure(analysis={"joint": [JOINT], "markers": ["M1"], "few_carriers": 0}), matrix=matrix)
    os = survival(mine)
    known = carriers(mine, "M2").reindex(os.index).ne("not_assessed").to_numpy()
    x = np.column_stack([carriers(mine, m).reindex(os.index).eq("present") for m in ("M1", "M2")])[known]
    expected = cox(os["time_days"][known], os["event"][known].astype(int), x)
    found = results(mine)
    first, second = (row(found, f"all/os/{m}/joint/both") for m in ("M1", "M2"))
    assert [first["effect"], second["effect"]] == pytest.approx(expected.coef, rel=1e-8)
    assert [first["p_value"], second["p_value"]] == pytest.approx(expected.p_value, rel=1e-8)
    assert first["contrast"] == second["contrast"] == "present v none of strong marker, null marker"
    assert (first["n"], first["not_assessed"], first["carriers"]) == (150, 10, int(x[:, 0].sum()))
    assert first["family"] == second["family"] == "all/os/joint/joint"


def test_joint_markers_that_overlap_are_said_to_be_given_each_other(study: Any, configure: Configure) -> None:
    mine = study.having(config=configure(analysis={"joint": [JOINT], "markers": ["M1"]}))
    assert row(results(mine), "all/os/M1/joint/both")["contrast"] == "present v absent, given null marker"


def test_a_joint_marker_without_carriers_leaves_the_model_and_is_named(study: Any, configure: Configure) -> None:
    joint = JOINT | {"markers": ["M1", "NONE"]}
    found = results(study.having(config=configure(analysis={"joint": [joint], "markers": ["M1"]})))
    mine, crude = row(found, "all/os/M1/joint/both"), row(found, "all/os/M1/crude/present")
    assert mine["effect"] == crude["effect"]
    assert mine["note"] == "no carrier does not vary among these patients and is not in the model"
    assert row(found, "all/os/NONE/joint/both")["note"] == "no carrier"


def test_a_joint_model_with_a_separated_marker_answers_by_penalised_likelihood(study: Any, configure: Configure) -> None:
    joint = JOINT | {"markers": ["M1", "RARE"]}
    endpoints = study.cohort.endpoints.copy()
    endpoints.loc[endpoints["patient_id"].eq("P005") & endpoints["endpoint"].eq("os"), "event"] = 0
    mine = with_endpoints(study.having(config=configure(analysis={"joint": [joint], "markers": ["M1"]})), endpoints)
    found = results(mine)
    m1, rare = (row(found, f"all/os/{m}/joint/both") for m in ("M1", "RARE"))
    assert (bool(m1["separated"]), bool(rare["separated"])) == (False, True)
    assert m1["p_value"] == m1["p_asymptotic"] < 0.001
    assert "p by the penalised likelihood ratio" in m1["note"]
    assert np.isfinite(rare[["effect", "ci_low", "ci_high"]].to_numpy(dtype=float)).all()


def test_a_contrast_compares_two_levels_and_is_not_adjusted_for_itself(study: Any, configure: Configure) -> None:
    mine = study.having(config=configure(analysis={"contrasts": [CONTRAST], "covariates": ["sex"], "strata": ["subtype"]}))
    found = results(mine)
    os = survival(study)
    subtype = study.subtypes.set_index("patient_id")["subtype"].reindex(os.index)
    known = subtype.isin(["ABC", "GCB"]).to_numpy()
    expected = cox(os["time_days"][known], os["event"][known].astype(int), subtype[known].eq("ABC"))
    crude = row(found, "all/os/subtype:ABC/crude/ABC v GCB")
    assert crude["effect"] == pytest.approx(expected.coef[0], rel=1e-8)
    assert (crude["contrast"], crude["label"], crude["n"]) == ("ABC v GCB", "ABC v GCB", 158)
    assert crude["note"] == "2 patients with another or no value left out"
    assert row(found, "all/os/subtype:ABC/adjusted/ABC v GCB")["adjusted_for"] == "sex"


def test_a_contrast_with_a_level_nobody_has_is_refused(study: Any, configure: Configure) -> None:
    mine = study.having(config=configure(analysis={"contrasts": [CONTRAST | {"level": "PMBL"}]}))
    note = row(results(mine), "all/os/subtype:PMBL/crude/ABC v GCB")["note"]
    assert note.startswith("no patient here has subtype PMBL")


@pytest.mark.parametrize("level", [1, 1.0, "1"])
def test_levels_of_numbers_are_compared_as_numbers(study: Any, configure: Configure, level: Any) -> None:
    contrast = {"name": "ipi", "variable": "ipi", "level": level, "reference": 0, "endpoint": "os"}
    mine = study.having(config=configure(analysis={"contrasts": [contrast]}))
    frame = results(mine)
    assert frame.loc[frame["label"] == "ipi", "carriers"].iloc[0] == int((study.cohort.patients["ipi"] == 1).sum())


def test_the_interaction_is_a_ratio_of_hazard_ratios(study: Any, configure: Configure) -> None:
    mine = study.having(config=configure(analysis={"treatment_interaction": True, "covariates": [], "strata": []}))
    found = row(results(mine), "all/os/M1/interaction/present:imid")
    os, arm = survival(study), study.cohort.patients["imid"].astype(bool).to_numpy()
    marker = carriers(study, "M1").reindex(os.index).eq("present").to_numpy()
    expected = cox(os["time_days"], os["event"].astype(int), np.column_stack([marker & arm, marker, arm]))
    assert found["effect"] == pytest.approx(expected.coef[0], rel=1e-8)
    assert found["p_value"] == pytest.approx(expected.p_value[0], rel=1e-8)
    assert found["scale"] == "log_ratio_of_hazard_ratios"
    assert found["note"].startswith(f"ratio for the marker without IMiD {np.exp(expected.coef[1]):.3g}, with IMiD")


def test_without_a_control_arm_no_row_says_predictive(study: Any, configure: Configure) -> None:
    config = configure(
        study={"name": "small", "title": "A made-up cohort.", "build": "GRCh38", "imid": False},
        analysis={"treatment_interaction": True},
    )
    assert "predictive" not in results(study.having(config=config)).to_csv()


def test_competing_events_count_as_the_cohort_file_says(study: Any, configure: Configure) -> None:
    endpoints = study.cohort.endpoints.copy()
    deaths = endpoints.index[(endpoints["endpoint"] == "os") & (endpoints["event"] == 1)]
    endpoints.loc[deaths[:20], "event"] = 2
    mine = with_endpoints(study, endpoints)
    raw = study.config.model_dump(by_alias=True, exclude_unset=True)["endpoints"]
    both = {"os": raw["os"] | {"survival": raw["os"]["survival"] | {"competing_as": "event"}}, "response": raw["response"]}
    as_censored = row(results(mine), "all/os/M1/crude/present")
    as_event = row(results(mine.having(config=configure(endpoints=both))), "all/os/M1/crude/present")
    assert as_censored["events"] == len(deaths) - 20
    assert as_event["events"] == len(deaths)


def test_the_order_of_rows_does_not_change_a_number(study: Any, answered: pd.DataFrame) -> None:
    cohort = type(study.cohort)(
        **(vars(study.cohort) | {"endpoints": study.cohort.endpoints.iloc[::-1], "patients": study.cohort.patients.iloc[::-1]})
    )
    turned = study.having(cohort=cohort, matrix=study.matrix.iloc[::-1], markers=study.markers.iloc[::-1])
    pd.testing.assert_frame_equal(results(turned), answered, rtol=1e-8)


def test_other_names_for_patients_and_labels_do_not_change_a_number(study: Any, answered: pd.DataFrame) -> None:
    def renamed(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(patient_id=frame["patient_id"].map(lambda p: f"X-{999 - int(p[1:])}"))

    tables = vars(study.cohort) | {"patients": renamed(study.cohort.patients), "endpoints": renamed(study.cohort.endpoints)}
    other = study.having(cohort=type(study.cohort)(**tables), matrix=renamed(study.matrix), subtypes=renamed(study.subtypes))
    pd.testing.assert_frame_equal(results(other), answered, rtol=1e-8)


def test_a_plan_that_was_altered_is_refused(study: Any) -> None:
    plan = make_plan(*study.arguments())
    fewer = plan | {"questions": plan["questions"][:3]}
    with pytest.raises(InputError, match=r"plan was altered.*Change the cohort file instead"):
        answer(fewer, *study.arguments())


def test_tables_that_changed_after_the_plan_are_refused(study: Any) -> None:
    plan = make_plan(*study.arguments())
    changed = study.matrix.copy()
    changed.loc[0, "state"] = "absent" if changed.loc[0, "state"] == "present" else "present"
    with pytest.raises(InputError, match="not those the analysis plan was made from: matrix"):
        answer(plan, *study.having(matrix=changed).arguments())


def test_a_covariate_unknown_in_everybody_refuses_only_the_adjusted_rows(study: Any, configure: Configure) -> None:
    patients = study.cohort.patients.assign(ipi=np.nan)
    cohort = type(study.cohort)(**(vars(study.cohort) | {"patients": patients}))
    mine = study.having(cohort=cohort, config=configure(analysis={"covariates": ["ipi"]}))
    found = results(mine)
    assert bool(row(found, "all/os/M1/crude/present")["converged"])
    assert row(found, "all/os/M1/adjusted/present")["note"] == "no patient has all covariates known"


def test_collinear_covariates_are_named(study: Any, configure: Configure) -> None:
    patients = study.cohort.patients.assign(ipi=study.cohort.patients["age_years"] * 2 + 1)
    cohort = type(study.cohort)(**(vars(study.cohort) | {"patients": patients}))
    mine = study.having(cohort=cohort, config=configure(analysis={"covariates": ["age_years", "ipi"], "strata": []}))
    found = results(mine)
    for endpoint in ("os", "response"):
        note = row(found, f"all/{endpoint}/M1/adjusted/present")["note"]
        assert note == "no estimate: age_years, ipi cannot be told apart from each other (or from the strata)"


def test_a_marker_that_is_the_stratum_is_named(study: Any, configure: Configure) -> None:
    site = study.cohort.patients["patient_id"].map(carriers(study, "M1")).astype("object")
    cohort = type(study.cohort)(**(vars(study.cohort) | {"patients": study.cohort.patients.assign(site=site)}))
    mine = study.having(cohort=cohort, config=configure(analysis={"strata": ["site"]}))
    found = results(mine)
    note = "no estimate: strong marker does not vary (or not within the strata)"
    assert row(found, "all/os/M1/adjusted/present")["note"] == note
    assert bool(row(found, "all/os/M1/crude/present")["converged"])


def test_a_covariate_that_does_not_vary_is_left_out_and_said(study: Any, configure: Configure) -> None:
    patients = study.cohort.patients.assign(ipi=2.0)
    cohort = type(study.cohort)(**(vars(study.cohort) | {"patients": patients}))
    mine = study.having(cohort=cohort, config=configure(analysis={"covariates": ["ipi", "sex"]}))
    note = row(results(mine), "all/os/M1/adjusted/present")["note"]
    assert "ipi does not vary among these patients and is not in the model" in note


def test_perfect_separation_gives_the_exact_p_crude_and_a_penalised_one_adjusted(study: Any) -> None:
    endpoints = study.cohort.endpoints.copy()
    never = carriers(study, "M1")
    lost = endpoints["patient_id"].map(never).eq("present") & endpoints["endpoint"].eq("response") & endpoints["excluded"].isna()
    endpoints.loc[lost, "value"] = 0.0
    found = results(with_endpoints(study, endpoints))
    crude, adjusted = (row(found, f"all/response/M1/{m}/present") for m in ("crude", "adjusted"))
    assert crude["p_value"] < 1e-10
    assert crude["note"].startswith("odds ratio 0 (an empty cell): at most")
    assert 0 < adjusted["p_value"] < 1e-10
    assert np.isfinite(adjusted[["effect", "ci_low", "ci_high"]].to_numpy(dtype=float)).all()
    assert (bool(crude["separated"]), bool(adjusted["separated"])) == (True, True)


def test_no_event_among_carriers_gives_a_penalised_hazard_ratio_and_says_so(study: Any) -> None:
    from firthmodels import FirthCoxPH

    endpoints = study.cohort.endpoints.copy()
    safe = endpoints["patient_id"].map(carriers(study, "M1")).eq("present") & endpoints["endpoint"].eq("os")
    endpoints.loc[safe, "event"] = 0
    mine = with_endpoints(study, endpoints)
    found = row(results(mine), "all/os/M1/crude/present")
    os = survival(mine)
    x = carriers(study, "M1").reindex(os.index).eq("present").to_numpy(dtype=float)[:, None]
    survived = np.array(
        list(zip(os["event"].astype(bool), os["time_days"], strict=True)), dtype=[("event", bool), ("time", float)]
    )
    expected = FirthCoxPH().fit(x, survived)
    assert (found["carrier_events"], bool(found["separated"])) == (0, True)
    assert found["effect"] == pytest.approx(expected.coef_[0], rel=0.01)  # another handling of ties
    assert found["ci_high"] < 0
    assert found["p_value"] < 0.05
    assert "no event on one side" in found["note"]


@pytest.mark.parametrize(("events", "note"), [(0, "fewer than 2 events"), (1, "fewer than 2 events")])
def test_a_cohort_with_next_to_no_event_asks_nothing_of_survival(study: Any, events: int, note: str) -> None:
    endpoints = study.cohort.endpoints.copy()
    deaths = endpoints.index[(endpoints["endpoint"] == "os") & (endpoints["event"] == 1)]
    endpoints.loc[deaths[events:], "event"] = 0
    found = results(with_endpoints(study, endpoints)).query("endpoint == 'os' and marker_id == 'M1'")
    assert found["p_value"].isna().all()
    assert found["note"].str.contains(note).all()


def test_an_endpoint_nobody_has_is_said(study: Any) -> None:
    endpoints = study.cohort.endpoints.query("endpoint == 'os'")
    found = results(with_endpoints(study, endpoints)).query("endpoint == 'response'")
    assert set(found["note"]) == {"no patient of the population has a value of the endpoint"}
    assert found["n"].eq(0).all()


def test_a_constant_marker_is_refused(study: Any) -> None:
    matrix = study.matrix.copy()
    matrix.loc[matrix["marker_id"] == "M1", "state"] = "present"
    found = row(results(study.having(matrix=matrix)), "all/os/M1/crude/present")
    assert found["note"] == "no patient without it"


def three_carriers(study: Any, n_deaths: int) -> tuple[Any, list[str]]:
    """M1 in three patients; those who die do so among the first, which an asymptotic test takes for a finding."""
    endpoints = study.cohort.endpoints.copy()
    os = endpoints["endpoint"] == "os"
    rare = carriers(study, "M1").index[:3].tolist()
    early = endpoints.loc[os & ~endpoints["patient_id"].isin(rare), "time_days"].quantile([0.03, 0.05, 0.07]).tolist()
    for i, patient in enumerate(rare):
        here = os & (endpoints["patient_id"] == patient)
        endpoints.loc[here, ["event", "time_days"]] = [int(i < n_deaths), early[i]]
    matrix = study.matrix.copy()
    of_m1 = matrix["marker_id"] == "M1"
    matrix.loc[of_m1, "state"] = np.where(matrix.loc[of_m1, "patient_id"].isin(rare), "present", "absent")
    return with_endpoints(study.having(matrix=matrix), endpoints), rare


@pytest.mark.parametrize(("n_deaths", "tested"), [(2, False), (3, True)])
def test_an_asymptotic_p_needs_carriers_with_an_event(study: Any, configure: Configure, n_deaths: int, tested: bool) -> None:
    mine, _ = three_carriers(study, n_deaths)
    crude = row(results(mine.having(config=configure(analysis={"few_carriers": 0}))), "all/os/M1/crude/present")
    assert crude["converged"]
    assert crude["ci_low"] > 0
    assert crude["carrier_events"] == n_deaths
    assert (crude["p_value"] < 0.01) if tested else (np.isnan(crude["p_value"]) and np.isnan(crude["q_value"]))
    note = "few carriers with an event (2): interval and p are approximate; not tested with fewer than 3 (analysis.min_carrier_events)"
    assert (note in str(crude["note"])) is not tested


def test_rare_carriers_are_tested_by_permutation_of_all_ways_to_place_them(study: Any) -> None:
    """By hand: martingale residuals without the marker (Nelson-Aalen), and the sum of every three patients."""
    mine, rare = three_carriers(study, 3)
    crude = row(results(mine), "all/os/M1/crude/present")
    os = survival(mine)
    time, event = os["time_days"].to_numpy(), os["event"].to_numpy(dtype=float)
    hazard = [sum(event[time == u].sum() / (time >= u).sum() for u in np.unique(time[event == 1]) if u <= t) for t in time]
    residual = event - np.array(hazard)
    observed = abs(residual[os.index.isin(rare)].sum())
    pairs = np.add.outer(residual, residual)
    extreme = total = 0
    for i in range(len(time)):
        sums = residual[i] + pairs[i + 1 :, i + 1 :][np.triu_indices(len(time) - i - 1, 1)]
        extreme, total = extreme + int((np.abs(sums) >= observed - 1e-9).sum()), total + sums.size
    assert total == 160 * 159 * 158 / 6
    share = extreme / total
    assert abs(crude["p_value"] - share) < 4 * np.sqrt(share * (1 - share) / 9999) + 2e-4
    assert crude["p_value"] > 3 * crude["p_asymptotic"]
    assert crude["test"] == "permutation of martingale residuals within strata"
    assert crude["p_value_minimum"] <= crude["p_value"]
    assert "9,999 permutations" in crude["note"]
