"""Scores of NanoString signatures that are known without their counts -> calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    """
    signature = load_signatures()[method.name]
    values = scores.to_numpy(dtype=float)
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
