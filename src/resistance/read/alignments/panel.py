"""Settings of the cohort file and one alignment -> its background, quality, coverage and SNPs; and the panel of normals of controls."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.config.plasma import Alignments
from resistance.dropped import Dropped
from resistance.read.alignments.background import BackgroundRule, background_of
from resistance.read.alignments.bases import KnownBases, known_bases
from resistance.read.alignments.controls import PanelRule, control_positions
from resistance.read.alignments.library import QualityRule, count_reads
from resistance.read.alignments.opened import open_alignment
from resistance.read.alignments.positions import Filters, position_table
from resistance.read.alignments.quality import fragment_lengths, quality_of, region_coverage
from resistance.read.alignments.snps import read_snps, snps_of
from resistance.read.alignments.targets import Target, read_targets
from resistance.read.black_list import BlackList, read_black_list
from resistance.schemas import BACKGROUND, CONTROL_POSITIONS, REGION_COVERAGE, SNP_COUNTS
from resistance.tables import empty

if TYPE_CHECKING:
    import pandas as pd

_BASES = ["A", "C", "G", "T", "N", "deletion"]


@dataclass(frozen=True)
class Measured:
    """One sample.

    Parameters
    ----------
    tables : dict of DataFrame
        ``background``, ``alignment_quality``, ``fragment_lengths``, ``region_coverage``, ``snp_counts``.
    counts : DataFrame or None
        Bases per position of the targets, for the panel of normals; None without targets.
    bases : KnownBases or None
        Their reference bases.
    """

    tables: dict[str, pd.DataFrame]
    counts: pd.DataFrame | None
    bases: KnownBases | None


@dataclass(frozen=True)
class Panel:
    """What all samples of a cohort are measured with; see :func:`open_panel`."""

    build: str
    targets: tuple[Target, ...]
    fasta: Path | None
    black_list: BlackList | None
    snps: pd.DataFrame | None
    filters: Filters
    background: BackgroundRule
    normals: PanelRule
    quality: QualityRule
    note: str | None = None
    #: every mapped read, its duplicates and secondary alignments counts, mates apart: as ctDNAtools
    plain: bool = False

    def sample_of(self, alignment: Path) -> str | None:
        """Return the one sample that the file's read groups name; None where they name none, or several."""
        return open_alignment(alignment, self.build, fasta=self._genome_of(alignment), read_groups="ignore").sample

    def measure(
        self,
        sample_id: str,
        alignment: Path,
        *,
        followed: pd.DataFrame | None = None,
        dropped: Dropped | None = None,
    ) -> Measured:
        """Measure one sample.

        Parameters
        ----------
        sample_id : str
        alignment : Path
            Indexed BAM or CRAM.
        followed : DataFrame, optional
            Variants (chrom, pos, ref, alt) that are counted in it: their positions, and those of the SNPs, are no background.
        dropped : Dropped, optional

        Raises
        ------
        InputError
            As :func:`resistance.read.alignments.opened.open_alignment`; the targets lie on none of the file's contigs.
        """
        open_alignment(alignment, self.build, fasta=self._genome_of(alignment), read_groups="ignore")
        reads = count_reads(alignment, self.targets, rule=self.quality, fasta=self._genome_of(alignment))
        tables = {
            "background": empty(BACKGROUND),
            "region_coverage": empty(REGION_COVERAGE),
            "snp_counts": empty(SNP_COUNTS),
            "fragment_lengths": fragment_lengths(sample_id, reads.lengths, self.quality),
        }
        counts, bases, depths = None, None, None
        if self.targets:
            counts = self._counts(alignment)
            bases = known_bases(counts, self.fasta)
            left_out = positions_of(followed) | positions_of(self.snps)
            found = background_of(
                sample_id,
                counts,
                bases,
                black_list=self.black_list,
                leave_out=left_out,
                rule=self.background,
                dropped=dropped,
            )
            if self.note:
                found["note"] = found["note"].map(lambda text: f"{self.note}; {text}", na_action="ignore").fillna(self.note)
            depth = counts[_BASES].sum(axis=1)
            depths = depth.to_numpy()
            tables["background"] = found
            tables["region_coverage"] = region_coverage(sample_id, self.targets, counts[["chrom", "pos"]].assign(depth=depth))
        tables["alignment_quality"] = quality_of(sample_id, reads, depths, self.quality)
        if self.snps is not None and len(self.snps):
            tables["snp_counts"] = snps_of(
                sample_id, alignment, self.build, self.snps, filters=self.filters, fasta=self._genome_of(alignment)
            )
        return Measured(tables, counts, bases)

    def positions_only(self, alignment: Path) -> Measured:
        """Return what a control gives to a panel of normals, and nothing else."""
        if not self.targets:
            return Measured({}, None, None)
        counts = self._counts(alignment)
        return Measured({}, counts, known_bases(counts, self.fasta))

    def _genome_of(self, alignment: Path) -> Path | None:
        """Return the FASTA where the file cannot be read without it: for the bases of a BAM a part of a genome will do."""
        if self.fasta is None or not alignment.is_file():
            return self.fasta
        with alignment.open("rb") as file:
            return self.fasta if file.read(4) == b"CRAM" else None

    def _counts(self, alignment: Path) -> pd.DataFrame:
        regions = [(t.chrom, t.start, t.end) for t in self.targets]
        filters = self.filters
        if self.plain:
            filters = replace(filters, count="reads", every_alignment=True, beside_indels=True)
        return position_table(alignment, self.build, regions, filters, fasta=self._genome_of(alignment))

    def panel_of_normals(self, controls: Iterable[tuple[str, Measured]]) -> pd.DataFrame:
        """Return what the controls show: schema CONTROL_POSITIONS; empty without targets or controls.

        Parameters
        ----------
        controls : iterable of (name, Measured)
            Taken one after the other.  The reference bases are those of the FASTA, else of the first control.
        """
        pairs = ((name, c.counts, c.bases) for name, c in controls)
        first = next(pairs, None)
        if first is None or first[1] is None or first[2] is None:
            return empty(CONTROL_POSITIONS)
        counts = ((name, table) for name, table, _ in itertools.chain([first], pairs) if table is not None)
        return control_positions(counts, first[2], self.build, rule=self.normals)


