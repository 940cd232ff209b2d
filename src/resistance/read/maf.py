"""A MAF of any dialect -> calls, effects and the structural events (ITD, PTD, fusion) it lists without alleles."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from resistance import schemas
from resistance.config import Variants
from resistance.consequences import Meaning, meaning, nearest
from resistance.dropped import Dropped
from resistance.errors import InputError, Problem
from resistance.hgvs import coding_change, exon_number, protein_change
from resistance.read.builds import Said, refuse_beyond_end
from resistance.read.calls import keep_calls, one_per_sample, only_known_samples
from resistance.read.maf_text import ALIASES, POPULATION, read_text
from resistance.read.population import Field, largest, population_names
from resistance.read.sites import SiteLists
from resistance.tables import conform
from resistance.variant import build_name, contigs, trim_columns

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "file:MAF"
#: rows of these are no mutation of the tumour (cBioPortal leaves them out too)
NOT_MUTATED = ("wildtype", "redacted", "loh")
NO_GENE = ("unknown", "-", "none")
#: a column that the cohort file names
OWN_FIELD = Field(("maf",), "population_af", "fraction", (), None)


def read_maf(
    source: Variants,
    path: Path,
    *,
    build: str,
    samples: Collection[str],
    dropped: Dropped,
    lists: SiteLists | None = None,
    said: Said | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read a MAF, or a table that is not quite one.

    Parameters
    ----------
    source : config.Variants
        Columns, sample names, filters and what to do with unknown samples.
    path : Path
    build : str
        The file's build, 'GRCh37' or 'GRCh38'.
    samples : collection of str
        Samples of the samples sheet.
    dropped : Dropped
        Counts every row that is left out, by reason.
    lists : SiteLists, optional
        Panel of normals, blacklist and hot spots of the source.
    said : Said, optional
        By what the file is on this build (default: study.build).

    Returns
    -------
    calls, effects, fusions : DataFrame
        By :data:`resistance.schemas.CALLS`, ``EFFECTS`` and ``FUSIONS``, sorted.  A VAF that the file
        does not give is alt / depth; a count that it does not give stays NA.

    Raises
    ------
    InputError
        What is wrong with the file: every kind of problem names its first rows.
    """
    import pandas as pd

    text, named = read_text(source, path, dropped)
    _check_builds(text, named, build, path, said or Said.of_cohort(build))
    _check_samples(text, named, path)
    text = text[only_known_samples(text, source, path, samples, dropped)]
    if "mutation_status" in text:
        out = text["mutation_status"].str.lower().isin(NOT_MUTATED)
        dropped.add("calls", path, f"Mutation_Status is one of {', '.join(NOT_MUTATED)}", int(out.sum()), _example(text, out))
        text = text[~out]
    for name in ALIASES:
        if name not in text:
            text = text.assign(**{name: pd.Series(pd.NA, index=text.index, dtype=text["sample_id"].dtype)})
    meanings = _meanings(text, named, path)
    numbers = _numbers(text, named, path)
    chrom = contigs(text["chrom"])
    # older MAFs hold the change in the first tumour allele and the reference in the second
    alt = text["alt"].mask(text["alt"].isna() | (text["alt"] == text["ref"]), text["alt_1"].fillna(text["alt"]))
    trimmed = trim_columns(numbers["pos"], text["ref"], alt)
    placed = chrom.notna() & numbers["pos"].notna()
    event = meanings["event_kind"]
    structural = event.notna() & (event.eq("fusion") | ~placed | trimmed["refused"].notna())
    fusions = _fusions(text[structural], event[structural], chrom[structural], numbers["pos"][structural], path)
    for out, reason in (
        (~structural & ~placed, "no chromosome or position"),
        *(
            (~structural & placed & (trimmed["refused"] == reason), str(reason))
            for reason in sorted(trimmed["refused"].dropna().unique())
        ),
    ):
        dropped.add("calls", path, reason, int(out.sum()), _example(text, out))
    kept = ~structural & placed & trimmed["refused"].isna()
    rows = pd.DataFrame(
        {
            "sample_id": text["sample_id"],
            "build": build,
            "chrom": chrom,
            "pos": trimmed["pos"],
            "ref": trimmed["ref"],
            "alt": trimmed["alt"],
            **{name: numbers[name] for name in ("depth", "alt_count", "vaf")},
            "filter": text["filter"],
            "source": path.name,
            "_row": text["_row"],
        }
    )[kept]
    refuse_beyond_end(rows["chrom"], rows["pos"], rows["_row"], build, path, said)
    columns = [name for name in text if name.startswith(POPULATION)]
    rows = rows.assign(population_af=_population(text.loc[rows.index, columns], rows, source, path, dropped))
    rows = keep_calls(rows, source, path, dropped, lists, states_population=bool(columns))
    effects = _effects(rows, text.loc[rows.index], meanings.loc[rows.index], path, dropped)
    calls = one_per_sample(rows, path, dropped)
    return conform(calls, schemas.CALLS, path=path), effects, fusions


