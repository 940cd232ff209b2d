"""Compiled functions come from the cache on disk, without numba's tables of everything that it could compile."""

import subprocess
import sys
from pathlib import Path

from resistance.compiled import njit

SCAN = """
import sys
import numpy as np
from resistance.stats.scan.logistic import firth_logistic_scan
draw = np.random.default_rng(1)
found = firth_logistic_scan(np.arange(60) % 2, draw.random((60, 1000)) < 0.3, threads=2)
print(float(found.coef.sum()).hex(), "scipy.linalg" in sys.modules, "numba.np.arraymath" in sys.modules)
"""
DOUBLED = """
from resistance.compiled import njit

@njit(cache=True, nogil=True)
def doubled(x):
    return FACTOR * x
"""


def python(code: str, *arguments: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.split()


def test_a_scan_that_was_compiled_before_imports_no_tables() -> None:
    first, second = python(SCAN), python(SCAN)
    assert first[0] == second[0]
    assert second[1:] == ["False", "False"]


def test_types_that_the_cache_does_not_hold_are_compiled_beside_those_that_it_does(tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import made; print(made.doubled(3), made.doubled(1.5))"
    (tmp_path / "made.py").write_text(DOUBLED.replace("FACTOR", "2"))
    assert python(code.replace(", made.doubled(1.5)", ""), str(tmp_path)) == ["6"]
    assert python(code, str(tmp_path)) == ["6", "3.0"]
    assert python(code, str(tmp_path)) == ["6", "3.0"]


def test_a_changed_function_is_compiled_anew(tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import made; print(made.doubled(3))"
    for factor in ("2", "20"):
        (tmp_path / "made.py").write_text(DOUBLED.replace("FACTOR", factor))
        assert python(code, str(tmp_path)) == [str(3 * int(factor))]


def test_a_function_without_a_cache_is_numbas_own() -> None:
    @njit()
    def added(a: int, b: int) -> int:
        return a + b

    assert added(2, 3) == 5
