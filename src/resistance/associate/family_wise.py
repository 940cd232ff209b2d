"""Families of single markers -> step-down max-T p-values of Westfall and Young, by permutation within strata."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resistance.associate.methods.record import Sample
from resistance.associate.question import Question
from resistance.associate.rows import rows_of
from resistance.associate.sample import sample_of
from resistance.associate.setting import Setting
from resistance.associate.states import NOT_ASSESSED
from resistance.config import CohortFile
from resistance.stats.permutation import logistic_permutation_scan, permutation_scan

KINDS = ("markers", "features", "genes")
MODELS = ("crude", "adjusted")


def family_wise(questions: Iterable[Question], config: CohortFile, setting: Setting) -> dict[str, float]:
    """Return question_id -> adjusted p, for the questions of families that allow it.

    All markers of a family are permuted together, which keeps how they go with each other.  A marker's statistic is
    that of the patients in whom it was assessed; the model of the covariates and the permutation are those of all
    patients in whom any marker of the family was (:mod:`resistance.stats.partly_assessed` says what that assumes).

    Parameters
    ----------
    questions : iterable of Question
        The plan.
    """
    together: dict[str, list[Question]] = {}
    for question in questions:
        kind = config.endpoints[question.endpoint].kind
        if question.kind in KINDS and question.model in MODELS and kind in ("binary", "time_to_event") and not question.refused:
            together.setdefault(question.family, []).append(question)
    out: dict[str, float] = {}
    for family in together.values():
        out |= _adjusted(family, config, setting)
    return out


def _adjusted(family: list[Question], config: CohortFile, setting: Setting) -> dict[str, float]:
    first, rows = family[0], rows_of(family[0], config, setting)
    every = [rows_of(question, config, setting) for question in family]
    rows = replace(rows, assessed=np.logical_or.reduce([each.assessed for each in every]))
    strata = setting.stratified_by if first.model == "adjusted" else ()
    covariates = tuple(name for name in first.covariates if name not in strata)
    sample, _ = sample_of(replace(first, covariates=covariates, strata=strata), rows, 0, config, setting)
    here = rows.used
    markers = np.column_stack([np.where(each.assessed, each.terms[:, 0], NOT_ASSESSED)[here] for each in every]).astype(np.int8)
    found = _scan(sample, markers, config.endpoints[first.endpoint].kind)
    return {q.question_id: float(p) for q, p in zip(family, found, strict=True) if np.isfinite(p)}


def _scan(sample: Sample, markers: NDArray[np.int8], kind: str) -> NDArray[np.float64]:
    options: dict[str, Any] = {
        "covariates": sample.covariates, "strata": sample.strata, "permutations": sample.permutations, "seed": sample.seed, "project": True,
    }  # fmt: skip
    if kind == "binary":
        return logistic_permutation_scan(sample.event, markers, adjust="max_t", **options).p_adjusted
    return permutation_scan(sample.time, sample.event, markers, start=sample.entry, adjust="max_t", **options).p_adjusted
