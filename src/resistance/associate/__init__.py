"""Cohort, markers and subtypes -> the analysis plan, written first, and then one result per question of the plan."""

from __future__ import annotations

from resistance.associate.answer import answer, count_tests
from resistance.associate.plan import make_plan

__all__ = ["answer", "count_tests", "make_plan"]
