"""The knowledge tables of ``resources/`` (genes, markers, domains) -> checked :class:`Genes` and marker rows.

Loading fails rather than guesses: an unknown or retired symbol, a statement without source, a
duplicate, or a rule that can match nothing stops the run and is named with its row.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from resistance.errors import InputError, KnowledgeError, Problem
from resistance.knowledge_tables import (
    DOMAINS,
    Domain,
    drugs_of,
    load_diseases,
    load_drugs,
    load_pathways,
    read_domains,
    read_rows,
    words,
)
from resistance.resources import resource_path
from resistance.rules import Rule, parse_rule

if TYPE_CHECKING:
    import pandas as pd

GENES, MARKERS, POSITIONS = "genes.tsv", "markers.tsv", "gene_positions.tsv"
REGIONS = "cytogenetic_regions.tsv"
_GENE_COLUMNS = ("symbol", "hgnc_id", "ensembl_gene", "previous", "alias", "pathway", "role", "source")

#: words whose rule speaks about one gene alone
_ONE_GENE = (
    "residue",
    "residue_range",
    "change",
    "domain",
    "multi_hit",
    "mono_allelic",
    "above",
    "below",
    "positive",
    "negative",
)


#: kinds of evidence whose rule names what it speaks about
_NO_GENE = ("subtype", "cytogenetics", "score", "exposure", "ctdna")


@dataclass(frozen=True)
class Genes:
    """The genes of the knowledge base.

    Parameters
    ----------
    symbols : tuple of str
        Current HGNC symbols, sorted.
    aliases : Mapping
        Previous or alias symbol -> current symbol.  Only those that mean one gene and are nobody's
        current symbol are there.
    pathways, roles, hgnc_ids, ensembl_ids : Mapping
        Current symbol -> pathway, role, HGNC id, Ensembl gene id (absent where unknown).
    """

    symbols: tuple[str, ...]
    aliases: Mapping[str, str]
    pathways: Mapping[str, str]
    roles: Mapping[str, str]
    hgnc_ids: Mapping[str, str]
    ensembl_ids: Mapping[str, str]

    def current(self, symbol: str) -> str | None:
        """Return the current symbol of a gene, or None where the knowledge base does not have it.

        Examples
        --------
        >>> load_genes().current("MLL2")
        'KMT2D'
        """
        name = symbol.strip()
        return name if name in self.pathways else self.aliases.get(name)

    def pathway(self, symbol: str) -> str | None:
        """Return the pathway of a gene by any of its symbols, or None."""
        current = self.current(symbol)
        return None if current is None else self.pathways[current]


@functools.cache
def load_genes() -> Genes:
    """Load ``resources/genes.tsv``.

    Returns
    -------
    Genes

    Raises
    ------
    KnowledgeError
        The table lacks a column or source, or a symbol is ambiguous.
    """
    try:
        return read_genes(resource_path(GENES))
    except InputError as error:
        raise KnowledgeError(str(error)) from error


def read_genes(path: Path) -> Genes:
    """Load a table of genes (see :func:`load_genes`)."""
    rows = list(read_rows(path, _GENE_COLUMNS))
    wrong: list[str] = []
    symbols = [row["symbol"] for _, row in rows]
    current = set(symbols)
    aliases: dict[str, str] = {}
    for line, row in rows:
        symbol = row["symbol"]
        wrong += [f"row {line}: {symbol or 'a gene'} has no {name}" for name in ("symbol", "pathway", "source") if not row[name]]
        if symbols.count(symbol) > 1:
            wrong.append(f"row {line}: {symbol} stands twice")
        for other in (*words(row["previous"]), *words(row["alias"])):
            if other in current:
                wrong.append(f"row {line}: '{other}', named as an older symbol of {symbol}, is a current symbol")
            elif aliases.setdefault(other, symbol) != symbol:
                wrong.append(f"row {line}: '{other}' is claimed by {aliases[other]} and {symbol}")
    if wrong:
        raise KnowledgeError(f"{path.name}: " + "; ".join(wrong))

    def column(name: str) -> Mapping[str, str]:
        return MappingProxyType({row["symbol"]: row[name] for _, row in rows if row[name]})

    return Genes(
        tuple(sorted(symbols)),
        MappingProxyType(dict(sorted(aliases.items()))),
        column("pathway"),
        column("role"),
        column("hgnc_id"),
        column("ensembl_gene"),
    )


@functools.cache
def load_domains() -> Mapping[tuple[str, str], Domain]:
    """Load ``resources/domains.tsv`` (see :func:`resistance.knowledge_tables.read_domains`); its genes must be current symbols.

    Raises
    ------
    KnowledgeError
        The table is wrong, or names an unknown symbol.
    """
    domains = read_domains()
    for gene, domain in domains:
        if gene not in load_genes().symbols:
            raise KnowledgeError(f"{DOMAINS}: {gene} {domain} needs a current symbol")
    return domains


def load_positions() -> pd.DataFrame:
    """Load ``resources/gene_positions.tsv``: gene, build, chrom, start, end (1-based, both ends included)."""
    import pandas as pd

    return pd.read_csv(resource_path(POSITIONS), sep="\t", dtype={"gene": str, "build": str, "chrom": str})


def load_regions() -> pd.DataFrame:
    """Load ``resources/cytogenetic_regions.tsv``: region, build, chrom, start, end (1-based, both ends included), share."""
    import pandas as pd

    return pd.read_csv(resource_path(REGIONS), sep="\t", dtype={"region": str, "build": str, "chrom": str})


def load_markers(extra: str | Path | None = None) -> pd.DataFrame:
    """Load the packaged statements and, after them, a study's own.

    Parameters
    ----------
    extra : str or Path, optional
        A TSV with the columns of ``resources/markers.tsv``.

    Returns
    -------
    DataFrame
        Schema ``markers``, in the order of the files.

    Raises
    ------
    KnowledgeError
        The packaged table is wrong.
    InputError
        The study's own file is missing or wrong: every problem, with its row.
    """
    import pandas as pd

    from resistance.schemas import MARKERS as SCHEMA
    from resistance.tables import conform

    path = resource_path(MARKERS)
    try:
        packaged = read_markers(path)
    except InputError as error:
        raise KnowledgeError(str(error)) from error
    if extra is None:
        return packaged
    own = read_markers(Path(extra))
    twice = own["marker_id"].isin(packaged["marker_id"])
    if twice.any():
        raise InputError(
            [
                Problem(
                    "this marker_id is one of the packaged table",
                    str(extra),
                    column="marker_id",
                    value=str(name),
                    remedy="Choose another name.",
                )
                for name in own.loc[twice, "marker_id"]
            ]
        )
    return conform(pd.concat([packaged, own], ignore_index=True), SCHEMA)


def same_event(markers: pd.DataFrame) -> dict[str, str]:
    """Return, for each statement about an event that an earlier row already names, that earlier row.

    Two statements can speak about one event (TP53 in myelodysplasia, and in the blood of patients
    with myeloma).  Both apply to a patient who has it, but a test of one is a test of the other.

    Parameters
    ----------
    markers : DataFrame
        Schema ``markers``.

    Returns
    -------
    dict
        marker_id -> marker_id of the first row with the same genes, kind of evidence and rule.
    """
    first: dict[tuple[object, ...], str] = {}
    out = {}
    for name, genes, kind, rule in zip(*(markers[c] for c in ("marker_id", "genes", "evidence_kind", "rule")), strict=True):
        event = (frozenset(words(genes)) if isinstance(genes, str) else None, str(kind), parse_rule(str(rule)).text)
        before = first.setdefault(event, str(name))
        if before != name:
            out[str(name)] = before
    return out


def read_markers(path: Path) -> pd.DataFrame:
    """Read and check one table of statements.

    Raises
    ------
    InputError
        Every problem at once: a missing file or column, an unknown or retired symbol, a missing
        source, a duplicate, a rule that does not parse or cannot match its kind of evidence.
    """
    import pandas as pd

    from resistance.schemas import MARKERS as SCHEMA
    from resistance.tables import conform

    lines, cells = [], []
    for line, given in read_rows(path, SCHEMA.names, required=tuple(c.name for c in SCHEMA.columns if c.required)):
        lines.append(line)
        cells.append({name: value or None for name, value in given.items()})
    frame = pd.DataFrame(cells, columns=list(SCHEMA.names), dtype="object")
    frame["_row"] = lines
    problems: list[Problem] = []
    table = frame
    try:
        table = conform(frame, SCHEMA, path=path)
    except InputError as error:
        problems += error.problems
    told = {problem.row for problem in problems}
    seen: dict[tuple[str, ...], str | None] = {}
    for line, row in zip(lines, cells, strict=True):
        if line in told:  # what else is wrong with a row shows when its cells can be read
            continue
        problems += _marker_problems(str(path), line, row)
        statement = tuple(str(row[name]) for name in ("genes", "evidence_kind", "rule", "disease", "drug", "setting"))
        first = seen.setdefault(statement, row["marker_id"])
        if first != row["marker_id"]:
            problems.append(
                Problem(
                    f"says the same as {first}",
                    str(path),
                    line,
                    "marker_id",
                    row["marker_id"],
                    "Merge the two rows; a row can name several sources.",
                )
            )
    if problems:
        raise InputError(problems)
    return table


def _marker_problems(path: str, line: int, row: Mapping[str, str | None]) -> Iterator[Problem]:
    genes = words(row["genes"])
    for symbol in genes:
        yield from _symbol_problem(path, line, symbol)
    if len(set(genes)) < len(genes):
        yield Problem("names a gene twice", path, line, "genes", row["genes"])
    text, kind = str(row["rule"]), str(row["evidence_kind"])
    try:
        rule = parse_rule(text)
    except InputError as error:
        problem = error.problems[0]
        yield Problem(problem.message, path, line, "rule", problem.value, problem.remedy)
        return
    for reason in _mismatch(rule, kind, genes):
        yield Problem(reason, path, line, "rule", text)
    yield from _context_problems(path, line, row)


def _context_problems(path: str, line: int, row: Mapping[str, str | None]) -> Iterator[Problem]:
    """Say which disease, drug or pathway is none of ours."""
    for column, table, known, also in (
        ("disease", "diseases.tsv", load_diseases(), ("any",)),
        ("drug", "drugs.tsv", load_drugs(), ("any", "class")),
        ("pathway", "pathways.tsv", load_pathways(), ()),
    ):
        cell = row[column]
        for name in words(cell) if column == "drug" else [cell] if cell else []:
            if name in known or name in also:
                continue
            meant = _other_name(column, name)
            close = difflib.get_close_matches(name, [*known, *also], 1)
            remedy = f"Did you mean {close[0]}?" if close else f"It holds: {', '.join([*also, *known])}."
            remedy = f"Write {meant}." if meant else remedy
            yield Problem(f"is not in {table}", path, line, column, name, remedy)


def _other_name(column: str, name: str) -> str | None:
    """Return what a drug or disease is called here, None where nothing has this name."""
    if column == "drug":
        return next(iter(sorted(drugs_of(name))), None)
    diseases = load_diseases().values() if column == "disease" else ()
    return next((d.code for d in diseases if name.casefold() in (d.name.casefold(), *(n.casefold() for n in d.names))), None)


def _symbol_problem(path: str, line: int, symbol: str) -> Iterator[Problem]:
    known = load_genes()
    current = known.current(symbol)
    if current is None:
        close = difflib.get_close_matches(symbol, known.symbols, 1)
        remedy = f"Did you mean {close[0]}?" if close else f"The {len(known.symbols)} known genes stand in {GENES}."
        yield Problem("is not a symbol of the knowledge base", path, line, "genes", symbol, remedy)
    elif current != symbol:
        yield Problem("is not the current symbol", path, line, "genes", symbol, f"Write {current}.")


def _mismatch(rule: Rule, kind: str, genes: list[str]) -> Iterator[str]:
    """Say why a rule can match nothing in this kind of evidence and these genes."""
    if kind not in rule.kinds:
        yield f"cannot match evidence of the kind {kind} (it speaks about {' or '.join(sorted(rule.kinds))})"
        return
    emergent = any(term.word == "emergent" for term in rule.terms)
    if not genes and (kind not in _NO_GENE or emergent):
        yield "needs a gene"
    for term in rule.terms:
        if term.name in ("prior", "since") and term.word not in load_drugs():
            yield f"'{term.word}' is no drug of drugs.tsv (it has: {', '.join(load_drugs())})"
    for name in dict.fromkeys(term.name for term in rule.terms):
        if name in _ONE_GENE and len(genes) > 1:
            yield f"'{name}' speaks about one gene, but the row names {len(genes)}"
    for term in rule.terms:
        if term.name == "domain" and len(genes) == 1 and (genes[0], str(term.word)) not in load_domains():
            known = sorted(domain for gene, domain in load_domains() if gene == genes[0])
            yield f"{genes[0]} has no domain '{term.word}' in {DOMAINS} (it has: {', '.join(known) or 'none'})"
