"""Toy genes, and HGVS names done by brute force: nothing of ``resistance`` but the classes that hold a transcript.

A gene is a list of bases in the direction of its transcript, each with its place in the exons or none.  A change is
done to that list; what stands in exons is read off and translated with a table of the genetic code by amino acid.
"""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import dataclass

from resistance.annotate.transcripts import Model, Transcript

AMINO_ACIDS = {
    "A": "GCT GCC GCA GCG", "R": "CGT CGC CGA CGG AGA AGG", "N": "AAT AAC", "D": "GAT GAC", "C": "TGT TGC",
    "Q": "CAA CAG", "E": "GAA GAG", "G": "GGT GGC GGA GGG", "H": "CAT CAC", "I": "ATT ATC ATA",
    "L": "TTA TTG CTT CTC CTA CTG", "K": "AAA AAG", "M": "ATG", "F": "TTT TTC", "P": "CCT CCC CCA CCG",
    "S": "TCT TCC TCA TCG AGT AGC", "T": "ACT ACC ACA ACG", "W": "TGG", "Y": "TAT TAC", "V": "GTT GTC GTA GTG",
    "*": "TAA TAG TGA",
}  # fmt: skip
OF_CODON = {codon: aa for aa, codons in AMINO_ACIDS.items() for codon in codons.split()}
OTHER = {"A": "T", "C": "G", "G": "C", "T": "A", "N": "N"}
FIRST = 1000  # position of the first base of the toy genome


def other_strand(bases: str) -> str:
    return "".join(OTHER[b] for b in reversed(bases))


def protein_of(bases: str) -> str:
    """Translate up to the first stop or the last whole codon."""
    out = ""
    for i in range(0, len(bases) - 2, 3):
        out += OF_CODON[bases[i : i + 3]]
        if out.endswith("*"):
            break
    return out


@dataclass(frozen=True)
class Toy:
    """A gene: its bases in the direction of its transcript, which of them are exon, and where coding begins and ends in those."""

    bases: str
    exonic: tuple[bool, ...]
    coding: tuple[int, int]
    strand: str

    def labels(self) -> list[str | None]:
        """Return the HGVS position of every base by counting, None outside the transcript."""
        places = [i for i, inside in enumerate(self.exonic) if inside]
        begin, end = self.coding
        out: list[str | None] = [None] * len(self.bases)
        for n, i in enumerate(places):
            out[i] = str(n - begin + 1) if begin <= n < end else f"-{begin - n}" if n < begin else f"*{n - end + 1}"
        for left, right in itertools.pairwise(places):
            length = right - left - 1
            for k in range(1, length + 1):
                near = k <= length - k + 1
                out[left + k] = f"{out[left]}+{k}" if near else f"{out[right]}-{length - k + 1}"
        return out

    def model(self) -> Model:
        """Return the class under test for this gene."""
        places = [i for i, inside in enumerate(self.exonic) if inside]
        begin, end = places[self.coding[0]], places[self.coding[1] - 1]
        spans = []
        for i in places:
            if spans and spans[-1][1] == i - 1:
                spans[-1][1] = i
            else:
                spans.append([i, i])
        exons = sorted(tuple(sorted((self.genomic(a), self.genomic(b)))) for a, b in spans)
        cds = sorted((self.genomic(begin), self.genomic(end)))
        genome = self.bases if self.strand == "+" else other_strand(self.bases)
        transcript = Transcript("TOY", "ENST0.1", "MANE Select", "1", self.strand, cds[0], cds[1], tuple(exons))
        return Model(transcript, genome, FIRST)

    def genomic(self, i: int) -> int:
        """Return the genome's position of a base."""
        return FIRST + (i if self.strand == "+" else len(self.bases) - 1 - i)

    def canonical(self, start: int, stop: int, new: str) -> tuple[int, str, str]:
        """Return the variant that replaces bases start..stop (half open, in the direction of the transcript) by new."""
        old = self.bases[start:stop]
        if self.strand == "-":
            old, new = other_strand(old), other_strand(new)
        if start == stop:
            left = self.genomic(start - 1) if self.strand == "+" else self.genomic(start)
            return left, "-", new
        return min(self.genomic(start), self.genomic(stop - 1)), old, new or "-"

    def changed(self, start: int, stop: int, new: str) -> str:
        """Return all bases with the change."""
        return self.bases[:start] + new + self.bases[stop:]

    def changed_protein(self, start: int, stop: int, new: str) -> str:
        """Return the protein of a change whose both ends lie in exons; what is inserted is exon."""
        places = [i for i, inside in enumerate(self.exonic) if inside]
        begin = places[self.coding[0]]
        kept = "".join(self.bases[i] for i in places if begin <= i < start)
        return protein_of(kept + new + "".join(self.bases[i] for i in places if i >= stop))

    def protein(self) -> str:
        return self.changed_protein(len(self.bases), len(self.bases), "")


