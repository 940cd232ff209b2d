"""A genotype as a VCF writes it -> on which copy of the chromosome an allele lies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: FORMAT fields that say more of the phase than GT
PHASE_FIELDS = frozenset(("PS", "PGT"))


def phase_of(genotype: str, number: int, fields: Mapping[str, Any]) -> str | None:
    """Return on which copy of the chromosome a genotype has an allele.

    Parameters
    ----------
    genotype : str
        GT as written: '0|1', '1/1', '1' ...
    number : int
        Number of the alternative allele.
    fields : mapping
        FORMAT name -> value: PS (phase set), or PGT and PID of GATK where GT itself is not phased.

    Returns
    -------
    str or None
        ``set|copy``, such as '38182641|2'; the set is '.' where none is named. ``both`` where every copy has the allele (also the one
        copy of a haploid genotype). None where the copies cannot be told apart.
    """
    alleles = re.split(r"[/|]", genotype)
    if all(allele == str(number) for allele in alleles):
        return "both"
    block = fields.get("PS")
    if "|" not in genotype:
        genotype, block = str(fields.get("PGT") or ""), fields.get("PID")
        if "|" not in genotype or block in (None, "."):
            return None
        alleles, number = re.split(r"[/|]", genotype), 1  # PGT counts the record's own allele as 1
    copies = [i for i, allele in enumerate(alleles, start=1) if allele == str(number)]
    if len(copies) != 1:
        return None
    return f"{'.' if block in (None, '') else block}|{copies[0]}"
