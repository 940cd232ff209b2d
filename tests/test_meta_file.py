"""Tables of studies, results of cohorts and the packaged trials -> pooled effects; what a trial did not publish is not invented."""

from __future__ import annotations

import json
from math import exp, log
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from resistance import cli, meta_file
from resistance.errors import InputError
from resistance.knowledge_tables import load_trials
from resistance.meta_file import MetaReport, Settings, analyse, meta_of_results, read_studies, trial_responses
from resistance.stats.exact import fisher_table
from resistance.stats.meta import meta_analysis
from resistance.stats.meta_counts import mantel_haenszel

# Colditz 1994, doi:10.1001/jama.1994.03510330076038; latitude and allocation (random, other)
BCG = [
    ("Aronson 1948", 4, 123, 11, 139, 44, "random"), ("Ferguson 1949", 6, 306, 29, 303, 55, "random"),
    ("Rosenthal 1960", 3, 231, 11, 220, 42, "random"), ("Hart 1977", 62, 13598, 248, 12867, 52, "random"),
    ("Frimodt-Moller 1973", 33, 5069, 47, 5808, 13, "other"), ("Stein 1953", 180, 1541, 372, 1451, 44, "other"),
    ("Vandiviere 1973", 8, 2545, 10, 629, 19, "random"), ("Madras 1980", 505, 88391, 499, 88391, 13, "random"),
    ("Coetzee 1968", 29, 7499, 45, 7277, 27, "random"), ("Rosenthal 1961", 17, 1716, 65, 1665, 42, "other"),
    ("Comstock 1974", 186, 50634, 141, 27338, 18, "other"), ("Comstock 1969", 5, 2498, 3, 2341, 33, "other"),
    ("Comstock 1976", 27, 16913, 29, 17854, 33, "other"),
]  # fmt: skip
COUNTS = ["study", *meta_file.COUNTS, "latitude", "allocation"]


def write(path: Path, header: list[str], rows: list[tuple]) -> Path:
    path.write_text("\n".join("\t".join(str(cell) for cell in row) for row in [header, *rows]) + "\n")
    return path


def run(*arguments: object) -> None:
    cli.main(["meta", *map(str, arguments)])


def test_the_published_response_table_comes_out_of_the_trials() -> None:
    from scipy.stats import chi2_contingency

    (response,) = trial_responses(load_trials(), "ORR")
    assert response.counts == (9, 8, 2, 21)  # non-GCB 9 of 17, GCB 2 of 23
    table = np.array(response.counts).reshape(2, 2)
    assert chi2_contingency(table, correction=True).pvalue == pytest.approx(0.006, abs=5e-4)
    assert fisher_table(*response.counts).p_value == pytest.approx(0.0034, abs=5e-5)
    (complete,) = trial_responses(load_trials(), "CR")
    assert complete.counts == (4, 13, 1, 22)


def test_the_response_question_pools_what_there_is_and_says_what_it_cannot_tell(capsys: pytest.CaptureFixture[str]) -> None:
    run("--trials", "response", "--method", "mantel_haenszel")
    text = capsys.readouterr().out
    assert "11.8" in text  # 9 x 21 / (8 x 2)
    assert "predictive or prognostic cannot be told" in text
    run("--trials", "response")
    assert "one study: heterogeneity cannot be told" in capsys.readouterr().out


def test_the_treatment_question_takes_published_intervals_alone_unless_asked() -> None:
    published = meta_file.trials_report("treatment", Settings(method="fixed"))
    usable = [s for s in published.studies if s.usable]
    assert [(s.name, s.group) for s in usable] == [("ROBUST", "non-GCB")]
    assert exp(published.pooled.effect) == pytest.approx(0.85)
    assert published.pooled.se == pytest.approx((log(1.14) - log(0.63)) / (2 * 1.959964), rel=1e-6)
    left = {s.name: s.note for s in published.studies if not s.usable}
    assert left["ECOG-ACRIN E1412"] == "no interval published"
    assert meta_file.within_trial(published) == []


