"""Plans: the numbers are those of the statistics, what is missing is answered, what is wrong is refused in words."""

from __future__ import annotations

import json

import pytest

from resistance import cli, planning
from resistance.errors import InputError
from resistance.stats import power_models as models
from resistance.stats.power_proportions import power_two_proportions


def values(plan: planning.Plan, what: str) -> dict[str, float | None]:
    return {row.method: row.value for row in plan.rows if row.what == what}


def run(*arguments: str) -> None:
    cli.main(["power", *arguments])


LEVEL = planning.Level()


def test_a_binary_plan_has_the_exact_power_of_every_test() -> None:
    plan = planning.plan_binary(prevalence=0.15, rate=0.5, rate_carriers=0.2, n=120, level=planning.Level(tests=2))
    power = values(plan, "power")
    for key, name in planning.EXACT:
        exact = power_two_proportions(0.2, 0.5, 18, 102, method=key, alpha=0.025)
        assert power[name] == exact.power
    assert plan.assumptions["odds ratio"] == pytest.approx(0.25)
    assert plan.assumptions["of them carriers"] == 18
    needed = values(plan, "patients needed")
    assert set(needed) == {"Fisher", "Boschloo"}
    assert (
        planning.plan_binary(prevalence=0.15, rate=0.5, odds_ratio=0.25, n=120, level=planning.Level(tests=2)).rows == plan.rows
    )


def test_what_is_detectable_has_the_power() -> None:
    plan = planning.plan_binary(prevalence=0.2, rate=0.4, n=80, level=LEVEL, method="boschloo")
    for side in ("below", "above"):
        ratio = values(plan, f"detectable odds ratio {side} 1")["Boschloo"]
        rate = 0.4 * ratio / (1 + 0.4 * (ratio - 1))
        assert power_two_proportions(rate, 0.4, 16, 64).power == pytest.approx(0.8, abs=1e-6)
    assert not values(plan, "power")


def test_a_marker_that_can_never_be_significant_is_said_to_be_so() -> None:
    plan = planning.plan_binary(prevalence=0.02, rate=0.5, n=60, level=planning.Level(tests=1000))
    assert values(plan, "least p")["Fisher"] > 0.05 / 1000
    assert any("need not be tested" in note for note in plan.notes)
    assert values(plan, "detectable odds ratio above 1")["Fisher"] is None


def test_a_liberal_test_is_named() -> None:
    plan = planning.plan_binary(prevalence=8 / 60, rate=0.3, rate_carriers=0.8, n=60, level=LEVEL, method="firth")
    assert any("the true level is up to" in note for note in plan.notes)


def test_events_follow_from_accrual_and_the_power_from_events() -> None:
    from math import log, sqrt

    plan = planning.plan_survival(prevalence=0.1, hazard_ratio=2.5, n=150, median=18, accrual=24, follow_up=12, level=LEVEL)
    one = {"accrual": 24, "follow_up": 12}
    others = models.expected_events(135, log(2) / 18, **one)
    carriers = models.expected_events(15, 2.5 * log(2) / 18, **one)
    assert values(plan, "events expected")["exponential times"] == pytest.approx(others + carriers)
    assert values(plan, "power")["Cox, log-rank"] == pytest.approx(models.power_cox(2.5, 0.3, others + carriers))
    assert values(plan, "events needed")["Cox, log-rank"] == models.events_log_rank(2.5, 0.1)
    above = values(plan, "detectable hazard ratio above 1")["Cox, log-rank"]
    assert above == pytest.approx(models.detectable_cox(sqrt(0.09), others + carriers))
    assert values(plan, "detectable hazard ratio below 1")["Cox, log-rank"] == pytest.approx(1 / above)
    assert any("permutation" in note for note in plan.notes)
    # months or weeks
    weeks = planning.plan_survival(
        prevalence=0.1, hazard_ratio=2.5, n=150, median=18 * 4.35, accrual=24 * 4.35, follow_up=12 * 4.35, level=LEVEL
    )
    assert values(weeks, "power")["Cox, log-rank"] == pytest.approx(values(plan, "power")["Cox, log-rank"])


