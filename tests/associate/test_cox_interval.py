"""The interval of a Cox model belongs to its p, or is Wald's where the cohort file says so; either is said by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance.associate import answer, make_plan
from resistance.associate.methods import METHODS, FamilySample, Sample, method_for
from resistance.associate.methods.record import interval_note
from resistance.config import CohortFile
from resistance.stats.cox import cox

Z = 1.959963984540054


def sample(seed: int, n: int = 60) -> Sample:
    draw = np.random.default_rng(seed)
    carrier = draw.random(n) < 0.5
    time = np.ceil(draw.exponential(300 * np.exp(-0.6 * carrier), n))
    event = draw.random(n) < 0.4
    return Sample(
        value=event.astype(float), event=event, code=event.astype(np.int64), time=time, entry=None,
        terms=carrier[:, None].astype(float), tested=0, flag=True, covariates=draw.normal(size=(n, 1)), names=("M", "age"),
        strata=None, arm=draw.random(n) < 0.5,
    )  # fmt: skip


def record(key: str) -> Any:
    return next(m for m in METHODS if m.key == key)


@pytest.mark.parametrize("key", ["cox", "cox_interaction"])
def test_the_interval_excludes_no_effect_exactly_where_p_is_below_5_per_cent(key: str) -> None:
    verdicts, differ = [], 0
    for seed in range(40):
        found, wald = record(key).fit(sample(seed)), record(f"{key}_wald").fit(sample(seed))
        verdicts.append((found.ci_low > 0 or found.ci_high < 0, found.p_value < 0.05))
        assert "disagree" not in found.note
        assert (wald.effect, wald.p_value) == (found.effect, found.p_value)
        assert [wald.ci_low, wald.ci_high] == pytest.approx([wald.effect - Z * wald.se, wald.effect + Z * wald.se], rel=1e-9)
        disagree = (wald.ci_low > 0 or wald.ci_high < 0) != (wald.p_value < 0.05)
        assert ("the Wald interval and the likelihood-ratio p disagree about 5 %: few events" in wald.note) == disagree
        differ += abs(wald.ci_low - found.ci_low) > 1e-3
    assert all(outside == small for outside, small in verdicts)
    assert differ > 10


@pytest.mark.parametrize("key", ["cox", "cox_wald"])
def test_a_scan_says_of_each_marker_what_its_single_fit_says(key: str) -> None:
    shared = sample(1, 80)
    markers = (np.random.default_rng(2).random((80, 10)) < 0.4).astype(float)
    family = FamilySample(shared, markers, tuple(f"M{i}" for i in range(10)))
    method = record(key)
    for i, found in enumerate(method.scan(family)):
        one = method.fit(replace(shared, terms=markers[:, [i]], names=(f"M{i}", "age")))
        assert [found.ci_low, found.ci_high, found.p_value] == pytest.approx([one.ci_low, one.ci_high, one.p_value], rel=1e-6)
        assert found.note == one.note


def test_the_cohort_file_chooses_and_the_row_names_the_interval(study: Any, configure: Callable[..., CohortFile]) -> None:
    os = study.cohort.endpoints.query("endpoint == 'os'").set_index("patient_id")
    state = study.matrix.query("marker_id == 'M2' and timepoint == 'baseline'").set_index("patient_id")["state"].reindex(os.index)
    known = state.ne("not_assessed").to_numpy()
    expected = cox(os["time_days"][known], os["event"][known].astype(int), state[known].eq("present"))
    rows: dict[str, pd.Series] = {}
    for chosen in ("profile", "wald"):
        mine = study.having(config=configure(analysis={"endpoints": ["os"], "markers": ["M2"], "cox_interval": chosen}))
        rows[chosen] = (
            answer(make_plan(*mine.arguments()), *mine.arguments()).set_index("question_id").loc["all/os/M2/crude/present"]
        )
        assert f"{'Wald' if chosen == 'wald' else 'profile'} interval" in rows[chosen]["method"]
    wald = rows["wald"]
    assert [wald["ci_low"], wald["ci_high"]] == pytest.approx([expected.ci_low[0], expected.ci_high[0]], rel=1e-8)
    assert rows["profile"]["p_value"] == wald["p_value"]
    assert rows["profile"]["ci_low"] != pytest.approx(wald["ci_low"], rel=1e-6)


def test_rare_markers_are_penalised_whatever_the_interval_and_a_method_that_is_named_has_the_one_asked_for() -> None:
    assert method_for("time_to_event", "crude", rare=True, wald=True) is record("firth_cox")
    assert method_for("time_to_event", "crude", rare=True, wanted=["cox"], wald=True) is record("cox_wald")
    assert method_for("time_to_event", "interaction", wald=True) is record("cox_interaction_wald")
    assert method_for("binary", "crude", wald=True) is record("fisher")


def test_a_bound_that_is_not_there_is_explained() -> None:
    assert interval_note(0.1, 1.0, 0.01) == ""
    assert interval_note(-np.inf, 1.0, 0.2) == "the lower bound of the interval is infinite: the likelihood never falls that far"
    assert interval_note(0.1, np.nan, 0.01) == "the upper bound of the interval was not found"
