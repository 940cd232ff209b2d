"""The methods of the library against slow obvious sums, its traps closed: 0 everywhere, one value in a sample, equal sets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from resistance.errors import InputError
from resistance.subtype.expression import from_frame
from resistance.subtype.gene_set_library import aucell, mlm, ulm
from resistance.subtype.gene_set_methods import METHODS
from resistance.subtype.gene_sets import score_gene_sets

pytest.importorskip("decoupler", reason="the extra 'genesets' is not installed")

X = np.random.default_rng(3).normal(6, 2, (120, 5))
X[7] = 0.0  # a gene that is 0 everywhere
ROWS = [np.arange(12), np.arange(8, 30), np.array([3, 7, 50, 90])]


def test_ulm_is_a_regression_on_membership() -> None:
    found = ulm(X, ROWS)
    for number, rows in enumerate(ROWS):
        member = np.isin(np.arange(120), rows).astype(float)
        for j in range(5):
            line = stats.linregress(member, X[:, j])
            assert found[number, j] == pytest.approx(line.slope / line.stderr, rel=1e-12)


def test_mlm_is_a_regression_on_all_memberships() -> None:
    design = np.column_stack([np.ones(120)] + [np.isin(np.arange(120), rows) for rows in ROWS]).astype(float)
    coef, rss, _, _ = np.linalg.lstsq(design, X, rcond=None)
    se = np.sqrt(np.outer(np.diag(np.linalg.inv(design.T @ design)), rss / (120 - 4)))
    np.testing.assert_allclose(mlm(X, ROWS), (coef / se)[1:], rtol=1e-10)


def test_aucell_is_an_area_under_the_recovery_curve() -> None:
    found, top = aucell(X, ROWS), 6  # 5 % of 120
    for number, rows in enumerate(ROWS):
        for j in range(5):
            order = list(np.argsort(-X[:, j], kind="stable"))
            hits = [rank for rank in range(1, top + 1) if order[rank - 1] in set(rows)]
            area = sum(top - rank for rank in hits)  # each member adds a step from its rank to the edge
            most = sum(top - rank for rank in range(1, top) if rank <= len(rows))
            assert found[number, j] == pytest.approx(area / most, rel=1e-12)


@pytest.mark.parametrize("method", ["ulm", "mlm", "aucell"])
def test_a_sample_alone_scores_as_among_others_and_one_of_a_single_value_has_none(method: str) -> None:
    score = METHODS[method].score
    together = score(X, ROWS)
    np.testing.assert_allclose(score(X[:, 2:3], ROWS)[:, 0], together[:, 2], rtol=1e-9)
    flat = np.column_stack([X, np.zeros(120)])
    found = score(flat, ROWS)
    np.testing.assert_allclose(found[:, :5], together, rtol=1e-9)
    assert np.isnan(found[:, 5]).all()


@pytest.mark.parametrize("method", ["ulm", "mlm", "aucell"])
def test_the_same_table_gives_the_same_bits(method: str) -> None:
    score = METHODS[method].score
    assert score(X, ROWS).tobytes() == score(X.copy(), ROWS).tobytes()


def test_a_missing_value_leaves_the_regression_of_its_sample() -> None:
    values = X.copy()
    values[[2, 40, 77], 1] = np.nan
    frame = pd.DataFrame(values, index=[f"G{i}" for i in range(120)], columns=list("ABCDE"))
    found = score_gene_sets(from_frame(frame, "log2"), {"UP": [f"G{i}" for i in range(12)]}, "ulm")["value"].to_numpy()
    there = ~np.isnan(values[:, 1])
    line = stats.linregress((np.arange(120) < 12)[there].astype(float), values[there, 1])
    assert found[1] == pytest.approx(line.slope / line.stderr, rel=1e-12)
    np.testing.assert_allclose(found[[0, 2, 3, 4]], ulm(X, ROWS[:1])[0, [0, 2, 3, 4]], rtol=1e-10)


def test_sets_that_are_not_independent_have_no_common_model() -> None:
    with pytest.raises(InputError, match="mlm fits the 2 sets together over 120 genes, and they are not independent"):
        mlm(X, [ROWS[0], ROWS[0][::-1]])


def test_the_scores_table_takes_them() -> None:
    frame = pd.DataFrame(X, index=[f"G{i}" for i in range(120)], columns=list("ABCDE"))
    found = score_gene_sets(from_frame(frame, "log2"), {"UP": [f"G{i}" for i in range(12)]}, "ulm")
    np.testing.assert_allclose(found["value"], ulm(X, ROWS[:1])[0], rtol=1e-12)
    assert found["unit"].unique().tolist() == ["t of the univariate linear model"]
