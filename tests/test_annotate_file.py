"""A VCF without a cohort: what cannot be annotated is refused or counted, the same file gives the same tables however it is packed."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "annotate"))
from brute_force import OF_CODON
from tiny_panel import GENES, Panel, binary, other_strand, packed, run, table, vcf_text

from resistance.annotate_file import CARRIERS, EFFECTS, TWICE, Annotated, annotate_file
from resistance.errors import InputError

BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
needs_bcftools = pytest.mark.skipif(shutil.which("bcftools") is None, reason="the program bcftools is not installed")


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Panel:
    return Panel(tmp_path_factory.mktemp("panel") / "bundle")


class Out:
    """Runs the function in a folder, and reads what it wrote."""

    def __init__(self, panel: Panel, folder: Path) -> None:
        self.panel, self.folder, self.warnings = panel, folder, []
        self.out, self.carriers = folder / "effects.tsv", folder / "carriers.tsv"

    def __call__(self, path: Path) -> Annotated:
        self.warnings.clear()
        return annotate_file(path, self.panel.reference, self.out, carriers=self.carriers, warn=self.warnings.append)

    def text(self, text: str | bytes, name: str = "calls.vcf") -> Path:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def given(self, *records: tuple, samples: tuple[str, ...] = (), form: str = "GT") -> Annotated:
        return self(self.text(vcf_text(records, samples, form=form)))

    def tables(self) -> tuple[bytes, bytes]:
        return self.out.read_bytes(), self.carriers.read_bytes()

    def refused(self, path: Path) -> str:
        """Return what the refusal says; an output that was there before stays, and nothing else is left in the folder."""
        self.out.write_text("from before\n", encoding="ascii")
        before = sorted(p.name for p in self.folder.iterdir())
        with pytest.raises(InputError) as caught:
            self(path)
        assert self.out.read_text(encoding="ascii") == "from before\n"
        assert sorted(p.name for p in self.folder.iterdir()) == before
        return str(caught.value)


@pytest.fixture
def annotate(panel: Panel, tmp_path: Path) -> Out:
    return Out(panel, tmp_path)


@pytest.fixture
def good(panel: Panel) -> list[tuple[str, int, str, str]]:
    """Twenty substitutions in the first exon of MYD88, sorted."""
    places = panel.coding(panel.transcripts["MYD88"])
    return [panel.snv("3", places[i]) for i in range(0, 60, 3)]


def left(done: Annotated) -> dict[str, int]:
    return {reason: n for reason, n, _ in done.left_out}


# ------------------------------------------------------------------ alleles that cannot be annotated are counted


@pytest.mark.parametrize(
    ("ref", "alt", "reason", "kept"),
    [
        ("{r}", "<DEL>", "symbolic allele <DEL>", 0),
        ("{r}", "{r}[17:7577539[", "a breakend is no small variant (give the file under fusions)", 0),
        ("{r}", "*", "allele '*': the base is deleted by another record", 0),
        ("{r}", "{a},<NON_REF>", "allele <NON_REF> stands for any other allele", 1),
        ("{r}", "{a},*", "allele '*': the base is deleted by another record", 1),
        ("{r}", ".", "the record names no alternative allele", 0),
        ("R", "{a}", "an allele holds letters other than A, C, G and T", 0),
        ("{r}", "Y", "an allele holds letters other than A, C, G and T", 0),
        ("{r}", "{r}", "the alternative allele is the reference allele", 0),
        ("{r}", "{a},", "an allele is empty", 1),
        ("{a}", "{r}", "the reference base is another", 0),
        ("{r}", "{a},{a}", TWICE, 1),
    ],
)
def test_an_allele_that_is_no_small_variant_is_counted_once_by_its_reason(
    annotate: Out, panel: Panel, good: list, ref: str, alt: str, reason: str, kept: int
) -> None:
    chrom, pos, r, a = panel.snv("3", good[-1][1] + 2)
    done = annotate.given(*good, (chrom, pos, ref.format(r=r, a=a), alt.format(r=r, a=a)))
    assert left(done) == {reason: 1}
    assert len(table(annotate.out)) == len(good) + kept
    assert f"3:{pos}" in done.left_out[0][2]


def test_bases_in_lower_case_are_bases(annotate: Out, good: list) -> None:
    annotate.given(*good)
    upper = [{k: v for k, v in row.items() if k != "record"} for row in table(annotate.out)]
    done = annotate.given(*[(c, p, r.lower(), a.lower()) for c, p, r, a in good])
    assert done.left_out == []
    assert [{k: v for k, v in row.items() if k != "record"} for row in table(annotate.out)] == upper


def test_a_record_given_twice_is_annotated_once_and_the_second_is_counted(annotate: Out, good: list) -> None:
    done = annotate.given(*[(*v, "0/1") for v in (good[0], good[0], *good[1:])], samples=("A",))
    assert left(done) == {TWICE: 1}
    assert [row["pos"] for row in table(annotate.out)] == [str(v[1]) for v in good]
    assert len(table(annotate.carriers)) == len(good)


def test_the_number_of_alleles_in_the_genes_is_what_is_annotated_and_what_is_left_out(annotate: Out, panel: Panel) -> None:
    draw = random.Random(5)
    records, alleles = [], []
    for chrom, pos, ref, alt in panel.drawn(400, seed=6):
        more = [draw.choice(["*", "<NON_REF>", "<DEL>", "N", "]1:5]A", ref])] if draw.random() < 0.3 else []
        wrong = draw.random() < 0.05
        ref_written = ref if not wrong else "".join("ACGT"[("ACGT".index(b) + 1) % 4] for b in ref)
        if wrong and len(ref) != len(alt):
            ref_written = ref  # the anchor of an indel is not part of the variant
        records.append((chrom, pos, ref_written, ",".join([alt, *more])))
        alleles += [(chrom, pos, ref_written, one) for one in (alt, *more)]
    done = annotate.given(*records)

    def touches(chrom: str, pos: int, ref: str, alt: str) -> bool:
        first, last = pos, pos + len(ref) - 1
        if not set(alt) - set("ACGT") and alt != ref:
            while ref and alt and ref[-1] == alt[-1]:
                ref, alt = ref[:-1], alt[:-1]
            while ref and alt and ref[0] == alt[0]:
                ref, alt, pos = ref[1:], alt[1:], pos + 1
            first, last = (pos, pos + len(ref) - 1) if ref else (pos - 1, pos)
        else:
            first, last = first - 1, last + 1  # such an allele is counted where its record lies in or beside a gene
        return any(t.chrom == chrom and first <= t.end and t.start <= last for t in panel.transcripts.values())

    annotated = {(r["chrom"], r["pos"], r["ref"], r["alt"]) for r in table(annotate.out)}
    assert len(annotated) > 250
    assert len(left(done)) >= 5
    assert len(annotated) + sum(left(done).values()) == sum(touches(*allele) for allele in alleles)


def test_genes_that_the_reference_does_not_have_are_named(annotate: Out, good: list) -> None:
    annotate.given(*good)
    assert any("the reference has no bases of" in w and "variants there are not annotated" in w for w in annotate.warnings)


# ------------------------------------------------------------------ other reference bases


def test_a_few_other_reference_bases_are_counted_with_what_stands_there(annotate: Out, panel: Panel, good: list) -> None:
    chrom, pos, ref, alt = panel.snv("3", good[-1][1] + 2)
    done = annotate.given(*[(*v, "1|1") for v in (*good, (chrom, pos, alt, ref))], samples=("A",))
    assert done.left_out == [("the reference base is another", 1, f"3:{pos} {alt}>{ref}, here {ref}")]
    # who carries a variant that is not annotated stands in no table
    assert {row["pos"] for row in table(annotate.carriers)} == {str(v[1]) for v in good}


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("strand", "are those of the other strand"),
        ("swapped", "REF and ALT are swapped"),
        ("from 0", "positions that count from 0"),
        ("one too high", "positions that are one too high"),
        ("another genome", "most likely of another build or genome"),
    ],
)
def test_a_file_with_other_reference_bases_is_refused_with_counts_and_the_cause(
    annotate: Out, panel: Panel, kind: str, cause: str
) -> None:
    records = [v for v in panel.drawn(300, seed=8, flank=-5) if len(v[2]) == len(v[3]) == 1]
    draw = random.Random(3)
    change = {
        "strand": lambda c, p, r, a: (c, p, other_strand(r), other_strand(a)),
        "swapped": lambda c, p, r, a: (c, p, a, r),
        "from 0": lambda c, p, r, a: (c, p - 1, r, a),
        "one too high": lambda c, p, r, a: (c, p + 1, r, a),
        "another genome": lambda c, p, r, a: (c, p + 7, r, draw.choice([b for b in "ACGT" if b != r])),
    }[kind]
    changed = list(dict.fromkeys(change(*record) for record in records))
    wrong = sum(panel.base[c, p] != r for c, p, r, _ in changed)
    said = annotate.refused(annotate.text(vcf_text(changed)))
    assert f"{wrong} of {len(changed)} variants have another reference base than GRCh37" in said
    assert cause in said


def test_exactly_a_tenth_of_other_reference_bases_is_not_refused(annotate: Out, good: list) -> None:
    swapped = [(c, p, a, r) for c, p, r, a in good[:2]]
    done = annotate.given(*swapped, *good[2:])
    assert left(done) == {"the reference base is another": 2}
    swapped = [(c, p, a, r) for c, p, r, a in good[:3]]
    assert "3 of 20 variants" in annotate.refused(annotate.text(vcf_text([*swapped, *good[3:]])))


# ------------------------------------------------------------------ files that are damaged


def damaged_lines(good: list) -> dict[str, tuple[str, str]]:
    text = vcf_text([(*v, "0/1", "0/1") for v in good], ("A", "B"))
    head = text[: text.index("\n", text.index("#CHROM")) + 1]
    *_, ref, alt = good[-1]
    again = f"3\t{good[-1][1]}\t.\t{ref}\t{alt}\t.\t.\t.\tGT"
    return {
        "cut in the last samples": (text[:-5], "has 10 columns, and the header names 11"),
        "cut in the last position": (text[: text.rindex("3\t") + 5], "this line is no record"),
        "four columns": (text + "\t".join(again.split("\t")[:4]) + "\n", "this line is no record"),
        "five columns": (text + "\t".join(again.split("\t")[:5]) + "\n", "has 5 columns, and the header names 11"),
        "a sample is missing": (head + f"{again}\t0/1\n", "has 10 columns, and the header names 11"),
        "a sample too many": (head + f"{again}\t0/1\t0/0\t1/1\n", "has 12 columns, and the header names 11"),
        "a position that is no number": (f"{text}3\tabc\t.\tA\tC\t.\t.\t.\tGT\t0/1\t0/1\n", "POS is no number"),
        "a blank line": (f"{text}\n{text.splitlines()[-1]}\n", "this line is no record"),
        "blanks for tabs": (text.replace("\t", " "), "the line #CHROM POS ID REF ALT ... does not follow the header"),
        "one name twice": (text.replace("\tA\tB\n", "\tA\tA\n"), "two samples have one name"),
    }


@pytest.mark.parametrize("kind", list(damaged_lines([("3", 1, "A", "C")])))
def test_a_damaged_line_is_refused_with_the_line_and_what_is_wrong(annotate: Out, good: list, kind: str) -> None:
    text, words = damaged_lines(good)[kind]
    said = annotate.refused(annotate.text(text))
    assert words in said
    assert "calls.vcf" in said


@pytest.mark.parametrize("kind", ["five columns", "a sample is missing", "a sample too many"])
def test_a_record_with_other_columns_is_refused_through_the_index_too(annotate: Out, good: list, kind: str) -> None:
    text, words = damaged_lines(good)[kind]
    assert words in annotate.refused(packed(annotate.folder / "calls.vcf.gz", text))


def test_a_header_of_the_other_build_is_refused_and_the_reference_named(annotate: Out, good: list) -> None:
    text = vcf_text(good, contigs=False).replace("#CHROM", "##contig=<ID=3,length=198295559>\n#CHROM")
    said = annotate.refused(annotate.text(text))
    assert "the header says GRCh38, the reference is GRCh37" in said
    assert "cohort" not in said
    said = annotate.refused(binary(annotate.folder / "calls.bcf", text))
    assert "the header says GRCh38, the reference is GRCh37" in said


@pytest.mark.parametrize("end", [b"", BGZF_END])
@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize("kind", ["vcf.gz", "bcf"])
def test_a_file_cut_in_the_middle_is_refused(annotate: Out, panel: Panel, kind: str, index: bool, end: bytes) -> None:
    text = vcf_text([(*v, "0/1") for v in panel.drawn(3000)], ("A",))
    whole = (packed if kind == "vcf.gz" else binary)(annotate.folder / f"whole.{kind}", text)
    cut = annotate.folder / f"cut.{kind}"
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) * 2 // 3] + end)
    if index:
        suffix = ".tbi" if kind == "vcf.gz" else ".csi"
        shutil.copy(f"{whole}{suffix}", f"{cut}{suffix}")
    said = annotate.refused(cut)
    assert "cut off" in said or "damaged" in said
    assert "Copy" in said


def test_a_header_cut_off_is_refused(annotate: Out, good: list) -> None:
    whole = packed(annotate.folder / "whole.vcf.gz", vcf_text(good), index=None).read_bytes()
    for data in (whole[:40] + BGZF_END, BGZF_END):
        said = annotate.refused(annotate.text(data, "calls.vcf.gz"))
        assert "calls.vcf.gz" in said


def test_gzip_is_told_from_bgzip(annotate: Out, good: list) -> None:
    import gzip

    said = annotate.refused(annotate.text(gzip.compress(vcf_text(good).encode()), "calls.vcf.gz"))
    assert "is compressed with gzip, not with bgzip" in said
    assert "gunzip -c FILE | bgzip > NEW" in said


@pytest.mark.parametrize("kind", ["older", "of another file", "junk", "empty"])
@pytest.mark.parametrize("form", ["vcf.gz", "bcf"])
def test_an_index_that_does_not_fit_is_refused_and_the_command_named(annotate: Out, panel: Panel, form: str, kind: str) -> None:
    write, suffix = (packed, ".tbi") if form == "vcf.gz" else (binary, ".csi")
    path = write(annotate.folder / f"calls.{form}", vcf_text([(*v, "0/1") for v in panel.drawn(3000)], ("A",)))
    index = Path(f"{path}{suffix}")
    if kind == "older":
        os.utime(index, (1, 1))
    elif kind == "of another file":
        short = write(annotate.folder / f"short.{form}", vcf_text([(*v, "0/1") for v in panel.drawn(200, seed=9)], ("A",)))
        shutil.copy(f"{short}{suffix}", index)
    else:
        index.write_bytes(b"junk" if kind == "junk" else b"")
    said = annotate.refused(path)
    assert "index is older than its file" in said if kind == "older" else "index is damaged" in said
    assert ("tabix -f -p vcf calls.vcf.gz" if form == "vcf.gz" else "bcftools index -f calls.bcf") in said


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda f: f / "none.vcf", "the file is missing"),
        (lambda f: (f / "folder.vcf").mkdir() or f / "folder.vcf", "is a folder, not a file"),
        (lambda f: (f / "nothing.vcf").touch() or f / "nothing.vcf", "the file is empty"),
        (lambda f: (f / "calls.vcf").write_text("Hugo_Symbol\tChromosome\n") and f / "calls.vcf", "is no VCF"),
    ],
)
def test_what_is_no_vcf_is_refused(annotate: Out, make, words: str) -> None:
    assert words in annotate.refused(make(annotate.folder))


# ------------------------------------------------------------------ files that are odd and fine


def test_a_file_without_records_gives_empty_tables_and_a_warning(annotate: Out) -> None:
    for path in (
        annotate.text(vcf_text([], ("A",))),
        packed(annotate.folder / "a.vcf.gz", vcf_text([], ("A",))),
        binary(annotate.folder / "a.bcf", vcf_text([], ("A",))),
    ):
        annotate(path)
        assert annotate.tables() == (("\t".join(EFFECTS) + "\n").encode(), ("\t".join(CARRIERS) + "\n").encode())
        assert any("has no small variant in the genes of the reference" in text for text in annotate.warnings)


def test_contigs_that_the_build_does_not_know_are_named(annotate: Out, good: list) -> None:
    text = vcf_text([("GL000219.1", 5, "A", "C"), *good], contigs=False)
    heads = "".join(f"##contig=<ID={name}>\n" for name in ("GL000219.1", "hs37d5", "3"))
    text = text.replace("#CHROM", f"{heads}#CHROM")
    for path in (
        annotate.text(text),
        packed(annotate.folder / "a.vcf.gz", text),
        binary(annotate.folder / "a.bcf", text),
        binary(annotate.folder / "b.bcf", text, index=False),
    ):
        assert annotate(path).variants == len(good)
        assert any("lies on 1 contig (GL000219.1) of" in w for w in annotate.warnings), path


def test_a_file_without_samples_says_that_nobody_can_carry(annotate: Out, good: list) -> None:
    assert annotate.given(*good).carriers == 0
    assert any("has no samples" in text for text in annotate.warnings)


def test_a_header_with_format_and_no_sample_is_read(annotate: Out, good: list) -> None:
    text = vcf_text([(*v, "x") for v in good], ("x",)).replace("\tFORMAT\tx\n", "\tFORMAT\n").replace("\tGT\tx\n", "\tGT\n")
    assert annotate(annotate.text(text)).effects == len(good)


def test_prefix_dos_lines_and_a_header_without_contigs_change_nothing(annotate: Out, panel: Panel) -> None:
    records = [(*v, "0/1", "1|1") for v in panel.drawn(200)]
    annotate(annotate.text(vcf_text(records, ("A", "B"))))
    expected = annotate.tables()
    chr_text = vcf_text(records, ("A", "B"), prefix="chr")
    for text in (
        vcf_text(records, ("A", "B"), contigs=False),
        vcf_text(records, ("A", "B")).replace("\n", "\r\n"),
        vcf_text(records, ("A", "B"))[:-1],
    ):
        for path in (annotate.text(text), packed(annotate.folder / "calls.vcf.gz", text)):
            annotate(path)
            assert annotate.tables() == expected
    annotate(annotate.text(chr_text))
    effects, carriers = annotate.tables()
    assert carriers == expected[1]
    assert (
        effects.replace(b"\tchr3:", b"\t3:")
        .replace(b"\tchr6:", b"\t6:")
        .replace(b"\tchr9:", b"\t9:")
        .replace(b"\tchr14:", b"\t14:")
        == expected[0]
    )


def test_letters_that_are_not_utf8_do_not_stop_it(annotate: Out, good: list) -> None:
    data = vcf_text([(*v, "0/1") for v in good], ("A",)).encode().replace(b"\tPASS\t.\t", b"\tPASS\tN=\xe9\t")
    data = data.replace(b"#CHROM", b"##note=\xe9\n#CHROM")
    assert annotate(annotate.text(data)).effects == len(good)
    path = annotate.folder / "calls.vcf.gz"
    import pysam

    with pysam.BGZFile(str(path), "wb") as file:
        file.write(data)
    pysam.tabix_index(str(path), preset="vcf")
    assert annotate(path).effects == len(good)


@pytest.mark.parametrize("name", ["calls with blanks.vcf", "büro.vcf"])
def test_any_path_will_do(annotate: Out, good: list, name: str) -> None:
    assert annotate(annotate.text(vcf_text(good), name)).effects == len(good)


def test_streamed_and_indexed_plain_packed_and_binary_give_the_same_bytes(annotate: Out, panel: Panel) -> None:
    draw = random.Random(4)
    cells = ["0/0:9,0:9", "0/1:5,4:9", "1|0:5,4:9", "0|1:3,6:9", "1/1:0,9:9", "./.:.:.", "1:0,8:8", "0/1:.:."]
    records = [(*v, *draw.choices(cells, k=3)) for v in panel.drawn(700)]
    text = vcf_text(records, ("A", "B", "C"), form="GT:AD:DP")
    annotate(annotate.text(text))
    expected = annotate.tables()
    assert len(expected[1].splitlines()) > 500
    forms = {
        "BGZF": packed(annotate.folder / "a.vcf.gz", text, index=None),
        "BGZF, tbi": packed(annotate.folder / "b.vcf.gz", text),
        "BGZF, csi": packed(annotate.folder / "c.vcf.gz", text, index="csi"),
        "BCF": binary(annotate.folder / "d.bcf", text, index=False),
        "BCF, csi": binary(annotate.folder / "e.bcf", text),
    }
    for form, path in forms.items():
        done = annotate(path)
        assert annotate.tables() == expected, form
        assert done.indexed == ("," in form)
        assert any("is read from end to end" in w for w in annotate.warnings) == ("," not in form)


def test_what_is_left_out_is_the_same_through_the_index_and_without(annotate: Out, panel: Panel) -> None:
    m = panel.transcripts["MYD88"]
    before = ("3", m.start - 5000, "N", "<DEL>")  # its END reaches into the gene
    text = vcf_text([before, panel.snv("3", m.start + 5)]).replace("<DEL>\t.\tPASS\t.", f"<DEL>\t.\tPASS\tEND={m.start + 3}")
    for path in (
        annotate.text(text),
        packed(annotate.folder / "a.vcf.gz", text),
        binary(annotate.folder / "a.bcf", text, index=False),
        binary(annotate.folder / "b.bcf", text),
    ):
        assert left(annotate(path)) == {"symbolic allele <DEL>": 1}, path


def test_a_file_that_is_not_sorted_gives_the_same_rows(annotate: Out, panel: Panel) -> None:
    records = [(*v, "0/1") for v in panel.drawn(300)]
    annotate(annotate.text(vcf_text(records, ("A",))))
    expected = [sorted(part.splitlines()) for part in annotate.tables()]
    random.Random(2).shuffle(records)
    annotate(annotate.text(vcf_text(records, ("A",))))
    assert [sorted(part.splitlines()) for part in annotate.tables()] == expected


# ------------------------------------------------------------------ what the effect is


def only(annotate: Out, *records: tuple) -> list[dict[str, str]]:
    assert left(annotate.given(*records)) == {}
    return table(annotate.out)


@pytest.mark.parametrize("gene", ["MYD88", "NFKBIA"])
def test_deletions_over_the_ends_of_a_gene_have_an_effect(annotate: Out, panel: Panel, gene: str) -> None:
    t = panel.transcripts[gene]
    (whole,) = only(annotate, panel.deletion(t.chrom, t.start - 50, t.end + 50))
    assert (whole["consequence"], whole["effect_class"], whole["hgvsp"]) == ("transcript_ablation", "truncating", "NA")
    five = (t.start - 5, t.start + 4) if t.strand == "+" else (t.end - 4, t.end + 5)
    (utr,) = only(annotate, panel.deletion(t.chrom, *five))
    assert utr["consequence"] == "5_prime_UTR_variant"
    start = (t.start - 5, t.cds_start + 9) if t.strand == "+" else (t.cds_end - 9, t.end + 5)
    (lost,) = only(annotate, panel.deletion(t.chrom, *start))
    assert lost["effect_class"] == "start_lost"


def test_a_deletion_over_two_genes_has_a_row_for_each(annotate: Out, panel: Panel) -> None:
    first, second = panel.transcripts["H2BC4"], panel.transcripts["H2AC6"]
    rows = only(annotate, panel.deletion("6", first.end - 20, second.start + 4))
    assert {row["gene"] for row in rows} == {"H2BC4", "H2AC6"}
    assert len({row["record"] for row in rows}) == 1


def test_a_deletion_over_a_border_of_intron_and_exon_is_of_the_splice_site(annotate: Out, panel: Panel) -> None:
    for gene in ("MYD88", "NFKBIA"):
        t = panel.transcripts[gene]
        for edge in (t.exons[1][0], t.exons[1][1]):
            (row,) = only(annotate, panel.deletion(t.chrom, edge - 4, edge + 4))
            assert row["effect_class"] == "splice"


def test_a_deletion_beyond_the_bases_of_the_bundle_is_counted(annotate: Out, panel: Panel, good: list) -> None:
    t = panel.transcripts["MYD88"]
    beyond = ("3", t.start - 3001, "A" * 3020, "A")
    done = annotate.given(*good, beyond)
    assert left(done) == {"reaches beyond the bases that the reference has of the gene": 1}


def test_a_record_that_spans_two_regions_is_given_once(annotate: Out, panel: Panel) -> None:
    first, second = panel.transcripts["H2BC4"], panel.transcripts["H2AC6"]
    record = panel.deletion("6", first.end - 20, second.start + 4)
    done = annotate(packed(annotate.folder / "a.vcf.gz", vcf_text([record])))
    assert (done.variants, done.left_out) == (1, [])


def test_several_bases_and_several_alleles_of_a_record_have_a_row_each(annotate: Out, panel: Panel) -> None:
    t = panel.transcripts["MYD88"]
    places = panel.coding(t)
    pos = places[30]  # the first base of codon 11
    old = panel.bases("3", pos, pos + 2)
    new = next(
        c
        for c in sorted(OF_CODON)
        if all(a != b for a, b in zip(c, old, strict=True)) and OF_CODON[c] not in ("*", OF_CODON[old])
    )
    other = panel.snv("3", pos)[3] + old[1:]
    rows = only(annotate, ("3", pos, old, f"{new},{other}"))
    assert [(r["pos"], r["ref"], r["alt"]) for r in rows] == [(str(pos), old, new), (str(pos), old[0], other[0])]
    assert rows[0]["hgvsp"] == f"{OF_CODON[old]}11{OF_CODON[new]}"
    assert rows[0]["hgvsc"].endswith(f":c.31_33delins{new}")
    assert rows[1]["residue"] == "11"
    assert {r["record"] for r in rows} == {f"3:{pos}:{old}:{new},{other}"}


def test_a_very_long_allele_is_annotated_whole(annotate: Out, panel: Panel, good: list) -> None:
    new = "".join(random.Random(7).choices("ACGT", k=30_000))
    rows = only(annotate, panel.insertion("3", good[5][1], new))
    assert len(rows[0]["alt"]) == 30_000
    assert rows[0]["effect_class"] == "truncating"


@pytest.mark.parametrize("gene", GENES)
def test_every_substitution_of_a_coding_base_is_named_as_the_codon_says(annotate: Out, panel: Panel, gene: str) -> None:
    t = panel.transcripts[gene]
    places = panel.coding(t)
    strand = str if t.strand == "+" else other_strand
    sense = strand("".join(panel.base[t.chrom, p] for p in sorted(places)))
    expected = {}
    for at in range(3, len(places) - 3, 7):
        _, pos, ref, alt = panel.snv(t.chrom, places[at])
        start = at - at % 3
        codon = sense[start : start + 3]
        changed = codon[: at % 3] + strand(alt) + codon[at % 3 + 1 :]
        new = "=" if OF_CODON[changed] == OF_CODON[codon] else OF_CODON[changed]
        expected[str(pos)] = f"c.{at + 1}{strand(ref)}>{strand(alt)}", f"{OF_CODON[codon]}{at // 3 + 1}{new}"
    rows = only(annotate, *sorted(panel.snv(t.chrom, int(p)) for p in expected))
    assert {r["pos"]: (r["hgvsc"].split(":")[1], r["hgvsp"]) for r in rows if r["gene"] == gene} == expected


# ------------------------------------------------------------------ variants on one copy


def together(annotate: Out) -> list[dict[str, str]]:
    return [row for row in table(annotate.out) if row["in_cis_with"] != "NA"]


@pytest.mark.parametrize(
    ("form", "cells", "joined"),
    [
        ("GT", ("0|1", "0|1"), True),
        ("GT", ("1|0", "0|1"), False),
        ("GT", ("0/1", "0/1"), False),
        ("GT", ("1|1", "0|1"), True),
        ("GT", ("1/1", "0|1"), True),
        ("GT", ("1/1", "1/1"), True),
        ("GT", ("1", "1"), True),
        ("GT:PS", ("0|1:7", "0|1:7"), True),
        ("GT:PS", ("0|1:7", "0|1:8"), False),
        ("GT:PS", ("0/1:7", "0/1:7"), False),
        ("GT:PGT:PID", ("0/1:0|1:x", "0/1:0|1:x"), True),
        ("GT:PGT:PID", ("0/1:0|1:x", "0/1:1|0:x"), False),
        ("GT:PGT:PID", ("0/1:0|1:x", "0/1:0|1:y"), False),
        ("GT:PGT:PID", ("0/1:0|1:.", "0/1:0|1:."), False),
    ],
)
def test_variants_of_a_codon_are_read_together_where_they_are_known_to_be_on_one_copy(
    annotate: Out, panel: Panel, good: list, form: str, cells: tuple[str, str], joined: bool
) -> None:
    first = good[3][1]  # the first base of a codon
    pair = [(*panel.snv("3", first + i), cell) for i, cell in enumerate(cells)]
    text = vcf_text(pair, ("A",), form=form)
    annotate(annotate.text(text))
    assert bool(together(annotate)) == joined
    expected = annotate.tables()
    annotate(binary(annotate.folder / "a.bcf", text))
    assert annotate.tables() == expected


def test_two_samples_with_other_copies_have_rows_of_their_own(annotate: Out, panel: Panel, good: list) -> None:
    first = good[3][1]
    a, b, c = (panel.snv("3", first + i) for i in range(3))
    annotate.given((*a, "0|1", "0|1", "0|1"), (*b, "0|1", "1|0", "0|1"), (*c, "0|0", "1|0", "0|1"), samples=("A", "B", "C"))
    rows = together(annotate)
    assert sorted((row["samples"], row["pos"]) for row in rows) == [
        *(("A", str(first + i)) for i in (0, 1)),
        *(("B", str(first + i)) for i in (1, 2)),
        *(("C", str(first + i)) for i in (0, 1, 2)),
    ]


def test_a_set_that_names_both_copies_leaves_none_with_the_homozygous_ones_alone(annotate: Out, panel: Panel, good: list) -> None:
    first = good[3][1]
    a, b = panel.snv("3", first), panel.snv("3", first + 1)
    one, other = panel.snv("3", first + 2, 1), panel.snv("3", first + 2, 2)
    annotate.given((*a, "1|1"), (*b, "1|1"), (*one, "0|1"), (*other, "1|0"), samples=("A",))
    assert sorted({row["in_cis_with"].count(";") for row in together(annotate)}) == [1]


def test_an_intronic_variant_is_not_read_together_with_its_neighbour(annotate: Out, panel: Panel) -> None:
    edge = panel.transcripts["MYD88"].exons[1][0]
    annotate.given((*panel.snv("3", edge - 1), "0|1"), (*panel.snv("3", edge), "0|1"), samples=("A",))
    assert together(annotate) == []


def test_other_reference_bases_of_phased_variants_are_counted_once(annotate: Out, panel: Panel, good: list) -> None:
    first = good[-1][1] + 3
    wrong = [(c, p, a, r, "1|1", "1|1") for c, p, r, a in (panel.snv("3", first), panel.snv("3", first + 1))]
    done = annotate.given(*[(*v, "1|1", "1|1") for v in good], *wrong, samples=("A", "B"))
    assert left(done) == {"the reference base is another": 2}


def drawn_copies(panel: Panel, gene: str) -> list[list[tuple[str, int, str, str]]]:
    """Draw codons of a gene, those that an intron splits among them, and change two or three bases of each."""
    t = panel.transcripts[gene]
    places, draw = panel.coding(t), random.Random(11)
    split = [i for i in range(3, len(places) - 3, 3) if abs(places[i] - places[i + 2]) > 2]
    codons = [*split, *draw.sample([i for i in range(3, len(places) - 3, 3) if i not in split], 60)]
    return [
        [panel.snv(t.chrom, places[i + k], draw.randint(1, 3)) for k in sorted(draw.sample(range(3), draw.choice([2, 2, 3])))]
        for i in codons
    ]


@pytest.mark.parametrize("gene", ["MYD88", "NFKBIA", "IFNB1"])
def test_changes_of_one_codon_give_the_residue_of_the_changed_codon(annotate: Out, panel: Panel, gene: str) -> None:
    t = panel.transcripts[gene]
    places = panel.coding(t)
    strand = str if t.strand == "+" else other_strand
    copies = drawn_copies(panel, gene)
    names = tuple(f"S{i:02}" for i in range(len(copies)))
    records = {}
    for number, copy in enumerate(copies):
        for variant in copy:
            records.setdefault(variant, ["0|0"] * len(copies))[number] = "0|1"
    annotate.given(*[(*variant, *cells) for variant, cells in sorted(records.items())], samples=names)
    found: dict[str, set[str]] = {}
    for row in together(annotate):
        for sample in row["samples"].split(","):
            found.setdefault(sample, set()).add(row["hgvsp"])
    stops = 0
    for name, copy in zip(names, copies, strict=True):
        start = min(places.index(v[1]) for v in copy) // 3 * 3
        three = places[start : start + 3]
        new = {pos: alt for _, pos, _, alt in copy}
        codon, changed = ("".join(strand(b) for b in bases) for bases in (
            [panel.base[t.chrom, p] for p in three], [new.get(p, panel.base[t.chrom, p]) for p in three],
        ))  # fmt: skip
        residue = OF_CODON[changed] if OF_CODON[changed] != OF_CODON[codon] else "="
        stops += residue == "*"
        assert found[name] == {f"{OF_CODON[codon]}{start // 3 + 1}{residue}"}, (name, copy)
    assert gene == "IFNB1" or stops > 0


@pytest.mark.parametrize("gene", ["MYD88", "NFKBIA"])
def test_a_second_indel_restores_the_frame(annotate: Out, panel: Panel, gene: str) -> None:
    t = panel.transcripts[gene]
    places = sorted(panel.coding(t))
    low = places[10]
    while panel.bases(t.chrom, low, low) in (panel.bases(t.chrom, low - 1, low - 1), panel.bases(t.chrom, low + 1, low + 1)):
        low += 1
    high = low + 6
    new = next(b for b in "ACGT" if b not in panel.bases(t.chrom, high, high + 1))
    pair = [panel.deletion(t.chrom, low, low), panel.insertion(t.chrom, high, new)]
    annotate.given(*[(*v, "0|1") for v in pair], samples=("A",))
    single = [row for row in table(annotate.out) if row["in_cis_with"] == "NA"]
    assert [row["effect_class"] for row in single] == ["truncating"] * 2
    both = together(annotate)
    assert len(both) == 2
    assert {row["effect_class"] for row in both} <= {"inframe_indel", "missense", "truncating"}
    assert len({row["hgvsp"] for row in both}) == 1
    assert "fs" not in both[0]["hgvsp"]


def gff_of(panel: Panel, gene: str, offset: int) -> str:
    """Return a gene's model in the dialect of Ensembl, on the gene's own contig."""
    t = panel.transcripts[gene]
    rows = [
        ("gene", t.start, t.end, f"ID=gene:{gene};biotype=protein_coding;Name={gene}", "."),
        ("mRNA", t.start, t.end, f"ID=transcript:{gene};Parent=gene:{gene};biotype=protein_coding", "."),
    ]
    done = 0
    for a, b in t.exons if t.strand == "+" else t.exons[::-1]:
        rows.append(("exon", a, b, f"Parent=transcript:{gene}", "."))
        low, high = max(a, t.cds_start), min(b, t.cds_end)
        if low <= high:
            rows.append(("CDS", low, high, f"ID=CDS:{gene};Parent=transcript:{gene}", str(-done % 3)))
            done += high - low + 1
    return "".join(f"{gene}\tx\t{k}\t{a - offset}\t{b - offset}\t.\t{t.strand}\t{ph}\t{n}\n" for k, a, b, n, ph in rows)


@needs_bcftools
@pytest.mark.parametrize("gene", ["MYD88", "NFKBIA"])
def test_pairs_on_one_copy_agree_with_the_program_bcftools_csq(annotate: Out, panel: Panel, gene: str) -> None:
    offset = json.loads(panel.reference.read_text(encoding="ascii"))["genes"][gene]["start"] - 1
    copies = drawn_copies(panel, gene)
    names = tuple(f"S{i:02}" for i in range(len(copies)))
    records: dict[tuple, list[str]] = {}
    for number, copy in enumerate(copies):
        for variant in copy:
            records.setdefault(variant, ["0|0"] * len(copies))[number] = "0|1"
    lines = [(*variant, *cells) for variant, cells in sorted(records.items())]
    annotate.given(*lines, samples=names)
    gff, vcf = annotate.folder / "a.gff3", annotate.folder / "theirs.vcf"
    gff.write_text("##gff-version 3\n" + gff_of(panel, gene, offset), encoding="ascii")
    text = vcf_text([(gene, pos - offset, *rest) for _, pos, *rest in lines], names, contigs=False)
    vcf.write_text(text.replace("#CHROM", f"##contig=<ID={gene}>\n#CHROM"), encoding="ascii")
    fasta = panel.reference.with_name("panel.fa")
    command = ["bcftools", "csq", "-f", str(fasta), "-g", str(gff), "-p", "a", "-O", "t", str(vcf)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    theirs: dict[str, set[tuple[str, str]]] = {}
    for line in done.stdout.splitlines():
        if line.startswith("CSQ\t"):
            _, sample, _, _, _, entry = line.split("\t")
            parts = entry.split("|")
            if len(parts) > 6 and "+" in parts[6]:
                theirs.setdefault(sample, set()).add((parts[0].lstrip("*"), parts[5]))
    ours: dict[str, set[tuple[str, str]]] = {}
    for row in together(annotate):
        old, number, new = row["hgvsp"][0], row["hgvsp"][1:-1], row["hgvsp"][-1]
        change = f"{number}{old}" if new == "=" else f"{number}{old}>{number}{new}"
        for sample in row["samples"].split(","):
            ours.setdefault(sample, set()).add((row["consequence"], change))
    assert len(theirs) > 50
    assert {s: {c for _, c in found} for s, found in ours.items()} == {s: {c for _, c in found} for s, found in theirs.items()}

    def words(found: set[tuple[str, str]]) -> set[str]:
        """Return the words for the protein, without the two that csq shortens in full."""
        return {word.removesuffix("_variant") for text, _ in found for word in text.split("&")} - {"splice_region"}

    assert {s: words(found) for s, found in ours.items()} == {s: words(found) for s, found in theirs.items()}


# ------------------------------------------------------------------ carriers


@needs_bcftools
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_carriers_are_those_of_the_program_bcftools_query(annotate: Out, panel: Panel, seed: int) -> None:
    draw = random.Random(seed)
    names = tuple(f"P{i}" for i in range(17))
    alleles = ["0/0", "0|0", "./.", ".", "0/1", "1|0", "1/1", "1", "0", "./1", "0/1/1"]
    records = []
    for chrom, pos, ref, alt in panel.drawn(150, seed=seed, flank=0):
        cells = []
        for _ in names:
            genotype = draw.choice([*alleles, *["0/0"] * 10])
            a, b = draw.randint(0, 50), draw.randint(0, 50)
            cells.append(draw.choice([f"{genotype}:{a},{b}:{a + b}", f"{genotype}:{a},{b}:{a + b}", genotype]))
        records.append((chrom, pos, ref, alt, *cells))
    path = packed(annotate.folder / "a.vcf.gz", vcf_text(records, names, form="GT:AD:DP"))
    annotate(path)
    command = ["bcftools", "query", "-f", "[%SAMPLE\t%CHROM:%POS:%REF:%ALT\t%GT\t%AD{1}\t%DP\n]", str(path)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    theirs = sorted(line for line in lines if "1" in line.split("\t")[2])
    rows = [row for row in table(annotate.out) if row["in_cis_with"] == "NA"]
    records_of = {(r["chrom"], r["pos"], r["ref"], r["alt"]): r["record"] for r in rows}
    rows = table(annotate.carriers)
    ours = sorted(
        "\t".join(
            [r["sample_id"], records_of[r["chrom"], r["pos"], r["ref"], r["alt"]], r["genotype"]]
            + [r[name].replace("NA", ".") for name in ("alt_count", "depth")]
        )
        for r in rows
    )
    known = set(records_of.values())
    assert len(ours) > 500
    assert ours == [line for line in theirs if line.split("\t")[1] in known]
    for row in rows:
        if row["depth"] not in ("NA", "0"):
            assert float(row["vaf"]) == pytest.approx(int(row["alt_count"]) / int(row["depth"]), rel=1e-5)


@pytest.mark.parametrize(
    ("form", "cell", "reason", "carriers"),
    [
        ("DP", "20", "the record has neither genotypes nor counts of reads: who carries it is unknown", 0),
        ("AD:DP", "5,6:11", None, 20),
        ("AD:DP", "11,0:11", None, 0),
        ("GT", "0/1", None, 20),
        ("GT", "./.", None, 0),
        ("GT", "1", None, 20),
        ("DP:GT", "20:0/1", None, 20),
        ("DP:GT", "20:0/0", None, 0),
        ("GT:AD", "0/1:3", "AD has another number of values than the record has alleles", 20),
        ("GT:AD", "0/1:3,4,5", "AD has another number of values than the record has alleles", 20),
        ("GT", "0/2", "a genotype names an allele that its record has not", 0),
    ],
)
def test_missing_and_wrong_genotypes_and_counts(
    annotate: Out, good: list, form: str, cell: str, reason: str | None, carriers: int
) -> None:
    done = annotate.given(*[(*v, cell) for v in good], samples=("A",), form=form)
    assert left(done) == ({} if reason is None else {reason: len(good)})
    assert done.carriers == len(table(annotate.carriers)) == carriers
    assert done.effects == len(good)
    if reason is not None and carriers:
        assert {row["alt_count"] for row in table(annotate.carriers)} == {"NA"}


# ------------------------------------------------------------------ the reference, the outputs, the command


def changed(facts: dict, **values: object) -> str:
    return json.dumps(facts | values)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda facts: "{", "is no reference.json"),
        (lambda facts: "[]", "is no reference.json"),
        (lambda facts: changed(facts, genes=["MYD88"]), "is no reference.json"),
        (lambda facts: changed(facts, genes={"MYD88": {"contig": "3", "start": 1, "end": 2}}), "is no reference.json"),
        (lambda facts: changed(facts, sha256="0"), "the bases beside it are missing or not those that it names"),
        (lambda facts: changed(facts, genes={"MYD88": {"chrom": "3", "start": 38180155, "end": 38185013}}), "by another version"),
        (lambda facts: changed(facts, build="GRCh38"), "by another version"),
        (lambda facts: changed(facts, build="hg18"), "is a reference of a build that is not known"),
    ],
)
def test_a_reference_that_is_damaged_or_of_another_version_is_refused(
    panel: Panel, annotate: Out, good: list, change, words: str
) -> None:
    source = annotate.text(vcf_text(good))
    shutil.copytree(panel.reference.parent, annotate.folder / "copy")
    reference = annotate.folder / "copy" / "reference.json"
    reference.write_text(change(json.loads(reference.read_text(encoding="ascii"))), encoding="ascii")
    with pytest.raises(InputError, match=words):
        annotate_file(source, reference, annotate.out)
    assert not annotate.out.exists()


def test_a_missing_reference_is_named(annotate: Out, good: list) -> None:
    with pytest.raises(InputError, match=r"none\.json: the reference is missing"):
        annotate_file(annotate.text(vcf_text(good)), annotate.folder / "none.json", annotate.out)


def test_a_reference_can_be_given_as_its_folder(annotate: Out, panel: Panel, good: list) -> None:
    assert annotate_file(annotate.text(vcf_text(good)), panel.reference.parent, annotate.out).effects == len(good)


def test_tables_do_not_go_over_what_is_read_nor_over_each_other(annotate: Out, panel: Panel, good: list) -> None:
    source = annotate.text(vcf_text(good))
    (annotate.folder / "file").touch()
    before = source.read_bytes(), panel.reference.read_bytes()
    for out, carriers, words in (
        (source, None, "is read by this command"),
        (panel.reference, None, "is read by this command"),
        (annotate.out, annotate.folder / "x" / ".." / "effects.tsv", "is given for two tables"),
        (annotate.folder, None, "is a folder, not a file"),
        (Path("/dev/null"), None, "is no file that can be replaced"),
        (annotate.folder / "file" / "effects.tsv", None, "cannot be written here"),
    ):
        with pytest.raises(InputError, match=words):
            annotate_file(source, panel.reference, out, carriers=carriers)
    assert (source.read_bytes(), panel.reference.read_bytes()) == before


def test_a_folder_that_is_missing_is_made(annotate: Out, panel: Panel, good: list) -> None:
    out = annotate.folder / "new" / "er" / "effects.tsv"
    assert annotate_file(annotate.text(vcf_text(good)), panel.reference, out).effects == len(table(out))


def test_the_command_says_what_it_wrote_and_left_out(annotate: Out, panel: Panel, good: list) -> None:
    chrom, pos, ref, _ = panel.snv("3", good[-1][1] + 2)
    source = annotate.text(vcf_text([(*v, "0/1") for v in (*good, (chrom, pos, ref, "*"))], ("A",)))
    done = run(source, "--reference", panel.reference, "--out", annotate.out, "--carriers", annotate.carriers)
    assert done.returncode == 0
    assert f"wrote {annotate.out}: 20 effects of 20 variants, 0 groups read together" in done.stdout
    assert f"wrote {annotate.carriers}: 20 rows" in done.stdout
    assert "left out: 1 x allele '*': the base is deleted by another record" in done.stderr
    assert "warning: " in done.stderr
    assert "bgzip calls.vcf && tabix -p vcf calls.vcf.gz" in done.stderr


def test_the_command_refuses_with_code_two_and_no_traceback(annotate: Out, panel: Panel, good: list) -> None:
    source = annotate.text(vcf_text(good) + "3\t38180300\n")
    for arguments, words in (
        ((source, "--reference", panel.reference, "--out", annotate.out), "this line is no record"),
        ((source, "--reference", panel.reference), "--reference REF/reference.json and --out TABLE.tsv"),
        ((source, "--results", annotate.folder), "--reference REF/reference.json and --out TABLE.tsv"),
        ((annotate.folder / "calls.maf", "--reference", panel.reference, "--out", annotate.out), "the file is missing"),
        ((annotate.folder / "calls.maf",), "--results FOLDER"),
    ):
        done = run(*arguments)
        assert done.returncode == 2, arguments
        assert words in " ".join(done.stderr.replace("│", " ").split())
        assert "Traceback" not in done.stderr
        assert not annotate.out.exists()


def test_a_vcf_under_any_name_is_annotated(annotate: Out, panel: Panel, good: list) -> None:
    for name in ("calls.txt", "CALLS.VCF"):
        done = run(annotate.text(vcf_text(good), name), "--reference", panel.reference, "--out", annotate.out)
        assert (done.returncode, len(table(annotate.out))) == (0, len(good))
        annotate.out.unlink()


def test_hash_seed_and_locale_change_no_byte(annotate: Out, panel: Panel) -> None:
    draw = random.Random(1)
    records = [(*v, *draw.choices(["0|1", "1|0", "1/1", "0/0"], k=4)) for v in panel.drawn(400)]
    source = packed(annotate.folder / "a.vcf.gz", vcf_text(records, ("Ä", "b", "a", "B")))
    found = set()
    for seed, locale in (("0", "C"), ("1", "C.UTF-8"), ("77", "POSIX")):
        done = run(
            source, "--reference", panel.reference, "--out", annotate.out, "--carriers", annotate.carriers,
            PYTHONHASHSEED=seed, LC_ALL=locale,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found.add((annotate.tables(), done.stdout))
    assert len(found) == 1
    assert "Ä" in annotate.carriers.read_text(encoding="utf-8")
