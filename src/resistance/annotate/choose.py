"""Effects on every transcript that files name -> one row per variant and gene, chosen by a stated order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resistance import schemas
from resistance.consequences import IMPACTS, SEVERITY
from resistance.dropped import Dropped
from resistance.tables import conform

if TYPE_CHECKING:
    import pandas as pd

VARIANT = ["build", "chrom", "pos", "ref", "alt"]
#: which annotation is believed where files disagree and nothing else decides
SOURCES = ("file:CSQ", "file:ANN", "file:BCSQ", "file:MAF")


def one_per_gene(effects: pd.DataFrame, genes: pd.DataFrame | None, dropped: Dropped) -> pd.DataFrame:
    """Choose one effect per variant and gene.

    The order: the transcript that the knowledge base names for the gene; the file's own choice
    (PICK, MANE Select, canonical); the most severe effect class; the highest impact; then the
    annotator, the transcript's name and the protein change, so that the order of rows never matters.

    Parameters
    ----------
    effects : DataFrame
        By :data:`resistance.schemas.EFFECTS`.
    genes : DataFrame or None
        The knowledge base's genes; where it has a column ``transcript`` beside its symbols
        (``gene`` or ``symbol``), these transcripts are preferred, whatever their version.
    dropped : Dropped
        Counts the effects on other transcripts.

    Returns
    -------
    DataFrame
        By the same schema, sorted by variant and gene.
    """
    import pandas as pd

    table = effects.copy()
    wanted = _preferred(genes)
    stem = table["transcript"].str.replace(r"\.\d+$", "", regex=True)
    own = [wanted.get((gene, name), False) for gene, name in zip(table["gene"], stem, strict=True)]
    order = pd.DataFrame(
        {
            "other_transcript": [not is_own for is_own in own],
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


def _preferred(genes: pd.DataFrame | None) -> dict[tuple[str, str], bool]:
    """Return gene and transcript (without its version) of the knowledge base."""
    symbols = "gene" if genes is not None and "gene" in genes else "symbol"
    if genes is None or symbols not in genes or "transcript" not in genes:
        return {}
    known = genes.dropna(subset=[symbols, "transcript"])
    return {
        (str(gene), name.strip().split(".")[0]): True
        for gene, cell in zip(known[symbols], known["transcript"], strict=True)
        for name in str(cell).split(";")
    }
