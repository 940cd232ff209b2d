"""A cBioPortal study folder becomes a cohort file that loads and says what is left to decide."""

from __future__ import annotations

import pytest

from resistance import config
from resistance.errors import InputError
from resistance.read.cbioportal import import_study, to_decide

META_STUDY = "type_of_cancer: dlbclnos\ncancer_study_identifier: my_study\nname: A study: with a colon\npmid: 1\n"


def _sheet(names, rows):
    lines = ["#" + "\t".join(names)] * 4 + ["\t".join(names)] + ["\t".join(row) for row in rows]
    return "\n".join(lines) + "\n"


def _study(folder, *, patients=None, samples=None, study=META_STUDY, **files):
    folder.mkdir(exist_ok=True)
    patients = patients or (
        ["PATIENT_ID", "SEX", "AGE", "OS_MONTHS", "OS_STATUS"],
        [["P1", "Male", "60", "5", "1:DECEASED"], ["P2", "Female", "70", "9", "0:LIVING"]],
    )
    samples = samples or (["PATIENT_ID", "SAMPLE_ID", "ONCOTREE_CODE"], [["P1", "S1", "PCM"], ["P2", "S2", "PCM"]])
    texts = {
        "meta_study.txt": study,
        "meta_clinical_patient.txt": "genetic_alteration_type: CLINICAL\ndatatype: PATIENT_ATTRIBUTES\ndata_filename: p.txt\n",
        "meta_clinical_sample.txt": "genetic_alteration_type: CLINICAL\ndatatype: SAMPLE_ATTRIBUTES\ndata_filename: s.txt\n",
        "p.txt": _sheet(*patients),
        "s.txt": _sheet(*samples),
    }
    for name, text in (texts | {name.replace("__", "."): text for name, text in files.items()}).items():
        (folder / name).write_text(text)
    return folder


def _import(tmp_path, **named):
    path = import_study(_study(tmp_path / "study", **named), tmp_path / "out")
    return path, " ".join(to_decide(path))


MUTATIONS = {
    "meta_mutations__txt": "genetic_alteration_type: MUTATION_EXTENDED\ndatatype: MAF\ndata_filename: m.txt\n",
    "m__txt": "Hugo_Symbol\tNCBI_Build\tTumor_Sample_Barcode\nTP53\thg38\tS1\n",
}


def test_the_cohort_file_loads_with_the_codes_of_the_study(tmp_path):
    path, _ = _import(tmp_path)
    cohort = config.load(path)
    survival = cohort.endpoints["os"].survival
    assert (survival.event_codes, survival.censored_codes, survival.time.unit) == (["1:DECEASED"], ["0:LIVING"], "months")
    assert (cohort.study.name, cohort.study.title, cohort.study.disease) == ("my_study", "A study: with a colon", "PCM")
    assert cohort.patients.columns["sex"].values == {"Male": "male", "Female": "female"}
    assert (path.parent / cohort.patients.file).resolve() == tmp_path / "study" / "p.txt"


def test_codes_that_are_not_clear_are_left_to_the_user(tmp_path):
    patients = (["PATIENT_ID", "PFS_MONTHS", "PFS_STATUS"], [["P1", "5", "1"], ["P2", "6", "0"]])
    path, points = _import(tmp_path, patients=patients)
    assert "PFS_MONTHS is there, but no status column whose codes are clear (PFS_STATUS: 0, 1)" in points
    assert "There is no endpoint yet, and without one the file is refused." in points
    with pytest.raises(InputError, match="endpoints"):
        config.load(path)


def test_negative_times_are_excluded_and_counted_later(tmp_path):
    patients = (["PATIENT_ID", "OS_MONTHS", "OS_STATUS"], [["P1", "-1", "1:DECEASED"], ["P2", "6", "0:LIVING"]])
    path, _ = _import(tmp_path, patients=patients)
    assert config.load(path).endpoints["os"].survival.on_negative_time == "exclude"


