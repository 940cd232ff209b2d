"""Expression and gene sets -> the scores of the library decoupler (extra ``genesets``), with its traps closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resistance.errors import InputError
from resistance.stats._threads import one_thread

LIBRARY, EXTRA = "decoupler", "genesets"
Rows = NDArray[np.intp]
FloatArray = NDArray[np.float64]


def require_library(method: str) -> None:
    """Raise where decoupler is not installed.

    Raises
    ------
    InputError
        With the command that installs it.
    """
    if find_spec(LIBRARY) is None:
        raise InputError(
            f"{method} needs {LIBRARY}, which is not installed",
            column="subtype.gene_sets.method",
            value=method,
            remedy=f"pip install 'resistance[{EXTRA}]', or take gsva, ssgsea, plage or zscore.",
        )


def ulm(expression: FloatArray, sets: Sequence[Rows]) -> FloatArray:
    """Return, per set and sample, t of the slope of expression on membership, over the genes (univariate linear model).

    Parameters
    ----------
    expression : array, shape (m, n)
        Genes in rows, samples in columns, on a log scale; no missing values.
    sets : sequence of int arrays
        0-based rows of each set; none empty, none with every gene.

    Returns
    -------
    array, shape (s, n)
        NaN where all genes of a sample have one value.

    Raises
    ------
    InputError
        decoupler is not installed.

    Notes
    -----
    Badia-i-Mompel et al. 2022, doi:10.1093/bioadv/vbac016.  A sample's score does not depend on other
    samples or sets.
    """
    return _run("ulm", expression, sets)


def mlm(expression: FloatArray, sets: Sequence[Rows]) -> FloatArray:
    """Return t of each set's coefficient in one linear model of all sets together (multivariate linear model).

    As :func:`ulm`, but a score depends on the other sets of the file, which must be linearly independent
    and fewer than the genes.

    Raises
    ------
    InputError
        decoupler is not installed; the sets are not independent.
    """
    m, s = expression.shape[0], len(sets)
    design = np.zeros((m, s + 1))
    design[:, s] = 1.0
    for number, rows in enumerate(sets):
        design[rows, number] = 1.0
    if m <= s + 1 or np.linalg.matrix_rank(design) < s + 1:
        raise InputError(
            f"mlm fits the {s} sets together over {m} genes, and they are not independent (two may hold the same genes)",
            column="subtype.gene_sets.method",
            value="mlm",
            remedy="Name fewer sets, or take ulm, which looks at one set at a time.",
        )
    return _run("mlm", expression, sets)


def aucell(expression: FloatArray, sets: Sequence[Rows]) -> FloatArray:
    """Return the area under the recovery curve of each set among the 5 % highest genes of a sample, 0..1.

    As :func:`ulm`.  Genes of one value at the edge of the 5 % are ordered by chance, always the same one.

    Raises
    ------
    InputError
        decoupler is not installed.

    Notes
    -----
    Aibar et al. 2017, doi:10.1038/nmeth.4463.
    """
    return _run("aucell", expression, sets)


@one_thread
def _run(method: str, expression: FloatArray, sets: Sequence[Rows]) -> FloatArray:
    """Call decoupler by numbers in place of names; samples of one value, for which it divides by 0, are left out."""
    import pandas as pd

    require_library(method)
    n = expression.shape[1]
    out = np.full((len(sets), n), np.nan)
    varies = np.ptp(expression, axis=0) > 0
    if not sets or not varies.any():
        return out
    genes = [str(i) for i in range(expression.shape[0])]
    frame = pd.DataFrame(expression[:, varies].T, index=[str(j) for j in np.flatnonzero(varies)], columns=genes)
    pairs = [(str(number), str(row), 1.0) for number, rows in enumerate(sets) for row in rows]
    network = pd.DataFrame(pairs, columns=["source", "target", "weight"])
    # empty=False: a gene that is 0 everywhere belongs to the background all the same
    scores = _method(method)(frame, network, tmin=1, empty=False, verbose=False)[0]
    out[:, varies] = scores.loc[frame.index, [str(number) for number in range(len(sets))]].to_numpy(dtype=np.float64).T
    return out


def _method(name: str) -> Callable[..., Any]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside its own dependencies
        import decoupler  # type: ignore[import-untyped]
    found: Callable[..., Any] = getattr(decoupler.mt, name)
    return found
