"""The simulated patients -> truth/: every planted effect and who carries what, for tests and for users who want to compare."""

from __future__ import annotations

import json

from resistance.simulate import effects
from resistance.simulate.clinic import Cell
from resistance.simulate.genes import load_genes
from resistance.simulate.patients import Patient
from resistance.simulate.somatic import Clone
from resistance.simulate.visits import Sample


def truth_json(patients: list[Patient], clones: dict[str, list[Clone]], *, seed: int) -> str:
    """Return the planted effects as JSON: natural log odds ratios and log hazard ratios."""
    genes = load_genes()
    planted = []
    for effect in effects.EFFECTS:
        carriers = [p.name for p in patients if any(gene in p.genes for gene in effect.genes)]
        planted.append(
            {
                "name": effect.name,
                "term": effect.term,
                "genes": list(effect.genes),
                "outcome": effect.outcome,
                "scale": effect.scale,
                "effect": round(effect.value, 6),
                "arms": list(effect.arms),
                "arms_without_effect": [arm.code for arm in effects.ARMS if arm.code not in effect.arms],
                "carriers": carriers,
                "source": effect.source,
                "note": effect.note,
            }
        )
    content = {
        "simulated": True,
        "seed": seed,
        "n_patients": len(patients),
        "note": "Effects act on the true cell of origin and on the mutation, whether or not an assay saw it. Effects on progression "
        "act on time to progression; PFS is the earlier of progression and death. Response, progression and death of a patient "
        "share a Gaussian copula. Responders neither progress nor die before day 42. "
        "Outcomes are spread evenly within treatment, cell of origin and planted genes: the cohort has less noise than a real one.",
        "correlation": effects.CORRELATION,
        "arms": [
            {
                "code": arm.code,
                "label": arm.label,
                "imid": arm.imid,
                "n": sum(p.arm == arm.code for p in patients),
                "response_log_odds_gcb": round(arm.response_log_odds, 6),
                "progression_hazard_per_month_gcb": round(arm.progression_per_month, 6),
                "source": arm.source,
            }
            for arm in effects.ARMS
        ],
        "planted_effects": planted,
        "emergent_crbn": sorted(p.name for p in patients if any(c.origin == "emergent_crbn" for c in clones[p.name])),
        "crbn_copy_lost_at_relapse": sorted(p.name for p in patients if p.crbn_copy_lost),
        "without_own_effect": sorted(
            set(genes) - {gene for effect in effects.EFFECTS if effect.value != 0 for gene in effect.genes}
        ),
        "gene_frequencies": {
            gene.name: {"non_gcb": gene.non_gcb, "gcb": gene.gcb, "source": gene.frequency_source} for gene in genes.values()
        },
    }
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


EFFECT_COLUMNS = ("name", "term", "genes", "outcome", "scale", "effect", "arms", "carriers", "source", "note")


def effect_rows(patients: list[Patient]) -> list[list[Cell]]:
    """Return the planted effects as a table."""
    return [
        [
            e.name,
            e.term,
            ";".join(e.genes) or None,
            e.outcome,
            e.scale,
            round(e.value, 6),
            ";".join(e.arms),
            sum(any(gene in p.genes for gene in e.genes) for p in patients) if e.genes else None,
            e.source,
            e.note,
        ]
        for e in effects.EFFECTS
    ]


PATIENT_COLUMNS = (
    "subject",
    "arm",
    "cell_of_origin",
    "response",
    "progression_day",
    "death_day",
    "last_day",
    "mutated_genes",
    "tumour_panel",
)


def patient_rows(patients: list[Patient]) -> list[list[Cell]]:
    """Return the true state of every patient, without the gaps of the files."""
    return [
        [
            p.name,
            p.arm,
            "non-GCB" if p.non_gcb else "GCB",
            p.response,
            p.progression_day,
            p.death_day,
            p.last_day,
            ";".join(sorted(p.genes)) or None,
            "failed" if p.tumour_failed else "small" if p.small_panel else "full",
        ]
        for p in patients
    ]


EMERGENT_COLUMNS = ("subject", "arm", "kind", "gene", "chrom", "pos", "ref", "alt", "hgvsp", "cancer_cell_fraction", "plasma")


def emergent_rows(patients: list[Patient], clones: dict[str, list[Clone]], samples: list[Sample]) -> list[list[Cell]]:
    """Return the variants that emerge at progression, with the plasma sample that should show them."""
    at_relapse = {s.patient.name: s.name for s in samples if s.plasma and s.relapse}
    rows: list[list[Cell]] = []
    for p in patients:
        for clone in clones[p.name]:
            if clone.origin.startswith("emergent"):
                v = clone.variant
                rows.append(
                    [p.name, p.arm, clone.origin, v.gene, v.chrom, v.pos, v.ref, v.alt, v.hgvsp or None, clone.relapse, at_relapse.get(p.name)]
                )  # fmt: skip
    return rows
