"""Placed variants -> what each does to each transcript of its gene, in the words of bcftools csq (through pysam).

Source: Danecek & McCarthy 2017, doi:10.1093/bioinformatics/btx100.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from resistance.annotate.placing import Placed
from resistance.annotate.reference import Reference
from resistance.annotate.transcripts import Model

#: consequences of one record that csq may hold; far more than a gene has transcripts here
_MOST = "64"
#: csq keeps the number and position of its last contig in static variables, which outlive a call within one process, and
#: refuses a next file that begins on a contig of the same number before that position.  So the contigs of a call are
#: numbered from here on, and those of the next from twice as much: never as in a file that somebody else gave it
_FILLERS = 1000
_CALLS = itertools.count()


def consequences(placed: Sequence[Placed], reference: Reference, models: Mapping[str, list[Model]]) -> list[dict[str, str]]:
    """Return for each placed variant csq's words by transcript, joined by '&'.

    Each variant is looked at by itself.  Words that csq says of the gene and no transcript (an intron)
    stand under ''.  A leading '*' (behind a stop of the same haplotype) is left out.
    """
    import pysam.bcftools

    with tempfile.TemporaryDirectory() as folder:
        vcf, gff, done = (Path(folder) / name for name in ("in.vcf", "models.gff3", "out.vcf"))
        genes = dict.fromkeys(p.gene for p in placed)
        gff.write_text("".join(_gff(reference, {gene: models[gene] for gene in genes})), encoding="ascii")
        vcf.write_text("".join(_vcf(placed, reference, models)), encoding="ascii")
        pysam.bcftools.csq(
            *("-f", str(reference.fasta), "-g", str(gff), "-l", "-n", _MOST, "-O", "v", "-o", str(done), str(vcf)),
            catch_stdout=False,
        )
        out: list[dict[str, str]] = [{} for _ in placed]
        with done.open(encoding="ascii") as file:
            for line in file:
                if line[0] == "#":
                    continue
                cells = line.rstrip("\n").split("\t", 8)
                found = out[int(cells[2])]
                for entry in cells[7].removeprefix("BCSQ=").split(","):
                    parts = entry.split("|", 3)
                    if len(parts) > 2:  # splice_region stands in an entry of its own beside the coding word
                        word = parts[0].lstrip("*")
                        found[parts[2]] = f"{found[parts[2]]}&{word}" if parts[2] in found else word
    return out


class Joined(NamedTuple):
    """Variants of one copy that csq reads together, and its words for them on the naming transcript."""

    members: tuple[Placed, ...]
    words: str


def joined_consequences(
    haplotypes: Sequence[tuple[Placed, ...]], reference: Reference, models: Mapping[str, list[Model]]
) -> Iterator[tuple[int, Joined]]:
    """Yield the number of a haplotype, and variants of it that csq reads together.

    Parameters
    ----------
    haplotypes : sequence of tuple of Placed
        Variants on one copy of one gene.
    reference : Reference
    models : mapping
        Gene -> transcripts with bases, the naming one first.
    """
    import pysam.bcftools

    placed = list(dict.fromkeys(p for haplotype in haplotypes for p in haplotype))
    written = {p: _alleles(p, models) for p in placed}
    holders = {p: [p in haplotype for haplotype in haplotypes] for p in placed}
    with tempfile.TemporaryDirectory() as folder:
        vcf, gff, done = (Path(folder) / name for name in ("in.vcf", "models.gff3", "out.txt"))
        genes = {p.gene: models[p.gene][:1] for p in placed}
        gff.write_text("".join(_gff(reference, genes)), encoding="ascii")
        vcf.write_text("".join(_vcf(placed, reference, models, holders)), encoding="ascii")
        pysam.bcftools.csq(
            *("-f", str(reference.fasta), "-g", str(gff), "-p", "a", "-n", _MOST, "-O", "t", "-o", str(done), str(vcf)),
            catch_stdout=False,
        )
        for line in dict.fromkeys(done.read_text(encoding="ascii").splitlines()):
            if not line.startswith("CSQ\t"):
                continue
            _, sample, _, gene, _, entry = line.split("\t")
            parts = entry.split("|")
            if entry.startswith("@") or len(parts) < 7 or "+" not in parts[6]:
                continue
            changes = set(parts[6].split("+"))
            haplotype = haplotypes[int(sample)]
            members = tuple(p for p in haplotype if p.gene == gene and "{}{}>{}".format(*written[p]) in changes)
            yield int(sample), Joined(members, parts[0].lstrip("*"))


def _alleles(placed: Placed, models: Mapping[str, list[Model]]) -> tuple[int, str, str]:
    """Return position on the gene's contig and alleles as VCF writes them."""
    _, gene, pos, ref, alt = placed
    model = models[gene][0]
    if ref == "-":
        ref = model.base(pos)
        alt = ref + alt
    elif alt == "-":
        pos -= 1
        alt = model.base(pos)
        ref = alt + ref
    return pos - model.offset + 1, ref, alt


