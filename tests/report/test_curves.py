"""Curves of the report with delayed entry and competing events, against R's survival 3.5-3 and cmprsk 2.2-11."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import report_fixture as made

from resistance.report.content import build_content
from resistance.report.curves import at_risk, curve, incidence, median_follow_up, stated_at, ticks
from resistance.report.figure_survival import survival_figure
from resistance.report.tables_in import read_tables

ENTRY = [0, 0, 30, 60, 0, 90, 0, 20, 0, 150, 0, 45]
TIME = [90, 200, 120, 300, 45, 400, 310, 210, 500, 260, 365, 280]
EVENT = [1, 2, 1, 0, 2, 1, 0, 1, 1, 2, 1, 0]


def rows(*, late: bool) -> pd.DataFrame:
    table = pd.DataFrame({"time_days": TIME, "event": EVENT})
    return table.assign(entry_days=ENTRY) if late else table


def test_a_patient_is_at_risk_from_the_day_of_entry_on() -> None:
    found = curve(rows(late=True))
    # summary(survfit(Surv(entry, time, ev == 1) ~ 1, conf.type = "log-log"))
    assert (found["n"], found["events"]) == (12, 6)
    assert (found["median_days"], found["median_low_days"], found["median_high_days"]) == (365, 90, None)
    assert [p["survival"] for p in found["points"]] == pytest.approx(
        [1, 0.888888888889, 0.790123456790, 0.691358024691, 0.460905349794, 0.230452674897, 0], rel=1e-10
    )
    assert [p["low"] for p in found["points"]][1:6] == pytest.approx(
        [0.4329650902258, 0.3895935137792, 0.3173957420737, 0.0832864172079, 0.0107795700306], rel=1e-9
    )
    # summary(survfit(Surv(entry, time, ev == 0) ~ 1))$table["median"]
    assert median_follow_up(rows(late=True)) == 310
    # sapply(months, function(t) sum(entry < t & time >= t)), at zero those who came at once
    assert at_risk(rows(late=True), [0, 3, 6, 9, 12]) == [6, 9, 9, 6, 2]


def test_without_late_patients_the_curve_is_the_usual_one() -> None:
    assert curve(rows(late=True).assign(entry_days=0.0)) == curve(rows(late=False))
    assert at_risk(rows(late=False), [0, 3]) == [12, 10]


def test_a_competing_event_ends_the_risk_and_is_not_censored() -> None:
    found = incidence(rows(late=False), 6)
    assert (found["n"], found["events"], found["competing"], found["at_months"]) == (12, 6, 3, 6)
    # cmprsk: timepoints(cuminc(time, ev), 6 months), and the log-log interval of its variance
    assert found["incidence_at"] == pytest.approx(0.1666666666667, rel=1e-10)
    assert (found["low_at"], found["high_at"]) == pytest.approx((0.0231702525248, 0.426252995359), rel=1e-9)
    assert incidence(rows(late=False), 9)["incidence_at"] == pytest.approx(0.25, rel=1e-10)
    # survfit(Surv(entry, time, factor(ev, 0:2)) ~ 1, id = id)
    late = [incidence(rows(late=True), month)["incidence_at"] for month in (3, 6, 9)]
    assert late == pytest.approx([0.0972222222222, 0.1836419753086, 0.2604595336077], rel=1e-9)
    # 1 less Kaplan-Meier is larger
    assert 1 - curve(rows(late=False))["points"][-2]["survival"] > found["points"][-2]["incidence"]


def test_an_incidence_beyond_the_follow_up_is_not_known() -> None:
    found = incidence(rows(late=False), 24)
    assert (found["incidence_at"], found["low_at"]) == (None, None)


def test_an_incidence_is_stated_where_every_group_still_has_ten_at_risk() -> None:
    assert stated_at([0, 6, 12, 18], [[40, 30, 10, 9], [20, 12, 10, 0]]) == 12
    assert stated_at([0, 6, 12], [[4, 3, 1]]) == 6
    assert stated_at([0], [[4]]) == 0
    assert ticks(0.5) == [0.0]


def content_of(folder: Path, competing_as: str) -> dict[str, Any]:
    survival = {
        "time": {"column": "OS", "unit": "days"}, "event": "DEAD", "event_codes": [1], "censored_codes": [0],
        "competing_codes": [2], "competing_as": competing_as,
    }  # fmt: skip
    endpoints = {"os": {"label": "Relapse", "kind": "time_to_event", "survival": survival}}
    config = made.config_of(endpoints=endpoints, analysis={"joint": []})
    results = made.build_results(folder)
    tables = read_tables(results)
    ends = tables.cohort.endpoints
    timed = ends["endpoint"] == "os"
    ends.loc[timed & (ends["event"] == 0) & (ends.index % 3 == 0), "event"] = 2
    ends["entry_days"] = (ends.index % 2 * 20.0).where(timed)
    return build_content(config, tables, made.PROVENANCE)


def test_the_report_draws_incidences_where_events_compete(tmp_path: Path) -> None:
    everyone = content_of(tmp_path / "a", "censored")["survival"][0]
    assert (everyone["shows"], everyone["late"]) == ("incidence", 12)
    (group,) = everyone["groups"]
    assert group["competing"] > 0
    figure = survival_figure(everyone)
    assert "Cumulative incidence (Aalen-Johansen): competing events end the risk, they are not censored." in figure.caption
    assert "12 patients at risk only from the day of entry." in figure.caption
    assert "Cumulative incidence of Relapse. All patients: 24 patients, 12 events, " in figure.alt


def test_a_competing_event_that_counts_as_the_event_stays_in_kaplan_meier(tmp_path: Path) -> None:
    everyone = content_of(tmp_path / "b", "event")["survival"][0]
    assert everyone["shows"] == "survival"
    assert everyone["groups"][0]["events"] > 12
