"""Fill models: at which price, when and how much of an order is filled."""

from engine.orders.fills.equity import EquityFillModel
from engine.orders.fills.latest import ImmediateFillModel, LatestPriceFillModel
from engine.orders.fills.model import FillModel
from engine.orders.fills.prices import Fill, FillModelParameters, Prices

__all__ = [
    "EquityFillModel",
    "Fill",
    "FillModel",
    "FillModelParameters",
    "ImmediateFillModel",
    "LatestPriceFillModel",
    "Prices",
]
