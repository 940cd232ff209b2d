"""NanoString counts -> ABC, GCB or unclassified by the Lymph2Cx / DLBCL90 score."""

from __future__ import annotations

from resistance.subtype.nanostring import nanostring_method

METHOD, classify, classify_table = nanostring_method(
    "dlbcl90_coo",
    kind="cell_of_origin",
    citation="Scott DW et al. Blood 2014; 123:1214-1217. doi:10.1182/blood-2013-11-536433",
    limits="Numbers of one code set on one platform (Lymph2Cx has these genes too). 153 of 200 calls agree with RNA-seq, 99 of 116 with Hans (Reddy 2017).",
)
