"""Counts in plasma, white cells and tumour -> whether a variant is the tumour's, inherited, or of a clone of blood cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resistance.ctdna.behaviour import behaviour_of
from resistance.ctdna.support import TUMOUR, VARIANT, baseline_of, candidate_variants, in_time
from resistance.schemas import HAEMATOPOIESIS
from resistance.tables import conform, empty

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from resistance.cohort import Cohort
    from resistance.config import Ctdna
    from resistance.ctdna.followed import Followed

KEYS = ["patient_id", *VARIANT]
#: flag of the effects: the variant changes the protein of a gene of clonal haematopoiesis
FLAG = "clonal_haematopoiesis"
#: chance below which errors do not explain the mutant reads of white cells
_CARRIED = 1e-3


def clonal_haematopoiesis(followed: Followed) -> pd.DataFrame:
    """Return what may come from blood cells.

    Parameters
    ----------
    followed : Followed
        Of :func:`resistance.ctdna.followed.follow`.

    Returns
    -------
    DataFrame
        Schema HAEMATOPOIESIS: every variant that may be followed, or that plasma shows in a gene of clonal
        haematopoiesis.  Variants of other genes that white cells prove inherited are not listed.
    """
    found = followed.origins
    found = found[(found["origin"] != "germline") | found["listed_gene"] | (found["evidence"] == "behaviour")]
    if found.empty:
        return empty(HAEMATOPOIESIS)
    return conform(found[list(HAEMATOPOIESIS.names)].sort_values(KEYS, kind="stable"), HAEMATOPOIESIS)


def judge_origins(cohort: Cohort, counted: pd.DataFrame, settings: Ctdna, effects: pd.DataFrame | None) -> pd.DataFrame:
    """Judge where each variant that may be followed comes from.

    Parameters
    ----------
    cohort : Cohort
        Material ``germline`` are the white cells.
    counted : DataFrame
        Of :func:`resistance.ctdna.support.with_counts`.
    settings : config.Ctdna
        ``haematopoiesis`` and ``background_error_rate``.
    effects : DataFrame or None
        Schema EFFECTS, for genes and the flag; without them no gene is listed.

    Returns
    -------
    DataFrame
        Columns of HAEMATOPOIESIS but ``followed``, and ``kept``: not ruled out by its origin.

    Notes
    -----
    With white cells that were read at the variant, in this order:

    - *germline*: VAF in white cells at least ``germline_vaf``, the interval above ``unclear_vaf``;
    - *tumour*: the VAF in plasma, or in the tumour before treatment, is more than ``white_cell_ratio`` times that in
      white cells, by the lower bound of the ratio.  Tumour cells in the blood do not make a variant haematopoietic;
    - *haematopoietic*: more reads in white cells than errors explain (p < .001), their VAF below ``unclear_vaf``, and
      no such ratio;
    - else white cells were not read deeply enough to tell, and what follows decides.

    Without: *germline* is a variant whose VAF is at least ``germline_vaf`` before treatment and still when the others have
    fallen (tumour-only calls hold such); *suspected* is a variant of a listed gene that the tumour does not show, and one that stays where the
    others fall under treatment; *tumour* what the tumour shows; *undetermined* the rest.  What was called in white
    cells, or has a VAF of at least ``unclear_vaf`` there, without proof of either, is *undetermined* whatever tumour
    and gene say, and is not followed.
    """
    import numpy as np
    import pandas as pd
    from scipy.stats import binom

    from resistance.stats.fractions import clopper_pearson, fraction_ratio

    rules = settings.haematopoiesis
    named = _names(effects)
    rows = _rows(cohort, counted, named)
    rows = rows.merge(_white_cells(cohort, counted), on=KEYS, how="left")
    rows = rows.merge(_plasma(cohort, counted), on=KEYS, how="left")
    rows = rows.merge(_tumour(cohort, counted), on=KEYS, how="left")
    alt, depth = (rows[f"white_cell_{x}"].to_numpy(dtype=np.float64, na_value=np.nan) for x in ("alt_count", "depth"))
    vaf = alt / depth
    low, high = clopper_pearson(alt, depth)
    other = [rows[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in ("plasma_alt_count", "plasma_depth")]
    ratio, ratio_low, ratio_high = fraction_ratio(other[0], other[1], alt, depth)
    tissue = [rows[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in ("_tumour_alt", "_tumour_depth")]
    tissue_low = fraction_ratio(tissue[0], tissue[1], alt, depth)[1]
    carried = (alt > 0) & (binom.sf(np.nan_to_num(alt) - 1, np.nan_to_num(depth), settings.background_error_rate) < _CARRIED)
    above = (ratio_low > rules.white_cell_ratio) | (tissue_low > rules.white_cell_ratio)
    proven = np.select(
        [(vaf >= rules.germline_vaf) & (low > rules.unclear_vaf), above, carried & (vaf < rules.unclear_vaf)],
        ["germline", "tumour", "haematopoietic"],
        "",
    ).astype(object)
    listed = rows["listed_gene"].to_numpy(dtype=bool)
    in_tumour = rows["_in_tumour"].to_numpy(dtype=bool)
    reference = ~listed & ~np.isin(proven, ["germline", "haematopoietic"])
    # variants of one half may be inherited, and their reads would drown the others': they stand for the tumour only where nothing else does
    low_ones = reference & ~(other[0] / other[1] >= rules.germline_vaf)
    reference = np.where(rows.assign(_low=low_ones).groupby("patient_id")["_low"].transform("any"), low_ones, reference)
    behaviour, later_vaf = behaviour_of(rows, cohort, counted, reference=reference)
    # what stays at one half while the tumour falls is in every cell
    inherited = (behaviour == "stays") & (np.minimum(other[0] / other[1], later_vaf) >= rules.germline_vaf)
    stays, falls = behaviour == "stays", behaviour == "falls"
    seen = rows["_white_seen"].eq(True).to_numpy(dtype=bool)
    # white cells hold it, or much of it, and prove nothing: what tumour or gene say cannot make it the tumour's
    doubtful = (proven == "") & (seen | (vaf >= rules.unclear_vaf))
    origin, evidence = _verdicts(proven, doubtful, inherited, listed, in_tumour, stays, falls)
    out = (
        (origin == "germline")
        | doubtful
        | ((origin == "haematopoietic") & (rules.haematopoietic == "leave_out"))
        | ((origin == "suspected") & (rules.suspected == "leave_out"))
    )
    return rows.assign(
        plasma_vaf=other[0] / other[1],
        white_cell_vaf=vaf,
        white_cell_vaf_ci_low=low,
        white_cell_vaf_ci_high=high,
        vaf_ratio=np.where(np.isfinite(ratio), ratio, np.nan),
        vaf_ratio_ci_low=ratio_low,
        vaf_ratio_ci_high=np.where(np.isfinite(ratio_high), ratio_high, np.nan),
        behaviour=behaviour,
        origin=origin,
        evidence=pd.Series(evidence, index=rows.index, dtype="object").where(evidence != "", None),
        note=_notes(rows, origin, depth, seen, doubtful, listed),
        kept=~out,
    )


def _verdicts(
    proven: NDArray[np.object_],
    doubtful: NDArray[np.bool_],
    inherited: NDArray[np.bool_],
    listed: NDArray[np.bool_],
    in_tumour: NDArray[np.bool_],
    stays: NDArray[np.bool_],
    falls: NDArray[np.bool_],
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Return origin and evidence."""
    import numpy as np

    by_cells = proven != ""
    by_behaviour = stays & (~in_tumour | listed)
    by_gene = listed & ~in_tumour & ~falls
    origin = np.select(
        [by_cells, doubtful, inherited, by_behaviour | by_gene, in_tumour],
        [proven, "undetermined", "germline", "suspected", "tumour"],
        "undetermined",
    ).astype(object)
    evidence = np.select(
        [by_cells | doubtful, inherited, by_behaviour & listed, by_behaviour, by_gene, in_tumour],
        ["white cells", "behaviour", "gene;behaviour", "behaviour", "gene", "tumour tissue"],
        "",
    ).astype(object)
    return origin, evidence


