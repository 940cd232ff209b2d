"""Many questions answered together: the same numbers and words as one by one."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance import schemas
from resistance.associate import answer, make_plan, together
from resistance.cohort import Cohort
from resistance.config import parse
from resistance.schemas import RESULTS
from resistance.tables import empty

#: the module; the package has a function of its name
ANSWER = sys.modules["resistance.associate.answer"]
N, M = 90, 24


def configuration(**analysis: Any) -> Any:
    survival = {"time": {"column": "days", "unit": "days"}, "event": "dead", "event_codes": [1], "censored_codes": [0]}
    return parse(
        {
            "resistance": 1,
            "study": {"name": "many", "title": "A made-up cohort.", "build": "GRCh38"},
            "seed": 7,
            "patients": {"file": "patients.tsv", "columns": {"patient_id": "id"}},
            "samples": {"file": "patients.tsv", "one_per_patient": True},
            "endpoints": {
                "response": {
                    "label": "Response", "kind": "binary", "value": "response", "positive": ["CR"], "negative": ["PD"],
                },
                "os": {"label": "Overall survival", "kind": "time_to_event", "survival": survival},
                "ic50": {"label": "log IC50", "kind": "continuous", "value": "ic50"},
            },
            "subtype": {"labels": [{"name": "coo", "value": "coo"}], "use": "label:coo"},
            "analysis": {"covariates": ["age_years", "sex"], "strata": ["subtype"], "permutations": 199} | analysis,
        },
        "many.yaml",
    )  # fmt: skip


def cohort_of(entry: bool = False, expressed: bool = False) -> tuple[Any, ...]:
    draw = np.random.default_rng(5)
    ids = np.array([f"P{i:03d}" for i in range(N)], dtype=object)
    # whole months: many ties
    time = np.ceil(np.minimum(draw.exponential(30, N), draw.uniform(5, 60, N))) * 30.5
    patients = pd.DataFrame(
        {
            "patient_id": ids,
            "sex": np.where(draw.random(N) < 0.5, "female", "male"),
            "age_years": draw.normal(65, 8, N).round(1),
            "imid": True,
        }
    )
    patients.loc[:3, "age_years"] = np.nan
    rows = [
        pd.DataFrame(
            {"patient_id": ids, "endpoint": "response", "kind": "binary", "value": (draw.random(N) < 0.4).astype(float)}
        ),
        pd.DataFrame(
            {"patient_id": ids, "endpoint": "os", "kind": "time_to_event", "time_days": time, "event": (draw.random(N) < 0.6) * 1}
        ),
        pd.DataFrame({"patient_id": ids, "endpoint": "ic50", "kind": "continuous", "value": draw.normal(size=N)}),
    ]
    if entry:
        rows[1]["entry_days"] = np.where(draw.random(N) < 0.3, draw.integers(0, 20, N), 0.0)
    state = (draw.random((M, N)) < draw.beta(1, 4, M)[:, None]).astype(int)
    state[: M // 2][draw.random((M // 2, N)) < 0.04] = -1  # gaps of their own
    state[M // 2 : M // 2 + 5, :25] = -1  # a panel that does not have these genes
    response = rows[0]["value"].to_numpy()
    state[-1], state[-2] = response == 1, 0  # complete separation; nobody
    state[-3] = (response == 1) & (np.arange(N) < 40)
    words = np.array(["absent", "present", "not_assessed"], dtype=object)
    genes = pd.DataFrame(
        {
            "patient_id": np.tile(ids, M), "marker_id": np.repeat([f"gene:G{i:02d}" for i in range(M)], N), "state": words[state.ravel()],
        }
    )  # fmt: skip
    tables: dict[str, Any] = {}
    if expressed:
        values = draw.normal(6, 1, (M, N))
        values[:5][draw.random((5, N)) < 0.1] = np.nan
        values[6] = 2 * rows[2]["value"] + 3  # the outcome itself
        samples = pd.DataFrame({"sample_id": ids, "patient_id": ids, "timepoint": "baseline", "material": "tumour"})
        tables = {
            "samples": samples,
            "expression": pd.DataFrame(values, columns=ids).assign(gene=[f"E{i:02d}" for i in range(M)]),
        }
    facts = {"name": "many", "title": "many", "build": "GRCh38", "flow": [], "expression_unit": "log2"}
    cohort = Cohort(facts=facts, patients=patients, endpoints=pd.concat(rows, ignore_index=True), **tables)
    subtypes = pd.DataFrame(
        {"patient_id": ids, "method": "label:coo", "subtype": draw.choice(["ABC", "GCB"], N), "reason": "given"}
    )
    return cohort, empty(schemas.MARKERS), empty(schemas.MATRIX), subtypes, genes


def both_ways(monkeypatch: pytest.MonkeyPatch, config: Any, tables: tuple[Any, ...]) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    *others, genes = tables
    plan = make_plan(config, *others, gene_states=genes)
    found, shared = [], 0
    original = together.answered_together
    for least in (1, 10**9):

        def asked(questions: Any, config: Any, setting: Any, least: int = least) -> Any:
            nonlocal shared
            answers = original(questions, config, setting, least=least)
            shared += len(answers)
            return answers

        monkeypatch.setattr(ANSWER, "answered_together", asked)
        found.append(answer(plan, config, *others, gene_states=genes))
    return found[0], found[1], shared


def assert_same(mine: pd.DataFrame, theirs: pd.DataFrame) -> None:
    for name in RESULTS.names:
        if mine[name].dtype.kind == "f":
            np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-6, atol=1e-8, err_msg=name)
        else:
            pd.testing.assert_series_equal(mine[name], theirs[name])


@pytest.mark.parametrize("entry", [False, True])
def test_genes_have_the_same_numbers_and_words_together_as_one_by_one(monkeypatch: pytest.MonkeyPatch, entry: bool) -> None:
    """With genes that some patients were not assessed for, separated ones, and (second run) delayed entry."""
    config = configuration(genes="all_mutated", few_carriers=8 if entry else 12)
    mine, theirs, shared = both_ways(monkeypatch, config, cohort_of(entry))
    assert shared > 0.7 * len(mine)
    assert {"Fisher exact (conditional odds ratio, exact interval)", "Wilcoxon rank sum (Hodges-Lehmann shift)"} < set(
        mine["method"]
    )
    assert mine["method"].str.contains("Firth Cox").sum() > 5
    assert mine["separated"].fillna(False).astype(bool).any()
    assert_same(mine, theirs)


def test_expression_has_the_same_numbers_and_words_together_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    mine, theirs, shared = both_ways(monkeypatch, configuration(expression="all"), cohort_of(expressed=True))
    assert shared > 0.9 * len(mine)
    assert mine.query("endpoint == 'ic50'")["note"].str.contains("is the outcome itself").sum() == 2
    assert_same(mine, theirs)


def test_patients_that_were_not_assessed_may_count_as_without_it_in_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    config = configuration(genes="all_mutated", not_assessed="absent", endpoints=["response", "ic50"])
    mine, theirs, shared = both_ways(monkeypatch, config, cohort_of())
    assert shared
    assert mine["note"].str.contains("in whom it was not assessed count as without it").any()
    assert_same(mine, theirs)


def test_the_size_of_a_block_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    *others, genes = cohort_of()
    config = configuration(genes="all_mutated", endpoints=["os"], permutations=99)
    plan = make_plan(config, *others, gene_states=genes)
    monkeypatch.setattr(ANSWER, "answered_together", lambda *a: together.answered_together(*a, least=1))
    whole = answer(plan, config, *others, gene_states=genes)
    monkeypatch.setattr(together, "BLOCK", 7)
    assert_same(answer(plan, config, *others, gene_states=genes), whole)


def test_learned_weights_of_a_whole_analysis_go_by_mean_expression_and_by_carriers(monkeypatch: pytest.MonkeyPatch) -> None:
    from resistance.stats.independent_weights import independent_weights

    monkeypatch.setattr("resistance.stats.independent_weights.TESTS_PER_BIN", 6)  # four bins of so few genes
    cohort, *others, genes = cohort_of(expressed=True)
    config = configuration(
        genes="all_mutated", expression="all", endpoints=["ic50"], covariates=[], strata=[], multiplicity={"method": "ihw"}
    )
    plan = make_plan(config, cohort, *others, gene_states=genes)
    found = answer(plan, config, cohort, *others, gene_states=genes)
    means = cohort.expression.set_index("gene").mean(axis=1, skipna=True)
    for kind in ("expression", "genes"):
        family = found[found["family"] == f"all/ic50/crude/{kind}"].sort_values("question_id")
        assert family["p_value"].notna().sum() > 18
        if kind == "expression":
            known = means[family["label"].tolist()].to_numpy()
        else:
            known = np.minimum(family["carriers"], family["n"] - family["carriers"]).to_numpy(dtype=float)
        direct = independent_weights(family["p_value"].to_numpy(), known, seed=7)
        assert direct.labels.size > 1
        assert family["q_value"].to_numpy() == pytest.approx(direct.p_adjusted, rel=1e-9, nan_ok=True)
        assert family["weight"].to_numpy() == pytest.approx(direct.weight, rel=1e-9, nan_ok=True)
