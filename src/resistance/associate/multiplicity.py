"""The p-values of a plan -> what they are worth together: adjusted within families, and the gates of a hierarchy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resistance.stats.multiplicity import adjust
from resistance.stats.storey import storey

if TYPE_CHECKING:
    import pandas as pd

    from resistance.config import CohortFile

#: level at which a finding opens the gate to the next endpoint of a hierarchy
ALPHA = 0.05
#: fewer tests say too little about how many hypotheses are true: Storey's q is then Benjamini-Hochberg's
LEAST_FOR_STOREY = 100


def adjusted_for_many(frame: pd.DataFrame, config: CohortFile) -> pd.DataFrame:
    """Return the rows with q_value within each family, and with gate_open.

    A question without p stays without q and does not count as a test; the plan lists it all the same.

    Parameters
    ----------
    frame : DataFrame
        Columns family, endpoint and p_value at least.
    """
    out = frame.assign(q_value=np.nan, gate_open=None)
    for _, family in out.groupby("family", sort=False):
        p_values = family["p_value"].to_numpy(dtype=np.float64)
        out.loc[family.index, "q_value"] = _q_values(p_values, config.analysis.multiplicity.method)
    return _gates(out, config)


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
    gate, is_open = frame["gate_open"].copy(), True
    for endpoint in order:
        mine = frame["endpoint"] == endpoint
        gate[mine] = is_open
        is_open = is_open and bool((frame.loc[mine, "q_value"] <= ALPHA).any())
    return frame.assign(gate_open=gate)
