"""A BED of the panel -> its regions with their names, merged where they overlap, on the contigs of an alignment file."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from resistance.errors import InputError, Problem
from resistance.read.bed import bed_rows
from resistance.variant import contig

#: first cells of the header of a table of regions that is no BED: positions count from 1 and both ends belong to the region
_HEADERS = ("chr", "chrom", "chromosome", "seqnames", "contig")


@dataclass(frozen=True, order=True)
class Target:
    """A region of a panel.

    Parameters
    ----------
    chrom : str
        Without 'chr'.
    start, end : int
        Half-open, 0-based.
    name : str
        As in the BED's fourth column, else chrom:start-end.
    """

    chrom: str
    start: int
    end: int
    name: str

    @property
    def length(self) -> int:
        """Bases."""
        return self.end - self.start


def read_targets(path: Path, build: str | None = None) -> tuple[Target, ...]:
    """Read the regions of a panel, sorted; each once, overlapping ones apart.

    Parameters
    ----------
    path : Path
        BED (chrom, start, end, name where given; half-open from 0), plain or gzip; or a tab separated table whose header
        begins chr (chrom, seqnames), start, end: its positions count from 1 and both ends belong to the region.
    build : str, optional
        Regions beyond the end of its chromosomes are refused: a BED does not name its build, this is the one sign of another.

    Raises
    ------
    InputError
        As :func:`resistance.read.bed.bed_rows`; a position of the table that is no number; a region beyond its chromosome.
    """
    header = _header(path)
    if header is None:
        named = _names_of(path)
        found = [(row, cells[0], int(cells[1]), int(cells[2]), named.get(row, "")) for row, cells in bed_rows(path)]
    else:
        found = _of_table(path, header)
    out = []
    if build is not None:
        import pandas as pd

        from resistance.read.builds import refuse_beyond_end

        chroms = pd.Series([contig(chrom) for _, chrom, *_ in found], dtype="object")
        ends = pd.Series([end for *_, end, _ in found], dtype="Int64")
        refuse_beyond_end(chroms, ends, pd.Series([row for row, *_ in found]), build, path)
    for _, chrom, start, end, name in found:
        short = contig(chrom)
        out.append(Target(short, start, end, name or f"{short}:{start + 1}-{end}"))
    unique = {(t.chrom, t.start, t.end): t for t in reversed(out)}
    return tuple(sorted(unique.values(), key=lambda t: (_order(t.chrom), t.start, t.end, t.name)))


def merged(targets: Iterable[Target], padding: int = 0) -> tuple[Target, ...]:
    """Return the regions widened by `padding` on both sides, with those that overlap or touch made one."""
    out: list[Target] = []
    for t in sorted(targets, key=lambda t: (_order(t.chrom), t.start, t.end)):
        start, end = max(0, t.start - padding), t.end + padding
        if out and out[-1].chrom == t.chrom and start <= out[-1].end:
            last = out[-1]
            out[-1] = Target(t.chrom, last.start, max(last.end, end), last.name)
        else:
            out.append(Target(t.chrom, start, end, t.name))
    return tuple(out)


def contigs_of(references: Collection[str], wanted: Iterable[str], path: Path, what: str = "the targets") -> Mapping[str, str]:
    """Return chrom -> the contig's name in an alignment file, of those it has.

    Raises
    ------
    InputError
        It has none of them.
    """
    names: dict[str, str] = {}
    for name in references:
        # an hg19 file may hold both chrM and MT; the first is taken
        names.setdefault(contig(name), name)
    asked = list(dict.fromkeys(wanted))
    found = {chrom: names[chrom] for chrom in asked if chrom in names}
    if asked and not found:
        raise InputError(
            f"has no contig of {what}",
            path=path,
            value=", ".join(asked[:5]),
            remedy=f"It has: {', '.join(list(references)[:5])} ... Are both on the same genome?",
        )
    return found


def _order(chrom: str) -> tuple[int, str]:
    return (int(chrom), "") if chrom.isdigit() else (99, chrom)


def _header(path: Path) -> Sequence[str] | None:
    """Return the cells of the first line where it names columns."""
    if not path.is_file() or path.suffix == ".gz":
        return None
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        cells = file.readline().rstrip("\r\n").split("\t")
    names = [cell.strip().lower() for cell in cells]
    return names if names[0] in _HEADERS and {"start", "end"} <= set(names) else None


def _names_of(path: Path) -> dict[int, str]:
    """Return line -> the fourth column, where the file has one; files with three columns have none."""
    import gzip

    if not path.is_file():
        return {}
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", errors="replace") as file:
            lines = [line.rstrip("\r\n").split("\t") for line in file]
    except (OSError, EOFError):  # bed_rows says what is wrong with it
        return {}
    return {number: cells[3].strip() for number, cells in enumerate(lines, start=1) if len(cells) > 3}


def _of_table(path: Path, header: Sequence[str]) -> list[tuple[int, str, int, int, str]]:
    out, problems = [], []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, delimiter="\t")
        next(rows)
        for number, cells in enumerate(rows, start=2):
            if not any(cell.strip() for cell in cells):
                continue
            row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
            start, end = row.get("start", ""), row.get("end", "")
            if not (start.isdigit() and end.isdigit() and 1 <= int(start) <= int(end)):
                problems.append(
                    Problem(
                        "is no region: this table counts from 1 and both ends belong to the region",
                        str(path),
                        number,
                        value=f"{start}-{end}",
                        remedy="A BED has no header.",
                    )
                )
                continue
            out.append((number, row[header[0]], int(start) - 1, int(end), row.get("name", "") or row.get("gene", "")))
    if problems:
        raise InputError(problems[:20])
    if not out:
        raise InputError("the file has no regions", path=path)
    return out
