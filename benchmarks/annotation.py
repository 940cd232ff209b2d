"""`resistance annotate FILE` beside bcftools csq, SnpEff and bcftools query: time of whole processes, peak memory, agreement.

python benchmarks/annotation.py --records 5000000 --runs 5 --keep FOLDER

The files are simulated first (panel_genome.py; 3.5 GB in FOLDER, taken again when they are there).  All commands
run by turns, so that what else the machine does falls on all of them; a time is that of a new process
until it ends, files in the page cache.  Commands that are not installed are left out with the reason.
"""

from __future__ import annotations

# the standard library only: a process starts with the peak memory of the one that starts it
import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
CARRIERS = r"[%SAMPLE\t%CHROM\t%POS\t%REF\t%ALT\t%GT\t%AD\t%DP\n]"
Variant = tuple[str, int, str, str]


@dataclass
class Command:
    """A command and what was measured.

    Parameters
    ----------
    label : str
    argv : list of str
    out : Path or None
        Where its standard output goes; None: nowhere.
    seconds, cpu, peaks : list of float
        Wall time, processor time of all its processes, and peak resident memory in MB (of the largest) of each run.
    failed : str
        Why it ended with an error.
    """

    label: str
    argv: list[str]
    out: Path | None = None
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)
    failed: str = ""

    def run(self) -> None:
        """Run it once; after a failure no more."""
        if self.failed:
            return
        with tempfile.TemporaryFile() as errors, open(self.out or os.devnull, "wb") as out:
            start = time.perf_counter()
            process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip().splitlines()
                self.failed = f"exit code {process.returncode}: {said[-1] if said else 'no message'}"
                print(f"{self.label}: {self.failed}", file=sys.stderr)
                return
        self.seconds.append(seconds)
        self.cpu.append(used.ru_utime + used.ru_stime)
        self.peaks.append(used.ru_maxrss / 1024)

    @property
    def median(self) -> float:
        """Median time, s; not a number where it never ended well."""
        return statistics.median(self.seconds) if self.seconds else float("nan")

    @property
    def peak(self) -> float:
        """Largest peak memory, MB."""
        return max(self.peaks, default=float("nan"))

    def cells(self) -> list[str]:
        """Return label, median, extremes and memory for a table."""
        if self.failed:
            return [self.label, self.failed, "", "", ""]
        extremes = f"{min(self.seconds):.3f}-{max(self.seconds):.3f}"
        return [self.label, f"{self.median:.3f}", extremes, f"{statistics.median(self.cpu):.3f}", f"{self.peak:,.0f}"]


def prepare(folder: Path, records: int, in_genes: int) -> None:
    """Simulate the files, or take those that are there from the same code and arguments."""
    folder.mkdir(parents=True, exist_ok=True)
    made_by = hashlib.sha256((HERE / "panel_genome.py").read_bytes())
    made_by.update((HERE.parent / "resources" / "transcripts.GRCh37.tsv").read_bytes())
    key = json.dumps([records, in_genes, made_by.hexdigest()])
    stamp = folder / "made_by.json"
    if stamp.exists() and stamp.read_text() == key:
        return
    stamp.unlink(missing_ok=True)
    shutil.rmtree(folder / "snpeff", ignore_errors=True)
    print(f"simulating into {folder} ...", file=sys.stderr)
    more = ["--records", str(records), "--in-genes", str(in_genes)]
    subprocess.run([sys.executable, str(HERE / "panel_genome.py"), str(folder), *more], check=True)
    stamp.write_text(key)


def resistance() -> list[str]:
    """Return the command of this installation."""
    script = Path(sys.executable).with_name("resistance")
    return [str(script)] if script.exists() else [sys.executable, "-m", "resistance.cli"]


