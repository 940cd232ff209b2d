"""The smaller knowledge tables of ``resources/`` -> grades, pathways, drugs, diseases, trials and cards, checked."""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from resistance.errors import InputError, KnowledgeError, Problem
from resistance.resources import resource_path

if TYPE_CHECKING:
    import pandas as pd

_NA = frozenset(("", "NA"))
CARDS = "cards"
DOMAINS = "domains.tsv"
_DOMAIN_COLUMNS = ("gene", "domain", "first", "last", "transcript", "truncated_from", "source", "verified", "note")


@dataclass(frozen=True)
class Grade:
    """A grade of evidence.

    ``patient_level``: it was found in patients.  ``weight``: 0..1, a convention by which burdens are
    weighted, no probability.
    """

    grade: str
    meaning: str
    patient_level: bool
    weight: float
    civic: str
    escat: str


@dataclass(frozen=True)
class Pathway:
    """A pathway; ``kind`` is mechanism, context (risk, clinic) or background (drivers without a statement)."""

    pathway: str
    group: str
    kind: str
    summary: str
    source: str


@dataclass(frozen=True)
class Domain:
    """A part of a protein that a rule may name.

    Parameters
    ----------
    gene, domain : str
    transcript : str
        With version; the residues are its own.
    ranges : tuple of (int, int)
        First and last residues, 1-based, both included; one residue each for parts that are single residues.
    truncated_from : int or None
        A truncating change from this residue on takes the part away and keeps what makes that matter
        (NOTCH1: the ankyrin repeats stay, the degron goes).
    sources : tuple of str
    verified : bool
        Every range was compared with a protein, a transcript or the source.
    """

    gene: str
    domain: str
    transcript: str
    ranges: tuple[tuple[int, int], ...]
    truncated_from: int | None
    sources: tuple[str, ...]
    verified: bool

    def is_touched(self, first: int, last: int, *, between: bool = False, truncating: bool = False) -> bool:
        """Return whether a change touches the part.

        Parameters
        ----------
        first, last : int
            First and last changed residue on :attr:`transcript`, 1-based, both included.
        between : bool
            Residues are inserted between the two: both must lie in the part, at its border nothing of it changes.
        truncating : bool
            What follows `first` is lost.  Every part behind it would be touched, which tells nothing; it
            touches the part in which it begins and, where :attr:`truncated_from` says so, one behind it.

        Examples
        --------
        >>> from resistance.knowledge import load_domains
        >>> pest = load_domains()["NOTCH1", "PEST"]
        >>> pest.is_touched(2395, 2395, truncating=True), pest.is_touched(2395, 2395)
        (True, False)
        """
        if truncating:
            lost = self.truncated_from is not None and self.truncated_from <= first <= self.ranges[-1][1]
            return lost or any(a <= first <= b for a, b in self.ranges)
        if between:
            return any(a <= first and last <= b for a, b in self.ranges)
        return any(a <= last and first <= b for a, b in self.ranges)


@dataclass(frozen=True)
class Drug:
    """A drug and the names, codes and regimens that hold it."""

    drug: str
    class_: str
    names: tuple[str, ...]
    neosubstrates: tuple[str, ...]
    source: str | None
    verified: bool
    note: str | None


@dataclass(frozen=True)
class Disease:
    """A disease by its OncoTree code."""

    code: str
    name: str
    parent: str | None
    names: tuple[str, ...]


@functools.cache
def load_grades() -> Mapping[str, Grade]:
    """Load ``resources/grades.tsv``: grade -> :class:`Grade`, the strongest first."""
    out = {}
    for line, row in _table("grades.tsv", Grade):
        try:
            weight = float(row["weight"])
        except ValueError as error:
            raise KnowledgeError(f"grades.tsv: row {line}: weight '{row['weight']}' is no number") from error
        if not 0 <= weight <= 1:
            raise KnowledgeError(f"grades.tsv: row {line}: weight {row['weight']} is not within 0..1")
        out[row["grade"]] = Grade(
            row["grade"], row["meaning"], _flag("grades.tsv", line, row, "patient_level"), weight, row["civic"], row["escat"]
        )
    return MappingProxyType(out)


