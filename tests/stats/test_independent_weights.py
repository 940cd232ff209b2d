"""Independent hypothesis weighting against the reference, slow recomputations, and by simulation; Grenander's estimate beside it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from resistance.stats.grenander import grenander
from resistance.stats.independent_weights import default_bins, independent_weights
from resistance.stats.multiplicity import adjust, weighted_benjamini_hochberg


def golub(shared: Path) -> dict:
    """3,051 genes of the leukaemia study with their mean expression (folds, groups and weights of the reference)."""
    found = json.loads((shared / "truth/stats/05_omics_multiplicity.json").read_text())["ihw_golub"]
    return {key: np.array(value) if isinstance(value, list) else value for key, value in found.items()}


@pytest.mark.shared
def test_golub_with_the_references_folds_and_bounds_agrees_in_every_number(shared: Path) -> None:
    truth = golub(shared)
    weights = truth["weights_by_bin_fold"]
    # the bound each fold was given shows in its weights: their total variation, on the grid of the default
    bounds = np.abs(np.diff(weights, axis=0)).sum(axis=0)
    assert bounds == pytest.approx([0, 5 / 4, 5 / 8, 1, 0], abs=1e-12)
    found = independent_weights(
        truth["p"], truth["covariate"], alpha=truth["alpha"], bins=5, folds=truth["folds"], regularisation=bounds, seed=1
    )
    assert (found.group + 1 == truth["group"]).all()
    assert (found.fold + 1 == truth["folds"]).all()
    assert found.weights == pytest.approx(weights, rel=1e-9)
    assert found.weight == pytest.approx(truth["weights"], rel=1e-9)
    assert found.p_adjusted == pytest.approx(truth["adj_p"], rel=1e-9)
    assert found.rejected == truth["n_reject"] == 686
    assert found.n_failed == 0
    assert (adjust(truth["p"], "bh") <= truth["alpha"]).sum() == truth["n_reject_BH"]


@pytest.mark.shared
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("given_folds", [True, False])
def test_golub_with_own_folds_or_choices_of_the_bound_rejects_as_many_within_3_percent(
    shared: Path, seed: int, given_folds: bool
) -> None:
    truth = golub(shared)
    folds = truth["folds"] if given_folds else 5
    found = independent_weights(truth["p"], truth["covariate"], alpha=0.05, bins=5, folds=folds, seed=seed)
    assert abs(found.rejected - truth["n_reject"]) <= 0.03 * truth["n_reject"]


def mixed(seed: int, m: int = 1200, groups: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """p-values of which more are small where the covariate is large."""
    draw = np.random.default_rng(seed)
    covariate = draw.random(m)
    real = draw.random(m) < 0.4 * (covariate > 1 - 1 / groups)
    return np.where(real, draw.beta(0.3, 30, m), draw.random(m)), covariate


def test_tests_of_the_group_with_effects_get_more_weight_and_more_are_rejected() -> None:
    p, covariate = mixed(3)
    found = independent_weights(p, covariate, bins=4, seed=1)
    assert (found.weights[3] > 1.5).all()
    assert found.rejected > (adjust(p, "bh") <= 0.05).sum()


@settings(max_examples=12)
@given(st.integers(0, 1000), st.sampled_from(["ordinal", "nominal"]), st.sampled_from(["bh", "bonferroni"]))
def test_budget_bounds_and_adjusted_p(seed: int, kind: str, method: str) -> None:
    p, covariate = mixed(seed, m=300, groups=3)
    draw = np.random.default_rng(seed)
    p[draw.integers(0, p.size, 9)] = np.nan
    given_labels = covariate if kind == "ordinal" else np.array(list("abc"))[np.digitize(covariate, [0.3, 0.6])]
    bound = [0.5, 1.0, np.inf]
    found = independent_weights(
        p, given_labels, kind=kind, bins=3 if kind == "ordinal" else None, folds=3, regularisation=bound, method=method, seed=seed
    )
    known = np.isfinite(p)
    assert np.isnan(found.p_adjusted[~known]).all()
    assert np.isnan(found.weight[~known]).all()
    assert (found.group[~known] == -1).all()
    assert found.n == known.sum()
    for f in range(3):
        mine = found.fold == f
        assert found.weight[mine].mean() == pytest.approx(1, abs=1e-9)
        weights = found.weights[:, f]
        distance = np.abs(np.diff(weights)).sum() if kind == "ordinal" else np.abs(weights - 1).sum()
        assert distance <= bound[f] + 1e-6
    with np.errstate(divide="ignore", invalid="ignore"):
        weighted = np.where(found.weight > 0, np.minimum(1, p / found.weight), 1.0)[known]
    assert found.p_adjusted[known] == pytest.approx(adjust(weighted, method), rel=1e-12)
    if method == "bh":
        assert found.p_adjusted == pytest.approx(weighted_benjamini_hochberg(p, found.weight), rel=1e-7, nan_ok=True)
    assert found.rejected == (found.p_adjusted[known] <= 0.05).sum()


def test_a_solver_that_gives_up_leaves_weights_of_1_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    import scipy.optimize

    class Failed:
        status, x = 4, None

    monkeypatch.setattr(scipy.optimize, "linprog", lambda *a, **k: Failed())
    p, covariate = mixed(2, m=200)
    found = independent_weights(p, covariate, bins=3, folds=2, regularisation=1.0, seed=1)
    assert (found.weights == 1).all()
    assert found.n_failed == 2


def test_p_as_small_as_numbers_go_do_not_break_the_programme() -> None:
    draw = np.random.default_rng(8)
    p, covariate = mixed(8, m=800)
    p[:60] = 10.0 ** -draw.uniform(5, 320, 60)
    p[60:64] = 0.0
    found = independent_weights(p, covariate, bins=4, seed=1)
    assert found.n_failed == 0
    assert (found.p_adjusted[:64] <= 0.05)[found.weight[:64] > 0.01].all()
    assert found.weight.mean() == pytest.approx(1)


@settings(max_examples=6)
@given(st.integers(0, 1000))
def test_order_of_the_tests_and_unit_of_the_covariate_do_not_matter_where_folds_are_given(seed: int) -> None:
    p, covariate = mixed(seed, m=300)
    folds = np.arange(300) % 3
    order = np.random.default_rng(seed).permutation(300)
    one = independent_weights(p, covariate, bins=4, folds=folds, regularisation=1.0, seed=1)
    two = independent_weights(p[order], np.exp(5 * covariate[order]), bins=4, folds=folds[order], regularisation=1.0, seed=1)
    assert two.weight == pytest.approx(one.weight[order], rel=1e-9)
    assert two.p_adjusted == pytest.approx(one.p_adjusted[order], rel=1e-9)


def test_a_seed_gives_the_same_numbers_again_and_bounds_are_chosen_within_the_other_folds() -> None:
    p, covariate = mixed(5, m=400)
    one, two = (independent_weights(p, covariate, bins=3, folds=3, seed=9) for _ in range(2))
    assert (one.p_adjusted == two.p_adjusted).all()
    # a fold's own p do not touch its weights
    changed = np.where(one.fold == 0, 0.5, p)
    other = independent_weights(changed, covariate, bins=3, folds=one.fold, seed=9)
    again = independent_weights(p, covariate, bins=3, folds=one.fold, seed=9)
    assert (other.weights[:, 0] == again.weights[:, 0]).all()


@pytest.mark.parametrize("method", ["bh", "bonferroni"])
def test_one_bin_is_the_plain_method_exactly(method: str) -> None:
    p, covariate = mixed(7, m=1000)
    found = independent_weights(p, covariate, seed=1, method=method)
    assert found.labels.size == default_bins(1000) == 1
    assert (found.p_adjusted == adjust(p, method)).all()
    assert (found.weight == 1).all()


def test_bins_are_one_for_each_1500_tests_up_to_40_and_equal_values_stay_together() -> None:
    assert [default_bins(m) for m in (0, 1499, 2999, 3000, 60_000, 10**6)] == [1, 1, 1, 2, 40, 40]
    p = np.linspace(0.01, 1, 10)
    found = independent_weights(p, [1, 1, 1, 1, 1, 1, 2, 2, 3, 9], bins=5, folds=2, regularisation=0, seed=1)
    # mean ranks 3.5, 7.5, 9, 10 of 10: bins 2, 4, 5, 5 of 5
    assert found.group.tolist() == [0] * 6 + [1, 1, 2, 2]
    assert found.labels.tolist() == [1, 2, 9]


def test_weights_maximise_the_expected_rejections_among_all_thresholds_on_a_grid() -> None:
    """Two groups: every pair of thresholds of a fine grid is looked at, with the other fold's curves written out anew."""
    p, covariate = mixed(11, m=600, groups=2)
    group = (covariate > 0.5).astype(int)
    folds = np.arange(600) % 2
    for method in ("bh", "bonferroni"):
        found = independent_weights(p, group, kind="nominal", folds=folds, regularisation=np.inf, method=method, seed=1)
        for f in (0, 1):
            size = np.array([((folds == f) & (group == g)).sum() for g in (0, 1)])
            curves = [_concave(p[(folds != f) & (group == g)]) for g in (0, 1)]
            grid = np.concatenate([[0], np.geomspace(1e-6, 0.3, 1500)])
            gain = [size[g] * curves[g](grid) for g in (0, 1)]
            cost = [size[g] * grid for g in (0, 1)]
            allowed = cost[0][:, None] + cost[1]
            total = gain[0][:, None] + gain[1]
            feasible = allowed <= (0.05 * total if method == "bh" else 0.05)
            best = total[feasible].max()
            # the largest thresholds with these weights that are still allowed
            weights = found.weights[:, f]
            scale = np.geomspace(1e-8, 0.3, 40_000)
            mine = sum(size[g] * curves[g](np.minimum(1, scale * weights[g])) for g in (0, 1))
            spent = sum(size[g] * scale * weights[g] for g in (0, 1))
            reached = mine[spent <= (0.05 * mine if method == "bh" else 0.05)].max()
            assert reached >= best * (1 - 2e-3)