def test_response_words_without_doubt_become_an_endpoint(tmp_path):
    rows = [["P1", "Complete response"], ["P2", "Progressive Disease"], ["P3", "Not assessed"]]
    samples = (["PATIENT_ID", "SAMPLE_ID"], [["P1", "S1"], ["P2", "S2"], ["P3", "S3"]])
    path, _ = _import(tmp_path, patients=(["PATIENT_ID", "BEST_RESPONSE"], rows), samples=samples)
    response = config.load(path).endpoints["response"]
    assert (response.positive, response.negative, response.not_evaluable) == (
        ["Complete response"],
        ["Progressive Disease"],
        ["Not assessed"],
    )


def test_the_build_comes_from_the_mutations_or_is_asked_for(tmp_path):
    path, points = _import(tmp_path, **MUTATIONS)
    assert config.load(path).study.build == "GRCh38"
    assert "no genome build" not in points


def test_without_a_named_build_cbioportals_default_is_taken_and_asked_about(tmp_path):
    path, points = _import(tmp_path)
    assert config.load(path).study.build == "GRCh37"
    assert "The files name no genome build; cBioPortal then means hg19." in points


def test_mutations_on_two_builds_are_refused(tmp_path):
    maf = "Hugo_Symbol\tNCBI_Build\nTP53\thg38\nTP53\tGRCh37\n"
    with pytest.raises(
        InputError, match=r"column 'NCBI_Build', value 'GRCh37, GRCh38': the mutations are on several genome builds"
    ):
        _import(tmp_path, **(MUTATIONS | {"m__txt": maf}))


def test_without_a_panel_nothing_is_said_to_be_sequenced(tmp_path):
    path, points = _import(tmp_path, **MUTATIONS)
    assert config.load(path).assays == []
    assert "the study does not say which genes were sequenced" in points


def test_the_case_list_names_who_was_sequenced(tmp_path):
    lists = tmp_path / "study" / "case_lists"
    lists.mkdir(parents=True)
    (lists / "cases_sequenced.txt").write_text("stable_id: x\ncase_list_ids: S1\tS2\n")
    path, points = _import(tmp_path, **MUTATIONS)
    assert "The 2 sequenced samples stand in sequenced_samples.tsv." in points
    assert (path.parent / "sequenced_samples.tsv").read_text() == "sample_id\nS1\nS2\n"


def test_gene_panels_become_assays(tmp_path):
    path, points = _import(
        tmp_path,
        data_gene_panel_matrix__txt="SAMPLE_ID\tmutations\nS1\tPANEL1\nS2\tWES\nS3\tLOST\n",
        meta_gene_panel_matrix__txt="genetic_alteration_type: GENE_PANEL_MATRIX\ndatatype: GENE_PANEL_MATRIX\ndata_filename: data_gene_panel_matrix.txt\n",
        data_gene_panel_PANEL1__txt="stable_id: PANEL1\ndescription: x\ngene_list: TP53\tCRBN\n",
        **MUTATIONS,
    )
    panel, exome = sorted(config.load(path).assays, key=lambda assay: assay.gene_list is None)
    assert (path.parent / panel.gene_list).read_text().split() == ["TP53", "CRBN"]
    assert (path.parent / panel.samples_file).read_text().split() == ["sample_id", "S1"]
    assert exome.genes == ["*"]
    assert "Gene panel LOST (1 samples): its list of genes is not in the study" in points


CNA = "genetic_alteration_type: COPY_NUMBER_ALTERATION\ndatatype: {}\ndata_filename: {}\n"


def test_copy_number_covers_the_rows_and_columns_of_its_matrix(tmp_path):
    path, _ = _import(
        tmp_path,
        meta_cna__txt=CNA.format("DISCRETE", "cna.txt"), cna__txt="Hugo_Symbol\tS1\nTP53\t0\n",
        meta_log2_cna__txt=CNA.format("LOG2-VALUE", "log2.txt"), log2__txt="Hugo_Symbol\tS1\nTP53\t0\n",
    )  # fmt: skip
    cohort = config.load(path)
    assert [source.format for source in cohort.copy_number] == ["cbioportal_discrete"]  # one of the two: they say the same
    assert [assay.kind for assay in cohort.assays] == ["copy_number"]
    assert (path.parent / "copy_number_genes.txt").read_text() == "TP53\n"


