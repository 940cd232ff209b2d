"""Text and Parquet: the wide matrix is the pivot of the long one, in the three words."""

from __future__ import annotations

import pandas as pd
from export_fixture import matrix_rows

from resistance import schemas
from resistance.layout import read_stage
from resistance.tables import read_table


def test_the_wide_matrix_of_the_baseline(exported):
    assert (exported / "tsv" / "matrix_baseline.tsv").read_text() == (
        "patient_id\ttp53\tcrbn\tikzf1\n"
        "P1\tpresent\tpresent\tnot_assessed\n"
        "P2\tabsent\tpresent\tnot_assessed\n"
        "P3\tabsent\tabsent\tnot_assessed\n"
        "P4\tnot_assessed\tnot_assessed\tnot_assessed\n"
    )


def test_a_time_point_has_the_patients_with_a_sample_then(exported):
    assert (exported / "tsv" / "matrix_relapse.tsv").read_text() == (
        "patient_id\ttp53\tcrbn\tikzf1\nP1\tpresent\tabsent\tnot_assessed\n"
    )
    assert not (exported / "tsv" / "matrix_follow_up.tsv").exists()


def test_wide_is_the_pivot_of_long(exported):
    long = pd.DataFrame(matrix_rows())
    for folder, read in (("tsv", lambda path: pd.read_csv(path, sep="\t", keep_default_na=False)), ("parquet", pd.read_parquet)):
        for timepoint, rows in long.groupby("timepoint"):
            wide = read(exported / folder / f"matrix_{timepoint}.{folder}").set_index("patient_id")
            pivot = rows.pivot(index="patient_id", columns="marker_id", values="state")[["tp53", "crbn", "ikzf1"]]  # noqa: PD010
            assert wide.astype(object).to_dict() == pivot.to_dict()


def test_the_long_tables_are_those_of_the_stage(exported, results):
    for schema in (schemas.MATRIX, schemas.MARKERS):
        there = read_stage(results, "matrix", schema)
        pd.testing.assert_frame_equal(read_table(exported / "parquet" / f"{schema.name}.parquet", schema), there)
        text = pd.read_csv(exported / "tsv" / f"{schema.name}.tsv", sep="\t")
        assert list(text.columns) == list(there.columns)
        assert len(text) == len(there)
