"""The rule vocabulary, case by case from a table, and what its parts come out as."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from resistance.errors import InputError
from resistance.rules import VOCABULARY, Term, parse_rule
from resistance.schemas import EFFECTS, EVIDENCE_KINDS

with (Path(__file__).parent / "cases" / "rules.tsv").open(encoding="utf-8", newline="") as handle:
    CASES = list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize("case", [c for c in CASES if not c["refused"]], ids=lambda c: c["rule"])
def test_rule_parses_for_its_kinds_of_evidence(case: dict[str, str]) -> None:
    rule = parse_rule(case["rule"])
    assert sorted(rule.kinds) == case["kinds"].split(";")
    assert rule.text == case["rule"].replace(" ", "")
    assert parse_rule(rule.text) == rule


@pytest.mark.parametrize("case", [c for c in CASES if c["refused"]], ids=lambda c: c["rule"] or "(empty)")
def test_rule_is_refused_with_the_reason(case: dict[str, str]) -> None:
    with pytest.raises(InputError) as caught:
        parse_rule(case["rule"])
    assert case["refused"] in str(caught.value)


def test_and_binds_tighter_than_or() -> None:
    rule = parse_rule("missense&residue:W386|truncating")
    assert rule.alternatives == ((Term("missense"), Term("residue", "W", 386, 386)), (Term("truncating"),))


def test_arguments_come_out_as_numbers() -> None:
    assert parse_rule("below:quantile:0.25").terms == (Term("below", number=0.25, side="below", basis="quantile"),)
    assert parse_rule("residue_range:32-45").terms == (Term("residue_range", None, 32, 45),)
    assert parse_rule("splice:exon10:0.4").terms == (Term("splice", None, 10, number=0.4),)
    assert parse_rule("score:nk:above:absolute:3").terms == (Term("score", "nk", number=3.0, side="above", basis="absolute"),)
    assert parse_rule("since:lenalidomide:18").terms == (Term("since", "lenalidomide", number=18.0),)
    assert parse_rule("multi_hit").is_single("multi_hit")
    assert not parse_rule("residue:Q146|residue:Q147").is_single("residue")


def test_every_word_of_the_vocabulary_has_a_case_and_a_known_kind() -> None:
    seen = {term.name for c in CASES if not c["refused"] for term in parse_rule(c["rule"]).terms}
    assert seen == set(VOCABULARY)
    assert {kind for entry in VOCABULARY.values() for kind in entry.kinds} <= set(EVIDENCE_KINDS)


def test_class_words_are_classes_of_the_effects_table() -> None:
    from resistance.consequences import PROTEIN_CHANGING

    allowed = next(column.allowed for column in EFFECTS.columns if column.name == "effect_class")
    assert set(PROTEIN_CHANGING) <= set(allowed)
