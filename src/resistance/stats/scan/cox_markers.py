"""The checked input that every scan of Cox models shares: who is at risk when, covariates of unit range, markers in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, codes, flags, matrix, numbers, to_unit_range
from resistance.stats.newton import Maximum
from resistance.stats.scan.risk_sets import RiskSets, risk_sets
from resistance.stats.scan.threads import threads_to_use

Ties = Literal["efron", "breslow"]
Whole = NDArray[np.int64]
#: patients x markers below which the compiled kernel costs more than it saves
SMALL = 4_000
#: numbers of one chunk of markers: the memory of a scan does not grow with the number of markers
CHUNK = 262_144


def why_not(sets: RiskSets, null: Maximum) -> tuple[str, tuple[int, ...], str]:
    """Return why no marker can be answered beside these covariates, if so: reason, covariates, words."""
    if not sets.event.any():
        return "no events", (), "no events"
    if null.converged:
        return "", (), ""
    which = ("covariate " if len(null.columns) == 1 else "covariates ") + ", ".join(str(i) for i in null.columns)
    words = {
        "collinear": f"{which}: constant or collinear (within strata, among patients at risk)",
        "monotone": f"{which}: monotone likelihood (no finite hazard ratio, such as no event on one side)",
        "iterations": "the model of the covariates was not maximised within the allowed iterations",
    }
    return null.reason, null.columns, words[null.reason]


class MarkerCounts:
    """The columns of a result that only count, and the reason why there is none."""

    def __init__(self, m: int) -> None:
        self.n, self.events = np.zeros(m, dtype=np.int64), np.zeros(m, dtype=np.int64)
        self.carriers, self.carrier_events = np.zeros(m, dtype=np.int64), np.zeros(m, dtype=np.int64)
        self.reason = np.zeros(m, dtype="U11")

    def count(self, data: CoxMarkers) -> None:
        """Fill the counts only."""
        for columns in data.chunks():
            data.chunk(columns, self)


class CoxMarkers:
    """The checked input of a scan."""

    def __init__(
        self,
        time: ArrayLike,
        event: ArrayLike,
        markers: ArrayLike,
        covariates: ArrayLike | None,
        start: ArrayLike | None,
        strata: Any,
        ties: Ties,
        confidence: float = 0.95,
    ) -> None:
        if not 0 < confidence < 1:
            raise ValueError(f"confidence: between 0 and 1, not {confidence}")
        t = numbers(time, "time")
        n = t.size
        e = flags(event, "event", n)
        table = np.asarray(markers)
        if table.dtype.kind not in "biuf":
            table = np.asarray(markers, dtype=np.float64)
        if table.ndim == 1 and table.size == n:
            table = table.reshape(n, 1)
        if table.ndim != 2 or table.shape[0] != n:
            raise ValueError(f"markers: shape {table.shape} for {n} patients")
        self.markers = table
        z = np.zeros((n, 0)) if covariates is None else matrix(covariates, "covariates", n)
        begin = None if start is None else numbers(start, "start", n)
        groups = None if strata is None else codes(strata, "strata", n)
        self.sets: RiskSets = risk_sets(t, e, begin, groups, ties)
        self.covariates, self.spread = to_unit_range(z)
        self.n, self.m, self.k = n, table.shape[1], z.shape[1]

    @property
    def small(self) -> bool:
        """Tell whether numpy is done before a compiled kernel is loaded."""
        return self.n * self.m <= SMALL

    def chunks(self) -> Iterator[slice]:
        """Yield runs of markers that keep the memory constant; a multiple of the lanes."""
        width = max(8, CHUNK // max(1, self.n) // 8 * 8)
        for first in range(0, self.m, width):
            yield slice(first, min(self.m, first + width))

    def chunk(
        self, columns: slice | NDArray[np.intp], found: MarkerCounts
    ) -> tuple[FloatArray, BoolArray, FloatArray, NDArray[np.str_]]:
        """Return markers of unit range (0 where missing), who is in each model, the ranges, and what rules a marker out."""
        raw = self.markers[:, columns]
        x = np.array(raw, dtype=np.float64, order="C")
        if raw.dtype.kind == "f":
            alive = ~np.isnan(x)
            if np.isinf(x).any():
                raise ValueError(f"markers: {int(np.isinf(x).sum())} value(s) are infinite")
        elif raw.dtype.kind == "i":
            alive = raw != -1
        else:
            alive = np.ones(raw.shape, dtype=bool)
        whole = bool(alive.all())
        x[~alive] = 0.0
        event = self.sets.event
        count = alive.sum(axis=0)
        found.n[columns] = count
        found.events[columns] = alive[event].sum(axis=0)
        found.carriers[columns] = np.count_nonzero(x, axis=0)
        found.carrier_events[columns] = np.count_nonzero(x[event], axis=0)
        if self.n == 0 or not x.shape[1]:
            low = high = np.zeros(x.shape[1])
        elif whole:
            low, high = x.min(axis=0), x.max(axis=0)
        else:
            low, high = np.where(alive, x, np.inf).min(axis=0), np.where(alive, x, -np.inf).max(axis=0)
        reason = np.full(x.shape[1], "", dtype="U11")
        constant = ~(high > low)
        reason[constant] = "constant"
        reason[found.events[columns] == 0] = "no events"
        reason[count == 0] = "all missing"
        spread = np.where(constant, 1.0, high - low)
        x -= np.where(np.isfinite(low), low, 0.0)
        x /= spread
        if not whole:
            x[~alive] = 0.0
        return x, alive, spread, reason

    def run(self, work: Callable[[slice], None], threads: int | None) -> None:
        """Do the chunks, several at a time; each writes into places of its own."""
        workers = threads_to_use(threads)
        if workers == 1:
            for columns in self.chunks():
                work(columns)
            return
        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(work, self.chunks()):
                pass
