"""Consolidators that pass data on as it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from engine.consolidators.base import ConsolidatorBase
from engine.types.bars import BaseData, Tick
from engine.types.enums import TickType
from engine.types.errors import ArgumentException

_MADE: dict[tuple[type, type], type] = {}
#: kinds whose update is :meth:`IdentityDataConsolidator.update` for no ticks: one step of many may
#: do the same in place
PASSING: set[type] = set()


class IdentityDataConsolidator(ConsolidatorBase):
    """Sends every piece of data once: ``IdentityDataConsolidator[TradeBar]()``."""

    _scans = False
    _is_tick = False

    def __init__(self) -> None:
        super().__init__()
        self._last: Any = None
        self._last_time: datetime | None = None
        # looked at for every piece of data, quicker here than in the class
        self._window = None

    def __class_getitem__(cls, kind: type) -> Any:
        made = _MADE.get((cls, kind))
        if made is None:
            name = f"{cls.__name__}[{kind.__name__}]"
            body = {"_input_type": kind, "_output_type": kind, "_is_tick": kind is Tick}
            made = _MADE[cls, kind] = type(name, (cls,), body)
            if cls is IdentityDataConsolidator and kind is not Tick:
                PASSING.add(made)
        return made

    @property
    def working_data(self) -> Any:
        return None if self._last is None else self._last.clone()

    def update(self, data: Any) -> None:
        end = data.end_time
        if end != self._last_time or self._is_tick:
            self._prev = self._cur
            self._cur = data
            if self._window is not None:
                self._window.add(data)
            for handler in self._general:
                handler(self, data)
            self.consolidated = self._last = data
            self._last_time = end

    def _idle(self) -> bool:
        return True

    def reset(self) -> None:
        super().reset()
        self._last = self._last_time = None


PASSING.add(IdentityDataConsolidator)


class FilteredIdentityDataConsolidator(IdentityDataConsolidator):
    """Sends the data that passes a predicate."""

    def __init__(self, predicate: Callable[[Any], bool]) -> None:
        super().__init__()
        self._predicate = predicate

    @staticmethod
    def for_tick_type(tick_type: TickType) -> FilteredIdentityDataConsolidator:
        """Return a consolidator that sends the ticks of one type."""
        made: Any = FilteredIdentityDataConsolidator.__class_getitem__(Tick)
        return cast(
            FilteredIdentityDataConsolidator, made(lambda tick: tick.tick_type == tick_type)
        )

    def update(self, data: Any) -> None:
        if self._predicate(data):
            super().update(data)


def check_input(consolidator: Any, data: Any) -> None:
    """Refuse data of another type.

    Raises
    ------
    ArgumentException
        Naming both types.
    """
    expected = consolidator.input_type
    if expected is not BaseData and not isinstance(data, expected):
        raise ArgumentException(
            f"Received type of {type(data).__name__} but expected {expected.__name__}"
        )
