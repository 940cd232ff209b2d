"""The study folder: its files by the format's rules, and the project's own reader finds the same cohort again."""

from __future__ import annotations

import pandas as pd
import pytest
from export_fixture import CALLS, build

from resistance import config, schemas, stages
from resistance.batching import batch_names
from resistance.errors import InputError
from resistance.export import export
from resistance.layout import read_stage, write_stage
from resistance.read.cbioportal import import_study, to_decide
from resistance.tables import empty

KEY = ["sample_id", "build", "chrom", "pos", "ref", "alt"]


@pytest.fixture(scope="module")
def study(exported):
    return exported / "cbioportal"


def fields(path):
    return dict(line.split(": ", 1) for line in path.read_text().splitlines())


def sheet(path):
    return pd.read_csv(path, sep="\t", comment="#", dtype=str, keep_default_na=False)


def test_every_data_file_has_its_meta_file(study):
    metas = {fields(path)["data_filename"] for path in study.glob("meta_*.txt") if path.name != "meta_study.txt"}
    assert metas == {path.name for path in study.glob("data_*.txt")}
    assert all(fields(path)["cancer_study_identifier"] == "small" for path in study.rglob("meta_*.txt"))


def test_the_study(study):
    assert fields(study / "meta_study.txt") == {
        "cancer_study_identifier": "small",
        "type_of_cancer": "pcm",
        "name": "A cohort: made by hand",
        "description": "Cohort small, exported by resistance. Research use only. Made by hand.",
        "reference_genome": "hg19",
    }


def test_the_patients(study):
    lines = (study / "data_clinical_patient.txt").read_text().splitlines()
    assert [line[0] for line in lines[:4]] == ["#"] * 4
    assert lines[2] == "#STRING\tSTRING\tNUMBER\tSTRING\tNUMBER\tSTRING\tNUMBER\tSTRING\tSTRING\tSTRING\tBOOLEAN\tNUMBER\tSTRING"
    table = sheet(study / "data_clinical_patient.txt").set_index("PATIENT_ID")
    assert table.columns.tolist() == [
        "SEX", "AGE", "OS_STATUS", "OS_MONTHS", "RESPONSE", "RESPONSE_VALUE", "SUBTYPE_LABEL_RNASEQ", "DISEASE", "TREATMENT",
        "IMID", "IPI_R", "NOTE",
    ]  # fmt: skip
    assert table.loc["P1"].tolist() == [
        "Female", "61.5", "1:DECEASED", "10.0", "CR", "1", "ABC", "PCM", "lenalidomide", "TRUE", "1", "a b",
    ]  # fmt: skip
    # a competing event is no event, and is counted; not evaluable has no value
    assert table.loc["P3"].tolist()[2:7] == ["0:LIVING", str(100 / 30.4375), "NE", "NA", "NA"]
    assert table.loc["P3", "NOTE"] == 'say "x"'
    assert table.index.tolist() == ["P1", "P2", "P3"]  # P4 has no sample


def test_the_samples(study):
    table = sheet(study / "data_clinical_sample.txt")
    assert table["SAMPLE_ID"].tolist() == ["P1-T", "P1-R", "P2-T", "P3-T"]
    assert table.loc[1].to_dict() == {
        "PATIENT_ID": "P1", "SAMPLE_ID": "P1-R", "ONCOTREE_CODE": "PCM", "MATERIAL": "plasma", "TIMEPOINT": "relapse", "DAY": "200",
    }  # fmt: skip


def test_copy_number_has_genes_only_and_keeps_what_is_not_known(study):
    assert (study / "data_cna.txt").read_text() == "Hugo_Symbol\tP1-T\tP2-T\nCRBN\t-2\tNA\nTP53\t-1\t0\n"


def test_cytogenetic_events_stand_beside_copy_number(study):
    assert (study / "data_cytogenetics.txt").read_text() == "ENTITY_STABLE_ID\tNAME\tP1-T\ndel_17p_\tdel(17p)\tloss\n"
    assert fields(study / "meta_cytogenetics.txt")["genetic_alteration_type"] == "GENERIC_ASSAY"


def test_structural_events(study):
    assert (study / "data_sv.txt").read_text() == (
        "Sample_Id\tSV_Status\tSite1_Hugo_Symbol\tSite1_Chromosome\tSite1_Position\tSite2_Hugo_Symbol\tSite2_Chromosome\t"
        "Site2_Position\tNCBI_Build\tClass\tEvent_Info\tTumor_Variant_Count\n"
        "P1-T\tSOMATIC\tBCL2\t18\t60793000\tIGH\t14\t106330000\tGRCh37\tTRANSLOCATION\tTranslocation\t12\n"
        "P2-T\tSOMATIC\tFLT3\t\t\t\t\t\tGRCh37\tDUPLICATION\tITD\t\n"
    )


