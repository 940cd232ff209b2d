"""A plain table of stains: units, words, names; and what is refused with the way out."""

from __future__ import annotations

import pandas as pd
import pytest

from resistance.errors import InputError
from resistance.subtype.hans import classify_table
from resistance.subtype.tally import classify_table as tally


def table(**columns):
    return pd.DataFrame({"sample_id": [f"S{i + 1}" for i in range(len(next(iter(columns.values()))))]} | columns)


def test_percent_signs_words_and_empty_cells():
    rows = classify_table(
        table(CD10=["30%", "neg", "-", None], BCL6=["", "positive", "80 %", "70"], MUM1=["nd", "10", "+", "20"])
    )
    assert rows["subtype"].fillna("?").tolist() == ["GCB", "GCB", "non-GCB", "?"]
    assert rows["reason"][1] == "CD10-, BCL6+, MUM1- (10 %)"
    assert rows["reason"][3] == "CD10 not known: no call without CD10"
    assert rows["borderline"].tolist()[:2] == [True, False]


def test_other_names_of_the_antibodies_and_of_the_sample():
    rows = classify_table(pd.DataFrame({"Sample": ["A"], "CD-10": [0], "bcl6_percent": [90], "IRF4": [90], "Ki67": [80]}))
    assert rows[["sample_id", "subtype"]].to_numpy().tolist() == [["A", "non-GCB"]]
    rows = tally(pd.DataFrame({"MME": [0], "SERPINA9": [0], "MUM1": [90], "FOXP1": [90]}, index=["B"]))
    assert rows[["sample_id", "subtype"]].to_numpy().tolist() == [["B", "non-GCB"]]


def test_fractions_are_taken_where_they_are_declared():
    rows = classify_table(table(CD10=[0.3, 0.29], BCL6=[0.0, 0.9], MUM1=[0.0, 0.1]), values_are="fraction")
    assert rows["subtype"].tolist() == ["GCB", "GCB"]
    assert rows["reason"].tolist()[0].startswith("CD10+ (30 %)")
    assert rows["reason"].tolist()[1].startswith("CD10- (29 %), BCL6+ (90 %), MUM1- (10 %)")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"CD10": [0.3, 0.0], "BCL6": [0.9, 0.5], "MUM1": [0.1, 1.0]}, r"looks like fractions 0\.\.1.*values-are fraction"),
        ({"CD10": [0.3, 0.0], "BCL6": [90, 50], "MUM1": [10, 100]}, r"row 2, column 'CD10', value '0\.3'.*looks like fractions.*same unit for all"),
        ({"CD10": [1, 0], "BCL6": [1, 1], "MUM1": [0, 1]}, r"no stain exceeds 1 percent: this looks like fractions"),
    ],
)  # fmt: skip
def test_fractions_given_as_percentages_are_refused_with_the_way_out(columns, message):
    with pytest.raises(InputError, match=message):
        classify_table(table(**columns))


def test_a_share_below_one_percent_among_percentages_is_flagged():
    rows = classify_table(table(CD10=[0.4, 70], BCL6=[90, 90], MUM1=[10, 10]))
    assert rows["flags"].fillna("-").tolist() == ["below_one_percent", "-"]
    assert "below 1 %: CD10 (a fraction among percentages?)" in rows["reason"][0]


@pytest.mark.parametrize(
    ("columns", "more", "message"),
    [
        ({"CD10": [130], "BCL6": [0], "MUM1": [0]}, {}, r"column 'CD10', value '130': is no share of cells. 'percent' expects 0\.\.100"),
        ({"CD10": [-1], "BCL6": [5], "MUM1": [0]}, {}, r"value '-1': is no share of cells"),
        ({"CD10": [30], "BCL6": [0.5], "MUM1": [0]}, {"values_are": "fraction"}, r"value '30': is no share of cells. 'fraction' expects 0\.\.1"),
        ({"CD10": ["weak"], "BCL6": [5], "MUM1": [0]}, {}, r"row 2, column 'CD10', value 'weak': is neither a percentage nor a call"),
        ({"CD10": [3], "MME": [5], "MUM1": [0]}, {}, r"column 'MME': two columns are CD10"),
        ({"LMO2": [3], "Ki67": [5]}, {}, r"has none of the antibodies CD10, BCL6, MUM1"),
        ({"CD10": [3], "BCL6": [5]}, {"values_are": "calls"}, r"is neither 'percent' nor 'fraction'"),
    ],
)  # fmt: skip
def test_bad_tables_are_refused(columns, more, message):
    with pytest.raises(InputError, match=message):
        classify_table(table(**columns), **more)


def test_a_sample_that_stands_twice_is_refused():
    with pytest.raises(InputError, match=r"row 3, value 'S1': the sample stands twice"):
        classify_table(pd.DataFrame({"sample_id": ["S1", "S1"], "CD10": [80, 0]}))


def test_a_borderline_call_names_the_antibody_and_its_cut_off():
    row = classify_table(table(CD10=[10], BCL6=[34], MUM1=[26])).iloc[0]
    assert row["flags"] == "borderline"
    assert row["reason"].endswith("borderline: BCL6 within 5 points of 30 %, MUM1 within 5 points of 30 %")


def test_the_given_table_is_not_altered():
    given = table(CD10=["30%"], BCL6=[5], MUM1=[90])
    before = given.copy(deep=True)
    classify_table(given)
    pd.testing.assert_frame_equal(given, before)


def test_a_row_without_a_name_and_a_table_without_names_are_refused():
    stains = {"CD10": [10, 20], "BCL6": [80, 80], "MUM1": [5, 5]}
    with pytest.raises(InputError, match=r"row 3, column 'sample_id': the sample has no name\. Name it, or leave the row out"):
        classify_table(pd.DataFrame({"sample_id": ["A", None], **stains}))
    with pytest.raises(InputError, match=r"column 'CD10': no column names the samples: the first is an antibody"):
        classify_table(pd.DataFrame(stains))
    assert classify_table(pd.DataFrame(stains, index=["A", "B"]))["sample_id"].tolist() == ["A", "B"]


def test_a_stain_that_was_not_read_is_unknown_and_a_decimal_comma_is_explained():
    rows = classify_table(pd.DataFrame({"sample_id": ["A", "B"], "CD10": ["n.d.", "Unknown"], "BCL6": [80, 80], "MUM1": [5, 5]}))
    assert rows["reason"].str.startswith("CD10 not known").all()
    with pytest.raises(InputError, match=r"value '12,5': .*Numbers with a decimal point.*empty: not done"):
        classify_table(pd.DataFrame({"sample_id": ["A"], "CD10": ["12,5"], "BCL6": [80], "MUM1": [5]}))
    with pytest.raises(InputError, match="where 1 and 0 are calls, write positive and negative"):
        classify_table(pd.DataFrame({"sample_id": ["A"], "CD10": [1], "BCL6": [0], "MUM1": [1]}))
