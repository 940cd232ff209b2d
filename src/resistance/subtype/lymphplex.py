"""Mutations of 34 genes and TP53, fusions of BCL2 and BCL6 -> subtypes in the manner of LymphGen, by seeds and centres (LymphPlex, 2023)."""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.resources import resource_path
from resistance.subtype.genetic import classify_cohort, classify_events_table, is_binary
from resistance.subtype.method import Called, Method
from resistance.subtype.visible import MAX_WEIGHT_MISSING, Seen, look

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.cohort import Cohort
    from resistance.config import Subtype
    from resistance.subtype.events import Events

#: class of the centres -> label; 'like', because LymphGen's own scores are something else
LABELS = {"MCD": "MCD-like", "BN2": "BN2-like", "N1": "N1-like", "EZB": "EZB-like", "ST2": "ST2-like", "Others": "Other"}
TP53_CLASS = "TP53"
_CENTRES = "subtypes/lymphplex_centres.tsv"
_SEEDS = "subtypes/lymphplex_seeds.tsv"
#: coding from which a gene counts as mutated: a synonymous change (1) does not
_MUTATED = 2.0


@dataclass(frozen=True)
class Centres:
    """The published numbers: events, classes, centres of shape (classes, events), and the seeds of each class (columns)."""

    events: tuple[str, ...]
    classes: tuple[str, ...]
    centres: NDArray[np.float64]
    seeds: dict[str, tuple[int, ...]]


@functools.cache
def centres() -> Centres:
    """Return the published centres and seeds."""
    with resource_path(_CENTRES).open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    classes = tuple(LABELS)
    events = tuple(row["event"] for row in rows)
    table = np.asarray([[float(row[name]) for row in rows] for name in classes])
    seeds: dict[str, list[int]] = {}
    with resource_path(_SEEDS).open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            seeds.setdefault(row["class"], []).append(events.index(row["event"]))
    return Centres(events, classes, table, {name: tuple(found) for name, found in seeds.items()})


def call(events: Events, *, tp53: bool = True, max_weight_missing: float = MAX_WEIGHT_MISSING) -> list[dict[str, Any]]:
    """Classify every sample by seeds, else by the nearest centre; a TP53 mutation is a class of its own.

    Parameters
    ----------
    events : Events
        Genes count as mutated from code 2 (not synonymous); BCL2 and BCL6 are the events SV:BCL2 and SV:BCL6.
    tp53 : bool
        Whether a mutated TP53 overrides the class, as published; False shows what lies beneath, which is
        what can be compared with LymphGen.
    max_weight_missing : float
        Share of the rule's weight, 0..1, beyond which a sample is not called.  Half the weight is on the
        seeds, half on the spread of the centres.

    Returns
    -------
    list of dict
        Per sample: subtype (MCD-like, BN2-like, N1-like, EZB-like, ST2-like, TP53, Other), score the squared
        distance to the nearest centre (NA where seeds decided).  A gene that could not be seen stands in the
        distances with its expected part, mutated as often as in the centre of the unclassified, and a class
        whose seeds could not all be seen has no call by seeds.

    References
    ----------
    Shen R et al. Signal Transduct Target Ther 2023; 8:145. doi:10.1038/s41392-023-01358-y
    """
    known = centres()
    values = events.take((*known.events, "TP53"))
    mutated = np.where(np.isnan(values), np.nan, (values >= _MUTATED).astype(np.float64))
    tp53_state = mutated[:, -1]
    genes = mutated[:, :-1]
    seen = look(known.events, genes, _weight(known))
    near = _distances(genes, known)
    return [
        _row(str(sample), i, genes[i], near[i], tp53_state[i] if tp53 else 0.0, known, seen, max_weight_missing)
        for i, sample in enumerate(events.table.index)
    ]


def _weight(known: Centres) -> NDArray[np.float64]:
    """Return how much each event decides: half by being a seed, half by its spread between the centres."""
    spread = known.centres.var(axis=0)
    seed = np.zeros(len(known.events))
    for columns in known.seeds.values():
        seed[list(columns)] += 1 / len(columns)
    return np.asarray(spread / spread.sum() / 2 + seed / seed.sum() / 2)


