"""NanoString counts -> PMBL, DLBCL or unclassified by the Lymph3Cx / DLBCL90 score."""

from __future__ import annotations

from resistance.subtype.nanostring import nanostring_method

METHOD, classify, classify_table = nanostring_method(
    "dlbcl90_pmbl",
    kind="expression_class",
    citation="Mottok A et al. Blood 2018; 132:2401-2405. doi:10.1182/blood-2018-05-851154",
    limits="Trained on mediastinal tumours against DLBCL; a score does not replace the site of the disease.",
)
