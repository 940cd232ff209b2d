"""The list of scores that can be trained."""

from __future__ import annotations

from resistance.subtype import lps, prps, ps
from resistance.subtype.rule import Rule

RULES: tuple[Rule, ...] = (lps.RULE, ps.RULE, prps.RULE)


def rule_of(name: str) -> Rule:
    """Return the rule of that name; raises KeyError."""
    return {rule.name: rule for rule in RULES}[name]
