"""Cohort file and plan -> the methods in words, and the plan as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resistance.report.content_clinic import method_label
from resistance.report.content_results import MODELS, endpoint_label, population_label
from resistance.report.content_scores import gene_sets_in_words
from resistance.report.words import SCALES, enumerated, number, percent, plural, title, variable

if TYPE_CHECKING:
    from resistance.config import CohortFile, Ctdna
    from resistance.report.tables_in import StageTables


def methods(
    config: CohortFile, tables: StageTables, results: list[dict[str, Any]], reference: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return paragraphs (heading, text) that say what was done, only for what was done, and the plan's digest.

    ``reference`` is that of own annotation, as :func:`resistance.provenance.reference_record` gives it.
    """
    plan = config.analysis
    parts: list[dict[str, str]] = [{"heading": "Endpoints", "text": " ".join(_endpoints(config))}]
    if config.variants or config.assays:
        parts.append({"heading": "Variants and what the assays see", "text": " ".join(_variants(config))})
    if config.variants:
        parts.append({"heading": "Annotation", "text": " ".join(_annotation(config, tables, reference))})
    marker = (
        f"A marker is present, absent or not assessed at the time point '{plan.timepoint.replace('_', ' ')}'. A gene that no declared assay "
        "reaches is not assessed, never wild type. "
        + (
            "Patients in whom a marker is not assessed are left out of that marker's models, and counted."
            if plan.not_assessed == "leave_out"
            else "Patients in whom a marker is not assessed count as without it in this study: an assumption."
        )
    )
    parts.append({"heading": "Markers", "text": marker})
    if len(tables.subtypes):
        names = [method_label(m) for m in tables.subtypes["method"].drop_duplicates()]
        used = f" {method_label(config.subtype.use)} stratifies the analysis." if config.subtype.use else ""
        parts.append(
            {
                "heading": "Subtype",
                "text": f"By {enumerated(names)}, side by side; no vote is taken.{used} Rates and agreement carry exact (Clopper-Pearson) "
                "95 % intervals, Cohen's kappa its large-sample interval.",
            }
        )
    if config.subtype.gene_sets:
        parts.append({"heading": "Gene sets", "text": " ".join(gene_sets_in_words(config))})
    if len(tables.quantity):
        parts.append({"heading": "ctDNA", "text": _ctdna(config)})
    parts.append({"heading": "Associations", "text": " ".join(_associations(config, tables, results))})
    parts.append(
        {
            "heading": "Survival curves",
            "text": "Kaplan-Meier with pointwise 95 % intervals (complementary log-log); median follow-up by reversed Kaplan-Meier. "
            "The curves shown follow from the cohort file, not from p-values.",
        }
    )
    if any(e.survival is not None and e.survival.competing_codes for e in config.endpoints.values()):
        parts[-1]["text"] += (
            " Where competing events do not count as the event, the curves are cumulative incidences (Aalen-Johansen, log-log interval; "
            "variance of the counting processes): 1 less Kaplan-Meier would overstate the risk."
        )
    return {
        "paragraphs": parts,
        "plan_sha256": tables.plan_sha256,
        "plan_digest": tables.plan.get("digest"),
        "plan": _plan(config, tables),
        "references": [
            {"method": str(m.get("name")), "reference": str(m.get("reference", ""))}
            for m in tables.plan.get("methods", [])
            if isinstance(m, dict)
        ],
        "questions": len(results),
    }


def _endpoints(config: CohortFile) -> list[str]:
    out = []
    for name, e in config.endpoints.items():
        first = "Primary: " if name == config.analysis.primary else ""
        if e.survival is not None and e.kind == "time_to_event":
            s = e.survival
            text = f"{first}{e.label}, counted from {e.origin}; event codes {_codes(s.event_codes)}, censored {_codes(s.censored_codes)}"
            if s.competing_codes:
                text += f", competing {_codes(s.competing_codes)} (counted as {s.competing_as} in the models)"
            if s.start is not None:
                text += "; patients whose start of treatment is unknown, negative or not before the end of follow-up are left out"
        elif e.kind == "binary":
            text = f"{first}{e.label}: yes is {_codes(e.positive)}, no is {_codes(e.negative)}"
            if e.not_evaluable:
                text += f", not evaluable {_codes(e.not_evaluable)}"
        elif e.kind == "ordinal":
            text = f"{first}{e.label}, from worst to best {_codes(e.levels)}"
        else:
            text = f"{first}{e.label} (continuous)"
        out.append(text + ".")
    return out


