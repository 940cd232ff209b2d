"""Reading alignments beside samtools mpileup, bcftools mpileup and pysam, on one simulated deep panel: time, memory, agreement.

python benchmarks/ctdna.py --genes 100 --bases 250 --depth 10000 --runs 2 --keep FOLDER

The BAM is simulated first (panel_bam.py; taken again when it is there).  All commands run by turns, so that what else the
machine does falls on all of them; a time is that of a whole process, files in the page cache.  A command that takes longer
than half a minute runs once.  "of the peer" is the ratio of processor times: that of wall times says more of the machine.
"""

from __future__ import annotations

# the standard library only: a process starts with the peak memory of the one that starts it
import argparse
import csv
import itertools
import json
import math
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

# the class that runs a process and measures it stands in the benchmark of the annotation
from annotation import Command, resistance

HERE = Path(__file__).resolve().parent
POSITIONS = """
import sys
from resistance.read.alignments.positions import Filters, position_table
regions = [(c, int(s), int(e)) for c, s, e, *_ in (line.split() for line in open(sys.argv[2]))]
position_table(sys.argv[1], "GRCh37", regions, Filters(sys.argv[3])).to_csv(sys.argv[4], sep="\\t", index=False)
"""
QUALITY = """
import sys
from pathlib import Path
from resistance.read.alignments.library import count_reads
from resistance.read.alignments.targets import read_targets
count_reads(Path(sys.argv[1]), read_targets(Path(sys.argv[2])))
"""
COVERAGE = """
import sys, pysam
with pysam.AlignmentFile(sys.argv[1]) as file:
    for line in open(sys.argv[2]):
        c, s, e, *_ = line.split()
        file.count_coverage(c, int(s), int(e), quality_threshold=20, read_callback="all")
"""


#: a command that takes longer, s, runs once
LONG = 30.0
#: of each task: its name, and the ratio to the peer that is asked for
TASKS = (("variants", 1.5), ("whole panel", 2.0), ("quality of the file", 2.0))


def commands(folder: Path) -> tuple[list[Command], ...]:
    """Return the commands that count the variants, the whole panel, and all reads; the first of each is the peer."""
    bam, bed, fasta, sites = (str(folder / name) for name in ("panel.bam", "panel.bed", "panel.fa", "sites.txt"))
    count = [*resistance(), "count", bam, "--variants", str(folder / "variants.tsv"), "--build", "GRCh37"]
    filters = ["-B", "-A", "-d", "0", "-Q", "20", "-q", "30"]
    python = [sys.executable, "-c"]
    variants = [
        Command("samtools mpileup -l", ["samtools", "mpileup", *filters, "-l", sites, bam], folder / "samtools.txt"),
        Command("samtools mpileup -l -x", ["samtools", "mpileup", *filters, "-x", "-l", sites, bam], folder / "reads.txt"),
        Command("resistance count, with the FASTA", [*count, "--reference", fasta, "--out", str(folder / "fasta.tsv")]),
        Command("resistance count, without", [*count, "--out", str(folder / "bare.tsv")]),
    ]
    calls = ["bcftools", "mpileup", "-B", "-A", "-d", "100000000", "-Q", "20", "-q", "30", "-f", fasta, "-R", bed, "-a", "AD"]
    panel = [
        Command("bcftools mpileup -R", [*calls, "-Ou", bam], folder / "bcftools.bcf"),
        Command("position_table, fragments", [*python, POSITIONS, bam, bed, "fragments", str(folder / "fragments.tsv")]),
        Command("position_table, reads", [*python, POSITIONS, bam, bed, "reads", str(folder / "reads.tsv")]),
        Command("pysam count_coverage", [*python, COVERAGE, bam, bed]),
    ]
    quality = [
        Command("samtools stats -t", ["samtools", "stats", "-t", bed, bam], folder / "stats.txt"),
        Command("count_reads", [*python, QUALITY, bam, bed]),
    ]
    return variants, panel, quality


def prepare(folder: Path, genes: int, bases: int, depth: int, variants: int) -> None:
    """Simulate the BAM, or take the one that is there from the same arguments."""
    stamp, key = folder / "made_by.json", json.dumps([genes, bases, depth, variants, (HERE / "panel_bam.py").read_text()])
    if not (stamp.exists() and stamp.read_text() == key):
        more = ["--genes", str(genes), "--bases", str(bases), "--depth", str(depth), "--variants", str(variants)]
        subprocess.run([sys.executable, str(HERE / "panel_bam.py"), str(folder), *more], check=True)
        stamp.write_text(key)
    with (folder / "variants.tsv").open(newline="") as file:
        rows = [(row["chrom"], row["pos"]) for row in csv.DictReader(file, delimiter="\t")]
    (folder / "sites.txt").write_text("".join(f"{chrom}\t{pos}\n" for chrom, pos in rows))


def agreement(folder: Path) -> list[str]:
    """Compare the reads at substitutions, and the sum of all depths, with samtools' pile-up without merging of mates."""
    depth = {}
    with (folder / "reads.txt").open() as file:
        for line in file:
            cells = line.split("\t", 4)
            # '*' and '#' are deleted bases, which have no base there
            depth[cells[1]] = int(cells[3])
    same = other = 0
    with (folder / "fasta.tsv").open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if len(row["ref"]) == len(row["alt"]) == 1 and "-" not in (row["ref"], row["alt"]):
                agrees = depth.get(row["pos"], 0) == int(row["reads"])
                same, other = same + agrees, other + (not agrees)
    return [f"Reads at the substitutions: {same} of {same + other} as in samtools mpileup -x."]


def report(tasks: tuple[list[Command], ...]) -> list[str]:
    """Return the tables, with the ratio of each command to the peer of its task."""
    lines = ["| task | command | median, s | extremes | processor, s | peak, MB | of the peer | target |", "|" + "---|" * 8]
    for (name, limit), found in zip(TASKS, tasks, strict=True):
        for command in found:
            ratio = statistics.median(command.cpu or [math.nan]) / statistics.median(found[0].cpu or [math.nan])
            ours = command.label.startswith(("resistance", "position_table", "count_reads"))
            target = f"{limit:g}: {'met' if ratio <= limit else 'not met'}" if ours else ""
            lines.append(f"| {name} | {' | '.join(command.cells())} | {ratio:.2f} | {target} |")
    return lines


def main() -> None:
    """Simulate, run by turns, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("genes", 100), ("bases", 250), ("depth", 10_000), ("variants", 500), ("runs", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--keep", type=Path, help="Folder of the simulated files, kept.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        prepare(folder, given.genes, given.bases, given.depth, given.variants)
        tasks = commands(folder)
        # what is compiled once per installation is no part of a run
        for command in (tasks[0][-1], tasks[1][1], tasks[2][-1]):
            subprocess.run(command.argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for turn in range(given.runs):
            for command in itertools.chain(*tasks):
                if turn == 0 or command.median < LONG:
                    command.run()
        size = (folder / "panel.bam").stat().st_size / 1e6
        print(
            f"{given.genes} genes of {given.bases} bases, depth {given.depth:,}, {given.variants} variants; BAM of {size:,.0f} MB\n"
        )
        print("\n".join([*report(tasks), "", *agreement(folder)]))


if __name__ == "__main__":
    main()
