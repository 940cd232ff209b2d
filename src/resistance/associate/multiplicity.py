"""The p-values of a plan -> what they are worth together: adjusted within families, and the gates of a hierarchy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resistance.stats.multiplicity import benjamini_hochberg

if TYPE_CHECKING:
    import pandas as pd

    from resistance.config import CohortFile

#: level at which a finding opens the gate to the next endpoint of a hierarchy
ALPHA = 0.05


def adjusted_for_many(frame: pd.DataFrame, config: CohortFile) -> pd.DataFrame:
    """Return the rows with q_value within each family, and with gate_open.

    A question without p stays without q and does not count as a test; the plan lists it all the same.

    Parameters
    ----------
    frame : DataFrame
        Columns family, endpoint and p_value at least.
    """
    out = frame.assign(q_value=np.nan, p_familywise=np.nan, gate_open=None, e_value=np.nan, e_value_bound=np.nan)
    for _, family in out.groupby("family", sort=False):
        out.loc[family.index, "q_value"] = benjamini_hochberg(family["p_value"].to_numpy(dtype=np.float64))
    return _gates(out, config)


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
