"""IHC of MYC and BCL2 -> double expressor or not (MYC from 40 %, BCL2 from 50 %)."""

from __future__ import annotations

from resistance.subtype.ihc import Stains, ihc_method

CUTOFFS = {"MYC": 40.0, "BCL2": 50.0}
YES, NO = "double_expressor", "not_double_expressor"


def decide(stains: Stains) -> tuple[str | None, tuple[str, ...]]:
    """Both positive: a double expressor.  One that is negative decides, whether the other is known or not."""
    myc, bcl2 = stains["MYC"].positive, stains["BCL2"].positive
    if myc is None or bcl2 is None:
        known = "MYC" if bcl2 is None else "BCL2"
        if stains[known].positive is False:
            return NO, (known,)
        return None, ("MYC", "BCL2")
    return (YES if myc and bcl2 else NO), ("MYC", "BCL2")


METHOD, classify, classify_table = ihc_method(
    "double_expressor",
    kind="risk",
    decide=decide,
    cutoffs=CUTOFFS,
    classes=(YES, NO),
    citation="Johnson NA et al. J Clin Oncol 2012; 30:3452-3459. doi:10.1200/JCO.2011.41.0985",
    verified=True,
    limits="Protein only: a double hit (rearranged MYC and BCL2) is another thing. Reading of MYC varies between laboratories.",
)
