"""Variants that one sample has on one copy of a gene -> what they do together, where csq reads them together.

Two substitutions in one codon are one change of the protein, and a second indel may restore the frame of
the first; looked at one by one both are called wrong.  Source: Danecek & McCarthy 2017,
doi:10.1093/bioinformatics/btx100.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from resistance.annotate.csq import Joined, joined_consequences
from resistance.annotate.naming import changed_transcript, coding_name, describe_protein
from resistance.annotate.placing import Given, Placed, Places
from resistance.annotate.reference import Reference
from resistance.annotate.transcripts import Model, translate
from resistance.consequences import meaning
from resistance.hgvs import protein_change

BOTH = "both"


@dataclass(frozen=True)
class Compound:
    """Variants of one copy of a gene with the effect they have together, on the naming transcript.

    Parameters
    ----------
    members : tuple of (chrom, pos, ref, alt)
        Sorted by position.
    samples : tuple of str
        Who has them on one copy.
    gene, consequence, effect_class, impact, hgvsc, hgvsp, residue, exon, transcript
        As in the schema ``effects``.
    """

    members: tuple[Given, ...]
    samples: tuple[str, ...]
    gene: str
    consequence: str
    effect_class: str
    impact: str
    hgvsc: str | None
    hgvsp: str | None
    residue: int | None
    exon: int | None
    transcript: str


def compounds(phased: Mapping[str, Mapping[Given, str]], reference: Reference, places: Places | None = None) -> list[Compound]:
    """Return the effects of variants that have to be read together.

    Parameters
    ----------
    phased : mapping
        Sample -> variant -> phase (``set|copy`` or ``both``, see :func:`resistance.read.vcf_sites.phase_of`).
    reference : Reference
    places : Places, optional
        Of the same reference, where the caller has made one.

    Returns
    -------
    list of Compound
        Sorted by gene and position; the same variants in several samples once.
    """
    places = places or Places(reference)
    haplotypes: dict[tuple[Placed, ...], list[str]] = {}
    for sample, variants in sorted(phased.items()):
        if len(variants) > 1:
            for copy in _copies(variants, places):
                haplotypes.setdefault(copy, []).append(sample)
    if not haplotypes:
        return []
    known = list(haplotypes)
    found: dict[tuple[str, tuple[Placed, ...]], tuple[Joined, set[str]]] = {}
    for number, joined in joined_consequences(known, reference, places.models):
        samples = found.setdefault((joined.members[0].gene, joined.members), (joined, set()))[1]
        samples.update(haplotypes[known[number]])
    out = [_compound(joined, tuple(sorted(samples)), places) for joined, samples in found.values()]
    return sorted(out, key=lambda c: (c.gene, c.members))


def _copies(variants: Mapping[Given, str], places: Places) -> Iterator[tuple[Placed, ...]]:
    """Yield the coding variants of each copy of each gene, where two of them may have to be read together."""
    by_gene: dict[str, list[tuple[Placed, str]]] = {}
    for given, phase in variants.items():
        if not places.agrees(given):  # counted where it was looked at by itself
            continue
        for placed in places.place([given]):
            if _codons(placed, places.models[placed.gene][0]) is not None:
                by_gene.setdefault(placed.gene, []).append((placed, phase))
    for gene, coding in sorted(by_gene.items()):
        model = places.models[gene][0]
        seen = set()
        named = {phase for _, phase in coding}
        # a set that names both copies leaves none that has only what stands on both
        whole = any(
            f"{block}|1" in named and f"{block}|2" in named for block in {phase.rpartition("|")[0] for phase in named - {BOTH}}
        )
        for copy in sorted(named - {BOTH} if whole else named):
            members = tuple(sorted((p for p, phase in coding if phase in (copy, BOTH)), key=lambda p: (p.pos, p.ref, p.alt)))
            if members not in seen and _may_join(members, model):
                seen.add(members)
                yield members


def _codons(placed: Placed, model: Model) -> tuple[int, int] | None:
    """Return the first and last codon that a change within the coding bases touches, from 0."""
    changed = changed_transcript(model, placed.pos, placed.ref, placed.alt)
    if changed is None:
        return None
    first = changed[1]
    n = 0 if placed.ref == "-" else len(placed.ref)
    start, last = first - model.coding.start, first - model.coding.start + max(n, 1) - 1
    inside = start >= (n == 0) and last < model.coding.stop - model.coding.start
    return (start // 3, last // 3) if inside else None


def _may_join(members: tuple[Placed, ...], model: Model) -> bool:
    if len(members) < 2:
        return False
    if sum(p.ref == "-" or len(p.ref) != len(p.alt) or p.alt == "-" for p in members) > 1:
        return True
    spans = sorted(span for p in members if (span := _codons(p, model)) is not None)
    return any(b[0] <= a[1] for a, b in itertools.pairwise(spans))


def _compound(joined: Joined, samples: tuple[str, ...], places: Places) -> Compound:
    members = joined.members
    model = places.models[members[0].gene][0]
    found = meaning(joined.words)
    protein = _protein(members, model)
    first = members[0] if model.forward else members[-1]
    return Compound(
        tuple(p.given for p in members),
        samples,
        first.gene,
        found.consequence,
        found.effect_class,
        found.impact,
        _coding(members, model),
        protein,
        None if protein is None else protein_change(protein)[1],
        model.exon(first.pos, first.pos if first.ref == "-" else first.pos + len(first.ref) - 1),
        model.transcript.transcript,
    )


def _edits(members: Iterable[Placed], model: Model) -> list[tuple[int, int, str]]:
    """Return (start, stop, new bases) in the spliced transcript, from its 3' end."""
    out = []
    for p in members:
        changed = changed_transcript(model, p.pos, p.ref, p.alt)
        if changed is not None:
            bases, start, longer = changed
            stop = start + (0 if p.ref == "-" else len(p.ref))
            out.append((start, stop, bases[start : stop + longer]))
    return sorted(out, reverse=True)


def _protein(members: tuple[Placed, ...], model: Model) -> str | None:
    bases = model.bases
    edits = _edits(members, model)
    for start, stop, new in edits:
        bases = bases[:start] + new + bases[stop:]
    before, after = model.protein, translate(bases[model.coding.start :], to_stop=True)
    if "X" in before + after:
        return None
    before = before[: before.find("*") + 1]
    if before == after:
        codon = (edits[-1][0] - model.coding.start) // 3
        return f"{before[codon]}{codon + 1}="
    longer = sum(len(new) - (stop - start) for start, stop, new in edits)
    return describe_protein(before, after, frameshift=bool(longer % 3))


def _coding(members: tuple[Placed, ...], model: Model) -> str | None:
    """Name changes of one codon as one, others side by side in brackets, as the nomenclature asks."""
    edits = _edits(members, model)[::-1]
    start, stop = edits[0][0], edits[-1][1]
    if all(len(new) == b - a for a, b, new in edits) and stop - start <= 3:
        text = model.bases[start:stop]
        for a, b, new in edits:
            text = text[: a - start] + new + text[b - start :]
        where = start - model.coding.start + 1
        return f"{model.transcript.transcript}:c.{where}_{where + stop - start - 1}delins{text}"
    order = members if model.forward else members[::-1]
    names = [coding_name(model, p.pos, p.ref, p.alt) for p in order]
    if None in names:
        return None
    return f"{model.transcript.transcript}:c.[{';'.join(str(name).removeprefix('c.') for name in names)}]"
