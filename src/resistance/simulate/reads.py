"""Some patients' plasma -> alignments of a small panel, with their errors, duplicates and germline SNPs.

Reads are simulated for a few patients only: they are there to show the counting in alignments, and a folder
with the whole cohort's would not be small.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from resistance.simulate.mutate import Variant
from resistance.simulate.vcf import CONTIGS

#: bases of the panel on either side of a variant, and bases of a read
AROUND, READ = 60, 75
#: fragments over the middle of a region, on average (assumed)
DEPTH = 600
#: length of fragments from healthy cells and from tumour cells: mean and standard deviation (assumed, as in cfDNA)
LENGTHS, TUMOUR_LENGTHS = (167.0, 14.0), (146.0, 16.0)
#: share of bases that are read wrongly, and of those that turn C into T or G into A (assumed)
ERROR, OXIDISED = 2.5e-4, 0.5
#: share of bases of poor quality (assumed)
POOR = 0.002
#: share of fragments that are marked as a duplicate (assumed)
DUPLICATES = 0.04
#: share of the other person's DNA in a sample that was contaminated on purpose
CONTAMINATION = 0.06
_BASES = "ACGT"


@dataclass(frozen=True)
class Plasma:
    """One plasma sample to be sequenced.

    Parameters
    ----------
    name : str
    person : str
        Whose germline it has.
    fractions : sequence of (Variant, float)
        Variants of its tumour and their VAF.
    contaminant : str, optional
        Person whose DNA got into the tube.
    """

    name: str
    person: str
    fractions: Sequence[tuple[Variant, float]]
    contaminant: str | None = None


@dataclass(frozen=True)
class Region:
    """One piece of the panel, half-open and 0-based, with three common SNPs of population frequency 0.5 (more than a genome has).

    ``known`` are reference bases that the cohort's VCFs state, by 0-based position.
    """

    chrom: str
    start: int
    end: int
    gene: str
    known: Mapping[int, str]

    @property
    def snps(self) -> tuple[int, ...]:
        """0-based positions of the SNPs, away from the variant in the middle."""
        return self.start + 12, self.start + 36, self.start + 108

    def base(self, at: int) -> str:
        """Return the reference base (simulated: as the VCFs have it, else drawn from the position)."""
        if at in self.known:
            return self.known[at]
        return _BASES[sha256(f"{self.chrom}:{at}".encode()).digest()[0] % 4]

    def other(self, snp: int) -> str:
        """Return a SNP's other allele."""
        return _BASES[(_BASES.index(self.base(snp)) + 2) % 4]


def regions_around(variants: Sequence[Variant], stated: Iterable[Variant]) -> list[Region]:
    """Return the panel: one region per variant, in the order of the genome, none over another.

    ``stated`` are all variants of the cohort's VCFs: their reference alleles are those of the reads.
    """
    known: dict[str, dict[int, str]] = {}
    for variant in stated:
        known.setdefault(variant.chrom, {}).update({variant.pos - 1 + i: base for i, base in enumerate(variant.ref)})
    rank = {name: i for i, name in enumerate(CONTIGS)}
    out: list[Region] = []
    for variant in sorted(variants, key=lambda v: (rank[v.chrom], v.pos)):
        if out and out[-1].chrom == variant.chrom and out[-1].end + 400 > variant.pos - AROUND:
            continue
        out.append(
            Region(variant.chrom, variant.pos - 1 - AROUND, variant.pos + AROUND, variant.gene, known.get(variant.chrom, {}))
        )
    return out


def haplotypes(person: str, region: Region) -> tuple[frozenset[int], frozenset[int]]:
    """Return the SNPs of the region at which each of a person's two copies has the other allele."""
    draws = {snp: sha256(f"{person} {region.chrom}:{snp}".encode()).digest() for snp in region.snps}
    first, second = (frozenset(snp for snp, draw in draws.items() if draw[copy] & 1) for copy in (0, 1))
    return first, second


def bed(regions: Sequence[Region]) -> str:
    """Return the panel as BED."""
    return "".join(f"{r.chrom}\t{r.start}\t{r.end}\t{r.gene}\n" for r in regions)


