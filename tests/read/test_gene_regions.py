"""regions: panel reads the records of the knowledge base's genes and says so."""

from __future__ import annotations

import pysam
import pytest

from resistance.config import Variants
from resistance.dropped import Dropped
from resistance.read.gene_regions import AROUND, regions_of
from resistance.read.vcf import read_vcf

# CRBN of GRCh37 (RefSeq, NM_016302): chr3:3,191,317-3,221,394
CRBN_END = 3221394


def test_all_is_everywhere_and_panel_is_the_genes_of_the_build():
    assert regions_of(Variants(format="vcf"), "GRCh37") is None
    regions = regions_of(Variants(format="vcf", regions="panel"), "GRCh37")
    assert any(c == "3" and s < 3191317 and e >= CRBN_END + AROUND - 500 and s < e for c, s, e in regions)
    assert regions != regions_of(Variants(format="vcf", regions="panel"), "GRCh38")


@pytest.mark.parametrize("indexed", [True, False])
def test_records_outside_the_genes_are_not_read_and_the_report_can_say_so(tmp_path, indexed):
    path = tmp_path / "genome.vcf"
    path.write_text(
        '##fileformat=VCFv4.2\n##contig=<ID=chr3,length=198022430>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="x">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n"
        "chr3\t3200000\t.\tA\tC\t.\tPASS\t.\tGT\t0/1\n"
        f"chr3\t{CRBN_END + 2 * AROUND}\t.\tA\tC\t.\tPASS\t.\tGT\t0/1\n"
    )
    if indexed:
        path = type(path)(pysam.tabix_index(str(path), preset="vcf"))
    dropped = Dropped("read")
    source = Variants(format="vcf", regions="panel")
    calls, _ = read_vcf(source, path, build="GRCh37", samples=["S1"], dropped=dropped, regions=regions_of(source, "GRCh37"))
    assert list(calls["pos"]) == [3200000]
    reasons = set(dropped.frame()["reason"])
    assert any("only the records in the panel's genes" in reason for reason in reasons)
    assert any("tabix" in reason for reason in reasons) != indexed


def test_a_maf_is_read_whole():
    with pytest.raises(ValueError, match="regions belongs to format: vcf"):
        Variants(format="maf", file="x.maf", regions="panel")
