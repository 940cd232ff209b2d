"""The stage tables -> continuous and ordinal markers: one number per patient, on the scale that the cohort file asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from resistance.associate.variables import is_number, value_of
from resistance.consequences import PROTEIN_CHANGING
from resistance.errors import InputError
from resistance.matrix import log2_expression

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import CohortFile, Measure

FloatArray = NDArray[np.float64]

_PER = {
    "unit": "per unit",
    "sd": "per standard deviation",
    "log2": "per doubling",
    "log10": "per tenfold",
    "rank": "highest v lowest rank",
}


#: level of ctDNA in ``quantity`` -> the column that stands for it where it was not detected
LIMITS = {
    "hge_per_ml": "lod_hge_per_ml",
    "log10_hge_per_ml": "lod_hge_per_ml",
    "mean_vaf": "lod_vaf",
    "median_vaf": "lod_vaf",
    "assay_level": "assay_limit",
}


@dataclass(frozen=True)
class Measured:
    """A measure.

    Parameters
    ----------
    label : str
        Short name.
    per : str
        What an effect is per.
    value : array, shape (n,)
        On that scale, NaN where it was not measured.
    zeros : int
        Patients whose 0 was replaced before the logarithm.
    at_limit : int
        Undetected samples whose limit of detection stands for the level of ctDNA.
    source : str
        Where it comes from, as in the cohort file.
    centre, spread : float
        `value` times `spread` plus `centre` is the expression of a gene (log2).
    """

    label: str
    per: str
    value: FloatArray
    zeros: int
    source: str
    centre: float = 0.0
    spread: float = 1.0
    at_limit: int = 0


def measured(
    measure: Measure,
    config: CohortFile,
    cohort: Cohort,
    matrix: pd.DataFrame,
    subtypes: pd.DataFrame,
    stages: Mapping[str, pd.DataFrame],
) -> Measured:
    """Return one measure of the cohort file.

    Parameters
    ----------
    matrix, subtypes : DataFrame
        Schemas ``matrix`` and ``subtypes``.
    stages : mapping of DataFrame
        ``effects`` for ``vaf:``, ``quantity`` for ``ctdna:``.

    Raises
    ------
    InputError
        The table does not have what the measure names, or its values have no logarithm.
    """
    raw = _raw(measure, config, cohort, matrix, subtypes, stages)
    value, zeros = scaled(raw, measure)
    source, _, name = measure.variable.partition(":")
    at_limit = 0
    if source == "ctdna" and name in LIMITS:
        rows = stages["quantity"]
        at_limit = int(_undetected(rows[rows["timepoint"] == config.analysis.timepoint], name).sum())
    return Measured(measure.name, _PER[measure.scale], value, zeros, measure.variable, at_limit=at_limit)


def expressed(genes: list[str], config: CohortFile, cohort: Cohort) -> dict[str, Measured]:
    """Return the expression of genes (log2), per standard deviation; genes that do not vary are in it, as NaN."""
    values = _expression(genes, config, cohort)
    out = {}
    for gene, row in zip(genes, values, strict=True):
        spread = _spread(row)
        centre = float(np.nanmean(row)) if spread > 0 else 0.0
        value = (row - centre) / spread if spread > 0 else np.full_like(row, np.nan)
        words = "per standard deviation of log2 expression"
        out[f"expression:{gene}"] = Measured(gene, words, value, 0, f"expression:{gene}", centre, spread)
    return out


def log2_expression_of(genes: list[str], config: CohortFile, cohort: Cohort) -> FloatArray:
    """Return genes x patients on a log2 scale at the analysis' time point, as measured: not centred, NaN where not measured."""
    return _expression(genes, config, cohort)