def _vcf(
    placed: Sequence[Placed],
    reference: Reference,
    models: Mapping[str, list[Model]],
    holders: Mapping[Placed, Sequence[bool]] | None = None,
) -> Iterable[str]:
    """Write variants; with `holders`, one sample per haplotype, numbered, that has on its first copy what the haplotype holds."""
    genes = {gene: i for i, gene in enumerate(dict.fromkeys(one.gene for one in placed))}
    yield "##fileformat=VCFv4.2\n"
    yield "".join([f"##contig=<ID=unused_{i}>\n" for i in range(_FILLERS * (1 + next(_CALLS) % 2))])
    for gene in genes:
        at = reference.genes[gene]
        yield f"##contig=<ID={gene},length={int(at['end']) - int(at['start']) + 1}>\n"
    columns = ""
    if holders is not None:
        yield '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
        columns = "".join(["\tFORMAT", *(f"\t{i}" for i in range(len(next(iter(holders.values())))))])
    yield f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO{columns}\n"
    lines = []
    for i, one in enumerate(placed):
        pos, ref, alt = _alleles(one, models)
        cells = "" if holders is None else "\tGT\t" + "\t".join("1|0" if held else "0|0" for held in holders[one])
        lines.append((genes[one.gene], pos, i, f"{one.gene}\t{pos}\t{i}\t{ref}\t{alt}\t.\t.\t.{cells}\n"))
    lines.sort()
    for line in lines:
        yield line[3]


def _gff(reference: Reference, models: Mapping[str, list[Model]]) -> Iterator[str]:
    yield "##gff-version 3\n"
    for gene, own in models.items():
        offset = int(reference.genes[gene]["start"]) - 1
        first, last = min(m.transcript.start for m in own), max(m.transcript.end for m in own)
        strand = own[0].transcript.strand
        before, behind = ("five", "three") if strand == "+" else ("three", "five")
        named = f"ID=gene:{gene};Name={gene};biotype=protein_coding;gene_id={gene}"
        yield f"{gene}\t.\tgene\t{first - offset}\t{last - offset}\t.\t{strand}\t.\t{named}\n"
        for model in own:
            t = model.transcript
            name = t.transcript
            parent = f".\t{strand}\t.\tParent=transcript:{name}\n"
            about = f"ID=transcript:{name};Parent=gene:{gene};biotype=protein_coding;transcript_id={name}"
            yield f"{gene}\t.\tmRNA\t{t.start - offset}\t{t.end - offset}\t.\t{strand}\t.\t{about}\n"
            done = 0
            for a, b in t.exons if strand == "+" else t.exons[::-1]:
                yield f"{gene}\t.\texon\t{a - offset}\t{b - offset}\t{parent}"
                low, high = max(a, t.cds_start), min(b, t.cds_end)
                if low <= high:
                    phase = f".\t{strand}\t{-done % 3}\tID=CDS:{name};Parent=transcript:{name}\n"
                    yield f"{gene}\t.\tCDS\t{low - offset}\t{high - offset}\t{phase}"
                    done += high - low + 1
                if a < t.cds_start:
                    yield f"{gene}\t.\t{before}_prime_UTR\t{a - offset}\t{min(b, t.cds_start - 1) - offset}\t{parent}"
                if b > t.cds_end:
                    yield f"{gene}\t.\t{behind}_prime_UTR\t{max(a, t.cds_end + 1) - offset}\t{b - offset}\t{parent}"
