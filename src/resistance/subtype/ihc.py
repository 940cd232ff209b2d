"""Percentages or calls of antibodies -> the state of each stain, and one row of calls per sample by a rule.

A rule sees stains (positive, negative, not known) and says which it asked for; what is missing and
what is borderline follows from that, the same for all rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resistance.errors import InputError, Problem
from resistance.subtype.method import Called, Method, as_calls, as_frame, per_patient

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import Subtype

#: points on either side of a cut-off within which a percentage is borderline (reading varies by about as much)
BORDERLINE_POINTS = 5.0
#: other names of the antibodies that the rules ask for
_ALIASES = {
    "MME": "CD10", "IRF4": "MUM1", "MUM1/IRF4": "MUM1", "IRF4/MUM1": "MUM1", "MUM1P": "MUM1", "CMYC": "MYC",
    "SERPINA9": "GCET1", "CENTERIN": "GCET1",
}  # fmt: skip
#: what a column's name says beside the antibody: blanks, brackets, the unit
_PUNCTUATION = re.compile(r"[\s_\-.()\[\]%]+")
_OF_TABLES = re.compile(r"(?:PERCENTAGE|PERCENT|PERC|PCT|POSITIVITY|POSITIVE|POS|STAINING|CELLS|IHC)+$")
#: usual names of the column with the samples
_SAMPLE = ("sample_id", "sample", "sampleid", "sample id", "id", "patient_id", "patient", "patient id", "case", "case_id")
_CALLS = {"positive": True, "pos": True, "+": True, "true": True, "yes": True}
_CALLS |= {"negative": False, "neg": False, "-": False, "false": False, "no": False}


#: words for a stain that was not done or not read
_NOT_DONE = ("", "na", "nan", "nd", "n.d.", "n/a", "not done", "not available", "unknown", "?")


@dataclass(frozen=True)
class Stain:
    """One antibody in one sample.

    ``positive`` is None where it is not known; ``percent`` is None where only a call was given.
    """

    antibody: str
    positive: bool | None
    percent: float | None
    cutoff: float
    contradictory: bool = False

    @property
    def borderline(self) -> bool:
        """The percentage lies within :data:`BORDERLINE_POINTS` of the cut-off."""
        # read as decimals: 34.999999999 and 35 are the same reading
        return self.percent is not None and round(abs(self.percent - self.cutoff), 9) <= BORDERLINE_POINTS

    def __str__(self) -> str:
        if self.positive is None:
            return f"{self.antibody} {'given twice and contradictory' if self.contradictory else 'not known'}"
        shown = "" if self.percent is None else f" ({self.percent:g} %)"
        return f"{self.antibody}{'+' if self.positive else '-'}{shown}"


Stains = Mapping[str, Stain]
#: stains -> call (None: one that was asked for is not known) and the antibodies asked for, in this order
Decide = Callable[[Stains], tuple[str | None, tuple[str, ...]]]


@dataclass(frozen=True)
class Ask:
    """A question of a decision tree: is the antibody positive?  The answers are classes, or further questions."""

    antibody: str
    yes: Ask | str
    no: Ask | str


def follow(tree: Ask, positive: Mapping[str, bool | None]) -> tuple[str | None, tuple[str, ...]]:
    """Follow a tree to its class.

    Parameters
    ----------
    tree : Ask
    positive : mapping of str to bool or None
        Antibody -> positive, negative, not known.

    Returns
    -------
    call : str or None
        None where the tree comes to an antibody that is not known.
    asked : tuple of str
        The antibodies that the tree asked for, in this order; the last is the missing one where there is no call.
    """
    at: Ask | str = tree
    asked: tuple[str, ...] = ()
    while isinstance(at, Ask):
        asked = (*asked, at.antibody)
        answer = positive[at.antibody]
        if answer is None:
            return None, asked
        at = at.yes if answer else at.no
    return at, asked


def by_tree(tree: Ask) -> Decide:
    """Return the rule that follows a tree."""
    return lambda stains: follow(tree, {name: stain.positive for name, stain in stains.items()})


def normalised(antibody: str) -> str:
    """Return an antibody's name as the rules write it.

    Examples
    --------
    >>> [normalised(x) for x in ("BCL-6", "IRF4", "CD10 (%)", "MUM1_pct", "IHC.BCL2 positive")]
    ['BCL6', 'MUM1', 'CD10', 'MUM1', 'BCL2']
    """
    name = _PUNCTUATION.sub("", antibody.upper())
    name = _OF_TABLES.sub("", name.removeprefix("IHC"))
    return _ALIASES.get(name, name)


def ihc_method(
    name: str, *, kind: str, decide: Decide, cutoffs: Mapping[str, float], classes: tuple[str, ...], citation: str,
    verified: bool, limits: str,
) -> tuple[Method, Callable[[Cohort, Subtype], Called], Callable[..., pd.DataFrame]]:  # fmt: skip
    """Make the record and the two functions of a method that is a rule on stains.

    Returns
    -------
    method, classify, classify_table
    """
    listed = ", ".join(f"{antibody} {cut:g} %" for antibody, cut in cutoffs.items())

    def rows(long: pd.DataFrame) -> pd.DataFrame:
        return as_calls([call_row(method, decide, sample, stains) for sample, stains in stains_by_sample(long, cutoffs)])

    def classify(cohort: Cohort, settings: Subtype) -> Called:
        """Call every patient from the IHC of one sample; baseline samples before others."""
        return Called(per_patient(cohort, method, rows(cohort.ihc), what="IHC", nothing=f"no IHC of {_either(tuple(cutoffs))}"))

    def classify_table(table: pd.DataFrame, *, values_are: str = "percent") -> pd.DataFrame:
        """Call every sample of a plain table (see :func:`resistance.subtype.ihc.long_table`)."""
        return rows(long_table(table, cutoffs, values_are=values_are))

    method = Method(
        name=name,
        version="1",
        kind=kind,
        input="ihc",
        needs=f"percentages of positive tumour cells, or calls; positive from {listed}",
        classes=classes,
        features=tuple(cutoffs),
        platforms=("immunohistochemistry",),
        citation=citation,
        verified=verified,
        limits=limits,
        classify=classify,
        classify_table=classify_table,
    )
    return method, classify, classify_table


def _either(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def call_row(method: Method, decide: Decide, sample: str, stains: Stains) -> dict[str, Any]:
    """Return one row of calls: class, what it rests on, what is missing, what is borderline."""
    call, asked = decide(stains)
    used = [stains[name] for name in asked]
    unknown = [stain.antibody for stain in used if stain.positive is None]
    reason = ", ".join(str(stain) for stain in used)
    near = [stain for stain in used if stain.borderline and stain.positive is not None]
    low = [stain.antibody for stain in used if stain.percent is not None and 0 < stain.percent < 1]
    if call is None:
        reason += f": no call without {' and '.join(unknown)}"
    elif near:
        reason += f"; borderline: {', '.join(f'{stain.antibody} within 5 points of {stain.cutoff:g} %' for stain in near)}"
    if low:
        reason += f"; below 1 %: {', '.join(low)} (a fraction among percentages?)"
    measured = any(stain.percent is not None for stain in used)
    flags = (
        ["borderline"] * bool(near) + ["contradictory"] * any(s.contradictory for s in used) + ["below_one_percent"] * bool(low)
    )
    return method.row(
        sample_id=sample,
        subtype=call,
        features_used=len(used) - len(unknown),
        features_missing=";".join(unknown) or None,
        flags=";".join(flags) or None,
        borderline=bool(near) if measured else None,
        reason=reason if method.verified else f"{reason} (rule not verified in its source)",
    )


def stains_by_sample(long: pd.DataFrame, cutoffs: Mapping[str, float]) -> Iterator[tuple[str, Stains]]:
    """Yield each sample with a row for at least one of the antibodies, and its stains.

    Parameters
    ----------
    long : DataFrame
        Schema ``ihc``.
    cutoffs : mapping of str to float
        Antibody -> percentage from which it is positive.

    Yields
    ------
    sample_id, stains
        An antibody that was not done is there as not known.  Two rows of one antibody that disagree leave it not known.
    """
    table = long.assign(antibody=long["antibody"].map(normalised))
    table = table[table["antibody"].isin(list(cutoffs))]
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for row in table[["sample_id", "antibody", "percent_positive", "positive"]].to_dict("records"):
        found.setdefault(str(row["sample_id"]), {}).setdefault(row["antibody"], []).append(row)
    for sample_id in sorted(found):
        of = found[sample_id]
        yield sample_id, {name: _stain(name, of.get(name, []), cut) for name, cut in cutoffs.items()}


def _stain(antibody: str, rows: list[dict[str, Any]], cutoff: float) -> Stain:
    calls: set[bool] = set()
    percents: set[float] = set()
    for row in rows:
        percent = float(str(row["percent_positive"]))
        if percent == percent:
            percents.add(percent)
            calls.add(percent >= cutoff)
        elif row["positive"] is True or row["positive"] is False:
            calls.add(row["positive"])
    if len(calls) != 1:
        return Stain(antibody, None, None, cutoff, contradictory=bool(calls))
    # of two readings on one side the one nearer to the cut-off says how sure the call is
    shown = min(percents, key=lambda percent: (abs(percent - cutoff), percent)) if percents else None
    return Stain(antibody, calls.pop(), shown, cutoff)


def long_table(table: pd.DataFrame, cutoffs: Mapping[str, float], *, values_are: str = "percent") -> pd.DataFrame:
    """Read a plain table of stains into the rows that the rules take.

    Parameters
    ----------
    table : DataFrame
        One row per sample: a column 'sample_id' (or 'sample', 'id', 'patient_id' ...; else the index) and one per antibody, by
        any of its names, with or without its unit ('CD10 (%)').  Cells are percentages ('30', '30%'), or calls ('positive', '-'); empty: not done.
    cutoffs : mapping
        The antibodies of the rule; other columns are not read.
    values_are : {'percent', 'fraction'}
        percent: 0..100; fraction: 0..1.

    Returns
    -------
    DataFrame
        sample_id, antibody, percent_positive, positive.

    Raises
    ------
    InputError
        None of the antibodies, one of them twice, a sample twice, a cell that is neither number nor call, a
        share outside its range, percentages that look like fractions.
    """
    import pandas as pd

    if values_are not in ("percent", "fraction"):
        raise InputError("is neither 'percent' nor 'fraction'", column="values_are", value=values_are)
    table = as_frame(table, in_row=True)
    lowered = {" ".join(str(name).lower().split()): name for name in reversed(table.columns)}
    key = next((lowered[name] for name in _SAMPLE if name in lowered), None)
    if (
        key is None
        and len(table.columns)
        and isinstance(table.index, pd.RangeIndex)
        and normalised(str(table.columns[0])) in cutoffs
    ):
        raise InputError(
            "no column names the samples: the first is an antibody", column=str(table.columns[0]),
            remedy="Put the samples' names into a column 'sample_id'.",
        )  # fmt: skip
    samples = pd.Series(table.index if key is None else table[key].to_numpy()).map(lambda x: str(x).strip())
    open_ = samples.str.lower().isin(["", "nan", "none", "na", "<na>"])
    if open_.any():
        at = int(open_.to_numpy().argmax())
        raise InputError("the sample has no name", row=at + 2, column=None if key is None else str(key), remedy="Name it, or leave the row out.")  # fmt: skip
    if samples.duplicated().any():
        at = int(samples.duplicated().to_numpy().argmax())
        raise InputError("the sample stands twice", row=at + 2, value=samples[at], remedy="One row per sample.")
    of: dict[str, Any] = {}
    for name in table.columns:
        antibody = normalised(str(name))
        if name == key or antibody not in cutoffs:
            continue
        if antibody in of:
            raise InputError(f"two columns are {antibody}", column=str(name), remedy="Keep one of them.")
        of[antibody] = name
    if not of:
        raise InputError(
            f"the table has none of the antibodies {', '.join(cutoffs)}",
            value=", ".join(str(name) for name in table.columns[:10]),
            remedy="One row per sample, one column per antibody.",
        )
    parts, problems = [], []
    for antibody, name in of.items():
        part, wrong = _cells(table[name].reset_index(drop=True), str(name), values_are)
        problems += wrong
        parts.append(part.assign(sample_id=samples, antibody=antibody))
    if problems:
        raise InputError(problems[:20])
    long = pd.concat(parts, ignore_index=True)
    percents = long["percent_positive"].dropna()
    if values_are == "percent" and len(percents) and 0 < percents.max() <= 1:
        raise InputError(
            "no stain exceeds 1 percent: this looks like fractions 0..1",
            value=f"{percents.max():g}",
            remedy="Give values_are='fraction' (on the command line: --values-are fraction), or, where 1 and 0 are calls, write positive and "
            "negative.",
        )
    return long


def _cells(cells: pd.Series, column: str, values_are: str) -> tuple[pd.DataFrame, list[Problem]]:
    import pandas as pd

    text = cells.map(lambda cell: str(cell).strip().removesuffix("%").strip().lower(), na_action="ignore")
    text = text.mask(text.isin(_NOT_DONE))
    number = pd.to_numeric(text, errors="coerce").astype("float64")
    positive = text.map(_CALLS).astype("boolean")
    problems = [
        Problem(
            "is neither a percentage nor a call",
            None,
            i + 2,
            column,
            str(cells[i]),
            "Numbers with a decimal point, or 'positive' and 'negative'; empty: not done.",
        )
        for i in text.index[text.notna() & number.isna() & positive.isna()]
    ]
    top = 1 if values_are == "fraction" else 100
    problems += [
        Problem("is no share of cells", None, i + 2, column, text[i], f"'{values_are}' expects 0..{top}.")
        for i in number.index[(number < 0) | (number > top)]
    ]
    between = number[(number > 0) & (number < 1)]
    if values_are == "percent" and len(between) and number.max() <= 1:
        problems.append(
            Problem(
                "no value of the column exceeds 1 percent: this looks like fractions 0..1", None, int(between.index[0]) + 2, column,
                str(cells[between.index[0]]), "Give values_are='fraction' (on the command line: --values-are fraction), the same unit for all antibodies.",
            )
        )  # fmt: skip
    # 0.3 x 100 is 30.000000000000004 or less than 30: a cut-off at 30 % must not depend on that
    percent = (number * (100 if values_are == "fraction" else 1)).round(9)
    return pd.DataFrame({"percent_positive": percent, "positive": positive}), problems
