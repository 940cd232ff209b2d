"""The named schemas of the tables that the stages exchange (no code, one table after the other)."""

from __future__ import annotations

from resistance.tables import Column, Schema

MATERIALS = ("plasma", "tumour", "bone_marrow", "germline", "cell_line")
TIMEPOINTS = ("baseline", "on_treatment", "end_of_treatment", "relapse", "follow_up")
EVIDENCE_KINDS = (
    "mutation",
    "copy_number",
    "fusion",
    "splice",
    "expression",
    "ihc",
    "serum",
    "score",
    "cytogenetics",
    "ctdna",
    "exposure",
    "subtype",
)
MEASURED_KINDS = ("serum", "score", "splice")
STATES = ("present", "absent", "not_assessed")

_sample = Column("sample_id", "text", "Sample as in the samples sheet.", required=True)
_patient = Column("patient_id", "text", "Patient as in the patients sheet.", required=True)
_build = Column("build", "text", "Genome build.", required=True, allowed=("GRCh37", "GRCh38"))
_variant = (
    _build,
    Column("chrom", "text", "Contig without 'chr' (1..22, X, Y, MT).", required=True),
    Column("pos", "integer", "1-based; the first base of ref, or the base before an insertion.", required=True, low=1),
    Column("ref", "text", "Reference bases after trimming; '-' for an insertion.", required=True),
    Column("alt", "text", "Alternative bases after trimming; '-' for a deletion.", required=True),
)

