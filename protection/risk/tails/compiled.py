"""Choice between compiled passes over data and their plain NumPy twins."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any


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