def snp_vcf(regions: Sequence[Region]) -> str:
    """Return the common SNPs as VCF with AF."""
    head = ["##fileformat=VCFv4.2", '##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency in the population (simulated)">']
    head += [f"##contig=<ID={name},length={length},assembly=GRCh38>" for name, length in CONTIGS.items()]
    rows = [f"{r.chrom}\t{at + 1}\t.\t{r.base(at)}\t{r.other(at)}\t.\tPASS\tAF=0.5" for r in regions for at in r.snps]
    return "\n".join([*head, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO", *rows]) + "\n"


def alignments(rng: np.random.Generator, sample: Plasma, regions: Sequence[Region]) -> tuple[bytes, bytes]:
    """Return the BAM of one sample and its index (CSI)."""
    import pysam

    lines: list[tuple[str, int, str]] = []
    for number, region in enumerate(regions):
        inside = [(v, f) for v, f in sample.fractions if v.chrom == region.chrom and region.start < v.pos <= region.end]
        lines += _reads(rng, sample, region, number, *(inside[0] if inside else (None, 0.0)))
    rank = {name: i for i, name in enumerate(CONTIGS)}
    lines.sort(key=lambda line: (rank[line[0]], line[1], line[2]))
    head = ["@HD\tVN:1.6\tSO:coordinate", *(f"@SQ\tSN:{name}\tLN:{length}" for name, length in CONTIGS.items())]
    head += [f"@RG\tID:{sample.name}\tSM:{sample.name}\tPL:ILLUMINA\tLB:simulated"]
    head += ["@CO\tSimulated data: no patient stands behind these reads."]
    with tempfile.TemporaryDirectory() as folder:
        text, path = Path(folder) / "reads.sam", Path(folder) / "reads.bam"
        text.write_text("\n".join([*head, *(line for _, _, line in lines)]) + "\n", encoding="utf-8")
        pysam.view("--no-PG", "-b", "-o", str(path), str(text), catch_stdout=False)
        pysam.index("-c", str(path))
        return path.read_bytes(), path.with_name("reads.bam.csi").read_bytes()


def _reads(
    rng: np.random.Generator, sample: Plasma, region: Region, number: int, variant: Variant | None, fraction: float
) -> list[tuple[str, int, str]]:
    """Return both reads of every fragment of one region: contig, position, line of SAM."""
    n = int(rng.poisson(DEPTH * 1.3))
    foreign = rng.random(n) < (CONTAMINATION if sample.contaminant is not None else 0.0)
    mutated = (rng.random(n) < fraction) & ~foreign
    means, spreads = (np.where(mutated, TUMOUR_LENGTHS[k], LENGTHS[k]) for k in (0, 1))
    lengths = np.clip(np.rint(rng.normal(means, spreads)), READ + 10, 230).astype(int)
    starts = (region.start + region.end) // 2 - (5 + rng.random(n) * (lengths - 10)).astype(int)
    copies = rng.integers(2, size=n)
    duplicate = rng.random(n) < DUPLICATES
    first = int(starts.min()) - 1
    last = int((starts + lengths).max()) + 60
    versions = [
        "".join(region.other(at) if at in copy else region.base(at) for at in range(first, last))
        for person in (sample.person, sample.contaminant or sample.person)
        for copy in haplotypes(person, region)
    ]
    wrong, poor = rng.poisson(ERROR * READ, size=(n, 2)), rng.poisson(POOR * READ, size=(n, 2))
    out = []
    for i in range(n):
        length, start = int(lengths[i]), int(starts[i])
        places = start, start + length - READ
        for second in (False, True):
            here, mate = places[second], places[not second]
            bases, cigar = _read(
                versions[2 * int(foreign[i]) + int(copies[i])], here - first, here, variant if mutated[i] else None
            )
            flag = (0x93 if second else 0x63) | (0x400 if duplicate[i] else 0)
            bases, qualities = _errors(rng, bases, int(wrong[i, int(second)]), int(poor[i, int(second)]))
            cells = (f"{number}.{i}", flag, region.chrom, here + 1, 60, cigar, "=", mate + 1, -length if second else length, bases, qualities, f"RG:Z:{sample.name}")  # fmt: skip
            out.append((region.chrom, here, "\t".join(map(str, cells))))
    return out


def _read(bases: str, offset: int, start: int, variant: Variant | None) -> tuple[str, str]:
    """Return bases and CIGAR of one read from `start` on (0-based), with the variant where it lies inside."""
    at = -1 if variant is None else variant.pos - 1 - start
    if variant is None or at < 0 or at + max(len(variant.ref), len(variant.alt)) >= READ - 1:
        return bases[offset : offset + READ], f"{READ}M"
    longer = len(variant.alt) - len(variant.ref)
    after = offset + at + len(variant.ref)
    whole = bases[offset : offset + at] + variant.alt + bases[after : offset + READ - min(0, longer)]
    if longer > 0:
        return whole[:READ], f"{at + len(variant.ref)}M{longer}I{READ - at - len(variant.alt)}M"
    if longer < 0:
        return whole[:READ], f"{at + len(variant.alt)}M{-longer}D{READ - at - len(variant.alt)}M"
    return whole[:READ], f"{READ}M"


def _errors(rng: np.random.Generator, bases: str, wrong: int, poor: int) -> tuple[str, str]:
    """Return the bases with so many errors, and their qualities, of which some are poor."""
    for at in rng.integers(READ, size=wrong) if wrong else ():
        base = bases[at]
        oxidised = {"C": "T", "G": "A"}.get(base) if rng.random() < OXIDISED else None
        other = oxidised or [b for b in _BASES if b != base][int(rng.integers(3))]
        bases = bases[:at] + other + bases[at + 1 :]
    qualities = "F" * READ
    for at in rng.integers(READ, size=poor) if poor else ():
        qualities = qualities[:at] + "," + qualities[at + 1 :]
    return bases, qualities
