"""Black lists in each of their forms, and lines that are none."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from resistance.errors import InputError
from resistance.read.black_list import BlackList, read_black_list


def _write(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def test_a_bed_lists_whole_positions(tmp_path):
    found = read_black_list(_write(tmp_path, "bad.bed", "chr7\t10\t12\nX\t5\t6\n"))
    assert found.rows == (("7", 10, 12), ("X", 5, 6))
    assert found.holds_positions(pd.Series(["7"] * 4), np.array([10, 11, 12, 13])).tolist() == [False, True, True, False]


@pytest.mark.parametrize("name", ["bad.vcf", "bad.vcf.gz"])
def test_a_vcf_lists_substitutions_and_the_places_of_all_else(tmp_path, name):
    text = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\nchr7\t10\t.\tC\tT,G\nchr7\t20\t.\tCA\tC\nchr7\t30\t.\tA\t.\n"
    found = read_black_list(_write(tmp_path, name, text))
    assert found.substitutions == {("7", 10, "C", "T"), ("7", 10, "C", "G")}
    assert found.rows == (("7", 19, 21), ("7", 29, 30))


def test_the_text_forms_of_ctdnatools_may_be_mixed(tmp_path):
    found = read_black_list(_write(tmp_path, "bad.txt", '# mine\nchr14_106\n"chr14_107_G_C"\n\nchr1_KI270706v1_random_5_A_T\n'))
    assert found.rows == (("14", 105, 106),)
    assert found.substitutions == {("14", 107, "G", "C"), ("1_KI270706v1_random", 5, "A", "T")}


def test_variants_are_held_by_themselves_or_by_their_place():
    listed = BlackList((("7", 19, 20),), frozenset({("7", 10, "C", "T")}))
    variants = pd.DataFrame({"chrom": "7", "pos": [10, 10, 20, 21], "ref": ["C", "C", "A", "A"], "alt": ["T", "G", "-", "G"]})
    assert listed.holds_variants(variants).tolist() == [True, False, True, False]
    more = listed.with_more(BlackList((), frozenset({("7", 21, "A", "G")})))
    assert more.holds_variants(variants).tolist() == [True, False, True, True]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("bad.txt", "Locus\nchr1_5\n", "row 1, value 'Locus': is no place"),
        ("bad.txt", "chr1_5_A_A\n", "row 1, value '1 5 A A': is no place".replace("'1 5", "'chr1 5")),
        ("bad.txt", "chr1_0\n", "row 1, value 'chr1 0': is no place"),
        ("bad.txt", "\n", "the black list is empty"),
        ("bad.vcf", "chr1\tx\t.\tA\tT\n", "row 1, value 'chr1\tx"),
        ("bad.bed", "chr1\t5\t5\n", "is no region: the end must lie behind the start"),
        ("bad.txt.gz", "", "the black list is empty"),
    ],
)
def test_what_is_no_black_list_is_said_with_its_line(tmp_path, name, text, message):
    with pytest.raises(InputError) as raised:
        read_black_list(_write(tmp_path, name, text))
    assert message in str(raised.value)
    assert name in str(raised.value)


def test_a_missing_folder_like_or_damaged_list_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="the black list is missing"):
        read_black_list(tmp_path / "none.txt")
    with pytest.raises(InputError, match="is a folder"):
        read_black_list(tmp_path)
    (tmp_path / "half.txt.gz").write_bytes(gzip.compress(b"chr1_5\n" * 100)[:20])
    with pytest.raises(InputError, match="is no readable black list"):
        read_black_list(tmp_path / "half.txt.gz")
