"""Tables of results of several cohorts -> each question pooled."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.errors import InputError, Problem
from resistance.meta_file.study import Settings, Study
from resistance.meta_file.tables import Cells, read_rows

if TYPE_CHECKING:
    import pandas as pd


#: columns by which a table of results is known
RESULTS = ("question_id", "population", "endpoint", "marker_id", "model", "scale", "effect", "ci_low", "ci_high", "converged")


def meta_of_results(paths: Sequence[Path], settings: Settings, *, model: str | None = None) -> pd.DataFrame:
    """Pool the results of several cohorts, question by question.

    Parameters
    ----------
    paths : sequence of Path
        Tables of results (``tables/results.tsv``); a cohort is named by its file, or by the folder above ``tables``.
    settings : Settings
    model : str, optional
        Only this model (crude, adjusted, ...).

    Returns
    -------
    DataFrame
        One row per population, endpoint, marker, model and scale that any cohort has: cohorts with and without an
        estimate, pooled effect with interval and p, q (Benjamini-Hochberg over the pooled rows of the same population,
        endpoint and model), heterogeneity, prediction interval.

    Notes
    -----
    Standard errors are half the 95 % intervals over 1.96: of a profile interval an approximation.  Cohorts that share
    patients must not be given together; this cannot be seen from the tables.

    Raises
    ------
    InputError
    """
    import numpy as np
    import pandas as pd

    from resistance.stats.meta import meta_analysis
    from resistance.stats.multiplicity import benjamini_hochberg

    if settings.method in ("mantel_haenszel", "peto"):
        raise InputError("needs 2x2 counts, which results of cohorts are not", path="--method", value=settings.method)
    questions: dict[tuple[str, ...], list[Study]] = {}
    labels: dict[tuple[str, ...], str] = {}
    names = _cohort_names(paths)
    for path, name in zip(paths, names, strict=True):
        header, rows = read_rows(path)
        missing = [column for column in RESULTS if column not in header]
        if missing:
            raise InputError(
                [Problem("missing column", str(path), 1, c, remedy="Give tables/results.tsv of a report.") for c in missing]
            )
        problems: list[Problem] = []
        for line, row in rows:
            if model is not None and row["model"] != model:
                continue
            key = tuple(row[column] for column in ("population", "endpoint", "marker_id", "model", "scale"))
            cells = Cells(path, line, row, problems)
            effect, low, high = (cells.number(c, empty=True) for c in ("effect", "ci_low", "ci_high"))
            answered = row["converged"].lower() == "true"
            se = (high - low) / (2 * 1.959963984540054) if answered and isfinite(high - low) else nan
            questions.setdefault(key, []).append(Study(name, "", effect if answered else nan, se))
            labels.setdefault(key, row.get("label", "") or row["marker_id"])
        if problems:
            raise InputError(problems)
    # a question without an estimate has no scale: it belongs to the one that other cohorts give
    for key in [k for k in questions if not k[4]]:
        fitting = [k for k in questions if k[:4] == key[:4] and k[4]]
        if len(fitting) == 1:
            questions[fitting[0]] += questions.pop(key)
    found = []
    for key in sorted(questions):
        studies = questions[key]
        used = [s for s in studies if s.usable]
        if len({s.name for s in used}) < len(used):
            twice = sorted({s.name for s in used if sum(o.name == s.name for o in used) > 1})
            raise InputError(f"{', '.join(twice)}: {' / '.join(key[:4])} stands twice", path=names[0])
        p = meta_analysis([s.effect for s in used], [s.se for s in used], method=settings.method, interval=settings.interval)
        population, endpoint, marker, which, scale = key
        found.append(
            {
                "population": population, "endpoint": endpoint, "marker_id": marker, "label": labels.get(key, marker),
                "model": which, "method": p.method, "interval": p.interval, "scale": scale or None, "cohorts": len(used),
                "cohorts_without_estimate": len(studies) - len(used), "effect": p.effect, "ci_low": p.ci_low,
                "ci_high": p.ci_high, "p_value": p.p_value, "q_value": nan, "tau2": p.tau2, "i2": p.i2,
                "heterogeneity_p": p.q_p, "prediction_low": p.prediction_low, "prediction_high": p.prediction_high,
                "studies": ";".join(s.name for s in used) or None, "note": p.note or None,
            }
        )  # fmt: skip
    table = pd.DataFrame(found)
    if len(table):
        for _, rows_of in table.groupby(["population", "endpoint", "model"], sort=False).groups.items():
            table.loc[rows_of, "q_value"] = benjamini_hochberg(np.asarray(table.loc[rows_of, "p_value"], dtype=np.float64))
    return table


def is_results(path: Path) -> bool:
    """Return whether a table is one of results."""
    header, _ = read_rows(path)
    return all(column in header for column in RESULTS[:5])


def _cohort_names(paths: Sequence[Path]) -> list[str]:
    names = [p.resolve().parent.parent.name if p.resolve().parent.name == "tables" else p.stem for p in paths]
    if len(set(names)) < len(names):
        names = [p.resolve().parent.name if p.resolve().parent.name != "tables" else n for p, n in zip(paths, names, strict=True)]
    if len(set(names)) < len(names):
        names = [str(p) for p in paths]
    if len(set(names)) < len(names):
        raise InputError("the same table was given twice", path=next(n for n in names if names.count(n) > 1))
    return names
