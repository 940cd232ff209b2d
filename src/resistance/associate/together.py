"""Questions that differ in the marker only -> their estimates, all at once, in blocks that keep the memory constant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from resistance.associate.leak import NEAR, correlation_is_one, in_the_same_order
from resistance.associate.methods import Estimate, FamilySample, Method, method_named, too_few_of
from resistance.associate.methods.restricted_mean import with_restricted_means
from resistance.associate.question import Question
from resistance.associate.rows import Rows, rows_of
from resistance.associate.sample import out_of_range, sample_of
from resistance.associate.setting import Setting
from resistance.associate.states import NOT_ASSESSED, PRESENT
from resistance.config import CohortFile

KINDS = ("markers", "features", "genes", "expression")
MODELS = ("crude", "adjusted")
#: questions that differ in the marker only, from which on they are answered together, and how many at once
LEAST, BLOCK = 10, 2048

Answers = dict[str, tuple[Estimate, list[str]]]
FloatArray = NDArray[np.float64]


def answered_together(questions: Sequence[Question], config: CohortFile, setting: Setting, *, least: int = LEAST) -> Answers:
    """Answer the questions that can be answered together.

    Parameters
    ----------
    questions : sequence of Question
        The plan.
    config, setting
    least : int
        Fewer questions of a kind are left to be answered one by one.

    Returns
    -------
    dict
        question_id -> estimate, and what was left out of the model.  A question that is not in it is for its method's
        `fit`: no scan, too few of its kind, a model without a maximum, a covariate that does not vary in the patients of
        this marker, or a number that may be the outcome itself.
    """
    groups: dict[tuple[object, ...], list[Question]] = {}
    for question in questions:
        if question.kind not in KINDS or question.model not in MODELS or question.refused or question.method == "-":
            continue
        if len(question.terms) == 1 and method_named(question.method).scan is not None:
            flag = question.terms[0] not in setting.measures
            key = (
                question.population,
                question.endpoint,
                question.model,
                question.method,
                question.covariates,
                question.strata,
                flag,
            )
            groups.setdefault(key, []).append(question)
    out: Answers = {}
    for group in groups.values():
        method = method_named(group[0].method)
        if method.whole:
            out |= _answered_whole(group, method, config, setting)
        elif len(group) >= least:
            for block in _blocks(group):
                out |= _answered(block, method, config, setting)
    return out


def _blocks(group: list[Question]) -> Iterator[list[Question]]:
    for first in range(0, len(group), BLOCK):
        yield group[first : first + BLOCK]


def _answered(block: list[Question], method: Method, config: CohortFile, setting: Setting) -> Answers:
    family, notes = _family(block, config, setting)
    shared = family.shared
    kind = config.endpoints[block[0].endpoint].kind
    plain = _plain(family, kind)
    found = [Estimate() for _ in block]
    if plain.size and method.scan is not None:
        part = FamilySample(shared, family.markers[:, plain], tuple(family.labels[i] for i in plain))
        estimates = method.scan(part)
        if kind == "time_to_event" and block[0].model == "crude":
            estimates = with_restricted_means(estimates, part)
        carriers, _, _, both = part.margins
        for place, estimate, hit, events in zip(plain.tolist(), estimates, carriers.tolist(), both.tolist(), strict=True):
            least = config.analysis.min_carrier_events
            exact = method.exact or not shared.flag
            found[place] = estimate if exact else too_few_of(estimate, hit, events, kind, least)
    return {
        question.question_id: (estimate, list(notes))
        for question, estimate in zip(block, found, strict=True)
        if estimate.converged
    }


def _answered_whole(group: list[Question], method: Method, config: CohortFile, setting: Setting) -> Answers:
    family, notes = _family(group, config, setting)
    if setting.counts is not None:
        genes, counts = setting.counts
        place = {gene: i for i, gene in enumerate(genes)}
        rows = rows_of(group[0], config, setting)
        here = rows.base & rows.complete
        at = tuple(place[question.terms[0].partition(":")[2]] for question in group)
        family = replace(family, counts=counts[:, here], rows=at)
    measures = [setting.measures[question.terms[0]] for question in group]
    # back to the unit of the expression
    scale, centre = np.array([m.spread for m in measures]), np.array([m.centre for m in measures])
    found = [] if method.scan is None else method.scan(replace(family, markers=family.markers * scale + centre))
    return {question.question_id: (estimate, list(notes)) for question, estimate in zip(group, found, strict=True)}


def _family(block: list[Question], config: CohortFile, setting: Setting) -> tuple[FamilySample, list[str]]:
    """Return the patients that the questions have in common, and all markers side by side."""
    rows = rows_of(block[0], config, setting)
    everyone = Rows(rows.base, np.ones_like(rows.base), rows.complete, np.zeros((rows.base.size, 1)), flag=rows.flag)
    shared, notes = sample_of(block[0], everyone, 0, config, setting)
    at = np.flatnonzero(everyone.used)
    markers = np.empty((at.size, len(block)))
    for j, question in enumerate(block):
        name = question.terms[0]
        if not rows.flag:
            markers[:, j] = setting.measures[name].value[at]
            continue
        state = setting.state(name)[at]
        markers[:, j] = state == PRESENT
        if config.analysis.not_assessed != "absent":
            markers[state == NOT_ASSESSED, j] = np.nan
    return FamilySample(replace(shared, flag=rows.flag), markers, tuple(setting.labels[q.terms[0]] for q in block)), notes


def _plain(family: FamilySample, kind: str) -> NDArray[np.int64]:
    """Return the markers of which the model is that of the shared patients, and that are not the outcome itself."""
    shared, markers = family.shared, family.markers
    covariates = dict(zip(shared.names[1:], shared.covariates.T, strict=True))
    if out_of_range(covariates | ({"the outcome": shared.value} if kind == "continuous" else {})):
        return np.zeros(0, dtype=np.int64)
    known = ~np.isnan(markers)
    fine = np.asarray(known.any(axis=0))
    gaps = np.flatnonzero(~known.all(axis=0))
    for column in shared.covariates.T:
        spread = np.where(known[:, gaps], column[:, None], np.inf).min(axis=0) < np.where(
            known[:, gaps], column[:, None], -np.inf
        ).max(axis=0)
        fine[gaps] &= spread
    if shared.entry is not None and gaps.size:
        # who is left may all have been followed from day 0: another model of the same numbers, left to the careful way
        fine[gaps] &= (known[:, gaps] & (shared.entry > 0)[:, None]).any(axis=0)
    outcome = shared.time if kind == "time_to_event" else shared.value
    said = shared.event.astype(np.float64) if kind in ("binary", "time_to_event") else outcome
    for column in shared.covariates.T:
        fine[_mirrors(np.where(known, column[:, None], np.nan), outcome, said)] = False
    if shared.flag:
        fine[_flags_of_the_outcome(family, said)] = False
    else:
        fine[_mirrors(markers, outcome, said)] = False
        fine[[bool(out_of_range({"": column})) for column in markers.T]] = False
    return np.flatnonzero(fine)


def _mirrors(columns: FloatArray, outcome: FloatArray, said: FloatArray) -> NDArray[np.bool_]:
    """Return which columns may be the outcome itself: the careful way says whether they are."""
    same = correlation_is_one(columns, outcome, NEAR) | in_the_same_order(columns, outcome)
    return same if said is outcome else same | correlation_is_one(columns, said, NEAR)


def _flags_of_the_outcome(family: FamilySample, said: FloatArray) -> NDArray[np.bool_]:
    """Return which flags say of every patient who had the outcome (of two values), by the margins alone."""
    values = np.unique(said)
    if values.size < 2:
        return np.zeros(family.markers.shape[1], dtype=bool)
    high = said == values[-1]
    known, carrier = ~np.isnan(family.markers), family.markers == 1
    n, carriers, events = known.sum(axis=0), carrier.sum(axis=0), known[high].sum(axis=0)
    both = carrier[high].sum(axis=0)
    same = (both == carriers) & (carriers == events)
    other = (both == 0) & (carriers == n - events)
    return np.asarray((same | other) & (carriers > 0) & (carriers < n), dtype=np.bool_)
