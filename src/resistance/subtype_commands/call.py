"""``resistance subtype call``: a table of samples -> the calls of one method, without a cohort."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from resistance.subtype_commands import options

if TYPE_CHECKING:
    import pandas as pd

    from resistance.subtype.method import Method

_path = click.Path(path_type=Path)


@click.command("call")
@click.argument("method")
@click.argument("table", type=_path)
@click.option("--out", type=_path, required=True, help="Table of calls to write (TSV).")
@click.option("--platform", help="What measured the table, where it is not what the method was made for (refused or flagged).")
@click.option(
    "--unit",
    type=click.Choice(["counts", "tpm", "log2", "normalised"]),
    help="Expression: what the numbers are (normalised: rnaseq_coo21 and rnaseq_dzsig28 only).",
)
@click.option(
    "--max-weight-missing", type=click.FloatRange(0, 1), help="Expression: share of the weight that missing genes may have."
)
@click.option(
    "--rnaseq-reference",
    type=_path,
    metavar="FILE",
    help="rnaseq_coo21, rnaseq_dzsig28 on raw counts: the reference sample (Ensembl id, count) of gneSeqCOO.",
)
@click.option("--values-are", type=click.Choice(["percent", "fraction"]), help="IHC: what the numbers are (default: percent).")
@click.option(
    "--from-score", metavar="COLUMN", help="NanoString: TABLE holds samples and their scores in this column, no counts."
)
@click.option(
    "--sample",
    metavar="COLUMN",
    help="With --from-score: column of the samples' names (default: sample_id, sample, id, else the first).",
)
@options.samples_in_rows
@click.option("--unverified", is_flag=True, help="Allow a method whose rule was not compared with its source.")
def call(
    method: str, table: Path, out: Path, platform: str | None, unit: str | None, max_weight_missing: float | None, rnaseq_reference: Path | None,
    values_are: str | None, from_score: str | None, sample: str | None, samples_in_rows: bool, unverified: bool,
) -> None:  # fmt: skip
    """Call the samples of TABLE by METHOD (`resistance subtype list`). Research use only.

    IHC: one row per sample, its name in the first column. Genetic events: events in rows, or samples in rows with their names in
    the column sample_id; lymphgen: its own result table. NanoString and expression: genes in rows, one column per
    sample; NanoString also as an RCC file, a folder or a .zip of them.
    """
    from resistance.errors import InputError
    from resistance.subtype.registry import by_name
    from resistance.tables import write_tsv

    chosen = by_name(method)
    if not chosen.verified and not unverified:
        raise InputError(
            "the rule of this method was not verified in its source",
            column="method",
            value=chosen.name,
            remedy="Give --unverified to run it all the same; every row will say so.",
        )
    given = {
        "platform": platform, "unit": unit, "max_weight_missing": max_weight_missing, "values_are": values_are,
        "rnaseq_reference": rnaseq_reference,
    }  # fmt: skip
    asked: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if sample is not None and from_score is None:
        raise click.UsageError("--sample goes with --from-score")
    if from_score is not None and asked:
        raise click.UsageError(
            f"--{next(iter(asked)).replace('_', '-')} does not go with --from-score: a score has its own scale"
        )
    try:
        if from_score is None:
            calls = _from_table(chosen, table, asked, samples_in_rows)
        else:
            calls = _from_scores(chosen, table, from_score, sample)
    except InputError as error:
        raise InputError([_at(problem, table) for problem in error.problems]) from error
    write_tsv(calls, out)
    counts = calls["subtype"].fillna("not called").value_counts(sort=False)
    told = ", ".join(f"{name} {n}" for name, n in sorted(counts.items(), key=lambda item: (item[0] == "not called", item[0])))
    click.echo(f"wrote {out}: {len(calls)} samples by {chosen.name} {chosen.version}: {told or 'none'}. Research use only.")
    flags = calls["flags"].dropna().str.split(";").explode().value_counts()
    for name, n in sorted(flags.items()):
        click.echo(f"note: {n} x {str(name).replace('_', ' ')}", err=True)
    if not chosen.verified:
        click.echo(f"note: the rule of {chosen.name} was not verified in its source", err=True)


def _at(problem: Any, table: Path) -> Any:
    from dataclasses import replace

    # what is checked as a table in memory knows no file
    return replace(problem, path=str(table)) if problem.path in (None, "expression", "lymphgen") else problem


def _from_table(method: Method, table: Path, asked: dict[str, Any], samples_in_rows: bool) -> pd.DataFrame:
    from inspect import signature

    from resistance.errors import InputError

    if method.classify_table is None:
        raise InputError("this method classifies cohorts only", column="method", value=method.name, remedy="Use `resistance classify`.")  # fmt: skip
    taken = signature(method.classify_table).parameters
    for name in asked:
        if name not in taken:
            raise InputError(f"{method.name} has no such option", column=f"--{name.replace('_', '-')}", remedy="Leave it out.")
    if method.input == "nanostring":
        from resistance.read.nanostring_lanes import read_lane_table

        asked = asked | {"lanes": read_lane_table(table)}
    return method.classify_table(_read(method, table, samples_in_rows), **asked)


def _read(method: Method, path: Path, samples_in_rows: bool) -> pd.DataFrame:
    """Read a table as the input of a method wants it; numbers are numbers, everything else is text."""
    kind = method.input
    import pandas as pd

    from resistance.errors import InputError
    from resistance.read.grid import read_grid
    from resistance.read.nanostring import read_counts
    from resistance.read.sheet import read_sheet
    from resistance.subtype.ihc import normalised
    from resistance.subtype_commands.tables_in import named_rows

    if kind == "nanostring":
        try:
            counts = read_counts(path)
        except InputError as error:
            raise _or_scores(error, method, path) from error
        return counts.set_index("gene").T if samples_in_rows else counts
    if kind == "genetic_features":
        from resistance.subtype.text_table import read_table

        events = read_table(path)
        turned = samples_in_rows and "sample_id" not in events
        return events.rename(columns={events.columns[0]: "sample_id"}) if turned else events
    if kind == "expression":
        frame = named_rows(read_grid(path), path)
        return frame.T if samples_in_rows else frame
    sheet = read_sheet(path).drop(columns="_row")
    key = next((name for name in sheet.columns if name.lower() in ("sample_id", "sample")), sheet.columns[0])
    for name in sheet.columns.drop(key):
        numbers = pd.to_numeric(sheet[name], errors="coerce")
        if not (numbers.isna() & sheet[name].notna()).any():
            sheet[name] = numbers.astype("float64")
    # a first column that is an antibody names nobody: the method says so
    return sheet if normalised(key) in method.features else sheet.rename(columns={key: "sample_id"})


def _or_scores(error: Any, method: Method, path: Path) -> Exception:
    """A table of words beside numbers is no table of counts; where a column looks like scores, say how they are called."""
    from resistance.errors import InputError
    from resistance.subtype.signature import load_signatures

    if (
        len(error.problems) < 2
        or method.name not in load_signatures()
        or any(p.message != "is not a number" or not str(p.value).strip("0123456789.,-") for p in error.problems)
    ):
        return error  # type: ignore[no-any-return]
    first = error.problems[0]
    return InputError(
        "is not a number: this is no table of counts", path=path, row=first.row, column=first.column, value=first.value,
        remedy="Codes stand in rows, samples in columns. Where the table holds scores that are known, one sample a row: "
        "--from-score COLUMN (and --sample COLUMN).",
    )  # fmt: skip


def _from_scores(method: Method, path: Path, column: str, sample: str | None) -> pd.DataFrame:
    from resistance.errors import InputError
    from resistance.read.sheet import read_sheet
    from resistance.subtype.nanostring_scores import classify_scores
    from resistance.subtype.signature import load_signatures

    if method.name not in load_signatures():
        raise InputError("this method has no published score", column="method", value=method.name, remedy=f"These have one: {', '.join(load_signatures())}.")  # fmt: skip
    import pandas as pd

    sheet = read_sheet(path)
    usual = {" ".join(str(name).lower().replace("_", " ").split()): name for name in reversed(sheet.columns)}
    guess = next((usual[name] for name in ("sample id", "sample", "id") if name in usual), sheet.columns[0])
    key = guess if sample is None else sample
    for name in (column, key):
        if name not in sheet:
            raise InputError("the table has no such column", path=path, column=name, remedy=f"It has: {', '.join(sheet.columns[:-1])}.")  # fmt: skip
    scores = pd.to_numeric(sheet[column], errors="coerce")
    wrong = scores.isna() & sheet[column].notna()
    if wrong.any():
        i = wrong.idxmax()
        raise InputError("is not a number", path=path, row=int(sheet["_row"][i]), column=column, value=sheet[column][i])
    names = sheet[key]
    bad = names.isna() | names.duplicated()
    if bad.any():
        i = bad.idxmax()
        raise InputError(
            "the sample has no name or stands twice", path=path, row=int(sheet["_row"][i]), column=key, value=names[i],
            remedy=f"Say with --sample which column names the samples; the table has: {', '.join(sheet.columns[:-1])}.",
        )  # fmt: skip
    return classify_scores(method, scores.set_axis(names.to_numpy()))
