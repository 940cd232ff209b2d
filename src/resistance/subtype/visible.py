"""What every genetic method says about events that nobody could look at: how many, which, and what share of the method's weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: names of missing events that a reason spells out
_SHOWN = 8
#: share of the weight that may be missing before no call is made (``subtype.genetic.max_weight_missing``)
MAX_WEIGHT_MISSING = 0.5
#: share of missing weight from which a call is flagged
FLAGGED = 0.1


@dataclass(frozen=True)
class Seen:
    """Which events of a method a matrix has, per sample.

    Parameters
    ----------
    names : tuple of str
        Events of the method.
    missing : ndarray of bool, shape (n, d)
    weight_missing : ndarray, shape (n,)
        Share of the method's weight, 0..1.
    """

    names: tuple[str, ...]
    missing: NDArray[np.bool_]
    weight_missing: NDArray[np.float64]

    def columns(self, i: int) -> dict[str, Any]:
        """Return features_used, features_missing, weight_missing and flags of sample `i`."""
        names = [name for name, gone in zip(self.names, self.missing[i], strict=True) if gone]
        share = float(self.weight_missing[i])
        return {
            "features_used": len(self.names) - len(names),
            "features_missing": ";".join(names) if names else None,
            "weight_missing": share,
            "flags": "events_not_visible" if share >= FLAGGED else None,
        }

    def words(self, i: int) -> str:
        """Return what is missing in sample `i` in words, '' where nothing is."""
        names = [name for name, gone in zip(self.names, self.missing[i], strict=True) if gone]
        if not names:
            return ""
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return (
            f"{len(names)} of {len(self.names)} events not visible "
            f"({self.weight_missing[i]:.0%} of the weight: {', '.join(names[:_SHOWN])}{more})"
        )


def look(names: Sequence[str], values: NDArray[np.float64], weights: NDArray[np.float64]) -> Seen:
    """Return what of a method is visible.

    Parameters
    ----------
    names : sequence of str, length d
    values : ndarray, shape (n, d)
        NaN: not visible.
    weights : ndarray, shape (d,)
        Weight of each event in the method, not negative.
    """
    missing = np.isnan(values)
    total = float(weights.sum())
    share = missing @ weights / total if total else np.zeros(len(values))
    return Seen(tuple(names), missing, np.clip(np.asarray(share, dtype=np.float64), 0.0, 1.0))
