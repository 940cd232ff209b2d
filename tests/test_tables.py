"""A stage table is checked against its schema at the door, and written whole or not at all."""

from __future__ import annotations

import pandas as pd
import pytest

from resistance import schemas
from resistance.errors import InputError
from resistance.tables import Column, Schema, conform, empty, read_table, replacing, write_table, write_tsv

S = Schema(
    "t",
    "A table.",
    (
        Column("id", "text", "Identifier.", required=True),
        Column("n", "integer", "A count.", low=0),
        Column("vaf", "real", "0..1.", low=0, high=1),
        Column("flag", "flag", "Yes or no."),
        Column("state", "text", "State.", allowed=("present", "absent")),
    ),
    key=("id",),
)


def test_types_are_the_same_whatever_came_in():
    table = conform(pd.DataFrame({"id": [1, 2], "n": ["3", None], "flag": ["yes", 0]}), S)
    assert table["id"].tolist() == ["1", "2"]
    assert str(table["n"].dtype) == "Int64"
    assert table["flag"].tolist() == [True, False]
    assert table["vaf"].isna().all()
    assert list(table.columns) == list(S.names)
    assert table.dtypes.equals(empty(S).dtypes)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": None}, "column 'id': has no value. Identifier."),
        ({"id": "a", "n": -1}, "column 'n', value '-1': is below 0"),
        ({"id": "a", "n": 1.5}, "column 'n', value '1.5': is not a whole number"),
        ({"id": "a", "vaf": 20}, "column 'vaf', value '20': is above 1"),
        ({"id": "a", "vaf": "x"}, "column 'vaf', value 'x': is not a number"),
        ({"id": "a", "vaf": float("inf")}, "column 'vaf', value 'inf': is not a number"),
        ({"id": "a", "flag": "maybe"}, "column 'flag', value 'maybe': is neither true nor false"),
        ({"id": "a", "state": "wild type"}, "value 'wild type': is not one of present, absent"),
        ({"id": "a", "colour": 1}, "column 'colour': unknown column. The t table has: id, n, vaf, flag, state."),
    ],
)
def test_what_breaks_the_schema_is_named(row, message):
    with pytest.raises(InputError) as error:
        conform(pd.DataFrame([row]), S, path="x.tsv")
    assert "x.tsv" in str(error.value)
    assert message in str(error.value)


def test_all_problems_come_at_once_with_the_lines_of_the_source():
    frame = pd.DataFrame({"id": ["a", "b"], "n": [-1, 2], "vaf": [0.1, 7], "_row": [5, 9]})
    with pytest.raises(InputError) as error:
        conform(frame, S)
    assert [p.row for p in error.value.problems] == [5, 9]


def test_a_key_stands_once():
    with pytest.raises(InputError, match=r"row 2, column 'id', value 'a': duplicate id"):
        conform(pd.DataFrame({"id": ["a", "a"]}), S)


def test_the_same_rows_give_the_same_bytes_and_come_back_equal(tmp_path):
    frame = pd.DataFrame({"id": ["a", "b"], "n": [1, None], "vaf": [0.1, None], "flag": [True, None], "state": ["present", None]})
    for name in ("one", "two"):
        write_table(frame, tmp_path / name, S)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    pd.testing.assert_frame_equal(read_table(tmp_path / "one", S), conform(frame, S))


def test_an_empty_table_comes_back_with_its_types(tmp_path):
    write_table(empty(schemas.EXPRESSION), tmp_path / "e", schemas.EXPRESSION)
    assert read_table(tmp_path / "e", schemas.EXPRESSION).dtypes.equals(empty(schemas.EXPRESSION).dtypes)


def test_a_crash_leaves_the_old_file_and_no_half_of_the_new(tmp_path):
    target = tmp_path / "x.txt"
    target.write_text("old")

    def stops_half_way() -> None:
        with replacing(target) as temporary:
            temporary.write_text("ha")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stops_half_way()
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.txt"]


def test_a_damaged_or_missing_stage_table_says_what_to_do(tmp_path):
    (tmp_path / "bad").write_text("no parquet")
    with pytest.raises(InputError, match=r"not a readable Parquet file.*Delete it and run its stage again"):
        read_table(tmp_path / "bad", S)
    with pytest.raises(InputError, match="the stage table is missing"):
        read_table(tmp_path / "none", S)


def test_tables_for_people_write_unknown_as_na(tmp_path):
    write_tsv(conform(pd.DataFrame({"id": ["a"], "vaf": [0.1]}), S), tmp_path / "t.tsv")
    assert (tmp_path / "t.tsv").read_text() == "id\tn\tvaf\tflag\tstate\na\tNA\t0.1\tNA\tNA\n"


def test_every_schema_has_a_key_of_its_own_columns_and_a_description_for_each():
    for schema in schemas.ALL:
        assert set(schema.key) <= set(schema.names)
        assert len(set(schema.names)) == len(schema.names)
        assert all(column.description.endswith(".") for column in schema.columns), schema.name
    assert len({schema.name for schema in schemas.ALL}) == len(schemas.ALL)
