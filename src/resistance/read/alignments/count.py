"""One sample's BAM or CRAM and variants -> tables ``pileup`` and ``read_counts``; the alleles of its fragments one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance import config, schemas
from resistance.errors import InputError
from resistance.read.alignments.engine import Seen, Settings, count_sites
from resistance.read.alignments.events import EVENT_COLUMNS, event_counts
from resistance.read.alignments.local import bases_around
from resistance.read.alignments.opened import Alignment, open_alignment
from resistance.read.alignments.sites import Sites, Window, make_sites, window
from resistance.read.alignments.umi import group_table, molecules_of, tags_of, whole_bam
from resistance.tables import conform
from resistance.variant import contigs

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.regions import Regions

_KEY = "ctdna.alignments"
#: beginnings of notes that say that a variant is not what it is taken for
OTHER_BASE, NEITHER = "the reference has", "most reads show neither allele"
SAME_CHANGE = "the same change as"
#: alleles by their number in the kernels
ALLELES = ("ref", "alt", "other", "discordant")


@dataclass(frozen=True)
class _Plan:
    """An open file and what is looked for in it."""

    alignment: Alignment
    variants: pd.DataFrame
    sites: Sites
    settings: Settings
    notes: list[list[str]]


def count_sample(
    path: str | Path,
    variants: pd.DataFrame,
    settings: config.Alignments,
    *,
    sample_id: str | None,
    build: str,
    base: str | Path = "",
    targets: Regions | None = None,
) -> dict[str, pd.DataFrame]:
    """Force-call variants in the alignments of one sample.

    Parameters
    ----------
    path : str or Path
        Indexed BAM or CRAM.
    variants : DataFrame
        chrom, pos, ref, alt in the package's form (trimmed; '-' for nothing), each once; ``event`` where phased variants are
        one event (the same word), NA elsewhere.
    settings : config.Alignments
    sample_id : str or None
        Name of the sample in the tables; the read groups have to be of it.  None: the name is that of the read groups.
    build : str
    base : str or Path
        Folder that `settings.fasta` is relative to.
    targets : Regions, optional
        Regions of the panel: variants outside are named in ``note``.

    Returns
    -------
    dict of str to DataFrame
        ``pileup`` (schema PILEUP, a row per variant in the order given) and ``read_counts`` (schema READ_COUNTS).
        ``families`` and ``duplexes`` are NA without UMIs.

    Raises
    ------
    InputError
        See :func:`resistance.read.alignments.opened.open_alignment`; no variant lies on a contig of the file; UMIs are asked
        for and the reads have none, or UMI-tools is needed and not installed; damaged or unsorted records.
    """
    import pandas as pd

    plan = _plan(Path(path), variants, settings, sample_id, build, Path(base))
    name = sample_id or plan.alignment.sample or Path(path).stem
    phased = plan.variants["event"].notna().to_numpy(dtype=bool)
    seen = count_sites(plan.alignment, plan.sites, plan.settings, phased[plan.sites.row])
    pileup = _pileup(plan, seen, settings, targets)
    if phased.any():
        counted = event_counts(_alleles(plan, seen), plan.variants["event"])
        pileup = pileup.join(counted, on="event")
        for column in EVENT_COLUMNS:
            pileup[column] = pileup[column].where(pileup["event"].isna() | pileup[column].notna(), 0)
    pileup = pileup.assign(sample_id=name, build=build)
    from resistance.read.alignments.reasons import rows_of

    counts = pd.DataFrame(
        rows_of(seen.by_read, seen.by_site, seen.counts, seen.sizes, plan.settings.families, plan.settings.tag is not None)
    )
    return {
        "pileup": conform(pileup, schemas.PILEUP),
        "read_counts": conform(counts.assign(sample_id=name), schemas.READ_COUNTS),
    }


def fragment_alleles(
    path: str | Path,
    variants: pd.DataFrame,
    settings: config.Alignments,
    *,
    sample_id: str | None,
    build: str,
    base: str | Path = "",
) -> pd.DataFrame:
    """Return which allele each fragment shows at each variant.

    Parameters
    ----------
    path, variants, settings, sample_id, build, base
        As in :func:`count_sample`.

    Returns
    -------
    DataFrame
        fragment (a number from 0, of the read's name), variant (label in the index of `variants`) and allele ('ref', 'alt',
        'other', 'discordant'), sorted; a row for every fragment and variant where it shows one.  Memory grows with depth x variants.
    """
    import numpy as np

    plan = _plan(Path(path), variants, settings, sample_id, build, Path(base))
    seen = count_sites(plan.alignment, plan.sites, plan.settings, np.ones(len(plan.sites.row), np.bool_))
    found = _alleles(plan, seen)
    return found.assign(variant=variants.index.to_numpy()[found["variant"].to_numpy()])


def _alleles(plan: _Plan, seen: Seen) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    from resistance.read.alignments.tally import FRAGMENT

    rows = np.concatenate([np.zeros(0, FRAGMENT), *seen.fragments])
    number = np.unique(rows["name"], return_inverse=True)[1]
    table = pd.DataFrame(
        {
            "fragment": number.reshape(-1),
            "variant": plan.sites.row[rows["site"]],
            "allele": np.array(ALLELES, dtype=object)[rows["allele"]],
        }
    )
    return table.sort_values(["fragment", "variant"], kind="stable").reset_index(drop=True)


def _plan(
    path: Path, variants: pd.DataFrame, settings: config.Alignments, sample_id: str | None, build: str, base: Path
) -> _Plan:
    fasta = None if settings.fasta is None else base / settings.fasta
    alignment = open_alignment(path, build, sample=sample_id, fasta=fasta, read_groups=settings.read_groups)
    rows = variants.reset_index(drop=True)
    rows = rows.assign(chrom=contigs(rows["chrom"])) if len(rows) else rows
    if "event" not in rows:
        rows = rows.assign(event=None)
    notes: list[list[str]] = [[] for _ in range(len(rows))]
    numbers = alignment.numbers()
    where = [numbers.get(str(chrom), -1) for chrom in rows["chrom"]]
    if len(rows) and max(where) < 0:
        raise InputError(
            "has no contig of the variants",
            path=path,
            value=", ".join(sorted({str(chrom) for chrom in rows["chrom"]})[:5]),
            remedy=f"It has: {', '.join(alignment.contigs[:5])} ... Are both on the same genome?",
        )
    windows = _windows(rows, where, alignment, notes)
    first: dict[tuple[int, Window], int] = {}
    for i, (contig, one) in enumerate(zip(where, windows, strict=True)):
        earlier = first.setdefault((contig, one), i)
        if earlier != i and contig >= 0:
            pos, ref, alt = rows.loc[earlier, ["pos", "ref", "alt"]]
            notes[i].append(
                f"{SAME_CHANGE} {pos} {ref}>{alt}, written at another place of the repeat: the same reads count for both"
            )
    sites = make_sites(where, windows)
    return _Plan(alignment, rows, sites, _settings(alignment, sites, settings), notes)


def _windows(rows: pd.DataFrame, where: Sequence[int], alignment: Alignment, notes: list[list[str]]) -> list[Window]:
    given = list(zip(rows["pos"].astype(int).tolist(), rows["ref"].tolist(), rows["alt"].tolist(), strict=True))
    gaps = [i for i, (_, ref, alt) in enumerate(given) if where[i] >= 0 and (len(ref) != len(alt) or "-" in (ref, alt))]
    looked_at = list(range(len(given))) if alignment.fasta is not None else gaps
    around, begin, certain = bases_around(
        alignment, [(where[i], *given[i][:2]) if where[i] >= 0 else None for i in range(len(given))], looked_at
    )
    out = []
    for i, (pos, ref, alt) in enumerate(given):
        if where[i] < 0:
            notes[i].append("the file has no such contig")
        elif pos + (0 if ref == "-" else len(ref) - 1) > alignment.lengths[where[i]]:
            notes[i].append("lies beyond the end of the contig")
        if i in gaps and not certain:
            notes[i].append("no reference was given: where else the change can stand in a repeat is read off the reads")
        if ref != "-" and (i in gaps or certain):
            here = around[i][pos - 1 - begin[i] : pos - 1 - begin[i] + len(ref)]
            if here and "N" not in here and here != ref and where[i] >= 0:
                notes[i].append(f"{OTHER_BASE} {here} here, not {ref}")
        out.append(window(pos, ref, alt, around[i], begin[i]))
    return out


def _settings(alignment: Alignment, sites: Sites, settings: config.Alignments) -> Settings:
    """Return the engine's settings, with the families."""
    umi = settings.umi
    if umi is None and settings.count in ("families", "duplexes"):
        umi = config.Umi()
    plain = Settings(settings.min_base_quality, settings.min_mapping_quality, settings.duplicates == "keep")
    if umi is None:
        return plain
    from dataclasses import replace

    grouped = replace(plain, min_family_size=umi.min_family_size, min_reads=umi.min_reads, agreement=umi.min_agreement)
    rows = zip(*(sites.table[name].tolist() for name in ("contig", "first", "last")), strict=True)
    looked, tags, paired = tags_of(alignment, [(contig, first, last + 1) for contig, first, last in rows])
    there = f"Tags of the first {looked} reads: {', '.join(sorted(tags)) or 'none'}."
    if looked and umi.tag not in tags:
        other = "MI" if umi.tag == "RX" else "RX"
        what = (
            f"Set {_KEY}.umi.tag: {other}"
            if other in tags
            else f"Group the reads first (fgbio GroupReadsByUmi), or remove {_KEY}.umi"
        )
        raise InputError(f"the reads have no UMI tag {umi.tag}", path=alignment.path, remedy=f"{what}. {there}")
    if umi.tag == "MI":
        return replace(grouped, tag="MI")
    if settings.count == "duplexes":
        raise InputError(
            "duplexes cannot be counted from RX: UMI-tools does not tell the strands of a molecule apart",
            path=alignment.path,
            remedy="Group the reads with fgbio GroupReadsByUmi --strategy paired, which writes MI with /A and /B.",
        )
    with whole_bam(alignment) as bam:
        return replace(grouped, molecules=molecules_of(group_table(bam, umi.method, tag="RX", paired=paired)))