def open_panel(
    settings: Alignments,
    base: Path,
    build: str,
    *,
    dropped: Dropped | None = None,
    snps: pd.DataFrame | None = None,
    black_list: BlackList | None = None,
) -> Panel:
    """Read the files that the settings name.

    Parameters
    ----------
    settings : config.Alignments
    base : Path
        Folder that its paths are relative to.
    build : str
    dropped : Dropped, optional
        Takes what is left out of the VCF of SNPs.
    snps : DataFrame, optional
        SNPs to use where the settings name no VCF (:func:`resistance.read.alignments.snps.germline_like`).
    black_list : BlackList, optional
        Added to that of the settings (of a panel of normals).

    Raises
    ------
    InputError
        As the readers of each file.
    """
    listed = None if settings.blacklist is None else read_black_list(base / settings.blacklist)
    if listed is not None and black_list is not None:
        listed = listed.with_more(black_list)
    own = settings.background
    keep = settings.duplicates == "keep"
    filters = Filters(
        "reads" if settings.count == "reads" else "fragments", settings.min_base_quality, settings.min_mapping_quality, keep
    )
    note = None
    if settings.count in ("families", "duplexes"):
        note = f"measured on fragments, while variants are counted in {settings.count}: an upper bound"
    return Panel(
        build,
        () if settings.targets is None else read_targets(base / settings.targets, build),
        None if settings.fasta is None else base / settings.fasta,
        listed if listed is not None else black_list,
        snps if settings.snps is None else read_snps(base / settings.snps, build, dropped),
        filters,
        BackgroundRule(own.below, own.min_positions, own.min_errors),
        PanelRule(own.excess, own.mean_vaf_quantile, own.min_controls_one, own.min_controls_two),
        QualityRule(
            settings.quality.short_lengths,
            settings.quality.long_lengths,
            padding=settings.quality.padding,
            depths=settings.quality.depths,
            min_mapping_quality=settings.min_mapping_quality,
        ),
        note,
    )


def positions_of(variants: pd.DataFrame | None) -> set[tuple[str, int]]:
    """Return chrom and 1-based position of every reference base of the variants (of an insertion: the base before it)."""
    if variants is None:
        return set()
    return {
        (chrom, int(pos) + step)
        for chrom, pos, ref in zip(variants["chrom"], variants["pos"], variants["ref"], strict=True)
        for step in range(max(1, len(ref)))
    }
