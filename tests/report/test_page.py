"""The report folder: what it holds, that it needs no network, that its bytes repeat, that a browser draws it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import report_fixture as made

from resistance.report.page import write_report

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
SECTIONS = (
    "patients", "markers", "pathways", "subtype", "associations", "survival", "ctdna", "toxicity", "results", "limits", "evidence", "methods",
    "provenance",
)  # fmt: skip


class Elements(HTMLParser):
    """Collects every start tag with its attributes, and the text of the sections' headings."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def visible(html: str) -> str:
    """Return the page without scripts and styles."""
    return re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)


@pytest.fixture(scope="module")
def html(report: Path) -> str:
    return (report / "report.html").read_text(encoding="utf-8")


def test_the_folder_holds_page_numbers_tables_and_provenance(report: Path) -> None:
    assert {p.name for p in report.iterdir()} == {
        "report.html",
        "report.json",
        "patients.html",
        "patients.json",
        "plan.html",
        "checklists.html",
        "tables",
        "provenance.json",
    }
    tables = {p.stem for p in (report / "tables").iterdir()}
    assert {
        "patients",
        "markers",
        "matrix",
        "results",
        "molecular_response",
        "emergence",
        "subtypes",
        "dropped",
        "flow",
    } <= tables
    provenance = json.loads((report / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["seed"] == 7
    assert len(provenance["plan_sha256"]) == 64


def test_the_matrix_is_wide_and_keeps_not_assessed(report: Path) -> None:
    matrix = pd.read_csv(report / "tables" / "matrix.tsv", sep="\t", index_col="patient_id")
    assert list(matrix.columns) == ["tp53", "crbn", "ikzf1"]
    assert matrix.loc["P0005"].tolist() == ["present", "not_assessed", "not_assessed"]


def test_the_results_table_holds_ratios_beside_log_effects(report: Path) -> None:
    results = pd.read_csv(report / "tables" / "results.tsv", sep="\t")
    assert results["ratio"].iloc[2] == pytest.approx(2.718281828)
    assert len(results) == 9


def test_nothing_is_loaded_from_outside(html: str) -> None:
    elements = Elements(html)
    for tag, attribute in (("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src")):
        assert [a[attribute] for a in elements.all(tag) if a.get(attribute)] == []
    assert "@import" not in html
    assert re.findall(r"url\(\s*['\"]?http", visible(html)) == []
    (policy,) = [a["content"] for a in elements.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy


def test_every_section_says_that_the_data_are_simulated(html: str) -> None:
    for name in SECTIONS:
        heading = re.search(rf'<h2 id="{name}-heading">(.*?)</h2>', html, re.DOTALL)
        assert heading is not None, name
        assert "Simulated data" in heading[1], name
    assert "Research use only" in html
    assert "<title>SIMULATED DATA: " in html


def test_real_data_are_not_called_simulated(tmp_path: Path) -> None:
    results = made.build_results(tmp_path / "results", simulated=False, imid=False)
    config = made.config_of(study={"simulated": False, "simulation_note": None})
    write_report(config, results, tmp_path / "report", made.PROVENANCE)
    page = visible((tmp_path / "report" / "report.html").read_text(encoding="utf-8"))
    assert "simulated" not in page.lower()
    assert "prognostic only; cannot inform on IMiD" in page
    assert "predictive" not in page.lower()


def test_the_page_can_be_read_without_its_pictures(html: str) -> None:
    elements = Elements(html)
    charts = [a for a in elements.all("div") if a.get("class") == "chart"]
    assert len(charts) == 9
    assert all(len(a["aria-label"] or "") > 40 for a in charts)
    assert visible(html).count("<table") == visible(html).count("<caption") > 15
    ids = [a["id"] for _, a in elements.tags if a.get("id")]
    assert len(ids) == len(set(ids))
    assert elements.all("html")[0]["lang"] == "en"


def test_unverified_statements_look_different(html: str) -> None:
    rows = re.findall(r'<tr class="unverified".*?</tr>', html, re.DOTALL)
    assert len(rows) == 1
    assert "IKZF1 mutated" in rows[0]
    assert ">unverified<" in rows[0]


def test_the_effect_stands_before_the_p(html: str) -> None:
    head = re.search(r'id="results-table">.*?</thead>', html, re.DOTALL)
    assert head is not None
    names = re.findall(r"<th[^>]*>(.*?)</th>", head[0])
    assert names.index("Effect (95 % interval)") < names.index("p") < names.index("q")


def test_a_bare_cohort_says_what_was_not_given(tmp_path: Path) -> None:
    results = made.build_results(tmp_path / "results", empty_stages=True)
    config = made.config_of(subtype={"labels": [], "methods": [], "use": None}, analysis={"joint": [], "strata": []})
    write_report(config, results, tmp_path / "report", made.PROVENANCE)
    page = visible((tmp_path / "report" / "report.html").read_text(encoding="utf-8"))
    for words in (
        "No plasma samples were given.",
        "No adverse events were given.",
        "No subtype was given or could be called.",
        "No marker was present in any patient",
        "The plan asks no question.",
        "There are no marker statements.",
    ):
        assert words in page
    assert page.count('class="chart"') == 1  # survival of all patients


def test_names_from_files_cannot_become_code(tmp_path: Path) -> None:
    results = made.build_results(tmp_path / "results")
    config = made.config_of(report={"notes": ["<script>alert(1)</script>"], "title": "A </title><b>bold</b> title"})
    write_report(config, results, tmp_path / "report", made.PROVENANCE)
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page
    assert "</title><b>" not in page


def digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        found.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return found.hexdigest()


@pytest.mark.long
def test_the_bytes_do_not_depend_on_the_hash_seed(tmp_path: Path, report: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "import report_fixture as made\n"
        "from resistance.report.page import write_report\n"
        "folder = Path(sys.argv[2])\n"
        "write_report(made.config_of(), made.build_results(folder / 'results'), folder / 'report', made.PROVENANCE)\n"
    )
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", script, str(Path(__file__).parent), str(tmp_path / seed)],
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
            timeout=120,
        )
    assert digest(tmp_path / "1" / "report") == digest(tmp_path / "2" / "report") == digest(report)


@pytest.mark.long
def test_a_thousand_patients_stay_below_three_megabytes(tmp_path: Path) -> None:
    results = made.build_results(tmp_path / "results", 1001)
    write_report(made.config_of(), results, tmp_path / "report", made.PROVENANCE)
    assert (tmp_path / "report" / "report.html").stat().st_size < 3_000_000


FRAME = """<!DOCTYPE html><body style="margin:0"><iframe id="page" src="report.html" style="width:{width}px;height:900px;border:0"></iframe>
<script>
window.addEventListener("load", function () {{ setTimeout(function () {{
  var inside = document.getElementById("page").contentDocument, root = inside.documentElement;
  var charts = Array.prototype.slice.call(inside.querySelectorAll(".chart"));
  document.body.dataset.found = JSON.stringify({{
    wider: root.scrollWidth - root.clientWidth,
    drawn: charts.filter(function (c) {{ return c.dataset.drawn === "true" && c.querySelector("svg"); }}).length,
    charts: charts.length,
    leaked: ["vega", "vegaEmbed", "vegaLite", "resistanceDraw"].filter(function (n) {{ return n in inside.defaultView; }}),
    rows: inside.querySelector("[data-table=results-table] output").textContent
  }});
}}, 3000); }});
</script>"""


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the page is not opened in a browser")
@pytest.mark.parametrize("width", [400, 1440])
def test_a_browser_draws_every_chart_without_errors_or_sideways_scrolling(report: Path, tmp_path: Path, width: int) -> None:
    assert CHROMIUM is not None
    shutil.copy(report / "report.html", tmp_path)
    (tmp_path / "frame.html").write_text(FRAME.format(width=width), encoding="utf-8")
    run = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--allow-file-access-from-files",
            f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", "--window-size=1500,1000",
            "--virtual-time-budget=15000", "--dump-dom", (tmp_path / "frame.html").as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    found = re.search(r'data-found="([^"]*)"', run.stdout)
    assert found is not None, run.stderr[-2000:]
    seen = json.loads(found[1].replace("&quot;", '"'))
    assert [line for line in run.stderr.splitlines() if "CONSOLE" in line] == []
    assert seen == {"wider": 0, "drawn": 9, "charts": 9, "leaked": [], "rows": "9 rows"}


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the page is not opened in a browser")
def test_a_link_to_a_patient_opens_that_patient_and_no_other(report: Path, tmp_path: Path) -> None:
    assert CHROMIUM is not None
    shutil.copy(report / "patients.html", tmp_path)
    run = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", "--virtual-time-budget=5000", "--dump-dom",
            (tmp_path / "patients.html").as_uri() + "#P0003",
        ],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert [line for line in run.stderr.splitlines() if "CONSOLE" in line] == []
    opened = [a["id"] for a in Elements(run.stdout).all("details") if "patient" in str(a.get("class")) and "open" in a]
    assert opened == ["P0003"]


def test_the_page_of_patients_says_what_it_is_and_calls_nobody_resistant(report: Path) -> None:
    text = visible((report / "patients.html").read_text(encoding="utf-8"))
    assert "Research use only" in text
    assert "Simulated data" in text
    numbers = json.loads((report / "patients.json").read_text(encoding="utf-8"))
    assert len(numbers["patients"]) == 24
    assert sum(numbers["readings"].values()) == 24
    # the statements of the fixture are about myeloma, its patients have lymphoma
    assert numbers["readings"]["clinical"] == 0
    assert not re.search(r"patient (is|are) resistant|resistant patient", text)


def test_statement_that_nobody_read_is_marked_where_its_marker_is_named(report: Path) -> None:
    numbers = json.loads((report / "report.json").read_text(encoding="utf-8"))
    unread = {row["marker_id"] for row in numbers["evidence"]["rows"] if not row["verified"]}
    assert unread
    for row in [*numbers["oncoprint"]["rows"], *numbers["results"]]:
        assert row["label"].endswith("°") == (row["marker_id"] in unread), row["marker_id"]
