"""How large: volatility targets, Kelly fractions, risk budgets, tail-scaled sizes, no-trade bands.

Importing the room is cheap; the names below are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from protection.decision.allocation import Allocation, allocate
    from protection.decision.bands import no_trade_band
    from protection.decision.constrained_kelly import (
        ConstrainedKelly,
        drawdown_aversion,
        drawdown_fraction,
        risk_constrained_kelly,
    )
    from protection.decision.kelly import (
        KellySize,
        binary_kelly,
        fractional_kelly,
        gaussian_kelly,
        shrunk_mean,
    )
    from protection.decision.parity import risk_contributions, risk_parity
    from protection.decision.tail_sizing import (
        SizeComparison,
        compare_sizes,
        es_size,
        gaussian_es,
        student_t_es,
        tail_mean,
    )
    from protection.decision.volatility import EwmaVolatility, ewma_volatility, volatility_target

_HOMES = {
    "Allocation": "allocation",
    "ConstrainedKelly": "constrained_kelly",
    "EwmaVolatility": "volatility",
    "KellySize": "kelly",
    "SizeComparison": "tail_sizing",
    "allocate": "allocation",
    "binary_kelly": "kelly",
    "compare_sizes": "tail_sizing",
    "drawdown_aversion": "constrained_kelly",
    "drawdown_fraction": "constrained_kelly",
    "es_size": "tail_sizing",
    "ewma_volatility": "volatility",
    "fractional_kelly": "kelly",
    "gaussian_es": "tail_sizing",
    "gaussian_kelly": "kelly",
    "no_trade_band": "bands",
    "risk_constrained_kelly": "constrained_kelly",
    "risk_contributions": "parity",
    "risk_parity": "parity",
    "shrunk_mean": "kelly",
    "student_t_es": "tail_sizing",
    "tail_mean": "tail_sizing",
    "volatility_target": "volatility",
}

__all__ = [
    "Allocation",
    "ConstrainedKelly",
    "EwmaVolatility",
    "KellySize",
    "SizeComparison",
    "allocate",
    "binary_kelly",
    "compare_sizes",
    "drawdown_aversion",
    "drawdown_fraction",
    "es_size",
    "ewma_volatility",
    "fractional_kelly",
    "gaussian_es",
    "gaussian_kelly",
    "no_trade_band",
    "risk_constrained_kelly",
    "risk_contributions",
    "risk_parity",
    "shrunk_mean",
    "student_t_es",
    "tail_mean",
    "volatility_target",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'protection.decision' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"protection.decision.{home}"), name)
    globals()[name] = value
    return value