def _pileup(plan: _Plan, seen: Seen, settings: config.Alignments, targets: Regions | None) -> pd.DataFrame:
    """Return the table without sample and build."""
    import numpy as np
    import pandas as pd

    from resistance.read.alignments import tally

    n = len(plan.variants)
    counts = np.zeros((n, tally.N_COUNTS), np.int64)
    lengths = np.full((n, 2), np.nan)
    counts[plan.sites.row], lengths[plan.sites.row] = seen.counts, seen.lengths

    def total(*columns: int) -> NDArray[np.int64]:
        return np.asarray(counts[:, list(columns)].sum(axis=1))

    def mean(of: int, by: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(np.divide(counts[:, of], by, out=np.full(n, np.nan), where=by > 0))

    out: dict[str, Any] = {
        "reads": total(tally.READS_REF, tally.READS_ALT, tally.READS_OTHER),
        "reads_ref": counts[:, tally.READS_REF],
        "reads_alt": counts[:, tally.READS_ALT],
        "fragments": total(tally.FRAGMENTS_REF, tally.FRAGMENTS_ALT, tally.FRAGMENTS_OTHER),
        "fragments_ref": counts[:, tally.FRAGMENTS_REF],
        "fragments_alt": counts[:, tally.FRAGMENTS_ALT],
        "fragments_discordant": counts[:, tally.FRAGMENTS_DISCORDANT],
    }
    if plan.settings.families:
        out |= {
            "families": total(tally.FAMILIES_REF, tally.FAMILIES_ALT, tally.FAMILIES_OTHER),
            "families_alt": counts[:, tally.FAMILIES_ALT],
            "families_alt_singleton": counts[:, tally.FAMILIES_ALT_SINGLETON],
        }
    if plan.settings.tag is not None:
        out |= {
            "duplexes": total(tally.DUPLEXES_REF, tally.DUPLEXES_ALT, tally.DUPLEXES_OTHER),
            "duplexes_alt": counts[:, tally.DUPLEXES_ALT],
        }
    out |= {
        "alt_forward": counts[:, tally.ALT_FORWARD],
        "alt_reverse": counts[:, tally.ALT_REVERSE],
        "alt_base_quality": mean(tally.ALT_QUALITY_SUM, counts[:, tally.ALT_QUALITY_N]),
        "alt_mapping_quality": mean(tally.ALT_MAPPING_SUM, counts[:, tally.READS_ALT]),
        "alt_length": lengths[:, tally.LENGTH_ALT],
        "ref_length": lengths[:, tally.LENGTH_REF],
    }
    table = plan.variants[["chrom", "pos", "ref", "alt", "event"]].assign(**out, unit=settings.count)
    table = table.assign(depth=table[settings.count], alt_count=table[f"{settings.count}_alt"])
    return table.assign(note=_notes(plan, seen, table, targets)).astype({"event": pd.StringDtype(na_value=np.nan)})


def _notes(plan: _Plan, seen: Seen, table: pd.DataFrame, targets: Regions | None) -> list[str | None]:
    """Return what to beware of, per variant; where nothing was counted, why."""
    import numpy as np

    from resistance.read.alignments.observe import N_REASONS
    from resistance.read.alignments.reasons import why_nothing

    by_site = np.zeros((len(table), N_REASONS), np.int64)
    by_site[plan.sites.row] = seen.by_site
    inside = np.ones(len(table), np.bool_) if targets is None else targets.hold(plan.variants)
    depth = table["depth"].to_numpy()
    neither = (table["reads"] - table["reads_ref"] - table["reads_alt"] > table["reads"] / 2).to_numpy()
    notes = []
    for i, words in enumerate(plan.notes):
        more = [] if inside[i] else ["outside the target regions"]
        if neither[i] and not any(word.startswith(OTHER_BASE) for word in words):
            more.append(NEITHER)
        if depth[i] == 0 and not words:
            more.append(why_nothing(by_site[i]))
        notes.append("; ".join([*words, *more]) or None)
    return notes
