"""A table of variants, a reference bundle -> the table of their effects, in place of what the files say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resistance import schemas
from resistance.annotate.effects import Effect, count_left_out, effects_of, refuse_other_bases
from resistance.annotate.placing import Given, Places
from resistance.annotate.reference import Reference
from resistance.consequences import PROTEIN_CHANGING
from resistance.dropped import KEPT, Dropped
from resistance.errors import InputError
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "native:csq"
REPLACED = "own annotation takes its place"
STAYS = f"{KEPT}, since own annotation gives the same class and no name of the protein's change"
ELSEWHERE = f"{KEPT}, but changes the protein on another transcript only: silent or not coding on the one that names variants"
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
    base, no bases) keeps the files' effect; so does one of the same class whose change of the protein only the
    file names (bases around it that are not known, an insertion on the border of an exon), as kept.
    """
    import pandas as pd

    named = own[VARIANT].drop_duplicates().assign(_named=True)
    known = (
        effects.merge(named, on=VARIANT, how="left")["_named"].notna().to_numpy()
        & effects["gene"].isin(reference.genes).to_numpy()
    )
    unnamed = own[own["picked"] & own["hgvsp"].isna() & own["effect_class"].isin(set(PROTEIN_CHANGING) - {"splice"})]
    same = [*VARIANT, "gene", "effect_class"]
    kept = effects["hgvsp"].notna().to_numpy() & known
    kept &= effects.merge(unnamed[same].assign(_same=True), on=same, how="left")["_same"].notna().to_numpy()
    if kept.any():
        known &= ~kept
        stay = effects.loc[kept, [*VARIANT, "gene"]].drop_duplicates().assign(_stay=True)
        own = own[own.merge(stay, on=[*VARIANT, "gene"], how="left")["_stay"].isna().to_numpy()]
    for rows, reason in ((effects[known], REPLACED), (effects[kept], STAYS)):
        for source, group in rows.groupby("source", sort=True):
            first = group.iloc[0]
            example = f"{first['gene']} {first['chrom']}:{first['pos']} {first['ref']}>{first['alt']}"
            dropped.add("effects", str(source), reason, len(group), example)
    return conform(pd.concat([effects[~known], own], ignore_index=True), schemas.EFFECTS)


def count_elsewhere(own: pd.DataFrame, dropped: Dropped) -> None:
    """Count, as kept, the variants that change a protein on another transcript than the one that names the gene's variants.

    KRAS4A ends in an exon that KRAS4B lacks, and CDKN2A codes for two proteins: on the naming transcript such a
    variant is silent or not coding, so that no marker sees it.
    """
    changes = own["effect_class"].isin(PROTEIN_CHANGING)
    key = [*VARIANT, "gene"]
    here = own.loc[own["picked"], [*key, "effect_class"]]
    silent = here.loc[~here["effect_class"].isin(PROTEIN_CHANGING), key]
    rows = own[changes & ~own["picked"]].merge(silent, on=key, how="inner").drop_duplicates(key)
    if len(rows):
        first = rows.iloc[0]
        example = f"{first['gene']} {first['hgvsp'] or first['effect_class']} on {first['transcript']}"
        dropped.add("effects", SOURCE, ELSEWHERE, len(rows), example)
