"""Fields of VCF and MAF that state how frequent an allele is in a population -> the largest frequency, 0..1.

Which fields these are stands in ``resources/population_fields.tsv``.  INFO/AF is not among them: it is
the frequency in the file's own samples.
"""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resistance.errors import KnowledgeError
from resistance.resources import resource_path

if TYPE_CHECKING:
    import pandas as pd

TABLE = "population_fields.tsv"
DIALECTS = ("info", "csq", "maf")
TRANSFORMS = ("fraction", "minus_log10")
#: how files write that nothing is known
UNKNOWN = frozenset(("", ".", "-", "-1", "-1.0", "na", "nan", "none", "null"))


@dataclass(frozen=True)
class Field:
    """A kind of field.

    Parameters
    ----------
    dialects : tuple of str
        Where it stands: INFO of a VCF, a part of VEP's CSQ, a column of a MAF.
    name : str
        Its name, case does not matter; ``*`` stands for any characters, ``?`` for one.
    transform : str
        fraction, or minus_log10 (Mutect2's POPAF).
    unstated : tuple of float
        Values that mean "not in the resource", as written (compared to 0.005 relative).
    needs : str or None
        The name means this only where this other field is in the file too.
    """

    dialects: tuple[str, ...]
    name: str
    transform: str
    unstated: tuple[float, ...]
    needs: str | None

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        """The name as a regular expression."""
        text = re.escape(self.name).replace(r"\*", r"[A-Za-z0-9_.]+").replace(r"\?", "[A-Za-z0-9]")
        return re.compile(text, re.IGNORECASE)

    def frequency(self, cell: str, allele: str | None = None) -> float | None:
        """Return the largest frequency that a cell states, None where it states none.

        Parameters
        ----------
        cell : str
            One value, or several joined by '&' (vcf2maf makes it ','); old VEP writes each as
            ``ALLELE:frequency``.  '0,31' is a decimal comma as likely as two values, and refused.
        allele : str, optional
            The allele as the annotator names it; a value of another allele is passed over.

        Raises
        ------
        ValueError
            A value is no number, or no fraction.

        Examples
        --------
        >>> Field(("csq",), "GMAF", "fraction", (), None).frequency("A:0.02&C:0.3", "A")
        0.02
        """
        found = None
        parts = [part.strip() for part in re.split("[&,]", cell)]
        if "," in cell and not any("." in part or "e" in part.lower() for part in parts) and set(parts) - UNKNOWN - {"0"}:
            raise ValueError(cell)
        for text in parts:
            named, colon, after = text.partition(":")
            if colon:
                if named != allele:
                    continue
                text = after.strip()
            if text.lower() in UNKNOWN:
                continue
            number = float(text)
            if any(abs(number - value) <= 0.005 * value for value in self.unstated):
                continue
            number = 10**-number if self.transform == "minus_log10" else number
            if not 0 <= number <= 1:
                raise ValueError(cell)
            found = number if found is None else max(found, number)
        return found


@functools.cache
def population_fields() -> tuple[Field, ...]:
    """Return the known fields.

    Raises
    ------
    KnowledgeError
        A row of the table names an unknown dialect or transform, or a number that is none.
    """
    out = []
    with resource_path(TABLE).open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE), start=2):
            dialects = tuple(row["dialects"].split(";"))
            if not set(dialects) <= set(DIALECTS) or row["transform"] not in TRANSFORMS or not row["field"]:
                raise KnowledgeError(f"resources/{TABLE}, row {line}: unknown dialect or transform, or no field.")
            try:
                unstated = () if row["unstated"] == "NA" else tuple(float(x) for x in row["unstated"].split(";"))
            except ValueError as error:
                raise KnowledgeError(f"resources/{TABLE}, row {line}: 'unstated' holds no number.") from error
            out.append(Field(dialects, row["field"], row["transform"], unstated, None if row["needs"] == "NA" else row["needs"]))
    return tuple(out)


