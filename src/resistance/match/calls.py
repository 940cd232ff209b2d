"""Calls and effects -> the calls that change a gene, in arrays sorted by gene, and counts of those that no marker can use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.variant import NOT_CALLED

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.cohort import Cohort
    from resistance.dropped import Dropped
    from resistance.match.units import Units

#: effect classes that never make a marker present
SILENT = ("synonymous", "noncoding")
_VARIANT = ["chrom", "pos", "ref", "alt"]


@dataclass(frozen=True)
class Hits:
    """Calls that change a gene, sorted by gene, unit and position; one entry per call and gene.

    Parameters
    ----------
    unit, variant : ndarray of int
        Unit of the call; number of the variant (equal for the same variant).
    effect_class, hgvsp, letter : ndarray of str
        Class; protein change or ''; its first amino acid or ''.
    residue : ndarray of float
        First changed residue or NaN.
    vaf : ndarray of float
        0..1 or NaN.
    text : ndarray of str
        The call in words: gene, change, sample, VAF and depth where known.
    of_gene : dict
        Gene -> slice of the arrays.
    """

    unit: NDArray[np.intp]
    variant: NDArray[np.intp]
    effect_class: NDArray[np.object_]
    hgvsp: NDArray[np.object_]
    letter: NDArray[np.object_]
    residue: NDArray[np.float64]
    vaf: NDArray[np.float64]
    text: NDArray[np.object_]
    of_gene: dict[str, slice]

    def rows(self, genes: Iterable[str]) -> NDArray[np.intp]:
        """Return the positions of the calls in `genes`."""
        parts = [np.arange(s.start, s.stop) for s in (self.of_gene.get(gene) for gene in genes) if s is not None]
        return np.concatenate(parts).astype(np.intp) if parts else np.zeros(0, dtype=np.intp)


def find_hits(cohort: Cohort, effects: pd.DataFrame, units: Units, genes: Sequence[str] | None, dropped: Dropped) -> Hits:
    """Join calls and effects.

    Parameters
    ----------
    cohort : Cohort
    effects : DataFrame
        Schema ``effects``, one row per variant and gene.
    units : Units
    genes : sequence of str or None
        Genes wanted; None: all.
    dropped : Dropped
        Takes, per source, the calls of germline samples, those that were looked for and not seen
        (alt_count 0), those that the caller did not call (:data:`resistance.variant.NOT_CALLED`), those
        without annotation, and the silent or non-coding ones in wanted genes.
    """
    import pandas as pd

    calls = cohort.calls
    unit = units.locate(calls["sample_id"])
    _count(calls, unit < 0, "calls of germline samples make no marker present", dropped)
    seen = (calls["alt_count"].isna() | (calls["alt_count"] > 0)).to_numpy(dtype=bool)
    _count(calls, (unit >= 0) & ~seen, "looked for, but no read supports the variant", dropped)
    called = (calls["filter"] != NOT_CALLED).fillna(True).to_numpy(dtype=bool)
    _count(calls, (unit >= 0) & seen & ~called, "some reads, but the caller's genotype is without the variant", dropped)
    calls = calls.assign(_unit=unit)[(unit >= 0) & seen & called]

    # positions first: an integer look-up, so that a genome's calls never reach the join on text
    near = calls["pos"].isin(effects["pos"].unique()).to_numpy(dtype=bool)
    annotated = np.zeros(len(calls), dtype=bool)
    known = calls.loc[near, _VARIANT].merge(effects[_VARIANT].drop_duplicates(), on=_VARIANT, how="left", indicator=True)
    annotated[near] = (known["_merge"] == "both").to_numpy(dtype=bool)
    _count(calls, ~annotated, "no effect on a gene is known", dropped)
    wanted = effects if genes is None else effects[effects["gene"].isin(list(genes))]
    columns = [*_VARIANT, "gene", "effect_class", "hgvsc", "hgvsp", "residue"]
    wanted = wanted[columns].drop_duplicates([*_VARIANT, "gene"])
    calls = calls[calls["pos"].isin(wanted["pos"].unique())]
    found = calls.merge(wanted, on=_VARIANT, how="inner")
    silent = found["effect_class"].isin(SILENT).to_numpy(dtype=bool)
    _count(found, silent, "silent or non-coding in a gene of the markers", dropped)
    found = found[~silent].sort_values(["gene", "_unit", "chrom", "pos", "ref", "alt", "sample_id"], kind="stable")
    found = found.reset_index(drop=True)

    names = found["gene"].astype("object").to_numpy()
    starts = np.flatnonzero(np.r_[True, names[1:] != names[:-1]]) if len(names) else np.zeros(0, dtype=np.intp)
    stops = np.r_[starts[1:], len(names)] if len(names) else starts
    hgvsp = found["hgvsp"].astype("object").where(found["hgvsp"].notna(), "")
    letter = hgvsp.astype(pd.StringDtype(na_value=np.nan)).str.extract(r"^([A-Z*])\d", expand=False)
    return Hits(
        unit=found["_unit"].to_numpy(dtype=np.intp),
        variant=found.groupby(_VARIANT, sort=False).ngroup().to_numpy(dtype=np.intp),
        effect_class=found["effect_class"].to_numpy(dtype=object),
        hgvsp=hgvsp.to_numpy(dtype=object),
        letter=letter.astype("object").where(letter.notna(), "").to_numpy(dtype=object),
        residue=found["residue"].to_numpy(dtype=np.float64, na_value=np.nan),
        vaf=found["vaf"].to_numpy(dtype=np.float64),
        text=_texts(found),
        of_gene={str(names[a]): slice(int(a), int(b)) for a, b in zip(starts, stops, strict=True)},
    )


def _texts(found: pd.DataFrame) -> NDArray[np.object_]:
    cells = zip(
        *(found[name].astype("object") for name in ("gene", "hgvsp", "hgvsc", "chrom", "pos", "ref", "alt", "sample_id", "vaf", "depth")),
        strict=True,
    )  # fmt: skip
    out = np.empty(len(found), dtype=object)
    for i, cell in enumerate(cells):
        out[i] = _text(*cell)
    return out


def _text(gene: str, hgvsp: Any, hgvsc: Any, chrom: str, pos: int, ref: str, alt: str, sample: str, vaf: Any, depth: Any) -> str:
    if isinstance(hgvsp, str) and hgvsp:
        change = f"p.{hgvsp}"
    elif isinstance(hgvsc, str) and hgvsc:
        change = hgvsc
    else:
        change = f"{chrom}:{pos} {ref}>{alt}"
    text = f"{gene} {change} in {sample}"
    if vaf == vaf and vaf is not None:
        text += f", VAF {vaf:.3g}"
    # pandas' NA is not equal to itself in a way that can be asked; only numbers are integers here
    return text + (f", depth {int(depth)}" if isinstance(depth, int | np.integer) else "")


def _count(calls: pd.DataFrame, rows: NDArray[np.bool_], reason: str, dropped: Dropped) -> None:
    if not rows.any():
        return
    out = calls[rows]
    for source, part in out.groupby("source", sort=True):
        first = part.iloc[0]
        example = f"{first['sample_id']} {first['chrom']}:{first['pos']} {first['ref']}>{first['alt']}"
        dropped.add("calls", str(source), reason, len(part), example)
