"""Truth tables beside the checkout -> each row compared with our names and classes, or the reason why it cannot be.

Used by ``test_truth_tables.py`` and by ``benchmarks/annotation_truth.py``, which prints the table of
``docs/annotation_truth.md``.  A row of a truth table gives up to three facts (``aspects``): the coding name, the
protein change, the class of effect; each is one :class:`Fact`.
"""

from __future__ import annotations

import csv
import functools
import gzip
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pysam

from resistance import schemas
from resistance.annotate.naming import changed_transcript, coding_name, protein_name, shift_three_prime
from resistance.annotate.native import annotate_variants
from resistance.annotate.reference import Reference, build_reference, open_reference
from resistance.annotate.transcripts import Model, Transcript, load_transcripts, translate
from resistance.consequences import meaning
from resistance.dropped import Dropped
from resistance.hgvs import protein_change
from resistance.tables import conform
from resistance.variant import trim

MDS = "mds_lenalidomide_vagrent"
#: table -> build
TABLES = {
    "dlbcl_duke_2017_vep_grch37": "GRCh37",
    "prob2020_tp53_ctnnb1_grch37": "GRCh37",
    "civic_vcf_grch37": "GRCh37",
    "cacao_civic_grch37": "GRCh37",
    "cacao_civic_grch38": "GRCh38",
    "clinvar_hgvs_grch37": "GRCh37",
    "clinvar_hgvs_grch38": "GRCh38",
    "tcga_laml_wustl_grch37": "GRCh37",
    MDS: "GRCh37",
}
#: genes whose coding bases are all in the bundle of ../shared
WHOLE = ("APC", "BRAF", "CREBBP", "CTNNB1", "KRAS", "MYD88", "TP53")
COUNTS = Path("tests/cases/annotation/counts.tsv")
DISAGREEMENTS = Path("tests/cases/annotation/disagreements.tsv")
KEY = ("table", "gene", "variant", "aspect", "theirs", "ours")
VARIANT = ["build", "chrom", "pos", "ref", "alt"]

#: what stands for no transcript; a curator's own choice is then the one that names the gene
UNNAMED = ("", "None", "NA")
#: residues by which an older transcript begins later than the one that names the gene: MYC has 439 residues from ATG
#: (UniProt P01106-1, RefSeq up to NM_002467.3) and 454 from CTG (P01106-2)
BEGINS_LATER = {("MYC", "NM_002467.3"): 15}

AGREES, DIFFERS = "agrees", "differs"
NO_GENE = "the gene is not in the panel"
NO_VARIANT = "the row gives no small variant"
NO_BASES = "the bundle has no bases there"
WRONG_BASE = "REF is not the base of the reference"
NO_ISOFORM = "numbered on an isoform that neither the panel nor GENCODE V19 has"
OTHER_FRAME = "not coding, or in another frame, on the transcript that names the gene"
NOT_NAMED = "the row names no change"
PLACEHOLDER = "the residue is given as K whatever it is"


@dataclass(frozen=True)
class Fact:
    """One statement of a truth table about a variant, and ours."""

    table: str
    gene: str
    variant: str
    kind: str  # SNV, MNV or indel
    aspect: str  # c, p or class
    theirs: str
    ours: str
    state: str  # AGREES, DIFFERS, or why it was not compared

    @property
    def key(self) -> tuple[str, ...]:
        """What a row of disagreements.tsv must say."""
        return self.table, self.gene, self.variant, self.aspect, self.theirs, self.ours


