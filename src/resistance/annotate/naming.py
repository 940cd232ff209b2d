"""A variant on a transcript with its bases -> its HGVS names, coding and protein.

Variants are canonical (see :mod:`resistance.variant`): trimmed, ref '-' for an insertion behind pos, alt
'-' for a deletion from pos on.  Source: HGVS Nomenclature (den Dunnen 2016, doi:10.1002/humu.22981).

Where the nomenclature leaves a choice: an additional copy is a 'dup', two or more are an 'ins' (VEP and
VAGrENT write no ``[3]``); a changed start codon is ``M1?`` unless the protein is the same or begins with
M at the same place; a stop codon in inserted or replaced codons ends the name (``N47delinsSS*``), while a
shifted frame is always ``fs``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from resistance.annotate.transcripts import Model, reverse_complement, translate

#: base -> the one of the other strand
_OTHER = dict(zip("ACGTN", "TGCAN", strict=True))


def shift_three_prime(model: Model, pos: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Move an insertion or deletion as far as its bases allow towards the 3' end of the transcript.

    It moves over the borders of exons and introns, as the nomenclature wants (``c.1704+1del``, not
    ``c.1704del``), never from one exon to the next, and never out of the transcript, outside of which
    it would have no name.

    Examples
    --------
    A deletion of one A of AAA becomes that of the last A in the direction of the transcript.
    """
    *_, last = _equal_spellings(model, pos, ref, alt, downstream=True)
    return last


def _equal_spellings(model: Model, pos: int, ref: str, alt: str, *, downstream: bool) -> Iterator[tuple[int, str, str]]:
    """Yield the variant, then its other spellings one base after the other, in the direction of the transcript or against it.

    Ends at an unknown base and at the transcript's end.
    """
    yield pos, ref, alt
    up = downstream == (model.transcript.strand == "+")  # towards higher positions
    edge = model.transcript.end if up else model.transcript.start
    if ref == "-":
        bases = alt
        while (pos if up else pos + 1) != edge and model.base(pos + 1 if up else pos) == bases[0 if up else -1] != "N":
            pos += 1 if up else -1
            bases = bases[1:] + bases[0] if up else bases[-1] + bases[:-1]
            yield pos, ref, bases
    elif alt == "-":
        n = len(ref)
        bases = ref
        while (pos + n - 1 if up else pos) != edge:
            new, old = (model.base(pos + n), bases[0]) if up else (model.base(pos - 1), bases[-1])
            if new != old or new == "N":
                return
            pos += 1 if up else -1
            bases = bases[1:] + new if up else new + bases[:-1]
            yield pos, bases, alt


def coding_name(model: Model, pos: int, ref: str, alt: str) -> str | None:
    """Return the coding name (``c.76A>C``, ``c.54_56del``, ``c.12dup``, ``c.7_9inv`` ...) of a shifted variant.

    None where it reaches out of the transcript: the nomenclature has no c. positions there; and where
    unknown bases leave open how far an insertion or deletion shifts, or whether it is a duplication.
    """
    forward = model.forward
    if len(ref) == len(alt) == 1 and "-" not in (ref, alt):
        at = model.c_position(pos)
        return None if at is None else f"c.{at}{ref}>{alt}" if forward else f"c.{at}{_OTHER[ref]}>{_OTHER[alt]}"
    beyond = pos + (1 if ref == "-" else len(ref)) if forward else pos - (0 if ref == "-" else 1)
    if "-" in (ref, alt) and model.base(beyond) == "N":
        return None

    def span(first: int, last: int) -> str | None:
        if first == last:
            return model.c_position(first)
        ends = [model.c_position(p) for p in ((first, last) if forward else (last, first))]
        return None if None in ends else f"{ends[0]}_{ends[1]}"

    def own(bases: str) -> str:
        return bases if forward else reverse_complement(bases)

    if ref == "-":
        n = len(alt)
        first = pos - n + 1 if forward else pos + 1
        copied = "".join(model.base(first + i) for i in range(n))
        if all(a in (b, "N") for a, b in zip(copied, alt, strict=True)):
            if "N" in copied:
                return None
            where = span(first, first + n - 1)
            if where is not None:  # else what is copied begins before the transcript
                return f"c.{where}dup"
        where = span(pos, pos + 1)
        if where is None:  # behind the last base of the transcript: perhaps it can stand before that base as well
            for before, _, bases in islice(_equal_spellings(model, pos, ref, alt, downstream=False), 1, 2):
                where, alt = span(before, before + 1), bases
        return None if where is None else f"c.{where}ins{own(alt)}"
    where = span(pos, pos + len(ref) - 1)
    if where is None:
        return None
    if alt == "-":
        return f"c.{where}del"
    if len(ref) > 1 and alt == reverse_complement(ref):
        return f"c.{where}inv"
    return f"c.{where}delins{own(alt)}"