def test_structural_variants_and_expression_are_found(tmp_path):
    path, points = _import(
        tmp_path,
        meta_sv__txt="genetic_alteration_type: STRUCTURAL_VARIANT\ndatatype: SV\ndata_filename: sv.txt\n", sv__txt="Sample_Id\nS1\n",
        meta_mrna__txt="genetic_alteration_type: MRNA_EXPRESSION\ndatatype: CONTINUOUS\nstable_id: rna_seq_v2_mrna\nprofile_description: RSEM\ndata_filename: mrna.txt\n",
        mrna__txt="Hugo_Symbol\tS1\nTP53\t3\n",
        meta_tpm__txt="genetic_alteration_type: MRNA_EXPRESSION\ndatatype: CONTINUOUS\nstable_id: rna_seq_mrna_tpm\ndata_filename: tpm.txt\n",
        tpm__txt="Hugo_Symbol\tS1\nTP53\t3\n",
    )  # fmt: skip
    cohort = config.load(path)
    assert [source.format for source in cohort.fusions] == ["cbioportal_sv"]
    assert cohort.expression.unit == "tpm"
    assert "Expression: say what its numbers are" in points
    assert "Structural variants: an assay of kind fusion must say in whom they were looked for." in points


def test_several_samples_per_patient_are_not_joined(tmp_path):
    samples = (["PATIENT_ID", "SAMPLE_ID"], [["P1", "S1"], ["P1", "S2"], ["P2", "S3"]])
    path, points = _import(tmp_path, samples=samples)
    assert config.load(path).patients.join == []
    assert "Some patients have several samples" in points


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda folder: (folder / "s.txt").unlink(),
            r"column 'data_filename', value 's.txt': the data file that this meta file names is missing",
        ),
        (lambda folder: (folder / "meta_clinical_sample.txt").unlink(), r"the study has no clinical sample file"),
        (lambda folder: [x.unlink() for x in folder.glob("meta_*")], r"this is no cBioPortal study: it holds no meta_\*.txt"),
        (
            lambda folder: (folder / "s.txt").write_text("PATIENT_ID\tID\nP1\tS1\n"),
            r"column 'SAMPLE_ID': the clinical sample file lacks this column",
        ),
    ],
)
def test_a_folder_that_is_no_study_is_refused(tmp_path, spoil, message):
    folder = _study(tmp_path / "study")
    spoil(folder)
    with pytest.raises(InputError, match=message):
        import_study(folder, tmp_path / "out")


def test_a_missing_folder_and_a_present_cohort_file_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"the study folder is missing"):
        import_study(tmp_path / "nowhere", tmp_path / "out")
    _import(tmp_path)
    with pytest.raises(InputError, match=r"there is a cohort file already. Choose another folder"):
        _import(tmp_path)


@pytest.mark.shared
def test_the_duke_study_is_imported_and_its_traps_are_named(shared, tmp_path):
    path = import_study(shared / "cohorts" / "reddy_duke_2017", tmp_path / "out")
    cohort, points = config.load(path), " ".join(to_decide(path))
    survival = cohort.endpoints["os"].survival
    assert (survival.event.column, survival.event_codes, survival.censored_codes) == ("SAMPLE_CENSORED", ["DECEASED"], ["LIVING"])
    assert "its status is taken from SAMPLE_CENSORED" in points
    assert "the longest OS_MONTHS is 383 months (32 years). Is the column really in months?" in points
    assert (cohort.study.build, cohort.study.disease) == ("GRCh37", "DLBCLNOS")
    assert (cohort.endpoints["response"].positive, cohort.endpoints["response"].negative) == (
        ["Complete response", "Partial response"],
        ["No response"],
    )
    assert len((path.parent / "copy_number_genes.txt").read_text().split()) == 140
    assert len((path.parent / "copy_number_samples.tsv").read_text().split()) == 1 + 1001
