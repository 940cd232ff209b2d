"""One sample of a VCF record -> reads with each alternative allele and depth, in the dialect its caller wrote.

Each caller has one small function in :data:`DIALECTS`; the first that finds its fields answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reads:
    """What one sample's reads say of one alternative allele; None where the caller does not say.

    Parameters
    ----------
    depth : int or None
        Reads covering the position.
    alt_count : int or None
        Reads with the allele.
    vaf : float or None
        alt_count / depth; the caller's own fraction where it gives no count.
    """

    depth: int | None
    alt_count: int | None
    vaf: float | None


Fields = Mapping[str, Any]
Dialect = Callable[[Fields, Sequence[str], int], tuple[int | None, int | None] | None]


def numbers(value: object) -> list[float | None]:
    """Return a field's values as numbers; a field that the header does not declare comes as text."""
    if value is None:
        return []
    cells = value if isinstance(value, tuple | list) else (value,)
    if len(cells) == 1 and isinstance(cells[0], str):
        cells = tuple(cells[0].split(","))
    return [_number(cell) for cell in cells]


def _number(cell: object) -> float | None:
    if cell is None:
        return None
    text = str(cell).strip()
    scale = 0.01 if text.endswith("%") else 1.0  # VarScan's FREQ
    try:
        value = float(text.removesuffix("%")) * scale
    except ValueError:
        return None
    return value if value == value and value >= 0 else None


def _count(fields: Fields, name: str, index: int = 0) -> int | None:
    found = numbers(fields.get(name))
    value = found[index] if index < len(found) else None
    return None if value is None else int(value)


def _total(values: Sequence[float | None]) -> int | None:
    known = [value for value in values if value is not None]
    return int(sum(known)) if known else None


def _strelka_snv(fields: Fields, alleles: Sequence[str], i: int) -> tuple[int | None, int | None] | None:
    # tier 1 (the first of each pair), as Strelka's manual counts somatic allele frequency
    if not all(f"{base}U" in fields for base in "ACGT") or len(alleles[i]) != 1 or alleles[i].upper() not in "ACGT":
        return None
    return _count(fields, f"{alleles[i].upper()}U"), _total([_count(fields, f"{base}U") for base in "ACGT"])


def _strelka_indel(fields: Fields, alleles: Sequence[str], i: int) -> tuple[int | None, int | None] | None:
    if "TIR" not in fields or "TAR" not in fields or len(alleles) != 2:
        return None
    alt, ref = _count(fields, "TIR"), _count(fields, "TAR")
    return alt, _total([alt, ref]) if alt is not None and ref is not None else None


def _ad(fields: Fields, alleles: Sequence[str], i: int) -> tuple[int | None, int | None] | None:
    """AD with one number per allele, reference first: GATK, Mutect2, VarDict, bcftools."""
    found = numbers(fields.get("AD"))
    if len(found) != len(alleles) or found[i] is None:
        return None
    alt = found[i]
    return None if alt is None else int(alt), _total(found)


def _rd_ad(fields: Fields, alleles: Sequence[str], i: int) -> tuple[int | None, int | None] | None:
    """VarScan: RD for the reference, AD for the one alternative."""
    if "RD" not in fields or len(alleles) != 2 or len(numbers(fields.get("AD"))) != 1:
        return None
    alt, ref = _count(fields, "AD"), _count(fields, "RD")
    return None if alt is None else (alt, None if ref is None else alt + ref)


def _ao(fields: Fields, alleles: Sequence[str], i: int) -> tuple[int | None, int | None] | None:
    """FreeBayes: AO per alternative, RO for the reference."""
    found = numbers(fields.get("AO"))
    if len(found) != len(alleles) - 1 or found[i - 1] is None:
        return None
    alt = _count(fields, "AO", i - 1)
    ref = _count(fields, "RO")
    return alt, None if ref is None else _total([*found, ref])


def _vd(fields: Fields, alleles: Sequence[str], i: int) -> tuple[int | None, int | None] | None:
    """VarDict: VD reads of DP."""
    if "VD" not in fields or len(alleles) != 2:
        return None
    alt = _count(fields, "VD")
    return None if alt is None else (alt, None)


