"""The checked tables of one study, and the checks across them.  No files but its own folder, no plots, no cache."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance import schemas
from resistance.errors import InputError, Problem
from resistance.tables import Schema, conform, empty, read_table, write_table, write_text

if TYPE_CHECKING:
    import pandas as pd


def _table(schema: Schema) -> Any:
    return field(default_factory=lambda: empty(schema), metadata={"schema": schema})


@dataclass(frozen=True)
class Cohort:
    """The tables of one study, each checked within (its schema) and against the others.

    Parameters
    ----------
    facts : dict
        What holds for the whole cohort: name, title, build ('GRCh37' or 'GRCh38'), disease
        (OncoTree), simulated (bool), simulation_note, imid (True, False or None = see the column of
        the patients), citation, expression_unit, expression_platform, and ``flow``: a list of
        ``{"step": str, "n": int}`` from all patients of the file to those analysed.
    patients, samples, ... : DataFrame
        As in :mod:`resistance.schemas`; a table that was not given has no rows.  ``patients`` also
        carries the covariates by their name, and the given subtype labels as ``label:<name>``.

    Raises
    ------
    InputError
        A table breaks its schema, a sample has no patient, a call has no sample, or the builds differ.
    """

    facts: dict[str, Any]
    patients: pd.DataFrame = _table(schemas.PATIENTS)
    samples: pd.DataFrame = _table(schemas.SAMPLES)
    endpoints: pd.DataFrame = _table(schemas.ENDPOINTS)
    calls: pd.DataFrame = _table(schemas.CALLS)
    effects: pd.DataFrame = _table(schemas.EFFECTS)
    coverage: pd.DataFrame = _table(schemas.COVERAGE)
    copy_number: pd.DataFrame = _table(schemas.COPY_NUMBER)
    fusions: pd.DataFrame = _table(schemas.FUSIONS)
    expression: pd.DataFrame = _table(schemas.EXPRESSION)
    nanostring: pd.DataFrame = _table(schemas.NANOSTRING)
    nanostring_lanes: pd.DataFrame = _table(schemas.NANOSTRING_LANES)
    ihc: pd.DataFrame = _table(schemas.IHC)
    measurements: pd.DataFrame = _table(schemas.MEASUREMENTS)
    features: pd.DataFrame = _table(schemas.FEATURES)
    adverse_events: pd.DataFrame = _table(schemas.ADVERSE_EVENTS)
    treatments: pd.DataFrame = _table(schemas.TREATMENTS)
    paired_variants: pd.DataFrame = _table(schemas.PAIRED_VARIANTS)
    dropped: pd.DataFrame = _table(schemas.DROPPED)

    def __post_init__(self) -> None:
        for item in fields(self):
            if "schema" in item.metadata:
                object.__setattr__(self, item.name, conform(getattr(self, item.name), item.metadata["schema"]))
        problems = list(self._across())
        if problems:
            raise InputError(problems)

    def _across(self) -> list[Problem]:
        problems: list[Problem] = []

        def orphans(table: str, column: str, known: pd.Series, of: str) -> None:
            frame = getattr(self, table)
            lost = frame.loc[~frame[column].isin(known), column]
            for name in lost.drop_duplicates()[:20]:
                problems.append(
                    Problem(
                        f"{int((lost == name).sum())} row(s) name a {column} that the {of} table does not have",
                        table,
                        None,
                        column,
                        str(name),
                        f"Add it to the {of} sheet, or remove it here.",
                    )
                )

        orphans("samples", "patient_id", self.patients["patient_id"], "patients")
        for table in ("endpoints", "features", "adverse_events", "treatments", "paired_variants"):
            orphans(table, "patient_id", self.patients["patient_id"], "patients")
        for table in ("calls", "coverage", "copy_number", "fusions", "nanostring_lanes", "ihc", "measurements"):
            orphans(table, "sample_id", self.samples["sample_id"], "samples")
        for table, named in (("expression", ("gene",)), ("nanostring", ("gene", "code_class"))):
            names = [c for c in getattr(self, table).columns if c not in named]
            for name in sorted(set(names) - set(self.samples["sample_id"]))[:20]:
                problems.append(Problem("a column names a sample that the samples table does not have", table, column=name))
        builds = set(self.calls["build"].dropna()) | set(self.effects["build"].dropna())
        if builds - {self.facts["build"]}:
            problems.append(
                Problem(
                    f"the cohort is declared {self.facts['build']} but holds calls on {', '.join(sorted(builds))}",
                    "calls",
                    column="build",
                    remedy="One build per cohort: lift the others over first, or correct study.build.",
                )
            )
        return problems

    def write(self, folder: str | Path) -> None:
        """Write every table as Parquet and the facts as ``cohort.json`` below `folder`."""
        folder = Path(folder)
        for item in fields(self):
            if "schema" in item.metadata:
                schema = item.metadata["schema"]
                write_table(getattr(self, item.name), folder / f"{schema.name}.parquet", schema)
        write_text(folder / "cohort.json", json.dumps(self.facts, indent=2, ensure_ascii=False, sort_keys=True) + "\n")

    def with_scores(self, scores: pd.DataFrame) -> Cohort:
        """Return the cohort with computed scores (schema SCORES) among its measurements; a score the study gives itself stays.

        Parameters
        ----------
        scores : DataFrame
            Schema SCORES; rows without a value are no measurement.
        """
        import pandas as pd

        known = scores[scores["value"].notna()]
        given = self.measurements[self.measurements["kind"] == "score"]
        twice = pd.MultiIndex.from_frame(known[["sample_id", "name"]]).isin(
            pd.MultiIndex.from_frame(given[["sample_id", "name"]])
        )
        rows = known.loc[~twice, ["sample_id", "name", "value", "unit"]].assign(kind="score", source="computed: stage subtype")
        if rows.empty:
            return self
        return replace(
            self, measurements=pd.concat([self.measurements, rows[list(self.measurements.columns)]], ignore_index=True)
        )

    @classmethod
    def read(cls, folder: str | Path) -> Cohort:
        """Read a cohort folder written by :meth:`write`."""
        folder = Path(folder)
        try:
            facts = json.loads((folder / "cohort.json").read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise InputError(
                "no cohort stands here", path=folder / "cohort.json", remedy="Run `resistance gather` first."
            ) from error
        tables = {
            item.name: read_table(folder / f"{item.metadata['schema'].name}.parquet", item.metadata["schema"])
            for item in fields(cls)
            if "schema" in item.metadata
        }
        return cls(facts=facts, **tables)
