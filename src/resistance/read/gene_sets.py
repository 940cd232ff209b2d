"""GMT file (a gene set a line) -> the sets by name; what is passed over is counted, a line that is no set is refused with its row."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from resistance.dropped import KEPT, Dropped
from resistance.errors import InputError, Problem
from resistance.read.symbols import as_date, restorable

EMPTY = "the gene set has no genes"
TWICE = "further mention of a gene in its set"
RESTORED = f"{KEPT}: the gene symbol was turned into a date by a spreadsheet and was restored"
#: a gene with a weight, as some libraries of sets write it
_WEIGHTED = re.compile(r".+,\s*-?\d+(\.\d+)?(e-?\d+)?", re.IGNORECASE)
_REMEDY = "A line of a GMT is: name, description, genes, with tabs between them."


@dataclass(frozen=True)
class GeneSets:
    """The gene sets of a file.

    Parameters
    ----------
    sets : mapping of str to tuple of str
        Name -> genes as the file spells them, each once, both in the file's order.
    descriptions : mapping of str to str
        Name -> second field of the line (a link or a sentence).
    """

    sets: Mapping[str, tuple[str, ...]]
    descriptions: Mapping[str, str]


def read_gene_sets(path: Path, dropped: Dropped) -> GeneSets:
    """Read a GMT file, plain or gzip.

    Parameters
    ----------
    path : Path
        One set a line: name, description (may be empty), genes, separated by tabs.  Blank lines and
        lines that begin with ``#`` are passed over.
    dropped : Dropped
        Takes sets without genes, genes named twice in a set, and symbols restored from dates.

    Returns
    -------
    GeneSets

    Raises
    ------
    InputError
        The file is missing or damaged; a line without tabs, without a name, with weights at its genes, or
        with a date that cannot be restored to one gene; two sets of one name; no set at all.

    Notes
    -----
    The format is that of GSEA (Subramanian et al. 2005, doi:10.1073/pnas.0506580102).

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "own.gmt"
    >>> _ = file.write_text("NFKB_TARGETS\\tof this study\\tTNFAIP3\\tNFKBIA\\tNFKBIA\\n")
    >>> dropped = Dropped("classify")
    >>> dict(read_gene_sets(file, dropped).sets), [row["reason"] for row in dropped.rows()]
    ({'NFKB_TARGETS': ('TNFAIP3', 'NFKBIA')}, ['further mention of a gene in its set'])
    """
    sets: dict[str, tuple[str, ...]] = {}
    descriptions: dict[str, str] = {}
    rows: dict[str, int] = {}
    problems: list[Problem] = []
    for row, line in enumerate(_lines(path), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip().strip('"').strip() for field in line.split("\t")]
        name = fields[0]
        if len(fields) == 1:
            problems.append(Problem("the line has no tab", str(path), row, value=name[:60], remedy=_REMEDY))
            continue
        if not name:
            problems.append(Problem("the gene set has no name", str(path), row, remedy=_REMEDY))
            continue
        if name in rows:
            what = f"the name stands in row {rows[name]} already"
            problems.append(Problem(what, str(path), row, value=name, remedy="Give each set a name of its own."))
            continue
        rows[name] = row
        genes, wrong = _genes(fields[2:], name, path, row, dropped)
        problems += wrong
        if genes:
            sets[name], descriptions[name] = genes, fields[1]
        elif not wrong:
            dropped.add("gene_sets", path, EMPTY, example=name)
    if problems:
        raise InputError(problems[:20])
    if not sets:
        raise InputError("the file holds no gene set", path=path, remedy=_REMEDY)
    return GeneSets(MappingProxyType(sets), MappingProxyType(descriptions))


def _genes(fields: list[str], name: str, path: Path, row: int, dropped: Dropped) -> tuple[tuple[str, ...], list[Problem]]:
    """Return the genes of a line, each once, and what is wrong with them."""
    genes: dict[str, None] = {}
    for field in fields:
        if not field:  # tabs at the end of a line, as spreadsheets leave them
            continue
        gene = field
        if _WEIGHTED.fullmatch(field):
            what = f"the genes of '{name}' carry weights"
            return (), [Problem(what, str(path), row, value=field, remedy="Leave the genes alone: a set has no weights here.")]
        day = as_date(field)
        if day is not None:
            if day not in restorable():
                what = f"a gene of '{name}' was turned into a date by a spreadsheet and cannot be restored"
                return (), [Problem(what, str(path), row, value=field, remedy="Write the gene's symbol.")]
            gene = restorable()[day]
            dropped.add("gene_sets", path, RESTORED, example=f"{field}: {gene}")
        if gene in genes:
            dropped.add("gene_sets", path, TWICE, example=f"{name}: {gene}")
        genes[gene] = None
    return tuple(genes), []


def _lines(path: Path) -> list[str]:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise InputError("the file of gene sets is missing", path=path) from error
    except IsADirectoryError as error:
        raise InputError("is a folder, not a file of gene sets", path=path) from error
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"not readable as text ({error})", path=path, remedy="A GMT is UTF-8 text, plain or gzip.") from error
