"""Scores of the stage ``subtype`` -> one row per score for the page: scale, spread, genes, what is missing; own gene sets in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from resistance.config import CohortFile

#: names of missing genes that stand in the page; all stand in the table
_NAMED = 5
#: rows of the page; all stand in the table
_MOST = 100


def score_rows(scores: pd.DataFrame, methods: Collection[str] = ()) -> dict[str, Any]:
    """Return a row per score in the order of the table, at most a hundred, those with values first.

    Parameters
    ----------
    scores : DataFrame
        Schema SCORES.
    methods : collection of str
        Methods of classification, whose scores the page shows beside their calls.

    Returns
    -------
    dict
        ``n`` of all scores, ``without`` a value in any sample, ``rows`` that are shown.
    """
    rows = [_row(str(name), part) for name, part in scores.groupby("name", sort=False) if name not in methods]
    rows.sort(key=lambda row: row["scored"] == 0)  # stable
    return {"n": len(rows), "without": sum(row["scored"] == 0 for row in rows), "rows": rows[:_MOST]}


def _row(name: str, part: pd.DataFrame) -> dict[str, Any]:
    values = part["value"].dropna().astype(float)
    notes = part["note"].dropna().value_counts(sort=False)
    lost = str(part["features_missing"].iloc[0]).split(";") if part["features_missing"].notna().iloc[0] else []
    used, share = part["features_used"].dropna(), part["weight_missing"].dropna().astype(float)
    most = sorted(notes.items(), key=lambda item: (-item[1], item[0]))
    return {
        "name": name,
        "unit": part["unit"].dropna().iloc[0] if part["unit"].notna().any() else None,
        "samples": len(part),
        "scored": len(values),
        "median": float(values.median()) if len(values) else None,
        "low": float(values.min()) if len(values) else None,
        "high": float(values.max()) if len(values) else None,
        "used": int(used.max()) if len(used) else None,
        "missing": ", ".join(lost[:_NAMED]) + (f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""),
        "share": float(share.max()) if len(share) and share.max() > 0 else None,
        "verified": bool(part["verified"].all()),
        "notes": [{"text": str(text), "n": int(n)} for text, n in most[:3]],
    }


def gene_sets_in_words(config: CohortFile) -> list[str]:
    """Return a sentence per file of gene sets: method, source, what it depends on and which sets have a score."""
    from resistance.subtype.gene_set_methods import METHODS

    out = []
    for asked in config.subtype.gene_sets:
        how = METHODS[asked.method]
        which = "every set" if asked.sets is None else f"{len(asked.sets)} of the sets"
        depends = [word for word, is_so in (("samples", how.across_samples), ("sets", how.across_sets)) if is_so]
        out.append(
            f"Of {asked.file.rsplit('/', 1)[-1]} {which} with {asked.min_genes} to {asked.max_genes} genes in the data, and at most "
            f"{asked.max_missing:.0%} of its genes missing, was scored by {asked.method} ({how.title}; {how.reference}). "
            + (
                f"A score depends on the other {' and '.join(depends)}."
                if depends
                else "A sample's score does not depend on the others."
            )
        )
    return out
