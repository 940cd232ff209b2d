"""How often emergence is found where there is none, and how often where there is: simulated pairs -> docs/ctdna_calibration_emergence.md.

python benchmarks/ctdna_calibration_emergence.py [--pairs 10000] [--seed 20261127] [--out docs]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import vl_convert

from resistance.config import Ctdna
from resistance.ctdna.comparison import Counted
from resistance.ctdna.emergence import compare
from resistance.ctdna.selection import relative_change
from resistance.stats.overdispersed import upper_tail
from resistance.stats.paired_counts import equal_fractions

LEVELS = (0.05, 0.001)
DEPTHS = ((500, 500), (2000, 2000), (1000, 10_000))
RHO = (0.0, 5e-4, 5e-3)
BACKGROUND = 1e-4
OTHERS = 10


def draw(reads: int, fraction: float | np.ndarray, rho: float, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return mutant reads of `size` libraries."""
    f = np.broadcast_to(np.asarray(fraction, dtype=float), (size,))
    if rho > 0:
        inside = (f > 0) & (f < 1)
        safe = np.where(inside, f, 0.5)
        f = np.where(inside, rng.beta(safe * (1 - rho) / rho, (1 - safe) * (1 - rho) / rho), f)
    return rng.binomial(reads, f)


def shares(p: np.ndarray) -> dict[str, float]:
    return {f"p <= {level:g}": float((p <= level).mean()) for level in LEVELS}


def null_pairs(size: int, rng: np.random.Generator) -> pd.DataFrame:
    """Equal fractions at both times: at background, and at true fractions; tests with and without the libraries' spread."""
    rows = []
    cases: list[tuple[str, float, tuple[float, float]]] = [
        ("both at background", 0.0, (BACKGROUND, BACKGROUND)),
        ("both at background, fivefold later", 0.0, (BACKGROUND, 5 * BACKGROUND)),
        *((f"equal VAF of {100 * vaf:g} %", vaf, (BACKGROUND, BACKGROUND)) for vaf in (0.001, 0.01, 0.1)),
    ]
    for what, vaf, errors in cases:
        for m, n in DEPTHS:
            for rho in RHO:
                a, b = (
                    draw(reads, e + (1 - e) * vaf, rho if vaf else 0.0, size, rng)
                    for reads, e in zip((m, n), errors, strict=True)
                )
                spread = {"as drawn": rho, "Fisher (none)": 0.0}
                for name, assumed in spread.items():
                    known = errors if name == "as drawn" else (0.0, 0.0)
                    p = equal_fractions(a, m, b, n, background=known, overdispersion=(assumed, assumed)).p_value
                    rows.append(
                        {"case": what, "reads": f"{m:,} v {n:,}", "rho": rho, "assumed": name, "test": "change", **shares(p)}
                    )
                p = equal_fractions(a, m, b, n, background=errors, overdispersion=(rho, rho)).p_value
                new = np.fmax(p, upper_tail(b, n, errors[1]))
                rows.append(
                    {
                        "case": what,
                        "reads": f"{m:,} v {n:,}",
                        "rho": rho,
                        "assumed": "as drawn",
                        "test": "emergent",
                        **shares(new),
                    }
                )
    return pd.DataFrame(rows)


def misjudged(size: int, rng: np.random.Generator) -> pd.DataFrame:
    """What it costs when the libraries spread more, or less, than is assumed."""
    rows = []
    for true in (0.0, 2.5e-4, 5e-4, 1e-3, 2e-3):
        for vaf in (0.01, 0.1):
            a, b = draw(2000, vaf, true, size, rng), draw(2000, vaf, true, size, rng)
            p = equal_fractions(a, 2000, b, 2000, overdispersion=(5e-4, 5e-4)).p_value
            rows.append({"true rho": true, "VAF": vaf, **shares(p)})
    return pd.DataFrame(rows)


