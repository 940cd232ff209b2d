"""Calls -> the text of a VCF 4.2 file (GRCh38, AD/AF/DP as Mutect2 writes them, CSQ as VEP writes it)."""

from __future__ import annotations

from resistance.simulate.genes import load_genes
from resistance.simulate.mutate import CSQ_FIELDS, Variant
from resistance.simulate.somatic import Call

#: lengths of the GRCh38 chromosomes
CONTIGS = {
    "chr1": 248956422,
    "chr2": 242193529,
    "chr3": 198295559,
    "chr4": 190214555,
    "chr5": 181538259,
    "chr6": 170805979,
    "chr7": 159345973,
    "chr8": 145138636,
    "chr9": 138394717,
    "chr10": 133797422,
    "chr11": 135086622,
    "chr12": 133275309,
    "chr13": 114364328,
    "chr14": 107043718,
    "chr15": 101991189,
    "chr16": 90338345,
    "chr17": 83257441,
    "chr18": 80373285,
    "chr19": 58617616,
    "chr20": 64444167,
    "chr21": 46709983,
    "chr22": 50818468,
    "chrX": 156040895,
    "chrY": 57227415,
}
_RANK = {name: rank for rank, name in enumerate(CONTIGS)}
_FILTERS = {
    "weak_evidence": "Evidence of the variant does not reach the threshold",
    "strand_bias": "Evidence comes from one strand",
    "germline": "Evidence of a germline variant",
    "panel_of_normals": "Seen in the panel of normals",
}


def _header(samples: list[str]) -> list[str]:
    return [
        "##fileformat=VCFv4.2",
        "##source=resistance simulate",
        "##simulated=Alleles, reads and patients are simulated. Outside the listed hot spots the reference bases are not those of GRCh38.",
        "##reference=GRCh38",
        '##FILTER=<ID=PASS,Description="All filters passed">',
        *(f'##FILTER=<ID={name},Description="{text}">' for name, text in _FILTERS.items()),
        *(f"##contig=<ID={name},length={length},assembly=GRCh38>" for name, length in CONTIGS.items()),
        '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations in the form of Ensembl VEP, simulated. Format: '
        + "|".join(CSQ_FIELDS)
        + '">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads of the reference and the alternative allele">',
        '##FORMAT=<ID=AF,Number=A,Type=Float,Description="Fraction of the alternative allele">',
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Reads covering the position">',
        "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *samples]),
    ]


def _cell(ref_reads: int, alt_reads: int) -> str:
    depth = ref_reads + alt_reads
    genotype = "0/1" if alt_reads else "0/0"
    return f"{genotype}:{ref_reads},{alt_reads}:{alt_reads / depth:.5f}:{depth}"


def _line(variant: Variant, filter_: str, cells: list[str]) -> str:
    info = f"CSQ={variant.csq}"
    return "\t".join([variant.chrom, str(variant.pos), ".", variant.ref, variant.alt, ".", filter_, info, "GT:AD:AF:DP", *cells])


def _place(variant: Variant) -> tuple[int, int, str, str]:
    return _RANK[variant.chrom], variant.pos, variant.ref, variant.alt


def tumour_vcf(sample: str, calls: list[Call]) -> str:
    """Return the VCF of one tumour."""
    ordered = sorted(calls, key=lambda call: _place(call.variant))
    lines = [_line(call.variant, call.filter, [_cell(call.ref_reads, call.alt_reads)]) for call in ordered]
    return "\n".join([*_header([sample]), *lines]) + "\n"


def plasma_vcf(samples: list[str], rows: list[tuple[Variant, list[tuple[int, int]]]]) -> str:
    """Return the multi-sample VCF of one patient's plasma."""
    ordered = sorted(rows, key=lambda row: _place(row[0]))
    lines = [_line(variant, "PASS", [_cell(*reads) for reads in cells]) for variant, cells in ordered]
    return "\n".join([*_header(samples), *lines]) + "\n"


def panel(*, small: bool) -> list[str]:
    """Return the genes of the full or the small panel, sorted."""
    return sorted(gene.name for gene in load_genes().values() if gene.small_panel or not small)
