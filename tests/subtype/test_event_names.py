"""Names of events as matrices, callers and R write them."""

from __future__ import annotations

import pytest

from resistance.subtype.event_names import event_name, gene_symbol


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("TP53", "TP53"),
        (" tp53 ", "TP53"),
        ("HIST1H1E", "H1-4"),
        ("HIST2H2BE", "H2BC21"),
        ("HLA.A", "HLA-A"),
        ("HLA-B", "HLA-B"),
        ("MLL2", "KMT2D"),
        ("MYD88.L265P", "MYD88:L265P"),
        ("MYD88_L265P", "MYD88:L265P"),
        ("MYD88 p.L265P", "MYD88:L265P"),
        ("MYD88.OTHER", "MYD88:OTHER"),
        ("MYD88:OTHER", "MYD88:OTHER"),
        ("SV.BCL6", "SV:BCL6"),
        ("SV:CD274/PDCD1LG2", "SV:CD274"),
        ("BCL2_SV", "SV:BCL2"),
        ("BCL6.fusion", "SV:BCL6"),
        ("X17P.DEL", "17p:DEL"),
        ("17p:DEL", "17p:DEL"),
        ("del(17p)", "17p:DEL"),
        ("gain(1q)", "1q:AMP"),
        ("amp(2p16.1)", "2p16.1:AMP"),
        ("X2P16.1.AMP", "2p16.1:AMP"),
        ("18q21.33(BCL2):AMP", "18q21.33:AMP"),
        ("Xp:LOSS", "Xp:DEL"),
        ("PTEN", "PTEN"),
        ("UNKNOWN1", "UNKNOWN1"),
    ],
)
def test_one_event_has_one_name(written, name):
    assert event_name(written) == name


def test_a_name_stays_what_it_is_when_it_is_read_again():
    for written in ("X17P.DEL", "SV.BCL6", "MYD88.L265P", "HIST1H1E", "HLA.B", "18q21.33(BCL2):AMP", "Xq:GAIN"):
        assert event_name(event_name(written)) == event_name(written)


def test_symbols_are_current():
    assert [gene_symbol(x) for x in ("HIST1H3B", "FAM46C", "hla.c")] == ["H3C2", gene_symbol("FAM46C"), "HLA-C"]


@pytest.mark.shared
def test_the_two_published_matrices_speak_of_the_same_events(shared):
    """What is common by letters and digits alone is common by our names, and no two rows of a matrix become one event."""
    first, second = (
        [line.partition("\t")[0] for line in (shared / name).read_text().splitlines()[1:]]
        for name in (
            "truth/coo/chapuy2018/DLBCL_significant_event_matrix.txt",
            "cohorts/dlbclass_699/DLBCL.699.163drivers.Sep_23_2022.tsv",
        )
    )

    def plain(name):
        return "".join(c for c in name.upper().replace("(BCL2)", "").replace("/PDCD1LG2", "") if c.isalnum())

    common = {plain(x) for x in first} & {plain(x) for x in second}
    assert {event_name(x) for x in first if plain(x) in common} == {event_name(x) for x in second if plain(x) in common}
    assert len({event_name(x) for x in first} & {event_name(x) for x in second}) == len(common)
    for names in (first, second):
        assert len({event_name(x) for x in names}) == len(names)
