"""Which rate each variant is judged against, and backgrounds of controls taken together."""

from __future__ import annotations

import pandas as pd
import pytest
from scipy.stats import beta

from resistance.ctdna.background import error_rates, pooled_background
from resistance.ctdna.background_rates import background_rates
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


def test_each_sample_and_variant_has_the_rate_of_its_own_sample_and_kind():
    other = _background(("all", "all", 1000, 6, 6e-3), sample="t")
    table = pd.concat([_background(*_ROWS), other], ignore_index=True)
    rows = [
        ("s", "C", "T", 2e-4),  # not the sum over contexts, which has the reads of each twice
        ("s", "G", "A", 2e-4),  # as read on the other strand
        ("s", "C", "A", 1e-4),  # a third of the one rate
        ("t", "C", "T", 2e-3),
        ("s", "-", "A", 1e-5),
        ("s", "CA", "TG", 5e-4),
        ("u", "C", "T", 7e-5),  # no background of this sample
        ("s", None, "T", 7e-5),
    ]
    frame = pd.DataFrame(rows, columns=["sample", "ref", "alt", "rate"], index=range(5, 13))
    found = background_rates(frame["sample"], frame["ref"], frame["alt"], table, 7e-5)
    assert found.tolist() == pytest.approx(frame["rate"].tolist())
    assert found.index.tolist() == list(range(5, 13))
    assert set(background_rates(frame["sample"], frame["ref"], frame["alt"], None, 7e-5)) == {7e-5}


def test_a_substitution_never_seen_has_no_rate_of_nought():
    table = _background(("all", "all", 10**6, 30, 3e-5), ("C>T", "all", 10**5, 0, 4e-6), ("C>T", "ACG", 10**3, 0, 4e-6))
    one = pd.Series(["s"]), pd.Series(["C"]), pd.Series(["T"])
    assert background_rates(*one, table, 1e-4).tolist() == [4e-6]
