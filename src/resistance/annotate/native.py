"""A table of variants, a reference bundle -> the table of their effects, in place of what the files say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resistance import schemas
from resistance.annotate.effects import Effect, count_left_out, effects_of, refuse_other_bases
from resistance.annotate.placing import Given, Places
from resistance.annotate.reference import Reference
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "native:csq"
VARIANT = ["build", "chrom", "pos", "ref", "alt"]


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
