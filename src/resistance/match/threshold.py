"""Continuous values and a rule's limit -> present or absent; limits can be taken from training patients alone.

A quantile of the cohort is a number estimated from its patients.  A model that is tested on patients
who helped to set the limit looks better than it is: :class:`Limits` learns the limits from the
training patients of a fold and applies them to everybody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from resistance.rules import Term, parse_rule

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

#: fewest baseline values from which a quantile of the cohort is taken
MIN_FOR_QUANTILE = 20


def limit_of(term: Term, baselines: NDArray[np.float64]) -> tuple[float | None, str]:
    """Return the limit of a rule and its name, or None and why there is none.

    Parameters
    ----------
    term : Term
        With ``side``, ``basis`` and ``number``.
    baselines : ndarray of float
        Values from which a quantile is taken; NaN are passed over.
    """
    number = float(term.number or 0)
    if term.basis != "quantile":
        return number, "threshold"
    known = baselines[~np.isnan(baselines)]
    if len(known) < MIN_FOR_QUANTILE:
        return None, f"is known in {len(known)} baselines, fewer than {MIN_FOR_QUANTILE}"
    if known.min() == known.max():
        return None, "does not vary"
    return float(np.quantile(known, number)), f"cohort quantile {number:g} of {len(known)} baselines"


def meets(term: Term, values: NDArray[np.float64], limit: float) -> NDArray[np.bool_]:
    """Return which values lie on the side that the rule names; the limit belongs to it, NaN never does."""
    return np.asarray(values <= limit if term.side == "below" else values >= limit, dtype=bool)


@dataclass
class Limits:
    """Limits of quantile markers learned from some patients, to be applied to others.

    Parameters
    ----------
    markers : DataFrame
        Schema ``markers``.

    Attributes
    ----------
    limits : dict
        After :meth:`fit`: marker_id -> limit; None where the training patients give none.

    Examples
    --------
    ``Limits(markers).fit(matrix, training).transform(matrix)`` gives the matrix with the states that
    the training patients' quantiles make; markers without a quantile in their rule stay as they are.
    """

    markers: pd.DataFrame
    limits: dict[str, float | None] = field(default_factory=dict)

    def _terms(self) -> Mapping[str, Term]:
        rules = zip(self.markers["marker_id"], self.markers["rule"], strict=True)
        terms = {str(name): parse_rule(str(rule)).terms[0] for name, rule in rules}
        return {name: term for name, term in terms.items() if term.basis == "quantile"}

    def fit(self, matrix: pd.DataFrame, patients: Collection[str]) -> Limits:
        """Learn the limits.

        Parameters
        ----------
        matrix : DataFrame
            Schema ``matrix``; its ``value`` column holds the continuous values.
        patients : collection of str
            Training patients; their baselines alone are looked at.

        Returns
        -------
        Limits
            Itself.
        """
        base = matrix[(matrix["timepoint"] == "baseline") & matrix["patient_id"].isin(list(patients))]
        for name, term in self._terms().items():
            values = base.loc[base["marker_id"] == name, "value"].to_numpy(dtype=np.float64)
            self.limits[name] = limit_of(term, values)[0]
        return self

    def transform(self, matrix: pd.DataFrame) -> pd.DataFrame:
        """Return a matrix whose quantile markers follow the learned limits.

        A value of NA stays not assessed; without a limit the marker is not assessed in anybody.
        """
        out = matrix.copy()
        terms = self._terms()
        for name, limit in self.limits.items():
            rows = (matrix["marker_id"] == name).to_numpy(dtype=bool)
            values = matrix.loc[rows, "value"].to_numpy(dtype=np.float64)
            states = np.full(len(values), "not_assessed", dtype=object)
            evidence = matrix.loc[rows, "evidence"].astype("object").to_numpy()
            has = ~np.isnan(values)
            if limit is None:
                evidence[has] = "the training patients give no quantile"
            else:
                met = meets(terms[name], values, limit)
                states[has] = np.where(met[has], "present", "absent")
                side = f"at or {terms[name].side}"
                evidence[has] = [
                    f"{v:.4g}, {'' if yes else 'not '}{side} the limit {limit:.4g} of the training patients"
                    for v, yes in zip(values[has], met[has], strict=True)
                ]
            out.loc[rows, "state"] = states
            out.loc[rows, "evidence"] = evidence
        return out
