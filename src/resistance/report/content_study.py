"""Cohort and endpoints -> who was studied: the facts, the cohort in one sentence, the flow of patients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.report.words import enumerated, months, number, percent, plural

if TYPE_CHECKING:
    import pandas as pd

    from resistance.config import CohortFile
    from resistance.report.tables_in import StageTables


def arms(tables: StageTables) -> dict[str, Any]:
    """Return whether patients had an IMiD: counts, and what the study can therefore say.

    ``predictive`` is true only where both arms exist and an interaction was estimated; the report
    uses the word nowhere else.
    """
    imid = tables.cohort.patients["imid"]
    declared = tables.cohort.facts.get("imid")
    n_yes, n_no = int((imid == True).fillna(False).sum()), int((imid == False).fillna(False).sum())  # noqa: E712
    if declared is not None and imid.isna().all():
        n_yes, n_no = (len(imid), 0) if declared else (0, len(imid))
    asked = tables.results[tables.results["model"] == "interaction"]
    answered = int((asked["p_value"].notna() & asked["converged"].fillna(False).astype(bool)).sum())
    both = n_yes > 0 and n_no > 0
    if both and answered:
        says = (
            f"Both arms are here ({n_yes:,} with an IMiD, {n_no:,} without) and {plural(answered, 'marker x treatment interaction')} "
            "could be estimated: only those rows speak about a predictive effect, all others about prognosis."
        )
    elif both:
        says = (
            f"Both arms are here ({n_yes:,} with an IMiD, {n_no:,} without), but no marker x treatment interaction was tested: "
            "associations are prognostic and cannot inform on IMiD."
        )
    elif n_no and not n_yes:
        says = "No patient had an IMiD: prognostic only; cannot inform on IMiD."
    elif n_yes:
        says = (
            "Every patient with known treatment had an IMiD and there is no control arm: these data cannot tell an effect of the "
            "drug from the course of the disease."
        )
    else:
        says = "Whether patients had an IMiD is not known: nothing here informs on IMiD."
    return {
        "imid": n_yes,
        "no_imid": n_no,
        "unknown": len(imid) - n_yes - n_no,
        "interactions_estimated": answered,
        "predictive": both and answered > 0,
        "says": says,
    }


def endpoint_rows(config: CohortFile, tables: StageTables, name: str) -> pd.DataFrame:
    """Return the rows of one endpoint that count (no reason for exclusion), sorted by patient.

    A competing event is 1 here where the cohort file counts it as the event, as in the models.
    """
    rows = tables.cohort.endpoints
    rows = rows[(rows["endpoint"] == name) & rows["excluded"].isna()].sort_values("patient_id").reset_index(drop=True)
    survival = config.endpoints[name].survival
    if survival is not None and survival.competing_as == "event":
        rows["event"] = rows["event"].mask(rows["event"] > 1, 1)
    return rows


def response_endpoint(config: CohortFile) -> str | None:
    """Return the endpoint of table 1: as configured, else the primary, else the first that has categories."""
    if config.report.response is not None:
        return config.report.response
    kinds = ("binary", "ordinal")
    named = [config.analysis.primary] if config.analysis.primary else []
    for name in [*named, *config.endpoints]:
        if name is not None and config.endpoints[name].kind in kinds:
            return name
    return None


def groups(config: CohortFile, tables: StageTables) -> tuple[list[str], dict[str, str]]:
    """Return the response groups, best first, and each patient's group.

    Patients whose response is not known are ``Not evaluable``.  Without such an endpoint there are
    no groups.
    """
    name = response_endpoint(config)
    patients = tables.cohort.patients["patient_id"].tolist()
    if name is None or config.endpoints[name].kind not in ("binary", "ordinal"):
        return [], {}
    rows = endpoint_rows(config, tables, name)
    found: dict[str, str] = {}
    if config.endpoints[name].kind == "binary":
        names = ["Responder", "Non-responder"]
        for patient, value in zip(rows["patient_id"], rows["value"], strict=True):
            found[patient] = names[0] if value == 1 else names[1]
    else:
        names = [str(level) for level in reversed(config.endpoints[name].levels)]
        for patient, label in zip(rows["patient_id"], rows["label"], strict=True):
            found[patient] = str(label)
    rest = {patient: found.get(patient, "Not evaluable") for patient in patients}
    used = [x for x in [*names, "Not evaluable"] if x in set(rest.values())]
    return used, rest


def endpoint_summary(config: CohortFile, tables: StageTables) -> list[dict[str, Any]]:
    """Return per endpoint how many patients count, how many are left out and why, and the events."""
    out = []
    for name, endpoint in config.endpoints.items():
        rows = tables.cohort.endpoints[tables.cohort.endpoints["endpoint"] == name]
        counted = rows[rows["excluded"].isna()]
        reasons = rows["excluded"].dropna().value_counts()
        left_out = sorted(
            ({"reason": str(k), "n": int(v)} for k, v in reasons.items()), key=lambda r: (-int(str(r["n"])), str(r["reason"]))
        )
        silent = len(tables.cohort.patients) - len(rows)
        if silent > 0:
            left_out.append({"reason": "no row in the endpoints table", "n": silent})
        entry: dict[str, Any] = {
            "endpoint": name,
            "label": endpoint.label,
            "kind": endpoint.kind,
            "origin": endpoint.origin if endpoint.kind == "time_to_event" else None,
            "primary": name == config.analysis.primary,
            "n": len(counted),
            "left_out": left_out,
            "events": None,
            "follow_up_days": None,
        }
        if endpoint.kind == "time_to_event" and len(counted):
            from resistance.report.curves import median_follow_up

            entry["events"] = int((endpoint_rows(config, tables, name)["event"] == 1).sum())
            entry["competing"] = int((counted["event"] > 1).sum())
            entry["follow_up_days"] = median_follow_up(counted)
        elif endpoint.kind == "binary":
            entry["events"] = int((counted["value"] == 1).sum())
        out.append(entry)
    return out


def flow(config: CohortFile, tables: StageTables, endpoints: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the flow of patients: steps with exclusions, then what was known of those analysed."""
    steps = []
    for step in tables.cohort.facts.get("flow", []):
        text, out = str(step["step"]), str(step["step"]).startswith("left out: ")
        steps.append({"step": text.removeprefix("left out: "), "n": int(step["n"]), "left_out": out})
    cohort = tables.cohort
    sampled = cohort.samples.merge(cohort.patients[["patient_id"]], on="patient_id")
    assays = []
    covered = cohort.coverage.merge(sampled[["sample_id", "patient_id"]], on="sample_id")
    for kind in sorted(covered["kind"].dropna().unique()):
        assays.append(
            {"what": f"{kind.replace('_', ' ')} assessed", "n": int(covered.loc[covered["kind"] == kind, "patient_id"].nunique())}
        )
    plasma = sampled[sampled["material"] == "plasma"]
    if len(plasma):
        serial = plasma["patient_id"].value_counts()
        assays.append({"what": "two or more plasma samples", "n": int((serial >= 2).sum())})
    return {
        "steps": steps,
        "patients": len(cohort.patients),
        "samples": len(cohort.samples),
        "sampled_patients": int(sampled["patient_id"].nunique()),
        "assays": assays,
        "endpoints": endpoints,
    }


