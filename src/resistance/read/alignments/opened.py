"""A BAM or CRAM -> what its header says, after every check: whole, sorted, indexed, of this build and this sample."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from resistance.contigs import contig_lengths, other
from resistance.errors import InputError
from resistance.read.alignments.index import Index, index_of, read_index
from resistance.read.builds import Said, refuse_other_build
from resistance.variant import BUILDS, contig

#: the empty block that ends every BGZF file (SAM specification, section 4.1.2)
_EOF = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_AGAIN = "Copy or download it again."
_KEY = "ctdna.alignments"


@dataclass(frozen=True)
class Alignment:
    """A file whose header has been checked.

    Parameters
    ----------
    path : Path
    is_cram : bool
    contigs : tuple of str
        As the header names them.
    lengths : tuple of int
        Bases of each.
    sample : str or None
        The one sample (SM) of its read groups; None: it has none.
    index : Index or None
        None for a CRAM, which goes through htslib.
    fasta : Path or None
        Its reference.
    """

    path: Path
    is_cram: bool
    contigs: tuple[str, ...]
    lengths: tuple[int, ...]
    sample: str | None
    index: Index | None
    fasta: Path | None

    def numbers(self) -> dict[str, int]:
        """Return contig as the package names it -> its number in the file (the first, where two are one)."""
        out: dict[str, int] = {}
        for number, name in enumerate(self.contigs):
            out.setdefault(contig(name), number)
        return out


def open_alignment(
    path: str | Path, build: str, *, sample: str | None = None, fasta: str | Path | None = None, read_groups: str = "check"
) -> Alignment:
    """Check a BAM or CRAM and return what its header says.

    Parameters
    ----------
    path : str or Path
    build : str
        GRCh37 or GRCh38.
    sample : str, optional
        The read groups have to be of this sample.
    fasta : str or Path, optional
        Indexed reference; a CRAM needs it.
    read_groups : {'check', 'ignore'}
        check: a file without read groups, or of another sample than `sample`, is refused.

    Returns
    -------
    Alignment

    Raises
    ------
    InputError
        Missing, empty, cut off, no BAM or CRAM, unaligned, not sorted by coordinate, without an index or with an older
        one, on the other build, without read groups, of several samples or of another one; a CRAM without a reference or with
        one of other contigs.
    """
    import pysam

    path = Path(path)
    is_cram = _check_container(path)
    fasta = None if fasta is None else Path(fasta)
    if fasta is not None:
        check_fasta(fasta)
    elif is_cram:
        raise InputError(
            "is a CRAM, which cannot be read without its reference",
            path=path,
            remedy=f"Give the FASTA it was written with ({_KEY}.fasta, or --reference).",
        )
    with quiet():
        try:
            with pysam.AlignmentFile(str(path), check_sq=False, reference_filename=None if fasta is None else str(fasta)) as file:
                header = file.header.to_dict()
        except (ValueError, OSError) as error:
            raise InputError(
                "cannot be read: the header is damaged or the file is cut off",
                path=path,
                remedy=f"{_AGAIN} `samtools quickcheck` tells.",
            ) from error
    contigs = tuple(str(line["SN"]) for line in header.get("SQ", ()))
    lengths = tuple(int(line["LN"]) for line in header.get("SQ", ()))
    if not contigs:
        raise InputError("holds unaligned reads (no contig in the header)", path=path, remedy="Give the file of aligned reads.")
    said = Said(f"the cohort is declared {build}", f"Give alignments on {build}, or correct study.build.")
    refuse_other_build(dict(zip(contigs, lengths, strict=True)), None, build, path, said)
    _refuse_other_lengths(contigs, lengths, build, path)
    order = header.get("HD", {}).get("SO")
    if order is not None and order != "coordinate":
        raise InputError(
            "is not sorted by coordinate",
            path=path,
            value=f"SO:{order}",
            remedy=f"Sort it: samtools sort -o SORTED.bam {shlex.quote(path.name)}, then samtools index SORTED.bam.",
        )
    found = _sample_of(header, path, sample, read_groups)
    index = _check_index(path)
    if fasta is not None and is_cram:
        _refuse_other_reference(contigs, lengths, fasta, path)
    return Alignment(path, is_cram, contigs, lengths, found, None if is_cram else read_index(index, len(contigs)), fasta)


def build_of(path: str | Path) -> str | None:
    """Return the build that the contigs' lengths tell, or None where no chromosome has a known length.

    Raises
    ------
    InputError
        No whole BAM or CRAM.
    """
    import pysam

    path = Path(path)
    _check_container(path)
    with quiet():
        try:
            with pysam.AlignmentFile(str(path), check_sq=False) as file:
                found = dict(zip(file.references, file.lengths, strict=True))
        except (ValueError, OSError) as error:
            raise InputError("cannot be read: the header is damaged or the file is cut off", path=path, remedy=_AGAIN) from error
    for build in BUILDS:
        known = contig_lengths(build)
        if any(known.get(contig(name)) == length for name, length in found.items()):
            return build
    return None


@contextmanager
def quiet() -> Iterator[None]:
    """Keep htslib's own messages from stderr: ours say where and what to do."""
    import pysam

    before = pysam.set_verbosity(0)
    try:
        yield
    finally:
        pysam.set_verbosity(before)


def check_fasta(fasta: Path) -> None:
    """Refuse a FASTA that is missing or has no index.

    Raises
    ------
    InputError
    """
    if not fasta.is_file():
        raise InputError("the FASTA is missing", path=fasta, remedy=f"Correct {_KEY}.fasta (or --reference).")
    if not fasta.with_name(fasta.name + ".fai").exists():
        raise InputError("the FASTA has no index", path=fasta, remedy=f"Write it: samtools faidx {shlex.quote(fasta.name)}.")


