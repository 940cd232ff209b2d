"""A small results folder, written by hand: what every format is tried on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from resistance import schemas
from resistance.cohort import Cohort
from resistance.layout import write_stage
from resistance.tables import empty
from resistance.variant import NOT_CALLED

B = {"build": "GRCh37"}
SNV = {**B, "chrom": "17", "pos": 7577121, "ref": "G", "alt": "A"}
INSERTION = {**B, "chrom": "3", "pos": 3192720, "ref": "-", "alt": "TG"}
DELETION = {**B, "chrom": "3", "pos": 3192730, "ref": "CAG", "alt": "-"}
DNP = {**B, "chrom": "X", "pos": 1000000, "ref": "CC", "alt": "TT"}
COMPLEX = {**B, "chrom": "2", "pos": 2000000, "ref": "ACG", "alt": "T"}
NOWHERE = {**B, "chrom": "10", "pos": 3000000, "ref": "A", "alt": "C"}


def _call(sample: str, variant: dict[str, object], depth: int | None, alt: int | None, **more: object) -> dict[str, object]:
    vaf = None if depth is None or alt is None else alt / depth
    return {
        "sample_id": sample, **variant, "depth": depth, "alt_count": alt, "vaf": vaf, "filter": "PASS", "source": "calls.vcf", **more
    }  # fmt: skip


CALLS = [
    _call("P1-T", SNV, 200, 50),
    _call("P1-T", INSERTION, 100, 10),
    _call("P1-R", SNV, 300, 150),
    _call("P1-R", DELETION, 80, 8, filter=None),
    _call("P2-T", DNP, 60, 30),
    _call("P2-T", COMPLEX, None, None, vaf=0.25),
    _call("P3-T", NOWHERE, 90, 9),
    # these are no mutations
    _call("P1-N", SNV, 150, 0),
    _call("P1-N", DNP, 40, 20),
    _call("P2-T", SNV, 500, 0),
    _call("P3-T", SNV, 500, 2, filter=NOT_CALLED),
]


def _effect(variant: dict[str, object], gene: str, consequence: str, effect_class: str, **more: object) -> dict[str, object]:
    return {
        **variant, "gene": gene, "consequence": consequence, "effect_class": effect_class, "impact": "HIGH", "source": "file:CSQ", **more
    }  # fmt: skip


EFFECTS = [
    _effect(SNV, "TP53", "missense_variant", "missense", hgvsc="ENST00000269305.4:c.817C>T", hgvsp="R273C", residue=273, exon=8, transcript="ENST00000269305.4"),
    _effect(SNV, "AAA1", "stop_gained", "truncating", hgvsp="Q5*", residue=5),
    _effect(INSERTION, "CRBN", "frameshift_variant", "truncating", hgvsp="W386fs", residue=386),
    _effect(DELETION, "CRBN", "inframe_deletion", "inframe_indel", hgvsp="Q390del", residue=390),
    _effect(DNP, "BTK", "missense_variant&splice_region_variant", "missense", hgvsp="P10L", residue=10),
    _effect(COMPLEX, "ABC2", "frameshift_variant", "truncating"),
]  # fmt: skip


def build(folder: Path, **facts: object) -> Path:
    """Write the results; `facts` change what holds for the cohort."""
    patients = pd.DataFrame(
        {
            "patient_id": ["P1", "P2", "P3", "P4"],
            "sex": ["female", "male", None, "female"],
            "age_years": [61.5, 70.0, 55.0, 48.0],
            "disease": "PCM",
            "treatment": "lenalidomide",
            "imid": [True, True, False, None],
            "ipi/r": [1.0, None, 3.0, 2.0],
            "note": ["a\tb", None, 'say "x"', "c"],
            "label:rnaseq": ["ABC", "GCB", None, "ABC"],
        }
    )
    samples = pd.DataFrame(
        {
            "sample_id": ["P1-T", "P1-R", "P1-N", "P2-T", "P3-T"],
            "patient_id": ["P1", "P1", "P1", "P2", "P3"],
            "material": ["tumour", "plasma", "germline", "tumour", "tumour"],
            "timepoint": ["baseline", "relapse", "baseline", "baseline", "baseline"],
            "day": [-3.0, 200.0, -3.0, None, 0.0],
        }
    )
    endpoints = pd.DataFrame(
        [
            {"patient_id": p, "endpoint": "os", "kind": "time_to_event", "time_days": t, "event": e, "excluded": x}
            for p, t, e, x in (("P1", 304.375, 1, None), ("P2", 609.0, 0, None), ("P3", 100.0, 2, None), ("P4", None, None, "not known"))
        ]
        + [
            {"patient_id": p, "endpoint": "response", "kind": "binary", "label": label, "value": v, "excluded": x}
            for p, label, v, x in (("P1", "CR", 1, None), ("P2", "PD", 0, None), ("P3", "NE", None, "not evaluable"), ("P4", None, None, "not known"))
        ]
    )  # fmt: skip
    coverage = pd.DataFrame(
        [("P1-T", "mutation", "*"), ("P1-R", "mutation", "*"), ("P1-T", "fusion", "BCL2")]
        + [(s, "mutation", g) for s in ("P2-T", "P3-T") for g in ("TP53", "CRBN", "BTK", "ABC2")],
        columns=["sample_id", "kind", "gene"],
    ).assign(source="cohort file")
    copy_number = pd.DataFrame(
        [("P1-T", "TP53", -1), ("P2-T", "TP53", 0), ("P1-T", "CRBN", -2), ("P2-T", "CRBN", None), ("P1-T", "del(17p)", -1)],
        columns=["sample_id", "gene", "state"],
    ).assign(source="cna.txt", loh=[None, True, None, None, None])
    fusions = pd.DataFrame(
        [
            {"sample_id": "P1-T", "kind": "translocation", "gene_1": "BCL2", "gene_2": "IGH", "chrom_1": "18", "pos_1": 60793000, "chrom_2": "14", "pos_2": 106330000, "support": 12},
            {"sample_id": "P2-T", "kind": "ITD", "gene_1": "FLT3"},
            {"sample_id": "P3-T", "kind": "fusion"},
        ]
    ).assign(source="sv.txt")  # fmt: skip
    expression = pd.DataFrame({"gene": ["CRBN", "IKZF1"], "P1-T": [1.5, 2.5], "P1-R": [0.5, float("nan")], "P3-T": [3.0, 4.0]})
    cohort = Cohort(
        facts={
            "name": "small", "title": "A cohort: made by hand", "build": "GRCh37", "disease": "PCM", "simulated": True,
            "simulation_note": "Made by hand.", "imid": None, "citation": None, "expression_unit": "log2",
            "expression_platform": "rnaseq", "flow": [],
        } | facts,
        patients=patients, samples=samples, endpoints=endpoints, calls=pd.DataFrame(CALLS), effects=pd.DataFrame(EFFECTS),
        coverage=coverage, copy_number=copy_number, fusions=fusions, expression=expression,
    )  # fmt: skip
    cohort.write(folder / "cohort")
    write_stage(pd.DataFrame(EFFECTS), folder, "annotate", schemas.EFFECTS)
    subtypes = [
        {"patient_id": p, "method": "label:rnaseq", "subtype": s, "reason": "given"} for p, s in (("P1", "ABC"), ("P2", "GCB"), ("P4", "ABC"))
    ]  # fmt: skip
    write_stage(pd.DataFrame(subtypes), folder, "subtype", schemas.SUBTYPES)
    common = {
        "evidence_kind": "mutation",
        "rule": "nonsilent",
        "direction": "resistance",
        "evidence_grade": "B",
        "verified": True,
    }
    markers = [
        {"marker_id": "tp53", "label": "TP53 mutation", "genes": "TP53", "source": "PMID:1234", **common},
        {"marker_id": "crbn", "label": "CRBN mutation", "genes": "CRBN;BTK", "source": "doi:10.1/x;see there", **common},
        {"marker_id": "ikzf1", "label": "IKZF1 mutation", "genes": "IKZF1", "source": "a book", **common},
    ]
    write_stage(pd.DataFrame(markers), folder, "matrix", schemas.MARKERS)
    write_stage(pd.DataFrame(matrix_rows()), folder, "matrix", schemas.MATRIX)
    write_stage(empty(schemas.DROPPED), folder, "matrix", schemas.DROPPED)
    return folder


def matrix_rows() -> list[dict[str, object]]:
    """Return the long matrix: five units, three markers."""
    states = {
        ("P1", "baseline"): ("present", "present", "not_assessed"),
        ("P1", "relapse"): ("present", "absent", "not_assessed"),
        ("P2", "baseline"): ("absent", "present", "not_assessed"),
        ("P3", "baseline"): ("absent", "absent", "not_assessed"),
        ("P4", "baseline"): ("not_assessed", "not_assessed", "not_assessed"),
    }
    return [
        {
            "patient_id": patient, "marker_id": marker, "timepoint": timepoint, "state": state,
            "value": 0.25 if (patient, timepoint, marker) == ("P1", "baseline", "tp53") else None,
        }
        for (patient, timepoint), of in states.items()
        for marker, state in zip(("tp53", "crbn", "ikzf1"), of, strict=True)
    ]  # fmt: skip
