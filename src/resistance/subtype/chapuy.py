"""156 genetic events with a weight -> clusters C0 to C5 by the sum of published weights (Chapuy et al. 2018)."""

from __future__ import annotations

import csv
import functools
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.resources import resource_path
from resistance.subtype.genetic import classify_cohort, classify_events_table
from resistance.subtype.method import Called, Method
from resistance.subtype.visible import FLAGGED, MAX_WEIGHT_MISSING, Seen, look

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.cohort import Cohort
    from resistance.config import Subtype
    from resistance.subtype.events import Events

CLASSES = ("C1", "C2", "C3", "C4", "C5")
NO_EVENT = "C0"
_WEIGHTS = "subtypes/chapuy_weights.tsv"


@functools.cache
def weights() -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the events and their weights, shape (events, 5)."""
    with resource_path(_WEIGHTS).open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return tuple(row["event"] for row in rows), np.asarray([[float(row[name]) for name in CLASSES] for row in rows])


def call(events: Events, *, max_weight_missing: float = MAX_WEIGHT_MISSING) -> list[dict[str, Any]]:
    """Assign every sample to the cluster with the largest weighted sum of its events.

    Parameters
    ----------
    events : Events
        Coded 0 to 3 as published (the coding enters the sum).
    max_weight_missing : float
        Share of all weight, 0..1, beyond which a sample with unseen events is not called.

    Returns
    -------
    list of dict
        Per sample: subtype C1..C5, C0 where no weighted event was found (and at most a tenth of the weight
        is unseen: absent is not 'not seen'), None where too little could be seen; score is the winning sum.  An unseen event adds nothing to a sum and is counted in
        weight_missing, its share of the weights of all clusters.

    Notes
    -----
    The sums are no probabilities.  The published clusters of the 292 tumours with a cluster are
    met in 237 (81.2 %); they were made by NMF consensus, of which the weights are a part.

    References
    ----------
    Chapuy B et al. Nat Med 2018; 24:679-690. doi:10.1038/s41591-018-0016-8
    """
    names, table = weights()
    values = events.take(names)
    seen = look(names, values, table.sum(axis=1))
    filled = np.nan_to_num(values)
    sums = filled @ table
    return [
        _row(str(sample), i, names, filled[i], sums[i], table, seen, max_weight_missing)
        for i, sample in enumerate(events.table.index)
    ]


def _row(
    sample: str,
    i: int,
    names: tuple[str, ...],
    values: NDArray[np.float64],
    sums: NDArray[np.float64],
    table: NDArray[np.float64],
    seen: Seen,
    most: float,
) -> dict[str, Any]:
    row = {"sample_id": sample} | seen.columns(i)
    unseen = seen.words(i)
    if seen.weight_missing[i] > most:
        return row | {"reason": f"not called: {unseen}"}
    if sums.max() == 0 and seen.weight_missing[i] >= FLAGGED:
        return row | {
            "reason": f"no event with a weight among those that are visible, which does not make it {NO_EVENT}: {unseen}"
        }
    if sums.max() == 0:
        return row | {"subtype": NO_EVENT, "score": 0.0, "reason": "no event with a weight" + (f"; {unseen}" if unseen else "")}
    k = int(np.argmax(sums))
    parts = values * table[:, k]
    first = sorted((j for j in range(len(names)) if parts[j] > 0), key=lambda j: (-parts[j], names[j]))[:5]
    second = int(np.argsort(-sums, kind="stable")[1])
    reason = f"weighted sum {sums[k]:.4g} ({', '.join(names[j] for j in first)}), next {CLASSES[second]} {sums[second]:.4g}"
    return row | {"subtype": CLASSES[k], "score": float(sums[k]), "reason": reason + (f"; {unseen}" if unseen else "")}


def classify(cohort: Cohort, settings: Subtype) -> Called:
    """Call every patient of a cohort from calls, copy number and fusions, or from the matrix of the cohort file."""
    return classify_cohort(cohort, settings, METHOD, partial(call, max_weight_missing=settings.genetic.max_weight_missing))


def classify_table(table: pd.DataFrame, *, max_weight_missing: float = MAX_WEIGHT_MISSING) -> pd.DataFrame:
    """Call every sample of a table of coded events (see :func:`resistance.subtype.events.table_events`)."""
    return classify_events_table(table, METHOD, partial(call, max_weight_missing=max_weight_missing))


METHOD = Method(
    name="chapuy",
    version="1",
    kind="genetic",
    input="genetic_features",
    needs="156 coded events: mutations (2, synonymous 1), copy number of arms and bands (1 low, 2 high), structural variants (3)",
    classes=(NO_EVENT, *CLASSES),
    features=weights()[0],
    platforms=("exome or genome with copy number and structural variants",),
    citation="Chapuy B et al. Nat Med 2018; 24:679-690, doi:10.1038/s41591-018-0016-8",
    verified=True,
    limits="Sums of weights, no probabilities; 237 of 292 published clusters (81.2 %) are met. Events that a panel cannot see "
    "make clusters unreachable that rest on them.",
    classify=classify,
    classify_table=classify_table,
)
