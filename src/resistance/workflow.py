"""What Snakemake was given (configuration files, --config) -> the one cohort, its batches and files, for the rules.

Snakemake merges configuration files key by key. A cohort that is merged with another one is nobody's
cohort, so the file itself is read again here, and only ``output`` may be set beside it.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resistance import __version__, schemas
from resistance.annotate.reference import open_reference
from resistance.batching import CONTROLS, alignment_batches, batch_text, batches, listed_samples
from resistance.config import CohortFile, load
from resistance.dropped import Dropped
from resistance.errors import InputError, Problem, ResistanceError
from resistance.inputs import SITE_LISTS, Named, config_files, require, sample_files
from resistance.layout import BATCH, PILEUP, STAGES, table_path
from resistance.read.gather import clinic_and_samples
from resistance.resources import knowledge_digest
from resistance.subtype.rnaseq_reference import check_reference

#: the file that is used when none is given, as Snakemake workflows do
DEFAULT = Path("config/config.yaml")
#: columns of the samples sheet whose files belong to a batch (the others are read by gather)
PER_BATCH = ("vcf", "sv_vcf", "bam")


@dataclass(frozen=True)
class Work:
    """What the rules need to know about a cohort.

    Parameters
    ----------
    cohort : str
        Path of the cohort file, relative to the working directory where it is below it.
    results : str
        Folder of the results, ``<output>/<study name>``.
    files : tuple of str
        Files that concern the whole cohort: the sheets, matrices and files gathered at once.
    classified : tuple of str
        Files that the stage ``classify`` alone reads: models, a matrix of events, the reference sample of RNA-seq.
    batches : dict of str to tuple of str
        Batch -> the files of its samples, and the chains that move them to the study's build.
    alignments : dict of str to tuple of str
        Batch of alignments -> its files, and those that say what is counted in them; empty without ``ctdna.alignments``.
    members : dict of str to str
        Batch -> digest of its rows of the samples sheet, as far as their patients are analysed.
    reading : str
        Digest of the settings that decide how a sample's file is read.
    version : str
        Version of the package and digest of its knowledge tables: results of an older one are made again.
    predicts : bool
        The cohort file asks for prediction models; without, their stage does not run.
    raw : dict
        The cohort file as it stands, for validation by the JSON schema.
    """

    cohort: str
    results: str
    files: tuple[str, ...]
    classified: tuple[str, ...]
    batches: dict[str, tuple[str, ...]]
    alignments: dict[str, tuple[str, ...]]
    members: dict[str, str]
    reading: str
    version: str
    predicts: bool
    raw: dict[str, Any]

    def tables(self, stage: str) -> list[str]:
        """Return the paths of the tables that a stage writes."""
        return [table_path(self.results, stage, schema).as_posix() for schema in STAGES[stage]]

    def trained(self) -> list[str]:
        """Return what the report takes from the prediction models: nothing where none is asked for."""
        return [*self.tables("train"), f"{self.results}/train/plan.json"] if self.predicts else []

    def pileup_tables(self, batch: str) -> list[str]:
        """Return the paths of the tables that one batch of alignments gives (also for a wildcard in place of its name)."""
        return [table_path(self.results, f"pileup/{batch}", schema).as_posix() for schema in PILEUP]

    def normals(self, batch: str) -> list[str]:
        """Return the panel of normals, which the controls give and every other batch of alignments takes."""
        if CONTROLS not in self.alignments or batch == CONTROLS:
            return []
        return [table_path(self.results, f"pileup/{CONTROLS}", schemas.CONTROL_POSITIONS).as_posix()]

    def counted(self) -> list[str]:
        """Return what the stage ``ctdna`` takes from the alignments: nothing where none are counted."""
        return [table for batch in self.alignments for table in self.pileup_tables(batch)]

    def batch_tables(self, batch: str) -> list[str]:
        """Return the paths of the tables that one batch gives (also for a wildcard in place of its name)."""
        return [table_path(self.results, f"read/{batch}", schema).as_posix() for schema in BATCH]


def plan_work(configfiles: Sequence[str | Path], config: Mapping[str, Any]) -> Work:
    """Read the cohort that Snakemake was asked to run.

    Parameters
    ----------
    configfiles : sequence of path
        As given by ``--configfile``; none means ``config/config.yaml``.
    config : mapping
        Snakemake's merged configuration; ``output`` is taken from it, every other difference from
        the file is refused.

    Raises
    ------
    InputError
        More than one cohort file, an unknown setting on the command line, or anything that is wrong
        with the cohort file, its sheets, the files they name, or the reference bundle of own annotation.
    """
    if len(configfiles) > 1:
        raise InputError(
            "two cohort files were given, and a run takes one",
            value=" ".join(str(path) for path in configfiles),
            remedy="Merging two would give a cohort that nobody described: run them one after the other.",
        )
    path = Path(configfiles[0]) if configfiles else DEFAULT
    cohort = load(path)
    raw = _raw(path)
    _only_output(config, raw if configfiles else {}, path)
    output = str(config.get("output", cohort.output))
    if "{" in output or "}" in output:
        raise InputError(
            "the folder's name holds a brace, which Snakemake would read as a wildcard", column="output", value=output
        )
    base = path.resolve().parent
    named = config_files(cohort, base)
    require(named)
    if cohort.annotation.reference_file is not None:
        open_reference(base / cohort.annotation.reference_file, cohort.study.build)  # before any job, not after the reading
    if cohort.subtype.rnaseq_reference is not None:
        check_reference(cohort.subtype.below(base))
    _, specimens = clinic_and_samples(cohort, base, Dropped("plan"))
    analysed = frozenset(specimens.samples["sample_id"])
    samples = [sample for sample in listed_samples(cohort, base) if sample.sample_id in analysed]
    by_batch = {name: [s for s in rows if s.sample_id in analysed] for name, rows in batches(cohort, base).items()}
    everything = sample_files(cohort, base, samples)
    # a batch drops what the lists hold, so a changed list is a reason to read it again
    lists = [
        item
        for item in named
        if item.key is not None and item.key.startswith("variants.") and item.key.rsplit(".", 1)[-1] in SITE_LISTS
    ]
    require(everything)
    # a chain moves the calls of the samples' own files: with another one they are read again
    chains = [
        item
        for i, source in enumerate(cohort.variants)
        for item in named
        if source.file is None and item.key == f"variants.{i}.liftover.chain"
    ]
    classified = [item for item in named if item.key is not None and item.key.startswith("subtype.")]
    counting = [item for item in named if item.key is not None and item.key.startswith("ctdna.alignments.")]
    alignments = {}
    for name, rows in alignment_batches(cohort, base).items():
        kept = rows if name == CONTROLS else [row for row in rows if row.sample_id in analysed]
        bams = [Named(base / row.files["bam"], row.files["bam"], column="bam", row=row.row) for row in kept]
        require(bams)
        alignments[name] = _paths([*bams, *counting])
    return Work(
        cohort=shown(path),
        results=(Path(output) / cohort.study.name).as_posix(),
        files=_paths(
            [*(item for item in named if item not in classified), *(i for i in everything if i.column not in PER_BATCH)]
        ),
        classified=_paths(classified),
        batches={
            name: _paths(
                [*(item for item in sample_files(cohort, base, rows) if item.column in ("vcf", "sv_vcf")), *lists, *chains]
            )
            for name, rows in by_batch.items()
        },
        alignments=alignments,
        members={name: _digest(batch_text(rows)) for name, rows in by_batch.items()},
        reading=_reading(cohort),
        version=f"{__version__}+{knowledge_digest()}",
        predicts=bool(cohort.prediction),
        raw=raw,
    )


def _raw(path: Path) -> dict[str, Any]:
    import yaml

    raw: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    return raw


def _only_output(config: Mapping[str, Any], raw: Mapping[str, Any], path: Path) -> None:
    """Refuse settings of the command line that would be ignored."""
    problems = [
        Problem(
            "only 'output' can be set by --config",
            column=str(key),
            value=str(value)[:60],
            remedy=f"Write it into {path} (or a copy of it), so that the file says how its results were made.",
        )
        for key, value in config.items()
        if key != "output" and (key not in raw or raw[key] != value)
    ]
    if problems:
        raise InputError(problems)


def _reading(cohort: CohortFile) -> str:
    settings = cohort.model_dump(mode="json", by_alias=True, include={"variants", "fusions"})
    return _digest(json.dumps([cohort.study.build, settings], sort_keys=True))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def shown(path: Path) -> str:
    """Return a path as seen from the working directory where it is below it, else as it is.

    Snakemake repeats a stage when its command or its inputs are named differently; this keeps the
    names the same whether a file was given by a relative or by an absolute path.
    """
    absolute = path if path.is_absolute() else Path.cwd() / path
    try:
        return absolute.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return absolute.as_posix()


def _paths(named: Iterator[Named] | Sequence[Named]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(shown(item.path) for item in named))


@contextmanager
def errors_as_text() -> Iterator[None]:
    """Print what is wrong with the input as the command line does, and leave with its exit code."""
    try:
        yield
    except ResistanceError as error:
        problems = error.problems if isinstance(error, InputError) else (error,)
        for problem in problems:
            print(f"error: {problem}", file=sys.stderr)
        sys.exit(error.exit_code)
