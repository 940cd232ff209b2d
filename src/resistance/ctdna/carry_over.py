"""Counts of other patients' variants in a sample -> does it show them beyond background? Carry-over between samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.ctdna.background import error_rates
from resistance.ctdna.support import VARIANT, with_counts
from resistance.schemas import IDENTITY
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort

#: a fraction from which a variant is this sample's own, inherited or not
_OWN = 0.2
_ALPHA = 0.05


def find_carry_over(cohort: Cohort, pileup: pd.DataFrame, background: pd.DataFrame) -> pd.DataFrame:
    """Ask each sample (and control) for the variants that only one other patient has.

    Parameters
    ----------
    cohort : Cohort
        Its calls say whose a variant is: of the one patient with a sample that shows it.
    pileup : DataFrame
        Schema PILEUP; samples in which other patients' variants were counted (``ctdna.alignments.variants: cohort``; controls
        always).  A sample that the cohort does not have is a control.
    background : DataFrame
        Schema BACKGROUND of the same samples.

    Returns
    -------
    DataFrame
        Schema IDENTITY, ``check`` carry_over, one row per sample and other patient whose variants it shows more often than its
        background explains (exact test of the sum over the variants, Bonferroni over all pairs asked, p < .05): contaminated
        where two variants or more are seen beyond background by themselves, undecided where one alone makes it, which may be a
        variant of its own.  A variant with a fraction of a fifth or more is the sample's own and is left out.
    """
    import pandas as pd

    from resistance.stats.beta_binomial import sum_tail_probability, tail_probability

    if pileup.empty or background.empty:
        return empty(IDENTITY)
    owners = _owners(cohort)
    patient_of = dict(zip(cohort.samples["sample_id"], cohort.samples["patient_id"], strict=True))
    counted = pileup.dropna(subset=["depth", "alt_count"]).merge(owners, on=VARIANT)
    counted["patient_id"] = [str(patient_of.get(name, name)) for name in counted["sample_id"]]
    counted = counted[(counted["patient_id"] != counted["owner"]) & (counted["depth"] > 0)]
    counted = counted[counted["alt_count"] < _OWN * counted["depth"]]
    if counted.empty:
        return empty(IDENTITY)
    of_sample = dict(list(background.groupby("sample_id")))
    asked = []
    rated_parts = [
        error_rates(group, of_sample[sample]) for sample, group in counted.groupby("sample_id", sort=True) if sample in of_sample
    ]
    if not rated_parts:
        return empty(IDENTITY)
    every = pd.concat(rated_parts, ignore_index=True).dropna(subset=["error_rate"])
    for (sample, owner), rated in every.groupby(["sample_id", "owner"], sort=True):
        k, n = (rated[name].to_numpy(dtype=float) for name in ("alt_count", "depth"))
        rate, rho = rated["error_rate"].to_numpy(), rated["error_rho"].to_numpy()
        p_value = sum_tail_probability(int(k.sum()), n, rate, rho)
        beyond = int((tail_probability(k, n, rate, rho) < _ALPHA / len(k)).sum())
        asked.append((rated, str(sample), str(owner), p_value, beyond, float((k / n).mean())))
    rows = []
    for rated, sample, owner, p_value, beyond, mean in asked:
        adjusted = min(1.0, p_value * len(asked))
        if adjusted < _ALPHA:
            rows.append(_row(rated, sample, owner, adjusted, beyond, mean))
    return conform(pd.DataFrame(rows, columns=list(IDENTITY.names)), IDENTITY)


def _owners(cohort: Cohort) -> pd.DataFrame:
    """Return the variants that only one patient has, with that patient as ``owner``."""
    seen = with_counts(cohort.calls)
    seen = seen.loc[seen["seen"], ["sample_id", *VARIANT]].merge(cohort.samples[["sample_id", "patient_id"]], on="sample_id")
    seen = seen[[*VARIANT, "patient_id"]].drop_duplicates()
    alone = ~seen.duplicated(VARIANT, keep=False)
    return seen[alone].rename(columns={"patient_id": "owner"})


def _row(rated: pd.DataFrame, sample: str, owner: str, p_value: float, beyond: int, mean: float) -> dict[str, Any]:
    best = rated.assign(vaf=rated["alt_count"] / rated["depth"]).sort_values(
        ["vaf", "chrom", "pos"], ascending=[False, True, True]
    )
    shown = [f"{v.chrom}:{v.pos} {v.ref}>{v.alt} {int(v.alt_count)}/{int(v.depth)}" for v in best.head(3).itertuples()]
    several = beyond >= 2
    why = "variants that only this other patient has" if several else "one variant: carried over, or a variant of its own"
    return {
        "check": "carry_over",
        "patient_id": rated["patient_id"].iloc[0],
        "sample_id": sample,
        "other_patient_id": owner,
        "n_sites": len(rated),
        "n_concordant": beyond,
        "contamination": mean,
        "p_value": p_value,
        "verdict": "contaminated" if several else "undecided",
        "warning": several,
        "note": f"{why}: {', '.join(shown)}",
    }