def test_marker_states_per_sample(study):
    table = sheet(study / "data_markers.txt").set_index("ENTITY_STABLE_ID")
    assert table.columns.tolist() == ["NAME", "DESCRIPTION", "URL", "P1-T", "P1-R", "P2-T", "P3-T"]
    assert table.loc["tp53"].tolist() == [
        "TP53 mutation", "mutation nonsilent; resistance; grade B; PMID:1234", "https://pubmed.ncbi.nlm.nih.gov/1234",
        "present", "present", "absent", "absent",
    ]  # fmt: skip
    assert table.loc["crbn"].tolist()[2:] == ["https://doi.org/10.1/x", "present", "absent", "present", "absent"]
    assert table.loc["ikzf1"].tolist()[2:] == ["NA", "NA", "NA", "NA", "NA"]
    meta = fields(study / "meta_markers.txt")
    assert (meta["genetic_alteration_type"], meta["datatype"]) == ("GENERIC_ASSAY", "CATEGORICAL")


def test_panels_say_what_was_looked_at(study):
    table = sheet(study / "data_gene_panel_matrix.txt").set_index("SAMPLE_ID")
    assert table["mutations"].tolist() == ["WXS", "WXS", "small_panel_1", "small_panel_1"]
    assert table["structural_variants"].tolist() == ["small_panel_2", "NA", "NA", "NA"]
    assert table["cna"].tolist() == ["small_panel_3", "NA", "small_panel_4", "NA"]
    assert fields(study / "gene_panel_1.txt")["gene_list"] == "ABC2\tBTK\tCRBN\tTP53"
    assert fields(study / "gene_panel_4.txt")["gene_list"] == "TP53"


def test_case_lists(study):
    lists = {path.stem: fields(path)["case_list_ids"].split("\t") for path in (study / "case_lists").iterdir()}
    assert lists == {
        "cases_all": ["P1-T", "P1-R", "P2-T", "P3-T"],
        "cases_sequenced": ["P1-T", "P1-R", "P2-T", "P3-T"],
        "cases_cna": ["P1-T", "P2-T"],
        "cases_cnaseq": ["P1-T", "P2-T"],
        "cases_sv": ["P1-T", "P2-T"],
    }
    assert fields(study / "case_lists" / "cases_cna.txt")["stable_id"] == "small_cna"


def test_what_a_study_cannot_hold_is_counted(study):
    table = pd.read_csv(study / "export_dropped.tsv", sep="\t")
    assert {(row.table, row.reason): row.n for row in table.itertuples() if row.table != "data_mutations.txt"} == {
        ("data_clinical_patient.txt", "kept, as no event: cBioPortal knows no competing event"): 1,
        ("data_clinical_patient.txt", "no sample other than germline"): 1,
        ("data_clinical_sample.txt", "germline sample"): 1,
        ("data_cna.txt", "kept, in data_cytogenetics.txt: cBioPortal's copy number has genes only"): 1,
        ("data_cytogenetics.txt", "kept, written with '_' for letters that cBioPortal does not allow in a name"): 1,
        ("data_cna.txt", "kept, without its loss of heterozygosity: cBioPortal's discrete copy number has no word for it"): 1,
        ("data_sv.txt", "the event names no gene"): 1,
    }


def test_survival_keeps_its_names_beside_a_covariate_of_the_same_name(tmp_path):
    results = build(tmp_path / "results")
    patients = read_stage(results, "cohort", schemas.PATIENTS)
    write_stage(patients.assign(os_months=1.0, mutation_count=7.0), results, "cohort", schemas.PATIENTS)
    export(results, tmp_path, ["cbioportal"])
    table = sheet(tmp_path / "cbioportal" / "data_clinical_patient.txt").set_index("PATIENT_ID")
    assert (table.loc["P1", "OS_MONTHS"], table.loc["P1", "OS_MONTHS_2"]) == ("10.0", "1")
    assert (table.loc["P1", "MUTATION_COUNT_GIVEN"], "MUTATION_COUNT" in table) == ("7", False)


