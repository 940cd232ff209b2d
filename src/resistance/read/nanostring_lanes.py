"""NanoString RCC files -> what the instrument says about each lane: fields of view, binding density, scanner."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resistance import config
from resistance.read.nanostring import is_rcc, read_texts, sample_of
from resistance.schemas import NANOSTRING_LANES
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import pandas as pd

_LANE = re.compile(r"<Lane_Attributes>(.*?)</Lane_Attributes>", re.IGNORECASE | re.DOTALL)
#: column -> attribute of the RCC file
_NUMBERS = {"fov_count": "fovcount", "fov_counted": "fovcounted", "binding_density": "bindingdensity"}
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def read_lanes(
    source: config.NanoString, base: Path, *, samples: Collection[str], files: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Read the lanes of a cohort's RCC files.

    Parameters
    ----------
    source : config.NanoString
        A table of counts says nothing about lanes.
    base : Path
        Folder of the cohort file.
    samples : collection of str
        Samples that are analysed.
    files : DataFrame, optional
        sample_id and rcc, the path of each sample's file relative to `base`; NA: none.

    Returns
    -------
    DataFrame
        Schema ``nanostring_lanes``, one row per sample with a file, sorted; an attribute that the file does not state, or
        that is no number, is NA.

    Raises
    ------
    InputError
        A file is missing.
    """
    if source.format != "rcc" or files is None or "rcc" not in files:
        return empty(NANOSTRING_LANES)
    named = files[files["rcc"].notna() & files["sample_id"].isin(list(samples))].sort_values("sample_id", kind="stable")
    texts = {
        str(sample): next(iter(read_texts(base / str(name)).values()))
        for sample, name in zip(named["sample_id"], named["rcc"], strict=True)
    }
    return lane_table(texts)


def read_lane_table(path: Path) -> pd.DataFrame:
    """Read the lanes of an RCC file, or of a folder or .zip of them (schema ``nanostring_lanes``); of a table of counts: no rows."""
    if not path.is_dir() and not is_rcc(path.name) and not path.name.lower().endswith(".zip"):
        return empty(NANOSTRING_LANES)
    return lane_table({sample_of(name): text for name, text in read_texts(path).items()})


def lane_table(texts: Mapping[str, str]) -> pd.DataFrame:
    """Return the lanes of RCC files given by their text, sample -> text (schema ``nanostring_lanes``)."""
    import pandas as pd

    rows = [{"sample_id": sample} | parse_lane(text) for sample, text in texts.items()]
    return conform(pd.DataFrame(rows, columns=list(NANOSTRING_LANES.names)), NANOSTRING_LANES)


def parse_lane(text: str) -> dict[str, Any]:
    """Return fov_count, fov_counted, binding_density and scanner_id of an RCC file's text; None where it does not state them.

    Examples
    --------
    >>> lane = parse_lane("<Lane_Attributes>\\nFovCount,280\\nFovCounted,268\\nBindingDensity,0.61\\n</Lane_Attributes>")
    >>> lane["fov_counted"], lane["binding_density"], lane["scanner_id"]
    (268.0, 0.61, None)
    """
    section = _LANE.search(text)
    stated: dict[str, str] = {}
    for line in (section.group(1) if section else "").splitlines():
        name, _, value = line.partition(",")
        stated.setdefault(name.strip().lower(), value.strip().strip('"'))
    found: dict[str, Any] = {}
    for column, name in _NUMBERS.items():
        found[column] = float(stated[name]) if _NUMBER.fullmatch(stated.get(name, "")) else None
    found["scanner_id"] = stated.get("scannerid") or None
    return found