def _population(text: pd.DataFrame, rows: pd.DataFrame, source: Variants, path: Path, dropped: Dropped) -> pd.Series:
    """Return the largest population frequency of each row over the columns that state one."""
    fields = population_names("maf", [name.removeprefix(POPULATION) for name in text])
    columns = [(fields.get(name.removeprefix(POPULATION), OWN_FIELD), text[name]) for name in text]
    frequency, unread = largest(columns, rows["alt"])
    if unread.notna().any():
        index = unread.first_valid_index()
        named = [name.removeprefix(POPULATION) for name in text if text[name][index] == unread[index]]
        what = "is no population frequency between 0 and 1"
        if source.max_population_af is not None:
            raise InputError(
                what,
                path=path,
                row=int(rows["_row"][index]),
                column=named[0],
                value=str(unread[index]),
                remedy="Correct it: max_population_af goes by it. Percentages: variants.columns.population_af with unit: percent.",
            )
        dropped.add(
            "cells",
            path,
            f"'{named[0]}' {what}: not used",
            int(unread.notna().sum()),
            f"row {rows['_row'][index]}: {unread[index]}",
        )
    return frequency


def _example(text: pd.DataFrame, chosen: pd.Series) -> str | None:
    if not chosen.any():
        return None
    row = text[chosen].iloc[0]
    words = [str(row[name]) for name in ("sample_id", "gene", "chrom", "pos", "ref", "alt") if name in row and row.notna()[name]]
    return f"row {row['_row']}: {' '.join(words)}"


def _check_builds(text: pd.DataFrame, named: Mapping[str, str], build: str, path: Path, said: Said) -> None:
    """Every build that the file names is the one it is said to be on."""
    if "build" not in text:
        return
    problems = []
    for name in text["build"].dropna().unique():
        rows = text.index[text["build"] == name]
        place = (str(path), int(text["_row"][rows[0]]), named["build"], str(name))
        try:
            given = build_name(str(name))
        except InputError as error:
            problems.append(Problem(error.problems[0].message, *place, error.problems[0].remedy))
            continue
        if given != build:
            problems.append(
                Problem(
                    f"{len(rows)} row(s) are on {given}, {said.words}",
                    *place,
                    said.remedy if len(rows) == len(text) else f"One build per file: part it in two. {said.remedy}",
                )
            )
    if problems:
        raise InputError(problems)


def _check_samples(text: pd.DataFrame, named: Mapping[str, str], path: Path) -> None:
    """Every row names a sample."""
    without = text["sample_id"].isna()
    if without.any():
        raise InputError(
            f"{int(without.sum())} row(s) name no sample",
            path=path,
            row=int(text.loc[without, "_row"].iloc[0]),
            column=named["sample_id"],
            remedy="Fill it in, or remove the row.",
        )


def _meanings(text: pd.DataFrame, named: Mapping[str, str], path: Path) -> pd.DataFrame:
    """Consequence, class, impact and severity of each row; NA where it names none."""
    import numpy as np
    import pandas as pd

    problems: list[Problem] = []
    found: dict[str, dict[str, Meaning]] = {}
    for name in ("classification", "consequence"):
        found[name] = {}
        for word in text[name].dropna().unique():
            known = meaning(str(word))
            found[name][str(word)] = known
            if known.unknown:
                row = text.loc[text[name] == word, "_row"].iloc[0]
                close = nearest(known.unknown[0])
                hint = f"Did you mean {close}? " if close else ""
                remedy = f"{hint}Map it to a known word with variants.columns.{name} values in the cohort file."
                problems.append(
                    Problem("is no consequence this package knows", str(path), int(row), named[name], str(word), remedy)
                )
    if problems:
        raise InputError(problems[:20])
    dtype = text["sample_id"].dtype
    codes = {name: pd.factorize(text[name]) for name in found}

    def column(attribute: str, name: str) -> pd.Series:
        # millions of rows hold a few words: look each word up once
        number, kinds = codes[name]
        values = np.array([*(getattr(found[name][str(word)], attribute) for word in kinds), None], dtype=object)
        return pd.Series(values[number], index=text.index)

    out = {}
    for attribute in ("consequence", "effect_class", "impact", "event_kind", "rank"):
        first, second = column(attribute, "classification"), column(attribute, "consequence")
        if attribute == "consequence":  # the file's own Sequence Ontology terms say more than a MAF class
            first, second = second, first
        elif attribute != "event_kind":
            vague = column("effect_class", "classification").isin(["other"])
            first = first.mask(vague & second.notna(), second)
        values = first.where(first.notna(), second)
        out[attribute] = values.astype("Int64") if attribute == "rank" else values.astype(dtype)
    return pd.DataFrame(out)


