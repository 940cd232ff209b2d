"""Variants of a genome -> the panel's genes they touch, checked against the reference bases and shifted to the 3' end.

A variant is ``(chrom, pos, ref, alt)`` here, canonical as in :mod:`resistance.variant`.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from resistance.annotate.naming import shift_three_prime
from resistance.annotate.reference import Reference
from resistance.annotate.transcripts import Model, reverse_complement
from resistance.variant import NOT_BASES

Given = tuple[str, int, str, str]
_BASES = frozenset("ACGT-")
OTHER_BASE = "the reference base is another"
NO_BASES = "the reference has no bases here"
BEYOND = "reaches beyond the bases that the reference has of the gene"
#: share of disagreeing variants that one explanation must cover to be named as the likely cause; by chance the
#: other strand fits a quarter of them
MOST = 0.7


class Placed(NamedTuple):
    """A variant on one gene, shifted to the 3' end of its transcripts, and as it was given."""

    given: Given
    gene: str
    pos: int
    ref: str
    alt: str


class Places:
    """The genes of a reference, ready to place variants; what cannot be placed is kept by reason.

    Parameters
    ----------
    reference : Reference
    legacy : bool
        Also on the transcripts on which papers number; else on those alone that name variants.

    Attributes
    ----------
    models : dict of str to list of Model
        Gene -> its transcripts with bases, the naming one first.
    wrong : dict
        Variant whose reference bases are not those of the bundle -> what stands there.
    unplaced : set
        Other variants that touch a gene and cannot be placed.
    left_out : Counter
        Reason -> variants that touch a gene and cannot be placed (those in ``wrong`` among them).
    examples : dict
        Reason -> the first of them.
    """

    def __init__(self, reference: Reference, *, legacy: bool = True) -> None:
        self.models = reference.models(legacy=legacy)
        self.wrong: dict[Given, str] = {}
        self.unplaced: set[Given] = set()
        self.left_out: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        spans: dict[str, list[tuple[int, int, str]]] = {}
        for gene, models in self.models.items():
            first = min(m.transcript.start for m in models)
            last = max(m.transcript.end for m in models)
            spans.setdefault(models[0].transcript.chrom, []).append((first, last, gene))
        # chromosome -> where the set of genes changes, and the set from there on
        self._edges: dict[str, list[int]] = {}
        self._sets: dict[str, list[tuple[str, ...]]] = {}
        for chrom, genes in spans.items():
            edges = sorted({0, *(edge for first, last, _ in genes for edge in (first, last + 1))})
            self._edges[chrom] = edges
            self._sets[chrom] = [tuple(g for first, last, g in sorted(genes) if first <= edge <= last) for edge in edges]

    def regions(self) -> list[tuple[str, int, int]]:
        """Return the genes' spans as (chrom, start, end), half-open from 0, sorted, with a base on either side.

        The base more is for deletions, which VCF writes from the base before.
        """
        out = []
        for chrom, edges in self._edges.items():
            for i, genes in enumerate(self._sets[chrom]):
                if genes:
                    out.append((chrom, edges[i] - 2, edges[i + 1]))
        return sorted(out)

    def touched(self, variant: Given) -> tuple[str, ...]:
        """Return the genes that a variant touches: a base that it changes, or one beside an insertion, lies in a transcript."""
        chrom, first, ref, _ = variant
        last = first + 1 if ref == "-" else first + len(ref) - 1
        edges = self._edges.get(chrom)
        if edges is None:
            return ()
        i = bisect.bisect_right(edges, first) - 1
        sets = self._sets[chrom]
        if last == first or i + 1 == len(edges) or last < edges[i + 1]:
            return sets[i]
        j = bisect.bisect_right(edges, last) - 1
        return tuple(dict.fromkeys(g for genes in sets[i : j + 1] for g in genes))

    def is_coding(self, variant: Given, genes: Iterable[str]) -> bool:
        """Return whether a variant's first base lies in the coding bases of a naming transcript of any of the genes."""
        pos = variant[1]
        for gene in genes:
            model = self.models[gene][0]
            if model.transcript.cds_start <= pos <= model.transcript.cds_end and model.index(pos) is not None:
                return True
        return False

    def agrees(self, variant: Given) -> bool:
        """Return whether a variant can be placed on all genes that it touches; nothing is counted."""
        return all(self._refusal(gene, variant)[0] is None for gene in self.touched(variant))

    def _refusal(self, gene: str, variant: Given) -> tuple[str | None, str]:
        """Return why a variant cannot be placed on a gene, or None, and the bases that stand there."""
        _, pos, ref, alt = variant
        model = self.models[gene][0]
        last = pos + 1 if ref == "-" else pos + len(ref) - 1
        there = model.stretch(pos, last)
        if there == ref and alt in _BASES:
            return None, there
        if pos < model.offset or len(there) < last - pos + 1:
            return BEYOND, there
        if alt.strip("ACGT") not in ("", "-"):
            return NOT_BASES, there
        if ref != "-" and there != ref:
            return (NO_BASES if "N" in there else OTHER_BASE), there
        return None, there

    def place(self, variants: Iterable[Given]) -> list[Placed]:
        """Place variants on the genes that they touch; one that touches none has no entry."""
        return [placed for given in variants for placed in self.place_one(given) or ()]

    def place_one(self, given: Given) -> list[Placed] | None:
        """Place a variant on the genes that it touches: None where it touches none, empty where it cannot be placed (counted)."""
        genes = self.touched(given)
        if not genes:
            return None
        chrom, pos, ref, alt = given
        found: list[Placed] = []
        for gene in genes:
            why, there = self._refusal(gene, given)
            if why is not None:
                here = ""
                if why == OTHER_BASE:
                    self.wrong[given] = there
                    here = f", here {there}"
                else:
                    self.unplaced.add(given)
                self.left_out[why] += 1
                self.examples.setdefault(why, f"{chrom}:{pos} {ref[:30]}>{alt[:30]}{here[:40]}")
                return []
            if ref == "-" or alt == "-":
                found.append(Placed(given, gene, *shift_three_prime(self.models[gene][0], pos, ref, alt)))
            else:
                found.append(Placed(given, gene, pos, ref, alt))
        return found


