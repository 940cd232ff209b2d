"""Quality of NanoString lanes: limits on both sides, what is not known, RCC files as they lie, a cohort, the command and the report."""

from __future__ import annotations

import gzip
import math
import statistics

import pandas as pd
import pytest
import yaml

from resistance import cli, config, stages
from resistance.batching import batch_names
from resistance.cohort import Cohort
from resistance.config import Subtype, load
from resistance.errors import InputError
from resistance.init import write_templates
from resistance.layout import read_stage, write_stage
from resistance.read.nanostring_lanes import parse_lane, read_lane_table, read_lanes
from resistance.schemas import EFFECTS, NANOSTRING_LANES, SAMPLES, SUBTYPES
from resistance.subtype import dlbcl90, dlbcl90_coo
from resistance.subtype.concordance import disagreements
from resistance.subtype.nanostring_lane import instrument, judge_lanes
from resistance.subtype.signature import load_signatures
from resistance.tables import conform, empty

CONTROLS = {"POS_A": 32000, "POS_B": 8100, "POS_C": 2000, "POS_D": 480, "POS_E": 130, "POS_F": 40} | {
    f"NEG_{letter}": count for letter, count in zip("ABCDEFGH", (3, 5, 8, 2, 6, 4, 7, 5), strict=True)
}
GOOD = {"fov_count": 280, "fov_counted": 268, "binding_density": 0.61, "scanner_id": "1207C0049"}
NAMES = ["fields of view", "binding density", "linearity", "limit of detection"]


def one(lane=None, **counts):
    """The lane of one sample."""
    table = pd.DataFrame({"S": CONTROLS | counts}, dtype=float)
    lanes = (
        None
        if lane is None
        else conform(pd.DataFrame([{"sample_id": "S"} | lane], columns=list(NANOSTRING_LANES.names)), NANOSTRING_LANES)
    )
    return judge_lanes(table, lanes)["S"]


def test_a_lane_that_is_in_order_has_no_flag_and_nothing_to_say():
    lane = one(GOOD)
    assert (lane.flags, lane.words, lane.open, lane.in_words()) == ((), (), (), "")


@pytest.mark.parametrize(
    ("lane", "flag"),
    [
        ({"fov_counted": 210}, None),  # 0.75 as it stands
        ({"fov_counted": 209}, "lane_fields_of_view"),
        ({"binding_density": 0.05}, None),
        ({"binding_density": 0.049}, "lane_binding_density"),
        ({"binding_density": 2.25}, None),
        ({"binding_density": 2.26}, "lane_binding_density"),
        ({"binding_density": 0.1, "scanner_id": "1601P0122"}, None),
        ({"binding_density": 0.09, "scanner_id": "1601P0122"}, "lane_binding_density"),
        ({"binding_density": 1.8, "scanner_id": "1601P0122"}, None),
        ({"binding_density": 1.81, "scanner_id": "1601P0122"}, "lane_binding_density"),
        # no instrument named: judged where both ranges agree
        ({"binding_density": 1.8, "scanner_id": None}, None),
        ({"binding_density": 2.3, "scanner_id": None}, "lane_binding_density"),
        ({"binding_density": 0.04, "scanner_id": "our scanner"}, "lane_binding_density"),
    ],
)
def test_the_limits_of_fields_and_density_are_those_of_the_instrument(lane, flag):
    found = one(GOOD | lane)
    assert found.flags == (() if flag is None else (flag,))
    assert found.open == ()


def test_the_instrument_is_the_fifth_character_of_the_serial_number():
    assert [instrument(f"1207{letter}0049") for letter in "ABCDGHP"] == ["MAX or FLEX"] * 6 + ["SPRINT"]
    assert [instrument(name) for name in ("1207X0049", "SPRINT", "", None, "12P7C", float("nan"))] == [None] * 6


