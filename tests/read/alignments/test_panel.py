"""A whole sample measured by the settings of a cohort file, and controls as a panel of normals, on simulated reads."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pysam
import pytest

from resistance.config import Alignments, BackgroundRates
from resistance.contigs import contig_lengths
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.alignments.panel import open_panel, positions_of
from resistance.read.alignments.snps import germline_like, read_snps, snps_of

START, LENGTH = 2_100_000, 600


@pytest.fixture(scope="module")
def genome():
    return "".join(np.random.default_rng(1).choice(list("ACGT"), LENGTH))


def _header():
    lengths = contig_lengths("GRCh38")
    return {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": f"chr{c}", "LN": n} for c, n in lengths.items()],
        "RG": [{"ID": "1", "SM": "s"}],
    }


def _write(path, genome, n=200, errors=(), alleles=()):
    """Write n pairs over the region; errors: (offset, base, fragments); alleles: (offset, base) in every second fragment."""
    header = pysam.AlignmentHeader.from_dict(_header())
    rng = np.random.default_rng(len(path.name))
    reads, left = [], {offset: (base, k) for offset, base, k in errors}
    for number in range(n):
        begin, size = int(rng.integers(0, LENGTH - 170)), int(rng.integers(140, 170))
        text = list(genome[begin : begin + size])
        for offset, base in alleles:
            if begin <= offset < begin + size and number % 2:
                text[offset - begin] = base
        for offset, (base, k) in left.items():
            if k and begin <= offset < begin + size:
                text[offset - begin], left[offset] = base, (base, k - 1)
        for first in (True, False):
            read = pysam.AlignedSegment(header)
            read.query_name, read.flag = f"f{number}", 99 if first else 147
            read.reference_id, read.mapping_quality = header.get_tid("chr7"), 60
            at = 0 if first else size - 100
            read.reference_start = START + begin + at
            read.query_sequence = "".join(text[at : at + 100])
            read.query_qualities = pysam.qualitystring_to_array("I" * 100)
            read.cigarstring, read.template_length = "100M", size if first else -size
            read.next_reference_id = read.reference_id
            read.next_reference_start = START + begin + (size - 100 if first else 0)
            read.set_tag("RG", "1")
            reads.append(read)
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        for read in sorted(reads, key=lambda r: r.reference_start):
            file.write(read)
    pysam.index(str(path))
    return path


@pytest.fixture
def folder(tmp_path, genome):
    (tmp_path / "panel.bed").write_text(f"chr7\t{START}\t{START + 300}\tG1\nchr7\t{START + 350}\t{START + LENGTH}\tG2\n")
    (tmp_path / "part.fa").write_text(f">chr7:{START + 1}-{START + LENGTH}\n{genome}\n")
    other = "ACGT".replace(genome[100], "")[0]
    (tmp_path / "snps.vcf").write_text(
        "##fileformat=VCFv4.2\n##INFO=<ID=AF,Number=A,Type=Float,Description=x>\n##contig=<ID=chr7>\n##contig=<ID=chrX>\n"
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        f"chr7\t{START + 101}\t.\t{genome[100]}\t{other}\t.\t.\tAF=0.4\n"
        f"chr7\t{START + 102}\t.\t{genome[101]}A\t{genome[101]}\t.\t.\tAF=0.4\n"
        f"chr7\t{START + 103}\t.\tA\tC,G\t.\t.\tAF=0.4,0.1\n"
        "chrX\t5000\t.\tA\tC\t.\t.\tAF=0.4\n"
    )
    return tmp_path


def _settings(**named):
    return Alignments(targets="panel.bed", fasta="part.fa", snps="snps.vcf", **named)


def test_a_sample_is_measured_whole(folder, genome):
    wrong = "ACGT".replace(genome[400], "")[0]
    snp = "ACGT".replace(genome[100], "")[0]
    path = _write(
        folder / "s.bam", genome, errors=[(400, wrong, 3)], alleles=[(100, snp), (200, "A" if genome[200] != "A" else "C")]
    )
    dropped = Dropped("pileup")
    panel = open_panel(_settings(), folder, "GRCh38", dropped=dropped)
    followed = pd.DataFrame({"chrom": ["7"], "pos": [START + 201], "ref": [genome[200]], "alt": ["A"]})
    found = panel.measure("s", path, followed=followed, dropped=dropped)
    background = found.tables["background"].set_index(["substitution", "context"])
    assert background.loc[("all", "all"), "errors"] == 3
    assert background.loc[(f"{genome[400]}>{wrong}", genome[399:402]), "errors"] == 3
    unread = int((found.counts[["A", "C", "G", "T"]].sum(axis=1) == 0).sum())
    assert background.loc[("all", "all"), "positions"] == 550 - 2 - unread
    reasons = {(row["table"], row["reason"]): row["n"] for row in dropped.rows()}
    assert reasons.pop(("background", "position without a usable read"), 0) == unread
    assert reasons == {
        ("background", "position of a followed variant or a known SNP"): 2,
        ("snp_counts", "not a single base"): 1,
        ("snp_counts", "not two alleles"): 1,
        ("snp_counts", "not on an autosome"): 1,
    }
    snps = found.tables["snp_counts"]
    assert len(snps) == 1
    depth = int(snps["ref_count"].iloc[0] + snps["alt_count"].iloc[0])
    assert depth > 20
    assert 0.25 < snps["alt_count"].iloc[0] / depth < 0.75
    assert found.tables["fragment_lengths"]["n"].sum() == 200
    assert found.tables["region_coverage"]["region"].tolist() == ["G1", "G2"]
    quality = dict(found.tables["alignment_quality"][["metric", "value"]].to_numpy())
    counted = found.counts[["A", "C", "G", "T", "N", "deletion"]].sum(axis=1)
    assert quality["depth_mean"] == pytest.approx(counted.mean())


def test_families_are_told_that_their_background_is_of_fragments(folder, genome):
    path = _write(folder / "s.bam", genome, n=30)
    found = open_panel(_settings(count="families"), folder, "GRCh38").measure("s", path)
    notes = found.tables["background"]["note"]
    assert notes.str.startswith("measured on fragments, while variants are counted in families: an upper bound").all()


def test_without_targets_there_is_no_background_and_quality_says_so(folder, genome):
    path = _write(folder / "s.bam", genome, n=30)
    panel = open_panel(Alignments(), folder, "GRCh38")
    found = panel.measure("s", path)
    assert found.tables["background"].empty
    assert found.counts is None
    quality = found.tables["alignment_quality"].set_index("metric")
    assert quality.loc["depth_mean", "note"] == quality.loc["on_target_rate", "note"] == "no targets were given"
    assert panel.panel_of_normals([("s", found)]).empty


def test_what_two_controls_share_is_listed_and_left_out_of_a_sample(folder, genome):
    wrong = "ACGT".replace(genome[400], "")[0]
    panel = open_panel(_settings(), folder, "GRCh38")
    controls = [
        (name, panel.positions_only(_write(folder / name, genome, errors=[(400, wrong, 6)]))) for name in ("n1.bam", "n22.bam")
    ]
    normals = panel.panel_of_normals(controls)
    assert normals[["pos", "alt", "controls_with", "alt_count", "listed"]].to_numpy().tolist() == [
        [START + 401, wrong, 2, 12, "excess"]
    ]
    assert panel.panel_of_normals([]).empty


def test_missing_and_wrong_files_are_named(folder, genome):
    with pytest.raises(InputError, match="the VCF of SNPs is missing"):
        open_panel(Alignments(snps="none.vcf"), folder, "GRCh38")
    (folder / "bad.vcf").write_text("hello\n")
    with pytest.raises(InputError, match="is no readable VCF"):
        read_snps(folder / "bad.vcf", "GRCh38")
    (folder / "af.vcf").write_text((folder / "snps.vcf").read_text().replace("AF=0.4\n", "AF=40\n"))
    with pytest.raises(InputError, match=r"AF is no fraction"):
        read_snps(folder / "af.vcf", "GRCh38")
    (folder / "x.vcf").write_text(
        "\n".join(line for line in (folder / "snps.vcf").read_text().split("\n") if "chr7\t" not in line)
    )
    with pytest.raises(InputError, match="has no SNP with two alleles on an autosome"):
        read_snps(folder / "x.vcf", "GRCh38")
    (folder / "37.vcf").write_text((folder / "snps.vcf").read_text().replace("<ID=chr7>", "<ID=chr7,length=159138663>"))
    with pytest.raises(InputError, match="GRCh37"):
        read_snps(folder / "37.vcf", "GRCh38")


def test_no_snps_are_no_rows(folder, genome):
    path = _write(folder / "s.bam", genome, n=5)
    none = read_snps(folder / "snps.vcf", "GRCh38").iloc[:0]
    assert snps_of("s", path, "GRCh38", none).empty


def test_every_reference_base_of_a_variant_is_its_position():
    variants = pd.DataFrame({"chrom": ["1", "1"], "pos": [10, 20], "ref": ["ACG", "-"], "alt": ["-", "T"]})
    assert positions_of(variants) == {("1", 10), ("1", 11), ("1", 12), ("1", 20)}
    assert positions_of(None) == set()


def test_calls_that_look_inherited_stand_in_for_common_snps():
    samples = pd.DataFrame(
        [("A1", "A", "plasma"), ("A0", "A", "germline"), ("B1", "B", "plasma"), ("B2", "B", "tumour"), ("C1", "C", "plasma")],
        columns=["sample_id", "patient_id", "material"],
    )
    rows = [
        ("A0", 10, 0.5, 100), ("A1", 20, 0.5, 100),  # A has germline: only what is in it
        ("B1", 30, 0.48, 100), ("B2", 30, 0.55, 100),  # both about one half
        ("B1", 40, 0.48, 100), ("B2", 40, 0.10, 100),  # not in both
        ("B1", 50, 0.99, 100), ("B2", 50, 1.0, 100), ("B1", 60, 0.5, 10), ("B2", 60, 0.5, 100), ("C1", 70, 0.5, 100),
    ]  # fmt: skip
    calls = pd.DataFrame(rows, columns=["sample_id", "pos", "vaf", "depth"]).assign(build="GRCh38", chrom="1", ref="A", alt="G")
    calls["depth"] = calls["depth"].astype("Int64")
    assert germline_like(calls, samples)["pos"].tolist() == [10, 30, 50]


def test_black_lists_of_the_settings_are_used(folder, genome):
    wrong = "ACGT".replace(genome[400], "")[0]
    path = _write(folder / "s.bam", genome, errors=[(400, wrong, 3)])
    (folder / "bad.txt").write_text(f"chr7_{START + 401}_{genome[400]}_{wrong}\n")
    panel = open_panel(_settings(blacklist="bad.txt", background=BackgroundRates(below=0.2)), folder, "GRCh38")
    found = panel.measure("s", path).tables["background"]
    assert found.loc[0, "errors"] == 0
    assert panel.background.below == 0.2
