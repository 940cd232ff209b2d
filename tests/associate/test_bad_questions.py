"""Impossible input: a row with NA and a note, or a refusal that says why; never an exception, never a p without a fit.

Every endpoint kind is asked of a flag and of a measure, crude, adjusted, joint, with treatment, at a
landmark, time-dependent and with a searched cut, in cohorts that are broken in one way each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resistance import schemas
from resistance.associate import answer, make_plan
from resistance.associate.answer import NUMBERS
from resistance.cohort import Cohort
from resistance.config import CohortFile, parse
from resistance.tables import conform

LEVELS = ["PD", "SD", "PR", "CR"]
TIMED = ("os", "relapse")
ENDPOINTS = ("response", "best", "ic50", *TIMED)
#: the questions that every cohort here must give: model -> endpoints
MODELS = {
    "crude": ENDPOINTS,
    "adjusted": ENDPOINTS,
    "joint": ENDPOINTS,
    "interaction": ENDPOINTS,
    "landmark": TIMED,
    "time_dependent": TIMED,
    "subdistribution": ("relapse",),
    "cut": ENDPOINTS,
}


def configuration(**analysis: Any) -> CohortFile:
    survival = {
        "time": {"column": "days", "unit": "days"}, "event": "ended", "event_codes": [1], "censored_codes": [0],
    }  # fmt: skip
    endpoints = {
        "response": {"label": "Response", "kind": "binary", "value": "r", "positive": ["CR"], "negative": ["PD"]},
        "best": {"label": "Best response", "kind": "ordinal", "value": "b", "levels": LEVELS},
        "ic50": {"label": "log IC50", "kind": "continuous", "value": "c"},
        "os": {"label": "Survival", "kind": "time_to_event", "survival": survival},
        "relapse": {"label": "Relapse", "kind": "time_to_event", "survival": survival | {"competing_codes": [2]}},
    }
    plan = {
        "covariates": ["age_years", "ldh"],
        "strata": ["sex"],
        "treatment_interaction": True,
        "permutations": 99,
        "e_values": True,
        "measures": [{"name": "level", "variable": "level", "scale": "unit", "optimal_cut": True}],
        "joint": [{"name": f"both {e}", "markers": ["M", "OTHER"], "endpoint": e} for e in ENDPOINTS],
        "landmarks": [{"name": f"day 30 {e}", "endpoint": e, "day": 30} for e in TIMED],
        "time_dependent": [{"name": f"course {e}", "endpoint": e} for e in TIMED],
    }
    raw = {
        "resistance": 1,
        "study": {"name": "broken", "title": "A made-up cohort.", "build": "GRCh38"},
        "patients": {"file": "p.tsv", "columns": {"patient_id": "id"}},
        "samples": {"file": "p.tsv", "one_per_patient": True},
        "covariates": {"ldh": "ldh", "level": "level"},
        "endpoints": endpoints,
        "analysis": plan | analysis,
    }
    return parse(raw, "broken.yaml")


class Tiny:
    """A cohort whose columns a test may break before it is asked."""

    def __init__(self, n: int = 40, seed: int = 1) -> None:
        draw = np.random.default_rng(seed)
        self.n = n
        self.marker = (draw.random(n) < 0.4).astype(float)  # NaN: not assessed
        self.other = (draw.random(n) < 0.3).astype(float)
        self.later = np.maximum(self.marker, draw.random(n) < 0.2)
        self.level, self.ldh, self.age = draw.normal(size=n), draw.normal(size=n), draw.normal(60, 9, n).round()
        self.imid = np.arange(n) % 2 == 0
        self.sex = np.where(draw.random(n) < 0.5, "female", "male")
        self.response, self.best = (draw.random(n) < 0.5).astype(float), draw.integers(0, 4, n).astype(float)
        self.ic50 = draw.normal(size=n)
        self.days, self.code = draw.exponential(300, n).round(), draw.integers(0, 3, n)
        self.entry = np.full(n, np.nan)

    def arguments(self, **analysis: Any) -> tuple[Any, ...]:
        ids = [f"P{i:03d}" for i in range(self.n)]
        patients = pd.DataFrame(
            {
                "patient_id": ids, "sex": self.sex, "age_years": self.age, "imid": self.imid, "ldh": self.ldh,
                "level": self.level,
            }
        )  # fmt: skip
        ends = [
            pd.DataFrame({"patient_id": ids, "endpoint": name, "kind": kind, "value": value})
            for name, kind, value in (
                ("response", "binary", self.response), ("best", "ordinal", self.best), ("ic50", "continuous", self.ic50),
            )
        ]  # fmt: skip
        code = self.code.astype(int)
        ends += [
            pd.DataFrame(
                {
                    "patient_id": ids, "endpoint": name, "kind": "time_to_event", "time_days": self.days, "event": event,
                    "entry_days": self.entry,
                }
            )
            for name, event in (("os", (code == 1).astype(int)), ("relapse", code))
        ]  # fmt: skip
        words = {0.0: "absent", 1.0: "present"}
        states = [
            (patient, marker, timepoint, words.get(value, "not_assessed"))
            for marker, timepoint, values in (
                ("M", "baseline", self.marker), ("OTHER", "baseline", self.other), ("M", "on_treatment", self.later),
            )
            for patient, value in zip(ids, values.tolist(), strict=True)
        ]  # fmt: skip
        samples = pd.DataFrame(
            [(f"{p}_{t}", p, "plasma", t, day) for p in ids for t, day in (("baseline", 0.0), ("on_treatment", 20.0))],
            columns=["sample_id", "patient_id", "material", "timepoint", "day"],
        )
        markers = pd.DataFrame(
            [
                {
                    "marker_id": m, "label": m, "genes": m, "evidence_kind": "mutation", "rule": "truncating",
                    "direction": "resistance", "evidence_grade": "B", "source": "PMID:1", "verified": True,
                }
                for m in ("M", "OTHER")
            ]
        )  # fmt: skip
        cohort = Cohort(
            facts={"name": "broken", "title": "t", "build": "GRCh38", "flow": []},
            patients=patients,
            samples=samples,
            endpoints=pd.concat(ends, ignore_index=True),
        )
        matrix = pd.DataFrame(states, columns=["patient_id", "marker_id", "timepoint", "state"])
        from resistance.tables import empty

        return (
            configuration(**analysis),
            cohort,
            conform(markers, schemas.MARKERS),
            conform(matrix, schemas.MATRIX),
            empty(schemas.SUBTYPES),
        )

    def answers(self, **analysis: Any) -> pd.DataFrame:
        arguments = self.arguments(**analysis)
        rows = answer(make_plan(*arguments), *arguments)
        check(rows)
        return rows


def check(rows: pd.DataFrame) -> None:
    """What holds of every row of every cohort."""
    p, q = rows["p_value"], rows["q_value"]
    assert p.dropna().between(0, 1).all()
    assert q.dropna().between(0, 1).all()
    assert (q.isna() == p.isna()).all()
    assert (q.dropna() >= p.dropna() * (1 - 1e-9)).all()
    silent = rows[p.isna() & rows["note"].isna()]
    assert silent.empty, silent["question_id"].tolist()
    failed = rows[~rows["converged"].astype(bool)]
    assert failed[list(NUMBERS)].isna().all(axis=None), failed["question_id"].tolist()
    assert np.isfinite(rows[list(NUMBERS)].to_numpy(dtype=float)[rows[list(NUMBERS)].notna().to_numpy()]).all()
    both = rows.dropna(subset=["effect", "ci_low", "ci_high"])
    assert (both["ci_low"] <= both["effect"]).all()
    assert (both["effect"] <= both["ci_high"]).all()


def of(rows: pd.DataFrame, model: str | None = None, marker: str = "M", endpoint: str | None = None) -> pd.DataFrame:
    keep = rows["marker_id"] == marker
    if model is not None:
        keep &= rows["model"] == model
    if endpoint is not None:
        keep &= rows["endpoint"] == endpoint
    assert keep.any()
    return rows[keep]


MEASURE = "measure:level"


def test_every_kind_of_question_is_among_those_that_are_asked_here() -> None:
    rows = Tiny(80).answers()
    for model, endpoints in MODELS.items():
        assert set(endpoints) <= set(rows.loc[rows["model"] == model, "endpoint"]), model
    for model in ("crude", "adjusted", "interaction", "cut"):
        assert set(of(rows, model, MEASURE)["endpoint"]) == set(ENDPOINTS)
    # and most of them have an answer in a cohort that is not broken
    assert rows["p_value"].notna().mean() > 0.8


@pytest.mark.parametrize(
    ("value", "words"), [(0.0, "no carrier"), (1.0, "no patient without it"), (np.nan, "not assessed in any")]
)
def test_a_marker_that_does_not_vary_or_is_unknown_is_refused_by_name(value: float, words: str) -> None:
    tiny = Tiny()
    tiny.marker, tiny.later = np.full(40, value), np.full(40, value)
    rows = tiny.answers()
    asked = of(rows)
    assert asked["p_value"].isna().all()
    single = asked[~asked["model"].isin(["joint", "time_dependent"])]
    assert single["note"].str.startswith(words).all(), single[["question_id", "note"]].to_string()


def test_a_measure_that_does_not_vary_or_is_unknown_is_refused_by_name() -> None:
    tiny = Tiny()
    tiny.level = np.full(40, 3.0)
    assert set(of(tiny.answers(), marker=MEASURE)["note"]) == {"the measure does not vary"}
    tiny.level = np.full(40, np.nan)
    assert set(of(tiny.answers(), marker=MEASURE)["note"]) == {"not measured in any patient"}


@pytest.mark.parametrize("events", [0, 1])
def test_next_to_no_event_asks_nothing_of_survival(events: int) -> None:
    tiny = Tiny()
    tiny.code = (np.arange(40) < events).astype(int)
    rows = tiny.answers()
    timed = rows[rows["endpoint"].isin(TIMED)]
    assert timed["p_value"].isna().all()
    assert timed["note"].str.contains(r"fewer than \d+ events").all(), timed[["question_id", "note"]].to_string()


def test_no_event_in_one_arm_leaves_no_p_without_a_fit() -> None:
    tiny = Tiny(60)
    tiny.code[tiny.imid] = 0
    tiny.response[tiny.imid] = 1
    rows = tiny.answers()
    found = of(rows, "interaction")
    unfit = found[found["endpoint"].isin(["response", *TIMED]) & found["p_value"].isna()]
    assert unfit["note"].notna().all()


def test_perfect_separation_is_finite_or_named() -> None:
    tiny = Tiny(60)
    tiny.response = tiny.marker.copy()
    tiny.best = 3 * tiny.marker
    tiny.code = np.where(tiny.marker == 1, 1, 0)
    rows = tiny.answers()
    for model in ("crude", "adjusted"):
        found = of(rows, model, endpoint="response").iloc[0]
        assert found["p_value"] < 1e-6
    assert of(rows, "adjusted", endpoint="response")["separated"].all()
    assert np.isfinite(of(rows, "adjusted", endpoint="response")["effect"]).all()
    assert of(rows, "adjusted", endpoint="os")["separated"].all()


def test_collinear_covariates_are_named() -> None:
    tiny = Tiny(60)
    tiny.ldh = 2 * tiny.age + 1
    rows = tiny.answers()
    found = of(rows, "adjusted")
    told = found[found["p_value"].isna()]
    assert {"response", "ic50", "os"} <= set(told["endpoint"])
    assert told["note"].str.contains("age_years").all(), told[["question_id", "note"]].to_string()
    assert told["note"].str.contains("ldh").all()


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_times_of_zero_are_counted_not_crashed_on(share: float) -> None:
    tiny = Tiny()
    tiny.days[: int(share * 40)] = 0.0
    rows = tiny.answers()
    assert (of(rows, "crude", endpoint="os")["n"] == 40).all()


def test_a_negative_time_does_not_enter_the_tables() -> None:
    from resistance.errors import InputError

    tiny = Tiny()
    tiny.days[3] = -1.0
    with pytest.raises(InputError, match=r"time_days.*-1"):
        tiny.answers()


def test_ties_everywhere_have_an_answer() -> None:
    tiny = Tiny(60)
    tiny.days, tiny.ic50, tiny.level = np.full(60, 100.0), np.repeat([0.0, 1.0], 30), np.arange(60) % 2.0
    rows = tiny.answers()
    assert of(rows, "crude", MEASURE)["p_value"].notna().all()
    assert of(rows, "crude", endpoint="os")["p_value"].notna().all()


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_fewer_patients_than_columns_are_no_estimate(n: int) -> None:
    rows = Tiny(n).answers(covariates=["age_years", "ldh", "imid"])
    linear = rows[(rows["model"] == "adjusted") & (rows["endpoint"] == "ic50")]
    assert linear["p_value"].isna().all()


def test_an_endpoint_without_variation_is_no_finding() -> None:
    tiny = Tiny()
    tiny.response, tiny.best, tiny.ic50 = np.ones(40), np.full(40, 2.0), np.full(40, 1.5)
    rows = tiny.answers()
    flat = rows[rows["endpoint"].isin(["response", "best", "ic50"])]
    assert (flat["p_value"].isna() | (flat["p_value"] == 1)).all(), flat[["question_id", "p_value", "note"]].to_string()


@pytest.mark.parametrize("turned", [1.0, -2.5])
def test_a_measure_that_is_the_outcome_is_named(turned: float) -> None:
    tiny = Tiny()
    tiny.level = turned * tiny.ic50 + 7
    rows = of(tiny.answers(), marker=MEASURE, endpoint="ic50")
    assert rows["p_value"].isna().all()
    assert rows["note"].str.contains("is the outcome itself").all(), rows[["question_id", "note"]].to_string()


def test_a_covariate_that_is_the_outcome_is_named() -> None:
    tiny = Tiny()
    tiny.ldh = -tiny.ic50
    rows = of(tiny.answers(), "adjusted", endpoint="ic50")
    assert rows["note"].str.contains("ldh is the outcome itself").all()


def test_a_missing_covariate_in_everybody_refuses_only_what_needs_it() -> None:
    tiny = Tiny()
    tiny.ldh = np.full(40, np.nan)
    rows = tiny.answers()
    assert set(of(rows, "adjusted")["note"]) == {"no patient has all covariates known"}
    assert of(rows, "crude")["p_value"].notna().all()


@pytest.mark.parametrize("power", [-150, -12, 12, 150])
def test_a_measure_in_extreme_units_gives_the_same_p(power: int) -> None:
    """Counts per litre and per picolitre: a p must not depend on the unit."""
    usual, scaled = Tiny(60), Tiny(60)
    scaled.level = scaled.level * 10.0**power
    models = ["crude", "adjusted"]
    one, two = (
        t.answers(covariates=["age_years"], treatment_interaction=False).set_index("question_id") for t in (usual, scaled)
    )
    keep = (one["marker_id"] == MEASURE) & one["model"].isin(models) & one["p_value"].notna()
    assert keep.sum() >= 8
    there = two.loc[keep[keep].index]
    lost = there[there["p_value"].isna()]
    if abs(power) <= 12:
        assert lost.empty, lost["note"].to_string()
    assert there["p_value"].dropna().to_numpy() == pytest.approx(
        one.loc[there["p_value"].dropna().index, "p_value"].to_numpy(), rel=1e-5
    )


def test_delayed_entry_after_the_end_is_counted_out_not_crashed_on() -> None:
    tiny = Tiny(60)
    tiny.entry = np.minimum(tiny.days / 2, 10.0)
    tiny.answers()


def test_a_population_without_the_reference_class_of_a_covariate_is_still_adjusted() -> None:
    """The commonest class of the cohort is the reference; a population may have none of it (two tissues of many)."""
    from resistance.stats.linear import linear

    tiny = Tiny(60)
    tiny.sex = np.array(["female"] * 28 + ["male"] * 32)
    names = np.array((["north"] * 40 + ["south"] * 12 + ["west"] * 8), dtype=object)
    arguments = list(tiny.arguments(covariates=["ldh"], populations={"few": {"label": "South and west"}}))
    patients = arguments[1].patients.assign(ldh=names, **{"population:few": names != "north"})
    arguments[1] = type(arguments[1])(**(vars(arguments[1]) | {"patients": patients}))
    rows = answer(make_plan(*arguments), *arguments)
    found = rows.set_index("question_id").loc["few/ic50/M/adjusted/present"]
    assert found["converged"], found["note"]
    mine = names != "north"
    design = np.column_stack([tiny.marker, names == "west"])[mine].astype(float)
    assert found["effect"] == pytest.approx(linear(tiny.ic50[mine], design).coef[0], rel=1e-9)


@pytest.mark.parametrize("what", ["marker", "level"])
def test_a_marker_that_says_who_had_the_outcome_is_told_of_beside_its_p(what: str) -> None:
    tiny = Tiny()
    tiny.level = tiny.marker.copy()
    tiny.response, tiny.code = 1 - tiny.marker, (tiny.marker == 1).astype(int)
    name, label = {"marker": ("M", "M"), "level": (MEASURE, "level")}[what]
    rows = tiny.answers()
    for endpoint in ("response", "os"):
        found = of(rows, "crude", name, endpoint)
        words = f"{label} says of every patient who had the outcome: is one of them made from the other?"
        assert found["note"].str.contains(words, regex=False).all(), found[["question_id", "note"]].to_string()
    # one patient in whom they differ is no copy
    tiny.response[0], tiny.code[0] = 1 - tiny.response[0], 1 - tiny.code[0]
    assert not tiny.answers()["note"].str.contains("made from").any()


def test_a_flag_that_says_who_had_the_outcome_is_told_of_among_many_markers() -> None:
    from resistance.associate.questions import enumerate_questions
    from resistance.associate.setting import make_setting
    from resistance.associate.together import answered_together

    tiny = Tiny()
    tiny.response = tiny.marker.copy()
    arguments = tiny.arguments()
    setting = make_setting(*arguments, None)
    together = answered_together(enumerate_questions(arguments[0], setting), arguments[0], setting, least=1)
    assert "all/response/OTHER/adjusted/present" in together
    # left to the careful way, which warns
    assert "all/response/M/adjusted/present" not in together


def test_a_covariate_that_says_who_had_the_outcome_leaves_nothing_to_explain() -> None:
    tiny = Tiny()
    tiny.ldh = 5 - 2 * tiny.response
    found = of(tiny.answers(), "adjusted", endpoint="response")
    assert found["p_value"].isna().all()
    assert found["note"].str.startswith("no estimate: ldh is the outcome itself (it says of every patient who had it)").all()


@pytest.mark.parametrize(("bent", "endpoint"), [(np.log1p, "os"), (np.negative, "os"), (np.exp, "ic50")])
def test_a_measure_in_the_order_of_the_outcome_is_named(bent: Callable[[Any], Any], endpoint: str) -> None:
    tiny = Tiny()
    tiny.level = bent(tiny.days if endpoint == "os" else tiny.ic50)
    rows = of(tiny.answers(), marker=MEASURE, endpoint=endpoint)
    assert rows["p_value"].isna().all()
    assert rows["note"].str.contains("level is the outcome itself").all(), rows[["question_id", "note"]].to_string()


def test_a_measure_of_few_patients_may_be_in_the_order_of_the_outcome() -> None:
    tiny = Tiny(6)
    tiny.level = np.exp(tiny.ic50)
    assert of(tiny.answers(), "crude", MEASURE, "ic50")["p_value"].notna().all()


def test_an_outcome_that_follows_the_marker_exactly_is_told_by_its_name() -> None:
    tiny = Tiny()
    tiny.ic50 = 3 * tiny.marker + 1
    rows = tiny.answers()
    found = rows[
        (rows["endpoint"] == "ic50") & rows["model"].isin(["adjusted", "joint", "interaction"]) & (rows["marker_id"] == "M")
    ]
    assert len(found) == 3
    assert found["note"].str.startswith("no estimate: the outcome follows M exactly; is it a copy of it, or made from it?").all()
    assert not rows["note"].str.contains(r"column \d").any()


def test_an_ordered_outcome_that_all_carriers_have_at_one_end_has_the_p_of_its_ranks() -> None:
    """All carriers progress: no odds ratio, but no finding is clearer."""
    from scipy.stats import hypergeom

    tiny = Tiny(60)
    tiny.best = np.where(tiny.marker == 1, 0.0, 1.0 + np.arange(60) % 3)
    found = of(tiny.answers(), "crude", endpoint="best").iloc[0]
    carriers = int(tiny.marker.sum())
    # of all ways to choose the carriers, the one with the lowest ranks of all (its mirror is not as far: fewer at that end)
    assert found["p_value"] == pytest.approx(hypergeom.pmf(carriers, 60, carriers, carriers), rel=1e-6)
    assert np.isnan(found["effect"])
    assert "p by permuting ranks" in found["note"]


def test_one_patient_apart_is_too_few_for_an_ordered_outcome() -> None:
    tiny = Tiny(60)
    tiny.best = 3.0 * (np.arange(60) == 3)
    found = of(tiny.answers(), marker=MEASURE, endpoint="best")
    models = found[found["model"].isin(["crude", "adjusted", "interaction"])]
    assert set(models["note"]) == {"fewer than 2 patients outside the commonest category"}
    assert not tiny.answers()["note"].str.contains("nan").any()


@pytest.mark.parametrize("unit", [1e200, 1e-200])
def test_a_unit_in_which_nothing_can_be_computed_is_named(unit: float) -> None:
    """The squares of such numbers are beyond a computer's."""
    tiny = Tiny()
    tiny.level, tiny.ldh = tiny.level * unit, tiny.ldh * unit
    rows = tiny.answers(covariates=["age_years"], missing="multiple_imputation", imputations=2)
    asked = of(rows, marker=MEASURE)
    assert asked["p_value"].isna().all()
    words = "no estimate: level has values beyond 1e+150 or differences below 1e-150: give it in another unit"
    assert set(asked["note"]) == {words}


