"""Checks on the flow of orders: rates, repetitions, sums over time.

Everything let through counts at once, whether it adds or reduces; only orders that add are
refused. The spans are measured on the snapshots' times; a clock that goes back frees nothing.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from protection.contracts.errors import RecoverState
from protection.contracts.order_settings import OrderSettings
from protection.contracts.records import OrderRequest
from protection.risk.checks.base import Asked, Refusal

_SLACK = 1e-9
_LEAST = 5


class Window:
    """Amounts within a span of time, and their sum."""

    __slots__ = ("_entries", "_span", "_sum")

    def __init__(self, seconds: float) -> None:
        self._span = timedelta(seconds=seconds)
        self._entries: deque[tuple[datetime, float]] = deque()
        self._sum = 0.0

    def add(self, now: datetime, amount: float = 1.0) -> None:
        """Count an amount."""
        self._entries.append((now, amount))
        self._sum += amount

    def total(self, now: datetime) -> float:
        """Sum of what is younger than the span."""
        entries, begin = self._entries, now - self._span
        while entries and entries[0][0] <= begin:
            self._sum -= entries.popleft()[1]
        if not entries:
            self._sum = 0.0  # rounding does not pile up
        return self._sum

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._sum = 0.0


class Flow:
    """What was let through lately.

    Parameters
    ----------
    settings : the limits
    session : number of the present session
    """

    def __init__(self, settings: OrderSettings, session: Callable[[], int]) -> None:
        self._settings = settings
        self._session = session
        self._messages = Window(settings.message_seconds)
        self._orders = Window(settings.order_seconds)
        self._values = Window(settings.window_seconds)
        self._quantities: dict[str, Window] = {}
        self._signals: dict[tuple[str, str, bool], Window] = {}
        self._last: dict[tuple[Any, ...], datetime] = {}
        self._history: deque[float] = deque(maxlen=settings.history_orders)
        self._median = 0.0
        self._day, self._count = -1, 0

    @property
    def durable(self) -> bool:
        """Whether every order changes something that must outlive a restart."""
        return self._settings.per_day is not None

    def record(self, order: OrderRequest, asked: Asked | None, now: datetime) -> None:
        """Count an order that was let through; ``asked`` when it adds."""
        settings = self._settings
        if settings.max_messages is not None:
            self._messages.add(now)
        if order.is_update:
            return
        if settings.max_orders is not None:
            self._orders.add(now)
        if settings.per_day is not None:
            day = self._session()
            self._count = self._count + 1 if day == self._day else 1
            self._day = day
        if asked is None:
            return
        size, value = abs(asked.quantity), abs(asked.quantity) * asked.unit
        if settings.duplicate_seconds is not None:
            if len(self._last) > 10_000:
                self._last.clear()
            self._last[_likeness(order)] = now
        if settings.repeats is not None:
            key = (order.strategy, asked.symbol, asked.quantity > 0.0)
            self._window(self._signals, key, settings.repeat_seconds).add(now)
        if settings.window_quantity is not None:
            self._window(self._quantities, asked.symbol, settings.window_seconds).add(now, size)
        if settings.window_notional is not None:
            self._values.add(now, value)
        if settings.history_multiple is not None:
            self._history.append(value)
            self._median = statistics.median(self._history)

    @staticmethod
    def _window(windows: dict[Any, Window], key: Any, seconds: float) -> Window:
        found = windows.get(key)
        if found is None:
            windows[key] = found = Window(seconds)
        return found

    # ------------------------------------------------------------------ early checks

    def messages(self, asked: Asked) -> Refusal | None:
        """Orders and updates a span."""
        limit, s = self._settings.max_messages or 0, self._settings
        if self._messages.total(asked.now) < limit:
            return None
        text = f"message rate: {limit} orders and updates in {s.message_seconds:g} s are the limit"
        return Refusal("message_rate", text, 0.0)

    def orders(self, asked: Asked) -> Refusal | None:
        """New orders a span."""
        limit, s = self._settings.max_orders or 0, self._settings
        if asked.order.is_update or self._orders.total(asked.now) < limit:
            return None
        text = f"order rate: {limit} orders in {s.order_seconds:g} s are the limit"
        return Refusal("order_rate", text, 0.0)

    def per_day(self, asked: Asked) -> Refusal | None:
        """New orders a session."""
        limit = self._settings.per_day or 0
        if asked.order.is_update or self._day != self._session() or self._count < limit:
            return None
        return Refusal("orders_per_day", f"{self._count} orders today, limit {limit}", 0.0)

    def duplicate(self, asked: Asked) -> Refusal | None:
        """The same order again."""
        order, seconds = asked.order, self._settings.duplicate_seconds or 0.0
        last = None if order.is_update else self._last.get(_likeness(order))
        if last is None or asked.now - last >= timedelta(seconds=seconds):
            return None
        text = (
            f"duplicate: the same order ({order.quantity:g} {order.symbol}) passed at "
            f"{last.isoformat()}, less than {seconds:g} s ago"
        )
        return Refusal("duplicate", text, 0.0)

    def repeated(self, asked: Asked) -> Refusal | None:
        """The same signal again and again; the system latches the symbol at this refusal."""
        order, s = asked.order, self._settings
        key = (order.strategy, asked.symbol, asked.quantity > 0.0)
        window = self._signals.get(key)
        limit = s.repeats or 0
        if order.is_update or window is None or window.total(asked.now) < limit:
            return None
        window.clear()
        side = "buy" if asked.quantity > 0.0 else "sell"
        text = (
            f"repeated execution: {limit} orders of the same signal ({order.strategy or 'any'} "
            f"{side} {asked.symbol}) in {s.repeat_seconds:g} s; latched until re-armed by name"
        )
        return Refusal("repeated_execution", text, 0.0)

    # ------------------------------------------------------------------ late checks

    def history(self, asked: Asked) -> Refusal | None:
        """Value against the account's own orders."""
        multiple = self._settings.history_multiple or 0.0
        value, usual = abs(asked.quantity) * asked.unit, self._median
        if len(self._history) < _LEAST or value <= multiple * usual * (1.0 + _SLACK):
            return None
        text = (
            f"fat finger: {value:,.2f} is more than {multiple:g} x the usual {usual:,.2f} of the "
            f"last {len(self._history)} orders"
        )
        return Refusal("history", text, asked.sized(multiple * usual / asked.unit))

    def window_quantity(self, asked: Asked) -> Refusal | None:
        """Quantity of a symbol over time."""
        s, limit = self._settings, self._settings.window_quantity or 0.0
        window = self._quantities.get(asked.symbol)
        sent = 0.0 if window is None else window.total(asked.now)
        if sent + abs(asked.quantity) <= limit * (1.0 + _SLACK):
            return None
        text = (
            f"quantity over time: {sent + abs(asked.quantity):,.4g} {asked.symbol} in "
            f"{s.window_seconds:g} s, limit {limit:,.4g}"
        )
        return Refusal("window_quantity", text, asked.sized(limit - sent))

    def window_notional(self, asked: Asked) -> Refusal | None:
        """Value of all orders over time."""
        s, limit = self._settings, self._settings.window_notional or 0.0
        sent, value = self._values.total(asked.now), abs(asked.quantity) * asked.unit
        if sent + value <= limit * (1.0 + _SLACK):
            return None
        text = f"value over time: {sent + value:,.2f} in {s.window_seconds:g} s, limit {limit:,.2f}"
        return Refusal("window_notional", text, asked.sized((limit - sent) / asked.unit))

    # ------------------------------------------------------------------ state

    def snapshot(self) -> dict[str, Any]:
        """What a restart needs: the day's count. Spans of seconds begin anew."""
        return {"session": self._day, "count": self._count}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a snapshot; an empty one is none.

        Raises
        ------
        RecoverState
            When it is not one.
        """
        if not state:
            return
        try:
            self._day, self._count = int(state["session"]), int(state["count"])
        except (KeyError, TypeError, ValueError) as error:
            raise RecoverState(f"expected the flow of orders, was not: {error!r}") from error


def _likeness(order: OrderRequest) -> tuple[Any, ...]:
    return (
        order.symbol,
        order.quantity,
        order.kind,
        order.limit_price,
        order.stop_price,
        order.strategy,
    )
