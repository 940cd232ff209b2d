"""Raw RNA-seq counts -> ABC, GCB or unclassified by the 21-gene score of the GOYA trial."""

from __future__ import annotations

from resistance.subtype.rnaseq_reference import reference_method

METHOD, classify, classify_table = reference_method(
    "rnaseq_coo21",
    kind="cell_of_origin",
    citation="Bolen C. gneSeqCOO 1.1.0 (R package, MIT), github.com/Genentech/gneSeqCOO; fitted to the score of Scott DW et al. Blood 2014; "
    "123:1214-1217, doi:10.1182/blood-2013-11-536433",
)
