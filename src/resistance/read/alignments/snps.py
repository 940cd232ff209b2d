"""A VCF of common SNPs, or the germline-like calls of a cohort, and an alignment file -> how often each allele was read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.alignments.positions import Filters, position_table
from resistance.schemas import SNP_COUNTS
from resistance.tables import conform
from resistance.variant import contig

if TYPE_CHECKING:
    import pandas as pd

#: columns of a table of SNPs
SNP = ("build", "chrom", "pos", "ref", "alt", "allele_frequency")
#: reads below which a germline-like call is not believed
_LEAST_DEPTH = 20


def read_snps(path: Path, build: str, dropped: Dropped | None = None) -> pd.DataFrame:
    """Read common SNPs.

    Parameters
    ----------
    path : Path
        VCF or BCF; INFO/AF is the frequency in the population (NA where it is missing).
    build : str
        Of the cohort; the file's contig lengths are compared with it where its header has them.
    dropped : Dropped, optional
        Takes the records that are no SNP with two alleles on an autosome, by reason: on X and Y a man has one allele.

    Returns
    -------
    DataFrame
        build, chrom, pos, ref, alt, allele_frequency; sorted, each position once.

    Raises
    ------
    InputError
        The file is missing or no VCF, is on another build, has a frequency outside 0..1, or no usable SNP.
    """
    import pandas as pd
    import pysam

    from resistance.read.builds import Said, refuse_other_build

    if not path.is_file():
        raise InputError("the VCF of SNPs is missing", path=path, remedy="Paths are relative to the cohort file.")
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    left: dict[str, int] = {}
    try:
        with pysam.VariantFile(str(path)) as file:
            lengths = {str(name): info.length for name, info in file.header.contigs.items() if info.length}
            refuse_other_build(lengths, None, build, path, Said.of_cohort(build))
            for record in file:
                chrom, ref, alts = contig(record.chrom), (record.ref or "").upper(), record.alts or ()
                why = _unusable(chrom, ref, alts)
                if why is None and (chrom, record.pos) in rows:
                    why = "a second record of a position"
                if why is not None:
                    left[why] = left.get(why, 0) + 1
                    continue
                rows[chrom, record.pos] = {
                    "build": build, "chrom": chrom, "pos": record.pos, "ref": ref, "alt": alts[0].upper(),
                    "allele_frequency": _frequency(record, path),
                }  # fmt: skip
    except (OSError, ValueError) as error:
        raise InputError(f"is no readable VCF ({error})", path=path) from error
    if dropped is not None:
        for why, n in sorted(left.items()):
            dropped.add("snp_counts", path, why, n)
    if not rows:
        raise InputError(
            "has no SNP with two alleles on an autosome", path=path, remedy="Give common SNPs, such as those of gnomAD."
        )
    frame = pd.DataFrame(list(rows.values()), columns=list(SNP))
    return frame.sort_values(["chrom", "pos"], kind="stable").reset_index(drop=True)


def _unusable(chrom: str, ref: str, alts: tuple[str, ...]) -> str | None:
    if not chrom.isdigit():
        return "not on an autosome"
    if len(alts) != 1:
        return "not two alleles"
    if len(ref) != 1 or len(alts[0]) != 1 or ref not in "ACGT" or alts[0].upper() not in "ACGT":
        return "not a single base"
    return None


def _frequency(record: Any, path: Path) -> float | None:
    try:
        value = record.info.get("AF")
    except (KeyError, ValueError):  # AF that the header does not declare
        return None
    value = value[0] if isinstance(value, tuple) else value
    if value is None:
        return None
    try:
        frequency = float(value)
    except ValueError as error:
        raise InputError("AF is not a number", path=path, value=f"{record.chrom}:{record.pos} AF={value}") from error
    if not 0 <= frequency <= 1:
        raise InputError(
            "AF is no fraction", path=path, value=f"{record.chrom}:{record.pos} AF={value}", remedy="Frequencies lie in 0..1."
        )
    return frequency


def germline_like(calls: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """Return SNPs among the cohort's own calls that look inherited, where no VCF of common SNPs is given.

    Single bases on autosomes, of at least 20 reads, called in a germline sample; and, of a patient without one, called in two
    samples or more with a fraction of 40 to 60 % or above 95 % in each.

    Parameters
    ----------
    calls, samples : DataFrame
        Schemas CALLS and SAMPLES.

    Returns
    -------
    DataFrame
        As of :func:`read_snps`; ``allele_frequency`` is NA: that of the cohort's own samples is used later.
    """
    import pandas as pd

    keys = ["build", "chrom", "pos", "ref", "alt"]
    single = calls["ref"].isin(list("ACGT")) & calls["alt"].isin(list("ACGT")) & calls["chrom"].str.fullmatch(r"\d+")
    deep = (calls["depth"] >= _LEAST_DEPTH).fillna(False).astype(bool)
    fits = calls["vaf"].between(0.4, 0.6) | (calls["vaf"] > 0.95)
    rows = calls.assign(fits=fits)[single & deep].merge(samples[["sample_id", "patient_id", "material"]], on="sample_id")
    with_germline = set(samples.loc[samples["material"] == "germline", "patient_id"])
    own = rows[(rows["material"] == "germline") & rows["fits"]]
    without = rows[~rows["patient_id"].isin(with_germline)].groupby(["patient_id", *keys], as_index=False)
    several = without.agg(n=("sample_id", "nunique"), fits=("fits", "all"))
    found = [own[keys], several.loc[(several["n"] > 1) & several["fits"], keys]]
    out = pd.concat(found, ignore_index=True).drop_duplicates(["build", "chrom", "pos"])
    out = out.sort_values(["chrom", "pos"], kind="stable").reset_index(drop=True)
    return out.assign(allele_frequency=float("nan"))


def snps_of(
    sample_id: str,
    alignment: Path,
    build: str,
    snps: pd.DataFrame,
    *,
    filters: Filters | None = None,
    fasta: Path | None = None,
) -> pd.DataFrame:
    """Count the alleles of SNPs in one sample.

    Parameters
    ----------
    sample_id : str
    alignment : Path
        Indexed BAM or CRAM.
    build : str
    snps : DataFrame
        As of :func:`read_snps`.
    filters : Filters, optional
        Default: fragments.
    fasta : Path, optional
        For CRAM.

    Returns
    -------
    DataFrame
        Schema SNP_COUNTS, one row per SNP, those without a read with 0; ``other_count``: other bases, deletions and mates that
        disagree.
    """
    import numpy as np

    regions = [(chrom, int(pos) - 1, int(pos)) for chrom, pos in zip(snps["chrom"], snps["pos"], strict=True)]
    if not regions:
        return conform(snps.assign(sample_id=sample_id, ref_count=0, alt_count=0, other_count=0), SNP_COUNTS)
    counted = position_table(alignment, build, regions, filters, fasta=fasta)
    both = snps.merge(counted, on=["chrom", "pos"], how="left")
    bases = both[["A", "C", "G", "T"]].to_numpy(dtype=np.int64)
    rows = np.arange(len(both))
    ref, alt = (bases[rows, both[name].map("ACGT".index).to_numpy()] for name in ("ref", "alt"))
    other = bases.sum(axis=1) - ref - alt + both[["deletion", "discordant"]].sum(axis=1).to_numpy(dtype=np.int64)
    out = snps[list(SNP)].assign(sample_id=sample_id, ref_count=ref, alt_count=alt, other_count=other)
    return conform(out, SNP_COUNTS)
