"""Genes of a signature in a table: older symbols, Ensembl ids, duplicates, what is missing; and the packaged tables."""

from __future__ import annotations

import csv

import pytest

from resistance.errors import InputError
from resistance.knowledge import load_genes
from resistance.resources import RESULT_FOLDERS, knowledge_digest, resource_path
from resistance.subtype.genes import current_symbol, find_genes, share_missing, signature_aliases
from resistance.subtype.signature import load_signatures


@pytest.mark.parametrize(
    ("older", "current"),
    [("RAB7L1", "RAB29"), ("FAM159A", "SHISAL2A"), ("MOBKL2C", "MOB3C"), ("PRR6", "CENPV"), ("MLL2", "KMT2D")],
)
def test_older_and_current_symbols_are_one_gene_in_both_directions(older, current):
    assert current_symbol(older) == current_symbol(current) == current
    for wanted, present in ((older, current), (current, older), (older, older), (current, current)):
        found = find_genes([wanted], [present, "TP53"])
        assert dict(found.rows) == {wanted: present}
        assert found.renamed == (() if wanted == present else (f"{present} = {wanted}",))
        assert found.missing == ()


def test_ensembl_ids_with_and_without_version_are_known():
    rab29 = load_genes().ensembl_ids["RAB29"]
    for name in (rab29, f"{rab29}.12", f"{rab29}.7_PAR_Y"):
        assert dict(find_genes(["RAB29"], [name]).rows) == {"RAB29": name}


def test_missing_genes_are_named_and_weighed():
    found = find_genes(["MME", "IRF4", "LMO2"], ["IRF4"])
    assert found.missing == ("MME", "LMO2")
    assert share_missing({"MME": -3.0, "IRF4": 5.0, "LMO2": 2.0}, found.missing) == 0.5
    assert share_missing({}, []) == 0


def test_two_rows_of_one_gene_are_refused_unless_one_has_the_very_name():
    with pytest.raises(InputError, match=r"counts.tsv, value 'MME': 2 rows are the gene MME"):
        find_genes(["MME"], ["MME", "MME"], where="counts.tsv")
    both = find_genes(["RAB29"], ["RAB7L1", "RAB29"])
    assert dict(both.rows) == {"RAB29": "RAB29"}


def test_names_in_another_case_are_found_after_the_exact_ones_and_the_older_ones():
    found = find_genes(
        ["BCL6", "RAB29", "MYC", "C1orf43", "MME"], ["bcl6", "rab7l1", "MYC", "myc", "C1ORF43", "Mme", "TP53", "IRF4"]
    )
    assert dict(found.rows) == {"BCL6": "bcl6", "RAB29": "rab7l1", "MYC": "MYC", "C1orf43": "C1ORF43", "MME": "Mme"}
    assert found.missing == ()
    assert found.renamed == found.other_case == ("bcl6 = BCL6", "rab7l1 = RAB29", "C1ORF43 = C1orf43", "Mme = MME")
    assert found.in_words() == "; names resolved: bcl6 = BCL6, rab7l1 = RAB29, C1ORF43 = C1orf43, Mme = MME"
    assert find_genes(["BCL6"], ["bcl6"], any_case=False).missing == ("BCL6",)
    older = find_genes(["RAB29", "BCL6"], ["RAB7L1", "rab29", "ENSG00000113916.3"])
    assert dict(older.rows) == {"RAB29": "RAB7L1", "BCL6": "ENSG00000113916.3"}
    assert (older.other_case, older.in_words()) == ((), "; names resolved: RAB7L1 = RAB29")


def test_a_name_in_another_case_that_is_a_gene_as_it_stands_or_could_be_two_is_not_taken():
    # C1orf43 is official as it stands; a made-up signature's C1ORF43 is found by it, not the other way round twice
    assert dict(find_genes(["C1ORF43"], ["C1orf43", "TP53"]).rows) == {"C1ORF43": "C1orf43"}
    with pytest.raises(InputError, match=r"value 'BCL6': 2 rows are the gene BCL6 .bcl6, BCl6.. Keep one row per gene"):
        find_genes(["BCL6"], ["bcl6", "BCl6", "TP53"])
    two = find_genes(["Ab1", "AB1"], ["ab1", "TP53", "IRF4"])  # in capitals it could be either
    assert two.missing == ("Ab1", "AB1")


