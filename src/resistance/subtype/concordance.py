"""Subtypes by several methods -> how each pair agrees, and every patient on whom it does not.  No vote is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any

from resistance.schemas import CONCORDANCE, DISAGREEMENTS
from resistance.stats.agreement import agreement
from resistance.subtype.method import UNCLASSIFIED
from resistance.subtype.registry import METHODS
from resistance.tables import conform

if TYPE_CHECKING:
    import pandas as pd

#: classes that a method which knows only GCB and non-GCB calls non-GCB
_NON_GCB = {"ABC": "non-GCB"}
#: the dark-zone signature (first called DHITsig) on its platforms: one pair of classes
_DARK_ZONE = {"DHITsig-POS": "DHITsig+", "DHITsig-NEG": "DHITsig-", "DZsig-POS": "DHITsig+", "DZsig-NEG": "DHITsig-"}
_OF_DARK_ZONE = frozenset([*_DARK_ZONE, *_DARK_ZONE.values()])
#: flags of a call that may explain why another method says something else
_TELLING = (
    "borderline",
    "housekeeping_unknown",
    "contradictory",
    "below_one_percent",
    "zero_count",
    "far_outside",
    "from_score",
    "pmbl_unclear",
    "lane_fields_of_view",
    "lane_binding_density",
    "lane_linearity",
    "lane_limit_of_detection",
    "low library size",
    "not the published reference sample",
    "far from both classes",
)
_OTHER_NAMES = "the two name their classes by different systems: nothing to compare"
#: a call of a probability below this is said to be a close one
_CLOSE = 0.95


def concordance(subtypes: pd.DataFrame) -> pd.DataFrame:
    """Compare every pair of methods of one kind.

    Parameters
    ----------
    subtypes : DataFrame
        Schema SUBTYPES.

    Returns
    -------
    DataFrame
        Schema CONCORDANCE, pairs in the order in which the methods stand.  Patients who were not
        called by one of the two (``subtype`` NA) are no part of it; UNCLASSIFIED is a call.  Pairs
        without a patient in common have a row with n 0.

    Notes
    -----
    Two good methods do not agree completely: see the published figures in docs/subtypes.md before
    a kappa is read as the quality of one of them.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for kind, first, second, calls in _pairs(subtypes):
        one, two = (_as_compared(calls[name].tolist(), calls) for name in (first, second))
        if not _one_naming(kind, first, second, one, two):
            rows.append({"method_1": first, "method_2": second, "kind": kind, "n_both": len(calls), "agree_both": 0, "n": 0, "agree": 0, "unclassified_1": one.count(UNCLASSIFIED), "unclassified_2": two.count(UNCLASSIFIED), "note": _OTHER_NAMES})  # fmt: skip
            continue
        definite = [(a, b) for a, b in zip(one, two, strict=True) if UNCLASSIFIED not in (a, b)]
        found = agreement([a for a, _ in definite], [b for _, b in definite])
        both = agreement(one, two)
        notes = []
        if 0 < found.n < 20:
            notes.append("fewer than 20 patients")
        if found.n and found.kappa is None:
            notes.append("kappa is not defined: both gave one class to all")
        if found.kappa is not None and 1 in (len({a for a, _ in definite}), len({b for _, b in definite})):
            notes.append("one of the two gave one class to all, where kappa is 0 whatever the agreement")
        if not len(calls):
            notes.append("no patient was called by both")
        elif not set(one) & set(two) - {UNCLASSIFIED}:
            notes.append("the two have no class in common")
        rows.append(
            {
                "method_1": first, "method_2": second, "kind": kind,
                "n_both": both.n, "agree_both": both.agree,
                "unclassified_1": one.count(UNCLASSIFIED), "unclassified_2": two.count(UNCLASSIFIED),
                "n": found.n, "agree": found.agree, "agreement": found.agree / found.n if found.n else None,
                "agreement_ci_low": found.ci_low, "agreement_ci_high": found.ci_high,
                "kappa": found.kappa, "kappa_ci_low": found.kappa_ci_low, "kappa_ci_high": found.kappa_ci_high,
                "kappa_both": both.kappa, "note": "; ".join(notes) or None,
            }
        )  # fmt: skip
    return conform(pd.DataFrame(rows, columns=list(CONCORDANCE.names)), CONCORDANCE)


