"""What a study decides about ctDNA: how reads are counted, what background is, what counts as a response."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from resistance.config.plasma_level import Haematopoiesis, Level, Milestones
from resistance.config.plasma_quality import BackgroundRates, CellFreeQuality, Identity
from resistance.config.words import Material, Sheet, Strict


class Controls(Sheet):
    """Alignments of healthy plasma, one row each: columns sample_id and bam."""


class Umi(Strict):
    """Unique molecular identifiers."""

    tag: Literal["MI", "RX"] = Field(
        "MI", description="MI: reads are grouped already; RX: they are grouped by umi_tools (extra 'umi')."
    )
    method: Literal["unique", "percentile", "cluster", "adjacency", "directional"] = Field(
        "directional", description="RX: method of umi_tools."
    )
    min_family_size: int = Field(1, ge=1, description="Least fragments of a family that counts.")
    min_agreement: float = Field(
        0.5, ge=0.5, lt=1, description="A family shows the allele of more than this share of its fragments; else it shows none."
    )
    min_reads: tuple[int, int, int] = Field(
        (1, 1, 1),
        description="Duplexes: least reads of a molecule in all, of its larger and of its smaller strand (as in fgbio). Those of a "
        "consensus read are its tags cD, aD and bD.",
    )

    @model_validator(mode="after")
    def _descending(self) -> Umi:
        if list(self.min_reads) != sorted(self.min_reads, reverse=True) or self.min_reads[2] < 0:
            raise ValueError("min_reads go from all to the larger and to the smaller strand: none exceeds the one before")
        return self


class Alignments(Strict):
    """How variants are counted in the files that the samples sheet names under 'bam' (BAM or CRAM, indexed)."""

    fasta: str | None = Field(None, description="Indexed FASTA; needed for CRAM, and for the context of errors.")
    targets: str | None = Field(None, description="BED of the panel: background, coverage and on-target rate are measured in it.")
    materials: list[Material] = Field(default=["plasma", "tumour", "bone_marrow", "germline"], description="Samples of these.")
    batch_size: int = Field(10, ge=1, description="Samples whose alignments one job counts.")
    variants: Literal["patient", "cohort"] = Field(
        "patient",
        description="Which variants are counted in a sample: those called in any sample of its patient, or those of all patients "
        "(then a variant that was carried over from another sample is seen). Controls: always all.",
    )
    count: Literal["fragments", "reads", "families", "duplexes"] = Field(
        "fragments", description="What counts once: fragments (mates merged), reads, UMI families, or duplex molecules."
    )
    min_base_quality: int = Field(20, ge=0, description="Bases below this are not counted.")
    min_mapping_quality: int = Field(30, ge=0, description="Reads below this are not counted.")
    duplicates: Literal["drop", "keep"] = Field(
        "drop", description="Reads marked as duplicates. They are members of their UMI family all the same."
    )
    read_groups: Literal["check", "ignore"] = Field(
        "check", description="check: the read groups of a file (@RG SM) must name its sample_id: a swapped file is refused."
    )
    umi: Umi | None = Field(None, description="Unique molecular identifiers (null: none).")
    hotspots: str | None = Field(None, description="VCF of variants that are counted in every sample, beside the patient's own.")
    controls: Controls | None = Field(None, description="Alignments of healthy plasma: panel of normals and background.")
    blacklist: str | None = Field(
        None, description="Places that the background leaves out: BED, VCF, or text with a line chr_pos or chr_pos_ref_alt each."
    )
    snps: str | None = Field(
        None,
        description="VCF of common SNPs (with AF), for the identity of samples and contamination (null: calls of the cohort that look "
        "inherited).",
    )
    background: BackgroundRates = BackgroundRates()
    quality: CellFreeQuality = CellFreeQuality()


class Mrd(Strict):
    """Tests for minimal residual disease."""

    methods: list[Literal["exact", "monte_carlo", "likelihood_ratio"]] = Field(
        default=["exact"],
        min_length=1,
        description="Tests to run. monte_carlo: mean VAF and number of positive sites, simulated from the background (ctDNAtools); "
        "exact: the same without simulation, and calibrated; likelihood_ratio: with the tumour's allele fractions (INVAR).",
    )
    draws: int = Field(10_000, ge=100, le=10_000_000, description="monte_carlo and likelihood_ratio: simulations.")
    alpha: float = Field(0.05, gt=0, le=0.5, description="Positive where the p that decides is at most this.")
    rates: Literal["sample", "substitution"] = Field(
        "sample", description="Background: one rate per sample, or one per kind of substitution."
    )
    rate_per_allele: Literal["third", "whole"] = Field(
        "third",
        description="A rate of any wrong base is divided by three for the one base of the variant (as the code of ctDNAtools "
        "does), or not (as its manual says). Rates by substitution are of one base already.",
    )
    least_rate: float = Field(
        1e-6, ge=0, lt=1, description="Background of a sample (any wrong base) in which no error was seen: not seen is not zero."
    )
    overdispersion: Literal["background", "none"] = Field(
        "background",
        description="Beta-binomial where the background table has found more spread than binomial, or binomial always.",
    )
    phased_rate: Literal["event", "sample"] = Field(
        "event",
        description="Phased variants: the rate of an event is lowered by the share of its fragments that are checked at a second "
        "site; or, as ctDNAtools does, that of every site by the share over all events of the sample.",
    )
    power: float = Field(0.95, gt=0.5, lt=1, description="Wanted probability to detect a tumour at the VAF of interest.")
    vaf_of_interest: float = Field(
        1e-4, gt=0, le=1, description="A test that is not positive is negative only where it had the wanted power at this VAF."
    )

    @model_validator(mode="after")
    def _can_be_positive(self) -> Mrd:
        if self.alpha * (self.draws + 1) < 1 and {"monte_carlo", "likelihood_ratio"} & set(self.methods):
            raise ValueError(
                f"with {self.draws} draws no simulated p is at most alpha ({self.alpha:g}): at least {round(1 / self.alpha)} draws"
            )
        return self


class PairedVariants(Sheet):
    """Variant fractions of one patient at several times, where variants are named by gene and protein change, not by position.

    columns maps patient_id, sample_id, timepoint, gene, vaf; and material, day, hgvsp, variant, depth, alt_count, assay.
    """

    infer_depth: bool = Field(
        False,
        description="No depth in the table: infer reads from fractions that are written with all digits (11/42 as "
        "0.261904761904762): no fewer than the smallest denominator, and the usual one of the sample and assay.",
    )
    unknown_patients: Literal["error", "drop"] = Field(
        "error", description="A patient of the file that the patients sheet does not have: an error, or dropped and counted."
    )


class Ctdna(Strict):
    """ctDNA under treatment."""

    convention_pg_per_haploid_genome: float = Field(
        3.3, gt=0, description="3.3 pg per haploid genome: 1 ng = 303 genome equivalents."
    )
    cfdna_cv: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="Coefficient of variation of the measured cfDNA (assumed; set your laboratory's), for the interval.",
    )
    plasma_volume_cv: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="Coefficient of variation of the plasma volume, where cfdna_ng is divided by plasma_ml (assumed).",
    )
    level: Level | None = Field(
        None, description="A level measured by another assay (null: the mean VAF of the followed variants)."
    )
    molecular_response_log10: float = Field(
        2.0, gt=0, description="Drop from baseline that counts as molecular response at any time."
    )
    milestones: Milestones = Field(
        Milestones(), description="Drops asked for at a certain time: early and major molecular response."
    )
    detection: Literal["background", "counts", "mrd"] = Field(
        "background",
        description="When ctDNA is detected. counts: detection_alt_count reads of a variant; background: these, and over all followed "
        "variants more reads than errors explain (p <= .05; the measured rate, else background_error_rate); mrd: the verdict of the "
        "first of mrd.methods.",
    )
    detection_alt_count: int = Field(1, ge=1, description="Reads of a tracked variant that count as detected.")
    clearance_lod_vaf: float = Field(
        0.001,
        gt=0,
        le=1,
        description="An undetectable sample proves clearance only where its limit of detection is at most this VAF.",
    )
    relapse_rise_log10: float = Field(
        1.0,
        gt=0,
        description="Rise from the nadir that counts as molecular relapse where ctDNA was never cleared (after clearance: detection).",
    )
    haematopoiesis: Haematopoiesis = Haematopoiesis()
    emergence_fdr: float = Field(
        0.05, gt=0, lt=1, description="False discovery rate within patient for emergent and changed variants."
    )
    background_error_rate: float = Field(
        1e-4,
        ge=0,
        lt=1,
        description="Share of reads that show a given wrong base by error. Reads at baseline that this explains (p > .05) make no "
        "variant old: it may still be emergent.",
    )
    emergence_min_later_vaf: float = Field(0.005, ge=0, le=1, description="Least later VAF of an emergent variant.")
    emergence_overdispersion: float = Field(
        5e-4,
        ge=0,
        le=0.5,
        description="How much two libraries of one blood differ beyond the drawing of reads: intraclass correlation of the "
        "beta-binomial. 0.0005 is a library of 2,000 genomes (6.6 ng); a sample whose mass of cfDNA is known and gives fewer "
        "genomes has more. 0: binomial.",
    )
    relapse_endpoint: str | None = Field(
        None, description="Time-to-event endpoint whose event is clinical relapse, for the lead time of molecular relapse."
    )
    paired: list[PairedVariants] = Field(
        default_factory=list, description="Tables of variant fractions at several times, for emergence without positions."
    )
    mrd: Mrd = Mrd()
    identity: Identity = Identity()
    alignments: Alignments | None = Field(None, description="Count the variants in the alignments (null: as called).")
