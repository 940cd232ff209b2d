"""Base counts of a sample's panel positions -> how often its sequencing shows each wrong base, by substitution and context."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resistance.dropped import Dropped
from resistance.read.alignments.bases import KnownBases
from resistance.read.black_list import BlackList
from resistance.schemas import BACKGROUND
from resistance.tables import conform

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

ALL = "all"
#: 6 substitutions of base pairs: the strand that was read does not count
PAIRS = ("C:G>A:T", "C:G>G:C", "C:G>T:A", "T:A>A:T", "T:A>C:G", "T:A>G:C")
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


@dataclass(frozen=True)
class BackgroundRule:
    """How the background is measured.

    Parameters
    ----------
    below : float
        Positions with a non-reference (inserted, deleted) fraction at or above this hold a variant and are left out.
    min_positions, min_errors : int
        Least positions, and errors, of a context for a beta-binomial of its own.
    """

    below: float = 0.1
    min_positions: int = 20
    min_errors: int = 5


def background_of(
    sample_id: str,
    counts: pd.DataFrame,
    bases: KnownBases,
    *,
    black_list: BlackList | None = None,
    leave_out: Collection[tuple[str, int]] = (),
    rule: BackgroundRule = BackgroundRule(),
    dropped: Dropped | None = None,
) -> pd.DataFrame:
    """Measure the background of one sample.

    Parameters
    ----------
    sample_id : str
    counts : DataFrame
        chrom, pos, A, C, G, T, and insertion and deletion where they were counted; one row per position.
    bases : KnownBases
        Of the same rows.
    black_list : BlackList, optional
        Its positions are left out; the reads of its substitutions are taken out of errors and depth.
    leave_out : collection of (chrom, pos)
        Positions of followed variants and known SNPs: what is seen there is no error.
    rule : BackgroundRule
    dropped : Dropped, optional
        Takes the positions that were left out, by reason.

    Returns
    -------
    DataFrame
        Schema BACKGROUND.  Rows: ``all`` (non-reference bases of any kind, rate = errors / depth, as in ctDNAtools); 12
        substitutions in any context and the 6 of base pairs; 192 substitutions in their trinucleotide; ``insertion`` (at the
        base before it) and ``deletion`` (deleted bases) where they were counted.  Beyond ``all``, ``rate`` is drawn towards a
        common one, so that no error seen does not make a rate of 0: substitutions towards a third of the whole rate (with half
        an error added), contexts towards their substitution.  The strength is how alike the groups are: the precision of a
        beta-binomial over them (without over-dispersion they all take the common rate).  ``alpha`` and ``beta`` hold the rate
        and the spread between positions.  errors / depth is the rate as measured.

    Notes
    -----
    A context is on the strand of the reference.  In a sample without a FASTA the reference base is the majority's (noted).
    """
    import numpy as np
    import pandas as pd

    from resistance.stats.error_rates import context_codes, folded, non_reference_rate, substitution_errors, without_substitutions

    table, reference, code, frame = _usable(counts, bases, black_list, leave_out, dropped)
    if black_list is not None and black_list.substitutions:
        rows, columns = _listed(frame, black_list)
        table = without_substitutions(table, rows, columns)
    whole = non_reference_rate(table, reference, below=rule.below)
    _count_left(dropped, reference, table, whole.used, rule)
    note = "reference bases are those of the majority of reads (no FASTA)" if bases.source == "majority" else ""
    common = (whole.errors + 0.5) / (whole.depth + 1) / 3 if whole.depth else float("nan")
    depth = table.sum(axis=1)
    right = table[np.arange(len(table)), np.maximum(reference, 0)]
    out = [_fitted(sample_id, ALL, ALL, (depth - right)[whole.used], depth[whole.used], whole.rate, rule, note)]
    square, depths, positions = substitution_errors(table, reference, whole.used)
    pairs = [(r, a) for r in range(4) for a in range(4) if r != a]
    shrunk = _drawn([square[p] for p in pairs], [depths[p] for p in pairs], common)
    of_substitution = dict(zip(pairs, shrunk, strict=True))
    for r, a in pairs:
        here = whole.used & (reference == r)
        out.append(_fitted(sample_id, _name(r, a), ALL, table[here, a], depth[here], of_substitution[r, a], rule, note))
    both, both_depth, both_positions = folded(square), folded(depths), folded(positions)
    folded_pairs = [(r, a) for r in (1, 3) for a in range(4) if r != a]
    for name, (r, a) in zip(PAIRS, folded_pairs, strict=True):
        mean = (of_substitution[r, a] + of_substitution[3 - r, 3 - a]) / 2
        if both_depth[r, a]:
            weights = depths[r, a], depths[3 - r, 3 - a]
            mean = float(np.average([of_substitution[r, a], of_substitution[3 - r, 3 - a]], weights=weights))
        out.append(
            _row(sample_id, name, ALL, int(both_positions[r, a]), int(both_depth[r, a]), int(both[r, a]), mean, None, note)
        )
    context = context_codes(reference, code[0], code[1])
    out += _contexts(sample_id, table, reference, context, whole.used, of_substitution, rule, note)
    for kind in ("insertion", "deletion"):
        if kind in frame:
            out.append(_indel(sample_id, kind, frame, depth, reference, rule, note))
    return conform(pd.DataFrame(out), BACKGROUND)


def _usable(
    counts: pd.DataFrame,
    bases: KnownBases,
    black_list: BlackList | None,
    leave_out: Collection[tuple[str, int]],
    dropped: Dropped | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[NDArray[np.int64], NDArray[np.int64]], pd.DataFrame]:
    """Return base counts, reference, neighbours and rows of the positions that are neither listed nor followed."""
    import numpy as np
    import pandas as pd

    pos = counts["pos"].to_numpy(dtype=np.int64)
    keep = np.ones(len(counts), dtype=bool)
    if black_list is not None:
        keep &= ~black_list.holds_positions(counts["chrom"], pos)
        _drop(dropped, "black-listed position", int((~keep).sum()))
    if leave_out:
        followed = pd.MultiIndex.from_tuples(sorted(set(leave_out)))
        inside = pd.MultiIndex.from_arrays([counts["chrom"], pos]).isin(followed)
        _drop(dropped, "position of a followed variant or a known SNP", int((keep & inside).sum()))
        keep &= ~inside
    frame = counts.loc[keep].reset_index(drop=True)
    table = frame[["A", "C", "G", "T"]].to_numpy(dtype=np.int64)
    return table, bases.reference[keep], (bases.before[keep], bases.after[keep]), frame


def _listed(frame: pd.DataFrame, black_list: BlackList) -> tuple[list[int], list[int]]:
    """Return row and base of each black-listed substitution that was counted."""
    row_of = {key: row for row, key in enumerate(zip(frame["chrom"], frame["pos"].astype(int), strict=True))}
    rows, columns = [], []
    for chrom, pos, _, alt in sorted(black_list.substitutions):
        row = row_of.get((chrom, pos))
        if row is not None and alt in "ACGT":
            rows.append(row)
            columns.append("ACGT".index(alt))
    return rows, columns


def _contexts(
    sample_id: str,
    table: NDArray[np.int64],
    reference: NDArray[np.int64],
    context: NDArray[np.int64],
    used: NDArray[np.bool_],
    of_substitution: dict[tuple[int, int], float],
    rule: BackgroundRule,
    note: str,
) -> list[dict[str, Any]]:
    import numpy as np

    from resistance.stats.error_rates import context_name

    rows = np.flatnonzero(used & (context >= 0))
    rows = rows[np.argsort(context[rows], kind="stable")]
    starts = np.searchsorted(context[rows], np.arange(65))
    depth = table.sum(axis=1)
    out = []
    for (r, a), centre in of_substitution.items():
        codes = [16 * before + 4 * r + after for before in range(4) for after in range(4)]
        parts = [rows[starts[c] : starts[c + 1]] for c in codes]
        errors, depths = [table[p, a].sum() for p in parts], [depth[p].sum() for p in parts]
        for c, part, mean in zip(codes, parts, _drawn(errors, depths, centre), strict=True):
            out.append(_fitted(sample_id, _name(r, a), context_name(c), table[part, a], depth[part], mean, rule, note))
    return out


def _drawn(errors: Iterable[Any], depth: Iterable[Any], centre: float) -> list[float]:
    """Return the rates of groups drawn towards `centre`, as strongly as the groups are alike."""
    import numpy as np

    from resistance.stats.beta_binomial import fit_beta_binomial, shrunken_rates

    k, n = np.asarray(list(errors), dtype=float), np.asarray(list(depth), dtype=float)
    fit = fit_beta_binomial(k, n, min_positions=3, min_errors=3)
    precision = 1.0 / fit.rho - 1.0 if fit.rho > 0 else np.inf
    return [float(x) for x in shrunken_rates(k, n, centre, precision)]


def _fitted(
    sample_id: str,
    substitution: str,
    context: str,
    errors: NDArray[np.int64],
    depth: NDArray[np.int64],
    rate: float,
    rule: BackgroundRule,
    note: str,
) -> dict[str, Any]:
    from resistance.stats.beta_binomial import fit_beta_binomial

    read = depth > 0
    fit = fit_beta_binomial(errors[read], depth[read], min_positions=rule.min_positions, min_errors=rule.min_errors)
    spread = 1.0 / fit.rho - 1.0 if fit.method == "beta_binomial" else None
    notes = [note] if note else []
    if spread is None:
        notes.append(f"binomial: {fit.reason}")
    return _row(sample_id, substitution, context, fit.n, int(depth.sum()), int(errors.sum()), rate, spread, "; ".join(notes))


def _indel(
    sample_id: str,
    kind: str,
    frame: pd.DataFrame,
    depth: NDArray[np.int64],
    reference: NDArray[np.int64],
    rule: BackgroundRule,
    note: str,
) -> dict[str, Any]:
    """Return the row of insertions (at the base before) or deleted bases."""
    import numpy as np

    errors = frame[kind].to_numpy(dtype=np.int64)
    # a deleted base is none of the four; an insertion stands beside the base that is counted
    reads = depth + errors if kind == "deletion" else depth
    errors = np.minimum(errors, reads)
    used = (reads > 0) & (reference >= 0)
    used[used] = errors[used] / reads[used] < rule.below
    rate = (errors[used].sum() + 0.5) / (reads[used].sum() + 1.0)
    return _fitted(sample_id, kind, ALL, errors[used], reads[used], float(rate), rule, note)


def _row(
    sample_id: str, substitution: str, context: str, positions: int, depth: int, errors: int, rate: float, spread: float | None,
    note: str,
) -> dict[str, Any]:  # fmt: skip
    from scipy.stats import beta

    high = None if depth == 0 else 1.0 if errors >= depth else float(beta.ppf(0.95, errors + 1, depth - errors))
    notes = [note] if note else []
    if depth == 0:
        notes.append("no read here: the rate is that of the whole sample" if rate == rate else "no read in the targets")
    return {
        "sample_id": sample_id,
        "substitution": substitution,
        "context": context,
        "positions": positions,
        "depth": depth,
        "errors": errors,
        "rate": rate,
        "rate_high": high,
        "alpha": None if spread is None else rate * spread,
        "beta": None if spread is None else (1 - rate) * spread,
        "note": "; ".join(notes) or None,
    }


def _name(reference: int, alt: int) -> str:
    return f"{'ACGT'[reference]}>{'ACGT'[alt]}"


def _count_left(
    dropped: Dropped | None, reference: NDArray[np.int64], table: NDArray[np.int64], used: NDArray[np.bool_], rule: BackgroundRule
) -> None:
    read = table.sum(axis=1) > 0
    _drop(dropped, "position without a usable read", int((~read).sum()))
    _drop(dropped, "reference base not known", int((read & (reference < 0)).sum()))
    _drop(dropped, f"non-reference fraction of {rule.below:g} or more", int((read & (reference >= 0) & ~used).sum()))


def _drop(dropped: Dropped | None, reason: str, n: int) -> None:
    if dropped is not None:
        dropped.add("background", ALL, reason, n)
