"""The scans beside the programs that do the same, on the same simulated cohort in one run: seconds for all markers, and ratios.

python benchmarks/association.py --samples 500 --markers 20000 --covariates 4 --runs 5 --scaling

Contenders that are not installed are listed as such.  A contender that would take minutes does the first of the
markers; its time, less that of preparing them, is multiplied up, and the table says how many it did.  "whole process": from the start
of a new process to its end, with reading its files (in the page cache); otherwise the call alone, in this
process, after a first call (which compiles, or loads what was compiled before).  Medians; the fast ones run by
turns, so that what else the machine does falls on all of them.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Cohort:
    """A simulated cohort: markers of 1 to 50 % of the patients, four per cent of the outcome's variation explained by covariates."""

    outcome: np.ndarray
    time: np.ndarray
    event: np.ndarray
    covariates: np.ndarray
    markers: np.ndarray


def simulate(n: int, m: int, k: int, seed: int) -> Cohort:
    """Draw a cohort; no marker has an effect."""
    draw = np.random.default_rng(seed)
    covariates = draw.normal(size=(n, k))
    covariates[:, k // 2 :] = covariates[:, k // 2 :] > 0.25
    linear = covariates @ draw.normal(0, 0.3, k) if k else np.zeros(n)
    share = np.exp(draw.uniform(np.log(max(0.01, 4 / n)), np.log(0.5), m))
    markers = (draw.random((n, m), dtype=np.float32) < share.astype(np.float32)).astype(np.int8)
    follow_up = np.ceil(draw.exponential(1, n) * np.exp(-linear) * 700)
    return Cohort(draw.random(n) < 1 / (1 + np.exp(0.5 - linear)), follow_up, draw.random(n) < 0.6, covariates, markers)


@dataclass
class Contender:
    """A program for one question.

    Parameters
    ----------
    part, label : str
    run : callable or None
        What is timed; None: it is not here, for the reason `label` gives.
    done, total : int
        Markers that it does, and that the number is multiplied up to.
    overhead : callable or None
        The same without a marker, taken off before multiplying (process start, reading).
    turns : bool
        Run as often as ours, by turns; once otherwise.
    says : bool
        `run` returns the seconds, measured by the program itself.
    """

    part: str
    label: str
    run: Callable[[], object] | None
    done: int = 0
    total: int = 0
    overhead: Callable[[], object] | None = None
    turns: bool = True
    says: bool = False
    seconds: list[float] = field(default_factory=list)
    failed: str = ""

    def turn(self) -> None:
        """Run it once."""
        if self.run is None or self.failed or (self.seconds and not self.turns):
            return
        try:
            taken = float(str(self.run())) if self.says else timed(self.run)
            if self.done < self.total:
                fixed = timed(self.overhead) if self.overhead else 0.0
                taken = fixed + max(taken - fixed, 0.0) * self.total / self.done
            self.seconds.append(taken)
        except Exception as error:  # a foreign program that fails is a line of the table, not the end of the run
            said = error.stderr.decode(errors="replace") if isinstance(error, subprocess.CalledProcessError) else str(error)
            self.failed = (said.strip().splitlines() or [type(error).__name__])[-1][:90]

    @property
    def median(self) -> float:
        """Median seconds for all markers."""
        return statistics.median(self.seconds) if self.seconds else float("nan")


def timed(run: Callable[[], object]) -> float:
    """Return the wall time of one call, s."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def installed(module: str) -> bool:
    """Tell whether a Python module can be imported, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


# ---------------------------------------------------------------------------------------------- our side

SCAN = "resistance.stats.scan"
FIRTH_LOGISTIC, LOGISTIC = "Firth logistic, penalised LRT", "logistic, ML and LRT"
FIRTH_COX, COX = "Firth Cox, penalised LRT", "Cox, LRT"
#: part, module, function, arguments; a module of this list that is not in the checkout prints as such
OURS: tuple[tuple[str, str, str, Callable[[Cohort], tuple[Any, ...]]], ...] = (
    (FIRTH_LOGISTIC, f"{SCAN}.logistic", "firth_logistic_scan", lambda c: (c.outcome, c.markers, c.covariates)),
    (LOGISTIC, f"{SCAN}.logistic", "logistic_scan", lambda c: (c.outcome, c.markers, c.covariates)),
    ("logistic, score test", f"{SCAN}.logistic_score", "logistic_score_scan", lambda c: (c.outcome, c.markers, c.covariates)),
    (FIRTH_COX, f"{SCAN}.cox", "firth_cox_scan", lambda c: (c.time, c.event, c.markers, c.covariates)),
    (COX, f"{SCAN}.cox", "cox_scan", lambda c: (c.time, c.event, c.markers, c.covariates)),
    ("Cox, score test", f"{SCAN}.cox_score", "cox_score_scan", lambda c: (c.time, c.event, c.markers, c.covariates)),
)
WHOLE = """
import sys, numpy as np
from resistance.stats.scan.logistic import firth_logistic_scan
z = np.load(sys.argv[1])
found = firth_logistic_scan(z["outcome"], z["markers"], z["covariates"], threads=int(sys.argv[2]))
np.savetxt(sys.argv[3], np.column_stack([found.coef, found.se, found.p_value]), fmt="%.6g")  # the digits of PLINK2
"""


def ours(cohort: Cohort, folder: Path, threads: int) -> list[Contender]:
    """Return our scans, each alone, and Firth's as a whole process."""
    found = []
    for part, module, name, arguments in OURS:
        if not installed(module):
            found.append(Contender(part, f"ours: {module} is not in this checkout", None))
            continue
        function = getattr(importlib.import_module(module), name)
        run = partial(function, *arguments(cohort), threads=threads)
        run()
        found.append(Contender(part, "ours", run))
    found += [_moderated_t(cohort), _permutations(cohort, threads)]
    np.savez(folder / "cohort.npz", outcome=cohort.outcome, markers=cohort.markers, covariates=cohort.covariates)
    argv = [sys.executable, "-c", WHOLE, str(folder / "cohort.npz"), str(threads), str(folder / "ours.txt")]
    found.append(Contender(FIRTH_LOGISTIC, "ours, whole process", partial(call, argv)))
    return found


def _moderated_t(cohort: Cohort) -> Contender:
    from resistance.stats.moderated_t import moderated_t

    design = np.column_stack([np.ones(len(cohort.outcome)), cohort.outcome, cohort.covariates])
    expression = cohort.markers.T.astype(np.float64)
    run = partial(moderated_t, expression, design, contrasts=np.eye(design.shape[1])[1])
    run()
    return Contender("moderated t", "ours", run)


def _permutations(cohort: Cohort, threads: int) -> Contender:
    """Return 9,999 permutations of the martingale residuals within eight strata."""
    from resistance.stats.permutation import permutation_scan

    strata = np.arange(len(cohort.outcome)) % 8
    run = partial(permutation_scan, cohort.time, cohort.event, cohort.markers, strata=strata, seed=1, threads=threads)
    return Contender("9,999 stratified permutations of martingale residuals", "ours", run)


def said(argv: list[str]) -> str:
    """Run a command and return its last word."""
    done = subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL, text=True)
    return done.stdout.split()[-1]


