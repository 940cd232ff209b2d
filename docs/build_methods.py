"""resistance.associate.methods -> docs/methods.md: what answers which question.  Run it after a change of a method."""

from __future__ import annotations

from pathlib import Path

from resistance.associate.methods import METHODS, Method
from resistance.report.words import SCALES
from resistance.tables import write_text

PAGE = Path(__file__).with_name("methods.md")
HEAD = """\
# Methods of the associations

<!-- Written by docs/build_methods.py from resistance.associate.methods; do not edit by hand. -->

Each line is one record, in one file of `src/resistance/associate/methods/`. Of those that fit a question (kind of endpoint,
kind of model, flag or number, rare or not) the first usual one is taken; `analysis.methods` takes others by their key.
How the questions themselves come about: [Associations](association.md); the whole of the statistics, with what only Python offers:
[Which question, which method](statistics.md).

| key | endpoint | models | marker | method | test behind p | effect | reference |
|---|---|---|---|---|---|---|---|
"""

USE = """
## When each is taken, what it assumes, what it was compared with

"Rare": fewer than `few_carriers` (20) patients with or without the marker, in survival also fewer events expected in them. Versions are
those of the packages that gave the expected numbers of the tests (under `tests/stats/`).

| key | taken | assumes | compared with | tests |
|---|---|---|---|---|
"""

