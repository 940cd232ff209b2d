"""Samples -> serum levels, scores and shares of transcripts; nothing is planted here, only what such files look like."""

from __future__ import annotations

import numpy as np

from resistance.simulate.clinic import Cell
from resistance.simulate.visits import Sample

#: share of samples in which a number could not be measured; share of relapses with much of the short transcript (assumed)
MISSING, SHORT_TRANSCRIPT = 0.1, 0.06
#: frequency of the V allele of FCGR3A V158F (assumed, about that of Europeans)
V_ALLELE = 0.35

SCORES = ("imid_switch", "nk_signature", "fcgr3a_158v_alleles")


def serum_rows(rng: np.random.Generator, samples: list[Sample]) -> list[list[Cell]]:
    """Return sample and CRBN in serum, ng/mL, of the plasma draws before treatment."""
    drawn = [s for s in samples if s.plasma and s.visit == "Screening"]
    return [[s.name, None if rng.random() < MISSING else round(float(np.exp(rng.normal(2.0, 0.5))), 2)] for s in drawn]


def score_rows(rng: np.random.Generator, samples: list[Sample]) -> list[list[Cell]]:
    """Return sample and :data:`SCORES` of the tumours before treatment."""
    rows: list[list[Cell]] = []
    for sample in samples:
        if sample.plasma or sample.relapse:
            continue
        switch, cells = (round(float(x), 3) for x in rng.normal(0, 1, 2))
        alleles = int(rng.binomial(2, V_ALLELE))
        rows.append([sample.name, switch, None if rng.random() < MISSING else cells, None if rng.random() < MISSING else alleles])
    return rows


def splice_rows(rng: np.random.Generator, samples: list[Sample]) -> list[list[Cell]]:
    """Return sample and the percentage of the CRBN transcript without exon 10, of every tumour."""
    rows: list[list[Cell]] = []
    for sample in samples:
        if sample.plasma:
            continue
        much = sample.relapse and rng.random() < SHORT_TRANSCRIPT
        percent = float(rng.uniform(40, 70)) if much else float(100 * rng.beta(1.5, 30))
        rows.append([sample.name, round(percent, 1)])
    return rows
