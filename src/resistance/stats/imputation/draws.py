"""A column with gaps and its predictors -> values for the gaps: matched for numbers, drawn from a regression for classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from resistance.stats._arrays import FloatArray

#: share of its diagonal that is added to a cross product, so that collinear predictors have a solution
RIDGE = 1e-5


def matched(value: FloatArray, known: FloatArray, gap: FloatArray, donors: int, draw: np.random.Generator) -> FloatArray:
    """Return values of patients whose prediction is close, after a draw of the coefficients from their posterior."""
    cross = known.T @ known
    inverse = np.asarray(np.linalg.inv(cross + RIDGE * np.diag(np.diag(cross) + 1e-12)), dtype=np.float64)
    coef = inverse @ (known.T @ value)
    left = value - known @ coef
    freedom = max(1, value.size - known.shape[1])
    sigma = np.sqrt(float(left @ left) / draw.chisquare(freedom))
    drawn = coef + sigma * _root(inverse) @ draw.standard_normal(coef.size)
    of_known, of_gap = known @ coef, gap @ drawn
    few = min(donors, value.size)
    # patients with one prediction are chosen by lot, not by their row
    order = np.lexsort((draw.random(value.size), of_known))
    window = np.searchsorted(of_known[order], of_gap)[:, None] + np.arange(-few, few)
    inside = (window >= 0) & (window < value.size)
    candidates = order[np.clip(window, 0, value.size - 1)]
    distance = np.where(inside, np.abs(of_gap[:, None] - of_known[candidates]), np.inf)
    nearest = np.argsort(distance, axis=1, kind="stable")
    row = np.arange(of_gap.size)
    return np.asarray(value[candidates[row, nearest[row, draw.integers(0, few, of_gap.size)]]])


def drawn_classes(
    value: FloatArray, known: FloatArray, gap: FloatArray, levels: FloatArray, draw: np.random.Generator
) -> FloatArray:
    """Return classes drawn from a polytomous regression whose coefficients were drawn from their posterior."""
    if levels.size == 1:
        return np.full(gap.shape[0], levels[0])
    place = np.searchsorted(levels, value)
    rows, classes, weight = _augmented(known, place, levels.size)
    coef, covariance = _polytomous(rows, classes, weight, levels.size)
    drawn = coef + _root(covariance) @ draw.standard_normal(coef.size)
    chance = _chances(gap, drawn.reshape(levels.size - 1, -1))
    chosen = draw.random((gap.shape[0], 1))
    picked = (chosen > np.cumsum(chance, axis=1)[:, :-1]).sum(axis=1)
    return np.asarray(levels[picked])


def _augmented(known: FloatArray, place: NDArray[np.intp], c: int) -> tuple[FloatArray, NDArray[np.intp], FloatArray]:
    """Return the rows and a few light ones at half a spread to both sides of each mean, for every class.

    Together they weigh as many patients as there are coefficients of a class.
    """
    p = known.shape[1] - 1
    if p == 0:
        return known, place, np.ones(place.size)
    mean, spread = known[:, 1:].mean(axis=0), known[:, 1:].std(axis=0)
    extra, classes = [], []
    for j in range(p):
        for side in (0.5, -0.5):
            row = np.concatenate([[1.0], mean])
            row[j + 1] += side * spread[j]
            extra += [row] * c
            classes += list(range(c))
    weight = np.concatenate([np.ones(place.size), np.full(len(extra), (p + 1) / len(extra))])
    return np.vstack([known, extra]), np.concatenate([place, classes]), weight


def _chances(rows: FloatArray, coef: FloatArray) -> FloatArray:
    eta = np.column_stack([np.zeros(rows.shape[0]), rows @ coef.T])
    eta = np.exp(eta - eta.max(axis=1, keepdims=True))
    return np.asarray(eta / eta.sum(axis=1, keepdims=True))


def _polytomous(rows: FloatArray, classes: NDArray[np.intp], weight: FloatArray, c: int) -> tuple[FloatArray, FloatArray]:
    """Return coefficients (class by class, without the first) and their covariance; a light ridge keeps them finite."""
    p = rows.shape[1]
    there = classes[:, None] == np.arange(1, c)[None, :]
    coef = np.zeros((c - 1) * p)
    ridge = RIDGE * weight.sum()

    def state(at: FloatArray) -> tuple[float, FloatArray]:
        chance = _chances(rows, at.reshape(c - 1, p))
        with np.errstate(divide="ignore"):
            log_chance = np.log(chance[np.arange(classes.size), classes])
        return float(weight @ log_chance) - ridge / 2 * float(at @ at), chance[:, 1:]

    value, chance = state(coef)
    information = np.eye(coef.size)
    for _ in range(30):
        gradient = ((weight[:, None] * (there - chance)).T @ rows).ravel() - ridge * coef
        blocks = [
            [rows.T @ ((weight * chance[:, a] * ((a == b) - chance[:, b]))[:, None] * rows) for b in range(c - 1)]
            for a in range(c - 1)
        ]
        information = np.block(blocks) + ridge * np.eye(coef.size)
        step = np.linalg.solve(information, gradient)
        for _ in range(20):
            new_value, new_chance = state(coef + step)
            if new_value >= value - 1e-12:
                break
            step = step / 2
        coef, value, chance = coef + step, new_value, new_chance
        if np.abs(step).max() < 1e-8:
            break
    return coef, np.asarray(np.linalg.inv(information), dtype=np.float64)


def _root(covariance: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    # the sign of an eigenvector is the library's choice: fixed by its largest entry
    sign = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(values.size)])
    return np.asarray(vectors * sign * np.sqrt(np.maximum(values, 0.0)))
