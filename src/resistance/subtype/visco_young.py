"""IHC of CD10, FOXP1 and BCL6 -> GCB or non-GCB after Visco et al. 2012.  Not verified in its source."""

from __future__ import annotations

from resistance.subtype.ihc import Ask, by_tree, ihc_method

CUTOFFS = {"CD10": 30.0, "FOXP1": 60.0, "BCL6": 30.0}
TREE = Ask("CD10", yes="GCB", no=Ask("FOXP1", yes="non-GCB", no=Ask("BCL6", yes="GCB", no="non-GCB")))

METHOD, classify, classify_table = ihc_method(
    "visco_young",
    kind="cell_of_origin",
    decide=by_tree(TREE),
    cutoffs=CUTOFFS,
    classes=("GCB", "non-GCB"),
    citation="Visco C et al. Leukemia 2012; 26:2103-2113. doi:10.1038/leu.2012.83",
    verified=False,
    limits="Cut-offs and order were not compared with the paper.",
)
