"""The logistic likelihood in plain numpy; sums by einsum and not by BLAS, whose rounding may depend on the number of threads."""

from __future__ import annotations

import numpy as np

from resistance.stats._arrays import FloatArray


class Logit:
    """Log-likelihood of a logistic model and its derivatives, for :func:`resistance.stats.newton.maximise`.

    Parameters
    ----------
    rows : array, shape (n, k)
        Columns of the model, multiplied by -1 where there is no event.
    """

    def __init__(self, rows: FloatArray) -> None:
        self.rows = rows

    def loglike(self, params: FloatArray) -> float:
        """Return the log-likelihood."""
        return -float(np.logaddexp(0.0, -np.einsum("ij,j->i", self.rows, params)).sum())

    def rest(self, params: FloatArray) -> FloatArray:
        """Return the probability of what was not seen."""
        with np.errstate(over="ignore"):
            return np.asarray(1.0 / (1.0 + np.exp(np.einsum("ij,j->i", self.rows, params))))

    def score(self, params: FloatArray) -> FloatArray:
        """Return its gradient."""
        return np.asarray(np.einsum("ia,i->a", self.rows, self.rest(params)))

    def hessian(self, params: FloatArray) -> FloatArray:
        """Return its second derivatives."""
        rest = self.rest(params)
        return -np.asarray(np.einsum("ia,i,ib->ab", self.rows, rest * (1.0 - rest), self.rows))
