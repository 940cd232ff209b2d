"""The cohort file (YAML) -> typed, checked settings; the same models give the workflow's JSON schema.

Every key is documented here once; ``resistance schema`` prints the schema and ``resistance init``
writes a file that explains itself from these descriptions.  Paths are relative to the cohort file.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from resistance.errors import InputError, Problem

Scalar = str | int | float | bool
Build = Literal["GRCh37", "GRCh38"]
Material = Literal["plasma", "tumour", "bone_marrow", "germline", "cell_line"]
Timepoint = Literal["baseline", "on_treatment", "end_of_treatment", "relapse", "follow_up"]
EvidenceKind = Literal["mutation", "copy_number", "fusion", "splice", "expression", "ihc", "cytogenetics", "ctdna"]
MeasuredKind = Literal["serum", "score", "splice"]


_UNKNOWN_SAMPLES = "A sample of the file that the samples sheet does not have: an error, or dropped and counted."


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnMap(_Strict):
    """Where a value comes from in somebody's table. A bare string means ``{column: that}``."""

    column: str | list[str] | None = Field(None, description="Column name; of several, the first that is not empty.")
    constant: Scalar | None = Field(None, description="The same value for every row (instead of a column).")
    values: dict[str, Scalar | None] | None = Field(
        None, description="Value in the file -> value here; a value not listed is an error. null means unknown."
    )
    unit: Literal["days", "weeks", "months", "years", "fraction", "percent"] | None = Field(
        None, description="Unit in the file. Times become days (month = 365.25/12 days), ages years, fractions 0..1."
    )
    pattern: str | None = Field(None, description="Regular expression; its first group is the value.")
    template: str | None = Field(None, description="Text with {} for the value, such as DLBCL_DUKE_{}.")
    na: list[str] = Field(default_factory=list, description="Further words for 'unknown' (NA, '' and the like always are).")

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMap:
        if (self.column is None) == (self.constant is None):
            raise ValueError("give either 'column' or 'constant'")
        return self