def snpeff_database(folder: Path) -> str:
    """Build SnpEff's database of the panel; return why there is none, or ''."""
    if shutil.which("snpEff") is None:
        return "snpEff is not on the PATH"
    home = folder / "snpeff" / "panel"
    if (home / "snpEffectPredictor.bin").exists():
        return ""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / "panel.gtf", home / "genes.gtf")
    (home / "sequences.fa").unlink(missing_ok=True)
    (home / "sequences.fa").symlink_to((folder / "genome.fa").resolve())
    config = folder / "snpeff" / "snpEff.config"
    config.write_text(f"data.dir = {home.parent.resolve()}\npanel.genome : panel\n")
    argv = ["snpEff", "build", "-gtf22", "-noCheckCds", "-noCheckProtein", "-nodownload", "-noLog", "-c", str(config), "panel"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=900, check=False)
    except subprocess.TimeoutExpired:
        return "its database was not built within 15 minutes"
    return "" if done.returncode == 0 else f"its database was not built: {done.stderr.strip().splitlines()[-1:]}"


def commands(folder: Path) -> tuple[dict[str, Command], list[str]]:
    """Return the commands by name, and why some are left out."""
    bed, gff, fasta = (str(folder / name) for name in ("panel.bed", "panel.gff3", "genome.fa"))
    reference = str(folder / "reference" / "reference.json")
    skipped = []

    def ours(label: str, file: str, *more: str) -> Command:
        out = folder / f"{file}.effects.tsv"
        argv = [*resistance(), "annotate", str(folder / f"{file}.vcf.gz"), "--reference", reference, "--out", str(out), *more]
        return Command(label, argv)

    def csq(label: str, file: str, *start: str) -> Command:
        # text and a plain FASTA: its fastest way
        argv = [*start, "csq", "-l", "-f", fasta, "-g", gff, "-R", bed, "-O", "t", "-o", str(folder / "csq.txt")]
        return Command(label, [*argv, str(folder / f"{file}.vcf.gz")])

    found = {
        "version": Command("`resistance --version`", [*resistance(), "--version"]),
        "empty": ours("`resistance annotate`, no record", "empty"),
        "tenth": ours("`resistance annotate`, a tenth of the records", "tenth"),
        "whole": ours("`resistance annotate`", "whole"),
        "unindexed": ours("`resistance annotate`, no index: read as a stream", "unindexed"),
        "dense": ours("`resistance annotate`", "dense"),
        "cohort": ours("`resistance annotate --carriers`", "cohort", "--carriers", str(folder / "carriers.tsv")),
    }
    bcftools = shutil.which("bcftools")
    if bcftools is None:
        skipped.append("bcftools: not on the PATH")
    else:
        version = subprocess.run([bcftools, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
        found["csq"] = csq(f"bcftools csq {version}", "whole", bcftools)
        found["csq_empty"] = csq(f"bcftools csq {version}, no record", "empty", bcftools)
        found["csq_dense"] = csq(f"bcftools csq {version}", "dense", bcftools)
        query = [bcftools, "query", "-f", CARRIERS, "-i", 'GT="alt"', "-R", bed, str(folder / "cohort.vcf.gz")]
        found["query"] = Command(f"bcftools query {version}", query, folder / "query.tsv")
        why = snpeff_database(folder)
        if why:
            skipped.append(f"SnpEff: {why}")
        else:
            config = folder / "snpeff" / "snpEff.config"
            pipe = f"'{bcftools}' view -R '{bed}' '{folder / 'whole.vcf.gz'}' | "
            pipe += f"snpEff ann -noStats -noLog -nodownload -c '{config}' panel -"
            found["snpeff"] = Command(
                "bcftools view, piped into SnpEff", ["bash", "-o", "pipefail", "-c", pipe], folder / "snpeff.vcf"
            )
    code = "import sys, pysam.bcftools as b; b.csq(*sys.argv[2:], catch_stdout=False)"
    found["pysam"] = csq("bcftools csq within pysam", "whole", sys.executable, "-c", code)
    return found, skipped


def trimmed(pos: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Return a VCF variant with one anchor base as the effects table writes it."""
    if len(ref) == len(alt):
        return pos, ref, alt
    return (pos + 1, ref[1:], "-") if len(ref) > len(alt) else (pos, "-", alt[1:])


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Read a table."""
    with path.open(encoding="utf-8") as file:
        names = next(file).rstrip("\n").split("\t")
        for line in file:
            yield dict(zip(names, line.rstrip("\n").split("\t"), strict=True))


def kind_of(variant: Variant) -> str:
    """Name the kind of a variant."""
    return "insertion" if variant[2] == "-" else "deletion" if variant[3] == "-" else "SNV"


def agreement(folder: Path) -> list[str]:
    """Compare the terms with bcftools csq's on the naming transcripts; it gives introns to the gene, to no transcript."""
    from resistance.annotate.transcripts import load_transcripts
    from resistance.consequences import meaning

    naming = {t.transcript for t in load_transcripts("GRCh37") if t.role != "legacy"}
    argv = [
        "bcftools",
        "csq",
        "-l",
        "-f",
        str(folder / "genome.fa"),
        "-g",
        str(folder / "panel.gff3"),
        "-R",
        str(folder / "panel.bed"),
    ]
    text = subprocess.run([*argv, str(folder / "whole.vcf.gz")], capture_output=True, text=True, check=True).stdout
    theirs: dict[tuple[Variant, str], tuple[str, str]] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        chrom, pos, _, ref, alt, _, _, info = line.split("\t")[:8]
        variant = (chrom, *trimmed(int(pos), ref, alt))
        words = next((part[5:] for part in info.split(";") if part.startswith("BCSQ=")), "")
        said: dict[str, str] = {}
        for entry in filter(None, words.split(",")):
            word, _, transcript = entry.split("|")[:3]
            if transcript in naming:
                said[transcript] = "&".join(filter(None, (said.get(transcript), word.lstrip("*"))))
        for transcript, word in said.items():  # splice_region stands in an entry of its own
            found = meaning(word)
            theirs[variant, transcript] = found.consequence, found.effect_class
    own = {
        ((row["chrom"], int(row["pos"]), row["ref"], row["alt"]), row["transcript"]): (row["consequence"], row["effect_class"])
        for row in rows(folder / "whole.effects.tsv")
    }
    count: dict[str, Counter[str]] = {kind: Counter() for kind in ("SNV", "insertion", "deletion")}
    differ: Counter[tuple[str, str, str]] = Counter()
    for key in own.keys() | theirs.keys():
        kind = kind_of(key[0])
        ours, peer = own.get(key), theirs.get(key)
        if ours and peer:
            count[kind].update(both=1, term=ours[0] == peer[0], effect_class=ours[1] == peer[1])
        else:
            count[kind]["ours" if ours else "theirs"] += 1
        if not ours or not peer or ours[0] != peer[0]:
            differ[kind, ours[0] if ours else "no row", peer[0] if peer else "no transcript"] += 1
    names = ("both", "term", "effect_class", "ours", "theirs")
    body = [[kind, *(str(count[kind][name]) for name in names)] for kind in count]
    lines = table(["variants x transcripts", "in both", "same terms", "same class", "only ours", "only bcftools csq"], body)
    often = [[kind, ours, peer, str(n)] for (kind, ours, peer), n in sorted(differ.items(), key=lambda x: (-x[1], x[0]))[:15]]
    return [*lines, "", *table(["kind", "ours", "bcftools csq", "rows"], often)]


def carriers(folder: Path) -> str:
    """Compare who carries what with bcftools query, for the variants that our table has."""
    own = {(r["sample"], (r["chrom"], int(r["pos"]), r["ref"], r["alt"])) for r in _samples(rows(folder / "carriers.tsv"))}
    variants = {variant for _, variant in own}
    theirs = set()
    total = 0
    with (folder / "query.tsv").open(encoding="ascii") as file:
        for line in file:
            sample, chrom, pos, ref, alt = line.split("\t")[:5]
            total += 1
            variant = (chrom, *trimmed(int(pos), ref, alt))
            if variant in variants:
                theirs.add((sample, variant))
    return (
        f"Carriers: {total:,} rows by bcftools query; {len(own):,} here, of {len(variants):,} variants; of these variants "
        f"{len(theirs):,} rows by bcftools query, {len(own & theirs):,} in both."
    )


def _samples(found: Iterable[dict[str, str]]) -> Iterator[dict[str, str]]:
    for row in found:
        yield row | {"sample": row.get("sample") or row["sample_id"]}


def table(head: list[str], body: list[list[str]]) -> list[str]:
    """Return a table in Markdown."""
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row) + " |" for row in body)]