def _check_container(path: Path) -> bool:
    """Refuse what is no whole BAM or CRAM by its first and last bytes; return whether it is a CRAM."""
    import gzip
    import zlib

    try:
        if path.is_dir():
            raise InputError("is a folder, not a file", path=path)
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(1 << 16)
            file.seek(max(0, size - 64))
            end = file.read()
    except FileNotFoundError as error:
        raise InputError(
            "the file is missing", path=path, remedy="Correct the path; those of a samples sheet are relative to it."
        ) from error
    if not size:
        raise InputError("the file is empty", path=path, remedy="Run the aligner again, or leave the file out.")
    if start[:4] == b"CRAM":
        # version 2.0 and older have no end-of-file container
        if (start[4], start[5]) > (2, 0) and b"EOF" not in end:
            raise InputError("the file is cut off (the container that ends a CRAM is not there)", path=path, remedy=_AGAIN)
        return True
    if start[:2] == b"\x1f\x8b":
        try:
            first = zlib.decompressobj(31).decompress(start, 4)
        except (zlib.error, gzip.BadGzipFile) as error:
            raise InputError("is damaged: its first block cannot be unpacked", path=path, remedy=_AGAIN) from error
        if first == b"BAM\1":
            if not (start[3] & 4 and start[12:14] == b"BC"):
                raise InputError(
                    "is a BAM packed with gzip, not with bgzip", path=path, remedy="Write it again with samtools view -b."
                )
            if not end.endswith(_EOF):
                raise InputError("the file is cut off (the block that ends a BGZF file is not there)", path=path, remedy=_AGAIN)
            return False
        start = first
    how = f"Make one: samtools sort -o SORTED.bam {shlex.quote(path.name)}, then samtools index SORTED.bam."
    if start[:1] == b"@" and start[:2] not in (b"@\n", b"@ "):
        what = "is SAM text (or FASTQ), not BAM or CRAM"
        raise InputError(what, path=path, remedy=how)
    raise InputError("is no BAM or CRAM", path=path, remedy="A samples sheet's column 'bam' names indexed alignments.")


def _check_index(path: Path) -> Path:
    index = index_of(path)
    how = f"samtools index {shlex.quote(path.name)}"
    if index is None:
        raise InputError("has no index beside it (.bai, .csi, .crai)", path=path, remedy=f"Write it: {how}.")
    # both may be written within one tick of the clock, or copied a moment apart in any order
    if os.stat(index).st_mtime + 1 < os.stat(path).st_mtime:
        raise InputError("the index is older than its file", path=index, remedy=f"Write it again: {how}.")
    return index


def _refuse_other_lengths(contigs: tuple[str, ...], lengths: tuple[int, ...], build: str, path: Path) -> None:
    """Refuse a header whose chromosomes have lengths of no build (mouse, CHM13): positions would mean nothing."""
    ours = contig_lengths(build)
    wrong = [(name, size) for name, size in zip(contigs, lengths, strict=True) if contig(name) in ours]
    if wrong and all(ours[contig(name)] != size for name, size in wrong):
        name, size = wrong[0]
        raise InputError(
            f"the contigs have the lengths of neither {build} nor {other(build)}",
            path=path,
            value=f"{name} of {size} bases ({build}: {ours[contig(name)]})",
            remedy=f"Give alignments on {build}.",
        )


def _sample_of(header: dict[str, object], path: Path, sample: str | None, read_groups: str) -> str | None:
    groups = header.get("RG", ())
    assert isinstance(groups, list | tuple)
    names = list(dict.fromkeys(str(group["SM"]) for group in groups if "SM" in group))
    if read_groups == "ignore":
        return names[0] if len(names) == 1 else None
    ignore = f"set {_KEY}.read_groups: ignore (--read-groups ignore)"
    if not names:
        raise InputError(
            "has no read groups with a sample (@RG SM): whose reads these are cannot be checked",
            path=path,
            remedy=f"Add them: samtools addreplacerg -r ID:1 -r SM:{sample or 'SAMPLE'} -o NEW.bam {shlex.quote(path.name)}; "
            f"or, where you are sure, {ignore}.",
        )
    if len(names) > 1:
        raise InputError(
            f"holds reads of {len(names)} samples",
            path=path,
            value=", ".join(names[:10]),
            remedy=f"Give one file per sample (samtools split); or, where they are one, {ignore}.",
        )
    if sample is not None and names[0] != sample:
        raise InputError(
            f"is of another sample: its read groups say {names[0]}, the samples sheet {sample}",
            path=path,
            value=names[0],
            remedy=f"Are two files swapped? Correct the sheet or the read groups (samtools addreplacerg); or {ignore}.",
        )
    return names[0]


def _refuse_other_reference(contigs: tuple[str, ...], lengths: tuple[int, ...], fasta: Path, path: Path) -> None:
    rows = (line.split("\t") for line in fasta.with_name(fasta.name + ".fai").read_text(encoding="utf-8").splitlines())
    given = {cells[0]: int(cells[1]) for cells in rows if len(cells) >= 2}
    what = "Give the FASTA that the CRAM was written with."
    shared = [(name, size) for name, size in zip(contigs, lengths, strict=True) if name in given]
    if not shared:
        raise InputError(
            "the reference has none of the CRAM's contigs", path=fasta, value=f"{contigs[0]} of {path.name}", remedy=what
        )
    for name, size in shared:
        if given[name] != size:
            raise InputError(
                f"is not the reference of {path.name}: contig {name} has {given[name]} bases, in the CRAM {size}",
                path=fasta,
                remedy=what,
            )
