"""A genome FASTA -> a small indexed bundle with the bases of the panel's genes, checked against the build; and back.

No human sequence is shipped.  The bundle has one contig per gene, so that nothing but the genes takes
room; ``reference.json`` says where on the genome each of them begins.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance.annotate.transcripts import Model, Transcript, load_transcripts
from resistance.contigs import contig_lengths, other
from resistance.errors import InputError
from resistance.layout import REFERENCE_FACTS
from resistance.tables import write_text
from resistance.variant import BUILDS

if TYPE_CHECKING:
    import pysam

#: bases before and after a gene: indels in repeats are shifted within them
MARGIN = 500
#: share of coding sequences that must begin with ATG and end with a stop before a FASTA is believed
LEAST_WHOLE = 0.9
#: not compressed: every start of a command reads it whole
FASTA, FACTS = "panel.fa", REFERENCE_FACTS


class Stretch:
    """The bases of a gene in a file that is mapped into memory; a part is decoded when it is asked for.

    Parameters
    ----------
    data : mmap
    start, n : int
        Place of the first base in the file; number of bases.
    """

    __slots__ = ("_data", "_n", "_start")

    def __init__(self, data: mmap.mmap, start: int, n: int) -> None:
        self._data, self._start, self._n = data, start, n

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, key: slice) -> str:
        first, last, _ = key.indices(self._n)
        return self._data[self._start + first : self._start + max(first, last)].decode("latin-1")


@dataclass(frozen=True)
class Reference:
    """A bundle.

    Parameters
    ----------
    folder : Path
    build : str
    genes : dict
        Gene -> ``chrom``, ``start`` and ``end`` (1-based, both included) of its contig.
    data : mmap or None
        The FASTA as it stands in the file.
    not_whole : frozenset of str
        Genes whose coding sequence is not whole in it (no start, no stop, or one within): their names may be wrong.
    """

    folder: Path
    build: str
    genes: dict[str, dict[str, Any]]
    data: mmap.mmap | None = field(default=None, repr=False, compare=False)
    not_whole: frozenset[str] = frozenset()

    @property
    def fasta(self) -> Path:
        """The indexed FASTA."""
        return self.folder / FASTA

    def bases(self) -> dict[str, Stretch]:
        """Return the bases of each gene's contig."""
        # build_reference writes a line for each gene, sorted, so that no index is needed to read all of them
        out: dict[str, Stretch] = {}
        at = 0
        if self.data is None:
            return out
        for gene, where in sorted(self.genes.items()):
            at += len(gene) + 2
            end = at + int(where["end"]) - int(where["start"]) + 1
            out[gene] = Stretch(self.data, at, end - at)
            at = end + 1
        return out

    def models(self, *, legacy: bool = True) -> dict[str, list[Model]]:
        """Return the transcripts of each gene of the bundle with their bases, the naming one first; without `legacy`, it alone."""
        bases = self.bases()
        out: dict[str, list[Model]] = {}
        for transcript in load_transcripts(self.build):
            at = self.genes.get(transcript.gene)
            if at is not None and (legacy or transcript.role != "legacy"):
                model = Model(transcript, bases[transcript.gene], int(at["start"]))
                out.setdefault(transcript.gene, []).append(model)
        return out


def build_reference(
    fasta: Path, build: str, out: Path, progress: Callable[[Iterable[str]], Iterable[str]] = iter
) -> dict[str, Any]:
    """Extract the panel's genes from a genome.

    Parameters
    ----------
    fasta : Path
        Indexed FASTA (.fai; .gzi beside a bgzip file), with or without 'chr'.
    build : str
        GRCh37 or GRCh38.
    out : Path
        Folder of the bundle; made where it is missing.
    progress : callable
        Wraps the genes, to show how far it is.

    Returns
    -------
    dict
        What stands in ``reference.json``: build, source, genes, those ``without_bases``, those
        ``not_whole`` (no start codon, a stop within, or no stop at the end), checksum.

    Raises
    ------
    InputError
        The file is missing, is no indexed FASTA, or is another build: with the evidence.
    """
    import pysam

    if not fasta.is_file():
        raise InputError("the FASTA is missing", path=fasta, remedy="Give the genome that the variants were called on.")
    try:
        genome = pysam.FastaFile(str(fasta))
    except (OSError, ValueError) as error:
        raise InputError("not readable as an indexed FASTA", path=fasta, remedy="Index it with samtools faidx.") from error
    with genome:
        names = {name.removeprefix("chr"): name for name in genome.references}
        _refuse_other_build(genome, names, build, fasta)
        spans = _spans(load_transcripts(build))
        bases: dict[str, str] = {}
        missing = []
        for gene in progress(list(spans)):
            chrom, start, end = spans[gene]
            found = genome.fetch(names[chrom], start - 1, end).upper() if chrom in names else ""
            if found.count("N") == len(found):
                missing.append(gene)
            else:
                bases[gene] = found
    genes = {g: {"chrom": spans[g][0], "start": spans[g][1], "end": spans[g][1] + len(b) - 1} for g, b in bases.items()}
    whole = {
        t.gene: _is_whole(Model(t, bases[t.gene], spans[t.gene][1]))
        for t in load_transcripts(build)
        if t.gene in bases and t.role != "legacy"
    }
    known = [gene for gene, state in whole.items() if state is not None]
    broken = sorted(gene for gene in known if not whole[gene])
    if not known:
        raise InputError("has no bases where the panel's genes lie", path=fasta, remedy="Give the whole genome.")
    if len(broken) > (1 - LEAST_WHOLE) * len(known):
        raise InputError(
            f"{len(broken)} of {len(known)} genes have no whole coding sequence where {build} has it ({', '.join(broken[:5])} ...)",
            path=fasta,
            remedy=f"Is this {build}? Give the genome that the variants were called on.",
        )
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / FASTA, "".join(f">{gene}\n{text}\n" for gene, text in sorted(bases.items())))
    pysam.faidx(str(out / FASTA))
    facts = {
        "build": build,
        "source": fasta.name,
        "sha256": hashlib.sha256((out / FASTA).read_bytes()).hexdigest(),
        "genes": dict(sorted(genes.items())),
        "without_bases": sorted(missing),
        "not_whole": broken,
    }
    write_text(out / FACTS, json.dumps(facts, indent=2, sort_keys=True) + "\n")
    return facts


