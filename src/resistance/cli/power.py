"""Plan a study."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import rich_click as click


@click.group()
def power() -> None:
    """Plan a study: power, what is detectable, patients and events needed.

    Give numbers of patients or events, an effect, or both: what is missing is answered. Shares are fractions (0.25).
    """


LEVEL = (
    click.option("--alpha", default=0.05, show_default=True, help="Level (two-sided) of the whole family of tests."),
    click.option("--tests", default=1, show_default=True, help="Tests of the family, those not run too."),
    click.option("--adjust", type=click.Choice(["bonferroni", "fdr"]), default="bonferroni", show_default=True),
    click.option("--true-effects", default=1.0, show_default=True, help="With fdr: tests expected to have the effect."),
    click.option("--power", "wanted", default=0.8, show_default=True, help="Wanted power."),
    click.option("--detectable", is_flag=True, help="Ask what is detectable, whatever the effect."),
    click.option("--json", "as_json", is_flag=True, help="JSON instead of a table."),
)


def _planned(plan: str, *effects: str) -> Callable[[Callable[[], None]], Callable[..., None]]:
    """Make a command, of which only the name and the words are given, ask a plan of `planning`; `effects` are what may be detectable."""

    def decorate(command: Callable[[], None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(
            alpha: float, tests: int, adjust: str, true_effects: float, wanted: float, detectable: bool, as_json: bool, **options: Any
        ) -> None:  # fmt: skip
            from resistance import planning

            if detectable:
                options |= dict.fromkeys(effects)
            level = planning.Level(alpha, tests, "fdr" if adjust == "fdr" else "bonferroni", true_effects, wanted)
            found = getattr(planning, plan)(level=level, **options)
            click.echo(found.json() if as_json else found.text())

        asked: Callable[..., None] = run
        for option in reversed(LEVEL):
            asked = option(asked)
        return asked

    return decorate


def _strata(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[tuple[int, float, float]]:
    found = []
    for value in values:
        parts = value.split(":")
        try:
            size, share, rate = parts
            found.append((int(size), float(share), float(rate)))
        except ValueError as error:
            raise click.BadParameter(f"'{value}' is not PATIENTS:CARRIERS:RATE, such as 80:0.1:0.4") from error
    return found


def _shares(context: click.Context, parameter: click.Parameter, value: str | None) -> list[float] | None:
    try:
        return None if value is None else [float(part) for part in value.split(",")]
    except ValueError as error:
        raise click.BadParameter(f"'{value}' is not a list of fractions, such as 0.2,0.3,0.5") from error


_simulate = click.option("--simulate", default=0, type=click.IntRange(0), help="Simulate this many cohorts.")


_seed = click.option("--seed", default=1, show_default=True, type=click.IntRange(0))


_carriers = click.option("--prevalence", type=float, required=True, help="Share of carriers.")


_patients = click.option("--n", type=int, help="Patients.")


@power.command("binary")
@_carriers
@click.option("--rate", type=float, required=True, help="Probability of the outcome without the marker.")
@click.option("--odds-ratio", type=float, help="Planned effect.")
@click.option("--rate-carriers", type=float, help="Planned effect: probability of the outcome with the marker.")
@_patients
@click.option("--method", type=click.Choice(["fisher", "boschloo", "z_pooled", "firth"]), help="Only this test (default: all).")
@_simulate
@_seed
@click.option(
    "--stratum", "strata", multiple=True, callback=_strata, metavar="PATIENTS:CARRIERS:RATE",
    help="A stratum (COO) of the simulation. Can be given several times.",
)  # fmt: skip
@_planned("plan_binary", "odds_ratio", "rate_carriers")
def power_binary() -> None:
    """Binary marker, binary outcome: exact power of Fisher's, Boschloo's, the pooled z and Firth's test."""


@power.command("survival")
@click.option("--prevalence", type=float, help="Share of carriers.")
@click.option("--spread", type=float, help="Standard deviation of a continuous marker, in place of --prevalence.")
@click.option("--hazard-ratio", type=float, help="Planned effect (of a continuous marker per unit).")
@click.option("--events", type=float, help="Events in all patients.")
@_patients
@click.option("--r-squared", default=0.0, help="Share of the marker's variance that covariates explain.")
@click.option("--median", type=float, help="Median time to the event without the marker: gives the events, with --n.")
@click.option("--accrual", default=0.0, help="Duration of accrual, same unit as the median.")
@click.option("--follow-up", type=float, help="Follow-up after the last patient, same unit.")
@click.option("--loss", default=0.0, help="Hazard of loss to follow-up, per unit.")
@_simulate
@click.option("--permutations", default=999, show_default=True, type=click.IntRange(1))
@_seed
@_planned("plan_survival", "hazard_ratio")
def power_survival() -> None:
    """Marker and a time to an event: Schoenfeld, Hsieh and Lavori; the permutation test by simulation."""


@power.command("ordinal")
@_carriers
@click.option(
    "--shares", required=True, callback=_shares, metavar="A,B,...",
    help="Share of each category without the marker, from the one a ratio above 1 makes more frequent.",
)  # fmt: skip
@click.option("--odds-ratio", type=float, help="Planned effect, common to all cuts.")
@_patients
@_planned("plan_ordinal", "odds_ratio")
def power_ordinal() -> None:
    """Binary marker, ordinal outcome (CR, PR, SD, PD): Whitehead."""


@power.command("continuous")
@click.option(
    "--endpoint", type=click.Choice(["number", "binary", "survival"]), default="number", show_default=True,
    help="number: a binary marker; binary, survival: a continuous marker.",
)  # fmt: skip
@click.option("--prevalence", type=float, help="Share of carriers (number).")
@click.option("--rate", type=float, help="Probability of the outcome at the marker's mean (binary).")
@click.option("--effect", type=float, help="Shift in standard deviations; odds or hazard ratio per standard deviation.")
@_patients
@click.option("--events", type=float, help="Events (survival).")
@click.option("--r-squared", default=0.0, help="Share of the marker's variance that covariates explain.")
@_planned("plan_continuous", "effect")
def power_continuous() -> None:
    """Continuous endpoint (log IC50) or continuous marker (expression, score)."""


@power.command("interaction")
@click.option("--endpoint", type=click.Choice(["survival", "binary"]), default="survival", show_default=True)
@_carriers
@click.option("--arm", default=0.5, show_default=True, help="Share of patients in the treatment arm.")
@click.option("--ratio", type=float, help="Planned ratio of hazard (odds) ratios, carriers over the others.")
@click.option("--events", type=float, help="Events in all patients (survival).")
@_patients
@click.option(
    "--rates",
    callback=_shares,
    metavar="A,B,C",
    help="Outcome in: others in control, others treated, carriers in control (binary).",
)
@_planned("plan_interaction", "ratio")
def power_interaction() -> None:
    """Marker x treatment: is the marker predictive? Needs four times the events of a marker's own effect."""
