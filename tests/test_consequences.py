"""The table of consequence words, and what cells of several words mean."""

from __future__ import annotations

import csv

import pytest

from resistance import schemas
from resistance.consequences import IMPACTS, SEVERITY, meaning, nearest, words
from resistance.resources import resource_path


def test_every_row_of_the_table_has_a_class_an_impact_and_a_source():
    with resource_path("consequences.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert len({row["term"].lower() for row in rows}) == len(rows) == len(words())
    for row in rows:
        assert row["effect_class"] in SEVERITY
        assert row["impact"] in IMPACTS
        assert row["source"]
        assert row["so_term"].lower() in words(), f"{row['term']} stands for a term that is no word itself"
        assert row["event_kind"] in ("", "ITD", "PTD", "fusion")


def test_the_classes_are_those_of_the_effects_table():
    allowed = next(column.allowed for column in schemas.EFFECTS.columns if column.name == "effect_class")
    assert sorted(allowed) == sorted(SEVERITY)


@pytest.mark.parametrize(
    ("text", "consequence", "effect_class", "impact"),
    [
        ("Frame_Shift_Del", "frameshift_variant", "truncating", "HIGH"),
        ("SILENT", "synonymous_variant", "synonymous", "LOW"),
        ("5'Flank", "upstream_gene_variant", "noncoding", "MODIFIER"),
        ("non_synonymous_codon", "missense_variant", "missense", "MODERATE"),
        ("splice_region_variant,missense_variant", "missense_variant&splice_region_variant", "missense", "MODERATE"),
        ("splice_region_variant&synonymous_variant", "splice_region_variant&synonymous_variant", "synonymous", "LOW"),
        ("splice_region_variant&intron_variant", "splice_region_variant&intron_variant", "noncoding", "LOW"),
        ("exonic;splicing", "splice_site_variant", "splice", "HIGH"),
        ("stop_gained,frameshift_variant", "stop_gained&frameshift_variant", "truncating", "HIGH"),
        ("inframe_insertion&stop_gained", "stop_gained&inframe_insertion", "truncating", "HIGH"),
    ],
)
def test_words_of_every_dialect_mean_one_class(text, consequence, effect_class, impact):
    found = meaning(text)
    assert (found.consequence, found.effect_class, found.impact, found.unknown) == (consequence, effect_class, impact, ())


def test_a_tandem_duplication_names_a_structural_event():
    assert [meaning(word).event_kind for word in ("ITD", "PTD", "Fusion", "Silent")] == ["ITD", "PTD", "fusion", None]


def test_an_unknown_word_is_named_and_the_nearest_offered():
    assert meaning("missense_variant&wild_thing").unknown == ("wild_thing",)
    assert nearest("Misense_Mutation") == "Missense_Mutation"
    assert nearest("zzzzqq") is None
