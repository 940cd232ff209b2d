"""Names of random changes of random genes: done to the gene by brute force they give what the alleles give."""

from __future__ import annotations

import random
import re

import pytest
from brute_force import Toy, apply_coding, draw_toy, says

from resistance.annotate.naming import coding_name, protein_name, shift_three_prime
from resistance.variant import trim

GENES, CHANGES = 250, 40


def draw_change(draw: random.Random, toy: Toy) -> tuple[int, int, str]:
    """Draw what to replace by what, anywhere within the transcript: substitutions, indels, copies, inversions, pairs of changes."""
    inside = [i for i, label in enumerate(toy.labels()) if label is not None]
    start = draw.choice(inside)
    kind = draw.choice(["snv", "mnv", "del", "ins", "dup", "delins", "inv", "pair"])
    stop = min(inside[-1] + 1, start + draw.choice([1, 1, 2, 3, 3, 4, 6, 9, 12, 30]))
    old = toy.bases[start:stop]
    some = "".join(draw.choices("ACGT", k=draw.choice([1, 2, 3, 3, 4, 6, 9, 12])))
    if kind == "snv":
        return start, start + 1, draw.choice("ACGT")
    if kind == "mnv":
        return start, stop, "".join(draw.choices("ACGT", k=len(old)))
    if kind == "ins":
        return max(start, inside[0] + 1), max(start, inside[0] + 1), some
    if kind == "dup":
        return stop, stop, old
    if kind == "pair":  # two phased substitutions of one haplotype, as one change
        return start, stop, draw.choice("ACGT") + old[1:-1] + draw.choice("ACGT") if len(old) > 1 else "T"
    return (
        start,
        stop,
        {"del": "", "delins": some, "inv": "".join({"A": "T", "C": "G", "G": "C", "T": "A"}[b] for b in reversed(old))}[kind],
    )


def trimmed(toy: Toy, start: int, stop: int, new: str) -> tuple[int, int, str] | None:
    """Return the change without what it leaves as it is, None where nothing is left."""
    while start < stop and new and toy.bases[stop - 1] == new[-1]:
        stop, new = stop - 1, new[:-1]
    while start < stop and new and toy.bases[start] == new[0]:
        start, new = start + 1, new[1:]
    return (start, stop, new) if start < stop or new else None


def cases(seed: int) -> list[tuple[Toy, tuple[int, int, str]]]:
    draw = random.Random(seed)
    out = []
    for _ in range(GENES):
        toy = draw_toy(draw)
        for _ in range(CHANGES):
            change = trimmed(toy, *draw_change(draw, toy))
            if change is not None:
                out.append((toy, change))
    return out


def test_coding_name_done_to_the_gene_gives_what_the_alleles_give() -> None:
    kinds: dict[str, int] = {}
    for toy, change in cases(1):
        model = toy.model()
        shifted = shift_three_prime(model, *toy.canonical(*change))
        name = coding_name(model, *shifted)
        start, stop, _ = change
        outside = [toy.labels()[i] is None for i in (start, stop - 1 if stop > start else start - 1)]
        if name is None:  # only an insertion behind the last base of the transcript has no name
            assert any(outside), (toy, change)
            continue
        assert apply_coding(toy, name) == toy.changed(*change), (toy, change, name)
        place = "intron" if re.search(r"\d[+-]\d", name) else "utr" if re.search(r"[-*]\d", name) else "coding"
        kind = ">" if ">" in name else re.sub(r"[^a-z]", "", name[2:])
        kinds[f"{place} {kind}"] = kinds.get(f"{place} {kind}", 0) + 1
    wanted = {f"{place} {kind}" for place in ("coding", "utr", "intron") for kind in (">", "del", "ins", "dup", "delins", "inv")}
    assert set(kinds) == wanted
    assert min(kinds.values()) >= 20


def test_two_spellings_of_one_change_get_the_same_names() -> None:
    moved = 0
    for toy, (start, stop, new) in cases(2):
        if stop > start and new:
            continue
        model = toy.model()
        wanted = None
        same = toy.changed(start, stop, new)
        length = len(new) or stop - start
        for other in range(max(8, start - 12), min(len(toy.bases) - 8 - length, start + 12)):
            # every place where the insertion or deletion of as many bases gives the same sequence
            text = same[other : other + length] if new else ""
            if toy.changed(other, other if new else other + length, text) != same:
                continue
            shifted = shift_three_prime(model, *toy.canonical(other, other if new else other + length, text))
            names = coding_name(model, *shifted), protein_name(model, *shifted)
            moved += wanted is not None
            wanted = wanted or names
            assert names == wanted, (toy, start, stop, new, other)
    assert moved > 1000


