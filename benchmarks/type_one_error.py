"""How often the tests of a rare marker find something where there is nothing: simulated cohorts -> docs/type_one_error.md and its figure.

python benchmarks/type_one_error.py [--cohorts 400] [--seed 20261127] [--out docs]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import vl_convert
from scipy.stats import chi2

from resistance.stats.permutation import logistic_permutation_scan, permutation_scan
from resistance.stats.scan.cox import cox_scan, firth_cox_scan
from resistance.stats.scan.cox_score import cox_score_scan
from resistance.stats.scan.logistic import firth_logistic_scan

PATIENTS = 200
#: carriers expected, of 200 patients
CARRIERS = (2, 4, 8, 20, 60)
MARKERS = 40
PERMUTATIONS = 999
LEVELS = (0.05, 0.01, 0.001)


def logistic_tests(outcome: np.ndarray, markers: np.ndarray, covariates: np.ndarray) -> dict[str, np.ndarray]:
    """Return p-values of each marker from ordinary and Firth's logistic model, written out here, as other packages give them.

    A separated marker has no estimate: packages stop where the likelihood no longer grows, and print the p-values of that point.
    """
    n, m = markers.shape
    x = np.empty((m, n, covariates.shape[1] + 2))
    x[:, :, 0], x[:, :, 1:-1], x[:, :, -1] = 1.0, covariates, markers.T
    found = {}
    for firth in (False, True):
        full, wald = climb(outcome, x, firth, free=x.shape[2])
        null, _ = climb(outcome, x, firth, free=x.shape[2] - 1)
        name = "Firth" if firth else "ML"
        found[f"{name} LRT"] = chi2.sf(np.maximum(0, 2 * (full - null)), 1)
        found[f"{name} Wald"] = wald
    return found


def climb(y: np.ndarray, x: np.ndarray, firth: bool, free: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (penalised) log-likelihood and Wald p of the last column; columns from `free` on are held at 0."""
    m, _, p = x.shape
    beta = np.zeros((m, p))
    best = np.full(m, -np.inf)
    step = np.zeros((m, p))
    wald = np.ones(m)
    for number in range(60):
        eta = np.einsum("mnp,mp->mn", x, beta)
        mu = 1 / (1 + np.exp(-eta))
        information = np.einsum("mnp,mn,mnq->mpq", x, mu * (1 - mu), x)
        loglike = (y * eta - np.logaddexp(0, eta)).sum(axis=1)
        residual = y - mu
        if firth:
            loglike += np.linalg.slogdet(information)[1] / 2
            hat = np.einsum("mnp,mpq,mnq->mn", x, np.linalg.inv(information), x) * mu * (1 - mu)
            residual = residual + hat * (0.5 - mu)
        lower = loglike < best - 1e-9
        if number:
            step = np.where(lower[:, None], step / 2, step)
        gained = np.where(lower, np.inf, loglike - best)
        best = np.maximum(best, loglike)
        score = np.einsum("mnp,mn->mp", x, residual)[:, :free]
        inverse = np.linalg.inv(information[:, :free, :free])
        if free == p:
            se = np.sqrt(np.maximum(inverse[:, -1, -1], 1e-300))
            wald = np.where(lower, wald, chi2.sf((beta[:, -1] / se) ** 2, 1))
        move = np.einsum("mpq,mq->mp", inverse, score)
        move *= np.minimum(1, 5 / np.maximum(np.abs(move).max(axis=1), 1e-9))[:, None]
        if (np.abs(gained) < 1e-8).all():
            break
        origin = np.where(lower[:, None], beta - 2 * step, beta)
        step = np.where(lower[:, None], step, np.pad(move, ((0, 0), (0, p - free))))
        beta = origin + step
    return best, wald


