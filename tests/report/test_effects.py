"""What stands beside an effect: its own scale, what could have been seen, what to beware of; and the kinds of question."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import report_fixture as made

from resistance import schemas
from resistance.layout import write_stage
from resistance.report.content import build_content
from resistance.report.content_effects import described, direction, flags
from resistance.report.content_results import MOST_ROWS
from resistance.report.page import render, render_checklists
from resistance.report.tables_in import read_tables
from resistance.report.tables_out import with_ratios

_ENDPOINTS: dict[str, Any] = {
    "depth": {
        "label": "Depth of response", "kind": "ordinal", "value": "RESPONSE", "levels": ["PD", "SD", "PR", "CR"],
    },
    "ic50": {"label": "log IC50", "kind": "continuous", "value": "IC50"},
}  # fmt: skip


def row_of(**more: Any) -> dict[str, Any]:
    """A row of the results with nothing in it but what is given."""
    base: dict[str, Any] = dict.fromkeys(schemas.RESULTS.names)
    return base | {"scale": "log_hazard_ratio", "converged": True} | more


def asked(marker: str, endpoint: str, model: str, kind: str, **more: Any) -> dict[str, Any]:
    """One row of the results table."""
    base = made._result(marker, marker, "os", "crude", 0.1)
    return base | {
        "question_id": f"all/{endpoint}/{marker}/{model}/{more.pop('term', 'present')}", "endpoint": endpoint, "model": model,
        "family": f"all/{endpoint}/{model}/{kind}", **more,
    }  # fmt: skip


def content_of(folder: Path, rows: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    results = made.build_results(folder / "results")
    write_stage(pd.DataFrame(rows), results, "associate", schemas.RESULTS)
    return build_content(made.config_of(endpoints=_ENDPOINTS, **changes), read_tables(results), made.PROVENANCE)


def test_a_difference_is_never_exponentiated() -> None:
    said = described(row_of(scale="difference", effect=-1.25, ci_low=-2.0, ci_high=0.5, detectable_effect=1.5))
    assert (said["value"], said["effect_words"], said["interval_words"]) == (-1.25, "−1.25", "−2 to 0.5")
    assert said["negative"] is True
    assert said["detectable_words"] == "could have seen diff. ≥ 1.5 or ≤ −1.5"


def test_beside_a_negative_stands_what_could_have_been_seen_on_both_sides() -> None:
    said = described(row_of(effect=0.1, ci_low=-0.4, ci_high=0.6, detectable_effect=math.log(2.9)))
    assert said["detectable"] == pytest.approx([2.9, 1 / 2.9])
    assert said["detectable_words"] == "could have seen HR ≥ 2.90 or ≤ 0.34"
    assert described(row_of(effect=0.5, ci_low=0.1, ci_high=0.9, detectable_effect=0.4))["detectable_words"] is None


def test_odds_ratios_have_one_nearer_side() -> None:
    said = described(row_of(scale="log_odds_ratio", effect=0.0, ci_low=-1.0, ci_high=1.0, detectable_effect=math.log(0.2)))
    assert said["detectable_words"] == "could have seen OR ≤ 0.20"


@pytest.mark.parametrize(
    ("low", "high", "effect", "interval", "negative"),
    [(None, 0.72, "0", "0 to 2.05", True), (None, -0.5, "0", "0 to 0.61", False), (0.3, None, "∞", "1.35 to ∞", False)],
)
def test_an_empty_cell_shows_its_interval(
    low: float | None, high: float | None, effect: str, interval: str, negative: bool
) -> None:
    said = described(row_of(scale="log_odds_ratio", effect=None, ci_low=low, ci_high=high))
    assert (said["effect_words"], said["interval_words"], said["negative"]) == (effect, interval, negative)


def test_a_model_without_a_maximum_shows_no_effect() -> None:
    said = described(row_of(effect=0.4, ci_low=0.1, ci_high=0.8, converged=False))
    assert (said["effect_words"], said["interval_words"], said["negative"]) == (None, None, None)


def test_hazards_that_are_not_proportional_bring_the_restricted_mean() -> None:
    crude = row_of(rmst_days=-45.0, rmst_ci_low_days=-90.0, rmst_ci_high_days=-3.0, rmst_tau_days=730.0)
    broken = row_of(assumption="proportional hazards", assumption_p=0.01)
    words = "restricted mean difference −45 days (−90 to −3) up to day 730"
    assert flags(broken | {k: crude[k] for k in crude if k.startswith("rmst")}, None) == [
        f"hazards not proportional, p 0.010: {words}"
    ]
    assert flags(broken, crude) == [f"hazards not proportional, p 0.010: crude {words}"]
    assert flags(row_of(assumption="proportional hazards", assumption_p=0.05), crude) == []
    assert flags(row_of(assumption="proportional odds", assumption_p=0.001), None) == ["odds not proportional, p 0.001"]


def test_what_cannot_reach_five_percent_says_so() -> None:
    assert flags(row_of(p_value=1.0, p_value_minimum=0.08), None) == ["cannot reach 5 %: least p 0.080"]
    assert flags(row_of(p_value=1.0, p_value_minimum=0.05), None) == []
    said = flags(row_of(p_value=0.2, separated=True, gate_open=False), None)
    assert [x.split(":")[0] for x in said] == ["empty cell", "not confirmatory"]


def test_an_ordered_outcome_is_read_as_better_categories_and_has_no_responders(tmp_path: Path) -> None:
    config = made.config_of(endpoints=_ENDPOINTS)
    assert direction(config, "depth", "log_odds_ratio") == "Above 1: better categories with the marker (from PD to CR)."
    content = content_of(tmp_path, [asked("tp53", "depth", "crude", "markers", scale="log_odds_ratio")])
    (forest,) = content["forests"]
    assert (forest["events_are"], forest["rows"][0]["events"]) == (None, None)


def test_a_contrast_names_its_levels_and_a_measure_its_values(tmp_path: Path) -> None:
    rows = [
        asked("subtype:ABC", "os", "crude", "contrasts", label="coo_os", contrast="ABC v GCB"),
        asked("measure:ki67", "os", "crude", "measures", contrast="per doubling", carriers=None, carrier_events=None),
    ]
    contrast, measure = content_of(tmp_path, rows)["forests"]
    assert contrast["rows"][0]["label"] == "coo_os (ABC v GCB)"
    assert contrast["reads"] == "Above 1: more events at the level named first."
    assert measure["reads"] == "Above 1: more events with higher values of the measure."


def test_a_forest_says_how_many_tests_its_q_pay_for(tmp_path: Path) -> None:
    rows = [
        asked("tp53", "os", "crude", "markers"),
        asked(
            "crbn", "os", "crude", "markers", effect=None, ci_low=None, ci_high=None, p_value=None, q_value=None, converged=False
        ),
        asked("tp53", "os", "adjusted", "markers"),
    ]
    (forest,) = content_of(tmp_path, rows)["forests"]
    assert forest["families"] == [
        {"model": "crude", "planned": 2, "tested": 1, "not_run": 1},
        {"model": "adjusted", "planned": 1, "tested": 1, "not_run": 0},
    ]


def test_a_long_name_has_its_levels_on_a_second_line(tmp_path: Path) -> None:
    from resistance.report.figure_forest import forest_figure

    rows = [
        asked("t:PR", "os", "crude", "contrasts", label="primary refractory (OS)", contrast="Primary Refractory v Late Relapse")
    ]
    (forest,) = content_of(tmp_path, rows)["forests"]
    figure = forest_figure(forest)
    assert figure is not None
    assert "split(replace(datum.label" in json.dumps(figure.spec)
    assert '"height": 36' in json.dumps(figure.spec)  # one row of 28 and a second line


def test_a_forest_of_differences_stands_on_a_plain_axis(tmp_path: Path) -> None:
    from resistance.report.figure_forest import forest_figure

    rows = [asked("tp53", "ic50", "crude", "markers", scale="difference", effect=-3.0, ci_low=-4.0, ci_high=-2.0)]
    content = content_of(tmp_path, rows)
    figure = forest_figure(content["forests"][0])
    assert figure is not None
    rule = figure.spec["layer"][0]
    assert rule["data"]["values"] == [{"at": 0}]
    assert rule["encoding"]["x"]["scale"]["type"] == "linear"
    assert rule["encoding"]["x"]["axis"]["title"] == "difference, in units of log IC50"
    assert "excludes 0 for tp53" in figure.alt


def test_estimates_of_one_question_stand_side_by_side(tmp_path: Path) -> None:
    models = ("subdistribution", "imputed", "adjusted", "crude")
    rows = [
        asked(
            "tp53", "os", m, "markers", scale="log_subdistribution_hazard_ratio" if m == "subdistribution" else "log_hazard_ratio"
        )
        for m in models
    ]
    (forest,) = content_of(tmp_path, rows)["forests"]
    assert forest["models"] == ["crude", "adjusted", "imputed", "subdistribution"]
    assert len(forest["rows"]) == 1


def test_a_searched_cut_is_a_test_without_an_effect(tmp_path: Path) -> None:
    none: dict[str, Any] = {
        "effect": None,
        "ci_low": None,
        "ci_high": None,
        "scale": None,
        "carriers": None,
        "carrier_events": None,
    }
    rows = [
        asked(
            "measure:ki67", "os", "crude", "measures", term="value", contrast="per doubling", carriers=None, carrier_events=None
        ),
        asked(
            "measure:ki67", "os", "cut", "measures", term="cut", contrast="above v below the best cut", note="best cut 40", **none
        ),
    ]
    content = content_of(tmp_path, rows)
    (forest,) = content["forests"]
    assert [row["label"] for row in forest["rows"]] == ["measure:ki67 (per doubling)"]
    assert [(t["model"], t["note"]) for t in forest["tests"]] == [("cut", "best cut 40")]
    assert forest["without"] == []
    page = render(content)
    assert "best cut 40" in page
    assert "Carriers" not in page[page.index('id="spec-figure-forest-measures') :].split("</script>")[0]


def test_landmark_and_time_dependent_questions_have_forests_of_their_own(tmp_path: Path) -> None:
    rows = [
        asked("tp53", "os", "landmark", "landmark", term="day 60"),
        asked("tp53", "os", "landmark", "landmark", term="day 90"),
        asked("tp53", "os", "time_dependent", "time_dependent", term="under treatment"),
    ]
    found = [(f["kind"], f["name"]) for f in content_of(tmp_path, rows)["forests"]]
    assert found == [("landmark", "day 60"), ("landmark", "day 90"), ("time_dependent", "under treatment")]


def test_the_primary_endpoint_stands_first(tmp_path: Path) -> None:
    rows = [
        asked("tp53", "depth", "crude", "markers", role="exploratory", scale="log_odds_ratio"),
        asked("tp53", "ic50", "crude", "markers", role="secondary", scale="difference"),
        asked("tp53", "os", "crude", "markers", role="primary"),
    ]
    assert [f["role"] for f in content_of(tmp_path, rows)["forests"]] == ["primary", "secondary", "exploratory"]


def test_columns_stand_only_where_the_plan_asked_for_them(tmp_path: Path) -> None:
    rows = [asked("tp53", "os", "crude", "markers", e_value=2.5, e_value_bound=1.2, p_familywise=0.4, gate_open=True)]
    assert "E-value (of the bound)" not in render(content_of(tmp_path / "a", rows))
    plan = {"e_values": True, "multiplicity": {"family_wise": "max_t", "hierarchy": ["os"]}}
    page = render(content_of(tmp_path / "b", rows, analysis=plan))
    for words in ("E-value (of the bound)", "p, family-wise", "Confirmatory", "2.50 (1.20)"):
        assert words in page


def test_a_scan_of_thousands_of_genes_stays_readable(tmp_path: Path) -> None:
    n = 3_000
    base = asked("g", "os", "crude", "expression", carriers=None, carrier_events=None, contrast="per standard deviation")
    frame = pd.DataFrame([base]).loc[[0] * n].reset_index(drop=True)
    names = [f"expression:G{i:05d}" for i in range(n)]
    frame = frame.assign(
        marker_id=names,
        label=names,
        question_id=[f"all/os/{x}/crude/value" for x in names],
        p_value=[(n - i) / n for i in range(n)],
    )
    content = content_of(tmp_path, frame.to_dict("records"))
    (forest,) = content["forests"]
    assert (len(forest["rows"]), forest["more_rows"]) == (MOST_ROWS, n - MOST_ROWS)
    assert {row["marker_id"] for row in forest["rows"]} == set(names[-MOST_ROWS:])
    page = render(content)
    assert "chosen so, their effects are on average too large" in page
    assert page.count("<tr data-endpoint") == 1000
    assert names[-1] in page


def test_rows_of_one_name_are_told_apart(tmp_path: Path) -> None:
    rows = [asked(name, "os", "crude", "markers", label="A long name " * 9) for name in ("first", "second")]
    (forest,) = content_of(tmp_path, rows)["forests"]
    assert len({row["label"] for row in forest["rows"]}) == 2


def test_families_count_planned_run_and_not_run(content: dict[str, Any]) -> None:
    found = {f["family"]: (f["planned"], f["tested"], f["not_run"], f["smallest_q"]) for f in content["questions"]["families"]}
    assert found["all/os/crude/markers"] == (3, 2, 1, 0.04)


def test_ratios_in_the_table_are_of_logarithms_only() -> None:
    frame = pd.DataFrame(
        {"scale": ["difference", "log_odds_ratio", None], "effect": [1.0] * 3, "ci_low": [0.0] * 3, "ci_high": [2.0] * 3}
    )
    out = with_ratios(frame)
    assert out["ratio"].isna().tolist() == [True, False, True]
    assert out["ratio"][1] == pytest.approx(math.e)


def test_checklists_say_what_is_reported_and_what_only_authors_know(content: dict[str, Any]) -> None:
    (remark,) = content["checklists"]
    assert [row["item"] for row in remark["rows"]] == [str(i) for i in range(1, 21)]
    rows = {row["item"]: row for row in remark["rows"]}
    assert rows["5"]["state"] == rows["19"]["state"] == "for the author"
    assert rows["12"]["state"] == "reported"
    assert (
        "24 patients analysed; Best response CR or PR: n 20, events 10; Overall survival: n 24, events 12" in rows["12"]["detail"]
    )
    assert remark["reported"] + remark["author"] + remark["not_done"] == 20
    page = render_checklists(content)
    assert 'href="report.html#patients"' in page
    assert "predictive" not in page.lower()


def test_a_prediction_model_brings_its_own_checklist(content: dict[str, Any]) -> None:
    from resistance.report.content_checklists import checklists

    _, tripod = checklists(made.config_of(), content, prediction=True)
    assert tripod["name"] == "TRIPOD+AI"
    assert [row["item"] for row in tripod["rows"]] == [str(i) for i in range(1, 28)]
