"""The simulated positivity test: what of the reference is deterministic to the digit, the rest within its error."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom, binom, chisquare

from resistance.stats.mrd import monte_carlo as module
from resistance.stats.mrd.exact import exact_test
from resistance.stats.mrd.monte_carlo import draw_counts, monte_carlo_test, monte_carlo_tests
from resistance.stats.mrd.sites import make_sites


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


def within_error(successes: int, draws: int, p: float) -> bool:
    return min(binom.cdf(successes, draws, p), binom.sf(successes - 1, draws, p)) > 0.0005


@pytest.mark.shared
@pytest.mark.parametrize("draws", [10_000, 1_000_000])
def test_positivity_table_is_met_within_the_error_of_both_simulations(shared: Path, draws: int) -> None:
    table = rows(shared / "truth/ctdna/ctdnatools/expected/positivity_test_table.tsv")
    assert len(table) == 10
    for row in table:
        alt, depths = ([int(x) for x in row[name].split(",")] for name in ("alt", "depths"))
        found = monte_carlo_test(alt, depths, float(row["rate"]) / 3, draws=draws, seed=20261127)
        theirs = float(row["p_1e6sim"])
        if found.alt == 0:
            assert found.p_value == theirs == 1.0
        elif theirs < 2e-6:  # no success in a million
            assert found.p_value == pytest.approx(1 / (draws + 1), abs=0)
        else:
            error = np.sqrt(theirs * (1 - theirs) * (1 / draws + 1e-6))
            assert abs(found.p_value - theirs) < 4 * error + 1 / draws, row["name"]


@pytest.mark.shared
def test_every_row_of_the_reference_results_without_phase_is_met(shared: Path) -> None:
    folder = shared / "truth/ctdna/ctdnatools/expected"
    counts = rows(folder / "mutation_read_counts.tsv")
    checked = 0
    for row in rows(folder / "test_ctDNA_results.tsv"):
        if row["multi_support_reads"] != "NA":
            continue  # phased: from merged counts, below
        quality = "20" if "bq20" in row["label"] else "30"
        mine = [r for r in counts if r["sample"] == row["sample"] and r["min_bq"] == quality]
        alt, depths = [int(r["alt"]) for r in mine], [int(r["ref"]) + int(r["alt"]) for r in mine]
        draws = 10_000 if row["label"].endswith("n10000") or row["label"].startswith("vignette") else 100
        found = monte_carlo_test(alt, depths, float(row["background_rate"]) / 3, draws=draws, seed=1)
        assert (len(alt), found.positive, found.alt) == tuple(
            int(row[x]) for x in ("n_mutations", "n_nonzero_alt", "total_alt_reads")
        )
        assert found.p_value == pytest.approx(float(row["pvalue"]), rel=1e-11)
        assert ("positive" if found.p_value <= 0.05 else "negative") == row["decision"]
        checked += 1
    assert checked == 7


@pytest.mark.shared
def test_phased_reads_count_once(shared: Path) -> None:
    folder = shared / "truth/ctdna/ctdnatools/expected"
    merged = rows(folder / "T1_phase_merge_bq20_mq30.tsv")
    alt, fragments, several = ([int(r[x]) for r in merged] for x in ("alt", "all_reads", "n_reads_multi_mutation"))
    whole = next(r for r in rows(folder / "background_rates.tsv") if (r["sample"], r["min_bq"]) == ("T1", "20"))
    rate = float(whole["rate"]) * (1 - sum(several) / sum(fragments))
    found = monte_carlo_test(alt, fragments, rate / 3, draws=10_000, seed=1)
    reference = next(r for r in rows(folder / "test_ctDNA_results.tsv") if r["label"] == "T1_phase_n10000")
    assert found.positive == int(reference["n_nonzero_alt"])
    assert found.p_value == pytest.approx(float(reference["pvalue"]), rel=1e-11)
    assert found.p_value == 1 / 10_001


def test_p_counts_the_observed_sample_itself() -> None:
    found = monte_carlo_test([5, 4], [400, 400], 1e-5, draws=99)
    assert (found.successes, found.p_value) == (0, 0.01)
    assert monte_carlo_test([0], [400], 1e-5, draws=99).p_value == 1.0


def test_p_depends_on_neither_order_block_threads_nor_company(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(3)
    depths = draw.integers(500, 4000, (12, 30))
    alt = draw.binomial(depths, 3e-4)
    problems = [(a, d, 1e-4) for a, d in zip(alt, depths, strict=True)]
    alone = [monte_carlo_test(*problem, draws=20_000, seed=5) for problem in problems]
    assert monte_carlo_tests(problems, draws=20_000, seed=5, threads=1) == alone
    assert monte_carlo_tests(problems[::-1], draws=20_000, seed=5, threads=2) == alone[::-1]
    order = draw.permutation(30)
    assert monte_carlo_test(alt[0][order], depths[0][order], 1e-4, draws=20_000, seed=5).p_value == alone[0].p_value
    assert monte_carlo_test(*problems[0], draws=20_000, seed=6) != alone[0]


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(20, 3000), st.floats(1e-4, 0.05)), min_size=1, max_size=6), st.integers(0, 99))
def test_simulated_p_goes_to_the_exact_one(sites, seed) -> None:
    depths, rates = np.array([d for d, _ in sites]), np.array([r for _, r in sites])
    alt = np.minimum(np.random.default_rng(seed).binomial(depths, rates), depths)
    found = monte_carlo_test(alt, depths, rates, draws=5000, seed=seed)
    exact = exact_test(alt, depths, rates)
    if found.alt:
        low, high = exact.p_low, exact.p_high
        assert binom.cdf(found.successes, 5000, low) > 1e-6
        assert binom.sf(found.successes - 1, 5000, high) > 1e-6


@pytest.mark.parametrize("many", [False, True], ids=["table", "one by one"])
def test_over_dispersed_counts_are_beta_binomial(many: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if many:
        monkeypatch.setattr(module, "_TABLE", 0.0)
    exact = exact_test([6, 1], [2000, 1500], 1e-3, 400.0)
    found = monte_carlo_test([6, 1], [2000, 1500], 1e-3, 400.0, draws=40_000, seed=2)
    assert within_error(found.successes, found.draws, exact.p_value)
    drawn = draw_counts(np.random.default_rng(1), make_sites([50], 0.1, 9.0), 20_000)[:, 0]
    expected = 20_000 * betabinom.pmf(np.arange(51), 50, 0.9, 8.1)
    kept = expected > 5
    seen = np.bincount(drawn, minlength=51)
    assert chisquare(np.append(seen[kept], seen[~kept].sum()), np.append(expected[kept], expected[~kept].sum())).pvalue > 1e-4


def test_high_rates_are_drawn_one_by_one_and_meet_the_exact_p() -> None:
    depths, rate = np.full(4, 100_000), 0.01  # 1,000 errors expected at each site
    alt = np.array([1010, 1040, 990, 1005])
    found = monte_carlo_test(alt, depths, rate, draws=4000, seed=1)
    # equal depths: the sum of counts is one binomial, and no site is ever without an error
    assert within_error(found.successes, 4000, binom.sf(alt.sum() - 1, 400_000, rate))


def test_at_least_one_draw_is_needed() -> None:
    with pytest.raises(ValueError, match="draws: at least 1, not 0"):
        monte_carlo_test([1], [10], 0.1, draws=0)
