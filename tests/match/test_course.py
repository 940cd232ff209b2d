"""Serum, scores, transcripts, exposure and ctDNA: each state of each kind, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance import schemas
from resistance.cohort import Cohort
from resistance.matrix import MarkerMatrix, build_matrix
from resistance.tables import conform, empty


def matched(
    names: list[str], rows: list[tuple[str, str, str]], ctdna: dict[str, pd.DataFrame] | None = None, **tables: Any
) -> MarkerMatrix:
    samples = tables.pop("samples", [(name, name, "baseline") for name in names])
    sheet = [{"sample_id": s, "patient_id": p, "material": "plasma", "timepoint": t} for s, p, t in samples]
    study = Cohort(
        facts={"build": "GRCh38", "expression_unit": None},
        patients=pd.DataFrame({"patient_id": names}),
        samples=pd.DataFrame(sheet),
        **{name: pd.DataFrame(table) for name, table in tables.items()},
    )
    asked = pd.DataFrame(
        [
            {"marker_id": f"m{i}", "label": f"m{i}", "genes": genes or None, "evidence_kind": kind, "rule": rule,
             "direction": "resistance", "evidence_grade": "B", "source": "PMID:1", "verified": True}
            for i, (genes, kind, rule) in enumerate(rows)
        ]
    )  # fmt: skip
    none = empty(schemas.EFFECTS), empty(schemas.SUBTYPES)
    return build_matrix(study, *none, conform(asked, schemas.MARKERS), subtype_method=None, ctdna=ctdna)


def states(found: MarkerMatrix) -> list[str]:
    return list(found.matrix["state"])


def measured(kind: str, name: str, values: dict[str, float], unit: str | None = None) -> list[dict[str, Any]]:
    return [{"sample_id": s, "kind": kind, "name": name, "value": v, "unit": unit, "source": "x.tsv"} for s, v in values.items()]


def test_serum_level_is_compared_on_its_own_and_never_mixed_with_tumour_expression() -> None:
    serum = measured("serum", "CRBN", {"A": 12.0, "B": 3.0}, "ng/mL")
    found = matched(
        ["A", "B", "C"], [("CRBN", "serum", "above:absolute:10"), ("CRBN", "expression", "above:absolute:10")], measurements=serum
    )
    table = found.matrix.set_index(["marker_id", "patient_id"])
    assert list(table.loc["m0", "state"]) == ["present", "absent", "not_assessed"]
    assert list(table.loc["m1", "state"]) == ["not_assessed"] * 3
    assert table.loc[("m0", "A"), "evidence"] == "serum CRBN (ng/mL) 12, at or above the threshold (10)"
    assert table.loc[("m0", "C"), "evidence"] == "no serum level of CRBN"


def test_score_of_the_cohort_s_upper_quarter() -> None:
    names = [f"P{i:02d}" for i in range(20)]
    values = {name: float(i) for i, name in enumerate(names)}
    found = matched(
        names, [("", "score", "score:imid_switch:above:quantile:0.75")], measurements=measured("score", "imid_switch", values)
    )
    # the quantile of 0..19 at .75 is 14.25 (linear interpolation): 15 to 19 lie above
    assert [name for name, state in zip(names, states(found), strict=True) if state == "present"] == names[15:]


@pytest.mark.parametrize(("share", "state"), [(0.40, "present"), (0.39, "absent"), (0.0, "absent"), (None, "not_assessed")])
def test_transcript_without_the_exon_counts_from_the_share_of_the_rule(share: float | None, state: str) -> None:
    rows = measured("splice", "CRBN:exon10", {} if share is None else {"A": share})
    found = matched(["A"], [("CRBN", "splice", "splice:exon10:0.4")], measurements=rows)
    assert states(found) == [state]


def test_share_of_another_exon_says_nothing() -> None:
    found = matched(["A"], [("CRBN", "splice", "splice:exon10:0.4")], measurements=measured("splice", "CRBN:exon8", {"A": 0.9}))
    assert states(found) == ["not_assessed"]


LINES = {
    "long ago": [("lenalidomide-dexamethasone", -900, -600)],  # 600 days are 19.7 months
    "recently": [("Lenalidomide", -400, -30), ("bortezomib", -30, -1)],
    "just at the limit": [("R2", -800, -18 * 365.25 / 12)],
    "never": [("bortezomib", -300, -200)],
    "end not known": [("lenalidomide", -300, None)],
    "time not known": [("lenalidomide", None, None)],
    "only as the studied treatment": [("lenalidomide", 0, None)],
    "not listed": [],
    "in a trial": [("ABC-123 trial", -300, -200)],
    "long ago, then in a trial": [("VRd", -900, -700), ("ABC-123 trial", -300, -200)],
    "naive": [("lenalidomide-naive, VMP", -300, -200)],
}


@pytest.mark.parametrize(
    ("who", "prior", "since"),
    [
        ("long ago", "present", "present"),
        ("recently", "present", "absent"),
        ("just at the limit", "present", "present"),
        ("never", "absent", "not_assessed"),
        ("end not known", "present", "not_assessed"),
        ("time not known", "not_assessed", "not_assessed"),
        ("only as the studied treatment", "absent", "not_assessed"),
        ("not listed", "not_assessed", "not_assessed"),
        ("in a trial", "not_assessed", "not_assessed"),
        ("long ago, then in a trial", "present", "not_assessed"),
        ("naive", "absent", "not_assessed"),
    ],
)
def test_exposure_counts_earlier_lines_up_to_the_start_of_treatment(who: str, prior: str, since: str) -> None:
    lines = [
        {"patient_id": name, "line": i, "regimen": regimen, "start_day": start, "end_day": end}
        for name, rows in LINES.items()
        for i, (regimen, start, end) in enumerate(rows)
    ]
    found = matched(
        list(LINES), [("", "exposure", "prior:lenalidomide"), ("", "exposure", "since:lenalidomide:18")], treatments=lines
    )
    rows = found.matrix[found.matrix["patient_id"] == who]
    assert list(rows["state"]) == [prior, since]
    if since == "present":
        assert rows["value"].iloc[1] >= 18


def response(sample: str, molecular: bool | None, cleared: bool | None) -> dict[str, Any]:
    return {"patient_id": "A", "sample_id": sample, "timepoint": "on_treatment", "log10_change": -1.5,
            "molecular_response": molecular, "cleared": cleared}  # fmt: skip


def test_molecular_response_and_clearance_stand_at_the_later_time_point() -> None:
    samples = [("A0", "A", "baseline"), ("A1", "A", "on_treatment"), ("B0", "B", "baseline")]
    table = conform(pd.DataFrame([response("A1", True, False)]), schemas.RESPONSE)
    rows = [("", "ctdna", "ctdna:molecular_response"), ("", "ctdna", "ctdna:cleared")]
    found = matched(["A", "B"], rows, {"molecular_response": table}, samples=samples).matrix
    at = found.set_index(["patient_id", "timepoint", "marker_id"])["state"]
    assert list(at["A", "on_treatment"]) == ["present", "absent"]
    assert list(at["A", "baseline"]) == ["not_assessed"] * 2
    assert list(at["B", "baseline"]) == ["not_assessed"] * 2


def test_undetected_needs_a_sample_in_which_something_could_be_assessed() -> None:
    rows = [
        {"patient_id": p, "sample_id": p, "timepoint": "baseline", "n_tracked": 3, "detected": d, "mean_vaf": 0.0}
        for p, d in (("A", False), ("B", True), ("C", None))
    ]
    asked = [("", "ctdna", "ctdna:undetected"), ("", "ctdna", "ctdna:detected")]
    found = matched(["A", "B", "C"], asked, {"quantity": conform(pd.DataFrame(rows), schemas.QUANTITY)})
    assert states(found) == ["present", "absent", "absent", "present", "not_assessed", "not_assessed"]


def test_emergent_variant_is_absent_only_where_both_time_points_were_read() -> None:
    samples = [(f"{p}{i}", p, t) for p in "ABCD" for i, t in enumerate(("baseline", "relapse"))]
    read = [
        {"sample_id": s, "kind": "mutation", "gene": "CRBN", "source": "p"} for s in ("A0", "A1", "B0", "B1", "C1", "D0", "D1")
    ]
    rows = [
        {"patient_id": p, "build": "GRCh38", "chrom": "3", "pos": 7, "ref": "A", "alt": "T", "gene": "CRBN", "hgvsp": "W386R",
         "baseline_sample_id": f"{p}0", "sample_id": f"{p}1", "timepoint": "relapse", "later_vaf": 0.2, "change": change}
        for p, change in (("A", "emergent"), ("D", "not_assessable"))
    ]  # fmt: skip
    table = conform(pd.DataFrame(rows), schemas.EMERGENCE)
    found = matched(list("ABCD"), [("CRBN", "ctdna", "ctdna:emergent")], {"emergence": table}, samples=samples, coverage=read)
    late = found.matrix[found.matrix["timepoint"] == "relapse"].set_index("patient_id")
    assert dict(late["state"]) == {"A": "present", "B": "absent", "C": "not_assessed", "D": "not_assessed"}
    assert late.loc["A", "evidence"] == "CRBN p.W386R emerged in A1, VAF 0.2"
    assert set(found.matrix.loc[found.matrix["timepoint"] == "baseline", "state"]) == {"not_assessed"}


def test_evidence_names_sample_gene_and_statement() -> None:
    found = matched(["A"], [("CRBN", "copy_number", "loss")],
                    copy_number=[{"sample_id": "A", "gene": "CRBN", "state": -1, "log2_ratio": -0.6, "source": "cna"}])  # fmt: skip
    row = found.evidence.iloc[0]
    assert tuple(row[["patient_id", "timepoint", "marker_id", "sample_id", "gene"]]) == ("A", "baseline", "m0", "A", "CRBN")
    assert row["finding"] == "CRBN loss in A, log2 ratio -0.6"
    assert tuple(row[["rule", "direction", "evidence_grade", "source"]]) == ("loss", "resistance", "B", "PMID:1")
    assert np.isnan(row["vaf"])
