"""Checks on the flow of orders: rates, repetitions, sums over time.

Everything let through counts at once, whether it adds or reduces; only orders that add are
refused. The spans are measured on the snapshots' times; a clock that goes back frees nothing.
"""

from __future__ import annotations

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
_FEW, _MOST = 100, 10_000
"""Orders remembered to tell duplicates: whatever their age, and at most."""


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
    """How many things happened within a span of time, against a limit."""

    __slots__ = ("_limit", "_span", "_times")

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit, self._span = limit, timedelta(seconds=seconds)
        self._times: deque[datetime] = deque()

    def add(self, now: datetime) -> None:
        """Count one."""
        times = self._times
        if times and times[0] != now:
            self._forget(now)  # so that the queue stays short
        times.append(now)

    def full(self, now: datetime) -> bool:
        """Whether as many as the limit are younger than the span."""
        if len(self._times) < self._limit:
            return False
        self._forget(now)
        return len(self._times) >= self._limit

    def _forget(self, now: datetime) -> None:
        times, begin = self._times, now - self._span
        while times and times[0] <= begin:
            times.popleft()

    def clear(self) -> None:
        """Forget everything."""
        self._times.clear()


class Median:
    """Median of the last values.

    Whether a value is far above it is asked about each order, and it is almost never near: the
    values are sorted only when a bound below the median does not settle it. A value more or one
    that is replaced moves the median by one place at most, so that a bound so many places lower
    holds for as many of them.
    """

    __slots__ = ("_bound", "_holds", "_values")

    def __init__(self, most: int) -> None:
        self._values: deque[float] = deque(maxlen=most)
        self._bound, self._holds = 0.0, 0

    def __len__(self) -> int:
        return len(self._values)

    def add(self, value: float) -> None:
        """Take in a number; infinite ones count, too."""
        self._values.append(value)
        self._holds -= 1

    def value(self) -> float:
        """The median itself."""
        ordered = sorted(self._values)
        size = len(ordered)
        half = size // 2
        self._holds = size // 4
        self._bound = ordered[max(0, size - half - 1 - self._holds)]
        return ordered[half] if size % 2 else (ordered[half - 1] + ordered[half]) / 2

    def below(self, value: float, multiple: float) -> bool:
        """Whether the median times ``multiple`` is below ``value``."""
        if self._holds >= 0 and value <= multiple * self._bound:
            return False
        return not value <= multiple * self.value()


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
        most = s.max_messages
        self._messages = None if most is None else Count(most, s.message_seconds)
        most = s.max_orders
        self._orders = None if most is None else Count(most, s.order_seconds)
        self._values = None if s.window_notional is None else Window(s.window_seconds)
        self._quantities: dict[str, Window] = {}
        self._signals: dict[tuple[str, str, bool], Count] = {}
        self._last: dict[tuple[Any, ...], datetime] = {}
        self._passed: deque[tuple[Any, ...]] = deque()  # the same ones, as they came
        self._apart = timedelta(seconds=s.duplicate_seconds or 0.0)
        self._history = None if s.history_multiple is None else Median(s.history_orders)
        self._day, self._count = -1, 0

    @property
    def durable(self) -> bool:
        """Whether every order changes something that must outlive a restart."""
        return self._settings.per_day is not None

    def record(self, order: OrderRequest, asked: Asked | None, now: datetime) -> None:
        """Count an order that was let through; ``asked`` when it adds."""
        if now.tzinfo is None:
            return  # judged by nothing that has a clock
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
            self._remember(asked.likeness or _likeness(order), now)
        if settings.repeats is not None:
            key = (order.strategy, symbol, quantity > 0.0)
            count = self._signals.get(key)
            if count is None:
                count = Count(settings.repeats, settings.repeat_seconds)
                self._signals[key] = count
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

    def _remember(self, likeness: tuple[Any, ...], now: datetime) -> None:
        """Keep when an order passed, the latest last; of many, the old ones go."""
        last, passed = self._last, self._passed
        last[likeness] = now
        passed.append(likeness)
        if len(passed) > _FEW:
            for _ in range(2):  # more go than come, and never many at once
                oldest = last.get(passed[0])
                if oldest is not None and now - oldest < self._apart and len(passed) <= _MOST:
                    return
                last.pop(passed.popleft(), None)

    # ------------------------------------------------------------------ early checks

    def early(self, asked: Asked, refusals: list[Refusal]) -> None:
        """Every early check; those that refuse add why."""
        settings, order, now = self._settings, asked.order, asked.now
        count = self._messages
        if count is not None and count.full(now):
            refusals.append(self._too_many_messages())
        if order.is_update:
            return
        count = self._orders
        if count is not None and count.full(now):
            refusals.append(self._too_many_orders())
        limit = settings.per_day
        if limit is not None and self._count >= limit and self._day == self._session():
            text = f"{self._count} orders today, limit {limit}"
            refusals.append(Refusal("orders_per_day", text, 0.0))
        if settings.duplicate_seconds is not None:
            asked.likeness = likeness = _likeness(order)
            last = self._last.get(likeness)
            if last is not None and now - last < self._apart:
                refusals.append(self._duplicate(order, last))
        if settings.repeats is not None:
            count = self._signals.get((order.strategy, asked.symbol, asked.quantity > 0.0))
            if count is not None and count.full(now):
                count.clear()
                refusals.append(self._repeated(asked))

    def _too_many_messages(self) -> Refusal:
        """More orders and updates a span than allowed."""
        s = self._settings
        text = (
            f"message rate: {s.max_messages} orders and updates in {s.message_seconds:g} s "
            "are the limit"
        )
        return Refusal("message_rate", text, 0.0)

    def _too_many_orders(self) -> Refusal:
        """More new orders a span than allowed."""
        s = self._settings
        text = f"order rate: {s.max_orders} orders in {s.order_seconds:g} s are the limit"
        return Refusal("order_rate", text, 0.0)

    def _duplicate(self, order: OrderRequest, last: datetime) -> Refusal:
        """The same order again."""
        text = (
            f"duplicate: the same order ({order.quantity:g} {order.symbol}) passed at "
            f"{last.isoformat()}, less than {self._settings.duplicate_seconds:g} s ago"
        )
        return Refusal("duplicate", text, 0.0)

    def _repeated(self, asked: Asked) -> Refusal:
        """The same signal again and again; the system latches the symbol at this refusal."""
        s, strategy = self._settings, asked.order.strategy or "any"
        side = "buy" if asked.quantity > 0.0 else "sell"
        text = (
            f"repeated execution: {s.repeats} orders of the same signal ({strategy} "
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
        if not known.below(value, multiple * (1.0 + _SLACK)):
            return None
        usual = known.value()
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


def _likeness(order: OrderRequest) -> tuple[Any, ...]:
    return (
        order.symbol,
        order.quantity,
        order.kind,
        order.limit_price,
        order.stop_price,
        order.strategy,
    )
