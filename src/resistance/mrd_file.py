"""A table of counts (sample, variant, depth, mutant observations) -> tests for minimal residual disease, without a cohort."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from resistance.config import Ctdna

_WANTED = "One row per sample and variant: sample_id, depth, alt_count, and variant or chrom, pos, ref, alt."
_PLACE = ("chrom", "pos", "ref", "alt")
_NUMBERS = ("depth", "alt_count", "tumour_vaf", "rate", "event_fragments", "event_alt", "event_multi")
_COUNTS = frozenset(("depth", "alt_count", "event_fragments", "event_alt", "event_multi"))
_SAMPLE_COLUMNS = (
    "sample_id", "method", "verdict", "p_value", "p_calibrated", "p_mid", "q_value", "n_sites", "n_sites_positive", "alt_count",
    "depth", "unit", "mean_vaf", "background_rate", "background", "statistic", "tumour_fraction", "p_asymptotic", "alpha",
    "decided_by", "false_positive_rate", "lob_vaf", "lod_vaf", "p_detect_1e3", "p_detect_1e4", "p_detect_1e5", "p_detect",
    "vaf_of_interest", "algorithm", "note",
)  # fmt: skip
_SITE_COLUMNS = (
    "sample_id", "variant", "event", "tumour_vaf", "depth", "alt_count", "vaf", "background_rate", "p_value", "used", "note",
)  # fmt: skip


@dataclass(frozen=True)
class Tested:
    """What the tests say.

    Parameters
    ----------
    samples : DataFrame
        One row per sample and method.
    sites : DataFrame
        One row per sample and variant.
    assumed : float or None
        The rate per allele that was assumed for want of a measured one.
    """

    samples: pd.DataFrame
    sites: pd.DataFrame
    assumed: float | None

    def lines(self) -> Iterator[str]:
        """Yield a line per sample and method."""
        import pandas as pd

        if self.assumed is not None:
            yield f"note: no background given: {self.assumed:g} per allele is assumed"
        for row in self.samples.to_dict("records"):
            if pd.isna(row["verdict"]):
                yield f"{row['sample_id']}  {row['method']}: not tested ({row['note']})"
                continue
            p = row[row["decided_by"]]
            limit = "none" if pd.isna(row["lod_vaf"]) else f"{row['lod_vaf']:.2g}"
            yield (
                f"{row['sample_id']}  {row['method']}: {row['verdict']}, p {p:.3g}; {row['alt_count']:.0f} of {row['depth']:.0f} at "
                f"{row['n_sites_positive']:.0f} of {row['n_sites']:.0f} sites; limit of detection {limit}, "
                f"P(detect {row['vaf_of_interest']:g}) {row['p_detect']:.2f}"
            )


def settings(methods: Sequence[str], **more: Any) -> Ctdna:
    """Return the settings of the tests.

    Raises
    ------
    InputError
        A value is out of its bounds.
    """
    from pydantic import ValidationError

    from resistance.config import Ctdna

    chosen = ["exact", "monte_carlo", "likelihood_ratio"] if "all" in methods else list(dict.fromkeys(methods))
    try:
        return Ctdna.model_validate({"mrd": {"methods": chosen, **more}})
    except ValidationError as error:
        found = error.errors()[0]
        # what concerns two options at once (alpha and draws) stands under the whole
        key = str(found["loc"][1]) if len(found["loc"]) > 1 else "draws"
        where = {"vaf_of_interest": "--vaf"}.get(key, f"--{key}")
        raise InputError(str(found["msg"]).removeprefix("Value error, "), path=where) from error


def mrd_of_counts(
    path: Path, settings: Ctdna, *, background_rate: float | None = None, background: Path | None = None, seed: int = 1
) -> Tested:
    """Test every sample of a table of counts.

    Parameters
    ----------
    path : Path
        TSV, CSV or XLSX.
    settings : config.Ctdna
        ``mrd`` and ``background_error_rate``.
    background_rate : float, optional
        Error rate of any wrong base in every sample.
    background : Path, optional
        Table with sample_id and rate (rows with a substitution other than 'all' are passed over), alpha and beta.
    seed : int

    Raises
    ------
    InputError
        Every cell that is wrong, together.
    """
    import numpy as np

    from resistance.ctdna.mrd import sample_sites, with_events, with_rates, with_site_p
    from resistance.ctdna.mrd_tests import run_tests

    sites = _read_counts(path)
    rates = _rates(sites, background_rate, background, settings)
    own = sites["rate"].copy() if "rate" in sites else None
    sites = with_rates(sites.drop(columns="rate", errors="ignore"), rates, settings)
    if own is not None:
        given = own.notna()
        sites.loc[given, "rate"], sites.loc[given, "precision"] = own[given], np.inf
        sites.loc[given, "rate_from"] = "of the variant itself, as given"
    if background is None:  # one rate for all was measured somewhere else
        sites["rate_from"] = sites["rate_from"].str.replace("of the sample's own background", "as given", regex=False)
    assumed = sites["rate_from"].str.startswith("assumed")
    sites = with_events(sites, settings)
    parts = dict(list(sites.groupby("sample_id", sort=False)))
    problems = {str(name): sample_sites(part[part["first"] & part["used"]]) for name, part in parts.items()}
    tested = run_tests(problems, settings.mrd, seed)
    said = {name: part.loc[part["used"], "rate_from"] for name, part in parts.items()}
    tested["background"] = tested["sample_id"].map({k: "; ".join(sorted(set(v))) or None for k, v in said.items()})
    units = {name: part.loc[part["used"], "unit"].dropna() for name, part in parts.items()}
    tested["unit"] = tested["sample_id"].map({k: v.iloc[0] if len(v) else None for k, v in units.items()})
    left = {name: int((~part["used"]).sum()) for name, part in parts.items()}
    tested["note"] = [_note(note, left[s], len(parts[s])) for s, note in zip(tested["sample_id"], tested["note"], strict=True)]
    every = with_site_p(sites, problems).rename(columns={"rate": "background_rate", "why": "note"})
    every = every.astype({"depth": "Int64", "alt_count": "Int64"})
    return Tested(
        tested.reindex(columns=list(_SAMPLE_COLUMNS)), every.reindex(columns=list(_SITE_COLUMNS)),
        settings.background_error_rate if assumed.any() else None,
    )  # fmt: skip


def _note(note: Any, left: int, n: int) -> str | None:
    words = [f"{left} of {n} variants were not read and do not count"] if 0 < left < n else []
    words += ["none of its variants was read: not assessed, which is not zero"] if left == n else []
    return "; ".join([*words, *([note] if isinstance(note, str) else [])]) or None


def _read_counts(path: Path) -> pd.DataFrame:
    import pandas as pd

    from resistance.read.sheet import read_sheet

    sheet = read_sheet(path).rename(columns={"sample": "sample_id"})
    missing = [name for name in ("sample_id", "depth", "alt_count") if name not in sheet]
    if "variant" not in sheet:
        missing += [name for name in _PLACE if name not in sheet]
    if missing:
        raise InputError([Problem("missing column", str(path), 1, name, remedy=_WANTED) for name in missing])
    if sheet.empty:
        raise InputError("holds no row", path=path, remedy=_WANTED)
    out = sheet.copy()
    problems: list[Problem] = []
    if "variant" not in out:
        out["variant"] = out["chrom"] + ":" + out["pos"] + out["ref"] + ">" + out["alt"]
    for name in ("sample_id", "variant"):
        problems += [Problem("is empty", str(path), int(out["_row"][i]), name) for i in out.index[out[name].isna()]]
    for name in _NUMBERS:
        if name not in out:
            continue
        number = pd.to_numeric(sheet[name], errors="coerce").astype("float64")
        bad = number.isna() & sheet[name].notna()
        why = "is not a number"
        if name in _COUNTS:
            bad |= (number < 0) | (number % 1 > 0)
            why = "is not a whole number from 0"
        else:
            bad |= (number < 0) | (number > 1)
            why = "is not a fraction between 0 and 1"
        problems += [Problem(why, str(path), int(out["_row"][i]), name, str(sheet[name][i])) for i in out.index[bad]]
        out[name] = number
    if not problems:
        for high, low in (("alt_count", "depth"), ("event_alt", "event_fragments")):
            if high in out and low in out:
                over = out.index[(out[high] > out[low]).to_numpy()]
                problems += [
                    Problem(f"more than {low} ({out[low][i]:.0f})", str(path), int(out["_row"][i]), high, f"{out[high][i]:.0f}")
                    for i in over
                ]
        twice = out.index[out.duplicated(["sample_id", "variant"])]
        problems += [
            Problem("the variant stands twice in this sample", str(path), int(out["_row"][i]), "variant", str(out["variant"][i]))
            for i in twice
        ]
    if problems:
        raise InputError(problems)
    for name in ("unit", "event", "event_fragments", "event_alt", "event_multi", "ref", "alt"):
        if name not in out:
            out[name] = pd.Series(None, index=out.index, dtype="object")
    if "tumour_vaf" not in out:
        out["tumour_vaf"] = float("nan")
    # counts of phased events are of fragments, whatever unit the table names for the sites
    out["unit"] = out["unit"].fillna("reads")
    # other columns of a user's table (note, vaf ...) must not meet ours of the same name
    kept = ("sample_id", "variant", "unit", "event", "ref", "alt", *_NUMBERS)
    return out[[name for name in kept if name in out]].reset_index(drop=True)


def _rates(sites: pd.DataFrame, rate: float | None, path: Path | None, settings: Ctdna) -> pd.DataFrame | None:
    """Return error rates as a table of schema BACKGROUND, one row per sample; None where none was given."""
    import pandas as pd

    if rate is not None:
        if not 0 <= rate < 1:
            raise InputError("is not a fraction between 0 and 1", path="--background-rate", value=rate)
        names = pd.Series(sites["sample_id"].unique())
        return pd.DataFrame({"sample_id": names, "substitution": "all", "context": "all", "depth": 1, "rate": rate, "alpha": float("nan"), "beta": float("nan")})  # fmt: skip
    if path is None:
        return None
    from resistance.read.sheet import read_sheet

    sheet = read_sheet(path)
    missing = [name for name in ("sample_id", "rate") if name not in sheet]
    if missing:
        raise InputError(
            [Problem("missing column", str(path), 1, name, remedy="sample_id and rate are needed.") for name in missing]
        )
    for name in ("substitution", "context"):
        if name in sheet:
            sheet = sheet[sheet[name] == "all"]
    problems = []
    out = sheet[["sample_id"]].assign(substitution="all", context="all", depth=1)
    for name in ("rate", "alpha", "beta"):
        text = sheet[name] if name in sheet else pd.Series(None, index=sheet.index, dtype="object")
        number = pd.to_numeric(text, errors="coerce").astype("float64")
        bad = (number.isna() & text.notna()) | (number < 0) | ((number >= 1) if name == "rate" else False)
        why = "is not a fraction between 0 and 1" if name == "rate" else "is not a number above 0"
        problems += [Problem(why, str(path), int(sheet["_row"][i]), name, str(text[i])) for i in sheet.index[bad]]
        out[name] = number
    for i in sheet.index[out["rate"].isna() & sheet["rate"].isna()]:
        problems.append(Problem("is empty", str(path), int(sheet["_row"][i]), "rate"))
    for i in sheet.index[out.duplicated("sample_id")]:
        problems.append(
            Problem("the sample stands twice", str(path), int(sheet["_row"][i]), "sample_id", str(out["sample_id"][i]))
        )
    needed = sites["sample_id"][sites["rate"].isna()] if "rate" in sites else sites["sample_id"]
    without = sorted(set(needed) - set(out["sample_id"]))
    if without:
        remedy = "Add its row, or give --background-rate for all."
        problems += [
            Problem("has no row for this sample of the counts", str(path), None, "sample_id", name, remedy) for name in without
        ]
    if problems:
        raise InputError(problems)
    return out.reset_index(drop=True)
