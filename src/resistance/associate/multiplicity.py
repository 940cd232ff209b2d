"""The p-values of a plan -> what they are worth together: adjusted within families, and the gates of a hierarchy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resistance.stats.independent_weights import independent_weights
from resistance.stats.multiplicity import adjust
from resistance.stats.storey import storey

if TYPE_CHECKING:
    import pandas as pd

    from resistance.config import CohortFile

#: level at which a finding opens the gate to the next endpoint of a hierarchy
ALPHA = 0.05
#: fewer tests say too little about how many hypotheses are true: Storey's q is then Benjamini-Hochberg's
LEAST_FOR_STOREY = 100


def adjusted_for_many(frame: pd.DataFrame, config: CohortFile, expression: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Return the rows with q_value and weight within each family, and with gate_open.

    The gate of a family is open where the family of the same population, model and kind has a finding at every endpoint before
    it in the plan's order; where an endpoint before has no such family, it is closed.

    A question without p stays without q and does not count as a test; the plan lists it all the same.

    Parameters
    ----------
    frame : DataFrame
        Columns family, population, endpoint, model and p_value at least; with method ihw also question_id, marker_id, n and carriers.
    expression : mapping of float, optional
        marker_id (``expression:GENE``) -> mean over all patients, which weights of expression go by.
    """
    out = frame.assign(q_value=np.nan, weight=np.nan, gate_open=None)
    for _, family in out.groupby("family", sort=False):
        if config.analysis.multiplicity.method == "ihw":
            out.loc[family.index, ["q_value", "weight"]] = _weighted(family, config, expression or {})
            continue
        p_values = family["p_value"].to_numpy(dtype=np.float64)
        out.loc[family.index, "q_value"] = _q_values(p_values, config.analysis.multiplicity.method)
    return _gates(out, config)


def margin(family: pd.DataFrame, by: str, expression: Mapping[str, float]) -> NDArray[np.float64]:
    """Return what the weights of a family's questions go by: known from the margins, before any p; NaN where there is none.

    Parameters
    ----------
    family : DataFrame
        Columns marker_id, n, carriers.
    by : {'carriers', 'patients'}
    expression : mapping of float
    """
    n, carriers = (family[name].astype("float64").to_numpy(dtype=np.float64) for name in ("n", "carriers"))
    mean = family["marker_id"].map(expression).astype("float64").to_numpy(dtype=np.float64)
    # of a marker that most patients have, those without it are what there is to compare
    flags = n if by == "patients" else np.minimum(carriers, n - carriers)
    return np.asarray(np.where(np.isnan(mean), flags, mean), dtype=np.float64)


def _weighted(family: pd.DataFrame, config: CohortFile, expression: Mapping[str, float]) -> NDArray[np.float64]:
    """Return q and weight of each question, (m, 2)."""
    # by name, so that the order of markers in a file does not draw other folds
    ranked = family.sort_values("question_id", kind="stable")
    p_values = ranked["p_value"].to_numpy(dtype=np.float64)
    known = margin(ranked, config.analysis.multiplicity.weights_by, expression)
    if np.isnan(known[np.isfinite(p_values)]).any():  # measures of several kinds: no margin is common to them
        known = np.zeros(p_values.size)
    found = independent_weights(p_values, known, alpha=ALPHA, seed=config.seed)
    # ten digits, as all numbers of the results
    values = np.array([[float(f"{x:.10g}") for x in pair] for pair in zip(found.p_adjusted, found.weight, strict=True)])
    out = np.empty((p_values.size, 2))
    out[family.index.get_indexer(ranked.index)] = values.reshape(-1, 2)
    return out


def _q_values(p_values: NDArray[np.float64], method: Any) -> NDArray[np.float64]:
    if method != "storey":
        return adjust(p_values, method)
    if np.isfinite(p_values).sum() >= LEAST_FOR_STOREY:
        found = storey(p_values)
        if found.converged:
            return found.q
    return adjust(p_values, "bh")


def _gates(frame: pd.DataFrame, config: CohortFile) -> pd.DataFrame:
    order = list(dict.fromkeys(config.analysis.multiplicity.hierarchy))
    if not order:
        return frame
    # one sequence per population, model and kind of question: among dozens of families some has a finding by chance
    gate, kind = frame["gate_open"].copy(), frame["family"].str.rsplit("/", n=1).str[-1]
    for _, line in frame.groupby(["population", "model", kind], sort=False):
        is_open = True
        for endpoint in order:
            mine = line.index[line["endpoint"] == endpoint]
            gate[mine] = is_open
            is_open = is_open and bool((frame.loc[mine, "q_value"] <= ALPHA).any())
    return frame.assign(gate_open=gate)