@dataclass
class Bundles:
    """The bundle of each build, and what the truth needs beside it."""

    references: dict[str, Reference]
    shared: Path
    models: dict[str, dict[str, list[Model]]] = field(default_factory=dict)

    def model(self, build: str, gene: str, transcript: str) -> Model | None:
        """Return the named transcript with the bundle's bases (N elsewhere): of the panel, else of GENCODE V19, else None."""
        plain = transcript.split(".")[0]
        for model in self._own(build).get(gene, []):
            if model.transcript.transcript.split(".")[0] == plain:
                return model
        if (gene, transcript) in BEGINS_LATER:
            model = self._own(build)[gene][0]
            assert model.transcript.strand == "+"
            first = int(model.positions[model.coding.start + 3 * BEGINS_LATER[gene, transcript]])
            return self._with_bases(build, replace(model.transcript, transcript=transcript, cds_start=first))
        return next((m for m in self.isoforms(build, gene) if m.transcript.transcript.split(".")[0] == plain), None)

    def isoforms(self, build: str, gene: str) -> list[Model]:
        """Return all known transcripts of a gene, the panel's first; GENCODE V19's are moved to GRCh38 by their borders."""
        key = f"{build}, V19"
        if key not in self.models:
            found: dict[str, list[Model]] = defaultdict(list)
            for t in gencode_v19(self.shared).values():
                moved = t if build == "GRCh37" else self._lifted(t)
                if moved is not None:
                    found[t.gene].append(self._with_bases(build, moved))
            self.models[key] = found
        return self._own(build).get(gene, []) + self.models[key].get(gene, [])

    @functools.cached_property
    def _blocks(self) -> dict[str, list[tuple[int, int, int, int, str]]]:
        return chain_blocks(self.shared / "truth" / "annotation" / "GRCh37_to_GRCh38.chain.gz")

    def _lifted(self, t: Transcript) -> Transcript | None:
        def to(pos: int) -> int:
            there = lifted(self._blocks[t.chrom], pos)
            if there is None:
                raise LookupError
            return there

        try:
            exons = tuple((to(a), to(b)) for a, b in t.exons)
            return Transcript(t.gene, t.transcript, t.role, t.chrom, t.strand, to(t.cds_start), to(t.cds_end), exons)
        except LookupError:
            return None

    def naming(self, build: str, gene: str) -> Model | None:
        """Return the transcript on which the panel names the gene."""
        models = self._own(build).get(gene)
        return models[0] if models else None

    def _own(self, build: str) -> dict[str, list[Model]]:
        if build not in self.models:
            own: dict[str, list[Model]] = defaultdict(list)
            for transcript in load_transcripts(build):
                own[transcript.gene].append(self._with_bases(build, transcript))
            self.models[build] = own
        return self.models[build]

    def _with_bases(self, build: str, t: Transcript) -> Model:
        reference = self.references[build]
        at = reference.genes.get(t.gene)
        first, last = t.start - 500, t.end + 500
        if at is None:
            return Model(t, "N" * (last - first + 1), first)
        with pysam.FastaFile(str(reference.fasta)) as fasta:
            known = fasta.fetch(t.gene).upper()
        start, end = int(at["start"]), int(at["end"])
        first, last = min(first, start), max(last, end)
        return Model(t, "N" * (start - first) + known + "N" * (last - end), first)


def make_bundles(shared: Path, folder: Path) -> Bundles:
    """Build the bundles of both builds; GRCh38's bases are those of GRCh37, placed through the chain file."""
    truth = shared / "truth" / "annotation"
    out = {}
    for build, fasta in (("GRCh37", truth / "real37.fa.gz"), ("GRCh38", grch38_fasta(shared, folder))):
        build_reference(fasta, build, folder / build)
        out[build] = open_reference(folder / build / "reference.json", build)
    return Bundles(out, shared)


# ---- GRCh38 from GRCh37


def chain_blocks(path: Path) -> dict[str, list[tuple[int, int, int, int, str]]]:
    """Return the blocks of a chain file by contig: (start, length, start on the other build, its length of contig, strand)."""
    out: dict[str, list[tuple[int, int, int, int, str]]] = defaultdict(list)
    with gzip.open(path, "rt") as file:
        for line in file:
            parts = line.split()
            if not parts:
                continue
            if parts[0] == "chain":
                name, start, size, strand, to = parts[2], int(parts[5]), int(parts[8]), parts[9], int(parts[10])
                same = parts[7] == name
                continue
            length = int(parts[0])
            if same:
                out[name].append((start, length, to, size, strand))
            if len(parts) == 3:
                start, to = start + length + int(parts[1]), to + length + int(parts[2])
    return out


