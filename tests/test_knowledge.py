"""The knowledge tables: every row by rule, and what loading refuses."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from resistance import knowledge_tables
from resistance.errors import InputError, KnowledgeError
from resistance.knowledge import load_domains, load_genes, load_markers, read_genes, same_event
from resistance.knowledge_tables import (
    disease_within,
    drugs_of,
    load_cards,
    load_diseases,
    load_drugs,
    load_grades,
    load_pathways,
    load_trials,
)
from resistance.match import MATCHERS
from resistance.resources import resource_path
from resistance.rules import parse_rule
from resistance.schemas import EVIDENCE_KINDS, MARKERS
from resistance.tables import conform

ROWS = load_markers().to_dict("records")
SOURCE = re.compile(r"PMID:\d+|PMC\d+|doi:10\.\d{4,9}/\S+|\D.*\b(19|20)\d\d\b.*")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["marker_id"])
def test_marker_row_can_be_matched_and_cited(row: dict) -> None:
    genes = load_genes()
    for symbol in row["genes"].split(";") if isinstance(row["genes"], str) else ():
        assert genes.current(symbol) == symbol
    assert parse_rule(row["rule"]).kinds >= {row["evidence_kind"]}
    assert row["evidence_kind"] in MATCHERS
    for source in row["source"].split(";"):
        assert SOURCE.fullmatch(source), source
    assert re.fullmatch(r"[a-z0-9_]+", row["marker_id"])
    assert len(row["label"]) <= 30
    assert isinstance(row["disease"], str)
    assert isinstance(row["mechanism"], str)


def test_packaged_markers_follow_the_schema_and_stand_once() -> None:
    table = load_markers()
    pd.testing.assert_frame_equal(conform(table, MARKERS), table)
    assert table["marker_id"].is_unique
    assert table["label"].is_unique


def test_mechanism_without_a_read_source_is_not_verified() -> None:
    rows = {row["marker_id"]: row for row in ROWS}
    assert not rows["ikzf1_degron"]["verified"]
    assert not rows["crbn_w386"]["verified"]
    assert rows["tp53_mutation"]["verified"]
    assert rows["tp53_mutation"]["disease"] == "MDSID5Q"


def test_cell_of_origin_is_never_a_resistance_call() -> None:
    assert {row["direction"] for row in ROWS if row["evidence_kind"] == "subtype"} <= {"sensitivity", "neutral"}


@pytest.mark.parametrize(
    ("older", "current"),
    [
        ("COPS1", "GPS1"),
        ("CK1alpha", "CSNK1A1"),
        ("MLL2", "KMT2D"),
        ("RAB7L1", "RAB29"),
        ("FAM58A", "CCNQ"),
        ("MMSET", "NSD2"),
        ("WHSC1", "NSD2"),
        ("HIST1H1E", "H1-4"),
        ("HLA.B", "HLA-B"),
        ("MLL", "KMT2A"),
        ("TP53", "TP53"),
    ],
)
def test_older_symbol_leads_to_the_current_one(older: str, current: str) -> None:
    assert load_genes().current(older) == current


def test_symbols_that_mean_another_gene_are_no_aliases() -> None:
    # MUM1 in a variant file is the former symbol of PWWP3A; as an antibody it is IRF4.  CSN2 and
    # CSN3 are caseins, TCF4 is not TCF7L2.
    assert [load_genes().current(name) for name in ("MUM1", "CSN2", "CSN3", "TCF4", "NOPE")] == [None] * 5


def test_gene_rows_hold_identifiers_of_the_right_form() -> None:
    genes = load_genes()
    assert len(genes.symbols) > 300
    assert all(re.fullmatch(r"HGNC:\d+", value) for value in genes.hgnc_ids.values())
    assert len(set(genes.hgnc_ids.values())) == len(genes.hgnc_ids)
    assert all(re.fullmatch(r"ENSG\d{11}", value) for value in genes.ensembl_ids.values())
    assert genes.pathway("MLL2") == "DLBCL driver"
    assert genes.pathway("NOPE") is None


def test_domains_lie_on_known_genes() -> None:
    assert load_domains()["CRBN", "thalidomide_binding"].ranges == ((318, 426),)


def write(path: Path, rows: list[dict]) -> Path:
    blank = dict.fromkeys(MARKERS.names, "NA") | {
        "marker_id": "own", "label": "Own", "genes": "CRBN", "evidence_kind": "mutation", "rule": "missense",
        "direction": "neutral", "disease": "any", "evidence_grade": "C", "source": "PMID:1", "verified": "false",
    }  # fmt: skip
    table = pd.DataFrame([blank | row for row in rows])
    table.to_csv(path, sep="\t", index=False)
    return path


def test_own_markers_follow_the_packaged_ones(tmp_path: Path) -> None:
    table = load_markers(write(tmp_path / "own.tsv", [{"marker_id": "mine"}]))
    assert len(table) == len(ROWS) + 1
    assert table["marker_id"].iloc[-1] == "mine"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"genes": "CRBM"}, "'CRBM': is not a symbol of the knowledge base. Did you mean CRBN?"),
        ({"genes": "MLL2"}, "'MLL2': is not the current symbol. Write KMT2D."),
        ({"genes": "CRBN;CRBN"}, "names a gene twice"),
        ({"genes": "NA"}, "needs a gene"),
        ({"source": "NA"}, "row 2, column 'source': has no value"),
        ({"rule": "mutated"}, "'mutated' is not a word of the rule vocabulary"),
        ({"rule": "loss"}, "cannot match evidence of the kind mutation (it speaks about copy_number)"),
        ({"evidence_kind": "serum"}, "cannot match evidence of the kind serum"),
        ({"rule": "domain:tail"}, "CRBN has no domain 'tail' in domains.tsv (it has: LON, thalidomide_binding, tryptophan_cage)"),
        ({"genes": "CRBN;DDB1", "rule": "residue:W386"}, "'residue' speaks about one gene, but the row names 2"),
        ({"evidence_grade": "Z"}, "is not one of A, B, C, D, E, M"),
        ({"marker_id": "crbn_loss"}, "is one of the packaged table. Choose another name."),
        ({"disease": "DLBCLNO"}, "'DLBCLNO': is not in diseases.tsv. Did you mean DLBCLNOS?"),
        ({"drug": "lenalidomide;aspirin"}, "'aspirin': is not in drugs.tsv. It holds: any, class, lenalidomide"),
        ({"disease": "MM"}, "'MM': is not in diseases.tsv. Write PCM."),
        ({"drug": "LEN"}, "'LEN': is not in drugs.tsv. Write lenalidomide."),
        ({"pathway": "Wnt"}, "'Wnt': is not in pathways.tsv"),
        ({"evidence_kind": "exposure", "rule": "prior:lenalidomid"}, "'lenalidomid' is no drug of drugs.tsv"),
        ({"evidence_kind": "ctdna", "genes": "NA", "rule": "ctdna:emergent"}, "needs a gene"),
        ({"n": "many"}, "column 'n', value 'many'"),
    ],
)
def test_own_markers_are_refused_with_row_and_remedy(tmp_path: Path, row: dict, message: str) -> None:
    path = write(tmp_path / "own.tsv", [row])
    with pytest.raises(InputError) as caught:
        load_markers(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_every_problem_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path / "own.tsv", [{"rule": "nope"}, {"marker_id": "b", "genes": "MLL2"}, {"marker_id": "c", "genes": "MLL2"}]
    )
    with pytest.raises(InputError) as caught:
        load_markers(path)
    assert [p.row for p in caught.value.problems] == [2, 3, 4, 4]
    assert "says the same as b" in str(caught.value)


def test_cell_that_cannot_be_read_does_not_hide_the_other_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "own.tsv", [{"n": "many"}, {"marker_id": "b", "genes": "MLL2"}])
    with pytest.raises(InputError) as caught:
        load_markers(path)
    assert [p.row for p in caught.value.problems] == [2, 3]


def test_missing_or_misshapen_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.tsv: the table is missing\. Correct markers\.file"):
        load_markers(tmp_path / "none.tsv")
    path = tmp_path / "own.tsv"
    path.write_text("marker_id\tlabel\nx\ty\n", encoding="utf-8")
    with pytest.raises(InputError, match="column 'rule': missing column"):
        load_markers(path)
    write(path, [{}])
    path.write_text(path.read_text(encoding="utf-8") + "cut\toff\n", encoding="utf-8")
    with pytest.raises(InputError, match="row 3: has 2 cells where the header has 17"):
        load_markers(path)


def test_ambiguous_gene_table_is_refused(tmp_path: Path) -> None:
    header = resource_path("genes.tsv").read_text(encoding="utf-8").splitlines()[0]
    first = "\t".join(["AAA1", "NA", "NA", "NA", "NA", "x", "NA", "PMID:1"])
    row = "\t".join(["ZZZ1", "NA", "NA", "NA", "AAA1", "x", "NA", "PMID:1"])
    path = tmp_path / "genes.tsv"
    path.write_text("\n".join([header, first, row]) + "\n", encoding="utf-8")
    with pytest.raises(KnowledgeError, match="'AAA1', named as an older symbol of ZZZ1, is a current symbol"):
        read_genes(path)


def test_every_mechanism_of_the_field_has_a_statement_a_pathway_and_a_card() -> None:
    named = {row["pathway"] for row in ROWS}
    mechanisms = {name for name, pathway in load_pathways().items() if pathway.kind == "mechanism"}
    assert mechanisms <= named
    assert mechanisms == set(load_cards())
    assert {row["pathway"] for row in ROWS} <= set(load_pathways())
    assert set(load_genes().pathways.values()) <= set(load_pathways())


def test_every_kind_of_evidence_has_a_statement() -> None:
    assert {row["evidence_kind"] for row in ROWS} == set(EVIDENCE_KINDS)


def test_serum_and_tumour_cereblon_point_in_opposite_directions() -> None:
    rows = {row["marker_id"]: row for row in ROWS}
    assert rows["crbn_serum"]["rule"].startswith("above")
    assert rows["crbn_serum"]["direction"] == "prognostic"
    assert "shorter survival" in rows["crbn_serum"]["effect"]
    assert rows["crbn_high_expression"]["direction"] == "sensitivity"
    assert rows["crbn_low_expression"]["direction"] == "resistance"


def test_two_statements_about_one_event_are_known_as_such() -> None:
    twins = same_event(load_markers())
    assert twins["tp53_blood_clone"] == "tp53_mutation"
    assert twins["coo_abc_e1412"] == "coo_abc"
    assert "tp53_loss" not in twins


def test_numbers_of_the_sources_are_quoted_as_they_stand_there() -> None:
    rows = {row["marker_id"]: row for row in ROWS}
    # HOVON-65; Zhu 2013; serum cohort; interval since lenalidomide; Kroenke and CSNK1A1 cohorts
    assert {
        name: rows[name]["n"] for name in ("crbn_high_expression", "crbn_low_expression", "crbn_serum", "len_interval_18m")
    } == {
        "crbn_high_expression": 96,
        "crbn_low_expression": 53,
        "crbn_serum": 92,
        "len_interval_18m": 147,
    }


@pytest.mark.parametrize(
    ("trial", "arm", "population", "endpoint", "n", "responders", "value"),
    [
        ("hernandez_2011", "lenalidomide", "non-GCB", "ORR", 17, 9, 0.5294),
        ("hernandez_2011", "lenalidomide", "GCB", "ORR", 23, 2, 0.087),
        ("lmind", "tafasitamab and lenalidomide", "all", "CR", 80, 32, 0.4),
        ("augment", "R2", "all", "PFS", 178, None, 39.4),
        ("jadersten_2011", "lenalidomide", "TP53 mutated", "complete cytogenetic response", 7, 0, 0),
    ],
)
def test_trials_hold_the_published_results(
    trial: str, arm: str, population: str, endpoint: str, n: int, responders: int | None, value: float
) -> None:
    table = load_trials()
    row = table[
        (table["trial_id"] == trial)
        & (table["arm"] == arm)
        & (table["population"] == population)
        & (table["endpoint"] == endpoint)
    ].iloc[0]
    assert row["n"] == n
    assert pd.isna(row["responders"]) if responders is None else row["responders"] == responders
    assert row["value"] == pytest.approx(value, abs=5e-4)


@pytest.mark.parametrize(
    ("regimen", "drugs"),
    [
        ("R2-CHOP", {"lenalidomide", "rituximab", "chemotherapy"}),
        ("R-CHOP", {"rituximab", "chemotherapy"}),
        ("Len-Dex", {"lenalidomide", "dexamethasone"}),
        ("VRd", {"lenalidomide", "bortezomib", "dexamethasone"}),
        ("RVD", {"lenalidomide", "bortezomib", "dexamethasone"}),
        ("MPT", {"thalidomide", "chemotherapy"}),
        ("PomDex", {"pomalidomide", "dexamethasone"}),
        ("lenalidomide-naive", set()),
        ("review", set()),
        ("lenalidomide + rituximab", {"lenalidomide", "rituximab"}),
        ("CC-4047/dex", {"pomalidomide", "dexamethasone"}),
        ("RICER", {"lenalidomide", "rituximab", "chemotherapy"}),
        ("third line", set()),
        ("LENVATINIB", set()),
    ],
)
def test_regimen_leads_to_its_drugs(regimen: str, drugs: set[str]) -> None:
    assert drugs_of(regimen) == drugs


def test_only_evidence_from_patients_counts_for_patients() -> None:
    assert {name for name, grade in load_grades().items() if grade.patient_level} == {"A", "B", "C"}
    assert [grade.weight for grade in load_grades().values()] == sorted((g.weight for g in load_grades().values()), reverse=True)


def test_kind_of_a_disease_is_found_through_its_parents() -> None:
    assert disease_within("MDSID5Q", "MDS")
    assert not disease_within("MDS", "MDSID5Q")
    assert disease_within("PCM", "MBN")
    assert not disease_within("PCM", "MDS")
    assert not disease_within("NOPE", "MDS")


BROKEN = [
    ("grades.tsv", load_grades, "\t1\t", "\t9\t", "weight 9 is not within 0..1"),
    ("grades.tsv", load_grades, "\t1\t", "\tmuch\t", "weight 'much' is no number"),
    ("grades.tsv", load_grades, "civic", "level", "missing column"),
    ("pathways.tsv", load_pathways, "\tmechanism\t", "\tguess\t", "kind is none of"),
    ("drugs.tsv", load_drugs, "\ttrue\t", "\tyes\t", "verified is 'yes', not true or false"),
    ("diseases.tsv", load_diseases, "NHL\tNon-Hodgkin lymphoma\tLNM", "NHL\tNon-Hodgkin lymphoma\tMBN", "stands in a circle"),
    ("diseases.tsv", load_diseases, "NHL\tNon-Hodgkin lymphoma\tLNM", "NHL\tNon-Hodgkin lymphoma\tNOPE", "is not there"),
    ("trials.tsv", load_trials, "\t0.5294\t", "\thalf\t", "'half' is no number"),
    ("trials.tsv", load_trials, "\t0.5294\t", "\t0.6\t", "9 of 17 is not 0.6"),
]


@pytest.mark.parametrize(("name", "load", "old", "new", "message"), BROKEN)
def test_broken_packaged_table_stops_with_what_is_wrong(
    name: str, load: object, old: str, new: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = resource_path(name).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    monkeypatch.setattr(
        knowledge_tables, "resource_path", lambda wanted: tmp_path / wanted if wanted == name else resource_path(wanted)
    )
    with pytest.raises(KnowledgeError) as caught:
        getattr(load, "__wrapped__", load)()
    assert message in str(caught.value)
