"""IHC of CD10, GCET1, MUM1, FOXP1 and LMO2 -> GCB or non-GCB by counting, after Meyer et al. 2011.  Not verified in its source."""

from __future__ import annotations

from resistance.subtype.ihc import Stains, ihc_method

CUTOFFS = {"CD10": 30.0, "GCET1": 30.0, "MUM1": 30.0, "FOXP1": 30.0, "LMO2": 30.0}


def decide(stains: Stains) -> tuple[str | None, tuple[str, ...]]:
    """Whichever of CD10 + GCET1 and MUM1 + FOXP1 has more positives; LMO2 where they are equal."""
    asked = ("CD10", "GCET1", "MUM1", "FOXP1")
    cd10, gcet1, mum1, foxp1 = (stains[name].positive for name in asked)
    if cd10 is None or gcet1 is None or mum1 is None or foxp1 is None:
        return None, asked
    difference = (cd10 + gcet1) - (mum1 + foxp1)
    if difference:
        return ("GCB" if difference > 0 else "non-GCB"), asked
    lmo2 = stains["LMO2"].positive
    return (None if lmo2 is None else "GCB" if lmo2 else "non-GCB"), (*asked, "LMO2")


METHOD, classify, classify_table = ihc_method(
    "tally",
    kind="cell_of_origin",
    decide=decide,
    cutoffs=CUTOFFS,
    classes=("GCB", "non-GCB"),
    citation="Meyer PN et al. J Clin Oncol 2011; 29:200-207. doi:10.1200/JCO.2010.30.0368",
    verified=False,
    limits="Cut-offs and the rule of ties were not compared with the paper.",
)
