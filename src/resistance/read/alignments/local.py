"""An alignment file and places -> the reference bases around them: of the FASTA, or what most reads show."""

from __future__ import annotations

from collections.abc import Sequence

from resistance.errors import InputError
from resistance.read.alignments.opened import Alignment, quiet
from resistance.read.alignments.positions import Filters, position_counts
from resistance.read.alignments.sites import FLANK
from resistance.variant import contig

#: reads beginning at one position that are asked for the reference
_PER_START = 4


def bases_around(
    alignment: Alignment, places: Sequence[tuple[int, int, str] | None], wanted: Sequence[int]
) -> tuple[list[str], list[int], bool]:
    """Return the bases around variants.

    Parameters
    ----------
    alignment : Alignment
    places : sequence of (contig, pos, ref) or None
        Number of the contig, 1-based position and reference bases of each variant ('-': none).
    wanted : sequence of int
        Those that are needed; the others get ''.

    Returns
    -------
    list of str
        Upper case; N where not known.
    list of int
        0-based position of the first base of each.
    bool
        They are those of a FASTA.

    Raises
    ------
    InputError
        The FASTA lacks the contigs.
    """
    spans: dict[int, tuple[int, int, int]] = {}
    for i in wanted:
        place = places[i]
        if place is not None:
            number, pos, ref = place
            end = min(alignment.lengths[number], pos + len(ref) + FLANK)
            spans[i] = (number, max(0, pos - 1 - FLANK), max(end, pos))
    found = _of_fasta(alignment, spans) if alignment.fasta is not None else _of_reads(alignment, spans)
    begin = [spans[i][1] if i in spans else 0 for i in range(len(places))]
    return [found.get(i, "") for i in range(len(places))], begin, alignment.fasta is not None


def _of_fasta(alignment: Alignment, spans: dict[int, tuple[int, int, int]]) -> dict[int, str]:
    import pysam

    with quiet(), pysam.FastaFile(str(alignment.fasta)) as fasta:
        names = {contig(name): name for name in reversed(fasta.references)}
        asked = {contig(alignment.contigs[number]) for number, _, _ in spans.values()}
        if asked and not asked & names.keys():
            raise InputError(
                "the FASTA has no contig of the variants",
                path=alignment.fasta,
                value=", ".join(sorted(asked)[:5]),
                remedy="Give the genome that the reads were aligned to.",
            )
        out = {}
        for i, (number, start, end) in spans.items():
            name = names.get(contig(alignment.contigs[number]))
            if name is not None:
                if fasta.get_reference_length(name) != alignment.lengths[number]:
                    raise InputError(
                        f"is not the reference of {alignment.path.name}: contig {name} has {fasta.get_reference_length(name)} bases, "
                        f"in the file {alignment.lengths[number]}",
                        path=alignment.fasta,
                        remedy="Give the genome that the reads were aligned to.",
                    )
                out[i] = fasta.fetch(name, start, end).upper()
        return out


def _of_reads(alignment: Alignment, spans: dict[int, tuple[int, int, int]]) -> dict[int, str]:
    """Return what most reads show: a repeat of the sample is that of the reference but for rare exceptions."""
    import numpy as np

    if not spans:
        return {}
    counted = position_counts(alignment, list(spans.values()), Filters("reads", per_start=_PER_START))
    shown = np.where(counted.depths[:, :4].max(axis=1) > 0, counted.depths[:, :4].argmax(axis=1), 4)
    at = {(int(c), int(p)): "ACGTN"[b] for c, p, b in zip(counted.contig, counted.pos, shown, strict=True)}
    return {i: "".join(at[number, p] for p in range(start, end)) for i, (number, start, end) in spans.items()}
