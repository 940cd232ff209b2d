"""How many threads a scan uses."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")

#: markers of a task are a multiple of this: two times eight lanes
EVEN = 16


def threads_to_use(threads: int | None) -> int:
    """Return the number asked for, or as many as the process may run on.

    Raises
    ------
    ValueError
        Fewer than one.
    """
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if threads < 1:
        raise ValueError(f"threads: at least 1, not {threads}")
    return threads


class Scratch(Generic[T]):
    """What threads write into while they work on a task, kept for the next one.

    Parameters
    ----------
    make : callable
        Makes one more.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make, self._spare = make, deque[T]()

    @contextmanager
    def one(self) -> Iterator[T]:
        """Lend one that nobody else has."""
        try:
            # not "if there is one": another thread may take it in between
            lent = self._spare.pop()
        except IndexError:
            lent = self._make()
        yield lent
        self._spare.append(lent)


def in_tasks(task: Callable[[int, int], None], m: int, widest: int, workers: int) -> None:
    """Call task(first, last) for runs of markers of nearly equal width, as many for each thread.

    Parameters
    ----------
    task : callable
        Writes into places of its own.
    m : int
        Markers.
    widest : int
        Markers of one task at most.
    workers : int
    """
    if not m:
        return
    rounds = -(-m // (widest * workers))
    width = -(-m // (rounds * workers * EVEN)) * EVEN
    bounds = [(first, min(first + width, m)) for first in range(0, m, width)]
    left = iter(bounds)

    failed: list[BaseException] = []

    def work() -> None:
        try:
            for first, last in left:
                task(first, last)
        except BaseException as error:  # raised below: a thread has nobody who would hear of it
            failed.append(error)

    # plain threads: a pool takes longer to start than the score tests of a thousand markers, and this thread works too
    others = [threading.Thread(target=work) for _ in range(min(workers, len(bounds)) - 1)]
    for other in others:
        other.start()
    work()
    for other in others:
        other.join()
    if failed:
        raise failed[0]