PATIENTS = Schema(
    "patients",
    "One row per patient of the cohort, after inclusion rules; covariates follow.",
    (
        _patient,
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
        _sample,
        _patient,
        Column("material", "text", "What was sampled.", required=True, allowed=MATERIALS),
        Column("timepoint", "text", "When, in the words of the study.", required=True, allowed=TIMEPOINTS),
        Column("day", "real", "Days from the start of treatment (negative before)."),
        Column("plasma_ml", "real", "Plasma used, mL.", low=0),
        Column("cfdna_ng_per_ml", "real", "Cell-free DNA, ng per mL plasma.", low=0),
        Column("purity", "real", "Fraction of tumour cells, 0..1.", low=0, high=1),
    ),
    key=("sample_id",),
)
CALLS = Schema(
    "calls",
    "One row per sample and variant that a caller reported (or looked for: alt_count 0).",
    (
        _sample,
        *_variant,
        Column("depth", "integer", "Reads covering the position.", low=0),
        Column("alt_count", "integer", "Reads with the alternative allele.", low=0),
        Column("vaf", "real", "Variant allele fraction, 0..1.", low=0, high=1),
        Column("filter", "text", "FILTER as the caller wrote it; PASS or NA when passed or not stated."),
        Column("source", "text", "File the call came from.", required=True),
    ),
    key=("sample_id", "build", "chrom", "pos", "ref", "alt"),
)
EFFECTS = Schema(
    "effects",
    "One row per variant and gene: what the variant does to the gene on one transcript.",
    (
        *_variant,
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
        Column("picked", "flag", "The file's own choice of transcript for the gene (PICK, MANE Select or canonical)."),
        Column("source", "text", "file:MAF, file:CSQ, file:ANN, file:BCSQ, native:csq.", required=True),
    ),
    key=("build", "chrom", "pos", "ref", "alt", "gene", "transcript", "source"),
)
DIFFERENCES = Schema(
    "annotation_differences",
    "One row per variant and gene that the files' annotation and the own one name differently (annotation: both).",
    (
        *_variant,
        Column("gene", "text", "HGNC symbol.", required=True),
        Column("differs", "text", "What.", required=True, allowed=("class", "protein", "protein, other transcript")),
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
        _sample,
        Column("kind", "text", "Kind of evidence.", required=True, allowed=EVIDENCE_KINDS),
        Column("gene", "text", "HGNC symbol, or '*' for the whole exome or genome.", required=True),
        Column("source", "text", "Declaration, BED or depth file it follows from.", required=True),
    ),
    key=("sample_id", "kind", "gene"),
)
COPY_NUMBER = Schema(
    "copy_number",
    "One row per sample and gene of the knowledge base.",
    (
        _sample,
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
        _sample,
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
IHC = Schema(
    "ihc",
    "One row per sample and antibody.",
    (
        _sample,
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
        _sample,
        Column("kind", "text", "Kind of evidence.", required=True, allowed=MEASURED_KINDS),
        Column("name", "text", "serum: HGNC symbol; score: its name; splice: SYMBOL:exonN.", required=True),
        Column("value", "real", "The number; splice: fraction of the gene's transcript without the exon, 0..1.", required=True),
        Column("unit", "text", "Unit of the number, for the reader."),
        Column("source", "text", "File.", required=True),
    ),
    key=("sample_id", "kind", "name"),
)
ADVERSE_EVENTS = Schema(
    "adverse_events",
    "One row per reported event.",
    (
        _patient,
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
        _patient,
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
        _patient,
        Column("endpoint", "text", "Name in the cohort file.", required=True),
        Column("kind", "text", "Kind.", required=True, allowed=("binary", "ordinal", "continuous", "time_to_event")),
        Column("label", "text", "The value as reported (CR, PR ...)."),
        Column("value", "real", "binary 0/1, ordinal rank from 0 (worst), continuous the number."),
        Column("time_days", "real", "Follow-up from the endpoint's origin, days.", low=0),
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
QUANTITY = Schema(
    "quantity",
    "ctDNA per plasma sample over the variants followed in the patient.",
    (
        _patient,
        _sample,
        Column("timepoint", "text", "As in the samples table.", required=True),
        Column("day", "real", "Days from the start of treatment."),
        Column("n_tracked", "integer", "Variants followed (seen in the tumour or in the first plasma).", required=True, low=0),
        Column("n_assessed", "integer", "Of these with a known depth in this sample.", low=0),
        Column("n_detected", "integer", "Of these with at least one supporting read.", low=0),
        Column("mean_vaf", "real", "Mean VAF over the tracked variants assessed here (0 when read and not seen).", low=0, high=1),
        Column("mean_vaf_ci_low", "real", "95 % exact interval of the pooled fraction.", low=0, high=1),
        Column("mean_vaf_ci_high", "real", "95 % exact interval of the pooled fraction.", low=0, high=1),
        Column("lod_vaf", "real", "VAF that this depth and number of variants would show with probability .95.", low=0, high=1),
        Column("hge_per_ml", "real", "Mutant haploid genome equivalents per mL plasma (3.3 pg each).", low=0),
        Column("log10_hge_per_ml", "real", "log10 of hge_per_ml; NA when 0."),
        Column("lod_hge_per_ml", "real", "lod_vaf in the unit of hge_per_ml; bounds samples without a mutant read.", low=0),
        Column("detected", "flag", "At least one read of a tracked variant; NA when nothing could be assessed."),
        Column("note", "text", "What is missing and why."),
    ),
    key=("sample_id",),
)
RESPONSE = Schema(
    "molecular_response",
    "Change of ctDNA from baseline, per later plasma sample.",
    (
        _patient,
        _sample,
        Column("baseline_sample_id", "text", "Sample it is compared with."),
        Column("timepoint", "text", "As in the samples table.", required=True),
        Column("day", "real", "Days from the start of treatment."),
        Column("log10_change", "real", "log10 (later / baseline); a bound where censored."),
        Column("censored", "flag", "Later sample undetectable: the change is at most log10_change."),
        Column("molecular_response", "flag", "At least the configured drop."),
        Column("cleared", "flag", "Detected at baseline, not detected here."),
        Column("note", "text", "What is missing and why."),
    ),
    key=("sample_id",),
)
EMERGENCE = Schema(
    "emergence",
    "One row per patient, later sample and variant, against the patient's baseline.",
    (
        _patient,
        *_variant,
        Column("gene", "text", "HGNC symbol where annotated."),
        Column("hgvsp", "text", "Protein change where annotated."),
        Column("baseline_sample_id", "text", "Baseline sample.", required=True),
        _sample,
        Column("timepoint", "text", "Of the later sample.", required=True),
        Column("day", "real", "Of the later sample."),
        Column("baseline_alt_count", "integer", "Reads.", low=0),
        Column("baseline_depth", "integer", "Reads; NA when the position was not read.", low=0),
        Column("later_alt_count", "integer", "Reads.", low=0),
        Column("later_depth", "integer", "Reads; NA when the position was not read.", low=0),
        Column("baseline_vaf", "real", "0..1.", low=0, high=1),
        Column("later_vaf", "real", "0..1.", low=0, high=1),
        Column(
            "change",
            "text",
            "What happened.",
            required=True,
            allowed=("emergent", "expanding", "stable", "shrinking", "cleared", "not_assessable"),
        ),
        Column("p_value", "real", "Two-sided exact test of equal fractions.", low=0, high=1),
        Column("q_value", "real", "Benjamini-Hochberg within patient.", low=0, high=1),
        Column("note", "text", "What is missing and why."),
    ),
)
SUBTYPES = Schema(
    "subtypes",
    "One row per patient and classification method.",
    (
        _patient,
        Column("sample_id", "text", "Sample it was called on; NA for a label given per patient."),
        Column("method", "text", "Method: label:<name>, hans ...", required=True),
        Column("subtype", "text", "Class, or UNCLASSIFIED; NA when it could not be called."),
        Column("score", "real", "Score where the method has one."),
        Column("probability", "real", "Confidence where the method has one.", low=0, high=1),
        Column("borderline", "flag", "A percentage within 5 points of its cut-off."),
        Column("reason", "text", "In words.", required=True),
    ),
    key=("patient_id", "method"),
)
MARKERS = Schema(
    "markers",
    "The statements that were matched.",
    (
        Column("marker_id", "text", "Stable name.", required=True),
        Column("label", "text", "Short name for a figure.", required=True),
        Column("genes", "text", "HGNC symbols, joined by ';'."),
        Column("evidence_kind", "text", "Kind.", required=True, allowed=EVIDENCE_KINDS),
        Column("rule", "text", "Rule in the closed vocabulary.", required=True),
        Column("direction", "text", "Direction.", required=True, allowed=("resistance", "sensitivity", "neutral", "prognostic")),
        Column("disease", "text", "OncoTree code, or 'any'."),
        Column("drug", "text", "Drug or class."),
        Column("setting", "text", "Setting."),
        Column("mechanism", "text", "In words."),
        Column("pathway", "text", "Pathway."),
        Column("evidence_grade", "text", "A..E, M.", required=True, allowed=("A", "B", "C", "D", "E", "M")),
        Column("n", "integer", "Patients of the source.", low=1),
        Column("effect", "text", "Effect as the source gives it."),
        Column("source", "text", "PMID, PMCID or DOI.", required=True),
        Column("verified", "flag", "Read in its source.", required=True),
        Column("note", "text", "Caveat."),
    ),
    key=("marker_id",),
)
MATRIX = Schema(
    "matrix",
    "One row per patient and marker: the three-state marker matrix, long.",
    (
        _patient,
        Column("marker_id", "text", "As in markers.", required=True),
        Column("timepoint", "text", "Time point the state holds for.", required=True),
        Column("state", "text", "State.", required=True, allowed=STATES),
        Column("value", "real", "The continuous value, where the marker has one."),
        Column("evidence", "text", "Which call, sample, VAF or value decided; or why it was not assessed."),
    ),
    key=("patient_id", "marker_id", "timepoint"),
)
EVIDENCE = Schema(
    "evidence",
    "What made a marker present: one row per patient, time point, marker and call (or other finding).",
    (
        _patient,
        Column("timepoint", "text", "Time point.", required=True),
        Column("marker_id", "text", "As in markers.", required=True),
        Column("sample_id", "text", "Sample of the finding."),
        Column("gene", "text", "Gene of the finding, where it has one."),
        Column("chrom", "text", "Contig of the call."),
        Column("pos", "integer", "1-based.", low=1),
        Column("ref", "text", "Reference bases; '-' for an insertion."),
        Column("alt", "text", "Alternative bases; '-' for a deletion."),
        Column("hgvsp", "text", "Protein change, one-letter, without 'p.'."),
        Column("residue", "integer", "First changed residue.", low=0),
        Column("vaf", "real", "Variant allele fraction, 0..1.", low=0, high=1),
        Column("depth", "integer", "Reads covering the position.", low=0),
        Column("finding", "text", "In words.", required=True),
        Column("rule", "text", "Rule that it meets.", required=True),
        Column("direction", "text", "Of the statement.", required=True),
        Column("evidence_grade", "text", "Of the statement, A..E, M.", required=True),
        Column("verified", "flag", "The statement was read in its source.", required=True),
        Column("source", "text", "Of the statement.", required=True),
    ),
)
ALLELIC_STATES = Schema(
    "allelic_states",
    "One row per patient, time point and changed gene of the markers: are both copies hit?",
    (
        _patient,
        Column("timepoint", "text", "Time point.", required=True),
        Column("gene", "text", "HGNC symbol.", required=True),
        Column("state", "text", "State.", required=True, allowed=("bi_allelic", "mono_allelic", "not_determined")),
        Column("evidence", "text", "Which calls, and what the copy number says.", required=True),
    ),
    key=("patient_id", "timepoint", "gene"),
)
CLONALITY = Schema(
    "clonality",
    "One row per call in a gene of the markers: cancer cell fraction where purity and copy number allow it.",
    (
        _patient,
        _sample,
        Column("timepoint", "text", "Of the sample.", required=True),
        Column("gene", "text", "HGNC symbol.", required=True),
        Column("hgvsp", "text", "Protein change where annotated."),
        *_variant,
        Column("vaf", "real", "0..1.", low=0, high=1),
        Column("depth", "integer", "Reads.", low=0),
        Column("purity", "real", "Of the sample, 0..1.", low=0, high=1),
        Column("tumour_copies", "integer", "Copies of the gene in a tumour cell.", low=0),
        Column("multiplicity", "integer", "Copies that carry the variant in a cell that has it, as inferred.", low=1),
        Column("cancer_cell_fraction", "real", "Share of tumour cells with the variant, 0..1.", low=0, high=1),
        Column("ccf_ci_low", "real", "95 % interval from the read counts alone.", low=0, high=1),
        Column("ccf_ci_high", "real", "95 % interval from the read counts alone.", low=0, high=1),
        Column("clonality", "text", "Class.", required=True, allowed=("clonal", "subclonal", "not_determined")),
        Column("note", "text", "What is missing and why."),
    ),
)
PATHWAY_STATES = Schema(
    "pathway_states",
    "One row per patient, time point and pathway: altered or not, and how many of its assessed genes are.",
    (
        _patient,
        Column("timepoint", "text", "Time point.", required=True),
        Column("pathway", "text", "As in pathways.", required=True),
        Column("state", "text", "present: any gene altered; absent: all assessed and none.", required=True, allowed=STATES),
        Column("genes_altered", "integer", "Genes with a marker present.", required=True, low=0),
        Column("genes_assessed", "integer", "Genes of which every marker has a state, or one is present.", required=True, low=0),
        Column("genes", "integer", "Genes of the pathway that markers ask about.", required=True, low=0),
        Column("burden", "real", "genes_altered / genes_assessed; NA where none was assessed.", low=0, high=1),
        Column("weighted_burden", "real", "Sum over altered genes of the weight of the best grade present.", low=0),
        Column("altered", "text", "Altered genes, joined by ';'."),
    ),
    key=("patient_id", "timepoint", "pathway"),
)
COOCCURRENCE = Schema(
    "cooccurrence",
    "One row per pair of mutated genes: do they occur together, or exclude each other, given each patient's burden?",
    (
        Column("gene_1", "text", "HGNC symbol.", required=True),
        Column("gene_2", "text", "HGNC symbol.", required=True),
        Column("n", "integer", "Patients assessed for both.", required=True, low=0),
        Column("n_1", "integer", "Of these with gene_1.", required=True, low=0),
        Column("n_2", "integer", "Of these with gene_2.", required=True, low=0),
        Column("both", "integer", "Of these with both.", required=True, low=0),
        Column("expected", "real", "With both if burden and frequency alone decided.", low=0),
        Column("log2_ratio", "real", "log2 of (both + 0.5) / (expected + 0.5)."),
        Column("p_value", "real", "Two-sided exact Poisson-binomial.", low=0, high=1),
        Column("q_value", "real", "Benjamini-Hochberg over all pairs asked.", low=0, high=1),
        Column("tendency", "text", "together or apart.", required=True, allowed=("together", "apart")),
    ),
    key=("gene_1", "gene_2"),
)
RESULTS = Schema(
    "results",
    "One row per question asked, answerable or not.",
    (
        Column("question_id", "text", "population/endpoint/marker/model/term.", required=True),
        Column("population", "text", "Population of the plan.", required=True),
        Column("family", "text", "Family for multiplicity.", required=True),
        Column("endpoint", "text", "Endpoint.", required=True),
        Column("marker_id", "text", "Marker or covariate.", required=True),
        Column("label", "text", "Short name for a figure.", required=True),
        Column("contrast", "text", "What is compared with what, in words.", required=True),
        Column("model", "text", "Kind of estimate.", required=True, allowed=("crude", "adjusted", "joint", "interaction")),
        Column("method", "text", "Method.", required=True),
        Column("adjusted_for", "text", "Covariates and strata, joined by ';'."),
        Column(
            "scale",
            "text",
            "Scale of the effect.",
            allowed=("log_odds_ratio", "log_hazard_ratio", "log_ratio_of_odds_ratios", "log_ratio_of_hazard_ratios"),
        ),
        Column("effect", "real", "Estimate on that scale."),
        Column("ci_low", "real", "95 % interval, same scale."),
        Column("ci_high", "real", "95 % interval, same scale."),
        Column("p_value", "real", "Two-sided.", low=0, high=1),
        Column("p_value_minimum", "real", "Smallest p these margins allow.", low=0, high=1),
        Column("detectable_effect", "real", "Nearest effect that these numbers detect with 80 % power at p < .05, same scale."),
        Column("q_value", "real", "Benjamini-Hochberg within the family.", low=0, high=1),
        Column("n", "integer", "Patients in the model.", required=True, low=0),
        Column("events", "integer", "Events, or responders.", required=True, low=0),
        Column("carriers", "integer", "Patients with the marker present.", required=True, low=0),
        Column("carrier_events", "integer", "Events or responders among them.", required=True, low=0),
        Column("not_assessed", "integer", "Patients left out because the marker was not assessed.", required=True, low=0),
        Column("converged", "flag", "The estimate and its p may be used.", required=True),
        Column("note", "text", "Why there is no estimate, or what to beware of."),
    ),
    key=("question_id",),
)

ALL = (
    PATIENTS,
    SAMPLES,
    CALLS,
    EFFECTS,
    DIFFERENCES,
    COVERAGE,
    COPY_NUMBER,
    FUSIONS,
    EXPRESSION,
    NANOSTRING,
    IHC,
    MEASUREMENTS,
    ADVERSE_EVENTS,
    TREATMENTS,
    ENDPOINTS,
    DROPPED,
    QUANTITY,
    RESPONSE,
    EMERGENCE,
    SUBTYPES,
    MARKERS,
    MATRIX,
    EVIDENCE,
    ALLELIC_STATES,
    CLONALITY,
    PATHWAY_STATES,
    COOCCURRENCE,
    RESULTS,
)
