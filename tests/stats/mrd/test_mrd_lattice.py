"""Joint distribution of the sum of VAFs and the number of positive sites: against all outcomes written out one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from resistance.stats.mrd.lattice import joint_distribution
from resistance.stats.mrd.sites import background_table, make_sites


def _problem(rng):
    s = int(rng.integers(1, 7))
    depths = rng.integers(1, 30, s)
    sites = make_sites(depths, rng.choice([0.0, 1e-3, 0.05, 0.4], s), rng.choice([np.inf, 4.0, 60.0], s))
    caps = np.minimum(rng.integers(1, 6, s), depths + 1)
    return background_table(sites, caps), caps, rng.integers(0, 12, s), int(rng.integers(1, 60)), int(rng.integers(1, s + 3))


def _every_outcome(table, caps, per_read, cells, n_cap):
    """What a count at its cap, or a sum of `cells`, has reached: all counts of all sites."""
    alive, reached = np.zeros((n_cap + 1, cells)), np.zeros(n_cap + 1)
    for counts in itertools.product(*(range(cap + 1) for cap in caps)):
        chance = float(np.prod([table[i, x] for i, x in enumerate(counts)]))
        n = min(sum(x > 0 for x in counts), n_cap)
        place = sum(x * int(step) for x, step in zip(counts, per_read, strict=True))
        # a site whose reads move no cell never reaches anything, however many they are
        capped = any(x == cap and step > 0 for x, cap, step in zip(counts, caps, per_read, strict=True))
        if capped or place >= cells:
            reached[n] += chance
        else:
            alive[n, place] += chance
    return alive, reached


@pytest.mark.parametrize("seed", range(30))
def test_every_cell_has_the_probability_of_its_outcomes(seed):
    problem = _problem(np.random.default_rng(seed))
    found = joint_distribution(*problem)
    alive, reached = _every_outcome(*problem)
    np.testing.assert_allclose(found.alive, alive, rtol=1e-11, atol=1e-300)
    np.testing.assert_allclose(found.reached, reached, rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize("seed", range(30))
def test_cells_that_are_asked_for_are_the_same_when_no_others_are_followed(seed):
    rng = np.random.default_rng(seed)
    table, caps, per_read, cells, n_cap = _problem(rng)
    wanted = np.sort(rng.integers(0, cells + 1, n_cap + 1))[::-1]
    whole = joint_distribution(table, caps, per_read, cells, n_cap)
    part = joint_distribution(table, caps, per_read, cells, n_cap, wanted=wanted)
    for n in range(n_cap + 1):
        assert part.alive[n, : wanted[n]].tolist() == whole.alive[n, : wanted[n]].tolist()
        assert not part.alive[n, wanted[n] :].any()


@pytest.mark.parametrize("seed", range(10))
def test_what_is_left_out_on_the_way_is_less_than_all_cells_of_that_size(seed):
    table, caps, per_read, cells, n_cap = _problem(np.random.default_rng(seed))
    whole = joint_distribution(table, caps, per_read, cells, n_cap)
    part = joint_distribution(table, caps, per_read, cells, n_cap, nothing=1e-6)
    most = 1e-6 * len(caps) * (n_cap + 1) * cells * int(caps.max() + 1)
    assert (part.alive <= whole.alive * (1 + 1e-12)).all()
    assert (whole.alive - part.alive).max() <= most
