"""Matched markers -> per patient and gene: both copies hit, one hit, or not to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resistance.consequences import PROTEIN_CHANGING
from resistance.match import match
from resistance.match.states import NOT_ASSESSED, PRESENT, Question
from resistance.rules import parse_rule
from resistance.schemas import ALLELIC_STATES
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.matrix import MarkerMatrix

_RULES = {"bi_allelic": "multi_hit", "mono_allelic": "mono_allelic"}


def allelic_states(matched: MarkerMatrix) -> pd.DataFrame:
    """Tell which genes of the markers have both copies hit.

    Parameters
    ----------
    matched : MarkerMatrix

    Returns
    -------
    DataFrame
        Schema ``allelic_states``: patients, time points and genes with a change of the protein or a
        deep deletion.  ``bi_allelic``: two variants, one with loss or copy-neutral LOH, or a deep
        deletion; ``mono_allelic``: one variant, and a copy number that says neither;
        ``not_determined``: one variant of a gene whose copy number is not known.

    Notes
    -----
    Few callers say whether two variants lie on different copies; two variants count as two hits, as
    studies of TP53 count them (Bernard 2020, doi:10.1038/s41591-020-1008-z), unless their phase puts
    them on one copy.
    """
    import pandas as pd

    tables, units = matched.tables, matched.tables.units
    deep = parse_rule("deep_loss")
    parts = []
    for gene in sorted({gene for question in matched.questions for gene in question.genes}):
        rows = tables.hits.rows([gene])
        changed = units.mask(tables.hits.unit[rows][np.isin(tables.hits.effect_class[rows], PROTEIN_CHANGING)])
        gone = match(Question("copy_number", (gene,), deep), tables)
        if not changed.any() and not (gone.code == PRESENT).any():
            continue
        state = np.full(units.n, None, dtype=object)
        why = np.full(units.n, None, dtype=object)
        for name, rule in _RULES.items():
            found = match(Question("mutation", (gene,), parse_rule(rule)), tables)
            here = found.code == PRESENT
            state[here], why[here] = name, found.evidence[here]
            open_ = changed & (found.code == NOT_ASSESSED)
            state[open_], why[open_] = "not_determined", found.evidence[open_]
        here = gone.code == PRESENT
        state[here], why[here] = "bi_allelic", gone.evidence[here]
        at = np.flatnonzero(state != None)  # noqa: E711 (elementwise)
        frame = units.frame.iloc[at]
        parts.append(
            pd.DataFrame(
                {
                    "patient_id": frame["patient_id"].to_numpy(),
                    "timepoint": frame["timepoint"].to_numpy(),
                    "gene": gene,
                    "state": state[at],
                    "evidence": why[at],
                    "_unit": at,
                }
            )
        )
    if not parts:
        return empty(ALLELIC_STATES)
    table = pd.concat(parts, ignore_index=True).sort_values(["_unit", "gene"], kind="stable").drop(columns="_unit")
    return conform(table, ALLELIC_STATES)