def _column(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


Mapped = Annotated[ColumnMap, BeforeValidator(_column, json_schema_input_type=str | ColumnMap)]


class Rule(_Strict):
    """One inclusion rule; a patient who fails it is left out and counted under `reason`."""

    column: str = Field(description="Column of the patients table as it stands in the file.")
    in_: list[Scalar] | None = Field(None, alias="in", description="Kept when the value is one of these.")
    not_in: list[Scalar] | None = Field(None, description="Left out when the value is one of these.")
    at_least: float | None = Field(None, description="Kept when the number is at least this.")
    at_most: float | None = Field(None, description="Kept when the number is at most this.")
    reason: str = Field(description="Why the others are left out, in words for the flow of patients.")


class Sheet(_Strict):
    """A table file: TSV, CSV or XLSX, with the names its columns have there."""

    file: str = Field(description="Path, relative to the cohort file. .gz is read as it is.")
    sheet: str | None = Field(None, description="Sheet of an XLSX file (default: the first).")
    comment: str | None = Field(None, description="Lines that start with this are skipped ('#' for cBioPortal files).")
    encoding: str = Field("utf-8-sig", description="Text encoding; a byte-order mark is dropped.")
    columns: dict[str, Mapped] = Field(default_factory=dict, description="Name here -> column in the file.")


class JoinedSheet(Sheet):
    """A further table about the same patients; its columns are used as if they stood in the first."""

    patient_id: Mapped = Field(description="How its rows name the patient.")
    prefix: str = Field("", description="Put before its column names, so that they cannot clash.")


class Patients(Sheet):
    """The patients sheet."""

    join: list[JoinedSheet] = Field(default_factory=list, description="Further tables about the same patients.")
    include: list[Rule] = Field(default_factory=list, description="Inclusion rules, applied in this order and counted.")


class Samples(Sheet):
    """The samples sheet. Columns: sample_id, patient_id, material, timepoint, day, plasma_ml, cfdna_ng_per_ml, and the files vcf, bam, coverage."""

    one_per_patient: bool = Field(
        False,
        description="There is no samples sheet: one sample per patient, named as the patient (set file to the patients file).",
    )


class TimeColumn(_Strict):
    """A time to event: its columns, unit and the codes of the event."""

    time: Mapped = Field(description="Time from the origin; unit is required.")
    event: Mapped = Field(description="Column with the event codes.")
    event_codes: list[Scalar] = Field(description="Codes that mean the event happened. Never guessed.")
    censored_codes: list[Scalar] = Field(description="Codes that mean still at risk at that time. Never guessed.")
    competing_codes: list[Scalar] = Field(default_factory=list, description="Codes of competing events.")
    competing_as: Literal["event", "censored"] = Field(
        "censored", description="How a cause-specific model here counts a competing event."
    )
    start: Mapped | None = Field(
        None,
        description="Time from the origin to the start of treatment: follow-up is then counted from there. Patients whose start is "
        "unknown, negative, or not before the end of follow-up are left out of the endpoint and counted.",
    )
    on_negative_time: Literal["error", "exclude"] = Field(
        "error", description="A negative time stops the run, or leaves the patient out of this endpoint, counted."
    )


class Endpoint(_Strict):
    """One endpoint of the study."""

    label: str = Field(description="Name in the report, such as 'Overall survival from treatment start'.")
    kind: Literal["binary", "ordinal", "continuous", "time_to_event"] = Field(description="What the endpoint is.")
    origin: str = Field("start of treatment", description="What time zero is, in words; the report prints it.")
    value: Mapped | None = Field(None, description="binary, ordinal, continuous: the column.")
    positive: list[Scalar] = Field(default_factory=list, description="binary: codes that count as yes (responders: CR, PR).")
    negative: list[Scalar] = Field(default_factory=list, description="binary: codes that count as no.")
    not_evaluable: list[Scalar] = Field(default_factory=list, description="Codes that count as neither; left out and counted.")
    levels: list[Scalar] = Field(default_factory=list, description="ordinal: the codes from worst to best.")
    survival: TimeColumn | None = Field(None, description="time_to_event: time, event and their codes.")
    early_progression_is_known_at_day: float | None = Field(
        None, description="On-treatment markers are compared from this day on (landmark), to avoid immortal time."
    )

    @model_validator(mode="after")
    def _complete(self) -> Endpoint:
        if self.kind == "time_to_event":
            if self.survival is None:
                raise ValueError("a time_to_event endpoint needs 'survival'")
            if self.survival.time.unit not in ("days", "weeks", "months", "years"):
                raise ValueError("survival.time needs a unit: days, weeks, months or years")
            if self.survival.start is not None and self.survival.start.unit not in ("days", "weeks", "months", "years"):
                raise ValueError("survival.start needs a unit: days, weeks, months or years")
        elif self.value is None:
            raise ValueError(f"a {self.kind} endpoint needs 'value'")
        if self.kind == "binary" and not (self.positive and self.negative):
            raise ValueError("a binary endpoint needs both 'positive' and 'negative' codes")
        if self.kind == "ordinal" and len(self.levels) < 2:
            raise ValueError("an ordinal endpoint needs 'levels' from worst to best")
        return self


class Variants(_Strict):
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
        "hgvsp, transcript, exon, depth, ref_count, alt_count, vaf, filter, build.",
    )
    keep_filters: list[str] = Field(
        default_factory=lambda: ["PASS", "."], description="vcf and maf: FILTER values kept; the others are counted as dropped."
    )
    min_depth: int = Field(0, ge=0, description="Calls with a known depth below this are dropped and counted.")
    min_vaf: float = Field(0.0, ge=0, le=1, description="Calls with a known VAF below this are dropped and counted.")
    unknown_samples: Literal["error", "drop"] = Field(
        "error", description="A sample of the file that the samples sheet does not name: an error, or dropped and counted."
    )


class Assay(_Strict):
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


class CopyNumber(_Strict):
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
    unknown_samples: Literal["error", "drop"] = Field("error", description=_UNKNOWN_SAMPLES)


class Fusions(_Strict):
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
    unknown_samples: Literal["error", "drop"] = Field("error", description=_UNKNOWN_SAMPLES)


class Expression(_Strict):
    """An expression matrix: genes in rows, samples in columns."""

    file: str = Field(description="Path, relative to the cohort file.")
    unit: Literal["counts", "tpm", "log2"] = Field(description="What the numbers are; checked for plausibility, never guessed.")
    gene_column: str | None = Field(None, description="Column with symbols or Ensembl ids (default: the first).")
    sample_id: Mapped | None = Field(None, description="Turns column names into our sample names; column may be any word.")
    platform: str = Field("unspecified", description="rnaseq, affymetrix ..., printed beside every score.")
    unknown_samples: Literal["error", "drop"] = Field("error", description=_UNKNOWN_SAMPLES)