def test_derived_errors_are_named_and_the_interaction_stays_within_the_trial() -> None:
    from scipy.stats import norm

    report = meta_file.trials_report("treatment", Settings(), derived=True)
    by = {(s.name, s.group): s for s in report.studies}
    side = by["DLC-001 (Czuczman 2017)", "non-GCB"]
    assert exp(side.effect) == pytest.approx(7.1 / 15.1)
    assert 2 * norm.sf(-side.effect / side.se) == pytest.approx(0.021)
    assert side.note == "ratio from medians; error from the p"
    one_sided = by["ECOG-ACRIN E1412", "non-GCB"]
    assert norm.sf(-one_sided.effect / one_sided.se) == pytest.approx(0.1)
    assert "one-sided" in one_sided.note
    ((name, inside),) = meta_file.within_trial(report)
    assert name.startswith("DLC-001")
    assert inside.names == ("GCB", "non-GCB")
    assert exp(inside.difference) == pytest.approx((7.1 / 15.1) / (9.0 / 10.1))
    assert any("confounded" in note for note in report.notes)
    assert any("rough" in note for note in report.notes)


def bcg(tmp_path: Path) -> Path:
    return write(tmp_path / "bcg.tsv", COUNTS, BCG)


def test_counts_effects_with_errors_and_effects_with_intervals_are_one_analysis(tmp_path: Path) -> None:
    settings = Settings(measure="risk_ratio", interval="normal")
    studies = read_studies(bcg(tmp_path), settings, moderator="latitude", group="allocation")
    found = analyse(studies, settings, title="BCG", scale="risk ratio", ratio=True)
    # Viechtbauer 2010, doi:10.18637/jss.v036.i03
    assert [found.pooled.effect, found.pooled.tau2] == pytest.approx([-0.7145, 0.3132], abs=5e-5)
    assert found.regression.coef == pytest.approx([0.2515, -0.0291], abs=5e-5)
    assert found.groups.names == ("other", "random")
    assert len(found.without) == 13
    z = 1.959963984540054
    with_se = write(tmp_path / "se.tsv", ["study", "effect", "se"], [(s.name, repr(s.effect), repr(s.se)) for s in studies])
    ratios = write(
        tmp_path / "ratio.tsv", ["study", "effect", "ci_low", "ci_high"],
        [(s.name, *(repr(exp(v)) for v in (s.effect, s.effect - z * s.se, s.effect + z * s.se))) for s in studies],
    )  # fmt: skip
    for path, scale in ((with_se, "log"), (ratios, "ratio")):
        again = analyse(read_studies(path, settings, scale=scale), settings, title="", scale="", ratio=True)
        assert again.pooled.effect == pytest.approx(found.pooled.effect, rel=1e-9)
        assert again.pooled.tau2 == pytest.approx(found.pooled.tau2, rel=1e-8)


def test_an_interval_of_another_level_has_another_error(tmp_path: Path) -> None:
    path = write(tmp_path / "t.tsv", ["study", "effect", "ci_low", "ci_high"], [("a", 2.0, 1.0, 4.0), ("b", 1.5, 0.9, 2.5)])
    wide, narrow = (read_studies(path, Settings(), scale="ratio", confidence=c)[0].se for c in (0.90, 0.95))
    assert wide / narrow == pytest.approx(1.959964 / 1.644854, rel=1e-6)


def test_empty_cells_are_pooled_by_mantel_haenszel_and_corrected_only_where_asked(tmp_path: Path) -> None:
    rows = [("a", 0, 10, 3, 12), ("b", 9, 17, 2, 23), ("c", 0, 5, 0, 8)]
    path = write(tmp_path / "t.tsv", COUNTS[:5], rows)
    settings = Settings(method="mantel_haenszel")
    report = analyse(read_studies(path, settings), settings, title="t", scale="odds ratio", ratio=True)
    assert report.pooled.effect == mantel_haenszel([[0, 10, 3, 9], [9, 8, 2, 21], [0, 5, 0, 8]]).effect
    assert "say nothing" in report.text()
    assert [s.usable for s in report.studies] == [False, True, False]
    half = read_studies(path, Settings(correction=0.5))
    assert [s.note for s in half] == ["0.5 added to its cells", "", "an empty cell or margin: no effect of its own"]
    assert [s.usable for s in half] == [True, True, False]


