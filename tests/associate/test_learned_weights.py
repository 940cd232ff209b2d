"""Independent hypothesis weighting as the plan asks for it: by which margin, with which folds, and what it says beforehand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance.associate.multiplicity import adjusted_for_many, margin
from resistance.associate.plan import make_plan
from resistance.config import CohortFile
from resistance.errors import InputError
from resistance.stats.independent_weights import independent_weights

Configure = Callable[..., CohortFile]


def genes(m: int = 3200, n: int = 200) -> pd.DataFrame:
    """A family of genes: those with many carriers have effects more often."""
    draw = np.random.default_rng(4)
    carriers = draw.integers(1, n, m)
    common = np.minimum(carriers, n - carriers) > 60
    real = common & (draw.random(m) < 0.35)
    return pd.DataFrame(
        {
            "question_id": [f"all/os/gene:G{i:04d}/crude/present" for i in range(m)],
            "family": "all/os/crude/genes",
            "endpoint": "os",
            "marker_id": [f"gene:G{i:04d}" for i in range(m)],
            "n": n,
            "carriers": pd.array(carriers, dtype="Int64"),
            "p_value": np.where(real, draw.beta(0.3, 30, m), draw.random(m)),
        }
    )


def test_weights_go_by_the_smaller_group_with_the_seed_of_the_plan(configure: Configure) -> None:
    frame = genes()
    found = adjusted_for_many(frame, configure(analysis={"multiplicity": {"method": "ihw"}}))
    smaller = np.minimum(frame["carriers"], 200 - frame["carriers"]).to_numpy(dtype=float)
    direct = independent_weights(frame["p_value"], smaller, seed=7)
    assert found["q_value"].to_numpy() == pytest.approx(direct.p_adjusted, rel=1e-9)
    assert found["weight"].to_numpy() == pytest.approx(direct.weight, rel=1e-9)
    assert found["weight"].mean() == pytest.approx(1, abs=1e-6)
    assert found.loc[smaller > 60, "weight"].mean() > 1.2
    plain = adjusted_for_many(frame, configure())
    assert (found["q_value"] <= 0.05).sum() > (plain["q_value"] <= 0.05).sum()
    # the order of the rows draws no other folds
    mixed = frame.sample(frac=1, random_state=1)
    again = adjusted_for_many(mixed, configure(analysis={"multiplicity": {"method": "ihw"}}))
    assert again.loc[frame.index, "q_value"].tolist() == found["q_value"].tolist()


def test_expression_goes_by_its_mean_and_the_margin_can_be_the_number_of_patients() -> None:
    frame = pd.DataFrame(
        {
            "marker_id": ["M1", "M2", "expression:A", "measure:x"],
            "n": [10, 9, 8, 7],
            "carriers": pd.array([2, 6, None, None], dtype="Int64"),
        }
    )
    assert margin(frame, "carriers", {"expression:A": 4.5}).tolist() == pytest.approx([2, 3, 4.5, np.nan], nan_ok=True)
    assert margin(frame, "patients", {"expression:A": 4.5}).tolist() == [10, 9, 4.5, 7]


def test_the_plan_says_it_before_any_p(study: Any, configure: Configure) -> None:
    config = configure(analysis={"multiplicity": {"method": "ihw", "weights_by": "patients"}})
    words = make_plan(config, *study.arguments()[1:])["policies"]["multiplicity"]
    assert "Independent hypothesis weighting" in words
    assert "Weights go by patients in the model" in words
    assert "5 folds are drawn with the seed 7" in words
    assert "fewer than 3,000 tests has one bin, which is Benjamini-Hochberg unweighted. No family here has so many." in words


def test_the_plan_counts_the_families_that_are_large_enough(
    study: Any, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resistance.associate.policies.TESTS_PER_BIN", 1)
    config = configure(analysis={"multiplicity": {"method": "ihw"}})
    plan = make_plan(config, *study.arguments()[1:])
    large = sum(row["questions"] - row["refused"] >= 2 for row in plan["families"])
    assert large > 0
    assert f" {large} of the {len(plan['families'])} families here have so many." in plan["policies"]["multiplicity"]


def test_a_margin_that_does_not_exist_is_refused(configure: Configure) -> None:
    with pytest.raises(InputError, match="weights_by"):
        configure(analysis={"multiplicity": {"method": "ihw", "weights_by": "p_value"}})
