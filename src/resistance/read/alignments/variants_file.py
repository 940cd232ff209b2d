"""A table, MAF or VCF of variants -> the variants to count, each once, in the package's form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from resistance.errors import InputError, Problem
from resistance.read.builds import Said, refuse_beyond_end
from resistance.read.maf_text import ALIASES, hint
from resistance.read.sheet import read_sheet
from resistance.read.vcf_container import no_small_variant, opened
from resistance.variant import contigs, trim_columns

if TYPE_CHECKING:
    import pandas as pd

#: names of the column that joins phased variants to one event
EVENT = ("event", "phasing", "phase_group")
TWICE = "the variant stands in an earlier row too"


def read_variants(path: Path, build: str) -> tuple[pd.DataFrame, list[tuple[str, int, str]]]:
    """Read the variants to look for.

    Parameters
    ----------
    path : Path
        A table with a header (tab separated; comma where it is a .csv) with chrom, pos, ref, alt in their usual names (also
        those of a MAF) and, where phased variants are one event, ``event``; or a VCF or BCF.
    build : str
        The build that positions are on; a VCF whose header says otherwise is refused.

    Returns
    -------
    DataFrame
        chrom, pos, ref, alt, event.
    list of (str, int, str)
        Reason, number and an example of what was left out.

    Raises
    ------
    InputError
        Missing or damaged; a needed column is not there; a row is no small variant; a position beyond its chromosome; no variant.
    """
    name = path.name.lower().removesuffix(".gz").removesuffix(".bgz")
    table, left = _of_vcf(path, build) if name.endswith((".vcf", ".bcf")) else _of_table(path, build)
    twice = table.duplicated(["chrom", "pos", "ref", "alt"])
    if twice.any():
        first = table[twice].iloc[0]
        left.append((TWICE, int(twice.sum()), f"{first['chrom']}:{first['pos']} {first['ref']}>{first['alt']}"))
    table = table[~twice].reset_index(drop=True)
    if table.empty:
        raise InputError("the file names no small variant", path=path, remedy="It needs at least one.")
    return table, left


def _of_table(path: Path, build: str) -> tuple[pd.DataFrame, list[tuple[str, int, str]]]:
    import pandas as pd

    sheet = read_sheet(path, comment="#")
    names = {str(column).lower(): column for column in sheet.columns}
    wanted = {key: (key, *ALIASES[key]) for key in ("chrom", "pos", "ref", "alt")} | {"event": EVENT}
    found = {key: next((names[a.lower()] for a in aliases if a.lower() in names), None) for key, aliases in wanted.items()}
    missing = [key for key in ("chrom", "pos", "ref", "alt") if found[key] is None]
    if missing:
        header = [str(column) for column in sheet.columns if column != "_row"]
        raise InputError(
            [Problem(f"has no column {key}", str(path), 1, remedy=f"Name it so{hint(key, header)}") for key in missing]
        )
    given = pd.DataFrame({key: sheet[column] for key, column in found.items() if column is not None})
    numbers = pd.to_numeric(given["pos"].str.replace(",", "", regex=False), errors="coerce")
    whole = numbers.where((numbers % 1 == 0) & (numbers >= 1)).astype("Int64")
    trimmed = trim_columns(whole, given["ref"].fillna("-"), given["alt"].fillna("-"))
    why = (
        trimmed["refused"]
        .mask(given["chrom"].isna(), "no chromosome")
        .mask(whole.isna(), "the position is no whole number from 1")
    )
    if why.notna().any():
        raise InputError(
            [
                Problem(
                    why[i],
                    str(path),
                    int(sheet["_row"][i]),
                    value=" ".join(str(v) for v in given.loc[i, ["chrom", "pos", "ref", "alt"]]),
                )
                for i in why[why.notna()].index[:20]
            ]
        )
    chrom = contigs(given["chrom"])
    said = Said(f"--build says {build}", "Correct --build.")
    refuse_beyond_end(chrom, trimmed["pos"], sheet["_row"], build, path, said)
    event = given["event"] if "event" in given else pd.Series(None, index=given.index, dtype="object")
    return pd.DataFrame(
        {"chrom": chrom, "pos": trimmed["pos"].astype("int64"), "ref": trimmed["ref"], "alt": trimmed["alt"], "event": event}
    ), []


def _of_vcf(path: Path, build: str) -> tuple[pd.DataFrame, list[tuple[str, int, str]]]:
    import pandas as pd

    left: dict[str, tuple[int, str]] = {}
    rows = []
    for chrom, pos, ref, alt in _alleles(path, build):
        why = no_small_variant(alt)
        if why is None:
            rows.append((chrom, pos, ref, alt))
        else:
            n, example = left.get(why, (0, f"{chrom}:{pos} {ref}>{alt}"))
            left[why] = (n + 1, example)
    table = pd.DataFrame(rows, columns=["chrom", "pos", "ref", "alt"])
    trimmed = trim_columns(table["pos"], table["ref"], table["alt"])
    for why, part in table[trimmed["refused"].notna()].groupby(trimmed["refused"]):
        one = part.iloc[0]
        left[str(why)] = (len(part), f"{one['chrom']}:{one['pos']} {one['ref']}>{one['alt']}")
    kept = trimmed["refused"].isna()
    out = pd.DataFrame({"chrom": contigs(table["chrom"])[kept]} | {k: trimmed.loc[kept, k] for k in ("pos", "ref", "alt")})
    out = out.assign(pos=out["pos"].astype("int64"), event=None)
    return out, [(why, n, example) for why, (n, example) in sorted(left.items())]


def _alleles(path: Path, build: str) -> Iterator[tuple[str, int, str, str]]:
    """Give every alternative allele of a VCF."""
    with opened(path, build, Said(f"the alignments are {build}", "Give variants on the build of the alignments.")) as file:
        records = iter(file)
        while True:
            try:
                record = next(records)
            except StopIteration:
                return
            except (ValueError, OSError) as error:
                raise InputError("a record cannot be read: the file is damaged", path=path, remedy="Copy it again.") from error
            for alt in record.alts or ():
                yield record.chrom, record.pos, record.ref, alt
