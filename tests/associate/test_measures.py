"""Continuous markers: read from every table that has one, on the scale asked for; unknown stays unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance import schemas
from resistance.associate.measures import expressed, measured, scaled
from resistance.cohort import Cohort
from resistance.config import CohortFile, Measure
from resistance.errors import InputError
from resistance.tables import conform, empty

Configure = Callable[..., CohortFile]
FACTS = {"name": "s", "title": "s", "build": "GRCh38", "flow": [], "expression_unit": "log2"}


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    patients = pd.DataFrame({"patient_id": list("ABC"), "age_years": [60.0, 70.0, 80.0], "sex": ["female", "male", "male"]})
    rows = [("a1", "A", "tumour"), ("a2", "A", "tumour"), ("b", "B", "tumour"), ("c", "C", "tumour"), ("g", "C", "germline")]
    samples = pd.DataFrame(rows, columns=["sample_id", "patient_id", "material"]).assign(timepoint="baseline")
    expression = pd.DataFrame({"gene": ["MYC", "IRF4"], "a1": [1.0, 5.0], "a2": [3.0, 5.0], "b": [7.0, 5.0], "c": [np.nan, 5.0]})
    variant = {"build": "GRCh38", "chrom": "17", "ref": "C", "alt": "T", "source": "x"}
    calls = pd.DataFrame(
        [variant | {"sample_id": "a1", "pos": 1, "vaf": 0.2}, variant | {"sample_id": "a2", "pos": 2, "vaf": 0.4},
         variant | {"sample_id": "c", "pos": 1, "vaf": np.nan}]
    )  # fmt: skip
    coverage = pd.DataFrame({"sample_id": ["a1", "b", "c"], "kind": "mutation", "gene": ["TP53", "*", "TP53"], "source": "panel"})
    return Cohort(facts=FACTS, patients=patients, samples=samples, expression=expression, calls=calls, coverage=coverage)


EFFECTS = conform(
    pd.DataFrame(
        [{"build": "GRCh38", "chrom": "17", "pos": pos, "ref": "C", "alt": "T", "gene": "TP53", "effect_class": "missense", "source": "x"}
         for pos in (1, 2)]
    ),
    schemas.EFFECTS,
)  # fmt: skip


def value(cohort: Cohort, config: CohortFile, variable: str, scale: str = "unit", **tables: Any) -> list[float]:
    measure = Measure.model_validate({"name": "m", "variable": variable, "scale": scale})
    matrix, subtypes = tables.pop("matrix", empty(schemas.MATRIX)), tables.pop("subtypes", empty(schemas.SUBTYPES))
    return measured(measure, config, cohort, matrix, subtypes, tables).value.tolist()


def test_expression_is_the_mean_of_a_patients_samples(cohort: Cohort, configure: Configure) -> None:
    assert value(cohort, configure(), "expression:MYC") == pytest.approx([2.0, 7.0, np.nan], nan_ok=True)


def test_vaf_is_the_highest_of_the_gene_zero_where_assessed_and_unknown_where_not_stated(
    cohort: Cohort, configure: Configure
) -> None:
    found = value(cohort, configure(), "vaf:TP53", effects=EFFECTS)
    assert found == pytest.approx([0.4, 0.0, np.nan], nan_ok=True)  # C is mutated, but its call has no VAF
    assert value(cohort, configure(), "vaf:CRBN", effects=EFFECTS) == pytest.approx([np.nan, 0.0, np.nan], nan_ok=True)


def test_markers_scores_ctdna_and_covariates_are_measures(cohort: Cohort, configure: Configure) -> None:
    matrix = conform(
        pd.DataFrame({"patient_id": ["B"], "marker_id": ["M"], "timepoint": ["baseline"], "state": ["absent"], "value": [3.5]}),
        schemas.MATRIX,
    )
    assert value(cohort, configure(), "marker:M", matrix=matrix) == pytest.approx([np.nan, 3.5, np.nan], nan_ok=True)
    subtypes = conform(
        pd.DataFrame({"patient_id": ["A"], "method": ["lps"], "subtype": ["ABC"], "score": [1.5], "reason": ["x"]}),
        schemas.SUBTYPES,
    )
    assert value(cohort, configure(), "score:lps", subtypes=subtypes) == pytest.approx([1.5, np.nan, np.nan], nan_ok=True)
    own = replace(
        cohort, measurements=pd.DataFrame({"sample_id": ["b"], "kind": "score", "name": "lps", "value": 0.5, "source": "x"})
    )
    assert value(own, configure(), "score:lps", subtypes=subtypes) == pytest.approx([np.nan, 0.5, np.nan], nan_ok=True)
    quantity = conform(
        pd.DataFrame({"patient_id": ["A", "B"], "sample_id": ["a1", "b"], "timepoint": ["baseline", "relapse"], "n_tracked": [1, 1],
                      "hge_per_ml": [50.0, 9.0]}),
        schemas.QUANTITY,
    )  # fmt: skip
    assert value(cohort, configure(), "ctdna:hge_per_ml", quantity=quantity) == pytest.approx([50, np.nan, np.nan], nan_ok=True)
    assert value(cohort, configure(), "age_years") == [60, 70, 80]


def test_an_undetected_level_is_the_samples_limit_of_detection_not_zero_and_not_its_stray_reads(
    cohort: Cohort, configure: Configure
) -> None:
    quantity = conform(
        pd.DataFrame({"patient_id": list("ABC"), "sample_id": ["a1", "b", "c"], "timepoint": "baseline", "n_tracked": 1,
                      "hge_per_ml": [50.0, 0.0, 0.3], "log10_hge_per_ml": [np.log10(50), np.nan, np.log10(0.3)],
                      "lod_hge_per_ml": [2.0, 4.0, 8.0], "mean_vaf": [0.1, 0.0, 1e-4], "lod_vaf": [1e-3, 2e-3, 3e-3],
                      "detected": [True, False, False]}),
        schemas.QUANTITY,
    )  # fmt: skip
    assert value(cohort, configure(), "ctdna:hge_per_ml", quantity=quantity) == [50, 4, 8]
    assert value(cohort, configure(), "ctdna:hge_per_ml", "log10", quantity=quantity) == pytest.approx(np.log10([50, 4, 8]))
    assert value(cohort, configure(), "ctdna:log10_hge_per_ml", quantity=quantity) == pytest.approx(np.log10([50, 4, 8]))
    assert value(cohort, configure(), "ctdna:mean_vaf", quantity=quantity) == [0.1, 2e-3, 3e-3]
    measure = Measure.model_validate({"name": "m", "variable": "ctdna:hge_per_ml", "scale": "log10"})
    found = measured(measure, configure(), cohort, empty(schemas.MATRIX), empty(schemas.SUBTYPES), {"quantity": quantity})
    assert (found.at_limit, found.zeros) == (2, 0)


def test_scales_are_those_of_the_field() -> None:
    def on(scale: str, values: list[float]) -> tuple[list[float], int]:
        out, zeros = scaled(np.array(values), Measure.model_validate({"name": "m", "variable": "x", "scale": scale}))
        return out.tolist(), zeros

    assert on("sd", [1, 2, 3, np.nan])[0] == pytest.approx([-1, 0, 1, np.nan], nan_ok=True)
    assert on("log2", [0, 8, 2]) == ([0.0, 3.0, 1.0], 1)  # 0 becomes half of 2
    assert on("log10", [10, 1000, 100]) == ([1.0, 3.0, 2.0], 0)
    assert on("rank", [5, 5, 9, np.nan])[0] == pytest.approx([0.25, 0.25, 1, np.nan], nan_ok=True)
    with pytest.raises(InputError, match="a negative value has no logarithm"):
        on("log2", [-1, 2])


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("sex", r"value 'female .patient A.': the measure is no number.*Map its values"),
        ("marker:X", r"value 'X': no such marker"),
        ("score:lps", r"there is no score or subtype method of this name.*There are: none"),
        ("ctdna:note", r"quantity has no such number.*mean_vaf"),
    ],
)
def test_what_is_not_there_is_refused_in_words(cohort: Cohort, configure: Configure, variable: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        value(cohort, configure(), variable, quantity=empty(schemas.QUANTITY))


def test_a_gene_that_does_not_vary_is_unknown_not_zero(cohort: Cohort, configure: Configure) -> None:
    found = expressed(["IRF4", "MYC"], configure(), cohort)
    assert np.isnan(found["expression:IRF4"].value).all()
    assert found["expression:MYC"].value == pytest.approx([-1 / np.sqrt(2), 1 / np.sqrt(2), np.nan], nan_ok=True)
