"""Why a marker is adjusted for cell of origin, and why no Wald p is printed: simulated cohorts -> docs/confounding.md.

python benchmarks/confounding.py [--cohorts 400] [--seed 20261127] [--out docs]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import chi2

from resistance.stats.permutation import permutation_scan
from resistance.stats.scan.cox import cox_scan
from resistance.stats.scan.logistic import firth_logistic_scan

#: markers without effect in each cohort
MARKERS = 40
SIZES = (200, 500, 1000)
#: log hazard ratio of ABC; how often a marker is present in GCB and in ABC
ABC_EFFECT, IN_GCB, IN_ABC = np.log(1.6), 0.15, 0.45
PERMUTATIONS = 999
#: of the comparison of power
PATIENTS, SHARE, EFFECT, LEVEL = 500, 0.03, -2.5, 0.001


def confounded(draw: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Return p-values of markers that do nothing, are commoner in ABC, and are tested with and without regard to it."""
    abc = draw.random(n) < 0.45
    time, censor = draw.exponential(24 * np.exp(-ABC_EFFECT * abc)), draw.uniform(12, 60, n)
    markers = (draw.random((n, MARKERS)) < np.where(abc, IN_ABC, IN_GCB)[:, None]).astype(np.int8)
    t, e = np.ceil(np.minimum(time, censor) * 30.4), time <= censor
    adjusted = permutation_scan(t, e, markers, strata=abc, permutations=PERMUTATIONS, seed=int(draw.integers(2**31)))
    return {
        "Cox LRT, crude": cox_scan(t, e, markers).p_value,
        "Cox LRT, stratified by cell of origin": cox_scan(t, e, markers, strata=abc).p_value,
        "permutation within cell of origin": adjusted.p_value,
    }


def powered(draw: np.random.Generator) -> dict[str, float]:
    """Return p-values of one rare marker with a large effect on response, by two tests of one model."""
    marker = draw.random(PATIENTS) < SHARE
    age = draw.normal(0, 1, PATIENTS)
    chance = 1 / (1 + np.exp(0.3 * age - EFFECT * marker))
    response = draw.random(PATIENTS) < chance
    if not 0 < marker.sum() < PATIENTS:
        return {"LRT": 1.0, "Wald": 1.0}
    found = firth_logistic_scan(response, marker.astype(np.int8)[:, None], age)
    wald = float(chi2.sf((found.coef[0] / found.se[0]) ** 2, 1))
    return {"LRT": float(found.p_value[0]), "Wald": wald}


def share(hits: np.ndarray, tests: int) -> str:
    """Return a share of all tests, with its Monte-Carlo interval (cohorts are the units)."""
    each = hits / tests
    half = 1.96 * each.std(ddof=1) / np.sqrt(each.size)
    return f"{each.mean():.3f} ({max(0.0, each.mean() - half):.3f} to {each.mean() + half:.3f})"


def page(cohorts: int, seed: int) -> str:
    """Simulate, and return the page."""
    root = np.random.SeedSequence(seed)
    lines = [
        "# Confounding by cell of origin, and the power of tests of rare markers",
        "",
        f"{cohorts:,} simulated cohorts of each size (seed {seed}). Made by `python benchmarks/confounding.py`; the tests are those that the "
        "associations take. In brackets: 95 % Monte-Carlo interval.",
        "",
        "## A marker without effect that is commoner in ABC",
        "",
        f"ABC in 45 %, with a hazard ratio of {np.exp(ABC_EFFECT):.1f}; {MARKERS} markers in each cohort, present in {100 * IN_GCB:.0f} % of GCB and "
        f"{100 * IN_ABC:.0f} % of ABC, without any effect of their own. Share of them with p <= .05:",
        "",
        "| test | " + " | ".join(f"{n:,} patients" for n in SIZES) + " |",
        "|---" * (1 + len(SIZES)) + "|",
    ]
    hits: dict[str, list[list[int]]] = {}
    for n, part in zip(SIZES, root.spawn(len(SIZES)), strict=True):
        columns: dict[str, list[int]] = {}
        for one in part.spawn(cohorts):
            for name, p in confounded(np.random.default_rng(one), n).items():
                columns.setdefault(name, []).append(int((p <= 0.05).sum()))
        for name, values in columns.items():
            hits.setdefault(name, []).append(values)
    for name, by_size in hits.items():
        lines.append(f"| {name} | " + " | ".join(share(np.array(values), MARKERS) for values in by_size) + " |")
    found: dict[str, list[int]] = {"LRT": [], "Wald": []}
    for one in root.spawn(cohorts * 5):
        for name, p in powered(np.random.default_rng(one)).items():
            found[name].append(int(p <= LEVEL))
    lines += [
        "",
        "More patients make it worse: the crude test finds cell of origin, with certainty in the end.",
        "",
        "## A rare marker with a large effect",
        "",
        f"{cohorts * 5:,} cohorts of {PATIENTS} patients, {100 * SHARE:.0f} % with the marker, log odds ratio {EFFECT} for a response that half of "
        f"the others have; Firth's logistic model with age. Share with p <= {LEVEL}:",
        "",
        "| test | power |",
        "|---|---|",
        *(
            f"| Firth, {'penalised likelihood ratio' if name == 'LRT' else name} | {share(np.array(v), 1)} |"
            for name, v in found.items()
        ),
        "",
        "Wald's test fails where the effect is largest: the estimate of a marker without (or almost without) responders has a standard error "
        "nearly as large as itself. The likelihood ratio sees how empty the cell is.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohorts", type=int, default=400)
    parser.add_argument("--seed", type=int, default=20261127)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent / "docs")
    arguments = parser.parse_args()
    (arguments.out / "confounding.md").write_text(page(arguments.cohorts, arguments.seed), encoding="utf-8")


if __name__ == "__main__":
    main()
