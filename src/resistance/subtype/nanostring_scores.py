"""Scores of NanoString signatures that are known without their counts -> calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resistance.errors import InputError
from resistance.stats.normal_classes import class_probabilities, far_outside
from resistance.subtype.method import Method, as_calls, probabilities_text
from resistance.subtype.nanostring import call_score
from resistance.subtype.signature import load_signatures

if TYPE_CHECKING:
    import pandas as pd


def classify_scores(method: Method, scores: pd.Series) -> pd.DataFrame:
    """Call samples whose score is known and whose counts are not.

    Parameters
    ----------
    method : Method
        One with a signature of its name.
    scores : Series of float
        Index: sample; NaN: no call.

    Returns
    -------
    DataFrame
        Schema TABLE_CALLS, flagged ``from_score``: the quality of the sample is not known.

    Raises
    ------
    InputError
        A score is infinite, or all of several lie from 0 to 1, as probabilities do.
    """
    signature = load_signatures()[method.name]
    values = scores.to_numpy(dtype=float)
    if np.isinf(values).any():
        raise InputError("the score is infinite", value=str(scores.index[int(np.isinf(values).argmax())]), remedy="Leave it empty where it is not known.")  # fmt: skip
    known = values[~np.isnan(values)]
    if known.size > 1 and known.min() >= 0 and known.max() <= 1:
        low, high = sorted((signature.means[0], signature.means[1]))
        raise InputError(
            "all scores lie from 0 to 1: these look like probabilities", value=f"{known.min():g} to {known.max():g}",
            remedy=f"Give the score itself; the classes of {method.name} have means of {low:.1f} and {high:.1f}.",
        )  # fmt: skip
    probabilities = class_probabilities(values, signature.means, signature.sds)
    rows = []
    outside = far_outside(values, signature.means, signature.sds)
    for sample, score, p, far in zip(scores.index, values, probabilities, outside, strict=True):
        row = method.row(sample_id=str(sample))
        if score != score:
            rows.append(row | {"reason": "no score"})
            continue
        call, of_call, reason = call_score(signature, float(score), (float(p[0]), float(p[1])))
        text = probabilities_text(dict(zip(signature.classes, (float(p[0]), float(p[1])), strict=True)))
        rows.append(
            row | {"subtype": call, "score": score, "probability": of_call, "probabilities": text, "flags": "from_score;far_outside" if far else "from_score", "reason": reason}
        )  # fmt: skip
    return as_calls(rows)
