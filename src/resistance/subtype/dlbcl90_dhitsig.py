"""NanoString counts -> double-hit signature positive, negative or unclassified by the DHITsig30 score of DLBCL90."""

from __future__ import annotations

from resistance.subtype.nanostring import nanostring_method

METHOD, classify, classify_table = nanostring_method(
    "dlbcl90_dhitsig",
    kind="risk",
    citation="Ennishi D et al. J Clin Oncol 2019; 37:190-201. doi:10.1200/JCO.18.01583",
    limits="Means something in GCB DLBCL, where it was found; positive is not the same as rearranged MYC and BCL2.",
)
