"""Cox regression against R, lifelines and by hand; and every way in which it has no answer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resistance.stats.cox import cox


def sample(n: int = 120, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.random(n) < 0.3, draw.normal(65, 9, n)])
    time = np.ceil(draw.exponential(20 / np.exp(0.8 * x[:, 0])))
    censor = np.ceil(draw.uniform(5, 50, n))
    return np.minimum(time, censor), time <= censor, x


@pytest.mark.shared
@pytest.mark.parametrize(("name", "ties"), [("lung_efron", "efron"), ("lung_breslow", "breslow")])
def test_lung_agrees_with_r(shared: Path, name: str, ties: str) -> None:
    truth = json.loads((shared / "truth/stats/02_cox.json").read_text())[name]
    lung = pd.read_csv(shared / "truth/stats/data/lung.csv").dropna(subset=["ph.ecog"])
    found = cox(lung["time"], lung["event"], lung[["sex", "age", "ph.ecog"]], ties=ties)
    assert (found.n, found.events) == (truth["n"], truth["nevent"])
    assert found.coef == pytest.approx(list(truth["coef"].values()), rel=1e-6)
    assert found.se == pytest.approx(list(truth["se"].values()), rel=1e-6)
    assert np.exp(found.ci_low) == pytest.approx(list(truth["ci_lower"].values()), rel=1e-6)
    assert np.exp(found.ci_high) == pytest.approx(list(truth["ci_upper"].values()), rel=1e-6)
    assert found.p_wald == pytest.approx(list(truth["p_wald"].values()), rel=1e-5)
    assert [found.loglike_null, found.loglike] == pytest.approx(truth["loglik"], rel=1e-10)
    assert found.p_global == pytest.approx(truth["lrt"]["p"], rel=1e-6)


@pytest.mark.shared
def test_stratified_lung_and_veteran_agree_with_r(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/02_cox.json").read_text())
    lung = pd.read_csv(shared / "truth/stats/data/lung.csv").dropna(subset=["ph.ecog"])
    found = cox(lung["time"], lung["event"], lung[["sex", "age"]], strata=lung["ph.ecog"])
    assert found.coef == pytest.approx(list(truth["lung_strata"]["coef"].values()), rel=1e-6)
    assert found.se == pytest.approx(list(truth["lung_strata"]["se"].values()), rel=1e-6)
    assert found.p_global == pytest.approx(truth["lung_strata"]["lrt"]["p"], rel=1e-6)
    v = pd.read_csv(shared / "truth/stats/data/veteran.csv")
    x = np.column_stack([v["trt"], *(v["celltype"] == c for c in ("smallcell", "adeno", "large")), v["karno"]])
    found = cox(v["time"], v["status"], x)
    assert found.coef == pytest.approx(list(truth["veteran"]["coef"].values()), rel=1e-6)
    assert found.se == pytest.approx(list(truth["veteran"]["se"].values()), rel=1e-6)
    assert found.p_global == pytest.approx(truth["veteran"]["lrt"]["p"], rel=1e-6)


@pytest.mark.shared
def test_likelihood_ratio_p_of_one_gene_agrees_with_r(shared: Path) -> None:
    truth = json.loads((shared / "truth/stats/02_cox.json").read_text())["myeloma_univ"]
    z = pd.read_csv(shared / "truth/stats/data/myeloma_survminer_z.csv")
    for gene, row in truth.items():
        found = cox(z["time"], z["event"], z[gene])
        assert found.coef == pytest.approx(row["coef"], rel=1e-6)
        assert found.p_value == pytest.approx([row["lrt"]["p"]], rel=1e-6)


@pytest.mark.shared
def test_lenalidomide_treated_mds_tp53_multi_hit(shared: Path) -> None:
    folder = shared / "cohorts/mds_lenalidomide"
    c = pd.read_csv(folder / "ipssm_df_clinical.tsv", sep="\t").query("lenalidomid == 1")
    variants = pd.read_csv(folder / "ipssm_maf.tsv", sep="\t").query("GENE == 'TP53'").groupby("ID").size()
    n = c["ID"].map(variants).fillna(0).to_numpy()
    multi = (n >= 2) | ((n == 1) & c["chr17"].isin(["del", "cnloh"]).to_numpy())
    x = np.column_stack([multi, (n >= 1) & ~multi])
    followed, died, start = c["OS_YEARS"].to_numpy() * 365.25, c["OS_STATUS"].to_numpy(), c["time_to_treatment_days"].to_numpy()
    found = cox(followed, died, x)
    assert (found.n, np.exp(found.coef[0]).round(2), np.exp(found.coef[1]).round(2)) == (181, 7.78, 1.17)
    ok = (start >= 0) & (start < followed)
    found = cox((followed - start)[ok], died[ok], x[ok])
    assert (found.n, found.events) == (173, 97)
    assert np.exp([found.coef[0], found.ci_low[0], found.ci_high[0]]).round(2).tolist() == [6.80, 3.23, 14.33]
    assert np.exp([found.coef[1], found.ci_low[1], found.ci_high[1]]).round(2).tolist() == pytest.approx([1.17, 0.57, 2.44])


@pytest.mark.shared
def test_reddy_abc_against_gcb(shared: Path) -> None:
    x = pd.read_excel(shared / "cohorts/reddy_duke_2017/DLBCL_Reddy.xlsx")
    x = x[x["ABC GCB (RNAseq)"].isin(["ABC", "GCB"])].dropna(subset=["Overall Survival years", "Censored"])
    censored = x["Censored"].astype(int)  # 1 = censored in this table
    found = cox(x["Overall Survival years"].astype(float), 1 - censored, x["ABC GCB (RNAseq)"] == "ABC")
    assert (found.n, found.events) == (625, 196)
    assert np.exp([found.coef[0], found.ci_low[0], found.ci_high[0]]).round(2).tolist() == [1.51, 1.14, 2.01]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_agrees_with_lifelines_with_and_without_strata() -> None:
    lifelines = pytest.importorskip("lifelines")
    time, event, x = sample()
    stratum = np.arange(time.size) % 3
    frame = pd.DataFrame({"time": time, "event": event, "a": x[:, 0], "b": x[:, 1], "s": stratum})
    plain = lifelines.CoxPHFitter().fit(frame.drop(columns="s"), "time", "event")
    found = cox(time, event, x)
    assert found.coef == pytest.approx(plain.params_.to_numpy(), rel=1e-4)
    assert found.se == pytest.approx(plain.standard_errors_.to_numpy(), rel=1e-4)
    by_stratum = lifelines.CoxPHFitter().fit(frame, "time", "event", strata=["s"])
    assert cox(time, event, x, strata=stratum).coef == pytest.approx(by_stratum.params_.to_numpy(), rel=1e-4)


def test_two_patients_and_a_third_by_hand() -> None:
    # events at 1 (carrier), 2 (not), 3 (carrier): L(b) = e^b/(2e^b+1) * 1/(e^b+1); maximum at e^b = sqrt(1/2)
    found = cox([1, 2, 3], [1, 1, 1], [1, 0, 1])
    assert np.exp(found.coef[0]) == pytest.approx(np.sqrt(0.5), rel=1e-9)


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_order_of_patients_and_coding_of_the_marker_do_not_matter(seed: int) -> None:
    time, event, x = sample(60, seed)
    found = cox(time, event, x)
    order = np.random.default_rng(seed).permutation(time.size)
    shuffled = cox(time[order], event[order], x[order])
    assert shuffled.coef == pytest.approx(found.coef, rel=1e-7, abs=1e-9)
    assert shuffled.p_value == pytest.approx(found.p_value, rel=1e-6, abs=1e-12)
    turned = cox(time, event, np.column_stack([1 - x[:, 0], x[:, 1] / 10 - 6]))
    assert turned.coef == pytest.approx([-found.coef[0], found.coef[1] * 10], rel=1e-6, abs=1e-9)
    assert turned.p_value == pytest.approx(found.p_value, rel=1e-5, abs=1e-10)
    assert cox(time / 365.25, event, x).coef == pytest.approx(found.coef, rel=1e-9)


def test_no_event_among_carriers_has_no_hazard_ratio() -> None:
    time, event, x = sample()
    event = event & (x[:, 0] == 0)
    found = cox(time, event, x)
    assert not found.converged
    assert (found.reason, found.columns) == ("monotone", (0,))
    assert found.note == "column 0: monotone likelihood (no finite hazard ratio, such as no event on one side)"
    assert np.isnan([*found.p_value, *found.p_wald, *found.coef, *found.ci_high, found.p_global]).all()


def test_events_only_among_carriers_have_no_hazard_ratio() -> None:
    time, event, x = sample()
    found = cox(time, event & (x[:, 0] == 1), x[:, 0])
    assert (found.converged, found.reason) == (False, "monotone")


def test_one_event_and_a_rare_marker_have_no_hazard_ratio() -> None:
    found = cox(np.arange(1, 1001), np.arange(1000) == 400, np.arange(1000) == 999)
    assert (found.converged, found.reason, found.columns) == (False, "monotone", (0,))


@pytest.mark.shared
def test_monotone_reference_data_are_flagged(shared: Path) -> None:
    m = pd.read_csv(shared / "truth/stats/data/monotone_cox.csv")
    found = cox(m["time"], m["event"], m[["mut", "abc"]])
    assert (found.converged, found.columns) == (False, (0,))


def test_a_strong_but_finite_effect_is_not_taken_for_monotone() -> None:
    # 20 carriers die first but for one who outlives a single non-carrier's death
    time = np.arange(1, 61, dtype=float)
    carrier = np.arange(60) < 20
    carrier[[19, 21]] = carrier[[21, 19]]
    found = cox(time, np.ones(60), carrier)
    assert found.converged
    assert found.coef[0] > 4


def test_collinear_and_constant_columns_are_named() -> None:
    time, event, x = sample()
    twice = cox(time, event, np.column_stack([x, 1 - x[:, 0]]))
    assert (twice.reason, twice.columns) == ("collinear", (0, 2))
    assert twice.note == "columns 0, 2: constant or collinear (within strata, among patients at risk)"
    constant = cox(time, event, np.column_stack([x[:, 0], np.full(time.size, 3.0)]))
    assert (constant.reason, constant.columns) == ("collinear", (1,))
    assert np.isnan(constant.p_value).all()


def test_a_marker_that_is_the_stratum_cannot_be_estimated() -> None:
    time, event, x = sample()
    found = cox(time, event, x, strata=x[:, 0])
    assert (found.reason, found.columns) == ("collinear", (0,))


def test_nearly_collinear_columns_are_still_fitted() -> None:
    time, event, x = sample()
    almost = x[:, 1] + np.random.default_rng(0).normal(0, 0.05, time.size)
    assert cox(time, event, np.column_stack([x, almost])).converged


def test_no_events_is_said() -> None:
    found = cox([1, 2, 3], [0, 0, 0], [0, 1, 0])
    assert (found.converged, found.reason, found.note) == (False, "no events", "no events")


def test_only_the_columns_asked_for_have_a_p() -> None:
    time, event, x = sample()
    every, one = cox(time, event, x), cox(time, event, x, tested=[1])
    assert np.isnan(one.p_value[0])
    assert one.p_value[1] == every.p_value[1]
    assert one.p_wald[0] == every.p_wald[0]


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="time: negative"):
        cox([-1, 2], [1, 1], [0, 1])
    with pytest.raises(ValueError, match="event: only 0 and 1"):
        cox([1, 2], [1, 2], [0, 1])
    with pytest.raises(ValueError, match="columns: 1 value"):
        cox([1, 2], [1, 1], [0, np.nan])
    with pytest.raises(ValueError, match="columns: shape"):
        cox([1, 2], [1, 1], [[0, 1]])
