"""Gene names of a signature and of a table -> which row of the table is which gene of the signature; what was renamed, what is missing.

The one place where names are resolved: code sets and signatures keep names that HGNC has since
changed (RAB7L1 is RAB29), and a table may use either.
"""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from resistance.errors import InputError, KnowledgeError, Problem
from resistance.knowledge import load_genes
from resistance.resources import resource_path

#: tables of names: of the NanoString signatures, and of those of expression
ALIASES = ("signatures/aliases.tsv", "signatures/expression_aliases.tsv")
#: an Ensembl gene, with or without version; group 1 is the gene
ENSEMBL = re.compile(r"(ENSG\d{11})(?:\.\d+)?(?:_PAR_Y)?")


@functools.cache
def signature_aliases() -> Mapping[str, str]:
    """Return older symbol or Ensembl id -> current symbol: the signatures' own and the knowledge base's.

    Raises
    ------
    KnowledgeError
        A name leads to two genes.
    """
    known = load_genes()
    out = dict(known.aliases) | {ensembl: symbol for symbol, ensembl in known.ensembl_ids.items()}
    for table in ALIASES:
        with resource_path(table).open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                for name in (*row["previous"].split(";"), row["ensembl_gene"]):
                    if name in ("", "NA"):
                        continue
                    if out.setdefault(name, row["symbol"]) != row["symbol"]:
                        raise KnowledgeError(f"{table}: '{name}' leads to {out[name]} and to {row['symbol']}")
    return MappingProxyType(out)


def current_symbol(name: str) -> str:
    """Return the current symbol of a gene by any name that is known, else the name as it stands.

    Examples
    --------
    >>> current_symbol("RAB7L1"), current_symbol("FAM159A"), current_symbol("ENSG00000117280.12"), current_symbol("NEG_A")
    ('RAB29', 'SHISAL2A', 'RAB29', 'NEG_A')
    """
    name = name.strip()
    match = ENSEMBL.fullmatch(name)
    if match is not None:
        name = match.group(1)
    return name if name in load_genes().pathways else signature_aliases().get(name, name)


@dataclass(frozen=True)
class Found:
    """The genes of a signature in a table.

    Parameters
    ----------
    rows : mapping of str to str
        Gene of the signature -> name of its row in the table, in the signature's order.
    missing : tuple of str
        Genes of the signature that the table does not have.
    renamed : tuple of str
        'RAB7L1 = RAB29': the table's name and the signature's where they differ.
    """

    rows: Mapping[str, str]
    missing: tuple[str, ...]
    renamed: tuple[str, ...]


def find_genes(wanted: Sequence[str], present: Iterable[str], *, where: str | None = None) -> Found:
    """Find the genes of a signature among the names of a table, whichever symbols the two use.

    Parameters
    ----------
    wanted : sequence of str
        Genes of the signature.
    present : iterable of str
        Names of the table's rows: symbols (current or older) or Ensembl ids (with or without version).
    where : str, optional
        Name of the table, for messages.

    Returns
    -------
    Found
        A row that has the very name of the signature is preferred to one with another name of the gene.

    Raises
    ------
    InputError
        A gene of the signature stands in two rows of the table: the same name twice, or two names of
        one gene without one of them being the current symbol.

    Examples
    --------
    >>> found = find_genes(["RAB29", "MME"], ["RAB7L1", "TP53"])
    >>> dict(found.rows), found.missing, found.renamed
    ({'RAB29': 'RAB7L1'}, ('MME',), ('RAB7L1 = RAB29',))
    """
    of: dict[str, list[str]] = {}
    for name in present:
        of.setdefault(current_symbol(str(name)), []).append(str(name))
    rows: dict[str, str] = {}
    missing, renamed = [], []
    problems: list[Problem] = []
    for gene in wanted:
        current = current_symbol(gene)
        names = of.get(current, [])
        # a table that has both MLL2 and KMT2D means two genes by them: the current symbol is the gene
        exact = [name for name in names if name.strip() in (gene, current)] or names
        if len(exact) > 1:
            problems.append(
                Problem(f"{len(exact)} rows are the gene {current} ({', '.join(exact)})", where, value=current, remedy="Keep one row per gene.")
            )  # fmt: skip
        elif exact:
            rows[gene] = exact[0]
            if exact[0] != gene:
                renamed.append(f"{exact[0]} = {gene}")
        else:
            missing.append(gene)
    if problems:
        raise InputError(problems[:20])
    return Found(MappingProxyType(rows), tuple(missing), tuple(renamed))


def share_missing(weights: Mapping[str, float], missing: Iterable[str]) -> float:
    """Return the share of a signature's weight (sum of absolute values) that the missing genes had, 0..1."""
    total = sum(abs(weight) for weight in weights.values())
    return sum(abs(weights[gene]) for gene in missing) / total if total else 0.0