def lifted(blocks: Iterable[tuple[int, int, int, int, str]], pos: int) -> int | None:
    """Return where a base (1-based) of the forward strand stands on the other build; the first (best) chain counts."""
    for start, length, to, _, strand in blocks:
        if start <= pos - 1 < start + length:
            return to + (pos - 1 - start) + 1 if strand == "+" else None
    return None


def grch38_fasta(shared: Path, folder: Path) -> Path:
    """Write a FASTA of GRCh38 that is N but for the bases of the bundle's genes, moved base by base through the chain."""
    from resistance.contigs import contig_lengths

    truth = shared / "truth" / "annotation"
    blocks = chain_blocks(truth / "GRCh37_to_GRCh38.chain.gz")
    path = folder / "real38.fa"
    genes = {t.gene: t for t in load_transcripts("GRCh37") if t.gene in WHOLE and t.role != "legacy"}
    contigs = {t.chrom: {} for t in genes.values()}
    with pysam.FastaFile(str(truth / "real37.fa.gz")) as genome:
        for t in genes.values():
            text = genome.fetch(t.chrom, t.start - 1, t.end).upper()
            for i, base in enumerate(text):
                if base != "N":
                    there = lifted(blocks[t.chrom], t.start + i)
                    assert there is not None, f"{t.gene}: {t.start + i} has no place on GRCh38"
                    contigs[t.chrom][there] = base
    lengths = contig_lengths("GRCh38")
    with path.open("wb") as file:
        for chrom, bases in contigs.items():
            text = bytearray(b"N") * lengths[chrom]
            for pos, base in bases.items():
                text[pos - 1] = ord(base)
            file.write(b">chr" + chrom.encode() + b"\n" + bytes(text) + b"\n")
    pysam.faidx(str(path))
    return path


# ---- the truth


def disagreements(path: Path) -> list[dict[str, str]]:
    """Return the listed disagreements."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@functools.cache
def gencode_v19(shared: Path) -> dict[str, Transcript]:
    """Return the transcripts of GENCODE V19 (from ../shared) by their name without version."""
    names: dict[str, str] = {}
    parts: dict[str, dict[str, Any]] = {}
    with gzip.open(shared / "truth" / "annotation" / "panel.gencodeV19.hg19.csq.gff3.gz", "rt") as file:
        for line in file:
            if line.startswith("#"):
                continue
            chrom, _, kind, a, b, _, strand, _, notes = line.rstrip("\n").split("\t")
            facts = dict(x.split("=", 1) for x in notes.split(";"))
            if kind == "gene":
                names[facts["ID"]] = facts["Name"]
            elif kind == "mRNA":
                parts[facts["ID"]] = {"gene": names[facts["Parent"]], "chrom": chrom, "strand": strand, "exon": [], "CDS": []}
            elif kind in ("exon", "CDS"):
                parts[facts["Parent"]][kind].append((int(a), int(b)))
    out = {}
    for name, found in parts.items():
        if found["CDS"]:
            cds = min(a for a, _ in found["CDS"]), max(b for _, b in found["CDS"])
            full = name.removeprefix("transcript:")
            exons = tuple(sorted(found["exon"]))
            out[full.split(".")[0]] = Transcript(found["gene"], full, "V19", found["chrom"], found["strand"], *cds, exons)
    return out


def truth_rows(shared: Path, table: str) -> list[dict[str, str]]:
    """Return the rows of a truth table as written, the MDS cohort's under the same column names."""
    if table != MDS:
        with (shared / "truth" / "annotation" / f"{table}.tsv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter="\t"))
    path = shared / "cohorts" / "mds_lenalidomide" / "ipssm_maf.tsv"
    names = {"CHR": "chrom", "START": "start", "REF": "ref", "ALT": "alt", "GENE": "gene", "cDNA_CHANGE": "hgvsc"}
    names |= {"PROTEIN_CHANGE": "hgvsp", "EFFECT": "consequence"}
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{to: row[name] for name, to in names.items()} for row in csv.DictReader(file, delimiter="\t")]
    unique = {tuple(row.values()): row | {"transcript": "", "vtype": "", "classification": ""} for row in rows}
    return list(unique.values())


