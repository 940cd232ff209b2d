"""The hierarchy of endpoints: which families may call a finding confirmatory."""

from __future__ import annotations

from typing import Any

import pandas as pd

from resistance.associate.multiplicity import adjusted_for_many
from resistance.config import CohortFile


def frame(rows: list[tuple[str, str, str, str, float]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["population", "endpoint", "model", "kind", "p_value"])
    parts = [table[c] for c in ("population", "endpoint", "model", "kind")]
    table["family"] = ["/".join(x) for x in zip(*parts, strict=True)]
    return table


def gates(config: CohortFile, rows: list[tuple[str, str, str, str, float]]) -> list[Any]:
    return [None if x is None else bool(x) for x in adjusted_for_many(frame(rows), config)["gate_open"]]


def test_a_finding_of_one_family_does_not_open_the_gate_of_another(configure: Any) -> None:
    config = configure(analysis={"multiplicity": {"hierarchy": ["os", "response"]}})
    rows = [
        ("all", "os", "crude", "markers", 0.001),
        ("all", "os", "adjusted", "markers", 0.4),
        ("all", "os", "crude", "genes", 0.9),
        ("old", "os", "crude", "markers", 0.7),
        ("all", "response", "crude", "markers", 0.03),
        ("all", "response", "adjusted", "markers", 0.03),
        ("all", "response", "crude", "genes", 0.001),
        ("old", "response", "crude", "markers", 0.001),
    ]
    assert gates(config, rows) == [True, True, True, True, True, False, False, False]


def test_a_gate_is_closed_where_the_endpoint_before_has_no_such_family(configure: Any) -> None:
    config = configure(analysis={"multiplicity": {"hierarchy": ["response", "os"]}})
    rows = [
        ("all", "response", "crude", "markers", 0.001),
        ("all", "os", "crude", "markers", 0.5),
        ("all", "os", "subdistribution", "markers", 0.001),
    ]
    assert gates(config, rows) == [True, True, False]


def test_an_endpoint_outside_the_hierarchy_has_no_gate(configure: Any) -> None:
    config = configure(analysis={"multiplicity": {"hierarchy": ["os"]}})
    rows = [("all", "response", "crude", "markers", 0.001), ("all", "os", "crude", "markers", 0.5)]
    assert gates(config, rows) == [None, True]
