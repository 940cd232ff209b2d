"""What a study decides about background, quality and identity of the samples whose alignments are counted."""

from __future__ import annotations

from pydantic import Field

from resistance.config.words import Strict


class BackgroundRates(Strict):
    """How often the sequencing shows a wrong base."""

    below: float = Field(
        0.1, gt=0, le=1, description="Positions with a non-reference fraction at or above this hold a variant and are left out."
    )
    min_positions: int = Field(20, ge=2, description="Least positions of a context for a beta-binomial of its own.")
    min_errors: int = Field(5, ge=1, description="Least errors of a context for a beta-binomial of its own.")
    excess: float | None = Field(
        0.05,
        gt=0,
        lt=1,
        description="Panel of normals: a substitution that two controls show, and together more often than the background of its kind "
        "explains, is listed; family-wise level over the panel (null: not used).",
    )
    mean_vaf_quantile: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Panel of normals: listed where the mean fraction over the controls lies above this quantile, such as 0.99 (null: "
        "not used; with few shallow controls every base that is seen once lies above it).",
    )
    min_controls_one: int | None = Field(
        None, ge=1, description="Panel of normals: listed where so many controls show it once (null: not used; for shallow data)."
    )
    min_controls_two: int | None = Field(
        None,
        ge=1,
        description="Panel of normals: listed where so many controls show it twice (null: not used; for shallow data).",
    )


class CellFreeQuality(Strict):
    """What is measured about cell-free DNA and coverage."""

    short_lengths: tuple[int, int] = Field((90, 150), description="Lengths of short fragments, bases, both ends included.")
    long_lengths: tuple[int, int] = Field((151, 220), description="Lengths that short ones are compared with.")
    padding: int = Field(100, ge=0, description="Bases beside a target that count as near it.")
    depths: tuple[int, ...] = Field(
        (100, 500, 1000, 5000, 10000), description="Depths for the share of positions that reach them."
    )


class Identity(Strict):
    """Are the samples of a patient of one person, and of no other?"""

    min_sites: int = Field(10, ge=1, description="With fewer SNPs read in both samples nothing is said.")
    min_depth: int = Field(20, ge=1, description="Least depth of a SNP that counts.")
    log10_ratio: float = Field(
        3.0, gt=0, description="log10 of the likelihood ratio, one person against two, from which a verdict is given."
    )
    contamination: float = Field(0.01, gt=0, lt=0.4, description="Share of another person's DNA that is too much.")
