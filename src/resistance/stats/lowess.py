"""Points (x, y) -> Cleveland's robust locally weighted line through them, at every x."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from resistance.stats._arrays import FloatArray, numbers
from resistance.stats._design import power_of_two
from resistance.stats._threads import one_thread


@one_thread
def lowess(
    x: ArrayLike, y: ArrayLike, *, fraction: float = 2 / 3, iterations: int = 3, delta_fraction: float = 0.01
) -> FloatArray:
    """Smooth y over x.

    Parameters
    ----------
    x, y : array, shape (n,)
        In any order; no missing values.
    fraction : float
        Fraction of the points that each local line is fitted to.
    iterations : int
        Rounds of robust reweighting after the first fit.
    delta_fraction : float
        Points closer to the last fitted one than this fraction of the range of x are interpolated.

    Returns
    -------
    array, shape (n,)
        The smoothed y, in the order of the input.

    Raises
    ------
    ValueError
        No point, a missing value, a fraction outside 0..1.

    Notes
    -----
    Cleveland, J Am Stat Assoc 1979;74:829, doi:10.1080/01621459.1979.10481038, with the interpolation
    of his program (Am Stat 1981;35:54).  Its details (how many neighbours, from which weight on a point
    counts as the centre, when a slope is left out) follow that program, as R's ``lowess`` does.

    Examples
    --------
    >>> lowess([1, 2, 3, 4], [2, 4, 6, 8], fraction=1).round(6).tolist()
    [2.0, 4.0, 6.0, 8.0]
    """
    xs = numbers(x, "x")
    ys = numbers(y, "y", xs.size)
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction: {fraction} is outside 0..1")
    if iterations < 0 or delta_fraction < 0:
        raise ValueError("iterations and delta_fraction cannot be negative")
    n = xs.size
    if n == 0:
        raise ValueError("x: no points")
    if n == 1:
        return ys.copy()
    order = np.argsort(xs, kind="stable")
    xs, ys = xs[order], ys[order]
    unit, height = power_of_two(xs), power_of_two(ys)
    xs, ys = xs / unit, ys / height
    spread = float(xs[-1] - xs[0])
    neighbours = max(2, min(n, int(fraction * n + 1e-7)))
    centres, kernels = _kernels(xs, neighbours, delta_fraction * spread)
    fitted = np.empty(n)
    robust = np.ones(n)
    for round_number in range(iterations + 1):
        at = np.empty(centres.size)
        for number, (centre, (left, kernel)) in enumerate(zip(centres, kernels, strict=True)):
            window = slice(left, left + kernel.size)
            at[number] = _local_line(xs[window], ys[window], kernel * robust[window], xs[centre], spread, ys[centre])
        # np.interp takes the last of equal x; equal x have equal fits, so nothing depends on that
        fitted = np.interp(xs, xs[centres], at)
        residual = np.abs(ys - fitted)
        if round_number == iterations:
            break
        ordered = np.sort(residual)
        six_mads = 3 * (ordered[n // 2] + ordered[n - n // 2 - 1])
        if six_mads < 1e-7 * residual.mean() or six_mads == 0:
            break
        robust = np.where(
            residual <= 0.001 * six_mads,
            1.0,
            np.where(residual <= 0.999 * six_mads, (1 - np.minimum(residual / six_mads, 1) ** 2) ** 2, 0.0),
        )
    smoothed = np.empty(n)
    smoothed[order] = fitted * height
    return smoothed


def _kernels(xs: FloatArray, neighbours: int, delta: float) -> tuple[np.ndarray, list[tuple[int, FloatArray]]]:
    """Return the points at which a line is fitted, and for each the first point of its window and the tricube weights."""
    n = xs.size
    values = xs.tolist()
    centres, kernels = [], []
    left, i, last = 0, 0, -1
    while True:
        while left + neighbours < n and values[i] - values[left] > values[left + neighbours] - values[i]:
            left += 1
        reach = max(values[i] - values[left], values[left + neighbours - 1] - values[i])
        low = left  # points left of the window are farther than `reach` or as far as it
        high = int(np.searchsorted(xs, values[i] + 0.999 * reach, side="right"))
        distance = np.abs(xs[low:high] - values[i])
        with np.errstate(divide="ignore", invalid="ignore"):
            kernel = np.where(distance <= 0.001 * reach, 1.0, (1 - np.minimum(distance / reach, 1) ** 3) ** 3)
        kernels.append((low, np.where(distance <= 0.999 * reach, kernel, 0.0)))
        centres.append(i)
        last = i
        cut = values[last] + delta
        i = last + 1
        while i < n and values[i] <= cut:
            if values[i] == values[last]:
                last = i
            i += 1
        if last >= n - 1:
            return np.array(centres), kernels
        i = max(last + 1, i - 1)


def _local_line(x: FloatArray, y: FloatArray, weight: FloatArray, at: float, spread: float, fallback: float) -> float:
    total = weight.sum()
    if total <= 0:
        return float(fallback)
    weight = weight / total
    centre = float(weight @ x)
    deviation = x - centre
    variance = float(weight @ deviation**2)
    if spread > 0 and np.sqrt(variance) > 0.001 * spread:
        weight = weight * (1 + (at - centre) / variance * deviation)
    return float(weight @ y)