@pytest.mark.parametrize("missing", ["complete_cases", "multiple_imputation"])
def test_a_covariate_in_a_unit_in_which_nothing_can_be_computed_is_named(missing: str) -> None:
    tiny = Tiny()
    tiny.ldh = tiny.ldh * 1e200
    rows = tiny.answers(missing=missing, imputations=2, treatment_interaction=False)
    adjusted = rows[rows["model"].isin(["adjusted", "imputed"])]
    assert adjusted["note"].str.startswith("no estimate: ldh has values beyond 1e+150").all()
    assert of(rows, "crude")["p_value"].notna().any()


@pytest.mark.parametrize("missing", ["complete_cases", "multiple_imputation"])
def test_the_order_of_rows_changes_no_digit(missing: str) -> None:
    """Permutations and imputations draw for places: a file that is sorted anew must not change them."""
    tiny = Tiny(30, 4)
    tiny.ldh[::5], tiny.marker[::7] = np.nan, np.nan
    asked = {"missing": missing, "imputations": 3, "multiplicity": {"method": "ihw", "family_wise": "max_t"}}
    one = tiny.arguments(**asked)
    draw = np.random.default_rng(1)

    def shuffled(table: pd.DataFrame) -> pd.DataFrame:
        return table.iloc[draw.permutation(len(table))].reset_index(drop=True)

    config, cohort, *tables = one
    changed = {name: shuffled(getattr(cohort, name)) for name in ("patients", "samples", "endpoints")}
    two = config, type(cohort)(**(vars(cohort) | changed)), *(shuffled(table) for table in tables)
    pd.testing.assert_frame_equal(answer(make_plan(*one), *one), answer(make_plan(*two), *two), check_exact=True)


