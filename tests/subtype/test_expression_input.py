"""Tables of expression at the door: orientation, units, names, empty samples - refused or told, with the words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from resistance.errors import InputError
from resistance.subtype.expression import from_frame, merged_in_words

GENES = ["IRF4", "MME", "BCL6", "MYC", "TP53"]


def frame(values=None, genes=GENES, samples=("A", "B", "C")):
    values = np.arange(len(genes) * len(samples), dtype=float).reshape(len(genes), -1) if values is None else values
    return pd.DataFrame(values, index=list(genes), columns=list(samples))


def test_a_column_of_names_is_taken_for_the_genes():
    table = frame().rename_axis("gene").reset_index()
    assert from_frame(table, "log2").genes == tuple(GENES)


def test_samples_in_rows_are_refused_with_what_to_do():
    with pytest.raises(
        InputError, match=r"genes stand in columns here .5 column names are genes, 0 row names are.*Turn the table"
    ):
        from_frame(frame().T, "log2")


def test_ensembl_ids_in_columns_are_seen_too():
    turned = frame(genes=[f"ENSG0000000000{i}.1" for i in range(5)]).T
    with pytest.raises(InputError, match=r"genes stand in columns"):
        from_frame(turned, "log2")


@pytest.mark.parametrize(
    ("values", "unit", "message"),
    [
        (-1.0, "counts", "is negative: the table is declared as counts and looks like log2 values"),
        (-1.0, "tpm", "is negative: the table is declared as tpm"),
        (1.5, "counts", "is not a whole number: the table is declared as counts and looks like TPM"),
        (1500.0, "log2", "is above 50: the table is declared as log2 and looks like counts or TPM"),
        (-np.inf, "log2", "is infinite, which the logarithm of 0 is"),
    ],
)
def test_numbers_that_contradict_the_unit_are_refused_with_one_cell(values, unit, message):
    table = frame()
    table.iloc[2, 1] = values
    with pytest.raises(InputError, match=message) as error:
        from_frame(table, unit, where="x.tsv")
    assert "column 'B'" in str(error.value)
    assert "BCL6" in str(error.value)
    assert "x.tsv" in str(error.value)


@pytest.mark.parametrize("unit", ["counts", "tpm"])
def test_a_whole_transcriptome_of_small_numbers_is_taken_for_logarithms(unit):
    table = pd.DataFrame(np.full((1200, 2), 7.0), index=[f"G{i}" for i in range(1200)], columns=["A", "B"])
    with pytest.raises(InputError, match=f"no value is above 50: the table is declared as {unit} and looks like log2 values"):
        from_frame(table, unit)


def test_an_unknown_unit_and_an_empty_table_are_refused():
    with pytest.raises(InputError, match=r"is no unit of expression. Say counts, tpm, log2"):
        from_frame(frame(), "fpkm")
    with pytest.raises(InputError, match=r"no genes or no samples"):
        from_frame(frame().iloc[:0], "log2")


def test_a_sample_that_stands_twice_is_refused():
    with pytest.raises(InputError, match=r"value 'A': the sample stands 2 times"):
        from_frame(frame(samples=("A", "A", "B")), "log2")


def test_words_among_the_numbers_are_shown():
    table = frame().astype(object)
    table.loc["MYC", "C"] = "high"
    with pytest.raises(InputError, match=r"column 'C', value 'MYC high': is not a number"):
        from_frame(table, "log2")


def test_rows_of_one_gene_are_made_one_and_told():
    genes = ["IRF4", "MME", "IRF4"]
    values = np.array([[1.0, 2, 9], [5, 5, 5], [4, 4, np.nan]])
    log2 = from_frame(frame(values, genes), "log2")
    assert log2.genes == ("IRF4", "MME")
    np.testing.assert_array_equal(log2.values[0], [1, 2, 9])  # mean 4 beats mean 4? the first of equals
    assert merged_in_words(log2) == "1 gene(s) stood in several rows (IRF4): the row with the highest mean was kept"
    counts = from_frame(frame(values, genes), "counts")
    np.testing.assert_array_equal(counts.values[0], [5, 6, 9])
    assert merged_in_words(counts) == "1 gene(s) stood in several rows (IRF4): their rows were added up"
    assert merged_in_words(from_frame(frame(), "log2")) == ""


def test_log2_scales():
    counts = from_frame(frame(np.array([[10.0, 0], [30, 0], [60, 0]]), GENES[:3], ("A", "B")), "counts")
    np.testing.assert_allclose(counts.rows([0, 2])[:, 0], np.log2([1e5 + 1, 6e5 + 1]))
    assert np.isnan(counts.rows([0])[0, 1])
    assert counts.unusable() == {"B": "all values are 0 (counts)"}
    tpm = from_frame(frame(np.array([[3.0, 1], [0, 7]]), GENES[:2], ("A", "B")), "tpm")
    np.testing.assert_allclose(tpm.rows([0, 1]), [[2, 1], [0, 3]])


def test_a_sample_that_was_not_measured_is_unusable_on_any_scale():
    table = frame()
    table["B"] = np.nan
    assert from_frame(table, "log2").unusable() == {"B": "no value at all"}


def test_numbers_that_name_the_genes_are_no_sample_and_neither_is_what_describes_them():
    table = frame().rename_axis("Hugo_Symbol").reset_index()
    table.insert(1, "Entrez_Gene_Id", range(100, 100 + len(table)))
    assert from_frame(table, "log2").samples == ("A", "B", "C")
    probes = pd.DataFrame({"id": [27481, 17013], "S1": [0.6, 0.2], "S2": [0.3, 0.1]})
    found = from_frame(probes, "log2")
    assert (found.genes, found.samples) == (("27481", "17013"), ("S1", "S2"))


def test_expected_counts_are_refused_with_the_way_out():
    with pytest.raises(InputError, match=r"is not a whole number: .*round expected counts \(RSEM, Salmon\) first"):
        from_frame(frame() + 0.25, "counts")


def test_zero_is_a_value_on_a_log_scale_but_a_sample_of_one_value_says_nothing():
    of = frame()
    of.iloc[0] = 0.0
    assert from_frame(of, "log2").unusable() == {}
    of["B"] = 0.0
    assert from_frame(of, "log2").unusable() == {"B": "all values are 0 (log2)"}
    of["C"] = np.where(np.arange(len(of)) % 2, 7.5, np.nan)
    assert from_frame(of, "log2").unusable() == {"B": "all values are 0 (log2)", "C": "all values are 7.5 (log2)"}


def test_one_gene_alone_is_no_reason_to_call_a_sample_constant():
    assert from_frame(frame().iloc[:1], "log2").unusable() == {}


def test_single_precision_and_whole_numbers_are_taken_as_they_are():
    assert from_frame(frame().astype(np.float32), "log2").values.dtype == np.float32
    assert from_frame(frame().astype(int), "counts").values.dtype == np.float64
