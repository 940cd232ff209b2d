"""A source's setting -> the regions of a genome in which its records are read."""

from __future__ import annotations

from resistance.config import Variants
from resistance.knowledge import load_positions
from resistance.read.vcf_container import Region

#: bases before and after a gene that are read with it: promoters, and transcripts longer than RefSeq's
AROUND = 5000


def regions_of(source: Variants, build: str) -> list[Region] | None:
    """Return where the records of a source are read, as (chrom, start, end), half-open, from 0; None: everywhere.

    Parameters
    ----------
    source : config.Variants
        With ``regions: panel`` these are the genes of ``resources/gene_positions.tsv`` with :data:`AROUND` bases on both sides.
    build : str
        Of the source's file.
    """
    if source.regions == "all":
        return None
    rows = load_positions()
    rows = rows[rows["build"] == build]
    return sorted(
        (str(chrom), max(0, int(start) - 1 - AROUND), int(end) + AROUND)
        for chrom, start, end in zip(rows["chrom"], rows["start"], rows["end"], strict=True)
    )
