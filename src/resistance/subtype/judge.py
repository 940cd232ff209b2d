"""Calls and known classes -> accuracy with its interval, of all and of the confident ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

#: share of the samples, the most confident first, of which the accuracy is given too
SHARE = 0.7


def judge(calls: pd.DataFrame, labels: Mapping[str, str], classes: Sequence[str], where: Path | str = "labels") -> list[str]:
    """Say how many calls are right.

    Parameters
    ----------
    calls : DataFrame
        Schema TABLE_CALLS.
    labels : mapping of str to str
        Sample -> class.
    classes : sequence of str
        Those that can be called.
    where : path or str
        Of the labels, for messages.

    Returns
    -------
    list of str
        Lines: of all labelled samples (one that was not called is not right), of those that are not flagged
        low_confidence, and of the most confident 70 %; each with a 95 % Wilson interval.

    Raises
    ------
    InputError
        A label that the model does not know, or no labelled sample.
    """
    import math

    from statsmodels.stats.proportion import proportion_confint

    unknown = sorted(set(labels.values()) - set(classes))
    if unknown:
        raise InputError(
            f"the labels name {len(unknown)} class(es) that the model does not have",
            path=where,
            column="label",
            value=", ".join(unknown[:5]),
            remedy=f"It has: {', '.join(classes)}.",
        )
    table = calls[calls["sample_id"].isin(list(labels))]
    if table.empty:
        raise InputError("none of the labelled samples was called", path=where)
    right = (table["subtype"] == table["sample_id"].map(labels)).fillna(False).to_numpy(dtype=bool)
    unsure = table["flags"].fillna("").str.contains("low_confidence").to_numpy(dtype=bool) | table["subtype"].isna().to_numpy()
    order = (-table["probability"].fillna(-1)).argsort(kind="stable").to_numpy()
    first = order[: math.ceil(SHARE * len(table))]

    def line(words: str, hits: int, n: int) -> str:
        if n == 0:
            return f"{words}: none"
        low, high = proportion_confint(hits, n, method="wilson")
        return f"{words}: {hits}/{n} right, {hits / n:.3f} (95 % {low:.3f} to {high:.3f})"

    return [
        line("all", int(right.sum()), len(table)),
        line("without low confidence", int(right[~unsure].sum()), int((~unsure).sum())),
        line(f"the {SHARE:.0%} most confident", int(right[first].sum()), len(first)),
    ]
