"""Small BAM files for tests: reads as tuples, and random ones; and the slow, obvious way to count what they show."""

from __future__ import annotations

import collections
import functools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pysam

CONTIG = "panel"
#: flags of a proper pair: first forward, second reverse
FIRST, SECOND = 99, 147
NEVER = 0x4 | 0x100 | 0x200 | 0x800


def read(
    name: str, start: int, cigar: str, sequence: str, *, flag: int = 0, quality: Any = 37, mapping: int = 60,
    mate: int | None = None, length: int = 0, tags: Iterable[tuple[str, Any]] = (),
) -> dict[str, Any]:  # fmt: skip
    """Return one read; `start` is 0-based, `quality` a number or one per base (None: the file has none)."""
    return {
        "name": name, "start": start, "cigar": cigar, "sequence": sequence, "flag": flag, "quality": quality, "mapping": mapping,
        "mate": mate, "length": length, "tags": tuple(tags),
    }  # fmt: skip


def write_bam(
    path: Path, reads: Sequence[dict[str, Any]], *, length: int = 2000, header: dict[str, Any] | None = None, index: bool = True,
    sort: bool = True, fasta: Path | None = None,
) -> Path:  # fmt: skip
    """Write reads of one contig as BAM (CRAM where the name says so), sorted and indexed."""
    header = header or {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": CONTIG, "LN": length}],
        "RG": [{"ID": "1", "SM": "S1"}],
    }
    mode = "wc" if path.suffix == ".cram" else "wb"
    ordered = sorted(reads, key=lambda one: one["start"]) if sort else reads
    with pysam.AlignmentFile(str(path), mode, header=header, reference_filename=None if fasta is None else str(fasta)) as out:
        for one in ordered:
            row = pysam.AlignedSegment(out.header)
            row.query_name, row.flag = one["name"], one["flag"]
            row.reference_id, row.reference_start = 0, one["start"]
            row.mapping_quality = one["mapping"]
            row.cigarstring = one["cigar"] or None
            row.query_sequence = one["sequence"] or None
            n = len(one["sequence"])
            if one["quality"] is not None and n:
                given = one["quality"]
                row.query_qualities = pysam.qualitystring_to_array(
                    "".join(chr(33 + q) for q in ([given] * n if isinstance(given, int) else given))
                )
            if one["mate"] is not None:
                row.next_reference_id, row.next_reference_start = 0, one["mate"]
            row.template_length = one["length"]
            row.set_tags([("RG", "1"), *one["tags"]])
            out.write(row)
    if index:
        pysam.index(str(path))
    return path


def write_fasta(path: Path, sequence: str, name: str = CONTIG) -> Path:
    """Write an indexed FASTA of one contig."""
    path.write_text(f">{name}\n{sequence}\n")
    pysam.faidx(str(path))
    return path


def random_reference(rng: np.random.Generator, length: int = 2000) -> str:
    """Return bases with many short repeats, where an indel can stand in several places."""
    out = ""
    while len(out) < length:
        unit = "".join(rng.choice(list("ACGT"), rng.integers(1, 4)))
        out += unit * int(rng.integers(1, 6))
    return out[:length]


