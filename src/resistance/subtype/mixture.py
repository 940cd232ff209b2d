"""Genetic events -> clusters by a Bernoulli mixture (after Lacy et al. 2020): fitted on a cohort, saved as JSON, assigned with posteriors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.errors import InputError
from resistance.stats import bernoulli_mixture as stats
from resistance.subtype.event_names import event_name
from resistance.subtype.events import Events
from resistance.subtype.genetic import WHAT, classify_events_table, cohort_events
from resistance.subtype.method import Called, Method, as_calls, one_sample_each, per_patient, probabilities_text
from resistance.subtype.saved_json import read_saved, saved_text
from resistance.subtype.visible import MAX_WEIGHT_MISSING, Seen, look

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.cohort import Cohort
    from resistance.config import Subtype

FORMAT, VERSION = "resistance Bernoulli mixture", 1
CLASSES_TO_TRY = tuple(range(2, 9))
MIN_FREQUENCY = 0.02


@dataclass(frozen=True)
class Mixture:
    """A fitted mixture.

    Parameters
    ----------
    events : tuple of str
    fit : BernoulliMixture
        Classes from the largest to the smallest; they are called G1, G2 ...: clusters of the training cohort,
        not subtypes of a paper.
    criterion : str
    tried : dict of int to float
        Criterion of each number of classes.
    training : dict
        n, events left out (too rare or never seen), seed.
    """

    events: tuple[str, ...]
    fit: stats.BernoulliMixture
    criterion: str
    tried: dict[int, float]
    training: dict[str, Any]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the clusters."""
        return tuple(f"G{i + 1}" for i in range(self.fit.k))


def present(events: Events, names: Sequence[str]) -> NDArray[np.float64]:
    """Return whether each event is present (any code above 0), NaN where it could not be seen."""
    values = events.take(names)
    return np.where(np.isnan(values), np.nan, (values > 0).astype(np.float64))


def fit_mixture(
    events: Events,
    *,
    classes: Sequence[int] = CLASSES_TO_TRY,
    criterion: str = "icl",
    min_frequency: float = MIN_FREQUENCY,
    seed: int = 1,
) -> Mixture:
    """Fit a mixture on the samples of a matrix.

    Parameters
    ----------
    events : Events
    classes : sequence of int
        Numbers of classes to try.
    criterion : {'icl', 'bic'}
    min_frequency : float
        Least share of the samples that were looked at with an event, 0..1.
    seed : int

    Raises
    ------
    InputError
        No event is frequent enough, or there are too few samples.
    """
    # the random starts fall on rows and columns: their order in the file must not decide where the fit ends
    events = replace(events, table=events.table.sort_index(kind="stable"))
    names = sorted(str(name) for name in events.table.columns)
    x = present(events, names)
    looked = (~np.isnan(x)).sum(axis=0)
    share = np.nansum(x, axis=0) / np.maximum(looked, 1)
    kept = tuple(name for name, n, part in zip(names, looked, share, strict=True) if n and part > 0 and part >= min_frequency)
    if not kept:
        raise InputError(f"no event is found in {min_frequency:.0%} of the samples", path=events.where, remedy="Lower min_frequency, or give more samples.")  # fmt: skip
    x = present(events, kept)
    rows = int((~np.isnan(x)).any(axis=1).sum())
    wanted = sorted({k for k in classes if k <= rows})
    if not wanted:
        raise InputError(f"{rows} samples with an event that could be seen cannot be {min(classes)} classes", path=events.where)
    fit, fits = stats.choose_bernoulli_mixture(x, wanted, rng=np.random.default_rng(seed), criterion=criterion)
    tried = {k: float(getattr(found, criterion)) for k, found in fits.items()}
    return Mixture(kept, fit, criterion, tried, {"n": fit.n, "events_left_out": len(names) - len(kept), "seed": seed})


def call(mixture: Mixture, events: Events, *, max_weight_missing: float = MAX_WEIGHT_MISSING) -> list[dict[str, Any]]:
    """Assign every sample to its likeliest cluster.

    Parameters
    ----------
    mixture : Mixture
    events : Events
        What is not seen is marginalised: the posterior is wider, by itself.
    max_weight_missing : float
        An event's weight is its mutual information with the clusters.
    """
    x = present(events, mixture.events)
    weight = information(mixture)
    seen = look(mixture.events, x, weight)
    posterior = stats.bernoulli_posterior(mixture.fit, x)
    return [
        _row(mixture, str(sample), i, x[i], posterior[i], seen, max_weight_missing) for i, sample in enumerate(events.table.index)
    ]


def information(mixture: Mixture) -> NDArray[np.float64]:
    """Return the mutual information of each event with the clusters, in nats, shape (d,)."""
    p, w = mixture.fit.probabilities, mixture.fit.weights[:, None]
    overall = (w * p).sum(axis=0)
    parts = p * np.log(p / overall) + (1 - p) * np.log((1 - p) / (1 - overall))
    return np.asarray(np.maximum((w * parts).sum(axis=0), 0.0))


