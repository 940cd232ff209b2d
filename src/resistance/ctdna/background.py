"""Backgrounds of samples and controls, and variants -> the rate of errors that each variant is judged against."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

#: columns that :func:`error_rates` adds
RATES = ("error_rate", "error_rho", "error_source")
_ALL = "all"


def error_rates(
    variants: pd.DataFrame,
    background: pd.DataFrame,
    *,
    level: Literal["context", "substitution", "sample"] = "context",
    context: pd.Series | None = None,
) -> pd.DataFrame:
    """Return the variants with the rate at which the sequencing shows each by error.

    Parameters
    ----------
    variants : DataFrame
        ref and alt in the package's form ('-' for nothing).
    background : DataFrame
        Rows of schema BACKGROUND of one sample (or pooled, :func:`pooled_background`).
    level : {'context', 'substitution', 'sample'}
        context: the finest rate that is known; sample: a third of the sample's one rate for every substitution, as in ctDNAtools.
    context : Series of str, optional
        Reference base with its neighbours of each variant (ACG); NA, or without it: the rate of the substitution in any context.

    Returns
    -------
    DataFrame
        The variants with ``error_rate``, ``error_rho`` (over-dispersion, 0: binomial) and ``error_source``: context,
        substitution, sample, insertion, deletion; NA rates and the reason where there is none.  Several bases at once (MNV,
        deletion-insertion) take the largest rate of one of their substitutions: they need all of them, so it is an upper bound.
        An insertion or deletion takes the sample's rate of inserted or deleted positions of any length, an upper bound as well.
    """
    import pandas as pd

    known = {
        (s, c): row
        for s, c, row in zip(background["substitution"], background["context"], background.to_dict("records"), strict=True)
    }
    contexts = [None] * len(variants) if context is None else [None if pd.isna(c) else str(c) for c in context]
    rows = [
        _rate(str(ref), str(alt), around, known, level)
        for ref, alt, around in zip(variants["ref"], variants["alt"], contexts, strict=True)
    ]
    found = pd.DataFrame(rows, columns=list(RATES), index=variants.index)
    found[["error_rate", "error_rho"]] = found[["error_rate", "error_rho"]].astype("float64")
    return variants.drop(columns=list(RATES), errors="ignore").join(found)


def _rate(
    ref: str, alt: str, context: str | None, known: dict[tuple[str, str], dict[str, float]], level: str
) -> tuple[float | None, float | None, str]:
    import pandas as pd

    def taken(substitution: str, around: str, source: str, share: float = 1.0) -> tuple[float | None, float | None, str] | None:
        row = known.get((substitution, around))
        if row is None or pd.isna(row["rate"]):
            return None
        spread = row["alpha"] + row["beta"]
        return row["rate"] * share, 0.0 if pd.isna(spread) else 1.0 / (spread + 1.0), source

    none = (None, None, "no background was measured")
    if ref == "-" or alt == "-":
        kind = "insertion" if ref == "-" else "deletion"
        return taken(kind, _ALL, kind) or none
    if len(ref) != len(alt):
        # one of its parts must be read as an indel
        found = [x for x in (taken("insertion", _ALL, "insertion"), taken("deletion", _ALL, "deletion")) if x is not None]
        return max(found, key=lambda x: x[0] or 0.0) if found else none
    # a third of any wrong base is this one
    whole = taken(_ALL, _ALL, "sample", 1 / 3) or none
    if level == "sample":
        return whole
    steps = []
    for i, (r, a) in enumerate(zip(ref, alt, strict=True)):
        if r == a:
            continue
        name = f"{r}>{a}"
        around = context if context is not None and len(ref) == 1 and i == 0 else None
        step = taken(name, around, "context") if level == "context" and around is not None else None
        steps.append(step or taken(name, _ALL, "substitution") or whole)
    return max(steps, key=lambda x: x[0] or 0.0) if steps else none


def pooled_background(background: pd.DataFrame, samples: Collection[str], name: str = "controls") -> pd.DataFrame:
    """Return the background of several samples as one: counts summed, rates as one sample of that depth would have.

    Parameters
    ----------
    background : DataFrame
        Schema BACKGROUND.
    samples : collection of str
        Those to pool, such as the controls.
    name : str
        sample_id of the rows.

    Returns
    -------
    DataFrame
        Schema BACKGROUND.  ``rate``: the samples' rates weighted by depth; positions: the most of any sample;
        over-dispersion: the largest of a sample, on the safe side, since the spread between samples comes on top.
    """
    import numpy as np
    import pandas as pd
    from scipy.stats import beta

    from resistance.schemas import BACKGROUND
    from resistance.tables import conform, empty

    rows = background[background["sample_id"].isin(samples)]
    if rows.empty:
        return empty(BACKGROUND)
    depth, errors = rows["depth"].astype("float64"), rows["errors"].astype("float64")
    rho = (1.0 / (rows["alpha"] + rows["beta"] + 1.0)).fillna(0.0)
    table = rows.assign(depth=depth, errors=errors, weighted=(rows["rate"] * depth).fillna(0.0), rho=rho, plain=rows["rate"])
    keys = ["substitution", "context"]
    out = table.groupby(keys, sort=False, as_index=False).agg(
        positions=("positions", "max"), depth=("depth", "sum"), errors=("errors", "sum"), weighted=("weighted", "sum"),
        rho=("rho", "max"), plain=("plain", "mean"), n=("sample_id", "nunique"),
    )  # fmt: skip
    n, k = out["depth"].to_numpy(), out["errors"].to_numpy()
    # where no sample has a read, what each of them would take
    out["rate"] = np.where(n > 0, out["weighted"] / np.where(n > 0, n, 1.0), out["plain"])
    high = beta.ppf(0.95, k + 1, np.maximum(n - k, 1e-9))
    out["rate_high"] = np.where(n > 0, np.where(k < n, high, 1.0), np.nan)
    spread = 1.0 / out["rho"].where(out["rho"] > 0) - 1.0
    out["alpha"], out["beta"] = out["rate"] * spread, (1.0 - out["rate"]) * spread
    out["note"] = pd.Series([f"{int(count)} samples pooled" for count in out["n"]], dtype="object")
    out.insert(0, "sample_id", name)
    return conform(out[list(BACKGROUND.names)], BACKGROUND)
