"""False positives and power of the ctDNA tests -> docs/ctdna_calibration.md and its figures.

python benchmarks/ctdna_calibration.py [--replicates 20000] [--seed 20261127] [--out docs]

A further test is one function (Setting, counts) -> p-values with a line in TESTS.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import vl_convert
from scipy.stats import beta, chi2

from resistance.stats.mrd.exact import exact_test
from resistance.stats.mrd.likelihood_ratio import likelihood_ratio, likelihood_ratio_test
from resistance.stats.mrd.limits import calibrated_p, limits
from resistance.stats.mrd.monte_carlo import draw_counts, monte_carlo_test
from resistance.stats.mrd.sites import make_sites

LEVELS = (0.05, 0.001)
RATE = 1e-4 / 3
#: alpha + beta of the over-dispersed background: rates of positions are then spread as an exponential distribution
PRECISION = 1 / RATE
DRAWS = 10_000
VAFS = tuple(10 ** np.arange(-5.5, -1.9, 0.25))
DEPTHS = (1000, 3000, 10_000, 30_000)


@dataclass(frozen=True)
class Setting:
    """One kind of sample: what the background is, and what the tests are told of it."""

    sites: int
    depth: int
    true_precision: float = float("inf")
    told_precision: float = float("inf")

    @property
    def background(self) -> str:
        if np.isinf(self.true_precision):
            return "binomial"
        return "over-dispersed, ignored" if np.isinf(self.told_precision) else "over-dispersed, modelled"

    @property
    def depths(self) -> np.ndarray:
        return np.full(self.sites, self.depth)

    @property
    def tumour_vafs(self) -> np.ndarray:
        return np.linspace(0.1, 0.5, self.sites)


@cache
def positivity(setting: Setting, alt: tuple[int, ...]) -> tuple[float, float, float, float]:
    """Return simulated, exact, calibrated and mid-p; sites are alike, so that the order of counts does not matter."""
    sites = make_sites(setting.depths, RATE, setting.told_precision)
    exact = exact_test(alt, setting.depths, RATE, setting.told_precision)
    valid = calibrated_p(exact, np.array(alt), sites)
    simulated = monte_carlo_test(alt, setting.depths, RATE, setting.told_precision, draws=DRAWS, seed=1).p_value
    return simulated, exact.p_value, valid.p_value, valid.mid_p


def _positivity(which: int) -> Callable[[Setting, np.ndarray], np.ndarray]:
    return lambda setting, counts: np.array([positivity(setting, tuple(sorted(map(int, c))))[which] for c in counts])


def _ratios(setting: Setting, counts: np.ndarray) -> np.ndarray:
    # a sample without any mutant read has a ratio of 0
    return np.array([likelihood_ratio(c, setting.depths, RATE, setting.tumour_vafs).ratio if c.any() else 0.0 for c in counts])


@cache
def null_ratios(setting: Setting) -> np.ndarray:
    sites = make_sites(setting.depths, RATE, setting.told_precision)
    return np.sort(_ratios(setting, draw_counts(np.random.default_rng(7), sites, DRAWS)))


def ratio_simulated(setting: Setting, counts: np.ndarray) -> np.ndarray:
    ratios, null = _ratios(setting, counts), null_ratios(setting)
    at_least = DRAWS - np.searchsorted(null, ratios * (1 - 1e-9), side="left")
    return np.where(ratios <= 1e-9, 1.0, (at_least + 1) / (DRAWS + 1))


def ratio_chi_square(setting: Setting, counts: np.ndarray) -> np.ndarray:
    ratios = _ratios(setting, counts)
    return np.where(ratios <= 1e-9, 1.0, 0.5 * chi2.sf(2 * setting.sites * ratios, 1))


TESTS: dict[str, Callable[[Setting, np.ndarray], np.ndarray]] = {
    "monte_carlo": _positivity(0),
    "exact, p_value": _positivity(1),
    "exact, p_calibrated": _positivity(2),
    "exact, p_mid": _positivity(3),
    "likelihood_ratio, simulated": ratio_simulated,
    "likelihood_ratio, chi-square mixture": ratio_chi_square,
}


def false_positives(replicates: int, seed: int) -> pd.DataFrame:
    rows = []
    plain = [Setting(10, 2000), Setting(50, 2000), Setting(50, 10_000)]
    spread = [replace(s, true_precision=PRECISION, told_precision=told) for s in plain[1:] for told in (np.inf, PRECISION)]
    for number, setting in enumerate([*plain, *spread]):
        sites = make_sites(setting.depths, RATE, setting.true_precision)
        counts = draw_counts(np.random.default_rng([seed, number]), sites, replicates)
        for name, test in TESTS.items():
            p = test(setting, counts)
            row = {"test": name, "background": setting.background, "sites": setting.sites, "depth": setting.depth}
            for level in LEVELS:
                hits = int((p <= level).sum())
                low = beta.ppf(0.025, hits, replicates - hits + 1) if hits else 0.0
                high = beta.ppf(0.975, hits + 1, replicates - hits)
                rows.append(row | {"level": level, "hits": hits, "share": hits / replicates, "low": low, "high": high})
    return pd.DataFrame(rows)


def power() -> pd.DataFrame:
    rows = []
    for sites in (10, 50):
        for depth in DEPTHS:
            setting = Setting(sites, depth)
            checked = make_sites(setting.depths, RATE)
            for name, rule in (("monte_carlo", "p_value"), ("exact (calibrated)", "calibrated")):
                found = limits(checked, vafs=VAFS, tumour_vafs=setting.tumour_vafs, rule=rule)
                rows += [(name, sites, depth, v, p, found.lod_vaf) for v, p in zip(VAFS, found.detect, strict=True)]
            ratio = likelihood_ratio_test(
                np.zeros(sites), setting.depths, RATE, setting.tumour_vafs, draws=DRAWS, seed=1, vafs=VAFS, power_draws=1000
            ).limits
            rows += [("likelihood_ratio", sites, depth, v, p, ratio.lod_vaf) for v, p in zip(VAFS, ratio.detect, strict=True)]
    return pd.DataFrame(rows, columns=["test", "sites", "depth", "vaf", "power", "lod"])


def figure(chart: alt.TopLevelMixin) -> str:
    return vl_convert.vegalite_to_svg(chart.to_json())


def figure_of_false_positives(table: pd.DataFrame) -> str:
    table = table.assign(
        setting=[f"{s} sites x {d:,}, {b}" for s, d, b in zip(table["sites"], table["depth"], table["background"], strict=True)]
    )
    charts = []
    for level in LEVELS:
        part = table[table["level"] == level]
        base = alt.Chart(part).encode(
            y=alt.Y("test:N", title=None, sort=list(TESTS)), color=alt.Color("test:N", legend=None, sort=list(TESTS))
        )
        points = base.mark_point(filled=True).encode(
            x=alt.X("share:Q", title=f"share of samples without tumour with p <= {level:g}")
        )
        bars = base.mark_rule().encode(x="low:Q", x2="high:Q")
        line = alt.Chart(part).mark_rule(strokeDash=[4, 3], color="grey").encode(x=alt.datum(level))
        charts.append(
            alt.layer(line, bars, points)
            .properties(width=230, height=90)
            .facet(row=alt.Row("setting:N", title=None, header=alt.Header(labelAngle=0, labelAlign="left", labelLimit=260)))
            .resolve_scale(x="shared")
        )
    return figure(alt.hconcat(*charts))


def figure_of_power(table: pd.DataFrame) -> str:
    chart = (
        alt.Chart(table)
        .mark_line(point=True)
        .encode(
            x=alt.X("vaf:Q", scale=alt.Scale(type="log"), title="mean VAF"),
            y=alt.Y("power:Q", title="probability of a positive test"),
            color=alt.Color("depth:O", title="depth of a site", scale=alt.Scale(scheme="viridis")),
            column=alt.Column("test:N", title=None),
            row=alt.Row("sites:O", title="sites"),
        )
        .properties(width=220, height=170)
    )
    return figure(chart)


def page(errors: pd.DataFrame, detected: pd.DataFrame, replicates: int, seed: int) -> str:
    lines = [
        "# How well the ctDNA tests are calibrated",
        "",
        f"Samples without tumour: {replicates:,} per setting (seed {seed}), error rate 1e-4 / 3 per allele, alpha .05 and .001. "
        "Over-dispersed: the rate of each position is drawn anew (beta, as an exponential distribution around the same mean); "
        "`ignored`: the tests take it for binomial; `modelled`: they are told. Made by `python benchmarks/ctdna_calibration.py`.",
        "",
        "- `p_value` of `exact` and the simulated p of `monte_carlo` are the same number (with and without simulation): the probability of a "
        "corner, mean VAF and number of positive sites both as large as observed. It is smaller than alpha more often than alpha where "
        "many errors are expected, since outcomes with one of the two larger and the other smaller are not in the corner.",
        "- `p_calibrated` (which decides for `exact`) is the probability of as small a corner. Counts are discrete, so that it stays "
        "below alpha; `p_mid` comes nearer and may exceed alpha by a little.",
        "- The chi-square mixture of the likelihood ratio is no guide where few errors are expected; it decides nothing.",
        "- An over-dispersed background that is taken for binomial makes every test call too often where many errors are expected "
        "(50 x 10,000: three to four times at .001), hardly where few are (50 x 2,000). Modelled, the calibrated and the simulated p hold.",
        "- A simulated p takes the error of its simulation along: all samples of a setting are compared with the same 10,000 draws, so that "
        "an outcome whose exact p is a little above .05 can fall below it in all of them (50 x 2,000, `monte_carlo`).",
        "",
        "## False positives",
        "",
        "![Share of samples without tumour that each test calls](img/ctdna_calibration.svg)",
        "",
        "In brackets: called, and the exact 95 % interval.",
        "",
        "| background | sites x depth | test | p <= .05 | p <= .001 |",
        "|---|---|---|---|---|",
    ]
    for (background, sites, depth, test), part in errors.groupby(["background", "sites", "depth", "test"], sort=False):
        cells = [
            f"{r.share:.4f} ({r.hits}; {r.low:.4f} to {r.high:.4f})"
            for r in part.sort_values("level", ascending=False).itertuples()
        ]
        lines.append(f"| {background} | {sites} x {depth:,} | {test} | {cells[0]} | {cells[1]} |")
    lines += [
        "",
        "## Power",
        "",
        "Probability of a positive test at alpha .05, binomial background, allele fractions in the tumour of .1 to .5. Exact for "
        "`monte_carlo` and `exact`; 1,000 simulated samples per point for `likelihood_ratio`.",
        "",
        "![Power by VAF, depth and number of sites](img/ctdna_power.svg)",
        "",
        "| test | sites | depth | limit of detection (power .95) | "
        + " | ".join(f"VAF {v:g}" for v in (1e-5, 1e-4, 1e-3))
        + " |",
        "|---" * 7 + "|",
    ]
    for (test, sites, depth), part in detected.groupby(["test", "sites", "depth"], sort=False):
        at = [float(part.loc[np.isclose(part["vaf"], v), "power"].iloc[0]) for v in (1e-5, 1e-4, 1e-3)]
        lines.append(f"| {test} | {sites} | {depth:,} | {part['lod'].iloc[0]:.2g} | " + " | ".join(f"{p:.3f}" for p in at) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=20261127)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent / "docs")
    arguments = parser.parse_args()
    errors, detected = false_positives(arguments.replicates, arguments.seed), power()
    (arguments.out / "img").mkdir(exist_ok=True)
    (arguments.out / "img" / "ctdna_calibration.svg").write_text(figure_of_false_positives(errors))
    (arguments.out / "img" / "ctdna_power.svg").write_text(figure_of_power(detected))
    (arguments.out / "ctdna_calibration.md").write_text(page(errors, detected, arguments.replicates, arguments.seed))


if __name__ == "__main__":
    main()