def test_text_table_json_and_forest_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out, forest = bcg(tmp_path), tmp_path / "out.tsv", tmp_path / "forest.svg"
    arguments = (path, "--measure", "risk_ratio", "--group", "allocation", "--moderator", "latitude", "--out", out)
    run(*arguments, "--forest", forest)
    text = capsys.readouterr().out
    assert "0.489 (0.33 to 0.726)" in text  # exp(-.7145), Hartung-Knapp
    assert "I2 92 %" in text
    assert "prediction interval" in text
    table = pd.read_csv(out, sep="\t")
    assert table["study"].tolist() == [row[0] for row in BCG] + ["pooled", "pooled: other", "pooled: random"]
    assert table["effect"][13] == pytest.approx(-0.7145, abs=5e-5)
    drawn = forest.read_text()
    assert drawn.startswith("<svg")
    for name in ("Madras 1980", "pooled: random", "prediction of a new study"):
        assert name in drawn
    run(*arguments, "--json")
    content = json.loads(capsys.readouterr().out)
    assert content["pooled"]["tau2"] == pytest.approx(0.3132, abs=5e-5)
    assert content["regression"]["p_value"][1] < 0.05
    first = forest.read_bytes()
    run(*arguments, "--forest", forest)
    assert forest.read_bytes() == first


RESULT = [*meta_file.RESULTS[:5], "label", *meta_file.RESULTS[5:]]


def result(
    marker: str,
    effect: object,
    low: object,
    high: object,
    converged: str = "True",
    model: str = "crude",
    scale: str = "log_hazard_ratio",
) -> tuple:
    return (f"all/pfs/{marker}/{model}", "all", "pfs", marker, model, marker.upper(), scale, effect, low, high, converged)


def cohorts(tmp_path: Path) -> list[Path]:
    first = write(
        tmp_path / "one.tsv", RESULT,
        [result("tp53", 0.8, 0.3, 1.3), result("crbn", 0.2, -0.4, 0.8), result("myd88", "NA", "NA", "NA", "False", scale="NA")],
    )  # fmt: skip
    second = write(
        tmp_path / "two.tsv", RESULT,
        [result("tp53", 0.5, -0.1, 1.1), result("crbn", 0.4, "-inf", 1.2), result("myd88", -0.3, -1.0, 0.4), result("tp53", 0.4, -0.3, 1.1, model="adjusted")],
    )  # fmt: skip
    return [first, second]


