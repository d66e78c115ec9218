"""What trading costs: impact, spreads, slippage, schedules, and the analysis afterwards.

Importing the room is cheap; the names below are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from protection.execution.calibration import CalibrationFit, OwnFill, fit_coefficients
    from protection.execution.cost_watch import CostSettings, CostWatch, grade_cost
    from protection.execution.impact import ImpactEstimate, almgren_2005, square_root_impact
    from protection.execution.slippage import SlippageEstimate, SlippageModel, SlippageSettings
    from protection.execution.spread import edge_spread, roll_spread
    from protection.execution.tca import (
        Execution,
        Shortfall,
        implementation_shortfall,
        vwap_slippage,
    )
    from protection.execution.trajectory import Trajectory, almgren_chriss

_HOMES = {
    "CalibrationFit": "calibration",
    "CostSettings": "cost_watch",
    "CostWatch": "cost_watch",
    "Execution": "tca",
    "ImpactEstimate": "impact",
    "OwnFill": "calibration",
    "Shortfall": "tca",
    "SlippageEstimate": "slippage",
    "SlippageModel": "slippage",
    "SlippageSettings": "slippage",
    "Trajectory": "trajectory",
    "almgren_2005": "impact",
    "almgren_chriss": "trajectory",
    "edge_spread": "spread",
    "fit_coefficients": "calibration",
    "grade_cost": "cost_watch",
    "implementation_shortfall": "tca",
    "roll_spread": "spread",
    "square_root_impact": "impact",
    "vwap_slippage": "tca",
}

__all__ = [
    "CalibrationFit",
    "CostSettings",
    "CostWatch",
    "Execution",
    "ImpactEstimate",
    "OwnFill",
    "Shortfall",
    "SlippageEstimate",
    "SlippageModel",
    "SlippageSettings",
    "Trajectory",
    "almgren_2005",
    "almgren_chriss",
    "edge_spread",
    "fit_coefficients",
    "grade_cost",
    "implementation_shortfall",
    "roll_spread",
    "square_root_impact",
    "vwap_slippage",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'protection.execution' has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
