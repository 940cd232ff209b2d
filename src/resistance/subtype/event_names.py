"""Name of a genetic event as somebody writes it -> one spelling: ``TP53``, ``MYD88:L265P``, ``SV:BCL6``, ``17p:DEL``, ``2p16.1:AMP``."""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Mapping
from types import MappingProxyType

from resistance.errors import KnowledgeError
from resistance.knowledge import load_genes
from resistance.resources import resource_path

_ALIASES = "subtypes/aliases.tsv"
#: R writes an X before a name that begins with a digit
_R_PREFIX = re.compile(r"^X(?=\d)", re.IGNORECASE)
_REGION = r"(\d{1,2}|X)([PQ])((?:\d+(?:\.\d+)?)?)"
_COPIES = re.compile(rf"{_REGION}(?:\([^)]*\))?[:._ -]*(AMP|GAIN|DEL|LOSS)", re.IGNORECASE)
_CYTOGENETIC = re.compile(rf"(AMP|GAIN|DEL|LOSS)\({_REGION}\)", re.IGNORECASE)
_STRUCTURAL = re.compile(r"(?:SV[:._ -](.+)|(.+?)[:._ -](?:SV|FUSION|TRANSLOCATION))", re.IGNORECASE)
_PART = re.compile(r"(.+?)[:._ -](?:p\.)?([A-Z]\d+[A-Z*]|OTHER)", re.IGNORECASE)
_DIRECTION = {"AMP": "AMP", "GAIN": "AMP", "DEL": "DEL", "LOSS": "DEL"}


@functools.cache
def _aliases() -> Mapping[str, str]:
    out: dict[str, str] = {}
    with resource_path(_ALIASES).open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            for name in row["previous"].split(";"):
                if out.setdefault(name, row["symbol"]) != row["symbol"]:
                    raise KnowledgeError(f"{_ALIASES}: '{name}' leads to {out[name]} and to {row['symbol']}")
    return MappingProxyType(out)


@functools.cache
def gene_symbol(name: str) -> str:
    """Return the current symbol of a gene by any name that is known (``HIST1H1E``, ``HLA.B``), else the name as it stands."""
    name = name.strip()
    genes = load_genes()
    for spelling in (name, name.replace(".", "-"), name.upper(), name.upper().replace(".", "-")):
        current = genes.current(spelling) or _aliases().get(spelling)
        if current is not None:
            return current
    return name


@functools.cache
def event_name(name: str) -> str:
    """Return an event's name in the one spelling of this package.

    Parameters
    ----------
    name : str
        As in a published matrix or as R changed it.

    Returns
    -------
    str
        ``GENE`` (a mutated gene, current symbol), ``GENE:L265P`` and ``GENE:OTHER`` (this change, any other),
        ``SV:GENE`` (of two genes the first), ``17p:DEL``, ``2p16.1:AMP`` (arm or band; a gain is an AMP, a loss a
        DEL).  A name that fits nothing stays as a gene.

    Examples
    --------
    >>> [event_name(x) for x in ("X17P.DEL", "SV.BCL6", "MYD88.L265P", "HIST1H1E", "HLA.B", "18q21.33(BCL2):AMP")]
    ['17p:DEL', 'SV:BCL6', 'MYD88:L265P', 'H1-4', 'HLA-B', '18q21.33:AMP']
    """
    plain = _R_PREFIX.sub("", name.strip())
    copies = _COPIES.fullmatch(plain)
    if copies:
        return _region(*copies.groups())
    named = _CYTOGENETIC.fullmatch(plain)
    if named:
        change, chrom, arm, band = named.groups()
        return _region(chrom, arm, band, change)
    structural = _STRUCTURAL.fullmatch(plain)
    if structural:
        return f"SV:{gene_symbol(re.split('[/;]', structural[1] or structural[2])[0])}"
    symbol = gene_symbol(plain)  # before a part is looked for: HLA-A is a gene
    part = _PART.fullmatch(plain)
    if symbol == plain and part and plain not in load_genes().pathways:
        return f"{gene_symbol(part[1])}:{part[2].upper()}"
    return symbol


def _region(chrom: str, arm: str, band: str, change: str) -> str:
    return f"{chrom.upper()}{arm.lower()}{band}:{_DIRECTION[change.upper()]}"