def likely_cause(wrong: dict[Given, str], models: dict[str, list[Model]]) -> str:
    """Return in words why reference bases may disagree: strand, swapped alleles, positions one off, or another genome.

    Parameters
    ----------
    wrong : dict
        Variant -> what the reference has there.
    models : dict
        Gene -> transcripts with bases.
    """
    at: dict[str, list[Model]] = {}
    for gene in models.values():
        at.setdefault(gene[0].transcript.chrom, []).append(gene[0])

    def bases(chrom: str, pos: int, n: int) -> str:
        return next((text for m in at.get(chrom, ()) if len(text := m.stretch(pos, pos + n - 1)) == n and pos >= m.offset), "")

    fits = {
        "are those of the other strand": sum(reverse_complement(ref) == there for (_, _, ref, _), there in wrong.items()),
        "stand as the alternative allele (REF and ALT are swapped)": sum(alt == there for (*_, alt), there in wrong.items()),
        "stand one base to the left (positions that are one too high)": sum(
            bases(chrom, pos - 1, len(ref)) == ref for chrom, pos, ref, _ in wrong
        ),
        "stand one base to the right (positions that count from 0)": sum(
            bases(chrom, pos + 1, len(ref)) == ref for chrom, pos, ref, _ in wrong
        ),
    }
    best = max(fits, key=lambda words: fits[words])
    if fits[best] >= MOST * len(wrong):
        return f"Of {len(wrong)} that disagree, the bases of {fits[best]} {best}"
    return (
        "The bases fit neither the other strand, nor swapped alleles, nor positions one off: "
        "the calls are most likely of another build or genome"
    )
