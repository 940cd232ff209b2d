"""The Python examples of the documentation run, and give what their comments say."""

from __future__ import annotations

import re

import numpy as np
import pytest


def blocks(checkout, page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (checkout / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def test_the_calls_of_the_page_on_associations_answer(checkout):
    draw, n = np.random.default_rng(3), 60
    names = {
        "time": draw.exponential(10, n), "event": draw.random(n) < 0.7, "columns": draw.normal(size=(n, 2)), "coo": draw.random(n) < 0.5,
        "marker": draw.random(n) < 0.2, "response": draw.random(n) < 0.5, "markers": (draw.random((n, 4)) < 0.3).astype(np.int8),
        "covariates": draw.normal(size=n),
    }  # fmt: skip
    for block in blocks(checkout, "docs/association.md"):
        exec(block, names)
    assert names["fit"].converged
    assert names["test"].converged
    assert names["scan"].converged.all()


def test_the_calls_of_the_page_on_residual_disease_give_the_numbers_beside_them(checkout):
    (block,) = blocks(checkout, "docs/mrd.md")
    names: dict[str, object] = {}
    said = {}
    for line in block.splitlines():
        code, _, comment = line.partition("#")
        if code.startswith("from"):
            exec(code, names)
        elif code.strip():
            said[code.split("(")[0]] = (eval(code, names), comment.strip())
    chance, words = said["probability_to_detect"]
    assert words.startswith(".95022")
    assert chance == pytest.approx(0.95022, abs=5e-6)
    genomes, words = said["genomes_needed"]
    assert words.startswith(f"{genomes:,}")
    assert 0 < said["exact_test"][0] < 0.05
    assert 0 < said["limits"][0] < 1e-2


def test_the_example_of_hans_is_called_as_its_comment_says(checkout):
    block = next(b for b in blocks(checkout, "docs/subtypes.md") if "hans" in b)
    lines = block.strip().splitlines()
    names: dict[str, object] = {}
    exec("\n".join(lines[:-2]), names)
    row = eval(lines[-2], names).iloc[0]
    assert lines[-1] == f"# {row['subtype']}, borderline: {row['reason']}"


@pytest.mark.parametrize("page", ["README.md", "docs/toolkit.md"])
def test_what_needs_no_file_runs_as_it_stands(checkout, page):
    alone = [block for block in blocks(checkout, page) if "results/" not in block]
    assert alone
    for block in alone:
        exec(block, {})
