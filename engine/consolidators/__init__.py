"""Consolidators: larger bars from smaller ones."""

from __future__ import annotations

from engine.consolidators.base import ConsolidatorBase, PythonConsolidator
from engine.consolidators.calendar import Calendar, CalendarInfo, CalendarType
from engine.consolidators.identity import (
    FilteredIdentityDataConsolidator,
    IdentityDataConsolidator,
)
from engine.consolidators.market_hours import MarketHourAwareConsolidator
from engine.consolidators.period import (
    BaseDataConsolidator,
    DynamicDataConsolidator,
    QuoteBarConsolidator,
    TickConsolidator,
    TickQuoteBarConsolidator,
    TradeBarConsolidator,
)
from engine.consolidators.price_bars import RangeBar, RenkoBar, VolumeRenkoBar
from engine.consolidators.range_bars import ClassicRangeConsolidator, RangeConsolidator
from engine.consolidators.renko import (
    ClassicRenkoConsolidator,
    RenkoConsolidator,
    VolumeRenkoConsolidator,
    WickedRenkoConsolidator,
)
from engine.consolidators.sequential import SequentialConsolidator
from engine.consolidators.subscriptions import SubscriptionManager

__all__ = [
    "BaseDataConsolidator",
    "Calendar",
    "CalendarInfo",
    "CalendarType",
    "ClassicRangeConsolidator",
    "ClassicRenkoConsolidator",
    "ConsolidatorBase",
    "DynamicDataConsolidator",
    "FilteredIdentityDataConsolidator",
    "IdentityDataConsolidator",
    "MarketHourAwareConsolidator",
    "PythonConsolidator",
    "QuoteBarConsolidator",
    "RangeBar",
    "RangeConsolidator",
    "RenkoBar",
    "RenkoConsolidator",
    "SequentialConsolidator",
    "SubscriptionManager",
    "TickConsolidator",
    "TickQuoteBarConsolidator",
    "TradeBarConsolidator",
    "VolumeRenkoBar",
    "VolumeRenkoConsolidator",
    "WickedRenkoConsolidator",
]
