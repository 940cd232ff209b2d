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
    # samples that lack the same genes are scored together; all of them, where a method needs no more
    together = np.zeros(at.size, dtype=np.intp)
    if how.missing == SAMPLE:
        together = np.unique(np.packbits(known, axis=0), axis=1, return_inverse=True)[1].reshape(-1)
    background = np.full(at.size, -1) if how.alone else known.sum(axis=0)
    for number, one in enumerate(ground.placed):
        for place, column in enumerate(at):
            if not notes[number][column]:
                notes[number][column] = why_not(int(used[number, column]), one.listed, int(background[place]), bounds)
    for group in range(int(together.max()) + 1):
        members = np.flatnonzero(together == group)
        columns = at[members]
        values, kept = ground.values[:, members], np.ones(len(known), dtype=np.bool_)
        if how.missing == SAMPLE:
            kept = known[:, members[0]]
            values = values[kept]
        asked = [i for i in range(len(ground.placed)) if any(not notes[i][column] for column in columns)]
        place_of = np.cumsum(kept) - 1
        rows = [place_of[ground.placed[i].rows[kept[ground.placed[i].rows]]] for i in asked]
        if not asked:
            continue
        found = how.score(values, rows)
        for i, row in zip(asked, found, strict=True):
            for column, value in zip(columns, row, strict=True):
                if not notes[i][column]:
                    scores[i, column] = value
                    notes[i][column] = "" if value == value else "no score: nothing varies"
    return scores, used, notes
