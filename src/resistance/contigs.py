"""``resources/contigs.tsv`` -> the lengths of a build's chromosomes."""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from types import MappingProxyType

from resistance.resources import resource_path


@functools.cache
def contig_lengths(build: str) -> Mapping[str, int]:
    """Return contig -> length in bases for the chromosomes 1..22, X and Y of a build ('GRCh37' or 'GRCh38')."""
    with resource_path("contigs.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return MappingProxyType({row["chrom"]: int(row["length"]) for row in rows if row["build"] == build})


def other(build: str) -> str:
    """Return the build that `build` is not."""
    return "GRCh37" if build == "GRCh38" else "GRCh38"
