"""Variants through chains: small ones written here, random ones against the bases, real ones against two truth tables."""

from __future__ import annotations

import gzip
import itertools
import random
import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resistance.contigs import contig_lengths
from resistance.errors import InputError
from resistance.liftover import Lift, Lifter
from resistance.variant import trim

COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A"}
NO_PLACE = "has no place on GRCh38"
PART = "a part of its bases has no place on GRCh38"
APART = "its bases are not side by side on GRCh38"
SEVERAL = "has several places on GRCh38"

# 101..120 -> 1101..1120; ten bases of GRCh37 are gone; 131..140 -> 1121..1130; three bases are new in GRCh38;
# 141..150 -> 1134..1143
FORWARD = ("1", 101, "1", "+", 1101, [(20, 10, 0), (10, 0, 3), (10, 0, 0)])
# 201..220 lie on the other strand: 201 -> 2020, 220 -> 2001
TURNED = ("1", 201, "1", "-", 2001, [(20, 0, 0)])


def moved(lift: Lift) -> tuple:
    assert lift.failed is None, lift.failed
    return lift.chrom, lift.pos, lift.ref, lift.alt, lift.strand


@pytest.fixture
def lifter(write_chain) -> Lifter:
    return Lifter(write_chain(FORWARD, TURNED), "GRCh37", "GRCh38")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((101, "A", "G"), (1101, "A", "G", "+")),
        ((120, "A", "G"), (1120, "A", "G", "+")),
        ((131, "A", "G"), (1121, "A", "G", "+")),
        ((141, "A", "G"), (1134, "A", "G", "+")),
        ((110, "ACG", "TTT"), (1110, "ACG", "TTT", "+")),
        ((110, "AC", "-"), (1110, "AC", "-", "+")),
        ((110, "-", "AC"), (1110, "-", "AC", "+")),
        # the whole run of a block may be deleted, whatever follows it
        ((131, "ACGTACGTAC", "-"), (1121, "ACGTACGTAC", "-", "+")),
        ((201, "A", "G"), (2020, "T", "C", "-")),
        ((220, "A", "G"), (2001, "T", "C", "-")),
        # 205, 206, 207 -> 2016, 2015, 2014
        ((205, "AAC", "GTT"), (2014, "GTT", "AAC", "-")),
        ((205, "AAC", "-"), (2014, "GTT", "-", "-")),
        # between 205 and 206, so between 2015 and 2016
        ((205, "-", "AAC"), (2015, "-", "GTT", "-")),
    ],
)
def test_a_variant_comes_to_its_place_by_hand(lifter, before, after):
    assert moved(lifter.lift("1", *before)) == ("1", *after)


@pytest.mark.parametrize(
    ("variant", "why"),
    [
        ((100, "A", "G"), NO_PLACE),
        ((121, "A", "G"), NO_PLACE),
        ((151, "A", "G"), NO_PLACE),
        ((121, "ACGT", "-"), NO_PLACE),
        # the deletion would be ten bases shorter on GRCh38
        ((118, "ACGTACGTACGTACGT", "-"), PART),
        ((120, "AC", "GT"), PART),
        # one neighbour of the insertion is gone
        ((120, "-", "A"), PART),
        ((130, "-", "A"), PART),
        # the deletion would be three bases longer, and the insertion could stand at four places
        ((140, "AC", "-"), APART),
        ((140, "AC", "GT"), APART),
        ((140, "-", "A"), APART),
        ((200, "-", "A"), PART),
        ((220, "-", "A"), PART),
    ],
)
def test_a_variant_without_a_place_says_why(lifter, variant, why):
    assert lifter.lift("1", *variant) == Lift(failed=why)


def test_bases_of_two_strands_are_not_side_by_side(write_chain):
    turned_beside = ("1", 151, "1", "-", 1144, [(10, 0, 0)])
    lifter = Lifter(write_chain(FORWARD, turned_beside), "37", "38")
    assert lifter.lift("1", 150, "A", "G").strand == "+"
    assert lifter.lift("1", 151, "A", "G").strand == "-"
    assert lifter.lift("1", 150, "AC", "-").failed == APART


