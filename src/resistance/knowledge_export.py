"""Statements of the knowledge base -> files of other tools: TSV, JSON, evidence items as CIViC has them, a cBioPortal gene panel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from resistance import __version__
from resistance.errors import InputError
from resistance.knowledge import load_markers
from resistance.knowledge_tables import load_diseases, load_pathways, words
from resistance.tables import write_text, write_tsv

#: grade -> level of CIViC (B clinical, C case study, D preclinical, E inferential); a trial is no guideline, so A gives B
CIVIC_LEVELS = {"A": "B", "B": "B", "C": "C", "D": "D", "E": "D", "M": "E"}
_CIVIC = {
    "resistance": ("Predictive", "Supports", "Resistance"),
    "sensitivity": ("Predictive", "Supports", "Sensitivity/Response"),
    "prognostic": ("Prognostic", "Supports", "N/A"),
    "neutral": ("Predictive", "Does Not Support", "N/A"),
}
PANEL_ID = "resistance_imid"


def records() -> list[dict[str, Any]]:
    """Return the statements as plain values, genes, drugs and sources as lists, None for NA."""
    table = load_markers()
    plain = table.astype("object").where(table.notna(), None).to_dict("records")
    lists = {"genes": "genes", "drug": "drugs", "source": "sources"}
    out = []
    for row in plain:
        fixed = {str(k): v for k, v in row.items() if k not in lists}
        fixed |= {new: words(row[old]) for old, new in lists.items()}
        out.append(fixed | {"verified": bool(row["verified"]), "n": None if row["n"] is None else int(row["n"])})
    return out


def civic_items() -> list[dict[str, Any]]:
    """Return one evidence item per statement with the fields and words of CIViC.

    Nothing of it stands in CIViC: ``status`` is *submitted* where the source was read, else *draft*.
    """
    names = {code: disease.name for code, disease in load_diseases().items()}
    items = []
    for row in records():
        kind, direction, significance = _CIVIC[row["direction"]]
        items.append(
            {
                "name": row["marker_id"],
                "molecular_profile": row["label"],
                "genes": row["genes"],
                "disease": {"oncotree": row["disease"], "name": names.get(str(row["disease"]), row["disease"])},
                "therapies": row["drugs"],
                "evidence_type": kind,
                "evidence_direction": direction,
                "significance": significance,
                "evidence_level": CIVIC_LEVELS[row["evidence_grade"]],
                "grade_here": row["evidence_grade"],
                "description": " ".join(str(x).rstrip(".") + "." for x in (row["mechanism"], row["effect"], row["note"]) if x),
                "sources": row["sources"],
                "status": "submitted" if row["verified"] else "draft",
            }
        )
    return items


def panel() -> str:
    """Return the genes of the mechanisms as a gene panel of cBioPortal (``data_gene_panel_*.txt``)."""
    mechanisms = {name for name, pathway in load_pathways().items() if pathway.kind == "mechanism"}
    genes = sorted({gene for row in records() if row["pathway"] in mechanisms for gene in row["genes"]})
    about = f"Genes of the statements on IMiD resistance, resistance {__version__}"
    return f"stable_id: {PANEL_ID}\ndescription: {about}\ngene_list: " + "\t".join(genes) + "\n"


def export(form: str, out: Path) -> None:
    """Write the statements.

    Parameters
    ----------
    form : {'tsv', 'json', 'civic', 'cbioportal-panel'}
    out : Path
        File to write; its folder must be there.

    Raises
    ------
    InputError
        The folder is missing.
    """
    if not out.resolve().parent.is_dir():
        raise InputError("the folder is missing", path=out.parent, remedy="Make it first.")
    if form == "tsv":
        write_tsv(load_markers(), out)
    elif form == "cbioportal-panel":
        write_text(out, panel())
    else:
        body = {"statements": records()} if form == "json" else {"evidence_items": civic_items()}
        head = {"source": f"resistance {__version__}", "licence": "CC0-1.0", "research_use_only": True}
        write_text(out, json.dumps(head | body, indent=2, ensure_ascii=False) + "\n")