def test_pooled_answers_speak_of_events_only_where_there_are_events() -> None:
    tiny = Tiny()
    tiny.ldh[::5] = np.nan
    rows = tiny.answers(missing="multiple_imputation", imputations=2, treatment_interaction=False)
    pooled = of(rows, "imputed").set_index("endpoint")["note"]
    assert "few carriers (" in pooled["best"]
    for endpoint in ("best", "ic50"):
        assert "with an event" not in pooled[endpoint]
    assert "few carriers with an event" in pooled["os"]


def test_a_measure_that_is_adjusted_for_stands_in_its_own_interaction_once() -> None:
    tiny = Tiny(60)
    both = ["age_years", "level"]
    measures = [{"name": "level", "variable": "level", "scale": "rank"}]
    one, two = (
        tiny.answers(covariates=names, measures=measures).set_index("question_id") for names in (["age_years"], both)
    )  # fmt: skip
    for endpoint in ENDPOINTS:
        row = f"all/{endpoint}/{MEASURE}/interaction/present:imid"
        assert "level" not in str(two.loc[row, "adjusted_for"])
        assert two.loc[row, "p_value"] == one.loc[row, "p_value"], endpoint


@pytest.mark.parametrize(
    ("value", "words"),
    [("inf", "is not a finite number"), ("-inf", "is not a finite number"), ("high", "is not a number, as it is")],
)
def test_a_covariate_that_is_no_number_in_one_patient_is_named_with_the_patient(value: str, words: str) -> None:
    """As classes, every other number would be a column of its own."""
    from resistance.errors import InputError

    tiny = Tiny()
    arguments = list(tiny.arguments())
    cells = [str(x) for x in tiny.ldh]
    cells[7] = value
    cohort = arguments[1]
    arguments[1] = type(cohort)(**(vars(cohort) | {"patients": cohort.patients.assign(ldh=cells)}))
    with pytest.raises(InputError, match=rf"patients.*'ldh'.*'{value} \(patient P007\)': {words}.*Correct it"):
        make_plan(*arguments)


