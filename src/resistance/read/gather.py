"""A cohort file -> the tables of its batches, and all tables of the cohort checked against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance import schemas
from resistance.cohort import Cohort
from resistance.config import CohortFile, Variants
from resistance.dropped import Dropped
from resistance.errors import Collected
from resistance.layout import BATCH
from resistance.read.adverse_endpoints import with_adverse_endpoints
from resistance.read.clinical import Clinic, read_clinic
from resistance.read.gene_regions import regions_of
from resistance.read.lifted import lift_tables, lifter_of, said_of
from resistance.read.samples import Specimens, read_samples
from resistance.read.sites import SiteLists, read_lists
from resistance.tables import Schema, conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.liftover import Lifter

Tables = dict[str, "pd.DataFrame"]


def stacked(parts: Sequence[pd.DataFrame], schema: Schema) -> pd.DataFrame:
    """Return tables of one schema below each other, in the order of the schema's key."""
    import pandas as pd

    full = [part for part in parts if len(part)]
    if not full:
        return empty(schema)
    table = pd.concat(full, ignore_index=True)
    by = [name for name in (schema.key or schema.names) if name in table]
    return table.sort_values(by, kind="stable", ignore_index=True)


def clinic_and_samples(config: CohortFile, base: Path, dropped: Dropped) -> tuple[Clinic, Specimens]:
    """Read the two sheets that everything else is checked against."""
    found = Collected()
    clinic = found.call(read_clinic, config, base, dropped)
    specimens = found.call(
        read_samples,
        config,
        base,
        patients=frozenset() if clinic is None else frozenset(clinic.patients["patient_id"]),
        all_patients=None if clinic is None else clinic.all_ids,
        dropped=dropped if clinic is not None else Dropped("gather"),
    )
    found.stop()
    assert clinic is not None
    assert specimens is not None
    return clinic, specimens


def read_batch(config: CohortFile, base: Path, samples: Sequence[str]) -> Tables:
    """Read the per-sample files of some samples.

    Parameters
    ----------
    config : CohortFile
    base : Path
        Folder of the cohort file.
    samples : sequence of str
        Samples of the batch.

    Returns
    -------
    dict of DataFrame
        The tables of :data:`resistance.layout.BATCH`, by name.

    Raises
    ------
    InputError
        What is wrong with any file of the batch, all of it.
    """
    dropped = Dropped("read")
    _, specimens = clinic_and_samples(config, base, Dropped("read"))
    files = specimens.files[specimens.files["sample_id"].isin(list(samples))]
    found = Collected()
    calls, effects, fusions = [], [], []
    for source in config.variants:
        if source.file is None:
            lifter = found.call(lifter_of, source, base, config.study.build)
            if source.liftover is not None and lifter is None:
                continue  # the chain is wrong, and that is said once
            lists = found.call(read_lists, source, base, config.study.build if lifter is None else lifter.source)
            for path, ids in _by_file(files, "vcf", base):
                part = found.call(_vcf, source, path, config, ids, lists, lifter, dropped)
                if part is not None:
                    calls.append(part[0])
                    effects.append(part[1])
    for structural in config.fusions:
        if structural.file is None:
            for path, ids in _by_file(files, "sv_vcf", base):
                part_sv = found.call(_fusions, structural, path, config, ids, None, dropped)
                if part_sv is not None:
                    fusions.append(part_sv)
    found.stop()
    tables = {
        "calls": stacked(calls, schemas.CALLS),
        "effects": _unique_effects(stacked(effects, schemas.EFFECTS)),
        "fusions": stacked(fusions, schemas.FUSIONS),
        "dropped": dropped.frame(),
    }
    return {schema.name: tables[schema.name] for schema in BATCH}


def _by_file(files: pd.DataFrame, column: str, base: Path) -> list[tuple[Path, list[str]]]:
    if column not in files:
        return []
    named = files[files[column].notna()]
    return [(base / str(name), group["sample_id"].tolist()) for name, group in named.groupby(column, sort=False)]


