"""A function of matrices -> the same function, whose last bits do not depend on the number of threads."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Let linear algebra run on one thread inside `function`.

    With several, sums are cut into other pieces and rounded elsewhere, so that a report would differ
    between a laptop and a cluster.  The matrices here are small: nothing is lost.
    """

    @wraps(function)
    def steady(*args: P.args, **kwargs: P.kwargs) -> R:
        with _libraries().limit(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return steady


@cache
def _libraries() -> Any:
    # comes with scikit-learn; a moment's work, so that importing a method stays fast
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()
