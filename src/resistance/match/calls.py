"""Calls and effects -> the calls that change a gene, in arrays sorted by gene, and counts of those that no marker can use."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from resistance.match.words import MOST_CALLS, joined
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
#: what a marker looks at in an effect
_TOLD = ("effect_class", "hgvsc", "hgvsp", "residue", "domain", "aliases", "flags")


@dataclass(frozen=True)
class Coded:
    """A column of words joined by ';': a number per call, and the words of each number (-1: none)."""

    code: NDArray[np.intp]
    words: tuple[frozenset[str], ...]

    def having(self, rows: NDArray[np.intp], accepts: Callable[[str], bool]) -> NDArray[np.bool_]:
        """Return which calls have a word that is accepted."""
        fitting = [i for i, words in enumerate(self.words) if any(accepts(word) for word in words)]
        return np.isin(self.code[rows], fitting)


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
    aliases, domains : Coded
        Protein changes on other transcripts (``L265P@ENST00000396334.3``), and the parts of the protein touched.
    table : DataFrame
        The calls with their effects, in the order of the arrays.
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
    aliases: Coded
    domains: Coded
    table: pd.DataFrame
    of_gene: dict[str, slice]

    def rows(self, genes: Iterable[str]) -> NDArray[np.intp]:
        """Return the positions of the calls in `genes`."""
        parts = [np.arange(s.start, s.stop) for s in (self.of_gene.get(gene) for gene in genes) if s is not None]
        return np.concatenate(parts).astype(np.intp) if parts else np.zeros(0, dtype=np.intp)

    @functools.cached_property
    def _cells(self) -> tuple[NDArray[Any], ...]:
        names = ("gene", "hgvsp", "aliases", "hgvsc", "chrom", "pos", "ref", "alt", "sample_id")
        words = [shared(self.table[name]) for name in names]
        return (*words, self.vaf, self.table["depth"].to_numpy(dtype=np.float64, na_value=np.nan))

    @functools.cached_property
    def _texts(self) -> dict[int, str]:
        return {}

    def text(self, row: int) -> str:
        """Return a call in words: gene, change, sample, VAF and depth where known."""
        known = self._texts.get(row)
        if known is None:
            known = self._texts[row] = _text(*(cells[row] for cells in self._cells))
        return known

    def words(self, rows: NDArray[np.intp], starts: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return the calls of each stretch ``rows[start:next start]`` in words."""
        out = np.empty(len(starts), dtype=object)
        for i, (start, stop) in enumerate(zip(starts, np.r_[starts[1:], len(rows)], strict=True)):
            first = [self.text(int(row)) for row in rows[start : min(stop, start + MOST_CALLS)]]
            out[i] = joined(first, int(stop - start))
        return out


