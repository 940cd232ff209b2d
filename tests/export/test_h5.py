"""AnnData and MuData: the three states survive the file, and the clinic stands beside them."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from resistance.errors import InputError
from resistance.export import export

UNITS = ["P1|baseline", "P1|relapse", "P2|baseline", "P3|baseline", "P4|baseline"]


@pytest.fixture(scope="module")
def data(results, tmp_path_factory):
    anndata = pytest.importorskip("anndata", reason="anndata is not installed")
    out = tmp_path_factory.mktemp("h5ad")
    export(results, out, ["h5ad"])
    return anndata.read_h5ad(out / "h5ad" / "markers.h5ad")


def test_the_three_states_survive(data):
    assert data.obs_names.tolist() == UNITS
    assert data.var_names.tolist() == ["tp53", "crbn", "ikzf1"]
    assert data.layers["state"].tolist() == [[1, 1, -1], [1, 0, -1], [0, 1, -1], [0, 0, -1], [-1, -1, -1]]
    assert (data.X.dtype, data.layers["state"].dtype) == (np.float32, np.int8)
    np.testing.assert_array_equal(data.X, np.where(data.layers["state"] < 0, np.nan, data.layers["state"]))
    assert data.layers["value"][0, 0] == 0.25
    assert np.isnan(data.layers["value"]).sum() == 14


def test_the_clinic_stands_beside_each_time_point(data):
    obs = data.obs
    assert obs["age_years"].tolist() == [61.5, 61.5, 70.0, 55.0, 48.0]
    assert obs["imid"].astype(object).where(obs["imid"].notna(), None).tolist() == ["true", "true", "true", "false", None]
    assert obs["ipi_r"].tolist()[:2] == [1.0, 1.0]
    assert obs["endpoint:os:event"].tolist()[:4] == [1.0, 1.0, 0.0, 2.0]
    assert obs["endpoint:os:time_days"].tolist()[0] == 304.375
    assert obs["endpoint:response:label"].tolist()[:4] == ["CR", "CR", "PD", "NE"]
    assert obs["endpoint:os:excluded"].tolist()[4] == "not known"
    assert obs["subtype:label:rnaseq"].isna().tolist() == [False, False, False, True, False]


def test_the_statements_and_the_cohort(data):
    assert data.var["genes"].tolist() == ["TP53", "CRBN;BTK", "IKZF1"]
    assert (data.uns["build"], data.uns["title"]) == ("GRCh37", "A cohort: made by hand")
    assert data.uns["research_use_only"].startswith("Research use only")
    assert bool(data.uns["simulated"]) is True


def test_expression_is_a_second_modality(results, tmp_path):
    mudata = pytest.importorskip("mudata", reason="mudata is not installed")
    export(results, tmp_path, ["h5mu"])
    with mudata.set_options(pull_on_update=False):
        data = mudata.read_h5mu(tmp_path / "h5mu" / "cohort.h5mu")
    assert data.obs_names.tolist() == UNITS
    expression = data["expression"]
    assert expression.obs_names.tolist() == ["P1|baseline", "P1|relapse", "P3|baseline"]
    assert expression.var_names.tolist() == ["CRBN", "IKZF1"]
    np.testing.assert_array_equal(expression.X, np.array([[1.5, 2.5], [0.5, np.nan], [3, 4]], dtype=np.float32))
    assert expression.uns["unit"] == "log2"
    assert data["markers"].layers["state"].shape == (5, 3)


def test_a_missing_package_is_answered_with_how_to_get_it(results, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "anndata", None)
    with pytest.raises(InputError, match=r"needs the Python package anndata.*pip install 'resistance\[anndata\]'"):
        export(results, tmp_path, ["h5ad"])
    assert not (tmp_path / "h5ad" / "markers.h5ad").exists()


def test_a_cohort_without_expression_has_no_second_modality(tmp_path):
    import shutil

    from export_fixture import build

    from resistance import schemas
    from resistance.layout import write_stage
    from resistance.tables import empty

    results = build(tmp_path / "results")
    write_stage(empty(schemas.EXPRESSION), results, "cohort", schemas.EXPRESSION)
    with pytest.raises(InputError, match=r"the cohort has no expression, so there is no second modality. Export h5ad"):
        export(results, tmp_path / "out", ["h5mu"])
    shutil.rmtree(results)
