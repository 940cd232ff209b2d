"""A VCF or BCF and a reference bundle -> a table of effects, one row per variant and gene, and one of carriers; no cohort.

The fast way for a file of any size: only the panel's records are read, each site is annotated once
whatever the number of samples, and no data frame is made.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from resistance.annotate.aliases import aliases_of
from resistance.annotate.domains import domain_of
from resistance.annotate.effects import Effect, count_left_out, effects_of_placed, refuse_other_bases
from resistance.annotate.flags import flags_of
from resistance.annotate.phased import Compound, compounds
from resistance.annotate.placing import Given, Placed, Places
from resistance.annotate.reference import Reference, open_reference
from resistance.annotate.transcripts import load_transcripts
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.vcf_container import how_to_index
from resistance.read.vcf_sites import Record, SiteFile
from resistance.tables import replacing

#: columns of the table of effects; the first are those of the schema ``effects``
EFFECTS = (
    *("build", "chrom", "pos", "ref", "alt", "gene", "consequence", "effect_class", "hgvsc", "hgvsp", "residue", "exon"),
    *("transcript", "impact", "domain", "aliases", "flags", "filter", "record", "in_cis_with", "samples"),
)
CARRIERS = ("sample_id", "build", "chrom", "pos", "ref", "alt", "genotype", "phase", "alt_count", "depth", "vaf")
#: a genotype with one alternative allele on every copy
_ALIKE = re.compile(r"\t([1-9]\d*)(?:/\1)*(?![/|\d])")
TWICE = "the variant stands in an earlier record too: this one, and who carries it here, is left out"
#: variants that are held at once
AT_ONCE = 50_000


@dataclass(frozen=True)
class Annotated:
    """What was written.

    Parameters
    ----------
    variants, effects, carriers, joined : int
        Distinct variants in the genes; rows of effects; rows of carriers; groups of variants that were read together.
    left_out : list of (str, int, str)
        Reason, number and an example of what could not be annotated.
    indexed : bool
        Whether the file was read through its index.
    """

    variants: int
    effects: int
    carriers: int
    joined: int
    left_out: list[tuple[str, int, str]]
    indexed: bool


def annotate_file(
    path: Path, reference: Path, out: Path, *, carriers: Path | None = None, warn: Callable[[str], None] = lambda _: None
) -> Annotated:
    """Annotate the records of a VCF that lie in the panel's genes.

    Parameters
    ----------
    path : Path
        VCF (plain or BGZF) or BCF.  With an index (.tbi, .csi) only the genes' records are read; without
        one the file is read once from end to end, and `warn` is told.
    reference : Path
        ``reference.json`` of a bundle (see :func:`resistance.annotate.reference.build_reference`).
    out : Path
        Table of effects (TSV): the columns of :data:`EFFECTS`.  A row per variant and gene on the naming
        transcript, whatever FILTER says.  ``record`` is the record as the file writes it.  Variants that samples
        have on one copy and that have to be read together have a further row each: ``in_cis_with`` names
        the others, ``samples`` the samples.
    carriers : Path, optional
        Table of carriers (TSV): the columns of :data:`CARRIERS`, a row per sample and variant of `out`.
    warn : callable
        Takes a sentence.

    Returns
    -------
    Annotated

    Raises
    ------
    InputError
        The file or the bundle cannot be read or belong to different builds; or more than a tenth of the
        variants have other reference bases, with the likely cause.  Nothing is written then.
    """
    _check_outputs([path, reference], [out] if carriers is None else [out, carriers])
    bundle = open_reference(reference)
    places = Places(bundle, legacy=False)
    file = SiteFile(path, bundle.build)
    if not file.indexed:
        warn(f"{path} has no index: it is read from end to end. Make one for the next time: {how_to_index(path)}")
    if missing := sorted({t.gene for t in load_transcripts(bundle.build)} - bundle.genes.keys()):
        warn(f"the reference has no bases of {_some(missing, 'gene')}: variants there are not annotated")
    if bundle.not_whole:
        warn(
            f"the coding sequence of {_some(sorted(bundle.not_whole), 'gene')} is not whole in the reference: names may be wrong"
        )
    if carriers is not None and not file.samples:
        warn(f"{path} has no samples: the table of carriers has no rows")
    with ExitStack() as stack:
        effects = stack.enter_context(stack.enter_context(replacing(out)).open("w", encoding="utf-8", newline=""))
        effects.write("\t".join(EFFECTS) + "\n")
        carried = None
        if carriers is not None:
            carried = stack.enter_context(stack.enter_context(replacing(carriers)).open("w", encoding="utf-8", newline=""))
            carried.write("\t".join(CARRIERS) + "\n")
        counts = _Writer(bundle, places, file, effects, carried)
        counts.write(file.records(places.regions()))
        problem = refuse_other_bases(places.wrong, counts.checked, places, bundle.build, str(path))
        if problem is not None:
            raise InputError([problem])
    if file.elsewhere:
        warn(f"no gene of the panel lies on {_some(file.elsewhere, 'contig')} of {path}: no chromosomes of {bundle.build}")
    if not counts.variants:
        warn(f"{path} has no small variant in the genes of the reference ({len(places.models)} genes of {bundle.build})")
    dropped = Dropped("annotate")
    count_left_out(places, bundle, dropped)
    for reason, n in sorted(file.left_out.items()):
        dropped.add("calls", path, reason, n, file.examples[reason])
    left_out = [(row["reason"], row["n"], row["example"]) for row in dropped.rows()]
    return Annotated(counts.variants, counts.effects, counts.carriers, counts.joined, left_out, file.indexed)


def _some(names: Sequence[str], what: str) -> str:
    return f"{len(names)} {what}{'s' * (len(names) > 1)} ({', '.join(names[:5])}{', ...' * (len(names) > 5)})"


def _check_outputs(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Refuse to write over what is read, over each other, or where no file can be written; before anything is read."""
    taken = {path.resolve(): "is read by this command" for path in inputs}
    for path in outputs:
        why = taken.get(path.resolve())
        if why is None and path.is_dir():
            why = "is a folder, not a file"
        elif why is None and path.exists() and not path.is_file():
            why = "is no file that can be replaced by a table"
        if why is not None:
            raise InputError(why, path=path, remedy="Give another path for the table.")
        taken[path.resolve()] = "is given for two tables"
        folder = next(folder for folder in path.absolute().parents if folder.exists())
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise InputError("cannot be written here", path=path, value=folder, remedy="Give a folder in which you may write.")