def test_a_measure_of_words_is_refused_with_the_word_and_one_without_any_value_by_its_row() -> None:
    from resistance.errors import InputError

    def asked(words: list[str | None]) -> pd.DataFrame:
        arguments = list(Tiny().arguments())
        cohort = arguments[1]
        arguments[1] = type(cohort)(
            **(vars(cohort) | {"patients": cohort.patients.assign(level=pd.Series(words, dtype="string"))})
        )
        return answer(make_plan(*arguments), *arguments)

    with pytest.raises(InputError, match=r"'high \(patient P003\)': the measure is no number"):
        asked(["1.5", None, "2", "high", *["3"] * 36])
    assert set(of(asked([None] * 40), marker=MEASURE)["note"]) == {"not measured in any patient"}


def test_an_ordered_outcome_that_carriers_separate_has_a_bound_and_a_p_beside_covariates() -> None:
    """R 4.2.2, ordinal 2022.11-16: see tests/stats/test_ordinal_separated.py for the call."""
    tiny = Tiny()
    tiny.marker = np.where(np.arange(tiny.n) % 5 == 0, 1.0, 0.0)
    tiny.best = np.where(tiny.marker == 1, 3.0, tiny.best)
    rows = tiny.answers(strata=[])
    adjusted, crude = of(rows, "adjusted", endpoint="best").iloc[0], of(rows, "crude", endpoint="best").iloc[0]
    for row in (adjusted, crude):
        assert (bool(row["converged"]), bool(row["separated"])) == (True, True)
        assert np.isnan(row["effect"])
        assert np.isnan(row["ci_high"])
        assert row["ci_low"] > 0
        assert row["p_value"] < 0.05
        assert row["note"].startswith("odds ratio infinite (separation): at least ")
    assert (
        crude["note"].endswith("p by permuting ranks")
        or "ordinal_permutation" in crude["method"]
        or "permuting" in crude["method"]
    )
    # few carriers: the interval is asymptotic, the p of the permuted ranks is not
    assert "the interval is approximate" in crude["note"]
    assert "interval and p are approximate" in adjusted["note"]
    # one or two carriers have a bound and no asymptotic p
    tiny.marker = np.where(np.arange(tiny.n) < 2, 1.0, 0.0)
    tiny.best = np.where(tiny.marker == 1, 3.0, np.minimum(tiny.best, 3))
    few = of(tiny.answers(strata=[]), "adjusted", endpoint="best").iloc[0]
    assert np.isnan(few["p_value"])
    assert np.isfinite(few["ci_low"])
    assert "not tested with fewer than 3" in few["note"]