def _dp4(fields: Fields, alleles: Sequence[str], i: int) -> tuple[int | None, int | None] | None:
    """LoFreq, samtools: reference forward and reverse, alternative forward and reverse."""
    found = numbers(fields.get("DP4"))
    if len(found) != 4 or len(alleles) != 2 or any(value is None for value in found):
        return None
    return _total(found[2:]), _total(found)


def _caveman(fields: Fields, alleles: Sequence[str], i: int) -> tuple[int | None, int | None] | None:
    """CaVEMan: reads of each base on the forward (FAZ ...) and reverse (RAZ ...) strand."""
    names = [f"{strand}{base}Z" for strand in "FR" for base in "ACGT"]
    if not all(name in fields for name in names) or alleles[i].upper() not in ("A", "C", "G", "T"):
        return None
    alt = _total([_count(fields, f"{strand}{alleles[i].upper()}Z") for strand in "FR"])
    return None if alt is None else (alt, _total([_count(fields, name) for name in names]))


#: fields of the dialects that come before plain AD
_OTHER_COUNTS = frozenset(("AU", "TIR", "RD"))
DIALECTS: tuple[Dialect, ...] = (_strelka_snv, _strelka_indel, _ad, _rd_ad, _ao, _vd, _dp4, _caveman)
#: fields that hold the fraction of each alternative allele
FRACTIONS = ("AF", "VAF", "FA", "FREQ", "PM")


def reads(fields: Fields, alleles: Sequence[str], i: int) -> Reads:
    """Return what the fields of one sample (or INFO, where a file has no samples) say of one allele.

    Parameters
    ----------
    fields : mapping
        FORMAT (or INFO) name -> value as pysam gives it.
    alleles : sequence of str
        REF, then every ALT.
    i : int
        Index of the ALT, 1-based.

    Returns
    -------
    Reads
        The depth is DP, or what the allele counts add up to where that is more or DP is not given.
    """
    alt, counted = next((found for found in (dialect(fields, alleles, i) for dialect in DIALECTS) if found), (None, None))
    stated = None if "AU" in fields or "TIR" in fields else _count(fields, "DP")  # Strelka's DP is before tier 1
    known = [value for value in (stated, counted, alt) if value is not None]
    depth = max(known) if known and (stated is not None or counted is not None) else None
    if alt is not None:
        return Reads(depth, alt, alt / depth if depth else None)
    for name in FRACTIONS:
        found = numbers(fields.get(name))
        value = found[i - 1] if len(found) == len(alleles) - 1 else None
        if value is not None and value <= 1:
            return Reads(depth, None, value)
    return Reads(depth, None, None)


def has_wrong_ad(fields: Fields, alleles: Sequence[str]) -> bool:
    """Return whether AD is there with a number of values that fits no dialect."""
    found = numbers(fields.get("AD"))
    given = [value for value in found if value is not None]
    return bool(given) and len(found) != len(alleles) and "RD" not in fields


def text_reader(names: Sequence[str], n_alleles: int) -> Callable[[Sequence[str], int], Reads] | None:
    """Return a fast :func:`reads` for the cells of a text VCF whose FORMAT has AD with a number per allele, else None.

    Parameters
    ----------
    names : sequence of str
        FORMAT, split.
    n_alleles : int
        Alleles of the record, REF among them.

    Returns
    -------
    callable or None
        Takes the values of a cell and the number of the ALT. Gives what :func:`reads` gives; raises ValueError
        for a cell that is not this plain (a missing value, another number of values).
    """
    if "AD" not in names or not _OTHER_COUNTS.isdisjoint(names):
        return None
    at_ad, at_dp = names.index("AD"), names.index("DP") if "DP" in names else None

    def read(values: Sequence[str], i: int) -> Reads:
        counts = [int(value) for value in values[at_ad].split(",")] if at_ad < len(values) else []
        if len(counts) != n_alleles or min(counts) < 0:
            raise ValueError("AD does not hold a number per allele")
        depth = sum(counts)
        if at_dp is not None and at_dp < len(values) and values[at_dp] != ".":
            depth = max(depth, int(values[at_dp]))
        return Reads(depth, counts[i], counts[i] / depth if depth else None)

    return read
