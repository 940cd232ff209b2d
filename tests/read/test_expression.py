"""Expression matrices: units are checked, genes restored or counted, samples named."""

from __future__ import annotations

import pandas as pd
import pytest

from resistance import config
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.expression import read_expression


def _read(folder, text, unit="counts", dropped=None, samples=("A", "B"), name="expr.tsv", **named):
    (folder / name).write_text(text)
    keys = {key: named.pop(key) for key in list(named) if key in config.Expression.model_fields}
    source = config.Expression.model_validate({"file": name, "unit": unit} | keys)
    return read_expression(source, folder, samples=samples, dropped=dropped or Dropped("test"), **named)


def _counts(dropped):
    frame = dropped.frame()
    return {row.reason: (row.n, row.example) for row in frame.itertuples()}


def test_counts_are_read_with_unknowns(tmp_path):
    table = _read(tmp_path, "gene\tB\tA\nTP53\t3\t4\nCRBN\tNA\t7\n")
    assert table.columns.tolist() == ["gene", "A", "B"]
    assert table["gene"].tolist() == ["CRBN", "TP53"]
    assert table["A"].tolist() == [7, 4]
    assert pd.isna(table["B"][0])


def test_rows_of_one_gene_are_added_for_counts(tmp_path):
    dropped = Dropped("test")
    table = _read(tmp_path, "gene\tA\tB\nTP53\t1\t2\nTP53\t10\tNA\nCRBN\tNA\t1\nCRBN\tNA\t1\n", dropped=dropped)
    assert table.set_index("gene").loc["TP53"].tolist() == [11, 2]
    assert pd.isna(table.set_index("gene").loc["CRBN", "A"])
    assert _counts(dropped) == {"kept: further row of the gene, added to the first": (2, "TP53")}


def test_the_row_with_the_highest_mean_is_kept_for_log2(tmp_path):
    dropped = Dropped("test")
    table = _read(tmp_path, "gene\tA\tB\nTP53\t1\t2\nTP53\t3\t-1.5\nTP53\t0\t9\n", "log2", dropped)
    assert table.set_index("gene").loc["TP53"].tolist() == [0, 9]
    assert _counts(dropped) == {"further row of the gene with a lower mean": (2, "TP53")}


def test_ensembl_ids_with_versions_become_symbols_where_known(tmp_path):
    text = "id\tA\tB\nENSG00000141510.18\t1\t2\nENSG00000000003.15\t3\t4\n"
    table = _read(tmp_path, text, aliases={"ENSG00000141510": "TP53"})
    assert table["gene"].tolist() == ["ENSG00000000003", "TP53"]


def test_dates_are_restored_where_one_gene_fits_and_counted_where_not(tmp_path):
    dropped = Dropped("test")
    text = "gene\tA\tB\n2-Sep\t1\t2\n43529\t3\t4\n1-Mar\t5\t6\n4-Oct\t7\t8\nTP53\t9\t9\n"
    table = _read(tmp_path, text, dropped=dropped)
    assert table["gene"].tolist() == ["MARCHF5", "SEPTIN2", "TP53"]  # 43529 is 2019-03-05
    assert _counts(dropped) == {
        "kept: the gene symbol was turned into a date by a spreadsheet and was restored": (2, "2-Sep -> SEPTIN2"),
        "the gene symbol was turned into a date by a spreadsheet and cannot be restored": (2, "1-Mar"),
    }


def test_a_date_beside_its_own_symbol_is_not_restored(tmp_path):
    dropped = Dropped("test")
    assert _read(tmp_path, "gene\tA\tB\nSEPTIN2\t1\t2\n2-Sep\t3\t4\n", dropped=dropped)["A"].tolist() == [1]
    assert "the gene symbol was turned into a date by a spreadsheet and cannot be restored" in _counts(dropped)


def test_rows_without_a_name_are_counted(tmp_path):
    dropped = Dropped("test")
    _read(tmp_path, "gene\tA\tB\n\t1\t2\nTP53\t3\t4\n", dropped=dropped)
    assert _counts(dropped)["the row has no gene symbol"][0] == 1


