"""Anybody's sheet becomes text with line numbers, then columns with our names, values and units."""

from __future__ import annotations

from pathlib import Path

import pytest

from resistance.config import ColumnMap
from resistance.errors import InputError
from resistance.read.sheet import code, read_sheet, sample_name, take


def column(**keys: object) -> ColumnMap:
    return ColumnMap.model_validate(keys)


def sheet(tmp_path: Path, text: str, name: str = "t.tsv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def test_line_numbers_count_comments_and_blank_lines_as_an_editor_does(tmp_path):
    frame = read_sheet(sheet(tmp_path, "#note\n\nid\tx\nA\t1\n\nB\tNA\n"), comment="#")
    assert frame["_row"].tolist() == [4, 6]
    assert frame["x"].isna().tolist() == [False, True]


def test_byte_order_mark_quotes_and_windows_line_ends_are_no_part_of_a_value(tmp_path):
    frame = read_sheet(sheet(tmp_path, '\ufeff"id"\t"x"\r\n"A"\t"1"\r\n'))
    assert list(frame.columns) == ["id", "x", "_row"]
    assert frame["x"].tolist() == ["1"]


def test_a_european_csv_is_split_at_semicolons(tmp_path):
    assert read_sheet(sheet(tmp_path, "id;x\nA;1\n", "t.csv"))["x"].tolist() == ["1"]


def test_a_workbook_gives_the_same_cells_as_a_text_file(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["id", "x", "y"], ["A", 1.0, 0.5], ["B", None, "NA"]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    frame = read_sheet(tmp_path / "t.xlsx")
    assert frame["x"].tolist()[0] == "1"
    assert frame["y"].isna().tolist() == [False, True]
    assert frame["_row"].tolist() == [2, 3]
    with pytest.raises(InputError, match=r"no such sheet.*It has: Sheet"):
        read_sheet(tmp_path / "t.xlsx", sheet="clinical")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the sheet is empty"),
        ("id\tx\n", "has a header and no rows"),
        ("id\tx\nA\t1\nB\n", r"row 3: has 1 cells where the header has 2\. The file may be cut off"),
    ],
)
def test_an_empty_or_cut_off_sheet_is_named(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_sheet(sheet(tmp_path, text))


def test_a_missing_file_says_what_paths_are_relative_to(tmp_path):
    with pytest.raises(InputError, match=r"none\.tsv: the file is missing\. Paths are relative to the cohort file"):
        read_sheet(tmp_path / "none.tsv")


def test_a_missing_column_names_its_neighbour(tmp_path):
    path = sheet(tmp_path, "patient\tx\nA\t1\n")
    with pytest.raises(InputError, match=r"column 'patients': the file has no such column.*Did you mean 'patient'"):
        take(read_sheet(path), column(column="patients"), name="patient_id", path=path)


def test_two_columns_of_one_name_are_refused_only_where_they_differ(tmp_path):
    same, differ = sheet(tmp_path, "x\tx\n1\t1\n", "a.tsv"), sheet(tmp_path, "x\tx\n1\t2\n", "b.tsv")
    assert take(read_sheet(same), column(column="x"), name="x", path=same).tolist() == ["1"]
    with pytest.raises(InputError, match="two columns have this name and differ"):
        take(read_sheet(differ), column(column="x"), name="x", path=differ)


@pytest.mark.parametrize(("unit", "days"), [("days", 2.0), ("weeks", 14.0), ("months", 60.875), ("years", 730.5)])
def test_times_become_days_by_the_declared_unit(tmp_path, unit, days):
    path = sheet(tmp_path, "x\n2\n")
    assert take(read_sheet(path), column(column="x", unit=unit), name="x", path=path, into="days").tolist() == [days]


def test_a_percentage_becomes_a_fraction_only_when_declared(tmp_path):
    path = sheet(tmp_path, "x\n25\n")
    assert take(read_sheet(path), column(column="x", unit="percent"), name="x", path=path, into="fraction").tolist() == [0.25]


def test_the_first_known_of_several_columns_is_taken(tmp_path):
    path = sheet(tmp_path, "death\tlast\nNA\t10\n7\t9\n")
    assert take(read_sheet(path), column(column=["death", "last"]), name="t", path=path, into="days").tolist() == [10.0, 7.0]


def test_a_value_that_was_not_declared_is_refused_with_its_row(tmp_path):
    path = sheet(tmp_path, "sex\nF\nX\n")
    with pytest.raises(InputError, match=r"row 3, column 'sex', value 'X': is not among the declared values.*declared: F, M"):
        take(read_sheet(path), column(column="sex", values={"F": "female", "M": "male"}), name="sex", path=path)


def test_a_number_with_a_thousands_separator_is_refused_with_the_remedy(tmp_path):
    path = sheet(tmp_path, "n\n1,234\n")
    with pytest.raises(InputError, match=r"value '1,234': is not a number.*thousands separator"):
        take(read_sheet(path), column(column="n"), name="n", path=path, into="number")


def test_names_are_translated_by_pattern_and_template(tmp_path):
    spec = column(column="any", pattern=r"Reddy_(\d+)T", template="DLBCL_DUKE_{}")
    path = sheet(tmp_path, "any\nReddy_648T\n")
    assert take(read_sheet(path), spec, name="id", path=path).tolist() == ["DLBCL_DUKE_648"]
    assert sample_name("Reddy_648T", spec, path=path) == "DLBCL_DUKE_648"
    with pytest.raises(InputError, match="does not match the pattern"):
        sample_name("648", spec, path=path)


@pytest.mark.parametrize(
    ("value", "text"), [(1, "1"), (1.0, "1"), ("1.0", "1"), ("1.50", "1.50"), (True, "true"), (" CR ", "CR")]
)
def test_one_code_has_one_spelling(value, text):
    assert code(value) == text
