"""Findings -> one line of evidence."""

from __future__ import annotations

from collections.abc import Sequence

#: findings that the evidence spells out
MOST_CALLS = 4


def joined(texts: Sequence[str], n: int | None = None) -> str:
    """Join the first findings and say how many more there are; `n` is their number where `texts` holds only the first."""
    more = (len(texts) if n is None else n) - MOST_CALLS
    return "; ".join(texts[:MOST_CALLS]) + (f"; and {more} more" if more > 0 else "")
