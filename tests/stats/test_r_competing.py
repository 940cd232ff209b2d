"""Curves, groups, competing events and cut-points against R on one cohort with everything in it: `r_competing/README.md`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance.stats.aalen_johansen import cumulative_incidence, incidence_at
from resistance.stats.cutpoint import Cutpoint, binary_cutpoint, continuous_cutpoint, survival_cutpoint
from resistance.stats.fine_gray import fine_gray
from resistance.stats.gray import gray_test
from resistance.stats.kaplan_meier import KaplanMeier, kaplan_meier, reverse_kaplan_meier, survival_quantile
from resistance.stats.log_rank import log_rank

FOLDER = Path(__file__).parent / "r_competing"


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    data = pd.read_csv(FOLDER / "patients.csv")
    return data.assign(event=data["cause"] > 0)


@pytest.fixture(scope="module")
def truth() -> dict[str, np.ndarray]:
    lines = [line.split("\t") for line in (FOLDER / "values.tsv").read_text().splitlines()]
    return {key: np.array([np.nan if v == "NA" else float(v) for v in values.split(",")]) for key, values in lines}


def curve_named(name: str, data: pd.DataFrame) -> KaplanMeier:
    kind, _, scale = name.partition("_")
    entered: dict[str, Any] = {"start": data["start"]}
    options: dict[str, Any] = {
        "plain": {"interval": scale},
        "entered": {"interval": scale, "confidence": 0.9} | entered,
        "counts": {"weights": data["count"]} | entered,
        "weighted": {"weights": data["weight"], "robust": True} | entered,
        "reverse": {},
    }[kind]
    fit = reverse_kaplan_meier if kind == "reverse" else kaplan_meier
    return fit(data["stop"], data["event"], **options)


@pytest.mark.parametrize(
    "name", [*(f"{k}_{s}" for k in ("plain", "entered") for s in ("log-log", "log", "plain")), "counts", "weighted", "reverse"]
)
def test_every_number_of_a_curve_agrees_with_survfit(name: str, patients: pd.DataFrame, truth: dict[str, np.ndarray]) -> None:
    curve = curve_named(name, patients)
    fields = {
        "time": curve.time,
        "n.risk": curve.n_risk,
        "n.event": curve.n_event,
        "n.censor": curve.n_censored,
        "surv": curve.survival,
        "std.err": curve.std_err,
        "lower": curve.ci_low,
        "upper": curve.ci_high,
    }
    for key, found in fields.items():
        if key in ("lower", "upper") and name in ("reverse", "plain_log-log"):
            # before the first event R leaves the log-log interval open, ours is 1 to 1
            found = np.where(curve.survival == 1, np.nan, found)
        assert found == pytest.approx(truth[f"{name}.{key}"], rel=1e-9, abs=1e-12, nan_ok=True), key
    quantiles = survival_quantile(curve, [0.1, 0.25, 0.5, 0.75, 0.9])
    for key, found in zip(("quantile", "lower", "upper"), quantiles, strict=True):
        assert found == pytest.approx(truth[f"{name}.q_{key}"], nan_ok=True), key


@pytest.mark.parametrize("rho", [0, 0.5, 1])
@pytest.mark.parametrize("by", ["groups", "strata"])
def test_every_number_of_a_log_rank_test_agrees_with_survdiff(
    by: str, rho: float, patients: pd.DataFrame, truth: dict[str, np.ndarray]
) -> None:
    strata = patients["site"] if by == "strata" else None
    found = log_rank(patients["stop"], patients["event"], patients["group"].to_numpy(dtype=str), strata=strata, rho=rho)
    key = f"{by}_{rho:g}"
    assert found.observed == pytest.approx(truth[f"{key}.obs"], rel=1e-10)
    assert found.expected == pytest.approx(truth[f"{key}.exp"], rel=1e-10)
    assert found.variance.ravel() == pytest.approx(truth[f"{key}.var"], rel=1e-10)
    assert [found.chi2] == pytest.approx(truth[f"{key}.chisq"], rel=1e-10)


@pytest.mark.parametrize("name", ["states", "states_entered"])
def test_probabilities_and_standard_errors_agree_with_survfit(
    name: str, patients: pd.DataFrame, truth: dict[str, np.ndarray]
) -> None:
    start = patients["start"] if name == "states_entered" else None
    curve = cumulative_incidence(patients["stop"], patients["cause"], start=start, variance="jackknife")
    assert curve.time == pytest.approx(truth[f"{name}.time"])
    states = np.column_stack([curve.survival, curve.incidence])
    errors = np.column_stack([curve.survival_std_err, curve.std_err])
    assert states.T.ravel() == pytest.approx(truth[f"{name}.pstate"], rel=1e-10, abs=1e-12)
    assert errors.T.ravel() == pytest.approx(truth[f"{name}.std.err"], rel=1e-9, abs=1e-12)


def test_incidences_and_variances_agree_with_cuminc(patients: pd.DataFrame, truth: dict[str, np.ndarray]) -> None:
    curve = cumulative_incidence(patients["stop"], patients["cause"])
    found = [incidence_at(curve, [2, 5, 10, 15, 20, 30], cause=k) for k in (1, 2)]
    assert np.concatenate([f[0] for f in found]) == pytest.approx(truth["cuminc.est"], rel=1e-10)
    assert np.concatenate([f[1] ** 2 for f in found]) == pytest.approx(truth["cuminc.var"], rel=1e-10)


@pytest.mark.parametrize("rho", [0, 1, -0.5])
def test_grays_test_of_three_groups_agrees_with_cuminc(rho: float, patients: pd.DataFrame, truth: dict[str, np.ndarray]) -> None:
    rows = patients["stop"], patients["cause"], patients["group"].to_numpy(dtype=str)
    for key, strata in ((f"gray_{rho:g}", None), (f"gray_strata_{rho:g}", patients["site"])):
        found = [gray_test(*rows, of=k, rho=rho, strata=strata).chi2 for k in (1, 2)]
        assert found == pytest.approx(truth[key], rel=1e-9)


@pytest.mark.parametrize("of", [1, 2])
@pytest.mark.parametrize("by", ["all", "site"])
def test_fine_gray_agrees_with_crr_also_with_censoring_by_group(
    of: int, by: str, patients: pd.DataFrame, truth: dict[str, np.ndarray]
) -> None:
    columns = np.column_stack([patients["marker"], patients["age"], patients["group"] == "b"])
    groups = patients["site"] if by == "site" else None
    found = fine_gray(patients["stop"], patients["cause"], columns, of=of, censoring_groups=groups)
    key = f"crr_{of}_{by}"
    assert found.coef == pytest.approx(truth[f"{key}.coef"], rel=1e-8)
    if by == "all":  # by group crr's variance is another: the next test
        assert found.se == pytest.approx(np.sqrt(np.diag(truth[f"{key}.var"].reshape(3, 3))), rel=1e-8)
    assert [found.loglike_null, found.loglike] == pytest.approx(truth[f"{key}.loglik"], rel=1e-10)


def standard_errors(rows: pd.DataFrame, x: np.ndarray, of: int, beta: np.ndarray, *, whose_events: str) -> np.ndarray:
    """The paper's sandwich with sums over all patients; q(v) of a site over the events of `whose_events`: all, or its own."""
    time, cause, site = (rows[name].to_numpy() for name in ("stop", "cause", "site"))
    at = np.unique(time[cause == of])
    weight = (time[:, None] >= at).astype(float)
    for i in np.flatnonzero((cause > 0) & (cause != of)):
        here = site == site[i]
        weight[i] = 1.0
        for v in np.unique(time[here & (cause == 0) & (time >= time[i])]):
            weight[i, at > v] *= 1 - (here & (time == v) & (cause == 0)).sum() / (here & (time >= v)).sum()
    risk = weight * np.exp((x - x.mean(axis=0)) @ beta)[:, None]
    share = risk / risk.sum(axis=0)
    apart = x[:, None, :] - (share.T @ x)[None]
    deaths = np.array([((time == t) & (cause == of)).sum() for t in at])
    dead = (time[:, None] == at) & (cause == of)[:, None]
    information = np.einsum("it,t,ita,itb->ab", share, deaths, apart, apart)
    terms = np.einsum("ita,it->ia", apart, dead - share * deaths)
    for g in np.unique(site):
        for v in np.unique(time[(site == g) & (cause == 0)]):
            before = (site == g) & (cause > 0) & (cause != of) & (time < v)
            counted = deaths if whose_events == "all" else (dead & (site == g)[:, None]).sum(axis=0)
            q = -np.einsum("ita,it,t->a", apart[before], share[before], counted * (at >= v))
            here = (site == g) & (time >= v)
            lost = here & (time == v) & (cause == 0)
            terms[here] += lost.sum() / here.sum() * q / here.sum()
            terms[lost] -= q / here.sum()
    bread = np.linalg.inv(information)
    return np.sqrt(np.diag(bread @ terms.T @ terms @ bread))


