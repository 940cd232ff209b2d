"""A real exome cohort: the MAF that is written says what the MAF it came from says."""

from __future__ import annotations

import pandas as pd
import pytest

from resistance import schemas, stages
from resistance.batching import batch_names
from resistance.config import load
from resistance.consequences import meaning
from resistance.export import export
from resistance.layout import write_stage
from resistance.tables import empty

pytestmark = [pytest.mark.shared, pytest.mark.long]

SITE = ["Chromosome", "Start_Position", "End_Position", "Reference_Allele", "Tumor_Seq_Allele2"]


@pytest.fixture(scope="module")
def pair(shared, checkout, tmp_path_factory):
    """Rows of the Firehose MAF of TCGA-DLBC, and of ours, by sample and site."""
    results = tmp_path_factory.mktemp("tcga")
    cohort_file = checkout / "config" / "cohorts" / "tcga_dlbc.yaml"
    for batch in batch_names(load(cohort_file), cohort_file.parent):
        stages.read(cohort_file, results, batch)
    stages.gather(cohort_file, results)
    stages.annotate(cohort_file, results)
    for schema in (schemas.MATRIX, schemas.MARKERS):
        write_stage(empty(schema), results, "matrix", schema)
    export(results, results / "out", ["maf"])
    frames = []
    for path in (shared / "cohorts" / "tcga_dlbc" / "tcga_dlbc_Firehose.maf", results / "out" / "maf" / "mutations.maf"):
        table = pd.read_csv(path, sep="\t", comment="#", dtype=str, low_memory=False)
        table["sample"] = table["Tumor_Sample_Barcode"].str[:12]
        # Firehose counts the sex chromosomes on
        table["Chromosome"] = table["Chromosome"].replace({"23": "X", "24": "Y"})
        frames.append(table.set_index(["sample", *SITE]).sort_index())
    return frames


def test_every_mutation_stands_at_the_same_site_with_the_same_alleles(pair):
    theirs, ours = pair
    assert len(ours) == 16049
    assert theirs.index.equals(ours.index)


def test_every_mutation_has_the_same_type_and_a_class_of_the_same_meaning(pair):
    theirs, ours = pair
    assert theirs["Variant_Type"].tolist() == ours["Variant_Type"].tolist()
    words = pd.DataFrame(
        {"theirs": theirs["Variant_Classification"].to_numpy(), "ours": ours["Variant_Classification"].to_numpy()}
    )
    for word in words.drop_duplicates().itertuples():
        assert meaning(word.theirs).effect_class == meaning(word.ours).effect_class, word
    # Stop_Codon_Del and its like are words of an older specification
    assert (words["theirs"] != words["ours"]).sum() == 11
