"""`resistance background` on the published example: its rates, its files, and what it refuses."""

from __future__ import annotations

import csv

import pandas as pd
import pytest
from click.testing import CliRunner

from resistance.background_file import background_file
from resistance.cli import cli
from resistance.config import Alignments
from resistance.errors import InputError


@pytest.fixture
def truth(shared):
    return shared / "truth" / "ctdna" / "ctdnatools"


@pytest.mark.shared
def test_the_command_gives_the_published_rate_with_black_list(truth, tmp_path):
    out = tmp_path / "T1.tsv"
    options = [
        "background", str(truth / "T1.bam"), "--targets", str(truth / "targets.tsv"), "--out", str(out), "--plain",
        "--reference", str(truth / "chr14_106327222_106328250_from_MD.fa"), "--min-base-quality", "30", "--min-mapping-quality", "40",
        "--black-list", str(truth / "expected" / "blacklist_loci.txt"),
    ]  # fmt: skip
    result = CliRunner().invoke(cli, options)
    assert result.exit_code == 0, result.output
    assert "left out: 7 x black-listed position" in result.output
    assert "background 0.000141945: 34 of 239529 at 621 positions" in result.output
    with (truth / "expected" / "test_ctDNA_results.tsv").open(encoding="utf-8", newline="") as file:
        expected = {row["label"]: float(row["background_rate"]) for row in csv.DictReader(file, delimiter="\t")}
    rate = pd.read_csv(out, sep="\t").loc[0, "rate"]
    assert rate == pytest.approx(expected["vignette_test3_T1_bl_loci"], rel=1e-12, abs=0)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"T1.tsv", "T1.quality.tsv", "T1.lengths.tsv", "T1.coverage.tsv"}


@pytest.mark.shared
def test_controls_are_a_panel_of_normals_beside(truth, tmp_path):
    settings = Alignments(targets=str(truth / "targets.tsv"), min_base_quality=10, min_mapping_quality=20)
    warned: list[str] = []
    done = background_file(
        truth / "T1.bam",
        tmp_path / "a.tsv",
        settings,
        controls=[truth / f"N{k}.bam" for k in (1, 2, 3)],
        plain=True,
        warn=warned.append,
    )
    assert warned == ["no --reference: the reference base of a position is that of most reads"]
    found = pd.read_csv(tmp_path / "a.controls.tsv", sep="\t")
    listed = found[found["listed"].notna() & found["alt"].isin(list("ACGT"))]
    theirs = set((truth / "expected" / "blacklist_subst.txt").read_text(encoding="utf-8").split())
    assert {f"chr14_{r.pos}_{r.ref}_{r.alt}" for r in listed.itertuples()} == theirs
    assert done.listed == int(found["listed"].notna().sum())


@pytest.mark.shared
def test_another_build_and_no_targets_are_refused_and_nothing_is_written(truth, tmp_path):
    out = tmp_path / "a.tsv"
    with pytest.raises(InputError, match="the background is measured in a panel's regions"):
        background_file(truth / "T1.bam", out, Alignments())
    with pytest.raises(InputError, match="GRCh38"):
        background_file(truth / "T1.bam", out, Alignments(targets=str(truth / "targets.tsv")), build="GRCh38")
    with pytest.raises(InputError, match="is read by this command"):
        background_file(out, out, Alignments(targets=str(truth / "targets.tsv")))
    assert not list(tmp_path.iterdir())


def test_the_rates_of_a_sample_go_with_its_counts_into_the_test_for_residual_disease(tmp_path):
    """count, background and mrd name the sample alike, whatever its file is called."""
    import pysam
    from tiny_bam import CONTIG, read, write_bam

    bases = "ACGTTGCAAACCCCCCTGATCGATTACAGGCATGCAACGTCCATGGTACAGATTACCAGTAC"
    path = write_bam(tmp_path / "x.markdup.bam", [read(f"r{i}", 0, f"{len(bases)}M", bases) for i in range(9)], length=1000)
    with pysam.AlignmentFile(str(path)) as file:
        assert file.header.to_dict()["RG"][0]["SM"] == "S1"
    (tmp_path / "v.tsv").write_text(f"chrom\tpos\tref\talt\n{CONTIG}\t21\tC\tT\n", encoding="utf-8")
    (tmp_path / "t.bed").write_text(f"{CONTIG}\t0\t60\n", encoding="utf-8")

    def run(*arguments):
        result = CliRunner().invoke(cli, [str(a) for a in arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    run("count", path, "--variants", tmp_path / "v.tsv", "--build", "GRCh38", "--out", tmp_path / "c.tsv")
    run("background", path, "--targets", tmp_path / "t.bed", "--build", "GRCh38", "--out", tmp_path / "b.tsv")
    assert run("mrd", tmp_path / "c.tsv", "--background", tmp_path / "b.tsv").startswith("S1  exact: underpowered")
    run("background", path, "--targets", tmp_path / "t.bed", "--build", "GRCh38", "--sample", "own", "--out", tmp_path / "b.tsv")
    assert set(pd.read_csv(tmp_path / "b.tsv", sep="\t")["sample_id"]) == {"own"}
    settings = Alignments(targets=str(tmp_path / "t.bed"))
    with pytest.raises(
        InputError, match=r"x\.markdup\.bam: is the sample itself: its own variants would make the panel of normals"
    ):
        background_file(path, tmp_path / "n.tsv", settings, controls=[path], build="GRCh38")