def test_where_nothing_can_be_permuted_the_covariate_is_named_and_few_events_have_no_p() -> None:
    """A covariate without events on one side has no residuals; the penalised ratio then needs carriers with events."""
    tiny = Tiny(60)
    tiny.marker = (np.arange(60) < 2).astype(float)
    tiny.ldh = (np.arange(60) >= 50).astype(float)
    tiny.code = np.where((tiny.ldh == 1) | (np.arange(60) % 4 == 3), 0, 1)
    row = of(tiny.answers(strata=[], covariates=["ldh"]), "adjusted", endpoint="os").iloc[0]
    assert (
        "p by the penalised likelihood ratio, since nothing can be permuted (ldh: no finite effect without the penalty)"
        in row["note"]
    )
    assert row["carrier_events"] == 2
    assert np.isnan(row["p_value"])
    assert "not tested with fewer than 3 (analysis.min_carrier_events)" in row["note"]
    tiny.marker = (np.arange(60) < 4).astype(float)
    assert np.isfinite(of(tiny.answers(strata=[], covariates=["ldh"]), "adjusted", endpoint="os").iloc[0]["p_value"])


def test_a_single_carrier_of_a_number_has_no_interval_of_the_shift_and_says_so() -> None:
    tiny = Tiny()
    tiny.marker = (np.arange(tiny.n) == 3).astype(float)
    row = of(tiny.answers(), "crude", endpoint="ic50").iloc[0]
    assert np.isfinite(row["effect"])
    assert np.isnan(row["ci_low"])
    assert "no interval of the shift: 1 v 39 allow none" in row["note"]