def call(argv: list[str]) -> None:
    """Run a command; its words are kept for the case that it fails."""
    subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL)


# ------------------------------------------------------------------------------------------ other Python


def statsmodels_logit(c: Cohort, m: int) -> None:
    """ML with LRT, one model after the other."""
    from statsmodels.discrete.discrete_model import Logit

    base = np.column_stack([np.ones(len(c.outcome)), c.covariates])
    null = Logit(c.outcome.astype(float), base).fit(disp=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of separated markers
        for j in range(m):
            try:
                full = Logit(c.outcome.astype(float), np.column_stack([base, c.markers[:, j]])).fit(disp=0)
            except np.linalg.LinAlgError:
                continue
            full.llf - null.llf


def statsmodels_phreg(c: Cohort, m: int) -> None:
    """ML, one model after the other."""
    from statsmodels.duration.hazard_regression import PHReg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for j in range(m):
            PHReg(c.time, np.column_stack([c.covariates, c.markers[:, j]]), status=c.event.astype(float), ties="efron").fit(
                disp=0
            )


def firthmodels_logistic(c: Cohort, m: int) -> None:
    """Firth with the marker's LRT."""
    from firthmodels import FirthLogisticRegression

    for j in range(m):
        FirthLogisticRegression().fit(np.column_stack([c.markers[:, j], c.covariates]), c.outcome).lrt(features=[0])


def firthmodels_cox(c: Cohort, m: int) -> None:
    """Firth (Breslow) with the marker's LRT."""
    from firthmodels import FirthCoxPH

    for j in range(m):
        FirthCoxPH().fit(np.column_stack([c.markers[:, j], c.covariates]), (c.event, c.time)).lrt(features=[0])


def lifelines_cox(c: Cohort, m: int) -> None:
    """ML, one model after the other."""
    import pandas as pd
    from lifelines import CoxPHFitter

    frame = pd.DataFrame(c.covariates).rename(columns=lambda name: f"c{name}").assign(time=c.time, event=c.event)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for j in range(m):
            CoxPHFitter().fit(frame.assign(marker=c.markers[:, j].astype(float)), "time", "event")


def loops(cohort: Cohort, subset: int) -> list[Contender]:
    """Return the loops over single models in Python."""
    total = cohort.markers.shape[1]
    found = []
    for part, label, module, run, share in (
        (LOGISTIC, "statsmodels Logit, ML and LRT", "statsmodels", statsmodels_logit, 1.0),
        (FIRTH_LOGISTIC, "firthmodels, Firth and LRT", "firthmodels", firthmodels_logistic, 1.0),
        (FIRTH_COX, "firthmodels, Firth (Breslow) and LRT", "firthmodels", firthmodels_cox, 1.0),
        (COX, "lifelines CoxPHFitter", "lifelines", lifelines_cox, 0.1),
        (COX, "statsmodels PHReg", "statsmodels", statsmodels_phreg, 0.1),
    ):
        if not installed(module):
            found.append(Contender(part, f"{label}: not installed", None))
            continue
        run(cohort, 1)
        done = max(1, min(total, int(subset * share)))
        found.append(Contender(part, label, partial(run, cohort, done), done, total, turns=False))
    return found


# ------------------------------------------------------------------------------------------ R and PLINK2

R_PREPARE = """
a <- commandArgs(TRUE); m <- as.integer(a[2])
d <- read.table(file.path(a[1], "patients.txt"), header = TRUE)
con <- file(file.path(a[1], "markers.bin"), "rb")
x <- matrix(readBin(con, "integer", nrow(d) * m, size = 1), nrow(d)); close(con)
z <- as.matrix(d[, grep("^c[0-9]", names(d)), drop = FALSE])
"""
R_LOOPS: tuple[tuple[str, str, str, float, str], ...] = (
    (FIRTH_LOGISTIC, "logistf", "logistf", 0.2, "for (j in seq_len(m)) logistf::logistf(d$outcome ~ x[, j] + z, pl = TRUE, plconf = 2)"),
    (
        LOGISTIC, "R glm, ML and LRT", "stats", 1.0,
        "f0 <- glm.fit(cbind(1, z), d$outcome, family = binomial()); "
        "for (j in seq_len(m)) suppressWarnings(glm.fit(cbind(1, z, x[, j]), d$outcome, family = binomial())$deviance)",
    ),
    (COX, "coxph", "survival", 1.0, "library(survival); for (j in seq_len(m)) coxph(Surv(time, event) ~ x[, j] + z, d)"),
    (
        COX, "coxph.fit, bare", "survival", 4.0,
        "library(survival); s <- Surv(d$time, d$event); h <- coxph.control(); r <- as.character(seq_len(nrow(d))); "
        "for (j in seq_len(m)) suppressWarnings(survival::coxph.fit(cbind(x[, j], z), s, NULL, NULL, NULL, h, NULL, 'efron', r))",
    ),
    (FIRTH_COX, "coxphf", "coxphf", 0.1, "library(survival); for (j in seq_len(m)) coxphf::coxphf(Surv(time, event) ~ x[, j] + z, d)"),
)  # fmt: skip
R_LIMMA = "limma::eBayes(limma::lmFit(t(x), cbind(1, d$outcome, z)))"
R_LIMMA_ALONE = (
    "library(limma); y <- t(x) + 0; f <- cbind(1, d$outcome, z); eBayes(lmFit(y, f)); "
    "cat('\\n', median(replicate(5, system.time(eBayes(lmFit(y, f)))[['elapsed']])))"
)


def write_files(cohort: Cohort, folder: Path) -> None:
    """Write what R and PLINK2 read: a table of patients, markers as bytes, a .bed whose carriers are heterozygous."""
    n, m = cohort.markers.shape
    k = cohort.covariates.shape[1]
    table = np.column_stack([cohort.outcome, cohort.time, cohort.event, cohort.covariates])
    names = ["outcome", "time", "event", *(f"c{j}" for j in range(k))]
    np.savetxt(folder / "patients.txt", table, header=" ".join(names), comments="")
    cohort.markers.T.tofile(folder / "markers.bin")
    with (folder / "c.fam").open("w") as fam, (folder / "c.cov").open("w") as cov:
        cov.write("#FID IID " + " ".join(names[3:]) + "\n")
        for i in range(n):
            fam.write(f"p{i} p{i} 0 0 1 {int(cohort.outcome[i]) + 1}\n")
            cov.write(f"p{i} p{i} " + " ".join(f"{value:.12g}" for value in cohort.covariates[i]) + "\n")
    (folder / "c.bim").write_text("".join(f"1 m{j} 0 {j + 1} A G\n" for j in range(m)))
    codes = np.where(cohort.markers.T == 1, 2, 3).astype(np.uint8)  # 2: heterozygous, 3: both alleles the second
    padded = np.zeros((m, -(-n // 4) * 4), dtype=np.uint8)
    padded[:, :n] = codes
    packed = padded[:, 0::4] | padded[:, 1::4] << 2 | padded[:, 2::4] << 4 | padded[:, 3::4] << 6
    (folder / "c.bed").write_bytes(b"\x6c\x1b\x01" + packed.tobytes())


def programs(cohort: Cohort, folder: Path, subset: int, threads: int) -> list[Contender]:
    """Return PLINK2 and the R packages; all are whole processes."""
    total = cohort.markers.shape[1]
    found = []
    plink = shutil.which("plink2")
    if plink is None:
        found.append(Contender(FIRTH_LOGISTIC, "PLINK2: not on the PATH", None))
    else:
        argv = [plink, "--bfile", str(folder / "c"), "--covar", str(folder / "c.cov"), "--glm", "firth", "hide-covar"]
        argv += ["allow-no-covars"] if not cohort.covariates.shape[1] else []
        argv += ["--threads", str(threads), "--out", str(folder / "plink")]
        found.append(Contender(FIRTH_LOGISTIC, "PLINK2 --glm firth (Wald p), whole process", partial(call, argv)))
    rscript = shutil.which("Rscript")
    for part, label, package, share, code in (*R_LOOPS, ("moderated t", "limma", "limma", 0.0, R_LIMMA)):
        if rscript is None:
            found.append(Contender(part, f"{label}: no Rscript on the PATH", None))
            continue
        if subprocess.run(
            [rscript, "-e", f"stopifnot(requireNamespace('{package}'))"], capture_output=True, check=False
        ).returncode:
            found.append(Contender(part, f"{label}: not installed", None))
            continue
        done = max(1, min(total, int(subset * share))) if share else total
        argv = [rscript, "-e", R_PREPARE + code, str(folder), str(done)]
        empty = [rscript, "-e", R_PREPARE, str(folder), str(done)]
        found.append(
            Contender(part, f"{label}, whole process", partial(call, argv), done, total, partial(call, empty), turns=not share)
        )
    if rscript is not None and not any(c.label.startswith("limma: not") for c in found):
        argv = [rscript, "-e", R_PREPARE + R_LIMMA_ALONE, str(folder), str(total)]
        found.append(Contender("moderated t", "limma, the call alone", partial(said, argv), turns=False, says=True))
    return found


# ------------------------------------------------------------------------------------------------ report


def bandwidth(cohort: Cohort) -> list[str]:
    """Return what the score tests read of the markers in a second, beside what the memory gives a sum and a copy.

    Also of ten times as many float64 markers, where the model of the covariates and the start of threads weigh less.
    """
    if not installed(f"{SCAN}.logistic_score"):
        return []
    from resistance.stats.scan.cox_score import cox_score_scan
    from resistance.stats.scan.logistic_score import logistic_score_scan

    lines = [
        "| markers | as | logistic score test, GB/s | Cox score test, GB/s | copy, GB/s (read) | sum, GB/s | logistic / sum | Cox / sum |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind, times in ((np.float64, 1), (np.float64, 10), (np.float32, 1), (np.int8, 1)):
        x = np.tile(cohort.markers.astype(kind), times)
        target = np.empty_like(x)
        runs = (
            partial(logistic_score_scan, cohort.outcome, x, cohort.covariates),
            partial(cox_score_scan, cohort.time, cohort.event, x, cohort.covariates),
            partial(np.copyto, target, x),
            partial(x.sum, dtype=None),
        )
        seconds = [min(timed(run) for _ in range(7)) for run in runs]
        rates = [x.nbytes / s / 1e9 for s in seconds]
        cells = [f"{rate:.1f}" for rate in rates] + [f"{rates[0] / rates[3]:.2f}", f"{rates[1] / rates[3]:.2f}"]
        lines.append(f"| {x.shape[1]:,} | {np.dtype(kind)} | {' | '.join(cells)} |")
    return lines


BLOCKS = """
import resource, sys, time
import numpy as np
sys.path.insert(0, sys.argv[1])
from association import simulate
from resistance.stats.scan.logistic import firth_logistic_scan_blocks
n, m, k, threads = map(int, sys.argv[2:])
c = simulate(n, min(m, 10_000), k, 1)
rounds = max(1, m // c.markers.shape[1])
list(firth_logistic_scan_blocks(c.outcome, [c.markers], c.covariates, threads=threads))
start = time.perf_counter()
tests = 0
for found in firth_logistic_scan_blocks(c.outcome, (c.markers for _ in range(rounds)), c.covariates, threads=threads):
    tests += int(found.converged.sum())
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, tests)
"""


def scaling(k: int, threads: int, markers_up_to: int) -> Iterator[str]:
    """Yield time and peak memory over samples and over markers in blocks of 10,000, each in a process of its own."""
    yield "| samples | markers | seconds | microseconds per marker | peak memory, MB | models |"
    yield "|---|---|---|---|---|---|"
    sizes = [(n, 2000) for n in (50, 100, 200, 500, 1000, 2000, 5000, 10_000)]
    sizes += [(500, m) for m in (100, 1000, 10_000, 100_000, 1_000_000) if m <= markers_up_to]
    for n, m in sizes:
        argv = [sys.executable, "-c", BLOCKS, str(Path(__file__).parent), str(n), str(m), str(k), str(threads)]
        said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()
        seconds, peak, tests = float(said[0]), float(said[1]), int(said[2])
        yield f"| {n:,} | {m:,} | {seconds:.3f} | {seconds / m * 1e6:.1f} | {peak:,.0f} | {tests:,} |"


def plot(lines: list[str], path: Path) -> None:
    """Draw the table of :func:`scaling`: seconds over samples (2,000 markers) and over markers (500 samples), with peak memory."""
    import altair as alt
    import pandas as pd
    import vl_convert

    rows = [[float(cell.replace(",", "")) for cell in line.strip("| ").split("|")] for line in lines[2:]]
    table = pd.DataFrame(rows, columns=["samples", "markers", "seconds", "per_marker", "peak_mb", "models"])
    parts = (("samples", table.iloc[:8], "samples (2,000 markers)"), ("markers", table.iloc[8:], "markers (500 samples)"))
    charts = []
    for column, part, title in parts:
        base = alt.Chart(part).encode(x=alt.X(column, scale=alt.Scale(type="log"), title=title))
        seconds = base.mark_line(point=True).encode(y=alt.Y("seconds", scale=alt.Scale(type="log"), title="seconds"))
        memory = base.mark_line(point=True, color="#c4501b").encode(
            y=alt.Y("peak_mb", scale=alt.Scale(zero=True), title="peak memory, MB")
        )
        charts.append(alt.vconcat(seconds.properties(width=300, height=180), memory.properties(width=300, height=110)))
    path.write_text(vl_convert.vegalite_to_svg(alt.hconcat(*charts).to_dict()), encoding="utf-8")


def report(contenders: list[Contender]) -> Iterator[str]:
    """Yield a table for each part: seconds for all markers, and how many times ours."""
    for part in dict.fromkeys(c.part for c in contenders):
        yield f"\n{part}\n\n| program | s for all markers | fastest-slowest | markers done | times ours |\n|---|---|---|---|---|"
        members = [c for c in contenders if c.part == part]
        own = next((c.median for c in members if c.label == "ours"), float("nan"))
        for c in members:
            if c.run is None or c.failed:
                yield f"| {c.label} | {c.failed} | | | |"
                continue
            done = f"{c.done:,} of {c.total:,}" if c.done < c.total else "all"
            yield f"| {c.label} | {c.median:.3f} | {min(c.seconds):.3f}-{max(c.seconds):.3f} | {done} | {c.median / own:.2f} |"


def main() -> int:
    """Simulate, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--markers", type=int, default=20_000)
    parser.add_argument("--covariates", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--subset", type=int, default=500, help="Markers that a loop does before it is multiplied up.")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument(
        "--scaling", type=int, nargs="?", const=1_000_000, default=0, help="Also samples 50-10,000, markers 100 to this."
    )
    parser.add_argument("--plot", type=Path, help="Draw the scaling into this SVG.")
    given = parser.parse_args()
    cohort = simulate(given.samples, given.markers, given.covariates, given.seed)
    print(f"{given.samples:,} samples x {given.markers:,} markers x {given.covariates} covariates, seed {given.seed}, ", end="")
    print(f"{given.threads} threads, medians of {given.runs}; load average at the start {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_files(cohort, folder)
        contenders = ours(cohort, folder, given.threads)
        contenders += programs(cohort, folder, given.subset, given.threads) + loops(cohort, given.subset)
        for _ in range(given.runs):
            for contender in contenders:
                contender.turn()
    print("\n".join(report(contenders)))
    print("\n" + "\n".join(bandwidth(cohort)))
    if given.scaling:
        print()
        lines = []
        for line in scaling(given.covariates, given.threads, given.scaling):
            print(line, flush=True)
            lines.append(line)
        if given.plot is not None:
            plot(lines, given.plot)
    print(f"\nLoad average at the end {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
