"""The names of a change on other transcripts: those of papers, those of the bases, and what cannot be carried over."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from resistance import schemas
from resistance.annotate.aliases import UNKNOWN, with_aliases
from resistance.annotate.frames import BROKEN, count_broken_frames
from resistance.annotate.native import annotate_variants
from resistance.annotate.numbering import numbers
from resistance.annotate.reference import build_reference, open_reference
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.hgvs import protein_change
from resistance.tables import conform

PLACE = {"GRCh37": 38182641, "GRCh38": 38141150}


def effects(*rows: dict) -> pd.DataFrame:
    base = {"build": "GRCh37", "chrom": "3", "pos": 7, "ref": "A", "alt": "T", "effect_class": "missense", "source": "file:MAF"}
    table = [base | {"residue": protein_change(row["hgvsp"])[1]} | row for row in rows]
    return conform(pd.DataFrame(table, columns=list(schemas.EFFECTS.names)), schemas.EFFECTS)


def named(gene: str, hgvsp: str, transcript: str | None, **more: object) -> str | None:
    found = with_aliases(effects({"gene": gene, "hgvsp": hgvsp, "transcript": transcript} | more), Dropped("annotate"))
    alias = conform(found, schemas.EFFECTS)["aliases"].iloc[0]
    return alias if isinstance(alias, str) else None


@pytest.mark.parametrize("build", ["GRCh37", "GRCh38"])
def test_myd88_has_its_three_names_on_three_transcripts(build: str) -> None:
    at = {"build": build, "pos": PLACE[build], "ref": "T", "alt": "C"}
    mane = named("MYD88", "L252P", "ENST00000650905.2", **at)
    assert mane == "L265P@ENST00000396334.3;L273P@ENST00000417037.2"
    assert named("MYD88", "L265P", "ENST00000396334", **at) == "L273P@ENST00000417037.2;L252P@ENST00000650905.2"
    assert named("MYD88", "L273P", None, **at) == "L265P@ENST00000396334.3;L252P@ENST00000650905.2"


@pytest.mark.parametrize(
    ("gene", "hgvsp", "transcript", "aliases"),
    [
        ("CD79B", "Y196H", "ENST00000006750.8", "Y197H@ENST00000392795.3"),
        ("CD79B", "Y197_D199del", "ENST00000392795.3", "Y196_D198del@ENST00000006750.8"),
        ("MYC", "T73A", "ENST00000621592.8", "T58A@ENST00000652288.1"),
        ("RUNX1", "R201Q", "ENST00000675419.1", "R174Q@ENST00000344691.4"),
        ("CRBN", "W386*", "ENST00000231948.9", "W385*@ENST00000432408.2"),
        ("CRBN", "E20K", "ENST00000231948.9", None),  # before the residue that isoform 2 lacks
        ("NFKBIE", "Y115Tfs*5", "ENST00000619360.6", "Y254Tfs*5@ENST00000275015.5"),  # the known four bases: Y254fs
        ("MALT1", "R300Kfs*9", "ENST00000649217.2", None),  # exon 7, which isoform B lacks, follows
        ("MALT1", "R400Kfs*9", "ENST00000649217.2", "R389Kfs*9@ENST00000345724.3"),
        ("MALT1", "R300_R400del", "ENST00000649217.2", None),
        ("TP53", "R175H", "ENST00000269305.9", None),
        ("NOGENE", "R175H", "ENST00000269305.9", None),
        ("CRBN", "W386=", "ENST00000231948.9", None),
    ],
)
def test_names_of_papers_are_aliases(gene: str, hgvsp: str, transcript: str, aliases: str | None) -> None:
    assert named(gene, hgvsp, transcript) == aliases


def test_number_that_fits_no_transcript_is_counted_and_kept() -> None:
    dropped = Dropped("annotate")
    table = effects(
        {"gene": "MYD88", "hgvsp": "L260P", "transcript": "ENST00000396334", "pos": PLACE["GRCh37"], "ref": "T", "alt": "C"},
        {"gene": "MYD88", "hgvsp": "L265P", "transcript": "ENST00000396334", "pos": PLACE["GRCh37"], "ref": "T", "alt": "G"},
    )
    found = with_aliases(table, dropped)
    assert len(found) == 2
    assert dropped.frame()[["reason", "n", "example"]].to_numpy().tolist() == [
        [UNKNOWN, 1, "MYD88 L260P ENST00000396334 at 38182641"]
    ]


def test_gene_whose_coding_sequence_the_assembly_cuts_is_counted() -> None:
    dropped = Dropped("annotate")
    own = {"gene": "MAP3K14", "hgvsp": "A900V", "transcript": "ENST00000344686.8"}
    other = {"gene": "CRBN", "hgvsp": "W386R", "transcript": "ENST00000231948.9"}
    count_broken_frames(effects(own, own | {"effect_class": "noncoding", "pos": 8}, other), dropped)
    assert dropped.frame()[["source", "reason", "n", "example"]].to_numpy().tolist() == [
        ["transcripts of GRCh37", BROKEN, 1, "MAP3K14"]
    ]
    whole, of_bases = Dropped("annotate"), Dropped("annotate")
    count_broken_frames(effects(own | {"build": "GRCh38"}), whole)
    assert whole.frame().empty
    count_broken_frames(effects(own, other), of_bases, {"CRBN"})
    assert of_bases.frame()[["n", "example"]].to_numpy().tolist() == [[2, "CRBN, MAP3K14"]]


@pytest.mark.shared
def test_aliases_are_the_names_that_the_bases_give_on_each_transcript(shared: Path, tmp_path: Path) -> None:
    truth = shared / "truth" / "annotation"
    build_reference(truth / "real37.fa.gz", "GRCh37", tmp_path)
    reference = open_reference(tmp_path / "reference.json", "GRCh37")
    model = numbers("GRCh37")["MYD88"][0]
    genome = reference.models()["MYD88"][0]
    coding = [pos for residue in range(1, model.residues + 1) for pos in model.codon(residue) or ()]
    snvs = [
        {"sample_id": "S", "build": "GRCh37", "chrom": "3", "pos": pos, "ref": genome.base(pos), "alt": alt, "source": "x"}
        for pos in coding
        for alt in "ACGT"
        if alt != genome.base(pos)
    ]
    own = annotate_variants(conform(pd.DataFrame(snvs), schemas.CALLS), reference, Dropped("annotate"))
    own = own[(own["gene"] == "MYD88") & own["hgvsp"].notna() & own["effect_class"].isin(["missense", "truncating"])]
    key = ["pos", "ref", "alt"]
    wide = own.pivot_table(index=key, columns="transcript", values="hgvsp", aggfunc="first")
    found = with_aliases(own[own["transcript"] == "ENST00000650905.2"], Dropped("annotate")).set_index(key)["aliases"]
    differ = set()
    for place, names in wide[wide["ENST00000650905.2"].notna()].iterrows():
        mane = names["ENST00000650905.2"]
        wanted = [f"{names[t]}@{t}" for t in sorted(wide.columns) if names.get(t) == names.get(t) and names[t] != mane]
        if (found[place] if isinstance(found[place], str) else "") != ";".join(wanted):
            differ.add(mane[:4])
    assert len(wide) > 1500
    # the codon crosses the border of an exon that is longer in ENST00000417037.2: other bases there, by chance the same residue
    assert differ == {"R215"}


@pytest.mark.shared
def test_bundle_of_other_transcripts_is_refused(shared: Path, tmp_path: Path) -> None:
    build_reference(shared / "truth" / "annotation" / "real37.fa.gz", "GRCh37", tmp_path)
    path = tmp_path / "reference.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    facts["genes"]["MYD88"]["start"] += 600
    path.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        open_reference(path, "GRCh37")
    assert "has not all bases of ENST00000396334.3 (MYD88), so it was made by another version" in str(caught.value)
