"""Own annotation: against the names that VEP, curators and VAGrENT gave to the same variants, and what is refused."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pandas as pd
import pysam
import pytest

from resistance import schemas
from resistance.annotate.native import annotate_variants, instead_of_file
from resistance.annotate.reference import Reference, build_reference, open_reference
from resistance.annotate.transcripts import load_transcripts
from resistance.consequences import meaning
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.hgvs import protein_change
from resistance.tables import conform, empty
from resistance.variant import trim

VARIANT = ["build", "chrom", "pos", "ref", "alt"]


@pytest.fixture(scope="module")
def bundle(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    out = tmp_path_factory.mktemp("reference")
    build_reference(shared / "truth" / "annotation" / "real37.fa.gz", "GRCh37", out)
    return open_reference(out / "reference.json", "GRCh37")


def truth(shared: Path, name: str) -> pd.DataFrame:
    rows = []
    with (shared / "truth" / "annotation" / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            given = int(row["start"]), row["ref"], row["alt"]
            pos, ref, alt = given if "-" in given else trim(*given)
            rows.append(row | {"build": "GRCh37", "pos": pos, "ref": ref, "alt": alt})
    return pd.DataFrame(rows)


def compared(rows: pd.DataFrame, bundle: Reference) -> pd.DataFrame:
    """Truth beside our effect on the same transcript (whatever its version)."""
    rows = rows[rows["gene"].isin(bundle.genes)]
    own = annotate_variants(conform_variants(rows), bundle, Dropped("annotate"))
    own = own.assign(plain=own["transcript"].str.split(".").str[0])
    rows = rows.assign(plain=rows["transcript"].str.split(".").str[0])
    return rows.merge(own, on=[*VARIANT, "gene", "plain"], suffixes=("_truth", ""))


def conform_variants(rows: pd.DataFrame) -> pd.DataFrame:
    return conform(rows[VARIANT].assign(sample_id="S", source="x").drop_duplicates(), schemas.CALLS)


def is_snv(rows: pd.DataFrame) -> pd.Series:
    return (rows["ref"].str.len() == 1) & (rows["alt"].str.len() == 1) & (rows["ref"] != "-") & (rows["alt"] != "-")


@pytest.mark.shared
def test_every_snv_of_a_dlbcl_cohort_is_named_as_vep_named_it(shared: Path, bundle: Reference) -> None:
    rows = compared(truth(shared, "dlbcl_duke_2017_vep_grch37"), bundle)
    rows = rows[is_snv(rows)]
    coding = rows[rows["hgvsp_truth"].str.match(r"p\.[A-Z]\d+([A-Z*?]|=)$")]
    wanted = coding["hgvsp_truth"].map(lambda text: protein_change(text)[0])
    assert len(coding) > 500
    assert (wanted == coding["hgvsp"]).all()
    assert (rows["hgvsc_truth"] == rows["hgvsc"].str.split(":").str[1]).all()
    classes = coding["classification"].map(lambda word: meaning(word).effect_class)
    assert (classes == coding["effect_class"]).all()


@pytest.mark.shared
def test_indels_have_vep_s_class_and_name_wherever_the_bases_are_known(shared: Path, bundle: Reference) -> None:
    rows = compared(truth(shared, "dlbcl_duke_2017_vep_grch37"), bundle)
    rows = rows[~is_snv(rows) & rows["classification"].str.match("Frame_Shift|In_Frame")]
    classes = rows["classification"].map(lambda word: meaning(word).effect_class)
    # EP300: the insertion stands at an exon's border, where csq says splice donor and VEP frameshift
    assert (classes != rows["effect_class"]).sum() <= 1
    named = rows[rows["hgvsp"].notna()]
    assert len(named) >= 18
    assert (named["hgvsp_truth"].map(lambda text: protein_change(text)[0]) == named["hgvsp"]).all()


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["civic_vcf_grch37", "cacao_civic_grch37", "tcga_laml_wustl_grch37", "prob2020_tp53_ctnnb1_grch37"]
)
def test_curated_snvs_have_the_same_protein_change(shared: Path, bundle: Reference, name: str) -> None:
    rows = truth(shared, name)
    rows = rows[rows["gene"].isin(bundle.genes) & is_snv(rows)]
    own = annotate_variants(right_bases(rows, bundle), bundle, Dropped("annotate"))
    own = own[own["picked"].astype(bool) & own["hgvsp"].notna()]
    both = rows.merge(own, on=[*VARIANT, "gene"], suffixes=("_truth", ""))
    named = both["transcript_truth"].str.split(".").str[0]
    both = both[~named.str.startswith("ENST") | (named == both["transcript"].str.split(".").str[0])]
    both = both[both["hgvsp_truth"].str.match(r"p\.[A-Z]\d+[A-Z]$")]
    # MYC counts 15 residues more on MANE Select than on NM_002467.3, and a lost start has no known new residue
    both = both[both["gene"] != "MYC"]
    wanted = both["hgvsp_truth"].map(lambda text: re.sub(r"^M1[A-Z]$", "M1?", protein_change(text)[0]))
    assert len(both) >= 15
    assert (wanted == both["hgvsp"]).all()


def right_bases(rows: pd.DataFrame, bundle: Reference) -> pd.DataFrame:
    """Leave out the rows whose REF is known to be wrong; that they are refused is tested below."""
    models = bundle.models()
    fine = [models[gene][0].base(int(pos)) == ref for gene, pos, ref in zip(rows["gene"], rows["pos"], rows["ref"], strict=True)]
    return conform_variants(rows[fine])


@pytest.mark.shared
def test_rows_on_the_wrong_strand_are_refused_with_a_reason(shared: Path, bundle: Reference) -> None:
    rows = truth(shared, "prob2020_tp53_ctnnb1_grch37")
    fine = right_bases(rows[rows["gene"].isin(bundle.genes) & is_snv(rows)], bundle)
    # 17:7577539 is G; C is its other strand
    wrong = pd.DataFrame([{"build": "GRCh37", "chrom": "17", "pos": 7577539, "ref": "C", "alt": "T", "source": "x"}])
    dropped = Dropped("annotate")
    annotate_variants(pd.concat([fine, wrong]), bundle, dropped)
    found = dropped.frame().set_index("reason")
    assert found.loc["the reference base is another", "example"] == "17:7577539 C>T, here G"
    with pytest.raises(InputError, match=r"x: 1 of 1 variants have another .* 17:7577539 C>T .*other strand"):
        annotate_variants(wrong, bundle, Dropped("annotate"))


def spelled(text: str) -> str | None:
    """VAGrENT's spelling: no second residue of a frameshift, fs*1 for a stop, deleted residues named."""
    name = protein_change(text)[0]
    if name is None:
        return None
    name = re.sub(r"([A-Z]\d+)(?:[A-Z]?fs\*1)$", r"\1*", name)
    return re.sub(r"del[A-Z]+$", "del", re.sub(r"(\d)[A-Z](fs)", r"\1\2", name))


