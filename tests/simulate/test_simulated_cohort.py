"""The simulated cohort is the committed one, reads as it should, and shows what was planted (plain pandas and scipy)."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from resistance.config import CohortFile, load
from resistance.errors import InputError
from resistance.simulate import simulate
from resistance.simulate.bgzf import compress
from resistance.simulate.cohort_file import NOTE, cohort_text
from resistance.simulate.expression import ABC_GENES, GCB_GENES, HOUSEKEEPING
from resistance.simulate.files import cohort_files


@pytest.fixture(autouse=True)
def _quiet_htslib() -> Iterator[None]:
    import pysam

    before = pysam.set_verbosity(0)  # htslib would name every missing index; such small files have none
    yield
    pysam.set_verbosity(before)


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    return cohort_files(seed=1, n_patients=120)


@pytest.fixture(scope="module")
def demo(checkout: Path) -> Path:
    return checkout / "config" / "demo"


@pytest.fixture(scope="module")
def patients(demo: Path) -> pd.DataFrame:
    sheet = pd.read_csv(demo / "patients.tsv", sep="\t").set_index("SUBJID")
    truth = pd.read_csv(demo / "truth" / "truth_patients.tsv", sep="\t").set_index("subject")
    sheet["non_gcb"] = (truth["cell_of_origin"] == "non-GCB").astype(int)
    sheet["imid"] = sheet["ARM"].isin(["LEN", "R2"])
    sheet["responder"] = sheet["BOR"].map({"CR": 1.0, "PR": 1.0, "SD": 0.0, "PD": 0.0})
    sheet["dead"] = (sheet["OS_STATUS"] == "1:DECEASED").astype(int)
    genes = truth["mutated_genes"].fillna("").str.split(";")
    for gene in ("TP53", "TNFAIP3", "PIM1"):
        sheet[gene] = genes.map(lambda mine, gene=gene: int(gene in mine))
    return sheet


def _plain(content: bytes) -> bytes:
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


def test_the_committed_demonstration_is_what_seed_1_gives(made: dict[str, bytes], demo: Path) -> None:
    there = {str(path.relative_to(demo)): path.read_bytes() for path in demo.rglob("*") if path.is_file()}
    assert sorted(there) == sorted(made)
    for name, content in made.items():  # compressed bytes may differ between builds of zlib
        assert _plain(there[name]) == _plain(content), name


def test_the_demonstration_is_small(demo: Path) -> None:
    sizes = [path.stat().st_size for path in demo.rglob("*") if path.is_file()]
    assert len(sizes) < 500
    assert sum(sizes) < 3_000_000  # of which reads of ten samples 2 MB


def test_the_example_cohort_file_is_the_demonstration_s(checkout: Path) -> None:
    assert (checkout / "config" / "config.yaml").read_text(encoding="utf-8") == cohort_text("demo/")


def test_both_cohort_files_load_and_use_every_part(checkout: Path, demo: Path) -> None:
    for path in (checkout / "config" / "config.yaml", demo / "cohort.yaml"):
        config = load(path)
        assert config.model_fields_set == set(CohortFile.model_fields)
        assert config.study.simulated
        assert config.study.simulation_note == NOTE
        assert config.study.imid is None
        for file in (config.patients.file, config.samples.file, *(a.gene_list for a in config.assays if a.gene_list)):
            assert (path.parent / file).is_file()


@pytest.mark.parametrize("environment", [{"PYTHONHASHSEED": "1", "LC_ALL": "C"}, {"PYTHONHASHSEED": "99", "LC_ALL": "C.UTF-8"}])
def test_neither_hash_seed_nor_locale_changes_a_byte(made: dict[str, bytes], environment: dict[str, str]) -> None:
    program = (
        "import hashlib; from resistance.simulate.files import cohort_files; d = hashlib.sha256();"
        "[d.update(n.encode() + c) for n, c in cohort_files(seed=1, n_patients=120).items()]; print(d.hexdigest())"
    )
    expected = hashlib.sha256(b"".join(name.encode() + content for name, content in made.items())).hexdigest()
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected


def test_another_seed_gives_another_cohort(made: dict[str, bytes]) -> None:
    other = cohort_files(seed=2, n_patients=60)
    assert other["patients.tsv"] != made["patients.tsv"]
    assert other["patients.tsv"].count(b"\n") == 61


def test_arms_and_samples_are_those_of_the_plan(demo: Path, patients: pd.DataFrame) -> None:
    assert patients["ARM"].value_counts().to_dict() == {"LEN": 45, "R2": 35, "IC": 40}
    assert 4 <= (patients["BOR"] == "NE").sum() <= 8
    assert patients["IPI"].isna().any()
    samples = pd.read_csv(demo / "samples.tsv", sep="\t")
    assert samples["sample"].is_unique
    assert set(samples["subject"]) == set(patients.index)
    tumours = samples[samples["material"] == "Tumour biopsy"]
    assert tumours.query("visit == 'Screening'")["subject"].nunique() == 120
    assert 3 <= tumours["vcf"].isna().sum() <= 6  # failed, so not assessed
    follow_up = patients["OS_MONTHS"].reindex(samples["subject"]).to_numpy() * 365.25 / 12
    after = samples["study_day"].to_numpy() - follow_up
    assert np.nanmax(after) < 3  # nobody is sampled after the end of follow-up


def test_survival_times_are_ordered(patients: pd.DataFrame) -> None:
    known = patients.dropna(subset=["PFS_MONTHS"])
    assert (known["PFS_MONTHS"] <= known["OS_MONTHS"]).all()
    assert (known.loc[known["dead"] == 1, "PFS_EVENT"] == 1).all()
    assert (known.loc[known["responder"] == 1, "PFS_MONTHS"] > 1.3).all()


def _odds_ratio(rows: pd.DataFrame, marker: str) -> float:
    table = pd.crosstab(rows[marker], rows["responder"]).reindex(index=[0, 1], columns=[0.0, 1.0], fill_value=0).to_numpy() + 0.5
    return float(table[1, 1] * table[0, 0] / (table[1, 0] * table[0, 1]))


def test_non_gcb_respond_more_often_under_lenalidomide_only(patients: pd.DataFrame) -> None:
    assert 5 < _odds_ratio(patients[patients["imid"]], "non_gcb") < 25
    assert 0.3 < _odds_ratio(patients[~patients["imid"]], "non_gcb") < 3


def test_the_confounded_marker_vanishes_within_cell_of_origin(patients: pd.DataFrame) -> None:
    from statsmodels.stats.contingency_tables import StratifiedTable

    treated = patients[patients["imid"] & patients["responder"].notna()]
    assert _odds_ratio(treated, "PIM1") > 1.5
    tables = [
        pd.crosstab(rows["PIM1"], rows["responder"]).reindex(index=[0, 1], columns=[0.0, 1.0], fill_value=0).to_numpy()
        for _, rows in treated.groupby("non_gcb")
    ]
    assert StratifiedTable(tables).oddsratio_pooled < 1.3
    assert patients.loc[patients["non_gcb"] == 1, "PIM1"].mean() > 3 * patients.loc[patients["non_gcb"] == 0, "PIM1"].mean()


def _log_hazard_ratio(rows: pd.DataFrame, time: str, event: str, columns: list[str]) -> pd.Series:
    from statsmodels.duration.hazard_regression import PHReg

    used = rows[[time, event, *columns]].dropna().astype(float)
    fit = PHReg(used[time], used[columns], status=used[event], ties="efron").fit()
    return pd.Series(fit.params, index=columns)


def test_tp53_is_bad_for_survival_in_every_arm(patients: pd.DataFrame) -> None:
    for rows in (patients, patients[patients["imid"]], patients[~patients["imid"]]):
        assert 1.4 < np.exp(_log_hazard_ratio(rows, "OS_MONTHS", "dead", ["TP53"])["TP53"]) < 6


def test_tnfaip3_harms_under_lenalidomide_only(patients: pd.DataFrame) -> None:
    columns = ["TNFAIP3", "non_gcb"]
    treated = _log_hazard_ratio(patients[patients["imid"]], "PFS_MONTHS", "PFS_EVENT", columns)
    control = _log_hazard_ratio(patients[~patients["imid"]], "PFS_MONTHS", "PFS_EVENT", columns)
    assert 2 < np.exp(treated["TNFAIP3"]) < 8
    assert 0.4 < np.exp(control["TNFAIP3"]) < 2
    assert np.exp(treated["non_gcb"]) < 0.6  # planted: 1.7 / 6.2 = 0.27


def test_coo_labels_follow_from_the_counts_by_the_published_formula(demo: Path, patients: pd.DataFrame) -> None:
    counts = pd.read_csv(demo / "nanostring.tsv", sep="\t").set_index("code").drop(columns="code_class")
    weights = pd.Series({**ABC_GENES, **GCB_GENES, **HOUSEKEEPING})
    assert weights.sum() == pytest.approx(0, abs=1e-4)  # a lane's scale cancels
    score = np.log2(counts).mul(weights, axis=0).sum() + 1072.467
    called = score.map(lambda x: "GCB" if x < 1907.8 else "ABC" if x > 2433.5 else "UNCLASS")
    called.index = called.index.str[:6]
    assert (patients["COO_NANOSTRING"].dropna() == called.reindex(patients["COO_NANOSTRING"].dropna().index)).all()
    assert patients["COO_NANOSTRING"].isna().sum() == 120 - len(called) > 0


def test_hans_agrees_with_expression_as_often_as_it_does_in_patients(demo: Path, patients: pd.DataFrame) -> None:
    ihc = pd.read_csv(demo / "ihc.tsv", sep="\t")
    ihc.index = ihc["sample"].str[:6]
    gcb = (ihc["CD10"] >= 30) | ((ihc["CD10"] < 30) & (ihc["BCL6"] >= 30) & (ihc["MUM1"] < 30))
    label = patients["COO_NANOSTRING"][patients["COO_NANOSTRING"].isin(["ABC", "GCB"])]
    agreed = (label == gcb.reindex(label.index).map({True: "GCB", False: "ABC"})).mean()
    assert 0.75 < agreed < 0.93  # 85 % in Reddy 2017


def test_vcfs_are_sorted_and_name_the_samples_of_the_sheet(demo: Path) -> None:
    import pysam

    samples = pd.read_csv(demo / "samples.tsv", sep="\t").dropna(subset=["vcf"])
    filters, zero_rows, empty = set(), 0, 0
    for file, rows in samples.groupby("vcf"):
        with pysam.VariantFile(str(demo / file)) as vcf:
            assert list(vcf.header.samples) == list(rows["sample"])
            contigs = list(vcf.header.contigs)
            places = []
            for record in vcf:
                places.append((contigs.index(record.contig), record.pos))
                filters |= set(record.filter)
                for call in record.samples.values():
                    zero_rows += call["AD"][1] == 0
                    assert sum(call["AD"]) == call["DP"]
            assert places == sorted(places)
            empty += not places
    assert empty < 8  # the small panel sees no variant of a few patients
    assert {"PASS", "germline", "weak_evidence"} <= filters
    assert zero_rows > 100  # what was looked for and not seen stands there too


def test_crbn_variants_emerge_in_plasma_under_lenalidomide_only(demo: Path, patients: pd.DataFrame) -> None:
    import pysam

    truth = pd.read_csv(demo / "truth" / "truth_emergent.tsv", sep="\t").query("kind == 'emergent_crbn'")
    assert len(truth) >= 5
    assert patients.loc[truth["subject"], "imid"].all()
    seen = 0
    for row in truth.itertuples():
        with pysam.VariantFile(str(demo / "vcf" / "plasma" / f"{row.subject}.vcf.gz")) as vcf:
            record = next(r for r in vcf if (r.contig, r.pos, r.alts) == (row.chrom, row.pos, (row.alt,)))
            assert record.samples[f"{row.subject}-P1"]["AD"][1] <= 1
            seen += record.samples[row.plasma]["AD"][1] > 20
    assert seen >= len(truth) - 1


def test_the_truth_names_every_planted_effect(made: dict[str, bytes]) -> None:
    truth = json.loads(made["truth/truth.json"])
    planted = {effect["name"]: effect for effect in truth["planted_effects"]}
    assert planted["coo_response"]["effect"] == pytest.approx(np.log((9 / 8) / (2 / 21)), abs=0.02)  # 9/17 v 2/23
    assert planted["coo_progression"]["effect"] == pytest.approx(np.log(1.7 / 6.2), abs=1e-5)
    assert planted["tp53_death"]["arms_without_effect"] == []
    assert planted["tnfaip3_progression"]["arms_without_effect"] == ["IC"]
    assert planted["pim1_null"]["effect"] == 0
    assert len(planted["tp53_death"]["carriers"]) == pytest.approx(0.26 * 120, abs=3)


def test_every_text_says_that_the_cohort_is_simulated(made: dict[str, bytes]) -> None:
    assert NOTE in made["README.md"].decode()
    assert NOTE in made["cohort.yaml"].decode()
    for name, content in made.items():
        if name.endswith(".vcf.gz"):
            assert b"##source=resistance simulate" in _plain(content)


def test_bgzf_is_gzip_and_ends_with_the_empty_block() -> None:
    text = "chr1\t1\n" * 50_000  # several blocks
    assert gzip.decompress(compress(text)).decode() == text
    assert compress("").hex() == "1f8b08040000000000ff0600424302001b0003000000000000000000"


def test_simulate_writes_the_folder_and_refuses_to_overwrite(tmp_path: Path) -> None:
    path = simulate(tmp_path / "new" / "cohort", seed=3, n_patients=24)
    assert path == tmp_path / "new" / "cohort" / "cohort.yaml"
    assert load(path).study.simulated
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["cohort"]  # nothing temporary is left
    with pytest.raises(InputError, match=r"cohort: the folder is not empty, and simulate overwrites nothing\. Choose another"):
        simulate(tmp_path / "new" / "cohort")


def test_simulate_refuses_numbers_it_cannot_use(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"column 'n_patients', value '3': cannot simulate so many patients\. Give a number from 24"
    ):
        simulate(tmp_path / "x", n_patients=3)
    with pytest.raises(InputError, match=r"value '-1': the seed is negative"):
        simulate(tmp_path / "x", seed=-1)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"is a file, not a folder"):
        simulate(tmp_path / "file")
    assert not (tmp_path / "x").exists()


def test_the_counts_are_called_as_the_laboratory_s_report_has_them(demo: Path) -> None:
    import pandas as pd

    from resistance.subtype.dlbcl90_coo import classify_table

    called = classify_table(pd.read_csv(demo / "nanostring.tsv", sep="\t")).set_index("sample_id")["subtype"]
    given = (
        pd.read_csv(demo / "patients.tsv", sep="\t").set_index("SUBJID")["COO_NANOSTRING"].replace({"UNCLASS": "UNCLASSIFIED"})
    )
    assert len(called) == 116
    assert called.tolist() == given[[name.removesuffix("-T1") for name in called.index]].tolist()
