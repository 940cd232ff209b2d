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
    import pandas as pd

    place = index.get_indexer(pd.Index(table["patient_id"].astype("object")))
    row, names = pd.factorize(table["marker_id"].astype("object"), sort=True)
    code = table["state"].map(_CODES).fillna(NOT_ASSESSED).to_numpy(dtype=np.int8)
    states = np.full((len(names), len(index)), NOT_ASSESSED, dtype=np.int8)
    here = (place >= 0) & (row >= 0)
    states[row[here], place[here]] = code[here]
    return {str(name): states[i] for i, name in enumerate(names)}
