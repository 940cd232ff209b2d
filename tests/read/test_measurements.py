"""Serum levels, scores and shares of transcripts from a sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resistance.config import Measurements
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.knowledge import load_genes
from resistance.read.measurements import read_measurements


def read(tmp_path: Path, text: str, kind: str, columns: dict[str, Any], **more: Any) -> Any:
    (tmp_path / "m.tsv").write_text(text, encoding="utf-8")
    source = Measurements.model_validate({"file": "m.tsv", "kind": kind, "columns": {"sample_id": "S", **columns}} | more)
    genes = load_genes()
    return read_measurements(source, tmp_path, samples=["A", "B"], all_samples=["A", "B", "C"], symbols=genes.symbols,
                             aliases=genes.aliases, dropped=Dropped("gather"))  # fmt: skip


def test_serum_levels_keep_their_unit_and_an_empty_cell_has_no_row(tmp_path: Path) -> None:
    table = read(tmp_path, "S\tcrbn\nA\t12.5\nB\t\nC\t9\n", "serum", {"CRBN": "crbn"}, unit="ng/mL")
    assert table[["sample_id", "kind", "name", "value", "unit"]].to_numpy().tolist() == [["A", "serum", "CRBN", 12.5, "ng/mL"]]


def test_percent_becomes_a_fraction_of_the_transcript(tmp_path: Path) -> None:
    table = read(tmp_path, "S\te10\nA\t40\n", "splice", {"CRBN:exon10": {"column": "e10", "unit": "percent"}})
    assert table[["name", "value", "unit"]].to_numpy().tolist() == [["CRBN:exon10", 0.4, "fraction"]]


def test_older_symbol_is_read_as_the_current_one(tmp_path: Path) -> None:
    table = read(tmp_path, "S\tx\nA\t1\n", "serum", {"MMSET": "x"})
    assert list(table["name"]) == ["NSD2"]


@pytest.mark.parametrize(
    ("kind", "columns", "text", "message"),
    [
        ("serum", {"CRBM": "x"}, "S\tx\nA\t1\n", "'CRBM': is not a symbol of the knowledge base"),
        ("splice", {"CRBN": "x"}, "S\tx\nA\t1\n", "is not written as gene and exon. Write SYMBOL:exonN, as CRBN:exon10."),
        ("splice", {"CRBN:exon10": "x"}, "S\tx\nA\t40\n", "row 2, column 'x', value '40': is no share of a transcript"),
        ("score", {"nk": "x"}, "S\tx\nA\thigh\n", "column 'x'"),
        ("score", {"nk": "y"}, "S\tx\nA\t1\n", "'y'"),
        ("score", {"nk": "x"}, "S\tx\nA\t1\nA\t2\n", "sample_id"),
        ("serum", {"MMSET": "x", "NSD2": "x"}, "S\tx\nA\t1\n", "is the same gene as MMSET"),
        ("score", {}, "S\tx\nA\t1\n", "must name 'sample_id' and at least one number"),
    ],
)
def test_wrong_sheet_is_refused_with_its_place(
    tmp_path: Path, kind: str, columns: dict[str, Any], text: str, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text, kind, columns)
    assert message in str(caught.value)