def moved_together(size: int, rng: np.random.Generator) -> pd.DataFrame:
    """All variants rise or fall together: the test of change finds them all, the test against the level should not."""
    rows = []
    samples = size // OTHERS
    for factor in (0.1, 0.5, 1.0, 2.0, 4.0):
        for rho in (0.0, 5e-4):
            vaf = rng.uniform(0.02, 0.2, (samples, OTHERS))
            a = draw(2000, vaf.ravel(), rho, vaf.size, rng)
            b = draw(2000, factor * vaf.ravel(), rho, vaf.size, rng)
            frame = pd.DataFrame(
                {
                    "later_sample_id": np.repeat(np.arange(samples), OTHERS).astype(str), "baseline_count": a, "later_count": b,
                    "baseline_used": 2000.0, "later_used": 2000.0, "baseline_purity": np.nan, "later_purity": np.nan, "germline": False,
                    "baseline_known": a > 3, "baseline_background": BACKGROUND, "later_background": BACKGROUND,
                    "baseline_overdispersion": rho, "later_overdispersion": rho,
                }
            )  # fmt: skip
            alone = equal_fractions(a, 2000, b, 2000, overdispersion=(rho, rho)).p_value
            relative = relative_change(frame)["relative_p_value"].dropna().to_numpy()
            for name, p in (("change", alone), ("against the level", relative)):
                rows.append({"level": f"x {factor:g}", "rho": rho, "test": name, **shares(p)})
    return pd.DataFrame(rows)


def power(size: int, rng: np.random.Generator) -> pd.DataFrame:
    """Share of new variants that are called emergent, by reads at both times and later VAF, through the whole comparison."""
    settings = Ctdna(emergence_min_later_vaf=0.0)
    parts = []
    for reads in (200, 500, 1000, 2000, 5000, 10_000):
        for vaf in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1):
            rho = settings.emergence_overdispersion
            a = draw(reads, BACKGROUND, 0.0, size, rng)
            b = draw(reads, BACKGROUND + vaf, rho, size, rng)
            parts.append(pd.DataFrame({"reads": reads, "vaf": vaf, "a": a, "b": b}))
    table = pd.concat(parts, ignore_index=True)
    table["patient_id"] = [f"P{i}" for i in range(len(table))]
    samples = pd.concat(
        [
            table[["patient_id"]].assign(sample_id=table["patient_id"] + tag, timepoint=when, day=day)
            for tag, when, day in (("A", "baseline", 0.0), ("B", "relapse", 100.0))
        ]
    ).assign(material="plasma", purity=np.nan, overdispersion=settings.emergence_overdispersion)
    counts = pd.concat(
        [
            pd.DataFrame({"sample_id": table["patient_id"] + tag, "key": table["patient_id"], "reads": table["reads"].astype(float),
                          "mutant": table[column].astype(float)})
            for tag, column in (("A", "a"), ("B", "b"))
        ],
        ignore_index=True,
    ).assign(unit="reads", inferred=False)  # fmt: skip
    counts = counts.assign(fraction=counts["mutant"] / counts["reads"], seen=counts["mutant"] > 0)
    names = pd.DataFrame({"key": table["patient_id"]}).assign(
        **dict.fromkeys(("build", "chrom", "pos", "ref", "alt", "gene", "hgvsp"), None)
    )
    depth = pd.DataFrame({"sample_id": [], "gene": [], "reads": []}).astype({"sample_id": "object", "gene": "object"})
    found = compare(
        Counted(samples.reset_index(drop=True), counts, names.astype({"ref": "string", "alt": "string"}), depth), settings
    )
    change = found.set_index("patient_id")["change"]
    table["change"] = table["patient_id"].map(change).fillna("not seen")
    rows = []
    for (reads, vaf), mine in table.groupby(["reads", "vaf"]):
        share = mine["change"].value_counts(normalize=True)
        rows.append({"reads": reads, "VAF": vaf, **{w: float(share.get(w, 0.0)) for w in ("emergent", "not_assessable")}})
    return pd.DataFrame(rows)


def markdown(table: pd.DataFrame, formats: dict[str, Callable[[float], str]]) -> str:
    shown = table.copy()
    for name, show in formats.items():
        shown[name] = shown[name].map(show)
    head = "| " + " | ".join(shown.columns) + " |\n|" + "---|" * len(shown.columns)
    return head + "\n" + "\n".join("| " + " | ".join(str(x) for x in row) + " |" for row in shown.to_numpy()) + "\n"