def _codes(values: list[Any]) -> str:
    return enumerated(f"'{v}'" for v in values)


def _variants(config: CohortFile) -> list[str]:
    out = []
    for v in config.variants:
        text = f"{v.format.upper()} calls with FILTER {enumerated(v.keep_filters)}"
        if v.min_depth:
            text += f", depth at least {v.min_depth}"
        if v.min_alt_count:
            text += f", at least {plural(v.min_alt_count, 'read')} of the variant where there is any"
        if v.min_vaf:
            text += f", VAF at least {percent(v.min_vaf, 1)}"
        if v.regions == "panel":
            text += ", read in and around the genes of the knowledge base only"
        build: str = config.study.build
        if v.liftover is not None:
            chain = v.liftover.chain.rsplit("/", 1)[-1]
            build = f"{v.liftover.from_}, moved to {build} through the chain {chain} (those without a place there are counted)"
        out.append(text + f", {build}.")
        lists = {"the panel of normals": v.panel_of_normals, "the blacklist": v.blacklist}
        left = [f"in {name} {path.rsplit('/', 1)[-1]}" for name, path in lists.items() if path is not None]
        if v.max_population_af is not None:
            left.insert(0, f"at a population frequency above {number(v.max_population_af)} where the file gives one")
        if left:
            kept = f", except those of {v.hotspots.rsplit('/', 1)[-1]}" if v.hotspots is not None else ""
            out.append(f"Variants {enumerated(left)} were left out and counted{kept}.")
    for a in config.assays:
        genes = (
            "every gene"
            if a.genes == ["*"]
            else plural(len(a.genes), "gene")
            if a.genes
            else "the genes of " + str(a.gene_list or a.bed or a.depth)
        )
        depth = f" at a mean depth of {number(a.min_depth)} or more" if a.depth else ""
        which = "all samples" if a.samples == "all" else f"the samples in {a.samples_file}"
        material = f" ({enumerated(m.replace('_', ' ') for m in a.materials)})" if a.materials else ""
        out.append(f"The {a.kind.replace('_', ' ')} assay sees {genes}{depth} in {which}{material}.")
    if not config.assays:
        out.append("No assay is declared: a gene without a call is not assessed.")
    return list(dict.fromkeys(out))


def _annotation(config: CohortFile, tables: StageTables, reference: dict[str, Any] | None) -> list[str]:
    mode = config.annotation.mode
    if mode == "file":
        return [
            "Consequences and names of the proteins' changes are those of the files; where a file names several transcripts of a "
            "gene, its own choice, else the most severe."
        ]
    out = []
    if reference is not None:
        out.append(
            f"In {plural(reference['genes'], 'gene')} variants were named here, on a reference of {reference['build']} made of "
            f"{reference['source']} (SHA-256 of its bases {reference['sha256'][:16]}): consequences by bcftools csq within pysam "
            "(doi:10.1093/bioinformatics/btx100) after insertions and deletions were moved to the 3' end of the transcript, HGVS names "
            "from the bases, on MANE Select v1.5 or the closest model on this build. In other genes, and where the reference cannot "
            "name a variant, the files' annotation stands."
        )
    if len(tables.phased):
        n, samples = len(tables.phased[["sample_id", "gene", "members"]].drop_duplicates()), tables.phased["sample_id"].nunique()
        out.append(
            f"Variants that the caller phased to one copy of a gene were read together where one changes what the other does: "
            f"{plural(n, 'such group')} in {plural(samples, 'sample')}; the joint effect stands for the single ones."
        )
    if mode == "both":
        out.append("The files' annotation was compared with our own, apart from spelling; our own was used.")
    return out


def _detected(settings: Ctdna) -> str:
    """Say when ctDNA is detected."""
    if settings.level is not None:
        return f"the level is the {settings.level.unit} of another assay, detected above its limit"
    if settings.detection == "mrd":
        return "detected where the test for residual disease is positive"
    n = settings.detection_alt_count
    reads = f"detected from {n} supporting {'reads' if n > 1 else 'read'} of a variant"
    if settings.detection == "counts":
        return f"{reads}, whatever errors explain"
    return f"{reads}, where all variants together show more than errors explain (p <= .05)"


