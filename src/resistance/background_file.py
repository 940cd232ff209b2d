"""One BAM or CRAM, a panel and controls -> tables of background, quality, lengths, coverage, SNPs and normals; no cohort."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.config import Alignments
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.alignments.controls import SHALLOW, black_list_of
from resistance.read.alignments.opened import build_of
from resistance.read.alignments.panel import Measured, Panel, open_panel
from resistance.tables import write_tsv

if TYPE_CHECKING:
    import pandas as pd

#: table -> what its file is called beside OUT
BESIDE = {
    "alignment_quality": "quality",
    "fragment_lengths": "lengths",
    "region_coverage": "coverage",
    "snp_counts": "snps",
    "control_positions": "controls",
}


@dataclass(frozen=True)
class Background:
    """What was written.

    Parameters
    ----------
    rate : float
        Of any wrong base; NaN without a read.
    errors, depth, positions : int
    listed : int
        Alleles and positions that the panel of normals lists.
    paths : tuple of Path
    dropped : list of (str, int)
        Positions and records that were left out, by reason.
    """

    rate: float
    errors: int
    depth: int
    positions: int
    listed: int
    paths: tuple[Path, ...]
    dropped: list[tuple[str, int]]


def background_file(
    alignment: Path,
    out: Path,
    settings: Alignments,
    *,
    controls: Sequence[Path] = (),
    build: str | None = None,
    sample: str | None = None,
    plain: bool = False,
    warn: Callable[[str], None] = lambda _: None,
) -> Background:
    """Measure the background and the quality of one alignment file.

    Parameters
    ----------
    alignment : Path
        Indexed BAM or CRAM.
    out : Path
        Table of rates (schema ``background``, TSV); the others stand beside it, named by :data:`BESIDE`.
    settings : config.Alignments
        With targets.  Its paths are relative to the working folder.
    controls : sequence of Path
        Alignments of healthy plasma.  What they list is left out of the background, beside the black list.
    build : str, optional
        Default: by the lengths of the contigs.
    sample : str, optional
        Its name in the tables.  Default: the sample that the read groups name, as in ``resistance count``; else the file's name.
    plain : bool
        As ctDNAtools: duplicates and secondary alignments count, mates are not merged, and the panel of normals goes by counts of
        reads.
    warn : callable
        Takes a sentence.

    Raises
    ------
    InputError
        As :func:`resistance.read.alignments.panel.open_panel` and ``measure``; no targets; the build cannot be told; the file is
        its own control.  Nothing is written then.
    """
    if settings.targets is None:
        raise InputError("the background is measured in a panel's regions", remedy="Give them: --targets PANEL.bed.")
    paths = {name: out.with_name(f"{out.name.removesuffix('.tsv')}.{word}.tsv") for name, word in BESIDE.items()}
    for target in (out, *paths.values()):
        if target.resolve() in {path.resolve() for path in (alignment, *controls)}:
            raise InputError("is read by this command", path=target, remedy="Give another path for the table.")
    for control in controls:
        if control.resolve() == alignment.resolve():
            raise InputError(
                "is the sample itself: its own variants would make the panel of normals",
                path=control,
                remedy="Remove it from the controls.",
            )
    build = build or build_of(alignment)
    if build is None:
        raise InputError("the build cannot be told from the contigs", path=alignment, remedy="Give --build GRCh37 or GRCh38.")
    dropped = Dropped("background")
    panel = open_panel(settings, Path(), build, dropped=dropped)
    if plain:
        panel = replace(panel, plain=True, normals=SHALLOW)
    if panel.fasta is None:
        warn("no --reference: the reference base of a position is that of most reads")
    normals = panel.panel_of_normals(_measured(panel, controls)) if controls else None
    listed = None if normals is None else black_list_of(normals)
    if listed is not None:
        own = panel.black_list
        panel = replace(panel, black_list=listed if own is None else own.with_more(listed))
    name = sample or panel.sample_of(alignment) or alignment.stem
    found = panel.measure(name, alignment, dropped=dropped)
    tables: dict[str, pd.DataFrame] = dict(found.tables)
    if normals is not None:
        tables["control_positions"] = normals
    whole = tables["background"].iloc[0]
    if not whole["depth"]:
        warn("no usable read in the targets: is it the panel of this sample?")
    write_tsv(tables["background"], out)
    written = [out]
    for name, path in paths.items():
        if name in tables and (name != "snp_counts" or settings.snps is not None):
            write_tsv(tables[name], path)
            written.append(path)
    return Background(
        float(whole["rate"]),
        int(whole["errors"]),
        int(whole["depth"]),
        int(whole["positions"]),
        0 if listed is None else len(listed.rows) + len(listed.substitutions),
        tuple(written),
        [(str(row["reason"]), int(row["n"])) for row in dropped.rows()],
    )


def _measured(panel: Panel, controls: Sequence[Path]) -> Iterator[tuple[str, Measured]]:
    for path in controls:
        yield str(path), panel.positions_only(path)
