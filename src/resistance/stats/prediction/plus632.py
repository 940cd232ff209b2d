"""Models of bootstrap samples, judged on the patients who were not drawn -> the .632 and .632+ estimators of AUC or C, Brier and error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import FloatArray, numbers
from resistance.stats.prediction.folds import patient_codes
from resistance.stats.prediction.learners import Learner, Scorer
from resistance.stats.prediction.outcomes import Outcome
from resistance.stats.prediction.steps import Step
from resistance.stats.prediction.validation import all_levels, targets

#: share of the patients whom a bootstrap sample holds, in the limit: 1 - 1/e
SHARE = 0.632
#: which measures are better when larger; the others are losses
GAINS = ("C",)


@dataclass(frozen=True)
class Plus632:
    """Estimates of each measure; NaN where it is not defined.

    Parameters
    ----------
    index : tuple of str
        C (binary: AUC; ordinal; Harrell's), B (Brier score; ordinal: ranked probability score; time to event: weighted for
        censoring, at the time given) and, for binary outcomes, error (share wrongly classified at .5).
    apparent : array
        On the patients the model was fitted on.
    left_out : array
        Of models of bootstrap samples on the patients not drawn.
    no_information : array
        What a model of this kind of prediction would have where outcome and predictions have nothing to do with each other.
    overfit : array
        Relative overfitting, 0 (none) to 1 (left_out no better than no information).
    weight : array
        Of left_out in `plus`, .632 to 1.
    plain, plus : array
        The .632 and the .632+ estimator.
    n_bootstraps : int
        Samples in which a model could be fitted.
    n_never : int
        Patients who were drawn in every sample: they have no say in the losses.
    converged : bool
    reason : {'', 'constant outcome', 'not fitted', 'no sample fitted'}
    columns : tuple of int
    note : str
    """

    index: tuple[str, ...]
    apparent: FloatArray
    left_out: FloatArray
    no_information: FloatArray
    overfit: FloatArray
    weight: FloatArray
    plain: FloatArray
    plus: FloatArray
    n_bootstraps: int
    n_never: int
    converged: bool
    reason: str
    columns: tuple[int, ...]
    note: str

    def of(self, name: str) -> float:
        """Return the .632+ estimate of one measure (NaN where it is not among them)."""
        return float(self.plus[self.index.index(name)]) if name in self.index else float("nan")


def plus_632(
    columns: ArrayLike,
    outcome: Outcome,
    *,
    seed: int,
    learner: Learner | None = None,
    steps: Sequence[Step] = (),
    n_bootstraps: int = 200,
    groups: Any = None,
    time: float | None = None,
    samples: ArrayLike | None = None,
) -> Plus632:
    """Estimate performance on new patients from bootstrap samples.

    Parameters
    ----------
    columns, outcome, seed, learner, steps, n_bootstraps, groups, time, samples
        As for :func:`resistance.stats.prediction.optimism.bootstrap_optimism`, whose models these are.

    Returns
    -------
    Plus632

    Notes
    -----
    Efron and Tibshirani 1997, doi:10.1080/01621459.1997.10474007: each patient's loss is averaged over the models that
    have not seen him.  Brier score of survival: Gerds and Schumacher 2007, doi:10.1111/j.1541-0420.2007.00832.x.
    AUC (and C): Adler and Lausen 2009, doi:10.1016/j.csda.2008.09.027; the mean over samples of the area among those left
    out, no information being .5.  The .632 estimator believes a third of what the model says of its own patients, too much
    where it remembers them; .632+ moves that weight away as it overfits.

    Examples
    --------
    >>> from resistance.stats.prediction.outcomes import binary
    >>> x = np.random.default_rng(1).normal(size=(60, 2))
    >>> found = plus_632(x, binary(np.arange(60) % 2), seed=1, n_bootstraps=20)
    >>> found.index, bool(found.plus[0] < found.apparent[0])
    (('C', 'B', 'error'), True)
    """
    from resistance.stats.prediction.optimism import bootstrap_optimism

    out = LeftOut(outcome, groups, time)
    found = bootstrap_optimism(
        columns, outcome, seed=seed, learner=learner, steps=steps, n_bootstraps=n_bootstraps, groups=groups, time=time,
        samples=samples, beside=out,
    )  # fmt: skip
    # indexes of the optimism that are not defined do not matter here
    return out.result(found.reason if found.reason != "no sample fitted" or out.n_bootstraps == 0 else "")


class LeftOut:
    """Keeps, model by model, what is needed; told of the model of all patients first, then of each sample's.

    Parameters
    ----------
    outcome : Outcome
    groups : array, optional
    time : float, optional
    """

    def __init__(self, outcome: Outcome, groups: Any = None, time: float | None = None) -> None:
        self._outcome = outcome
        self._patient = patient_codes(groups, outcome.n)
        self._at = numbers([] if time is None else [time], "time")
        self._observed, self._importance = targets(outcome, self._at)
        self._pairs = outcome.pairs()
        self.n_bootstraps = 0
        names = ["C"]
        names += ["B"] if self._observed.shape[1] else []
        self.index = (*names, "error") if outcome.kind == "binary" else tuple(names)
        self._whole: tuple[float, FloatArray] | None = None
        self._areas: list[float] = []
        self._loss = np.zeros((outcome.n, len(self.index) - 1))
        self._times = np.zeros(outcome.n)

    def whole(self, scorer: Scorer, table: FloatArray) -> None:
        """Take the model of all patients."""
        every = np.ones(self._outcome.n, dtype=np.bool_)
        self._whole = self._area(scorer.score(table), every), self._predicted(scorer, table, self._outcome)

    def sample(self, scorer: Scorer, table: FloatArray, drawn: NDArray[np.intp], inside: Outcome) -> None:
        """Take the model of a bootstrap sample of patients."""
        self.n_bootstraps += 1
        out = ~np.isin(self._patient, drawn)
        if not out.any():
            return
        self._areas.append(self._area(scorer.score(table[out]), out))
        self._times += out
        if len(self.index) > 1:
            predicted = self._predicted(scorer, table[out], inside)
            self._loss[out] += self._losses(predicted, self._observed[out], self._importance[out])

    def result(self, reason: str = "") -> Plus632:
        """Return the estimates."""
        m = len(self.index)
        if reason or self._whole is None or not self.n_bootstraps:
            why = reason or ("not fitted" if self._whole is None else "no sample fitted")
            words = {
                "constant outcome": "the outcome does not vary",
                "not fitted": "the model could not be fitted on all patients",
                "no sample fitted": "the model could not be fitted on any bootstrap sample",
            }[why]
            nan = np.full(m, np.nan)
            return Plus632(self.index, nan, nan, nan, nan, nan, nan, nan, self.n_bootstraps, 0, False, why, (), words)
        area, predicted = self._whole
        apparent, left, none = (np.full(m, np.nan) for _ in range(3))
        known = np.array(self._areas)
        known = known[np.isfinite(known)]
        apparent[0], left[0], none[0] = area, float(known.mean()) if known.size else np.nan, 0.5
        seen = self._times > 0
        if m > 1:
            apparent[1:] = self._losses(predicted, self._observed, self._importance).mean(axis=0)
            if seen.any():
                left[1:] = (self._loss[seen] / self._times[seen, None]).mean(axis=0)
            none[1:] = self._no_information(predicted)
        sign = np.array([-1.0 if name in GAINS else 1.0 for name in self.index])
        # as losses: what is above no information counts as no information
        err, one, gamma = sign * apparent, sign * left, sign * none
        bounded = np.minimum(one, gamma)
        with np.errstate(invalid="ignore", divide="ignore"):
            overfit = np.where((bounded > err) & (gamma > err), (bounded - err) / (gamma - err), 0.0)
        overfit[np.isnan(err) | np.isnan(one)] = np.nan
        weight = SHARE / (1 - (1 - SHARE) * overfit)
        never = int((~seen).sum())
        note = f"{never} patients were drawn in every sample and have no say in the losses" if never else ""
        return Plus632(
            index=self.index,
            apparent=apparent,
            left_out=left,
            no_information=none,
            overfit=overfit,
            weight=weight,
            plain=(1 - SHARE) * apparent + SHARE * left,
            plus=sign * ((1 - weight) * err + weight * bounded),
            n_bootstraps=self.n_bootstraps,
            n_never=never,
            converged=True,
            reason="",
            columns=(),
            note=note,
        )

    def _area(self, score: FloatArray, rows: NDArray[np.bool_]) -> float:
        pairs = self._pairs[np.ix_(rows, rows)]
        total = int(pairs.sum())
        if not total:
            return float("nan")
        above, equal = score[:, None] > score, score[:, None] == score
        return float(((pairs & above).sum() + 0.5 * (pairs & equal).sum()) / total)

    def _predicted(self, scorer: Scorer, table: FloatArray, inside: Outcome) -> FloatArray:
        found = scorer.probability(table, self._at)
        if self._outcome.kind == "ordinal" and found.shape[1] != self._observed.shape[1]:
            return all_levels(found, np.unique(inside.values), np.unique(self._outcome.values))
        return found

    def _losses(self, predicted: FloatArray, observed: FloatArray, importance: FloatArray) -> FloatArray:
        """Return each row's losses, shape (n, measures but C)."""
        out = [(importance * np.square(predicted - observed)).mean(axis=1)] if "B" in self.index else []
        if "error" in self.index:
            out.append(((predicted[:, 0] > 0.5) != (observed[:, 0] == 1)).astype(np.float64))
        return np.column_stack(out)

    def _no_information(self, predicted: FloatArray) -> FloatArray:
        """Return the mean loss over all pairs of one row's outcome and another's prediction."""
        w, y = self._importance, self._observed
        first, second, third = (w * y**2).mean(axis=0), (w * y).mean(axis=0), w.mean(axis=0)
        p = predicted
        out = [float((first - 2 * p * second + p**2 * third).mean())] if "B" in self.index else []
        if "error" in self.index:
            positive, rate = float((p[:, 0] > 0.5).mean()), float(y[:, 0].mean())
            out.append(positive * (1 - rate) + (1 - positive) * rate)
        return np.array(out)
