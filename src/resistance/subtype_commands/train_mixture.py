"""``resistance subtype train mixture``: a matrix of events -> a Bernoulli mixture as JSON."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from resistance.subtype_commands import options

_path = click.Path(path_type=Path)


def _numbers(context: click.Context, parameter: click.Parameter, value: str) -> list[int]:
    try:
        low, _, high = value.partition("-")
        found = list(range(int(low), int(high or low) + 1))
    except ValueError as error:
        raise click.BadParameter(f"'{value}' is no number or range, such as 5 or 2-8") from error
    if not found or found[0] < 1 or found[-1] > 50:
        raise click.BadParameter(f"'{value}': from 1 to 50, the lower number first")
    return found


@click.command("mixture")
@click.option("--matrix", type=_path, required=True, help="Coded events (above 0: present; NA: not seen): events in rows.")
@options.samples_in_rows
@click.option(
    "--classes", default="2-8", show_default=True, callback=_numbers, help="Number of classes, or a range to choose from."
)
@click.option("--criterion", type=click.Choice(["icl", "bic"]), default="icl", show_default=True)
@click.option("--min-frequency", default=0.02, show_default=True, type=click.FloatRange(0, 1, max_open=True))
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
@click.option("--out", type=_path, required=True, help="Mixture to write (JSON).")
def train_mixture(
    matrix: Path, samples_in_rows: bool, classes: list[int], criterion: str, min_frequency: float, seed: int, out: Path
) -> None:
    """Fit a Bernoulli mixture; its clusters are called G1, G2 ... by size."""
    from resistance.subtype import mixture
    from resistance.subtype.events import read_events
    from resistance.tables import write_text

    events = read_events(matrix, samples_in_rows=samples_in_rows)
    found = mixture.fit_mixture(events, classes=classes, criterion=criterion, min_frequency=min_frequency, seed=seed)
    write_text(out, mixture.to_json(found))
    shares = ", ".join(f"{name} {share:.1%}" for name, share in zip(found.classes, found.fit.weights, strict=True))
    click.echo(f"wrote {out}: {found.fit.k} clusters ({shares}) of {found.fit.n} samples by {len(found.events)} events")
    for k, value in found.tried.items():
        click.echo(f"{criterion} with {k}: {value:.1f}")
    if not found.fit.converged:
        click.echo("note: the fit did not converge", err=True)
    click.echo("Research use only.")
