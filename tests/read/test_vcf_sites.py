"""Records of a VCF by region: each once, whatever the index; the phase of an allele."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_panel import binary, packed, vcf_text

from resistance.read.vcf_sites import SiteFile, phase_of

RECORDS = [
    ("3", 90, "A" * 15, "A"),  # reaches into the first region
    ("3", 100, "A", "C"),
    ("3", 109, "A" * 100, "A"),  # lies in both regions
    ("3", 150, "A", "C"),  # between them
    ("3", 201, "A", "G"),
    ("3", 211, "A", "G"),  # behind the last
    ("6", 205, "A", "G"),
]
#: half-open, from 0
REGIONS = [("3", 100, 110), ("3", 200, 210), ("chr6", 200, 210)]


def files(folder: Path) -> dict[str, Path]:
    text = vcf_text(RECORDS)
    plain = folder / "plain.vcf"
    plain.write_text(text, encoding="ascii")
    return {
        "plain": plain,
        "streamed": packed(folder / "a.vcf.gz", text, index=None),
        "tbi": packed(folder / "b.vcf.gz", text),
        "csi": packed(folder / "c.vcf.gz", text, index="csi"),
        "BCF": binary(folder / "d.bcf", text, index=False),
        "BCF csi": binary(folder / "e.bcf", text),
    }


def test_a_record_that_lies_in_two_regions_is_given_once_and_none_beside_them(tmp_path: Path) -> None:
    for form, path in files(tmp_path).items():
        found = [(record.chrom, record.pos) for record in SiteFile(path, "GRCh37").records(REGIONS)]
        assert found == [("3", 90), ("3", 109), ("3", 201), ("6", 205)], form


@pytest.mark.parametrize(
    ("genotype", "number", "fields", "expected"),
    [
        ("0|1", 1, {}, ".|2"),
        ("1|0", 1, {"PS": "77"}, "77|1"),
        ("1|2", 2, {"PS": "."}, ".|2"),
        ("1|1", 1, {"PS": "77"}, "both"),
        ("1/1", 1, {}, "both"),
        ("1", 1, {}, "both"),
        ("2", 1, {}, None),
        ("0/1", 1, {"PS": "77"}, None),
        ("0/1", 1, {"PGT": "0|1", "PID": "5_A_C"}, "5_A_C|2"),
        ("0/2", 2, {"PGT": "1|0", "PID": "5_A_C"}, "5_A_C|1"),
        ("0/1", 1, {"PGT": ".", "PID": "5_A_C"}, None),
        ("0/1", 1, {"PGT": "0|1"}, None),
        (".|1", 1, {}, ".|2"),
        ("0|1|1", 1, {}, None),
    ],
)
def test_phase_is_the_set_and_the_copy(genotype: str, number: int, fields: dict[str, str], expected: str | None) -> None:
    assert phase_of(genotype, number, fields) == expected
