"""What a study decides about ctDNA: how reads are counted, what background is, what counts as a response."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

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
    blacklist: str | None = Field(None, description="BED or VCF of positions that the background leaves out.")
    snps: str | None = Field(None, description="VCF of common SNPs (with AF), for the identity of samples and contamination.")


class Mrd(Strict):
    """Tests for minimal residual disease."""

    methods: list[Literal["exact", "monte_carlo", "likelihood_ratio"]] = Field(default=["exact"], description="Tests to run.")
    draws: int = Field(10_000, ge=100, description="monte_carlo: simulations.")


class Ctdna(Strict):
    """ctDNA under treatment."""

    convention_pg_per_haploid_genome: float = Field(
        3.3, gt=0, description="3.3 pg per haploid genome: 1 ng = 303 genome equivalents."
    )
    molecular_response_log10: float = Field(2.0, gt=0, description="Drop from baseline that counts as molecular response.")
    detection_alt_count: int = Field(1, ge=1, description="Reads of a tracked variant that count as detected.")
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
    relapse_endpoint: str | None = Field(
        None, description="Time-to-event endpoint whose event is clinical relapse, for the lead time of molecular relapse."
    )
    mrd: Mrd = Mrd()
    alignments: Alignments | None = Field(None, description="Count the variants in the alignments (null: as called).")
