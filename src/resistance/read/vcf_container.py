"""A VCF or BCF file -> an open reader whose container, header and build have been checked; its index; its alleles."""

from __future__ import annotations

import gzip
import os
import shlex
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from resistance.errors import InputError
from resistance.read.builds import Said, refuse_other_build
from resistance.variant import contig

Region = tuple[str, int, int]

#: the empty block that ends every BGZF file (SAM specification, section 4.1.2)
_EOF = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_AGAIN = "Copy or download it again."


@contextmanager
def opened(path: Path, build: str, said: Said | None = None) -> Iterator[Any]:
    """Open a VCF or BCF for reading, silently (pysam's own messages go to stderr, ours say where).

    Raises
    ------
    InputError
        Missing, empty, cut off, gzip but not BGZF, no VCF, or on the other build.
    """
    import pysam

    check_container(path)
    before = pysam.set_verbosity(0)
    try:
        try:
            file = pysam.VariantFile(str(path))
        except (ValueError, OSError, NotImplementedError) as error:
            raise InputError(
                "is no VCF or BCF that can be read: the header is damaged, or two samples have one name",
                path=path,
                remedy="`bcftools view -h` shows what is wrong with it.",
            ) from error
        with file:
            reference = next((str(record.value) for record in file.header.records if record.key == "reference"), None)
            lengths = {str(name): item.length for name, item in file.header.contigs.items()}
            refuse_other_build(lengths, reference, build, path, said)
            yield file
    finally:
        pysam.set_verbosity(before)


def check_container(path: Path) -> None:
    """Refuse what is no whole VCF or BCF by its first and last bytes.

    Raises
    ------
    InputError
        Missing, a folder, empty, gzip but not BGZF, cut off, or no VCF.
    """
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise InputError("is a folder, not a file", path=path)
        with path.open("rb") as file:
            start = file.read(18)
            file.seek(max(0, size - len(_EOF)))
            end = file.read()
    except FileNotFoundError as error:
        raise InputError(
            "the file is missing",
            path=path,
            remedy="Correct the path; those of a samples sheet or cohort file are relative to it.",
        ) from error
    if not size:
        raise InputError("the file is empty", path=path, remedy="Run the caller again, or leave the file out.")
    if start[:2] == b"\x1f\x8b":
        if not (start[3] & 4 and start[12:14] == b"BC"):
            raise InputError(
                "is compressed with gzip, not with bgzip",
                path=path,
                remedy="Compress it again: gunzip -c FILE | bgzip > NEW, then tabix -p vcf NEW.",
            )
        if end != _EOF:
            raise InputError("the file is cut off (the block that ends a BGZF file is not there)", path=path, remedy=_AGAIN)
    elif start[:3] != b"BCF" and not start.startswith(b"##fileformat="):
        raise InputError("is no VCF: it does not start with ##fileformat=VCF", path=path, remedy="Is it a MAF? Then format: maf.")


def header_lines(path: Path) -> int | None:
    """Return the number of header lines of a text VCF (to number its records as an editor does); None for a BCF."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path, "rb") if packed else path.open("rb") as text:
            for number, line in enumerate(text):
                if not line.startswith(b"#"):
                    return None if number == 0 else number
                last = number
            return last + 1
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"the file is cut off or damaged ({error})", path=path, remedy=_AGAIN) from error


def starts_with(path: Path, magic: bytes) -> bool:
    """Return whether a file begins with these bytes."""
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def index_of(path: Path) -> Path | None:
    """Return the index beside a file, or None."""
    candidates = (path.with_name(path.name + suffix) for suffix in (".tbi", ".csi"))
    return next((index for index in candidates if index.exists()), None)


def has_index(path: Path) -> bool:
    """Return whether there is an index; one that is older than the file may point anywhere, so it is refused."""
    index = index_of(path)
    # both may be written within one tick of the clock, or copied a moment apart in any order
    if index is not None and os.stat(index).st_mtime + 1 < os.stat(path).st_mtime:
        raise InputError("the index is older than its file", path=index, remedy=f"Write it again: {how_to_index(path)}.")
    return index is not None


def how_to_index(path: Path) -> str:
    """Return the command that writes an index; plain text is packed first."""
    name = shlex.quote(path.name)
    if path.name.endswith(".bcf"):
        return f"bcftools index -f {name}"
    if path.name.endswith((".gz", ".bgz")):
        return f"tabix -f -p vcf {name}"
    return f"bgzip {name} && tabix -p vcf {shlex.quote(path.name + '.gz')}"


def merged_regions(regions: Sequence[Region]) -> dict[str, list[tuple[int, int]]]:
    """Return sorted intervals per contig, those that touch made one."""
    out: dict[str, list[tuple[int, int]]] = {}
    for chrom, start, end in sorted((contig(chrom), start, end) for chrom, start, end in regions):
        spans = out.setdefault(chrom, [])
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return out


def no_small_variant(alt: str) -> str | None:
    """Return why an alternative allele is no small variant (symbolic, a breakend ...), or None."""
    if alt == "*":
        return "allele '*': the base is deleted by another record"
    if alt in ("<NON_REF>", "<*>"):
        return f"allele {alt} stands for any other allele"
    if "[" in alt or "]" in alt or (len(alt) > 1 and (alt.startswith(".") or alt.endswith("."))):
        return "a breakend is no small variant (give the file under fusions)"
    if alt.startswith("<"):
        return f"symbolic allele {alt}"
    return None