def open_reference(path: Path, build: str | None = None) -> Reference:
    """Open a bundle.

    Parameters
    ----------
    path : Path
        Its ``reference.json``, or the folder that holds it.
    build : str, optional
        Build of the cohort, which the bundle must have.

    Raises
    ------
    InputError
        It is missing, damaged, of another build, or made for other transcripts than those of this version.
    """
    wanted = "" if build is None else f" --build {build}"
    remedy = f"Make it with `resistance reference build --fasta GENOME{wanted} --out FOLDER` and name FOLDER/{FACTS}."
    if path.is_dir():
        path = path / FACTS
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError("the reference is missing", path=path, remedy=remedy) from error
    except (ValueError, OSError) as error:
        raise InputError("is no reference.json", path=path, remedy=remedy) from error
    if not _is_facts(facts):
        raise InputError("is no reference.json", path=path, remedy=remedy)
    if facts["build"] not in BUILDS:
        raise InputError("is a reference of a build that is not known", path=path, value=facts["build"], remedy=remedy)
    if build is not None and facts["build"] != build:
        raise InputError(f"is a reference of {facts['build']}, and the cohort is {build}", path=path, remedy=remedy)
    fasta = path.parent / FASTA
    wrong = InputError("the bases beside it are missing or not those that it names", path=path, remedy=remedy)
    if not fasta.is_file() or not fasta.stat().st_size:
        raise wrong
    with fasta.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if hashlib.sha256(data).hexdigest() != facts["sha256"]:
        raise wrong
    genes: dict[str, dict[str, Any]] = facts["genes"]
    for t in load_transcripts(facts["build"]):
        at = genes.get(t.gene)
        if at is not None and not (at["chrom"] == t.chrom and at["start"] <= t.start and t.end <= at["end"]):
            raise InputError(
                f"has not all bases of {t.transcript} ({t.gene}), so it was made by another version", path=path, remedy=remedy
            )
    return Reference(path.parent, facts["build"], genes, data, frozenset(facts.get("not_whole", ())))


def _is_facts(facts: object) -> bool:
    """Return whether a JSON value has what :func:`build_reference` writes."""
    if not isinstance(facts, dict) or not {"build", "sha256", "genes"} <= facts.keys() or not isinstance(facts["genes"], dict):
        return False
    places = facts["genes"].values()
    return all(
        isinstance(at, dict) and isinstance(at.get("chrom"), str) and all(isinstance(at.get(k), int) for k in ("start", "end"))
        for at in places
    )


def _refuse_other_build(genome: pysam.FastaFile, names: dict[str, str], build: str, path: Path) -> None:
    """Compare the lengths of the contigs with those of the builds."""
    for chrom, right in contig_lengths(build).items():
        there = genome.get_reference_length(names[chrom]) if chrom in names else right
        if there != right:
            is_other = contig_lengths(other(build))[chrom] == there
            looks = f"as in {other(build)}" if is_other else "as in no build known here"
            raise InputError(
                f"contig {chrom} has {there:,} bases, {looks}; in {build} it has {right:,}",
                path=path,
                remedy=f"Give a FASTA of {build}" + (f", or say --build {other(build)}." if is_other else "."),
            )


def _spans(transcripts: Iterable[Transcript]) -> dict[str, tuple[str, int, int]]:
    out: dict[str, tuple[str, int, int]] = {}
    for t in transcripts:
        chrom, start, end = out.get(t.gene, (t.chrom, t.start, t.end))
        out[t.gene] = (chrom, min(start, t.start), max(end, t.end))
    return {gene: (chrom, max(1, start - MARGIN), end + MARGIN) for gene, (chrom, start, end) in sorted(out.items())}


def _is_whole(model: Model) -> bool | None:
    """Return whether the coding sequence begins, ends and does not stop within; None where bases are not known."""
    if (model.coding.stop - model.coding.start) % 3:
        return False
    if "X" in model.protein:
        return None
    return model.protein.startswith("M") and model.protein.find("*") == len(model.protein) - 1