def test_ordered_and_continuous_outcomes_have_no_events_in_plan_and_results() -> None:
    """An ordered outcome is coded 0, 1, 2 ...: patients of the second category are not 'events'."""
    arguments = Tiny().arguments()
    plan = make_plan(*arguments)
    rows = answer(plan, *arguments)
    counted = rows["endpoint"].isin(["response", *TIMED])
    assert rows.loc[counted, "events"].notna().all()
    assert rows.loc[~counted, ["events", "carrier_events"]].isna().all().all()
    assert {q["endpoint"] for q in plan["questions"] if q["events"] is None} == {"best", "ic50"}
    (everyone,) = plan["populations"]
    assert {name: x["events"] is None for name, x in everyone["endpoints"].items()} == {
        "response": False, "best": True, "ic50": True, "os": False, "relapse": False,
    }  # fmt: skip


def test_a_cut_is_not_searched_where_patients_came_late() -> None:
    """Its scores count everybody as at risk from time zero."""
    tiny = Tiny()
    tiny.entry = np.where(np.arange(tiny.n) < 5, 1.0, 0.0)
    tiny.days += 2
    late = of(tiny.answers(), "cut", MEASURE)
    timed = late["endpoint"].isin(TIMED)
    assert set(late.loc[timed, "note"]) == {
        "patients came under observation late (delayed entry), for which the search of a cut has no test"
    }
    assert late.loc[timed, "p_value"].isna().all()
    assert late.loc[~timed, "p_value"].notna().all()


