"""The simulated panel stands on real positions: hot spots known from elsewhere come out where they are."""

from __future__ import annotations

import pytest

from resistance.simulate.genes import CODE, complement, load_genes
from resistance.simulate.mutate import CSQ_FIELDS, THREE, at_hotspot, draw
from resistance.simulate.streams import allot, streams

GENES = load_genes()

#: GRCh38 positions as ClinVar and COSMIC give them
KNOWN = {
    ("MYD88", "Leu265Pro"): ("chr3", 38141150, "T", "C"),
    ("TP53", "Arg175His"): ("chr17", 7675088, "C", "T"),
    ("TP53", "Arg248Gln"): ("chr17", 7674220, "C", "T"),
    ("TP53", "Arg273His"): ("chr17", 7673802, "C", "T"),
    ("TP53", "Arg282Trp"): ("chr17", 7673776, "G", "A"),
    ("BRAF", "Val600Glu"): ("chr7", 140753336, "A", "T"),
    ("KRAS", "Gly12Asp"): ("chr12", 25245350, "C", "T"),
    ("NRAS", "Gln61Lys"): ("chr1", 114713909, "G", "T"),
    ("EZH2", "Tyr646Phe"): ("chr7", 148811635, "T", "A"),
    ("XPO1", "Glu571Lys"): ("chr2", 61492337, "C", "T"),
    ("SF3B1", "Lys700Glu"): ("chr2", 197402110, "T", "C"),
}
#: codons of CRBN on GRCh38
CRBN = {99: (3174139, 3174141), 283: (3154062, 3154064), 380: (3152464, 3152466), 386: (3151036, 3151038)}
CRBN |= {400: (3150994, 3150996), 419: (3150937, 3150939)}


@pytest.mark.parametrize(("gene", "change"), sorted(KNOWN))
def test_a_hot_spot_stands_at_its_known_position(gene: str, change: str) -> None:
    found = {v.hgvsp: v for v in (at_hotspot(GENES[gene], spot) for spot in GENES[gene].hotspots)}
    variant = found[change]
    assert (variant.chrom, variant.pos, variant.ref, variant.alt) == KNOWN[gene, change]


def test_crbn_hot_spots_lie_in_their_codons() -> None:
    for spot in GENES["CRBN"].hotspots:
        low, high = CRBN[spot.residue]
        assert low <= at_hotspot(GENES["CRBN"], spot).pos <= high


def test_every_coding_part_is_whole_codons_and_ascends() -> None:
    for gene in GENES.values():
        assert sum(end - start + 1 for start, end in gene.cds) % 3 == 0, gene.name
        flat = [pos for part in gene.cds for pos in part]
        assert flat == sorted(flat), gene.name
        assert 0 <= gene.gcb <= 1
        assert 0 <= gene.non_gcb <= 1


def test_the_reference_allele_of_every_kind_of_variant_is_the_gene_s_base() -> None:
    rng = streams(7)["somatic"]
    for gene in GENES.values():
        for kind in ("missense", "nonsense", "synonymous", "frameshift", *(("splice",) if len(gene.cds) > 1 else ())):
            variant = draw(gene, kind, rng)
            assert variant.ref == "".join(gene.base(variant.pos + i) for i in range(len(variant.ref)))
            assert variant.csq.count("|") == len(CSQ_FIELDS) - 1


def _protein(coding: str) -> str:
    letters = "".join(CODE[coding[i : i + 3]] for i in range(0, len(coding) - 2, 3))
    return letters[: letters.index("*") + 1] if "*" in letters else letters


@pytest.mark.parametrize("name", ["TP53", "CRBN", "KMT2D", "B2M", "CD58", "TNFAIP3"])
def test_a_frameshift_s_protein_change_is_what_translation_gives(name: str) -> None:
    gene, rng = GENES[name], streams(11)["somatic"]
    spots = {pos: i for i, pos in enumerate(p for a, b in gene.cds for p in range(a, b + 1))}
    forward = gene.coding if gene.forward else complement(gene.coding)
    for _ in range(20):
        variant = draw(gene, "frameshift", rng)
        gone = {spots[variant.pos + i] for i in range(1, len(variant.ref))}
        mutated = "".join(base for i, base in enumerate(forward) if i not in gone)
        before, after = _protein(gene.coding), _protein(mutated if gene.forward else complement(mutated))
        first = next(i for i in range(len(before)) if before[i] != after[i])
        length = len(after) - first if after.endswith("*") else "?"
        assert variant.hgvsp == f"{THREE[before[first]]}{first + 1}{THREE[after[first]]}fsTer{length}"


def test_members_are_allotted_so_that_every_stratum_holds_its_share() -> None:
    strata = ["a"] * 50 + ["b"] * 30
    for seed in range(20):
        chosen = allot(streams(seed)["gaps"], strata, [0.2] * 50 + [0.5] * 30)
        assert abs(sum(chosen[:50]) - 10) <= 1
        assert abs(sum(chosen[50:]) - 15) <= 1