def _ctdna(config: CohortFile) -> str:
    c = config.ctdna
    return (
        f"Mutant haploid genome equivalents per mL of plasma are mean VAF x cfDNA (ng/mL) / {c.convention_pg_per_haploid_genome / 1000:g} ng "
        f"({c.convention_pg_per_haploid_genome:g} pg per haploid genome), over the variants followed in each patient; "
        f"{_detected(c)}. An undetectable sample is shown at the "
        "VAF that its depth and number of variants would have shown with probability 0.95. Molecular response is a drop of at least "
        f"{c.molecular_response_log10:g} log10. A variant is emergent when background explains its reads at baseline, which was "
        "deep enough to have shown the later fraction with probability 0.95, and not those later, and its fraction rose to at least "
        f"{percent(c.emergence_min_later_vaf, 1)} at a false discovery rate of {percent(c.emergence_fdr)} within the patient (conditional exact test; "
        f"background {c.background_error_rate:g} unless measured, intraclass correlation between libraries {c.emergence_overdispersion:g}). Selection "
        "is the same test against the change of the patient's other variants."
    )


def _associations(config: CohortFile, tables: StageTables, results: list[dict[str, Any]]) -> list[str]:
    plan = config.analysis
    out = []
    for model in (*MODELS, "cut"):
        names = list(dict.fromkeys(r["method"] for r in results if r["model"] == model and r["method"] != "-"))
        if names:
            out.append(f"{_MODEL_WORDS.get(model, title(model))}: {enumerated(names)}.")
    adjusted = [variable(c) for c in plan.covariates]
    if adjusted:
        out.append(f"Adjusted for {enumerated(adjusted)}.")
    if strata := _strata(tables):
        rule = "" if plan.strata is not None else " (the usual rule: known, and two classes of ten patients)"
        out.append(f"Stratified by {enumerated(variable(s) for s in strata)}{rule}.")
    scales = list(dict.fromkeys(SCALES[str(r["scale"])] for r in results if r["scale"]))
    if scales:
        out.append(f"Effects are {enumerated(_many(s) for s in scales)} with 95 % intervals.")
    families = len({r["family"] for r in results})
    policies = tables.plan.get("policies", {})
    if isinstance(policies, dict):
        out += [
            str(policies[k])
            for k in ("not_assessed", "missing_covariate", "multiplicity", "timepoints", "rare", "few_events", "not_converged")
            if k in policies
        ]
    if families:
        out.append(f"{families:,} famil{'y was' if families == 1 else 'ies were'} declared before testing.")
    least = "without a carrier" if plan.min_carriers == 1 else f"with fewer than {plan.min_carriers} carriers"
    out.append(f"Markers {least} are listed, not tested.")
    return out


_MODEL_WORDS = {
    "crude": "Crude models",
    "adjusted": "Adjusted models",
    "imputed": "Adjusted models with imputed covariates",
    "subdistribution": "Subdistribution models (competing events kept at risk)",
    "joint": "Joint models",
    "landmark": "Landmark models (patients still followed without event at the day)",
    "time_dependent": "Time-dependent models (the state last known)",
    "interaction": "Interaction models",
    "cut": "Searched cuts (the p corrected for the search, no effect)",
}


def _many(scale: str) -> str:
    """Return the plural of a scale's name."""
    first, _, rest = scale.partition(" of ")
    return f"{first}s of {rest}" if rest else f"{first}s"


def _strata(tables: StageTables) -> list[str]:
    """Return the strata that the plan has (the cohort file may leave them to the rule)."""
    adjustment = tables.plan.get("adjustment", {})
    return [str(name) for name in adjustment.get("strata", [])] if isinstance(adjustment, dict) else []


