"""Several columns of one clinical table, of which only some can tell loss of heterozygosity."""

from __future__ import annotations

import pandas as pd

from resistance.config import CopyNumber
from resistance.dropped import Dropped
from resistance.read.copy_number import read_copy_number


def test_a_column_that_cannot_tell_heterozygosity_leaves_it_unknown_beside_one_that_can(tmp_path):
    (tmp_path / "clinical.tsv").write_text("ID\tchr17\tkaryotype\nP1\tcnloh\tdel5q\nP2\tnormal\t46,xx\n")
    source = CopyNumber.model_validate(
        {
            "format": "columns",
            "file": "clinical.tsv",
            "sample_id": "ID",
            "genes": {
                "TP53": {"column": "chr17", "values": {"normal": "neutral", "cnloh": "cnloh"}},
                "del(5q)": {"column": "karyotype", "values": {"del5q": "loss", "46,xx": "neutral"}},
            },
        }
    )
    table = read_copy_number(source, tmp_path, samples=["P1", "P2"], genes=None, dropped=Dropped("gather")).set_index(
        ["sample_id", "gene"]
    )
    assert table.loc[("P1", "TP53"), "loh"] is not pd.NA
    assert table.loc[("P1", "TP53"), "loh"]
    assert not table.loc[("P2", "TP53"), "loh"]
    assert table.loc[("P1", "del(5q)"), "loh"] is pd.NA
    assert table.loc[("P1", "del(5q)"), "state"] == -1
