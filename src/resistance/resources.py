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

#: folders below ``resources/`` whose tables decide calls and scores
RESULT_FOLDERS = ("signatures", "subtypes")


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
    """Return a digest of the tables that results follow from: names and bytes, in the order of the names.

    These are the tables directly under ``resources/`` and those of :data:`RESULT_FOLDERS`.  The
    simulation's tables, scripts and READMEs change no result.
    """
    folder = next((folder for folder in FOLDERS if folder.is_dir()), FOLDERS[0])
    parts = hashlib.sha256()
    for below in ("", *RESULT_FOLDERS):
        for path in sorted((folder / below).glob("*")):
            if path.is_file() and path.suffix != ".md":
                parts.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return parts.hexdigest()[:16]
