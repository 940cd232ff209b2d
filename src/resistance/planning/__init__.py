"""A planned study in numbers -> power, what is detectable, and how many patients or events are needed; as text or JSON."""

from resistance.planning.binary import EXACT, plan_binary
from resistance.planning.continuous import plan_continuous
from resistance.planning.interaction import plan_interaction
from resistance.planning.ordinal import plan_ordinal
from resistance.planning.plan import Level, Plan, Row
from resistance.planning.survival import plan_survival

__all__ = ["EXACT", "Level", "Plan", "Row", "plan_binary", "plan_continuous", "plan_interaction", "plan_ordinal", "plan_survival"]
