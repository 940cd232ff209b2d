"""The plan of the analysis as the cohort file gives it: what is asked of whom, and how."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from resistance.config.words import Rule, Scalar, Strict, Timepoint


class Population(Strict):
    """A named subset in which questions are asked."""

    label: str = Field(description="Name in the report.")
    include: list[Rule] = Field(default_factory=list, description="Rules on the patients table (as in patients.include).")


class MarkerQuestion(Strict):
    """Markers that stand together in one model, against patients who have none of them."""

    name: str = Field(description="Name of the question in the results.")
    markers: list[str] = Field(min_length=1, description="marker_id of each marker in the model.")
    endpoint: str = Field(description="Endpoint of the question.")
    population: str = Field("all", description="Population in which it is asked.")


class Contrast(Strict):
    """A question about a covariate or subtype: one level against another."""

    name: str = Field(description="Name of the question in the results.")
    variable: str = Field(description="A covariate of the cohort file, or 'subtype' for the method in subtype.use.")
    level: Scalar = Field(description="The level whose effect is estimated.")
    reference: Scalar | None = Field(None, description="The level it is compared with (default: every other level together).")
    others: Literal["left_out", "in_model"] = Field(
        "left_out",
        description="Patients with another level: left out and counted, or kept in the model with terms of their own (as R does with a factor).",
    )
    endpoint: str = Field(description="Endpoint of the question.")
    population: str = Field("all", description="Population in which it is asked.")


class Measure(Strict):
    """A continuous or ordinal marker."""

    name: str = Field(description="Name in the results.")
    variable: str = Field(
        description="A covariate, age_years, marker:<marker_id> (the value behind a marker), expression:<gene>, vaf:<gene> (highest "
        "of the gene; 0 where it is assessed and not mutated), ctdna:<column of quantity>, or score:<subtype method>."
    )
    scale: Literal["unit", "sd", "log2", "log10", "rank"] = Field(
        "sd",
        description="What the effect is per: unit, standard deviation, doubling (log2) or tenfold (log10; 0 is set to half the least "
        "value above 0, and counted), or from the lowest to the highest rank.",
    )
    optimal_cut: bool = Field(
        False,
        description="Also give the cut that separates outcome best, with the p that is corrected for having been searched "
        "(maximally selected rank statistics).",
    )
    population: str = Field("all", description="Population in which it is asked.")


class DatedMeasure(Strict):
    """A number of the ctDNA stage, with the day of the sample it was measured in."""

    name: str = Field(description="Name in the results.")
    variable: Literal[
        "ctdna:hge_per_ml",
        "ctdna:mean_vaf",
        "ctdna:detected",
        "ctdna:log10_change",
        "ctdna:cleared",
        "ctdna:molecular_response",
        "ctdna:mrd_positive",
    ] = Field(
        description="Level (an undetected one stands at its limit of detection, counted), change from baseline, or a finding (1 yes, "
        "0 no; an underpowered test for residual disease is neither)."
    )
    scale: Literal["unit", "log2", "log10"] = Field(
        "unit", description="What the effect of a level is per: unit, doubling, tenfold."
    )
    method: Literal["exact", "monte_carlo", "likelihood_ratio"] = Field("exact", description="mrd_positive: by this test.")


class Landmark(Strict):
    """Markers of a later sample, asked of patients who are still in follow-up, without event, at a fixed day."""

    name: str = Field(description="Name of the question in the results.")
    endpoint: str = Field(description="A time-to-event endpoint; its time counts from the landmark here.")
    day: float = Field(gt=0, description="Day of the landmark. Samples taken later are not used.")
    timepoint: Timepoint = Field("on_treatment", description="Time point of the samples.")
    markers: list[str] | None = Field(None, description="Only these markers (default: every marker with a state there).")
    measures: list[DatedMeasure] = Field(
        default_factory=list, description="Numbers of the ctDNA: the last of the time point's samples by the landmark."
    )
    population: str = Field("all", description="Population in which it is asked.")


class TimeDependent(Strict):
    """Markers whose state changes under follow-up: each patient counts by the last state known before each moment."""

    name: str = Field(description="Name of the question in the results.")
    endpoint: str = Field(description="A time-to-event endpoint.")
    markers: list[str] | None = Field(None, description="Only these markers (default: every marker with a later state).")
    measures: list[DatedMeasure] = Field(
        default_factory=list, description="Numbers of the ctDNA: the last known before each moment, of any sample with a day."
    )
    population: str = Field("all", description="Population in which it is asked.")


class Multiplicity(Strict):
    """How many questions are paid for."""

    method: Literal["bh", "by", "storey", "ihw", "holm", "bonferroni"] = Field(
        "bh",
        description="Within each family: Benjamini-Hochberg (false discovery rate; independent or positively dependent tests), "
        "Benjamini-Yekutieli (any dependence), Storey q-values (at least 100 tests), independent hypothesis weighting (ihw: "
        "Benjamini-Hochberg with weights learned from a margin; from 3,000 tests on), Holm or Bonferroni (family-wise error).",
    )
    weights_by: Literal["carriers", "patients"] = Field(
        "carriers",
        description="ihw: the margin that the weights of markers go by: carriers (or patients without it, where those are fewer), or "
        "patients in the model. Expression goes by its mean over all patients.",
    )
    family_wise: Literal["none", "max_t"] = Field(
        "none",
        description="max_t: also give step-down p-values of Westfall and Young for families of single markers, by permutation within strata.",
    )
    hierarchy: list[str] = Field(
        default_factory=list,
        description="Endpoints in the order in which they are tested: a family's findings are confirmatory only where the family of "
        "the same population, model and kind of question has one at 5 % for every endpoint before.",
    )


class Analysis(Strict):
    """The plan of the analysis; written out before any p-value is computed."""

    primary: str | None = Field(None, description="The primary endpoint.")
    secondary: list[str] = Field(
        default_factory=list, description="The secondary endpoints, in the order of their importance; every other is exploratory."
    )
    endpoints: list[str] = Field(default_factory=list, description="Endpoints asked of every marker (default: all).")
    covariates: list[str] = Field(default_factory=list, description="Adjusted for in the adjusted models.")
    strata: list[str] | None = Field(
        None,
        description="Strata of the adjusted models and of stratified tests ('subtype', 'treatment' or a covariate). Default: subtype "
        "and treatment where they are known and at least two of their classes have ten patients; [] for none.",
    )
    treatment_interaction: bool = Field(
        False, description="Ask for marker x treatment interaction (needs a control arm without IMiD)."
    )
    min_carriers: int = Field(1, ge=1, description="Markers with fewer carriers are listed, not tested.")
    min_carrier_events: int = Field(
        3,
        ge=1,
        description="Models with an asymptotic test and fewer carriers who had an event (binary: either outcome) give estimate and "
        "interval, but no p. Exact and permutation tests, and the penalised likelihood ratio of a logistic model (conservative there), "
        "are not concerned.",
    )
    few_carriers: int = Field(
        20,
        ge=0,
        description="Survival: with fewer carriers, or fewer carriers with an event expected from the margins, effect and interval "
        "are penalised (Firth) and the p comes from permuting martingale residuals within strata.",
    )
    permutations: int = Field(9999, ge=99, le=10_000_000, description="Permutations of a permutation test.")
    methods: list[str] = Field(
        default_factory=list,
        description="Methods to take instead of the usual ones, where they fit: barnard, boschloo, mid_p, wilcoxon, cox ... "
        "(docs/methods.md lists them). moderated_t (all expressed genes together, voom for counts) and deseq2 (counts, needs the "
        "extra 'counts') compare expression between patients with and without a binary outcome.",
    )
    cox_interval: Literal["profile", "wald"] = Field(
        "profile",
        description="Interval of a Cox model of common markers: by the profile likelihood, from which its p is too (they cannot disagree); "
        "or Wald's, as R prints it and most papers have it. Penalised models always have the former.",
    )
    multiplicity: Multiplicity = Multiplicity()
    not_assessed: Literal["leave_out", "absent"] = Field(
        "leave_out",
        description="A patient in whom a marker was not assessed is left out of that marker's questions and counted, or counts as "
        "without it (an assumption that the report states).",
    )
    missing: Literal["complete_cases", "multiple_imputation"] = Field(
        "complete_cases",
        description="Patients with an unknown covariate are left out of adjusted models and counted; or covariates are imputed many "
        "times (chained equations, Rubin's rules), with the complete cases beside it. Strata are never imputed.",
    )
    imputations: int = Field(20, ge=2, description="Imputed data sets, where missing is multiple_imputation.")
    e_values: bool = Field(
        False, description="Give E-values: how strong an unmeasured confounder would have to be to explain an effect away."
    )
    measures: list[Measure] = Field(default_factory=list, description="Continuous and ordinal markers.")
    expression: Literal["none", "knowledge_base", "all"] = Field(
        "none", description="Ask one question per expressed gene: of the knowledge base, or all of the expression table."
    )
    landmarks: list[Landmark] = Field(
        default_factory=list, description="Markers under treatment, in patients still followed without event at a fixed day."
    )
    time_dependent: list[TimeDependent] = Field(
        default_factory=list, description="Markers that change under follow-up, as time-dependent covariates of a Cox model."
    )
    cooccurrence_carriers: int = Field(
        5, ge=1, description="Genes with at least this many carriers at baseline are asked whether they occur together or apart."
    )
    markers: list[str] | None = Field(
        None, description="Only these markers (default: all of the knowledge base that could be assessed)."
    )
    genes: Literal["knowledge_base", "all_mutated"] = Field(
        "knowledge_base", description="all_mutated also asks one question per mutated gene of the assay, in a family of its own."
    )
    joint: list[MarkerQuestion] = Field(default_factory=list, description="Markers that stand together in one model.")
    contrasts: list[Contrast] = Field(default_factory=list, description="Questions about covariates or subtypes.")
    populations: dict[str, Population] = Field(default_factory=dict, description="Subsets; 'all' always exists.")
    timepoint: Timepoint = Field("baseline", description="Time point of the markers that are associated.")

    def dated_measures(self) -> list[DatedMeasure]:
        """Return the numbers of dated samples that landmarks and time-dependent questions ask about, in their order."""
        return [m for x in self.landmarks for m in x.measures] + [m for x in self.time_dependent for m in x.measures]