def small_variant(row: dict[str, str]) -> tuple[int, str, str] | None:
    """Return the canonical variant of a row, also of one that gives only a genomic HGVS name with its bases."""
    if row["ref"] and row["alt"] and row["start"].isdigit():
        start, ref, alt = int(row["start"]), row["ref"], row["alt"]
        return (start, ref, alt) if "-" in (ref, alt) else trim(start, ref, alt)
    found = re.fullmatch(r"g\.(\d+)(?:_(\d+))?(?:(del)([ACGT]+))?(?:(ins|dup)([ACGT]+))?", row["vtype"])
    if found is None:
        return None
    first, last, deleted, added = int(found[1]), int(found[2] or found[1]), found[4], found[6]
    if found[5] == "dup":
        return last, "-", added
    if deleted and added:
        return trim(first, deleted, added)
    return (first, deleted, "-") if deleted else (first, "-", added)


def kind_of(ref: str, alt: str) -> str:
    if "-" in (ref, alt) or len(ref) != len(alt):
        return "indel"
    return "SNV" if len(ref) == 1 else "MNV"


CLASSES = {
    "Frame_Shift_Indel": "truncating",
    "In_Frame_Indel": "inframe_indel",
    "Nonsense": "truncating",
    "non_synonymous_codon": "missense",
    "synonymous_codon": "synonymous",
    "inframe_codon_loss": "inframe_indel",
    "inframe_codon_gain": "inframe_indel",
    "splice_site_variant": "splice",
    "frameshift_truncation": "truncating",
    "loss_of_function_variant&missense_variant": "missense",
    "gain_of_function_variant&missense_variant": "missense",
}


def their_class(row: dict[str, str]) -> str:
    """Return the class their word means; '' where they say nothing of the kind."""
    word = row["classification"] or row["consequence"]
    if word in ("", "coding_sequence_variant", "protein_altering_variant"):
        return ""
    return CLASSES.get(word) or meaning(word.replace(",", "&")).effect_class


def _word(row: dict[str, str]) -> str:
    return (row["classification"] or row["consequence"]).lower()


def their_coding(text: str) -> str:
    """Return a coding name without its transcript and without the bases that the nomenclature leaves out."""
    text = text.rsplit(":", 1)[-1].strip()
    if not text.startswith("c.") or "?" in text:
        return ""
    text = re.sub(r"del([ACGTacgt]+|\d+)?ins", "delins", text)
    text = re.sub(r"(del|dup)([ACGTacgt]+|\d+)$", r"\1", text)
    return re.sub(r"([a-z])(?=>|$)|(?<=>)[a-z]", lambda m: m.group().upper() if m.group() in "acgt" else m.group(), text)


def their_protein(text: str) -> str:
    """Return a protein change in one-letter form without the residues that were deleted; '' where none is named."""
    name = protein_change(text)[0] if text else None
    if name is None or name in ("..", "NULL") or not re.match(r"[A-Z*]\d", name) or "splice" in name:
        return ""
    return re.sub(r"del[A-Z]+$", "del", name)


def spellings(ours: str) -> set[str]:
    """Return ours and the shorter ways in which others write the same."""
    out = {ours}
    if found := re.fullmatch(r"([A-Z]\d+)([A-Z])fs(\*(?:\d+|\?))", ours):
        out |= {f"{found[1]}fs{found[3]}", f"{found[1]}fs", f"{found[1]}{found[2]}fs"}
    if found := re.fullmatch(r"([A-Z]\d+)\*", ours):
        out |= {f"{found[1]}fs*1", f"{found[1]}fs"}
    if found := re.fullmatch(r"(\*\d+[A-Z])ext\*.*", ours):
        out.add(found[1])
    if ours == "M1?":
        out |= {f"M1{aa}" for aa in "ACDEFGHIKLNPQRSTVWY"}
    return out