def random_reads(
    rng: np.random.Generator, reference: str, region: tuple[int, int], n: int, variants: Sequence[tuple[int, str, str]] = ()
) -> list[dict[str, Any]]:
    """Return fragments over a region, with all that real files hold: indels, clips, N, poor bases, flags, families.

    Each variant is carried by some of the families, an indel at any of the places that give the same sequence.
    """
    out = []
    edits = [(_spellings(reference, *variant), int(rng.integers(0, 3))) for variant in variants]
    for number in range(n):
        size = int(rng.integers(45, 130))
        left = int(rng.integers(region[0] - size, region[1]))
        family, strand = int(rng.integers(0, max(2, n // 4))), "AB"[rng.integers(0, 2)]
        tags = [] if rng.random() < 0.05 else [("MI", f"{family}/{strand}")]
        carried: dict[int, tuple[str, str]] = {}
        for spellings, share in edits:
            if family % 3 == share and rng.random() < 0.9:
                at, old, new = spellings[rng.integers(0, len(spellings))]
                if not any(abs(at - other) < 5 for other in carried):
                    carried[at] = (old, new)
        pieces = [_one_read(rng, reference, at, 40, carried) for at in (left, left + size - 40)]
        alone = rng.random() < 0.1
        for which, (start, cigar, sequence, quality) in enumerate(pieces):
            flag = (FIRST, SECOND)[which]
            for bit, share in ((0x400, 0.05), (0x100, 0.02), (0x200, 0.02), (0x800, 0.02), (0x4, 0.01)):
                flag |= bit if rng.random() < share else 0
            mapping = int(rng.choice([0, 29, 30, 60], p=[0.03, 0.03, 0.04, 0.9]))
            if alone:
                flag, mate = flag & ~0x2 & ~0x1, None
            else:
                mate = pieces[1 - which][0]
            out.append(
                read(f"f{number}", start, cigar, sequence, flag=flag, quality=quality, mapping=mapping, mate=mate,
                     length=0 if alone else (size if which == 0 else -size), tags=tags)
            )  # fmt: skip
            if alone:
                break
    return out


def _spellings(reference: str, pos: int, ref: str, alt: str) -> list[tuple[int, str, str]]:
    """Return the 0-based place, reference and alternative bases of every way to write one change."""
    if "-" not in (ref, alt):
        return [(pos - 1, ref, alt)]
    first, last = places(reference, pos, ref, alt)
    if ref == "-":
        changed = reference[:pos] + alt + reference[pos:]
        return [(at, "", changed[at : at + len(alt)]) for at in range(first + 1, last + 1)]
    return [(at, reference[at : at + len(ref)], "") for at in range(first + 1, last - len(ref) + 1)]


def _one_read(
    rng: np.random.Generator, reference: str, start: int, length: int, carried: dict[int, tuple[str, str]]
) -> tuple[int, str, str, list[int]]:
    """Return start, CIGAR, bases and qualities."""
    steps: list[tuple[str, int]] = []
    sequence, at, left = "", start, length
    if rng.random() < 0.2:
        clip = int(rng.integers(1, 6))
        steps.append(("S", clip))
        sequence += "".join(rng.choice(list("ACGT"), clip))
        left -= clip
    while left > 0:
        old, new = carried.get(at, ("", ""))
        if new and not old and steps and steps[-1][0] in "M=X" and left > len(new):
            steps.append(("I", len(new)))
            sequence += new
            left -= len(new)
        elif old and not new and steps and steps[-1][0] in "M=X":
            steps.append(("D", len(old)))
            at += len(old)
        run = min(left, int(rng.integers(3, 40)), *(place - at for place in carried if place > at))
        word = reference[at : at + run]
        if old and new:
            word = (new + word[len(new) :])[:run]
        if rng.random() < 0.1:
            steps += [("=", run - 1), ("X", 1)] if run > 1 else [("X", 1)]
        else:
            steps.append(("M", run))
        sequence += word
        at, left = at + run, left - run
        if left > 3 and rng.random() < 0.15 and at not in carried:
            gap = int(rng.integers(1, 4))
            kind = rng.choice(list("IDDIN"), p=[0.3, 0.3, 0.15, 0.2, 0.05])
            steps.append((str(kind), gap))
            if kind == "I":
                sequence += "".join(rng.choice(list("ACGT"), gap)) if rng.random() < 0.5 else reference[at - gap : at]
                left -= gap
            else:
                at += gap
    if rng.random() < 0.1:
        steps.append(("H", 3))
    bases = list(sequence)
    for i in range(len(bases)):
        if rng.random() < 0.03:
            bases[i] = "N" if rng.random() < 0.2 else str(rng.choice(list("ACGT")))
    quality = [int(q) for q in rng.choice([2, 19, 20, 37], len(bases), p=[0.05, 0.05, 0.1, 0.8])]
    return start, "".join(f"{n}{op}" for op, n in steps), "".join(bases), quality


def random_variants(rng: np.random.Generator, reference: str, region: tuple[int, int], n: int) -> list[tuple[int, str, str]]:
    """Return position (1-based), ref and alt of substitutions, insertions and deletions, each once."""
    out: dict[tuple[int, str, str], None] = {}
    while len(out) < n:
        pos, size = int(rng.integers(region[0] + 1, region[1])), int(rng.integers(1, 4))
        kind = rng.integers(0, 4)
        old = reference[pos - 1 : pos - 1 + size]
        new = "".join(rng.choice(list("ACGT"), size))
        if kind == 0:
            row = (pos, old[0], new[0])
        elif kind == 1:
            row = (pos, old, new)
        elif kind == 2:
            row = (pos, "-", reference[pos : pos + size] if rng.random() < 0.5 else new)
        else:
            row = (pos, old, "-")
        if row[1] != row[2] and not (len(row[1]) == len(row[2]) > 1 and (row[1][0] == row[2][0] or row[1][-1] == row[2][-1])):
            out.setdefault(row)
    return list(out)


@functools.cache
def places(reference: str, pos: int, ref: str, alt: str) -> tuple[int, int]:
    """Return the anchors (0-based) of an insertion or deletion: every place that gives the same sequence is tried."""
    if ref == "-":
        size, changed = len(alt), reference[:pos] + alt + reference[pos:]
        same = [i for i in range(len(reference) + 1) if changed[:i] == reference[:i] and changed[i + size :] == reference[i:]]
        return min(same) - 1, max(same)
    size = len(ref)
    changed = reference[: pos - 1] + reference[pos - 1 + size :]
    same = [i for i in range(len(reference) - size + 1) if reference[:i] + reference[i + size :] == changed]
    return min(same) - 1, max(same) + size


class Plain:
    """The reads of a BAM, one by one: slow and obvious."""

    def __init__(self, path: Path, reference: str, *, min_base: int = 20, min_mapping: int = 30) -> None:
        self.reference, self.min_base = reference, min_base
        with pysam.AlignmentFile(str(path)) as file:
            self.reads = [r for r in file if not r.flag & NEVER and r.mapping_quality >= min_mapping and r.query_sequence]
        self.steps = [_steps(r) for r in self.reads]

    def shown(self, number: int, pos: int, ref: str, alt: str) -> tuple[str, int, bool] | None:
        """Return allele, quality and whether an indel is beside, of one read; None: it does not count."""
        row, at, around = self.reads[number], *self.steps[number]
        bases, qualities = row.query_sequence, row.query_qualities
        if "-" not in (ref, alt):
            where = range(pos - 1, pos - 1 + len(ref))
            if any(p not in at for p in where) or at[where[-1]] - at[where[0]] != len(ref) - 1:
                return None
            word = "".join(bases[at[p]] for p in where)
            lowest = min(qualities[at[p]] for p in where)
            if "N" in word or lowest < self.min_base:
                return None
            allele = "ref" if word == ref else "alt" if word == alt else "other"
            return allele, lowest, any(around[p] for p in where)
        first, last = places(self.reference, pos, ref, alt)
        gone = [p for p in (first, last) if p not in at]
        if gone:
            spans = row.reference_start <= first and row.reference_end > last
            deleted = [p for p in gone if spans and not _skipped(row, p)]
            return ("other", 255, False) if spans and deleted and len(deleted) == len(gone) else None
        if "N" in (row.cigarstring or ""):
            return None
        inside = bases[at[first] + 1 : at[last]]
        lowest = min(qualities[at[first]], qualities[at[last]])
        if "N" in inside or lowest < self.min_base:
            return None
        same = self.reference[first + 1 : last]
        changed = self.reference[first + 1 : pos] + alt + self.reference[pos:last] if ref == "-" else (
            self.reference[first + 1 : pos - 1] + self.reference[pos - 1 + len(ref) : last]
        )  # fmt: skip
        for word, name in ((same, "ref"), (changed, "alt")):
            if len(inside) == len(word) and sum(a != b for a, b in zip(inside, word, strict=True)) <= len(word) // 10:
                return name, lowest, False
        return "other", lowest, False

    def count(self, pos: int, ref: str, alt: str) -> dict[str, int]:
        """Return the counts of one variant, named as in the table ``pileup``."""
        found: collections.Counter[str] = collections.Counter()
        fragments: dict[str, list[tuple[str, bool, str | None]]] = {}
        for number, row in enumerate(self.reads):
            seen = self.shown(number, pos, ref, alt)
            if seen is None:
                continue
            allele, _, beside = seen
            if not row.is_duplicate:
                found["reads"] += 1
                found[f"reads_{allele}"] += 1
                if allele == "alt":
                    found["alt_reverse" if row.is_reverse else "alt_forward"] += 1
            if not beside:
                molecule = row.get_tag("MI") if row.has_tag("MI") else None
                fragments.setdefault(row.query_name, []).append((allele, row.is_duplicate, molecule))
        families: dict[str, list[tuple[str, str]]] = {}
        for mates in fragments.values():
            alone = {allele for allele, duplicate, _ in mates if not duplicate}
            if len(alone) == 1:
                found["fragments"] += 1
                found[f"fragments_{alone.pop()}"] += 1
            elif alone:
                found["fragments_discordant"] += 1
            together = {allele for allele, _, _ in mates}
            molecule = mates[0][2]
            if molecule is not None:
                family, strand = molecule.split("/")
                families.setdefault(family, []).append((strand, together.pop() if len(together) == 1 else "discordant"))
        for members in families.values():
            allele = majority([allele for _, allele in members])
            if allele is not None:
                found["families"] += 1
                found["families_alt"] += allele == "alt"
                found["families_alt_singleton"] += allele == "alt" and len(members) == 1
            strands = {letter: [a for s, a in members if s == letter] for letter in "AB"}
            if strands["A"] and strands["B"]:
                both = {majority(strands["A"]), majority(strands["B"])}
                if len(both) == 1 and None not in both:
                    found["duplexes"] += 1
                    found["duplexes_alt"] += both == {"alt"}
        return found


def majority(alleles: Sequence[str]) -> str | None:
    """Return what more than half show."""
    for name in ("ref", "alt", "other"):
        if alleles.count(name) > len(alleles) / 2:
            return name
    return None


def _steps(row: Any) -> tuple[dict[int, int], dict[int, bool]]:
    """Return reference position -> index in the read, and whether an insertion or deletion is beside it."""
    letters = "".join("MIDNSHP=X"[op] * n for op, n in row.cigartuples if op not in (5, 6))
    at, around = {}, {}
    ref, query = row.reference_start, 0
    for i, letter in enumerate(letters):
        if letter in "M=X":
            at[ref] = query
            around[ref] = letters[max(0, i - 1)] in "ID" or letters[min(i + 1, len(letters) - 1)] in "ID"
        ref += letter in "M=XDN"
        query += letter in "M=XIS"
    return at, around


def _skipped(row: Any, pos: int) -> bool:
    ref = row.reference_start
    for op, n in row.cigartuples:
        if op == 3 and ref <= pos < ref + n:
            return True
        ref += n if op in (0, 2, 3, 7, 8) else 0
    return False