def test_a_piece_that_was_turned_base_by_base_is_not_read_backwards(write_chain):
    # two forward bases that changed places: 300 -> 3001, 301 -> 3000
    lifter = Lifter(write_chain(("1", 300, "1", "+", 3001, [(1, 0, 0)]), ("1", 301, "1", "+", 3000, [(1, 0, 0)])), "37", "38")
    assert moved(lifter.lift("1", 300, "A", "G"))[:2] == ("1", 3001)
    assert lifter.lift("1", 300, "AC", "-").failed == APART


def test_two_places_on_chromosomes_are_none(write_chain):
    twice = Lifter(write_chain(FORWARD, ("1", 110, "2", "+", 500, [(5, 0, 0)])), "37", "38")
    assert twice.lift("1", 112, "A", "G").failed == SEVERAL
    assert twice.lift("1", 108, "ACGT", "-").failed == SEVERAL
    assert moved(twice.lift("1", 109, "A", "G")) == ("1", 1109, "A", "G", "+")


def test_the_same_place_said_twice_is_one(write_chain):
    assert moved(Lifter(write_chain(FORWARD, FORWARD), "37", "38").lift("1", 110, "A", "G"))[:2] == ("1", 1110)


def test_a_patch_beside_the_chromosome_is_no_second_place(write_chain):
    lifter = Lifter(write_chain(FORWARD, ("1", 101, "GL1", "+", 7, [(20, 0, 0)])), "37", "38")
    assert moved(lifter.lift("1", 110, "A", "G")) == ("1", 1110, "A", "G", "+")


def test_another_chromosome_and_a_contig_that_is_none_are_no_place(write_chain):
    lifter = Lifter(
        write_chain(FORWARD, ("2", 50, "3", "+", 50, [(9, 0, 0)]), ("2", 90, "GL1", "-", 50, [(9, 0, 0)])), "37", "38"
    )
    assert lifter.lift("2", 52, "A", "G").failed == "lies on another chromosome on GRCh38"
    assert lifter.lift("2", 92, "A", "-").failed == "lies on a contig that is no chromosome on GRCh38"


def test_an_unplaced_contig_that_found_its_chromosome_has_a_place(write_chain):
    lifter = Lifter(write_chain(FORWARD, ("GL1", 50, "3", "+", 5000, [(9, 0, 0)])), "37", "38")
    assert moved(lifter.lift("GL1", 52, "A", "G")) == ("3", 5002, "A", "G", "+")


def test_a_contig_that_the_chain_does_not_have_is_said_so(lifter):
    assert lifter.lift("2", 52, "A", "G").failed == "the chain has no such contig of GRCh37"


@pytest.mark.parametrize("prefix", [("", ""), ("chr", "chr"), ("chr", ""), ("", "chr")])
def test_the_chain_may_write_chr_or_not(write_chain, prefix):
    lifter = Lifter(write_chain(FORWARD, prefix=prefix, name="test.chain.gz"), "hg19", "hg38")
    assert moved(lifter.lift("1", 110, "A", "G")) == ("1", 1110, "A", "G", "+")


def test_of_1_and_chr1_in_one_chain_the_name_that_is_ours_counts(write_chain):
    both = (
        write_chain(FORWARD).read_text()
        + write_chain(("1", 101, "1", "+", 5101, [(20, 0, 0)]), prefix=("chr", "chr")).read_text()
    )
    path = write_chain(FORWARD)
    path.write_text(both)
    assert moved(Lifter(path, "37", "38").lift("1", 110, "A", "G"))[1] == 1110


def test_the_mitochondrion_of_hg19_is_not_taken_for_ours(write_chain):
    ours = ("MT", 1, "MT", "+", 1, [(16569, 0, 0)])
    assert moved(Lifter(write_chain(FORWARD, ours), "37", "38").lift("MT", 3243, "A", "G"))[:2] == ("MT", 3243)
    other = write_chain(FORWARD, ("MT", 1, "MT", "+", 1, [(310, 2, 0), (16259, 0, 0)]))
    other.write_text(other.read_text().replace("MT 16569 + 0 16571", "chrM 16571 + 0 16571"))
    assert (
        Lifter(other, "37", "38").lift("MT", 3243, "A", "G").failed
        == "the chain's mitochondrial genome is not that of 16569 bases"
    )


