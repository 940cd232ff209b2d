"""Name of a knowledge table -> the file that holds it: the installed copy first, then the checkout's.

An editable install has no packaged copy, a wheel has no checkout; both find the same tables.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from resistance.errors import KnowledgeError

#: where a wheel carries the tables (hatchling force-include), and where the checkout has them
FOLDERS = (
    Path(__file__).resolve().parent / "_packaged" / "resources",
    Path(__file__).resolve().parents[2] / "resources",
)


def resource_path(name: str) -> Path:
    """Return the path of a table of ``resources/``.

    Parameters
    ----------
    name : str
        Path of the table below ``resources/``, as ``"consequences.tsv"``.

    Returns
    -------
    Path

    Raises
    ------
    KnowledgeError
        The installation lacks the table.
    """
    for folder in FOLDERS:
        path = folder / name
        if path.exists():
            return path
    raise KnowledgeError(
        f"the package's table resources/{name} is missing from {' and '.join(str(folder) for folder in FOLDERS)}. "
        "Install the package again."
    )


def knowledge_digest() -> str:
    """Return a digest of the tables that stand directly under ``resources/``: names and bytes, in the order of the names.

    What lies deeper (the simulation's tables, scripts) and the README change no result.
    """
    folder = next((folder for folder in FOLDERS if folder.is_dir()), FOLDERS[0])
    parts = hashlib.sha256()
    for path in sorted(folder.glob("*")):
        if path.is_file() and path.suffix != ".md":
            parts.update(path.name.encode() + b"\0" + path.read_bytes())
    return parts.hexdigest()[:16]
