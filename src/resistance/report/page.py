"""Results folder -> the report folder: one self-contained page, its numbers as JSON, its tables as TSV, its provenance."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance.report.content_results import SCANS
from resistance.report.words import UNREAD_MARK
from resistance.tables import write_text

if TYPE_CHECKING:
    from jinja2 import Environment

    from resistance.config import CohortFile
    from resistance.report.figure import Figure

_TEMPLATES = Path(__file__).parent / "templates"
#: rows of the table of results that stand in the page, and of them those without an answer; all stand in tables/results.tsv
_MOST_RESULTS, _MOST_UNANSWERED = 1000, 100
_MOST_EMERGENT = 200


def write_report(
    config: CohortFile, results: Path, out: Path, provenance: dict[str, Any], *, batches: Sequence[str] = ()
) -> None:
    """Write ``report.html``, ``patients.html``, both as JSON, ``plan.html``, ``checklists.html``, ``tables/*.tsv`` and ``provenance.json``.

    The same results give the same bytes: nothing written holds a time, a host or a random name.

    Parameters
    ----------
    config : CohortFile
    results : Path
        Results folder with the tables of every stage (see :mod:`resistance.layout`) and
        ``associate/plan.json``.
    out : Path
        Folder for the report; made where it is missing.
    provenance : dict
        What the results were made from (see :func:`resistance.provenance.record`).
    batches : sequence of str
        Batches of alignments that were counted.

    Raises
    ------
    InputError
        A stage has not run, or its table is damaged.
    """
    from resistance.report.content import build_content
    from resistance.report.patients_page import summaries
    from resistance.report.tables_in import read_tables
    from resistance.report.tables_out import write_tables

    tables = read_tables(Path(results), trained=bool(config.prediction), batches=batches)
    made_from = {**provenance, "plan_sha256": tables.plan_sha256}
    content = build_content(config, tables, made_from)
    page = render(content)
    out = Path(out)
    write_tables(config, tables, content, out / "tables")
    write_text(out / "provenance.json", _json(made_from))
    write_text(out / "report.json", _json(content))
    write_text(out / "report.html", page)
    of_patients = summaries(tables, content["study"])
    write_text(out / "patients.json", _json(of_patients))
    write_text(out / "patients.html", render_patients(of_patients))
    write_text(out / "plan.html", tables.plan_page)
    write_text(out / "checklists.html", render_checklists(content))


def render(content: dict[str, Any]) -> str:
    """Return the page that shows `content` (as :func:`resistance.report.content.build_content` gives it)."""
    from resistance.report.figure_oncoprint import track_colours
    from resistance.report.tables_html import table_one_html

    figures = draw(content)
    library, own = _library(), (_TEMPLATES / "page.js").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            c=content,
            figures=figures,
            table_one=table_one_html(content["table_one"]),
            track_colours=track_colours(content["oncoprint"]["tracks"]),
            style=(_TEMPLATES / "page.css").read_text(encoding="utf-8"),
            library=library,
            script=own,
            policy=_policy(library, own),
            in_script=_in_script,
            results_shown=_results_shown(content["results"]),
            most_emergent=_MOST_EMERGENT,
            unread_mark=UNREAD_MARK,
        )
    )


def render_patients(content: dict[str, Any]) -> str:
    """Return the page of patients (see :func:`resistance.report.patients_page.summaries`)."""
    own = (_TEMPLATES / "patient_pages.js").read_text(encoding="utf-8")
    style = (_TEMPLATES / "page.css").read_text(encoding="utf-8")
    return _environment().get_template("patient_pages.html.j2").render(c=content, style=style, script=own, policy=_policy(own))


def render_checklists(content: dict[str, Any]) -> str:
    """Return the page of reporting checklists (see :func:`resistance.report.content_checklists.checklists`)."""
    study = content["study"]
    shown = {"name": study["name"], "title": study["title"], "simulated": study["simulated"], "checklists": content["checklists"]}
    return page_of("checklists.html.j2", shown)


def page_of(template: str, content: dict[str, Any]) -> str:
    """Return a page without a script of its own."""
    style = (_TEMPLATES / "page.css").read_text(encoding="utf-8")
    return _environment().get_template(template).render(c=content, style=style, policy=_policy())


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from resistance.report.words import FILTERS

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(FILTERS)
    environment.filters["source_link"] = source_link
    return environment


def draw(content: dict[str, Any]) -> dict[str, list[Figure | None]]:
    """Return the figures of each section; a section without data has none."""
    from resistance.report.figure_ctdna import trajectories_figure
    from resistance.report.figure_forest import forest_figure
    from resistance.report.figure_oncoprint import oncoprint_figure
    from resistance.report.figure_plasma import lengths_figure, waterfall_figure
    from resistance.report.figure_prediction import prediction_figures
    from resistance.report.figure_subtype import response_figure, scores_figure
    from resistance.report.figure_survival import survival_figure

    # forests and curves stand beside their own content: an empty place keeps the two lists parallel
    found: dict[str, list[Figure | None]] = {
        "oncoprint": _those([oncoprint_figure(content["oncoprint"])]),
        "pathways": _those([oncoprint_figure(content["pathways"], what="pathway")]),
        "subtype": _those([response_figure(content["subtype"])]),
        "subtype scores": [scores_figure(scores) for scores in content["subtype"]["scores"]],
        "forests": [forest_figure(forest) for forest in content["forests"]],
        "survival": [survival_figure(figure) for figure in content["survival"]],
        "ctdna": _those([trajectories_figure(content["ctdna"]["trajectories"])]) if content["ctdna"]["given"] else [],
        "ctdna depth": _those([waterfall_figure(content["ctdna"]["depth"])]) if content["ctdna"]["given"] else [],
        "ctdna lengths": _those([lengths_figure(content["ctdna"]["quality"]["lengths"])]),
    }
    for i, one in enumerate(content["prediction"]):
        found[f"prediction {i}"] = prediction_figures(one)
    seen: dict[str, int] = {}
    return {section: [_named_once(figure, seen) for figure in figures] for section, figures in found.items()}


def _named_once(figure: Figure | None, seen: dict[str, int]) -> Figure | None:
    """Return the figure, with a number after a name that another figure has (names lose all but letters and digits)."""
    if figure is None:
        return None
    seen[figure.name] = seen.get(figure.name, 0) + 1
    return figure if seen[figure.name] == 1 else replace(figure, name=f"{figure.name}-{seen[figure.name]}")


def _those(figures: list[Figure | None]) -> list[Figure | None]:
    return [figure for figure in figures if figure is not None]


def _results_shown(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows that stand in the page, in the order of the plan; where there are too many, genes of a scan give way.

    Of a scan those with the least p stay, since nobody looks through thousands.
    """
    answered = [i for i, row in enumerate(rows) if row["answered"]]
    scanned = {i for i in answered if rows[i]["kind"] in SCANS}
    # of a scan the least p first; everything else in the order of the plan
    answered.sort(
        key=lambda i: (i in scanned, (2.0 if rows[i]["p_value"] is None else rows[i]["p_value"]) if i in scanned else 0.0, i)
    )
    others = [i for i, row in enumerate(rows) if not row["answered"]]
    kept = answered[: _MOST_RESULTS - min(len(others), _MOST_UNANSWERED)]
    return [rows[i] for i in sorted([*kept, *others[:_MOST_UNANSWERED]])]


def source_link(source: str) -> str | None:
    """Return the address that a PMID, PMCID or DOI stands for, None for other words.

    Several sources joined by ';' lead to the first.
    """
    import re

    if found := re.search(r"PMID:?\s*(\d+)", source):
        return f"https://pubmed.ncbi.nlm.nih.gov/{found[1]}/"
    if found := re.search(r"\b(PMC\d+)", source):
        return f"https://pmc.ncbi.nlm.nih.gov/articles/{found[1]}/"
    if found := re.search(r"\b(10\.\d{4,9}/[^\s;,]+)", source):
        return f"https://doi.org/{found[1]}"
    return None


@cache
def _library() -> str:
    """Return Vega and its kin as one script; it would leave global names behind, so only its own function is handed out."""
    import vl_convert

    bundle = vl_convert.javascript_bundle("window.resistanceDraw = vegaEmbed;")
    return f"(function () {{\n{bundle}\n}})();"


def _policy(*scripts: str) -> str:
    """Return a content security policy that allows these scripts and nothing from outside."""
    allowed = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    scripts_from = allowed or "'none'"
    return f"default-src 'none'; script-src {scripts_from}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def _in_script(value: Any) -> str:
    """Return JSON that cannot end the script element it stands in."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