def _row(
    mixture: Mixture, sample: str, i: int, x: NDArray[np.float64], posterior: NDArray[np.float64], seen: Seen, most: float
) -> dict[str, Any]:
    row = {"sample_id": sample} | seen.columns(i)
    unseen = seen.words(i)
    if seen.weight_missing[i] > most:
        return row | {"reason": f"not called: {unseen}"}
    k = int(np.argmax(posterior))
    others = mixture.fit.weights @ mixture.fit.probabilities
    lift = np.log(mixture.fit.probabilities[k] / others)
    found = sorted((j for j in np.flatnonzero(x == 1) if lift[j] > 0), key=lambda j: (-lift[j], mixture.events[j]))[:5]
    support = ", ".join(mixture.events[j] for j in found) or "no event of its own"
    return row | {
        "subtype": mixture.classes[k],
        "probability": float(posterior[k]),
        "probabilities": probabilities_text(dict(zip(mixture.classes, (float(v) for v in posterior), strict=True))),
        "reason": f"{mixture.classes[k]} {posterior[k]:.2f} ({support})" + (f"; {unseen}" if unseen else ""),
    }


def to_json(mixture: Mixture) -> str:
    """Return a mixture as JSON text, with a digest of its content."""
    fit = mixture.fit
    body = {
        "format": FORMAT,
        "version": VERSION,
        "events": list(mixture.events),
        "weights": fit.weights.tolist(),
        "probabilities": fit.probabilities.tolist(),
        "fit": {
            name: getattr(fit, name) for name in ("log_likelihood", "bic", "icl", "n", "iterations", "converged", "pseudo_count")
        },
        "criterion": mixture.criterion,
        "tried": {str(k): value for k, value in mixture.tried.items()},
        "training": mixture.training,
    }
    return saved_text(body)


def from_body(body: dict[str, Any]) -> Mixture:
    """Return a mixture from the content of its file."""
    events = tuple(body["events"])
    weights, probabilities = np.asarray(body["weights"], dtype=np.float64), np.asarray(body["probabilities"], dtype=np.float64)
    good = probabilities.shape == (len(weights), len(events)) and np.isclose(weights.sum(), 1) and (weights > 0).all()
    if not good or not ((probabilities > 0) & (probabilities < 1)).all() or tuple(map(event_name, events)) != events:
        raise ValueError("the mixture's parts do not fit together")
    fit = stats.BernoulliMixture(weights, probabilities, **body["fit"])
    return Mixture(events, fit, body["criterion"], {int(k): v for k, v in body["tried"].items()}, body["training"])


def read_mixture(path: Path) -> Mixture:
    """Read a saved mixture (InputError where it is missing, altered or something else)."""
    return read_saved(path, FORMAT, VERSION, from_body, "`resistance subtype train mixture` writes one.")


def classify(cohort: Cohort, settings: Subtype) -> Called:
    """Assign the patients of a cohort by a saved mixture, else by one that is fitted on their events."""
    asked = settings.genetic.mixture
    saved = None if asked.file is None else read_mixture(Path(asked.file))
    events = cohort_events(cohort, settings, () if saved is None else saved.events)
    looked = events.table[events.table.notna().any(axis=1)]
    if looked.empty:
        return Called(per_patient(cohort, METHOD, as_calls([]), what=WHAT))
    seen = replace(events, table=looked)
    if saved is None:
        fitted = replace(events, table=looked.loc[one_sample_each(cohort, looked.index)])
        saved = fit_mixture(
            fitted, classes=asked.classes, criterion=asked.criterion, min_frequency=asked.min_frequency, seed=asked.seed
        )
    rows = call(saved, seen, max_weight_missing=settings.genetic.max_weight_missing)
    return Called(per_patient(cohort, METHOD, as_calls([METHOD.row(**row) for row in rows]), what=WHAT))


def classify_table(table: pd.DataFrame, *, mixture: Mixture | None = None, seed: int = 1) -> pd.DataFrame:
    """Assign the samples of a table of events by `mixture`, else by one that is fitted on them."""

    def rows(events: Events) -> list[dict[str, Any]]:
        return call(fit_mixture(events, seed=seed) if mixture is None else mixture, events)

    return classify_events_table(table, METHOD, rows, coded=False)


METHOD = Method(
    name="mixture",
    version="1",
    kind="genetic",
    input="genetic_features",
    needs="coded events of a cohort to fit on, or a saved mixture and its events",
    classes=(),
    features=(),
    platforms=("any that sees the events it was fitted on",),
    citation="Lacy SE et al. Blood 2020; 135:1759-1771, doi:10.1182/blood.2019003535 (the model; its classes are not these)",
    verified=True,
    limits="Clusters G1, G2 ... of the cohort it was fitted on, ordered by size: they are no published subtypes, and another cohort "
    "has others.",
    classify=classify,
    classify_table=classify_table,
)
