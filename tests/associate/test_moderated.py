"""Expression by outcome: all genes at once, with limma's moderated t, voom for counts, or the negative-binomial model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance.associate import answer, make_plan
from resistance.config import CohortFile
from resistance.errors import InputError
from resistance.stats.library_size import enough_counts, tmm_factors
from resistance.stats.moderated_t import moderated_t
from resistance.stats.voom import voom

Configure = Callable[..., CohortFile]
GENES = [f"G{i:02d}" for i in range(40)]
ANALYSIS = {
    "expression": "all", "methods": ["moderated_t"], "covariates": ["age_years"], "strata": ["subtype"], "markers": ["M1"],
}  # fmt: skip


def expressing(study: Any, values: np.ndarray, unit: str, config: CohortFile) -> Any:
    """The study with a sample of each of the first patients; the others were not measured."""
    ids = study.cohort.patients["patient_id"].tolist()[: values.shape[1]]
    samples = pd.DataFrame({"sample_id": ids, "patient_id": ids, "timepoint": "baseline", "material": "tumour"})
    table = pd.DataFrame(values, columns=ids).assign(gene=GENES[: len(values)])
    parts = vars(study.cohort) | {
        "samples": samples, "expression": table, "facts": study.cohort.facts | {"expression_unit": unit},
    }  # fmt: skip
    return study.having(cohort=type(study.cohort)(**parts), config=config)


def results(study: Any) -> pd.DataFrame:
    return answer(make_plan(*study.arguments()), *study.arguments())


def log2_values(study: Any, n: int = 60) -> np.ndarray:
    draw = np.random.default_rng(2)
    values = draw.normal(7, 1, (40, n)) * draw.uniform(0.5, 2, 40)[:, None]
    values[3] += 1.5 * responders(study, n)
    values[5, :4] = np.nan  # a gene that some samples do not have
    values[6] = 4.0  # one that does not vary
    return values


def responders(study: Any, n: int) -> np.ndarray:
    response = study.cohort.endpoints.query("endpoint == 'response'").set_index("patient_id")["value"]
    return response.reindex(study.cohort.patients["patient_id"]).to_numpy(dtype=float)[:n]


def design_of(study: Any, n: int, adjusted: bool) -> tuple[np.ndarray, np.ndarray]:
    """Who is in the model, and its columns, built by hand."""
    yes = responders(study, n)
    known = study.cohort.endpoints.query("endpoint == 'response'")["excluded"].isna().to_numpy()[:n]
    columns = [np.ones(n), yes]
    if adjusted:
        patients = study.cohort.patients
        subtype = study.subtypes.set_index("patient_id")["subtype"].reindex(patients["patient_id"])
        reference = min(("ABC", "GCB"), key=lambda level: (-int((subtype == level).sum()), level))
        other = "GCB" if reference == "ABC" else "ABC"
        columns += [patients["age_years"].to_numpy(dtype=float)[:n], (subtype == other).to_numpy(dtype=float)[:n]]
        known &= subtype.notna().to_numpy()[:n]
    return known, np.column_stack(columns)[known]


def rows_of(found: pd.DataFrame, model: str) -> pd.DataFrame:
    mine = found[found["marker_id"].str.startswith("expression:") & (found["endpoint"] == "response") & (found["model"] == model)]
    return mine.set_index("label")


@pytest.mark.parametrize("model", ["crude", "adjusted"])
def test_log2_expression_is_compared_by_the_moderated_t_with_trend(study: Any, configure: Configure, model: str) -> None:
    values = log2_values(study)
    found = results(expressing(study, values, "log2", configure(analysis=ANALYSIS)))
    mine = rows_of(found, model)
    known, design = design_of(study, 60, model == "adjusted")
    varies = np.arange(40) != 6
    expected = moderated_t(values[varies][:, known], design, trend=True)
    names = [gene for gene, kept in zip(GENES, varies, strict=True) if kept]
    for column, numbers in (
        ("effect", expected.effect), ("ci_low", expected.ci_low), ("ci_high", expected.ci_high), ("p_value", expected.p_value),
    ):  # fmt: skip
        np.testing.assert_allclose(mine.loc[names, column], numbers[:, 1], rtol=1e-7)
    assert set(mine.loc[names, "scale"]) == {"difference"}
    assert mine.loc["G03", "q_value"] < 0.01
    assert mine.loc["G03", "contrast"] == "log2 difference in expression, with the outcome v without"
    assert (mine.loc["G06", "note"], mine["p_value"].isna().sum()) == ("not measured in any patient", 1)
    assert mine.loc["G05", "n"] == mine.loc["G04", "n"] - (4 if known[:4].all() else int(known[:4].sum()))


def test_it_takes_the_place_of_the_logistic_model_of_genes_and_of_nothing_else(study: Any, configure: Configure) -> None:
    found = results(expressing(study, log2_values(study), "log2", configure(analysis=ANALYSIS)))
    genes = found["marker_id"].str.startswith("expression:")
    assert found[genes & (found["endpoint"] == "response")]["method"].str.startswith("Moderated t").all()
    assert found[genes & (found["endpoint"] == "os")]["method"].str.contains("Cox|Fine-Gray").all()
    assert not found[~genes]["method"].str.startswith("Moderated").any()
    usual = results(expressing(study, log2_values(study), "log2", configure(analysis=ANALYSIS | {"methods": []})))
    assert usual[usual["marker_id"].str.startswith("expression:") & (usual["endpoint"] == "response")]["method"].str.startswith(
        "Firth logistic"
    ).all()  # fmt: skip


def test_the_other_outcome_turns_every_difference_round(study: Any, configure: Configure) -> None:
    config = configure(analysis=ANALYSIS | {"endpoints": ["response"]})
    mine = expressing(study, log2_values(study), "log2", config)
    endpoints = study.cohort.endpoints.copy()
    response = endpoints["endpoint"] == "response"
    endpoints.loc[response, "value"] = 1 - endpoints.loc[response, "value"]
    turned = mine.having(cohort=type(study.cohort)(**(vars(mine.cohort) | {"endpoints": endpoints})))
    first, second = rows_of(results(mine), "adjusted"), rows_of(results(turned), "adjusted")
    np.testing.assert_allclose(first["effect"], -second["effect"], rtol=1e-8)
    np.testing.assert_allclose(first["p_value"], second["p_value"], rtol=1e-8)


def counts_of(n: int = 40) -> np.ndarray:
    draw = np.random.default_rng(8)
    mean = draw.lognormal(5, 1, 40)[:, None] * draw.uniform(0.6, 1.6, n)
    counts = draw.poisson(mean * draw.gamma(8, 1 / 8, (40, n))).astype(float)
    counts[0] = draw.random(n) < 0.2  # hardly any
    return counts


def test_counts_have_the_weights_of_voom(study: Any, configure: Configure) -> None:
    counts = counts_of()
    mine = rows_of(
        results(expressing(study, counts, "counts", configure(analysis=ANALYSIS | {"endpoints": ["response"]}))), "crude"
    )
    known, design = design_of(study, 40, False)
    shown = counts[:, known]
    kept = enough_counts(shown, design=design)
    sizes = shown[kept].sum(axis=0) * tmm_factors(shown[kept]).factors
    weighted = voom(shown[kept], design, library_sizes=sizes)
    expected = moderated_t(weighted.log_cpm, design, weights=weighted.weights)
    names = [gene for gene, enough in zip(GENES, kept, strict=True) if enough]
    np.testing.assert_allclose(mine.loc[names, "effect"], expected.effect[:, 1], rtol=1e-8)
    np.testing.assert_allclose(mine.loc[names, "p_value"], expected.p_value[:, 1], rtol=1e-8)
    assert not kept[0]
    assert str(mine.loc["G00", "note"]).startswith("not tested: too few counts")
    assert np.isnan(mine.loc["G00", "p_value"])


@pytest.mark.parametrize(
    ("counts", "unit", "methods", "words"),
    [
        (counts_of() / 7, "counts", ["deseq2"], "are no counts: not whole numbers"),
        (counts_of(), "log2", ["deseq2"], "deseq2 takes raw counts"),
        (-counts_of(), "counts", ["moderated_t"], "are no counts"),
    ],
)
def test_what_is_no_count_is_refused(
    study: Any, configure: Configure, counts: np.ndarray, unit: str, methods: list[str], words: str
) -> None:
    mine = expressing(study, counts, unit, configure(analysis=ANALYSIS | {"methods": methods}))
    with pytest.raises(InputError, match=words):
        make_plan(*mine.arguments())


def test_counts_by_the_negative_binomial_model_agree_with_the_tower(study: Any, configure: Configure) -> None:
    pytest.importorskip("pydeseq2")
    from resistance.stats.counts import negative_binomial

    counts = counts_of(24)
    config = configure(analysis=ANALYSIS | {"methods": ["deseq2"], "endpoints": ["response"], "covariates": [], "strata": []})
    mine = rows_of(results(expressing(study, counts, "counts", config)), "crude")
    known, design = design_of(study, 24, False)
    expected = negative_binomial(counts[:, known], design[:, 1:])
    np.testing.assert_allclose(mine.loc[GENES, "effect"], expected.effect, rtol=1e-8)
    np.testing.assert_allclose(mine.loc[GENES, "p_value"], expected.p_value, rtol=1e-8)
    assert mine["method"].str.startswith("Negative-binomial").all()
