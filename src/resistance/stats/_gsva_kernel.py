"""Expression, band widths and a table of the normal distribution -> the kernel's fractions, compiled; see :mod:`resistance.stats.gsva`."""

from __future__ import annotations

import numpy as np

from resistance.compiled import njit

#: values whose terms are added side by side, so that one addition need not wait for the other
_TOGETHER = 4


@njit(cache=True, nogil=True)
def tabulated_fractions(x, width, table, end):  # type: ignore[no-untyped-def]
    """Return, for each value, the mean over the samples of the table's P(Z < (value - other) / width); terms in the samples' order."""
    m, n = x.shape
    out = np.empty((m, n))
    last = table.size - 1
    both = np.empty(2 * last + 1)  # the table for negative places too; it ends at exactly 0 and 1
    for place in range(last + 1):
        both[last - place] = 1.0 - table[place]
        both[last + place] = table[place]
    padded = (n + _TOGETHER - 1) // _TOGETHER * _TOGETHER
    places = np.zeros((_TOGETHER, n), dtype=np.int32)
    for i in range(m):
        row, w = x[i], width[i]
        for start in range(0, padded, _TOGETHER):
            for lane in range(_TOGETHER):
                value = row[min(start + lane, n - 1)]
                mine = places[lane]
                for k in range(n):
                    # divided twice as the reference does: another order of rounding gives other places
                    mine[k] = last + np.int32(min(max((value - row[k]) / w / end * last, -last), last))
            a = b = c = d = 0.0
            for k in range(n):
                a += both[places[0, k]]
                b += both[places[1, k]]
                c += both[places[2, k]]
                d += both[places[3, k]]
            totals = (a, b, c, d)
            for lane in range(min(_TOGETHER, n - start)):
                out[i, start + lane] = totals[lane] / n
    return out
