"""What a stage leaves out or changes -> counted rows of the ``dropped`` table, one per stage, table, source and reason.

Rows that stay, but under another name, merged or though a filter speaks against them, are counted with a reason
that begins with :data:`KEPT`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

#: how the reason begins when a row was not left out but renamed, restored, merged or spared
KEPT = "kept"


class Dropped:
    """Counts of what was left out, with one example each.

    Parameters
    ----------
    stage : str
        Stage that leaves things out: read, gather, annotate, matrix ...
    """

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self._counts: dict[tuple[str, str, str], tuple[int, str | None]] = {}

    def add(self, table: str, source: str | Path, reason: str, n: int = 1, example: object = None) -> None:
        """Count `n` more rows of `table` from `source` that are left out for `reason` (nothing when n is 0)."""
        if n <= 0:
            return
        key = (table, Path(source).name if isinstance(source, Path) else source, reason)
        before, first = self._counts.get(key, (0, None))
        self._counts[key] = (before + int(n), first if first is not None else (None if example is None else str(example)))

    def rows(self) -> list[dict[str, Any]]:
        """Return the counts as rows of the ``dropped`` table, sorted."""
        return [
            {"stage": self.stage, "table": table, "source": source, "reason": reason, "n": n, "example": example}
            for (table, source, reason), (n, example) in sorted(self._counts.items())
        ]

    def frame(self) -> pd.DataFrame:
        """Return the counts as the ``dropped`` table."""
        import pandas as pd

        from resistance.schemas import DROPPED
        from resistance.tables import conform

        return conform(pd.DataFrame(self.rows(), columns=list(DROPPED.names)), DROPPED)
