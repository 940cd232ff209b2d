"""A finished cohort -> a cBioPortal study folder (https://docs.cbioportal.org/file-formats/, read May 2026)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from resistance.export import cbioportal_clinical, cbioportal_molecular
from resistance.export.cbioportal_study import Study, make_study
from resistance.export.files import remove_stale, write_plain
from resistance.export.maf import VERSION, mutations

if TYPE_CHECKING:
    import pandas as pd

    from resistance.dropped import Dropped
    from resistance.export.results import Results

#: names that this module gives; what stands under them from an earlier export is removed
OURS = ("meta_*.txt", "data_*.txt", "gene_panel_*.txt", "case_lists/cases_*.txt")

UNDECLARED = "kept, without coverage: cBioPortal takes the sample for sequenced whole"


def write(results: Results, folder: Path, dropped: Dropped) -> list[Path]:
    """Write a study folder.

    Parameters
    ----------
    results : Results
    folder : Path
        Becomes the study: meta and data files, gene panels, ``case_lists``.
    dropped : Dropped
        Takes what a study cannot hold: germline samples, patients without a sample, cytogenetic
        events, calls that are no mutations.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        Two names become the same once written with the letters that cBioPortal allows.
    """
    study = make_study(results, folder, dropped)
    _study(study)
    cbioportal_clinical.write(study)
    maf = _mutations(study)
    cna = cbioportal_molecular.write_copy_number(study)
    sv = cbioportal_molecular.write_structural(study)
    cbioportal_molecular.write_markers(study)
    cbioportal_molecular.write_panels(study, mutations=len(maf) > 0, copy_number=cna, structural=len(sv) > 0)
    states, called = set(cna.columns), set(maf["Tumor_Sample_Barcode"])
    # no list without its profile
    covered = cbioportal_molecular.samples_with(study, "mutation")
    sequenced = covered | called if called else set()
    looked_at = cbioportal_molecular.samples_with(study, "fusion") | set(sv["Sample_Id"]) if len(sv) else set()
    undeclared = sorted(called - covered)
    dropped.add("data_mutations.txt", "coverage", UNDECLARED, len(undeclared), undeclared[0] if undeclared else None)
    for suffix, title, samples, category in (
        ("all", "All samples", set(study.samples["id"]), "all_cases_in_study"),
        ("sequenced", "Samples with mutation data", sequenced, "all_cases_with_mutation_data"),
        ("cna", "Samples with copy-number data", states, "all_cases_with_cna_data"),
        ("cnaseq", "Samples with mutation and copy-number data", sequenced & states, "all_cases_with_mutation_and_cna_data"),
        ("sv", "Samples with structural variant data", looked_at, "all_cases_with_sv_data"),
    ):
        _cases(study, suffix, title, samples, category)
    remove_stale(folder, OURS, study.written)
    return study.written


def _study(study: Study) -> None:
    facts = study.results.facts
    simulated = f" {facts.get('simulation_note') or 'Simulated data.'}" if facts.get("simulated") else ""
    study.meta(
        "meta_study.txt",
        type_of_cancer="mixed" if facts.get("disease") in (None, "any") else str(facts["disease"]).lower(),
        name=facts["title"],
        description=f"Cohort {facts['name']}, exported by resistance. Research use only.{simulated}",
        citation=facts.get("citation"),
        reference_genome={"GRCh37": "hg19", "GRCh38": "hg38"}[facts["build"]],
    )


def _mutations(study: Study) -> pd.DataFrame:
    """Write the MAF of the study's samples; return its rows."""
    table = mutations(study.results, study.dropped, "data_mutations.txt")
    names = {**study.ids, **study.germline}
    for column in ("Tumor_Sample_Barcode", "Matched_Norm_Sample_Barcode"):
        table[column] = table[column].map(names).astype(table[column].dtype)
    if len(table):
        study.profile(
            "mutations",
            genetic_alteration_type="MUTATION_EXTENDED",
            datatype="MAF",
            stable_id="mutations",
            show_profile_in_analysis_tab="true",
            profile_name="Mutations",
            profile_description=(
                "Calls that the cohort file keeps. cBioPortal leaves out silent and non-coding ones when it loads this file. "
                "t_vaf is the fraction as the caller gave it; counts are empty where the caller gave none."
            ),
        )
        study.add(write_plain(table, study.folder / "data_mutations.txt", above=[VERSION]))
    return table


def _cases(study: Study, suffix: str, name: str, samples: set[str], category: str) -> None:
    ids = [sample for sample in study.samples["id"] if sample in samples]
    if not ids:
        return
    study.meta(
        f"case_lists/cases_{suffix}.txt",
        stable_id=f"{study.name}_{suffix}",
        case_list_name=name,
        case_list_description=f"{name} ({len(ids)} samples)",
        case_list_category=category,
        case_list_ids="\t".join(ids),
    )
