"""Own annotation: what is refused, the three numbers of MYD88, the bundle (truth tables: test_truth_tables.py)."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pysam
import pytest

from resistance import schemas
from resistance.annotate.native import ELSEWHERE, STAYS, annotate_variants, count_elsewhere, instead_of_file
from resistance.annotate.reference import Reference, build_reference, open_reference
from resistance.annotate.transcripts import load_transcripts
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.tables import conform, empty
from resistance.variant import trim

VARIANT = ["build", "chrom", "pos", "ref", "alt"]


def truth(shared: Path, name: str) -> pd.DataFrame:
    rows = []
    with (shared / "truth" / "annotation" / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            given = int(row["start"]), row["ref"], row["alt"]
            pos, ref, alt = given if "-" in given else trim(*given)
            rows.append(row | {"build": "GRCh37", "pos": pos, "ref": ref, "alt": alt})
    return pd.DataFrame(rows)


def conform_variants(rows: pd.DataFrame) -> pd.DataFrame:
    return conform(rows[VARIANT].assign(sample_id="S", source="x").drop_duplicates(), schemas.CALLS)


def is_snv(rows: pd.DataFrame) -> pd.Series:
    return (rows["ref"].str.len() == 1) & (rows["alt"].str.len() == 1) & (rows["ref"] != "-") & (rows["alt"] != "-")


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


def words(
    effect_class: str, hgvsp: str | None, transcript: str, *, picked: bool, source: str = "native:csq"
) -> dict[str, object]:
    return {"build": "GRCh37", "chrom": "21", "pos": 36231812, "ref": "-", "alt": "TG", "gene": "RUNX1", "effect_class": effect_class,
            "hgvsp": hgvsp, "transcript": transcript, "picked": picked, "source": source}  # fmt: skip


@pytest.mark.parametrize(
    ("file", "stays"),
    [
        (words("truncating", "R191fs*21", "ENST1", picked=True, source="file:MAF"), True),
        # another class, or no name either: our own word is no worse
        (words("splice", "R191fs*21", "ENST1", picked=True, source="file:MAF"), False),
        (words("truncating", None, "ENST1", picked=True, source="file:MAF"), False),
    ],
)
def test_name_that_only_the_file_has_stands_where_the_class_is_ours(file: dict[str, object], stays: bool) -> None:
    reference = Reference(Path(), "GRCh37", {"RUNX1": {"chrom": "21", "start": 1, "end": 2}})
    own = conform(pd.DataFrame([words("truncating", None, "ENST2", picked=True)]), schemas.EFFECTS)
    dropped = Dropped("annotate")
    out = instead_of_file(conform(pd.DataFrame([file]), schemas.EFFECTS), own, reference, dropped)
    assert list(out["source"]) == (["file:MAF"] if stays else ["native:csq"])
    counted = dropped.frame().set_index("reason")
    assert (STAYS in counted.index) is stays
    assert counted["n"].tolist() == [1]
    assert counted["example"].tolist() == ["RUNX1 21:36231812 ->TG"]


def test_change_of_the_protein_on_another_transcript_only_is_counted() -> None:
    silent, elsewhere = words("noncoding", None, "ENST2", picked=True), words("truncating", "C180*", "ENST1", picked=False)
    for rows, n in (
        ([silent, elsewhere], [1]),
        ([words("missense", "G174S", "ENST2", picked=True), elsewhere], []),
        ([silent], []),
    ):
        dropped = Dropped("annotate")
        count_elsewhere(conform(pd.DataFrame(rows), schemas.EFFECTS), dropped)
        counted = dropped.frame()
        assert counted["n"].tolist() == n
        assert set(counted["reason"]) <= {ELSEWHERE}
        assert set(counted["example"]) <= {"RUNX1 C180* on ENST1"}