def test_columns_are_moved_as_their_rows_are(lifter):
    table = pd.DataFrame(
        [("1", 110, "A", "G"), ("1", 205, "-", "AAC"), ("1", 110, "A", "G"), ("1", 121, "A", "G")],
        columns=["chrom", "pos", "ref", "alt"],
        index=[7, 3, 5, 1],
    )
    lifts = lifter.lift_columns(table)
    assert list(lifts.index) == [7, 3, 5, 1]
    assert lifts["pos"].tolist()[:3] == [1110, 2015, 1110]
    assert lifts["alt"].tolist()[:3] == ["G", "GTT", "G"]
    assert lifts["failed"].isna().tolist() == [True, True, True, False]
    assert lifts.loc[1].isna().sum() == 5
    assert lifts.loc[1, "failed"] == NO_PLACE
    assert lifter.lift_columns(table.iloc[:0]).empty


def test_a_chain_of_the_other_direction_is_refused_with_its_lengths(write_chain):
    path = write_chain(FORWARD, builds=("GRCh38", "GRCh37"))
    with pytest.raises(InputError) as caught:
        Lifter(path, "GRCh37", "GRCh38")
    assert str(caught.value) == (
        f"{path}, value 'chromosome 1 of 248956422 bases to 1 of 249250621': is a chain from GRCh38 to GRCh37, and one from GRCh37 "
        "to GRCh38 is needed. Give the chain of the other direction, or name the builds the other way round."
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no chain file: no line starts with 'chain'"),
        ("chrom\tpos\n1\t100\n", "is no chain file: no line starts with 'chain'"),
        ("chain 1 1 249250621 + 0 10\n10\n", r"row 1, value 'chain 1 1 249250621 \+ 0 10': is no header of a chain"),
        ("chain 1 chr1 247249719 + 0 10 chr1 249250621 + 0 10 1\n10\n", "is no chain from GRCh37 to GRCh38"),
        ("chain 1 scaffold_9 900 + 0 10 scaffold_8 800 + 0 10 1\n10\n", "names no chromosome of GRCh37 and GRCh38"),
        ("chain 1 1 249250621 + 0 20 1 248956422 + 0 20 1\n5 1 1\n", "is a damaged chain file"),
        ("chain 1 1 249250621 + 0 20 1 248956422 + 0 20 1\n5 1\n4\n", "is a damaged chain file"),
        ("chain 1 1 249250621 - 0 20 1 248956422 + 0 20 1\n20\n", "is a damaged chain file"),
    ],
)
def test_a_file_that_is_no_chain_between_the_builds_is_refused(tmp_path, text, message):
    path = tmp_path / "bad.chain"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        Lifter(path, "GRCh37", "GRCh38")


