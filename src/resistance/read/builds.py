"""Contig lengths and positions of a file -> a refusal where they belong to another genome build than the cohort's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Said:
    """Who says which build a file is on, and what to do where the file says otherwise.

    Parameters
    ----------
    words : str
        'the cohort is declared GRCh38'.
    remedy : str
    """

    words: str
    remedy: str

    @classmethod
    def of_cohort(cls, build: str) -> Said:
        """The file is on the cohort's build, by ``study.build``."""
        key = f"{{from: {other(build)}, chain: FILE}}"
        return cls(
            f"the cohort is declared {build}",
            f"Lift it over to {build} while it is read (variants.liftover: {key}), or correct study.build.",
        )

    @classmethod
    def of_source(cls, build: str) -> Said:
        """The file is on the other build and is moved, by ``variants.liftover``."""
        return cls(
            f"variants.liftover.from says {build}",
            f"If it is on {other(build)} already, the cohort's build, remove 'liftover' from this source.",
        )

    @classmethod
    def of_reference(cls, build: str) -> Said:
        """A file without a cohort is annotated with a reference of this build."""
        return cls(f"the reference is {build}", f"Give a reference of {other(build)} (`resistance reference build`).")

    @classmethod
    def of_option(cls, build: str) -> Said:
        """The file is on the build that the command line gives."""
        return cls(f"--from says {build}", "Correct --from, --to and --chain.")


def refuse_other_build(
    lengths: Mapping[str, int | None], reference: str | None, build: str, path: Path, said: Said | None = None
) -> None:
    """Refuse a header whose contigs, or else whose reference, belong to the other build.

    Parameters
    ----------
    lengths : mapping of str to int or None
        Contigs as the header names them, with their lengths where it gives them.
    reference : str or None
        The header's ``##reference``; only looked at where no length decides.
    build : str
        The file's build.
    said : Said, optional
        By what it is on this build (default: study.build).

    Raises
    ------
    InputError
        With the contig and length, or the reference, that shows it.
    """
    ours, theirs = contig_lengths(build), contig_lengths(other(build))
    known = {name: length for name, length in lengths.items() if length and contig(name) in ours}
    if any(ours[contig(name)] == length for name, length in known.items()):
        return
    said = said or Said.of_cohort(build)
    for name, length in known.items():
        if theirs[contig(name)] == length:
            raise InputError(
                f"the header says {other(build)}, {said.words}",
                path=path,
                value=f"{name} of {length} bases",
                remedy=said.remedy,
            )
    if reference and _NAMED[other(build)].search(reference) and not _NAMED[build].search(reference):
        raise InputError(
            f"the header's reference is {other(build)}, {said.words}", path=path, value=reference, remedy=said.remedy
        )


def refuse_beyond_end(
    chrom: pd.Series, pos: pd.Series, lines: pd.Series, build: str, path: Path, said: Said | None = None
) -> None:
    """Refuse positions beyond the end of their chromosome: most often a file on the other build.

    Parameters
    ----------
    chrom, pos, lines : Series
        Contig as the package names it, 1-based position and line of the file; NA is passed over.
    said : Said, optional
        As in :func:`refuse_other_build`.
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
            remedy=f"Is the file on {other(build)}? {(said or Said.of_cohort(build)).remedy}",
        )
