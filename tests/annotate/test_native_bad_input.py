"""What own annotation does with variants that it cannot annotate: refused or counted by reason, never silently lost."""

from __future__ import annotations

import random

import pandas as pd
import pytest

from resistance.annotate.naming import protein_consequence
from resistance.annotate.native import annotate_variants
from resistance.annotate.reference import Reference
from resistance.annotate.transcripts import Model
from resistance.consequences import meaning
from resistance.dropped import Dropped
from resistance.variant import trim

pytestmark = pytest.mark.shared
FINE = ("17", 7577539, "G", "A")


def annotate(bundle: Reference, *variants: tuple[str, int, str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the effects on the transcripts that name the genes, and what was counted."""
    table = pd.DataFrame(variants, columns=["chrom", "pos", "ref", "alt"]).assign(build="GRCh37")
    dropped = Dropped("annotate")
    own = annotate_variants(table, bundle, dropped)
    return own[own["picked"].astype(bool)], dropped.frame()


def real(bundle: Reference, gene: str) -> Model:
    return bundle.models()[gene][0]


def test_other_reference_base_is_refused_and_counted(bundle: Reference) -> None:
    fine = [("17", int(p), "ACGT"[i % 4], "T") for i, p in enumerate(range(7577500, 7577600))]
    model = real(bundle, "TP53")
    fine = [(c, p, model.base(p), "A" if model.base(p) != "A" else "C") for c, p, _, _ in fine if model.base(p) != "N"]
    own, counted = annotate(bundle, *fine, ("17", 7577539, "C", "T"))
    assert len(own) == len(fine)
    assert counted[["reason", "n"]].to_numpy().tolist() == [["the reference base is another", 1]]


@pytest.mark.parametrize("chrom", ["GL000219.1", "MT", "chr17", "nowhere"])
def test_contig_that_no_gene_lies_on_gives_no_effect_and_no_error(bundle: Reference, chrom: str) -> None:
    own, counted = annotate(bundle, (chrom, *FINE[1:]))
    assert own.empty
    assert counted.empty


def test_variant_given_twice_is_annotated_once(bundle: Reference) -> None:
    own, _ = annotate(bundle, FINE, FINE, FINE)
    assert list(own["hgvsp"]) == ["R248W"]


def test_several_bases_replaced_are_one_effect(bundle: Reference) -> None:
    own, _ = annotate(bundle, ("7", 140453135, "CA", "AT"))
    assert list(zip(own["hgvsc"], own["hgvsp"], own["effect_class"], strict=True)) == [
        ("ENST00000646891.2:c.1799_1800delinsAT", "V600D", "missense")
    ]


def test_intron_without_bases_is_counted(bundle: Reference) -> None:
    own, counted = annotate(bundle, FINE, ("17", 7577200, "A", "T"))
    assert len(own) == 1
    assert counted[["reason", "n"]].to_numpy().tolist() == [["the reference has no bases here", 1]]


def test_variant_far_from_every_gene_has_no_effect(bundle: Reference) -> None:
    own, counted = annotate(bundle, FINE, ("17", 1_000_000, "A", "T"))
    assert len(own) == 1
    assert counted.empty


@pytest.mark.parametrize("end", ["first", "last", "both"])
def test_deletion_over_an_end_of_a_gene_is_annotated_or_counted(bundle: Reference, end: str) -> None:
    t = real(bundle, "TP53").transcript
    start = t.start + 1000 if end == "last" else t.start - 3000
    stop = t.end - 1000 if end == "first" else t.end + 3000
    if end == "last":
        start = t.end - 1000
    if end == "first":
        stop = t.start + 1000
    own, counted = annotate(bundle, FINE, ("17", start, "A" * (stop - start + 1), "-"))
    assert len(own) + int(counted["n"].sum()) == 2


@pytest.mark.parametrize("alt", ["R", "N"])
def test_ambiguous_alternative_base_is_counted(bundle: Reference, alt: str) -> None:
    own, counted = annotate(bundle, FINE, ("17", 7577538, "C", alt))
    assert list(own["hgvsp"]) == ["R248W"]
    assert int(counted["n"].sum()) == 1


# ---- the class of effect follows from the protein where that is known


def drawn(bundle: Reference, kind: str) -> list[tuple[str, int, str, str]]:
    """Draw coding variants of one kind in the genes with bases."""
    draw, out = random.Random(3), []
    for gene in ("TP53", "KRAS", "BRAF", "CTNNB1", "APC"):
        model = real(bundle, gene)
        t = model.transcript
        coding = [int(p) for p in model.positions if t.cds_start + 6 <= p <= t.cds_end - 6]
        inner = [p for p in coding if all(model.index(p + i) is not None for i in range(-6, 13))]
        for _ in range(120):
            pos = draw.choice(inner)
            n, k = {"snv": (1, 1), "del": (draw.randint(1, 7), 0), "ins": (0, draw.randint(1, 7)), "mnv": (3, 3)}.get(
                kind, (draw.randint(1, 6), draw.randint(2, 7))
            )
            ref, alt = "".join(model.base(pos + i) for i in range(n)), "".join(draw.choices("ACGT", k=k))
            if "N" in ref or ref == alt:
                continue
            variant = trim(pos, ref or "-", alt or "-")
            is_delins = "-" not in variant[1:] and len(variant[1]) != len(variant[2])
            if kind != "delins" or is_delins:
                out.append((t.chrom, *variant))
    return sorted(set(out))


def disagreeing(bundle: Reference, kind: str) -> tuple[int, list[tuple[object, ...]]]:
    own, _ = annotate(bundle, *drawn(bundle, kind))
    own = own[own["hgvsp"].notna()]
    out = []
    for row in own.to_dict("records"):
        same = "-" not in (row["ref"], row["alt"]) and len(row["ref"]) == len(row["alt"])
        wanted = meaning(protein_consequence(row["hgvsp"], same_length=same)).effect_class
        if row["effect_class"] != wanted:
            out.append((row["gene"], row["pos"], row["ref"], row["alt"], row["hgvsp"], row["consequence"], wanted))
    return len(own), out


@pytest.mark.parametrize("kind", ["snv", "mnv", "ins", "del"])
def test_class_is_that_of_the_protein_change(bundle: Reference, kind: str) -> None:
    compared, wrong = disagreeing(bundle, kind)
    assert compared > 300
    assert wrong == []


def test_class_of_a_deletion_insertion_is_that_of_the_protein_change(bundle: Reference) -> None:
    compared, wrong = disagreeing(bundle, "delins")
    assert compared > 300
    assert wrong == []


@pytest.mark.parametrize(
    ("variant", "protein", "effect_class"),
    [
        (("7", 140453132, "TTTCA", "AT"), "V600_K601delinsD", "inframe_indel"),  # csq: feature_truncation
        (("3", 38180364, "ACTTGG", "-"), "Y58*", "truncating"),  # csq: inframe_deletion
        (("3", 41266537, "ACAC", "T"), "T112*", "truncating"),  # csq: inframe_deletion
        (("12", 25362842, "CACC", "G"), "G151_V152delinsL", "inframe_indel"),  # csq: frameshift
        (("3", 38180189, "GCCATGGC", "TT"), "M1?", "start_lost"),  # csq: 5' UTR
        (("3", 38180190, "CCA", "AAT"), "M1?", "start_lost"),  # csq: 5' UTR
        (("7", 140550012, "C", "ACTAGT"), "V47Tfs*9", "truncating"),  # csq: splice region, no coding change
    ],
)
def test_class_is_right_where_csq_s_word_is_not(
    bundle: Reference, variant: tuple[str, int, str, str], protein: str, effect_class: str
) -> None:
    own, _ = annotate(bundle, variant)
    assert list(own["hgvsp"]) == [protein]
    assert list(own["effect_class"]) == [effect_class]
