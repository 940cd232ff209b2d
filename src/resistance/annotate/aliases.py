"""Effects -> the names that each protein change has on other transcripts, in the column ``aliases``.

MYD88 L252P of MANE Select is L265P of ENST00000396334.3 and L273P of ENST00000417037.2. The codon is the same, so
only the number is another (:mod:`resistance.annotate.numbering`); no sequence is needed.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from resistance.annotate.numbering import Named, Numbers, counted_on, numbers, renumber
from resistance.dropped import KEPT
from resistance.hgvs import changed_residues

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped

UNKNOWN = f"{KEPT}, but no transcript that is known numbers the protein change like this"
_COLUMNS = ("build", "gene", "transcript", "pos", "ref", "alt", "residue", "hgvsp", "source")


def with_aliases(effects: pd.DataFrame, dropped: Dropped) -> pd.DataFrame:
    """Return the effects with the column ``aliases``.

    Parameters
    ----------
    effects : DataFrame
        By :data:`resistance.schemas.EFFECTS`, current symbols.
    dropped : Dropped
        Counts, as kept, substitutions whose number fits no known transcript at their place.

    Returns
    -------
    DataFrame
        ``aliases`` is ``change@transcript``, joined by ';', by transcript; NA where there is none or it is not
        known.  A change has no alias on a transcript that reads its codons otherwise, and a frameshift none
        on one whose remaining codons are not all the same.
    """
    import numpy as np
    import pandas as pd

    out = np.full(len(effects), None, dtype=object)
    known = {build: numbers(str(build)) for build in effects["build"].unique()}
    cells = [effects[name].to_numpy(dtype=object, na_value=None) for name in _COLUMNS]
    for at, (build, gene, transcript, pos, ref, alt, residue, hgvsp, source) in enumerate(zip(*cells, strict=True)):
        models = known[build].get(gene)
        if models is None or hgvsp is None or residue is None:
            continue
        if len(models) == 1 and models[0].transcript.transcript == transcript:
            continue  # one numbering, and the change is on it
        of = counted_on(Named(build, gene, transcript, int(pos), ref, alt, int(residue)))
        if of is not None:
            out[at] = _aliases(build, gene, hgvsp, of)
        # an indel can be named far from its bases; a substitution cannot
        elif len(ref) == len(alt) and "-" not in (ref, alt) and changed_residues(hgvsp) is not None:
            dropped.add("effects", source, UNKNOWN, 1, f"{gene} {hgvsp} {transcript or 'no transcript'} at {pos}")
    return effects.assign(aliases=pd.array(out, dtype=pd.StringDtype(na_value=np.nan)))


def aliases_of(
    build: str, gene: str, transcript: str | None, pos: int, ref: str, alt: str, residue: int | None, hgvsp: str | None
) -> str | None:
    """Return the names of one protein change on other transcripts: a cell of the column ``aliases``, from those of its row."""
    if hgvsp is None or residue is None or len(numbers(build).get(gene, ())) < 2:
        return None
    of = counted_on(Named(build, gene, transcript, pos, ref, alt, residue))
    return None if of is None else _aliases(build, gene, hgvsp, of)


@functools.lru_cache(maxsize=1 << 16)
def _aliases(build: str, gene: str, hgvsp: str, of: Numbers) -> str | None:
    models, span = numbers(build)[gene], changed_residues(hgvsp)
    if span is None or len(models) == 1:
        return None
    found = []
    for on in models:
        first, last = renumber(span[0], of, on), renumber(span[1], of, on)
        if first is None or last is None or first == span[0] or last - first != span[1] - span[0]:
            continue
        if ("fs" in hgvsp or "ext" in hgvsp) and of.tail(span[0]) != on.tail(first):
            continue
        found.append((on.transcript.transcript, _moved(hgvsp, first - span[0])))
    return ";".join(f"{name}@{transcript}" for transcript, name in sorted(found)) or None


def _moved(hgvsp: str, by: int) -> str:
    """Return a change with its residues counted from elsewhere; the length of a frameshift stays."""

    def number(found: re.Match[str]) -> str:
        return f"{found[1]}{int(found[2]) + by}" + (f"{found[3]}{int(found[4]) + by}" if found[3] else "")

    return re.sub(r"^([A-Z*])(\d+)(?:(_[A-Z*])(\d+))?", number, hgvsp)
