"""Raw RNA-seq counts -> ABC, GCB or unclassified by the 21-gene score of the GOYA trial."""

from __future__ import annotations

from resistance.subtype.rnaseq_reference import reference_method

METHOD, classify, classify_table = reference_method(
    "rnaseq_coo21", kind="cell_of_origin", citation="Bolen C. gneSeqCOO 1.1.0 (R package, MIT), github.com/Genentech/gneSeqCOO"
)
