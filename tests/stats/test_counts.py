"""Negative-binomial regression against pydeseq2's own interface and a plain model; every missing number explained."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
import statsmodels.api as sm

from resistance.stats.counts import CountsResult, negative_binomial

pytest.importorskip("pydeseq2", reason="the extra 'counts' is not installed")


def sample(m: int = 60, n: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Counts of which the first ten features are fourfold in the second group."""
    draw = np.random.default_rng(seed)
    group = np.repeat([0, 1], n // 2)
    fold = np.where((np.arange(m) < 10)[:, None] & (group == 1), 4, 1)
    mean = draw.uniform(20, 500, m)[:, None] * fold * draw.uniform(0.7, 1.4, n)
    return draw.negative_binomial(6, 6 / (6 + mean)), group


@pytest.fixture(scope="module")
def plain() -> CountsResult:
    return negative_binomial(*sample())


def test_equals_pydeseq2_called_by_its_own_interface(plain: CountsResult) -> None:
    import pandas as pd
    from pydeseq2.dds import DeseqDataSet
    from pydeseq2.ds import DeseqStats

    counts, group = sample()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metadata = pd.DataFrame({"arm": np.where(group == 1, "len", "control")}, index=[f"s{i}" for i in range(16)])
        dds = DeseqDataSet(
            counts=pd.DataFrame(counts.T, index=metadata.index), metadata=metadata, design="~arm", quiet=True, n_cpus=1
        )
        dds.deseq2()
        tests = DeseqStats(dds, ["arm", "len", "control"], quiet=True, n_cpus=1)
        tests.summary()
    expected = tests.results_df
    for name, column in [
        ("base_mean", "baseMean"),
        ("effect", "log2FoldChange"),
        ("se", "lfcSE"),
        ("statistic", "stat"),
        ("p_value", "pvalue"),
        ("q_value", "padj"),
    ]:
        assert getattr(plain, name) == pytest.approx(expected[column].to_numpy(float), rel=1e-6, nan_ok=True), name


def test_effect_and_error_are_those_of_a_negative_binomial_model_with_its_dispersion(plain: CountsResult) -> None:
    counts, group = sample()
    for i in (0, 5, 20, 40):
        family = sm.families.NegativeBinomial(alpha=plain.dispersion[i])
        fit = sm.GLM(counts[i], sm.add_constant(group), family=family, offset=np.log(plain.size_factors)).fit(
            tol=1e-12, maxiter=200
        )
        assert plain.effect[i] * np.log(2) == pytest.approx(fit.params[1], rel=1e-3, abs=1e-4)
        assert plain.se[i] * np.log(2) == pytest.approx(fit.bse[1], rel=1e-3)


def test_true_differences_are_found_and_the_numbers_agree_with_each_other(plain: CountsResult) -> None:
    assert (plain.q_value[:10] < 0.05).sum() >= 9
    assert np.median(plain.effect[:10]) == pytest.approx(2, abs=0.4)
    known = ~np.isnan(plain.q_value)
    assert (plain.q_value[known] >= plain.p_value[known]).all()
    assert ((plain.ci_low < 0) & (plain.ci_high > 0) == (plain.p_value > 0.05)).all()
    assert plain.converged


def test_flipping_the_group_turns_the_effect(plain: CountsResult) -> None:
    counts, group = sample()
    found = negative_binomial(counts, 1 - group)
    assert found.effect == pytest.approx(-plain.effect, rel=1e-4, abs=1e-4)
    assert found.p_value == pytest.approx(plain.p_value, rel=1e-2, abs=1e-6)


def test_the_unit_of_a_covariate_does_not_matter() -> None:
    counts, group = sample(30)
    year = 2005.0 + np.random.default_rng(1).integers(0, 15, 16)
    found = negative_binomial(counts, np.column_stack([year, group]))
    days = negative_binomial(counts, np.column_stack([365.25 * year, group]))
    assert days.effect == pytest.approx(found.effect / 365.25, rel=1e-6, abs=1e-9)
    assert days.p_value == pytest.approx(found.p_value, rel=1e-6)
    other = negative_binomial(counts, np.column_stack([year, group]), tested=1)
    # a third of the features rose, so that the size factors rose too: the difference is what is known
    assert np.median(other.effect[:10]) - np.median(other.effect[10:]) == pytest.approx(2, abs=0.4)


def test_every_missing_number_has_its_reason() -> None:
    counts, group = sample(60, 8)
    counts[20] = 0
    counts[22, 2] = 1_000_000
    found = negative_binomial(counts, group)
    assert (found.reasons[20], found.reasons[22]) == ("no counts", "outlier")
    assert np.isnan([found.effect[20], found.p_value[20], found.p_value[22], found.q_value[22]]).all()
    assert np.isfinite(found.effect[22])
    assert "1 feature(s): no counts" in found.note
    assert "1 feature(s): a single outlying count decides (Cook's distance), so that no p is given" in found.note
    assert [bool(r) for r in found.reasons] == np.isnan(found.q_value).tolist()
    kept = negative_binomial(counts, group, cooks=False)
    assert kept.reasons[22] == ""


def test_a_few_low_features_are_left_out_of_the_q_values_in_words() -> None:
    counts, group = sample(110)
    counts[60:] = np.random.default_rng(3).poisson(0.4, (50, 16))
    counts[10:40, 8:] *= 4
    found = negative_binomial(counts, group)
    low = np.array([reason == "low counts" for reason in found.reasons])
    assert low[60:].sum() > 20
    assert not low[:40].any()
    assert np.isfinite(found.p_value[low]).all()
    assert np.isnan(found.q_value[low]).all()
    assert f"{low.sum()} feature(s): mean count too low to be found (independent filtering)" in found.note
    assert "low counts" not in negative_binomial(counts, group, independent_filtering=False).reasons


def test_impossible_questions_are_said() -> None:
    counts, group = sample(12)
    tied = negative_binomial(counts, np.column_stack([group, 1 - group]))
    assert (tied.converged, tied.reason, tied.columns, tied.note) == (
        False,
        "collinear",
        (0, 1),
        "columns 0, 1: constant or collinear",
    )
    assert negative_binomial(counts, np.zeros(16)).columns == (0,)
    assert negative_binomial(counts[:, [0, 15]], group[[0, 15]]).reason == "no residual degrees of freedom"
    dead = counts.copy()
    dead[:, 3] = 0
    assert negative_binomial(dead, group).note == "a sample has no counts: leave it out"
    assert negative_binomial(np.zeros((0, 16)), group).reason == "no features"
    assert np.isnan(tied.p_value).all()


def test_bad_input_is_named() -> None:
    counts, group = sample(12)
    with pytest.raises(ValueError, match="not whole numbers; raw counts are needed"):
        negative_binomial(counts + 0.5, group)
    with pytest.raises(ValueError, match="counts: negative"):
        negative_binomial(counts - 10_000, group)
    with pytest.raises(ValueError, match=r"counts: 1 value\(s\) are missing"):
        negative_binomial(np.where(np.arange(16) + 16 * np.arange(12)[:, None] == 3, np.nan, counts), group)
    with pytest.raises(ValueError, match="tested: no column 1 in 1"):
        negative_binomial(counts, group, tested=1)
    with pytest.raises(ValueError, match=r"columns: shape \(5, 1\) for 16"):
        negative_binomial(counts, group[:5])


def test_without_pydeseq2_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydeseq2.dds", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs pydeseq2: pip install 'resistance\[counts\]'"):
        negative_binomial(*sample(12))


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    modules = "counts moderated_t voom gsva camera ranks ordinal ordinal_permutation linear lowess"
    code = "; ".join(f"import resistance.stats.{name}" for name in modules.split())
    code += "; import sys; print([m for m in ('scipy', 'statsmodels', 'pandas', 'sklearn', 'pydeseq2') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
