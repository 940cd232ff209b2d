"""Times, events, the same covariates and very many markers -> for each marker the score test of proportional hazards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, codes, flags, matrix, to_unit_range
from resistance.stats._threads import one_thread
from resistance.stats._times import follow_up

#: markers of one block; entries of the terms x patients table beyond which the caller must ask one by one
BLOCK, TABLE = 256, 8_000_000
STEPS, AT_REST = 20, 1e-9


@one_thread
def proportional_hazards_scan(
    time: ArrayLike,
    event: ArrayLike,
    markers: ArrayLike,
    covariates: ArrayLike,
    *,
    start: ArrayLike | None = None,
    strata: Any = None,
) -> FloatArray:
    """Test of each marker whether its hazard ratio changes with time, given the covariates (Efron ties, Kaplan-Meier transform).

    Parameters
    ----------
    time, event, start, strata
        As in :func:`resistance.stats.proportional_hazards.proportional_hazards`.
    markers : array of float, shape (n, m)
        NaN: the patient is left out of that marker's model.
    covariates : array, shape (n, k)
        Without missing values; k may be 0.

    Returns
    -------
    array, shape (m,)
        p of the marker's column; NaN where the model has no maximum that a few steps reach, or where the table of
        risk sets would be too large: ask :func:`resistance.stats.proportional_hazards.proportional_hazards` there.

    Notes
    -----
    Grambsch and Therneau 1994, doi:10.1093/biomet/81.3.515, with the exact information.  The moments of all
    markers over all risk sets are products with one matrix, risk sets x patients.
    """
    t, s = follow_up(time, start)
    n = t.size
    e = flags(event, "event", n)
    x = np.asarray(markers, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] != n:
        raise ValueError(f"markers: shape {x.shape} for {n} patients")
    z = matrix(covariates, "covariates", n)
    groups = np.zeros(n, dtype=np.int64) if strata is None else codes(strata, "strata", n)
    found = np.full(x.shape[1], np.nan)
    for here, which in _patterns(x):
        mine = e[here]
        if not mine.any() or int(mine.sum()) * mine.size > TABLE:
            continue
        unit, spread = to_unit_range(z[here])
        unit = unit[:, spread > 0]
        sets = _Sets(t[here], mine, None if s is None else s[here], groups[here])
        for first in range(0, which.size, BLOCK):
            part = which[first : first + BLOCK]
            found[part] = sets.test(x[np.ix_(here, part)], unit)
    return found


def _patterns(markers: FloatArray) -> Iterator[tuple[BoolArray, NDArray[np.int64]]]:
    """Yield who is in the model, and the markers of which that holds."""
    known = ~np.isnan(markers)
    together: dict[bytes, list[int]] = {}
    for j in range(markers.shape[1]):
        together.setdefault(np.packbits(known[:, j]).tobytes(), []).append(j)
    for members in together.values():
        yield known[:, members[0]], np.array(members, dtype=np.int64)


class _Sets:
    """Risk sets as a table, one row for each event."""

    def __init__(self, time: FloatArray, event: BoolArray, start: FloatArray | None, groups: NDArray[np.int64]) -> None:
        dead = np.flatnonzero(event)
        dead = dead[np.lexsort((time[dead], groups[dead]))]
        self.dead = dead
        same = groups[dead][:, None] == groups[None, :]
        at_risk = same & (time[None, :] >= time[dead][:, None])
        if start is not None:
            at_risk &= start[None, :] < time[dead][:, None]
        tied = same & event[None, :] & (time[None, :] == time[dead][:, None])
        count = tied.sum(axis=1)
        new = np.r_[True, (np.diff(time[dead]) != 0) | (np.diff(groups[dead]) != 0)]
        first = np.maximum.accumulate(np.where(new, np.arange(dead.size), 0))
        share = (np.arange(dead.size) - first) / count
        self.table = at_risk - share[:, None] * tied
        # Kaplan-Meier of all strata together, just before each time
        distinct = np.unique(time[event])
        here = time.size - np.searchsorted(np.sort(time), distinct, side="left")
        if start is not None:
            here = here - (time.size - np.searchsorted(np.sort(start), distinct, side="left"))
        died = np.bincount(np.searchsorted(distinct, time[event]), minlength=distinct.size)
        with np.errstate(divide="ignore", invalid="ignore"):
            survival = np.concatenate([[1.0], np.cumprod(1 - died / here)[:-1]])
        g = 1 - survival[np.searchsorted(distinct, time[dead])]
        self.g = g - g.mean()

    def test(self, markers: FloatArray, z: FloatArray) -> FloatArray:
        """Return the p of each marker (columns, complete)."""
        from scipy.special import chdtrc

        low, high = markers.min(axis=0), markers.max(axis=0)
        out = np.full(markers.shape[1], np.nan)
        if np.ptp(self.g) == 0:
            return out
        going = np.flatnonzero(high > low)
        x = (markers[:, going] - low[going]) / (high - low)[going]
        k = z.shape[1]
        beta = np.zeros((k + 1, going.size))
        done = np.zeros(going.size, dtype=bool)
        for _ in range(STEPS):
            if not going.size:
                break
            weight = np.exp(z @ beta[:k] + x * beta[k])
            mean, second = self._moments(weight, x, z)
            score = np.stack(
                [z[self.dead, a].sum() - mean[a].sum(axis=0) for a in range(k)] + [x[self.dead].sum(axis=0) - mean[k].sum(axis=0)]
            )
            cover = [[second[max(a, b), min(a, b)] - mean[a] * mean[b] for b in range(k + 1)] for a in range(k + 1)]
            plain = np.array([[c.sum(axis=0) for c in row] for row in cover]).transpose(2, 0, 1)
            fine = (np.linalg.cond(plain) < 1e12) & (np.abs(beta).max(axis=0) < 12)
            done = (np.abs(score).max(axis=0) < AT_REST * np.maximum(1, self.dead.size)) & fine
            if done.any():
                out[going[done]] = self._statistic(x[:, done], mean[k][:, done], [c[:, done] for c in cover[k]], plain[done])
            keep = fine & ~done
            going, x, beta, score, plain = going[keep], x[:, keep], beta[:, keep], score[:, keep], plain[keep]
            if going.size:
                step = np.linalg.solve(plain, score.T[:, :, None])[:, :, 0].T
                beta = beta + np.clip(step, -2.0, 2.0)
        return np.where(np.isfinite(out), chdtrc(1.0, np.maximum(out, 0.0)), np.nan)

    def _statistic(self, x: FloatArray, mean: FloatArray, cover: list[FloatArray], plain: FloatArray) -> FloatArray:
        g = self.g[:, None]
        score = (g * (x[self.dead] - mean)).sum(axis=0)
        crossed = np.stack([(g * c).sum(axis=0) for c in cover], axis=1)
        squared = (g**2 * cover[-1]).sum(axis=0)
        left = squared - np.einsum("mi,mi->m", crossed, np.linalg.solve(plain, crossed[:, :, None])[:, :, 0])
        seen = left > 1e-10 * squared
        return np.where(seen, score**2 / np.where(seen, left, 1.0), np.nan)

    def _moments(
        self, weight: FloatArray, x: FloatArray, z: FloatArray
    ) -> tuple[list[FloatArray], dict[tuple[int, int], FloatArray]]:
        """Return means and second moments over each risk set, terms x markers; the marker is the last column."""
        k = z.shape[1]
        total = self.table @ weight
        with_x = weight * x
        mean = [self.table @ (weight * z[:, [a]]) / total for a in range(k)] + [self.table @ with_x / total]
        second = {(a, b): self.table @ (weight * (z[:, a] * z[:, b])[:, None]) / total for a in range(k) for b in range(a + 1)}
        second |= {(k, a): self.table @ (with_x * z[:, [a]]) / total for a in range(k)}
        flag = bool(((x == 0) | (x == 1)).all())
        second[k, k] = mean[k] if flag else self.table @ (with_x * x) / total
        return mean, second