def find_hits(
    cohort: Cohort,
    effects: pd.DataFrame,
    units: Units,
    genes: Sequence[str] | None,
    dropped: Dropped,
    phased: pd.DataFrame | None = None,
) -> Hits:
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
    phased : DataFrame, optional
        Schema ``phased_effects``: what variants of one copy do together, in place of `effects`; they count
        as one variant.
    """
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
    wanted = wanted[[*_VARIANT, "gene", *_TOLD]].drop_duplicates([*_VARIANT, "gene"])
    calls = calls[calls["pos"].isin(wanted["pos"].unique())]
    found = with_phased(calls.merge(wanted, on=_VARIANT, how="inner"), phased)
    silent = found["effect_class"].isin(SILENT).to_numpy(dtype=bool)
    _count(found, silent, "silent or non-coding in a gene of the markers", dropped)
    found = found[~silent].sort_values(["gene", "_unit", "chrom", "pos", "ref", "alt", "sample_id"], kind="stable")
    found = found.reset_index(drop=True)

    names = shared(found["gene"])
    starts = np.flatnonzero(np.r_[True, names[1:] != names[:-1]]) if len(names) else np.zeros(0, dtype=np.intp)
    stops = np.r_[starts[1:], len(names)] if len(names) else starts
    hgvsp = shared(found["hgvsp"].fillna(""))
    codes, distinct = found["hgvsp"].str.extract(r"^([A-Z*])\d", expand=False).fillna("").factorize()
    return Hits(
        unit=found["_unit"].to_numpy(dtype=np.intp),
        variant=_variant_numbers(found),
        effect_class=shared(found["effect_class"]),
        hgvsp=hgvsp,
        letter=np.asarray(distinct, dtype=object)[codes],
        residue=found["residue"].to_numpy(dtype=np.float64, na_value=np.nan),
        vaf=found["vaf"].to_numpy(dtype=np.float64),
        aliases=_coded(found["aliases"]),
        domains=_coded(found["domain"]),
        table=found,
        of_gene={str(names[a]): slice(int(a), int(b)) for a, b in zip(starts, stops, strict=True)},
    )


def with_phased(found: pd.DataFrame, phased: pd.DataFrame | None, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Return calls with their effects, those of variants that are read together in place of their own.

    Parameters
    ----------
    found : DataFrame
        sample_id, chrom, pos, ref, alt, gene and the effect's columns.
    phased : DataFrame or None
        Schema ``phased_effects``.
    columns : sequence of str
        Further columns of the effect to replace.

    Returns
    -------
    DataFrame
        Also ``members``: all variants that were read together; NA for others.
    """
    key = ["sample_id", *_VARIANT, "gene"]
    told = [*_TOLD, *columns]
    if phased is None or phased.empty:
        return found.assign(members=None)
    new = found[key].merge(phased[[*key, "members", *told]], on=key, how="left")
    joined = new["members"].notna().to_numpy(dtype=bool)
    out = found.assign(members=new["members"].to_numpy(dtype=object))
    return out.assign(**{name: out[name].mask(joined, new[name].set_axis(out.index)) for name in told})


def _variant_numbers(found: pd.DataFrame) -> NDArray[np.intp]:
    """Number the variants; those of one copy that are read together are one, in all samples of the unit."""
    number = found.groupby(_VARIANT, sort=False).ngroup().to_numpy(dtype=np.intp)
    members = found["members"]
    if members.notna().any():  # another sample of the unit may hold the same variants without their phase
        members = members.groupby([found["_unit"].to_numpy(), number]).transform("first")
    code, _ = members.factorize()
    return np.asarray(np.where(code >= 0, len(found) + code, number), dtype=np.intp)


def _coded(values: pd.Series) -> Coded:
    code, distinct = values.factorize()
    return Coded(code.astype(np.intp), tuple(frozenset(str(cell).split(";")) for cell in distinct))


def shared(values: pd.Series) -> NDArray[np.object_]:
    """Return values as Python objects, equal ones the same object (None for NA): a text a million times takes its room once."""
    codes, distinct = values.factorize()
    known = np.empty(len(distinct) + 1, dtype=object)  # the last one, None, is what a code of -1 points at
    known[:-1] = distinct
    return np.asarray(known[codes], dtype=object)


def _text(
    gene: str,
    hgvsp: Any,
    aliases: Any,
    hgvsc: Any,
    chrom: str,
    pos: int,
    ref: str,
    alt: str,
    sample: str,
    vaf: float,
    depth: float,
) -> str:
    if hgvsp:
        others = ", ".join(alias.replace("@", " on ") for alias in str(aliases or "").split(";") if alias)
        change = f"p.{hgvsp} ({others})" if others else f"p.{hgvsp}"
    elif hgvsc:
        change = hgvsc
    else:
        change = f"{chrom}:{pos} {ref}>{alt}"
    text = f"{gene} {change} in {sample}"
    if vaf == vaf:
        text += f", VAF {vaf:.3g}"
    return text + (f", depth {int(depth)}" if depth == depth else "")


def _count(calls: pd.DataFrame, rows: NDArray[np.bool_], reason: str, dropped: Dropped) -> None:
    if not rows.any():
        return
    out = calls[rows]
    for source, part in out.groupby("source", sort=True):
        first = part.iloc[0]
        example = f"{first['sample_id']} {first['chrom']}:{first['pos']} {first['ref']}>{first['alt']}"
        dropped.add("calls", str(source), reason, len(part), example)