def scaled(values: FloatArray, measure: Measure) -> tuple[FloatArray, int]:
    """Return values on the scale of the measure, and how many zeros were replaced by half the least value above 0.

    Raises
    ------
    InputError
        A negative value has no logarithm.
    """
    known = ~np.isnan(values)
    if measure.scale == "unit" or not known.any():
        return values, 0
    if measure.scale in ("log2", "log10"):
        if (values[known] < 0).any():
            raise InputError(
                "a negative value has no logarithm",
                column=f"analysis.measures '{measure.name}'",
                value=f"{values[known].min():g}",
                remedy="Use the scale sd, unit or rank.",
            )
        zero = known & (values == 0)
        above = values[known & (values > 0)]
        if above.size == 0:
            return np.where(known, 0.0, np.nan), 0
        filled = np.where(zero, above.min() / 2, values)
        out: FloatArray = np.log2(filled) if measure.scale == "log2" else np.log10(filled)
        return out, int(zero.sum())
    if measure.scale == "rank":
        from scipy.stats import rankdata

        ranks = np.full(values.size, np.nan)
        ranks[known] = rankdata(values[known])
        return (ranks - 1) / max(1, int(known.sum()) - 1), 0
    spread = _spread(values)
    # a measure that does not vary stays as it is: the question about it is refused by name
    return ((values - np.nanmean(values)) / spread if spread > 0 else values), 0


def _spread(values: FloatArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.std(ddof=1)) if known.size > 1 else 0.0


def _raw(
    measure: Measure,
    config: CohortFile,
    cohort: Cohort,
    matrix: pd.DataFrame,
    subtypes: pd.DataFrame,
    stages: Mapping[str, pd.DataFrame],
) -> FloatArray:
    import pandas as pd

    ids = cohort.patients["patient_id"].astype("object")
    source, _, name = measure.variable.partition(":")
    where = f"analysis.measures '{measure.name}'"
    if not name:
        values = value_of(measure.variable, config, cohort, subtypes)
        if values.isna().all():  # of whatever kind: the question is refused by name
            return np.full(len(values), np.nan)
        if not is_number(values):
            words = values[pd.to_numeric(values, errors="coerce").isna() & values.notna()]
            patient, word = str(words.index[0]), str(words.iloc[0])
            raise InputError(
                "the measure is no number", column=where, value=f"{word} (patient {patient})",
                remedy="Map its values to numbers (covariates: values), or ask it as a contrast.",
            )  # fmt: skip
        return np.asarray(values, dtype=np.float64)
    now = config.analysis.timepoint
    if source == "expression":
        return np.asarray(_expression([name], config, cohort)[0], dtype=np.float64)
    if source == "marker":
        rows = matrix[(matrix["marker_id"] == name) & (matrix["timepoint"] == now)]
        if name not in set(matrix["marker_id"]):
            raise InputError(
                "no such marker", column=where, value=name, remedy="`resistance matrix` writes the markers there are."
            )
        per_patient = rows.set_index("patient_id")["value"]
    elif source == "score":
        return _score(name, where, config, cohort, subtypes)
    elif source == "ctdna":
        table = stages["quantity"]
        if name not in table or table[name].dtype.kind not in "fiub":
            numbers = [c for c in table.columns if table[c].dtype.kind in "fiu"]
            raise InputError("quantity has no such number", column=where, value=name, remedy=f"It has: {', '.join(numbers)}.")
        rows = table[table["timepoint"] == now]
        per_patient = rows.assign(_value=_levels(rows, name)).groupby("patient_id")["_value"].mean()
    else:
        return _vaf(name, config, cohort, stages["effects"])
    return np.asarray(per_patient.astype("float64").reindex(ids), dtype=np.float64)


def _levels(rows: pd.DataFrame, name: str) -> pd.Series:
    """Return a number of the quantity; where no ctDNA was detected a level is the limit of detection, not 0 or stray reads."""
    value = rows[name].astype("float64")
    if name not in LIMITS:
        return value
    limit = rows[LIMITS[name]].astype("float64")
    if name.startswith("log10_"):
        limit = np.log10(limit)
    return value.mask(_undetected(rows, name), limit)


def _undetected(rows: pd.DataFrame, name: str) -> pd.Series:
    """Return the samples in which no ctDNA was detected and that have a limit of detection."""
    return rows["detected"].eq(False).fillna(False).astype(bool) & rows[LIMITS[name]].notna()