def test_name_is_at_the_most_three_prime_place() -> None:
    for toy, (start, stop, new) in cases(3):
        if (stop > start and new) or toy.strand == "-":
            continue
        model = toy.model()
        pos, _, _ = shift_three_prime(model, *toy.canonical(start, stop, new))
        at, length = pos - 1000, len(new) or stop - start
        nxt = at + 2 if new else at + 1
        end = len(toy.bases) - 6  # first base behind the transcript
        if (nxt if new else nxt + length - 1) < end:
            text = toy.changed(start, stop, new)[nxt : nxt + length] if new else ""
            assert toy.changed(nxt, nxt if new else nxt + length, text) != toy.changed(start, stop, new), (toy, start, stop, new)


def is_utr_too(toy: Toy, change: tuple[int, int, str]) -> bool:
    """Return whether an insertion or deletion gives the same sequence when it stands before the start codon."""
    start, stop, new = change
    begin = [i for i, inside in enumerate(toy.exonic) if inside][toy.coding[0]]
    same, length = toy.changed(*change), len(new) or stop - start
    if new:
        return any(toy.changed(at, at, same[at : at + length]) == same for at in range(begin + 1))
    return any(toy.changed(at, at + length, "") == same for at in range(begin - length + 1))


def test_protein_name_done_to_the_protein_gives_the_translated_transcript() -> None:
    kinds: dict[str, int] = {}
    for toy, change in cases(4):
        start, stop, new = change
        ends = (start - 1, start) if start == stop else (start, stop - 1)
        within = all(toy.exonic[i] for i in ends)
        model = toy.model()
        name = protein_name(model, *shift_three_prime(model, *toy.canonical(*change)))
        before, labels = toy.protein(), toy.labels()
        if not within:
            continue
        after = toy.changed_protein(start, stop, new)
        coding = [labels[i] is not None and labels[i][0] not in "-*" for i in ends]  # type: ignore[index]
        if name is None:
            # nothing coding is replaced, or the change can as well be written in the UTR, or no stop is left at all
            assert before == after or not any(coding) or "*" not in after or is_utr_too(toy, change), (toy, change, after)
            kinds["none"] = kinds.get("none", 0) + 1
            continue
        assert says(before, name, after), (toy, change, before, name, after)
        if name == "M1?":  # nothing of the protein is promised only where the start codon itself is changed
            places = [i for i, inside in enumerate(toy.exonic) if inside][toy.coding[0] : toy.coding[0] + 3]
            assert start <= places[2], (toy, change)
            assert stop > places[0], (toy, change)
        kind = "ext" if "ext" in name else "fs" if "fs" in name else re.sub(r"[^a-z=*?]", "", name) or "sub"
        kind += "*" if kind in ("ins", "delins") and name.endswith("*") and "*" not in kind else ""
        kinds[kind] = kinds.get(kind, 0) + 1
    wanted = {"none", "fs", "ext", "sub", "=", "*", "?", "del", "dup", "ins", "delins", "ins*", "delins*"}
    assert set(kinds) >= wanted, kinds


@pytest.mark.parametrize("strand", ["+", "-"])
def test_deletion_from_exon_to_exon_is_named_from_the_joined_exons(strand: str) -> None:
    draw, seen = random.Random(7), 0
    while seen < 60:
        toy = draw_toy(draw)
        if toy.strand != strand:
            continue
        coding = [i for i, label in enumerate(toy.labels()) if label is not None and label.isdigit()]
        start, stop = sorted(draw.sample(coding, 2))
        if all(toy.exonic[start : stop + 1]) or int(str(toy.labels()[start])) <= 3:
            continue
        model = toy.model()
        name = protein_name(model, *shift_three_prime(model, *toy.canonical(start, stop + 1, "")))
        after = toy.changed_protein(start, stop + 1, "")
        if name is None:
            assert after == toy.protein() or "*" not in after
            continue
        assert says(toy.protein(), name, after), (toy, start, stop, name, after)
        seen += 1


def test_names_do_not_depend_on_flanks_that_the_caller_left_on() -> None:
    """The toy's own trimming and the package's lead to the same variant."""
    for toy, (start, stop, new) in cases(5)[:2000]:
        if toy.strand == "-" or start < 2 or "-" in toy.canonical(start, stop, new):
            continue
        pos, ref, alt = toy.canonical(start, stop, new)
        left, right = toy.bases[start - 2 : start], toy.bases[stop : stop + 2]
        assert trim(pos - 2, left + ref + right, left + alt + right) == (pos, ref, alt)
