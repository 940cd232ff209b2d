"""Effects -> the parts of the protein that each change touches (``resources/domains.tsv``), in the column ``domain``."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from resistance.annotate.numbering import Named, Numbers, counted_on, numbers, renumber
from resistance.consequences import PROTEIN_CHANGING
from resistance.hgvs import changed_residues
from resistance.knowledge_tables import Domain, read_domains

if TYPE_CHECKING:
    import pandas as pd

#: the word for a change whose residues are known and that touches no listed part
NONE = "none"
_COLUMNS = ("build", "gene", "transcript", "pos", "ref", "alt", "residue", "hgvsp", "effect_class")


def with_domains(effects: pd.DataFrame) -> pd.DataFrame:
    """Return the effects with the column ``domain``.

    Residues are brought to the transcript on which the domain is given; a change that is numbered on a
    transcript nobody knows stays NA.  A truncating change touches the part in which it begins, and
    the degron that it takes away where the table says so (see :meth:`resistance.knowledge_tables.Domain.is_touched`).

    Parameters
    ----------
    effects : DataFrame
        By :data:`resistance.schemas.EFFECTS`, current symbols.

    Returns
    -------
    DataFrame
        ``domain`` is the names joined by ';' in the order of the protein, or ``none``.  NA: the gene has
        no listed part, the change is silent, non-coding or in a splice site, or its residue is not known.
    """
    import numpy as np
    import pandas as pd

    by_gene = _parts()
    gene = effects["gene"].astype("object")
    asked = (gene.isin(by_gene) & effects["effect_class"].isin(PROTEIN_CHANGING) & effects["residue"].notna()).to_numpy(
        dtype=bool
    )
    out = np.full(len(effects), None, dtype=object)
    rows = effects.loc[asked, list(_COLUMNS)].astype("object")
    rows = rows.where(rows.notna(), None)
    out[asked] = [_touched(by_gene[row[1]], *row) for row in rows.itertuples(index=False, name=None)]
    return effects.assign(domain=pd.array(out, dtype=pd.StringDtype(na_value=np.nan)))


def domain_of(
    build: str, gene: str, transcript: str | None, pos: int, ref: str, alt: str, residue: int | None, hgvsp: str | None,
    effect_class: str,
) -> str | None:  # fmt: skip
    """Return the parts of the protein that one change touches: a cell of the column ``domain``, from those of its row."""
    parts = _parts().get(gene)
    if parts is None or residue is None or effect_class not in PROTEIN_CHANGING:
        return None
    return _touched(parts, build, gene, transcript, pos, ref, alt, residue, hgvsp, effect_class)


@functools.cache
def _parts() -> dict[str, tuple[Domain, ...]]:
    by_gene: dict[str, list[Domain]] = {}
    for (gene, _), domain in read_domains().items():
        by_gene.setdefault(gene, []).append(domain)
    return {gene: tuple(sorted(parts, key=lambda part: (part.ranges, part.domain))) for gene, parts in by_gene.items()}


def _touched(
    parts: tuple[Domain, ...], build: str, gene: str, transcript: str | None, pos: int, ref: str, alt: str, residue: int,
    hgvsp: str | None, effect_class: str,
) -> str | None:  # fmt: skip
    of = counted_on(Named(build, gene, transcript, int(pos), ref, alt, int(residue)))
    if effect_class == "splice" or of is None:
        return None
    first, last, between = (hgvsp and changed_residues(hgvsp)) or (int(residue), int(residue), False)
    names = []
    for part in parts:
        on = _model(build, part)
        ends = None if on is None else (renumber(first, of, on), renumber(last, of, on))
        if ends is None or ends[0] is None or ends[1] is None:
            return None
        if part.is_touched(ends[0], ends[1], between=between, truncating=effect_class == "truncating"):
            names.append(part.domain)
    return ";".join(names) or NONE


def _model(build: str, part: Domain) -> Numbers | None:
    """Return the transcript of a domain on a build, whatever its version there."""
    plain = part.transcript.split(".")[0]
    models = numbers(build).get(part.gene, ())
    return next((m for m in models if m.transcript.role != "legacy" and m.transcript.transcript.split(".")[0] == plain), None)