def _distances(genes: NDArray[np.float64], known: Centres) -> NDArray[np.float64]:
    """Return squared Euclidean distances to the centres, shape (n, classes)."""
    base = known.centres[known.classes.index("Others")]
    gone = np.isnan(genes)
    there = np.where(gone, 0.0, genes)
    # for each sample and centre: sum over seen genes of (x - c)^2, with x^2 = x
    observed = (~gone).astype(np.float64)
    seen_part = there.sum(axis=1)[:, None] - 2 * there @ known.centres.T + observed @ (known.centres**2).T
    expected = base * (1 - known.centres) ** 2 + (1 - base) * known.centres**2
    return np.asarray(seen_part + gone @ expected.T)


def _row(
    sample: str,
    i: int,
    genes: NDArray[np.float64],
    near: NDArray[np.float64],
    tp53: float,
    known: Centres,
    seen: Seen,
    most: float,
) -> dict[str, Any]:
    row = {"sample_id": sample} | seen.columns(i)
    unseen = seen.words(i)
    if seen.weight_missing[i] > most:
        return row | {"reason": f"not called: {unseen}"}
    by_seeds = [name for name, columns in known.seeds.items() if (genes[list(columns)] == 1).all()]
    if len(by_seeds) == 1:
        found = LABELS[by_seeds[0]]
        reason = f"all seeds of {by_seeds[0]} ({', '.join(known.events[j] for j in known.seeds[by_seeds[0]])})"
        score = None
    else:
        k = int(np.argmin(near))
        found, score = LABELS[known.classes[k]], float(near[k])
        second = int(np.argsort(near, kind="stable")[1])
        several = f"seeds of {' and '.join(by_seeds)}; " if by_seeds else ""
        reason = f"{several}nearest centre {known.classes[k]} ({near[k]:.3f}), next {known.classes[second]} ({near[second]:.3f})"
    ends = f"; {unseen}" if unseen else ""
    if tp53 == 1:
        return row | {"subtype": TP53_CLASS, "score": score, "reason": f"TP53 mutated; without it {found}: {reason}{ends}"}
    if np.isnan(tp53):
        row["flags"] = ";".join(filter(None, [row["flags"], "tp53_not_visible"]))
        ends += "; TP53 not visible"
    return row | {"subtype": found, "score": score, "reason": reason + ends}


def classify(cohort: Cohort, settings: Subtype) -> Called:
    """Call every patient of a cohort from calls and fusions, or from the matrix of the cohort file."""
    rows = partial(call, tp53=settings.genetic.lymphplex_tp53, max_weight_missing=settings.genetic.max_weight_missing)
    return classify_cohort(cohort, settings, METHOD, rows)


def classify_table(table: pd.DataFrame, *, tp53: bool = True, max_weight_missing: float = MAX_WEIGHT_MISSING) -> pd.DataFrame:
    """Call every sample of a table of coded events (see :func:`resistance.subtype.events.table_events`).

    A matrix without any value above 1 has the form of LymphPlex itself: 1 is mutated, and BCL2 and BCL6 are
    fusions; its rows are flagged binary_matrix.
    """

    def rows(events: Events) -> list[dict[str, Any]]:
        given = _from_binary(events) if is_binary(events) else events
        return call(given, tp53=tp53, max_weight_missing=max_weight_missing)

    return classify_events_table(table, METHOD, rows)


def _from_binary(events: Events) -> Events:
    """Return such a matrix in the coding of this package; its BCL2 and BCL6 are fusions where no others are given."""
    table = 2.0 * events.table
    named = {gene: f"SV:{gene}" for gene in ("BCL2", "BCL6") if gene in table and f"SV:{gene}" not in table}
    return replace(events, table=table.rename(columns=named))


METHOD = Method(
    name="lymphplex",
    version="1",
    kind="genetic",
    input="genetic_features",
    needs="mutations of 34 genes and TP53, fusions of BCL2 and BCL6",
    classes=(*LABELS.values(), TP53_CLASS),
    features=(*centres().events, "TP53"),
    platforms=("panel, exome or genome with fusions of BCL2 and BCL6",),
    citation="Shen R et al. Signal Transduct Target Ther 2023; 8:145, doi:10.1038/s41392-023-01358-y",
    verified=True,
    limits="Labels are 'like' those of LymphGen: accuracy .70, kappa .57 against LymphGen on 699 tumours, with TP53 left out and "
    "LymphGen's A53 and composites as Other.",
    classify=classify,
    classify_table=classify_table,
)
