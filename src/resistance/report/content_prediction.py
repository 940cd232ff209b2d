"""Tables of the trained models -> what the report says of each: performance, gain over the clinic, control, calibration, facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from resistance.config import CohortFile
    from resistance.report.tables_in import StageTables

MODELS = {
    "clinical": "Clinical only",
    "molecular": "Molecular only",
    "both": "Clinical and molecular",
    "boosting": "Boosted trees (comparator)",
}
#: columns of the final model that stand in the page; all stand in tables/prediction_selection.tsv
MOST_COLUMNS = 20
_METRICS = {"auc": "AUC", "c": "C"}


def prediction(config: CohortFile, tables: StageTables) -> list[dict[str, Any]]:
    """Return one entry per prediction model of the cohort file; none where it asks for none."""
    if not config.prediction:
        return []
    told = {facts["settings"]["name"]: facts for facts in tables.training["predictions"]}
    return [_one(asked.name, told[asked.name], config, tables) for asked in config.prediction]


def _one(name: str, facts: dict[str, Any], config: CohortFile, tables: StageTables) -> dict[str, Any]:
    mine = {key: frame[frame["prediction"] == name] for key, frame in tables.trained.items()}
    performance = mine["performance"]
    models = [model for model in MODELS if (performance["model"] == model).any()]
    fullest = "both" if "both" in models else "molecular"
    target = facts["endpoint"]["targets"][-1] if facts["endpoint"]["targets"] else ""
    rows = [_model(model, performance) for model in models]
    return {
        "name": name,
        "endpoint": facts["endpoint"]["label"],
        "kind": facts["endpoint"]["kind"],
        "origin": facts["endpoint"]["origin"],
        "target": target,
        "population": facts["population"],
        "refused": facts["refused"] or None,
        "patients": facts["patients"],
        "events": facts["events"],
        "events_per_column": facts["events_per_column"],
        "per_column": per_column(facts["endpoint"]["kind"]),
        "complete_patients": facts["complete_patients"],
        "left_out": facts["left_out"],
        "without_endpoint": facts["without_endpoint"],
        "notes": facts["notes"],
        "models": rows,
        "gain": _gain_sentence(rows, fullest),
        "fullest": MODELS[fullest],
        "columns": _columns(mine["selection"], fullest),
        "more_columns": max(0, int((mine["selection"]["model"] == fullest).sum()) - MOST_COLUMNS),
        "imputed": _imputed(mine["selection"], fullest),
        "stability": _stability(mine["selection"], fullest),
        "calibration": [
            {"model": MODELS[str(r["model"])], **{k: r[k] for k in ("predicted", "observed", "ci_low", "ci_high", "n")}}
            for r in _plain(mine["calibration"], target, ("clinical", fullest))
            if r["curve"] == "group"
        ],
        "decision": [
            {"model": MODELS[str(r["model"])], **{k: r[k] for k in ("threshold", "net_benefit", "treat_all")}}
            for r in _plain(mine["decision_curve"], target, ("clinical", fullest))
        ],
        "checklist": _checklist(facts, config, tables.training),
        "file": f"train/models/{name}.json",
    }


def _plain(frame: pd.DataFrame, target: str, models: tuple[str, ...]) -> list[dict[str, Any]]:
    rows = frame[(frame["target"] == target) & frame["model"].isin(models)].astype("object")
    return [dict(r) for r in rows.where(rows.notna(), None).to_dict("records")]


def _model(model: str, performance: pd.DataFrame) -> dict[str, Any]:
    mine = performance[performance["model"] == model]
    plain = mine.astype("object").where(mine.notna(), None).to_dict("records")
    rows = {(r["metric"], r["judged"]): r for r in plain}
    metric = next((key for key in _METRICS if (key, "cross_validated") in rows), "auc")

    def number(key: str, judged: str = "cross_validated") -> dict[str, Any]:
        row = rows.get((key, judged))
        if row is None:
            return {"estimate": None, "low": None, "high": None, "p_value": None, "note": None}
        return {
            "estimate": row["estimate"],
            "low": row["ci_low"],
            "high": row["ci_high"],
            "p_value": row["p_value"],
            "note": row["note"],
        }

    return {
        "model": model,
        "label": MODELS[model],
        "metric": _METRICS[metric],
        "columns": int(plain[0]["columns"]),
        "discrimination": number(metric),
        "apparent": number(metric, "apparent"),
        "corrected": number(metric, "optimism_corrected"),
        "plus_632": number(metric, "plus_632"),
        "ratio": number("observed_expected"),
        "horizon_slope": number("horizon_slope"),
        "permuted": number(metric, "permuted_labels"),
        "brier": number("brier"),
        "brier_null": number("brier_null"),
        "slope": number("calibration_slope"),
        "gain": number(f"gain_{metric}"),
        "gain_brier": number("gain_brier"),
    }


def _gain_sentence(rows: list[dict[str, Any]], fullest: str) -> str:
    """Return in words whether the markers add to the clinic."""
    mine = next((r for r in rows if r["model"] == fullest), None)
    if mine is None:
        return ""
    gain = mine["gain"]
    if fullest != "both":
        return "No clinical baseline was given, so it is not known whether the markers add to what the clinic knows."
    if gain["estimate"] is None:
        return "The gain over the clinical model cannot be estimated."
    if gain["low"] is None or gain["high"] is None:
        return f"Gain in {mine['metric']} over the clinical model: {gain['estimate']:+.3f}, without an interval."
    start = (
        f"Gain in {mine['metric']} over the clinical model: {gain['estimate']:+.3f} (95 % interval {gain['low']:+.3f} to "
        f"{gain['high']:+.3f})"
    )
    if gain["low"] <= 0 <= gain["high"]:
        return f"{start}. The interval holds 0: that the markers add to the clinic is not shown."
    if gain["high"] < 0:
        return f"{start}: with the markers it predicts worse than without."
    return f"{start}. The interval leaves out 0; it holds the predictions fixed and says nothing of other cohorts."


def _columns(selection: pd.DataFrame, model: str) -> list[dict[str, Any]]:
    mine = selection[selection["model"] == model]
    order = (mine["frequency"].fillna(-1) * -1).to_frame("f").assign(c=-mine["coefficient"].abs().fillna(0), n=mine["feature"])
    mine = mine.loc[order.sort_values(["f", "c", "n"], kind="stable").index].head(MOST_COLUMNS).astype("object")
    keys = ["feature", "coding", "known", "imputed", "coefficient", "frequency", "selected"]
    return [dict(r) for r in mine[keys].where(mine[keys].notna(), None).to_dict("records")]


def _imputed(selection: pd.DataFrame, model: str) -> dict[str, int]:
    mine = selection[selection["model"] == model]
    return {
        "columns": int((mine["imputed"] > 0).sum()),
        "values": int(mine["imputed"].sum()),
        "of": int((mine["imputed"] + mine["known"]).sum()),
    }


def _stability(selection: pd.DataFrame, model: str) -> dict[str, Any] | None:
    mine = selection[(selection["model"] == model) & selection["frequency"].notna()]
    if mine.empty:
        return None
    first = mine.iloc[0]
    return {
        "selected": [str(x) for x in mine.loc[mine["selected"].fillna(False).astype(bool), "feature"]],
        "cutoff": first["cutoff"],
        "pfer": first["pfer_bound"],
        "pfer_plain": first["pfer_bound_plain"],
    }


def per_column(kind: str) -> str:
    """Return what is counted per column: of a yes or no the rarer answer limits a model, not the yes."""
    return "events per column" if kind == "time_to_event" else "patients of the rarer outcome per column"


def _checklist(facts: dict[str, Any], config: CohortFile, training: dict[str, Any]) -> list[dict[str, str]]:
    """Return what a reporting checklist of prediction models (TRIPOD+AI) asks for, as far as the data know it."""
    asked = facts["settings"]
    measured = f"{asked['repeats']} x {asked['folds']}-fold cross-validation, all steps inside; the penalty by {asked['inner_folds']} folds within"
    rows = {
        "Source of data": config.study.citation or config.study.title,
        "Participants": f"{facts['population']}: {facts['patients']} patients with the endpoint",
        "Outcome": f"{facts['endpoint']['label']}, from {facts['endpoint']['origin']}; {facts['events']} events",
        "Predictors": f"{len(facts['columns'])} columns, {len(facts['left_out'])} left out before the outcome was looked at",
        "Sample size": f"{facts['events_per_column']} {per_column(facts['endpoint']['kind'])}"
        if facts["events_per_column"] is not None
        else "no column",
        "Missing data": f"{facts['complete_patients']} of {facts['patients']} patients have every column. {facts['missing']}",
        "Model": f"elastic net, alpha {asked['alpha']:g}; clinical columns without penalty",
        "Internal validation": measured,
        "Control": f"{asked['permutations']} permutations of the outcome; {asked['bootstraps']} bootstrap samples for optimism",
        "External validation": "none: not validated in another cohort",
        "Full model": f"train/models/{asked['name']}.json",
        "Seed and digest": f"{training['seed']}; {training['digest']}",
    }
    return [{"item": item, "value": value} for item, value in rows.items()]
