"""A name (gene, marker, pathway, drug, trial) -> what the knowledge base holds about it, as text, table, JSON or page."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from resistance import __version__
from resistance.errors import InputError
from resistance.knowledge import load_domains, load_genes, load_markers
from resistance.knowledge_export import records
from resistance.knowledge_tables import (
    load_cards,
    load_diseases,
    load_drugs,
    load_grades,
    load_pathways,
    load_trials,
    words,
)
from resistance.resources import knowledge_digest

UNREAD = "not read in its source"


@dataclass(frozen=True)
class Found:
    """What a name stands for: plain values, and the same as Markdown."""

    data: dict[str, Any]
    text: str


def select(
    *,
    gene: str | None = None,
    kind: str | None = None,
    direction: str | None = None,
    grades: str | None = None,
    verified: bool = False,
    extra: Path | None = None,
) -> list[dict[str, Any]]:
    """Return the statements that meet all conditions, in the order of the table.

    Raises
    ------
    InputError
        A gene, kind or grade that the knowledge base does not have.
    """
    rows = _records(extra)
    if gene is not None:
        symbol = load_genes().current(gene)
        if symbol is None:
            raise InputError("no gene of the knowledge base", value=gene, remedy=_close(gene, load_genes().symbols))
        rows = [row for row in rows if symbol in row["genes"]]
    kinds = sorted({row["evidence_kind"] for row in _records(extra)})
    if kind is not None and kind not in kinds:
        raise InputError("no kind of evidence", value=kind, remedy=f"There are: {', '.join(kinds)}.")
    if grades is not None and (not grades or set(grades) - set(load_grades())):
        raise InputError("no grades", value=grades, remedy=f"Write some of {''.join(load_grades())}, such as ABC.")
    return [
        row
        for row in rows
        if (kind is None or row["evidence_kind"] == kind)
        and (direction is None or row["direction"] == direction)
        and (grades is None or row["evidence_grade"] in grades)
        and (row["verified"] or not verified)
    ]


def _records(extra: Path | None) -> list[dict[str, Any]]:
    rows = records()
    if extra is not None:
        own = load_markers(extra).iloc[len(rows) :]
        for row in own.astype("object").where(own.notna(), None).to_dict("records"):
            rows.append(
                {str(k): v for k, v in row.items()}
                | {"genes": words(row["genes"]), "drugs": words(row["drug"]), "sources": words(row["source"])}
            )
    return rows


def as_json(value: Any) -> str:
    """Return values as JSON text."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    """Print statements as a table; those that were not read in their source are dim and say so."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    # a pipe has no width of its own: wide enough for every column
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 180)
    wide = console.width >= 130
    table = Table(caption=f"{len(rows)} statements; dim, with a question mark: {UNREAD}. Research use only.")
    for name in ("marker", "direction", "grade", "disease", "drug", "rule", *(("effect", "source") if wide else ())):
        table.add_column(name, overflow="fold", no_wrap=name in ("grade", "direction", "disease"))
    for row in rows:
        grade = row["evidence_grade"] + ("" if row["verified"] else " ?")
        rule = f"{row['evidence_kind']}: {row['rule']}"
        cells = [row["label"], row["direction"], grade, row["disease"] or "", ", ".join(row["drugs"]), rule]
        cells += [row["effect"] or "", "; ".join(row["sources"])] if wide else []
        table.add_row(*(escape(cell) for cell in cells), style=None if row["verified"] else "dim")
    console.print(table)


def find(name: str) -> Found:
    """Return what a name stands for: a gene, marker, pathway, drug or trial, tried in this order.

    Raises
    ------
    InputError
        Nothing has this name; the message says what comes close.
    """
    symbol = load_genes().current(name)
    if symbol is not None:
        return Found(gene_data(symbol), gene_page(symbol))
    by_id = {row["marker_id"]: row for row in records()}
    if name in by_id:
        return Found(by_id[name], _statement(by_id[name], heading="# "))
    if name in load_pathways():
        return _pathway(name)
    if name.lower() in load_drugs():
        drug = load_drugs()[name.lower()]
        rows = [row for row in by_id.values() if drug.drug in row["drugs"]]
        text = [
            f"# {drug.drug} ({drug.class_})",
            "",
            *_facts({"Names": drug.names, "Neosubstrates": drug.neosubstrates, "Source": drug.source, "Note": drug.note}),
        ]
        return Found(asdict(drug) | {"statements": rows}, "\n".join([*text, "", *_lines(rows)]))
    trials = load_trials()
    named = {
        spelt.lower(): trial
        for column in ("trial", "trial_id")
        for spelt, trial in zip(trials[column], trials["trial_id"], strict=True)
    }
    if name.lower() in named:
        return _trial(named[name.lower()])
    names = [*load_genes().symbols, *by_id, *load_pathways(), *load_drugs(), *sorted(set(trials["trial_id"]))]
    raise InputError("no gene, marker, pathway, drug or trial", value=name, remedy=_close(name, names))


def gene_data(symbol: str) -> dict[str, Any]:
    """Return identifiers, place in the mechanism and statements of a gene."""
    genes = load_genes()
    return {
        "symbol": symbol,
        "hgnc_id": genes.hgnc_ids.get(symbol),
        "ensembl_gene": genes.ensembl_ids.get(symbol),
        "older_symbols": sorted(old for old, current in genes.aliases.items() if current == symbol),
        "pathway": genes.pathways.get(symbol),
        "role": genes.roles.get(symbol),
        "domains": {
            name: [list(span) for span in domain.ranges]
            for (gene, name), domain in sorted(load_domains().items())
            if gene == symbol
        },
        "statements": [row for row in records() if symbol in row["genes"]],
    }


