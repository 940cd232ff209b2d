"""Placed gene sets -> the score of each set in each sample; samples are scored together, or by the genes that each of them has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from resistance.subtype.gene_set_methods import SAMPLE, GeneSetMethod
from resistance.subtype.gene_set_places import Bounds, Ground, why_not

FloatArray = NDArray[np.float64]


def score_placed(ground: Ground, how: GeneSetMethod, bounds: Bounds) -> tuple[FloatArray, NDArray[np.intp], list[list[str]]]:
    """Score sets that were placed.

    Parameters
    ----------
    ground : Ground
    how : GeneSetMethod
    bounds : Bounds
        They hold for each sample too, where a method bears missing values.

    Returns
    -------
    scores : array, shape (sets, samples)
        NaN where there is none.
    used : array of int, shape (sets, samples)
        Genes behind each score.
    notes : list of list of str
        Per set and sample, why there is no score; '' where there is one.
    """
    known = ~np.isnan(ground.values)
    n = ground.usable.size
    scores, used = np.full((len(ground.placed), n), np.nan), np.zeros((len(ground.placed), n), dtype=np.intp)
    notes = [[one.why or ground.unusable.get(sample) or ground.too_few for sample in ground.samples] for one in ground.placed]
    at = np.flatnonzero(ground.usable)
    for number, one in enumerate(ground.placed):
        used[number] = one.rows.size
        used[number, at] = known[one.rows].sum(axis=0)
    if ground.too_few or not at.size:
        return scores, used, notes
    background = np.full(at.size, -1) if how.alone else known.sum(axis=0)
    for number, one in enumerate(ground.placed):
        for place, column in enumerate(at):
            if not notes[number][column]:
                notes[number][column] = why_not(int(used[number, column]), one.listed, int(background[place]), bounds)
    for members in _scored_together(known, how):
        columns = at[members]
        asked = [i for i, of_set in enumerate(notes) if any(not of_set[column] for column in columns)]
        if not asked:
            continue
        kept = known[:, members[0]] if how.missing == SAMPLE else np.ones(len(known), dtype=np.bool_)
        place_of = np.cumsum(kept) - 1
        rows = [place_of[one.rows[kept[one.rows]]] for one in (ground.placed[i] for i in asked)]
        for i, of_set in zip(asked, how.score(ground.values[kept][:, members], rows), strict=True):
            for column, value in zip(columns, of_set, strict=True):
                if not notes[i][column]:
                    scores[i, column] = value
                    notes[i][column] = "" if value == value else "no score: nothing varies"
    return scores, used, notes


def _scored_together(known: NDArray[np.bool_], how: GeneSetMethod) -> list[NDArray[np.intp]]:
    """Return groups of samples (0-based among the usable): those that lack the same genes, or all of them."""
    if how.missing != SAMPLE:
        return [np.arange(known.shape[1])]
    pattern = np.unique(np.packbits(known, axis=0), axis=1, return_inverse=True)[1].reshape(-1)
    return [np.flatnonzero(pattern == number) for number in range(int(pattern.max()) + 1)]
