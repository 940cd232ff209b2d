"""The background of a sample: equal to ctDNAtools in every value, and to a slow recomputation."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.alignments.background import PAIRS, background_of
from resistance.read.alignments.bases import KnownBases, known_bases
from resistance.read.alignments.controls import SHALLOW, PanelRule, black_list_of, control_positions
from resistance.read.alignments.position_counts_plain import position_counts_plain
from resistance.read.alignments.targets import read_targets
from resistance.read.black_list import BlackList, read_black_list

#: the reference counts secondary alignments and duplicates: only unmapped reads are left out
REFERENCE_FLAGS = 0x4
_COUNTED: dict[tuple, pd.DataFrame] = {}


@pytest.fixture
def truth(shared):
    return shared / "truth" / "ctdna" / "ctdnatools"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _counts(truth: Path, sample: str, bq: int, mq: int) -> pd.DataFrame:
    key = (sample, bq, mq)
    if key not in _COUNTED:
        _COUNTED[key] = position_counts_plain(
            truth / f"{sample}.bam",
            read_targets(truth / "targets.tsv"),
            count="reads",
            min_base_quality=bq,
            min_mapping_quality=mq,
            excluded_flags=REFERENCE_FLAGS,
        )
    return _COUNTED[key]


def _bases(truth: Path, counts: pd.DataFrame) -> KnownBases:
    return known_bases(counts, truth / "chr14_106327222_106328250_from_MD.fa")


def _rates(frame: pd.DataFrame) -> dict[str, pd.Series]:
    whole = frame[frame["context"] == "all"].set_index("substitution")
    return {"rate": whole["rate"], "raw": whole["errors"] / whole["depth"]}


@pytest.mark.shared
def test_rates_of_all_samples_and_qualities_are_those_of_ctdnatools(truth):
    rows = _rows(truth / "expected" / "background_rates.tsv")
    assert len(rows) == 10
    names = dict(zip(("CA", "CG", "CT", "TA", "TC", "TG"), PAIRS, strict=True))
    for row in rows:
        counts = _counts(truth, row["sample"], int(row["min_bq"]), int(row["min_mq"]))
        found = _rates(background_of(row["sample"], counts, _bases(truth, counts)))
        assert found["rate"]["all"] == pytest.approx(float(row["rate"]), rel=1e-12, abs=0)
        for theirs, ours in names.items():
            assert found["raw"][ours] == pytest.approx(float(row[theirs]), rel=1e-12, abs=0), (row["sample"], theirs)


@pytest.mark.shared
def test_the_panel_of_controls_is_that_of_ctdnatools(truth):
    # made at base quality 10 and mapping quality 20
    counts = {name: _counts(truth, name, 10, 20) for name in ("N1", "N2", "N3")}
    bases = _bases(truth, counts["N1"])
    rows = _rows(truth / "expected" / "background_panel_subst.tsv")
    assert len(rows) == 3 * 628
    index = {int(pos): i for i, pos in enumerate(counts["N1"]["pos"])}
    panel = control_positions(counts, bases, "GRCh37", rule=SHALLOW)
    shown = {
        (p, r, a): row for p, r, a, row in zip(panel["pos"], panel["ref"], panel["alt"], panel.to_dict("records"), strict=True)
    }
    for row in rows:
        _, pos, ref, alt = row["Locus"].split("_")
        i = index[int(pos)]
        assert "ACGT"[bases.reference[i]] == ref
        alts = [int(row[f"N{k}_alt"]) for k in (1, 2, 3)]
        fractions = [float(row[f"N{k}"]) for k in (1, 2, 3)]
        for k in (1, 2, 3):
            here = counts[f"N{k}"].loc[i, ["A", "C", "G", "T"]]
            assert int(here.sum()) == int(row[f"N{k}_depth"])
            assert int(here[alt]) == alts[k - 1]
            assert here[alt] / here.sum() == pytest.approx(fractions[k - 1], rel=1e-12, abs=0)
        ours = shown.pop((int(pos), ref, alt), None)
        assert (ours is None) == (sum(alts) == 0)
        if ours is not None:
            assert (ours["alt_count"], ours["controls"]) == (sum(alts), 3)
            assert ours["controls_with"] == sum(a >= 1 for a in alts)
            assert ours["controls_with_two"] == sum(a >= 2 for a in alts)
            assert ours["mean_vaf"] == pytest.approx(sum(fractions) / 3)
            assert ours["max_vaf"] == pytest.approx(max(fractions))
    assert all(alt == "-" for _, _, alt in shown)


@pytest.mark.shared
def test_the_black_lists_are_those_of_ctdnatools(truth):
    counts = {name: _counts(truth, name, 10, 20).drop(columns="deletion") for name in ("N1", "N2", "N3")}
    bases = _bases(truth, counts["N1"])
    ours = black_list_of(control_positions(counts, bases, "GRCh37", rule=SHALLOW))
    theirs = read_black_list(truth / "expected" / "blacklist_subst.txt")
    assert len(theirs.substitutions) == 19
    assert ours.substitutions == theirs.substitutions
    by_position = black_list_of(control_positions(counts, bases, "GRCh37", rule=SHALLOW, by_position=True))
    loci = read_black_list(truth / "expected" / "blacklist_loci.txt")
    assert len(loci.rows) == 7
    assert set(by_position.rows) == set(loci.rows)


@pytest.mark.shared
def test_black_lists_change_the_rate_as_in_ctdnatools(truth):
    expected = {row["label"]: float(row["background_rate"]) for row in _rows(truth / "expected" / "test_ctDNA_results.tsv")}
    counts = _counts(truth, "T1", 30, 40)
    bases = _bases(truth, counts)
    for label, name in (("vignette_test3_T1_bl_loci", "blacklist_loci"), ("vignette_test4_T1_bl_subst", "blacklist_subst")):
        listed = read_black_list(truth / "expected" / f"{name}.txt")
        found = _rates(background_of("T1", counts, bases, black_list=listed))
        assert found["rate"]["all"] == pytest.approx(expected[label], rel=1e-12, abs=0)


@pytest.mark.shared
def test_the_majority_of_reads_gives_the_reference_bases_of_the_genome(truth):
    counts = _counts(truth, "T2", 30, 40)
    real, guessed = _bases(truth, counts), known_bases(counts)
    assert guessed.source == "majority"
    assert (guessed.reference == real.reference).all()
    assert (guessed.before[1:] == real.before[1:]).all()
    assert guessed.before[0] == -1
    rate = background_of("T2", counts, guessed)
    assert rate.loc[0, "rate"] == pytest.approx(1.128166481e-4, rel=1e-9)
    assert "majority" in rate.loc[0, "note"]


def _made(n=400, depth=2000, seed=1, rate=1e-4):
    """Return counts and bases of a panel (always the same genome), errors at one rate."""
    rng = np.random.default_rng(seed)
    codes = np.random.default_rng(99).integers(0, 4, n + 2)
    table = rng.multinomial(depth, [1 - rate, rate / 3, rate / 3, rate / 3], size=n)
    bases = np.zeros((n, 4), dtype=int)
    for i in range(n):
        r = codes[i + 1]
        bases[i, r] = table[i, 0]
        bases[i, [b for b in range(4) if b != r]] = table[i, 1:]
    frame = pd.DataFrame(bases, columns=list("ACGT"))
    frame.insert(0, "pos", np.arange(1001, 1001 + n))
    frame.insert(0, "chrom", "7")
    return frame, KnownBases(codes[1:-1], codes[:-2], codes[2:], "fasta")


def test_every_context_sums_what_a_slow_loop_sums():
    counts, bases = _made(rate=5e-3)
    counts.loc[3, "A"] += 900  # a variant of the patient: left out
    found = background_of("s", counts, bases)
    assert len(found) == 1 + 12 + 6 + 192
    sums: dict[tuple[str, str], list[int]] = {}
    for i, row in counts.iterrows():
        ref = "ACGT"[bases.reference[i]]
        depth = sum(row[b] for b in "ACGT")
        if (depth - row[ref]) / depth >= 0.1:
            continue
        context = "ACGT"[bases.before[i]] + ref + "ACGT"[bases.after[i]]
        for alt in "ACGT":
            if alt != ref:
                for key in ((f"{ref}>{alt}", context), (f"{ref}>{alt}", "all")):
                    old = sums.setdefault(key, [0, 0, 0])
                    sums[key] = [old[0] + 1, old[1] + depth, old[2] + row[alt]]
    for row in found.to_dict("records"):
        key = (row["substitution"], row["context"])
        if key[0] != "all" and key[0] not in PAIRS:
            assert [row["positions"], row["depth"], row["errors"]] == sums.get(key, [0, 0, 0]), key


def test_the_two_strands_of_a_base_pair_are_summed():
    counts, bases = _made(rate=5e-3)
    found = background_of("s", counts, bases)
    whole = found[found["context"] == "all"].set_index("substitution")["errors"]
    assert whole["C:G>T:A"] == whole["C>T"] + whole["G>A"]
    assert whole["T:A>G:C"] == whole["T>G"] + whole["A>C"]
    assert sum(whole[name] for name in PAIRS) == whole["all"]


def test_no_error_seen_is_no_rate_of_zero_beyond_the_whole_rate():
    counts, bases = _made(rate=0.0)
    found = background_of("s", counts, bases).set_index(["substitution", "context"])
    assert found.loc[("all", "all"), "rate"] == 0
    assert (found["rate"].drop(index=("all", "all")) > 0).all()
    # exact one-sided bound of 0 in n: 1 - .05 ** (1 / n)
    n = int(found.loc[("all", "all"), "depth"])
    assert found.loc[("all", "all"), "rate_high"] == pytest.approx(1 - 0.05 ** (1 / n))


def test_contexts_alike_take_the_rate_of_their_substitution():
    counts, bases = _made(n=3000, rate=1e-3)
    found = background_of("s", counts, bases)
    raw = found["errors"] / found["depth"]
    contexts = (found["context"] != "all") & (found["depth"] > 0)
    assert found.loc[contexts, "rate"].std() < 0.3 * raw[contexts].std()


def test_a_context_that_stands_out_keeps_its_rate():
    counts, bases = _made(n=6000, rate=1e-4, depth=5000)
    hot = (bases.reference == 1) & (bases.before == 0) & (bases.after == 2)  # ACG>ATG: deaminated methyl-cytosine
    counts.loc[hot, "T"] += 20
    found = background_of("s", counts, bases).set_index(["substitution", "context"])
    row = found.loc[("C>T", "ACG")]
    assert row["rate"] == pytest.approx(row["errors"] / row["depth"], rel=0.1)


def test_spread_between_positions_gives_a_beta_binomial():
    counts, bases = _made(n=3000, rate=1e-4, depth=5000)
    rng = np.random.default_rng(2)
    odd = rng.random(3000) < 0.1
    counts.loc[odd & (bases.reference == 1), "A"] += 15
    found = background_of("s", counts, bases).set_index(["substitution", "context"])
    assert found.loc[("C>A", "all"), "alpha"] > 0
    row = found.loc[("C>A", "all")]
    assert row["alpha"] / (row["alpha"] + row["beta"]) == pytest.approx(row["rate"])
    # the rho of a base without odd positions is smaller by far, or there is none
    rho = 1 / (found["alpha"] + found["beta"] + 1)
    assert rho.fillna(0)[("T>A", "all")] < 0.05 * rho[("C>A", "all")]
    binomial = found[found["alpha"].isna() & (found.index.get_level_values("context") != "all")]
    assert binomial["note"].str.match("binomial: (no over-dispersion|too few)").all()


def test_followed_variants_and_listed_places_are_left_out_and_counted():
    counts, bases = _made(rate=1e-3)
    counts.loc[10, ["A", "C", "G", "T"]] = [0, 0, 0, 0]
    dropped = Dropped("pileup")
    listed = BlackList((("7", 1020, 1022),), frozenset({("7", 1050, "C", "T")}))
    found = background_of("s", counts, bases, black_list=listed, leave_out={("7", 1100), ("7", 1021)}, dropped=dropped)
    reasons = {row["reason"]: row["n"] for row in dropped.rows()}
    assert reasons == {
        "black-listed position": 2,
        "position of a followed variant or a known SNP": 1,
        "position without a usable read": 1,
    }
    assert found.loc[0, "positions"] == 400 - 4


def test_without_a_read_there_is_no_rate():
    counts, bases = _made(depth=0)
    found = background_of("s", counts, bases)
    assert found["rate"].isna().all()
    assert set(found["depth"]) == {0}
    assert "no read in the targets" in found.loc[0, "note"]


def test_the_order_of_the_positions_does_not_matter_to_a_rate():
    counts, bases = _made(rate=2e-3)
    order = np.random.default_rng(0).permutation(len(counts))
    turned = KnownBases(bases.reference[order], bases.before[order], bases.after[order], "fasta")
    first = background_of("s", counts, bases)
    again = background_of("s", counts.iloc[order].reset_index(drop=True), turned)
    pd.testing.assert_frame_equal(first, again, rtol=1e-9)


def test_positions_where_controls_exceed_the_background_are_listed():
    made = {f"n{k}": _made(n=500, seed=k, rate=1e-4)[0] for k in range(5)}
    _, bases = _made(n=500)
    at = int(np.flatnonzero(bases.reference == 0)[0])
    for name in ("n1", "n3"):
        made[name].loc[at, "G"] += 12
    panel = control_positions(made, bases, "GRCh38", rule=PanelRule())
    listed = panel[panel["listed"].notna()]
    assert listed[["pos", "alt", "listed"]].to_numpy().tolist() == [[1001 + at, "G", "excess"]]


def test_controls_counted_elsewhere_are_refused():
    counts, bases = _made()
    with pytest.raises(InputError, match="the controls were counted at different positions"):
        control_positions({"a": counts, "b": counts.iloc[1:]}, bases, "GRCh38")
    with pytest.raises(InputError, match="has no control"):
        control_positions({}, bases, "GRCh38")