def test_simulations_carry_their_interval_and_their_true_level() -> None:
    plan = planning.plan_survival(
        prevalence=0.2,
        hazard_ratio=4,
        n=60,
        median=10,
        accrual=5,
        follow_up=20,
        level=LEVEL,
        simulate=40,
        permutations=99,
        seed=3,
    )
    assert values(plan, "power")["permutation, simulated"] > 0.5
    assert values(plan, "true level")["permutation, simulated"] < 0.2
    strata = [(40, 0.1, 0.3), (40, 0.3, 0.6)]
    binary = planning.plan_binary(
        prevalence=0.2, rate=0.4, odds_ratio=6, level=LEVEL, simulate=200, strata=strata, method="fisher"
    )
    again = planning.plan_binary(
        prevalence=0.2, rate=0.4, odds_ratio=6, level=LEVEL, simulate=200, strata=strata, method="fisher"
    )
    assert binary == again
    assert values(binary, "power")["Firth, simulated"] > values(binary, "true level")["Firth, simulated"]


def test_too_few_permutations_for_the_level_are_noticed() -> None:
    plan = planning.plan_survival(
        prevalence=0.2,
        hazard_ratio=4,
        n=40,
        median=10,
        follow_up=20,
        level=planning.Level(tests=100),
        simulate=2,
        permutations=99,
    )
    assert any("more --permutations" in note for note in plan.notes)


def test_ordinal_continuous_and_interaction_plans_agree_with_their_formulas() -> None:
    shares = [0.1, 0.3, 0.3, 0.3]
    ordinal = planning.plan_ordinal(prevalence=0.2, shares=shares, n=100, odds_ratio=2.5, level=LEVEL)
    mixed = models.mixed_proportions(shares, 2.5, 0.2)
    (power,) = values(ordinal, "power").values()
    assert power == pytest.approx(models.power_ordinal(2.5, mixed, 20, 80))
    for side in ("above", "below"):
        (ratio,) = values(ordinal, f"detectable odds ratio {side} 1").values()
        assert models.power_ordinal(ratio, models.mixed_proportions(shares, ratio, 0.2), 20, 80) == pytest.approx(0.8)
    shift = planning.plan_continuous(endpoint="number", prevalence=0.2, n=80, level=LEVEL)
    assert values(shift, "detectable shift")["t-test"] == pytest.approx(models.detectable_shift(16, 64))
    marker = planning.plan_continuous(endpoint="survival", events=80, effect=1.4, level=LEVEL)
    assert values(marker, "power")["Cox, log-rank"] == pytest.approx(models.power_cox(1.4, 1.0, 80))
    binary = planning.plan_continuous(endpoint="binary", rate=0.4, n=80, effect=1.7, level=LEVEL)
    assert values(binary, "power")["logistic"] == pytest.approx(models.power_logistic_continuous(1.7, 0.4, 80))
    survival = planning.plan_interaction(endpoint="survival", prevalence=0.2, events=200, ratio=2, level=LEVEL)
    assert values(survival, "power")["Cox"] == pytest.approx(models.power_interaction_survival(2, 0.2, 0.5, 200))
    needed = values(survival, "events needed")
    assert needed["Cox"] == pytest.approx(4 * needed["Cox, marker's own effect"], abs=4)
    rates = planning.plan_interaction(endpoint="binary", prevalence=0.2, n=400, rates=[0.3, 0.6, 0.3], ratio=0.25, level=LEVEL)
    # an odds ratio of 3.5 in the others, .875 in carriers
    treated = 0.875 * 3 / 7 / (1 + 0.875 * 3 / 7)
    exact = models.power_interaction_binary([0.3, 0.6, 0.3, treated], [160, 160, 40, 40])
    assert values(rates, "power")["logistic, Wald"] == pytest.approx(exact)


def test_more_tests_cost_power_and_a_false_discovery_rate_costs_less() -> None:
    plan = {"prevalence": 0.3, "hazard_ratio": 2.0, "events": 120}
    powers = [
        values(planning.plan_survival(**plan, level=level), "power")["Cox, log-rank"]
        for level in (LEVEL, planning.Level(tests=200, adjustment="fdr", true_effects=10), planning.Level(tests=200))
    ]
    assert powers == sorted(powers, reverse=True)


def test_text_and_json_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    run("survival", "--prevalence", "0.2", "--events", "80", "--hazard-ratio", "2", "--json")
    content = json.loads(capsys.readouterr().out)
    by_name = {row["what"]: row["value"] for row in content["results"]}
    assert by_name["power"] == pytest.approx(models.power_cox(2, 0.4, 80))
    assert content["assumptions"]["events"] == 80
    run("survival", "--prevalence", "0.2", "--events", "80", "--hazard-ratio", "2")
    text = capsys.readouterr().out
    assert "power" in text
    assert "0.698" in text
    run("binary", "--prevalence", "0.02", "--rate", "0.5", "--n", "40", "--json")
    assert None in [row["value"] for row in json.loads(capsys.readouterr().out)["results"]]


