"""VEP's CSQ, SnpEff's ANN and bcftools' BCSQ in a VCF record -> effects, one per alternative allele, gene and transcript.

The header says which field there is and what its parts are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from resistance.consequences import meaning, nearest
from resistance.errors import InputError
from resistance.hgvs import coding_change, exon_number, protein_change
from resistance.read.population import Field, population_names

FIELDS = ("CSQ", "ANN", "BCSQ")
_ANN = "Allele|Annotation|Annotation_Impact|Gene_Name|Gene_ID|Feature_Type|Feature_ID|Transcript_BioType|Rank|HGVS.c|HGVS.p"
_BCSQ = ("Consequence", "gene", "transcript", "biotype", "strand", "amino_acid_change", "dna_change")


@dataclass(frozen=True)
class Effect:
    """What one allele of a record does to one gene on one transcript."""

    allele: int
    gene: str
    consequence: str
    effect_class: str
    hgvsc: str | None
    hgvsp: str | None
    residue: int | None
    exon: int | None
    transcript: str | None
    impact: str
    picked: bool | None
    source: str


@dataclass
class AnnotationField:
    """One annotation field of a file.

    Parameters
    ----------
    name : str
        One of :data:`FIELDS`.
    parts : sequence of str
        Names of the parts that '|' separates.
    path : Path
        The file, for messages.
    populations : mapping of str to Field
        Parts that state a population frequency.
    """

    name: str
    parts: Sequence[str]
    path: Path
    populations: Mapping[str, Field] = field(default_factory=dict)
    _compound: dict[tuple[str, int], list[str]] = field(default_factory=dict)

    def effects(self, entries: Sequence[str], chrom: str, pos: int, alleles: Sequence[str]) -> Iterator[Effect]:
        """Give the effects of a record.

        Parameters
        ----------
        entries : sequence of str
            The field's values.
        chrom, pos : str, int
            As the record has them.
        alleles : sequence of str
            REF, then every ALT, as the record has them.

        Yields
        ------
        Effect
            ``allele`` is the index of the ALT, 1-based.

        Raises
        ------
        InputError
            A consequence is none that the package knows.
        """
        if self.name == "BCSQ":
            yield from self._bcsq(entries, chrom, pos, alleles)
            return
        names = _vep_names(alleles) if self.name == "CSQ" else {alt: i for i, alt in enumerate(alleles[1:], start=1)}
        for entry in entries:
            cells = dict(zip(self.parts, entry.split("|"), strict=False))
            effect = self._csq(cells, names, alleles) if self.name == "CSQ" else self._ann(cells, names, alleles)
            if effect is not None:
                yield effect

    def frequencies(self, entries: Sequence[str], alleles: Sequence[str]) -> Iterator[tuple[int, str, str, str]]:
        """Give what a record states of population frequencies: allele, part, text, and the allele as VEP writes it.

        Each once; every transcript repeats what is known of the place.
        """
        if not self.populations:
            return
        names = _vep_names(alleles)
        seen: set[tuple[str, ...]] = set()
        for entry in entries:
            cells = dict(zip(self.parts, entry.split("|"), strict=False))
            found = tuple(cells.get(part, "") for part in ("ALLELE_NUM", "Allele", *self.populations))
            if found in seen or not any(found[2:]):
                continue
            seen.add(found)
            allele = _csq_allele(cells, names, alleles)
            for part, text in zip(self.populations, found[2:], strict=True):
                if text and allele:
                    yield allele, part, text, found[1]

    def _meaning(self, text: str) -> tuple[str, str, str]:
        known = meaning(text)
        if known.unknown:
            close = nearest(known.unknown[0])
            raise InputError(
                f"INFO/{self.name} holds a consequence that this package does not know",
                path=self.path,
                value=text,
                remedy=f"Did you mean {close}? " * bool(close) + "Annotate with a current VEP, SnpEff or bcftools csq.",
            )
        return known.consequence, known.effect_class, known.impact

    def _csq(self, cells: Mapping[str, str], names: Mapping[str, int], alleles: Sequence[str]) -> Effect | None:
        gene = cells.get("SYMBOL", "") or ("" if "SYMBOL" in self.parts else cells.get("Gene", ""))
        if not gene or cells.get("Feature_type", "Transcript") not in ("Transcript", ""):
            return None
        allele = _csq_allele(cells, names, alleles)
        if not allele:
            return None
        terms, effect_class, impact = self._meaning(cells.get("Consequence", "") or "sequence_variant")
        hgvsc, transcript = coding_change(cells.get("HGVSc", ""), cells.get("Feature") or None)
        hgvsp, residue = protein_change(cells.get("HGVSp", ""))
        if hgvsp is None:
            hgvsp, residue = _from_amino_acids(cells.get("Amino_acids", ""), cells.get("Protein_position", ""))
        flags = [flag for flag in ("PICK", "MANE_SELECT", "CANONICAL") if flag in self.parts]
        picked = None
        # the first flag that the file has is its choice: --pick goes before MANE, MANE before canonical
        if flags:
            picked = cells.get(flags[0], "") not in ("", "NO", "0")
        return Effect(
            allele,
            gene,
            terms,
            effect_class,
            hgvsc,
            hgvsp,
            residue,
            exon_number(cells.get("EXON", "")),
            transcript,
            cells.get("IMPACT") or impact,
            picked,
            "file:CSQ",
        )

    def _ann(self, cells: Mapping[str, str], names: Mapping[str, int], alleles: Sequence[str]) -> Effect | None:
        gene = cells.get("Gene_Name", "")
        if not gene or cells.get("Feature_Type", "transcript") not in ("transcript", ""):
            return None
        allele = names.get(cells.get("Allele", ""), 1 if len(alleles) == 2 else 0)
        if not allele:
            return None
        terms, effect_class, impact = self._meaning(cells.get("Annotation", "") or "sequence_variant")
        if "intergenic" in terms:  # its gene names are the neighbours
            return None
        hgvsc, transcript = coding_change(cells.get("HGVS.c", ""), cells.get("Feature_ID") or None)
        hgvsp, residue = protein_change(cells.get("HGVS.p", ""))
        exon = exon_number(cells.get("Rank", "")) if "intron" not in terms else None
        own = cells.get("Annotation_Impact") or impact
        return Effect(allele, gene, terms, effect_class, hgvsc, hgvsp, residue, exon, transcript, own, None, "file:ANN")

    def _bcsq(self, entries: Sequence[str], chrom: str, pos: int, alleles: Sequence[str]) -> Iterator[Effect]:
        written = []
        for entry in entries:
            if entry.startswith("@"):
                # a change of several records is written out at one of them
                written += self._compound.get((chrom, int(entry[1:])), []) if entry[1:].isdigit() else []
            else:
                written.append(entry)
                if "+" in entry.rsplit("|", 1)[-1]:
                    self._compound.setdefault((chrom, pos), []).append(entry)
        for entry in dict.fromkeys(written):
            cells = dict(zip(_BCSQ, entry.split("|"), strict=False))
            gene = cells.get("gene", "")
            if not gene:
                continue
            after_stop = cells["Consequence"].startswith("*")
            terms, effect_class, impact = self._meaning(cells["Consequence"].replace("*", ""))
            hgvsp, residue = _from_bcsq(cells.get("amino_acid_change", ""), effect_class)
            for allele in _bcsq_alleles(cells.get("dna_change", ""), pos, alleles):
                yield Effect(
                    allele,
                    gene,
                    terms,
                    # behind a stop on the same haplotype nothing is made that could change
                    "other" if after_stop else effect_class,
                    None,
                    hgvsp,
                    residue,
                    None,
                    cells.get("transcript") or None,
                    impact,
                    None,
                    "file:BCSQ",
                )


def fields_of(descriptions: Mapping[str, str], path: Path) -> list[AnnotationField]:
    """Return the annotation fields that a header declares.

    Parameters
    ----------
    descriptions : mapping of str to str
        INFO name -> its Description in the header.
    path : Path

    Raises
    ------
    InputError
        CSQ is declared without its format.
    """
    found = []
    for name in FIELDS:
        if name not in descriptions:
            continue
        text = descriptions[name]
        if name == "BCSQ":
            found.append(AnnotationField(name, _BCSQ, path))
            continue
        match = re.search(r"[Ff]ormat:\s*([^\"]+)" if name == "CSQ" else r"'([^']+\|[^']+)'", text)
        parts = (match.group(1) if match else "" if name == "CSQ" else _ANN).strip().strip("'").split("|")
        if len(parts) < 2:
            raise InputError(
                "the header declares INFO/CSQ without its 'Format: Allele|Consequence|...'",
                path=path,
                remedy="Keep the header that VEP writes.",
            )
        # older SnpEff headers put blanks around the bars and two names into one part
        names = [part.strip().split(" / ")[0] for part in parts]
        found.append(AnnotationField(name, names, path, population_names("csq", names) if name == "CSQ" else {}))
    return found


def _csq_allele(cells: Mapping[str, str], names: Mapping[str, int], alleles: Sequence[str]) -> int:
    """Return the index of the ALT that an entry of CSQ speaks of, 0 where it is none of the record's."""
    number = cells.get("ALLELE_NUM", "")
    allele = int(number) if number.isdigit() else names.get(cells.get("Allele", ""), 1 if len(alleles) == 2 else 0)
    return allele if 0 < allele < len(alleles) else 0


