"""What the alignments say about whose DNA each sample is: identity of patients' samples, contamination, carry-over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resistance.config.plasma_quality import Identity
from resistance.ctdna.carry_over import find_carry_over
from resistance.ctdna.contamination import check_contamination
from resistance.ctdna.identity import check_identity
from resistance.schemas import IDENTITY
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort


def check_samples(
    cohort: Cohort,
    settings: Identity,
    *,
    snp_counts: pd.DataFrame | None,
    pileup: pd.DataFrame | None,
    background: pd.DataFrame | None,
) -> pd.DataFrame:
    """Return all three checks as one table.

    Parameters
    ----------
    cohort : Cohort
    settings : config.Identity
    snp_counts, pileup, background : DataFrame or None
        Schemas SNP_COUNTS, PILEUP and BACKGROUND of all samples and controls; None where no alignments are counted.

    Returns
    -------
    DataFrame
        Schema IDENTITY.
    """
    import pandas as pd

    parts = []
    if snp_counts is not None:
        parts += [check(snp_counts, cohort.samples, settings) for check in (check_identity, check_contamination)]
    if pileup is not None and background is not None:
        parts.append(find_carry_over(cohort, pileup, background))
    filled = [part for part in parts if len(part)]
    return conform(pd.concat(filled, ignore_index=True), IDENTITY) if filled else empty(IDENTITY)
