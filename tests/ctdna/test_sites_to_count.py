"""Which variants are looked for in the alignments of a sample."""

import pandas as pd

from resistance import schemas
from resistance.ctdna.sites import sites_to_count
from resistance.tables import conform

SAMPLES = pd.DataFrame(
    {
        "sample_id": ["A0", "A1", "B0"],
        "patient_id": ["A", "A", "B"],
        "material": "plasma",
        "timepoint": ["baseline", "relapse", "baseline"],
    }
)


def called(*rows: tuple[str, int, int | None]) -> pd.DataFrame:
    """Return calls: sample, position, mutant reads (None: listed without a count)."""
    table = pd.DataFrame(rows, columns=["sample_id", "pos", "alt_count"])
    table = table.assign(build="GRCh38", chrom="3", ref="C", alt="T", depth=100, source="x.vcf")
    return conform(table.astype({"alt_count": "Int64"}), schemas.CALLS)


def positions(found: dict[str, pd.DataFrame]) -> dict[str, list[int]]:
    return {sample: table["pos"].tolist() for sample, table in found.items()}


def test_a_variant_of_the_relapse_is_counted_at_baseline_too():
    found = sites_to_count(called(("A0", 20, 5), ("A1", 10, 9), ("B0", 30, 4)), SAMPLES, ["A0", "A1", "B0"])
    assert positions(found) == {"A0": [10, 20], "A1": [10, 20], "B0": [30]}


def test_a_variant_that_was_looked_for_and_not_seen_gives_no_site():
    assert positions(sites_to_count(called(("A0", 20, 0)), SAMPLES, ["A0"])) == {"A0": []}


def test_a_control_gets_the_variants_of_all_patients():
    found = sites_to_count(called(("A0", 20, 5), ("B0", 30, 4)), SAMPLES, ["healthy"])
    assert positions(found) == {"healthy": [20, 30]}


def test_carry_over_is_looked_for_where_the_study_asks_for_it():
    found = sites_to_count(called(("A0", 20, 5), ("B0", 30, 4)), SAMPLES, ["A0", "B0"], of="cohort")
    assert positions(found) == {"A0": [20, 30], "B0": [20, 30]}


def test_hot_spots_are_counted_in_every_sample_and_each_once():
    spots = called(("A0", 20, 5), ("A0", 7, 5))[["build", "chrom", "pos", "ref", "alt"]]
    found = sites_to_count(called(("A0", 20, 5)), SAMPLES, ["A0", "B0"], everywhere=spots)
    assert positions(found) == {"A0": [7, 20], "B0": [7, 20]}


def phased(*rows: tuple[str, int, str | None]) -> pd.DataFrame:
    """Return calls: sample, position, phase."""
    found = called(*((sample, pos, 5) for sample, pos, _ in rows))
    return found.assign(phase=pd.array([phase for _, _, phase in rows], dtype="object"))


def test_variants_of_one_copy_that_a_fragment_can_show_together_are_one_event():
    found = sites_to_count(
        phased(("A0", 20, "20|1"), ("A0", 90, "20|1"), ("A0", 91, "20|0"), ("A0", 400, "20|1")), SAMPLES, ["A1"]
    )
    assert found["A1"]["event"].fillna("").tolist() == ["3:20", "3:20", "", ""]


def test_events_are_those_of_the_patient_and_the_first_sample_that_phases_them():
    calls = phased(
        ("A0", 20, "20|1"), ("A0", 30, "20|1"), ("A1", 30, "30|1"), ("A1", 40, "30|1"), ("B0", 20, None), ("B0", 30, None)
    )
    found = sites_to_count(calls, SAMPLES, ["A1", "B0", "healthy"])
    assert found["A1"]["event"].fillna("").tolist() == ["3:20", "3:20", ""]
    assert found["B0"]["event"].isna().all()
    assert found["healthy"]["event"].isna().all()
