"""Expression and gene sets of the study's own -> a score per sample and set; sets without a score keep their rows, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from resistance.errors import InputError
from resistance.schemas import SCORES
from resistance.subtype.expression import Expression, from_cohort
from resistance.subtype.gene_set_methods import GeneSetMethod, method_of
from resistance.subtype.gene_set_places import Bounds, Ground, Placed, Sets, place_sets
from resistance.subtype.gene_set_values import score_placed
from resistance.subtype.method import TABLE_SCORES, with_patients
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort
    from resistance.config import GeneSets

    #: settings of a file of gene sets, and the sets that it holds
    Asked = tuple[GeneSets, Sets]

#: names in a message
_NAMED = 5


def choose_sets(
    sets: Sets, wanted: Sequence[str] | None, *, prefix: str = "", where: str | None = None
) -> dict[str, Sequence[str]]:
    """Return the sets that are wanted, by the names of their scores; `where` names their file in messages.

    Raises
    ------
    InputError
        There is no such set.
    """
    strange = [name for name in wanted or () if name not in sets]
    if strange:
        some = ", ".join(list(sets)[:_NAMED]) + (" ..." if len(sets) > _NAMED else "")
        raise InputError(
            "there is no such gene set in the file",
            path=where,
            column="sets",
            value=strange[0],
            remedy=f"It has {len(sets)}: {some}.",
        )
    return {f"{prefix}{name}": sets[name] for name in (sets if wanted is None else dict.fromkeys(wanted))}


def score_gene_sets(
    expression: Expression, sets: Sets, method: str = "gsva", bounds: Bounds | None = None, *, where: str = "expression"
) -> pd.DataFrame:
    """Score every sample of a table by every gene set.

    Parameters
    ----------
    expression : Expression
        Counts and TPM are brought to a log2 scale first.  All its genes are the background of a set.
    sets : mapping of str to sequence of str
        Name of the score -> genes, by any name that :func:`resistance.subtype.genes.find_genes` resolves.
    method : str
        See :data:`resistance.subtype.gene_set_methods.METHODS`.
    bounds : Bounds, optional
        Fewest and most genes of a set, and the share that may be missing (default: 10, 500, .5).
    where : str
        Name of the table, for messages.

    Returns
    -------
    DataFrame
        Schema TABLE_SCORES, one row per set and sample.  ``value`` is NA, with the reason in ``note``,
        for sets outside the bounds, for samples without values or with more than half of them missing, and
        where fewer than ten samples are there to be compared.  Missing values: see the method's record.

    Raises
    ------
    InputError
        An unknown method, or one whose library is not installed; none of the genes is in the table; a gene in two rows.

    Examples
    --------
    >>> from resistance.subtype.expression import Expression
    >>> table = Expression(("A", "B", "C", "D"), ("S1",), np.array([[4.0], [3.0], [2.0], [1.0]]), "log2")
    >>> score_gene_sets(table, {"HIGH": ["A", "B"]}, "ssgsea", Bounds(min_genes=2))["value"].round(3).tolist()
    [2.018]
    """
    import pandas as pd

    how, bounds = method_of(method), bounds or Bounds()
    if not sets:
        return empty(TABLE_SCORES)
    ground = place_sets(expression, sets, how, bounds, where=where)
    return conform(pd.DataFrame(_columns(expression, ground, *score_placed(ground, how, bounds), how)), TABLE_SCORES)


def _columns(
    expression: Expression,
    ground: Ground,
    scores: NDArray[np.float64],
    used: NDArray[np.intp],
    notes: list[list[str]],
    how: GeneSetMethod,
) -> dict[str, list[object]]:
    """Return the columns of the scores table, sets in their order, samples within."""
    columns: dict[str, list[object]] = {name: [] for name in TABLE_SCORES.names}
    n = len(expression.samples)
    for one, values, genes, reasons in zip(ground.placed, scores, used, notes, strict=True):
        columns["sample_id"] += expression.samples
        columns["name"] += [one.name] * n
        columns["value"] += values.tolist()
        columns["unit"] += [how.unit] * n
        columns["features_used"] += [0 if one.why else count for count in genes.tolist()]
        columns["features_missing"] += [";".join(one.missing) or None] * n
        columns["weight_missing"] += (1 - genes / one.listed).tolist()
        columns["verified"] += [True] * n
        columns["note"] += ["; ".join(part for part in (reason, one.note) if part) or None for reason in reasons]
    return columns


def chosen_sets(cohort: Cohort, asked: Sequence[Asked], taken: Mapping[str, str] | None = None) -> list[Asked]:
    """Return the settings with the sets that they want, by the names of their scores, each name once in the cohort.

    Parameters
    ----------
    cohort : Cohort
    asked : sequence of (config.GeneSets, mapping)
        Settings and the sets of their file.
    taken : mapping of str to str
        Names that other scores have, and what these are; scores that the study gives itself are looked up in the cohort.

    Raises
    ------
    InputError
        There is no such set; two scores would have one name.
    """
    given = cohort.measurements.loc[cohort.measurements["kind"] == "score", "name"]
    known = dict.fromkeys(given, "a score that the study gives itself") | dict(taken or {})
    out: list[Asked] = []
    for settings, sets in asked:
        chosen = choose_sets(sets, settings.sets, prefix=settings.prefix, where=settings.file)
        twice = [name for name in chosen if name in known]
        if twice:
            raise InputError(
                f"{known[twice[0]]} has the name of this gene set of {settings.file}",
                column="subtype.gene_sets",
                value=twice[0],
                remedy="Put a 'prefix' before the names of this file's scores.",
            )
        known |= dict.fromkeys(chosen, f"a gene set of {settings.file} ({settings.method})")
        out.append((settings, chosen))
    return out


def sets_to_score(
    cohort: Cohort, asked: Sequence[Asked], taken: Mapping[str, str] | None = None
) -> list[tuple[GeneSets, list[Placed]]] | None:
    """Return which sets a run would score, and why not; None without expression.

    Raises
    ------
    InputError
        As in :func:`score_sets_of_cohort`.
    """
    chosen, table = chosen_sets(cohort, asked, taken), from_cohort(cohort)
    if table is None:
        return None
    return [(x, list(place_sets(table, sets, method_of(x.method), _bounds(x)).placed)) for x, sets in chosen]


def score_sets_of_cohort(cohort: Cohort, asked: Sequence[Asked], taken: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return the scores of a cohort's samples by the gene sets of the cohort file (schema SCORES); without expression, no rows.

    Parameters
    ----------
    cohort, asked, taken
        As in :func:`chosen_sets`.

    Raises
    ------
    InputError
        As there, and as in :func:`score_gene_sets`.
    """
    import pandas as pd

    chosen = chosen_sets(cohort, asked, taken)
    table = from_cohort(cohort)
    if table is None or not chosen:
        return empty(SCORES)
    parts = [score_gene_sets(table, sets, x.method, _bounds(x)) for x, sets in chosen]
    return with_patients(cohort, conform(pd.concat(parts, ignore_index=True), TABLE_SCORES))


def _bounds(settings: GeneSets) -> Bounds:
    return Bounds(settings.min_genes, settings.max_genes, settings.max_missing)
