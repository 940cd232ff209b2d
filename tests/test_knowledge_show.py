"""What `resistance knowledge` shows and writes for other tools."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resistance.errors import InputError
from resistance.knowledge import load_markers
from resistance.knowledge_export import civic_items, export, panel, records
from resistance.knowledge_show import find, select, validate


def test_older_symbol_selects_the_statements_of_the_current_gene() -> None:
    assert [row["marker_id"] for row in select(gene="AIOLOS")] == [row["marker_id"] for row in select(gene="IKZF3")] != []


def test_conditions_are_joined_by_and() -> None:
    rows = select(gene="CRBN", grades="AB", verified=True)
    assert {row["marker_id"] for row in rows} == {"crbn_low_expression", "crbn_ihc", "crbn_serum", "crbn_high_expression"}


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"gene": "CRBM"}, "no gene of the knowledge base. Did you mean CRBN"),
        ({"kind": "mutations"}, "There are: copy_number"),
        ({"grades": "AX"}, "Write some of ABCDEM"),
    ],
)
def test_unknown_condition_is_refused_with_what_there_is(conditions: dict, message: str) -> None:
    with pytest.raises(InputError) as caught:
        select(**conditions)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("CRBN", "# CRBN"),
        ("crbn_serum", "Opposite sign"),
        ("COP9 signalosome", "Takes NEDD8 off the cullin"),
        ("Lenalidomide", "Neosubstrates: IKZF1, IKZF3, CSNK1A1"),
        ("augment", "| R2 | all | 178 | PFS | 0.46 hazard ratio (0.34-0.62) | rituximab |"),
        ("AUGMENT", "# AUGMENT"),
        ("Jadersten 2011", "# Jadersten 2011"),
        ("ikzf1_degron", "**not read in its source**"),
    ],
)
def test_gene_marker_pathway_drug_and_trial_are_found(name: str, holds: str) -> None:
    assert holds in find(name).text
    json.dumps(find(name).data, default=str)


def test_unknown_name_says_what_comes_close() -> None:
    with pytest.raises(InputError, match="Did you mean augment"):
        find("augmnt")


def test_civic_items_keep_the_grade_and_never_pass_a_trial_off_as_a_guideline() -> None:
    items = {item["name"]: item for item in civic_items()}
    assert len(items) == len(load_markers())
    # CIViC's own item EID1766 gives this statement the level C
    assert items["crbn_mutation"]["evidence_level"] == "C"
    assert items["crbn_mutation"]["significance"] == "Resistance"
    assert {item["evidence_level"] for item in items.values()} <= set("BCDE")
    assert {item["status"] for item in items.values() if item["name"].endswith("_degron")} == {"draft"}


def test_panel_is_one_line_of_genes_as_cbioportal_reads_it() -> None:
    lines = panel().splitlines()
    assert [line.split(": ")[0] for line in lines] == ["stable_id", "description", "gene_list"]
    genes = lines[2].removeprefix("gene_list: ").split("\t")
    assert {"CRBN", "DDB1", "IKZF1", "IKZF3", "CARD11", "TP53"} <= set(genes)
    assert genes == sorted(set(genes))


@pytest.mark.parametrize("form", ["tsv", "json", "civic", "cbioportal-panel"])
def test_exports_are_written_and_are_the_same_bytes_each_time(tmp_path: Path, form: str) -> None:
    export(form, tmp_path / "a")
    export(form, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    if form == "json":
        assert len(json.loads((tmp_path / "a").read_text(encoding="utf-8"))["statements"]) == len(records())


def test_export_into_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the folder is missing"):
        export("tsv", tmp_path / "none" / "a.tsv")


def test_validate_counts_what_it_checked(tmp_path: Path) -> None:
    lines = validate()
    assert lines[0] == f"markers.tsv: {len(load_markers())} statements"
    assert lines[-1] == "No problem was found."
    path = tmp_path / "own.tsv"
    path.write_text("marker_id\n", encoding="utf-8")
    with pytest.raises(InputError, match="missing column"):
        validate(path)