def test_linearity_is_r_squared_of_logarithms_without_the_lowest_control():
    def by_hand(counts):
        x, y = [math.log2(c) for c in (128, 32, 8, 2, 0.5)], [math.log2(n + 1) for n in counts]
        mx, my = statistics.mean(x), statistics.mean(y)
        sxy = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
        return sxy**2 / sum((a - mx) ** 2 for a in x) / sum((b - my) ** 2 for b in y)

    seen = set()
    for last in (10, 60, 130, 500, 900, 1100, 2000, 5000):
        counts = (32000, 8100, 2000, 480, last)
        found = one(GOOD, POS_E=last, POS_F=32000)
        assert found.flags == (("lane_linearity",) if by_hand(counts) < 0.95 else ())
        seen.add(found.flags)
        if found.words:
            assert found.words == (f"positive controls with R squared {by_hand(counts):.3f}, at least 0.95 is needed",)
    assert len(seen) == 2  # the cases lie on both sides
    flat = dict.fromkeys(["POS_A", "POS_B", "POS_C", "POS_D", "POS_E"], 500)
    assert one(GOOD, **flat).flags == ("lane_linearity",)


def test_the_lowest_control_lies_two_standard_deviations_above_the_negative_ones():
    negative = [count for name, count in CONTROLS.items() if name.startswith("NEG")]
    limit = statistics.mean(negative) + 2 * statistics.stdev(negative)  # 9
    assert limit == pytest.approx(9)
    low = {"POS_A": 2300, "POS_B": 560, "POS_C": 150, "POS_D": 40}
    assert one(GOOD, **low, POS_E=10).flags == ()
    found = one(GOOD, **low, POS_E=8)
    assert found.flags == ("lane_limit_of_detection",)
    assert found.in_words() == "; lane: POS_E 8 below the limit of detection 9"


def test_what_is_not_known_is_not_judged_and_said():
    assert one().open == ("fields of view", "binding density")
    assert one(GOOD | {"fov_counted": None}).open == ("fields of view",)
    assert one(GOOD | {"fov_counted": 300}).open == ("fields of view",)  # more than there are
    assert one(GOOD | {"binding_density": 2.0, "scanner_id": None}).open == ("binding density",)
    assert one(GOOD, POS_B=float("nan")).open == ("linearity",)
    assert one(GOOD, POS_E=float("nan")).open == ("linearity", "limit of detection")
    bare = judge_lanes(pd.DataFrame({"S": [7.0]}, index=["IRF4"]))["S"]
    assert list(bare.open) == NAMES
    assert bare.in_words() == "; lane not judged: fields of view, binding density, linearity, limit of detection"


def test_controls_are_known_with_and_without_their_concentration():
    named = {
        "POS_A(128)": 32000,
        "POS_B(32)": 8100,
        "POS_C(8)": 2000,
        "pos_d(2)": 480,
        "POS_E(0.5)": 3,
        "NEG_A(0)": 9,
        "NEG_B(0)": 11,
    }
    found = judge_lanes(pd.DataFrame({"S": named}, dtype=float))["S"]
    assert "lane_limit_of_detection" in found.flags
    assert "linearity" not in found.open


# --- RCC files ------------------------------------------------------------------------------------------------------


def rcc(counts, *, counted=268, density="0.61", scanner="1207C0049", newline="\n"):
    """A whole RCC file."""
    lines = ["<Header>", "FileVersion,1.7", "</Header>", "<Sample_Attributes>", "ID,01", "FovCount,1", "</Sample_Attributes>"]
    lines += ["<Lane_Attributes>", "ID,3", "FovCount,280", f"FovCounted,{counted}", f"ScannerID,{scanner}", "StagePosition,1"]
    lines += [f"BindingDensity,{density}", "CartridgeID,x", "CartridgeBarcode,", "</Lane_Attributes>"]
    lines += ["<Code_Summary>", "CodeClass,Name,Accession,Count"]
    lines += [f"{'Endogenous' if '_' not in name else 'Positive'},{name},NM_1,{count}" for name, count in counts.items()]
    return newline.join([*lines, "</Code_Summary>", "<Messages>", "</Messages>", ""])


@pytest.fixture
def counts():
    genes = load_signatures()["dlbcl90_coo"].genes + load_signatures()["dlbcl90_pmbl"].genes
    return dict.fromkeys(genes, 1000) | CONTROLS


def test_attributes_are_those_of_the_lane_and_what_is_no_number_is_not_known():
    text = rcc({"IRF4": 1}, newline="\r\n")
    assert parse_lane(text) == {"fov_count": 280.0, "fov_counted": 268.0, "binding_density": 0.61, "scanner_id": "1207C0049"}
    assert parse_lane(rcc({}, density="NaN", counted="", scanner="")) == {
        "fov_count": 280.0, "fov_counted": None, "binding_density": None, "scanner_id": None,
    }  # fmt: skip
    assert set(parse_lane("<Code_Summary>\nFovCount,9\n</Code_Summary>").values()) == {None}


