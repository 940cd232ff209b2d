"""ctDNA that was measured on dated samples: known from its sample on, never before; against R's coxph."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance import schemas
from resistance.associate import answer, make_plan
from resistance.associate.dated import Dated, dated, spans
from resistance.config import DatedMeasure
from resistance.errors import InputError
from resistance.stats.cox import cox
from resistance.tables import conform, empty


def plasma(rows):
    """Rows: patient, sample, timepoint, day, mean VAF or None, detected."""
    table = pd.DataFrame(
        [
            {
                "patient_id": r[0], "sample_id": r[1], "timepoint": r[2], "day": r[3], "n_tracked": 3, "mean_vaf": r[4],
                "lod_vaf": 0.0005, "detected": r[5],
            }
            for r in rows
        ]
    )  # fmt: skip
    return conform(table, schemas.QUANTITY)


ROWS = [
    ("A", "A0", "baseline", -3, 0.10, True), ("A", "A1", "on_treatment", 30, 0.0, False), ("A", "A2", "on_treatment", 60, 0.01, True),
    ("B", "B1", "on_treatment", 28, 0.02, True), ("B", "B2", "on_treatment", None, 0.5, True),
    ("C", "C1", "on_treatment", 40, None, None), ("C", "C2", "relapse", 90, 0.3, True),
]  # fmt: skip
STAGES = {"quantity": plasma(ROWS), "molecular_response": empty(schemas.RESPONSE), "mrd": empty(schemas.MRD)}
LEVEL = DatedMeasure(name="level", variable="ctdna:mean_vaf", scale="log10")


def level(measure=LEVEL, stages=STAGES) -> Dated:
    return dated(measure, pd.Index(["A", "B", "C"]), stages)


def test_an_undetected_level_stands_at_its_limit_and_a_measurement_without_a_day_is_counted():
    found = level()
    assert found.value == pytest.approx(np.log10([0.10, 0.0005, 0.01, 0.02, 0.3]))
    assert (found.at_limit, found.undated) == (1, 1)
    assert found.per == "per tenfold"


def test_a_landmark_takes_the_last_value_by_its_day_of_its_time_point():
    assert level().known_by(45, "on_treatment", 3)[:2] == pytest.approx(np.log10([0.0005, 0.02]))
    assert np.isnan(level().known_by(45, "on_treatment", 3)[2])
    assert np.isnan(level().known_by(20, "on_treatment", 3)).all()
    assert level().known_by(60, "on_treatment", 3)[0] == pytest.approx(-2)


def test_follow_up_is_cut_at_each_measurement_and_starts_with_the_first():
    found = spans(level(), np.ones(3, dtype=bool), np.zeros(3), np.array([50.0, 100.0, 80.0]))
    rows = list(zip(found.patient.tolist(), found.start.tolist(), found.stop.tolist(), found.last.tolist(), strict=True))
    assert rows == [(0, 0, 30, False), (0, 30, 50, True), (1, 28, 100, True)]  # C's value comes after the end of follow-up
    assert found.value == pytest.approx(np.log10([0.10, 0.0005, 0.02]))


def test_findings_are_yes_or_no_and_an_underpowered_test_is_neither():
    mrd = conform(
        pd.DataFrame(
            [
                {"patient_id": p, "sample_id": f"{p}1", "timepoint": "on_treatment", "day": 20, "method": m, "verdict": v}
                for p, m, v in [("A", "exact", "positive"), ("A", "monte_carlo", "negative"), ("B", "exact", "negative"),
                                ("C", "exact", "underpowered")]
            ]
        ),
        schemas.MRD,
    )  # fmt: skip
    measure = DatedMeasure(name="MRD", variable="ctdna:mrd_positive")
    found = level(measure, STAGES | {"mrd": mrd})
    assert (found.patient.tolist(), found.value.tolist(), found.per) == ([0, 1], [1.0, 0.0], "yes v no")


def test_a_change_has_no_second_logarithm():
    with pytest.raises(InputError, match="a change in log10 has no second logarithm"):
        level(DatedMeasure(name="x", variable="ctdna:log10_change", scale="log10"))


def test_a_zero_without_a_limit_has_no_logarithm():
    table = STAGES["quantity"].assign(lod_vaf=np.nan)
    with pytest.raises(InputError, match="a level of 0 without a limit of detection has no logarithm") as error:
        level(stages=STAGES | {"quantity": table})
    assert "A1" in str(error.value)


@pytest.fixture(scope="module")
def serial(study: Any) -> Any:
    """Plasma of every patient at days 0, 30 and 90 with a random level."""
    rng = np.random.default_rng(5)
    ids = study.cohort.patients["patient_id"].tolist()
    rows = [
        (p, f"{p}_{day}", "baseline" if day == 0 else "on_treatment", day, float(np.exp(rng.normal(-4, 1))), True)
        for p in ids
        for day in (0, 30, 90)
        if not (day == 0 and p in ids[:20])
    ]
    samples = pd.DataFrame(
        [(r[1], r[0], "plasma", r[2], r[3]) for r in rows], columns=["sample_id", "patient_id", "material", "timepoint", "day"]
    )
    cohort = type(study.cohort)(**(vars(study.cohort) | {"samples": samples}))
    return study.having(cohort=cohort), STAGES | {"quantity": plasma(rows)}


def by_hand(study, quantity):
    """Start-stop rows, one after the other."""
    os = study.cohort.endpoints.query("endpoint == 'os'").set_index("patient_id")
    out = []
    for patient, time, event in zip(os.index, os["time_days"], os["event"], strict=True):
        mine = quantity[quantity["patient_id"] == patient].sort_values("day")
        days, values = mine["day"].tolist(), np.log10(mine["mean_vaf"]).tolist()
        for i, (day, value) in enumerate(zip(days, values, strict=True)):
            stop = min(time, days[i + 1]) if i + 1 < len(days) else time
            if day < stop:
                out.append((patient, float(day), float(stop), float(event == 1 and stop == time), value))
    return pd.DataFrame(out, columns=["id", "start", "stop", "event", "x"])


def asked(configure, **item):
    base = {"name": "q", "endpoint": "os", "markers": [], "measures": [LEVEL.model_dump()]}
    return base | item


def rows_of(study, stages, config):
    mine = study.having(config=config)
    plan = make_plan(*mine.arguments(), stages=stages)
    return answer(plan, *mine.arguments(), stages=stages)


def test_a_level_as_time_dependent_covariate_is_the_cox_model_of_its_start_stop_rows(serial, configure):
    study, stages = serial
    config = configure(analysis={"time_dependent": [asked(configure)], "strata": []})
    row = rows_of(study, stages, config).query("model == 'time_dependent'").iloc[0]
    table = by_hand(study, stages["quantity"])
    expected = cox(table["stop"], table["event"], table["x"], start=table["start"])
    assert row["effect"] == pytest.approx(expected.coef[0], rel=1e-8)
    assert row["contrast"] == "per tenfold, as last known"
    assert row["label"] == "level"
    assert row["n"] == table["id"].nunique()
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not here: compared with our own model only")
    text = table.to_csv(index=False)
    code = (
        "library(survival); d <- read.csv(file('stdin')); "
        "f <- coxph(Surv(start, stop, event) ~ x, d); "
        "at <- function(b) coxph(Surv(start, stop, event) ~ x, d, init = b, control = coxph.control(iter.max = 0))$loglik[2]; "
        "cat(coef(f), f$loglik[2], at(as.numeric(commandArgs(TRUE)[1])), at(as.numeric(commandArgs(TRUE)[2])), sep='\\n')"
    )
    bounds = [repr(float(row[name])) for name in ("ci_low", "ci_high")]
    done = subprocess.run(["Rscript", "-e", code, *bounds], input=text, capture_output=True, text=True, check=True)
    coef, top, low, high = (float(x) for x in done.stdout.split())
    assert row["effect"] == pytest.approx(coef, rel=1e-6)
    # at the bounds of the profile interval the likelihood is lower by half the 95 % quantile of chi-square
    assert [2 * (top - low), 2 * (top - high)] == pytest.approx([3.841458820694124] * 2, rel=1e-4)


def test_a_level_at_a_landmark_counts_from_there_in_those_still_at_risk(serial, configure):
    study, stages = serial
    item = asked(configure, day=60, timepoint="on_treatment")
    row = rows_of(study, stages, configure(analysis={"landmarks": [item], "strata": []})).query("model == 'landmark'").iloc[0]
    os = study.cohort.endpoints.query("endpoint == 'os'").set_index("patient_id")
    at_risk = os[os["time_days"] > 60]
    level30 = stages["quantity"].query("day == 30").set_index("patient_id")["mean_vaf"]
    x = np.log10(level30.reindex(at_risk.index).to_numpy())
    expected = cox(at_risk["time_days"] - 60, (at_risk["event"] == 1).astype(float), x)
    assert row["effect"] == pytest.approx(expected.coef[0], rel=1e-8)
    assert row["n"] == len(at_risk)
    assert row["contrast"] == "per tenfold, last known by day 60"


def test_no_immortal_time_in_a_clearance_that_only_survivors_can_reach(configure, study):
    """Clearance on day 90 without any effect: counted from day 0 it protects, as a dated covariate it does not."""
    n, rng = 1500, np.random.default_rng(9)
    time = rng.exponential(120, n)
    reaches = (rng.random(n) < 0.5) & (time > 90)
    naive = cox(time, np.ones(n), reaches.astype(float))
    assert naive.coef[0] < -0.5
    day = np.concatenate([np.zeros(n), np.full(n, 90.0)])
    order = np.lexsort((day, np.tile(np.arange(n), 2)))
    value = np.concatenate([np.zeros(n), reaches.astype(float)])
    who = np.tile(np.arange(n), 2)[order]
    measure = Dated("cleared", "yes v no", "x", who, day[order], value[order], np.full(2 * n, "on_treatment", dtype=object), 0, 0)
    found = spans(measure, np.ones(n, dtype=bool), np.zeros(n), time)
    honest = cox(found.stop, found.last.astype(float), found.value, start=found.start)
    assert abs(honest.coef[0]) < 2.5 * honest.se[0]


def test_one_name_for_two_numbers_is_refused(configure):
    other = LEVEL.model_dump() | {"variable": "ctdna:detected", "scale": "unit"}
    items = [asked(configure), asked(configure, name="r", measures=[other])]
    with pytest.raises(InputError, match="analysis names two different measures 'level'"):
        configure(analysis={"time_dependent": items, "strata": []})
