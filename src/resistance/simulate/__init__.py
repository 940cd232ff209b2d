"""A seed -> a folder with a whole simulated cohort: clinic, samples, VCFs, expression, IHC, and the truth behind them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from resistance.errors import InputError

__all__ = ["simulate"]

#: fewer patients cannot fill three arms in both cells of origin
LEAST_PATIENTS, MOST_PATIENTS = 24, 999


def simulate(folder: Path, *, seed: int = 1, n_patients: int = 120) -> Path:
    """Write a simulated cohort of relapsed DLBCL under lenalidomide, with known truth.

    The same seed gives the same text in every file (compressed files: under the same zlib).

    Parameters
    ----------
    folder : Path
        Made where it does not exist; must be empty otherwise.
    seed : int
    n_patients : int
        24 to 999; arms are shared out 45 : 35 : 40.

    Returns
    -------
    Path
        The cohort file.

    Raises
    ------
    InputError
        The folder holds something already, or the numbers are out of range.
    """
    if seed < 0:
        raise InputError("the seed is negative", column="seed", value=seed, remedy="Give 0 or a positive whole number.")
    if not LEAST_PATIENTS <= n_patients <= MOST_PATIENTS:
        raise InputError(
            "cannot simulate so many patients",
            column="n_patients",
            value=n_patients,
            remedy=f"Give a number from {LEAST_PATIENTS} to {MOST_PATIENTS}.",
        )
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file, not a folder", path=folder, remedy="Choose another folder.")
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError("the folder is not empty, and simulate overwrites nothing", path=folder, remedy="Choose another folder.")

    from resistance.simulate.files import cohort_files

    files = cohort_files(seed=seed, n_patients=n_patients)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # the whole folder appears at once: a crash leaves no half-written cohort
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
        made = Path(temporary) / "cohort"
        for name, content in files.items():
            path = made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        made.replace(folder)
    return folder / "cohort.yaml"