def disagreements(subtypes: pd.DataFrame, samples: pd.DataFrame | None = None) -> pd.DataFrame:
    """List every patient on whom two methods of one kind differ, with what may explain it.

    Parameters
    ----------
    subtypes : DataFrame
        Schema SUBTYPES.
    samples : DataFrame, optional
        Schema SAMPLES: to say where the two calls are of different time points.

    Returns
    -------
    DataFrame
        Schema DISAGREEMENTS, by pair of methods, patients in the order of `subtypes`.
    """
    import pandas as pd

    at = {} if samples is None else dict(zip(samples["sample_id"], samples["timepoint"], strict=True))
    of = {(row["patient_id"], row["method"]): row for row in subtypes.to_dict("records")}
    rows: list[dict[str, Any]] = []
    for kind, first, second, calls in _pairs(subtypes):
        one, two = (_as_compared(calls[name].tolist(), calls) for name in (first, second))
        if not _one_naming(kind, first, second, one, two):
            continue  # C1 and BN2 are names of two systems: to list every patient as a disagreement would say nothing
        for patient, a, b in zip(calls.index, one, two, strict=True):
            if a == b:
                continue
            left, right = of[patient, first], of[patient, second]
            rows.append(
                {
                    "patient_id": patient, "method_1": first, "subtype_1": left["subtype"], "method_2": second,
                    "subtype_2": right["subtype"], "difference": "unclassified" if UNCLASSIFIED in (a, b) else "other_class",
                    "why": "; ".join([*_why(left), *_why(right), *_other_sample(left, right, at)]) or None,
                    "reason_1": left["reason"], "reason_2": right["reason"],
                }
            )  # fmt: skip
    return conform(pd.DataFrame(rows, columns=list(DISAGREEMENTS.names)), DISAGREEMENTS)


def _pairs(subtypes: pd.DataFrame) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """Yield kind, two methods and the calls of the patients whom both called."""
    import pandas as pd

    kinds = dict(zip(subtypes["method"], subtypes["kind"], strict=True))
    for name, calls in subtypes.dropna(subset="subtype").groupby("method", sort=False)["subtype"]:
        if set(calls) - {UNCLASSIFIED} and set(calls) - {UNCLASSIFIED} <= _OF_DARK_ZONE:
            kinds[name] = "risk"  # one signature, whatever the kind under which its platforms stand
    of = {name: rows.set_index("patient_id")["subtype"] for name, rows in subtypes.groupby("method", sort=False)}
    patients = pd.Index(subtypes["patient_id"].drop_duplicates())
    wide = pd.DataFrame({name: calls.reindex(patients) for name, calls in of.items()}, index=patients)
    for first, second in combinations(kinds, 2):
        if kinds[first] == kinds[second]:
            yield str(kinds[first]), str(first), str(second), wide[[first, second]].dropna()


def _as_compared(calls: list[str], both: pd.DataFrame) -> list[str]:
    """Return calls with ABC as non-GCB where either of the two speaks of non-GCB, 'MCD-like' as MCD, and the dark zone under one name."""
    calls = [_DARK_ZONE.get(call, call.removesuffix("-like")) for call in calls]
    if not (both == "non-GCB").any(axis=None):
        return calls
    return [_NON_GCB.get(call, call) for call in calls]


def _one_naming(kind: str, first: str, second: str, one: list[str], two: list[str]) -> bool:
    """Return whether two methods name their classes by one system; no calls are nobody's.

    Cell of origin is one system.  Genetic classes are told by their form, all others (risk, expression classes) by a class in
    common, of those that a known method has, or else that were called.
    """
    if kind == "cell_of_origin":
        return True
    called = [set(calls) - {UNCLASSIFIED} for calls in (one, two)]
    if not all(called):
        return True
    if kind == "genetic":
        systems = [{_system(call) for call in calls} for calls in called]
        return bool((systems[0] & systems[1]) - {"cluster"})
    known = {method.name: {_DARK_ZONE.get(name, name) for name in method.classes} for method in METHODS}
    named = [calls | known.get(method, set()) for calls, method in zip(called, (first, second), strict=True)]
    return bool(named[0] & named[1]) or all(len(calls) == 1 for calls in named)


def _system(call: str) -> str:
    """Return the system of a genetic class: C0 to C5, clusters of a mixture (each fit has its own), or LymphGen's names."""
    if re.fullmatch(r"C\d", call):
        return "C0 to C5"
    return "cluster" if re.fullmatch(r"G\d+", call) else "names"


def _why(row: dict[str, Any]) -> list[str]:
    text = row["flags"] if isinstance(row["flags"], str) else ""
    told = [flag for flag in text.split(";") if flag in _TELLING]
    out = [f"{row['method']}: {', '.join(told).replace('_', ' ')}"] if told else []
    if row["subtype"] == UNCLASSIFIED:
        out.append(f"{row['method']}: between the classes")
    elif row["probability"] < _CLOSE:
        out.append(f"{row['method']}: probability {row['probability']:.2g}")
    if isinstance(row["features_missing"], str):
        out.append(f"{row['method']}: without {row['features_missing'].replace(';', ', ')}")
    if row["verified"] is False:
        out.append(f"{row['method']}: rule not verified")
    return out


def _other_sample(left: dict[str, Any], right: dict[str, Any], at: dict[str, str]) -> list[str]:
    samples = [row["sample_id"] for row in (left, right)]
    if not all(isinstance(name, str) for name in samples) or samples[0] == samples[1]:
        return []
    times = [at.get(name) for name in samples]
    where = f", {times[0]} and {times[1]}" if None not in times and times[0] != times[1] else ""
    return [f"different samples ({samples[0]}, {samples[1]}{where})"]