@functools.cache
def load_pathways() -> Mapping[str, Pathway]:
    """Load ``resources/pathways.tsv``: pathway -> :class:`Pathway`, in the order of the figures."""
    out = {row["pathway"]: Pathway(**row) for _, row in _table("pathways.tsv", Pathway)}
    wrong = [p.pathway for p in out.values() if p.kind not in ("mechanism", "context", "background")]
    if wrong:
        raise KnowledgeError(f"pathways.tsv: {', '.join(wrong)}: kind is none of mechanism, context, background")
    unsourced = [p.pathway for p in out.values() if not p.source]
    if unsourced:
        raise KnowledgeError(f"pathways.tsv: {', '.join(unsourced)}: no source")
    return MappingProxyType(out)


@functools.cache
def load_drugs() -> Mapping[str, Drug]:
    """Load ``resources/drugs.tsv``: drug -> :class:`Drug`."""
    out = {}
    for line, row in _table("drugs.tsv", Drug):
        out[row["drug"]] = Drug(
            row["drug"], row["class"], tuple(words(row["names"])), tuple(words(row["neosubstrates"])),
            row["source"] or None, _flag("drugs.tsv", line, row, "verified"), row["note"] or None,
        )  # fmt: skip
        if out[row["drug"]].verified and not row["source"]:
            raise KnowledgeError(f"drugs.tsv: row {line}: {row['drug']} is verified and has no source")
    return MappingProxyType(out)


@functools.cache
def load_diseases() -> Mapping[str, Disease]:
    """Load ``resources/diseases.tsv``: OncoTree code -> :class:`Disease`.

    Raises
    ------
    KnowledgeError
        A parent that is not there, or a disease that is its own ancestor.
    """
    out = {
        row["code"]: Disease(row["code"], row["name"], row["parent"] or None, tuple(words(row["names"])))
        for _, row in _table("diseases.tsv", Disease)
    }
    for code in out:
        seen, at = {code}, out[code].parent
        while at is not None:
            if at not in out:
                raise KnowledgeError(f"diseases.tsv: {code}: '{at}', above it, is not there")
            if at in seen:
                raise KnowledgeError(f"diseases.tsv: {code} stands in a circle: {' < '.join(sorted(seen))}")
            seen.add(at)
            at = out[at].parent
    return MappingProxyType(out)


def disease_within(code: str, ancestor: str) -> bool:
    """Return whether a disease is another one, or a kind of it.

    Examples
    --------
    >>> disease_within("DLBCLNOS", "MBN"), disease_within("MBN", "DLBCLNOS"), disease_within("MDSID5Q", "MDS")
    (True, False, True)
    """
    at: str | None = code
    while at is not None:
        if at == ancestor:
            return True
        known = load_diseases().get(at)
        at = None if known is None else known.parent
    return False


@functools.cache
def drugs_of(regimen: str) -> frozenset[str]:
    """Return the drugs that a regimen names, by any of their names, codes or combinations.

    Parameters
    ----------
    regimen : str
        As a table of treatments gives it; case does not matter from three letters on.

    Examples
    --------
    >>> sorted(drugs_of("R2-CHOP")), sorted(drugs_of("R-CHOP")), sorted(drugs_of("Len-Dex"))
    (['chemotherapy', 'lenalidomide', 'rituximab'], ['chemotherapy', 'rituximab'], ['dexamethasone', 'lenalidomide'])
    """
    return frozenset(name for name, pattern in _drug_patterns().items() if pattern.search(regimen))


@functools.cache
def _drug_patterns() -> Mapping[str, re.Pattern[str]]:
    def one(name: str) -> str:
        text = re.escape(name)
        return f"(?i:{text})" if len(name) > 2 else text

    return {
        drug.drug: re.compile(
            rf"(?<![A-Za-z0-9])(?:{'|'.join(one(name) for name in (drug.drug, *drug.names))})(?![A-Za-z0-9])(?![\s-]*(?i:na[iï]ve))"
        )
        for drug in load_drugs().values()
    }


TRIAL_COLUMNS = (
    "trial_id", "trial", "disease", "setting", "phase", "design", "arm", "population", "n", "endpoint", "responders", "value",
    "unit", "ci_low", "ci_high", "p_value", "comparator", "source", "verified", "note",
)  # fmt: skip
UNITS = ("fraction", "months", "weeks", "hazard_ratio")