def test_results_of_cohorts_are_pooled_question_by_question(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = meta_of_results(cohorts(tmp_path), Settings(method="dersimonian_laird"))
    assert table[["marker_id", "model"]].apply(tuple, axis=1).tolist() == [
        ("crbn", "crude"), ("myd88", "crude"), ("tp53", "adjusted"), ("tp53", "crude")
    ]  # fmt: skip
    row = table.iloc[3]
    by_hand = meta_analysis([0.8, 0.5], [1.0 / (2 * 1.959964), 1.2 / (2 * 1.959964)], method="dersimonian_laird")
    assert row["effect"] == pytest.approx(by_hand.effect, rel=1e-6)
    assert row["p_value"] == pytest.approx(by_hand.p_value, rel=1e-5)
    assert row["studies"] == "one;two"
    # an estimate without a finite interval, and a question without an answer, are counted beside
    assert table["cohorts"].tolist() == [1, 1, 1, 2]
    assert table["cohorts_without_estimate"].tolist() == [1, 1, 0, 0]
    assert table["note"].tolist()[0].startswith("one study")
    assert table["q_value"][3] == pytest.approx(row["p_value"])  # the only pooled question of its family
    crude = meta_of_results(cohorts(tmp_path), Settings(method="fixed"), model="crude")
    assert set(crude["model"]) == {"crude"}
    assert (crude["q_value"] >= crude["p_value"]).all()
    back = meta_of_results(cohorts(tmp_path)[::-1], Settings(method="dersimonian_laird"))
    assert back["effect"].tolist() == pytest.approx(table["effect"].tolist(), nan_ok=True)
    run(*cohorts(tmp_path), "--out", tmp_path / "pooled.tsv")
    assert "4 questions, 1 of them in more than one cohort" in capsys.readouterr().out
    assert (tmp_path / "pooled.tsv").is_file()


def test_cohorts_are_named_by_their_folder_where_the_files_have_one_name(tmp_path: Path) -> None:
    paths = []
    for name in ("alpha", "beta"):
        (tmp_path / name / "tables").mkdir(parents=True)
        paths.append(write(tmp_path / name / "tables" / "results.tsv", RESULT, [result("tp53", 0.8, 0.3, 1.3)]))
    assert meta_of_results(paths, Settings())["studies"].tolist() == ["alpha;beta"]
    with pytest.raises(InputError, match="given twice"):
        meta_of_results([paths[0], paths[0]], Settings())


@pytest.mark.parametrize(
    ("header", "row", "options", "said"),
    [
        (["study", "effect", "se"], ("a", 0.1, 0.2), [], "--scale"),
        (["study", "effect"], ("a", 0.1), ["--scale", "log"], "missing column"),
        (["name", "effect", "se"], ("a", 0.1, 0.2), ["--scale", "log"], "column 'study'"),
        (["study", "effect", "se"], ("a", "many", 0.2), ["--scale", "log"], "row 2, column 'effect', value 'many': is no number"),
        (["study", "effect", "se"], ("a", 0.1, -0.2), ["--scale", "log"], "a standard error is above 0"),
        (["study", "effect", "se"], ("a", -0.1, 0.2), ["--scale", "ratio"], "Is --scale log meant?"),
        (["study", "effect", "se"], ("", 0.1, 0.2), ["--scale", "log"], "is empty"),
        (["study", "effect", "se"], ("a", "inf", 0.2), ["--scale", "log"], "is not finite"),
        (["study", "effect", "ci_low", "ci_high"], ("a", 2, 2.5, 3), ["--scale", "ratio"], "does not hold the effect"),
        (["study", "effect", "se"], ("a", 0.1, 0.2), ["--scale", "log", "--method", "peto"], "needs 2x2 counts"),
        (["study", "effect", "se"], ("a", 0.1, 0.2), ["--scale", "log", "--group", "line"], "column 'line'"),
        (["study", "effect", "se"], ("a", 0.1, 0.2), ["--scale", "log", "--confidence", "95"], "--confidence"),
        (COUNTS[:5], ("a", 5, 4, 1, 9), [], "more events than patients"),
        (COUNTS[:5], ("a", 1.5, 4, 1, 9), [], "is no whole number"),
        (COUNTS[:5], ("a", 1, 4, 1, 9), ["--method", "peto", "--measure", "risk_ratio"], "odds ratio"),
        (["study", "effect", "se"], ("a", 0.1), ["--scale", "log"], "has 2 cells where the header has 3"),
    ],
)  # fmt: skip
def test_bad_tables_are_a_line_and_exit_code_two(
    header: list[str], row: tuple, options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        run(write(tmp_path / "t.tsv", header, [row]), *options)
    assert stop.value.code == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_bad_calls_are_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = bcg(tmp_path)
    for arguments, said in (
        ((), "give tables, or --trials"),
        ((one, "--trials", "response"), "give tables, or --trials"),
        ((one, one), "one table of studies at a time"),
        ((one, "--forest", tmp_path / "f.png"), "SVG"),
        ((tmp_path / "none.tsv",), "the table is missing"),
        (("--trials", "response", "--endpoint", "MRD"), "no arm of trials.tsv"),
        (("--trials", "treatment", "--endpoint", "MRD"), "no randomised trial"),
        ((cohorts(tmp_path)[0],), "give --out"),
        ((cohorts(tmp_path)[0], one, "--out", tmp_path / "o.tsv"), "missing column"),
        ((cohorts(tmp_path)[0], "--method", "peto", "--out", tmp_path / "o.tsv"), "needs 2x2 counts"),
        ((write(tmp_path / "empty.tsv", ["study", "effect", "se"], []), "--scale", "log"), "no rows"),
    ):
        with pytest.raises(SystemExit) as stop:
            run(*arguments)
        assert stop.value.code == 2
        # the usage box breaks lines
        assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_nothing_that_can_be_pooled_is_no_number_and_no_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "t.tsv", ["study", "effect", "ci_low", "ci_high"], [("a", 2, "NA", "NA"), ("b", 3, "NA", "NA")])
    run(path, "--scale", "ratio")
    text = capsys.readouterr().out
    assert "not pooled: there is no study" in text
    assert text.count("no interval") == 2
    with pytest.raises(SystemExit):
        run(path, "--scale", "ratio", "--forest", tmp_path / "f.svg")
    assert "nothing to draw" in capsys.readouterr().err
    run(path, "--scale", "ratio", "--json")
    assert json.loads(capsys.readouterr().out)["pooled"]["effect"] is None


def test_a_report_is_what_it_was_made_of() -> None:
    report = meta_file.trials_report("response", Settings(method="fixed"))
    assert isinstance(report, MetaReport)
    assert report.ratio
    assert report.scale == "odds ratio"