def _concave(p: np.ndarray):
    """The least concave majorant by its definition: the highest chord over each point of the empirical distribution."""
    x = np.concatenate([[0], np.sort(p), [1]])
    y = np.concatenate([[0], np.arange(1, p.size + 1) / p.size, [1]])
    at = np.unique(x)
    high = np.array([y[x <= a].max() for a in at])
    out = high.copy()
    for k in range(at.size):
        left, right = np.arange(k + 1), np.arange(k + 1, at.size)
        if right.size:
            rise = (high[right][None] - high[left][:, None]) / (at[right][None] - at[left][:, None])
            out[k] = max(out[k], (high[left][:, None] + rise * (at[k] - at[left])[:, None]).max())
    return lambda t: np.interp(t, at, out)


@settings(max_examples=30)
@given(st.lists(st.sampled_from([0.0, 1e-9, 0.01, 0.01, 0.2, 0.3, 0.35, 0.7, 1.0]) | st.floats(0, 1), min_size=1, max_size=12))
@example([0.0, 0.0, 0.0, 0.0, 0.2, 0.2, 0.3, 0.5, 0.5])
def test_grenander_is_the_least_concave_majorant_by_its_definition(values: list[float]) -> None:
    p = np.array(values)
    p[(p > 0) & (p < 1e-9)] = 1e-9
    found = grenander(p)
    assert found(p) == pytest.approx(_concave(p)(p), abs=1e-9)
    assert (np.diff(found.slope) < 0).all()
    grid = np.linspace(0, 1, 7)
    lines = (found.intercept[:, None] + found.slope[:, None] * grid).min(axis=0)
    assert found(grid) == pytest.approx(lines, abs=1e-6)


