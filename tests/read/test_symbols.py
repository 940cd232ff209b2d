"""Gene names: aliases, Ensembl versions, and what spreadsheets make of MARCH1 and SEPT2."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from resistance.read.symbols import as_date, current_symbols, ensembl_gene, restorable


def _names(*names: str | None) -> pd.Series:
    return pd.Series(names, dtype=pd.StringDtype(na_value=np.nan))


@pytest.mark.parametrize(
    ("written", "month_and_day"),
    [
        ("1-Mar", (3, 1)), ("2-Sep", (9, 2)), ("Sep-2", (9, 2)), ("02-Sep", (9, 2)), ("1-Dec", (12, 1)), ("2019-03-01", (3, 1)),
        ("2019-09-02 00:00:00", (9, 2)), ("43525", (3, 1)), ("43710", (9, 2)),
    ],
)  # fmt: skip
def test_a_spreadsheets_date_is_seen(written, month_and_day):
    # 43525 and 43710 by hand: 2019-03-01 and 2019-09-02 in the 1900 system
    assert as_date(written) == month_and_day


@pytest.mark.parametrize(
    "name",
    ["TP53", "MARCH1", "SEPT2", "MARCHF1", "SEPTIN2", "DEC1", "A1BG", "7157", "HLA-A", "NKX2-1", "OCT4", "ENSG00000141510"],
)
def test_a_gene_is_no_date(name):
    assert as_date(name) is None


def test_first_and_second_of_march_have_two_genes_each():
    assert (3, 1) not in restorable()
    assert (3, 2) not in restorable()
    assert restorable()[(9, 2)] == "SEPTIN2"


def test_ensembl_ids_lose_their_version():
    assert ensembl_gene("ENSG00000141510.18") == "ENSG00000141510"
    assert ensembl_gene("ENSG00000182378.15_PAR_Y") == "ENSG00000182378"
    assert ensembl_gene("TP53") is None


def test_an_alias_becomes_the_current_symbol():
    assert current_symbols(_names("MLL2", None, "TP53"), {"MLL2": "KMT2D"}).tolist()[0] == "KMT2D"


def test_an_alias_beside_the_current_symbol_is_another_gene():
    assert current_symbols(_names("MLL2", "KMT2D"), {"MLL2": "KMT2D"}).tolist() == ["MLL2", "KMT2D"]


def test_a_current_symbol_is_never_taken_for_an_alias():
    assert current_symbols(_names("ALR"), {"ALR": "GFER"}, ["ALR"]).tolist() == ["ALR"]


def test_gistic_and_ensembl_decorations_are_removed():
    names = current_symbols(_names("MIR1302|chr1", "ENSG00000141510.18"), {"ENSG00000141510": "TP53"})
    assert names.tolist() == ["MIR1302", "TP53"]
