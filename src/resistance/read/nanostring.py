"""NanoString RCC files or a table of counts -> the nanostring table: codes x analysed samples, raw counts."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from resistance import config
from resistance.errors import InputError, Problem
from resistance.read.grid import read_grid
from resistance.read.known import analysed_columns
from resistance.schemas import NANOSTRING
from resistance.tables import conform

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped

_SECTION = re.compile(r"<(/?)([A-Za-z_]+)>")
#: names of the spike-in controls, as POS_A, POS_A(128) or NEG_H
_CONTROL = re.compile(r"(POS|NEG)_[A-H](?:\(.*\))?", re.IGNORECASE)
_CLASSES = {"pos": "Positive", "neg": "Negative"}


def read_nanostring(
    source: config.NanoString,
    base: Path,
    *,
    samples: Collection[str],
    files: pd.DataFrame | None = None,
    all_samples: Collection[str] | None = None,
    dropped: Dropped,
) -> pd.DataFrame:
    """Read NanoString counts.

    Parameters
    ----------
    source : config.NanoString
    base : Path
        Folder of the cohort file.
    samples : collection of str
        Samples that are analysed.
    files : DataFrame, optional
        rcc: sample_id and rcc, the path of each sample's file relative to `base`; NA: none.
    all_samples : collection of str, optional
        Every sample of the samples sheet.
    dropped : Dropped

    Returns
    -------
    DataFrame
        Schema ``nanostring``: gene (name on the code set), code_class (NA where a table does not say
        and the name is no control's) and one column of raw counts per sample; sorted.

    Raises
    ------
    InputError
        Missing or damaged file, files of different code sets, a code that stands twice, a count that
        is negative or not whole.
    """
    if source.format == "rcc":
        return _from_rcc(base, samples, files)
    if source.file is None:
        raise InputError("nanostring with 'format: counts' needs 'file'", path="nanostring", column="file")
    return _from_counts(source, base / source.file, samples, all_samples, dropped)


def _from_counts(
    source: config.NanoString, path: Path, samples: Collection[str], all_samples: Collection[str] | None, dropped: Dropped
) -> pd.DataFrame:
    import pandas as pd

    grid = read_grid(path, labels=[x for x in (source.gene_column, source.class_column) if x is not None], further_headers=True)
    for name, key in ((source.gene_column, "gene_column"), (source.class_column, "class_column")):
        if name is not None and name not in grid.labels:
            raise InputError(f"the file has no such column (needed for '{key}')", path=path, column=name, remedy=f"Its text columns are: {', '.join(map(repr, grid.labels.columns))}.")  # fmt: skip
    gene = grid.labels[source.gene_column] if source.gene_column is not None else grid.labels.iloc[:, 0]
    columns = analysed_columns(
        list(grid.values), None, known=samples, all_known=all_samples, strangers=source.unknown_samples,
        table="nanostring", path=path, dropped=dropped,
    )  # fmt: skip
    values = grid.values[sorted(columns)]
    _refuse_no_counts(values, grid.lines, path)
    named = gene.str.extract(_CONTROL.pattern, flags=re.IGNORECASE, expand=False).str.lower().map(_CLASSES)
    kind = named if source.class_column is None else grid.labels[source.class_column]
    table = pd.concat([grid.lines, gene.rename("gene"), kind.rename("code_class"), values], axis=1)
    return conform(table.sort_values(["code_class", "gene"], kind="stable"), NANOSTRING, path=path)


def _refuse_no_counts(values: pd.DataFrame, lines: pd.Series, path: Path) -> None:
    for bad, why in ((values < 0, "a count is negative"), ((values % 1 != 0) & values.notna(), "a count is not whole")):
        if bad.any(axis=None):
            name = bad.any().idxmax()
            i = bad[name].idxmax()
            raise InputError(
                f"{why}: raw counts are expected",
                path=path,
                row=int(lines[i]),
                column=str(name),
                value=f"{values[name][i]:g}",
                remedy="Give the counts before normalisation and before any logarithm.",
            )


def _from_rcc(base: Path, samples: Collection[str], files: pd.DataFrame | None) -> pd.DataFrame:
    import pandas as pd

    if files is None or "rcc" not in files or files["rcc"].dropna().empty:
        raise InputError("nanostring with 'format: rcc' needs the samples sheet's column 'rcc'", path="nanostring", column="rcc", remedy="Name each sample's RCC file there (samples.columns.rcc).")  # fmt: skip
    counts: dict[str, pd.Series] = {}
    problems: list[Problem] = []
    first: tuple[str, pd.Index] | None = None
    named = files[files["rcc"].notna() & files["sample_id"].isin(list(samples))].sort_values("sample_id", kind="stable")
    for sample, name in zip(named["sample_id"], named["rcc"], strict=True):
        try:
            column = read_rcc(base / str(name))
        except InputError as error:
            problems += error.problems
            continue
        if first is None:
            first = (str(name), column.index)
        elif set(column.index) != set(first[1]):
            other = sorted(set(column.index) ^ set(first[1]))
            problems.append(
                Problem(f"has another code set than {first[0]} ({len(other)} codes differ)", str(base / str(name)), value=other[0][0], remedy="One code set per cohort is expected.")
            )  # fmt: skip
            continue
        counts[str(sample)] = column
    if problems:
        raise InputError(problems[:20])
    table = pd.DataFrame(counts).rename_axis(["gene", "code_class"]).reset_index()
    return conform(table.sort_values(["code_class", "gene"], kind="stable"), NANOSTRING)


#: columns of a count table that are no samples
TEXT_COLUMNS = ("CodeClass", "Code Class", "Code_Class", "Class", "Accession", "Annotation", "Name", "Gene", "Code")


def is_rcc(name: str) -> bool:
    """Return whether a file is an RCC file by its name, also packed (.RCC.gz)."""
    return name.lower().removesuffix(".gz").endswith(".rcc")


def sample_of(name: str) -> str:
    """Return the sample of an RCC file: its name without folder and ending.

    Examples
    --------
    >>> sample_of("lanes/20-0117_01.RCC"), sample_of("GSM01_A.RCC.gz")
    ('20-0117_01', 'GSM01_A')
    """
    base = Path(name).name
    return Path(base[: -len(".gz")] if base.lower().endswith(".gz") else base).stem


def read_counts(path: Path) -> pd.DataFrame:
    """Read NanoString counts that belong to no cohort.

    Parameters
    ----------
    path : Path
        A table (codes in rows, their names in the first column, or in 'Name' or 'Gene'), an RCC file (also
        packed, .RCC.gz), or a folder or .zip of RCC files.

    Returns
    -------
    DataFrame
        gene, then one float64 column per sample: the table's column names, or the names of the RCC files
        without their ending, sorted.  Numbers are not checked to be counts.

    Raises
    ------
    InputError
        Missing or damaged file, a folder or archive without an RCC file, RCC files of different code sets.
    """
    import pandas as pd

    if not path.is_dir() and not is_rcc(path.name) and not path.name.lower().endswith(".zip"):
        grid = read_grid(path, labels=TEXT_COLUMNS, further_headers=True)
        named = [name for name in grid.labels if str(name).lower() in ("name", "gene", "code")]
        values = grid.values.drop(columns=[name for name in grid.values if str(name).startswith("Annotation")])
        return pd.concat([grid.labels[named[0] if named else grid.labels.columns[0]].rename("gene"), values], axis=1)
    texts = read_texts(path)
    counts: dict[str, pd.Series] = {}
    for name, text in texts.items():
        column = parse_rcc(text, path / name if len(texts) > 1 or path.is_dir() else path)
        first = next(iter(counts.values()), column)
        if set(column.index) != set(first.index):
            raise InputError(
                f"has another code set than {next(iter(counts))}", path=path / name, remedy="Call one code set at a time."
            )
        sample = sample_of(name)
        if sample in counts:
            raise InputError("holds two RCC files of one sample", path=path, value=sample, remedy="Keep one of them.")
        counts[sample] = column
    return pd.DataFrame(counts).rename_axis(["gene", "code_class"]).reset_index().drop(columns="code_class")


def read_texts(path: Path) -> dict[str, str]:
    """Return name -> text of an RCC file, or of the RCC files of a folder or .zip, sorted.

    Raises
    ------
    InputError
        Missing or damaged file, a folder or archive without an RCC file.
    """
    if path.name.lower().endswith(".zip") and not path.is_dir():
        texts = _unzipped(path)
    else:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        texts = {file.name: _read_text(file) for file in files if file == path or is_rcc(file.name)}
    if not texts:
        raise InputError("holds no RCC file", path=path)
    return texts


def _unzipped(path: Path) -> dict[str, str]:
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if is_rcc(name) and "__MACOSX" not in name)
            found = {Path(name).name: _decoded(archive.read(name), path / name) for name in names}
    except FileNotFoundError as error:
        raise InputError("the file is missing", path=path) from error
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"cannot be unpacked: the file is cut off or damaged ({error})", path=path) from error
    if len(found) < len(names):
        raise InputError(
            "holds two RCC files of one name in different folders", path=path, remedy="Give each sample a name of its own."
        )
    return found


def _decoded(raw: bytes, path: Path) -> str:
    """Return the text of an RCC file, which public archives hold packed by gzip."""
    try:
        return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig", errors="replace")
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"cannot be unpacked: the file is cut off or damaged ({error})", path=path) from error


def _read_text(path: Path) -> str:
    try:
        return _decoded(path.read_bytes(), path)
    except FileNotFoundError as error:
        raise InputError("the file is missing", path=path, remedy="Paths are relative to the cohort file.") from error


def read_rcc(path: Path) -> pd.Series:
    """Read the counts of one RCC file.

    Returns
    -------
    Series of float64
        Indexed by (gene, code_class), in the order of the file.

    Raises
    ------
    InputError
        Missing file, no closed Code_Summary section, a line without four cells, a count that is not whole.
    """
    return parse_rcc(_read_text(path), path)


def parse_rcc(text: str, path: Path) -> pd.Series:
    """Read the counts in the text of an RCC file (see :func:`read_rcc`); `path` is for messages."""
    import pandas as pd

    section, closed = None, False
    index: list[tuple[str, str]] = []
    values: list[float] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), start=1):
        tag = _SECTION.fullmatch(line.strip())
        if tag is not None:
            section = None if tag.group(1) else tag.group(2).lower()
            closed = closed or (tag.group(1) == "/" and tag.group(2).lower() == "code_summary")
            continue
        if section != "code_summary" or not line.strip():
            continue
        cells = [cell.strip().strip('"') for cell in line.split(",")]
        if [cell.lower() for cell in cells[:2]] == ["codeclass", "name"]:
            continue
        # names may hold commas: class first, accession and count last
        count = cells[-1] if len(cells) >= 4 else ""
        if not re.fullmatch(r"\d+(?:\.0+)?", count):
            problems.append(Problem("is no count of a code", str(path), number, "Count", count or line.strip(), "CodeClass,Name,Accession,Count are expected; counts are whole."))  # fmt: skip
            continue
        key = (",".join(cells[1:-2]), cells[0])
        if key in index:
            problems.append(Problem("the code stands twice", str(path), number, "Name", key[0]))
        index.append(key)
        values.append(float(count))
    if not problems and not (index and closed):
        problems.append(
            Problem("has no complete section <Code_Summary>", str(path), remedy="The file is cut off, or is no RCC file.")
        )
    if problems:
        raise InputError(problems[:20])
    return pd.Series(values, index=pd.MultiIndex.from_tuples(index, names=["gene", "code_class"]), dtype="float64")
