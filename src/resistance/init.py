"""A folder -> a commented cohort file and template sheets that pass `resistance check` as they are."""

from __future__ import annotations

from pathlib import Path

from resistance.errors import InputError
from resistance.tables import write_text

COHORT = """\
# A cohort file. `resistance schema` prints every key; `resistance check cohort.yaml` says what is wrong.
# Paths are relative to this file.
resistance: 1                     # version of this form

study:
  name: my_cohort                 # short; names the results folder
  title: One sentence about the cohort
  build: GRCh38                   # GRCh37 or GRCh38; one per cohort, checked against the files
  disease: DLBCLNOS               # OncoTree code
  imid: true                      # true: all had an IMiD; false: none had; leave out and give the patients' column 'imid' otherwise

output: results                   # relative to the folder the command is run in
seed: 1

patients:
  file: patients.tsv              # TSV, CSV or XLSX
  columns:                        # our name: your column (or {column, values, unit, pattern, template, na})
    patient_id: patient
    sex: {column: sex, values: {F: female, M: male}}
    age_years: {column: age, unit: years}
    treatment: regimen
  # include:                      # inclusion rules, applied in this order; who is left out is counted
  #   - {column: prior_lines, at_least: 1, reason: not relapsed}

covariates:                       # further columns, for adjustment and table 1
  prior_lines: prior_lines

samples:
  file: samples.tsv
  columns:
    sample_id: sample
    patient_id: patient
    material: material            # plasma, tumour, bone_marrow, germline, cell_line (map other words with 'values')
    timepoint: timepoint          # baseline, on_treatment, end_of_treatment, relapse, follow_up
    day: {column: day, unit: days}
    plasma_ml: plasma_ml
    cfdna_ng_per_ml: cfdna_ng_per_ml
    # vcf: vcf                    # one VCF per sample (or one of several samples, named in each row)

endpoints:
  response:
    label: Overall response
    kind: binary
    value: best_response
    positive: [CR, PR]
    negative: [SD, PD]
    not_evaluable: [NE]
  pfs:
    label: Progression-free survival
    kind: time_to_event
    survival:
      time: {column: pfs_months, unit: months}
      event: pfs_event
      event_codes: [1]            # never guessed: tables exist in which 1 means censored
      censored_codes: [0]

variants:
  - format: maf                   # or vcf, with 'vcf' in the samples sheet
    file: variants.maf
    # liftover: {from: GRCh37, chain: GRCh37_to_GRCh38.chain.gz}   # a file of the other build, moved while it is read

assays:                           # what was looked at; without this a gene without a call is not_assessed
  - kind: mutation
    gene_list: panel_genes.txt    # or genes: ['*'] for an exome, bed:, depth:

subtype:
  methods: []                     # hans once 'ihc' is given, dlbcl90_coo once 'nanostring' is: `resistance subtype list`
  labels: []

analysis:
  primary: response
  covariates: [prior_lines]

report:
  response: response
"""

PATIENTS = """\
patient\tsex\tage\tregimen\tprior_lines\tbest_response\tpfs_months\tpfs_event
P1\tF\t67\tlenalidomide\t2\tPR\t7.5\t1
P2\tM\t71\tlenalidomide\t3\tPD\t1.2\t1
P3\tF\t59\tlenalidomide + rituximab\t1\tCR\t22\t0
P4\tM\t64\tlenalidomide + rituximab\t1\tNE\t0.4\t0
"""

SAMPLES = """\
sample\tpatient\tmaterial\ttimepoint\tday\tplasma_ml\tcfdna_ng_per_ml
P1_T\tP1\ttumour\tbaseline\t-14\tNA\tNA
P2_T\tP2\ttumour\tbaseline\t-9\tNA\tNA
P3_T\tP3\ttumour\tbaseline\t-20\tNA\tNA
P4_T\tP4\ttumour\tbaseline\t-3\tNA\tNA
"""

VARIANTS = """\
Hugo_Symbol\tNCBI_Build\tChromosome\tStart_Position\tEnd_Position\tVariant_Classification\tReference_Allele\tTumor_Seq_Allele2\tTumor_Sample_Barcode\tHGVSp_Short\tt_depth\tt_alt_count
MYD88\tGRCh38\t3\t38141150\t38141150\tMissense_Mutation\tT\tC\tP1_T\tp.L265P\t210\t61
TP53\tGRCh38\t17\t7675088\t7675088\tMissense_Mutation\tC\tT\tP2_T\tp.R175H\t180\t90
"""

PANEL = "CARD11\nCD79B\nCRBN\nIKZF1\nIKZF3\nIRF4\nMYD88\nTNFAIP3\nTP53\n"


def write_templates(folder: Path) -> list[Path]:
    """Write the cohort file and its sheets.

    Parameters
    ----------
    folder : Path
        Made where it does not exist.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        One of the files is there already; nothing is written then.
    """
    files = {
        "cohort.yaml": COHORT,
        "patients.tsv": PATIENTS,
        "samples.tsv": SAMPLES,
        "variants.maf": VARIANTS,
        "panel_genes.txt": PANEL,
    }
    there = [folder / name for name in files if (folder / name).exists()]
    if there:
        raise InputError("the file is there already, and init overwrites nothing", path=there[0], remedy="Choose another folder.")
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file, not a folder", path=folder)
    for name, text in files.items():
        write_text(folder / name, text)
    return [folder / name for name in files]