def test_nothing_to_learn_leaves_all_weights_1() -> None:
    found = independent_weights([1.0] * 40, np.arange(40), bins=4, seed=1)
    assert (found.weights == 1).all()
    assert (found.p_adjusted == 1).all()
    nothing = independent_weights([np.nan, np.nan], [1, 2], bins=2, seed=1)
    assert nothing.n == nothing.rejected == 0
    assert np.isnan(nothing.p_adjusted).all()


def _false(seed: int, effects: bool, kind: str, method: str) -> tuple[float, bool]:
    draw = np.random.default_rng(seed)
    m = 2000
    covariate = draw.random(m)
    real = effects & (draw.random(m) < 0.3 * (covariate > 0.75))
    p = np.where(real, draw.beta(0.2, 20, m), draw.random(m))
    labels = np.digitize(covariate, [0.25, 0.5, 0.75])
    found = independent_weights(p, labels, kind=kind, bins=4 if kind == "ordinal" else None, method=method, seed=seed, alpha=0.1)
    called = found.p_adjusted <= 0.1
    return float((called & ~real).sum() / max(1, called.sum())), bool((called & ~real).any())


@pytest.mark.parametrize("method", ["bh", "bonferroni"])
def test_a_few_studies_without_effect_rarely_reject(method: str) -> None:
    found = [_false(seed, False, "ordinal", method)[1] for seed in range(4)]
    assert sum(found) <= 3  # 4 of 4 has probability 1e-4 at a level of .1


