"""Effects -> the same effects with what else may explain the variant: clonal haematopoiesis, hypermutation.

Nothing is left out here.  A flag says that the variant may come from the blood (in plasma, above all) or
be a passenger of a mechanism that mutates this region in every germinal-centre lymphoma.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from resistance.annotate.transcripts import load_transcripts
from resistance.consequences import PROTEIN_CHANGING
from resistance.contigs import contig_lengths
from resistance.errors import KnowledgeError
from resistance.regions import Regions
from resistance.resources import resource_path

if TYPE_CHECKING:
    import pandas as pd

CLONAL_HAEMATOPOIESIS, HYPERMUTATION = "clonal_haematopoiesis", "hypermutation"
GENES, REGIONS = "clonal_haematopoiesis.tsv", "hypermutation_regions.tsv"
#: bases behind the start of a transcript that somatic hypermutation reaches (Pasqualucci 2001, doi:10.1038/35085588)
REACH = 2000


def with_flags(effects: pd.DataFrame) -> pd.DataFrame:
    """Flag effects.

    Parameters
    ----------
    effects : DataFrame
        Schema ``effects``, the genes by their current symbols.

    Returns
    -------
    DataFrame
        By the same schema: ``flags`` holds, joined by ';', ``clonal_haematopoiesis`` for a change of
        the protein (no silent one) in a gene of ``resources/clonal_haematopoiesis.tsv`` and
        ``hypermutation`` for a variant, whatever it does, that touches a region of
        ``resources/hypermutation_regions.tsv`` on its build; NA where there is neither.
    """
    import numpy as np
    import pandas as pd

    from resistance import schemas
    from resistance.tables import conform

    blood = effects["gene"].isin(haematopoiesis_genes()) & effects["effect_class"].isin(PROTEIN_CHANGING)
    mutated = np.zeros(len(effects), dtype=bool)
    for build in effects["build"].unique():
        here = np.flatnonzero((effects["build"] == build).to_numpy(dtype=bool))
        mutated[here] = hypermutation_regions(str(build)).hold(effects.iloc[here])
    words = np.array([None, CLONAL_HAEMATOPOIESIS, HYPERMUTATION, f"{CLONAL_HAEMATOPOIESIS};{HYPERMUTATION}"], dtype=object)
    flags = words[blood.to_numpy(dtype=np.intp) + 2 * mutated]
    return conform(effects.assign(flags=pd.Series(flags, index=effects.index)), schemas.EFFECTS)


@functools.cache
def haematopoiesis_genes() -> frozenset[str]:
    """Return the genes in which blood cells of healthy people carry clones."""
    return frozenset(row["gene"] for _, row in _rows(GENES, "gene"))


def flags_of(build: str, chrom: str, pos: int, ref: str, gene: str, effect_class: str) -> str | None:
    """Return the flags of one effect: a cell of the column ``flags``, from those of its row."""
    blood = gene in haematopoiesis_genes() and effect_class in PROTEIN_CHANGING
    mutated = False
    for start, end in hypermutation_spans(build).get(chrom, ()):
        mutated |= start < pos + len(ref) - 1 and end > pos - 1
    if not (blood or mutated):
        return None
    return ";".join((CLONAL_HAEMATOPOIESIS,) * blood + (HYPERMUTATION,) * mutated)


def hypermutation_regions(build: str) -> Regions:
    """Return the regions that somatic hypermutation reaches on a build, see :func:`hypermutation_spans`."""
    return Regions((chrom, start, end) for chrom, spans in hypermutation_spans(build).items() for start, end in spans)


@functools.cache
def hypermutation_spans(build: str) -> dict[str, tuple[tuple[int, int], ...]]:
    """Return the regions by contig (half-open, from 0) that somatic hypermutation reaches on a build.

    ``tss``: :data:`REACH` bases from the start of the gene's first transcript in
    ``resources/transcripts.<build>.tsv``, in its direction.  ``interval``: as the row has it (1-based,
    both ends included), one row per build.

    Raises
    ------
    KnowledgeError
        A gene without a transcript, a kind that does not exist, or an interval that cannot be.
    """
    starts = {}
    for transcript in reversed(load_transcripts(build)):  # the one that names variants comes first, so it is kept
        at = transcript.start - 1 if transcript.strand == "+" else transcript.end - REACH
        starts[transcript.gene] = (transcript.chrom, at, at + REACH)
    out = []
    for line, row in _rows(REGIONS, "region", "build"):
        if row["kind"] == "tss" and row["region"] in starts:
            out.append(starts[row["region"]])
        elif row["kind"] == "interval" and row["start"].isdigit() and row["end"].isdigit():
            start, end, chrom = int(row["start"]), int(row["end"]), row["chrom"]
            if not 0 < start <= end <= contig_lengths(row["build"]).get(chrom, 0):
                raise KnowledgeError(f"{REGIONS}: row {line}: {chrom}:{start}-{end} does not lie on {row['build']}")
            if row["build"] == build:
                out.append((chrom, start - 1, end))
        else:
            raise KnowledgeError(f"{REGIONS}: row {line}: '{row['region']}' is no gene with a transcript and no interval")
    return {chrom: tuple(sorted((a, b) for c, a, b in out if c == chrom)) for chrom in {c for c, _, _ in out}}


def _rows(name: str, *key: str) -> Iterator[tuple[int, dict[str, str]]]:
    seen = set()
    with resource_path(name).open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE), start=2):
            place = tuple(row[column] for column in key)
            if place in seen or row["source"] in ("", "NA") or row["verified"] not in ("true", "false"):
                raise KnowledgeError(f"{name}: row {line}: stands twice, or has no source or no word on who read it")
            seen.add(place)
            yield line, row
