"""Marker matrix -> state and burden of each pathway per patient and time point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resistance.match import match
from resistance.match.states import ABSENT, NOT_ASSESSED, PRESENT, Question
from resistance.schemas import PATHWAY_STATES
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.match.states import States
    from resistance.matrix import MarkerMatrix

#: kinds of evidence that speak of a gene's alteration; levels and labels do not add up to a burden
ALTERATIONS = ("mutation", "copy_number", "fusion", "splice")
_WORDS = {PRESENT: "present", ABSENT: "absent", NOT_ASSESSED: "not_assessed"}


def pathway_states(matched: MarkerMatrix) -> pd.DataFrame:
    """Count altered genes per pathway.

    A gene is *altered* where any of its markers of a mutation, copy number, fusion or transcript is
    present; *assessed* where one is present or all are absent, among the kinds of evidence that the
    cohort holds in at least one patient.  A pathway is present with one altered gene, absent where
    every gene was assessed and none is altered, else not assessed.  Genes that no marker of these
    kinds asks about are not counted.

    Parameters
    ----------
    matched : MarkerMatrix

    Returns
    -------
    DataFrame
        Schema ``pathway_states``, by patient, time point and pathway (in the order of ``pathways.tsv``).
        ``burden`` leaves out what was not assessed; ``weighted_burden`` adds, per altered gene, the
        weight of the best evidence grade that is present (``grades.tsv``; a convention, no probability).
    """
    import pandas as pd

    from resistance.knowledge_tables import load_grades, load_pathways

    units, weights = matched.tables.units, {name: grade.weight for name, grade in load_grades().items()}
    per_gene = _gene_states(matched)
    order = [name for name in load_pathways() if any(pathway == name for pathway, _ in per_gene)]
    own = sorted({pathway for pathway, _ in per_gene} - set(order))
    parts = []
    for pathway in [*order, *own]:
        genes = [gene for name, gene in per_gene if name == pathway]
        present = np.column_stack([_any(per_gene[pathway, gene], PRESENT) for gene in genes])
        known = present | np.column_stack([_all_absent(per_gene[pathway, gene]) for gene in genes])
        heavy = np.column_stack([_weight(per_gene[pathway, gene], weights) for gene in genes])
        n_present, n_known = present.sum(axis=1), known.sum(axis=1)
        code = np.where(n_present > 0, PRESENT, np.where(n_known == len(genes), ABSENT, NOT_ASSESSED))
        with np.errstate(invalid="ignore"):
            burden = np.where(n_known > 0, n_present / np.maximum(n_known, 1), np.nan)
        patterns, which = np.unique(present, axis=0, return_inverse=True)
        names = [";".join(gene for gene, yes in zip(genes, pattern, strict=True) if yes) for pattern in patterns]
        parts.append(
            pd.DataFrame(
                {
                    "patient_id": units.frame["patient_id"],
                    "timepoint": units.frame["timepoint"],
                    "pathway": pathway,
                    "state": [_WORDS[int(c)] for c in code],
                    "genes_altered": n_present,
                    "genes_assessed": n_known,
                    "genes": len(genes),
                    "burden": burden,
                    "weighted_burden": np.where(n_known > 0, heavy.sum(axis=1), np.nan),
                    "altered": [names[i] or None for i in which.ravel()],
                    "_unit": np.arange(units.n),
                }
            )
        )
    if not parts or not units.n:
        return empty(PATHWAY_STATES)
    table = pd.concat(parts, ignore_index=True).sort_values("_unit", kind="stable").drop(columns="_unit")
    return conform(table, PATHWAY_STATES)


def _gene_states(matched: MarkerMatrix) -> dict[tuple[str, str], list[tuple[States, str]]]:
    """(pathway, gene) -> states and grade of each marker that asks about this gene in a kind the cohort holds."""
    held = {
        question.kind
        for question, states in zip(matched.questions, matched.states, strict=True)
        if question.kind in ALTERATIONS and (states.code != NOT_ASSESSED).any()
    }
    out: dict[tuple[str, str], list[tuple[States, str]]] = {}
    grades, pathways = matched.markers["evidence_grade"], matched.markers["pathway"]
    for question, states, grade, pathway in zip(matched.questions, matched.states, grades, pathways, strict=True):
        # the allelic states repeat what the mutation markers of the gene say
        if question.kind not in held or not isinstance(pathway, str) or question.rule.is_single("multi_hit", "mono_allelic"):
            continue
        for gene in question.genes:
            alone = states if len(question.genes) == 1 else match(Question(question.kind, (gene,), question.rule), matched.tables)
            out.setdefault((pathway, gene), []).append((alone, str(grade)))
    return dict(sorted(out.items()))


def _any(markers: list[tuple[States, str]], code: int) -> NDArray[np.bool_]:
    return np.asarray(np.logical_or.reduce([states.code == code for states, _ in markers]), dtype=bool)


def _all_absent(markers: list[tuple[States, str]]) -> NDArray[np.bool_]:
    return np.asarray(np.logical_and.reduce([states.code == ABSENT for states, _ in markers]), dtype=bool)


def _weight(markers: list[tuple[States, str]], weights: dict[str, float]) -> NDArray[np.float64]:
    heavy = [np.where(states.code == PRESENT, weights[grade], 0.0) for states, grade in markers]
    return np.asarray(np.max(heavy, axis=0), dtype=np.float64)
