"""Calls of phased genotypes, a reference bundle -> the table of effects of variants that have to be read together."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from resistance import schemas
from resistance.annotate.aliases import aliases_of
from resistance.annotate.domains import domain_of
from resistance.annotate.flags import flags_of
from resistance.annotate.native import SOURCE
from resistance.annotate.phased import compounds
from resistance.annotate.placing import Given, Places
from resistance.annotate.reference import Reference
from resistance.dropped import Dropped
from resistance.tables import conform, empty
from resistance.variant import NOT_CALLED

if TYPE_CHECKING:
    import pandas as pd

TWICE = "the variant stands on both copies and is read together with others on each: one reading is kept"


def phased_effects(calls: pd.DataFrame, reference: Reference, dropped: Dropped) -> pd.DataFrame:
    """Return what the variants of one copy do together.

    Parameters
    ----------
    calls : DataFrame
        Schema ``calls``; only rows with ``phase`` that the caller called and a read supports count.
    reference : Reference
    dropped : Dropped
        Takes the second reading of a variant that stands on both copies and is read together with others on each.

    Returns
    -------
    DataFrame
        Schema ``phased_effects``: a row per sample and variant, on the naming transcript.  Variants that
        csq reads each by itself have none.
    """
    import pandas as pd

    seen = calls["alt_count"].isna() | (calls["alt_count"] > 0).fillna(False)
    called = (calls["filter"] != NOT_CALLED).fillna(True).astype(bool)
    rows = calls[calls["phase"].notna() & seen.astype(bool) & called]
    places = Places(reference, legacy=False)
    phased: dict[str, dict[Given, str]] = {}
    for sample, chrom, pos, ref, alt, phase in rows[["sample_id", "chrom", "pos", "ref", "alt", "phase"]].itertuples(index=False):
        given = (str(chrom), int(pos), str(ref), str(alt))
        if places.is_coding(given, places.touched(given)):
            phased.setdefault(str(sample), {})[given] = str(phase)
    build, out = reference.build, []
    for one in compounds(phased, reference, places):
        told = {name: value for name, value in asdict(one).items() if name not in ("members", "samples")}
        words = ";".join("{}:{} {}>{}".format(*member) for member in one.members)
        for chrom, pos, ref, alt in one.members:
            variant = {"build": build, "chrom": chrom, "pos": pos, "ref": ref, "alt": alt, "members": words}
            added = {
                "domain": domain_of(build, one.gene, one.transcript, pos, ref, alt, one.residue, one.hgvsp, one.effect_class),
                "aliases": aliases_of(build, one.gene, one.transcript, pos, ref, alt, one.residue, one.hgvsp),
                "flags": flags_of(build, chrom, pos, ref, one.gene, one.effect_class),
                "source": SOURCE,
            }
            out += [told | variant | added | {"sample_id": sample} for sample in one.samples]
    if not out:
        return empty(schemas.PHASED_EFFECTS)
    table = pd.DataFrame(out).sort_values(list(schemas.PHASED_EFFECTS.key), kind="stable", ignore_index=True)
    twice = table.duplicated(list(schemas.PHASED_EFFECTS.key))
    if twice.any():
        dropped.add("phased_effects", SOURCE, TWICE, int(twice.sum()), table.loc[twice, "members"].iloc[0])
    return conform(table[~twice], schemas.PHASED_EFFECTS)
