"""The tables of one study, as the readers and the annotation give them."""

from __future__ import annotations

from resistance.schemas.parts import (
    EVIDENCE_KINDS,
    MATERIALS,
    MEASURED_KINDS,
    PATIENT_COLUMN,
    SAMPLE_COLUMN,
    TIMEPOINTS,
    VARIANT_COLUMNS,
)
from resistance.tables import Column, Schema

PATIENTS = Schema(
    "patients",
    "One row per patient of the cohort, after inclusion rules; covariates follow.",
    (
        PATIENT_COLUMN,
        Column("sex", "text", "female or male.", allowed=("female", "male")),
        Column("age_years", "real", "Age at the start of observation, years.", low=0, high=120),
        Column("disease", "text", "OncoTree code."),
        Column("treatment", "text", "Regimen or arm as reported."),
        Column("imid", "flag", "The regimen holds an IMiD or CELMoD."),
    ),
    key=("patient_id",),
    extra="any",
)
SAMPLES = Schema(
    "samples",
    "One row per sample.",
    (
        SAMPLE_COLUMN,
        PATIENT_COLUMN,
        Column("material", "text", "What was sampled.", required=True, allowed=MATERIALS),
        Column("timepoint", "text", "When, in the words of the study.", required=True, allowed=TIMEPOINTS),
        Column("day", "real", "Days from the start of treatment (negative before)."),
        Column("cycle", "integer", "Cycles of treatment given before the sample.", low=0),
        Column("plasma_ml", "real", "Plasma used, mL.", low=0),
        Column("cfdna_ng", "real", "Cell-free DNA extracted from it, ng.", low=0),
        Column("cfdna_ng_per_ml", "real", "Cell-free DNA, ng per mL plasma.", low=0),
        Column("purity", "real", "Fraction of tumour cells, 0..1.", low=0, high=1),
    ),
    key=("sample_id",),
)
CALLS = Schema(
    "calls",
    "One row per sample and variant that a caller reported (or looked for: alt_count 0).",
    (
        SAMPLE_COLUMN,
        *VARIANT_COLUMNS,
        Column("depth", "integer", "Reads covering the position.", low=0),
        Column("alt_count", "integer", "Reads with the alternative allele.", low=0),
        Column("vaf", "real", "Variant allele fraction, 0..1.", low=0, high=1),
        Column("filter", "text", "FILTER as the caller wrote it; PASS or NA when passed or not stated."),
        Column(
            "population_af", "real", "Largest population allele frequency that the file states, 0..1; NA: none.", low=0, high=1
        ),
        Column("phase", "text", "Phase set and haplotype (set|1); variants of one sample with the same word lie on one copy."),
        Column("source", "text", "File the call came from.", required=True),
    ),
    key=("sample_id", "build", "chrom", "pos", "ref", "alt"),
)
PAIRED_VARIANTS = Schema(
    "paired_variants",
    "One row per sample and variant of a table of fractions: named by gene and change, without a position.",
    (
        PATIENT_COLUMN,
        SAMPLE_COLUMN,
        Column("material", "text", "What was sampled.", required=True, allowed=MATERIALS),
        Column("timepoint", "text", "When, in the words of the study.", required=True, allowed=TIMEPOINTS),
        Column("day", "real", "Days from the start of treatment, or from diagnosis where the study says so."),
        Column("variant", "text", "Names the variant within the patient.", required=True),
        Column("gene", "text", "HGNC symbol.", required=True),
        Column("hgvsp", "text", "Protein change, one-letter, without 'p.'."),
        Column("vaf", "real", "Variant allele fraction, 0..1.", low=0, high=1),
        Column("depth", "integer", "Reads; NA where the table has none.", low=0),
        Column("alt_count", "integer", "Mutant reads.", low=0),
        Column("assay", "text", "What it was read by, where one sample was read by several."),
        Column("infer_depth", "flag", "Reads may be inferred from the fractions.", required=True),
        Column("source", "text", "File.", required=True),
    ),
    key=("sample_id", "variant"),
)
EFFECTS = Schema(
    "effects",
    "One row per variant and gene: what the variant does to the gene on one transcript.",
    (
        *VARIANT_COLUMNS,
        Column("gene", "text", "HGNC symbol.", required=True),
        Column("consequence", "text", "Sequence Ontology terms, most severe first, joined by '&'."),
        Column(
            "effect_class",
            "text",
            "Class that marker rules use.",
            required=True,
            allowed=(
                "truncating",
                "splice",
                "missense",
                "inframe_indel",
                "start_lost",
                "stop_lost",
                "synonymous",
                "noncoding",
                "other",
            ),
        ),
        Column("hgvsc", "text", "Coding change with the transcript where known."),
        Column("hgvsp", "text", "Protein change, one-letter, without 'p.' (L265P, E505fs*141)."),
        Column("residue", "integer", "First changed residue.", low=0),
        Column("exon", "integer", "Exon number where the file gives it.", low=1),
        Column("transcript", "text", "Transcript with version where known."),
        Column("impact", "text", "HIGH, MODERATE, LOW or MODIFIER."),
        Column(
            "domain",
            "text",
            "Parts of the protein that the change touches (resources/domains.tsv), joined by ';', or 'none'; NA: not known.",
        ),
        Column("aliases", "text", "The protein change on other transcripts, change@transcript, joined by ';'."),
        Column("flags", "text", "clonal_haematopoiesis, hypermutation: what else may explain the variant, joined by ';'."),
        Column("picked", "flag", "The file's own choice of transcript for the gene (PICK, MANE Select or canonical)."),
        Column("source", "text", "file:MAF, file:CSQ, file:ANN, file:BCSQ, native:csq.", required=True),
    ),
    key=("build", "chrom", "pos", "ref", "alt", "gene", "transcript", "source"),
)
PHASED_EFFECTS = Schema(
    "phased_effects",
    "Variants that one sample has on one copy of a gene and that have to be read together: what they do, instead of effects.",
    (
        SAMPLE_COLUMN,
        *VARIANT_COLUMNS,
        Column("gene", "text", "HGNC symbol.", required=True),
        Column("members", "text", "All variants that are read together, this one among them, joined by ';'.", required=True),
        *(column for column in EFFECTS.columns if column.name not in (*(c.name for c in VARIANT_COLUMNS), "gene", "picked")),
    ),
    key=("sample_id", "build", "chrom", "pos", "ref", "alt", "gene"),
)
DIFFERENCES = Schema(
    "annotation_differences",
    "One row per variant and gene that the files' annotation and the own one name differently (annotation: both).",
    (
        *VARIANT_COLUMNS,
        Column("gene", "text", "HGNC symbol.", required=True),
        Column(
            "differs",
            "text",
            "What, apart from spelling: the class of the effect, the change of the protein, or only the numbering of the same "
            "codons (MYD88 L265P is L252P on MANE Select). `other transcript`: the file's words belong to another transcript.",
            required=True,
            allowed=(
                "class",
                "class, other transcript",
                "protein",
                "protein, other transcript",
                "protein not named here",
                "numbering",
            ),
        ),
        Column("effect_class_file", "text", "Class by the file."),
        Column("effect_class_own", "text", "Class here."),
        Column("hgvsp_file", "text", "Protein change by the file."),
        Column("hgvsp_own", "text", "Protein change here."),
        Column("transcript_file", "text", "Transcript of the file."),
        Column("transcript_own", "text", "Transcript here."),
        Column("source_file", "text", "As in effects."),
    ),
    key=("build", "chrom", "pos", "ref", "alt", "gene"),
)
COVERAGE = Schema(
    "coverage",
    "What the assays could see: one row per sample, kind of evidence and gene ('*': every gene).",
    (
        SAMPLE_COLUMN,
        Column("kind", "text", "Kind of evidence.", required=True, allowed=EVIDENCE_KINDS),
        Column("gene", "text", "HGNC symbol, or '*' for the whole exome or genome.", required=True),
        Column("source", "text", "Declaration, BED or depth file it follows from.", required=True),
    ),
    key=("sample_id", "kind", "gene"),
)
#: discrete copy-number state -> copies in a tumour cell; an amplification does not say how many
COPIES_OF_STATE = {-2: 0, -1: 1, 0: 2, 1: 3}
COPY_NUMBER = Schema(
    "copy_number",
    "One row per sample and gene of the knowledge base.",
    (
        SAMPLE_COLUMN,
        Column("gene", "text", "HGNC symbol, or a cytogenetic region such as del(17p).", required=True),
        Column("state", "integer", "-2 deep deletion, -1 loss, 0 neutral, 1 gain, 2 amplification.", low=-2, high=2),
        Column("log2_ratio", "real", "log2 (copies / 2)."),
        Column("loh", "flag", "Copy-neutral loss of heterozygosity."),
        Column("source", "text", "File.", required=True),
    ),
    key=("sample_id", "gene"),
)
FUSIONS = Schema(
    "fusions",
    "One row per sample and structural event; ITD and PTD without coordinates stand here too.",
    (
        SAMPLE_COLUMN,
        Column(
            "kind",
            "text",
            "Kind of event.",
            required=True,
            allowed=("fusion", "translocation", "deletion", "duplication", "inversion", "insertion", "ITD", "PTD", "other"),
        ),
        Column("gene_1", "text", "First partner, HGNC symbol."),
        Column("gene_2", "text", "Second partner, HGNC symbol."),
        Column("chrom_1", "text", "Contig of the first breakend."),
        Column("pos_1", "integer", "1-based.", low=1),
        Column("chrom_2", "text", "Contig of the second breakend."),
        Column("pos_2", "integer", "1-based.", low=1),
        Column("support", "integer", "Supporting reads or fragments.", low=0),
        Column("filter", "text", "FILTER as the caller wrote it."),
        Column("source", "text", "File.", required=True),
    ),
)
EXPRESSION = Schema(
    "expression",
    "Genes x samples as the file gives them; one column per sample follows.",
    (Column("gene", "text", "HGNC symbol (or Ensembl id where no symbol is known).", required=True),),
    key=("gene",),
    extra="real",
)
NANOSTRING = Schema(
    "nanostring",
    "Codes x samples, raw counts; one column per sample follows.",
    (
        Column("gene", "text", "Name on the code set.", required=True),
        Column("code_class", "text", "Endogenous, Housekeeping, Positive or Negative."),
    ),
    key=("gene", "code_class"),
    extra="real",
)
NANOSTRING_LANES = Schema(
    "nanostring_lanes",
    "One row per sample that was read from an RCC file: what the instrument says about its lane.",
    (
        SAMPLE_COLUMN,
        Column("fov_count", "real", "Fields of view that were to be counted.", low=0),
        Column("fov_counted", "real", "Fields of view that were counted.", low=0),
        Column("binding_density", "real", "Codes per square micron.", low=0),
        Column("scanner_id", "text", "Serial number of the scanner; its fifth character names the instrument."),
    ),
    key=("sample_id",),
)
IHC = Schema(
    "ihc",
    "One row per sample and antibody.",
    (
        SAMPLE_COLUMN,
        Column("antibody", "text", "CD10, BCL6, MUM1, MYC, BCL2 ...", required=True),
        Column("percent_positive", "real", "Positive cells, percent 0..100.", low=0, high=100),
        Column("positive", "flag", "The pathologist's call where no percentage was given."),
        Column("source", "text", "File.", required=True),
    ),
    key=("sample_id", "antibody"),
)
MEASUREMENTS = Schema(
    "measurements",
    "One row per sample and measured number that no other table holds: serum levels, scores, shares of transcripts.",
    (
        SAMPLE_COLUMN,
        Column("kind", "text", "Kind of evidence.", required=True, allowed=MEASURED_KINDS),
        Column("name", "text", "serum: HGNC symbol; score: its name; splice: SYMBOL:exonN.", required=True),
        Column("value", "real", "The number; splice: fraction of the gene's transcript without the exon, 0..1.", required=True),
        Column("unit", "text", "Unit of the number, for the reader."),
        Column("source", "text", "File.", required=True),
    ),
    key=("sample_id", "kind", "name"),
)
FEATURES = Schema(
    "features",
    "Markers that the study brings itself: patients x features, 1 present, 0 absent, NA not assessed; one column per feature follows.",
    (PATIENT_COLUMN,),
    key=("patient_id",),
    extra="real",
)
ADVERSE_EVENTS = Schema(
    "adverse_events",
    "One row per reported event.",
    (
        PATIENT_COLUMN,
        Column("term", "text", "CTCAE preferred term.", required=True),
        Column("grade", "integer", "CTCAE grade 1..5.", required=True, low=1, high=5),
        Column("drug", "text", "Drug it was attributed to."),
        Column("cycle", "integer", "Cycle of treatment.", low=0),
        Column("day", "real", "Days from the start of treatment."),
    ),
)
TREATMENTS = Schema(
    "treatments",
    "One row per line of treatment.",
    (
        PATIENT_COLUMN,
        Column("line", "integer", "Line of treatment, 1 = first.", low=0),
        Column("regimen", "text", "Regimen.", required=True),
        Column("start_day", "real", "Days from the start of the studied treatment."),
        Column("end_day", "real", "Days from the start of the studied treatment."),
    ),
)
ENDPOINTS = Schema(
    "endpoints",
    "One row per patient and endpoint; NA with a reason where the patient cannot be counted.",
    (
        PATIENT_COLUMN,
        Column("endpoint", "text", "Name in the cohort file.", required=True),
        Column("kind", "text", "Kind.", required=True, allowed=("binary", "ordinal", "continuous", "time_to_event")),
        Column("label", "text", "The value as reported (CR, PR ...)."),
        Column("value", "real", "binary 0/1, ordinal rank from 0 (worst), continuous the number."),
        Column("time_days", "real", "Follow-up from the endpoint's origin, days.", low=0),
        Column(
            "entry_days",
            "real",
            "Day from which the patient was observed, where later than the origin; NA: from the origin.",
            low=0,
        ),
        Column("event", "integer", "0 censored, 1 event, 2.. competing.", low=0),
        Column("excluded", "text", "Why this patient has no value here; NA when it has."),
    ),
    key=("patient_id", "endpoint"),
)
DROPPED = Schema(
    "dropped",
    "What was left out, by stage and reason.",
    (
        Column("stage", "text", "Stage.", required=True),
        Column("table", "text", "Table the rows were meant for.", required=True),
        Column("source", "text", "File.", required=True),
        Column("reason", "text", "Why.", required=True),
        Column("n", "integer", "Rows.", required=True, low=1),
        Column("example", "text", "One of them, so that it can be looked up."),
    ),
)
