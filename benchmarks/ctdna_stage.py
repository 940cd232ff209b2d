"""The stage ctdna on 1,000 plasma samples of 50 variants each: processor time and memory of the whole command.

    python benchmarks/ctdna_stage.py [--patients 200] [--sites 50] [--keep FOLDER] [--profile]

Simulates a cohort (a tumour biopsy and five plasma samples of each patient: baseline, three on treatment, relapse) and runs
`resistance ctdna` on its tables.  --profile prints where the time goes.
"""

from __future__ import annotations

# the standard library only: a process starts with the peak memory of the one that starts it
import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

# the class that runs a process and measures it stands in the benchmark of the annotation
from annotation import Command

MAKE = """
import sys
from pathlib import Path
import numpy as np
import pandas as pd
from resistance import schemas
from resistance.cohort import Cohort
from resistance.layout import write_stage
from resistance.tables import empty

folder, patients, sites = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(2)
#: share of the level at baseline, by visit
course = (1.0, 0.1, 0.003, 0.0003, 0.3)
samples, calls, effects = [], [], []
for p in range(patients):
    positions = np.sort(rng.choice(10**7, sites, replace=False)) + 1
    alleles = ["ACGT"[i] for i in rng.integers(0, 4, sites)]
    others = ["ACGT"[("ACGT".index(a) + i) % 4] for a, i in zip(alleles, rng.integers(1, 4, sites))]
    share = rng.beta(6, 10, sites)
    level = 10 ** rng.uniform(-2.5, -0.5)
    new = rng.random(sites) < 0.1  # not in the first samples
    effects += [(int(x), r, a, f"G{k % 20}") for k, (x, r, a) in enumerate(zip(positions, alleles, others))]
    for visit, name in enumerate((f"T{p}", *(f"A{p}_{v}" for v in range(len(course))))):
        plasma = visit > 0
        words = ("baseline", "baseline", "on_treatment", "on_treatment", "on_treatment", "relapse")
        day = (0, 0, 21, 63, 126, 300)[visit]
        samples.append((name, f"P{p}", "plasma" if plasma else "tumour", words[visit], day) + ((4.0, 10.0) if plasma else (None, None)))
        depth = rng.integers(1500, 6000, sites) if plasma else rng.integers(200, 400, sites)
        truth = share * (level * course[visit - 1] if plasma else 0.9)
        truth = np.where(new & (visit < 5), 0.0, truth)
        alt = rng.binomial(depth, truth + 3e-5 * (1 - truth))
        calls += list(zip([name] * sites, positions.tolist(), alleles, others, depth.tolist(), alt.tolist()))
table = pd.DataFrame(samples, columns=["sample_id", "patient_id", "material", "timepoint", "day", "plasma_ml", "cfdna_ng_per_ml"])
counts = pd.DataFrame(calls, columns=["sample_id", "pos", "ref", "alt", "depth", "alt_count"])
counts = counts.assign(build="GRCh38", chrom="1", vaf=counts["alt_count"] / counts["depth"], source="simulated")
people = pd.DataFrame({"patient_id": sorted(set(table["patient_id"]))})
Cohort(facts={"build": "GRCh38", "name": "simulated"}, samples=table, patients=people, calls=counts).write(folder / "cohort")
told = pd.DataFrame(effects, columns=["pos", "ref", "alt", "gene"]).drop_duplicates(["pos", "ref", "alt"])
told = told.assign(build="GRCh38", chrom="1", effect_class="missense", source="native:csq")
write_stage(told, folder, "annotate", schemas.EFFECTS)
people.to_csv(folder / "patients.tsv", sep="\\t", index=False)
(folder / "cohort.yaml").write_text(
    "resistance: 1\\nstudy: {name: simulated, title: Simulated, build: GRCh38, disease: DLBCLNOS, simulated: true}\\n"
    "patients: {file: patients.tsv, columns: {patient_id: patient_id}}\\n"
    "samples: {file: samples.tsv, columns: {sample_id: sample_id, patient_id: patient_id, material: material, timepoint: timepoint}}\\n"
    "endpoints: {grade: {label: Grade, kind: continuous, origin: start of treatment, value: grade}}\\n"
)
"""


def main() -> None:
    """Simulate, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--sites", type=int, default=50)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="Folder of the simulated cohort, kept.")
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "cohort.yaml").exists():
            subprocess.run([sys.executable, "-c", MAKE, str(folder), str(given.patients), str(given.sites)], check=True)
        run = ["-m", "resistance.cli", "ctdna", str(folder / "cohort.yaml"), "--results", str(folder)]
        if given.profile:
            subprocess.run([sys.executable, "-m", "cProfile", "-o", str(folder / "profile"), *run], check=True)
            subprocess.run(
                [
                    sys.executable,
                    "-c",
                    "import pstats, sys; pstats.Stats(sys.argv[1]).sort_stats('cumtime').print_stats(45)",
                    str(folder / "profile"),
                ]
            )
            return
        command = Command("resistance ctdna", [sys.executable, *run])
        for _ in range(given.runs):
            command.run()
        print(f"{5 * given.patients} plasma samples, {given.sites} variants each\n")
        print("| command | median, s | extremes | processor, s | peak, MB |", "|" + "---|" * 5, sep="\n")
        print(f"| {' | '.join(command.cells())} |")


if __name__ == "__main__":
    main()
