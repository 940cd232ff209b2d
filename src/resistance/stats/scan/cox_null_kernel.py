"""The Cox model of the covariates alone, compiled: its maximum, and what the score test of any marker needs of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from resistance.compiled import njit
from resistance.stats._arrays import FloatArray
from resistance.stats.scan.newton_kernel import AT_REST, LONGEST, MAX_STEPS, newton_step

#: numbers of a step in the walk: the patient's weight (negative: leaves); where an event time is settled, the reciprocal of the
#: weights at risk, and of tied events the share of the tied in it and the factors of S^2, S D and D^2
WALK = 6
#: what happens at a step beside entering or leaving: an event of its own time; one of tied events; the last of these
ALONE, TIED, LAST = 1, 2, 3


@njit(cache=True, nogil=True, error_model="numpy")
def evaluate(
    step_row: Any,
    step_sign: FloatArray,
    step_end: Any,
    fresh: Any,
    dead_row: Any,
    dead_start: Any,
    dead_end: Any,
    efron: bool,
    z: FloatArray,
    beta: FloatArray,
    gradient: FloatArray,
    information: FloatArray,
) -> float:
    """Return Cox's log partial likelihood; write its gradient (k,) and minus its second derivatives (k, k).

    Parameters
    ----------
    step_row, step_sign, step_end, fresh, dead_row, dead_start, dead_end, efron
        :attr:`resistance.stats.scan.risk_sets.RiskSets.steps`.
    z : array, shape (n, k)
    """
    n, k = z.shape
    linear = np.zeros(n)
    shift = -np.inf
    for i in range(n):
        for j in range(k):
            linear[i] += z[i, j] * beta[j]
        shift = max(shift, linear[i])
    gradient[:] = 0.0
    information[:] = 0.0
    at_risk, tied = np.zeros(1 + k + k * k), np.zeros(1 + k + k * k)
    mean = np.zeros(k)
    loglike = 0.0
    step = 0
    for g in range(step_end.size):
        if fresh[g]:
            at_risk[:] = 0.0
        while step < step_end[g]:
            row = step_row[step]
            _add(at_risk, math.exp(linear[row] - shift) * step_sign[step], z, row)
            step += 1
        first, last = dead_start[g], dead_end[g]
        tied[:] = 0.0
        for d in range(first, last):
            row = dead_row[d]
            loglike += linear[row]
            for j in range(k):
                gradient[j] += z[row, j]
            if efron and last - first > 1:
                _add(tied, math.exp(linear[row] - shift), z, row)
        for d in range(last - first):
            share = d / (last - first) if efron else 0.0
            total = at_risk[0] - share * tied[0]
            loglike -= math.log(total) + shift
            for j in range(k):
                mean[j] = (at_risk[1 + j] - share * tied[1 + j]) / total
                gradient[j] -= mean[j]
            for a in range(k):
                for b in range(k):
                    at = 1 + k + a * k + b
                    information[a, b] += (at_risk[at] - share * tied[at]) / total - mean[a] * mean[b]
    return loglike


@njit(cache=True, nogil=True)
def _add(sums: FloatArray, weight: float, z: FloatArray, row: int) -> None:
    """Add a patient's weight, times the columns, times their products."""
    k = z.shape[1]
    sums[0] += weight
    for a in range(k):
        sums[1 + a] += weight * z[row, a]
        for b in range(k):
            sums[1 + k + a * k + b] += weight * z[row, a] * z[row, b]


@njit(cache=True, nogil=True, error_model="numpy")
def climb(
    step_row: Any,
    step_sign: FloatArray,
    step_end: Any,
    fresh: Any,
    dead_row: Any,
    dead_start: Any,
    dead_end: Any,
    efron: bool,
    z: FloatArray,
    beta: FloatArray,
    information: FloatArray,
    root: FloatArray,
) -> bool:
    """Climb to the maximum by Newton's method; return whether all went well (if not, somebody more careful must look).

    Parameters
    ----------
    beta : array, shape (k,)
        Takes the coefficients; a start on entry.
    information, root : array, shape (k, k)
        Take minus the second derivatives there, and the inverse of their lower Cholesky factor.
    """
    k = beta.size
    gradient, step = np.zeros(k), np.zeros(k)
    before = -np.inf
    for _ in range(MAX_STEPS):
        loglike = evaluate(
            step_row, step_sign, step_end, fresh, dead_row, dead_start, dead_end, efron, z, beta, gradient, information
        )
        if not (math.isfinite(loglike) and loglike >= before - 1e-10 * max(1.0, abs(loglike))):
            return False
        before = loglike
        longest = newton_step(gradient, information, root, step)
        if not longest < LONGEST:
            return False
        for a in range(k):
            beta[a] += step[a]
        if longest < AT_REST:
            return True
    return False