class _Writer:
    """Takes records in portions, annotates each variant once, and writes rows."""

    def __init__(self, reference: Reference, places: Places, file: SiteFile, effects: IO[str], carriers: IO[str] | None) -> None:
        self._reference, self._places, self._file, self._out, self._carriers = reference, places, file, effects, carriers
        self.effects = self.carriers = self.joined = 0
        self._seen: set[Given] = set()
        self._phased: dict[str, dict[Given, str]] = {}

    @property
    def variants(self) -> int:
        """Distinct variants that touch a gene."""
        return len(self._seen)

    @property
    def checked(self) -> int:
        """Variants whose reference bases were compared."""
        return self.variants - len(self._places.unplaced)

    def write(self, records: Iterable[Record]) -> None:
        """Annotate and write all records."""
        # FILTER and the record's name, not the record: a portion would hold the cells of a thousand samples
        names: dict[Given, tuple[str, str]] = {}
        portion: list[Placed] = []
        for record in records:
            taken: dict[int, list[Placed]] = {}
            for number, given in record.variants:
                if given in self._seen:
                    self._file.leave(TWICE, f"{record.chrom}:{record.pos} {record.ref}>{record.alts}")
                    continue
                placed = self._places.place_one(given)
                if placed is None:
                    continue
                self._seen.add(given)
                if placed:
                    names[given] = record.filter, f"{record.chrom}:{record.pos}:{record.ref}:{record.alts}"
                    portion += placed
                    taken[number] = placed
            if taken and record.samples:
                self._carry(record, taken)
            if len(portion) >= AT_ONCE:
                self._annotate(portion, names)
                portion, names = [], {}
        self._annotate(portion, names)
        self._join()

    def _carry(self, record: Record, taken: dict[int, list[Placed]]) -> None:
        """Write the carriers of a record's variants, and keep the phase of those in coding bases."""
        phased = "|" in record.samples or "/" not in record.samples or _ALIKE.search(record.samples) is not None
        coding = {n for n, ps in taken.items() if self._places.is_coding(ps[0].given, [p.gene for p in ps])} if phased else set()
        if self._carriers is None and not coding:
            return
        where = {n: "\t".join((self._reference.build, *map(str, placed[0].given))) for n, placed in taken.items()}
        for number, carrier in self._file.carriers(record):
            if number not in taken:
                continue
            given = taken[number][0].given
            if number in coding and carrier.phase is not None:
                self._phased.setdefault(carrier.sample_id, {})[given] = carrier.phase
            if self._carriers is not None:
                self.carriers += 1
                sample, genotype, phase, alt_count, depth, vaf = carrier
                fraction = "NA" if vaf is None else f"{vaf:.6g}"
                self._carriers.write(
                    f"{sample}\t{where[number]}\t{genotype or 'NA'}\t{phase or 'NA'}\t{_or_na(alt_count)}\t{_or_na(depth)}\t{fraction}\n"
                )

    def _annotate(self, portion: list[Placed], names: dict[Given, tuple[str, str]]) -> None:
        for effect in effects_of_placed(portion, self._reference, self._places):
            self._row(effect, *names[effect[:4]], None, None)

    def _join(self) -> None:
        for one in compounds(self._phased, self._reference, self._places):
            self.joined += 1
            for member in one.members:
                others = ";".join("{}:{} {}>{}".format(*other) for other in one.members if other != member)
                self._row(_effect_of(one, member), None, None, others, ",".join(one.samples))

    def _row(self, effect: Effect, filter_: str | None, record: str | None, others: str | None, samples: str | None) -> None:
        self.effects += 1
        build = self._reference.build
        chrom, pos, ref, alt, gene, consequence, effect_class, coding, protein, residue, exon, transcript, impact, _ = effect
        domain = aliases = None
        if protein is not None:
            domain = domain_of(build, gene, transcript, pos, ref, alt, residue, protein, effect_class)
            aliases = aliases_of(build, gene, transcript, pos, ref, alt, residue, protein)
        flags = flags_of(build, chrom, pos, ref, gene, effect_class)
        self._out.write(
            f"{build}\t{chrom}\t{pos}\t{ref}\t{alt}\t{gene}\t{consequence or 'NA'}\t{effect_class}\t{coding or 'NA'}\t"
            f"{protein or 'NA'}\t{residue or 'NA'}\t{exon or 'NA'}\t{transcript}\t{impact}\t{domain or 'NA'}\t{aliases or 'NA'}\t"
            f"{flags or 'NA'}\t{filter_ or 'NA'}\t{record or 'NA'}\t{others or 'NA'}\t{samples or 'NA'}\n"
        )


def _effect_of(one: Compound, member: Given) -> Effect:
    return Effect(
        *member,
        one.gene,
        one.consequence,
        one.effect_class,
        one.hgvsc,
        one.hgvsp,
        one.residue,
        one.exon,
        one.transcript,
        one.impact,
        True,
    )


def _or_na(number: int | None) -> str:
    return "NA" if number is None else str(number)