def figure(table: pd.DataFrame, path: Path) -> None:
    rows = [{"v": 100 * r["VAF"], "p": r["emergent"], "d": f"{r['reads']:,}"} for r in table.to_dict("records")]
    order = [f"{d:,}" for d in sorted(set(table["reads"]))]
    chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("v:Q", scale=alt.Scale(type="log"), title="Later VAF, % (log scale)"),
            y=alt.Y("p:Q", scale=alt.Scale(domain=[0, 1]), title="Called emergent"),
            color=alt.Color("d:N", sort=order, scale=alt.Scale(scheme="viridis", domain=order), title="Reads at both times"),
        )
        .properties(width=460, height=280)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(vl_convert.vegalite_to_svg(chart.to_json()), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=20261127)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    four: Callable[[float], str] = "{:.4f}".format
    as_shares = {f"p <= {level:g}": four for level in LEVELS}
    equal = null_pairs(given.pairs, rng)
    wrong = misjudged(given.pairs, rng)
    together = moved_together(given.pairs, rng)
    found = power(max(100, given.pairs // 40), rng)
    figure(found, given.out / "img" / "ctdna_calibration_emergence.svg")
    error = 1.96 * np.sqrt(0.05 * 0.95 / given.pairs), 1.96 * np.sqrt(0.001 * 0.999 / given.pairs)
    wide = found.pivot_table(index="reads", columns="VAF", values="emergent").reset_index()
    wide.columns = ["reads at both times", *(f"VAF {100 * float(x):g} %" for x in wide.columns[1:])]
    text = f"""# Calibration of emergence

{given.pairs:,} simulated pairs of samples per row (seed {given.seed}). Monte-Carlo error (95 %): {error[0]:.4f} at .05, {error[1]:.4f} at .001.
Made by `python benchmarks/ctdna_calibration_emergence.py`.

Mutant reads are binomial around background plus VAF, and beta-binomial with intraclass correlation rho where libraries spread
(0.0005 is a library of 2,000 genomes). *change*: two-sided test of equal fractions
(`resistance.stats.paired_counts.equal_fractions`). *emergent*: the larger of that p and of the chance that background gives the later
reads. *as drawn*: background and rho are known; *Fisher (none)*: neither is assumed, which is Fisher's exact test.

## No change: false-positive rates

{markdown(equal, as_shares)}
Fisher's test calls up to {100 * equal.loc[equal["assumed"].str.startswith("Fisher"), "p <= 0.05"].max():.0f} % of unchanged variants at .05
where libraries spread; with the spread assumed, the worst row of *change* is {equal.loc[(equal["assumed"] == "as drawn") & (equal["test"] == "change"), "p <= 0.05"].max():.4f}
at .05 and {equal.loc[(equal["assumed"] == "as drawn") & (equal["test"] == "change"), "p <= 0.001"].max():.4f} at .001. At background both tests are
conservative, since a handful of reads has few possible splits.

## When the spread is misjudged

Assumed rho 0.0005 (the default), 2,000 reads at both times, equal VAF.

{markdown(wrong, as_shares)}
Libraries that spread more than assumed give false positives: where replicates are known to differ more, `ctdna.emergence_overdispersion`
has to say so. A sample whose mass of cell-free DNA is known is never given less than 1 / genomes.

## All variants move together

Ten variants per sample, VAF 2 to 20 % at baseline, all multiplied by the same factor; 2,000 reads. *change* finds what the tumour did;
*against the level* asks whether a variant did anything else.

{markdown(together, as_shares)}

## Power

New variants, background 0.0001 at both times, rho 0.0005, through the whole comparison (false discovery rate .05, one variant per patient;
least later VAF set to 0). What is not called is *not assessable* where the baseline was not deep enough, else *stable*.

![Share of new variants called emergent by later VAF and reads](img/ctdna_calibration_emergence.svg)

{markdown(wide, dict.fromkeys(wide.columns[1:], "{:.2f}".format))}"""
    (given.out / "ctdna_calibration_emergence.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
