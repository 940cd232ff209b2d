"""Numbers that a plan is given: refused where they are impossible."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite

from resistance.errors import InputError


@contextmanager
def named() -> Iterator[None]:
    """Turn a refusal of the statistics ('prevalence: outside 0..1') into one of the input."""
    try:
        yield
    except ValueError as error:
        raise InputError(str(error)) from error


def within(value: float, option: str, *, open_ends: bool = False) -> None:
    if not (0 < value < 1 if open_ends else 0 <= value <= 1):
        raise InputError("must lie between 0 and 1", path=option, value=value, remedy="Shares are fractions: 0.25, not 25.")


def positive(value: float, option: str) -> None:
    if not (value > 0 and isfinite(value)):
        raise InputError("must be positive", path=option, value=value)


def patients(value: int, option: str) -> None:
    if value < 1:
        raise InputError("at least one patient is needed", path=option, value=value)


def something(given: bool, what: str) -> None:
    if not given:
        raise InputError(f"nothing to compute: give {what}")
