"""The list of classification methods that a cohort file can name under ``subtype.methods``."""

from __future__ import annotations

from resistance.errors import InputError
from resistance.subtype import (
    chapuy,
    choi,
    dlbcl90,
    dlbcl90_coo,
    dlbcl90_dhitsig,
    dlbcl90_pmbl,
    double_expressor,
    hans,
    lps_dhitsig104,
    lps_wright210,
    lymphgen,
    lymphplex,
    mixture,
    muris,
    prps_st_wright210,
    rnaseq_coo21,
    rnaseq_dzsig28,
    tally,
    visco_young,
)
from resistance.subtype.method import Method

METHODS: tuple[Method, ...] = (
    hans.METHOD,
    double_expressor.METHOD,
    choi.METHOD,
    tally.METHOD,
    visco_young.METHOD,
    muris.METHOD,
    dlbcl90.METHOD,
    dlbcl90_coo.METHOD,
    dlbcl90_pmbl.METHOD,
    dlbcl90_dhitsig.METHOD,
    lps_wright210.METHOD,
    lps_dhitsig104.METHOD,
    prps_st_wright210.METHOD,
    rnaseq_coo21.METHOD,
    rnaseq_dzsig28.METHOD,
    chapuy.METHOD,
    lymphplex.METHOD,
    lymphgen.METHOD,
    mixture.METHOD,
)
#: other names under which people look for a method
ALIASES = {
    "lymph2cx": "dlbcl90_coo",
    "lymph3cx": "dlbcl90",
    "dhitsig": "dlbcl90_dhitsig",
    "visco": "visco_young",
    "lps": "lps_wright210",
}


def by_name(name: str) -> Method:
    """Return the method of that name.

    Raises
    ------
    InputError
        There is none; the message lists those that there are.
    """
    methods = {method.name: method for method in METHODS}
    known = name.strip().lower().replace("-", "_")
    known = ALIASES.get(known, known)
    if known not in methods:
        raise InputError(
            "there is no such method",
            column="method",
            value=name,
            remedy=f"There are: {', '.join(methods)} (`resistance subtype list`).",
        )
    return methods[known]
