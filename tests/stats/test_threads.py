"""The last bit of a result does not depend on how many threads linear algebra may use."""

from __future__ import annotations

import os
import subprocess
import sys

CODE = """
import numpy as np
from resistance.stats.linear import linear_scan
from resistance.stats.moderated_t import moderated_t
from resistance.stats.plage import plage
draw = np.random.default_rng(0)
y, x = draw.normal(size=(20, 6000)), np.column_stack([np.ones(6000), draw.normal(size=(6000, 12))])
found = moderated_t(y, x).p_value.tobytes() + linear_scan(y[0], y[1:].T, x[:, 1:]).p_value.tobytes()
found += plage(y.reshape(400, 300), [range(90)]).scores.tobytes()
import hashlib
print(hashlib.sha256(found).hexdigest())
"""


def test_one_thread_and_two_give_the_same_bytes() -> None:
    digests = []
    for threads in ("1", "2"):
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        run = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, env=environment)
        digests.append(run.stdout)
    assert digests[0] == digests[1]
