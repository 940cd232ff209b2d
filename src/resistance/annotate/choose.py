"""Effects on every transcript that files name -> one row per variant and gene, chosen by a stated order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from resistance import schemas
from resistance.consequences import IMPACTS, SEVERITY
from resistance.dropped import Dropped
from resistance.tables import conform

if TYPE_CHECKING:
    import pandas as pd

    from resistance.knowledge import Genes

VARIANT = ["build", "chrom", "pos", "ref", "alt"]
#: which annotation is believed where files disagree and nothing else decides
SOURCES = ("native:csq", "file:CSQ", "file:ANN", "file:BCSQ", "file:MAF")


def with_current_symbols(effects: pd.DataFrame, aliases: Mapping[str, str]) -> pd.DataFrame:
    """Return the effects with each gene under its current symbol (files of 2017 say MLL2, we say KMT2D).

    Parameters
    ----------
    effects : DataFrame
        By :data:`resistance.schemas.EFFECTS`.
    aliases : mapping
        Previous or alias symbol -> current symbol; other symbols stay.
    """
    names = {name: aliases.get(str(name), str(name)) for name in effects["gene"].unique()}
    return effects.assign(gene=effects["gene"].map(names).astype(effects["gene"].dtype))


def one_per_gene(
    effects: pd.DataFrame, genes: Genes | None, dropped: Dropped, *, preferred: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Choose one effect per variant and gene, the genes by their current symbols.

    The order: the preferred transcript of the gene; the file's own choice
    (PICK, MANE Select, canonical); the most severe effect class; the highest impact; then the
    annotator, the transcript's name and the protein change, so that the order of rows never matters.

    Parameters
    ----------
    effects : DataFrame
        By :data:`resistance.schemas.EFFECTS`.
    genes : Genes or None
        Brings previous and alias symbols (MLL2) to the current one (KMT2D); a gene that it does not
        have keeps its name.
    dropped : Dropped
        Counts the effects on other transcripts.
    preferred : mapping of str to str, optional
        Current symbol -> transcript that goes before the file's own choice, whatever its version.

    Returns
    -------
    DataFrame
        By the same schema, sorted by variant and gene.
    """
    import pandas as pd

    table = effects.copy()
    if genes is not None:
        current = {name: genes.current(str(name)) or name for name in table["gene"].unique()}
        table = table.assign(gene=table["gene"].map(current))
    wanted = {gene: name.split(".")[0] for gene, name in (preferred or {}).items()}
    own = table["transcript"].str.replace(r"\.\d+$", "", regex=True) == table["gene"].map(wanted)
    order = pd.DataFrame(
        {
            "other_transcript": ~own.astype(bool),
            "not_picked": ~table["picked"].fillna(False).astype(bool),
            "class_rank": table["effect_class"].map({name: rank for rank, name in enumerate(SEVERITY)}),
            "impact_rank": table["impact"].map({name: rank for rank, name in enumerate(IMPACTS)}).fillna(len(IMPACTS)),
            "source_rank": table["source"].map({name: rank for rank, name in enumerate(SOURCES)}).fillna(len(SOURCES)),
        },
        index=table.index,
    )
    by = [*VARIANT, "gene", *order.columns, "transcript", "hgvsp", "hgvsc", "consequence"]
    table = pd.concat([table, order], axis=1).sort_values(by, kind="stable", na_position="last")
    further = table.duplicated([*VARIANT, "gene"])
    for source, group in table[further].groupby("source"):
        row = group.iloc[0]
        dropped.add(
            "effects",
            str(source),
            "another transcript or annotation of the gene was chosen",
            len(group),
            f"{row['gene']} {row['chrom']}:{row['pos']} {row['ref']}>{row['alt']} {row['transcript']}",
        )
    return conform(table[~further].drop(columns=list(order.columns)), schemas.EFFECTS)