def _vep_names(alleles: Sequence[str]) -> dict[str, int]:
    """Return how VEP may write each ALT of a record: without the shared first base where it holds an indel."""
    ref, alts = alleles[0], alleles[1:]
    plain = [alt for alt in alts if alt not in ("*", "<NON_REF>", ".")]
    indel = any(len(alt) != len(ref) for alt in plain)
    shared = indel and all(alt[:1] == ref[:1] for alt in plain)
    names: dict[str, int] = {}
    for i, alt in enumerate(alts, start=1):
        names.setdefault((alt[1:] or "-") if shared and alt in plain else alt, i)
    for i, alt in enumerate(alts, start=1):
        names.setdefault(alt, i)
    for i, alt in enumerate(alts, start=1):  # vep --minimal trims each allele by itself
        start = 0
        while start < min(len(ref), len(alt)) and ref[start] == alt[start]:
            start += 1
        names.setdefault(alt[start:] or "-", i)
    return names


def _from_amino_acids(change: str, position: str) -> tuple[str | None, int | None]:
    """Return the protein change of VEP's Amino_acids 'L/P' at Protein_position '265' or '265/317'."""
    start = re.match(r"\d+", position)
    if start is None:
        return None, None
    number = int(start.group())
    before, slash, after = change.partition("/")
    if len(before) == 1 and not slash:
        return f"{before}{number}=", number
    if len(before) == 1 and len(after) == 1 and before.isalpha() and (after.isalpha() or after == "*") and after != "X":
        return f"{before}{number}{after}", number
    return None, number