class NanoString(_Strict):
    """NanoString counts."""

    format: Literal["rcc", "counts"] = Field(description="RCC files, or one table of counts.")
    file: str | None = Field(
        None, description="counts: a table, codes in rows. rcc: the samples sheet's column 'rcc' names the files."
    )
    gene_column: str | None = Field(None, description="counts: column with the code's name (default: the first).")
    class_column: str | None = Field(None, description="counts: column with the code class.")
    unknown_samples: Literal["error", "drop"] = Field("error", description=_UNKNOWN_SAMPLES)


class Ihc(Sheet):
    """Immunohistochemistry, one row per sample (or patient); columns maps sample_id and each antibody (CD10, BCL6, MUM1, MYC, BCL2 ...)."""

    values_are: Literal["percent", "fraction", "calls"] = Field(
        "percent", description="percent 0..100, fraction 0..1, or positive/negative calls."
    )
    unknown_samples: Literal["error", "drop"] = Field("error", description=_UNKNOWN_SAMPLES)


class Measurements(Sheet):
    """Numbers per sample that no other key takes; columns maps sample_id and each name (serum: symbol; splice: SYMBOL:exonN)."""

    kind: MeasuredKind = Field(
        description="serum: level of a protein; score: any computed score (signature, NK cells, alleles); "
        "splice: share of a gene's transcript without the exon (unit: fraction or percent)."
    )
    unit: str | None = Field(None, description="Unit of the numbers, for the reader (ng/mL).")
    unknown_samples: Literal["error", "drop"] = Field("error", description=_UNKNOWN_SAMPLES)


class ClinicalEvents(Sheet):
    """Adverse events (patient_id, term, grade, drug, cycle, day) or treatments (patient_id, line, regimen, start_day, end_day)."""

    unknown_patients: Literal["error", "drop"] = Field(
        "error", description="Rows of a patient whom the patients sheet does not have: an error, or dropped and counted."
    )


class SubtypeLabel(_Strict):
    """A subtype that the study gives."""

    name: str = Field(description="Name of the method, such as rnaseq or nanostring.")
    value: Mapped = Field(description="Column of the patients table, with values mapped to ABC, GCB, non-GCB, UNCLASSIFIED ...")


class Subtype(_Strict):
    """Cell of origin and genetic subtype."""

    labels: list[SubtypeLabel] = Field(default_factory=list, description="Labels given in the patients table.")
    methods: list[Literal["hans"]] = Field(default_factory=list, description="Methods to run.")
    use: str | None = Field(
        None, description="The method whose calls stratify the analysis and head the report: label:<name>, hans ..."
    )


class Ctdna(_Strict):
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


class Population(_Strict):
    """A named subset in which questions are asked."""

    label: str = Field(description="Name in the report.")
    include: list[Rule] = Field(default_factory=list, description="Rules on the patients table (as in patients.include).")


class MarkerQuestion(_Strict):
    """Markers that stand together in one model, against patients who have none of them."""

    name: str = Field(description="Name of the question in the results.")
    markers: list[str] = Field(min_length=1, description="marker_id of each marker in the model.")
    endpoint: str = Field(description="Endpoint of the question.")
    population: str = Field("all", description="Population in which it is asked.")


class Contrast(_Strict):
    """A question about a covariate or subtype: one level against another."""

    name: str = Field(description="Name of the question in the results.")
    variable: str = Field(description="A covariate of the cohort file, or 'subtype' for the method in subtype.use.")
    level: Scalar = Field(description="The level whose effect is estimated.")
    reference: Scalar = Field(description="The level it is compared with.")
    endpoint: str = Field(description="Endpoint of the question.")
    population: str = Field("all", description="Population in which it is asked.")


class Annotation(_Strict):
    """Where the effects of variants come from."""

    mode: Literal["file", "native", "both"] = Field(
        "file",
        description="file: the annotation that the callers' files carry; native: own consequences and HGVS names in the genes of "
        "the reference, the files' annotation elsewhere; both: as native, and where the two disagree is listed.",
    )
    reference_file: str | None = Field(
        None, description="native, both: reference.json of a bundle that `resistance reference build` made of your genome."
    )

    @model_validator(mode="after")
    def _has_reference(self) -> Annotation:
        if (self.mode != "file") != (self.reference_file is not None):
            raise ValueError("the modes 'native' and 'both' need 'reference_file', and only they")
        return self