def test_a_marker_that_is_found_after_the_end_of_follow_up_makes_no_carrier() -> None:
    """Counted by hand: samples are taken on day 0 and day 20, here everybody's follow-up ends on day 10."""
    tiny = Tiny()
    tiny.days = np.full(tiny.n, 10.0)
    row = of(tiny.answers(), "time_dependent", endpoint="os").iloc[0]
    at_start, died = tiny.marker == 1, tiny.code == 1
    assert (row["n"], row["carriers"], row["carrier_events"]) == (40, at_start.sum(), (at_start & died).sum())
    # with longer follow-up a patient is a carrier from either sample, and had the event with the marker by the last one
    tiny.days, tiny.later = np.full(tiny.n, 50.0), np.where(np.arange(tiny.n) < 20, 0.0, tiny.later)
    row = of(tiny.answers(), "time_dependent", endpoint="os").iloc[0]
    ever, last = at_start | (tiny.later == 1), tiny.later == 1
    assert (row["carriers"], row["carrier_events"]) == (ever.sum(), (last & died).sum())
    assert (ever & died).sum() > (last & died).sum()


def test_nobody_at_risk_is_no_patient_of_a_time_dependent_question() -> None:
    tiny = Tiny()
    tiny.days = np.zeros(tiny.n)
    row = of(tiny.answers(), "time_dependent", endpoint="os").iloc[0]
    assert (row["n"], row["events"], row["carriers"]) == (0, 0, 0)
    assert row["note"] == "no patient has time at risk after the marker was first known"