@pytest.mark.parametrize("of", [1, 2])
def test_the_standard_error_with_groups_of_censoring_differs_from_crrs_by_the_events_of_other_groups(
    of: int, patients: pd.DataFrame, truth: dict[str, np.ndarray]
) -> None:
    x = np.column_stack([patients["marker"], patients["age"], patients["group"] == "b"]).astype(float)
    found = fine_gray(patients["stop"], patients["cause"], x, of=of, censoring_groups=patients["site"])
    assert found.se == pytest.approx(standard_errors(patients, x, of, found.coef, whose_events="all"), rel=1e-8)
    crr = np.sqrt(np.diag(truth[f"crr_{of}_site.var"].reshape(3, 3)))
    assert crr == pytest.approx(standard_errors(patients, x, of, found.coef, whose_events="own"), rel=1e-7)
    assert np.abs(found.se / crr - 1).max() > 1e-4


@pytest.mark.parametrize(("least", "most"), [(0.1, 0.9), (0.25, 0.6)])
def test_cuts_and_their_p_agree_with_maxstat(
    least: float, most: float, patients: pd.DataFrame, truth: dict[str, np.ndarray]
) -> None:
    bounds = {"min_proportion": least, "max_proportion": most}
    found: dict[str, Cutpoint] = {
        "cut_survival": survival_cutpoint(patients["stop"], patients["event"], patients["marker"], **bounds),
        "cut_binary": binary_cutpoint(patients["cause"] == 1, patients["marker"], **bounds),
        "cut_continuous": continuous_cutpoint(patients["lab"], patients["marker"], **bounds),
    }
    for name, cut in found.items():
        raw_92 = min(1.0, truth[f"{name}_{least:g}"][3])
        expected = [*truth[f"{name}_{least:g}"][:3], raw_92]
        assert [cut.cut, cut.statistic, cut.p_lausen94_raw, cut.p_lausen92] == pytest.approx(expected, rel=1e-9), name
