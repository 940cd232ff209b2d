"""UCSC's cytoBand tables of both builds and subtypes/events.tsv -> resources/cytogenetic_regions.tsv, one row per region and build.

Run from the checkout, with the two tables as the UCSC genome browser distributes them (hg19 and hg38, database/cytoBand.txt):

    python resources/build/cytogenetic_regions.py hg19_cytoBand.txt hg38_cytoBand.txt

Regions are those of the copy-number events. A band reaches over its sub-bands (p21 over p21.1 and p21.2); an arm over all bands of
its letter, half of the centromere among them. `share` is that of the events of the region.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

RESOURCES = Path(__file__).resolve().parent.parent


def _bands(path: Path) -> dict[str, list[tuple[str, int, int]]]:
    """Return chromosome -> (band, start from 0, end) of the primary chromosomes."""
    out: dict[str, list[tuple[str, int, int]]] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            chrom, start, end, band, _ = line.rstrip("\n").split("\t")
            if chrom.startswith("chr") and "_" not in chrom and start.isdigit() and band[:1] in ("p", "q"):
                out.setdefault(chrom.removeprefix("chr"), []).append((band, int(start), int(end)))
    return out


def _within(band: str, region: str) -> bool:
    return band.startswith(region) and (len(region) == 1 or len(band) == len(region) or "." not in region)


def main(*paths: Path) -> None:
    with (RESOURCES / "subtypes/events.tsv").open(encoding="utf-8", newline="") as lines:
        shares = {
            row["event"].partition(":")[0]: row["share"]
            for row in csv.DictReader(lines, delimiter="\t")
            if row["kind"] == "copy_number"
        }
    rows = []
    for build, path in zip(("GRCh37", "GRCh38"), paths, strict=True):
        bands = _bands(path)
        for region, share in shares.items():
            letter = "p" if "p" in region else "q"
            chrom, _, rest = region.partition(letter)
            parts = [(start, end) for band, start, end in bands[chrom] if _within(band, letter + rest)]
            rows.append((region, build, chrom, min(start for start, _ in parts) + 1, max(end for _, end in parts), share))
    with (RESOURCES / "cytogenetic_regions.tsv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter="\t", lineterminator="\n")
        writer.writerow(("region", "build", "chrom", "start", "end", "share"))
        writer.writerows(sorted(rows))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
