"""The short way to the counts of a sample's cell says what the callers' dialects say, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resistance.read.vcf_counts import reads, text_reader
from resistance.read.vcf_sites import Record, SiteFile

count = st.one_of(st.integers(0, 200).map(str), st.sampled_from([".", "", "3.0", "-1", "1e2", "²"]))
FORMATS = (
    ["GT", "AD", "DP"],
    ["GT", "DP", "AD"],
    ["GT", "AD"],
    ["GT", "AD", "DP", "RD"],
    ["GT", "DP"],
    ["GT", "AD", "DP", "AU", "CU", "GU", "TU"],
    ["GT", "AD", "DP", "AO", "RO"],
)


@given(st.sampled_from(FORMATS), st.data())
def test_the_short_way_agrees_with_the_dialects(names, data):
    values = ["0/1"]
    for name in names[1:]:
        values.append(",".join(data.draw(st.lists(count, min_size=1, max_size=3))) if name == "AD" else data.draw(count))
    values = values[: data.draw(st.integers(1, len(values)))]
    short = text_reader(names, 2)
    if short is not None:
        try:
            found = short(values, 1)
        except ValueError:
            return
        assert found == reads(dict(zip(names, values, strict=False)), ("A", "T"), 1)


@pytest.mark.parametrize(
    ("names", "values", "expected"),
    [
        (["GT", "AD", "DP"], ["0/1", "30,10", "45"], (45, 10, 10 / 45)),
        (["GT", "AD", "DP"], ["0/1", "30,10"], (40, 10, 0.25)),
        (["GT", "AD"], ["0/1", "30,10"], (40, 10, 0.25)),
        (["GT", "AD", "DP"], ["0/1", "0,0", "0"], (0, 0, None)),
    ],
)
def test_the_short_way_is_taken_for_whole_numbers(names, values, expected):
    found = text_reader(names, 2)(values, 1)
    assert (found.depth, found.alt_count, found.vaf) == expected


def test_the_short_way_is_not_taken_for_other_dialects():
    assert text_reader(["GT", "AD", "RD", "DP"], 2) is None, "VarScan"
    assert text_reader(["GT", "AD", "DP", "AU", "CU", "GU", "TU"], 2) is None, "Strelka"
    assert text_reader(["GT", "DP"], 2) is None


@pytest.mark.parametrize(
    ("form", "cells", "expected"),
    [
        ("GT:AD:DP", ["0/0:9,0:9", "0/1:6,3:9", "1|1:0,8:8"], [("B", None, 3, 9), ("C", "both", 8, 8)]),
        ("GT:AD:DP", ["./.", "0|1:6,3:10", "1|0:.:."], [("B", ".|2", 3, 10), ("C", ".|1", None, None)]),
        ("GT:AD:DP:PS", ["0|1:6,3:9:77", "0/0", "0/0"], [("A", "77|2", 3, 9)]),
        ("GT:AD:PGT:PID", ["0/1:6,3:1|0:5_A_T", "0/0", "0/0"], [("A", "5_A_T|1", 3, 9)]),
    ],
)
def test_carriers_are_found_with_their_phase_and_counts(tmp_path, form, cells, expected):
    path = tmp_path / "x.vcf"
    path.write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=1,length=249250621>\n"
        + "".join(f'##FORMAT=<ID={name},Number=.,Type=String,Description="x">\n' for name in form.split(":"))
        + f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\tC\n1\t100\t.\tA\tT\t.\tPASS\t.\t{form}\t"
        + "\t".join(cells)
        + "\n"
    )
    file = SiteFile(path, "GRCh37")
    record = Record("1", 100, "A", "T", "PASS", ((1, ("1", 100, "A", "T")),), "\t".join([form, *cells]))
    found = [(c.sample_id, c.phase, c.alt_count, c.depth) for _, c in file.carriers(record)]
    assert found == expected
