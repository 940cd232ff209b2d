"""Messages say what is wrong, where, and what to do."""

from __future__ import annotations

import pytest

from resistance.errors import Collected, InputError, Problem


def test_a_problem_reads_as_place_matter_and_remedy():
    problem = Problem("is below 0", "p.tsv", 7, "age", "-3", "Correct it.")
    assert str(problem) == "p.tsv, row 7, column 'age', value '-3': is below 0. Correct it."
    assert str(Problem("no file given")) == "no file given."


def test_an_error_needs_at_least_one_problem():
    with pytest.raises(ValueError, match="at least one problem"):
        InputError([])


def test_collected_problems_are_raised_together_and_once():
    def bad(name: str) -> None:
        raise InputError("wrong", path=name)

    found = Collected()
    assert found.call(len, "abc") == 3
    for name in ("a", "b", "a"):
        assert found.call(bad, name) is None
    with pytest.raises(InputError) as error:
        found.stop()
    assert str(error.value) == "a: wrong.\nb: wrong."


def test_other_exceptions_are_defects_and_pass_through():
    with pytest.raises(ZeroDivisionError):
        Collected().call(lambda: 1 / 0)
