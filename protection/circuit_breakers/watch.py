"""What is seen of one symbol: validity of its data, volatility against its normal, flash moves."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from protection.circuit_breakers.tuning.rates import RateThreshold
from protection.contracts.errors import RecoverState
from protection.contracts.records import Bar, Price, Quote, Trade
from protection.contracts.settings import FlashSettings, VolatilitySettings

_SLACK = 1e-6
_INFINITE = math.inf  # two looks fewer a bar


def record_fault(record: Price) -> str:
    """Why the figures of a record are impossible, or an empty string."""
    if isinstance(record, Bar):
        low, high = record.low, record.high
        if 0.0 < low <= record.open <= high < math.inf and low <= record.close <= high:
            return ""
        prices = (record.open, record.high, record.low, record.close)
        for price in prices:
            if not (price > 0.0 and math.isfinite(price)):
                return f"expected finite prices above 0, was {prices}"
        slack = record.high * _SLACK
        top, bottom = max(record.open, record.close), min(record.open, record.close)
        if record.high + slack < top or record.low - slack > bottom:
            return f"expected low <= open, close <= high, was {prices}"
        return ""
    if isinstance(record, Quote):
        for price in (record.bid, record.ask):
            if not (price > 0.0 and math.isfinite(price)):
                return f"expected a finite bid and ask above 0, was {record.bid} / {record.ask}"
        return "" if record.bid <= record.ask else f"crossed quote {record.bid} / {record.ask}"
    if not (record.price > 0.0 and math.isfinite(record.price)):
        return f"expected a finite price above 0, was {record.price}"
    return ""


def record_price(record: Price) -> float:
    """Close, middle of the quote, or traded price."""
    if isinstance(record, Bar):
        return record.close
    if isinstance(record, Trade):
        return record.price
    return 0.5 * (record.bid + record.ask)


class VolatilityMeter:
    """Present volatility over normal volatility, from bars of any length.

    A session's variance is the sum of squared logarithmic returns of its bars, the step from the
    last session's close included. Present volatility is the root mean of the last ``fast``
    sessions (the running one counts from its first bar on), normal volatility that of the
    ``slow`` sessions before them. The two do not overlap, so the ratio is not bounded.
    """

    __slots__ = (
        "_before", "_close", "_fast", "_fast_sum", "_lately", "_normal", "_run", "_session",
        "_slow", "ratio",
    )  # fmt: skip

    def __init__(self, settings: VolatilitySettings) -> None:
        self._fast, self._slow = settings.fast_sessions, settings.slow_sessions
        # variances of the sessions that are over, oldest first: those that count as present
        # beside the running one, and those before them
        self._lately: list[float] = []
        self._before: list[float] = []
        self._session: date | None = None
        self._close = 0.0
        self._run = 0.0
        self._fast_sum = 0.0
        self._normal = 0.0
        self.ratio = 0.0
        """Present over normal volatility; 0 while the normal is unknown or nil."""

    def update(self, close: float, session: date) -> float:
        """Take a bar's close; returns :attr:`ratio`."""
        step = math.log(close / self._close) if self._close > 0.0 else 0.0
        self._close = close
        if session != self._session:
            if self._session is not None:
                lately, before = self._lately, self._before
                lately.append(self._run)
                if len(lately) == self._fast:
                    before.append(lately.pop(0))
                    if len(before) > self._slow:
                        del before[0]
            self._session, self._run = session, 0.0
            self._recount()
        self._run += step * step
        self.ratio = ratio = self._compare()
        return ratio

    def _compare(self) -> float:
        normal = self._normal
        if normal <= 0.0:
            return 0.0
        return math.sqrt((self._fast_sum + self._run) / self._fast) / normal

    def _recount(self) -> None:
        before, slow = self._before, self._slow
        self._fast_sum = sum(self._lately)
        self._normal = math.sqrt(sum(before) / slow) if len(before) == slow else 0.0

    def snapshot(self) -> dict[str, Any]:
        """Plain data for a restart."""
        return {
            "past": [*self._before, *self._lately],
            "session": None if self._session is None else self._session.isoformat(),
            "close": self._close,
            "run": self._run,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a snapshot.

        Raises
        ------
        RecoverState
            When it is not one.
        """
        try:
            session = state["session"]
            past = [float(value) for value in state["past"]]
            self._session = None if session is None else date.fromisoformat(session)
            self._close, self._run = float(state["close"]), float(state["run"])
        except (KeyError, TypeError, ValueError) as error:
            raise RecoverState(f"expected a volatility snapshot, was not: {error!r}") from error
        begin = max(0, len(past) - self._fast + 1)
        self._before, self._lately = past[:begin][-self._slow :], past[begin:]
        self._recount()
        self.ratio = self._compare()


class FlashMeter:
    """Largest relative move within the last span of time, up or down.

    Prices are compared with every price at most ``seconds`` old; a bar no longer than the span is
    also compared with its own low and high (which came first is unknown, so the range counts from
    the low). Longer bars say nothing about a minute and are left
    out, and so is the gap from one session to the next.
    """

    __slots__ = ("_lows", "_peaks", "_value", "last", "span")

    def __init__(self, settings: FlashSettings) -> None:
        self.span = timedelta(seconds=settings.seconds)
        """Age of the oldest price that counts."""
        self._peaks: deque[tuple[datetime, float]] = deque()
        self._lows: deque[tuple[datetime, float]] = deque()
        self.last: datetime | None = None
        """Time of the last record that was taken in."""
        self._value = 0.0

    def update(self, record: Price) -> float:
        """Take a record; returns the move it completes."""
        time = record.time
        if isinstance(record, Bar):
            if record.period > self.span:
                return self.value(time)
            high, low, close = record.high, record.low, record.close
        else:
            high = low = close = record_price(record)
        begin = time - self.span
        peaks, lows = self._peaks, self._lows
        while peaks and peaks[0][0] < begin:
            peaks.popleft()
        while lows and lows[0][0] < begin:
            lows.popleft()
        floor = min(low, lows[0][1]) if lows else low
        ceiling = max(high, peaks[0][1]) if peaks else high
        self._value = max(high / floor - 1.0, 1.0 - low / ceiling)
        self.last = time
        while peaks and peaks[-1][1] <= close:
            peaks.pop()
        peaks.append((time, close))
        while lows and lows[-1][1] >= close:
            lows.pop()
        lows.append((time, close))
        return self._value

    def value(self, now: datetime) -> float:
        """The last move while it is not older than the span, else 0."""
        if self.last is None or now - self.last > self.span:
            return 0.0
        return self._value


class SymbolWatch:
    """All that is known of one symbol's data."""

    __slots__ = ("_times", "fault", "flash", "price", "rate", "symbol", "time", "volatility")

    def __init__(self, symbol: str, volatility: VolatilitySettings, flash: FlashSettings) -> None:
        self.symbol = symbol
        self.fault = ""
        self.price: float | None = None
        self.time: datetime | None = None
        self.volatility = VolatilityMeter(volatility)
        self.rate: RateThreshold | None = None
        if volatility.rate is not None and volatility.ratio is not None:
            self.rate = RateThreshold(
                volatility.ratio, volatility.rate, volatility.cooldown_sessions
            )
        self.flash = FlashMeter(flash)
        self._times: dict[type[Price], datetime] = {}

    def judge(self, record: Price, latest: datetime) -> str:
        """Why the record cannot be taken in, or an empty string.

        Parameters
        ----------
        record : what arrived
        latest : the present time plus the tolerance for clocks that run ahead
        """
        time = record.time
        if time.tzinfo is None:
            return f"expected a time with a time zone, was {time}"
        fault = record_fault(record)
        if fault:
            return fault
        if time > latest:
            return f"expected a time up to {latest.isoformat()}, was {time.isoformat()}"
        previous = self._times.get(type(record))
        if previous is not None and time < previous:
            return f"expected a time from {previous.isoformat()} on, was {time.isoformat()}"
        return ""

    def expects(self, bar: Bar, latest: datetime, good: datetime | None = None) -> bool:
        """Whether a bar is news of the usual kind: possible, and nothing stands against it.

        True only where :meth:`judge` finds no fault; a bar that is not expected may still be good.

        Parameters
        ----------
        latest : as in :meth:`judge`
        good : a time that another bar passed with: it is aware, and not after ``latest``
        """
        low, high, time = bar.low, bar.high, bar.time
        if self.fault or bar.filled_forward:
            return False
        if not (0.0 < low <= bar.open <= high < _INFINITE and low <= bar.close <= high):
            return False
        if time is not good and (time.tzinfo is None or not time <= latest):
            return False
        previous = self._times.get(Bar)
        return previous is None or previous <= time

    def follow(self, bar: Bar, session: date) -> tuple[float, float]:
        """Take in a bar that :meth:`expects` let pass; returns the present ratio of volatilities
        and the present flash move.

        What :meth:`take` does, without its questions.
        """
        time = bar.time
        self._times[Bar] = time
        if self.time is None or time >= self.time:
            self.time, self.price = time, bar.close
        ratio = self.volatility.update(bar.close, session)
        if self.rate is not None:
            self.rate.update(ratio, session)
        flash = self.flash
        if flash.last is None and bar.period > flash.span:
            return ratio, 0.0  # daily bars alone
        return ratio, flash.update(bar)

    def take(self, record: Price, session: date) -> None:
        """Take in a record that :meth:`judge` found possible."""
        time = record.time
        self._times[type(record)] = time
        if isinstance(record, Bar):
            if record.filled_forward:
                return  # a copy of an old bar is no sign of life and moves nothing
            if self.time is None or time >= self.time:
                self.time, self.price = time, record.close
            ratio = self.volatility.update(record.close, session)
            if self.rate is not None:
                self.rate.update(ratio, session)
        elif self.time is None or time >= self.time:
            self.time, self.price = time, record_price(record)
        self.flash.update(record)

    @property
    def level(self) -> float | None:
        """Learned threshold of the volatility rule; None where the rule's own holds."""
        return None if self.rate is None else self.rate.level

    def snapshot(self) -> dict[str, Any]:
        """Plain data for a restart."""
        kept = self.volatility.snapshot()
        if self.rate is not None:
            kept["rate"] = self.rate.snapshot()
        return kept

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a snapshot.

        Raises
        ------
        RecoverState
            When it is not one.
        """
        self.volatility.restore(state)
        if self.rate is not None and "rate" in state:
            self.rate.restore(state["rate"])

    def measure(self, rule: str, now: datetime) -> float:
        """Present value of the rule of that name, ``volatility`` or ``flash``."""
        return self.volatility.ratio if rule == "volatility" else self.flash.value(now)
