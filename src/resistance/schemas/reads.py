"""What the stage ``pileup`` counts in the alignments of a batch of samples."""

from __future__ import annotations

from resistance.schemas.parts import BUILD_COLUMN, SAMPLE_COLUMN, VARIANT_COLUMNS
from resistance.tables import Column, Schema

UNITS = ("reads", "fragments", "families", "duplexes")

PILEUP = Schema(
    "pileup",
    "One row per sample and variant that was counted in its alignments.",
    (
        SAMPLE_COLUMN,
        *VARIANT_COLUMNS,
        Column("depth", "integer", "Usable observations, in `unit`.", low=0),
        Column("alt_count", "integer", "Of these with the variant, in `unit`.", low=0),
        Column("unit", "text", "What depth and alt_count count.", required=True, allowed=UNITS),
        Column(
            "reads",
            "integer",
            "Usable reads over the site, mates apart (a plain pile-up); reads - ref - alt: other alleles.",
            low=0,
        ),
        Column("reads_ref", "integer", "Of these with the reference allele.", low=0),
        Column("reads_alt", "integer", "Of these with the variant.", low=0),
        Column("fragments", "integer", "Usable fragments: mates merged; without those whose mates disagree.", low=0),
        Column("fragments_ref", "integer", "Of these with the reference allele.", low=0),
        Column("fragments_alt", "integer", "Of these with the variant.", low=0),
        Column("fragments_discordant", "integer", "Fragments whose mates disagree; they support nothing.", low=0),
        Column("families", "integer", "UMI families; NA without UMIs.", low=0),
        Column("families_alt", "integer", "Of these with the variant.", low=0),
        Column("families_alt_singleton", "integer", "Of these of one fragment only.", low=0),
        Column("duplexes", "integer", "Molecules seen on both strands; NA without.", low=0),
        Column("duplexes_alt", "integer", "Of these with the variant on both.", low=0),
        Column("alt_forward", "integer", "Reads with the variant on the forward strand.", low=0),
        Column("alt_reverse", "integer", "Reads with the variant on the reverse strand.", low=0),
        Column("alt_base_quality", "real", "Mean base quality of the variant's reads.", low=0),
        Column("alt_mapping_quality", "real", "Mean mapping quality of the variant's reads.", low=0),
        Column("alt_length", "real", "Median fragment length with the variant, bases.", low=0),
        Column("ref_length", "real", "Median fragment length with the reference allele, bases.", low=0),
        Column("event", "text", "Phase group: variants with the same word are one event; NA: alone."),
        Column("event_fragments", "integer", "Fragments with the reference or the variant at a site of the event.", low=0),
        Column("event_alt", "integer", "Of these with a variant and at no site the reference.", low=0),
        Column("event_mixed", "integer", "Of these with a variant at one site and the reference at another: errors.", low=0),
        Column("event_multi", "integer", "Of these over two sites of the event or more.", low=0),
        Column("event_alt_multi", "integer", "Of event_alt with the variant at two sites or more.", low=0),
        Column("note", "text", "What to beware of."),
    ),
    key=("sample_id", "build", "chrom", "pos", "ref", "alt"),
)
READ_COUNTS = Schema(
    "read_counts",
    "One row per sample, unit and reason: what was seen, kept, and dropped by which filter.",
    (
        SAMPLE_COLUMN,
        Column(
            "unit",
            "text",
            "reads (each once), or, once per site: bases, fragments, families, duplexes.",
            required=True,
            allowed=("reads", "bases", "fragments", "families", "duplexes"),
        ),
        Column("reason", "text", "seen, kept, or the filter that dropped it.", required=True),
        Column("n", "integer", "How many.", required=True, low=0),
    ),
    key=("sample_id", "unit", "reason"),
)
BACKGROUND = Schema(
    "background",
    "One row per sample and substitution in its context: how often the sequencing shows it by error.",
    (
        SAMPLE_COLUMN,
        Column(
            "substitution",
            "text",
            "Such as C>T, on the strand of the reference; of base pairs, such as C:G>T:A; insertion; deletion; 'all': any wrong base.",
            required=True,
        ),
        Column("context", "text", "Reference base with its neighbours, such as ACG; 'all': any.", required=True),
        Column("positions", "integer", "Positions with reads.", required=True, low=0),
        Column("depth", "integer", "Sum of depths, all bases.", required=True, low=0),
        Column("errors", "integer", "Sum of the wrong base.", required=True, low=0),
        Column(
            "rate",
            "real",
            "Errors per observation. all: errors / depth; else drawn towards the rate of the substitution, or of the sample, where "
            "there is little to go by, so that it is never 0.",
            low=0,
            high=1,
        ),
        Column("rate_high", "real", "errors / depth is at most this with 95 % confidence (exact, one-sided).", low=0, high=1),
        Column("alpha", "real", "Beta-binomial over positions, mean = rate; NA: no more spread than binomial (see note).", low=0),
        Column("beta", "real", "Beta-binomial.", low=0),
        Column("note", "text", "Why there is no beta-binomial; where the reference bases come from."),
    ),
    key=("sample_id", "substitution", "context"),
)
CONTROL_POSITIONS = Schema(
    "control_positions",
    "One row per position and wrong base that the controls show: the panel of normals.",
    (
        BUILD_COLUMN,
        Column("chrom", "text", "Contig without 'chr'.", required=True),
        Column("pos", "integer", "1-based.", required=True, low=1),
        Column("ref", "text", "Reference base.", required=True),
        Column("alt", "text", "Wrong base, '-' for a deletion, 'N' for any wrong base.", required=True),
        Column("controls", "integer", "Controls with enough depth.", required=True, low=0),
        Column("controls_with", "integer", "Of these that show it in at least one observation.", required=True, low=0),
        Column("controls_with_two", "integer", "Of these that show it in at least two.", required=True, low=0),
        Column("depth", "integer", "Sum of depths.", required=True, low=0),
        Column("alt_count", "integer", "Sum of the wrong base.", required=True, low=0),
        Column("mean_vaf", "real", "Mean over the controls of their fractions.", low=0, high=1),
        Column("max_vaf", "real", "Largest fraction in one control.", low=0, high=1),
        Column("listed", "text", "By which rule it is black-listed: excess, high, recurrent, two, joined by ';'; NA: it is not."),
    ),
    key=("build", "chrom", "pos", "ref", "alt"),
)
ALIGNMENT_QUALITY = Schema(
    "alignment_quality",
    "One row per sample and number about its cell-free DNA and its sequencing.",
    (
        SAMPLE_COLUMN,
        Column("metric", "text", "Name, with the unit in it.", required=True),
        Column("value", "real", "NA where it does not apply."),
        Column("note", "text", "What to beware of."),
    ),
    key=("sample_id", "metric"),
)
FRAGMENT_LENGTHS = Schema(
    "fragment_lengths",
    "One row per sample and length: histogram of fragment lengths.",
    (
        SAMPLE_COLUMN,
        Column(
            "length",
            "integer",
            "Bases, outer end to outer end; all that are longer than 1000 together as 1001.",
            required=True,
            low=0,
        ),
        Column("n", "integer", "Fragments.", required=True, low=0),
    ),
    key=("sample_id", "length"),
)
REGION_COVERAGE = Schema(
    "region_coverage",
    "One row per sample and panel region: how deeply it was read.",
    (
        SAMPLE_COLUMN,
        Column("region", "text", "Name in the BED, or chrom:start-end.", required=True),
        Column("chrom", "text", "Contig without 'chr'.", required=True),
        Column("start", "integer", "0-based.", required=True, low=0),
        Column("end", "integer", "Half-open.", required=True, low=1),
        Column("mean_depth", "real", "Mean over the positions.", low=0),
        Column("median_depth", "real", "Median over the positions.", low=0),
        Column("min_depth", "integer", "Least.", low=0),
        Column("share_above_fifth", "real", "Share of positions with a fifth of the region's mean or more.", low=0, high=1),
    ),
    key=("sample_id", "chrom", "start", "end"),
)
SNP_COUNTS = Schema(
    "snp_counts",
    "One row per sample and common SNP: what identity and contamination are judged by.",
    (
        SAMPLE_COLUMN,
        *VARIANT_COLUMNS,
        Column("ref_count", "integer", "Reference allele, fragments.", required=True, low=0),
        Column("alt_count", "integer", "Alternative allele, fragments.", required=True, low=0),
        Column("other_count", "integer", "Anything else.", required=True, low=0),
        Column("allele_frequency", "real", "Of the alternative allele in the population, where known.", low=0, high=1),
    ),
    key=("sample_id", "build", "chrom", "pos", "ref", "alt"),
)
