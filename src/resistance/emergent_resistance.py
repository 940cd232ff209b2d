"""Emergence, evidence and treatments -> emergent variants that statements of the knowledge base speak about, and what was given before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.consequences import PROTEIN_CHANGING
from resistance.hgvs import changed_residues, class_of_change
from resistance.knowledge_tables import drugs_of, load_drugs
from resistance.rules import Rule, Term, parse_rule
from resistance.schemas import EMERGENT_RESISTANCE
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort

_PLACE = ["patient_id", "sample_id", "gene", "chrom", "pos", "ref", "alt"]
_OF_STATEMENT = ["marker_id", "label", "direction", "disease", "drug", "evidence_grade", "verified", "source"]
#: words of the column 'drug' that mean any IMiD, or any drug at all
_CLASS, _ANY = "class", "any"
#: order of the evidence grades
_GRADES = "ABCDEM"


def find_emergent_resistance(
    cohort: Cohort, emergence: pd.DataFrame, evidence: pd.DataFrame, markers: pd.DataFrame
) -> pd.DataFrame:
    """List the emergent variants, and those that rose beyond the tumour, that meet a statement of the knowledge base.

    A variant that grew as the patient's other variants did (or where there was no level to compare with) is not
    listed: a growing tumour is no selection.

    Parameters
    ----------
    cohort : Cohort
        Its treatments, and the regimen of the patients, say what was given before the later sample.
    emergence, evidence, markers : DataFrame
        Schemas of these names.

    Returns
    -------
    DataFrame
        Schema EMERGENT_RESISTANCE, by patient, time, gene and statement (best grade first).  ``drug_given`` is NA
        where neither treatments nor a regimen nor the study says what was given.

    Notes
    -----
    Calls meet a statement where they are its evidence in that very sample.  Variants of a paired table have no
    position: their gene, protein change and class are compared with the rule; rules of domains, of alleles and
    of two hits are left open for them.  Both kinds also meet the statement ``ctdna:emergent`` of their gene.
    """
    import pandas as pd

    grown = (emergence["change"] == "expanding") & (emergence["selection"] == "selected").fillna(False)
    moved = emergence[((emergence["change"] == "emergent") | grown) & emergence["gene"].notna()]
    if moved.empty:
        return empty(EMERGENT_RESISTANCE)
    placed = moved["pos"].notna()
    by_call = evidence[evidence["pos"].notna()][[*_PLACE, "marker_id"]].drop_duplicates()
    found = [moved[placed].merge(by_call, on=_PLACE), _new_in_gene(moved, markers), _named(moved[~placed], markers)]
    columns = [*moved.columns, "marker_id"]
    hits = pd.concat([part[columns] for part in found if len(part)] or [moved.iloc[:0].assign(marker_id=None)], ignore_index=True)
    if hits.empty:
        return empty(EMERGENT_RESISTANCE)
    hits = hits.merge(markers[_OF_STATEMENT], on="marker_id").drop_duplicates([*_PLACE, "hgvsp", "marker_id"])
    hits["q_value"] = hits["q_emergent"].where(hits["change"] == "emergent", hits["q_value"])
    given = _Given(cohort)
    known = [given.before(row["patient_id"], row["day"], row["drug"]) for row in hits.to_dict("records")]
    hits["drug_given"] = pd.array([flag for flag, _ in known], dtype="boolean")
    hits["given"] = pd.array([words for _, words in known], dtype="object")
    hits["_grade"] = hits["evidence_grade"].map({grade: i for i, grade in enumerate(_GRADES)})
    hits = hits.sort_values(["patient_id", "day", "sample_id", "gene", "pos", "hgvsp", "_grade", "marker_id"], kind="stable")
    return conform(hits[[name for name in EMERGENT_RESISTANCE.names if name in hits]], EMERGENT_RESISTANCE)


def _new_in_gene(moved: pd.DataFrame, markers: pd.DataFrame) -> pd.DataFrame:
    """Return the emergent variants with the statements that ask for any emergent variant of their gene."""
    asked = markers[(markers["rule"] == "ctdna:emergent") & markers["genes"].notna()]
    asked = asked.assign(gene=asked["genes"].str.split(";")).explode("gene")
    asked = asked.assign(gene=asked["gene"].str.strip())
    return moved[moved["change"] == "emergent"].merge(asked[["gene", "marker_id"]], on="gene")


def _named(moved: pd.DataFrame, markers: pd.DataFrame) -> pd.DataFrame:
    """Return the variants without a position with the statements whose rule their protein change meets."""
    import pandas as pd

    asked = markers[(markers["evidence_kind"] == "mutation") & markers["genes"].notna()]
    rows = []
    for statement in asked[["marker_id", "genes", "rule"]].astype("object").to_dict("records"):
        rule = parse_rule(statement["rule"])
        genes = {gene.strip() for gene in statement["genes"].split(";")}
        for row in moved[moved["gene"].isin(genes)].to_dict("records"):
            if _meets(rule, row["hgvsp"]):
                rows.append({**row, "marker_id": statement["marker_id"]})
    return pd.DataFrame(rows, columns=[*moved.columns, "marker_id"])


def _meets(rule: Rule, change: Any) -> bool:
    """Say whether a protein change meets a rule, of what it alone can tell."""
    if not isinstance(change, str):
        return False
    return any(all(_fits(term, change) for term in alternative) for alternative in rule.alternatives)


def _fits(term: Term, change: str) -> bool:
    found = class_of_change(change)
    if term.name == "any":
        return True
    if term.name == "nonsilent":
        return found in PROTEIN_CHANGING
    if term.name == "change":
        return change == term.word
    if term.name in ("residue", "residue_range"):
        residues = changed_residues(change)
        if residues is None or not (term.first or 0) <= residues[0] <= (term.last or 0):
            return False
        return found in PROTEIN_CHANGING and (term.name == "residue_range" or change[0] == term.word)
    return found == term.name


class _Given:
    """What each patient was given, and when."""

    def __init__(self, cohort: Cohort) -> None:
        self._study = cohort.facts.get("imid")
        self._lines = {str(name): rows for name, rows in cohort.treatments.groupby("patient_id")}
        self._patients = cohort.patients.set_index("patient_id").to_dict("index")
        self._imids = frozenset(name for name, drug in load_drugs().items() if drug.class_ in ("IMiD", "CELMoD"))

    def before(self, patient: str, day: float, drug: Any) -> tuple[bool | None, str | None]:
        """Return whether a drug of the statement was given before that day, and all that was."""
        record = self._patients.get(patient, {})
        regimen, imid = record.get("treatment"), record.get("imid")
        imid = self._study if imid is None or imid is not imid or str(imid) == "<NA>" else bool(imid)
        regimens = [str(regimen)] if isinstance(regimen, str) else []
        lines = self._lines.get(patient)
        if lines is not None:
            # a line whose start is not known, or a sample without a day, may be before: it counts as given
            started = ~(lines["start_day"] > day) if day == day else lines["start_day"].notna() | True
            regimens += [str(x) for x in lines.loc[started, "regimen"]]
        drugs = frozenset().union(*(drugs_of(text) for text in regimens)) if regimens else frozenset()
        words = "; ".join(dict.fromkeys(regimens)) or ("an IMiD" if imid else None)
        if not isinstance(drug, str) or drug == _ANY:
            return None, words
        asked = self._imids if drug == _CLASS else {name.strip() for name in drug.split(";")}
        if drugs & asked:
            return True, words
        if imid and not drugs & self._imids:  # some IMiD, nobody says which
            return (True if drug == _CLASS else None), words
        if imid is False or (regimens and all(drugs_of(text) for text in regimens)):
            return False, words
        return None, words
