"""Whatever small cohort comes, each survival method answers or says why not; never a warning, never a p without a fit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from resistance.stats.aalen_johansen import cumulative_incidence
from resistance.stats.competing import cause_specific_cox
from resistance.stats.cutpoint import binary_cutpoint, continuous_cutpoint, survival_cutpoint
from resistance.stats.fine_gray import fine_gray
from resistance.stats.gray import gray_test
from resistance.stats.kaplan_meier import kaplan_meier
from resistance.stats.log_rank import log_rank, log_rank_trend
from resistance.stats.pseudo_values import incidence_pseudo_values, rmst_pseudo_values
from resistance.stats.rmst import compare_rmst, rmst
from resistance.stats.rmst_regression import rmst_regression

Cohort = dict[str, Any]

METHODS: dict[str, Callable[[Cohort], Any]] = {
    "log_rank": lambda c: log_rank(c["time"], c["event"], c["group"], strata=c["strata"]),
    "log_rank late": lambda c: log_rank(c["end"], c["event"], c["group"], start=c["start"], rho=0.5, gamma=1),
    "log_rank_trend": lambda c: log_rank_trend(c["time"], c["event"], c["group"]),
    "compare_rmst": lambda c: compare_rmst(c["time"], c["event"], c["strata"]).difference,
    "difference": lambda c: rmst_regression(c["time"], c["event"], c["strata"], c["columns"]),
    "ratio": lambda c: rmst_regression(c["time"], c["event"], c["strata"], c["columns"], scale="ratio"),
    "rmtl": lambda c: rmst_regression(c["time"], c["event"], c["strata"], c["columns"], scale="rmtl_ratio"),
    "gray_test": lambda c: gray_test(c["time"], c["cause"], c["group"], strata=c["strata"], rho=-1),
    "fine_gray": lambda c: fine_gray(c["time"], c["cause"], c["columns"], censoring_groups=c["strata"]),
    "cause_specific_cox": lambda c: cause_specific_cox(c["time"], c["cause"], c["columns"], of=2),
    "survival_cutpoint": lambda c: survival_cutpoint(c["time"], c["event"], c["marker"], permutations=9, seed=1),
    "binary_cutpoint": lambda c: binary_cutpoint(c["event"], c["marker"]),
    "continuous_cutpoint": lambda c: continuous_cutpoint(c["time"], c["marker"]),
    "kaplan_meier": lambda c: kaplan_meier(c["end"], c["event"], start=c["start"], robust=True, interval="log"),
    "rmst": lambda c: rmst(c["time"], c["event"]),
    "aalen": lambda c: cumulative_incidence(c["time"], c["cause"]),
    "jackknife": lambda c: cumulative_incidence(c["end"], c["cause"], start=c["start"], variance="jackknife"),
    "incidence_pseudo_values": lambda c: incidence_pseudo_values(c["time"], c["cause"], [c["unit"]]),
    "rmst_pseudo_values": lambda c: rmst_pseudo_values(c["time"], c["event"], [c["unit"]]),
}


def cohorts(count: int) -> list[Cohort]:
    """Nobody to 13 patients, with ties, time 0, empty arms, constant and collinear columns, in four units of time."""
    draw = np.random.default_rng(0)
    out = []
    for _ in range(count):
        n, unit = int(draw.integers(0, 14)), draw.choice([1, 1e-9, 1e9, 1 / 365.25])
        time = draw.integers(0, draw.choice([2, 6, 30]), n) * unit
        cause = draw.choice(4, n, p=draw.dirichlet([1] * 4))
        out.append(
            {
                "unit": unit,
                "time": time,
                "start": time / 2,
                "end": time + unit,
                "cause": cause,
                "event": cause > 0,
                "group": draw.integers(0, draw.choice([1, 2, 4]), n),
                "strata": draw.integers(0, 2, n),
                "columns": draw.choice([0, 1, draw.normal()], (n, int(draw.integers(0, 4)))),
                "marker": draw.integers(0, draw.choice([2, 10]), n).astype(float),
            }
        )
    return out


@pytest.mark.parametrize("method", METHODS)
def test_every_small_cohort_is_answered_or_refused_in_words(method: str) -> None:
    answered = refused = 0
    for cohort in cohorts(120):
        found = METHODS[method](cohort)  # a warning is an error here
        if not hasattr(found, "reason"):
            continue
        assert found.converged == (found.reason == "")
        p = np.atleast_1d(getattr(found, "p_value", np.nan))
        if found.converged:
            answered += 1
            known = p[~np.isnan(p)]
            assert ((known >= 0) & (known <= 1)).all()
        else:
            refused += 1
            assert found.note
            assert np.isnan(p).all()
    if method not in ("kaplan_meier", "aalen", "jackknife", "compare_rmst"):
        assert answered
        assert refused


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    names = ["kaplan_meier", "log_rank", "rmst", "aalen_johansen", "gray", "fine_gray", "competing", "cutpoint", "pseudo_values"]
    code = ";".join(f"import resistance.stats.{name}" for name in names)
    code += ";import sys, json; print(json.dumps([m for m in ('scipy', 'statsmodels', 'sklearn', 'numba', 'pandas') if m in sys.modules]))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == []
