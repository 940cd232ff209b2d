"""Gene names as a file spells them -> current symbols; what a spreadsheet turned into dates is restored or refused."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_MONTHS = {
    "mar": 3,
    "march": 3,
    "sep": 9,
    "sept": 9,
    "september": 9,
    "dec": 12,
    "december": 12,
    "oct": 10,
    "nov": 11,
    "apr": 4,
    "feb": 2,
}
_DAY_MONTH = re.compile(r"(\d{1,2})[-/. ]?([A-Za-z]{3,9})(?:[-/. ]\d{2,4})?")
_MONTH_DAY = re.compile(r"([A-Za-z]{3,9})[-/. ](\d{1,2})")
_ISO = re.compile(r"(?:19|20)\d\d-(\d\d)-(\d\d)(?:[ T]00:00:00)?")
_SERIAL = re.compile(r"\d{5}")
#: Excel counts days from here (1 = 1900-01-01, with a 29 February 1900 that never was)
_EXCEL_DAY_ZERO = date(1899, 12, 30)
_ENSEMBL = re.compile(r"(ENS[A-Z]*G\d{11})(?:\.\d+)?(?:_PAR_Y)?")


def restorable() -> Mapping[tuple[int, int], str]:
    """Return (month, day) -> the one current symbol that a spreadsheet turns into that date.

    1 and 2 March are left out: both MARCH1 (MARCHF1) and MARC1 (MTARC1) become 1-Mar, and so for 2.
    The symbols were changed by HGNC because of this (Bruford et al. 2020, Nat Genet 52:754).
    """
    septins = {(9, day): f"SEPTIN{day}" for day in (*range(1, 13), 14)}
    ring_fingers = {(3, day): f"MARCHF{day}" for day in range(3, 12)}
    return septins | ring_fingers | {(9, 15): "SELENOF", (12, 1): "DELEC1"}


def as_date(symbol: str) -> tuple[int, int] | None:
    """Return (month, day) where a gene name is a date as a spreadsheet writes it, else None.

    Examples
    --------
    >>> as_date("2-Sep"), as_date("2019-03-05"), as_date("43529"), as_date("TP53")
    ((9, 2), (3, 5), (3, 5), None)
    """
    text = symbol.strip()
    iso = _ISO.fullmatch(text)
    if iso is not None:
        return int(iso.group(1)), int(iso.group(2))
    if _SERIAL.fullmatch(text) and 36526 <= int(text) <= 58074:  # 2000-01-01 to 2058-12-30
        day = _EXCEL_DAY_ZERO + timedelta(days=int(text))
        return day.month, day.day
    match = _DAY_MONTH.fullmatch(text)
    if match is not None:
        number, month = int(match.group(1)), _MONTHS.get(match.group(2).lower())
    else:
        match = _MONTH_DAY.fullmatch(text)
        if match is None:
            return None
        number, month = int(match.group(2)), _MONTHS.get(match.group(1).lower())
    return (month, number) if month is not None and 1 <= number <= 31 else None


def ensembl_gene(symbol: str) -> str | None:
    """Return an Ensembl gene id without its version, or None where the name is none."""
    match = _ENSEMBL.fullmatch(symbol.strip())
    return None if match is None else match.group(1)


def current_symbols(names: pd.Series, aliases: Mapping[str, str], symbols: Collection[str] = ()) -> pd.Series:
    """Return gene names by their current symbols.

    A name is replaced only where the file does not also hold the current symbol: a file with both
    KMT2D and MLL2 means two genes.  GISTIC's ``MIR1302|chr1`` loses its suffix, Ensembl ids their version.

    Parameters
    ----------
    names : Series of str
        NA stays.
    aliases : mapping
        Alias, previous symbol or Ensembl id -> current symbol.
    symbols : collection of str
        Current symbols that are never taken for an alias.
    """
    clean = names.map(lambda name: ensembl_gene(name) or name.strip().split("|")[0], na_action="ignore").astype(names.dtype)
    present, fixed = set(clean.dropna()), set(symbols)

    def current(name: str) -> str:
        new = name if name in fixed else aliases.get(name, name)
        return name if new in present else new

    return clean.map({name: current(name) for name in sorted(present)}).astype(names.dtype)
