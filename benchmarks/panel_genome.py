"""A simulated genome with the panel's genes, and VCFs on it, for the benchmark of the annotation; the same seed, the same bytes.

python benchmarks/panel_genome.py FOLDER

The genome has the contigs of GRCh37 and bases only where the panel's genes are (N elsewhere, as in a masked
genome).  Every coding sequence begins with ATG, has no stop within and ends with one, so that all genes are
annotated; all other bases are drawn.  The VCFs stand on it: REF is right wherever there are bases, indels are left aligned.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pysam
from numpy.typing import NDArray
from pyarrow import csv

from resistance.annotate.transcripts import CODONS, Transcript, load_transcripts
from resistance.contigs import contig_lengths

BUILD = "GRCh37"
#: bases before and after a gene that are known too
FLANK = 2_000
#: share of records that are drawn as indels: those that are not left aligned (a quarter) become SNVs, 15 % stay
INDELS = 0.2
MOST_BASES = 24
LINE = 100
CHUNK = 250_000
BASES = np.frombuffer(b"ACGT", dtype=np.uint8)
SAMPLE = "TUMOUR"
INFO = (
    ("DP", "Integer", "Depth of all samples"),
    ("FS", "Float", "Strand bias"),
    ("MQ", "Float", "Mapping quality"),
    ("QD", "Float", "Quality by depth"),
    ("SOR", "Float", "Strand odds ratio"),
)
#: share of sites that are common; the others' allele frequencies follow 1/x up to RARE_TO
COMMON, RARE_TO = 0.02, 0.05


@dataclass(frozen=True)
class Genome:
    """Islands of known bases.

    Parameters
    ----------
    lengths : dict
        Contig -> length.
    islands : dict
        Contig -> list of (first position, bases), in order, 1-based.
    spans : list of (chrom, start, end)
        The genes, 1-based, both included, in the order of the genome.
    """

    lengths: dict[str, int]
    islands: dict[str, list[tuple[int, NDArray[np.uint8]]]]
    spans: list[tuple[str, int, int]]

    def bases(self, chrom: str, pos: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
        """Return a row of `width` bases from each position on; N where none are known."""
        out = np.full((len(pos), width), ord("N"), dtype=np.uint8)
        for start, known in self.islands.get(chrom, ()):
            low, high = np.searchsorted(pos, [start - width + 1, start + len(known)])
            at = pos[low:high, None] - start + np.arange(width)
            inside = (at >= 0) & (at < len(known))
            out[low:high][inside] = known[at[inside]]
        return out


def simulate_genome(seed: int = 1) -> Genome:
    """Draw the genome."""
    draw = np.random.default_rng([seed, 0])
    lengths = {chrom: n for chrom, n in contig_lengths(BUILD).items() if chrom != "Y"}
    transcripts = [t for t in load_transcripts(BUILD) if t.chrom in lengths]
    order = {chrom: i for i, chrom in enumerate(lengths)}
    genes: dict[str, tuple[str, int, int]] = {}
    for t in transcripts:
        _, start, end = genes.get(t.gene, (t.chrom, t.start, t.end))
        genes[t.gene] = (t.chrom, min(start, t.start), max(end, t.end))
    spans = sorted(genes.values(), key=lambda s: (order[s[0]], s[1]))
    islands: dict[str, list[tuple[int, NDArray[np.uint8]]]] = {}
    for chrom, group in itertools.groupby(spans, key=lambda s: s[0]):
        merged: list[list[int]] = []
        for _, start, end in group:
            first, last = max(1, start - FLANK), min(lengths[chrom], end + FLANK)
            if merged and first <= merged[-1][1] + 1:
                merged[-1][1] = max(merged[-1][1], last)
            else:
                merged.append([first, last])
        islands[chrom] = [(first, BASES[draw.integers(0, 4, last - first + 1)]) for first, last in merged]
    sense = np.array([list(codon.encode()) for codon, residue in sorted(CODONS.items()) if residue != "*"], dtype=np.uint8)
    for t in transcripts:
        if t.role != "legacy":  # it shares its exons with the transcript that names variants, perhaps in another frame
            _write_coding(t, islands[t.chrom], sense[draw.integers(0, len(sense), _coding(t).size // 3 + 1)])
    return Genome(lengths, islands, spans)


def _coding(t: Transcript) -> NDArray[np.int64]:
    """Return the positions of the coding bases in the direction of the transcript."""
    pos = np.concatenate([np.arange(max(a, t.cds_start), min(b, t.cds_end) + 1) for a, b in t.exons])
    return pos if t.strand == "+" else pos[::-1]


def _write_coding(t: Transcript, islands: list[tuple[int, NDArray[np.uint8]]], codons: NDArray[np.uint8]) -> None:
    pos = _coding(t)
    codons[0] = list(b"ATG")
    codons[pos.size // 3 - 1] = list(b"TGA")
    bases = codons.ravel()[: pos.size]
    if t.strand == "-":
        bases = np.frombuffer(bases.tobytes().translate(bytes.maketrans(b"ACGT", b"TGCA")), dtype=np.uint8)
    start, known = next((start, known) for start, known in islands if start <= t.start < start + len(known))
    known[pos - start] = bases


def write_fasta(genome: Genome, path: Path) -> None:
    """Write the genome as FASTA (3.1 GB: tools seek in it faster than in BGZF), with its index."""
    with path.open("wb") as file:
        for chrom, length in genome.lengths.items():
            lines = -(-length // LINE)
            text = np.full((lines, LINE + 1), ord("N"), dtype=np.uint8)
            text[:, LINE] = ord("\n")
            for start, known in genome.islands.get(chrom, ()):
                at = np.arange(start - 1, start - 1 + len(known))
                text[at // LINE, at % LINE] = known
            file.write(f">{chrom}\n".encode())
            file.write(text[:-1].tobytes() + text[-1, : length - LINE * (lines - 1)].tobytes() + b"\n")
    pysam.faidx(str(path))


def write_bed(genome: Genome, path: Path) -> None:
    """Write the genes' spans, for tools that take regions."""
    path.write_text("".join(f"{chrom}\t{start - 1}\t{end}\n" for chrom, start, end in genome.spans), encoding="ascii")


