"""Copy number: matrices, segments and clinical columns become states, and nothing is lost without a count."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from resistance import config
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.copy_number import read_copy_number
from resistance.read.sheet import read_sheet

MATRIX = "Hugo_Symbol\tEntrez_Gene_Id\tA\tB\nTP53\t7157\t-2\t0\nMLL2\t8085\t1\tNA\nTP53\t7157\t2\t2\nACTB\t60\t0\t0\n"


def _read(folder: Path, text: str, dropped: Dropped | None = None, **named):
    (folder / "cna.txt").write_text(text)
    source = config.CopyNumber.model_validate({"format": "cbioportal_discrete", "file": "cna.txt"} | named.pop("source", {}))
    given = {"samples": ["A", "B"], "genes": ["TP53", "KMT2D"], "aliases": {"MLL2": "KMT2D"}} | named
    return read_copy_number(source, folder, dropped=dropped or Dropped("test"), **given)


def _states(table: pd.DataFrame) -> dict[tuple[str, str], int | None]:
    return {(r.sample_id, r.gene): None if pd.isna(r.state) else int(r.state) for r in table.itertuples()}


def _counts(dropped: Dropped) -> dict[str, int]:
    frame = dropped.frame()
    return dict(zip(frame["reason"], frame["n"], strict=True))


def test_discrete_codes_become_states_and_an_unknown_stays_unknown(tmp_path):
    assert _states(_read(tmp_path, MATRIX)) == {("A", "KMT2D"): 1, ("A", "TP53"): -2, ("B", "KMT2D"): None, ("B", "TP53"): 0}


def test_what_is_left_out_is_counted(tmp_path):
    dropped = Dropped("test")
    _read(tmp_path, MATRIX, dropped)
    assert _counts(dropped) == {
        "gene is not in the knowledge base": 1,
        "the gene has a second row; the first is kept": 1,
        "kept, under the gene's current symbol": 1,
    }


def test_a_partial_deletion_is_a_deep_one_as_in_cbioportal(tmp_path):
    assert _states(_read(tmp_path, "Hugo_Symbol\tA\nTP53\t-1.5\n")) == {("A", "TP53"): -2}


def test_a_log2_ratio_among_discrete_codes_is_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"cna.txt, row 2, column 'A', value '-0.42': is no discrete copy-number code.*cbioportal_log2"
    ):
        _read(tmp_path, "Hugo_Symbol\tA\nTP53\t-0.42\n")


def test_log2_thresholds_are_closed(tmp_path):
    text = "Hugo_Symbol\tA\nG1\t0.3\nG2\t1\nG3\t-0.3\nG4\t-1\nG5\t0.29\nG6\t-0.29\n"
    table = _read(tmp_path, text, source={"format": "cbioportal_log2"}, genes=None)
    assert table["state"].tolist() == [1, 2, -1, -2, 0, 0]
    assert table["log2_ratio"].tolist() == [0.3, 1, -0.3, -1, 0.29, -0.29]
    assert table["loh"].isna().all()


def test_a_stranger_among_the_columns_is_refused_or_counted(tmp_path):
    text = "Hugo_Symbol\tA\tZ\nTP53\t0\t0\n"
    with pytest.raises(InputError, match=r"column 'Z': the column names a sample that the samples sheet does not have"):
        _read(tmp_path, text)
    dropped = Dropped("test")
    assert len(_read(tmp_path, text, dropped, source={"unknown_samples": "drop"})) == 1
    assert _counts(dropped) == {"the sample is not in the samples sheet": 1}


def test_a_sample_of_a_patient_who_is_not_analysed_is_no_stranger(tmp_path):
    dropped = Dropped("test")
    assert len(_read(tmp_path, "Hugo_Symbol\tA\tZ\nTP53\t0\t0\n", dropped, all_samples={"A", "Z"})) == 1
    assert _counts(dropped) == {"the patient is not analysed": 1}


def test_no_analysed_sample_at_all_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no column of the file belongs to an analysed sample.*pattern or template"):
        _read(tmp_path, "Hugo_Symbol\tX\nTP53\t0\n", source={"unknown_samples": "drop"})


def test_two_columns_of_one_sample_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"two columns belong to sample A: 'A-01' and 'A-02'"):
        _read(tmp_path, "Hugo_Symbol\tA-01\tA-02\nTP53\t0\t0\n", source={"sample_id": {"column": "x", "pattern": "^(.)-"}})


def test_a_row_that_is_cut_off_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"row 3: has 2 cells where the header has 3.*cut off"):
        _read(tmp_path, "Hugo_Symbol\tA\tB\nTP53\t0\t0\nKMT2D\t0\n")


def test_a_word_in_the_matrix_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"row 2, column 'B', value 'gain': is not a number"):
        _read(tmp_path, "Hugo_Symbol\tA\tB\nTP53\t0\tgain\n")


def test_a_column_that_stands_twice_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"column 'A': two columns have this name"):
        _read(tmp_path, "Hugo_Symbol\tA\tA\nTP53\t0\t0\n")


@pytest.mark.parametrize(("text", "message"), [("", "the file is empty"), ("Hugo_Symbol\tA\n", "a header and no rows")])
def test_an_empty_matrix_is_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        _read(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    source = config.CopyNumber(format="cbioportal_log2", file="nowhere.txt")
    with pytest.raises(InputError, match=r"nowhere.txt: the file is missing. Paths are relative to the cohort file."):
        read_copy_number(source, tmp_path, samples=["A"], genes=None, dropped=Dropped("test"))


def test_a_header_one_cell_short_as_r_writes_it_is_read(tmp_path):
    assert _states(_read(tmp_path, "A\tB\nTP53\t0\t-2\n")) == {("A", "TP53"): 0, ("B", "TP53"): -2}


COLUMNS = {
    "format": "columns",
    "sample_id": {"column": "ID"},
    "genes": {"TP53": {"column": "chr17", "values": {"del": "loss", "cnloh": "cnloh", "normal": "neutral"}}},
}


def test_clinical_columns_become_states_with_and_without_heterozygosity(tmp_path):
    table = _read(tmp_path, "ID\tchr17\nA\tdel\nB\tcnloh\nC\tnormal\nD\tNA\n", source=COLUMNS, samples=list("ABCD"))
    assert _states(table) == {("A", "TP53"): -1, ("B", "TP53"): 0, ("C", "TP53"): 0, ("D", "TP53"): None}
    assert table["loh"].tolist()[:3] == [False, True, False]
    assert pd.isna(table["loh"][3])


def test_a_column_without_a_word_for_cnloh_cannot_tell(tmp_path):
    source = COLUMNS | {"genes": {"TP53": {"column": "fish", "values": {"1": "loss", "0": "neutral"}}}}
    assert _read(tmp_path, "ID\tfish\nA\t1\nB\t0\n", source=source)["loh"].isna().all()


def test_a_state_that_does_not_exist_is_refused(tmp_path):
    source = COLUMNS | {"genes": {"TP53": {"column": "chr17", "values": {"del": "lost"}}}}
    with pytest.raises(
        InputError, match=r"column 'genes.TP53.values', value 'lost': is no copy-number state. The states are: deep_deletion"
    ):
        _read(tmp_path, "ID\tchr17\nA\tdel\n", source=source)
    source = COLUMNS | {"genes": {"TP53": {"column": "chr17"}}}
    with pytest.raises(InputError, match=r"row 2, column 'chr17', value 'del': is no copy-number state. Map it under 'values'"):
        _read(tmp_path, "ID\tchr17\nA\tdel\n", source=source)


def test_columns_need_genes_and_the_sample(tmp_path):
    with pytest.raises(InputError) as error:
        _read(tmp_path, "ID\nA\n", source={"format": "columns"})
    assert [p.column for p in error.value.problems] == ["genes", "sample_id"]


def test_a_stranger_among_the_rows_is_refused_with_its_line(tmp_path):
    with pytest.raises(
        InputError, match=r"row 3, column 'ID', value 'Z': names a sample that the samples sheet does not have \(1 row"
    ):
        _read(tmp_path, "ID\tchr17\nA\tdel\nZ\tdel\n", source=COLUMNS)


SEG = "ID\tchrom\tloc.start\tloc.end\tnum.mark\tseg.mean\nA\tchr17\t1\t150\t9\t-1.2\nA\tchr17\t151\t900\t9\t0\nB\t17\t500\t900\t9\t0.5\nA\tchrX\t1\t900\t9\t1.5\n"
POSITIONS = pd.DataFrame(
    {
        "gene": ["TP53", "TP53", "BTK"],
        "build": ["GRCh37", "GRCh38", "GRCh37"],
        "chrom": ["17", "17", "X"],
        "start": [101, 1, 10],
        "end": [200, 2, 20],
    }
)


def test_a_gene_takes_the_mean_over_its_covered_bases(tmp_path):
    table = _read(tmp_path, SEG, source={"format": "seg"}, genes=None, gene_positions=POSITIONS, build="GRCh37").set_index(
        ["sample_id", "gene"]
    )
    # bases 101-150 at -1.2 and 151-200 at 0: half and half
    assert table.loc[("A", "TP53"), "log2_ratio"] == pytest.approx(-0.6)
    assert table.loc[("A", "TP53"), "state"] == -1
    assert table.loc[("A", "BTK"), "state"] == 2
    assert pd.isna(table.loc[("B", "TP53"), "state"])  # no segment reaches the gene: not assessed


def test_segments_without_coordinates_are_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"segments need the genes' coordinates on GRCh38, and the knowledge base has none.*cbioportal_log2"
    ):
        _read(tmp_path, SEG, source={"format": "seg"}, build="GRCh38")


def test_a_segment_file_without_its_columns_is_refused(tmp_path):
    with pytest.raises(InputError) as error:
        _read(tmp_path, "ID\tchrom\tstart\nA\t17\t1\n", source={"format": "seg"}, gene_positions=POSITIONS, build="GRCh37")
    assert [p.message for p in error.value.problems] == ["no column for the segment's end", "no column for the segment's mean"]


def test_a_segment_that_ends_before_it_starts_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"row 2, column 'end', value '4': the segment ends before it starts"):
        _read(tmp_path, "ID\tchrom\tstart\tend\tmean\nA\t17\t5\t4\t0\n", source={"format": "seg"}, gene_positions=POSITIONS)


@pytest.mark.shared
def test_reddy_log2_matrix_gives_140_genes_in_1001_patients(shared):
    folder = shared / "cohorts" / "reddy_duke_2017"
    samples = read_sheet(folder / "data_clinical_sample.txt", comment="#")["SAMPLE_ID"].tolist()
    source = config.CopyNumber(format="cbioportal_log2", file="data_log2_cna.txt")
    table = read_copy_number(source, folder, samples=samples, genes=None, dropped=Dropped("test"))
    assert (table["gene"].nunique(), table["sample_id"].nunique(), len(table)) == (140, 1001, 140 * 1001)
    first = table[(table["sample_id"] == "DLBCL_DUKE_648") & (table["gene"] == "ACTB")]
    assert first["log2_ratio"].tolist() == [-0.465]
    assert first["state"].tolist() == [-1]


@pytest.mark.shared
def test_mds_chromosome_17_gives_the_counts_of_the_file(shared):
    folder = shared / "cohorts" / "mds_lenalidomide"
    samples = read_sheet(folder / "ipssm_df_clinical.tsv")["ID"].tolist()
    values = {"del": "loss", "iso17q": "loss", "cnloh": "cnloh", "normal": "neutral"}
    source = config.CopyNumber.model_validate(
        {
            "format": "columns",
            "file": "ipssm_df_clinical.tsv",
            "sample_id": "ID",
            "genes": {"TP53": {"column": "chr17", "values": values}},
        }
    )
    table = read_copy_number(source, folder, samples=samples, genes=["TP53"], dropped=Dropped("test"))
    # counted with cut and uniq: del 74, iso17q 7, cnloh 64, normal 2812
    assert ((table["state"] == -1).sum(), table["loh"].sum(), len(table)) == (81, 64, 2957)
