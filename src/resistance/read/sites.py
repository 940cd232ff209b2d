"""Panel of normals, blacklist, hot spots (BED of regions or VCF of alleles) -> which calls they hold, and why one is dropped."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from resistance.errors import InputError
from resistance.read.bed import read_regions
from resistance.read.builds import refuse_beyond_end, refuse_other_build
from resistance.regions import Regions
from resistance.variant import contigs, trim_columns

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.config import Variants

_ALLELE = ["chrom", "pos", "ref", "alt"]


class Sites(Protocol):
    """Something that holds variants."""

    def hold(self, variants: pd.DataFrame) -> NDArray[np.bool_]:
        """Return which variants (chrom, pos, ref, alt) it holds."""
        ...


@dataclass(frozen=True)
class Alleles:
    """Single alleles; a variant is held where all four of chrom, pos, ref and alt are the same.

    Parameters
    ----------
    table : DataFrame
        chrom, pos, ref, alt in the package's form, each once.
    """

    table: pd.DataFrame

    def hold(self, variants: pd.DataFrame) -> NDArray[np.bool_]:
        """Return which variants are one of the alleles."""
        import numpy as np

        out = np.zeros(len(variants), dtype=bool)
        # positions first: an integer look-up, so that few rows reach the join on text
        near = np.flatnonzero(variants["pos"].isin(self.table["pos"].unique()).to_numpy(dtype=bool))
        wanted = variants.iloc[near][_ALLELE].astype({"pos": "int64"})
        held = self.table[self.table["pos"].isin(wanted["pos"].unique())]
        found = wanted.merge(held, on=_ALLELE, how="left", indicator=True)
        out[near] = (found["_merge"] == "both").to_numpy(dtype=bool)
        return out


@dataclass(frozen=True)
class SiteLists:
    """The lists of one source of variants.

    Parameters
    ----------
    panel_of_normals, blacklist : Sites or None
        What they hold is dropped.
    hotspots : Sites or None
        What it holds is never dropped for its site.
    names : dict of str to str
        File of each list.
    genes : tuple of (gene, (chrom, start, end))
        Genes of the mutation markers, half-open and 0-based: what is dropped there is counted apart and named.
    """

    panel_of_normals: Sites | None = None
    blacklist: Sites | None = None
    hotspots: Sites | None = None
    names: tuple[tuple[str, str], ...] = ()
    genes: tuple[tuple[str, tuple[str, int, int]], ...] = ()

    def name(self, what: str) -> str:
        """Return the file of a list."""
        return dict(self.names).get(what, what)

    def genes_of(self, variants: pd.DataFrame) -> NDArray[np.object_]:
        """Return the marker gene in which each variant lies, '' for none (the first by name where two overlap)."""
        import numpy as np

        out = np.full(len(variants), "", dtype=object)
        # a genome's common variants are many, those in any of the genes are few
        here = np.flatnonzero(Regions(span for _, span in self.genes).hold(variants))
        near = variants.iloc[here]
        for gene, span in reversed(self.genes):
            out[here[Regions([span]).hold(near)]] = gene
        return out


def read_lists(source: Variants, base: Path, build: str) -> SiteLists:
    """Read the lists that a source names, and where the genes of the mutation markers lie.

    Parameters
    ----------
    source : config.Variants
    base : Path
        Folder of the cohort file.
    build : str
        The cohort's build.

    Raises
    ------
    InputError
        A file is missing, damaged, or on the other build.
    """
    given = {
        name: base / text for name in ("panel_of_normals", "blacklist", "hotspots") if (text := getattr(source, name)) is not None
    }
    if not given and source.max_population_af is None:
        return SiteLists()
    lists: dict[str, Any] = {name: read_sites(path, build) for name, path in given.items()}
    names = tuple((name, path.name) for name, path in given.items())
    return SiteLists(**lists, names=names, genes=_marker_genes(build))


def read_sites(path: Path, build: str) -> Sites:
    """Read a BED (regions) or a VCF (alleles; it is one when its first bytes are those of a VCF).

    Raises
    ------
    InputError
        As :func:`resistance.read.bed.read_regions`; for a VCF: damaged, on the other build, or without alleles.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            start = file.read(17)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"cannot be unpacked ({error})", path=path, remedy="Copy or download it again.") from error
    except FileNotFoundError as error:
        raise InputError("the file is missing", path=path, remedy="Paths are relative to the cohort file.") from error
    except IsADirectoryError as error:
        raise InputError("is a folder, not a file", path=path) from error
    if start.startswith(b"BCF"):
        raise InputError("is a BCF", path=path, remedy="Write it as VCF: bcftools view -Oz -o FILE.vcf.gz FILE.bcf.")
    if start.startswith(b"##fileformat=VCF"):
        return _read_alleles(path, build, packed)
    return read_regions(path, build)