def _plan(config: CohortFile, tables: StageTables) -> list[dict[str, str]]:
    """Return the plan of the analysis as rows of a table: what was asked of whom."""
    plan = config.analysis
    asked = plan.endpoints or list(config.endpoints)
    rows = [
        {"item": "Primary endpoint", "value": endpoint_label(config, plan.primary) if plan.primary else "none declared"},
        {"item": "Endpoints asked of every marker", "value": enumerated(endpoint_label(config, e) for e in asked) or "none"},
        {
            "item": "Markers",
            "value": enumerated(plan.markers) if plan.markers else "every statement of the knowledge base that could be assessed",
        },
        {"item": "Time point of the markers", "value": plan.timepoint.replace("_", " ")},
        {"item": "Covariates", "value": enumerated(variable(c) for c in plan.covariates) or "none"},
        {
            "item": "Strata",
            "value": (enumerated(variable(s) for s in _strata(tables)) or "none")
            + (
                ""
                if plan.strata is not None
                else " (by the usual rule: subtype and treatment where known, in two classes of ten)"
            ),
        },
        {
            "item": "Not assessed",
            "value": "left out and counted"
            if plan.not_assessed == "leave_out"
            else "counted as without the marker (an assumption)",
        },
        {
            "item": "Unknown covariates",
            "value": "complete cases"
            if plan.missing == "complete_cases"
            else f"{plan.imputations} imputations, complete cases beside them",
        },
        {"item": "Multiplicity", "value": _multiplicity(config)},
        {
            "item": "Rare markers (survival)",
            "value": f"fewer than {plan.few_carriers} carriers or events expected in them: penalised estimate, p of "
            f"{plan.permutations:,} permutations",
        },
        {"item": "Marker x treatment interaction", "value": "asked" if plan.treatment_interaction else "not asked"},
        {"item": "Least carriers", "value": str(plan.min_carriers)},
        {"item": "Least carriers with an event, for the p of a regression", "value": str(plan.min_carrier_events)},
    ]
    if plan.genes == "all_mutated":
        rows.append({"item": "Genes", "value": "one question per mutated gene of the assay, in a family of its own"})
    if plan.secondary:
        rows.insert(1, {"item": "Secondary endpoints", "value": enumerated(endpoint_label(config, e) for e in plan.secondary)})
    if plan.expression != "none":
        which = "of the knowledge base" if plan.expression == "knowledge_base" else "of the table"
        rows.append({"item": "Expression", "value": f"one question per expressed gene {which}, in a family of its own"})
    if plan.methods:
        rows.append({"item": "Methods taken instead of the usual ones", "value": enumerated(plan.methods)})
    if plan.e_values:
        rows.append({"item": "Unmeasured confounding", "value": "E-values"})
    for measure in plan.measures:
        cut = "; the best cut too, p corrected for the search" if measure.optimal_cut else ""
        rows.append(
            {
                "item": f"Measure: {measure.name}",
                "value": f"{measure.variable}, per {_PER[measure.scale]}{cut} – {population_label(config, measure.population)}",
            }
        )
    for mark in plan.landmarks:
        rows.append(
            {
                "item": f"Landmark: {mark.name}",
                "value": f"{_named(mark.markers)} at {mark.timepoint.replace('_', ' ')} for {endpoint_label(config, mark.endpoint)} "
                f"from day {mark.day:g} – {population_label(config, mark.population)}",
            }
        )
    for later in plan.time_dependent:
        rows.append(
            {
                "item": f"Time-dependent: {later.name}",
                "value": f"{_named(later.markers)} for {endpoint_label(config, later.endpoint)}, each patient by the state last known "
                f"– {population_label(config, later.population)}",
            }
        )
    for q in plan.joint:
        rows.append(
            {
                "item": f"Joint model: {q.name}",
                "value": f"{enumerated(q.markers)} for {endpoint_label(config, q.endpoint)} – {population_label(config, q.population)}",
            }
        )
    for c in plan.contrasts:
        rows.append(
            {
                "item": f"Contrast: {c.name}",
                "value": f"{c.variable} {c.level} against {c.reference if c.reference is not None else 'the rest'} for {endpoint_label(config, c.endpoint)} "
                f"– {population_label(config, c.population)}",
            }
        )
    return rows


_PER = {"unit": "unit", "sd": "standard deviation", "log2": "doubling", "log10": "tenfold", "rank": "whole range of ranks"}
_ADJUSTMENTS = {
    "bh": "Benjamini-Hochberg",
    "by": "Benjamini-Yekutieli",
    "storey": "Storey's q",
    "ihw": "Independent hypothesis weighting",
    "holm": "Holm",
    "bonferroni": "Bonferroni",
}


def _named(markers: list[str] | None) -> str:
    return "every marker there" if markers is None else enumerated(markers)


def _multiplicity(config: CohortFile) -> str:
    asked = config.analysis.multiplicity
    text = f"{_ADJUSTMENTS[asked.method]} within each family"
    if asked.family_wise == "max_t":
        text += "; step-down max-T by permutation beside it"
    if asked.hierarchy:
        text += f"; endpoints in the order {', then '.join(endpoint_label(config, e) for e in asked.hierarchy)}"
    return text
