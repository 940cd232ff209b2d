"""Tables of fractions at several times: what they may hold, and what is said when they do not."""

from __future__ import annotations

import pytest

from resistance.config import PairedVariants
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.paired_variants import read_paired_variants

HEADER = ("patient", "sample", "when", "gene", "change", "vaf", "depth")
COLUMNS = {
    "patient_id": "patient", "sample_id": "sample", "gene": "gene", "hgvsp": "change", "vaf": "vaf", "depth": "depth",
    "timepoint": {"column": "when", "values": {"D": "baseline", "R": "relapse"}},
}  # fmt: skip


@pytest.fixture
def read(tmp_path):
    def inner(*rows, columns=None, **more):
        text = "\n".join("\t".join(row) for row in (HEADER, *rows)) + "\n"
        (tmp_path / "pairs.tsv").write_text(text, encoding="utf-8")
        source = PairedVariants.model_validate({"file": "pairs.tsv", "columns": columns or COLUMNS, **more})
        dropped = Dropped("gather")
        table = read_paired_variants(
            source, tmp_path, patients=["P1"], all_patients=["P1", "P2"], aliases={"MLL2": "KMT2D"}, dropped=dropped
        )
        return table, dropped.frame()

    return inner


def message(read, *rows, **more):
    with pytest.raises(InputError) as error:
        read(*rows, **more)
    return str(error.value)


def test_rows_become_variants_named_by_gene_and_change(read):
    table, dropped = read(("P1", "A", "D", "MLL2", "p.R80Q", "0.1", "200"), ("P1", "B", "R", "MLL2", "NA", "0.2", "100"))
    assert table["variant"].tolist() == ["KMT2D R80Q", "KMT2D without protein change"]
    assert table["timepoint"].tolist() == ["baseline", "relapse"]
    assert table["material"].tolist() == ["tumour", "tumour"]
    assert table["depth"].tolist() == [200, 100]
    assert not table["infer_depth"].any()
    assert dropped.empty


def test_other_patients_rows_without_a_fraction_and_twins_are_counted(read):
    rows = [
        ("P2", "C", "D", "TP53", "p.R175H", "0.1", "100"),
        ("P1", "A", "D", "TP53", "p.R175H", "NA", "100"),
        ("P1", "A", "D", "KLF2", "p.P32A", "0.1", "100"),
        ("P1", "A", "D", "KLF2", "p.P32A", "0.3", "100"),
        ("P1", "B", "R", "KLF2", "p.P32A", "0.3", "100"),
        ("P1", "B", "R", "CRBN", "p.W386*", "0.3", "100"),
    ]
    table, dropped = read(*rows)
    assert table["variant"].tolist() == ["CRBN W386*"]
    assert dict(zip(dropped["reason"], dropped["n"], strict=True)) == {
        "the patient is not analysed": 1,
        "no fraction and no counts": 1,
        "two variants of one gene and change in a sample: not told apart (name them in 'variant')": 3,
    }


def test_a_stranger_is_refused(read):
    text = message(read, ("P9", "A", "D", "TP53", "p.R175H", "0.1", "100"))
    assert "names a patient that the patients sheet does not have" in text
    assert "P9" in text


def test_a_word_for_time_that_is_not_translated_is_refused(read):
    text = message(read, ("P1", "A", "X", "TP53", "p.R175H", "0.1", "100"))
    assert "column 'when'" in text
    assert "is not among the declared values" in text
    columns = COLUMNS | {"timepoint": "when"}
    text = message(read, ("P1", "A", "D", "TP53", "p.R175H", "0.1", "100"), columns=columns)
    assert "is not one of baseline, on_treatment" in text
    assert "ctdna.paired.columns.timepoint: values" in text


def test_percentages_are_refused_with_the_word_that_helps(read):
    text = message(read, ("P1", "A", "D", "TP53", "p.R175H", "26", "100"))
    assert "is no fraction 0..1" in text
    assert "unit: percent" in text
    columns = COLUMNS | {"vaf": {"column": "vaf", "unit": "percent"}}
    assert read(("P1", "A", "D", "TP53", "p.R175H", "26", "100"), columns=columns)[0]["vaf"].tolist() == [0.26]


def test_a_sample_of_two_times_is_refused(read):
    text = message(read, ("P1", "A", "D", "TP53", "p.R175H", "0.1", "100"), ("P1", "A", "R", "TP53", "p.R248Q", "0.1", "100"))
    assert "the sample has more than one timepoint" in text
    assert "row 3" in text


def test_missing_and_unknown_columns_are_named_together(read):
    columns = {name: column for name, column in COLUMNS.items() if name != "vaf"} | {"fraction": "vaf"}
    text = message(read, ("P1", "A", "D", "TP53", "p.R175H", "0.1", "100"), columns=columns)
    assert "ctdna.paired.columns.vaf" in text
    assert "ctdna.paired.columns.fraction" in text
    assert "Known here: patient_id, sample_id" in text


def test_reads_are_not_inferred_from_rounded_fractions(read):
    columns = {name: column for name, column in COLUMNS.items() if name != "depth"}
    text = message(
        read, ("P1", "A", "D", "TP53", "p.R175H", "0.262", "100"), ("P1", "A", "D", "CRBN", "p.W386*", "0.31", "100"),
        columns=columns, infer_depth=True,
    )  # fmt: skip
    assert "the fractions are rounded: reads cannot be inferred from them" in text
    assert "0.262" in text
    table, _ = read(("P1", "A", "D", "TP53", "p.R175H", "0.261904761904762", "100"), columns=columns, infer_depth=True)
    assert table["infer_depth"].all()