@pytest.mark.shared
def test_mds_cohort_is_named_as_vagrent_named_it(shared: Path, bundle: Reference) -> None:
    table = pd.read_csv(shared / "cohorts" / "mds_lenalidomide" / "ipssm_maf.tsv", sep="\t", dtype=str)
    table = table[table["GENE"].isin(bundle.genes) & table["REF"].notna() & table["ALT"].notna() & table["START"].str.isdigit()]
    parts = [trim(int(p), r, a) for p, r, a in zip(table["START"], table["REF"], table["ALT"], strict=True)]
    rows = table.assign(
        build="GRCh37",
        chrom=table["CHR"],
        gene=table["GENE"],
        pos=[x[0] for x in parts],
        ref=[x[1] for x in parts],
        alt=[x[2] for x in parts],
    )
    own = annotate_variants(conform_variants(rows), bundle, Dropped("annotate"))
    both = rows.merge(own[own["picked"].astype(bool)], on=[*VARIANT, "gene"]).drop_duplicates([*VARIANT, "gene"])
    both = both[both["hgvsp"].notna() & both["PROTEIN_CHANGE"].str.match(r"p\.[A-Z]")]
    wanted, got = both["PROTEIN_CHANGE"].map(spelled), both["hgvsp"].map(spelled)
    snv = is_snv(both)
    assert snv.sum() > 150
    assert (wanted == got)[snv].all()
    # the others are duplications that VAGrENT calls insertions, and one delins spelled as two changes
    differ = both[~snv & (wanted != got)]
    assert set(differ["hgvsp"]) == {"Y126_Q136dup", "E49_L56dup", "K139_T140delinsN"}
    assert (~snv).sum() >= 50
    assert len(differ) / (~snv).sum() < 0.06


