"""Times and events -> the probability of not being censored, and how each patient moves it (for standard errors)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resistance.stats._arrays import BoolArray, FloatArray


@dataclass(frozen=True)
class CensoringCurve:
    """Kaplan-Meier curve of the censoring times; at a time that both have, events come first.

    Parameters
    ----------
    time, event : array, shape (n,)
    steps : array, shape (m,)
        Distinct times at which patients are censored.
    at_risk : array, shape (m,)
        Patients still followed there who have no event there.
    share : array, shape (m,)
        Censored among them.
    """

    time: FloatArray
    event: BoolArray
    steps: FloatArray
    at_risk: FloatArray
    share: FloatArray

    def before(self, times: FloatArray) -> FloatArray:
        """Return the probability of being uncensored just before each time."""
        return self._curve()[np.searchsorted(self.steps, times, side="left")]

    def at(self, times: FloatArray) -> FloatArray:
        """Return the probability of being uncensored at, and just after, each time."""
        return self._curve()[np.searchsorted(self.steps, times, side="right")]

    def influence(self, times: FloatArray, weight: FloatArray, *, included: bool = False) -> FloatArray:
        """Return, per patient, the derivative of sum(weight * log G(times)) when that patient counts more.

        Parameters
        ----------
        times, weight : array, shape (j,)
        included : bool
            G at the times instead of just before them.
        """
        if self.steps.size == 0:
            return np.zeros(self.time.size)
        order = np.argsort(times, kind="stable")
        ordered = times[order]
        behind = np.concatenate([np.cumsum(weight[order][::-1])[::-1], [0.0]])
        later = behind[np.searchsorted(ordered, self.steps, side="left" if included else "right")]
        with np.errstate(divide="ignore", invalid="ignore"):
            pull = np.where(later == 0, 0.0, later / (self.at_risk * (1 - self.share)))
        passed = np.concatenate([[0.0], np.cumsum(pull * self.share)])
        # at risk of censoring at a step: followed beyond it, or censored at it (an event there comes first)
        until = np.where(
            self.event,
            np.searchsorted(self.steps, self.time, side="left"),
            np.searchsorted(self.steps, self.time, side="right"),
        )
        out = passed[until]
        mine = np.flatnonzero(~self.event)
        out[mine] -= pull[np.searchsorted(self.steps, self.time[mine], side="left")]
        return out

    def _curve(self) -> FloatArray:
        return np.concatenate([[1.0], np.cumprod(1 - self.share)])


def censoring_curve(time: FloatArray, event: BoolArray) -> CensoringCurve:
    """Estimate the censoring curve of checked arrays."""
    steps, counts = np.unique(time[~event], return_counts=True)
    followed = time.size - np.searchsorted(np.sort(time), steps, side="left")
    ended = np.sort(time[event])
    here = np.searchsorted(ended, steps, side="right") - np.searchsorted(ended, steps, side="left")
    at_risk = (followed - here).astype(np.float64)
    return CensoringCurve(time, event, steps, at_risk, counts / at_risk)
