"""An ordered outcome and columns -> proportional-odds model with its test; cut by cut where the odds are not proportional."""

from resistance.stats.ordinal.cutwise import CutwiseResult, cutwise_odds
from resistance.stats.ordinal.model import OrdinalResult, TermTest, proportional_odds

__all__ = ["CutwiseResult", "OrdinalResult", "TermTest", "cutwise_odds", "proportional_odds"]