MOUSE = ["Bcl6", "Irf4", "Trp53", "Gm1234", "1700001C02Rik", "H2-Ab1", "MYC", "123_at"]


def test_a_table_whose_symbols_look_like_mouse_is_refused_and_not_read_as_human():
    with pytest.raises(InputError) as found:
        find_genes(["BCL6", "IRF4"], MOUSE, where="expression")
    assert str(found.value) == (
        "expression: the symbols look like mouse (Bcl6, Irf4, Trp53 ...), and the genes that are looked for are human. Give human "
        "orthologues by human symbols. If the samples are human, write symbols as HGNC does (BCL6, C1orf43)."
    )
    with pytest.raises(InputError, match=r"look like mouse .ENSMUSG00000022508"):
        find_genes(["BCL6"], ["ENSMUSG00000022508", "ENSMUSG00000021356.4"])
    with pytest.raises(InputError, match=r"look like mouse .Bcl6"):  # a signature of the mouse on a human table
        find_genes(["Bcl6", "Irf4"], ["BCL6", "IRF4"])


def test_a_few_names_with_one_capital_and_official_names_with_small_letters_are_no_mouse():
    human = ["BCL6", "MYC", "TP53", "C1orf43", "CXorf21", "C9orf72", "Irf4"]
    assert dict(find_genes(["IRF4"], human).rows) == {"IRF4": "Irf4"}
    assert dict(find_genes(["BCL6", "MYC"], ["bcl6", "myc", "c1orf43"]).rows) == {"BCL6": "bcl6", "MYC": "myc"}
    # a table of small letters is found by capitals, and the other way round (a model that was trained on one)
    assert dict(find_genes(["bcl6", "mme"], ["BCL6", "MME"]).rows) == {"bcl6": "BCL6", "mme": "MME"}
    # nothing would be found in another case: the genes are missing, whatever the table is
    assert find_genes(["MME"], ["Bcl6", "Irf4"]).missing == ("MME",)
    # a signature of the mouse on a table of the mouse
    assert dict(find_genes(["Bcl6", "Irf4"], MOUSE).rows) == {"Bcl6": "Bcl6", "Irf4": "Irf4"}


def test_an_antibody_is_not_taken_for_a_gene():
    # MUM1 in a table of genes is PWWP3A's former symbol, not IRF4
    assert find_genes(["IRF4"], ["MUM1"]).missing == ("IRF4",)


def test_the_packaged_aliases_are_sorted_sourced_and_contradict_nothing():
    with resource_path("signatures/aliases.tsv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    assert [row["symbol"] for row in rows] == sorted(row["symbol"] for row in rows)
    assert all(row["source"] and row["previous"] for row in rows)
    known = load_genes()
    for older, current in signature_aliases().items():
        assert older not in known.pathways  # nobody's current symbol
        assert known.aliases.get(older, current) == current


def test_the_signatures_have_sources_licences_and_coefficients_that_cancel():
    for signature in load_signatures().values():
        assert "doi:10." in signature.source
        assert signature.licence == "MIT"
        assert signature.means[0] > signature.means[1]
        assert len(set(map(current_symbol, signature.genes))) == len(signature.genes)
        assert [current_symbol(gene) for gene in signature.genes] == list(signature.genes)  # named by current symbols
        if signature.housekeeping:
            assert abs(sum(signature.coefficients.values())) < 1e-5
    assert {name: len(s.genes) for name, s in load_signatures().items()} == {
        "dlbcl90_coo": 20,
        "dlbcl90_pmbl": 43,
        "dlbcl90_dhitsig": 30,
    }


def test_what_decides_calls_is_part_of_the_digest(tmp_path, monkeypatch):
    import shutil

    from resistance import resources

    folder = tmp_path / "resources"
    for name in RESULT_FOLDERS:
        (folder / name).mkdir(parents=True)
    shutil.copy(resource_path("genes.tsv"), folder)
    shutil.copy(resource_path("signatures/aliases.tsv"), folder / "signatures")
    monkeypatch.setattr(resources, "FOLDERS", (folder,))
    before = knowledge_digest()
    with (folder / "signatures" / "aliases.tsv").open("a") as file:
        file.write("MARCHF1\tMARCH1\tNA\tHGNC\n")
    assert knowledge_digest() != before
