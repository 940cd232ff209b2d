"""The sample columns of a VCF or BCF -> samples of the cohort."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from resistance.config import Variants
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.calls import unknown_sample
from resistance.read.sheet import sample_name


def sample_columns(
    names: Collection[str], tumour: str | None, source: Variants, path: Path, samples: Collection[str], dropped: Dropped
) -> dict[str, str]:
    """Return sample_id -> the VCF's column of it.

    Parameters
    ----------
    names : collection of str
        Sample columns of the file; without any, INFO speaks for the one sample.
    tumour : str or None
        The header's ``##tumor_sample``.
    source : config.Variants
        Without ``file`` the VCF belongs to `samples` alone: further columns (the normal) are passed
        over, and for one sample the column may be the one named like it, the only one, the header's
        tumor_sample, or TUMOR.  With ``file`` every column is a sample of the cohort.
    samples : collection of str
    dropped : Dropped

    Raises
    ------
    InputError
        A sample has no column, or a column no sample (``unknown_samples``).
    """
    own = list(samples)
    if not names:
        if len(own) == 1:
            return {own[0]: ""}
        raise InputError("the VCF has no sample columns", path=path, remedy="Name it in the samples sheet, one file per sample.")
    ours: dict[str, str] = {}
    unknown: list[str] = []
    for column in names:
        try:
            name = sample_name(column, source.sample_id, path=path)
        except InputError:
            if source.file is not None and source.unknown_samples == "error":
                raise
            name = column
        for known in (name, column):
            if known in own:
                if known in ours:
                    raise InputError("two columns of the VCF are one sample", path=path, value=f"{ours[known]}, {column}")
                ours[known] = column
                break
        else:
            unknown.append(column)
    if source.file is not None:
        if unknown and (source.unknown_samples == "error" or not ours):
            raise InputError([unknown_sample(name, 0, samples, path) for name in unknown[:10]])
        dropped.add("samples", path, "the sample is not in the samples sheet", len(unknown), unknown[0] if unknown else None)
        return ours
    missing = [name for name in own if name not in ours]
    if not missing:
        return ours
    if len(own) == 1:
        named = [name for name in names if name.upper() in ("TUMOR", "TUMOUR")]
        for choice in (list(names) if len(names) == 1 else [], [tumour] if tumour in names else [], named):
            if len(choice) == 1 and choice[0] is not None:
                return {own[0]: choice[0]}
    raise InputError(
        "the VCF has no column for this sample",
        path=path,
        value=", ".join(missing[:10]),
        remedy=f"It has: {', '.join(list(names)[:20])}. Rename it (bcftools reheader), or translate it with variants.sample_id.",
    )