def load_trials() -> pd.DataFrame:
    """Load ``resources/trials.tsv``: one row per trial, arm, population and endpoint, as published.

    Returns
    -------
    DataFrame
        ``value`` in ``unit`` (fraction 0..1, months, weeks, hazard_ratio); n, responders, ci_low,
        ci_high are numbers, NA where the source gives none; ``p_value`` is text, as published.

    Raises
    ------
    KnowledgeError
        An unknown disease or unit, a row without source, a share outside 0..1, responders that
        disagree with the share, an interval that does not hold its value.
    """
    import pandas as pd

    rows, wrong = [], []
    seen: set[tuple[str, ...]] = set()
    for line, row in _packaged("trials.tsv", TRIAL_COLUMNS):
        result = tuple(row[name] for name in ("trial_id", "arm", "population", "endpoint", "unit"))
        if result in seen:
            wrong.append(f"row {line}: {', '.join(result)} stands twice")
        seen.add(result)
        number = {name: _number("trials.tsv", line, row[name]) for name in ("n", "responders", "value", "ci_low", "ci_high")}
        rows.append({**{k: v or None for k, v in row.items()}, **number, "verified": _flag("trials.tsv", line, row, "verified")})
        if row["disease"] not in load_diseases() or row["unit"] not in UNITS or not row["source"]:
            wrong.append(f"row {line}: needs a disease of diseases.tsv, a unit of {', '.join(UNITS)}, and a source")
        if row["unit"] == "fraction" and not 0 <= number["value"] <= 1:
            wrong.append(f"row {line}: {row['value']} is no fraction")
        if abs(number["responders"] / number["n"] - number["value"]) > 0.0075 if row["responders"] and row["n"] else False:
            wrong.append(f"row {line}: {row['responders']} of {row['n']} is not {row['value']}")
        if number["ci_low"] > number["value"] or number["ci_high"] < number["value"]:
            wrong.append(f"row {line}: the interval does not hold {row['value']}")
    if wrong:
        raise KnowledgeError(f"trials.tsv: {'; '.join(wrong)}")
    return pd.DataFrame(rows, columns=list(TRIAL_COLUMNS)).astype({"n": "Int64", "responders": "Int64"})


@functools.cache
def load_cards() -> Mapping[str, Mapping[str, Any]]:
    """Load ``resources/cards/*.yaml``: pathway -> what is known of it in words.

    Returns
    -------
    Mapping
        pathway -> ``title``, ``mechanism``, ``in_patients``, ``caveats`` (list), ``open``, ``sources`` (list).

    Raises
    ------
    KnowledgeError
        A card misses a part, names an unknown pathway, or two speak about one.
    """
    import yaml

    parts = {"pathway": str, "title": str, "mechanism": str, "in_patients": str, "caveats": list, "open": str, "sources": list}
    out: dict[str, Mapping[str, Any]] = {}
    for path in sorted(resource_path(CARDS).glob("*.yaml")):
        try:
            card = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise KnowledgeError(f"{CARDS}/{path.name}: not readable as YAML: {error}") from error
        bad = [k for k, kind in parts.items() if not isinstance(card, dict) or not isinstance(card.get(k), kind) or not card[k]]
        if bad or set(card) != set(parts):
            raise KnowledgeError(
                f"{CARDS}/{path.name}: needs exactly {', '.join(parts)} (wrong: {', '.join(bad) or 'unknown keys'})"
            )
        if card["pathway"] not in load_pathways() or card["pathway"] in out:
            raise KnowledgeError(f"{CARDS}/{path.name}: '{card['pathway']}' is unknown, or has another card")
        out[card["pathway"]] = MappingProxyType(card)
    return MappingProxyType(out)


def words(cell: str | None) -> list[str]:
    """Split a cell at ';'."""
    return [word.strip() for word in (cell or "").split(";") if word.strip()]


