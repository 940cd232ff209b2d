"""Rules on stains: every combination against the rule written out again; double expressors; what is marked as not verified."""

from __future__ import annotations

from itertools import product

import pandas as pd
import pytest

from resistance.cohort import Cohort
from resistance.config import Subtype
from resistance.subtype import choi, double_expressor, hans, muris, tally, visco_young

METHODS = (hans, double_expressor, choi, tally, visco_young, muris)


# the rules of facts/cell_of_origin.md, once more and in other words
def slow_hans(on):
    return "GCB" if on["CD10"] or (on["BCL6"] and not on["MUM1"]) else "non-GCB"


def slow_double(on):
    return "double_expressor" if on["MYC"] and on["BCL2"] else "not_double_expressor"


def slow_choi(on):
    if on["GCET1"]:
        return "ABC" if on["MUM1"] else "GCB"
    if on["CD10"]:
        return "GCB"
    if not on["BCL6"]:
        return "ABC"
    return "ABC" if on["FOXP1"] else "GCB"


def slow_tally(on):
    germinal, activated = on["CD10"] + on["GCET1"], on["MUM1"] + on["FOXP1"]
    if germinal == activated:
        return "GCB" if on["LMO2"] else "non-GCB"
    return "GCB" if germinal > activated else "non-GCB"


def slow_visco_young(on):
    if on["CD10"]:
        return "GCB"
    if on["FOXP1"]:
        return "non-GCB"
    return "GCB" if on["BCL6"] else "non-GCB"


def slow_muris(on):
    return "non-GCB" if on["BCL2"] and not on["CD10"] and on["MUM1"] else "GCB"


SLOW = [
    (hans, slow_hans), (double_expressor, slow_double), (choi, slow_choi), (tally, slow_tally), (visco_young, slow_visco_young),
    (muris, slow_muris),
]  # fmt: skip


@pytest.mark.parametrize(("module", "slow"), SLOW, ids=lambda x: getattr(x, "__name__", "").split(".")[-1])
def test_every_combination_on_both_sides_of_every_cut_off(module, slow):
    names = list(module.CUTOFFS)
    states = list(product((True, False), repeat=len(names)))
    for above, below in ((0.0, 0.1), (100.0, 100.0)):  # at the cut-off and just below it; all or nothing
        rows = [
            {n: min(100.0, module.CUTOFFS[n] + above) if on else max(0.0, module.CUTOFFS[n] - below) for n, on in zip(names, state, strict=True)}
            for state in states
        ]  # fmt: skip
        table = pd.DataFrame(rows).assign(sample_id=[f"S{i:02}" for i in range(len(states))])
        called = module.classify_table(table)
        assert called["subtype"].tolist() == [slow(dict(zip(names, state, strict=True))) for state in states]
        assert called["borderline"].tolist() == [above == 0.0] * len(states)
        assert set(called["subtype"]) == set(module.METHOD.classes)


def called(module, states):
    """Return the rows of calls of many states (percentages or None) of the antibodies of a rule, in their order."""
    table = pd.DataFrame(states, columns=list(module.CUTOFFS)).assign(sample_id=[f"S{i:04}" for i in range(len(states))])
    return module.classify_table(table).to_dict("records")


@pytest.mark.parametrize("module", METHODS, ids=lambda module: module.METHOD.name)
def test_a_call_never_depends_on_what_is_not_known(module):
    names = list(module.CUTOFFS)
    full = list(product((90.0, 0.0), repeat=len(names)))
    of = dict(zip(full, (row["subtype"] for row in called(module, full)), strict=True))
    states = [state for state in product((90.0, 0.0, None), repeat=len(names)) if any(value is not None for value in state)]
    for state, row in zip(states, called(module, states), strict=True):
        unknown = [name for name, value in zip(names, state, strict=True) if value is None]
        if pd.isna(row["subtype"]):
            missing = row["features_missing"].split(";")
            assert set(missing) <= set(unknown)
            assert row["reason"].split(" (rule")[0].endswith(f"no call without {' and '.join(missing)}")
        else:
            completed = {of[whole] for whole in full if all(a is None or a == b for a, b in zip(state, whole, strict=True))}
            assert completed == {row["subtype"]}


@pytest.mark.parametrize(
    ("myc", "bcl2", "expected"),
    [
        (40, 50, "double_expressor"),
        (39.9, 50, "not_double_expressor"),
        (40, 49.9, "not_double_expressor"),
        (10, None, "not_double_expressor"),
        (None, 10, "not_double_expressor"),
        (90, None, None),
        (None, 90, None),
    ],
)
def test_double_expressors_at_their_cut_offs_and_with_one_stain(myc, bcl2, expected):
    row = double_expressor.classify_table(pd.DataFrame({"sample_id": ["S"], "MYC": [myc], "BCL2": [bcl2]})).iloc[0]
    assert (None if pd.isna(row["subtype"]) else row["subtype"]) == expected
    assert row["kind"] == "risk"


def test_one_antibody_has_the_cut_off_of_each_rule():
    table = pd.DataFrame({"sample_id": ["S"], "CD10": [0], "BCL6": [90], "MUM1": [50], "GCET1": [90], "FOXP1": [90]})
    assert hans.classify_table(table)["subtype"].tolist() == ["non-GCB"]  # MUM1 from 30
    assert choi.classify_table(table)["subtype"].tolist() == ["GCB"]  # MUM1 from 80


@pytest.mark.parametrize("module", METHODS, ids=lambda module: module.METHOD.name)
def test_what_was_not_verified_says_so_in_every_row(module):
    cohort = Cohort(
        facts={"build": "GRCh38"},
        patients=pd.DataFrame({"patient_id": ["P1"]}),
        samples=pd.DataFrame({"sample_id": ["S1"], "patient_id": "P1", "material": "tumour", "timepoint": "baseline"}),
        ihc=pd.DataFrame([("S1", name, 90.0, "f") for name in module.CUTOFFS], columns=["sample_id", "antibody", "percent_positive", "source"]),
    )  # fmt: skip
    for rows in (
        module.classify(cohort, Subtype()).subtypes,
        module.classify_table(pd.DataFrame([dict.fromkeys(module.CUTOFFS, 90.0) | {"sample_id": "S1"}])),
    ):
        assert rows["verified"].tolist() == [module.METHOD.verified]
        assert rows["reason"][0].endswith("(rule not verified in its source)") is not module.METHOD.verified
    assert module.METHOD.verified is (module in (hans, double_expressor))


def test_a_patient_without_ihc_is_told_which_antibodies_are_asked_for():
    cohort = Cohort(facts={"build": "GRCh38"}, patients=pd.DataFrame({"patient_id": ["P1"]}))
    assert visco_young.classify(cohort, Subtype()).subtypes["reason"].tolist() == ["no IHC of CD10, FOXP1 or BCL6"]
