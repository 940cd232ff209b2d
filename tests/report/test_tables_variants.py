"""The table of variants, and the carriers that rest on flagged calls alone: by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import report_fixture as made

from resistance import schemas
from resistance.report.content_markers import coverage
from resistance.report.tables_in import StageTables, read_tables
from resistance.report.tables_out import report_tables
from resistance.report.tables_variants import COLUMNS, flagged, variants
from resistance.tables import conform

CH, HM = "clonal_haematopoiesis", "hypermutation"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> StageTables:
    return read_tables(made.build_results(tmp_path_factory.mktemp("variants")))


def call(sample: str, pos: int, **more: Any) -> dict[str, Any]:
    row = {"sample_id": sample, "build": "GRCh37", "chrom": "17", "pos": pos, "ref": "C", "alt": "T", "source": "a.vcf"}
    return row | {"depth": 100, "alt_count": 10, "vaf": 0.1} | more


def effect(pos: int, gene: str, **more: Any) -> dict[str, Any]:
    row = {"build": "GRCh37", "chrom": "17", "pos": pos, "ref": "C", "alt": "T", "gene": gene, "source": "file:CSQ"}
    return row | {"effect_class": "missense"} | more


def with_calls(tables: StageTables, calls: list[dict], effects: list[dict]) -> StageTables:
    cohort = replace(tables.cohort, calls=conform(pd.DataFrame(calls), schemas.CALLS))
    return replace(tables, cohort=cohort, effects=conform(pd.DataFrame(effects), schemas.EFFECTS))


def test_one_row_per_call_and_gene_of_the_knowledge_base(tables: StageTables) -> None:
    calls = [
        call("P0002-T", 7577121, population_af=0.0001),
        call("P0001-T", 7577121),
        call("P0001-T", 7577122, alt_count=0, vaf=0.0),  # looked for, not seen
        call("P0001-T", 7577123, alt_count=None, vaf=None, depth=None),  # reported without counts
        call("P0001-T", 5),  # in no gene
        call("P0005-B", 7577124),
    ]
    effects = [
        effect(7577121, "TP53", hgvsp="R273C", hgvsc="ENST00000269305.4:c.817C>T", flags=CH),
        *(effect(pos, "TP53") for pos in (7577122, 7577123)),
        effect(7577124, "TP53", effect_class="synonymous"),
        effect(7577121, "NOT_A_GENE_OF_OURS"),
        effect(7577124, "GNA13"),
    ]
    table = variants(with_calls(tables, calls, effects))
    assert tuple(table.columns) == COLUMNS
    assert table[["sample_id", "pos", "gene"]].values.tolist() == [
        ["P0001-T", 7577121, "TP53"],
        ["P0001-T", 7577123, "TP53"],
        ["P0002-T", 7577121, "TP53"],
        ["P0005-B", 7577124, "GNA13"],
        ["P0005-B", 7577124, "TP53"],
    ]
    second = table.iloc[2].dropna().to_dict()
    assert second == {
        "patient_id": "P0002", "sample_id": "P0002-T", "material": "tumour", "timepoint": "baseline", "build": "GRCh37", "chrom": "17",
        "pos": 7577121, "ref": "C", "alt": "T", "gene": "TP53", "hgvsc": "ENST00000269305.4:c.817C>T", "hgvsp": "R273C",
        "effect_class": "missense", "vaf": 0.1, "alt_count": 10, "depth": 100, "population_af": 0.0001, "flags": CH,
        "annotation": "file:CSQ", "source": "a.vcf",
    }  # fmt: skip


def test_without_calls_the_table_has_its_columns(tables: StageTables) -> None:
    table = report_tables(made.config_of(), tables, made_content(tables))["variants"]
    assert (tuple(table.columns), len(table)) == (COLUMNS, 0)


def made_content(tables: StageTables) -> dict[str, Any]:
    from resistance.report.content import build_content

    return build_content(made.config_of(), tables, made.PROVENANCE)


def finding(patient: str, sample: str, flags: str | None, marker: str = "tp53", **more: Any) -> dict[str, Any]:
    row = {"patient_id": patient, "sample_id": sample, "flags": flags, "marker_id": marker, "timepoint": "baseline"}
    fixed = {
        "finding": "x",
        "rule": "any",
        "direction": "resistance",
        "evidence_grade": "B",
        "verified": True,
        "source": "PMID:1",
    }
    return row | fixed | more


def test_a_carrier_rests_on_flagged_calls_where_every_call_is_flagged(tables: StageTables) -> None:
    rows = [
        finding("P0001", "P0001-T", CH),
        finding("P0005", "P0005-B", CH),  # in plasma
        finding("P0009", "P0009-B", f"{CH};{HM}"),
        finding("P0009", "P0009-T", HM),  # every call is flagged, but not with the same
        finding("P0013", "P0013-T", CH),
        finding("P0013", "P0013-T", None),  # another call speaks for itself
        finding("P0017", "P0017-T", None),
        finding("P0021", "P0021-T", CH, timepoint="relapse"),
        finding("P0001", "P0001-T", HM, "crbn"),
        finding("P0001", None, None, "ikzf1"),
    ]
    given = replace(tables, evidence=conform(pd.DataFrame(rows), schemas.EVIDENCE))
    config = made.config_of()
    found = flagged(config, given, coverage(config, given))
    assert found == [
        {"marker_id": "tp53", "label": "TP53 mutated", "present": 6, "flagged_only": 3, CH: 2, HM: 1, "plasma_only": 1},
        {"marker_id": "crbn", "label": "CRBN altered", "present": 4, "flagged_only": 1, CH: 0, HM: 1, "plasma_only": 0},
    ]
    assert flagged(config, tables, coverage(config, tables)) == []


def test_the_page_says_which_markers_may_have_another_explanation(tmp_path: Path) -> None:
    from resistance.layout import write_stage
    from resistance.report.page import write_report

    results = made.build_results(tmp_path / "results")
    rows = [finding("P0001", "P0001-T", f"{CH};{HM}", finding="TP53 p.R273C in P0001-T")]
    write_stage(conform(pd.DataFrame(rows), schemas.EVIDENCE), results, "matrix", schemas.EVIDENCE)
    write_report(made.config_of(), results, tmp_path / "report", made.PROVENANCE)
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "1 marker with carriers whose every call may have another explanation" in page
    patients = (tmp_path / "report" / "patients.html").read_text(encoding="utf-8")
    assert "(may be clonal haematopoiesis; in a hypermutated region)" in patients
    table = (tmp_path / "report" / "tables" / "flagged_markers.tsv").read_text(encoding="utf-8").splitlines()
    assert table[1] == "tp53\tTP53 mutated\t6\t1\t1\t1\t0"
