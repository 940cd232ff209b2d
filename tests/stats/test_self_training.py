"""PRPS-ST on the training set of Rosenwald without its labels, against the numbers that the R package's manual prints."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from resistance.stats.self_training import self_train
from resistance.stats.two_normals import called


@pytest.fixture(scope="module")
def trained(shared):
    table = pd.read_csv(shared / "cohorts/rosenwald_2002/rosenwald.expr.tsv", sep="\t", index_col=0)
    clinic = pd.read_csv(shared / "cohorts/rosenwald_2002/rosenwald.cli.tsv", sep="\t", index_col=0)
    weights = pd.read_csv(shared / "truth/coo/lps_rosenwald/LPS_top100_weights.tsv", sep="\t", index_col=0)["tValue"]
    training = clinic.index[clinic["set"] == "Training"]
    return self_train(table.loc[weights.index, training].to_numpy(), weights), clinic.loc[training, "group"].to_numpy()


@pytest.mark.shared
def test_the_numbers_of_the_manual_come_out(trained):
    """README of ajiangsfu/PRPS, section PRPS-ST: meansds 314.7 -438.7 64.3 68.3, dfs 13 9, PRPS_score -421 163 336 -148 -343."""
    found, _ = trained
    normals = found.normals
    assert normals is not None
    np.testing.assert_allclose(
        (normals.mean_1, normals.mean_0, normals.sd_1, normals.sd_0), (314.7, -438.7, 64.3, 68.3), atol=0.05
    )
    assert (found.stable_1.sum() - 1, found.stable_0.sum() - 1) == (13, 9)
    np.testing.assert_allclose(found.scored.score[:5], (-421, 163, 336, -148, -343), atol=0.5)
    stable = np.where(found.stable_1, "ABC", np.where(found.stable_0, "GCB", "UNCLASS"))
    assert list(stable[:4]) == ["GCB", "ABC", "ABC", "UNCLASS"]
    # printed with three digits by version 1.0.0, whose offset of the p-values was another
    np.testing.assert_allclose(normals.probability(found.scored.score[[0, 3, 4]]), (4.46e-29, 4.95e-08, 5.41e-23), rtol=0.01)
    np.testing.assert_allclose(normals.probability_0(found.scored.score[1:3]), (2.15e-16, 9.91e-29), rtol=0.02)


@pytest.mark.shared
def test_the_manuals_table_of_classes_comes_out(trained):
    found, group = trained
    assert found.normals is not None
    code = called(found.normals, found.scored.score, 0.9)
    table = pd.crosstab(group, code)
    assert table.loc["ABC"].to_dict() == {0: 0, 1: 17}
    assert table.loc["GCB"].to_dict() == {0: 22, 1: 1}


def groups(n=40, seed=1):
    rng = np.random.default_rng(seed)
    one = np.arange(n) < n // 2
    sign = np.where(np.arange(30) % 2 == 0, 1.0, -1.0)
    return rng.normal(size=(30, n)) + 1.5 * sign[:, None] * np.where(one, 1, -1), sign * 5, one


def test_two_groups_are_found_without_labels():
    x, w, one = groups()
    found = self_train(x, w)
    assert found.normals is not None
    assert (called(found.normals, found.scored.score, 0.9) == one).mean() >= 0.95


def test_turning_the_weights_round_turns_the_classes_round():
    x, w, _ = groups()
    a, b = self_train(x, w), self_train(x, -w)
    np.testing.assert_array_equal(a.stable_1, b.stable_0)
    np.testing.assert_allclose(a.scored.score, -b.scored.score, rtol=1e-9)


def test_the_order_of_samples_does_not_matter():
    x, w, _ = groups()
    order = np.random.default_rng(5).permutation(x.shape[1])
    np.testing.assert_allclose(self_train(x[:, order], w).scored.score, self_train(x, w).scored.score[order], rtol=1e-9)


def test_without_stable_samples_there_are_no_scores_and_a_reason():
    found = self_train(np.ones((5, 8)), np.ones(5))
    assert found.normals is None
    assert np.isnan(found.scored.score).all()
    assert found.note == "0 and 0 samples stay in one class whatever share is assumed, 3 of each are needed"
