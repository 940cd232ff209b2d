"""Gene sets of the study's own as scores: R's numbers through the whole way, bounds, what is missing, names, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from resistance.cohort import Cohort
from resistance.config import GeneSets, Subtype
from resistance.config.classes import GeneSetMethod
from resistance.errors import InputError
from resistance.subtype import gene_set_library
from resistance.subtype.classify import classify_all
from resistance.subtype.expression import from_frame
from resistance.subtype.gene_set_methods import METHODS
from resistance.subtype.gene_set_places import Bounds
from resistance.subtype.gene_sets import choose_sets, score_gene_sets
from resistance.subtype_commands.score import _METHODS

OWN = [name for name, method in METHODS.items() if not method.library]
FEW = Bounds(min_genes=1)


def frame_of(m: int = 40, n: int = 12, seed: int = 0) -> pd.DataFrame:
    x = np.random.default_rng(seed).normal(6, 1, (m, n))
    return pd.DataFrame(x, index=[f"G{i}" for i in range(m)], columns=[f"S{j}" for j in range(n)])


def z_of(frame: pd.DataFrame) -> pd.Series:
    return frame.sub(frame.mean(axis=1), axis=0).div(frame.std(axis=1), axis=0).sum() / np.sqrt(len(frame))


SETS = {"UP": [f"G{i}" for i in range(12)], "OTHER": [f"G{i}" for i in range(20, 31)]}


def wide(table: pd.DataFrame) -> pd.DataFrame:
    return table.pivot_table(index="name", columns="sample_id", values="value")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("method", "entry"),
    [("gsva", "gsva"), ("ssgsea", "ssgsea_nonorm"), ("ssgsea_normalised", "ssgsea"), ("plage", "plage"), ("zscore", "zscore")],
)
def test_every_number_of_the_r_package_comes_out(shared: Path, method: str, entry: str) -> None:
    folder = shared / "truth/stats"
    truth = json.loads((folder / "05_omics_multiplicity.json").read_text())[f"gsva_pkg_{entry}"]
    expression = from_frame(pd.read_csv(folder / "data/golub_expr.csv", index_col=0), "log2")
    sets = json.loads((folder / "data/golub_genesets.json").read_text())
    found = wide(score_gene_sets(expression, sets, method, Bounds(1, 5000))).loc[truth["sets"], truth["samples"]].to_numpy()
    expected = np.array(truth["scores"])
    assert found.shape == expected.shape == (20, 38)
    if method == "plage":  # the sign is arbitrary there, and rises with the genes here
        expected = expected * np.sign((found * expected).sum(axis=1))[:, None]
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_the_lists_of_methods_are_one() -> None:
    assert list(METHODS) == list(get_args(GeneSetMethod)) == list(_METHODS)


@pytest.mark.parametrize("method", OWN)
def test_a_raised_set_scores_higher_where_it_is_raised(method: str) -> None:
    frame = frame_of()
    frame.iloc[:12, :6] += 2
    found = wide(score_gene_sets(from_frame(frame, "log2"), SETS, method)).loc["UP", list(frame)]
    assert found.iloc[:6].min() > found.iloc[6:].max()


@pytest.mark.parametrize("method", OWN)
def test_order_of_genes_samples_sets_and_members_does_not_matter(method: str) -> None:
    frame = frame_of()
    found = score_gene_sets(from_frame(frame, "log2"), SETS, method)
    turned = {name: genes[::-1] for name, genes in reversed(SETS.items())}
    other = score_gene_sets(from_frame(frame.iloc[::-1, ::-1], "log2"), turned, method)
    np.testing.assert_allclose(wide(found), wide(other), rtol=1e-9)


@pytest.mark.parametrize("method", [name for name in OWN if not METHODS[name].across_samples])
def test_a_method_within_samples_scores_one_sample_as_among_others(method: str) -> None:
    frame = frame_of()
    together = wide(score_gene_sets(from_frame(frame, "log2"), SETS, method))
    alone = wide(score_gene_sets(from_frame(frame[["S3"]], "log2"), SETS, method))
    np.testing.assert_allclose(alone["S3"], together["S3"], rtol=1e-12)


@pytest.mark.parametrize("method", [name for name in METHODS if METHODS[name].across_samples])
def test_nine_samples_are_too_few_to_compare(method: str) -> None:
    found = score_gene_sets(from_frame(frame_of(n=9), "log2"), SETS, method)
    assert found["value"].isna().all()
    assert (found["note"] == "no score: 9 samples, 10 are needed to compare them").all()


def test_a_row_says_what_was_used_and_what_is_missing() -> None:
    sets = {"A": [*SETS["UP"], "NOWHERE", "ELSEWHERE"]}
    (row,) = score_gene_sets(from_frame(frame_of(), "log2"), sets, "zscore").drop_duplicates("name").to_dict("records")
    assert (row["features_used"], row["features_missing"]) == (12, "NOWHERE;ELSEWHERE")
    assert row["weight_missing"] == pytest.approx(2 / 14)
    assert (row["unit"], row["verified"]) == ("combined z within the cohort", True)
    assert pd.isna(row["note"])


def test_genes_are_matched_by_any_name_and_counted_once() -> None:
    frame = frame_of().rename(index={"G0": "RAB7L1", "G1": "KMT2D", "G2": "ENSG00000137265.15"})
    sets = {"A": ["RAB29", "MLL2", "KMT2D", "IRF4", *SETS["UP"][3:]]}
    found = score_gene_sets(from_frame(frame, "log2"), sets, "zscore")
    assert found["features_used"].unique().tolist() == [12]
    assert found["features_missing"].isna().all()
    assert found["note"].unique().tolist() == ["1 further name(s) of a gene of the set"]
    np.testing.assert_allclose(found["value"], z_of(frame.iloc[:12]), rtol=1e-12)


@pytest.mark.parametrize(
    ("bounds", "why"),
    [
        (Bounds(min_genes=13), "no score: 12 of 14 genes take part, 13 are needed"),
        (Bounds(max_genes=11), "no score: 12 genes take part, 11 are allowed"),
        (Bounds(max_missing=0.1), "no score: 2 of 14 genes (14%) are missing, 10% are allowed"),
    ],
)
def test_sets_outside_the_bounds_keep_their_rows_with_the_reason(bounds: Bounds, why: str) -> None:
    sets = {"A": [*SETS["UP"], "NOWHERE", "ELSEWHERE"]}
    found = score_gene_sets(from_frame(frame_of(), "log2"), sets, "gsva", bounds)
    assert len(found) == 12
    assert found["value"].isna().all()
    assert found["note"].unique().tolist() == [why]
    assert found["features_used"].unique().tolist() == [0]


def test_bounds_that_are_just_met_give_a_score() -> None:
    sets = {"A": [*SETS["UP"], "NOWHERE", "ELSEWHERE", "X", "Y"]}
    assert score_gene_sets(from_frame(frame_of(), "log2"), sets, "gsva", Bounds(12, 12, 0.25))["value"].notna().all()


def test_a_set_of_every_gene_has_nothing_to_stand_out_from_where_it_is_compared_with_others() -> None:
    frame = frame_of(12)
    notes = {m: score_gene_sets(from_frame(frame, "log2"), {"ALL": list(frame.index)}, m)["note"].unique().tolist() for m in OWN}
    none = ["no score: the set holds every gene of the table, nothing is left to compare it with"]
    assert [name for name, note in notes.items() if note == none] == ["gsva", "ssgsea", "ssgsea_normalised"]
    np.testing.assert_allclose(
        score_gene_sets(from_frame(frame, "log2"), {"ALL": list(frame.index)}, "zscore")["value"], z_of(frame), rtol=1e-9
    )


def without(sets: dict[str, list[str]], *genes: str) -> dict[str, list[str]]:
    return {name: [gene for gene in of if gene not in genes] for name, of in sets.items()}


@pytest.mark.parametrize("method", ["gsva", "plage", "ssgsea_normalised"])
def test_a_gene_without_a_value_in_some_sample_takes_no_part_where_all_are_needed(method: str) -> None:
    frame = frame_of()
    frame.iloc[3, 4] = frame.iloc[35, 1] = np.nan
    found = score_gene_sets(from_frame(frame, "log2"), SETS, method)
    expected = score_gene_sets(from_frame(frame.drop(index=["G3", "G35"]), "log2"), without(SETS, "G3"), method)
    np.testing.assert_allclose(found["value"], expected["value"], rtol=1e-12)
    up = found[found["name"] == "UP"].iloc[0]
    assert (up["features_used"], up["features_missing"]) == (11, "G3")
    assert up["note"] == "1 gene(s) without a value in each sample (2 of the table)"


def test_within_samples_each_is_scored_by_the_genes_that_it_has() -> None:
    frame = frame_of()
    frame.iloc[3, 4] = frame.iloc[35, 1] = np.nan
    found = wide(score_gene_sets(from_frame(frame, "log2"), SETS, "ssgsea"))
    for sample in frame:
        there = frame[[sample]].dropna()
        expected = score_gene_sets(from_frame(there, "log2"), without(SETS, *set(frame.index) - set(there.index)), "ssgsea")
        np.testing.assert_allclose(found[sample], expected.set_index("name")["value"][found.index], rtol=1e-12)
    rows = score_gene_sets(from_frame(frame, "log2"), SETS, "ssgsea").set_index(["name", "sample_id"])
    assert (rows.loc[("UP", "S4"), "features_used"], rows.loc[("UP", "S5"), "features_used"]) == (11, 12)
    assert rows.loc[("UP", "S4"), "weight_missing"] == pytest.approx(1 / 12)
    assert pd.isna(rows.loc[("UP", "S4"), "features_missing"])  # the table has the gene


def test_in_a_z_score_a_missing_value_counts_as_the_genes_mean() -> None:
    frame = frame_of()
    frame.iloc[3, 4] = np.nan
    found = wide(score_gene_sets(from_frame(frame, "log2"), SETS, "zscore"))
    members = frame.iloc[:12]
    z = members.sub(members.mean(axis=1), axis=0).div(members.std(axis=1), axis=0).fillna(0)
    np.testing.assert_allclose(found.loc["UP", list(frame)], z.sum() / np.sqrt(12), rtol=1e-9)


@pytest.mark.parametrize("method", ["ssgsea", "zscore"])
def test_the_bounds_hold_for_each_sample(method: str) -> None:
    frame = frame_of()
    frame.iloc[:3, 4] = np.nan  # 9 of 12 genes of UP are left
    found = score_gene_sets(from_frame(frame, "log2"), SETS, method).set_index(["name", "sample_id"])
    assert found["value"].isna().sum() == 1
    assert found.loc[("UP", "S4"), "note"] == "no score: 9 of 12 genes take part, 10 are needed"
    few = score_gene_sets(from_frame(frame, "log2"), SETS, method, Bounds(5, 500, 0.2)).set_index(["name", "sample_id"])
    assert few.loc[("UP", "S4"), "note"] == "no score: 3 of 12 genes (25%) are missing, 20% are allowed"
    assert few["value"].isna().sum() == 1


def test_scattered_missing_values_leave_scores_within_samples_and_none_where_all_genes_go() -> None:
    frame = frame_of(n=40)
    frame = frame.mask(np.random.default_rng(1).random(frame.shape) < 0.1)
    assert frame.notna().all(axis=1).sum() < 10
    table = from_frame(frame, "log2")
    assert score_gene_sets(table, SETS, "ssgsea", Bounds(5))["value"].notna().all()
    assert score_gene_sets(table, SETS, "zscore", Bounds(5))["value"].notna().all()
    found = score_gene_sets(table, SETS, "gsva", Bounds(5))
    assert found["value"].isna().all()
    assert found["note"].str.contains("gene.s. without a value in each sample").all()


def test_a_gene_that_does_not_vary_takes_no_part_where_samples_are_compared() -> None:
    frame = frame_of()
    frame.loc["G3"] = 4.0
    used = {name: score_gene_sets(from_frame(frame, "log2"), SETS, name)["features_used"].iloc[0] for name in OWN}
    assert used == {"gsva": 11, "ssgsea": 12, "ssgsea_normalised": 12, "plage": 11, "zscore": 11}
    found = score_gene_sets(from_frame(frame, "log2"), SETS, "gsva")
    assert found["note"].iloc[0] == "1 gene(s) that do not vary"
    expected = score_gene_sets(from_frame(frame.drop(index="G3"), "log2"), {"UP": [g for g in SETS["UP"] if g != "G3"]}, "gsva")
    np.testing.assert_allclose(found[found["name"] == "UP"]["value"], expected["value"], rtol=1e-12)


def test_samples_of_which_nothing_is_known_have_no_score_and_do_not_touch_the_others() -> None:
    frame = frame_of(n=13)
    rest = wide(score_gene_sets(from_frame(frame.drop(columns=["S0", "S1", "S2"]), "log2"), SETS))
    frame["S0"], frame["S1"] = np.nan, 0.0
    frame.loc[frame.index[:25], "S2"] = np.nan
    found = score_gene_sets(from_frame(frame, "log2"), SETS)
    np.testing.assert_allclose(wide(found)[list(rest)], rest, rtol=1e-12)
    notes = found[found["name"] == "UP"].set_index("sample_id")["note"]
    assert notes[["S0", "S1", "S2"]].tolist() == ["no value at all", "all values are 0 (log2)", "62% of the genes have no value"]
    assert found[found["sample_id"].isin(["S0", "S1", "S2"])]["value"].isna().all()


def test_counts_are_scored_as_log2_counts_per_million() -> None:
    counts = pd.DataFrame(np.random.default_rng(1).poisson(50, (40, 12)), index=frame_of().index, columns=frame_of().columns)
    logs = np.log2(counts / counts.sum() * 1e6 + 1)
    for method in OWN:
        found = score_gene_sets(from_frame(counts, "counts"), SETS, method)
        np.testing.assert_allclose(found["value"], score_gene_sets(from_frame(logs, "log2"), SETS, method)["value"], rtol=1e-9)


def test_genes_of_another_naming_are_refused_with_examples_of_both() -> None:
    with pytest.raises(InputError) as caught:
        score_gene_sets(from_frame(frame_of(), "log2"), {"A": ["7157", "4609"], "B": ["4609"]})
    assert str(caught.value) == (
        "expression: none of the 2 genes of the gene sets is in the table (they are 7157, 4609 ..., the table has G0, G1, G2 ...). "
        "Both need names of one kind: gene symbols, or Ensembl ids. Name probes by their genes first."
    )


def test_a_gene_in_two_rows_is_refused() -> None:
    frame = frame_of().rename(index={"G0": "RAB7L1", "G1": "RAB7L1.old", "G2": "ENSG00000117280"})
    with pytest.raises(InputError, match=r"2 rows are the gene RAB29 .RAB7L1, ENSG00000117280."):
        score_gene_sets(from_frame(frame, "log2"), {"A": ["RAB29", *SETS["UP"][3:]]})


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(InputError, match=r"value 'gsea': there is no such method for gene sets. There are: gsva, ssgsea,"):
        score_gene_sets(from_frame(frame_of(), "log2"), SETS, "gsea")


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gene_set_library, "find_spec", lambda name: None)
    with pytest.raises(
        InputError, match=r"ulm needs decoupler, which is not installed. pip install 'resistance\[genesets\]', or take gsva"
    ):
        score_gene_sets(from_frame(frame_of(), "log2"), SETS, "ulm")


def test_sets_are_chosen_by_name_and_named_with_the_prefix() -> None:
    assert choose_sets(SETS, ["OTHER", "OTHER"], prefix="z_") == {"z_OTHER": SETS["OTHER"]}
    assert list(choose_sets(SETS, None)) == ["UP", "OTHER"]
    with pytest.raises(
        InputError, match=r"own.gmt, column 'sets', value 'DOWN': there is no such gene set in the file. It has 2: UP, OTHER\."
    ):
        choose_sets(SETS, ["DOWN"], where="own.gmt")


# --- a cohort --------------------------------------------------------------------------------------------------------


def cohort_of(frame: pd.DataFrame, **tables: pd.DataFrame) -> Cohort:
    names = list(frame.columns)
    return Cohort(
        facts={"build": "GRCh38", "expression_unit": "log2", "expression_platform": "rnaseq"},
        patients=pd.DataFrame({"patient_id": [f"P{name}" for name in names]}),
        samples=pd.DataFrame(
            [(name, f"P{name}", "tumour", "baseline", 0.0) for name in names],
            columns=["sample_id", "patient_id", "material", "timepoint", "day"],
        ),
        expression=frame.rename_axis("gene").reset_index(),
        **tables,
    )


def test_scores_of_a_cohort_are_measurements_under_their_names() -> None:
    asked = GeneSets(file="own.gmt", method="zscore", sets=["UP"], prefix="z_")
    cohort = cohort_of(frame_of())
    found = classify_all(cohort, Subtype(gene_sets=[asked]), [(asked, SETS)])
    assert set(found.scores["name"]) == {"z_UP"}
    assert found.scores["patient_id"].tolist() == [f"PS{j}" for j in range(12)]
    measured = cohort.with_scores(found.scores).measurements
    assert set(measured["name"]) == {"z_UP"}
    assert set(measured["kind"]) == {"score"}
    np.testing.assert_allclose(measured["value"], z_of(frame_of().iloc[:12]), rtol=1e-12)


def test_a_cohort_without_expression_has_no_scores() -> None:
    cohort = cohort_of(frame_of())
    bare = Cohort(facts=cohort.facts, patients=cohort.patients, samples=cohort.samples)
    asked = GeneSets(file="own.gmt")
    assert classify_all(bare, Subtype(gene_sets=[asked]), [(asked, SETS)]).scores.empty


def test_one_name_is_one_score() -> None:
    cohort = cohort_of(frame_of().rename(index={"G0": "JUNB"}))
    first, second = GeneSets(file="own.gmt"), GeneSets(file="own.gmt", method="zscore")
    with pytest.raises(
        InputError, match=r"value 'UP': a gene set of own.gmt \(gsva\) has the name of this gene set of own.gmt. Put a 'prefix'"
    ):
        classify_all(cohort, Subtype(), [(first, SETS), (second, SETS)])
    with pytest.raises(InputError, match="value 'nfkb': another score of the cohort file has the name of this gene set"):
        classify_all(cohort, Subtype(scores=["nfkb"]), [(first, {"nfkb": SETS["UP"]})])
    given = pd.DataFrame(
        {"sample_id": ["S0"], "kind": ["score"], "name": ["UP"], "value": [1.0], "unit": [None], "source": ["scores.tsv"]}
    )
    with pytest.raises(InputError, match="a score that the study gives itself has the name of this gene set"):
        classify_all(cohort_of(frame_of(), measurements=given), Subtype(), [(first, SETS)])
    twice = first, GeneSets(file="own.gmt", method="zscore", prefix="z_")
    assert set(classify_all(cohort, Subtype(), [(x, SETS) for x in twice]).scores["name"]) == {"UP", "OTHER", "z_UP", "z_OTHER"}


def test_bounds_that_contradict_each_other_are_refused_in_the_cohort_file() -> None:
    with pytest.raises(ValueError, match=r"min_genes \(20\) is above max_genes \(15\)"):
        GeneSets(file="own.gmt", min_genes=20, max_genes=15)
