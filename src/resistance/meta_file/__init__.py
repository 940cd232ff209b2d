"""Tables of studies (effects, 2x2 counts, results of cohorts, published trials) -> a meta-analysis as text, JSON, TSV and forest plot."""

from resistance.meta_file.analysis import MetaReport, analyse, with_effects, write_forest
from resistance.meta_file.results import RESULTS, is_results, meta_of_results
from resistance.meta_file.studies import COUNTS, read_studies
from resistance.meta_file.study import Settings, Study
from resistance.meta_file.trials import difference_in_words, trial_responses, trial_treatment_effects, trials_report, within_trial

__all__ = [
    "COUNTS",
    "RESULTS",
    "MetaReport",
    "Settings",
    "Study",
    "analyse",
    "difference_in_words",
    "is_results",
    "meta_of_results",
    "read_studies",
    "trial_responses",
    "trial_treatment_effects",
    "trials_report",
    "with_effects",
    "within_trial",
    "write_forest",
]