class Analysis(_Strict):
    """The plan of the analysis; written out before any p-value is computed."""

    primary: str | None = Field(None, description="The primary endpoint.")
    endpoints: list[str] = Field(
        default_factory=list, description="Endpoints asked of every marker (default: all binary and time-to-event)."
    )
    covariates: list[str] = Field(default_factory=list, description="Adjusted for in the adjusted models.")
    strata: list[str] = Field(
        default_factory=list,
        description="Strata of the adjusted Cox models and of stratified tests ('subtype', 'treatment' or a covariate).",
    )
    treatment_interaction: bool = Field(
        False, description="Ask for marker x treatment interaction (needs a control arm without IMiD)."
    )
    min_carriers: int = Field(1, ge=1, description="Markers with fewer carriers are listed, not tested.")
    min_carrier_events: int = Field(
        3,
        ge=1,
        description="Regression models with fewer carriers who had an event (binary: either outcome) give estimate and interval, "
        "but no p: the test is asymptotic. Exact tests are not concerned.",
    )
    cooccurrence_carriers: int = Field(
        5, ge=1, description="Genes with at least this many carriers at baseline are asked whether they occur together or apart."
    )
    markers: list[str] | None = Field(
        None, description="Only these markers (default: all of the knowledge base that could be assessed)."
    )
    genes: Literal["knowledge_base", "all_mutated"] = Field(
        "knowledge_base", description="all_mutated also asks one question per mutated gene of the assay, in a family of its own."
    )
    joint: list[MarkerQuestion] = Field(default_factory=list, description="Markers that stand together in one model.")
    contrasts: list[Contrast] = Field(default_factory=list, description="Questions about covariates or subtypes.")
    populations: dict[str, Population] = Field(default_factory=dict, description="Subsets; 'all' always exists.")
    timepoint: Timepoint = Field("baseline", description="Time point of the markers that are associated.")


class Markers(_Strict):
    """Which statements to match."""

    file: str | None = Field(None, description="Own markers.tsv, used after the packaged one.")


class Report(_Strict):
    """The report."""

    title: str | None = Field(None, description="Title of the page (default: study.title).")
    notes: list[str] = Field(default_factory=list, description="Sentences printed at the top: caveats of this cohort.")
    response: str | None = Field(None, description="The endpoint of table 1 and of the response figures.")
    oncoprint_genes: int = Field(25, ge=1, description="Most rows of the oncoprint.")


