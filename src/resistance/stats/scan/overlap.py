"""A binary outcome, very many markers, the same covariates -> for each marker whether maximum likelihood has finite coefficients."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from resistance.stats._arrays import BoolArray, FloatArray, flags, matrix, to_unit_range
from resistance.stats.scan.logistic import FAR, SMALL, logistic_scan

#: markers of one block: the memory does not grow with their number
BLOCK = 256
#: steps of Newton's method, and the score (columns of unit range) at which the maximum is reached
STEPS, AT_REST = 30, 1e-8


def overlap_scan(outcome: ArrayLike, markers: ArrayLike, covariates: ArrayLike) -> NDArray[np.str_]:
    """Say of each marker's logistic model whether it is separated, where that can be said without a linear programme.

    Parameters
    ----------
    outcome : array of 0/1, shape (n,)
    markers : array of float, shape (n, m)
        NaN: the patient is left out of that marker's model.
    covariates : array, shape (n, k)
        Without missing values; k may be 0.

    Returns
    -------
    array of str, shape (m,)
        'finite': a maximum was found, so nothing is separated.  'marker': a flag that all or none of its
        carriers (or of the others) have the outcome with, and nothing else is separated.  'unknown': ask
        :func:`resistance.stats.separation.separation`.

    Notes
    -----
    At a maximum the weights 1 - p(what happened) > 0 balance the signed rows, which by Gordan's theorem leaves no
    separating direction (Albert and Anderson 1984, doi:10.1093/biomet/71.1.1).  Where a cell of the marker is empty its
    coefficient runs to infinity and takes the patients of that side along; the other coefficients are finite
    when the model of the rest has a maximum.
    """
    y = flags(outcome, "outcome").astype(np.float64)
    x = np.asarray(markers, dtype=np.float64)
    if x.ndim != 2 or x.shape[0] != y.size:
        raise ValueError(f"markers: shape {x.shape} for {y.size} patients")
    unit, _ = to_unit_range(matrix(covariates, "covariates", y.size))
    z = np.column_stack([np.ones(y.size), unit])
    found = np.full(x.shape[1], "unknown", dtype="U7")
    again = np.arange(x.shape[1])
    if x.shape[1] > SMALL:
        fits = logistic_scan(y, x, covariates)
        found[fits.converged] = "finite"
        again = np.flatnonzero(~fits.converged)
    for first in range(0, again.size, BLOCK):
        which = again[first : first + BLOCK]
        found[which] = _block(y, x[:, which], z)
    return found


def _block(y: FloatArray, markers: FloatArray, z: FloatArray) -> NDArray[np.str_]:
    alive = ~np.isnan(markers)
    x = np.where(alive, markers, 0.0)
    low, high = np.where(alive, markers, np.inf).min(axis=0), np.where(alive, markers, -np.inf).max(axis=0)
    spread = np.where(high > low, high - low, 1.0)
    x = np.where(alive, (x - np.where(np.isfinite(low), low, 0.0)) / spread, 0.0)
    flag = ((x == 0) | (x == 1)).all(axis=0)
    found = np.full(x.shape[1], "unknown", dtype="U7")
    yes, no = y[:, None] == 1, y[:, None] == 0
    has, lacks = alive & (x == 1), alive & (x == 0)
    sides = has, lacks
    empty = [(~(side & yes).any(axis=0) | ~(side & no).any(axis=0)) & flag for side in sides]
    either = empty[0] | empty[1]
    full = np.flatnonzero(~either)
    if full.size:
        found[full[_has_maximum(y, x[:, full], z, alive[:, full])]] = "finite"
    # both sides empty in some cell: complete separation by the marker, which is for the careful way
    for side, here in zip(sides, (empty[0] & ~empty[1], empty[1] & ~empty[0]), strict=True):
        which = np.flatnonzero(here)
        if which.size:
            rest = alive[:, which] & ~side[:, which]
            found[which[_has_maximum(y, np.zeros_like(x[:, which]), z, rest)]] = "marker"
    return found


def _has_maximum(y: FloatArray, x: FloatArray, z: FloatArray, alive: BoolArray) -> BoolArray:
    """Return where Newton's method comes to rest at finite coefficients; a marker column of zeros is not in the model."""
    k, m = z.shape[1], x.shape[1]
    pairs = [(a, b) for a in range(k) for b in range(a + 1)]
    products = np.column_stack([z[:, a] * z[:, b] for a, b in pairs])
    in_model = np.asarray(x.any(axis=0))
    beta = np.zeros((k + 1, m))
    rest = np.zeros(m, dtype=bool)
    going = np.arange(m)
    for _ in range(STEPS):
        xs, there = x[:, going], alive[:, going]
        eta = z @ beta[:k, going] + xs * beta[k, going]
        far = (np.abs(eta) * there).max(axis=0) > FAR
        p = 1 / (1 + np.exp(-np.clip(eta, -30, 30)))
        left = np.where(there, y[:, None] - p, 0.0)
        score = np.vstack([z.T @ left, (xs * left).sum(axis=0)])
        at_rest = (np.abs(score).max(axis=0) < AT_REST) & ~far
        rest[going[at_rest]] = True
        keep = ~at_rest & ~far
        if not keep.any():
            break
        w = np.where(there, p * (1 - p), 0.0)[:, keep]
        going, score, xs = going[keep], score[:, keep], xs[:, keep]
        information = np.empty((going.size, k + 1, k + 1))
        for (a, b), values in zip(pairs, products.T @ w, strict=True):
            information[:, a, b] = information[:, b, a] = values
        information[:, :k, k] = information[:, k, :k] = (z.T @ (w * xs)).T
        information[:, k, k] = np.where(in_model[going], (w * xs * xs).sum(axis=0), 1.0)
        fine = np.asarray(np.linalg.cond(information) < 1e12)
        going, score, information = going[fine], score[:, fine], information[fine]
        if not going.size:
            break
        step = np.linalg.solve(information, score.T[:, :, None])[:, :, 0].T
        beta[:, going] += np.clip(step, -4.0, 4.0)
    return rest
