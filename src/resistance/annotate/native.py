"""Variants, a reference bundle -> their effects on the panel's transcripts, without any annotation in the files.

What a variant does is bcftools csq's word (through pysam); how it is called is computed from the bases.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance import schemas
from resistance.annotate.naming import coding_name, protein_name, shift_three_prime
from resistance.annotate.reference import Reference
from resistance.annotate.transcripts import Model, Transcript
from resistance.consequences import meaning
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.hgvs import protein_change
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "native:csq"
VARIANT = ["build", "chrom", "pos", "ref", "alt"]
#: share of variants whose reference bases may disagree before the whole cohort is refused
MOST_WRONG = 0.1
_LOOK_BACK = 50


@dataclass(frozen=True)
class _Placed:
    """A variant on one gene, shifted to the 3' end of its transcript, and as the cohort writes it."""

    given: tuple[Any, ...]
    model: Model
    pos: int
    ref: str
    alt: str


def annotate_variants(variants: pd.DataFrame, reference: Reference, dropped: Dropped) -> pd.DataFrame:
    """Annotate variants.

    Parameters
    ----------
    variants : DataFrame
        build, chrom, pos, ref, alt, canonical; a variant may stand several times.
    reference : Reference
        Of the same build.
    dropped : Dropped
        Takes variants whose reference bases are not those of the bundle, and those it has no bases for.

    Returns
    -------
    DataFrame
        Schema ``effects``: a row per variant and transcript of the genes it lies in; ``picked`` on
        MANE Select (or the closest model).  Variants outside the genes have none.

    Raises
    ------
    InputError
        More than a tenth of the variants in the genes disagree with the reference: another build,
        another naming, or the other strand.
    """
    models = reference.models()
    variants = variants[VARIANT].drop_duplicates()
    placed, wrong, unknown = [], [], 0
    for gene, given in _by_gene(variants, reference):
        _, _, pos, ref, alt = given
        model = models[gene][0]
        there = "".join(model.base(pos + i) for i in range(len(ref))) if ref != "-" else ""
        if "N" in there:
            unknown += 1
        elif ref != "-" and there != ref:
            wrong.append((given, there))
        else:
            placed += [_Placed(given, each, *shift_three_prime(each, pos, ref, alt)) for each in models[gene]]
    distinct = {given for given, _ in wrong}
    fine = {p.given for p in placed}
    if distinct and len(distinct) > MOST_WRONG * len(distinct | fine):
        (_, chrom, pos, ref, alt), there = wrong[0]
        raise InputError(
            f"{len(distinct)} of {len(distinct | fine)} variants have another reference base than {reference.build}, such as "
            f"{chrom}:{pos} {ref}>{alt} where the reference has {there}",
            path=reference.folder,
            remedy="The calls are of another build, on the other strand, or the reference is of another genome.",
        )
    for given, there in wrong:
        _, chrom, pos, ref, alt = given
        dropped.add(
            "effects", str(reference.fasta.name), "the reference base is another", 1, f"{chrom}:{pos} {ref}>{alt}, here {there}"
        )
    dropped.add("effects", str(reference.fasta.name), "the reference has no bases here", unknown, None)
    if not placed:
        return empty(schemas.EFFECTS)
    words = _csq(placed, reference, models)
    rows = [row for i, p in enumerate(placed) if (row := _row(p, words.get(i)))]
    return conform(_frame(rows), schemas.EFFECTS)


def instead_of_file(effects: pd.DataFrame, own: pd.DataFrame, reference: Reference, dropped: Dropped) -> pd.DataFrame:
    """Return own effects in the genes of the reference, and the files' effects in all other genes.

    The files' effects that give way are counted.  A variant that the reference cannot name (another
    base, no bases) keeps the files' effect.
    """
    import pandas as pd

    named = own[VARIANT].drop_duplicates().assign(_named=True)
    known = (
        effects.merge(named, on=VARIANT, how="left")["_named"].notna().to_numpy()
        & effects["gene"].isin(reference.genes).to_numpy()
    )
    for source, rows in effects[known].groupby("source", sort=True):
        dropped.add("effects", str(source), "own annotation takes its place", len(rows), None)
    return conform(pd.concat([effects[~known], own], ignore_index=True), schemas.EFFECTS)


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=list(schemas.EFFECTS.names)).sort_values(
        [*VARIANT, "gene", "transcript"], kind="stable", ignore_index=True
    )


def _by_gene(variants: pd.DataFrame, reference: Reference) -> Iterable[tuple[str, tuple[Any, ...]]]:
    """Yield (gene, variant) for each variant that lies wholly within the contig of a gene."""
    for gene, at in reference.genes.items():
        near = variants[
            (variants["chrom"] == at["chrom"]) & variants["pos"].between(at["start"] + _LOOK_BACK, at["end"] - _LOOK_BACK)
        ]
        for build, chrom, pos, ref, alt in near[VARIANT].itertuples(index=False):
            if int(pos) + len(str(ref)) <= int(at["end"]) - _LOOK_BACK:
                yield gene, (str(build), str(chrom), int(pos), str(ref), str(alt))


