"""The long marker matrix -> patients x markers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from resistance.export.results import Results


def units(results: Results) -> pd.DataFrame:
    """Return the patient x time point pairs of the matrix, in its order."""
    return results.matrix[["patient_id", "timepoint"]].drop_duplicates().reset_index(drop=True)


def wide(results: Results, column: str) -> pd.DataFrame:
    """Return a column of the matrix as units x markers.

    Parameters
    ----------
    results : Results
    column : {'state', 'value', 'evidence'}

    Returns
    -------
    DataFrame
        Rows as in :func:`units` (a row number as index), columns in the order of the markers table.
        A pair that the matrix does not have is NA; for ``state`` it is 'not_assessed'.
    """
    keys = units(results).reset_index(names="_unit")
    long = results.matrix[["patient_id", "timepoint", "marker_id", column]].merge(keys, on=["patient_id", "timepoint"])
    table = long.pivot(index="_unit", columns="marker_id", values=column)  # noqa: PD010 - one row per key, by schema
    table = table.reindex(index=range(len(keys)), columns=results.markers["marker_id"].astype("object").tolist())
    table.columns.name = table.index.name = None
    return table.fillna("not_assessed") if column == "state" else table


def by_timepoint(results: Results) -> dict[str, pd.DataFrame]:
    """Return, per time point, patient_id and a column of states (words) per marker."""
    keys, states = units(results), wide(results, "state")
    states.insert(0, "patient_id", keys["patient_id"].to_numpy())
    return {name: states[(keys["timepoint"] == name).to_numpy(dtype=bool)].reset_index(drop=True) for name in results.timepoints}