def simulate(draw: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Return one cohort in which cell of origin, treatment and age matter, and markers do not.

    Markers are twice as frequent in ABC: without the strata they would look prognostic.
    """
    abc, arm, age = draw.random(PATIENTS) < 0.45, draw.random(PATIENTS) < 0.5, draw.normal(0, 1, PATIENTS)
    risk = 0.6 * abc - 0.4 * arm + 0.3 * age
    time, censor = draw.exponential(24 * np.exp(-risk)), draw.uniform(12, 60, PATIENTS)
    response = draw.random(PATIENTS) < 1 / (1 + np.exp(risk - 0.2))
    strata = abc * 2 + arm
    weight = np.where(abc, 2.0, 1.0)
    weight /= weight.mean()
    markers = [draw.random((PATIENTS, MARKERS)) < np.minimum(0.95, weight * c / PATIENTS)[:, None] for c in CARRIERS]
    return np.ceil(np.minimum(time, censor) * 30.4), time <= censor, response, age, strata, np.hstack(markers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohorts", type=int, default=400)
    parser.add_argument("--seed", type=int, default=20261127)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent / "docs")
    arguments = parser.parse_args()
    rows = []
    for number, seed in enumerate(np.random.SeedSequence(arguments.seed).spawn(arguments.cohorts)):
        time, event, response, age, strata, markers = simulate(np.random.default_rng(seed))
        dummies = np.column_stack([*(strata == s for s in (1, 2, 3)), age]).astype(float)
        varies = markers.any(axis=0)
        p = {("binary", name): np.full(markers.shape[1], np.nan) for name in ("ML LRT", "ML Wald", "Firth LRT", "Firth Wald")}
        for name, values in logistic_tests(response, markers[:, varies].astype(float), dummies).items():
            p["binary", name][varies] = values
        # the test that the associations take, by the code that they call (equal to the one above to 1e-6)
        p["binary", "Firth LRT"][varies] = firth_logistic_scan(response, markers[:, varies].astype(float), dummies).p_value
        arms = {"covariates": age, "strata": strata}
        p["binary", "permutation"] = logistic_permutation_scan(
            response, markers, permutations=PERMUTATIONS, seed=number, **arms
        ).p_value
        p["survival", "ML LRT"] = cox_scan(time, event, markers, age, strata=strata).p_value
        p["survival", "Firth LRT"] = firth_cox_scan(time, event, markers, age, strata=strata).p_value
        p["survival", "score"] = cox_score_scan(time, event, markers, age, strata=strata).p_value
        p["survival", "permutation"] = permutation_scan(
            time, event, markers, permutations=PERMUTATIONS, seed=number, **arms
        ).p_value
        for (outcome, test), values in p.items():
            for i, carriers in enumerate(CARRIERS):
                part = slice(i * MARKERS, (i + 1) * MARKERS)
                here = values[part][varies[part]]
                row = {"cohort": number, "outcome": outcome, "test": test, "carriers": carriers, "tests": here.size}
                row["no answer"] = int(np.isnan(here).sum())
                rows.append(row | {level: int((here <= level).sum()) for level in LEVELS})
    table = summarise(pd.DataFrame(rows))
    (arguments.out / "img").mkdir(exist_ok=True)
    (arguments.out / "img" / "type_one_error.svg").write_text(figure(table))
    (arguments.out / "type_one_error.md").write_text(page(table, arguments.cohorts, arguments.seed))


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each outcome, test, number of carriers and level: share of false positives with its interval.

    Tests of one cohort share its outcomes, therefore the standard error is that of a ratio over cohorts.
    """
    found = []
    for (outcome, test, carriers), part in rows.groupby(["outcome", "test", "carriers"], sort=False):
        for level in LEVELS:
            hits, tests = part[level].to_numpy(), part["tests"].to_numpy()
            share = hits.sum() / tests.sum()
            se = np.sqrt(np.sum((hits - share * tests) ** 2)) / tests.sum()
            found.append(
                {
                    "outcome": outcome, "test": test, "carriers": carriers, "level": level, "tests": int(tests.sum()),
                    "hits": int(hits.sum()), "no answer": int(part["no answer"].sum()), "share": share,
                    "low": max(0.0, share - 1.96 * se), "high": share + 1.96 * se,
                }
            )  # fmt: skip
    return pd.DataFrame(found)


def figure(table: pd.DataFrame) -> str:
    """Return the SVG: share of false positives at .05 against the number of carriers."""
    data = table[table["level"] == 0.05].copy()
    data["carriers"] = data["carriers"].astype(str)
    order = [str(c) for c in CARRIERS]
    x = alt.X("carriers:O", sort=order, title="carriers expected among 200 patients", axis=alt.Axis(labelAngle=0))
    colour = alt.Color("test:N", title="test", scale=alt.Scale(scheme="dark2"))
    y = alt.Y("share:Q", title="false positives at .05", axis=alt.Axis(format=".2f"))
    base = alt.Chart(data)
    bars = base.mark_rule().encode(
        x=x, xOffset="test:N", y=alt.Y("low:Q", title="false positives at .05"), y2="high:Q", color=colour
    )
    points = base.mark_point(filled=True, size=45).encode(x=x, xOffset="test:N", y=y, color=colour)
    level = base.mark_rule(strokeDash=[4, 3], color="#666").encode(y=alt.datum(0.05))
    chart = (level + bars + points).properties(width=330, height=240).facet(column=alt.Column("outcome:N", title=None))
    svg: str = vl_convert.vegalite_to_svg(chart.to_json())
    return svg


def page(table: pd.DataFrame, cohorts: int, seed: int) -> str:
    """Return the page."""
    lines = [
        "# False positives of rare markers",
        "",
        f"{cohorts:,} simulated cohorts of {PATIENTS} patients (seed {seed}), in each {MARKERS} markers for every number of carriers. "
        "Cell of origin, treatment and age matter for response and survival; the markers do not, but are twice as frequent in ABC. "
        "Every test is adjusted for age, and for cell of origin x treatment as covariates (logistic) or strata (Cox, permutation). "
        f"Permutation: all relabellings up to 100,000, otherwise {PERMUTATIONS} random ones. Made by `python benchmarks/type_one_error.py`.",
        "",
        "![Share of markers without effect that are called at .05, by test and number of carriers](img/type_one_error.svg)",
        "",
        "- ML: maximum likelihood. The logistic ML rows are what packages print for a separated marker too; "
        "`cox_scan` gives no p there, which counts as not called. The ML tests and Firth's Wald test of the response are written out in the "
        "script; all others are the functions that the associations call.",
        "- In brackets: called / tested, then the 95 % Monte-Carlo interval (cohorts are the units). "
        "Markers without any carrier are not tested.",
        "- A permutation p cannot be smaller than 1 / number of relabellings: with very few carriers it is conservative.",
        "",
    ]
    for outcome in ("binary", "survival"):
        lines += [f"## {'Response: logistic models' if outcome == 'binary' else 'Survival: Cox models'}", ""]
        lines += ["| test | carriers | no answer | " + " | ".join(f"p <= {level}" for level in LEVELS) + " |", "|---" * 6 + "|"]
        for (test, carriers), part in table[table["outcome"] == outcome].groupby(["test", "carriers"], sort=False):
            cells = [
                f"{r.share:.4f} ({r.hits:,} / {r.tests:,}; {r.low:.4f} to {r.high:.4f})" for r in part.itertuples(index=False)
            ]
            lines.append(f"| {test} | {carriers} | {part['no answer'].iloc[0]:,} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
