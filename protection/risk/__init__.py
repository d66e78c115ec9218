"""Tails, VaR and ES with their backtests, drawdown accounting, the order gate and stress.

The names below are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Public name -> module below this room. Rows are grouped by the part that owns them.
_HOMES = {
    # tails
    "empirical_var_es": "tails.empirical",
    "student_var_es": "tails.student",
    # var_es
    "OrderEffect": "var_es.estimates",
    "PortfolioTail": "var_es.online_portfolio",
    "TailDiagnostics": "var_es.estimates",
    "TailEstimate": "var_es.estimates",
    "TailInterval": "var_es.estimates",
}

__all__ = sorted(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'protection.risk' has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
