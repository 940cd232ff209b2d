"""Copy number, structural events, marker states and coverage -> the molecular files of a cBioPortal study."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from resistance.export.cbioportal_study import Study, portal_names
from resistance.export.files import write_plain
from resistance.export.wide import units, wide
from resistance.knowledge import load_genes
from resistance.tables import write_text

if TYPE_CHECKING:
    import pandas as pd

#: cBioPortal's word for samples in which every gene was looked at
WHOLE = "WXS"
NO_GENE = "kept, in data_cytogenetics.txt: cBioPortal's copy number has genes only"
#: state of a cytogenetic event -> the word for it
_EVENT_WORDS = {-2: "deep deletion", -1: "loss", 0: "neutral", 1: "gain", 2: "amplification"}
NO_LOH = "kept, without its loss of heterozygosity: cBioPortal's discrete copy number has no word for it"
NAMELESS = "the event names no gene"
NO_SAMPLE = "of a germline sample"
#: kind of event -> Class and Event_Info of data_sv.txt
_SV = {
    "fusion": ("FUSION", "Fusion"), "translocation": ("TRANSLOCATION", "Translocation"), "deletion": ("DELETION", "Deletion"),
    "duplication": ("DUPLICATION", "Duplication"), "inversion": ("INVERSION", "Inversion"),
    "insertion": ("INSERTION", "Insertion"), "ITD": ("DUPLICATION", "ITD"), "PTD": ("DUPLICATION", "PTD"),
    "other": (None, "Structural event"),
}  # fmt: skip


def _of_study(study: Study, frame: pd.DataFrame, file: str, source: str) -> pd.DataFrame:
    """Return the rows of the study's samples with ``id``, and count the others."""
    lost = frame[~frame["sample_id"].isin(list(study.ids))]
    study.dropped.add(file, source, NO_SAMPLE, len(lost), _example(lost))
    kept = frame[frame["sample_id"].isin(list(study.ids))]
    return kept.assign(id=kept["sample_id"].astype("object").map(study.ids))


def _example(rows: pd.DataFrame, *names: str) -> str | None:
    return " ".join(str(rows[name].iloc[0]) for name in ("sample_id", *names)) if len(rows) else None


def write_copy_number(study: Study) -> pd.DataFrame:
    """Write data_cna.txt where there are states; return it, genes x samples."""
    table = _of_study(study, study.results.copy_number, "data_cna.txt", "copy_number")
    table = table[table["state"].notna()]
    event = ~table["gene"].isin(load_genes().symbols)
    study.dropped.add("data_cna.txt", "copy_number", NO_GENE, int(event.sum()), _example(table[event], "gene"))
    _write_cytogenetics(study, table[event])
    table = table[~event]
    loh = table["loh"].fillna(False).astype(bool)
    study.dropped.add("data_cna.txt", "copy_number", NO_LOH, int(loh.sum()), _example(table[loh], "gene"))
    grid = table.pivot(index="gene", columns="id", values="state")  # noqa: PD010 - one row per key, by schema
    grid = grid.reindex(columns=[name for name in study.samples["id"] if name in grid.columns]).sort_index().astype("Int64")
    grid.columns.name = None
    if len(grid):
        study.profile(
            "cna",
            genetic_alteration_type="COPY_NUMBER_ALTERATION",
            datatype="DISCRETE",
            stable_id="cna",
            show_profile_in_analysis_tab="true",
            profile_name="Copy number",
            profile_description=(
                "-2 deep deletion, -1 loss, 0 neutral, 1 gain, 2 amplification; NA not known. Genes of the knowledge base only."
            ),
        )
        study.add(write_plain(grid.rename_axis("Hugo_Symbol").reset_index(), study.folder / "data_cna.txt", na="NA"))
    return grid


def _write_cytogenetics(study: Study, events: pd.DataFrame) -> None:
    """Write data_cytogenetics.txt: events such as del(5q), which are no genes, as a generic assay."""
    import pandas as pd

    if events.empty:
        return
    words = events.assign(word=events["state"].astype("object").map(_EVENT_WORDS))
    grid = words.pivot(index="gene", columns="id", values="word").sort_index()  # noqa: PD010 - one row per key, by schema
    grid = (
        grid[[name for name in study.samples["id"] if name in grid.columns]].rename_axis(index="NAME", columns=None).reset_index()
    )
    names = portal_names(grid["NAME"], study.dropped, "data_cytogenetics.txt", "gene", allowed="A-Za-z0-9_-")
    study.profile(
        "cytogenetics",
        genetic_alteration_type="GENERIC_ASSAY",
        generic_assay_type="CYTOGENETICS",
        datatype="CATEGORICAL",
        stable_id="cytogenetics",
        show_profile_in_analysis_tab="true",
        profile_name="Cytogenetics",
        profile_description="Cytogenetic events of the cohort; NA not known.",
        generic_entity_meta_properties="NAME",
    )
    table = pd.concat([grid["NAME"].map(names).rename("ENTITY_STABLE_ID"), grid], axis=1)
    study.add(write_plain(table, study.folder / "data_cytogenetics.txt", na="NA"))