def _names(effects: pd.DataFrame | None) -> pd.DataFrame:
    """Return one gene and protein change per variant, a listed gene before others, and whether it is listed."""
    import pandas as pd

    if effects is None:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in (*VARIANT, "gene", "hgvsp", "listed_gene")})
    listed = effects["flags"].fillna("").str.split(";").map(lambda words: FLAG in words).astype(bool)
    silent = effects["effect_class"].isin(("synonymous", "noncoding", "other"))
    ranked = effects.assign(listed_gene=listed, _listed=~listed, _silent=silent, _unnamed=effects["hgvsp"].isna())
    ranked = ranked.sort_values([*VARIANT, "_listed", "_silent", "_unnamed", "gene"], kind="stable")
    return ranked.drop_duplicates(VARIANT)[[*VARIANT, "gene", "hgvsp", "listed_gene"]]


def _rows(cohort: Cohort, counted: pd.DataFrame, named: pd.DataFrame) -> pd.DataFrame:
    """Return the candidates, and what plasma shows in a listed gene, with names and whether the tumour shows it."""
    import pandas as pd

    candidates = candidate_variants(cohort, counted)
    plasma = cohort.samples.loc[cohort.samples["material"] == "plasma", ["sample_id", "patient_id"]]
    of_listed = counted[counted["seen"]].merge(plasma, on="sample_id")
    listed = named.loc[named["listed_gene"].eq(True), VARIANT]
    of_listed = of_listed.merge(listed, on=VARIANT)[KEYS].assign(is_tumour=False)
    parts = [part for part in (candidates[[*KEYS, "is_tumour"]], of_listed) if len(part)] or [candidates[[*KEYS, "is_tumour"]]]
    rows = pd.concat(parts, ignore_index=True).drop_duplicates(KEYS)
    rows = rows.merge(named, on=VARIANT, how="left").sort_values(KEYS, kind="stable").reset_index(drop=True)
    rows["listed_gene"] = rows["listed_gene"].eq(True)
    return rows.rename(columns={"is_tumour": "_in_tumour"})


