"""Simulate a deep panel BAM of cell-free DNA: genes of one contig, overlapping mates, sequencing errors, planted variants.

python benchmarks/panel_bam.py FOLDER --genes 100 --bases 250 --depth 10000

Writes panel.bam (with index), panel.fa, panel.bed, variants.tsv and truth.tsv into FOLDER.  Records are built as a matrix of
bytes, all of one length, and handed to samtools for packing.
"""

from __future__ import annotations

import argparse
import struct
import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

READ = 100
CONTIG = "panel"
#: distance of the genes' starts
STEP = 4000
ERROR_RATE = 1e-3
ALPHABET = np.frombuffer(b"ACGT", dtype=np.uint8)
#: BAM's code of A, C, G, T
NIBBLE = np.array([1, 2, 4, 8], dtype=np.uint8)
NAME = 17
RECORD = 36 + NAME + 4 + READ // 2 + READ


def simulate(folder: Path, genes: int = 100, bases: int = 250, depth: int = 10_000, variants: int = 500, seed: int = 1) -> None:
    """Write the files.

    Parameters
    ----------
    folder : Path
    genes, bases : int
        Regions and the bases of each.
    depth : int
        Mean number of reads over a base (two mates count twice).
    variants : int
        Sites to force-call; every fifth is an insertion or a deletion, and half are planted with VAF 0.01.
    seed : int
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    length = STEP * (genes + 1)
    genome = rng.integers(0, 4, length).astype(np.uint8)
    text = ALPHABET[genome].tobytes().decode()
    (folder / "panel.fa").write_text(f">{CONTIG}\n" + "\n".join(text[i : i + 60] for i in range(0, length, 60)) + "\n")
    subprocess.run(["samtools", "faidx", str(folder / "panel.fa")], check=True)
    starts = STEP * np.arange(1, genes + 1)
    (folder / "panel.bed").write_text("".join(f"{CONTIG}\t{s}\t{s + bases}\tG{i}\n" for i, s in enumerate(starts)))
    sites = _sites(rng, genome, starts, bases, variants)
    rows = ["chrom\tpos\tref\talt\n", *(f"{CONTIG}\t{pos}\t{ref}\t{alt}\n" for pos, ref, alt, _ in sites)]
    (folder / "variants.tsv").write_text("".join(rows))
    planted = {pos: alt for pos, ref, alt, vaf in sites if vaf and len(ref) == len(alt) == 1 and "-" not in ref + alt}
    with (folder / "panel.raw.bam").open("wb") as out:
        header = f"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:{CONTIG}\tLN:{length}\n@RG\tID:1\tSM:S1\n".encode()
        names = f"{CONTIG}\0".encode()
        out.write(b"BAM\1" + struct.pack("<i", len(header)) + header + struct.pack("<ii", 1, len(names)) + names)
        out.write(struct.pack("<i", length))
        serial = 0
        for start in starts:
            n = depth * (bases + READ) // (2 * READ)
            records = _gene(rng, genome, int(start), bases, n, serial, planted)
            serial += n
            out.write(records.tobytes())
    # the uncompressed stream is no BGZF: samtools reads it as such all the same
    with (folder / "panel.raw.bam").open("rb") as raw:
        packed = subprocess.run(["bgzip", "-c", "-l", "1", "-@", "2"], stdin=raw, stdout=subprocess.PIPE, check=True).stdout
    (folder / "panel.bam").write_bytes(packed)
    (folder / "panel.raw.bam").unlink()
    subprocess.run(["samtools", "index", str(folder / "panel.bam")], check=True)


def _sites(
    rng: np.random.Generator, genome: NDArray[np.uint8], starts: NDArray[np.int64], bases: int, n: int
) -> list[tuple[int, str, str, float]]:
    """Return position, reference, alternative and planted VAF."""
    found: dict[int, tuple[int, str, str, float]] = {}
    letters = "ACGT"
    while len(found) < n:
        pos = int(starts[rng.integers(len(starts))]) + int(rng.integers(5, bases - 5))
        ref = letters[genome[pos - 1]]
        kind = len(found) % 10
        if kind == 0:
            row = (pos, "-", letters[rng.integers(4)] * 2, 0.0)
        elif kind == 5:
            row = (pos, ref, "-", 0.0)
        else:
            row = (pos, ref, letters[(genome[pos - 1] + 1 + rng.integers(3)) % 4], 0.01 * (kind % 2))
        found.setdefault(pos, row)
    return [found[pos] for pos in sorted(found)]


def _gene(
    rng: np.random.Generator, genome: NDArray[np.uint8], start: int, bases: int, n: int, serial: int, planted: dict[int, str]
) -> NDArray[np.uint8]:
    """Return the sorted records of `n` fragments over one gene, a row of bytes each."""
    size = np.clip(rng.normal(167, 20, n).astype(np.int64), READ, 400)
    left = rng.integers(start - READ, start + bases, n) - rng.integers(0, 2, n) * (size - READ)
    begin = np.concatenate([left, left + size - READ])
    fragment = np.concatenate([np.arange(n), np.arange(n)])
    second = np.repeat(np.array([0, 1]), n)
    bases_of = genome[begin[:, None] + np.arange(READ)]
    for pos, alt in planted.items():
        if start <= pos < start + bases:
            carries = rng.random(n) < 0.01
            row = np.flatnonzero(carries[fragment] & (begin < pos) & (begin + READ >= pos))
            bases_of[row, pos - 1 - begin[row]] = "ACGT".index(alt)
    wrong = rng.random(bases_of.shape, dtype=np.float32) < ERROR_RATE
    bases_of[wrong] = (bases_of[wrong] + rng.integers(1, 4, int(wrong.sum()))) % 4
    quality = np.array([11, 25, 37, 37], dtype=np.uint8)[rng.integers(0, 4, bases_of.shape)]
    order = np.argsort(begin, kind="stable")
    out = np.zeros((2 * n, RECORD), dtype=np.uint8)
    head = np.zeros(2 * n, dtype=np.dtype("<i4, <i4, <i4, u1, u1, <u2, <u2, <u2, <i4, <i4, <i4, <i4"))
    mate = np.concatenate([begin[n:], begin[:n]])
    head["f0"], head["f2"], head["f3"], head["f4"] = RECORD - 4, begin, NAME, 60
    head["f5"] = 4681 + (begin >> 14)
    head["f6"], head["f7"] = 1, np.where(second == 1, 147, 99)
    head["f8"], head["f10"] = READ, mate
    head["f11"] = np.where(second == 1, -1, 1) * size[fragment]
    out[:, :36] = head.view(np.uint8).reshape(2 * n, 36)
    digits = (serial + fragment)[:, None] // 10 ** np.arange(9, -1, -1) % 10
    out[:, 36:42] = np.frombuffer(b"SIM:1:", dtype=np.uint8)
    out[:, 42:52] = digits + 48
    out[:, 53:57] = np.frombuffer(struct.pack("<I", READ << 4), dtype=np.uint8)
    codes = NIBBLE[bases_of]
    out[:, 57 : 57 + READ // 2] = codes[:, ::2] << 4 | codes[:, 1::2]
    out[:, 57 + READ // 2 :] = quality
    return out[order]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, value in (("genes", 100), ("bases", 250), ("depth", 10_000), ("variants", 500), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    simulate(given.folder, given.genes, given.bases, given.depth, given.variants, given.seed)
