"""Name of a knowledge table -> the file that holds it: the installed copy first, then the checkout's.

An editable install has no packaged copy, a wheel has no checkout; both find the same tables.
"""

from __future__ import annotations

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
