"""Nothing -> the cohort file of a simulated cohort, every key explained."""

from __future__ import annotations

NOTE = (
    "SIMULATED DATA. No patient stands behind these numbers; the effects were planted. "
    "No biological or clinical conclusion may be drawn from this cohort."
)


def cohort_text(prefix: str = "", *, seed: int = 1, n_patients: int = 120) -> str:
    """Return the YAML of the cohort file.

    Parameters
    ----------
    prefix : str
        Put before every path: '' beside the files, 'demo/' for ``config/config.yaml``.
    seed, n_patients : int
        As given to :func:`resistance.simulate.simulate`.
    """
    return (
        _TEMPLATE.replace("@NOTE@", NOTE)
        .replace("@SEED@", str(seed))
        .replace("@N@", str(n_patients))
        .replace("@VCF@", _column("vcf", prefix))
        .replace("@BAM@", _column("bam", prefix))
        .replace("@", prefix)
    )


def _column(name: str, prefix: str) -> str:
    return name if not prefix else f'{{column: {name}, template: "{prefix}{{}}"}}'


_TEMPLATE = """\
# A simulated cohort: relapsed DLBCL under lenalidomide, lenalidomide + rituximab, or chemotherapy of the investigator's choice.
# Use this file as an example: every part that a cohort file may have stands here with a word on what it does.
# `resistance schema` prints all keys; `resistance check` on this file says what is wrong with it. Paths are relative to this file.
resistance: 1                             # version of this form

study:
  name: lenalidomide_dlbcl_simulated      # short; names the results
  title: "Simulated: @N@ patients with relapsed DLBCL, lenalidomide with or without rituximab v chemotherapy"
  build: GRCh38                           # GRCh37 or GRCh38; one per cohort, checked against the files
  disease: DLBCLNOS                       # OncoTree code
  simulated: true                         # said on every page of the report
  simulation_note: "@NOTE@"
  imid: null                              # not the same for all: see the patients' column 'imid'
  citation: null                          # how to cite the data

output: results                           # folder for results, relative to the folder the command is run in
seed: @SEED@                                   # of every step that draws random numbers
batch_size: 100                           # samples per job of the workflow

patients:
  file: @patients.tsv
  columns:                                # our name: column of the file (with values, unit ... where they differ)
    patient_id: SUBJID
    sex: {column: SEX, values: {F: female, M: male}}
    age_years: {column: AGE, unit: years}
    treatment:
      column: ARM
      values: {LEN: lenalidomide, R2: lenalidomide + rituximab, IC: investigator's choice}
    imid: {column: ARM, values: {LEN: true, R2: true, IC: false}}   # who had an IMiD; the others are the control
  include: []                             # inclusion rules: {column, in | not_in | at_least | at_most, reason}

covariates:                               # further columns of the patients file, by the name they have here
  ipi: IPI
  prior_lines: N_PRIOR_LINES
  refractory: {column: REFRACTORY, values: {Y: "yes", N: "no"}}

samples:
  file: @samples.tsv
  columns:
    sample_id: sample
    patient_id: subject
    material: {column: material, values: {Tumour biopsy: tumour, Plasma: plasma}}
    timepoint:
      column: visit
      values:
        Screening: baseline
        Cycle 1: on_treatment
        Cycle 3: on_treatment
        Progression: relapse
        End of treatment: end_of_treatment
    day: {column: study_day, unit: days}  # from the start of treatment, negative before
    plasma_ml: plasma_ml
    cfdna_ng_per_ml: cfdna_ng_per_ml
    purity: {column: tumour_cells_percent, unit: percent}   # with copy number: clonal or subclonal
    vcf: @VCF@                              # the sample's VCF; the plasma of one patient shares a file
    bam: @BAM@                              # reads of some plasma samples, counted as 'ctdna.alignments' says

endpoints:
  response:
    label: Overall response (CR or PR)
    kind: binary
    origin: start of treatment
    value: BOR
    positive: [CR, PR]                    # codes that count as response; never guessed
    negative: [SD, PD]
    not_evaluable: [NE]                   # left out and counted
  best_response:
    label: Best response
    kind: ordinal
    origin: start of treatment
    value: BOR
    levels: [PD, SD, PR, CR]              # from worst to best
    not_evaluable: [NE]
  pfs:
    label: Progression-free survival
    kind: time_to_event
    origin: start of treatment
    early_progression_is_known_at_day: 28 # landmark for on-treatment markers
    survival:
      time: {column: PFS_MONTHS, unit: months}
      event: PFS_EVENT
      event_codes: [1]                    # 1 = progressed or died (in other files 1 means censored: always declared)
      censored_codes: [0]
  os:
    label: Overall survival
    kind: time_to_event
    origin: start of treatment
    early_progression_is_known_at_day: 28
    survival:
      time: {column: OS_MONTHS, unit: months}
      event: OS_STATUS
      event_codes: ["1:DECEASED"]
      censored_codes: ["0:LIVING"]
  neutropenia:                            # here for table and export; 'analysis.endpoints' does not ask markers of it
    label: Neutropenia of grade 3 or worse
    kind: binary
    adverse_event: {terms: [Neutrophil count decreased], grade_at_least: 3}   # terms as the table spells them

variants:
  - format: vcf                           # files: the samples' column 'vcf'; annotation: VEP's CSQ in the files
    keep_filters: [PASS, .]               # other FILTER values are dropped and counted
    min_depth: 50                         # calls with fewer reads are dropped and counted
    min_alt_count: 0                      # likewise with fewer reads of the variant (0 reads: looked for and not seen, kept)
    min_vaf: 0.0                          # likewise
    max_population_af: null               # 0.001 where there is no matched normal: common variants are dropped and counted
    panel_of_normals: null                # VCF (alleles) or BED (regions) of what normal samples show
    blacklist: null                       # BED of regions in which no call is believed
    hotspots: null                        # VCF or BED of what these three never drop
    unknown_samples: error                # a VCF sample that the samples file does not name
    # liftover: {from: GRCh37, chain: my.chain.gz}   # files of the other build are moved while they are read

assays:                                   # what was looked at: a gene outside is not_assessed, never wild type
  - kind: mutation
    gene_list: @panel_full.txt
    samples: in_file
    samples_file: @assayed_full_panel.tsv
    sample_id: sample
  - kind: mutation                        # the earlier, smaller panel, and the plasma panel
    gene_list: @panel_small.txt
    samples: in_file
    samples_file: @assayed_small_panel.tsv
    sample_id: sample
  - kind: copy_number
    gene_list: @copy_number_genes.txt
    samples: in_file
    samples_file: @assayed_copy_number.tsv
    sample_id: sample
  - kind: fusion
    genes: [BCL2, BCL6, MYC]
    samples: in_file
    samples_file: @assayed_fish.tsv
    sample_id: sample
  - kind: expression
    genes: ["*"]
    samples: in_file
    samples_file: @assayed_rna.tsv
    sample_id: sample
  - kind: ihc
    genes: ["*"]
    samples: in_file
    samples_file: @ihc.tsv
    sample_id: sample

copy_number:
  - format: cbioportal_discrete           # -2 deep deletion, -1 loss, 0, 1 gain, 2 amplification
    file: @copy_number.tsv

fusions:
  - format: table
    file: @fusions.tsv
    columns:
      sample_id: sample
      kind: {constant: translocation}
      gene_1: gene_a
      gene_2: gene_b
      chrom_1: chrom_a
      pos_1: pos_a
      chrom_2: chrom_b
      pos_2: pos_b
      support: reads

expression:
  file: @expression.tsv
  unit: log2                              # counts, tpm or log2
  gene_column: gene
  platform: rnaseq                        # printed beside every score

nanostring:
  format: counts
  file: @nanostring.tsv
  gene_column: code
  class_column: code_class

ihc:
  file: @ihc.tsv
  values_are: percent
  columns: {sample_id: sample, CD10: CD10, BCL6: BCL6, MUM1: MUM1, MYC: MYC, BCL2: BCL2}

measurements:                             # numbers per sample that no other key takes
  - kind: serum                           # by gene; never read as the level in the tumour
    file: @serum.tsv
    unit: ng/mL
    columns: {sample_id: sample, CRBN: crbn_ng_per_ml}
  - kind: score                           # by the name that a marker rule gives it
    file: @scores.tsv
    columns: {sample_id: sample, imid_switch: imid_switch, nk_signature: nk_signature, fcgr3a_158v_alleles: fcgr3a_158v_alleles}
  - kind: splice                          # share of the transcript that lacks the exon
    file: @transcripts.tsv
    columns:
      sample_id: sample
      "CRBN:exon10": {column: crbn_without_exon10_percent, unit: percent}

features: []                              # the study's own markers: tables of 0 and 1, {file, patient_id, pattern or columns}

adverse_events:
  file: @adverse_events.tsv
  columns: {patient_id: subject, term: ctcae_term, grade: grade, drug: drug, cycle: cycle, day: study_day}

treatments:
  file: @treatments.tsv
  columns: {patient_id: subject, line: line, regimen: regimen, start_day: first_day, end_day: last_day}

annotation:
  mode: file                              # native: own consequences and HGVS, with a reference made of your genome; both: and compare
  reference_file: null

subtype:
  labels:                                 # subtypes that the study gives
    - name: nanostring
      value: {column: COO_NANOSTRING, values: {ABC: ABC, GCB: GCB, UNCLASS: UNCLASSIFIED}}
  methods: [hans, double_expressor, dlbcl90_coo]   # to compute, from 'ihc' and 'nanostring' (`resistance subtype list`); no vote
  unverified: false                       # true: also methods whose rule nobody compared with its source; every output says so
  use: label:nanostring                   # the one that stratifies the analysis

ctdna:
  convention_pg_per_haploid_genome: 3.3   # 1 ng = 303 haploid genome equivalents
  molecular_response_log10: 2.0           # fall that counts as molecular response
  detection_alt_count: 2                  # reads of a tracked variant that count as detected
  emergence_fdr: 0.05                     # false discovery rate within patient
  emergence_min_later_vaf: 0.005
  alignments:                             # variants are counted in the samples' BAM or CRAM (null: as the callers report them)
    targets: @bam_panel.bed
    snps: @common_snps.vcf
    controls:                             # healthy plasma: panel of normals and background
      file: @controls.tsv
      columns: {sample_id: control, bam: @BAM@}
    variants: cohort                      # those of all patients, so that carry-over between samples is seen
    count: fragments                      # mates merged; or reads, families (UMI), duplexes

markers:
  file: null                              # own markers.tsv, used after the packaged one

analysis:
  primary: response
  secondary: [pfs, os]                    # in the order of their importance; every other endpoint is exploratory
  endpoints: [response, pfs, os]          # asked of every marker
  covariates: [ipi, prior_lines]          # of the adjusted models
  strata: [subtype]                       # of the adjusted models: cell of origin confounds
  treatment_interaction: true             # marker x treatment; needs the control arm
  min_carriers: 3                         # rarer markers are listed, not tested
  markers: null                           # only these markers (null: all that could be assessed)
  joint: []                               # markers that stand together in one model: {name, markers, endpoint, population}
  genes: all_mutated                      # also one question per mutated gene, in a family of its own
  timepoint: baseline
  measures:                               # continuous markers; the effect is per unit, sd, log2, log10 or rank
    - {name: ctDNA level, variable: "ctdna:hge_per_ml", scale: log10}   # per tenfold; an undetected sample stands at its limit of detection
    - {name: CRBN expression, variable: "expression:CRBN", scale: sd, optimal_cut: true}   # the cut's p is corrected for the search
    - {name: TP53 VAF, variable: "vaf:TP53", scale: unit}                  # 0 where TP53 was looked at and not mutated
  landmarks:                              # later samples: only patients still followed without event on that day count
    - {name: day 90, endpoint: pfs, day: 90, timepoint: on_treatment, markers: [molecular_response, ctdna_cleared]}
  multiplicity: {method: bh}              # within each family of questions
  contrasts:                              # questions about covariates and subtypes
    - {name: coo_response, variable: subtype, level: ABC, reference: GCB, endpoint: response, population: lenalidomide}
    - {name: coo_pfs, variable: subtype, level: ABC, reference: GCB, endpoint: pfs, population: lenalidomide}
    - {name: coo_depth, variable: subtype, level: ABC, reference: GCB, endpoint: best_response, population: lenalidomide}
    - {name: coo_response_control, variable: subtype, level: ABC, reference: GCB, endpoint: response, population: control}
  populations:                            # subsets in which questions are asked; 'all' always exists
    lenalidomide:
      label: Lenalidomide with or without rituximab
      include: [{column: ARM, in: [LEN, R2], reason: no lenalidomide}]
    control:
      label: Chemotherapy of the investigator's choice
      include: [{column: ARM, in: [IC], reason: not in the control arm}]

prediction:                               # models, each beside the same without the markers (docs/prediction.md)
  - name: response
    endpoint: response
    population: lenalidomide
    clinical: [ipi, subtype]              # the baseline: what the clinic knows without a marker
    features: [markers]                   # or measures, features, genes, expression, single marker_ids
    repeats: 2                            # of the cross-validation; 10 and more for a real cohort
    permutations: 2                       # label control; 20 and more for a real cohort
    bootstraps: 2                         # correction of optimism; 50 and more for a real cohort

report:
  title: "Demonstration (simulated): IMiD resistance in relapsed DLBCL"
  response: response                      # endpoint of table 1 and the response figures
  oncoprint_genes: 25
  notes:                                  # printed at the top of the report
    - TP53 (death), cell of origin and TNFAIP3 (under lenalidomide only) have planted effects; PIM1 is confounded by cell of origin.
"""
