"""A saved model on other patients: what is missing, altered or out of range is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from predict_study import asked

from resistance import cli
from resistance.errors import InputError
from resistance.predict.apply import apply_model, columns_from_cohort, columns_from_table, read_model
from resistance.predict.columns import coded_class
from resistance.predict.tasks import make_tasks
from resistance.predict.train import train

QUICK = {"repeats": 1, "permutations": 0, "bootstraps": 0}


@pytest.fixture(scope="module")
def saved(study: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    asks = (asked(features=["SIGNAL"], **QUICK), asked("os", endpoint="os", horizon_days=365, features=["SIGNAL"], **QUICK))
    for name, text in train(make_tasks(study.source(*asks)), 7).models.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def rows(*values: tuple[str, str, str, str]) -> str:
    return "\n".join("\t".join(row) for row in (("patient_id", "ipi", "subtype", "SIGNAL"), *values)) + "\n"


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = 0
    try:
        cli.main(["predict", *words])
    except SystemExit as stop:
        code = int(stop.code or 0)
    said = capsys.readouterr()
    return code, said.out + said.err


def test_the_command_predicts_from_a_table_and_says_what_was_filled_in(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = tmp_path / "f.tsv", tmp_path / "p.tsv"
    table.write_text(rows(("A", "2", "ABC", "present"), ("B", "NA", "PMBL", "not_assessed"), ("C", "99", "GCB", "0")))
    code, said = run(capsys, str(saved / "response.json"), "--table", str(table), "--out", str(out))
    assert code == 0
    assert "SIGNAL: missing in 1 of 3" in said
    assert "subtype: the class PMBL of 1 patients was not met in training; read as unknown" in said
    assert "1 of 3 patients lie outside the training range" in said
    found = pd.read_csv(out, sep="\t")
    assert found["filled_in"].tolist() == [0, 4, 0]
    assert found["out_of_range"].tolist() == [0, 0, 1]
    assert found["risk"].between(0, 1).all()
    first = out.read_bytes()
    run(capsys, str(saved / "response.json"), "--table", str(table), "--out", str(out))
    assert out.read_bytes() == first


def test_risk_of_survival_is_by_the_days_asked_and_not_beyond_follow_up(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = tmp_path / "f.tsv", tmp_path / "p.tsv"
    table.write_text(rows(("A", "2", "ABC", "present"), ("B", "1", "GCB", "absent")))
    call = [str(saved / "os.json"), "--table", str(table), "--out", str(out), "--days", "365", "--days", "99999"]
    code, said = run(capsys, *call)
    assert code == 0
    assert "no risk beyond" in said
    found = pd.read_csv(out, sep="\t")
    assert found["risk_by_day_365"].between(0, 1).all()
    assert found["risk_by_day_99999"].isna().all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("patient_id\tipi\nA\t1\n", "column 'SIGNAL': a feature of the model is not there"),
        ("id\tipi\nA\t1\n", "the table has no patients"),
        (
            rows(("A", "1", "ABC", "1"), ("A", "1", "ABC", "1")),
            "row 3, column 'patient_id', value 'A': this patient stands in row 2",
        ),
        (rows(("A", "much", "ABC", "1")), "row 2, column 'ipi', value 'much': no value that the model knows"),
        (rows(("A", "1", "ABC", "2")), "row 2, column 'SIGNAL', value '2'"),
        (rows(("A", "inf", "ABC", "1")), "value 'inf'"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    table = tmp_path / "f.tsv"
    table.write_text(text)
    code, said = run(capsys, str(saved / "response.json"), "--table", str(table), "--out", str(tmp_path / "p.tsv"))
    assert code == 2
    assert words in said
    assert "Traceback" not in said
    assert not (tmp_path / "p.tsv").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace('"n": 147', '"n": 148'), "altered after it was saved"),
        (lambda text: text.replace('"version": 1', '"version": 9'), "this program reads version 1"),
        (lambda text: "{}", "not a resistance prediction model"),
        (lambda text: "hello", "not JSON"),
    ],
)
def test_an_altered_or_foreign_model_is_refused(saved: Path, tmp_path: Path, change: Any, words: str) -> None:
    text = (saved / "response.json").read_text(encoding="utf-8")
    assert change(text) != text
    path = tmp_path / "m.json"
    path.write_text(change(text), encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_model(path)
    with pytest.raises(InputError, match="the model is missing"):
        read_model(tmp_path / "none.json")


def test_a_cohort_without_the_features_is_told_all_of_them(study: Any, saved: Path) -> None:
    model = read_model(saved / "response.json")
    other = study.having(matrix=study.matrix[study.matrix["marker_id"] != "SIGNAL"])
    source = other.source()
    with pytest.raises(InputError) as refused:
        columns_from_cohort(model, source)
    assert "column 'SIGNAL': a feature of the model is not there" in str(refused.value)


def test_days_without_a_time_are_refused(saved: Path) -> None:
    model = read_model(saved / "response.json")
    frame = pd.DataFrame({"patient_id": ["A"], "ipi": ["1"], "subtype": ["ABC"], "SIGNAL": ["1"]})
    patients, columns, _ = columns_from_table(model, frame, Path("f.tsv"))
    with pytest.raises(InputError, match="it knows no time"):
        apply_model(model, patients, columns, days=[10])


def test_a_class_is_one_zero_or_unknown() -> None:
    values, unmet = coded_class(["ABC", "GCB", None, float("nan"), "PMBL"], "1 ABC, 0 GCB | UNCLASSIFIED")
    assert values[:2].tolist() == [1, 0]
    assert pd.isna(values[2:]).all()
    assert unmet == {"PMBL": 1}


@pytest.mark.parametrize("words", [[], ["c.yaml"], ["c.yaml", "--table", "t.tsv"], ["--table", "t.tsv", "--results", "r"]])
def test_the_command_takes_a_cohort_or_a_table(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(capsys, "m.json", *words, "--out", "p.tsv")
    assert code == 2
    assert "--table FEATURES.tsv" in said
