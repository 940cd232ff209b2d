"""Where variants, copy number, expression and the other molecular data come from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from resistance.config.words import UNKNOWN_SAMPLES, Build, EvidenceKind, Mapped, Material, MeasuredKind, Sheet, Strict


class Liftover(Strict):
    """How a source on the other build is moved to the build of the study while it is read."""

    from_: Build = Field(
        alias="from", description="Build of the source; header, NCBI_Build and positions are checked against it."
    )
    chain: str = Field(
        description="Chain file from that build to study.build (UCSC's format, .gz is read as it is), relative to the cohort file."
    )


class Variants(Strict):
    """A source of small variants."""

    format: Literal["maf", "vcf"] = Field(description="maf: any MAF dialect; vcf: VCF or BCF.")
    file: str | None = Field(
        None, description="File of the whole cohort; without it the samples sheet's column 'vcf' names one per sample."
    )
    sample_id: Mapped | None = Field(
        None, description="maf: column with the sample (default Tumor_Sample_Barcode); pattern and template apply."
    )
    columns: dict[str, Mapped] = Field(
        default_factory=dict,
        description="maf: names of the columns of a file that is not quite a MAF: chrom, pos, end, ref, alt, gene, classification, hgvsc, "
        "hgvsp, transcript, exon, depth, ref_count, alt_count, vaf, population_af, filter, build.",
    )
    keep_filters: list[str] = Field(
        default_factory=lambda: ["PASS", "."], description="vcf and maf: FILTER values kept; the others are counted as dropped."
    )
    min_depth: int = Field(0, ge=0, description="Calls with a known depth below this are dropped and counted.")
    min_alt_count: int = Field(
        0, ge=0, description="Calls with a known number of supporting reads below this, but not 0, are dropped and counted."
    )
    min_vaf: float = Field(0.0, ge=0, le=1, description="Calls with a known VAF below this are dropped and counted.")
    max_population_af: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Variants with a known population allele frequency above this are dropped and counted (for calling without a "
        "matched normal; 0.001 is usual). A variant without a stated frequency stays.",
    )
    panel_of_normals: str | None = Field(
        None,
        description="Variants seen in normal samples, dropped and counted: a VCF (the alleles must be the same) or a BED (regions).",
    )
    blacklist: str | None = Field(
        None, description="Regions in which no call is believed, dropped and counted: a BED, or a VCF of alleles."
    )
    hotspots: str | None = Field(
        None,
        description="Variants that population frequency, panel of normals and blacklist never drop: a VCF of alleles, or a BED.",
    )
    unknown_samples: Literal["error", "drop"] = Field(
        "error", description="A sample of the file that the samples sheet does not name: an error, or dropped and counted."
    )
    liftover: Liftover | None = Field(
        None,
        description="Only for a source on the other build: its calls are moved to study.build; those without a place there are counted.",
    )
    regions: Literal["all", "panel"] = Field(
        "all",
        description="vcf: 'panel' reads only the records in and 5,000 bases around the genes of the knowledge base, through the index "
        "where there is one: for whole genomes. What lies elsewhere is then not followed in ctDNA either.",
    )

    @model_validator(mode="after")
    def _regions_of_vcf(self) -> Variants:
        if self.regions != "all" and self.format != "vcf":
            raise ValueError("regions belongs to format: vcf")
        return self


class Assay(Strict):
    """What an assay covers: from it follows what is absent and what is not assessed."""

    kind: EvidenceKind = Field(description="Kind of evidence the assay gives.")
    genes: list[str] | None = Field(None, description="Genes covered; ['*'] for a whole exome or genome.")
    gene_list: str | None = Field(
        None, description="File with one symbol per line, or a table whose header holds symbols (see header)."
    )
    header: bool = Field(False, description="gene_list: take the symbols from the header line (a gene matrix).")
    gene_column: str | None = Field(
        None, description="gene_list: take the symbols from this column of a table (each counts once); '#' lines are skipped."
    )
    not_genes: list[str] = Field(
        default_factory=list, description="gene_list: names in it that are no genes (TP53multi, FLT3_ITD) and are passed over."
    )
    bed: str | None = Field(
        None, description="BED file of the target regions; a gene is covered when its name stands in column 4."
    )
    sample_file: Literal["bed", "gene_list", "depth", "mosdepth"] | None = Field(
        None,
        description="Each sample has a file of its own, named in the column 'coverage' of the samples sheet: regions (bed), "
        "symbols (gene_list), a table gene, mean_depth (depth), or mosdepth's regions.bed.gz (regions named after genes).",
    )
    depth: str | None = Field(None, description="Table sample_id, gene, mean_depth; a gene is covered at min_depth or more.")
    min_depth: float = Field(100, ge=0, description="depth, mosdepth: least mean depth that counts as covered.")
    samples: Literal["all", "in_file"] = Field(
        "all", description="Which samples were assayed: all, or those that occur in samples_file."
    )
    samples_file: str | None = Field(None, description="File that names the assayed samples.")
    sample_id: Mapped | None = Field(None, description="samples_file: how it names the sample.")
    materials: list[Material] = Field(default_factory=list, description="Only samples of these materials (default: any).")

    @model_validator(mode="after")
    def _one_source(self) -> Assay:
        given = [name for name in ("genes", "gene_list", "bed", "depth", "sample_file") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"give exactly one of genes, gene_list, bed, depth, sample_file (given: {', '.join(given) or 'none'})"
            )
        if (self.header or self.gene_column is not None or self.not_genes) and self.gene_list is None:
            raise ValueError("header, gene_column and not_genes belong to gene_list")
        if self.sample_file is not None and self.samples == "in_file":
            raise ValueError("sample_file: the samples that have a file were assayed; 'samples: in_file' says it a second time")
        if self.header and self.gene_column is not None:
            raise ValueError("give either header or gene_column")
        if self.samples == "in_file" and (self.samples_file is None or self.sample_id is None):
            raise ValueError("samples: in_file needs 'samples_file' and 'sample_id'")
        return self


class CopyNumber(Strict):
    """A source of copy number."""

    format: Literal["cbioportal_discrete", "cbioportal_log2", "seg", "columns"] = Field(
        description="Discrete (-2..2) or log2 matrix of genes x samples, segments, or columns of the patients table."
    )
    file: str = Field(description="Path, relative to the cohort file.")
    sample_id: Mapped | None = Field(
        None, description="Turns the file's sample names into ours (pattern, template; column for 'columns')."
    )
    gain_log2: float = Field(0.3, description="log2 ratio from which a gene counts as gained.")
    amplification_log2: float = Field(1.0, description="log2 ratio from which a gene counts as amplified.")
    loss_log2: float = Field(-0.3, description="log2 ratio up to which a gene counts as lost.")
    deletion_log2: float = Field(-1.0, description="log2 ratio up to which a gene counts as deeply deleted.")
    genes: dict[str, Mapped] = Field(
        default_factory=dict,
        description="columns: gene or region -> column whose values map to deep_deletion, loss, neutral, gain, amplification, cnloh.",
    )
    unknown_samples: Literal["error", "drop"] = Field("error", description=UNKNOWN_SAMPLES)


class Fusions(Strict):
    """A source of structural variants."""

    format: Literal["cbioportal_sv", "vcf", "table"] = Field(
        description="data_sv.txt, VCF with SVTYPE or breakends, or a plain table."
    )
    file: str | None = Field(None, description="Without it the samples sheet's column 'sv_vcf' names one file per sample.")
    columns: dict[str, Mapped] = Field(
        default_factory=dict,
        description="table: sample_id, kind, gene_1, gene_2, chrom_1, pos_1, chrom_2, pos_2, support, filter.",
    )
    keep_filters: list[str] = Field(
        default_factory=lambda: ["PASS", "."], description="vcf: FILTER values kept; the others are counted as dropped."
    )
    unknown_samples: Literal["error", "drop"] = Field("error", description=UNKNOWN_SAMPLES)


class Expression(Strict):
    """An expression matrix: genes in rows, samples in columns."""

    file: str = Field(description="Path, relative to the cohort file.")
    unit: Literal["counts", "tpm", "log2"] = Field(description="What the numbers are; checked for plausibility, never guessed.")
    gene_column: str | None = Field(None, description="Column with symbols or Ensembl ids (default: the first).")
    sample_id: Mapped | None = Field(None, description="Turns column names into our sample names; column may be any word.")
    platform: str = Field("unspecified", description="rnaseq, affymetrix ..., printed beside every score.")
    unknown_samples: Literal["error", "drop"] = Field("error", description=UNKNOWN_SAMPLES)


class NanoString(Strict):
    """NanoString counts."""

    format: Literal["rcc", "counts"] = Field(description="RCC files, or one table of counts.")
    file: str | None = Field(
        None, description="counts: a table, codes in rows. rcc: the samples sheet's column 'rcc' names the files."
    )
    gene_column: str | None = Field(None, description="counts: column with the code's name (default: the first).")
    class_column: str | None = Field(None, description="counts: column with the code class.")
    unknown_samples: Literal["error", "drop"] = Field("error", description=UNKNOWN_SAMPLES)


class Ihc(Sheet):
    """Immunohistochemistry, one row per sample (or patient); columns maps sample_id and each antibody (CD10, BCL6, MUM1, MYC, BCL2 ...)."""

    values_are: Literal["percent", "fraction", "calls"] = Field(
        "percent", description="percent 0..100, fraction 0..1, or positive/negative calls."
    )
    unknown_samples: Literal["error", "drop"] = Field("error", description=UNKNOWN_SAMPLES)


class Measurements(Sheet):
    """Numbers per sample that no other key takes; columns maps sample_id and each name (serum: symbol; splice: SYMBOL:exonN)."""

    kind: MeasuredKind = Field(
        description="serum: level of a protein; score: any computed score (signature, NK cells, alleles); "
        "splice: share of a gene's transcript without the exon (unit: fraction or percent)."
    )
    unit: str | None = Field(None, description="Unit of the numbers, for the reader (ng/mL).")
    unknown_samples: Literal["error", "drop"] = Field("error", description=UNKNOWN_SAMPLES)
