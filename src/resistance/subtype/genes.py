"""Gene names of a signature and of a table -> which row of the table is which gene of the signature; what was renamed, what is missing.

The one place where names are resolved: the very name first, then another name of the gene (code sets and
signatures keep names that HGNC has since changed: RAB7L1 is RAB29), then the name in another case (bcl6,
C1ORF43), unless the table's symbols look like mouse.
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


#: one capital and no other, as MGI writes mouse genes (Bcl6, Trp53), or a Riken clone; not C1orf43, which is human
_MOUSE = re.compile(r"(?!C(?:\d+|X|Y)orf\d)[A-Z][a-z0-9-]*[a-z][a-z0-9-]*|\d{7}[A-Z]\d\dRik|ENSMUSG\d{11}(?:\.\d+)?")
#: a name that can tell a mouse from a human: no number, probe or control
_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9.-]*|\d{7}[A-Z]\d\dRik")
_SHOWN = 5


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


@functools.cache
def _in_capitals() -> Mapping[str, str | None]:
    """Return name in capitals -> current symbol, of every name that is known; None where two genes share it."""
    names = {**{symbol: symbol for symbol in load_genes().pathways}, **signature_aliases()}
    return MappingProxyType(_capitals(names.items()))


def _capitals(names: Iterable[tuple[str, str | None]]) -> dict[str, str | None]:
    out: dict[str, str | None] = {}
    for name, symbol in names:
        if out.setdefault(name.upper(), symbol) != symbol:
            out[name.upper()] = None
    return out


def look_like_mouse(names: Iterable[str]) -> bool:
    """Return whether more than half of the symbols are written as those of the mouse are (one capital: Bcl6), or are its Ensembl ids.

    Examples
    --------
    >>> look_like_mouse(["Bcl6", "Trp53", "POS_A"]), look_like_mouse(["BCL6", "C1orf43", "Irf4"]), look_like_mouse(["bcl6", "myc"])
    (True, False, False)
    """
    symbols = [name for name in map(str.strip, names) if _SYMBOL.fullmatch(name)]
    return 2 * sum(_MOUSE.fullmatch(name) is not None for name in symbols) > len(symbols)


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
    other_case : tuple of str
        Those of them that differ in small and capital letters alone, or by them from another name of the gene.
    """

    rows: Mapping[str, str]
    missing: tuple[str, ...]
    renamed: tuple[str, ...]
    other_case: tuple[str, ...] = ()

    def in_words(self) -> str:
        """Return '; names resolved: RAB7L1 = RAB29 ...' for a reason, '' where there are none; Ensembl ids are not listed."""
        names = [text for text in self.renamed if ENSEMBL.match(text) is None]
        return f"; names resolved: {', '.join(names[:_SHOWN])}{' ...' if len(names) > _SHOWN else ''}" if names else ""


def find_genes(wanted: Sequence[str], present: Iterable[str], *, where: str | None = None, any_case: bool = True) -> Found:
    """Find the genes of a signature among the names of a table, whichever symbols the two use.

    Parameters
    ----------
    wanted : sequence of str
        Genes of the signature.
    present : iterable of str
        Names of the table's rows: symbols (current or older) or Ensembl ids (with or without version).
    where : str, optional
        Name of the table, for messages.
    any_case : bool
        Look for genes that are missing in small and capital letters too.

    Returns
    -------
    Found
        A row that has the very name of the signature is preferred to one with another name of the gene, and
        that to a name in another case.  A name that in capitals could be two genes is none of them.

    Raises
    ------
    InputError
        A gene of the signature stands in two rows of the table: the same name twice, or two names of
        one gene without one of them being the current symbol.  Genes that would be found in another case
        (or by human Ensembl ids), in a table whose symbols look like mouse.

    Examples
    --------
    >>> found = find_genes(["RAB29", "MME"], ["RAB7L1", "TP53"])
    >>> dict(found.rows), found.missing, found.renamed
    ({'RAB29': 'RAB7L1'}, ('MME',), ('RAB7L1 = RAB29',))
    >>> find_genes(["BCL6", "C1orf43"], ["bcl6", "C1ORF43", "TP53"]).other_case
    ('bcl6 = BCL6', 'C1ORF43 = C1orf43')
    """
    names = [str(name) for name in present]
    of: dict[str, list[str]] = {}
    for name in names:
        of.setdefault(current_symbol(name), []).append(name)
    cased = _in_other_case([gene for gene in wanted if current_symbol(gene) not in of], of, where) if any_case else {}
    rows: dict[str, str] = {}
    missing, renamed, other_case = [], [], []
    problems: list[Problem] = []
    for gene in wanted:
        current = current_symbol(gene)
        found = of.get(current) or cased.get(gene, [])
        # a table that has both MLL2 and KMT2D means two genes by them: the current symbol is the gene
        exact = [name for name in found if name.strip() in (gene, current)] or found
        if len(exact) > 1:
            problems.append(
                Problem(f"{len(exact)} rows are the gene {current} ({', '.join(exact)})", where, value=current, remedy="Keep one row per gene.")
            )  # fmt: skip
        elif exact:
            rows[gene] = exact[0]
            if exact[0] != gene:
                renamed.append(f"{exact[0]} = {gene}")
                other_case += renamed[-1:] if current not in of else []
        else:
            missing.append(gene)
    if problems:
        raise InputError(problems[:20])
    return Found(MappingProxyType(rows), tuple(missing), tuple(renamed), tuple(other_case))


def _in_other_case(lost: Sequence[str], of: Mapping[str, Sequence[str]], where: str | None) -> dict[str, list[str]]:
    """Return gene -> rows that are it in small and capital letters, of genes that were not found by their names."""
    if not lost:
        return {}
    known = _in_capitals()
    # a gene that nobody else knows is found under its own name
    own = _capitals((name, current_symbol(gene)) for gene in lost for name in (gene, current_symbol(gene)))
    capitals = {**own, **known}
    at: dict[str | None, list[str]] = {}
    for symbol, names in of.items():
        for name in names:
            found = capitals.get(name.strip().upper())
            # a name that is a gene as it stands is no other one in capitals
            if found is not None and symbol in (found, name.strip()):
                at.setdefault(found, []).append(name)
    symbols = [capitals[gene.upper()] for gene in lost]
    out = {gene: at[symbol] for gene, symbol in zip(lost, symbols, strict=True) if symbol in at and symbols.count(symbol) == 1}
    every = [name for names in of.values() for name in names]
    foreign = any(name.startswith("ENSMUSG") for name in every)
    if (out or foreign) and (look_like_mouse(every) or look_like_mouse(lost)):
        shown = [name for name in every if _MOUSE.fullmatch(name.strip())] or list(lost)
        raise InputError(
            f"the symbols look like mouse ({', '.join(shown[:3])} ...), and the genes that are looked for are human",
            path=where,
            remedy="Give human orthologues by human symbols. If the samples are human, write symbols as HGNC does (BCL6, C1orf43).",
        )
    return out


def share_missing(weights: Mapping[str, float], missing: Iterable[str]) -> float:
    """Return the share of a signature's weight (sum of absolute values) that the missing genes had, 0..1."""
    total = sum(abs(weight) for weight in weights.values())
    return sum(abs(weights[gene]) for gene in missing) / total if total else 0.0
