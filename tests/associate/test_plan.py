"""The analysis plan: complete before any p-value, blind to results, and the same for the same tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance.associate import make_plan
from resistance.config import CohortFile
from resistance.errors import InputError
from resistance.tables import conform

Configure = Callable[..., CohortFile]


def questions(plan: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {q["question_id"]: q for q in plan["questions"]}


def test_every_marker_is_asked_of_every_endpoint_crude_and_adjusted(study: Any) -> None:
    plan = make_plan(*study.arguments())
    found = questions(plan)
    assert len(found) == 5 * 2 * 2 + 5  # overall survival declares a competing event: Fine-Gray beside Cox
    assert found["all/os/M1/adjusted/present"]["strata"] == ["subtype"]
    assert found["all/os/M1/adjusted/present"]["covariates"] == ["age_years", "sex"]
    # a logistic model has no baseline of its own per stratum: the strata are covariates there
    assert found["all/response/M1/adjusted/present"]["covariates"] == ["age_years", "sex", "subtype"]
    assert [q["family"] for q in plan["families"]] == [
        "all/response/crude/markers",
        "all/response/adjusted/markers",
        "all/os/crude/markers",
        "all/os/adjusted/markers",
        "all/os/subdistribution/markers",
    ]
    assert all(row["questions"] == 5 for row in plan["families"])


def test_questions_that_cannot_be_asked_stay_in_the_list_with_the_reason(study: Any) -> None:
    found = questions(make_plan(*study.arguments()))
    assert found["all/os/NONE/crude/present"]["refused"] == "no carrier"
    assert found["all/os/BLIND/crude/present"]["refused"] == "not assessed in any patient"
    assert found["all/os/BLIND/crude/present"]["not_assessed"] == 160
    assert found["all/os/M1/crude/present"]["refused"] == ""


def test_patients_without_a_marker_state_are_left_out_and_counted(study: Any) -> None:
    found = questions(make_plan(*study.arguments()))
    assert (found["all/os/M2/crude/present"]["n"], found["all/os/M2/crude/present"]["not_assessed"]) == (150, 10)
    # two patients have no subtype: complete cases
    assert (found["all/os/M1/adjusted/present"]["n"], found["all/os/M1/adjusted/present"]["incomplete"]) == (158, 2)
    unlisted = study.matrix[study.matrix["patient_id"] != "P000"]
    found = questions(make_plan(*study.having(matrix=unlisted).arguments()))
    assert found["all/os/M1/crude/present"]["not_assessed"] == 1


def test_a_minimum_of_carriers_looks_at_margins_only(study: Any, configure: Configure) -> None:
    few = study.having(config=configure(analysis={"min_carriers": 5}))
    found = questions(make_plan(*few.arguments()))
    assert found["all/os/RARE/crude/present"]["refused"] == "fewer than 5 carriers (analysis.min_carriers)"
    assert found["all/os/M1/crude/present"]["refused"] == ""


def test_the_plan_is_blind_to_who_had_the_outcome(study: Any) -> None:
    """Dealing the outcomes out anew changes nothing but the digest of the endpoints."""
    rows = study.cohort.endpoints.copy()
    columns = ["value", "time_days", "event", "excluded"]
    order = np.random.default_rng(0).permutation(160)
    for endpoint in ("response", "os"):
        mine = rows.index[rows["endpoint"] == endpoint]
        usable = mine[rows.loc[mine, "excluded"].isna()]
        shuffled = usable[order[order < len(usable)]]
        rows.loc[usable, columns] = rows.loc[shuffled, columns].set_axis(usable)
    plan = make_plan(*study.arguments())
    other = make_plan(
        study.config,
        type(study.cohort)(**(vars(study.cohort) | {"endpoints": rows})),
        study.markers,
        study.matrix,
        study.subtypes,
    )
    # with missing markers the number of events among the assessed may differ by a few: compare the fully assessed
    for question_id, question in questions(plan).items():
        if question["marker_id"] != "M2" and question["model"] == "crude":
            assert questions(other)[question_id] == question
    assert other["inputs"]["matrix"] == plan["inputs"]["matrix"]
    assert other["inputs"]["endpoints"] != plan["inputs"]["endpoints"]


def test_no_p_value_stands_in_the_plan(study: Any) -> None:
    text = json.dumps(make_plan(*study.arguments()))
    assert "p_value" not in text
    assert "effect" not in json.dumps([sorted(q) for q in make_plan(*study.arguments())["questions"]])


def test_the_same_tables_give_the_same_plan_in_any_order_of_rows(study: Any) -> None:
    plan = make_plan(*study.arguments())
    assert json.loads(json.dumps(plan)) == plan
    turned = study.having(
        matrix=study.matrix.iloc[::-1].reset_index(drop=True),
        markers=study.markers.iloc[::-1].reset_index(drop=True),
        subtypes=study.subtypes.iloc[::-1].reset_index(drop=True),
    )
    assert make_plan(*turned.arguments()) == plan
    assert len(plan["digest"]) == 64


@pytest.mark.parametrize("change", [{"seed": 8}, {"analysis": {"min_carriers": 2}}])
def test_another_setting_gives_another_digest(study: Any, configure: Configure, change: dict[str, Any]) -> None:
    other = study.having(config=configure(**change))
    assert make_plan(*other.arguments())["digest"] != make_plan(*study.arguments())["digest"]


def test_populations_are_those_of_the_patients_table(study: Any, configure: Configure) -> None:
    config = configure(analysis={"populations": {"imid": {"label": "With an IMiD"}}})
    plan = make_plan(*study.having(config=config).arguments())
    assert [(p["name"], p["label"], p["n"]) for p in plan["populations"]] == [
        ("all", "All patients", 160),
        ("imid", "With an IMiD", 80),
    ]
    assert plan["populations"][0]["endpoints"]["response"]["n"] == 156
    assert plan["endpoints"][0]["excluded"] == {"not evaluable": 4}
    config = configure(analysis={"populations": {"late": {"label": "Unknown to the table"}}})
    with pytest.raises(InputError, match=r"population:late.*Run `resistance gather` again"):
        make_plan(*study.having(config=config).arguments())


@pytest.mark.parametrize("timepoint", ["relapse", "on_treatment"])
def test_markers_of_later_samples_are_refused_for_immortal_time(study: Any, configure: Configure, timepoint: str) -> None:
    contrast = {"name": "coo", "variable": "subtype", "level": "ABC", "reference": "GCB", "endpoint": "os"}
    config = configure(analysis={"timepoint": timepoint, "contrasts": [contrast]})
    found = questions(make_plan(*study.having(config=config).arguments()))
    for question in found.values():
        assert ("immortal time" in question["refused"]) == (question["kind"] != "contrasts")
    assert make_plan(*study.arguments())["policies"]["markers_at_other_timepoints"] == {"relapse": 1}


def test_interaction_needs_both_arms(study: Any, configure: Configure) -> None:
    config = configure(
        analysis={"treatment_interaction": True, "covariates": ["treatment", "sex"], "populations": {"imid": {"label": "With"}}}
    )
    plan = make_plan(*study.having(config=config).arguments())
    found = questions(plan)
    assert found["all/os/M1/interaction/present:imid"]["refused"] == ""
    assert found["all/os/M1/interaction/present:imid"]["covariates"] == ["sex"]
    assert found["all/os/RARE/interaction/present:imid"]["refused"] == "no carrier with IMiD"
    one_arm = "one arm only: whether a marker's effect differs by treatment cannot be asked"
    assert found["imid/os/M1/interaction/present:imid"]["refused"] == one_arm
    assert "predictive" in plan["claim"]


@pytest.mark.parametrize("imid", [True, False])
def test_a_single_arm_is_never_called_predictive(study: Any, configure: Configure, imid: bool) -> None:
    config = configure(
        study={"name": "small", "title": "A made-up cohort.", "build": "GRCh38", "imid": imid},
        analysis={"treatment_interaction": True},
    )
    plan = make_plan(*study.having(config=config).arguments())
    assert "predictive" not in json.dumps(plan)
    assert "prognostic" in plan["claim"]
    assert all(q["refused"] for q in plan["questions"] if q["kind"] == "interaction")


def test_genes_of_a_scan_are_a_family_of_their_own(study: Any, configure: Configure) -> None:
    genes = pd.DataFrame(
        [(p, gene, "present" if i % k == 0 else "absent") for i, p in enumerate(study.cohort.patients["patient_id"])
         for gene, k in (("gene:TP53", 4), ("gene:KMT2D", 3))],
        columns=["patient_id", "marker_id", "state"],
    )  # fmt: skip
    config = configure(analysis={"genes": "all_mutated"})
    plan = make_plan(*study.having(config=config).arguments(), gene_states=genes)
    found = questions(plan)
    assert found["all/os/gene:TP53/crude/present"]["label"] == "TP53"
    assert found["all/os/gene:TP53/crude/present"]["family"] == "all/os/crude/genes"
    assert found["all/os/gene:TP53/crude/present"]["carriers"] == 40
    assert "gene_states" in plan["inputs"]


def test_a_marker_that_does_not_exist_is_refused_by_name(study: Any, configure: Configure) -> None:
    config = configure(analysis={"markers": ["M1", "m2"], "joint": [{"name": "j", "markers": ["M11", "ZZZ"], "endpoint": "os"}]})
    with pytest.raises(InputError) as caught:
        make_plan(*study.having(config=config).arguments())
    assert [str(p) for p in caught.value.problems] == [
        "analysis.markers, value 'm2': no such marker. `resistance matrix` writes the markers there are.",
        "analysis.joint 'j', value 'M11': no such marker. Did you mean 'M1'?",
        "analysis.joint 'j', value 'ZZZ': no such marker. `resistance matrix` writes the markers there are.",
    ]


def test_subtype_needs_a_method(study: Any, configure: Configure) -> None:
    config = configure(subtype={})
    with pytest.raises(InputError, match=r"subtype\.use.*no method is chosen.*Set subtype\.use"):
        make_plan(*study.having(config=config.model_copy(update={"analysis": study.config.analysis})).arguments())


def test_two_contrasts_of_one_name_are_refused(study: Any, configure: Configure) -> None:
    contrast = {"name": "coo", "variable": "subtype", "level": "ABC", "reference": "GCB", "endpoint": "os"}
    config = configure(analysis={"contrasts": [contrast, contrast]})
    with pytest.raises(InputError, match=r"stands twice.*a name of its own"):
        make_plan(*study.having(config=config).arguments())


def test_subtype_and_treatment_are_strata_unless_the_cohort_file_says_otherwise(study: Any, configure: Configure) -> None:
    """Cell of origin confounds most markers: it is a stratum where it is known in two classes of ten patients."""
    assert make_plan(*study.having(config=configure(analysis={})).arguments())["adjustment"]["strata"] == ["subtype"]
    assert make_plan(*study.having(config=configure(analysis={"strata": []})).arguments())["adjustment"]["strata"] == []
    few = study.subtypes.assign(subtype=["ABC"] * 9 + ["GCB"] * 151)
    mine = study.having(config=configure(analysis={}), subtypes=few)
    assert make_plan(*mine.arguments())["adjustment"]["strata"] == []
    treated = study.cohort.patients.assign(treatment=["R2", "R-CHOP"] * 80)
    cohort = type(study.cohort)(**(vars(study.cohort) | {"patients": treated}))
    mine = study.having(config=configure(analysis={}), cohort=cohort)
    assert make_plan(*mine.arguments())["adjustment"]["strata"] == ["subtype", "treatment"]


def test_a_covariate_from_a_column_of_the_endpoint_is_refused(study: Any, configure: Configure) -> None:
    config = configure(covariates={"ipi": "ipi", "site": "response"}, analysis={"covariates": ["site"], "strata": []})
    found = questions(make_plan(*study.having(config=config).arguments()))
    leak = "site is read from a column of the endpoint itself: it would explain the outcome by the outcome"
    assert found["all/response/M1/adjusted/present"]["refused"] == leak
    assert found["all/os/M1/adjusted/present"]["refused"] == ""


def test_covariates_are_coded_once_for_the_cohort(study: Any, configure: Configure) -> None:
    config = configure(analysis={"covariates": ["age_years", "site"], "strata": ["subtype"]})
    adjustment = make_plan(*study.having(config=config).arguments())["adjustment"]
    site = study.cohort.patients["site"].value_counts()
    reference = min(site.index, key=lambda level: (-site[level], level))
    assert adjustment["codings"]["age_years"] == "age_years (per unit)"
    assert adjustment["codings"]["site"].endswith(f"v {reference})")
    assert adjustment["unknown"] == {"age_years": 0, "site": 0, "subtype": 2}


def test_inputs_are_not_altered(study: Any) -> None:
    before = [frame.copy() for frame in (study.cohort.patients, study.cohort.endpoints, study.matrix, study.subtypes)]
    make_plan(*study.arguments())
    for was, now in zip(before, (study.cohort.patients, study.cohort.endpoints, study.matrix, study.subtypes), strict=True):
        pd.testing.assert_frame_equal(was, now)


def test_the_fixture_is_a_real_cohort(study: Any) -> None:
    from resistance.schemas import MATRIX

    assert len(conform(study.matrix, MATRIX)) == 5 * 160 + 20


def test_the_plan_says_what_counts_as_each_outcome_and_who_belongs_to_a_population(study: Any, configure: Configure) -> None:
    rules = [{"column": "arm", "in": ["R2", "LEN"], "reason": "no IMiD"}, {"column": "age", "at_least": 18, "reason": "a child"}]
    config = configure(analysis={"populations": {"imid": {"label": "With an IMiD", "include": rules}}})
    plan = make_plan(*study.having(config=config).arguments())
    assert {e["name"]: e["outcome"] for e in plan["endpoints"]} == {
        "response": "yes CR, PR; no SD, PD",
        "os": "event 1; censored 0; competing 2",
    }
    assert {p["name"]: p["rules"] for p in plan["populations"]} == {"all": "", "imid": "arm is R2 or LEN; age at least 18"}
    assert "censors a patient at a competing event" in plan["policies"]["competing"]


def test_outcomes_of_every_kind_have_words() -> None:
    from resistance.associate.policies import outcome_in_words
    from resistance.config.clinic import Endpoint

    def words(kind: str, **more: Any) -> str:
        return outcome_in_words(Endpoint(label="x", kind=kind, **more))  # type: ignore[arg-type]

    assert words("ordinal", value="b", levels=["PD", "SD", "CR"], not_evaluable=["NE"]) == (
        "worst to best: PD < SD < CR; not evaluable NE"
    )
    assert words("continuous", value="c") == "the number as it stands"
    toxic = {"terms": ["Neutropenia", "Anaemia"], "until_day": 90}
    assert words("binary", adverse_event=toxic) == "Neutropenia or Anaemia of grade 3 or more, by day 90"
    assert words("binary", adverse_event={"grade_at_least": 4}) == "any adverse event of grade 4 or more"
    days = {"column": "d", "unit": "days"}
    timed = {"time": days, "event": "e", "event_codes": [1], "censored_codes": [0], "entry": days, "start": days}
    assert words("time_to_event", survival=timed) == (
        "event 1; censored 0; counted from the start of treatment; at risk from the day the patient came under observation "
        "(delayed entry)"
    )


def test_the_plan_says_which_methods_it_takes_for_rare_markers_and_how_many_families_stand_beside_each_other(
    study: Any, configure: Configure
) -> None:
    usual = make_plan(*study.arguments())["policies"]
    assert "the p comes from 9,999 permutations" in usual["rare"]
    assert "instead" not in usual["rare"]
    families = len(make_plan(*study.arguments())["families"])
    assert f"Nothing is adjusted across the {families} families" in usual["multiplicity"]
    taken = make_plan(*study.having(config=configure(analysis={"methods": ["cox"], "e_values": True})).arguments())["policies"]
    assert taken["rare"].endswith("The cohort file takes cox instead wherever a question allows it (analysis.methods).")
    assert "E-value" in taken["unmeasured"]
    assert usual["unmeasured"] == ""


def test_the_coding_of_a_variable_that_is_only_contrasted_is_left_to_the_contrast(study: Any, configure: Configure) -> None:
    contrast = {"name": "south", "variable": "site", "level": "south", "reference": "north", "endpoint": "response"}
    plan = make_plan(*study.having(config=configure(analysis={"covariates": ["sex"], "contrasts": [contrast]})).arguments())
    assert set(plan["adjustment"]["codings"]) == {"sex", "subtype"}
    assert "site" in plan["adjustment"]["unknown"]


def test_the_study_s_own_features_are_asked_for_interaction_as_markers_are(study: Any, configure: Configure) -> None:
    """A feature that is marker M1 under another name has the interaction of M1."""
    from resistance.associate import answer

    states = study.matrix.query("marker_id == 'M1' and timepoint == 'baseline'")
    features = pd.DataFrame({"patient_id": states["patient_id"], "own": states["state"].eq("present").astype(float)})
    cohort = type(study.cohort)(**(vars(study.cohort) | {"features": features.reset_index(drop=True)}))
    config = configure(analysis={"treatment_interaction": True, "markers": ["M1"], "strata": [], "endpoints": ["response"]})
    mine = study.having(config=config, cohort=cohort).arguments()
    rows = answer(make_plan(*mine), *mine)
    asked = rows[rows["model"] == "interaction"].set_index("marker_id")
    assert asked["family"].to_dict() == {
        "M1": "all/response/interaction/markers", "feature:own": "all/response/interaction/features",
    }  # fmt: skip
    for column in ("effect", "ci_low", "ci_high", "p_value", "n", "carriers"):
        assert asked.loc["feature:own", column] == asked.loc["M1", column]
