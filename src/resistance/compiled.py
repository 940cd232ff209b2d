"""numba's njit, whose functions come from the cache on disk in a third of the time."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

# a package of numba's size holds very many objects and no garbage: looking for some takes a tenth of a second
_collecting = gc.isenabled()
gc.disable()
try:
    import numba
    from numba.core.caching import FunctionCache
    from numba.core.runtime import rtsys
finally:
    if _collecting:
        gc.enable()


class _Cache(FunctionCache):  # type: ignore[misc, unused-ignore]
    """The cache of one function.

    numba fills its tables of everything that it could compile (and imports scipy.linalg) before it looks into a cache:
    a third of a second in every process, for functions that were compiled long ago.  The tables are filled all the same
    as soon as something has to be compiled.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what was compiled before for these types, or None."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)
        return None


#: the two steps above are numba's own affair: where they are called otherwise, its cache is taken as it is
_KNOWN = all(hasattr(FunctionCache, name) for name in ("_guard_against_spurious_io_errors", "_load_overload"))


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return numba's decorator njit(**options); functions with ``cache=True`` are loaded quickly.

    Keep numpy's reductions (any, sum, min) out of functions that are called from Python: they are numba's own compiled
    functions, whose modules a cached function would import again.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        compiled = numba.njit(**options)(function)
        if options.get("cache") and _KNOWN and isinstance(getattr(compiled, "_cache", None), FunctionCache):
            compiled._cache = _Cache(function)
        return compiled

    return decorate
