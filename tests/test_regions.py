"""Which variants lie in which regions: borders, overlaps, and a plain count over random ones."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest

from resistance.regions import Regions


def held(regions: list[tuple[str, int, int]], *variants: tuple[str, int, str, str]) -> list[bool]:
    return Regions(regions).hold(pd.DataFrame(variants, columns=["chrom", "pos", "ref", "alt"])).tolist()


@pytest.mark.parametrize(
    ("pos", "ref", "alt", "inside"),
    [
        # the region 100-110 of a BED holds the bases 101 to 110
        (100, "A", "C", False),
        (101, "A", "C", True),
        (110, "A", "C", True),
        (111, "A", "C", False),
        # a deletion or a substitution of several bases by any of its bases
        (98, "AAA", "-", False),
        (99, "AAA", "-", True),
        (110, "AC", "GT", True),
        # an insertion by the base before it, as VCF anchors it
        (100, "-", "AAAAAA", False),
        (101, "-", "AAAAAA", True),
        (110, "-", "A", True),
        (111, "-", "A", False),
    ],
)
def test_a_variant_lies_in_a_region_up_to_its_border(pos: int, ref: str, alt: str, inside: bool) -> None:
    assert held([("1", 100, 110)], ("1", pos, ref, alt)) == [inside]


def test_a_long_region_counts_behind_a_short_one_that_begins_later() -> None:
    assert held([("1", 0, 1000), ("1", 10, 11)], ("1", 500, "A", "C"), ("1", 1001, "A", "C")) == [True, False]


def test_another_contig_and_no_regions_hold_nothing() -> None:
    assert held([("1", 0, 1000)], ("2", 500, "A", "C"), ("GL000219.1", 5, "A", "C")) == [False, False]
    assert held([], ("1", 5, "A", "C")) == [False]
    assert (
        Regions([("1", 0, 5)]).hold(pd.DataFrame({"chrom": [], "pos": [], "ref": pd.Series([], dtype=str), "alt": []})).size == 0
    )


def test_random_intervals_give_what_looking_at_every_base_gives() -> None:
    draw = random.Random(5)
    rows = [("12"[draw.randrange(2)], start, start + draw.randrange(1, 9)) for start in (draw.randrange(200) for _ in range(25))]
    asked = [
        ("12"[draw.randrange(2)], start, start + draw.randrange(1, 5)) for start in (draw.randrange(215) for _ in range(500))
    ]
    bases = {(chrom, base) for chrom, start, end in rows for base in range(start, end)}
    expected = [any((chrom, base) in bases for base in range(start, end)) for chrom, start, end in asked]
    table = pd.DataFrame(asked, columns=["chrom", "start", "end"])
    found = Regions(rows).overlap(table["chrom"], table["start"].to_numpy(), table["end"].to_numpy())
    assert found.tolist() == expected
    assert 100 < np.sum(expected) < 450
