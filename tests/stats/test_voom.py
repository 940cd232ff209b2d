"""Library sizes, the filter, log counts and voom against edgeR and limma; and by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from resistance.stats.library_size import enough_counts, log_cpm, tmm_factors
from resistance.stats.moderated_t import moderated_t
from resistance.stats.multiplicity import benjamini_hochberg
from resistance.stats.voom import voom


@pytest.fixture(scope="module")
def pasilla(shared: Path) -> tuple[dict, pd.DataFrame, np.ndarray]:
    """Counts with samples in R's order, and the design ~ type + condition."""
    truth = json.loads((shared / "truth/stats/05_omics_multiplicity.json").read_text())
    counts = pd.read_csv(shared / "truth/stats/data/pasilla_gene_counts.tsv", sep="\t", index_col=0)
    counts = counts[truth["voom_pasilla"]["samples"]]
    single_read = counts.columns.isin(["treated1", "untreated1", "untreated2"])
    return truth, counts, np.column_stack([np.ones(7), single_read, counts.columns.str.startswith("treated")])


def sample(m: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    group = np.repeat([0, 1], 4)
    mean = (
        draw.lognormal(4, 1.5, m)[:, None] * draw.uniform(0.5, 2, 8) * np.where((np.arange(m) < 20)[:, None] & (group == 1), 3, 1)
    )
    return draw.negative_binomial(5, 5 / (5 + mean)), np.column_stack([np.ones(8), group])


@pytest.mark.shared
def test_pasilla_filter_and_factors_agree_with_edger(pasilla: tuple) -> None:
    truth, counts, design = pasilla
    expected = truth["voom_pasilla"]
    keep = enough_counts(counts.to_numpy(), design=design)
    assert keep.sum() == expected["n_kept"]
    assert list(counts.index[keep]) == expected["genes"] == truth["limma_trend_pasilla"]["genes"]
    kept = counts[keep].to_numpy()
    assert kept.sum(axis=0).tolist() == expected["lib_size"]
    assert tmm_factors(kept).factors == pytest.approx(np.array(expected["norm_factors"]), rel=1e-8)


@pytest.mark.shared
def test_pasilla_voom_agrees_with_limma(pasilla: tuple) -> None:
    truth, counts, design = pasilla
    expected = truth["voom_pasilla"]
    kept = counts.loc[expected["genes"]].to_numpy()
    found = voom(kept, design, library_sizes=kept.sum(axis=0) * tmm_factors(kept).factors)
    assert found.log_cpm[:3] == pytest.approx(np.array(expected["E_first3"]), rel=1e-8)
    assert found.weights[:3] == pytest.approx(np.array(expected["w_first3"]), rel=1e-8)  # 1e-2 would be allowed
    tests = moderated_t(found.log_cpm, design, weights=found.weights)
    assert tests.df_prior == pytest.approx(np.full(8066, expected["df_prior"]), rel=1e-8)
    assert tests.variance_prior == pytest.approx(np.full(8066, expected["s2_prior"]), rel=1e-8)
    assert tests.effect[:, 2] == pytest.approx(np.array(expected["logFC"]), rel=1e-8)
    assert tests.t[:, 2] == pytest.approx(np.array(expected["t"]), rel=1e-8)
    assert tests.p_value[:, 2] == pytest.approx(np.array(expected["p"]), rel=1e-8)
    assert benjamini_hochberg(tests.p_value[:, 2]) == pytest.approx(np.array(expected["adjp"]), rel=1e-8)
    assert tests.log_odds[:, 2] == pytest.approx(np.array(expected["B"]), rel=1e-8)


@pytest.mark.shared
def test_pasilla_limma_trend_on_log_counts_agrees_with_limma(pasilla: tuple) -> None:
    truth, counts, design = pasilla
    expected = truth["limma_trend_pasilla"]
    kept = counts.loc[expected["genes"]].to_numpy()
    values = log_cpm(kept, kept.sum(axis=0) * tmm_factors(kept).factors, prior_count=3)
    tests = moderated_t(values, design, trend=True)
    assert tests.df_prior == pytest.approx(np.full(8066, expected["df_prior"]), rel=1e-8)
    assert tests.variance_prior == pytest.approx(np.array(expected["s2_prior"]), rel=1e-8)
    assert tests.effect[:, 2] == pytest.approx(np.array(expected["logFC"]), rel=1e-8)
    assert tests.t[:, 2] == pytest.approx(np.array(expected["t"]), rel=1e-8)
    assert tests.p_value[:, 2] == pytest.approx(np.array(expected["p"]), rel=1e-8)
    assert benjamini_hochberg(tests.p_value[:, 2]) == pytest.approx(np.array(expected["adjp"]), rel=1e-8)
    assert tests.log_odds[:, 2] == pytest.approx(np.array(expected["B"]), rel=1e-8)


def test_log_counts_per_million_by_hand() -> None:
    found = log_cpm([[0, 30], [100, 170]], prior_count=2)
    prior = 2 * np.array([100, 200]) / 150
    for i, row in enumerate([[0, 30], [100, 170]]):
        for j, count in enumerate(row):
            assert found[i, j] == pytest.approx(np.log2((count + prior[j]) / ([100, 200][j] + 2 * prior[j]) * 1e6), rel=1e-12)


def test_a_library_twice_as_deep_has_the_same_factor_and_one_with_a_few_giants_a_smaller() -> None:
    x = sample()[0] + 5
    same = tmm_factors(np.column_stack([x[:, 0], 2 * x[:, 0], x[:, 0]])).factors
    assert same == pytest.approx([1, 1, 1], rel=1e-12)
    giant = x[:, [0, 0]].copy()
    giant[:3, 1] += giant[:, 0].sum()
    found = tmm_factors(giant).factors
    # three features took 3/4 of the second library: the others look 4 times lower, factors 2 and 1/2
    assert found == pytest.approx([2, 0.5], rel=0.02)
    assert np.prod(found) == pytest.approx(1, rel=1e-12)


def test_order_of_features_and_scale_of_a_library_do_not_matter() -> None:
    x, design = sample()
    draw = np.random.default_rng(1)
    rows, columns = draw.permutation(x.shape[0]), draw.permutation(8)
    found = tmm_factors(x).factors
    assert tmm_factors(x[rows][:, columns]).factors == pytest.approx(found[columns], rel=1e-10)
    weights = voom(x, design).weights
    assert voom(x[rows][:, columns], design[columns]).weights == pytest.approx(weights[rows][:, columns], rel=1e-8)


def test_the_filter_by_hand() -> None:
    sizes = np.full(6, 1e6)
    x = np.zeros((4, 6))
    x[0, :3] = 10  # enough in the smaller group
    x[1, :2] = 500  # in too few samples
    x[2] = 9  # too low everywhere
    x[3, :3] = [10, 10, 9.999]
    assert enough_counts(x, sizes, group=[0, 0, 0, 1, 1, 1]).tolist() == [True, False, False, False]
    assert enough_counts(x, sizes, design=np.column_stack([np.ones(6), [0, 0, 0, 1, 1, 1]])).tolist() == [
        True,
        False,
        False,
        False,
    ]
    assert enough_counts(x, sizes).tolist() == [False] * 4
    # of a group of 20, 10 + 0.7 * 10 = 17 are enough
    many = np.where(np.arange(20) < np.array([[16], [17]]), 10, 0)
    assert enough_counts(many, np.full(20, 1e6)).tolist() == [False, True]


def test_precision_rises_with_the_count() -> None:
    x, design = sample(2000)
    found = voom(x, design)
    low, high = np.quantile(found.log_cpm.mean(axis=1), [0.2, 0.8])
    mean = found.log_cpm.mean(axis=1)
    assert np.median(found.weights[mean > high]) > 1.5 * np.median(found.weights[mean < low])
    assert (found.weights > 0).all()


def test_a_sample_without_counts_is_named() -> None:
    x, design = sample()
    x[:, 2] = 0
    found = tmm_factors(x)
    assert (found.converged, found.reason, found.columns, found.note) == (False, "empty library", (2,), "sample(s) 2: no counts")
    assert np.isnan(found.factors).tolist() == [i == 2 for i in range(8)]
    with pytest.raises(ValueError, match=r"1 sample\(s\) without counts"):
        voom(x, design)
    with pytest.raises(ValueError, match=r"1 sample\(s\) without counts"):
        log_cpm(x)
    assert not tmm_factors(np.zeros((3, 2))).converged


def test_impossible_designs_are_said() -> None:
    x, design = sample()
    tied = voom(x, np.column_stack([design, 1 - design[:, 1]]))
    assert (tied.converged, tied.reason, tied.columns) == (False, "collinear", (1, 2))
    assert np.isnan(tied.weights).all()
    assert voom(x[:, :2], design[[0, 4]]).reason == "no residual degrees of freedom"
    flat = voom(np.full((5, 8), 10), design)
    assert (flat.reason, flat.note) == ("no variation", "the variance falls to 0 along the trend: too few features that vary")


def test_features_without_counts_do_not_bend_the_trend() -> None:
    x, design = sample()
    with_zeros = np.vstack([x, np.zeros((40, 8))])
    assert voom(with_zeros, design).weights[:300] == pytest.approx(voom(x, design).weights, rel=1e-9)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="counts: negative"):
        tmm_factors([[1, -1]])
    with pytest.raises(ValueError, match=r"counts: 1 value\(s\) are missing"):
        log_cpm([[1, np.nan]])
    with pytest.raises(ValueError, match="counts: two dimensions"):
        enough_counts([1, 2])
    with pytest.raises(ValueError, match="give one of them"):
        enough_counts([[1, 2]], group=[0, 1], design=[[1], [1]])
    with pytest.raises(ValueError, match="reference: 5 is no sample of 2"):
        tmm_factors([[1, 2]], reference=5)
    with pytest.raises(ValueError, match="design: shape"):
        voom([[1, 2]], np.ones((3, 1)))