def population_names(dialect: str, names: Sequence[str]) -> dict[str, Field]:
    """Return which of a file's names state a population frequency, with the kind of field, in the file's order."""
    there = {name.lower() for name in names}
    out: dict[str, Field] = {}
    for name in names:
        for field in population_fields():
            if dialect not in field.dialects or (field.needs is not None and field.needs.lower() not in there):
                continue
            if field.pattern.fullmatch(name):
                out.setdefault(name, field)
    return out


def largest(columns: Iterable[tuple[Field, pd.Series]], allele: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return the largest frequency of each row over columns of text, and which rows hold a cell that cannot be read.

    Parameters
    ----------
    columns : iterable of (Field, Series of str)
        NaN is unknown.
    allele : Series of str
        The alternative allele of each row.

    Returns
    -------
    frequency : Series of float
        0..1, NaN where none is stated.
    unread : Series of str
        The first cell of the row that is no frequency, NaN where there is none.
    """
    import numpy as np
    import pandas as pd

    best = np.full(len(allele), np.nan)
    unread = np.full(len(allele), None, dtype=object)
    bases, alleles = pd.factorize(allele)
    for field, cells in columns:
        # millions of rows hold few distinct cells, and almost none names an allele
        codes, words = pd.factorize(cells)
        values = np.full(len(words) + 1, np.nan)
        bad = np.zeros(len(words) + 1, dtype=bool)
        for i, word in enumerate(words):
            if ":" in str(word):
                for row in np.flatnonzero(codes == i):
                    value, wrong = _read(field, str(word), None if bases[row] < 0 else str(alleles[bases[row]]))
                    best[row] = np.fmax(best[row], value)
                    if wrong and unread[row] is None:
                        unread[row] = str(word)
            else:
                values[i], bad[i] = _read(field, str(word), None)
        best = np.fmax(best, values[codes])
        for row in np.flatnonzero(bad[codes]):
            if unread[row] is None:
                unread[row] = str(words[codes[row]])
    index = allele.index
    return pd.Series(best, index=index), pd.Series(unread, index=index, dtype=pd.StringDtype(na_value=np.nan))


def _read(field: Field, cell: str, allele: str | None) -> tuple[float, bool]:
    try:
        value = field.frequency(cell, allele)
    except ValueError:
        return float("nan"), True
    return (float("nan") if value is None else value), False


def info_values(value: object, n_alleles: int, repeated: Sequence[str] | None) -> list[str] | None:
    """Return the text of an INFO field for each alternative allele.

    Parameters
    ----------
    value : object
        As pysam gives it: a number, a text, or a tuple of them, None for '.'.
    n_alleles : int
        Alternative alleles of the record.
    repeated : sequence of str, optional
        The values of a field that stands several times (ANNOVAR writes one block per allele).

    Returns
    -------
    list of str, or None
        None where one value stands for several alleles, so that nobody knows which it is of.
    """
    if repeated is not None and len(repeated) == n_alleles > 1:
        return list(repeated)
    values = value if isinstance(value, tuple) else (value,)
    if len(values) != n_alleles:
        return None if any(text(one) not in UNKNOWN for one in values) else ["."] * n_alleles
    return [text(one) for one in values]


def text(value: object) -> str:
    """Return an INFO value as the file wrote it: VCF's numbers are kept in single precision (0.001 becomes 0.00100000005)."""
    if value is None:
        return "."
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def repeated_values(line: str, names: Iterable[str]) -> Mapping[str, list[str]]:
    """Return the values of INFO fields that stand more than once in a line of a VCF."""
    wanted = set(names)
    out: dict[str, list[str]] = {}
    for pair in line.rstrip("\n").split("\t")[7].split(";"):
        name, _, value = pair.partition("=")
        if name in wanted:
            out.setdefault(name, []).append(value)
    return {name: values for name, values in out.items() if len(values) > 1}