def read_alleles(path: Path, build: str) -> pd.DataFrame:
    """Read the alleles of a VCF: build, chrom, pos, ref and alt in the package's form, each once.

    Raises
    ------
    InputError
        As :func:`read_sites`; the file is a BED, which names no allele.
    """
    found = read_sites(path, build)
    if not isinstance(found, Alleles):
        raise InputError("is no VCF, and regions name no alleles to count", path=path, remedy="Give the variants as VCF.")
    return found.table.assign(build=build)


def _read_alleles(path: Path, build: str, packed: bool) -> Alleles:
    """Read CHROM, POS, REF and ALT of a VCF with or without samples, in one go: such lists hold millions of sites."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    lengths: dict[str, int | None] = {}
    reference, above, width = None, 0, 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") if packed else path.open(encoding="utf-8") as file:
            for line in file:
                above += 1
                if line.startswith("##reference="):
                    reference = line.split("=", 1)[1].strip()
                elif (match := re.match(r"##contig=<ID=([^,>]+)(?:.*?,length=(\d+))?", line)) is not None:
                    lengths[match.group(1)] = int(match.group(2)) if match.group(2) else None
                elif line.startswith("#CHROM"):
                    width = len(line.rstrip("\r\n").split("\t"))
                    break
        if width < 5:
            raise InputError("has no #CHROM line with ALT", path=path, remedy="Is the VCF cut off?")
        refuse_other_build(lengths, reference, build, path)
        names = [str(i) for i in range(width)]
        wanted = [names[i] for i in (0, 1, 3, 4)]
        with gzip.open(path, "rb") if packed else path.open("rb") as raw:
            table = arrow_csv.read_csv(
                raw,
                arrow_csv.ReadOptions(column_names=names, skip_rows=above, block_size=16 << 20),
                arrow_csv.ParseOptions(delimiter="\t", quote_char=False),
                arrow_csv.ConvertOptions(
                    include_columns=wanted,
                    column_types=dict.fromkeys(wanted, pa.large_string()) | {"1": pa.int64()},
                    strings_can_be_null=False,
                ),
            )
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: the file is cut off or damaged ({error})", path=path) from error
    except pa.ArrowInvalid as error:
        empty = "Empty CSV" in str(error)
        why = "the list names no allele" if empty else f"cannot be read as a VCF ({error})"
        raise InputError(why, path=path, remedy="A list is a BED of regions or a VCF of alleles.") from error
    text = pd.StringDtype(na_value=np.nan)
    rows = table.to_pandas(types_mapper={pa.large_string(): text}.get).set_axis(_ALLELE, axis=1)
    lines = pd.Series(np.arange(above + 1, above + 1 + len(rows)))
    rows = rows.assign(chrom=contigs(rows["chrom"]))
    refuse_beyond_end(rows["chrom"], rows["pos"], lines, build, path)
    several = rows["alt"].str.contains(",", regex=False).to_numpy(dtype=bool)
    if several.any():
        apart = rows[several].assign(alt=rows.loc[several, "alt"].str.split(",")).explode("alt").astype({"alt": text})
        rows = pd.concat([rows[~several], apart], ignore_index=True)
    # symbolic and '*' alleles of a list match no small variant
    trimmed = trim_columns(rows["pos"], rows["ref"], rows["alt"])
    kept = trimmed["refused"].isna().to_numpy(dtype=bool)
    rows = rows[["chrom"]].join(trimmed[["pos", "ref", "alt"]])[kept]
    if rows.empty:
        raise InputError("the list names no allele", path=path, remedy="A list is a BED of regions or a VCF of alleles.")
    return Alleles(rows.astype({"pos": "int64"}).drop_duplicates(_ALLELE).reset_index(drop=True))


def _marker_genes(build: str) -> tuple[tuple[str, tuple[str, int, int]], ...]:
    from resistance.knowledge import load_markers, load_positions

    markers = load_markers()
    cells = markers.loc[markers["evidence_kind"] == "mutation", "genes"].dropna()
    genes = {gene.strip() for cell in cells for gene in str(cell).split(";")}
    table = load_positions()
    table = table[(table["build"] == build) & table["gene"].isin(genes)].sort_values("gene")
    columns = (table[name].tolist() for name in ("gene", "chrom", "start", "end"))
    return tuple((gene, (chrom, start - 1, end)) for gene, chrom, start, end in zip(*columns, strict=True))
