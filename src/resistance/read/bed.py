"""A BED file -> its lines as cells, and its regions on the cohort's build."""

from __future__ import annotations

import gzip
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path

from resistance.contigs import contig_lengths
from resistance.errors import InputError, Problem
from resistance.read.builds import refuse_beyond_end
from resistance.regions import Regions
from resistance.variant import contig


def bed_rows(path: Path, n_columns: int = 3, fifth: str = "") -> Iterator[tuple[int, list[str]]]:
    """Give the 1-based line and the first cells of each region; what is wrong is raised behind the last.

    Parameters
    ----------
    path : Path
        Plain or gzip; blank lines, ``#`` comments and lines of ``track`` and ``browser`` are passed over.
    n_columns : int
        Cells that each line must have; a fourth is the region's name.
    fifth : str
        What the fifth is, for the message.

    Raises
    ------
    InputError
        Missing or damaged file, too few columns, a region whose end does not lie behind its start, no region.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise InputError("the file is missing", path=path, remedy="Paths are relative to the cohort file.") from error
    except IsADirectoryError as error:
        raise InputError("is a folder, not a file", path=path) from error
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"is no readable BED file ({error})", path=path) from error
    found, problems = False, []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith(("#", "track", "browser")):
            continue
        # blanks between the columns are allowed where nothing but the place is needed: names may hold blanks
        cells = line.split("\t") if n_columns > 3 or "\t" in line else line.split()
        if len(cells) < n_columns:
            which = ("third" if len(cells) < 3 else "fourth") if len(cells) < 4 else "fifth"
            name = " and the gene's name" * (n_columns > 3)
            needed = f"Tab separated chrom, start, end{name}{', ' + fifth if fifth else ''} are expected."
            problems.append(Problem(f"has no {which} column", str(path), number, remedy=needed))
        elif not (cells[1].isdigit() and cells[2].isdigit() and int(cells[1]) < int(cells[2])):
            problems.append(
                Problem("is no region: the end must lie behind the start", str(path), number, value="-".join(cells[1:3]))
            )
        else:
            found = True
            yield number, [*cells[:3], *(cell.strip() for cell in cells[3:n_columns])]
    if problems:
        raise InputError(problems[:20])
    if not found:
        raise InputError("the file has no regions", path=path)


def read_regions(path: Path, build: str) -> Regions:
    """Read the regions of a BED file.

    Raises
    ------
    InputError
        As :func:`bed_rows`; a region that ends beyond its chromosome (a BED does not name its build:
        this is the one sign of another), or a file without any chromosome of the build.
    """
    import pandas as pd

    names: dict[str, str] = {}
    chrom: list[str] = []
    starts, ends, lines = array("q"), array("q"), array("q")
    for number, cells in bed_rows(path):
        if cells[0] not in names:
            names[cells[0]] = contig(cells[0])
        chrom.append(names[cells[0]])
        starts.append(int(cells[1]))
        ends.append(int(cells[2]))
        lines.append(number)
    if not set(names.values()) & {*contig_lengths(build), "MT"}:
        raise InputError(
            "names no chromosome of the human genome",
            path=path,
            row=lines[0],
            value=next(iter(names)),
            remedy="The first column holds the chromosome, with or without 'chr'.",
        )
    refuse_beyond_end(pd.Series(chrom, dtype="object"), pd.Series(ends, dtype="Int64"), pd.Series(lines), build, path)
    return Regions(zip(chrom, starts, ends, strict=True))
