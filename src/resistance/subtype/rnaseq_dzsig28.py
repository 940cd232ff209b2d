"""Raw RNA-seq counts -> the dark-zone signature, positive, negative or between, by 28 genes."""

from __future__ import annotations

from resistance.subtype.rnaseq_reference import reference_method

METHOD, classify, classify_table = reference_method(
    "rnaseq_dzsig28",
    kind="expression_class",
    citation="Bolen C. gneSeqCOO 1.1.0 (R package, MIT); cut-offs of Ennishi D et al. J Clin Oncol 2019; 37:190-201, doi:10.1200/JCO.18.01583",
)
