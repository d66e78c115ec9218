"""Compilation of hot loops, with a NumPy twin where numba is not installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from protection.contracts.compiled import jit

# Without numpy's error model every division looks for a zero and no loop with one is vectorised.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(twin: Callable[..., Any] | None = None) -> Callable[[Function], Function]:
    """Compile the decorated function at its first call, or put ``twin`` in its place.

    Parameters
    ----------
    twin : plain NumPy function with the same answer, used where numba is not installed; without
        one the decorated function itself runs, uncompiled

    Notes
    -----
    A division by zero gives infinity or NaN, as in NumPy.
    """

    def decorate(function: Function) -> Function:
        try:
            return jit(function, **_OPTIONS)
        except ImportError:  # no numba: the twin answers
            return function if twin is None else twin  # type: ignore[return-value]

    return decorate
