"""NanoString: RCC files and tables of raw counts."""

from __future__ import annotations

import gzip
import zipfile

import pandas as pd
import pytest

from resistance import config
from resistance.dropped import Dropped
from resistance.errors import InputError
from resistance.read.nanostring import read_counts, read_nanostring, read_rcc

RCC = """<Header>
FileVersion,1.7
</Header>
<Sample_Attributes>
ID,S1
</Sample_Attributes>
<Code_Summary>
CodeClass,Name,Accession,Count
Endogenous,IRF4,NM_002460.1,{irf4}
Housekeeping,ISY1,NM_020701.2,520
Positive,POS_A(128),ERCC_00117.1,30211
</Code_Summary>
"""


def _rcc(folder, **texts):
    for name, text in texts.items():
        (folder / f"{name}.RCC").write_text(text)
    files = pd.DataFrame({"sample_id": list(texts), "rcc": [f"{name}.RCC" for name in texts]})
    return read_nanostring(config.NanoString(format="rcc"), folder, samples=list(texts), files=files, dropped=Dropped("test"))


def _table(folder, text, **keys):
    (folder / "counts.csv").write_text(text)
    source = config.NanoString.model_validate({"format": "counts", "file": "counts.csv"} | keys)
    return read_nanostring(source, folder, samples=["A", "B"], dropped=Dropped("test"))


def test_rcc_files_become_one_table(tmp_path):
    table = _rcc(tmp_path, S2=RCC.format(irf4=7), S1=RCC.format(irf4=911))
    assert table.columns.tolist() == ["gene", "code_class", "S1", "S2"]
    assert table.loc[table["gene"] == "IRF4", ["S1", "S2"]].to_numpy().tolist() == [[911, 7]]
    assert table["code_class"].tolist() == ["Endogenous", "Housekeeping", "Positive"]


def test_another_code_set_is_refused(tmp_path):
    other = RCC.format(irf4=1).replace("Endogenous,IRF4", "Endogenous,CRBN")
    with pytest.raises(InputError, match=r"S2.RCC, value 'CRBN': has another code set than S1.RCC \(2 codes differ\)"):
        _rcc(tmp_path, S1=RCC.format(irf4=1), S2=other)


def test_an_rcc_file_that_is_cut_off_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"S1.RCC: has no complete section <Code_Summary>. The file is cut off"):
        _rcc(tmp_path, S1=RCC.format(irf4=1).split("Housekeeping")[0])


def test_a_count_that_is_none_is_refused_with_its_line(tmp_path):
    with pytest.raises(InputError, match=r"row 9, column 'Count', value '9.5': is no count of a code"):
        _rcc(tmp_path, S1=RCC.format(irf4="9.5"))


def test_a_code_that_stands_twice_is_refused(tmp_path):
    (tmp_path / "x.RCC").write_text(RCC.format(irf4=1).replace("Housekeeping,ISY1", "Endogenous,IRF4"))
    with pytest.raises(InputError, match=r"row 10, column 'Name', value 'IRF4': the code stands twice"):
        read_rcc(tmp_path / "x.RCC")


def test_a_missing_rcc_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone.RCC: the file is missing"):
        read_rcc(tmp_path / "gone.RCC")


def test_rcc_needs_the_samples_sheets_column(tmp_path):
    with pytest.raises(InputError, match=r"needs the samples sheet's column 'rcc'"):
        read_nanostring(
            config.NanoString(format="rcc"),
            tmp_path,
            samples=["A"],
            files=pd.DataFrame({"sample_id": ["A"]}),
            dropped=Dropped("t"),
        )


def test_counts_need_a_file(tmp_path):
    with pytest.raises(InputError, match=r"nanostring with 'format: counts' needs 'file'"):
        read_nanostring(config.NanoString(format="counts"), tmp_path, samples=["A"], dropped=Dropped("t"))


def test_control_names_tell_their_class_and_others_do_not(tmp_path):
    table = _table(tmp_path, '"",A,B\nPOS_A,9,9\nNEG_B(0),1,2\nIRF4,3,4\n').set_index("gene")
    assert table.loc["POS_A", "code_class"] == "Positive"
    assert table.loc["NEG_B(0)", "code_class"] == "Negative"
    assert pd.isna(table.loc["IRF4", "code_class"])


def test_a_class_column_is_used(tmp_path):
    text = "class,code,A,B\nHousekeeping,ISY1,5,6\nEndogenous,IRF4,3,4\n"
    table = _table(tmp_path, text, gene_column="code", class_column="class")
    assert table["code_class"].tolist() == ["Endogenous", "Housekeeping"]
    with pytest.raises(InputError, match=r"column 'klass': the file has no such column .needed for 'class_column'"):
        _table(tmp_path, text, gene_column="code", class_column="klass")


@pytest.mark.parametrize(("cell", "message"), [("-3", "a count is negative"), ("2.5", "a count is not whole")])
def test_what_is_no_raw_count_is_refused(tmp_path, cell, message):
    with pytest.raises(InputError, match=f"row 2, column 'B', value '{cell}': {message}: raw counts are expected"):
        _table(tmp_path, f"code,A,B\nIRF4,1,{cell}\n")


