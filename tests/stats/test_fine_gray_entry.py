"""Fine-Gray regression with delayed entry: R's survival (r_entry/README.md), loops over patients, and coverage by simulation."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance.stats.aalen_johansen import cumulative_incidence, incidence_at
from resistance.stats.fine_gray import fine_gray
from resistance.stats.follow_up import follow_up
from resistance.stats.subdistribution import Subdistribution, TiedEvents

FOLDER = Path(__file__).parent / "r_entry"
ROWS = pd.read_csv(FOLDER / "patients.csv")
#: the same in whole units: entries, censorings and events on one day
TIED = ROWS.assign(start=np.floor(ROWS["start"]), stop=np.floor(ROWS["stop"]) + 1)
COLUMNS = ["x1", "x2"]


def values_of(text: str) -> dict[str, np.ndarray]:
    lines = [line.split("\t") for line in text.splitlines()]
    return {key: np.array(values.split(","), dtype=float) for key, values in lines}


@pytest.mark.parametrize("name", ["entered", "all_late", "plain", "tied", "tied_plain"])
@pytest.mark.parametrize("of", [1, 2])
def test_every_number_agrees_with_finegray_and_coxph(name: str, of: int) -> None:
    truth = values_of((FOLDER / "values.tsv").read_text())
    rows = {"all_late": ROWS[ROWS["start"] > 0], "tied": TIED, "tied_plain": TIED}.get(name, ROWS)
    options: dict[str, Any] = {} if "plain" in name else {"start": rows["start"]}
    if name == "tied_plain":  # without delayed entry cmprsk's convention is the default
        options["tied_events"] = "gone"
    found = fine_gray(rows["stop"], rows["cause"], rows[COLUMNS], of=of, known_weights=True, **options)
    key = f"{name}.{('one', 'two')[of - 1]}"
    assert found.coef == pytest.approx(truth[f"{key}.coef"], rel=1e-7)
    assert found.se**2 == pytest.approx(truth[f"{key}.var"][[0, 3]], rel=1e-7)
    assert [found.loglike_null, found.loglike] == pytest.approx(truth[f"{key}.loglik"], rel=1e-10)


def test_the_values_are_those_that_r_gives_where_it_is_installed(tmp_path: Path) -> None:
    program = shutil.which("Rscript")
    if program is None:
        pytest.skip("Rscript is not installed")
    for name in ("patients.csv", "values.R"):
        shutil.copy(FOLDER / name, tmp_path)
    ran = subprocess.run([program, "values.R"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    if ran.returncode:
        pytest.skip(f"R without survival: {ran.stderr.strip()[-200:]}")
    now, then = values_of((tmp_path / "values.tsv").read_text()), values_of((FOLDER / "values.tsv").read_text())
    assert now.keys() == then.keys()
    for key in now:
        assert now[key] == pytest.approx(then[key], rel=1e-6), key


class Slow:
    """One row and one time after the other; the share of weights that changes with a patient by numerical differences."""

    def __init__(self, rows: pd.DataFrame, group: np.ndarray) -> None:
        self.start, self.stop, self.cause = (rows[name].to_numpy(dtype=float) for name in ("start", "stop", "cause"))
        self.x, self.group = rows[COLUMNS].to_numpy(dtype=float), group
        self.at = np.sort(self.stop[self.cause == 1])  # tied events one by one, as Breslow has them
        n = self.stop.size
        self.weight = np.array([[self.weigh(i, t) for t in self.at] for i in range(n)])

    def weigh(self, i: int, t: float) -> float:
        if self.start[i] < t <= self.stop[i]:
            return 1.0
        if self.cause[i] != 2 or t <= self.stop[i]:
            return 0.0
        out = 1.0
        here = self.group == self.group[i]
        for j in np.flatnonzero(here):
            if self.cause[j] == 0 and self.stop[i] <= self.stop[j] < t:
                # the tied censorings one after the other: their factors are that of all at once
                earlier = (here & (self.cause == 0) & (self.stop == self.stop[j]))[:j].sum()
                out *= 1 - 1 / (self.may_be_censored(here, self.stop[j]).sum() - earlier)
        for s in np.unique(self.start[here]):
            if self.stop[i] <= s < t:
                out /= 1 - (here & (self.start == s)).sum() / (here & (self.start <= s) & (self.stop > s)).sum()
        return out

    def may_be_censored(self, here: np.ndarray, at: float) -> np.ndarray:
        """Who of a group is at risk at a censoring: events come before it, entries after it."""
        return here & (self.start < at) & ((self.stop > at) | ((self.stop == at) & (self.cause == 0)))

    def score(self, beta: np.ndarray, weight: np.ndarray) -> np.ndarray:
        risk = np.exp(self.x @ beta)
        out = np.zeros(2)
        for k in range(self.at.size):
            w = weight[:, k] * risk
            out -= w @ self.x / w.sum()
        return out + self.x[self.cause == 1].sum(axis=0)

    def moved(self, j: int, by: float) -> np.ndarray:
        """The weights when patient j counts 1 + by in the hazards of censoring and of entry."""
        out = self.weight.copy()
        count = np.ones(self.stop.size)
        count[j] += by
        for i in np.flatnonzero((self.cause == 2) & (self.group == self.group[j])):
            here = self.group == self.group[i]
            for k, t in enumerate(self.at):
                change = 0.0
                for a in np.flatnonzero(here):
                    if self.cause[a] == 0 and self.stop[i] <= self.stop[a] < t:
                        risk = self.may_be_censored(here, self.stop[a])
                        change -= count[a] / count[risk].sum() - 1 / risk.sum()
                    if self.stop[i] <= self.start[a] < t:
                        risk = here & (self.start <= self.start[a]) & (self.stop > self.start[a])
                        change += count[a] / count[risk].sum() - 1 / risk.sum()
                out[i, k] *= np.exp(change)
        return out

    def standard_error(self, beta: np.ndarray) -> np.ndarray:
        n = self.stop.size
        risk = np.exp(self.x @ beta)
        terms, information = np.zeros((n, 2)), np.zeros((2, 2))
        for k, t in enumerate(self.at):
            w = self.weight[:, k] * risk
            mean = w @ self.x / w.sum()
            for i in range(n):
                own = float(self.stop[i] == t and self.cause[i] == 1) / (self.at == t).sum()
                terms[i] += (self.x[i] - mean) * (own - w[i] / w.sum())
                information += w[i] / w.sum() * np.outer(self.x[i] - mean, self.x[i] - mean)
        for j in range(n):
            up, down = (self.score(beta, self.moved(j, by)) for by in (1e-4, -1e-4))
            terms[j] += (up - down) / 2e-4
        bread = np.linalg.inv(information)
        return np.sqrt(np.diag(bread @ terms.T @ terms @ bread))


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("by_site", [False, True])
def test_coefficients_and_full_standard_errors_agree_with_loops(by_site: bool, tied: bool) -> None:
    rows = (TIED if tied else ROWS).iloc[:34].reset_index(drop=True)
    # nobody enters to an empty risk set
    site = rows["site"].to_numpy() if by_site else np.zeros(len(rows))
    slow = Slow(rows, site)
    found = fine_gray(rows["stop"], rows["cause"], rows[COLUMNS], start=rows["start"], censoring_groups=site if by_site else None)
    known = fine_gray(rows["stop"], rows["cause"], rows[COLUMNS], start=rows["start"], censoring_groups=site, known_weights=True)
    assert found.converged
    assert slow.score(found.coef, slow.weight) == pytest.approx([0, 0], abs=1e-7)
    assert found.se == pytest.approx(slow.standard_error(found.coef), rel=1e-5)
    assert np.abs(found.se / known.se - 1).max() > 1e-4  # which is not that of known weights


@pytest.mark.parametrize("seed", range(8))
def test_the_weights_give_the_incidence_of_aalen_and_johansen_whatever_is_tied(seed: int) -> None:
    # Geskus 2011: 1 - prod(1 - d / weighted risk set) is their estimate; two other codes for one number
    draw = np.random.default_rng(seed)
    start = draw.integers(0, 3, 80).astype(float)
    stop = start + draw.integers(1, 5, 80)
    cause = draw.choice(3, 80)
    at, deaths = np.unique(stop[cause == 1], return_counts=True)
    curve = cumulative_incidence(stop, cause, start=start)
    expected = incidence_at(curve, at)[0]
    rows, groups = follow_up(stop, start=start), np.zeros(80, dtype=np.intp)
    found = {}
    conventions: tuple[TiedEvents, ...] = ("gone", "at_risk")
    for ties in conventions:
        model = Subdistribution(rows, cause.astype(np.intp), np.zeros((80, 1)), groups, 1, ties)
        found[ties] = 1 - np.cumprod(1 - deaths / model.risk_sums(np.ones(80)))
    assert found["gone"] == pytest.approx(expected, rel=1e-12)
    assert np.abs(found["at_risk"] / expected - 1).max() > 1e-4


def test_patients_censored_before_anybody_failed_otherwise_do_not_matter() -> None:
    # the two of the first two days leave nobody at risk: the chance to stay uncensored from 0 on is 0, from day 3 on it is not
    later = fine_gray([4, 5, 6, 7, 8, 9], [2, 1, 0, 1, 1, 0], [0, 1, 0, 1, 0, 1], start=[3] * 6)
    found = fine_gray([1, 2, 4, 5, 6, 7, 8, 9], [0, 0, 2, 1, 0, 1, 1, 0], [0, 1, 0, 1, 0, 1, 0, 1], start=[0, 0] + [3] * 6)
    assert found.converged
    assert found.coef == pytest.approx(later.coef, rel=1e-12)
    assert found.se == pytest.approx(later.se, rel=1e-9)


def test_a_word_for_tied_events_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="tied_events: 'first' is neither at_risk nor gone"):
        fine_gray([1, 2], [1, 0], [0, 1], tied_events="first")  # type: ignore[arg-type]


def test_entry_at_the_start_of_time_is_no_delayed_entry() -> None:
    whole = fine_gray(ROWS["stop"], ROWS["cause"], ROWS[COLUMNS])
    same = fine_gray(ROWS["stop"], ROWS["cause"], ROWS[COLUMNS], start=np.zeros(len(ROWS)))
    assert same.coef == pytest.approx(whole.coef, rel=1e-12)
    assert same.se == pytest.approx(whole.se, rel=1e-12)


def test_order_and_units_do_not_matter_and_days_that_round_are_one_day() -> None:
    arguments = {"censoring_groups": ROWS["site"]}
    one = fine_gray(ROWS["stop"], ROWS["cause"], ROWS[COLUMNS], start=ROWS["start"], **arguments)
    turned = ROWS.iloc[::-1]
    two = fine_gray(
        turned["stop"] * 365.25, turned["cause"], turned[COLUMNS] * [1, 10], start=turned["start"] * 365.25,
        censoring_groups=turned["site"],
    )  # fmt: skip
    assert two.coef * [1, 10] == pytest.approx(one.coef, rel=1e-8)
    assert two.p_value == pytest.approx(one.p_value, rel=1e-7)


def test_patients_without_a_weight_are_said_not_guessed() -> None:
    # the second failed otherwise on day 2; on day 3 the only patient at risk has just entered
    found = fine_gray([1.5, 2, 5, 6], [1, 2, 1, 1], [0, 1, 0, 1], start=[0, 0, 3, 3])
    assert (found.converged, found.reason) == (False, "no weights")
    assert "only just entered" in found.note
    assert np.isnan(found.coef).all()
    # where nobody failed otherwise before, it does not matter
    assert fine_gray([1.5, 2, 5, 6, 7], [1, 1, 1, 2, 1], [0, 1, 0, 1, 1], start=[0, 0, 3, 3, 4]).reason != "no weights"


def test_a_start_that_is_not_before_the_end_is_refused() -> None:
    with pytest.raises(ValueError, match=r"start: 1 value\(s\) not before the end"):
        fine_gray([1, 2], [1, 0], [0, 1], start=[1, 0])


def _studies(number: int, n: int) -> np.ndarray:
    """Fine and Gray's design (log ratio .7), where half of the patients come late and those who failed before are never seen."""
    draw = np.random.default_rng(8)
    beta, p, out = 0.7, 0.6, []
    for _ in range(number):
        z = draw.integers(0, 2, 3 * n)
        ratio = np.exp(beta * z)
        final = 1 - (1 - p) ** ratio
        own = draw.random(z.size) < final
        first = -np.log(1 - (1 - (1 - draw.random(z.size) * final) ** (1 / ratio)) / p)
        time = np.where(own, first, draw.exponential(1, z.size))
        censor = draw.uniform(0.3, 3, z.size)
        start = np.where(draw.random(z.size) < 0.5, 0, draw.uniform(0, 0.8, z.size))
        stop = np.minimum(time, censor)
        seen = np.flatnonzero(stop > start)[:n]
        found = fine_gray(stop[seen], np.where(time <= censor, 2 - own, 0)[seen], z[seen], start=start[seen])
        out.append((found.coef[0], found.ci_low[0] <= beta <= found.ci_high[0]))
    return np.array(out)


def test_with_late_entry_the_ratio_is_not_biased_and_the_interval_holds_it() -> None:
    found = _studies(120, 200)
    assert found[:, 0].mean() == pytest.approx(0.7, abs=0.06)
    assert found[:, 1].mean() >= 0.9


@pytest.mark.long
def test_with_late_entry_the_interval_holds_the_ratio_as_often_as_it_says() -> None:
    found = _studies(1500, 200)
    assert found[:, 0].mean() == pytest.approx(0.7, abs=0.02)
    assert found[:, 1].mean() == pytest.approx(0.95, abs=0.015)