def _transcripts(genome: Genome) -> list[Transcript]:
    order = {chrom: i for i, chrom in enumerate(genome.lengths)}
    return sorted((t for t in load_transcripts(BUILD) if t.chrom in order), key=lambda t: (order[t.chrom], t.gene))


def _parts(t: Transcript) -> Iterator[tuple[str, int, int, str]]:
    """Yield kind, first, last and phase of the exons and coding parts, in the direction of the transcript."""
    coded = 0
    for a, b in t.exons if t.strand == "+" else reversed(t.exons):
        yield "exon", a, b, "."
        low, high = max(a, t.cds_start), min(b, t.cds_end)
        if low <= high:
            yield "CDS", low, high, str(-coded % 3)
            coded += high - low + 1


def write_gff(genome: Genome, path: Path) -> None:
    """Write the panel's transcripts on the genome as GFF3 in the dialect of Ensembl, which bcftools csq reads."""
    lines = ["##gff-version 3\n"]
    for gene, own in itertools.groupby(_transcripts(genome), key=lambda t: t.gene):
        models = list(own)
        chrom, strand = models[0].chrom, models[0].strand

        def line(kind: str, a: int, b: int, notes: str, phase: str = ".", chrom: str = chrom, strand: str = strand) -> None:
            lines.append(f"{chrom}\tpanel\t{kind}\t{a}\t{b}\t.\t{strand}\t{phase}\t{notes}\n")

        first, last = min(t.start for t in models), max(t.end for t in models)
        line("gene", first, last, f"ID=gene:{gene};Name={gene};biotype=protein_coding;gene_id={gene}")
        for t in models:
            parent = f"Parent=transcript:{t.transcript}"
            named = f"ID=transcript:{t.transcript};Parent=gene:{gene};biotype=protein_coding;transcript_id={t.transcript}"
            line("mRNA", t.start, t.end, named)
            five, three = ("five_prime_UTR", "three_prime_UTR") if strand == "+" else ("three_prime_UTR", "five_prime_UTR")
            for kind, a, b, phase in _parts(t):
                line(kind, a, b, parent if kind == "exon" else f"ID=CDS:{t.transcript};{parent}", phase)
                if kind == "exon" and a < t.cds_start:
                    line(five, a, min(b, t.cds_start - 1), parent)
                if kind == "exon" and b > t.cds_end:
                    line(three, max(a, t.cds_end + 1), b, parent)
    path.write_text("".join(lines), encoding="ascii")


