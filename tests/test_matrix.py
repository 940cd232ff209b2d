"""The marker matrix by hand: each state, for each kind of evidence, and what is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance import schemas
from resistance.annotate.aliases import with_aliases
from resistance.annotate.domains import with_domains
from resistance.cohort import Cohort
from resistance.dropped import Dropped
from resistance.knowledge import load_markers
from resistance.match.threshold import MIN_FOR_QUANTILE
from resistance.matrix import build_matrix, gene_states
from resistance.tables import conform

BUILD = "GRCh37"


def patients(*names: str) -> pd.DataFrame:
    return pd.DataFrame({"patient_id": list(names)})


def sample(
    patient: str, name: str | None = None, *, timepoint: str = "baseline", material: str = "tumour", day: float = 0
) -> dict:
    return {"sample_id": name or patient, "patient_id": patient, "material": material, "timepoint": timepoint, "day": day}


def call(sample_id: str, pos: int, ref: str = "A", alt: str = "T", **more: Any) -> dict:
    return {"sample_id": sample_id, "build": BUILD, "chrom": "1", "pos": pos, "ref": ref, "alt": alt, "source": "a.maf"} | more


def effect(pos: int, gene: str, effect_class: str = "missense", ref: str = "A", alt: str = "T", **more: Any) -> dict:
    where = {"build": BUILD, "chrom": "1", "pos": pos, "ref": ref, "alt": alt}
    return where | {"gene": gene, "effect_class": effect_class, "source": "file:MAF"} | more


def covered(gene: str, *samples: str, kind: str = "mutation") -> list[dict]:
    return [{"sample_id": s, "kind": kind, "gene": gene, "source": "panel"} for s in samples]


def cohort(names: tuple[str, ...] = ("P1",), **tables: Any) -> Cohort:
    unit = tables.pop("expression_unit", None)
    frames = {name: rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows) for name, rows in tables.items() if len(rows)}
    frames.setdefault("samples", pd.DataFrame([sample(name) for name in names]))
    return Cohort(facts={"build": BUILD, "expression_unit": unit}, patients=patients(*names), **frames)


def effects(*rows: dict) -> pd.DataFrame:
    """Effects as the annotate stage writes them."""
    table = conform(pd.DataFrame(list(rows), columns=list(schemas.EFFECTS.names)), schemas.EFFECTS)
    return conform(with_domains(with_aliases(table, Dropped("annotate"))), schemas.EFFECTS)


def markers(*rows: tuple[str, str, str]) -> pd.DataFrame:
    """Markers of (genes, kind, rule), named m1, m2 ..."""
    fixed = {"direction": "resistance", "evidence_grade": "M", "source": "PMID:1", "verified": "false"}
    table = [
        {"marker_id": f"m{i}", "label": f"m{i}", "genes": genes or None, "evidence_kind": kind, "rule": rule} | fixed
        for i, (genes, kind, rule) in enumerate(rows, 1)
    ]
    return conform(pd.DataFrame(table), schemas.MARKERS)


def subtypes(*rows: dict) -> pd.DataFrame:
    given = [{"method": "label:x", "reason": "given"} | row for row in rows]
    return conform(pd.DataFrame(given, columns=list(schemas.SUBTYPES.names)), schemas.SUBTYPES)


def matrix(
    study: Cohort, asked: pd.DataFrame, *rows: dict, labels: pd.DataFrame | None = None, method: str | None = None
) -> pd.DataFrame:
    found = build_matrix(study, effects(*rows), subtypes() if labels is None else labels, asked, subtype_method=method)
    return found.matrix.set_index(["patient_id", "timepoint", "marker_id"])


def one(study: Cohort, kind: str, rule: str, *rows: dict, gene: str = "CRBN") -> pd.Series:
    return matrix(study, markers((gene, kind, rule)), *rows).iloc[0]


def by_marker(table: pd.DataFrame) -> dict[str, list[str]]:
    """States of each marker, patients in order."""
    return {str(name): list(rows) for name, rows in table.groupby("marker_id")["state"]}


def test_result_follows_the_schema_in_a_fixed_order() -> None:
    study = cohort(("P2", "P1"), samples=[sample("P1"), sample("P2"), sample("P2", "late", timepoint="relapse", day=99)])
    asked = markers(("CRBN", "mutation", "missense"), ("CRBN", "copy_number", "loss"))
    table = build_matrix(study, effects(), subtypes(), asked, subtype_method=None).matrix
    pd.testing.assert_frame_equal(conform(table, schemas.MATRIX), table)
    assert list(zip(table["patient_id"], table["timepoint"], table["marker_id"], strict=True)) == [
        ("P2", "baseline", "m1"), ("P2", "baseline", "m2"), ("P2", "relapse", "m1"), ("P2", "relapse", "m2"),
        ("P1", "baseline", "m1"), ("P1", "baseline", "m2"),
    ]  # fmt: skip


def test_matching_call_is_present_with_its_evidence() -> None:
    study = cohort(calls=[call("P1", 7, depth=200, alt_count=25, vaf=0.125)])
    row = one(study, "mutation", "missense", effect(7, "CRBN", hgvsp="W386R", residue=386))
    assert tuple(row) == ("present", 0.125, "CRBN p.W386R in P1, VAF 0.125, depth 200")


def test_call_without_counts_counts_as_reported_and_one_without_reads_does_not() -> None:
    study = cohort(
        ("P1", "P2"), calls=[call("P1", 7), call("P2", 7, alt_count=0, depth=90, vaf=0.0)], coverage=covered("*", "P1", "P2")
    )
    table = matrix(study, markers(("CRBN", "mutation", "missense")), effect(7, "CRBN", hgvsc="c.1A>T"))
    assert list(table["state"]) == ["present", "absent"]
    assert table["evidence"].iloc[0] == "CRBN c.1A>T in P1"
    assert np.isnan(table["value"].iloc[0])


def test_reads_that_the_caller_did_not_call_make_no_marker_present_and_are_counted() -> None:
    study = cohort(
        ("P1", "P2"),
        calls=[call("P1", 7, depth=200, alt_count=2, filter="not_called"), call("P2", 7, depth=200, alt_count=40, filter="PASS")],
        coverage=covered("*", "P1", "P2"),
    )
    found = build_matrix(
        study, effects(effect(7, "CRBN")), subtypes(), markers(("CRBN", "mutation", "missense")), subtype_method=None
    )
    table, dropped = found.matrix, found.dropped
    assert list(table["state"]) == ["absent", "present"]
    assert dropped[["reason", "n"]].to_numpy().tolist() == [["some reads, but the caller's genotype is without the variant", 1]]


def test_gene_without_coverage_is_not_assessed() -> None:
    study = cohort(
        ("P1", "P2", "P3"), coverage=covered("CRBN", "P1") + covered("IKZF1", "P2") + covered("CRBN", "P3", kind="copy_number")
    )
    table = matrix(study, markers(("CRBN", "mutation", "missense")))
    assert list(table["state"]) == ["absent", "not_assessed", "not_assessed"]
    assert list(table["evidence"]) == ["covered, no matching call", *["no mutation assay covers CRBN"] * 2]


def test_call_of_another_class_leaves_a_covered_gene_absent() -> None:
    study = cohort(calls=[call("P1", 7)], coverage=covered("*", "P1"))
    assert one(study, "mutation", "truncating", effect(7, "CRBN"))["state"] == "absent"


def test_silent_and_noncoding_calls_never_make_a_marker_present() -> None:
    study = cohort(calls=[call("P1", 7), call("P1", 8), call("P1", 9)], coverage=covered("*", "P1"))
    found = build_matrix(
        study,
        effects(effect(7, "CRBN", "synonymous"), effect(8, "CRBN", "noncoding")),
        subtypes(),
        markers(("CRBN", "mutation", "any"), ("CRBN", "mutation", "nonsilent")),
        subtype_method=None,
    )
    table, dropped = found.matrix, found.dropped
    assert list(table["state"]) == ["absent", "absent"]
    assert dict(zip(dropped["reason"], dropped["n"], strict=True)) == {
        "silent or non-coding in a gene of the markers": 2,
        "no effect on a gene is known": 1,
    }
    assert set(dropped["source"]) == {"a.maf"}
    assert "P1 1:9 A>T" in set(dropped["example"])


def test_unclassified_effect_matches_any_but_not_nonsilent() -> None:
    study = cohort(calls=[call("P1", 7)], coverage=covered("*", "P1"))
    table = matrix(study, markers(("CRBN", "mutation", "any"), ("CRBN", "mutation", "nonsilent")), effect(7, "CRBN", "other"))
    assert list(table["state"]) == ["present", "absent"]


def test_germline_sample_makes_nothing_present_and_covers_nothing() -> None:
    study = cohort(samples=[sample("P1", material="germline")], calls=[call("P1", 7)], coverage=covered("*", "P1"))
    found = build_matrix(study, effects(effect(7, "CRBN")), subtypes(), markers(("CRBN", "mutation", "any")), subtype_method=None)
    table, dropped = found.matrix, found.dropped
    assert tuple(table.loc[0, ["timepoint", "state", "evidence"]]) == ("baseline", "not_assessed", "no sample at this time point")
    assert list(dropped["reason"]) == ["calls of germline samples make no marker present"]


@pytest.mark.parametrize(
    ("rule", "hgvsp", "residue", "state"),
    [
        ("residue:W386", "W386R", 386, "present"),
        ("residue:W386", "W386*", 386, "present"),
        ("residue:W386", None, 386, "present"),
        ("residue:W386", "L386R", 386, "absent"),
        ("residue:W386", "W385R", 385, "absent"),
        ("residue:W386", None, None, "absent"),
        ("residue:W380|residue:W386", "W386R", 386, "present"),
        ("residue_range:380-386", "W386R", 386, "present"),
        ("residue_range:380-385", "W386R", 386, "absent"),
        ("change:W386R", "W386R", 386, "present"),
        ("change:W386R", "W386C", 386, "absent"),
        ("domain:thalidomide_binding", "A318T", 318, "present"),
        ("domain:thalidomide_binding", "A427T", 427, "absent"),
        ("domain:tryptophan_cage", "W386R", 386, "present"),
        ("domain:tryptophan_cage", "H378Y", 378, "absent"),
        ("domain:thalidomide_binding|domain:LON", "A427T", 427, "absent"),
        ("missense&domain:thalidomide_binding", "W386R", 386, "present"),
        ("truncating&domain:thalidomide_binding", "W386R", 386, "absent"),
        ("truncating|residue:W386", "W386R", 386, "present"),
    ],
)
def test_protein_rules_match_residue_letter_and_change(rule: str, hgvsp: str | None, residue: int | None, state: str) -> None:
    study = cohort(calls=[call("P1", 7)], coverage=covered("CRBN", "P1"))
    given = effect(7, "CRBN", hgvsp=hgvsp, residue=residue, transcript="ENST00000231948.9")
    assert one(study, "mutation", rule, given)["state"] == state


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        ("change:L252P", "present"),
        ("change:L265P", "present"),
        ("change:L273P", "present"),
        ("change:L265H", "absent"),
        ("change:L26P", "absent"),
        ("residue:L265", "present"),
        ("residue:L252", "present"),
        ("residue:L26", "absent"),
        ("residue:V265", "absent"),
        ("residue_range:260-270", "absent"),  # a range counts on one transcript
        ("domain:TIR", "present"),
        ("domain:death", "absent"),
    ],
)
def test_rules_match_a_change_under_its_names_on_other_transcripts(rule: str, state: str) -> None:
    study = cohort(calls=[call("P1", 7)], coverage=covered("MYD88", "P1"))
    given = effect(7, "MYD88", hgvsp="L252P", residue=252, transcript="ENST00000650905.2")
    asked = markers(("MYD88", "mutation", rule))
    assert matrix(study, asked, given)["state"].tolist() == [state]


def test_domain_rule_and_column_are_one_answer() -> None:
    study = cohort(calls=[call("P1", 7)], coverage=covered("CRBN", "P1"))
    given = effect(7, "CRBN", hgvsp="W386R", residue=386)  # on no known transcript: the column is NA, nothing is guessed
    assert effects(given)["domain"].isna().all()
    assert matrix(study, markers(("CRBN", "mutation", "domain:thalidomide_binding")), given)["state"].tolist() == ["absent"]


def test_any_gene_makes_a_group_present_and_absence_needs_all_covered() -> None:
    names = ("P1", "P2", "P3", "P4")
    study = cohort(
        names,
        calls=[call("P1", 7)],
        coverage=[*covered("CUL4A", "P1", "P2", "P3"), *covered("DDB1", "P2")],
    )
    table = matrix(study, markers(("CUL4A;DDB1", "mutation", "nonsilent")), effect(7, "DDB1"))
    assert list(table["state"]) == ["present", "absent", "not_assessed", "not_assessed"]
    assert list(table["evidence"].iloc[2:]) == ["no mutation assay covers DDB1", "no mutation assay covers any of CUL4A, DDB1"]


def test_two_samples_of_one_time_point_speak_for_each_other() -> None:
    study = cohort(
        samples=[sample("P1", "tumour"), sample("P1", "plasma", material="plasma")],
        calls=[call("plasma", 7, vaf=0.01), call("tumour", 7, vaf=0.4)],
        coverage=covered("CRBN", "tumour") + covered("DDB1", "plasma"),
    )
    table = matrix(study, markers(("CRBN", "mutation", "missense"), ("CRBN;DDB1", "mutation", "truncating")), effect(7, "CRBN"))
    assert list(table["state"]) == ["present", "absent"]
    assert table["value"].iloc[0] == 0.4
    assert table["evidence"].iloc[0] == "CRBN 1:7 A>T in plasma, VAF 0.01; CRBN 1:7 A>T in tumour, VAF 0.4"


def test_variant_of_a_relapse_is_not_there_at_baseline() -> None:
    study = cohort(
        ("P1", "P2"),
        samples=[sample("P1"), sample("P1", "late", timepoint="relapse"), sample("P2")],
        calls=[call("late", 7)],
        coverage=covered("*", "P1", "late", "P2"),
    )
    table = matrix(study, markers(("CRBN", "mutation", "missense")), effect(7, "CRBN"))
    assert table["state"].to_dict() == {
        ("P1", "baseline", "m1"): "absent",
        ("P1", "relapse", "m1"): "present",
        ("P2", "baseline", "m1"): "absent",
    }


def test_long_evidence_says_how_many_more() -> None:
    study = cohort(calls=[call("P1", pos) for pos in range(1, 7)])
    row = one(study, "mutation", "missense", *(effect(pos, "CRBN") for pos in range(1, 7)))
    assert row["evidence"].endswith("CRBN 1:4 A>T in P1; and 2 more")


ALLELIC = markers(("TP53", "mutation", "multi_hit"), ("TP53", "mutation", "mono_allelic"))


@pytest.mark.parametrize(
    ("n", "state", "loh", "assay", "multi", "mono", "why"),
    [
        (2, None, None, True, "present", "absent", "two or more variants: "),
        (3, 0, False, True, "present", "absent", "two or more variants: "),
        (1, -1, None, True, "present", "absent", "one variant and loss or copy-neutral LOH: "),
        (1, 0, True, True, "present", "absent", "one variant and loss or copy-neutral LOH: "),
        (1, None, True, True, "present", "absent", "one variant and loss or copy-neutral LOH: "),
        (1, 0, False, True, "absent", "present", "one variant, no loss or copy-neutral LOH: "),
        (1, 0, None, True, "absent", "present", "one variant, no loss (copy-neutral LOH not looked for): "),
        (1, None, None, True, "not_assessed", "not_assessed", "one variant, but no copy number of TP53: allelic state not known"),
        (
            1,
            "no row",
            None,
            False,
            "not_assessed",
            "not_assessed",
            "one variant, but no copy number of TP53: allelic state not known",
        ),
        (2, "no row", None, False, "present", "absent", "two or more variants: "),
        (0, -1, None, True, "absent", "absent", "covered, no variant"),
        (0, -1, None, False, "not_assessed", "not_assessed", "no mutation assay covers TP53"),
    ],
)
def test_allelic_state_needs_copy_number_only_for_one_variant(
    n: int, state: Any, loh: bool | None, assay: bool, multi: str, mono: str, why: str
) -> None:
    rows = [] if state == "no row" else [{"sample_id": "P1", "gene": "TP53", "state": state, "loh": loh, "source": "x"}]
    study = cohort(
        calls=[call("P1", pos) for pos in range(1, n + 1)],
        coverage=covered("TP53", "P1") if assay else [],
        copy_number=rows,
    )
    table = matrix(study, ALLELIC, *(effect(pos, "TP53") for pos in range(1, n + 1)))
    assert list(table["state"]) == [multi, mono]
    assert all(text.startswith(why) for text in table["evidence"])


def test_one_variant_in_two_samples_is_one_hit() -> None:
    study = cohort(
        samples=[sample("P1", "a"), sample("P1", "b", material="plasma")],
        calls=[call("a", 7), call("b", 7)],
        copy_number=[{"sample_id": "a", "gene": "TP53", "state": 0, "loh": False, "source": "x"}],
    )
    table = matrix(study, ALLELIC, effect(7, "TP53"))
    assert list(table["state"]) == ["absent", "present"]
    assert list(table["value"]) == [1, 1]


@pytest.mark.parametrize(
    ("rule", "states"),
    [
        ("loss", ["present", "present", "absent", "absent", "absent", "not_assessed", "not_assessed"]),
        ("deep_loss", ["present", "absent", "absent", "absent", "absent", "not_assessed", "not_assessed"]),
        ("gain", ["absent", "absent", "absent", "present", "present", "not_assessed", "not_assessed"]),
        ("amplification", ["absent", "absent", "absent", "absent", "present", "not_assessed", "not_assessed"]),
        ("loss|gain", ["present", "present", "absent", "present", "present", "not_assessed", "not_assessed"]),
    ],
)
def test_copy_number_is_known_only_where_its_state_is(rule: str, states: list[str]) -> None:
    names = ("A", "B", "C", "D", "E", "F", "G")
    rows = [
        {"sample_id": s, "gene": "CRBN", "state": n, "log2_ratio": None if n is None else n / 2, "source": "x"}
        for s, n in zip(names, (-2, -1, 0, 1, 2, None), strict=False)
    ]
    study = cohort(names, copy_number=rows, coverage=covered("*", "G", kind="copy_number"))
    table = matrix(study, markers(("CRBN", "copy_number", rule)))
    assert list(table["state"]) == states
    assert table["value"].iloc[1] == -0.5
    assert table["evidence"].iloc[5] == "no copy number of CRBN"


def test_copy_neutral_loh_is_no_loss() -> None:
    study = cohort(copy_number=[{"sample_id": "P1", "gene": "TP53", "state": 0, "loh": True, "source": "x"}])
    table = matrix(study, markers(("TP53", "copy_number", "loss"), ("TP53", "copy_number", "cnloh")))
    assert list(table["state"]) == ["absent", "present"]
    assert table["evidence"].iloc[1] == "TP53 copy-neutral LOH in P1"


def test_fusion_needs_its_partner_and_an_assay_to_be_absent() -> None:
    names = ("P1", "P2", "P3", "P4")
    rows = [
        {"sample_id": "P1", "kind": "translocation", "gene_1": "IGH", "gene_2": "NSD2", "support": 12, "source": "x"},
        {"sample_id": "P2", "kind": "fusion", "gene_1": "MYC", "gene_2": "NSD2", "source": "x"},
        {"sample_id": "P3", "kind": "deletion", "gene_1": "NSD2", "gene_2": None, "source": "x"},
    ]
    study = cohort(names, fusions=rows, coverage=covered("*", "P1", "P2", "P3", kind="fusion"))
    table = by_marker(matrix(study, markers(*(("NSD2", "fusion", rule) for rule in ("fusion:IGH", "fusion", "any")))))
    assert table["m1"] == ["present", "absent", "absent", "not_assessed"]
    assert table["m2"] == ["present", "present", "absent", "not_assessed"]
    assert table["m3"] == ["present", "present", "present", "not_assessed"]
    assert one(study, "fusion", "fusion:IGH", gene="NSD2")["evidence"] == "translocation IGH::NSD2 in P1, 12 supporting reads"


def test_cytogenetic_event_is_read_under_its_name() -> None:
    names = ("P1", "P2", "P3", "P4", "P5")
    rows = [{"sample_id": s, "gene": "del(17p)", "state": n, "source": "x"} for s, n in (("P1", -1), ("P2", 0), ("P3", None))]
    study = cohort(names, copy_number=rows, coverage=covered("*", "P3", "P4", kind="cytogenetics"))
    table = matrix(study, markers(("TP53", "cytogenetics", "event:del(17p)")))
    assert list(table["state"]) == ["present", "absent", "not_assessed", "absent", "not_assessed"]
    assert table["evidence"].iloc[0] == "del(17p) in P1"


def levels(n: int) -> pd.DataFrame:
    return pd.DataFrame({"gene": ["CRBN", "ACTB"]} | {f"P{i}": [float(i), 10.0] for i in range(1, n + 1)})


def test_expression_quantile_is_taken_over_the_baselines() -> None:
    n = 24
    names = tuple(f"P{i}" for i in range(1, n + 1))
    samples = [*(sample(name) for name in names), sample("P1", "late", timepoint="relapse")]
    study = cohort(names, samples=samples, expression=levels(n).assign(late=[100.0, 10.0]))
    table = matrix(study, markers(("CRBN", "expression", "below:quantile:0.25"), ("CRBN", "expression", "above:quantile:0.75")))
    low = table.xs("m1", level="marker_id")
    limit = np.quantile(np.arange(1, n + 1), 0.25)
    assert (low["state"] == "present").sum() == (np.arange(1, n + 1) <= limit).sum() == 6
    assert low["value"].iloc[0] == 1.0
    assert low["evidence"].iloc[0] == "CRBN log2 expression 1, at or below the cohort quantile 0.25 of 24 baselines (6.75)"
    assert table.loc[("P1", "relapse", "m1"), "state"] == "absent"
    assert table.loc[("P1", "relapse", "m2"), "state"] == "present"


def test_hundreds_of_samples_are_carried_without_a_warning() -> None:
    names = tuple(f"P{i}" for i in range(1, 301))
    row = one(cohort(names, expression=levels(300)), "expression", "above:quantile:0.75")
    assert row["state"] == "absent"


def test_small_cohort_has_no_quantile_but_keeps_the_values() -> None:
    n = MIN_FOR_QUANTILE - 1
    study = cohort(tuple(f"P{i}" for i in range(1, n + 1)), expression=levels(n))
    table = matrix(study, markers(("CRBN", "expression", "below:quantile:0.25"), ("CRBN", "expression", "below:absolute:3")))
    quantile, absolute = table.xs("m1", level="marker_id"), table.xs("m2", level="marker_id")
    assert set(quantile["state"]) == {"not_assessed"}
    assert "known in 19 baselines, fewer than 20: no cohort quantile" in quantile["evidence"].iloc[0]
    assert quantile["value"].notna().all()
    assert (absolute["state"] == "present").sum() == 3


def test_gene_that_does_not_vary_has_no_quantile() -> None:
    study = cohort(tuple(f"P{i}" for i in range(1, 25)), expression=levels(24))
    row = one(study, "expression", "below:quantile:0.25", gene="ACTB")
    assert tuple(row[["state", "evidence"]]) == ("not_assessed", "ACTB log2 expression does not vary: no cohort quantile")


@pytest.mark.parametrize(("unit", "value"), [("counts", np.log2(8 / 10 * 1e6 + 1)), ("tpm", np.log2(9)), ("log2", 8.0)])
def test_expression_is_compared_on_a_log2_scale(unit: str, value: float) -> None:
    study = cohort(expression=pd.DataFrame({"gene": ["CRBN", "ACTB"], "P1": [8.0, 2.0]}), expression_unit=unit)
    assert one(study, "expression", "above:absolute:0")["value"] == pytest.approx(value)
    assert one(study, "expression", "above:absolute:0", gene="DDB1")["evidence"] == "no expression of DDB1"


def test_ihc_call_is_taken_and_a_bare_percentage_is_no_call() -> None:
    names = ("P1", "P2", "P3", "P4")
    rows = [
        {"sample_id": "P1", "antibody": "CRBN", "positive": True, "source": "x"},
        {"sample_id": "P2", "antibody": "crbn", "positive": False, "source": "x"},
        {"sample_id": "P3", "antibody": "CRBN", "percent_positive": 40, "source": "x"},
    ]
    study = cohort(names, ihc=rows)
    table = by_marker(matrix(study, markers(*(("CRBN", "ihc", rule) for rule in ("positive", "negative", "above:absolute:30")))))
    assert table["m1"] == ["present", "absent", "not_assessed", "not_assessed"]
    assert table["m2"] == ["absent", "present", "not_assessed", "not_assessed"]
    assert table["m3"] == ["not_assessed", "not_assessed", "present", "not_assessed"]


def test_subtype_is_that_of_the_chosen_method_at_its_time_point() -> None:
    study = cohort(
        ("P1", "P2", "P3", "P4"),
        samples=[*(sample(p) for p in ("P1", "P2", "P3", "P4")), sample("P1", "late", timepoint="relapse")],
    )
    labels = subtypes(
        {"patient_id": "P1", "subtype": "ABC"},
        {"patient_id": "P2", "subtype": "GCB"},
        {"patient_id": "P3", "subtype": None},
        {"patient_id": "P4", "subtype": "UNCLASSIFIED"},
        {"patient_id": "P1", "sample_id": "late", "method": "hans", "subtype": "GCB"},
    )
    asked = markers(("", "subtype", "subtype:non-GCB|subtype:ABC"))
    table = matrix(study, asked, labels=labels, method="label:x")
    assert list(table["state"]) == ["present", "not_assessed", "absent", "not_assessed", "not_assessed"]
    assert table["evidence"].iloc[0] == "ABC by label:x"
    assert table["evidence"].iloc[4] == "UNCLASSIFIED by label:x, which does not tell non-GCB or ABC"
    late = matrix(study, asked, labels=labels, method="hans")
    assert list(late["state"]) == ["not_assessed", "absent", *["not_assessed"] * 3]
    unchosen = matrix(study, asked, labels=labels)
    assert set(unchosen["evidence"]) == {"no subtype method is chosen (subtype.use)"}


def test_non_gcb_of_hans_does_not_tell_abc() -> None:
    study = cohort(("P1", "P2", "P3"))
    labels = subtypes(*({"patient_id": p, "subtype": s} for p, s in (("P1", "non-GCB"), ("P2", "GCB"), ("P3", "UNCLASSIFIED"))))
    table = matrix(study, markers(("", "subtype", "subtype:ABC")), labels=labels, method="label:x")
    assert list(table["state"]) == ["not_assessed", "absent", "absent"]
    assert table["evidence"].iloc[0] == "non-GCB by label:x, which does not tell ABC"


def test_transcripts_are_not_assessed() -> None:
    row = one(cohort(), "splice", "splice:exon10:0.4")
    assert tuple(row[["state", "evidence"]]) == ("not_assessed", "no transcripts of CRBN were measured for exon 10")


def test_packaged_markers_all_match_an_empty_cohort_to_not_assessed() -> None:
    table = matrix(cohort(), load_markers())
    assert set(table["state"]) == {"not_assessed"}
    assert table["evidence"].notna().all()


def test_cohort_without_patients_gives_an_empty_matrix() -> None:
    empty = cohort((), samples=pd.DataFrame(columns=list(schemas.SAMPLES.names)))
    assert len(gene_states(empty, effects())) == 0


def test_order_of_rows_does_not_matter() -> None:
    calls = [call("P1", 7, vaf=0.3), call("P1", 8, vaf=0.1), call("P2", 7)]
    rows = [effect(7, "CRBN"), effect(8, "CRBN", "truncating")]
    asked = markers(("CRBN", "mutation", "nonsilent"), ("CRBN", "mutation", "truncating"))
    forth = matrix(cohort(("P1", "P2"), calls=calls), asked, *rows)
    back = matrix(cohort(("P1", "P2"), calls=calls[::-1]), asked, *rows[::-1])
    pd.testing.assert_frame_equal(forth, back)


def test_gene_states_ask_for_every_mutated_gene() -> None:
    study = cohort(("P1", "P2"), calls=[call("P1", 7), call("P2", 8), call("P2", 9)], coverage=covered("CRBN", "P1", "P2"))
    table = gene_states(study, effects(effect(7, "CRBN"), effect(8, "DDB1", "synonymous"), effect(9, "ABC1", "other")))
    pd.testing.assert_frame_equal(conform(table, schemas.MATRIX), table)
    assert list(zip(table["patient_id"], table["marker_id"], table["state"], strict=True)) == [
        ("P1", "gene:CRBN", "present"),
        ("P2", "gene:CRBN", "absent"),
    ]
    asked = gene_states(study, effects(effect(7, "CRBN")), ["DDB1"])
    assert list(asked["state"]) == ["not_assessed", "not_assessed"]


def test_an_allele_is_found_whatever_the_file_calls_it() -> None:
    asked = markers(("MYD88", "mutation", "change:L265P|allele:GRCh37:1:7:A>T|allele:GRCh38:1:8:A>T"))
    calls = [call("P1", 7), call("P2", 8), call("P3", 7, alt="G")]
    study = cohort(("P1", "P2", "P3"), calls=calls, coverage=covered("MYD88", "P1", "P2", "P3"))
    rows = [effect(pos, "MYD88", "stop_lost", alt=alt, hgvsp="*160R") for pos, alt in ((7, "T"), (8, "T"), (7, "G"))]
    found = matrix(study, asked, *rows)["state"].droplevel(["timepoint", "marker_id"])
    # the second allele is that of the other build, the third is another base
    assert found.to_dict() == {"P1": "present", "P2": "absent", "P3": "absent"}
