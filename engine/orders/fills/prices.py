"""What fill models are given and what they give back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.orders.event import OrderEvent
from engine.orders.exact import Exact
from engine.types.decimals import ZERO
from engine.types.dotnet import LeanDict, LeanObject


class Prices(LeanObject):
    """Prices of one bar or quote; a zero open, high, low or close stands for the current price.

    Made by ``Prices(bar)``, ``Prices(time, end_time, bar)`` or
    ``Prices(time, end_time, current, open, high, low, close)``; times are exchange time.
    """

    __slots__ = ("_close", "_current", "_high", "_low", "_open", "end_time", "time")

    current = Exact()
    open = Exact()
    high = Exact()
    low = Exact()
    close = Exact()

    def __init__(self, *args: Any) -> None:
        if len(args) == 7:
            self.time: datetime = args[0]
            self.end_time: datetime = args[1]
            self.current = args[2]
            self.open, self.high, self.low, self.close = args[3:]
        else:
            bar = args[-1]
            self.time, self.end_time = (bar.time, bar.end_time) if len(args) == 1 else args[:2]
            self._current: Decimal = bar._d_close
            self._open: Decimal = bar._d_open
            self._high: Decimal = bar._d_high
            self._low: Decimal = bar._d_low
            self._close: Decimal = bar._d_close
        current = self._current
        self._open = self._open or current
        self._high = self._high or current
        self._low = self._low or current
        self._close = self._close or current


class Fill(LeanObject):
    """The events that a model made of one order."""

    def __init__(self, order_events: Any) -> None:
        one = isinstance(order_events, OrderEvent)
        self._events: list[OrderEvent] = [order_events] if one else list(order_events)

    def __iter__(self) -> Iterator[OrderEvent]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)


class SubscriptionConfigs(LeanObject):
    """``parameters.config_provider``: the subscriptions of a symbol."""

    def __init__(self, algorithm: Any) -> None:
        self._algorithm = algorithm

    def get_subscription_data_configs(
        self, symbol: Any, include_internal_configs: bool = False
    ) -> list[Any]:
        configs = self._algorithm.securities[symbol].subscriptions
        return [c for c in configs if include_internal_configs or not c.is_internal_feed]


class FillModelParameters(LeanObject):
    """Everything a fill model may look at."""

    __slots__ = (
        "config_provider", "on_order_updated", "order", "securities_for_orders", "security",
        "stale_price_time_span",
    )  # fmt: skip

    def __init__(
        self,
        security: Any,
        order: Any,
        config_provider: Any,
        stale_price_time_span: timedelta,
        securities_for_orders: dict[Any, Any],
        on_order_updated: Callable[[Any], Any] | None = None,
    ) -> None:
        self.security = security
        self.order = order
        self.config_provider = config_provider
        self.stale_price_time_span = stale_price_time_span
        self.securities_for_orders: LeanDict[Any, Any] = LeanDict(securities_for_orders or {})
        self.on_order_updated = on_order_updated or (lambda _order: None)


NO_PRICE = ZERO
