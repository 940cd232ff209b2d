"""How many threads a scan uses."""

from __future__ import annotations

import os


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
