"""What the pile-up counted stands in the place of the caller's counts."""

from __future__ import annotations

import math

import pandas as pd

from resistance.config import Ctdna
from resistance.ctdna.followed import follow
from resistance.ctdna.quantity import quantify
from resistance.ctdna.support import with_counts
from resistance.schemas import PILEUP
from resistance.tables import conform

TUMOUR = ("T", "P1", "tumour", "baseline", -3)
PLASMA = ("A", "P1", "plasma", "baseline", 0, 4.0, 10.0)


def counts(*rows):
    """Return a pile-up from (sample_id, pos, depth, alt_count[, unit[, event]])."""
    return conform(
        pd.DataFrame(
            [
                {
                    "sample_id": r[0], "build": "GRCh38", "chrom": "1", "pos": r[1], "ref": "C", "alt": "T", "depth": r[2],
                    "alt_count": r[3], "unit": r[4] if len(r) > 4 else "fragments", "event": r[5] if len(r) > 5 else None,
                }
                for r in rows
            ]
        ),
        PILEUP,
    )  # fmt: skip


def by_site(table):
    return table.set_index(["sample_id", "pos"])


def test_forced_counts_replace_those_of_the_caller(make_cohort):
    calls = make_cohort([TUMOUR, PLASMA], [("T", 100, 100, 40), ("A", 100, 2000, 200)]).calls
    found = by_site(with_counts(calls, counts(("A", 100, 1100, 105))))
    assert found.loc[("A", 100), ["reads", "mutant", "unit", "forced"]].tolist() == [1100, 105, "fragments", True]
    assert found.loc[("T", 100), ["reads", "mutant", "unit", "forced"]].tolist() == [100, 40, "reads", False]
    assert found.loc[("A", 100), "seen"]


def test_what_the_caller_did_not_list_is_assessed_and_not_seen_by_a_stray_read(make_cohort):
    calls = make_cohort([TUMOUR, PLASMA], [("T", 100, 100, 40)]).calls
    found = by_site(with_counts(calls, counts(("A", 100, 1000, 1), ("A", 200, 1000, 9), ("A", 300, 1000, 0))))
    assert found["seen"].tolist() == [False, True, False, True]  # one read of 1,000 has p = .095, nine 2e-15
    assert found.loc[("A", 300), "mutant"] == 0


def test_a_call_stays_seen_whatever_the_pile_up_finds(make_cohort):
    calls = make_cohort([TUMOUR, PLASMA], [("A", 100, 1000, 10), ("A", 200, 1000, 10, None, "not_called")]).calls
    found = by_site(with_counts(calls, counts(("A", 100, 900, 0), ("A", 200, 900, 9))))
    assert found["seen"].tolist() == [True, False]


def test_no_usable_read_is_not_zero(make_cohort):
    found = with_counts(make_cohort([TUMOUR, PLASMA], [("T", 100, 100, 40)]).calls, counts(("A", 100, 0, 0)))
    row = by_site(found).loc[("A", 100)]
    assert math.isnan(row["reads"])
    assert math.isnan(row["mutant"])
    assert not row["seen"]


def test_without_a_pile_up_nothing_changes(make_cohort):
    calls = make_cohort([TUMOUR, PLASMA], [("T", 100, 100, 40), ("A", 100, 2000, 200)]).calls
    pd.testing.assert_frame_equal(with_counts(calls), with_counts(calls, counts().iloc[:0]))


def test_a_pile_up_alone_is_enough_to_quantify(make_cohort):
    cohort = make_cohort([TUMOUR, PLASMA], [])
    pileup = counts(("T", 100, 100, 40), ("A", 100, 1000, 100))
    row = quantify(cohort, Ctdna(), followed=follow(cohort, Ctdna(), pileup=pileup)).iloc[0]
    assert (row["n_tracked"], row["mean_vaf"], row["unit"]) == (1, 0.1, "fragments")


def test_variants_on_one_molecule_count_once(make_cohort):
    cohort = make_cohort([TUMOUR, PLASMA], [("T", pos, 100, 40) for pos in (1, 2, 3)])
    pileup = counts(("A", 1, 900, 90, "fragments", "e1"), ("A", 2, 1000, 100, "fragments", "e1"), ("A", 3, 1000, 20))
    row = quantify(cohort, Ctdna(), followed=follow(cohort, Ctdna(), pileup=pileup)).iloc[0]
    assert (row["n_tracked"], row["n_assessed"], row["depth"], row["alt_count"]) == (3, 2, 2000, 120)
    assert "1 variant(s) lie on one molecule with another and count once" in row["note"]


def test_counts_of_different_kinds_are_said(make_cohort):
    cohort = make_cohort([TUMOUR, PLASMA], [("T", 1, 100, 40), ("T", 2, 100, 40), ("A", 1, 1000, 10)])
    row = quantify(cohort, Ctdna(), followed=follow(cohort, Ctdna(), pileup=counts(("A", 2, 1000, 10)))).iloc[0]
    assert "counts of different kinds: fragments, reads" in row["note"]
