"""Where the symbols of a panel may stand: a header line, a column of a table, one per line."""

from __future__ import annotations

import pandas as pd
import pytest
from pydantic import ValidationError

from resistance.config import Assay
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.coverage import read_coverage

SAMPLES = pd.DataFrame({"sample_id": ["S1"], "patient_id": ["P1"], "material": ["tumour"], "timepoint": ["baseline"]})


def genes_of(tmp_path, text, **assay):
    (tmp_path / "list.txt").write_text(text)
    table = read_coverage(
        [Assay.model_validate({"kind": "mutation", "gene_list": "list.txt"} | assay)],
        tmp_path,
        samples=SAMPLES,
        dropped=Dropped("gather"),
    )
    return table["gene"].tolist()


def test_a_column_of_a_table_gives_each_symbol_once(tmp_path):
    text = "#version 2.4\nHugo_Symbol\tChromosome\nTP53\t17\nTP53\t17\nCRBN\t3\n"
    assert genes_of(tmp_path, text, gene_column="Hugo_Symbol") == ["CRBN", "TP53"]


def test_a_column_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="column 'Gene': the file has no such column"):
        genes_of(tmp_path, "Hugo_Symbol\nTP53\n", gene_column="Gene")


def test_names_that_are_no_genes_are_passed_over(tmp_path):
    assert genes_of(tmp_path, "ID\tTP53\tTP53multi\nP1\t1\t0\n", header=True, not_genes=["TP53multi"]) == ["TP53"]


def test_a_name_that_the_list_does_not_hold_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"value 'TP53mulit': not_genes names something that the list does not hold"):
        genes_of(tmp_path, "ID\tTP53\nP1\t1\n", header=True, not_genes=["TP53mulit"])


def test_list_options_need_a_list():
    with pytest.raises(ValidationError, match="belong to gene_list"):
        Assay.model_validate({"kind": "mutation", "genes": ["TP53"], "gene_column": "x"})
    with pytest.raises(ValidationError, match="either header or gene_column"):
        Assay.model_validate({"kind": "mutation", "gene_list": "x", "header": True, "gene_column": "x"})