class Study(_Strict):
    """What the cohort is."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="Short name; names the results folder.")]
    title: str = Field(description="One sentence.")
    build: Build = Field(description="Genome build of every file; checked, never guessed.")
    disease: str = Field("any", description="OncoTree code.")
    simulated: bool = Field(False, description="Simulated data: said on every page.")
    simulation_note: str | None = Field(None, description="How the data were simulated, in a sentence.")
    imid: bool | None = Field(
        None,
        description="True: every patient had an IMiD; false: none had (prognostic only); null: see the column imid of the patients.",
    )
    citation: str | None = Field(None, description="Paper or source of the data.")


class CohortFile(_Strict):
    """A cohort file."""

    resistance: Literal[1] = Field(description="Version of this form.")
    study: Study
    output: str = Field("results", description="Folder for results, relative to the folder the command is run in.")
    seed: int = Field(1, ge=0)
    batch_size: int = Field(100, ge=1, description="Samples per batch; batches follow the order of the samples sheet.")
    patients: Patients
    samples: Samples
    covariates: dict[str, Mapped] = Field(
        default_factory=dict, description="Further columns of the patients table, by name here."
    )
    endpoints: dict[str, Endpoint] = Field(min_length=1)
    variants: list[Variants] = Field(default_factory=list)
    assays: list[Assay] = Field(default_factory=list)
    copy_number: list[CopyNumber] = Field(default_factory=list)
    fusions: list[Fusions] = Field(default_factory=list)
    expression: Expression | None = None
    nanostring: NanoString | None = None
    ihc: Ihc | None = None
    measurements: list[Measurements] = Field(default_factory=list)
    adverse_events: ClinicalEvents | None = None
    treatments: ClinicalEvents | None = None
    annotation: Annotation = Annotation()
    subtype: Subtype = Subtype()
    ctdna: Ctdna = Ctdna()
    markers: Markers = Markers()
    analysis: Analysis = Analysis()
    report: Report = Report()

    @model_validator(mode="after")
    def _names_exist(self) -> CohortFile:
        wrong: list[str] = []

        def known(name: str, names: list[str], where: str) -> None:
            if name not in names:
                close = difflib.get_close_matches(name, names, 1)
                hint = f" (did you mean {close[0]}?)" if close else f" (there are: {', '.join(names) or 'none'})"
                wrong.append(f"{where} names '{name}', which does not exist{hint}")

        endpoints, plan = list(self.endpoints), self.analysis
        populations = ["all", *plan.populations]
        variables = ["age_years", "sex", "treatment", "imid", "subtype", *self.covariates]
        for name in [plan.primary, *plan.endpoints, self.report.response]:
            if name is not None:
                known(name, endpoints, "analysis")
        asked: list[MarkerQuestion | Contrast] = [*plan.joint, *plan.contrasts]
        for item in asked:
            known(item.endpoint, endpoints, f"analysis '{item.name}'")
            known(item.population, populations, f"analysis '{item.name}'")
        for contrast in plan.contrasts:
            known(contrast.variable, variables, f"analysis.contrasts '{contrast.name}'")
        for name in [*plan.covariates, *plan.strata]:
            known(name, variables, "analysis")
        if self.subtype.use is not None:
            known(self.subtype.use, [*(f"label:{x.name}" for x in self.subtype.labels), *self.subtype.methods], "subtype.use")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML that refuses a key given twice (plain YAML keeps the last, silently)."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen: dict[Any, int] = {}
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.MarkedYAMLError(None, None, f"key '{key}' stands twice (first in line {seen[key]})", key_node.start_mark)
        seen[key] = key_node.start_mark.line + 1
    return yaml.SafeLoader.construct_mapping(loader, node, deep)


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(path: str | Path) -> CohortFile:
    """Read and check a cohort file.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    CohortFile

    Raises
    ------
    InputError
        The file is missing, is not YAML, or has unknown keys or wrong values: all of them, each
        with its place in the file and what is expected.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError(
            "the cohort file is missing", path=path, remedy="`resistance init FOLDER` writes one to start from."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError("the cohort file is not UTF-8 text", path=path, remedy="Save it as UTF-8.") from error
    try:
        raw = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise InputError(
            f"not readable as YAML: {error.problem}",
            path=path,
            row=None if mark is None else mark.line + 1,
            remedy="Indent with spaces; quote text that holds a colon.",
        ) from error
    except yaml.YAMLError as error:
        raise InputError(f"not readable as YAML: {error}", path=path) from error
    if not isinstance(raw, dict):
        raise InputError(
            "the cohort file is empty or no mapping", path=path, remedy="`resistance init FOLDER` writes one to start from."
        )
    return parse(raw, path)


def parse(raw: dict[str, Any], path: str | Path) -> CohortFile:
    """Check an already read cohort file (see :func:`load`)."""
    try:
        return CohortFile.model_validate(raw)
    except ValidationError as error:
        raise InputError([_problem(item, str(path)) for item in error.errors()]) from error


def _problem(item: Any, path: str) -> Problem:
    place = ".".join(str(part) for part in item["loc"]) or "(top level)"
    message, remedy = item["msg"].removeprefix("Value error, "), None
    value = None if isinstance(item.get("input"), dict | list | BaseModel) else str(item.get("input"))
    if item["type"] == "extra_forbidden":
        model: Any = CohortFile
        known = sorted(_keys_at(model, item["loc"][:-1]))
        close = difflib.get_close_matches(str(item["loc"][-1]), known, 1)
        message, value = "unknown key", None
        remedy = f"Did you mean '{close[0]}'?" if close else f"Known here: {', '.join(known)}."
    elif item["type"] == "missing":
        message, value, remedy = "this key is required", None, "Add it; `resistance schema` prints what it means."
    return Problem(message, path, None, place, value, remedy)


def _keys_at(model: Any, loc: tuple[Any, ...]) -> set[str]:
    """Names of the keys that the model takes at a place of the file."""
    for part in loc:
        info = model.model_fields.get(part) if hasattr(model, "model_fields") else None
        if info is None:
            continue
        found = _models_in(info.annotation)
        if not found:
            return set()
        model = found[0]
    return {info.alias or name for name, info in model.model_fields.items()}


def _models_in(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    found: list[Any] = []
    for part in getattr(annotation, "__args__", ()) or ():
        found += _models_in(part)
    return found


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of the cohort file (the workflow validates its configuration with it)."""
    schema = CohortFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
