"""A cohort file -> everything that is wrong with it and with the files it names, at once; nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from resistance.config import load
from resistance.dropped import KEPT
from resistance.errors import Collected, InputError

if TYPE_CHECKING:
    from resistance.cohort import Cohort
    from resistance.config import CohortFile


def check(cohort_file: Path) -> list[str]:
    """Read everything a run would read.

    Parameters
    ----------
    cohort_file : Path

    Returns
    -------
    list of str
        What was found, a line each.

    Raises
    ------
    InputError
        All problems of all files together.
    """
    from resistance.batching import batch_names, batch_samples
    from resistance.knowledge import load_markers
    from resistance.read.gather import gather, read_batch

    config = load(cohort_file)
    base = cohort_file.resolve().parent
    found = Collected()
    markers = found.call(load_markers, None if config.markers.file is None else base / config.markers.file)
    reference = None
    if config.annotation.reference_file is not None:
        from resistance.annotate.reference import open_reference

        reference = found.call(open_reference, base / config.annotation.reference_file, config.study.build)
    if config.subtype.rnaseq_reference is not None:
        from resistance.subtype.rnaseq_reference import check_reference

        n_reference = found.call(check_reference, config.subtype.below(base))
    parts = []
    names = found.call(batch_names, config, base) or []
    for name in names:
        part = found.call(read_batch, config, base, batch_samples(config, base, name))
        if part is not None:
            parts.append(part)
    cohort = found.call(gather, config, base, parts)
    found.stop()
    if cohort is None or markers is None:  # found.stop() has raised
        raise InputError("the cohort could not be read", path=cohort_file)
    classified = [*_classified(cohort, config, base, found), *_gene_sets(cohort, config, base, found)]
    aligned = _alignments(cohort, config, base, found)
    found.stop()
    lines = [
        f"{cohort_file}: nothing is wrong.",
        f"build {config.study.build}, {len(cohort.patients)} patients, {len(cohort.samples)} samples",
    ]
    if reference is not None:
        lines.append(f"own annotation in {len(reference.genes)} genes, reference of {reference.build}")
    if config.subtype.rnaseq_reference is not None:
        lines.append(f"reference sample of RNA-seq counts: {n_reference} genes")
    for table in (
        "calls",
        "effects",
        "coverage",
        "copy_number",
        "fusions",
        "ihc",
        "measurements",
        "adverse_events",
        "treatments",
    ):
        lines.append(f"{table}: {len(getattr(cohort, table))} rows")
    lines.append(f"expression: {len(cohort.expression)} genes; nanostring: {len(cohort.nanostring)} codes")
    for name, group in cohort.endpoints.groupby("endpoint", sort=False):
        out = group["excluded"].dropna().value_counts().sort_index()
        why = "; ".join(f"{n} left out: {reason}" for reason, n in out.items())
        lines.append(f"endpoint {name}: {int(group['excluded'].isna().sum())} patients" + (f"; {why}" if why else ""))
    lines += [*aligned, *classified]
    changed = cohort.dropped["reason"].str.startswith(KEPT)
    for what, rows in (("left out", cohort.dropped[~changed]), ("renamed or merged", cohort.dropped[changed])):
        lines.append(f"{what} and counted: {int(rows['n'].sum())} rows ({len(rows)} reasons)")
        lines += [f"  {row.n} {row.table} ({row.source}): {row.reason}" for row in rows.itertuples()]
    if cohort.coverage.empty:
        lines.append("No assay is declared: a gene without a call is not_assessed, never absent (see 'assays').")
    return lines


def _alignments(cohort: Cohort, config: CohortFile, base: Path, found: Collected) -> list[str]:
    """Open every alignment file whose reads a run would count, and what is counted with them: headers and indices, no reads."""
    from resistance.batching import CONTROLS, alignment_batches, alignment_files
    from resistance.read.alignments.opened import open_alignment
    from resistance.read.alignments.panel import open_panel
    from resistance.read.sites import read_alleles

    settings, build = config.ctdna.alignments, config.study.build
    if settings is None:
        return []
    found.call(open_panel, settings, base, build)
    if settings.hotspots is not None:
        found.call(read_alleles, base / settings.hotspots, build)
    fasta = None if settings.fasta is None else base / settings.fasta
    wanted = set(cohort.samples.loc[cohort.samples["material"].isin(settings.materials), "sample_id"])
    n = 0
    for batch in found.call(alignment_batches, config, base) or {}:
        for sample, path in alignment_files(config, base, batch):
            if batch == CONTROLS or sample in wanted:
                found.call(open_alignment, path, build, sample=sample, fasta=fasta, read_groups=settings.read_groups)
                n += 1
    return [f"alignments: {n} files, headers and indices; their reads (UMI tags among them) are looked at in the run"]


def _gene_sets(cohort: Cohort, config: CohortFile, base: Path, found: Collected) -> list[str]:
    """Say how many sets of each file of gene sets can be scored; no score is computed."""
    from resistance.dropped import Dropped
    from resistance.read.gene_sets import read_gene_sets
    from resistance.subtype.expression_scores import score_names
    from resistance.subtype.gene_sets import sets_to_score

    dropped = Dropped("classify")
    files = {asked.file: None for asked in config.subtype.gene_sets}
    read = {name: found.call(read_gene_sets, base / name, dropped) for name in files}
    asked = [(x, of.sets) for x in config.subtype.gene_sets if (of := read[x.file]) is not None]
    if not asked:
        return []
    scores = found.call(score_names, config.subtype.scores) or ()
    taken = dict.fromkeys((*scores, *config.subtype.methods), "another score of the cohort file")
    before = len(found.problems)
    placed = found.call(sets_to_score, cohort, asked, taken)
    if placed is None and len(found.problems) == before:
        return ["gene sets: none can be scored, the cohort has no expression"]
    lines = [
        f"gene sets of {settings.file}: {sum(not one.why for one in sets)} of {len(sets)} can be scored ({settings.method})"
        for settings, sets in placed or []
    ]
    return lines + [f"  {row['n']} in {row['source']}: {row['reason']}" for row in dropped.rows()]


def _classified(cohort: Cohort, config: CohortFile, base: Path, found: Collected) -> list[str]:
    """Open every file of the classification, and say how many patients each method can call that needs no annotation."""
    from resistance.subtype.classify import method_named, method_names
    from resistance.subtype.expression_scores import score_names
    from resistance.subtype.genetic import cohort_events
    from resistance.subtype.method import common_reason
    from resistance.subtype.mixture import read_mixture

    lines = []
    settings = config.subtype.below(base)
    found.call(score_names, settings.scores)
    genetic = False
    for name in method_names(settings):
        method = found.call(method_named, name, settings)
        if method is None:
            continue
        if method.input not in ("ihc", "nanostring", "expression") and name != "lymphgen":
            genetic = True
            continue
        called = found.call(method.classify, cohort, settings)
        if called is not None:
            rows = called.subtypes
            reason = common_reason(rows.loc[rows["subtype"].isna(), "reason"].dropna().astype(str))
            why = f"; most of the others: {reason}" if reason else ""
            lines.append(f"subtype {name}: {int(rows['subtype'].notna().sum())} of {len(rows)} patients called{why}")
    if genetic and settings.genetic.events is not None:
        found.call(cohort_events, cohort, settings, ())
    if settings.genetic.mixture.file is not None:
        found.call(read_mixture, Path(settings.genetic.mixture.file))
    return lines
