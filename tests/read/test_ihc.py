"""Stains: percent, fraction or a pathologist's call; a stain that was not done has no row."""

from __future__ import annotations

import pytest

from resistance import config
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.ihc import read_ihc

COLUMNS = {"sample_id": "Sample", "CD10": "cd10", "MUM1": "mum1"}


def _read(folder, text, values_are="percent", dropped=None, columns=None, **keys):
    (folder / "ihc.tsv").write_text(text)
    source = config.Ihc.model_validate({"file": "ihc.tsv", "columns": columns or COLUMNS, "values_are": values_are} | keys)
    return read_ihc(source, folder, samples=["A", "B"], dropped=dropped or Dropped("test"))


def test_percentages_are_read_with_and_without_the_sign(tmp_path):
    table = _read(tmp_path, "Sample\tcd10\tmum1\nB\t30%\tNA\nA\t0\t80\n")
    rows = table[["sample_id", "antibody", "percent_positive"]].to_numpy().tolist()
    assert rows == [["A", "CD10", 0], ["A", "MUM1", 80], ["B", "CD10", 30]]
    assert table["positive"].isna().all()


def test_a_fraction_of_three_tenths_is_thirty_percent_and_not_less(tmp_path):
    table = _read(tmp_path, "Sample\tcd10\tmum1\nA\t0.3\t0.29\nB\t1\t0\n", "fraction")
    assert table["percent_positive"].tolist() == [30, 29, 100, 0]


def test_calls_are_read(tmp_path):
    table = _read(tmp_path, "Sample\tcd10\tmum1\nA\tPositive\tneg\nB\t+\tNA\n", "calls")
    assert table["positive"].tolist() == [True, False, True]
    assert table["percent_positive"].isna().all()


def test_a_word_that_is_no_call_is_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"row 2, column 'cd10', value 'weak': is neither positive nor negative. Map it under ihc.columns.CD10"
    ):
        _read(tmp_path, "Sample\tcd10\tmum1\nA\tweak\tneg\n", "calls")


def test_a_share_above_all_cells_is_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"row 2, column 'mum1', value '130': is no share of cells. 'values_are: percent' expects 0..100"
    ):
        _read(tmp_path, "Sample\tcd10\tmum1\nA\t10\t130\n")


def test_fractions_declared_as_percent_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"value '0.9': no stain exceeds 1 percent: this looks like fractions"):
        _read(tmp_path, "Sample\tcd10\tmum1\nA\t0.1\t0.9\n")


def test_one_antibody_in_fractions_among_percentages_is_refused_and_may_be_declared(tmp_path):
    text = "Sample\tcd10\tmum1\nA\t1\t0\nB\t0.4\t80\n"
    with pytest.raises(
        InputError, match=r"row 3, column 'CD10', value '0.4': no value of this antibody exceeds 1 percent.*Set 'unit: fraction'"
    ):
        _read(tmp_path, text)
    columns = {"sample_id": "Sample", "CD10": {"column": "cd10", "unit": "fraction"}, "MUM1": "mum1"}
    assert _read(tmp_path, text, columns=columns)["percent_positive"].tolist() == [100, 0, 40, 80]
    columns["CD10"]["unit"] = "percent"
    assert _read(tmp_path, text, columns=columns)["percent_positive"].tolist() == [1, 0, 0.4, 80]


def test_no_word_for_a_share_is_guessed(tmp_path):
    with pytest.raises(InputError, match=r"column 'cd10', value '>30': is not a number"):
        _read(tmp_path, "Sample\tcd10\tmum1\nA\t>30\t1\n")


def test_a_sample_that_stands_twice_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"row 3.*duplicate sample_id . antibody"):
        _read(tmp_path, "Sample\tcd10\tmum1\nA\t10\tNA\nA\t20\tNA\n")


def test_sample_and_antibodies_must_be_named(tmp_path):
    with pytest.raises(InputError, match=r"ihc.columns must name 'sample_id' and at least one antibody"):
        _read(tmp_path, "Sample\tcd10\nA\t1\n", columns={"CD10": "cd10"})


def test_a_stranger_is_refused_or_counted(tmp_path):
    text = "Sample\tcd10\tmum1\nA\t10\t5\nZ\t1\t1\n"
    with pytest.raises(
        InputError, match=r"row 3, column 'Sample', value 'Z': names a sample that the samples sheet does not have"
    ):
        _read(tmp_path, text)
    dropped = Dropped("test")
    assert len(_read(tmp_path, text, dropped=dropped, unknown_samples="drop")) == 2
    assert dropped.frame()["n"].tolist() == [1]


def test_a_row_without_a_sample_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"row 2, column 'Sample': the sample has no name. Fill it in"):
        _read(tmp_path, "Sample\tcd10\tmum1\nNA\t10\t5\n")


def test_sheets_without_a_stain_give_no_rows(tmp_path):
    assert len(_read(tmp_path, "Sample\tcd10\tmum1\nA\tNA\tNA\n")) == 0
