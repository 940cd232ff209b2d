"""IHC of CD10, BCL6 and MUM1 -> GCB or non-GCB by the algorithm of Hans et al. 2004."""

from __future__ import annotations

from resistance.subtype.ihc import Ask, by_tree, follow, ihc_method

#: percentage of positive tumour cells from which each of the three is positive
CUTOFFS = {"CD10": 30.0, "BCL6": 30.0, "MUM1": 30.0}
TREE = Ask("CD10", yes="GCB", no=Ask("BCL6", yes=Ask("MUM1", yes="non-GCB", no="GCB"), no="non-GCB"))


def decide(cd10: bool | None, bcl6: bool | None, mum1: bool | None) -> tuple[str | None, tuple[str, ...]]:
    """Follow the tree: CD10, then BCL6, then MUM1.

    Parameters
    ----------
    cd10, bcl6, mum1 : bool or None
        Positive, negative, or not known.

    Returns
    -------
    call : str or None
        'GCB', 'non-GCB', or None where the tree comes to an antibody that is not known.
    asked : tuple of str
        The antibodies that the tree asked for, in this order; the last one is the missing one where
        there is no call.

    References
    ----------
    Hans CP et al. Blood 2004; 103:275-282.

    Examples
    --------
    >>> decide(True, None, None)
    ('GCB', ('CD10',))
    >>> decide(False, False, True)
    ('non-GCB', ('CD10', 'BCL6'))
    """
    return follow(TREE, {"CD10": cd10, "BCL6": bcl6, "MUM1": mum1})


METHOD, classify, classify_table = ihc_method(
    "hans",
    kind="cell_of_origin",
    decide=by_tree(TREE),
    cutoffs=CUTOFFS,
    classes=("GCB", "non-GCB"),
    citation="Hans CP et al. Blood 2004; 103:275-282. doi:10.1182/blood-2003-05-1545",
    verified=True,
    limits="Protein and expression disagree in about one patient of five (Reddy 2017: 345 of 439 agree with RNA-seq); "
    "non-GCB is ABC and unclassified together.",
)