def sentence(config: CohortFile, tables: StageTables, endpoints: list[dict[str, Any]]) -> str:
    """Return the cohort in one sentence, from what is known of it."""
    patients = tables.cohort.patients
    disease = patients["disease"].dropna().unique()
    parts = [plural(len(patients), "patient")]
    if len(disease) == 1 and disease[0] != "any":
        parts[0] += f" with {disease[0]}"
    who = []
    if patients["age_years"].notna().any():
        who.append(f"median age {number(float(patients['age_years'].median()))} years")
    if patients["sex"].notna().any():
        known = patients["sex"].dropna()
        who.append(f"{percent(float((known == 'female').mean()))} women")
    if who:
        parts[0] += f" ({', '.join(who)})"
    treatments = patients["treatment"].dropna().value_counts()
    if len(treatments) == 1:
        parts.append(f"treated with {treatments.index[0]}")
    elif 1 < len(treatments) <= 4:
        listed = sorted(treatments.items(), key=lambda item: (-int(item[1]), str(item[0])))
        parts.append("treated with " + enumerated(f"{name} ({int(n):,})" for name, n in listed))
    elif len(treatments):
        parts.append(f"on {len(treatments):,} regimens")
    shown = [x for x in endpoints if x["endpoint"] == response_endpoint(config) and x["kind"] == "binary" and x["n"]]
    for x in shown:
        parts.append(f"{x['events']:,} of {x['n']:,} evaluable ({percent(x['events'] / x['n'])}) responded")
    timed = [x for x in endpoints if x["kind"] == "time_to_event" and x["n"]]
    timed.sort(key=lambda x: not x["primary"])
    if timed:
        x = timed[0]
        follow = "" if x["follow_up_days"] is None else f", median follow-up {months(x['follow_up_days'])} months"
        parts.append(f"{plural(x['events'], 'event')} in {x['n']:,} for {x['label'][:1].lower() + x['label'][1:]}{follow}")
    return "; ".join(parts) + "."
