"""RNA-seq counts against the reference sample: the R package's scores and classes, the 246 of the dark-zone score, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from resistance.errors import InputError
from resistance.subtype import rnaseq_coo21, rnaseq_dzsig28
from resistance.subtype.expression import from_frame
from resistance.subtype.published import load_published
from resistance.subtype.reference_sample import read_reference
from resistance.subtype.rnaseq_reference import normalised

pytestmark = pytest.mark.shared
HERE = Path(__file__).parent / "gneseqcoo"


@pytest.fixture(scope="module")
def goya(shared):
    """The authors' reference sample lies beside the checkout."""
    return read_reference(shared / "cohorts/rnaseq_coo/goya_ref_sample_ensembl.tsv")


@pytest.fixture(scope="module")
def counts():
    return pd.read_csv(HERE / "counts.tsv", sep="\t", index_col="gene").astype(float)


@pytest.fixture(scope="module")
def values():
    return pd.read_csv(HERE / "values.tsv", sep="\t", index_col="sample")


@pytest.mark.parametrize(
    ("module", "score", "names"),
    [
        (rnaseq_coo21, "coo", {}),
        (rnaseq_dzsig28, "dzsig", {"DZsig-IND": "UNCLASSIFIED"}),
    ],
)
def test_scores_and_classes_are_those_of_the_r_package(counts, values, module, score, names, goya):
    calls = module.classify_table(counts, rnaseq_reference=goya).set_index("sample_id").loc[values.index]
    np.testing.assert_allclose(calls["score"], values[score], rtol=1e-11)
    assert list(calls["subtype"]) == [names.get(name, name) for name in values[f"{score}_class"]]
    assert values[f"{score}_class"].nunique() >= 2  # the cases say something


def test_library_sizes_are_those_of_the_r_package_and_a_low_one_is_flagged(counts, values, goya):
    _, library, _ = normalised(from_frame(counts, "counts"), tuple(load_published()["rnaseq_coo21"].weights), goya)
    np.testing.assert_allclose(library, values["library"], rtol=1e-12)
    flags = rnaseq_coo21.classify_table(counts, rnaseq_reference=goya).set_index("sample_id")["flags"]
    assert "low library size" in flags["S4"]
    assert not flags.drop("S4").fillna("").str.contains("library").any()


def test_versions_of_ensembl_ids_and_symbols_give_the_same_scores(counts, goya):
    expected = rnaseq_coo21.classify_table(counts, rnaseq_reference=goya)["score"]
    pd.testing.assert_series_equal(
        rnaseq_coo21.classify_table(counts.rename(index=lambda x: f"{x}.12"), rnaseq_reference=goya)["score"], expected
    )
    symbols = {"ENSG00000137265": "IRF4", "ENSG00000196549": "MME"}
    pd.testing.assert_series_equal(
        rnaseq_coo21.classify_table(counts.rename(index=symbols), rnaseq_reference=goya)["score"], expected
    )


def test_a_sample_alone_has_the_score_that_it_has_in_company(counts, goya):
    together = rnaseq_coo21.classify_table(counts, rnaseq_reference=goya).set_index("sample_id")["score"]
    for sample in counts.columns:
        alone = rnaseq_coo21.classify_table(counts[[sample]], rnaseq_reference=goya)["score"][0]
        # genes with fewer counts than samples leave the library size in company; a few low ones move the median a little
        assert alone == pytest.approx(together[sample], abs=3)


def test_logarithms_and_tpm_are_refused_with_the_way_out(counts, goya):
    with pytest.raises(InputError, match=r"raw counts are needed, the table holds log2. Give the counts .* lps_wright210"):
        rnaseq_coo21.classify_table(np.log2(counts + 1), unit="log2", rnaseq_reference=goya)
    with pytest.raises(InputError, match=r"is not a whole number: the table is declared as counts and looks like TPM"):
        rnaseq_coo21.classify_table(counts / 3, rnaseq_reference=goya)


def test_a_gene_that_is_missing_is_named(counts, goya):
    with pytest.raises(InputError, match=r"1 of 21 genes are missing, and the score has no value without them .IRF4."):
        rnaseq_coo21.classify_table(counts.drop(index="ENSG00000137265"), rnaseq_reference=goya)


def test_a_filtered_table_cannot_be_normalised(counts, goya):
    keep = _score_genes(goya)
    others = [name for name in counts.index if name in goya.counts and name not in keep]
    few = counts.drop(index=others[:700])
    with pytest.raises(InputError, match=r"genes of the reference sample are in the table, 2000 are needed for the library size"):
        rnaseq_coo21.classify_table(few, rnaseq_reference=goya)


def _score_genes(goya):
    from resistance.subtype.genes import current_symbol

    wanted = set(load_published()["rnaseq_coo21"].weights)
    return {name for name in goya.counts if current_symbol(name) in wanted}


def test_a_sample_of_zeros_gets_no_call_and_does_not_disturb_the_others(counts, goya):
    calls = rnaseq_coo21.classify_table(counts.assign(EMPTY=0.0), rnaseq_reference=goya).set_index("sample_id")
    assert pd.isna(calls.loc["EMPTY", "subtype"])
    assert "all values are 0" in calls.loc["EMPTY", "reason"]
    np.testing.assert_allclose(
        calls["score"].drop("EMPTY"), rnaseq_coo21.classify_table(counts, rnaseq_reference=goya)["score"], atol=3
    )


@pytest.mark.parametrize(
    ("name", "file"), [("rnaseq_coo21", "goya_coo_21gene_coef"), ("rnaseq_dzsig28", "gambl_dzsig_28gene_coef")]
)
def test_every_coefficient_is_the_published_one(shared, name, file):
    from resistance.subtype.genes import current_symbol

    expected = pd.read_csv(shared / f"cohorts/rnaseq_coo/{file}.tsv", sep="\t", index_col=0)["coef"]
    found = load_published()[name]
    assert found.constant == expected["(Intercept)"]
    assert {current_symbol(gene): value for gene, value in expected.drop("(Intercept)").items()} == dict(found.weights)


def test_every_count_of_the_reference_sample_is_the_published_one(shared, goya, tmp_path):
    expected = pd.read_csv(shared / "cohorts/rnaseq_coo/goya_ref_sample_ensembl.tsv", sep="\t", index_col=0)["ref"]
    assert dict(goya.counts) == expected.to_dict()
    assert len(expected) == 20337
    assert goya.published
    one_more = read_reference_text(tmp_path, expected.to_csv(sep="\t").replace("74.27", "74.28", 1))
    assert not one_more.published


def read_reference_text(folder, text):
    (folder / "r.tsv").write_text(text)
    return read_reference(folder / "r.tsv")