def _broken(kind: str) -> Callable[[np.random.Generator, int], Any]:
    values: dict[str, Callable[[np.random.Generator, int], Any]] = {
        "constant": lambda draw, n: np.full(n, float(draw.integers(0, 2))),
        "missing": lambda draw, n: np.full(n, np.nan),
        "one": lambda draw, n: (np.arange(n) == draw.integers(n)).astype(float),
        "usual": lambda draw, n: (draw.random(n) < 0.5).astype(float),
        "gaps": lambda draw, n: np.where(draw.random(n) < 0.5, np.nan, (draw.random(n) < 0.5).astype(float)),
    }
    return values[kind]


SHAPES = st.sampled_from(["constant", "missing", "one", "usual", "gaps"])


@pytest.mark.long
@settings(max_examples=12, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    n=st.integers(1, 24), seed=st.integers(0, 10_000), marker=SHAPES, other=SHAPES, response=SHAPES, level=SHAPES, ldh=SHAPES,
    events=SHAPES, imid=SHAPES, days=st.sampled_from(["usual", "tied", "zero"]), same=st.booleans(),
)  # fmt: skip
def test_no_small_cohort_makes_it_stumble(
    n: int, seed: int, marker: str, other: str, response: str, level: str, ldh: str, events: str, imid: str, days: str, same: bool,
) -> None:  # fmt: skip
    draw, tiny = np.random.default_rng(seed), Tiny(n, seed)
    tiny.marker, tiny.other, tiny.later = (_broken(kind)(draw, n) for kind in (marker, other, marker))
    tiny.response, tiny.level, tiny.ldh = (_broken(kind)(draw, n) for kind in (response, level, ldh))
    tiny.best, tiny.ic50 = 3 * tiny.response, tiny.response + (0 if same else 1) * tiny.ic50
    tiny.code = np.nan_to_num(_broken(events)(draw, n)).astype(int) * draw.integers(1, 3, n)
    armed = _broken(imid)(draw, n)
    tiny.imid = np.array([None if np.isnan(x) else bool(x) for x in armed], dtype=object)
    tiny.days = {"usual": tiny.days, "tied": np.full(n, 50.0), "zero": np.where(draw.random(n) < 0.5, 0.0, 40.0)}[days]
    tiny.answers()
