"""The patients sheet becomes patients, endpoints and a flow in which everybody is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from resistance.config import parse
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.clinical import read_clinic
from resistance.read.samples import read_samples

SHEET = """id\tsex\tage\tarm\tbor\tmonths\tstatus\tstart_days
A\tF\t60\tLEN\tCR\t12\t1\t0
B\tM\t70\tLEN\tPD\t6\t0\t31
C\tM\tNA\tCHOP\tSD\t3\t1\t0
D\tF\t50\tLEN\tNE\tNA\tNA\tNA
"""

BASE = {
    "resistance": 1,
    "study": {"name": "t", "title": "t", "build": "GRCh38"},
    "patients": {
        "file": "p.tsv",
        "columns": {
            "patient_id": "id",
            "sex": {"column": "sex", "values": {"F": "female", "M": "male"}},
            "age_years": {"column": "age", "unit": "years"},
            "treatment": "arm",
        },
    },
    "samples": {
        "file": "p.tsv",
        "one_per_patient": True,
        "columns": {"material": {"constant": "tumour"}, "timepoint": {"constant": "baseline"}},
    },
    "endpoints": {
        "response": {
            "label": "ORR",
            "kind": "binary",
            "value": "bor",
            "positive": ["CR", "PR"],
            "negative": ["SD", "PD"],
            "not_evaluable": ["NE"],
        },
        "os": {
            "label": "OS",
            "kind": "time_to_event",
            "survival": {
                "time": {"column": "months", "unit": "months"},
                "event": "status",
                "event_codes": [1],
                "censored_codes": [0],
            },
        },
    },
}


def clinic(tmp_path: Path, sheet: str = SHEET, **changes):
    (tmp_path / "p.tsv").write_text(sheet)
    raw = {**BASE, **changes}
    dropped = Dropped("gather")
    return read_clinic(parse(raw, "c.yaml"), tmp_path, dropped), dropped.frame()


def endpoint(result, name):
    table = result.endpoints
    return table[table["endpoint"] == name].set_index("patient_id")


def test_response_codes_become_one_and_zero_and_not_evaluable_is_neither(tmp_path):
    result, _ = clinic(tmp_path)
    response = endpoint(result, "response")
    assert response["value"].tolist()[:3] == [1.0, 0.0, 0.0]
    assert response.loc["D", "excluded"] == "not evaluable"
    assert response["value"].isna()["D"]


def test_months_become_days_and_unknown_follow_up_says_why(tmp_path):
    os = endpoint(clinic(tmp_path)[0], "os")
    assert os["time_days"].tolist()[:3] == [365.25, 182.625, 91.3125]
    assert os["event"].tolist()[:3] == [1, 0, 1]
    assert os.loc["D", "excluded"] == "time and event not known"


def test_event_coding_can_be_the_other_way_round(tmp_path):
    survival = {"time": {"column": "months", "unit": "months"}, "event": "status", "event_codes": [0], "censored_codes": [1]}
    result, _ = clinic(tmp_path, endpoints={"os": {"label": "OS", "kind": "time_to_event", "survival": survival}})
    assert endpoint(result, "os")["event"].tolist()[:3] == [0, 1, 0]


def test_an_undeclared_event_code_is_refused_with_file_row_column_and_value(tmp_path):
    with pytest.raises(InputError) as error:
        clinic(tmp_path, SHEET.replace("CHOP\tSD\t3\t1", "CHOP\tSD\t3\t9"))
    assert (
        "p.tsv, row 4, column 'status', value '9': the code is not declared for the event of endpoint 'os'. Declared: 0, 1."
        in str(error.value)
    )


def test_a_negative_time_stops_unless_the_cohort_file_says_to_leave_it_out(tmp_path):
    sheet = SHEET.replace("PD\t6", "PD\t-6")
    with pytest.raises(InputError, match=r"row 3, column 'months', value '-182.625 days': negative time for endpoint 'os'"):
        clinic(tmp_path, sheet)
    survival = {**BASE["endpoints"]["os"]["survival"], "on_negative_time": "exclude"}
    result, _ = clinic(tmp_path, sheet, endpoints={"os": {"label": "OS", "kind": "time_to_event", "survival": survival}})
    assert endpoint(result, "os").loc["B", "excluded"] == "negative time"


def test_follow_up_can_be_counted_from_the_start_of_treatment(tmp_path):
    survival = {**BASE["endpoints"]["os"]["survival"], "start": {"column": "start_days", "unit": "days"}}
    os = endpoint(clinic(tmp_path, endpoints={"os": {"label": "OS", "kind": "time_to_event", "survival": survival}})[0], "os")
    assert os.loc["B", "time_days"] == pytest.approx(6 * 365.25 / 12 - 31)
    late = (
        SHEET.replace("M\t70\tLEN\tPD\t6\t0\t31", "M\t70\tLEN\tPD\t6\t0\t400")
        .replace("1\t0\nC", "1\t-3\nC")
        .replace("12\t1\t0", "12\t1\t-3")
    )
    os = endpoint(
        clinic(tmp_path, late, endpoints={"os": {"label": "OS", "kind": "time_to_event", "survival": survival}})[0], "os"
    )
    assert os.loc["B", "excluded"] == "treatment does not start before the end of follow-up"
    assert os.loc["A", "excluded"] == "start of treatment lies before the origin"
    assert os.loc["D", "excluded"] == "time and event not known"


def test_inclusion_rules_count_whom_they_leave_out(tmp_path):
    rules = [
        {"column": "arm", "in": ["LEN"], "reason": "no lenalidomide"},
        {"column": "age", "at_least": 55, "reason": "younger than 55"},
    ]
    result, dropped = clinic(tmp_path, patients={**BASE["patients"], "include": rules})
    assert result.patients["patient_id"].tolist() == ["A", "B"]
    assert result.flow == [
        {"step": "patients in p.tsv", "n": 4},
        {"step": "left out: no lenalidomide", "n": 1},
        {"step": "left out: younger than 55", "n": 1},
        {"step": "patients analysed", "n": 2},
    ]
    assert dropped[["reason", "n", "example"]].to_numpy().tolist() == [["no lenalidomide", 1, "C"], ["younger than 55", 1, "D"]]


def test_rules_that_leave_nobody_are_an_error(tmp_path):
    with pytest.raises(InputError, match="no patient passes the inclusion rules"):
        clinic(tmp_path, patients={**BASE["patients"], "include": [{"column": "arm", "in": ["X"], "reason": "r"}]})


def test_a_duplicate_patient_names_both_rows(tmp_path):
    with pytest.raises(InputError, match=r"row 6, column 'id', value 'A': duplicate patient\. First in row 2"):
        clinic(tmp_path, SHEET + "A\tF\t60\tLEN\tCR\t12\t1\t0\n")


def test_several_problems_are_reported_together(tmp_path):
    with pytest.raises(InputError) as error:
        clinic(tmp_path, SHEET.replace("A\tF\t60", "A\tQ\tsixty").replace("SD\t3\t1", "XX\t3\t7"))
    assert len(error.value.problems) == 4


def test_a_joined_sheet_adds_columns_by_patient(tmp_path):
    (tmp_path / "coo.csv").write_text("no,call\n1,ABC\n3,GCB\n")
    sheet = "id\tsex\tage\tarm\tbor\tmonths\tstatus\nP1\tF\t1\tL\tCR\t1\t1\nP2\tF\t1\tL\tCR\t1\t1\nP3\tF\t1\tL\tCR\t1\t1\n"
    join = [{"file": "coo.csv", "patient_id": {"column": "no", "template": "P{}"}}]
    result, _ = clinic(
        tmp_path,
        sheet,
        patients={**BASE["patients"], "join": join},
        subtype={"labels": [{"name": "rnaseq", "value": {"column": "call"}}]},
    )
    assert result.patients["label:rnaseq"].fillna("?").tolist() == ["ABC", "?", "GCB"]


def test_covariates_become_numbers_where_all_are_and_populations_become_flags(tmp_path):
    result, _ = clinic(
        tmp_path,
        covariates={"start": {"column": "start_days"}, "arm": {"column": "arm"}},
        analysis={
            "populations": {"len": {"label": "lenalidomide", "include": [{"column": "arm", "in": ["LEN"], "reason": "other"}]}}
        },
    )
    assert result.patients["start"].tolist()[:3] == [0.0, 31.0, 0.0]
    assert result.patients["arm"].tolist() == ["LEN", "LEN", "CHOP", "LEN"]
    assert result.patients["population:len"].tolist() == [True, True, False, True]


def samples(tmp_path, text, **spec):
    (tmp_path / "s.tsv").write_text(text)
    columns = {"sample_id": "s", "patient_id": "p", "material": "m", "timepoint": "t", "day": {"column": "d", "unit": "days"}}
    config = parse({**BASE, "samples": {"file": "s.tsv", "columns": {**columns, **spec}}}, "c.yaml")
    dropped = Dropped("gather")
    found = read_samples(config, tmp_path, patients={"A", "B"}, all_patients=frozenset("ABCD"), dropped=dropped)
    return found, dropped.frame()


def test_samples_of_patients_who_are_not_analysed_are_counted(tmp_path):
    found, dropped = samples(tmp_path, "s\tp\tm\tt\td\nA1\tA\tplasma\tbaseline\t-3\nC1\tC\tplasma\tbaseline\t0\n")
    assert found.samples["sample_id"].tolist() == ["A1"]
    assert found.samples["day"].tolist() == [-3.0]
    assert dropped[["reason", "n", "example"]].to_numpy().tolist() == [["the patient is not analysed", 1, "C1"]]


def test_a_sample_without_patient_and_a_word_that_is_not_ours_are_named(tmp_path):
    with pytest.raises(InputError) as error:
        samples(tmp_path, "s\tp\tm\tt\td\nA1\tA\tblood\tbaseline\t0\nZ1\tZ\tplasma\tbaseline\t0\n")
    text = str(error.value)
    assert "s.tsv, row 2, column 'material', value 'blood': is no material of ours." in text
    assert "s.tsv, row 3, column 'patient_id', value 'Z': a sample of a patient whom the patients sheet does not have." in text


def test_a_missing_file_of_a_sample_is_named_with_the_place_where_it_was_looked_for(tmp_path):
    with pytest.raises(InputError, match=r"row 2, column 'vcf', value 'a.vcf.gz': the file is missing\. Looked for"):
        samples(tmp_path, "s\tp\tm\tt\td\tv\nA1\tA\tplasma\tbaseline\t0\ta.vcf.gz\n", vcf="v")


def test_a_duplicate_sample_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"row 3, column 'sample_id', value 'A1': duplicate sample_id"):
        samples(tmp_path, "s\tp\tm\tt\td\nA1\tA\tplasma\tbaseline\t0\nA1\tA\tplasma\trelapse\t9\n")
