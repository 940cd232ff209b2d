"""Calls, purity and copy number -> cancer cell fraction and clonal or subclonal, where they can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resistance.schemas import CLONALITY
from resistance.schemas.study import COPIES_OF_STATE
from resistance.stats.clonality import cancer_cell_fraction
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.match.states import Tables


def find_clonality(cohort: Cohort, tables: Tables) -> pd.DataFrame:
    """Estimate the cancer cell fraction of the calls that markers can use.

    Parameters
    ----------
    cohort : Cohort
        ``samples.purity`` and the copy-number table decide what can be told.
    tables : Tables
        Of the matched matrix.

    Returns
    -------
    DataFrame
        Schema ``clonality``: the calls of samples whose purity is known, by patient, sample, gene and
        position; ``not_determined`` with a note where read counts or copies are not known.

    Notes
    -----
    Copies of the normal cells are two; on X and Y they are known only for X in women.  Discrete
    copy-number states stand for 0 to 3 copies, so a state taken from another ploidy than two biases
    the fraction.  The interval holds the sampling of reads, not the error of purity or copies.
    """
    import pandas as pd

    samples = cohort.samples.set_index("sample_id")
    found = tables.hits.table
    purity = found["sample_id"].map(samples["purity"]).to_numpy(dtype=np.float64)
    found, purity = found[~np.isnan(purity)].reset_index(drop=True), purity[~np.isnan(purity)]
    if found.empty:
        return empty(CLONALITY)
    patient = found["sample_id"].map(samples["patient_id"])
    sex = patient.map(cohort.patients.set_index("patient_id")["sex"]).astype("object").to_numpy()
    chrom = found["chrom"].astype("object").to_numpy()
    autosomal = ~np.isin(chrom, ["X", "Y", "MT"]) | ((chrom == "X") & (sex == "female"))
    numbers = cohort.copy_number[["sample_id", "gene", "state"]]
    state = found[["sample_id", "gene"]].merge(numbers, on=["sample_id", "gene"], how="left")["state"]
    copies = state.astype("object").map(COPIES_OF_STATE).to_numpy(dtype=np.float64)
    alt = found["alt_count"].to_numpy(dtype=np.float64, na_value=np.nan)
    depth = found["depth"].to_numpy(dtype=np.float64, na_value=np.nan)
    usable = np.where(autosomal, copies, np.nan)
    result = cancer_cell_fraction(alt, depth, purity, usable, np.full(len(found), 2.0))
    notes = np.select(
        [
            ~autosomal,
            state.isna().to_numpy(dtype=bool),
            np.isnan(copies),
            copies == 0,
            np.isnan(alt) | np.isnan(depth),
            (purity == 0) | (depth == 0),
            result.clonality == "not_determined",
        ],
        [
            "copies of the normal cells are not known on this chromosome",
            "no copy number of the gene in this sample",
            "amplified: the number of copies is not known",
            "deeply deleted, yet with reads: copy number and call contradict each other",
            "no read counts",
            "no tumour cells or no reads",
            "too few reads to tell",
        ],
        "",
    )
    table = found[["sample_id", "gene", "hgvsp", "build", "chrom", "pos", "ref", "alt", "vaf", "depth"]].assign(
        patient_id=patient,
        timepoint=found["sample_id"].map(samples["timepoint"]),
        purity=purity,
        tumour_copies=pd.array(copies, dtype="Int64"),
        multiplicity=pd.array(result.multiplicity, dtype="Int64"),
        cancer_cell_fraction=np.minimum(result.ccf, 1.0),
        ccf_ci_low=np.minimum(result.low, 1.0),
        ccf_ci_high=np.minimum(result.high, 1.0),
        clonality=result.clonality,
        note=pd.Series(notes, dtype="object").where(notes != "", None),
    )
    by = ["patient_id", "sample_id", "gene", "chrom", "pos", "ref", "alt"]
    return conform(table.sort_values(by, kind="stable"), CLONALITY)
