"""Residuals, strata and markers -> sums of permuted residuals: exact where all relabellings can be looked at, else drawn, counted in blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from resistance.stats._arrays import BoolArray, FloatArray
from resistance.stats.permuted_values import DRAWN_AT_ONCE, permuted_values
from resistance.stats.scan.threads import threads_to_use
from resistance.stats.westfall_young import WestfallYoung, step_down_max_t, step_down_min_p

Alternative = Literal["two-sided", "greater", "less"]
Adjust = Literal["max_t", "min_p"]
Integers = NDArray[np.int64]
#: relabellings up to which all of them are looked at
EXACT_UP_TO = 100_000
#: markers multiplied at once (no result depends on it)
MARKERS_AT_ONCE = 512
#: float32 takes this many integers exactly, float64 that many
_EXACT32, _EXACT64 = 2.0**24, 2.0**53


class Tally:
    """The arrays of a result, filled marker by marker."""

    def __init__(self, m: int) -> None:
        self.statistic, self.z, self.p_value, self.p_value_minimum, self.p_adjusted, self.relabellings = (
            np.full(m, np.nan) for _ in range(6)
        )
        self.exact = np.zeros(m, dtype=bool)
        self.n, self.events, self.carriers, self.carrier_events = (np.zeros(m, dtype=np.int64) for _ in range(4))
        self.reason = np.full(m, "", dtype="U16")

    def count(self, which: NDArray[Any], markers: NDArray[Any], here: BoolArray, event: BoolArray) -> None:
        self.n[which], self.events[which] = int(here.sum()), int(event[here].sum())
        for first in range(0, which.size, MARKERS_AT_ONCE):
            part = which[first : first + MARKERS_AT_ONCE]
            hit = markers[:, part][here] != 0
            self.carriers[part], self.carrier_events[part] = hit.sum(axis=0), hit[event[here]].sum(axis=0)


class Relabelling:
    """Markers of the same patients, their residuals, and the permutations."""

    def __init__(
        self,
        residuals: FloatArray,
        strata: Integers,
        event: BoolArray,
        markers: NDArray[Any],
        here: BoolArray,
        which: NDArray[Any],
        permutations: int,
        seed: int,
        alternative: Alternative,
        adjust: Adjust | None,
        threads: int | None,
        out: Tally,
    ) -> None:
        self._markers, self._which, self._out = markers, which, out
        self._permutations, self._seed, self._alternative, self._adjust = permutations, seed, alternative, adjust
        self._workers = threads_to_use(threads)
        out.count(which, markers, here, event)
        rows = np.flatnonzero(here)
        group = np.unique(strata[rows], return_inverse=True)[1]
        centred = residuals - (np.bincount(group, weights=residuals) / np.bincount(group))[group]
        largest = float(np.abs(centred).max())
        # a stratum whose residuals are all alike has nothing to tell: whoever carries the marker, the sum is the same
        telling = np.zeros(group.max() + 1, dtype=bool)
        np.logical_or.at(telling, group, np.abs(centred) > 1e-9 * max(1.0, largest))
        inside = telling[group]
        rows, group, centred = rows[inside], group[inside], centred[inside]
        # by residual within strata, so that the order of the patients plays no part in the random numbers
        total = float(np.abs(centred).sum()) / 2
        self._per_unit = max(total, 1e-300) / (_EXACT32 - 2 * centred.size - 2)
        rounded = np.rint(centred / self._per_unit)
        order = np.lexsort((rounded, group))
        self._rows, self._group, self._residual, self._rounded = rows[order], group[order], centred[order], rounded[order]
        self._single = self._per_unit <= 1e-4 * max(largest, 1e-300)
        self._bounds = [(int(a[0]), int(a[-1]) + 1) for a in _runs(self._group)]

    def run(self) -> None:
        """Fill the result."""
        if not self._rows.size:
            self._out.reason[self._which] = "constant"
            return
        random, continuous = self._describe()
        if self._adjust is not None:
            self._adjusted(random, continuous)
            return
        for which, integers in ((random, True), (continuous, False)):
            if which.size:
                b = self._count(which, integers)
                self._out.p_value[which] = (b + 1) / (self._permutations + 1)
                self._out.p_value_minimum[which] = np.maximum(1 / (self._permutations + 1), 1 / self._out.relabellings[which])

    # what can be said without permutations

    def _describe(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Write statistic, z and relabellings; do the exact tests; return the binary and the other markers that are left."""
        out = self._out
        exact: dict[tuple[int, ...], list[int]] = {}
        binary: list[int] = []
        other: list[int] = []
        sizes = np.array([b - a for a, b in self._bounds])
        for first in range(0, self._which.size, MARKERS_AT_ONCE):
            part = self._which[first : first + MARKERS_AT_ONCE]
            x = self._values(part)
            # one marker in a row: numpy adds each row in the same order, however many there are
            lines = np.ascontiguousarray(x.T)
            out.statistic[part] = (lines * self._residual).sum(axis=1)
            variance = self._variance(lines)
            two = ((x == 0) | (x == 1)).all(axis=0)
            counts = np.array([x[a:b].sum(axis=0) for a, b in self._bounds]).T
            for j, marker in enumerate(part):
                if not variance[j] > 1e-20:
                    out.reason[marker] = "constant"
                    continue
                out.z[marker] = out.statistic[marker] / np.sqrt(variance[j])
                if two[j]:
                    key = tuple(int(c) for c in counts[j])
                    number = _ways(key, sizes)
                else:
                    key = ()
                    number = _arrangements([x[a:b, j] for a, b in self._bounds])
                out.relabellings[marker] = number
                if number <= EXACT_UP_TO and self._adjust is None:
                    out.exact[marker] = True
                    if two[j]:
                        exact.setdefault(key, []).append(int(marker))
                    else:
                        self._exact(np.array([marker]), self._all_sums([x[a:b, j] for a, b in self._bounds]))
                else:
                    (binary if two[j] else other).append(int(marker))
        for key, members in exact.items():  # the distribution is the same for all of them
            self._exact(np.array(members), self._all_choices(key))
        return np.array(binary, dtype=np.intp), np.array(other, dtype=np.intp)

    def _values(self, part: NDArray[Any]) -> FloatArray:
        return np.asarray(self._markers[:, part][self._rows], dtype=np.float64)

    def _all_choices(self, carriers: tuple[int, ...]) -> FloatArray:
        """Return the sums of all choices of that many carriers in each stratum."""
        sums = np.zeros(1)
        for (a, b), c in zip(self._bounds, carriers, strict=True):
            r = self._residual[a:b]
            if 0 < c < b - a:
                few = min(c, b - a - c)  # the residuals sum to 0, so that the others' sum is minus this one
                chosen = np.fromiter(
                    (i for choice in combinations(range(b - a), few) for i in choice),
                    dtype=np.intp,
                    count=math.comb(b - a, few) * few,
                )
                own = r[chosen.reshape(-1, few)].sum(axis=1)
                sums = (sums[:, None] + (own if few == c else -own)).ravel()
        return sums

    def _all_sums(self, values: list[FloatArray]) -> FloatArray:
        """Return the sums of all arrangements of a marker with any values within the strata."""
        sums = np.zeros(1)
        for (a, b), x in zip(self._bounds, values, strict=True):
            arranged = np.array(list(_distinct(np.sort(x).tolist())))
            sums = (sums[:, None] + arranged @ self._residual[a:b]).ravel()
        return sums

    def _exact(self, which: NDArray[Any], sums: FloatArray) -> None:
        ranked = np.sort(side_of(sums, self._alternative))
        slack = 1e-9 * float(np.abs(sums).max())
        observed = side_of(self._out.statistic[which], self._alternative)
        at_least = sums.size - np.searchsorted(ranked, observed - slack, side="left")
        self._out.p_value[which] = at_least / sums.size
        self._out.p_value_minimum[which] = (sums.size - np.searchsorted(ranked, ranked[-1] - slack, side="left")) / sums.size

    # random permutations

    def _permuted(self, rounded: FloatArray, kind: Any) -> Iterator[NDArray[Any]]:
        return permuted_values(rounded, self._bounds, self._permutations, self._seed, kind)

    def _integers(self, part: NDArray[Any], binary: bool) -> tuple[FloatArray, FloatArray, FloatArray, float]:
        """Return residuals and markers as integers, by how much equal sums may differ, and the unit of the sums."""
        x = self._values(part)
        if binary and self._single:
            return self._rounded, x, x.sum(axis=0), self._per_unit
        # double precision: 22 bits for the marker, the rest for the residuals
        largest = np.abs(x).max(axis=0)
        scale = np.ones(part.size) if binary else 2.0 ** (21 - np.ceil(np.log2(np.maximum(largest, 1e-300))))
        whole = (x == np.rint(x)).all(axis=0) & (largest <= 2**21)
        x = np.rint(x * np.where(whole, 1.0, scale))
        unit = float(np.abs(self._residual).sum()) * 2**22 / (_EXACT64 - 2**26)
        return np.rint(self._residual / unit), x, np.abs(x).sum(axis=0), unit

    def _count(self, which: NDArray[Any], binary: bool) -> Integers:
        """Return how many random permutations are at least as extreme as the marker itself."""
        single = binary and self._single
        kind = np.float32 if single else np.float64
        rounded = self._integers(which[:1], binary)[0]
        # rare markers are summed over their carriers only, the others multiplied as matrices: both are exact
        rare = np.zeros(which.size, dtype=bool)
        if binary:
            rare = self._out.carriers[which] < rounded.size / SPARSE
        counts = np.zeros(which.size, dtype=np.int64)
        blocks = [(np.flatnonzero(rare)[a : a + MARKERS_AT_ONCE], True) for a in range(0, int(rare.sum()), MARKERS_AT_ONCE)]
        blocks += [(np.flatnonzero(~rare)[a : a + MARKERS_AT_ONCE], False) for a in range(0, int((~rare).sum()), MARKERS_AT_ONCE)]
        for table in self._permuted(rounded, kind):

            def work(block: tuple[NDArray[Any], bool], table: NDArray[Any] = table) -> None:
                places, sparse = block
                _, x, slack, _ = self._integers(which[places], binary)
                least = side_of(rounded @ x, self._alternative) - slack
                left: Any = np.ascontiguousarray(x.T.astype(kind))
                if sparse:
                    from scipy.sparse import csr_array

                    left = csr_array(left)
                for a in range(0, table.shape[1], DRAWN_AT_ONCE):
                    sums = left @ table[:, a : a + DRAWN_AT_ONCE]
                    if self._alternative == "two-sided":
                        np.abs(sums, out=sums)
                    elif self._alternative == "less":
                        np.negative(sums, out=sums)
                    counts[places] += np.count_nonzero(sums >= least.astype(kind)[:, None], axis=1)

            self._parallel(work, blocks)
        return counts

    def _parallel(self, work: Callable[[Any], None], jobs: list[Any]) -> None:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # comes with scikit-learn

        with threadpool_limits(1, user_api="blas"):
            if self._workers == 1 or len(jobs) == 1:
                for job in jobs:
                    work(job)
                return
            with ThreadPoolExecutor(self._workers) as pool:
                for _ in pool.map(work, jobs):
                    pass

    def _adjusted(self, binary: NDArray[Any], other: NDArray[Any]) -> None:
        """Write raw and adjusted p from the same random permutations of all markers together."""
        out, which = self._out, np.sort(np.concatenate([binary, other]))
        if not which.size:
            return
        single = self._single and not other.size
        kind = np.float32 if single else np.float64
        rounded, _, _, unit = self._integers(which[:1], bool(single))
        table = np.hstack(list(self._permuted(rounded, kind)))
        scale = np.ones(which.size)
        observed, slack = np.empty(which.size), np.empty(which.size)
        for a in range(0, which.size, MARKERS_AT_ONCE):
            part = slice(a, a + MARKERS_AT_ONCE)
            _, x, tolerance, _ = self._integers(which[part], bool(single))
            raw = self._values(which[part])
            # what one unit of the integers is in standard deviations of the statistic
            size = np.abs(raw).max(axis=0) / np.maximum(np.abs(x).max(axis=0), 1e-300)
            scale[part] = unit * size / np.sqrt(self._variance(np.ascontiguousarray(raw.T)))
            observed[part], slack[part] = side_of(rounded @ x, self._alternative), tolerance

        def permuted(chosen: NDArray[np.intp]) -> FloatArray:
            _, x, _, _ = self._integers(which[chosen], bool(single))
            left = np.ascontiguousarray(x.T.astype(kind))
            values = np.empty((chosen.size, self._permutations))

            def work(a: int) -> None:
                part = slice(a, a + 8 * DRAWN_AT_ONCE)
                sums = side_of(left @ table[:, part], self._alternative)
                np.multiply(sums, scale[chosen, None], out=values[:, part])

            self._parallel(work, list(range(0, self._permutations, 8 * DRAWN_AT_ONCE)))
            return values

        method = step_down_max_t if self._adjust == "max_t" else step_down_min_p
        found: WestfallYoung = method(observed * scale, permuted, self._permutations, False, slack * scale)
        out.p_value[which], out.p_adjusted[which] = found.p_value, found.p_adjusted
        out.p_value_minimum[which] = np.maximum(1 / (self._permutations + 1), 1 / out.relabellings[which])

    def _variance(self, lines: FloatArray) -> FloatArray:
        """Return the variance of each marker's statistic under permutation; one marker in a row."""
        variance = np.zeros(lines.shape[0])
        for a, b in self._bounds:
            if b - a > 1:
                part = np.ascontiguousarray(lines[:, a:b])
                spread = np.square(part - part.mean(axis=1, keepdims=True)).sum(axis=1)
                variance += np.square(self._residual[a:b]).sum() * spread / (b - a - 1)
        return variance


