"""Every kind of endpoint and question is answered by its method, with numbers of an independent source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resistance.associate import answer, make_plan
from resistance.associate.methods import METHODS, method_for
from resistance.config import CohortFile
from resistance.errors import InputError

Configure = Callable[..., CohortFile]
DEPTH = {"label": "Depth of response", "kind": "ordinal", "value": "depth", "levels": ["PD", "SD", "PR", "CR"]}
CHANGE = {"label": "Change in ctDNA", "kind": "continuous", "value": "change"}
N = 160


def with_endpoint(study: Any, name: str, kind: str, values: np.ndarray, **more: Any) -> Any:
    rows = pd.DataFrame({"patient_id": study.cohort.patients["patient_id"], "endpoint": name, "kind": kind, "value": values})
    endpoints = pd.concat([study.cohort.endpoints, rows], ignore_index=True)
    return study.having(cohort=type(study.cohort)(**(vars(study.cohort) | {"endpoints": endpoints} | more)))


def asked(study: Any, configure: Configure, **changes: Any) -> pd.DataFrame:
    mine = study.having(config=configure(**changes))
    return answer(make_plan(*mine.arguments()), *mine.arguments()).set_index("question_id")


def present(study: Any, marker: str) -> np.ndarray:
    now = study.matrix.query("marker_id == @marker and timepoint == 'baseline'").set_index("patient_id")["state"]
    return now.reindex(study.cohort.patients["patient_id"]).eq("present").to_numpy()


@pytest.fixture(scope="module")
def depth(study: Any) -> np.ndarray:
    draw = np.random.default_rng(2)
    return np.clip(np.floor(2.2 + draw.logistic(size=N) - 1.2 * present(study, "M1")), 0, 3)


@pytest.fixture(scope="module")
def change(study: Any) -> np.ndarray:
    draw = np.random.default_rng(3)
    return (draw.normal(size=N) + 0.8 * present(study, "M1")).round(3)


def test_an_ordinal_endpoint_is_a_proportional_odds_model(study: Any, configure: Configure, depth: np.ndarray) -> None:
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    mine = with_endpoint(study, "depth", "ordinal", depth)
    found = asked(mine, configure, endpoints={"depth": DEPTH}, analysis={"covariates": ["age_years"], "strata": []})
    row = found.loc["all/depth/M1/adjusted/present"]
    columns = np.column_stack([present(study, "M1"), study.cohort.patients["age_years"]]).astype(float)
    columns[:, 1] -= columns[:, 1].mean()
    full = OrderedModel(depth, columns, distr="logit").fit(method="bfgs", disp=False, maxiter=500, gtol=1e-8)
    without = OrderedModel(depth, columns[:, 1:], distr="logit").fit(method="bfgs", disp=False, maxiter=500, gtol=1e-8)
    from scipy.stats import chi2

    assert row["effect"] == pytest.approx(full.params[0], rel=1e-4)
    assert row["p_value"] == pytest.approx(chi2.sf(2 * (full.llf - without.llf), 1), rel=1e-3)
    assert row["effect"] < 0  # carriers respond less deeply
    assert (row["scale"], row["assumption"]) == ("log_odds_ratio", "proportional odds")
    assert 0 <= row["assumption_p"] <= 1
    # one carrier: the ranks are permuted, all 160 places of it are looked at
    rare = found.loc["all/depth/RARE/crude/present"]
    own = depth[present(study, "RARE")][0]
    centre = pd.Series(depth).rank().to_numpy() - (N + 1) / 2
    at_least = np.abs(centre) >= abs(centre[depth == own][0]) - 1e-9
    assert rare["p_value"] == pytest.approx(at_least.mean(), rel=1e-9)


def test_a_cut_wise_table_stands_in_where_the_odds_are_not_proportional(study: Any, configure: Configure) -> None:
    draw = np.random.default_rng(8)
    carrier = present(study, "M1")
    split = np.where(carrier, draw.choice(4, N, p=[0.4, 0.1, 0.1, 0.4]), draw.choice(4, N, p=[0.1, 0.4, 0.4, 0.1])).astype(float)
    found = asked(with_endpoint(study, "depth", "ordinal", split), configure, endpoints={"depth": DEPTH}, analysis={"strata": []})
    row = found.loc["all/depth/M1/crude/present"]
    assert row["assumption_p"] < 1e-4
    assert "the odds are not proportional; odds ratios by cut: SD or better" in row["note"]
    above = split >= 3  # by hand: the odds ratio of the last cut
    odds = [above[side].sum() / (~above[side]).sum() for side in (carrier, ~carrier)]
    assert f"CR or better {odds[0] / odds[1]:.2g} (" in row["note"]


def test_a_continuous_endpoint_is_ranks_crude_and_a_linear_model_adjusted(
    study: Any, configure: Configure, change: np.ndarray
) -> None:
    import statsmodels.api as sm
    from scipy.stats import mannwhitneyu

    mine = with_endpoint(study, "change", "continuous", change)
    found = asked(mine, configure, endpoints={"change": CHANGE}, analysis={"covariates": ["age_years"], "strata": []})
    carrier = present(study, "M1")
    crude, adjusted = (found.loc[f"all/change/M1/{model}/present"] for model in ("crude", "adjusted"))
    # the exact p has no continuity correction, the normal one agrees to some per cent here
    assert crude["p_value"] == pytest.approx(mannwhitneyu(change[carrier], change[~carrier]).pvalue, rel=0.05)
    assert crude["effect"] == pytest.approx(np.median(np.subtract.outer(change[carrier], change[~carrier])))
    fit = sm.OLS(change, sm.add_constant(np.column_stack([carrier, study.cohort.patients["age_years"]]).astype(float))).fit()
    assert adjusted["effect"] == pytest.approx(fit.params[1], rel=1e-9)
    assert adjusted["p_value"] == pytest.approx(fit.pvalues[1], rel=1e-8)
    assert [adjusted["ci_low"], adjusted["ci_high"]] == pytest.approx(fit.conf_int()[1].tolist(), rel=1e-8)
    assert adjusted["scale"] == "difference"


def test_competing_events_get_a_subdistribution_hazard_beside_the_cause_specific_one(study: Any, configure: Configure) -> None:
    from resistance.stats.fine_gray import fine_gray

    endpoints = study.cohort.endpoints.copy()
    os = endpoints["endpoint"] == "os"
    happened = endpoints.index[os & endpoints["event"].eq(1)]
    endpoints.loc[happened[::3], "event"] = 2
    mine = study.having(cohort=type(study.cohort)(**(vars(study.cohort) | {"endpoints": endpoints})))
    found = asked(mine, configure, analysis={"endpoints": ["os"], "strata": [], "covariates": ["age_years"]})
    row = found.loc["all/os/M1/subdistribution/present"]
    times = endpoints[os]
    columns = np.column_stack([present(study, "M1"), study.cohort.patients["age_years"]])
    expected = fine_gray(times["time_days"], times["event"].astype(int), columns)
    assert row["effect"] == pytest.approx(expected.coef[0], rel=1e-8)
    assert row["scale"] == "log_subdistribution_hazard_ratio"
    assert row["note"].startswith(f"{len(happened[::3])} competing events")
    assert row["events"] == len(happened) - len(happened[::3])
    # those who came late are weighed by the distribution of entry as well
    late = endpoints.assign(entry_days=np.where(os & (np.arange(len(endpoints)) % 3 == 0), endpoints["time_days"] / 2, 0.0))
    entered = study.having(cohort=type(study.cohort)(**(vars(study.cohort) | {"endpoints": late})))
    row = asked(entered, configure, analysis={"endpoints": ["os"], "strata": [], "covariates": ["age_years"]}).loc[row.name]
    expected = fine_gray(times["time_days"], times["event"].astype(int), columns, start=late.loc[os, "entry_days"])
    assert row["effect"] == pytest.approx(expected.coef[0], rel=1e-8)
    assert row["effect"] != pytest.approx(found.loc[row.name, "effect"], rel=1e-3)
    # a mean time until one cause alone has no meaning
    assert np.isnan(found.loc["all/os/M1/crude/present", "rmst_days"])


@pytest.mark.parametrize(("key", "attribute"), [("boschloo", "boschloo"), ("barnard", "barnard")])
def test_the_cohort_file_may_ask_for_another_test(study: Any, configure: Configure, key: str, attribute: str) -> None:
    from scipy import stats

    found = asked(study, configure, analysis={"endpoints": ["response"], "methods": [key], "strata": []})
    row = found.loc["all/response/M2/crude/present"]
    n = row["carriers"], row["n"] - row["carriers"]
    table = np.array([[row["carrier_events"], row["events"] - row["carrier_events"]], [0, 0]], dtype=int)
    table[1] = np.array(n) - table[0]
    if attribute == "barnard":
        assert row["p_value"] == pytest.approx(stats.barnard_exact(table, pooled=True).pvalue, rel=2e-3)
    else:
        # by definition: tables whose two-sided Fisher p is at most this one's, at the least favourable response rate
        sizes = [range(int(size) + 1) for size in n]
        fisher = np.array([[stats.fisher_exact([[x, n[0] - x], [y, n[1] - y]]).pvalue for y in sizes[1]] for x in sizes[0]])
        extreme = fisher <= fisher[table[0, 0], table[0, 1]] * (1 + 1e-7)
        rates = np.linspace(0.001, 0.999, 999)[:, None]
        first, second = (stats.binom.pmf(np.arange(size + 1), size, rates) for size in n)
        assert row["p_value"] == pytest.approx(np.einsum("ri,ij,rj->r", first, extreme, second).max(), rel=1e-3)
    assert key in row["method"].casefold()


def test_strata_alone_can_be_answered_by_mantel_haenszel(study: Any, configure: Configure) -> None:
    from statsmodels.stats.contingency_tables import StratifiedTable

    analysis = {"endpoints": ["response"], "methods": ["mantel_haenszel"], "strata": ["subtype"]}
    row = asked(study, configure, analysis=analysis).loc["all/response/M1/adjusted/present"]
    response = study.cohort.endpoints.query("endpoint == 'response'").set_index("patient_id")
    subtype = study.subtypes.set_index("patient_id")["subtype"].reindex(response.index)
    carrier = pd.Series(present(study, "M1"), index=study.cohort.patients["patient_id"]).reindex(response.index)
    tables = []
    for level in ("ABC", "GCB"):
        here = (subtype == level) & response["value"].notna()
        y, x = response["value"][here] == 1, carrier[here]
        tables.append(np.array([[(x & y).sum(), (x & ~y).sum()], [(~x & y).sum(), (~x & ~y).sum()]]))
    common = StratifiedTable(tables)
    assert row["effect"] == pytest.approx(common.logodds_pooled, abs=0.05)
    assert row["p_value"] < 1e-3
    assert f"p {common.test_equal_odds(adjust=True).pvalue:.2g} (Breslow-Day, Tarone)" in row["note"]


def test_the_best_cut_has_a_corrected_p_and_no_effect(study: Any, configure: Configure) -> None:
    measure = {"name": "age", "variable": "age_years", "optimal_cut": True}
    row = asked(study, configure, analysis={"endpoints": ["os"], "measures": [measure], "strata": [], "permutations": 999}).loc[
        "all/os/measure:age/cut/cut"
    ]
    assert np.isnan(row["effect"])
    assert pd.isna(row["scale"])
    assert 1 / 1000 <= row["p_value"] <= 1
    naive = float(row["note"].split("before it would be ")[1].split(",")[0])
    assert row["p_value"] > naive


def test_a_measure_is_a_number_in_every_model(study: Any, configure: Configure) -> None:
    from resistance.stats.cox import cox

    measure = {"name": "age", "variable": "age_years", "scale": "sd"}
    row = asked(
        study, configure, analysis={"endpoints": ["os"], "measures": [measure], "strata": [], "covariates": ["age_years", "sex"]}
    ).loc["all/os/measure:age/adjusted/value"]
    os, patients = study.cohort.endpoints.query("endpoint == 'os'"), study.cohort.patients
    age = (patients["age_years"] - patients["age_years"].mean()) / patients["age_years"].std()
    expected = cox(os["time_days"], os["event"].astype(int), np.column_stack([age, patients["sex"] == "male"]))
    assert row["effect"] == pytest.approx(expected.coef[0], rel=1e-8)  # adjusted for sex, not for itself
    assert (row["contrast"], row["adjusted_for"]) == ("per standard deviation", "sex")
    assert pd.isna(row["carriers"])


def test_interactions_are_asked_of_every_kind_of_endpoint(
    study: Any, configure: Configure, depth: np.ndarray, change: np.ndarray
) -> None:
    import statsmodels.api as sm

    mine = with_endpoint(with_endpoint(study, "depth", "ordinal", depth), "change", "continuous", change)
    analysis = {"treatment_interaction": True, "strata": [], "markers": ["M1"]}
    found = asked(mine, configure, endpoints={"depth": DEPTH, "change": CHANGE}, analysis=analysis)
    m, a = present(study, "M1").astype(float), study.cohort.patients["imid"].to_numpy(dtype=float)
    fit = sm.OLS(change, sm.add_constant(np.column_stack([m * a, m, a]))).fit()
    row = found.loc["all/change/M1/interaction/present:imid"]
    assert row["effect"] == pytest.approx(fit.params[1], rel=1e-9)
    assert row["scale"] == "difference_of_differences"
    row = found.loc["all/depth/M1/interaction/present:imid"]
    assert np.isfinite(row[["effect", "ci_low", "ci_high", "p_value"]].to_numpy(dtype=float)).all()


def test_e_values_follow_the_formula_of_the_paper(study: Any, configure: Configure) -> None:
    """VanderWeele and Ding 2017: common outcome, hazard ratio -> (1 - .5^sqrt(HR)) / (1 - .5^sqrt(1/HR)); E = RR + sqrt(RR (RR - 1))."""
    row = asked(study, configure, analysis={"endpoints": ["os"], "e_values": True, "strata": []}).loc["all/os/M1/crude/present"]

    def needed(ratio: float) -> float:
        ratio = (1 - 0.5 ** np.sqrt(ratio)) / (1 - 0.5 ** np.sqrt(1 / ratio))
        return ratio + np.sqrt(ratio * (ratio - 1))

    assert row["e_value"] == pytest.approx(needed(np.exp(row["effect"])), rel=1e-8)
    assert row["e_value_bound"] == pytest.approx(needed(np.exp(row["ci_low"])), rel=1e-8)
    assert asked(study, configure, analysis={"endpoints": ["os"]})["e_value"].isna().all()


def test_max_t_pays_for_the_family_and_never_less_than_the_single_test(study: Any, configure: Configure) -> None:
    found = asked(study, configure, analysis={"multiplicity": {"family_wise": "max_t"}, "permutations": 1999})
    given = found[found["p_familywise"].notna()]
    # M2 was not assessed in ten patients and takes part with the others; nobody has NONE, nobody was assessed for BLIND
    assert set(given["marker_id"]) == {"M1", "M2", "RARE"}
    assert (given.loc[given["marker_id"] == "M2", "n"] == 150).all()
    assert (given.loc[given["marker_id"] == "M2", "p_familywise"] > 0.05).all()
    assert set(given["model"]) == {"crude", "adjusted"}
    assert (given["p_familywise"] >= 1 / 2000).all()
    strong = given[given["marker_id"] == "M1"]
    assert (strong["p_familywise"] <= 0.005).all()


def test_every_way_to_pay_for_many_tests_is_that_of_statsmodels(study: Any, configure: Configure) -> None:
    from statsmodels.stats.multitest import multipletests

    names = {"bh": "fdr_bh", "by": "fdr_by", "holm": "holm", "bonferroni": "bonferroni", "storey": "fdr_bh", "ihw": "fdr_bh"}
    for method, name in names.items():  # families here are small: Storey's q and that of weights are Benjamini-Hochberg's
        found = asked(study, configure, analysis={"multiplicity": {"method": method}})
        for _, family in found.groupby("family"):
            tested = family.dropna(subset=["p_value"])
            assert tested["q_value"].tolist() == pytest.approx(
                multipletests(tested["p_value"], method=name)[1].tolist(), rel=1e-9
            )
            assert (tested["weight"] == 1).all() if method == "ihw" else tested["weight"].isna().all()


def test_a_gate_opens_only_after_a_finding(study: Any, configure: Configure) -> None:
    order = asked(study, configure, analysis={"multiplicity": {"hierarchy": ["os", "response"]}})
    assert order.groupby("endpoint")["gate_open"].first().astype(bool).to_dict() == {"os": True, "response": True}
    # nothing is found in a family whose only marker does nothing
    order = asked(study, configure, analysis={"markers": ["M2"], "multiplicity": {"hierarchy": ["os", "response"]}})
    assert order.groupby("endpoint")["gate_open"].first().astype(bool).to_dict() == {"os": True, "response": False}


def test_a_marker_not_assessed_counts_as_absent_only_where_the_cohort_file_says_so(study: Any, configure: Configure) -> None:
    row = asked(study, configure, analysis={"endpoints": ["os"], "not_assessed": "absent"}).loc["all/os/M2/crude/present"]
    assert (row["n"], row["not_assessed"]) == (160, 0)
    assert "10 patients in whom it was not assessed count as without it" in row["note"]


def test_a_method_that_does_not_exist_is_refused_with_the_nearest(study: Any, configure: Configure) -> None:
    with pytest.raises(InputError, match=r"analysis.methods, value 'boschlo': no such method. Did you mean 'boschloo'\?"):
        make_plan(*study.having(config=configure(analysis={"methods": ["boschlo"]})).arguments())


def test_every_record_has_a_key_of_its_own_and_every_kind_of_question_a_method() -> None:
    keys, names = [m.key for m in METHODS], [m.name for m in METHODS]
    assert len(set(keys)) == len(keys)
    assert len(set(names)) == len(names)
    for kind in ("binary", "ordinal", "continuous", "time_to_event"):
        for model in ("crude", "adjusted", "imputed", "joint", "interaction"):
            for rare in (False, True):
                for flag in (False, True):
                    assert method_for(kind, model, flag=flag, rare=rare and flag) is not None, (kind, model, rare, flag)
