"""A reference bundle of a few of the panel's genes with drawn bases, and VCFs on it: for tests that need no human sequence."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import pysam
import pysam.bcftools

from resistance.annotate.reference import MARGIN
from resistance.annotate.transcripts import Transcript, load_transcripts
from resistance.contigs import contig_lengths

BUILD = "GRCh37"
#: single exon and several, both strands, and two that lie 219 bases apart
GENES = ("MYD88", "H2BC4", "H2AC6", "IFNB1", "NFKBIA")
_CODONS = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT" if a + b + c not in ("TAA", "TAG", "TGA")]
_OTHER = {"A": "T", "C": "G", "G": "C", "T": "A", "N": "N"}


def other_strand(bases: str) -> str:
    return "".join(_OTHER[base] for base in reversed(bases))


class Panel:
    """The genes, their bases on the genome, and the bundle on disk."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        draw = random.Random(seed)
        self.transcripts = {t.gene: t for t in load_transcripts(BUILD) if t.gene in GENES and t.role != "legacy"}
        self.base: dict[tuple[str, int], str] = {}
        spans = {}
        for t in load_transcripts(BUILD):
            if t.gene in GENES:
                chrom, first, last = spans.get(t.gene, (t.chrom, t.start, t.end))
                spans[t.gene] = chrom, min(first, t.start), max(last, t.end)
        spans = {gene: (chrom, first - MARGIN, last + MARGIN) for gene, (chrom, first, last) in spans.items()}
        for chrom, first, last in spans.values():
            for pos in range(first, last + 1):
                self.base.setdefault((chrom, pos), draw.choice("ACGT"))
        for t in self.transcripts.values():
            places = self.coding(t)
            codons = ["ATG", *draw.choices(_CODONS, k=len(places) // 3 - 2), "TGA"]
            for pos, base in zip(places, "".join(codons), strict=True):
                self.base[t.chrom, pos] = base if t.strand == "+" else _OTHER[base]
        folder.mkdir(parents=True)
        genes = {gene: {"chrom": chrom, "start": first, "end": last} for gene, (chrom, first, last) in sorted(spans.items())}
        lines = [f">{g}\n{self.bases(at['chrom'], at['start'], at['end'])}\n" for g, at in genes.items()]
        (folder / "panel.fa").write_text("".join(lines), encoding="ascii")
        pysam.faidx(str(folder / "panel.fa"))
        digest = hashlib.sha256((folder / "panel.fa").read_bytes()).hexdigest()
        facts = {"build": BUILD, "source": "drawn", "sha256": digest, "genes": genes, "without_bases": [], "not_whole": []}
        self.reference = folder / "reference.json"
        self.reference.write_text(json.dumps(facts), encoding="ascii")

    @staticmethod
    def coding(t: Transcript) -> list[int]:
        """Return the coding positions in the direction of the transcript."""
        places = [pos for a, b in t.exons for pos in range(a, b + 1) if t.cds_start <= pos <= t.cds_end]
        return places if t.strand == "+" else places[::-1]

    def bases(self, chrom: str, first: int, last: int) -> str:
        return "".join(self.base.get((chrom, pos), "N") for pos in range(first, last + 1))

    def snv(self, chrom: str, pos: int, turn: int = 1) -> tuple[str, int, str, str]:
        """Return a substitution."""
        ref = self.base[chrom, pos]
        return chrom, pos, ref, "ACGT"[("ACGT".index(ref) + turn) % 4]

    def deletion(self, chrom: str, first: int, last: int) -> tuple[str, int, str, str]:
        """Return a deletion of the bases from `first` to `last`, as VCF writes it."""
        return chrom, first - 1, self.bases(chrom, first - 1, last), self.base.get((chrom, first - 1), "N")

    def insertion(self, chrom: str, pos: int, new: str) -> tuple[str, int, str, str]:
        """Return an insertion behind `pos`, as VCF writes it."""
        ref = self.base.get((chrom, pos), "N")
        return chrom, pos, ref, ref + new

    def drawn(self, n: int, seed: int = 2, *, flank: int = 30) -> list[tuple[str, int, str, str]]:
        """Draw variants in and around the genes, sorted as the header's contigs are."""
        draw = random.Random(seed)
        out = set()
        for _ in range(n):
            t = self.transcripts[draw.choice(GENES)]
            exonic = draw.random() < 0.7
            pos = draw.choice(self.coding(t)) if exonic else draw.randint(t.start - flank, t.end + flank)
            kind, length = draw.choice(["snv", "snv", "deletion", "insertion", "mnv"]), draw.randint(1, 5)
            if kind == "snv":
                out.add(self.snv(t.chrom, pos, draw.randint(1, 3)))
            elif kind == "deletion":
                out.add(self.deletion(t.chrom, pos, pos + length - 1))
            elif kind == "insertion":
                out.add(self.insertion(t.chrom, pos, "".join(draw.choices("ACGT", k=length))))
            else:
                old = self.bases(t.chrom, pos, pos + 1)
                out.add((t.chrom, pos, old, other_strand(old) if other_strand(old) != old else old[::-1].lower().upper()))
        order = list(contig_lengths(BUILD))
        known = [v for v in out if "N" not in v[2] and v[2] != v[3]]
        return sorted(known, key=lambda v: (order.index(v[0]), *v[1:]))


def vcf_text(
    records: Iterable[Sequence[object]], samples: Sequence[str] = (), *, prefix: str = "", contigs: bool = True, form: str = "GT"
) -> str:
    """Return a VCF; a record is (chrom, pos, ref, alt) and, where there are samples, a cell for each."""
    head = ["##fileformat=VCFv4.2", '##FILTER=<ID=PASS,Description="All filters passed">']
    if contigs:
        head += [f"##contig=<ID={prefix}{name},length={length}>" for name, length in contig_lengths(BUILD).items()]
    kinds = {"GT": "1,Type=String", "AD": "R,Type=Integer", "DP": "1,Type=Integer", "PS": "1,Type=Integer"}
    kinds |= {"PGT": "1,Type=String", "PID": "1,Type=String"}
    head += [f'##FORMAT=<ID={name},Number={kind},Description="{name}">' for name, kind in kinds.items()]
    head += ['##INFO=<ID=END,Number=1,Type=Integer,Description="End">', '##ALT=<ID=DEL,Description="Deletion">']
    head += ['##ALT=<ID=NON_REF,Description="Any">']
    head.append(
        "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", *(["FORMAT", *samples] if samples else [])])
    )
    for chrom, pos, ref, alt, *cells in records:
        line = [f"{prefix}{chrom}", str(pos), ".", str(ref), str(alt), ".", "PASS", "."]
        head.append("\t".join([*line, *([form, *map(str, cells)] if samples else [])]))
    return "\n".join(head) + "\n"


def packed(path: Path, text: str, *, index: str | None = "tbi") -> Path:
    """Write a VCF as BGZF with an index ('tbi', 'csi' or none)."""
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(text.encode())
    if index is not None:
        pysam.tabix_index(str(path), preset="vcf", force=True, csi=index == "csi")
    return path


def binary(path: Path, text: str, *, index: bool = True) -> Path:
    """Write a VCF as BCF."""
    plain = path.with_name(path.name + ".txt.vcf")
    plain.write_text(text, encoding="utf-8")
    pysam.bcftools.view("-O", "b", "-o", str(path), str(plain), catch_stdout=False)
    plain.unlink()
    if index:
        pysam.bcftools.index(str(path), catch_stdout=False)
    return path


def table(path: Path) -> list[dict[str, str]]:
    """Read a TSV without the product's code."""
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    return [dict(zip(head.split("\t"), row.split("\t"), strict=True)) for row in rows]


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    import os
    import sys

    command = [sys.executable, "-m", "resistance.cli", "annotate", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
