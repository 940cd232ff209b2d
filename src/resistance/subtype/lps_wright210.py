"""Expression -> ABC or GCB by the linear predictor score with 210 published t weights."""

from __future__ import annotations

from resistance.subtype.published_lps import published_method

METHOD, classify, classify_table = published_method(
    "lps_wright210",
    kind="cell_of_origin",
    citation="Wright G et al. PNAS 2003; 100:9991-9996, doi:10.1073/pnas.1732008100; weights of the R package PRPS 1.1.0",
)
