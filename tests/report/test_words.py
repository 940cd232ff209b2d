"""Numbers as readers see them."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from resistance.report import words
from resistance.report.content_markers import runs
from resistance.report.curves import ticks
from resistance.report.page import source_link


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0.125, "13 %"), (0.0, "0 %"), (0.001, "<1 %"), (1.0, "100 %"), (None, "–"), (0.29, "29 %")],
)
def test_percent_rounds_half_up_and_never_hides_a_case(fraction: float | None, text: str) -> None:
    assert words.percent(fraction) == text


@pytest.mark.parametrize(
    ("p", "text"), [(0.0, "<0.001"), (0.0004, "<0.001"), (0.0234, "0.023"), (0.456, "0.46"), (1.0, "1.00"), (None, "–")]
)
def test_a_p_value_is_never_zero(p: float | None, text: str) -> None:
    assert words.p_value(p) == text


@pytest.mark.parametrize(
    ("value", "text"), [(6.8, "6.80"), (0.0412, "0.041"), (153.2, "153"), (1e9, ">1000"), (1e-9, "<0.001"), (None, "–")]
)
def test_ratios_keep_two_decimals(value: float | None, text: str) -> None:
    assert words.ratio(value) == text


def test_an_open_interval_says_so() -> None:
    assert words.interval(3.23, 14.33) == "3.23 to 14.33"
    assert words.interval(2.0, None) == "2.00 to ∞"


def test_values_become_json_with_six_digits() -> None:
    assert words.plain({"a": math.nan, "b": pd.NA, "c": 1 / 3, "d": pd.Series([2]).iloc[0], "e": (True, "x")}) == {
        "a": None,
        "b": None,
        "c": 0.333333,
        "d": 2,
        "e": [True, "x"],
    }


def test_runs_are_half_open() -> None:
    assert runs([True, True, False, True]) == [[0, 2], [3, 4]]
    assert runs([]) == []


def test_time_ticks_are_round_and_few() -> None:
    assert ticks(78.9) == [0, 12, 24, 36, 48, 60, 72]
    assert ticks(7.4) == [0, 1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("PMID 24129344", "https://pubmed.ncbi.nlm.nih.gov/24129344/"),
        ("PMC8235391", "https://pmc.ncbi.nlm.nih.gov/articles/PMC8235391/"),
        ("doi 10.1038/nature14610; text", "https://doi.org/10.1038/nature14610"),
        ("ASH 2012, Blood 120(21):194", None),
    ],
)
def test_sources_lead_to_their_paper(source: str, address: str | None) -> None:
    assert source_link(source) == address
