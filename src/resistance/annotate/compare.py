"""The files' effects and own ones -> where they disagree, variant by variant, and what explains it."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from resistance.annotate.aliases import aliases_of
from resistance.consequences import PROTEIN_CHANGING
from resistance.schemas import DIFFERENCES
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

_KEY = ["build", "chrom", "pos", "ref", "alt", "gene"]
_SHOWN = ["effect_class", "hgvsp", "transcript", "source"]
#: what `differs` says, from what changes least to what changes most
NUMBERING, ELSEWHERE, UNNAMED, PROTEIN, CLASS = "numbering", "other transcript", "protein not named here", "protein", "class"


def differences(files: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """Compare one effect per variant and gene of the files with the own one.

    Protein changes are compared apart from spelling (:func:`same_change`).  A name that only we have is no difference.

    Parameters
    ----------
    files : DataFrame
        Schema ``effects``, at most one row per variant and gene.
    own : DataFrame
        Schema ``effects``, a row per variant, gene and transcript; those that are ``picked`` are compared, the
        others explain a difference.

    Returns
    -------
    DataFrame
        Schema ``annotation_differences``, by position.  ``differs`` is

        - ``numbering``: the same codons, counted on another transcript (MYD88 L265P is L252P on MANE Select);
        - ``protein``, ``class``: another change of the protein, another class of effect; with ``, other
          transcript`` where the two sides name different transcripts (whatever the version) or the file's words are
          what we say on another one;
        - ``protein not named here``: the same class, and only the file names the change of the protein (which then
          stands, see :func:`resistance.annotate.native.instead_of_file`).
    """
    named = own.assign(_rank=~own["picked"].fillna(False).astype(bool)).sort_values("_rank", kind="stable")
    named = named.drop(columns="_rank").drop_duplicates(_KEY)
    both = files.merge(named, on=_KEY, suffixes=("_file", "_own"))
    if both.empty:
        return empty(DIFFERENCES)
    others: dict[tuple[Any, ...], set[tuple[Any, Any]]] = {}
    columns = [*_KEY, "effect_class", "hgvsp"]
    further = own.loc[~own.index.isin(named.index), columns].astype(object)
    for *key, effect_class, hgvsp in further.where(further.notna(), None).itertuples(index=False):
        others.setdefault(tuple(key), set()).add((effect_class, hgvsp))
    rows = both.astype(object).where(both.notna(), None)
    both["differs"] = [_kind(row, others.get(tuple(row[k] for k in _KEY), ())) for row in rows.to_dict("records")]
    shown = [*_KEY, "differs", *(f"{name}_{side}" for name in _SHOWN[:3] for side in ("file", "own")), "source_file"]
    found = both.loc[both["differs"].notna(), shown]
    return conform(found.sort_values(_KEY, kind="stable"), DIFFERENCES)


def _kind(row: dict[str, Any], others: Collection[tuple[Any, Any]]) -> str | None:
    """Return what differs in one variant and gene, None where nothing does."""
    file, own = row["hgvsp_file"], row["hgvsp_own"]
    effect_class = row["effect_class_file"]
    if effect_class == row["effect_class_own"]:
        if file is None or (own is not None and same_change(file, own)):
            return None
        if own is None:
            return UNNAMED if effect_class in PROTEIN_CHANGING and effect_class != "splice" else None
        place = (row["build"], row["gene"], row["transcript_own"], row["pos"], row["ref"], row["alt"])
        # a silent change has no alias in the table of effects; its residue is counted all the same
        aliases = aliases_of(*place, row["residue_own"], own.replace("=", "?")) or ""
        if any(same_change(file.replace("=", "?"), alias.split("@")[0]) for alias in aliases.split(";") if alias):
            return NUMBERING
        what = PROTEIN
    else:
        what = CLASS
    transcripts = [row[f"transcript_{side}"].split(".")[0] for side in ("file", "own") if row[f"transcript_{side}"] is not None]
    other = len(set(transcripts)) == 2 or any(
        said == effect_class and (file is None or (name is not None and same_change(file, name))) for said, name in others
    )
    return f"{what}, {ELSEWHERE}" if other else what


def same_change(one: str, other: str) -> bool:
    """Return whether two protein changes differ in nothing but spelling.

    Spelling is: the second residue and the length of a frameshift or extension where one side leaves it away; a
    frameshift that is a stop at once (``fs*1``); the residues behind ``del`` and ``dup``; an insertion of what
    stands before it (``C180_V181insC`` is ``C180dup``); what becomes of the start codon, since no protein follows
    from it (``M1V`` is ``M1?``).

    Parameters
    ----------
    one, other : str
        As :func:`resistance.hgvs.protein_change` gives them.

    Examples
    --------
    >>> same_change("G99fs", "G99Rfs*12"), same_change("G99Rfs*11", "G99Rfs*12"), same_change("M1V", "M1?")
    (True, False, True)
    """
    one, other = _spelled(one), _spelled(other)
    if one == other:
        return True
    for form in (_FRAMESHIFT, _EXTENSION):
        ways = form.fullmatch(one), form.fullmatch(other)
        if ways[0] and ways[1]:
            return all(a is None or b is None or a == b for a, b in zip(ways[0].groups(), ways[1].groups(), strict=True))
    return _is_copy(one, other) or _is_copy(other, one)


#: place, second residue, length ('?' is a word on the length too: no stop is reached)
_FRAMESHIFT = re.compile(r"([A-Z]\d+)([A-Z])?fs(?:\*(\d+|\?)?)?")
_EXTENSION = re.compile(r"(\*\d+)([A-Z])?(?:ext\*?(\d+|\?)?)?")


def _spelled(name: str) -> str:
    """Return a protein change without what only spelling decides."""
    if re.fullmatch(r"M1(?:[A-Z?]|_\?1|del|ext.*)", name):
        return "M1?"
    text = re.sub(r"(\d)[A-Z]?fs\*1$", r"\1*", name)
    return re.sub(r"(del|dup)[A-Z]+$", r"\1", text)


def _is_copy(insertion: str, dup: str) -> bool:
    """Return whether an insertion puts in what a duplication says stands before it."""
    put = re.fullmatch(r"([A-Z])(\d+)_[A-Z](\d+)ins([A-Z]+)", insertion)
    twice = re.fullmatch(r"([A-Z])(\d+)(?:_([A-Z])(\d+))?dup", dup)
    if put is None or twice is None:
        return False
    first, last = int(twice[2]), int(twice[4] or twice[2])
    ends = twice[1], twice[3] or twice[1]
    return int(put[2]) == last and len(put[4]) == last - first + 1 and (put[4][0], put[4][-1]) == ends == (ends[0], put[1])
