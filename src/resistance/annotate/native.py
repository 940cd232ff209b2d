"""Variants, a reference bundle -> their effects on the panel's transcripts, without any annotation in the files.

What a variant does is bcftools csq's word; how it is called is computed from the bases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from resistance import schemas
from resistance.annotate.csq import consequences
from resistance.annotate.naming import coding_name, protein_name
from resistance.annotate.placing import Given, Placed, Places, likely_cause
from resistance.annotate.reference import Reference
from resistance.annotate.transcripts import Model
from resistance.consequences import meaning
from resistance.dropped import Dropped
from resistance.errors import InputError, Problem
from resistance.hgvs import protein_change
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "native:csq"
VARIANT = ["build", "chrom", "pos", "ref", "alt"]
#: share of a file's variants whose reference bases may disagree before it is refused
MOST_WRONG = 0.1
#: variants given to csq at once, which bounds the memory
AT_ONCE = 50_000
#: bases from the nearest exon from which on a variant is intronic and nothing else; csq's splice region ends at 8
DEEP = 50
_INTRON = "intron"
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
    placed = places.place(variants)
    for start in range(0, len(placed), AT_ONCE):
        part = placed[start : start + AT_ONCE]
        asked = [one for one in part if not _is_deep(one, places.models[one.gene])]
        words = dict(zip(asked, consequences(asked, reference, places.models), strict=True)) if asked else {}
        for one in part:
            said = words.get(one)
            named = False
            for model in places.models[one.gene]:
                word = _INTRON if said is None else said.get(model.transcript.transcript)
                # what csq says of an intron it says of the gene, not of a transcript
                if word is None and said is not None and "" in said and model.holds(one.pos):
                    word = said[""]
                if word is not None and (said is not None or model.holds(one.pos)):
                    named = True
                    yield _effect(one, model, word)
            if not named:
                chrom, pos, ref, alt = one.given
                places.left_out[NO_WORD] += 1
                places.examples.setdefault(NO_WORD, f"{one.gene} {chrom}:{pos} {ref}>{alt}")


def _is_deep(placed: Placed, models: Sequence[Model]) -> bool:
    """Return whether a variant lies so deep in an intron of every transcript of its gene that csq need not be asked."""
    last = placed.pos + 1 if placed.ref == "-" else placed.pos + len(placed.ref) - 1
    return all(model.between_exons(placed.pos - DEEP, last + DEEP) or not model.holds(placed.pos) for model in models)


def _effect(placed: Placed, model: Model, word: str) -> Effect:
    given, gene, pos, ref, alt = placed
    t = model.transcript
    found = meaning(word)
    coding = coding_name(model, pos, ref, alt)
    protein = protein_name(model, pos, ref, alt)
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


def annotate_variants(variants: pd.DataFrame, reference: Reference, dropped: Dropped) -> pd.DataFrame:
    """Annotate a table of variants.

    Parameters
    ----------
    variants : DataFrame
        build, chrom, pos, ref, alt, canonical; a variant may stand several times. With ``source``, each
        file is judged by itself where reference bases disagree.
    reference : Reference
        Of the same build.
    dropped : Dropped
        Takes, by reason, the variants that touch a gene and cannot be annotated: other reference bases,
        none known, beyond what is known of the gene.

    Returns
    -------
    DataFrame
        Schema ``effects``: a row per variant and transcript of the genes it touches; ``picked`` on
        MANE Select (or the closest model).  Variants outside the genes have none.

    Raises
    ------
    InputError
        More than a tenth of a file's variants in the genes disagree with the reference; it names the
        likely cause.
    """
    import pandas as pd

    distinct = variants[["chrom", "pos", "ref", "alt"]].drop_duplicates()
    given = [(str(c), int(p), str(r), str(a)) for c, p, r, a in distinct.itertuples(index=False)]
    places = Places(reference)
    rows = list(effects_of(given, reference, places))
    if places.wrong:
        _refuse_other_bases(variants, places, reference)
    count_left_out(places, reference, dropped)
    if not rows:
        return empty(schemas.EFFECTS)
    table = pd.DataFrame(rows, columns=list(Effect._fields)).assign(build=reference.build, source=SOURCE)
    table = table.sort_values([*VARIANT, "gene", "transcript"], kind="stable", ignore_index=True)
    return conform(table, schemas.EFFECTS)


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


def _refuse_other_bases(variants: pd.DataFrame, places: Places, reference: Reference) -> None:
    sources = variants.get("source")
    by_file: dict[str, set[Given]] = {}
    touched = variants["chrom"].isin({chrom for chrom, *_ in places.regions()})
    rows = variants[touched]
    names = ["the variants"] * len(rows) if sources is None else sources[touched].fillna("the variants").astype(str).tolist()
    for name, c, p, r, a in zip(names, rows["chrom"], rows["pos"], rows["ref"], rows["alt"], strict=True):
        one = (str(c), int(p), str(r), str(a))
        if one not in places.unplaced and places.touched(one):
            by_file.setdefault(name, set()).add(one)
    problems = []
    for name, own in sorted(by_file.items()):
        wrong = {one: there for one, there in places.wrong.items() if one in own}
        problem = refuse_other_bases(wrong, len(own), places, reference.build, name)
        if problem is not None:
            problems.append(problem)
    if problems:
        raise InputError(problems[:20])


def instead_of_file(effects: pd.DataFrame, own: pd.DataFrame, reference: Reference, dropped: Dropped) -> pd.DataFrame:
    """Return own effects in the genes of the reference, and the files' effects in all other genes.

    The files' effects that give way are counted.  A variant that the reference cannot name (another
    base, no bases) keeps the files' effect.
    """
    import pandas as pd

    named = own[VARIANT].drop_duplicates().assign(_named=True)
    known = (
        effects.merge(named, on=VARIANT, how="left")["_named"].notna().to_numpy()
        & effects["gene"].isin(reference.genes).to_numpy()
    )
    for source, rows in effects[known].groupby("source", sort=True):
        dropped.add("effects", str(source), "own annotation takes its place", len(rows), None)
    return conform(pd.concat([effects[~known], own], ignore_index=True), schemas.EFFECTS)