def _score(name: str, where: str, config: CohortFile, cohort: Cohort, subtypes: pd.DataFrame) -> FloatArray:
    """Return a score per patient: of the measurements (the study's or computed; mean over samples), else of a subtype method."""
    ids = cohort.patients["patient_id"].astype("object")
    scores = cohort.measurements[cohort.measurements["kind"] == "score"]
    rows = scores[scores["name"] == name]
    if not rows.empty:
        placed = rows.merge(_samples_now(config, cohort)[["sample_id", "patient_id"]], on="sample_id")
        per_patient = placed.groupby("patient_id")["value"].mean()
    else:
        called = subtypes[subtypes["method"] == name]
        if called.empty:
            there = ", ".join(sorted({*scores["name"], *subtypes["method"]})) or "none"
            raise InputError(
                "there is no score or subtype method of this name", column=where, value=name, remedy=f"There are: {there}."
            )
        per_patient = called.set_index("patient_id")["score"]
    return np.asarray(per_patient.astype("float64").reindex(ids), dtype=np.float64)


def _samples_now(config: CohortFile, cohort: Cohort) -> pd.DataFrame:
    rows = cohort.samples
    return rows[(rows["timepoint"] == config.analysis.timepoint) & (rows["material"] != "germline")]


def _expression(genes: list[str], config: CohortFile, cohort: Cohort) -> FloatArray:
    """Return genes x patients on a log2 scale: the mean over the samples of the analysis' time point."""
    import pandas as pd

    table = log2_expression(cohort, genes)
    samples = _samples_now(config, cohort)
    samples = samples[samples["sample_id"].isin(table.columns)]
    out = np.full((len(genes), len(cohort.patients)), np.nan)
    if samples.empty:
        return out
    patient = pd.Series(samples["patient_id"].to_numpy(), index=samples["sample_id"].to_numpy())
    per_patient = table[patient.index].T.groupby(patient).mean().T
    place = cohort.patients["patient_id"].to_numpy()
    return np.asarray(per_patient.reindex(index=genes, columns=place), dtype=np.float64)


def counted(config: CohortFile, cohort: Cohort) -> tuple[tuple[str, ...], FloatArray] | None:
    """Return the genes and the counts, genes x patients: summed over the samples of the analysis' time point, NaN without any.

    None where expression was not given as counts.
    """
    if cohort.facts.get("expression_unit") != "counts" or cohort.expression.empty:
        return None
    samples = _samples_now(config, cohort)
    samples = samples[samples["sample_id"].isin(cohort.expression.columns)]
    place = cohort.patients["patient_id"].astype("object").tolist()
    at = {patient: i for i, patient in enumerate(place)}
    out = np.full((len(cohort.expression), len(place)), np.nan)
    for patient, mine in samples.groupby("patient_id", sort=True):
        out[:, at[patient]] = cohort.expression[mine["sample_id"].tolist()].to_numpy(dtype=np.float64).sum(axis=1)
    return tuple(cohort.expression["gene"].astype(str)), out


def _vaf(gene: str, config: CohortFile, cohort: Cohort, effects: pd.DataFrame) -> FloatArray:
    """Return the highest VAF of a change of the gene's protein; 0 where an assay covers the gene, NaN elsewhere."""
    import pandas as pd

    samples = _samples_now(config, cohort)
    patient = pd.Series(samples["patient_id"].to_numpy(), index=samples["sample_id"].to_numpy())
    seen = cohort.coverage[(cohort.coverage["kind"] == "mutation") & cohort.coverage["gene"].isin([gene, "*"])]
    covered = set(patient.reindex(seen["sample_id"].astype("object").unique()).dropna())
    key = ["build", "chrom", "pos", "ref", "alt"]
    mine = effects[(effects["gene"] == gene) & effects["effect_class"].isin(PROTEIN_CHANGING)]
    calls = cohort.calls.merge(mine[key].drop_duplicates(), on=key)
    calls = calls[calls["sample_id"].isin(patient.index)]
    highest = calls["vaf"].groupby(calls["sample_id"].astype("object").map(patient)).max()
    ids = cohort.patients["patient_id"].astype("object")
    base = ids.map(lambda x: 0.0 if x in covered else np.nan).to_numpy(dtype=np.float64)
    found = highest.astype("float64").reindex(ids).to_numpy(dtype=np.float64)
    # a mutated gene whose call has no VAF is not "0"
    unknown = ids.isin(set(calls["sample_id"].astype("object").map(patient))).to_numpy() & np.isnan(found)
    return np.where(unknown, np.nan, np.where(np.isnan(found), base, found))
