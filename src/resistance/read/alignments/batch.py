"""The alignments of a batch of samples -> every table of the stage ``pileup``: variants, filters, background, quality, SNPs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance import config, schemas
from resistance.errors import Collected
from resistance.layout import PILEUP
from resistance.read.alignments.background import background_of
from resistance.read.alignments.bases import KnownBases, known_bases
from resistance.read.alignments.controls import control_positions
from resistance.read.alignments.count import count_sample
from resistance.read.alignments.positions import Filters, position_table
from resistance.read.alignments.quality import count_reads, fragment_lengths, quality_of, region_coverage
from resistance.read.alignments.targets import Target, read_targets
from resistance.read.black_list import BlackList, read_black_list
from resistance.read.gather import stacked
from resistance.regions import Regions

if TYPE_CHECKING:
    import pandas as pd

#: usable bases of a position
_DEPTH = ["A", "C", "G", "T"]


def count_batch(
    files: Sequence[tuple[str, Path]],
    sites: Mapping[str, pd.DataFrame],
    settings: config.Alignments,
    *,
    build: str,
    base: Path,
    controls: bool = False,
) -> dict[str, pd.DataFrame]:
    """Count everything in the alignments of some samples.

    Parameters
    ----------
    files : sequence of (sample_id, Path)
    sites : mapping of DataFrame
        sample_id -> the variants that are looked for in it.
    settings : config.Alignments
    build : str
    base : Path
        Folder of the cohort file.
    controls : bool
        The samples are controls: their positions become the panel of normals.

    Returns
    -------
    dict of DataFrame
        The tables of :data:`resistance.layout.PILEUP`, by name.  Without targets there is no background, no coverage and no panel of
        normals.

    Raises
    ------
    InputError
        What is wrong with any file of the batch, all of it.
    """
    found = Collected()
    targets = () if settings.targets is None else found.call(read_targets, base / settings.targets) or ()
    listed = None if settings.blacklist is None else found.call(read_black_list, base / settings.blacklist)
    found.stop()
    panel = _Panel(targets, listed, settings, build, base)
    parts: dict[str, list[pd.DataFrame]] = {schema.name: [] for schema in PILEUP}
    of_controls: list[tuple[str, pd.DataFrame]] = []
    bases: KnownBases | None = None
    for sample, path in files:
        one = found.call(_one, sample, path, sites[sample], panel)
        if one is None:
            continue
        tables, positions, known = one
        for name, table in tables.items():
            parts[name].append(table)
        if controls and positions is not None:
            of_controls.append((sample, positions))
            bases = bases or known
    found.stop()
    if of_controls and bases is not None:
        parts[schemas.CONTROL_POSITIONS.name].append(control_positions(of_controls, bases, build))
    return {schema.name: stacked(parts[schema.name], schema) for schema in PILEUP}


class _Panel:
    """What is the same for every sample of a batch."""

    def __init__(
        self, targets: Sequence[Target], listed: BlackList | None, settings: config.Alignments, build: str, base: Path
    ) -> None:
        self.targets, self.listed, self.settings, self.build, self.base = tuple(targets), listed, settings, build, base
        self.spans = [(t.chrom, t.start, t.end) for t in self.targets]
        self.regions = Regions(self.spans) if self.spans else None
        self.fasta = None if settings.fasta is None else base / settings.fasta
        self.filters = Filters(
            count="reads" if settings.count == "reads" else "fragments",
            min_base_quality=settings.min_base_quality,
            min_mapping_quality=settings.min_mapping_quality,
            keep_duplicates=settings.duplicates == "keep",
        )


def _one(
    sample: str, path: Path, variants: pd.DataFrame, panel: _Panel
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame | None, KnownBases | None]:
    settings = panel.settings
    tables = count_sample(path, variants, settings, sample_id=sample, build=panel.build, base=panel.base, targets=panel.regions)
    reads = count_reads(path, panel.targets, fasta=panel.fasta)
    tables[schemas.FRAGMENT_LENGTHS.name] = fragment_lengths(sample, reads.lengths)
    if not panel.spans:
        tables[schemas.ALIGNMENT_QUALITY.name] = quality_of(sample, reads)
        return tables, None, None
    positions = position_table(path, panel.build, panel.spans, panel.filters, fasta=panel.fasta)
    bases = known_bases(positions, panel.fasta)
    depth: Any = positions[_DEPTH].sum(axis=1)
    tables[schemas.ALIGNMENT_QUALITY.name] = quality_of(sample, reads, depth.to_numpy())
    tables[schemas.REGION_COVERAGE.name] = region_coverage(sample, panel.targets, positions.assign(depth=depth))
    followed = {(str(chrom), int(pos)) for chrom, pos in zip(variants["chrom"], variants["pos"], strict=True)}
    tables[schemas.BACKGROUND.name] = background_of(sample, positions, bases, black_list=panel.listed, leave_out=followed)
    return tables, positions, bases
