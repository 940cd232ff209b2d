"""A gene and a random stream -> one variant as a VCF would hold it, with its VEP annotation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from resistance.simulate.genes import CODE, Gene, Hotspot, complement
from resistance.simulate.streams import pick

CSQ_FIELDS = (
    "Allele",
    "Consequence",
    "IMPACT",
    "SYMBOL",
    "Gene",
    "Feature_type",
    "Feature",
    "BIOTYPE",
    "EXON",
    "INTRON",
    "HGVSc",
    "HGVSp",
    "CDS_position",
    "Protein_position",
    "Amino_acids",
    "Codons",
    "STRAND",
    "CANONICAL",
)
THREE = {
    "A": "Ala",
    "C": "Cys",
    "D": "Asp",
    "E": "Glu",
    "F": "Phe",
    "G": "Gly",
    "H": "His",
    "I": "Ile",
    "K": "Lys",
    "L": "Leu",
    "M": "Met",
    "N": "Asn",
    "P": "Pro",
    "Q": "Gln",
    "R": "Arg",
    "S": "Ser",
    "T": "Thr",
    "V": "Val",
    "W": "Trp",
    "Y": "Tyr",
    "*": "Ter",
}
#: how often a gene of each pattern has each kind of variant outside its hot spots (assumed)
_MIX: dict[str, tuple[tuple[str, float], ...]] = {
    "missense": (("missense", 0.88), ("nonsense", 0.06), ("frameshift", 0.06)),
    "truncating": (("missense", 0.08), ("nonsense", 0.42), ("frameshift", 0.4), ("splice", 0.1)),
    "mixed": (("missense", 0.5), ("nonsense", 0.2), ("frameshift", 0.2), ("splice", 0.1)),
}


@dataclass(frozen=True, order=True)
class Variant:
    """One variant of the VCF (anchored alleles, plus strand) and what it does."""

    chrom: str
    pos: int
    ref: str
    alt: str
    gene: str
    kind: str
    hgvsp: str
    csq: str


def at_hotspot(gene: Gene, spot: Hotspot) -> Variant:
    """Return the substitution of a hot spot."""
    changed = [i for i in range(3) if spot.ref_codon[i] != spot.alt_codon[i]]
    if len(changed) != 1:
        raise ValueError(f"hot spot {spot.gene} {spot.residue} must change one base")
    return _substitution(gene, 3 * (spot.residue - 1) + changed[0] + 1, spot.alt_codon[changed[0]])


def mutation(gene: Gene, rng: np.random.Generator) -> Variant:
    """Draw a non-silent variant: a hot spot by its share, else by the pattern of the gene."""
    shares = [spot.share for spot in gene.hotspots]
    choice = pick(rng, [*shares, max(0.0, 1.0 - sum(shares))])
    if choice < len(shares):
        return at_hotspot(gene, gene.hotspots[choice])
    kinds = _MIX[gene.pattern]
    kind = kinds[pick(rng, [weight for _, weight in kinds])][0]
    if kind == "splice" and len(gene.cds) == 1:
        kind = "nonsense"
    return draw(gene, kind, rng)


def draw(gene: Gene, kind: str, rng: np.random.Generator) -> Variant:
    """Draw a variant of a given kind: missense, nonsense, synonymous, frameshift or splice."""
    while True:  # a drawn place may not allow the kind: draw again
        found = _KINDS[kind](gene, rng)
        if found is not None:
            return found


def _silent_or_not(wanted: str) -> Callable[[Gene, np.random.Generator], Variant | None]:
    def one(gene: Gene, rng: np.random.Generator) -> Variant | None:
        coding_pos = int(rng.integers(4, 3 * gene.residues + 1))
        alt = "ACGT"[int(rng.integers(4))]
        if alt == gene.coding[coding_pos - 1]:
            return None
        variant = _substitution(gene, coding_pos, alt)
        return variant if variant.kind == wanted else None

    return one


def _codon(gene: Gene, coding_pos: int, alt: str) -> tuple[int, str, str, str, str]:
    residue, offset = (coding_pos - 1) // 3 + 1, (coding_pos - 1) % 3
    before = gene.coding[3 * (residue - 1) : 3 * residue]
    after = before[:offset] + alt + before[offset + 1 :]
    shown = [codon[:offset].lower() + codon[offset] + codon[offset + 1 :].lower() for codon in (before, after)]
    return residue, CODE[before], CODE[after], shown[0], shown[1]


def _substitution(gene: Gene, coding_pos: int, alt: str) -> Variant:
    residue, old, new, codon_before, codon_after = _codon(gene, coding_pos, alt)
    ref = gene.coding[coding_pos - 1]
    if residue == 1:
        kind, terms, impact, protein, letters = "start_lost", "start_lost", "HIGH", "Met1?", "M/X"
    elif new == old:
        kind, terms, impact, protein, letters = "synonymous", "synonymous_variant", "LOW", f"{THREE[old]}{residue}%3D", old
    elif new == "*":
        kind, terms, impact, protein = "nonsense", "stop_gained", "HIGH", f"{THREE[old]}{residue}Ter"
        letters = f"{old}/*"
    else:
        kind, terms, impact = "missense", "missense_variant", "MODERATE"
        protein, letters = f"{THREE[old]}{residue}{THREE[new]}", f"{old}/{new}"
    pos, exon = gene.locate(coding_pos)
    plus = (ref, alt) if gene.forward else (complement(ref), complement(alt))
    csq = _csq(
        gene,
        plus[1],
        terms,
        impact,
        exon=exon,
        coding=f"{coding_pos}{ref}>{alt}",
        protein=protein,
        cds_position=str(coding_pos),
        residue=str(residue),
        letters=letters,
        codons=f"{codon_before}/{codon_after}",
    )
    return Variant(gene.chrom, pos, *plus, gene.name, kind, protein, csq)


def _frameshift(gene: Gene, rng: np.random.Generator) -> Variant | None:
    """Delete 1, 2 or 4 bases where the deletion can be written in one way only (no shifting left or right)."""
    length = (1, 1, 2, 4)[int(rng.integers(4))]
    first = int(rng.integers(7, 3 * gene.residues - 12))
    (start, exon), (end, last_exon) = gene.locate(first), gene.locate(first + length - 1)
    low, high = min(start, end), max(start, end)
    if exon != last_exon or high - low + 1 != length:
        return None
    if gene.base(low - 1) == gene.base(high) or gene.base(high + 1) == gene.base(low):
        return None
    mutated = gene.coding[: first - 1] + gene.coding[first - 1 + length :]
    residue = (first - 1) // 3 + 1
    while CODE[gene.coding[3 * (residue - 1) : 3 * residue]] == CODE[mutated[3 * (residue - 1) : 3 * residue]]:
        residue += 1
        if residue > gene.residues - 2:
            return None
    new = [CODE[mutated[i : i + 3]] for i in range(3 * (residue - 1), len(mutated) - 2, 3)]
    if new[0] == "*":  # HGVS writes that as a nonsense change
        return None
    old = CODE[gene.coding[3 * (residue - 1) : 3 * residue]]
    stop = str(new.index("*") + 1) if "*" in new else "?"
    protein = f"{THREE[old]}{residue}{THREE[new[0]]}fsTer{stop}"
    bases = "".join(gene.base(pos) for pos in range(low, high + 1))
    anchor = gene.base(low - 1)
    where = f"{first}" if length == 1 else f"{first}_{first + length - 1}"
    csq = _csq(
        gene,
        "-",
        "frameshift_variant",
        "HIGH",
        exon=exon,
        coding=f"{where}del",
        protein=protein,
        cds_position=where.replace("_", "-"),
        residue=str((first - 1) // 3 + 1),
        letters=f"{old}/X",
    )
    return Variant(gene.chrom, low - 1, anchor + bases, anchor, gene.name, "frameshift", protein, csq)


def _splice(gene: Gene, rng: np.random.Generator) -> Variant | None:
    """Change the first base of an intron between coding exons (donor), or its last (acceptor)."""
    number = int(rng.integers(1, len(gene.parts)))
    donor = bool(rng.integers(2))
    coded = sum(end - start + 1 for start, end in gene.parts[:number])
    start, end = gene.parts[number - 1] if donor else gene.parts[number]
    downstream = 1 if gene.forward else -1
    if donor:
        pos, coding, terms = (end if gene.forward else start) + downstream, f"{coded}+1G>A", "splice_donor_variant"
    else:
        pos, coding, terms = (start if gene.forward else end) - downstream, f"{coded + 1}-1G>A", "splice_acceptor_variant"
    plus = ("G", "A") if gene.forward else ("C", "T")
    intron = f"{gene.first_coding_exon + number - 1}/{gene.exons - 1}"
    csq = _csq(gene, plus[1], terms, "HIGH", intron=intron, coding=coding)
    return Variant(gene.chrom, pos, *plus, gene.name, "splice", "", csq)


def _csq(
    gene: Gene,
    allele: str,
    terms: str,
    impact: str,
    *,
    coding: str,
    exon: int | None = None,
    intron: str = "",
    protein: str = "",
    cds_position: str = "",
    residue: str = "",
    letters: str = "",
    codons: str = "",
) -> str:
    values = {
        "Allele": allele,
        "Consequence": terms,
        "IMPACT": impact,
        "SYMBOL": gene.name,
        "Gene": gene.ensembl_gene,
        "Feature_type": "Transcript",
        "Feature": gene.transcript,
        "BIOTYPE": "protein_coding",
        "EXON": "" if exon is None else f"{exon}/{gene.exons}",
        "INTRON": intron,
        "HGVSc": f"{gene.transcript}:c.{coding}",
        "HGVSp": f"{gene.protein}:p.{protein}" if protein else "",
        "CDS_position": cds_position,
        "Protein_position": residue,
        "Amino_acids": letters,
        "Codons": codons,
        "STRAND": "1" if gene.forward else "-1",
        "CANONICAL": "YES",
    }
    return "|".join(values[name] for name in CSQ_FIELDS)


_KINDS: dict[str, Callable[[Gene, np.random.Generator], Variant | None]] = {
    "missense": _silent_or_not("missense"),
    "nonsense": _silent_or_not("nonsense"),
    "synonymous": _silent_or_not("synonymous"),
    "frameshift": _frameshift,
    "splice": _splice,
}
