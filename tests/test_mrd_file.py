"""resistance mrd: a table of counts in, a verdict per sample out; what is wrong in the table is named, all of it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from scipy.stats import binom

from resistance import mrd_file
from resistance.cli import cli, main
from resistance.errors import InputError

HEAD = "sample_id\tvariant\tdepth\talt_count\ttumour_vaf\n"


@pytest.fixture
def table(tmp_path: Path):
    def write(text: str, name: str = "counts.tsv") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def run(*arguments: object) -> list[str]:
    done = CliRunner().invoke(cli, ["mrd", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


def problems(path: Path, *, background_rate=None, background=None, **more) -> list[str]:
    chosen = mrd_file.settings(["exact"], **more)
    with pytest.raises(InputError) as caught:
        mrd_file.mrd_of_counts(path, chosen, background_rate=background_rate, background=background)
    return [str(problem).replace(f"{path.parent}/", "") for problem in caught.value.problems]


def test_a_sample_is_one_line_and_two_tables(table, tmp_path: Path) -> None:
    counts = table(HEAD + "A\tv1\t4000\t3\t0.3\nA\tv2\t4000\t0\t0.4\nB\tv1\t0\t0\t0.3\nB\tv2\t0\t0\t0.4\n")
    lines = run(counts, "--background-rate", "3e-5", "--out", tmp_path / "out.tsv", "--sites", tmp_path / "sites.tsv")
    p = binom.sf(2, 8000, 1e-5)
    assert lines[0].startswith(f"A  exact: positive, p {p:.3g}; 3 of 8000 at 1 of 2 sites; limit of detection")
    assert lines[1] == "B  exact: not tested (none of its variants was read: not assessed, which is not zero)"
    out = pd.read_csv(tmp_path / "out.tsv", sep="\t").set_index("sample_id")
    assert out.loc["A", "p_value"] == pytest.approx(p, rel=1e-9)
    assert out.loc["A", "background"] == "as given / 3 (one of three wrong bases)"
    assert pd.isna(out.loc["B", "verdict"])
    sites = pd.read_csv(tmp_path / "sites.tsv", sep="\t")
    assert sites["p_value"].tolist()[:2] == pytest.approx([binom.sf(2, 4000, 1e-5), 1.0])
    assert sites["used"].tolist() == [True, True, False, False]


def test_an_assumed_background_is_said(table) -> None:
    lines = run(table(HEAD + "A\tv1\t4000\t0\t0.3\n"))
    assert lines[0] == "note: no background given: 0.0001 per allele is assumed"
    assert lines[1].startswith("A  exact: underpowered, p 1;")


def test_a_rate_of_zero_is_not_taken_as_zero_and_what_stands_for_it_is_said(table, tmp_path: Path) -> None:
    counts, out = table(HEAD + "A\tv1\t4000\t1\t0.3\n"), tmp_path / "o.tsv"
    for rate, assumed in (("0", True), ("1e-6", False)):
        run(counts, "--background-rate", rate, "--out", out)
        row = pd.read_csv(out, sep="\t").iloc[0]
        assert row["p_value"] == pytest.approx(binom.sf(0, 4000, 1e-6 / 3), rel=1e-9)
        assert ("less than least_rate was seen: 1e-06 of any wrong base is assumed" in row["background"]) is assumed


def test_all_methods_whole_rate_and_own_rates(table, tmp_path: Path) -> None:
    counts = table(
        "sample\tchrom\tpos\tref\talt\tdepth\talt_count\ttumour_vaf\trate\nA\t1\t5\tC\tT\t4000\t2\t0.3\t\nA\t1\t9\tC\tT\t4000\t1\t0.3\t2e-4\n"
    )
    run(
        counts,
        "--background-rate",
        "3e-5",
        "--whole-rate",
        "--method",
        "all",
        "--draws",
        "500",
        "--out",
        tmp_path / "o.tsv",
        "--sites",
        tmp_path / "s.tsv",
    )
    out = pd.read_csv(tmp_path / "o.tsv", sep="\t")
    assert out["method"].tolist() == ["exact", "monte_carlo", "likelihood_ratio"]
    assert out["background"][0] == "as given, not divided by 3; of the variant itself, as given"
    sites = pd.read_csv(tmp_path / "s.tsv", sep="\t")
    assert sites["variant"].tolist() == ["1:5C>T", "1:9C>T"]
    assert sites["background_rate"].tolist() == [3e-5, 2e-4]


def test_rates_per_sample_come_from_a_table(table) -> None:
    counts = table(HEAD + "A\tv1\t4000\t2\t0.3\nB\tv1\t4000\t2\t0.3\n")
    rates = table(
        "sample_id\tsubstitution\tcontext\trate\talpha\tbeta\nA\tall\tall\t3e-5\t\t\nA\tC>T\tall\t1e-3\t\t\nB\tall\tall\t3e-4\t3\t9997\n",
        "rates.tsv",
    )
    found = mrd_file.mrd_of_counts(counts, mrd_file.settings(["exact"]), background=rates)
    assert found.samples["background_rate"].tolist() == pytest.approx([1e-5, 1e-4])
    assert found.samples["p_value"][0] == pytest.approx(binom.sf(1, 4000, 1e-5), rel=1e-9)
    assert found.samples["p_value"][1] > binom.sf(1, 4000, 1e-4)
    only_a = table("sample_id\trate\nA\t3e-5\n", "a.tsv")
    assert problems(counts, background=only_a) == [
        "a.tsv, column 'sample_id', value 'B': has no row for this sample of the counts. Add its row, or give --background-rate for all."
    ]


def test_phased_events_of_a_table_count_once(table) -> None:
    counts = table(
        "sample_id\tvariant\tdepth\talt_count\tevent\tevent_fragments\tevent_alt\tevent_multi\n"
        "A\tv1\t800\t1\te\t1000\t2\t600\nA\tv2\t800\t2\te\t1000\t2\t600\nA\tv3\t500\t0\t\t\t\t\n"
    )
    found = mrd_file.mrd_of_counts(counts, mrd_file.settings(["exact"]), background_rate=3e-4)
    assert found.samples[["n_sites", "alt_count", "depth"]].to_numpy().tolist() == [[2, 2, 1500]]


@pytest.mark.shared
def test_what_count_writes_is_taken_as_it_is_and_gives_the_published_p(table, tmp_path: Path, shared: Path) -> None:
    folder = shared / "truth/ctdna/ctdnatools"
    mutations = pd.read_csv(folder / "mutations.tsv", sep="\t")
    wanted = table(
        "chrom\tpos\tref\talt\n" + "".join(f"{r.CHROM}\t{r.POS}\t{r.REF}\t{r.ALT}\n" for r in mutations.itertuples()),
        "mutations.tsv",
    )
    results = pd.read_csv(folder / "expected/test_ctDNA_results.tsv", sep="\t").set_index("label")
    for label in ("vignette_test1_T1_default_n10000", "vignette_batch_T2_default_n10000"):
        expected = results.loc[label]
        options = ["--variants", wanted, "--out", tmp_path / "counted.tsv", "--build", "GRCh37", "--count", "reads"]
        options += ["--min-base-quality", 30, "--min-mapping-quality", 40, "--duplicates", "keep", "--read-groups", "ignore"]
        done = CliRunner().invoke(
            cli, ["count", str(folder / f"{expected['sample']}.bam"), *map(str, options), "--sample", expected["sample"]]
        )
        assert done.exit_code == 0, done.output
        run(
            tmp_path / "counted.tsv",
            "--background-rate",
            expected["background_rate"],
            "--method",
            "monte_carlo",
            "--out",
            tmp_path / "o.tsv",
        )
        row = pd.read_csv(tmp_path / "o.tsv", sep="\t").iloc[0]
        assert (row["n_sites"], row["n_sites_positive"], row["alt_count"]) == tuple(
            expected[["n_mutations", "n_nonzero_alt", "total_alt_reads"]]
        )
        assert row["p_value"] == pytest.approx(expected["pvalue"], rel=1e-11)
        assert row["unit"] == "reads"


def test_columns_of_the_users_own_do_not_meet_ours(table) -> None:
    counts = table("sample_id\tvariant\tdepth\talt_count\tnote\tused\tp_value\tvaf\nA\tv1\t4000\t2\tmine\tno\t1\t5\n")
    found = mrd_file.mrd_of_counts(counts, mrd_file.settings(["exact"]), background_rate=3e-4)
    assert found.sites[["used", "vaf"]].to_numpy().tolist() == [[True, 2 / 4000]]
    assert found.sites["note"].isna().all()


def test_the_table_is_the_same_whatever_the_order_of_rows(table) -> None:
    rows = ["A\tv1\t4000\t2\t0.3\n", "A\tv2\t3000\t1\t0.5\n", "B\tv1\t2000\t0\t0.3\n"]
    chosen = mrd_file.settings(["all"], draws=500)
    one = mrd_file.mrd_of_counts(table(HEAD + "".join(rows)), chosen, background_rate=1e-4)
    two = mrd_file.mrd_of_counts(table(HEAD + "".join(rows[::-1]), "b.tsv"), chosen, background_rate=1e-4)
    key = ["sample_id", "method"]
    a, b = (x.samples.sort_values(key).reset_index(drop=True) for x in (one, two))
    pd.testing.assert_frame_equal(a, b, check_exact=False, rtol=1e-12)


def test_every_wrong_cell_is_named(table) -> None:
    path = table(HEAD + "A\tv1\t-4\t1\t0.3\nA\tv2\t10\tx\t1.5\n\tv3\t10\t1.5\t\n")
    assert problems(path) == [
        "counts.tsv, row 4, column 'sample_id': is empty.",
        "counts.tsv, row 2, column 'depth', value '-4': is not a whole number from 0.",
        "counts.tsv, row 3, column 'alt_count', value 'x': is not a whole number from 0.",
        "counts.tsv, row 4, column 'alt_count', value '1.5': is not a whole number from 0.",
        "counts.tsv, row 3, column 'tumour_vaf', value '1.5': is not a fraction between 0 and 1.",
    ]
    assert problems(table(HEAD + "A\tv1\t10\t11\t0.3\nA\tv1\t10\t1\t0.3\n")) == [
        "counts.tsv, row 2, column 'alt_count', value '11': more than depth (10).",
        "counts.tsv, row 3, column 'variant', value 'v1': the variant stands twice in this sample.",
    ]


def test_missing_columns_and_files_are_named(table, tmp_path: Path) -> None:
    wanted = "One row per sample and variant: sample_id, depth, alt_count, and variant or chrom, pos, ref, alt."
    assert problems(table("sample_id\tchrom\tdepth\nA\t1\t5\n")) == [
        f"counts.tsv, row 1, column '{name}': missing column. {wanted}" for name in ("alt_count", "pos", "ref", "alt")
    ]
    assert "the file is missing" in problems(tmp_path / "no.tsv")[0]
    path = table(HEAD + "A\tv1\t10\t1\t0.3\n")
    assert problems(path, background=table("sample\trate\nA\t1\n", "r.tsv"))[0].startswith(
        "r.tsv, row 1, column 'sample_id': missing column."
    )
    assert problems(path, background=table("sample_id\trate\nA\t2\nA\tx\n", "r.tsv")) == [
        "r.tsv, row 2, column 'rate', value '2': is not a fraction between 0 and 1.",
        "r.tsv, row 3, column 'rate', value 'x': is not a fraction between 0 and 1.",
        "r.tsv, row 3, column 'sample_id', value 'A': the sample stands twice.",
    ]
    assert problems(path, background_rate=1.5) == ["--background-rate, value '1.5': is not a fraction between 0 and 1."]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--alpha", "0"], "error: --alpha: Input should be greater than 0."),
        (["--vaf", "0"], "error: --vaf: Input should be greater than 0."),
        (["--power", "0.2"], "error: --power: Input should be greater than 0.5."),
        (
            ["--draws", "100", "--alpha", "0.001", "--method", "monte_carlo"],
            "error: --draws: with 100 draws no simulated p is at most",
        ),
    ],
)
def test_options_out_of_bounds_are_named(table, capsys: pytest.CaptureFixture[str], options: list[str], words: str) -> None:
    with pytest.raises(SystemExit) as left:
        main(["mrd", str(table(HEAD + "A\tv1\t10\t1\t0.3\n")), *options])
    assert left.value.code == 2
    assert words in capsys.readouterr().err
