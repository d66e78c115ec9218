"""Compilation of hot loops by numba, at their first call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function, **options: Any) -> Function:
    """Return ``function`` compiled at its first call.

    Parameters
    ----------
    function : a loop numba can compile
    **options : as of ``numba.njit``

    Raises
    ------
    ImportError
        Without numba: the caller then takes its plain twin.

    Notes
    -----
    The machine code is kept beside the source, or wherever ``NUMBA_CACHE_DIR`` says; where no
    folder can be written (a read-only install) it is made anew in every process.
    """
    from numba import njit

    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # numba: "cannot cache function: no locator available"
        return njit(**options)(function)
