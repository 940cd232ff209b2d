"""The last bit of a result does not depend on how many threads linear algebra may use."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from resistance.stats.linear import linear_scan
from resistance.stats.moderated_t import moderated_t
from resistance.stats.plage import plage


def sample() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    return draw.normal(size=(20, 6000)), np.column_stack([np.ones(6000), draw.normal(size=(6000, 12))])


METHODS = {
    "moderated t": lambda y, x: moderated_t(y, x).p_value,
    "scan": lambda y, x: linear_scan(y[0], y[1:].T, x[:, 1:]).p_value,
    "plage": lambda y, x: plage(y.reshape(400, 300), [range(90)]).scores,
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_one_thread_and_two_give_the_same_bytes(method: Callable) -> None:
    y, x = sample()
    found = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            found.append(method(y, x).tobytes())
            # and the setting of the caller is as it was
            assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {threads}
    assert found[0] == found[1]
