"""Cohort, effects and pile-up -> the variants that are followed in each patient's plasma, with all counts of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from resistance.config import Ctdna
from resistance.ctdna.haematopoiesis import judge_origins
from resistance.ctdna.support import VARIANT, candidate_variants, with_counts

if TYPE_CHECKING:
    import pandas as pd

    from resistance.cohort import Cohort


@dataclass(frozen=True)
class Followed:
    """What is followed.

    Parameters
    ----------
    variants : DataFrame
        patient_id and the variant, sorted; each stands for the tumour.
    notes : dict
        patient_id -> what to know about where the variants come from.
    counted : DataFrame
        Counts of all samples, of :func:`resistance.ctdna.support.with_counts`.
    origins : DataFrame
        Every candidate with its verdict, of :func:`resistance.ctdna.haematopoiesis.judge_origins`;
        ``followed`` says whether it is among `variants`.
    """

    variants: pd.DataFrame
    notes: dict[str, str]
    counted: pd.DataFrame
    origins: pd.DataFrame


def follow(
    cohort: Cohort, settings: Ctdna, *, effects: pd.DataFrame | None = None, pileup: pd.DataFrame | None = None
) -> Followed:
    """Choose the variants that stand for the tumour in each patient's plasma.

    Followed are the variants with support in the patient's baseline tumour (or bone marrow); where
    that gives none, those of the first plasma sample.  Inherited variants are not followed, nor those
    that white cells prove haematopoietic unless the cohort file wants them
    (:mod:`resistance.ctdna.haematopoiesis`).

    Parameters
    ----------
    cohort : Cohort
    settings : config.Ctdna
    effects : DataFrame, optional
        Schema EFFECTS, for genes and the flag of clonal haematopoiesis.
    pileup : DataFrame, optional
        Schema PILEUP; its counts stand in the place of the caller's.
    """
    counted = with_counts(cohort.calls, pileup, settings.background_error_rate)
    origins = judge_origins(cohort, counted, settings, effects)
    variants, notes = _tracked(candidate_variants(cohort, counted), origins)
    there = origins[["patient_id", *VARIANT]].merge(variants.assign(_there=True), on=["patient_id", *VARIANT], how="left")
    return Followed(variants, notes, counted, origins.assign(followed=there["_there"].notna().to_numpy()))


def tracked_variants(cohort: Cohort, counted: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the variants followed in each patient by the default rules, and the notes of :class:`Followed`."""
    return _tracked(candidate_variants(cohort, counted), judge_origins(cohort, counted, Ctdna(), None))


def _tracked(candidates: pd.DataFrame, origins: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return those of the tumour, where it gives any that is kept, else those of the first plasma."""
    keys = ["patient_id", *VARIANT]
    found = candidates.merge(origins[[*keys, "kept"]], on=keys, how="left")
    found = found[found["kept"].eq(True)]
    found = found[found["is_tumour"] | ~found["patient_id"].isin(found.loc[found["is_tumour"], "patient_id"])]
    notes = {
        patient: "variants followed from this patient's first plasma sample (no baseline tumour variant): the level there is "
        "biased upwards, and a variant below its detection limit is missed"
        + ("" if timepoint == "baseline" else "; the first plasma sample is not a baseline sample")
        for patient, timepoint, tumour in zip(found["patient_id"], found["timepoint"], found["is_tumour"], strict=True)
        if not tumour
    }
    return found[keys].sort_values(keys, kind="stable").reset_index(drop=True), notes
