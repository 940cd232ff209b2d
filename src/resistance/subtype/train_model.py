"""Expression and the class of each sample -> a trained :class:`Model`, with its performance on samples it did not see."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resistance.errors import InputError
from resistance.stats.two_normals import called, from_labels
from resistance.stats.welch_t import WelchT, compare, first_by_fdr, group_moments, welch_t
from resistance.subtype.expression import Expression
from resistance.subtype.genes import find_genes
from resistance.subtype.model import Model
from resistance.subtype.rule import Rule, Trained
from resistance.subtype.rules import RULES, rule_of
from resistance.subtype.scaling import KINDS, MIN_KNOWN, MIN_STEADY_GENES, Scaling, fit_scaling, steady

#: words that are no class
NO_CLASS = frozenset({"", "UNCLASSIFIED", "UNCLASS", "NA", "nan", "None"})
#: fewest training samples of a class
MIN_CLASS = 3
#: values up to which a table that is not log2 yet is converted in double precision
_DOUBLE = 60_000_000
FloatArray = NDArray[np.float64]


def train_model(
    expression: Expression,
    labels: Mapping[str, str | None],
    rule: str = "lps",
    *,
    name: str | None = None,
    classes: Sequence[str] | None = None,
    n_genes: int = 100,
    genes: Sequence[str] | None = None,
    scaling: str | None = None,
    cut: float = 0.9,
    folds: int = 5,
    seed: int = 1,
) -> Model:
    """Train a classifier of two classes.

    Parameters
    ----------
    expression : Expression
    labels : mapping of str to str
        Sample -> class; None and UNCLASSIFIED are left out and counted.
    rule : {'lps', 'ps', 'prps'}
    name : str, optional
        Name of the model (default: the rule's).
    classes : sequence of str, optional
        The two classes; the first is the one that scores high (default: in the order of the alphabet).
        Samples of other classes are left out and counted.
    n_genes : int
        Genes of the score: those with the lowest false discovery rate (Welch's t), ties in the table's order.
    genes : sequence of str, optional
        These genes instead.
    scaling : {'none', 'standardise', 'reference_sample', 'quantile'}, optional
        How new samples are brought to this set's scale; its numbers come from the training samples
        alone.  Default: as the rule was published (none; PS standardises).
    cut : float
        Probability from which a class is called.
    folds : int
        Parts of the cross-validation, in which genes, weights and scaling are found anew; 0 for none.
    seed : int
        Of the assignment to parts.

    Returns
    -------
    Model

    Raises
    ------
    InputError
        No two classes with three samples each, an unknown rule or scaling, no gene that varies, samples
        without any value.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> values = rng.normal(size=(30, 20)) + np.outer(np.arange(30) < 5, np.arange(20) < 10) * 3
    >>> table = Expression(tuple(f"G{i}" for i in range(30)), tuple(f"S{j}" for j in range(20)), values, "log2")
    >>> model = train_model(table, {f"S{j}": "ABC" if j < 10 else "GCB" for j in range(20)}, n_genes=5, folds=0)
    >>> model.classes, sorted(model.genes)
    (('ABC', 'GCB'), ['G0', 'G1', 'G2', 'G3', 'G4'])
    """
    if rule not in {known.name for known in RULES}:
        raise InputError(
            "is no rule", column="rule", value=rule, remedy=f"There are: {', '.join(known.name for known in RULES)}."
        )
    kind = rule_of(rule).train_scaling if scaling is None else scaling
    if kind not in KINDS:
        raise InputError("is no scaling", column="scaling", value=kind, remedy=f"There are: {', '.join(KINDS)}.")
    if not 0.5 <= cut < 1:
        raise InputError("a cut is a probability from 0.5 to below 1", column="cut", value=cut)
    pair, of, left_out = _classes(expression, labels, classes)
    used = np.array([value is not None for value in of])
    one = np.array([value == pair[0] for value in of])
    unusable = [f"{sample} ({why})" for sample, why in expression.unusable().items() if sample in labels]
    if unusable:
        raise InputError(
            f"samples of the training set have nothing to learn from: {', '.join(unusable[:5])}", remedy="Leave them out."
        )
    values = _log2(expression)
    rows = None if genes is None else _rows_of(genes, expression)
    fit = _fit(expression, values, one, used, rule_of(rule), kind, n_genes, rows)
    model = Model(
        name or rule, rule, pair, cut, expression.unit, expression.platform, fit.genes, fit.trained, fit.p_value, fit.q_value,
        fit.scaling, from_labels(fit.score, one[used]),
        {
            "digest": training_digest(expression, of),
            "samples": {pair[0]: int((one & used).sum()), pair[1]: int((~one & used).sum())},
            "left_out": left_out,
            "genes_of_the_table": len(expression.genes),
            "genes_tested": fit.tested,
            "apparent": {},
            "cross_validated": {},
        },
    )  # fmt: skip
    model.training["apparent"] = _counts(called(model.normals, fit.score, cut), one[used], pair)
    if folds:
        model.training["cross_validated"] = _cross_validated(expression, values, one, used, model, n_genes, rows, folds, seed)
    return model


class _Fit:
    """What one fit learns."""

    def __init__(
        self, genes: tuple[str, ...], trained: Trained, found: WelchT, scaling: Scaling, score: FloatArray, tested: int
    ) -> None:
        self.genes, self.trained, self.scaling, self.score, self.tested = genes, trained, scaling, score, tested
        self.p_value, self.q_value = found.p_value, found.q_value


def _fit(
    expression: Expression, values: NDArray[Any], one: NDArray[np.bool_], used: NDArray[np.bool_], rule: Rule, kind: str,
    n_genes: int, rows: Sequence[int] | None, found: WelchT | None = None,
) -> _Fit:  # fmt: skip
    found = welch_t(values, one, among=used) if found is None else found
    chosen = [int(i) for i in first_by_fdr(found, n_genes)] if rows is None else [i for i in rows if found.t[i] == found.t[i]]
    if not chosen:
        raise InputError("no gene varies between and within the classes: there is nothing to train on")
    beside = _steady_rows(found, used, chosen) if kind in ("reference_sample", "quantile") else []
    if kind in ("reference_sample", "quantile") and len(beside) < MIN_STEADY_GENES:
        raise InputError(
            f"{len(beside)} steady genes to scale by, {MIN_STEADY_GENES} are needed (known in {MIN_KNOWN:.0%} of the samples, alike in both "
            "classes)", column="scaling", value=kind, remedy="Train on the whole transcriptome, or use scaling standardise.",
        )  # fmt: skip
    block = np.asarray(values[[*chosen, *beside]][:, used], dtype=np.float64)
    names = [expression.genes[i] for i in chosen]
    scaling = fit_scaling(kind, names, [expression.genes[i] for i in beside], block)
    scaled, _ = scaling.apply(block if kind in ("reference_sample", "quantile") else block[: len(chosen)], len(chosen))
    again = welch_t(scaled, one[used])
    trained = Trained(
        np.nan_to_num(again.t),
        again.mean_1,
        again.mean_0,
        again.sd_1,
        again.sd_0,
        int((one & used).sum()),
        int((~one & used).sum()),
    )
    part = WelchT(*(getattr(found, field)[chosen] for field in WelchT.__dataclass_fields__))
    tested = int((~np.isnan(found.t)).sum())
    return _Fit(tuple(names), trained, part, scaling, rule.score(scaled, trained).score, tested)


def _steady_rows(found: WelchT, used: NDArray[np.bool_], chosen: Sequence[int]) -> list[int]:
    n_1, n_0 = found.n_1, found.n_0
    n = n_1 + n_0
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (n_1 * found.mean_1 + n_0 * found.mean_0) / n
        ss = (n_1 - 1) * found.sd_1**2 + (n_0 - 1) * found.sd_0**2 + n_1 * n_0 / n * (found.mean_1 - found.mean_0) ** 2
        sd = np.sqrt(ss / (n - 1))
    return steady(mean, sd, found.q_value, n / used.sum(), chosen)


def _cross_validated(
    expression: Expression, values: NDArray[Any], one: NDArray[np.bool_], used: NDArray[np.bool_], model: Model, n_genes: int,
    rows: Sequence[int] | None, folds: int, seed: int,
) -> dict[str, Any]:  # fmt: skip
    smaller = int(min((one & used).sum(), (~one & used).sum()))
    folds = min(folds, smaller)
    if smaller - -(-smaller // folds) < 2:  # the rest of a fold must still have a spread
        return {"note": "too few samples of a class to leave some out"}
    part = np.full(one.size, -1)
    rng = np.random.default_rng(seed)
    for which in (one & used, ~one & used):
        places = rng.permutation(np.flatnonzero(which))
        part[places] = np.arange(places.size) % folds
    calls = np.full(one.size, -1, dtype=np.int8)
    rule = rule_of(model.rule)
    at = {gene: i for i, gene in enumerate(expression.genes)}
    # one walk over the table for all parts: what is learned from is the rest, put together
    sides = np.column_stack([which & (part == number) for which in (one & used, ~one & used) for number in range(folds)])
    moments = group_moments(values, sides)
    for number in range(folds):
        rest = [i for i in range(folds) if i != number]
        found = compare(moments.pooled(rest), moments.pooled([folds + i for i in rest]))
        learned, held = used & (part != number), used & (part == number)
        fit = _fit(expression, values, one, learned, rule, model.scaling.kind, n_genes, rows, found)
        wanted = fit.scaling.genes or fit.genes
        scaled, _ = fit.scaling.apply(
            np.asarray(values[[at[gene] for gene in wanted]][:, held], dtype=np.float64), len(fit.genes)
        )
        score = rule.score(scaled, fit.trained).score
        calls[held] = called(from_labels(fit.score, one[learned]), score, model.cut)
    return {"folds": folds, "seed": seed} | _counts(calls[used], one[used], model.classes)


def _counts(calls: NDArray[np.int8], one: NDArray[np.bool_], classes: tuple[str, str]) -> dict[str, Any]:
    """Return the table of true class against call."""
    table = {
        name: {
            classes[0]: int((calls[which] == 1).sum()),
            classes[1]: int((calls[which] == 0).sum()),
            "UNCLASSIFIED": int((calls[which] == -1).sum()),
        }
        for name, which in ((classes[0], one), (classes[1], ~one))
    }
    right = table[classes[0]][classes[0]] + table[classes[1]][classes[1]]
    open_ = table[classes[0]]["UNCLASSIFIED"] + table[classes[1]]["UNCLASSIFIED"]
    return {"table": table, "right": right, "wrong": int(one.size) - right - open_, "unclassified": open_}


def _classes(
    expression: Expression, labels: Mapping[str, str | None], classes: Sequence[str] | None
) -> tuple[tuple[str, str], list[str | None], dict[str, int]]:
    """Return the classes, the class of each sample of the table (None: not used), and how many were left out and why."""
    given = {str(sample): None if value is None or str(value) in NO_CLASS else str(value) for sample, value in labels.items()}
    here = [given.get(sample) for sample in expression.samples]
    left_out = {"no label": 0, "label without a class": 0, "other class": 0, "label of a sample without expression": 0}
    left_out["no label"] = sum(sample not in given for sample in expression.samples)
    left_out["label without a class"] = sum(sample in given and given[sample] is None for sample in expression.samples)
    there_too = frozenset(expression.samples)
    left_out["label of a sample without expression"] = sum(sample not in there_too for sample in given)
    if left_out["no label"] == len(expression.samples):
        in_rows = sum(gene in given for gene in expression.genes)
        if in_rows:
            raise InputError(
                f"samples stand in rows here ({in_rows} row names have a label, no column name has)",
                remedy="Turn the table: genes in rows, samples in columns (table.T; on the command line: --samples-in-rows).",
            )
        raise InputError(
            f"no sample has both expression and a label (expression: {expression.samples[0]}; labels: {next(iter(given), 'none')})",
            remedy="Both tables must name the samples in the same way.",
        )
    there = sorted({value for value in here if value is not None})
    if classes is None:
        if len(there) != 2:
            raise InputError(
                f"two classes are needed, and the labels have {len(there)}", value=", ".join(there[:8]) or None,
                remedy="Name the two with 'classes' (--classes ABC,GCB); the others are left out and counted.",
            )  # fmt: skip
        classes = there
    elif len(classes) != 2 or len(set(classes)) != 2:
        raise InputError("two different classes are needed", column="classes", value=", ".join(map(str, classes)))
    pair = (str(classes[0]), str(classes[1]))
    left_out["other class"] = sum(value is not None and value not in pair for value in here)
    of = [value if value in pair else None for value in here]
    for name in pair:
        n = of.count(name)
        if n < MIN_CLASS:
            raise InputError(
                f"{n} samples of the class, at least {MIN_CLASS} are needed", column="label", value=name,
                remedy=f"The labels have: {', '.join(there) or 'no class'}.",
            )  # fmt: skip
    return pair, of, {why: n for why, n in left_out.items() if n}


def _rows_of(genes: Sequence[str], expression: Expression) -> list[int]:
    found = find_genes(list(dict.fromkeys(genes)), expression.genes, where="expression")
    if found.missing:
        raise InputError(
            f"{len(found.missing)} of the genes to train on are not in the table: {', '.join(found.missing[:10])}",
            remedy="Take them out of the list, or give the names of the table.",
        )
    at = {gene: i for i, gene in enumerate(expression.genes)}
    return [at[row] for row in found.rows.values()]


def _log2(expression: Expression) -> NDArray[Any]:
    if expression.unit == "log2":
        return expression.values
    if expression.values.size <= _DOUBLE:
        return expression.rows(range(len(expression.genes)))
    m = len(expression.genes)
    out = np.empty((m, len(expression.samples)), dtype=np.float32)
    total = expression.library_sizes() if expression.unit == "counts" else None
    for start in range(0, m, 500):
        block = np.asarray(expression.values[start : start + 500], dtype=np.float64)
        if total is not None:
            block = block / np.where(total > 0, total, np.nan) * 1e6
        out[start : start + 500] = np.log2(block + 1)
    return out


def training_digest(expression: Expression, of: Sequence[str | None]) -> str:
    """Return a digest of what was trained on: names, classes and values of the samples used."""
    used = [i for i, value in enumerate(of) if value is not None]
    parts = hashlib.blake2b(digest_size=8)
    parts.update("\n".join([*expression.genes, *(f"{expression.samples[i]}\t{of[i]}" for i in used)]).encode())
    whole = len(used) == len(expression.samples)
    for start in range(0, len(expression.genes), 1000):
        block = expression.values[start : start + 1000]
        parts.update(np.ascontiguousarray(block if whole else block[:, used]).tobytes())
    return parts.hexdigest()
