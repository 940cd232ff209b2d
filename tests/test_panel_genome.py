"""The genome and the VCFs that the benchmark of the annotation simulates are what they claim to be."""

from __future__ import annotations

import importlib.util
import itertools
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pysam
import pysam.bcftools
import pytest

from resistance.annotate.reference import build_reference
from resistance.variant import trim

FOLDER = Path(__file__).parents[1] / "benchmarks"
CHROM = "22"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


panel_genome, annotation = load("panel_genome"), load("annotation")


@pytest.fixture(scope="module")
def genome():
    """One chromosome of the simulated genome: the whole would be 3 GB."""
    whole = panel_genome.simulate_genome(seed=1)
    spans = [span for span in whole.spans if span[0] == CHROM]
    return panel_genome.Genome({CHROM: whole.lengths[CHROM]}, {CHROM: whole.islands[CHROM]}, spans)


@pytest.fixture(scope="module")
def folder(genome, tmp_path_factory):
    folder = tmp_path_factory.mktemp("panel")
    panel_genome.write_fasta(genome, folder / "genome.fa")
    panel_genome.write_bed(genome, folder / "panel.bed")
    panel_genome.write_gff(genome, folder / "panel.gff3")
    panel_genome.write_vcf(genome, folder / "one.vcf.gz", 3000, 1000)
    panel_genome.write_vcf(genome, folder / "many.vcf.gz", 200, 150, samples=40)
    return folder


def records(path):
    with pysam.VariantFile(str(path)) as file:
        return list(file)


def test_every_gene_of_the_simulated_genome_has_a_whole_coding_sequence(folder, genome):
    facts = build_reference(folder / "genome.fa", "GRCh37", folder / "reference")
    assert len(facts["genes"]) == len(genome.spans) > 5
    assert facts["not_whole"] == []


def test_the_fasta_has_the_length_of_the_chromosome_and_bases_in_its_islands_only(folder, genome):
    with pysam.FastaFile(str(folder / "genome.fa")) as fasta:
        assert dict(zip(fasta.references, fasta.lengths, strict=True)) == genome.lengths
        text = fasta.fetch(CHROM)
    known = sum(len(bases) for _, bases in genome.islands[CHROM])
    assert len(text) - text.count("N") == known
    assert set(text) == set("ACGTN")


def test_a_simulated_vcf_is_sorted_and_its_index_finds_the_records_of_the_genes(folder, genome):
    found = records(folder / "one.vcf.gz")
    assert len(found) == 3000
    assert all(a.pos < b.pos for a, b in itertools.pairwise(found))
    with pysam.VariantFile(str(folder / "one.vcf.gz")) as file:
        inside = {r.pos for chrom, start, end in genome.spans for r in file.fetch(chrom, start - 1, end) if start <= r.pos}
    assert len(inside) == 1000


def test_reference_alleles_agree_with_the_fasta_and_indels_are_left_aligned(folder):
    """By bcftools norm: it refuses another REF and moves what is not left aligned."""
    at = ["-f", str(folder / "genome.fa"), "-R", str(folder / "panel.bed"), str(folder / "one.vcf.gz")]
    normal = pysam.bcftools.norm("-c", "e", *at)
    plain = pysam.bcftools.view("-R", str(folder / "panel.bed"), str(folder / "one.vcf.gz"))

    def body(text):
        return [line for line in text.splitlines() if not line.startswith("#")]

    assert len(body(plain)) >= 1000
    assert body(normal) == body(plain)


def test_another_genome_is_refused_by_bcftools_norm(folder, genome, tmp_path):
    other = panel_genome.simulate_genome(seed=2)
    panel_genome.write_vcf(
        panel_genome.Genome(genome.lengths, {CHROM: other.islands[CHROM]}, genome.spans), tmp_path / "other.vcf.gz", 100, 100
    )
    at = ["-f", str(folder / "genome.fa"), "-R", str(folder / "panel.bed"), str(tmp_path / "other.vcf.gz")]
    with pytest.raises(pysam.SamtoolsError):
        pysam.bcftools.norm("-c", "e", *at)


