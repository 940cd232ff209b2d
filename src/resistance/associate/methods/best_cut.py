"""The cut of a number that separates the outcome best, with a p that is corrected for the search."""

from __future__ import annotations

from collections.abc import Callable

from resistance.associate.methods.record import Estimate, Method, Sample
from resistance.stats.cutpoint import Cutpoint, binary_cutpoint, continuous_cutpoint, survival_cutpoint


def fit_survival(sample: Sample) -> Estimate:
    """Search the cut with the largest log-rank statistic."""
    found = survival_cutpoint(
        sample.time, sample.event, sample.term, permutations=sample.permutations, seed=sample.seed
    )  # fmt: skip
    return _estimate(found, "more events")


def fit_binary(sample: Sample) -> Estimate:
    """Search the cut with the largest chi-square statistic."""
    found = binary_cutpoint(sample.event, sample.term, permutations=sample.permutations, seed=sample.seed)
    return _estimate(found, "more responders")


def fit_continuous(sample: Sample) -> Estimate:
    """Search the cut with the largest Wilcoxon statistic."""
    found = continuous_cutpoint(sample.value, sample.term, permutations=sample.permutations, seed=sample.seed)
    return _estimate(found, "higher values")


def _estimate(found: Cutpoint, more: str) -> Estimate:
    """Return the corrected p; an effect at the best cut would be too large, so there is none."""
    if not found.converged:
        return Estimate(note=f"no estimate: {found.note}")
    side = f"{more} above it" if found.direction > 0 else f"{more} at or below it"
    return Estimate(
        p_value=found.p_value,
        converged=True,
        note=f"best cut {found.cut:.4g} on the scale of the measure ({found.n_high} above, {found.n_low} at or below), {side}; "
        f"p corrected for the search ({found.method}); as if the cut had been fixed before it would be {found.p_naive:.2g}, "
        "which is no p-value; no effect is given, since at a searched cut it is too large",
    )


def _record(key: str, kinds: tuple[str, ...], statistic: str, fit: Callable[[Sample], Estimate]) -> Method:
    return Method(
        key=key,
        name=f"Best cut by the {statistic}, p corrected for the search",
        test=f"maximally selected {statistic}",
        kinds=kinds,
        models=("cut",),
        scale="",
        minimum_events=5,
        stratified=False,
        reference="Lausen and Schumacher 1992, doi:10.2307/2532740; 1994; Hothorn and Lausen 2003",
        fit=fit,
        terms=("number",),
        exact=True,
    )


SURVIVAL = _record("cut_survival", ("time_to_event",), "log-rank statistic", fit_survival)
BINARY = _record("cut_binary", ("binary",), "chi-square statistic", fit_binary)
CONTINUOUS = _record("cut_continuous", ("continuous", "ordinal"), "rank statistic", fit_continuous)
