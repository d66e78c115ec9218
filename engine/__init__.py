"""Embedded LEAN: runs algorithms written for LEAN's Python API without .NET and Docker."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["QuantBook", "__version__", "run_backtest", "run_many"]

__version__ = "0.1.0"

# imported at their first use: ``import engine`` costs nothing
_LAZY = {
    "QuantBook": "engine.notebook",
    "run_backtest": "engine.run",
    "run_many": "engine.sweep",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
