"""What a result was made from -> one record: digests of inputs, versions, parameters, seed, command."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from resistance import __version__
from resistance.config import CohortFile
from resistance.layout import REFERENCE_FACTS
from resistance.resources import knowledge_digest

#: packages whose version can change a number or a figure
PACKAGES = (
    "altair",
    "decoupler",
    "great-tables",
    "liftover",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "pydeseq2",
    "pysam",
    "scikit-learn",
    "scipy",
    "snakemake",
    "statsmodels",
    "vl-convert-python",
)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def reference_record(path: Path) -> dict[str, Any]:
    """Return what names a reference bundle: its build, the FASTA it was made of, its genes, the digest of its bases.

    Parameters
    ----------
    path : Path
        Its ``reference.json``, or the folder that holds it.
    """
    facts = json.loads((path / REFERENCE_FACTS if path.is_dir() else path).read_text(encoding="utf-8"))
    return {
        "build": facts["build"],
        "source": facts.get("source"),
        "genes": len(facts["genes"]),
        "genes_without_bases": len(facts.get("without_bases", ())),
        "genes_not_whole": list(facts.get("not_whole", ())),
        "sha256": facts["sha256"],
    }


def record(config: CohortFile, cohort_file: Path, inputs: Iterable[Path]) -> dict[str, Any]:
    """Return the provenance of a run.

    Holds nothing that differs between two runs on the same input: no time, no host, no absolute path.

    Parameters
    ----------
    config : CohortFile
    cohort_file : Path
    inputs : iterable of Path
        Files that the cohort file names, as absolute paths.

    Returns
    -------
    dict
        ``command``, ``seed``, ``build``, ``inputs`` (path as seen from the cohort file, bytes,
        sha256), ``reference`` (of own annotation, see :func:`reference_record`; None without), ``versions``,
        ``knowledge_sha256`` (first 16 digits, of the knowledge tables), ``parameters`` (the whole cohort file with
        defaults filled in).
    """
    base = cohort_file.resolve().parent
    reference = config.annotation.reference_file
    files = []
    for path in dict.fromkeys([cohort_file.resolve(), *(p.resolve() for p in inputs)]):
        files.append({"path": _seen_from(path, base), "bytes": path.stat().st_size, "sha256": sha256(path)})
    versions = {"resistance": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:  # an extra that is not installed changes nothing here
            continue
    return {
        "command": f"resistance run {cohort_file.name}",
        "seed": config.seed,
        "build": config.study.build,
        "inputs": files,
        "reference": None if reference is None else reference_record(base / reference),
        "versions": versions,
        "knowledge_sha256": knowledge_digest(),
        "parameters": config.model_dump(mode="json", by_alias=True, exclude={"output"}),
    }


def _seen_from(path: Path, base: Path) -> str:
    import os

    return Path(os.path.relpath(path, base)).as_posix()
