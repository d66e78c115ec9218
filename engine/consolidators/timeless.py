"""The base of consolidators that look at prices, not at time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.consolidators.base import ConsolidatorBase
from engine.types.bars import BaseData, Tick, TradeBar
from engine.types.decimals import to_decimal

Selector = Callable[[Any], Any]


def exact_value(data: Any) -> Decimal:
    """Return the exact value of a bar, tick or point."""
    return data._exact_price() if isinstance(data, BaseData) else to_decimal(data.value)


def volume_of(data: Any) -> float:
    """Return the volume of a trade bar, the quantity of a tick, else zero."""
    if isinstance(data, TradeBar):
        return data.volume
    return data.quantity if isinstance(data, Tick) else 0.0


class TimelessConsolidator(ConsolidatorBase):
    """Keeps a bar that a value and a volume are put into."""

    _typed = "before"
    _scans = False

    def __init__(
        self, selector: Selector | None = None, volume_selector: Selector | None = None
    ) -> None:
        super().__init__()
        self._selector, self._volume_selector = selector, volume_selector
        self._bar: Any = None

    @property
    def working_data(self) -> Any:
        return None if self._bar is None else self._bar.clone()

    def _idle(self) -> bool:
        return True

    def update(self, data: Any) -> None:
        select, select_volume = self._selector, self._volume_selector
        value = exact_value(data) if select is None else to_decimal(select(data))
        volume = volume_of(data) if select_volume is None else float(select_volume(data))
        if self._bar is not None:
            self._advance(data.time, value, volume)
        if self._bar is None:
            self._create(data, value, volume)

    def _advance(self, time: datetime, value: Decimal, volume: float) -> None:
        raise NotImplementedError

    def _create(self, data: Any, value: Decimal, volume: float) -> None:
        raise NotImplementedError

    def reset(self) -> None:
        super().reset()
        self._bar = None
