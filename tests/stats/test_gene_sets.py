"""Gene set scores and tests against Bioconductor's GSVA and limma, and against slow obvious walks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from resistance.stats.camera import camera
from resistance.stats.gene_set_test import gene_set_test
from resistance.stats.gsva import gsva
from resistance.stats.moderated_t import moderated_t
from resistance.stats.plage import plage
from resistance.stats.ssgsea import ssgsea
from resistance.stats.weighted_z import weighted_z

SCORES = [gsva, ssgsea, plage]


@pytest.fixture(scope="module")
def golub(shared: Path) -> tuple[dict, np.ndarray, list[np.ndarray], np.ndarray]:
    folder = shared / "truth/stats"
    truth = json.loads((folder / "05_omics_multiplicity.json").read_text())
    expression = pd.read_csv(folder / "data/golub_expr.csv", index_col=0)
    members = json.loads((folder / "data/golub_genesets.json").read_text())
    assert list(members) == truth["camera_golub"]["sets"] == truth["gene_set_test"]["sets"]
    for method in ("gsva", "ssgsea", "plage", "zscore", "ssgsea_nonorm"):
        assert truth[f"gsva_pkg_{method}"]["sets"] == list(members)
        assert truth[f"gsva_pkg_{method}"]["samples"] == list(expression.columns)
    sets = [expression.index.get_indexer(genes) for genes in members.values()]
    aml = pd.read_csv(folder / "data/golub_class.csv")["aml"].to_numpy()
    return truth, expression.to_numpy(), sets, np.column_stack([np.ones(aml.size), aml])


def sample(m: int = 40, n: int = 9, seed: int = 0) -> tuple[np.ndarray, list[list[int]]]:
    return np.random.default_rng(seed).normal(size=(m, n)), [[0, 3, 5, 9], [1, 2], [7], list(range(10, 30))]


@pytest.mark.shared
@pytest.mark.parametrize("compiled_from", [0, 10**18])
def test_gsva_agrees_with_the_package(golub: tuple, compiled_from: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resistance.stats.gsva.COMPILED_FROM", compiled_from)
    truth, x, sets, _ = golub
    assert gsva(x, sets).scores == pytest.approx(np.array(truth["gsva_pkg_gsva"]["scores"]), rel=1e-8)


@pytest.mark.shared
def test_gsva_with_the_exact_normal_distribution_is_close_to_the_package(golub: tuple) -> None:
    truth, x, sets, _ = golub
    # the exact normal distribution in place of the package's table moves a score by ranks that swap
    assert gsva(x, sets, tabulated=False).scores == pytest.approx(np.array(truth["gsva_pkg_gsva"]["scores"]), abs=2e-3)


@pytest.mark.shared
def test_ssgsea_agrees_with_the_package(golub: tuple) -> None:
    truth, x, sets, _ = golub
    assert ssgsea(x, sets).scores == pytest.approx(np.array(truth["gsva_pkg_ssgsea_nonorm"]["scores"]), rel=1e-8)
    assert ssgsea(x, sets, normalised=True).scores == pytest.approx(np.array(truth["gsva_pkg_ssgsea"]["scores"]), rel=1e-8)


@pytest.mark.shared
def test_plage_and_the_combined_z_agree_with_the_package(golub: tuple) -> None:
    truth, x, sets, _ = golub
    expected = np.array(truth["gsva_pkg_plage"]["scores"])
    assert plage(x, sets, oriented=False).scores == pytest.approx(expected, rel=1e-8)
    found = plage(x, sets).scores
    assert np.abs(found) == pytest.approx(np.abs(expected), rel=1e-8)
    z = np.array([weighted_z(x[rows], np.ones(len(rows))).score for rows in sets])
    assert z == pytest.approx(np.array(truth["gsva_pkg_zscore"]["scores"]), rel=1e-8)


@pytest.mark.shared
def test_camera_agrees_with_limma(golub: tuple) -> None:
    truth, x, sets, design = golub
    expected, found = truth["camera_golub"], camera(x, design, sets)
    assert found.size.tolist() == expected["n"]
    assert np.where(found.difference > 0, "Up", "Down").tolist() == expected["direction"]
    assert found.p_value == pytest.approx(np.array(expected["p"]), rel=1e-8)


@pytest.mark.shared
def test_gene_set_test_agrees_with_limma(golub: tuple) -> None:
    truth, x, sets, design = golub
    found = gene_set_test(moderated_t(x, design).t[:, 1], sets)
    assert found.p_value == pytest.approx(np.array(truth["gene_set_test"]["p"]), rel=1e-8)


def gsva_by_walking(x: np.ndarray, members: list[int], difference: bool) -> list[float]:
    m, n = x.shape
    level = np.array([[stats.norm.cdf(4 * (v - row) / row.std(ddof=1)).mean() for v in row] for row in x])
    found = []
    for j in range(n):
        order = sorted(range(m), key=lambda i: -level[i, j])
        weight = {gene: abs(m - place - m / 2) for place, gene in enumerate(order)}
        total, height, walk = sum(weight[i] for i in members), 0.0, [0.0]
        if total == 0:
            weight, total = dict.fromkeys(members, 1.0), len(members)
        for gene in order:
            height += weight[gene] / total if gene in members else -1 / (m - len(members))
            walk.append(height)
        high, low = max(walk), min(walk)
        found.append(high + low if difference else (high if high > abs(low) else low))
    return found


def test_the_compiled_kernel_is_the_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    x, sets = sample()
    x[5, :4] = 2.5  # ties
    x[6, 0] = 60.0  # beyond the end of the table
    plain = gsva(x, sets).scores
    monkeypatch.setattr("resistance.stats.gsva.COMPILED_FROM", 0)
    assert gsva(x, sets).scores == pytest.approx(plain, rel=1e-12)


@pytest.mark.parametrize("difference", [True, False])
def test_gsva_is_a_walk_along_the_ranking(difference: bool) -> None:
    x, sets = sample()
    found = gsva(x, sets, difference=difference, tabulated=False).scores
    for row, members in zip(found, sets, strict=True):
        assert row == pytest.approx(gsva_by_walking(x, members, difference), rel=1e-9)


def test_ssgsea_is_the_area_between_two_walks() -> None:
    x, sets = sample()
    found = ssgsea(x, sets).scores
    m = x.shape[0]
    for row, members in zip(found, sets, strict=True):
        for j in range(x.shape[1]):
            rank = stats.rankdata(x[:, j])
            inside = outside = area = 0.0
            for gene in sorted(range(m), key=lambda i: -rank[i]):
                if gene in members:
                    inside += rank[gene] ** 0.25 / sum(rank[i] ** 0.25 for i in members)
                else:
                    outside += 1 / (m - len(members))
                area += inside - outside
            assert row[j] == pytest.approx(area, rel=1e-9)


def test_camera_without_correlation_is_close_to_a_two_sample_t_of_the_statistics() -> None:
    x, sets = sample(400, 12)
    design = np.column_stack([np.ones(12), np.arange(12) % 2])
    found = camera(x, design, sets, correlation=0.0)
    t = moderated_t(x, design)
    z = stats.norm.isf(stats.t.sf(t.t[:, 1], t.df))
    for i, members in enumerate(sets):
        rest = np.setdiff1d(np.arange(400), members)
        if len(members) > 1:
            expected = stats.ttest_ind(z[members], z[rest]).pvalue
            assert found.p_value[i] == pytest.approx(expected, rel=1e-3)
        assert found.difference[i] == pytest.approx(z[members].mean() - z[rest].mean(), abs=1e-4)


def test_correlated_members_make_camera_careful_and_the_rank_test_does_not_notice() -> None:
    draw = np.random.default_rng(3)
    members, group = list(range(30)), np.arange(12) % 2
    design = np.column_stack([np.ones(12), group])
    naive, fixed, estimated = [], [], []
    for _ in range(120):
        x = draw.normal(size=(150, 12))
        x[members] += 1.5 * draw.normal(size=12)  # the set moves together, whatever the group
        naive.append(gene_set_test(moderated_t(x, design).t[:, 1], [members], alternative="either").p_value[0])
        fixed.append(camera(x, design, [members], correlation=1.5**2 / (1 + 1.5**2)).p_value[0])
        estimated.append(camera(x, design, [members], correlation=None).p_value[0])
    assert np.mean(np.array(naive) < 0.05) > 0.4
    assert np.mean(np.array(fixed) < 0.05) < 0.15
    assert np.mean(np.array(estimated) < 0.05) < 0.15


def test_the_estimated_correlation_is_that_of_the_residuals() -> None:
    x, _ = sample(60, 30, 2)
    x[:10] += np.random.default_rng(1).normal(size=30)
    design = np.column_stack([np.ones(30), np.arange(30) % 2])
    residual = x - x @ np.linalg.pinv(design).T @ design.T
    mean_square = (residual**2).sum(axis=1) / 28
    unit = residual[:10] / np.sqrt(mean_square[:10])[:, None]
    inflation = 10 * (unit.mean(axis=0) ** 2).sum() / 28
    found = camera(x, design, [range(10)], correlation=None)
    assert found.correlation[0] == pytest.approx((inflation - 1) / 9, rel=1e-9)


@pytest.mark.parametrize("ranks", [False, True])
@pytest.mark.parametrize("correlation", [0.01, None])
def test_camera_does_not_mind_coding_scale_or_order(ranks: bool, correlation: float | None) -> None:
    x, sets = sample(80, 14)
    group = np.arange(14) % 2
    found = camera(x, np.column_stack([np.ones(14), group]), sets, ranks=ranks, correlation=correlation)
    means = camera(3 * x + 1, np.column_stack([1 - group, group]), sets, contrast=[-1, 1], ranks=ranks, correlation=correlation)
    assert means.p_value == pytest.approx(found.p_value, rel=1e-7)
    flipped = camera(x, np.column_stack([np.ones(14), 1 - group]), sets, ranks=ranks, correlation=correlation)
    assert flipped.p_up == pytest.approx(found.p_down, rel=1e-7)
    rows = np.random.default_rng(1).permutation(80)
    moved = [np.flatnonzero(np.isin(rows, members)) for members in sets]
    other = camera(x[rows], np.column_stack([np.ones(14), group]), moved, ranks=ranks, correlation=correlation)
    assert other.p_value == pytest.approx(found.p_value, rel=1e-7)


@pytest.mark.parametrize(("alternative", "side"), [("up", "greater"), ("down", "less"), ("either", "two-sided")])
def test_gene_set_test_is_a_rank_sum_test(alternative: str, side: str) -> None:
    values = np.random.default_rng(2).integers(-5, 6, 60).astype(float)
    members = [1, 5, 9, 33, 40]
    rest = np.setdiff1d(np.arange(60), members)
    expected = stats.mannwhitneyu(values[members], values[rest], alternative=side, method="asymptotic").pvalue
    assert gene_set_test(values, [members], alternative=alternative).p_value[0] == pytest.approx(expected, rel=1e-9)
    size = np.abs(values)
    expected = stats.mannwhitneyu(size[members], size[rest], alternative="greater", method="asymptotic").pvalue
    assert gene_set_test(values, [members]).p_value[0] == pytest.approx(expected, rel=1e-9)


def test_correlation_widens_the_rank_test() -> None:
    values = np.random.default_rng(2).normal(size=200)
    values[:20] += 0.5
    wide, plain = (gene_set_test(values, [range(20)], alternative="up", correlation=c).p_value[0] for c in (0.2, 0.0))
    assert plain < wide < 0.5
    # its variance by simulation: normal statistics, members correlated
    draw = np.random.default_rng(3)
    sums = []
    for _ in range(3000):
        v = draw.normal(size=40)
        v[:8] = np.sqrt(0.3) * draw.normal() + np.sqrt(0.7) * v[:8]
        sums.append(stats.rankdata(v)[:8].sum())
    z = stats.norm.isf(gene_set_test(np.arange(40.0), [range(32, 40)], alternative="up", correlation=0.3).p_value[0])
    assert (8 * 32 / 2 - 0.5) / z == pytest.approx(np.std(sums), rel=0.05)


@pytest.mark.parametrize("score", SCORES)
def test_order_of_features_samples_and_members_does_not_matter(score: Callable) -> None:
    x, sets = sample()
    found = score(x, sets).scores
    draw = np.random.default_rng(1)
    rows, columns = draw.permutation(x.shape[0]), draw.permutation(x.shape[1])
    moved = [draw.permutation(np.flatnonzero(np.isin(rows, members))) for members in sets]
    assert score(x[rows][:, columns], moved).scores == pytest.approx(found[:, columns], rel=1e-9)
    assert score(x, [list(reversed(members)) for members in sets]).scores == pytest.approx(found, rel=1e-12)


@pytest.mark.parametrize("score", [gsva, plage])
def test_the_unit_of_a_feature_does_not_matter(score: Callable) -> None:
    x, sets = sample()
    found = score(x, sets).scores
    scale = 2.0 ** np.random.default_rng(1).integers(-700, 700, x.shape[0])
    assert score(x * scale[:, None], sets).scores == pytest.approx(found, rel=1e-9)


def test_equal_scores_have_no_range_to_divide_by() -> None:
    found = ssgsea([[1.0], [2.0], [3.0]], [[0]], normalised=True)
    assert (found.converged, found.reasons) == (False, ("no range",))
    assert found.note == "set(s) 0: all scores are equal, there is no range to divide by"
    assert np.isnan(found.scores).all()


@pytest.mark.parametrize("score", [gsva, plage])
def test_a_raised_set_scores_higher_in_the_samples_that_raise_it(score: Callable) -> None:
    x, _ = sample(60, 20)
    x[:12, :10] += 1.5
    found = score(x, [range(12)]).scores[0]
    assert found[:10].min() > found[10:].mean()


def test_the_orientation_of_plage_follows_the_members() -> None:
    x, _ = sample(60, 20)
    x[:12, :10] += 1.5
    assert np.corrcoef(plage(x, [range(12)]).scores[0], x[:12].mean(axis=0))[0, 1] > 0.9
    assert np.corrcoef(plage(-x, [range(12)]).scores[0], -x[:12].mean(axis=0))[0, 1] > 0.9


def test_a_score_of_ssgsea_does_not_depend_on_the_other_samples() -> None:
    x, sets = sample()
    assert ssgsea(x[:, :1], sets).scores == pytest.approx(ssgsea(x, sets).scores[:, :1], rel=1e-12)


@pytest.mark.parametrize("score", SCORES)
def test_sets_without_an_answer_are_named(score: Callable) -> None:
    x, sets = sample()
    found = score(x, [sets[0], [], sets[1]])
    assert (found.converged, found.reasons, found.columns) == (False, ("", "empty set", ""), (1,))
    assert found.note == "set(s) 1: none of the features is there and varies"
    assert np.isnan(found.scores).any(axis=1).tolist() == [False, True, False]
    assert found.size.tolist() == [4, 0, 2]


@pytest.mark.parametrize("score", [gsva, ssgsea])
def test_a_set_of_every_feature_has_nothing_to_stand_out_from(score: Callable) -> None:
    x, _ = sample()
    assert score(x, [range(40)]).reasons == ("every feature",)


@pytest.mark.parametrize("score", [gsva, plage])
def test_constant_features_are_left_out_and_counted(score: Callable) -> None:
    x, sets = sample()
    x[[3, 39]] = 7.0
    found = score(x, sets)
    assert found.note == "2 feature(s) do not vary and were left out"
    assert found.size.tolist() == [3, 2, 1, 20]
    keep = np.setdiff1d(np.arange(40), [3, 39])
    assert found.scores[0] == pytest.approx(score(x[keep], [np.flatnonzero(np.isin(keep, sets[0]))]).scores[0], rel=1e-12)
    assert score(x[:, :1], sets).reasons == ("one sample",) * 4


def test_impossible_tests_are_said() -> None:
    x, sets = sample(40, 10)
    design = np.column_stack([np.ones(10), np.arange(10) % 2])
    found = camera(x, design, [*sets, [], range(40)])
    assert (found.converged, found.reason, found.columns) == (False, "set", (4, 5))
    assert np.isnan(found.p_value).tolist() == [False] * 4 + [True] * 2
    assert camera(x, np.column_stack([design, 1 - design[:, 1]]), sets).columns == (1, 2)
    assert camera(x[:, :2], design[:2], sets).reason == "no residual degrees of freedom"
    assert camera(np.ones((40, 10)), design, sets).reason == "no variation"
    tied = gene_set_test(np.ones(9), [[1, 2]])
    assert (tied.reason, tied.note) == ("all ties", "the statistics do not vary")
    assert gene_set_test(np.arange(9.0), [[], range(9), [1]]).columns == (0, 1)


@pytest.mark.parametrize("score", SCORES)
def test_bad_input_is_named(score: Callable) -> None:
    x, sets = sample()
    with pytest.raises(ValueError, match=r"sets\[1\]: a row outside 0..39"):
        score(x, [[1], [40]])
    with pytest.raises(ValueError, match=r"sets\[0\]: a feature stands twice"):
        score(x, [[1, 1]])
    with pytest.raises(ValueError, match=r"sets\[0\]: 0-based rows"):
        score(x, [[0.5]])
    with pytest.raises(ValueError, match="expression: two dimensions"):
        score(x[0], sets)
    with pytest.raises(ValueError, match=r"expression: 40 value\(s\) are missing"):
        score(np.where(np.arange(9) == 2, np.nan, x), sets)


def test_bad_input_of_the_tests_is_named() -> None:
    x, sets = sample(40, 10)
    design = np.column_stack([np.ones(10), np.arange(10) % 2])
    with pytest.raises(ValueError, match="contrast: no column 5"):
        camera(x, design, sets, contrast=5)
    with pytest.raises(ValueError, match="correlation: 2 is outside"):
        camera(x, design, sets, correlation=2)
    with pytest.raises(ValueError, match="design: shape"):
        camera(x, design[:4], sets)
    with pytest.raises(ValueError, match="alternative: 'both'"):
        gene_set_test(np.arange(9.0), [[1]], alternative="both")
    with pytest.raises(ValueError, match="statistics: 1 value"):
        gene_set_test([1.0, np.nan], [[0]])