def _numbers(text: pd.DataFrame, named: Mapping[str, str], path: Path) -> pd.DataFrame:
    """Position, depth, counts and VAF as numbers; what one says of the others is filled in."""
    import pandas as pd

    problems: list[Problem] = []
    out = {}
    for name in ("pos", "depth", "ref_count", "alt_count", "vaf"):
        cells = text[name]
        percent = pd.Series(False, index=cells.index)
        if name == "vaf":
            percent = cells.str.endswith("%", na=False).astype(bool)
            cells = cells.str.removesuffix("%")
        elif cells.str.contains(",", regex=False, na=False).any():
            cells = cells.where(
                ~cells.str.fullmatch(r"\d{1,3}(,\d{3})+", na=False).astype(bool), cells.str.replace(",", "", regex=False)
            )
        numbers = pd.to_numeric(cells, errors="coerce").astype("float64")
        numbers = numbers.mask(percent, numbers / 100)
        whole = name != "vaf"
        bad = (numbers.isna() & cells.notna()) | (numbers < 0) | ((numbers % 1 != 0) & numbers.notna() & whole)
        # an infinite number is no count either
        bad |= numbers.isin([float("inf")]) | ((numbers > 1) & (not whole))
        for index in bad[bad].index[:5]:
            message = "is not a whole number, 0 or more" if whole else "is not a fraction between 0 and 1"
            remedy = (
                "Correct it, or leave it empty."
                if whole
                else f"If it is a percentage, set variants.columns.{name} unit: percent."
            )
            problems.append(Problem(message, str(path), int(text["_row"][index]), named[name], text[name][index], remedy))
        numbers = numbers.mask(bad)
        out[name] = numbers.astype("Int64") if whole else numbers
    ref, alt, depth = out["ref_count"], out["alt_count"], out["depth"]
    # a depth without the filtered reads can be less than the two counts together
    both = ref + alt
    depth = depth.fillna(both)
    depth = depth.mask((both > depth).fillna(False).astype(bool), both)
    over = (alt > depth).fillna(False).astype(bool)
    for index in over[over].index[:5]:
        problems.append(
            Problem(
                "more reads with the alternative allele than reads",
                str(path),
                int(text["_row"][index]),
                named["alt_count"],
                f"{alt[index]} of {depth[index]}",
                "Correct the counts, or leave them empty.",
            )
        )
    if problems:
        raise InputError(problems)
    counted = (alt.astype("Float64") / depth.where(depth > 0).astype("Float64")).astype("float64")
    out.update(depth=depth, vaf=out["vaf"].fillna(counted))
    return pd.DataFrame(out)


def _fusions(text: pd.DataFrame, event: pd.Series, chrom: pd.Series, pos: pd.Series, path: Path) -> pd.DataFrame:
    """Rows of events that have no alleles."""
    import pandas as pd

    rows = pd.DataFrame(
        {
            "sample_id": text["sample_id"],
            "kind": event,
            "gene_1": text["gene"],
            "chrom_1": chrom,
            "pos_1": pos,
            "filter": text["filter"],
            "source": path.name,
        }
    )
    rows = rows.drop_duplicates().sort_values(["sample_id", "kind", "gene_1", "pos_1"], kind="stable")
    return conform(rows, schemas.FUSIONS, path=path)


def _effects(rows: pd.DataFrame, text: pd.DataFrame, meanings: pd.DataFrame, path: Path, dropped: Dropped) -> pd.DataFrame:
    """One row per variant, gene and transcript; of two rows that differ the more severe is kept."""
    import pandas as pd

    gene = text["gene"].mask(text["gene"].str.lower().isin(NO_GENE))
    for out, reason in (
        (gene.isna(), "the row names no gene"),
        (gene.notna() & meanings["effect_class"].isna(), "the row names no classification or consequence"),
    ):
        dropped.add("effects", path, reason, int(out.sum()), _example(text, out))
    kept = gene.notna() & meanings["effect_class"].notna()
    variant = ["build", "chrom", "pos", "ref", "alt"]
    table = pd.concat([rows[variant], meanings.drop(columns="event_kind")], axis=1)
    table = table.assign(gene=gene, hgvsc=text["hgvsc"], hgvsp=text["hgvsp"], exon=text["exon"], transcript=text["transcript"])[
        kept
    ]
    # the same variant in many samples is annotated once
    table = table.drop_duplicates()
    coding = [
        coding_change(*pair)
        for pair in zip(table["hgvsc"].fillna("").tolist(), table["transcript"].fillna("").tolist(), strict=True)
    ]
    protein = [protein_change(change) for change in table["hgvsp"].fillna("").tolist()]
    exons = {cell: exon_number(str(cell)) for cell in table["exon"].dropna().unique()}
    table = table.assign(
        hgvsc=pd.Series([change for change, _ in coding], index=table.index, dtype=rows["chrom"].dtype),
        transcript=pd.Series([name for _, name in coding], index=table.index, dtype=rows["chrom"].dtype),
        hgvsp=pd.Series([change for change, _ in protein], index=table.index, dtype=rows["chrom"].dtype),
        residue=pd.Series([residue for _, residue in protein], index=table.index, dtype="Int64"),
        exon=table["exon"].map(exons).astype("Int64"),
        source=SOURCE,
    )
    key = list(schemas.EFFECTS.key)
    table = table.sort_values([*key, "rank", "hgvsp", "hgvsc"], kind="stable").drop_duplicates(key)
    return conform(table.drop(columns="rank"), schemas.EFFECTS, path=path)
