"""Tables of studies (effects, 2x2 counts, results of cohorts, published trials) -> a meta-analysis as text, JSON, TSV and forest plot."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, isfinite, log, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from resistance.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from resistance.stats.meta import MetaResult, SubgroupResult

Scale = Literal["ratio", "log", "difference"]
COUNTS = ("exposed_events", "exposed_n", "unexposed_events", "unexposed_n")
#: columns by which a table of results is known
RESULTS = ("question_id", "population", "endpoint", "marker_id", "model", "scale", "effect", "ci_low", "ci_high", "converged")
#: populations of ``trials.tsv`` that are one side of the cell of origin
ORIGIN = {"GCB": "GCB", "non-GCB": "non-GCB", "ABC": "non-GCB"}


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


@dataclass(frozen=True)
class MetaReport:
    """A meta-analysis of named studies.

    Parameters
    ----------
    title : str
    scale : str
        Name of the effect, as 'odds ratio'.
    ratio : bool
        Effects are logarithms, shown as ratios.
    studies : tuple of Study
        All, those without an effect too.
    pooled : MetaResult or PooledCounts
    groups : SubgroupResult or None
    regression : MetaRegressionResult or None
    without : tuple of (str, MetaResult)
        The pooled effect without each study.
    egger : EggerResult or None
    notes : tuple of str
    """

    title: str
    scale: str
    ratio: bool
    studies: tuple[Study, ...]
    pooled: Any
    groups: SubgroupResult | None
    regression: Any
    without: tuple[tuple[str, MetaResult], ...]
    egger: Any
    notes: tuple[str, ...]

    def text(self) -> str:
        """Return the analysis as lines for a terminal."""
        lines = [self.title, ""]
        width = max([len(_label(s)) for s in self.studies] + [len("pooled")])
        weight = dict(zip([s for s in self.studies if s.usable], getattr(self.pooled, "weights", ()), strict=False))
        lines.append(f"  {'study':<{width}}  {self.scale} (95 % interval)")
        for study in self.studies:
            share = f"  weight {100 * weight[study]:.1f} %" if study in weight and isfinite(weight[study]) else ""
            note = f"  {study.note}" if study.note else ""
            low, high = study.effect - 1.959964 * study.se, study.effect + 1.959964 * study.se
            lines.append(f"  {_label(study):<{width}}  {self._shown(study.effect, low, high)}{share}{note}".rstrip())
        p = self.pooled
        lines += ["", f"  {'pooled':<{width}}  {self._shown(p.effect, p.ci_low, p.ci_high)}  p {_p(p.p_value)}  ({_method(p)})"]
        if not p.converged:
            lines.append(f"  not pooled: {p.note}")
        elif p.note:
            lines.append(f"  {p.note}")
        if isfinite(getattr(p, "prediction_low", nan)):
            lines.append(
                f"  {'new study':<{width}}  {self._shown(p.effect, p.prediction_low, p.prediction_high)}  (prediction interval)"
            )
        if hasattr(p, "tau2") and isfinite(p.q):
            lines.append(
                f"  heterogeneity: tau2 {p.tau2:.4g} ({p.tau2_low:.4g} to {p.tau2_high:.4g}), I2 {100 * p.i2:.0f} %, "
                f"Q {p.q:.2f} on {p.k - 1}, p {_p(p.q_p)}"
            )
        elif isfinite(p.q):
            lines.append(f"  heterogeneity: Q {p.q:.2f} on {p.q_df}, p {_p(p.q_p)}")
        if self.groups is not None:
            lines.append("")
            for name, g in zip(self.groups.names, self.groups.groups, strict=True):
                lines.append(f"  {name:<{width}}  {self._shown(g.effect, g.ci_low, g.ci_high)}  {_studies(g.k)}")
            if isfinite(self.groups.difference):
                d = self.groups
                what = f"{d.names[1]} over {d.names[0]}" if self.ratio else f"{d.names[1]} minus {d.names[0]}"
                reach = self._shown(d.difference, d.ci_low, d.ci_high)
                lines.append(f"  {what:<{width}}  {reach}  p {_p(d.p_value)}" + ("  (ratio of ratios)" if self.ratio else ""))
            elif self.groups.converged:
                lines.append(f"  groups differ: Q {self.groups.q:.2f} on {self.groups.df}, p {_p(self.groups.p_value)}")
            else:
                lines.append(f"  groups: {self.groups.note}")
        r = self.regression
        if r is not None:
            lines.append("")
            if r.converged:
                lines.append(
                    f"  per unit of the moderator: {self._shown(r.coef[1], r.ci_low[1], r.ci_high[1])}  p {_p(r.p_value[1])}, "
                    f"tau2 left {r.tau2:.4g}"
                )
            else:
                lines.append(f"  no meta-regression: {r.note}")
        if len(self.without) > 2:
            lines += ["", "  without:"]
            lines += [
                f"  {name:<{width}}  {self._shown(m.effect, m.ci_low, m.ci_high)}  p {_p(m.p_value)}" for name, m in self.without
            ]
        if self.egger is not None and self.egger.converged:
            few = ", fewer than 10 studies: hardly any power" if self.egger.k < 10 else ""
            lines += ["", f"  small-study effects (Egger): p {_p(self.egger.p_value)}{few}"]
        return "\n".join(lines + ([""] if self.notes else []) + [f"note: {note}" for note in self.notes])

    def json(self) -> str:
        """Return all of it as JSON; numbers that do not exist are null."""
        return json.dumps(_plain(self), indent=2, ensure_ascii=False, allow_nan=False)

    def rows(self) -> pd.DataFrame:
        """Return studies and pooled effect as a table (effects on the scale on which they are normal)."""
        import pandas as pd

        z = 1.959963984540054
        rows = [
            {
                "study": s.name, "group": s.group or None, "effect": s.effect, "se": s.se, "ci_low": s.effect - z * s.se,
                "ci_high": s.effect + z * s.se, "p_value": nan, "note": s.note or None,
            }
            for s in self.studies
        ]  # fmt: skip
        pooled = [("pooled", self.pooled)]
        if self.groups is not None:
            pooled += list(zip((f"pooled: {name}" for name in self.groups.names), self.groups.groups, strict=True))
        rows += [
            {
                "study": name, "group": None, "effect": p.effect, "se": p.se, "ci_low": p.ci_low, "ci_high": p.ci_high,
                "p_value": p.p_value, "note": p.note or None,
            }
            for name, p in pooled
        ]  # fmt: skip
        return pd.DataFrame(rows)

    def _shown(self, effect: float, low: float, high: float) -> str:
        if not isfinite(effect):
            return "–"
        a, b, c = (_exp(v) if self.ratio else v for v in (effect, low, high))
        return f"{a:.3g} ({b:.3g} to {c:.3g})"


def read_studies(
    path: Path, settings: Settings, *, scale: Scale | None = None, confidence: float = 0.95, group: str = "", moderator: str = ""
) -> list[Study]:
    """Read one study a row.

    Parameters
    ----------
    path : Path
        Tab-separated, with ``study`` and either ``effect`` and ``se`` (always of the logarithm where the effect is a ratio),
        ``effect``, ``ci_low`` and ``ci_high``, or the counts of :data:`COUNTS`.
    settings : Settings
    scale : {'ratio', 'log', 'difference'}
        How ``effect`` and its interval are written; needed for effects.
    confidence : float
        Level of the intervals.
    group, moderator : str
        Columns with the group, and with a number that may explain the effect.

    Raises
    ------
    InputError
        Every cell that is wrong, together.
    """
    from statistics import NormalDist

    from resistance.stats.meta_counts import effects_of_counts

    if not 0 < confidence < 1:
        raise InputError("must lie between 0 and 1", path="--confidence", value=confidence)
    header, rows = _read(path)
    wanted = ["study", *([group] if group else []), *([moderator] if moderator else [])]
    with_counts = all(name in header for name in COUNTS)
    if not with_counts:
        wanted += ["effect"]
        if scale is None:
            raise InputError(
                "whether the effects are ratios, their logarithms or differences is not stated", path="--scale",
                remedy="Give --scale ratio, --scale log or --scale difference.",
            )  # fmt: skip
    missing = [name for name in wanted if name not in header]
    if not with_counts and "se" not in header:
        missing += [name for name in ("ci_low", "ci_high") if name not in header]
    if missing:
        remedy = f"One row per study: study, and effect with se or ci_low and ci_high, or {', '.join(COUNTS)}."
        raise InputError([Problem("missing column", str(path), 1, name, remedy=remedy) for name in missing])
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    problems: list[Problem] = []
    found: list[Study] = []
    for line, row in rows:
        cells = _Cells(path, line, row, problems)
        name, part = row["study"], row[group] if group else ""
        if not name or (group and not part):
            problems.append(Problem("is empty", str(path), line, "study" if not name else group))
        value = cells.number(moderator) if moderator else nan
        if with_counts:
            a, n1, c, n0 = (cells.count(column) for column in COUNTS)
            for events, of, column in ((a, n1, COUNTS[0]), (c, n0, COUNTS[2])):
                if events > of:
                    problems.append(Problem(f"more events than patients ({of})", str(path), line, column, str(events)))
            found.append(Study(name, part, nan, nan, "", (a, max(0, n1 - a), c, max(0, n0 - c)), value))
            continue
        effect, se = cells.number("effect"), cells.number("se", empty=True) if "se" in header else nan
        low, high = (cells.number(c, empty=True) if c in header else nan for c in ("ci_low", "ci_high"))
        if scale == "ratio":
            for column, ratio in (("effect", effect), ("ci_low", low), ("ci_high", high)):
                if ratio <= 0:
                    problems.append(Problem("a ratio is above 0", str(path), line, column, f"{ratio:g}", "Is --scale log meant?"))
            effect, low, high = (log(v) if v > 0 else nan for v in (effect, low, high))
        if se <= 0:
            problems.append(Problem("a standard error is above 0", str(path), line, "se", f"{se:g}"))
        if low > effect or high < effect:
            problems.append(Problem("the interval does not hold the effect", str(path), line, "effect", row["effect"]))
        note = ""
        if not se > 0:
            se = (high - low) / (2 * z)
            # published ratios have two or three digits; more than that is a column that was mixed up
            if isfinite(se) and se > 0 and abs((high + low) / 2 - effect) > 0.2 * (high - low):
                note = (
                    "interval not symmetric about the effect on the log scale"
                    if scale != "difference"
                    else "interval not symmetric"
                )
            elif not se > 0:
                note = "no interval"
        found.append(Study(name, part, effect, se if se > 0 else nan, note, None, value))
    if problems:
        raise InputError(problems)
    if with_counts and found:
        own = effects_of_counts([s.counts or () for s in found], measure=settings.measure, correction=settings.correction)
        found = [
            replace(
                s, effect=float(own.effect[i]), se=float(own.se[i]),
                note=f"{settings.correction:g} added to its cells" if own.corrected[i]
                else "" if own.se[i] > 0 else "an empty cell or margin: no effect of its own",
            )
            for i, s in enumerate(found)
        ]  # fmt: skip
    return found


def analyse(
    studies: Sequence[Study], settings: Settings, *, title: str, scale: str, ratio: bool, notes: Iterable[str] = ()
) -> MetaReport:
    """Pool studies, their groups, and what else their columns allow.

    Raises
    ------
    InputError
        Counts are asked for (Mantel-Haenszel, Peto) and not there.
    """
    import numpy as np

    from resistance.stats.meta import egger, leave_one_out, meta_analysis, meta_regression, subgroup_difference
    from resistance.stats.meta_counts import mantel_haenszel, peto

    used = [s for s in studies if s.usable]
    y, se = np.array([s.effect for s in used]), np.array([s.se for s in used])
    notes = list(notes)
    by_counts = settings.method in ("mantel_haenszel", "peto")
    pooled: Any
    if by_counts:
        if any(s.counts is None for s in studies):
            raise InputError("needs 2x2 counts", path="--method", value=settings.method, remedy=f"Columns {', '.join(COUNTS)}.")
        if settings.method == "peto" and settings.measure != "odds_ratio":
            raise InputError("Peto's method gives an odds ratio", path="--measure", value=settings.measure)
        tables = [s.counts or () for s in studies]
        pooled = peto(tables) if settings.method == "peto" else mantel_haenszel(tables, measure=settings.measure)
    else:
        pooled = meta_analysis(y, se, method=settings.method, interval=settings.interval)
        left = len(studies) - len(used)
        if left:
            notes.append(f"{left} of {_studies(len(studies))} without an effect and its error are not pooled.")
    method: Any = "fixed" if by_counts else settings.method
    groups = None
    if any(s.group for s in studies):
        groups = subgroup_difference(y, se, [s.group for s in used], method=method)
    regression = None
    if any(isfinite(s.moderator) for s in studies):
        regression = meta_regression(y, se, [s.moderator for s in used], method=method, interval=settings.interval)
    without: tuple[tuple[str, MetaResult], ...] = ()
    if not by_counts and len(used) > 2:
        every = leave_one_out(y, se, method=settings.method, interval=settings.interval)
        without = tuple(zip([_label(s) for s in used], every, strict=True))
    small = egger(y, se) if len(used) > 2 else None
    return MetaReport(title, scale, ratio, tuple(studies), pooled, groups, regression, without, small, tuple(notes))


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
        header, rows = _read(path)
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
            cells = _Cells(path, line, row, problems)
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
    header, _ = _read(path)
    return all(column in header for column in RESULTS[:5])


def trial_responses(trials: pd.DataFrame, endpoint: str = "ORR") -> list[Study]:
    """Return non-GCB against GCB of every arm of ``trials.tsv`` that has patients and responders of both.

    Parameters
    ----------
    trials : DataFrame
        Of :func:`resistance.knowledge_tables.load_trials`.
    endpoint : str

    Returns
    -------
    list of Study
        Counts alone, exposed = non-GCB; effects are NaN (see :func:`with_effects`).
    """
    rows = trials[
        (trials["endpoint"] == endpoint) & trials["population"].isin(ORIGIN) & trials["n"].notna() & trials["responders"].notna()
    ]
    found = []
    for (_, trial, arm), of in rows.groupby(["trial_id", "trial", "arm"], sort=False):
        side = {ORIGIN[row.population]: (int(row.responders), int(row.n)) for row in of.itertuples()}
        if len(side) == 2 and len(of) == 2:
            (a, n1), (c, n0) = side["non-GCB"], side["GCB"]
            found.append(Study(f"{trial}, {arm}", "", nan, nan, "", (a, n1 - a, c, n0 - c)))
    return found


def with_effects(studies: Sequence[Study], settings: Settings) -> list[Study]:
    """Return studies of counts with their own effects."""
    from resistance.stats.meta_counts import effects_of_counts

    own = effects_of_counts([s.counts or () for s in studies], measure=settings.measure, correction=settings.correction)
    return [replace(s, effect=float(own.effect[i]), se=float(own.se[i])) for i, s in enumerate(studies)]


def trial_treatment_effects(trials: pd.DataFrame, *, endpoint: str = "PFS", derived: bool = False) -> list[Study]:
    """Return the hazard ratio of treatment against its comparator by cell of origin, of the randomised trials of ``trials.tsv``.

    Parameters
    ----------
    trials : DataFrame
    endpoint : str
    derived : bool
        Use what is not published as a ratio with its interval too: an error from the p-value, and a ratio from the medians of
        both arms (exponential times).  Rough, and said in the note of each study.

    Returns
    -------
    list of Study
        A study without a usable number has NaN and says why.
    """
    from statistics import NormalDist

    randomised = trials[(trials["design"] == "randomised") & (trials["endpoint"] == endpoint)]
    one_sided = set(trials.loc[trials["note"].fillna("").str.contains("one-sided"), "trial_id"])
    found = []
    rows = randomised[randomised["population"].isin(ORIGIN) & randomised["comparator"].notna()]
    for row in rows.itertuples():
        effect, se, notes = nan, nan, []
        p = _published_p(row.p_value)
        z = NormalDist().inv_cdf(1 - (p if row.trial_id in one_sided else p / 2)) if 0 < p < 1 else nan
        if row.unit == "hazard_ratio":
            effect = log(row.value)
            if row.ci_low > 0 and row.ci_high > 0:
                se = (log(row.ci_high) - log(row.ci_low)) / (2 * 1.959963984540054)
        elif row.unit in ("months", "weeks"):
            other = randomised[
                (randomised["trial_id"] == row.trial_id) & (randomised["population"] == row.population)
                & (randomised["arm"] == row.comparator) & (randomised["unit"] == row.unit)
            ]  # fmt: skip
            if len(other) != 1:
                continue
            if derived:
                effect = log(float(other["value"].iloc[0]) / row.value)
                notes.append("ratio from medians")
        else:
            continue
        if not se > 0:
            if derived and z > 0 and effect != 0 and isfinite(effect):
                se = abs(effect) / z
                notes.append("error from a one-sided p" if row.trial_id in one_sided else "error from the p")
            elif not derived:
                notes.append("no interval published")
        found.append(Study(row.trial, ORIGIN[row.population], effect if se > 0 else nan, se, "; ".join(notes)))
    return found


def trials_report(question: str, settings: Settings, *, endpoint: str | None = None, derived: bool = False) -> MetaReport:
    """Answer a question of the cell of origin from the packaged ``trials.tsv``.

    Parameters
    ----------
    question : {'response', 'treatment'}
        response: non-GCB against GCB within lenalidomide arms (prognostic and predictive cannot be told apart there).
        treatment: hazard ratio of the treatment by cell of origin, and the ratio of ratios (predictive).
    settings : Settings
    endpoint : str, optional
        Default ORR, and PFS.
    derived : bool
        See :func:`trial_treatment_effects`.

    Raises
    ------
    InputError
        No row has such an endpoint.
    """
    from resistance.knowledge_tables import load_trials

    trials = load_trials()
    if question == "response":
        of = endpoint or "ORR"
        studies = trial_responses(trials, of)
        if not studies:
            raise InputError("no arm of trials.tsv has responders of GCB and non-GCB", path="--endpoint", value=of)
        return analyse(
            with_effects(studies, settings), settings, title=f"{of}, non-GCB against GCB in lenalidomide arms",
            scale=settings.measure.replace("_", " "), ratio=settings.measure != "risk_difference",
            notes=["single arms: whether the marker is predictive or prognostic cannot be told."],
        )  # fmt: skip
    of = endpoint or "PFS"
    studies = trial_treatment_effects(trials, endpoint=of, derived=derived)
    if not studies:
        raise InputError("no randomised trial of trials.tsv has it by cell of origin", path="--endpoint", value=of)
    notes = [
        "ABC by gene expression and non-GCB by immunohistochemistry are pooled as one side; lines of therapy and comparators differ.",
        "across trials the difference of the groups is confounded with everything in which they differ; within one it is not.",
    ]
    if derived:
        notes.append("ratios from medians assume exponential times, errors from p-values a normal test: rough.")
    return analyse(
        studies, settings, title=f"{of}, treatment with lenalidomide against its comparator, by cell of origin", scale="hazard ratio",
        ratio=True, notes=notes,
    )  # fmt: skip


def within_trial(report: MetaReport) -> list[tuple[str, SubgroupResult]]:
    """Return the ratio of ratios of every study that has an effect in two groups: the interaction that is not confounded."""
    from resistance.stats.meta import subgroup_difference

    by_name: dict[str, list[Study]] = {}
    for study in report.studies:
        if study.usable and study.group:
            by_name.setdefault(study.name, []).append(study)
    return [
        (name, subgroup_difference([s.effect for s in of], [s.se for s in of], [s.group for s in of], method="fixed"))
        for name, of in by_name.items()
        if len(of) == 2 and of[0].group != of[1].group
    ]


def difference_in_words(report: MetaReport, found: SubgroupResult) -> str:
    """Return the comparison of two groups as one line."""
    reach = report._shown(found.difference, found.ci_low, found.ci_high)
    how = "over" if report.ratio else "minus"
    return f"{found.names[1]} {how} {found.names[0]} {reach}, p {_p(found.p_value)}" + (
        " (ratio of ratios)" if report.ratio else ""
    )


def write_forest(report: MetaReport, path: Path) -> None:
    """Write the forest plot as SVG.

    Raises
    ------
    InputError
        Nothing to draw, or another kind of file.
    """
    from resistance.report.figure_meta import meta_figure, svg
    from resistance.tables import write_text

    if path.suffix.lower() != ".svg":
        raise InputError("the forest plot is an SVG file", path=path, remedy="Name it with .svg.")
    figure = meta_figure(report)
    if figure is None:
        raise InputError("no study has an effect: nothing to draw", path=path)
    write_text(path, svg(figure))


class _Cells:
    """The cells of one row, whose problems are collected."""

    def __init__(self, path: Path, line: int, row: Mapping[str, str], problems: list[Problem]) -> None:
        self.path, self.line, self.row, self.problems = str(path), line, row, problems

    def number(self, column: str, *, empty: bool = False) -> float:
        cell = self.row[column]
        if not cell:
            if not empty:
                self.problems.append(Problem("is empty", self.path, self.line, column))
            return nan
        try:
            value = float(cell)
        except ValueError:
            self.problems.append(Problem("is no number", self.path, self.line, column, cell))
            return nan
        if not isfinite(value) and not empty:
            self.problems.append(Problem("is not finite", self.path, self.line, column, cell))
        return value

    def count(self, column: str) -> int:
        cell = self.row[column]
        if not cell.isdecimal():
            self.problems.append(Problem("is no whole number", self.path, self.line, column, cell or "NA"))
            return 0
        return int(cell)


def _read(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Return the columns and the rows with their lines; NA is empty text."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError("the table is missing", path=path) from error
    except UnicodeDecodeError as error:
        raise InputError("the table is not UTF-8 text", path=path, remedy="Save it as UTF-8.") from error
    reader = csv.reader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    header = [name.strip() for name in next(reader, [])]
    if len(header) < 2:
        raise InputError("is not a tab-separated table with a header", path=path, row=1)
    if len(set(header)) < len(header):
        raise InputError("a column stands twice", path=path, row=1)
    rows = []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise InputError(f"has {len(cells)} cells where the header has {len(header)}", path=path, row=reader.line_num)
        values = (cell.strip() for cell in cells)
        rows.append((reader.line_num, {n: "" if v == "NA" else v for n, v in zip(header, values, strict=True)}))
    if not rows:
        raise InputError("the table has no rows", path=path)
    return header, rows


def _cohort_names(paths: Sequence[Path]) -> list[str]:
    names = [p.resolve().parent.parent.name if p.resolve().parent.name == "tables" else p.stem for p in paths]
    if len(set(names)) < len(names):
        names = [p.resolve().parent.name if p.resolve().parent.name != "tables" else n for p, n in zip(paths, names, strict=True)]
    if len(set(names)) < len(names):
        names = [str(p) for p in paths]
    if len(set(names)) < len(names):
        raise InputError("the same table was given twice", path=next(n for n in names if names.count(n) > 1))
    return names


def _published_p(text: Any) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return nan  # '<.001' bounds a p, it is none


def _label(study: Study) -> str:
    return f"{study.name}, {study.group}" if study.group else study.name


def _studies(k: int) -> str:
    return f"{k} {'study' if k == 1 else 'studies'}"


def _method(pooled: Any) -> str:
    names = {
        "reml": "random effects, REML", "dersimonian_laird": "random effects, DerSimonian-Laird",
        "paule_mandel": "random effects, Paule-Mandel", "fixed": "fixed effect, inverse variance",
        "mantel_haenszel": "fixed effect, Mantel-Haenszel", "peto": "fixed effect, Peto",
    }  # fmt: skip
    intervals = {"hartung_knapp_wider": "Hartung-Knapp, never narrower", "hartung_knapp": "Hartung-Knapp", "normal": "normal"}
    interval = intervals[getattr(pooled, "interval", "normal")]
    return f"{names[pooled.method]}; {interval} interval"


def _p(value: float) -> str:
    return "–" if not isfinite(value) else "<.0001" if value < 1e-4 else f"{value:.2g}"


def _exp(value: float) -> float:
    return exp(value) if value < 700 else float("inf")


def _plain(value: Any) -> Any:
    if isinstance(value, str | bool) or value is None:
        return value
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return value if isinstance(value, int) or isfinite(value) else None