def test_lanes_are_read_from_a_file_a_folder_and_for_a_cohort(tmp_path, counts):
    for name, counted in (("b", 100), ("a", 268)):
        (tmp_path / f"{name}.RCC").write_text(rcc(counts, counted=counted))
    assert read_lane_table(tmp_path)[["sample_id", "fov_counted"]].values.tolist() == [["a", 268], ["b", 100]]
    assert read_lane_table(tmp_path / "b.RCC")["sample_id"].tolist() == ["b"]
    (tmp_path / "t.tsv").write_text("gene\tS\nIRF4\t1\n")
    assert read_lane_table(tmp_path / "t.tsv").empty
    files = pd.DataFrame({"sample_id": ["S2", "S1", "S3"], "rcc": ["b.RCC", "a.RCC", None]})
    found = read_lanes(config.NanoString(format="rcc"), tmp_path, samples=["S1", "S2", "S3"], files=files)
    assert found[["sample_id", "fov_counted"]].values.tolist() == [["S1", 268], ["S2", 100]]
    assert read_lanes(config.NanoString(format="counts", file="t.tsv"), tmp_path, samples=["S1"], files=files).empty
    with pytest.raises(InputError, match=r"gone\.RCC: the file is missing"):
        read_lanes(
            config.NanoString(format="rcc"),
            tmp_path,
            samples=["S1"],
            files=pd.DataFrame({"sample_id": ["S1"], "rcc": ["gone.RCC"]}),
        )


def test_the_command_flags_calls_of_rcc_files_and_keeps_them(tmp_path, counts, capsys):
    (tmp_path / "good.RCC").write_text(rcc(counts))
    (tmp_path / "bad.RCC").write_text(rcc(counts | {"POS_E": 3}, counted=100, density="3.1"))
    cli.main(["subtype", "call", "dlbcl90_coo", str(tmp_path), "--out", str(tmp_path / "calls.tsv")])
    said = capsys.readouterr()
    for name in NAMES:
        assert f"note: 1 x lane {name}" in said.err
    calls = pd.read_csv(tmp_path / "calls.tsv", sep="\t").set_index("sample_id")
    assert calls.loc["good", "subtype"] == calls.loc["bad", "subtype"]
    assert calls.loc["good", "score"] == calls.loc["bad", "score"]
    assert "lane" not in f"{calls.loc['good', 'flags']} {calls.loc['good', 'reason']}"
    assert "36% of the fields of view counted, at least 75% are needed" in calls.loc["bad", "reason"]
    assert "binding density 3.1, 0.05 to 2.25 on MAX or FLEX is expected" in calls.loc["bad", "reason"]


def test_a_cohort_of_counts_says_that_fields_and_density_are_not_known(counts):
    table = pd.DataFrame({"gene": list(counts), "code_class": None, "S1": [float(n) for n in counts.values()]})
    facts = {"build": "GRCh38"}
    patients = pd.DataFrame({"patient_id": ["P1"]})
    samples = pd.DataFrame([("S1", "P1", "tumour", "baseline")], columns=["sample_id", "patient_id", "material", "timepoint"])
    cohort = Cohort(facts=facts, patients=patients, samples=samples, nanostring=table)
    row = dlbcl90.classify(cohort, Subtype()).subtypes.iloc[0]
    assert row["reason"].endswith("; lane not judged: fields of view, binding density")
    lanes = pd.DataFrame([{"sample_id": "S1"} | GOOD | {"fov_counted": 28}])
    bad = Cohort(facts=facts, patients=patients, samples=samples, nanostring=table, nanostring_lanes=lanes)
    found = dlbcl90.classify(bad, Subtype()).subtypes.iloc[0]
    assert found["reason"].count("10% of the fields of view counted") == 1
    assert "lane_fields_of_view" in found["flags"].split(";")
    assert found["subtype"] == row["subtype"]
    with pytest.raises(InputError, match=r"nanostring_lanes, column 'sample_id', value 'S9': 1 row.s. name a sample_id"):
        Cohort(facts=facts, patients=patients, samples=samples, nanostring_lanes=lanes.assign(sample_id="S9"))


