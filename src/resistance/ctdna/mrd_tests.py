"""Sites of samples (counts, background, tumour's allele fractions) -> one row per sample and test for minimal residual disease.

Knows no patient and no cohort: the stage (``ctdna/mrd.py``) and the command on a table of counts (``mrd_file.py``) share it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.config.plasma import Mrd
    from resistance.stats.mrd.limits import Limits

    Array = NDArray[np.float64]

#: VAFs at which the probability to detect is always given
VAFS = {"p_detect_1e3": 1e-3, "p_detect_1e4": 1e-4, "p_detect_1e5": 1e-5}
#: least rate a likelihood can be computed with
_ABOVE_ZERO = 1e-12


@dataclass(frozen=True)
class SampleSites:
    """What the tests need of one sample; arrays over its usable sites (depth at least 1).

    Parameters
    ----------
    alt, depth : array of int
    rate : array of float
        Error rate to the variant itself.
    precision : array of float
        alpha + beta of a beta-binomial background; infinity: binomial.
    tumour_vaf : array of float
        NaN where not known.
    controls : array of int, shape (controls, 2, sites), optional
        Counts and depths of control samples at the same sites.
    """

    alt: NDArray[np.int64]
    depth: NDArray[np.int64]
    rate: Array
    precision: Array
    tumour_vaf: Array
    controls: NDArray[np.int64] | None = None


def run_tests(samples: Mapping[str, SampleSites], settings: Mrd, seed: int) -> pd.DataFrame:
    """Run the tests of `settings` on every sample.

    Parameters
    ----------
    samples : mapping of SampleSites
        By name; a sample without a usable site has rows with NA.
    settings : config.Mrd
    seed : int
        Of the simulations.  Each sample is tested as if alone: neither order nor company changes its p.

    Returns
    -------
    DataFrame
        One row per sample and method (samples in the order given, methods in the order of the settings), with the columns of
        schema MRD that follow from the counts; ``note`` may be NA.
    """
    import numpy as np
    import pandas as pd

    from resistance.stats.multiplicity import benjamini_hochberg

    rows = []
    for name, sites in samples.items():
        for method in settings.methods:
            row: dict[str, Any] = {"sample_id": name, "method": method, **_observed(sites)}
            row |= {"alpha": settings.alpha, "vaf_of_interest": settings.vaf_of_interest}
            if len(sites.alt):
                row |= _TESTS[method](sites, settings, seed)
                row["verdict"] = _verdict(row, settings)
            rows.append(row)
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    for column in ("p_value", "p_calibrated", "note", "decided_by", "q_value"):
        if column not in table:
            table[column] = None
    decides = np.where(table["decided_by"] == "p_calibrated", table["p_calibrated"], table["p_value"]).astype("float64")
    table["q_value"] = np.nan
    for _, rows_of in table.groupby("method", sort=False).groups.items():
        at = table.index.get_indexer(rows_of)
        table.loc[rows_of, "q_value"] = benjamini_hochberg(decides[at])
    return table


def site_p_values(sites: SampleSites) -> Array:
    """Return P(as many mutant observations or more) under background of each site alone."""
    from resistance.stats.mrd.sites import make_sites, sites_own_p

    return sites_own_p(sites.alt, make_sites(sites.depth, sites.rate, sites.precision))


def _observed(sites: SampleSites) -> dict[str, Any]:
    n = len(sites.alt)
    row: dict[str, Any] = {"n_sites": n}
    if n:
        row |= {
            "n_sites_positive": int((sites.alt > 0).sum()), "alt_count": int(sites.alt.sum()), "depth": int(sites.depth.sum()),
            "mean_vaf": float((sites.alt / sites.depth).mean()), "background_rate": float(sites.rate.mean()),
        }  # fmt: skip
    return row


def _verdict(row: dict[str, Any], settings: Mrd) -> str | None:
    import math

    p = row.get(row.get("decided_by") or "p_value", math.nan)
    if p is None or math.isnan(p):
        return None
    if p <= settings.alpha:
        return "positive"
    return "negative" if row["p_detect"] >= settings.power else "underpowered"


def _of_limits(limits: Limits) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip((*VAFS, "p_detect"), limits.detect, strict=True))
    return row | {"false_positive_rate": limits.size, "lob_vaf": limits.lob_vaf, "lod_vaf": limits.lod_vaf}


def _positivity_limits(sites: SampleSites, settings: Mrd, rule: Any) -> dict[str, Any]:
    shares = None if _none_known(sites) else tuple(_shares(sites).tolist())
    found = _limits(
        tuple(sites.depth.tolist()), tuple(sites.rate.tolist()), tuple(sites.precision.tolist()), shares, settings.alpha,
        settings.power, settings.vaf_of_interest, rule,
    )  # fmt: skip
    row = _of_limits(found)
    if found.lod_vaf != found.lod_vaf:
        row["note"] = "no limit of detection: at this depth and background no VAF is found with the wanted power"
    return row


@lru_cache(maxsize=4096)
def _limits(
    depth: tuple[int, ...], rate: tuple[float, ...], precision: tuple[float, ...], shares: tuple[float, ...] | None,
    alpha: float, power: float, vaf: float, rule: Any,
) -> Limits:  # fmt: skip
    from resistance.stats.mrd.limits import limits
    from resistance.stats.mrd.sites import make_sites

    vafs = (*VAFS.values(), vaf)
    return limits(make_sites(depth, rate, precision), alpha=alpha, power=power, vafs=vafs, tumour_vafs=shares, rule=rule)


def _none_known(sites: SampleSites) -> bool:
    return bool((sites.tumour_vaf != sites.tumour_vaf).all())


def _shares(sites: SampleSites) -> Array:
    """Return the tumour's VAFs, the mean of those known where one is not (or is 0)."""
    import numpy as np

    known = np.where(sites.tumour_vaf > 0, sites.tumour_vaf, np.nan)
    return np.where(np.isnan(known), np.nanmean(known), known) if not np.isnan(known).all() else np.ones(len(known))


