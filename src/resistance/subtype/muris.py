"""IHC of BCL2, CD10 and MUM1 -> GCB or non-GCB after Muris et al. 2006.  Not verified in its source."""

from __future__ import annotations

from resistance.subtype.ihc import Ask, by_tree, ihc_method

CUTOFFS = {"BCL2": 50.0, "CD10": 30.0, "MUM1": 70.0}
TREE = Ask("BCL2", yes=Ask("CD10", yes="GCB", no=Ask("MUM1", yes="non-GCB", no="GCB")), no="GCB")

METHOD, classify, classify_table = ihc_method(
    "muris",
    kind="cell_of_origin",
    decide=by_tree(TREE),
    cutoffs=CUTOFFS,
    classes=("GCB", "non-GCB"),
    citation="Muris JJF et al. J Pathol 2006; 208:714-723. doi:10.1002/path.1924",
    verified=False,
    limits="Neither the cut-offs nor the order of the questions were compared with the paper, which calls its classes groups 1 and 2.",
)
