"""Marker matrix of 10,000 patients x 300 markers from 2 million calls: seconds and peak memory, beside a plain pandas pivot.

python benchmarks/matrix.py

The peer answers less: it joins the calls with their effects and pivots genes to present or absent, with
no residues, no coverage and no evidence.
"""

from __future__ import annotations

import resource
import time

import numpy as np
import pandas as pd

from resistance import schemas
from resistance.cohort import Cohort
from resistance.knowledge import load_genes, load_markers
from resistance.matrix import build_matrix
from resistance.tables import conform, empty

PATIENTS, CALLS, MARKERS, SITES = 10_000, 2_000_000, 300, 200
CLASSES = ("missense", "truncating", "splice", "inframe_indel", "synonymous", "noncoding")
LETTERS = tuple("ACDEFGHIKLMNPQRSTVWY")


def simulate() -> tuple[Cohort, pd.DataFrame, pd.DataFrame]:
    """Return a cohort with calls in the genes of the knowledge base, their effects, and 300 markers."""
    draw = np.random.default_rng(1)
    genes = np.asarray(load_genes().symbols, dtype=object)
    # SITES variants per gene, far apart, each with one effect
    gene = np.repeat(genes, SITES)
    variant = {
        "build": "GRCh38",
        "chrom": np.repeat([str(1 + i % 22) for i in range(len(genes))], SITES),
        "pos": 1000 * (1 + np.arange(len(gene))),
        "ref": "A",
        "alt": "T",
    }
    residue = draw.integers(1, 900, len(gene))
    effects = pd.DataFrame(variant | {
        "gene": gene,
        "effect_class": draw.choice(CLASSES, len(gene), p=(0.55, 0.1, 0.04, 0.03, 0.2, 0.08)),
        "hgvsp": [f"{a}{r}{b}" for a, r, b in zip(draw.choice(LETTERS, len(gene)), residue, draw.choice(LETTERS, len(gene)), strict=True)],
        "residue": residue,
        "source": "file:MAF",
    })  # fmt: skip
    ids = np.asarray([f"P{i:05d}" for i in range(PATIENTS)], dtype=object)
    drawn = np.unique(np.column_stack([draw.integers(0, PATIENTS, 2_100_000), draw.integers(0, len(gene), 2_100_000)]), axis=0)[
        :CALLS
    ]
    depth = draw.integers(100, 900, len(drawn))
    alt = draw.binomial(depth, draw.beta(2, 6, len(drawn)))
    calls = pd.DataFrame(
        {"sample_id": ids[drawn[:, 0]]}
        | {name: (values if np.isscalar(values) else np.asarray(values)[drawn[:, 1]]) for name, values in variant.items()}
        | {"depth": depth, "alt_count": alt, "vaf": alt / depth, "filter": "PASS", "source": "panel.maf"}
    )
    cohort = Cohort(
        facts={"build": "GRCh38", "expression_unit": None},
        patients=pd.DataFrame({"patient_id": ids}),
        samples=pd.DataFrame({"sample_id": ids, "patient_id": ids, "material": "tumour", "timepoint": "baseline"}),
        calls=calls,
        coverage=pd.DataFrame({"sample_id": ids, "kind": "mutation", "gene": "*", "source": "panel"}),
    )
    return cohort, conform(effects, schemas.EFFECTS), _markers(genes)


def _markers(genes: np.ndarray) -> pd.DataFrame:
    packaged = load_markers()
    packaged = packaged[packaged["evidence_kind"] == "mutation"]
    n = MARKERS - len(packaged)
    rules = ("nonsilent", "truncating|splice", "missense", "residue_range:100-200")
    fixed = {"direction": "neutral", "evidence_grade": "M", "source": "PMID:1", "verified": False, "evidence_kind": "mutation"}
    more = pd.DataFrame(
        [
            {"marker_id": f"x{i}", "label": f"x{i}", "genes": genes[i % len(genes)], "rule": rules[i % len(rules)]} | fixed
            for i in range(n)
        ]
    )
    return conform(pd.concat([packaged, conform(more, schemas.MARKERS)], ignore_index=True), schemas.MARKERS)


def plain_pivot(cohort: Cohort, effects: pd.DataFrame) -> pd.DataFrame:
    """Return patients x genes by join and cross table."""
    joined = cohort.calls.merge(effects, on=["build", "chrom", "pos", "ref", "alt"])
    joined = joined[~joined["effect_class"].isin(["synonymous", "noncoding"])]
    return pd.crosstab(joined["sample_id"], joined["gene"]) > 0


def main() -> None:
    cohort, effects, markers = simulate()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    found = build_matrix(cohort, effects, empty(schemas.SUBTYPES), markers, subtype_method=None)
    ours = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(cohort.patients):,} patients, {len(cohort.calls):,} calls, {len(markers)} markers")
    print(f"{len(found.matrix):,} states, {len(found.evidence):,} rows of evidence")
    start = time.perf_counter()
    plain_pivot(cohort, effects)
    peer = time.perf_counter() - start
    print("| | seconds | ratio | peak, MB (of them before) |\n|---|---|---|---|")
    print(f"| build_matrix | {ours:.1f} | 1 | {peak:,.0f} ({before:,.0f}) |")
    print(f"| pandas merge and crosstab, genes only | {peer:.1f} | {ours / peer:.2f} | |")


if __name__ == "__main__":
    main()