def _monte_carlo(sites: SampleSites, settings: Mrd, seed: int) -> dict[str, Any]:
    from resistance.stats.mrd.monte_carlo import monte_carlo_test

    found = monte_carlo_test(sites.alt, sites.depth, sites.rate, sites.precision, draws=settings.draws, seed=seed)
    row = {
        "statistic": found.mean_vaf, "p_value": found.p_value, "decided_by": "p_value",
        "algorithm": f"{found.draws} draws: ({found.successes} + 1) / ({found.draws} + 1)",
    }  # fmt: skip
    return row | _positivity_limits(sites, settings, "p_value")


def _exact(sites: SampleSites, settings: Mrd, seed: int) -> dict[str, Any]:
    from resistance.stats.mrd.exact import exact_test
    from resistance.stats.mrd.limits import calibrated_p
    from resistance.stats.mrd.sites import make_sites

    found = exact_test(sites.alt, sites.depth, sites.rate, sites.precision)
    valid = calibrated_p(found, sites.alt, make_sites(sites.depth, sites.rate, sites.precision))
    row = {
        "statistic": found.mean_vaf, "p_value": found.p_value, "p_calibrated": valid.p_value, "p_mid": valid.mid_p,
        "decided_by": "p_calibrated", "algorithm": found.algorithm,
    } | _positivity_limits(sites, settings, "calibrated")  # fmt: skip
    if valid.bound:
        limit = "p_calibrated and p_mid are upper bounds (sites x p)"
        row["note"] = f"{row['note']}; {limit}" if "note" in row else limit
    return row


def _likelihood_ratio(sites: SampleSites, settings: Mrd, seed: int) -> dict[str, Any]:
    import numpy as np

    from resistance.stats.mrd.likelihood_ratio import likelihood_ratio, likelihood_ratio_test

    if _none_known(sites):
        return {"note": "needs the tumour's allele fraction of at least one variant: not tested"}
    shares, rate = _shares(sites), np.maximum(sites.rate, _ABOVE_ZERO)
    found = likelihood_ratio_test(
        sites.alt, sites.depth, rate, shares, sites.precision, draws=settings.draws, seed=seed, alpha=settings.alpha,
        power=settings.power, vafs=(*VAFS.values(), settings.vaf_of_interest),
    )  # fmt: skip
    row = {
        "statistic": found.result.ratio, "tumour_fraction": found.result.tumour_fraction, "p_value": found.p_value,
        "p_calibrated": found.p_value, "p_asymptotic": found.p_asymptotic, "decided_by": "p_value",
        "algorithm": f"{settings.draws} draws from the background",
    } | _of_limits(found.limits)  # fmt: skip
    notes = []
    guessed = int((~(sites.tumour_vaf > 0)).sum())
    if guessed:
        notes.append(f"{guessed} of {len(shares)} sites without a tumour VAF: the mean of the others stands for it")
    if sites.controls is not None and len(sites.controls):
        ratios = []
        for alt, depth in sites.controls:
            read = depth > 0
            if read.any():
                ratios.append(likelihood_ratio(alt[read], depth[read], rate[read], shares[read]).ratio * read.sum())
        if ratios:
            observed = found.result.ratio * len(shares)
            row["p_controls"] = (1 + sum(r >= observed - 1e-9 for r in ratios)) / (1 + len(ratios))
            row["n_controls"] = len(ratios)
    if notes:
        row["note"] = "; ".join(notes)
    return row


_TESTS: dict[str, Callable[[SampleSites, Mrd, int], dict[str, Any]]] = {
    "monte_carlo": _monte_carlo,
    "exact": _exact,
    "likelihood_ratio": _likelihood_ratio,
}