def _white_cells(cohort: Cohort, counted: pd.DataFrame) -> pd.DataFrame:
    """Return the counts of all germline samples of a patient together, and whether a caller saw the variant there."""
    samples = cohort.samples.loc[cohort.samples["material"] == "germline", ["sample_id", "patient_id"]]
    found = counted.merge(samples, on="sample_id")
    known = found["reads"].notna() & found["mutant"].notna()
    found = found.assign(
        white_cell_alt_count=found["mutant"].where(known), white_cell_depth=found["reads"].where(known), _white_seen=found["seen"]
    )
    grouped = found.groupby(KEYS, as_index=False, sort=True)
    sums = grouped[["white_cell_alt_count", "white_cell_depth"]].sum(min_count=1)
    return sums.merge(grouped["_white_seen"].any(), on=KEYS)


def _plasma(cohort: Cohort, counted: pd.DataFrame) -> pd.DataFrame:
    """Return the counts in the baseline plasma, or in the first plasma sample that was read at the variant."""
    plasma = in_time(cohort.samples[cohort.samples["material"] == "plasma"])
    first = baseline_of(plasma, ["patient_id"])["sample_id"]
    order = plasma[["sample_id", "patient_id"]].assign(_order=range(len(plasma)))
    order["_order"] = order["_order"].where(~order["sample_id"].isin(first), -1)
    found = counted[counted["reads"].notna() & counted["mutant"].notna()].merge(order, on="sample_id")
    found = found.sort_values([*KEYS, "_order"], kind="stable").drop_duplicates(KEYS)
    names = {"sample_id": "plasma_sample_id", "mutant": "plasma_alt_count", "reads": "plasma_depth"}
    return found.rename(columns=names)[[*KEYS, *names.values()]]


def _tumour(cohort: Cohort, counted: pd.DataFrame) -> pd.DataFrame:
    """Return the greatest VAF in tumour or bone marrow before treatment, with its counts."""
    wanted = cohort.samples["material"].isin(TUMOUR) & (cohort.samples["timepoint"] == "baseline")
    found = counted.merge(cohort.samples.loc[wanted, ["sample_id", "patient_id"]], on="sample_id")
    found = found[found["fraction"].notna()].sort_values([*KEYS, "fraction", "reads", "sample_id"], kind="stable")
    found = found.drop_duplicates(KEYS, keep="last")
    names = {"fraction": "tumour_vaf", "mutant": "_tumour_alt", "reads": "_tumour_depth"}
    return found.rename(columns=names)[[*KEYS, *names.values()]]


def _notes(
    rows: pd.DataFrame,
    origin: NDArray[np.object_],
    depth: NDArray[np.float64],
    seen: NDArray[np.bool_],
    doubtful: NDArray[np.bool_],
    listed: NDArray[np.bool_],
) -> pd.Series:
    """Return why, in words, where the columns do not say it."""
    import numpy as np
    import pandas as pd

    unread = np.isnan(depth)
    cells = np.select([unread & seen, unread], ["called in white cells without counts", "white cells were not read here"], "")
    more = np.select(
        [
            (origin == "germline") & unread,
            (origin == "germline") & listed,
            (origin == "tumour") & (rows["white_cell_alt_count"].fillna(0).to_numpy(dtype=np.float64) > 0),
            doubtful,
            origin == "suspected",
            (origin == "undetermined") & ~unread,
        ],
        [
            "a VAF of an inherited variant that stays while the others fall",
            "a clone that fills the blood would look the same",
            "white cells hold it as well: tumour cells in the blood, or admixture",
            "not followed: too much of it in white cells to be the tumour's beyond doubt",
            "only matched white cells can tell",
            "white cells were not read deeply enough to tell",
        ],
        "",
    )
    both = [("; ".join(part for part in pair if part)) or None for pair in zip(cells, more, strict=True)]
    return pd.Series(both, index=rows.index, dtype="object")