@njit(cache=True, nogil=True, error_model="numpy")
def hazards(
    step_row: Any,
    step_sign: FloatArray,
    step_end: Any,
    fresh: Any,
    dead_row: Any,
    dead_start: Any,
    dead_end: Any,
    efron: bool,
    z: FloatArray,
    beta: FloatArray,
    weight: FloatArray,
    expected: FloatArray,
    cross: FloatArray,
    settled: FloatArray,
) -> None:
    """Write what the score of a marker needs of the model of the covariates.

    Parameters
    ----------
    weight, expected : array, shape (n,)
        Relative hazard (up to a factor), and expected events, by the ties' rule.
    cross : array, shape (n, k)
        Its product with a marker is the marker's information with the covariates.
    settled : array, shape (event times, 5)
        The means at one event time add up to ``settled[:2] @ (S, -D)``, their squares to ``settled[2:] @ (S^2, -2 S D, D^2)``,
        S the weighted sum of the marker at risk and D that of those who have the event then.
    """
    n, k = z.shape
    times = step_end.size
    shift = -np.inf
    for i in range(n):
        weight[i] = 0.0
        for j in range(k):
            weight[i] += z[i, j] * beta[j]
        shift = max(shift, weight[i])
    for i in range(n):
        weight[i] = math.exp(weight[i] - shift)
    expected[:] = 0.0
    cross[:] = 0.0
    settled[:] = 0.0
    # hazard, and hazard times mean of the covariates, from each event time to the last one of the stratum
    onward = np.zeros((times + 1, 1 + k))
    at_risk, tied = np.zeros(1 + k), np.zeros(1 + k)
    step = 0
    for g in range(times):
        if fresh[g]:
            at_risk[:] = 0.0
        while step < step_end[g]:
            row = step_row[step]
            w = weight[row] * step_sign[step]
            at_risk[0] += w
            for j in range(k):
                at_risk[1 + j] += w * z[row, j]
            step += 1
        first, last = dead_start[g], dead_end[g]
        tied[:] = 0.0
        if efron and last - first > 1:
            for d in range(first, last):
                w = weight[dead_row[d]]
                tied[0] += w
                for j in range(k):
                    tied[1 + j] += w * z[dead_row[d], j]
        for d in range(last - first):
            share = d / (last - first) if efron else 0.0
            recip = 1.0 / (at_risk[0] - share * tied[0])
            settled[g, 0] += recip
            settled[g, 1] += share * recip
            settled[g, 2] += recip * recip
            settled[g, 3] += share * recip * recip
            settled[g, 4] += share * share * recip * recip
            onward[g, 0] += recip
            for j in range(k):
                onward[g, 1 + j] += recip * recip * (at_risk[1 + j] - share * tied[1 + j])
            if share > 0.0:
                for e in range(first, last):
                    row = dead_row[e]
                    expected[row] -= weight[row] * share * recip
                    for j in range(k):
                        cross[row, j] += weight[row] * share * recip * recip * (at_risk[1 + j] - share * tied[1 + j])
    for g in range(times - 2, -1, -1):
        if not fresh[g + 1]:
            for j in range(1 + k):
                onward[g, j] += onward[g + 1, j]
    step = 0
    for g in range(times):
        while step < step_end[g]:
            row = step_row[step]
            w = weight[row] * step_sign[step]
            expected[row] += w * onward[g, 0]
            for j in range(k):
                cross[row, j] -= w * onward[g, 1 + j]
            step += 1
    for i in range(n):
        for j in range(k):
            cross[i, j] += z[i, j] * expected[i]


@njit(cache=True, nogil=True)
def lay_out(
    step_row: Any,
    step_sign: FloatArray,
    step_end: Any,
    fresh: Any,
    event: Any,
    weight: FloatArray,
    settled: FloatArray,
    cross: FloatArray,
    together: int,
    rows: Any,
    kinds: Any,
    opens: Any,
    walk: FloatArray,
    factors: FloatArray,
) -> int:
    """Write what :func:`resistance.stats.scan.cox_score_kernel.walk_markers` takes; return how many steps that are.

    Parameters
    ----------
    together : int
        A stratum begins at a multiple of this, and the steps are one.
    rows, kinds, opens, walk, factors : array
        As there, long enough; zero on entry.
    """
    n, k = cross.shape
    at = 0
    begin = 0
    stepped = np.zeros(n, dtype=np.bool_)
    for g in range(step_end.size):
        end = step_end[g]
        if g > 0 and fresh[g]:
            at = _fill_up(rows, at, together)
            opens[at // together] = True
        # who enters between two event times, and has the event, has it at the earlier of the two: these come last
        for events in (False, True):
            for step in range(begin, end):
                row = step_row[step]
                enters = step_sign[step] > 0.0
                if (enters and event[row]) != events:
                    continue
                rows[at] = row
                walk[at * WALK] = weight[row] * step_sign[step]
                if events:
                    kinds[at] = TIED
                if enters:
                    stepped[row] = True
                    for j in range(k):
                        factors[at * k + j] = cross[row, j]
                at += 1
        last = at - 1
        kinds[last] = LAST if last > 0 and kinds[last - 1] == TIED else ALONE
        here = last * WALK
        walk[here + 1] = settled[g, 0]
        walk[here + 2] = settled[g, 1]
        walk[here + 3] = settled[g, 2]
        walk[here + 4] = -2.0 * settled[g, 3]
        walk[here + 5] = settled[g, 4]
        begin = end
    for row in range(n):
        if not stepped[row]:
            # never at risk when an event happens: read only to find a missing value
            rows[at] = row
            at += 1
    return _fill_up(rows, at, together)


@njit(cache=True, nogil=True)
def _fill_up(rows: Any, at: int, together: int) -> int:
    """Add steps at which nothing happens, up to a multiple of `together`."""
    while at % together:
        rows[at] = rows[at - 1]
        at += 1
    return at
