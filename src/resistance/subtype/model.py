"""A trained expression classifier <-> a small JSON file that says what it was trained on and how well it did there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from resistance.errors import InputError
from resistance.stats.two_normals import TwoNormals
from resistance.subtype.rule import Trained
from resistance.subtype.rules import RULES
from resistance.subtype.scaling import KINDS, Scaling
from resistance.tables import write_text

FORMAT, VERSION = "resistance expression model", 1
#: ``training["kind"]`` of a model whose classes nobody gave
SELF_TRAINED = "self-trained"
_COLUMNS = ("weight", "mean_1", "mean_0", "sd_1", "sd_0", "p_value", "q_value")


@dataclass(frozen=True, eq=False)
class Model:
    """A trained classifier of two classes.

    Parameters
    ----------
    name : str
    rule : str
        'lps', 'ps' or 'prps'.
    classes : tuple of str
        The class of high scores first.
    cut : float
        Probability from which a class is called.
    unit, platform : str
        Of the training set; the scale is log2 (:meth:`resistance.subtype.expression.Expression.rows`).
    genes : tuple of str
        Genes of the score.
    trained : Trained
    p_value, q_value : array
        Of each gene's difference in training.
    scaling : Scaling
    normals : TwoNormals
        Of the score in each class, in training.
    training : dict
        Digest, numbers of samples by class, what was left out, and the performance.
    """

    name: str
    rule: str
    classes: tuple[str, str]
    cut: float
    unit: str
    platform: str
    genes: tuple[str, ...]
    trained: Trained
    p_value: np.ndarray[Any, Any]
    q_value: np.ndarray[Any, Any]
    scaling: Scaling
    normals: TwoNormals
    training: dict[str, Any]

    @property
    def self_trained(self) -> bool:
        """Whether it learned from samples without labels (PRPS-ST)."""
        return bool(self.training.get("kind") == SELF_TRAINED)

    def to_json(self) -> str:
        """Return the model as text, the same for the same model; numbers are written so that they come back exactly."""
        of, normals = self.trained, self.normals
        columns = {
            "weight": of.weight, "mean_1": of.mean_1, "mean_0": of.mean_0, "sd_1": of.sd_1, "sd_0": of.sd_0,
            "p_value": self.p_value, "q_value": self.q_value,
        }  # fmt: skip
        facts = {
            "format": FORMAT,
            "version": VERSION,
            "name": self.name,
            "rule": self.rule,
            "classes": list(self.classes),
            "cut": self.cut,
            "unit": self.unit,
            "platform": self.platform,
            "n": [of.n_1, of.n_0],
            "score": {"mean_1": normals.mean_1, "sd_1": normals.sd_1, "mean_0": normals.mean_0, "sd_0": normals.sd_0},
            "genes": list(self.genes),
            "columns": {name: _numbers(column) for name, column in columns.items()},
            "scaling": {
                "kind": self.scaling.kind,
                "genes": list(self.scaling.genes),
                "reference": _numbers(self.scaling.reference),
                "spread": _numbers(self.scaling.spread),
            },
            "training": self.training,
        }
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
        return json.dumps(facts | {"digest": digest}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    def write(self, path: str | Path) -> None:
        """Write the model."""
        write_text(Path(path), self.to_json())


def read_model(path: str | Path) -> Model:
    """Read a model.

    Raises
    ------
    InputError
        The file is missing, no JSON, no such model, of another version, or was changed after it was written.
    """
    try:
        facts = json.loads(Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError("the model is missing", path=path, remedy="`resistance subtype train` writes one.") from error
    except (ValueError, OSError) as error:
        raise InputError(f"not readable as JSON ({error})", path=path, remedy="Copy the file again.") from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise InputError("is no expression model", path=path, remedy="`resistance subtype train` writes one.")
    if facts.get("version") != VERSION:
        raise InputError(
            "the model has another version", path=path, value=facts.get("version"), remedy=f"Version {VERSION} is read here: train it again."
        )  # fmt: skip
    digest = facts.pop("digest", None)
    if digest != hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]:
        raise InputError(
            "the model was changed after it was written, or is cut off (its digest does not fit)",
            path=path,
            remedy="Train it again.",
        )
    try:
        return _model(facts)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"the model lacks or contradicts what it needs ({error!r})", path=path, remedy="Train it again."
        ) from error


def _model(facts: dict[str, Any]) -> Model:
    columns = {name: _array(facts["columns"][name]) for name in _COLUMNS}
    scaling, score, genes = facts["scaling"], facts["score"], tuple(facts["genes"])
    n_1, n_0 = facts["n"]
    if facts["rule"] not in {rule.name for rule in RULES} or scaling["kind"] not in KINDS:
        raise ValueError(f"rule {facts['rule']} or scaling {scaling['kind']} is not known")
    if len(set(genes)) != len(genes) or any(column.size != len(genes) for column in columns.values()):
        raise ValueError("genes and their numbers do not match")
    first, second = facts["classes"]
    return Model(
        str(facts["name"]), str(facts["rule"]), (str(first), str(second)), float(facts["cut"]), str(facts["unit"]), str(facts["platform"]),
        genes, Trained(columns["weight"], columns["mean_1"], columns["mean_0"], columns["sd_1"], columns["sd_0"], int(n_1), int(n_0)),
        columns["p_value"], columns["q_value"],
        Scaling(scaling["kind"], tuple(scaling["genes"]), _array(scaling["reference"]), _array(scaling["spread"])),
        TwoNormals(**{name: float(value) for name, value in score.items()}), dict(facts["training"]),
    )  # fmt: skip


def _numbers(column: Any) -> list[float | None]:
    return [None if value != value else float(value) for value in np.asarray(column, dtype=np.float64)]


def _array(column: list[float | None]) -> np.ndarray[Any, Any]:
    return np.array([np.nan if value is None else value for value in column], dtype=np.float64)