def _vcf(
    source: Variants,
    path: Path,
    config: CohortFile,
    ids: list[str],
    lists: SiteLists | None,
    lifter: Lifter | None,
    dropped: Dropped,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    from resistance.read.vcf import read_vcf

    build = config.study.build if lifter is None else lifter.source
    calls, effects = read_vcf(
        source,
        path,
        build=build,
        samples=ids,
        dropped=dropped,
        regions=regions_of(source, build),
        lists=lists,
        said=said_of(lifter),
    )
    calls, effects, _ = lift_tables(calls, effects, empty(schemas.FUSIONS), lifter, path, dropped)
    return calls, effects


def _fusions(
    source: Any, path: Path, config: CohortFile, ids: list[str], every: frozenset[str] | None, dropped: Dropped
) -> pd.DataFrame:
    from resistance.knowledge import load_genes, load_positions
    from resistance.read.fusions import read_fusions

    genes = load_genes()
    return read_fusions(
        source,
        path,
        samples=ids,
        genes=genes.symbols,
        aliases=genes.aliases,
        gene_positions=load_positions() if source.format == "vcf" else None,
        build=config.study.build,
        all_samples=every,
        dropped=dropped,
    )


def _unique_effects(effects: pd.DataFrame) -> pd.DataFrame:
    """The same variant in several samples carries the same annotation: keep it once."""
    return effects.drop_duplicates(list(schemas.EFFECTS.key), ignore_index=True)


def gather(config: CohortFile, base: Path, batches: Sequence[Mapping[str, pd.DataFrame]]) -> Cohort:
    """Put the batches and the cohort-wide files together.

    Parameters
    ----------
    config : CohortFile
    base : Path
        Folder of the cohort file.
    batches : sequence of mapping
        What :func:`read_batch` gave for each batch.

    Returns
    -------
    Cohort

    Raises
    ------
    InputError
        What is wrong with any file, all of it.
    """
    from resistance.knowledge import load_genes

    dropped = Dropped("gather")
    clinic, specimens = clinic_and_samples(config, base, dropped)
    genes = load_genes()
    found = Collected()
    parts: dict[str, list[pd.DataFrame]] = {schema.name: [batch[schema.name] for batch in batches] for schema in BATCH}
    ids = specimens.samples["sample_id"].tolist()
    for source in config.variants:
        if source.file is not None:
            for name, table in (found.call(_cohort_variants, source, config, base, specimens, dropped) or {}).items():
                parts[name].append(table)
    for structural in config.fusions:
        if structural.file is not None:
            table = found.call(_fusions, structural, base / structural.file, config, ids, specimens.all_ids, dropped)
            if table is not None:
                parts["fusions"].append(table)
    other = _other_tables(config, base, clinic, specimens, genes, dropped, found)
    found.stop()
    tables: Tables = {name: table for name, table in other.items() if table is not None}
    tables["calls"] = _one_call_each(stacked(parts["calls"], schemas.CALLS), dropped)
    tables["effects"] = _unique_effects(stacked(parts["effects"], schemas.EFFECTS))
    tables["fusions"] = stacked(parts["fusions"], schemas.FUSIONS)
    tables["dropped"] = stacked([*parts["dropped"], dropped.frame()], schemas.DROPPED)
    study = config.study.model_dump(mode="json")
    expression = config.expression
    facts = study | {
        "flow": clinic.flow,
        "expression_unit": None if expression is None else expression.unit,
        "expression_platform": None if expression is None else expression.platform,
    }
    events = tables.get("adverse_events", empty(schemas.ADVERSE_EVENTS))
    endpoints = with_adverse_endpoints(clinic.endpoints, events, clinic.patients["patient_id"], config)
    return Cohort(facts=facts, patients=clinic.patients, samples=specimens.samples, endpoints=endpoints, **tables)


def _cohort_variants(source: Variants, config: CohortFile, base: Path, specimens: Specimens, dropped: Dropped) -> Tables:
    """Read one cohort-wide source; samples of patients who are not analysed are known, and left out."""
    path = base / str(source.file)
    lifter = lifter_of(source, base, config.study.build)
    build = config.study.build if lifter is None else lifter.source
    lists = read_lists(source, base, build)
    if source.format == "maf":
        from resistance.read.maf import read_maf

        tables = read_maf(
            source, path, build=build, samples=specimens.all_ids, dropped=dropped, lists=lists, said=said_of(lifter)
        )
        calls, effects, fusions = lift_tables(*tables, lifter, path, dropped)
    else:
        calls, effects = _vcf(source, path, config, sorted(specimens.all_ids), lists, lifter, dropped)
        fusions = empty(schemas.FUSIONS)
    kept = specimens.samples["sample_id"]
    for name, table in (("calls", calls), ("fusions", fusions)):
        out = ~table["sample_id"].isin(kept)
        dropped.add(
            name, path, "the patient is not analysed", int(out.sum()), table.loc[out, "sample_id"].iloc[0] if out.any() else None
        )
    calls, fusions = calls[calls["sample_id"].isin(kept)], fusions[fusions["sample_id"].isin(kept)]
    variant = ["chrom", "pos", "ref", "alt"]
    known = effects.merge(calls[variant].drop_duplicates(), on=variant, how="inner")
    return {"calls": calls, "effects": conform(known, schemas.EFFECTS), "fusions": fusions}


def _one_call_each(calls: pd.DataFrame, dropped: Dropped) -> pd.DataFrame:
    """One sample and variant may stand in two files: the call with the greater depth is kept, and counted."""
    key = list(schemas.CALLS.key)
    ordered = calls.sort_values([*key, "depth"], ascending=[True] * len(key) + [False], na_position="last", kind="stable")
    twice = ordered.duplicated(key)
    for source, group in ordered[twice].groupby("source"):
        example = "{sample_id} {chrom}:{pos} {ref}>{alt}".format(**group.iloc[0])
        dropped.add(
            "calls",
            str(source),
            "the same sample and variant stands in another file with at least this depth",
            len(group),
            example,
        )
    return ordered[~twice].reset_index(drop=True)


def _other_tables(
    config: CohortFile, base: Path, clinic: Clinic, specimens: Specimens, genes: Any, dropped: Dropped, found: Collected
) -> dict[str, pd.DataFrame | None]:
    """Read everything that is no small variant."""
    from resistance.knowledge import load_positions, load_regions
    from resistance.read import (
        clinical_events,
        copy_number,
        coverage,
        expression,
        features,
        ihc,
        measurements,
        nanostring,
        nanostring_lanes,
        paired_variants,
    )

    ids, every = specimens.samples["sample_id"].tolist(), specimens.all_ids
    out: dict[str, pd.DataFrame | None] = {}
    copies = [
        found.call(
            copy_number.read_copy_number,
            source,
            base,
            samples=ids,
            genes=genes.symbols,
            aliases=genes.aliases,
            gene_positions=load_positions() if source.format == "seg" else None,
            regions=load_regions() if source.format == "seg" else None,
            build=config.study.build,
            all_samples=every,
            dropped=dropped,
        )
        for source in config.copy_number
    ]
    out["copy_number"] = stacked([x for x in copies if x is not None], schemas.COPY_NUMBER)
    out["coverage"] = found.call(
        coverage.read_coverage,
        config.assays,
        base,
        samples=specimens.samples,
        files=specimens.files,
        genes=genes.symbols,
        aliases=genes.aliases,
        all_samples=every,
        dropped=dropped,
    )
    if config.expression is not None:
        out["expression"] = found.call(
            expression.read_expression, config.expression, base, samples=ids, aliases=genes.aliases, dropped=dropped
        )
    if config.nanostring is not None:
        out["nanostring"] = found.call(
            nanostring.read_nanostring,
            config.nanostring,
            base,
            samples=ids,
            files=specimens.files,
            all_samples=every,
            dropped=dropped,
        )
    if config.nanostring is not None and out["nanostring"] is not None:  # what is wrong with a file was told with its counts
        out["nanostring_lanes"] = found.call(
            nanostring_lanes.read_lanes, config.nanostring, base, samples=ids, files=specimens.files
        )
    if config.ihc is not None:
        out["ihc"] = found.call(ihc.read_ihc, config.ihc, base, samples=ids, all_samples=every, dropped=dropped)
    people = clinic.patients["patient_id"].tolist()
    out["features"] = found.call(
        features.read_features, config.features, base, patients=people, all_patients=clinic.all_ids, dropped=dropped
    )
    measured = [
        found.call(
            measurements.read_measurements,
            source,
            base,
            samples=ids,
            all_samples=every,
            symbols=genes.symbols,
            aliases=genes.aliases,
            dropped=dropped,
        )
        for source in config.measurements
    ]
    out["measurements"] = stacked([x for x in measured if x is not None], schemas.MEASUREMENTS)
    paired = [
        found.call(
            paired_variants.read_paired_variants,
            table,
            base,
            patients=people,
            all_patients=clinic.all_ids,
            aliases=genes.aliases,
            dropped=dropped,
        )
        for table in config.ctdna.paired
    ]
    out["paired_variants"] = stacked([x for x in paired if x is not None], schemas.PAIRED_VARIANTS)
    patients = clinic.patients["patient_id"].tolist()
    for name, spec, step in (
        ("adverse_events", config.adverse_events, clinical_events.read_adverse_events),
        ("treatments", config.treatments, clinical_events.read_treatments),
    ):
        if spec is not None:
            out[name] = found.call(step, spec, base, patients=patients, all_patients=clinic.all_ids, dropped=dropped)
    return out
