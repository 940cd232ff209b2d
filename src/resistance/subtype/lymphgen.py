"""LymphGen's own result table -> one call per sample, by its published rule for combining confidences (no score of ours under its name)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.errors import InputError, Problem
from resistance.schemas import SCORES
from resistance.subtype.genetic import our_samples
from resistance.subtype.method import Called, Method, as_calls, as_frame, per_patient
from resistance.subtype.text_table import read_table
from resistance.tables import empty

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.cohort import Cohort
    from resistance.config import Subtype

#: class -> features that a confidence above .5 needs behind it, in LymphGen's order
MINIMUM_FEATURES: Mapping[str, int] = {"BN2": 2, "EZB": 2, "MCD": 2, "N1": 1, "ST2": 2, "A53": 2}
CLASSES = tuple(MINIMUM_FEATURES)
OTHER = "Other"
_SURE, _LIKELY = 0.9, 0.5
#: LymphGen prints confidences cut off after the second digit: 0.90 may be anything below 0.91
_CUT_OFF = 0.01
_SAMPLE = ("Sample.Name", "Sample.ID", "sample_id", "Sample", "SampleID")
_AVAILABLE = {
    "available": True,
    "not available": False,
    "1": True,
    "0": False,
    "yes": True,
    "no": False,
    "true": True,
    "false": False,
}
_NA = ("", "NA", "NaN", "nan")


def combine(confidence: NDArray[np.float64], features: NDArray[np.float64], copy_number: NDArray[np.bool_]) -> list[str]:
    """Combine the confidences of the six classes into one call per sample.

    Parameters
    ----------
    confidence : ndarray, shape (n, 6)
        0..1 in the order of :data:`CLASSES`; NaN counts as not predicted.
    features : ndarray, shape (n, 6)
        Features found of each class; NaN where the table does not say (the minimum is then not applied).
    copy_number : ndarray of bool, shape (n,)
        Whether the sample has copy number; without it A53 is not called.

    Returns
    -------
    list of str
        A class, several joined by '/', or Other: a class is called above .9, and above .5 where it is
        the only one above .5.

    References
    ----------
    Wright GW et al. Cancer Cell 2020; 37:551-568. doi:10.1016/j.ccell.2020.03.015

    Examples
    --------
    >>> combine(np.array([[.95, .92, 0, 0, .6, 0], [.7, .3, 0, 0, 0, 0]]), np.full((2, 6), 3.), np.array([True, True]))
    ['BN2/EZB', 'BN2']
    """
    least = np.asarray([MINIMUM_FEATURES[name] for name in CLASSES], dtype=np.float64)
    value = np.nan_to_num(confidence)
    value = np.where(features < least, 0.0, value)
    value[:, CLASSES.index("A53")] = np.where(copy_number, value[:, CLASSES.index("A53")], 0.0)
    likely = value > _LIKELY
    called = (value > _SURE) | (likely & (likely.sum(axis=1) == 1)[:, None])
    return ["/".join(name for name, on in zip(CLASSES, row, strict=True) if on) or OTHER for row in called]


def call(table: pd.DataFrame, *, where: str = "lymphgen") -> list[dict[str, Any]]:
    """Call every sample of a LymphGen result table.

    Parameters
    ----------
    table : DataFrame
        Text as LymphGen writes it: Sample.Name, Copy.Number, Confidence.<class>, <class>.Feature.Count,
        Subtype.Prediction.  Columns of a class that was not predicted (A53 without copy number, N1
        without NOTCH1) may be missing.
    where : str
        File, for messages.

    Returns
    -------
    list of dict
        Per sample: subtype; probability, the confidence of the call (the lowest of several);
        probabilities; flags: composite, no_copy_number, differs_from_prediction (the table's own call is
        another one), rounding_decides (a printed confidence lies on a limit, and the table's own call is taken).

    Raises
    ------
    InputError
        No sample or confidence column, a sample twice, a confidence outside 0..1.
    """
    sample = next((name for name in _SAMPLE if name in table), None)
    classes = [name for name in CLASSES if f"Confidence.{name}" in table]
    if sample is None or not classes:
        raise InputError(
            "no column with the sample" if sample is None else "no column Confidence.<class>",
            path=where,
            remedy="LymphGen's result table has Sample.Name, Confidence.BN2, ..., BN2.Feature.Count, ..., Subtype.Prediction.",
        )
    names = [str(x).strip() for x in table[sample]]
    problems = [
        Problem("the sample stands in two rows", where, names.index(name) + 2, sample, name)
        for name in sorted({x for x in names if names.count(x) > 1})[:20]
    ] if len(set(names)) < len(names) else []  # fmt: skip
    confidence = _numbers(table, "Confidence.{}", where, problems, high=1.0)
    features = _numbers(table, "{}.Feature.Count", where, problems, high=None)
    if problems:
        raise InputError(problems)
    copies = _copy_number(table, where)
    found = combine(confidence, features, copies)
    highest = combine(np.where(np.isin(confidence, (_LIKELY, _SURE)), confidence + _CUT_OFF / 2, confidence), features, copies)
    printed = [str(x).strip() for x in table["Subtype.Prediction"]] if "Subtype.Prediction" in table else [""] * len(names)
    return [
        _row(names[i], found[i], highest[i], printed[i], confidence[i], features[i], bool(copies[i]), classes)
        for i in range(len(names))
    ]


def read_lymphgen(path: Path) -> pd.DataFrame:
    """Read a LymphGen result table as text (see :func:`resistance.subtype.text_table.read_table`).

    Raises
    ------
    InputError
        The file is missing or no table.
    """
    return read_table(path, what="LymphGen's result table")


def _numbers(table: pd.DataFrame, form: str, where: str, problems: list[Problem], *, high: float | None) -> NDArray[np.float64]:
    import pandas as pd

    out = np.full((len(table), len(CLASSES)), np.nan)
    for j, name in enumerate(CLASSES):
        column = form.format(name)
        if column not in table:
            continue
        text = table[column].astype("object").map(lambda x: "NA" if x is None or x != x else str(x).strip())
        number = pd.to_numeric(text.mask(text.isin(_NA)), errors="coerce").to_numpy(dtype=np.float64)
        wrong = (~text.isin(_NA)).to_numpy() & ~((number >= 0) & (number <= (np.inf if high is None else high)))
        for i in np.flatnonzero(wrong)[:20]:
            limit = "0 to 1" if high else "0 or more"
            problems.append(Problem(f"is no number from {limit}", where, int(i) + 2, column, str(text.iloc[i])))
        out[:, j] = number
    return out


def _copy_number(table: pd.DataFrame, where: str) -> NDArray[np.bool_]:
    if "Copy.Number" not in table:
        return np.ones(len(table), dtype=bool)  # its confidences say it: A53 is there only with copy number
    words = [str(x).strip().lower() for x in table["Copy.Number"]]
    bad = [(i, word) for i, word in enumerate(words) if word not in _AVAILABLE]
    if bad:
        raise InputError(
            [Problem("is neither Available nor Not Available", where, i + 2, "Copy.Number", word) for i, word in bad[:20]]
        )
    return np.asarray([_AVAILABLE[word] for word in words])


def _row(
    sample: str,
    found: str,
    highest: str,
    printed: str,
    confidence: NDArray[np.float64],
    features: NDArray[np.float64],
    copies: bool,
    classes: list[str],
) -> dict[str, Any]:
    flags = []
    note = ""
    given = printed not in _NA
    if given and printed != found:
        if printed == highest:
            found = printed
            flags.append("rounding_decides")
            note = "; a printed confidence lies on a limit, LymphGen's own call is taken"
        else:
            flags.append("differs_from_prediction")
            note = f"; LymphGen's own call is {printed}"
    called = [] if found == OTHER else found.split("/")
    if len(called) > 1:
        flags.append("composite")
    if not copies:
        flags.append("no_copy_number")
        note += "; no copy number, so A53 is not called"
    at = [CLASSES.index(name) for name in called]
    value = float(np.min(confidence[at])) if at else None
    shown = ", ".join(
        f"{name} {confidence[j]:g}" + ("" if np.isnan(features[j]) else f" ({features[j]:g} features)")
        for j, name in enumerate(CLASSES)
        if confidence[j] > _LIKELY
    )
    probabilities = ";".join(
        f"{n}={confidence[CLASSES.index(n)]:g}" for n in classes if not np.isnan(confidence[CLASSES.index(n)])
    )
    missing = [name for name in CLASSES if np.isnan(confidence[CLASSES.index(name)])]
    return {
        "sample_id": sample,
        "subtype": found,
        "probability": value,
        "probabilities": probabilities or None,
        "features_used": int(np.nansum(features)) if not np.isnan(features).all() else None,
        "features_missing": None,
        "flags": ";".join(flags) or None,
        "borderline": bool(at) and value is not None and value <= _SURE,
        "reason": (f"confidence {shown}" if shown else "no confidence above .5")
        + (f"; not predicted: {', '.join(missing)}" if missing else "")
        + note,
    }


def classify(cohort: Cohort, settings: Subtype) -> Called:
    """Call every patient of a cohort from LymphGen's result table, named by ``subtype.genetic.lymphgen.file``.

    Raises
    ------
    InputError
        No table is named, or none of its samples is one of the cohort.
    """
    source = settings.genetic.lymphgen
    if source is None:
        raise InputError(
            "the method reads LymphGen's result table, and none is named",
            path="subtype",
            column="genetic.lymphgen.file",
            remedy="Write its input files with `resistance subtype lymphgen`, run LymphGen, and name its result here.",
        )
    rows = call(read_lymphgen(Path(source.file)), where=source.file)
    names = our_samples([row["sample_id"] for row in rows], source.sample_pattern, cohort, source.file)
    found = [row | {"sample_id": names[row["sample_id"]]} for row in rows if row["sample_id"] in names]
    calls = as_calls([METHOD.row(**row) for row in found])
    return Called(per_patient(cohort, METHOD, calls, what="LymphGen result"), empty(SCORES))


def classify_table(table: pd.DataFrame) -> pd.DataFrame:
    """Call every sample of a LymphGen result table."""
    return as_calls([METHOD.row(**row) for row in call(as_frame(table))])


METHOD = Method(
    name="lymphgen",
    version="1",
    kind="genetic",
    input="genetic_features",
    needs="the result table of LymphGen (its website); `resistance subtype lymphgen` writes its input files",
    classes=(*CLASSES, OTHER, "composites such as BN2/EZB"),
    features=(),
    platforms=("what LymphGen was run on",),
    citation="Wright GW et al. Cancer Cell 2020; 37:551-568, doi:10.1016/j.ccell.2020.03.015",
    verified=True,
    limits="The confidences are LymphGen's; here they are only combined. Without copy number A53 is not called.",
    classify=classify,
    classify_table=classify_table,
)