def write_structural(study: Study) -> pd.DataFrame:
    """Write data_sv.txt where there are events; return it."""
    import pandas as pd

    table = _of_study(study, study.results.fusions, "data_sv.txt", "fusions")
    nameless = table["gene_1"].isna() & table["gene_2"].isna()
    study.dropped.add("data_sv.txt", "fusions", NAMELESS, int(nameless.sum()), _example(table[nameless], "kind"))
    table = table[~nameless]
    out = pd.DataFrame(
        {
            "Sample_Id": table["id"],
            "SV_Status": "SOMATIC",
            "Site1_Hugo_Symbol": table["gene_1"],
            "Site1_Chromosome": table["chrom_1"],
            "Site1_Position": table["pos_1"],
            "Site2_Hugo_Symbol": table["gene_2"],
            "Site2_Chromosome": table["chrom_2"],
            "Site2_Position": table["pos_2"],
            "NCBI_Build": study.results.facts["build"],
            "Class": table["kind"].astype("object").map({kind: words[0] for kind, words in _SV.items()}),
            "Event_Info": table["kind"].astype("object").map({kind: words[1] for kind, words in _SV.items()}),
            "Tumor_Variant_Count": table["support"],
        }
    )
    if len(out):
        study.profile(
            "sv",
            genetic_alteration_type="STRUCTURAL_VARIANT",
            datatype="SV",
            stable_id="structural_variants",
            show_profile_in_analysis_tab="true",
            profile_name="Structural variants",
            profile_description="Fusions, translocations and internal or partial tandem duplications.",
        )
        study.add(write_plain(out, study.folder / "data_sv.txt"))
    return out


def write_markers(study: Study) -> None:
    """Write data_markers.txt: each sample has the states of its patient at its time point; NA is not assessed."""
    import pandas as pd

    markers = study.results.markers
    keys = units(study.results).reset_index(names="_unit")
    unit = study.samples[["patient_id", "timepoint"]].merge(keys, on=["patient_id", "timepoint"], how="left")["_unit"]
    states = wide(study.results, "state").replace("not_assessed", None).reindex(index=unit).T
    states.columns = pd.Index(study.samples["id"])
    if not len(markers) or not len(study.samples):
        return
    text = [
        f"{row['evidence_kind']} {row['rule']}; {row['direction']}; grade {row['evidence_grade']}; {row['source']}"
        for _, row in markers.iterrows()
    ]
    names = portal_names(markers["marker_id"], study.dropped, "data_markers.txt", "marker_id", allowed="A-Za-z0-9_-")
    left = pd.DataFrame(
        {
            "ENTITY_STABLE_ID": markers["marker_id"].astype("object").map(names),
            "NAME": markers["label"],
            "DESCRIPTION": text,
            "URL": [_address(str(source)) for source in markers["source"]],
        }
    )
    study.profile(
        "markers",
        genetic_alteration_type="GENERIC_ASSAY",
        generic_assay_type="RESISTANCE_MARKER",
        datatype="CATEGORICAL",
        stable_id="resistance_markers",
        show_profile_in_analysis_tab="true",
        profile_name="Markers of resistance",
        profile_description=(
            "present or absent; NA was not assessed, which is not absent. The state is that of the patient at the time point of "
            "the sample, all samples of that time point taken together."
        ),
        generic_entity_meta_properties="NAME,DESCRIPTION,URL",
    )
    table = pd.concat([left, states.reset_index(drop=True)], axis=1)
    study.add(write_plain(table, study.folder / "data_markers.txt", na="NA"))


def _address(source: str) -> str | None:
    pmid, doi = re.search(r"PMID:\s*(\d+)", source), re.search(r"doi:\s*([^\s;]+)", source)
    if pmid:
        return f"https://pubmed.ncbi.nlm.nih.gov/{pmid.group(1)}"
    return f"https://doi.org/{doi.group(1)}" if doi else None


def samples_with(study: Study, kind: str) -> set[str]:
    """Return the samples (by their name in the study) that an assay of this kind covers in any gene."""
    covered = study.results.coverage
    names = covered.loc[covered["kind"] == kind, "sample_id"].unique()
    return {study.ids[name] for name in names if name in study.ids}


def write_panels(study: Study, *, mutations: bool, copy_number: pd.DataFrame, structural: bool) -> None:
    """Write data_gene_panel_matrix.txt, and a gene panel for every set of genes that some samples were looked at for.

    Without it cBioPortal takes every gene without an alteration for unaltered.
    """
    import pandas as pd

    genes: dict[str, dict[str, frozenset[str]]] = {}
    for stable_id, there, kind in (("mutations", mutations, "mutation"), ("structural_variants", structural, "fusion")):
        covered = _of_kind(study, kind)
        if there and covered:
            genes[stable_id] = covered
    if len(copy_number):
        genes["cna"] = {str(name): frozenset(copy_number.index[copy_number[name].notna()]) for name in copy_number}
    if not genes:
        return
    names: dict[frozenset[str], str] = {}
    table = {"SAMPLE_ID": study.samples["id"]}
    for stable_id, covered in genes.items():
        cells = []
        for sample in study.samples["id"]:
            seen = covered.get(sample)
            if seen is not None and "*" not in seen:
                names.setdefault(seen, f"{study.name}_panel_{len(names) + 1}")
            cells.append(None if seen is None else WHOLE if "*" in seen else names[seen])
        table[stable_id] = pd.Series(cells, dtype="object")
    study.profile("gene_panel_matrix", genetic_alteration_type="GENE_PANEL_MATRIX", datatype="GENE_PANEL_MATRIX")
    study.add(write_plain(pd.DataFrame(table), study.folder / "data_gene_panel_matrix.txt", na="NA"))
    for panel, name in names.items():
        path = study.folder / f"gene_panel_{name.removeprefix(f'{study.name}_panel_')}.txt"
        listed = "\t".join(sorted(panel))
        write_text(path, f"stable_id: {name}\ndescription: {len(panel)} genes of cohort {study.name}\ngene_list: {listed}\n")
        study.add(path)


def _of_kind(study: Study, kind: str) -> dict[str, frozenset[str]]:
    covered = study.results.coverage
    rows = covered[(covered["kind"] == kind) & covered["sample_id"].isin(list(study.ids))]
    return {study.ids[str(name)]: frozenset(part) for name, part in rows.groupby("sample_id", sort=False)["gene"]}
