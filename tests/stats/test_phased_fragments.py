"""Phased variants as one event: against sets of names, counted one by one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from resistance.stats.phased import phased_events


def _slowly(fragment, event, site, is_alt, n):
    rows = list(zip(fragment, event, site, is_alt, strict=True))
    out = {name: [] for name in ("ref", "alt", "fragments", "several", "alt_several", "discarded")}
    for k in range(n):
        ref = {f for f, e, _, a in rows if e == k and not a}
        alt = {f for f, e, _, a in rows if e == k and a}
        reach = Counter(f for f, _ in {(f, s) for f, e, s, _ in rows if e == k})
        twice = Counter(f for f, _ in {(f, s) for f, e, s, a in rows if e == k and a})
        out["ref"].append(len(ref))
        out["alt"].append(len(alt - ref))
        out["fragments"].append(len(ref | alt))
        out["several"].append(sum(c > 1 for c in reach.values()))
        out["alt_several"].append(sum(twice[f] > 1 for f in alt - ref))
        out["discarded"].append(len(alt & ref))
    return out, len({f for f, *_ in rows})


@pytest.mark.parametrize("seed", range(30))
def test_random_observations_are_merged_as_by_sets_of_names(seed):
    rng = np.random.default_rng(seed)
    n, events = int(rng.integers(0, 120)), int(rng.integers(1, 5))
    fragment = rng.integers(0, 25, n)
    event = rng.integers(0, events, n)
    site = event * 10 + rng.integers(0, 3, n)
    is_alt = rng.random(n) < 0.4
    found = phased_events(fragment, event, site, is_alt, events)
    expected, informative = _slowly(fragment, event, site, is_alt, events)
    assert {name: getattr(found, name).tolist() for name in expected} == expected
    assert found.informative == informative
    assert found.purification == pytest.approx(sum(expected["several"]) / sum(expected["fragments"]) if n else 0.0)


def test_variants_alone_leave_the_background_as_it_is():
    found = phased_events([1, 2, 3], [0, 1, 1], [0, 1, 1], [True, False, True])
    assert found.purification == 0
    assert found.purified_rate(1e-4) == 1e-4


def test_an_event_without_a_fragment_is_there_with_zeros():
    found = phased_events([], [], [], [], n_events=2)
    assert found.fragments.tolist() == [0, 0]
    assert (found.informative, found.purification) == (0, 0.0)


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="one value each per observation"):
        phased_events([1], [0], [0], [True, False])
    with pytest.raises(ValueError, match=r"outside 0\.\.0"):
        phased_events([1], [1], [0], [True], n_events=1)