def test_a_lane_that_is_flagged_is_named_where_two_methods_differ():
    common = {"patient_id": "P1", "kind": "cell_of_origin", "probability": 0.99, "reason": "x"}
    calls = pd.DataFrame([
        common | {"method": "dlbcl90_coo", "subtype": "ABC", "sample_id": "S1", "flags": "zero_count;lane_binding_density"},
        common | {"method": "label:array", "subtype": "GCB"},
    ])  # fmt: skip
    samples = pd.DataFrame([("S1", "P1", "tumour", "baseline")], columns=["sample_id", "patient_id", "material", "timepoint"])
    found = disagreements(conform(calls, SUBTYPES), conform(samples, SAMPLES))
    assert "dlbcl90_coo: zero count, lane binding density" in found["why"][0]


def test_a_cohort_of_rcc_files_carries_their_lanes_from_the_files_to_the_calls(tmp_path, counts):
    write_templates(tmp_path / "study")
    path = tmp_path / "study" / "cohort.yaml"
    raw = yaml.safe_load(path.read_text())
    sheet = pd.read_csv(tmp_path / "study" / "samples.tsv", sep="\t", dtype=str)
    sheet["rcc"] = [f"{i}.RCC" for i in range(len(sheet))]
    sheet.to_csv(tmp_path / "study" / "samples.tsv", sep="\t", index=False)
    for i, name in enumerate(sheet["rcc"]):
        (tmp_path / "study" / name).write_text(rcc(counts, counted=20 + i))
    raw["samples"]["columns"]["rcc"] = "rcc"
    raw["nanostring"] = {"format": "rcc"}
    raw["subtype"] = {"methods": ["dlbcl90_coo"]}
    path.write_text(yaml.safe_dump(raw))
    results = tmp_path / "results"
    config_ = load(path)
    for batch in batch_names(config_, path.parent):
        stages.read(path, results, batch)
    stages.gather(path, results)
    lanes = read_stage(results, "cohort", NANOSTRING_LANES)
    assert lanes["fov_counted"].tolist() == [20.0 + i for i in range(len(sheet))]
    write_stage(empty(EFFECTS), results, "annotate", EFFECTS)
    stages.classify(path, results)
    calls = read_stage(results, "subtype", SUBTYPES)
    called = calls[calls["score"].notna()]
    assert len(called)
    assert called["flags"].str.contains("lane_fields_of_view").all()


@pytest.mark.shared
def test_the_lanes_of_the_published_examples_are_judged_by_their_controls(shared):
    for file in ("DLBCL90example1.csv", "DLBCL90example2.csv"):
        frame = pd.read_csv(shared / "truth/coo/dlbcl90" / file, index_col=0)
        calls = dlbcl90_coo.classify_table(frame.rename_axis("gene").reset_index()).set_index("sample_id")
        for sample in calls.index:
            counted = pd.to_numeric(frame[sample], errors="coerce")
            by_name = {str(code).split("(")[0]: float(n) for code, n in counted.items() if str(code)[:4] in ("POS_", "NEG_")}
            negative = [n for code, n in by_name.items() if code.startswith("NEG")]
            assert len(negative) == 8
            x = pd.Series([7.0, 5.0, 3.0, 1.0, -1.0])
            y = pd.Series([math.log2(by_name[f"POS_{letter}"] + 1) for letter in "ABCDE"])
            flags = str(calls.loc[sample, "flags"]).split(";")
            assert ("lane_linearity" in flags) == (x.corr(y) ** 2 < 0.95)
            limit = statistics.mean(negative) + 2 * statistics.stdev(negative)
            assert ("lane_limit_of_detection" in flags) == (by_name["POS_E"] < limit)


def test_an_empty_lane_alone_is_not_called_and_no_logarithm(counts):
    nothing = pd.DataFrame({"gene": list(counts), "S1": 0})
    row = dlbcl90_coo.classify_table(nothing).iloc[0]
    assert pd.isna(row["subtype"])
    assert "housekeeping_low" in row["flags"]
    assert row["reason"].startswith("not called: geometric mean of the housekeeping genes 1.0")


def test_lanes_of_packed_files_are_read(tmp_path, counts):
    (tmp_path / "S1.RCC.gz").write_bytes(gzip.compress(rcc(counts).encode()))
    assert read_lane_table(tmp_path / "S1.RCC.gz")[["sample_id", "fov_counted"]].to_numpy().tolist() == [["S1", 268.0]]
