"""Every number of the reference file on Cox models (R's survival 3.5-3 and coxphf 1.13.1) against ours."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from resistance.stats.concordance import concordance
from resistance.stats.cox import cox
from resistance.stats.firth_cox import firth_cox
from resistance.stats.proportional_hazards import proportional_hazards

pytestmark = pytest.mark.shared

MODELS = ("lung_efron", "lung_breslow", "lung_exact", "lung_strata", "veteran", "myeloma_multi", "myeloma_group")
GENES = ("CCND1", "CRIM1", "DEPDC1", "IRF4", "TP53", "WHSC1")
FIRTH = ("firth_breast", "firth_lung", "firth_monotone_adj")


@pytest.fixture(scope="module")
def truth(shared: Path) -> dict:
    return json.loads((shared / "truth/stats/02_cox.json").read_text())


def values(entry) -> list[float]:
    return list(entry.values()) if isinstance(entry, dict) else list(np.ravel(entry))


def levels(entry: dict, factor: str) -> list[str]:
    return [name.removeprefix(factor) for name in entry["coef"] if name.startswith(factor)]


def model(shared: Path, name: str, entry: dict) -> tuple[pd.DataFrame, str, np.ndarray, dict]:
    """Return table, name of the event, columns and keywords; terms by the names of zph."""
    folder = shared / "truth/stats/data"
    if name.startswith("lung"):
        table = pd.read_csv(folder / "lung.csv")
        if name == "lung_exact":
            return table, "event", table[["sex"]].to_numpy(float), {"ties": "exact"}
        table = table.dropna(subset=["ph.ecog"])
        if name == "lung_strata":
            return table, "event", table[["sex", "age"]].to_numpy(float), {"strata": table["ph.ecog"]}
        return table, "event", table[["sex", "age", "ph.ecog"]].to_numpy(float), {"ties": entry["ties"]}
    if name == "veteran":
        table = pd.read_csv(folder / "veteran.csv")
        cells = [table["celltype"] == level for level in levels(entry, "celltype")]
        return table, "status", np.column_stack([table["trt"], *cells, table["karno"]]).astype(float), {}
    table = pd.read_csv(folder / "myeloma_survminer_z.csv")
    if name == "myeloma_group":
        factor = 'relevel(molecular_group, "Hyperdiploid")'
        groups = [table["molecular_group"] == level for level in levels(entry, factor)]
        return table, "event", np.column_stack(groups).astype(float), {}
    genes = GENES if name == "myeloma_multi" else (name,)
    return table, "event", table[[f"z_{gene}" for gene in genes]].to_numpy(float), {}


def compare(shared: Path, name: str, entry: dict) -> None:
    table, event, columns, keywords = model(shared, name, entry)
    found = cox(table["time"], table[event], columns, **keywords)
    compared = {"formula", "ties"}

    def same(key: str, ours, rel: float = 1e-6, of: dict = entry, part: str = "") -> None:
        assert np.ravel(ours) == pytest.approx(values(of[key]), rel=rel, abs=1e-10), f"{name} {part}{key}"
        compared.add(part or key)

    same("n", found.n)
    same("nevent", found.events)
    same("coef", found.coef)
    same("hr", np.exp(found.coef))
    same("se", found.se)
    same("p_wald", found.p_wald)
    same("ci_lower", np.exp(found.ci_low))
    same("ci_upper", np.exp(found.ci_high))
    same("loglik", [found.loglike_null, found.loglike], 1e-10)
    same("chi2", found.lrt_chi2, 1e-8, entry["lrt"], "lrt")
    same("p", found.p_global, 1e-8, entry["lrt"], "lrt")
    same("chi2", found.score_chi2, 1e-8, entry["score"], "score")
    same("p", found.p_score, 1e-8, entry["score"], "score")
    ordered = concordance(table["time"], table[event], columns @ found.coef, strata=keywords.get("strata"))
    same("concordance", ordered.c, 1e-10)
    same("concordance_se", ordered.se, 1e-8)
    terms = {"veteran": [[0], [1, 2, 3], [4]], "myeloma_group": [[0, 1, 2, 3, 4, 5]]}.get(name)
    changing = proportional_hazards(table["time"], table[event], columns, terms=terms, **keywords)
    zph = entry["zph_km"]
    assert len(zph["terms"]) == len(changing.df) + 1
    same("chisq", [*changing.chi2, changing.chi2_global], 1e-6, zph, "zph_km")
    same("df", [*changing.df, changing.df_global], 0, zph, "zph_km")
    same("p", [*changing.p_value, changing.p_global], 1e-6, zph, "zph_km")
    assert compared == set(entry)


@pytest.mark.parametrize("name", MODELS)
def test_cox_model(shared: Path, truth: dict, name: str) -> None:
    compare(shared, name, truth[name])


@pytest.mark.parametrize("gene", GENES)
def test_cox_model_of_one_gene(shared: Path, truth: dict, gene: str) -> None:
    compare(shared, gene, truth["myeloma_univ"][f"z_{gene}"])


@pytest.mark.parametrize("name", FIRTH)
def test_firth_model(shared: Path, truth: dict, name: str) -> None:
    entry = truth[name]
    folder = shared / "truth/stats/data"
    if name == "firth_breast":
        table = pd.read_csv(folder / "breast_coxphf.csv").rename(columns={"TIME": "time", "CENS": "event"})
    elif name == "firth_lung":
        table = pd.read_csv(folder / "lung.csv").dropna(subset=["ph.ecog"])
    else:
        table = pd.read_csv(folder / "monotone_cox.csv")
    found = firth_cox(table["time"], table["event"], table[list(entry["coef"])], ties="breslow")
    wald = 1.959963984540054 * found.se
    ours = {
        "coef": (found.coef, 1e-6),
        "se": (found.se, 1e-6),
        "p_penalised_lrt": (found.p_value, 1e-8),
        "hr_ci_pl_lower": (np.exp(found.ci_low), 1e-8),
        "hr_ci_pl_upper": (np.exp(found.ci_high), 1e-8),
        "p_wald": (found.p_wald, 1e-6),
        "hr_ci_wald_lower": (np.exp(found.coef - wald), 1e-6),
        "hr_ci_wald_upper": (np.exp(found.coef + wald), 1e-6),
        "loglik": ([found.loglike_null, found.loglike], 1e-10),
    }
    assert set(entry) == {"formula", *ours}
    for key, (numbers, rel) in ours.items():
        assert np.ravel(numbers) == pytest.approx(values(entry[key]), rel=rel), key
    assert found.monotone == (name != "firth_lung")


def test_every_entry_of_the_file_is_compared(truth: dict) -> None:
    assert set(truth) == {"packages", "_meta", "myeloma_univ", *MODELS, *FIRTH}
    assert set(truth["myeloma_univ"]) == {f"z_{gene}" for gene in GENES}