def protein_name(model: Model, pos: int, ref: str, alt: str) -> str | None:
    """Return the protein change (``L265P``, ``E505Rfs*141``) of a shifted variant.

    An insertion or deletion in a repeat over a border is named from the spelling that lies within
    exons, since that leaves the splice sites as they are.  A deletion from one exon into another,
    with the whole introns between, is named from the exons joined.

    None (``p.?``) where one end lies in an intron, or an insertion stands exactly on an exon's border:
    what is spliced is then not known; where coding bases are not changed; where the transcript has
    no whole coding sequence; and where bases are not known.
    """
    if len(ref) == len(alt) == 1 and "-" not in (ref, alt):
        quick = _substitution(model, pos, alt)
        if quick != "?":
            return quick
    spellings = _equal_spellings(model, pos, ref, alt, downstream=False)
    found = [(spelling, place) for spelling in spellings if (place := _interval(model, *spelling)) is not None]
    begin, end = model.coding.start, model.coding.stop
    if not found or any(stop <= begin for _, (_, stop) in found):
        return None  # what lies before the start codon in one of its spellings leaves the coding sequence as it is
    (_, _, alt), (start, stop) = found[0]
    if start >= end:
        return None
    bases, shift = _put_in(model, start, stop, alt)
    before = model.protein
    if "X" not in before and ((end - begin) % 3 or before.find("*") != len(before) - 1):
        return None  # the reference's own frame is broken
    # codons before the change are as they were; behind one that keeps the frame they are again
    intact = max(0, start - begin) // 3
    in_frame = shift % 3 == 0 and stop <= end
    if in_frame:
        again = -(-(stop - begin) // 3)
        whole = before[:intact] + translate(bases[begin + 3 * intact : begin + 3 * again + shift]) + before[again:]
        after = whole[: whole.find("*") + 1] or whole + _until_stop(bases, end + shift)
    else:
        after = before[:intact] + _until_stop(bases, begin + 3 * intact)
    if shift and ("X" in before or "X" in after):
        return None  # where bases are not known, only a change that keeps the frame's length can be named
    if "X" in before:
        after = after[: len(before)]
    if start < begin or (after[:1] != "M" and bases[begin : begin + 3] != model.bases[begin : begin + 3]):
        return "M1?"
    if before == after:
        name: str | None = f"{before[intact]}{intact + 1}="
    elif "X" in before or (in_frame and "*" in whole):
        # with what stands behind a new stop
        name = describe_protein(before, whole if "*" in whole[:-1] else after, frameshift=False)
    else:  # also from before the stop codon to behind it, which the nomenclature calls a shifted frame
        name = describe_protein(before, after, frameshift=True)
    return None if name is None or "X" in name else name


def _substitution(model: Model, pos: int, alt: str) -> str | None:
    """Return the protein change of one base from its codon alone; '?' where more than the codon has to be looked at."""
    at = model.index(pos)
    if at is None or not model.coding.start <= at < model.coding.stop:
        return None
    codon = (at - model.coding.start) // 3
    start = model.coding.start + 3 * codon
    old = model.bases[start : start + 3]
    new = alt if model.transcript.strand == "+" else reverse_complement(alt)
    before, after = translate(old), translate(old[: at - start] + new + old[at - start + 1 :])
    # the start codon, the stop codon and a reference whose own frame is broken have rules of their own
    if not codon or before in ("", "*", "X") or after in ("", "X") or not model.is_whole:
        return "?"
    return f"{before}{codon + 1}{'=' if before == after else after}"


def _until_stop(bases: str, start: int) -> str:
    """Translate from a base to the first stop, piece by piece: a shifted frame rarely goes on for long."""
    out = ""
    for at in range(start, len(bases), 300):
        piece = translate(bases[at : at + 300], to_stop=True)
        out += piece
        if piece.endswith("*"):
            break
    return out


def _interval(model: Model, pos: int, ref: str, alt: str) -> tuple[int, int] | None:
    """Return which bases of the spliced transcript are replaced (half open), or None; both numbers are equal for an insertion.

    None where an end lies in no exon, and for an insertion on an exon's border.
    """
    ends = (pos, pos + 1) if ref == "-" else (pos, pos + len(ref) - 1)
    one, other = (model.index(p) for p in ends)
    if one is None or other is None:
        return None
    first, last = min(one, other), max(one, other)
    if ref == "-":
        return (last, last) if last - first == 1 else None
    return first, last + 1


def changed_transcript(model: Model, pos: int, ref: str, alt: str) -> tuple[str, int, int] | None:
    """Return the spliced bases with the change, where it begins, and by how many bases they are longer.

    None unless both ends lie in exons; introns between them go with the deletion.
    """
    place = _interval(model, pos, ref, alt)
    if place is None:
        return None
    bases, longer = _put_in(model, *place, alt)
    return bases, place[0], longer


def _put_in(model: Model, start: int, stop: int, alt: str) -> tuple[str, int]:
    """Return the spliced bases with others from start to stop, and by how many they are longer."""
    new = "" if alt == "-" else alt if model.transcript.strand == "+" else reverse_complement(alt)
    return model.bases[:start] + new + model.bases[stop:], len(new) - (stop - start)


def _alike(one: str, other: str) -> int:
    """Return how many letters two texts have in common from their beginning on."""
    room, at = min(len(one), len(other)), 0
    while at + 64 <= room and one[at : at + 64] == other[at : at + 64]:
        at += 64
    while at < room and one[at] == other[at]:
        at += 1
    return at


def describe_protein(before: str, after: str, *, frameshift: bool) -> str | None:
    """Name the difference of two proteins, each up to and with its stop ('*'), as HGVS does in one-letter form.

    Where codons were inserted or replaced in frame and hold a stop, `after` goes on behind that stop, so that
    the name ends there and does not swallow the rest of the protein.  None where `after` is only the
    beginning of `before` and its stop is gone.

    Examples
    --------
    >>> describe_protein("MKLW*", "MKRW*", frameshift=False)
    'L3R'
    >>> describe_protein("MKKLW*", "MKLW*", frameshift=False)
    'K3del'
    >>> describe_protein("MPNKL*", "MPSS*KL*", frameshift=False)
    'N3delinsSS*'
    """
    if not after or after[0] != before[0]:
        return "M1?"
    first = _alike(before, after)
    stop = after.find("*")
    if first == len(after):
        return f"{before[first]}{first + 1}fs*?" if frameshift and before[first] != "*" else None
    if first < len(before) and before[first] == "*":
        return f"*{first + 1}{after[first]}ext*{stop - first if stop >= 0 else '?'}"
    if after[first] == "*":
        return f"{before[first]}{first + 1}*"
    if frameshift:
        return f"{before[first]}{first + 1}{after[first]}fs*{stop - first + 1 if stop >= 0 else '?'}"
    same = _alike(before[first:][::-1], after[first:][::-1])
    old, new = before[first : len(before) - same], after[first : len(after) - same]
    new = new[: new.find("*") + 1] or new

    def span(start: int, stop: int) -> str:
        ends = f"{before[start]}{start + 1}", f"{before[stop]}{stop + 1}"
        return ends[0] if start == stop else f"{ends[0]}_{ends[1]}"

    if not old:
        n = len(new)
        if first >= n and before[first - n : first] == new:
            return f"{span(first - n, first - 1)}dup"
        return f"{span(first - 1, first)}ins{new}"
    where = span(first, first + len(old) - 1)
    if not new:
        return f"{where}del"
    return f"{where}{new}" if len(old) == len(new) == 1 else f"{where}delins{new}"


def protein_consequence(name: str, *, same_length: bool) -> str:
    """Return the Sequence Ontology term of a protein change.

    bcftools csq has no coding term for most deletion-insertions that keep the frame (it says
    feature_elongation or feature_truncation); where the protein is known, the change itself tells.

    Parameters
    ----------
    name : str
        As :func:`protein_name` returns it.
    same_length : bool
        As many bases are put in as taken out: residues that change are then missense, however many.

    Examples
    --------
    >>> protein_consequence("V600_K601delinsD", same_length=False), protein_consequence("E505Rfs*141", same_length=False)
    ('inframe_deletion', 'frameshift_variant')
    """
    if name == "M1?":
        return "start_lost"
    if "ext" in name:
        return "stop_lost"
    if "fs" in name:
        return "frameshift_variant"
    if name.endswith("*"):
        return "stop_gained"
    if name.endswith("="):
        return "stop_retained_variant" if name.startswith("*") else "synonymous_variant"
    found = re.fullmatch(r"[A-Z](\d+)(?:_[A-Z](\d+))?(del|dup|ins|delins)?([A-Z]*)", name)
    if same_length or found is None or found[3] is None:
        return "missense_variant"
    old = int(found[2] or found[1]) - int(found[1]) + 1
    if found[3] == "delins":
        return "inframe_insertion" if len(found[4]) > old else "inframe_deletion" if len(found[4]) < old else "missense_variant"
    return "inframe_deletion" if found[3] == "del" else "inframe_insertion"
