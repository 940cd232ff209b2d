"""A VCF or BCF file -> an open reader whose container, header, build and samples have been checked."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from resistance.config import Variants
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.builds import Said, refuse_other_build
from resistance.read.calls import unknown_sample
from resistance.read.sheet import sample_name

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

    _check_container(path)
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


def _check_container(path: Path) -> None:
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
            "the file is missing", path=path, remedy="Correct the samples sheet or the cohort file; paths are relative to it."
        ) from error
    if not size:
        raise InputError("the file is empty", path=path, remedy="Run the caller again, or remove the file from the sheet.")
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


def sample_columns(
    names: Collection[str], tumour: str | None, source: Variants, path: Path, samples: Collection[str], dropped: Dropped
) -> dict[str, str]:
    """Return sample_id -> the VCF's column of it.

    Parameters
    ----------
    names : collection of str
        Sample columns of the file; without any, INFO speaks for the one sample.
    tumour : str or None
        The header's ``##tumor_sample``.
    source : config.Variants
        Without ``file`` the VCF belongs to `samples` alone: further columns (the normal) are passed
        over, and for one sample the column may be the one named like it, the only one, the header's
        tumor_sample, or TUMOR.  With ``file`` every column is a sample of the cohort.
    samples : collection of str
    dropped : Dropped

    Raises
    ------
    InputError
        A sample has no column, or a column no sample (``unknown_samples``).
    """
    own = list(samples)
    if not names:
        if len(own) == 1:
            return {own[0]: ""}
        raise InputError("the VCF has no sample columns", path=path, remedy="Name it in the samples sheet, one file per sample.")
    ours: dict[str, str] = {}
    unknown: list[str] = []
    for column in names:
        try:
            name = sample_name(column, source.sample_id, path=path)
        except InputError:
            if source.file is not None and source.unknown_samples == "error":
                raise
            name = column
        for known in (name, column):
            if known in own:
                if known in ours:
                    raise InputError("two columns of the VCF are one sample", path=path, value=f"{ours[known]}, {column}")
                ours[known] = column
                break
        else:
            unknown.append(column)
    if source.file is not None:
        if unknown and (source.unknown_samples == "error" or not ours):
            raise InputError([unknown_sample(name, 0, samples, path) for name in unknown[:10]])
        dropped.add("samples", path, "the sample is not in the samples sheet", len(unknown), unknown[0] if unknown else None)
        return ours
    missing = [name for name in own if name not in ours]
    if not missing:
        return ours
    if len(own) == 1:
        named = [name for name in names if name.upper() in ("TUMOR", "TUMOUR")]
        for choice in (list(names) if len(names) == 1 else [], [tumour] if tumour in names else [], named):
            if len(choice) == 1 and choice[0] is not None:
                return {own[0]: choice[0]}
    raise InputError(
        "the VCF has no column for this sample",
        path=path,
        value=", ".join(missing[:10]),
        remedy=f"It has: {', '.join(list(names)[:20])}. Rename it (bcftools reheader), or translate it with variants.sample_id.",
    )
