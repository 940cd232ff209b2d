"""Matrices of events: what is read, and every way in which they can be wrong."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from resistance.errors import InputError
from resistance.subtype.events import check_events, read_events, table_events

KNOWN = ("TP53", "SV:BCL6", "17p:DEL")
GOOD = pd.DataFrame({"S1": [2, 3, 1], "S2": [0, "NA", 0.0]}, index=["TP53", "SV.BCL6", "X17P.DEL"])


def test_a_matrix_is_turned_to_samples_by_events_with_names_of_one_spelling():
    found = check_events(GOOD, known=KNOWN)
    assert found.table.columns.tolist() == ["TP53", "SV:BCL6", "17p:DEL"]
    assert found.table.loc["S1"].tolist() == [2, 3, 1]
    np.testing.assert_array_equal(found.table.loc["S2"], [0, np.nan, 0])
    assert found.renamed == {}
    assert np.isnan(found.take(["KMT2D"])).all()


def test_renamed_genes_are_reported():
    found = check_events(pd.DataFrame({"S1": [0, 2]}, index=["HIST1H1E", "MLL2"]))
    assert found.renamed == {"H1-4": "HIST1H1E", "KMT2D": "MLL2"}


@pytest.mark.parametrize("unknown", ["", "NA", None, np.nan, "not_assessed", "."])
def test_unknown_is_not_absent(unknown):
    table = pd.DataFrame({"S1": pd.Series([unknown, 0], dtype="object").to_numpy()}, index=["TP53", "B2M"])
    found = check_events(table).table.loc["S1"]
    assert np.isnan(found["TP53"])
    assert found["B2M"] == 0


def test_true_and_false_are_one_and_zero():
    table = pd.DataFrame({"S1": [True, False], "S2": ["TRUE", "False"]}, index=["TP53", "B2M"])
    assert check_events(table).table.to_numpy().tolist() == [[1, 0], [1, 0]]


def test_samples_in_rows_are_recognised_and_refused_with_the_way_out():
    with pytest.raises(InputError, match=r"the events stand in the columns \(3 of 3\), samples in the rows.*--samples-in-rows"):
        check_events(GOOD.T, known=KNOWN)
    with pytest.raises(InputError, match="the events stand in the columns"):
        check_events(GOOD.T)  # by their form, without a list


@pytest.mark.parametrize("value", [4, -1, 0.5, "mut", "1;2", float("inf")])
def test_another_value_is_named_with_its_event_and_sample(value):
    table = GOOD.astype("object")
    table.loc["TP53", "S2"] = value
    with pytest.raises(InputError, match=r"column 'TP53'.*sample S2 has a value that is none of 0, 1, 2, 3.*NA not seen"):
        check_events(table)


def test_an_event_in_two_rows_is_refused_also_under_an_older_name():
    table = pd.DataFrame({"S1": [0, 2]}, index=["KMT2D", "MLL2"])
    with pytest.raises(InputError, match=r"MLL2.*the event KMT2D stands in two rows \('KMT2D' is the other\)"):
        check_events(table)


def test_a_sample_with_two_columns_is_refused():
    table = pd.DataFrame([[0, 2], [1, 1]], index=["TP53", "B2M"], columns=["S1", "S1"])
    with pytest.raises(InputError, match=r"column 'S1': the sample has two columns"):
        check_events(table)


def test_events_nobody_asked_for_are_an_error_that_shows_how_they_are_named():
    table = pd.DataFrame({"S1": [0, 2]}, index=["TP35", "FOO"])
    with pytest.raises(InputError, match=r"none of the 2 events is one of the 3 that are asked for.*did you mean TP53"):
        check_events(table, known=KNOWN)


def test_an_empty_matrix_is_refused():
    with pytest.raises(InputError, match="no events or no samples"):
        check_events(pd.DataFrame())


def test_a_plain_table_may_have_either_form():
    by_events = GOOD.rename_axis("gene").reset_index()
    by_samples = GOOD.T.rename_axis("sample_id").reset_index()
    expected = check_events(GOOD).table
    for table in (by_events, by_samples, GOOD, GOOD.T.rename_axis("sample_id")):
        pd.testing.assert_frame_equal(table_events(table).table, expected, check_names=False)


def test_a_file_is_read_in_either_form_and_packed(tmp_path):
    text = "gene\tclassifier_name\tS1\tS2\nTP53\tTP53\t2\t0\nSV.BCL6\tSV.BCL6\t3\tNA\n17P.DEL\tX17P.DEL\t1\t0\n"
    (tmp_path / "e.tsv").write_text(text)
    (tmp_path / "e.tsv.gz").write_bytes(gzip.compress(text.encode()))
    GOOD.T.rename_axis("sample").to_csv(tmp_path / "t.tsv", sep="\t")
    expected = check_events(GOOD).table
    for found in (
        read_events(tmp_path / "e.tsv"),
        read_events(tmp_path / "e.tsv.gz"),
        read_events(tmp_path / "t.tsv", samples_in_rows=True),
    ):
        pd.testing.assert_frame_equal(found.table, expected, check_names=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "the table is missing"),
        ("gene\nTP53\n", "the table has one column"),
        ("", "not a readable table"),
        ("gene\tS1\nTP53\t2\t3\t4\n\t1\n", "the header is several cells short"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path, text, message):
    path = tmp_path / "e.tsv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_events(path)


@pytest.mark.shared
def test_the_published_matrices_are_read_whole(shared):
    chapuy = read_events(shared / "truth/coo/chapuy2018/DLBCL_significant_event_matrix.txt")
    assert chapuy.table.shape == (304, 158)
    assert chapuy.table.isna().sum().sum() == 64
    dlbclass = read_events(shared / "cohorts/dlbclass_699/DLBCL.699.163drivers.Sep_23_2022.tsv")
    assert dlbclass.table.shape == (699, 163)
    raw = pd.read_csv(shared / "cohorts/dlbclass_699/DLBCL.699.163drivers.Sep_23_2022.tsv", sep="\t").iloc[:, 2:]
    np.testing.assert_array_equal(dlbclass.table.to_numpy(), raw.to_numpy().T)