def test_every_command_answers(capsys: pytest.CaptureFixture[str]) -> None:
    run("binary", "--prevalence", "0.2", "--rate", "0.4", "--odds-ratio", "5", "--n", "60", "--detectable", "--method", "fisher")
    assert "rate in carriers:" not in capsys.readouterr().out  # --detectable forgets the effect
    run("ordinal", "--prevalence", "0.2", "--shares", "0.2,0.3,0.5", "--n", "90", "--tests", "5")
    assert "Bonferroni over 5 tests" in capsys.readouterr().out
    run("continuous", "--prevalence", "0.2", "--effect", "0.8")
    assert "patients needed" in capsys.readouterr().out
    run("interaction", "--prevalence", "0.2", "--ratio", "2", "--tests", "50", "--adjust", "fdr")
    assert "false discovery rate over 50 tests" in capsys.readouterr().out
    run("binary", "--prevalence", "0.2", "--rate", "0.4", "--odds-ratio", "5", "--method", "fisher", "--simulate", "50",
        "--stratum", "40:0.1:0.4", "--stratum", "40:0.3:0.5")  # fmt: skip
    assert "Firth, simulated" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["binary", "--prevalence", "15", "--rate", "0.5", "--n", "10"], "--prevalence, value '15.0': must lie between 0 and 1"),
        (["binary", "--prevalence", "0.1", "--rate", "0.5"], "nothing to compute"),
        (["binary", "--prevalence", "0.1", "--rate", "0.5", "--odds-ratio", "2", "--rate-carriers", "0.3"], "not both"),
        (["binary", "--prevalence", "0.1", "--rate", "0", "--odds-ratio", "2"], "no odds ratio starts from a rate of 0 or 1"),
        (["binary", "--prevalence", "0.1", "--rate", "0.5", "--n", "0"], "at least one patient"),
        (["binary", "--prevalence", "0.1", "--rate", "0.5", "--n", "9999"], "the exact enumeration ends at"),
        (["binary", "--prevalence", "0.1", "--rate", "0.5", "--n", "50", "--simulate", "5"], "the simulation needs"),
        (["binary", "--prevalence", "0.1", "--rate", "0.5", "--n", "50", "--alpha", "5"], "the level must lie between 0 and 1"),
        (["binary", "--prevalence", "0.1", "--rate", "0.5", "--n", "50", "--power", "80"], "the power must lie between 0 and 1"),
        (["binary", "--prevalence", "0.1", "--rate", "0.5", "--n", "50", "--tests", "0"], "at least one test"),
        (["survival", "--events", "80"], "share of carriers or the spread"),
        (["survival", "--prevalence", "0.1"], "nothing to compute"),
        (["survival", "--prevalence", "0.1", "--median", "12"], "only with --n and --follow-up"),
        (["survival", "--prevalence", "0.1", "--events", "-3"], "cannot be negative"),
        (["survival", "--prevalence", "0.1", "--events", "30", "--hazard-ratio", "-2"], "must be positive"),
        (["survival", "--prevalence", "0.1", "--events", "30", "--hazard-ratio", "nan"], "must be positive"),
        (["survival", "--prevalence", "0.1", "--events", "30", "--r-squared", "1"], "r_squared: outside"),
        (["survival", "--prevalence", "0.1", "--events", "30", "--hazard-ratio", "2", "--simulate", "5"], "the simulation needs"),
        (["ordinal", "--prevalence", "0.2", "--shares", "0.1,0.3", "--n", "20"], "add up to 1"),
        (["continuous", "--n", "20"], "the share of carriers is needed"),
        (["continuous", "--endpoint", "binary", "--n", "20"], "the probability of the outcome is needed"),
        (["interaction", "--endpoint", "binary", "--prevalence", "0.2", "--n", "50", "--rates", "0.1,0.2"], "three rates"),
        (["interaction", "--prevalence", "0.2", "--events", "50", "--arm", "1"], "--arm"),
        (["interaction", "--prevalence", "0.2", "--events", "50", "--adjust", "fdr", "--true-effects", "9"], "true_effects"),
    ],
)
def test_bad_input_is_a_line_and_exit_code_two(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run(*arguments)
    assert stop.value.code == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize("wrong", [["--stratum", "40:0.1"], ["--stratum", "a:b:c"]])
def test_a_stratum_in_another_form_is_explained(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("binary", "--prevalence", "0.1", "--rate", "0.5", "--n", "50", *wrong)
    assert "PATIENTS:CARRIERS:RATE" in capsys.readouterr().err


def test_the_error_is_one_of_input() -> None:
    with pytest.raises(InputError):
        planning.plan_ordinal(prevalence=0.2, shares=[0.5, 0.5], level=LEVEL)