def compare(bundles: Bundles, table: str) -> Iterator[Fact]:
    """Compare a truth table with our annotation, fact by fact."""
    build = TABLES[table]
    reference = bundles.references[build]
    rows = [(row, small_variant(row)) for row in truth_rows(bundles.shared, table)]
    known = [(row, v) for row, v in rows if v is not None and row["gene"] in reference.genes]
    variants = pd.DataFrame([{"build": build, "chrom": row["chrom"], "pos": v[0], "ref": v[1], "alt": v[2]} for row, v in known])
    variants = conform(variants.assign(sample_id="S", source=table).drop_duplicates(), schemas.CALLS)
    own = annotate_variants(variants, reference, Dropped("annotate"))
    effects: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for effect in own.astype(object).where(own.notna(), None).to_dict("records"):
        key = effect["gene"], str(effect["chrom"]), int(effect["pos"]), effect["ref"], effect["alt"]
        effects[key].append(effect)
    isoforms = _isoforms_by_numbering(bundles, build, rows)
    for row, variant in rows:
        yield from _facts(bundles, table, row, variant, effects, isoforms)


def _isoforms_by_numbering(bundles: Bundles, build: str, rows: list[Any]) -> dict[tuple[str, str], Model | None]:
    """Return on which transcript the names of a table count, where we do not know their transcript by its name.

    It is the first (the one that names the gene comes first) that has at least nine tenths of the coding names; none otherwise.
    """
    wanted: dict[tuple[str, str], list[tuple[int, str, str, str]]] = defaultdict(list)
    for row, v in rows:
        known = wanted[row["gene"], row["transcript"].split(".")[0]]
        if v is not None and (coding := their_coding(row["hgvsc"])):
            known.append((*v, coding))
    out: dict[tuple[str, str], Model | None] = {}
    for (gene, name), own in wanted.items():
        models = bundles.isoforms(build, gene)
        snvs = [x for x in own if kind_of(x[1], x[2]) == "SNV"] or own
        score = [sum(_counts_so(m, pos, ref, alt, coding) for pos, ref, alt, coding in snvs) for m in models]
        fits = [m for m, n in zip(models, score, strict=True) if n >= 0.9 * len(snvs)]
        out[gene, name] = fits[0] if fits else None
    return out


def _counts_so(model: Model, pos: int, ref: str, alt: str, coding: str) -> bool:
    """Return whether a transcript counts as a name does; of an insertion or deletion within some bases, since it may be shifted."""
    if kind_of(ref, alt) == "SNV":
        return coding_name(model, pos, ref, alt) == coding
    number = re.match(r"c\.([*-]?\d+(?:[+-]\d+)?)", coding)
    return number is not None and number[1] in {model.c_position(pos + i) for i in range(-30, 31)}


