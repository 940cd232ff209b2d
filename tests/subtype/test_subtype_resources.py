"""Every row of resources/subtypes: current symbols, sources, no duplicates, and a digest that knows of them."""

from __future__ import annotations

import csv
import shutil

import pytest

from resistance import resources
from resistance.knowledge import load_genes
from resistance.resources import knowledge_digest, resource_path
from resistance.subtype.event_names import event_name, gene_symbol


def rows(name):
    with resource_path(f"subtypes/{name}").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def test_entrez_ids_are_numbers_and_one_of_each():
    table = rows("entrez.tsv")
    ids, symbols = [row["entrez_id"] for row in table], [row["symbol"] for row in table]
    assert all(value.isdigit() for value in ids)
    assert len(set(ids)) == len(ids)
    assert len(set(symbols)) == len(symbols)
    assert all(gene_symbol(name) == name and row["source"] for name, row in zip(symbols, table, strict=True))
    # textbook ids
    known = {
        "TP53": "7157",
        "MYD88": "4615",
        "NOTCH1": "4851",
        "NOTCH2": "4853",
        "EZH2": "2146",
        "CD79B": "974",
        "BCL2": "596",
        "BCL6": "604",
    }
    assert {name: dict(zip(symbols, ids, strict=True))[name] for name in known} == known


def test_events_of_every_table_are_in_the_one_spelling_and_have_a_rule():
    rules = {row["event"]: row for row in rows("events.tsv")}
    for name in ("chapuy_weights.tsv", "lymphplex_centres.tsv", "lymphplex_seeds.tsv"):
        for row in rows(name):
            assert event_name(row["event"]) == row["event"]
            assert row["event"] in rules, row["event"]
    for row in rules.values():
        assert row["methods"]
        for gene in row["genes"].split(";"):
            assert gene == "NA" or gene_symbol(gene) == gene


def test_genes_of_a_band_lie_in_it_by_their_positions():
    """Bands of a chromosome in order: a gene of 9p24.1 lies before one of 9p21.3, one of 6p before one of 6q."""
    with resource_path("gene_positions.tsv").open(encoding="utf-8", newline="") as lines:
        at = {
            row["gene"]: (row["chrom"], int(row["start"]))
            for row in csv.DictReader(lines, delimiter="\t")
            if row["build"] == "GRCh37" and row["start"] not in ("", "NA")
        }
    arms: dict[tuple[str, str], list[int]] = {}
    for row in rows("events.tsv"):
        if row["kind"] != "copy_number" or row["genes"] == "NA":
            continue
        region = row["event"].partition(":")[0]
        chrom, arm = region.split("p")[0].split("q")[0], "p" if "p" in region else "q"
        for gene in row["genes"].split(";"):
            assert at[gene][0] == chrom, (row["event"], gene)
            arms.setdefault((chrom, arm), []).append(at[gene][1])
    for chrom in {chrom for chrom, _ in arms}:
        if (chrom, "p") in arms and (chrom, "q") in arms:
            assert max(arms[chrom, "p"]) < min(arms[chrom, "q"]), chrom


def test_aliases_are_nobodys_current_symbol():
    for row in rows("aliases.tsv"):
        assert row["source"]
        assert row["symbol"] not in load_genes().aliases
        assert all(gene_symbol(name) == row["symbol"] for name in row["previous"].split(";"))


def test_a_change_of_a_weight_changes_the_digest_of_the_knowledge(tmp_path, monkeypatch):
    copy = tmp_path / "resources"
    shutil.copytree(resource_path("genes.tsv").parent, copy)
    monkeypatch.setattr(resources, "FOLDERS", (copy,))
    before = knowledge_digest()
    path = copy / "subtypes/chapuy_weights.tsv"
    path.write_text(path.read_text().replace("1.72225", "1.82225", 1))
    assert knowledge_digest() != before
    middle = knowledge_digest()
    (copy / "README.md").write_text("other")
    assert knowledge_digest() == middle


@pytest.mark.parametrize("name", ["chapuy_weights.tsv", "lymphplex_centres.tsv"])
def test_numbers_are_not_negative(name):
    for row in rows(name):
        assert all(float(value) >= 0 for key, value in row.items() if key != "event")