def test_a_chain_that_is_missing_or_cut_off_is_refused(tmp_path, write_chain):
    with pytest.raises(InputError, match="the chain file is missing"):
        Lifter(tmp_path / "none.chain.gz", "37", "38")
    with pytest.raises(InputError, match="is a folder"):
        Lifter(tmp_path, "37", "38")
    path = write_chain(*(FORWARD, TURNED) * 50, name="cut.chain.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="the chain file is cut off or damaged"):
        Lifter(path, "37", "38")
    (tmp_path / "binary.chain").write_bytes(bytes(range(128, 256)))
    with pytest.raises(InputError, match="it is not text"):
        Lifter(tmp_path / "binary.chain", "37", "38")


def test_one_build_twice_is_nothing_to_lift(write_chain):
    with pytest.raises(InputError, match="there is nothing to lift from GRCh37 to GRCh37"):
        Lifter(write_chain(FORWARD), "hg19", "b37")


@st.composite
def pieces(draw):
    """Pieces of chromosome 1 in their order, each on chromosome 1 at a free place, on either strand, with gaps."""
    out, source, target = [], draw(st.integers(1, 5)), draw(st.integers(1, 5))
    for _ in range(draw(st.integers(1, 5))):
        sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
        gaps = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=len(sizes), max_size=len(sizes)))
        blocks = [(size, *gap) for size, gap in zip(sizes, gaps, strict=True)]
        blocks[-1] = (blocks[-1][0], 0, 0)
        out.append(("1", source, "1", draw(st.sampled_from("+-")), target, blocks))
        source += sum(size + gap for size, gap, _ in blocks) + draw(st.integers(0, 3))
        target += sum(size + gap for size, _, gap in blocks) + draw(st.integers(0, 3))
    return out


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces(), st.randoms(use_true_random=False))
def test_random_chains_against_the_bases_of_both_genomes(write_chain, some, rng):
    source = {pos: rng.choice("ACGT") for pos in range(1, 120)}
    target = {pos: rng.choice("ACGT") for pos in range(1, 120)}
    place: dict[int, tuple[int, str]] = {}
    for _, start, _, strand, low, blocks in some:
        length = sum(size + gap for size, _, gap in blocks)
        here, there = start, 0
        for size, gap, other in blocks:
            for i in range(size):
                pos = low + there + i if strand == "+" else low + length - 1 - there - i
                place[here + i] = (pos, strand)
                target[pos] = source[here + i] if strand == "+" else COMPLEMENT[source[here + i]]
            here, there = here + size + gap, there + size + other
    lifter = Lifter(write_chain(*some), "37", "38")
    for pos in range(1, 70):
        for length in range(4):
            touched = range(pos, pos + 2) if length == 0 else range(pos, pos + length)
            ref = "".join(source[i] for i in touched) if length else "-"
            alt = "AC" if length == 0 else "-" if length % 2 else COMPLEMENT[ref[0]] + "GG"
            got = lifter.lift("1", pos, ref, alt)
            where = [place.get(i) for i in touched]
            neighbours = None not in where and (
                {b[0] - a[0] for a, b in itertools.pairwise(where)} <= {1 if where[0][1] == "+" else -1}
                and len({strand for _, strand in where}) == 1
            )
            assert (got.failed is None) == neighbours, (pos, ref, got)
            if got.failed is not None:
                expected = NO_PLACE if not any(where) else PART if None in where else APART
                assert got.failed == expected
                continue
            # the mutated sequence around the variant is the same, read on its own strand
            before, after = min(touched) - 1, max(touched) + 1
            inner = source[pos] + alt + source[pos + 1] if length == 0 else alt.replace("-", "")
            span = 2 if length == 0 else length
            assert got.pos == min(p for p, _ in where)
            assert got.ref == ("-" if length == 0 else "".join(target[got.pos + i] for i in range(length)))
            there = target[got.pos] + got.alt + target[got.pos + 1] if length == 0 else got.alt.replace("-", "")
            if where[0][1] == "-":
                there = "".join(COMPLEMENT[base] for base in reversed(there))
                before, after = after, before
            assert there == inner
            for outside, beside in ((before, got.pos - 1), (after, got.pos + span)):
                if place.get(outside) == (beside, where[0][1]):
                    assert target[beside] == (source[outside] if where[0][1] == "+" else COMPLEMENT[source[outside]])


# --- real chains ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def truth(shared: Path) -> Path:
    return shared / "truth" / "annotation"


@pytest.fixture(scope="module")
def up(truth: Path) -> Lifter:
    return Lifter(truth / "GRCh37_to_GRCh38.chain.gz", "GRCh37", "GRCh38")


@pytest.fixture(scope="module")
def down(truth: Path) -> Lifter:
    return Lifter(truth / "GRCh38_to_GRCh37.chain.gz", "GRCh38", "GRCh37")


Variants = dict[tuple[str, ...], tuple[str, int, str, str]]


def variants(path: Path, key: tuple[str, ...]) -> Variants:
    """Read a truth table; rows without alleles carry them in their g. name."""
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    out: Variants = {}
    for row in table.to_dict("records"):
        pos, ref, alt = int(row["start"]), row["ref"], row["alt"]
        if not ref:
            name = re.fullmatch(r"g\.(\d+)(?:_(\d+))?(del|dup|ins)([ACGT]+)(?:ins([ACGT]+))?", row["vtype"])
            assert name is not None, row["vtype"]
            first, last, kind, bases, more = name.groups()
            if kind == "del":
                pos, ref, alt = int(first), bases, more or "-"
            else:
                pos, ref, alt = int(last or first) if kind == "dup" else int(first), "-", bases
        out[tuple(row[column] for column in key)] = (row["chrom"], *trim(pos, ref, alt))
    assert len(out) == len(table)
    return out


def lifted(lifter: Lifter, variant: tuple[str, int, str, str]) -> tuple:
    lift = lifter.lift(*variant)
    return (lift.failed,) if lift.failed else (lift.chrom, lift.pos, lift.ref, lift.alt)


