"""The reference sample of RNA-seq counts as the user gives it: scores recomputed by hand, what is wrong with a file, the cohort's key."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pandas as pd
import pytest

from resistance import cli
from resistance.cohort import Cohort
from resistance.config import Subtype
from resistance.errors import InputError
from resistance.subtype import rnaseq_coo21, rnaseq_dzsig28
from resistance.subtype.genes import signature_aliases
from resistance.subtype.published import load_published
from resistance.subtype.reference_sample import MIN_GENES, read_reference

SIGNATURES = load_published()
SAMPLES = ["S1", "S2", "S3"]


def ensembl(symbol):
    return next(name for name, current in signature_aliases().items() if name.startswith("ENSG") and current == symbol)


@pytest.fixture(scope="module")
def sample():
    """A made-up reference sample: genes of both scores and 2,100 others, counts of a log-normal."""
    own = dict.fromkeys(ensembl(gene) for name in ("rnaseq_coo21", "rnaseq_dzsig28") for gene in SIGNATURES[name].weights)
    genes = [*own, *(f"ENSG00009{i:06d}" for i in range(2100))]
    return dict(zip(genes, np.random.default_rng(4).lognormal(5, 1.5, len(genes)).round(3).tolist(), strict=True))


@pytest.fixture(scope="module")
def counts(sample):
    """Three libraries of different depth, and genes that the reference does not have."""
    rng = np.random.default_rng(5)
    mean = np.array([*sample.values(), *[80.0] * 50])
    values = {name: rng.poisson(mean * depth).astype(float) for name, depth in zip(SAMPLES, (1, 0.2, 3), strict=True)}
    return pd.DataFrame(values, index=[*sample, *(f"ENSG00008{i:06d}" for i in range(50))])


@pytest.fixture
def written(sample, tmp_path):
    path = tmp_path / "reference.tsv"
    path.write_text("id\tref\n" + "".join(f"{gene}\t{count}\n" for gene, count in sample.items()))
    return path


def edited(path, old, new):
    path.write_text(path.read_text().replace(old, new, 1))
    return path


def by_hand(counts, sample, name):
    """Score of each sample, gene by gene, as the R package describes it."""
    signature = SIGNATURES[name]
    out = {}
    for of in counts:
        ratios = [
            counts.loc[gene, of] / reference
            for gene, reference in sample.items()
            if counts.loc[gene].sum() >= len(counts.columns) and counts.loc[gene, of] > 0
        ]
        library = 28576224.09963768 * statistics.median(ratios)
        score = signature.constant
        for gene, weight in signature.weights.items():
            score += weight * (math.log(counts.loc[ensembl(gene), of] + 1) + math.log(1e6 / library))
        out[of] = score
    return out


@pytest.mark.parametrize("module", [rnaseq_coo21, rnaseq_dzsig28])
def test_scores_are_those_of_a_slow_recomputation_and_say_that_the_reference_is_another(counts, sample, written, module):
    calls = module.classify_table(counts, rnaseq_reference=written).set_index("sample_id")
    expected = by_hand(counts, sample, module.METHOD.name)
    assert calls["score"].to_dict() == pytest.approx(expected, rel=1e-11)
    assert calls["flags"].str.contains("not the published reference sample").all()
    pd.testing.assert_frame_equal(module.classify_table(counts, rnaseq_reference=sample).set_index("sample_id"), calls)


def test_a_file_as_r_writes_it_with_versions_copies_on_y_and_zeros_is_the_same_sample(counts, sample, written, tmp_path):
    lines = [f'"{gene}.7",{count}' for gene, count in reversed(sample.items())]
    other = tmp_path / "as_r_writes.csv"
    other.write_text('"ref"\n' + "\n".join([*lines, '"ENSG00000002586.20_PAR_Y",12', '"ENSG00007000000",0']) + "\n")
    assert dict(read_reference(other).counts) == dict(read_reference(written).counts) == sample
    assert read_reference(other).without_count == 1
    pd.testing.assert_frame_equal(
        rnaseq_coo21.classify_table(counts, rnaseq_reference=other), rnaseq_coo21.classify_table(counts, rnaseq_reference=written)
    )


def test_without_a_reference_it_is_said_where_one_is_named_and_where_it_comes_from(counts):
    with pytest.raises(InputError, match=r"the reference sample of gneSeqCOO is needed for raw counts") as found:
        rnaseq_coo21.classify_table(counts)
    for words in ("subtype.rnaseq_reference in the cohort file", "--rnaseq-reference FILE", "github.com/Genentech/gneSeqCOO"):
        assert words in str(found.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("\n", "\nENSG00000000009\tmany\n", "row 2, column 'ref', value 'many': is not a number. A count of 0 or more"),
        ("\n", "\nENSG00000000009\t-3\n", "row 2, column 'ref', value '-3': the count is negative. Give counts, not logarithms"),
        ("\n", "\nENSG00000000009\tinf\n", "row 2, column 'ref', value 'inf': is not a number"),
        ("\n", "\nENSG00000000009\t\n", "row 2, column 'ref', value '': is not a number"),
        ("\n", "\nENSG00000000009\n", "row 2: has 1 cells where the header has 2. The file may be cut off"),
        ("\n", "\n\t3\n", "row 2, column 'id': the gene has no name. Leave the row out"),
        (
            "\n",
            "\nENSG00009000007.4\t3\n",
            "value 'ENSG00009000007': the gene stands twice (first in row 2). Keep one row per gene",
        ),
        ("id\tref\n", "id\tref\tlength\n", "row 2: has 2 cells where the header has 3"),
        ("id\tref\n", "ENSG00000000008\t12\n", "column '12': the first row is a gene: the file has no header"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(written, old, new, said):
    with pytest.raises(InputError) as found:
        read_reference(edited(written, old, new))
    assert str(found.value).startswith(str(written))
    assert said in str(found.value)


def test_a_third_column_and_logarithms_are_no_reference(written, tmp_path):
    lines = written.read_text().splitlines()
    (tmp_path / "three.tsv").write_text("\n".join(f"{line}\t1" for line in lines))
    with pytest.raises(InputError, match=r"the reference sample has 3 columns, two are needed"):
        read_reference(tmp_path / "three.tsv")
    logs = "\n".join(f"{gene}\t{np.log2(float(count) + 1)}" for gene, count in (line.split("\t") for line in lines[1:]))
    (tmp_path / "log.tsv").write_text(f"id\tref\n{logs}\n")
    with pytest.raises(
        InputError, match=r"log\.tsv, value '[\d.]+': no count is above 50: these look like logarithms\. Give counts"
    ):
        read_reference(tmp_path / "log.tsv")


def test_a_file_that_is_missing_short_or_of_other_genes_is_refused(written, sample, tmp_path, counts):
    with pytest.raises(InputError, match=r"nowhere\.tsv: the table is missing"):
        read_reference(tmp_path / "nowhere.tsv")
    short = dict(list(sample.items())[: MIN_GENES - 1])
    with pytest.raises(InputError, match=r"reference sample: the reference sample has 1999 genes with a count, 2000 are needed"):
        rnaseq_coo21.classify_table(counts, rnaseq_reference=short)
    mouse = edited(written, "id", "id")
    mouse.write_text(mouse.read_text().replace("ENSG", "ENSMUSG"))
    with pytest.raises(InputError, match=r"0 of the 21 genes of rnaseq_coo21 are in the reference sample, .* human"):
        rnaseq_coo21.classify_table(counts, rnaseq_reference=mouse)


def test_a_normalised_table_takes_no_reference(counts, written):
    with pytest.raises(InputError, match=r"column 'rnaseq_reference': a table that is normalised already is not compared"):
        rnaseq_coo21.classify_table(np.log(counts + 1), unit="normalised", rnaseq_reference=written)


def test_a_thousand_bad_rows_are_told_by_the_first_twenty(written):
    written.write_text(written.read_text().replace("ENSG00009000", "ENSG00009999"))  # 1,000 genes, each with a name of its own
    written.write_text(written.read_text() + "".join(f"X{i}\t-1\n" for i in range(1000)))
    with pytest.raises(InputError) as found:
        read_reference(written)
    assert len(found.value.problems) == 21
    assert "and 980 more problems" in str(found.value)


def test_the_command_takes_the_reference_and_refuses_it_elsewhere(counts, written, tmp_path, capsys):
    counts.to_csv(tmp_path / "counts.tsv", sep="\t", index_label="gene")
    call = ["subtype", "call", "rnaseq_coo21", str(tmp_path / "counts.tsv"), "--out", str(tmp_path / "calls.tsv")]
    cli.main([*call, "--rnaseq-reference", str(written)])
    assert "note: 3 x not the published reference sample" in capsys.readouterr().err
    found = pd.read_csv(tmp_path / "calls.tsv", sep="\t")
    assert found["score"].tolist() == pytest.approx(
        rnaseq_coo21.classify_table(counts, rnaseq_reference=written)["score"].tolist()
    )
    with pytest.raises(SystemExit):
        cli.main(call)
    assert "counts.tsv, column 'rnaseq_reference': the reference sample of gneSeqCOO is needed" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main([*call[:2], "lps_wright210", *call[3:], "--rnaseq-reference", str(written)])
    assert "column '--rnaseq-reference': lps_wright210 has no such option. Leave it out." in capsys.readouterr().err


def cohort_of(table, unit):
    return Cohort(
        facts={"build": "GRCh38", "expression_unit": unit, "expression_platform": "rnaseq"},
        patients=pd.DataFrame({"patient_id": ["P1", "P2", "P3"]}),
        samples=pd.DataFrame({"sample_id": SAMPLES, "patient_id": ["P1", "P2", "P3"]}).assign(
            material="tumour", timepoint="baseline", day=0
        ),
        expression=table.rename_axis("gene").reset_index(),
    )


def test_a_cohort_gives_the_calls_of_its_table(counts, written):
    settings = Subtype(methods=["rnaseq_coo21"], rnaseq_reference=written.name).below(written.parent)
    called = rnaseq_coo21.classify(cohort_of(counts, "counts"), settings)
    alone = rnaseq_coo21.classify_table(counts, rnaseq_reference=written)
    assert called.subtypes["score"].tolist() == alone["score"].tolist()
    assert called.subtypes["subtype"].tolist() == alone["subtype"].tolist()
    assert called.scores["value"].tolist() == alone["score"].tolist()


def test_a_cohort_with_log_values_has_rows_with_the_reason_and_no_call(counts):
    found = rnaseq_coo21.classify(cohort_of(np.log2(counts + 1), "log2"), Subtype()).subtypes
    assert found["patient_id"].tolist() == ["P1", "P2", "P3"]
    assert found["subtype"].isna().all()
    assert found["reason"].str.startswith("no call: raw counts are needed").all()


@pytest.mark.parametrize("platform", ["nanostring", "nCounter", "Affymetrix", "array"])
def test_counts_of_another_platform_are_refused_with_the_method_that_takes_them(written, counts, platform):
    with pytest.raises(InputError, match=r"one of RNA-seq counts, the table is \w+\. For NanoString counts use dlbcl90_coo"):
        rnaseq_coo21.classify_table(counts, platform=platform, rnaseq_reference=written)


def test_a_gene_in_two_rows_is_added_up_and_told(written, counts):
    gene = ensembl("IRF4")
    flags = rnaseq_coo21.classify_table(pd.concat([counts, counts.loc[[gene]]]), rnaseq_reference=written)["flags"]
    assert flags.str.contains(f"several rows: {gene}", regex=False).all()
