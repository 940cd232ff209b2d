"""resources/simulation -> gene models on GRCh38 whose bases are simulated but the same in every file.

Positions, strands, transcripts and exons are real (GENCODE 31, see ``resources/simulation/README.md``); no
genome is shipped, so that the bases are drawn once from the gene's name and the codon's number.  At the
hot spots of ``hotspots.tsv`` the codon is the given one.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256

from resistance.resources import resource_path

_ORDER = "TCAG"
_AMINO = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
#: the standard genetic code, codon -> one letter
CODE = {
    a + b + c: _AMINO[16 * i + 4 * j + k]
    for i, a in enumerate(_ORDER)
    for j, b in enumerate(_ORDER)
    for k, c in enumerate(_ORDER)
}
_SENSE = tuple(sorted(codon for codon, letter in CODE.items() if letter != "*"))
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


def complement(bases: str) -> str:
    """Return the reverse complement."""
    return bases.translate(_COMPLEMENT)[::-1]


def _draw(key: str, n: int) -> int:
    return int.from_bytes(sha256(key.encode()).digest()[:8], "big") % n


@dataclass(frozen=True)
class Hotspot:
    """A known substitution: codon, its bases before and after, and how often a mutated gene has it."""

    gene: str
    residue: int
    ref_codon: str
    alt_codon: str
    share: float
    emergent: float


@dataclass(frozen=True)
class Gene:
    """One gene of the panel.

    Parameters
    ----------
    name, ensembl_gene, transcript, protein : str
    chrom : str
        With ``chr``.
    forward : bool
        The gene lies on the plus strand.
    exons, first_coding_exon : int
        Exons of the transcript; number of the first that codes.
    cds : tuple of (int, int)
        Coding parts, 1-based and inclusive, ascending on the genome.
    non_gcb, gcb : float
        Frequency of mutation by cell of origin, 0..1.
    pattern : str
        missense, truncating or mixed.
    small_panel : bool
        Also on the small panel.
    frequency_source : str
    hotspots : tuple of Hotspot
    """

    name: str
    ensembl_gene: str
    transcript: str
    protein: str
    chrom: str
    forward: bool
    exons: int
    first_coding_exon: int
    cds: tuple[tuple[int, int], ...]
    non_gcb: float
    gcb: float
    pattern: str
    small_panel: bool
    frequency_source: str
    hotspots: tuple[Hotspot, ...]

    @cached_property
    def parts(self) -> tuple[tuple[int, int], ...]:
        """Coding parts in the order of the transcript."""
        return self.cds if self.forward else self.cds[::-1]

    @cached_property
    def residues(self) -> int:
        """Codons without the stop."""
        return sum(end - start + 1 for start, end in self.cds) // 3 - 1

    @cached_property
    def coding(self) -> str:
        """The simulated coding sequence, start and stop codon included."""
        known = {spot.residue: spot.ref_codon for spot in self.hotspots}
        middle = (known.get(i) or _SENSE[_draw(f"{self.name}:{i}", len(_SENSE))] for i in range(2, self.residues + 1))
        return "ATG" + "".join(middle) + "TAA"

    def locate(self, coding_pos: int) -> tuple[int, int]:
        """Return genomic position and exon number of a 1-based coding position."""
        left = coding_pos
        for number, (start, end) in enumerate(self.parts):
            length = end - start + 1
            if left <= length:
                return (start + left - 1 if self.forward else end - left + 1), self.first_coding_exon + number
            left -= length
        raise ValueError(f"{self.name} has no coding position {coding_pos}")

    def base(self, pos: int) -> str:
        """Return the simulated base of the plus strand at a genomic position in or near the gene."""
        before = 0
        for start, end in self.parts:
            if start <= pos <= end:
                offset = before + (pos - start if self.forward else end - pos)
                letter = self.coding[offset]
                return letter if self.forward else letter.translate(_COMPLEMENT)
            # introns begin with GT and end with AG
            for edge, letter in self._splice_sites(start, end):
                if pos == edge:
                    return letter if self.forward else letter.translate(_COMPLEMENT)
            before += end - start + 1
        return "ACGT"[_draw(f"{self.chrom}:{pos}", 4)]

    def _splice_sites(self, start: int, end: int) -> tuple[tuple[int, str], ...]:
        first, last, step = (start, end, 1) if self.forward else (end, start, -1)
        return ((last + step, "G"), (last + 2 * step, "T"), (first - step, "G"), (first - 2 * step, "A"))


@lru_cache(maxsize=1)
def load_genes() -> dict[str, Gene]:
    """Read the panel's genes, by symbol, in the order of the table."""
    spots: dict[str, list[Hotspot]] = {}
    with resource_path("simulation/hotspots.tsv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            spot = Hotspot(
                row["gene"], int(row["residue"]), row["ref_codon"], row["alt_codon"], float(row["share"]), float(row["emergent"])
            )
            spots.setdefault(spot.gene, []).append(spot)
    genes = {}
    with resource_path("simulation/genes.tsv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            parts = tuple((int(a), int(b)) for a, b in (part.split("-") for part in row["cds"].split(",")))
            genes[row["gene"]] = Gene(
                row["gene"],
                row["ensembl_gene"],
                row["transcript"],
                row["protein"],
                row["chrom"],
                row["strand"] == "+",
                int(row["exons"]),
                int(row["first_coding_exon"]),
                parts,
                float(row["abc"]),
                float(row["gcb"]),
                row["pattern"],
                row["panel"] == "v1",
                row["frequency_source"],
                tuple(spots.get(row["gene"], ())),
            )
    return genes