@pytest.mark.parametrize(
    ("unit", "cell", "message"),
    [
        (
            "counts",
            "1.5",
            "value '1.5': is not a whole number: the matrix is declared as counts and looks like TPM, expected counts or log2",
        ),
        ("counts", "-1", "value '-1': is negative: the matrix is declared as counts and looks like log2 values"),
        ("tpm", "-0.5", "value '-0.5': is negative: the matrix is declared as tpm and looks like log2 values"),
        ("log2", "51", "value '51': is above 50: the matrix is declared as log2 and looks like counts or TPM"),
    ],
)
def test_numbers_that_contradict_the_unit_are_refused(tmp_path, unit, cell, message):
    with pytest.raises(InputError, match=rf"expr.tsv, row 3, column 'B', {message}"):
        _read(tmp_path, f"gene\tA\tB\nTP53\t1\t2\nCRBN\t3\t{cell}\n", unit)


def test_a_transcriptome_of_small_tpm_looks_like_log2(tmp_path):
    rows = "".join(f"G{i}X\t{i % 14}.5\t1\n" for i in range(1000))
    with pytest.raises(InputError, match=r"no value is above 50: the matrix is declared as tpm and looks like log2 values"):
        _read(tmp_path, f"gene\tA\tB\n{rows}", "tpm")


def test_samples_in_rows_are_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"samples stand in rows here \(2 row names are samples, no column name is\). Turn the table"
    ):
        _read(tmp_path, "sample\tTP53\tCRBN\nA\t1\t2\nB\t3\t4\n")


def test_entrez_ids_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"value '7157': the gene names are numbers: these look like Entrez ids"):
        _read(tmp_path, "gene\tA\tB\n7157\t1\t2\n51185\t3\t4\n")


def test_a_gene_column_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"column 'symbol': the file has no such column .needed for 'gene_column'.*'gene'"):
        _read(tmp_path, "gene\tA\tB\nTP53\t1\t2\n", gene_column="symbol")


def test_another_gene_column_is_used_where_named(tmp_path):
    table = _read(tmp_path, "probe\tname\tA\tB\n1_at\tTP53\t1\t2\n2_at\tCRBN\t3\t4\n", gene_column="name")
    assert table["gene"].tolist() == ["CRBN", "TP53"]


def test_column_names_become_samples_by_pattern(tmp_path):
    spec = {"column": "name", "pattern": "^(TCGA-..-....)-01$"}
    table = _read(tmp_path, "gene\tTCGA-FA-8693-01\nTP53\t1.5\n", "log2", samples=["TCGA-FA-8693"], sample_id=spec)
    assert table.columns.tolist() == ["gene", "TCGA-FA-8693"]


def test_csv_and_gct_are_read(tmp_path):
    assert _read(tmp_path, "gene,A,B\nTP53,1,2\n", name="x.csv")["B"].tolist() == [2]
    assert _read(tmp_path, "#1.2\n1\t2\nName\tDescription\tA\tB\nTP53\tp53\t1\t2\n", name="x.gct")["B"].tolist() == [2]


@pytest.mark.shared
def test_tcga_transcriptome_of_28_samples(shared):
    folder = shared / "cohorts" / "tcga_dlbc"
    rows = [line.split("\t") for line in (folder / "Test_DLBC_mRNA.txt").read_text().splitlines()]
    samples = [name.removesuffix("-01") for name in rows[0][1:]]
    source = config.Expression.model_validate(
        {"file": "Test_DLBC_mRNA.txt", "unit": "log2", "sample_id": {"column": "name", "pattern": "^(TCGA-..-....)-01$"}}
    )
    dropped = Dropped("test")
    table = read_expression(source, folder, samples=samples, dropped=dropped)
    assert len(rows) == 17573
    assert table.shape == (17571, 29)  # SLC35E2 stands twice
    assert dropped.frame()["example"].tolist() == ["SLC35E2"]
    irf4 = next(row for row in rows if row[0] == "IRF4")
    assert table.set_index("gene").loc["IRF4", "TCGA-FA-8693"] == float(irf4[1])


@pytest.mark.shared
def test_a_reference_sample_with_ensembl_ids_is_no_count(shared):
    source = config.Expression.model_validate({"file": "goya_ref_sample_ensembl.tsv", "unit": "counts"})
    with pytest.raises(InputError, match=r"is not a whole number"):
        read_expression(source, shared / "cohorts" / "rnaseq_coo", samples=["ref"], dropped=Dropped("test"))
