"""The command line: one subcommand per stage; the only place where errors become text and exit codes."""

from __future__ import annotations

import sys
from types import TracebackType

import rich_click as click

from resistance import __version__
from resistance.cli.alignments import background, count, mrd
from resistance.cli.genome import liftover, reference
from resistance.cli.knowledge import knowledge
from resistance.cli.pooled import meta, predict
from resistance.cli.power import power
from resistance.cli.stages import SIMPLE, annotate, pileup, read
from resistance.cli.start import check, export, import_cbioportal, init, run, schema, simulate
from resistance.errors import InputError, ResistanceError
from resistance.subtype_commands import subtype

click.rich_click.COMMAND_GROUPS = {
    "resistance": [
        {"name": "Start here", "commands": ["init", "check", "run", "simulate", "import-cbioportal"]},
        {"name": "Stages (what the workflow calls)", "commands": [
            "read", "gather", "annotate", "pileup", "ctdna", "classify", "matrix", "associate", "train", "report",
        ]},
        {"name": "Use the results elsewhere", "commands": ["export", "predict"]},
        {"name": "Tools", "commands": ["count", "background", "mrd", "subtype", "liftover", "power", "meta"]},
        {"name": "Reference", "commands": ["knowledge", "reference", "schema"]},
    ]
}  # fmt: skip


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="resistance")
def cli() -> None:
    """Markers of resistance to lenalidomide and other IMiDs: from a cohort's files to a report.

    Research use only.
    """


for command in (
    *(run, check, init, simulate, import_cbioportal, export, schema),
    *(read, annotate, pileup, *SIMPLE),
    *(count, background, mrd, subtype, liftover, reference, power, meta, predict, knowledge),
):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with an exit code (1: a defect, 2: bad input, 3: knowledge base, 4: model)."""
    sys.excepthook = _defect
    try:
        cli.main(arguments, standalone_mode=False)
    except click.Abort:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except InputError as error:
        for problem in error.problems:
            click.echo(f"error: {problem}", err=True)
        n = len(error.problems)
        if n > 1:
            click.echo(f"{n} problems; nothing was written.", err=True)
        sys.exit(error.exit_code)
    except ResistanceError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output (head, less) left: no error of ours
        sys.stderr.close()
        sys.exit(141)


def _defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show what nobody foresaw, and say that it is a defect of ours."""
    sys.__excepthook__(kind, error, trace)
    click.echo(
        f"This is a defect of resistance {__version__}, not of your data. Please report it with the lines above "
        "and, if you can share it, the cohort file.",
        err=True,
    )
