"""The lengths of the chromosomes against the reference's own chain files."""

from __future__ import annotations

import gzip

import pytest

from resistance.read.builds import contig_lengths
from resistance.variant import contig


@pytest.mark.shared
def test_the_lengths_are_those_of_the_liftover_chains(shared):
    for source, target in (("GRCh37", "GRCh38"), ("GRCh38", "GRCh37")):
        seen = {}
        with gzip.open(shared / "truth" / "annotation" / f"{source}_to_{target}.chain.gz", "rt") as file:
            for line in file:
                if line.startswith("chain"):
                    cells = line.split()
                    seen[source, contig(cells[2])], seen[target, contig(cells[7])] = int(cells[3]), int(cells[8])
        for build in (source, target):
            own = {name: length for (of, name), length in seen.items() if of == build and name in contig_lengths(build)}
            assert len(own) == 24
            assert own == dict(contig_lengths(build))


def test_no_length_belongs_to_both_builds():
    assert not set(contig_lengths("GRCh37").values()) & set(contig_lengths("GRCh38").values())
