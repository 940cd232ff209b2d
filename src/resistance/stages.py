"""Each stage of the workflow: read the tables it needs, call its room, write its tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from resistance import schemas
from resistance.config import CohortFile, load
from resistance.dropped import Dropped
from resistance.layout import BATCH, PILEUP, read_stage, write_stage
from resistance.layout import STAGES as STAGE_TABLES
from resistance.tables import Schema, empty, read_table, write_table, write_text


def _load(cohort_file: Path) -> tuple[CohortFile, Path]:
    return load(cohort_file), cohort_file.resolve().parent


def read(cohort_file: Path, results: Path, batch: str) -> None:
    """Write ``read/<batch>/*.parquet`` from the per-sample files of one batch."""
    from resistance.batching import batch_samples
    from resistance.read.gather import read_batch

    config, base = _load(cohort_file)
    tables = read_batch(config, base, batch_samples(config, base, batch))
    for schema in BATCH:
        write_table(tables[schema.name], results / "read" / batch / f"{schema.name}.parquet", schema)


def gather(cohort_file: Path, results: Path) -> None:
    """Write ``cohort/`` from the batches and the cohort-wide files."""
    from resistance.batching import batch_names
    from resistance.read.gather import gather as gather_cohort

    config, base = _load(cohort_file)
    parts = [
        {schema.name: read_table(results / "read" / name / f"{schema.name}.parquet", schema) for schema in BATCH}
        for name in batch_names(config, base)
    ]
    gather_cohort(config, base, parts).write(results / "cohort")


def annotate(cohort_file: Path, results: Path) -> None:
    """Write ``annotate/effects.parquet``."""
    from resistance.annotate.aliases import with_aliases
    from resistance.annotate.choose import one_per_gene, with_current_symbols
    from resistance.annotate.domains import with_domains
    from resistance.annotate.flags import with_flags
    from resistance.annotate.frames import count_broken_frames
    from resistance.knowledge import load_genes

    config, base = _load(cohort_file)
    dropped = Dropped("annotate")
    effects = with_current_symbols(read_stage(results, "cohort", schemas.EFFECTS), load_genes().aliases)
    differ, phased, not_whole = empty(schemas.DIFFERENCES), empty(schemas.PHASED_EFFECTS), frozenset[str]()
    if config.annotation.reference_file is not None:
        from resistance.annotate.compare import differences
        from resistance.annotate.joined import phased_effects
        from resistance.annotate.native import annotate_variants, count_elsewhere, instead_of_file
        from resistance.annotate.reference import open_reference

        reference = open_reference(base / config.annotation.reference_file, config.study.build)
        not_whole = reference.not_whole
        calls = read_stage(results, "cohort", schemas.CALLS)
        own = annotate_variants(calls, reference, dropped)
        phased = phased_effects(calls, reference, dropped)
        if config.annotation.mode == "both":
            differ = differences(one_per_gene(effects, None, Dropped("annotate")), own)
        count_elsewhere(own, dropped)
        effects = instead_of_file(effects, own, reference, dropped)
    effects = with_flags(with_domains(with_aliases(one_per_gene(effects, None, dropped), dropped)))
    count_broken_frames(effects, dropped, not_whole)
    write_stage(effects, results, "annotate", schemas.EFFECTS)
    write_stage(phased, results, "annotate", schemas.PHASED_EFFECTS)
    write_stage(differ, results, "annotate", schemas.DIFFERENCES)
    write_stage(dropped.frame(), results, "annotate", schemas.DROPPED)


def _cohort(results: Path) -> Any:
    """Return the cohort with the scores that the stage ``subtype`` computed."""
    from resistance.cohort import Cohort

    return Cohort.read(results / "cohort").with_scores(read_stage(results, "subtype", schemas.SCORES))


def pileup(cohort_file: Path, results: Path, batch: str) -> None:
    """Write ``pileup/<batch>/*.parquet`` from the alignments of one batch."""
    from resistance.batching import CONTROLS, alignment_files
    from resistance.ctdna.sites import sites_to_count
    from resistance.read.alignments.batch import count_batch
    from resistance.read.alignments.snps import germline_like
    from resistance.read.sites import read_alleles

    config, base = _load(cohort_file)
    settings = config.ctdna.alignments
    files = alignment_files(config, base, batch)  # without 'ctdna.alignments' there is no batch, and it says so
    if settings is None:
        return
    samples = read_stage(results, "cohort", schemas.SAMPLES)
    if batch != CONTROLS:
        wanted = samples.loc[samples["material"].isin(settings.materials), "sample_id"]
        files = [(sample, path) for sample, path in files if sample in set(wanted)]
    spots = None if settings.hotspots is None else read_alleles(base / settings.hotspots, config.study.build)
    calls = read_stage(results, "cohort", schemas.CALLS)
    sites = sites_to_count(calls, samples, [sample for sample, _ in files], of=settings.variants, everywhere=spots)
    normals = None
    if settings.controls is not None and batch != CONTROLS:
        path = results / "pileup" / CONTROLS / f"{schemas.CONTROL_POSITIONS.name}.parquet"
        normals = read_table(path, schemas.CONTROL_POSITIONS)
    tables = count_batch(
        files,
        sites,
        settings,
        build=config.study.build,
        base=base,
        controls=batch == CONTROLS,
        snps=germline_like(calls, samples) if settings.snps is None else None,
        normals=normals,
    )
    for schema in PILEUP:
        write_table(tables[schema.name], results / "pileup" / batch / f"{schema.name}.parquet", schema)


def ctdna(cohort_file: Path, results: Path) -> None:
    """Write ``ctdna/``: quantity, response, course, residual disease, emergence, clonal haematopoiesis, identity."""
    from resistance.cohort import Cohort
    from resistance.ctdna.course import ctdna_course
    from resistance.ctdna.emergence import find_emergence
    from resistance.ctdna.followed import follow
    from resistance.ctdna.haematopoiesis import clonal_haematopoiesis
    from resistance.ctdna.mrd import find_mrd
    from resistance.ctdna.quantity import quantify
    from resistance.ctdna.response import molecular_response
    from resistance.ctdna.sample_checks import check_samples

    config, base = _load(cohort_file)
    cohort = Cohort.read(results / "cohort")
    effects = read_stage(results, "annotate", schemas.EFFECTS)
    pileup, background, snps = (
        _aligned(config, base, results, schema) for schema in (schemas.PILEUP, schemas.BACKGROUND, schemas.SNP_COUNTS)
    )
    followed = follow(cohort, config.ctdna, effects=effects, pileup=pileup)
    tested = find_mrd(cohort, config.ctdna, followed=followed, pileup=pileup, background=background, seed=config.seed)
    for schema, table in zip((schemas.MRD, schemas.MRD_SITES), tested, strict=True):
        write_stage(table, results, "ctdna", schema)
    quantity = quantify(cohort, config.ctdna, followed=followed, mrd=tested[0])
    write_stage(quantity, results, "ctdna", schemas.QUANTITY)
    write_stage(molecular_response(quantity, config.ctdna), results, "ctdna", schemas.RESPONSE)
    write_stage(ctdna_course(quantity, cohort.endpoints, config.ctdna), results, "ctdna", schemas.COURSE)
    write_stage(clonal_haematopoiesis(followed), results, "ctdna", schemas.HAEMATOPOIESIS)
    emergence = find_emergence(cohort, effects, config.ctdna, pileup=pileup, background=background)
    write_stage(emergence, results, "ctdna", schemas.EMERGENCE)
    checked = check_samples(cohort, config.ctdna.identity, snp_counts=snps, pileup=pileup, background=background)
    write_stage(checked, results, "ctdna", schemas.IDENTITY)


def _aligned(config: CohortFile, base: Path, results: Path, schema: Schema) -> Any:
    """Return a table of the alignments of all batches, or None where no alignments are counted."""
    import pandas as pd

    from resistance.batching import alignment_batches

    if config.ctdna.alignments is None:
        return None
    paths = [results / "pileup" / name / f"{schema.name}.parquet" for name in alignment_batches(config, base)]
    parts = [part for part in (read_table(path, schema) for path in paths) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else empty(schema)


def classify(cohort_file: Path, results: Path) -> None:
    """Write ``subtype/`` subtypes, scores, concordance, disagreements, and what was dropped from files of gene sets."""
    from resistance.cohort import Cohort
    from resistance.read.gene_sets import read_gene_sets
    from resistance.subtype.classify import classify_all
    from resistance.subtype.concordance import concordance, disagreements

    config, base = _load(cohort_file)
    cohort = Cohort.read(results / "cohort")
    annotated = replace(cohort, effects=read_stage(results, "annotate", schemas.EFFECTS))
    dropped = Dropped("classify")
    files = {name: read_gene_sets(base / name, dropped).sets for name in dict.fromkeys(x.file for x in config.subtype.gene_sets)}
    called = classify_all(
        annotated, config.subtype.below(base), [(asked, files[asked.file]) for asked in config.subtype.gene_sets]
    )
    for schema, table in (
        (schemas.SUBTYPES, called.subtypes),
        (schemas.SCORES, called.scores),
        (schemas.CONCORDANCE, concordance(called.subtypes)),
        (schemas.DISAGREEMENTS, disagreements(called.subtypes, cohort.samples)),
        (schemas.DROPPED, dropped.frame()),
    ):
        write_stage(table, results, "subtype", schema)


def matrix(cohort_file: Path, results: Path) -> None:
    """Write ``matrix/`` markers and matrix."""
    from resistance.allelic import allelic_states
    from resistance.clonality import find_clonality
    from resistance.cooccurrence import cooccurrence
    from resistance.emergent_resistance import find_emergent_resistance
    from resistance.knowledge import load_markers
    from resistance.matrix import build_matrix
    from resistance.pathways import pathway_states

    config, base = _load(cohort_file)
    markers = load_markers(None if config.markers.file is None else base / config.markers.file)
    cohort, effects = _cohort(results), read_stage(results, "annotate", schemas.EFFECTS)
    phased = read_stage(results, "annotate", schemas.PHASED_EFFECTS)
    ctdna_tables = {schema.name: read_stage(results, "ctdna", schema) for schema in STAGE_TABLES["ctdna"]}
    matched = build_matrix(
        cohort,
        effects,
        read_stage(results, "subtype", schemas.SUBTYPES),
        markers,
        subtype_method=config.subtype.use,
        phased=phased,
        ctdna=ctdna_tables,
    )
    emerged = ctdna_tables[schemas.EMERGENCE.name]
    genes = frozenset(gene for question in matched.questions for gene in question.genes)
    for schema, table in (
        (schemas.MARKERS, markers),
        (schemas.MATRIX, matched.matrix),
        (schemas.EVIDENCE, matched.evidence),
        (schemas.ALLELIC_STATES, allelic_states(matched)),
        (schemas.CLONALITY, find_clonality(cohort, matched.tables)),
        (schemas.PATHWAY_STATES, pathway_states(matched)),
        (
            schemas.COOCCURRENCE,
            cooccurrence(cohort, effects, genes, phased=phased, min_carriers=config.analysis.cooccurrence_carriers),
        ),
        (schemas.EMERGENT_RESISTANCE, find_emergent_resistance(cohort, emerged, matched.evidence, markers)),
        (schemas.DROPPED, matched.dropped),
    ):
        write_stage(table, results, "matrix", schema)


def associate(cohort_file: Path, results: Path) -> None:
    """Write ``associate/`` plan.json and plan.html, and only then the results."""
    from resistance.associate import answer, make_plan
    from resistance.matrix import gene_states
    from resistance.report.plan_page import render_plan

    config, _ = _load(cohort_file)
    cohort = _cohort(results)
    subtypes = read_stage(results, "subtype", schemas.SUBTYPES)
    markers, states = read_stage(results, "matrix", schemas.MARKERS), read_stage(results, "matrix", schemas.MATRIX)
    genes = None
    if config.analysis.genes == "all_mutated":
        effects, phased = (read_stage(results, "annotate", schema) for schema in (schemas.EFFECTS, schemas.PHASED_EFFECTS))
        genes = gene_states(cohort, effects, phased=phased)
    tables = cohort, markers, states, subtypes
    further = _measured_in(config, results)
    plan = make_plan(config, *tables, gene_states=genes, stages=further)
    folder = results / "associate"
    write_text(folder / "plan.json", json.dumps(plan, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
    write_text(folder / "plan.html", render_plan(plan, config.report.title or config.study.title, config.study.build))
    found = answer(plan, config, *tables, gene_states=genes, stages=further)
    write_stage(found, results, "associate", schemas.RESULTS)


def train(cohort_file: Path, results: Path) -> None:
    """Write ``train/``: plan.json, and only then the tables and the saved models."""
    from resistance.associate.plan import digests
    from resistance.predict.columns import make_source
    from resistance.predict.tasks import describe, make_tasks
    from resistance.predict.train import train as fit

    config, _ = _load(cohort_file)
    tables, named = _prediction_tables(config, results)
    source = make_source(config, *tables, **named)
    tasks = make_tasks(source)
    plan = describe(tasks, source, digests(*tables, **named))
    folder = results / "train"
    write_text(folder / "plan.json", json.dumps(plan, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
    trained = fit(tasks, config.seed)
    for schema in STAGE_TABLES["train"]:
        write_stage(trained.tables[schema.name], results, "train", schema)
    models = folder / "models"
    models.mkdir(parents=True, exist_ok=True)
    for old in sorted(models.glob("*.json")):
        if old.name not in trained.models:  # of an earlier cohort file: it would pass for one of this run
            old.unlink()
    for name, text in trained.models.items():
        write_text(models / name, text)


def apply_to_cohort(model_file: Path, cohort_file: Path, results: Path, days: Sequence[float]) -> tuple[Any, list[str]]:
    """Return the predictions of a saved model for a cohort whose stages to ``matrix`` have run, and what to beware of."""
    from resistance.predict.apply import apply_model, columns_from_cohort, read_model
    from resistance.predict.columns import make_source

    model = read_model(model_file)
    config, _ = _load(cohort_file)
    scanned = any(feature.name.startswith("gene:") for feature in model.features)
    if scanned:
        analysis = config.analysis.model_copy(update={"genes": "all_mutated"})
        config = config.model_copy(update={"analysis": analysis})
    tables, named = _prediction_tables(config, results, all_genes=scanned)
    patients, columns, notes = columns_from_cohort(model, make_source(config, *tables, **named))
    found, more = apply_model(model, patients, columns, days=days)
    return found, [*notes, *more]


def apply_to_table(model_file: Path, table: Path, days: Sequence[float]) -> tuple[Any, list[str]]:
    """Return the same for a TSV with patient_id and the model's features."""
    import pandas as pd

    from resistance.errors import InputError
    from resistance.predict.apply import apply_model, columns_from_table, read_model

    model = read_model(model_file)
    try:
        frame = pd.read_csv(table, sep="\t", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError("the table of features is missing", path=table) from error
    except (ValueError, OSError) as error:  # pandas' own errors of reading are ValueErrors
        raise InputError(f"not a readable table ({error})", path=table, remedy="Tab separated text with a header.") from error
    patients, columns, notes = columns_from_table(model, frame, table)
    found, more = apply_model(model, patients, columns, days=days)
    return found, [*notes, *more]


def _prediction_tables(config: CohortFile, results: Path, *, all_genes: bool = False) -> tuple[Any, dict[str, Any]]:
    """Return what :func:`resistance.predict.columns.make_source` takes."""
    from resistance.matrix import gene_states

    cohort = _cohort(results)
    tables = (
        cohort,
        read_stage(results, "matrix", schemas.MARKERS),
        read_stage(results, "matrix", schemas.MATRIX),
        read_stage(results, "subtype", schemas.SUBTYPES),
    )
    genes = None
    if all_genes or any("genes" in asked.features or _of_genes(asked.features) for asked in config.prediction):
        effects, phased = (read_stage(results, "annotate", schema) for schema in (schemas.EFFECTS, schemas.PHASED_EFFECTS))
        genes = gene_states(cohort, effects, phased=phased)
    return tables, {"gene_states": genes, "stages": _measured_in(config, results)}


def _of_genes(features: Sequence[str]) -> bool:
    return any(name.startswith("gene:") for name in features)


def _measured_in(config: CohortFile, results: Path) -> dict[str, Any]:
    """Return the further tables that measures of the analysis are read from."""
    sources = {measure.variable.partition(":")[0] for measure in config.analysis.measures}
    needed = {"vaf": ("annotate", schemas.EFFECTS), "ctdna": ("ctdna", schemas.QUANTITY)}
    found = {schema.name: read_stage(results, stage, schema) for word, (stage, schema) in needed.items() if word in sources}
    if config.analysis.dated_measures():
        dated = (schemas.QUANTITY, schemas.RESPONSE, schemas.MRD)
        found |= {schema.name: read_stage(results, "ctdna", schema) for schema in dated}
    return found


def report(cohort_file: Path, results: Path) -> None:
    """Write ``report/``."""
    from resistance import provenance
    from resistance.batching import alignment_batches
    from resistance.inputs import input_files
    from resistance.report.page import write_report

    config, base = _load(cohort_file)
    made_from = provenance.record(config, cohort_file, input_files(config, base))
    write_report(config, results, results / "report", made_from, batches=list(alignment_batches(config, base)))


STAGES: dict[str, Callable[[Path, Path], None]] = {
    "gather": gather,
    "annotate": annotate,
    "ctdna": ctdna,
    "classify": classify,
    "matrix": matrix,
    "associate": associate,
    "train": train,
    "report": report,
}
