"""GMT files as they come: what is read, what is counted, and which lines are refused with their row."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.gene_sets import EMPTY, RESTORED, TWICE, read_gene_sets
from resistance.read.symbols import as_date


def read(tmp_path: Path, text: str | bytes, name: str = "own.gmt") -> tuple[dict, list]:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    dropped = Dropped("classify")
    found = read_gene_sets(path, dropped)
    return dict(found.sets), [(row["source"], row["reason"], row["n"], row["example"]) for row in dropped.rows()]


def refused(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_sets_keep_the_order_of_the_file(tmp_path: Path) -> None:
    sets, counted = read(tmp_path, "B\thttp://b\tTP53\tMYC\nA\t\tIRF4\n")
    assert list(sets.items()) == [("B", ("TP53", "MYC")), ("A", ("IRF4",))]
    assert counted == []


def test_blank_lines_comments_trailing_tabs_and_other_line_ends_are_passed_over(tmp_path: Path) -> None:
    sets, counted = read(tmp_path, "\ufeff# of the lab\r\nA\td\t TP53 \tMYC\t\t\r\n\r\n")
    assert (sets, counted) == ({"A": ("TP53", "MYC")}, [])


def test_a_packed_file_is_the_same(tmp_path: Path) -> None:
    text = b"A\td\tTP53\n"
    assert read(tmp_path, gzip.compress(text), "own.gmt.gz") == read(tmp_path, text)


def test_empty_sets_and_genes_named_twice_are_counted_with_an_example(tmp_path: Path) -> None:
    sets, counted = read(tmp_path, "A\td\tTP53\tMYC\tTP53\nB\td\nC\td\t\t\nD\td\tMYC\tMYC\tMYC\n")
    assert sets == {"A": ("TP53", "MYC"), "D": ("MYC",)}
    assert counted == [("own.gmt", TWICE, 3, "A: TP53"), ("own.gmt", EMPTY, 2, "B")]


def test_a_symbol_that_became_a_date_is_restored_and_counted(tmp_path: Path) -> None:
    sets, counted = read(tmp_path, "A\td\t2-Sep\tMYC\n")
    assert sets == {"A": ("SEPTIN2", "MYC")}
    assert counted == [("own.gmt", RESTORED, 1, "2-Sep: SEPTIN2")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A\td\tTP53\nTP53 MYC IRF4\n", "own.gmt, row 2, value 'TP53 MYC IRF4': the line has no tab. A line of a GMT is: name,"),
        ('{"A": ["TP53"]}\n', "row 1, value '{\"A\": [\"TP53\"]}': the line has no tab"),
        ("\td\tTP53\n", "own.gmt, row 1: the gene set has no name"),
        ("A\td\tTP53\n\nA\td\tMYC\n", "own.gmt, row 3, value 'A': the name stands in row 1 already. Give each set a name of its own."),
        ("A\td\n A \td\tMYC\n", "row 2, value 'A': the name stands in row 1 already"),
        ("A\td\tTP53,1.0\tMYC,0.5\n", "row 1, value 'TP53,1.0': the genes of 'A' carry weights. Leave the genes alone"),
        ("A\td\t1-Mar\n", "value '1-Mar': a gene of 'A' was turned into a date by a spreadsheet and cannot be restored. Write the"),
        ("", "own.gmt: the file holds no gene set"),
        ("# nothing\n", "own.gmt: the file holds no gene set"),
        ("A\td\n", "own.gmt: the file holds no gene set"),
        (b"A\td\tTP\xff53\n", "own.gmt: not readable as text"),
        (gzip.compress(b"A\td\tTP53\n" * 50, mtime=0)[:30], "own.gmt: not readable as text"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_gene_sets_is_refused_with_its_row(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert said in refused(tmp_path, text)


def test_all_bad_lines_are_told_at_once(tmp_path: Path) -> None:
    said = refused(tmp_path, "one\ntwo\nA\td\tTP53\nA\td\tMYC\n")
    assert len(said.splitlines()) == 3


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the file of gene sets is missing"):
        read_gene_sets(tmp_path / "no.gmt", Dropped("classify"))
    with pytest.raises(InputError, match="is a folder, not a file of gene sets"):
        read_gene_sets(tmp_path, Dropped("classify"))


SYMBOL = st.from_regex(r"[A-Z][A-Z0-9]{1,7}-?[A-Z0-9]{0,2}", fullmatch=True).filter(lambda text: as_date(text) is None)


@settings(max_examples=60)
@given(st.dictionaries(SYMBOL, st.lists(SYMBOL, min_size=1, max_size=8), min_size=1, max_size=6), st.booleans())
def test_what_was_written_is_read_and_every_other_mention_is_counted(tmp_path_factory, sets, packed) -> None:
    text = "".join(f"{name}\td\t" + "\t".join(genes) + "\n" for name, genes in sets.items()).encode()
    found, counted = read(tmp_path_factory.mktemp("gmt"), gzip.compress(text) if packed else text)
    assert found == {name: tuple(dict.fromkeys(genes)) for name, genes in sets.items()}
    assert sum(row[2] for row in counted) == sum(len(genes) - len(set(genes)) for genes in sets.values())


def test_quotes_around_names_and_genes_are_no_part_of_them(tmp_path: Path) -> None:
    assert read(tmp_path, '"A"\t"of this study"\t"TP53"\t"MYC"\n')[0] == {"A": ("TP53", "MYC")}
