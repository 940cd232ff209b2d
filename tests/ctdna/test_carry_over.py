"""A variant of another patient in a sample: by the exact sum of errors, on tables written out."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import betabinom, binom

from resistance.ctdna.carry_over import find_carry_over
from resistance.schemas import BACKGROUND, PILEUP
from resistance.stats.beta_binomial import sum_tail_probability
from resistance.tables import conform


def _pileup(*rows):
    """rows: (sample, pos, depth, alt)."""
    frame = pd.DataFrame(rows, columns=["sample_id", "pos", "depth", "alt_count"])
    return conform(frame.assign(build="GRCh38", chrom="1", ref="C", alt="T", unit="fragments"), PILEUP)


def _background(*samples, rate=1e-5):
    rows = [
        {"sample_id": s, "substitution": "C>T", "context": "all", "positions": 100, "depth": 10**7, "errors": 100, "rate": rate}
        for s in samples
    ]
    return conform(pd.DataFrame(rows), BACKGROUND)


@pytest.fixture
def cohort(make_cohort):
    samples = [("A1", "A", "plasma", "baseline", 0), ("B1", "B", "plasma", "baseline", 0), ("B2", "B", "plasma", "relapse", 90)]
    calls = (
        [("A1", p, 1000, 200) for p in (10, 20, 30)]
        + [("B1", p, 1000, 100) for p in (40, 50)]
        + [("A1", 99, 900, 90), ("B1", 99, 900, 90)]
    )
    return make_cohort(samples, calls)


def test_several_variants_of_one_patient_in_anothers_sample_are_carry_over(cohort):
    pileup = _pileup(("B2", 10, 5000, 9), ("B2", 20, 5000, 6), ("B2", 30, 5000, 0), ("B2", 40, 5000, 900), ("A1", 40, 5000, 0))
    found = find_carry_over(cohort, pileup, _background("A1", "B2"))
    assert len(found) == 1
    row = found.iloc[0]
    assert (row["sample_id"], row["patient_id"], row["other_patient_id"]) == ("B2", "B", "A")
    assert (row["verdict"], bool(row["warning"]), row["n_sites"], row["n_concordant"]) == ("contaminated", True, 3, 2)
    assert row["contamination"] == pytest.approx((9 + 6) / 5000 / 3)
    assert row["p_value"] == pytest.approx(2 * binom.sf(14, 15000, 1e-5), rel=1e-9, abs=0)
    assert "variants that only this other patient has: 1:10 C>T 9/5000, 1:20 C>T 6/5000" in row["note"]


def test_one_variant_alone_may_be_the_patients_own(cohort):
    found = find_carry_over(cohort, _pileup(("B2", 10, 5000, 9), ("B2", 20, 5000, 0)), _background("B2"))
    assert (found.loc[0, "verdict"], bool(found.loc[0, "warning"])) == ("undecided", False)
    assert "carried over, or a variant of its own" in found.loc[0, "note"]


def test_what_background_explains_is_no_carry_over(cohort):
    pileup = _pileup(("B2", 10, 5000, 1), ("B2", 20, 5000, 0), ("B2", 30, 5000, 0))
    assert find_carry_over(cohort, pileup, _background("B2", rate=1e-4)).empty


def test_shared_variants_own_variants_and_inherited_ones_are_not_asked(cohort):
    # 99 is a variant of both; 40 is B's own; at 10 the sample has it at 30 %
    pileup = _pileup(("B2", 99, 5000, 90), ("B2", 40, 5000, 90), ("B2", 10, 5000, 1500))
    assert find_carry_over(cohort, pileup, _background("B2")).empty


def test_a_control_that_shows_a_patients_variants_is_named(cohort):
    found = find_carry_over(cohort, _pileup(("N1", 10, 4000, 5), ("N1", 20, 4000, 4)), _background("N1"))
    assert found[["sample_id", "patient_id", "other_patient_id", "verdict"]].iloc[0].tolist() == ["N1", "N1", "A", "contaminated"]


def test_without_a_background_nothing_is_said(cohort):
    pileup = _pileup(("B2", 10, 5000, 9), ("B2", 20, 5000, 9))
    assert find_carry_over(cohort, pileup, _background("A1")).empty
    assert find_carry_over(cohort, pileup.iloc[:0], _background("B2")).empty


def test_the_tail_of_a_sum_is_the_sum_over_all_ways():
    depth, mean, rho = [6, 4, 5], [0.1, 0.2, 0.05], [0.0, 0.1, 0.02]

    def mass(site, k):
        if rho[site] == 0:
            return binom.pmf(k, depth[site], mean[site])
        m = 1 / rho[site] - 1
        return betabinom.pmf(k, depth[site], mean[site] * m, (1 - mean[site]) * m)

    for total in range(8):
        slow = sum(
            np.prod([mass(s, k) for s, k in enumerate(ks)])
            for ks in itertools.product(*(range(n + 1) for n in depth))
            if sum(ks) >= total
        )
        assert sum_tail_probability(total, depth, mean, rho) == pytest.approx(slow, abs=1e-12)
    # a tail far below rounding
    assert sum_tail_probability(40, [5000, 7000], [1e-4, 1e-4], [0, 0]) == pytest.approx(
        binom.sf(39, 12000, 1e-4), rel=1e-9, abs=0
    )
    assert np.isnan(sum_tail_probability(1, [0], [0.1], [0.0]))
