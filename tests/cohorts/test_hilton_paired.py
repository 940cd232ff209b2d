"""Every variant of 28 patients at diagnosis and relapse: what is new, against the table itself and the authors' cell fractions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact

from resistance import schemas, stages
from resistance.batching import batch_names
from resistance.cohort import Cohort
from resistance.config import load
from resistance.ctdna.named import inferred_reads
from resistance.knowledge import load_genes
from resistance.layout import read_stage

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def results(shared, checkout, tmp_path_factory):
    cohort_file = checkout / "config" / "cohorts" / "hilton_lcr_2023_paired.yaml"
    folder = tmp_path_factory.mktemp("hilton_paired")
    for batch in batch_names(load(cohort_file), cohort_file.parent):
        stages.read(cohort_file, folder, batch)
    for stage in (stages.gather, stages.annotate, stages.ctdna):
        stage(cohort_file, folder)
    return folder


@pytest.fixture(scope="module")
def truth(shared):
    table = pd.read_csv(shared / "cohorts" / "hilton_lcr_2023" / "phyclone" / "mutations_divergent_patients.tsv", sep="\t")
    # current symbols, without the star of the paper's hot spots
    gene = table["Hugo_Symbol"].str.removesuffix("*").map(lambda name: load_genes().aliases.get(name, name))
    return table.assign(Hugo_Symbol=gene, hgvsp=table["HGVSp_Short"].str.removeprefix("p.").fillna("-"))


@pytest.fixture(scope="module")
def emergence(results):
    table = read_stage(results, "ctdna", schemas.EMERGENCE)
    return table.assign(hgvsp=table["hgvsp"].astype("object").fillna("-"))


def test_ikzf3_a260g_is_new_at_relapse_of_01_28152(emergence):
    mine = emergence[(emergence["patient_id"] == "01-28152") & (emergence["gene"] == "IKZF3")]
    assert mine["hgvsp"].tolist() == ["A260G"]
    row = mine.iloc[0]
    assert (row["change"], row["selection"]) == ("emergent", "selected")
    assert row["baseline_vaf"] == 0
    assert row["later_vaf"] == pytest.approx(0.261904761904762)  # as the paper's figure: 0 -> 26 %
    assert row["q_emergent"] < 0.05
    assert "reads inferred from the fractions" in row["note"]


def test_every_pair_of_every_patient_is_compared_with_the_fractions_of_the_table(emergence, truth):
    assert emergence["patient_id"].nunique() == truth["patient_id"].nunique() == 28
    key = ["patient_id", "Hugo_Symbol", "hgvsp"]
    twice = truth.duplicated(["Tumor_Sample_Barcode", "Hugo_Symbol", "hgvsp"], keep=False)
    unclear = truth.loc[twice, key].drop_duplicates().assign(unclear=True)
    known = truth.merge(unclear, on=key, how="left")
    known = known[known["unclear"].isna()]
    before = known[known["relapse"] == "Diagnosis"]
    after = known[known["relapse"] == "Relapse"]
    pairs = after.merge(before, on=key, suffixes=("", "_before"))
    pairs = pairs[(pairs["vaf"] > 0) | (pairs["vaf_before"] > 0)]
    found = emergence.merge(
        pairs, left_on=["sample_id", "gene", "hgvsp"], right_on=["Tumor_Sample_Barcode", "Hugo_Symbol", "hgvsp"], how="outer",
        indicator=True,
    )  # fmt: skip
    assert (found["_merge"] == "both").all()
    assert len(found) == len(emergence) == len(pairs)
    # 0.30 with 10 significant digits is 3/10 of inferred reads: the fractions come back
    assert found["later_vaf"].to_numpy() == pytest.approx(found["vaf"].to_numpy(), abs=1e-12)
    assert found["baseline_vaf"].to_numpy() == pytest.approx(found["vaf_before"].to_numpy(), abs=1e-12)
    assert (found["day"] / 365.25).to_numpy() == pytest.approx(found["time_since_diagnosis_years"].to_numpy())


def test_what_was_left_out_is_counted(results, truth):
    twice = truth.duplicated(["Tumor_Sample_Barcode", "Hugo_Symbol", "hgvsp"], keep=False)
    lost = truth[twice][["patient_id", "Hugo_Symbol", "hgvsp"]].drop_duplicates()
    expected = len(truth.merge(lost, on=["patient_id", "Hugo_Symbol", "hgvsp"]))
    dropped = Cohort.read(results / "cohort").dropped
    rows = dropped[dropped["table"] == "paired_variants"]
    assert rows["n"].tolist() == [expected]
    assert "not told apart" in rows["reason"].iloc[0]


def test_new_and_vanished_variants_are_those_whose_cells_came_and_went(emergence, truth):
    """The authors' cell fractions come from another model (copy number, purity, a tree): 4 of 1,002 verdicts contradict them."""
    cells = truth.drop_duplicates(["Tumor_Sample_Barcode", "Hugo_Symbol", "hgvsp"])
    cells = cells[["Tumor_Sample_Barcode", "Hugo_Symbol", "hgvsp", "ccf"]]
    found = emergence
    for side, sample in (("after", "sample_id"), ("before", "baseline_sample_id")):
        found = found.merge(
            cells.rename(columns={"Tumor_Sample_Barcode": sample, "Hugo_Symbol": "gene", "ccf": side}),
            on=[sample, "gene", "hgvsp"],
        )
    step = found["after"] - found["before"]
    emergent, cleared = found["change"] == "emergent", found["change"] == "cleared"
    assert int(emergent.sum()) > 350
    assert int((step[emergent] <= 0).sum()) <= 2
    assert int((step[cleared] >= 0).sum()) <= 2
    assert step[emergent].median() > 0.9
    assert step[cleared].median() == -1