def _row(placed: _Placed, word: str | None) -> dict[str, Any] | None:
    model, t = placed.model, placed.model.transcript
    if word is None:
        return None
    found = meaning(word)
    coding = coding_name(model, placed.pos, placed.ref, placed.alt)
    protein = protein_name(model, placed.pos, placed.ref, placed.alt)
    return dict(zip(VARIANT, placed.given, strict=True)) | {
        "gene": t.gene,
        "consequence": found.consequence,
        "effect_class": found.effect_class,
        "hgvsc": None if coding is None else f"{t.transcript}:{coding}",
        "hgvsp": protein,
        "residue": None if protein is None else protein_change(protein)[1],
        "exon": _exon(t, placed.pos),
        "transcript": t.transcript,
        "impact": found.impact,
        "picked": t.role != "legacy",
        "source": SOURCE,
    }


def _exon(t: Transcript, pos: int) -> int | None:
    for i, (first, last) in enumerate(t.exons):
        if first <= pos <= last:
            return i + 1 if t.strand == "+" else len(t.exons) - i
    return None


def _csq(placed: list[_Placed], reference: Reference, models: Mapping[str, list[Model]]) -> dict[int, str]:
    """Return bcftools csq's words by the number of the placed variant, joined by '&'."""
    import pysam.bcftools

    out: dict[int, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        vcf, gff, done = (Path(folder) / name for name in ("in.vcf", "models.gff3", "out.vcf"))
        gff.write_text("".join(_gff(reference, models)), encoding="ascii")
        vcf.write_text("".join(_vcf(placed, reference)), encoding="ascii")
        pysam.bcftools.csq(
            "-f", str(reference.fasta), "-g", str(gff), "-l", "-n", "64", "-O", "v", "-o", str(done), str(vcf), catch_stdout=False
        )
        with done.open(encoding="ascii") as file:
            for line in file:
                if line.startswith("#"):
                    continue
                _, _, number, _, _, _, _, info = line.rstrip("\n").split("\t")[:8]
                wanted = placed[int(number)].model.transcript.transcript
                for entry in info.removeprefix("BCSQ=").split(","):
                    parts = entry.split("|")
                    if len(parts) > 2 and parts[2] == wanted:
                        out[int(number)] = parts[0].lstrip("*")
    return out


def _vcf(placed: list[_Placed], reference: Reference) -> Iterable[str]:
    yield "##fileformat=VCFv4.2\n"
    for gene, at in reference.genes.items():
        yield f"##contig=<ID={gene},length={int(at['end']) - int(at['start']) + 1}>\n"
    yield "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    lines = []
    for i, p in enumerate(placed):
        start = int(reference.genes[p.model.transcript.gene]["start"])
        if p.ref == "-":
            base = p.model.base(p.pos)
            pos, ref, alt = p.pos, base, base + p.alt
        elif p.alt == "-":
            base = p.model.base(p.pos - 1)
            pos, ref, alt = p.pos - 1, base + p.ref, base
        else:
            pos, ref, alt = p.pos, p.ref, p.alt
        lines.append((p.model.transcript.gene, pos - start + 1, f"\t{i}\t{ref}\t{alt}\t.\t.\t.\n"))
    order = {gene: i for i, gene in enumerate(reference.genes)}
    for gene, pos, rest in sorted(lines, key=lambda x: (order[x[0]], x[1], x[2])):
        yield f"{gene}\t{pos}{rest}"


def _gff(reference: Reference, models: Mapping[str, list[Model]]) -> Iterable[str]:
    yield "##gff-version 3\n"
    for gene, own in models.items():
        offset = int(reference.genes[gene]["start"]) - 1
        first, last = min(m.transcript.start for m in own), max(m.transcript.end for m in own)
        strand = own[0].transcript.strand

        def line(
            kind: str, a: int, b: int, notes: str, phase: str = ".", gene: str = gene, offset: int = offset, strand: str = strand
        ) -> str:
            return f"{gene}\t.\t{kind}\t{a - offset}\t{b - offset}\t.\t{strand}\t{phase}\t{notes}\n"

        yield line("gene", first, last, f"ID=gene:{gene};Name={gene};biotype=protein_coding;gene_id={gene}")
        for model in own:
            t = model.transcript
            parent = f"Parent=transcript:{t.transcript}"
            yield line(
                "mRNA",
                t.start,
                t.end,
                f"ID=transcript:{t.transcript};Parent=gene:{gene};biotype=protein_coding;transcript_id={t.transcript}",
            )
            done = 0
            for a, b in t.exons if strand == "+" else t.exons[::-1]:
                yield line("exon", a, b, parent)
                low, high = max(a, t.cds_start), min(b, t.cds_end)
                if low <= high:
                    yield line("CDS", low, high, f"ID=CDS:{t.transcript};{parent}", str(-done % 3))
                    done += high - low + 1
                if a < t.cds_start:
                    yield line("five_prime_UTR" if strand == "+" else "three_prime_UTR", a, min(b, t.cds_start - 1), parent)
                if b > t.cds_end:
                    yield line("three_prime_UTR" if strand == "+" else "five_prime_UTR", max(a, t.cds_end + 1), b, parent)
