"""A source on the other build is read on its own build and stands on the study's afterwards; what has no place is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from resistance import cli, schemas
from resistance.batching import batch_names, batch_samples
from resistance.cohort import Cohort
from resistance.config import load
from resistance.errors import InputError
from resistance.init import VARIANTS, write_templates
from resistance.inputs import input_files
from resistance.read.gather import gather, read_batch
from resistance.tables import read_table
from resistance.workflow import plan_work

# the two places of MYD88 L265P, and of TP53 R175H, on GRCh37 and GRCh38 (dbSNP rs387907272, rs28934578)
MYD88 = ("3", 38182631, "3", "+", 38141140, [(20, 0, 0)])
TP53 = ("17", 7578400, "17", "+", 7675082, [(20, 0, 0)])
# 1000..1019 -> 2019..2000 of the other strand, and 1020..1039 once more to where 1000..1019 came
TURNED = ("3", 1000, "3", "-", 2000, [(20, 0, 0)])
AGAIN = ("3", 1020, "3", "-", 2000, [(20, 0, 0)])
LINE = "  - format: maf                   # or vcf, with 'vcf' in the samples sheet\n    file: variants.maf\n"
HEAD = VARIANTS.splitlines()[0] + "\tHGVSc\n"


def row(
    sample: str, chrom: str, pos: int, ref: str, alt: str, gene="MYD88", build="GRCh37", kind="Missense_Mutation", depth=200
) -> str:
    cells = [gene, build, chrom, pos, pos, kind, ref, alt, sample, "p.L265P", depth, 20, "ENST00000396334.3:c.794T>C"]
    return "\t".join(str(cell) for cell in cells) + "\n"


@pytest.fixture
def study(tmp_path: Path, write_chain, monkeypatch: pytest.MonkeyPatch):
    """Write the template cohort on GRCh38 with calls on GRCh37; return its cohort file."""

    def write(*rows: str, source: str = LINE, build="GRCh37", chain: Path | None = None, liftover=True) -> Path:
        folder = tmp_path / "study"
        write_templates(folder)
        (folder / "variants.maf").write_text(HEAD + "".join(rows))
        path = folder / "cohort.yaml"
        text = path.read_text()
        assert LINE in text
        chain = chain or write_chain(MYD88, TP53, TURNED, AGAIN)
        chain.replace(folder / "my.chain")
        key = f"    liftover: {{from: {build}, chain: my.chain}}\n" if liftover else ""
        path.write_text(text.replace(LINE, source + key))
        return path

    return write


def gathered(path: Path) -> Cohort:
    config = load(path)
    parts = [
        read_batch(config, path.parent, batch_samples(config, path.parent, name)) for name in batch_names(config, path.parent)
    ]
    return gather(config, path.parent, parts)


def places(table: pd.DataFrame) -> list[tuple]:
    return list(table[["build", "chrom", "pos", "ref", "alt"]].itertuples(index=False, name=None))


def counted(cohort: Cohort) -> dict[str, tuple[int, str]]:
    rows = cohort.dropped[cohort.dropped["reason"].str.contains("liftover")]
    return {row.reason: (row.n, row.example) for row in rows.itertuples()}


def test_a_maf_of_the_other_build_is_gathered_on_the_builds_of_the_study(study):
    cohort = gathered(
        study(
            row("P1_T", "chr3", 38182641, "T", "C"),
            row("P2_T", "17", 7578406, "C", "T", gene="TP53"),
            row("P3_T", "3", 1003, "A", "G"),
            row("P3_T", "3", 1005, "-", "AAC", kind="In_Frame_Ins"),
            row("P3_T", "3", 1500, "A", "G"),
            row("P4_T", "3", 1501, "A", "G"),
            row("P4_T", "9", 1501, "A", "G"),
            row("P4_T", "3", 1019, "AC", "-", kind="Frame_Shift_Del"),
        )
    )
    assert places(cohort.calls) == [
        ("GRCh38", "3", 38141150, "T", "C"),
        ("GRCh38", "17", 7675088, "C", "T"),
        ("GRCh38", "3", 2013, "-", "GTT"),
        ("GRCh38", "3", 2016, "T", "C"),
    ]  # fmt: skip
    assert cohort.calls["sample_id"].tolist() == ["P1_T", "P2_T", "P3_T", "P3_T"]
    assert cohort.calls["alt_count"].tolist() == [20] * 4
    assert sorted(places(cohort.effects)) == sorted(places(cohort.calls))
    # names in the transcript do not move
    first = cohort.effects.query("pos == 38141150").iloc[0]
    assert (first["hgvsc"], first["hgvsp"], first["transcript"]) == ("ENST00000396334.3:c.794T>C", "L265P", "ENST00000396334.3")
    assert counted(cohort) == {
        "liftover: has no place on GRCh38": (2, "P3_T 3:1500 A>G (GRCh37)"),
        "liftover: the chain has no such contig of GRCh37": (1, "P4_T 9:1501 A>G (GRCh37)"),
        "liftover: its bases are not side by side on GRCh38": (1, "P4_T 3:1019 AC>- (GRCh37)"),
        "kept: liftover to the other strand, alleles complemented": (1, "P3_T 3:1003 A>G (GRCh37)"),
        "kept: liftover to the other strand, alleles complemented; in a repeat it is not moved left again": (
            1, "P3_T 3:1005 ->AAC (GRCh37)",
        ),
    }  # fmt: skip
    assert len(cohort.calls) + 4 == 8


def test_two_variants_that_come_to_one_place_are_one_call_with_the_greater_depth(study):
    cohort = gathered(study(row("P1_T", "3", 1003, "A", "G", depth=90), row("P1_T", "3", 1023, "A", "G", depth=300)))
    assert places(cohort.calls) == [("GRCh38", "3", 2016, "T", "C")]
    assert cohort.calls["depth"].tolist() == [300]
    assert len(cohort.effects) == 1
    same = cohort.dropped[cohort.dropped["reason"].str.startswith("the same sample and variant")]
    assert same["n"].tolist() == [1]


def test_an_event_without_alleles_keeps_its_gene_when_its_position_has_no_place(study):
    cohort = gathered(
        study(
            row("P1_T", "3", 38182641, "T", "C"),
            row("P2_T", "3", 1003, "-", "-", gene="CRBN", kind="Fusion"),
            row("P3_T", "3", 77, "-", "-", gene="CRBN", kind="Fusion"),
        )
    )
    events = cohort.fusions.set_index("sample_id")
    assert events["gene_1"].tolist() == ["CRBN", "CRBN"]
    assert (events.loc["P2_T", "chrom_1"], events.loc["P2_T", "pos_1"]) == ("3", 2016)
    assert events.loc["P3_T", ["chrom_1", "pos_1"]].isna().all()
    assert counted(cohort) == {
        "kept without its position: liftover: has no place on GRCh38": (1, "P3_T fusion CRBN 3:77 (GRCh37)")
    }


VCF = """##fileformat=VCFv4.2
##contig=<ID=chr3,length={length}>
##INFO=<ID=ANN,Number=.,Type=String,Description="Functional annotations: 'Allele | Annotation | Annotation_Impact | Gene_Name | Gene_ID | Feature_Type | Feature_ID | Transcript_BioType | Rank | HGVS.c | HGVS.p'">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads">
#CHROM	POS	ID	REF	ALT	QUAL	FILTER	INFO	FORMAT	{samples}
"""
ANN = "ANN={alt}|missense_variant|MODERATE|MYD88|MYD88|transcript|NM_002468.5|protein_coding|5/5|c.794T>C|p.Leu265Pro"


def vcf(folder: Path, name: str, samples: str, *records: str, length: int = 198022430) -> None:
    (folder / name).write_text(VCF.format(length=length, samples=samples.replace(" ", "\t")) + "".join(records))


def record(pos: int, ref: str, alt: str, *cells: str) -> str:
    return "\t".join(["chr3", str(pos), ".", ref, alt, ".", "PASS", ANN.format(alt=alt), "GT:AD", *cells]) + "\n"


def test_vcfs_of_samples_are_moved_in_their_batch(study):
    path = study(source="  - format: vcf\n")
    folder = path.parent
    path.write_text(path.read_text().replace("# vcf: vcf ", "vcf: vcf #"))
    sheet = pd.read_csv(folder / "samples.tsv", sep="\t", dtype=str, keep_default_na=False)
    sheet.assign(vcf=["a.vcf", "b.vcf", "NA", "NA"]).to_csv(folder / "samples.tsv", sep="\t", index=False)
    # the base before an insertion or deletion is VCF's, and need not have a place: 1004 A>AG stands between 1004 and 1005
    vcf(folder, "a.vcf", "P1_T", record(1004, "A", "AG", "0/1:70,30"), record(38182641, "T", "C", "0/1:90,10"))
    vcf(folder, "b.vcf", "P2_T", record(1500, "A", "G", "0/1:90,10"), record(38182641, "T", "C", "0/0:80,0"))
    config = load(path)
    assert batch_names(config, folder) == ["batch_000"]
    tables = read_batch(config, folder, ["P1_T", "P2_T"])
    assert places(tables["calls"]) == [
        ("GRCh38", "3", 2014, "-", "C"),
        ("GRCh38", "3", 38141150, "T", "C"),
        ("GRCh38", "3", 38141150, "T", "C"),
    ]
    assert tables["calls"]["alt_count"].tolist() == [30, 10, 0]
    assert places(tables["effects"]) == [("GRCh38", "3", 2014, "-", "C"), ("GRCh38", "3", 38141150, "T", "C")]
    assert tables["effects"]["hgvsp"].tolist() == ["L265P", "L265P"]
    assert "liftover: has no place on GRCh38" in tables["dropped"]["reason"].tolist()
    assert len(gathered(path).calls) == 3


def test_a_vcf_of_the_whole_cohort_is_moved(study):
    path = study(source="  - format: vcf\n    file: all.vcf\n")
    vcf(path.parent, "all.vcf", "P1_T P2_T", record(38182641, "T", "C", "0/1:90,10", "0/0:80,0"))
    cohort = gathered(path)
    assert places(cohort.calls) == [("GRCh38", "3", 38141150, "T", "C")] * 2
    assert cohort.calls["alt_count"].tolist() == [10, 0]


def test_a_file_without_variants_is_no_error(study):
    path = study()
    assert gathered(path).calls.empty


def test_a_file_that_is_on_the_study_build_already_is_refused(study):
    path = study(row("P1_T", "3", 38141150, "T", "C", build="GRCh38"))
    with pytest.raises(InputError) as caught:
        gathered(path)
    assert str(caught.value).endswith(
        "row 2, column 'NCBI_Build', value 'GRCh38': 1 row(s) are on GRCh38, variants.liftover.from says GRCh37. "
        "If it is on GRCh38 already, the cohort's build, remove 'liftover' from this source."
    )


def test_a_header_of_the_study_build_is_refused(study):
    path = study(source="  - format: vcf\n    file: all.vcf\n")
    vcf(path.parent, "all.vcf", "P1_T", record(38182641, "T", "C", "0/1:90,10"), length=198295559)
    with pytest.raises(InputError, match=r"the header says GRCh38, variants\.liftover\.from says GRCh37"):
        gathered(path)


def test_positions_are_held_against_the_build_of_the_file(study):
    # chromosome 17 ends at 81,195,210 on GRCh37 and at 83,257,441 on GRCh38
    path = study(row("P1_T", "17", 82_000_000, "A", "G"))
    with pytest.raises(InputError, match="lies beyond the end of the chromosome on GRCh37, at 81195210"):
        gathered(path)


def test_without_the_key_the_message_names_it(study):
    path = study(row("P1_T", "3", 38182641, "T", "C"), liftover=False)
    with pytest.raises(InputError) as caught:
        gathered(path)
    assert str(caught.value).endswith(
        "1 row(s) are on GRCh37, the cohort is declared GRCh38. Lift it over to GRCh38 while it is read "
        "(variants.liftover: {from: GRCh37, chain: FILE}), or correct study.build."
    )


def test_rows_of_both_builds_in_one_file_are_to_be_parted(study):
    path = study(row("P1_T", "3", 38182641, "T", "C"), row("P2_T", "3", 38141150, "T", "C", build="hg38"))
    with pytest.raises(InputError, match=r"row 3.*value 'hg38': 1 row\(s\) are on GRCh38.*One build per file: part it in two\."):
        gathered(path)


def test_a_chain_of_the_wrong_direction_is_said_once_by_the_check(study, write_chain, capsys):
    path = study(row("P1_T", "3", 38182641, "T", "C"), chain=write_chain(MYD88, builds=("GRCh38", "GRCh37")))
    with pytest.raises(SystemExit):
        cli.main(["check", str(path)])
    err = capsys.readouterr().err
    assert err.count("error:") == 1
    assert "my.chain, value 'chromosome 3 of 198295559 bases to 3 of 198022430': is a chain from GRCh38 to GRCh37" in err


def test_lifting_from_the_build_of_the_study_is_refused(study):
    path = study(build="GRCh38")
    with pytest.raises(InputError, match=r"variants\.0\.liftover is from GRCh38, which is study\.build"):
        load(path)


def test_the_chain_is_an_input_of_the_run_and_its_absence_is_named(study):
    path = study(row("P1_T", "3", 38182641, "T", "C"))
    assert path.parent / "my.chain" in input_files(load(path), path.parent)
    (path.parent / "my.chain").unlink()
    with pytest.raises(InputError, match=r"column 'variants\.0\.liftover\.chain', value 'my\.chain': the file is missing"):
        input_files(load(path), path.parent)


def test_batches_wait_for_the_chain_that_moves_them(study, monkeypatch):
    path = study(source="  - format: vcf\n")
    path.write_text(path.read_text().replace("# vcf: vcf ", "vcf: vcf #"))
    sheet = pd.read_csv(path.parent / "samples.tsv", sep="\t", dtype=str, keep_default_na=False)
    sheet.assign(vcf=["a.vcf", "NA", "NA", "NA"]).to_csv(path.parent / "samples.tsv", sep="\t", index=False)
    vcf(path.parent, "a.vcf", "P1_T", record(38182641, "T", "C", "0/1:90,10"))
    monkeypatch.chdir(path.parent)
    work = plan_work(["cohort.yaml"], {})
    assert work.batches == {"batch_000": ("a.vcf", "my.chain")}
    assert "my.chain" in work.files


def test_the_stages_from_gather_to_report_take_the_moved_calls_and_say_so(study, tmp_path):
    path = study(row("P1_T", "3", 38182641, "T", "C"), row("P2_T", "3", 1500, "T", "C"))
    results = tmp_path / "out"
    for stage in ("gather", "annotate", "ctdna", "classify", "matrix", "associate", "train", "report"):
        cli.main([stage, str(path), "--results", str(results)])
    assert json.loads((results / "cohort" / "cohort.json").read_text())["build"] == "GRCh38"
    effects = read_table(results / "annotate" / "effects.parquet", schemas.EFFECTS)
    assert places(effects) == [("GRCh38", "3", 38141150, "T", "C")]
    dropped = read_table(results / "cohort" / "dropped.parquet", schemas.DROPPED)
    assert dropped.query("reason == 'liftover: has no place on GRCh38'")["n"].tolist() == [1]
    report = (results / "report" / "report.html").read_text()
    assert "GRCh37, moved to GRCh38 through the chain my.chain" in report
    assert "liftover: has no place on GRCh38" in report
    provenance = json.loads((results / "report" / "provenance.json").read_text())
    assert "my.chain" in [item["path"] for item in provenance["inputs"]]
    assert "liftover" in provenance["versions"]


@pytest.mark.shared
def test_both_builds_of_clinvar_make_one_cohort(study, shared):
    """The same 90 substitutions as a MAF of each build, through the real chain: not one call more or less."""
    truth = shared / "truth" / "annotation"
    path = study()
    both = {
        b: pd.read_csv(truth / f"clinvar_hgvs_{b.lower()}.tsv", sep="\t", dtype=str).dropna(subset=["ref"])
        for b in ("GRCh37", "GRCh38")
    }
    for build, table in both.items():
        lines = [row("P1_T", r.chrom, int(r.start), r.ref, r.alt, build=build) for r in table.itertuples()]
        (path.parent / f"{build}.maf").write_text(HEAD + "".join(lines))
    text = path.read_text().replace("my.chain", str(truth / "GRCh37_to_GRCh38.chain.gz"))
    path.write_text(text.replace("file: variants.maf", "file: GRCh37.maf"))
    moved = gathered(path)
    path.write_text(text.replace("file: variants.maf", "file: GRCh38.maf").replace("    liftover", "    # liftover"))
    direct = gathered(path)
    assert len(direct.calls) == len(both["GRCh38"].drop_duplicates(["chrom", "start", "ref", "alt"]))
    assert places(moved.calls) == places(direct.calls)
    assert places(moved.effects) == places(direct.effects)
