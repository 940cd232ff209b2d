"""The marker matrix at one time point -> one array of three states per marker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Mask = NDArray[np.bool_]
States = dict[str, NDArray[np.int8]]

#: codes of a state in the arrays here
PRESENT, ABSENT, NOT_ASSESSED = 1, 0, -1
_CODES = {"present": PRESENT, "absent": ABSENT, "not_assessed": NOT_ASSESSED}


def states_of(table: pd.DataFrame, index: pd.Index) -> States:
    """Return marker_id -> state per patient of `index`; a pair without a row is not assessed.

    Parameters
    ----------
    table : DataFrame
        Schema ``matrix``, rows of one time point.
    index : Index
        Patients.
    """
    out: States = {}
    for marker_id, rows in table.groupby("marker_id", sort=True):
        state = rows.set_index("patient_id")["state"].map(_CODES).reindex(index)
        out[str(marker_id)] = state.fillna(NOT_ASSESSED).to_numpy(dtype=np.int8)
    return out