def _facts(
    bundles: Bundles,
    table: str,
    row: dict[str, str],
    variant: tuple[int, str, str] | None,
    effects: Any,
    isoforms: dict[tuple[str, str], Model | None],
) -> Iterator[Fact]:
    build, gene = TABLES[table], row["gene"]
    theirs = {"c": their_coding(row["hgvsc"]), "p": their_protein(row["hgvsp"]), "class": their_class(row)}
    theirs = {aspect: text for aspect, text in theirs.items() if text}
    label = (
        f"{row['chrom']}:{row['start']} {row['ref']}>{row['alt']}"
        if variant is None
        else f"{row['chrom']}:{variant[0]} {variant[1]}>{variant[2]}"
    )
    kind = "none" if variant is None else kind_of(*variant[1:])

    def fact(aspect: str, ours: str, state: str) -> Fact:
        return Fact(table, gene, label, kind, aspect, theirs.get(aspect, ""), ours, state)

    naming = bundles.naming(build, gene)
    if naming is None or variant is None or not theirs:
        state = NO_GENE if naming is None else NO_VARIANT if variant is None else NOT_NAMED
        for aspect in theirs or ("any",):
            yield fact(aspect, "", state)
        return
    pos, ref, alt = variant
    named = row["transcript"]
    model = None if named in UNNAMED else bundles.model(build, gene, named)
    model = model or (naming if named in UNNAMED and table != MDS else isoforms[gene, named.split(".")[0]])
    if model is None:
        for aspect in theirs:
            yield fact(aspect, "", NO_ISOFORM)
        return
    there = "".join(model.base(pos + i) for i in range(len(ref))) if ref != "-" else ""
    found = effects.get((gene, row["chrom"], pos, ref, alt), [])
    if not found:
        if ref != "-" and "N" not in there and there != ref:
            for aspect in theirs:
                yield fact(aspect, there, WRONG_BASE)
            return
        # a coding name of a substitution needs no bases
        for aspect in theirs:
            if aspect == "c" and kind == "SNV":
                ours = coding_name(model, pos, ref, alt) or ""
                yield fact("c", ours, AGREES if ours == theirs["c"] else DIFFERS)
            elif aspect == "class" and "frame" in _word(row) and (frame := frame_class(model, pos, ref, alt)):
                yield fact("class", frame, AGREES if frame == theirs["class"] else DIFFERS)
            else:
                yield fact(aspect, "", NO_BASES)
        return
    plain = model.transcript.transcript.split(".")[0]
    effect = next((e for e in found if e["transcript"].split(".")[0] == plain), None)
    if effect is not None:
        ours = {"c": (effect["hgvsc"] or ":").split(":")[1], "p": effect["hgvsp"] or "", "class": effect["effect_class"]}
    else:  # on a model that is not in the panel: names by the same code, the class is that of the naming transcript
        shifted = shift_three_prime(model, pos, ref, alt)
        picked = next(e for e in found if e["picked"])
        ours = {
            "c": coding_name(model, *shifted) or "",
            "p": protein_name(model, *shifted) or "",
            "class": picked["effect_class"],
        }
    for aspect, text in theirs.items():
        same = text in spellings(ours["p"]) if aspect == "p" else text == ours[aspect]
        state = AGREES if same else DIFFERS
        if aspect == "class" and effect is None and not _same_frame(model, naming, pos, ref):
            state = OTHER_FRAME
        elif not same and aspect == "p" and re.fullmatch(r"K\d+(fs\*|_K\d+(del|insK+))", text) and table.startswith("prob2020"):
            state = PLACEHOLDER
        elif (not same and kind != "SNV" and _unknown(model, pos, ref, alt) and (aspect == "class" or not ours[aspect])) or (
            not same and aspect == "p" and not ours["p"] and "X" in model.protein
        ):
            state = NO_BASES
        yield fact(aspect, ours[aspect], state)


def _same_frame(one: Model, other: Model, pos: int, ref: str) -> bool:
    places = [(m, m.index(pos)) for m in (one, other)]
    if any(at is None or not m.coding.start <= at < m.coding.stop for m, at in places):
        return False
    first, second = ((at or 0) - m.coding.start for m, at in places)
    return first % 3 == second % 3


def _unknown(model: Model, pos: int, ref: str, alt: str) -> bool:
    """Return whether unknown bases leave open where an insertion or deletion is to be placed, or where the new frame ends."""
    pos, ref, alt = shift_three_prime(model, pos, ref, alt)
    if any(model.base(p) == "N" for p in range(pos - len(alt), pos + len(ref) + len(alt) + 1)):
        return True
    changed = changed_transcript(model, pos, ref, alt)
    return changed is not None and "X" in translate(changed[0][model.coding.start :], to_stop=True)


def frame_class(model: Model, pos: int, ref: str, alt: str) -> str | None:
    """Return what the length alone says of an insertion or deletion within one coding exon, None elsewhere."""
    ends = (pos, pos + 1) if ref == "-" else (pos, pos + len(ref) - 1)
    places = [model.index(p) for p in ends]
    if None in places or any(not model.coding.start <= p < model.coding.stop for p in places if p is not None):
        return None
    return "truncating" if (len(ref.replace("-", "")) - len(alt.replace("-", ""))) % 3 else "inframe_indel"
