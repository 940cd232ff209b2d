"""Expression -> DHITsig positive or negative by the linear predictor score with 104 published weights."""

from __future__ import annotations

from resistance.subtype.published_lps import published_method

METHOD, classify, classify_table = published_method(
    "lps_dhitsig104",
    kind="expression_class",
    citation="Ennishi D et al. J Clin Oncol 2019; 37:190-201, doi:10.1200/JCO.18.01583; weights of the R package PRPS 1.1.0",
)