def test_fifteen_percent_of_the_records_are_indels_of_both_kinds(folder):
    lengths = np.array([len(r.alts[0]) - len(r.ref) for r in records(folder / "one.vcf.gz")])
    assert 0.13 < np.mean(lengths != 0) < 0.17  # 3,000 records: standard error 0.007
    assert np.mean(lengths > 0) == pytest.approx(np.mean(lengths < 0), abs=0.03)
    assert all(r.ref != r.alts[0] for r in records(folder / "one.vcf.gz"))


def test_allele_counts_add_up_to_the_depth_and_fit_the_genotype(folder):
    for name in ("one", "many"):
        for record in records(folder / f"{name}.vcf.gz"):
            for sample in record.samples.values():
                ref, alt = sample["AD"]
                assert ref + alt == sample["DP"]
                assert {(0, 0): alt == 0, (0, 1): ref > 0 < alt, (1, 1): ref == 0}[sample["GT"]]


def test_each_site_of_many_samples_has_a_carrier_and_few_samples_carry_it(folder):
    found = records(folder / "many.vcf.gz")
    carried = [sum(1 in s["GT"] for s in r.samples.values()) for r in found]
    assert len(found) == 200
    assert min(carried) == 1
    assert np.median(carried) <= 4


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(folder, genome, tmp_path):
    panel_genome.write_vcf(genome, tmp_path / "again.vcf.gz", 3000, 1000)
    panel_genome.write_vcf(genome, tmp_path / "other.vcf.gz", 3000, 1000, seed=2)
    first = (folder / "one.vcf.gz").read_bytes()
    assert (tmp_path / "again.vcf.gz").read_bytes() == first
    assert (tmp_path / "other.vcf.gz").read_bytes() != first
    assert all(
        np.array_equal(a[1], b[1])
        for a, b in zip(panel_genome.simulate_genome(seed=1).islands[CHROM], genome.islands[CHROM], strict=True)
    )


def test_as_dense_in_the_genes_as_elsewhere_where_no_number_is_given(genome):
    found = panel_genome.draw_positions(genome, 20_000, None, np.random.default_rng(1))[CHROM]
    share = sum(end - start + 1 for _, start, end in genome.spans) / genome.lengths[CHROM]
    inside = sum(np.count_nonzero((found >= start) & (found <= end)) for _, start, end in genome.spans)
    assert len(np.unique(found)) == 20_000
    assert inside / 20_000 == pytest.approx(share, abs=4 * (share / 20_000) ** 0.5)


def test_the_models_are_read_by_bcftools_csq_which_calls_every_variant_in_a_gene(folder):
    # in a process of its own: csq keeps its place in the last file in static variables
    code = "import sys, pysam.bcftools; print(pysam.bcftools.csq(*sys.argv[1:]))"
    at = ["-l", "-f", folder / "genome.fa", "-g", folder / "panel.gff3", "-R", folder / "panel.bed", folder / "one.vcf.gz"]
    text = subprocess.run([sys.executable, "-c", code, *map(str, at)], capture_output=True, text=True, check=True).stdout
    body = [line for line in text.splitlines() if not line.startswith("#")]
    called = [line for line in body if "BCSQ=" in line]
    assert len(called) > 0.95 * len(body)  # the rest: alleles that csq calls nothing, such as near a gene's end
    assert any("|missense|" in line or "BCSQ=missense" in line for line in called)


@pytest.mark.parametrize("variant", [(100, "C", "T"), (100, "CAG", "C"), (100, "C", "CTT")])
def test_the_benchmark_trims_a_variant_as_the_effects_table_does(variant):
    assert annotation.trimmed(*variant) == trim(*variant)


def test_a_command_that_fails_is_shown_with_its_last_words_and_run_no_more(capfd):
    command = annotation.Command("x", [sys.executable, "-c", "import sys; sys.exit('no such option')"])
    command.run()
    command.run()
    assert command.failed == "exit code 1: no such option"
    assert command.seconds == []
    assert command.cells() == ["x", "exit code 1: no such option", "", "", ""]
    assert capfd.readouterr().err.count("no such option") == 1
