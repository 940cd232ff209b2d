"""Contig lengths and positions of a file -> a refusal where they belong to another genome build than the cohort's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.contigs import contig_lengths, other
from resistance.errors import InputError
from resistance.variant import contig

if TYPE_CHECKING:
    import pandas as pd

_NAMED = {
    "GRCh37": re.compile(r"hg19|grch37|hs37|b37|(?<![a-z0-9])v37(?![0-9])", re.IGNORECASE),
    "GRCh38": re.compile(r"hg38|grch38|hs38|b38(?![0-9])", re.IGNORECASE),
}


def refuse_other_build(lengths: Mapping[str, int | None], reference: str | None, build: str, path: Path) -> None:
    """Refuse a header whose contigs, or else whose reference, belong to the other build.

    Parameters
    ----------
    lengths : mapping of str to int or None
        Contigs as the header names them, with their lengths where it gives them.
    reference : str or None
        The header's ``##reference``; only looked at where no length decides.
    build : str
        The cohort's build.

    Raises
    ------
    InputError
        With the contig and length, or the reference, that shows it.
    """
    ours, theirs = contig_lengths(build), contig_lengths(other(build))
    known = {name: length for name, length in lengths.items() if length and contig(name) in ours}
    if any(ours[contig(name)] == length for name, length in known.items()):
        return
    remedy = f"Lift it over to {build}, or correct study.build."
    for name, length in known.items():
        if theirs[contig(name)] == length:
            raise InputError(
                f"the header says {other(build)}, the cohort is declared {build}",
                path=path,
                value=f"{name} of {length} bases",
                remedy=remedy,
            )
    if reference and _NAMED[other(build)].search(reference) and not _NAMED[build].search(reference):
        raise InputError(
            f"the header's reference is {other(build)}, the cohort is declared {build}", path=path, value=reference, remedy=remedy
        )


def refuse_beyond_end(chrom: pd.Series, pos: pd.Series, lines: pd.Series, build: str, path: Path) -> None:
    """Refuse positions beyond the end of their chromosome: most often a file on the other build.

    Parameters
    ----------
    chrom, pos, lines : Series
        Contig as the package names it, 1-based position and line of the file; NA is passed over.
    """
    ends = chrom.map(dict(contig_lengths(build))).astype("Int64")
    beyond = (pos > ends).fillna(False).astype(bool)
    if beyond.any():
        index = beyond[beyond].index[0]
        more = f" ({int(beyond.sum())} such rows)" if beyond.sum() > 1 else ""
        raise InputError(
            f"lies beyond the end of the chromosome on {build}, at {ends[index]}{more}",
            path=path,
            row=int(lines[index]),
            value=f"{chrom[index]}:{pos[index]}",
            remedy=f"Is the file on {other(build)}? Lift it over, or correct study.build.",
        )
