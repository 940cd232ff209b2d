"""Small variants in anybody's spelling -> one canonical form: trimmed, MAF style, contigs without 'chr'.

The common suffix is trimmed first, then the common prefix.  ``pos`` is 1-based: the first base of
``ref``, or the base before an insertion (``ref`` is then '-'); ``alt`` '-' is a deletion.  Nothing
is shifted along the sequence unless asked (:meth:`Variant.left_aligned`), which needs the reference.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resistance.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

BUILDS = ("GRCh37", "GRCh38")
#: what stands in ``filter`` where some reads hold the allele and the genotype does not: counted, but no call
NOT_CALLED = "not_called"
_BUILD = re.compile(r"(?:grch|hg|b|hs|ncbi|ncbi build )?(37|19|38)(?:d5)?(?:[.-].*)?", re.IGNORECASE)
_BASES = re.compile(r"[ACGT]+")
#: PLINK and Firehose count the sex chromosomes on
_NUMBERED = {"23": "X", "24": "Y", "M": "MT"}
_REFSEQ = re.compile(r"NC_0000(\d\d)\.\d+")

EMPTY_ALLELE = "an allele is empty"
NOT_BASES = "an allele holds letters other than A, C, G and T"
SAME_ALLELES = "the alternative allele is the reference allele"
NO_POSITION = "the position is not 1 or more"


def build_name(name: str) -> str:
    """Return 'GRCh37' or 'GRCh38' for any usual name of the build (37, hg19, b37, hs37d5, GRCh38.p13 ...).

    Raises
    ------
    InputError
        The name is neither.
    """
    match = _BUILD.fullmatch(name.strip())
    if match is None:
        raise InputError("not a genome build this package knows", value=name, remedy="Use GRCh37 (hg19) or GRCh38 (hg38).")
    return "GRCh38" if match.group(1) == "38" else "GRCh37"


@functools.lru_cache(maxsize=4096)
def contig(name: str) -> str:
    """Return the contig's name without 'chr': 1..22, X, Y, MT; a contig it does not know is kept.

    Understands 'chr7', 'Chr7', 'M', '23' (X) and '24' (Y), '07', '7.0' and RefSeq ('NC_000007.13').

    Examples
    --------
    >>> contig("chrM"), contig("chrX"), contig("GL000219.1")
    ('MT', 'X', 'GL000219.1')
    """
    short = name.strip()
    refseq = _REFSEQ.fullmatch(short)
    if refseq is not None:
        short = str(int(refseq.group(1)))
    elif short.startswith("NC_012920"):
        return "MT"
    if short[:3].lower() == "chr" and len(short) > 3:
        short = short[3:]
    short = re.sub(r"^(\d+)\.0$", r"\1", short)
    short = re.sub(r"^0(\d)$", r"\1", short)
    if short.lower() in ("x", "y", "m", "mt"):
        short = short.upper()
    return _NUMBERED.get(short, short)


def contigs(names: pd.Series) -> pd.Series:
    """Return a column of contig names as :func:`contig` writes them; NA stays."""
    return names.map({name: contig(name) for name in names.dropna().unique()}).astype(names.dtype)


def refusal(ref: str, alt: str) -> str | None:
    """Return why two alleles are no small variant, or None."""
    ref, alt = ref.strip().upper(), alt.strip().upper()
    if not ref or not alt or ref == alt == "-":
        return EMPTY_ALLELE
    if any(allele != "-" and _BASES.fullmatch(allele) is None for allele in (ref, alt)):
        return NOT_BASES
    return SAME_ALLELES if ref == alt else None


def trim(pos: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Return the canonical position and alleles of a variant written in VCF or MAF style.

    Parameters
    ----------
    pos : int
        1-based: the first base of `ref` (VCF's anchor counts), or the base before where `ref` is '-'.
    ref, alt : str
        Bases in either case, or '-'.

    Returns
    -------
    pos, ref, alt

    Raises
    ------
    InputError
        An allele is empty or holds anything but A, C, G, T; both are equal; the position is below 1.

    Examples
    --------
    >>> trim(100, "CAG", "CG")
    (101, 'A', '-')
    >>> trim(100, "C", "CT")
    (100, '-', 'T')
    """
    why = refusal(ref, alt)
    if why is not None:
        raise InputError(why, value=f"{pos} {ref}>{alt}")
    shift, ref, alt = _trimmed(ref.strip().upper(), alt.strip().upper())
    if pos + shift < 1:
        raise InputError(NO_POSITION, value=f"{pos} {ref}>{alt}")
    return pos + shift, ref, alt


def _trimmed(ref: str, alt: str) -> tuple[int, str, str]:
    """Return how far the position moves, and the trimmed alleles."""
    # the position of '-' as reference is the base before the insertion
    anchor = 1 if ref == "-" else 0
    ref, alt = ref.replace("-", ""), alt.replace("-", "")
    end = 0
    while end < min(len(ref), len(alt)) and ref[-1 - end] == alt[-1 - end]:
        end += 1
    ref, alt = ref[: len(ref) - end], alt[: len(alt) - end]
    start = 0
    while start < min(len(ref), len(alt)) and ref[start] == alt[start]:
        start += 1
    ref, alt = ref[start:], alt[start:]
    shift = start + anchor - (0 if ref else 1)
    return shift, ref or "-", alt or "-"


