"""The report's own content -> REMARK (and, with a prediction model, TRIPOD+AI) item by item: where it stands, or for the author.

The items are put in short words of our own.  REMARK: McShane 2005, doi:10.1093/jnci/dji237; explained by Altman 2012,
doi:10.1371/journal.pmed.1001216.  TRIPOD+AI: Collins 2024, doi:10.1136/bmj-2023-078378.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.report.words import plural

if TYPE_CHECKING:
    from resistance.config import CohortFile

#: item, what it asks for, where this report has it (None: only the author knows), key of the detail
_Item = tuple[str, str, str | None, str]

_PLACES = {
    "patients": ("Patients", "report.html#patients"),
    "markers": ("Markers", "report.html#markers"),
    "associations": ("Associations", "report.html#associations"),
    "survival": ("Survival", "report.html#survival"),
    "results": ("All results", "report.html#results"),
    "limits": ("Not assessed", "report.html#limits"),
    "methods": ("Methods", "report.html#methods"),
    "provenance": ("Provenance", "report.html#provenance"),
    "plan": ("Analysis plan", "plan.html"),
}

_REMARK: tuple[_Item, ...] = (
    ("1", "markers, aims, hypotheses stated in advance", "plan", "plan"),
    ("2", "who the patients are: source, stage, who was taken and who not", "patients", "flow"),
    ("3", "treatments, and how they were chosen", "patients", "treatment"),
    ("4", "specimens: kind, keeping, control samples", "patients", "samples"),
    ("5", "assay: protocol, reagents, quality, blinding to outcome", None, ""),
    ("6", "how cases were selected, period, follow-up", "patients", "follow_up"),
    ("7", "every endpoint defined", "methods", "endpoints"),
    ("8", "every variable that was looked at or thought of", "plan", "variables"),
    ("9", "why this many patients; target effect and power", "results", "power"),
    ("10", "statistical methods, selection of variables, assumptions, missing data", "methods", "methods"),
    ("11", "how marker values were used in models; cut-points", "methods", "cuts"),
    ("12", "flow of patients, with numbers and events at each step and in each subgroup", "patients", "flow"),
    ("13", "basic characteristics and the marker, with numbers missing", "patients", "missing"),
    ("14", "marker against the standard prognostic variables", None, ""),
    ("15", "each marker alone with outcome: effect and interval; survival curves", "associations", "crude"),
    ("16", "multivariable analyses: effect and interval of the marker and of every other variable in the model", "associations", "adjusted"),
    ("17", "marker beside the standard variables in one model, whatever their significance", None, "standard"),
    ("18", "further looks: assumptions, sensitivity, internal validation", "results", "checks"),
    ("19", "results against the hypotheses and other studies; limits", None, ""),
    ("20", "meaning for research and the clinic", None, ""),
)  # fmt: skip

_TRIPOD: tuple[_Item, ...] = (
    ("1", "title names the model, the people and the outcome", None, ""),
    ("2", "abstract by the checklist for abstracts", None, ""),
    ("3", "background: purpose, users, known inequalities in care", None, ""),
    ("4", "aims: development, evaluation or both", None, ""),
    ("5", "data: sources, dates, how representative", "patients", "flow"),
    ("6", "setting, who was eligible, treatments", "patients", "treatment"),
    ("7", "preparation and quality checks of the data", "methods", "dropped"),
    ("8", "outcome: definition, time horizon, blinding", "methods", "endpoints"),
    ("9", "predictors: which, when and how measured", "plan", "variables"),
    ("10", "size of the study and why", "results", "power"),
    ("11", "missing data", "methods", "missing"),
    ("12", "how the model was built, tuned, validated; measures of performance", "methods", "prediction"),
    ("13", "imbalance of classes and what was done about it", None, ""),
    ("14", "fairness: what was done and why", None, ""),
    ("15", "what the model gives, and any thresholds", None, ""),
    ("16", "how development and evaluation data differ", None, ""),
    ("17", "ethics and consent", None, ""),
    ("18", "funding, interests, protocol, registration, sharing of data and code", "provenance", "open"),
    ("19", "patients and public involved", None, ""),
    ("20", "flow and characteristics, with events and missing values", "patients", "flow"),
    ("21", "patients and events of each analysis of the model", "results", "numbers"),
    ("22", "the whole model, so that others can predict", None, ""),
    ("23", "performance with intervals, also in subgroups", None, ""),
    ("24", "updating of the model, where done", None, ""),
    ("25", "interpretation, with fairness and earlier studies", None, ""),
    ("26", "limits: sample, missing data, generality", None, ""),
    ("27", "use: poor input, expertise of users, next steps", None, ""),
)
#: items that this report only answers in part; the rest is the author's
_IN_PART = {
    "REMARK": ("1", "2", "3", "4", "6", "9", "13", "16", "18"),
    "TRIPOD+AI": ("5", "6", "8", "9", "10", "12", "18", "20"),
}
_LISTS = (
    ("REMARK", "McShane 2005, doi:10.1093/jnci/dji237; Altman 2012, doi:10.1371/journal.pmed.1001216", _REMARK),
    ("TRIPOD+AI", "Collins 2024, doi:10.1136/bmj-2023-078378", _TRIPOD),
)


def checklists(config: CohortFile, content: dict[str, Any], *, prediction: bool = False) -> list[dict[str, Any]]:
    """Return the reporting checklists, filled in from the content of the report.

    Parameters
    ----------
    config : CohortFile
    content : dict
        ``flow``, ``table_one``, ``results``, ``questions``, ``dropped`` and ``methods`` as the report shows them.
    prediction : bool
        A prediction model was made: TRIPOD+AI too.

    Returns
    -------
    list of dict
        ``name``, ``reference``, ``rows`` (item, asks, state, where, link, detail), ``reported``, ``author``, ``not_done``.  The
        state is 'reported', 'in part, rest for the author', 'for the author' or 'not done here'.
    """
    facts = _facts(config, content)
    out = []
    for name, reference, items in _LISTS if prediction else _LISTS[:1]:
        rows = [_row(name, item, facts) for item in items]
        count = [row["state"] for row in rows]
        author, not_done = count.count("for the author"), count.count("not done here")
        out.append(
            {
                "name": name, "reference": reference, "rows": rows, "author": author, "not_done": not_done,
                "reported": len(rows) - author - not_done,
            }
        )  # fmt: skip
    return out


def _row(name: str, item: _Item, facts: dict[str, str | None]) -> dict[str, Any]:
    number, asks, place, key = item
    detail = facts.get(key, "") if key else ""
    if place is None:
        return {"item": number, "asks": asks, "state": "for the author", "where": None, "link": None, "detail": detail or None}
    where, link = _PLACES[place]
    if detail is None:
        return {"item": number, "asks": asks, "state": "not done here", "where": None, "link": None, "detail": None}
    state = "in part, rest for the author" if number in _IN_PART[name] else "reported"
    return {"item": number, "asks": asks, "state": state, "where": where, "link": link, "detail": detail or None}


def _facts(config: CohortFile, content: dict[str, Any]) -> dict[str, str | None]:
    """Return what this report can say of each thing; None where it was not done."""
    flow, rows, plan = content["flow"], content["results"], config.analysis
    models = {row["model"] for row in rows if row["effect_words"] is not None}
    endpoints = "; ".join(f"{e['label']}: n {e['n']:,}{_events(e)}" for e in flow["endpoints"])
    follow_up = [e for e in flow["endpoints"] if e["follow_up_days"] is not None]
    negatives = sum(bool(row["negative"]) for row in rows)
    named = sum(row["detectable_words"] is not None for row in rows)
    checked = sum(row["assumption_p"] is not None for row in rows)
    missing = (
        "multiple imputation, complete cases beside it"
        if plan.missing == "multiple_imputation"
        else "complete cases, others counted"
    )
    families = content["questions"]["families"]
    cuts = [m.name for m in plan.measures if m.optimal_cut]
    adjusted = sorted(models & {"adjusted", "imputed", "joint", "subdistribution"})
    return {
        "plan": f"{plural(content['questions']['asked'], 'question')} in {plural(len(families), 'family', 'families')}, written before any p-value",
        "flow": f"{plural(flow['patients'], 'patient')} analysed; {endpoints or 'no endpoint'}",
        "treatment": "regimens by patient group in Table 1; how they were chosen is the author's",
        "samples": f"{plural(flow['samples'], 'sample')} of {plural(flow['sampled_patients'], 'patient')} by material; keeping is the author's"
        if flow["samples"]
        else None,
        "follow_up": "median follow-up by reversed Kaplan-Meier; selection and period are the author's" if follow_up else "selection and period are the author's",
        "endpoints": "; ".join(f"{e.label} ({e.kind.replace('_', ' ')})" for e in config.endpoints.values()),
        "variables": f"every marker asked, refused or answered; covariates {', '.join(plan.covariates) or 'none'}",
        "power": f"detectable effect at 80 % power beside {named:,} of {negatives:,} intervals that hold no effect; why this size is the author's",
        "methods": f"methods with references; {missing}; {content['questions']['multiplicity'] or 'multiplicity as in the plan'}",
        "cuts": f"numbers stay continuous; searched cuts with corrected p: {', '.join(cuts)}" if cuts else "no cut was searched for an effect; the rules of the markers stand in the report",
        "missing": f"unknown values counted in Table 1; {missing}",
        "crude": "crude effects with intervals; curves by the plan" if "crude" in models else None,
        "adjusted": f"effects of the markers ({', '.join(adjusted)}); the other variables' effects are the author's" if adjusted else None,
        "standard": "the models adjust for them; their own effects are not tabled" if adjusted else "",
        "checks": f"assumption tested in {plural(checked, 'row')}; least attainable p; {plural(sum(bool(r['flags']) for r in rows), 'row')} flagged",
        "dropped": f"{plural(len(content['dropped']), 'reason')} of loss counted" if content["dropped"] else "nothing was left out",
        "prediction": "section Prediction: nested cross-validation, a clinical baseline beside it, permuted labels",
        "open": "inputs with digests, versions, seed; the rest is the author's",
        "numbers": endpoints or None,
    }  # fmt: skip


def _events(endpoint: dict[str, Any]) -> str:
    return "" if endpoint["events"] is None else f", events {endpoint['events']:,}"
