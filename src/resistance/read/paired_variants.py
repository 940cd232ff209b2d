"""A table of variant fractions at several times, variants named by gene and protein change -> the paired_variants table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from resistance import config
from resistance.errors import InputError, Problem
from resistance.read.known import analysed_rows
from resistance.read.sheet import read_sheet, take
from resistance.schemas import MATERIALS, PAIRED_VARIANTS, TIMEPOINTS
from resistance.tables import conform

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped

_NEEDED = ("patient_id", "sample_id", "timepoint", "gene", "vaf")
_OPTIONAL = ("material", "day", "hgvsp", "variant", "depth", "alt_count", "assay")
_INTO = {"day": "days", "vaf": "fraction", "depth": "number", "alt_count": "number"}
#: significant digits from which a fraction was not rounded, and the share of fractions that must have them
_DIGITS, _SHARE = 10, 0.5


def read_paired_variants(
    source: config.PairedVariants,
    base: Path,
    *,
    patients: Collection[str],
    all_patients: Collection[str],
    aliases: Mapping[str, str],
    dropped: Dropped,
) -> pd.DataFrame:
    """Read one table of paired fractions.

    Parameters
    ----------
    source : config.PairedVariants
        ``columns`` names patient_id, sample_id, timepoint, gene and vaf; and material (default: tumour), day, hgvsp,
        variant (what tells two variants of one gene and change apart), depth, alt_count and assay where there are.
    base : Path
        Folder of the cohort file.
    patients, all_patients : collection of str
        Patients who are analysed, and all of the patients sheet.
    aliases : mapping
        Previous or alias symbol -> current symbol.
    dropped : Dropped
        Takes the rows of other patients, those without a fraction, and variants that stand twice in a sample.

    Returns
    -------
    DataFrame
        Schema ``paired_variants``.

    Raises
    ------
    InputError
        An unknown or missing column; a value that is none of its kind; a sample of two patients, time points or
        days; fractions that are rounded where reads shall be inferred from them.
    """
    path = base / source.file
    _check_names(source, path)
    sheet = read_sheet(path, sheet=source.sheet, comment=source.comment, encoding=source.encoding)
    columns = {
        name: take(sheet, spec, name=name, path=path, into=_INTO.get(name, "text"))  # type: ignore[arg-type]
        for name, spec in source.columns.items()
    }
    kept = analysed_rows(
        columns["patient_id"], sheet["_row"], known=patients, all_known=all_patients, strangers=source.unknown_patients,
        table="paired_variants", path=path, column=str(source.columns["patient_id"].column), what="patient", dropped=dropped,
    )  # fmt: skip
    import pandas as pd

    table = pd.DataFrame({"_row": sheet["_row"], **columns})[kept]
    for name in _OPTIONAL:
        if name not in table:
            table[name] = "tumour" if name == "material" else None
    table = _with_fraction(table, path, dropped)
    _check_words(table, source, path)
    if source.infer_depth:
        _check_digits(table, sheet, source, path)
    table["gene"] = table["gene"].map(lambda x: aliases.get(x, x), na_action="ignore")
    table["hgvsp"] = table["hgvsp"].astype("object").map(lambda x: str(x).removeprefix("p."), na_action="ignore")
    change = table["hgvsp"].fillna("without protein change")
    given = table["variant"].notna()
    table["variant"] = table["variant"].where(given, table["gene"].astype("object").str.cat(change.astype("object"), sep=" "))
    key = ["sample_id", "variant"]
    twice = table.duplicated(key, keep=False)
    if twice.any():
        # which of them is which in the other sample, nobody can say; so for all samples of the patient
        lost = table.loc[twice, ["patient_id", "variant"]].drop_duplicates().assign(_lost=True)
        twice = table.merge(lost, on=["patient_id", "variant"], how="left")["_lost"].notna().set_axis(table.index)
        dropped.add(
            "paired_variants", path, "two variants of one gene and change in a sample: not told apart (name them in 'variant')",
            int(twice.sum()), "{sample_id} {variant}".format(**table[twice].iloc[0]),
        )  # fmt: skip
    table = table[~twice].assign(infer_depth=source.infer_depth, source=path.name)
    return conform(table.sort_values([*key], kind="stable"), PAIRED_VARIANTS, path=path)


def _check_names(source: config.PairedVariants, path: Path) -> None:
    missing = [name for name in _NEEDED if name not in source.columns]
    unknown = [name for name in source.columns if name not in (*_NEEDED, *_OPTIONAL)]
    problems = [Problem("columns must name this", str(path), None, f"ctdna.paired.columns.{name}") for name in missing]
    problems += [
        Problem("no such column of a paired table", str(path), None, f"ctdna.paired.columns.{name}",
                remedy=f"Known here: {', '.join((*_NEEDED, *_OPTIONAL))}.")
        for name in unknown
    ]  # fmt: skip
    if problems:
        raise InputError(problems)


def _with_fraction(table: pd.DataFrame, path: Path, dropped: Dropped) -> pd.DataFrame:
    """Return the rows that have a fraction, or counts that give one."""
    known = table["vaf"].notna() | (table["depth"].notna() & table["alt_count"].notna())
    example = "{sample_id} {gene}".format(**table[~known].iloc[0]) if not known.all() else None
    dropped.add("paired_variants", path, "no fraction and no counts", int((~known).sum()), example)
    return table[known].copy()


def _check_words(table: pd.DataFrame, source: config.PairedVariants, path: Path) -> None:
    """Refuse what the words of the table cannot mean, and a sample that is two."""
    problems = []
    for name, allowed in (("material", MATERIALS), ("timepoint", TIMEPOINTS)):
        bad = table[~table[name].isin(allowed)]
        spec = source.columns.get(name)
        problems += [
            Problem(f"is not one of {', '.join(allowed)}", str(path), int(row["_row"]), None if spec is None else str(spec.column),
                    str(row[name]), f"Translate it under 'ctdna.paired.columns.{name}: values'.")
            for row in bad.drop_duplicates(name).head(20).to_dict("records")
        ]  # fmt: skip
    outside = table[(table["vaf"] < 0) | (table["vaf"] > 1)]
    problems += [
        Problem("is no fraction 0..1", str(path), int(row["_row"]), str(source.columns["vaf"].column), f"{row['vaf']:g}",
                "Say 'unit: percent' where the column holds percentages.")
        for row in outside.head(20).to_dict("records")
    ]  # fmt: skip
    for name in ("patient_id", "timepoint", "material", "day"):
        several = table.groupby("sample_id")[name].nunique(dropna=False)
        for sample in several[several > 1].index[:20]:
            lines = table.loc[table["sample_id"] == sample].drop_duplicates(name)["_row"].tolist()
            problems.append(
                Problem(f"the sample has more than one {name}", str(path), int(lines[1]), str(source.columns["sample_id"].column),
                        str(sample), "Each sample is of one patient and day.")
            )  # fmt: skip
    if problems:
        raise InputError(problems)


def _check_digits(table: pd.DataFrame, sheet: pd.DataFrame, source: config.PairedVariants, path: Path) -> None:
    """Refuse to infer reads from rounded fractions."""
    spec = source.columns["vaf"]
    between = table.index[(table["vaf"] > 0) & (table["vaf"] < 1)]
    if spec.column is None or not len(between):
        return
    name = spec.column if isinstance(spec.column, str) else spec.column[0]
    digits = (
        sheet.loc[between, name].fillna("").str.replace(r"[eE].*$", "", regex=True).str.replace(r"^[-0.]+|\.", "", regex=True)
    )
    if float((digits.str.len() >= _DIGITS).mean()) < _SHARE:
        first = between[0]
        raise InputError(
            "the fractions are rounded: reads cannot be inferred from them", path=path, row=int(sheet["_row"][first]), column=name,
            value=str(sheet.loc[first, name]), remedy="Name the columns depth and alt_count, or drop 'infer_depth'.",
        )  # fmt: skip