def test_a_code_that_stands_twice_in_a_table_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"duplicate gene . code_class"):
        _table(tmp_path, "code,A,B\nPOS_A,1,1\nPOS_A,1,1\n")


@pytest.mark.shared
def test_dlbcl90_example_counts(shared):
    source = config.NanoString(format="counts", file="DLBCL90example1.csv")
    samples = [f"example{i}" for i in range(1, 13)]
    table = read_nanostring(source, shared / "truth" / "coo" / "dlbcl90", samples=samples, dropped=Dropped("test"))
    assert table.shape == (104, 14)
    assert table["code_class"].value_counts().to_dict() == {"Negative": 8, "Positive": 6}
    assert table.loc[table["gene"] == "AFMID", ["example1", "example12"]].to_numpy().tolist() == [[3270, 1557]]


def test_a_second_row_of_sample_names_is_passed_over(tmp_path):
    table = _table(tmp_path, ",A,B\n,first,second\nIRF4,7,8\nMME,9,10\n")
    assert table[["gene", "A", "B"]].to_numpy().tolist() == [["IRF4", 7, 8], ["MME", 9, 10]]
    with pytest.raises(InputError, match=r"row 2, column 'A', value 'first': is not a number"):
        _table(tmp_path, "code,A,B\nX,first,second\nIRF4,7,8\n")


def test_counts_without_a_cohort_are_read_from_a_table_rcc_files_a_folder_and_an_archive(tmp_path):
    import zipfile

    (tmp_path / "counts.tsv").write_text("CodeClass\tName\tAccession\tb\ta\nEndogenous\tIRF4\tNM_1\t7\t911\n")
    assert read_counts(tmp_path / "counts.tsv").to_dict("list") == {"gene": ["IRF4"], "b": [7], "a": [911]}
    runs = tmp_path / "runs"
    runs.mkdir()
    for name, count in (("b", 7), ("a", 911)):
        (runs / f"{name}.RCC").write_text(RCC.format(irf4=count))
    (runs / "readme.txt").write_text("not a run")
    with zipfile.ZipFile(tmp_path / "runs.zip", "w") as archive:
        for file in runs.iterdir():
            archive.write(file, f"plate1/{file.name}")
    for path in (runs, tmp_path / "runs.zip"):
        table = read_counts(path)
        assert table.columns.tolist() == ["gene", "a", "b"]
        assert table.set_index("gene").loc["IRF4"].tolist() == [911, 7]
    assert read_counts(runs / "a.RCC").columns.tolist() == ["gene", "a"]


@pytest.mark.parametrize("name", ["empty", "broken.zip", "none.zip", "none.RCC", "none.tsv"])
def test_what_holds_no_counts_is_named(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(InputError, match=name):
        read_counts(tmp_path / name)


def test_rcc_files_of_two_code_sets_are_not_called_together(tmp_path):
    (tmp_path / "a.RCC").write_text(RCC.format(irf4=1))
    (tmp_path / "b.RCC").write_text(RCC.format(irf4=1).replace("Endogenous,IRF4", "Endogenous,CRBN"))
    with pytest.raises(InputError, match=r"b.RCC: has another code set than a"):
        read_counts(tmp_path)


def test_rcc_files_may_be_packed_as_public_archives_hold_them(tmp_path):
    text = RCC.format(irf4=911).encode()
    (tmp_path / "GSM1_A.RCC.gz").write_bytes(gzip.compress(text))
    assert read_counts(tmp_path / "GSM1_A.RCC.gz")["GSM1_A"].tolist() == [911, 520, 30211]
    assert read_counts(tmp_path).columns.tolist() == ["gene", "GSM1_A"]
    with zipfile.ZipFile(tmp_path / "raw.zip", "w") as archive:
        archive.write(tmp_path / "GSM1_A.RCC.gz", "GSM1_A.RCC.gz")
    assert read_counts(tmp_path / "raw.zip").columns.tolist() == ["gene", "GSM1_A"]
    table = read_nanostring(
        config.NanoString(format="rcc"),
        tmp_path,
        samples=["S1"],
        files=pd.DataFrame({"sample_id": ["S1"], "rcc": ["GSM1_A.RCC.gz"]}),
        dropped=Dropped("test"),
    )
    assert table["S1"].tolist() == [911, 520, 30211]
    (tmp_path / "cut.RCC.gz").write_bytes(gzip.compress(text)[:40])
    with pytest.raises(InputError, match=r"cut\.RCC\.gz: cannot be unpacked: the file is cut off or damaged"):
        read_counts(tmp_path / "cut.RCC.gz")


def test_a_sample_with_two_rcc_files_in_a_folder_is_refused_and_not_lost(tmp_path):
    (tmp_path / "A.RCC").write_text(RCC.format(irf4=911))
    (tmp_path / "A.RCC.gz").write_bytes(gzip.compress(RCC.format(irf4=7).encode()))
    with pytest.raises(InputError, match=r"value 'A': holds two RCC files of one sample\. Keep one of them"):
        read_counts(tmp_path)
