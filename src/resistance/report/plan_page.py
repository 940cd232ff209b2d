"""The analysis plan -> a page that a statistician can read, written before any result exists."""

from __future__ import annotations

from collections import Counter
from typing import Any

from resistance.report.page import page_of
from resistance.report.words import SCALES

#: questions of one family that the page lists by name; the others are counted (all stand in plan.json)
_MOST_QUESTIONS = 200


def render_plan(plan: dict[str, Any], title: str, build: str) -> str:
    """Return the statistical analysis plan as a page.

    Parameters
    ----------
    plan : dict
        As :func:`resistance.associate.make_plan` gives it.
    title : str
        Of the study.
    build : str
        Genome build.
    """
    families = [family | {"questions": _questions(plan, family["family"])} for family in plan["families"]]
    content = {
        "plan": plan,
        "title": title,
        "build": build,
        "simulated": bool(plan["study"]["simulated"]),
        "families": families,
        "asked": sum(len([q for q in f["questions"] if not q["refused"]]) for f in families),
        "refused": Counter(q["refused"] for q in plan["questions"] if q["refused"]).most_common(),
        "scales": SCALES | {"": "none"},
        "most": _MOST_QUESTIONS,
    }
    return page_of("plan.html.j2", content)


def _questions(plan: dict[str, Any], family: str) -> list[dict[str, Any]]:
    return [q for q in plan["questions"] if q["family"] == family]
