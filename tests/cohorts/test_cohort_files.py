"""The cohort files of the real cohorts: what they declare, without the data."""

from __future__ import annotations

import pytest

from resistance.config import load

COHORTS = (
    "gdsc_lenalidomide",
    "hilton_lcr_2023",
    "hilton_lcr_2023_paired",
    "hnc_ctdna_janke2024",
    "mds_lenalidomide",
    "reddy_duke_2017",
    "tcga_dlbc",
)


@pytest.fixture(params=COHORTS)
def cohort_file(request, checkout):
    return load(checkout / "config" / "cohorts" / f"{request.param}.yaml")


def test_every_real_cohort_is_a_valid_cohort_file_named_as_its_file(checkout):
    found = sorted(path.stem for path in (checkout / "config" / "cohorts").glob("*.yaml"))
    assert found == sorted(COHORTS)
    for name in found:
        assert load(checkout / "config" / "cohorts" / f"{name}.yaml").study.name == name


def test_says_whether_anybody_had_an_imid(cohort_file):
    assert cohort_file.study.imid is (cohort_file.study.name in ("gdsc_lenalidomide", "mds_lenalidomide"))


def test_cohorts_without_imid_say_prognostic(cohort_file):
    if cohort_file.study.imid is False:
        assert any("prognostic" in note for note in cohort_file.report.notes)


def test_cites_its_source(cohort_file):
    assert cohort_file.study.citation


def test_reddy_counts_the_workbook_codes_the_right_way_round(checkout):
    survival = load(checkout / "config" / "cohorts" / "reddy_duke_2017.yaml").endpoints["os"].survival
    assert survival is not None
    assert survival.event.column == "paper: Censored"
    assert (survival.event_codes, survival.censored_codes) == ([0], [1])
    assert survival.time.unit == "years"


def test_mds_report_names_the_immortal_time_bias_and_the_other_treatments(checkout):
    notes = " ".join(load(checkout / "config" / "cohorts" / "mds_lenalidomide.yaml").report.notes)
    for words in ("first disease-modifying treatment as the table gives it", "hypomethylating agent or a transplant", "immortal"):
        assert words in notes
