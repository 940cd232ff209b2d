"""A cohort -> the input files of LymphGen: sample annotation, mutations, genes that were looked at, copy number.

The forms are those of LymphGen's user guide as the public converters write them: tab separated text
with a header, genes by Entrez id.  What LymphGen makes of them is its own.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from resistance.consequences import PROTEIN_CHANGING
from resistance.errors import InputError
from resistance.resources import resource_path
from resistance.subtype.cohort_events import events_of_cohort
from resistance.variant import NOT_CALLED

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort

_ENTREZ = "subtypes/entrez.tsv"
_COPIES = {-2: "HOMDEL", -1: "HETLOSS", 1: "GAIN", 2: "AMP"}
SAMPLES, MUTATIONS, GENES, COPIES, COPY_GENES = (
    "sample_annotation.txt",
    "mutation_flat.txt",
    "mutation_gene_list.txt",
    "copy_number_flat.txt",
    "copy_number_gene_list.txt",
)


@dataclass(frozen=True)
class LymphGenInputs:
    """The files by name, as data frames, and what was left out.

    Parameters
    ----------
    files : dict of str to DataFrame
        The copy-number files are there where a sample has copy number.
    notes : tuple of str
        Counted, in words.
    """

    files: dict[str, pd.DataFrame]
    notes: tuple[str, ...]


@functools.cache
def entrez_ids() -> Mapping[str, int]:
    """Return current symbol -> Entrez id of the genes that can be written."""
    with resource_path(_ENTREZ).open(encoding="utf-8", newline="") as lines:
        return {row["symbol"]: int(row["entrez_id"]) for row in csv.DictReader(lines, delimiter="\t")}


def lymphgen_inputs(cohort: Cohort) -> LymphGenInputs:
    """Write a cohort in the form of LymphGen's input.

    Parameters
    ----------
    cohort : Cohort
        With the effects of the annotation.

    Returns
    -------
    LymphGenInputs
        A translocation or copy number that nobody looked for is NA or 0 in the annotation, never 'no'.
        Locations stand in the mutation file on GRCh37 only, because LymphGen reads them there.

    Raises
    ------
    InputError
        No sample has mutations of a gene with an Entrez id, or the panels of the samples see different genes.
    """
    import pandas as pd

    notes: list[str] = []
    samples = [str(x) for x in cohort.samples.loc[cohort.samples["material"] != "germline", "sample_id"]]
    copies = cohort.copy_number[cohort.copy_number["state"].notna() & cohort.copy_number["sample_id"].isin(samples)]
    events = events_of_cohort(cohort).table
    with_copies = set(copies["sample_id"].astype(str))
    annotation = pd.DataFrame(
        {
            "Sample.ID": samples,
            "Copy.Number": [int(name in with_copies) for name in samples],
            **{f"{gene}.transloc": [_flag(events.loc[name, f"SV:{gene}"]) for name in samples] for gene in ("BCL2", "BCL6")},
        }
    )
    mutations = _mutations(cohort, samples, notes)
    genes = _genes(cohort, samples, notes)
    if not genes:
        raise InputError("no gene with an Entrez id is covered by an assay of mutations", path="coverage", remedy="Declare the panel under 'assays'.")  # fmt: skip
    files = {SAMPLES: annotation, MUTATIONS: mutations, GENES: pd.DataFrame({"ENTREZ.ID": sorted(genes)})}
    if with_copies:
        ids = copies["gene"].map(entrez_ids())
        _count(notes, copies.loc[ids.isna(), "gene"], "copy number: genes or regions without an Entrez id here")
        kept = copies[ids.notna()].assign(id=ids.dropna().astype(int))
        changed = kept[kept["state"] != 0]
        flat = pd.DataFrame(
            {
                "Sample": changed["sample_id"].astype(str),
                "ENTREZ.ID": changed["id"],
                "Type": changed["state"].astype(int).map(_COPIES),
            }
        )
        files[COPIES] = flat.sort_values(["Sample", "ENTREZ.ID"], kind="stable", ignore_index=True)
        files[COPY_GENES] = pd.DataFrame({"ENTREZ.ID": sorted(set(kept["id"]))})
    else:
        notes.append("no copy number: LymphGen cannot call A53")
    return LymphGenInputs(files, tuple(notes))


def _flag(value: float) -> str:
    return "NA" if np.isnan(value) else str(int(value > 0))


def _mutations(cohort: Cohort, samples: list[str], notes: list[str]) -> pd.DataFrame:
    import pandas as pd

    key = ["build", "chrom", "pos", "ref", "alt"]
    calls = cohort.calls
    seen = ((calls["alt_count"].isna() | (calls["alt_count"] > 0)) & (calls["filter"] != NOT_CALLED).fillna(True)).astype(bool)
    told = ["gene", "effect_class", "consequence", "hgvsp", "aliases"]
    effects = cohort.effects[[*key, *told]].drop_duplicates([*key, "gene"])
    table = calls.loc[seen & calls["sample_id"].isin(samples), ["sample_id", *key]].merge(effects, on=key, how="inner")
    utr = table["consequence"].fillna("").str.contains("5_prime_UTR")
    kind = pd.Series("", index=table.index, dtype="object")
    kind = kind.mask(table["effect_class"].isin(PROTEIN_CHANGING), "MUTATION").mask(
        table["effect_class"] == "truncating", "TRUNC"
    )
    kind = kind.mask((table["effect_class"] == "synonymous") | ((table["effect_class"] == "noncoding") & utr), "Synon")
    hot = (table["hgvsp"] == "L265P").fillna(False) | table["aliases"].fillna("").str.contains("L265P@", regex=False)
    kind = kind.mask((table["gene"] == "MYD88") & hot.astype(bool), "L265P")
    ids = table["gene"].map(entrez_ids())
    _count(notes, table.loc[(kind != "") & ids.isna(), "gene"], "mutations: genes without an Entrez id here")
    notes += [f"mutations: {n} without a type that LymphGen knows" for n in [int((kind == "").sum())] if n]
    keep = (kind != "") & ids.notna()
    out = pd.DataFrame(
        {"Sample": table.loc[keep, "sample_id"].astype(str), "ENTREZ.ID": ids[keep].astype(int), "Type": kind[keep]}
    )
    if cohort.facts.get("build") == "GRCh37":
        out["Location"] = table.loc[keep, "pos"].astype(int)
    else:
        notes.append("no locations: LymphGen reads them on GRCh37")
    return out.drop_duplicates().sort_values(list(out.columns), kind="stable", ignore_index=True)


def _genes(cohort: Cohort, samples: list[str], notes: list[str]) -> set[int]:
    """Return the genes that every sample's assay covers (LymphGen takes one list for all)."""
    table = cohort.coverage[(cohort.coverage["kind"] == "mutation") & cohort.coverage["sample_id"].isin(samples)]
    every = set(entrez_ids())
    sets = []
    for sample in samples:
        genes = set(table.loc[table["sample_id"] == sample, "gene"].astype(str))
        sets.append(every if "*" in genes else genes & every)
    looked = [genes for genes in sets if genes]
    if len(looked) < len(samples):
        notes.append(f"{len(samples) - len(looked)} samples have no assay of mutations: leave them out of LymphGen")
    common = set.intersection(*looked) if looked else set()
    if looked and set.union(*looked) - common:
        notes.append(
            f"{len(set.union(*looked) - common)} genes are covered in some samples only and are left out of the list: "
            "run LymphGen once per panel instead"
        )
    return {entrez_ids()[gene] for gene in common}


def _count(notes: list[str], genes: pd.Series, words: str) -> None:
    if len(genes):
        names = sorted(set(genes.astype(str)))
        notes.append(
            f"{words}: {len(names)} ({', '.join(names[:5])}{' ...' if len(names) > 5 else ''}), {len(genes)} rows left out"
        )
