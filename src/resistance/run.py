"""A cohort file -> the whole workflow, run by Snakemake from the packaged Snakefile (or the checkout's)."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import yaml

from resistance.config import load
from resistance.errors import InputError, ResistanceError

#: where a wheel carries the workflow (hatchling force-include), and where the checkout has it
FOLDERS = (
    Path(__file__).resolve().parent / "_packaged" / "workflow",
    Path(__file__).resolve().parents[2] / "workflow",
)
#: executors that need no plugin
_BUILT_IN = frozenset(("local", "dryrun", "touch"))
#: what snakemake is asked with these is not a run that leaves a report
_NO_RUN = frozenset(
    ("-n", "--dry-run", "--dryrun", "--lint", "--dag", "--rulegraph", "--filegraph", "--unlock", "--summary", "-S")
)


def workflow_folder() -> Path:
    """Return the folder of the workflow: the installed copy first, then the checkout's.

    Raises
    ------
    ResistanceError
        The installation has neither.
    """
    for folder in FOLDERS:
        if (folder / "Snakefile").is_file():
            return folder
    raise ResistanceError(
        f"the package's workflow is missing from {' and '.join(str(x) for x in FOLDERS)}. Install the package again."
    )


def profile_folder(profile: str) -> Path:
    """Return the folder of a profile: the user's own folder, or a packaged one by its name.

    Raises
    ------
    InputError
        There is neither.
    """
    packaged = workflow_folder() / "profiles"
    for folder in (Path(profile), packaged / profile):
        if (folder / "config.yaml").is_file():
            return folder.absolute()
    names = ", ".join(sorted(path.name for path in packaged.iterdir() if path.is_dir()))
    raise InputError(
        "there is no such profile", value=profile, remedy=f"Packaged are: {names}; or give a folder that holds config.yaml."
    )


def command(cohort: Path, cores: int, output: Path | None, profile: str | None, extra: Sequence[str]) -> list[str]:
    """Return the call of Snakemake for a cohort (see :func:`run`)."""
    words = [sys.executable, "-m", "snakemake", "--snakefile", str(workflow_folder() / "Snakefile")]
    words += ["--configfile", str(cohort.absolute())]
    folder = profile_folder("local" if profile is None else profile)
    executor = _executor(folder)
    # on a cluster --cores would be the sum over all jobs there; what was meant is this machine
    words += ["--cores" if executor == "local" else "--local-cores", str(cores)]
    if output is not None:
        words += ["--config", f"output={output}"]
    return [*words, "--profile", str(folder), *extra]


def _executor(profile: Path) -> str:
    """Return what a profile runs jobs with; refuse one whose plugin of Snakemake is not installed."""
    settings = yaml.safe_load((profile / "config.yaml").read_text(encoding="utf-8")) or {}
    executor = str(settings.get("executor", "local"))
    if executor not in _BUILT_IN and find_spec(f"snakemake_executor_plugin_{executor.replace('-', '_')}") is None:
        what = "'resistance[slurm]'" if executor == "slurm" else f"snakemake-executor-plugin-{executor}"
        raise InputError(
            "Snakemake's plugin for this executor is not installed",
            path=profile / "config.yaml",
            column="executor",
            value=executor,
            remedy=f"Install it beside resistance: {sys.executable} -m pip install {what}.",
        )
    return executor


def stage_errors(logs: Path, since: float) -> list[str]:
    """Return what stages wrote as ``error: ...`` into logs that are not older than `since` (seconds since 1970)."""
    lines: list[str] = []
    for log in sorted(logs.rglob("*.log")) if logs.is_dir() else ():
        if log.stat().st_mtime >= since:
            text = log.read_text(encoding="utf-8", errors="replace")
            lines += [f"{log}: {line}" for line in text.splitlines() if line.startswith("error: ")]
    return lines


def run(cohort: Path, cores: int, output: Path | None, profile: str | None, extra: Sequence[str]) -> int:
    """Run the workflow on a cohort, in the working directory.

    Parameters
    ----------
    cohort : Path
        The cohort file.
    cores : int
        Processes at once (on a cluster: on the node that submits).
    output : Path or None
        Folder for results instead of the cohort file's ``output``.
    profile : str or None
        ``local``, ``slurm``, or a folder with a Snakemake profile.
    extra : sequence of str
        Further options for ``snakemake``.

    Returns
    -------
    int
        Exit code of Snakemake; 0 when all is done, or was done already.

    Raises
    ------
    InputError
        The cohort file is wrong, the profile does not exist, or its executor is not installed.
    """
    study = load(cohort)
    words = command(cohort, cores, output, profile, extra)
    print(f"running: {shlex.join(words)}", file=sys.stderr, flush=True)
    began = time.time() - 2  # a network's clock may be behind ours
    code = subprocess.run(words, check=False).returncode
    if _NO_RUN.intersection(extra):
        return code
    results = Path(output if output is not None else study.output) / study.study.name
    page = results / "report" / "report.html"
    if code == 0 and page.is_file():  # `--until matrix` ends well without one
        print(f"report: {page}")
    elif code != InputError.exit_code:  # 2: the cohort's problems were printed before anything was started
        for line in stage_errors(results / "logs", began):
            print(line, file=sys.stderr)
        print(
            f"error: a stage stopped; its own words stand above, and under {results / 'logs'}. "
            "The stages that were done stay: correct it and run the same command again.",
            file=sys.stderr,
        )
    return code if code >= 0 else 128 - code  # a negative code is the signal that ended snakemake