@pytest.mark.long
@pytest.mark.parametrize("kind", ["ordinal", "nominal"])
@pytest.mark.parametrize("method", ["bh", "bonferroni"])
@pytest.mark.parametrize("effects", [False, True])
def test_error_rates_are_kept_in_simulated_studies(kind: str, method: str, effects: bool) -> None:
    studies = 150
    found = np.array([_false(seed, effects, kind, method) for seed in range(studies)])
    rate = found[:, 1] if method == "bonferroni" or not effects else found[:, 0]
    # 2.3 standard errors above the level
    assert rate.mean() <= 0.1 + 2.3 * max(rate.std(), 0.02) / np.sqrt(studies)


def test_bad_input_says_what_is_wrong() -> None:
    p, x = [0.1, 0.2, 0.3, 0.4], [1, 2, 3, 4]
    for words, call in {
        r"alpha: outside 0..1": lambda: independent_weights(p, x, alpha=0, seed=1),
        r"kind: 'ordinal' or 'nominal', not 'order'": lambda: independent_weights(p, x, kind="order", seed=1),
        r"method: 'bh' or 'bonferroni', not 'by'": lambda: independent_weights(p, x, method="by", seed=1),
        r"covariate: shape \(3,\) for 4 tests": lambda: independent_weights(p, x[:3], seed=1),
        r"covariate: missing where there is a p": lambda: independent_weights(p, [1, 2, np.nan, 4], seed=1),
        r"bins: at least 1, not 0": lambda: independent_weights(p, x, bins=0, seed=1),
        r"bins: a nominal covariate has its own groups": lambda: independent_weights(p, x, kind="nominal", bins=2, seed=1),
        r"folds: at least 2, not 1": lambda: independent_weights(p, x, folds=1, seed=1),
        r"folds: shape \(2,\) for 4 tests": lambda: independent_weights(p, x, folds=[1, 2], seed=1),
        r"folds: at least 2 are needed": lambda: independent_weights(p, x, folds=[1, 1, 1, 1], seed=1),
        r"regularisation: shape \(3,\) for 2 folds": lambda: independent_weights(p, x, folds=2, regularisation=[1, 2, 3], seed=1),
        r"regularisation: not negative": lambda: independent_weights(p, x, folds=2, regularisation=-1, seed=1),
        r"p_values: outside 0..1": lambda: independent_weights([0.1, 2, 0.3, 0.4], x, seed=1),
        r"zero: 1 is not in": lambda: grenander(p, zero=1),
    }.items():
        with pytest.raises(ValueError, match=words):
            call()
    # what has no p needs no covariate
    assert independent_weights([0.1, np.nan], [1, np.nan], seed=1).n == 1
    with pytest.raises(ValueError, match="covariate: missing where there is a p"):
        independent_weights(p, ["a", None, "b", "c"], kind="nominal", seed=1)


@pytest.mark.long
def test_exact_p_of_rare_markers_weighted_by_their_carriers_keep_the_error_rate() -> None:
    """Fisher's p, larger than uniform the rarer the marker: the margin goes with them, but never the wrong way."""
    from scipy.stats import fisher_exact

    n, events, m = 80, 30, 4000
    table = {
        (c, x): fisher_exact([[x, c - x], [events - x, n - events - c + x]]).pvalue
        for c in range(1, 25)
        for x in range(max(0, c - n + events), min(c, events) + 1)
    }
    found, discoveries = [], 0
    for seed in range(40):
        draw = np.random.default_rng(seed)
        carriers = np.minimum(1 + draw.geometric(0.2, m), 24)
        real = (draw.random(m) < 0.25) & (carriers > 10)
        rate = np.where(real, 0.95, events / n)
        # hypergeometric without effect; nearly all carriers with it
        x = np.where(real, np.minimum(draw.binomial(carriers, rate), events), draw.hypergeometric(events, n - events, carriers))
        p = np.array([table[c, k] for c, k in zip(carriers, x, strict=True)])
        called = independent_weights(p, carriers, seed=seed).p_adjusted <= 0.05
        plain = adjust(p, "bh") <= 0.05
        discoveries += int(called.sum()) - int(plain.sum())
        found.append((called & ~real).sum() / max(1, called.sum()))
    assert np.mean(found) <= 0.05
    assert discoveries > 0
