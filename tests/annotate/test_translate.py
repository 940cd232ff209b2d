"""A coding sequence is translated codon by codon, however fast."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from resistance.annotate.transcripts import CODONS, translate


def codon_by_codon(bases):
    return "".join(CODONS.get(bases[i : i + 3], "X") for i in range(0, len(bases) - 2, 3))


def test_each_codon_by_itself_and_all_of_them_in_a_row():
    assert [translate(codon) for codon in CODONS] == list(CODONS.values())
    assert translate("".join(CODONS)) == "".join(CODONS.values())


@given(st.text(alphabet="ACGTNRacgtn-é", max_size=200))
def test_unknown_bases_make_a_codon_unknown_and_a_rest_is_left_out(bases):
    assert translate(bases) == codon_by_codon(bases)


def test_up_to_the_first_stop():
    assert translate("ATGTAAGGGTAA", to_stop=True) == "M*"
    assert translate("", to_stop=True) == ""