def draw_toy(draw: random.Random) -> Toy:
    """Draw a gene with UTRs, one to four introns and many repeats, also over the borders of exons."""
    few = draw.choice(["GCT AAA AAG CAT GAA", "CTG TTC AAC GGA", "CAG CAG CAA GCA", "GAT GAA AAA TGG CGA ACC TTT"]).split()
    codons = [draw.choice(few) for _ in range(draw.randint(5, 25))]
    coding = "ATG" + "".join(codons) + draw.choice(["TAA", "TAG", "TGA"])
    five, three = ("".join(draw.choices("ACGT", k=draw.randint(4, 20))) for _ in range(2))
    spliced = five + coding + three
    cuts = sorted(draw.sample(range(3, len(spliced) - 3), draw.randint(1, 4)))
    bases, exonic = "".join(draw.choices("ACGT", k=6)), [False] * 6
    for i, part in enumerate(spliced[a:b] for a, b in zip([0, *cuts], [*cuts, len(spliced)], strict=True)):
        if i:
            intron = part[:1] + "".join(draw.choices("ACGT", k=draw.randint(4, 19))) + bases[-1]
            bases, exonic = bases + intron, exonic + [False] * len(intron)
        bases, exonic = bases + part, exonic + [True] * len(part)
    bases, exonic = bases + "".join(draw.choices("ACGT", k=6)), exonic + [False] * 6
    return Toy(bases, tuple(exonic), (len(five), len(five) + len(coding)), draw.choice("+-"))


def apply_coding(toy: Toy, name: str) -> str:
    """Do to all bases of a toy what a coding name says."""
    places = {label: i for i, label in enumerate(toy.labels()) if label is not None}
    position = r"[*-]?\d+(?:[+-]\d+)?"
    found = re.fullmatch(rf"c\.({position})(?:_({position}))?(?:([ACGT])>([ACGT])|(delins|del|dup|inv|ins)([ACGT]*))", name)
    assert found, name
    first, last = places[found[1]], places[found[2] or found[1]]
    assert first <= last, name
    old, kind, new = toy.bases[first : last + 1], found[5], found[6]
    if found[3]:
        assert old == found[3], name
        return toy.bases[:first] + found[4] + toy.bases[last + 1 :]
    if kind == "ins":
        assert last == first + 1, name
        return toy.bases[:last] + new + toy.bases[last:]
    new = {"delins": new, "del": "", "dup": old + old, "inv": other_strand(old)}[kind]
    return toy.bases[:first] + new + toy.bases[last + 1 :]


def says(before: str, name: str, after: str) -> bool:
    """Return whether a name says that `after` came of `before`; both proteins stand with their stop if they have one."""
    if name.endswith("="):
        at = int(re.sub(r"\D", "", name)) - 1
        return before == after and before[at] == name[0]
    if name == "M1?":
        return True  # what becomes of the protein is not said
    if found := re.fullmatch(r"\*(\d+)([A-Z])ext\*(\d+|\?)", name):
        at = int(found[1]) - 1
        end = after.find("*")
        length = str(end - at) if end >= 0 else "?"
        return before[at:] == "*" and after[:at] == before[:-1] and after[at] == found[2] and length == found[3]
    if found := re.fullmatch(r"([A-Z])(\d+)([A-Z]?)fs\*(\d+|\?)", name):
        at = int(found[2]) - 1
        end = after.find("*")
        length = str(end - at + 1) if end >= 0 else "?"
        same = after[:at] == before[:at] and before[at] == found[1]
        return same and after[at : at + 1] == found[3] != found[1] and length == found[4] and length not in "01"
    if found := re.fullmatch(r"([A-Z])(\d+)([A-Z*])", name):
        at = int(found[2]) - 1
        new = before[:at] + found[3] + ("" if found[3] == "*" else before[at + 1 :])
        return before[at] == found[1] != found[3] and new == after
    found = re.fullmatch(r"([A-Z])(\d+)(?:_([A-Z*])(\d+))?(delins|del|dup|ins)([A-Z]*\*?)", name)
    if found is None:
        return False
    first, last = int(found[2]) - 1, int(found[4] or found[2]) - 1
    if before[first] != found[1] or (found[3] and before[last] != found[3]):
        return False
    kind, new = found[5], found[6]
    if kind == "ins":
        if last != first + 1 or not new:
            return False
        out = before[:last] + new + before[last:]
    else:
        old = before[first : last + 1]
        out = before[:first] + {"del": "", "dup": old + old, "delins": new}[kind] + before[last + 1 :]
    end = out.find("*")
    return out[: end + 1] == after
