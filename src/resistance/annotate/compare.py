"""The files' effects and own ones -> where they disagree, variant by variant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from resistance.schemas import DIFFERENCES
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

_KEY = ["build", "chrom", "pos", "ref", "alt", "gene"]
_SHOWN = ["effect_class", "hgvsp", "transcript", "source"]


def differences(files: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """Compare one effect per variant and gene of the files with the own one.

    Protein changes are compared apart from spelling: the second residue of a frameshift, and a
    frameshift that is a stop at once (``fs*1``).  A name that only one side has is no difference.

    Parameters
    ----------
    files, own : DataFrame
        Schema ``effects``, at most one row per variant and gene.

    Returns
    -------
    DataFrame
        Schema ``annotation_differences``, by position.  ``differs`` is ``class``, ``protein``, or
        ``protein, other transcript`` where the two sides name different transcripts (whatever the version).
    """
    both = files.merge(own, on=_KEY, suffixes=("_file", "_own"))
    if both.empty:
        return empty(DIFFERENCES)
    spelled = {side: both[f"hgvsp_{side}"].map(_spelled, na_action="ignore") for side in ("file", "own")}
    plain = {side: both[f"transcript_{side}"].map(_unversioned, na_action="ignore") for side in ("file", "own")}
    named = spelled["file"].notna() & spelled["own"].notna() & (spelled["file"] != spelled["own"])
    elsewhere = plain["file"].notna() & plain["own"].notna() & (plain["file"] != plain["own"])
    both["differs"] = None
    both.loc[named, "differs"] = "protein"
    both.loc[named & elsewhere, "differs"] = "protein, other transcript"
    both.loc[both["effect_class_file"] != both["effect_class_own"], "differs"] = "class"
    columns = [*_KEY, "differs", *(f"{name}_{side}" for name in _SHOWN[:3] for side in ("file", "own")), "source_file"]
    found = both.loc[both["differs"].notna(), columns]
    return conform(found.sort_values(_KEY, kind="stable"), DIFFERENCES)


def _unversioned(transcript: str) -> str:
    return transcript.split(".")[0]


def _spelled(name: str) -> str:
    """Return a protein change without what only spelling decides."""
    text = re.sub(r"(\d)[A-Z]?fs\*1$", r"\1*", name)
    return re.sub(r"del[A-Z]+$", "del", re.sub(r"(\d)[A-Z]fs", r"\1fs", text))
