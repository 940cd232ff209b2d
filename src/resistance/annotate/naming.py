"""A variant on a transcript with its bases -> its HGVS names, coding and protein.

Variants are canonical (see :mod:`resistance.variant`): trimmed, ref '-' for an insertion behind pos, alt
'-' for a deletion from pos on.  Source: HGVS Nomenclature (den Dunnen 2016, doi:10.1002/humu.22981).
"""

from __future__ import annotations

from resistance.annotate.transcripts import Model, reverse_complement, translate


def shift_three_prime(model: Model, pos: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Move an insertion or deletion as far as its bases allow towards the 3' end of the transcript.

    Examples
    --------
    A deletion of one A of AAA becomes that of the last A in the direction of the transcript.
    """
    forward = model.transcript.strand == "+"
    if ref == "-":
        bases = alt
        while forward and model.base(pos + 1) == bases[0] != "N":
            bases, pos = bases[1:] + bases[0], pos + 1
        while not forward and model.base(pos) == bases[-1] != "N":
            bases, pos = bases[-1] + bases[:-1], pos - 1
        return pos, ref, bases
    if alt == "-":
        n = len(ref)
        while forward and model.base(pos + n) == model.base(pos) != "N":
            pos += 1
        while not forward and model.base(pos - 1) == model.base(pos + n - 1) != "N":
            pos -= 1
        return pos, "".join(model.base(pos + i) for i in range(n)), alt
    return pos, ref, alt


def coding_name(model: Model, pos: int, ref: str, alt: str) -> str | None:
    """Return the coding name (``c.76A>C``, ``c.54_56del``, ``c.12dup`` ...) of a shifted variant; None outside the transcript."""
    forward = model.transcript.strand == "+"

    def span(first: int, last: int) -> str | None:
        ends = [model.c_position(p) for p in ((first, last) if forward else (last, first))]
        if None in ends:
            return None
        return str(ends[0]) if first == last else f"{ends[0]}_{ends[1]}"

    def own(bases: str) -> str:
        return bases if forward else reverse_complement(bases)

    if ref == "-":
        n = len(alt)
        first = pos - n + 1 if forward else pos + 1
        if alt == "".join(model.base(first + i) for i in range(n)):
            where = span(first, first + n - 1)
            return None if where is None else f"c.{where}dup"
        where = span(pos, pos + 1)
        return None if where is None else f"c.{where}ins{own(alt)}"
    where = span(pos, pos + len(ref) - 1)
    if where is None:
        return None
    if alt == "-":
        return f"c.{where}del"
    if len(ref) == len(alt) == 1:
        return f"c.{where}{own(ref)}>{own(alt)}"
    return f"c.{where}delins{own(alt)}"


def protein_name(model: Model, pos: int, ref: str, alt: str) -> str | None:
    """Return the protein change (``L265P``, ``E505Rfs*141``) of a shifted variant.

    None where the change does not lie within the coding exons, where an exon's border is crossed, or
    where bases are not known.
    """
    changed = changed_transcript(model, pos, ref, alt)
    if changed is None:
        return None
    bases, at, shift = changed
    after = translate(bases[model.coding.start :], to_stop=True)
    before = model.protein
    if shift and "X" in before + after:
        return None  # where bases are not known, only a change that keeps the frame's length can be named
    if "X" in before:
        after = after[: len(before)]
    else:
        before = before[: before.find("*") + 1]  # what follows the stop of the reference is no protein
    if before == after:
        codon = (at - model.coding.start) // 3
        name = f"{before[codon]}{codon + 1}=" if codon < len(before) else None
    else:
        name = describe_protein(before, after, frameshift=bool(shift % 3))
    return None if name is None or "X" in name else name


def changed_transcript(model: Model, pos: int, ref: str, alt: str) -> tuple[str, int, int] | None:
    """Return the spliced bases with the change, where it begins, and by how many bases they are longer.

    None unless the change lies within the coding exons and crosses no border.
    """
    forward = model.transcript.strand == "+"
    if ref == "-":
        ends = model.index(pos), model.index(pos + 1)
        if None in ends or abs(int(ends[0] or 0) - int(ends[1] or 0)) != 1:
            return None
        start = stop = max(int(ends[0] or 0), int(ends[1] or 0))
    else:
        places = [model.index(p) for p in (pos, pos + len(ref) - 1)]
        if None in places:
            return None
        start, stop = min(p for p in places if p is not None), max(p for p in places if p is not None) + 1
        if stop - start != len(ref):
            return None
    inside = model.coding.start <= start and stop <= model.coding.stop
    if not inside or (ref == "-" and start in (model.coding.start, model.coding.stop)):
        return None
    new = "" if alt == "-" else alt if forward else reverse_complement(alt)
    return model.bases[:start] + new + model.bases[stop:], start, len(new) - (stop - start)


def describe_protein(before: str, after: str, *, frameshift: bool) -> str:
    """Name the difference of two proteins, each up to and with its stop ('*'), as HGVS does in one-letter form.

    Examples
    --------
    >>> describe_protein("MKLW*", "MKRW*", frameshift=False)
    'L3R'
    >>> describe_protein("MKKLW*", "MKLW*", frameshift=False)
    'K3del'
    """
    if not after or after[0] != before[0]:
        return f"{before[0]}1?"
    first = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after)))
    if first < len(before) and before[first] == "*":
        stop = after.find("*")
        return f"*{first + 1}{after[first]}ext*{stop - first if stop >= 0 else '?'}"
    if first < len(after) and after[first] == "*":
        return f"{before[first]}{first + 1}*"
    if frameshift:
        stop = after.find("*")
        return f"{before[first]}{first + 1}{after[first]}fs*{stop - first + 1 if stop >= 0 else '?'}"
    room = min(len(before), len(after)) - first
    same = 0
    while same < room and before[-1 - same] == after[-1 - same]:
        same += 1
    old, new = before[first : len(before) - same], after[first : len(after) - same]

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