_INDEPENDENT = "patients are independent"
_ARMS = "one ratio of effects whatever the covariates; what it says of treatment is causal only where the arms were randomised"
#: key -> when, what it assumes, what it was compared with, the tests under tests/stats
ABOUT: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "fisher": (
        "crude question of a flag, however rare",
        f"{_INDEPENDENT}; carriers and responders are taken as given, which makes it conservative (`p_value_minimum` says by how much)",
        "fisher.test (R 4.2.2), enumeration in whole numbers",
        ("test_exact.py",),
    ),
    "mid_p": (
        "where Fisher's caution costs too much power",
        "as Fisher; 5 % are kept on the average of tables, not for each rate",
        "the definition by enumeration, R's hypergeometric distribution",
        ("test_exact.py",),
    ),
    "boschloo": (
        "as mid-p, where the level must be kept for every rate",
        "only the sizes of the two groups are fixed; interval and estimate stay Fisher's and may disagree with the p near 5 %",
        "Exact 3.3 (R), SciPy, enumeration",
        ("test_boschloo.py",),
    ),
    "barnard": ("as Boschloo", "as Boschloo", "Exact 3.3 (R), SciPy, enumeration", ("test_barnard.py",)),
    "mantel_haenszel": (
        "strata and no covariates: adjusted without a model",
        "one odds ratio in all strata (Breslow-Day's p with Tarone's correction stands in the note)",
        "mantelhaen.test(exact = TRUE) (R 4.2.2), sums over all tables",
        ("test_stratified.py",),
    ),
    "firth": (
        "with covariates, several markers or a number",
        "log odds linear in numbers; finite whatever cell is empty, and 3 % false positives of 5 % with four carriers",
        "logistf 1.26.1, brglm2 0.9, firthmodels",
        ("test_firth_logistic.py", "scan/test_logistic_scan.py"),
    ),
    "ordinal_permutation": (
        "crude question of a rare flag",
        "within a stratum, patients without effect could have changed places; the estimate: one odds ratio at every cut",
        "every rearrangement written out",
        ("test_ordinal_permutation.py",),
    ),
    "proportional_odds": (
        "every other ordinal question",
        "one odds ratio at every cut: tested, and where it does not hold (or cannot be tested) the odds ratio of each cut stands in the note",
        "MASS::polr 7.3-58.2, ordinal::clm and nominal_test 2022.11-16",
        ("test_ordinal.py",),
    ),
    "wilcoxon": (
        "crude question of a flag",
        "the shift: both groups have one shape; the p only that patients without effect are exchangeable",
        "wilcox.test (R 4.2.2), every rearrangement",
        ("test_ranks.py",),
    ),
    "linear": (
        "with covariates, several markers or a number",
        "errors of one variance, in small cohorts about normal",
        "statsmodels",
        ("test_linear.py",),
    ),
    "firth_cox": (
        "rare flag",
        "p: within a stratum, patients without effect could have exchanged residuals, and censoring does not go with the marker; interval: "
        "proportional hazards, and it is asymptotic, so that it may disagree with the p",
        "coxphf 1.13.1, enumeration, multtest 2.54.0",
        ("test_firth_cox.py", "test_cox_truth.py", "test_permutation.py"),
    ),
    "firth_cox_lrt": (
        "rare flag where permutation has no meaning: rows of one patient that change state, imputed covariates",
        "proportional hazards; with four carriers 8 % false positives of 5 % ([simulated](type_one_error.md))",
        "coxphf 1.13.1",
        ("test_firth_cox.py", "test_cox_truth.py"),
    ),
    "cox": (
        "flag that is not rare, or a number",
        "proportional hazards: tested by the exact score test (`assumption_p`), with the difference in restricted means beside a crude flag; "
        "log hazard linear in numbers; censoring independent given the columns",
        "coxph, cox.zph (survival 3.5-3): ties, strata, delayed entry, start-stop rows",
        ("test_cox_r.py", "test_cox_truth.py", "test_cox_profile.py", "test_proportional_hazards.py"),
    ),
    "cox_wald": (
        "`cox_interval: wald`",
        "as `cox`; effect and standard errors as R prints them, which with few events may disagree with the p",
        "coxph (survival 3.5-3)",
        ("test_cox_r.py", "test_cox_truth.py"),
    ),
    "log_rank": (
        "where a protocol names it",
        "censoring does not go with the marker; most power under proportional hazards",
        "survdiff (survival 3.5-3), also stratified",
        ("test_log_rank.py",),
    ),
    "fine_gray": (
        "endpoint with `competing_codes`, beside the Cox model of the cause",
        "proportional subdistribution hazards; censoring independent of everything; the ratio is one of incidences, not of rates",
        "crr (cmprsk 2.2-11), finegray and coxph (survival 3.5-3)",
        ("test_fine_gray.py", "test_fine_gray_entry.py"),
    ),
    "gray": (
        "in place of Fine-Gray, where incidences are to be compared without a model",
        "censoring independent of everything; strata, no covariates, no delayed entry; a p and its direction, no effect",
        "cuminc (cmprsk 2.2-11)",
        ("test_gray.py", "test_r_competing.py"),
    ),
    "cut_survival": (
        "`optimal_cut` of a measure",
        "the measure is independent of the outcome under the hypothesis; no covariates",
        "maxstat 0.7-25, enumeration",
        ("test_cutpoint.py",),
    ),
    "cut_binary": ("`optimal_cut` of a measure", "as above", "maxstat 0.7-25, enumeration", ("test_cutpoint.py",)),
    "cut_continuous": ("`optimal_cut` of a measure", "as above", "maxstat 0.7-25, enumeration", ("test_cutpoint.py",)),
    "logistic_interaction": (
        "`treatment_interaction`, with patients in both arms",
        _ARMS,
        "that of `firth`; each arm fitted apart",
        ("test_interaction.py",),
    ),
    "ordinal_interaction": ("the same", _ARMS, "that of `proportional_odds`", ("test_ordinal.py",)),
    "linear_interaction": ("the same", "one difference of effects; as `linear`", "that of `linear`", ("test_linear.py",)),
    "firth_cox_interaction": (
        "the same, rare flag",
        f"{_ARMS}; its p is asymptotic",
        "that of `firth_cox_lrt`",
        ("test_interaction_cox.py",),
    ),
    "cox_interaction": ("the same, other markers", _ARMS, "that of `cox`; each arm fitted apart", ("test_interaction.py",)),
    "cox_interaction_wald": ("`cox_interval: wald`", _ARMS, "that of `cox_wald`", ("test_interaction.py",)),
    "moderated_t": (
        "expression of all genes by a binary outcome",
        "log expression about normal; variances of genes come from one distribution (with a trend in the mean); counts by voom",
        "limma 3.54.1 (eBayes plain, trend, robust; voom), edgeR 3.40.2",
        ("test_moderated_t.py", "test_voom.py"),
    ),
    "deseq2": (
        "the same, from counts (extra `counts`)",
        "negative-binomial counts; Wald test",
        "pydeseq2 by its own interface, a negative-binomial model written out",
        ("test_counts.py",),
    ),
}


def page() -> str:
    """Return the text of the page."""
    return (
        HEAD + "\n".join(_row(method) for method in METHODS) + "\n" + USE + "\n".join(_use(method) for method in METHODS) + "\n"
    )


def _use(method: Method) -> str:
    taken, assumes, compared, tests = ABOUT[method.key]
    return f"| `{method.key}` | {taken} | {assumes} | {compared} | {', '.join(f'`{name}`' for name in tests)} |"


def _row(method: Method) -> str:
    marker = " or ".join(method.terms)
    if method.rare is not None:
        marker += ", rare" if method.rare else ", not rare"
    key = f"`{method.key}`" if method.usual else f"`{method.key}` (on request)"
    cells = (
        key, ", ".join(method.kinds).replace("_", " "), ", ".join(method.models).replace("_", " "), marker, method.name, method.test,
        SCALES.get(method.scale, "none"), method.reference,
    )  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    write_text(PAGE, page())
