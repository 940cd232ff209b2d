"""Studies -> pooled effect, heterogeneity, groups; as text, JSON, rows and forest plot."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance.errors import InputError
from resistance.meta_file.studies import COUNTS
from resistance.meta_file.study import Settings, Study

if TYPE_CHECKING:
    import pandas as pd

    from resistance.stats.meta import MetaResult, SubgroupResult


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
        lines += [
            "",
            f"  {'pooled':<{width}}  {self._shown(p.effect, p.ci_low, p.ci_high)}  p {p_in_words(p.p_value)}  ({_method(p)})",
        ]
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
                f"Q {p.q:.2f} on {p.k - 1}, p {p_in_words(p.q_p)}"
            )
        elif isfinite(p.q):
            lines.append(f"  heterogeneity: Q {p.q:.2f} on {p.q_df}, p {p_in_words(p.q_p)}")
        if self.groups is not None:
            lines.append("")
            for name, g in zip(self.groups.names, self.groups.groups, strict=True):
                lines.append(f"  {name:<{width}}  {self._shown(g.effect, g.ci_low, g.ci_high)}  {_studies(g.k)}")
            if isfinite(self.groups.difference):
                d = self.groups
                what = f"{d.names[1]} over {d.names[0]}" if self.ratio else f"{d.names[1]} minus {d.names[0]}"
                reach = self._shown(d.difference, d.ci_low, d.ci_high)
                lines.append(
                    f"  {what:<{width}}  {reach}  p {p_in_words(d.p_value)}" + ("  (ratio of ratios)" if self.ratio else "")
                )
            elif self.groups.converged:
                lines.append(f"  groups differ: Q {self.groups.q:.2f} on {self.groups.df}, p {p_in_words(self.groups.p_value)}")
            else:
                lines.append(f"  groups: {self.groups.note}")
        r = self.regression
        if r is not None:
            lines.append("")
            if r.converged:
                lines.append(
                    f"  per unit of the moderator: {self._shown(r.coef[1], r.ci_low[1], r.ci_high[1])}  p {p_in_words(r.p_value[1])}, "
                    f"tau2 left {r.tau2:.4g}"
                )
            else:
                lines.append(f"  no meta-regression: {r.note}")
        if len(self.without) > 2:
            lines += ["", "  without:"]
            lines += [
                f"  {name:<{width}}  {self._shown(m.effect, m.ci_low, m.ci_high)}  p {p_in_words(m.p_value)}"
                for name, m in self.without
            ]
        if self.egger is not None and self.egger.converged:
            few = ", fewer than 10 studies: hardly any power" if self.egger.k < 10 else ""
            lines += ["", f"  small-study effects (Egger): p {p_in_words(self.egger.p_value)}{few}"]
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


def with_effects(studies: Sequence[Study], settings: Settings) -> list[Study]:
    """Return studies of counts with their own effects."""
    from resistance.stats.meta_counts import effects_of_counts

    own = effects_of_counts([s.counts or () for s in studies], measure=settings.measure, correction=settings.correction)
    return [replace(s, effect=float(own.effect[i]), se=float(own.se[i])) for i, s in enumerate(studies)]


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


def p_in_words(value: float) -> str:
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
