"""From the genotypes of a VCF to the table of variants that are read together."""

from __future__ import annotations

from pathlib import Path

import pytest

from resistance.annotate.joined import phased_effects
from resistance.annotate.reference import Reference
from resistance.config import Variants
from resistance.dropped import Dropped
from resistance.read.vcf import read_vcf

HEAD = """##fileformat=VCFv4.2
##contig=<ID=17,length=81195210>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads">
##FORMAT=<ID=PS,Number=1,Type=Integer,Description="Phase set">
##FORMAT=<ID=PGT,Number=1,Type=String,Description="Phased genotype">
##FORMAT=<ID=PID,Number=1,Type=String,Description="Phase set">
#CHROM	POS	ID	REF	ALT	QUAL	FILTER	INFO	FORMAT	S1
"""


def found(tmp_path: Path, bundle: Reference, form: str, first: str, second: str):
    """TP53 R248Q and R248W; together CGG becomes TAG, a stop."""
    path = tmp_path / "calls.vcf"
    path.write_text(
        HEAD + f"17\t7577538\t.\tC\tT\t.\tPASS\t.\t{form}\t{first}\n" + f"17\t7577539\t.\tG\tA\t.\tPASS\t.\t{form}\t{second}\n"
    )
    calls, _ = read_vcf(Variants(format="vcf"), path, build="GRCh37", samples=["S1"], dropped=Dropped("read"))
    return calls, phased_effects(calls, bundle, Dropped("annotate"))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("form", "first", "second", "phase"),
    [
        ("GT:AD", "0|1:5,5", "0|1:5,5", ".|2"),
        ("GT:AD:PS", "1|0:5,5:9", "1|0:5,5:9", "9|1"),
        ("GT:AD:PGT:PID", "0/1:5,5:0|1:7577538_C_T", "0/1:5,5:0|1:7577538_C_T", "7577538_C_T|2"),
        ("GT:AD", "1/1:0,5", "1/1:0,5", "both"),
        ("GT:AD", "1:0,5", "1:0,5", "both"),
    ],
)
def test_variants_of_one_copy_are_read_together(tmp_path, bundle, form, first, second, phase):
    calls, table = found(tmp_path, bundle, form, first, second)
    assert list(calls["phase"]) == [phase, phase]
    assert list(table["hgvsp"]) == ["R248*", "R248*"]
    assert list(table["pos"]) == [7577538, 7577539]
    assert set(table["members"]) == {"17:7577538 C>T;17:7577539 G>A"}
    assert set(table["effect_class"]) == {"truncating"}
    assert set(table["domain"]) == {"DNA_binding"}


@pytest.mark.shared
@pytest.mark.parametrize(
    ("form", "first", "second"),
    [
        ("GT:AD", "0|1:5,5", "1|0:5,5"),
        ("GT:AD", "0/1:5,5", "0/1:5,5"),
        ("GT:AD:PS", "0|1:5,5:9", "0|1:5,5:10"),
        ("GT:AD", "0|1:5,5", "0|1:5,0"),  # no read of the second
        ("GT:AD", "0|1:5,5", "0|0:5,0"),
    ],
)
def test_variants_that_may_lie_on_different_copies_are_not(tmp_path, bundle, form, first, second):
    assert found(tmp_path, bundle, form, first, second)[1].empty
