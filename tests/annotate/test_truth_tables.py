"""Own names and classes against every truth table: what differs is listed one by one, what is not compared is counted by reason.

The numbers are shown in docs/annotation_truth.md; `python benchmarks/annotation_truth.py` writes that page and the counts.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import truth_support as truth
from brute_force import says

from resistance import schemas
from resistance.annotate.naming import coding_name, protein_name, shift_three_prime
from resistance.annotate.native import annotate_variants
from resistance.annotate.transcripts import Model, reverse_complement
from resistance.dropped import Dropped
from resistance.tables import conform

pytestmark = pytest.mark.shared
CHECKOUT = Path(__file__).resolve().parent.parent.parent
#: rule of the rows in which ours is wrong: they may vanish, and no other may
OUR_ERRORS = ("csq delins",)


@pytest.fixture(scope="module")
def bundles(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> truth.Bundles:
    return truth.make_bundles(shared, tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="module")
def facts(bundles: truth.Bundles) -> list[truth.Fact]:
    return [fact for table in truth.TABLES for fact in truth.compare(bundles, table)]


@pytest.fixture(scope="module")
def listed() -> list[dict[str, str]]:
    return truth.disagreements(CHECKOUT / truth.DISAGREEMENTS)


def key(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[column] for column in truth.KEY)


@pytest.mark.parametrize("table", list(truth.TABLES))
def test_disagreements_are_exactly_those_that_are_explained(
    facts: list[truth.Fact], listed: list[dict[str, str]], table: str
) -> None:
    found = {fact.key for fact in facts if fact.table == table and fact.state == truth.DIFFERS}
    known = {key(row): row["rule"] for row in listed if row["table"] == table}
    assert found - set(known) == set()
    assert {k for k, rule in known.items() if rule not in OUR_ERRORS} - found == set()


def test_every_disagreement_says_who_is_right_and_why(listed: list[dict[str, str]]) -> None:
    assert len({key(row) for row in listed}) == len(listed)
    for row in listed:
        assert row["right"] in ("ours", "theirs", "both"), row
        assert (row["right"] == "theirs") == (row["rule"] in OUR_ERRORS), row
        assert len(row["why"]) > 40, row


def test_what_is_compared_and_what_is_not_is_counted(facts: list[truth.Fact]) -> None:
    counted = Counter((f.table, f.aspect, f.kind, f.state) for f in facts)
    lines = (CHECKOUT / truth.COUNTS).read_text(encoding="utf-8").splitlines()[1:]
    expected = {tuple(x[:4]): int(x[4]) for x in (line.split("\t") for line in lines)}
    assert counted == expected, "write them again with benchmarks/annotation_truth.py, and look at what changed"


@pytest.mark.long
def test_page_of_the_comparison_is_up_to_date(shared: Path) -> None:
    script = CHECKOUT / "benchmarks" / "annotation_truth.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def shares(facts: list[truth.Fact], aspect: str, kind: str, tables: tuple[str, ...] = tuple(truth.TABLES)) -> tuple[int, int]:
    states = [f.state for f in facts if (f.aspect, f.kind) == (aspect, kind) and f.table in tables]
    return states.count(truth.AGREES), states.count(truth.AGREES) + states.count(truth.DIFFERS)


def test_every_amino_acid_change_of_a_substitution_is_theirs(facts: list[truth.Fact]) -> None:
    same, compared = shares(facts, "p", "SNV")
    assert compared > 1800
    assert same == compared


def test_every_coding_name_of_a_substitution_is_theirs_but_for_curation_and_isoforms(
    facts: list[truth.Fact], listed: list[dict[str, str]]
) -> None:
    same, compared = shares(facts, "c", "SNV", ("dlbcl_duke_2017_vep_grch37", "cacao_civic_grch37", "cacao_civic_grch38"))
    assert compared > 950
    assert same == compared
    rules = {key(row): row["rule"] for row in listed}
    others = [fact for fact in facts if fact.aspect == "c" and fact.kind == "SNV" and fact.state == truth.DIFFERS]
    assert {rules[fact.key] for fact in others} == {"curation", "isoform"}
    isoforms = sum(rules[fact.key] == "isoform" for fact in others)
    assert {fact.table for fact in others if rules[fact.key] == "curation"} == {"civic_vcf_grch37"}
    same, compared = shares(facts, "c", "SNV")
    assert compared > 3700
    assert same / (compared - isoforms) > 0.998


def test_class_of_indels_is_theirs_in_99_of_100(facts: list[truth.Fact]) -> None:
    same, compared = shares(facts, "class", "indel")
    assert compared > 1900
    assert same / compared >= 0.99
    vep, compared = shares(facts, "class", "indel", ("dlbcl_duke_2017_vep_grch37",))
    assert vep / compared >= 0.99


def test_protein_names_of_indels_are_vagrent_s_in_95_of_100(bundles: truth.Bundles, facts: list[truth.Fact]) -> None:
    """VAGrENT writes a duplication as an insertion; the two names of these say the same protein."""
    same, compared = shares(facts, "p", "indel", (truth.MDS,))
    assert compared >= 57
    others = [f for f in facts if (f.table, f.aspect, f.kind, f.state) == (truth.MDS, "p", "indel", truth.DIFFERS)]
    equal = 0
    for fact in others:
        model = bundles.naming("GRCh37", fact.gene)
        assert model is not None
        after = changed_protein(model, fact)
        assert says(model.protein, fact.ours, after), fact
        equal += says(model.protein, fact.theirs, after)
    assert (same + equal) / compared >= 0.95
    assert same / compared >= 0.94


def parts(fact: truth.Fact | dict[str, str]) -> tuple[int, str, str]:
    text = fact["variant"] if isinstance(fact, dict) else fact.variant
    found = re.fullmatch(r"[^:]+:(\d+) (\S+)>(\S+)", text)
    assert found
    return int(found[1]), found[2], found[3]


def changed_protein(model: Model, fact: truth.Fact | dict[str, str]) -> str:
    """Splice and translate by hand: exons of the genome with the alleles put in, in the direction of the gene."""
    from brute_force import protein_of

    pos, ref, alt = parts(fact)
    t, text = model.transcript, ""
    for a, b in t.exons:
        for p in range(max(a, t.cds_start), min(b, t.cds_end) + 1):
            text += "" if ref != "-" and pos <= p < pos + len(ref) else model.base(p)
            if (ref == "-" and p == pos) or (ref != "-" and p == pos + len(ref) - 1):
                text += alt.replace("-", "")
    return protein_of(text if t.strand == "+" else reverse_complement(text))


def from_coding(model: Model, name: str) -> tuple[int, str, str]:
    """Return the variant that a coding name of an insertion, deletion or duplication means."""
    labels = {model.c_position(p): p for a, b in model.transcript.exons for p in range(a - 5, b + 6)}
    found = re.fullmatch(r"c\.([^_a-z]+)(?:_([^_a-z]+))?(ins|dup|del)([ACGT]*)", name)
    assert found, name
    ends = labels[found[1]], labels[found[2] or found[1]]
    low, high = min(ends), max(ends)
    text = "".join(model.base(p) for p in range(low, high + 1))
    if found[3] == "del":
        return low, text, "-"
    if found[3] == "dup":
        return high, "-", text
    return low, "-", found[4] if model.transcript.strand == "+" else reverse_complement(found[4])


def test_names_that_differ_by_a_duplication_or_the_three_prime_rule_are_one_change(
    bundles: truth.Bundles, listed: list[dict[str, str]]
) -> None:
    seen = 0
    for row in listed:
        if row["rule"] in ("duplication", "3' rule") and row["aspect"] == "c" and row["gene"] in truth.WHOLE:
            build = truth.TABLES[row["table"]]
            model = bundles.naming(build, row["gene"])
            if row["gene"] == "MYD88":  # ClinVar's NM_001172567.1 has the frame of the legacy transcript
                model = next(m for m in bundles.isoforms(build, "MYD88") if "NNN" not in m.bases[m.coding] and coding_is(m, row))
            assert model is not None
            one, other = (shift_three_prime(model, *from_coding(model, row[who])) for who in ("theirs", "ours"))
            assert one == other, row
            assert coding_name(model, *one) == row["ours"], row
            seen += 1
    assert seen >= 15


def coding_is(model: Model, row: dict[str, str]) -> bool:
    return coding_name(model, *shift_three_prime(model, *parts(row))) == row["ours"]


def test_frameshifts_counted_from_another_residue_end_at_the_same_stop(listed: list[dict[str, str]]) -> None:
    ends = 0
    for row in listed:
        if row["rule"] == "first changed residue":
            first = [int(re.match(r"[A-Z](\d+)", row[who])[1]) for who in ("theirs", "ours")]  # type: ignore[index]
            assert abs(first[0] - first[1]) <= 6, row
            length = [re.search(r"fs\*(\d+)$", row[who]) for who in ("theirs", "ours")]
            if length[0] and length[1]:
                assert first[0] + int(length[0][1]) == first[1] + int(length[1][1]), row
                ends += 1
    assert ends >= 7


def test_insertions_written_on_the_gene_s_strand_have_their_name_when_turned_round(
    bundles: truth.Bundles, listed: list[dict[str, str]]
) -> None:
    rows = [row for row in listed if row["rule"] == "gene strand"]
    assert len(rows) == 4
    for row in rows:
        model = bundles.naming("GRCh37", row["gene"])
        assert model is not None
        pos, ref, alt = parts(row)
        name = protein_name(model, *shift_three_prime(model, pos, ref, reverse_complement(alt)))
        assert name is not None
        assert row["theirs"] in truth.spellings(name), row


def test_splice_sites_that_are_none_lie_on_the_end_of_a_coding_exon(bundles: truth.Bundles, listed: list[dict[str, str]]) -> None:
    for row in listed:
        if row["rule"] == "exon end":
            model = bundles.naming("GRCh37", row["gene"])
            assert model is not None
            t, (pos, ref, _) = model.transcript, parts(row)
            edges = [p for a, b in t.exons for p in (max(a, t.cds_start), min(b, t.cds_end)) if t.cds_start <= p <= t.cds_end]
            assert min(abs(p - edge) for p in (pos, pos + len(ref) - 1) for edge in edges) <= 2, row


def test_nine_substitutions_of_prob2020_are_on_the_gene_s_strand_and_refused(facts: list[truth.Fact]) -> None:
    wrong = [f for f in facts if f.state == truth.WRONG_BASE and f.kind == "SNV" and f.aspect == "p"]
    assert {f.table for f in wrong} == {"prob2020_tp53_ctnnb1_grch37"}
    assert len(wrong) == 9
    # `ours` of a refused row is what the reference has there
    assert all(reverse_complement(parts(f)[1]) == f.ours for f in wrong)


def test_refused_rows_are_counted_by_the_annotation_itself(bundles: truth.Bundles) -> None:
    table = "prob2020_tp53_ctnnb1_grch37"
    rows = [(row, truth.small_variant(row)) for row in truth.truth_rows(bundles.shared, table)]
    variants = pd.DataFrame(
        [{"build": "GRCh37", "chrom": r["chrom"], "pos": v[0], "ref": v[1], "alt": v[2]} for r, v in rows if v]
    )
    variants = conform(variants.assign(sample_id="S", source=table).drop_duplicates(), schemas.CALLS)
    dropped = Dropped("annotate")
    own = annotate_variants(variants, bundles.references["GRCh37"], dropped)
    columns = ["build", "chrom", "pos", "ref", "alt"]
    named = len(own[columns].drop_duplicates())
    counts = dropped.frame().set_index("reason")["n"]
    assert counts["the reference base is another"] >= 57
    assert named + counts.sum() == len(variants)


def test_both_builds_give_the_same_names(bundles: truth.Bundles, facts: list[truth.Fact]) -> None:
    """Every variant of every table in the genes with bases, moved to GRCh38 base by base."""
    blocks = truth.chain_blocks(bundles.shared / "truth" / "annotation" / "GRCh37_to_GRCh38.chain.gz")
    here, there = [], {}
    for fact in {(f.gene, f.variant): f for f in facts if truth.TABLES[f.table] == "GRCh37" and f.state == truth.AGREES}.values():
        if fact.gene in truth.WHOLE:
            chrom, (pos, ref, alt) = fact.variant.split(":")[0], parts(fact)
            moved = truth.lifted(blocks[chrom], pos)
            assert moved is not None
            here.append({"build": "GRCh37", "chrom": chrom, "pos": pos, "ref": ref, "alt": alt})
            there[chrom, moved, ref, alt] = pos
    names = {}
    for build, rows in (("GRCh37", pd.DataFrame(here)), ("GRCh38", pd.DataFrame(here).assign(build="GRCh38"))):
        if build == "GRCh38":
            rows["pos"] = [truth.lifted(blocks[c], int(p)) for c, p in zip(rows["chrom"], rows["pos"], strict=True)]
        calls = conform(rows.assign(sample_id="S", source="x").drop_duplicates(), schemas.CALLS)
        own = annotate_variants(calls, bundles.references[build], Dropped("annotate"))
        own = own[own["picked"].astype(bool)]
        back = [there[c, int(p), r, a] if build == "GRCh38" else int(p) for c, p, r, a in zip(own["chrom"], own["pos"], own["ref"], own["alt"], strict=True)]  # fmt: skip
        names[build] = {
            (c, p, r, a): (str(coding).split(":")[-1], str(protein), word)
            for c, p, r, a, coding, protein, word in zip(
                own["chrom"], back, own["ref"], own["alt"], own["hgvsc"], own["hgvsp"], own["consequence"], strict=True
            )
        }
    assert len(names["GRCh37"]) > 1000
    assert names["GRCh38"] == names["GRCh37"]
