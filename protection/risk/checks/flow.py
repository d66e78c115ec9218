"""Checks on the flow of orders: rates, repetitions, sums over time.

Everything let through counts at once, whether it adds or reduces; only orders that add are
refused. The spans are measured on the snapshots' times; a clock that goes back frees nothing.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from protection.contracts.errors import RecoverState
from protection.contracts.order_settings import OrderSettings
from protection.contracts.records import OrderRequest
from protection.risk.checks.base import Asked, Refusal

_SLACK = 1e-9
_LEAST = 5
_MOST = 10_000
"""Orders remembered to tell duplicates."""


class Window:
    """Amounts within a span of time, and their sum."""

    __slots__ = ("_amounts", "_span", "_sum", "_times")

    def __init__(self, seconds: float) -> None:
        self._span = timedelta(seconds=seconds)
        # two queues of plain values: pairs would be one more thing a call to collect garbage from
        self._times: deque[datetime] = deque()
        self._amounts: deque[float] = deque()
        self._sum = 0.0

    def add(self, now: datetime, amount: float = 1.0) -> None:
        """Count an amount."""
        self._times.append(now)
        self._amounts.append(amount)
        self._sum += amount

    def total(self, now: datetime) -> float:
        """Sum of what is younger than the span."""
        times = self._times
        if times and times[0] <= (begin := now - self._span):
            while times and times[0] <= begin:
                times.popleft()
                self._sum -= self._amounts.popleft()
        if not times:
            self._sum = 0.0  # rounding does not pile up
        return self._sum

    def clear(self) -> None:
        """Forget everything."""
        self._times.clear()
        self._amounts.clear()
        self._sum = 0.0


class Count:
    """How many things happened within a span of time."""

    __slots__ = ("_span", "_times")

    def __init__(self, seconds: float) -> None:
        self._span = timedelta(seconds=seconds)
        self._times: deque[datetime] = deque()

    def add(self, now: datetime) -> None:
        """Count one."""
        times = self._times
        if times and times[0] < now:
            self.reaches(len(times), now)  # what is over goes, so that the queue stays short
        times.append(now)

    def reaches(self, limit: int, now: datetime) -> bool:
        """Whether at least so many are younger than the span."""
        times = self._times
        if len(times) < limit:
            return False
        begin = now - self._span
        while times and times[0] <= begin:
            times.popleft()
        return len(times) >= limit

    def clear(self) -> None:
        """Forget everything."""
        self._times.clear()


class Median:
    """Median of the last values, kept in sequence."""

    __slots__ = ("_last", "_ordered", "value")

    def __init__(self, most: int) -> None:
        self._last: deque[float] = deque(maxlen=most)
        self._ordered: list[float] = []
        self.value = 0.0

    def __len__(self) -> int:
        return len(self._last)

    def add(self, value: float) -> None:
        """Take in a number; infinite ones count, too."""
        last, ordered = self._last, self._ordered
        if len(last) == last.maxlen:
            del ordered[bisect_left(ordered, last[0])]
        last.append(value)
        insort(ordered, value)
        half = len(ordered) // 2
        odd = len(ordered) % 2
        self.value = ordered[half] if odd else (ordered[half - 1] + ordered[half]) / 2


class Flow:
    """What was let through lately.

    Parameters
    ----------
    settings : the limits
    session : number of the present session
    """

    def __init__(self, settings: OrderSettings, session: Callable[[], int]) -> None:
        s = self._settings = settings
        self._session = session
        self._messages = None if s.max_messages is None else Count(s.message_seconds)
        self._orders = None if s.max_orders is None else Count(s.order_seconds)
        self._values = None if s.window_notional is None else Window(s.window_seconds)
        self._quantities: dict[str, Window] = {}
        self._signals: dict[tuple[str, str, bool], Count] = {}
        self._last: OrderedDict[tuple[Any, ...], datetime] = OrderedDict()
        self._apart = timedelta(seconds=s.duplicate_seconds or 0.0)
        self._alike: tuple[OrderRequest, tuple[Any, ...]] | None = None
        self._history = None if s.history_multiple is None else Median(s.history_orders)
        self._day, self._count = -1, 0

    @property
    def durable(self) -> bool:
        """Whether every order changes something that must outlive a restart."""
        return self._settings.per_day is not None

    def record(self, order: OrderRequest, asked: Asked | None, now: datetime) -> None:
        """Count an order that was let through; ``asked`` when it adds."""
        settings = self._settings
        if self._messages is not None:
            self._messages.add(now)
        if order.is_update:
            return
        if self._orders is not None:
            self._orders.add(now)
        if settings.per_day is not None:
            day = self._session()
            self._count = self._count + 1 if day == self._day else 1
            self._day = day
        if asked is None:
            return
        symbol, quantity = asked.symbol, asked.quantity
        size = abs(quantity)
        if settings.duplicate_seconds is not None:
            self._remember(self._likeness(order), now)
        if settings.repeats is not None:
            key = (order.strategy, symbol, quantity > 0.0)
            count = self._signals.get(key)
            if count is None:
                count = self._signals[key] = Count(settings.repeat_seconds)
            count.add(now)
        if settings.window_quantity is not None:
            window = self._quantities.get(symbol)
            if window is None:
                window = self._quantities[symbol] = Window(settings.window_seconds)
            window.add(now, size)
        if self._values is not None:
            self._values.add(now, size * asked.unit)
        if self._history is not None:
            self._history.add(size * asked.unit)

    def _likeness(self, order: OrderRequest) -> tuple[Any, ...]:
        """What makes two orders the same one; the check and the count ask about each order."""
        known = self._alike
        if known is not None and known[0] is order:
            return known[1]
        made = (
            order.symbol,
            order.quantity,
            order.kind,
            order.limit_price,
            order.stop_price,
            order.strategy,
        )
        self._alike = (order, made)
        return made

    def _remember(self, likeness: tuple[Any, ...], now: datetime) -> None:
        """Keep when an order passed, the latest last; what is no duplicate any more goes."""
        last = self._last
        if likeness in last:
            last.move_to_end(likeness)
        last[likeness] = now
        for _ in range(2):  # more go than come, and never many at once
            oldest = next(iter(last))
            if oldest is likeness or (now - last[oldest] < self._apart and len(last) <= _MOST):
                return
            del last[oldest]

    # ------------------------------------------------------------------ early checks

    def messages(self, asked: Asked) -> Refusal | None:
        """Orders and updates a span."""
        s, known = self._settings, self._messages
        limit = s.max_messages
        if known is None or limit is None or not known.reaches(limit, asked.now):
            return None
        text = f"message rate: {limit} orders and updates in {s.message_seconds:g} s are the limit"
        return Refusal("message_rate", text, 0.0)

    def orders(self, asked: Asked) -> Refusal | None:
        """New orders a span."""
        s, known = self._settings, self._orders
        limit = s.max_orders
        if known is None or limit is None or asked.order.is_update:
            return None
        if not known.reaches(limit, asked.now):
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
        order = asked.order
        last = None if order.is_update else self._last.get(self._likeness(order))
        if last is None or asked.now - last >= self._apart:
            return None
        seconds = self._settings.duplicate_seconds
        text = (
            f"duplicate: the same order ({order.quantity:g} {order.symbol}) passed at "
            f"{last.isoformat()}, less than {seconds:g} s ago"
        )
        return Refusal("duplicate", text, 0.0)

    def repeated(self, asked: Asked) -> Refusal | None:
        """The same signal again and again; the system latches the symbol at this refusal."""
        order, s = asked.order, self._settings
        window = self._signals.get((order.strategy, asked.symbol, asked.quantity > 0.0))
        limit = s.repeats
        if window is None or limit is None or order.is_update:
            return None
        if not window.reaches(limit, asked.now):
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
        value, known = abs(asked.quantity) * asked.unit, self._history
        if known is None or len(known) < _LEAST:
            return None
        usual = known.value
        if value <= multiple * usual * (1.0 + _SLACK):
            return None
        text = (
            f"fat finger: {value:,.2f} is more than {multiple:g} x the usual {usual:,.2f} of the "
            f"last {len(known)} orders"
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
        value = abs(asked.quantity) * asked.unit
        sent = 0.0 if self._values is None else self._values.total(asked.now)
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
