"""Base counts of several healthy plasmas -> which positions and substitutions recur in them: the panel of normals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resistance.errors import InputError
from resistance.read.alignments.bases import KnownBases
from resistance.read.black_list import BlackList
from resistance.schemas import CONTROL_POSITIONS
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_ALTS = ("A", "C", "G", "T", "-")
#: share of positions, the highest, that the background of the controls is fitted without
_TRIMMED = 0.01


@dataclass(frozen=True)
class PanelRule:
    """When a wrong base of the controls is black-listed; any one suffices.

    Parameters
    ----------
    excess : float or None
        excess: two controls or more show it, and the controls' sum is larger than the background of its substitution (a
        beta-binomial over all positions but the highest hundredth) explains, at this family-wise level (Bonferroni over the panel).
    mean_vaf_quantile : float or None
        high: its mean fraction over the controls lies above this quantile of all substitutions (or positions) of the panel.
    min_controls_one, min_controls_two : int or None
        recurrent: at least so many controls show it in one observation; two: in two observations.  At depths of thousands
        every position meets them by error; they are for shallow or duplex data.
    min_depth : int
        A control counts at a position from this depth on.
    """

    excess: float | None = 0.05
    mean_vaf_quantile: float | None = None
    min_controls_one: int | None = None
    min_controls_two: int | None = None
    min_depth: int = 1


#: the rule of ctDNAtools in its manual's example with three controls
SHALLOW = PanelRule(excess=None, mean_vaf_quantile=0.99, min_controls_one=2, min_controls_two=1)


def control_positions(
    counts: Mapping[str, pd.DataFrame] | Iterable[tuple[str, pd.DataFrame]],
    bases: KnownBases,
    build: str,
    *,
    rule: PanelRule = PanelRule(),
    by_position: bool = False,
) -> pd.DataFrame:
    """Return what the controls show beside the reference.

    Parameters
    ----------
    counts : mapping of str to DataFrame, or iterable of pairs
        Control -> its counts, taken one after the other; every control has the same positions in the same order.
    bases : KnownBases
        Of these positions.
    build : str
    rule : PanelRule
    by_position : bool
        All non-reference bases of a position together (``alt`` is then 'N', and deletions do not count), as in a black list of
        loci.

    Returns
    -------
    DataFrame
        Schema CONTROL_POSITIONS, one row per substitution (deletion) that any control shows.  A fraction's denominator is the
        number of A, C, G and T (of a deletion: with the deletions).  The quantile is over all substitutions of all positions
        with a known base, those never seen included (three per position), linear between ranks.

    Raises
    ------
    InputError
        No control, or controls with other positions.
    """
    import numpy as np
    import pandas as pd

    known = bases.reference >= 0
    first: pd.DataFrame | None = None
    name_of_first = ""
    sums: dict[str, NDArray[np.float64]] = {}
    for name, table in counts.items() if isinstance(counts, Mapping) else counts:
        places = table[["chrom", "pos"]].reset_index(drop=True)
        if first is None:
            first, name_of_first = places, name
        elif not first.equals(places):
            raise InputError("the controls were counted at different positions", value=f"{name_of_first}, {name}")
        _add(sums, table, bases.reference, known, by_position, rule.min_depth)
    if first is None:
        raise InputError("the panel of normals has no control", remedy="Name alignments of healthy plasma.")
    if not known.any():
        return empty(CONTROL_POSITIONS)
    wrong = _wrong(bases.reference[known], by_position)
    used, one, two, alt, depth = (sums[key].astype(np.int64) for key in ("used", "one", "two", "alt", "depth"))
    mean = np.divide(sums["vaf"], used, out=np.zeros(used.shape), where=used > 0)
    shown = np.argwhere(wrong & (one > 0))
    if not len(shown):
        return empty(CONTROL_POSITIONS)
    at, which = shown[:, 0], shown[:, 1]
    reasons: dict[str, NDArray[np.bool_]] = {}
    if rule.excess is not None:
        chance = _excess(alt, depth, wrong, bases.reference[known])
        reasons["excess"] = (one[at, which] >= 2) & (chance[at, which] * wrong.sum() < rule.excess)
    if rule.mean_vaf_quantile is not None:
        # the quantile is over substitutions; a deletion is judged against the same line
        reasons["high"] = mean[at, which] > float(np.quantile(mean[:, :4][wrong[:, :4]], rule.mean_vaf_quantile))
    if rule.min_controls_one is not None:
        reasons["recurrent"] = one[at, which] >= rule.min_controls_one
    if rule.min_controls_two is not None:
        reasons["two"] = two[at, which] >= rule.min_controls_two
    words = [";".join(name for name, met in reasons.items() if met[i]) or None for i in range(len(shown))]
    letters = np.array(list("ACGT"), dtype=object)
    places = first.loc[known].reset_index(drop=True)
    frame = pd.DataFrame(
        {
            "build": build,
            "chrom": places["chrom"].to_numpy(dtype=object)[at],
            "pos": places["pos"].to_numpy(dtype=np.int64)[at],
            "ref": letters[bases.reference[known]][at],
            "alt": np.array(("N",) if by_position else _ALTS, dtype=object)[which],
            "controls": used[at, which],
            "controls_with": one[at, which],
            "controls_with_two": two[at, which],
            "depth": depth[at, which],
            "alt_count": alt[at, which],
            "mean_vaf": mean[at, which],
            "max_vaf": sums["max"][at, which],
            "listed": words,
        }
    )
    return conform(frame, CONTROL_POSITIONS)


def _add(
    sums: dict[str, NDArray[np.float64]],
    table: pd.DataFrame,
    reference: NDArray[np.int64],
    known: NDArray[np.bool_],
    by_position: bool,
    min_depth: int,
) -> None:
    """Add one control to the sums, shape (positions, alternatives): controls come one at a time, so that memory does not grow."""
    import numpy as np

    bases = table.loc[known, ["A", "C", "G", "T"]].to_numpy(dtype=np.int64)
    depth = bases.sum(axis=1)
    if by_position:
        alt = (depth - bases[np.arange(len(bases)), reference[known]])[:, None]
        reads = depth[:, None]
    else:
        gone = table.loc[known, "deletion"].to_numpy(dtype=np.int64) if "deletion" in table else np.zeros_like(depth)
        alt = np.column_stack([bases, gone])
        reads = np.column_stack([*([depth] * 4), depth + gone])
    enough = reads >= max(1, min_depth)
    alt, reads = np.where(enough, alt, 0), np.where(enough, reads, 0)
    vaf = np.divide(alt, reads, out=np.zeros(alt.shape), where=enough)
    for key, part in {"used": enough, "one": alt >= 1, "two": alt >= 2, "alt": alt, "depth": reads, "vaf": vaf}.items():
        sums[key] = sums.get(key, 0.0) + part
    sums["max"] = np.maximum(sums.get("max", 0.0), vaf)


def _excess(
    alt: NDArray[np.int64], depth: NDArray[np.int64], wrong: NDArray[np.bool_], reference: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the tail probability of each alternative's sum over the controls, given the other positions of its substitution."""
    import numpy as np

    from resistance.stats.beta_binomial import fit_beta_binomial, tail_probability

    errors, reads = alt, depth
    out = np.ones(errors.shape)
    for base in range(4):
        for column in range(errors.shape[1]):
            here = np.flatnonzero((reference == base) & wrong[:, column] & (reads[:, column] > 0))
            if here.size:
                # the highest hundredth would make the very spread that they are judged by
                usual = here[np.argsort(errors[here, column] / reads[here, column], kind="stable")]
                usual = usual[: here.size - int(np.ceil(_TRIMMED * here.size))] if here.size > 1 else here
                fit = fit_beta_binomial(errors[usual, column], reads[usual, column])
                # half an error more keeps a rate of 0 away
                mean = max(fit.mean, 0.5 / reads[here, column].sum())
                out[here, column] = tail_probability(errors[here, column], reads[here, column], mean, fit.rho)
    return out


def _wrong(reference: NDArray[np.int64], by_position: bool) -> NDArray[np.bool_]:
    import numpy as np

    if by_position:
        return np.ones((reference.size, 1), dtype=bool)
    return np.asarray(np.arange(5)[None, :] != reference[:, None], dtype=bool)


def black_list_of(positions: pd.DataFrame) -> BlackList:
    """Return the black-listed rows of a panel of normals: single alleles, and whole positions for ``alt`` 'N'."""
    listed = positions[positions["listed"].notna()]
    whole = listed["alt"] == "N"
    keys = listed.loc[~whole, ["chrom", "pos", "ref", "alt"]].itertuples(index=False, name=None)
    rows = listed.loc[whole, ["chrom", "pos"]].itertuples(index=False, name=None)
    return BlackList(
        tuple((chrom, int(pos) - 1, int(pos)) for chrom, pos in rows), frozenset((c, int(p), r, a) for c, p, r, a in keys)
    )
