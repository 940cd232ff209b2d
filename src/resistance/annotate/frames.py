"""Effects on genes whose coding sequence is not whole -> counted, since their names may be wrong.

GRCh37 lacks one base of MAP3K14: behind it every table of transcripts reads another frame than the protein.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from resistance.annotate.numbering import numbers
from resistance.dropped import KEPT

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped

BROKEN = f"{KEPT}, but the gene's coding sequence is not whole on this build: the consequence and its names may be wrong"


def count_broken_frames(effects: pd.DataFrame, dropped: Dropped, not_whole: Collection[str] = ()) -> None:
    """Count, as kept, the effects that change a protein and stand on a model that is not whole.

    Parameters
    ----------
    effects : DataFrame
        By :data:`resistance.schemas.EFFECTS`, current symbols.
    dropped : Dropped
    not_whole : collection of str
        Further genes, as the bases of a reference say (:attr:`resistance.annotate.reference.Reference.not_whole`).
    """
    for build in sorted(effects["build"].dropna().unique()):
        of_table = {gene for gene, models in numbers(str(build)).items() if not models[0].is_whole}
        rows = effects[
            (effects["build"] == build)
            & effects["gene"].isin([*of_table, *not_whole])
            & ~effects["effect_class"].isin(["noncoding", "other"])
        ]
        example = ", ".join(sorted(rows["gene"].unique()))
        dropped.add("effects", f"transcripts of {build}", BROKEN, len(rows), example)