def _residues(spans: Sequence[Sequence[int]]) -> str:
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def gene_page(symbol: str) -> str:
    """Return the page of a gene as Markdown."""
    data = gene_data(symbol)
    identifiers = {
        "HGNC": data["hgnc_id"],
        "Ensembl": data["ensembl_gene"],
        "Older symbols": data["older_symbols"],
        "Pathway": data["pathway"],
        "Role": data["role"],
        "Domains": [f"{name} {_residues(spans)}" for name, spans in data["domains"].items()],
    }
    text = [f"# {symbol}", "", *_facts(identifiers), ""]
    for pathway in dict.fromkeys([data["pathway"], *(row["pathway"] for row in data["statements"])]):
        if pathway in load_cards():
            card = load_cards()[pathway]
            text += [f"**{card['title']}.** {card['mechanism']}", ""]
    if not data["statements"]:
        return "\n".join([*text, "No statement names this gene: it is here because the field's panels hold it.", ""])
    text += ["## Statements", "", *_lines(data["statements"])]
    return "\n".join(text)


def _pathway(name: str) -> Found:
    pathway, card = load_pathways()[name], dict(load_cards().get(name, {}))
    rows = [row for row in records() if row["pathway"] == name]
    genes = [gene for gene, of in load_genes().pathways.items() if of == name]
    text = [
        f"# {name}",
        "",
        pathway.summary + ".",
        "",
        *_facts({"Group": pathway.group, "Genes": genes, "Source": pathway.source}),
        "",
    ]
    if card:
        text += [card["mechanism"], "", f"In patients: {card['in_patients']}", "", f"Open: {card['open']}", ""]
        text += ["Caveats:", "", *(f"- {x}" for x in card["caveats"]), "", f"Sources: {'; '.join(card['sources'])}", ""]
    return Found(
        asdict(pathway) | {"genes": genes, "card": card, "statements": rows},
        "\n".join([*text, "## Statements", "", *_lines(rows)]),
    )


def _trial(name: str) -> Found:
    table = load_trials()
    rows = table[table["trial_id"] == name]
    plain = rows.astype("object").where(rows.notna(), None).to_dict("records")
    first = plain[0]
    text = [
        f"# {first['trial']}",
        "",
        *_facts(
            {
                "Disease": first["disease"],
                "Setting": first["setting"],
                "Phase": first["phase"],
                "Design": first["design"],
                "Source": first["source"],
            }
        ),
        "",
    ]
    text += ["| arm | population | n | endpoint | value | against | p | note |", "|---|---|---|---|---|---|---|---|"]
    for row in plain:
        span = f" ({row['ci_low']:g}-{row['ci_high']:g})" if row["ci_low"] is not None else ""
        cells = [
            row["arm"],
            row["population"],
            row["n"],
            row["endpoint"],
            f"{row['value']:.3g} {row['unit'].replace('_', ' ')}{span}",
            row["comparator"],
            row["p_value"],
            row["note"],
        ]
        text.append("| " + " | ".join("" if x is None else str(x) for x in cells) + " |")
    return Found({"trial_id": name, "rows": plain}, "\n".join([*text, ""]))


def _lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [line for row in rows for line in (_statement(row, heading="### "), "")]


def _statement(row: dict[str, Any], *, heading: str) -> str:
    disease = load_diseases().get(str(row["disease"]))
    grade = load_grades()[row["evidence_grade"]]
    facts = {
        "Direction": row["direction"],
        "Grade": f"{grade.grade} ({grade.meaning[0].lower()}{grade.meaning[1:]})",
        "Holds for": f"{disease.name if disease else row['disease']}; {', '.join(row['drugs']) or 'any drug'}; {row['setting'] or 'any setting'}",
        "Rule": f"{row['evidence_kind']}: `{row['rule']}`" + (f" in {', '.join(row['genes'])}" if row["genes"] else ""),
        "Mechanism": row["mechanism"],
        "Effect": row["effect"],
        "Patients": row["n"],
        "Note": row["note"],
        "Source": "; ".join(row["sources"]) + ("" if row["verified"] else f" (**{UNREAD}**)"),
    }
    return "\n".join([f"{heading}{row['label']} (`{row['marker_id']}`)", "", *_facts(facts)])


def _facts(facts: dict[str, Any]) -> list[str]:
    out = []
    for name, value in facts.items():
        text = ", ".join(str(x) for x in value) if isinstance(value, list | tuple) else value
        if text not in (None, ""):
            out.append(f"- {name}: {text}")
    return out


def _close(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, 3, 0.6)
    return f"Did you mean {' or '.join(close)}?" if close else "`resistance knowledge list` shows the statements."


def validate(markers: Path | None = None) -> list[str]:
    """Check the packaged tables and a study's own statements; return what was found, in words.

    Raises
    ------
    KnowledgeError
        A packaged table is wrong.
    InputError
        The study's own file is wrong: every problem, with its row.
    """
    table = load_markers(markers)
    packaged = len(load_markers())
    verified = int(table["verified"].sum())
    out = [
        f"markers.tsv: {packaged} statements" + (f", and {len(table) - packaged} of {markers}" if markers is not None else ""),
        f"  {verified} read in their source, {len(table) - verified} not",
        f"genes.tsv: {len(load_genes().symbols)} genes, {len(load_genes().aliases)} older symbols",
        f"pathways.tsv: {len(load_pathways())} pathways, {len(load_cards())} with a card",
        f"drugs.tsv: {len(load_drugs())} drugs; diseases.tsv: {len(load_diseases())} diseases",
        f"trials.tsv: {load_trials()['trial_id'].nunique()} trials, {len(load_trials())} results",
        f"domains.tsv: {len(load_domains())} domains; grades.tsv: {len(load_grades())} grades",
    ]
    return [*out, f"version {__version__}, digest {knowledge_digest()}", "No problem was found."]
