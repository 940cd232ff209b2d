"""IHC of GCET1, MUM1, CD10, BCL6 and FOXP1 -> GCB or ABC after Choi et al. 2009.  Not verified in its source."""

from __future__ import annotations

from resistance.subtype.ihc import Ask, by_tree, ihc_method

CUTOFFS = {"GCET1": 80.0, "MUM1": 80.0, "CD10": 30.0, "BCL6": 30.0, "FOXP1": 80.0}
TREE = Ask(
    "GCET1",
    yes=Ask("MUM1", yes="ABC", no="GCB"),
    no=Ask("CD10", yes="GCB", no=Ask("BCL6", yes=Ask("FOXP1", yes="ABC", no="GCB"), no="ABC")),
)

METHOD, classify, classify_table = ihc_method(
    "choi",
    kind="cell_of_origin",
    decide=by_tree(TREE),
    cutoffs=CUTOFFS,
    classes=("GCB", "ABC"),
    citation="Choi WWL et al. Clin Cancer Res 2009; 15:5494-5502. doi:10.1158/1078-0432.CCR-09-0113",
    verified=False,
    limits="Cut-offs and order were not compared with the paper.",
)
