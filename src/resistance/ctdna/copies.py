"""Cohort and followed variants -> copies and multiplicity of each clonal one, for the tumour fraction in plasma."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resistance.ctdna.support import TUMOUR, VARIANT
from resistance.schemas.study import COPIES_OF_STATE

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.ctdna.followed import Followed

KEYS = ["patient_id", *VARIANT]


def variant_copies(cohort: Cohort, followed: Followed) -> pd.DataFrame:
    """Return what is known of the copies of each followed variant.

    Parameters
    ----------
    cohort : Cohort
        Copy number and purity of the baseline tumour, sex of the patients.
    followed : Followed

    Returns
    -------
    DataFrame
        patient_id, the variant, and

        - ``diploid_copies``: copies in every cell that is not the tumour's (2; 1 on X and Y of men; NA on MT, and on
          X and Y where the sex is not known);
        - ``tumour_copies`` and ``multiplicity``: NA where they are not known.  Copies are those of the gene in the
          baseline tumour.  The multiplicity is 1 of one copy; elsewhere that of the tumour's reads and purity;
          without purity it is 1 of two copies, and unknown of more;
        - ``subclonal``: by the tumour's reads, purity and copies below every cell: the variant says less about the
          tumour than one that all its cells have.
    """
    import numpy as np
    import pandas as pd

    from resistance.stats.clonality import cancer_cell_fraction

    out = followed.variants.merge(followed.origins[[*KEYS, "gene"]], on=KEYS, how="left")
    sex = out["patient_id"].map(cohort.patients.set_index("patient_id")["sex"]).astype("object")
    chrom = out["chrom"].astype("object")
    of_sex = chrom.isin(["X", "Y"])
    male, two = of_sex & (sex == "male"), ~of_sex & (chrom != "MT") | ((chrom == "X") & (sex == "female"))
    normal = np.select([two, male], [2.0, 1.0], np.nan)
    wanted = cohort.samples["material"].isin(TUMOUR) & (cohort.samples["timepoint"] == "baseline")
    samples = cohort.samples.loc[wanted, ["sample_id", "patient_id", "purity"]]
    numbers = cohort.copy_number[["sample_id", "gene", "state"]].merge(samples, on="sample_id")
    numbers = numbers.sort_values(["patient_id", "gene", "sample_id"], kind="stable").drop_duplicates(["patient_id", "gene"])
    out = out.merge(numbers, on=["patient_id", "gene"], how="left")
    # a discrete state is relative to two copies: on the one X of a man it does not say how many
    copies = out["state"].astype("object").map(COPIES_OF_STATE).to_numpy(dtype=np.float64)
    copies = np.where((normal == 2.0) & (copies > 0), copies, np.nan)
    counts = followed.counted[["sample_id", *VARIANT, "mutant", "reads"]]
    out = out.merge(counts, on=["sample_id", *VARIANT], how="left")
    alt, depth = (out[name].to_numpy(dtype=np.float64) for name in ("mutant", "reads"))
    found = cancer_cell_fraction(alt, depth, out["purity"].to_numpy(dtype=np.float64), copies, normal)
    guess = np.where((copies == 1) | (copies == 2), 1.0, np.nan)
    multiplicity = np.where(np.isnan(found.multiplicity), guess, found.multiplicity)
    known = ~np.isnan(multiplicity)
    return pd.DataFrame(
        {
            **{name: out[name] for name in KEYS},
            "diploid_copies": normal,
            "tumour_copies": np.where(known, copies, np.nan),
            "multiplicity": np.where(known, multiplicity, np.nan),
            "subclonal": found.clonality == "subclonal",
        }
    )
