"""What the stage ``ctdna`` derives: how much ctDNA there is, how it changes, what appears under treatment."""

from __future__ import annotations

from dataclasses import replace

from resistance.schemas.parts import MATERIALS, PATIENT_COLUMN, SAMPLE_COLUMN, VARIANT_COLUMNS
from resistance.tables import Column, Schema

MRD_METHODS = ("monte_carlo", "exact", "likelihood_ratio")

EMERGENCE = Schema(
    "emergence",
    "One row per patient, later sample and variant, against the patient's baseline sample of the same material.",
    (
        PATIENT_COLUMN,
        # a table of paired fractions may name variants by gene and protein change alone
        *(replace(column, required=False) for column in VARIANT_COLUMNS),
        Column("gene", "text", "HGNC symbol where annotated."),
        Column("hgvsp", "text", "Protein change where annotated."),
        Column("baseline_sample_id", "text", "Baseline sample.", required=True),
        SAMPLE_COLUMN,
        Column("material", "text", "Of both samples.", allowed=MATERIALS),
        Column("timepoint", "text", "Of the later sample.", required=True),
        Column("day", "real", "Of the later sample."),
        Column("unit", "text", "What is counted.", allowed=("reads", "fragments", "families", "duplexes")),
        Column("baseline_alt_count", "integer", "Mutant reads, or what `unit` says.", low=0),
        Column("baseline_depth", "integer", "All of them; NA when the position was not read.", low=0),
        Column("later_alt_count", "integer", "Mutant reads, or what `unit` says.", low=0),
        Column("later_depth", "integer", "All of them; NA when the position was not read.", low=0),
        Column("baseline_vaf", "real", "0..1.", low=0, high=1),
        Column("baseline_vaf_ci_low", "real", "95 % interval, overdispersion between libraries in it.", low=0, high=1),
        Column("baseline_vaf_ci_high", "real", "95 % interval; also where no mutant read was seen.", low=0, high=1),
        Column("later_vaf", "real", "0..1.", low=0, high=1),
        Column("later_vaf_ci_low", "real", "95 % interval.", low=0, high=1),
        Column("later_vaf_ci_high", "real", "95 % interval.", low=0, high=1),
        Column("baseline_background", "real", "Share of reads that show this variant by error, as assumed.", low=0, high=1),
        Column("later_background", "real", "Share of reads that show this variant by error, as assumed.", low=0, high=1),
        Column(
            "baseline_lod_vaf", "real", "Limit of detection: VAF that stands out of background here with probability .95.", low=0,
            high=1,
        ),
        Column("later_lod_vaf", "real", "Limit of detection of the later sample.", low=0, high=1),
        Column(
            "change",
            "text",
            "What happened.",
            required=True,
            allowed=("emergent", "expanding", "stable", "shrinking", "cleared", "not_assessable"),
        ),
        Column("log2_ratio", "real", "log2 of later / baseline VAF, half a read added to each."),
        Column("p_value", "real", "Two-sided: equal fractions, given background and overdispersion.", low=0, high=1),
        Column("q_value", "real", "Benjamini-Hochberg within patient.", low=0, high=1),
        Column(
            "p_emergent", "real",
            "Not seen at baseline: the larger of p_value and P(the later reads by background); NA where it was seen.", low=0, high=1,
        ),
        Column("q_emergent", "real", "Benjamini-Hochberg within patient.", low=0, high=1),
        Column("level_log2", "real", "log2 of the change of the tumour's level: what the other variants, or purity, did."),
        Column("level_variants", "integer", "Other variants that the level rests on; 0: on purity.", low=0),
        Column("level_note", "text", "Why there is no level to compare with."),
        Column("relative_change", "real", "log2_ratio - level_log2: what remains when all rise or fall together."),
        Column("relative_p_value", "real", "Two-sided: the variant changed as the tumour's level did.", low=0, high=1),
        Column("relative_q_value", "real", "Benjamini-Hochberg within patient.", low=0, high=1),
        Column(
            "selection", "text", "Against the level: more than it, less than it, or not told apart from it.",
            allowed=("selected", "counter_selected", "with_tumour"),
        ),
        Column("cluster", "integer", "Variants of this patient and material with one course; 1 is the largest at baseline.", low=1),
        Column("cluster_probability", "real", "Of that cluster, under the mixture.", low=0, high=1),
        Column("note", "text", "What is missing and why."),
    ),
)  # fmt: skip
EMERGENT_RESISTANCE = Schema(
    "emergent_resistance",
    "One row per variant that emerged, or expanded beyond the tumour (selected), and statement of the knowledge base that it meets.",
    (
        PATIENT_COLUMN,
        SAMPLE_COLUMN,
        Column("timepoint", "text", "Of the later sample.", required=True),
        Column("day", "real", "Of the later sample."),
        Column("gene", "text", "HGNC symbol.", required=True),
        Column("hgvsp", "text", "Protein change where annotated."),
        *(replace(column, required=False) for column in VARIANT_COLUMNS),
        Column("change", "text", "As in emergence.", required=True, allowed=("emergent", "expanding")),
        Column("selection", "text", "As in emergence."),
        Column("baseline_vaf", "real", "0..1.", low=0, high=1),
        Column("baseline_lod_vaf", "real", "Limit of detection at baseline.", low=0, high=1),
        Column("later_vaf", "real", "0..1.", low=0, high=1),
        Column("q_value", "real", "q_emergent of an emergent variant, q_value of an expanding one.", low=0, high=1),
        Column("marker_id", "text", "As in markers.", required=True),
        Column("label", "text", "Short name of the statement.", required=True),
        Column("direction", "text", "Of the statement.", required=True),
        Column("disease", "text", "Of the statement."),
        Column("drug", "text", "Of the statement; 'class': any IMiD."),
        Column("evidence_grade", "text", "Of the statement, A..E, M.", required=True),
        Column("verified", "flag", "The statement was read in its source.", required=True),
        Column("source", "text", "Of the statement.", required=True),
        Column("drug_given", "flag", "A drug of the statement was given before the later sample; NA: not known."),
        Column("given", "text", "What was given before the later sample, as far as is known."),
    ),
)
MRD = Schema(
    "mrd",
    "One row per plasma sample and test for minimal residual disease over the variants followed in the patient.",
    (
        PATIENT_COLUMN,
        SAMPLE_COLUMN,
        Column("timepoint", "text", "As in the samples table.", required=True),
        Column("day", "real", "Days from the start of treatment."),
        Column(
            "method",
            "text",
            "monte_carlo (mean VAF and positive sites, simulated, as ctDNAtools), exact (the same without simulation), "
            "likelihood_ratio (with the tumour's allele fractions, as INVAR).",
            required=True,
            allowed=MRD_METHODS,
        ),
        Column("n_tracked", "integer", "Variants followed in the patient.", low=0),
        Column("n_sites", "integer", "Of these with a known depth here; a phased event counts once.", low=0),
        Column("n_sites_positive", "integer", "Of these with a mutant count.", low=0),
        Column("alt_count", "integer", "Mutant reads, fragments or families over these.", low=0),
        Column("depth", "integer", "Sum of the depths.", low=0),
        Column("unit", "text", "What is counted.", allowed=("reads", "fragments", "families", "duplexes")),
        Column("mean_vaf", "real", "Mean VAF over the sites, 0..1.", low=0, high=1),
        Column("background_rate", "real", "Mean error rate per site and allele that the test assumes.", low=0, high=1),
        Column("background", "text", "Where the rate comes from, and whether it was divided by three."),
        Column("statistic", "real", "likelihood_ratio: (log-likelihood at the estimate - at 0) / sites; else the mean VAF."),
        Column("tumour_fraction", "real", "likelihood_ratio: estimated share of ctDNA.", low=0, high=1),
        Column("p_value", "real", "One-sided, of the test.", low=0, high=1),
        Column(
            "p_calibrated",
            "real",
            "Probability of as small a p under background. exact: p_value is that of a corner and falls below alpha more often "
            "than alpha; this one does not. likelihood_ratio: p_value itself (simulated).",
            low=0,
            high=1,
        ),
        Column("p_mid", "real", "exact: mid-p of p_calibrated (half of the probability of equality).", low=0, high=1),
        Column("p_asymptotic", "real", "likelihood_ratio: by the chi-square mixture; for comparison only.", low=0, high=1),
        Column("p_controls", "real", "likelihood_ratio: (controls with as large a ratio + 1) / (controls + 1).", low=0, high=1),
        Column("n_controls", "integer", "Controls in which the same variants were counted.", low=0),
        Column(
            "q_value",
            "real",
            "Benjamini-Hochberg of the p that decides, over the samples of the cohort, by method.",
            low=0,
            high=1,
        ),
        Column("alpha", "real", "Positive where the p that decides is at most this.", low=0, high=1),
        Column("decided_by", "text", "The p that decides.", allowed=("p_value", "p_calibrated")),
        Column("false_positive_rate", "real", "Probability of a positive test here without tumour.", low=0, high=1),
        Column(
            "lob_vaf", "real", "Limit of blank: mean VAF that background exceeds with probability at most .05.", low=0, high=1
        ),
        Column("lod_vaf", "real", "Limit of detection: VAF that this test finds with the wanted power here.", low=0, high=1),
        Column("p_detect_1e3", "real", "Probability that this test is positive here at VAF 1e-3.", low=0, high=1),
        Column("p_detect_1e4", "real", "Probability that this test is positive here at VAF 1e-4.", low=0, high=1),
        Column("p_detect_1e5", "real", "Probability that this test is positive here at VAF 1e-5.", low=0, high=1),
        Column("p_detect", "real", "Probability that this test is positive here at the VAF of interest.", low=0, high=1),
        Column("vaf_of_interest", "real", "As in the cohort file.", low=0, high=1),
        Column(
            "verdict",
            "text",
            "underpowered: not positive, and a tumour at the VAF of interest could have been missed. NA where nothing was assessed.",
            allowed=("positive", "negative", "underpowered"),
        ),
        Column("algorithm", "text", "How the p was computed; 'bound': it is at most p_value."),
        Column("note", "text", "What is missing and why."),
    ),
    key=("sample_id", "method"),
)
MRD_SITES = Schema(
    "mrd_sites",
    "One row per plasma sample and followed variant: what it adds to the tests for minimal residual disease.",
    (
        PATIENT_COLUMN,
        SAMPLE_COLUMN,
        *VARIANT_COLUMNS,
        Column("event", "text", "Phase group; its variants are tested as one, and the numbers are those of the event."),
        Column("tumour_vaf", "real", "Allele fraction in the tumour (of an event: mean).", low=0, high=1),
        Column("depth", "integer", "Observations.", low=0),
        Column("alt_count", "integer", "Of these with the variant.", low=0),
        Column("vaf", "real", "alt_count / depth.", low=0, high=1),
        Column("background_rate", "real", "Error rate to this variant that the tests assume.", low=0, high=1),
        Column("p_value", "real", "Of this site alone: P(as many mutant observations or more) under background.", low=0, high=1),
        Column("used", "flag", "Part of the tests.", required=True),
        Column("note", "text", "Why it was not used."),
    ),
    key=("sample_id", "build", "chrom", "pos", "ref", "alt"),
)
IDENTITY = Schema(
    "identity",
    "One row per pair of samples that should, or seem to, come from one person; one per sample for contamination; and one per sample "
    "and other patient whose variants it shows.",
    (
        Column("check", "text", "What is asked.", required=True, allowed=("same_person", "contamination", "carry_over")),
        PATIENT_COLUMN,
        SAMPLE_COLUMN,
        Column("other_patient_id", "text", "same_person, carry_over: the other patient (or the same)."),
        Column(
            "other_sample_id",
            "text",
            "same_person: the sample it is compared with; contamination: the sample that fits as its source.",
        ),
        Column("n_sites", "integer", "SNPs read in both; homozygous SNPs; carry_over: variants of the other patient.", low=0),
        Column("n_concordant", "integer", "same_person: genotypes alike; carry_over: variants seen beyond background.", low=0),
        Column("concordance", "real", "same_person: n_concordant over SNPs with a genotype in both.", low=0, high=1),
        Column(
            "opposite_homozygous", "integer", "same_person: homozygous for different alleles; no lost allele explains it.", low=0
        ),
        Column("one_heterozygous", "integer", "same_person: heterozygous in one only; a lost allele explains it.", low=0),
        Column("log10_ratio", "real", "log10 likelihood, one person over two; contamination: the source over an unknown person."),
        Column(
            "contamination", "real", "Share of another person's DNA; carry_over: mean fraction of the variants.", low=0, high=1
        ),
        Column("contamination_low", "real", "95 % interval.", low=0, high=1),
        Column("contamination_high", "real", "95 % interval.", low=0, high=1),
        Column(
            "p_value",
            "real",
            "Contamination, carry_over: of none; carry_over over all pairs of sample and patient.",
            low=0,
            high=1,
        ),
        Column(
            "verdict",
            "text",
            "Verdict; undecided: assessed, and the evidence is too weak.",
            required=True,
            allowed=("same", "different", "contaminated", "clean", "undecided", "not_assessed"),
        ),
        Column("warning", "flag", "The verdict is not what it should be.", required=True),
        Column("note", "text", "Why, and what to do."),
    ),
)
