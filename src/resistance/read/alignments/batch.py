"""The alignments of a batch of samples -> every table of the stage ``pileup``: variants, filters, background, quality, SNPs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resistance import config, schemas
from resistance.dropped import Dropped
from resistance.errors import Collected
from resistance.layout import PILEUP
from resistance.read.alignments.controls import black_list_of
from resistance.read.alignments.count import count_sample
from resistance.read.alignments.panel import Measured, Panel, open_panel
from resistance.read.gather import stacked
from resistance.regions import Regions

if TYPE_CHECKING:
    import pandas as pd


def count_batch(
    files: Sequence[tuple[str, Path]],
    sites: Mapping[str, pd.DataFrame],
    settings: config.Alignments,
    *,
    build: str,
    base: Path,
    controls: bool = False,
    snps: pd.DataFrame | None = None,
    normals: pd.DataFrame | None = None,
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
    snps : DataFrame, optional
        SNPs for the identity of samples, where the settings name no VCF.
    normals : DataFrame, optional
        Schema CONTROL_POSITIONS: what it lists is no part of the background.

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
    dropped = Dropped("pileup")
    listed = None if normals is None else black_list_of(normals)
    panel = found.call(open_panel, settings, base, build, snps=snps, black_list=listed, dropped=dropped)
    found.stop()
    assert panel is not None
    parts: dict[str, list[pd.DataFrame]] = {schema.name: [] for schema in PILEUP}
    measured: list[tuple[str, Measured]] = []
    for sample, path in files:
        one = found.call(_one, sample, path, sites[sample], settings, panel, base, dropped)
        if one is None:
            continue
        tables, measures = one
        for name, table in {**tables, **measures.tables}.items():
            parts[name].append(table)
        if controls:
            measured.append((sample, measures))
    found.stop()
    if measured:
        parts[schemas.CONTROL_POSITIONS.name].append(panel.panel_of_normals(measured))
    parts[schemas.DROPPED.name].append(dropped.frame())
    return {schema.name: stacked(parts[schema.name], schema) for schema in PILEUP}


def _one(
    sample: str,
    path: Path,
    variants: pd.DataFrame,
    settings: config.Alignments,
    panel: Panel,
    base: Path,
    dropped: Dropped,
) -> tuple[dict[str, pd.DataFrame], Measured]:
    regions = Regions([(t.chrom, t.start, t.end) for t in panel.targets]) if panel.targets else None
    tables = count_sample(path, variants, settings, sample_id=sample, build=panel.build, base=base, targets=regions)
    return tables, panel.measure(sample, path, followed=variants, dropped=dropped)
