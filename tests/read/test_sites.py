"""Panel of normals, blacklist, hot spots and the order of the filters: what is dropped, and under which reason."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest

from resistance.config import Variants
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.calls import keep_calls
from resistance.read.maf import read_maf
from resistance.read.sites import read_lists, read_sites
from resistance.read.vcf import read_vcf
from resistance.variant import Variant

#: MYD88 L265P on GRCh37
HOTSPOT = ("3", 38182641, "T", "C")
VCF = "##fileformat=VCFv4.2\n##contig=<ID=3,length=198022430>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def table(*rows: tuple, **columns: list) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["sample_id", "chrom", "pos", "ref", "alt"])
    n = len(rows)
    defaults = {
        "depth": [100] * n,
        "alt_count": [20] * n,
        "vaf": [0.2] * n,
        "filter": ["PASS"] * n,
        "population_af": [np.nan] * n,
    }
    frame = frame.assign(**(defaults | columns))
    return frame.astype({"pos": "Int64", "depth": "Int64", "alt_count": "Int64", "population_af": "float64"})


def kept(rows: pd.DataFrame, base: Path, **settings) -> tuple[list[int], dict[str, tuple[int, str]]]:
    """Positions that stay, and reason -> (rows, example)."""
    source, dropped = Variants(format="maf", file="some.maf", **settings), Dropped("read")
    left = keep_calls(rows, source, base / "some.maf", dropped, read_lists(source, base, "GRCh37"))
    frame = dropped.frame()
    return left["pos"].tolist(), {x: (n, y) for x, n, y in zip(frame["reason"], frame["n"], frame["example"], strict=True)}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("prefix", ["", "chr"])
def test_a_bed_drops_by_region_with_its_headers_with_or_without_chr_packed_or_not(tmp_path, packed, prefix) -> None:
    text = f'browser position chr3:1-9\ntrack name="pon"\n# made here\n\n{prefix}3\t100\t110\tone\t0\t+\n{prefix}X\t5\t6\r\n'
    (tmp_path / "pon.bed").write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    rows = table(
        *(("S1", "3", pos, "A", "C") for pos in (100, 101, 110, 111)), ("S1", "X", 6, "A", "C"), ("S1", "X", 7, "A", "C")
    )
    left, reasons = kept(rows, tmp_path, blacklist="pon.bed")
    assert left == [100, 111, 7]
    assert reasons == {"in the blacklist pon.bed": (3, "S1 3:101 A>C")}


def test_a_vcf_drops_by_allele_in_whatever_form_it_is_written(tmp_path) -> None:
    (tmp_path / "pon.vcf.gz").write_bytes(
        gzip.compress(
            (VCF + "chr3\t50\t.\tA\tC,G,*\t.\t.\t.\n3\t99\t.\tTAG\tTG\t.\t.\t.\n3\t200\t.\tA\t<DEL>\t.\t.\t.\n").encode()
        )
    )
    rows = table(
        ("S1", "3", 50, "A", "C"),
        ("S1", "3", 50, "A", "T"),
        ("S1", "3", 100, "A", "-"),
        ("S1", "3", 100, "A", "G"),
        ("S1", "3", 200, "A", "C"),
        ("S1", "4", 50, "A", "C"),
    )
    left, reasons = kept(rows, tmp_path, panel_of_normals="pon.vcf.gz")
    assert (left, list(reasons.values())) == ([50, 100, 200, 50], [(2, "S1 3:50 A>C")])


def test_a_call_is_counted_once_under_its_first_reason(tmp_path) -> None:
    (tmp_path / "pon.bed").write_text("3\t0\t1000\n")
    (tmp_path / "bad.bed").write_text("3\t0\t2000\n")
    rows = table(
        *(("S1", "3", pos, "A", "C") for pos in (1, 2, 3, 4, 5, 6, 1500, 2500)),
        filter=["LowQual", "PASS", "PASS", "PASS", None, "PASS", ".", "PASS"],
        depth=[5, 5, 100, 100, 100, 100, 100, None],
        alt_count=[1, 1, 1, 9, 20, 20, 20, None],
        vaf=[0.01, 0.01, 0.01, 0.01, 0.2, 0.2, 0.2, None],
        population_af=[0.5, 0.5, 0.5, 0.5, 0.5, None, None, 0.001],
    )
    settings = {"min_depth": 10, "min_alt_count": 3, "min_vaf": 0.05, "max_population_af": 0.001}
    left, reasons = kept(rows, tmp_path, panel_of_normals="pon.bed", blacklist="bad.bed", **settings)
    assert left == [2500]  # what is not known passes, and a frequency equal to the limit
    assert reasons == {
        "FILTER LowQual is not kept": (1, "S1 3:1 A>C"),
        "depth below 10": (1, "S1 3:2 A>C"),
        "supporting reads below 3": (1, "S1 3:3 A>C"),
        "VAF below 0.05": (1, "S1 3:4 A>C"),
        "population allele frequency above 0.001": (1, "S1 3:5 A>C"),
        "in the panel of normals pon.bed": (1, "S1 3:6 A>C"),
        "in the blacklist bad.bed": (1, "S1 3:1500 A>C"),
    }


def test_a_sample_in_which_the_variant_was_looked_for_and_not_seen_loses_it_with_the_others(tmp_path) -> None:
    rows = table(
        ("S1", "3", 5, "A", "C"), ("S2", "3", 5, "A", "C"), ("S2", "3", 9, "A", "C"),
        alt_count=[20, 0, 0], vaf=[0.2, 0.0, 0.0], population_af=[0.1, np.nan, np.nan],
    )  # fmt: skip
    left, reasons = kept(rows, tmp_path, max_population_af=0.01, min_vaf=0.05, min_alt_count=5)
    assert left == [9]  # not seen is no low VAF: it says that the variant is absent
    assert reasons == {"population allele frequency above 0.01": (2, "S1 3:5 A>C")}


def test_a_marker_that_is_lost_is_named_and_a_hot_spot_is_kept_and_said(tmp_path) -> None:
    (tmp_path / "pon.bed").write_text("3\t38182640\t38182641\n3\t4\t5\n")
    (tmp_path / "hot.vcf").write_text(VCF + "3\t38182641\t.\tT\tC\t.\t.\t.\n")
    rows = table(("S1", *HOTSPOT), ("S1", "3", 38182641, "T", "A"), ("S1", "3", 5, "A", "C"))
    left, reasons = kept(rows, tmp_path, panel_of_normals="pon.bed")
    assert left == []
    assert reasons == {
        "in the panel of normals pon.bed": (1, "S1 3:5 A>C"),
        "in the panel of normals pon.bed, in a gene of the markers": (2, "S1 3:38182641 T>C (MYD88)"),
    }
    left, reasons = kept(rows, tmp_path, panel_of_normals="pon.bed", hotspots="hot.vcf")
    assert left == [38182641]
    assert reasons["kept: a hot spot of hot.vcf, though in the panel of normals pon.bed"] == (1, "S1 3:38182641 T>C")
    assert reasons["in the panel of normals pon.bed, in a gene of the markers"] == (1, "S1 3:38182641 T>A (MYD88)")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.bed", "3\t10\t198022431\n", r"a\.bed, row 1, value '3:198022431': lies beyond the end .* Is the file on GRCh38\?"),
        ("a.bed", "# x\n3\t10\n", r"a\.bed, row 2: has no third column"),
        ("a.bed", "3\t10\t10\n", r"a\.bed, row 1, value '10-10': is no region"),
        ("a.bed", "3\tten\t20\n", r"value 'ten-20': is no region"),
        ("a.bed", "scaffold_1\t1\t20\n", r"row 1, value 'scaffold_1': names no chromosome of the human genome"),
        ("a.bed", "", r"a\.bed: the file has no regions"),
        ("a.vcf", VCF.replace("198022430", "198295559"), r"the header says GRCh38, the cohort is declared GRCh37"),
        ("a.vcf", VCF, r"a\.vcf: the list names no allele"),
        ("a.vcf", VCF + "3\t200000000\t.\tA\tC\t.\t.\t.\n", r"a\.vcf, row 4, value '3:200000000': lies beyond the end"),
        ("a.vcf", VCF + "3\t2x\t.\tA\tC\t.\t.\t.\n", r"a\.vcf: cannot be read as a VCF"),
    ],
)
def test_lists_that_cannot_be_right_are_refused(tmp_path, name, text, message) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_sites(tmp_path / name, "GRCh37")


def test_missing_and_damaged_lists_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match=r"no\.bed: the file is missing"):
        read_sites(tmp_path / "no.bed", "GRCh37")
    packed = gzip.compress((VCF + "3\t5\t.\tA\tC\t.\t.\t.\n" * 9000).encode())
    (tmp_path / "cut.vcf.gz").write_bytes(packed[:-30])
    with pytest.raises(InputError, match=r"cut\.vcf\.gz: cannot be read: the file is cut off or damaged"):
        read_sites(tmp_path / "cut.vcf.gz", "GRCh37")
    (tmp_path / "cut.bed.gz").write_bytes(gzip.compress(b"3\t5\t9\n" * 9000)[:-9])
    with pytest.raises(InputError, match=r"cut\.bed\.gz: (is no readable BED file|cannot be unpacked)"):
        read_sites(tmp_path / "cut.bed.gz", "GRCh37")


def test_both_readers_apply_the_lists_to_alleles_in_their_own_form(tmp_path) -> None:
    (tmp_path / "pon.vcf").write_text(VCF + "3\t99\t.\tTA\tT\t.\t.\t.\n")
    text = VCF.replace("INFO\n", "INFO\tFORMAT\tS1\n").replace(
        "#CHROM", '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n#CHROM'
    )
    (tmp_path / "calls.vcf").write_text(text + "3\t98\t.\tGTAC\tGTC,GTACC\t.\tPASS\t.\tGT\t1/2\n")
    source = Variants(format="vcf", panel_of_normals="pon.vcf")
    dropped, lists = Dropped("read"), read_lists(source, tmp_path, "GRCh37")
    calls, _ = read_vcf(source, tmp_path / "calls.vcf", build="GRCh37", samples=["S1"], dropped=dropped, lists=lists)
    assert calls[["pos", "ref", "alt"]].values.tolist() == [[100, "-", "C"]]
    names = ["Hugo_Symbol", "Chromosome", "Start_Position", "Variant_Classification", "Reference_Allele"]
    cells = ["TP53", "chr3", "100", "Frame_Shift_Del", "A"]
    (tmp_path / "some.maf").write_text(
        "\t".join([*names, "Tumor_Seq_Allele2", "Tumor_Sample_Barcode"]) + "\n" + "\t".join([*cells, "-", "S1"]) + "\n"
    )
    maf = Variants(format="maf", file="some.maf", panel_of_normals="pon.vcf")
    calls, effects, _ = read_maf(maf, tmp_path / "some.maf", build="GRCh37", samples=["S1"], dropped=dropped, lists=lists)
    assert (len(calls), len(effects)) == (0, 0)
    assert dropped.frame()["reason"].tolist() == ["in the panel of normals pon.vcf"] * 2


def test_lists_agree_with_pysam_on_a_random_panel(tmp_path) -> None:
    draw = np.random.default_rng(3)
    lines, bases = [], "ACGT"
    for pos in sorted(draw.integers(1, 4000, 900).tolist()):
        ref = "".join(draw.choice(list(bases), draw.integers(1, 4)))
        alts = {"".join(draw.choice(list(bases), draw.integers(1, 4))) for _ in range(draw.integers(1, 4))} - {ref}
        if alts:
            lines.append(f"3\t{pos}\t.\t{ref}\t{','.join(sorted(alts))}\t.\t.\t.\n")
    path = tmp_path / "pon.vcf"
    path.write_text(VCF + "".join(lines))
    with pysam.VariantFile(str(path)) as file:
        known = {Variant("GRCh37", "3", r.pos, r.ref, alt) for r in file for alt in r.alts}
    asked = [
        Variant("GRCh37", "3", int(pos), *pair) for pos in range(1, 4000, 3) for pair in (("A", "C"), ("A", "-"), ("-", "G"))
    ]
    frame = pd.DataFrame(
        [(v.chrom, v.pos, v.ref, v.alt) for v in [*asked, *sorted(known)]], columns=["chrom", "pos", "ref", "alt"]
    )
    expected = [v in known for v in asked] + [True] * len(known)
    assert read_sites(path, "GRCh37").hold(frame.astype({"pos": "Int64"})).tolist() == expected
    assert sum(expected[: len(asked)]) > 10


def test_a_million_calls_are_looked_up_in_seconds(tmp_path) -> None:
    draw = np.random.default_rng(1)
    starts = np.sort(draw.integers(0, 190_000_000, 100_000))
    (tmp_path / "low.bed").write_text("".join(f"3\t{a}\t{a + 300}\n" for a in starts))
    n = 1_000_000
    rows = pd.DataFrame({"chrom": "3", "pos": draw.integers(1, 190_000_000, n), "ref": "A", "alt": "C"})
    sites = read_sites(tmp_path / "low.bed", "GRCh37")
    begin = time.perf_counter()
    held = sites.hold(rows)
    assert time.perf_counter() - begin < 5  # measured: 0.1 s
    covered = np.zeros(190_000_400, dtype=bool)
    for a in starts:
        covered[a : a + 300] = True
    assert np.array_equal(held, covered[rows["pos"].to_numpy() - 1])


def test_the_cohort_s_stages_read_the_lists_beside_the_cohort_file_and_count_what_goes(tmp_path) -> None:
    from resistance import init
    from resistance.config import load
    from resistance.read.gather import gather

    init.write_templates(tmp_path)
    before = gather(load(tmp_path / "cohort.yaml"), tmp_path, [])
    first = before.calls.iloc[0]
    (tmp_path / "pon.bed").write_text(f"chr{first['chrom']}\t{first['pos'] - 1}\t{first['pos']}\n")
    text = (tmp_path / "cohort.yaml").read_text()
    text = text.replace(
        "file: variants.maf", "file: variants.maf\n    panel_of_normals: pon.bed\n    max_population_af: 0.001", 1
    )
    (tmp_path / "cohort.yaml").write_text(text)
    after = gather(load(tmp_path / "cohort.yaml"), tmp_path, [])
    gone = before.calls[(before.calls["chrom"] == first["chrom"]) & (before.calls["pos"] == first["pos"])]
    assert len(after.calls) == len(before.calls) - len(gone)
    said = dict(zip(after.dropped["reason"], after.dropped["n"], strict=True))
    assert sum(n for reason, n in said.items() if reason.startswith("in the panel of normals pon.bed")) == len(gone)
    assert said["kept: the file has no field with a population frequency, so max_population_af 0.001 drops nothing"] == len(
        before.calls
    )
