"""Kaplan-Meier, medians and log-rank against R and by hand."""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resistance.stats.survival import kaplan_meier, log_rank, numbers_at_risk, survival_at

FOLLOWED = st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.integers(0, 2)), min_size=2, max_size=50)


@pytest.mark.shared
def test_curve_interval_and_median_agree_with_r(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/03_km_logrank_rmst_cuminc.json").read_text())["km"]
    lung = pd.read_csv(shared / "truth/stats/data/lung.csv")
    sexes = [lung[lung["sex"] == sex] for sex in (1, 2)]
    by_sex = truth["lung_sex_loglog"]
    cases = [(lung, truth["lung_all"], slice(None), truth["lung_all"])]
    for i, sex in enumerate(sexes):
        part = {key: by_sex[key][i] for key in ("quantile", "q_lower", "q_upper")}
        cases.append((sex, by_sex, slice(3 * i, 3 * i + 3), part))
    for data, row, at, quantiles in cases:
        curve = kaplan_meier(data["time"], data["event"])
        survival, low, high = survival_at(curve, row["time"][at])
        assert survival == pytest.approx(row["surv"][at], rel=1e-8)
        assert low == pytest.approx(row["lower"][at], rel=1e-8)
        assert high == pytest.approx(row["upper"][at], rel=1e-8)
        index = np.searchsorted(curve.time, row["time"][at], side="right") - 1
        assert curve.std_err[index] == pytest.approx(row["std_err"][at], rel=1e-8)
        assert numbers_at_risk(data["time"], row["time"][at]).tolist() == row["n_risk"][at]
        found = (curve.median, curve.median_ci_low, curve.median_ci_high)
        assert found == (quantiles["quantile"][1], quantiles["q_lower"][1], quantiles["q_upper"][1])


@pytest.mark.shared
def test_log_rank_agrees_with_r(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/03_km_logrank_rmst_cuminc.json").read_text())["logrank"]
    lung = pd.read_csv(shared / "truth/stats/data/lung.csv")
    known = lung.dropna(subset=["ph.ecog"])
    veteran = pd.read_csv(shared / "truth/stats/data/veteran.csv")
    order = ["adeno", "large", "smallcell", "squamous"]
    myeloma = pd.read_csv(shared / "truth/stats/data/myeloma_survminer.csv")
    found = {
        "lung_sex": log_rank(lung["time"], lung["event"], lung["sex"]),
        "lung_sex_strat_ecog": log_rank(known["time"], known["event"], known["sex"], strata=known["ph.ecog"]),
        "veteran_celltype": log_rank(veteran["time"], veteran["status"], veteran["celltype"].map(order.index)),
        "myeloma_group": log_rank(myeloma["time"], myeloma["event"], myeloma["molecular_group"].to_numpy(dtype=str)),
    }
    for name, test in found.items():
        assert test.n.tolist() == truth[name]["n"]
        assert test.observed.tolist() == truth[name]["obs"]
        assert test.expected == pytest.approx(truth[name]["exp"], rel=1e-8)
        assert (test.chi2, test.df) == (pytest.approx(truth[name]["chisq"], rel=1e-8), truth[name]["df"])
        assert test.p_value == pytest.approx(truth[name]["p"], rel=1e-7)


def test_a_curve_of_six_patients_by_hand() -> None:
    # at risk 6, 5, 3, 2: events at 1, 2 (two, with a censoring), 4; censored 2, 3, 5
    curve = kaplan_meier([1, 2, 2, 3, 4, 5], [1, 1, 0, 0, 1, 0])
    assert curve.time.tolist() == [1, 2, 3, 4, 5]
    assert curve.n_risk.tolist() == [6, 5, 3, 2, 1]
    assert curve.n_event.tolist() == [1, 1, 0, 1, 0]
    assert curve.n_censored.tolist() == [0, 1, 1, 0, 1]
    assert curve.survival == pytest.approx([5 / 6, 2 / 3, 2 / 3, 1 / 3, 1 / 3])
    assert curve.std_err[1] == pytest.approx(2 / 3 * np.sqrt(1 / 30 + 1 / 20))
    assert (curve.n, curve.events, curve.median) == (6, 3, 4)


def test_median_lies_in_the_middle_of_a_stretch_at_one_half() -> None:
    assert kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1]).median == 2.5
    assert isnan(kaplan_meier([1, 2, 3, 4], [1, 0, 0, 0]).median)


def test_a_curve_without_events_is_one_and_its_interval_too() -> None:
    curve = kaplan_meier([1, 2, 3], [0, 0, 0])
    assert curve.survival.tolist() == curve.ci_low.tolist() == curve.ci_high.tolist() == [1, 1, 1]
    assert isnan(curve.median)


def test_a_curve_that_falls_to_zero_has_no_interval_there() -> None:
    curve = kaplan_meier([1, 2], [1, 1])
    assert curve.survival.tolist() == [0.5, 0.0]
    assert np.isnan([curve.ci_low[1], curve.ci_high[1], curve.std_err[1]]).all()


def test_nothing_is_said_beyond_the_last_follow_up() -> None:
    survival, _, _ = survival_at(kaplan_meier([1, 2, 3], [1, 0, 0]), [0.5, 1, 3, 3.1])
    assert survival[:3] == pytest.approx([1, 2 / 3, 2 / 3])
    assert isnan(survival[3])


def test_nobody_followed_gives_an_empty_curve() -> None:
    curve = kaplan_meier([], [])
    assert (curve.n, curve.time.size) == (0, 0)
    assert isnan(curve.median)


@given(FOLLOWED)
def test_curve_falls_within_its_interval(rows: list[tuple[int, bool, int]]) -> None:
    time, event, _ = np.array(rows, dtype=float).T
    curve = kaplan_meier(time, event)
    assert (np.diff(curve.survival) <= 0).all()
    inside = ~np.isnan(curve.ci_low)
    assert (curve.ci_low[inside] <= curve.survival[inside] + 1e-12).all()
    assert (curve.survival[inside] <= curve.ci_high[inside] + 1e-12).all()
    assert curve.n_event.sum() == curve.events
    assert (curve.n_event + curve.n_censored).sum() == len(rows)
    assert numbers_at_risk(time, curve.time).tolist() == curve.n_risk.tolist()


@given(FOLLOWED, st.permutations([0, 1, 2]))
def test_names_of_groups_and_order_of_patients_do_not_change_the_log_rank(
    rows: list[tuple[int, bool, int]], names: list[int]
) -> None:
    time, event, group = np.array(rows, dtype=float).T
    found = log_rank(time, event, group)
    renamed = log_rank(time[::-1], event[::-1], np.array(names)[group.astype(int)][::-1])
    assert renamed.chi2 == pytest.approx(found.chi2, rel=1e-6, abs=1e-9, nan_ok=True)
    assert found.observed.sum() == event.sum()
    assert found.expected.sum() == pytest.approx(event.sum())


def test_one_group_cannot_be_compared() -> None:
    found = log_rank([1, 2, 3], [1, 1, 1], ["a", "a", "a"])
    assert isnan(found.p_value)
    assert found.df == 0


def test_strata_without_both_groups_add_nothing() -> None:
    time, event = np.arange(1.0, 13), np.ones(12)
    group, stratum = np.arange(12) % 2, np.zeros(12)
    plain = log_rank(time, event, group)
    more = log_rank([*time, 3.5, 5.5], [*event, 1, 1], [*group, 1, 1], strata=[*stratum, 1, 1])
    assert more.chi2 == pytest.approx(plain.chi2)