@pytest.mark.shared
def test_myd88_l265p_has_its_three_numbers(bundle: Reference) -> None:
    own = annotate_variants(
        pd.DataFrame([{"build": "GRCh37", "chrom": "3", "pos": 38182641, "ref": "T", "alt": "C"}]), bundle, Dropped("annotate")
    )
    assert dict(zip(own["transcript"], own["hgvsp"], strict=True)) == {
        "ENST00000396334.3": "L265P",
        "ENST00000417037.2": "L273P",
        "ENST00000650905.2": "L252P",
    }
    assert list(own.loc[own["picked"].astype(bool), "transcript"]) == ["ENST00000650905.2"]


@pytest.mark.shared
def test_another_build_is_refused_with_the_contig_that_shows_it(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"contig 1 has 249,250,621 bases, as in GRCh37; in GRCh38 it has 248,956,422"):
        build_reference(shared / "truth" / "annotation" / "real37.fa.gz", "GRCh38", tmp_path / "r")
    assert not (tmp_path / "r").exists()


@pytest.mark.shared
def test_damaged_or_foreign_bundle_is_refused(bundle: Reference, tmp_path: Path) -> None:
    facts = json.loads((bundle.folder / "reference.json").read_text(encoding="utf-8"))
    path = tmp_path / "reference.json"
    path.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(InputError, match="missing or not those that it names"):
        open_reference(path, "GRCh37")
    with pytest.raises(InputError, match="is a reference of GRCh37, and the cohort is GRCh38"):
        open_reference(path, "GRCh38")
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"is no reference\.json"):
        open_reference(path, "GRCh37")


def test_missing_or_unreadable_fasta_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the FASTA is missing"):
        build_reference(tmp_path / "none.fa", "GRCh37", tmp_path / "r")
    (tmp_path / "x.fa").write_text("no fasta\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"not readable as an indexed FASTA|has no bases"):
        build_reference(tmp_path / "x.fa", "GRCh37", tmp_path / "r")


def test_fasta_of_random_bases_is_no_genome(tmp_path: Path) -> None:
    crbn = next(t for t in load_transcripts("GRCh37") if t.gene == "CRBN")
    path = tmp_path / "r.fa"
    path.write_text(">chr3\n" + "N" * (crbn.start - 1000) + "ACGTTGCA" * 5000 + "\n", encoding="ascii")
    pysam.faidx(str(path))
    with pytest.raises(InputError, match=r"contig 3 has|no whole coding sequence"):
        build_reference(path, "GRCh37", tmp_path / "r")


def test_own_effects_replace_the_file_s_in_the_reference_s_genes_only() -> None:
    def effect(pos: int, gene: str, source: str) -> dict:
        return {
            "build": "GRCh37",
            "chrom": "1",
            "pos": pos,
            "ref": "A",
            "alt": "T",
            "gene": gene,
            "effect_class": "missense",
            "source": source,
        }

    reference = Reference(Path(), "GRCh37", {"CRBN": {}})
    files = conform(
        pd.DataFrame([effect(1, "CRBN", "file:MAF"), effect(1, "OTHER", "file:MAF"), effect(2, "CRBN", "file:MAF")]),
        schemas.EFFECTS,
    )
    own = conform(pd.DataFrame([effect(1, "CRBN", "native:csq")]), schemas.EFFECTS)
    dropped = Dropped("annotate")
    table = instead_of_file(files, own, reference, dropped)
    kept = {(int(p), g): s for p, g, s in zip(table["pos"], table["gene"], table["source"], strict=True)}
    # variant 2 has no own name (another base): the file's stays
    assert kept == {(1, "CRBN"): "native:csq", (1, "OTHER"): "file:MAF", (2, "CRBN"): "file:MAF"}
    assert dropped.frame()[["reason", "n"]].to_numpy().tolist() == [["own annotation takes its place", 1]]
    assert len(instead_of_file(files, empty(schemas.EFFECTS), reference, Dropped("annotate"))) == 3