def trim_columns(pos: pd.Series, ref: pd.Series, alt: pd.Series) -> pd.DataFrame:
    """Trim columns of variants as :func:`trim` does one, and say which cannot be.

    Parameters
    ----------
    pos : Series of int
        1-based; NA is allowed.
    ref, alt : Series of str
        As in :func:`trim`; NA is an empty allele.

    Returns
    -------
    DataFrame
        ``pos`` (Int64), ``ref``, ``alt`` and ``refused`` (why the row is no small variant, NA when it
        is one; its other columns are then not to be used), with the index of `pos`.
    """
    import numpy as np
    import pandas as pd

    text = pd.StringDtype(na_value=np.nan)
    ref_codes, refs = pd.factorize(ref.astype(text))
    alt_codes, alts = pd.factorize(alt.astype(text))
    # few pairs of alleles are distinct even in millions of rows, so each is trimmed once
    pair_codes, pairs = pd.factorize(ref_codes.astype("int64") * (len(alts) + 1) + alt_codes)
    shifts, out_ref, out_alt, why = [], [], [], []
    for pair in pairs:
        ref_code = (int(pair) + 1) // (len(alts) + 1)  # alt code -1 (NA) borrows from the next pair down
        alt_code = int(pair) - ref_code * (len(alts) + 1)
        one_ref = "" if ref_code < 0 else str(refs[ref_code]).strip().upper()
        one_alt = "" if alt_code < 0 else str(alts[alt_code]).strip().upper()
        reason = refusal(one_ref, one_alt)
        shift, one_ref, one_alt = (0, "-", "-") if reason else _trimmed(one_ref, one_alt)
        shifts.append(shift)
        out_ref.append(one_ref)
        out_alt.append(one_alt)
        why.append(reason)
    positions = pos.astype("Int64") + pd.Series(np.array(shifts, dtype="int64")[pair_codes], index=pos.index)

    def spread(values: list[str] | list[str | None]) -> pd.Series:
        return pd.Series(pd.array(values, dtype=text).take(pair_codes), index=pos.index)

    refused = spread(why)
    nowhere = refused.isna() & ~(positions >= 1).fillna(False).astype(bool)
    return pd.DataFrame(
        {"pos": positions, "ref": spread(out_ref), "alt": spread(out_alt), "refused": refused.mask(nowhere, NO_POSITION)}
    )


@dataclass(frozen=True, order=True)
class Variant:
    """One small variant, canonical whatever the spelling it was made from.

    Parameters
    ----------
    build : str
        Any name of GRCh37 or GRCh38.
    chrom : str
        Contig, with or without 'chr'.
    pos : int
        1-based, as in :func:`trim`.
    ref, alt : str
        Alleles in VCF or MAF style.

    Raises
    ------
    InputError
        It is no small variant (see :func:`trim`) or the build is unknown.

    Examples
    --------
    >>> Variant("hg19", "chr3", 38182641, "T", "C") == Variant("37", "3", 38182641, "T", "C")
    True
    """

    build: str
    chrom: str
    pos: int
    ref: str
    alt: str

    def __post_init__(self) -> None:
        pos, ref, alt = trim(self.pos, self.ref, self.alt)
        for name, value in (
            ("build", build_name(self.build)),
            ("chrom", contig(self.chrom)),
            ("pos", pos),
            ("ref", ref),
            ("alt", alt),
        ):
            object.__setattr__(self, name, value)

    def __str__(self) -> str:
        return f"{self.chrom}:{self.pos} {self.ref}>{self.alt} ({self.build})"

    @property
    def end(self) -> int:
        """Last reference base touched, 1-based (the base after, for an insertion)."""
        return self.pos + (1 if self.ref == "-" else len(self.ref) - 1)

    def left_aligned(self, base_at: Callable[[str, int], str]) -> Variant:
        """Return the same change as far left as it can stand, as VCF wants it (Tan 2015, PMID 25701572).

        In a repeat an insertion or deletion can be written at several places; only this makes two
        spellings that differ by more than their flanks equal.

        Parameters
        ----------
        base_at : callable
            Gives the reference base of a contig (named as here) at a 1-based position.
        """
        if "-" not in (self.ref, self.alt):
            return self
        moved, before = (self.alt, self.pos) if self.ref == "-" else (self.ref, self.pos - 1)
        while before > 1 and base_at(self.chrom, before).upper() == moved[-1]:
            moved = moved[-1] + moved[:-1]
            before -= 1
        if self.ref == "-":
            return Variant(self.build, self.chrom, before, "-", moved)
        return Variant(self.build, self.chrom, before + 1, moved, "-")

    def to_vcf(self, base_at: Callable[[str, int], str] | None = None) -> tuple[int, str, str]:
        """Return VCF's POS, REF and ALT.

        Parameters
        ----------
        base_at : callable, optional
            Gives the reference base of a contig (named as here) at a 1-based position; only an
            insertion or a deletion needs it, for VCF's anchor base.

        Raises
        ------
        InputError
            An insertion or a deletion, and no `base_at`.
        """
        if "-" not in (self.ref, self.alt):
            return self.pos, self.ref, self.alt
        if base_at is None:
            raise InputError(
                "VCF writes an insertion or deletion with the base before it, which needs the reference sequence",
                value=str(self),
                remedy="Give a reference sequence.",
            )
        if self.ref == "-":
            base = base_at(self.chrom, self.pos).upper()
            return self.pos, base, base + self.alt
        if self.pos == 1:  # VCF 4.x: before the first base there is none, so the base after is the anchor
            base = base_at(self.chrom, len(self.ref) + 1).upper()
            return 1, self.ref + base, base
        base = base_at(self.chrom, self.pos - 1).upper()
        return self.pos - 1, base + self.ref, base
