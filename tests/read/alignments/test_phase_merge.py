"""Phased variants and background of the reference's own examples: every row of its tables of results."""

from __future__ import annotations

import csv

import numpy as np
import pysam
import pytest

from resistance.read.alignments.background import background_of
from resistance.read.alignments.bases import known_bases
from resistance.read.alignments.position_counts_plain import position_counts_plain
from resistance.read.alignments.targets import read_targets
from resistance.read.black_list import BlackList, read_black_list
from resistance.stats.phased import phased_events

pytestmark = pytest.mark.shared
_BACKGROUND: dict[tuple, float] = {}


@pytest.fixture
def truth(shared):
    return shared / "truth" / "ctdna" / "ctdnatools"


def _rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _event(m):
    return m["PHASING"] if m["PHASING"] != "NA" else f"{m['CHROM']}:{m['POS']}_{m['REF']}_{m['ALT']}"


def _observed(path, mutations, bq, mq):
    """Return fragment, mutation and whether it shows the variant, for every read and mutation, and plain read counts."""
    numbers: dict[str, int] = {}
    rows = []
    with pysam.AlignmentFile(str(path)) as file:
        for i, m in enumerate(mutations):
            pos = int(m["POS"]) - 1
            for read in file.fetch(m["CHROM"], pos, pos + 1):
                at = {place: index for index, place in read.get_aligned_pairs(matches_only=True)}.get(pos)
                if at is None or read.mapping_quality < mq or read.query_qualities[at] < bq:
                    continue
                base = read.query_sequence[at]
                if base in (m["REF"], m["ALT"]):
                    rows.append((numbers.setdefault(read.query_name, len(numbers)), i, base == m["ALT"]))
    return np.array(rows).T


def _merged(path, mutations, bq, mq):
    fragment, index, is_alt = _observed(path, mutations, bq, mq)
    names = list(dict.fromkeys(_event(m) for m in mutations))
    event = np.array([names.index(_event(m)) for m in mutations])[index]
    return names, phased_events(fragment, event, index, is_alt.astype(bool), len(names)), (index, is_alt)


def test_the_phase_merge_of_t1_is_that_of_ctdnatools(truth):
    names, found, _ = _merged(truth / "T1.bam", _rows(truth / "mutations.tsv"), 20, 30)
    expected = _rows(truth / "expected" / "T1_phase_merge_bq20_mq30.tsv")
    assert [row["Phasing_id"] for row in expected] == names
    for i, row in enumerate(expected):
        ours = (found.ref[i], found.alt[i], found.several[i], found.fragments[i], found.alt_several[i])
        theirs = tuple(int(row[c]) for c in ("ref", "alt", "n_reads_multi_mutation", "all_reads", "multi_support"))
        assert ours == theirs, row["Phasing_id"]


def _setting(label):
    """Return sample, qualities, black list and whether phased, as the reference's manual and tests call it."""
    listed = "subst" if "bl_subst" in label else "loci" if "bl_loci" in label else None
    if label.startswith("ut_") and "bl" in label:
        listed = "own_subst" if "blsubst" in label else "own_loci"
    bq, mq = (20, 30) if "bq20_mq30" in label else (30, 40)
    return bq, mq, listed, "phase" in label


@pytest.mark.long
def test_every_row_of_the_results_has_our_rate_reads_and_support(truth):
    mutations = _rows(truth / "mutations.tsv")
    rows = _rows(truth / "expected" / "test_ctDNA_results.tsv")
    assert len(rows) == 17
    files = {name: read_black_list(truth / "expected" / f"blacklist_{name}.txt") for name in ("subst", "loci")}
    # the tests of the reference list its first mutation, as a substitution and as a position
    lists = files | {
        "own_subst": BlackList((), frozenset({("14", 106327474, "C", "G")})),
        "own_loci": BlackList((("14", 106327473, 106327474),)),
        None: None,
    }
    for row in rows:
        bq, mq, listed, phase = _setting(row["label"])
        kept = [m for m in mutations if not (listed or "").startswith("own") or m["POS"] != "106327474"]
        assert (len(kept), len(mutations) - len(kept)) == (int(row["n_mutations"]), int(row["mutations_filtered"]))
        key = (row["sample"], bq, mq, listed)
        if key not in _BACKGROUND:
            counts = position_counts_plain(
                truth / f"{row['sample']}.bam",
                read_targets(truth / "targets.tsv"),
                count="reads",
                min_base_quality=bq,
                min_mapping_quality=mq,
                excluded_flags=0x4,
            )
            bases = known_bases(counts, truth / "chr14_106327222_106328250_from_MD.fa")
            whole = background_of("s", counts, bases, black_list=lists[listed])
            _BACKGROUND[key] = float(whole.loc[whole["substitution"] == "all", "rate"].iloc[0])
        _, found, (index, is_alt) = _merged(truth / f"{row['sample']}.bam", kept, bq, mq)
        rate = found.purified_rate(_BACKGROUND[key]) if phase else _BACKGROUND[key]
        assert rate == pytest.approx(float(row["background_rate"]), rel=1e-12, abs=0), row["label"]
        assert found.informative == int(row["informative_reads"]), row["label"]
        alts = found.alt if phase else np.bincount(index[is_alt > 0], minlength=len(kept))
        assert ((alts > 0).sum(), alts.sum()) == (int(row["n_nonzero_alt"]), int(row["total_alt_reads"])), row["label"]
        if phase:
            assert found.alt_several.sum() == int(row["multi_support_reads"]), row["label"]
        else:
            assert row["multi_support_reads"] == "NA"
