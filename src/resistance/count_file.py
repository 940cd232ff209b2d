"""A BAM or CRAM and a file of variants -> a table of counts, and one of what the filters dropped; no cohort."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from resistance.config import Alignments
from resistance.errors import InputError
from resistance.read.alignments.count import NEITHER, OTHER_BASE, SAME_CHANGE, count_sample
from resistance.read.alignments.opened import build_of
from resistance.read.alignments.targets import read_targets
from resistance.read.alignments.variants_file import read_variants
from resistance.regions import Regions
from resistance.tables import write_tsv

#: note in the table -> what it means for the file of variants
_BEWARE = {
    OTHER_BASE: "another reference base than they name; is their build or strand another?",
    NEITHER: "another allele than they name in most reads; is their build or strand another?",
    SAME_CHANGE: "written twice; a sum over the table counts them twice",
}


@dataclass(frozen=True)
class Counted:
    """What was written.

    Parameters
    ----------
    variants : int
        Rows of the table.
    read : int
        Of these with a depth above 0.
    present : int
        Of these with at least one observation of the variant.
    dropped : list of (str, str, int)
        Unit, reason and number, of reasons that dropped something.
    """

    variants: int
    read: int
    present: int
    dropped: list[tuple[str, str, int]]


def count_file(
    path: Path,
    variants: Path,
    out: Path,
    settings: Alignments,
    *,
    build: str | None = None,
    sample: str | None = None,
    warn: Callable[[str], None] = lambda _: None,
) -> Counted:
    """Force-call the variants of a file in one alignment file.

    Parameters
    ----------
    path : Path
        Indexed BAM or CRAM.
    variants : Path
        See :func:`resistance.read.alignments.variants_file.read_variants`.
    out : Path
        Table of counts (schema ``pileup``, TSV); what the filters dropped (schema ``read_counts``) stands beside it,
        named ``.filters.tsv``.
    settings : config.Alignments
        Its paths are relative to the working folder.
    build : str, optional
        Default: by the lengths of the contigs.
    sample : str, optional
        The read groups have to be of it.  Default: the sample they name.
    warn : callable
        Takes a sentence.

    Raises
    ------
    InputError
        As :func:`resistance.read.alignments.count.count_sample`; the build cannot be told.  Nothing is written then.
    """
    beside = filters_path(out)
    for target in (out, beside):
        if target.resolve() in (path.resolve(), variants.resolve()):
            raise InputError("is read by this command", path=target, remedy="Give another path for the table.")
    build = build or build_of(path)
    if build is None:
        raise InputError("the build cannot be told from the contigs", path=path, remedy="Give --build GRCh37 or GRCh38.")
    wanted, left = read_variants(variants, build)
    for reason, n, example in left:
        warn(f"left out: {n} x {reason} (such as {example})")
    targets = None
    if settings.targets is not None:
        targets = Regions([(t.chrom, t.start, t.end) for t in read_targets(Path(settings.targets), build)])
    tables = count_sample(path, wanted, settings, sample_id=sample, build=build, targets=targets)
    pileup, counts = tables["pileup"], tables["read_counts"]
    if targets is not None and not targets.hold(wanted).any():
        warn(f"all {len(wanted)} variants lie outside the regions of {settings.targets}: was another panel meant?")
    if not (pileup["depth"] > 0).any():
        warn(f"no variant was read: {pileup['note'].iloc[0]}")
    for words, what in _BEWARE.items():
        said = pileup[pileup["note"].str.contains(words, regex=False).fillna(False).astype(bool)]
        if len(said):
            one = said.iloc[0]
            warn(
                f"{len(said)} of {len(pileup)} variants: {what} ({one['chrom']}:{one['pos']} {one['ref']}>{one['alt']}: {one['note']})"
            )
    write_tsv(pileup, out)
    write_tsv(counts, beside)
    lost = counts[~counts["reason"].isin(("seen", "kept")) & ~counts["reason"].str.startswith("of size") & (counts["n"] > 0)]
    dropped = [(str(row.unit), str(row.reason), int(row.n)) for row in lost.itertuples()]
    return Counted(len(pileup), int((pileup["depth"] > 0).sum()), int((pileup["alt_count"] > 0).sum()), dropped)


def filters_path(out: Path) -> Path:
    """Return where the table of filters stands beside a table of counts.

    Examples
    --------
    >>> filters_path(Path("a/counts.tsv")).as_posix()
    'a/counts.filters.tsv'
    """
    return out.with_name(f"{out.name.removesuffix('.tsv')}.filters.tsv")
