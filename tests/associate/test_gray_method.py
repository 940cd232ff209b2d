"""Gray's test as a question of the plan, against cmprsk 2.2-11: cuminc(time, ev, g)$Tests and with strata = s."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from resistance.associate.methods import Sample, method_for
from resistance.associate.methods.gray import METHOD

TIME = [90, 200, 120, 300, 45, 400, 310, 210, 500, 260, 365, 280, 77, 150, 333, 420]
CODE = [1, 2, 1, 0, 2, 1, 0, 1, 1, 2, 1, 0, 1, 1, 2, 0]
MARKER = [1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0]
STRATUM = [1, 1, 2, 2, 1, 2, 1, 1, 2, 2, 1, 2, 2, 1, 1, 2]


def sample(**changes: Any) -> Sample:
    n, code = len(TIME), np.array(CODE)
    values: dict[str, Any] = {
        "value": np.full(n, np.nan), "event": code == 1, "code": code, "time": np.array(TIME, dtype=float), "entry": None,
        "terms": np.array(MARKER, dtype=float)[:, None], "tested": 0, "flag": True, "covariates": np.zeros((n, 0)), "names": ("M",),
        "strata": None, "arm": np.ones(n, dtype=bool), "levels": (), "permutations": 99, "seed": 1,
    }  # fmt: skip
    return Sample(**values | changes)


def test_carriers_and_others_are_compared_crude_and_within_strata() -> None:
    crude, stratified = METHOD.fit(sample()), METHOD.fit(sample(strata=np.array(STRATUM).astype(str)))
    assert crude.p_value == pytest.approx(0.0103753274686, rel=1e-9)
    assert stratified.p_value == pytest.approx(0.0321865272278, rel=1e-9)
    assert crude.note.startswith("more events of this kind with the marker than without; 4 competing events")
    assert np.isnan(crude.effect)


def test_a_second_competing_cause_is_the_same_as_the_first() -> None:
    code = np.where(np.array(CODE) == 2, 2 + np.arange(len(CODE)) % 2, CODE)
    assert METHOD.fit(sample(code=code)).p_value == pytest.approx(0.0103753274686, rel=1e-9)


def test_what_it_does_not_take_is_refused_by_name() -> None:
    assert "takes strata, no covariates" in METHOD.fit(sample(covariates=np.ones((16, 1)))).note
    assert "no delayed entry (fine_gray does)" in METHOD.fit(sample(entry=np.full(16, 1.0))).note


def test_it_stands_in_only_where_it_is_named() -> None:
    usual = method_for("time_to_event", "subdistribution")
    named = method_for("time_to_event", "subdistribution", wanted=["gray"])
    assert (usual and usual.key, named and named.key) == ("fine_gray", "gray")