#: a binary marker with fewer than 1 carrier in this many patients is summed over its carriers
SPARSE = 10


def side_of(values: NDArray[Any], alternative: Alternative) -> NDArray[Any]:
    """Return the statistic so that larger is more extreme."""
    if alternative == "two-sided":
        return np.asarray(np.abs(values))
    return -values if alternative == "less" else values


def _runs(group: NDArray[Any]) -> list[NDArray[Any]]:
    return np.split(np.arange(group.size), np.flatnonzero(np.diff(group)) + 1) if group.size else []


def _ways(carriers: tuple[int, ...], sizes: NDArray[Any]) -> float:
    number = 1
    for c, size in zip(carriers, sizes, strict=True):
        number *= math.comb(int(size), c)
    return float(number) if number.bit_length() < 1024 else math.inf


def _arrangements(values: list[FloatArray]) -> float:
    number = 1
    for x in values:
        number *= math.factorial(x.size)
        for repeated in np.unique(x, return_counts=True)[1]:
            number //= math.factorial(int(repeated))
    return float(number) if number.bit_length() < 1024 else math.inf


def _distinct(values: list[float]) -> Iterator[list[float]]:
    """Yield the distinct arrangements of sorted values, in lexicographic order."""
    while True:
        yield list(values)
        i = len(values) - 2
        while i >= 0 and values[i] >= values[i + 1]:
            i -= 1
        if i < 0:
            return
        j = len(values) - 1
        while values[j] <= values[i]:
            j -= 1
        values[i], values[j] = values[j], values[i]
        values[i + 1 :] = values[:i:-1]