def write_gtf(genome: Genome, path: Path) -> None:
    """Write the panel's transcripts on the genome as GTF, from which SnpEff builds its database."""
    lines = []
    for gene, own in itertools.groupby(_transcripts(genome), key=lambda t: t.gene):
        models = list(own)
        of_gene = f'gene_id "{gene}"; gene_name "{gene}"; gene_biotype "protein_coding";'

        def line(t: Transcript, kind: str, a: int, b: int, notes: str, phase: str = ".") -> None:
            lines.append(f"{t.chrom}\tpanel\t{kind}\t{a}\t{b}\t.\t{t.strand}\t{phase}\t{notes}\n")

        line(models[0], "gene", min(t.start for t in models), max(t.end for t in models), of_gene)
        for t in models:
            notes = f'{of_gene} transcript_id "{t.transcript}"; transcript_biotype "protein_coding";'
            line(t, "transcript", t.start, t.end, notes)
            for kind, a, b, phase in _parts(t):
                line(t, kind, a, b, notes, phase)
    path.write_text("".join(lines), encoding="ascii")


def draw_positions(genome: Genome, records: int, in_genes: int | None, draw: np.random.Generator) -> dict[str, NDArray[np.int64]]:
    """Draw distinct positions, `in_genes` of them in the genes' spans (None: as dense there as elsewhere).

    Returns
    -------
    dict
        Contig -> positions, in order.
    """
    starts = dict(zip(genome.lengths, np.cumsum([0, *genome.lengths.values()])[:-1].tolist(), strict=True))
    total = sum(genome.lengths.values())
    low = np.array([starts[chrom] + start for chrom, start, _ in genome.spans])
    high = np.array([starts[chrom] + end for chrom, _, end in genome.spans])

    def distinct(n: int, inside: bool | None) -> NDArray[np.int64]:
        found = np.empty(0, dtype=np.int64)
        while len(found) < n:
            if inside:  # a span by its length, then a base of it
                span = draw.choice(len(low), 2 * n, p=(high - low + 1) / (high - low + 1).sum())
                more = draw.integers(low[span], high[span] + 1)
            else:
                more = draw.integers(1, total + 1, n + n // 10)
                if inside is not None:
                    span = np.searchsorted(low, more, side="right") - 1
                    more = more[(span < 0) | (more > high[span])]
            found = np.unique(np.concatenate([found, more]))
        return np.delete(found, draw.choice(len(found), len(found) - n, replace=False))

    if in_genes is None:
        pos = distinct(records, None)
    else:
        pos = np.sort(np.concatenate([distinct(in_genes, True), distinct(records - in_genes, False)]))
    ends = [*list(starts.values())[1:], total]
    out = {}
    for (chrom, start), end in zip(starts.items(), ends, strict=True):
        out[chrom] = pos[(pos > start) & (pos <= end)] - start
    return out


def draw_alleles(
    genome: Genome, chrom: str, pos: NDArray[np.int64], draw: np.random.Generator
) -> tuple[NDArray[np.bytes_], NDArray[np.bytes_]]:
    """Draw REF and ALT: two transitions for a transversion; of the indels half are deletions, a quarter duplications."""
    n, width = len(pos), MOST_BASES + 1
    known = genome.bases(chrom, pos, width)
    known = np.where(known == ord("N"), BASES[draw.integers(0, 4, (n, width))], known)
    size = np.minimum(draw.geometric(0.35, n), MOST_BASES)
    kind = draw.choice(3, n, p=(0.5, 0.25, 0.25))  # deletion, duplication of what follows, other insertion
    wanted = (draw.random(n) < INDELS) & (pos + width < genome.lengths[chrom])
    column = np.arange(width)
    new = np.where((kind == 2)[:, None], BASES[draw.integers(0, 4, (n, width))], known)
    new[:, 0] = known[:, 0]
    # left aligned: the last base that goes or comes is not the one before
    wanted &= new[np.arange(n), size] != new[:, 0]
    code = np.searchsorted(BASES, known[:, 0])
    change = np.where(draw.random(n) < 2 / 3, 2, 1 + 2 * draw.integers(0, 2, n))  # A<->G and C<->T are two apart
    other = BASES[(code + change) % 4]
    ref, alt = np.zeros((n, width), dtype=np.uint8), np.zeros((n, width), dtype=np.uint8)
    ref[:, 0], alt[:, 0] = known[:, 0], np.where(wanted, known[:, 0], other)
    longer = wanted[:, None] & (column >= 1) & (column <= size[:, None])
    ref = np.where(longer & (kind == 0)[:, None], known, ref)
    alt = np.where(longer & (kind != 0)[:, None], new, alt)
    return (np.ascontiguousarray(x).view(f"S{width}").ravel() for x in (ref, alt))  # type: ignore[return-value]


def _header(genome: Genome, samples: list[str]) -> bytes:
    lines = [
        "##fileformat=VCFv4.2",
        '##FILTER=<ID=PASS,Description="All filters passed">',
        *(f"##contig=<ID={chrom},length={length}>" for chrom, length in genome.lengths.items()),
        *(f'##INFO=<ID={name},Number=1,Type={kind},Description="{words}">' for name, kind, words in INFO),
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads of each allele">',
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">',
        "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *samples]),
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _text(values: NDArray[np.int64]) -> pa.Array:
    return pa.array(values).cast(pa.string())


def _fixed(
    chrom: str, pos: NDArray[np.int64], ref: NDArray[np.bytes_], alt: NDArray[np.bytes_], depth: NDArray[np.int64]
) -> list[pa.Array]:
    n = len(pos)
    # as long as a caller's INFO is, since it has to be read; what it says is not used
    mixed = pos * 2_654_435_761 % 2**32
    values = [depth, *(np.round(mixed // d % 10_000 / scale, 3) for d, scale in ((1, 500), (7, 160), (49, 400), (343, 2500)))]
    named = [pc.binary_join_element_wise(name, _text(v), "=") for (name, _, _), v in zip(INFO, values, strict=True)]
    return [
        pa.repeat(chrom, n),
        pa.array(pos),
        pa.repeat(".", n),
        pa.array(ref.astype(str)),
        pa.array(alt.astype(str)),
        pa.array(30 + pos % 900),
        pa.repeat("PASS", n),
        pc.binary_join_element_wise(*named, ";"),
        pa.repeat("GT:AD:DP", n),
    ]


def _lines(columns: list[pa.Array]) -> bytes:
    table = pa.Table.from_arrays(columns, names=[str(i) for i in range(len(columns))])
    text = pa.BufferOutputStream()
    csv.write_csv(table, text, csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none"))
    return text.getvalue().to_pybytes()


def _one_sample(genome: Genome, positions: dict[str, NDArray[np.int64]], draw: np.random.Generator) -> Iterator[bytes]:
    for chrom, all_pos in positions.items():
        for i in range(0, len(all_pos), CHUNK):
            pos = all_pos[i : i + CHUNK]
            ref, alt = draw_alleles(genome, chrom, pos, draw)
            depth = np.maximum(draw.poisson(35, len(pos)), 4)
            homozygous = draw.random(len(pos)) < 0.35
            reads = np.where(homozygous, depth, np.clip(draw.binomial(depth, 0.48), 2, depth))
            genotype = pa.array(np.where(homozygous, "1/1", "0/1"))
            counts = pc.binary_join_element_wise(_text(depth - reads), _text(reads), ",")
            sample = pc.binary_join_element_wise(genotype, counts, _text(depth), ":")
            yield _lines([*_fixed(chrom, pos, ref, alt, depth), sample])


def _many_samples(
    genome: Genome, positions: dict[str, NDArray[np.int64]], samples: int, draw: np.random.Generator
) -> Iterator[bytes]:
    depths = draw.poisson(35, 4096) + 4
    alts = draw.binomial(depths, 0.48)
    words = [
        np.array([f"0/0:{d},0:{d}" for d in depths], dtype=object),
        np.array([f"0/1:{d - a},{a}:{d}" for d, a in zip(depths, alts, strict=True)], dtype=object),
        np.array([f"1/1:0,{d}:{d}" for d in depths], dtype=object),
    ]
    for chrom, all_pos in positions.items():
        for i in range(0, len(all_pos), 1000):
            pos = all_pos[i : i + 1000]
            ref, alt = draw_alleles(genome, chrom, pos, draw)
            lowest = 1 / (2 * samples)
            frequency = lowest * (RARE_TO / lowest) ** draw.random(len(pos))  # density 1/x
            frequency = np.where(draw.random(len(pos)) < COMMON, draw.uniform(RARE_TO, 0.5, len(pos)), frequency)
            dose = draw.binomial(2, frequency[:, None], (len(pos), samples))
            dose[np.arange(len(pos)), draw.integers(0, samples, len(pos))] += dose.sum(1) == 0  # a site has a carrier
            at = draw.integers(0, len(depths), dose.shape)
            cells = np.choose(dose, [word[at] for word in words])
            fixed = _lines(_fixed(chrom, pos, ref, alt, depths[at].sum(1))).decode().splitlines()
            yield "".join(line + "\t" + "\t".join(row) + "\n" for line, row in zip(fixed, cells, strict=True)).encode()


def write_vcf(
    genome: Genome, path: Path, records: int, in_genes: int | None, *, samples: int = 1, seed: int = 1, index: bool = True
) -> None:
    """Write a sorted VCF in BGZF, with its tabix index.

    Parameters
    ----------
    genome : Genome
    path : Path
    records, in_genes : int
        How many, and how many of them in the genes; None: as dense there as elsewhere.
    samples : int
        One: it carries every record.  More: allele frequencies follow 1/x, one site in fifty is common.
    seed : int
    index : bool
        Whether to index it.
    """
    draw = np.random.default_rng([seed, 1, records, in_genes or 0, samples])
    positions = draw_positions(genome, records, in_genes, draw)
    names = [SAMPLE] if samples == 1 else [f"S{i:04d}" for i in range(1, samples + 1)]
    parts = _one_sample(genome, positions, draw) if samples == 1 else _many_samples(genome, positions, samples, draw)
    with pysam.BGZFile(str(path), "wb") as file:
        file.write(_header(genome, names))
        for part in parts:
            file.write(part)
    if index:
        pysam.tabix_index(str(path), preset="vcf", force=True)


def prepare(folder: Path, records: int, in_genes: int, seed: int) -> None:
    """Write all that the benchmark reads: genome, models, and VCFs of one and of a thousand samples."""
    folder.mkdir(parents=True, exist_ok=True)
    genome = simulate_genome(seed)
    write_bed(genome, folder / "panel.bed")
    write_gff(genome, folder / "panel.gff3")
    write_gtf(genome, folder / "panel.gtf")
    write_fasta(genome, folder / "genome.fa")
    write_vcf(genome, folder / "empty.vcf.gz", 0, 0, seed=seed)
    write_vcf(genome, folder / "tenth.vcf.gz", max(records // 10, in_genes), in_genes, seed=seed)
    write_vcf(genome, folder / "whole.vcf.gz", records, in_genes, seed=seed)
    write_vcf(genome, folder / "dense.vcf.gz", records, None, seed=seed)
    write_vcf(genome, folder / "cohort.vcf.gz", 3 * in_genes, in_genes, samples=1000, seed=seed)
    (folder / "unindexed.vcf.gz").unlink(missing_ok=True)
    (folder / "unindexed.vcf.gz").symlink_to("whole.vcf.gz")


def main() -> None:
    """Write the files of the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--records", type=int, default=5_000_000)
    parser.add_argument("--in-genes", type=int, default=11_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    prepare(given.folder, given.records, given.in_genes, given.seed)


if __name__ == "__main__":
    main()
