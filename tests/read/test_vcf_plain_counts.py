"""The short way to the counts of a sample's cell says what the callers' dialects say, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resistance.read.vcf_counts import reads
from resistance.read.vcf_sites import Record, SiteFile, _plain_places, _plain_reads

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
    short = _plain_reads(values, _plain_places(names), 2, 1)
    if short is not None:
        long = reads(dict(zip(names, values, strict=False)), ("A", "T"), 1)
        assert short == (long.alt_count, long.depth, long.vaf)


def test_the_short_way_is_taken_for_whole_numbers_and_for_no_other_dialect():
    assert _plain_reads(["0/1", "30,10", "45"], _plain_places(["GT", "AD", "DP"]), 2, 1) == (10, 45, 10 / 45)
    assert _plain_reads(["0/1", "30,10"], _plain_places(["GT", "AD"]), 2, 1) == (10, 40, 0.25)
    assert _plain_reads(["0/1", "0,0", "0"], _plain_places(["GT", "AD", "DP"]), 2, 1) == (0, 0, None)
    assert _plain_reads(["0/1", "30,10"], _plain_places(["GT", "AD", "DP"]), 2, 1) is None, "DP is left out at the end"
    assert _plain_reads(["0/1", "10", "30", "45"], _plain_places(["GT", "AD", "RD", "DP"]), 2, 1) is None, "VarScan"


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
