"""Profile-likelihood intervals of a Cox model: R's fits with the coefficient as an offset (r_survival), and what they must do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance.stats.cox import cox
from resistance.stats.newton import maximise
from resistance.stats.profile import profile_interval
from resistance.stats.scan.cox import cox_scan

FOLDER = Path(__file__).parent / "r_survival"
ROWS = pd.read_csv(FOLDER / "start_stop.csv")
VALUES = dict(line.split("\t") for line in (FOLDER / "values.tsv").read_text().splitlines())
ENTERED = {"start": ROWS["start"]}
MODELS: dict[str, dict[str, Any]] = {
    "entered_efron": ENTERED,
    "entered_breslow": ENTERED | {"ties": "breslow"},
    "by_site": ENTERED | {"strata": ROWS["site"]},
    "weighted": ENTERED | {"weights": ROWS["weight"]},
    "exact": {"ties": "exact"},
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_interval_ends_where_rs_fits_with_an_offset_have_fallen_by_the_quantile(name: str, confidence: float) -> None:
    columns = ["carrier", "age"]
    found = cox(ROWS["stop"], ROWS["event"], ROWS[columns], profile=True, confidence=confidence, **MODELS[name])
    for i, column in enumerate(columns):
        expected = [float(v) for v in VALUES[f"{name}.profile.{column}.{confidence:g}"].split(",")]
        assert [found.profile_low[i], found.profile_high[i]] == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_every_bound_of_the_file_is_compared() -> None:
    bounds = [key.split(".profile.") for key in VALUES if ".profile." in key]
    assert {model for model, _ in bounds} == set(MODELS)
    assert {rest for _, rest in bounds} == {f"{column}.{level}" for column in ("carrier", "age") for level in ("0.9", "0.95")}


def few(seed: int, n: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Few events, tied days, a marker that hastens them and a covariate."""
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.random(n) < 0.4, draw.normal(60, 10, n)]).astype(float)
    time = np.ceil(draw.exponential(20 * np.exp(-x[:, 0]), n))
    return time, draw.random(n) < 0.4, x


def test_it_leaves_out_no_effect_exactly_where_the_likelihood_ratio_p_is_below_5_per_cent() -> None:
    disagree = asked = 0
    for seed in range(70):
        found = cox(*few(seed), profile=True)
        if not found.converged:
            continue
        asked += 2
        outside = (found.profile_low > 0) | (found.profile_high < 0)
        assert (outside == (found.p_value < 0.05)).all(), seed
        disagree += int((((found.ci_low > 0) | (found.ci_high < 0)) != (found.p_value < 0.05)).sum())
    assert asked > 100
    assert disagree > 0  # which the Wald interval does not


def test_units_and_coding_do_not_matter() -> None:
    time, event, x = few(3)
    found, other = cox(time, event, x, profile=True), cox(time / 30.4375, event, x * [-1, 1e6] + [1, -7], profile=True)
    assert [-other.profile_high[0], -other.profile_low[0]] == pytest.approx(
        [found.profile_low[0], found.profile_high[0]], rel=1e-8
    )
    assert other.profile_low[1] * 1e6 == pytest.approx(found.profile_low[1], rel=1e-7)


def test_a_scan_has_the_interval_of_each_single_fit_small_or_large() -> None:
    time, event, x = few(5, 60)
    markers = (np.random.default_rng(1).random((60, 12)) < 0.4).astype(float)
    scan = cox_scan(time, event, markers, x[:, 1:], profile=True)
    for j in np.flatnonzero(scan.converged):
        one = cox(time, event, np.column_stack([markers[:, j], x[:, 1]]), tested=[0], profile=True)
        assert [scan.ci_low[j], scan.ci_high[j]] == pytest.approx([one.profile_low[0], one.profile_high[0]], rel=1e-6, abs=1e-8)


def test_a_robust_model_has_none_and_only_tested_columns_have_one() -> None:
    found = cox(*few(3), robust=True, profile=True)
    assert found.converged
    assert np.isnan([*found.profile_low, *found.profile_high]).all()
    assert np.isnan(cox(*few(3)).profile_low).all()
    one = cox(*few(3), tested=[0], profile=True)
    assert np.isfinite([one.profile_low[0], one.profile_high[0]]).all()
    assert np.isnan([one.profile_low[1], one.profile_high[1]]).all()


class Levels:
    """A likelihood that falls to the left as a parabola and to the right by one only."""

    def loglike(self, params: np.ndarray) -> float:
        b = params[0]
        return -(b**2) / 2 if b < 0 else -(b**2) / (2 + b**2)

    def score(self, params: np.ndarray) -> np.ndarray:
        b = params[:1]
        return np.where(b < 0, -b, -4 * b / (2 + b**2) ** 2)

    def hessian(self, params: np.ndarray) -> np.ndarray:
        return np.array([[-1.0]])


def test_a_bound_is_infinite_where_the_likelihood_never_falls_that_far() -> None:
    model = Levels()
    low, high = profile_interval(model, maximise(model, np.array([0.0])), 0)
    assert low == pytest.approx(-1.959963984540054, rel=1e-9)
    assert high == np.inf
    # multiplied by three, as case weights do, it does: b^2 / (2 + b^2) = 3.841 / 6
    _, near = profile_interval(model, maximise(model, np.array([0.0])), 0, scale=3)
    share = 3.841458820694124 / 6
    assert near == pytest.approx(np.sqrt(2 * share / (1 - share)), rel=1e-9)
