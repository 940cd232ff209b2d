"""Variants, a reference bundle -> their effects on the panel's transcripts; plain rows, no data frame.

What a variant does is bcftools csq's word, unless the protein that the bases give says otherwise; how it is
called is computed from the bases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from resistance.annotate.csq import consequences
from resistance.annotate.naming import coding_name, protein_consequence, protein_name
from resistance.annotate.placing import Given, Placed, Places, likely_cause
from resistance.annotate.reference import Reference
from resistance.annotate.transcripts import Model
from resistance.consequences import meaning
from resistance.dropped import Dropped
from resistance.errors import Problem
from resistance.hgvs import protein_change

#: share of a file's variants whose reference bases may disagree before it is refused
MOST_WRONG = 0.1
#: variants given to csq at once, which bounds the memory
AT_ONCE = 50_000
#: bases from the nearest exon from which on a variant is intronic and nothing else; csq's splice region ends at 8
DEEP = 50
#: csq has other words, or none, for a deletion that takes a transcript whole, or its start with bases before the transcript
_ABLATION, _START_LOST = "transcript_ablation", "start_lost"
NO_WORD = "bcftools csq has no word for it"


class Effect(NamedTuple):
    """What a variant does to one transcript; the fields are those of the schema ``effects``."""

    chrom: str
    pos: int
    ref: str
    alt: str
    gene: str
    consequence: str
    effect_class: str
    hgvsc: str | None
    hgvsp: str | None
    residue: int | None
    exon: int | None
    transcript: str
    impact: str
    picked: bool


def effects_of(variants: Sequence[Given], reference: Reference, places: Places) -> Iterator[Effect]:
    """Yield the effects of variants, by gene; those of one variant and gene stand together, the naming transcript first.

    Parameters
    ----------
    variants : sequence of (chrom, pos, ref, alt)
        Canonical, each once.
    reference : Reference
    places : Places
        Of the same reference; keeps what cannot be annotated, by reason.
    """
    yield from effects_of_placed(places.place(variants), reference, places)


def effects_of_placed(placed: Sequence[Placed], reference: Reference, places: Places) -> Iterator[Effect]:
    """Yield the effects of variants that were placed, in their order (see :func:`effects_of`)."""
    for start in range(0, len(placed), AT_ONCE):
        part = placed[start : start + AT_ONCE]
        deep = [_is_deep(one, places.models[one.gene]) for one in part]
        asked = [one for one, skipped in zip(part, deep, strict=True) if not skipped]
        answers = iter(consequences(asked, reference, places.models) if asked else ())
        for one, skipped in zip(part, deep, strict=True):
            models = places.models[one.gene]
            if skipped:
                for model in models:
                    if model.holds(one.pos):
                        yield _intronic(one, model)
                continue
            said = next(answers)
            named = False
            for model in models:
                # what csq says of an intron it says of the gene, not of a transcript
                word = said.get(model.transcript.transcript) or (said.get("") if model.holds(one.pos) else None)
                if _holds_whole(one, model):
                    word = _ABLATION
                if word is not None:
                    named = True
                    yield _effect(one, model, word)
            if not named:
                chrom, pos, ref, alt = one.given
                places.left_out[NO_WORD] += 1
                places.examples.setdefault(NO_WORD, f"{one.gene} {chrom}:{pos} {ref[:30]}>{alt[:30]}")


def _holds_whole(placed: Placed, model: Model) -> bool:
    """Return whether a transcript lies within the reference bases of a variant."""
    return placed.pos <= model.transcript.start and model.transcript.end <= placed.pos + len(placed.ref) - 1


def _is_deep(placed: Placed, models: Sequence[Model]) -> bool:
    """Return whether a variant lies so deep in an intron of every transcript of its gene that csq need not be asked."""
    last = placed.pos + 1 if placed.ref == "-" else placed.pos + len(placed.ref) - 1
    return all(
        model.between_exons(placed.pos - DEEP, last + DEEP) or last < model.transcript.start or placed.pos > model.transcript.end
        for model in models
    )


def _intronic(placed: Placed, model: Model) -> Effect:
    """Return the effect of a variant that lies deep in an intron."""
    given, gene, pos, ref, alt = placed
    name = model.transcript.transcript
    coding = coding_name(model, pos, ref, alt)
    hgvsc = None if coding is None else f"{name}:{coding}"
    picked = model.transcript.role != "legacy"
    return Effect(*given, gene, "intron_variant", "noncoding", hgvsc, None, None, None, name, "MODIFIER", picked)


def _effect(placed: Placed, model: Model, word: str) -> Effect:
    given, gene, pos, ref, alt = placed
    t = model.transcript
    coding = coding_name(model, pos, ref, alt)
    protein = None if word == _ABLATION else protein_name(model, pos, ref, alt)
    found = meaning(word)
    start = t.cds_start if model.forward else t.cds_end
    if coding is None and word != _ABLATION and found.effect_class != "splice" and pos <= start < pos + len(ref) and ref != "-":
        found = meaning(_START_LOST)
    if protein is not None and found.effect_class != "splice":
        said = protein_consequence(protein, same_length=len(ref) == len(alt) and "-" not in (ref, alt))
        if meaning(said).effect_class != found.effect_class:
            # csq has no coding word for most deletion-insertions and for indels at a start codon; the bases tell
            found = meaning("&".join([said, *(part for part in word.split("&") if part.startswith("splice"))]))
    return Effect(
        *given,
        gene,
        found.consequence,
        found.effect_class,
        None if coding is None else f"{t.transcript}:{coding}",
        protein,
        None if protein is None else protein_change(protein)[1],
        model.exon(pos, pos if ref == "-" else pos + len(ref) - 1),
        t.transcript,
        found.impact,
        t.role != "legacy",
    )


def count_left_out(places: Places, reference: Reference, dropped: Dropped) -> None:
    """Count what could not be annotated."""
    for reason, n in sorted(places.left_out.items()):
        dropped.add("effects", reference.fasta.name, reason, n, places.examples[reason])


def refuse_other_bases(wrong: dict[Given, str], checked: int, places: Places, build: str, source: str) -> Problem | None:
    """Return what to say of a file of which too many reference bases disagree, or None."""
    if not wrong or len(wrong) <= MOST_WRONG * checked:
        return None
    (chrom, pos, ref, alt), there = next(iter(wrong.items()))
    return Problem(
        f"{len(wrong)} of {checked} variants have another reference base than {build}, such as "
        f"{chrom}:{pos} {ref}>{alt} where the reference has {there}",
        source,
        remedy=f"{likely_cause(wrong, places.models)}.",
    )