def test_a_cohort_without_molecular_data_is_a_study_of_its_clinic(tmp_path):
    results = build(tmp_path / "results")
    for schema in (schemas.CALLS, schemas.EFFECTS, schemas.COVERAGE, schemas.COPY_NUMBER, schemas.FUSIONS):
        write_stage(empty(schema), results, "cohort", schema)
    write_stage(empty(schemas.EFFECTS), results, "annotate", schemas.EFFECTS)
    export(results, tmp_path, ["cbioportal", "maf"])
    names = {path.name for path in (tmp_path / "cbioportal").rglob("*.txt")}
    assert names == {
        "meta_study.txt", "meta_clinical_patient.txt", "data_clinical_patient.txt", "meta_clinical_sample.txt",
        "data_clinical_sample.txt", "meta_markers.txt", "data_markers.txt", "cases_all.txt",
    }  # fmt: skip
    assert len((tmp_path / "maf" / "mutations.maf").read_text().splitlines()) == 2


def test_calls_without_declared_coverage_are_counted(tmp_path):
    results = build(tmp_path / "results")
    write_stage(empty(schemas.COVERAGE), results, "cohort", schemas.COVERAGE)
    export(results, tmp_path, ["cbioportal"])
    table = pd.read_csv(tmp_path / "cbioportal" / "export_dropped.tsv", sep="\t").set_index("reason")
    assert table.loc["kept, without coverage: cBioPortal takes the sample for sequenced whole", "n"] == 4


def test_names_that_cbioportal_does_not_allow_are_written_with_underscores(tmp_path):
    out = tmp_path / "out"
    export(build(tmp_path / "results", name="a cohort"), out, ["cbioportal"])
    assert fields(out / "cbioportal" / "meta_study.txt")["cancer_study_identifier"] == "a_cohort"


def test_names_that_become_one_are_refused(tmp_path):
    from resistance.dropped import Dropped
    from resistance.export.cbioportal_study import portal_names

    dropped = Dropped("export")
    assert portal_names(pd.Series(["a b", "c"]), dropped, "t", "sample_id") == {"a b": "a_b", "c": "c"}
    assert dropped.frame()["example"].tolist() == ["a b"]
    with pytest.raises(InputError, match=r"'a b' and 'a/b' would both be 'a_b' in cBioPortal. Rename one of them"):
        portal_names(pd.Series(["a b", "a/b"]), dropped, "t", "sample_id")


@pytest.fixture(scope="module")
def again(study, tmp_path_factory):
    """The study, imported and read by the project's own stages."""
    out = tmp_path_factory.mktemp("again")
    cohort = import_study(study, out)
    for batch in batch_names(config.load(cohort), cohort.parent):
        stages.read(cohort, out / "results", batch)
    stages.gather(cohort, out / "results")
    stages.annotate(cohort, out / "results")
    return cohort, out / "results"


def test_the_same_calls_are_read_again(again):
    expected = pd.DataFrame(CALLS[:7])[KEY].sort_values(KEY)
    got = read_stage(again[1], "cohort", schemas.CALLS)[KEY].sort_values(KEY)
    assert got.to_numpy().tolist() == expected.to_numpy().tolist()


def test_the_same_endpoints_are_read_again(again, results):
    def known(folder):
        table = read_stage(folder, "cohort", schemas.ENDPOINTS)
        table = table[table["patient_id"].isin(["P1", "P2"])]
        return table.sort_values(["endpoint", "patient_id"])[["endpoint", "patient_id", "value", "event"]].astype(object)

    pd.testing.assert_frame_equal(known(again[1]).reset_index(drop=True), known(results).reset_index(drop=True))
    days = read_stage(again[1], "cohort", schemas.ENDPOINTS).set_index(["endpoint", "patient_id"])["time_days"]
    assert days["os", "P1"] == pytest.approx(304.375)


def test_the_same_copy_number_and_events_are_read_again(again, results):
    def copies(folder):
        table = read_stage(folder, "cohort", schemas.COPY_NUMBER)
        table = table[table["state"].notna() & (table["gene"] != "del(17p)")]
        return sorted(table[["sample_id", "gene", "state"]].itertuples(index=False, name=None))

    assert copies(again[1]) == copies(results)
    events = read_stage(again[1], "cohort", schemas.FUSIONS)
    assert events[["sample_id", "kind", "gene_1"]].to_numpy().tolist() == [
        ["P1-T", "translocation", "BCL2"],
        ["P2-T", "ITD", "FLT3"],
    ]


def test_the_same_coverage_is_read_again(again, results):
    def covered(folder):
        table = read_stage(folder, "cohort", schemas.COVERAGE)
        return sorted(table.loc[table["kind"] == "mutation", ["sample_id", "gene"]].itertuples(index=False, name=None))

    assert covered(again[1]) == covered(results)
    assert not [line for line in to_decide(again[0]) if "sequenced" in line]
