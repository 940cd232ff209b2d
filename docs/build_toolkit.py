"""resistance.stats -> docs/toolkit.md: which function answers which question.  Run it after a change of a signature."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

from resistance.tables import write_text

PAGE = Path(__file__).with_name("toolkit.md")
HEAD = """\
# Statistics for analysis scripts

<!-- Written by docs/build_toolkit.py from the docstrings of resistance.stats; do not edit by hand. -->

The functions of `resistance.stats` take arrays (one entry per patient, in one order) and give back small frozen objects of arrays;
they know nothing of files or tables. `help()` of each says shapes, units, what a missing value does, what is raised, and the source.
Which of them the workflow takes for a question, and why: [which question, which method](statistics.md),
[methods](methods.md), [prediction](prediction.md).

```python
from resistance.stats.exact import fisher

fisher([1, 1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0]).p_value  # marker, outcome
```
"""

#: subject -> entry functions, as they stand in resistance.stats; what is not here serves these
SUBJECTS: dict[str, tuple[str, ...]] = {
    "Two by two, and larger tables": (
        "exact.fisher", "exact.mid_p", "boschloo.boschloo", "barnard.barnard", "chi_square.chi_square",
        "freeman_halton.freeman_halton", "stratified.mantel_haenszel", "stratified.exact_stratified", "stratified.homogeneity",
        "trend.cochran_armitage", "trend.linear_by_linear", "agreement.agreement",
    ),
    "Binary outcome": (
        "firth_logistic.firth_logistic", "firth_logistic.flic", "firth_logistic.flac", "logistic.logistic",
        "logistic.logistic_score_test", "separation.separation", "permutation.logistic_permutation",
    ),
    "Ordered outcome": (
        "ordinal.proportional_odds", "ordinal.cutwise_odds", "ordinal_separated.separated_odds",
        "ordinal_permutation.ordinal_permutation", "ranks.van_elteren",
    ),
    "Continuous outcome": (
        "linear.linear", "ranks.rank_sum", "ranks.kruskal", "welch_t.welch_t", "welch_permutation.welch_permutation",
        "censored_regression.censored_regression",
    ),
    "Time to event": (
        "kaplan_meier.kaplan_meier", "kaplan_meier.reverse_kaplan_meier", "kaplan_meier.survival_at",
        "kaplan_meier.survival_quantile", "log_rank.log_rank", "log_rank.log_rank_trend", "cox.cox", "firth_cox.firth_cox",
        "permutation.martingale_permutation", "proportional_hazards.proportional_hazards", "residuals.cox_residuals",
        "baseline_hazard.baseline_hazard", "baseline_hazard.predicted_survival", "concordance.concordance", "rmst.rmst",
        "rmst.compare_rmst", "rmst_regression.rmst_regression", "landmark.landmark", "landmark.split_at", "landmark.episodes",
        "pseudo_values.survival_pseudo_values", "pseudo_values.rmst_pseudo_values",
    ),
    "Competing events": (
        "aalen_johansen.cumulative_incidence", "competing.cause_specific_cox", "gray.gray_test",
        "subdistribution_test.subdistribution_test", "fine_gray.fine_gray",
        "pseudo_values.incidence_pseudo_values",
    ),
    "Predictive or prognostic": (
        "interaction.logistic_interaction", "interaction.cox_interaction", "interaction_cox.firth_cox_interaction",
    ),
    "Cut-points of a continuous marker": (
        "cutpoint.survival_cutpoint", "cutpoint.binary_cutpoint", "cutpoint.continuous_cutpoint",
    ),
    "Very many markers": (
        "scan.logistic.firth_logistic_scan", "scan.logistic.firth_logistic_scan_blocks", "scan.logistic.logistic_scan",
        "scan.logistic_score.logistic_score_scan", "scan.overlap.overlap_scan", "scan.cox.firth_cox_scan", "scan.cox.cox_scan",
        "scan.cox_score.cox_score_scan", "scan.proportional.proportional_hazards_scan",
        "scan.restricted_mean.compare_rmst_scan", "permutation.permutation_scan", "permutation.logistic_permutation_scan",
        "linear.linear_scan",
    ),
    "Expression": (
        "moderated_t.moderated_t", "voom.voom", "library_size.tmm_factors", "library_size.enough_counts", "library_size.log_cpm",
        "counts.negative_binomial", "camera.camera", "gene_set_test.gene_set_test", "gsva.gsva", "ssgsea.ssgsea", "plage.plage",
        "weighted_z.weighted_z",
    ),
    "Multiplicity": (
        "multiplicity.adjust", "multiplicity.benjamini_hochberg", "multiplicity.weighted_benjamini_hochberg",
        "multiplicity.tarone", "storey.storey", "independent_weights.independent_weights", "westfall_young.max_t",
        "westfall_young.min_p", "families.families", "families.fixed_sequence", "families.gatekeeping", "cooccurrence.pair_tests",
    ),
    "Missing values and confounding": (
        "imputation.impute", "imputation.pool", "imputation.pool_chi_square", "imputation.survival_predictors", "evalue.e_value",
    ),
    "Power and planning": (
        "power.detectable_odds_ratio", "power.detectable_hazard_ratio", "power.power_fisher", "power.power_log_rank",
        "power_proportions.power_two_proportions", "power_proportions.detectable_probabilities",
        "power_proportions.patients_two_proportions", "power_models.power_cox", "power_models.events_cox",
        "power_models.detectable_cox", "power_models.events_log_rank", "power_models.power_ordinal",
        "power_models.patients_ordinal", "power_models.power_two_means", "power_models.patients_two_means",
        "power_models.power_logistic_continuous", "power_models.power_interaction_survival",
        "power_models.power_interaction_binary", "power_models.level_false_discovery", "power_models.expected_events",
        "power_simulation.simulate_firth", "power_simulation.simulate_permutation",
    ),
    "Prediction": (
        "prediction.penalised_logistic.penalised_logistic", "prediction.penalised_ordinal.penalised_ordinal",
        "prediction.penalised_cox.penalised_cox", "prediction.validation.cross_validate",
        "prediction.stability.stability_selection", "prediction.stability.pfer_bound", "prediction.auc.auc",
        "prediction.auc.delong_test", "prediction.c_index.harrell_c", "prediction.c_index.uno_c",
        "prediction.brier.brier_score", "prediction.brier.ipcw_brier", "prediction.brier.ipcw_auc",
        "prediction.calibration.calibration", "prediction.calibration.calibration_curve", "prediction.slope.calibration_slope",
        "prediction.survival_calibration.survival_calibration", "prediction.decision_curve.decision_curve",
        "prediction.decision_curve.survival_decision_curve", "prediction.optimism.bootstrap_optimism",
        "prediction.plus632.plus_632", "prediction.model.predict",
    ),
    "Meta-analysis": (
        "meta.meta_analysis", "meta.meta_regression", "meta.subgroup_difference", "meta.leave_one_out", "meta.egger",
        "meta_counts.effects_of_counts", "meta_counts.mantel_haenszel", "meta_counts.peto",
    ),
    "Reads, fractions and ctDNA": (
        "fractions.clopper_pearson", "fractions.mean_fraction", "fractions.fraction_ratio", "paired_counts.equal_fractions",
        "fraction_clusters.cluster_fractions", "tumour_fraction.tumour_fraction", "clonality.cancer_cell_fraction",
        "beta_binomial.fit_beta_binomial", "error_rates.non_reference_rate", "error_rates.substitution_errors",
        "detected_reads.detection_limit", "phased.phased_events", "genotypes.called_genotypes",
        "contamination.estimate_contamination", "mrd.exact.exact_test", "mrd.monte_carlo.monte_carlo_test",
        "mrd.likelihood_ratio.likelihood_ratio", "mrd.limits.limits", "mrd.limits.genomes_needed",
    ),
    "Classes of tumours": (
        "linear_score.linear_score", "prediction_strength.prediction_strength", "probability_ratio.probability_ratio_score",
        "two_normals.from_labels", "two_normals.from_mixture", "self_training.self_train",
        "bernoulli_mixture.fit_bernoulli_mixture", "bernoulli_mixture.choose_bernoulli_mixture",
        "class_evidence.fit_class_evidence", "quantile_scaling.to_quantiles", "normal_classes.class_probabilities",
    ),
}  # fmt: skip


def page() -> str:
    """Return the text of the page."""
    parts = [HEAD]
    for subject, names in SUBJECTS.items():
        parts.append(f"\n## {subject}\n\n| function of `resistance.stats` | what it does | arguments |\n|---|---|---|\n")
        parts += [_row(name) for name in names]
    return "".join(parts)


def _row(name: str) -> str:
    module, function = name.rsplit(".", 1)
    found = getattr(importlib.import_module(f"resistance.stats.{module}"), function)
    says = re.sub(r":\w+:`([^`]*)`", r"`\1`", " ".join((inspect.getdoc(found) or "").split("\n\n")[0].split()))
    cells = f"`{name}`", says, f"`{_arguments(inspect.signature(found))}`"
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _arguments(signature: inspect.Signature) -> str:
    """Return the arguments without their types; those after * are given by name."""
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))[1:-1]


if __name__ == "__main__":
    write_text(PAGE, page())
