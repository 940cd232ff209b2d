"""A planned effect, numbers and a level -> the power of a regression's test, or the effect or number that has the power.

Every function here is the normal (or t) approximation of a score or Wald test: right for planning with tens of
carriers and events, optimistic with fewer; there the exact (`power_proportions`) and simulated (`power_simulation`)
power are asked.
"""

from resistance.stats.power_models.false_discovery import level_false_discovery
from resistance.stats.power_models.interaction import (
    detectable_interaction_survival,
    events_interaction_survival,
    power_interaction_binary,
    power_interaction_survival,
)
from resistance.stats.power_models.logistic_continuous import (
    detectable_logistic_continuous,
    patients_logistic_continuous,
    power_logistic_continuous,
)
from resistance.stats.power_models.ordinal import detectable_ordinal, mixed_proportions, patients_ordinal, power_ordinal
from resistance.stats.power_models.survival import detectable_cox, events_cox, events_log_rank, expected_events, power_cox
from resistance.stats.power_models.two_means import detectable_shift, patients_two_means, power_two_means

__all__ = [
    "detectable_cox",
    "detectable_interaction_survival",
    "detectable_logistic_continuous",
    "detectable_ordinal",
    "detectable_shift",
    "events_cox",
    "events_interaction_survival",
    "events_log_rank",
    "expected_events",
    "level_false_discovery",
    "mixed_proportions",
    "patients_logistic_continuous",
    "patients_ordinal",
    "patients_two_means",
    "power_cox",
    "power_interaction_binary",
    "power_interaction_survival",
    "power_logistic_continuous",
    "power_ordinal",
    "power_two_means",
]
