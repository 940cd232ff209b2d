"""Patients and their samples -> the variants in every sample, with the reads that a caller would report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from resistance.simulate import effects
from resistance.simulate.genes import load_genes
from resistance.simulate.mutate import Variant, at_hotspot, draw, mutation
from resistance.simulate.patients import Patient
from resistance.simulate.streams import pick
from resistance.simulate.visits import Sample

#: log10 fall of ctDNA after one cycle and after three, by best response (assumed; -2 and -2.5 are the published
#: early and major molecular response, Kurtz 2018, 10.1200/JCO.2018.78.5246)
FALL = {"CR": (2.4, 3.4), "PR": (1.5, 2.0), "SD": (0.5, 0.4), "PD": (-0.1, -0.4)}
#: consensus reads that show a wrong base at a position by error (assumed)
BACKGROUND = 2e-6
_ARTEFACTS = ("weak_evidence", "strand_bias", "germline", "panel_of_normals")


@dataclass(frozen=True)
class Clone:
    """One variant of a patient, with the share of cancer cells that carry it before and at relapse."""

    variant: Variant
    before: float
    relapse: float
    origin: str


@dataclass(frozen=True)
class Call:
    """One row of a VCF for one sample."""

    variant: Variant
    ref_reads: int
    alt_reads: int
    filter: str = "PASS"


def make_clones(rng: np.random.Generator, patient: Patient) -> list[Clone]:
    """Draw the patient's variants: those before treatment, then those that emerge."""
    genes = load_genes()
    clones: list[Clone] = []

    def add(variant: Variant, before: float, relapse: float, origin: str) -> None:
        if all((c.variant.chrom, c.variant.pos) != (variant.chrom, variant.pos) for c in clones):
            clones.append(Clone(variant, before, relapse, origin))

    for name in (gene for gene in genes if gene in patient.genes):
        # somatic hypermutation leaves several variants in PIM1, BCL2 and the like
        count = 1 + (int(rng.poisson(0.8)) if name in ("PIM1", "BCL2", "KMT2D", "SGK1", "H1-4", "BTG2") else 0)
        for _ in range(count):
            fraction = 1.0 if rng.random() < 0.7 else float(rng.uniform(0.2, 0.7))
            later = fraction if fraction == 1.0 else float(np.clip(fraction * np.exp(0.8 * rng.standard_normal()), 0.0, 1.0))
            add(mutation(genes[name], rng), fraction, round(later, 3), "before")
    names = list(genes)
    for _ in range(int(rng.poisson(1.2))):
        add(draw(genes[names[int(rng.integers(len(names)))]], "synonymous", rng), 1.0, 1.0, "silent")
    if patient.crbn_emerges:
        spots = [spot for spot in genes["CRBN"].hotspots if spot.emergent > 0]
        spot = spots[pick(rng, [spot.emergent for spot in spots])]
        add(at_hotspot(genes["CRBN"], spot), 0.0, round(float(rng.uniform(0.35, 0.95)), 3), "emergent_crbn")
    if patient.other_emerges:
        possible = [g for g in genes.values() if g.small_panel and g.name not in patient.genes and g.name not in _PLANTED]
        gene = possible[int(rng.integers(len(possible)))]
        add(mutation(gene, rng), 0.0, round(float(rng.uniform(0.3, 0.9)), 3), "emergent_other")
    return sorted(clones, key=lambda clone: clone.variant)


_PLANTED = frozenset({"CRBN", *(name for effect in effects.EFFECTS for name in effect.genes)})


def tumour_calls(rng: np.random.Generator, sample: Sample, clones: list[Clone]) -> tuple[float, list[Call]]:
    """Return the purity and the calls of one tumour: what the panel covers and shows, and some rows that the caller filtered."""
    genes = load_genes()
    purity = float(np.clip(rng.beta(6, 3), 0.25, 0.95))
    calls: list[Call] = []
    for clone in clones:
        if sample.patient.small_panel and not genes[clone.variant.gene].small_panel:
            continue
        share = clone.relapse if sample.relapse else clone.before
        # TP53 has mostly lost its other copy (17p), so that its fraction rises
        fraction = share * purity / (2 - 0.7 * purity if clone.variant.gene == "TP53" else 2)
        depth = max(60, int(rng.normal(620, 160)))
        alt = int(rng.binomial(depth, min(fraction, 0.98)))
        if alt >= 8:
            calls.append(Call(clone.variant, depth - alt, alt))
    names = [gene for gene in genes.values() if gene.small_panel or not sample.patient.small_panel]
    for _ in range(int(rng.poisson(0.7))):
        reason = _ARTEFACTS[int(rng.integers(len(_ARTEFACTS)))]
        variant = draw(names[int(rng.integers(len(names)))], "missense", rng)
        depth = max(60, int(rng.normal(620, 160)))
        alt = int(rng.binomial(depth, 0.5 if reason == "germline" else 0.015))
        if all((c.variant.chrom, c.variant.pos) != (variant.chrom, variant.pos) for c in calls):
            calls.append(Call(variant, depth - alt, max(alt, 2), reason))
    return purity, sorted(calls, key=lambda call: call.variant)


def plasma_fractions(rng: np.random.Generator, patient: Patient, samples: list[Sample]) -> list[float]:
    """Return the VAF of a clonal variant in each plasma sample of one patient."""
    baseline = float(np.clip(np.exp(np.log(0.05) + 0.9 * rng.standard_normal()), 0.004, 0.4))
    values: list[float] = []
    for sample in samples:
        noise = 0.25 * float(rng.standard_normal())
        if sample.visit == "Screening":
            log_fall = 0.0
        elif sample.visit == "Cycle 1":
            log_fall = FALL[patient.response][0] + noise
        elif sample.visit == "Cycle 3":
            log_fall = FALL[patient.response][1] + noise
        elif sample.relapse:
            log_fall = -0.1 + noise
        else:  # end of treatment, not progressed
            log_fall = FALL[patient.response][1] + 0.6 + noise
        values.append(float(min(baseline * 10.0**-log_fall, 0.45)))
    return values


def carried(clone: Clone, sample: Sample) -> float:
    """Return the share of cancer cells that carry a variant when the plasma was drawn.

    Cycle 3 of a patient whose CRBN variant emerges shows it early, at a tenth of its later share.
    """
    if sample.relapse:
        return clone.relapse
    return clone.relapse / 10 if sample.visit == "Cycle 3" and clone.origin == "emergent_crbn" else clone.before


def plasma_calls(
    rng: np.random.Generator, samples: list[Sample], fractions: list[float], clones: list[Clone]
) -> list[tuple[Variant, list[tuple[int, int]]]]:
    """Return, for every variant the plasma panel covers, reads (reference, alternative) in each plasma sample; 0 is a row too."""
    genes = load_genes()
    rows = []
    for clone in clones:
        if not genes[clone.variant.gene].small_panel:
            continue
        reads = []
        for sample, clonal in zip(samples, fractions, strict=True):
            share = carried(clone, sample)
            depth = max(800, int(rng.normal(3600, 700)))
            alt = int(rng.binomial(depth, min(clonal * share + BACKGROUND, 0.98)))
            reads.append((depth - alt, alt))
        if any(alt for _, alt in reads):
            rows.append((clone.variant, reads))
    return rows
