"""One effect per variant and gene."""

from __future__ import annotations

import pandas as pd
import pytest

from resistance import schemas
from resistance.annotate.choose import one_per_gene
from resistance.dropped import Dropped
from resistance.knowledge import load_genes
from resistance.tables import conform

PLACE = {"build": "GRCh37", "chrom": "3", "pos": 38182641, "ref": "T", "alt": "C", "gene": "MYD88", "impact": "MODERATE"}
LONG = {**PLACE, "transcript": "ENST2.1", "hgvsp": "L273P", "effect_class": "missense", "picked": False, "source": "file:CSQ"}
MANE = {**PLACE, "transcript": "ENST1.8", "hgvsp": "L252P", "effect_class": "missense", "picked": True, "source": "file:CSQ"}
STOP = {**PLACE, "transcript": "ENST3.1", "hgvsp": "L9*", "effect_class": "truncating", "picked": False, "source": "file:CSQ"}


def chosen(*rows: dict, dropped: Dropped | None = None, **settings) -> list[str]:
    table = one_per_gene(conform(pd.DataFrame(rows), schemas.EFFECTS), None, dropped or Dropped("annotate"), **settings)
    return table["hgvsp"].tolist()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_files_own_choice_goes_before_the_most_severe_whatever_the_order(order):
    rows = [LONG, MANE, STOP]
    assert chosen(*(rows[i] for i in order)) == ["L252P"]


def test_a_preferred_transcript_goes_first_in_any_version():
    assert chosen(MANE, LONG, STOP, preferred={"MYD88": "ENST2.4"}) == ["L273P"]
    assert chosen(MANE, LONG, STOP, preferred={"CRBN": "ENST2.4"}) == ["L252P"]


def test_a_previous_symbol_becomes_the_current_one_and_both_are_one_gene():
    rows = [{**MANE, "gene": "MLL2"}, {**STOP, "gene": "KMT2D"}, {**STOP, "gene": "OR4F5"}]
    table = one_per_gene(conform(pd.DataFrame(rows), schemas.EFFECTS), load_genes(), Dropped("annotate"))
    assert table[["gene", "hgvsp"]].values.tolist() == [["KMT2D", "L252P"], ["OR4F5", "L9*"]]


def test_without_a_choice_the_most_severe_effect_is_shown():
    assert chosen({**LONG, "picked": None}, {**STOP, "picked": None}) == ["L9*"]


def test_two_genes_at_one_place_keep_one_row_each():
    assert chosen(MANE, {**STOP, "gene": "ACAA1"}) == ["L9*", "L252P"]


def test_the_others_are_counted():
    dropped = Dropped("annotate")
    chosen(MANE, LONG, STOP, dropped=dropped)
    row = dropped.frame().iloc[0]
    assert (row["table"], row["source"], row["n"]) == ("effects", "file:CSQ", 2)
    assert row["reason"] == "another transcript or annotation of the gene was chosen"


def test_no_effects_stay_no_effects():
    from resistance.tables import empty

    assert one_per_gene(empty(schemas.EFFECTS), None, Dropped("annotate")).empty