def _from_bcsq(change: str, effect_class: str) -> tuple[str | None, int | None]:
    """Return the protein change of bcftools' '265L>265P', or only the first changed residue of longer ones."""
    match = re.fullmatch(r"(\d+)([A-Z*]+)[.*\d]*(?:>(\d+)([A-Z*]+)[.*\d]*)?", change)
    if match is None:
        start = re.match(r"\d+", change)
        return None, int(start.group()) if start else None
    number, before, _, after = match.groups()
    if after is None:
        return (f"{before}{number}=" if len(before) == 1 else None), int(number)
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    residue = int(number) + min(same, len(before) - 1)
    if len(before) == len(after) == 1 and effect_class != "start_lost":
        return f"{before}{number}{after}", int(number)
    return (f"{before[0]}{number}?" if effect_class == "start_lost" else None), residue


def _bcsq_alleles(dna: str, pos: int, alleles: Sequence[str]) -> list[int]:
    """Return which ALTs a dna_change ('38182641T>C+38182650G>A') speaks of."""
    if len(alleles) == 2:
        return [1]
    here = [part.split(">") for part in dna.split("+") if re.match(rf"{pos}[A-Z]+>", part)]
    named = {(ref.removeprefix(str(pos)), alt) for ref, alt in here}
    return [i for i, alt in enumerate(alleles[1:], start=1) if (alleles[0], alt) in named]