def count_records(folder: Path, file: str) -> int:
    """Count the records that overlap the genes."""
    argv = ["bcftools", "index", "--nrecords", str(folder / f"{file}.vcf.gz")]
    if file not in ("whole", "dense"):
        return int(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
    argv = ["bcftools", "query", "-f", "\n", "-R", str(folder / "panel.bed"), str(folder / f"{file}.vcf.gz")]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.count("\n")


def report(found: dict[str, Command], folder: Path, records: int) -> list[str]:
    """Return the tables and the verdicts on the targets."""
    head = ["", "median, s", "fastest-slowest", "processor, s", "peak, MB"]
    lines: list[str] = []

    def ratio(name: str, peer: str) -> str:
        return f"{found[name].median / found[peer].median:.2f}" if peer in found else ""

    n = {file: count_records(folder, file) for file in ("whole", "dense")} if "csq" in found else {}
    lines += [f"{records:,} records, one sample" + (f", {n['whole']:,} records in the genes:" if n else ":"), ""]
    names = [name for name in ("whole", "csq", "pysam", "snpeff") if name in found]
    lines += table([*head, "ratio to bcftools csq"], [[*found[name].cells(), ratio(name, "csq")] for name in names])
    if n:
        lines += ["", f"As dense in the genes as elsewhere, {n['dense']:,} records in them:", ""]
        lines += table([*head, "ratio"], [[*found[name].cells(), ratio(name, "csq_dense")] for name in ("dense", "csq_dense")])
        lines += ["", "Start-up, and records of the genes per second after it:", ""]
        body = []
        for label, empty, many in (("resistance annotate", "empty", "whole"), ("resistance annotate", "empty", "dense")):
            body.append([label, f"{found[empty].median:.3f}", f"{n[many]:,}", _rate(n[many], found[many], found[empty])])
        for many, of in (("csq", "whole"), ("csq_dense", "dense")):
            rate = _rate(n[of], found[many], found["csq_empty"])
            body.append(["bcftools csq", f"{found['csq_empty'].median:.3f}", f"{n[of]:,}", rate])
        lines += table(["", "without records, s", "records", "records per s"], body)
        lines += ["", f"`resistance --version`: {found['version'].median:.3f} s."]
    lines += ["", "Memory and the size of the file:", ""]
    sizes = {"empty": 0, "tenth": records // 10, "whole": records, "unindexed": records}
    body = [[f"{size:,}", *found[name].cells()] for name, size in sizes.items()]
    lines += table(["records", *head], body)
    lines += ["", "1,000 samples:", ""]
    lines += table(head, [found[name].cells() for name in ("cohort", "query") if name in found])
    if "query" in found:
        lines += ["", f"Difference: {found['cohort'].median - found['query'].median:+.2f} s (target: at most 3)."]
    return lines


def _rate(n: int, many: Command, empty: Command) -> str:
    return f"{n / (many.median - empty.median):,.0f}" if many.median > empty.median else "no measurable time"


def main() -> int:
    """Simulate, measure, compare, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=5_000_000)
    parser.add_argument("--in-genes", type=int, default=11_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="Folder for the simulated files; a temporary one otherwise.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        prepare(folder, given.records, given.in_genes)
        build = [
            "reference",
            "build",
            "--fasta",
            str(folder / "genome.fa"),
            "--build",
            "GRCh37",
            "--out",
            str(folder / "reference"),
        ]
        subprocess.run([*resistance(), *build], check=True, stdout=subprocess.DEVNULL)
        found, skipped = commands(folder)
        for turn in range(given.runs):
            print(f"turn {turn + 1} of {given.runs}", file=sys.stderr)
            for command in found.values():
                command.run()
        print("\n".join(report(found, folder, given.records)))
        if "csq" in found and not found["whole"].failed:
            print("\n" + "\n".join(agreement(folder)))
        if "query" in found and not found["cohort"].failed:
            print("\n" + carriers(folder))
        for reason in skipped:
            print(f"\nLeft out: {reason}.")
        return 1 if any(command.failed for command in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