def _table(name: str, of: type) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a packaged table whose columns are the fields of a record; its first column is a key."""
    columns = tuple(field.name.rstrip("_") for field in fields(of))
    seen: set[str] = set()
    for line, row in _packaged(name, columns):
        key = row[columns[0]]
        if not key or key in seen:
            raise KnowledgeError(f"{name}: row {line}: {columns[0]} '{key}' is empty or stands twice")
        seen.add(key)
        yield line, row


def _packaged(name: str, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a packaged table; what is wrong with it is the package's fault, not the user's."""
    try:
        yield from read_rows(resource_path(name), columns)
    except InputError as error:
        raise KnowledgeError(str(error)) from error


def _number(name: str, line: int, cell: str) -> float:
    try:
        return float(cell or "nan")
    except ValueError as error:
        raise KnowledgeError(f"{name}: row {line}: '{cell}' is no number") from error


def _flag(name: str, line: int, row: Mapping[str, str], column: str) -> bool:
    if row[column] not in ("true", "false"):
        raise KnowledgeError(f"{name}: row {line}: {column} is '{row[column]}', not true or false")
    return row[column] == "true"


def read_rows(
    path: Path, columns: tuple[str, ...], required: tuple[str, ...] | None = None
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line of the file, cells by column); an NA cell is empty text.

    Raises
    ------
    InputError
        The file is missing or no UTF-8 text, a column is missing, unknown or there twice, a row has
        another number of cells.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError("the table is missing", path=path, remedy="Correct markers.file in the cohort file.") from error
    except UnicodeDecodeError as error:
        raise InputError("the table is not UTF-8 text", path=path, remedy="Save it as UTF-8.") from error
    reader = csv.reader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    header = [name.strip() for name in next(reader, [])]
    missing = [name for name in required or columns if name not in header]
    unknown = [name for name in header if name not in columns]
    if missing or unknown or len(set(header)) < len(header):
        raise InputError(
            [Problem("missing column", str(path), 1, name, remedy=f"Columns, tab separated: {', '.join(columns)}.") for name in missing]
            + [Problem("unknown column", str(path), 1, name, remedy=f"Columns: {', '.join(columns)}.") for name in unknown]
            or [Problem("a column stands twice", str(path), 1)]
        )  # fmt: skip
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise InputError(
                f"has {len(cells)} cells where the header has {len(header)}",
                path=path,
                row=reader.line_num,
                remedy="Separate cells by one tab; write NA where there is nothing.",
            )
        values = dict.fromkeys(columns, "") | {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        yield reader.line_num, {name: "" if value in _NA else value for name, value in values.items()}


@functools.cache
def read_domains() -> Mapping[tuple[str, str], Domain]:
    """Read ``resources/domains.tsv``: (gene, domain) -> :class:`Domain`; several rows are several ranges of one.

    Raises
    ------
    KnowledgeError
        No source or transcript, no residues, ranges that overlap or are out of order, or rows of
        one domain that disagree on its transcript.
    """
    path = resource_path(DOMAINS)
    domains: dict[tuple[str, str], Domain] = {}
    for line, row in read_rows(path, _DOMAIN_COLUMNS):
        key, where = (row["gene"], row["domain"]), f"{path.name}: row {line}:"
        if not row["source"] or not row["transcript"]:
            raise KnowledgeError(f"{where} needs a source and a transcript")
        if not (row["first"].isdigit() and row["last"].isdigit() and 0 < int(row["first"]) <= int(row["last"])):
            raise KnowledgeError(f"{where} first and last are no residues")
        if not (row["truncated_from"] or "1").isdigit() or row["verified"] not in ("true", "false"):
            raise KnowledgeError(f"{where} truncated_from is no residue, or verified is not true or false")
        span, verified = (int(row["first"]), int(row["last"])), row["verified"] == "true"
        before = domains.get(key)
        if before is None:
            cut = int(row["truncated_from"]) if row["truncated_from"] else None
            domains[key] = Domain(*key, row["transcript"], (span,), cut, (row["source"],), verified)
            continue
        if before.transcript != row["transcript"] or span[0] <= before.ranges[-1][1]:
            raise KnowledgeError(f"{where} further rows of a domain are further residues of the same transcript, in order")
        sources = tuple(dict.fromkeys((*before.sources, row["source"])))
        ranges, both = (*before.ranges, span), before.verified and verified
        domains[key] = replace(before, ranges=ranges, sources=sources, verified=both)
    return MappingProxyType(domains)
