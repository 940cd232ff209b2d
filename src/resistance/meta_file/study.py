"""One study's effect, and how studies are pooled."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    pass


Scale = Literal["ratio", "log", "difference"]


@dataclass(frozen=True)
class Study:
    """One study's effect on the scale on which it is normal.

    Parameters
    ----------
    name, group : str
        `group` is empty where groups were not asked for.
    effect, se : float
        NaN where the study has none; `note` says why.
    note : str
    counts : tuple of int, optional
        exposed with, exposed without, unexposed with, unexposed without.
    moderator : float
        NaN where not asked for.
    """

    name: str
    group: str
    effect: float
    se: float
    note: str = ""
    counts: tuple[int, int, int, int] | None = None
    moderator: float = nan

    @property
    def usable(self) -> bool:
        """The effect can be pooled."""
        return isfinite(self.effect) and isfinite(self.se) and self.se > 0


@dataclass(frozen=True)
class Settings:
    """How studies are pooled.

    Parameters
    ----------
    method : {'reml', 'dersimonian_laird', 'paule_mandel', 'fixed', 'mantel_haenszel', 'peto'}
    interval : {'hartung_knapp_wider', 'hartung_knapp', 'normal'}
    measure : {'odds_ratio', 'risk_ratio', 'risk_difference'}
        Of 2x2 counts.
    correction : float
        Added to the cells of a study with an empty one; 0: none.
    """

    method: Any = "reml"
    interval: Any = "hartung_knapp_wider"
    measure: Any = "odds_ratio"
    correction: float = 0.0
