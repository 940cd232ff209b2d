"""Events of a cohort: what makes one present, what absent, and what nobody could see."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from resistance.cohort import Cohort
from resistance.config import Subtype
from resistance.errors import InputError, KnowledgeError
from resistance.subtype import chapuy, lymphplex
from resistance.subtype.classify import classify_all
from resistance.subtype.cohort_events import events_of_cohort, load_event_rules, read_event_rules
from resistance.subtype.lymphgen_inputs import COPIES, COPY_GENES, GENES, MUTATIONS, SAMPLES, lymphgen_inputs

BUILD = "GRCh37"


def effect(gene, pos, effect_class, **more):
    row = {
        "build": BUILD,
        "chrom": "1",
        "pos": pos,
        "ref": "A",
        "alt": "C",
        "gene": gene,
        "effect_class": effect_class,
        "source": "file:MAF",
    }
    return row | more


EFFECTS = [
    effect("TP53", 10, "missense", hgvsp="R175H", residue=175),
    effect("MYD88", 20, "missense", hgvsp="L252P", residue=252, aliases="L265P@ENST00000396334.3"),
    effect("MYD88", 21, "missense", hgvsp="S219C", residue=219),
    effect("BTG1", 30, "synonymous"),
    effect("BTG1", 31, "noncoding", consequence="5_prime_UTR_variant"),
    effect("NOTCH1", 40, "truncating", hgvsp="P2514fs*4", residue=2514),
    effect("KMT2D", 50, "splice"),
]


def cohort(calls=(), coverage=(("S1", "mutation", "*"),), copies=(), fusions=(), samples=(("S1", "P1", "tumour"),), **more):
    made = [(*c, *([None] * (4 - len(c)))) for c in calls]
    return Cohort(
        facts={"build": BUILD},
        patients=pd.DataFrame({"patient_id": list(dict.fromkeys(p for _, p, _ in samples))}),
        samples=pd.DataFrame([(s, p, m, "baseline", 0) for s, p, m in samples], columns=["sample_id", "patient_id", "material", "timepoint", "day"]),
        calls=pd.DataFrame(
            [(s, BUILD, "1", pos, "A", "C", alt, f, "c.maf") for s, pos, alt, f in made],
            columns=["sample_id", "build", "chrom", "pos", "ref", "alt", "alt_count", "filter", "source"],
        ),
        effects=pd.DataFrame(EFFECTS),
        coverage=pd.DataFrame([(*c, "assay") for c in coverage], columns=["sample_id", "kind", "gene", "source"]),
        copy_number=pd.DataFrame([(s, g, state, "cn") for s, g, state in copies], columns=["sample_id", "gene", "state", "source"]),
        fusions=pd.DataFrame(
            [(s, kind, a, b, "sv") for s, kind, a, b in fusions], columns=["sample_id", "kind", "gene_1", "gene_2", "source"]
        ),
        **more,
    )  # fmt: skip


def events(**given):
    return events_of_cohort(cohort(**given)).table.loc["S1"]


def test_a_gene_is_2_mutated_1_synonymous_0_looked_at_and_nan_otherwise():
    found = events(calls=[("S1", 10), ("S1", 30)], coverage=[("S1", "mutation", gene) for gene in ("TP53", "BTG1", "EZH2")])
    assert (found["TP53"], found["BTG1"], found["EZH2"]) == (2, 1, 0)
    assert np.isnan(found["SGK1"])
    assert np.isnan(found["SV:BCL2"])


def test_a_noncoding_change_is_none_and_a_splice_change_is_one():
    found = events(calls=[("S1", 31), ("S1", 50)])
    assert (found["BTG1"], found["KMT2D"]) == (0, 2)


def test_a_mutation_counts_also_where_the_panel_was_not_declared():
    found = events(calls=[("S1", 10)], coverage=[("S1", "mutation", "EZH2")])
    assert found["TP53"] == 2


def test_l265p_is_found_by_its_other_number_and_is_not_another_change():
    found = events(calls=[("S1", 20)])
    assert (found["MYD88"], found["MYD88:L265P"], found["MYD88:OTHER"]) == (2, 2, 0)
    found = events(calls=[("S1", 21)])
    assert (found["MYD88"], found["MYD88:L265P"], found["MYD88:OTHER"]) == (2, 0, 2)


@pytest.mark.parametrize("call", [("S1", 10, 0), ("S1", 10, 5, "not_called")])
def test_what_was_looked_for_and_not_seen_or_not_called_is_absent(call):
    from resistance.variant import NOT_CALLED

    call = tuple(NOT_CALLED if value == "not_called" else value for value in call)
    assert events(calls=[call])["TP53"] == 0


@pytest.mark.parametrize(
    ("row", "value"),
    [
        (("S1", "translocation", "IGH", "BCL2"), 3),
        (("S1", "fusion", "BCL2", None), 3),
        (("S1", "deletion", "BCL2", None), 0),
        (("S1", "translocation", "IGH", "MYC"), 0),
    ],
)
def test_a_structural_variant_must_join(row, value):
    assert events(fusions=[row], coverage=[("S1", "fusion", "BCL2")])["SV:BCL2"] == value


def test_bands_and_arms_follow_from_their_genes():
    copies = [
        ("S1", "CDKN2A", -2),
        ("S1", "CDKN2B", -2),
        ("S1", "PTEN", -1),
        ("S1", "FAS", 0),
        ("S1", "REL", 1),
        ("S1", "BCL11A", 0),
    ]
    found = events(copies=copies)
    assert found["9p21.3:DEL"] == 2
    assert found["10q23.31:DEL"] == 1  # half of its two genes
    assert found["2p16.1:AMP"] == 1
    assert np.isnan(found["17p:DEL"])  # no gene of the arm is known
    assert np.isnan(found["18p:AMP"])  # no gene of the knowledge base lies there


def test_an_arm_needs_two_thirds_of_its_known_genes_and_two_of_them():
    def arm(*states):
        return events(copies=[("S1", gene, state) for gene, state in zip(("TP53", "NCOR1", "PRPF8"), states, strict=False)])[
            "17p:DEL"
        ]

    assert np.isnan(arm(-1))
    assert arm(-1, -1, 0) == 1
    assert arm(-1, 0, 0) == 0
    assert arm(-1, -2, -2) == 2
    assert arm(1, 1) == 0


def test_a_named_region_of_the_copy_number_table_tells_directly():
    found = events(copies=[("S1", "del(17p)", -1), ("S1", "18p:AMP", 2), ("S1", "TP53", 0), ("S1", "NCOR1", 0)])
    assert found["17p:DEL"] == 1
    assert found["18p:AMP"] == 2


def test_germline_samples_have_no_events():
    found = events_of_cohort(cohort(samples=[("S1", "P1", "tumour"), ("N1", "P1", "germline")]))
    assert list(found.table.index) == ["S1"]


def test_every_packaged_event_has_a_source_and_every_event_of_the_methods_a_rule():
    rules = {rule.event: rule for rule in load_event_rules()}
    assert set(chapuy.METHOD.features) <= set(rules)
    assert set(lymphplex.METHOD.features) <= set(rules)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("SV.BCL2\tfusion\tBCL2\tfusion\tNA\tNA\tNA\tdoi:1\tfalse", "'SV.BCL2' is written SV:BCL2 here"),
        ("TP53\tmutations\tTP53\tnonsilent\tNA\tNA\tNA\tdoi:1\tfalse", "the kind 'mutations' is none of"),
        ("TP53\tmutation\tTP53\tnonsilnt\tNA\tNA\tNA\tdoi:1\tfalse", "Did you mean 'nonsilent'"),
        ("TP53\tmutation\tTP53\tloss\tNA\tNA\tNA\tdoi:1\tfalse", "the rule 'loss' is not about mutation"),
        ("TP53\tmutation\tTP53\tmulti_hit\tNA\tNA\tNA\tdoi:1\tfalse", "cannot be asked of one call"),
        ("TP53\tmutation\tNA\tnonsilent\tNA\tNA\tNA\tdoi:1\tfalse", "genes are needed"),
        ("17p:DEL\tcopy_number\tTP53\tdeep_loss\tNA\t.5\t1\tdoi:1\tfalse", "neither gain nor loss"),
        ("17p:DEL\tcopy_number\tTP53\tloss\tNA\t1.5\t1\tdoi:1\tfalse", "share is above 0 up to 1"),
        ("TP53\tmutation\tTP53\tnonsilent\tNA\tNA\tNA\tNA\tfalse", "a source and verified"),
    ],
)
def test_a_row_that_does_not_hold_together_is_named(tmp_path, row, message):
    path = tmp_path / "events.tsv"
    path.write_text("event\tkind\tgenes\trule\texcept\tshare\tleast_known\tsource\tverified\n" + row + "\n")
    with pytest.raises(KnowledgeError, match=f"row 2: .*{message}"):
        read_event_rules(path)


def test_an_own_rule_can_ask_for_a_partner_a_class_or_a_domain(tmp_path):
    path = tmp_path / "events.tsv"
    path.write_text(
        "event\tkind\tgenes\trule\texcept\tshare\tleast_known\tsource\tverified\n"
        "SV:BCL2\tfusion\tBCL2\tfusion:IGH\tNA\tNA\tNA\town\tfalse\n"
        "NOTCH1\tmutation\tNOTCH1\ttruncating\tNA\tNA\tNA\town\tfalse\n"
        "TP53\tmutation\tTP53\tresidue:R175\tNA\tNA\tNA\town\tfalse\n"
        "BTG1\tmutation\tBTG1\ttruncating|missense\tNA\tNA\tNA\town\tfalse\n"
    )
    given = cohort(
        calls=[("S1", 40), ("S1", 10), ("S1", 30)],
        fusions=[("S1", "translocation", "BCL2", "MYC")],
        coverage=[("S1", "mutation", "*"), ("S1", "fusion", "*")],
    )
    found = events_of_cohort(given, read_event_rules(path)).table.loc["S1"]
    assert found.to_dict() == {"SV:BCL2": 0, "NOTCH1": 2, "TP53": 2, "BTG1": 0}  # silent changes count only for 'any mutation'


def test_methods_side_by_side_through_the_settings_say_what_a_panel_cannot_see(tmp_path):
    genes = [name for name in lymphplex.METHOD.features if not name.startswith("SV:")]
    coverage = [("S1", "mutation", gene) for gene in genes] + [("S1", "fusion", "*")]
    given = cohort(calls=[("S1", 20)], coverage=coverage, samples=[("S1", "P1", "tumour"), ("S2", "P2", "tumour")])
    called = classify_all(given, Subtype.model_validate({"methods": ["lymphplex", "chapuy"]})).subtypes.set_index(
        ["patient_id", "method"]
    )
    one = called.loc["P1", "lymphplex"]
    assert one["weight_missing"] == 0
    assert one["subtype"] in lymphplex.METHOD.classes
    assert one["kind"] == "genetic"
    panel = called.loc["P1", "chapuy"]
    assert pd.isna(panel["subtype"])
    assert panel["weight_missing"] > 0.5
    assert "events not visible" in panel["reason"]
    assert called.loc["P2", "lymphplex"]["reason"] == "no genetic events"


def test_a_matrix_of_the_study_stands_before_its_calls(tmp_path):
    names, _ = chapuy.weights()
    path = tmp_path / "events.tsv"
    pd.DataFrame({"S1": dict.fromkeys(names, 0) | {"SV:BCL2": 3, "CREBBP": "NA"}}).rename_axis("gene").to_csv(path, sep="\t")
    settings = Subtype.model_validate({"methods": ["chapuy"], "genetic": {"events": {"file": "events.tsv"}}}).below(tmp_path)
    row = classify_all(cohort(), settings).subtypes.iloc[0]
    assert row["subtype"] == "C3"
    assert pd.isna(row["features_missing"])  # CREBBP is missing in the matrix, and the exome looked
    text = path.read_text().replace("S1", "T9")
    path.write_text(text)
    with pytest.raises(InputError, match=r"value 'T9': none of the file's samples is a sample of the cohort"):
        classify_all(cohort(), settings)


def test_lymphgens_files_say_what_was_looked_at_and_what_was_found():
    given = cohort(
        calls=[("S1", 10), ("S1", 20), ("S1", 21), ("S1", 30), ("S1", 31), ("S1", 40), ("S2", 10)],
        coverage=[("S1", "mutation", "*"), ("S2", "mutation", "*"), ("S1", "fusion", "*")],
        copies=[("S1", "CDKN2A", -2), ("S1", "REL", 1), ("S1", "TP53", 0), ("S1", "del(17p)", -1)],
        fusions=[("S1", "translocation", "IGH", "BCL2")],
        samples=[("S1", "P1", "tumour"), ("S2", "P2", "tumour"), ("N1", "P1", "germline")],
    )
    found = lymphgen_inputs(given)
    assert found.files[SAMPLES].to_numpy().tolist() == [["S1", 1, "1", "0"], ["S2", 0, "NA", "NA"]]
    assert list(found.files[SAMPLES].columns) == ["Sample.ID", "Copy.Number", "BCL2.transloc", "BCL6.transloc"]
    rows = found.files[MUTATIONS].to_numpy().tolist()
    assert ["S1", 7157, "MUTATION", 10] in rows
    assert ["S1", 4615, "L265P", 20] in rows
    assert ["S1", 4615, "MUTATION", 21] in rows
    assert ["S1", 694, "Synon", 30] in rows
    assert ["S1", 694, "Synon", 31] in rows
    assert ["S1", 4851, "TRUNC", 40] in rows
    assert len(rows) == 7
    assert found.files[COPIES].to_numpy().tolist() == [["S1", 1029, "HOMDEL"], ["S1", 5966, "GAIN"]]
    assert found.files[COPY_GENES]["ENTREZ.ID"].tolist() == [1029, 5966, 7157]
    assert {7157, 4615, 4851} <= set(found.files[GENES]["ENTREZ.ID"])
    assert any("del(17p)" in note for note in found.notes)


def test_lymphgens_gene_list_is_what_every_sample_covers():
    given = cohort(
        coverage=[("S1", "mutation", "TP53"), ("S1", "mutation", "EZH2"), ("S2", "mutation", "TP53")],
        samples=[("S1", "P1", "tumour"), ("S2", "P2", "tumour"), ("S3", "P3", "tumour")],
    )
    found = lymphgen_inputs(given)
    assert found.files[GENES]["ENTREZ.ID"].tolist() == [7157]
    assert COPIES not in found.files
    assert any(note.startswith("1 samples have no assay") for note in found.notes)
    assert any("once per panel" in note for note in found.notes)
    assert "no copy number: LymphGen cannot call A53" in found.notes


def test_locations_are_written_on_grch37_only():
    given = cohort(calls=[("S1", 10)])
    facts = {"build": "GRCh38"}
    moved = Cohort(
        facts=facts, patients=given.patients, samples=given.samples, coverage=given.coverage,
        calls=given.calls.assign(build="GRCh38"), effects=given.effects.assign(build="GRCh38"),
    )  # fmt: skip
    assert list(lymphgen_inputs(moved).files[MUTATIONS].columns) == ["Sample", "ENTREZ.ID", "Type"]
    assert list(lymphgen_inputs(given).files[MUTATIONS].columns) == ["Sample", "ENTREZ.ID", "Type", "Location"]


def test_a_pattern_turns_a_files_names_into_samples():
    from resistance.subtype.genetic import our_samples

    given = cohort(samples=[("S1", "P1", "tumour"), ("S2", "P2", "tumour")])
    assert our_samples(["S1_tumorA", "S1_tumorB", "S9_tumorA"], "(.+)_tumorA", given, "f") == {"S1_tumorA": "S1"}
    with pytest.raises(InputError, match="'S1_tumorA' and 'S1_tumorB' are both the sample S1"):
        our_samples(["S1_tumorA", "S1_tumorB"], "(.+)_tumor.", given, "f")
    for wrong, message in (("(.+)_(.)", "needs one group"), ("(", "is no regular expression")):
        with pytest.raises(ValidationError, match=message):
            Subtype.model_validate({"genetic": {"lymphgen": {"file": "x", "sample_pattern": wrong}}})


@pytest.mark.shared
def test_hiltons_patients_are_called_by_lymphgens_own_table(shared):
    file = shared / "cohorts/hilton_lcr_2023/lymphgen/lymphgen_results.tsv"
    table = pd.read_csv(file, sep="\t", dtype=str).set_index("sample_id")
    first = table[table.index.str.endswith("_tumorA")]
    given = cohort(
        coverage=(), samples=[(name.removesuffix("_tumorA"), name.removesuffix("_tumorA"), "tumour") for name in first.index]
    )
    settings = {"methods": ["lymphgen"], "genetic": {"lymphgen": {"file": str(file), "sample_pattern": "(.+)_tumorA"}}}
    found = classify_all(given, Subtype.model_validate(settings)).subtypes.set_index("patient_id")["subtype"]
    assert len(found) == len(first) > 50
    assert found.tolist() == first["Subtype.Prediction"].tolist()


def test_lymphgen_without_its_table_says_how_to_get_it():
    with pytest.raises(InputError, match=r"none is named.*`resistance subtype lymphgen`, run LymphGen"):
        classify_all(cohort(), Subtype.model_validate({"methods": ["lymphgen"]}))
