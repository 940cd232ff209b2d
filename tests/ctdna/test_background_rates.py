"""Which rate each variant is judged against, and backgrounds of controls taken together."""

from __future__ import annotations

import pandas as pd
import pytest
from scipy.stats import beta

from resistance.ctdna.background import error_rates, pooled_background
from resistance.schemas import BACKGROUND
from resistance.tables import conform


def _background(*rows, sample="s"):
    names = ["substitution", "context", "depth", "errors", "rate", "alpha", "beta"]
    frame = pd.DataFrame([(*row, *(None,) * (7 - len(row))) for row in rows], columns=names)
    return conform(frame.assign(sample_id=sample, positions=10), BACKGROUND)


_ROWS = (
    ("all", "all", 10**6, 300, 3e-4),
    ("C>T", "all", 10**5, 20, 2e-4, 2.0, 9998.0),
    ("C>T", "ACG", 10**4, 9, 9e-4),
    ("A>G", "all", 10**5, 50, 5e-4),
    ("insertion", "all", 10**6, 10, 1e-5),
    ("deletion", "all", 10**6, 40, 4e-5),
)


def _rates(pairs, **named):
    variants = pd.DataFrame(pairs, columns=["ref", "alt"])
    found = error_rates(variants, _background(*_ROWS), **named)
    return list(zip(found["error_rate"], found["error_source"], strict=True))


def test_each_variant_takes_the_finest_rate_that_is_known():
    pairs = [("C", "T"), ("C", "T"), ("C", "T"), ("G", "T")]
    context = pd.Series(["ACG", "TCA", None, "AGA"])
    assert _rates(pairs, context=context) == [
        (9e-4, "context"), (2e-4, "substitution"), (2e-4, "substitution"), (pytest.approx(1e-4), "sample"),
    ]  # fmt: skip
    assert _rates(pairs[:1], context=context[:1], level="substitution") == [(2e-4, "substitution")]
    # a third of the one rate, as ctDNAtools takes it
    assert _rates(pairs, context=context, level="sample") == [(pytest.approx(1e-4), "sample")] * 4


def test_indels_and_several_bases_take_an_upper_bound():
    assert _rates([("-", "A"), ("AC", "-"), ("CA", "TG"), ("CAG", "T")]) == [
        (1e-5, "insertion"), (4e-5, "deletion"), (5e-4, "substitution"), (4e-5, "deletion"),
    ]  # fmt: skip


def test_over_dispersion_comes_along_and_is_nought_for_the_binomial():
    found = error_rates(pd.DataFrame({"ref": ["C", "A"], "alt": ["T", "G"]}, index=[7, 3]), _background(*_ROWS))
    assert found["error_rho"].tolist() == [pytest.approx(1 / 10001), 0.0]
    assert found.index.tolist() == [7, 3]


def test_without_a_background_there_is_no_rate():
    found = error_rates(pd.DataFrame({"ref": ["C", "-"], "alt": ["T", "A"]}), _background(*_ROWS).iloc[:0])
    assert found["error_rate"].isna().all()
    assert set(found["error_source"]) == {"no background was measured"}


def test_controls_are_pooled_by_their_counts():
    one = _background(("C>T", "all", 1000, 1, 1e-3, 2.0, 1998.0), ("all", "all", 0, 0, None), sample="n1")
    two = _background(("C>T", "all", 3000, 9, 3e-3), ("all", "all", 500, 5, 1e-2), sample="n2")
    other = _background(("C>T", "all", 9, 9, 1.0), sample="patient")
    found = pooled_background(pd.concat([one, two, other], ignore_index=True), ["n1", "n2"]).set_index("substitution")
    row = found.loc["C>T"]
    assert (row["sample_id"], row["depth"], row["errors"]) == ("controls", 4000, 10)
    assert row["rate"] == pytest.approx((1000 * 1e-3 + 3000 * 3e-3) / 4000)
    assert row["alpha"] + row["beta"] == pytest.approx(2000)
    assert row["alpha"] / 2000 == pytest.approx(row["rate"])
    assert row["rate_high"] == pytest.approx(beta.ppf(0.95, 11, 3990))
    assert row["note"] == "2 samples pooled"
    assert found.loc["all", "rate"] == pytest.approx(1e-2)
    assert pooled_background(one, ["nobody"]).empty
