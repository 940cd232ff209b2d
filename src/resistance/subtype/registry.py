"""The list of classification methods that a cohort file can name under ``subtype.methods``."""

from __future__ import annotations

from resistance.subtype import hans
from resistance.subtype.method import Method

METHODS: tuple[Method, ...] = (hans.METHOD,)


def by_name(name: str) -> Method:
    """Return the method of that name (the cohort file's model lets no other name pass)."""
    return {method.name: method for method in METHODS}[name]
