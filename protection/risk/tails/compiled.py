"""Choice between compiled passes over data and their plain NumPy twins."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

Pass = TypeVar("Pass", bound=Callable[..., Any])


def compiled(function: Pass) -> Pass:
    """Compile with numba on first call, keeping the machine code on disk where that is possible.

    Raises
    ------
    ImportError
        Without numba: :func:`passes` then takes the twin.
    """
    from numba import njit

    try:
        return njit(cache=True)(function)
    except RuntimeError:
        # No folder can be written to (read-only install): compile in every process instead.
        return njit(function)


@cache
def passes(name: str, *, twin: bool = False) -> Any:
    """Module ``NAME_kernels`` where numba can be imported, else ``NAME_twins``.

    Both have the same functions with the same meaning; numba is imported on first use only.
    """
    room = __name__.rpartition(".")[0]
    if not twin:
        try:
            return importlib.import_module(f"{room}.{name}_kernels")
        except ImportError:
            pass
    return importlib.import_module(f"{room}.{name}_twins")
