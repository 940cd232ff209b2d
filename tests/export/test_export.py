"""The formats as a whole: what is refused, what is counted, the same bytes twice, nothing left from before."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from resistance import schemas
from resistance.errors import InputError
from resistance.export import FORMATS, export
from resistance.tables import conform

PLAIN = ["tsv", "parquet", "maf", "cbioportal"]


def test_every_format_has_its_folder_and_its_counts(exported):
    assert sorted(path.name for path in exported.iterdir()) == sorted(PLAIN)
    for name in PLAIN:
        conform(pd.read_csv(exported / name / "export_dropped.tsv", sep="\t"), schemas.DROPPED)


def test_the_paths_of_all_files_are_returned(results, tmp_path):
    written = export(results, tmp_path, ["maf", "tsv", "maf"])
    assert sorted(written) == sorted(path for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_same_results_give_the_same_bytes(results, tmp_path, name):
    for package in {"h5ad": ["anndata"], "h5mu": ["anndata", "mudata"]}.get(name, []):
        pytest.importorskip(package, reason=f"{package} is not installed")
    for folder in ("a", "b"):
        export(results, tmp_path / folder, [name])
    first, second = (
        {path.relative_to(tmp_path / folder): path.read_bytes() for path in (tmp_path / folder).rglob("*") if path.is_file()}
        for folder in ("a", "b")
    )
    assert first == second


def test_a_second_export_leaves_nothing_of_the_first(results, tmp_path):
    export(results, tmp_path, ["tsv", "cbioportal"])
    for stale in ("tsv/matrix_follow_up.tsv", "cbioportal/meta_expression.txt", "cbioportal/case_lists/cases_mrna.txt"):
        (tmp_path / stale).write_text("old")
    (tmp_path / "cbioportal" / "README.txt").write_text("mine")
    written = set(export(results, tmp_path, ["tsv", "cbioportal"]))
    left = {path for path in tmp_path.rglob("*") if path.is_file()} - written
    assert [path.name for path in left] == ["README.txt"]


def test_an_unknown_format_is_refused(results, tmp_path):
    with pytest.raises(
        InputError, match=r"there is no export format 'xlsx'. Formats: tsv, parquet, h5ad, h5mu, maf, cbioportal."
    ):
        export(results, tmp_path, ["tsv", "xlsx"])
    with pytest.raises(InputError, match=r"no export format is named"):
        export(results, tmp_path, [])
    assert not list(tmp_path.iterdir())


def test_results_without_a_matrix_name_the_stage_to_run(results, tmp_path):
    shutil.copytree(results, tmp_path / "r")
    (tmp_path / "r" / "matrix" / "matrix.parquet").unlink()
    with pytest.raises(InputError, match=r"there is no matrix table. Run `resistance matrix COHORT.yaml --results "):
        export(tmp_path / "r", tmp_path / "out", ["tsv"])
    assert not (tmp_path / "out").exists()


def test_results_without_effects_or_cohort_name_the_stage_to_run(results, tmp_path):
    shutil.copytree(results, tmp_path / "r")
    (tmp_path / "r" / "annotate" / "effects.parquet").unlink()
    with pytest.raises(InputError, match=r"there is no effects table. Run `resistance annotate COHORT.yaml"):
        export(tmp_path / "r", tmp_path / "out", ["maf"])
    (tmp_path / "r" / "cohort" / "cohort.json").unlink()
    with pytest.raises(InputError, match=r"there is no cohort. Run `resistance gather COHORT.yaml"):
        export(tmp_path / "r", tmp_path / "out", ["cbioportal"])


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"the results folder is missing. Run `resistance run COHORT.yaml` first"):
        export(tmp_path / "nowhere", tmp_path / "out", ["tsv"])


def test_the_page_names_every_format(checkout):
    page = (checkout / "docs" / "exports.md").read_text(encoding="utf-8")
    assert [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")] == list(FORMATS)