def test_shallow_genomes_are_not_called_new_or_gone(emergence):
    unsure = emergence[emergence["change"] == "not_assessable"]
    too_shallow = unsure["note"].str.contains(r"reads miss a VAF of .* with probability [01]\.")
    assert too_shallow.sum() > 70
    # a sample whose one or two fractions say nothing of its usual depth
    rest = {"depth of the baseline sample is not known (a call without depth)"}
    assert set(unsure.loc[~too_shallow, "note"]) == rest


def test_the_p_of_every_pair_is_close_to_fishers_at_these_depths(emergence, results):
    """30 to 2,000 reads and a rho of 5e-4: never smaller than Fisher's beyond rounding, and the same below 40 reads."""
    table = Cohort.read(results / "cohort").paired_variants
    reads = inferred_reads(table)
    depth = dict(zip(zip(table["sample_id"], table["variant"], strict=True), reads, strict=True))
    rows = emergence[emergence["p_value"].notna()]
    checked = 0
    for _, row in rows.iterrows():
        name = f"{row['gene']} {row['hgvsp'].replace('-', 'without protein change')}"
        m, n = (int(depth[sample, name]) for sample in (row["baseline_sample_id"], row["sample_id"]))
        a, b = round(row["baseline_vaf"] * m), round(row["later_vaf"] * n)
        fisher = fisher_exact([[a, b], [m - a, n - b]]).pvalue
        if max(m, n) <= 40:
            assert row["p_value"] == pytest.approx(fisher, rel=0.35)
            checked += 1
        assert row["p_value"] >= fisher * 0.5
    assert checked > 100


def test_inferred_reads_are_no_more_than_the_authors_coverage_lets_expect(results, shared):
    """Reported mean coverage of the genomes: the inferred usual depth of 27 patients' samples goes with it."""
    coverage = pd.read_csv(
        shared / "cohorts" / "hilton_lcr_2023" / "shared_mutations" / "unique_mutations_per_patient.tsv", sep="\t"
    )
    coverage = coverage[(coverage["seq_type"] == "genome") & (coverage["metric"] == "All")]
    table = Cohort.read(results / "cohort").paired_variants
    table = table.assign(reads=inferred_reads(table))
    zeros = table[(table["vaf"] == 0) & (table["assay"] == "genome")]
    usual = zeros.groupby(["patient_id", "timepoint"])["reads"].median().reset_index()
    usual["time_point"] = usual["timepoint"].map({"baseline": "Diagnosis", "relapse": "Relapse"})
    both = usual.merge(coverage, on=["patient_id", "time_point"])
    assert len(both) > 25
    ratio = both["reads"] / both["genome_coverage"]
    assert np.quantile(ratio, 0.5) < 1.2
