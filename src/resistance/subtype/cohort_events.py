"""Calls, effects, copy number, fusions and coverage of a cohort -> coded events per sample, by ``resources/subtypes/events.tsv``.

An event is 0 only where an assay of the sample looked: a gene that no assay covers, or a region
without copy number, is NaN.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from resistance.consequences import PROTEIN_CHANGING
from resistance.errors import InputError, KnowledgeError
from resistance.resources import resource_path
from resistance.rules import Rule, Term, parse_rule
from resistance.subtype.event_names import event_name
from resistance.subtype.events import Events
from resistance.variant import NOT_CALLED

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.cohort import Cohort

TABLE = "subtypes/events.tsv"
KINDS = ("mutation", "fusion", "copy_number")
#: structural events that bring two genes together
JOINING = ("fusion", "translocation", "inversion")
#: words of a rule about a mutation that can be asked of a call here
_ASKED = frozenset({"nonsilent", *PROTEIN_CHANGING, "residue", "residue_range", "change", "domain"})
_SYNONYMOUS, _STRONG, _STRUCTURAL = 1.0, 2.0, 3.0


@dataclass(frozen=True)
class EventRule:
    """One row of the table: what makes an event present.

    Parameters
    ----------
    event, kind : str
    genes : tuple of str
        Any of them (mutation, fusion); those that stand for the region (copy number).
    rule : Rule
        In the vocabulary of the markers: mutation (nonsilent, truncating, change:L265P ...), fusion or
        fusion:IGH, gain or loss.
    but_not : Rule or None
        Calls that meet this do not count.
    share : float
        Copy number: least share of the known genes with the change.
    least_known : int
        Copy number: genes that must be known.
    """

    event: str
    kind: str
    genes: tuple[str, ...]
    rule: Rule
    but_not: Rule | None
    share: float
    least_known: int


def read_event_rules(path: Path) -> tuple[EventRule, ...]:
    """Read a table of events.

    Raises
    ------
    KnowledgeError
        A column or source is missing, an event stands twice or is not in this package's spelling, or a rule does not parse or
        does not fit its kind; the row is named.
    """
    needed = ("event", "kind", "genes", "rule", "except", "share", "least_known", "source", "verified")
    out: list[EventRule] = []
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines, delimiter="\t")
        lost = [name for name in needed if name not in (reader.fieldnames or ())]
        if lost:
            raise KnowledgeError(f"{path}: the columns {', '.join(lost)} are missing")
        for line, row in enumerate(reader, start=2):
            try:
                out.append(_rule(row))
            except (InputError, ValueError) as error:
                raise KnowledgeError(f"{path}: row {line}: {error}") from error
    names = [rule.event for rule in out]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise KnowledgeError(f"{path}: the event {twice} stands twice")
    return tuple(out)


def _rule(row: dict[str, str]) -> EventRule:
    if row["kind"] not in KINDS:
        raise ValueError(f"the kind '{row['kind']}' is none of {', '.join(KINDS)}")
    if event_name(row["event"]) != row["event"]:
        raise ValueError(f"the event '{row['event']}' is written {event_name(row['event'])} here")
    if row["source"] in ("", "NA") or row["verified"] not in ("true", "false"):
        raise ValueError("a source and verified (true or false) are needed")
    rule = parse_rule(row["rule"])
    but_not = None if row["except"] == "NA" else parse_rule(row["except"])
    for one in (rule, *(() if but_not is None else (but_not,))):
        if row["kind"] not in one.kinds:
            raise ValueError(f"the rule '{one.text}' is not about {row['kind']}")
        if row["kind"] == "mutation" and not {term.name for term in one.terms} <= _ASKED:
            raise ValueError(f"the rule '{one.text}' cannot be asked of one call")
        if row["kind"] == "copy_number" and not one.is_single("gain", "loss"):
            raise ValueError(f"the rule '{one.text}' is neither gain nor loss")
    genes = () if row["genes"] == "NA" else tuple(row["genes"].split(";"))
    if row["kind"] != "copy_number":
        if not genes:
            raise ValueError("genes are needed")
        return EventRule(row["event"], row["kind"], genes, rule, but_not, 1.0, 1)
    share, least = float(row["share"]), int(row["least_known"])
    if not 0 < share <= 1 or least < 1:
        raise ValueError("share is above 0 up to 1, least_known at least 1")
    return EventRule(row["event"], row["kind"], genes, rule, None, share, least)


@functools.cache
def load_event_rules() -> tuple[EventRule, ...]:
    """Return the packaged events."""
    return read_event_rules(resource_path(TABLE))


def events_of_cohort(cohort: Cohort, rules: tuple[EventRule, ...] | None = None) -> Events:
    """Code the events of every sample that is not germline.

    Parameters
    ----------
    cohort : Cohort
        With the effects of the annotation.
    rules : tuple of EventRule, optional
        Default: the packaged ones.

    Returns
    -------
    Events
        Mutation 2, synonymous only 1; joining structural event 3; copy number 1 or 2 (deep, amplified).
        NaN where nobody looked.  A finding in a gene that is not declared as covered counts as seen.
    """
    import pandas as pd

    asked = load_event_rules() if rules is None else rules
    samples = [str(x) for x in cohort.samples.loc[cohort.samples["material"] != "germline", "sample_id"]]
    calls = {str(gene): part for gene, part in _calls(cohort).groupby("gene", sort=False)}
    covered = {kind: _covered(cohort, kind, samples) for kind in ("mutation", "fusion")}
    state = cohort.copy_number.set_index(["sample_id", "gene"])["state"].unstack("gene").reindex(samples).astype("float64")  # noqa: PD010
    regions = {event_name(str(name)): str(name) for name in state.columns if ":" in event_name(str(name))}
    columns: dict[str, NDArray[np.float64]] = {}
    for rule in asked:
        if rule.kind == "mutation":
            values = np.where(covered["mutation"](rule.genes), 0.0, np.nan)
            values = _highest(values, _mutated(rule, calls, samples))
        elif rule.kind == "fusion":
            values = np.where(covered["fusion"](rule.genes), 0.0, np.nan)
            values = _highest(values, _joined(rule, cohort.fusions, samples))
        else:
            values = _copies(rule, state)
            region = rule.event.partition(":")[0]
            if region in state.columns:  # segments tell how much of it is changed, genes or not
                values = _direct(values, state[region], rule)
            if rule.event in regions:  # a karyotype or a caller of arms says it directly
                values = _direct(values, state[regions[rule.event]], rule)
        columns[rule.event] = values
    return Events(pd.DataFrame(columns, index=samples, dtype=np.float64), {}, "the cohort's calls")


def _calls(cohort: Cohort) -> pd.DataFrame:
    calls = cohort.calls
    seen = (calls["alt_count"].isna() | (calls["alt_count"] > 0)) & (calls["filter"] != NOT_CALLED).fillna(True)
    key = ["build", "chrom", "pos", "ref", "alt"]
    told = ["gene", "effect_class", "hgvsp", "residue", "domain", "aliases"]
    effects = cohort.effects[[*key, *told]].drop_duplicates()
    return calls.loc[seen.astype(bool), ["sample_id", *key]].merge(effects, on=key, how="inner")


class _Rows:
    """Positions of samples, for writing into columns."""

    def __init__(self, samples: list[str]) -> None:
        self.of = {name: i for i, name in enumerate(samples)}

    def where(self, names: pd.Series) -> NDArray[np.intp]:
        return np.asarray([self.of[name] for name in names.astype(str) if name in self.of], dtype=np.intp)


def _covered(cohort: Cohort, kind: str, samples: list[str]) -> Callable[[tuple[str, ...]], NDArray[np.bool_]]:
    """Return a function: genes -> which samples have an assay of this kind that covers all of them."""
    rows = _Rows(samples)
    table = cohort.coverage[cohort.coverage["kind"] == kind]
    by_gene = {str(gene): rows.where(part) for gene, part in table.groupby("gene")["sample_id"]}

    def of(genes: tuple[str, ...]) -> NDArray[np.bool_]:
        out = np.ones(len(samples), dtype=bool)
        for gene in genes:
            here = np.zeros(len(samples), dtype=bool)
            for name in (gene, "*"):
                here[by_gene.get(name, np.zeros(0, dtype=np.intp))] = True
            out &= here
        return out

    return of


def _highest(values: NDArray[np.float64], found: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(found > 0, np.fmax(values, found), values)


def _mutated(rule: EventRule, calls: Mapping[str, pd.DataFrame], samples: list[str]) -> NDArray[np.float64]:
    import pandas as pd

    out = np.zeros(len(samples))
    parts = [calls[gene] for gene in rule.genes if gene in calls]
    if not parts:
        return out
    here = parts[0] if len(parts) == 1 else pd.concat(parts)
    hit = _meets(rule.rule, here)
    silent = (here["effect_class"] == "synonymous").to_numpy(dtype=bool)
    if rule.but_not is not None:
        excluded = _meets(rule.but_not, here)
        hit &= ~excluded
        silent &= ~excluded
    if not any(term.name == "nonsilent" for term in rule.rule.terms):
        silent[:] = False  # a synonymous change is a weak form of 'any mutation' only
    rows = _Rows(samples)
    out[rows.where(here["sample_id"][silent])] = _SYNONYMOUS
    out[rows.where(here["sample_id"][hit])] = _STRONG
    return out


def _meets(rule: Rule, calls: pd.DataFrame) -> NDArray[np.bool_]:
    out = np.zeros(len(calls), dtype=bool)
    for alternative in rule.alternatives:
        out |= np.logical_and.reduce([_term(term, calls) for term in alternative])
    return out


def _term(term: Term, calls: pd.DataFrame) -> NDArray[np.bool_]:
    if term.name == "nonsilent":
        return np.asarray(calls["effect_class"].isin(PROTEIN_CHANGING), dtype=bool)
    if term.name == "change":
        alias = calls["aliases"].map(lambda x: any(one.partition("@")[0] == term.word for one in str(x).split(";")))
        return np.asarray((calls["hgvsp"] == term.word).fillna(False) | alias.astype(bool), dtype=bool)
    if term.name in ("residue", "residue_range"):
        inside = calls["residue"].between(term.first or 0, term.last or 0).fillna(False)
        if term.name == "residue":  # another transcript numbers differently: the amino acid must fit
            inside &= calls["hgvsp"].isna() | calls["hgvsp"].str.startswith(term.word or "").fillna(False)
        return np.asarray(inside, dtype=bool)
    if term.name == "domain":
        return np.asarray(calls["domain"].map(lambda x: term.word in str(x).split(";")), dtype=bool)
    return np.asarray(calls["effect_class"] == term.name, dtype=bool)


def _joined(rule: EventRule, fusions: pd.DataFrame, samples: list[str]) -> NDArray[np.float64]:
    out = np.zeros(len(samples))
    first, second = fusions["gene_1"].isin(list(rule.genes)), fusions["gene_2"].isin(list(rule.genes))
    partner = rule.rule.terms[0].word
    touches = first | second
    if partner is not None:
        touches = (first & (fusions["gene_2"] == partner)) | (second & (fusions["gene_1"] == partner))
    hit = (touches & fusions["kind"].isin(JOINING)).fillna(False).to_numpy(dtype=bool)
    out[_Rows(samples).where(fusions["sample_id"][hit])] = _STRUCTURAL
    return out


def _copies(rule: EventRule, state: pd.DataFrame) -> NDArray[np.float64]:
    genes = [gene for gene in rule.genes if gene in state.columns]
    sign = 1.0 if rule.rule.is_single("gain") else -1.0
    values = sign * state[genes].to_numpy(dtype=np.float64)
    known = (~np.isnan(values)).sum(axis=1)
    out = np.full(len(state), np.nan)
    enough = known >= rule.least_known
    for level in (0.0, 1.0, 2.0):
        share = (values >= level).sum(axis=1) / np.maximum(known, 1) if level else np.ones(len(state))
        out[enough & (share >= rule.share)] = level
    return out


def _direct(values: NDArray[np.float64], state: pd.Series, rule: EventRule) -> NDArray[np.float64]:
    sign = 1.0 if rule.rule.is_single("gain") else -1.0
    told = np.clip(sign * state.to_numpy(dtype=np.float64), 0.0, 2.0)
    return np.where(np.isnan(told), values, told)
