"""Patients and tumours -> copy number states of genes, and translocations, by cell of origin."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from resistance.simulate.genes import load_genes
from resistance.simulate.patients import Patient
from resistance.simulate.streams import allot
from resistance.simulate.visits import Sample


@dataclass(frozen=True)
class Segment:
    """A recurrent copy number event: genes, cBioPortal state, frequency by cell of origin."""

    name: str
    genes: tuple[str, ...]
    state: int
    non_gcb: float
    gcb: float


@dataclass(frozen=True)
class Translocation:
    """A rearrangement with the immunoglobulin heavy chain locus; GRCh38 positions inside the loci."""

    gene: str
    chrom: str
    pos: int
    non_gcb: float
    gcb: float


#: frequencies: 699 untreated DLBCL (DLBclass; ABC 308, GCB 224), rounded
SEGMENTS = (
    Segment("6q21", ("PRDM1",), -1, 0.357, 0.237),
    Segment("9p21.3", ("CDKN2A",), -2, 0.153, 0.170),
    Segment("18q", ("BCL2", "MALT1"), 1, 0.523, 0.201),
    Segment("3q", ("BCL6", "TBL1XR1"), 1, 0.448, 0.098),
    Segment("1q", ("CKS1B", "BTG2"), 1, 0.195, 0.299),
    Segment("2p16.1", ("REL", "XPO1"), 2, 0.149, 0.335),
    Segment("10q23.31", ("PTEN", "FAS"), -1, 0.088, 0.161),
    Segment("8q24", ("MYC",), 1, 0.10, 0.10),
)
TRANSLOCATIONS = (
    Translocation("BCL2", "chr18", 63123346, 0.013, 0.375),
    Translocation("BCL6", "chr3", 187745000, 0.221, 0.125),
    Translocation("MYC", "chr8", 127735434, 0.039, 0.107),
)
#: IGH locus, GRCh38
IGH = ("chr14", 105586437, 106879844)
#: loss of 17p with TP53 mutation, and without; loss of 6q23 with TNFAIP3 mutation (none without: that would blur the planted effect)
TP53_LOSS = (0.6, 0.05)
TNFAIP3_LOSS = 0.4


def copy_number(rng: np.random.Generator, patients: list[Patient], samples: list[Sample]) -> list[tuple[str, list[int]]]:
    """Return (gene, states over `samples`); states are -2, -1, 0, 1, 2 as in cBioPortal. A relapse keeps its patient's states."""
    states: dict[str, dict[str, int]] = {p.name: {} for p in patients}
    origin: list[Hashable] = [p.non_gcb for p in patients]
    for segment in SEGMENTS:
        has = allot(rng, origin, [segment.non_gcb if p.non_gcb else segment.gcb for p in patients])
        for patient, altered in zip(patients, has, strict=True):
            for gene in segment.genes if altered else ():
                states[patient.name][gene] = segment.state
    for gene, with_mutation, without in (("TP53", *TP53_LOSS), ("TNFAIP3", TNFAIP3_LOSS, 0.0)):
        mutated = [gene in p.genes for p in patients]
        has = allot(rng, mutated, [with_mutation if state else without for state in mutated])
        for patient, altered in zip(patients, has, strict=True):
            if altered:
                states[patient.name][gene] = -1
    genes = sorted({*load_genes(), *(gene for segment in SEGMENTS for gene in segment.genes)})
    rows = []
    for gene in genes:
        values = []
        for sample in samples:
            value = states[sample.patient.name].get(gene, 0)
            if gene == "CRBN" and sample.relapse and sample.patient.crbn_copy_lost:
                value = -1
            values.append(value)
        rows.append((gene, values))
    return rows


def translocations(rng: np.random.Generator, patients: list[Patient]) -> list[tuple[str, Translocation, int, int, int]]:
    """Return (patient, event, breakpoint in the gene's locus, breakpoint in IGH, supporting reads)."""
    rows = []
    origin: list[Hashable] = [p.non_gcb for p in patients]
    for event in TRANSLOCATIONS:
        has = allot(rng, origin, [event.non_gcb if p.non_gcb else event.gcb for p in patients])
        for patient, altered in zip(patients, has, strict=True):
            if altered:
                near = event.pos + int(rng.integers(-1500, 1500))
                rows.append((patient.name, event, near, int(rng.integers(IGH[1], IGH[2])), int(rng.integers(8, 90))))
    return sorted(rows, key=lambda row: (row[0], row[1].gene))