@pytest.mark.shared
def test_all_179_variants_of_clinvar_come_to_their_place_in_both_directions(truth, up, down):
    old, new = (variants(truth / f"clinvar_hgvs_{build}.tsv", ("transcript", "hgvsc")) for build in ("grch37", "grch38"))
    assert old.keys() == new.keys()
    assert Counter("indel" if "-" in v else "other" for v in old.values()) == {"indel": 82, "other": 97}
    assert {name: lifted(up, v) for name, v in old.items()} == new
    assert {name: lifted(down, v) for name, v in new.items()} == old


@pytest.mark.shared
def test_all_variants_of_civic_come_to_their_place_but_those_the_tables_do_not_share(truth, up, down):
    key = ("gene", "chrom", "start", "ref", "alt")
    old, new = (variants(truth / f"cacao_civic_{build}.tsv", key) for build in ("grch37", "grch38"))
    there, here = set(new.values()), set(old.values())
    unlike = {v: lifted(up, v) for v in old.values() if lifted(up, v) not in there}
    assert (len(old), len(new)) == (74, 72)
    assert unlike == {
        # MYD88 L265P and this variant of CDKN2A stand in the table of GRCh37 only
        ("3", 38182641, "T", "C"): ("3", 38141150, "T", "C"),
        ("9", 21975017, "C", "T"): ("9", 21975018, "C", "T"),
        # BRAF L597: GRCh37's table writes REF on the other strand (GAT, where the bases are ATC as in its next row)
        ("7", 140453153, "GAT", "AAG"): ("7", 140753353, "GAT", "AAG"),
    }
    assert {v for v in new.values() if lifted(down, v) not in here} == {("7", 140753354, "TC", "AG")}


@pytest.mark.shared
def test_there_and_back_is_the_same_variant(truth, up, down):
    table = pd.read_csv(truth / "dlbcl_duke_2017_vep_grch37.tsv", sep="\t", dtype=str, keep_default_na=False)
    all_of_them = [(row.chrom, *trim(int(row.start), row.ref, row.alt)) for row in table.itertuples()]
    assert len(all_of_them) == 949
    assert [lifted(down, lifted(up, v)) for v in all_of_them] == all_of_them


@pytest.mark.shared
@pytest.mark.parametrize("direction", ["GRCh37_to_GRCh38", "GRCh38_to_GRCh37"])
def test_bases_of_the_real_chains_against_a_plain_reading(truth, direction):
    """Every start and end of a block of six chromosomes, and random bases: what the lines of the file say."""
    source, target = direction.split("_to_")
    path = truth / f"{direction}.chain.gz"
    blocks: dict[str, list[tuple[int, int, str, int, int, bool]]] = {}
    with gzip.open(path, "rt") as file:
        for line in file:
            cells = line.split()
            if line.startswith("chain"):
                name, to, size, turned = cells[2], cells[7], int(cells[8]), cells[9] == "-"
                here, there = int(cells[5]), int(cells[10])
            elif cells and name in ("1", "7", "9", "17", "X", "21"):
                blocks.setdefault(name, []).append((here, here + int(cells[0]), to, there, size, turned))
                if len(cells) == 3:
                    here, there = here + int(cells[0]) + int(cells[1]), there + int(cells[0]) + int(cells[2])
    rng = random.Random(7)
    lifter = Lifter(path, source, target)
    seen: Counter[str] = Counter()
    for name, of in blocks.items():
        edges = [pos for start, end, *_ in of for pos in (start, start + 1, end, end + 1) if pos]
        asked = [*rng.sample(edges, min(400, len(edges))), *(rng.randint(1, contig_lengths(source)[name]) for _ in range(100))]
        for pos in asked:
            found = {
                (to, size - (there + pos - 1 - start) if turned else there + pos - start, "-" if turned else "+")
                for start, end, to, there, size, turned in of
                if start < pos <= end
            }
            main = {place for place in found if place[0] in contig_lengths(target)} or found
            got = lifter.lift_span(name, pos, 1)
            if not main:
                assert got.failed == f"has no place on {target}"
            elif len(main) > 1:
                assert got.failed == f"has several places on {target}"
            elif next(iter(main))[0] == name:
                assert {(got.chrom, got.pos, got.strand)} == main
            else:
                assert got.failed in (
                    f"lies on another chromosome on {target}",
                    f"lies on a contig that is no chromosome on {target}",
                )
            seen[got.failed or str(got.strand)] += 1
    assert seen["+"] > 300
    assert seen["-"] > 100
    assert seen[f"has no place on {target}"] > 100
