"""Swaps, contamination and lost alleles in simulated cohorts whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from resistance.config.plasma_quality import Identity
from resistance.ctdna.contamination import check_contamination
from resistance.ctdna.identity import check_identity, snp_matrix

N_SNPS = 120


class _Cohort:
    """Persons, and samples drawn from them as SNP_COUNTS."""

    def __init__(self, seed=0, n_snps=N_SNPS):
        self.rng = np.random.default_rng(seed)
        self.frequency = self.rng.uniform(0.15, 0.85, n_snps)
        self.persons: dict[str, np.ndarray] = {}
        self.parts: list[pd.DataFrame] = []
        self.rows: list[tuple[str, str, str]] = []

    def person(self, name):
        if name not in self.persons:
            self.persons[name] = self.rng.binomial(2, self.frequency)
        return self.persons[name]

    def add(self, sample, patient, *, of=None, lost=0.0, tumour=0.9, mixed=None, depth=500, frequency=True):
        genotype = self.person(of or patient)
        fraction = genotype / 2
        gone = (genotype == 1) & (self.rng.random(genotype.size) < lost)
        left = self.rng.integers(0, 2, genotype.size)
        fraction = np.where(gone, (0.5 * (1 - tumour) * 2 + left * tumour) / ((1 - tumour) * 2 + tumour), fraction)
        if mixed:
            other, share = mixed
            fraction = (1 - share) * fraction + share * self.person(other) / 2
        fraction = 0.999 * fraction + 0.001 * (1 - fraction)
        depths = self.rng.poisson(depth, genotype.size)
        alt = self.rng.binomial(depths, fraction)
        self.parts.append(
            pd.DataFrame(
                {
                    "sample_id": sample, "build": "GRCh38", "chrom": "1", "pos": 1000 + np.arange(genotype.size), "ref": "A", "alt": "G",
                    "ref_count": depths - alt, "alt_count": alt, "other_count": 0,
                    "allele_frequency": self.frequency if frequency else np.nan,
                }
            )
        )  # fmt: skip
        self.rows.append((sample, patient, "plasma"))
        return self

    @property
    def snps(self):
        return pd.concat(self.parts, ignore_index=True)

    @property
    def samples(self):
        return pd.DataFrame(self.rows, columns=["sample_id", "patient_id", "material"])


def _pairs(frame):
    return {(r["sample_id"], r["other_sample_id"]): r for r in frame.to_dict("records")}


def test_the_samples_of_each_patient_are_one_persons_and_no_pair_between_patients_is_listed():
    cohort = _Cohort()
    for patient in "ABCDE":
        cohort.add(f"{patient}1", patient).add(f"{patient}2", patient, lost=0.8)
    found = check_identity(cohort.snps, cohort.samples, Identity())
    assert set(_pairs(found)) == {(f"{p}1", f"{p}2") for p in "ABCDE"}
    assert set(found["verdict"]) == {"same"}
    assert not found["warning"].any()
    assert (found["check"] == "same_person").all()
    assert found["note"].str.contains("of 120 SNPs are out of balance in one of the two: alleles lost or gained").all()


def test_two_swapped_samples_are_named_with_their_true_patients():
    cohort = _Cohort(1)
    cohort.add("A1", "A").add("A2", "A", of="B").add("B1", "B").add("B2", "B", of="A").add("C1", "C").add("C2", "C")
    found = _pairs(check_identity(cohort.snps, cohort.samples, Identity()))
    assert {pair: row["verdict"] for pair, row in found.items()} == {
        ("A1", "A2"): "different",
        ("B1", "B2"): "different",
        ("A1", "B2"): "same",
        ("A2", "B1"): "same",
        ("C1", "C2"): "same",
    }
    assert {pair for pair, row in found.items() if row["warning"]} == set(found) - {("C1", "C2")}
    assert found["A1", "A2"]["opposite_homozygous"] > 5
    note = found["A1", "A2"]["note"]
    assert "A1 is like B2 of patient B" in note
    assert "A2 is like B1 of patient B" in note
    assert "a swap, or one person under two names" in found["A1", "B2"]["note"]


@pytest.mark.parametrize("lost", [0.5, 0.9])
def test_plasma_that_is_all_tumour_with_lost_alleles_is_no_swap(lost):
    cohort = _Cohort(2)
    cohort.add("A1", "A", lost=lost, tumour=0.98).add("A2", "A").add("B1", "B", lost=lost, tumour=0.98).add("B2", "B")
    found = _pairs(check_identity(cohort.snps, cohort.samples, Identity()))
    assert {pair: row["verdict"] for pair, row in found.items()} == {("A1", "A2"): "same", ("B1", "B2"): "same"}
    assert found["A1", "A2"]["opposite_homozygous"] == 0


def test_too_few_snps_are_no_verdict():
    cohort = _Cohort(3, n_snps=15)
    cohort.add("A1", "A").add("A2", "A", of="B")
    row = check_identity(cohort.snps, cohort.samples, Identity(min_sites=20)).iloc[0]
    assert (row["verdict"], row["n_sites"]) == ("not_assessed", 15)
    assert row["note"] == "15 SNPs have 20 reads or more in both; 20 are needed"
    shallow = _Cohort(3).add("A1", "A").add("A2", "A", depth=3)
    assert check_identity(shallow.snps, shallow.samples, Identity()).iloc[0]["verdict"] == "not_assessed"
    alone = check_contamination(cohort.snps, cohort.samples, Identity(min_sites=20))
    assert set(alone["verdict"]) == {"not_assessed"}
    assert alone["note"].str.endswith("homozygous SNPs have 20 reads or more; 20 are needed").all()


def test_snps_that_all_carry_one_allele_do_not_decide():
    cohort = _Cohort(4, n_snps=25)
    cohort.frequency = np.full(25, 0.001)
    cohort.persons = {"A": np.zeros(25, dtype=int)}
    cohort.add("A1", "A").add("A2", "A")
    row = check_identity(cohort.snps, cohort.samples, Identity()).iloc[0]
    assert row["verdict"] == "undecided"
    assert row["warning"]


def test_a_control_is_a_person_of_its_own():
    cohort = _Cohort(5).add("A1", "A").add("N1", "N", of="A")
    known = cohort.samples[cohort.samples["sample_id"] != "N1"]
    row = check_identity(cohort.snps, known, Identity()).iloc[0]
    assert (row["verdict"], row["other_patient_id"], bool(row["warning"])) == ("same", "N1", True)


def test_frequencies_that_are_not_known_come_from_the_cohort():
    cohort = _Cohort(6)
    for patient in "ABCDEFGHIJ":
        cohort.add(f"{patient}1", patient, frequency=False).add(f"{patient}2", patient, frequency=False)
    matrix = snp_matrix(cohort.snps, cohort.samples)
    copies = np.array([cohort.persons[p] for p in "ABCDEFGHIJ"])
    assert matrix.frequency == pytest.approx((copies.sum(axis=0) + 1) / 22)
    found = check_identity(cohort.snps, cohort.samples, Identity())
    assert len(found) == 10
    assert set(found["verdict"]) == {"same"}
    assert found["note"].str.contains("allele frequencies of 120 SNPs are those of this cohort").all()


@pytest.mark.parametrize("share", [0.03, 0.1])
def test_a_contaminated_sample_and_its_source_are_found(share):
    cohort = _Cohort(7)
    for patient in "ABCDEF":
        cohort.add(f"{patient}1", patient)
        cohort.add(f"{patient}2", patient, mixed=("D", share) if patient == "B" else None)
    found = check_contamination(cohort.snps, cohort.samples, Identity()).set_index("sample_id")
    row = found.loc["B2"]
    assert (row["verdict"], bool(row["warning"])) == ("contaminated", True)
    assert row["contamination_low"] < share < row["contamination_high"]
    assert row["other_patient_id"] == "D"
    others = found.drop("B2")
    assert set(others["verdict"]) == {"clean"}
    assert others["contamination_high"].max() < 0.01
    # and it is still the patient's
    pairs = _pairs(check_identity(cohort.snps, cohort.samples, Identity()))
    assert pairs["B1", "B2"]["verdict"] == "same"


def test_lost_alleles_are_no_contamination_where_another_sample_knows_the_genotypes():
    cohort = _Cohort(8)
    cohort.add("A1", "A").add("A2", "A", lost=0.8, tumour=0.97).add("B1", "B", lost=0.8, tumour=0.97)
    found = check_contamination(cohort.snps, cohort.samples, Identity()).set_index("sample_id")
    assert found.loc["A2", "verdict"] == "clean"
    # the only sample of B cannot tell: it says so where it is not clean
    alone = found.loc["B1"]
    assert alone["verdict"] == "clean" or "in almost pure tumour DNA a lost allele looks alike" in alone["note"]


def test_an_interval_around_the_limit_is_undecided():
    cohort = _Cohort(9)
    cohort.add("A1", "A").add("A2", "A", mixed=("X", 0.01))
    found = check_contamination(cohort.snps, cohort.samples, Identity()).set_index("sample_id")
    assert found.loc["A2", "verdict"] == "undecided"
    assert "the interval holds the limit of 0.01" in found.loc["A2", "note"]


def test_the_order_of_rows_does_not_matter():
    cohort = _Cohort(10)
    for patient in "ABC":
        cohort.add(f"{patient}1", patient).add(f"{patient}2", patient)
    shuffled = cohort.snps.sample(frac=1, random_state=1)
    for check in (check_identity, check_contamination):
        pd.testing.assert_frame_equal(
            check(cohort.snps, cohort.samples, Identity()), check(shuffled, cohort.samples.iloc[::-1], Identity())
        )


def test_no_snps_give_no_rows():
    cohort = _Cohort(11).add("A1", "A")
    none = cohort.snps.iloc[:0]
    assert check_identity(none, cohort.samples, Identity()).empty
    assert check_contamination(none, cohort.samples, Identity()).empty
